"""What people are shown: pictures, casts, trailers, releases, and what venues say of themselves."""

from pathlib import Path

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

import fullhouse.catalog.store

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

LISTINGS_FUNCTION = Path(fullhouse.catalog.store.__file__).with_name("event_listings_v2.sql")

# Programs that still know the former function leave nothing out either.
_FORMER_FUNCTION = """
CREATE OR REPLACE FUNCTION event_listings_refresh_v1(wanted uuid[]) RETURNS void
LANGUAGE sql AS 'SELECT event_listings_refresh_v2(wanted)'
"""

_CHECKS = (
    ("events", "sales_window_finite", "isfinite(sales_open_at) AND isfinite(sales_close_at)"),
    ("shows", "release_ordered", "ends_on >= released_on"),
    ("venues", "latitude_on_earth", "latitude BETWEEN -90 AND 90"),
    ("venues", "longitude_on_earth", "longitude BETWEEN -180 AND 180"),
    ("venues", "coordinates_whole", "(latitude IS NULL) = (longitude IS NULL)"),
    ("showtimes", "cleared_if_cancelled", "cleared_at IS NULL OR status = 'cancelled'"),
    ("venues", "hold_sensible", "hold_seconds BETWEEN 60 AND 3600"),
)

# To when the public events of each venue go on, as catalog.store.shown_venues keeps it.
_SHOWN = """
UPDATE venues v SET shown_until = e.until
FROM (
    SELECT e.venue_id, max(
        CASE WHEN e.status = 'published' THEN l.last_ends_at ELSE '-infinity' END
    ) AS until
    FROM events e
    JOIN event_listings l ON l.event_id = e.id
    WHERE e.deleted_at IS NULL AND e.published_at IS NOT NULL AND e.status <> 'draft'
    GROUP BY e.venue_id
) e
WHERE e.venue_id = v.id
"""

# The words of shows, as catalog.store.show_writes keeps them; nobody has a cast yet.
_SHOW_DOCUMENTS = """
UPDATE shows SET document =
    setweight(to_tsvector('simple',
        regexp_replace(lower(unaccent(title)), '[^[:alnum:]]+', ' ', 'g')), 'A')
    || setweight(to_tsvector('simple',
        regexp_replace(lower(unaccent(coalesce(genre, ''))), '[^[:alnum:]]+', ' ', 'g')), 'B')
    || setweight(to_tsvector('simple', lower(unaccent(description))), 'D')
"""


def upgrade() -> None:
    _media()
    _shows()
    _events()
    _categories()
    _showtimes()
    _venues()
    _listings()
    _changed_tags()
    op.create_index("users_name_start", "users", [sa.text("lower(name) text_pattern_ops")])
    op.create_index("users_email_start", "users", [sa.text("email text_pattern_ops")])
    for table, name, condition in _CHECKS:
        op.create_check_constraint(op.f(f"{table}_{name}"), table, condition)


def _media() -> None:
    op.create_table(
        "media",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=True),
        sa.Column("uploaded_by", sa.Uuid(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("content_type", sa.Text(), nullable=False),
        sa.Column("bytes", sa.Integer(), nullable=False),
        sa.Column("sha256", sa.LargeBinary(), nullable=False),
        sa.Column("width", sa.Integer(), nullable=False),
        sa.Column("height", sa.Integer(), nullable=False),
        sa.Column("alt", sa.Text(), server_default="", nullable=False),
        sa.Column(
            "variants", postgresql.JSONB(astext_type=sa.Text()), server_default="[]", nullable=False
        ),
        sa.Column("failure", sa.Text(), nullable=True),
        sa.Column("claimed_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("cleared_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "(status = 'failed') = (failure IS NOT NULL)", name=op.f("media_failure_has_reason")
        ),
        sa.CheckConstraint(
            "cleared_at IS NULL OR deleted_at IS NOT NULL", name=op.f("media_cleared_is_deleted")
        ),
        sa.CheckConstraint(
            "status IN ('processing', 'ready', 'failed')", name=op.f("media_status_known")
        ),
        sa.CheckConstraint("width > 0 AND height > 0 AND bytes > 0", name=op.f("media_not_empty")),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name=op.f("media_organization_id_fkey")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("media_pkey")),
    )
    op.create_index(op.f("media_organization_id"), "media", ["organization_id"], unique=False)
    op.create_index(
        "media_processing",
        "media",
        ["created_at"],
        unique=False,
        postgresql_where=sa.text("status = 'processing' AND deleted_at IS NULL"),
    )
    op.create_index(
        "media_to_clear",
        "media",
        ["deleted_at"],
        unique=False,
        postgresql_where=sa.text("deleted_at IS NOT NULL AND cleared_at IS NULL"),
    )


