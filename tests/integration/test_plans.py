"""How lists are read from a hundred thousand events: by an index, whatever is asked for."""

import json
from collections.abc import AsyncIterator, Iterator
from typing import Any
from urllib.parse import parse_qsl
from uuid import UUID

import httpx
import pytest
import pytest_asyncio
import sqlalchemy as sa

from fullhouse.catalog.rules import SHOW_STATUSES
from fullhouse.kit.db import Database, RawConnection
from fullhouse.parts import Parts
from tests.support.catalog import API
from tests.support.crowd import fill, sell
from tests.support.organizations import Person, join, person

# Whoever reads one of these from end to end takes as long as there is business.
LARGE = {
    "allotments", "bookings", "booking_lines", "categories", "event_listings", "events",
    "inventories", "listed_prices", "seat_claims", "showtimes", "users", "waitlist_entries",
}  # fmt: skip


@pytest_asyncio.fixture(scope="module", autouse=True)
async def crowd(database: Database) -> None:
    connection = await database.connect_raw()
    await fill(connection)
    await sell(connection)
    await connection.close()


@pytest_asyncio.fixture
async def connection(database: Database) -> AsyncIterator[RawConnection]:
    """A connection whose planner is told what that of the pool is (kit/db.py)."""
    raw = await database.connect_raw(random_page_cost="1.1")
    yield raw
    await raw.close()


@pytest_asyncio.fixture(scope="module")
async def clerk(client: httpx.AsyncClient, database: Database) -> Person:
    """Somebody at the box office of one of the crowd's organizations."""
    return await _member(client, database, "box_office")


@pytest_asyncio.fixture(scope="module")
async def manager(client: httpx.AsyncClient, database: Database) -> Person:
    """Somebody who runs one of the crowd's organizations."""
    return await _member(client, database, "manager")


async def _member(client: httpx.AsyncClient, database: Database, role: str) -> Person:
    made = await person(client)
    connection = await database.connect_raw()
    organization: UUID = await connection.fetchval(
        "SELECT id FROM organizations WHERE name = 'House 7'"
    )
    await join(connection, str(organization), made, role)
    await connection.close()
    return made


def nodes(plan: Any) -> Iterator[Any]:
    """All parts of a plan."""
    yield plan
    for part in plan.get("Plans", ()):
        yield from nodes(part)


async def plans_of(
    client: httpx.AsyncClient,
    parts: Parts,
    connection: RawConnection,
    path: str,
    query: dict[str, str],
    headers: dict[str, str] | None = None,
    *,
    analyze: bool = False,
) -> dict[str, Any]:
    """The statements behind an answer, with their plans; analyzed, also with what they read."""
    engine = parts.database._engine.sync_engine
    statements: list[tuple[str, Any]] = []

    def note(*details: Any) -> None:
        statements.append((details[2], details[3]))

    sa.event.listen(engine, "before_cursor_execute", note)
    try:
        answer = await client.get(f"{API}{path}", params=query, headers=headers)
    finally:
        sa.event.remove(engine, "before_cursor_execute", note)
    assert answer.status_code == 200, answer.text
    assert statements
    found: dict[str, Any] = {}
    for statement, values in statements:
        if statement.lstrip().startswith(("SELECT", "WITH")):
            explain = f"EXPLAIN (FORMAT JSON, ANALYZE {analyze}) {statement}"
            document = await connection.fetchval(explain, *values)
            found[statement] = json.loads(document)[0]["Plan"]
    return found


async def scanned(
    client: httpx.AsyncClient,
    parts: Parts,
    connection: RawConnection,
    path: str,
    query: dict[str, str],
    headers: dict[str, str] | None = None,
) -> dict[str, list[str]]:
    """The statements behind an answer that scan a large table, with what they scan."""
    found = {}
    for statement, plan in (
        await plans_of(client, parts, connection, path, query, headers)
    ).items():
        whole = [node for node in nodes(plan) if node["Node Type"].endswith("Seq Scan")]
        if tables := [node["Relation Name"] for node in whole if node["Relation Name"] in LARGE]:
            found[statement] = tables
    return found


