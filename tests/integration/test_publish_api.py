"""What an event needs before it is sold, and what it takes over from its venue."""

from typing import Any
from uuid import UUID

import httpx
import pytest

from fullhouse.kit.db import RawConnection
from tests.support.catalog import API, event_body, in_days, made_event, made_hall, made_hall_in
from tests.support.people import signed_in

EVENTS = f"{API}/events"
SEATS = [{"name": "Seats", "price": {"amount": 5_000}, "sections": ["Main"]}]


async def organizer(client: httpx.AsyncClient) -> dict[str, str]:
    return await signed_in(client, role="ORGANIZER")


async def publish(
    client: httpx.AsyncClient, event: dict[str, Any], headers: dict[str, str]
) -> httpx.Response:
    return await client.post(f"{EVENTS}/{event['id']}/publish", headers=headers)


def missing(answer: httpx.Response) -> list[str]:
    body = answer.json()
    assert (answer.status_code, body["code"]) == (409, "not_publishable"), answer.text
    assert body["detail"].startswith("The event still needs: ")
    words: list[str] = body["missing"]
    return words


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"categories": []}, ["categories"]),
        ({"startsAt": None}, ["showtimes"]),
        ({"startsAt": None, "categories": []}, ["categories", "showtimes"]),
        ({"startsAt": in_days(-2)}, ["showtimes"]),
        ({"salesCloseAt": in_days(-1)}, ["sales_window"]),
        ({"salesOpenAt": in_days(31)}, ["sales_window"]),
        ({"startsAt": in_days(-1), "endsAt": in_days(1)}, ["sales_window"]),
        ({"startsAt": None, "salesCloseAt": in_days(-1)}, ["showtimes", "sales_window"]),
    ],
    ids=[
        "no category", "no showtime", "neither", "a past one", "sales are over", "sales never open",
        "it has begun", "two things",
    ],
)  # fmt: skip
async def test_what_lacks_something_is_not_published(
    client: httpx.AsyncClient, fields: dict[str, Any], expected: list[str]
) -> None:
    headers = await organizer(client)
    draft = await made_event(client, headers, publish=False, **fields)
    check = await client.get(f"{EVENTS}/{draft['id']}/publish-check", headers=headers)
    assert check.json()["publishable"] is False
    assert [one["code"] for one in check.json()["missing"]] == expected
    refused = await publish(client, draft, headers)
    assert missing(refused) == expected
    in_words = "; ".join(one["detail"] for one in check.json()["missing"])
    assert refused.json()["detail"] == f"The event still needs: {in_words}."
    shown = await client.get(f"{EVENTS}/{draft['id']}", headers=headers)
    assert shown.json()["status"] == "draft"
    at_once = event_body(publish=True, **fields)
    assert missing(await client.post(EVENTS, json=at_once, headers=headers)) == expected
    # Nothing is left of what was refused.
    own = (await client.get(f"{API}/organizer/events", headers=headers)).json()["items"]
    assert [item["id"] for item in own] == [draft["id"]]


async def test_who_may_ask_what_is_missing(
    client: httpx.AsyncClient, connection: RawConnection
) -> None:
    headers = await organizer(client)
    draft = await made_event(client, headers, publish=False)
    check = f"{EVENTS}/{draft['id']}/publish-check"
    stranger = await client.get(check, headers=await organizer(client))
    assert (stranger.status_code, stranger.json()["code"]) == (404, "not_found")
    good = {"publishable": True, "missing": []}
    assert (await client.get(check, headers=headers)).json() == good
    shown = await client.get(f"{EVENTS}/{draft['id']}", headers=headers)
    assert shown.json()["status"] == "draft"
    await publish(client, draft, headers)
    assert (await client.get(check, headers=headers)).json() == good
    await connection.execute(
        "UPDATE showtimes SET starts_at = now() - interval '2 days',"
        " ends_at = now() - interval '1 day' WHERE event_id = $1",
        UUID(draft["id"]),
    )
    by_now = (await client.get(check, headers=headers)).json()
    assert not by_now["publishable"]
    assert [one["code"] for one in by_now["missing"]] == ["showtimes"]
    await connection.execute("UPDATE events SET status = 'ended' WHERE id = $1", UUID(draft["id"]))
    over = await client.get(check, headers=headers)
    assert (over.status_code, over.json()["code"]) == (409, "event_closed")


async def test_what_has_no_places_left_to_give_is_not_published(
    client: httpx.AsyncClient, connection: RawConnection
) -> None:
    headers = await organizer(client)
    draft = await made_event(client, headers, publish=False)
    await connection.execute(
        "UPDATE allotments SET capacity = 0 WHERE showtime_id = $1",
        UUID(draft["showtimes"][0]["id"]),
    )
    assert missing(await publish(client, draft, headers)) == ["places"]


async def test_what_the_hall_does_not_have_is_not_published(
    client: httpx.AsyncClient, connection: RawConnection
) -> None:
    headers = await organizer(client)
    hall = await made_hall(client, headers)
    draft = await made_event(
        client, headers, location=None, hallId=hall["id"], categories=SEATS, publish=False
    )
    other = await made_hall_in(
        client,
        headers,
        hall["venueId"],
        "Hall 2",
        {"template": "grid", "rows": 2, "seatsPerRow": 2, "section": "Else"},
    )
    await connection.execute(
        "UPDATE showtimes SET seat_map_id = $1 WHERE event_id = $2",
        UUID(other["seatMapId"]),
        UUID(draft["id"]),
    )
    assert missing(await publish(client, draft, headers)) == ["sections"]


