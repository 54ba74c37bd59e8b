"""Best seats and single seats, against the plainest way to say what is right."""

import math
from collections.abc import Collection
from dataclasses import dataclass
from datetime import timedelta
from itertools import combinations
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fullhouse.bookings.core.best import best_seats
from fullhouse.bookings.core.commands import Reserve, SeatChoice
from fullhouse.bookings.core.decide import decide
from fullhouse.bookings.core.orphans import leaves_single, orphans
from fullhouse.bookings.core.types import (
    Allotment,
    Booking,
    Claim,
    ClaimStatus,
    Inventory,
    Line,
    Outcome,
    Result,
    State,
    Status,
)
from fullhouse.catalog.rules import Policy
from fullhouse.kit.ids import new_code, new_id
from fullhouse.venues.neighbours import Neighbours, for_everybody, is_kept
from fullhouse.venues.seatmap import Seat
from tests.support.selling_rows import sale_terms, seated

FOCAL = (50.0, -20.0)
STALLS = seated("Main")
TERMS = sale_terms([STALLS], Policy(orphans="refuse", max_per_booking=100))


def a_seat(row: int, number: int, kind: str = "usual") -> Seat:
    return Seat(
        UUID(int=row * 100 + number), "Main", f"{row}", f"{number}", f"{row}-{number}",
        number * 10.0, row * 12.0, kind == "accessible", kind == "companion",
    )  # fmt: skip


@dataclass
class Hall:
    """A few short rows, with seats that are taken, and others whose hold has just run out."""

    blocks: list[list[Seat]]
    taken: set[UUID]
    lapsed: set[UUID]

    @property
    def seats(self) -> list[Seat]:
        return [seat for block in self.blocks for seat in block]

    @property
    def free(self) -> set[UUID]:
        """As anybody can see it."""
        return {seat.id for seat in self.seats} - self.taken - self.lapsed

    @property
    def usual(self) -> set[UUID]:
        return {seat.id for seat in self.seats if not is_kept(seat)} & self.free

    @property
    def usable(self) -> set[UUID]:
        return {seat.id for seat in self.seats if seat.accessible} & self.free

    @property
    def runs(self) -> list[tuple[Seat, ...]]:
        return [run for block in self.blocks for run in for_everybody(tuple(block))]


@st.composite
def halls(draw: st.DrawFn) -> Hall:
    lengths = draw(st.lists(st.integers(1, 9), min_size=1, max_size=4))
    kinds = st.sampled_from(["usual"] * 6 + ["accessible", "companion"])
    blocks = [
        [a_seat(row, number, draw(kinds)) for number in range(length)]
        for row, length in enumerate(lengths)
    ]
    seats = [seat.id for block in blocks for seat in block]
    states = draw(st.lists(st.sampled_from("ffffftl"), min_size=len(seats), max_size=len(seats)))
    by_state = {
        state: {seat for seat, its in zip(seats, states, strict=True) if its == state}
        for state in "tl"
    }
    return Hall(blocks, by_state["t"], by_state["l"])


def best(hall: Hall, quantity: int, *, accessible: bool = False) -> list[Seat]:
    return best_seats(
        Neighbours(hall.seats),
        bytes(seat.id in hall.free for seat in hall.seats),
        quantity,
        FOCAL,
        accessible=accessible,
    )


def reserved(hall: Hall, group: Collection[Seat]) -> Result:
    """What the core says to reserving these seats, in the hall and by a policy that refuses."""
    choices = {seat.id: SeatChoice(seat.id, seat.section, seat.label) for seat in hall.seats}
    command = Reserve(
        TERMS.showtime_id,
        new_id(),
        new_id(),
        new_code(),
        seats=tuple(choices[seat.id] for seat in group),
        blocks=tuple(
            tuple(choices[seat.id] for seat in run)
            for run in Neighbours(hall.seats).beside(seat.id for seat in group)
        ),
    )
    now = TERMS.starts_at - timedelta(days=5)
    late = Booking(
        TERMS.showtime_id, new_id(), new_id(), new_code(), Status.RESERVED, "USD", 0, 0, 0, 0,
        now - timedelta(hours=1), now, None, None, 0,
        [Line(STALLS.id, "Main", len(hall.lapsed), 0, list(hall.lapsed))],
    )  # fmt: skip
    claims = {seat: (ClaimStatus.SOLD, new_id()) for seat in hall.taken}
    claims |= dict.fromkeys(hall.lapsed, (ClaimStatus.HELD, late.id))
    inventory = Inventory(
        TERMS,
        {STALLS.id: Allotment(
            TERMS.showtime_id, STALLS.id, len(hall.seats), len(hall.lapsed), len(hall.taken)
        )},
        {seat: Claim(TERMS.showtime_id, seat, STALLS.id, *claim) for seat, claim in claims.items()},
    )  # fmt: skip
    bookings = {late.id: late} if hall.lapsed else {}
    state = State(now, {TERMS.showtime_id: inventory}, bookings, {}, {})
    return decide(state, [command]).results[0]


