"""Recognise the servers of former owners on a data folder, and make the folder free.

Everything rests on ``postmaster.pid`` and on what the kernel says about the process it
names: a pid alone proves nothing, it may belong to somebody else by now.
"""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from fullhouse.kit.embedded.accounts import Account, give
from fullhouse.kit.embedded.errors import EmbeddedPostgresError
from fullhouse.kit.embedded.folders import PORT

POLL_SECONDS = 0.01
# The postmaster itself kills children that ignore an immediate shutdown after 5 seconds.
IMMEDIATE_SECONDS = 7.0
LEFTOVER_SECONDS = 2.0


@dataclass(frozen=True)
class PidFile:
    """The lines of ``postmaster.pid`` that we use; pid 0 when the file says nothing."""

    pid: int
    port: int
    socket_dir: Path
    status: str


def read_pid_file(cluster: Path) -> PidFile | None:
    """Return what ``postmaster.pid`` says, None when there is none.

    Lines (PostgreSQL's pidfile.h): pid, data folder, start time, port, socket folder,
    listen address, shared memory key, status.
    """
    try:
        lines = (cluster / "postmaster.pid").read_text("utf-8", "surrogateescape").splitlines()
    except FileNotFoundError:
        return None
    lines += [""] * (8 - len(lines))
    try:
        pid = int(lines[0])
    except ValueError:
        pid = 0
    port = int(lines[3]) if lines[3].strip().isdigit() else PORT
    return PidFile(pid, port, Path(lines[4]), lines[7].strip())


def is_postmaster(pid: int, cluster: Path, uid: int) -> bool:
    """Whether ``pid`` is a postgres of account ``uid`` that was started on ``cluster``.

    Reads the command line and not /proc/<pid>/cwd, which root may not read about other
    accounts' processes in a container without CAP_SYS_PTRACE.
    """
    if pid <= 0:
        return False
    if sys.platform == "linux":
        return _is_postmaster_linux(pid, cluster, uid)
    return _is_postmaster_ps(pid, cluster, uid)


def _is_postmaster_linux(pid: int, cluster: Path, uid: int) -> bool:
    process = Path("/proc", str(pid))
    try:
        words = [os.fsdecode(word) for word in (process / "cmdline").read_bytes().split(b"\0")]
        if process.stat().st_uid != uid or Path(words[0]).name != "postgres":
            return False
        return "-D" in words and Path(words[words.index("-D") + 1]).samefile(cluster)
    except (OSError, IndexError):
        return False


def _is_postmaster_ps(pid: int, cluster: Path, uid: int) -> bool:
    command = ["ps", "-ww", "-o", "uid=", "-o", "command=", "-p", str(pid)]
    answer = subprocess.run(command, capture_output=True, text=True, check=False)
    owner, _, line = answer.stdout.strip().partition(" ")
    return owner == str(uid) and "postgres" in line and f" -D {cluster} " in f"{line} "


def make_free(cluster: Path, account: Account, deadline: float) -> None:
    """Stop what a former owner left running on ``cluster`` and clear its stale traces.

    The caller holds the lock on the data folder. ``deadline`` is a time.monotonic()
    value; past it the old server is stopped less gently. Raises EmbeddedPostgresError
    when it cannot be stopped.
    """
    found = read_pid_file(cluster)
    if found is not None and found.pid == 0:
        # A server that creates the file writes it at once, so a moment later an empty
        # one is the trace of a crash. PostgreSQL would refuse to start because of it.
        time.sleep(0.2)
        found = read_pid_file(cluster)
        if found is not None and found.pid == 0:
            (cluster / "postmaster.pid").unlink()
    if found is None:
        return
    if is_postmaster(found.pid, cluster, account.uid):
        _stop_other(found.pid, cluster, account.uid, deadline)
        found = read_pid_file(cluster)
    if found is not None and found.pid > 0:
        _disown_pid_file(cluster, account)
    _stop_leftovers(cluster, account.uid)


def _stop_other(pid: int, cluster: Path, uid: int, deadline: float) -> None:
    """Stop a postmaster that is not our child: fast, then immediate, then by force."""
    patience = (
        (signal.SIGINT, max(deadline - time.monotonic(), 1.0)),
        (signal.SIGQUIT, IMMEDIATE_SECONDS),
        (signal.SIGKILL, IMMEDIATE_SECONDS),
    )
    for number, seconds in patience:
        # Looked at again before each signal: the pid may have changed hands meanwhile.
        until = time.monotonic() + seconds
        if is_postmaster(pid, cluster, uid):
            _send(pid, number)
        while is_postmaster(pid, cluster, uid):
            if time.monotonic() > until:
                break
            time.sleep(POLL_SECONDS)
        else:
            return
    raise EmbeddedPostgresError(
        f"the PostgreSQL of a former server (pid {pid}) still uses {cluster} and cannot be stopped"
    )


def _disown_pid_file(cluster: Path, account: Account) -> None:
    """Make a stale ``postmaster.pid`` harmless, whoever has its pid by now.

    PostgreSQL refuses to start while that pid is alive, and _wait_ready would take the
    file for the new server's if that one happens to get the pid, as is usual in a
    container. Removing the file would also remove the shared memory key by which
    PostgreSQL notices backends of the dead server; so the pid becomes ours, as it
    ignores the one of its own parent and goes on to check the key.
    """
    path = cluster / "postmaster.pid"
    _, _, rest = path.read_bytes().partition(b"\n")
    changed = cluster / f"postmaster.pid.{os.getpid()}"
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW
    with os.fdopen(os.open(changed, flags, 0o600), "wb") as file:
        file.write(f"{os.getpid()}\n".encode() + rest)
    give(changed, account)
    changed.replace(path)


def _stop_leftovers(cluster: Path, uid: int) -> None:
    """End backends that outlive their dead postmaster, for instance in a long query.

    No postmaster runs any more, and a new one refuses to start while one of them is
    attached to the old shared memory. Where the kernel does not show them to us,
    starting waits for them instead.
    """
    until = time.monotonic() + LEFTOVER_SECONDS
    number = signal.SIGQUIT
    while pids := list(_leftovers(cluster, uid)):
        for pid in pids:
            _send(pid, number)
        if number == signal.SIGKILL and time.monotonic() > until + LEFTOVER_SECONDS:
            return
        if time.monotonic() > until:
            number = signal.SIGKILL
        time.sleep(POLL_SECONDS)


def _leftovers(cluster: Path, uid: int) -> Iterator[int]:
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if process.stat().st_uid != uid:
                continue
            command = (process / "cmdline").read_bytes()
            if command.startswith(b"postgres: ") and (process / "cwd").samefile(cluster):
                yield int(process.name)
        except OSError:
            continue


def _send(pid: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)
