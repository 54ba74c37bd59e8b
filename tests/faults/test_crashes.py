"""Processes killed and stopped in the middle of a rush: nothing acknowledged is lost, nothing is
sold twice, and everything goes on by itself.
"""

import asyncio
import contextlib
import os
import random
import signal
import subprocess
import time
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import asyncpg
import httpx
import pytest_asyncio

from fullhouse.bookings.audit import audit
from fullhouse.kit.db import Database
from fullhouse.kit.embedded import EmbeddedPostgres
from fullhouse.kit.ids import new_code
from tests.support.house import API, House, buyers, open_house
from tests.support.postgres import cloned_database, make_template, short_folder
from tests.support.processes import free_port
from tests.support.servers import api_process, api_server

GENERAL = [{"name": "General", "price": {"amount": 5_000}, "capacity": 5_000}]
BUYERS = 40


@dataclass
class Diary:
    """What the buyers saw: per key the booking that was acknowledged, and every status."""

    acknowledged: dict[str, str] = field(default_factory=dict)
    sent: dict[str, dict[str, str]] = field(default_factory=dict)  # headers by key
    statuses: Counter[int | str] = field(default_factory=Counter)
    last_success: float = 0.0


class Rush:
    """Buyers who reserve one place after the other until told to stop, each with a new key."""

    def __init__(self, address: str, house: House, people: list[dict[str, str]]) -> None:
        self.diary = Diary()
        self._client = httpx.AsyncClient(
            base_url=address, timeout=20, limits=httpx.Limits(max_connections=BUYERS)
        )
        self._house = house
        self._name = new_code()  # so that no two rushes share a key
        self._stopping = False
        self._tasks = [
            asyncio.create_task(self._buy(number, headers)) for number, headers in enumerate(people)
        ]

    async def stop(self) -> Diary:
        self._stopping = True
        await asyncio.gather(*self._tasks)
        await self._client.aclose()
        return self.diary

    async def _buy(self, number: int, headers: dict[str, str]) -> None:
        turn = 0
        while not self._stopping:
            turn += 1
            key = f"{self._name}-{number}-{turn}"
            mine = headers | {"Idempotency-Key": key}
            self.diary.sent[key] = mine
            try:
                answer = await self._client.post(
                    f"{API}/bookings", json=self._house.order("General"), headers=mine
                )
            except httpx.TransportError:
                self.diary.statuses["broken"] += 1
                await asyncio.sleep(0.02)
                continue
            self.diary.statuses[answer.status_code] += 1
            if answer.status_code == 201:
                self.diary.acknowledged[key] = answer.json()["id"]
                self.diary.last_success = time.monotonic()
            else:
                assert answer.status_code != 503 or int(answer.headers["Retry-After"]) >= 1
                await asyncio.sleep(0.02)


@pytest_asyncio.fixture(scope="module")
async def durable() -> AsyncIterator[EmbeddedPostgres]:
    """A server as in production: what it says is committed is on the disk."""
    with short_folder() as folder, EmbeddedPostgres(folder / "pg") as server:
        yield server


@pytest_asyncio.fixture(scope="module")
async def durable_template(durable: EmbeddedPostgres) -> str:
    return await make_template(durable)


async def check_nothing_lost(url: str, address: str, house: House, diary: Diary) -> None:
    """Every acknowledged booking is there, the audit is clean, and keys find what they made."""
    connection = await asyncpg.connect(url)
    stored = {
        row["idempotency_key"]: str(row["id"])
        for row in await connection.fetch("SELECT idempotency_key, id FROM bookings")
    }
    await connection.close()
    assert diary.acknowledged, "nothing was sold before the crash: the test shows nothing"
    lost = {key for key, made in diary.acknowledged.items() if stored.get(key) != made}
    assert not lost
    database = Database(url)
    report = await audit(database)
    await database.close()
    assert report.is_clean, report.examples
    # Also those whose answer never came: the same key makes no second booking.
    unanswered = [key for key in diary.sent if key not in diary.acknowledged]
    chosen = [*unanswered, *random.Random(5).sample(sorted(diary.acknowledged), 20)]
    async with httpx.AsyncClient(base_url=address, timeout=20) as client:
        for key in chosen:
            answer = await client.post(
                f"{API}/bookings", json=house.order("General"), headers=diary.sent[key]
            )
            assert answer.status_code == 201, answer.text
            assert stored.get(key) in (None, answer.json()["id"])
            assert (answer.headers.get("Idempotent-Replayed") == "true") == (key in stored)


async def open_rush(url: str, address: str) -> tuple[House, list[dict[str, str]]]:
    connection = await asyncpg.connect(url)
    people = await buyers(connection, BUYERS)
    await connection.close()
    async with httpx.AsyncClient(base_url=address, timeout=20) as client:
        return await open_house(client, GENERAL), people


