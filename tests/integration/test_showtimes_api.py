"""Moving, deleting and listing showtimes through HTTP."""

import asyncio
import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from fullhouse.bookings.store import read
from fullhouse.kit.db import Database, RawConnection
from tests.support.catalog import API, in_days, made_event, made_hall, made_hall_in
from tests.support.house import House, buyers, open_house
from tests.support.locks import until_blocked
from tests.support.people import signed_in

SEATS = [{"name": "Seat", "price": {"amount": 700}, "sections": ["Main"]}]
COUNTED = [{"name": "Entry", "price": {"amount": 0}, "capacity": 3}]
GRID = {"template": "grid", "rows": 2, "seatsPerRow": 3}
PAST = "2026-01-01T10:00:00Z"


async def organizer(client: httpx.AsyncClient) -> dict[str, str]:
    return await signed_in(client, role="ORGANIZER")


async def seated_event(
    client: httpx.AsyncClient, headers: dict[str, str], hall: dict[str, Any], **fields: Any
) -> tuple[str, dict[str, Any]]:
    """An event in a hall: the id of its showtime, and the event."""
    body = {"location": None, "hallId": hall["id"], "categories": SEATS, **fields}
    event = await made_event(client, headers, **body)
    return event["showtimes"][0]["id"], event


async def move(
    client: httpx.AsyncClient, headers: dict[str, str], showtime_id: str, **body: Any
) -> httpx.Response:
    return await client.patch(f"{API}/showtimes/{showtime_id}", json=body, headers=headers)


async def shown(client: httpx.AsyncClient, showtime_id: str) -> dict[str, Any]:
    found: dict[str, Any] = (await client.get(f"{API}/showtimes/{showtime_id}")).json()
    return found


async def standing(connection: RawConnection, showtime_id: str) -> tuple[Any, ...]:
    """Everything that a refusal must leave as it is."""
    row = await connection.fetchrow(
        "SELECT s.*, i.revision, (SELECT count(*) FROM outbox WHERE stream_id = s.id),"
        " (SELECT count(*) FROM audit_log WHERE object_id = s.id::text)"
        " FROM showtimes s JOIN inventories i ON i.showtime_id = s.id WHERE s.id = $1",
        UUID(showtime_id),
    )
    assert row is not None
    return tuple(row.values())


def refused(answer: httpx.Response, status: int, code: str) -> dict[str, Any]:
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text
    problem: dict[str, Any] = answer.json()
    return problem


def pointers(answer: httpx.Response) -> list[str]:
    return [error["pointer"] for error in refused(answer, 422, "validation_failed")["errors"]]


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


# Moving


async def test_what_is_wrong_with_a_move_is_said(
    client: httpx.AsyncClient, connection: RawConnection
) -> None:
    headers = await organizer(client)
    hall, elsewhere = await made_hall(client, headers), await made_hall(client, headers)
    plain = await made_hall_in(
        client,
        headers,
        hall["venueId"],
        "Bare",
        {"template": "grid", "rows": 1, "seatsPerRow": 1, "section": "Other"},
    )
    showtime, _ = await seated_event(client, headers, hall)
    before = await standing(connection, showtime)
    wrong: list[tuple[dict[str, Any], str]] = [
        ({"endsAt": in_days(29)}, "/endsAt"),
        ({"startsAt": in_days(31), "endsAt": in_days(31)}, "/endsAt"),
        ({"startsAt": "9999-12-31T23:59:59Z"}, "/startsAt"),
        ({"startsAt": "0001-01-01T00:00:00Z"}, "/startsAt"),
        ({"endsAt": "9999-12-31T23:59:59Z"}, "/endsAt"),
        ({"startsAt": "2027-01-01T10:00:00"}, "/startsAt"),
        ({"startsAt": None}, "/startsAt"),
        ({"hallId": str(uuid4())}, "/hallId"),
        ({"hallId": elsewhere["id"]}, "/hallId"),
        ({"hallId": plain["id"]}, "/hallId"),  # has no section of that name
        ({"hallId": None}, "/hallId"),  # nor has no hall at all
        ({"status": "cancelled"}, "/status"),
    ]
    for body, pointer in wrong:
        assert pointers(await move(client, headers, showtime, **body)) == [pointer], body
    assert await standing(connection, showtime) == before


