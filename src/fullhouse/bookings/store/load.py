"""Reading for decisions: what a batch of commands needs, under the showtimes' locks."""

import itertools
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from fullhouse.bookings.core.commands import (
    Block,
    Cancel,
    Command,
    Confirm,
    Leave,
    Move,
    Reserve,
    Unblock,
)
from fullhouse.bookings.core.types import Allotment, Booking, Claim, Entry, Sums
from fullhouse.bookings.store.read import BOOKING
from fullhouse.kit.db import RawConnection

# More holds than this may run out between two batches; the rest is ended by the batches that
# follow at once, before anything else is decided.
OVERDUE_LIMIT = 200

# Longer than any lock is waited for; then the server has vanished.
ANSWER_WITHIN_SECONDS = 10.0

SESSION_SETTINGS: dict[str, Any] = {
    "application_name": "fullhouse sequencer",
    # A process that stands still in the middle of a batch (stopped, swapped out, cut off) holds
    # the showtime's lock. The database ends its transaction, so that the others can go on.
    "idle_in_transaction_session_timeout": "3s",
    "lock_timeout": "2s",
    # Shorter than we wait for an answer: a statement that we gave up on must not go on.
    "statement_timeout": "8s",
    # The planner knows nothing of young tables; every access here is by key, and this says so.
    "jit": "off",
    "enable_seqscan": "off",
    "enable_hashjoin": "off",
    "enable_mergejoin": "off",
    "plan_cache_mode": "force_generic_plan",
}


class Needs(msgspec.Struct):
    """What a batch speaks of, as the parallel arrays that ``sell_load_v1`` takes."""

    showtimes: list[UUID] = []
    seat_showtimes: list[UUID] = []
    seats: list[UUID] = []
    booking_showtimes: list[UUID] = []
    bookings: list[UUID] = []
    key_showtimes: list[UUID] = []
    key_users: list[UUID] = []
    keys: list[str] = []


class Loaded(msgspec.Struct):
    """The document that ``sell_load_v1`` answers with."""

    now: datetime
    revisions: list[tuple[UUID, int]]
    allotments: list[Allotment]
    claims: list[Claim]
    bookings: list[Booking]


_decode_loaded = msgspec.json.Decoder(Loaded).decode


def needs_of(commands: Iterable[Command], *, repeated: bool) -> Needs:
    """What must be read to decide the commands.

    ``repeated`` says that they may have run before: then reservations look for themselves too.
    """
    needs = Needs()
    showtimes: set[UUID] = set()
    for command in commands:
        showtime_id = command.showtime_id
        showtimes.add(showtime_id)
        match command:
            case Reserve():
                # What is asked for, and what stands beside it, each once.
                named = itertools.chain(command.seats, *command.blocks)
                for seat_id in dict.fromkeys(seat.id for seat in named):
                    needs.seat_showtimes.append(showtime_id)
                    needs.seats.append(seat_id)
                if command.idempotency_key is not None:
                    needs.key_showtimes.append(showtime_id)
                    needs.key_users.append(command.user_id)
                    needs.keys.append(command.idempotency_key)
                if repeated:
                    needs.booking_showtimes.append(showtime_id)
                    needs.bookings.append(command.booking_id)
            case Confirm() | Cancel() | Leave():
                needs.booking_showtimes.append(showtime_id)
                needs.bookings.append(command.booking_id)
            case Block() | Unblock():
                for seat in command.seats:
                    needs.seat_showtimes.append(showtime_id)
                    needs.seats.append(seat.id)
            case Move():
                for seat in command.vanished:
                    needs.seat_showtimes.append(showtime_id)
                    needs.seats.append(seat.id)
            case _:
                pass
    needs.showtimes = sorted(showtimes)
    return needs


async def load(
    connection: RawConnection, needs: Needs, overdue_limit: int = OVERDUE_LIMIT
) -> Loaded:
    """Lock the showtimes in the order of their ids, then read; the lock lasts until the commit."""
    document = await connection.fetchval(
        "SELECT sell_load_v1($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        needs.showtimes,
        needs.seat_showtimes,
        needs.seats,
        needs.booking_showtimes,
        needs.bookings,
        needs.key_showtimes,
        needs.key_users,
        needs.keys,
        overdue_limit,
    )
    return _decode_loaded(document)


_LOAD_PLACES = """
SELECT u.showtime_id, u.user_id, coalesce((
    SELECT sum(l.quantity)
    FROM bookings b
    JOIN booking_lines l ON l.showtime_id = b.showtime_id AND l.booking_id = b.id
    WHERE b.showtime_id = u.showtime_id AND b.user_id = u.user_id
        AND b.status IN ('reserved', 'confirmed', 'waitlisted')
), 0)::int AS places
FROM unnest($1::uuid[], $2::uuid[]) AS u (showtime_id, user_id)
"""


async def load_places(
    connection: RawConnection, buyers: Sequence[tuple[UUID, UUID]]
) -> dict[tuple[UUID, UUID], int]:
    """The places that each buyer (showtime, user) holds, bought or waits for.

    Holds that have run out but are not swept yet still count: ``decide`` takes them off.
    """
    rows = await connection.fetch(
        _LOAD_PLACES, [showtime for showtime, _ in buyers], [user for _, user in buyers]
    )
    return {(row["showtime_id"], row["user_id"]): row["places"] for row in rows}


