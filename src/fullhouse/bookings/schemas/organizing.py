"""What organizers do with what is sold: figures, blocked seats, calling off, moving."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from msgspec import UNSET, Meta, UnsetType

from fullhouse.api.schemas import Body, Line, Money, Price, View
from fullhouse.bookings.schemas.seats import SeatName

Places = Annotated[int, Meta(ge=0, le=10_000_000)]


class SeatsRequest(Body, frozen=True):
    """Seats by id or label."""

    seats: Annotated[
        list[SeatName],
        Meta(min_length=1, max_length=1_000, description="All of them change, or none."),
    ]


class AllotmentRequest(Body, frozen=True):
    """New figures of a category at one showtime; what is left out stays.

    Places are set where they are counted. ``price`` is for this showtime alone; null takes the
    category's own price again.
    """

    capacity: Annotated[
        Places | None,
        Meta(description="How many places there are, those that are blocked among them."),
    ] = None
    blocked: Annotated[Places | None, Meta(description="How many of them are kept off sale.")] = (
        None
    )
    price: Price | UnsetType | None = UNSET


class CancellationRequest(Body, frozen=True):
    """Why it is cancelled, if that shall be said."""

    reason: Annotated[
        Line | None, Meta(description="For those who have places, in the organizer's words.")
    ] = None


class SeatMapRequest(Body, frozen=True):
    """A version of the hall's seat map."""

    seat_map_id: Annotated[UUID, Meta(description="The version to sell by.")]


class AllotmentView(View, frozen=True):
    category_id: UUID
    capacity: int
    available: int
    held: int
    sold: int
    blocked: int
    waiting: int
    price: Money


class CancelledView(View, frozen=True):
    """What was cancelled. ``ended`` bookings this request has ended, ``left`` are still to be: that
    goes on by itself, and nothing more can be booked meanwhile.
    """

    id: UUID
    status: Literal["cancelled"]
    cancelled_at: datetime
    ended: int
    left: int


class MovedView(View, frozen=True):
    """The showtimes that are sold by this seat map now."""

    seat_map_id: UUID
    seat_map_version: int
    showtime_ids: list[UUID]
