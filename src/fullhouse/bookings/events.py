"""What the selling core tells the rest of the house, through the outbox.

Topics: ``booking.reserved``, ``booking.waitlisted``, ``booking.offered``, ``booking.confirmed``,
``booking.expired``, ``booking.cancelled``, ``booking.left``, ``booking.unfulfillable``,
``seats.blocked``, ``seats.unblocked``, ``allotment.resized``, ``allotment.repriced``,
``showtime.moved``, ``showtime.cancelled``, ``event.cancelled``.

A booking that ends with money in the till says how much: ``refund`` is all that was paid for it,
and whoever took the money acts on it. Showtimes that are cancelled have one fact for themselves
and, after it, one for each booking that is ended.
"""

from datetime import datetime
from uuid import UUID

import msgspec


class Refund(msgspec.Struct, frozen=True):
    """What is owed back: minor units of a currency."""

    amount: int
    currency: str


class BookingChanged(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """Whom it concerns and where the booking stands now.

    ``reason`` says who ended it: ``buyer``, ``organizer``, ``event_cancelled`` or
    ``showtime_cancelled``. ``refund`` is there only where something is owed back.
    """

    booking_id: UUID
    user_id: UUID
    status: str
    places: int
    expires_at: datetime | None
    reason: str | None = None
    refund: Refund | None = None


class SeatsChanged(msgspec.Struct, frozen=True, rename="camel"):
    """Seats taken off sale or put back."""

    seat_ids: list[UUID]


class AllotmentResized(msgspec.Struct, frozen=True, rename="camel"):
    """The new figures of a counted category."""

    category_id: UUID
    capacity: int
    blocked: int


class AllotmentRepriced(msgspec.Struct, frozen=True, rename="camel"):
    """A category's price at one showtime, in minor units; null: the category's own again."""

    category_id: UUID
    price: int | None


class SeatMapMoved(msgspec.Struct, frozen=True, rename="camel"):
    """The version of the seat map by which a showtime is sold from now on."""

    seat_map_id: UUID


class ShowtimeCancelled(msgspec.Struct, frozen=True, rename="camel"):
    """A showtime that will not take place. ``words`` are the organizer's own, for the holders."""

    event_id: UUID
    showtime_id: UUID
    reason: str
    words: str | None


class EventCancelled(msgspec.Struct, frozen=True, rename="camel"):
    """An event that will not take place, with its showtimes that were not over."""

    event_id: UUID
    organization_id: UUID
    showtime_ids: list[UUID]
    words: str | None


# What a batch can tell of; the other facts are written where they come about.
Payload = BookingChanged | SeatsChanged | AllotmentResized | AllotmentRepriced | SeatMapMoved


class Event(msgspec.Struct, frozen=True):
    """A fact about one showtime."""

    topic: str
    showtime_id: UUID
    payload: Payload
