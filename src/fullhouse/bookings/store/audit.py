"""Reads everything stored of a showtime, for the audit."""

from collections.abc import AsyncIterator
from uuid import UUID

import msgspec

from fullhouse.bookings.core.invariants import Snapshot
from fullhouse.bookings.store.read import BOOKING
from fullhouse.kit.db import RawConnection

_SNAPSHOT = f"""
SELECT json_build_object(
    'showtime_id', i.showtime_id,
    'allotments', (
        SELECT coalesce(json_agg(json_build_array(
            a.showtime_id, a.category_id, a.capacity, a.held, a.sold, a.blocked,
            a.waiting, a.last_number
        )), '[]')
        FROM allotments a WHERE a.showtime_id = i.showtime_id
    ),
    'claims', (
        SELECT coalesce(json_agg(json_build_array(
            c.showtime_id, c.seat_id, c.category_id, c.status, c.booking_id
        )), '[]')
        FROM seat_claims c WHERE c.showtime_id = i.showtime_id
    ),
    'bookings', (
        SELECT coalesce(json_agg({BOOKING}), '[]')
        FROM bookings b
        LEFT JOIN waitlist_entries e ON e.showtime_id = b.showtime_id AND e.booking_id = b.id
        WHERE b.showtime_id = i.showtime_id
    ),
    'entries', (
        SELECT coalesce(json_agg(json_build_array(
            e.showtime_id, e.category_id, e.number, e.booking_id, e.quantity
        )), '[]')
        FROM waitlist_entries e
        WHERE e.showtime_id = i.showtime_id AND e.status = 'waiting'
    ),
    'seated', (
        SELECT coalesce(json_agg(a.category_id), '[]')
        FROM allotments a JOIN categories c ON c.id = a.category_id
        WHERE a.showtime_id = i.showtime_id AND c.sections IS NOT NULL
    ),
    'cancelled', s.status = 'cancelled',
    'cleared', s.cleared_at IS NOT NULL,
    'seat_map_id', CASE WHEN s.status = 'scheduled' AND s.deleted_at IS NULL
        AND s.ends_at > clock_timestamp() THEN s.seat_map_id END,
    'sections', (
        SELECT coalesce(json_object_agg(c.id, c.sections), '{{}}')
        FROM categories c
        WHERE c.event_id = s.event_id AND c.deleted_at IS NULL AND c.sections IS NOT NULL
    ),
    'areas', (
        SELECT coalesce(json_object_agg(c.id, c.areas), '{{}}')
        FROM categories c
        WHERE c.event_id = s.event_id AND c.deleted_at IS NULL AND c.areas IS NOT NULL
    )
)
FROM inventories i JOIN showtimes s ON s.id = i.showtime_id
WHERE i.showtime_id = $1
"""

_decode_snapshot = msgspec.json.Decoder(Snapshot).decode


async def snapshots(connection: RawConnection) -> AsyncIterator[Snapshot]:
    """One snapshot for each showtime, one at a time; each is of one moment."""
    for row in await connection.fetch("SELECT showtime_id FROM inventories ORDER BY showtime_id"):
        found = await snapshot(connection, row["showtime_id"])
        if found is not None:
            yield found


async def snapshot(connection: RawConnection, showtime_id: UUID) -> Snapshot | None:
    """Everything stored of a showtime at one moment."""
    document = await connection.fetchval(_SNAPSHOT, showtime_id)
    return None if document is None else _decode_snapshot(document)
