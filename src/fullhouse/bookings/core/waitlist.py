"""Freed places go to those who wait, in the transaction that freed them.

A long line takes more than one (``bookings/batch.py``); the places are safe meanwhile, because
while anybody waits for them nobody else gets them.

The rule, as buyers are told it: the line of a category is served strictly in the order of joining.
An entry that asks for more places than are free is passed over, keeps its place, and is asked
again whenever places come free; the next entry that fits is served. Who is not in the line gets
nothing of that category while anybody waits, so joining is the only way past.
"""

from uuid import UUID

from fullhouse.bookings.core.decide import Decision
from fullhouse.bookings.core.reserve import is_selling
from fullhouse.bookings.core.seating import FreeSeats
from fullhouse.bookings.core.types import Entry, FreeSeat, Outcome, Status

# A line: the showtime and the category it is for.
LineKey = tuple[UUID, UUID]


def openings(decision: Decision) -> dict[LineKey, int]:
    """The lines in which somebody waits while places are free, with the number of places."""
    ledger = decision.ledger
    return {
        (showtime_id, category_id): allotment.available
        for showtime_id, inventory in ledger.state.inventories.items()
        for category_id, allotment in inventory.allotments.items()
        if allotment.waiting > 0
        and allotment.available > 0
        and category_id in inventory.terms.categories
        and is_selling(ledger, inventory.terms)
    }


def joined_now(decision: Decision) -> list[Entry]:
    """Entries of this very batch, which stand behind all that the store knows."""
    closed = decision.ledger.closed
    return [entry for entry in decision.ledger.joined.values() if entry.booking_id not in closed]


def offer(decision: Decision, entries: list[Entry], free_seats: dict[LineKey, FreeSeats]) -> None:
    """Offer places to the entries that fit, in the order given: that of the line.

    The bookings of the entries are in the state. ``free_seats`` has the free seats of every line
    whose category has seats.
    """
    ledger = decision.ledger
    for entry in entries:
        booking = ledger.state.bookings[entry.booking_id]
        inventory = ledger.state.inventories[entry.showtime_id]
        allotment = inventory.allotments[entry.category_id]
        if booking.status is not Status.WAITLISTED or entry.quantity > allotment.available:
            continue
        seats: list[FreeSeat] = []
        if inventory.terms.categories[entry.category_id].seated:
            seats = free_seats[entry.showtime_id, entry.category_id].take(entry.quantity)
        ledger.offer(booking, seats)
    for result in decision.results:
        if (
            result.outcome is Outcome.WAITLISTED
            and result.booking is not None
            and result.booking.status is Status.RESERVED
            and not result.booking.joined_position
        ):
            result.outcome = Outcome.RESERVED
    ledger.check()
