"""Many showtimes at once, by dates or by a rule, through HTTP."""

import asyncio
import json
import re
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

import httpx
import pytest
import sqlalchemy as sa

from fullhouse.api.context import request_id
from fullhouse.catalog.store.showtime_writes import NewShowtime, insert_showtimes
from fullhouse.kit.db import Database, RawConnection
from fullhouse.kit.ids import new_id
from fullhouse.parts import Parts
from tests.support.catalog import API, made_event, made_hall, made_hall_in
from tests.support.people import signed_in

ZURICH = ZoneInfo("Europe/Zurich")
SEATS = [{"name": "Seat", "price": {"amount": 700}, "sections": ["Main"]}]
# A Monday far enough ahead, in summer.
MONDAY = date(2027, 6, 7)
# When clocks there are put forward from two to three, and back from three to two.
FORWARD, BACK = date(2027, 3, 28), date(2027, 10, 31)


async def organizer(client: httpx.AsyncClient) -> dict[str, str]:
    return await signed_in(client, role="ORGANIZER")


async def cinema(
    client: httpx.AsyncClient, headers: dict[str, str], **fields: Any
) -> dict[str, Any]:
    """A draft in a hall in Zurich, without a showtime; its film lasts 100 minutes."""
    hall = await made_hall(client, headers, city="Zurich", country="CH", timezone="Europe/Zurich")
    body = {"location": None, "hallId": hall["id"], "venueId": hall["venueId"], **fields}
    return await made_event(
        client,
        headers,
        **{"categories": SEATS, "startsAt": None, "publish": False, "durationMinutes": 100, **body},
    )


def days(first: date, count: int = 1, **fields: Any) -> dict[str, Any]:
    """So many days from one on, with one showtime at eight in the evening unless told otherwise."""
    last = first + timedelta(days=count - 1)
    return {"from": first.isoformat(), "to": last.isoformat(), "times": ["20:00"], **fields}


async def generate(
    client: httpx.AsyncClient, headers: dict[str, str], event: dict[str, Any], body: dict[str, Any]
) -> httpx.Response:
    path = f"{API}/events/{event['id']}/showtimes/generate"
    return await client.post(path, json=body, headers=headers)


async def series(
    client: httpx.AsyncClient, headers: dict[str, str], event: dict[str, Any], body: dict[str, Any]
) -> httpx.Response:
    path = f"{API}/events/{event['id']}/showtimes/series"
    return await client.post(path, json=body, headers=headers)


def made(answer: httpx.Response) -> tuple[list[str], list[tuple[str, str]]]:
    """What clocks in Zurich show at what was made, and what was left out and why."""
    assert answer.status_code == 201, answer.text
    body = answer.json()
    starts = [datetime.fromisoformat(one["startsAt"]) for one in body["created"]]
    shown = [start.astimezone(ZURICH).replace(tzinfo=None) for start in starts]
    return (
        [at.isoformat(timespec="minutes") for at in shown],
        [(one["local"], one["reason"]) for one in body["skipped"]],
    )


async def listed(
    client: httpx.AsyncClient, headers: dict[str, str], event: dict[str, Any]
) -> list[dict[str, Any]]:
    query = {"eventId": event["id"], "limit": "100"}
    answer = await client.get(f"{API}/organizer/showtimes", params=query, headers=headers)
    items: list[dict[str, Any]] = answer.json()["items"]
    return items


