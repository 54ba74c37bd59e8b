"""One hall, one showtime at a time."""

import asyncio
from collections.abc import Collection
from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import httpx
import pytest
from sqlalchemy.ext.asyncio import AsyncConnection

from fullhouse.catalog.store import schedule, showtime_writes
from fullhouse.kit.db import RawConnection
from tests.support.catalog import API, made_event, made_hall
from tests.support.organizations import administrator
from tests.support.people import signed_in

SEATS = [{"name": "Seat", "price": {"amount": 700}, "sections": ["Main"]}]
TEN = datetime.now(UTC).replace(hour=10, minute=0, second=0, microsecond=0) + timedelta(days=20)


def at(minutes: int, lasting: int = 60) -> dict[str, str]:
    """A showtime so long after ten o'clock."""
    start = TEN + timedelta(minutes=minutes)
    return {
        "startsAt": start.isoformat(),
        "endsAt": (start + timedelta(minutes=lasting)).isoformat(),
    }


async def event_in(
    client: httpx.AsyncClient, headers: dict[str, str], hall: dict[str, Any], **fields: Any
) -> dict[str, Any]:
    """An event in a hall, with a showtime from ten to eleven unless told otherwise."""
    body = {"location": None, "hallId": hall["id"], "categories": SEATS, **at(0), **fields}
    return await made_event(client, headers, **body)


async def add(
    client: httpx.AsyncClient, headers: dict[str, str], event: dict[str, Any], body: dict[str, str]
) -> httpx.Response:
    path = f"{API}/events/{event['id']}/showtimes"
    return await client.post(path, json=body, headers=headers)


@pytest.mark.parametrize(
    ("minutes", "lasting", "free"),
    [
        (0, 60, False),
        (30, 10, False),
        (-30, 120, False),
        (59, 60, False),
        (-60, 61, False),
        (60, 60, True),
        (-60, 60, True),
    ],
)
async def test_showtimes_in_one_hall_do_not_overlap(
    client: httpx.AsyncClient, minutes: int, lasting: int, free: bool
) -> None:
    headers = await signed_in(client, role="ORGANIZER")
    hall = await made_hall(client, headers)
    event = await event_in(client, headers, hall)
    answer = await add(client, headers, event, at(minutes, lasting))
    if free:
        assert answer.status_code == 201, answer.text
        return
    assert (answer.status_code, answer.json()["code"]) == (409, "schedule_conflict")
    (taken,) = event["showtimes"]
    conflict = answer.json()["conflict"]
    assert conflict["showtimeId"] == taken["id"]
    assert conflict["title"] == event["title"]
    assert datetime.fromisoformat(conflict["startsAt"]) == TEN
    shown = await client.get(f"{API}/events/{event['id']}", headers=headers)
    assert len(shown.json()["showtimes"]) == 1


async def test_showtimes_of_one_request_that_overlap(
    client: httpx.AsyncClient, connection: RawConnection
) -> None:
    headers = await signed_in(client, role="ORGANIZER")
    hall = await made_hall(client, headers)
    await connection.execute(
        "UPDATE venues SET cleaning_minutes = 15 WHERE id = $1", UUID(hall["venueId"])
    )
    body = {"title": "Mine", "currency": "USD", "hallId": hall["id"], "categories": SEATS}
    showtimes = [at(74), at(0)]
    answer = await client.post(
        f"{API}/events", json=body | {"showtimes": showtimes}, headers=headers
    )
    assert (answer.status_code, answer.json()["code"]) == (422, "validation_failed"), answer.text
    (error,) = answer.json()["errors"]
    assert error["pointer"] == "/showtimes/0/startsAt"
    for moment in (TEN, TEN + timedelta(minutes=75)):
        assert moment.isoformat().replace("+00:00", "Z") in error["detail"]
    assert (await client.get(f"{API}/organizer/events", headers=headers)).json()["items"] == []
    made = await made_event(
        client, headers, **body | {"location": None, "startsAt": None}, showtimes=[at(75), at(0)]
    )
    # The hall needs more time by now: what is copied would not fit any more.
    await connection.execute(
        "UPDATE venues SET cleaning_minutes = 16 WHERE id = $1", UUID(hall["venueId"])
    )
    copied = await client.post(
        f"{API}/events/{made['id']}/duplicate", json={"shiftDays": 7}, headers=headers
    )
    assert (copied.status_code, copied.json()["code"]) == (422, "validation_failed"), copied.text
    assert [error["pointer"] for error in copied.json()["errors"]] == ["/shiftDays"]


