"""A ledger's record of changes as the document that ``save`` writes."""

from datetime import datetime
from uuid import UUID

import msgspec

from fullhouse.bookings.core.ledger import Ledger, counters
from fullhouse.bookings.core.types import Booking, EntryStatus
from fullhouse.bookings.events import Payload
from fullhouse.kit.ids import new_id
from fullhouse.kit.listener import payloads_for


class CreatedRow(msgspec.Struct):
    showtime_id: UUID
    id: UUID
    user_id: UUID
    code: str
    status: str
    currency: str
    subtotal: int
    fees: int
    tax: int
    total: int
    expires_at: datetime | None
    idempotency_key: str | None
    fingerprint: str | None
    created_at: datetime


class LineRow(msgspec.Struct):
    showtime_id: UUID
    booking_id: UUID
    category_id: UUID
    name: str
    quantity: int
    unit_price: int
    seats: list[UUID]
    labels: list[str]


class UpdatedRow(msgspec.Struct):
    showtime_id: UUID
    id: UUID
    status: str
    expires_at: datetime | None


class SeatedRow(msgspec.Struct):
    showtime_id: UUID
    booking_id: UUID
    category_id: UUID
    seats: list[UUID]
    labels: list[str]


class CountedRow(msgspec.Struct):
    """Differences, not figures: so the database's own CHECK still guards against a stale read."""

    showtime_id: UUID
    category_id: UUID
    capacity: int
    held: int
    sold: int
    blocked: int
    waiting: int
    last_number: int


class ClaimRow(msgspec.Struct):
    showtime_id: UUID
    seat_id: UUID
    category_id: UUID
    status: str
    booking_id: UUID | None
    former: UUID | None = None  # whose it was, where it was somebody's


class FreedRow(msgspec.Struct):
    showtime_id: UUID
    seat_id: UUID
    former: UUID | None


class MovedRow(msgspec.Struct):
    showtime_id: UUID
    seats: list[UUID]
    states: str  # the first letter of each one's status, f for free


class JoinedRow(msgspec.Struct):
    showtime_id: UUID
    category_id: UUID
    number: int
    booking_id: UUID
    quantity: int
    status: str
    joined_position: int


class ClosedRow(msgspec.Struct):
    showtime_id: UUID
    booking_id: UUID
    status: str


class ToldRow(msgspec.Struct):
    showtime_id: UUID
    id: UUID
    topic: str
    payload: Payload


class Changes(msgspec.Struct):
    """What differs between the database and the ledger, a list for each kind of row."""

    now: datetime
    created: list[CreatedRow]
    lines: list[LineRow]
    updated: list[UpdatedRow]
    seated: list[SeatedRow]
    counted: list[CountedRow]
    claimed: list[ClaimRow]
    reclaimed: list[ClaimRow]
    freed: list[FreedRow]
    moved: list[MovedRow]
    joined: list[JoinedRow]
    closed: list[ClosedRow]
    touched: list[UUID]
    told: list[ToldRow]
    notify: list[str]


def changes_of(ledger: Ledger) -> Changes:
    """The changes of a batch. What was taken and given back within it leaves no trace."""
    touched = sorted(ledger.touched)
    claimed, reclaimed, freed = _claims(ledger)
    return Changes(
        now=ledger.now,
        created=[_created(booking) for booking in ledger.created.values()],
        lines=[row for booking in ledger.created.values() for row in _lines(booking)],
        updated=[
            UpdatedRow(booking.showtime_id, booking.id, booking.status, booking.expires_at)
            for booking in ledger.updated.values()
        ],
        seated=_seated(ledger),
        counted=_counted(ledger),
        claimed=claimed,
        reclaimed=reclaimed,
        freed=freed,
        moved=_moved(claimed + reclaimed, freed),
        joined=_joined(ledger),
        closed=[
            ClosedRow(ledger.state.bookings[booking_id].showtime_id, booking_id, status)
            for booking_id, status in ledger.closed.items()
            if booking_id not in ledger.joined
        ],
        touched=touched,
        told=[
            ToldRow(event.showtime_id, new_id(), event.topic, event.payload)
            for event in ledger.events
        ],
        notify=payloads_for(f"showtime:{showtime_id}" for showtime_id in touched),
    )


def _created(booking: Booking) -> CreatedRow:
    return CreatedRow(
        booking.showtime_id,
        booking.id,
        booking.user_id,
        booking.code,
        booking.status,
        booking.currency,
        booking.subtotal,
        booking.fees,
        booking.tax,
        booking.total,
        booking.expires_at,
        booking.idempotency_key,
        booking.fingerprint,
        booking.created_at,
    )


def _lines(booking: Booking) -> list[LineRow]:
    return [
        LineRow(
            booking.showtime_id,
            booking.id,
            line.category_id,
            line.name,
            line.quantity,
            line.unit_price,
            line.seats,
            line.labels,
        )
        for line in booking.lines
    ]


def _seated(ledger: Ledger) -> list[SeatedRow]:
    """Lines of waiting bookings that were offered seats."""
    rows: list[SeatedRow] = []
    for booking_id, status in ledger.closed.items():
        booking = ledger.state.bookings[booking_id]
        if status is EntryStatus.OFFERED and booking_id not in ledger.created:
            line = booking.lines[0]
            if line.seats:
                rows.append(
                    SeatedRow(
                        booking.showtime_id, booking.id, line.category_id, line.seats, line.labels
                    )
                )
    return rows


def _counted(ledger: Ledger) -> list[CountedRow]:
    rows: list[CountedRow] = []
    for (showtime_id, category_id), before in ledger.counters_before.items():
        after = counters(ledger.state.inventories[showtime_id].allotments[category_id])
        differences = [now - then for now, then in zip(after, before, strict=True)]
        if any(differences):
            rows.append(CountedRow(showtime_id, category_id, *differences))
    return rows


def _claims(ledger: Ledger) -> tuple[list[ClaimRow], list[ClaimRow], list[FreedRow]]:
    claimed: list[ClaimRow] = []
    reclaimed: list[ClaimRow] = []
    freed: list[FreedRow] = []
    for (showtime_id, seat_id), before in ledger.claims_before.items():
        after = ledger.state.inventories[showtime_id].claims.get(seat_id)
        if after == before:
            continue
        if after is None:
            assert before is not None
            freed.append(FreedRow(showtime_id, seat_id, before.booking_id))
            continue
        row = ClaimRow(showtime_id, seat_id, after.category_id, after.status, after.booking_id)
        if before is None:
            claimed.append(row)
        else:
            row.former = before.booking_id
            reclaimed.append(row)
    return claimed, reclaimed, freed


def _moved(taken: list[ClaimRow], freed: list[FreedRow]) -> list[MovedRow]:
    rows: dict[UUID, MovedRow] = {}
    for claim in taken:
        row = rows.setdefault(claim.showtime_id, MovedRow(claim.showtime_id, [], ""))
        row.seats.append(claim.seat_id)
        row.states += claim.status[0]
    for free in freed:
        row = rows.setdefault(free.showtime_id, MovedRow(free.showtime_id, [], ""))
        row.seats.append(free.seat_id)
        row.states += "f"
    return list(rows.values())


def _joined(ledger: Ledger) -> list[JoinedRow]:
    return [
        JoinedRow(
            entry.showtime_id,
            entry.category_id,
            entry.number,
            entry.booking_id,
            entry.quantity,
            ledger.closed.get(entry.booking_id, EntryStatus.WAITING),
            ledger.state.bookings[entry.booking_id].joined_position,
        )
        for entry in ledger.joined.values()
    ]