def windows(hall: Hall, size: int) -> list[list[Seat]]:
    """All ways to sit side by side."""
    return [
        block[first : first + size]
        for block in hall.blocks
        for first in range(len(block) - size + 1)
        if all(seat.id in hall.free for seat in block[first : first + size])
    ]


def singles(hall: Hall, group: list[Seat]) -> int:
    """How many seats a choice leaves single though it need not."""
    chosen = {seat.id for seat in group}
    return sum(len(orphans([seat.id for seat in run], hall.free, chosen)) for run in hall.runs)


def distance(group: list[Seat]) -> float:
    return round(sum(math.dist((seat.x, seat.y), FOCAL) for seat in group), 6)


@given(hall=halls(), quantity=st.integers(1, 12), accessible=st.booleans())
@settings(max_examples=1_500)
def test_what_is_proposed_can_be_reserved_where_single_seats_are_refused(
    hall: Hall, quantity: int, accessible: bool
) -> None:
    found = best(hall, quantity, accessible=accessible)
    # Nothing is kept back for fear of single seats: there is always a way that leaves none.
    assert bool(found) == (len(hall.free) >= quantity and (bool(hall.usable) or not accessible))
    if found:
        result = reserved(hall, found)
        assert result.outcome is Outcome.RESERVED, (result.seats, [one.label for one in found])


@given(hall=halls(), picks=st.sets(st.integers(0, 35), min_size=1, max_size=4))
@settings(max_examples=500)
def test_only_seats_for_everybody_are_left_single(hall: Hall, picks: set[int]) -> None:
    """Which choices are refused, told by the plainest means: seat after seat."""
    chosen = [seat for at, seat in enumerate(hall.seats) if at in picks and seat.id in hall.free]
    if not chosen:
        return
    result = reserved(hall, chosen)
    named = [
        {seat.label for at, seat in enumerate(hall.seats) if alone(hall, free, chosen, at)}
        for free in (hall.free, hall.free | hall.lapsed)
    ]
    if all(named):
        assert (result.outcome, set(result.seats)) == (Outcome.ORPHAN_SEATS, named[1])
    else:
        assert result.outcome is Outcome.RESERVED


def alone(hall: Hall, free: set[UUID], chosen: list[Seat], at: int) -> bool:
    """Whether a seat is left without a neighbour for everybody, and was not, and need not be."""
    signs = "".join(
        "c" if seat in chosen else "." if seat.id in free else "x" for seat in hall.seats
    )
    row = hall.seats[at].row
    signs = "".join(
        sign if seat.row == row and not is_kept(seat) else "x"
        for sign, seat in zip(signs, hall.seats, strict=True)
    )
    before, after = signs[:at].rpartition("x")[2], signs[at + 1 :].partition("x")[0]
    if signs[at] != "." or before.endswith(".") or after.startswith("."):
        return False
    return "c" in before + after and (before + after).count(".") > 0


@given(hall=halls(), quantity=st.integers(1, 8))
@settings(max_examples=500)
def test_best_seats_are_the_best(hall: Hall, quantity: int) -> None:
    found = best(hall, quantity)
    if len(hall.free) < quantity:
        assert found == []
        return
    assert len({seat.id for seat in found}) == len(found) == quantity
    assert {seat.id for seat in found} <= hall.free
    if len(hall.usual) >= quantity:
        assert not any(is_kept(seat) for seat in found)
        together = [window for window in windows(hall, quantity) if not any(map(is_kept, window))]
        if together:
            least = min((singles(hall, window) > 0, distance(window)) for window in together)
            assert (singles(hall, found) > 0, distance(found)) == least
            assert found in together
    elif together := windows(hall, quantity):
        kept = [sum(map(is_kept, window)) for window in together]
        least_far = min(zip(kept, map(distance, together), strict=True))
        assert found in together
        assert (sum(map(is_kept, found)), distance(found)) == least_far


