"""How large a map is, how large its seats are, and where on it nothing is yet."""

import math
from collections.abc import Iterable, Sequence
from itertools import groupby, islice, pairwise
from operator import attrgetter
from statistics import median_low
from typing import NamedTuple

from fullhouse.venues.layout import PointLayout, ShapeLayout
from fullhouse.venues.seatmap import Seat, SeatMap, Section
from fullhouse.venues.svg import pen

# From seat to seat where nothing tells, as in our own templates.
_USUAL_PITCH = 30.0
# Seats are seen and tell their places, whatever their distances: shares of the whole.
_SMALLEST, _LARGEST = 1 / 1_500, 1 / 12
# Coordinates are exact to a part of the distance between two seats.
_EXACT = 25
_MOST_DIGITS = 6
# What is not larger is one point.
_POINT = 0.001
# Names keep away from so many shapes with texts, if these are no larger than so many seats.
_MOST_AVOIDED, _NEARBY = 100, 40


class Box(NamedTuple):
    """A part of the sheet."""

    left: float
    top: float
    right: float
    bottom: float

    @property
    def width(self) -> float:
        return self.right - self.left

    @property
    def height(self) -> float:
        return self.bottom - self.top

    @property
    def middle(self) -> tuple[float, float]:
        return (self.left + self.right) / 2, (self.top + self.bottom) / 2

    def grown(self, by: float) -> "Box":
        """The same with so much more on every side."""
        return Box(self.left - by, self.top - by, self.right + by, self.bottom + by)

    def holds(self, x: float, y: float) -> bool:
        """Whether a point is in it."""
        return self.left <= x <= self.right and self.top <= y <= self.bottom


def around(x: float, y: float, width: float, height: float) -> Box:
    """The box of this size about a point."""
    return Box(x - width / 2, y - height / 2, x + width / 2, y + height / 2)


def box_of(points: Iterable[PointLayout | Seat]) -> Box:
    """The smallest box that has all of the points."""
    places = [(point.x, point.y) for point in points]
    across, down = [x for x, _ in places], [y for _, y in places]
    return Box(min(across), min(down), max(across), max(down))


def box_of_shape(shape: ShapeLayout) -> Box:
    """The smallest box that surely has a shape in it."""
    if shape.points:
        return box_of(shape.points)
    width, height = shape.width or 0.0, shape.height or 0.0
    if shape.rotation:
        width = height = math.hypot(width, height)
    wide = pen.width_of(shape.text, shape.text_size)
    side = max(wide, shape.text_size) if shape.rotation else shape.text_size
    return around(shape.x or 0.0, shape.y or 0.0, max(width, wide), max(height, side))


class Sheet:
    """The measures of a map's picture, and what is taken of its ground."""

    def __init__(self, seat_map: SeatMap) -> None:
        boxes = _boxes(seat_map)
        self.box = Box(
            min(box.left for box in boxes),
            min(box.top for box in boxes),
            max(box.right for box in boxes),
            max(box.bottom for box in boxes),
        )
        span = max(self.box.width, self.box.height)
        steps = [step for part in seat_map.sections if (step := _step(part.seats))]
        pitch = median_low(steps) if steps else _USUAL_PITCH
        near, far = span * _SMALLEST, span * _LARGEST
        self.pitch = max(min(pitch, far), near) if span > _POINT else _USUAL_PITCH
        self.span = max(span, self.pitch * 4)
        exact = math.ceil(-math.log10(self.pitch / _EXACT))
        self.digits = max(0, min(exact, _MOST_DIGITS))
        self._taken = {self._cell(seat.x, seat.y) for seat in seat_map.seats}
        said = (box_of_shape(shape) for shape in seat_map.drawing.shapes if shape.text)
        small = (box for box in said if max(box.width, box.height) <= self.pitch * _NEARBY)
        for box in islice(small, _MOST_AVOIDED):
            self._taken |= self._cells(box)

    def pitch_of(self, part: Section) -> float:
        """The distance between the seats of a section, within reason."""
        own = _step(part.seats) or self.pitch
        return max(self.pitch / 2, min(own, self.pitch * 1.5))

    def take(self, box: Box) -> bool:
        """Take the ground of a box for something; False where there is something already."""
        cells = self._cells(box)
        if cells & self._taken:
            return False
        self._taken |= cells
        return True

    def _cells(self, box: Box) -> set[tuple[int, int]]:
        first, last = self._cell(box.left, box.top), self._cell(box.right, box.bottom)
        return {
            (column, row)
            for column in range(first[0], last[0] + 1)
            for row in range(first[1], last[1] + 1)
        }

    def _cell(self, x: float, y: float) -> tuple[int, int]:
        return math.floor(x / self.pitch * 2), math.floor(y / self.pitch * 2)


def _step(seats: Sequence[Seat]) -> float | None:
    """The usual distance between neighbours in a row, or between rows if that is less."""
    rows = [list(row) for _, row in groupby(seats, attrgetter("row"))]
    beside = [_distance(*two) for row in rows for two in pairwise(row)]
    behind = [_distance(one[0], other[0]) for one, other in pairwise(rows)]
    usual = [
        median_low(found) for steps in (beside, behind) if (found := list(filter(None, steps)))
    ]
    return min(usual, default=None)


def _distance(one: Seat, other: Seat) -> float:
    return math.hypot(one.x - other.x, one.y - other.y)


def _boxes(seat_map: SeatMap) -> list[Box]:
    """Of everything that has a place of its own; at least one."""
    found = [around(*seat_map.focal, 0.0, 0.0)] if seat_map.drawing.shapes else []
    for part in seat_map.sections:
        found.append(box_of(part.seats))
        for table in part.tables:
            width, height = table.width, table.height
            if table.rotation:
                width = height = math.hypot(width, height)
            found.append(around(table.x, table.y, width, height))
    grounds = [part.outline for part in seat_map.sections]
    grounds += [area.outline for area in seat_map.standing]
    found += [box_of(outline) for outline in grounds if outline]
    found += [box_of_shape(shape) for shape in seat_map.drawing.shapes]
    return found or [around(0.0, 0.0, 0.0, 0.0)]
