"""Who sits beside whom: tables, and rows cut where an aisle or a pillar is between two seats."""

import itertools
import math
from collections.abc import Iterable
from statistics import median_low

from fullhouse.venues.seatmap import Seat

# Two seats farther apart than this many times what is usual in their row have a gap between them.
_GAP = 1.75

Block = tuple[Seat, ...]


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


class Neighbours:
    """The runs of a whole map, and the one that each seat stands in."""

    def __init__(self, seats: Iterable[Seat]) -> None:
        self.blocks = blocks(seats)
        self.block_of = {seat.id: block for block in self.blocks for seat in block}
