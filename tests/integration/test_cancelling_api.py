"""Cancelling events and showtimes: refusals, what ends at once, and what goes on by itself."""

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest
import pytest_asyncio

from fullhouse.bookings import calling_off, jobs
from fullhouse.bookings.audit import audit
from fullhouse.bookings.core.commands import CallOff, Command, Confirm, Settlement
from fullhouse.bookings.core.types import Outcome, Result
from fullhouse.kit.db import Database, RawConnection
from fullhouse.kit.errors import OVERLOADED, Refused
from fullhouse.kit.ids import new_id
from fullhouse.parts import Parts
from tests.support.catalog import event_body, in_days, made_event, made_hall
from tests.support.house import API, House, buyers, open_house
from tests.support.locks import until_blocked
from tests.support.organizations import join, organizer, person

Headers = dict[str, str]

LAWN = {"name": "Lawn", "price": {"amount": 0}, "capacity": 3}
BOX = {"name": "Box", "price": {"amount": 9_000}, "capacity": 20}


@pytest_asyncio.fixture
async def house(client: httpx.AsyncClient) -> House:
    """Three free places and twenty that cost something."""
    return await open_house(client, [LAWN, BOX])


@pytest_asyncio.fixture
async def by_hand(client: httpx.AsyncClient, parts: Parts) -> AsyncIterator[None]:
    """Chores are done by the test alone."""
    await parts.housekeeper.stop()
    yield
    await parts.housekeeper.start()


async def cancel(
    client: httpx.AsyncClient,
    headers: Headers,
    what: str,
    object_id: str,
    body: dict[str, Any] | None = None,
) -> httpx.Response:
    return await client.post(f"{API}/{what}/{object_id}/cancel", json=body, headers=headers)


async def cancelled(
    client: httpx.AsyncClient, house: House, what: str = "events", **body: Any
) -> dict[str, Any]:
    object_id = house.event_id if what == "events" else house.showtime_id
    answer = await cancel(client, house.organizer, what, object_id, body)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def book(
    client: httpx.AsyncClient, house: House, who: Headers, category: str, **more: Any
) -> dict[str, Any]:
    answer = await client.post(f"{API}/bookings", json=house.order(category, **more), headers=who)
    assert answer.is_success, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def confirm(client: httpx.AsyncClient, who: Headers, booking: str) -> httpx.Response:
    return await client.post(f"{API}/bookings/{booking}/confirm", headers=who)


async def status_of(client: httpx.AsyncClient, who: Headers, booking: dict[str, Any]) -> str:
    answer = await client.get(f"{API}/bookings/{booking['id']}", headers=who)
    return str(answer.json()["status"])


async def facts(connection: RawConnection, stream: str, *topics: str) -> list[dict[str, Any]]:
    """The payloads of these topics, each with its topic, in their order."""
    rows = await connection.fetch(
        "SELECT topic, payload::text FROM outbox WHERE stream_id = $1 AND topic = ANY($2)"
        " ORDER BY id",
        UUID(stream),
        list(topics),
    )
    return [{"topic": row["topic"], **json.loads(row["payload"])} for row in rows]


async def counters(connection: RawConnection, house: House) -> tuple[int, int, int]:
    """Held, sold and waiting at the showtime, of all categories."""
    row = await connection.fetchrow(
        "SELECT sum(held)::int, sum(sold)::int, sum(waiting)::int FROM allotments"
        " WHERE showtime_id = $1",
        UUID(house.showtime_id),
    )
    assert row is not None
    return row[0], row[1], row[2]


async def shown(
    client: httpx.AsyncClient, path: str, who: Headers
) -> tuple[str, datetime | None, str | None]:
    """Status, time and reason; what is not cancelled does not even name the last two."""
    answer = (await client.get(f"{API}/{path}", headers=who)).json()
    at = answer.get("cancelledAt")
    assert None not in (answer.get("cancelledAt", ""), answer.get("cancelReason", ""))
    return answer["status"], at and datetime.fromisoformat(at), answer.get("cancelReason")


# What is refused