# Refusals


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"to": "2027-06-06"}, "/to"),
        ({"to": "2028-06-07"}, "/to"),
        ({"times": []}, "/times"),
        ({"times": ["24:00"]}, "/times/0"),
        ({"times": ["8pm"]}, "/times/0"),
        ({"times": ["20:00:00"]}, "/times/0"),
        ({"times": [f"{hour:02}:00" for hour in range(24)], "to": "2027-07-30"}, "/times"),
        ({"durationMinutes": 0}, "/durationMinutes"),
        ({"durationMinutes": 10_081}, "/durationMinutes"),
        ({"weekdays": []}, "/weekdays"),
        ({"weekdays": ["MON"]}, "/weekdays/0"),
        ({"daysOff": ["tomorrow"]}, "/daysOff/0"),
        ({"from": "9999-12-31", "to": "9999-12-31"}, "/from"),
        ({"from": "0001-01-01"}, "/from"),
        ({"hallId": str(uuid4())}, "/hallId"),
        ({"until": "2027-06-08"}, "/until"),
    ],
    ids=lambda case: next(iter(case)) if isinstance(case, dict) else None,
)
async def test_what_cannot_be_generated(
    client: httpx.AsyncClient, change: dict[str, Any], pointer: str
) -> None:
    headers = await organizer(client)
    event = await cinema(client, headers)
    answer = await generate(client, headers, event, days(MONDAY) | change)
    assert (answer.status_code, answer.json()["code"]) == (422, "validation_failed"), answer.text
    assert [error["pointer"] for error in answer.json()["errors"]] == [pointer]
    assert await listed(client, headers, event) == []


@pytest.mark.parametrize(
    ("repeat", "pointer"),
    [
        ({"every": "week"}, "/repeat/until"),
        ({"every": "week", "count": 2, "until": "2027-07-01"}, "/repeat/count"),
        ({"every": "week", "until": "2027-06-01"}, "/repeat/until"),
        ({"every": "week", "until": "2028-07-01"}, "/repeat/until"),
        ({"every": "month", "count": 14}, "/repeat/count"),
        ({"every": "week", "nth": 1, "count": 1}, "/repeat/nth"),
        ({"every": "month", "nth": 0, "count": 1}, "/repeat/nth"),
        ({"every": "year", "count": 1}, "/repeat/every"),
        ({"every": "day", "interval": 0, "count": 1}, "/repeat/interval"),
        ({"every": "day", "count": 0}, "/repeat/count"),
        ({"every": "week", "weekdays": ["XX"], "count": 1}, "/repeat/weekdays/0"),
    ],
    ids=[
        "endless",
        "two-ends",
        "backwards",
        "long",
        "count",
        "nth",
        "zeroth",
        "year",
        "interval",
        "none",
        "day",
    ],
)
async def test_rules_that_make_no_sense(
    client: httpx.AsyncClient, repeat: dict[str, Any], pointer: str
) -> None:
    headers = await organizer(client)
    event = await cinema(client, headers)
    body = {"from": MONDAY.isoformat(), "times": ["20:00"], "repeat": repeat}
    answer = await series(client, headers, event, body)
    assert (answer.status_code, answer.json()["code"]) == (422, "validation_failed"), answer.text
    assert [error["pointer"] for error in answer.json()["errors"]] == [pointer]


async def test_who_may_not(client: httpx.AsyncClient, connection: RawConnection) -> None:
    headers, other = await organizer(client), await organizer(client)
    draft = await cinema(client, headers)
    public = await made_event(client, headers)
    assert (await generate(client, {}, draft, days(MONDAY))).status_code == 401
    assert (await generate(client, other, draft, days(MONDAY))).status_code == 404
    assert (await generate(client, other, public, days(MONDAY))).status_code == 403
    assert (await generate(client, headers, {"id": uuid4()}, days(MONDAY))).status_code == 404
    await connection.execute("UPDATE events SET status = 'ended' WHERE id = $1", UUID(public["id"]))
    answer = await generate(client, headers, public, days(MONDAY))
    assert (answer.status_code, answer.json()["code"]) == (409, "event_closed")


