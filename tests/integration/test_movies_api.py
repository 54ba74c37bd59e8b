"""Movies and shows as everybody sees them: where they stand, their lists, and one in full."""

import itertools
import json
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest
import pytest_asyncio
import sqlalchemy as sa

from fullhouse.api.pagination import Slice
from fullhouse.catalog.filters import Order, ShowFilters
from fullhouse.catalog.rules import SHOW_STATUSES, ShowStatus, show_status
from fullhouse.catalog.store.shows import list_shows
from fullhouse.kit.db import Database, RawConnection
from fullhouse.kit.ids import new_id
from tests.support.catalog import API, in_days, made_event
from tests.support.organizations import Person, organizer

MOVIES = f"{API}/movies"
NOW = datetime(2027, 3, 10, 12, tzinfo=UTC)
TODAY = NOW.date()
DAY = timedelta(days=1)

# Where a showtime stands, in hours from now: its start and its end.
PAST, RUNNING, SOON, LATE = (-9, -7), (-1, 1), (24 * 6, 24 * 6 + 2), (24 * 8, 24 * 8 + 2)


@pytest.mark.parametrize(
    ("released_on", "ends_on", "has_showtimes", "next_starts_at", "expected"),
    [
        (None, None, False, None, "coming_soon"),
        (None, None, True, None, "ended"),
        (None, None, True, NOW - timedelta(hours=1), "now_showing"),
        (None, None, True, NOW + 7 * DAY, "now_showing"),
        (None, None, True, NOW + 7 * DAY + timedelta(microseconds=1), "coming_soon"),
        (TODAY, None, True, NOW, "now_showing"),
        (TODAY, None, False, None, "coming_soon"),
        (TODAY + DAY, None, True, NOW, "coming_soon"),
        (TODAY + DAY, None, True, None, "coming_soon"),
        (None, TODAY, True, NOW, "now_showing"),
        (None, TODAY - DAY, True, NOW, "ended"),
        (None, TODAY - DAY, False, None, "ended"),
        (TODAY + DAY, TODAY + DAY, False, None, "coming_soon"),
        (TODAY - DAY, TODAY - DAY, True, NOW, "ended"),
    ],
)
def test_the_rule(
    released_on: date | None,
    ends_on: date | None,
    has_showtimes: bool,
    next_starts_at: datetime | None,
    expected: ShowStatus,
) -> None:
    found = show_status(
        released_on=released_on,
        ends_on=ends_on,
        has_showtimes=has_showtimes,
        next_starts_at=next_starts_at,
        now=NOW,
    )
    assert found == expected


def test_days_are_those_of_utc() -> None:
    moments = [NOW.replace(hour=0, minute=0), NOW.replace(hour=23, minute=59)]
    for now in moments:
        facts: dict[str, Any] = {"has_showtimes": True, "next_starts_at": now, "now": now}
        assert show_status(released_on=TODAY, ends_on=TODAY, **facts) == "now_showing"


# What a show may have: events of a status, each with showtimes that may not count.
_PROGRAMMES: list[list[tuple[str, list[tuple[int, int]]]]] = [
    [("published", [])],
    [("published", [PAST])],
    [("published", [RUNNING])],
    [("published", [SOON])],
    [("published", [LATE])],
    [("published", [PAST, LATE])],
    [("published", [PAST]), ("published", [SOON])],
    [("ended", [PAST])],
    [("ended", [SOON])],
    [("ended", [PAST]), ("published", [])],
    [("published", []), ("draft", [SOON])],
    [("published", [PAST]), ("cancelled", [SOON])],
]


def _dates(today: date) -> Iterator[tuple[date | None, date | None]]:
    choices = [None, today - DAY, today, today + DAY]
    for released_on, ends_on in itertools.product(choices, choices):
        if released_on is None or ends_on is None or released_on <= ends_on:
            yield released_on, ends_on


