"""What staff do is on record: in the selling core, in the catalogue, and in the venues."""

from datetime import datetime
from typing import Any
from uuid import UUID

import httpx

from fullhouse.kit.db import RawConnection
from tests.support.asgi import bearer
from tests.support.catalog import in_days, made_event, made_hall
from tests.support.house import API, House, open_house
from tests.support.organizations import (
    Person,
    administrator,
    ask,
    audit_entries,
    code_of,
    join,
    person,
)
from tests.support.people import register

_PAID = {"name": "Standing", "price": {"amount": 2_500}, "capacity": 5}
_FREE = {"name": "Lawn", "price": {"amount": 0}, "capacity": 5}


async def owner_of(client: httpx.AsyncClient, house: House) -> Person:
    """The organizer of a house, as somebody with an organization."""
    me = (await client.get(f"{API}/auth/me", headers=house.organizer)).json()
    return Person(me["id"], me["email"], house.organizer, me["organizations"][0]["id"])


async def booked(
    client: httpx.AsyncClient, headers: dict[str, str], order: dict[str, Any]
) -> dict[str, Any]:
    answer = await client.post(f"{API}/bookings", json=order, headers=headers)
    assert answer.status_code in (201, 202), answer.text
    booking: dict[str, Any] = answer.json()
    return booking


async def told(client: httpx.AsyncClient, who: Person) -> list[tuple[str, Any, Any]]:
    """The organization's log, the oldest first: action, before, after."""
    entries = await audit_entries(client, who, who.organization)
    return [(one["action"], one["before"], one["after"]) for one in reversed(entries)]


async def test_money_taken_and_sales_cancelled_are_on_record(client: httpx.AsyncClient) -> None:
    house = await open_house(client, [_PAID])
    owner = await owner_of(client, house)
    buyer = bearer((await register(client))["accessToken"])
    booking = await booked(client, buyer, house.order("Standing", 2))
    before = len(await told(client, owner))
    path = f"{API}/bookings/{booking['id']}"
    requests = []
    for act in ("confirm", "confirm", "cancel", "cancel"):  # the second time changes nothing
        answer = await client.post(f"{path}/{act}", headers=house.organizer)
        assert answer.status_code == 200, answer.text
        requests.append(answer.headers["x-request-id"])
    assert (await told(client, owner))[before:] == [
        (
            "booking.confirmed",
            {"status": "reserved"},
            {"status": "confirmed", "total": 5_000, "currency": "USD"},
        ),
        ("booking.cancelled", {"status": "confirmed"}, {"status": "cancelled"}),
    ]
    newest, older = await audit_entries(client, owner, owner.organization, objectId=booking["id"])
    assert newest["actor"] == {"kind": "user", "id": owner.id}
    assert newest["objectKind"] == "booking"
    assert [older["requestId"], newest["requestId"]] == [requests[0], requests[2]]


async def test_what_buyers_do_themselves_is_no_news(client: httpx.AsyncClient) -> None:
    house = await open_house(client, [_FREE])
    owner = await owner_of(client, house)
    buyer = bearer((await register(client))["accessToken"])
    before = await told(client, owner)
    first = await booked(client, buyer, house.order("Lawn"))
    second = await booked(client, buyer, house.order("Lawn"))
    for booking, act in ((first, "confirm"), (first, "cancel"), (second, "cancel")):
        answer = await client.post(f"{API}/bookings/{booking['id']}/{act}", headers=buyer)
        assert answer.status_code == 200, answer.text
    assert await told(client, owner) == before


async def test_places_taken_off_sale_are_on_record(client: httpx.AsyncClient) -> None:
    stalls = {"name": "Stalls", "price": {"amount": 7_000}, "sections": ["Main"]}
    house = await open_house(
        client, [stalls, _PAID], seat_map={"template": "grid", "rows": 2, "seatsPerRow": 4}
    )
    owner = await owner_of(client, house)
    before = len(await told(client, owner))
    path = f"/showtimes/{house.showtime_id}"
    category = house.categories["Standing"]
    taken = await booked(client, house.organizer, house.seats("B-4"))
    assert taken["status"] == "reserved"
    for method, way, body, status in (
        ("POST", "/seats/block", {"seats": ["A-1", "A-2"]}, 204),
        ("POST", "/seats/block", {"seats": ["A-2", "A-3"]}, 204),  # A-2 was blocked before
        ("POST", "/seats/block", {"seats": ["B-4"]}, 409),
        ("POST", "/seats/unblock", {"seats": ["A-1", "B-1"]}, 204),  # B-1 is free
        ("PATCH", f"/allotments/{category}", {"capacity": 8}, 200),
        ("PATCH", f"/allotments/{category}", {"capacity": 8}, 200),
        ("PATCH", f"/allotments/{category}", {"blocked": 9}, 409),
    ):
        answer = await ask(client, owner, method, path + way, body)
        assert answer.status_code == status, answer.text
    assert (await told(client, owner))[before:] == [
        ("seats.blocked", None, {"seats": ["Main/A-1", "Main/A-2"]}),
        ("seats.blocked", None, {"seats": ["Main/A-3"]}),
        ("seats.unblocked", None, {"seats": ["Main/A-1"]}),
        (
            "allotment.resized",
            {"categoryId": category, "capacity": 5, "blocked": 0},
            {"categoryId": category, "capacity": 8, "blocked": 0},
        ),
    ]


