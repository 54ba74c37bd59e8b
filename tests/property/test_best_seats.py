"""Best seats and single seats, against the plainest way to say what is right."""

import math
from itertools import combinations
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fullhouse.bookings.core.best import best_seats, is_kept
from fullhouse.bookings.core.orphans import orphans
from fullhouse.venues.seatmap import Seat

FOCAL = (50.0, -20.0)


def a_seat(row: int, number: int, kind: str = "usual") -> Seat:
    return Seat(
        UUID(int=row * 100 + number), "Main", f"{row}", f"{number}", f"{row}-{number}",
        number * 10.0, row * 12.0, kind == "accessible", kind == "companion",
    )  # fmt: skip


@st.composite
def halls(draw: st.DrawFn) -> tuple[list[list[Seat]], set[UUID]]:
    """A few short blocks and which of their seats are free."""
    lengths = draw(st.lists(st.integers(1, 9), min_size=1, max_size=4))
    kinds = st.sampled_from(["usual"] * 6 + ["accessible", "companion"])
    blocks = [
        [a_seat(row, number, draw(kinds)) for number in range(length)]
        for row, length in enumerate(lengths)
    ]
    places = [place.id for block in blocks for place in block]
    return blocks, draw(st.sets(st.sampled_from(places)))


def windows(blocks: list[list[Seat]], free: set[UUID], size: int) -> list[list[Seat]]:
    """All ways to sit side by side."""
    return [
        block[first : first + size]
        for block in blocks
        for first in range(len(block) - size + 1)
        if all(place.id in free for place in block[first : first + size])
    ]


def singles(blocks: list[list[Seat]], free: set[UUID], group: list[Seat]) -> int:
    """How many seats a choice leaves single though it need not."""
    chosen = {place.id for place in group}
    return sum(len(orphans([place.id for place in block], free, chosen)) for block in blocks)


def distance(group: list[Seat]) -> float:
    return round(sum(math.dist((place.x, place.y), FOCAL) for place in group), 6)


@given(hall=halls(), quantity=st.integers(1, 8))
@settings(max_examples=500)
def test_best_seats_are_the_best(hall: tuple[list[list[Seat]], set[UUID]], quantity: int) -> None:
    blocks, free = hall
    found = best_seats(blocks, free, quantity, FOCAL)
    if len(free) < quantity:
        assert found == []
        return
    assert len({place.id for place in found}) == len(found) == quantity
    assert {place.id for place in found} <= free
    usual = {place.id for block in blocks for place in block if not is_kept(place)} & free
    if len(usual) >= quantity:
        assert not any(is_kept(place) for place in found)
        together = [
            window
            for window in windows(blocks, free, quantity)
            if not any(is_kept(place) for place in window)
        ]
        if together:
            best = min((singles(blocks, free, window) > 0, distance(window)) for window in together)
            assert (singles(blocks, free, found) > 0, distance(found)) == best
            assert found in together
    elif windows(blocks, free, quantity):
        assert found in windows(blocks, free, quantity)


@given(hall=halls(), quantity=st.integers(1, 8))
@settings(max_examples=300)
def test_wheelchair_users_get_a_seat_that_they_can_use(
    hall: tuple[list[list[Seat]], set[UUID]], quantity: int
) -> None:
    blocks, free = hall
    found = best_seats(blocks, free, quantity, FOCAL, accessible=True)
    usable = {place.id for block in blocks for place in block if place.accessible} & free
    assert bool(found) == (bool(usable) and len(free) >= quantity)
    if found:
        assert len({place.id for place in found}) == quantity
        assert any(place.accessible for place in found)
        together = [
            window
            for window in windows(blocks, free, quantity)
            if any(place.accessible for place in window)
        ]
        if together:
            assert found in together


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
    free = {place.id for row in rows for place in row}
    found = best_seats(rows, free, 5, FOCAL)
    assert sorted(sum(place in row for place in found) for row in rows) == [2, 3]


def test_at_least_one_seat_is_asked_for() -> None:
    with pytest.raises(ValueError, match="at least one"):
        best_seats([], set(), 0, FOCAL)
