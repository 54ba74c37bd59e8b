"""The way to PostgreSQL: one pool for everybody, raw connections for the few who need them."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from functools import partial
from typing import Any, TypeAlias

import asyncpg
import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError, DisconnectionError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

# asyncpg's class can be given its parameter only by type checkers, hence the quotes.
RawConnection: TypeAlias = "asyncpg.Connection[asyncpg.Record]"

metadata = sa.MetaData(
    naming_convention={
        "ix": "%(table_name)s_%(column_0_N_name)s",
        "uq": "%(table_name)s_%(column_0_N_name)s_key",
        "ck": "%(table_name)s_%(constraint_name)s",
        "fk": "%(table_name)s_%(column_0_N_name)s_fkey",
        "pk": "%(table_name)s_pkey",
    }
)

# SQLSTATEs of what took too long: waiting for a lock (55P03), a statement (57014). The database
# is there; it is this one thing that does not get done.
_SLOW_SQLSTATES = ("55P03", "57014")

# SQLSTATEs that mean "not now" and never "wrong": those, connection trouble (08), too many
# connections or other lack of means (53), operator intervention such as a restart (57P), and a
# session that was ended because this process stood still in a transaction (25P03).
_PASSING_SQLSTATES = (*_SLOW_SQLSTATES, "08", "53", "57P", "25P03")

# Lost races that PostgreSQL itself asks us to repeat: serialization failure and deadlock.
_RETRY_SQLSTATES = ("40001", "40P01")


def now_column(name: str = "created_at") -> sa.Column[Any]:
    """A timestamp that the database fills in with its own clock."""
    return sa.Column(
        name,
        sa.DateTime(timezone=True),
        nullable=False,
        server_default=sa.text("clock_timestamp()"),
    )


class Database:
    """One PostgreSQL, reached through a pool of ``pool_size`` connections."""

    def __init__(self, url: str, *, pool_size: int = 10, timeout_seconds: float = 10) -> None:
        self._dsn = asyncpg_dsn(url)
        self._engine = engine_for(
            self._dsn,
            # Nothing may hang for ever: neither on a lock, nor on a server that has vanished.
            connect={
                "timeout": timeout_seconds,
                "command_timeout": timeout_seconds,
                "server_settings": {
                    "timezone": "UTC",
                    "lock_timeout": "5s",
                    "statement_timeout": "9s",
                    # What is asked for is in memory or on a disk without a moving head.
                    "random_page_cost": "1.1",
                    # How alike words must be to be taken for one another (pg_trgm's <%): one
                    # letter wrong in a word of five or six.
                    "pg_trgm.word_similarity_threshold": "0.45",
                },
            },
            pool_size=pool_size,
            max_overflow=0,
            pool_timeout=timeout_seconds,
        )
        sa.event.listen(self._engine.sync_engine, "checkout", _refuse_closed)
        # Reads need no transaction around them, and beginning and ending one are two round trips.
        self._reader = self._engine.execution_options(isolation_level="AUTOCOMMIT")

    @asynccontextmanager
    async def begin(self) -> AsyncIterator[AsyncConnection]:
        """A transaction that commits at the end of the block and rolls back on any error."""
        async with self._engine.begin() as connection:
            yield connection

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncConnection]:
        """A connection for reading only: each statement sees the newest commits."""
        async with self._reader.connect() as connection:
            yield connection

    @asynccontextmanager
    async def read_raw(self) -> AsyncIterator[RawConnection]:
        """A pooled connection as asyncpg knows it, for reading outside a transaction."""
        # SQLAlchemy's own connection around it would cost as much again as a short query.
        pooled = await self._engine.raw_connection()
        try:
            raw: RawConnection | None = pooled.driver_connection
            assert raw is not None
            yield raw
        finally:
            # Waits for nothing: there is no transaction to end.
            pooled.close()

    async def connect_raw(
        self, *, answer_within_seconds: float | None = None, **server_settings: str
    ) -> RawConnection:
        """A connection outside the pool, for the sequencer and the listener; close it yourself.

        With ``answer_within_seconds`` a statement that takes longer raises TimeoutError, even if
        the server has vanished without a word.
        """
        return await asyncpg.connect(
            self._dsn,
            timeout=10,
            command_timeout=answer_within_seconds,
            server_settings={"timezone": "UTC", **server_settings},
        )

    async def check(self) -> None:
        """Raise unless PostgreSQL answers; for the health of the process."""
        async with self.read() as connection:
            await connection.execute(sa.text("SELECT 1"))

    async def close(self) -> None:
        await self._engine.dispose()


def engine_for(
    url: str, *, connect: Mapping[str, Any] | None = None, **options: Any
) -> AsyncEngine:
    """SQLAlchemy's engine for an address, whose parameters (sslmode among them) asyncpg reads.

    ``connect`` goes to asyncpg besides, ``options`` to the engine.
    """
    return create_async_engine(
        # SQLAlchemy would hand sslmode on as an argument, which asyncpg takes from the address
        # only; so it makes the connections, as it makes those outside the pool.
        "postgresql+asyncpg://",
        async_creator=partial(asyncpg.connect, asyncpg_dsn(url), **(connect or {})),
        # Errors and logs name statements, never the values in them.
        hide_parameters=True,
        **options,
    )


def _refuse_closed(connection: Any, *_others: object) -> None:
    """Have the pool replace a connection whose server has ended, as after a restart.

    asyncpg hears of that by itself; to ask the server before each use would cost as much as most
    of what is asked then.
    """
    if connection.driver_connection.is_closed():
        raise DisconnectionError


async def take_turns(connection: AsyncConnection, number: int) -> None:
    """Wait until no other transaction has taken this number; it is ours until this one ends."""
    await connection.execute(sa.select(sa.func.pg_advisory_xact_lock(number)))


def asyncpg_dsn(url: str) -> str:
    """The same address in the form asyncpg takes: ``postgresql+asyncpg://`` loses its driver."""
    scheme, separator, rest = url.partition("://")
    return f"{scheme.partition('+')[0]}{separator}{rest}"


def is_passing(error: BaseException) -> bool:
    """True when the database is away or out of means for now, so that the answer is 503."""
    if isinstance(error, PoolTimeoutError):
        return True
    if isinstance(error, DBAPIError):
        if error.connection_invalidated:
            return True
        original = error.orig.__cause__ if error.orig is not None else None
        if original is not None and original is not error:
            return is_passing(original)
        return isinstance(error, (OperationalError, InterfaceError))
    if isinstance(error, asyncpg.PostgresError):
        return (error.sqlstate or "").startswith(_PASSING_SQLSTATES)
    # A connection that went away is an InterfaceError to asyncpg, an InternalClientError when the
    # server's farewell is still being read, and an OSError to the socket.
    gone = (asyncpg.InterfaceError, asyncpg.InternalClientError, OSError, TimeoutError)
    return isinstance(error, gone)


def is_slow(error: BaseException) -> bool:
    """True when something took too long, though the database is there."""
    if isinstance(error, asyncpg.PostgresError):
        return error.sqlstate in _SLOW_SQLSTATES
    return isinstance(error, TimeoutError)


def is_lost_race(error: BaseException) -> bool:
    """True when PostgreSQL rolled back to resolve a race and repeating is the remedy."""
    if isinstance(error, DBAPIError) and error.orig is not None:
        original = error.orig.__cause__
        return original is not None and is_lost_race(original)
    return isinstance(error, asyncpg.PostgresError) and error.sqlstate in _RETRY_SQLSTATES
