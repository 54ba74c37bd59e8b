"""The best seats that are free: side by side, near the point that the hall looks at.

In this order: together without leaving a single seat behind; together; in few groups close to
each other, with nobody alone if that can be. Among equals the nearer to the focal point wins.
Seats for people in wheelchairs and for who comes with them are proposed to others only when the
other seats do not suffice.
"""

import math
from collections.abc import Collection, Iterable, Sequence
from enum import Enum
from itertools import accumulate
from uuid import UUID

import msgspec

Point = tuple[float, float]


class Place(msgspec.Struct, frozen=True, gc=False):
    """A seat with what makes it good or bad."""

    id: UUID
    x: float
    y: float
    accessible: bool = False
    companion: bool = False

    @property
    def is_kept(self) -> bool:
        """Whether it is meant for people in wheelchairs or for who comes with them."""
        return self.accessible or self.companion


# Free seats side by side, in order, as many as there are.
_Stretch = list[Place]


class _Wish(Enum):
    USUAL = "none that is kept for some"
    ANY = "any"
    ACCESSIBLE = "at least one for a wheelchair"


def best_seats(
    blocks: Sequence[Sequence[Place]],
    free: Collection[UUID],
    quantity: int,
    focal: Point,
    *,
    accessible: bool = False,
) -> list[Place]:
    """The best ``quantity`` free seats; none where there are not so many.

    Each block is a run of neighbours. With ``accessible`` one of the seats at least can be used in
    a wheelchair, and none are proposed where that cannot be had. Equal halls give equal answers.
    """
    if quantity < 1:
        raise ValueError("at least one seat")
    available = set(free)
    chosen: list[Place] = []
    near = focal
    while len(chosen) < quantity:
        stretches = [part for block in blocks for part in _stretches(block, available)]
        needed = quantity - len(chosen)
        wish = _wish(stretches, needed, accessible=accessible and not chosen)
        if wish is None:
            return []
        chosen += _best_group(stretches, _size(stretches, needed, wish), near, wish)
        available.difference_update(place.id for place in chosen)
        near = _middle(chosen)
    return chosen


def _stretches(block: Sequence[Place], available: Collection[UUID]) -> list[_Stretch]:
    found: list[_Stretch] = []
    goes_on = False
    for place in block:
        if place.id not in available:
            goes_on = False
        elif goes_on:
            found[-1].append(place)
        else:
            found.append([place])
            goes_on = True
    return found


def _wish(stretches: list[_Stretch], needed: int, *, accessible: bool) -> _Wish | None:
    """What the seats shall be; None where there are not enough of that sort."""
    places = [place for stretch in stretches for place in stretch]
    if len(places) < needed:
        return None
    if accessible:
        return _Wish.ACCESSIBLE if any(place.accessible for place in places) else None
    return _Wish.USUAL if sum(not place.is_kept for place in places) >= needed else _Wish.ANY


def _size(stretches: list[_Stretch], needed: int, wish: _Wish) -> int:
    """How many of them sit together first: all, or as many as can."""
    longest = max(_longest(stretch, wish) for stretch in stretches)
    size = min(needed, longest)
    # One less, rather than somebody who sits alone.
    return size - 1 if needed - size == 1 and size > 2 else size


def _longest(stretch: _Stretch, wish: _Wish) -> int:
    if wish is _Wish.USUAL:
        runs = accumulate(stretch, lambda run, place: 0 if place.is_kept else run + 1, initial=0)
        return max(runs)
    if wish is _Wish.ACCESSIBLE and not any(place.accessible for place in stretch):
        return 0
    return len(stretch)


def _best_group(stretches: list[_Stretch], size: int, near: Point, wish: _Wish) -> list[Place]:
    best: tuple[tuple[bool, int, float], _Stretch, int] | None = None
    for stretch in stretches:
        if len(stretch) < size:
            continue
        distances = _sums(math.dist((place.x, place.y), near) for place in stretch)
        kept = _sums(place.is_kept for place in stretch)
        wheelchairs = _sums(place.accessible for place in stretch)
        for first in range(len(stretch) - size + 1):
            after = first + size
            if wish is _Wish.USUAL and kept[after] > kept[first]:
                continue
            if wish is _Wish.ACCESSIBLE and wheelchairs[after] == wheelchairs[first]:
                continue
            badness = (
                _leaves_one(len(stretch), first, size),
                int(kept[after] - kept[first]),
                # Seats that mirror each other are equally far, whatever the last digit says.
                round(distances[after] - distances[first], 6),
            )
            if best is None or badness < best[0]:
                best = badness, stretch, first
    assert best is not None, "the size was one that can be had"
    _, stretch, first = best
    return stretch[first : first + size]


def _leaves_one(length: int, first: int, size: int) -> bool:
    """Whether a single seat is left at either end where that could be avoided (``orphans.py``)."""
    return length - size > 1 and (first == 1 or length - first - size == 1)


def _sums(values: Iterable[float]) -> list[float]:
    return list(accumulate(values, initial=0.0))


def _middle(places: Sequence[Place]) -> Point:
    return (
        sum(place.x for place in places) / len(places),
        sum(place.y for place in places) / len(places),
    )
