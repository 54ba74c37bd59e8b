"""Load over HTTP, made by wrk."""

import shutil
import subprocess
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
    are connections without an answer."""

    seconds: float
    answers: int
    errors: int
    broken: int
    p50_ms: float
    p99_ms: float

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


def require_wrk() -> str:
    """The path of wrk; raises ToolMissing."""
    path = shutil.which("wrk")
    if path is None:
        raise ToolMissing("wrk is not installed (Debian, Ubuntu: apt-get install wrk)")
    return path


def run(url: str, seconds: int, orders: Orders | None = None) -> Load:
    """Ask for ``url`` on all connections at once, each again as soon as it is answered.

    Raises BenchError when wrk fails or a connection broke.
    """
    command = [
        require_wrk(),
        f"--connections={CONNECTIONS}",
        f"--threads={_THREADS}",
        f"--duration={seconds}s",
        f"--timeout={_TIMEOUT_SECONDS}s",
        f"--script={_SCRIPT}",
        url,
    ]
    if orders is not None:
        command += ["--", str(orders.tokens), str(orders.bodies), str(orders.skip)]
    answer = subprocess.run(
        command, capture_output=True, text=True, check=False, timeout=seconds + 60
    )
    last = answer.stdout.strip().rpartition("\n")[2]
    if answer.returncode != 0 or not last.startswith("{"):
        raise BenchError(f"wrk failed: {answer.stderr.strip() or last}")
    load = msgspec.json.decode(last, type=Load)
    if load.broken or not load.answers:
        raise BenchError(f"of wrk's connections {load.broken} broke, {load.answers} were answered")
    return load
