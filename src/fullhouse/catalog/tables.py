"""Tables of the catalogue.

``inventories`` and ``allotments`` are created here, with the showtime they belong to; from then
on only the selling core (``bookings``) changes their counters.
"""

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, TSVECTOR, ExcludeConstraint

from fullhouse.kit.db import metadata, now_column

shows = sa.Table(
    "shows",
    metadata,
    sa.Column("id", sa.Uuid, primary_key=True),
    sa.Column("organization_id", sa.ForeignKey("organizations.id"), nullable=False, index=True),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("title", sa.Text, nullable=False),
    sa.Column("description", sa.Text, nullable=False, server_default=""),
    sa.Column("duration_minutes", sa.Integer),
    sa.Column("genre", sa.Text),
    sa.Column("language", sa.Text),
    sa.Column("age_rating", sa.Text),
    sa.Column("released_on", sa.Date),
    sa.Column("ends_on", sa.Date),  # the last day on which a movie is shown
    sa.Column("cast", JSONB, nullable=False, server_default="[]"),  # [{name, role}]
    sa.Column("trailers", ARRAY(sa.Text), nullable=False, server_default="{}"),  # https addresses
    sa.Column("images", ARRAY(sa.Uuid), nullable=False, server_default="{}"),  # of media
    # Of the title and of who takes part, folded; for what is almost spelt right.
    sa.Column("words", sa.Text, nullable=False, server_default=""),
    sa.Column("document", TSVECTOR, nullable=False, server_default=""),
    # Everybody may see it, with or without an event.
    sa.Column("announced", sa.Boolean, nullable=False, server_default="false"),
    # The event that it was made together with; NULL: by itself, or it was changed since.
    sa.Column("made_for", sa.Uuid),
    now_column(),
    now_column("changed_at"),
    sa.Column("deleted_at", sa.DateTime(timezone=True)),
    sa.Index("shows_changed_at", "changed_at"),
    sa.Index(
        "shows_words",
        "words",
        postgresql_using="gin",
        postgresql_ops={"words": "gin_trgm_ops"},
    ),
    sa.Index("shows_document", "document", postgresql_using="gin"),
    sa.Index("shows_created_at", "created_at", "id"),
    sa.Index("shows_title", "title", "id"),
    sa.CheckConstraint("ends_on >= released_on", name="release_ordered"),
    sa.CheckConstraint(
        "kind IN ('movie', 'concert', 'play', 'conference', 'other')", name="kind_known"
    ),
    sa.CheckConstraint("duration_minutes > 0", name="duration_positive"),
    sa.Index("shows_kind_title", "kind", "title"),
)

events = sa.Table(
    "events",
    metadata,
    sa.Column("id", sa.Uuid, primary_key=True),
    sa.Column("organization_id", sa.ForeignKey("organizations.id"), nullable=False),
    sa.Column("show_id", sa.ForeignKey("shows.id"), nullable=False, index=True),
    sa.Column("slug", sa.Text, nullable=False, unique=True),
    sa.Column("title", sa.Text, nullable=False),
    sa.Column("description", sa.Text, nullable=False, server_default=""),
    sa.Column("status", sa.Text, nullable=False),
    sa.Column("currency", sa.Text, nullable=False),  # ISO 4217
    sa.Column("venue_id", sa.ForeignKey("venues.id"), index=True),
    sa.Column("hall_id", sa.ForeignKey("halls.id")),
    sa.Column("location", sa.Text),  # where there is no venue
    sa.Column("timezone", sa.Text, nullable=False),  # IANA name
    sa.Column("policy", JSONB, nullable=False),  # catalog.rules.Policy
    sa.Column("sales_open_at", sa.DateTime(timezone=True)),
    sa.Column("sales_close_at", sa.DateTime(timezone=True)),
    sa.Column("published_at", sa.DateTime(timezone=True)),
    sa.Column("cancelled_at", sa.DateTime(timezone=True)),
    sa.Column("cancel_reason", sa.Text),  # in the organizer's words
    sa.Column("images", ARRAY(sa.Uuid), nullable=False, server_default="{}"),  # of media
    now_column(),
    sa.Column("deleted_at", sa.DateTime(timezone=True)),
    sa.CheckConstraint(
        "status IN ('draft', 'published', 'cancelled', 'ended')", name="status_known"
    ),
    sa.CheckConstraint("char_length(currency) = 3", name="currency_length"),
    sa.CheckConstraint("sales_close_at > sales_open_at", name="sales_window_ordered"),
    sa.CheckConstraint(
        "isfinite(sales_open_at) AND isfinite(sales_close_at)", name="sales_window_finite"
    ),
    sa.Index("events_organization_created", "organization_id", "created_at", "id"),
    sa.Index("events_status_created", "status", "created_at", "id"),
    # Whether everybody may see it, and where; for counting.
    sa.Index(
        "events_shown",
        "id",
        postgresql_include=["status", "published_at", "cancelled_at", "deleted_at", "venue_id"],
    ),
)

