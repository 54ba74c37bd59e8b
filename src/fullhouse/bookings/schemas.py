"""Requests and answers about bookings."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

import msgspec

from fullhouse.api.schemas import Body, Money, View
from fullhouse.bookings.core.types import Booking, Status

Quantity = Annotated[int, msgspec.Meta(ge=1, le=1_000)]
SeatName = Annotated[str, msgspec.Meta(min_length=1, max_length=100)]
Places = Annotated[int, msgspec.Meta(ge=0, le=10_000_000)]


class ItemRequest(Body, frozen=True):
    category_id: UUID
    quantity: Quantity


class BookingRequest(Body, frozen=True):
    """Counted places as items, chosen seats by id or label, or both, at one showtime.

    ``allow_orphans`` takes seats that leave a single one beside them, where the event only warns.
    """

    showtime_id: UUID
    items: Annotated[list[ItemRequest], msgspec.Meta(max_length=50)] = []
    seats: Annotated[list[SeatName], msgspec.Meta(max_length=1_000)] = []
    join_waitlist: bool = False
    allow_orphans: bool = False


class SeatsRequest(Body, frozen=True):
    """Seats by id or label."""

    seats: Annotated[list[SeatName], msgspec.Meta(min_length=1, max_length=1_000)]


class BestSeatsRequest(Body, frozen=True):
    """How many seats side by side, of one category or any, with one for a wheelchair or not."""

    quantity: Annotated[int, msgspec.Meta(ge=1, le=100)]
    category_id: UUID | None = None
    accessible: bool = False


class AllotmentRequest(Body, frozen=True):
    """New figures of a counted category; what is left out stays."""

    capacity: Places | None = None
    blocked: Places | None = None


class EventRef(View, frozen=True):
    id: UUID
    title: str


class ItemView(View, frozen=True, omit_defaults=True):
    category_id: UUID
    name: str
    quantity: int
    unit_price: Money
    seats: list[str] | None = None


class BookingView(View, frozen=True, omit_defaults=True):
    """A booking as its buyer sees it. ``expires_at`` only while it is reserved."""

    id: UUID
    code: str
    status: Status
    showtime_id: UUID
    event: EventRef
    items: list[ItemView]
    subtotal: Money
    fees: Money
    tax: Money
    total: Money
    created_at: datetime
    expires_at: datetime | None = None
    waitlist_position: int | None = None


class WaitlistEntryView(View, frozen=True):
    """A place in line; ``id`` is that of its booking."""

    id: UUID
    showtime_id: UUID
    event: EventRef
    category_id: UUID
    category_name: str
    quantity: int
    position: int
    created_at: datetime


class AllotmentView(View, frozen=True):
    category_id: UUID
    capacity: int
    available: int
    held: int
    sold: int
    blocked: int
    waiting: int


class SoldSeatView(View, frozen=True):
    """One seat; ``category_id`` is null where no category sells it."""

    id: UUID
    label: str
    section: str
    row: str
    number: str
    category_id: UUID | None
    status: str


class SeatsView(View, frozen=True):
    showtime_id: UUID
    version: int
    seat_map_version: int | None
    seats: list[SoldSeatView]


class ProposedSeatView(View, frozen=True):
    """A free seat that is proposed."""

    id: UUID
    label: str
    section: str
    row: str
    number: str
    category_id: UUID


class BestSeatsView(View, frozen=True):
    """The best seats at ``version`` of the showtime. Nothing is held: reserve them by their ids."""

    showtime_id: UUID
    version: int
    seats: list[ProposedSeatView]


class CategoryAvailability(View, frozen=True):
    """``waiting`` entries are in line: while there are any, what is available is theirs."""

    category_id: UUID
    available: int
    capacity: int
    waiting: int


class AvailabilityView(View, frozen=True, omit_defaults=True):
    """Counters, and the seats as base64 of two bits each, in the order of the seat map.

    The first seat is in the lowest bits of the first byte; 0 available, 1 held, 2 sold, 3 blocked
    or not for sale.
    """

    version: int
    categories: list[CategoryAvailability]
    seats: str | None = None


def booking_view(
    booking: Booking, event_id: UUID, title: str, waitlist_position: int | None = None
) -> BookingView:
    """A booking as it stands now."""
    currency = booking.currency
    return BookingView(
        id=booking.id,
        code=booking.code,
        status=booking.status,
        showtime_id=booking.showtime_id,
        event=EventRef(event_id, title),
        items=[
            ItemView(
                line.category_id,
                line.name,
                line.quantity,
                Money(line.unit_price, currency),
                line.labels or None,
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


def first_view(booking: Booking, event_id: UUID, title: str) -> BookingView:
    """The booking as the first answer to its request showed it, to be answered again.

    All but these three is frozen: the status, the end of the hold, and the place in line.
    """
    waited = booking.joined_position > 0
    view = booking_view(booking, event_id, title)
    items = view.items
    if waited:
        # Offered seats came later.
        items = [msgspec.structs.replace(item, seats=None) for item in items]
    return msgspec.structs.replace(
        view,
        status=Status.WAITLISTED if waited else Status.RESERVED,
        items=items,
        expires_at=None if waited else booking.expires_at,
        waitlist_position=booking.joined_position or None,
    )
