"""A PostgreSQL server of our own on a folder, and a view of one that runs already."""

import subprocess
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import quote

from fullhouse.kit.embedded.accounts import check_can_enter, choose_account
from fullhouse.kit.embedded.binaries import find_binaries, program_in, reachable_binaries
from fullhouse.kit.embedded.cluster import (
    check_version,
    create_cluster,
    inspect_cluster,
    remove_unfinished,
)
from fullhouse.kit.embedded.errors import EmbeddedPostgresError
from fullhouse.kit.embedded.folders import PORT, Layout, OwnerLock, make_data_dir, make_socket_dir
from fullhouse.kit.embedded.launch import Plan, check_settings, launch, stop
from fullhouse.kit.embedded.postmaster import is_postmaster, read_pid_file
from fullhouse.kit.embedded.tools import run_tool

DATABASE = "fullhouse"


class EmbeddedPostgres:
    """A PostgreSQL server on a folder, owned by this process.

    Works as root (the server then runs as an unprivileged account) and as a normal
    user, without TCP: whoever may enter the 0700 socket folder, and root, connects as
    ``postgres``. Use start() and stop(), or ``with``. The methods may be called from
    any thread, one after the other.
    """

    def __init__(
        self,
        data_dir: Path,
        *,
        settings: Mapping[str, str] | None = None,
        account: str | None = None,
        durable_init: bool = True,
    ) -> None:
        """Prepare only; nothing is touched before start().

        ``settings`` are PostgreSQL's, over our defaults. ``account`` is who runs the
        server when we are root, by default the cluster's owner, ``postgres`` or
        ``nobody``. ``durable_init=False`` makes a new cluster without waiting for the
        disk, for tests. Raises EmbeddedPostgresError for a setting that is ours.
        """
        self._layout = Layout(Path(data_dir).resolve())
        self._settings = dict(settings or {})
        self._account = account
        self._durable = durable_init
        self._guard = threading.RLock()
        self._lock: OwnerLock | None = None
        self._plan: Plan | None = None
        self._process: subprocess.Popen[bytes] | None = None
        check_settings(self._settings)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def start(self, timeout_seconds: float = 60) -> None:
        """Take the folder, make the cluster if it is new, and start the server.

        Returns when it accepts connections and the database ``fullhouse`` exists.
        A server that a killed owner left running on this folder is stopped first.
        Raises EmbeddedPostgresError; then no process runs and the folder is free.
        """
        with self._guard:
            if self._lock is not None:
                raise EmbeddedPostgresError(
                    f"PostgreSQL in {self._layout.data_dir} was started by this process already"
                )
            deadline = time.monotonic() + timeout_seconds
            try:
                make_data_dir(self._layout.data_dir)
                self._lock = OwnerLock(self._layout.lock, self._layout.data_dir)
                self._plan = self._prepare(deadline)
                self._process = launch(self._plan, deadline)
                _create_database(self._plan, deadline)
            except BaseException as error:
                self.stop(timeout_seconds=5)
                if isinstance(error, OSError):
                    raise EmbeddedPostgresError(
                        f"PostgreSQL cannot be started in {self._layout.data_dir}: {error}"
                    ) from error
                raise

    def stop(self, timeout_seconds: float = 30) -> None:
        """Stop the server and give the folder free; does nothing when that is done.

        A fast shutdown: open sessions are ended. When it takes longer than
        ``timeout_seconds``, an immediate one, which loses nothing that was committed.
        """
        with self._guard:
            try:
                if self._process is not None:
                    stop(self._process, timeout_seconds)
            finally:
                if self._lock is not None:
                    self._lock.release()
                    self._lock = None

    def poll(self) -> int | None:
        """Return None while the server runs, else its exit code (minus the signal's number).

        Raises EmbeddedPostgresError before the first start().
        """
        return self._started().poll()

    def restart(self, timeout_seconds: float = 60) -> None:
        """Start the server again after it died, or stop and start a running one.

        The folder stays ours throughout. Raises EmbeddedPostgresError when it does not
        come back (then call again, or stop()) and when start() was not called.
        """
        with self._guard:
            process = self._started()
            if self._lock is None or self._plan is None:
                raise EmbeddedPostgresError(
                    f"PostgreSQL in {self._layout.data_dir} was stopped and cannot be restarted"
                )
            stop(process, timeout_seconds)
            self._process = launch(self._plan, time.monotonic() + timeout_seconds)

    @property
    def data_dir(self) -> Path:
        """The data folder, absolute and free of symbolic links."""
        return self._layout.data_dir

    @property
    def socket_dir(self) -> Path:
        """The folder of the server's socket; EmbeddedPostgresError before start()."""
        if self._plan is None:
            raise EmbeddedPostgresError(f"PostgreSQL in {self.data_dir} was not started")
        return self._plan.socket_dir

    @property
    def pid(self) -> int:
        """The process id of the server; EmbeddedPostgresError when it does not run."""
        process = self._started()
        if process.poll() is not None:
            raise EmbeddedPostgresError(f"PostgreSQL in {self.data_dir} does not run")
        return process.pid

    def dsn(self, database: str = DATABASE) -> str:
        """Return the address for libpq and asyncpg; EmbeddedPostgresError before start()."""
        return _dsn(self.socket_dir, PORT, database)

    def binary(self, name: str) -> Path:
        """Return a program of this PostgreSQL (psql, pg_dump, pgbench …).

        Once started, of the copy that the server runs from. Raises
        EmbeddedPostgresError when there is no such program.
        """
        binaries = self._plan.binaries if self._plan else find_binaries()
        return binaries.program(name)

    def _started(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            raise EmbeddedPostgresError(f"PostgreSQL in {self.data_dir} was not started")
        return self._process

    def _prepare(self, deadline: float) -> Plan:
        layout = self._layout
        cluster = inspect_cluster(layout.cluster)
        owner = (cluster.uid, cluster.gid) if cluster else None
        account = choose_account(self._account, layout.cluster, owner)
        check_can_enter(layout.data_dir, account)
        binaries = find_binaries()
        if cluster is not None:
            check_version(layout.cluster, cluster, binaries)
        binaries = reachable_binaries(binaries, account, layout.binaries, self._durable)
        socket_dir = make_socket_dir(layout, account)
        remove_unfinished(layout.cluster)
        if cluster is None:
            seconds = deadline - time.monotonic()
            create_cluster(layout.cluster, binaries, account, self._durable, seconds)
        return Plan(layout, binaries, account, socket_dir, self._settings)


@dataclass(frozen=True)
class AttachedPostgres:
    """A server that another process owns; it can be used but not stopped."""

    data_dir: Path
    socket_dir: Path
    port: int
    pid: int

    def dsn(self, database: str = DATABASE) -> str:
        """Return the address for libpq and asyncpg."""
        return _dsn(self.socket_dir, self.port, database)

    def binary(self, name: str) -> Path:
        """Return a program of the PostgreSQL that runs; EmbeddedPostgresError if it has none."""
        return program_in(_programs_of(Layout(self.data_dir).cluster), name)


def has_cluster(data_dir: Path) -> bool:
    """Whether a database has been made in this folder.

    Raises EmbeddedPostgresError when something else is there, or when we may not look.
    """
    return inspect_cluster(Layout(Path(data_dir).resolve()).cluster) is not None


def attach(data_dir: Path, timeout_seconds: float = 10) -> AttachedPostgres | None:
    """Return the server that runs on this folder, None when none does.

    Waits up to ``timeout_seconds`` for one that is starting. Raises
    EmbeddedPostgresError when it takes longer, or when this account may not look.
    """
    layout = Layout(Path(data_dir).resolve())
    cluster = inspect_cluster(layout.cluster)
    if cluster is None:
        return None
    deadline = time.monotonic() + timeout_seconds
    while True:
        found = read_pid_file(layout.cluster)
        if found is None or not is_postmaster(found.pid, layout.cluster, cluster.uid):
            return None
        if found.status == "ready":
            return AttachedPostgres(layout.data_dir, found.socket_dir, found.port, found.pid)
        if found.status == "stopping":
            return None
        if time.monotonic() > deadline:
            raise EmbeddedPostgresError(
                f"PostgreSQL in {layout.data_dir} (pid {found.pid}) is still starting: try again"
            )
        time.sleep(0.05)


def _dsn(socket_dir: Path, port: int, database: str) -> str:
    host = quote(str(socket_dir), safe="/")
    return f"postgresql://postgres@/{quote(database, safe='')}?host={host}&port={port}"


def _programs_of(cluster: Path) -> Path:
    """Return the folder of the programs that the running server was started from."""
    # PostgreSQL notes its command line there: the full path of the program, then every
    # argument in quotes.
    try:
        line = (cluster / "postmaster.opts").read_text("utf-8", "surrogateescape")
    except FileNotFoundError:
        line = ""
    folder = Path(line.partition(' "-D"')[0]).parent
    if folder.is_absolute() and folder.is_dir():
        return folder
    return find_binaries().folder


def _create_database(plan: Plan, deadline: float) -> None:
    psql: list[str | Path] = [plan.binaries.program("psql"), "-X", "-q", "-v", "ON_ERROR_STOP=1"]
    where = ["-h", str(plan.socket_dir), "-p", str(PORT), "-U", "postgres", "-d", "postgres"]
    # CREATE DATABASE knows no IF NOT EXISTS.
    sql = (
        f"SELECT 'CREATE DATABASE {DATABASE}' WHERE NOT EXISTS "
        f"(SELECT FROM pg_database WHERE datname = '{DATABASE}') \\gexec\n"
    )
    answer = run_tool([*psql, *where], plan.account, deadline - time.monotonic(), sql)
    if answer.returncode != 0:
        raise EmbeddedPostgresError(
            f"the database {DATABASE!r} could not be created: {answer.stderr.strip()}"
        )
