"""Which seats a seat map does not have any more."""

from uuid import UUID

from fullhouse.bookings.core.types import Booking
from fullhouse.catalog.rules import SaleTerms
from fullhouse.venues import labels
from fullhouse.venues.seatmap import Seat, SeatMap


def vanished(booking: Booking, terms: SaleTerms, seat_map: SeatMap | None) -> list[UUID]:
    """The booking's seats that the map does not have any more, or has in another category."""
    gone: list[UUID] = []
    for line in booking.lines:
        for seat_id, label in zip(line.seats, line.labels, strict=True):
            seat = None if seat_map is None else seat_map.by_id.get(seat_id)
            if seat is None or labels.fold(seat.label) != labels.fold(label):
                gone.append(seat_id)
                continue
            category = terms.category_of_section(seat.section)
            if category is None or category.id != line.category_id:
                gone.append(seat_id)
    return gone


def missing_from(seat_map: SeatMap, present: SeatMap | None) -> list[Seat]:
    """The seats of the present map that the other does not have under the same id and name.

    A seat that keeps its id and is called otherwise is another seat to whoever holds a ticket.
    """
    missing: list[Seat] = []
    for seat in () if present is None else present.seats:
        other = seat_map.by_id.get(seat.id)
        if other is None or labels.fold(other.path) != labels.fold(seat.path):
            missing.append(seat)
    return missing
