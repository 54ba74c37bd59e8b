"""What must hold at every moment, in one place: for the tests, the audit and ``decide`` itself."""

from collections import Counter
from collections.abc import Iterable
from uuid import UUID

import msgspec

from fullhouse.bookings.core.transitions import LIVE
from fullhouse.bookings.core.types import (
    Allotment,
    Booking,
    Claim,
    ClaimStatus,
    Entry,
    Status,
)
from fullhouse.venues.seatmap import SeatMap

# Each with the sentence that the audit prints.
COUNTS = "capacity = available + held + sold + blocked, and none is negative"
RECOUNT = "held and sold equal a recount of the bookings' lines"
BLOCKED = "blocked places of seated categories equal a recount of the blocked seats"
ONE_OWNER = "a seat that is held or sold has exactly one live booking, which lists it"
LINE = "waiting equals a recount of the line, and every entry's booking waits"
NUMBERS = "no number in a line was given twice or is above the newest"
MONEY = "a booking's subtotal is the sum of its lines, and nothing is negative"
# Ending thousands of bookings takes a while: until it is done, their showtime is not cleared.
CLEARED = "nobody has or waits for a place at a cancelled showtime that was cleared"
# What is over keeps the categories that it was sold by, which may have changed since.
IN_HALL = "what is sold is in the hall: seats of the category's sections, places of its areas"

ALL = (COUNTS, RECOUNT, BLOCKED, ONE_OWNER, LINE, NUMBERS, MONEY, CLEARED, IN_HALL)


class Breach(msgspec.Struct, frozen=True):
    """One invariant that does not hold at one showtime."""

    invariant: str
    showtime_id: UUID
    detail: str


class Snapshot(msgspec.Struct):
    """Everything stored of one showtime, read at one moment. ``entries`` are those waiting.

    ``seat_map_id`` is the map that it is sold by while it is, ``sections`` and ``areas`` are the
    parts of it by category.
    """

    showtime_id: UUID
    allotments: list[Allotment]
    claims: list[Claim]
    bookings: list[Booking]
    entries: list[Entry]
    seated: frozenset[UUID]  # categories whose places are seats
    cancelled: bool = False
    cleared: bool = False  # cancelled, and all its bookings were ended
    seat_map_id: UUID | None = None
    sections: dict[UUID, list[str]] = {}
    areas: dict[UUID, list[str]] = {}


def assert_counts(allotment: Allotment) -> None:
    """The part that costs next to nothing, checked after every batch."""
    assert _counts_hold(allotment), f"{COUNTS}: {allotment}"


def breaches(snapshot: Snapshot, seat_map: SeatMap | None = None) -> list[Breach]:
    """Every breach in the snapshot; empty when all is well.

    ``seat_map`` is the one that the snapshot names, if it names one.
    """
    checks = (
        (COUNTS, _counts(snapshot)),
        (RECOUNT, _recount(snapshot)),
        (BLOCKED, _blocked(snapshot)),
        (ONE_OWNER, _one_owner(snapshot)),
        (LINE, _line(snapshot)),
        (NUMBERS, _numbers(snapshot)),
        (MONEY, _money(snapshot)),
        (CLEARED, _cleared(snapshot)),
        (IN_HALL, () if seat_map is None else _in_hall(snapshot, seat_map)),
    )
    return [
        Breach(invariant, snapshot.showtime_id, detail)
        for invariant, details in checks
        for detail in details
    ]


def _counts_hold(allotment: Allotment) -> bool:
    figures = (allotment.held, allotment.sold, allotment.blocked, allotment.waiting)
    return min(figures) >= 0 and allotment.available >= 0


def _counts(snapshot: Snapshot) -> Iterable[str]:
    return (str(allotment) for allotment in snapshot.allotments if not _counts_hold(allotment))


def _recount(snapshot: Snapshot) -> Iterable[str]:
    held: Counter[UUID] = Counter()
    sold: Counter[UUID] = Counter()
    for booking in snapshot.bookings:
        if booking.status in LIVE:
            counter = held if booking.status is Status.RESERVED else sold
            for line in booking.lines:
                counter[line.category_id] += line.quantity
    for allotment in snapshot.allotments:
        recount = (held[allotment.category_id], sold[allotment.category_id])
        if recount != (allotment.held, allotment.sold):
            yield f"{allotment}, but a recount gives held, sold = {recount}"


