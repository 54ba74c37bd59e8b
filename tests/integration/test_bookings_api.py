"""Bookings through HTTP: the ways they can go, and everything they refuse."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest
import pytest_asyncio

from fullhouse.bookings.audit import audit
from fullhouse.kit.db import Database
from fullhouse.kit.ids import new_id
from fullhouse.parts import Parts
from tests.support.house import API, House, open_house
from tests.support.people import signed_in

BOOKINGS = f"{API}/bookings"
GRID = {"template": "grid", "rows": 3, "seatsPerRow": 4}
MIXED: list[dict[str, Any]] = [
    {"name": "Stalls", "price": {"amount": 7_000}, "sections": ["Main"]},
    {"name": "Standing", "price": {"amount": 2_500}, "capacity": 10},
]
Headers = dict[str, str]


@pytest_asyncio.fixture
async def house(client: httpx.AsyncClient) -> House:
    """Twelve seats and ten standing places."""
    return await open_house(client, MIXED, seat_map=GRID)


@pytest_asyncio.fixture
async def free_house(client: httpx.AsyncClient) -> House:
    return await open_house(client, [{"name": "Entry", "price": {"amount": 0}, "capacity": 4}])


@pytest_asyncio.fixture
async def buyer(client: httpx.AsyncClient) -> Headers:
    return await signed_in(client)


async def book(
    client: httpx.AsyncClient, body: object, headers: Headers, status: int = 201
) -> dict[str, Any]:
    answer = await client.post(BOOKINGS, json=body, headers=headers)
    assert answer.status_code == status, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def age_holds(database: Database, house: House) -> None:
    """Let every hold of the house have run out a second ago. Nobody sweeps meanwhile."""
    connection = await database.connect_raw()
    await connection.execute(
        "UPDATE bookings SET expires_at = clock_timestamp() - interval '1 second'"
        " WHERE showtime_id = $1::text::uuid AND status = 'reserved'",
        house.showtime_id,
    )
    await connection.close()


@pytest_asyncio.fixture
async def nobody_sweeps(client: httpx.AsyncClient, parts: Parts) -> None:
    await parts.housekeeper.stop()


async def test_reserve_answers_with_the_frozen_booking(
    client: httpx.AsyncClient, house: House, buyer: Headers
) -> None:
    body = {**house.order("Standing", 2), "seats": ["a1", "B-02"]}
    booking = await book(client, body, buyer)
    assert booking["status"] == "reserved"
    assert booking["total"] == {"amount": 2 * 7_000 + 2 * 2_500, "currency": "USD"}
    assert booking["event"] == {"id": house.event_id, "title": "A Play"}
    by_name = {item["name"]: item for item in booking["items"]}
    assert by_name["Stalls"]["seats"] == ["A-1", "B-2"]
    assert by_name["Standing"]["quantity"] == 2 and "seats" not in by_name["Standing"]
    left = datetime.fromisoformat(booking["expiresAt"]) - datetime.now(UTC)
    assert timedelta(minutes=9, seconds=50) < left <= timedelta(minutes=10)
    read = (await client.get(f"{BOOKINGS}/{booking['id']}", headers=buyer)).json()
    # What has a name that may change meanwhile is told when it is asked for.
    assert read["showtime"].pop("venue")["name"] == "The House"
    assert read["showtime"].pop("hall")["name"] == "Hall"
    assert read == booking


@pytest.mark.parametrize("name", ["A-1", "a1", "A01", " a - 01 ", "Main/A-1"])
async def test_reserve_every_name_of_a_seat_is_the_same_seat(
    client: httpx.AsyncClient, house: House, buyer: Headers, name: str
) -> None:
    await book(client, house.seats("A-1"), buyer)
    refused = await book(client, house.seats(name), buyer, 409)
    assert (refused["code"], refused["seats"]) == ("seats_taken", ["A-1"])


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        ({"items": []}, 422, "validation_failed"),
        ({"items": None}, 422, "validation_failed"),
        ({"price": 1}, 422, "validation_failed"),
        ({"status": "confirmed"}, 422, "validation_failed"),
        ({"showtimeId": "nonsense"}, 422, "validation_failed"),
        ({"showtimeId": str(new_id())}, 404, "not_found"),
        ({"items": [{"categoryId": str(new_id()), "quantity": 1}]}, 422, "unknown_category"),
        ({"items": [], "seats": ["Z-99"]}, 422, "unknown_seat"),
        ({"items": [], "seats": [""]}, 422, "validation_failed"),
        ({"items": [], "seats": ["A-1", "A01"]}, 422, "duplicate_seat"),
        ({"items": [], "seats": [f"A-{n}" for n in range(2_000)]}, 422, "validation_failed"),
        ({"items": [], "seats": ["A-1\u0000"]}, 422, "validation_failed"),
        ({"joinWaitlist": "yes"}, 422, "validation_failed"),
    ],
)
async def test_reserve_bad_body(
    client: httpx.AsyncClient,
    house: House,
    buyer: Headers,
    change: dict[str, Any],
    status: int,
    code: str,
) -> None:
    refused = await book(client, {**house.order("Standing"), **change}, buyer, status)
    assert refused["code"] == code
    assert refused["requestId"]


@pytest.mark.parametrize("quantity", [0, -1, 1_001, 10**30, 1.5, "1", None, True])
async def test_reserve_bad_quantity(
    client: httpx.AsyncClient, house: House, buyer: Headers, quantity: object
) -> None:
    body = house.order("Standing")
    body["items"][0]["quantity"] = quantity
    refused = await book(client, body, buyer, 422)
    assert refused["errors"][0]["pointer"] == "/items/0/quantity"


async def test_reserve_more_than_a_booking_may_have(
    client: httpx.AsyncClient, house: House, buyer: Headers
) -> None:
    refused = await book(client, house.order("Standing", 11), buyer, 409)
    assert (refused["code"], refused["limit"]) == ("limit_exceeded", 10)


async def test_reserve_more_than_a_buyer_may_have(
    client: httpx.AsyncClient, buyer: Headers
) -> None:
    house = await open_house(
        client,
        [{"name": "Entry", "price": {"amount": 0}, "capacity": 40}],
        policy={"maxPerUser": 3},
    )
    await book(client, house.order("Entry", 2), buyer)
    refused = await book(client, house.order("Entry", 2), buyer, 409)
    assert (refused["code"], refused["limit"]) == ("limit_exceeded", 3)
    await book(client, house.order("Entry", 1), buyer)


async def test_reserve_seated_category_by_number(
    client: httpx.AsyncClient, house: House, buyer: Headers
) -> None:
    refused = await book(client, house.order("Stalls"), buyer, 422)
    assert refused["code"] == "seats_required"


async def test_reserve_seats_where_there_are_none(
    client: httpx.AsyncClient, free_house: House, buyer: Headers
) -> None:
    refused = await book(client, free_house.seats("A-1"), buyer, 422)
    assert refused["code"] == "no_seat_map"


async def test_reserve_all_or_nothing(
    client: httpx.AsyncClient, house: House, buyer: Headers
) -> None:
    await book(client, house.seats("A-2"), buyer)
    refused = await book(client, house.seats("A-1", "A-2", "A-3"), buyer, 409)
    assert refused["seats"] == ["A-2"]
    await book(client, house.seats("A-1", "A-3"), buyer)


async def test_reserve_past_showtime(
    client: httpx.AsyncClient, database: Database, free_house: House, buyer: Headers
) -> None:
    connection = await database.connect_raw()
    await connection.execute(
        "UPDATE showtimes SET starts_at = now() - interval '1 h', ends_at = now()"
        " WHERE id = $1::text::uuid",
        free_house.showtime_id,
    )
    await connection.close()
    refused = await book(client, free_house.order("Entry"), buyer, 409)
    assert refused["code"] == "sales_closed"


async def test_reserve_draft_is_not_found(client: httpx.AsyncClient, buyer: Headers) -> None:
    house = await open_house(
        client,
        [{"name": "Entry", "price": {"amount": 0}, "capacity": 4}],
    )
    draft = await client.post(
        f"{API}/events",
        json={
            "title": "Secret",
            "description": "",
            "currency": "USD",
            "location": "Here",
            "startsAt": (datetime.now(UTC) + timedelta(days=1)).isoformat(),
            "categories": [{"name": "Entry", "price": {"amount": 0}, "capacity": 4}],
        },
        headers=house.organizer,
    )
    showtimes = await client.get(
        f"{API}/showtimes", params={"eventId": draft.json()["id"]}, headers=house.organizer
    )
    body = {
        "showtimeId": showtimes.json()["items"][0]["id"],
        "items": [{"categoryId": draft.json()["categories"][0]["id"], "quantity": 1}],
    }
    await book(client, body, buyer, 404)
    published = await client.post(
        f"{API}/events/{draft.json()['id']}/publish", headers=house.organizer
    )
    assert published.is_success, published.text
    await book(client, body, buyer)


@pytest.mark.parametrize(
    ("content", "media_type", "status", "code"),
    [
        (b"{not json", "application/json", 400, "malformed_request"),
        (b"", "application/json", 400, "malformed_request"),
        (b"\xff\xfe", "application/json", 400, "malformed_request"),
        (b"[]", "application/json", 422, "validation_failed"),
        (b"{}", "text/plain", 415, "unsupported_media_type"),
        (b"x" * 1_000_001, "application/json", 413, "body_too_large"),
    ],
)
async def test_reserve_unreadable_body(
    client: httpx.AsyncClient,
    buyer: Headers,
    content: bytes,
    media_type: str,
    status: int,
    code: str,
) -> None:
    headers = buyer | {"Content-Type": media_type}
    answer = await client.post(BOOKINGS, content=content, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert answer.headers["Content-Type"] == "application/problem+json"


async def test_reserve_without_a_token(client: httpx.AsyncClient, house: House) -> None:
    answer = await client.post(BOOKINGS, json=house.order("Standing"))
    assert (answer.status_code, answer.json()["code"]) == (401, "unauthenticated")
    assert answer.headers["WWW-Authenticate"] == "Bearer"


async def test_key_repeats_the_first_answer(
    client: httpx.AsyncClient, free_house: House, buyer: Headers
) -> None:
    headers = buyer | {"Idempotency-Key": '"b6f1"'}
    body = free_house.order("Entry", 2)
    first = await client.post(BOOKINGS, json=body, headers=headers)
    confirmed = await client.post(f"{BOOKINGS}/{first.json()['id']}/confirm", headers=buyer)
    assert confirmed.json()["status"] == "confirmed"
    # Bare or quoted it is the same key; what happened since does not change the answer.
    again = await client.post(BOOKINGS, json=body, headers=buyer | {"Idempotency-Key": "b6f1"})
    assert (again.status_code, again.content) == (201, first.content)
    assert again.headers["Idempotent-Replayed"] == "true"
    assert "Idempotent-Replayed" not in first.headers


@pytest.mark.parametrize("own_desk", [False, True], ids=["same-process", "other-process"])
async def test_key_repeats_the_first_answer_of_what_was_taken_back(
    client: httpx.AsyncClient, parts: Parts, buyer: Headers, own_desk: bool
) -> None:
    house = await open_house(client, [{"name": "Entry", "price": {"amount": 0}, "capacity": 9}])
    keyed = buyer | {"Idempotency-Key": "b6f2"}
    first = await client.post(BOOKINGS, json=house.order("Entry"), headers=keyed)
    await client.post(f"{BOOKINGS}/{first.json()['id']}/cancel", headers=buyer)
    taken = await client.post(f"{API}/events/{house.event_id}/unpublish", headers=house.organizer)
    assert taken.status_code == 200, taken.text
    if own_desk:
        # As whoever saw the event go would have it.
        await parts.desk.terms.renew(UUID(house.showtime_id))
    again = await client.post(BOOKINGS, json=house.order("Entry"), headers=keyed)
    assert (again.status_code, again.json()["id"]) == (201, first.json()["id"])
    assert again.headers["Idempotent-Replayed"] == "true"
    for headers in (buyer, buyer | {"Idempotency-Key": "b6f3"}):
        other = await client.post(BOOKINGS, json=house.order("Entry"), headers=headers)
        assert (other.status_code, other.json()["code"]) == (404, "not_found")


async def test_key_with_another_body(
    client: httpx.AsyncClient, free_house: House, buyer: Headers
) -> None:
    headers = buyer | {"Idempotency-Key": "k-1"}
    await book(client, free_house.order("Entry", 1), headers)
    refused = await book(client, free_house.order("Entry", 2), headers, 422)
    assert refused["code"] == "idempotency_key_reused"


async def test_key_is_the_buyers_own(
    client: httpx.AsyncClient, free_house: House, buyer: Headers
) -> None:
    key = {"Idempotency-Key": "k-2"}
    mine = await book(client, free_house.order("Entry"), buyer | key)
    theirs = await book(client, free_house.order("Entry"), await signed_in(client) | key)
    assert mine["id"] != theirs["id"]


@pytest.mark.parametrize("key", ["", " ", '""', "a b", "ü", "x" * 256])
async def test_key_bad(
    client: httpx.AsyncClient, free_house: House, buyer: Headers, key: str
) -> None:
    answer = await client.post(
        BOOKINGS,
        json=free_house.order("Entry"),
        headers={**{k.encode(): v.encode() for k, v in buyer.items()},
                 b"Idempotency-Key": key.encode()},
    )  # fmt: skip
    assert (answer.status_code, answer.json()["code"]) == (400, "idempotency_key_invalid")


async def test_confirm_free_and_paid(
    client: httpx.AsyncClient, house: House, free_house: House, buyer: Headers
) -> None:
    free = await book(client, free_house.order("Entry"), buyer)
    answer = await client.post(f"{BOOKINGS}/{free['id']}/confirm", headers=buyer)
    assert (answer.status_code, answer.json()["status"]) == (200, "confirmed")
    assert "expiresAt" not in answer.json()
    again = await client.post(f"{BOOKINGS}/{free['id']}/confirm", headers=buyer)
    assert again.status_code == 200 and again.headers["Idempotent-Replayed"] == "true"

    owed = await book(client, house.order("Standing"), buyer)
    answer = await client.post(f"{BOOKINGS}/{owed['id']}/confirm", headers=buyer)
    assert (answer.status_code, answer.json()["code"]) == (409, "payment_required")
    # The organizer takes the money at the counter.
    answer = await client.post(f"{BOOKINGS}/{owed['id']}/confirm", headers=house.organizer)
    assert (answer.status_code, answer.json()["status"]) == (200, "confirmed")


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", ""), ("POST", "/confirm"), ("POST", "/cancel"), ("DELETE", "")],
)
async def test_booking_of_another_is_not_found(
    client: httpx.AsyncClient, house: House, buyer: Headers, method: str, path: str
) -> None:
    booking = await book(client, house.order("Standing"), buyer)
    others = (await signed_in(client), await signed_in(client, role="ORGANIZER"))
    for other in others:
        answer = await client.request(method, f"{BOOKINGS}/{booking['id']}{path}", headers=other)
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    for bad in (str(new_id()), "nonsense", "0"):
        answer = await client.request(method, f"{BOOKINGS}/{bad}{path}", headers=buyer)
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


async def test_cancel_gives_the_places_back(
    client: httpx.AsyncClient, house: House, buyer: Headers
) -> None:
    booking = await book(client, house.seats("C-1", "C-2"), buyer)
    for repeated in (None, "true"):
        answer = await client.post(f"{BOOKINGS}/{booking['id']}/cancel", headers=buyer)
        assert (answer.status_code, answer.json()["status"]) == (200, "cancelled")
        assert answer.headers.get("Idempotent-Replayed") == repeated
    await book(client, house.seats("C-1", "C-2"), await signed_in(client))
    answer = await client.post(f"{BOOKINGS}/{booking['id']}/confirm", headers=buyer)
    assert (answer.status_code, answer.json()["code"]) == (409, "transition_refused")


async def test_cancel_confirmed_too_late_for_the_buyer(
    client: httpx.AsyncClient, buyer: Headers
) -> None:
    house = await open_house(
        client,
        [{"name": "Entry", "price": {"amount": 0}, "capacity": 4}],
        starts_at=datetime.now(UTC) + timedelta(hours=23),
    )
    booking = await book(client, house.order("Entry"), buyer)
    path = f"{BOOKINGS}/{booking['id']}"
    await client.post(f"{path}/confirm", headers=buyer)
    answer = await client.delete(path, headers=buyer)
    assert (answer.status_code, answer.json()["code"]) == (409, "cancellation_closed")
    answer = await client.delete(path, headers=house.organizer)
    assert (answer.status_code, answer.json()["status"]) == (200, "cancelled")


@pytest.mark.usefixtures("nobody_sweeps")
async def test_hold_that_ran_out_is_free_for_the_next(
    client: httpx.AsyncClient, database: Database, buyer: Headers, parts: Parts
) -> None:
    house = await open_house(client, MIXED, seat_map=GRID)
    late = await book(client, house.seats("A-1"), buyer)
    await age_holds(database, house)
    seat = await book(client, house.seats("A-1"), await signed_in(client))
    assert seat["status"] == "reserved"
    answer = await client.post(f"{BOOKINGS}/{late['id']}/confirm", headers=house.organizer)
    assert (answer.status_code, answer.json()["code"]) == (409, "booking_expired")
    read = await client.get(f"{BOOKINGS}/{late['id']}", headers=buyer)
    assert read.json()["status"] == "expired"
    await parts.housekeeper.start()


async def test_sweeper_ends_holds_by_itself(
    client: httpx.AsyncClient, database: Database, buyer: Headers
) -> None:
    house = await open_house(client, MIXED, seat_map=GRID)
    booking = await book(client, house.seats("B-1"), buyer)
    await age_holds(database, house)
    for _ in range(100):
        read = await client.get(f"{BOOKINGS}/{booking['id']}", headers=buyer)
        if read.json()["status"] == "expired":
            break
        await asyncio.sleep(0.05)
    assert read.json()["status"] == "expired"


async def test_line_is_served_in_order(
    client: httpx.AsyncClient, free_house: House, buyer: Headers
) -> None:
    first = await book(client, free_house.order("Entry", 4), buyer)
    refused = await book(client, free_house.order("Entry"), buyer, 409)
    assert (refused["code"], refused["available"]) == ("sold_out", 0)
    big, small, newcomer = [await signed_in(client) for _ in range(3)]
    two = await book(client, free_house.order("Entry", 4, joinWaitlist=True), big, 202)
    one = await book(client, free_house.order("Entry", 1, joinWaitlist=True), small, 202)
    assert (two["status"], two["waitlistPosition"], one["waitlistPosition"]) == ("waitlisted", 1, 2)
    lines = (await client.get(f"{API}/waitlist", headers=small)).json()["items"]
    assert [(line["id"], line["position"], line["quantity"]) for line in lines] == [
        (one["id"], 2, 1)
    ]

    await client.patch(
        f"{API}/showtimes/{free_house.showtime_id}/allotments/{free_house.categories['Entry']}",
        json={"capacity": 6},
        headers=free_house.organizer,
    )
    # Two places are not enough for the first in line, but for the second; one is left over.
    assert (await client.get(f"{BOOKINGS}/{one['id']}", headers=small)).json()[
        "status"
    ] == "reserved"
    # Nobody who is not in the line gets past those who are.
    refused = await book(client, free_house.order("Entry"), newcomer, 409)
    assert (refused["code"], refused["available"]) == ("sold_out", 0)
    await client.delete(f"{BOOKINGS}/{first['id']}", headers=buyer)
    offered = (await client.get(f"{BOOKINGS}/{two['id']}", headers=big)).json()
    assert (offered["status"], "expiresAt" in offered) == ("reserved", True)
    assert (await client.post(f"{BOOKINGS}/{two['id']}/confirm", headers=big)).is_success


async def test_line_for_seats_offers_neighbours(
    client: httpx.AsyncClient, house: House, buyer: Headers
) -> None:
    held = [
        await book(client, house.seats(*[f"{row}-{number}" for number in range(1, 5)]), buyer)
        for row in "ABC"
    ]
    waiting = await signed_in(client)
    joined = await book(client, house.seats("A-1", "A-3", joinWaitlist=True), waiting, 202)
    assert "seats" not in joined["items"][0]
    await client.delete(f"{BOOKINGS}/{held[1]['id']}", headers=buyer)
    offered = (await client.get(f"{BOOKINGS}/{joined['id']}", headers=waiting)).json()
    assert offered["status"] == "reserved"
    assert offered["items"][0]["seats"] == ["B-1", "B-2"]


async def test_line_leave(client: httpx.AsyncClient, free_house: House, buyer: Headers) -> None:
    await book(client, free_house.order("Entry", 4), buyer)
    waiting = await signed_in(client)
    entry = await book(client, free_house.order("Entry", 1, joinWaitlist=True), waiting, 202)
    path = f"{API}/waitlist/{entry['id']}"
    assert (await client.delete(path, headers=buyer)).status_code == 404
    left = await client.delete(path, headers=waiting)
    assert (left.status_code, left.json()["status"]) == (200, "left")
    assert (await client.get(f"{API}/waitlist", headers=waiting)).json()["items"] == []


async def test_line_for_any_seat_that_is_free_is_served_at_once(
    client: httpx.AsyncClient, house: House, buyer: Headers
) -> None:
    booking = await book(client, house.order("Stalls", 2, joinWaitlist=True), buyer)
    assert (booking["status"], booking["items"][0]["seats"]) == ("reserved", ["A-1", "A-2"])


async def test_line_one_category_at_a_time(
    client: httpx.AsyncClient, house: House, buyer: Headers
) -> None:
    await book(client, house.seats("A-1"), buyer)
    body = {**house.order("Standing"), "seats": ["A-1"], "joinWaitlist": True}
    refused = await book(client, body, buyer, 422)
    assert refused["code"] == "waitlist_one_category"


async def test_line_switched_off(client: httpx.AsyncClient, buyer: Headers) -> None:
    house = await open_house(
        client,
        [{"name": "Entry", "price": {"amount": 0}, "capacity": 1}],
        policy={"waitlist": "off"},
    )
    await book(client, house.order("Entry"), buyer)
    refused = await book(client, house.order("Entry", joinWaitlist=True), buyer, 409)
    assert refused["code"] == "sold_out"


async def test_block_and_unblock_seats(
    client: httpx.AsyncClient, house: House, buyer: Headers
) -> None:
    path = f"{API}/showtimes/{house.showtime_id}/seats"
    organizer = house.organizer
    await book(client, house.seats("A-1"), buyer)
    refused = await client.post(f"{path}/block", json={"seats": ["A-1", "A-2"]}, headers=organizer)
    assert (refused.status_code, refused.json()["seats"]) == (409, ["A-1"])
    blocked = await client.post(f"{path}/block", json={"seats": ["a2", "a3"]}, headers=organizer)
    assert blocked.status_code == 204
    await book(client, house.seats("A-2"), buyer, 409)
    seats = (await client.get(path)).json()["seats"]
    assert [seat["status"] for seat in seats[:4]] == ["held", "blocked", "blocked", "available"]
    unblocked = await client.post(f"{path}/unblock", json={"seats": ["A-2"]}, headers=organizer)
    assert unblocked.status_code == 204
    await book(client, house.seats("A-2"), buyer)
    for headers, status in ((buyer, 403), ({}, 401)):
        answer = await client.post(f"{path}/block", json={"seats": ["B-1"]}, headers=headers)
        assert answer.status_code == status


async def test_resize_never_below_what_is_taken(
    client: httpx.AsyncClient, house: House, buyer: Headers
) -> None:
    await book(client, house.order("Standing", 3), buyer)
    path = f"{API}/showtimes/{house.showtime_id}/allotments/{house.categories['Standing']}"
    organizer = house.organizer
    answer = await client.patch(path, json={"capacity": 8, "blocked": 5}, headers=organizer)
    assert answer.json() == {
        "categoryId": house.categories["Standing"],
        "capacity": 8,
        "available": 0,
        "held": 3,
        "sold": 0,
        "blocked": 5,
        "waiting": 0,
        "price": {"amount": 2_500, "currency": "USD"},
    }
    refused = await client.patch(path, json={"capacity": 7}, headers=organizer)
    assert (refused.status_code, refused.json()["code"]) == (409, "below_committed")
    assert refused.json()["limit"] == 8
    for bad in ({"capacity": -1}, {"sold": 0}, {"capacity": 10**9}):
        assert (await client.patch(path, json=bad, headers=organizer)).status_code == 422
    assert (await client.patch(path, json={"blocked": 0}, headers=buyer)).status_code == 403
    seats = f"{API}/showtimes/{house.showtime_id}/allotments/{house.categories['Stalls']}"
    refused = await client.patch(seats, json={"capacity": 3}, headers=organizer)
    assert (refused.status_code, refused.json()["code"]) == (422, "seated_category")


async def test_availability_has_a_version_and_packed_seats(
    client: httpx.AsyncClient, house: House, buyer: Headers
) -> None:
    path = f"{API}/showtimes/{house.showtime_id}/availability"
    before = await client.get(path)
    assert before.json()["seats"] == "AAAA"
    unchanged = await client.get(path, headers={"If-None-Match": before.headers["ETag"]})
    assert (unchanged.status_code, unchanged.content) == (304, b"")
    await book(client, house.seats("A-2", "B-1"), buyer)
    after = await client.get(path, headers={"If-None-Match": before.headers["ETag"]})
    assert after.status_code == 200
    assert after.json()["version"] > before.json()["version"]
    # Seat 1 and seat 4 held: 01 at bits 2-3 of the first byte and at bits 0-1 of the second.
    assert after.json()["seats"] == "BAEA"
    categories = {one["categoryId"]: one for one in after.json()["categories"]}
    stalls = categories[house.categories["Stalls"]]
    assert (stalls["available"], stalls["capacity"]) == (10, 12)


async def test_bookings_list_pages(
    client: httpx.AsyncClient, free_house: House, house: House, buyer: Headers
) -> None:
    made = [(await book(client, house.order("Standing"), buyer))["id"] for _ in range(3)]
    free = (await book(client, free_house.order("Entry"), buyer))["id"]
    await client.post(f"{BOOKINGS}/{free}/confirm", headers=buyer)
    newest_first = [free, *reversed(made)]
    page = (await client.get(BOOKINGS, params={"limit": 3}, headers=buyer)).json()
    rest = (
        await client.get(BOOKINGS, params={"limit": 3, "cursor": page["nextCursor"]}, headers=buyer)
    ).json()
    assert [one["id"] for one in (*page["items"], *rest["items"])] == newest_first
    assert rest["nextCursor"] is None
    second = (await client.get(BOOKINGS, params={"limit": 2, "page": 2}, headers=buyer)).json()
    assert ([one["id"] for one in second["items"]], second["total"]) == (newest_first[2:], 4)
    confirmed = (await client.get(BOOKINGS, params={"status": "confirmed"}, headers=buyer)).json()
    assert [one["id"] for one in confirmed["items"]] == [free]


@pytest.mark.parametrize(
    "query", ["limit=0", "limit=101", "limit=x", "cursor=%21", "status=lost", "page=0",
              "cursor=WzFd", "page=1&cursor=WzFd"]
)  # fmt: skip
async def test_bookings_list_bad_query(
    client: httpx.AsyncClient, buyer: Headers, query: str
) -> None:
    answer = await client.get(f"{BOOKINGS}?{query}", headers=buyer)
    assert (answer.status_code, answer.json()["code"]) == (422, "validation_failed")


async def test_facts_are_written_with_the_change(
    client: httpx.AsyncClient, database: Database, free_house: House, buyer: Headers
) -> None:
    booking = await book(client, free_house.order("Entry", 2), buyer)
    await client.post(f"{BOOKINGS}/{booking['id']}/confirm", headers=buyer)
    connection = await database.connect_raw()
    rows = await connection.fetch(
        "SELECT topic, payload ->> 'bookingId' AS id, payload ->> 'places' AS places FROM outbox"
        " WHERE stream_id = $1 ORDER BY occurred_at",
        UUID(free_house.showtime_id),
    )
    await connection.close()
    assert [tuple(row) for row in rows if row["topic"].startswith("booking.")] == [
        ("booking.reserved", booking["id"], "2"),
        ("booking.confirmed", booking["id"], "2"),
    ]


async def test_fees_and_tax_are_on_the_booking(client: httpx.AsyncClient, buyer: Headers) -> None:
    house = await open_house(
        client,
        [{"name": "Entry", "price": {"amount": 1_999}, "capacity": 9}],
        policy={"fee": {"amount": 150}, "tax": {"percent": 7.5}},
    )
    booking = await book(client, house.order("Entry", 3), buyer)
    sums = {name: booking[name]["amount"] for name in ("subtotal", "fees", "tax", "total")}
    # 5997 + 450 = 6447; 7.5 % of it are 483.525, half up 484.
    assert sums == {"subtotal": 5_997, "fees": 450, "tax": 484, "total": 6_931}


async def test_everything_adds_up_afterwards(client: httpx.AsyncClient, database: Database) -> None:
    report = await audit(database)
    assert report.showtimes > 10
    assert report.is_clean, report.examples