async def test_who_may_not_move_or_delete_it(
    client: httpx.AsyncClient, connection: RawConnection
) -> None:
    headers, other = await organizer(client), await organizer(client)
    public = (await made_event(client, headers))["showtimes"][0]["id"]
    secret = (await made_event(client, headers, publish=False))["showtimes"][0]["id"]
    before = [await standing(connection, showtime) for showtime in (public, secret)]
    for showtime, who, status in (
        (public, {}, 401),
        (public, await signed_in(client), 403),
        (public, other, 403),
        (secret, other, 404),
        (str(uuid4()), headers, 404),
    ):
        assert (await move(client, who, showtime, startsAt=in_days(9))).status_code == status
        path = f"{API}/showtimes/{showtime}"
        assert (await client.delete(path, headers=who)).status_code == status
    assert [await standing(connection, showtime) for showtime in (public, secret)] == before


async def test_what_is_over_or_called_off_stays(
    client: httpx.AsyncClient, connection: RawConnection
) -> None:
    headers = await organizer(client)
    event = await made_event(client, headers)
    showtime = event["showtimes"][0]["id"]
    refused(await move(client, headers, showtime, startsAt=PAST), 422, "starts_in_past")
    await connection.execute(
        "UPDATE showtimes SET starts_at = now() - interval '1 minute' WHERE id = $1", UUID(showtime)
    )
    refused(await move(client, headers, showtime, startsAt=in_days(3)), 409, "showtime_begun")
    refused(await move(client, headers, showtime, endsAt=in_days(99)), 409, "showtime_begun")
    await connection.execute(
        "UPDATE showtimes SET status = 'cancelled', starts_at = ends_at - interval '2 hours'"
        " WHERE id = $1",
        UUID(showtime),
    )
    refused(await move(client, headers, showtime, startsAt=in_days(3)), 409, "showtime_cancelled")
    await connection.execute("UPDATE events SET status = 'ended' WHERE id = $1", UUID(event["id"]))
    refused(await move(client, headers, showtime, startsAt=in_days(3)), 409, "event_closed")


async def test_drafts_are_moved_until_they_are_over(client: httpx.AsyncClient) -> None:
    headers = await organizer(client)
    showtime = (await made_event(client, headers, publish=False))["showtimes"][0]["id"]
    for starts_at in (in_days(5), PAST):
        answer = await move(client, headers, showtime, startsAt=starts_at)
        assert moment(answer.json()["startsAt"]) == moment(starts_at)
    # What categories have become meanwhile has passed it over: it would oversell them.
    refused(await move(client, headers, showtime, startsAt=in_days(5)), 409, "showtime_begun")


async def test_another_time(client: httpx.AsyncClient, connection: RawConnection) -> None:
    headers = await organizer(client)
    event = await made_event(client, headers)
    (old,) = event["showtimes"]
    length = moment(old["endsAt"]) - moment(old["startsAt"])
    target = in_days(40)
    answer = await move(client, headers, old["id"], startsAt=target)
    assert answer.status_code == 200, answer.text
    new = answer.json()
    assert moment(new["startsAt"]) == moment(target)
    assert moment(new["endsAt"]) - moment(new["startsAt"]) == length  # it moves along
    assert await shown(client, old["id"]) == new
    # Lists know it, by their own table too.
    listed = (await client.get(f"{API}/events/{event['id']}")).json()["showtimes"]
    assert [one["startsAt"] for one in listed] == [new["startsAt"]]
    assert await connection.fetchval(
        "SELECT next_starts_at FROM event_listings WHERE event_id = $1", UUID(event["id"])
    ) == moment(new["startsAt"])
    # Who did it is written down, and the fact is there for whoever tells the holders.
    fact = await connection.fetchrow("SELECT * FROM outbox WHERE stream_id = $1", UUID(old["id"]))
    assert fact is not None
    assert fact["topic"] == "showtime.rescheduled"
    assert json.loads(fact["payload"]) == {
        "showtimeId": old["id"],
        "eventId": event["id"],
        "before": {"startsAt": old["startsAt"], "endsAt": old["endsAt"], "hallId": None},
        "after": {"startsAt": new["startsAt"], "endsAt": new["endsAt"], "hallId": None},
    }
    noted = await connection.fetchrow(
        "SELECT action, before, after FROM audit_log WHERE object_id = $1", old["id"]
    )
    assert noted is not None
    assert noted["action"] == "showtime.rescheduled"
    assert json.loads(noted["before"])["startsAt"] == old["startsAt"]
    assert json.loads(noted["after"])["startsAt"] == new["startsAt"]


