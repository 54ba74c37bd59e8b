"""Favourite events: through HTTP, failures first."""

import asyncio
from uuid import UUID, uuid4

import httpx
import pytest

from fullhouse.kit.db import RawConnection
from tests.support.asgi import bearer
from tests.support.catalog import API, in_days, made_event
from tests.support.people import register, signed_in

FAVORITES = f"{API}/users/me/favorites"


async def listed(client: httpx.AsyncClient, headers: dict[str, str]) -> list[str]:
    answer = await client.get(FAVORITES, headers=headers)
    assert answer.status_code == 200, answer.text
    return [event["id"] for event in answer.json()["items"]]


# Written out: every process of a test run must find the same tests.
_NOWHERE = "0197a3b1-0000-7000-8000-000000000000"


@pytest.mark.parametrize(
    ("method", "path"), [("GET", ""), ("PUT", f"/{_NOWHERE}"), ("DELETE", f"/{_NOWHERE}")]
)
async def test_strangers_have_no_favourites(
    client: httpx.AsyncClient, method: str, path: str
) -> None:
    answer = await client.request(method, FAVORITES + path)
    assert (answer.status_code, answer.json()["code"]) == (401, "unauthenticated")


async def test_what_cannot_be_seen_cannot_be_marked(client: httpx.AsyncClient) -> None:
    organizer = await signed_in(client, role="ORGANIZER")
    draft = await made_event(client, organizer, publish=False)
    visitor = await signed_in(client)
    for event_id in (draft["id"], uuid4()):
        answer = await client.put(f"{FAVORITES}/{event_id}", headers=visitor)
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    assert await listed(client, visitor) == []
    # One's own drafts can be seen.
    assert (await client.put(f"{FAVORITES}/{draft['id']}", headers=organizer)).status_code == 204
    assert await listed(client, organizer) == [draft["id"]]


async def test_a_draft_that_can_be_seen_no_more_leaves_the_list(
    client: httpx.AsyncClient, connection: RawConnection
) -> None:
    organizer = await signed_in(client, role="ORGANIZER")
    event = await made_event(client, organizer)
    visitor = await signed_in(client)
    await client.put(f"{FAVORITES}/{event['id']}", headers=visitor)
    status = (
        "WITH changed AS (UPDATE event_listings SET status = $2 WHERE event_id = $1)"
        " UPDATE events SET status = $2 WHERE id = $1"
    )
    await connection.execute(status, UUID(event["id"]), "draft")
    assert await listed(client, visitor) == []
    # A cancelled one stays: whoever marked it wants to know.
    await connection.execute(status, UUID(event["id"]), "cancelled")
    answer = await client.get(FAVORITES, headers=visitor)
    assert [(row["id"], row["status"]) for row in answer.json()["items"]] == [
        (event["id"], "cancelled")
    ]


async def test_marking_and_unmarking_twice_is_once(client: httpx.AsyncClient) -> None:
    organizer = await signed_in(client, role="ORGANIZER")
    event = await made_event(client, organizer)
    headers = await signed_in(client)
    path = f"{FAVORITES}/{event['id']}"
    for _ in range(2):
        answer = await client.put(path, headers=headers)
        assert (answer.status_code, answer.content) == (204, b"")
        assert await listed(client, headers) == [event["id"]]
    assert await listed(client, organizer) == []
    await asyncio.gather(*(client.put(path, headers=headers) for _ in range(8)))
    assert await listed(client, headers) == [event["id"]]
    for _ in range(2):
        assert (await client.delete(path, headers=headers)).status_code == 204
        assert await listed(client, headers) == []
    assert (await client.delete(f"{FAVORITES}/{uuid4()}", headers=headers)).status_code == 204


async def test_the_next_one_comes_first_and_pages_go_on(client: httpx.AsyncClient) -> None:
    organizer = await signed_in(client, role="ORGANIZER")
    headers = await signed_in(client)
    days = [30, 10, 20, 40, 50]
    events = [await made_event(client, organizer, startsAt=in_days(day)) for day in days]
    for event in events:
        await client.put(f"{FAVORITES}/{event['id']}", headers=headers)
    wanted = [events[index]["id"] for index in (1, 2, 0, 3, 4)]
    assert await listed(client, headers) == wanted

    seen: list[str] = []
    cursor: dict[str, str] = {}
    for _ in range(3):
        answer = await client.get(FAVORITES, params={"limit": "2"} | cursor, headers=headers)
        seen += [event["id"] for event in answer.json()["items"]]
        cursor = {"cursor": answer.json()["nextCursor"]}
    assert seen == wanted
    assert list(cursor.values()) == [None]
    page = await client.get(FAVORITES, params={"limit": 2, "page": 2}, headers=headers)
    assert [event["id"] for event in page.json()["items"]] == wanted[2:4]
    assert page.json()["total"] == 5
    bad = await client.get(FAVORITES, params={"cursor": "x"}, headers=headers)
    assert (bad.status_code, bad.json()["code"]) == (422, "validation_failed")


async def test_nobody_has_more_than_a_thousand(
    client: httpx.AsyncClient, connection: RawConnection
) -> None:
    organizer = await signed_in(client, role="ORGANIZER")
    event = await made_event(client, organizer)
    others = [await made_event(client, organizer) for _ in range(4)]
    session = await register(client)
    headers = bearer(session["accessToken"])
    # 998 more like it, past the API.
    await connection.execute(
        "WITH copies AS (INSERT INTO events (id, organization_id, show_id, slug, title, status,"
        " currency, location, timezone, policy) SELECT gen_random_uuid(), organization_id, show_id,"
        " slug || '-' || number, title, status, currency, location, timezone, policy"
        " FROM events, generate_series(1, 998) AS number WHERE id = $1 RETURNING id)"
        " INSERT INTO favorites (user_id, event_id) SELECT $2, id FROM copies",
        UUID(event["id"]),
        UUID(session["user"]["id"]),
    )
    await client.put(f"{FAVORITES}/{event['id']}", headers=headers)
    answers = await asyncio.gather(
        *(client.put(f"{FAVORITES}/{other['id']}", headers=headers) for other in others)
    )
    codes = sorted(answer.status_code for answer in answers)
    assert codes == [204, 409, 409, 409]
    (refused, *_) = (answer for answer in answers if answer.status_code == 409)
    assert refused.json()["code"] == "too_many_favorites"
    count = "SELECT count(*) FROM favorites WHERE user_id = $1"
    assert await connection.fetchval(count, UUID(session["user"]["id"])) == 1_000
    # What is marked already can still be marked again, and another after one is gone.
    again = await client.put(f"{FAVORITES}/{event['id']}", headers=headers)
    assert again.status_code == 204
    await client.delete(f"{FAVORITES}/{event['id']}", headers=headers)
    assert (await client.put(f"{FAVORITES}/{event['id']}", headers=headers)).status_code == 204