categories = sa.Table(
    "categories",
    metadata,
    sa.Column("id", sa.Uuid, primary_key=True),
    sa.Column("event_id", sa.ForeignKey("events.id"), nullable=False),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("price", sa.BigInteger, nullable=False),  # minor units of the event's currency
    # What a new showtime starts with; each showtime's own figure is its allotment's.
    sa.Column("capacity", sa.Integer, nullable=False),
    # Names of seat-map sections whose seats are sold in this category; NULL: counted.
    sa.Column("sections", ARRAY(sa.Text)),
    # Names of the standing areas in which a counted category is sold; NULL: anywhere.
    sa.Column("areas", ARRAY(sa.Text)),
    sa.Column("benefits", ARRAY(sa.Text), nullable=False, server_default="{}"),
    sa.Column("rank", sa.Integer, nullable=False),  # the order in which lists show them
    # What was sold in it names it for good; nothing is sold in it any more.
    sa.Column("deleted_at", sa.DateTime(timezone=True)),
    sa.Index(
        "categories_event_name",
        "event_id",
        # Beyond ASCII, case is a matter of the locale; commands look at it with Unicode's eyes.
        sa.text('lower(name COLLATE "C")'),
        unique=True,
        postgresql_where=sa.text("deleted_at IS NULL"),
    ),
    sa.CheckConstraint("price >= 0", name="price_not_negative"),
    sa.CheckConstraint("capacity >= 0", name="capacity_not_negative"),
    sa.CheckConstraint("sections IS NULL OR areas IS NULL", name="seated_or_counted"),
)

showtimes = sa.Table(
    "showtimes",
    metadata,
    sa.Column("id", sa.Uuid, primary_key=True),
    sa.Column("event_id", sa.ForeignKey("events.id"), nullable=False),
    sa.Column("hall_id", sa.ForeignKey("halls.id")),
    sa.Column("seat_map_id", sa.ForeignKey("seat_maps.id")),  # the version it is sold by
    sa.Column("status", sa.Text, nullable=False),
    sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
    sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
    # Until the hall has been cleaned and can be used again; NULL: at once.
    sa.Column("busy_until", sa.DateTime(timezone=True)),
    sa.Column("cancelled_at", sa.DateTime(timezone=True)),
    sa.Column("cancel_reason", sa.Text),
    # When the last booking of a cancelled showtime was ended; NULL: that goes on.
    sa.Column("cleared_at", sa.DateTime(timezone=True)),
    now_column(),
    sa.Column("deleted_at", sa.DateTime(timezone=True)),
    sa.CheckConstraint("status IN ('scheduled', 'cancelled')", name="status_known"),
    sa.CheckConstraint("ends_at > starts_at", name="times_ordered"),
    sa.CheckConstraint("busy_until >= ends_at", name="cleaned_after_end"),
    sa.CheckConstraint("cleared_at IS NULL OR status = 'cancelled'", name="cleared_if_cancelled"),
    # One hall, one showtime at a time. Where there is no hall nothing can collide.
    ExcludeConstraint(
        (sa.column("hall_id"), "="),
        (sa.literal_column("tstzrange(starts_at, coalesce(busy_until, ends_at))"), "&&"),
        name="showtimes_no_overlap",
        using="gist",
        where=sa.text("status = 'scheduled' AND deleted_at IS NULL"),
    ),
    sa.Index("showtimes_event_start", "event_id", "starts_at", "id"),
    sa.Index("showtimes_start", "starts_at", "id"),
    # Those that may be listed, in the order of lists of events, which need nothing else of them.
    sa.Index(
        "showtimes_listed",
        "starts_at",
        "event_id",
        "id",
        postgresql_include=["ends_at", "hall_id"],
        postgresql_where=sa.text("status = 'scheduled' AND deleted_at IS NULL"),
    ),
    sa.Index(
        "showtimes_listed_id",
        "id",
        postgresql_include=["event_id", "starts_at", "ends_at"],
        postgresql_where=sa.text("status = 'scheduled' AND deleted_at IS NULL"),
    ),
    sa.Index(
        "showtimes_cancelled",
        "starts_at",
        "id",
        postgresql_where=sa.text("status = 'cancelled'"),
    ),
    sa.Index(
        "showtimes_to_clear",
        "id",
        postgresql_where=sa.text("status = 'cancelled' AND cleared_at IS NULL"),
    ),
)

