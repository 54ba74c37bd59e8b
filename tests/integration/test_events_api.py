"""Changing, deleting and unpublishing events through HTTP, refusals first."""

import asyncio
import json
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from fullhouse.bookings.audit import audit
from fullhouse.kit.db import Database, RawConnection
from tests.support.catalog import API, in_days, made_event, made_hall, made_hall_in
from tests.support.house import House, open_house
from tests.support.people import signed_in

EVENTS = f"{API}/events"
GENERAL = [{"name": "General", "price": {"amount": 5_000}, "capacity": 20}]
SEATS = [{"name": "Seats", "price": {"amount": 5_000}, "sections": ["Main"]}]
NOBODY = "01900000-0000-7000-8000-000000000000"


async def organizer(client: httpx.AsyncClient) -> dict[str, str]:
    return await signed_in(client, role="ORGANIZER")


async def change(
    client: httpx.AsyncClient, event_id: str, headers: dict[str, str], **fields: Any
) -> httpx.Response:
    return await client.patch(f"{EVENTS}/{event_id}", json=fields, headers=headers)


def refusal(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


def pointers(answer: httpx.Response) -> list[str]:
    assert refusal(answer) == (422, "validation_failed"), answer.text
    return [error["pointer"] for error in answer.json()["errors"]]


async def log_of(connection: RawConnection, object_id: str) -> list[tuple[str, Any, Any]]:
    rows = await connection.fetch(
        "SELECT action, before::text, after::text FROM audit_log WHERE object_id = $1 ORDER BY id",
        object_id,
    )
    return [
        (action, *(None if value is None else json.loads(value) for value in values))
        for action, *values in rows
    ]


async def book(
    client: httpx.AsyncClient, house: House, **order: Any
) -> tuple[httpx.Response, dict[str, str]]:
    buyer = await signed_in(client)
    answer = await client.post(
        f"{API}/bookings", json=house.order("General", **order), headers=buyer
    )
    return answer, buyer


@pytest.mark.parametrize(
    ("fields", "pointer"),
    [
        ({"title": ""}, "/title"),
        ({"title": None}, "/title"),
        ({"title": "evil\u202egnp.exe"}, "/title"),
        ({"slug": "Rock Concert"}, "/slug"),
        ({"slug": "facets"}, "/slug"),
        ({"slug": "0199a7b0-0000-7000-8000-000000000001"}, "/slug"),
        ({"slug": None}, "/slug"),
        ({"currency": "DEM"}, "/currency"),
        ({"currency": None}, "/currency"),
        ({"status": "published"}, "/status"),
        ({"organizationId": NOBODY}, "/organizationId"),
        ({"showId": NOBODY}, "/showId"),
        ({"id": NOBODY}, "/id"),
        ({"publishedAt": "2030-01-01T00:00:00Z"}, "/publishedAt"),
        ({"categories": []}, "/categories"),
        ({"location": None}, "/location"),
        ({"location": "Here", "venueId": NOBODY}, "/location"),
        ({"venueId": NOBODY}, "/venueId"),
        ({"hallId": NOBODY}, "/hallId"),
        ({"timezone": "Mars/Olympus"}, "/timezone"),
        ({"salesOpenAt": "2030-01-02T00:00:00Z", "salesCloseAt": "2030-01-01T00:00:00Z"},
         "/salesCloseAt"),
        ({"salesOpenAt": "2030-01-01T00:00:00"}, "/salesOpenAt"),
        ({"policy": None}, "/policy"),
        ({"policy": {"holdSeconds": 59}}, "/policy/holdSeconds"),
        ({"policy": {"holdSeconds": None}}, "/policy/holdSeconds"),
        ({"policy": {"refunds": True}}, "/policy/refunds"),
        ({"policy": {"fee": {"percent": 7, "amount": 1}}}, "/policy/fee"),
        ({"policy": {"fee": None}}, "/policy/fee"),
        ({"images": [NOBODY]}, "/images/0"),
        ({"images": None}, "/images"),
    ],
)  # fmt: skip
async def test_changes_that_make_no_sense(
    client: httpx.AsyncClient, fields: dict[str, Any], pointer: str
) -> None:
    headers = await organizer(client)
    event = await made_event(client, headers)
    answer = await change(client, event["id"], headers, **fields)
    assert pointers(answer) == [pointer], answer.text
    assert (await client.get(f"{EVENTS}/{event['id']}")).json() == event


async def test_events_that_are_not_there(client: httpx.AsyncClient) -> None:
    headers = await organizer(client)
    address = f"{EVENTS}/{NOBODY}"
    assert (await client.patch(address, json={}, headers=headers)).status_code == 404
    assert (await client.delete(address, headers=headers)).status_code == 404
    assert (await client.post(f"{address}/unpublish", headers=headers)).status_code == 404


async def test_who_may_not_change_events(client: httpx.AsyncClient) -> None:
    headers, other = await organizer(client), await organizer(client)
    public = await made_event(client, headers)
    draft = await made_event(client, headers, publish=False)
    buyer = await signed_in(client)
    for method, path, body in (
        ("PATCH", "", {"title": "Mine"}),
        ("DELETE", "", None),
        ("POST", "/unpublish", None),
    ):
        for event, theirs in ((public, (403, "forbidden")), (draft, (404, "not_found"))):
            address = f"{EVENTS}/{event['id']}{path}"
            answer = await client.request(method, address, json=body)
            assert refusal(answer) == (401, "unauthenticated")
            answer = await client.request(method, address, json=body, headers=other)
            assert refusal(answer) == theirs
            answer = await client.request(method, address, json=body, headers=buyer)
            assert refusal(answer) == (403, "forbidden")
    assert (await client.get(f"{EVENTS}/{public['id']}")).json() == public


@pytest.mark.parametrize("status", ["cancelled", "ended"])
async def test_what_is_over_is_not_changed(
    client: httpx.AsyncClient, connection: RawConnection, status: str
) -> None:
    headers = await organizer(client)
    event = await made_event(client, headers)
    await connection.execute(
        "UPDATE events SET status = $1 WHERE id = $2", status, UUID(event["id"])
    )
    assert refusal(await change(client, event["id"], headers, title="New")) == (
        409,
        "event_closed",
    )
    answer = await client.delete(f"{EVENTS}/{event['id']}", headers=headers)
    assert refusal(answer) == (409, "event_closed")
    answer = await client.post(f"{EVENTS}/{event['id']}/unpublish", headers=headers)
    assert refusal(answer) == (409, "event_closed")


async def test_anothers_places_cannot_be_used(client: httpx.AsyncClient) -> None:
    theirs = await made_hall(client, await organizer(client))
    headers = await organizer(client)
    event = await made_event(client, headers, startsAt=None, publish=False)
    for fields, pointer in (
        ({"hallId": theirs["id"]}, "/hallId"),
        ({"venueId": theirs["venueId"]}, "/venueId"),
    ):
        assert pointers(await change(client, event["id"], headers, **fields)) == [pointer]


async def test_a_slug_belongs_to_one_event(client: httpx.AsyncClient) -> None:
    headers = await organizer(client)
    first, second = [await made_event(client, headers) for _ in range(2)]
    answer = await change(client, second["id"], headers, slug=first["slug"], title="Other")
    assert refusal(answer) == (409, "slug_taken")
    assert (await client.get(f"{EVENTS}/{second['id']}")).json() == second
    fresh = f"my-gig-{uuid4().hex}"
    answer = await change(client, second["id"], headers, slug=fresh)
    assert answer.json()["slug"] == fresh
    assert (await client.get(f"{EVENTS}/{fresh}")).json()["id"] == second["id"]
    assert (await client.get(f"{EVENTS}/{second['slug']}")).status_code == 404


async def test_the_slug_of_a_deleted_event_is_free(client: httpx.AsyncClient) -> None:
    headers = await organizer(client)
    gone, event, title = await made_event(client, headers), await made_event(client, headers), "New"
    taken = await change(client, event["id"], headers, slug=gone["slug"])
    assert refusal(taken) == (409, "slug_taken")
    answer = await client.delete(f"{EVENTS}/{gone['id']}", headers=headers)
    assert answer.status_code == 204, answer.text
    answer = await change(client, event["id"], headers, slug=gone["slug"], title=title)
    assert (answer.status_code, answer.json().get("slug")) == (200, gone["slug"]), answer.text
    assert (await client.get(f"{EVENTS}/{gone['slug']}")).json()["title"] == title
    assert (await client.get(f"{EVENTS}/{gone['id']}")).status_code == 404


async def test_a_title_never_takes_the_address_of_something_else(
    client: httpx.AsyncClient,
) -> None:
    event = await made_event(client, await organizer(client), title="Facets")
    assert event["slug"].startswith("event-facets")
    assert (await client.get(f"{EVENTS}/{event['slug']}")).json()["id"] == event["id"]


async def heard(
    client: httpx.AsyncClient, event: dict[str, Any], age_rating: str | None
) -> dict[str, Any]:
    """The event for everybody, once its kept answer was dropped because a change was heard of."""
    for _ in range(1_000):
        shown: dict[str, Any] = (await client.get(f"{EVENTS}/{event['slug']}")).json()
        if shown["ageRating"] == age_rating:
            return shown
        await asyncio.sleep(0.01)
    raise AssertionError("nobody heard of it")


async def test_whoever_buys_sees_the_rules_on_the_events_own_page(
    client: httpx.AsyncClient,
) -> None:
    headers = await organizer(client)
    rules: dict[str, Any] = {
        "houseRules": "<p>No bags.</p>",
        "amenities": ["Bar"],
        "ageRating": "18+",
    }
    hall = await made_hall(client, headers, **rules)
    venue = f"{API}/venues/{hall['venueId']}"
    words = {
        "title": "Hamlet",
        "durationMinutes": 95,
        "genre": "Drama",
        "language": "Danish",
        "ageRating": None,
        "cast": [{"name": "Ada", "role": "Hamlet"}],
        "trailers": ["https://video.example/1"],
    }
    answer = await client.post(f"{API}/shows", json=words | {"kind": "play"}, headers=headers)
    assert answer.status_code == 201, answer.text
    show = answer.json()["id"]
    where = {"location": None, "hallId": hall["id"], "categories": SEATS}
    event = await made_event(client, headers, kind=None, showId=show, **where)
    there = {"id": hall["venueId"], "name": "Grand Cinema", "city": "Kathmandu", "country": "NP"}
    for who, key in (({}, "id"), ({}, "slug"), (headers, "id")):
        shown = (await client.get(f"{EVENTS}/{event[key]}", headers=who)).json()
        assert shown["show"] == {"id": show, **words}
        assert (shown["ageRating"], shown["showtimes"][0]["venue"]) == ("18+", there)
        assert shown["venue"] == {
            **there, "houseRules": "<p>No bags.</p>", "amenities": ["Bar"]
        }  # fmt: skip
    # Lists stay short.
    (listed,) = (await client.get(f"{EVENTS}?venueId={hall['venueId']}")).json()["items"]
    assert listed["venue"] == there
    assert {"show", "ageRating"} & listed.keys() == set()
    # What the show says goes before what the venue does, and no old answer is kept.
    for address, body, expected in (
        (venue, {"ageRating": "16"}, "16"),
        (f"{API}/shows/{show}", {"ageRating": "PG", "cast": []}, "PG"),
        (f"{API}/shows/{show}", {"ageRating": None}, "16"),
        (venue, {"ageRating": None, "houseRules": "", "amenities": []}, None),
    ):
        changed = await client.patch(address, json=body, headers=headers)
        assert changed.status_code == 200, changed.text
        shown = await heard(client, event, expected)
    assert shown["venue"] == {**there, "houseRules": "", "amenities": []}
    assert shown["show"] == {"id": show, **words, "cast": []}
    elsewhere = await made_event(client, headers, ageRating="12")
    assert (elsewhere["venue"], elsewhere["ageRating"]) == (None, "12")


async def test_what_is_given_changes_and_the_rest_stays(
    client: httpx.AsyncClient, connection: RawConnection
) -> None:
    headers = await organizer(client)
    event = await made_event(client, headers, salesOpenAt=in_days(1), policy={"maxPerUser": 4})
    given = {
        "title": "  A New Title ",
        "description": "<p onclick=x()>New</p>",
        "salesOpenAt": None,
        "salesCloseAt": "2031-01-01T00:00:00Z",
        "timezone": "Asia/Kathmandu",
        "policy": {"maxPerUser": None, "fee": {"percent": 2.5}, "cancellation": {"allowed": False}},
    }
    answer = await change(client, event["id"], headers, **given)
    assert answer.status_code == 200, answer.text
    policy = event["policy"] | {
        "maxPerUser": None,
        "fee": {"percent": 2.5, "amount": None, "included": False},
        "cancellation": {"allowed": False, "hoursBefore": 24},
    }
    expected = event | given | {
        "title": "A New Title",
        "description": "<p>New</p>",
        "policy": policy,
        "showtimes": [
            {**showtime, "title": "A New Title", "timezone": "Asia/Kathmandu"}
            for showtime in event["showtimes"]
        ],
    }  # fmt: skip
    assert answer.json() == expected
    assert (await client.get(f"{EVENTS}/{event['slug']}")).json() == expected
    listed = await client.get(EVENTS, params={"q": "New Title"})
    assert event["id"] in [item["id"] for item in listed.json()["items"]]
    (_, (action, before, after)) = await log_of(connection, event["id"])
    assert action == "event.changed"
    assert before.keys() == after.keys()
    assert (before["title"], after["title"]) == ("Rock Concert", "A New Title")
    assert after["descriptionLength"] == len("<p>New</p>")
    assert before["policy"]["maxPerUser"] == 4


async def test_a_change_of_nothing_leaves_no_trace(
    client: httpx.AsyncClient, connection: RawConnection
) -> None:
    headers = await organizer(client)
    event = await made_event(client, headers)
    showtime = UUID(event["showtimes"][0]["id"])
    query = "SELECT revision FROM inventories WHERE showtime_id = $1"
    before = await connection.fetchval(query, showtime)
    named = {"title": event["title"], "location": event["location"]}
    unchanged: list[dict[str, Any]] = [{}, named, {"policy": {}}]
    for same in unchanged:
        answer = await change(client, event["id"], headers, **same)
        assert answer.json() == event
    assert await connection.fetchval(query, showtime) == before
    assert [action for action, *_ in await log_of(connection, event["id"])] == ["event.created"]


async def test_new_terms_count_for_the_next_booking_only(client: httpx.AsyncClient) -> None:
    house = await open_house(client, GENERAL)
    first, buyer = await book(client, house)
    assert first.json()["total"]["amount"] == 5_000
    answer = await change(
        client, house.event_id, house.organizer, policy={"fee": {"amount": 150}, "maxPerBooking": 2}
    )
    assert answer.status_code == 200, answer.text
    second, _ = await book(client, house)
    assert second.json()["total"]["amount"] == 5_150
    third, _ = await book(client, house, quantity=3)
    assert refusal(third) == (409, "limit_exceeded")
    kept = await client.get(f"{API}/bookings/{first.json()['id']}", headers=buyer)
    assert kept.json()["total"]["amount"] == 5_000
    closed = await change(client, house.event_id, house.organizer, salesOpenAt=in_days(5))
    assert closed.status_code == 200
    late, _ = await book(client, house)
    assert refusal(late) == (409, "sales_closed")


async def test_the_place_is_another_only_without_showtimes(client: httpx.AsyncClient) -> None:
    headers = await organizer(client)
    hall = await made_hall(client, headers)
    event = await made_event(client, headers, policy={"holdSeconds": 120})
    answer = await change(client, event["id"], headers, venueId=hall["venueId"])
    assert refusal(answer) == (409, "event_has_showtimes")
    # The same kind of place in other words stands in nobody's way.
    answer = await change(client, event["id"], headers, location="Side Street")
    assert answer.json()["location"] == "Side Street"
    bare = await made_event(client, headers, startsAt=None, publish=False)
    moved = (await change(client, bare["id"], headers, hallId=hall["id"])).json()
    assert (moved["hall"]["id"], moved["venue"]["id"]) == (hall["id"], hall["venueId"])
    assert (moved["location"], moved["timezone"]) == (None, "Asia/Kathmandu")
    answer = await change(client, bare["id"], headers, venueId=None)
    assert pointers(answer) == ["/location"]
    back = (await change(client, bare["id"], headers, location="Here")).json()
    assert (back["hall"], back["venue"], back["timezone"]) == (None, None, "UTC")


async def test_another_hall_must_have_what_the_categories_sell(client: httpx.AsyncClient) -> None:
    headers = await organizer(client)
    hall = await made_hall(client, headers)
    event = await made_event(
        client, headers, location=None, hallId=hall["id"], categories=SEATS, publish=False
    )
    other_map = {"template": "grid", "rows": 2, "seatsPerRow": 3, "section": "Else"}
    lacking = await made_hall_in(client, headers, hall["venueId"], "Hall 2", other_map)
    for fields in ({"hallId": lacking["id"]}, {"hallId": None}):
        assert pointers(await change(client, event["id"], headers, **fields)) == ["/hallId"]
    small_map = {"template": "grid", "rows": 2, "seatsPerRow": 3}
    small = await made_hall_in(client, headers, hall["venueId"], "Hall 3", small_map)
    moved = (await change(client, event["id"], headers, hallId=small["id"])).json()
    assert moved["hall"]["id"] == small["id"]
    assert [category["capacity"] for category in moved["categories"]] == [6]
    # The showtime that exists stays in its hall.
    (showtime,) = moved["showtimes"]
    assert (showtime["hall"]["id"], showtime["categories"][0]["capacity"]) == (hall["id"], 100)
    new = await client.post(
        f"{EVENTS}/{event['id']}/showtimes", json={"startsAt": in_days(40)}, headers=headers
    )
    assert new.json()["categories"][0]["capacity"] == 6


async def test_the_currency_is_fixed_by_the_first_hold(client: httpx.AsyncClient) -> None:
    house = await open_house(client, GENERAL)
    answer = await change(client, house.event_id, house.organizer, currency="eur")
    assert answer.json()["currency"] == "EUR"
    booking, buyer = await book(client, house)
    assert booking.json()["total"] == {"amount": 5_000, "currency": "EUR"}
    gone = await client.post(f"{API}/bookings/{booking.json()['id']}/cancel", headers=buyer)
    assert gone.status_code == 200
    answer = await change(client, house.event_id, house.organizer, currency="USD")
    assert refusal(answer) == (409, "currency_fixed")


async def test_pictures_of_the_organization_only(
    client: httpx.AsyncClient, connection: RawConnection
) -> None:
    headers = await organizer(client)
    event = await made_event(client, headers)
    foreign = await made_event(client, await organizer(client))
    mine, theirs = [
        await _picture(connection, owner["organizationId"]) for owner in (event, foreign)
    ]
    answer = await change(client, event["id"], headers, images=[mine, theirs])
    assert pointers(answer) == ["/images/1"]
    assert pointers(await change(client, event["id"], headers, images=[mine, mine])) == ["/images"]
    answer = await change(client, event["id"], headers, images=[mine])
    assert [image["id"] for image in answer.json()["images"]] == [mine]
    answer = await change(client, event["id"], headers, images=[])
    assert answer.json()["images"] == []


async def _picture(connection: RawConnection, organization_id: str) -> str:
    """A picture that is ready, without its file."""
    variant = {"format": "webp", "width": 8, "height": 8, "bytes": 1, "key": "k"}
    picture: UUID = await connection.fetchval(
        "INSERT INTO media (id, organization_id, uploaded_by, status, content_type, bytes, sha256,"
        " width, height, variants) VALUES (gen_random_uuid(), $1, gen_random_uuid(), 'ready',"
        " 'image/png', 1, '', 8, 8, jsonb_build_array($2::jsonb)) RETURNING id",
        UUID(organization_id),
        httpx.Request("POST", "http://x", json=variant).content.decode(),
    )
    return str(picture)


@pytest.mark.parametrize("how", ["held", "sold", "waiting"])
async def test_what_somebody_has_a_place_of_is_not_deleted(
    client: httpx.AsyncClient, database: Database, how: str
) -> None:
    free = [{"name": "General", "price": {"amount": 0}, "capacity": 1}]
    house = await open_house(client, free)
    booking, buyer = await book(client, house)
    address = f"{API}/bookings/{booking.json()['id']}"
    waiting = None
    if how == "sold":
        assert (await client.post(f"{address}/confirm", headers=buyer)).status_code == 200
    if how == "waiting":
        waiting, _ = await book(client, house, joinWaitlist=True)
        assert waiting.json()["status"] == "waitlisted"
    for attempt in (
        client.delete(f"{EVENTS}/{house.event_id}", headers=house.organizer),
        client.post(f"{EVENTS}/{house.event_id}/unpublish", headers=house.organizer),
    ):
        assert refusal(await attempt) == (409, "event_has_bookings")
    shown = (await client.get(f"{EVENTS}/{house.event_id}")).json()
    assert shown["status"] == "published"
    assert (await client.get(address, headers=buyer)).json()["status"] in ("reserved", "confirmed")
    report = await audit(database)
    assert report.is_clean, report.examples


async def test_past_sales_keep_an_event(
    client: httpx.AsyncClient, connection: RawConnection
) -> None:
    free = [{"name": "General", "price": {"amount": 0}, "capacity": 1}]
    house = await open_house(client, free)
    booking, buyer = await book(client, house)
    await client.post(f"{API}/bookings/{booking.json()['id']}/confirm", headers=buyer)
    await connection.execute(
        "UPDATE showtimes SET starts_at = now() - interval '2 days',"
        " ends_at = now() - interval '1 day', busy_until = NULL WHERE id = $1",
        UUID(house.showtime_id),
    )
    answer = await client.delete(f"{EVENTS}/{house.event_id}", headers=house.organizer)
    assert refusal(answer) == (409, "event_has_bookings")


async def test_what_is_deleted_is_gone_and_its_hall_is_free(
    client: httpx.AsyncClient, connection: RawConnection
) -> None:
    headers = await organizer(client)
    hall = await made_hall(client, headers)
    fields = {
        "location": None,
        "hallId": hall["id"],
        "categories": SEATS,
        "startsAt": in_days(12),
        "title": f"Gone {uuid4().hex}",
    }
    event = await made_event(client, headers, **fields)
    showtime_id = event["showtimes"][0]["id"]
    for reading in ("", "/seats", "/availability"):
        assert (await client.get(f"{API}/showtimes/{showtime_id}{reading}")).status_code == 200
    answer = await client.delete(f"{EVENTS}/{event['id']}", headers=headers)
    assert answer.status_code == 204, answer.text
    for address in (
        f"{EVENTS}/{event['id']}",
        f"{EVENTS}/{event['slug']}",
        f"{EVENTS}/{event['id']}/categories",
        f"{API}/showtimes/{showtime_id}",
    ):
        for who in ({}, headers):
            assert (await client.get(address, headers=who)).status_code == 404, address
    for reading in ("seats", "availability"):
        gone = await client.get(f"{API}/showtimes/{showtime_id}/{reading}")
        assert gone.status_code == 404, reading
    own = await client.get(f"{API}/organizer/events", headers=headers)
    assert own.json()["items"] == []
    order = {"showtimeId": showtime_id, "seats": ["A-1"]}
    late = await client.post(f"{API}/bookings", json=order, headers=await signed_in(client))
    assert late.status_code in (404, 409)
    again = await client.delete(f"{EVENTS}/{event['id']}", headers=headers)
    assert again.status_code == 404
    assert (await change(client, event["id"], headers, title="x")).status_code == 404
    assert (await log_of(connection, event["id"]))[-1] == (
        "event.deleted",
        {"status": "published"},
        None,
    )
    await made_event(client, headers, **fields)


async def test_a_show_goes_with_the_event_that_it_was_made_for(
    client: httpx.AsyncClient, connection: RawConnection
) -> None:
    headers = await organizer(client)

    async def left() -> set[str]:
        own = await client.get(f"{API}/organizer/shows", headers=headers)
        return {show["id"] for show in own.json()["items"]}

    async def delete(event: dict[str, Any]) -> None:
        answer = await client.delete(f"{EVENTS}/{event['id']}", headers=headers)
        assert answer.status_code == 204, answer.text

    alone, shared, changed = [await made_event(client, headers) for _ in range(3)]
    play = await client.post(f"{API}/shows", json={"kind": "play", "title": "X"}, headers=headers)
    named = await made_event(client, headers, showId=play.json()["id"], kind=None)
    copied = await client.post(f"{EVENTS}/{shared['id']}/duplicate", json={}, headers=headers)
    assert copied.json()["showId"] == shared["showId"]
    # Whoever writes something about a show has made it a thing of its own.
    answer = await client.patch(
        f"{API}/shows/{changed['showId']}", json={"genre": "Rock"}, headers=headers
    )
    assert answer.status_code == 200, answer.text
    for event in (alone, shared, changed, named):
        await delete(event)
    assert await left() == {shared["showId"], changed["showId"], play.json()["id"]}
    gone = await client.get(f"{API}/shows/{alone['showId']}", headers=headers)
    assert gone.status_code == 404
    assert [entry[0] for entry in await log_of(connection, alone["showId"])] == ["show.deleted"]


async def test_a_draft_again_until_it_is_published_again(
    client: httpx.AsyncClient, connection: RawConnection
) -> None:
    house = await open_house(client, GENERAL)
    address = f"{EVENTS}/{house.event_id}"
    answer = await client.post(f"{address}/unpublish", headers=house.organizer)
    assert (answer.json()["status"], answer.json()["publishedAt"]) == ("draft", None)
    assert (await client.get(address)).status_code == 404
    refused, _ = await book(client, house)
    assert refused.status_code in (404, 409)
    again = await client.post(f"{address}/unpublish", headers=house.organizer)
    assert again.status_code == 200
    actions = [action for action, *_ in await log_of(connection, house.event_id)]
    assert actions == ["event.created", "event.unpublished"]
    answer = await client.post(f"{address}/publish", headers=house.organizer)
    assert answer.json()["status"] == "published"
    taken, _ = await book(client, house)
    assert taken.status_code == 201


async def test_own_events_by_their_words_kind_place_and_time(client: httpx.AsyncClient) -> None:
    headers = await organizer(client)
    hall = await made_hall(client, headers)
    made = {
        "old": await made_event(client, headers, title="Old Ballad"),
        "film": await made_event(
            client, headers, title="Long Film", kind="movie", location=None, hallId=hall["id"],
            categories=SEATS, startsAt=in_days(3), publish=False,
        ),
        "bare": await made_event(client, headers, title="Bare", startsAt=None, publish=False),
    }  # fmt: skip
    names = {event["id"]: name for name, event in made.items()}

    async def listed(**query: Any) -> list[str]:
        params = {name.rstrip("_"): value for name, value in query.items()}
        answer = await client.get(f"{API}/organizer/events", params=params, headers=headers)
        assert answer.status_code == 200, answer.text
        return [names[item["id"]] for item in answer.json()["items"]]

    assert await listed() == ["bare", "film", "old"]
    assert await listed(sort="createdAt") == ["old", "film", "bare"]
    assert await listed(sort="title") == ["bare", "film", "old"]
    assert await listed(q="ballad") == ["old"]
    assert await listed(kind="movie") == ["film"]
    assert await listed(venueId=hall["venueId"]) == ["film"]
    assert await listed(status="draft", sort="title") == ["bare", "film"]
    assert await listed(to=in_days(10)) == ["film"]
    assert await listed(from_=in_days(10)) == ["old"]
    assert await listed(from_=in_days(1), to=in_days(60), sort="startsAt") == ["film", "old"]
    answer = await client.get(
        f"{API}/organizer/events", params={"fields": "title"}, headers=headers
    )
    assert [item.keys() for item in answer.json()["items"]] == [{"id", "title"}] * 3
    for query in ("sort=color", "sort=relevance", "fields=secret", "from=soon", "kind=circus"):
        answer = await client.get(f"{API}/organizer/events?{query}", headers=headers)
        assert answer.status_code == 422, query
    # Somebody else's list has none of them.
    other = await client.get(f"{API}/organizer/events", headers=await organizer(client))
    assert other.json()["items"] == []


async def test_own_events_that_are_over_are_found_by_their_time(
    client: httpx.AsyncClient, connection: RawConnection
) -> None:
    headers = await organizer(client)
    event = await made_event(client, headers)
    await connection.execute(
        "UPDATE showtimes SET starts_at = now() - interval '40 days',"
        " ends_at = now() - interval '39 days', busy_until = NULL WHERE event_id = $1",
        UUID(event["id"]),
    )
    for query in ({"to": in_days(-30)}, {"from": in_days(-50)}):
        answer = await client.get(f"{API}/organizer/events", params=query, headers=headers)
        assert [item["id"] for item in answer.json()["items"]] == [event["id"]]
