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

from fullhouse.venues.seatmap import Seat

Point = tuple[float, float]


# Free seats side by side, in order, as many as there are.
_Stretch = list[Seat]


class _Wish(Enum):
    USUAL = "none that is kept for some"
    ANY = "any"
    ACCESSIBLE = "at least one for a wheelchair"


def best_seats(
    blocks: Sequence[Sequence[Seat]],
    free: Collection[UUID],
    quantity: int,
    focal: Point,
    *,
    accessible: bool = False,
) -> list[Seat]:
    """The best ``quantity`` free seats; none where there are not so many.

    Each block is a run of neighbours. With ``accessible`` one of the seats at least can be used in
    a wheelchair, and none are proposed where that cannot be had. Equal halls give equal answers.
    """
    if quantity < 1:
        raise ValueError("at least one seat")
    available = set(free)
    chosen: list[Seat] = []
    near = focal
    while len(chosen) < quantity:
        stretches = [part for block in blocks for part in _stretches(block, available)]
        needed = quantity - len(chosen)
        wish = _wish(stretches, needed, accessible=accessible and not chosen)
        if wish is None:
            return []
        chosen += _best_group(stretches, _size(stretches, needed, wish), near, wish)
        available.difference_update(seat.id for seat in chosen)
        near = _middle(chosen)
    return chosen


def is_kept(seat: Seat) -> bool:
    """Whether it is meant for people in wheelchairs or for who comes with them."""
    return seat.accessible or seat.companion


def _stretches(block: Sequence[Seat], available: Collection[UUID]) -> list[_Stretch]:
    found: list[_Stretch] = []
    goes_on = False
    for seat in block:
        if seat.id not in available:
            goes_on = False
        elif goes_on:
            found[-1].append(seat)
        else:
            found.append([seat])
            goes_on = True
    return found


def _wish(stretches: list[_Stretch], needed: int, *, accessible: bool) -> _Wish | None:
    """What the seats shall be; None where there are not enough of that sort."""
    seats = [seat for stretch in stretches for seat in stretch]
    if len(seats) < needed:
        return None
    if accessible:
        return _Wish.ACCESSIBLE if any(seat.accessible for seat in seats) else None
    return _Wish.USUAL if sum(not is_kept(seat) for seat in seats) >= needed else _Wish.ANY


def _size(stretches: list[_Stretch], needed: int, wish: _Wish) -> int:
    """How many of them sit together first: all, or as many as can."""
    longest = max(_longest(stretch, wish) for stretch in stretches)
    size = min(needed, longest)
    # One less, rather than somebody who sits alone.
    return size - 1 if needed - size == 1 and size > 2 else size


def _longest(stretch: _Stretch, wish: _Wish) -> int:
    if wish is _Wish.USUAL:
        runs = accumulate(stretch, lambda run, seat: 0 if is_kept(seat) else run + 1, initial=0)
        return max(runs)
    if wish is _Wish.ACCESSIBLE and not any(seat.accessible for seat in stretch):
        return 0
    return len(stretch)


def _best_group(stretches: list[_Stretch], size: int, near: Point, wish: _Wish) -> list[Seat]:
    best: tuple[tuple[bool, int, float], _Stretch, int] | None = None
    for stretch in stretches:
        if len(stretch) < size:
            continue
        distances = _sums(math.dist((seat.x, seat.y), near) for seat in stretch)
        kept = _sums(is_kept(seat) for seat in stretch)
        wheelchairs = _sums(seat.accessible for seat in stretch)
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


def _middle(seats: Sequence[Seat]) -> Point:
    return (
        sum(seat.x for seat in seats) / len(seats),
        sum(seat.y for seat in seats) / len(seats),
    )
