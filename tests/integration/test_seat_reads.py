"""Reading the seats of a large hall: made once for all who ask, and right."""

import asyncio
import base64
import random
from collections.abc import Callable
from typing import Any
from uuid import UUID

import httpx
import pytest
import pytest_asyncio

from fullhouse.bookings import jobs, seat_states
from fullhouse.bookings.store import standing
from fullhouse.kit.db import Database, RawConnection
from fullhouse.parts import Parts
from fullhouse.settings import Settings
from tests.support.house import API, House, open_house
from tests.support.people import signed_in
from tests.support.sessions import another_server

ROWS, SEATS_PER_ROW = 300, 200
STATES = {"available": 0, "held": 1, "sold": 2, "blocked": 3}


class Count:
    """How often an answer was put together, and how often all of a showtime was read for it."""

    def __init__(self) -> None:
        self.made = 0
        self.whole = 0

    async def read(self, connection: RawConnection, showtime_id: UUID) -> str | None:
        self.whole += 1
        return await _WHOLE(connection, showtime_id)

    def counting(self, make: Callable[..., bytes]) -> Callable[..., bytes]:
        def made(*details: Any) -> bytes:
            self.made += 1
            return make(*details)

        return made


_WHOLE = standing.whole


@pytest.fixture
def count(monkeypatch: pytest.MonkeyPatch) -> Count:
    count = Count()
    monkeypatch.setattr(standing, "whole", count.read)
    for name in ("_availability", "_listing"):
        monkeypatch.setattr(seat_states, name, count.counting(getattr(seat_states, name)))
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
        count.made = 0
        answers = await asyncio.gather(
            *(
                client.get(path_of(arena, what), headers=buyer if number % 2 else {})
                for number in range(50)
            )
        )
        assert {answer.status_code for answer in answers} == {200}
        assert len({answer.content for answer in answers}) == 1
        assert count.made == 1


@pytest.mark.parametrize("what", ["availability", "seats"])
async def test_unchanged_is_304_and_costs_nothing(
    client: httpx.AsyncClient, arena: House, count: Count, what: str
) -> None:
    path = path_of(arena, what)
    etag = (await client.get(path)).headers["ETag"]
    await asyncio.sleep(0.3)
    etag = (await client.get(path, headers={"If-None-Match": etag})).headers["ETag"]
    count.made = 0
    for seconds in (0, 0.3):
        await asyncio.sleep(seconds)
        again = await client.get(path, headers={"If-None-Match": etag})
        assert (again.status_code, again.content, again.headers["ETag"]) == (304, b"", etag)
    assert count.made == 0
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
    count.made = 0
    for number in range(20):
        name = f"{'CDEFG'[number % 5]}-{20 + number}"
        made = await client.post(f"{API}/bookings", json=arena.seats(name), headers=buyer)
        assert made.status_code in (201, 409), made.text
        await asyncio.gather(*(client.get(path_of(arena, "availability")) for _ in range(5)))
    assert 1 <= count.made <= 1 + (loop.time() - began) / 0.25


async def test_of_a_hall_that_is_known_only_the_changes_are_read(
    client: httpx.AsyncClient, arena: House, count: Count
) -> None:
    buyer = await signed_in(client)
    for what in ("availability", "seats"):
        await client.get(path_of(arena, what))
    count.whole = count.made = 0
    for what in ("availability", "seats", "availability"):
        await change(client, arena, buyer)
        await asyncio.sleep(0.3)
        assert (await client.get(path_of(arena, what))).status_code == 200
    assert count.whole == 0
    assert count.made >= 3


Hall = tuple[House, dict[str, str]]


@pytest_asyncio.fixture
async def hall(client: httpx.AsyncClient) -> Hall:
    """A small hall, half of which is sold in one category, and somebody who buys."""
    house = await open_house(
        client,
        [{"name": "Seats", "price": {"amount": 0}, "sections": ["Main"]}],
        seat_map={"template": "grid", "rows": 4, "seatsPerRow": 5},
        policy={"maxPerBooking": 100},
    )
    return house, await signed_in(client)


