"""Tables of the venues."""

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB

from fullhouse.kit.db import metadata, now_column

venues = sa.Table(
    "venues",
    metadata,
    sa.Column("id", sa.Uuid, primary_key=True),
    sa.Column("organization_id", sa.ForeignKey("organizations.id"), index=True),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("address", sa.Text, nullable=False, server_default=""),
    sa.Column("city", sa.Text, nullable=False, index=True),
    sa.Column("country", sa.Text, nullable=False),  # ISO 3166-1 alpha-2
    sa.Column("timezone", sa.Text, nullable=False),  # IANA name
    now_column(),
)

halls = sa.Table(
    "halls",
    metadata,
    sa.Column("id", sa.Uuid, primary_key=True),
    sa.Column("venue_id", sa.ForeignKey("venues.id"), nullable=False, index=True),
    sa.Column("name", sa.Text, nullable=False),
    now_column(),
    sa.UniqueConstraint("venue_id", "name"),
)

seat_maps = sa.Table(
    "seat_maps",
    metadata,
    sa.Column("id", sa.Uuid, primary_key=True),
    sa.Column("hall_id", sa.ForeignKey("halls.id"), nullable=False),
    sa.Column("version", sa.Integer, nullable=False),
    # The whole map as one document: it never changes and is always needed whole.
    sa.Column("layout", JSONB, nullable=False),
    sa.Column("seat_count", sa.Integer, nullable=False),
    now_column(),
    sa.UniqueConstraint("hall_id", "version"),
    sa.CheckConstraint("version > 0", name="version_positive"),
)
