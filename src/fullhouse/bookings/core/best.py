"""The best seats that are free: side by side, near the point that the hall looks at.

In this order: together without leaving a single seat behind; together; in few groups close to
each other, with nobody alone if that can be. Among equals the nearer to the focal point wins.
Seats for people in wheelchairs and for who comes with them are proposed to others only when the
other seats do not suffice.

No proposal leaves a seat single that ``orphans.py`` minds. Of the seats for everybody, each group
avoids it. With a kept seat among them, neighbours cannot do it. And where there are several
groups, all but the last take a whole stretch, or all of it but one seat.
"""

import math
import re
from collections.abc import Iterator, Sequence
from enum import Enum
from itertools import accumulate

from fullhouse.bookings.core.orphans import leaves_single
from fullhouse.venues.neighbours import COMPANION, EVERYBODY, WHEELCHAIR, Neighbours
from fullhouse.venues.seatmap import Seat

Point = tuple[float, float]

_ANY_TO_ONE = bytes([0, *[1] * 255])
_USUAL_TO_ONE = bytes(sign == EVERYBODY for sign in range(256))
_ANY_TO_ALL = bytes([0, *[255] * 255])
# Distances that differ by less are equal: seats that mirror each other are equally far.
_DIGITS = 6
_LESS = 1e-5


class _Wish(Enum):
    USUAL = "none that is kept for some"
    ANY = "any"
    ACCESSIBLE = "at least one for a wheelchair"


# How many seats it takes from others, how far it is, which block, and where in it.
_Badness = tuple[int, float, int, int]


def best_seats(
    neighbours: Neighbours,
    free: bytes | bytearray,
    quantity: int,
    focal: Point,
    *,
    accessible: bool = False,
) -> list[Seat]:
    """The best ``quantity`` free seats; none where there are not so many.

    ``free`` has a byte for each seat, in map order, which is 0 where the seat cannot be had. With
    ``accessible`` one of the seats at least can be used in a wheelchair, and none are proposed
    where that cannot be had. Equal halls give equal answers.
    """
    if quantity < 1:
        raise ValueError("at least one seat")
    search = _Search(neighbours, free)
    chosen: list[Seat] = []
    near = focal
    while len(chosen) < quantity:
        needed = quantity - len(chosen)
        wish = search.wish(needed, accessible=accessible and not chosen)
        if wish is None:
            return []
        chosen += search.take(needed, near, wish)
        near = _middle(chosen)
    return chosen


