"""Writing what was decided: a batch's changes in one statement."""

import msgspec

from fullhouse.bookings.core.ledger import Ledger
from fullhouse.bookings.core.types import Act
from fullhouse.bookings.store.changes import changes_of
from fullhouse.bookings.store.save_terms import save_repriced, save_terms
from fullhouse.kit.audit import Actor, Entry, record_raw
from fullhouse.kit.db import RawConnection

# One statement writes everything, so that a batch costs one round trip. Inserts are plain: if a
# seat were claimed already, the primary key would stop the whole batch, as it should.
_SAVE = """
WITH doc AS MATERIALIZED (SELECT $1::jsonb AS d),
created AS (
    INSERT INTO bookings (
        showtime_id, id, user_id, code, status, currency, subtotal, fees, tax, total,
        expires_at, idempotency_key, fingerprint, created_at, updated_at
    )
    SELECT
        c.showtime_id, c.id, c.user_id, c.code, c.status, c.currency,
        c.subtotal, c.fees, c.tax, c.total,
        c.expires_at, c.idempotency_key, c.fingerprint, c.created_at, c.created_at
    FROM doc, jsonb_to_recordset(d -> 'created') AS c (
        showtime_id uuid, id uuid, user_id uuid, code text, status text, currency text,
        subtotal bigint, fees bigint, tax bigint, total bigint,
        expires_at timestamptz, idempotency_key text, fingerprint text, created_at timestamptz
    )
    RETURNING 1
),
lines AS (
    INSERT INTO booking_lines (
        showtime_id, booking_id, category_id, name, quantity, unit_price, seats, labels
    )
    SELECT
        l.showtime_id, l.booking_id, l.category_id, l.name, l.quantity, l.unit_price,
        l.seats, l.labels
    FROM doc, jsonb_to_recordset(d -> 'lines') AS l (
        showtime_id uuid, booking_id uuid, category_id uuid, name text,
        quantity integer, unit_price bigint, seats uuid[], labels text[]
    )
    RETURNING 1
),
updated AS (
    UPDATE bookings b
    SET status = u.status, expires_at = u.expires_at, updated_at = (d ->> 'now')::timestamptz
    FROM doc, jsonb_to_recordset(d -> 'updated') AS u (
        showtime_id uuid, id uuid, status text, expires_at timestamptz
    )
    WHERE b.showtime_id = u.showtime_id AND b.id = u.id
    RETURNING 1
),
seated AS (
    UPDATE booking_lines b
    SET seats = l.seats, labels = l.labels
    FROM doc, jsonb_to_recordset(d -> 'seated') AS l (
        showtime_id uuid, booking_id uuid, category_id uuid, seats uuid[], labels text[]
    )
    WHERE b.showtime_id = l.showtime_id AND b.booking_id = l.booking_id
        AND b.category_id = l.category_id
    RETURNING 1
),
counted AS (
    UPDATE allotments a
    SET capacity = a.capacity + c.capacity, held = a.held + c.held, sold = a.sold + c.sold,
        blocked = a.blocked + c.blocked, waiting = a.waiting + c.waiting,
        last_number = a.last_number + c.last_number
    FROM doc, jsonb_to_recordset(d -> 'counted') AS c (
        showtime_id uuid, category_id uuid, capacity integer, held integer, sold integer,
        blocked integer, waiting integer, last_number integer
    )
    WHERE a.showtime_id = c.showtime_id AND a.category_id = c.category_id
    RETURNING 1
),
claimed AS (
    INSERT INTO seat_claims (showtime_id, seat_id, category_id, status, booking_id)
    SELECT c.showtime_id, c.seat_id, c.category_id, c.status, c.booking_id
    FROM doc, jsonb_to_recordset(d -> 'claimed') AS c (
        showtime_id uuid, seat_id uuid, category_id uuid, status text, booking_id uuid
    )
    RETURNING 1
),
reclaimed AS (
    UPDATE seat_claims s
    SET category_id = c.category_id, status = c.status, booking_id = c.booking_id
    FROM doc, jsonb_to_recordset(d -> 'reclaimed') AS c (
        showtime_id uuid, seat_id uuid, category_id uuid, status text, booking_id uuid,
        former uuid
    )
    WHERE s.showtime_id = c.showtime_id AND s.seat_id = c.seat_id
        AND s.booking_id IS NOT DISTINCT FROM c.former
    RETURNING 1
),
freed AS (
    DELETE FROM seat_claims s
    USING doc, jsonb_to_recordset(d -> 'freed') AS c (
        showtime_id uuid, seat_id uuid, former uuid
    )
    WHERE s.showtime_id = c.showtime_id AND s.seat_id = c.seat_id
        AND s.booking_id IS NOT DISTINCT FROM c.former
    RETURNING 1
),
joined AS (
    INSERT INTO waitlist_entries (
        showtime_id, category_id, number, booking_id, quantity, status, joined_position
    )
    SELECT
        e.showtime_id, e.category_id, e.number, e.booking_id, e.quantity, e.status,
        e.joined_position
    FROM doc, jsonb_to_recordset(d -> 'joined') AS e (
        showtime_id uuid, category_id uuid, number integer, booking_id uuid, quantity integer,
        status text, joined_position integer
    )
    RETURNING 1
),
closed AS (
    UPDATE waitlist_entries w
    SET status = c.status
    FROM doc, jsonb_to_recordset(d -> 'closed') AS c (
        showtime_id uuid, booking_id uuid, status text
    )
    WHERE w.showtime_id = c.showtime_id AND w.booking_id = c.booking_id
    RETURNING 1
),
moved AS (
    INSERT INTO seat_changes (showtime_id, version, seats, states, occurred_at)
    SELECT m.showtime_id, i.version + 1, m.seats, m.states, (d ->> 'now')::timestamptz
    FROM doc
    CROSS JOIN jsonb_to_recordset(d -> 'moved') AS m (
        showtime_id uuid, seats uuid[], states text
    )
    JOIN inventories i ON i.showtime_id = m.showtime_id
    RETURNING 1
),
versions AS (
    UPDATE inventories i SET version = i.version + 1
    FROM doc, jsonb_array_elements_text(d -> 'touched') AS t (showtime_id)
    WHERE i.showtime_id = t.showtime_id::uuid
    RETURNING 1
),
told AS (
    INSERT INTO outbox (stream_id, id, topic, payload, occurred_at)
    SELECT e.showtime_id, e.id, e.topic, e.payload, (d ->> 'now')::timestamptz
    FROM doc, jsonb_to_recordset(d -> 'told') AS e (
        showtime_id uuid, id uuid, topic text, payload jsonb
    )
    RETURNING 1
)
SELECT
    json_build_object(
        'created', (SELECT count(*) FROM created), 'lines', (SELECT count(*) FROM lines),
        'updated', (SELECT count(*) FROM updated), 'seated', (SELECT count(*) FROM seated),
        'counted', (SELECT count(*) FROM counted), 'claimed', (SELECT count(*) FROM claimed),
        'reclaimed', (SELECT count(*) FROM reclaimed), 'freed', (SELECT count(*) FROM freed),
        'joined', (SELECT count(*) FROM joined), 'closed', (SELECT count(*) FROM closed),
        'moved', (SELECT count(*) FROM moved), 'touched', (SELECT count(*) FROM versions),
        'told', (SELECT count(*) FROM told)
    ),
    (SELECT count(pg_notify('fullhouse', said))
       FROM doc, jsonb_array_elements_text(d -> 'notify') AS said)
"""


class RowsMissed(Exception):
    """A row that was to change was not as it was read under the lock: a bug. Nothing is kept."""


async def save(connection: RawConnection, ledger: Ledger) -> None:
    """Write all that the ledger recorded, in one statement; what is rare, in some more.

    Raises RowsMissed when the database did not change as many rows as the ledger did.
    """
    changes = changes_of(ledger)
    row = await connection.fetchrow(_SAVE, msgspec.json.encode(changes).decode())
    assert row is not None
    written = msgspec.json.decode(row[0], type=dict[str, int])
    for part, count in written.items():
        if count != len(getattr(changes, part)):
            raise RowsMissed(f"{part}: {count} rows instead of {len(getattr(changes, part))}")
    if ledger.revised:
        await save_terms(connection, ledger)
    if ledger.repriced:
        await save_repriced(connection, ledger)
    await record_raw(connection, [_entry(act) for act in ledger.acts])


def _entry(act: Act) -> Entry:
    return Entry(
        Actor(act.staff.kind, act.staff.id),
        act.action,
        act.object_kind,
        str(act.object_id),
        act.organization_id,
        act.staff.address,
        act.staff.request_id,
        act.before,
        act.after,
    )
