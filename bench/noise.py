"""How much of the machine somebody else had during a measurement."""

from contextlib import suppress
from dataclasses import dataclass
from os import getpid
from pathlib import Path

_PROC = Path("/proc")


@dataclass(frozen=True)
class Noise:
    """Shares of the machine's time: other processes, and the host below a virtual machine."""

    others: float
    stolen: float

    def __str__(self) -> str:
        return f"others {self.others:.0%}, stolen {self.stolen:.0%}"


@dataclass(frozen=True)
class _Reading:
    """Clock ticks since the machine's start."""

    total: int
    busy: int
    stolen: int
    ours: int


class Watch:
    """Measures from its making on. Knows nothing where there is no /proc."""

    def __init__(self) -> None:
        self._start = _read()

    def noise(self) -> Noise | None:
        """What others have taken since the start."""
        end = _read()
        if self._start is None or end is None or end.total == self._start.total:
            return None
        total = end.total - self._start.total
        foreign = (end.busy - self._start.busy) - (end.ours - self._start.ours)
        return Noise(max(foreign, 0) / total, (end.stolen - self._start.stolen) / total)


def _read() -> _Reading | None:
    try:
        line = (_PROC / "stat").read_text().partition("\n")[0]
    except OSError:
        return None
    user, nice, system, idle, waiting, interrupts, soft, stolen = map(int, line.split()[1:9])
    # Interrupts are nobody's: the loopback's are ours, but no process is charged with them.
    busy = user + nice + system
    total = busy + idle + waiting + interrupts + soft + stolen
    return _Reading(total, busy, stolen, _ours())


def _ours() -> int:
    """Ticks of this process and all below it, those that have ended included."""
    ticks: dict[int, int] = {}
    children: dict[int, list[int]] = {}
    for folder in _PROC.iterdir():
        if not folder.name.isdigit():
            continue
        with suppress(OSError):
            # The name before it, in brackets, may hold anything.
            fields = (folder / "stat").read_text().rpartition(")")[2].split()
            pid = int(folder.name)
            children.setdefault(int(fields[1]), []).append(pid)
            # Own time in user and system mode, and that of children who were waited for.
            ticks[pid] = sum(int(field) for field in fields[11:15])
    total, below = 0, [getpid()]
    while below:
        pid = below.pop()
        total += ticks.get(pid, 0)
        below += children.get(pid, [])
    return total
