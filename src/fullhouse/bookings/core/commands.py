"""What can be asked of the selling core. Every command speaks of exactly one showtime."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Literal
from uuid import UUID

import msgspec
from msgspec import UNSET, UnsetType


class SeatChoice(msgspec.Struct, frozen=True):
    """A seat of the showtime's seat map, already found by its id or label.

    ``name`` is what refusals call it, where its label alone could mean another seat too.
    """

    id: UUID
    section: str
    label: str
    name: str | None = None

    @property
    def known_as(self) -> str:
        return self.name or self.label


class Settlement(StrEnum):
    """On what grounds a booking is confirmed."""

    NOTHING_OWED = "nothing_owed"
    COUNTER = "counter"  # a member of the organization took the money
    PAID = "paid"  # a gateway captured the whole total


class Staff(msgspec.Struct, frozen=True):
    """Who acts for the organization, as the audit log will name them.

    The policy's deadlines hold for buyers and not for staff.
    """

    kind: Literal["user", "api_key"]
    id: UUID
    address: str  # the client's
    request_id: str


class Reserve(msgspec.Struct, frozen=True):
    """Hold counted places and chosen seats for a buyer, all or nothing; or join the line.

    ``booking_id`` and ``code`` are made by the caller, so that running the command again after a
    lost answer finds the booking instead of making another. ``seat_map_id`` is the map in which
    the seats were found: where the showtime is sold by another, they are looked for again.
    """

    showtime_id: UUID
    booking_id: UUID
    user_id: UUID
    code: str
    items: tuple[tuple[UUID, int], ...] = ()  # category and quantity, each category once
    seats: tuple[SeatChoice, ...] = ()  # each seat once
    # The runs for everybody that the chosen seats stand in, where the event minds single seats.
    blocks: tuple[tuple[SeatChoice, ...], ...] = ()
    allow_orphans: bool = False  # where the event only warns of leaving single seats
    join_waitlist: bool = False
    idempotency_key: str | None = None
    fingerprint: str | None = None
    seat_map_id: UUID | None = None


class Confirm(msgspec.Struct, frozen=True):
    """Turn a hold into a sale. With ``PAID`` an expired hold is taken again if it can be."""

    showtime_id: UUID
    booking_id: UUID
    settlement: Settlement
    staff: Staff | None = None  # who took the money at the counter


class Cancel(msgspec.Struct, frozen=True):
    """Give up a hold, a sale or a place in line; the places go to who waits, or on sale."""

    showtime_id: UUID
    booking_id: UUID
    staff: Staff | None = None  # None: the buyer


class Leave(msgspec.Struct, frozen=True):
    """Give up a place in line, and nothing but that: what was offered or bought stays."""

    showtime_id: UUID
    booking_id: UUID


class Expire(msgspec.Struct, frozen=True):
    """Only do what every batch does first: end the holds whose time has run out."""

    showtime_id: UUID


class Block(msgspec.Struct, frozen=True):
    """Take free seats off sale."""

    showtime_id: UUID
    staff: Staff
    seats: tuple[SeatChoice, ...]
    seat_map_id: UUID | None = None


class Unblock(msgspec.Struct, frozen=True):
    """Put blocked seats back on sale."""

    showtime_id: UUID
    staff: Staff
    seats: tuple[SeatChoice, ...]
    seat_map_id: UUID | None = None


class Resize(msgspec.Struct, frozen=True):
    """Set what a category has at this showtime, all at once: its price, and where places are
    counted its capacity and its blocked places.

    A price of None is the category's own again. What was sold or is held keeps its price; who
    waits pays the price of the moment in which places are offered. ``currency`` is the one that
    the price was given in, where that was said. ``areas`` count the people that the standing
    areas of the seat map take, for a category that is sold in some of them.
    """

    showtime_id: UUID
    staff: Staff
    category_id: UUID
    capacity: int | None = None
    blocked: int | None = None
    price: int | UnsetType | None = UNSET
    currency: str | None = None
    seat_map_id: UUID | None = None
    areas: Mapping[str, int] = {}


class Move(msgspec.Struct, frozen=True):
    """Sell by another version of the hall's seat map.

    ``vanished`` are the seats of the present map ``from_map`` that the new one does not have under
    the same id and name. Sections count their seats, areas the people they take. ``usual`` says
    that new showtimes of the event shall have as many places, too.
    """

    showtime_id: UUID
    staff: Staff
    hall_id: UUID
    from_map: UUID | None
    to_map: UUID
    vanished: tuple[SeatChoice, ...]
    sections: Mapping[str, int]
    areas: Mapping[str, int]
    areas_before: Mapping[str, int]
    usual: bool = False


class CallOff(msgspec.Struct, frozen=True):
    """End at most ``limit`` bookings of a showtime that was cancelled, whatever they own.

    Running it again and again ends them all, also after any interruption.
    """

    showtime_id: UUID
    limit: int


Command = Reserve | Confirm | Cancel | Leave | Expire | Block | Unblock | Resize | Move | CallOff
