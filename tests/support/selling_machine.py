"""A Hypothesis state machine that drives the selling core beside the plain model of it."""

from datetime import timedelta
from typing import get_args
from uuid import UUID

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from msgspec import UNSET, UnsetType

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
    SeatChoice,
    Settlement,
    Staff,
    Unblock,
)
from fullhouse.bookings.core.invariants import breaches
from fullhouse.bookings.core.types import Allotment, Outcome, Result, Status
from fullhouse.bookings.core.vanishing import missing_from
from fullhouse.catalog.rules import CategoryTerms, OrphanRule, Policy
from fullhouse.kit.ids import new_code, new_id
from fullhouse.venues.seatmap import SeatMap
from tests.support.selling_boxes import Box
from tests.support.selling_model import Model, ModelMap
from tests.support.selling_rows import counted, hall_map, seated

COUNTED_PLACES = 5
SECTION, AREA = "Main", "Floor"
SEATS = [(row, number) for row in "AB" for number in range(1, 5)] + [("C", 1), ("C", 2)]
# The seat maps of the hall: which of the seats each has, and how many can stand. The first is the
# one that sales begin with; the last has no seats at all.
MAPS = [
    (range(8), COUNTED_PLACES),
    (range(7), COUNTED_PLACES - 1),
    ((0, 1, 2, 3, 4, 5, 8, 9), COUNTED_PLACES + 1),
    ((), COUNTED_PLACES),
]

small = st.integers(1, 4)
seat_numbers = st.sets(st.integers(0, len(SEATS) - 1), min_size=1, max_size=3)
prices = st.sampled_from([UNSET, UNSET, None, 0, 6_000])
# A place in the list of bookings made so far, whatever its length turns out to be.
some_booking = st.integers(0, 1_000)
some_user = st.integers(0, 2)