async def _put_on(
    connection: RawConnection, now: datetime, organization: UUID, like: UUID
) -> dict[UUID, tuple[date | None, date | None, list[Any]]]:
    """Every programme with all dates, past the API, which makes no past and no cancelled one."""
    made = {}
    for programme, (released_on, ends_on) in itertools.product(
        _PROGRAMMES, _dates(now.astimezone(UTC).date())
    ):
        show_id = new_id()
        made[show_id] = (released_on, ends_on, programme)
        await connection.execute(
            "INSERT INTO shows (id, organization_id, kind, title, released_on, ends_on)"
            " VALUES ($1, $2, 'other', 'Any', $3, $4)",
            show_id, organization, released_on, ends_on,
        )  # fmt: skip
        for status, sittings in programme:
            event_id = new_id()
            await connection.execute(
                "INSERT INTO events (id, organization_id, show_id, slug, title, status, currency,"
                " location, timezone, policy) SELECT $1::uuid, organization_id, $2, $1::text,"
                " title, $3, currency, location, timezone, policy FROM events WHERE id = $4",
                event_id, show_id, status, like,
            )  # fmt: skip
            # Beside those that count, one that was deleted and one that was cancelled.
            rows = [(one, "scheduled", None) for one in sittings]
            rows += [(SOON, "scheduled", now), (SOON, "cancelled", None)]  # type: ignore[list-item]
            await connection.executemany(
                "INSERT INTO showtimes (id, event_id, status, starts_at, ends_at, deleted_at)"
                " VALUES ($1, $2, $3, $4, $5, $6)",
                [
                    (
                        new_id(), event_id, kind, now + timedelta(hours=start),
                        now + timedelta(hours=end), deleted_at,
                    )
                    for (start, end), kind, deleted_at in rows
                ],
            )  # fmt: skip
    await connection.execute("SELECT event_listings_refresh_v2(ARRAY(SELECT id FROM events))")
    return made


async def test_lists_and_the_rule_say_the_same(
    client: httpx.AsyncClient, database: Database, connection: RawConnection
) -> None:
    who = await organizer(client)
    like = UUID((await made_event(client, who.headers))["id"])
    now = await connection.fetchval("SELECT now()")
    made = await _put_on(connection, now, UUID(who.organization), like)
    everything = ShowFilters(of_organizations=frozenset({UUID(who.organization)}), public=False)
    found: dict[UUID, ShowStatus] = {}
    filtered: dict[UUID, ShowStatus] = {}
    # One transaction: its time stands still.
    async with database.begin() as reading:
        now = (await reading.execute(sa.select(sa.func.now()))).scalar_one()
        for row in (await list_shows(reading, everything, Order("title"), Slice(1_000))).items:
            found[row.id] = row.status
        for status in SHOW_STATUSES:
            some = ShowFilters(
                statuses=frozenset({status}),
                of_organizations=everything.of_organizations,
                public=False,
            )
            part = await list_shows(reading, some, Order("title"), Slice(1_000))
            filtered |= {row.id: status for row in part.items}
    assert found == filtered
    assert set(made) < set(found)
    for show_id, (released_on, ends_on, programme) in made.items():
        counted = [
            (status, sitting)
            for status, sittings in programme
            if status in ("published", "ended")
            for sitting in sittings
        ]
        coming = [
            now + timedelta(hours=start)
            for status, (start, end) in counted
            if status == "published" and end > 0
        ]
        expected = show_status(
            released_on=released_on,
            ends_on=ends_on,
            has_showtimes=bool(counted),
            next_starts_at=min(coming, default=None),
            now=now,
        )
        assert found[show_id] == expected, (released_on, ends_on, programme)
    assert set(found.values()) == set(SHOW_STATUSES)


@pytest_asyncio.fixture(scope="module")
async def cinema(client: httpx.AsyncClient) -> Person:
    """Somebody who shows three movies and a play."""
    who = await organizer(client)
    for title, kind, genre, language, released, days in [
        ("Ångström", "movie", "Drame", "Français", None, 2),
        ("Beta", "movie", "Drama", "English", "2024-05-01", 1),
        ("Gamma", "movie", "drama", "English", "2025-05-01", 20),
        ("Delta", "play", "Drama", "English", None, 3),
    ]:
        show = await client.post(
            f"{API}/shows",
            json={
                "title": title, "kind": kind, "genre": genre, "language": language,
                "releasedOn": released,
            },
            headers=who.headers,
        )  # fmt: skip
        assert show.status_code == 201, show.text
        await made_event(
            client, who.headers, title=f"{title} Night", kind=None, showId=show.json()["id"],
            startsAt=in_days(days),
        )  # fmt: skip
    return who


async def titles(client: httpx.AsyncClient, path: str = MOVIES, **query: Any) -> list[str]:
    answer = await client.get(path, params=query)
    assert answer.status_code == 200, answer.text
    return [item["title"] for item in answer.json()["items"]]


