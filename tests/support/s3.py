"""A storage that speaks S3: moto's server on a port of its own, as others would run theirs."""

import contextlib
import logging
import threading
from collections.abc import Iterator

import httpx
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from obstore.store import S3Store
from werkzeug.serving import BaseWSGIServer, make_server

from tests.support.processes import free_port

KEY, SECRET, REGION = "kanarie-key", "kanarie-secret", "eu-central-1"


class S3Server:
    """Starts and stops; what it keeps lives as long as the test process."""

    def __init__(self) -> None:
        self.port = free_port()
        self._server: BaseWSGIServer | None = None
        self._thread: threading.Thread | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Listen; before and after nobody answers at the port."""
        logging.getLogger("werkzeug").setLevel(logging.ERROR)
        app = DomainDispatcherApplication(create_backend_app)
        self._server = make_server("127.0.0.1", self.port, app, threaded=True)
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        if self._server is not None and self._thread is not None:
            self._server.shutdown()
            self._thread.join()
            self._server.server_close()
            self._server = None

    def make_bucket(self, name: str) -> None:
        """An empty bucket."""
        body = (
            "<CreateBucketConfiguration>"
            f"<LocationConstraint>{REGION}</LocationConstraint></CreateBucketConfiguration>"
        )
        answer = httpx.put(f"{self.url}/{name}", content=body)
        assert answer.status_code == 200, answer.text

    def keys(self, bucket: str) -> list[str]:
        """What is in a bucket."""
        return sorted(found["path"] for batch in self._open(bucket).list() for found in batch)

    def read(self, bucket: str, key: str) -> tuple[bytes, dict[str, str]]:
        """An object, and what is kept of it besides."""
        found = self._open(bucket).get(key)
        return bytes(found.bytes()), {str(name): value for name, value in found.attributes.items()}

    def _open(self, bucket: str) -> S3Store:
        return S3Store(
            bucket,
            config={
                "endpoint": self.url,
                "region": REGION,
                "access_key_id": KEY,
                "secret_access_key": SECRET,
            },
            client_options={"allow_http": True},
        )


@contextlib.contextmanager
def s3_server() -> Iterator[S3Server]:
    """A server that listens."""
    server = S3Server()
    server.start()
    try:
        yield server
    finally:
        server.stop()