EVENT_QUERIES: list[dict[str, str]] = [
    {},
    {"sort": "-startsAt"},
    {"sort": "createdAt"},
    {"sort": "-title"},
    {"sort": "price"},
    {"city": "city 17"},
    {"kind": "movie"},
    {"kind": "movie", "city": "City 17", "sort": "price"},
    {"category": "vip"},
    {"category": "nobody has this"},
    {"price[lte]": "2100"},
    {"price[lte]": "2100", "sort": "price"},
    {"price[gte]": "9000"},
    {"price[gte]": "99999"},
    {"category": "vip", "price[gte]": "9047", "price[lte]": "9047"},
    {"available": "true"},
    {"available": "true", "sort": "title"},
    {"available": "true", "city": "City 17"},
    {"available": "false"},
    {"available": "false", "sort": "-price"},
    {"from": "2027-01-15"},
    {"from": "2027-01-15", "sort": "title"},
    {"from": "2027-01-15", "available": "false", "kind": "movie"},
    {"from": "2020-01-01"},
    {"to": "2027-01-15"},
    {"date": "2027-01-15"},
    {"from": "2027-01-15", "to": "2027-01-15"},
    {"q": "silver garden"},
    {"q": "silver garden", "sort": "startsAt", "kind": "play"},
    {"q": "silvre gardne"},
    {"q": "nothing at all like this"},
    {"q": "city"},
    {"q": "city", "available": "true"},
    {"limit": "100"},
]


@pytest.mark.parametrize("query", EVENT_QUERIES, ids=lambda query: "&".join(map("=".join, query.items())) or "all")  # fmt: skip  # noqa: E501
async def test_lists_of_events(
    client: httpx.AsyncClient, parts: Parts, connection: RawConnection, query: dict[str, str]
) -> None:
    assert await scanned(client, parts, connection, "/events", query) == {}


async def test_pages_far_down(
    client: httpx.AsyncClient, parts: Parts, connection: RawConnection
) -> None:
    cursor = (await client.get(f"{API}/events", params={"limit": "100"})).json()["nextCursor"]
    query = {"limit": "100", "cursor": cursor}
    assert await scanned(client, parts, connection, "/events", query) == {}


OTHER_QUERIES = [
    *("/shows?", "/movies?", "/showtimes?", "/venues?"),
    "/showtimes?sort=-startsAt",
    "/showtimes?date=2027-01-15&page=1",
    "/showtimes?from=2027-01-15",
    *("/showtimes?status=cancelled", "/showtimes?status=cancelled&page=1"),
    "/showtimes?status=scheduled,cancelled",
    "/movies?status=ended&page=1",
    "/shows?status=now_showing&sort=startsAt",
    *("/venues?q=silver", "/venues?q=silvre"),
]


@pytest.mark.parametrize("asked", OTHER_QUERIES)
async def test_other_lists(
    client: httpx.AsyncClient, parts: Parts, connection: RawConnection, asked: str
) -> None:
    path, _, query = asked.partition("?")
    assert await scanned(client, parts, connection, path, dict(parse_qsl(query))) == {}


@pytest.mark.parametrize("path", ["/shows", "/movies"])
@pytest.mark.parametrize("status", SHOW_STATUSES)
async def test_where_shows_stand_is_read_from_one_index(
    client: httpx.AsyncClient, parts: Parts, connection: RawConnection, path: str, status: str
) -> None:
    plans = await plans_of(client, parts, connection, path, {"status": status})
    # Beside the list there are chores.
    (plan,) = (plan for statement, plan in plans.items() if "FROM shows" in statement)
    read = {node.get("Relation Name") for node in nodes(plan)} - {None}
    indexes = {node.get("Index Name") for node in nodes(plan)} - {None}
    assert read == {"shows", "event_listings"}
    assert "event_listings_show" in indexes


