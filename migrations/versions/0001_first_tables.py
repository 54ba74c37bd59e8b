"""The first tables, and the function that locks and reads for the selling core."""

from pathlib import Path

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

import fullhouse.bookings.store

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

LOAD_FUNCTION = Path(fullhouse.bookings.store.__file__).with_name("sell_load_v1.sql")


def upgrade() -> None:
    op.create_table(
        "organizations",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("organizations_pkey")),
    )
    op.create_table(
        "outbox",
        sa.Column("stream_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("topic", sa.Text(), nullable=False),
        sa.Column("payload", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column(
            "occurred_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("stream_id", "id", name=op.f("outbox_pkey")),
    )
    op.create_index("outbox_occurred_at", "outbox", ["occurred_at"], unique=False)
    op.create_table(
        "users",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("phone", sa.Text(), nullable=True),
        sa.Column("password_hash", sa.Text(), nullable=True),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.CheckConstraint("role IN ('USER', 'ORGANIZER', 'ADMIN')", name=op.f("users_role_known")),
        sa.CheckConstraint("email = lower(email)", name=op.f("users_email_lower")),
        sa.PrimaryKeyConstraint("id", name=op.f("users_pkey")),
        sa.UniqueConstraint("email", name=op.f("users_email_key")),
    )
    op.create_table(
        "memberships",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.CheckConstraint(
            "role IN ('owner', 'manager', 'box_office')", name=op.f("memberships_role_known")
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name=op.f("memberships_organization_id_fkey")
        ),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("memberships_user_id_fkey")),
        sa.PrimaryKeyConstraint("organization_id", "user_id", name=op.f("memberships_pkey")),
    )
    op.create_index(op.f("memberships_user_id"), "memberships", ["user_id"], unique=False)
    op.create_table(
        "shows",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), server_default="", nullable=False),
        sa.Column("duration_minutes", sa.Integer(), nullable=True),
        sa.Column("genre", sa.Text(), nullable=True),
        sa.Column("language", sa.Text(), nullable=True),
        sa.Column("age_rating", sa.Text(), nullable=True),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.CheckConstraint(
            "kind IN ('movie', 'concert', 'play', 'conference', 'other')",
            name=op.f("shows_kind_known"),
        ),
        sa.CheckConstraint("duration_minutes > 0", name=op.f("shows_duration_positive")),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name=op.f("shows_organization_id_fkey")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("shows_pkey")),
    )
    op.create_index("shows_kind_title", "shows", ["kind", "title"], unique=False)
    op.create_index(op.f("shows_organization_id"), "shows", ["organization_id"], unique=False)
    op.create_table(
        "venues",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=True),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("address", sa.Text(), server_default="", nullable=False),
        sa.Column("city", sa.Text(), nullable=False),
        sa.Column("country", sa.Text(), nullable=False),
        sa.Column("timezone", sa.Text(), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name=op.f("venues_organization_id_fkey")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("venues_pkey")),
    )
    op.create_index(op.f("venues_city"), "venues", ["city"], unique=False)
    op.create_index(op.f("venues_organization_id"), "venues", ["organization_id"], unique=False)
    op.create_table(
        "halls",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("venue_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(["venue_id"], ["venues.id"], name=op.f("halls_venue_id_fkey")),
        sa.PrimaryKeyConstraint("id", name=op.f("halls_pkey")),
        sa.UniqueConstraint("venue_id", "name", name=op.f("halls_venue_id_name_key")),
    )
    op.create_index(op.f("halls_venue_id"), "halls", ["venue_id"], unique=False)
    op.create_table(
        "events",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("show_id", sa.Uuid(), nullable=False),
        sa.Column("slug", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), server_default="", nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("venue_id", sa.Uuid(), nullable=True),
        sa.Column("hall_id", sa.Uuid(), nullable=True),
        sa.Column("location", sa.Text(), nullable=True),
        sa.Column("timezone", sa.Text(), nullable=False),
        sa.Column("policy", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("sales_open_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("sales_close_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("published_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.CheckConstraint(
            "status IN ('draft', 'published', 'cancelled', 'ended')",
            name=op.f("events_status_known"),
        ),
        sa.CheckConstraint("char_length(currency) = 3", name=op.f("events_currency_length")),
        sa.CheckConstraint(
            "sales_close_at > sales_open_at", name=op.f("events_sales_window_ordered")
        ),
        sa.ForeignKeyConstraint(["hall_id"], ["halls.id"], name=op.f("events_hall_id_fkey")),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name=op.f("events_organization_id_fkey")
        ),
        sa.ForeignKeyConstraint(["show_id"], ["shows.id"], name=op.f("events_show_id_fkey")),
        sa.ForeignKeyConstraint(["venue_id"], ["venues.id"], name=op.f("events_venue_id_fkey")),
        sa.PrimaryKeyConstraint("id", name=op.f("events_pkey")),
        sa.UniqueConstraint("slug", name=op.f("events_slug_key")),
    )
    op.create_index(
        "events_organization_created",
        "events",
        ["organization_id", "created_at", "id"],
        unique=False,
    )
    op.create_index(op.f("events_show_id"), "events", ["show_id"], unique=False)
    op.create_index("events_status_created", "events", ["status", "created_at", "id"], unique=False)
    op.create_index(op.f("events_venue_id"), "events", ["venue_id"], unique=False)
    op.create_table(
        "seat_maps",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("hall_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("layout", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("seat_count", sa.Integer(), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.CheckConstraint("version > 0", name=op.f("seat_maps_version_positive")),
        sa.ForeignKeyConstraint(["hall_id"], ["halls.id"], name=op.f("seat_maps_hall_id_fkey")),
        sa.PrimaryKeyConstraint("id", name=op.f("seat_maps_pkey")),
        sa.UniqueConstraint("hall_id", "version", name=op.f("seat_maps_hall_id_version_key")),
    )
    op.create_table(
        "categories",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("event_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("price", sa.BigInteger(), nullable=False),
        sa.Column("capacity", sa.Integer(), nullable=False),
        sa.Column("sections", postgresql.ARRAY(sa.Text()), nullable=True),
        sa.Column("areas", postgresql.ARRAY(sa.Text()), nullable=True),
        sa.Column("benefits", postgresql.ARRAY(sa.Text()), server_default="{}", nullable=False),
        sa.Column("rank", sa.Integer(), nullable=False),
        sa.CheckConstraint("capacity >= 0", name=op.f("categories_capacity_not_negative")),
        sa.CheckConstraint("price >= 0", name=op.f("categories_price_not_negative")),
        sa.CheckConstraint(
            "sections IS NULL OR areas IS NULL", name=op.f("categories_seated_or_counted")
        ),
        sa.ForeignKeyConstraint(["event_id"], ["events.id"], name=op.f("categories_event_id_fkey")),
        sa.PrimaryKeyConstraint("id", name=op.f("categories_pkey")),
        sa.UniqueConstraint("event_id", "name", name=op.f("categories_event_id_name_key")),
    )
    op.create_table(
        "showtimes",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("event_id", sa.Uuid(), nullable=False),
        sa.Column("hall_id", sa.Uuid(), nullable=True),
        sa.Column("seat_map_id", sa.Uuid(), nullable=True),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.CheckConstraint(
            "status IN ('scheduled', 'cancelled')", name=op.f("showtimes_status_known")
        ),
        sa.CheckConstraint("ends_at > starts_at", name=op.f("showtimes_times_ordered")),
        sa.ForeignKeyConstraint(["event_id"], ["events.id"], name=op.f("showtimes_event_id_fkey")),
        sa.ForeignKeyConstraint(["hall_id"], ["halls.id"], name=op.f("showtimes_hall_id_fkey")),
        sa.ForeignKeyConstraint(
            ["seat_map_id"], ["seat_maps.id"], name=op.f("showtimes_seat_map_id_fkey")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("showtimes_pkey")),
    )
    op.create_index(
        "showtimes_event_start", "showtimes", ["event_id", "starts_at", "id"], unique=False
    )
    op.create_index("showtimes_start", "showtimes", ["starts_at", "id"], unique=False)
    op.create_table(
        "inventories",
        sa.Column("showtime_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("revision", sa.BigInteger(), server_default="0", nullable=False),
        sa.ForeignKeyConstraint(
            ["showtime_id"], ["showtimes.id"], name=op.f("inventories_showtime_id_fkey")
        ),
        sa.PrimaryKeyConstraint("showtime_id", name=op.f("inventories_pkey")),
        postgresql_with={"fillfactor": 50},
    )
    op.create_table(
        "allotments",
        sa.Column("showtime_id", sa.Uuid(), nullable=False),
        sa.Column("category_id", sa.Uuid(), nullable=False),
        sa.Column("capacity", sa.Integer(), nullable=False),
        sa.Column("held", sa.Integer(), server_default="0", nullable=False),
        sa.Column("sold", sa.Integer(), server_default="0", nullable=False),
        sa.Column("blocked", sa.Integer(), server_default="0", nullable=False),
        sa.Column("waiting", sa.Integer(), server_default="0", nullable=False),
        sa.Column("last_number", sa.Integer(), server_default="0", nullable=False),
        sa.CheckConstraint(
            "held + sold + blocked <= capacity", name=op.f("allotments_not_oversold")
        ),
        sa.CheckConstraint(
            "held >= 0 AND sold >= 0 AND blocked >= 0", name=op.f("allotments_not_negative")
        ),
        sa.CheckConstraint(
            "waiting >= 0 AND last_number >= 0", name=op.f("allotments_line_not_negative")
        ),
        sa.ForeignKeyConstraint(
            ["category_id"], ["categories.id"], name=op.f("allotments_category_id_fkey")
        ),
        sa.ForeignKeyConstraint(
            ["showtime_id"], ["inventories.showtime_id"], name=op.f("allotments_showtime_id_fkey")
        ),
        sa.PrimaryKeyConstraint("showtime_id", "category_id", name=op.f("allotments_pkey")),
        postgresql_with={"fillfactor": 50},
    )
    op.create_table(
        "bookings",
        sa.Column("showtime_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("subtotal", sa.BigInteger(), nullable=False),
        sa.Column("fees", sa.BigInteger(), nullable=False),
        sa.Column("tax", sa.BigInteger(), nullable=False),
        sa.Column("total", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("idempotency_key", sa.Text(), nullable=True),
        sa.Column("fingerprint", sa.Text(), nullable=True),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.Column(
            "updated_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.CheckConstraint(
            "status <> 'reserved' OR expires_at IS NOT NULL", name=op.f("bookings_hold_ends")
        ),
        sa.CheckConstraint(
            "status IN ('waitlisted', 'reserved', 'confirmed', 'expired', 'cancelled', 'refunded',"
            " 'left')",
            name=op.f("bookings_status_known"),
        ),
        sa.CheckConstraint(
            "subtotal >= 0 AND fees >= 0 AND tax >= 0 AND total >= 0",
            name=op.f("bookings_money_not_negative"),
        ),
        sa.ForeignKeyConstraint(
            ["showtime_id"], ["inventories.showtime_id"], name=op.f("bookings_showtime_id_fkey")
        ),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("bookings_user_id_fkey")),
        sa.PrimaryKeyConstraint("showtime_id", "id", name=op.f("bookings_pkey")),
        sa.UniqueConstraint("showtime_id", "code", name=op.f("bookings_showtime_id_code_key")),
        sa.UniqueConstraint(
            "showtime_id",
            "user_id",
            "idempotency_key",
            name=op.f("bookings_showtime_id_user_id_idempotency_key_key"),
        ),
    )
    op.create_index("bookings_id", "bookings", ["id"], unique=False)
    op.create_index(
        "bookings_overdue",
        "bookings",
        ["showtime_id", "expires_at"],
        unique=False,
        postgresql_where=sa.text("status = 'reserved'"),
    )
    op.create_index(
        "bookings_sweep",
        "bookings",
        ["expires_at"],
        unique=False,
        postgresql_where=sa.text("status = 'reserved'"),
    )
    op.create_index("bookings_user", "bookings", ["user_id", "id"], unique=False)
    op.create_table(
        "booking_lines",
        sa.Column("showtime_id", sa.Uuid(), nullable=False),
        sa.Column("booking_id", sa.Uuid(), nullable=False),
        sa.Column("category_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.Column("unit_price", sa.BigInteger(), nullable=False),
        sa.Column("seats", postgresql.ARRAY(sa.Uuid()), server_default="{}", nullable=False),
        sa.Column("labels", postgresql.ARRAY(sa.Text()), server_default="{}", nullable=False),
        sa.CheckConstraint(
            "cardinality(seats) IN (0, quantity)", name=op.f("booking_lines_seats_match_quantity")
        ),
        sa.CheckConstraint("quantity > 0", name=op.f("booking_lines_quantity_positive")),
        sa.CheckConstraint("unit_price >= 0", name=op.f("booking_lines_price_not_negative")),
        sa.ForeignKeyConstraint(
            ["showtime_id", "booking_id"],
            ["bookings.showtime_id", "bookings.id"],
            name=op.f("booking_lines_showtime_id_booking_id_fkey"),
        ),
        sa.ForeignKeyConstraint(
            ["showtime_id", "category_id"],
            ["allotments.showtime_id", "allotments.category_id"],
            name=op.f("booking_lines_showtime_id_category_id_fkey"),
        ),
        sa.PrimaryKeyConstraint(
            "showtime_id", "booking_id", "category_id", name=op.f("booking_lines_pkey")
        ),
    )
    op.create_table(
        "seat_claims",
        sa.Column("showtime_id", sa.Uuid(), nullable=False),
        sa.Column("seat_id", sa.Uuid(), nullable=False),
        sa.Column("category_id", sa.Uuid(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("booking_id", sa.Uuid(), nullable=True),
        sa.CheckConstraint(
            "(status = 'blocked') = (booking_id IS NULL)",
            name=op.f("seat_claims_owner_unless_blocked"),
        ),
        sa.CheckConstraint(
            "status IN ('held', 'sold', 'blocked')", name=op.f("seat_claims_status_known")
        ),
        sa.ForeignKeyConstraint(
            ["showtime_id", "booking_id"],
            ["bookings.showtime_id", "bookings.id"],
            name=op.f("seat_claims_showtime_id_booking_id_fkey"),
        ),
        sa.ForeignKeyConstraint(
            ["showtime_id", "category_id"],
            ["allotments.showtime_id", "allotments.category_id"],
            name=op.f("seat_claims_showtime_id_category_id_fkey"),
        ),
        sa.PrimaryKeyConstraint("showtime_id", "seat_id", name=op.f("seat_claims_pkey")),
    )
    op.create_table(
        "waitlist_entries",
        sa.Column("showtime_id", sa.Uuid(), nullable=False),
        sa.Column("category_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("booking_id", sa.Uuid(), nullable=False),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("joined_position", sa.Integer(), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.CheckConstraint(
            "status IN ('waiting', 'offered', 'left')", name=op.f("waitlist_entries_status_known")
        ),
        sa.CheckConstraint("quantity > 0", name=op.f("waitlist_entries_quantity_positive")),
        sa.ForeignKeyConstraint(
            ["showtime_id", "booking_id"],
            ["bookings.showtime_id", "bookings.id"],
            name=op.f("waitlist_entries_showtime_id_booking_id_fkey"),
        ),
        sa.ForeignKeyConstraint(
            ["showtime_id", "category_id"],
            ["allotments.showtime_id", "allotments.category_id"],
            name=op.f("waitlist_entries_showtime_id_category_id_fkey"),
        ),
        sa.PrimaryKeyConstraint(
            "showtime_id", "category_id", "number", name=op.f("waitlist_entries_pkey")
        ),
        sa.UniqueConstraint(
            "showtime_id", "booking_id", name=op.f("waitlist_entries_showtime_id_booking_id_key")
        ),
    )
    op.create_index(
        "waitlist_entries_line",
        "waitlist_entries",
        ["showtime_id", "category_id", "number"],
        unique=False,
        postgresql_include=["quantity", "booking_id"],
        postgresql_where=sa.text("status = 'waiting'"),
    )
    op.execute(LOAD_FUNCTION.read_text())


def downgrade() -> None:
    op.execute("DROP FUNCTION sell_load_v1")
    op.drop_index(
        "waitlist_entries_line",
        table_name="waitlist_entries",
        postgresql_include=["quantity", "booking_id"],
        postgresql_where=sa.text("status = 'waiting'"),
    )
    op.drop_table("waitlist_entries")
    op.drop_table("seat_claims")
    op.drop_table("booking_lines")
    op.drop_index("bookings_user", table_name="bookings")
    op.drop_index(
        "bookings_sweep", table_name="bookings", postgresql_where=sa.text("status = 'reserved'")
    )
    op.drop_index(
        "bookings_overdue", table_name="bookings", postgresql_where=sa.text("status = 'reserved'")
    )
    op.drop_index("bookings_id", table_name="bookings")
    op.drop_table("bookings")
    op.drop_table("allotments")
    op.drop_table("inventories")
    op.drop_index("showtimes_start", table_name="showtimes")
    op.drop_index("showtimes_event_start", table_name="showtimes")
    op.drop_table("showtimes")
    op.drop_table("categories")
    op.drop_table("seat_maps")
    op.drop_index(op.f("events_venue_id"), table_name="events")
    op.drop_index("events_status_created", table_name="events")
    op.drop_index(op.f("events_show_id"), table_name="events")
    op.drop_index("events_organization_created", table_name="events")
    op.drop_table("events")
    op.drop_index(op.f("halls_venue_id"), table_name="halls")
    op.drop_table("halls")
    op.drop_index(op.f("venues_organization_id"), table_name="venues")
    op.drop_index(op.f("venues_city"), table_name="venues")
    op.drop_table("venues")
    op.drop_index(op.f("shows_organization_id"), table_name="shows")
    op.drop_index("shows_kind_title", table_name="shows")
    op.drop_table("shows")
    op.drop_index(op.f("memberships_user_id"), table_name="memberships")
    op.drop_table("memberships")
    op.drop_table("users")
    op.drop_index("outbox_occurred_at", table_name="outbox")
    op.drop_table("outbox")
    op.drop_table("organizations")
