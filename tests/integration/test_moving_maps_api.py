"""Moving what was sold to another version of its hall's seat map."""

import asyncio
import json
from typing import Any
from uuid import UUID

import httpx
import pytest
import pytest_asyncio

from fullhouse.bookings.audit import audit
from fullhouse.bookings.core.commands import Confirm, Settlement
from fullhouse.bookings.core.types import Outcome
from fullhouse.kit.db import Database, RawConnection
from fullhouse.kit.ids import new_id
from fullhouse.parts import Parts
from tests.support.catalog import in_days, made_hall
from tests.support.house import API, House, buyers, open_house
from tests.support.locks import until_blocked
from tests.support.organizations import organizer

Headers = dict[str, str]

STALLS = {"name": "Stalls", "price": {"amount": 7_000}, "sections": ["Stalls"]}
FLOOR = {"name": "Floor", "price": {"amount": 0}, "sections": ["Floor"]}


def layout(rows: dict[str, int], floor: int | None = 10, section: str = "Stalls") -> dict[str, Any]:
    """A hall with rows of so many seats, and an area for so many to stand."""
    parts = [
        {
            "label": row,
            "seats": [{"number": number, "x": number, "y": y} for number in range(1, count + 1)],
        }
        for y, (row, count) in enumerate(rows.items())
    ]
    standing = [] if floor is None else [{"name": "Floor", "capacity": floor}]
    return {"sections": [{"name": section, "rows": parts}], "standing": standing}


FIRST = layout({"A": 4, "B": 4})


@pytest_asyncio.fixture
async def house(client: httpx.AsyncClient) -> House:
    """Eight seats, and ten places to stand."""
    return await open_house(client, [STALLS, FLOOR], seat_map=FIRST)


async def new_map(client: httpx.AsyncClient, house: House, map_: dict[str, Any]) -> str:
    """A new version of the seat map of the house's hall."""
    shown = (await client.get(f"{API}/showtimes/{house.showtime_id}")).json()
    path = f"{API}/halls/{shown['hall']['id']}/seat-map"
    answer = await client.put(path, json=map_, headers=house.organizer)
    assert answer.status_code == 200, answer.text
    return str(answer.json()["id"])


async def move(
    client: httpx.AsyncClient,
    house: House,
    seat_map: str,
    what: str = "showtimes",
    headers: Headers | None = None,
) -> httpx.Response:
    body, headers = {"seatMapId": seat_map}, headers or house.organizer
    if what == "events":
        path = f"{API}/events/{house.event_id}/seat-map"
        return await client.post(path, json=body, headers=headers)
    path = f"{API}/showtimes/{house.showtime_id}/seat-map"
    return await client.put(path, json=body, headers=headers)


async def book(
    client: httpx.AsyncClient, body: dict[str, Any], who: Headers, status: int = 201
) -> dict[str, Any]:
    answer = await client.post(f"{API}/bookings", json=body, headers=who)
    assert answer.status_code == status, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def capacities(client: httpx.AsyncClient, house: House) -> tuple[int, int]:
    """Of the seats and of the area."""
    found = (await client.get(f"{API}/showtimes/{house.showtime_id}")).json()
    stalls, floor = (one["capacity"] for one in found["categories"])
    return stalls, floor


async def labels(client: httpx.AsyncClient, house: House) -> dict[str, str]:
    """The status of every seat that the showtime has, by its label."""
    seats = (await client.get(f"{API}/showtimes/{house.showtime_id}/seats")).json()["seats"]
    return {seat["label"]: seat["status"] for seat in seats}


# What is refused


@pytest.mark.parametrize("what", ["showtimes", "events"])
async def test_whoever_may_not_is_refused(
    client: httpx.AsyncClient, connection: RawConnection, house: House, what: str
) -> None:
    seat_map = await new_map(client, house, layout({"A": 4}))
    stranger = await organizer(client)
    (buyer,) = await buyers(connection, 1)
    for headers in (buyer, stranger.headers):
        answer = await move(client, house, seat_map, what, headers)
        assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")
    missing = House(str(new_id()), str(new_id()), house.organizer)
    answer = await move(client, missing, seat_map, what)
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    assert await capacities(client, house) == (8, 10)


