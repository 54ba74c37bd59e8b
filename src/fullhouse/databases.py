"""Which database a command works on, and bringing it to the state that the server needs."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from fullhouse.failures import Failure, run_on_database
from fullhouse.kit.embedded import EmbeddedPostgres, attach
from fullhouse.settings import Settings

if TYPE_CHECKING:
    from fullhouse.bookings.audit import Report
    from fullhouse.demo import DemoSummary


@dataclass(frozen=True)
class Target:
    """A database that can be used: its address, and whether it is a server of somebody else's.

    ``binary`` finds a program of the embedded PostgreSQL; it is None for an external one.
    ``ours`` is True when the server runs only for this command.
    """

    url: str
    external: bool
    binary: Callable[[str], Path] | None = None
    ours: bool = False


@contextmanager
def database_of(settings: Settings) -> Iterator[Target]:
    """The configured database, or the embedded one.

    The embedded one is used while another process runs it, else it is started for the time of
    the block. Raises EmbeddedPostgresError.
    """
    if settings.database_url is not None:
        yield Target(settings.database_url.get_secret_value(), external=True)
        return
    running = attach(settings.data_dir)
    if running is not None:
        yield Target(running.dsn(), external=False, binary=running.binary)
        return
    with EmbeddedPostgres(settings.data_dir) as postgres:
        yield Target(postgres.dsn(), external=False, binary=postgres.binary, ours=True)


def migrate(target: Target) -> tuple[str, str]:
    """Apply the missing migrations; the revisions before and after. Raises Failure."""
    from fullhouse import migrate

    try:
        before, after = run_on_database(migrate.upgrade(target.url), external=target.external)
    except migrate.ServerTooOld as error:
        raise Failure(str(error)) from error
    return before, after


def check_migrated(target: Target) -> None:
    """Raise Failure unless the database is new enough for this program.

    A database that is newer is fine: migrations go before the servers when a cluster moves to
    a new version.
    """
    missing = run_on_database(_missing_migrations(target.url), external=target.external)
    if missing:
        raise Failure(
            f"the database lacks migration {', '.join(missing)}: run 'fullhouse migrate' first"
        )


def load_demo(settings: Settings, target: Target) -> "DemoSummary":
    """Make what the demo lacks. Raises Failure when the database is somebody's own."""
    from fullhouse import demo

    try:
        return run_on_database(_load_demo(settings, target.url), external=target.external)
    except demo.DemoRefused as error:
        raise Failure(str(error)) from error


def audit(target: Target) -> "Report":
    """Check every invariant. Raises Failure when the database cannot be read."""
    return run_on_database(_audit(target.url), external=target.external)


async def _missing_migrations(url: str) -> list[str]:
    """The revisions that this program has and the database has not, oldest first."""
    import asyncpg
    from alembic.script import ScriptDirectory

    from fullhouse import migrate
    from fullhouse.kit.db import asyncpg_dsn

    connection = await asyncpg.connect(asyncpg_dsn(url), timeout=10)
    try:
        major = connection.get_server_version().major
        if major < migrate.OLDEST_SERVER // 10_000:
            raise Failure(f"PostgreSQL {major} is too old: Fullhouse needs 15 or newer.")
        made = await connection.fetchval("SELECT to_regclass('alembic_version') IS NOT NULL")
        current = await connection.fetchval("SELECT version_num FROM alembic_version") if made else None
    finally:
        await connection.close()
    script = ScriptDirectory.from_config(migrate.config())
    known = [revision.revision for revision in script.walk_revisions()]  # newest first
    if current is not None and current not in known:
        return []
    return known[: known.index(current) if current else None][::-1]


async def _load_demo(settings: Settings, url: str) -> "DemoSummary":
    from fullhouse.accounts.passwords import PasswordHasher
    from fullhouse.demo import load_demo
    from fullhouse.kit.db import Database
    from fullhouse.venues.queries import SeatMaps

    database = Database(url, pool_size=4)
    hasher = PasswordHasher(
        settings.password_hash_memory_kib,
        settings.password_hash_passes,
        settings.password_hash_lanes,
        settings.password_hash_threads,
    )
    try:
        return await load_demo(database, hasher, SeatMaps(database), datetime.now(UTC))
    finally:
        hasher.close()
        await database.close()


async def _audit(url: str) -> "Report":
    from fullhouse.bookings.audit import audit
    from fullhouse.kit.db import Database

    database = Database(url, pool_size=1)
    try:
        return await audit(database)
    finally:
        await database.close()