@pytest.mark.usefixtures("cinema")
@pytest.mark.parametrize(
    ("query", "pointer"),
    [
        ({"status": "soon"}, "status"),
        ({"sort": "price"}, "sort"),
        ({"fields": "title,secret"}, "fields"),
        ({"genre": "x" * 101}, "genre"),
        ({"cursor": "xyz"}, "cursor"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
async def test_what_is_wrong_is_refused(
    client: httpx.AsyncClient, query: dict[str, str], pointer: str
) -> None:
    answer = await client.get(MOVIES, params=query)
    assert answer.status_code == 422
    assert [error["pointer"] for error in answer.json()["errors"]] == [pointer]


@pytest.mark.usefixtures("cinema")
@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({}, ["Beta", "Gamma", "Ångström"]),
        ({"sort": "-title"}, ["Ångström", "Gamma", "Beta"]),
        ({"sort": "releasedOn"}, ["Beta", "Gamma", "Ångström"]),
        ({"sort": "-releasedOn"}, ["Ångström", "Gamma", "Beta"]),
        ({"sort": "startsAt"}, ["Beta", "Ångström", "Gamma"]),
        ({"sort": "createdAt"}, ["Ångström", "Beta", "Gamma"]),
        ({"q": "angstrom"}, ["Ångström"]),
        ({"q": "gam"}, ["Gamma"]),
        ({"q": "gamna"}, ["Gamma"]),
        ({"q": "angstorm"}, ["Ångström"]),
        ({"q": "%"}, []),
        ({"genre": "DRAMA"}, ["Beta", "Gamma"]),
        ({"genre": "dram"}, []),
        ({"language": "francais"}, ["Ångström"]),
        ({"status": "now_showing", "language": "english"}, ["Beta"]),
        ({"status": "coming_soon"}, ["Gamma"]),
    ],
)
async def test_lists(client: httpx.AsyncClient, query: dict[str, str], expected: list[str]) -> None:
    assert await titles(client, **query) == expected


@pytest.mark.usefixtures("cinema")
@pytest.mark.parametrize("sort", ["title", "-releasedOn", "startsAt", "createdAt"])
async def test_cursors_lead_through_every_order(client: httpx.AsyncClient, sort: str) -> None:
    whole = await titles(client, f"{API}/shows", sort=sort, genre="drama")
    assert len(whole) == 3
    seen: list[str] = []
    query: dict[str, Any] = {"sort": sort, "limit": "1", "genre": "drama"}
    for _ in whole:
        answer = (await client.get(f"{API}/shows", params=query)).json()
        seen += [item["title"] for item in answer["items"]]
        query["cursor"] = answer["nextCursor"]
    assert (seen, query["cursor"]) == (whole, None)
    answer = await client.get(f"{API}/shows", params={"page": 3, "limit": 1, "genre": "drama"})
    assert answer.json()["total"] == 3


@pytest.mark.usefixtures("cinema")
async def test_only_the_fields_that_are_asked_for(client: httpx.AsyncClient) -> None:
    answer = await client.get(MOVIES, params={"fields": "title,releasedOn", "q": "Beta"})
    (movie,) = answer.json()["items"]
    assert movie.keys() == {"id", "title", "releasedOn"}
    assert movie["releasedOn"] == "2024-05-01"


async def test_a_movie_in_full(client: httpx.AsyncClient, connection: RawConnection) -> None:
    who = await organizer(client)
    image = new_id()
    variant = {"format": "avif", "width": 320, "height": 180, "bytes": 9, "key": "k"}
    await connection.execute(
        "INSERT INTO media (id, organization_id, uploaded_by, status, content_type, bytes, sha256,"
        " width, height, variants) VALUES ($1, $2, $1, 'ready', 'image/png', 9, '', 640, 360,"
        " $3::jsonb)",
        image,
        UUID(who.organization),
        json.dumps([variant | {"format": "webp"}, variant]),
    )
    described = {
        "cast": [{"name": "Ada Moll", "role": "The keeper"}],
        "trailers": ["https://video.example/1"],
        "releasedOn": "2026-01-01",
        "endsOn": "2099-01-01",
    }
    body = {"kind": "movie", "title": "Whole", "images": [str(image)], **described}
    show = (await client.post(f"{API}/shows", json=body, headers=who.headers)).json()
    address = f"{MOVIES}/{show['id']}"
    assert (await client.get(address)).status_code == 404
    await made_event(client, who.headers, kind=None, showId=show["id"], startsAt=in_days(1))
    shown = (await client.get(address)).json()
    assert {name: shown[name] for name in described} == described
    assert shown["status"] == "now_showing"
    assert [event["showId"] for event in shown["events"]] == [show["id"]]
    (listed,) = (await client.get(MOVIES, params={"q": "Whole"})).json()["items"]
    assert listed["images"] == shown["images"]
    (picture,) = shown["images"]
    assert picture["id"] == str(image)
    assert [one["contentType"] for one in picture["variants"]] == ["image/webp", "image/avif"]
    # A play of the same organization is a show, and no movie.
    await client.patch(f"{API}/shows/{show['id']}", json={"kind": "play"}, headers=who.headers)
    # As somebody who is signed in: what is kept for others is dropped a moment later.
    assert (await client.get(address, headers=who.headers)).status_code == 404
    assert (await client.get(f"{API}/shows/{show['id']}")).status_code == 200