@pytest.mark.parametrize("what", ["showtimes", "events"])
@pytest.mark.parametrize("which", ["unknown", "another hall's", "not an id"])
async def test_other_seat_maps_are_refused(
    client: httpx.AsyncClient, house: House, what: str, which: str
) -> None:
    other = await made_hall(client, house.organizer, FIRST)
    seat_map = {
        "unknown": str(new_id()),
        "another hall's": other["seatMapId"],
        "not an id": "five",
    }[which]
    answer = await move(client, house, seat_map, what)
    assert (answer.status_code, answer.json()["code"]) == (422, "validation_failed")
    assert answer.json()["errors"][0]["pointer"] == "/seatMapId"


@pytest.mark.parametrize("how", ["held", "sold", "blocked"])
async def test_a_seat_that_somebody_has_must_be_there(
    client: httpx.AsyncClient, connection: RawConnection, house: House, how: str
) -> None:
    (who,) = await buyers(connection, 1)
    if how == "blocked":
        path = f"{API}/showtimes/{house.showtime_id}/seats/block"
        await client.post(path, json={"seats": ["A-4", "B-4"]}, headers=house.organizer)
    else:
        booking = await book(client, house.seats("A-4", "B-4"), who)
        if how == "sold":
            path = f"{API}/bookings/{booking['id']}/confirm"
            assert (await client.post(path, headers=house.organizer)).status_code == 200
    seat_map = await new_map(client, house, layout({"A": 3, "B": 4}))
    before = (await labels(client, house), await capacities(client, house))
    refused = await move(client, house, seat_map)
    assert (refused.status_code, refused.json()["code"]) == (409, "seats_missing")
    assert refused.json()["seats"] == ["Stalls/A-4"]
    assert refused.json()["showtimeId"] == house.showtime_id
    assert (await labels(client, house), await capacities(client, house)) == before


async def test_many_missing_seats_are_named_in_part(
    client: httpx.AsyncClient, connection: RawConnection
) -> None:
    policy = {"maxPerBooking": 200}
    wide = layout({"A": 150, "B": 1})
    house = await open_house(client, [STALLS], seat_map=wide, policy=policy)
    (who,) = await buyers(connection, 1)
    await book(client, house.seats(*(f"A-{number}" for number in range(1, 151))), who)
    refused = await move(client, house, await new_map(client, house, layout({"B": 1})))
    assert refused.json()["code"] == "seats_missing"
    assert len(refused.json()["seats"]) == 100


@pytest.mark.parametrize(
    ("map_", "lacking"),
    [
        (layout({"A": 4, "B": 4}, section="Parquet"), ["Stalls"]),
        (layout({"A": 4, "B": 4}, floor=None), ["Floor"]),
    ],
    ids=["section", "area"],
)
async def test_what_categories_are_sold_in_must_be_there(
    client: httpx.AsyncClient, house: House, map_: dict[str, Any], lacking: list[str]
) -> None:
    refused = await move(client, house, await new_map(client, house, map_))
    assert (refused.status_code, refused.json()["code"]) == (409, "sections_missing")
    assert refused.json()["sections"] == lacking


async def test_standing_places_that_are_taken_must_be_there(
    client: httpx.AsyncClient, connection: RawConnection, house: House
) -> None:
    (who,) = await buyers(connection, 1)
    await book(client, house.order("Floor", 6), who)
    refused = await move(client, house, await new_map(client, house, layout({"A": 4}, floor=5)))
    assert (refused.status_code, refused.json()["code"]) == (409, "below_committed")
    assert refused.json()["limit"] == 6


async def test_a_seat_called_otherwise_is_another_seat(
    client: httpx.AsyncClient, connection: RawConnection
) -> None:
    """Whoever holds a ticket for A-1 must not find somebody else on it."""
    first, second = str(new_id()), str(new_id())

    def with_ids(*ids: str) -> dict[str, Any]:
        map_ = layout({"A": 2}, floor=None)
        for seat, id_ in zip(map_["sections"][0]["rows"][0]["seats"], ids, strict=True):
            seat["id"] = id_
        return map_

    house = await open_house(client, [STALLS], seat_map=with_ids(first, second))
    (who,) = await buyers(connection, 1)
    await book(client, house.seats("A-1"), who)
    swapped = await new_map(client, house, with_ids(second, first))
    refused = await move(client, house, swapped)
    assert (refused.json()["code"], refused.json()["seats"]) == ("seats_missing", ["Stalls/A-1"])