def _blocked(snapshot: Snapshot) -> Iterable[str]:
    blocked = Counter(
        claim.category_id for claim in snapshot.claims if claim.status is ClaimStatus.BLOCKED
    )
    for allotment in snapshot.allotments:
        if allotment.category_id in snapshot.seated:
            recount = blocked[allotment.category_id]
            if recount != allotment.blocked:
                yield f"{allotment}, but {recount} of its seats are blocked"


def _one_owner(snapshot: Snapshot) -> Iterable[str]:
    owned: dict[UUID, tuple[UUID, ClaimStatus]] = {}
    for booking in snapshot.bookings:
        if booking.status not in LIVE:
            continue
        status = ClaimStatus.HELD if booking.status is Status.RESERVED else ClaimStatus.SOLD
        for line in booking.lines:
            for seat_id in line.seats:
                if seat_id in owned:
                    yield f"seat {seat_id} is in bookings {owned[seat_id][0]} and {booking.id}"
                owned[seat_id] = (booking.id, status)
    claimed = {
        claim.seat_id: (claim.booking_id, claim.status)
        for claim in snapshot.claims
        if claim.status is not ClaimStatus.BLOCKED
    }
    for seat_id in owned.keys() | claimed.keys():
        if owned.get(seat_id) != claimed.get(seat_id):
            yield f"seat {seat_id}: owned by {owned.get(seat_id)}, claim {claimed.get(seat_id)}"


def _line(snapshot: Snapshot) -> Iterable[str]:
    waiting = Counter(entry.category_id for entry in snapshot.entries)
    for allotment in snapshot.allotments:
        if allotment.waiting != waiting[allotment.category_id]:
            yield f"{allotment}, but {waiting[allotment.category_id]} entries wait"
    in_line = {entry.booking_id for entry in snapshot.entries}
    waitlisted = {
        booking.id for booking in snapshot.bookings if booking.status is Status.WAITLISTED
    }
    for booking_id in in_line ^ waitlisted:
        yield f"booking {booking_id} and its entry disagree on whether it waits"


def _numbers(snapshot: Snapshot) -> Iterable[str]:
    numbers = Counter((entry.category_id, entry.number) for entry in snapshot.entries)
    newest = {allotment.category_id: allotment.last_number for allotment in snapshot.allotments}
    for (category_id, number), times in numbers.items():
        if times > 1 or not 1 <= number <= newest.get(category_id, 0):
            yield f"number {number} of category {category_id} was given {times} times"


def _money(snapshot: Snapshot) -> Iterable[str]:
    for booking in snapshot.bookings:
        subtotal = sum(line.unit_price * line.quantity for line in booking.lines)
        sums = (booking.subtotal, booking.fees, booking.tax, booking.total)
        if subtotal != booking.subtotal or min(sums) < 0 or booking.total < booking.subtotal:
            yield f"booking {booking.id} has lines worth {subtotal} and sums {sums}"


def _cleared(snapshot: Snapshot) -> Iterable[str]:
    for booking in snapshot.bookings if snapshot.cleared else ():
        if booking.status in LIVE or booking.status is Status.WAITLISTED:
            yield f"booking {booking.id} is {booking.status}"


def _in_hall(snapshot: Snapshot, seat_map: SeatMap) -> Iterable[str]:
    seats = {section.name: len(section.seats) for section in seat_map.sections}
    places = {area.name: area.capacity for area in seat_map.standing}
    for allotment in snapshot.allotments:
        category_id = allotment.category_id
        if category_id in snapshot.sections:
            size = sum(seats.get(name, 0) for name in snapshot.sections[category_id])
            if allotment.capacity != size:
                yield f"{allotment}, but its sections have {size} seats"
        elif category_id in snapshot.areas:
            size = sum(places.get(name, 0) for name in snapshot.areas[category_id])
            if allotment.capacity > size:
                yield f"{allotment}, but its areas take {size}"
    for claim in snapshot.claims:
        seat = seat_map.by_id.get(claim.seat_id)
        if seat is None or seat.section not in snapshot.sections.get(claim.category_id, ()):
            yield f"seat {claim.seat_id} is none of category {claim.category_id}"
