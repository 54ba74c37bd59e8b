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
        id, organization_id, show_id, slug, title, status, currency, venue_id, timezone, policy,
        published_at, created_at
    )
    SELECT gen_random_uuid(), s.organization_id, s.id, 'crowd-' || s.id || '-' || n, s.title,
        CASE WHEN n % 10 = 0 THEN 'draft' ELSE 'published' END, 'CHF',
        (ARRAY(SELECT id FROM venues))[1 + n * 97 % {VENUES}], 'Europe/Zurich',
        '{{}}', now(), now() - n * interval '1 minute'
    FROM shows s, generate_series(1, {_EVENTS_OF_A_SHOW}) n
    """,
    """
    INSERT INTO categories (id, event_id, name, price, capacity, rank)
    SELECT gen_random_uuid(), e.id, k.name, k.price + ascii(right(e.slug, 1)), 100, k.rank
    FROM events e, (VALUES ('General', 2000, 0), ('VIP', 9000, 1)) k (name, price, rank)
    """,
    """
    INSERT INTO showtimes (id, event_id, status, starts_at, ends_at)
    SELECT gen_random_uuid(), e.id, 'scheduled', t.at, t.at + interval '2 hours'
    FROM (SELECT id, row_number() OVER () AS n FROM events) e,
        LATERAL (
            SELECT now() + (e.n % 700 - 100) * interval '1 day' + e.n % 24 * interval '1 hour'
        ) t (at)
    """,
    "INSERT INTO inventories (showtime_id) SELECT id FROM showtimes",
    """
    INSERT INTO allotments (showtime_id, category_id, capacity)
    SELECT t.id, c.id, c.capacity FROM showtimes t JOIN categories c ON c.event_id = t.event_id
    """,
    # Without knowing how many there are, the planner would look through all showtimes for each.
    "ANALYZE",
    "SELECT event_listings_refresh_v2(ARRAY(SELECT id FROM events))",
    "ANALYZE event_listings",
]


async def fill(connection: RawConnection, events: int = EVENTS) -> None:
    """Make them all, or fewer; takes the better part of a minute."""
    for statement in _STATEMENTS:
        whole = statement.replace("{shows}", str(events // _EVENTS_OF_A_SHOW))
        await connection.execute(whole, timeout=300)