async def test_all_that_is_in_the_way_is_named_and_nothing_made(
    client: httpx.AsyncClient, connection: RawConnection
) -> None:
    headers = await organizer(client)
    event = await cinema(client, headers)
    hall = event["hall"]["id"]
    other = await made_event(
        client, headers, location=None, hallId=hall, categories=SEATS,
        startsAt="2027-06-08T18:30:00Z", title="The other",
    )  # fmt: skip
    body = days(MONDAY, 4, times=["14:00", "18:20", "20:00"], weekdays=["MO", "TU"])
    answer = await generate(client, headers, event, body)
    assert (answer.status_code, answer.json()["code"]) == (409, "schedule_conflict")
    problem = answer.json()
    found = [(one["startsAt"], one["conflict"].get("title")) for one in problem["conflicts"]]
    assert found == [("2027-06-08T18:00:00Z", "The other")]
    assert problem["conflict"] == problem["conflicts"][0]["conflict"]
    assert problem["conflict"]["startsAt"] == "2027-06-08T18:30:00Z"
    assert problem["conflict"]["showtimeId"] == other["showtimes"][0]["id"]
    assert await listed(client, headers, event) == []
    noted = await connection.fetchval(
        "SELECT count(*) FROM audit_log WHERE object_id = $1 AND action LIKE '%showtimes%'",
        event["id"],
    )
    assert noted == 0
    # Left out where that is asked for, and each with what is in its way: maybe one of the rule's.
    body |= {"times": ["14:00", "20:00", "21:00"], "skipConflicts": True}
    answer = await generate(client, headers, event, body)
    assert made(answer) == (
        ["2027-06-07T14:00", "2027-06-07T20:00", "2027-06-08T14:00"],
        [
            ("2027-06-07T21:00", "schedule_conflict"),
            ("2027-06-08T20:00", "schedule_conflict"),
            ("2027-06-08T21:00", "schedule_conflict"),
        ],
    )
    assert answer.json()["skipped"][1]["conflict"]["eventId"] == other["id"]
    assert answer.json()["skipped"][1]["conflict"]["startsAt"] == "2027-06-08T18:30:00Z"


async def test_times_that_are_in_each_others_way(client: httpx.AsyncClient) -> None:
    headers = await organizer(client)
    event = await cinema(client, headers)
    # Another's showtime on the way changes nothing: moving it would not help.
    await made_event(
        client, headers, location=None, hallId=event["hall"]["id"], categories=SEATS,
        startsAt="2027-06-08T01:00:00Z",
    )  # fmt: skip
    body = days(MONDAY, 2, times=["18:00", "23:30", "02:30"], durationMinutes=240)
    rule = {name: body[name] for name in ("from", "times", "durationMinutes")}
    for answer in (
        await generate(client, headers, event, body),
        await series(client, headers, event, rule | {"repeat": {"every": "day", "count": 2}}),
    ):
        assert (answer.status_code, answer.json()["code"]) == (422, "validation_failed")
        assert answer.json()["errors"] == [
            {
                "pointer": "/times/2",
                "detail": "2027-06-08 at 02:30 is too soon after 2027-06-07 at 23:30: each has the"
                " hall for 240 minutes, cleaning included",
            }
        ]
    # One a day can be too many.
    long = days(MONDAY, 2, durationMinutes=24 * 60 + 1)
    answer = await generate(client, headers, event, long)
    assert [error["pointer"] for error in answer.json()["errors"]] == ["/times/0"]
    assert await listed(client, headers, event) == []


async def test_cleaning_counts_between_them(
    client: httpx.AsyncClient, connection: RawConnection
) -> None:
    headers = await organizer(client)
    event = await cinema(client, headers)
    await connection.execute(
        "UPDATE halls SET cleaning_minutes = 20 WHERE id = $1", UUID(event["hall"]["id"])
    )
    body = days(MONDAY, times=["18:00", "20:00"], durationMinutes=100)
    assert made(await generate(client, headers, event, body))[0] == [
        "2027-06-07T18:00", "2027-06-07T20:00",
    ]  # fmt: skip
    tight = days(MONDAY + timedelta(days=1), times=["18:00", "20:00"], durationMinutes=101)
    answer = await generate(client, headers, event, tight)
    (error,) = answer.json()["errors"]
    assert (answer.status_code, error["pointer"]) == (422, "/times/1")
    assert "121 minutes" in error["detail"]


# What is made


