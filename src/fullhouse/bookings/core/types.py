"""The values that decisions are made of. They decode straight from what the store loads."""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

import msgspec

from fullhouse.bookings.core.commands import Staff
from fullhouse.catalog.rules import SaleTerms


class Status(StrEnum):
    """Where a booking stands; ``transitions.py`` says what may follow what."""

    WAITLISTED = "waitlisted"
    RESERVED = "reserved"
    CONFIRMED = "confirmed"
    EXPIRED = "expired"
    CANCELLED = "cancelled"
    REFUNDED = "refunded"
    LEFT = "left"


class ClaimStatus(StrEnum):
    HELD = "held"
    SOLD = "sold"
    BLOCKED = "blocked"


class EntryStatus(StrEnum):
    WAITING = "waiting"
    OFFERED = "offered"
    LEFT = "left"


class Allotment(msgspec.Struct, array_like=True):
    """The counter of one category at one showtime."""

    showtime_id: UUID
    category_id: UUID
    capacity: int
    held: int = 0
    sold: int = 0
    blocked: int = 0
    waiting: int = 0  # entries in line
    last_number: int = 0  # the number given to the newest entry

    @property
    def available(self) -> int:
        return self.capacity - self.held - self.sold - self.blocked


class Claim(msgspec.Struct, array_like=True, frozen=True):
    """A seat that is not free. ``booking_id`` is None for blocked seats only."""

    showtime_id: UUID
    seat_id: UUID
    category_id: UUID
    status: ClaimStatus
    booking_id: UUID | None


class Line(msgspec.Struct, array_like=True):
    """Places of one category in a booking; name and price (minor units) as they were then.

    ``seats`` and ``labels`` run in parallel, and are empty where places are counted.
    """

    category_id: UUID
    name: str
    quantity: int
    unit_price: int
    seats: list[UUID] = []
    labels: list[str] = []


class Sums(msgspec.Struct, array_like=True, frozen=True):
    """What a booking of one line came to before its price changed; minor units."""

    unit_price: int
    subtotal: int
    fees: int
    tax: int
    total: int


class Booking(msgspec.Struct, array_like=True):
    """A buyer's order for one showtime; money in minor units of ``currency``."""

    showtime_id: UUID
    id: UUID
    user_id: UUID
    code: str
    status: Status
    currency: str
    subtotal: int
    fees: int
    tax: int
    total: int
    created_at: datetime
    expires_at: datetime | None
    idempotency_key: str | None
    fingerprint: str | None
    # The position in line that the buyer was first told; 0 when the places were there at once.
    joined_position: int
    lines: list[Line]
    # What it came to then, if it is another sum now; read only for answering once more.
    joined_sums: Sums | None = None

    @property
    def places(self) -> int:
        return sum(line.quantity for line in self.lines)


class Entry(msgspec.Struct, array_like=True, frozen=True):
    """A booking's place in the line for one category."""

    showtime_id: UUID
    category_id: UUID
    number: int
    booking_id: UUID
    quantity: int


class FreeSeat(msgspec.Struct, frozen=True):
    """A seat that could be offered. Neighbours in a row differ by one in ``place``."""

    id: UUID
    label: str
    row: tuple[str, str]  # section and row
    place: int


class Inventory(msgspec.Struct):
    """One showtime: its terms, its counters, and the claims on the seats that matter here."""

    terms: SaleTerms
    allotments: dict[UUID, Allotment]
    claims: dict[UUID, Claim]


class State(msgspec.Struct):
    """All that a batch of commands needs to know, read under the showtimes' locks at ``now``.

    ``keys`` leads from (showtime, buyer, idempotency key) to the booking made with it. ``places``
    holds the live places of a buyer at a showtime, where the policy limits them. ``gone`` are
    seats (showtime, seat) of bookings here that the showtime's present seat map does not have, or
    has in another category.
    """

    now: datetime
    inventories: dict[UUID, Inventory]
    bookings: dict[UUID, Booking]
    keys: dict[tuple[UUID, UUID, str], UUID]
    places: dict[tuple[UUID, UUID], int]
    gone: set[tuple[UUID, UUID]] = msgspec.field(default_factory=set)


class Act(msgspec.Struct, frozen=True):
    """What staff did, with the values that it changed as they were and are now."""

    staff: Staff
    action: str
    object_kind: str
    object_id: UUID
    organization_id: UUID
    before: dict[str, Any] | None
    after: dict[str, Any]


class Outcome(StrEnum):
    """What became of a command. Each is an answer, never an exception."""

    RESERVED = "reserved"
    WAITLISTED = "waitlisted"
    REPLAYED = "replayed"  # the key was used for the same request before
    CONFIRMED = "confirmed"
    CANCELLED = "cancelled"
    LEFT = "left"
    CHANGED = "changed"  # inventory was blocked, unblocked, resized, repriced or moved
    SWEPT = "swept"
    CALLED_OFF = "called_off"

    SOLD_OUT = "sold_out"
    SEATS_TAKEN = "seats_taken"
    ORPHAN_SEATS = "orphan_seats"
    LIMIT_EXCEEDED = "limit_exceeded"
    SALES_CLOSED = "sales_closed"
    SEATS_REQUIRED = "seats_required"
    SEATS_NOT_FOR_SALE = "seats_not_for_sale"
    WAITLIST_ONE_CATEGORY = "waitlist_one_category"
    KEY_REUSED = "key_reused"
    PAYMENT_REQUIRED = "payment_required"
    EXPIRED = "expired"
    UNFULFILLABLE = "unfulfillable"  # paid, but the places are gone: the money goes back
    CANCELLATION_CLOSED = "cancellation_closed"
    TRANSITION_REFUSED = "transition_refused"
    BELOW_COMMITTED = "below_committed"
    SEATED_CATEGORY = "seated_category"
    NOT_CALLED_OFF = "not_called_off"
    SHOWTIME_CLOSED = "showtime_closed"
    SECTIONS_MISSING = "sections_missing"
    SEATS_MISSING = "seats_missing"
    OTHER_SEAT_MAP = "other_seat_map"  # than the one that the command was made by: make it again
    BEYOND_AREAS = "beyond_areas"  # more places than its standing areas take
    OTHER_CURRENCY = "other_currency"  # than the one that a price was given in
    UNKNOWN_SHOWTIME = "unknown_showtime"
    UNKNOWN_CATEGORY = "unknown_category"
    UNKNOWN_BOOKING = "unknown_booking"


class Result(msgspec.Struct):
    """The answer to one command.

    ``seats`` are the labels (or sections) in the way of it, ``limit`` the number that was broken,
    ``repeated`` says that the wish had been fulfilled before and nothing changed now. ``price`` is
    the allotment's at the showtime, ``ended`` counts the bookings that a call-off ended. ``terms``
    are those that it was decided by, if there is such a showtime.
    """

    outcome: Outcome
    booking: Booking | None = None
    seats: list[str] = []
    limit: int | None = None
    allotment: Allotment | None = None
    repeated: bool = False
    price: int = 0
    ended: int = 0
    terms: SaleTerms | None = None
