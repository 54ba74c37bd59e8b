"""Real server processes on a database that is there already."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx

from fullhouse.settings import as_environment
from tests.support.processes import free_port
from tests.support.settings import settings_for

_ROOT = Path(__file__).parents[2]


@contextlib.contextmanager
def api_server(
    database_url: str, log: Path, port: int | None = None, **options: Any
) -> Iterator[str]:
    """One server process with the API only; answers its address. Killed at the end."""
    with api_process(database_url, log, port, **options) as (address, _process):
        yield address


@contextlib.contextmanager
def api_process(
    database_url: str, log: Path, port: int | None = None, **options: Any
) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """The same, with the leader of the process group, to be killed or stopped as a whole.

    ``options`` are settings.
    """
    port = port or free_port()
    options = {"port": port, "log_level": "warning", **options}
    environment = os.environ | as_environment(settings_for(database_url, **options))
    environment["PYTHONPATH"] = str(_ROOT / "src")
    with log.open("ab") as output:
        process = subprocess.Popen(
            [
                sys.executable, "-m", "granian", "--interface", "asgi", "--factory",
                "--port", str(port), "--backlog", "4096", "--no-access-log",
                "fullhouse.app:create_app",
            ],
            env=environment,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )  # fmt: skip
    address = f"http://127.0.0.1:{port}"
    try:
        _wait_until_ready(address, process, log)
        yield address, process
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _wait_until_ready(address: str, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        assert process.poll() is None, log.read_text()
        with contextlib.suppress(httpx.TransportError):
            if httpx.get(f"{address}/health/ready").status_code == 200:
                return
        time.sleep(0.05)
    raise AssertionError(f"not ready in time: {log.read_text()}")
