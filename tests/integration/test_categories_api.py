"""Categories of events that exist, through HTTP, refusals first."""

import asyncio
import json
from typing import Any
from uuid import UUID

import httpx
import pytest

from fullhouse.bookings.audit import audit
from fullhouse.kit.db import Database, RawConnection
from tests.support.catalog import API, in_days, made_event, made_hall
from tests.support.house import House, open_house
from tests.support.locks import until_blocked
from tests.support.people import signed_in

EVENTS = f"{API}/events"
NOBODY = "01900000-0000-7000-8000-000000000000"
TWO = [
    {"name": "VIP", "price": {"amount": 15_000}, "capacity": 5},
    {"name": "General", "price": {"amount": 5_000}, "capacity": 1},
]
THEATRE = {
    "template": "stalls_balcony",
    "stallsRows": 2,
    "stallsSeatsPerRow": 5,
    "balconyRows": 1,
    "balconySeatsPerRow": 4,
    "standing": [{"name": "Floor", "capacity": 50}, {"name": "Terrace", "capacity": 30}],
}
SECTIONS: list[dict[str, Any]] = [
    {"name": "Seats", "price": {"amount": 5_000}, "sections": ["Stalls", "Balcony"]},
    {"name": "Standing", "price": {"amount": 3_000}, "sections": ["Floor"], "capacity": 40},
]


async def organizer(client: httpx.AsyncClient) -> dict[str, str]:
    return await signed_in(client, role="ORGANIZER")


async def add(
    client: httpx.AsyncClient, event_id: str, headers: dict[str, str], **fields: Any
) -> httpx.Response:
    body = {"name": "Late", "price": {"amount": 2_000}, "capacity": 10} | fields
    body = {name: value for name, value in body.items() if value is not None}
    return await client.post(f"{EVENTS}/{event_id}/categories", json=body, headers=headers)


async def change(
    client: httpx.AsyncClient, house: House, category: str, /, **fields: Any
) -> httpx.Response:
    path = f"{EVENTS}/{house.event_id}/categories/{house.categories[category]}"
    return await client.patch(path, json=fields, headers=house.organizer)


async def drop(client: httpx.AsyncClient, house: House, name: str) -> httpx.Response:
    path = f"{EVENTS}/{house.event_id}/categories/{house.categories[name]}"
    return await client.delete(path, headers=house.organizer)


async def listed(client: httpx.AsyncClient, event_id: str) -> list[dict[str, Any]]:
    answer = await client.get(f"{EVENTS}/{event_id}/categories")
    assert answer.status_code == 200, answer.text
    items: list[dict[str, Any]] = answer.json()["items"]
    return items


async def at_showtime(client: httpx.AsyncClient, house: House) -> dict[str, tuple[int, int]]:
    """Price and capacity of each category at the showtime."""
    answer = await client.get(f"{API}/showtimes/{house.showtime_id}")
    return {one["name"]: (one["price"]["amount"], one["capacity"])
            for one in answer.json()["categories"]}  # fmt: skip


async def book(
    client: httpx.AsyncClient, house: House, category: str, **order: Any
) -> tuple[httpx.Response, dict[str, str]]:
    buyer = await signed_in(client)
    answer = await client.post(
        f"{API}/bookings", json=house.order(category, **order), headers=buyer
    )
    return answer, buyer


async def take_seats(client: httpx.AsyncClient, house: House, *labels: str) -> httpx.Response:
    body = house.seats(*labels)
    return await client.post(f"{API}/bookings", json=body, headers=await signed_in(client))


