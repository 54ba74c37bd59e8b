"""What the selling core tells the rest of the house, through the outbox.

Topics: ``booking.reserved``, ``booking.waitlisted``, ``booking.offered``, ``booking.confirmed``,
``booking.expired``, ``booking.cancelled``, ``booking.left``, ``booking.unfulfillable``,
``seats.blocked``, ``seats.unblocked``, ``allotment.resized``.
"""

from datetime import datetime
from uuid import UUID

import msgspec


class BookingChanged(msgspec.Struct, frozen=True, rename="camel"):
    """Whom it concerns and where the booking stands now."""

    booking_id: UUID
    user_id: UUID
    status: str
    places: int
    expires_at: datetime | None


class SeatsChanged(msgspec.Struct, frozen=True, rename="camel"):
    """Seats taken off sale or put back."""

    seat_ids: list[UUID]


class AllotmentResized(msgspec.Struct, frozen=True, rename="camel"):
    """The new figures of a counted category."""

    category_id: UUID
    capacity: int
    blocked: int


class Event(msgspec.Struct, frozen=True):
    """A fact about one showtime."""

    topic: str
    showtime_id: UUID
    payload: BookingChanged | SeatsChanged | AllotmentResized