async def test_who_may_only_look_at_bookings_changes_none(
    client: httpx.AsyncClient, connection: RawConnection
) -> None:
    house = await open_house(client, [_FREE])
    owner = await owner_of(client, house)
    viewer, counter = await person(client), await person(client)
    await join(connection, owner.organization, viewer, "viewer")
    await join(connection, owner.organization, counter, "box_office")
    buyer = bearer((await register(client))["accessToken"])
    booking = await booked(client, buyer, house.order("Lawn"))
    before = await told(client, owner)
    path = f"/bookings/{booking['id']}"
    assert (await ask(client, viewer, "GET", path)).status_code == 200
    for method, way in (("POST", "/confirm"), ("POST", "/cancel"), ("DELETE", "")):
        answer = await ask(client, viewer, method, path + way)
        assert (answer.status_code, code_of(answer)) == (403, "forbidden"), (method, way)
    assert (await ask(client, viewer, "GET", path)).json()["status"] == "reserved"
    assert await told(client, owner) == before
    assert (await ask(client, counter, "POST", f"{path}/confirm")).status_code == 200


async def test_what_is_put_on_is_on_record(client: httpx.AsyncClient) -> None:
    house = await open_house(client, [_FREE])
    owner = await owner_of(client, house)
    before = len(await told(client, owner))
    hall = await made_hall(client, owner.headers, {"template": "grid", "rows": 2, "seatsPerRow": 3})
    # Names that sound like secrets are the organizer's own, and no reason to stumble.
    categories = [{"name": "Secret password", "price": {"amount": 100}, "capacity": 3}]
    event = await made_event(client, owner.headers, categories=categories, publish=False)
    for _ in range(2):
        answer = await ask(client, owner, "POST", f"/events/{event['id']}/publish")
        assert answer.status_code == 200, answer.text
    new = {"startsAt": in_days(40)}
    answer = await ask(client, owner, "POST", f"/events/{event['id']}/showtimes", new)
    assert answer.status_code == 201, answer.text
    starts_at = datetime.fromisoformat(answer.json()["startsAt"])
    found = (await told(client, owner))[before:]
    assert [action for action, _, _ in found] == [
        "venue.created",
        "hall.created",
        "seat_map.created",
        "event.created",
        "event.published",
        "event.showtimes_added",
    ]
    after = {action: values for action, _, values in found}
    assert after["hall.created"] == {"venueId": hall["venueId"], "name": "Hall 1"}
    assert after["seat_map.created"] == {"hallId": hall["id"], "version": 1, "seats": 6}
    assert after["event.created"] == {
        "title": event["title"],
        "status": "draft",
        "categories": [{"name": "Secret password", "price": 100}],
    }
    # A thousand can be made at once: their number, and from when to when they are.
    added = after["event.showtimes_added"]
    times = [datetime.fromisoformat(added[name]) for name in ("firstStartsAt", "lastStartsAt")]
    assert (added["count"], times, added["halls"]) == (1, [starts_at, starts_at], [])


async def test_acts_of_administrators_are_shown_to_the_organization(
    client: httpx.AsyncClient, connection: RawConnection
) -> None:
    house = await open_house(client, [_PAID])
    owner = await owner_of(client, house)
    root = await administrator(client, connection)
    buyer = bearer((await register(client))["accessToken"])
    booking = await booked(client, buyer, house.order("Standing"))
    answer = await ask(client, root, "POST", f"/bookings/{booking['id']}/confirm")
    assert answer.status_code == 200, answer.text
    entry = (await audit_entries(client, owner, owner.organization))[0]
    assert (entry["action"], entry["actor"]["id"]) == ("booking.confirmed", root.id)
    row = await connection.fetchrow(
        "SELECT address, organization_id FROM audit_log WHERE object_id = $1", booking["id"]
    )
    assert row is not None
    assert row["address"] and row["organization_id"] == UUID(owner.organization)
