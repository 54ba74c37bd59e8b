"""The heart of Fullhouse: what becomes of each command, given what is so.

``decide`` takes the commands in the order they arrived; each is fulfilled whole or not at all, and
sees what those before it did. Holds that have run out count as free from the first line on,
whether anybody swept them or not. Freed places are offered to those who wait by ``waitlist.py``,
in the same transaction, before anybody else can ask for them.
"""

from uuid import UUID

import msgspec

from fullhouse.bookings.core import organize
from fullhouse.bookings.core.commands import (
    Block,
    CallOff,
    Cancel,
    Command,
    Confirm,
    Expire,
    Leave,
    Move,
    Reserve,
    Resize,
    Settlement,
    Unblock,
)
from fullhouse.bookings.core.ledger import Ledger
from fullhouse.bookings.core.reserve import reserve
from fullhouse.bookings.core.types import Booking, Inventory, Outcome, Result, State, Status


class Decision:
    """The results in the order of the commands, and the ledger of what has to be written."""

    def __init__(self, ledger: Ledger, results: list[Result]) -> None:
        self.ledger = ledger
        self.results = results


def decide(state: State, commands: list[Command]) -> Decision:
    """Decide all commands at ``state.now``. The state is changed; do not use it afterwards."""
    ledger = Ledger(state)
    expire_overdue(ledger)
    results = [_decide_one(ledger, command) for command in commands]
    ledger.check()
    return Decision(ledger, results)


def expire_overdue(ledger: Ledger) -> None:
    """End every loaded hold whose time has run out."""
    for booking in list(ledger.state.bookings.values()):
        if (
            booking.status is Status.RESERVED
            and booking.expires_at is not None
            and booking.expires_at <= ledger.now
        ):
            ledger.release(booking, Status.EXPIRED)
            ledger.lapsed.update(
                (booking.showtime_id, seat) for line in booking.lines for seat in line.seats
            )


def _as_it_was(result: Result) -> Result:
    """The result without ties to what later commands of the batch will change.

    Except for the line: who joined may be served before the batch is over.
    """
    if result.allotment is not None:
        result.allotment = msgspec.structs.replace(result.allotment)
    if result.booking is not None and result.booking.status is not Status.WAITLISTED:
        result.booking = msgspec.structs.replace(result.booking)
    return result


def _decide_one(ledger: Ledger, command: Command) -> Result:
    inventory = ledger.state.inventories.get(command.showtime_id)
    if inventory is None:
        return Result(Outcome.UNKNOWN_SHOWTIME)
    result = _as_it_was(_decide_at(ledger, inventory, command))
    result.terms = inventory.terms
    return result


def _decide_at(ledger: Ledger, inventory: Inventory, command: Command) -> Result:
    match command:
        case Reserve():
            return reserve(ledger, inventory, command)
        case Confirm():
            return _confirm(ledger, inventory, command)
        case Cancel():
            return _cancel(ledger, inventory, command)
        case Leave():
            return _leave(ledger, command)
        case Block():
            return organize.block(ledger, inventory, command)
        case Unblock():
            return organize.unblock(ledger, inventory, command)
        case Resize():
            return organize.resize(ledger, inventory, command)
        case Move():
            return organize.move(ledger, inventory, command)
        case CallOff():
            return organize.call_off(ledger, inventory, command)
        case Expire():
            return Result(Outcome.SWEPT)