@pytest.mark.parametrize("what", ["events", "showtimes"])
async def test_whoever_may_not_is_refused(
    client: httpx.AsyncClient, house: House, what: str
) -> None:
    object_id = house.event_id if what == "events" else house.showtime_id
    stranger = await organizer(client)
    buyer = await person(client)
    for headers, status, code in (
        ({}, 401, "unauthenticated"),
        (buyer.headers, 403, "forbidden"),
        (stranger.headers, 403, "forbidden"),
    ):
        answer = await cancel(client, headers, what, object_id)
        assert (answer.status_code, answer.json()["code"]) == (status, code)
    shown = (await client.get(f"{API}/showtimes/{house.showtime_id}")).json()
    assert shown["status"] == "scheduled"


@pytest.mark.parametrize("what", ["events", "showtimes"])
async def test_what_there_is_not_is_not_found(
    client: httpx.AsyncClient, house: House, what: str
) -> None:
    answer = await cancel(client, house.organizer, what, str(new_id()))
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


@pytest.mark.parametrize("what", ["events", "showtimes"])
async def test_drafts_of_others_are_not_found(client: httpx.AsyncClient, what: str) -> None:
    owner, stranger = await organizer(client), await organizer(client)
    draft = await made_event(client, owner.headers, publish=False)
    object_id = draft["id"] if what == "events" else draft["showtimes"][0]["id"]
    answer = await cancel(client, stranger.headers, what, object_id)
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    # Nor once it was cancelled: nobody has ever been shown it.
    assert (await cancel(client, owner.headers, "events", draft["id"])).status_code == 200
    answer = await cancel(client, stranger.headers, what, object_id)
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    for path in (f"showtimes/{draft['showtimes'][0]['id']}/availability", f"events/{draft['id']}"):
        assert (await client.get(f"{API}/{path}")).status_code == 404


async def test_a_draft_that_was_cancelled_stays_secret(client: httpx.AsyncClient) -> None:
    owner, stranger = await organizer(client), await organizer(client)
    event = await made_event(client, owner.headers)
    path, showtime = f"{API}/events/{event['id']}", f"{API}/showtimes/{event['showtimes'][0]['id']}"
    favorites = f"{API}/users/me/favorites"
    for who in (owner, stranger):
        marked = await client.put(f"{favorites}/{event['id']}", headers=who.headers)
        assert marked.status_code == 204
    assert (await client.post(f"{path}/unpublish", headers=owner.headers)).status_code == 200
    assert (await cancel(client, owner.headers, "events", event["id"])).status_code == 200
    listed = await client.get(favorites, headers=stranger.headers)
    assert listed.json()["items"] == []
    listed = await client.get(favorites, headers=owner.headers)
    assert [one["id"] for one in listed.json()["items"]] == [event["id"]]
    again = await client.put(f"{favorites}/{event['id']}", headers=stranger.headers)
    assert again.status_code == 404
    # Nor is it found out by asking to change it.
    price = {"amount": 1}
    for method, address, body in (
        ("PATCH", path, {"title": "Mine"}),
        ("DELETE", path, None),
        ("POST", f"{path}/publish", None),
        ("POST", f"{path}/unpublish", None),
        ("POST", f"{path}/duplicate", {}),
        ("POST", f"{path}/categories", {"name": "New", "price": price, "capacity": 1}),
        ("POST", f"{path}/showtimes", {"startsAt": in_days(3)}),
        ("PATCH", showtime, {"startsAt": in_days(3)}),
        ("DELETE", showtime, None),
        ("POST", f"{path}/cancel", None),
        ("POST", f"{showtime}/cancel", None),
        ("PUT", f"{showtime}/seat-map", {"seatMapId": str(new_id())}),
    ):
        answer = await client.request(method, address, json=body, headers=stranger.headers)
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found"), (method, address)