async def test_what_changes_nothing_tells_nobody(
    client: httpx.AsyncClient, connection: RawConnection
) -> None:
    headers = await organizer(client)
    (old,) = (await made_event(client, headers))["showtimes"]
    before = await standing(connection, old["id"])
    zurich = moment(old["startsAt"]).astimezone().isoformat()
    for body in ({}, {"startsAt": old["startsAt"]}, {"startsAt": zurich, "hallId": None}):
        answer = await move(client, headers, old["id"], **body)
        assert (answer.status_code, answer.json()) == (200, old)
    assert await standing(connection, old["id"]) == before


async def test_a_move_needs_the_hall_and_its_cleaning_time(
    client: httpx.AsyncClient, connection: RawConnection
) -> None:
    headers = await organizer(client)
    hall = await made_hall(client, headers)
    await connection.execute(
        "UPDATE venues SET cleaning_minutes = 15 WHERE id = $1", UUID(hall["venueId"])
    )
    first, _ = await seated_event(client, headers, hall)
    second, event = await seated_event(client, headers, hall, startsAt=in_days(31))
    ends = moment((await shown(client, first))["endsAt"])
    for minutes, status in ((14, 409), (15, 200)):
        start = (ends + timedelta(minutes=minutes)).isoformat()
        answer = await move(client, headers, second, startsAt=start)
        assert answer.status_code == status, answer.text
    # It is never in its own way, but cannot grow into the other one either.
    longer = (ends + timedelta(hours=5)).isoformat()
    assert (await move(client, headers, second, endsAt=longer)).status_code == 200
    problem = refused(await move(client, headers, first, endsAt=longer), 409, "schedule_conflict")
    assert problem["conflict"]["showtimeId"] == second
    assert problem["conflict"]["title"] == event["title"]


async def test_buyers_meet_the_new_time_at_once(
    client: httpx.AsyncClient, connection: RawConnection
) -> None:
    house = await open_house(client, COUNTED)
    (buyer,) = await buyers(connection, 1)
    # The selling core has seen the old terms.
    assert (await book(client, buyer, house.order("Entry"))).status_code == 201
    await move(client, house.organizer, house.showtime_id, startsAt=in_days(0.5))
    booked = await book(client, buyer, house.order("Entry"))
    assert booked.status_code == 201, booked.text
    confirmed = await client.post(f"{API}/bookings/{booked.json()['id']}/confirm", headers=buyer)
    assert confirmed.status_code == 200, confirmed.text
    # Free cancellation ends a day before the start, which is today now.
    answer = await client.post(f"{API}/bookings/{booked.json()['id']}/cancel", headers=buyer)
    refused(answer, 409, "cancellation_closed")


async def book(
    client: httpx.AsyncClient, who: dict[str, str], body: dict[str, Any]
) -> httpx.Response:
    return await client.post(f"{API}/bookings", json=body, headers=who)


# Another hall


async def theatre(client: httpx.AsyncClient) -> tuple[House, dict[str, Any]]:
    """A house of 2 × 3 seats, and a hall of 3 × 4 beside it."""
    house = await open_house(client, SEATS, seat_map=GRID)
    venue = (await shown(client, house.showtime_id))["venue"]["id"]
    larger = {"template": "grid", "rows": 3, "seatsPerRow": 4}
    return house, await made_hall_in(client, house.organizer, venue, "Large", larger)