@given(hall=halls(), quantity=st.integers(1, 8))
@settings(max_examples=300)
def test_wheelchair_users_get_a_seat_that_they_can_use(hall: Hall, quantity: int) -> None:
    found = best(hall, quantity, accessible=True)
    assert bool(found) == (bool(hall.usable) and len(hall.free) >= quantity)
    if found:
        assert len({seat.id for seat in found}) == quantity
        assert any(seat.accessible for seat in found)
        together = [
            window for window in windows(hall, quantity) if any(seat.accessible for seat in window)
        ]
        if together:
            assert found in together
            assert taken_from_others(found) == min(map(taken_from_others, together))


def taken_from_others(group: list[Seat]) -> int:
    """By how much it differs from one seat for a wheelchair and one for who comes along."""
    return sum(seat.accessible for seat in group) + abs(sum(seat.companion for seat in group) - 1)


points = st.tuples(st.floats(-300, 300), st.floats(-300, 300))


@given(places=st.lists(points, min_size=1, max_size=9), near=points)
def test_no_seat_is_nearer_than_its_block_is_said_to_be(
    places: list[tuple[float, float]], near: tuple[float, float]
) -> None:
    # Seats at tables stand on any line; by fours, so that there are several tables.
    seats = [
        Seat(UUID(int=at), "Main", f"T{at // 4}", f"{at}", f"T{at // 4}-{at}", x, y, table=True)
        for at, (x, y) in enumerate(places)
    ]
    neighbours = Neighbours(seats)
    found = neighbours.near_first(*near)
    assert found == sorted(found)
    assert sorted(at for _, at in found) == list(range(len(neighbours.blocks)))
    for away, at in found:
        for seat in neighbours.blocks[at]:
            assert away <= math.dist((seat.x, seat.y), near) + 1e-6


@given(length=st.integers(1, 9), data=st.data())
def test_neighbours_leave_single_what_any_choice_would(length: int, data: st.DataObject) -> None:
    size = data.draw(st.integers(1, length))
    first = data.draw(st.integers(0, length - size))
    left = orphans(range(length), range(length), range(first, first + size))
    assert leaves_single(length, first, size) == bool(left)


@given(
    pattern=st.lists(st.booleans(), min_size=1, max_size=9),
    picks=st.sets(st.integers(0, 8), min_size=1),
)
def test_single_seats_are_those_that_could_have_been_avoided(
    pattern: list[bool], picks: set[int]
) -> None:
    free = {at for at, is_free in enumerate(pattern) if is_free}
    chosen = picks & free
    found = orphans(range(len(pattern)), free, chosen)
    left = free - chosen
    for seat in left:
        single = seat - 1 not in left and seat + 1 not in left
        stretch = stretch_of(seat, free)
        touched = stretch & chosen
        need = single and touched and can_avoid(stretch, len(touched))
        assert (seat in found) == bool(need), (pattern, chosen, seat)


def stretch_of(seat: int, free: set[int]) -> set[int]:
    stretch = {seat}
    while grown := {at for one in stretch for at in (one - 1, one + 1)} & free - stretch:
        stretch |= grown
    return stretch


def can_avoid(stretch: set[int], taken: int) -> bool:
    """Whether so many can be taken from the stretch without leaving any seat single."""
    return any(
        not any(seat - 1 not in left and seat + 1 not in left for seat in left)
        for chosen in combinations(sorted(stretch), taken)
        for left in [stretch - set(chosen)]
    )


def test_nobody_sits_alone_if_that_can_be() -> None:
    rows = [[a_seat(row, at) for at in range(4)] for row in range(2)]
    found = best(Hall(rows, set(), set()), 5)
    assert sorted(sum(seat in row for seat in found) for row in rows) == [2, 3]


def test_at_least_one_seat_is_asked_for() -> None:
    with pytest.raises(ValueError, match="at least one"):
        best_seats(Neighbours([]), b"", 0, FOCAL)
