"""Seeing transactions wait for each other, so that a race happens when a test wants it."""

import asyncio

from fullhouse.kit.db import RawConnection


async def until_blocked(connection: RawConnection, transactions: int = 1) -> None:
    """Return once so many transactions of the server wait for a lock.

    The connection may hold the lock in a transaction of its own: pg_locks is never a snapshot.
    """
    for _ in range(2_000):
        waiting = await connection.fetchval(
            "SELECT count(DISTINCT pid) FROM pg_locks WHERE NOT granted"
        )
        if waiting >= transactions:
            return
        await asyncio.sleep(0.01)
    raise AssertionError(f"{transactions} transactions did not come to wait for a lock")