async def test_seats_that_are_taken_keep_the_hall(
    client: httpx.AsyncClient, connection: RawConnection
) -> None:
    house, other = await theatre(client)
    (buyer,) = await buyers(connection, 1)
    booked = (await book(client, buyer, house.seats("A-1"))).json()
    before = await standing(connection, house.showtime_id)
    answer = await move(client, house.organizer, house.showtime_id, hallId=other["id"])
    refused(answer, 409, "seats_claimed")
    path = f"{API}/showtimes/{house.showtime_id}/seats"
    seats = {"seats": ["A-2"]}
    await client.post(f"{API}/bookings/{booked['id']}/cancel", headers=buyer)
    await client.post(f"{path}/block", json=seats, headers=house.organizer)
    answer = await move(client, house.organizer, house.showtime_id, hallId=other["id"])
    refused(answer, 409, "seats_claimed")
    assert (await standing(connection, house.showtime_id))[:-2] == before[:-2]
    await client.post(f"{path}/unblock", json=seats, headers=house.organizer)
    answer = await move(client, house.organizer, house.showtime_id, hallId=other["id"])
    assert answer.status_code == 200, answer.text


async def test_another_hall_is_sold_by_its_own_map(
    client: httpx.AsyncClient, connection: RawConnection
) -> None:
    house, other = await theatre(client)
    (buyer,) = await buyers(connection, 1)
    # The selling core knows the old map by heart.
    booked = (await book(client, buyer, house.seats("A-1"))).json()
    await client.post(f"{API}/bookings/{booked['id']}/cancel", headers=buyer)
    answer = await move(client, house.organizer, house.showtime_id, hallId=other["id"])
    assert answer.status_code == 200, answer.text
    assert answer.json()["seatMapId"] == other["seatMapId"]
    assert answer.json()["hall"]["id"] == other["id"]
    assert [(one["capacity"], one["available"]) for one in answer.json()["categories"]] == [
        (12, 12)
    ]
    listed = await client.get(f"{API}/showtimes/{house.showtime_id}/seats")
    ids = {seat["label"]: seat["id"] for seat in listed.json()["seats"]}
    assert len(ids) == 12
    for label in ("A-1", "C-4"):
        booked = await book(client, buyer, house.seats(label))
        assert booked.status_code == 201, booked.text
        claimed = await connection.fetchval(
            "SELECT count(*) FROM seat_claims WHERE seat_id = $1", UUID(ids[label])
        )
        assert claimed == 1, label
    # The old hall is free for others, at the very time.
    starts_at = (await shown(client, house.showtime_id))["startsAt"]
    path = f"{API}/events/{house.event_id}/showtimes"
    again = await client.post(path, json={"startsAt": starts_at}, headers=house.organizer)
    assert again.status_code == 201, again.text


async def test_a_reservation_at_the_same_moment_is_seen(
    client: httpx.AsyncClient, connection: RawConnection, database: Database
) -> None:
    """The lock of the inventory orders the two: whoever comes second knows of the first."""
    house, other = await theatre(client)
    (buyer,) = await buyers(connection, 1)
    async with connection.transaction():
        await connection.execute(
            "SELECT 1 FROM inventories WHERE showtime_id = $1 FOR UPDATE", UUID(house.showtime_id)
        )
        moving = asyncio.create_task(
            move(client, house.organizer, house.showtime_id, hallId=other["id"])
        )
        await until_blocked(connection)
        booking = asyncio.create_task(book(client, buyer, house.seats("A-1")))
        await until_blocked(connection, 2)
    moved, booked = await moving, await booking
    assert moved.status_code == 200, moved.text
    # It was read by the old map and is decided by the new one.
    assert booked.status_code == 201, booked.text
    listed = await client.get(f"{API}/showtimes/{house.showtime_id}/seats")
    ids = {seat["label"]: seat["id"] for seat in listed.json()["seats"]}
    claimed = await connection.fetch(
        "SELECT seat_id FROM seat_claims WHERE showtime_id = $1", UUID(house.showtime_id)
    )
    assert (len(ids), [str(row["seat_id"]) for row in claimed]) == (12, [ids["A-1"]])


# Deleting


