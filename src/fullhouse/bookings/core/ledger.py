"""The working copy of a batch: changes the state and remembers what has to be written.

Every movement of a place goes through one of a handful of methods here, so that counters, claims
and the record of changes cannot disagree. The ledger owns the state it was given.
"""

from datetime import timedelta
from typing import Any
from uuid import UUID

import msgspec

from fullhouse.bookings.core.commands import Staff
from fullhouse.bookings.core.invariants import assert_counts
from fullhouse.bookings.core.pricing import price
from fullhouse.bookings.core.transitions import LIVE, may_become
from fullhouse.bookings.core.types import (
    Act,
    Allotment,
    Booking,
    Claim,
    ClaimStatus,
    Entry,
    EntryStatus,
    FreeSeat,
    Inventory,
    State,
    Status,
    Sums,
)
from fullhouse.bookings.events import BookingChanged, Event, Refund

Counters = tuple[int, int, int, int, int, int]


class Ledger:
    """State under change. What was there before is kept for the first change of each thing."""

    def __init__(self, state: State) -> None:
        self.state = state
        self.now = state.now
        self.created: dict[UUID, Booking] = {}
        self.updated: dict[UUID, Booking] = {}
        self.counters_before: dict[tuple[UUID, UUID], Counters] = {}
        self.claims_before: dict[tuple[UUID, UUID], Claim | None] = {}
        # Seats (showtime, seat) whose hold was over when the batch began.
        self.lapsed: set[tuple[UUID, UUID]] = set()
        self.joined: dict[UUID, Entry] = {}
        self.closed: dict[UUID, EntryStatus] = {}  # by booking
        self.repriced: dict[UUID, Sums] = {}  # by booking: what it came to before
        # Terms of sale that change, each with its new value; None: the category's own price.
        self.prices: dict[tuple[UUID, UUID], int | None] = {}
        self.maps: dict[UUID, UUID] = {}
        # By category, what its part of the hall took and takes now, for new showtimes; what seats
        # there were does not matter.
        self.usual: dict[UUID, tuple[int | None, int]] = {}
        self.events: list[Event] = []
        self.acts: list[Act] = []

    @property
    def is_changed(self) -> bool:
        return bool(self.created or self.updated or self.counters_before or self.events)

    @property
    def touched(self) -> set[UUID]:
        """The showtimes whose counters, seats or terms have changed."""
        counted = {showtime_id for showtime_id, _ in (*self.counters_before, *self.claims_before)}
        return counted | self.revised

    @property
    def revised(self) -> set[UUID]:
        """The showtimes whose terms of sale have changed."""
        return {showtime_id for showtime_id, _ in self.prices} | self.maps.keys()

    def inventory(self, booking: Booking) -> Inventory:
        return self.state.inventories[booking.showtime_id]

    def open_for_change(self, allotment: Allotment) -> Allotment:
        """The allotment, after its counters were remembered; call before every change of one."""
        key = (allotment.showtime_id, allotment.category_id)
        if key not in self.counters_before:
            self.counters_before[key] = counters(allotment)
        return allotment

    def create(self, booking: Booking) -> None:
        """Add a new booking. Taking its places is a separate step."""
        self.created[booking.id] = booking
        self.state.bookings[booking.id] = booking
        if booking.idempotency_key is not None:
            key = (booking.showtime_id, booking.user_id, booking.idempotency_key)
            self.state.keys[key] = booking.id
        self._count_places(booking, booking.places)

    def hold(self, booking: Booking, seconds: int) -> None:
        """Take the places of a booking that owns none yet, until ``seconds`` from now."""
        booking.expires_at = self.now + timedelta(seconds=seconds)
        self._take(booking, ClaimStatus.HELD)
        if booking.id not in self.created:
            self._become(booking, Status.RESERVED)
        self.record("booking.reserved", booking)

    def sell(self, booking: Booking) -> None:
        """Turn held places into sold ones."""
        self._give_back(booking)
        self._take(booking, ClaimStatus.SOLD)
        self._become(booking, Status.CONFIRMED)
        self.record("booking.confirmed", booking)

    def retake(self, booking: Booking) -> None:
        """Sell the places of an expired booking to it after all."""
        self._take(booking, ClaimStatus.SOLD)
        self._become(booking, Status.CONFIRMED)
        self._count_places(booking, booking.places)
        self.record("booking.confirmed", booking)

    def release(self, booking: Booking, status: Status, reason: str | None = None) -> None:
        """Give up a live booking's places; it becomes ``status``. What was paid is owed back."""
        owed = booking.total if booking.status is Status.CONFIRMED else 0
        self._give_back(booking)
        self._become(booking, status)
        self._count_places(booking, -booking.places)
        self.record(f"booking.{status}", booking, reason, owed)

    def join(self, booking: Booking) -> None:
        """Put a new booking at the end of the line of its only category."""
        line = booking.lines[0]
        allotment = self.open_for_change(self.inventory(booking).allotments[line.category_id])
        allotment.waiting += 1
        allotment.last_number += 1
        booking.joined_position = allotment.waiting
        self.create(booking)
        self.joined[booking.id] = Entry(
            booking.showtime_id, line.category_id, allotment.last_number, booking.id, line.quantity
        )

    def leave(self, booking: Booking, reason: str | None = None) -> None:
        """Take a waiting booking out of the line for good."""
        self._step_out(booking, EntryStatus.LEFT)
        self._become(booking, Status.LEFT)
        self._count_places(booking, -booking.places)
        self.record("booking.left", booking, reason)

    def offer(self, booking: Booking, seats: list[FreeSeat]) -> None:
        """Reserve places for a waiting booking, at the price of now; ``seats`` where there are."""
        policy = self.inventory(booking).terms.policy
        line = booking.lines[0]
        line.seats = [seat.id for seat in seats]
        line.labels = [seat.label for seat in seats]
        self._step_out(booking, EntryStatus.OFFERED)
        self._reprice(booking)
        if booking.id in self.created:
            # Never really waited: to the buyer this is an ordinary hold.
            booking.joined_position = 0
            booking.status = Status.RESERVED
            self.hold(booking, policy.hold_seconds)
        else:
            self.hold(booking, policy.offer_seconds)
            self.record("booking.offered", booking)

    def block(self, claim: Claim) -> None:
        self.open_for_change(self._allotment(claim.showtime_id, claim.category_id)).blocked += 1
        self._claim(claim.showtime_id, claim.seat_id, claim)

    def unblock(self, claim: Claim) -> None:
        self.open_for_change(self._allotment(claim.showtime_id, claim.category_id)).blocked -= 1
        self._claim(claim.showtime_id, claim.seat_id, None)

    def set_price(self, allotment: Allotment, amount: int | None) -> None:
        """Sell a category for this much from here on; None: for its own price again."""
        inventory = self.state.inventories[allotment.showtime_id]
        category = inventory.terms.categories[allotment.category_id]
        changed = msgspec.structs.replace(category, special=amount)
        inventory.terms = msgspec.structs.replace(
            inventory.terms, categories=inventory.terms.categories | {category.id: changed}
        )
        self.prices[allotment.showtime_id, allotment.category_id] = amount

    def set_seat_map(self, inventory: Inventory, seat_map_id: UUID) -> None:
        """Sell by this seat map from here on. Capacities are set separately."""
        inventory.terms = msgspec.structs.replace(inventory.terms, seat_map_id=seat_map_id)
        self.maps[inventory.terms.showtime_id] = seat_map_id

    def is_free(self, showtime_id: UUID, seat_id: UUID, claimed: set[UUID]) -> bool:
        """Whether a seat is free now, given those that were claimed when the batch began."""
        if (showtime_id, seat_id) in self.claims_before:
            return seat_id not in self.state.inventories[showtime_id].claims
        return seat_id not in claimed

    def record(
        self, topic: str, booking: Booking, reason: str | None = None, owed: int = 0
    ) -> None:
        """Tell of a booking as it stands now, why it ended, and what is owed back for it."""
        payload = BookingChanged(
            booking.id,
            booking.user_id,
            booking.status,
            booking.places,
            booking.expires_at,
            reason,
            Refund(owed, booking.currency) if owed else None,
        )
        self.events.append(Event(topic, booking.showtime_id, payload))

    def sign_booking(
        self, staff: Staff | None, booking: Booking, before: Status, **values: Any
    ) -> None:
        """Note for the audit log what staff made of a booking; what buyers do is no news there."""
        if staff is not None:
            self.acts.append(
                Act(
                    staff,
                    f"booking.{booking.status}",
                    "booking",
                    booking.id,
                    self.inventory(booking).terms.organization_id,
                    {"status": before},
                    {"status": booking.status} | values,
                )
            )

    def sign_showtime(
        self,
        staff: Staff,
        action: str,
        inventory: Inventory,
        before: dict[str, Any] | None,
        after: dict[str, Any],
    ) -> None:
        """Note for the audit log what staff changed of a showtime's places."""
        terms = inventory.terms
        self.acts.append(
            Act(staff, action, "showtime", terms.showtime_id, terms.organization_id, before, after)
        )

    def check(self) -> None:
        """Assert what must hold of every counter that changed (``invariants.py``)."""
        for showtime_id, category_id in self.counters_before:
            assert_counts(self._allotment(showtime_id, category_id))

    def _allotment(self, showtime_id: UUID, category_id: UUID) -> Allotment:
        return self.state.inventories[showtime_id].allotments[category_id]

    def _take(self, booking: Booking, status: ClaimStatus) -> None:
        inventory = self.inventory(booking)
        for line in booking.lines:
            allotment = self.open_for_change(inventory.allotments[line.category_id])
            if status is ClaimStatus.HELD:
                allotment.held += line.quantity
            else:
                allotment.sold += line.quantity
            for seat_id in line.seats:
                assert seat_id not in inventory.claims, "a seat was about to be given twice"
                claim = Claim(booking.showtime_id, seat_id, line.category_id, status, booking.id)
                self._claim(booking.showtime_id, seat_id, claim)

    def _give_back(self, booking: Booking) -> None:
        inventory = self.inventory(booking)
        held = booking.status is Status.RESERVED
        assert booking.status in LIVE, "only live bookings own places"
        for line in booking.lines:
            allotment = self.open_for_change(inventory.allotments[line.category_id])
            if held:
                allotment.held -= line.quantity
            else:
                allotment.sold -= line.quantity
            for seat_id in line.seats:
                assert inventory.claims[seat_id].booking_id == booking.id
                self._claim(booking.showtime_id, seat_id, None)

    def _claim(self, showtime_id: UUID, seat_id: UUID, claim: Claim | None) -> None:
        claims = self.state.inventories[showtime_id].claims
        key = (showtime_id, seat_id)
        if key not in self.claims_before:
            self.claims_before[key] = claims.get(seat_id)
        if claim is None:
            del claims[seat_id]
        else:
            claims[seat_id] = claim

    def _step_out(self, booking: Booking, how: EntryStatus) -> None:
        allotment = self.inventory(booking).allotments[booking.lines[0].category_id]
        self.open_for_change(allotment).waiting -= 1
        self.closed[booking.id] = how

    def _reprice(self, booking: Booking) -> None:
        terms = self.inventory(booking).terms
        line = booking.lines[0]
        before = _sums(booking)
        line.unit_price = terms.categories[line.category_id].price
        totals = price(booking.lines, terms.policy)
        booking.subtotal, booking.fees, booking.tax, booking.total = totals
        if before != _sums(booking) and booking.id not in self.created:
            self.repriced[booking.id] = booking.joined_sums = before

    def _become(self, booking: Booking, status: Status) -> None:
        assert may_become(booking.status, status), f"{booking.status} cannot become {status}"
        booking.status = status
        if booking.id not in self.created:
            self.updated[booking.id] = booking

    def _count_places(self, booking: Booking, change: int) -> None:
        key = (booking.showtime_id, booking.user_id)
        if key in self.state.places:
            self.state.places[key] += change


def _sums(booking: Booking) -> Sums:
    return Sums(
        booking.lines[0].unit_price, booking.subtotal, booking.fees, booking.tax, booking.total
    )


def counters(allotment: Allotment) -> Counters:
    """The figures of an allotment that change."""
    return (
        allotment.capacity,
        allotment.held,
        allotment.sold,
        allotment.blocked,
        allotment.waiting,
        allotment.last_number,
    )
