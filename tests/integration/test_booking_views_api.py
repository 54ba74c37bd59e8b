"""What a booking says of its showtime and its seats, so that one is told from another."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import httpx
import pytest
import pytest_asyncio

from fullhouse.kit.db import Database, RawConnection
from fullhouse.parts import Parts
from tests.support.catalog import in_days
from tests.support.house import API, House, buyers, open_house

BOOKINGS = f"{API}/bookings"
Headers = dict[str, str]


def layout(**sections: dict[str, range]) -> dict[str, Any]:
    """A hall whose sections have rows of these seats."""
    return {
        "sections": [
            {
                "name": name,
                "rows": [
                    {"label": row, "seats": [{"number": n, "x": n, "y": y} for n in numbers]}
                    for y, (row, numbers) in enumerate(rows.items())
                ],
            }
            for name, rows in sections.items()
        ]
    }


ONE, TWO = range(1, 2), range(1, 3)


@pytest_asyncio.fixture
async def house(client: httpx.AsyncClient) -> House:
    """Stalls and balcony, whose seats are called the same."""
    return await open_house(
        client,
        [{"name": "Seat", "price": {"amount": 0}, "sections": ["Stalls", "Balcony"]}],
        seat_map=layout(Stalls={"A": TWO, "B": TWO}, Balcony={"A": TWO}),
    )


@pytest_asyncio.fixture
async def barn(client: httpx.AsyncClient) -> House:
    """Two places that are counted, where there is no hall."""
    return await open_house(client, [{"name": "Entry", "price": {"amount": 0}, "capacity": 2}])


@pytest_asyncio.fixture
async def buyer(connection: RawConnection) -> Headers:
    (who,) = await buyers(connection, 1)
    return who


async def book(
    client: httpx.AsyncClient, body: dict[str, Any], who: Headers, status: int = 201
) -> dict[str, Any]:
    answer = await client.post(BOOKINGS, json=body, headers=who)
    assert answer.status_code == status, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def test_seats_that_are_taken_are_called_so_that_they_can_be_told_apart(
    client: httpx.AsyncClient, connection: RawConnection, house: House, buyer: Headers
) -> None:
    await book(client, house.seats("Balcony/A-1", "B-1"), buyer)
    (other,) = await buyers(connection, 1)
    refused = await book(client, house.seats("Balcony/A-1", "B-1", "Stalls/A-1"), other, 409)
    assert (refused["code"], refused["seats"]) == ("seats_taken", ["Balcony/A-1", "B-1"])
    blocked = await client.post(
        f"{API}/showtimes/{house.showtime_id}/seats/block",
        json={"seats": ["Balcony/A-1", "Stalls/A-1"]},
        headers=house.organizer,
    )
    assert (blocked.status_code, blocked.json()["seats"]) == (409, ["Balcony/A-1"])


async def read(client: httpx.AsyncClient, booking: dict[str, Any], who: Headers) -> dict[str, Any]:
    answer = await client.get(f"{BOOKINGS}/{booking['id']}", headers=who)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def shown(client: httpx.AsyncClient, house: House) -> dict[str, Any]:
    """The showtime itself, as the catalogue shows it."""
    path = f"{API}/showtimes/{house.showtime_id}"
    found: dict[str, Any] = (await client.get(path, headers=house.organizer)).json()
    return found


async def change(
    client: httpx.AsyncClient, house: House, method: str, path: str, body: dict[str, Any]
) -> None:
    answer = await client.request(method, f"{API}{path}", json=body, headers=house.organizer)
    assert answer.is_success, answer.text


async def test_a_seat_is_found_in_the_hall(
    client: httpx.AsyncClient, house: House, buyer: Headers
) -> None:
    booking = await book(client, house.seats("Balcony/a1", "Stalls/B-2", "Stalls/A-1"), buyer)
    (item,) = booking["items"]
    assert item["seats"] == ["A-1", "B-2", "A-1"]
    seats = (await client.get(f"{API}/showtimes/{house.showtime_id}/seats")).json()["seats"]
    by_id = {seat["id"]: seat for seat in seats}
    names = [(place["section"], place["row"], place["number"]) for place in item["places"]]
    assert names == [("Balcony", "A", "1"), ("Stalls", "B", "2"), ("Stalls", "A", "1")]
    for place in item["places"]:
        assert place == {name: by_id[place["id"]][name] for name in place}
    assert (await read(client, booking, buyer))["items"] == booking["items"]


async def test_counted_places_have_no_seats(
    client: httpx.AsyncClient, barn: House, buyer: Headers
) -> None:
    booking = await book(client, barn.order("Entry"), buyer)
    assert "seats" not in booking["items"][0]
    assert "places" not in booking["items"][0]
    assert booking["showtime"]["location"] == "The Barn"
    assert await read(client, booking, buyer) == booking


async def test_the_showtime_is_the_catalogues(
    client: httpx.AsyncClient, house: House, buyer: Headers
) -> None:
    showtime = await shown(client, house)
    booking = await book(client, house.seats("B-1"), buyer)
    told = {name: showtime[name] for name in ("startsAt", "endsAt", "timezone", "status")}
    assert booking["showtime"] == told
    assert told["timezone"] == "Europe/Zurich"
    there = {"venue": showtime["venue"], "hall": showtime["hall"]}
    assert there["venue"]["name"] == "The House"
    assert (await read(client, booking, buyer))["showtime"] == told | there


async def test_every_answer_shows_the_same(
    client: httpx.AsyncClient, house: House, buyer: Headers
) -> None:
    booking = await book(client, house.seats("B-1"), buyer)
    confirmed = await client.post(f"{BOOKINGS}/{booking['id']}/confirm", headers=buyer)
    now = await read(client, booking, buyer)
    assert confirmed.json() == now
    assert (await client.get(BOOKINGS, headers=buyer)).json()["items"] == [now]
    export = await client.get(f"{API}/users/me/export", headers=buyer)
    assert export.json()["bookings"] == [now]
    for member in (buyer, house.organizer):
        cancelled = await client.post(f"{BOOKINGS}/{booking['id']}/cancel", headers=member)
        assert cancelled.json() == await read(client, booking, member)
        assert cancelled.json() == now | {"status": "cancelled"}


async def test_a_line_is_told_from_another(
    client: httpx.AsyncClient, house: House, barn: House, buyer: Headers, connection: RawConnection
) -> None:
    (other,) = await buyers(connection, 1)
    await book(client, barn.order("Entry", 2), other)
    await book(client, house.seats("A-1", "A-2", "B-1", "B-2"), other, 422)
    for place in ("Stalls/A-1", "Stalls/A-2", "B-1", "B-2", "Balcony/A-1", "Balcony/A-2"):
        await book(client, house.seats(place), other)
    first = await book(client, barn.order("Entry", joinWaitlist=True), buyer, 202)
    second = await book(client, house.order("Seat", joinWaitlist=True), buyer, 202)
    assert first["showtime"]["location"] == "The Barn"
    waiting = (await client.get(f"{API}/waitlist", headers=buyer)).json()["items"]
    for entry, booking in zip(waiting, (first, second), strict=True):
        assert entry["id"] == booking["id"]
        assert entry["showtime"] == (await read(client, booking, buyer))["showtime"]
    assert waiting[1]["showtime"]["hall"] == (await shown(client, house))["hall"]
    left = await client.delete(f"{API}/waitlist/{first['id']}", headers=buyer)
    assert left.json() == await read(client, first, buyer)


@pytest.mark.parametrize("where", ["here", "elsewhere"])
async def test_a_rescheduled_showtime_is_at_its_new_time(
    client: httpx.AsyncClient,
    connection: RawConnection,
    barn: House,
    buyer: Headers,
    where: str,
) -> None:
    old = await book(client, barn.order("Entry"), buyer)
    if where == "here":
        when = {"startsAt": in_days(15), "endsAt": in_days(15.5)}
        await change(client, barn, "PATCH", f"/showtimes/{barn.showtime_id}", when)
    else:
        # Another process did, of which this one has not heard.
        async with connection.transaction():
            await connection.execute(
                "UPDATE showtimes SET starts_at = starts_at + interval '1 d',"
                " ends_at = ends_at + interval '2 d', busy_until = NULL WHERE id = $1",
                UUID(barn.showtime_id),
            )
            await connection.execute(
                "UPDATE inventories SET revision = revision + 1 WHERE showtime_id = $1",
                UUID(barn.showtime_id),
            )
    new = await book(client, barn.order("Entry"), buyer)
    now = (await read(client, old, buyer))["showtime"]
    assert now["startsAt"] > old["showtime"]["startsAt"]
    assert now["endsAt"] > old["showtime"]["endsAt"]
    assert new["showtime"] == now


async def test_a_place_in_words_may_be_another(
    client: httpx.AsyncClient, barn: House, buyer: Headers
) -> None:
    await book(client, barn.order("Entry"), buyer)
    elsewhere = {"location": "The Shed", "timezone": "Asia/Kathmandu"}
    answer = await client.patch(
        f"{API}/events/{barn.event_id}", json=elsewhere, headers=barn.organizer
    )
    assert answer.is_success, answer.text
    booking = await book(client, barn.order("Entry"), buyer)
    assert booking["showtime"] == (await read(client, booking, buyer))["showtime"]
    assert booking["showtime"]["location"] == "The Shed"
    assert booking["showtime"]["timezone"] == "Asia/Kathmandu"


async def test_a_venue_is_called_as_it_is_called_now(
    client: httpx.AsyncClient, house: House, buyer: Headers
) -> None:
    booking = await book(client, house.seats("B-1"), buyer)
    before = (await read(client, booking, buyer))["showtime"]
    venue, hall = f"/venues/{before['venue']['id']}", f"/halls/{before['hall']['id']}"
    await change(client, house, "PATCH", venue, {"name": "New House"})
    await change(client, house, "PATCH", hall, {"name": "Blue Hall"})
    now = (await read(client, booking, buyer))["showtime"]
    assert (now["venue"]["name"], now["hall"]["name"]) == ("New House", "Blue Hall")
    # What only a further look could keep right is not said.
    again = await book(client, house.seats("B-2"), buyer)
    assert not {"venue", "hall"} & again["showtime"].keys()


async def test_a_cancelled_showtime_says_when_and_why(
    client: httpx.AsyncClient, barn: House, buyer: Headers
) -> None:
    key = {"Idempotency-Key": "again"}
    booking = await book(client, barn.order("Entry"), buyer | key)
    assert booking["showtime"]["status"] == "scheduled"
    path = f"/showtimes/{barn.showtime_id}/cancel"
    await change(client, barn, "POST", path, {"reason": "The roof leaks"})
    now = (await read(client, booking, buyer))["showtime"]
    assert (now["status"], now["cancelReason"]) == ("cancelled", "The roof leaks")
    assert now["cancelledAt"] > booking["createdAt"]
    again = await client.post(BOOKINGS, json=barn.order("Entry"), headers=buyer | key)
    assert again.headers["Idempotent-Replayed"] == "true"
    assert again.json()["showtime"]["status"] == "cancelled"


async def test_seats_that_a_new_map_has_not(
    client: httpx.AsyncClient, house: House, buyer: Headers
) -> None:
    ended = await book(client, house.seats("Balcony/A-2", "Stalls/A-1"), buyer)
    await client.delete(f"{BOOKINGS}/{ended['id']}", headers=buyer)
    kept = await book(client, house.seats("Stalls/A-1"), buyer)
    hall = (await shown(client, house))["hall"]["id"]
    path = f"{API}/halls/{hall}/seat-map"
    smaller = layout(Stalls={"A": TWO}, Balcony={"A": ONE})
    made = await client.put(path, json=smaller, headers=house.organizer)
    body = {"seatMapId": made.json()["id"]}
    await change(client, house, "PUT", f"/showtimes/{house.showtime_id}/seat-map", body)
    assert (await read(client, kept, buyer))["items"] == kept["items"]
    (item,) = (await read(client, ended, buyer))["items"]
    gone, there = item["places"]
    assert there == kept["items"][0]["places"][0]
    assert (gone["label"], gone["row"], gone["number"]) == ("A-2", "A", "2")
    assert "section" not in gone
    assert item["seats"] == ended["items"][0]["seats"]


@pytest.mark.parametrize("kind", ["seats", "counted"])
async def test_reserving_asks_for_nothing_to_say_so(
    client: httpx.AsyncClient,
    house: House,
    barn: House,
    buyer: Headers,
    parts: Parts,
    monkeypatch: pytest.MonkeyPatch,
    kind: str,
) -> None:
    """What the hottest route answers comes from memory, once its process has seen the showtime."""
    orders = {
        "seats": [house.seats("Stalls/A-1"), house.seats("Balcony/A-1")],
        "counted": [barn.order("Entry"), barn.order("Entry")],
    }[kind]
    await book(client, orders[0], buyer)
    reads: list[str] = []
    mine = asyncio.current_task()

    def noted(name: str) -> Any:
        original = getattr(Database, name)

        @asynccontextmanager
        async def connect(self: Database) -> AsyncIterator[Any]:
            if asyncio.current_task() is mine:
                reads.append(name)
            async with original(self) as connection:
                yield connection

        return connect

    for name in ("read", "read_raw", "begin"):
        monkeypatch.setattr(Database, name, noted(name))
    booking = await book(client, orders[1], buyer)
    assert reads == []
    # The trap is set where it would be walked into.
    await read(client, booking, buyer)
    assert "read_raw" in reads
