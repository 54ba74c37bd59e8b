"""Single seats that a choice would leave behind, and that hardly anybody will buy.

The rule, as buyers are told it: of a stretch of free seats side by side, leave none or at least
two. Where one would remain whatever is chosen (two out of three), it may. Seats that are kept for
people in wheelchairs, or for who comes with them, are no part of it: a stretch ends at them
(``venues/neighbours.py``, ``for_everybody``), and to leave them single is nobody's fault.

Taking from an end of a stretch is therefore always allowed, and so is every choice of neighbours
with a kept seat among them. What ``best.py`` proposes is of these, or leaves two on both sides.
"""

from collections.abc import Collection, Hashable, Sequence
from typing import TypeVar

Seat = TypeVar("Seat", bound=Hashable)


def orphans(block: Sequence[Seat], free: Collection[Seat], chosen: Collection[Seat]) -> list[Seat]:
    """The seats that would be left single by taking the chosen ones, where that is avoidable.

    ``block`` is a run for everybody, ``free`` holds those that can be had, the chosen ones among
    them. Seats that are single already are nobody's fault.
    """
    left: list[Seat] = []
    stretch: list[Seat] = []
    for seat in block:
        if seat in free:
            stretch.append(seat)
        else:
            left += _left_in(stretch, chosen)
            stretch = []
    return left + _left_in(stretch, chosen)


def leaves_single(length: int, first: int, size: int) -> bool:
    """The same for a stretch of free seats, of which ``size`` side by side are taken."""
    after = length - first - size
    return first + after > 1 and 1 in (first, after)


def _left_in(stretch: list[Seat], chosen: Collection[Seat]) -> list[Seat]:
    taken = sum(seat in chosen for seat in stretch)
    if taken == 0 or len(stretch) - taken <= 1:
        return []
    single: list[Seat] = []
    rest: list[Seat] = []
    for seat in stretch:
        if seat not in chosen:
            rest.append(seat)
            continue
        if len(rest) == 1:
            single += rest
        rest = []
    return single + (rest if len(rest) == 1 else [])