inventories = sa.Table(
    "inventories",
    metadata,
    # The row that the selling core locks: who holds it decides for this showtime.
    sa.Column("showtime_id", sa.ForeignKey("showtimes.id"), primary_key=True),
    # Rises with every change of a counter or a seat.
    sa.Column("version", sa.BigInteger, nullable=False, server_default="0"),
    # Rises with every change of the terms of sale (catalog.rules.SaleTerms).
    sa.Column("revision", sa.BigInteger, nullable=False, server_default="0"),
    # Updated with every batch: room for the new row on the same page keeps it cheap (HOT).
    postgresql_with={"fillfactor": 50},
)

allotments = sa.Table(
    "allotments",
    metadata,
    sa.Column("showtime_id", sa.ForeignKey("inventories.showtime_id"), primary_key=True),
    # No index of its own: the planner took it for the key, and read every showtime of the event.
    sa.Column("category_id", sa.ForeignKey("categories.id"), primary_key=True),
    sa.Column("capacity", sa.Integer, nullable=False),
    sa.Column("price", sa.BigInteger),  # at this showtime; NULL: the category's
    sa.Column("held", sa.Integer, nullable=False, server_default="0"),
    sa.Column("sold", sa.Integer, nullable=False, server_default="0"),
    sa.Column("blocked", sa.Integer, nullable=False, server_default="0"),
    # Entries waiting in line, and the number that the newest of them was given.
    sa.Column("waiting", sa.Integer, nullable=False, server_default="0"),
    sa.Column("last_number", sa.Integer, nullable=False, server_default="0"),
    # Changes only when the last place goes or one comes back, so that most updates stay HOT.
    sa.Column(
        "has_places",
        sa.Boolean,
        sa.Computed("held + sold + blocked < capacity", persisted=True),
        nullable=False,
    ),
    sa.Index("allotments_with_places", "showtime_id", postgresql_where=sa.text("has_places")),
    sa.Index("allotments_sold_out", "showtime_id", postgresql_where=sa.text("NOT has_places")),
    sa.CheckConstraint("held >= 0 AND sold >= 0 AND blocked >= 0", name="not_negative"),
    sa.CheckConstraint("held + sold + blocked <= capacity", name="not_oversold"),
    sa.CheckConstraint("waiting >= 0 AND last_number >= 0", name="line_not_negative"),
    sa.CheckConstraint("price >= 0", name="price_not_negative"),
    postgresql_with={"fillfactor": 50},
)

