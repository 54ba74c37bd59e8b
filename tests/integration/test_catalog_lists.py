"""Lists of events, shows, movies and showtimes through HTTP."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
import pytest_asyncio
import sqlalchemy as sa

from fullhouse.api.pagination import Slice, encode_cursor
from fullhouse.catalog.filters import EventFilters, Order, ShowtimeFilters
from fullhouse.catalog.queries import events, showtimes
from fullhouse.kit.db import Database
from fullhouse.parts import Parts
from tests.support.catalog import API, in_days, made_event, made_hall
from tests.support.people import signed_in

EVENTS = f"{API}/events"
NEVER = "00000000-0000-7000-8000-000000000000"


@pytest_asyncio.fixture(scope="module")
async def owner(client: httpx.AsyncClient) -> dict[str, str]:
    return await signed_in(client, role="ORGANIZER")


@pytest_asyncio.fixture(scope="module", autouse=True)
async def programme(
    client: httpx.AsyncClient, owner: dict[str, str], database: Database
) -> AsyncIterator[dict[str, dict[str, Any]]]:
    """A rock concert, two movies, a talk that is over, a party without a date, and a draft."""
    hall = await made_hall(client, owner, city="Pokhara")
    seats = [{"name": "Seat", "price": {"amount": 700}, "sections": ["Main"]}]
    made = [
        await made_event(client, owner, title="Rock 100%", startsAt=in_days(30)),
        await made_event(
            client, owner, title="Alpha Movie", kind="movie", startsAt=in_days(2),
            location=None, hallId=hall["id"], categories=seats, genre="Drama",
        ),
        await made_event(
            client, owner, title="Beta Movie", kind="movie", startsAt=in_days(20),
            location=None, hallId=hall["id"], categories=seats,
        ),
        await made_event(client, owner, title="Old Talk", kind="movie"),
        await made_event(client, owner, title="Some Party", kind="other"),
        await made_event(client, owner, title="Secret", publish=False),
    ]  # fmt: skip
    by_title = {event["title"]: event for event in made}
    await _as_time_passes(
        database,
        by_title["Old Talk"],
        "starts_at = now() - interval '9 days', ends_at = now() - interval '8 days',"
        " busy_until = NULL",
    )
    await _as_time_passes(database, by_title["Some Party"], "deleted_at = now()")
    yield by_title


async def _as_time_passes(database: Database, event: dict[str, Any], change: str) -> None:
    """Change the showtimes of an event into what could not have been published."""
    event_id = UUID(event["id"])
    async with database.begin() as connection:
        await connection.exec_driver_sql(
            f"UPDATE showtimes SET {change} WHERE event_id = $1", (event_id,)
        )
        await connection.exec_driver_sql(
            "SELECT event_listings_refresh_v2(ARRAY[$1::uuid])", (event_id,)
        )


async def titles(client: httpx.AsyncClient, path: str = EVENTS, **query: Any) -> list[str]:
    answer = await client.get(path, params={name.rstrip("_"): v for name, v in query.items()})
    assert answer.status_code == 200, answer.text
    return [item["title"] for item in answer.json()["items"]]


UPCOMING = ["Alpha Movie", "Beta Movie", "Rock 100%", "Some Party"]


@pytest.mark.parametrize("path", ["events", "movies", "shows", "showtimes"])
@pytest.mark.parametrize(
    "query",
    [
        "limit=0", "limit=101", "limit=ten", "page=0", "page=-1", "cursor=!!!", "cursor=e30",
        "page=1&cursor=W10",
    ],
)  # fmt: skip
async def test_parts_that_make_no_sense(client: httpx.AsyncClient, path: str, query: str) -> None:
    answer = await client.get(f"{API}/{path}?{query}")
    assert answer.status_code == 422, answer.text
    assert answer.json()["code"] == "validation_failed"


@pytest.mark.parametrize(
    ("query", "parameter"),
    [
        ("sort=color", "sort"),
        ("sort=--title", "sort"),
        ("sort=", "sort"),
        ("fields=title,secret", "fields"),
        ("fields=", "fields"),
        ("kind=circus", "kind"),
        ("venueId=1", "venueId"),
        ("date=soon", "date"),
        ("date=2026-02-30", "date"),
        ("from=2026-13-01", "from"),
        ("from=2026-01-01T10:00:00", "from"),
        ("to=yesterday", "to"),
        ("to=0001-01-01T00:00:00%2B14:00", "to"),
        ("price%5Blte%5D=-1", "price[lte]"),
        ("price%5Bgte%5D=x", "price[gte]"),
        ("price%5Bgte%5D=99999999999999999999", "price[gte]"),
        ("available=maybe", "available"),
        ("q=" + "x" * 201, "q"),
    ],
)
async def test_filters_that_make_no_sense(
    client: httpx.AsyncClient, query: str, parameter: str
) -> None:
    answer = await client.get(f"{EVENTS}?{query}")
    assert answer.status_code == 422, answer.text
    assert [error["pointer"] for error in answer.json()["errors"]] == [parameter]


@pytest.mark.parametrize(
    "position",
    [
        ("title", "Rock", NEVER),
        ("startsAt", "Rock", NEVER),
        ("startsAt", 5, NEVER),
        ("startsAt", "2026-01-01T00:00:00", NEVER),
        ("startsAt", "0001-01-01T00:00:00+14:00", NEVER),
        ("startsAt", "2026-01-01T00:00:00Z", "not an id"),
        ("startsAt", "2026-01-01T00:00:00Z"),
        ("startsAt", None, NEVER),
    ],
)
async def test_cursors_of_something_else(
    client: httpx.AsyncClient, position: tuple[Any, ...]
) -> None:
    answer = await client.get(EVENTS, params={"cursor": encode_cursor(position)})
    assert answer.status_code == 422, answer.text
    assert answer.json()["errors"][0]["pointer"] == "cursor"


@pytest.mark.parametrize("value", [2**63, -(2**63), 10**30])
async def test_cursors_beyond_the_database(client: httpx.AsyncClient, value: int) -> None:
    cursor = encode_cursor(("price", value, NEVER))
    answer = await client.get(EVENTS, params={"sort": "price", "cursor": cursor})
    assert answer.status_code == 422


async def test_published_and_not_over(client: httpx.AsyncClient) -> None:
    assert await titles(client) == UPCOMING


@pytest.mark.parametrize(
    ("sort", "expected"),
    [
        ("startsAt", UPCOMING),
        ("-startsAt", UPCOMING[::-1]),
        ("createdAt", ["Rock 100%", "Alpha Movie", "Beta Movie", "Some Party"]),
        ("-title", ["Some Party", "Rock 100%", "Beta Movie", "Alpha Movie"]),
        ("price", ["Alpha Movie", "Beta Movie", "Rock 100%", "Some Party"]),
    ],
)
async def test_orders_by_cursor_and_by_page(
    client: httpx.AsyncClient, sort: str, expected: list[str]
) -> None:
    assert await titles(client, sort=sort) == expected
    for limit in (1, 2, 3, 4):
        found: list[str] = []
        cursor = None
        while True:
            query = {"sort": sort, "limit": limit} | ({"cursor": cursor} if cursor else {})
            part = (await client.get(EVENTS, params=query)).json()
            assert part["total"] is None
            found += [item["title"] for item in part["items"]]
            cursor = part["nextCursor"]
            if cursor is None:
                break
        assert found == expected
    second = (await client.get(EVENTS, params={"sort": sort, "limit": 3, "page": 2})).json()
    assert [item["title"] for item in second["items"]] == expected[3:]
    assert second["total"] == 4


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"q": "ROCK"}, ["Rock 100%"]),
        ({"q": "röck"}, ["Rock 100%"]),
        ({"q": "roc"}, ["Rock 100%"]),
        ({"q": "100% rock"}, ["Rock 100%"]),
        ({"q": "zebra"}, []),
        ({"q": "rock zebra"}, []),
        ({"q": "%"}, []),
        ({"q": "'; DROP TABLE events; --"}, []),
        ({"q": "rock & ! <-> :*", "sort": "startsAt"}, ["Rock 100%"]),
        ({"q": "cinema", "sort": "startsAt"}, ["Alpha Movie", "Beta Movie"]),
        ({"q": "main square", "sort": "startsAt"}, ["Rock 100%", "Some Party"]),
        # Almost right is found where nothing else is.
        ({"q": "pokara", "sort": "startsAt"}, ["Alpha Movie", "Beta Movie"]),
        ({"q": "bta movvie", "sort": "startsAt"}, []),
        ({"q": "grand cinnema", "sort": "startsAt"}, ["Alpha Movie", "Beta Movie"]),
        ({"kind": "movie"}, ["Alpha Movie", "Beta Movie"]),
        ({"kind": "concert"}, ["Rock 100%"]),
        ({"city": "pokhara"}, ["Alpha Movie", "Beta Movie"]),
        ({"city": "Paris"}, []),
        ({"category": "vip"}, ["Rock 100%", "Some Party"]),
        ({"price[lte]": 700}, ["Alpha Movie", "Beta Movie"]),
        ({"price[lte]": 699}, []),
        ({"price[gte]": 15_000}, ["Rock 100%", "Some Party"]),
        # One category must fit both: there is none between the two prices.
        ({"price[gte]": 6_000, "price[lte]": 14_000}, []),
        ({"category": "General", "price[gte]": 15_000}, []),
        ({"available": "true"}, ["Alpha Movie", "Beta Movie", "Rock 100%"]),
        ({"available": "false"}, []),
        ({"venueId": str(uuid4())}, []),
        ({"limit": 2}, ["Alpha Movie", "Beta Movie"]),
    ],
)
async def test_filters(
    client: httpx.AsyncClient, query: dict[str, Any], expected: list[str]
) -> None:
    assert await titles(client, **query) == expected


def day(days: int) -> str:
    return (datetime.now(UTC).date() + timedelta(days=days)).isoformat()


async def test_filters_by_time(client: httpx.AsyncClient) -> None:
    assert await titles(client, from_=day(15)) == ["Beta Movie", "Rock 100%"]
    assert await titles(client, from_=in_days(25)) == ["Rock 100%"]
    assert await titles(client, to=day(15)) == ["Alpha Movie"]
    assert await titles(client, from_=day(-20), to=day(3)) == ["Old Talk", "Alpha Movie"]
    assert await titles(client, from_=day(40)) == []


async def test_a_day_is_that_of_the_place(
    client: httpx.AsyncClient,
    owner: dict[str, str],
    programme: dict[str, Any],
    database: Database,
) -> None:
    starts_at = datetime.fromisoformat(programme["Alpha Movie"]["showtimes"][0]["startsAt"])
    # Kathmandu is 5:45 ahead of UTC.
    local = (starts_at + timedelta(hours=5, minutes=45)).date()
    assert await titles(client, date=local.isoformat()) == ["Alpha Movie"]
    late = await made_event(
        client, owner, title="Late", startsAt="2031-05-01T23:30:00Z", timezone="Europe/Paris"
    )
    assert await titles(client, date="2031-05-02") == ["Late"]
    assert await titles(client, date="2031-05-01") == []
    movie = programme["Alpha Movie"]["showId"]
    address = f"{API}/movies/{movie}/showtimes"
    assert await titles(client, address, date=local.isoformat()) == ["Alpha Movie"]
    assert await titles(client, address, date=(local + timedelta(days=1)).isoformat()) == []
    await withdraw(database, late["id"])


async def withdraw(database: Database, event_id: str) -> None:
    """Take an event of one test out of the lists of the others."""
    async with database.begin() as connection:
        await connection.exec_driver_sql(
            "UPDATE events SET status = 'draft' WHERE id = $1", (UUID(event_id),)
        )
        await connection.exec_driver_sql(
            "SELECT event_listings_refresh_v2(ARRAY[$1::uuid])", (UUID(event_id),)
        )
        await connection.exec_driver_sql("SELECT pg_notify('fullhouse', 'events')")


async def test_words_that_signs_join_are_words(
    client: httpx.AsyncClient, owner: dict[str, str], database: Database
) -> None:
    made = [
        await made_event(client, owner, title="TNT/DYN live@night"),
        # Almost the same; shown only where no event has the word itself.
        await made_event(client, owner, title="Dynn nightly.org"),
    ]
    for q in ("dyn night", "tnt/dyn", "live night"):
        assert (await titles(client, q=q))[0] == "TNT/DYN live@night"
    assert await titles(client, q="org") == ["Dynn nightly.org"]
    assert await titles(client, q="live dyn") == ["TNT/DYN live@night"]
    for event in made:
        await withdraw(database, event["id"])


async def test_what_fits_best_comes_first(
    client: httpx.AsyncClient, owner: dict[str, str], database: Database
) -> None:
    best_first = ["Jazz Night", "Jazzy Evening", "Quiet Room", "Talk"]
    made = [
        await made_event(client, owner, title="Jazz Night"),
        await made_event(client, owner, title="Jazzy Evening"),
        await made_event(client, owner, title="Quiet Room", location="Jazz Cellar"),
        await made_event(client, owner, title="Talk", description="About jazz."),
    ]
    assert await titles(client, q="jazz") == best_first
    assert await titles(client, q="jazz", sort="relevance") == best_first[::-1]
    assert await titles(client, q="jaz", page=2, limit=2) == ["Quiet Room", "Talk"]
    # Page by page it is the same, exactly behind each.
    seen: list[str] = []
    query: dict[str, Any] = {"q": "jazz", "limit": 1}
    while len(seen) < 4:
        part = (await client.get(EVENTS, params=query)).json()
        seen += [item["title"] for item in part["items"]]
        query["cursor"] = part["nextCursor"]
    assert (seen, query["cursor"]) == (best_first, None)
    # Almost right: the most alike first.
    assert await titles(client, q="jazzi evening") == ["Jazzy Evening"]
    # Behind the last there is nothing, and it is still counted.
    behind = (await client.get(EVENTS, params={"q": "jazz", "page": 3, "limit": 2})).json()
    assert (behind["items"], behind["nextCursor"], behind["total"]) == ([], None, 4)
    for event in made:
        await withdraw(database, event["id"])


async def test_a_sold_out_event(
    client: httpx.AsyncClient, owner: dict[str, str], database: Database
) -> None:
    event = await made_event(client, owner, title="Sold Out", startsAt=in_days(90))
    async with database.begin() as connection:
        await connection.exec_driver_sql(
            "UPDATE allotments SET sold = capacity WHERE showtime_id = $1",
            (UUID(event["showtimes"][0]["id"]),),
        )
    assert await titles(client, available="false", q="sold") == ["Sold Out"]
    assert await titles(client, available="true", q="sold") == []
    (item,) = (await client.get(EVENTS, params={"q": "sold"})).json()["items"]
    assert item["available"] == 0
    await withdraw(database, event["id"])


async def test_what_a_list_says_of_an_event(
    client: httpx.AsyncClient, programme: dict[str, Any]
) -> None:
    (item,) = (await client.get(EVENTS, params={"q": "Rock"})).json()["items"]
    event = programme["Rock 100%"]
    assert item["id"] == event["id"]
    assert item["startsAt"] == event["showtimes"][0]["startsAt"]
    assert item["price"] == {"amount": 5_000, "currency": "USD"}
    assert item["highestPrice"] == {"amount": 15_000, "currency": "USD"}
    assert item["available"] == 1_000
    (party,) = (await client.get(EVENTS, params={"q": "party"})).json()["items"]
    assert party["startsAt"] is None
    assert party["available"] is None


async def test_only_the_fields_that_are_asked_for(client: httpx.AsyncClient) -> None:
    answer = await client.get(EVENTS, params={"fields": "title, price", "q": "Rock"})
    (item,) = answer.json()["items"]
    assert item.keys() == {"id", "title", "price"}
    assert item["price"] == {"amount": 5_000, "currency": "USD"}


async def test_lists_are_kept_until_something_is_published(
    client: httpx.AsyncClient, owner: dict[str, str], database: Database
) -> None:
    first = await client.get(EVENTS, params={"q": "kept"})
    assert first.json()["items"] == []
    etag = first.headers["etag"]
    same = await client.get(EVENTS, params={"q": "kept"}, headers={"If-None-Match": etag})
    assert same.status_code == 304
    event = await made_event(client, owner, title="Not Kept", publish=False)
    await client.post(f"{EVENTS}/{event['id']}/publish", headers=owner)
    for _ in range(100):
        if await titles(client, q="kept"):
            break
    assert await titles(client, q="kept") == ["Not Kept"]
    await withdraw(database, event["id"])


async def test_movies_by_status(client: httpx.AsyncClient, programme: dict[str, Any]) -> None:
    movies = f"{API}/movies"
    assert await titles(client, movies) == ["Alpha Movie", "Beta Movie", "Old Talk"]
    assert await titles(client, movies, status="now_showing") == ["Alpha Movie"]
    assert await titles(client, movies, status="coming_soon") == ["Beta Movie"]
    assert await titles(client, movies, status="ended,now_showing") == ["Alpha Movie", "Old Talk"]
    wrong = await client.get(movies, params={"status": "soon"})
    assert wrong.status_code == 422
    shown = (await client.get(f"{movies}/{programme['Alpha Movie']['showId']}")).json()
    assert shown["genre"] == "Drama"
    assert [event["title"] for event in shown["events"]] == ["Alpha Movie"]


async def test_a_show_that_is_no_movie(
    client: httpx.AsyncClient, programme: dict[str, Any]
) -> None:
    show_id = programme["Rock 100%"]["showId"]
    assert (await client.get(f"{API}/shows/{show_id}")).status_code == 200
    for address in (f"movies/{show_id}", f"movies/{show_id}/showtimes", f"movies/{uuid4()}"):
        assert (await client.get(f"{API}/{address}")).status_code == 404
    assert await titles(client, f"{API}/shows", kind="concert") == ["Rock 100%"]
    assert "Secret" not in await titles(client, f"{API}/shows")


@pytest.mark.parametrize("path", ["movies/x", "shows/x", "showtimes/x", "movies/1/showtimes"])
async def test_malformed_ids(client: httpx.AsyncClient, path: str) -> None:
    assert (await client.get(f"{API}/{path}")).status_code == 404


async def test_showtimes(client: httpx.AsyncClient, programme: dict[str, Any]) -> None:
    address = f"{API}/showtimes"
    assert await titles(client, address) == ["Alpha Movie", "Beta Movie", "Rock 100%"]
    event_id = programme["Beta Movie"]["id"]
    assert await titles(client, address, eventId=event_id) == ["Beta Movie"]
    movie_id = programme["Alpha Movie"]["showId"]
    assert await titles(client, address, movieId=movie_id) == ["Alpha Movie"]
    assert await titles(client, address, movieId=str(uuid4())) == []
    assert (await client.get(address, params={"eventId": "x"})).status_code == 422


async def test_own_events(client: httpx.AsyncClient, owner: dict[str, str]) -> None:
    address = f"{API}/organizer/events"
    assert (await client.get(address)).status_code == 401
    assert (await client.get(address, headers=await signed_in(client))).status_code == 403
    other = await signed_in(client, role="ORGANIZER")
    assert (await client.get(address, headers=other)).json()["items"] == []
    answer = await client.get(address, headers=owner, params={"limit": 100})
    listed = [item["title"] for item in answer.json()["items"]]
    assert listed[-6:] == [
        "Secret", "Some Party", "Old Talk", "Beta Movie", "Alpha Movie", "Rock 100%",
    ]  # fmt: skip
    drafts = await client.get(address, headers=owner, params={"status": "draft"})
    assert "Secret" in [item["title"] for item in drafts.json()["items"]]
    assert "Rock 100%" not in [item["title"] for item in drafts.json()["items"]]
    theirs = {"organizationId": answer.json()["items"][0]["organizationId"]}
    assert (await client.get(address, headers=other, params=theirs)).status_code == 403
    assert (await client.get(address, headers=owner, params=theirs)).status_code == 200


async def test_a_list_takes_as_many_statements_however_long_it_is(parts: Parts) -> None:
    engine = parts.database._engine.sync_engine
    statements: list[str] = []

    def note(*details: Any) -> None:
        statements.append(details[2])

    sa.event.listen(engine, "before_cursor_execute", note)
    try:
        counts = []
        for limit in (1, 4):
            statements.clear()
            await events(parts.database, EventFilters(), Order("startsAt"), Slice(limit))
            await showtimes(parts.database, ShowtimeFilters(), Order("startsAt"), Slice(limit))
            counts.append(len(statements))
    finally:
        sa.event.remove(engine, "before_cursor_execute", note)
    assert counts == [4, 4]