async def test_what_was_public_and_cancelled_is_forbidden_to_others(
    client: httpx.AsyncClient, house: House
) -> None:
    stranger = await organizer(client)
    await cancelled(client, house)
    path = f"{API}/events/{house.event_id}"
    answer = await client.patch(path, json={"title": "Mine"}, headers=stranger.headers)
    assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")
    answer = await client.patch(path, json={"title": "Ours"}, headers=house.organizer)
    assert (answer.status_code, answer.json()["code"]) == (409, "event_closed")


@pytest.mark.parametrize(
    "body",
    [{"reason": ""}, {"reason": "x" * 201}, {"reason": 5}, {"refund": False}, []],
    ids=["empty", "long", "number", "unknown", "list"],
)
async def test_bad_body(client: httpx.AsyncClient, house: House, body: Any) -> None:
    answer = await cancel(client, house.organizer, "events", house.event_id, body)
    assert (answer.status_code, answer.json()["code"]) == (422, "validation_failed")


async def test_what_is_over_stays_as_it_was(
    client: httpx.AsyncClient, house: House, connection: RawConnection
) -> None:
    await connection.execute(
        "UPDATE showtimes SET starts_at = now() - interval '3 hours',"
        " ends_at = now() - interval '1 hour', busy_until = NULL WHERE id = $1",
        UUID(house.showtime_id),
    )
    answer = await cancel(client, house.organizer, "showtimes", house.showtime_id)
    assert (answer.status_code, answer.json()["code"]) == (409, "showtime_closed")


@pytest.mark.parametrize("what", ["events", "showtimes"])
async def test_what_ended_with_its_organization_is_closed(
    client: httpx.AsyncClient, house: House, connection: RawConnection, what: str
) -> None:
    await connection.execute(
        "UPDATE events SET status = 'ended' WHERE id = $1", UUID(house.event_id)
    )
    object_id = house.event_id if what == "events" else house.showtime_id
    answer = await cancel(client, house.organizer, what, object_id)
    assert (answer.status_code, answer.json()["code"]) == (409, "event_closed")


# What ends


async def _everything(
    client: httpx.AsyncClient, connection: RawConnection, house: House
) -> tuple[list[Headers], dict[str, dict[str, Any]]]:
    """A booking of each kind: held, free, paid at the counter, offered, and in line."""
    who = await buyers(connection, 5)
    made = {
        "held": await book(client, house, who[0], "Box", quantity=2),
        "free": await book(client, house, who[1], "Lawn"),
        "paid": await book(client, house, who[2], "Box"),
        "given up": await book(client, house, who[0], "Lawn", quantity=2),
    }
    made["offered"] = await book(client, house, who[3], "Lawn", joinWaitlist=True, quantity=2)
    made["waiting"] = await book(client, house, who[4], "Lawn", joinWaitlist=True)
    assert (await confirm(client, who[1], made["free"]["id"])).status_code == 200
    assert (await confirm(client, house.organizer, made["paid"]["id"])).status_code == 200
    gone = await client.delete(f"{API}/bookings/{made['given up']['id']}", headers=who[0])
    assert gone.status_code == 200
    assert await status_of(client, who[3], made["offered"]) == "reserved"
    assert await counters(connection, house) == (4, 2, 1)
    return who, made