@pytest.mark.parametrize("q", ["silver garden 10", "silvre gardne 11", "nothing at all like this"])
async def test_shows_are_found_by_an_index(
    client: httpx.AsyncClient, parts: Parts, connection: RawConnection, q: str
) -> None:
    plans = await plans_of(client, parts, connection, "/shows", {"q": q})
    for statement, plan in plans.items():
        indexes = {node.get("Index Name") for node in nodes(plan)}
        # Words by their beginnings, or almost the same ones.
        searched = indexes & {"shows_document", "shows_words"}
        assert searched or "FROM shows" not in statement


FACET_QUERIES: list[dict[str, str]] = [
    {"available": "false"},
    {"city": "City 17"},
    {"kind": "movie", "city": "City 17", "available": "true"},
    {"category": "vip"},
    {"category": "vip", "price[gte]": "9047", "price[lte]": "9047"},
    {"price[gte]": "99999"},
    {"date": "2027-01-15"},
    {"from": "2027-01-15"},
    {"q": "silver garden"},
]


@pytest.mark.parametrize("query", FACET_QUERIES, ids=lambda query: "&".join(map("=".join, query.items())) or "all")  # fmt: skip  # noqa: E501
async def test_facets(
    client: httpx.AsyncClient, parts: Parts, connection: RawConnection, query: dict[str, str]
) -> None:
    assert await scanned(client, parts, connection, "/events/facets", query) == {}


# What is counted here is all there is, and no index leaves any of it out. All of it is read, but
# from indexes that have nothing else in them, and none of the rows themselves.
COUNTED = [
    "/events?page=1",
    "/events?page=3&available=true",
    "/events?page=1&from=2027-01-15",
    "/events/facets?",
    "/events/facets?available=true",
    "/showtimes?page=1",
]


@pytest.mark.parametrize("asked", COUNTED)
async def test_everything_is_counted_from_indexes_alone(
    client: httpx.AsyncClient, parts: Parts, connection: RawConnection, asked: str
) -> None:
    path, _, query = asked.partition("?")
    plans = await plans_of(client, parts, connection, path, dict(parse_qsl(query)))
    counting = [plan for statement, plan in plans.items() if "count(" in statement]
    assert counting
    read = [node for plan in counting for node in nodes(plan) if node.get("Relation Name") in LARGE]
    assert read
    others = {node.get("Index Name") for node in read if node["Node Type"] != "Index Only Scan"}
    # The names of categories, of one event for all that have the same.
    assert others <= {"listed_prices_pkey"}


async def test_venues_have_their_events_by_an_index(
    client: httpx.AsyncClient, parts: Parts, connection: RawConnection
) -> None:
    venue = str(await connection.fetchval("SELECT venue_id FROM event_listings LIMIT 1"))
    for path in ("/events", "/events/facets", "/showtimes"):
        for query in ({"venueId": venue}, {"venueId": venue, "from": "2027-01-15"}):
            assert await scanned(client, parts, connection, path, query) == {}


OWN_QUERIES = [
    "/organizer/events?",
    "/organizer/events?from=2027-01-15",
    "/organizer/events?to=2027-01-15&sort=startsAt",
    "/organizer/events?status=draft&page=1",
    "/organizer/events?q=silver",
    "/organizer/shows?",
    "/organizer/shows?q=silver",
    "/organizer/showtimes?",
    "/organizer/showtimes?page=1",
    "/organizer/showtimes?status=cancelled",
    "/organizer/showtimes?from=2027-01-15",
    "/organizer/venues?",
]


@pytest.mark.parametrize("asked", OWN_QUERIES)
async def test_own_lists(
    client: httpx.AsyncClient,
    parts: Parts,
    connection: RawConnection,
    manager: Person,
    asked: str,
) -> None:
    path, _, query = asked.partition("?")
    found = await scanned(client, parts, connection, path, dict(parse_qsl(query)), manager.headers)
    assert found == {}