def _shows() -> None:
    op.add_column("shows", sa.Column("released_on", sa.Date(), nullable=True))
    op.add_column("shows", sa.Column("ends_on", sa.Date(), nullable=True))
    op.add_column(
        "shows",
        sa.Column(
            "cast", postgresql.JSONB(astext_type=sa.Text()), server_default="[]", nullable=False
        ),
    )
    op.add_column(
        "shows",
        sa.Column("trailers", postgresql.ARRAY(sa.Text()), server_default="{}", nullable=False),
    )
    op.add_column(
        "shows",
        sa.Column("images", postgresql.ARRAY(sa.Uuid()), server_default="{}", nullable=False),
    )
    op.add_column("shows", sa.Column("made_for", sa.Uuid(), nullable=True))
    op.create_index("shows_created_at", "shows", ["created_at", "id"])
    op.add_column("shows", sa.Column("words", sa.Text(), server_default="", nullable=False))
    op.execute("UPDATE shows SET words = lower(unaccent(title))")
    op.create_index(
        "shows_words",
        "shows",
        ["words"],
        unique=False,
        postgresql_using="gin",
        postgresql_ops={"words": "gin_trgm_ops"},
    )
    document = sa.Column("document", postgresql.TSVECTOR(), server_default="", nullable=False)
    op.add_column("shows", document)
    op.execute(_SHOW_DOCUMENTS)
    op.create_index("shows_document", "shows", ["document"], unique=False, postgresql_using="gin")
    op.add_column(
        "shows", sa.Column("announced", sa.Boolean(), server_default="false", nullable=False)
    )
    op.drop_index("event_listings_show", "event_listings")
    op.create_index(
        "event_listings_show",
        "event_listings",
        ["show_id", "next_starts_at", "event_id"],
        unique=False,
        postgresql_include=["status", "last_ends_at"],
    )


def _events() -> None:
    op.add_column("events", sa.Column("cancelled_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column(
        "events",
        sa.Column("images", postgresql.ARRAY(sa.Uuid()), server_default="{}", nullable=False),
    )
    # What is deleted gives up its slug.
    op.execute("UPDATE events SET slug = id::text WHERE deleted_at IS NOT NULL")


def _categories() -> None:
    op.add_column("categories", sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True))
    # A name is free again when its category is gone.
    op.drop_constraint("categories_event_id_name_key", "categories")
    _name_once("categories", "event_id", "categories_event_name", 'name COLLATE "C"')


def _name_once(table: str, owner: str, index: str, name: str) -> None:
    """Names differ by more than case and blanks; the last of them to be made are marked."""
    op.execute(f"UPDATE {table} SET name = btrim(regexp_replace(name, '\\s+', ' ', 'g'))")
    op.execute(
        f"UPDATE {table} t SET name = t.name || ' (' || right(t.id::text, 12) || ')'"
        " FROM (SELECT id,"
        f" row_number() OVER (PARTITION BY {owner}, lower({name}) ORDER BY id) AS at"
        f" FROM {table} WHERE deleted_at IS NULL) AS numbered"
        " WHERE numbered.id = t.id AND numbered.at > 1"
    )
    op.create_index(
        index,
        table,
        [owner, sa.text(f"lower({name})")],
        unique=True,
        postgresql_where=sa.text("deleted_at IS NULL"),
    )