@pytest.mark.parametrize("how", ["cancelled", "begun", "event cancelled"])
async def test_what_is_over_is_moved_no_more(
    client: httpx.AsyncClient, connection: RawConnection, house: House, how: str
) -> None:
    seat_map = await new_map(client, house, layout({"A": 4}))
    if how == "begun":
        await connection.execute(
            "UPDATE showtimes SET starts_at = now() WHERE id = $1", UUID(house.showtime_id)
        )
    else:
        named = (
            f"showtimes/{house.showtime_id}" if how == "cancelled" else f"events/{house.event_id}"
        )
        done = await client.post(f"{API}/{named}/cancel", headers=house.organizer)
        assert done.status_code == 200
    refused = await move(client, house, seat_map)
    code = "event_closed" if how == "event cancelled" else "showtime_closed"
    assert (refused.status_code, refused.json()["code"]) == (409, code)


# What follows the map


async def test_seats_and_places_follow_the_map(
    client: httpx.AsyncClient, database: Database, connection: RawConnection, house: House
) -> None:
    who, other = await buyers(connection, 2)
    kept = await book(client, house.seats("A-1", "B-2"), who)
    kept = (await client.get(f"{API}/bookings/{kept['id']}", headers=who)).json()
    # Looked at before, so that what was kept in memory has to go.
    assert set((await labels(client, house)).values()) == {"available", "held"}
    path = f"{API}/showtimes/{house.showtime_id}/availability"
    etag = (await client.get(path)).headers["ETag"]
    seat_map = await new_map(client, house, layout({"A": 3, "B": 4, "C": 4}, floor=20))
    answer = await move(client, house, seat_map)
    assert answer.status_code == 200, answer.text
    assert answer.json() == {
        "seatMapId": seat_map,
        "seatMapVersion": 2,
        "showtimeIds": [house.showtime_id],
    }
    assert await capacities(client, house) == (11, 20)
    found = await labels(client, house)
    assert found.keys() == {f"{row}-{n}" for row in "ABC" for n in range(1, 5)} - {"A-4"}
    assert {name for name, status in found.items() if status == "held"} == {"A-1", "B-2"}
    again = await client.get(path, headers={"If-None-Match": etag})
    assert again.status_code == 200
    assert [one["capacity"] for one in again.json()["categories"]] == [11, 20]
    await book(client, house.seats("C-4"), other)
    refused = await book(client, house.seats("A-4"), other, 422)
    assert refused["code"] == "unknown_seat"
    refused = await book(client, house.seats("A-1"), other, 409)
    assert refused["code"] == "seats_taken"
    read = (await client.get(f"{API}/bookings/{kept['id']}", headers=who)).json()
    assert read == kept
    assert (await audit(database)).is_clean
    (entry,) = await connection.fetch(
        "SELECT before::text, after::text FROM audit_log"
        " WHERE action = 'showtime.moved' AND object_id = $1",
        house.showtime_id,
    )
    assert json.loads(entry["after"]) == {"seatMapId": seat_map}


async def test_moving_again_changes_nothing(client: httpx.AsyncClient, house: House) -> None:
    seat_map = await new_map(client, house, layout({"A": 4}))
    first = await move(client, house, seat_map)
    assert first.status_code == 200 and "Idempotent-Replayed" not in first.headers
    again = await move(client, house, seat_map)
    assert again.headers["Idempotent-Replayed"] == "true"
    assert again.json() == first.json()


async def test_own_figures_of_standing_places_stay_as_far_as_they_can(
    client: httpx.AsyncClient, house: House
) -> None:
    path = f"{API}/showtimes/{house.showtime_id}/allotments/{house.categories['Floor']}"
    await client.patch(path, json={"capacity": 7}, headers=house.organizer)
    for floor, expected in ((20, 7), (5, 5)):
        seat_map = await new_map(client, house, layout({"A": 4}, floor=floor))
        assert (await move(client, house, seat_map)).status_code == 200
        assert await capacities(client, house) == (4, expected)


async def test_an_allotment_is_never_more_than_its_areas_take(
    client: httpx.AsyncClient, house: House
) -> None:
    path = f"{API}/showtimes/{house.showtime_id}/allotments/{house.categories['Floor']}"
    refused = await client.patch(path, json={"capacity": 11}, headers=house.organizer)
    assert refused.status_code == 422
    assert refused.json()["errors"] == [
        {"pointer": "/capacity", "detail": "its areas take only 10"}
    ]
    assert await capacities(client, house) == (8, 10)
    seat_map = await new_map(client, house, layout({"A": 4, "B": 4}, floor=12))
    assert (await move(client, house, seat_map)).status_code == 200
    most = await client.patch(path, json={"capacity": 12}, headers=house.organizer)
    assert most.status_code == 200