async def test_a_currency_that_is_gone_is_not_published(
    client: httpx.AsyncClient, connection: RawConnection
) -> None:
    headers = await organizer(client)
    draft = await made_event(client, headers, publish=False)
    await connection.execute("UPDATE events SET currency = 'DEM' WHERE id = $1", UUID(draft["id"]))
    assert missing(await publish(client, draft, headers)) == ["currency"]


async def test_one_good_showtime_is_enough(client: httpx.AsyncClient) -> None:
    headers = await organizer(client)
    free = [{"name": "Entry", "price": {"amount": 0}, "capacity": 5}]
    sittings = [{"startsAt": in_days(-3)}, {"startsAt": in_days(3), "endsAt": in_days(4)}]
    event = await made_event(client, headers, startsAt=None, showtimes=sittings, categories=free)
    assert event["status"] == "published"
    assert len(event["showtimes"]) == 1  # those that are over are not listed


@pytest.mark.parametrize(
    ("fields", "pointer"),
    [
        ({"showtimes": [{"startsAt": in_days(3)}]}, "/showtimes"),
        ({"startsAt": None, "showtimes": [{}]}, "/showtimes/0/startsAt"),
        ({"startsAt": None, "showtimes": [{"startsAt": in_days(3), "endsAt": in_days(2)}]},
         "/showtimes/0/endsAt"),
        ({"startsAt": None, "showtimes": [{"startsAt": in_days(3), "price": 1}]},
         "/showtimes/0/price"),
        ({"startsAt": None, "showtimes": [{"startsAt": in_days(3)}] * 101}, "/showtimes"),
        (
            {"startsAt": None, "showtimes": [
                {"startsAt": in_days(3), "hallId": "01900000-0000-7000-8000-000000000000"}
            ]},
            "/showtimes/0/hallId",
        ),
    ],
    ids=["both", "no start", "no end", "a slip", "too many", "no hall"],
)  # fmt: skip
async def test_showtimes_that_make_no_sense(
    client: httpx.AsyncClient, fields: dict[str, Any], pointer: str
) -> None:
    body = event_body(**fields)
    answer = await client.post(EVENTS, json=body, headers=await organizer(client))
    assert answer.status_code == 422, answer.text
    assert [error["pointer"] for error in answer.json()["errors"]] == [pointer]


async def test_several_showtimes_in_several_halls(client: httpx.AsyncClient) -> None:
    headers = await organizer(client)
    hall = await made_hall(client, headers)
    other = await made_hall_in(client, headers, hall["venueId"], "Hall 2")
    at = in_days(9)
    fields = {
        "location": None,
        "hallId": hall["id"],
        "categories": SEATS,
        "startsAt": None,
        "showtimes": [{"startsAt": at}, {"startsAt": at, "hallId": other["id"]}],
    }
    event = await made_event(client, headers, **fields)
    assert {showtime["hall"]["id"] for showtime in event["showtimes"]} == {hall["id"], other["id"]}
    # Of two that are in each other's way nobody else's showtime is.
    later = in_days(12)
    clash = event_body(**fields) | {"showtimes": [{"startsAt": later}, {"startsAt": later}]}
    answer = await client.post(EVENTS, json=clash, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (422, "validation_failed")
    assert [error["pointer"] for error in answer.json()["errors"]] == ["/showtimes/1/startsAt"]
    taken = event_body(**fields) | {"showtimes": [{"startsAt": at}]}
    answer = await client.post(EVENTS, json=taken, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (409, "schedule_conflict")


async def test_what_the_event_leaves_open_the_venue_says(
    client: httpx.AsyncClient, connection: RawConnection
) -> None:
    headers = await organizer(client)
    hall = await made_hall(client, headers)
    await connection.execute(
        "UPDATE venues SET hold_seconds = 240, age_rating = '16' WHERE id = $1",
        UUID(hall["venueId"]),
    )
    there = {"location": None, "venueId": hall["venueId"]}
    silent = await made_event(client, headers, policy={"maxPerUser": 3}, **there)
    assert silent["policy"]["holdSeconds"] == 240
    assert silent["policy"]["maxPerUser"] == 3
    show = (await client.get(f"{API}/shows/{silent['showId']}")).json()
    assert show["ageRating"] == "16"
    outspoken = await made_event(
        client, headers, policy={"holdSeconds": 600}, ageRating="6", **there
    )
    assert outspoken["policy"]["holdSeconds"] == 600
    show = (await client.get(f"{API}/shows/{outspoken['showId']}")).json()
    assert show["ageRating"] == "6"
    elsewhere = await made_event(client, headers)
    assert elsewhere["policy"]["holdSeconds"] == 600


async def test_a_new_show_says_what_it_is(client: httpx.AsyncClient) -> None:
    said = {
        "releasedOn": "2026-01-02",
        "endsOn": "2027-12-31",
        "cast": [{"name": "Ada", "role": "Herself"}],
        "trailers": ["https://video.example/1"],
    }
    event = await made_event(client, await organizer(client), kind="movie", **said)
    show = (await client.get(f"{API}/shows/{event['showId']}")).json()
    assert {name: show[name] for name in said} == said