async def test_days_times_and_days_off(
    client: httpx.AsyncClient, connection: RawConnection
) -> None:
    headers = await organizer(client)
    event = await cinema(client, headers)
    body = days(
        MONDAY, 14, times=["20:00", "17:30", "20:00"], weekdays=["SU", "FR"], daysOff=["2027-06-13"]
    )
    answer = await generate(client, headers, event, body)
    made_at, skipped = made(answer)
    assert skipped == []
    assert made_at == [
        "2027-06-11T17:30", "2027-06-11T20:00", "2027-06-18T17:30", "2027-06-18T20:00",
        "2027-06-20T17:30", "2027-06-20T20:00",
    ]  # fmt: skip
    created = {one["id"]: one for one in answer.json()["created"]}
    shown = await listed(client, headers, event)
    assert {one["id"] for one in shown} == created.keys()
    for one in shown:
        assert one["startsAt"] == created[one["id"]]["startsAt"]
        length = datetime.fromisoformat(one["endsAt"]) - datetime.fromisoformat(one["startsAt"])
        assert length == timedelta(minutes=100)  # the film's
        assert [(place["capacity"], place["available"]) for place in one["categories"]] == [
            (100, 100)
        ]
        assert one["hall"]["id"] == event["hall"]["id"]
        assert one["seatMapId"] is not None
    noted = await connection.fetchval(
        "SELECT after FROM audit_log WHERE object_id = $1 AND action = 'event.showtimes_added'",
        event["id"],
    )
    assert json.loads(noted)["count"] == 6


async def test_doing_it_again_makes_nothing(
    client: httpx.AsyncClient, connection: RawConnection
) -> None:
    headers = await organizer(client)
    event = await cinema(client, headers)
    first, _ = made(await generate(client, headers, event, days(MONDAY, 2)))
    # Also with another length: then and there is one already.
    again = await generate(client, headers, event, days(MONDAY, 3, durationMinutes=30))
    assert made(again) == (["2027-06-09T20:00"], [(start, "exists") for start in first])
    # What was cancelled or deleted is not there any more.
    await connection.execute(
        "UPDATE showtimes SET status = 'cancelled' WHERE event_id = $1"
        " AND starts_at = '2027-06-07T18:00:00Z'",
        UUID(event["id"]),
    )
    assert made(await generate(client, headers, event, days(MONDAY, 3)))[0] == ["2027-06-07T20:00"]
    # Another hall is another place.
    other = await made_hall_in(client, headers, event["venue"]["id"], "Hall 2")
    assert (
        len(made(await generate(client, headers, event, days(MONDAY, 2, hallId=other["id"])))[0])
        == 2
    )


async def test_what_is_over_is_left_out(client: httpx.AsyncClient) -> None:
    headers = await organizer(client)
    event = await cinema(client, headers)
    today = datetime.now(ZURICH).date()
    answer = await generate(client, headers, event, days(today - timedelta(days=1), 4))
    made_at, skipped = made(answer)
    yesterday = datetime.combine(today - timedelta(days=1), time(20)).isoformat(timespec="minutes")
    assert (yesterday, "past") in skipped
    assert len(made_at) + len(skipped) == 4
    assert all(
        datetime.fromisoformat(at).replace(tzinfo=ZURICH) > datetime.now(UTC) for at in made_at
    )


async def test_times_that_do_not_exist_and_that_come_twice(client: httpx.AsyncClient) -> None:
    headers = await organizer(client)
    event = await cinema(client, headers)
    times = ["01:00", "02:30", "03:00"]
    body = days(FORWARD, times=times, durationMinutes=30)
    answer = await generate(client, headers, event, body)
    assert made(answer) == (
        ["2027-03-28T01:00", "2027-03-28T03:00"],
        [("2027-03-28T02:30", "nonexistent_local_time")],
    )
    assert answer.json()["skipped"][0]["startsAt"] is None
    body = days(BACK, times=times, durationMinutes=30)
    starts = [
        one["startsAt"] for one in (await generate(client, headers, event, body)).json()["created"]
    ]
    assert starts == ["2027-10-30T23:00:00Z", "2027-10-31T00:30:00Z", "2027-10-31T02:00:00Z"]