@pytest.mark.parametrize("what", ["events", "showtimes"])
async def test_everything_that_was_booked_ends(
    client: httpx.AsyncClient,
    database: Database,
    connection: RawConnection,
    house: House,
    what: str,
) -> None:
    who, made = await _everything(client, connection, house)
    answer = await cancelled(client, house, what, reason="The singer is ill.")
    object_id = house.event_id if what == "events" else house.showtime_id
    assert answer == {
        "id": object_id,
        "status": "cancelled",
        "cancelledAt": answer["cancelledAt"],
        "ended": 5,
        "left": 0,
    }
    assert await counters(connection, house) == (0, 0, 0)
    assert {
        name: await status_of(client, house.organizer, booking) for name, booking in made.items()
    } == dict.fromkeys(made, "cancelled") | {"waiting": "left"}
    reason = "event_cancelled" if what == "events" else "showtime_cancelled"
    told = await facts(connection, house.showtime_id, "booking.cancelled", "booking.left")
    about = {fact["bookingId"]: fact for fact in told}
    assert len(told) == len(about) == 6
    for name, refund in {
        "held": None,
        "free": None,
        "offered": None,
        "waiting": None,
        "paid": {"amount": 9_000, "currency": "USD"},
    }.items():
        fact = about[made[name]["id"]]
        assert (fact["reason"], fact.get("refund")) == (reason, refund), name
    assert about[made["given up"]["id"]]["reason"] == "buyer"
    shown = (await client.get(f"{API}/showtimes/{house.showtime_id}")).json()
    assert shown["status"] == "cancelled"
    late = await client.post(f"{API}/bookings", json=house.order("Box"), headers=who[0])
    assert (late.status_code, late.json()["code"]) == (409, "sales_closed")
    for person_, name in ((house.organizer, "held"), (who[3], "offered")):
        refused = await confirm(client, person_, made[name]["id"])
        assert (refused.status_code, refused.json()["code"]) == (409, "transition_refused")
    report = await audit(database)
    assert (report.is_clean, report.clearing) == (True, 0)


async def test_an_event_tells_of_itself_and_of_each_showtime(
    client: httpx.AsyncClient, connection: RawConnection, house: House
) -> None:
    path = f"{API}/events/{house.event_id}/showtimes"
    added = await client.post(path, json={"startsAt": in_days(12)}, headers=house.organizer)
    showtimes = sorted([house.showtime_id, added.json()["id"]])
    await cancelled(client, house, reason="The singer is ill.")
    (fact,) = await facts(connection, house.event_id, "event.cancelled")
    assert (fact["showtimeIds"], fact["words"]) == (showtimes, "The singer is ill.")
    for showtime in showtimes:
        (fact,) = await facts(connection, showtime, "showtime.cancelled")
        assert (fact["reason"], fact["words"]) == ("event_cancelled", "The singer is ill.")
    shown = (await client.get(f"{API}/events/{house.event_id}")).json()
    assert shown["status"] == "cancelled"
    listed = (await client.get(f"{API}/events", params={"limit": 100})).json()
    assert house.event_id not in [event["id"] for event in listed["items"]]
    entry = await connection.fetchrow(
        "SELECT before::text, after::text FROM audit_log"
        " WHERE action = 'event.cancelled' AND object_id = $1",
        house.event_id,
    )
    assert entry is not None
    assert json.loads(entry["before"]) == {"status": "published"}
    assert json.loads(entry["after"]) == {"status": "cancelled", "showtimes": 2}


@pytest.mark.parametrize("what", ["events", "showtimes"])
async def test_cancelling_again_changes_nothing(
    client: httpx.AsyncClient, connection: RawConnection, house: House, what: str
) -> None:
    await _everything(client, connection, house)
    first = await cancelled(client, house, what)
    counts = "SELECT (SELECT count(*) FROM outbox), (SELECT count(*) FROM audit_log)"
    before = await connection.fetchrow(counts)
    object_id = house.event_id if what == "events" else house.showtime_id
    again = await cancel(client, house.organizer, what, object_id, {"reason": "Another"})
    assert again.status_code == 200
    assert again.headers["Idempotent-Replayed"] == "true"
    assert again.json() == first | {"ended": 0, "left": 0}
    assert await connection.fetchrow(counts) == before


async def test_one_showtime_is_cancelled_and_the_other_sells_on(
    client: httpx.AsyncClient, connection: RawConnection, house: House
) -> None:
    path = f"{API}/events/{house.event_id}/showtimes"
    added = await client.post(path, json={"startsAt": in_days(12)}, headers=house.organizer)
    other = House(house.event_id, added.json()["id"], house.organizer, house.categories)
    who = await buyers(connection, 2)
    kept = await book(client, other, who[0], "Box")
    await book(client, house, who[0], "Box")
    assert (await cancelled(client, house, "showtimes"))["ended"] == 1
    assert await status_of(client, who[0], kept) == "reserved"
    await book(client, other, who[1], "Box")
    # And when the event goes too, what was cancelled before is not told of again.
    await cancelled(client, house)
    assert len(await facts(connection, house.showtime_id, "showtime.cancelled")) == 1
    assert await status_of(client, who[0], kept) == "cancelled"