def refusal(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


def pointers(answer: httpx.Response) -> list[str]:
    assert refusal(answer) == (422, "validation_failed"), answer.text
    return [error["pointer"] for error in answer.json()["errors"]]


async def theatre(client: httpx.AsyncClient, **event: Any) -> House:
    return await open_house(client, SECTIONS, seat_map=THEATRE, **event)


@pytest.mark.parametrize(
    ("fields", "pointer"),
    [
        ({"name": ""}, "/name"),
        ({"name": "VIP\x9b"}, "/name"),
        ({"price": {"amount": -1}}, "/price/amount"),
        ({"price": {"amount": 1, "currency": "EUR"}}, "/price/currency"),
        ({"capacity": 0}, "/capacity"),
        ({"sections": ["Main"], "capacity": 1}, "/sections"),
        ({"status": "free"}, "/status"),
        ({"eventId": NOBODY}, "/eventId"),
        ({"id": NOBODY}, "/id"),
    ],
)
async def test_categories_that_make_no_sense(
    client: httpx.AsyncClient, fields: dict[str, Any], pointer: str
) -> None:
    house = await open_house(client, TWO)
    answer = await add(client, house.event_id, house.organizer, **fields)
    assert pointers(answer) == [pointer], answer.text
    if pointer == "/price/currency":
        (error,) = answer.json()["errors"]
        assert error["detail"] == "is not the event's currency, USD"
    assert pointers(await change(client, house, "VIP", **fields)) == [pointer]
    assert [one["name"] for one in await listed(client, house.event_id)] == ["VIP", "General"]


async def test_who_may_not_touch_categories(client: httpx.AsyncClient) -> None:
    headers, other = await organizer(client), await organizer(client)
    buyer = await signed_in(client)
    for publish, theirs in ((True, (403, "forbidden")), (False, (404, "not_found"))):
        event = await made_event(client, headers, publish=publish)
        own = f"{EVENTS}/{event['id']}/categories"
        one = f"{own}/{event['categories'][0]['id']}"
        body = {"name": "New", "price": {"amount": 1}, "capacity": 1}
        for method, address, sent in (
            ("POST", own, body),
            ("PATCH", one, {"name": "Mine"}),
            ("DELETE", one, None),
        ):
            answer = await client.request(method, address, json=sent)
            assert refusal(answer) == (401, "unauthenticated")
            answer = await client.request(method, address, json=sent, headers=other)
            assert refusal(answer) == theirs
            answer = await client.request(method, address, json=sent, headers=buyer)
            assert refusal(answer) == (403, "forbidden")
        seen = await client.get(own, headers=other)
        assert seen.status_code == (200 if publish else 404)
        assert (await client.get(own, headers=headers)).json()["items"] == event["categories"]


async def test_a_category_of_another_event_is_not_found(client: httpx.AsyncClient) -> None:
    house = await open_house(client, TWO)
    elsewhere = await made_event(client, house.organizer)
    for category_id in (elsewhere["categories"][0]["id"], NOBODY):
        path = f"{EVENTS}/{house.event_id}/categories/{category_id}"
        answer = await client.patch(path, json={"name": "X"}, headers=house.organizer)
        assert answer.status_code == 404
        assert (await client.delete(path, headers=house.organizer)).status_code == 404
    path = f"{EVENTS}/{NOBODY}/categories"
    assert (await client.get(path)).status_code == 404


@pytest.mark.parametrize("status", ["cancelled", "ended"])
async def test_what_is_over_keeps_its_categories(
    client: httpx.AsyncClient, connection: RawConnection, status: str
) -> None:
    house = await open_house(client, TWO)
    await connection.execute(
        "UPDATE events SET status = $1 WHERE id = $2", status, UUID(house.event_id)
    )
    answer = await add(client, house.event_id, house.organizer)
    assert refusal(answer) == (409, "event_closed")
    assert refusal(await change(client, house, "VIP", name="X")) == (409, "event_closed")
    assert refusal(await drop(client, house, "VIP")) == (409, "event_closed")


async def test_what_an_older_database_told_apart_can_be_changed(
    client: httpx.AsyncClient, connection: RawConnection
) -> None:
    """To PostgreSQL these are two names, to us they are one."""
    house = await open_house(client, TWO)
    for name, new in (("General", "Stra\u00dfe"), ("VIP", "STRASSE")):
        await connection.execute(
            "UPDATE categories SET name = $2 WHERE id = $1", UUID(house.categories[name]), new
        )
    answer = await change(client, house, "VIP", price={"amount": 7})
    assert (answer.status_code, answer.json()["name"]) == (200, "STRASSE")


async def test_a_name_belongs_to_one_category(client: httpx.AsyncClient) -> None:
    house = await open_house(client, TWO)
    answer = await add(client, house.event_id, house.organizer, name=" vip ")
    assert refusal(answer) == (409, "category_exists")
    assert refusal(await change(client, house, "General", name="Vip")) == (409, "category_exists")
    spaced = await add(client, house.event_id, house.organizer, name=" Zone  \u00dc ")
    assert spaced.json()["name"] == "Zone \u00dc"
    answer = await add(client, house.event_id, house.organizer, name="zone \u00fc")
    assert refusal(answer) == (409, "category_exists")
    assert (await change(client, house, "VIP", name="vip")).json()["name"] == "vip"
    assert (await drop(client, house, "VIP")).status_code == 204
    again = await add(client, house.event_id, house.organizer, name="vip")
    assert again.status_code == 201


async def test_an_event_has_at_most_a_hundred(client: httpx.AsyncClient) -> None:
    many = [{"name": f"No {n}", "price": {"amount": 1}, "capacity": 1} for n in range(100)]
    event = await made_event(client, headers := await organizer(client), categories=many)
    assert refusal(await add(client, event["id"], headers)) == (409, "too_many_categories")


async def test_a_new_category_is_sold_at_coming_showtimes(
    client: httpx.AsyncClient, connection: RawConnection, database: Database
) -> None:
    house = await open_house(client, TWO)
    past = await client.post(
        f"{EVENTS}/{house.event_id}/showtimes",
        json={"startsAt": in_days(2)},
        headers=house.organizer,
    )
    await connection.execute(
        "UPDATE showtimes SET starts_at = now() - interval '2 days',"
        " ends_at = now() - interval '1 day', busy_until = NULL WHERE id = $1",
        UUID(past.json()["id"]),
    )
    answer = await add(client, house.event_id, house.organizer, benefits=["Seat cushion"])
    assert answer.status_code == 201, answer.text
    made = answer.json()
    assert made == {
        "id": made["id"], "name": "Late", "price": {"amount": 2_000, "currency": "USD"},
        "capacity": 10, "benefits": ["Seat cushion"], "seated": False, "sections": None,
    }  # fmt: skip
    assert (await listed(client, house.event_id))[-1] == made
    assert await at_showtime(client, house) == {
        "VIP": (15_000, 5), "General": (5_000, 1), "Late": (2_000, 10),
    }  # fmt: skip
    over = (await client.get(f"{API}/showtimes/{past.json()['id']}")).json()
    assert [one["name"] for one in over["categories"]] == ["VIP", "General"]
    house.categories["Late"] = made["id"]
    booked, _ = await book(client, house, "Late")
    assert booked.json()["total"]["amount"] == 2_000
    (entry,) = await connection.fetch(
        "SELECT action, after::text AS after FROM audit_log WHERE object_id = $1", made["id"]
    )
    assert entry["action"] == "category.added"
    assert json.loads(entry["after"])["price"] == 2_000
    cheapest = await client.get(EVENTS, params={"price[lte]": 2_000, "category": "late"})
    assert house.event_id in [item["id"] for item in cheapest.json()["items"]]
    report = await audit(database)
    assert report.is_clean, report.examples


async def test_a_new_price_is_for_new_bookings(client: httpx.AsyncClient) -> None:
    house = await open_house(client, TWO)
    before, buyer = await book(client, house, "General")
    waiting, waiter = await book(client, house, "General", joinWaitlist=True)
    assert waiting.json()["status"] == "waitlisted"
    answer = await change(client, house, "General", price={"amount": 9_000, "currency": "usd"})
    assert answer.json()["price"] == {"amount": 9_000, "currency": "USD"}
    address = f"{API}/bookings/{before.json()['id']}"
    assert (await client.get(address, headers=buyer)).json()["total"]["amount"] == 5_000
    # Who waits has no place yet: the price is that of the moment in which there is one.
    await client.post(f"{address}/cancel", headers=buyer)
    offered = await client.get(f"{API}/bookings/{waiting.json()['id']}", headers=waiter)
    assert (offered.json()["status"], offered.json()["total"]["amount"]) == ("reserved", 9_000)
    await client.post(f"{API}/bookings/{waiting.json()['id']}/cancel", headers=waiter)
    after, _ = await book(client, house, "General")
    assert after.json()["total"]["amount"] == 9_000


async def test_a_new_capacity_is_for_new_showtimes(client: httpx.AsyncClient) -> None:
    house = await open_house(client, TWO)
    assert (await change(client, house, "VIP", capacity=70)).json()["capacity"] == 70
    assert (await at_showtime(client, house))["VIP"] == (15_000, 5)
    later = await client.post(
        f"{EVENTS}/{house.event_id}/showtimes",
        json={"startsAt": in_days(20)},
        headers=house.organizer,
    )
    assert later.json()["categories"][0]["capacity"] == 70


async def test_categories_change_places_in_the_list(client: httpx.AsyncClient) -> None:
    three = [*TWO, {"name": "Free", "price": {"amount": 0}, "capacity": 1}]
    house = await open_house(client, three)

    async def order() -> list[str]:
        return [one["name"] for one in await listed(client, house.event_id)]

    assert (await change(client, house, "Free", rank=0)).status_code == 200
    assert await order() == ["Free", "VIP", "General"]
    await change(client, house, "Free", rank=99, benefits=["None"])
    assert await order() == ["VIP", "General", "Free"]
    assert (await listed(client, house.event_id))[-1]["benefits"] == ["None"]
    shown = (await client.get(f"{API}/showtimes/{house.showtime_id}")).json()["categories"]
    assert [one["name"] for one in shown] == ["VIP", "General", "Free"]
    assert pointers(await change(client, house, "Free", rank=-1)) == ["/rank"]


async def test_a_change_of_nothing_leaves_no_trace(
    client: httpx.AsyncClient, connection: RawConnection
) -> None:
    house = await theatre(client)
    for fields in ({}, {"name": "Seats"}, {"rank": 0}, {"sections": ["Stalls", "Balcony"]}):
        assert (await change(client, house, "Seats", **fields)).status_code == 200
    logged = await connection.fetchval(
        "SELECT count(*) FROM audit_log WHERE object_id = $1", house.categories["Seats"]
    )
    assert logged == 0


async def test_sections_move_while_nobody_has_a_place(
    client: httpx.AsyncClient, connection: RawConnection, database: Database
) -> None:
    house = await theatre(client)
    # The process knows the old terms by heart.
    seats = f"{API}/showtimes/{house.showtime_id}/seats"
    assert {seat["categoryId"] for seat in (await client.get(seats)).json()["seats"]} == {
        house.categories["Seats"]
    }
    made = await add(
        client,
        house.event_id,
        house.organizer,
        name="Balcony",
        price={"amount": 7_000},
        sections=["Balcony"],
        capacity=None,
    )
    assert made.status_code == 201, made.text
    house.categories["Balcony"] = made.json()["id"]
    assert await at_showtime(client, house) == {
        "Seats": (5_000, 10), "Standing": (3_000, 40), "Balcony": (7_000, 4),
    }  # fmt: skip
    found = (await client.get(seats)).json()["seats"]
    assert {seat["categoryId"] for seat in found if seat["section"] == "Balcony"} == {
        house.categories["Balcony"]
    }
    booked = await take_seats(client, house, "Balcony/A-1", "Stalls/A-1")
    assert booked.status_code == 201, booked.text
    prices = {item["name"]: item["unitPrice"]["amount"] for item in booked.json()["items"]}
    assert prices == {"Balcony": 7_000, "Seats": 5_000}
    report = await audit(database)
    assert report.is_clean, report.examples
    # Now somebody has places in both.
    answer = await change(client, house, "Seats", sections=["Stalls", "Balcony"])
    assert refusal(answer) == (409, "category_has_bookings")
    assert (await at_showtime(client, house))["Seats"] == (5_000, 10)


async def test_sections_that_are_taken_stay_where_they_are(
    client: httpx.AsyncClient, connection: RawConnection
) -> None:
    house = await theatre(client)
    blocked = await client.post(
        f"{API}/showtimes/{house.showtime_id}/seats/block",
        json={"seats": ["Stalls/A-1"]},
        headers=house.organizer,
    )
    assert blocked.is_success, blocked.text
    answer = await add(client, house.event_id, house.organizer, sections=["Balcony"], capacity=None)
    assert refusal(answer) == (409, "category_has_bookings")
    assert answer.json()["categoryId"] == house.categories["Seats"]
    assert refusal(await drop(client, house, "Seats")) == (409, "category_has_bookings")
    assert (await at_showtime(client, house))["Seats"] == (5_000, 14)


async def test_nobody_is_left_without_a_section(client: httpx.AsyncClient) -> None:
    house = await theatre(client)
    for sections in (["Floor"], ["Stalls", "Balcony"]):
        answer = await add(
            client, house.event_id, house.organizer, sections=sections, capacity=None
        )
        assert pointers(answer) == ["/sections/0"]
    for fields, pointer in (
        ({"sections": ["Gallery"]}, "/sections/0"),
        ({"sections": []}, "/sections"),
        ({"sections": ["Stalls", "Terrace"]}, "/sections"),
        ({"capacity": 3}, "/capacity"),
        ({"sections": None}, "/capacity"),
    ):
        assert pointers(await change(client, house, "Seats", **fields)) == [pointer]
    assert pointers(await change(client, house, "Standing", capacity=51)) == ["/capacity"]
    counted = await change(client, house, "Seats", sections=None, capacity=8)
    assert (counted.json()["seated"], counted.json()["capacity"]) == (False, 8)
    assert (await at_showtime(client, house))["Seats"] == (5_000, 8)
    assert (await take_seats(client, house, "Stalls/A-1")).json()["code"] == "seats_not_for_sale"


async def test_sections_must_be_at_every_coming_showtime(client: httpx.AsyncClient) -> None:
    house = await theatre(client)
    larger = THEATRE | {"standing": [{"name": "Pit", "capacity": 9}, *THEATRE["standing"]]}  # type: ignore[misc]
    event = (await client.get(f"{EVENTS}/{house.event_id}")).json()
    path = f"{API}/halls/{event['hall']['id']}/seat-map"
    assert (await client.put(path, json=larger, headers=house.organizer)).status_code == 200
    answer = await add(client, house.event_id, house.organizer, sections=["Pit"], capacity=None)
    assert pointers(answer) == ["/sections"]


async def test_a_category_that_somebody_has_stays(
    client: httpx.AsyncClient, database: Database
) -> None:
    house = await open_house(client, TWO)
    booked, buyer = await book(client, house, "General")
    assert refusal(await drop(client, house, "General")) == (409, "category_has_bookings")
    waiting, waiter = await book(client, house, "General", joinWaitlist=True)
    await client.delete(f"{API}/waitlist/{waiting.json()['id']}", headers=waiter)
    await client.post(f"{API}/bookings/{booked.json()['id']}/cancel", headers=buyer)
    assert (await drop(client, house, "General")).status_code == 204
    kept = await client.get(f"{API}/bookings/{booked.json()['id']}", headers=buyer)
    assert [item["name"] for item in kept.json()["items"]] == ["General"]
    report = await audit(database)
    assert report.is_clean, report.examples


async def test_what_is_deleted_is_gone_everywhere(
    client: httpx.AsyncClient, connection: RawConnection
) -> None:
    house = await open_house(client, TWO, title="Dropped Category")
    assert (await drop(client, house, "General")).status_code == 204
    assert [one["name"] for one in await listed(client, house.event_id)] == ["VIP"]
    assert await at_showtime(client, house) == {"VIP": (15_000, 5)}
    event = (await client.get(f"{EVENTS}/{house.event_id}")).json()
    assert [one["name"] for one in event["categories"]] == ["VIP"]
    standing = await client.get(f"{API}/showtimes/{house.showtime_id}/availability")
    assert [one["categoryId"] for one in standing.json()["categories"]] == [house.categories["VIP"]]
    found = await client.get(EVENTS, params={"q": "Dropped"})
    (item,) = found.json()["items"]
    assert (item["price"]["amount"], item["available"]) == (15_000, 5)
    for query in ({"category": "general"}, {"price[lte]": 5_000}):
        found = await client.get(EVENTS, params={"q": "Dropped", **query})
        assert found.json()["items"] == []
    facets = await client.get(f"{EVENTS}/facets", params={"q": "Dropped"})
    assert [one["value"] for one in facets.json()["category"]] == ["VIP"]
    late, _ = await book(client, house, "General")
    assert refusal(late)[0] in (404, 409, 422)
    resized = await client.patch(
        f"{API}/showtimes/{house.showtime_id}/allotments/{house.categories['General']}",
        json={"capacity": 9},
        headers=house.organizer,
    )
    assert resized.status_code in (404, 422)
    assert refusal(await drop(client, house, "VIP")) == (409, "last_category")
    actions = await connection.fetch(
        "SELECT action FROM audit_log WHERE object_id = $1", house.categories["General"]
    )
    assert [row["action"] for row in actions] == ["category.deleted"]


async def test_a_draft_may_lose_its_last_category(client: httpx.AsyncClient) -> None:
    headers = await organizer(client)
    draft = await made_event(client, headers, categories=TWO[:1], publish=False)
    path = f"{EVENTS}/{draft['id']}/categories/{draft['categories'][0]['id']}"
    assert (await client.delete(path, headers=headers)).status_code == 204


async def test_money_that_comes_too_late_buys_nothing_of_a_deleted_category(
    client: httpx.AsyncClient, connection: RawConnection
) -> None:
    """Its allotment has no room: the database itself would refuse."""
    house = await open_house(client, TWO)
    assert (await drop(client, house, "General")).status_code == 204
    capacity = await connection.fetchval(
        "SELECT capacity FROM allotments WHERE category_id = $1",
        UUID(house.categories["General"]),
    )
    assert capacity == 0


@pytest.mark.parametrize("locked", [True, False], ids=["protected", "control"])
async def test_nobody_buys_what_is_deleted_at_the_same_moment(
    client: httpx.AsyncClient,
    database: Database,
    connection: RawConnection,
    monkeypatch: pytest.MonkeyPatch,
    locked: bool,
) -> None:
    """A buyer holds the showtime's lock when the category is deleted: the deletion sees the sale.

    Without the lock of the deletion the same order of things deletes what has just been sold.
    """
    if not locked:
        monkeypatch.setattr("fullhouse.catalog.store.showtime_writes.touch_terms", _no_lock)
    house = await open_house(client, TWO)
    category = UUID(house.categories["VIP"])
    selling = await database.connect_raw()
    transaction = selling.transaction()
    await transaction.start()
    await selling.execute(
        "SELECT 1 FROM inventories WHERE showtime_id = $1 FOR NO KEY UPDATE",
        UUID(house.showtime_id),
    )
    deleting = asyncio.create_task(drop(client, house, "VIP"))
    if locked:
        await until_blocked(connection)
    else:
        await asyncio.wait_for(asyncio.shield(deleting), 10)
    await selling.execute("UPDATE allotments SET held = 1 WHERE category_id = $1 AND capacity > 0",
                          category)  # fmt: skip
    await transaction.commit()
    await selling.close()
    answer = await deleting
    if locked:
        assert refusal(answer) == (409, "category_has_bookings")
    else:
        assert answer.status_code == 204, "it waits for something else: this test is blind"


async def _no_lock(*_: object) -> None:
    """What the deletion does without its protection."""


async def test_an_empty_hall_is_not_needed_for_counted_places(client: httpx.AsyncClient) -> None:
    headers = await organizer(client)
    hall = await made_hall(client, headers)
    event = await made_event(
        client,
        headers,
        location=None,
        hallId=hall["id"],
        categories=[{"name": "Seats", "price": {"amount": 1}, "sections": ["Main"]}],
    )
    answer = await add(client, event["id"], headers, name="Stream")
    assert answer.status_code == 201
    shown = (await client.get(f"{API}/showtimes/{event['showtimes'][0]['id']}")).json()
    assert [(one["name"], one["capacity"]) for one in shown["categories"]] == [
        ("Seats", 100),
        ("Stream", 10),
    ]