async def test_server_killed_in_the_rush(
    durable: EmbeddedPostgres, durable_template: str, tmp_path: Path
) -> None:
    port = free_port()
    async with cloned_database(durable, durable_template) as url:
        with api_process(url, tmp_path / "1.log", port) as (address, process):
            house, people = await open_rush(url, address)
            rush = Rush(address, house, people)
            await asyncio.sleep(1.5)
            os.killpg(process.pid, signal.SIGKILL)
            await asyncio.to_thread(process.wait)
            await asyncio.sleep(0.3)
        with api_server(url, tmp_path / "2.log", port) as address:
            await asyncio.sleep(0.7)
            restarted = rush.diary.last_success
            diary = await rush.stop()
            assert restarted > 0 and diary.statuses["broken"] > 0
            assert set(diary.statuses) == {201, "broken"}
            await check_nothing_lost(url, address, house, diary)


async def test_postgresql_killed_in_the_rush(
    durable: EmbeddedPostgres, durable_template: str, tmp_path: Path
) -> None:
    async with cloned_database(durable, durable_template) as url:
        with api_server(url, tmp_path / "api.log") as address:
            house, people = await open_rush(url, address)
            rush = Rush(address, house, people)
            await asyncio.sleep(1.5)
            os.kill(durable.pid, signal.SIGKILL)
            # Long enough that waiting commands are refused, and not only repeated.
            await asyncio.sleep(4)
            assert rush.diary.statuses[503] > 0
            ready = await asyncio.to_thread(httpx.get, f"{address}/health/ready")
            assert ready.status_code == 503 and "database" in ready.text
            await asyncio.to_thread(durable.restart)
            back = time.monotonic()
            await asyncio.sleep(3)
            diary = await rush.stop()
            assert diary.last_success > back, "it did not recover by itself"
            assert set(diary.statuses) == {201, 503}
            await check_nothing_lost(url, address, house, diary)


async def test_backends_killed_in_the_rush(
    durable: EmbeddedPostgres, durable_template: str, tmp_path: Path
) -> None:
    """Connections break again and again, some of them between the commit and its answer."""
    async with cloned_database(durable, durable_template) as url:
        connection = await asyncpg.connect(url)
        with api_server(url, tmp_path / "api.log") as address:
            house, people = await open_rush(url, address)
            rush = Rush(address, house, people)
            killed = 0
            # On a busy machine each new connection takes its time.
            for _ in range(400):
                if killed > 10:
                    break
                await asyncio.sleep(0.05 + random.random() / 20)
                killed += await connection.fetchval(
                    "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
                    " WHERE application_name = 'fullhouse sequencer'"
                )
            diary = await rush.stop()
            assert killed > 10
            # Repeated by the sequencer, so that buyers notice nothing but a moment.
            assert set(diary.statuses) == {201}
            await check_nothing_lost(url, address, house, diary)
        await connection.close()


async def test_stopped_server_does_not_stop_the_others(
    durable: EmbeddedPostgres, durable_template: str, tmp_path: Path
) -> None:
    async with cloned_database(durable, durable_template) as url:
        with (
            api_process(url, tmp_path / "1.log") as (address, process),
            api_server(url, tmp_path / "2.log") as other,
        ):
            house, people = await open_rush(url, address)
            frozen = Rush(address, house, people[: BUYERS // 2])
            going = Rush(other, house, people[BUYERS // 2 :])
            await asyncio.sleep(1)
            await stop_in_a_transaction(url, process)
            await asyncio.sleep(5)
            assert await sold_since(going, time.monotonic()), "the stopped server kept the lock"
            os.killpg(process.pid, signal.SIGCONT)
            assert await sold_since(frozen, time.monotonic()), "it did not recover by itself"
            diaries = [await frozen.stop(), await going.stop()]
            for diary in diaries:
                assert set(diary.statuses) <= {201, 503}
                await check_nothing_lost(url, other, house, diary)


async def sold_since(rush: Rush, moment: float) -> bool:
    """Whether the rush sells again; waits for it as long as a busy machine may need."""
    for _ in range(200):
        if rush.diary.last_success > moment:
            return True
        await asyncio.sleep(0.05)
    return False


async def stop_in_a_transaction(url: str, process: subprocess.Popen[bytes]) -> None:
    """SIGSTOP the server's whole group at a moment when it holds the showtime's lock."""
    connection = await asyncpg.connect(url)
    for _ in range(200):
        os.killpg(process.pid, signal.SIGSTOP)
        await asyncio.sleep(0.02)
        holding = await connection.fetchval(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
            " AND application_name = 'fullhouse sequencer' AND state = 'idle in transaction'"
        )
        if holding:
            break
        os.killpg(process.pid, signal.SIGCONT)
        await asyncio.sleep(random.random() / 50)
    with contextlib.suppress(Exception):
        await connection.close()
    assert holding, "the server was never caught inside a transaction"