async def test_a_showtime_that_is_over_has_taken_place(
    client: httpx.AsyncClient, connection: RawConnection, house: House
) -> None:
    (who,) = await buyers(connection, 1)
    booking = await book(client, house, who, "Lawn")
    assert (await confirm(client, who, booking["id"])).status_code == 200
    await connection.execute(
        "UPDATE showtimes SET starts_at = now() - interval '3 hours',"
        " ends_at = now() - interval '1 hour', busy_until = NULL WHERE id = $1",
        UUID(house.showtime_id),
    )
    assert (await cancelled(client, house))["ended"] == 0
    assert await status_of(client, who, booking) == "confirmed"


async def test_when_and_why_it_was_cancelled_is_shown(
    client: httpx.AsyncClient, house: House
) -> None:
    event, first = f"events/{house.event_id}", f"showtimes/{house.showtime_id}"
    who = house.organizer
    added = await client.post(
        f"{API}/{event}/showtimes", json={"startsAt": in_days(20)}, headers=who
    )
    second = f"showtimes/{added.json()['id']}"
    for path in (event, first, second):
        assert (await shown(client, path, who))[1:] == (None, None), path
    ill = await cancelled(client, house, "showtimes", reason="The lead is ill.")
    assert await shown(client, first, who) == (
        "cancelled",
        datetime.fromisoformat(ill["cancelledAt"]),
        "The lead is ill.",
    )
    assert (await shown(client, second, who))[1:] == (None, None)
    gone = datetime.fromisoformat((await cancelled(client, house, reason="Fire."))["cancelledAt"])
    assert await shown(client, event, who) == ("cancelled", gone, "Fire.")
    status, at, reason = await shown(client, second, who)
    assert at is not None and (status, reason) == ("cancelled", "Fire.")
    # What was cancelled before has its own reason still.
    assert (await shown(client, first, who))[2] == "The lead is ill."
    query = {"eventId": house.event_id, "fields": "cancelReason,cancelledAt", "sort": "startsAt"}
    own = await client.get(f"{API}/organizer/showtimes", params=query, headers=who)
    assert [one["cancelReason"] for one in own.json()["items"]] == ["The lead is ill.", "Fire."]


async def test_what_is_not_cancelled_has_no_reason_to_be_picked(
    client: httpx.AsyncClient, house: House
) -> None:
    query = {"eventId": house.event_id, "fields": "cancelReason"}
    own = await client.get(f"{API}/organizer/showtimes", params=query, headers=house.organizer)
    assert own.json()["items"] == [{"id": house.showtime_id}]


async def test_a_cancelled_draft_gives_its_hall_back(client: httpx.AsyncClient) -> None:
    owner = await organizer(client)
    hall = await made_hall(client, owner.headers)
    at = {"startsAt": in_days(20), "location": None, "hallId": hall["id"]}
    draft = await made_event(client, owner.headers, publish=False, **at)
    taken = await client.post(f"{API}/events", json=event_body(**at), headers=owner.headers)
    assert (taken.status_code, taken.json()["code"]) == (409, "schedule_conflict")
    assert (await cancel(client, owner.headers, "events", draft["id"])).status_code == 200
    await made_event(client, owner.headers, **at)


async def test_freed_places_are_offered_to_nobody(
    client: httpx.AsyncClient, connection: RawConnection, house: House
) -> None:
    who = await buyers(connection, 2)
    await book(client, house, who[0], "Lawn", quantity=3)
    await book(client, house, who[1], "Lawn", joinWaitlist=True)
    await cancelled(client, house)
    assert await facts(connection, house.showtime_id, "booking.offered") == []


