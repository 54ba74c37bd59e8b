"""The pool: what happens to its connections when something goes wrong with their users."""

import asyncio
from collections.abc import AsyncIterator

import asyncpg
import pytest
import pytest_asyncio
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from fullhouse.kit.db import Database, RawConnection, is_passing


@pytest_asyncio.fixture
async def narrow(database_url: str) -> AsyncIterator[Database]:
    """A pool of one connection, so that one that is not given back is missed at once."""
    database = Database(database_url, pool_size=1, timeout_seconds=2)
    yield database
    await database.close()


async def backend(database: Database) -> int:
    """The server process that the pool's connection talks to."""
    async with database.read_raw() as connection:
        found: int = await connection.fetchval("SELECT pg_backend_pid()")
        return found


async def test_raw_readers_share_the_pool(narrow: Database) -> None:
    first = await backend(narrow)
    assert await asyncio.gather(*(backend(narrow) for _ in range(20))) == [first] * 20


async def test_a_mistake_of_its_user_costs_no_connection(narrow: Database) -> None:
    first = await backend(narrow)
    for _ in range(3):
        with pytest.raises(asyncpg.PostgresSyntaxError):
            async with narrow.read_raw() as connection:
                await connection.fetchval("SELEKT 1")
        with pytest.raises(ZeroDivisionError):
            async with narrow.read_raw():
                raise ZeroDivisionError
    assert await backend(narrow) == first


async def test_who_leaves_in_the_middle_gives_its_connection_back(narrow: Database) -> None:
    async def read() -> None:
        async with narrow.read_raw() as connection:
            await connection.fetchval("SELECT pg_sleep(5)")

    for _ in range(3):
        reader = asyncio.create_task(read())
        await asyncio.sleep(0.05)
        reader.cancel()
        with pytest.raises(asyncio.CancelledError):
            await reader
    assert await backend(narrow)


async def test_who_waits_too_long_is_told_so(narrow: Database) -> None:
    async with narrow.read_raw():
        with pytest.raises(PoolTimeoutError) as caught:
            await backend(narrow)
    assert is_passing(caught.value)
    assert await backend(narrow)


async def test_a_connection_that_was_ended_is_replaced(
    narrow: Database, connection: RawConnection
) -> None:
    first = await backend(narrow)
    # While nobody uses it...
    await connection.execute("SELECT pg_terminate_backend($1, 2000)", first)
    await asyncio.sleep(0.05)
    second = await backend(narrow)
    assert second != first
    # ... and in somebody's hands.
    # Its farewell may have been read already.
    with pytest.raises((asyncpg.PostgresError, asyncpg.InterfaceError)) as caught:
        async with narrow.read_raw() as reader:
            await connection.execute("SELECT pg_terminate_backend($1, 2000)", second)
            await reader.fetchval("SELECT 1")
    assert is_passing(caught.value)
    assert await backend(narrow) not in (first, second)
