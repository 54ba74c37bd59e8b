"""A hundred thousand events in the database, past the API, for tests of how lists are read."""

from fullhouse.kit.db import RawConnection

EVENTS = 100_000
ORGANIZATIONS = 200
VENUES = 1_000
_EVENTS_OF_A_SHOW = 10

# What shows are called.
WORDS = (
    "alpha", "beta", "gamma", "delta", "river", "moon",
    "ocean", "stone", "night", "garden", "silver", "winter",
)  # fmt: skip
_WORDS = f"'{{{','.join(WORDS)}}}'::text[]"

_STATEMENTS = [
    f"""
    INSERT INTO organizations (id, name)
    SELECT gen_random_uuid(), 'House ' || n FROM generate_series(1, {ORGANIZATIONS}) n
    """,
    f"""
    INSERT INTO venues (id, organization_id, name, city, country, timezone)
    SELECT gen_random_uuid(), NULL, 'Hall of ' || ({_WORDS})[1 + n % 12] || ' ' || n,
        'City ' || n % 150, 'CH', 'Europe/Zurich'
    FROM generate_series(1, {VENUES}) n
    """,
    f"""
    INSERT INTO shows (id, organization_id, kind, title)
    SELECT gen_random_uuid(), (ARRAY(SELECT id FROM organizations))[1 + n % {ORGANIZATIONS}],
        ('{{movie,concert,play,conference,other}}'::text[])[1 + n % 5],
        initcap(({_WORDS})[1 + n % 12] || ' ' || ({_WORDS})[1 + n / 12 % 12]) || ' ' || n
    FROM generate_series(1, {{shows}}) n
    """,
    f"""
    INSERT INTO events (
        id, organization_id, show_id, slug, title, description, status, currency, venue_id,
        timezone, policy, published_at, created_at
    )
    SELECT gen_random_uuid(), s.organization_id, s.id, 'crowd-' || s.id || '-' || n, s.title,
        repeat('What there is to be said of it. ', 20),
        CASE WHEN n % 10 = 0 THEN 'draft' ELSE 'published' END, 'CHF',
        v.ids[1 + (hashtext(s.title || n) & 65535) % {VENUES}], 'Europe/Zurich',
        '{{}}', now(), now() - n * interval '1 minute'
    FROM shows s, generate_series(1, {_EVENTS_OF_A_SHOW}) n,
        (SELECT array_agg(id ORDER BY name) AS ids FROM venues) v
    """,
    """
    INSERT INTO categories (id, event_id, name, price, capacity, rank)
    SELECT gen_random_uuid(), e.id, k.name, k.price + ascii(right(e.slug, 1)), 100, k.rank
    FROM events e, (VALUES ('General', 2000, 0), ('VIP', 9000, 1)) k (name, price, rank)
    """,
    # Every fourth event a second time a week later; some were called off.
    """
    INSERT INTO showtimes (
        id, event_id, status, starts_at, ends_at, busy_until, cancelled_at, cleared_at
    )
    SELECT gen_random_uuid(), e.id, CASE WHEN e.off IS NULL THEN 'scheduled' ELSE 'cancelled' END,
        t.at, t.at + interval '2 hours', t.at + interval '3 hours', e.off, e.off
    FROM (
            SELECT id, n, CASE WHEN n % 200 = 7 THEN now() END AS off
            FROM (SELECT id, row_number() OVER () AS n FROM events) numbered
        ) e,
        generate_series(0, CASE WHEN e.n % 4 = 0 THEN 7 ELSE 0 END, 7) later,
        LATERAL (
            SELECT now() + (e.n % 700 - 100 + later) * interval '1 day'
                + e.n % 24 * interval '1 hour'
        ) t (at)
    """,
    "INSERT INTO inventories (showtime_id) SELECT id FROM showtimes",
    # One of forty is sold out, another one asks a price of its own.
    """
    INSERT INTO allotments (showtime_id, category_id, capacity, sold, price)
    SELECT t.id, c.id, c.capacity, CASE WHEN t.n % 40 = 1 THEN c.capacity ELSE 0 END,
        CASE WHEN t.n % 40 = 2 THEN c.price - 500 END
    FROM (SELECT id, event_id, row_number() OVER () AS n FROM showtimes) t
    JOIN categories c ON c.event_id = t.event_id
    """,
    """
    UPDATE shows SET words = lower(unaccent(title)),
        document = setweight(to_tsvector('simple', lower(unaccent(title))), 'A')
    """,
    "UPDATE venues SET words = lower(unaccent(name || ' ' || city)), city_key = lower(city)",
    # Without knowing how many there are, the planner would look through all showtimes for each.
    "ANALYZE",
    "SELECT event_listings_refresh_v2(ARRAY(SELECT id FROM events))",
    "ANALYZE event_listings, listed_prices",
    # Ids are random here and in their order in life, where indexes are as dense as made anew.
    "REINDEX TABLE events",
    "REINDEX TABLE showtimes",
    # Puts new words into their indexes, and tells what can be read from an index alone.
    "VACUUM shows, events, showtimes, allotments, event_listings, listed_prices",
]


async def fill(connection: RawConnection, events: int = EVENTS) -> None:
    """Make them all, or fewer; takes the better part of a minute."""
    for statement in _STATEMENTS:
        whole = statement.replace("{shows}", str(events // _EVENTS_OF_A_SHOW))
        await connection.execute(whole, timeout=300)


# Two hundred thousand bookings of ten thousand people, at two of five showtimes.
_SALES = [
    """
    INSERT INTO users (id, name, email, role)
    SELECT gen_random_uuid(), initcap(w[1 + n % 12]) || ' ' || n, 'buyer-' || n || '@example.org',
        'USER'
    FROM generate_series(1, 10000) n, (SELECT {words}) k (w)
    """,
    """
    INSERT INTO bookings (
        showtime_id, id, user_id, code, status, currency, subtotal, fees, tax, total, created_at
    )
    SELECT s.id, gen_random_uuid(), u.ids[1 + (s.n * 5 + m) % 10000], 'CROWD' || s.n || '-' || m,
        CASE WHEN m = 1 THEN 'cancelled' ELSE 'confirmed' END, 'CHF', 0, 0, 0, 0,
        now() - s.n * interval '1 minute'
    FROM (SELECT id, row_number() OVER (ORDER BY id) AS n FROM showtimes) s,
        generate_series(1, 5) m, (SELECT array_agg(id) AS ids FROM users) u
    WHERE s.n % 5 < 2
    """,
    """
    INSERT INTO booking_lines (showtime_id, booking_id, category_id, name, quantity, unit_price)
    SELECT b.showtime_id, b.id, c.id, c.name, 1, 0
    FROM bookings b
    JOIN showtimes s ON s.id = b.showtime_id
    JOIN categories c ON c.event_id = s.event_id AND c.rank = 0
    """,
    """
    INSERT INTO waitlist_entries (
        showtime_id, category_id, number, booking_id, quantity, status, joined_position
    )
    SELECT l.showtime_id, l.category_id, row_number() OVER (PARTITION BY l.showtime_id), b.id, 1,
        'left', 1
    FROM booking_lines l
    JOIN bookings b ON b.showtime_id = l.showtime_id AND b.id = l.booking_id
    WHERE b.status = 'cancelled'
    """,
    "ANALYZE users, bookings, booking_lines, waitlist_entries",
]


async def sell(connection: RawConnection) -> None:
    """Book at the showtimes that :func:`fill` has made."""
    for statement in _SALES:
        await connection.execute(statement.replace("{words}", _WORDS), timeout=300)
