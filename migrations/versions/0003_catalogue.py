"""What lists of events search by, time for cleaning, and no hall booked twice."""

from pathlib import Path

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

import fullhouse.catalog.store

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


LISTINGS_FUNCTION = Path(fullhouse.catalog.store.__file__).with_name("event_listings_v1.sql")

_CHECKS = (
    ("allotments", "price_not_negative", "price >= 0"),
    ("halls", "cleaning_in_a_day", "cleaning_minutes BETWEEN 0 AND 1440"),
    ("showtimes", "cleaned_after_end", "busy_until >= ends_at"),
    ("venues", "cleaning_in_a_day", "cleaning_minutes BETWEEN 0 AND 1440"),
)

_OVERLAPS = """
SELECT format('%s and %s', a.id, b.id)
FROM showtimes a
JOIN showtimes b ON b.hall_id = a.hall_id AND b.id > a.id
    AND tstzrange(a.starts_at, a.ends_at) && tstzrange(b.starts_at, b.ends_at)
WHERE a.status = 'scheduled' AND b.status = 'scheduled'
LIMIT 5
"""


def upgrade() -> None:
    # Trusted extensions: whoever owns the database may make them.
    for extension in ("pg_trgm", "unaccent", "btree_gist"):
        op.execute(f"CREATE EXTENSION IF NOT EXISTS {extension}")
    _refuse_overlaps()
    op.create_table(
        "event_listings",
        sa.Column("event_id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("show_id", sa.Uuid(), nullable=False),
        sa.Column("venue_id", sa.Uuid(), nullable=True),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("city", sa.Text(), nullable=True),
        sa.Column("city_key", sa.Text(), nullable=True),
        sa.Column("category_keys", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("lowest_price", sa.BigInteger(), nullable=False),
        sa.Column("next_starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("next_ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("refreshed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.Column("document", postgresql.TSVECTOR(), nullable=False),
        sa.ForeignKeyConstraint(
            ["event_id"], ["events.id"], name=op.f("event_listings_event_id_fkey")
        ),
        sa.PrimaryKeyConstraint("event_id", name=op.f("event_listings_pkey")),
    )
    op.create_index(
        "event_listings_categories",
        "event_listings",
        ["category_keys"],
        unique=False,
        postgresql_using="gin",
    )
    op.create_index(
        "event_listings_city",
        "event_listings",
        ["city_key", "next_starts_at", "event_id"],
        unique=False,
    )
    op.create_index(
        "event_listings_created",
        "event_listings",
        ["status", "created_at", "event_id"],
        unique=False,
    )
    op.create_index(
        "event_listings_document",
        "event_listings",
        ["document"],
        unique=False,
        postgresql_using="gin",
    )
    op.create_index(
        "event_listings_kind",
        "event_listings",
        ["kind", "next_starts_at", "event_id"],
        unique=False,
    )
    op.create_index("event_listings_next_end", "event_listings", ["next_ends_at"], unique=False)
    op.create_index(
        "event_listings_organization",
        "event_listings",
        ["organization_id", "created_at", "event_id"],
        unique=False,
    )
    op.create_index(
        "event_listings_price",
        "event_listings",
        ["status", "lowest_price", "event_id"],
        unique=False,
    )
    op.create_index(
        "event_listings_show",
        "event_listings",
        ["show_id", "next_starts_at", "event_id"],
        unique=False,
    )
    op.create_index(
        "event_listings_start",
        "event_listings",
        ["status", "next_starts_at", "event_id"],
        unique=False,
    )
    op.create_index(
        "event_listings_title", "event_listings", ["status", "title", "event_id"], unique=False
    )
    op.create_index(
        "event_listings_venue",
        "event_listings",
        ["venue_id", "next_starts_at", "event_id"],
        unique=False,
    )
    op.create_index(
        "event_listings_words",
        "event_listings",
        ["words"],
        unique=False,
        postgresql_using="gin",
        postgresql_ops={"words": "gin_trgm_ops"},
    )
    op.add_column("allotments", sa.Column("price", sa.BigInteger(), nullable=True))
    op.add_column("events", sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("halls", sa.Column("cleaning_minutes", sa.Integer(), nullable=True))
    op.add_column("halls", sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True))
    op.drop_constraint(op.f("halls_venue_id_name_key"), "halls", type_="unique")
    op.create_index(
        "halls_venue_name",
        "halls",
        ["venue_id", "name"],
        unique=True,
        postgresql_where=sa.text("deleted_at IS NULL"),
    )
    op.add_column(
        "shows",
        sa.Column(
            "changed_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
    )
    op.add_column("shows", sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True))
    op.create_index("shows_title", "shows", ["title", "id"], unique=False)
    op.create_index("shows_changed_at", "shows", ["changed_at"], unique=False)
    op.add_column("showtimes", sa.Column("busy_until", sa.DateTime(timezone=True), nullable=True))
    op.add_column("showtimes", sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column(
        "venues", sa.Column("cleaning_minutes", sa.Integer(), server_default="0", nullable=False)
    )
    op.add_column(
        "venues",
        sa.Column(
            "changed_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
    )
    op.add_column("venues", sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True))
    op.create_index("venues_changed_at", "venues", ["changed_at"], unique=False)
    for table, name, condition in _CHECKS:
        op.create_check_constraint(op.f(f"{table}_{name}"), table, condition)
    op.create_exclude_constraint(
        "showtimes_no_overlap",
        "showtimes",
        (sa.column("hall_id"), "="),
        (sa.literal_column("tstzrange(starts_at, coalesce(busy_until, ends_at))"), "&&"),
        using="gist",
        where="status = 'scheduled' AND deleted_at IS NULL",
    )
    op.execute(LISTINGS_FUNCTION.read_text())
    op.execute("SELECT event_listings_refresh_v1(ARRAY(SELECT id FROM events))")


def _refuse_overlaps() -> None:
    found = op.get_bind().execute(sa.text(_OVERLAPS)).scalars().all()
    if found:
        raise RuntimeError(
            "some showtimes overlap in one hall, which is not possible any more; cancel or move "
            f"them first: {'; '.join(found)}"
        )
