"""Prices of one showtime: what is refused, who pays which price, and where it is shown."""

import asyncio
import json
from dataclasses import replace
from typing import Any
from uuid import UUID

import httpx
import pytest
import pytest_asyncio

from fullhouse.kit.db import RawConnection
from fullhouse.kit.ids import new_id
from tests.support.catalog import in_days
from tests.support.house import API, House, buyers, open_house
from tests.support.organizations import join, organizer

Headers = dict[str, str]

GRID = {"template": "grid", "rows": 2, "seatsPerRow": 4}
CATEGORIES: list[dict[str, Any]] = [
    {"name": "Stalls", "price": {"amount": 7_000}, "sections": ["Main"]},
    {"name": "Floor", "price": {"amount": 2_500}, "capacity": 2},
]
FEES = {"fee": {"percent": 10}, "tax": {"percent": 8, "included": True}}


@pytest_asyncio.fixture
async def house(client: httpx.AsyncClient) -> House:
    """Eight seats and two counted places."""
    return await open_house(client, CATEGORIES, seat_map=GRID, policy=FEES)


async def patch(
    client: httpx.AsyncClient,
    house: House,
    category: str,
    body: dict[str, Any],
    headers: Headers | None = None,
) -> httpx.Response:
    category_id = house.categories.get(category, category)
    path = f"{API}/showtimes/{house.showtime_id}/allotments/{category_id}"
    return await client.patch(path, json=body, headers=headers or house.organizer)


async def set_price(
    client: httpx.AsyncClient, house: House, category: str, amount: int | None
) -> dict[str, Any]:
    price = None if amount is None else {"amount": amount}
    answer = await patch(client, house, category, {"price": price})
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def book(
    client: httpx.AsyncClient, body: dict[str, Any], who: Headers, key: str | None = None
) -> dict[str, Any]:
    headers = who if key is None else who | {"Idempotency-Key": key}
    answer = await client.post(f"{API}/bookings", json=body, headers=headers)
    assert answer.is_success, answer.text
    found: dict[str, Any] = answer.json()
    return found


def unit_price(booking: dict[str, Any]) -> int:
    (item,) = booking["items"]
    return int(item["unitPrice"]["amount"])


@pytest.mark.parametrize(
    ("price", "status"),
    [
        ({"amount": -1}, 422),
        ({"amount": 10**12 + 1}, 422),
        ({"amount": 1.5}, 422),
        ({"amount": "5"}, 422),
        ({"amount": 5, "currency": "EUR"}, 422),
        ({"amount": 5, "sum": 5}, 422),
        ({}, 422),
        (5, 422),
        ({"amount": 5, "currency": "usd"}, 200),
        ({"amount": 0}, 200),
    ],
    ids=[
        "below",
        "above",
        "broken",
        "text",
        "currency",
        "unknown",
        "empty",
        "bare",
        "same",
        "free",
    ],
)
async def test_price_is_checked(
    client: httpx.AsyncClient, house: House, price: Any, status: int
) -> None:
    answer = await patch(client, house, "Floor", {"price": price})
    assert answer.status_code == status, answer.text
    if status == 422:
        assert answer.json()["code"] == "validation_failed"


@pytest.mark.parametrize(
    ("category", "body", "status", "code"),
    [
        (str(new_id()), {"price": None}, 422, "unknown_category"),
        ("Stalls", {"price": {"amount": 5}, "capacity": 8}, 422, "seated_category"),
        ("Floor", {"price": {"amount": 5}, "capacity": 1}, 409, "below_committed"),
    ],
    ids=["category", "seats", "too few"],
)
async def test_a_refused_change_changes_nothing(
    client: httpx.AsyncClient,
    connection: RawConnection,
    house: House,
    category: str,
    body: dict[str, Any],
    status: int,
    code: str,
) -> None:
    (who,) = await buyers(connection, 1)
    await book(client, house.order("Floor", 2), who)
    answer = await patch(client, house, category, body)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    shown = (await client.get(f"{API}/showtimes/{house.showtime_id}")).json()
    assert [one["price"]["amount"] for one in shown["categories"]] == [7_000, 2_500]