class _Search:
    """The seats that are free, of which groups are taken one after the other.

    What concerns all seats is done by the few operations on bytes that do it at once. Seats are
    looked at one by one only in the blocks that can hold the best group.
    """

    def __init__(self, neighbours: Neighbours, free: bytes | bytearray) -> None:
        self._neighbours = neighbours
        # Each block is followed by a 0, so that no run of seats goes on in the next.
        spread = b"".join(bytes(free[span]) + b"\0" for span in neighbours.spans)
        mask = int.from_bytes(spread.translate(_ANY_TO_ALL), "little")
        signs = mask & int.from_bytes(neighbours.signs, "little")
        # For whom each free seat is; 0 for any other.
        self._signs = bytearray(signs.to_bytes(len(spread), "little"))
        self._longest: dict[_Wish, int] = {}
        self._taken = 0
        self._center: Point = (0.0, 0.0)
        self._order: list[tuple[float, int]] = []  # of the blocks, by how far from there
        self._ordered_at = 0

    def wish(self, needed: int, *, accessible: bool) -> _Wish | None:
        """What the seats shall be; None where there are not enough of that sort."""
        if len(self._signs) - self._signs.count(0) < needed:
            return None
        if accessible:
            return _Wish.ACCESSIBLE if _wheelchairs(self._signs) else None
        return _Wish.USUAL if self._signs.count(EVERYBODY) >= needed else _Wish.ANY

    def take(self, needed: int, near: Point, wish: _Wish) -> list[Seat]:
        """The best group of so many, or of as many as can sit together."""
        mask = self._mask(wish)
        size = self._size(mask, needed, wish)
        group = b"\1" * size
        best: _Badness | None = None
        for away, at in self._near_first(near):
            begin, end = self._place(at)
            cost = 0
            if wish is _Wish.ANY:
                cost = max(0, size - self._signs.count(EVERYBODY, begin, end))
            if best is not None and (cost, size * away - _LESS) > best[:2]:
                if not cost:
                    break  # whatever follows is farther
            elif mask.find(group, begin, end) >= 0:
                for found in self._groups_in(at, mask[begin:end], size, near, wish):
                    best = found if best is None else min(best, found)
        assert best is not None, "the size was one that can be had"
        _, _, at, first = best
        begin, _ = self._place(at)
        self._signs[begin + first : begin + first + size] = bytes(size)
        self._taken += size
        return list(self._neighbours.blocks[at][first : first + size])

    def _near_first(self, near: Point) -> Iterator[tuple[float, int]]:
        """All blocks with a distance that none of their seats falls below, the least first."""
        if self._taken >= self._ordered_at:
            # Groups come to lie around the first. Their middle moves the less the more there are,
            # so that this is worth its while for the second, fourth, eighth... only.
            self._center, self._order = near, self._neighbours.near_first(*near)
            self._ordered_at = max(1, 2 * self._taken)
        moved = math.dist(near, self._center)
        for away, at in self._order:
            yield max(0.0, away - moved), at

    def _place(self, at: int) -> tuple[int, int]:
        """Where in the signs a block is."""
        span = self._neighbours.spans[at]
        return span.start + at, span.stop + at

    def _mask(self, wish: _Wish) -> bytearray:
        """1 for each seat that can be one of the group."""
        if wish is _Wish.USUAL:
            return self._signs.translate(_USUAL_TO_ONE)
        if wish is _Wish.ANY:
            return self._signs.translate(_ANY_TO_ONE)
        runs = self._signs.split(b"\0")
        fitting = (run if _wheelchairs(run) else bytes(len(run)) for run in runs)
        return bytearray(b"\0").join(fitting).translate(_ANY_TO_ONE)

    def _size(self, mask: bytearray, needed: int, wish: _Wish) -> int:
        """How many sit together first: all, or as many as can."""
        size = min(needed, self._longest.get(wish, needed))
        if b"\1" * size not in mask:
            # Taking seats makes no stretch longer, so this is not asked for every group.
            size = self._longest[wish] = max(map(len, mask.split(b"\0")))
        # One less, rather than somebody who sits alone.
        return size - 1 if needed - size == 1 and size > 2 else size

    def _groups_in(
        self, at: int, mask: bytearray, size: int, near: Point, wish: _Wish
    ) -> Iterator[_Badness]:
        block = self._neighbours.blocks[at]
        signs = self._signs[slice(*self._place(at))]
        distances = list(
            accumulate((math.dist((seat.x, seat.y), near) for seat in block), initial=0.0)
        )
        for stretch in re.finditer(b"\1{%d,}" % size, mask):
            begin, end = stretch.span()
            for first in range(begin, end - size + 1):
                after = first + size
                cost = 0
                if wish is not _Wish.USUAL:
                    taken = _taken_from_others(signs[first:after], wish)
                    if taken is None:
                        continue
                    cost = taken
                elif leaves_single(end - begin, first - begin, size):
                    continue
                yield cost, round(distances[after] - distances[first], _DIGITS), at, first


def _taken_from_others(signs: bytes | bytearray, wish: _Wish) -> int | None:
    """How many of the seats are kept for others, or None if the group cannot use them.

    Who comes in a wheelchair has one seat for that and the company of one: neither less nor more.
    """
    if wish is _Wish.ANY:
        return len(signs) - signs.count(EVERYBODY)
    wheelchairs = _wheelchairs(signs)
    return wheelchairs - 1 + abs(signs.count(COMPANION) - 1) if wheelchairs else None


def _wheelchairs(signs: bytes | bytearray) -> int:
    return signs.count(WHEELCHAIR) + signs.count(WHEELCHAIR | COMPANION)


def _middle(seats: Sequence[Seat]) -> Point:
    return (
        sum(seat.x for seat in seats) / len(seats),
        sum(seat.y for seat in seats) / len(seats),
    )