async def test_conflicts_are_told_in_utc(client: httpx.AsyncClient) -> None:
    headers = await signed_in(client, role="ORGANIZER")
    event = await event_in(client, headers, await made_hall(client, headers))
    start = TEN.astimezone(timezone(timedelta(hours=2)))
    answer = await add(client, headers, event, {"startsAt": start.isoformat()})
    (told,) = answer.json()["conflicts"]
    utc = TEN.isoformat().replace("+00:00", "Z")
    assert (told["startsAt"], told["conflict"]["startsAt"]) == (utc, utc)
    assert told["conflict"]["busyUntil"].endswith("Z")


async def test_cleaning_takes_its_time(
    client: httpx.AsyncClient, connection: RawConnection
) -> None:
    headers = await signed_in(client, role="ORGANIZER")
    hall = await made_hall(client, headers)
    await connection.execute(
        "UPDATE venues SET cleaning_minutes = 15 WHERE id = $1", UUID(hall["venueId"])
    )
    event = await event_in(client, headers, hall)
    for minutes, status in ((74, 409), (75, 201), (-74, 409), (-75, 201)):
        answer = await add(client, headers, event, at(minutes))
        assert answer.status_code == status, minutes
    await connection.execute(
        "UPDATE halls SET cleaning_minutes = 0 WHERE id = $1", UUID(hall["id"])
    )
    # Only new ones: what was planned with a pause keeps it.
    assert (await add(client, headers, event, at(149))).status_code == 409
    assert (await add(client, headers, event, at(150))).status_code == 201
    assert (await add(client, headers, event, at(210))).status_code == 201


async def test_two_halls_and_no_hall_are_no_conflict(client: httpx.AsyncClient) -> None:
    headers = await signed_in(client, role="ORGANIZER")
    one, other = await made_hall(client, headers), await made_hall(client, headers)
    await event_in(client, headers, one)
    await event_in(client, headers, other)
    for _ in range(2):
        await made_event(client, headers, **at(0))


@pytest.mark.parametrize("status", ["draft", "cancelled"])
async def test_what_others_have_not_announced_stays_their_secret(
    client: httpx.AsyncClient, connection: RawConnection, status: str
) -> None:
    root = await administrator(client, connection)
    hall = await made_hall(client, root.headers)  # everybody's
    first, second = [await signed_in(client, role="ORGANIZER") for _ in range(2)]
    secret = await event_in(client, first, hall, publish=False, title=f"Secret {uuid4().hex}")
    body = {"title": "Mine", "currency": "USD", "hallId": hall["id"], "categories": SEATS, **at(30)}
    if status == "cancelled":
        # What was over by then keeps its hall.
        yesterday = "starts_at = starts_at - interval '21 days', ends_at = ends_at - interval"
        await connection.execute(
            f"UPDATE showtimes SET {yesterday} '21 days', busy_until = NULL WHERE event_id = $1",
            UUID(secret["id"]),
        )
        answer = await client.post(f"{API}/events/{secret['id']}/cancel", headers=first)
        assert answer.status_code == 200, answer.text
        body |= at(30 - 21 * 24 * 60)
    answer = await client.post(f"{API}/events", json=body, headers=second)
    assert (answer.status_code, answer.json()["code"]) == (409, "schedule_conflict")
    assert answer.json()["conflict"].keys() == {"startsAt", "busyUntil"}
    assert secret["title"] not in answer.text
    # Nothing of the refused event is left.
    mine = await client.get(f"{API}/organizer/events", headers=second)
    assert mine.json()["items"] == []
    assert (await client.post(f"{API}/events", json=body, headers=first)).json()["conflict"][
        "title"
    ] == secret["title"]


async def test_many_at_the_same_moment_get_the_hall_once(client: httpx.AsyncClient) -> None:
    headers = await signed_in(client, role="ORGANIZER")
    hall = await made_hall(client, headers)
    undated = {"startsAt": None, "endsAt": None, "publish": False}
    events = [await event_in(client, headers, hall, **undated) for _ in range(6)]
    answers = await asyncio.gather(
        *(add(client, headers, event, at(place)) for place, event in enumerate(events))
    )
    assert sorted(answer.status_code for answer in answers) == [201, 409, 409, 409, 409, 409]


