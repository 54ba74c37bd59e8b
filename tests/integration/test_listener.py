"""The listener's connection: it dies, loudly or without a word, and is made again."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator

import pytest_asyncio

from fullhouse.kit.db import Database
from fullhouse.kit.ids import new_id
from fullhouse.kit.listener import EVERYTHING, Listener, notify

NAME = "fullhouse listener"


class Ears:
    """A listener with short patience, and what it heard."""

    def __init__(self, database: Database) -> None:
        self.heard: asyncio.Queue[str] = asyncio.Queue()
        self.listener = Listener(database, heartbeat_seconds=0.2, answer_seconds=0.3)
        self.listener.subscribe(self.heard.put_nowait)

    async def next(self) -> str:
        async with asyncio.timeout(10):
            return await self.heard.get()


@pytest_asyncio.fixture
async def ears(database: Database) -> AsyncIterator[Ears]:
    ears = Ears(database)
    await ears.listener.start()
    assert await ears.next() == EVERYTHING
    yield ears
    await ears.listener.stop()


async def process_of_listener(database: Database) -> int:
    async with database.read_raw() as connection:
        found: int = await connection.fetchval(
            "SELECT pid FROM pg_stat_activity WHERE application_name = $1"
            " AND datname = current_database()",
            NAME,
        )
    return found


async def say(database: Database, *tags: str) -> None:
    async with database.begin() as connection:
        await notify(connection, *tags)


async def test_heartbeats_leave_a_living_connection_alone(database: Database, ears: Ears) -> None:
    process = await process_of_listener(database)
    await asyncio.sleep(1)
    await say(database, "one:1")
    assert await ears.next() == "one:1"
    assert await process_of_listener(database) == process


async def test_a_killed_connection_is_made_again(database: Database, ears: Ears) -> None:
    async with database.read_raw() as connection:
        await connection.execute(
            "SELECT pg_terminate_backend($1)", await process_of_listener(database)
        )
    assert await ears.next() == EVERYTHING
    await say(database, "two:2")
    assert await ears.next() == "two:2"


async def test_a_connection_that_is_silent_is_given_up(database: Database, ears: Ears) -> None:
    process = await process_of_listener(database)
    os.kill(process, signal.SIGSTOP)
    try:
        assert await ears.next() == EVERYTHING
        await say(database, "three:3")
        assert await ears.next() == "three:3"
    finally:
        os.kill(process, signal.SIGCONT)


async def test_notify_more_tags_than_one_payload_takes(database: Database, ears: Ears) -> None:
    tags = [f"showtime:{new_id()}" for _ in range(500)]
    await say(database, *tags)
    assert [await ears.next() for _ in tags] == tags


async def test_notify_too_many_tags_is_everything(database: Database, ears: Ears) -> None:
    await say(database, *(f"showtime:{new_id()}" for _ in range(4_000)))
    await say(database, "one:1")
    assert await ears.next() == EVERYTHING
    assert await ears.next() == "one:1"
