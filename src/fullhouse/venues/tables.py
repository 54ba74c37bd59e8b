"""Tables of the venues."""

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from fullhouse.kit.db import metadata, now_column

venues = sa.Table(
    "venues",
    metadata,
    sa.Column("id", sa.Uuid, primary_key=True),
    sa.Column("organization_id", sa.ForeignKey("organizations.id"), index=True),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("address", sa.Text, nullable=False, server_default=""),
    sa.Column("city", sa.Text, nullable=False),
    sa.Column("country", sa.Text, nullable=False),  # ISO 3166-1 alpha-2
    sa.Column("timezone", sa.Text, nullable=False),  # IANA name
    sa.Column("latitude", sa.Double),  # degrees, WGS 84
    sa.Column("longitude", sa.Double),
    sa.Column("amenities", ARRAY(sa.Text), nullable=False, server_default="{}"),
    sa.Column("house_rules", sa.Text, nullable=False, server_default=""),  # sanitised HTML
    sa.Column("images", ARRAY(sa.Uuid), nullable=False, server_default="{}"),  # of media
    # What its events take over where they say nothing themselves.
    sa.Column("cleaning_minutes", sa.Integer, nullable=False, server_default="0"),
    sa.Column("hold_seconds", sa.Integer),
    sa.Column("age_rating", sa.Text),
    # To when the last public event here goes on, 9999 for one without a date, -infinity where all
    # are over; NULL without any. The catalogue, which knows the events, writes it.
    sa.Column("shown_until", sa.DateTime(timezone=True)),
    # Folded, as everything that is compared with what somebody typed: lower case, no accents.
    sa.Column("city_key", sa.Text, nullable=False, server_default=""),
    sa.Column("words", sa.Text, nullable=False, server_default=""),  # name, city and address
    now_column(),
    now_column("changed_at"),
    sa.Column("deleted_at", sa.DateTime(timezone=True)),
    sa.Index("venues_changed_at", "changed_at"),
    sa.Index("venues_city_key", "city_key"),
    sa.Index(
        "venues_words",
        "words",
        postgresql_using="gin",
        postgresql_ops={"words": "gin_trgm_ops"},
    ),
    sa.CheckConstraint("latitude BETWEEN -90 AND 90", name="latitude_on_earth"),
    sa.CheckConstraint("longitude BETWEEN -180 AND 180", name="longitude_on_earth"),
    sa.CheckConstraint("(latitude IS NULL) = (longitude IS NULL)", name="coordinates_whole"),
    sa.CheckConstraint("cleaning_minutes BETWEEN 0 AND 1440", name="cleaning_in_a_day"),
    sa.CheckConstraint("hold_seconds BETWEEN 60 AND 3600", name="hold_sensible"),
)

halls = sa.Table(
    "halls",
    metadata,
    sa.Column("id", sa.Uuid, primary_key=True),
    sa.Column("venue_id", sa.ForeignKey("venues.id"), nullable=False, index=True),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("cleaning_minutes", sa.Integer),  # NULL: the venue's
    now_column(),
    sa.Column("deleted_at", sa.DateTime(timezone=True)),
    sa.CheckConstraint("cleaning_minutes BETWEEN 0 AND 1440", name="cleaning_in_a_day"),
    # A name is free again when its hall is gone.
    sa.Index(
        "halls_venue_name",
        "venue_id",
        sa.text("lower(name)"),
        unique=True,
        postgresql_where=sa.text("deleted_at IS NULL"),
    ),
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
    sa.Column("name", sa.Text, nullable=False, server_default=""),  # as in the layout, for lists
    now_column(),
    sa.UniqueConstraint("hall_id", "version"),
    sa.CheckConstraint("version > 0", name="version_positive"),
)
