"""What runs beside the requests: chores in general, and what the accounts forget."""

import asyncio
from datetime import timedelta

import pytest
import structlog

from fullhouse.accounts import jobs
from fullhouse.kit.db import Database, RawConnection
from fullhouse.kit.errors import Code, Kind, Refused
from fullhouse.kit.housekeeping import Chore, Housekeeper
from fullhouse.kit.ids import new_id
from tests.support.selling_rows import add_user

_AWAY = Code("away", Kind.UNAVAILABLE, "It is away.", "Wait.")


async def test_chore_that_fails_is_done_again_and_holds_up_no_other() -> None:
    done: list[str] = []
    twice = asyncio.Event()

    async def fails() -> None:
        done.append("fails")
        if done.count("fails") == 1:
            raise ZeroDivisionError
        if done.count("fails") == 2:
            raise Refused(_AWAY)
        twice.set()

    async def hangs() -> None:
        done.append("hangs")
        await asyncio.Event().wait()

    keeper = Housekeeper([Chore("hangs", 0, hangs), Chore("fails", 0, fails)])
    with structlog.testing.capture_logs() as lines:
        await keeper.start()
        async with asyncio.timeout(30):
            await twice.wait()
        await keeper.stop()
    seen = len(done)
    await asyncio.sleep(0.05)
    assert len(done) == seen, "it goes on after it was stopped"
    assert done.count("hangs") == 1
    # A bug is told of; that something is away for now is not.
    assert [(one["event"], one["chore"]) for one in lines] == [("chore_failed", "fails")]


async def add_session(connection: RawConnection, idle_days: int, *, ended: bool = False) -> str:
    """A session that could be used last so many days ago."""
    session_id, user_id = new_id(), await add_user(connection)
    await connection.execute(
        "INSERT INTO sessions (id, user_id, method, second_factor, address, agent, idle_until,"
        " ends_at, generation, token_hash, ended_at, ended_because)"
        " VALUES ($1, $2, 'password', false, '192.0.2.1', 'Browser',"
        " now() - $3::interval, now() + interval '1 day', 1, '',"
        " CASE WHEN $4 THEN now() - interval '200 days' END, CASE WHEN $4 THEN 'logout' END)",
        session_id,
        user_id,
        timedelta(days=idle_days),
        ended,
    )
    return str(session_id)


async def test_what_is_long_over_is_forgotten_and_nothing_else(
    database: Database, connection: RawConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Smaller than what there is to delete: it takes several turns.
    monkeypatch.setattr(jobs, "PURGE_LIMIT", 2)
    for _ in range(5):
        await add_session(connection, 91)
    kept = {
        await add_session(connection, 89),
        await add_session(connection, -1),
        await add_session(connection, -1, ended=True),
    }
    user_id = await add_user(connection)
    for hours in (25, 23):
        age = timedelta(hours=hours)
        await connection.execute(
            "INSERT INTO mail_tokens (token_hash, user_id, purpose, email, expires_at)"
            " VALUES ($1, $2, 'reset_password', 'ada@example.org', now() - $3::interval)",
            str(hours).encode(),
            user_id,
            age,
        )
        await connection.execute(
            "INSERT INTO phone_codes (id, phone, code_hash, expires_at)"
            " VALUES ($1, $2, '', now() - $3::interval)",
            new_id(),
            f"+97798000000{hours}",
            age,
        )
        await connection.execute(
            "INSERT INTO attempts (key, failures, last_failed_at)"
            " VALUES ($1, 3, now() - $2::interval)",
            str(hours).encode(),
            age,
        )
    await jobs.purge(database)
    found = await connection.fetch("SELECT id::text FROM sessions")
    assert {row["id"] for row in found} == kept
    for table, key in (("mail_tokens", "token_hash"), ("attempts", "key")):
        rows = await connection.fetch(f"SELECT {key} AS key FROM {table}")
        assert [row["key"] for row in rows] == [b"23"], table
    phones = await connection.fetch("SELECT phone FROM phone_codes")
    assert [row["phone"] for row in phones] == ["+9779800000023"]
