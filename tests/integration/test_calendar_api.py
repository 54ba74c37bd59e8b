"""Calendars to subscribe to, read back as programs for calendars read them."""

import asyncio
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
import icalendar
import pytest

from fullhouse.kit.db import RawConnection
from fullhouse.parts import Parts
from tests.support.catalog import API, in_days, made_event, made_hall
from tests.support.people import signed_in

SEATS = [{"name": "Seat", "price": {"amount": 700}, "sections": ["Main"]}]


async def organizer(client: httpx.AsyncClient) -> dict[str, str]:
    return await signed_in(client, role="ORGANIZER")


async def fetched(
    client: httpx.AsyncClient, path: str
) -> tuple[icalendar.Calendar, httpx.Response]:
    answer = await client.get(f"{API}/{path}/calendar.ics")
    assert answer.status_code == 200, answer.text
    read = icalendar.Calendar.from_ical(answer.content)
    assert isinstance(read, icalendar.Calendar)
    return read, answer


def entries(calendar: icalendar.Calendar) -> list[icalendar.Event]:
    """Everything in the calendar, all of which are events."""
    assert {one.name for one in calendar.subcomponents} <= {"VEVENT"}
    found = [one for one in calendar.subcomponents if isinstance(one, icalendar.Event)]
    for one in found:
        assert one.subcomponents == []
        assert not one.errors
    return found


async def test_there_is_none_of_what_nobody_may_see(
    client: httpx.AsyncClient, connection: RawConnection
) -> None:
    headers = await organizer(client)
    draft = await made_event(client, headers, publish=False)
    for path in (
        f"events/{draft['id']}",
        f"events/{draft['slug']}",
        f"events/{uuid4()}",
        "events/none",
        f"venues/{uuid4()}",
    ):
        for who in ({}, headers):
            answer = await client.get(f"{API}/{path}/calendar.ics", headers=who)
            assert (answer.status_code, answer.json()["code"]) == (404, "not_found"), path
    assert (await client.get(f"{API}/venues/x/calendar.ics")).status_code == 404
    # A draft that was called off was never announced.
    await connection.execute(
        "UPDATE events SET status = 'cancelled' WHERE id = $1", UUID(draft["id"])
    )
    assert (await client.get(f"{API}/events/{draft['id']}/calendar.ics")).status_code == 404
    public = await made_event(client, headers)
    await connection.execute(
        "UPDATE events SET deleted_at = now() WHERE id = $1", UUID(public["id"])
    )
    assert (await client.get(f"{API}/events/{public['id']}/calendar.ics")).status_code == 404


async def test_an_event(client: httpx.AsyncClient, connection: RawConnection) -> None:
    headers = await organizer(client)
    hall = await made_hall(
        client, headers, name="Old; Mill", address="Lane 1, left\n8001 Zürich", city="Zürich"
    )
    await connection.execute(
        "UPDATE venues SET latitude = 47.3769, longitude = 8.5417 WHERE id = $1",
        UUID(hall["venueId"]),
    )
    event = await made_event(
        client, headers, location=None, hallId=hall["id"], categories=SEATS,
        title="Ämne, with; a \\ and " + "a long tail " * 10, timezone="Europe/Zurich",
    )  # fmt: skip
    (showtime,) = event["showtimes"]
    calendar, answer = await fetched(client, f"events/{event['slug']}")
    assert answer.headers["content-type"] == "text/calendar; charset=utf-8"
    assert (str(calendar["version"]), str(calendar["prodid"])) == (
        "2.0",
        "-//Fullhouse//Fullhouse//EN",
    )
    assert str(calendar["x-wr-timezone"]) == "Europe/Zurich"
    assert str(calendar["name"]) == event["title"]
    (entry,) = entries(calendar)
    assert str(entry["uid"]) == showtime["id"]
    assert str(entry["summary"]) == event["title"]
    assert entry.start == datetime.fromisoformat(showtime["startsAt"])
    assert entry.end == datetime.fromisoformat(showtime["endsAt"])
    assert str(entry["status"]) == "CONFIRMED"
    assert str(entry["location"]) == "Hall 1, Old; Mill, Lane 1, left, 8001 Zürich, NP"
    assert entry["geo"].to_ical() == "47.3769;8.5417"
    # RFC 5545 §3.1: lines of at most 75 octets that end with CR and LF; times in UTC.
    lines = answer.content.split(b"\r\n")
    assert lines[-1] == b""
    assert max(map(len, lines)) <= 75
    assert b"\n" not in b"".join(lines)
    assert re.search(rb"\nDTSTART:\d{8}T\d{6}Z\r", answer.content)
    assert re.search(rb"\nDTSTAMP:\d{8}T\d{6}Z\r", answer.content)
    # By id as well as by slug.
    assert (await fetched(client, f"events/{event['id']}"))[1].content == answer.content