async def play(client: httpx.AsyncClient, hall: Hall, chance: random.Random) -> None:
    """Something happens to some seats, or is refused."""
    house, buyer = hall
    names = [f"{row}-{chance.randint(1, 5)}" for row in chance.sample("ABCD", 2)]
    act = chance.choice(["hold", "hold", "buy", "block", "unblock", "cancel"])
    if act in ("block", "unblock"):
        path = path_of(house, f"seats/{act}")
        await client.post(path, json={"seats": names}, headers=house.organizer)
        return
    if act == "cancel":
        mine = (await client.get(f"{API}/bookings?limit=100", headers=buyer)).json()["items"]
        live = [one["id"] for one in mine if one["status"] in ("reserved", "confirmed")]
        if live:
            await client.post(f"{API}/bookings/{chance.choice(live)}/cancel", headers=buyer)
        return
    made = await client.post(f"{API}/bookings", json=house.seats(*names), headers=buyer)
    if act == "buy" and made.is_success:
        await client.post(f"{API}/bookings/{made.json()['id']}/confirm", headers=buyer)


async def stand_as_stored(
    client: httpx.AsyncClient, database: Database, house: House
) -> dict[int, int]:
    """Compare both answers with the table; how many seats are in each state."""
    availability = (await client.get(path_of(house, "availability"))).json()
    shown = (await client.get(path_of(house, "seats"))).json()["seats"]
    expected = await recount(database, shown, house)
    assert [STATES[seat["status"]] for seat in shown] == expected
    assert unpacked(availability["seats"], len(expected)) == expected
    assert availability["categories"][0]["available"] == expected.count(0)
    return {state: expected.count(state) for state in STATES.values()}


async def test_what_is_told_of_changes_leads_to_what_is_stored(
    client: httpx.AsyncClient, database: Database, settings: Settings, hall: Hall, count: Count
) -> None:
    """Seat by seat, whatever happens, and whichever server it happens at."""
    chance = random.Random(7)
    seen: set[int] = set()
    async with another_server(settings) as (other, _parts):
        await stand_as_stored(client, database, hall[0])
        for _ in range(60):
            for _ in range(chance.randint(1, 4)):
                await play(chance.choice([client, other]), hall, chance)
            counted = await stand_as_stored(client, database, hall[0])
            seen |= {state for state, seats in counted.items() if seats}
    assert seen == set(STATES.values())
    # The availability and the seats, at first.
    assert count.whole == 2


async def test_what_is_not_told_any_more_is_read_whole(
    client: httpx.AsyncClient,
    database: Database,
    connection: RawConnection,
    hall: Hall,
    count: Count,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    house, buyer = hall
    await stand_as_stored(client, database, house)
    assert (await client.post(f"{API}/bookings", json=house.seats("A-1"), headers=buyer)).is_success
    # As if the seats had been read a long time ago.
    monkeypatch.setattr(standing, "GOES_ON_SECONDS", 0.0)
    await connection.execute("DELETE FROM seat_changes")
    assert (await stand_as_stored(client, database, house))[1] == 1
    assert count.whole == 4
    monkeypatch.undo()
    # The other way round the answer would be wrong, or this test could not fail.
    assert (await client.post(f"{API}/bookings", json=house.seats("B-1"), headers=buyer)).is_success
    await connection.execute("DELETE FROM seat_changes")
    with pytest.raises(AssertionError):
        await stand_as_stored(client, database, house)


async def test_changes_are_told_for_some_minutes(
    client: httpx.AsyncClient, parts: Parts, connection: RawConnection, hall: Hall
) -> None:
    house, buyer = hall
    told = "SELECT count(*) FROM seat_changes WHERE showtime_id = $1::text::uuid"
    for seat, minutes in (("A-1", 9), ("A-2", 11)):
        made = await client.post(f"{API}/bookings", json=house.seats(seat), headers=buyer)
        assert made.is_success
        await connection.execute(
            "UPDATE seat_changes SET occurred_at = now() - $2 * interval '1 minute'"
            " WHERE showtime_id = $1::text::uuid AND occurred_at > now() - interval '1 minute'",
            house.showtime_id,
            minutes,
        )
    assert await connection.fetchval(told, house.showtime_id) == 2
    await jobs.purge(parts.database)
    assert await connection.fetchval(told, house.showtime_id) == 1


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
    assert count.made == 4
    assert "seats" not in seen[0]
    empty = (await client.get(path_of(house, "seats"))).json()
    assert (empty["seats"], empty["seatMapVersion"]) == ([], None)
    unknown = path.replace(house.showtime_id, "01890000-0000-7000-8000-000000000000")
    assert (await client.get(unknown)).status_code == 404