class SellingMachine(RuleBasedStateMachine):
    """Subclasses say where the core runs."""

    box: Box

    def make_box(
        self,
        categories: list[CategoryTerms],
        policy: Policy,
        capacities: dict[UUID, int],
        maps: list[SeatMap],
    ) -> Box:
        raise AssertionError("a subclass makes the box")

    @initialize(
        free=st.booleans(),
        max_per_user=st.sampled_from([None, 5]),
        orphans=st.sampled_from(get_args(OrphanRule)),
    )
    def open_sales(self, free: bool, max_per_user: int | None, orphans: OrphanRule) -> None:
        general = counted(price=0 if free else 5_000, areas=(AREA,))
        stalls = seated(SECTION)
        self.general, self.stalls = general.id, stalls.id
        hall_id = new_id()
        self.maps = [
            hall_map(hall_id, SECTION, [SEATS[at] for at in numbers], {AREA: standing}, version)
            for version, (numbers, standing) in enumerate(MAPS, 1)
        ]
        self.seats = hall_map(hall_id, SECTION, SEATS, {}).seats
        capacities = {general.id: COUNTED_PLACES, stalls.id: len(self.maps[0].seats)}
        self.box = self.make_box(
            [general, stalls],
            Policy(
                max_per_booking=4, max_per_user=max_per_user, orphans=orphans, offer_seconds=300
            ),
            capacities,
            self.maps,
        )
        self.model = Model(
            self.box.terms,
            self.box.now(),
            stalls.id,
            general.id,
            COUNTED_PLACES,
            {
                one.id: ModelMap(_rows(one), area.capacity)
                for one in self.maps
                for area in one.standing
            },
            self.maps[0].id,
            {general.id: general.usual, stalls.id: stalls.usual},
        )
        self.staff = Staff("user", new_id(), "192.0.2.1", "a-request")
        self.signed: list[tuple[str, str]] = []
        self.made: list[UUID] = []
        self.batch: list[Command] = []
        self.keys: dict[tuple[UUID, str], Reserve] = {}

    # --- commands wait in a batch until one of the rules runs it -------------------------------

    @rule(user=some_user, general=st.integers(0, 4), seats=st.just(set()) | seat_numbers,
          join=st.booleans(), key=st.sampled_from([None, None, "k1", "k2"]),
          insist=st.booleans())  # fmt: skip
    def reserve(
        self, user: int, general: int, seats: set[int], join: bool, key: str | None, insist: bool
    ) -> None:
        items = ((self.general, general),) if general else ()
        chosen = self._choices(seats)
        if items or chosen:
            self._add_reserve(user, items, chosen, join, key, insist)

    @rule(user=some_user, quantity=small)
    def wait_for_any_seats(self, user: int, quantity: int) -> None:
        self._add_reserve(user, ((self.stalls, quantity),), (), True, None)

    @rule(booking=some_booking, settlement=st.sampled_from(Settlement))
    def confirm(self, booking: int, settlement: Settlement) -> None:
        if self.made:
            staff = self.staff if settlement is Settlement.COUNTER else None
            self.batch.append(Confirm(self._showtime, self._made(booking), settlement, staff))

    @rule(booking=some_booking, by_staff=st.booleans())
    def cancel(self, booking: int, by_staff: bool) -> None:
        if self.made:
            staff = self.staff if by_staff else None
            self.batch.append(Cancel(self._showtime, self._made(booking), staff))

    @rule(booking=some_booking)
    def leave(self, booking: int) -> None:
        if self.made:
            self.batch.append(Leave(self._showtime, self._made(booking)))

    @rule(seats=seat_numbers)
    def block(self, seats: set[int]) -> None:
        chosen = self._choices(seats)
        self.batch.append(Block(self._showtime, self.staff, chosen, self.model.map_id))

    @rule(seats=seat_numbers)
    def unblock(self, seats: set[int]) -> None:
        chosen = self._choices(seats)
        self.batch.append(Unblock(self._showtime, self.staff, chosen, self.model.map_id))

    @rule(
        capacity=st.none() | st.integers(0, 8), blocked=st.none() | st.integers(0, 3), price=prices
    )
    def resize(
        self, capacity: int | None, blocked: int | None, price: int | UnsetType | None
    ) -> None:
        map_id = self.model.map_id
        self.batch.append(
            Resize(
                self._showtime,
                self.staff,
                self.general,
                capacity,
                blocked,
                price,
                None,
                map_id,
                {AREA: self.model.maps[map_id].standing},
            )
        )

    @rule(
        capacity=st.none() | st.just(1),
        price=prices,
        currency=st.sampled_from([None, "USD", "EUR"]),
    )
    def reprice_seats(
        self, capacity: int | None, price: int | UnsetType | None, currency: str | None
    ) -> None:
        self.batch.append(
            Resize(self._showtime, self.staff, self.stalls, capacity, None, price, currency)
        )

    @rule(to_map=st.sampled_from(range(len(MAPS))))
    def move(self, to_map: int) -> None:
        """Made by the map that is known, which another move in the batch may outdate."""
        present = next(one for one in self.maps if one.id == self.model.map_id)
        wanted = self.maps[to_map]
        vanished = missing_from(wanted, present)
        self.batch.append(
            Move(
                self._showtime,
                self.staff,
                wanted.hall_id,
                present.id,
                wanted.id,
                tuple(SeatChoice(seat.id, seat.section, seat.label) for seat in vanished),
                {part.name: len(part.seats) for part in wanted.sections},
                {area.name: area.capacity for area in wanted.standing},
                {area.name: area.capacity for area in present.standing},
            )
        )

    @precondition(lambda self: hasattr(self, "model") and len(self.model.live()) > 1)
    @rule(really=st.booleans())
    def cancel_showtime(self, really: bool) -> None:
        if really and not self.model.called_off:
            self._run()
            self.box.cancel()
            self.model.called_off = True

    @rule(limit=st.integers(1, 4))
    def call_off(self, limit: int) -> None:
        """Some of the bookings end; which is the core's choice."""
        self._run()
        before = self.model.live() - self.model.overdue()
        (result,) = self.box.run([CallOff(self._showtime, limit)])
        self.model.run([])
        if not self.model.called_off:
            assert result.outcome is Outcome.NOT_CALLED_OFF
            # What has run out may have been offered to others all the same.
            self._compare_bookings()
            return
        stored = {booking.id: booking.status for booking in self.box.snapshot().bookings}
        live = (*_OWNING, Status.WAITLISTED)
        ended = {booking_id for booking_id in before if stored[booking_id] not in live}
        assert len(ended) == result.ended == min(limit, len(before))
        self.model.end(ended)
        self._compare_bookings()

    @precondition(lambda self: hasattr(self, "model") and self.model.called_off)
    @rule()
    def call_everything_off(self) -> None:
        """As the chore does it: until nothing is left of what was booked."""
        self._run()
        while self.model.live():
            self.call_off(4)
        assert not self.box.snapshot().entries
        assert all(one.held == one.sold == one.waiting == 0 for one in self._allotments())

    @rule(seconds=st.sampled_from([100, 400, 700]))
    def pass_time(self, seconds: int) -> None:
        self._run()
        self.box.pass_time(seconds)
        self._age(seconds)

    @rule()
    def run_batch(self) -> None:
        self._run()

    @rule()
    def sweep(self) -> None:
        self.batch.append(Expire(self._showtime))
        self._run()

    @invariant()
    def all_is_well(self) -> None:
        if hasattr(self, "model"):
            snapshot = self.box.snapshot()
            named = [one for one in self.maps if one.id == snapshot.seat_map_id]
            assert len(named) == (not self.model.called_off)
            assert breaches(snapshot, *named) == []

    def teardown(self) -> None:
        if hasattr(self, "model"):
            self._run()
            self.box.close()

    # --- how ------------------------------------------------------------------------------------

    @property
    def _showtime(self) -> UUID:
        return self.box.terms.showtime_id

    def _allotments(self) -> list[Allotment]:
        return self.box.snapshot().allotments

    def _choices(self, numbers: set[int]) -> tuple[SeatChoice, ...]:
        """These of the seats, as far as the present map has them."""
        here = set(self.model.seats)
        seats = [self.seats[number] for number in sorted(numbers)]
        return tuple(SeatChoice(seat.id, SECTION, seat.label) for seat in seats if seat.id in here)

    def _made(self, booking: int) -> UUID:
        return self.made[booking % len(self.made)]

    def _add_reserve(
        self,
        user: int,
        items: tuple[tuple[UUID, int], ...],
        seats: tuple[SeatChoice, ...],
        join: bool,
        key: str | None,
        insist: bool = False,
    ) -> None:
        labels = {seat.id: seat.label for seat in self.seats}
        chosen = {seat.id for seat in seats}
        command = Reserve(
            self._showtime,
            new_id(),
            self.box.users[user],
            new_code(),
            items,
            seats,
            tuple(
                tuple(SeatChoice(seat, SECTION, labels[seat]) for seat in row)
                for row in self.model.rows
                if chosen & set(row)
            ),
            insist,
            join,
            key,
            None if key is None else repr((items, seats, join, insist)),
            self.model.map_id,
        )
        self.batch.append(command)

    def _age(self, seconds: int) -> None:
        for booking in self.model.bookings.values():
            if booking.expires_at is not None:
                booking.expires_at -= timedelta(seconds=seconds)

    def _run(self) -> None:
        """Run what waits in both, and compare."""
        commands, self.batch = self.batch, []
        if not commands:
            return
        results = self.box.run(commands)
        expected = self.model.run(commands)
        assert [result.outcome for result in results] == expected
        for command, result in zip(commands, results, strict=True):
            self._compare_answer(command, result.outcome, result.booking)
            self._expect_act(command, result)
        self._sign_changes()
        self._compare_bookings()
        assert sorted(self.box.acts(self.staff)) == sorted(self.signed)

    def _sign_changes(self) -> None:
        """What the model says that staff have changed of prices, places and the seat map."""
        self.signed += [(action, str(self._showtime)) for action in self.model.signed]
        self.model.signed.clear()

    def _expect_act(self, command: Command, result: Result) -> None:
        """What staff change is signed, once; what changes nothing, and what buyers do, is not."""
        if getattr(command, "staff", None) is None or result.repeated:
            return
        if result.outcome in (Outcome.CONFIRMED, Outcome.CANCELLED, Outcome.LEFT):
            assert result.booking is not None
            self.signed.append((f"booking.{result.outcome}", str(result.booking.id)))
        elif result.outcome is Outcome.CHANGED and type(command) in _ACTIONS:
            self.signed.append((_ACTIONS[type(command)], str(self._showtime)))

    def _compare_answer(self, command: Command, outcome: Outcome, booking: object) -> None:
        if not isinstance(command, Reserve):
            return
        if outcome in (Outcome.RESERVED, Outcome.WAITLISTED):
            self.made.append(command.booking_id)
            if command.idempotency_key is not None:
                self.keys[command.user_id, command.idempotency_key] = command
        elif outcome is Outcome.REPLAYED:
            # One key, one answer: the booking that was made with it first.
            first = self.keys[command.user_id, str(command.idempotency_key)]
            assert getattr(booking, "id", None) == first.booking_id

    def _compare_bookings(self) -> None:
        stored = {booking.id: booking for booking in self.box.snapshot().bookings}
        assert stored.keys() == self.model.bookings.keys()
        for booking_id, expected in self.model.bookings.items():
            booking = stored[booking_id]
            assert booking.status is expected.status, booking_id
            assert {line.category_id: line.quantity for line in booking.lines} == (
                expected.quantities
            )
            assert booking.total == booking.subtotal == expected.total
            seats = {seat for line in booking.lines for seat in line.seats}
            if booking_id in self.model.offered and self.stalls in expected.quantities:
                # Which seats an offer gets is the core's choice, as long as they are free.
                assert len(seats) == expected.quantities[self.stalls]
                others = set().union(
                    *(b.seats for b in self.model.bookings.values() if b.status in _OWNING)
                )
                assert not seats & (others | self.model.blocked_seats)
                expected.seats = seats
            assert seats == expected.seats


def _rows(seat_map: SeatMap) -> list[list[UUID]]:
    names = dict.fromkeys(seat.row for seat in seat_map.seats)
    return [[seat.id for seat in seat_map.seats if seat.row == name] for name in names]


_ACTIONS = {Block: "seats.blocked", Unblock: "seats.unblocked"}
_OWNING = (Status.RESERVED, Status.CONFIRMED)
