"""Who sits beside whom: tables, and rows cut where an aisle or a pillar is between two seats."""

import itertools
import math
from collections.abc import Iterable
from statistics import median_low
from uuid import UUID

from fullhouse.venues.seatmap import Seat

# Two seats farther apart than this many times what is usual in their row have a gap between them.
_GAP = 1.75

Block = tuple[Seat, ...]

# For whom a seat is, one bit each.
EVERYBODY, WHEELCHAIR, COMPANION = 1, 2, 4


def blocks(seats: Iterable[Seat]) -> list[Block]:
    """The seats, which are in map order, cut into runs in which each sits beside the next."""
    cut: list[Block] = []
    row: list[Seat] = []
    for seat in seats:
        if row and (row[-1].section, row[-1].row) != (seat.section, seat.row):
            cut += _cut_at_gaps(row)
            row = []
        row.append(seat)
    return cut + _cut_at_gaps(row)


def _cut_at_gaps(row: list[Seat]) -> list[Block]:
    if row and row[0].table:
        # From one side of a table to the next is far, and everybody talks across it.
        return [tuple(row)]
    if len(row) < 3:
        # Nothing to compare with: two seats of one row are neighbours.
        return [tuple(row)] if row else []
    steps = [
        math.dist((one.x, one.y), (other.x, other.y)) for one, other in itertools.pairwise(row)
    ]
    usual = median_low(steps)
    cut: list[Block] = []
    first = 0
    for at, step in enumerate(steps, start=1):
        if step > usual * _GAP:
            cut.append(tuple(row[first:at]))
            first = at
    return [*cut, tuple(row[first:])]


def sign_of(seat: Seat) -> int:
    """For whom the seat is: ``EVERYBODY``, else ``WHEELCHAIR``, ``COMPANION`` or both."""
    if not is_kept(seat):
        return EVERYBODY
    return WHEELCHAIR * seat.accessible | COMPANION * seat.companion


def is_kept(seat: Seat) -> bool:
    """Whether it is meant for people in wheelchairs or for who comes with them."""
    return seat.accessible or seat.companion


def for_everybody(block: Block) -> list[Block]:
    """The runs of seats in a block that are meant for everybody.

    A kept seat ends a run as an aisle does. Nobody else shall be pushed into it, so that a seat
    with nothing free beside it but a kept one is single; and it is itself sold alone or by twos.
    """
    if not any(map(is_kept, block)):
        return [block]
    return [tuple(run) for kept, run in itertools.groupby(block, is_kept) if not kept]


class Neighbours:
    """Who sits beside whom in a whole map.

    Attributes:
        blocks: the runs of neighbours, in map order.
        spans: where in the map each block is.
        signs: for whom each seat is, in that order, with a 0 after each block.
    """

    def __init__(self, seats: Iterable[Seat]) -> None:
        self.blocks = blocks(seats)
        self._run_of = {
            seat.id: run for block in self.blocks for run in for_everybody(block) for seat in run
        }
        ends = itertools.accumulate((len(block) for block in self.blocks), initial=0)
        self.spans = [slice(first, after) for first, after in itertools.pairwise(ends)]
        self.signs = b"".join(bytes([*map(sign_of, block), 0]) for block in self.blocks)
        self._strips = [_strip(block) for block in self.blocks]

    def beside(self, seats: Iterable[UUID]) -> list[Block]:
        """The runs for everybody in which the seats stand, each once; kept seats are in none."""
        runs = [self._run_of[seat] for seat in seats if seat in self._run_of]
        return list({run[0].id: run for run in runs}.values())

    def near_first(self, x: float, y: float) -> list[tuple[float, int]]:
        """All blocks, those near the point first: how far its seats are at least, and which it is.

        No seat is nearer than that; the nearest may be a little farther.
        """
        found: list[tuple[float, int]] = []
        for at, (x0, y0, dx, dy, square, width) in enumerate(self._strips):
            # To where the line from end to end comes nearest.
            along = ((x - x0) * dx + (y - y0) * dy) / square
            along = 0.0 if along < 0.0 else min(along, 1.0)
            found.append((math.hypot(x0 + along * dx - x, y0 + along * dy - y) - width, at))
        found.sort()
        return found


# A line from end to end of a block: where it begins, whereto it goes, the square of its length;
# and how far from it the seats between may be.
_Strip = tuple[float, float, float, float, float, float]


def _strip(block: Block) -> _Strip:
    first, last = block[0], block[-1]
    dx, dy = last.x - first.x, last.y - first.y
    square = dx * dx + dy * dy or 1.0
    width = 0.0
    for seat in block:
        x, y = seat.x - first.x, seat.y - first.y
        along = (x * dx + y * dy) / square
        along = 0.0 if along < 0.0 else min(along, 1.0)
        width = max(width, math.hypot(along * dx - x, along * dy - y))
    return first.x, first.y, dx, dy, square, width