async def test_whoever_sells_at_the_counter_sets_no_prices(
    client: httpx.AsyncClient, connection: RawConnection, house: House
) -> None:
    me = (await client.get(f"{API}/auth/me", headers=house.organizer)).json()
    seller = await organizer(client)
    await join(connection, me["organizations"][0]["id"], seller, "box_office")
    for body, status in (({"price": {"amount": 5}}, 403), ({"blocked": 1}, 200)):
        answer = await patch(client, house, "Floor", body, seller.headers)
        assert answer.status_code == status, body
    stranger = await organizer(client)
    answer = await patch(client, house, "Floor", {"price": None}, stranger.headers)
    assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")


@pytest.mark.parametrize("category", ["Stalls", "Floor"])
async def test_who_has_a_place_keeps_the_price_and_who_comes_pays_the_new_one(
    client: httpx.AsyncClient, connection: RawConnection, house: House, category: str
) -> None:
    early, late, last = await buyers(connection, 3)
    orders = {
        "Stalls": [house.seats("A-1"), house.seats("A-2"), house.seats("B-1")],
        "Floor": [house.order("Floor"), house.order("Floor"), house.order("Floor")],
    }[category]
    before = {"Stalls": 7_000, "Floor": 2_500}[category]
    held = await book(client, orders[0], early)
    view = await set_price(client, house, category, 9_900)
    assert view["price"] == {"amount": 9_900, "currency": "USD"}
    dear = await book(client, orders[1], late)
    assert (unit_price(held), unit_price(dear)) == (before, 9_900)
    again = (await client.get(f"{API}/bookings/{held['id']}", headers=early)).json()
    assert (unit_price(again), again["total"]) == (before, held["total"])
    if category == "Floor":
        await client.delete(f"{API}/bookings/{held['id']}", headers=early)
    assert (await set_price(client, house, category, None))["price"]["amount"] == before
    assert unit_price(await book(client, orders[2], last)) == before


async def test_it_is_shown_wherever_prices_are(client: httpx.AsyncClient, house: House) -> None:
    path = f"{API}/events/{house.event_id}/showtimes"
    added = await client.post(path, json={"startsAt": in_days(12)}, headers=house.organizer)
    other = added.json()["id"]

    async def shown(showtime: str) -> list[int]:
        found = (await client.get(f"{API}/showtimes/{showtime}")).json()
        return [one["price"]["amount"] for one in found["categories"]]

    async def lowest() -> int:
        query: dict[str, Any] = {"limit": 100, "sort": "-createdAt"}
        listed = (await client.get(f"{API}/events", params=query)).json()["items"]
        (event,) = [one for one in listed if one["id"] == house.event_id]
        return int(event["price"]["amount"])

    async def becomes(floor: int) -> None:
        # What is kept is dropped a moment after the change.
        async with asyncio.timeout(30):
            while (await shown(house.showtime_id), await lowest()) != ([7_000, floor], floor):
                await asyncio.sleep(0.01)

    # Asked before, so that kept answers have to be dropped.
    await becomes(2_500)
    await set_price(client, house, "Floor", 1_000)
    await becomes(1_000)
    assert await shown(other) == [7_000, 2_500]
    await set_price(client, house, "Floor", None)
    await becomes(2_500)


