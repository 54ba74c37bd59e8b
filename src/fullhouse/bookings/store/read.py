"""Reading for screens. Nothing here locks, and nothing is decided on it.

Documents leave as text, because the pool's connections would take JSON apart into dictionaries.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Literal
from uuid import UUID

import msgspec
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from fullhouse.bookings.core.types import Booking, Status
from fullhouse.kit.db import RawConnection

# A booking as core.types.Booking decodes it; ``sell_load_v1.sql`` says the same.
BOOKING = """json_build_array(
    b.showtime_id, b.id, b.user_id, b.code, b.status, b.currency,
    b.subtotal, b.fees, b.tax, b.total, b.created_at, b.expires_at,
    b.idempotency_key, b.fingerprint, coalesce(e.joined_position, 0),
    (
        SELECT coalesce(json_agg(json_build_array(
            l.category_id, l.name, l.quantity, l.unit_price, l.seats, l.labels
        ) ORDER BY l.category_id), '[]')
        FROM booking_lines l
        WHERE l.showtime_id = b.showtime_id AND l.booking_id = b.id
    )
)"""

# How many of the same line, up to and with this entry, are waiting.
_POSITION = """(
    SELECT count(*) FROM waitlist_entries w
    WHERE w.showtime_id = e.showtime_id AND w.category_id = e.category_id
        AND w.status = 'waiting' AND w.number <= e.number AND e.status = 'waiting'
)"""


# When and where a showtime is, as Sitting decodes it.
_SITTING = """json_build_array(
    s.starts_at, s.ends_at, v.timezone, s.status, s.seat_map_id,
    CASE WHEN n.id IS NOT NULL THEN json_build_array(n.id, n.name, n.city, n.country) END,
    CASE WHEN h.id IS NOT NULL THEN json_build_array(h.id, h.name) END,
    v.location, s.cancelled_at, s.cancel_reason
)"""

# What is booked at a showtime of a booking b, and where that is. What was deleted is named still.
_AT_SHOWTIME = """
JOIN showtimes s ON s.id = b.showtime_id
JOIN events v ON v.id = s.event_id
LEFT JOIN venues n ON n.id = v.venue_id
LEFT JOIN halls h ON h.id = s.hall_id
"""


class Sitting(msgspec.Struct, array_like=True):
    """A showtime, as those who booked there need to know it."""

    starts_at: datetime
    ends_at: datetime
    timezone: str
    status: Literal["scheduled", "cancelled"]
    seat_map_id: UUID | None
    venue: tuple[UUID, str, str, str] | None  # id, name, city, country
    hall: tuple[UUID, str] | None
    location: str | None
    cancelled_at: datetime | None
    cancel_reason: str | None


class Owned(msgspec.Struct, array_like=True):
    """A booking with what its buyer and the organization need to see beside it."""

    booking: Booking
    event_id: UUID
    organization_id: UUID
    title: str
    position: int  # in its line; 0 when it does not wait
    sitting: Sitting


# A booking b as Owned decodes it, with the tables that it needs.
OWNED = f"json_build_array({BOOKING}, v.id, v.organization_id, v.title, {_POSITION}, {_SITTING})"
FROM_OWNED = f"""{_AT_SHOWTIME}
LEFT JOIN waitlist_entries e ON e.showtime_id = b.showtime_id AND e.booking_id = b.id
"""
_SELECT_OWNED = f"SELECT {OWNED}::text FROM bookings b {FROM_OWNED}"

_decode_owned = msgspec.json.Decoder(Owned).decode


async def find_booking(connection: RawConnection, booking_id: UUID) -> Owned | None:
    """The booking with this id, whoever's it is."""
    document = await connection.fetchval(f"{_SELECT_OWNED} WHERE b.id = $1", booking_id)
    return None if document is None else _decode_owned(document)


async def list_bookings(
    connection: RawConnection,
    user_id: UUID,
    status: Status | None,
    before: UUID | None,
    limit: int,
    offset: int,
) -> list[Owned]:
    """A buyer's bookings, the newest first: at most ``limit``, those older than ``before``."""
    rows = await connection.fetch(
        f"""{_SELECT_OWNED}
        WHERE b.user_id = $1 AND ($2::text IS NULL OR b.status = $2)
            AND ($3::uuid IS NULL OR b.id < $3)
        ORDER BY b.id DESC LIMIT $4 OFFSET $5""",
        user_id,
        status,
        before,
        limit,
        offset,
    )
    return [_decode_owned(row[0]) for row in rows]