# What lists of events filter, search and sort by, gathered from the event, its show, venue,
# categories and showtimes, so that one index serves each list. ``event_listings_refresh_v2`` writes
# it in the transaction that changes any of them; nothing is decided by it.
event_listings = sa.Table(
    "event_listings",
    metadata,
    sa.Column("event_id", sa.ForeignKey("events.id"), primary_key=True),
    sa.Column("organization_id", sa.Uuid, nullable=False),
    sa.Column("show_id", sa.Uuid, nullable=False),
    sa.Column("venue_id", sa.Uuid),
    sa.Column("status", sa.Text, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("title", sa.Text, nullable=False),
    sa.Column("city", sa.Text),
    # Folded, as everything that is compared with what somebody typed: lower case, no accents.
    sa.Column("city_key", sa.Text),
    sa.Column("category_keys", ARRAY(sa.Text), nullable=False),
    sa.Column("lowest_price", sa.BigInteger, nullable=False),  # 2^62 without categories
    # The next showtime that is not over, and the end of the last one; 9999 without any.
    sa.Column("next_starts_at", sa.DateTime(timezone=True), nullable=False),
    sa.Column("next_ends_at", sa.DateTime(timezone=True), nullable=False),
    sa.Column("last_ends_at", sa.DateTime(timezone=True), nullable=False),
    sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
    sa.Column("refreshed_at", sa.DateTime(timezone=True), nullable=False),
    sa.Column("words", sa.Text, nullable=False),  # folded; for what is almost spelt right
    sa.Column("document", TSVECTOR, nullable=False),
    sa.Column("timezone", sa.Text, nullable=False, server_default="UTC"),
    # The same for events whose categories have the same names; NULL without any.
    sa.Column("category_set", sa.Uuid),
    sa.Index("event_listings_start", "status", "next_starts_at", "event_id"),
    sa.Index("event_listings_created", "status", "created_at", "event_id"),
    sa.Index("event_listings_title", "status", "title", "event_id"),
    sa.Index("event_listings_price", "status", "lowest_price", "event_id"),
    sa.Index("event_listings_city", "city_key", "next_starts_at", "event_id"),
    sa.Index("event_listings_kind", "kind", "next_starts_at", "event_id"),
    sa.Index("event_listings_venue", "venue_id", "next_starts_at", "event_id"),
    # With what says where a show stands.
    sa.Index(
        "event_listings_show",
        "show_id",
        "next_starts_at",
        "event_id",
        postgresql_include=["status", "last_ends_at"],
    ),
    sa.Index("event_listings_organization", "organization_id", "created_at", "event_id"),
    sa.Index("event_listings_next_end", "next_ends_at"),
    sa.Index("event_listings_newest", "created_at", "event_id"),
    # What is counted, and nothing else, so that counting everything reads no listing.
    sa.Index(
        "event_listings_facets",
        "status",
        "last_ends_at",
        postgresql_include=["event_id", "kind", "city", "city_key", "timezone", "category_set"],
    ),
    sa.Index("event_listings_categories", "category_keys", postgresql_using="gin"),
    sa.Index("event_listings_document", "document", postgresql_using="gin"),
    sa.Index(
        "event_listings_words",
        "words",
        postgresql_using="gin",
        postgresql_ops={"words": "gin_trgm_ops"},
    ),
)

# What is asked in the categories of listed events, and from when to when: at showtimes until the
# last of them is over, usually once none is to come. Written with the listings.
listed_prices = sa.Table(
    "listed_prices",
    metadata,
    sa.Column("event_id", sa.ForeignKey("events.id"), primary_key=True),
    sa.Column("key", sa.Text, primary_key=True),  # the name, folded
    sa.Column("price", sa.BigInteger, primary_key=True),
    sa.Column("asked_from", sa.DateTime(timezone=True), primary_key=True),
    sa.Column("asked_until", sa.DateTime(timezone=True), nullable=False),
    sa.Column("name", sa.Text, nullable=False),
    sa.Index(
        "listed_prices_key",
        "key",
        "price",
        "event_id",
        postgresql_include=["asked_from", "asked_until"],
    ),
    sa.Index(
        "listed_prices_price",
        "price",
        "event_id",
        postgresql_include=["asked_from", "asked_until"],
    ),
)

favorites = sa.Table(
    "favorites",
    metadata,
    sa.Column("user_id", sa.ForeignKey("users.id"), primary_key=True),
    sa.Column("event_id", sa.ForeignKey("events.id"), primary_key=True, index=True),
    now_column(),
)
