"""Which database a command works on, and bringing it to the state that the server needs."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from fullhouse.failures import Failure, run_on_database
from fullhouse.kit.embedded import EmbeddedPostgres, attach, has_cluster
from fullhouse.settings import Settings

OLDEST_MAJOR = 15
CONNECT_SECONDS = 10.0
# As in demo.py, which would take long to load for three addresses; a test compares them.
DEMO_ADDRESSES = ["admin@test.com", "organizer@test.com", "buyer@test.com"]

# What the command that makes administrators calls the fields of an account.
_NAMES = {"/email": "--email", "/name": "--name", "/password": "the password"}

if TYPE_CHECKING:
    from asyncpg import Connection

    from fullhouse.accounts.passwords import PasswordHasher
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


def check_present(settings: Settings) -> None:
    """For what works on a house that is there: a mistyped folder must not become a new one.

    Raises Failure when nobody has made a database in the data folder. Of an external one the
    first connection tells.
    """
    if settings.database_url is None and not has_cluster(settings.data_dir):
        folder = settings.data_dir.resolve()
        raise Failure(f"there is no database in {folder}: name its folder with --data-dir")


@contextmanager
def database_of(settings: Settings) -> Iterator[Target]:
    """The configured database, or the embedded one.

    The embedded one is used while another process runs it, else it is started for the time of
    the block, and made where there is none. Raises EmbeddedPostgresError.
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
    revision = run_on_database(_revision(target.url), external=target.external)
    if revision is not None and revision == _revisions()[-1]:
        # The usual case. Loading alembic and every table would take longer than all the rest.
        return revision, revision
    from fullhouse import migrate

    before, after = run_on_database(migrate.upgrade(target.url), external=target.external)
    return before, after


def check_migrated(target: Target) -> None:
    """Raise Failure unless the database is new enough for this program.

    A database that is newer is fine: migrations go before the servers when a cluster moves to
    a new version.
    """
    revision = run_on_database(_revision(target.url), external=target.external)
    known = _revisions()
    if revision is not None and revision not in known:
        return
    missing = known[known.index(revision) + 1 if revision else 0 :]
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


def place_of(settings: Settings, target: Target) -> str:
    """Which database it is, for people. Raises Failure.

    The server says its name: a part cut out of an address could be one of the password.
    """
    if not target.external:
        return f"the folder {settings.data_dir.resolve()}"
    return f"the database {run_on_database(_name(target.url), external=True)}"


def create_admin(
    settings: Settings, target: Target, *, name: str, email: str, password: str
) -> str:
    """Make an administrator; answers the address as it is kept. Raises Failure with the reason."""
    from fullhouse.kit.errors import Refused

    work = _create_admin(settings, target.url, name, email, password)
    try:
        return run_on_database(work, external=target.external)
    except Refused as refused:
        wrong = [f"{_NAMES[error.pointer]}: {error.detail}" for error in refused.errors]
        raise Failure("; ".join(wrong) or f"--email: {refused.detail}") from refused


def demo_accounts(target: Target) -> list[str]:
    """The addresses of the demo's accounts that the database has, and that can sign in."""
    return run_on_database(_demo_accounts(target.url), external=target.external)


def demo_logins() -> list[str]:
    """One line for each account of the demo: address, password and role."""
    from fullhouse.demo import LOGINS

    return [f"{login.email:<22}{login.password:<16}{login.role}" for login in LOGINS]


def audit(target: Target) -> "Report":
    """Check every invariant. Raises Failure when the database cannot be read."""
    return run_on_database(_audit(target.url), external=target.external)


async def _connect(url: str) -> "Connection":
    import asyncpg

    # asyncpg knows no scheme with a driver in it.
    scheme, separator, rest = url.partition("://")
    dsn = scheme.partition("+")[0] + separator + rest
    return await asyncpg.connect(dsn, timeout=CONNECT_SECONDS)


async def _name(url: str) -> str:
    connection = await _connect(url)
    try:
        return str(await connection.fetchval("SELECT current_database()"))
    finally:
        await connection.close()


async def _revision(url: str) -> str | None:
    """The newest migration that the database has seen. Raises Failure for an old server."""
    connection = await _connect(url)
    try:
        major = connection.get_server_version().major
        if major < OLDEST_MAJOR:
            raise Failure(f"PostgreSQL {major} is too old: Fullhouse needs {OLDEST_MAJOR} or newer")
        if not await connection.fetchval("SELECT to_regclass('alembic_version') IS NOT NULL"):
            return None
        revision: str | None = await connection.fetchval("SELECT version_num FROM alembic_version")
        return revision
    finally:
        await connection.close()


async def _demo_accounts(url: str) -> list[str]:
    connection = await _connect(url)
    try:
        rows = await connection.fetch(
            "SELECT email FROM users WHERE email = ANY($1) AND disabled_at IS NULL"
            " AND password_hash IS NOT NULL ORDER BY email",
            DEMO_ADDRESSES,
        )
        return [row["email"] for row in rows]
    finally:
        await connection.close()


def _revisions() -> list[str]:
    """Every migration of this program, oldest first: their files begin with their number."""
    package = Path(__file__).parent
    inside = package / "migrations"  # where the wheel has them
    folder = inside if inside.is_dir() else package.parents[1] / "migrations"
    return sorted(path.name.partition("_")[0] for path in folder.glob("versions/[0-9]*.py"))


async def _create_admin(settings: Settings, url: str, name: str, email: str, password: str) -> str:
    from fullhouse.accounts.commands.administration import create_admin
    from fullhouse.accounts.rules import normalize_email
    from fullhouse.kit.db import Database

    database = Database(url, pool_size=1)
    hasher = _hasher(settings)
    try:
        await create_admin(database, hasher, name=name, email=email, password=password)
    finally:
        hasher.close()
        await database.close()
    return normalize_email(email)


async def _load_demo(settings: Settings, url: str) -> "DemoSummary":
    from fullhouse.demo import load_demo
    from fullhouse.kit.db import Database
    from fullhouse.venues.queries.seat_maps import SeatMaps

    database = Database(url, pool_size=4)
    hasher = _hasher(settings)
    try:
        return await load_demo(database, hasher, SeatMaps(database), datetime.now(UTC))
    finally:
        hasher.close()
        await database.close()


def _hasher(settings: Settings) -> "PasswordHasher":
    from fullhouse.accounts.passwords import PasswordHasher

    return PasswordHasher(
        settings.password_hash_memory_kib,
        settings.password_hash_passes,
        settings.password_hash_lanes,
        settings.password_hash_threads,
    )


async def _audit(url: str) -> "Report":
    from fullhouse.bookings.audit import audit
    from fullhouse.kit.db import Database

    database = Database(url, pool_size=1)
    try:
        return await audit(database)
    finally:
        await database.close()
