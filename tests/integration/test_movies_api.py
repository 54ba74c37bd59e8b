"""Movies and shows as everybody sees them: where they stand, their lists, and one in full."""

import asyncio
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
from tests.support.catalog import API, event_body, in_days, made_event, made_hall
from tests.support.organizations import Person, audit_entries, join, organizer, person
from tests.support.people import PASSWORD

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
    [],
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
    """Every programme with all dates, past the API, which makes no past and no cancelled one.

    Those without an event are announced.
    """
    made = {}
    for programme, (released_on, ends_on) in itertools.product(
        _PROGRAMMES, _dates(now.astimezone(UTC).date())
    ):
        show_id = new_id()
        made[show_id] = (released_on, ends_on, programme)
        await connection.execute(
            "INSERT INTO shows (id, organization_id, kind, title, released_on, ends_on, announced)"
            " VALUES ($1, $2, 'other', 'Any', $3, $4, $5)",
            show_id, organization, released_on, ends_on, not programme,
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
        public = (await list_shows(reading, ShowFilters(), Order("title"), Slice(1_000))).items
    # Each of them is put on publicly, or announced.
    assert {row.id: row.status for row in public if row.id in made} == {
        show_id: status for show_id, status in found.items() if show_id in made
    }
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


async def sees(client: httpx.AsyncClient, who: Person, show: dict[str, Any]) -> list[bool]:
    """Whether somebody is shown a movie: in lists, however they ask, and by itself."""
    word = show["title"].split()[0]
    lists = [
        (MOVIES, {"q": word}),
        (MOVIES, {"status": "coming_soon", "sort": "-createdAt", "limit": "100"}),
        (f"{API}/shows", {"kind": "movie", "genre": show["genre"]}),
    ]
    found = []
    for path, query in lists:
        answer = await client.get(path, params=query, headers=who.headers)
        assert answer.status_code == 200, answer.text
        found.append(show["id"] in [item["id"] for item in answer.json()["items"]])
    own = (
        f"{MOVIES}/{show['id']}",
        f"{API}/shows/{show['id']}",
        f"{MOVIES}/{show['id']}/showtimes",
    )
    for path in own:
        answer = await client.get(path, headers=who.headers)
        assert answer.status_code in (200, 404), answer.text
        found.append(answer.status_code == 200)
    return found


SEEN, UNSEEN = [True] * 6, [False] * 6


async def announced(client: httpx.AsyncClient, who: Person, **fields: Any) -> dict[str, Any]:
    """A movie of some day to come that its organization has announced, unless told otherwise."""
    day = (datetime.now(UTC) + 60 * DAY).date().isoformat()
    body = {"kind": "movie", "releasedOn": day, "genre": new_id().hex, "announced": True} | fields
    answer = await client.post(f"{API}/shows", json=body, headers=who.headers)
    assert answer.status_code == 201, answer.text
    show: dict[str, Any] = answer.json()
    return show


async def test_what_is_not_announced_nobody_else_sees(
    client: httpx.AsyncClient, connection: RawConnection
) -> None:
    who, other = await organizer(client), await organizer(client)
    show = await announced(client, who, title="Quietude Unsaid", announced=False)
    # A draft shows nothing either.
    await made_event(client, who.headers, kind=None, showId=show["id"], publish=False)
    await announced(client, who, title="Quietude Unsaid", kind="play")
    viewer = await person(client)
    await join(connection, who.organization, viewer, "viewer")
    address = f"{API}/shows/{show['id']}"
    for stranger, status in ((other, 404), (viewer, 403)):
        change = {"announced": True}
        refused = await client.patch(address, json=change, headers=stranger.headers)
        assert refused.status_code == status, refused.text
    body = {"kind": "movie", "title": "Theirs", "announced": True}
    named = body | {"organizationId": who.organization}
    refused = await client.post(f"{API}/shows", json=named, headers=other.headers)
    assert refused.status_code == 403, refused.text
    for wrong in ("yes", 1, None):
        answers = [
            await client.post(
                f"{API}/shows", json=body | {"announced": wrong}, headers=who.headers
            ),
            await client.patch(address, json={"announced": wrong}, headers=who.headers),
        ]
        for answer in answers:
            assert [one["pointer"] for one in answer.json()["errors"]] == ["/announced"]
    assert await sees(client, other, show) == UNSEEN
    assert (await client.get(address, headers=who.headers)).json()["announced"] is False


async def test_what_is_announced_everybody_sees(
    client: httpx.AsyncClient, connection: RawConnection
) -> None:
    who, other = await organizer(client), await organizer(client)
    show = await announced(client, who, title="Overture Told", announced=False)
    event = await made_event(
        client, who.headers, kind=None, showId=show["id"], startsAt=in_days(70), publish=False
    )
    address = f"{API}/shows/{show['id']}"
    unknown = Person("", "", {})
    assert await sees(client, unknown, show) == UNSEEN
    changed = await client.patch(address, json={"announced": True}, headers=who.headers)
    assert changed.json()["announced"] is True
    assert await sees(client, other, show) == SEEN
    # What everybody was told before is not kept beyond the change.
    for _ in range(500):
        if await sees(client, unknown, show) == SEEN:
            break
        await asyncio.sleep(0.01)
    assert await sees(client, unknown, show) == SEEN
    shown = (await client.get(address, headers=other.headers)).json()
    assert (shown["status"], shown["events"], shown["nextStartsAt"]) == ("coming_soon", [], None)
    # What puts it on is as secret as before.
    sittings = await client.get(f"{MOVIES}/{show['id']}/showtimes", headers=other.headers)
    assert sittings.json()["items"] == []
    secret = await client.get(f"{API}/events/{event['id']}", headers=other.headers)
    assert secret.status_code == 404
    # To be seen is not to be changed, and not to be put on by others.
    refused = await client.patch(address, json={"announced": False}, headers=other.headers)
    assert refused.status_code == 403
    theirs = event_body(kind=None, showId=show["id"])
    refused = await client.post(f"{API}/events", json=theirs, headers=other.headers)
    assert [one["pointer"] for one in refused.json()["errors"]] == ["/showId"]
    await client.patch(address, json={"announced": False}, headers=who.headers)
    assert await sees(client, other, show) == UNSEEN
    entries = await audit_entries(client, who, who.organization, objectId=show["id"])
    said = [(one["before"], one["after"]) for one in entries if one["action"] == "show.changed"]
    assert said[::-1] == [
        ({"announced": a}, {"announced": b}) for a, b in ((False, True), (True, False))
    ]
    # A deleted one is gone, announced or not.
    gone = await announced(client, who, title="Overture Gone")
    assert await sees(client, other, gone) == SEEN
    assert (await client.delete(f"{API}/shows/{gone['id']}", headers=who.headers)).is_success
    assert await sees(client, other, gone) == UNSEEN


async def test_announcing_in_one_call(client: httpx.AsyncClient) -> None:
    who, other = await organizer(client), await organizer(client)
    show = await announced(client, who, title="Any", announced=False)
    both = event_body(kind=None, showId=show["id"], announced=True)
    refused = await client.post(f"{API}/events", json=both, headers=who.headers)
    assert [one["pointer"] for one in refused.json()["errors"]] == ["/showId"]
    fields = {"kind": "movie", "genre": new_id().hex, "startsAt": None, "publish": False}
    title = "Prelude Alone"
    event = await made_event(client, who.headers, title=title, announced=True, **fields)
    shown = {"id": event["showId"], "title": title, "genre": fields["genre"]}
    assert await sees(client, other, shown) == SEEN
    assert (await client.get(f"{API}/events/{event['id']}", headers=other.headers)).is_error


async def test_what_was_announced_goes_with_its_organization(client: httpx.AsyncClient) -> None:
    who, other = await organizer(client), await organizer(client)
    show = await announced(client, who, title="Finale Closed")
    assert await sees(client, other, show) == SEEN
    closed = await client.request(
        "DELETE",
        f"{API}/organizations/{who.organization}",
        json={"password": PASSWORD},
        headers=who.headers,
    )
    assert closed.status_code == 204, closed.text
    assert await sees(client, other, show) == UNSEEN


@pytest.fixture(scope="module")
def nights() -> list[str]:
    """When a movie is shown, by two houses in turn."""
    return [in_days(days) for days in (2, 3, 4, 5)]


@pytest_asyncio.fixture(scope="module")
async def shown_twice(
    client: httpx.AsyncClient, nights: list[str]
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """A movie, and the halls of the two houses that show it."""
    who = await organizer(client)
    show = await announced(client, who, title="Nocturne Twice", announced=False)
    halls = [await made_hall(client, who.headers, name=f"House {n}") for n in range(2)]
    for at, hall in enumerate(halls):
        await made_event(
            client, who.headers, kind=None, showId=show["id"], location=None, hallId=hall["id"],
            startsAt=None, showtimes=[{"startsAt": night} for night in nights[at::2]],
            categories=[{"name": "Seat", "price": {"amount": 900}, "sections": ["Main"]}],
        )  # fmt: skip
    return show, halls


@pytest.mark.parametrize(
    ("query", "pointer"),
    [
        ({"sort": "title"}, "sort"),
        ({"fields": "id,secret"}, "fields"),
        ({"from": "tomorrow"}, "from"),
        ({"to": "2027-02-30"}, "to"),
        ({"venueId": "x"}, "venueId"),
        ({"status": "over"}, "status"),
        ({"eventId": "x"}, "eventId"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
async def test_wrong_questions_about_showtimes(
    client: httpx.AsyncClient,
    shown_twice: tuple[dict[str, Any], list[dict[str, Any]]],
    query: dict[str, str],
    pointer: str,
) -> None:
    answer = await client.get(f"{MOVIES}/{shown_twice[0]['id']}/showtimes", params=query)
    assert answer.status_code == 422, answer.text
    assert [error["pointer"] for error in answer.json()["errors"]] == [pointer]


async def test_showtimes_of_a_movie(
    client: httpx.AsyncClient,
    nights: list[str],
    shown_twice: tuple[dict[str, Any], list[dict[str, Any]]],
) -> None:
    show, halls = shown_twice
    address = f"{MOVIES}/{show['id']}/showtimes"

    async def found(**query: str) -> list[int]:
        """Which of the nights."""
        answer = await client.get(address, params=query)
        assert answer.status_code == 200, answer.text
        known = [datetime.fromisoformat(night) for night in nights]
        return [
            known.index(datetime.fromisoformat(item["startsAt"])) for item in answer.json()["items"]
        ]

    assert await found() == [0, 1, 2, 3]
    assert await found(sort="-startsAt") == [3, 2, 1, 0]
    assert await found(venueId=halls[0]["venueId"]) == [0, 2]
    assert await found(hallId=halls[1]["id"], sort="-startsAt") == [3, 1]
    assert await found(venueId=halls[0]["venueId"], hallId=halls[1]["id"]) == []
    assert await found(**{"from": nights[1], "to": nights[2]}) == [1, 2]
    assert await found(to=nights[0]) == [0]
    assert await found(status="cancelled") == []
    (first, *_) = (await client.get(address, params={"fields": "startsAt"})).json()["items"]
    assert first.keys() == {"id", "startsAt"}
    # They go on as they began.
    page = (await client.get(address, params={"sort": "-startsAt", "limit": "3"})).json()
    assert await found(sort="-startsAt", limit="3", cursor=page["nextCursor"]) == [0]
