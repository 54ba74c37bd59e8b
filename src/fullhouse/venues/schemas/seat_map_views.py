"""Seat maps as answers hold them, and the finished answers."""

from collections.abc import Iterable
from datetime import datetime
from itertools import groupby
from operator import attrgetter
from typing import Literal
from uuid import UUID

import msgspec

from fullhouse.api.schemas import View
from fullhouse.venues.exchange.losses import Loss
from fullhouse.venues.exchange.pretix_losses import plan_losses
from fullhouse.venues.layout import BoxLayout, CategoryLayout, PointLayout, ShapeLayout
from fullhouse.venues.seatmap import Seat, SeatMap, Section
from fullhouse.venues.store.seat_maps import SeatMapVersion


class SectionSummaryView(View):
    """A section and how many seats it has."""

    name: str
    seats: int


class StandingView(View, omit_defaults=True):
    """A standing area and how many people it takes."""

    name: str
    capacity: int
    outline: tuple[PointLayout, ...] = ()
    category: str | None = None


class SeatMapSummaryView(View):
    """A version of a seat map without its seats."""

    id: UUID
    hall_id: UUID
    version: int
    name: str
    seats: int
    sections: list[SectionSummaryView]
    standing: list[StandingView]


class LossView(View):
    """Something that is lost or changed on the way from one system to another.

    ``pointer`` leads to the first such place in what was read (RFC 6901), ``times`` says how many
    there are.
    """

    pointer: str
    what: str
    times: int


class SeatMapImportView(View):
    """What an import made, and what was lost by it. A dry run has neither id nor version."""

    id: UUID | None
    hall_id: UUID
    version: int | None
    name: str
    seats: int
    sections: list[SectionSummaryView]
    standing: list[StandingView]
    losses: list[LossView]


class SeatMapLossesView(View):
    """What of a seat map the export does not have, or has in another way.

    Pointers lead into the map as ``GET /seat-maps/{seatMapId}`` shows it.
    """

    losses: list[LossView]


class SeatMapVersionView(View):
    """A version of a hall's seat map, as a list shows it."""

    id: UUID
    hall_id: UUID
    version: int
    name: str
    seats: int
    created_at: datetime


class SeatView(View, omit_defaults=True):
    """A seat. Flags that are false are left out, and so is the category if it is the section's.

    ``externalId`` is what another system knows it by, where it came from there.
    """

    id: UUID
    label: str
    number: str
    x: float
    y: float
    accessible: bool = False
    companion: bool = False
    restricted_view: bool = False
    category: str | None = None
    external_id: str | None = None


class RowView(View):
    """Seats of one row, side by side."""

    label: str
    seats: list[SeatView]


class TableView(View):
    """A table and the seats around it, in order."""

    name: str
    x: float
    y: float
    shape: Literal["round", "rectangular"]
    width: float
    height: float
    rotation: float
    seats: list[SeatView]


class SectionView(View, omit_defaults=True):
    """A section with its rows and tables."""

    name: str
    rows: list[RowView]
    tables: list[TableView] = []
    outline: tuple[PointLayout, ...] = ()
    category: str | None = None


class PointView(View):
    """A point of the hall."""

    x: float
    y: float


class SeatMapView(View, omit_defaults=True):
    """A whole version of a seat map. It never changes; a change makes another version."""

    id: UUID
    hall_id: UUID
    version: int
    name: str
    width: float
    height: float
    focal: PointView
    sections: list[SectionView]
    standing: list[StandingView]
    categories: list[CategoryLayout] = []
    shapes: list[ShapeLayout] = []
    background_image_id: UUID | None = None
    background_box: BoxLayout | None = None


def summary_view(seat_map: SeatMap) -> SeatMapSummaryView:
    """What a seat map consists of, without its seats."""
    return SeatMapSummaryView(
        id=seat_map.id,
        hall_id=seat_map.hall_id,
        version=seat_map.version,
        name=seat_map.name,
        seats=len(seat_map.seats),
        sections=_section_summaries(seat_map),
        standing=standing_views(seat_map),
    )


def import_view(seat_map: SeatMap, losses: list[Loss], *, kept: bool) -> SeatMapImportView:
    """What an import made, or would make, and what is lost."""
    return SeatMapImportView(
        id=seat_map.id if kept else None,
        hall_id=seat_map.hall_id,
        version=seat_map.version if kept else None,
        name=seat_map.name,
        seats=len(seat_map.seats),
        sections=_section_summaries(seat_map),
        standing=standing_views(seat_map),
        losses=_losses(losses),
    )


def losses_json(seat_map: SeatMap) -> bytes:
    """What a plan of pretix does not have of the map."""
    return msgspec.json.encode(SeatMapLossesView(_losses(plan_losses(seat_map))))


def _losses(losses: Iterable[Loss]) -> list[LossView]:
    return [LossView(loss.pointer, loss.what, loss.times) for loss in losses]


def version_view(row: SeatMapVersion) -> SeatMapVersionView:
    """A version of a hall's seat map, as a list shows it."""
    return SeatMapVersionView(row.id, row.hall_id, row.version, row.name, row.seats, row.created_at)


def full_json(seat_map: SeatMap) -> bytes:
    """The whole seat map, seats grouped into their rows."""
    drawing = seat_map.drawing
    return msgspec.json.encode(
        SeatMapView(
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


def _section_summaries(seat_map: SeatMap) -> list[SectionSummaryView]:
    return [SectionSummaryView(part.name, len(part.seats)) for part in seat_map.sections]


def standing_views(seat_map: SeatMap) -> list[StandingView]:
    """The standing areas of a seat map."""
    return [
        StandingView(area.name, area.capacity, area.outline, area.category)
        for area in seat_map.standing
    ]


def _section(part: Section) -> SectionView:
    rows: list[RowView] = []
    at_tables: dict[str, list[SeatView]] = {}
    for (row, table), seats in groupby(part.seats, attrgetter("row", "table")):
        if table:
            at_tables[row] = _seats(seats)
        else:
            rows.append(RowView(row, _seats(seats)))
    tables = [
        TableView(
            table.name,
            table.x,
            table.y,
            table.shape,
            table.width,
            table.height,
            table.rotation,
            at_tables[table.name],
        )
        for table in part.tables
    ]
    return SectionView(part.name, rows, tables, part.outline, part.category)


def _seats(seats: Iterable[Seat]) -> list[SeatView]:
    return [
        SeatView(
            seat.id,
            seat.label,
            seat.number,
            seat.x,
            seat.y,
            seat.accessible,
            seat.companion,
            seat.restricted_view,
            seat.category,
            seat.external_id,
        )
        for seat in seats
    ]
