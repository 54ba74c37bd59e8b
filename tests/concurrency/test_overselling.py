"""Everybody at once, on two server processes and one database, with real commits.

Each test has its positive control: the same race with the protection taken out of the database,
which must oversell. Otherwise the test would prove nothing.
"""

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest

from fullhouse.bookings.audit import audit
from fullhouse.kit.db import Database, RawConnection
from fullhouse.kit.embedded import EmbeddedPostgres
from tests.support.house import API, House, buyers, open_house
from tests.support.postgres import cloned_database
from tests.support.protection import remove_constraints, remove_lock, widen_race
from tests.support.servers import api_server

GRID = {"template": "grid", "rows": 5, "seatsPerRow": 6}
SEAT_LABELS = [f"{row}-{number}" for row in "ABCDE" for number in range(1, 7)]
SEATED = [{"name": "Seats", "price": {"amount": 5_000}, "sections": ["Main"]}]


class Rush:
    """Two servers, a connection behind their backs, and many buyers."""

    def __init__(self, clients: list[httpx.AsyncClient], connection: RawConnection) -> None:
        self.clients = clients
        self.connection = connection

    async def reserve(self, orders: list[dict[str, Any]]) -> list[httpx.Response]:
        """Every order by another buyer, all at the same time, over both servers."""
        for client in self.clients:
            # Both know the showtime before the rush, so that neither is late for it.
            showtime = orders[0]["showtimeId"]
            await client.get(f"{API}/showtimes/{showtime}/availability")
        people = await buyers(self.connection, len(orders))
        sends = [
            self.clients[number % len(self.clients)].post(
                f"{API}/bookings", json=order, headers=headers
            )
            for number, (order, headers) in enumerate(zip(orders, people, strict=True))
        ]
        return await asyncio.gather(*sends)

    async def held(self, house: House) -> int:
        held: int = await self.connection.fetchval(
            "SELECT sum(held)::int FROM allotments WHERE showtime_id = $1::text::uuid",
            house.showtime_id,
        )
        return held

    async def claims(self, house: House) -> list[str]:
        rows = await self.connection.fetch(
            "SELECT seat_id::text FROM seat_claims WHERE showtime_id = $1::text::uuid",
            house.showtime_id,
        )
        return [row[0] for row in rows]


@asynccontextmanager
async def rush(
    postgres: EmbeddedPostgres, template: str, folder: Path, *, protected: bool
) -> AsyncIterator[Rush]:
    async with cloned_database(postgres, template) as url:
        connection = await asyncpg.connect(url)
        if not protected:
            await remove_lock(connection)
            await remove_constraints(connection)
        await widen_race(connection)
        limits = httpx.Limits(max_connections=100)
        with api_server(url, folder / "one.log") as one, api_server(url, folder / "two.log") as two:
            async with (
                httpx.AsyncClient(base_url=one, timeout=60, limits=limits) as first,
                httpx.AsyncClient(base_url=two, timeout=60, limits=limits) as second,
            ):
                yield Rush([first, second], connection)
        if protected:
            database = Database(url)
            report = await audit(database)
            await database.close()
            assert report.is_clean, report.examples
        await connection.close()


def statuses(answers: list[httpx.Response]) -> Counter[int]:
    return Counter(answer.status_code for answer in answers)


protection = pytest.mark.parametrize("protected", [True, False], ids=["protected", "control"])


@protection
async def test_one_seat_five_hundred_buyers(
    postgres: EmbeddedPostgres, template: str, tmp_path: Path, protected: bool
) -> None:
    async with rush(postgres, template, tmp_path, protected=protected) as crowd:
        house = await open_house(crowd.clients[0], SEATED, seat_map=GRID)
        answers = await crowd.reserve([house.seats("C-3")] * 500)
        sold = len(await crowd.claims(house))
        if not protected:
            rushes = 1
            # Whether two decide at the same moment is chance: so there are some more rushes.
            for seat in ("A-1", "A-2", "B-1", "B-2", "D-1", "D-2"):
                if sold > rushes:
                    break
                await crowd.reserve([house.seats(seat)] * 500)
                sold, rushes = len(await crowd.claims(house)), rushes + 1
            assert sold > rushes, "without protection a seat is sold twice, or this test is blind"
            return
        assert statuses(answers) == {201: 1, 409: 499}
        assert sold == 1
        losers = [answer.json() for answer in answers if answer.status_code == 409]
        assert all((loser["code"], loser["seats"]) == ("seats_taken", ["C-3"]) for loser in losers)