async def test_who_waits_gets_the_seats_that_are_new(
    client: httpx.AsyncClient, connection: RawConnection, house: House
) -> None:
    first, second = await buyers(connection, 2)
    every = [f"{row}-{number}" for row in "AB" for number in range(1, 5)]
    await book(client, house.seats(*every), first)
    wish = house.order("Stalls", 2, joinWaitlist=True)
    waiting = await book(client, wish, second, 202)
    seat_map = await new_map(client, house, layout({"A": 4, "B": 4, "C": 2}))
    assert (await move(client, house, seat_map)).status_code == 200
    offered = (await client.get(f"{API}/bookings/{waiting['id']}", headers=second)).json()
    assert offered["status"] == "reserved"
    assert offered["items"][0]["seats"] == ["C-1", "C-2"]


@pytest.mark.parametrize("there", [True, False], ids=["there", "gone"])
async def test_a_late_payment_takes_seats_again_that_are_still_there(
    client: httpx.AsyncClient,
    connection: RawConnection,
    parts: Parts,
    house: House,
    there: bool,
) -> None:
    (who,) = await buyers(connection, 1)
    booking = await book(client, house.seats("A-1" if there else "B-1"), who)
    await connection.execute(
        "UPDATE bookings SET expires_at = now() WHERE id = $1", UUID(booking["id"])
    )
    seat_map = await new_map(client, house, layout({"A": 4}))
    assert (await move(client, house, seat_map)).status_code == 200
    command = Confirm(UUID(house.showtime_id), UUID(booking["id"]), Settlement.PAID)
    result = await parts.desk.sequencer.submit(command)
    assert result.outcome is (Outcome.CONFIRMED if there else Outcome.UNFULFILLABLE)


# All showtimes of an event


async def _second(client: httpx.AsyncClient, house: House) -> House:
    path = f"{API}/events/{house.event_id}/showtimes"
    added = await client.post(path, json={"startsAt": in_days(20)}, headers=house.organizer)
    assert added.status_code == 201, added.text
    return House(house.event_id, added.json()["id"], house.organizer, house.categories)


async def test_an_event_moves_with_all_its_showtimes(
    client: httpx.AsyncClient, house: House
) -> None:
    other = await _second(client, house)
    seat_map = await new_map(client, house, layout({"A": 3}))
    answer = await move(client, house, seat_map, "events")
    assert answer.status_code == 200, answer.text
    assert set(answer.json()["showtimeIds"]) == {house.showtime_id, other.showtime_id}
    for one in (house, other):
        assert await capacities(client, one) == (3, 10)


async def usual(client: httpx.AsyncClient, house: House) -> list[int]:
    """What the categories of the event have at its new showtimes."""
    path = f"{API}/events/{house.event_id}"
    found = (await client.get(path, headers=house.organizer)).json()
    return [one["capacity"] for one in found["categories"]]


async def test_what_new_showtimes_have_follows_the_event_and_no_single_showtime(
    client: httpx.AsyncClient, house: House
) -> None:
    seat_map = await new_map(client, house, layout({"A": 3}, floor=20))
    assert (await move(client, house, seat_map)).status_code == 200
    assert await usual(client, house) == [8, 10]
    seat_map = await new_map(client, house, layout({"A": 2}, floor=30))
    other = await _second(client, house)
    assert await capacities(client, other) == (2, 10)
    old = await new_map(client, house, layout({"A": 5}, floor=10))
    for one in (house, other):
        assert (await move(client, one, old)).status_code == 200
    assert (await move(client, house, seat_map, "events")).status_code == 200
    assert await usual(client, house) == [2, 30]
    # One's own figure stays as far as the areas take so many.
    path = f"{API}/events/{house.event_id}/categories/{house.categories['Floor']}"
    answer = await client.patch(path, json={"capacity": 7}, headers=house.organizer)
    assert answer.status_code == 200, answer.text
    for floor, expected in ((20, 7), (5, 5)):
        seat_map = await new_map(client, house, layout({"A": 4}, floor=floor))
        assert (await move(client, house, seat_map, "events")).status_code == 200
        assert await usual(client, house) == [4, expected]


