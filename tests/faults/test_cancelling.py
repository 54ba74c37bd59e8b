"""A server that is killed while it ends the bookings of a cancelled event."""

import asyncio
import contextlib
import os
import signal
from pathlib import Path
from uuid import UUID

import asyncpg
import httpx

from fullhouse.bookings.audit import Report, audit
from fullhouse.kit.db import Database, RawConnection
from fullhouse.kit.embedded import EmbeddedPostgres
from tests.support.house import API, House, buyers, open_house
from tests.support.postgres import cloned_database
from tests.support.processes import free_port
from tests.support.protection import widen_race
from tests.support.servers import api_process, api_server

GENERAL = [{"name": "General", "price": {"amount": 5_000}, "capacity": 5_000}]
BOOKINGS = 1_500
LIVE = "SELECT count(*) FROM bookings WHERE status IN ('reserved', 'confirmed', 'waitlisted')"


async def _sell(url: str, address: str) -> House:
    connection = await asyncpg.connect(url)
    people = await buyers(connection, 30)
    await connection.close()
    limits = httpx.Limits(max_connections=30)
    async with httpx.AsyncClient(base_url=address, timeout=60, limits=limits) as client:
        house = await open_house(client, GENERAL)
        answers = await asyncio.gather(
            *(
                client.post(
                    f"{API}/bookings",
                    json=house.order("General"),
                    headers=people[number % len(people)],
                )
                for number in range(BOOKINGS)
            )
        )
    assert {answer.status_code for answer in answers} == {201}
    return house


async def _until(connection: RawConnection, condition: str, *values: object) -> None:
    for _ in range(6_000):
        if await connection.fetchval(condition, *values):
            return
        await asyncio.sleep(0.005)
    raise AssertionError(f"it never came to {condition}")


async def _audit(url: str) -> Report:
    database = Database(url)
    report = await audit(database)
    await database.close()
    assert report.is_clean, report.examples
    return report


async def test_killed_in_the_middle_another_goes_on(
    postgres: EmbeddedPostgres, template: str, tmp_path: Path
) -> None:
    port = free_port()
    async with cloned_database(postgres, template) as url:
        connection = await asyncpg.connect(url)
        with api_process(url, tmp_path / "1.log", port) as (address, process):
            house = await _sell(url, address)
            # Each batch takes its time, so that there is a middle.
            await widen_race(connection, 0.05)
            async with httpx.AsyncClient(base_url=address, timeout=60) as client:
                cancelling = asyncio.create_task(
                    client.post(f"{API}/events/{house.event_id}/cancel", headers=house.organizer)
                )
                ended = "SELECT EXISTS (SELECT FROM bookings WHERE status = 'cancelled')"
                await _until(connection, ended)
                os.killpg(process.pid, signal.SIGKILL)
                await asyncio.to_thread(process.wait)
                with contextlib.suppress(httpx.TransportError):
                    await cancelling
        left = await connection.fetchval(LIVE)
        assert 0 < left < BOOKINGS, "it was killed too early or too late: the test shows nothing"
        assert (await _audit(url)).clearing == 1
        showtime = UUID(house.showtime_id)
        with api_server(url, tmp_path / "2.log", port):
            cleared = "SELECT cleared_at IS NOT NULL FROM showtimes WHERE id = $1"
            await _until(connection, cleared, showtime)
        assert await connection.fetchval(LIVE) == 0
        assert (await _audit(url)).clearing == 0
        told = await connection.fetchrow(
            "SELECT count(*), count(DISTINCT payload ->> 'bookingId'),"
            " count(*) FILTER (WHERE payload ->> 'reason' = 'event_cancelled')"
            " FROM outbox WHERE stream_id = $1 AND topic = 'booking.cancelled'",
            showtime,
        )
        # Each once, whatever was under way when the lights went out.
        assert told is not None and tuple(told) == (BOOKINGS, BOOKINGS, BOOKINGS)
        await connection.close()