async def test_nobody_loses_a_place_by_deletion(
    client: httpx.AsyncClient, connection: RawConnection
) -> None:
    house = await open_house(client, COUNTED)
    (buyer,) = await buyers(connection, 1)
    path = f"{API}/showtimes/{house.showtime_id}"
    held = (await book(client, buyer, house.order("Entry"))).json()
    refused(await client.delete(path, headers=house.organizer), 409, "showtime_has_bookings")
    await client.post(f"{API}/bookings/{held['id']}/confirm", headers=buyer)
    refused(await client.delete(path, headers=house.organizer), 409, "showtime_has_bookings")
    assert (await client.get(path)).status_code == 200


@pytest.mark.parametrize("ended", ["cancelled", "expired"])
async def test_what_was_ever_booked_is_kept_with_its_showtime_and_event(
    client: httpx.AsyncClient, connection: RawConnection, ended: str
) -> None:
    house = await open_house(client, COUNTED)
    (buyer,) = await buyers(connection, 1)
    showtime = f"{API}/showtimes/{house.showtime_id}"
    event = f"{API}/events/{house.event_id}"
    booking = (await book(client, buyer, house.order("Entry"))).json()
    mine = f"{API}/bookings/{booking['id']}"
    if ended == "cancelled":
        assert (await client.post(f"{mine}/cancel", headers=buyer)).status_code == 200
    else:
        await connection.execute(
            "UPDATE bookings SET expires_at = now() - interval '1 second' WHERE id = $1",
            UUID(booking["id"]),
        )
        while (await client.get(mine, headers=buyer)).json()["status"] != ended:
            await asyncio.sleep(0.05)
    who = house.organizer
    for _ in range(2):
        refused(await client.delete(showtime, headers=who), 409, "showtime_has_bookings")
        refused(await client.delete(event, headers=who), 409, "event_has_bookings")
        assert (await client.get(mine, headers=buyer)).json()["status"] == ended
        assert (await client.get(showtime, headers=buyer)).status_code == 200
        # The way out, after which it stays as well.
        assert (await client.post(f"{showtime}/cancel", headers=who)).status_code == 200


async def test_a_deleted_showtime_is_gone_and_its_hall_free(
    client: httpx.AsyncClient, connection: RawConnection
) -> None:
    headers = await organizer(client)
    hall = await made_hall(client, headers)
    showtime, event = await seated_event(client, headers, hall)
    path = f"{API}/showtimes/{showtime}"
    (buyer,) = await buyers(connection, 1)
    order = {"showtimeId": showtime, "seats": ["A-1"]}
    # What the house itself keeps back is in nobody's way.
    blocked = await client.post(f"{path}/seats/block", json={"seats": ["A-2"]}, headers=headers)
    assert blocked.status_code == 204, blocked.text
    assert (await client.delete(path, headers=headers)).status_code == 204
    assert (await client.delete(path, headers=headers)).status_code == 404
    assert (await move(client, headers, showtime, startsAt=in_days(9))).status_code == 404
    for gone in ("", "/seats", "/availability"):
        assert (await client.get(path + gone, headers=headers)).status_code == 404, gone
    assert (await book(client, buyer, order)).status_code == 404
    assert (await client.get(f"{API}/events/{event['id']}")).json()["showtimes"] == []
    for listing in ("showtimes", "organizer/showtimes"):
        query = {"eventId": event["id"], "status": "scheduled,cancelled"}
        answer = await client.get(f"{API}/{listing}", params=query, headers=headers)
        assert answer.json()["items"] == []
    starts_at = event["showtimes"][0]["startsAt"]
    again = await client.post(
        f"{API}/events/{event['id']}/showtimes", json={"startsAt": starts_at}, headers=headers
    )
    assert again.status_code == 201, again.text
    noted = await connection.fetchval(
        "SELECT action FROM audit_log WHERE object_id = $1 ORDER BY at DESC LIMIT 1", showtime
    )
    assert noted == "showtime.deleted"


