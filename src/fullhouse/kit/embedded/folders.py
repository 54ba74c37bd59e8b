"""The layout under the data folder, the lock on it, and the log file.

data_dir/postgres/       the cluster, 0700, owned by the server's account
data_dir/run/            the socket, 0700
data_dir/bin/<version>/  binaries, only when the installed ones cannot be reached
data_dir/postgres.log    what the server says; the previous one is postgres.log.1
data_dir/lock            held by the owner for its whole life, holds its pid
"""

import contextlib
import fcntl
import hashlib
import os
import stat
import tempfile
from dataclasses import dataclass
from pathlib import Path

from fullhouse.kit.embedded.accounts import Account, account_name, give
from fullhouse.kit.embedded.errors import EmbeddedPostgresError

# sockaddr_un.sun_path holds 104 bytes on macOS and 108 on Linux, one of them the
# final NUL; the smaller one everywhere keeps a data folder portable.
SOCKET_PATH_BYTES_MAX = 103
PORT = 5432
SOCKET_NAME = f".s.PGSQL.{PORT}"

LOG_BYTES_MAX = 10_000_000
LOG_TAIL_LINES = 12


@dataclass(frozen=True)
class Layout:
    """Where everything lies; ``data_dir`` is absolute and free of symbolic links."""

    data_dir: Path

    @property
    def cluster(self) -> Path:
        return self.data_dir / "postgres"

    @property
    def run(self) -> Path:
        return self.data_dir / "run"

    @property
    def binaries(self) -> Path:
        return self.data_dir / "bin"

    @property
    def log(self) -> Path:
        return self.data_dir / "postgres.log"

    @property
    def lock(self) -> Path:
        return self.data_dir / "lock"


def make_data_dir(data_dir: Path) -> None:
    """Create the data folder and its missing parents; what exists is left as it is.

    Root creates them 0711: the server's account must be able to pass through but
    has no reason to list them. A normal user creates the data folder 0700.
    """
    missing = [folder for folder in (data_dir, *data_dir.parents) if not folder.exists()]
    for folder in reversed(missing):
        folder.mkdir(exist_ok=True)
        if os.geteuid() == 0:
            folder.chmod(0o711)
        elif folder == data_dir:
            folder.chmod(0o700)


def make_socket_dir(layout: Layout, account: Account) -> Path:
    """Return a private 0700 folder in which the server can put its socket.

    That is ``data_dir/run``, or a short folder under the system's temporary one when
    the path is too long for a socket or holds a comma, which libpq reads as the
    separator between two hosts.

    Raises EmbeddedPostgresError when somebody else owns the folder already.
    """
    digest = hashlib.sha256(os.fsencode(layout.data_dir)).hexdigest()[:16]
    name = f"fullhouse-{account.uid}-{digest}"
    for folder in (layout.run, Path(tempfile.gettempdir()).resolve() / name, Path("/tmp") / name):
        path_bytes = len(os.fsencode(folder / SOCKET_NAME))
        if path_bytes <= SOCKET_PATH_BYTES_MAX and "," not in str(folder):
            _make_private(folder, account)
            return folder
    raise EmbeddedPostgresError(
        f"no folder is short enough for a Unix socket (at most {SOCKET_PATH_BYTES_MAX} "
        f"bytes): set TMPDIR to a short path, or choose another --data-dir"
    )


def _make_private(folder: Path, account: Account) -> None:
    """Create ``folder`` 0700 for ``account``, or make sure that it is just that.

    Whoever owns the folder owns the server's front door (authentication is the mode of
    this folder), and under a shared /tmp anybody may have been there first.
    """
    with contextlib.suppress(FileExistsError):
        folder.mkdir(mode=0o700)
    try:
        # Through one descriptor, so that what is checked is what is changed.
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    except OSError as error:
        raise EmbeddedPostgresError(
            f"{folder} is needed for PostgreSQL's socket, but it cannot be opened as a "
            f"folder ({error.strerror}): remove it"
        ) from error
    try:
        status = os.fstat(descriptor)
        if status.st_uid not in (account.uid, os.geteuid()):
            raise EmbeddedPostgresError(
                f"{folder} is needed for PostgreSQL's socket, but it belongs to the account "
                f"{account_name(status.st_uid)!r}: remove it"
            )
        if status.st_uid != account.uid:
            # Ours, under a parent where only root or we can exchange it: a path is safe.
            give(folder, account)
        if stat.S_IMODE(status.st_mode) != 0o700:
            os.fchmod(descriptor, 0o700)
    finally:
        os.close(descriptor)


class OwnerLock:
    """An exclusive lock on the data folder, held until release or death.

    The kernel drops it when the process dies in whatever way, so it is never stale.
    The descriptor is close-on-exec: a PostgreSQL that outlives its owner must not
    keep the folder locked. (A child made by a bare fork shares it until it ends.)
    """

    def __init__(self, path: Path, data_dir: Path) -> None:
        """Take the lock and write our pid into it.

        Raises EmbeddedPostgresError when another server holds it.
        """
        flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
        self._descriptor = os.open(path, flags, 0o644)
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            holder = os.read(self._descriptor, 20).decode("ascii", "replace").strip()
            os.close(self._descriptor)
            raise EmbeddedPostgresError(
                f"another Fullhouse server (pid {holder or 'unknown'}) is using {data_dir}: "
                "stop it first, or choose another --data-dir"
            ) from error
        except OSError:
            os.close(self._descriptor)
            raise
        os.ftruncate(self._descriptor, 0)
        os.pwrite(self._descriptor, f"{os.getpid()}\n".encode(), 0)

    def release(self) -> None:
        """Give the folder free. The file stays: unlinking it would race with a newcomer."""
        os.ftruncate(self._descriptor, 0)
        os.close(self._descriptor)


def open_log(path: Path) -> tuple[int, int]:
    """Open the log for appending; returns its descriptor and its present size in bytes.

    A log of more than LOG_BYTES_MAX is moved aside first.
    """
    if path.exists() and path.stat().st_size > LOG_BYTES_MAX:
        path.replace(path.with_name(path.name + ".1"))
    # O_NOFOLLOW: root writes here, and the folder may belong to somebody else.
    flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
    descriptor = os.open(path, flags, 0o600)
    return descriptor, os.fstat(descriptor).st_size


def log_tail(path: Path, offset: int) -> str:
    """Return the last lines written to the log after ``offset`` bytes, indented."""
    with path.open("rb") as log:
        log.seek(max(offset, log.seek(0, os.SEEK_END) - 16_384))
        lines = log.read().decode("utf-8", "replace").splitlines()
    return "\n".join(f"  {line}" for line in lines[-LOG_TAIL_LINES:])
