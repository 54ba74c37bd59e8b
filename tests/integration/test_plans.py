"""How lists are read from a hundred thousand events: by an index, whatever is asked for."""

import json
from collections.abc import Iterator
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
from tests.support.organizations import Person, join, organizer, person

# Whoever reads one of these from end to end takes as long as there is business.
LARGE = {
    "allotments", "bookings", "booking_lines", "categories", "event_listings", "events",
    "inventories", "seat_claims", "showtimes", "users", "waitlist_entries",
}  # fmt: skip


@pytest_asyncio.fixture(scope="module", autouse=True)
async def crowd(database: Database) -> None:
    connection = await database.connect_raw()
    await fill(connection)
    await sell(connection)
    await connection.close()


@pytest_asyncio.fixture(scope="module")
async def clerk(client: httpx.AsyncClient, database: Database) -> Person:
    """Somebody at the box office of one of the crowd's organizations."""
    made = await person(client)
    connection = await database.connect_raw()
    organization: UUID = await connection.fetchval(
        "SELECT id FROM organizations WHERE name = 'House 7'"
    )
    await join(connection, str(organization), made, "box_office")
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
) -> dict[str, Any]:
    """The statements behind an answer, with their plans."""
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
            document = await connection.fetchval(f"EXPLAIN (FORMAT JSON) {statement}", *values)
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


# Of a week and more so many events are left that reading all is cheaper, and the planner knows it.
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
    {"price[lte]": "2100"},
    {"date": "2027-01-15"},
    {"from": "2027-01-15", "to": "2027-01-15"},
    {"q": "silver garden"},
    {"q": "silver garden", "sort": "startsAt", "kind": "play"},
    {"q": "silvre gardne"},
    {"q": "nothing at all like this"},
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
        assert "shows_words" in indexes or "FROM shows" not in statement


async def test_own_events(
    client: httpx.AsyncClient, parts: Parts, connection: RawConnection
) -> None:
    who = await organizer(client)
    found = await scanned(client, parts, connection, "/organizer/events", {}, who.headers)
    assert found == {}


# What the planner is told of the disk by whoever serves requests (kit/db.py).
AS_THE_POOL = "SET random_page_cost = 1.1"
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
    await connection.execute(AS_THE_POOL)
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
    await connection.execute(AS_THE_POOL)
    assert await scanned(client, parts, connection, path, query, clerk.headers) == {}


async def test_a_scan_is_noticed(
    client: httpx.AsyncClient, parts: Parts, connection: RawConnection
) -> None:
    await connection.execute("DROP INDEX event_listings_start")
    try:
        assert await scanned(client, parts, connection, "/events", {"limit": "7"})
    finally:
        await connection.execute(
            "CREATE INDEX event_listings_start ON event_listings (status, next_starts_at, event_id)"
        )