async def test_a_reservation_at_the_moment_of_deletion_is_seen(
    client: httpx.AsyncClient, connection: RawConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    house = await open_house(client, COUNTED)
    (buyer,) = await buyers(connection, 1)
    path = f"{API}/showtimes/{house.showtime_id}"
    real, booking = read.ever_booked, None

    async def ever_booked(inner: Any, showtime_ids: Sequence[UUID]) -> bool:
        nonlocal booking
        found = await real(inner, showtime_ids)
        booking = asyncio.create_task(book(client, buyer, house.order("Entry")))
        await until_blocked(connection)
        return found

    monkeypatch.setattr(read, "ever_booked", ever_booked)
    assert (await client.delete(path, headers=house.organizer)).status_code == 204
    assert booking is not None
    assert (await booking).status_code in (404, 409)
    held = await connection.fetchval(
        "SELECT sum(held + sold) FROM allotments WHERE showtime_id = $1", UUID(house.showtime_id)
    )
    assert held == 0


# Lists


@pytest.mark.parametrize("path", ["showtimes", "organizer/showtimes"])
@pytest.mark.parametrize(
    ("query", "parameter"),
    [
        ({"sort": "title"}, "sort"),
        ({"status": "sold"}, "status"),
        ({"status": ""}, "status"),
        ({"from": "soon"}, "from"),
        ({"to": "2027-13-01"}, "to"),
        ({"fields": "id,secret"}, "fields"),
        ({"venueId": "x"}, "venueId"),
        ({"hallId": "x"}, "hallId"),
        ({"cursor": "x"}, "cursor"),
    ],
)
async def test_what_a_list_does_not_understand(
    client: httpx.AsyncClient, path: str, query: dict[str, str], parameter: str
) -> None:
    headers = await organizer(client)
    answer = await client.get(f"{API}/{path}", params=query, headers=headers)
    assert pointers(answer) == [parameter]


async def test_lists_by_place_time_and_status(
    client: httpx.AsyncClient, connection: RawConnection
) -> None:
    headers = await organizer(client)
    hall = await made_hall(client, headers)
    other = await made_hall_in(client, headers, hall["venueId"], "Hall 2")
    first, event = await seated_event(client, headers, hall, startsAt=in_days(10))
    path = f"{API}/events/{event['id']}/showtimes"
    body = {"startsAt": in_days(20), "hallId": other["id"]}
    second = (await client.post(path, json=body, headers=headers)).json()["id"]
    secret, _ = await seated_event(client, headers, hall, startsAt=in_days(30), publish=False)
    called_off = (await client.post(path, json={"startsAt": in_days(40)}, headers=headers)).json()[
        "id"
    ]
    await connection.execute(
        "UPDATE showtimes SET status = 'cancelled' WHERE id = $1", UUID(called_off)
    )

    async def found(listing: str, **query: str) -> list[str]:
        params = {"venueId": hall["venueId"], **query}
        who = headers if listing.startswith("organizer") else {}
        answer = await client.get(f"{API}/{listing}", params=params, headers=who)
        assert answer.status_code == 200, answer.text
        return [item["id"] for item in answer.json()["items"]]

    assert await found("showtimes") == [first, second]
    assert await found("showtimes", sort="-startsAt") == [second, first]
    assert await found("showtimes", hallId=other["id"]) == [second]
    assert await found("showtimes", hallId=hall["id"]) == [first]
    assert await found("showtimes", **{"from": in_days(15)}) == [second]
    assert await found("showtimes", to=in_days(15)[:10]) == [first]
    assert await found("showtimes", status="cancelled") == [called_off]
    assert await found("showtimes", status="cancelled,scheduled") == [first, second, called_off]
    assert await found("showtimes", venueId=str(uuid4())) == []
    assert (await shown(client, called_off))["status"] == "cancelled"
    own = [first, second, secret, called_off]
    assert await found("organizer/showtimes") == own
    assert await found("organizer/showtimes", status="scheduled") == own[:-1]
    assert await found("organizer/showtimes", sort="-startsAt") == own[::-1]
    # What was called off is left out of the event's own page, and shown where all of it was.
    address = f"{API}/events/{event['id']}"
    page = (await client.get(address)).json()
    assert [one["id"] for one in page["showtimes"]] == [first, second]
    await connection.execute(
        "UPDATE events SET status = 'cancelled' WHERE id = $1", UUID(event["id"])
    )
    page = (await client.get(address, headers=headers)).json()
    assert {one["status"] for one in page["showtimes"]} == {"cancelled"}
    assert [one["id"] for one in page["showtimes"]] == [first, second, called_off]
    # Asked in another way: of what went past the application a kept answer does not hear.
    assert await found("showtimes", limit="50") == []


async def test_parts_and_fields_of_lists(client: httpx.AsyncClient) -> None:
    headers = await organizer(client)
    event = await made_event(client, headers, startsAt=in_days(1))
    path = f"{API}/events/{event['id']}/showtimes"
    for day in (2, 3):
        await client.post(path, json={"startsAt": in_days(day)}, headers=headers)
    for listing in ("showtimes", "organizer/showtimes"):
        address = f"{API}/{listing}"
        query = {"eventId": event["id"], "limit": "2", "sort": "-startsAt", "fields": "startsAt"}
        first = (await client.get(address, params=query, headers=headers)).json()
        assert all(item.keys() == {"id", "startsAt"} for item in first["items"])
        rest = await client.get(
            address, params=query | {"cursor": first["nextCursor"]}, headers=headers
        )
        starts = [item["startsAt"] for item in first["items"] + rest.json()["items"]]
        assert starts == sorted(starts, reverse=True)
        assert len(starts) == 3
        # The cursor belongs to this order.
        other = query | {"cursor": first["nextCursor"], "sort": "startsAt"}
        assert pointers(await client.get(address, params=other, headers=headers)) == ["cursor"]
        paged = await client.get(address, params=query | {"page": "2"}, headers=headers)
        assert (len(paged.json()["items"]), paged.json()["total"]) == (1, 3)


async def test_what_people_may_come_to_begins_in_the_future(client: httpx.AsyncClient) -> None:
    headers = await organizer(client)
    event = await made_event(client, headers)
    path = f"{API}/events/{event['id']}/showtimes"
    past = (datetime.now(UTC) - timedelta(days=2)).isoformat()
    refused = await client.post(path, json={"startsAt": past}, headers=headers)
    assert (refused.status_code, refused.json()["code"]) == (422, "starts_in_past")
    table = f"event,startsAt\n{event['slug']},{past}\n"
    imported = await client.post(
        f"{API}/organizer/import/showtimes",
        content=table,
        headers=headers | {"Content-Type": "text/csv"},
    )
    assert imported.status_code == 422
    (line,) = imported.json()["lines"]
    assert line["errors"] == [{"field": "startsAt", "detail": "is in the past"}]
    listed = await client.get(f"{API}/showtimes", params={"eventId": event["id"]}, headers=headers)
    assert len(listed.json()["items"]) == 1


async def test_own_lists_hold_nothing_of_others(client: httpx.AsyncClient) -> None:
    headers, other = await organizer(client), await organizer(client)
    address = f"{API}/organizer/showtimes"
    assert (await client.get(address)).status_code == 401
    assert (await client.get(address, headers=await signed_in(client))).status_code == 403
    event = await made_event(client, headers, publish=False)
    theirs = {"organizationId": event["organizationId"]}
    assert (await client.get(address, headers=other)).json()["items"] == []
    assert (await client.get(address, headers=other, params=theirs)).status_code == 403
    named = {"eventId": event["id"]}
    assert (await client.get(address, headers=other, params=named)).json()["items"] == []
    (mine,) = (await client.get(address, headers=headers, params=theirs)).json()["items"]
    assert mine["eventId"] == event["id"]
    # Past ones only with a date or beginning.
    path = f"{API}/events/{event['id']}/showtimes"
    past = (datetime.now(UTC) - timedelta(days=2)).isoformat()
    await client.post(path, json={"startsAt": past}, headers=headers)
    assert len((await client.get(address, headers=headers)).json()["items"]) == 1
    since = {"from": "2026-01-01"}
    assert len((await client.get(address, headers=headers, params=since)).json()["items"]) == 2