def _showtimes() -> None:
    op.add_column("events", sa.Column("cancel_reason", sa.Text(), nullable=True))
    op.add_column("showtimes", sa.Column("cancelled_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("showtimes", sa.Column("cancel_reason", sa.Text(), nullable=True))
    op.add_column("showtimes", sa.Column("cleared_at", sa.DateTime(timezone=True), nullable=True))
    op.create_index(
        "showtimes_to_clear",
        "showtimes",
        ["id"],
        unique=False,
        postgresql_where=sa.text("status = 'cancelled' AND cleared_at IS NULL"),
    )
    op.add_column(
        "waitlist_entries",
        sa.Column("joined_sums", postgresql.ARRAY(sa.BigInteger()), nullable=True),
    )


def _venues() -> None:
    op.add_column("venues", sa.Column("latitude", sa.Double(), nullable=True))
    op.add_column("venues", sa.Column("longitude", sa.Double(), nullable=True))
    op.add_column(
        "venues",
        sa.Column("amenities", postgresql.ARRAY(sa.Text()), server_default="{}", nullable=False),
    )
    op.add_column("venues", sa.Column("house_rules", sa.Text(), server_default="", nullable=False))
    op.add_column(
        "venues",
        sa.Column("images", postgresql.ARRAY(sa.Uuid()), server_default="{}", nullable=False),
    )
    op.add_column("venues", sa.Column("hold_seconds", sa.Integer(), nullable=True))
    op.add_column("venues", sa.Column("age_rating", sa.Text(), nullable=True))
    op.add_column("venues", sa.Column("shown_until", sa.DateTime(timezone=True), nullable=True))
    for name in ("city_key", "words"):
        column = sa.Column(name, sa.Text(), server_default="", nullable=False)
        op.add_column("venues", column)
    op.execute(
        "UPDATE venues SET city_key = lower(unaccent(city)),"
        " words = lower(unaccent(concat_ws(' ', name, city, address)))"
    )
    op.execute(_SHOWN)
    op.drop_index("venues_city", "venues")
    op.create_index("venues_city_key", "venues", ["city_key"], unique=False)
    op.create_index(
        "venues_words",
        "venues",
        ["words"],
        unique=False,
        postgresql_using="gin",
        postgresql_ops={"words": "gin_trgm_ops"},
    )
    op.drop_index("halls_venue_name", "halls")
    _name_once("halls", "venue_id", "halls_venue_name", "name")
    op.add_column("seat_maps", sa.Column("name", sa.Text(), server_default="", nullable=False))
    op.execute("UPDATE seat_maps SET name = btrim(coalesce(layout ->> 'name', ''))")


def _listings() -> None:
    """What lists filter and count by, in indexes that have all of it."""
    places = sa.Computed("held + sold + blocked < capacity", persisted=True)
    op.add_column("allotments", sa.Column("has_places", sa.Boolean(), places, nullable=False))
    for name, which in (("with_places", "has_places"), ("sold_out", "NOT has_places")):
        op.create_index(
            f"allotments_{name}", "allotments", ["showtime_id"], postgresql_where=sa.text(which)
        )
    listed = sa.text("status = 'scheduled' AND deleted_at IS NULL")
    op.create_index(
        "showtimes_listed",
        "showtimes",
        ["starts_at", "event_id", "id"],
        postgresql_include=["ends_at", "hall_id"],
        postgresql_where=listed,
    )
    op.create_index(
        "showtimes_listed_id",
        "showtimes",
        ["id"],
        postgresql_include=["event_id", "starts_at", "ends_at"],
        postgresql_where=listed,
    )
    op.create_index(
        "showtimes_cancelled",
        "showtimes",
        ["starts_at", "id"],
        postgresql_where=sa.text("status = 'cancelled'"),
    )
    op.create_index(
        "events_shown",
        "events",
        ["id"],
        postgresql_include=["status", "published_at", "cancelled_at", "deleted_at", "venue_id"],
    )
    op.add_column(
        "event_listings", sa.Column("timezone", sa.Text(), server_default="UTC", nullable=False)
    )
    op.add_column("event_listings", sa.Column("category_set", sa.Uuid(), nullable=True))
    op.create_index("event_listings_newest", "event_listings", ["created_at", "event_id"])
    op.create_index(
        "event_listings_facets",
        "event_listings",
        ["status", "last_ends_at"],
        postgresql_include=["event_id", "kind", "city", "city_key", "timezone", "category_set"],
    )
    _listed_prices()
    op.execute(LISTINGS_FUNCTION.read_text())
    op.execute(_FORMER_FUNCTION)
    op.execute("SELECT event_listings_refresh_v2(ARRAY(SELECT id FROM events))")


def _listed_prices() -> None:
    op.create_table(
        "listed_prices",
        sa.Column("event_id", sa.Uuid(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("price", sa.BigInteger(), nullable=False),
        sa.Column("asked_from", sa.DateTime(timezone=True), nullable=False),
        sa.Column("asked_until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["event_id"], ["events.id"], name=op.f("listed_prices_event_id_fkey")
        ),
        sa.PrimaryKeyConstraint(
            "event_id", "key", "price", "asked_from", name=op.f("listed_prices_pkey")
        ),
    )
    for name, columns in (("key", ["key", "price", "event_id"]), ("price", ["price", "event_id"])):
        op.create_index(
            f"listed_prices_{name}",
            "listed_prices",
            columns,
            postgresql_include=["asked_from", "asked_until"],
        )


def _changed_tags() -> None:
    op.create_table(
        "changed_tags",
        sa.Column("tag", sa.Text(), nullable=False),
        sa.Column(
            "transaction_id",
            sa.BigInteger(),
            server_default=sa.text("pg_current_xact_id()::text::bigint"),
            autoincrement=False,
            nullable=False,
        ),
        sa.Column(
            "at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("tag", "transaction_id", name=op.f("changed_tags_pkey")),
    )
    op.create_index(op.f("changed_tags_at"), "changed_tags", ["at"], unique=False)
