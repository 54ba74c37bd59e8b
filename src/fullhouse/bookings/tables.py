"""Tables of the selling core. Each leads with ``showtime_id``, so that a distributed PostgreSQL
can keep everything of one showtime on one node; each constraint is the last guard of a rule.
"""

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY

from fullhouse.kit.db import metadata, now_column

bookings = sa.Table(
    "bookings",
    metadata,
    sa.Column("showtime_id", sa.ForeignKey("inventories.showtime_id"), primary_key=True),
    sa.Column("id", sa.Uuid, primary_key=True),
    sa.Column("user_id", sa.ForeignKey("users.id"), nullable=False),
    sa.Column("code", sa.Text, nullable=False),
    sa.Column("status", sa.Text, nullable=False),
    sa.Column("currency", sa.Text, nullable=False),
    # Minor units, frozen when the booking is made.
    sa.Column("subtotal", sa.BigInteger, nullable=False),
    sa.Column("fees", sa.BigInteger, nullable=False),
    sa.Column("tax", sa.BigInteger, nullable=False),
    sa.Column("total", sa.BigInteger, nullable=False),
    # The end of the hold; kept afterwards as what the buyer was told.
    sa.Column("expires_at", sa.DateTime(timezone=True)),
    sa.Column("idempotency_key", sa.Text),
    sa.Column("fingerprint", sa.Text),  # of the request that used the key
    now_column(),
    now_column("updated_at"),
    sa.UniqueConstraint("showtime_id", "user_id", "idempotency_key"),
    sa.UniqueConstraint("showtime_id", "code"),
    sa.CheckConstraint(
        "status IN ('waitlisted', 'reserved', 'confirmed', 'expired', 'cancelled', 'refunded',"
        " 'left')",
        name="status_known",
    ),
    sa.CheckConstraint("status <> 'reserved' OR expires_at IS NOT NULL", name="hold_ends"),
    sa.CheckConstraint(
        "subtotal >= 0 AND fees >= 0 AND tax >= 0 AND total >= 0", name="money_not_negative"
    ),
    sa.Index("bookings_id", "id"),
    sa.Index("bookings_user", "user_id", "id"),
    sa.Index(
        "bookings_overdue",
        "showtime_id",
        "expires_at",
        postgresql_where=sa.text("status = 'reserved'"),
    ),
    sa.Index("bookings_sweep", "expires_at", postgresql_where=sa.text("status = 'reserved'")),
)

booking_lines = sa.Table(
    "booking_lines",
    metadata,
    sa.Column("showtime_id", sa.Uuid, primary_key=True),
    sa.Column("booking_id", sa.Uuid, primary_key=True),
    sa.Column("category_id", sa.Uuid, primary_key=True),
    sa.Column("name", sa.Text, nullable=False),  # the category's, frozen
    sa.Column("quantity", sa.Integer, nullable=False),
    sa.Column("unit_price", sa.BigInteger, nullable=False),  # minor units, frozen
    # The seats of this line, in the same order as their labels; empty where places are counted.
    sa.Column("seats", ARRAY(sa.Uuid), nullable=False, server_default="{}"),
    sa.Column("labels", ARRAY(sa.Text), nullable=False, server_default="{}"),
    sa.ForeignKeyConstraint(["showtime_id", "booking_id"], ["bookings.showtime_id", "bookings.id"]),
    sa.ForeignKeyConstraint(
        ["showtime_id", "category_id"], ["allotments.showtime_id", "allotments.category_id"]
    ),
    sa.CheckConstraint("quantity > 0", name="quantity_positive"),
    sa.CheckConstraint("unit_price >= 0", name="price_not_negative"),
    sa.CheckConstraint("cardinality(seats) IN (0, quantity)", name="seats_match_quantity"),
)

seat_claims = sa.Table(
    "seat_claims",
    metadata,
    # This key is what makes selling a seat twice impossible, whatever the code does.
    sa.Column("showtime_id", sa.Uuid, primary_key=True),
    sa.Column("seat_id", sa.Uuid, primary_key=True),
    sa.Column("category_id", sa.Uuid, nullable=False),
    sa.Column("status", sa.Text, nullable=False),
    sa.Column("booking_id", sa.Uuid),
    sa.ForeignKeyConstraint(
        ["showtime_id", "category_id"], ["allotments.showtime_id", "allotments.category_id"]
    ),
    sa.ForeignKeyConstraint(["showtime_id", "booking_id"], ["bookings.showtime_id", "bookings.id"]),
    sa.CheckConstraint("status IN ('held', 'sold', 'blocked')", name="status_known"),
    sa.CheckConstraint("(status = 'blocked') = (booking_id IS NULL)", name="owner_unless_blocked"),
)

# Which seats a batch moved, for whoever has the seats as of an earlier version; kept for minutes.
seat_changes = sa.Table(
    "seat_changes",
    metadata,
    sa.Column("showtime_id", sa.Uuid, primary_key=True),
    sa.Column("version", sa.BigInteger, primary_key=True),  # of the inventory, from then on
    sa.Column("seats", ARRAY(sa.Uuid), nullable=False),
    # A letter for each seat, in the same order: f(ree), h(eld), s(old), b(locked).
    sa.Column("states", sa.Text, nullable=False),
    sa.Column("occurred_at", sa.DateTime(timezone=True), nullable=False),
    sa.CheckConstraint("char_length(states) = cardinality(seats)", name="state_of_each"),
    sa.Index("seat_changes_occurred_at", "occurred_at", postgresql_using="brin"),
)

waitlist_entries = sa.Table(
    "waitlist_entries",
    metadata,
    sa.Column("showtime_id", sa.Uuid, primary_key=True),
    sa.Column("category_id", sa.Uuid, primary_key=True),
    # The place in line: given under the showtime's lock, never used twice.
    sa.Column("number", sa.Integer, primary_key=True),
    sa.Column("booking_id", sa.Uuid, nullable=False),
    sa.Column("quantity", sa.Integer, nullable=False),
    sa.Column("status", sa.Text, nullable=False),
    sa.Column("joined_position", sa.Integer, nullable=False),  # as the buyer was told
    # What the booking came to when it joined (core.types.Sums), where the price is another now.
    sa.Column("joined_sums", ARRAY(sa.BigInteger)),
    now_column(),
    sa.UniqueConstraint("showtime_id", "booking_id"),
    sa.ForeignKeyConstraint(["showtime_id", "booking_id"], ["bookings.showtime_id", "bookings.id"]),
    sa.ForeignKeyConstraint(
        ["showtime_id", "category_id"], ["allotments.showtime_id", "allotments.category_id"]
    ),
    sa.CheckConstraint("status IN ('waiting', 'offered', 'left')", name="status_known"),
    sa.CheckConstraint("quantity > 0", name="quantity_positive"),
    sa.Index(
        "waitlist_entries_line",
        "showtime_id",
        "category_id",
        "number",
        # Whoever looks for entries that fit need not visit those that do not.
        postgresql_include=["quantity", "booking_id"],
        postgresql_where=sa.text("status = 'waiting'"),
    ),
)
