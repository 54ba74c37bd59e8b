"""Events made of others, through HTTP, refusals first."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import httpx
import pytest

from fullhouse.catalog.planning import days_later
from fullhouse.kit.db import RawConnection
from tests.support.catalog import API, in_days, made_event, made_hall
from tests.support.house import open_house
from tests.support.people import signed_in

EVENTS = f"{API}/events"
NOBODY = "01900000-0000-7000-8000-000000000000"
SEATS = [{"name": "Seats", "price": {"amount": 5_000}, "sections": ["Main"]}]


async def organizer(client: httpx.AsyncClient) -> dict[str, str]:
    return await signed_in(client, role="ORGANIZER")


async def copy(
    client: httpx.AsyncClient, event_id: str, headers: dict[str, str], **fields: Any
) -> httpx.Response:
    return await client.post(f"{EVENTS}/{event_id}/duplicate", json=fields, headers=headers)


@pytest.mark.parametrize(
    ("fields", "pointer"),
    [
        ({"title": ""}, "/title"),
        ({"shiftDays": 0}, "/shiftDays"),
        ({"shiftDays": 3_661}, "/shiftDays"),
        ({"shiftDays": 1.5}, "/shiftDays"),
        ({"publish": True}, "/publish"),
        ({"organizationId": NOBODY}, "/organizationId"),
    ],
)
async def test_copies_that_make_no_sense(
    client: httpx.AsyncClient, fields: dict[str, Any], pointer: str
) -> None:
    headers = await organizer(client)
    event = await made_event(client, headers)
    answer = await copy(client, event["id"], headers, **fields)
    assert answer.status_code == 422, answer.text
    assert [error["pointer"] for error in answer.json()["errors"]] == [pointer]


async def test_who_may_not_copy(client: httpx.AsyncClient) -> None:
    headers, other = await organizer(client), await organizer(client)
    event = await made_event(client, headers)
    draft = await made_event(client, headers, publish=False)
    assert (await copy(client, event["id"], {})).status_code == 401
    assert (await copy(client, event["id"], other)).status_code == 403
    assert (await copy(client, draft["id"], other)).status_code == 404
    assert (await copy(client, NOBODY, headers)).status_code == 404


async def test_a_copy_is_a_draft_without_showtimes_and_sales(
    client: httpx.AsyncClient, connection: RawConnection
) -> None:
    headers = await organizer(client)
    event = await made_event(
        client, headers, policy={"maxPerUser": 4, "fee": {"amount": 150}}, salesOpenAt=in_days(-1)
    )
    answer = await copy(client, event["id"], headers)
    assert answer.status_code == 201, answer.text
    made = answer.json()
    same = ("title", "description", "kind", "showId", "location", "timezone", "currency", "policy")
    assert {name: made[name] for name in same} == {name: event[name] for name in same}
    assert made["id"] != event["id"] and made["slug"] != event["slug"]
    assert (made["status"], made["showtimes"], made["salesOpenAt"]) == ("draft", [], None)

    def plain(found: dict[str, Any]) -> list[dict[str, Any]]:
        return [category | {"id": None} for category in found["categories"]]

    assert plain(made) == plain(event)
    assert not {one["id"] for one in made["categories"]} & {c["id"] for c in event["categories"]}
    assert (await client.get(f"{EVENTS}/{made['id']}")).status_code == 404
    row = await connection.fetchrow(
        "SELECT action, after ->> 'copyOf' AS origin FROM audit_log WHERE object_id = $1",
        made["id"],
    )
    assert tuple(row or ()) == ("event.created", event["id"])
    # The original is as it was, and the copy another thing.
    assert (await client.get(f"{EVENTS}/{event['id']}")).json() == event
    renamed = await copy(client, event["id"], headers, title="  Second Night ")
    assert (renamed.json()["title"], renamed.json()["slug"][:12]) == (
        "Second Night",
        "second-night",
    )


@pytest.mark.parametrize("status", ["ended", "cancelled"])
async def test_what_is_over_can_be_copied(
    client: httpx.AsyncClient, connection: RawConnection, status: str
) -> None:
    headers = await organizer(client)
    event = await made_event(client, headers)
    await connection.execute(
        "UPDATE events SET status = $1 WHERE id = $2", status, UUID(event["id"])
    )
    answer = await copy(client, event["id"], headers, shiftDays=7)
    assert answer.json()["status"] == "draft"
    published = await client.post(f"{EVENTS}/{answer.json()['id']}/publish", headers=headers)
    assert published.status_code == 200, published.text


async def test_showtimes_come_along_at_the_same_time_of_day(client: httpx.AsyncClient) -> None:
    headers = await organizer(client)
    zone = ZoneInfo("Europe/Zurich")
    # The Saturday before the clocks go forward.
    local = datetime(2031, 3, 29, 20, 0, tzinfo=zone)
    event = await made_event(
        client,
        headers,
        timezone="Europe/Zurich",
        startsAt=local.isoformat(),
        endsAt=(local + timedelta(hours=2)).isoformat(),
        salesCloseAt=local.isoformat(),
        publish=False,
    )
    answer = await copy(client, event["id"], headers, shiftDays=7)
    (showtime,) = answer.json()["showtimes"]
    starts, ends = (
        datetime.fromisoformat(showtime[name]).astimezone(zone) for name in ("startsAt", "endsAt")
    )
    assert (starts.isoformat(), ends.isoformat()) == (
        "2031-04-05T20:00:00+02:00",
        "2031-04-05T22:00:00+02:00",
    )
    assert datetime.fromisoformat(answer.json()["salesCloseAt"]) == starts
    assert [one["capacity"] for one in showtime["categories"]] == [100, 900]


async def test_a_time_that_the_clocks_skip_is_later_and_one_that_comes_twice_the_first() -> None:
    def later(day: datetime, days: int) -> datetime:
        return days_later(day.astimezone(UTC), days, "Europe/Zurich")

    zone = ZoneInfo("Europe/Zurich")
    usual = later(datetime(2031, 3, 29, 20, 0, tzinfo=zone), 1)
    assert usual == datetime(2031, 3, 30, 18, 0, tzinfo=UTC)
    skipped = later(datetime(2031, 3, 29, 2, 30, tzinfo=zone), 1)
    assert skipped == datetime(2031, 3, 30, 1, 30, tzinfo=UTC)  # 03:30 there
    twice = later(datetime(2031, 10, 25, 2, 30, tzinfo=zone), 1)
    assert twice == datetime(2031, 10, 26, 0, 30, tzinfo=UTC)  # 02:30, still summer time
    again = later(datetime(2031, 10, 26, 2, 30, fold=1, tzinfo=zone), 1)
    assert again == datetime(2031, 10, 27, 1, 30, tzinfo=UTC)


async def test_sales_stay_where_they_are_and_cancelled_showtimes_too(
    client: httpx.AsyncClient, connection: RawConnection
) -> None:
    general = [{"name": "General", "price": {"amount": 0}, "capacity": 2}]
    house = await open_house(client, general)
    cancelled = await client.post(
        f"{EVENTS}/{house.event_id}/showtimes",
        json={"startsAt": in_days(20)},
        headers=house.organizer,
    )
    await connection.execute(
        "UPDATE showtimes SET status = 'cancelled' WHERE id = $1", UUID(cancelled.json()["id"])
    )
    buyer = await signed_in(client)
    booked = await client.post(f"{API}/bookings", json=house.order("General", 2), headers=buyer)
    assert booked.status_code == 201
    (showtime,) = (await copy(client, house.event_id, house.organizer, shiftDays=1)).json()[
        "showtimes"
    ]
    assert [one["available"] for one in showtime["categories"]] == [2]


async def test_a_hall_that_is_not_free_refuses_the_whole_copy(client: httpx.AsyncClient) -> None:
    headers = await organizer(client)
    hall = await made_hall(client, headers)
    at = datetime.now(UTC).replace(microsecond=0) + timedelta(days=9)
    event = await made_event(
        client,
        headers,
        location=None,
        hallId=hall["id"],
        categories=SEATS,
        startsAt=None,
        showtimes=[{"startsAt": (at + timedelta(days=day)).isoformat()} for day in range(2)],
    )
    answer = await copy(client, event["id"], headers, shiftDays=1)
    assert (answer.status_code, answer.json()["code"]) == (409, "schedule_conflict")
    second = event["showtimes"][1]
    assert answer.json()["conflict"]["showtimeId"] == second["id"]
    own = (await client.get(f"{API}/organizer/events", headers=headers)).json()["items"]
    assert [item["id"] for item in own] == [event["id"]]
    free = await copy(client, event["id"], headers, shiftDays=2)
    assert len(free.json()["showtimes"]) == 2
    assert free.json()["hall"]["id"] == hall["id"]


async def test_prices_of_single_showtimes_come_along(client: httpx.AsyncClient) -> None:
    headers = await organizer(client)
    event = await made_event(
        client,
        headers,
        startsAt=None,
        showtimes=[{"startsAt": in_days(day)} for day in (9, 10)],
    )
    vip, general = (category["id"] for category in event["categories"])
    second = event["showtimes"][1]["id"]
    for category, amount in ((vip, 9_900), (general, 0)):
        answer = await client.patch(
            f"{API}/showtimes/{second}/allotments/{category}",
            json={"price": {"amount": amount}},
            headers=headers,
        )
        assert answer.status_code == 200, answer.text
    made = (await copy(client, event["id"], headers, shiftDays=30)).json()

    def prices(found: dict[str, Any]) -> list[list[int]]:
        return [
            [category["price"]["amount"] for category in showtime["categories"]]
            for showtime in found["showtimes"]
        ]

    assert prices(made) == [[15_000, 5_000], [9_900, 0]]
    # Its categories have their usual prices all the same, also for showtimes to be added.
    assert [one["price"]["amount"] for one in made["categories"]] == [15_000, 5_000]
    (listed,) = (
        one
        for one in (await client.get(f"{API}/organizer/events", headers=headers)).json()["items"]
        if one["id"] == made["id"]
    )
    assert listed["price"]["amount"] == 0


async def test_what_was_cancelled_with_its_event_comes_along(
    client: httpx.AsyncClient, connection: RawConnection
) -> None:
    headers = await organizer(client)
    hall = await made_hall(client, headers)
    event = await made_event(
        client,
        headers,
        location=None,
        hallId=hall["id"],
        categories=SEATS,
        startsAt=None,
        showtimes=[{"startsAt": in_days(day)} for day in (8, 9, 10)],
    )
    over, alone, _ = (showtime["id"] for showtime in event["showtimes"])
    await connection.execute(
        "UPDATE showtimes SET starts_at = starts_at - interval '20 days',"
        " ends_at = ends_at - interval '20 days', busy_until = NULL WHERE id = $1",
        UUID(over),
    )
    # That one had been given up before: nobody wants it again.
    for path in (f"showtimes/{alone}", f"events/{event['id']}"):
        answer = await client.post(f"{API}/{path}/cancel", headers=headers)
        assert answer.status_code == 200, answer.text
    made = (await copy(client, event["id"], headers, shiftDays=30)).json()
    before = datetime.fromisoformat(event["showtimes"][2]["startsAt"])
    starts = [datetime.fromisoformat(showtime["startsAt"]) for showtime in made["showtimes"]]
    assert starts == [before + timedelta(days=days) for days in (-22 + 30, 30)]
    answer = await copy(client, event["id"], headers, shiftDays=30)
    assert (answer.status_code, answer.json()["code"]) == (409, "schedule_conflict")
