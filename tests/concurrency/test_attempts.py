"""Attempts that are counted and given back at the same moment."""

import asyncio
from datetime import timedelta

import pytest

from fullhouse.accounts.commands.guarding import begin, guarded
from fullhouse.accounts.errors import INVALID_CREDENTIALS
from fullhouse.accounts.lockout import Policy
from fullhouse.kit.db import RawConnection
from fullhouse.kit.errors import OVERLOADED, Refused
from fullhouse.parts import Parts
from tests.support.locks import until_blocked

PATIENT = Policy(1_000, timedelta(seconds=30), timedelta(minutes=15))
# In the order in which they are counted.
SHARED, OWN = b"a key of many", b"b key of one"


async def fails_otherwise(parts: Parts, *keys: bytes) -> None:
    """An attempt that ends in a way that counts as no guess."""
    with pytest.raises(Refused) as refused:
        async with guarded(parts.accounts, dict.fromkeys(keys, PATIENT), [INVALID_CREDENTIALS]):
            raise Refused(OVERLOADED)
    assert refused.value.code is OVERLOADED


async def counted(connection: RawConnection) -> dict[bytes, int]:
    rows = await connection.fetch("SELECT key, failures FROM attempts")
    return {row["key"]: row["failures"] for row in rows}


async def test_attempts_given_back_at_the_same_moment_are_each_given_back_once(
    parts: Parts, connection: RawConnection
) -> None:
    """Of the last two, one sees the other's as left, unless it waits before it looks."""
    await connection.execute("DELETE FROM attempts")
    ready = asyncio.Barrier(3)

    async def attempt() -> None:
        with pytest.raises(Refused):
            async with guarded(parts.accounts, {SHARED: PATIENT}, [INVALID_CREDENTIALS]):
                await ready.wait()
                await ready.wait()
                raise Refused(OVERLOADED)

    under_way = [asyncio.create_task(attempt()) for _ in range(2)]
    await ready.wait()
    assert await counted(connection) == {SHARED: 2}
    async with connection.transaction():
        await connection.execute("SELECT FROM attempts FOR UPDATE")
        await ready.wait()
        await until_blocked(connection, 2)
    await asyncio.gather(*under_way)
    assert await counted(connection) == {}


async def test_a_crowd_leaves_nothing_counted(parts: Parts, connection: RawConnection) -> None:
    await connection.execute("DELETE FROM attempts")
    for _ in range(5):
        await asyncio.gather(*(fails_otherwise(parts, SHARED, OWN) for _ in range(20)))
        assert await counted(connection) == {}


async def test_who_succeeds_and_who_tries_do_not_wait_for_each_other(
    parts: Parts, connection: RawConnection
) -> None:
    """One holds the first key and wants the second: the other must not have it already."""
    await connection.execute("DELETE FROM attempts")
    keys = {SHARED: PATIENT, OWN: PATIENT}
    inside, leave = asyncio.Event(), asyncio.Event()

    async def succeed() -> None:
        async with guarded(parts.accounts, keys, [INVALID_CREDENTIALS], shared=[SHARED]):
            inside.set()
            await leave.wait()

    succeeding = asyncio.create_task(succeed())
    await inside.wait()
    async with connection.transaction():
        await connection.execute("SELECT FROM attempts WHERE key = $1 FOR UPDATE", SHARED)
        trying = asyncio.create_task(begin(parts.accounts, keys))
        await until_blocked(connection, 1)
        leave.set()
        await until_blocked(connection, 2)
    await asyncio.gather(succeeding, trying)
    # What is left is of the one who tried; the other began anew but for what is shared.
    assert (await counted(connection))[SHARED] == 1


async def test_a_crowd_at_the_doors_leaves_connections_to_everybody_else(
    parts: Parts, connection: RawConnection
) -> None:
    """Here it is held up by a lock; under a flood, by the number of those who come at once."""
    await connection.execute("DELETE FROM attempts")
    async with connection.transaction():
        await connection.execute("LOCK TABLE attempts IN ACCESS EXCLUSIVE MODE")
        crowd = [asyncio.create_task(fails_otherwise(parts, SHARED)) for _ in range(50)]
        await until_blocked(connection, 2)
        async with asyncio.timeout(30), parts.database.read() as reading:
            assert (await reading.exec_driver_sql("SELECT 1")).scalar_one() == 1
        assert (
            await connection.fetchval("SELECT count(DISTINCT pid) FROM pg_locks WHERE NOT granted")
            == 2
        )
    await asyncio.gather(*crowd)
    assert await counted(connection) == {}
