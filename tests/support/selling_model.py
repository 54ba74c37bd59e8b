"""The selling core told again in the plainest way, to be compared with the real one.

No counters, no claims, no ledger: only a list of bookings, and every question is answered by
going through it. Slow, and hopefully too simple to be wrong.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import permutations
from uuid import UUID

from msgspec import UNSET

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
from fullhouse.bookings.core.types import Outcome, Status
from fullhouse.catalog.rules import SaleTerms

OWNING = (Status.RESERVED, Status.CONFIRMED)


@dataclass
class ModelBooking:
    id: UUID
    user_id: UUID
    status: Status
    quantities: dict[UUID, int]
    seats: set[UUID]
    total: int
    key: str | None
    fingerprint: str | None
    expires_at: datetime | None = None
    joined_at_once: bool = False


@dataclass
class ModelMap:
    """A seat map: rows of neighbours, all sold in one category, and places to stand in another.

    Without rows it lacks the section of that category.
    """

    rows: list[list[UUID]]
    standing: int

    @property
    def seats(self) -> list[UUID]:
        return [seat for row in self.rows for seat in row]


@dataclass
class Model:
    """One showtime with a category of seats and one of counted places, which has ``capacity``."""

    terms: SaleTerms
    now: datetime
    stalls: UUID
    general: UUID
    capacity: int
    maps: dict[UUID, ModelMap]
    map_id: UUID
    prices: dict[UUID, int]  # at this showtime, by category
    special: dict[UUID, int | None] = field(default_factory=dict)  # prices that are not the usual
    blocked_places: int = 0
    called_off: bool = False
    signed: list[str] = field(default_factory=list)  # what staff have changed since it was emptied
    bookings: dict[UUID, ModelBooking] = field(default_factory=dict)
    blocked_seats: set[UUID] = field(default_factory=set)
    line: list[UUID] = field(default_factory=list)  # bookings in the order of joining
    offered: list[UUID] = field(default_factory=list)  # by the last batch, in order
    lapsed: set[UUID] = field(default_factory=set)  # seats whose hold the last batch ended

    def run(self, commands: list[Command]) -> list[Outcome]:
        """The outcomes of one batch."""
        self.offered, self.lapsed = [], set()
        joined: set[UUID] = set()
        for booking in self.bookings.values():
            expires_at = booking.expires_at
            if booking.status is Status.RESERVED and expires_at and expires_at <= self.now:
                booking.status = Status.EXPIRED
                self.lapsed |= booking.seats
        outcomes = []
        for command in commands:
            outcomes.append(self._one(command))
            if outcomes[-1] is Outcome.WAITLISTED and isinstance(command, Reserve):
                joined.add(command.booking_id)
        self._serve(joined)
        return [
            Outcome.RESERVED
            if outcome is Outcome.WAITLISTED
            and isinstance(command, Reserve)
            and command.booking_id in self.offered
            else outcome
            for command, outcome in zip(commands, outcomes, strict=True)
        ]

    def free(self, category_id: UUID) -> int:
        """Places of a category that nobody owns and nothing blocks."""
        owned = sum(
            booking.quantities.get(category_id, 0)
            for booking in self.bookings.values()
            if booking.status in OWNING
        )
        if category_id == self.stalls:
            return len(self.seats) - owned - len(self.blocked_seats)
        return self.capacity - self.blocked_places - owned

    @property
    def rows(self) -> list[list[UUID]]:
        return self.maps[self.map_id].rows

    @property
    def seats(self) -> list[UUID]:
        return self.maps[self.map_id].seats

    def taken_seats(self) -> set[UUID]:
        owned = {
            seat
            for booking in self.bookings.values()
            if booking.status in OWNING
            for seat in booking.seats
        }
        return owned | self.blocked_seats

    def waiting(self, category_id: UUID) -> list[ModelBooking]:
        """Who waits for a category, in order."""
        return [
            self.bookings[booking_id]
            for booking_id in self.line
            if self.bookings[booking_id].status is Status.WAITLISTED
            and category_id in self.bookings[booking_id].quantities
        ]

    def _one(self, command: Command) -> Outcome:
        match command:
            case Reserve():
                return self._reserve(command)
            case Confirm():
                return self._confirm(command)
            case Cancel():
                return self._cancel(command)
            case Leave():
                return self._leave(command)
            case Block() | Unblock() if command.seat_map_id != self.map_id:
                return Outcome.OTHER_SEAT_MAP
            case Block():
                if {seat.id for seat in command.seats} & (self.taken_seats() - self.blocked_seats):
                    return Outcome.SEATS_TAKEN
                self.blocked_seats |= {seat.id for seat in command.seats}
                return Outcome.CHANGED
            case Unblock():
                if {seat.id for seat in command.seats} & (self.taken_seats() - self.blocked_seats):
                    return Outcome.SEATS_TAKEN
                self.blocked_seats -= {seat.id for seat in command.seats}
                return Outcome.CHANGED
            case Resize():
                return self._resize(command)
            case Move():
                return self._move(command)
            case CallOff():
                # Which bookings it ends is the core's choice: see ``end``.
                return Outcome.CALLED_OFF if self.called_off else Outcome.NOT_CALLED_OFF
            case Expire():
                return Outcome.SWEPT

    def _reserve(self, command: Reserve) -> Outcome:
        for booking in self.bookings.values():
            same_key = command.idempotency_key is not None and (
                (booking.user_id, booking.key) == (command.user_id, command.idempotency_key)
            )
            if same_key and booking.fingerprint != command.fingerprint:
                return Outcome.KEY_REUSED
            if same_key:
                return Outcome.REPLAYED
        if self.called_off:
            return Outcome.SALES_CLOSED
        if command.seats and command.seat_map_id != self.map_id:
            return Outcome.OTHER_SEAT_MAP
        quantities = dict(command.items)
        if self.stalls in quantities and (not command.join_waitlist or command.seats):
            return Outcome.SEATS_REQUIRED
        for _ in command.seats:
            quantities[self.stalls] = quantities.get(self.stalls, 0) + 1
        limit = self._limit(command, quantities)
        if limit:
            return Outcome.LIMIT_EXCEEDED
        refusal = self._refusal(command, quantities)
        if refusal is None and self._leaves_single(command):
            return Outcome.ORPHAN_SEATS
        if refusal is None:
            self._add(command, quantities, Status.RESERVED, {seat.id for seat in command.seats})
            return Outcome.RESERVED
        if not command.join_waitlist:
            return refusal
        if len(quantities) > 1:
            return Outcome.WAITLIST_ONE_CATEGORY
        self._add(command, quantities, Status.WAITLISTED, set())
        self.line.append(command.booking_id)
        return Outcome.WAITLISTED

    def _limit(self, command: Reserve, quantities: dict[UUID, int]) -> bool:
        policy = self.terms.policy
        wanted = sum(quantities.values())
        owned = sum(
            sum(booking.quantities.values())
            for booking in self.bookings.values()
            if booking.user_id == command.user_id and booking.status in (*OWNING, Status.WAITLISTED)
        )
        if wanted > policy.max_per_booking:
            return True
        if policy.max_per_user is not None and owned + wanted > policy.max_per_user:
            return True
        sizes = {self.stalls: len(self.seats), self.general: self.capacity}
        return command.join_waitlist and any(n > sizes[cat] for cat, n in quantities.items())

    def _refusal(self, command: Reserve, quantities: dict[UUID, int]) -> Outcome | None:
        if {seat.id for seat in command.seats} & self.taken_seats():
            return Outcome.SEATS_TAKEN
        for category_id, quantity in quantities.items():
            if self.waiting(category_id) or self.free(category_id) < quantity:
                return Outcome.SOLD_OUT
            if category_id == self.stalls and not command.seats:
                return Outcome.SEATS_REQUIRED
        return None

    def _leaves_single(self, command: Reserve) -> bool:
        """Whether the event minds, and a seat is left alone that need not be.

        By what is free now, and by what was to be seen before holds ended just now.
        """
        mind = self.terms.policy.orphans
        if mind == "off" or (mind == "warn" and command.allow_orphans):
            return False
        chosen = {seat.id for seat in command.seats}
        taken = self.taken_seats()
        return self._is_single(chosen, taken) and self._is_single(
            chosen, taken | self.lapsed - chosen
        )

    def _is_single(self, chosen: set[UUID], taken: set[UUID]) -> bool:
        for row in self.rows:
            signs = "".join(
                "x" if seat in taken else "c" if seat in chosen else "." for seat in row
            )
            for stretch in filter(None, signs.split("x")):
                count = stretch.count("c")
                if (
                    count
                    and _has_single(stretch)
                    and any(
                        not _has_single("".join(others)) for others in set(permutations(stretch))
                    )
                ):
                    return True
        return False

    def _add(
        self, command: Reserve, quantities: dict[UUID, int], status: Status, seats: set[UUID]
    ) -> None:
        held = status is Status.RESERVED
        hold = timedelta(seconds=self.terms.policy.hold_seconds)
        self.bookings[command.booking_id] = ModelBooking(
            command.booking_id,
            command.user_id,
            status,
            quantities,
            seats,
            sum(self.prices[cat] * n for cat, n in quantities.items()),
            command.idempotency_key,
            command.fingerprint,
            self.now + hold if held else None,
        )

    def _confirm(self, command: Confirm) -> Outcome:
        booking = self.bookings.get(command.booking_id)
        if booking is None:
            return Outcome.UNKNOWN_BOOKING
        if booking.status is Status.CONFIRMED:
            return Outcome.CONFIRMED
        paid = command.settlement is Settlement.PAID
        if self.called_off and booking.status is Status.RESERVED:
            return Outcome.UNFULFILLABLE if paid else Outcome.SALES_CLOSED
        if booking.status is Status.RESERVED:
            if command.settlement is Settlement.NOTHING_OWED and booking.total:
                return Outcome.PAYMENT_REQUIRED
            booking.status = Status.CONFIRMED
            return Outcome.CONFIRMED
        if not paid:
            expired = booking.status is Status.EXPIRED
            return Outcome.EXPIRED if expired else Outcome.TRANSITION_REFUSED
        if (
            booking.status is Status.EXPIRED
            and not self.called_off
            and booking.seats <= set(self.seats)
            and not booking.seats & self.taken_seats()
            and all(self.free(cat) >= n for cat, n in booking.quantities.items())
        ):
            booking.status = Status.CONFIRMED
            return Outcome.CONFIRMED
        return Outcome.UNFULFILLABLE

    def _cancel(self, command: Cancel) -> Outcome:
        booking = self.bookings.get(command.booking_id)
        if booking is None:
            return Outcome.UNKNOWN_BOOKING
        if booking.status is Status.WAITLISTED:
            booking.status = Status.LEFT
        elif booking.status in OWNING:
            by_buyer = command.staff is None and not self.called_off
            if booking.status is Status.CONFIRMED and by_buyer:
                hours = self.terms.policy.cancellation.hours_before
                if self.terms.starts_at - self.now < timedelta(hours=hours):
                    return Outcome.CANCELLATION_CLOSED
            booking.status = Status.CANCELLED
        return {
            Status.LEFT: Outcome.LEFT,
            Status.CANCELLED: Outcome.CANCELLED,
        }.get(booking.status, Outcome.TRANSITION_REFUSED)

    def _leave(self, command: Leave) -> Outcome:
        booking = self.bookings.get(command.booking_id)
        if booking is None:
            return Outcome.UNKNOWN_BOOKING
        if booking.status not in (Status.WAITLISTED, Status.LEFT):
            return Outcome.TRANSITION_REFUSED
        booking.status = Status.LEFT
        return Outcome.LEFT

    def _resize(self, command: Resize) -> Outcome:
        category_id = command.category_id
        places = (command.capacity, command.blocked)
        if category_id == self.stalls:
            if places != (None, None):
                return Outcome.SEATED_CATEGORY
            if command.currency not in (None, self.terms.currency):
                return Outcome.OTHER_CURRENCY
        else:
            if command.capacity is not None:
                if command.seat_map_id != self.map_id:
                    return Outcome.OTHER_SEAT_MAP
                if command.capacity > self.maps[self.map_id].standing:
                    return Outcome.BEYOND_AREAS
            owned = self.capacity - self.blocked_places - self.free(category_id)
            capacity = self.capacity if command.capacity is None else command.capacity
            blocked = self.blocked_places if command.blocked is None else command.blocked
            if owned + blocked > capacity:
                return Outcome.BELOW_COMMITTED
            if (capacity, blocked) != (self.capacity, self.blocked_places):
                self.signed.append("allotment.resized")
            self.capacity, self.blocked_places = capacity, blocked
        if command.price is not UNSET:
            if command.price != self.special.get(category_id):
                self.signed.append("allotment.repriced")
            self.special[category_id] = command.price
            usual = self.terms.categories[category_id].usual
            self.prices[category_id] = usual if command.price is None else command.price
        return Outcome.CHANGED

    def _move(self, command: Move) -> Outcome:
        if command.to_map == self.map_id:
            return Outcome.CHANGED
        if command.from_map != self.map_id:
            return Outcome.OTHER_SEAT_MAP
        if self.called_off:
            return Outcome.SHOWTIME_CLOSED
        before, after = self.maps[self.map_id], self.maps[command.to_map]
        if not after.rows:
            return Outcome.SECTIONS_MISSING
        if not self.taken_seats() <= set(after.seats):
            return Outcome.SEATS_MISSING
        all_of_it = self.capacity == before.standing
        capacity = after.standing if all_of_it else min(self.capacity, after.standing)
        if capacity < self.capacity - self.free(self.general):
            return Outcome.BELOW_COMMITTED
        self.capacity, self.map_id = capacity, command.to_map
        self.signed.append("showtime.moved")
        return Outcome.CHANGED

    def overdue(self) -> set[UUID]:
        """Holds that have run out, which end with the next batch."""
        return {
            booking.id
            for booking in self.bookings.values()
            if booking.status is Status.RESERVED
            and booking.expires_at is not None
            and booking.expires_at <= self.now
        }

    def live(self) -> set[UUID]:
        """Bookings that own places or wait for some."""
        return {
            booking.id
            for booking in self.bookings.values()
            if booking.status in (*OWNING, Status.WAITLISTED)
        }

    def end(self, ended: set[UUID]) -> None:
        """The core has ended these bookings of a cancelled showtime."""
        for booking_id in ended:
            booking = self.bookings[booking_id]
            waited = booking.status is Status.WAITLISTED
            booking.status = Status.LEFT if waited else Status.CANCELLED

    def _serve(self, joined: set[UUID]) -> None:
        """Walk the line once from its head; who fits is served. Nothing freed means none fits."""
        if self.called_off:
            return
        for booking_id in self.line:
            booking = self.bookings[booking_id]
            if booking.status is not Status.WAITLISTED:
                continue
            ((category_id, quantity),) = booking.quantities.items()
            if self.free(category_id) < quantity:
                continue
            policy = self.terms.policy
            at_once = booking_id in joined
            seconds = policy.hold_seconds if at_once else policy.offer_seconds
            booking.status = Status.RESERVED
            booking.total = self.prices[category_id] * quantity
            booking.expires_at = self.now + timedelta(seconds=seconds)
            self.offered.append(booking_id)


def _has_single(stretch: str) -> bool:
    """Whether a free seat (a dot) stands alone in it."""
    return any(len(free) == 1 for free in stretch.split("c"))