HOSTILE = [
    "End\r\nEND:VEVENT\r\nBEGIN:VALARM\r\nTRIGGER:-PT1M\r\nEND:VALARM",
    "Line\nATTACH:https://evil.example",
    "Carriage\rURL:https://evil.example",
    "Unicode\u2028BEGIN:VALARM\u2029X\u0085ORGANIZER:mailto:a@b",
    "Folded\r\n BEGIN:VALARM",
    "Escaped\\nBEGIN:VALARM",
    '";X=1:BEGIN:VALARM,;:\\',
    "Nul-like \x07\x1b[31m tabs\tand\x0bmore",
]  # fmt: skip


@pytest.mark.parametrize("title", HOSTILE, ids=range(len(HOSTILE)))
async def test_a_title_stays_a_title(
    client: httpx.AsyncClient, connection: RawConnection, title: str
) -> None:
    """Even one that no request could have set."""
    headers = await organizer(client)
    event = await made_event(client, headers, location="Some place")
    await connection.execute(
        "UPDATE events SET title = $2, location = $2 WHERE id = $1", UUID(event["id"]), title
    )
    calendar, answer = await fetched(client, f"events/{event['id']}")
    (entry,) = entries(calendar)
    known = {"UID", "DTSTAMP", "SEQUENCE", "DTSTART", "DTEND", "SUMMARY", "STATUS", "LOCATION"}
    assert set(entry) == known
    cleaned = re.sub(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+", " ", title)
    assert str(entry["summary"]) == str(entry["location"]) == cleaned
    # Also for a reader that takes any end of line for one.
    names = {line.partition(":")[0].partition(";")[0] for line in answer.text.splitlines()}
    assert not names & {"ATTACH", "ORGANIZER", "TRIGGER", "URL"}
    assert "BEGIN:VALARM" not in answer.text.splitlines()


async def test_changes_are_told_to_those_who_have_it(
    client: httpx.AsyncClient, connection: RawConnection
) -> None:
    headers = await organizer(client)
    event = await made_event(client, headers)
    (showtime,) = event["showtimes"]
    path = f"events/{event['id']}"
    calendar, answer = await fetched(client, path)
    (first,) = entries(calendar)
    etag = {"If-None-Match": answer.headers["etag"]}
    address = f"{API}/{path}/calendar.ics"
    assert (await client.get(address, headers=etag)).status_code == 304
    body = {"startsAt": in_days(50)}
    await client.patch(f"{API}/showtimes/{showtime['id']}", json=body, headers=headers)
    moved_to = datetime.fromisoformat(body["startsAt"])
    (second,) = await until(client, path, lambda found: found[0].start == moved_to)
    assert (await client.get(address, headers=etag)).status_code == 200
    assert str(second["uid"]) == str(first["uid"])
    assert second.sequence > first.sequence
    assert second.DTSTAMP >= first.DTSTAMP
    # One that was called off stays, and says so; one that was deleted is gone.
    added = await client.post(
        f"{API}/{path}/showtimes", json={"startsAt": in_days(51)}, headers=headers
    )
    await connection.execute(
        "UPDATE showtimes SET status = 'cancelled' WHERE id = $1", UUID(showtime["id"])
    )
    await connection.execute("SELECT pg_notify('fullhouse', 'events')")
    expected = {showtime["id"]: "CANCELLED", added.json()["id"]: "CONFIRMED"}
    await until(client, path, lambda found: statuses(found) == expected)
    await client.delete(f"{API}/showtimes/{added.json()['id']}", headers=headers)
    (left,) = await until(client, path, lambda found: len(found) == 1)
    assert str(left["uid"]) == showtime["id"]


async def test_addresses_that_others_make_up_are_not_kept(
    client: httpx.AsyncClient, parts: Parts
) -> None:
    event = await made_event(client, await organizer(client))
    path = f"{API}/events/{event['id']}/calendar.ics"
    plain = await client.get(path)
    assert plain.headers["Cache-Control"].startswith("public")
    before = len(parts.answers)
    for number in range(3):
        decorated = await client.get(f"{path}?utm_source={number}")
        assert (decorated.status_code, decorated.headers["Cache-Control"]) == (200, "no-store")
    assert len(parts.answers) == before


def statuses(found: list[icalendar.Event]) -> dict[str, str]:
    return {str(one["uid"]): str(one["status"]) for one in found}


async def until(
    client: httpx.AsyncClient, path: str, wanted: Callable[[list[icalendar.Event]], bool]
) -> list[icalendar.Event]:
    """The entries, once the kept answer has been dropped because a change was heard of."""
    for _ in range(1_000):
        found = entries((await fetched(client, path))[0])
        if wanted(found):
            return found
        await asyncio.sleep(0.01)
    raise AssertionError("nobody heard of it")


async def test_what_is_on_at_a_venue(client: httpx.AsyncClient, connection: RawConnection) -> None:
    headers = await organizer(client)
    hall = await made_hall(client, headers)
    path = f"venues/{hall['venueId']}"
    # Nothing has been published there yet, and the venue is its owner's.
    assert (await client.get(f"{API}/{path}/calendar.ics")).status_code == 404
    here: dict[str, Any] = {"location": None, "hallId": hall["id"], "categories": SEATS}
    late = await made_event(client, headers, title="Late", startsAt=in_days(9), **here)
    early = await made_event(client, headers, title="Early", startsAt=in_days(3), **here)
    await made_event(client, headers, title="Secret", startsAt=in_days(5), publish=False, **here)
    await made_event(client, headers, title="Elsewhere")
    await until(client, path, lambda found: titles(found) == ["Early", "Late"])
    assert str((await fetched(client, path))[0]["name"]) == "Grand Cinema"
    # What is over stays for thirty days.
    for event, days in ((early, 29), (late, 31)):
        ended = datetime.now(UTC) - timedelta(days=days)
        await connection.execute(
            "UPDATE showtimes SET starts_at = $2::timestamptz - interval '2 hours', ends_at = $2,"
            " busy_until = $2 WHERE event_id = $1",
            UUID(event["id"]),
            ended,
        )
    body = {"startsAt": in_days(7)}
    await made_event(client, headers, title="New", **here | body)
    await until(client, path, lambda found: titles(found) == ["Early", "New"])


def titles(found: list[icalendar.Event]) -> list[str]:
    return [str(one["summary"]) for one in found]


async def test_there_is_an_end_to_it(client: httpx.AsyncClient, connection: RawConnection) -> None:
    headers = await organizer(client)
    event = await made_event(client, headers)
    await connection.execute(
        "WITH made AS (INSERT INTO showtimes (id, event_id, status, starts_at, ends_at)"
        " SELECT gen_random_uuid(), $1, 'scheduled', now() + n * interval '1 day',"
        " now() + n * interval '1 day' + interval '1 hour' FROM generate_series(1, 1010) AS n"
        " RETURNING id) INSERT INTO inventories (showtime_id) SELECT id FROM made",
        UUID(event["id"]),
    )
    found = entries((await fetched(client, f"events/{event['slug']}"))[0])
    assert len(found) == 1_000
    starts = [one.start for one in found]
    assert starts == sorted(starts)
    assert starts[0] < datetime.now(UTC) + timedelta(days=2)