async def test_a_series(client: httpx.AsyncClient) -> None:
    headers = await organizer(client)
    event = await cinema(client, headers)
    rule: dict[str, Any] = {
        "every": "month", "interval": 2, "weekdays": ["FR"], "nth": -1, "count": 3,
        "daysOff": ["2027-08-27"],
    }  # fmt: skip
    body: dict[str, Any] = {"from": MONDAY.isoformat(), "times": ["20:00"], "repeat": rule}
    assert made(await series(client, headers, event, body)) == (
        ["2027-06-25T20:00", "2027-10-29T20:00"],
        [],
    )
    rule = {"every": "week", "interval": 2, "weekdays": ["MO", "TH"], "until": "2027-07-01"}
    body |= {"repeat": rule, "durationMinutes": 45}
    assert made(await series(client, headers, event, body))[0] == [
        "2027-06-07T20:00", "2027-06-10T20:00", "2027-06-21T20:00", "2027-06-24T20:00",
    ]  # fmt: skip


async def test_without_a_hall_nothing_is_in_the_way(client: httpx.AsyncClient) -> None:
    headers = await organizer(client)
    event = await made_event(
        client, headers, timezone="Asia/Kathmandu", startsAt=None, publish=False
    )
    body = days(MONDAY, times=["20:00", "20:30"])
    answer = await generate(client, headers, event, body)
    assert [one["startsAt"] for one in answer.json()["created"]] == [
        "2027-06-07T14:15:00Z", "2027-06-07T14:45:00Z",
    ]  # fmt: skip


# Many


async def test_a_thousand_take_as_many_statements_as_two(
    client: httpx.AsyncClient, parts: Parts, connection: RawConnection
) -> None:
    headers = await organizer(client)
    engine = parts.database._engine.sync_engine
    counts = []
    for times in (["10:00"], ["10:00", "12:00", "14:00"]):
        event = await cinema(client, headers)
        statements: list[str] = []
        ours = f"times-{len(times)}"

        def note(*details: Any, into: list[str] = statements, ours: str = ours) -> None:
            # Others find out who is asking, and that is kept for a while; jobs have no request.
            if request_id() == ours and re.search("showtimes|inventories|allotments", details[2]):
                into.append(details[2])

        sa.event.listen(engine, "before_cursor_execute", note)
        try:
            body = days(MONDAY, 2 if len(times) == 1 else 333, times=times)
            answer = await generate(client, headers | {"X-Request-Id": ours}, event, body)
        finally:
            sa.event.remove(engine, "before_cursor_execute", note)
        counts.append(len(statements))
    assert len(answer.json()["created"]) == 999
    assert counts[0] == counts[1] > 0
    rows = await connection.fetchrow(
        "SELECT count(*), count(i.showtime_id), count(a.showtime_id) FROM showtimes s"
        " LEFT JOIN inventories i ON i.showtime_id = s.id"
        " LEFT JOIN allotments a ON a.showtime_id = s.id WHERE s.event_id = $1",
        UUID(event["id"]),
    )
    assert rows is not None
    assert tuple(rows) == (999, 999, 999)


async def test_two_at_the_same_moment_make_each_once(client: httpx.AsyncClient) -> None:
    headers = await organizer(client)
    event = await cinema(client, headers)
    answers = await asyncio.gather(
        *(generate(client, headers, event, days(MONDAY, 20)) for _ in range(4))
    )
    assert sorted(len(answer.json()["created"]) for answer in answers) == [0, 0, 0, 20]
    assert len(await listed(client, headers, event)) == 20


async def test_none_is_inserted_where_one_is_refused(
    client: httpx.AsyncClient, database: Database
) -> None:
    """The constraint alone: with one that overlaps the whole statement comes to nothing."""
    headers = await organizer(client)
    event = await cinema(client, headers)
    hall = UUID(event["hall"]["id"])
    ten = datetime(2027, 6, 7, 10, tzinfo=UTC)

    def new(minutes: int) -> NewShowtime:
        starts_at = ten + timedelta(minutes=minutes)
        ends_at = starts_at + timedelta(minutes=60)
        return NewShowtime(new_id(), hall, None, starts_at, ends_at, ends_at, {})

    async with database.begin() as connection:
        assert await insert_showtimes(connection, UUID(event["id"]), [new(0), new(60)])
        assert not await insert_showtimes(connection, UUID(event["id"]), [new(120), new(59)])
    assert len(await listed(client, headers, event)) == 2