async def test_the_database_refuses_it_by_itself(
    client: httpx.AsyncClient, connection: RawConnection
) -> None:
    headers = await signed_in(client, role="ORGANIZER")
    hall = await made_hall(client, headers)
    event = await event_in(client, headers, hall)
    copy = (
        "INSERT INTO showtimes (id, event_id, hall_id, status, starts_at, ends_at)"
        " SELECT gen_random_uuid(), event_id, hall_id, $2, starts_at + interval '30 minutes',"
        " ends_at + interval '30 minutes' FROM showtimes WHERE id = $1"
    )
    showtime = UUID(event["showtimes"][0]["id"])
    with pytest.raises(asyncpg.ExclusionViolationError):
        await connection.execute(copy, showtime, "scheduled")
    await connection.execute(copy, showtime, "cancelled")


class Constraint:
    """How often the last guard had to say no."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.refusals = 0
        real = showtime_writes._try

        async def counted(connection: AsyncConnection, statement: Any) -> bool:
            done = await real(connection, statement)
            self.refusals += not done
            return done

        monkeypatch.setattr(showtime_writes, "_try", counted)


async def _add_or_move(
    client: httpx.AsyncClient, headers: dict[str, str], event: dict[str, Any], way: str
) -> httpx.Response:
    """Ask for the hall from ten to eleven, with a new showtime or with one that is there."""
    if way == "add":
        return await add(client, headers, event, at(0))
    if way == "move":
        path = f"{API}/showtimes/{event['showtimes'][0]['id']}"
        return await client.patch(path, json=at(0), headers=headers)
    body = {"from": TEN.date().isoformat(), "to": TEN.date().isoformat(), "times": ["10:00"]}
    path = f"{API}/events/{event['id']}/showtimes/generate"
    return await client.post(path, json=body | {"durationMinutes": 60}, headers=headers)


@pytest.mark.parametrize("locked", [True, False], ids=["locked", "lock-taken-away"])
@pytest.mark.parametrize(
    "ways",
    [("add", "add"), ("move", "move"), ("add", "move"), ("generate", "move")],
    ids="-".join,
)
async def test_two_transactions_at_the_same_moment(
    client: httpx.AsyncClient,
    monkeypatch: pytest.MonkeyPatch,
    ways: tuple[str, str],
    locked: bool,
) -> None:
    """With the lock of the hall the second sees the first; without it the constraint decides."""
    headers = await signed_in(client, role="ORGANIZER")
    hall = await made_hall(client, headers, timezone="UTC")
    events = [await event_in(client, headers, hall, **at(1_000 * n)) for n in (1, 2)]
    constraint = Constraint(monkeypatch)
    if not locked:
        take_away_the_lock(monkeypatch, parties=2)
    answers = await asyncio.gather(
        *(_add_or_move(client, headers, one, way) for one, way in zip(events, ways, strict=True))
    )
    assert sorted(answer.is_success for answer in answers) == [False, True]
    (lost,) = [answer for answer in answers if not answer.is_success]
    assert (lost.status_code, lost.json()["code"]) == (409, "schedule_conflict"), lost.text
    assert datetime.fromisoformat(lost.json()["conflict"]["startsAt"]) == TEN
    assert (constraint.refusals == 0) is locked


def take_away_the_lock(monkeypatch: pytest.MonkeyPatch, parties: int) -> None:
    """Let so many see that the hall is free before any of them takes it."""
    looked = schedule.conflicts
    there = asyncio.Barrier(parties)

    async def unlocked(
        connection: AsyncConnection, hall_ids: Collection[UUID]
    ) -> dict[UUID, timedelta]:
        return dict.fromkeys(hall_ids, timedelta())

    async def together(connection: AsyncConnection, wanted: Any, **rest: Any) -> Any:
        nonlocal parties
        found = await looked(connection, wanted, **rest)
        if parties:
            parties -= 1
            await there.wait()
        return found

    monkeypatch.setattr(schedule, "lock_halls", unlocked)
    monkeypatch.setattr(schedule, "conflicts", together)
