"""The processes that hash passwords, as the kernel lists them (Linux only)."""

from pathlib import Path

_MODULE = b"fullhouse.accounts.hashing"


def hashing_below(ancestor: int) -> list[int]:
    """Those that this process, or one below it, has started; dead ones are none."""
    children: dict[int, list[int]] = {}
    for folder in Path("/proc").glob("[0-9]*"):
        if (parent := parent_of(int(folder.name))) is not None:
            children.setdefault(parent, []).append(int(folder.name))
    found, below = [], [ancestor]
    while below:
        below += children.get(below.pop(0), [])
        found += below[:1]
    return sorted(pid for pid in found if hashes(pid))


def hashes(pid: int) -> bool:
    """Whether this is such a process, and not a dead one."""
    try:
        return _MODULE in Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False


def parent_of(pid: int) -> int | None:
    """The parent; None if there is no such process."""
    fields = stat_of(Path(f"/proc/{pid}/stat"))
    return int(fields[1]) if fields else None


def stat_of(file: Path) -> list[str]:
    """What ``/proc/…/stat`` says behind the name, from the state on; empty if it has ended."""
    try:
        return file.read_text().rpartition(")")[2].split()
    except OSError:
        return []