def _confirm(ledger: Ledger, inventory: Inventory, command: Confirm) -> Result:
    booking = _booking(ledger, command.showtime_id, command.booking_id)
    if booking is None:
        return Result(Outcome.UNKNOWN_BOOKING)
    if booking.status is Status.CONFIRMED:
        return Result(Outcome.CONFIRMED, booking, repeated=True)
    paid = command.settlement is Settlement.PAID
    if paid and booking.status is not Status.RESERVED:
        return _confirm_late(ledger, inventory, booking)
    if booking.status is Status.EXPIRED:
        return Result(Outcome.EXPIRED, booking)
    if booking.status is not Status.RESERVED:
        return Result(Outcome.TRANSITION_REFUSED, booking)
    if not inventory.terms.on_sale:
        if paid:
            return _unfulfillable(ledger, inventory, booking)
        return Result(Outcome.SALES_CLOSED, booking)
    if command.settlement is Settlement.NOTHING_OWED and booking.total > 0:
        return Result(Outcome.PAYMENT_REQUIRED, booking)
    before = booking.status
    ledger.sell(booking)
    ledger.sign_booking(
        command.staff, booking, before, total=booking.total, currency=booking.currency
    )
    return Result(Outcome.CONFIRMED, booking)


def _confirm_late(ledger: Ledger, inventory: Inventory, booking: Booking) -> Result:
    """The money came after the hold was over: the same places again, or the money back."""
    free = (
        booking.status is Status.EXPIRED
        and inventory.terms.on_sale
        and all(
            line.category_id in inventory.terms.categories
            and inventory.allotments[line.category_id].available >= line.quantity
            and not any(
                seat in inventory.claims or (booking.showtime_id, seat) in ledger.state.gone
                for seat in line.seats
            )
            for line in booking.lines
        )
    )
    if not free:
        return _unfulfillable(ledger, inventory, booking)
    ledger.retake(booking)
    return Result(Outcome.CONFIRMED, booking)


def _unfulfillable(ledger: Ledger, inventory: Inventory, booking: Booking) -> Result:
    ledger.record("booking.unfulfillable", booking, inventory.terms.called_off, booking.total)
    return Result(Outcome.UNFULFILLABLE, booking)


def _cancel(ledger: Ledger, inventory: Inventory, command: Cancel) -> Result:
    booking = _booking(ledger, command.showtime_id, command.booking_id)
    if booking is None:
        return Result(Outcome.UNKNOWN_BOOKING)
    before = booking.status
    reason = inventory.terms.called_off or ("buyer" if command.staff is None else "organizer")
    match booking.status:
        case Status.CANCELLED:
            return Result(Outcome.CANCELLED, booking, repeated=True)
        case Status.LEFT:
            return Result(Outcome.LEFT, booking, repeated=True)
        case Status.WAITLISTED:
            ledger.leave(booking, reason)
            ledger.sign_booking(command.staff, booking, before)
            return Result(Outcome.LEFT, booking)
        case Status.CONFIRMED if command.staff is None and not inventory.terms.called_off:
            policy = inventory.terms.policy.cancellation
            left_seconds = (inventory.terms.starts_at - ledger.now).total_seconds()
            if not policy.allowed or left_seconds < policy.hours_before * 3600:
                return Result(Outcome.CANCELLATION_CLOSED, booking, limit=policy.hours_before)
        case Status.EXPIRED | Status.REFUNDED:
            return Result(Outcome.TRANSITION_REFUSED, booking)
        case _:
            pass
    ledger.release(booking, Status.CANCELLED, reason)
    ledger.sign_booking(command.staff, booking, before)
    return Result(Outcome.CANCELLED, booking)


def _leave(ledger: Ledger, command: Leave) -> Result:
    booking = _booking(ledger, command.showtime_id, command.booking_id)
    if booking is None:
        return Result(Outcome.UNKNOWN_BOOKING)
    if booking.status is Status.LEFT:
        return Result(Outcome.LEFT, booking, repeated=True)
    if booking.status is not Status.WAITLISTED:
        return Result(Outcome.TRANSITION_REFUSED, booking)
    ledger.leave(booking)
    return Result(Outcome.LEFT, booking)


def _booking(ledger: Ledger, showtime_id: UUID, booking_id: UUID) -> Booking | None:
    booking = ledger.state.bookings.get(booking_id)
    return booking if booking is not None and booking.showtime_id == showtime_id else None