async def count_bookings(connection: RawConnection, user_id: UUID, status: Status | None) -> int:
    """How many bookings a buyer has, all or those of one status."""
    count: int = await connection.fetchval(
        "SELECT count(*) FROM bookings WHERE user_id = $1 AND ($2::text IS NULL OR status = $2)",
        user_id,
        status,
    )
    return count


class WaitingRow(msgspec.Struct):
    booking_id: UUID
    showtime_id: UUID
    event_id: UUID
    title: str
    category_id: UUID
    category_name: str
    quantity: int
    position: int
    created_at: datetime
    sitting: Sitting


_decode_sitting = msgspec.json.Decoder(Sitting).decode


async def list_waiting(connection: RawConnection, user_id: UUID, limit: int) -> list[WaitingRow]:
    """A buyer's places in lines, the oldest first."""
    rows = await connection.fetch(
        f"""SELECT b.id AS booking_id, b.showtime_id, v.id AS event_id, v.title, e.category_id,
            l.name AS category_name, e.quantity, {_POSITION} AS position, e.created_at,
            {_SITTING}::text AS sitting
        FROM bookings b
        JOIN waitlist_entries e ON e.showtime_id = b.showtime_id AND e.booking_id = b.id
        JOIN booking_lines l ON l.showtime_id = b.showtime_id AND l.booking_id = b.id
        {_AT_SHOWTIME}
        WHERE b.user_id = $1 AND b.status = 'waitlisted'
        ORDER BY b.id LIMIT $2""",
        user_id,
        limit,
    )
    return [
        WaitingRow(**(dict(row) | {"sitting": _decode_sitting(row["sitting"])})) for row in rows
    ]


async def bookings_ahead(connection: AsyncConnection, user_id: UUID, limit: int) -> list[UUID]:
    """Bookings and places in line that a buyer still has at showtimes that are not over.

    It runs in the caller's transaction, which makes something depend on there being none: the
    caller has locked the user's row, so that nobody adds one meanwhile.
    """
    found = await connection.execute(
        sa.text(
            """
            SELECT b.id
            FROM bookings b
            JOIN showtimes s ON s.id = b.showtime_id
            WHERE b.user_id = :user_id AND s.ends_at > clock_timestamp()
                AND (
                    b.status IN ('confirmed', 'waitlisted')
                    -- A hold that has run out is over, swept or not.
                    OR (b.status = 'reserved' AND b.expires_at > clock_timestamp())
                )
            ORDER BY b.id
            LIMIT :most
            """
        ),
        {"user_id": user_id, "most": limit},
    )
    return list(found.scalars())


async def count_live(connection: RawConnection, showtime_ids: Sequence[UUID]) -> int:
    """How many bookings own or wait for places at these showtimes."""
    count: int = await connection.fetchval(
        "SELECT count(*) FROM bookings WHERE showtime_id = ANY($1::uuid[])"
        " AND status IN ('reserved', 'confirmed', 'waitlisted')",
        list(showtime_ids),
    )
    return count


async def ever_booked(connection: AsyncConnection, showtime_ids: Sequence[UUID]) -> bool:
    """Whether there is any booking, live or ended, at one of these showtimes.

    It runs in the caller's transaction, which holds the showtimes' locks.
    """
    found = await connection.execute(
        sa.text("SELECT EXISTS (SELECT FROM bookings WHERE showtime_id = ANY(:showtimes))"),
        {"showtimes": list(showtime_ids)},
    )
    return bool(found.scalar_one())


async def sales_ahead(connection: AsyncConnection, organization_id: UUID, limit: int) -> list[UUID]:
    """Bookings and places in line at showtimes of an organization that are not over.

    It runs in the caller's transaction, which holds the showtimes' locks.
    """
    found = await connection.execute(
        sa.text(
            """
            SELECT b.id
            FROM events e
            JOIN showtimes s ON s.event_id = e.id
            JOIN bookings b ON b.showtime_id = s.id
            WHERE e.organization_id = :organization_id AND s.ends_at > clock_timestamp()
                AND (
                    b.status IN ('confirmed', 'waitlisted')
                    OR (b.status = 'reserved' AND b.expires_at > clock_timestamp())
                )
            ORDER BY b.id
            LIMIT :most
            """
        ),
        {"organization_id": organization_id, "most": limit},
    )
    return list(found.scalars())