SOLD_QUERIES: list[dict[str, str]] = [
    {},
    {"sort": "createdAt"},
    {"page": "3"},
    {"status": "cancelled"},
    {"status": "refunded"},
    {"code": "crowd400-2"},
    {"q": "buyer-42"},
    {"q": "Silver"},
    {"q": "silver", "page": "1"},
    {"from": "2026-01-01", "to": "2026-02-01"},
]


@pytest.mark.parametrize("query", SOLD_QUERIES, ids=lambda query: "&".join(map("=".join, query.items())) or "all")  # fmt: skip  # noqa: E501
async def test_what_was_booked(
    client: httpx.AsyncClient,
    parts: Parts,
    connection: RawConnection,
    clerk: Person,
    query: dict[str, str],
) -> None:
    path = "/organizer/bookings"
    assert await scanned(client, parts, connection, path, query, clerk.headers) == {}


@pytest.mark.parametrize("narrow", ["eventId", "showtimeId", "cursor"])
async def test_what_was_booked_at_one_showtime(
    client: httpx.AsyncClient, parts: Parts, connection: RawConnection, clerk: Person, narrow: str
) -> None:
    path = "/organizer/bookings"
    answer = await client.get(f"{API}{path}", params={"limit": "2"}, headers=clerk.headers)
    first = answer.json()["items"][0]
    known = {
        "eventId": first["event"]["id"],
        "showtimeId": first["showtimeId"],
        "cursor": answer.json()["nextCursor"],
    }
    query = {narrow: known[narrow]}
    assert await scanned(client, parts, connection, path, query, clerk.headers) == {}


# A scan of an index can be as long. These find little among much.
SHORT_QUERIES = [
    "/events?limit=7&price[gte]=99999",
    "/events?limit=7&category=vip&price[gte]=9047&price[lte]=9047",
    "/events?limit=7&available=true",
    "/events?limit=7&from=2027-01-15",
    "/events?limit=7&from=2027-01-15&available=true&sort=title",
    "/events?limit=7&category=nobody has this",
    "/showtimes?limit=7&status=cancelled",
    "/events/facets?price[gte]=99998",
]
# Of all showtimes a seventh are over, and come first.
FEW_ROWS = 30_000


@pytest.mark.parametrize("asked", SHORT_QUERIES)
async def test_little_is_read_for_a_page(
    client: httpx.AsyncClient, parts: Parts, connection: RawConnection, asked: str
) -> None:
    path, _, query = asked.partition("?")
    plans = await plans_of(client, parts, connection, path, dict(parse_qsl(query)), analyze=True)
    for plan in plans.values():
        read = [node for node in nodes(plan) if node.get("Relation Name") in LARGE]
        for node in read:
            left_out = node.get("Rows Removed by Filter", 0)
            assert (node["Actual Rows"] + left_out) * node["Actual Loops"] < FEW_ROWS, node


@pytest.mark.parametrize(
    ("index", "asked"),
    [
        ("event_listings_title", "/events?limit=8&sort=title"),
        ("event_listings_facets", "/events/facets?kind=play"),
        ("showtimes_cancelled", "/showtimes?limit=8&status=cancelled"),
        ("events_shown", "/showtimes?limit=8&page=1"),
    ],
)
async def test_a_scan_is_noticed(
    client: httpx.AsyncClient, parts: Parts, connection: RawConnection, index: str, asked: str
) -> None:
    path, _, query = asked.partition("?")
    again = await connection.fetchval("SELECT pg_get_indexdef($1::regclass)", index)
    await connection.execute(f"DROP INDEX {index}")
    try:
        assert await scanned(client, parts, connection, path, dict(parse_qsl(query)))
    finally:
        await connection.execute(again)
