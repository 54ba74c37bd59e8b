"""Reserving: the rules of the one command that everybody sends at the same time."""

from uuid import UUID

from fullhouse.bookings.core.commands import Reserve
from fullhouse.bookings.core.ledger import Ledger
from fullhouse.bookings.core.orphans import orphans
from fullhouse.bookings.core.pricing import price
from fullhouse.bookings.core.types import (
    Booking,
    Inventory,
    Line,
    Outcome,
    Result,
    Status,
)
from fullhouse.catalog.rules import SaleTerms


def reserve(ledger: Ledger, inventory: Inventory, command: Reserve) -> Result:
    """Hold what is asked for, all or nothing; join the line where that was asked for instead."""
    earlier = _earlier_booking(ledger, command)
    if earlier is not None:
        return earlier
    terms = inventory.terms
    if not terms.public:
        return Result(Outcome.UNKNOWN_SHOWTIME)
    if not is_selling(ledger, terms):
        return Result(Outcome.SALES_CLOSED)
    if command.seats and command.seat_map_id != terms.seat_map_id:
        return Result(Outcome.OTHER_SEAT_MAP)
    lines = _lines(terms, command)
    if isinstance(lines, Result):
        return lines
    broken_limit = _broken_limit(ledger, inventory, command, lines)
    if broken_limit is not None:
        return Result(Outcome.LIMIT_EXCEEDED, limit=broken_limit)
    refusal = _refusal(inventory, command, lines)
    if refusal is None:
        single = _left_single(ledger, inventory, command)
        if single:
            return Result(Outcome.ORPHAN_SEATS, seats=single)
        booking = _booking(ledger, terms, command, lines, Status.RESERVED)
        ledger.create(booking)
        ledger.hold(booking, terms.policy.hold_seconds)
        return Result(Outcome.RESERVED, booking)
    if command.join_waitlist and terms.policy.waitlist == "on_request":
        return _join(ledger, terms, command, lines)
    return refusal


def is_selling(ledger: Ledger, terms: SaleTerms) -> bool:
    """True while the showtime's sales window is open."""
    opened = terms.sales_open_at is None or terms.sales_open_at <= ledger.now
    return terms.on_sale and opened and ledger.now < terms.sales_close_at


def _earlier_booking(ledger: Ledger, command: Reserve) -> Result | None:
    """The answer when this command, or its key, has been here before."""
    state = ledger.state
    same = state.bookings.get(command.booking_id)
    if same is not None:
        # The commit went through and its answer was lost: this is still the first answer.
        outcome = Outcome.WAITLISTED if same.joined_position else Outcome.RESERVED
        return Result(outcome, same)
    if command.idempotency_key is None:
        return None
    used_for = state.keys.get((command.showtime_id, command.user_id, command.idempotency_key))
    if used_for is None:
        return None
    booking = state.bookings[used_for]
    if booking.fingerprint != command.fingerprint:
        return Result(Outcome.KEY_REUSED)
    return Result(Outcome.REPLAYED, booking, repeated=True)


def _lines(terms: SaleTerms, command: Reserve) -> list[Line] | Result:
    """One line for each category asked for, or why that cannot be."""
    lines: dict[UUID, Line] = {}
    for category_id, quantity in command.items:
        category = terms.categories.get(category_id)
        if category is None:
            return Result(Outcome.UNKNOWN_CATEGORY)
        if category.seated and not command.join_waitlist:
            return Result(Outcome.SEATS_REQUIRED)
        lines[category_id] = Line(category_id, category.name, quantity, category.price)
    for seat in command.seats:
        category = terms.category_of_section(seat.section)
        if category is None:
            return Result(Outcome.SEATS_NOT_FOR_SALE, seats=[seat.known_as])
        line = lines.get(category.id)
        if line is None:
            line = lines[category.id] = Line(category.id, category.name, 0, category.price, [], [])
        elif len(line.seats) != line.quantity:
            # Asked for by number and by seat at once: which it should be is not ours to guess.
            return Result(Outcome.SEATS_REQUIRED)
        line.quantity += 1
        line.seats.append(seat.id)
        line.labels.append(seat.label)
    # In the order in which they are stored and read again, so that an answer can be repeated.
    return [lines[category_id] for category_id in sorted(lines)]


def _broken_limit(
    ledger: Ledger, inventory: Inventory, command: Reserve, lines: list[Line]
) -> int | None:
    policy = inventory.terms.policy
    places = sum(line.quantity for line in lines)
    if places > policy.max_per_booking:
        return policy.max_per_booking
    if policy.max_per_user is not None:
        owned = ledger.state.places.get((command.showtime_id, command.user_id), 0)
        if owned + places > policy.max_per_user:
            return policy.max_per_user
    if command.join_waitlist:
        for line in lines:
            # More than there will ever be: such an entry could never be served.
            capacity = inventory.allotments[line.category_id].capacity
            if line.quantity > capacity:
                return capacity
    return None


def _refusal(inventory: Inventory, command: Reserve, lines: list[Line]) -> Result | None:
    """Why the places cannot be taken now; None when they can."""
    taken = [seat.known_as for seat in command.seats if seat.id in inventory.claims]
    if taken:
        return Result(Outcome.SEATS_TAKEN, seats=taken)
    for line in lines:
        allotment = inventory.allotments[line.category_id]
        # Nobody overtakes those who wait: what is free belongs to them first.
        if allotment.waiting > 0 or allotment.available < line.quantity:
            return Result(Outcome.SOLD_OUT, allotment=allotment)
        if inventory.terms.categories[line.category_id].seated and not line.seats:
            return Result(Outcome.SEATS_REQUIRED)
    return None


def _left_single(ledger: Ledger, inventory: Inventory, command: Reserve) -> list[str]:
    """The seats that the choice would leave alone, where the event minds.

    Seats whose hold ran out unnoticed were taken for all that the buyer could see: a choice that
    is good by that is good.
    """
    mind = inventory.terms.policy.orphans
    if mind == "off" or (mind == "warn" and command.allow_orphans):
        return []
    free = {seat for block in command.blocks for seat in block if seat.id not in inventory.claims}
    lapsed = {seat for seat in free if (command.showtime_id, seat.id) in ledger.lapsed}
    single: list[str] = []
    for seen in (free - lapsed.difference(command.seats), free):
        single = [
            seat.known_as
            for block in command.blocks
            for seat in orphans(block, seen, command.seats)
        ]
        if not single:
            break
    return single


def _join(ledger: Ledger, terms: SaleTerms, command: Reserve, lines: list[Line]) -> Result:
    """Any seats of the category will do for who waits, so chosen ones are not kept."""
    if len(lines) != 1:
        return Result(Outcome.WAITLIST_ONE_CATEGORY)
    lines[0].seats, lines[0].labels = [], []
    booking = _booking(ledger, terms, command, lines, Status.WAITLISTED)
    ledger.join(booking)
    ledger.record("booking.waitlisted", booking)
    return Result(Outcome.WAITLISTED, booking)


def _booking(
    ledger: Ledger, terms: SaleTerms, command: Reserve, lines: list[Line], status: Status
) -> Booking:
    totals = price(lines, terms.policy)
    return Booking(
        showtime_id=command.showtime_id,
        id=command.booking_id,
        user_id=command.user_id,
        code=command.code,
        status=status,
        currency=terms.currency,
        subtotal=totals.subtotal,
        fees=totals.fees,
        tax=totals.tax,
        total=totals.total,
        created_at=ledger.now,
        expires_at=None,
        idempotency_key=command.idempotency_key,
        fingerprint=command.fingerprint,
        joined_position=0,
        lines=lines,
    )
