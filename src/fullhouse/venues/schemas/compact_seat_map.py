"""A seat map in few bytes: seats as parallel lists instead of objects.

The seats are in map order, section by section, a section's rows before its tables; counted so,
they are in the order of packed seat states. What a seat needs besides follows from its place:
its label is ``<row>-<number>``, and section/label names it wherever a seat is named.
"""

from collections.abc import Sequence
from itertools import groupby
from operator import attrgetter
from uuid import UUID

import msgspec

from fullhouse.api.schemas import View
from fullhouse.venues.layout import BoxLayout, CategoryLayout, PointLayout, ShapeLayout
from fullhouse.venues.schemas.seat_map_views import PointView, StandingView, standing_views
from fullhouse.venues.seatmap import Seat, SeatMap, Section, Table


class CompactRowView(View, omit_defaults=True):
    """The seats of a row: the n-th of each list belongs to the n-th seat.

    The flags list the indexes of the seats that have them; ``categories`` the indexes of the
    seats of a category other than their section's.
    """

    label: str
    numbers: list[str]
    x: list[float]
    y: list[float]
    accessible: list[int] = []
    companion: list[int] = []
    restricted_view: list[int] = []
    categories: dict[str, list[int]] = {}


class CompactTableView(View, omit_defaults=True):
    """A table, and the seats around it as those of a row are listed; its name is their row."""

    x: float
    y: float
    shape: str
    width: float
    height: float
    rotation: float
    seats: CompactRowView


class CompactSectionView(View, omit_defaults=True):
    """A section with its rows and tables."""

    name: str
    rows: list[CompactRowView]
    tables: list[CompactTableView] = []
    outline: tuple[PointLayout, ...] = ()
    category: str | None = None


class CompactSeatMapView(View, omit_defaults=True):
    """A whole version of a seat map in few bytes."""

    id: UUID
    hall_id: UUID
    version: int
    name: str
    width: float
    height: float
    focal: PointView
    sections: list[CompactSectionView]
    standing: list[StandingView]
    categories: list[CategoryLayout] = []
    shapes: list[ShapeLayout] = []
    background_image_id: UUID | None = None
    background_box: BoxLayout | None = None


def compact_json(seat_map: SeatMap) -> bytes:
    """The whole seat map with its seats as parallel lists."""
    drawing = seat_map.drawing
    return msgspec.json.encode(
        CompactSeatMapView(
            id=seat_map.id,
            hall_id=seat_map.hall_id,
            version=seat_map.version,
            name=seat_map.name,
            width=seat_map.width,
            height=seat_map.height,
            focal=PointView(*seat_map.focal),
            sections=[_section(part) for part in seat_map.sections],
            standing=standing_views(seat_map),
            categories=list(drawing.categories),
            shapes=list(drawing.shapes),
            background_image_id=drawing.background_image_id,
            background_box=drawing.background_box,
        )
    )


def _section(part: Section) -> CompactSectionView:
    rows: list[CompactRowView] = []
    at_tables: dict[str, CompactRowView] = {}
    for (row, table), seats in groupby(part.seats, attrgetter("row", "table")):
        if table:
            at_tables[row] = _row(row, list(seats))
        else:
            rows.append(_row(row, list(seats)))
    tables = [_table(table, at_tables[table.name]) for table in part.tables]
    return CompactSectionView(part.name, rows, tables, part.outline, part.category)


def _table(table: Table, seats: CompactRowView) -> CompactTableView:
    return CompactTableView(
        table.x, table.y, table.shape, table.width, table.height, table.rotation, seats
    )


def _row(label: str, seats: Sequence[Seat]) -> CompactRowView:
    categories: dict[str, list[int]] = {}
    for at, seat in enumerate(seats):
        if seat.category is not None:
            categories.setdefault(seat.category, []).append(at)
    return CompactRowView(
        label,
        [seat.number for seat in seats],
        [_short(seat.x) for seat in seats],
        [_short(seat.y) for seat in seats],
        [at for at, seat in enumerate(seats) if seat.accessible],
        [at for at, seat in enumerate(seats) if seat.companion],
        [at for at, seat in enumerate(seats) if seat.restricted_view],
        categories,
    )


def _short(number: float) -> float:
    # Most are whole, and two bytes shorter without ".0".
    return int(number) if number.is_integer() else number
