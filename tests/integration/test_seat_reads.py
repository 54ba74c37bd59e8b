"""Reading the seats of a large hall: made once for all who ask, and right."""

import asyncio
import base64
from typing import Any
from uuid import UUID

import httpx
import pytest
import pytest_asyncio

from fullhouse.bookings.store import read
from fullhouse.kit.db import Database, RawConnection
from tests.support.house import API, House, open_house
from tests.support.people import signed_in

ROWS, SEATS_PER_ROW = 300, 200
STATES = {"available": 0, "held": 1, "sold": 2, "blocked": 3}


class Count:
    """How often the state of a showtime was read from the database."""

    def __init__(self) -> None:
        self.reads = 0

    async def standing(self, connection: RawConnection, showtime_id: UUID) -> str | None:
        self.reads += 1
        return await _STANDING(connection, showtime_id)


_STANDING = read.standing


@pytest.fixture
def count(monkeypatch: pytest.MonkeyPatch) -> Count:
    count = Count()
    monkeypatch.setattr(read, "standing", count.standing)
    return count


@pytest_asyncio.fixture(scope="module")
async def arena(client: httpx.AsyncClient) -> House:
    """60,000 seats, and standing places beside them."""
    return await open_house(
        client,
        [
            {"name": "Seats", "price": {"amount": 0}, "sections": ["Main"]},
            {"name": "Standing", "price": {"amount": 0}, "capacity": 1},
        ],
        seat_map={"template": "grid", "rows": ROWS, "seatsPerRow": SEATS_PER_ROW},
    )


def path_of(house: House, what: str) -> str:
    return f"{API}/showtimes/{house.showtime_id}/{what}"


async def change(client: httpx.AsyncClient, house: House, buyer: dict[str, str]) -> None:
    """Hold two seats, sell two, block two: the next that are free."""
    shown = (await client.get(path_of(house, "seats"))).json()["seats"]
    free = [seat["id"] for seat in shown if seat["status"] == "available"]
    for names, confirmed in ((free[1:3], False), (free[-3:-1], True)):
        made = await client.post(f"{API}/bookings", json=house.seats(*names), headers=buyer)
        assert made.status_code == 201, made.text
        if confirmed:
            path = f"{API}/bookings/{made.json()['id']}/confirm"
            assert (await client.post(path, headers=buyer)).is_success
    blocked = await client.post(
        path_of(house, "seats/block"), json={"seats": free[10:12]}, headers=house.organizer
    )
    assert blocked.status_code == 204, blocked.text


async def recount(database: Database, seats: list[dict[str, Any]], house: House) -> list[int]:
    """The state of every seat, seat by seat from the table."""
    async with database.read_raw() as connection:
        rows = await connection.fetch(
            "SELECT seat_id::text, status FROM seat_claims WHERE showtime_id = $1::text::uuid",
            house.showtime_id,
        )
    claims = {row[0]: STATES[row[1]] for row in rows}
    return [claims.get(seat["id"], 0) for seat in seats]


def unpacked(packed: str, count: int) -> list[int]:
    octets = base64.b64decode(packed)
    return [octets[place >> 2] >> 2 * (place & 3) & 3 for place in range(count)]


async def test_a_large_hall_is_shown_as_it_is(
    client: httpx.AsyncClient, database: Database, arena: House
) -> None:
    await change(client, arena, await signed_in(client))
    await asyncio.sleep(0.3)
    availability = (await client.get(path_of(arena, "availability"))).json()
    answer = await client.get(path_of(arena, "seats"))
    assert answer.headers["Content-Type"] == "application/json"
    shown = answer.json()
    assert len(shown["seats"]) == ROWS * SEATS_PER_ROW
    assert (shown["version"], shown["showtimeId"]) == (availability["version"], arena.showtime_id)
    expected = await recount(database, shown["seats"], arena)
    assert {state: expected.count(state) for state in (1, 2, 3)} == {1: 2, 2: 2, 3: 2}
    assert [STATES[seat["status"]] for seat in shown["seats"]] == expected
    assert unpacked(availability["seats"], len(expected)) == expected
    assert availability["categories"][0]["available"] == expected.count(0)


async def test_fifty_who_ask_at_once_cost_one_computation(
    client: httpx.AsyncClient, arena: House, count: Count
) -> None:
    buyer = await signed_in(client)
    for what in ("availability", "seats"):
        await change(client, arena, buyer)
        await asyncio.sleep(0.3)
        count.reads = 0
        answers = await asyncio.gather(
            *(
                client.get(path_of(arena, what), headers=buyer if number % 2 else {})
                for number in range(50)
            )
        )
        assert {answer.status_code for answer in answers} == {200}
        assert len({answer.content for answer in answers}) == 1
        assert count.reads == 1


async def test_unchanged_is_304_and_costs_nothing(
    client: httpx.AsyncClient, arena: House, count: Count
) -> None:
    path = path_of(arena, "availability")
    etag = (await client.get(path)).headers["ETag"]
    await asyncio.sleep(0.3)
    etag = (await client.get(path, headers={"If-None-Match": etag})).headers["ETag"]
    count.reads = 0
    for seconds in (0, 0.3):
        await asyncio.sleep(seconds)
        again = await client.get(path, headers={"If-None-Match": etag})
        assert (again.status_code, again.content, again.headers["ETag"]) == (304, b"", etag)
    assert count.reads == 0
    await change(client, arena, await signed_in(client))
    await asyncio.sleep(0.3)
    changed = await client.get(path, headers={"If-None-Match": etag})
    assert changed.status_code == 200
    assert changed.headers["ETag"] != etag


async def test_a_rush_on_a_large_hall_costs_four_computations_a_second(
    client: httpx.AsyncClient, arena: House, count: Count
) -> None:
    buyer = await signed_in(client)
    await client.get(path_of(arena, "availability"))
    await asyncio.sleep(0.3)
    loop = asyncio.get_running_loop()
    began = loop.time()
    count.reads = 0
    for number in range(20):
        name = f"{'CDEFG'[number % 5]}-{20 + number}"
        made = await client.post(f"{API}/bookings", json=arena.seats(name), headers=buyer)
        assert made.status_code in (201, 409), made.text
        await asyncio.gather(*(client.get(path_of(arena, "availability")) for _ in range(5)))
    assert 1 <= count.reads <= 1 + (loop.time() - began) / 0.25


async def test_small_halls_are_always_as_new_as_their_version(
    client: httpx.AsyncClient, count: Count
) -> None:
    house = await open_house(client, [{"name": "Entry", "price": {"amount": 0}, "capacity": 2}])
    path = path_of(house, "availability")
    seen = []
    for _ in range(3):
        seen += [(await client.get(path)).json() for _ in range(2)]
        buyer = await signed_in(client)
        made = await client.post(
            f"{API}/bookings", json=house.order("Entry", joinWaitlist=True), headers=buyer
        )
        assert made.is_success, made.text
    seen.append((await client.get(path)).json())
    counted = [(one["categories"][0]["available"], one["categories"][0]["waiting"]) for one in seen]
    assert counted == [(2, 0), (2, 0), (1, 0), (1, 0), (0, 0), (0, 0), (0, 1)]
    assert count.reads == 4
    assert "seats" not in seen[0]
    empty = (await client.get(path_of(house, "seats"))).json()
    assert (empty["seats"], empty["seatMapVersion"]) == ([], None)
    unknown = path.replace(house.showtime_id, "01890000-0000-7000-8000-000000000000")
    assert (await client.get(unknown)).status_code == 404
