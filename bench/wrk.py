"""Load over HTTP, made by wrk."""

import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from bench.errors import BenchError, ToolMissing

CONNECTIONS = 64
# One is enough for several times what a server answers here, and leaves more of two cores to it.
_THREADS = 1
# Longer than anything that is still worth calling an answer.
_TIMEOUT_SECONDS = 10
_SCRIPT = Path(__file__).parent / "lua" / "load.lua"


class Load(msgspec.Struct, frozen=True):
    """What wrk saw of one run. ``errors`` are answers with a status of 400 or more, ``broken``
    are connections without an answer. ``statuses`` are counted of visits only."""

    seconds: float
    answers: int
    errors: int
    broken: int
    p50_ms: float
    p99_ms: float
    max_ms: float
    statuses: dict[int, int]

    @property
    def accepted(self) -> int:
        """Answers that were no error."""
        return self.answers - self.errors

    @property
    def rate(self) -> float:
        """Accepted requests for each second."""
        return self.accepted / self.seconds


class Orders(msgspec.Struct, frozen=True):
    """Files with what shall be reserved and by whom, and how much of it was asked for before."""

    tokens: Path
    bodies: Path
    skip: int = 0

    @property
    def arguments(self) -> list[str]:
        """What the script is told."""
        return ["orders", str(self.tokens), str(self.bodies), str(self.skip)]


class Reads(msgspec.Struct, frozen=True):
    """A file with the tokens of those who read; they take turns."""

    tokens: Path

    @property
    def arguments(self) -> list[str]:
        """What the script is told."""
        return ["reads", str(self.tokens)]


class Visits(msgspec.Struct, frozen=True):
    """A file with what visitors ask for, how many there are at the same time, and how long each
    looks at an answer before asking for more: on average, and as if they knew nothing of each
    other."""

    requests: Path
    connections: int
    pause_ms: int
    skip: int = 0

    @property
    def arguments(self) -> list[str]:
        """What the script is told."""
        return ["visits", str(self.requests), str(self.skip), str(self.pause_ms)]


def require_wrk() -> str:
    """The path of wrk; raises ToolMissing."""
    path = shutil.which("wrk")
    if path is None:
        raise ToolMissing("wrk is not installed (Debian, Ubuntu: apt-get install wrk)")
    return path


def run(url: str, seconds: int, work: Orders | Reads | Visits | None = None) -> Load:
    """Load the server for that long: by default ask for ``url`` on all connections at once, each
    again as soon as it is answered.

    Raises BenchError when wrk fails or a connection broke.
    """
    with beside(url, seconds, work) as finish:
        return finish()


@contextmanager
def beside(
    url: str, seconds: int, work: Orders | Reads | Visits | None = None
) -> Iterator[Callable[[], Load]]:
    """The same while something else is done. Gives what waits for its end and answers its Load."""
    command = [
        require_wrk(),
        f"--connections={work.connections if isinstance(work, Visits) else CONNECTIONS}",
        f"--threads={_THREADS}",
        f"--duration={seconds}s",
        f"--timeout={_TIMEOUT_SECONDS}s",
        f"--script={_SCRIPT}",
        url,
    ]
    if work is not None:
        command += ["--", *work.arguments]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        yield lambda: _load_of(process, seconds + 60)
    finally:
        process.kill()
        process.communicate()


def _load_of(process: "subprocess.Popen[str]", patience_seconds: float) -> Load:
    output, complaint = process.communicate(timeout=patience_seconds)
    last = output.strip().rpartition("\n")[2]
    if process.returncode != 0 or not last.startswith("{"):
        raise BenchError(f"wrk failed: {complaint.strip() or last}")
    load = msgspec.json.decode(last, type=Load)
    if load.broken or not load.answers:
        raise BenchError(f"of wrk's connections {load.broken} broke, {load.answers} were answered")
    return load
