"""What a bench stands on: a folder, PostgreSQL, and processes that surely end with it."""

import contextlib
import http.client
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from bench.errors import BenchError
from fullhouse.kit.embedded import EmbeddedPostgres

HOST = "127.0.0.1"
_ROOT = Path(__file__).parents[1]
_READY_SECONDS = 60
_POLL_SECONDS = 0.01
_STOP_SECONDS = 20
_ANSWER_SECONDS = 30
_LOG_TAIL_CHARACTERS = 2_000


@contextlib.contextmanager
def temporary_folder() -> Iterator[Path]:
    """An empty folder that PostgreSQL's own account can enter, gone at the end."""
    folder = Path(tempfile.mkdtemp(prefix="fullhouse-bench-"))
    folder.chmod(0o755)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def free_port() -> int:
    """A port that nobody listens on now. Whoever takes it must still check: it is not held."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port


def environment(**settings: str) -> dict[str, str]:
    """Our environment for a child, with these settings of Fullhouse's and no others."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("FULLHOUSE_", "PG"))
    }
    paths = [str(_ROOT / "src"), str(_ROOT), os.environ.get("PYTHONPATH", "")]
    kept["PYTHONPATH"] = os.pathsep.join(path for path in paths if path)
    # What is measured is the server, not its patience with one busy address.
    kept["FULLHOUSE_RATE_LIMITS_ENABLED"] = "false"
    return kept | {f"FULLHOUSE_{name.upper()}": value for name, value in settings.items()}


def postgres_version() -> str:
    """Such as 18.6: of the PostgreSQL that Fullhouse brings along."""
    answer = subprocess.run(
        [EmbeddedPostgres(Path()).binary("postgres"), "--version"],
        capture_output=True,
        text=True,
        check=True,
    )
    # "postgres (PostgreSQL) 18.6", and more where a distribution has built it.
    return answer.stdout.split()[2]


@contextlib.contextmanager
def python(
    module: str, arguments: Sequence[str], variables: dict[str, str], log: Path
) -> Iterator[subprocess.Popen[bytes]]:
    """A Python module as a process that writes into ``log``, stopped at the end."""
    with log.open("ab") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", module, *arguments],
            env=variables,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            # Ctrl-C is for the bench, which stops its processes in order.
            start_new_session=True,
        )
    try:
        yield process
    finally:
        _stop(process)


def wait_until_ready(process: subprocess.Popen[bytes], port: int, path: str, log: Path) -> None:
    """Return as soon as the process answers with 200; raises BenchError when it never does."""
    deadline = time.monotonic() + _READY_SECONDS
    while not _answers(port, path):
        if process.poll() is not None:
            raise BenchError(f"a server ended at its start: {_tail(log)}")
        if time.monotonic() > deadline:
            raise BenchError(f"a server was not ready after {_READY_SECONDS} s: {_tail(log)}")
        time.sleep(_POLL_SECONDS)


def ask(port: int, path: str, body: bytes | None = None) -> tuple[int, bytes]:
    """The status and the body of the answer to a GET, or to a POST of that JSON."""
    connection = http.client.HTTPConnection(HOST, port, timeout=_ANSWER_SECONDS)
    method = "GET" if body is None else "POST"
    try:
        connection.request(method, path, body, {"Content-Type": "application/json"})
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def _answers(port: int, path: str) -> bool:
    try:
        return ask(port, path)[0] == 200
    except (OSError, http.client.HTTPException):
        return False


def _stop(process: subprocess.Popen[bytes]) -> None:
    """End the process in order, then by force whatever is left of its session."""
    process.terminate()
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(_STOP_SECONDS)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _tail(log: Path) -> str:
    text = log.read_text("utf-8", "replace")[-_LOG_TAIL_CHARACTERS:]
    return text.strip() or "it said nothing"