@protection
async def test_hundred_places_a_thousand_buyers(
    postgres: EmbeddedPostgres, template: str, tmp_path: Path, protected: bool
) -> None:
    chance = random.Random(7)
    async with rush(postgres, template, tmp_path, protected=protected) as crowd:
        general = {"name": "General", "price": {"amount": 5_000}, "capacity": 100}
        house = await open_house(crowd.clients[0], [general])
        quantities = [chance.randint(1, 4) for _ in range(1_000)]
        answers = await crowd.reserve([house.order("General", wish) for wish in quantities])
        held = await crowd.held(house)
        if not protected:
            assert held > 100, "without protection it oversells, or this test is blind"
            return
        assert set(statuses(answers)) == {201, 409}
        got = [
            wish
            for wish, answer in zip(quantities, answers, strict=True)
            if answer.status_code == 201
        ]
        assert sum(got) == held <= 100
        refused = [
            wish
            for wish, answer in zip(quantities, answers, strict=True)
            if answer.status_code == 409
        ]
        # Whatever is left is less than anybody asked for who went away with nothing.
        assert 100 - held < min(refused)


@protection
async def test_overlapping_seats_all_or_nothing(
    postgres: EmbeddedPostgres, template: str, tmp_path: Path, protected: bool
) -> None:
    chance = random.Random(11)
    async with rush(postgres, template, tmp_path, protected=protected) as crowd:
        house = await open_house(crowd.clients[0], SEATED, seat_map=GRID)
        # In any order, so that whoever locks seat by seat would meet in the middle.
        wishes = [chance.sample(SEAT_LABELS, 3) for _ in range(300)]
        answers = await crowd.reserve([house.seats(*wish) for wish in wishes])
        claims = await crowd.claims(house)
        if not protected:
            assert len(set(claims)) < len(claims), "no seat was sold twice: this test is blind"
            return
        assert set(statuses(answers)) == {201, 409}
        sold = [
            seat
            for answer in answers
            if answer.status_code == 201
            for item in answer.json()["items"]
            for seat in item["seats"]
        ]
        assert len(sold) == len(set(sold)) == len(claims) == 3 * statuses(answers)[201]


async def test_one_key_one_booking_on_two_servers(
    postgres: EmbeddedPostgres, template: str, tmp_path: Path
) -> None:
    async with rush(postgres, template, tmp_path, protected=True) as crowd:
        general = {"name": "General", "price": {"amount": 5_000}, "capacity": 100}
        house = await open_house(crowd.clients[0], [general])
        (headers,) = await buyers(crowd.connection, 1)
        answers = await asyncio.gather(
            *(
                crowd.clients[number % 2].post(
                    f"{API}/bookings",
                    json=house.order("General", 2),
                    headers=headers | {"Idempotency-Key": "once"},
                )
                for number in range(60)
            )
        )
        assert statuses(answers) == {201: 60}
        assert len({answer.content for answer in answers}) == 1
        replayed = [answer.headers.get("Idempotent-Replayed") for answer in answers]
        assert Counter(replayed) == {"true": 59, None: 1}
        assert await crowd.held(house) == 2


async def test_line_is_served_while_everybody_cancels(
    postgres: EmbeddedPostgres, template: str, tmp_path: Path
) -> None:
    chance = random.Random(13)
    async with rush(postgres, template, tmp_path, protected=True) as crowd:
        general = {"name": "General", "price": {"amount": 0}, "capacity": 20}
        house = await open_house(crowd.clients[0], [general])
        people = await buyers(crowd.connection, 120)
        firsts = await asyncio.gather(
            *(_join(crowd, house, person, chance.randint(1, 3)) for person in people[:60])
        )

        async def give_up(number: int) -> httpx.Response:
            path = f"{API}/bookings/{firsts[number].json()['id']}/cancel"
            return await crowd.clients[number % 2].post(path, headers=people[number])

        # Half of the first comers give up while as many newcomers join, on both servers.
        answers = await asyncio.gather(
            *(give_up(number) for number in range(0, 60, 2)),
            *(_join(crowd, house, person, chance.randint(1, 3)) for person in people[60:]),
        )
        assert set(statuses(firsts)) == {201, 202}
        assert set(statuses(list(answers))) <= {200, 201, 202}
        left_over = await crowd.connection.fetchrow(
            """SELECT a.capacity - a.held - a.sold AS free, min(e.quantity) AS smallest
            FROM allotments a JOIN waitlist_entries e USING (showtime_id, category_id)
            WHERE a.showtime_id = $1::text::uuid AND e.status = 'waiting'
            GROUP BY 1""",
            house.showtime_id,
        )
        assert left_over is not None, "everybody was served: the test asks for too little"
        assert left_over["free"] < left_over["smallest"]


async def _join(
    crowd: Rush, house: House, headers: dict[str, str], quantity: int
) -> httpx.Response:
    return await crowd.clients[quantity % 2].post(
        f"{API}/bookings",
        json=house.order("General", quantity, joinWaitlist=True),
        headers=headers,
    )