@pytest.mark.parametrize("before", ["reserved", "expired"])
async def test_money_that_comes_too_late_goes_back(
    client: httpx.AsyncClient,
    connection: RawConnection,
    parts: Parts,
    house: House,
    before: str,
) -> None:
    (who,) = await buyers(connection, 1)
    booking = await book(client, house, who, "Box", quantity=2)
    if before == "expired":
        await connection.execute(
            "UPDATE bookings SET expires_at = now() WHERE id = $1", UUID(booking["id"])
        )
    await cancelled(client, house, "showtimes")
    command = Confirm(UUID(house.showtime_id), UUID(booking["id"]), Settlement.PAID)
    result = await parts.desk.sequencer.submit(command)
    assert result.outcome is Outcome.UNFULFILLABLE
    (fact,) = await facts(connection, house.showtime_id, "booking.unfulfillable")
    assert fact["reason"] == "showtime_cancelled"
    assert fact["refund"] == {"amount": 18_000, "currency": "USD"}
    assert await counters(connection, house) == (0, 0, 0)


# What goes on by itself


async def test_more_than_is_ended_at_once_goes_on_by_itself(
    client: httpx.AsyncClient,
    database: Database,
    connection: RawConnection,
    parts: Parts,
    house: House,
    by_hand: None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(calling_off, "ENDED_TOGETHER", 2)
    monkeypatch.setattr(calling_off, "ENDED_AT_ONCE", 3)
    who = await buyers(connection, 9)
    made = [await book(client, house, one, "Box") for one in who]
    answer = await cancelled(client, house)
    assert (answer["ended"], answer["left"]) == (4, 5)
    # They are not free meanwhile: there is no way in, and no breach either.
    late = await client.post(f"{API}/bookings", json=house.order("Box"), headers=who[0])
    assert late.json()["code"] == "sales_closed"
    report = await audit(database)
    assert (report.is_clean, report.clearing) == (True, 1)

    held = [one for one in made if await status_of(client, house.organizer, one) == "reserved"]
    refused = await confirm(client, house.organizer, held[0]["id"])
    assert refused.json()["code"] == "sales_closed"
    again = await cancel(client, house.organizer, "events", house.event_id)
    assert (again.json()["ended"], again.json()["left"]) == (4, 1)
    await jobs.finish_call_offs(database, parts.desk.sequencer)
    assert await counters(connection, house) == (0, 0, 0)
    told = await facts(connection, house.showtime_id, "booking.cancelled")
    assert Counter(fact["bookingId"] for fact in told) == Counter(one["id"] for one in made)
    report = await audit(database)
    assert (report.is_clean, report.clearing) == (True, 0)


async def test_an_overloaded_house_is_cancelled_all_the_same(
    client: httpx.AsyncClient,
    database: Database,
    connection: RawConnection,
    parts: Parts,
    house: House,
    by_hand: None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (who,) = await buyers(connection, 1)
    booking = await book(client, house, who, "Box")
    sequencer = parts.desk.sequencer
    submit = sequencer.submit

    async def full(command: Command) -> Result:
        if isinstance(command, CallOff):
            raise Refused(OVERLOADED, retry_after_seconds=2)
        return await submit(command)

    monkeypatch.setattr(sequencer, "submit", full)
    answer = await cancelled(client, house)
    assert (answer["ended"], answer["left"]) == (0, 1)
    with pytest.raises(Refused):
        await jobs.finish_call_offs(database, sequencer)
    assert await status_of(client, who, booking) == "reserved"
    monkeypatch.undo()
    await jobs.finish_call_offs(database, sequencer)
    assert await status_of(client, who, booking) == "cancelled"


async def test_one_that_cannot_be_ended_holds_up_no_other(
    client: httpx.AsyncClient,
    database: Database,
    connection: RawConnection,
    parts: Parts,
    by_hand: None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(calling_off, "ENDED_AT_ONCE", 0)
    (who,) = await buyers(connection, 1)
    houses = sorted(
        [await open_house(client, [BOX]) for _ in range(3)], key=lambda one: one.showtime_id
    )
    made = [await book(client, one, who, "Box") for one in houses]
    for one in houses:
        assert (await cancelled(client, one))["left"] == 1
    sequencer = parts.desk.sequencer
    submit = sequencer.submit

    async def broken(command: Command) -> Result:
        if command.showtime_id == UUID(houses[0].showtime_id):
            raise ZeroDivisionError
        return await submit(command)

    monkeypatch.setattr(sequencer, "submit", broken)
    with pytest.raises(ZeroDivisionError):
        await jobs.finish_call_offs(database, sequencer)
    found = [await status_of(client, who, one) for one in made]
    assert found == ["reserved", "cancelled", "cancelled"]
    monkeypatch.undo()
    await jobs.finish_call_offs(database, sequencer)
    assert await status_of(client, who, made[0]) == "cancelled"


async def test_who_gives_up_before_their_turn_is_told_why_it_ended(
    client: httpx.AsyncClient,
    database: Database,
    connection: RawConnection,
    parts: Parts,
    by_hand: None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The event's own deadline for cancelling holds for events that take place."""
    monkeypatch.setattr(calling_off, "ENDED_AT_ONCE", 0)
    policy = {"cancellation": {"allowed": False}}
    house = await open_house(client, [BOX], policy=policy)
    (who,) = await buyers(connection, 1)
    booking = await book(client, house, who, "Box")
    assert (await confirm(client, house.organizer, booking["id"])).status_code == 200
    path = f"{API}/bookings/{booking['id']}/cancel"
    refused = await client.post(path, headers=who)
    assert refused.json()["code"] == "cancellation_closed"
    await cancelled(client, house)
    assert (await client.post(path, headers=who)).status_code == 200
    (fact,) = await facts(connection, house.showtime_id, "booking.cancelled")
    assert (fact["reason"], fact["refund"]["amount"]) == ("event_cancelled", 9_000)
    await jobs.finish_call_offs(database, parts.desk.sequencer)
    assert len(await facts(connection, house.showtime_id, "booking.cancelled")) == 1


@pytest.mark.parametrize("what", ["events", "showtimes"])
async def test_a_reservation_at_the_same_moment_is_ended_or_comes_too_late(
    client: httpx.AsyncClient,
    database: Database,
    connection: RawConnection,
    house: House,
    what: str,
) -> None:
    (who,) = await buyers(connection, 1)
    object_id = house.event_id if what == "events" else house.showtime_id
    lock = "SELECT 1 FROM inventories WHERE showtime_id = $1 FOR UPDATE"
    async with connection.transaction():
        await connection.execute(lock, UUID(house.showtime_id))
        both = [
            asyncio.ensure_future(one)
            for one in (
                client.post(f"{API}/bookings", json=house.order("Box"), headers=who),
                cancel(client, house.organizer, what, object_id),
            )
        ]
        await until_blocked(connection, 2)
    booked, ended = await asyncio.gather(*both)
    assert ended.status_code == 200
    if booked.status_code == 201:
        assert await status_of(client, who, booked.json()) == "cancelled"
    else:
        assert booked.json()["code"] == "sales_closed"
    assert await counters(connection, house) == (0, 0, 0)


async def test_a_showtime_that_has_begun_can_still_be_cancelled(
    client: httpx.AsyncClient, connection: RawConnection
) -> None:
    house = await open_house(client, [LAWN], starts_at=datetime.now(UTC) + timedelta(seconds=60))
    (who,) = await buyers(connection, 1)
    booking = await book(client, house, who, "Lawn")
    await connection.execute(
        "UPDATE showtimes SET starts_at = now() - interval '1 minute' WHERE id = $1",
        UUID(house.showtime_id),
    )
    assert (await cancelled(client, house, "showtimes"))["ended"] == 1
    assert await status_of(client, who, booking) == "cancelled"


@pytest.mark.parametrize("role", ["box_office", "viewer"])
async def test_members_who_change_no_events_do_not_cancel(
    client: httpx.AsyncClient, connection: RawConnection, house: House, role: str
) -> None:
    me = (await client.get(f"{API}/auth/me", headers=house.organizer)).json()
    other = await organizer(client)
    await join(connection, me["organizations"][0]["id"], other, role)
    answer = await cancel(client, other.headers, "events", house.event_id)
    assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")
