"""Bookings: how they are asked for, and what is shown of them."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

import msgspec
from litestar.params import QueryParameter
from msgspec import Meta

from fullhouse.api.schemas import Body, Money, View
from fullhouse.bookings.core.types import Booking, Status, Sums
from fullhouse.bookings.core.types import Line as BookedLine
from fullhouse.bookings.schemas.seats import SeatName
from fullhouse.catalog.rules import SaleTerms
from fullhouse.catalog.schemas.views import HallBriefView, VenueBriefView
from fullhouse.venues import labels
from fullhouse.venues.seatmap import Seat

Quantity = Annotated[int, Meta(ge=1, le=1_000, description="How many places.")]

InStatus = Annotated[
    Status | None,
    QueryParameter(name="status", description="Only those that stand so; all unless given."),
]


class ItemRequest(Body, frozen=True):
    """So many places of a category."""

    category_id: Annotated[UUID, Meta(description="A category of the showtime's event.")]
    quantity: Quantity


class BookingRequest(Body, frozen=True):
    """Counted places as items, chosen seats by id or label, or both, at one showtime."""

    showtime_id: Annotated[UUID, Meta(description="Which showtime.")]
    items: Annotated[
        list[ItemRequest],
        Meta(max_length=50, description="So many of a category; of seats only to wait in line."),
    ] = []
    seats: Annotated[
        list[SeatName], Meta(max_length=1_000, description="Seats, all of them or none.")
    ] = []
    join_waitlist: Annotated[
        bool,
        Meta(
            description="Wait in line where the places are not free, and the event has a line; of "
            "one category only, and then for whichever of its seats come free."
        ),
    ] = False
    allow_orphans: Annotated[
        bool,
        Meta(
            description="Take seats that leave a single one beside them, if the event only warns."
        ),
    ] = False


class EventRef(View, frozen=True):
    id: UUID
    title: str


class BookedShowtimeView(View, frozen=True, omit_defaults=True):
    """When and where it is, as it stands now and not as when it was booked.

    ``venue`` and ``hall`` are left out of the answer to ``POST /bookings``.
    """

    starts_at: datetime
    ends_at: datetime
    timezone: str
    status: Literal["scheduled", "cancelled"]
    venue: VenueBriefView | None = None
    hall: HallBriefView | None = None
    location: str | None = None
    cancelled_at: datetime | None = None
    cancel_reason: str | None = None


class BookedSeatView(View, frozen=True, omit_defaults=True):
    """A seat of a booking. ``section`` is left out once the showtime is sold without the seat,
    which can only become of bookings that have ended.
    """

    id: UUID
    label: str
    row: str
    number: str
    section: str | None = None


class ItemView(View, frozen=True, omit_defaults=True):
    """``places`` are the seats once more, in the same order, so that each is found in the hall."""

    category_id: UUID
    name: str
    quantity: int
    unit_price: Money
    seats: list[str] | None = None
    places: list[BookedSeatView] | None = None


class BookingView(View, frozen=True, omit_defaults=True):
    """A booking as its buyer sees it. ``expires_at`` only while it is reserved."""

    id: UUID
    code: str
    status: Status
    showtime_id: UUID
    event: EventRef
    showtime: BookedShowtimeView
    items: list[ItemView]
    subtotal: Money
    fees: Money
    tax: Money
    total: Money
    created_at: datetime
    expires_at: datetime | None = None
    waitlist_position: int | None = None


class BuyerView(View, frozen=True):
    """Who booked. Of an account that was deleted there is no address any more."""

    id: UUID
    name: str
    email: str | None


class SoldBookingView(BookingView, frozen=True, kw_only=True, omit_defaults=True):
    """A booking as the organization sees it."""

    buyer: BuyerView


class WaitlistEntryView(View, frozen=True):
    """A place in line; ``id`` is that of its booking."""

    id: UUID
    showtime_id: UUID
    event: EventRef
    showtime: BookedShowtimeView
    category_id: UUID
    category_name: str
    quantity: int
    position: int
    created_at: datetime


def booking_view(
    booking: Booking,
    event: EventRef,
    showtime: BookedShowtimeView,
    seats: Mapping[UUID, Seat],
    waitlist_position: int | None = None,
) -> BookingView:
    """A booking as it stands now. ``seats`` are those of the map that its showtime is sold by."""
    currency = booking.currency
    return BookingView(
        id=booking.id,
        code=booking.code,
        status=booking.status,
        showtime_id=booking.showtime_id,
        event=event,
        showtime=showtime,
        items=[
            ItemView(
                line.category_id,
                line.name,
                line.quantity,
                Money(line.unit_price, currency),
                line.labels or None,
                _places(line, seats) if line.seats else None,
            )
            for line in booking.lines
        ],
        subtotal=Money(booking.subtotal, currency),
        fees=Money(booking.fees, currency),
        tax=Money(booking.tax, currency),
        total=Money(booking.total, currency),
        created_at=booking.created_at,
        expires_at=booking.expires_at if booking.status is Status.RESERVED else None,
        waitlist_position=waitlist_position,
    )


def first_view(booking: Booking, terms: SaleTerms, seats: Mapping[UUID, Seat]) -> BookingView:
    """The booking as the first answer to its request showed it, to be answered again.

    Of the booking all but these is frozen: the status, the end of the hold, the place in line, and
    the price of who waited. The event and the showtime are as they are now.

    All comes from the terms that were sold by, which are as new as the booking, so that the
    hottest route asks the database for nothing. They lack the names of venue and hall: a venue may
    be called otherwise without any terms being new, and then an old name would be answered.
    """
    waited = booking.joined_position > 0
    if booking.joined_sums is not None:
        booking = _as_joined(booking, booking.joined_sums)
    showtime = BookedShowtimeView(
        terms.starts_at,
        terms.ends_at,
        terms.timezone,
        "scheduled" if terms.called_off is None else "cancelled",
        location=terms.location,
    )
    view = booking_view(booking, EventRef(terms.event_id, terms.title), showtime, seats)
    items = view.items
    if waited:
        # Offered seats came later.
        items = [msgspec.structs.replace(item, seats=None, places=None) for item in items]
    return msgspec.structs.replace(
        view,
        status=Status.WAITLISTED if waited else Status.RESERVED,
        items=items,
        expires_at=None if waited else booking.expires_at,
        waitlist_position=booking.joined_position or None,
    )


def _places(line: BookedLine, seats: Mapping[UUID, Seat]) -> list[BookedSeatView]:
    places = []
    for seat_id, label in zip(line.seats, line.labels, strict=True):
        seat = seats.get(seat_id)
        if seat is None:
            # Neither rows nor numbers have a dash in them (venues/building.py).
            row, _, number = label.partition(labels.DASH)
            places.append(BookedSeatView(seat_id, label, row, number))
        else:
            places.append(BookedSeatView(seat_id, label, seat.row, seat.number, seat.section))
    return places


def _as_joined(booking: Booking, sums: Sums) -> Booking:
    lines = [msgspec.structs.replace(line, unit_price=sums.unit_price) for line in booking.lines]
    return msgspec.structs.replace(
        booking,
        lines=lines,
        subtotal=sums.subtotal,
        fees=sums.fees,
        tax=sums.tax,
        total=sums.total,
    )
