"""Venues that were there before they said anything of themselves: a migration fills it in."""

import asyncpg
import sqlalchemy as sa
from alembic import command

from fullhouse import migrate
from fullhouse.kit.db import engine_for
from fullhouse.kit.embedded import EmbeddedPostgres

_BEFORE = [
    "INSERT INTO organizations (id, name) VALUES (gen_random_uuid(), 'House')",
    "INSERT INTO shows (id, organization_id, kind, title)"
    " SELECT gen_random_uuid(), id, 'play', 'A Play' FROM organizations",
    # One for each sort of event that may be there.
    "INSERT INTO venues (id, organization_id, name, address, city, country, timezone)"
    " SELECT gen_random_uuid(), o.id, v.name, '5 Lane', 'Zürich', 'CH', 'UTC'"
    " FROM organizations o, (VALUES ('draft'), ('published'), ('cancelled'), ('none')) v (name)",
    "INSERT INTO events (id, organization_id, show_id, slug, title, status, currency, venue_id,"
    " timezone, policy, published_at)"
    " SELECT gen_random_uuid(), s.organization_id, s.id, v.name, 'A Play', v.name, 'CHF', v.id,"
    " 'UTC', '{}', CASE WHEN v.name = 'draft' THEN NULL ELSE now() END"
    " FROM shows s, venues v WHERE v.name <> 'none'",
    "INSERT INTO events (id, organization_id, show_id, slug, title, status, currency, location,"
    " timezone, policy, deleted_at)"
    " SELECT gen_random_uuid(), organization_id, id, 'gone', 'A Play', 'draft', 'CHF', 'Here',"
    " 'UTC', '{}', now() FROM shows",
    # Names that count as one by now.
    "INSERT INTO halls (id, venue_id, name) SELECT ('0190000000007000800000000000000' || n)::uuid,"
    " v.id, h.name FROM venues v, (VALUES (1, 'Hall 1'), (2, ' hall  1'), (3, 'Small')) h (n, name)"
    " WHERE v.name = 'none'",
    "INSERT INTO categories (id, event_id, name, price, capacity, rank)"
    " SELECT ('0190000000007000800000000000000' || n)::uuid, e.id, c.name, 0, 1, n"
    " FROM events e, (VALUES (1, 'VIP'), (2, 'Vip ')) c (n, name) WHERE e.slug = 'draft'",
    "SELECT event_listings_refresh_v1(ARRAY(SELECT id FROM events))",
]


async def test_venues_of_before(postgres: EmbeddedPostgres) -> None:
    url = postgres.dsn("before_content")
    server = await asyncpg.connect(postgres.dsn("postgres"))
    await server.execute("CREATE DATABASE before_content")
    try:
        await _upgrade(url, "0003")
        connection = await asyncpg.connect(url)
        for statement in _BEFORE:
            await connection.execute(statement)
        await migrate.upgrade(url)
        rows = await connection.fetch(
            "SELECT name, city_key, words, shown_until::text AS until FROM venues"
        )
        halls = await connection.fetch("SELECT name FROM halls ORDER BY id")
        categories = await connection.fetch("SELECT name FROM categories ORDER BY id")
        shows = await connection.fetch("SELECT words FROM shows")
        slugs = await connection.fetch("SELECT slug, id FROM events WHERE slug !~ '^[a-z]+$'")
        await connection.close()
    finally:
        await server.execute("DROP DATABASE before_content WITH (FORCE)")
        await server.close()
    assert {row["name"]: row["until"] for row in rows} == {
        "draft": None,
        # Without a date, and so without an end.
        "published": "9999-01-01 00:00:00+00",
        "cancelled": "-infinity",
        "none": None,
    }
    marked = "(000000000002)"
    assert [row["name"] for row in halls] == ["Hall 1", f"hall 1 {marked}", "Small"]
    assert [row["name"] for row in categories] == ["VIP", f"Vip {marked}"]
    assert [row["words"] for row in shows] == ["a play"]
    assert [row["slug"] for row in slugs] == [str(row["id"]) for row in slugs] != []
    assert {row["city_key"] for row in rows} == {"zurich"}
    assert {row["words"] for row in rows} == {f"{row['name']} zurich 5 lane" for row in rows}


async def _upgrade(url: str, revision: str) -> None:
    configuration = migrate.config()

    def run(connection: sa.Connection) -> None:
        configuration.attributes["connection"] = connection
        command.upgrade(configuration, revision)

    engine = engine_for(url)
    async with engine.connect() as connection:
        await connection.run_sync(run)
        await connection.commit()
    await engine.dispose()