_LOAD_WAITING = f"""
SELECT coalesce(json_agg(json_build_array(
    json_build_array(e.showtime_id, e.category_id, e.number, e.booking_id, e.quantity),
    {BOOKING}
) ORDER BY e.showtime_id, e.category_id, e.number), '[]')
FROM unnest($1::uuid[], $2::uuid[], $3::int[]) AS o (showtime_id, category_id, places)
CROSS JOIN LATERAL (
    SELECT w.*
    FROM waitlist_entries w
    WHERE w.showtime_id = o.showtime_id AND w.category_id = o.category_id
        AND w.status = 'waiting' AND w.quantity <= o.places
        AND NOT (w.booking_id = ANY ($4::uuid[]))
    ORDER BY w.number
    LIMIT least(o.places, $5)
) AS e
JOIN bookings b ON b.showtime_id = e.showtime_id AND b.id = e.booking_id
"""

_decode_waiting = msgspec.json.Decoder(list[tuple[Entry, Booking]]).decode


async def load_waiting(
    connection: RawConnection,
    openings: dict[tuple[UUID, UUID], int],
    handled: Iterable[UUID],
    limit: int,
) -> list[tuple[Entry, Booking]]:
    """The first entries in each line that fit into its free places, in the order of the line.

    At most ``limit`` in each line, and no more than there are places. ``handled`` are bookings
    that this batch changed already.
    """
    document = await connection.fetchval(
        _LOAD_WAITING,
        [showtime for showtime, _ in openings],
        [category for _, category in openings],
        list(openings.values()),
        list(handled),
        limit,
    )
    return _decode_waiting(document)


_LOAD_LIVE = f"""
SELECT json_build_array(
    coalesce(json_agg({BOOKING}), '[]'),
    (
        SELECT coalesce(json_agg(json_build_array(
            c.showtime_id, c.seat_id, c.category_id, c.status, c.booking_id
        )), '[]')
        FROM booking_lines l
        CROSS JOIN LATERAL unnest(l.seats) AS s (seat_id)
        JOIN seat_claims c ON c.showtime_id = l.showtime_id AND c.seat_id = s.seat_id
        WHERE l.showtime_id = $1 AND l.booking_id = ANY (array_agg(b.id))
    )
)
FROM (
    SELECT * FROM bookings
    WHERE showtime_id = $1 AND status IN ('reserved', 'confirmed', 'waitlisted')
        -- What has run out is ended as every batch ends it.
        AND (status <> 'reserved' OR expires_at > $3)
    ORDER BY id
    LIMIT $2
) AS b
LEFT JOIN waitlist_entries e ON e.showtime_id = b.showtime_id AND e.booking_id = b.id
"""

_decode_live = msgspec.json.Decoder(tuple[list[Booking], list[Claim]]).decode


async def load_live(
    connection: RawConnection, showtime_id: UUID, limit: int, now: datetime
) -> tuple[list[Booking], list[Claim]]:
    """Bookings of the showtime that own or wait for places, and the claims on their seats."""
    document = await connection.fetchval(_LOAD_LIVE, showtime_id, limit, now)
    return _decode_live(document)


async def load_joined_sums(
    connection: RawConnection, bookings: Sequence[Booking]
) -> dict[UUID, Sums]:
    """What those of the bookings came to when they joined a line, whose price is another now."""
    rows = await connection.fetch(
        "SELECT e.booking_id, e.joined_sums"
        " FROM unnest($1::uuid[], $2::uuid[]) AS b (showtime_id, id)"
        " JOIN waitlist_entries e ON e.showtime_id = b.showtime_id AND e.booking_id = b.id"
        " WHERE e.joined_sums IS NOT NULL",
        [booking.showtime_id for booking in bookings],
        [booking.id for booking in bookings],
    )
    return {row["booking_id"]: Sums(*row["joined_sums"]) for row in rows}


async def load_claimed(connection: RawConnection, showtime_id: UUID) -> set[UUID]:
    """The seats of the showtime that are not free: needed only to find some for who waits."""
    rows = await connection.fetch(
        "SELECT seat_id FROM seat_claims WHERE showtime_id = $1", showtime_id
    )
    return {row[0] for row in rows}


_OVERDUE_SHOWTIMES = """
SELECT i.showtime_id
FROM inventories i
WHERE i.showtime_id IN (
    SELECT DISTINCT b.showtime_id FROM bookings b
    WHERE b.status = 'reserved' AND b.expires_at <= now()
    LIMIT 1000
)
FOR NO KEY UPDATE SKIP LOCKED
"""


async def overdue_showtimes(connection: RawConnection) -> list[UUID]:
    """Showtimes with holds that have run out and that nobody is deciding about right now.

    A locked one needs no sweeping: every decision about it ends its overdue holds first.
    """
    return [row["showtime_id"] for row in await connection.fetch(_OVERDUE_SHOWTIMES)]