async def test_lists_show_and_find_what_is_asked_at_showtimes_to_come(
    client: httpx.AsyncClient, house: House
) -> None:
    async def found(most: int) -> list[int]:
        query: dict[str, Any] = {"limit": 100, "price[lte]": most, "sort": "-createdAt"}
        # Signed in, so that nothing kept is answered.
        listed = await client.get(f"{API}/events", params=query, headers=house.organizer)
        items = listed.json()["items"]
        return [one["price"]["amount"] for one in items if one["id"] == house.event_id]

    assert await found(2_500) == [2_500]
    await set_price(client, house, "Floor", 5_000)
    assert (await found(4_999), await found(5_000)) == ([], [5_000])
    path = f"{API}/events/{house.event_id}/showtimes"
    added = await client.post(path, json={"startsAt": in_days(12)}, headers=house.organizer)
    other = replace(house, showtime_id=added.json()["id"])
    await set_price(client, other, "Floor", 100)
    assert await found(100) == [100]
    # Nobody sells at this price any more.
    cancelled = await client.post(
        f"{API}/showtimes/{other.showtime_id}/cancel", json={}, headers=house.organizer
    )
    assert cancelled.status_code == 200, cancelled.text
    assert (await found(4_999), await found(5_000)) == ([], [5_000])


async def test_who_waits_is_offered_the_price_of_that_moment(
    client: httpx.AsyncClient, connection: RawConnection, house: House
) -> None:
    first, waiting = await buyers(connection, 2)
    held = await book(client, house.order("Floor", 2), first)
    order = house.order("Floor", 2, joinWaitlist=True)
    joined = await book(client, order, waiting, "key")
    assert (joined["status"], unit_price(joined)) == ("waitlisted", 2_500)
    await set_price(client, house, "Floor", 4_000)
    path = f"{API}/bookings/{joined['id']}"
    still = (await client.get(path, headers=waiting)).json()
    assert (still["status"], unit_price(still)) == ("waitlisted", 2_500)
    await client.delete(f"{API}/bookings/{held['id']}", headers=first)
    offered = (await client.get(path, headers=waiting)).json()
    assert (offered["status"], unit_price(offered)) == ("reserved", 4_000)
    # Ten percent on top, and eight of a hundred and eight parts of that are tax.
    sums = [offered[part]["amount"] for part in ("subtotal", "fees", "tax", "total")]
    assert sums == [8_000, 800, 652, 8_800]
    # The first answer stays the first answer, with the price of then.
    assert await book(client, order, waiting, "key") == joined


async def test_a_price_and_places_are_changed_together(
    client: httpx.AsyncClient, connection: RawConnection, house: House
) -> None:
    answer = await patch(
        client, house, "Floor", {"capacity": 5, "blocked": 1, "price": {"amount": 100}}
    )
    view = answer.json()
    assert (view["capacity"], view["blocked"], view["available"]) == (5, 1, 4)
    assert view["price"]["amount"] == 100
    entries = await connection.fetch(
        "SELECT action, before::text, after::text FROM audit_log WHERE object_id = $1"
        " AND action LIKE 'allotment.%' ORDER BY id",
        house.showtime_id,
    )
    which = {"categoryId": house.categories["Floor"]}
    assert [(row["action"], json.loads(row["before"])) for row in entries] == [
        ("allotment.resized", which | {"capacity": 2, "blocked": 0}),
        ("allotment.repriced", which | {"price": None}),
    ]
    topics = await connection.fetch(
        "SELECT topic FROM outbox WHERE stream_id = $1 ORDER BY id", UUID(house.showtime_id)
    )
    assert [row["topic"] for row in topics] == ["allotment.resized", "allotment.repriced"]
    # The same again is no change, and nobody is told.
    await patch(client, house, "Floor", {"capacity": 5, "blocked": 1, "price": {"amount": 100}})
    count = await connection.fetchval(
        "SELECT count(*) FROM outbox WHERE stream_id = $1", UUID(house.showtime_id)
    )
    assert count == 2


async def test_an_empty_change_answers_what_there_is(
    client: httpx.AsyncClient, house: House
) -> None:
    answer = await patch(client, house, "Stalls", {})
    assert answer.status_code == 200
    assert (answer.json()["capacity"], answer.json()["price"]["amount"]) == (8, 7_000)
