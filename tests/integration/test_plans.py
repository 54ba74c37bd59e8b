"""How lists are read from a hundred thousand events: by an index, whatever is asked for."""

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
import pytest_asyncio
import sqlalchemy as sa

from fullhouse.kit.db import Database, RawConnection
from fullhouse.parts import Parts
from tests.support.catalog import API
from tests.support.crowd import fill
from tests.support.organizations import organizer

# Whoever reads one of these from end to end takes as long as there is business.
LARGE = {
    "allotments", "bookings", "booking_lines", "categories", "event_listings", "events",
    "inventories", "seat_claims", "showtimes", "waitlist_entries",
}  # fmt: skip


@pytest_asyncio.fixture(scope="module", autouse=True)
async def crowd(database: Database) -> None:
    connection = await database.connect_raw()
    await fill(connection)
    await connection.close()


def scans(plan: Any) -> Iterator[str]:
    """The tables that a plan reads from end to end."""
    if plan["Node Type"] in ("Seq Scan", "Parallel Seq Scan") and plan["Relation Name"] in LARGE:
        yield plan["Relation Name"]
    for part in plan.get("Plans", ()):
        yield from scans(part)


async def scanned(
    client: httpx.AsyncClient,
    parts: Parts,
    connection: RawConnection,
    path: str,
    query: dict[str, str],
    headers: dict[str, str] | None = None,
) -> dict[str, list[str]]:
    """The statements behind an answer that scan a large table, with what they scan."""
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
    found: dict[str, list[str]] = {}
    for statement, values in statements:
        if not statement.lstrip().startswith(("SELECT", "WITH")):
            continue
        document = await connection.fetchval(f"EXPLAIN (FORMAT JSON) {statement}", *values)
        (plan,) = json.loads(document)
        if tables := list(scans(plan["Plan"])):
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


@pytest.mark.parametrize("path", ["/shows", "/movies", "/showtimes", "/venues"])
async def test_other_lists(
    client: httpx.AsyncClient, parts: Parts, connection: RawConnection, path: str
) -> None:
    assert await scanned(client, parts, connection, path, {}) == {}


async def test_own_events(
    client: httpx.AsyncClient, parts: Parts, connection: RawConnection
) -> None:
    who = await organizer(client)
    found = await scanned(client, parts, connection, "/organizer/events", {}, who.headers)
    assert found == {}


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
