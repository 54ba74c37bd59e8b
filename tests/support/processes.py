"""Real processes of the program: ``fullhouse serve``, and commands that end by themselves."""

import http.client
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from fullhouse.kit.embedded import AttachedPostgres, attach

ROOT = Path(__file__).parents[2]
PROGRAM = (sys.executable, "-m", "fullhouse")

# Starting takes some two seconds; a machine that runs other tests beside it may take long.
START_SECONDS = 60.0
POLL_SECONDS = 0.02

# The cheapest password hashes that are allowed.
_CHEAP = {
    "FULLHOUSE_PASSWORD_HASH_MEMORY_KIB": "19456",
    "FULLHOUSE_PASSWORD_HASH_PASSES": "2",
    "FULLHOUSE_PASSWORD_HASH_LANES": "1",
    "FULLHOUSE_RATE_LIMITS_ENABLED": "false",
}


def environment(variables: Mapping[str, str] | None = None) -> dict[str, str]:
    """Our own environment without its settings of Fullhouse, and with these variables."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("FULLHOUSE_")}
    return kept | {"PYTHONPATH": str(ROOT / "src")} | _CHEAP | dict(variables or {})


def run(
    *arguments: str | Path, variables: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run ``fullhouse`` with these arguments to its end; any exit code is returned."""
    return subprocess.run(
        [*PROGRAM, *map(str, arguments)],
        env=environment(variables),
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=START_SECONDS,
        check=False,
    )


def free_port() -> int:
    """A port on which nobody listens at the moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


class ServerProcess:
    """``fullhouse serve`` in a process of its own, on a data folder that outlives it.

    Use ``with``, or ``start`` and ``close``. It may be started again after it ended.
    """

    def __init__(
        self,
        data_dir: Path,
        *arguments: str,
        port: int | None = None,
        variables: Mapping[str, str] | None = None,
        command: str = "serve",
    ) -> None:
        """Prepare only. ``arguments`` go to the command, ``variables`` are FULLHOUSE_…."""
        self.data_dir = data_dir
        self.port = port or free_port()
        self._command = [*PROGRAM, command, *arguments]
        self._environment = environment(variables) | {
            "FULLHOUSE_PORT": str(self.port),
            "FULLHOUSE_DATA_DIR": str(data_dir),
        }
        self._process: subprocess.Popen[bytes] | None = None
        # Closed by close(), and gone with it.
        self._log = tempfile.TemporaryFile()  # noqa: SIM115

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def pid(self) -> int:
        """The process that was started: the parent of the workers and of PostgreSQL."""
        return self._started().pid

    def start(self) -> Self:
        """Start it and return once /health/ready answers 200."""
        self.spawn()
        self.wait_ready()
        return self

    def spawn(self) -> None:
        """Start it without waiting for anything."""
        assert self._process is None or self._process.poll() is not None, "it runs already"
        self._process = subprocess.Popen(
            self._command,
            env=self._environment,
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=self._log,
            stderr=subprocess.STDOUT,
            # A Ctrl-C for the tests is none for it: its owner closes it.
            start_new_session=True,
        )

    def wait_ready(self, seconds: float = START_SECONDS) -> None:
        """Return once /health/ready answers 200; AssertionError with the log if it does not."""
        until = time.monotonic() + seconds
        while self.status("/health/ready") != 200:
            assert self._started().poll() is None, f"it ended:\n{self.log()}"
            assert time.monotonic() < until, f"it was not ready in time:\n{self.log()}"
            time.sleep(POLL_SECONDS)

    def status(self, path: str, seconds: float = 10) -> int | None:
        """The status of a GET, None when nobody answers."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=seconds)
        try:
            connection.request("GET", path)
            return connection.getresponse().status
        except (OSError, http.client.HTTPException):
            return None
        finally:
            connection.close()

    def terminate(self, seconds: float = 30) -> int:
        """Ask it to stop, as an orchestrator does; answers its exit code."""
        self.signal(signal.SIGTERM)
        return self.wait(seconds)

    def kill9(self) -> None:
        """End the parent as a crash would, and return when it is gone. Its children may live
        on for a moment."""
        self.signal(signal.SIGKILL)
        self.wait(10)

    def signal(self, number: signal.Signals) -> None:
        self._started().send_signal(number)

    def wait(self, seconds: float) -> int:
        """Wait until it ends; answers its exit code."""
        return self._started().wait(seconds)

    def postgres(self) -> AttachedPostgres:
        """The embedded PostgreSQL that it runs."""
        found = attach(self.data_dir)
        assert found is not None, f"no PostgreSQL runs in {self.data_dir}"
        return found

    def workers(self) -> list[int]:
        """The processes that serve, as the kernel lists them (Linux only)."""
        children = Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text().split()
        return [pid for pid in map(int, children) if b"spawn_main" in _command_line(pid)]

    def log(self) -> str:
        """All that it has printed since it was made."""
        self._log.flush()
        size = self._log.seek(0, os.SEEK_END)
        return os.pread(self._log.fileno(), size, 0).decode("utf-8", "replace")

    def close(self) -> None:
        """Stop it, if it runs, by force if it must be."""
        if self._process is not None and self._process.poll() is None:
            try:
                self.terminate()
            except subprocess.TimeoutExpired:
                self.kill9()
        self._log.close()

    def _started(self) -> subprocess.Popen[bytes]:
        assert self._process is not None, "it was not started"
        return self._process


def one_line(answer: subprocess.CompletedProcess[str]) -> str:
    """The only line on standard error of a command that failed as expected."""
    lines: Sequence[str] = answer.stderr.splitlines()
    assert len(lines) == 1, f"not one line:\n{answer.stdout}\n{answer.stderr}"
    assert answer.returncode in (1, 2)
    return lines[0]


def _command_line(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""