async def test_an_event_moves_whole_or_not_at_all(
    client: httpx.AsyncClient, connection: RawConnection, house: House
) -> None:
    other = await _second(client, house)
    (who,) = await buyers(connection, 1)
    await book(client, other.seats("B-1"), who)
    seat_map = await new_map(client, house, layout({"A": 4}))
    refused = await move(client, house, seat_map, "events")
    assert (refused.status_code, refused.json()["code"]) == (409, "seats_missing")
    assert refused.json()["showtimeId"] == other.showtime_id
    for one in (house, other):
        assert await capacities(client, one) == (8, 10)
    # What has begun, or was cancelled, stays behind and stands in nobody's way.
    await client.post(f"{API}/showtimes/{other.showtime_id}/cancel", headers=house.organizer)
    moved = await move(client, house, seat_map, "events")
    assert moved.json()["showtimeIds"] == [house.showtime_id]


async def test_too_many_showtimes_are_not_moved_together(
    client: httpx.AsyncClient, connection: RawConnection, house: House
) -> None:
    await connection.execute(
        "INSERT INTO showtimes (id, event_id, hall_id, seat_map_id, status, starts_at, ends_at)"
        " SELECT gen_random_uuid(), event_id, hall_id, seat_map_id, 'scheduled',"
        " starts_at + n * interval '1 day', ends_at + n * interval '1 day'"
        " FROM showtimes, generate_series(1, 200) AS n WHERE id = $1",
        UUID(house.showtime_id),
    )
    seat_map = await new_map(client, house, layout({"A": 4}))
    refused = await move(client, house, seat_map, "events")
    assert (refused.status_code, refused.json()["code"]) == (409, "too_many_showtimes")


# What is asked at the same moment


@pytest.mark.parametrize("command", ["reserve", "block", "propose"])
async def test_other_processes_notice_that_the_map_is_another(
    client: httpx.AsyncClient, connection: RawConnection, house: House, command: str
) -> None:
    """What this process knows by heart is old; the database is what another has changed."""
    (who,) = await buyers(connection, 1)
    await labels(client, house)
    seat_map = await new_map(client, house, layout({"A": 4}))
    async with connection.transaction():
        await connection.execute(
            "UPDATE showtimes SET seat_map_id = $2 WHERE id = $1",
            UUID(house.showtime_id),
            UUID(seat_map),
        )
        await connection.execute(
            "UPDATE allotments SET capacity = 4 WHERE showtime_id = $1 AND category_id = $2",
            UUID(house.showtime_id),
            UUID(house.categories["Stalls"]),
        )
        await connection.execute(
            "UPDATE inventories SET revision = revision + 1 WHERE showtime_id = $1",
            UUID(house.showtime_id),
        )
    if command == "reserve":
        assert (await book(client, house.seats("B-1"), who, 422))["code"] == "unknown_seat"
        await book(client, house.seats("A-1"), who)
    elif command == "block":
        path = f"{API}/showtimes/{house.showtime_id}/seats/block"
        refused = await client.post(path, json={"seats": ["B-1"]}, headers=house.organizer)
        assert refused.json()["code"] == "unknown_seat"
    else:
        path = f"{API}/showtimes/{house.showtime_id}/best-available"
        answer = await client.post(path, json={"quantity": 4})
        assert [seat["row"] for seat in answer.json()["seats"]] == ["A"] * 4
    assert set(await labels(client, house)) == {f"A-{number}" for number in range(1, 5)}


async def test_a_seat_that_vanishes_is_reserved_first_or_not_at_all(
    client: httpx.AsyncClient, database: Database, connection: RawConnection, house: House
) -> None:
    (who,) = await buyers(connection, 1)
    seat_map = await new_map(client, house, layout({"A": 4}))
    lock = "SELECT 1 FROM inventories WHERE showtime_id = $1 FOR UPDATE"
    async with connection.transaction():
        await connection.execute(lock, UUID(house.showtime_id))
        both = [
            asyncio.ensure_future(one)
            for one in (
                client.post(f"{API}/bookings", json=house.seats("B-1"), headers=who),
                move(client, house, seat_map),
            )
        ]
        await until_blocked(connection, 1)
        await asyncio.sleep(0.2)
    booked, moved = await asyncio.gather(*both)
    assert (booked.status_code, moved.status_code) in ((201, 409), (422, 200))
    assert (await audit(database)).is_clean
