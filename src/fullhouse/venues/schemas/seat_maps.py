"""Seat maps as requests and answers hold them."""

from typing import Annotated, Literal
from uuid import UUID

import msgspec
from msgspec import Meta

from fullhouse.api.schemas import NO_UNSEEN, Body, View
from fullhouse.kit.errors import FieldError, Refused
from fullhouse.venues import templates
from fullhouse.venues.building import MOST_SEATS
from fullhouse.venues.errors import SEAT_MAP_INVALID
from fullhouse.venues.layout import Layout, PointLayout, SectionLayout, StandingLayout
from fullhouse.venues.seatmap import Seat, SeatMap

_Count = Annotated[int, Meta(ge=1, le=1_000)]
_Size = Annotated[float, Meta(gt=0, le=2_000_000)]


class SeatMapBody(Body):
    """A hall's new seat map: made from a template, or written out in sections and standing areas.

    Template ``grid`` takes rows, seatsPerRow and section; ``stalls_balcony`` takes stallsRows,
    stallsSeatsPerRow, balconyRows, balconySeatsPerRow and frontRows. Standing areas go with both.
    """

    template: Annotated[
        Literal["grid", "stalls_balcony"] | None,
        Meta(description="The hall as most are; null for one that sections write out."),
    ] = None
    rows: Annotated[
        _Count | None, Meta(description="Of a grid; row A is nearest to the stage.")
    ] = None
    seats_per_row: Annotated[_Count | None, Meta(description="Of a grid.")] = None
    section: Annotated[
        str | None, Meta(description="What the one section of a grid is called: Main unless given.")
    ] = None
    stalls_rows: Annotated[
        _Count | None, Meta(description="Rows of the stalls, those in front included.")
    ] = None
    stalls_seats_per_row: Annotated[_Count | None, Meta(description="In all of the stalls.")] = None
    balcony_rows: Annotated[
        _Count | None, Meta(description="Rows of the balcony; their letters begin with A again.")
    ] = None
    balcony_seats_per_row: Annotated[_Count | None, Meta(description="In the balcony.")] = None
    front_rows: Annotated[
        Annotated[int, Meta(ge=0, le=1_000)] | None,
        Meta(
            description="So many of the stalls' first rows are a section of their own, "
            "Front Stalls, which can have its own price; at most stallsRows."
        ),
    ] = None
    name: Annotated[
        str,
        Meta(
            max_length=200,
            pattern=r"^[^\x00-\x1f\x7f]*$",
            extra=NO_UNSEEN,
            description="Of this version of the map, to tell it from others.",
        ),
    ] = ""
    width: Annotated[
        _Size | None,
        Meta(description="Of the drawing, in the units of the seats; follows from them if absent."),
    ] = None
    height: Annotated[
        _Size | None,
        Meta(description="Of the drawing, in the units of the seats; follows from them if absent."),
    ] = None
    sections: Annotated[
        list[SectionLayout] | None,
        Meta(description="Every seat, by section and row; without a template only."),
    ] = None
    standing: Annotated[
        list[StandingLayout], Meta(description="Areas without seats, where places are counted.")
    ] = []
    focal: Annotated[
        PointLayout | None,
        Meta(description="What everybody looks at; the middle of the front row unless given."),
    ] = None


# What each form of a seat map needs, and what it may have besides.
_FIELDS: dict[str | None, tuple[tuple[str, ...], tuple[str, ...]]] = {
    None: ((), ("sections",)),
    "grid": (("rows", "seats_per_row"), ("section",)),
    "stalls_balcony": (
        ("stalls_rows", "stalls_seats_per_row", "balcony_rows", "balcony_seats_per_row"),
        ("front_rows",),
    ),
}
_NAMES_IN_JSON = {field.name: field.encode_name for field in msgspec.structs.fields(SeatMapBody)}


def layout_of(body: SeatMapBody) -> Layout:
    """The layout a body describes; refused with ``seat_map_invalid`` when its fields do not fit."""
    needed, allowed = _FIELDS[body.template]
    errors = [
        FieldError(f"/{_NAMES_IN_JSON[field]}", "is needed with this template")
        for field in needed
        if getattr(body, field) is None
    ]
    errors += [
        FieldError(f"/{_NAMES_IN_JSON[field]}", "does not belong to this form of a seat map")
        for form in _FIELDS.values()
        for field in (*form[0], *form[1])
        if field not in (*needed, *allowed) and getattr(body, field) is not None
    ]
    if errors:
        raise Refused(SEAT_MAP_INVALID, errors=tuple(errors))
    drawn = _drawn(body)
    return Layout(
        name=body.name,
        width=body.width,
        height=body.height,
        sections=drawn,
        standing=body.standing,
        focal=body.focal,
    )


def _drawn(body: SeatMapBody) -> list[SectionLayout]:
    if body.template == "grid":
        assert body.rows is not None and body.seats_per_row is not None
        _check_size(body.rows * body.seats_per_row)
        return templates.grid(body.rows, body.seats_per_row, body.section or "Main").sections
    if body.template == "stalls_balcony":
        assert body.stalls_rows is not None and body.stalls_seats_per_row is not None
        assert body.balcony_rows is not None and body.balcony_seats_per_row is not None
        _check_size(
            body.stalls_rows * body.stalls_seats_per_row
            + body.balcony_rows * body.balcony_seats_per_row
        )
        if (body.front_rows or 0) > body.stalls_rows:
            raise Refused(
                SEAT_MAP_INVALID, errors=(FieldError("/frontRows", "is more than stallsRows"),)
            )
        return templates.stalls_and_balcony(
            body.stalls_rows,
            body.stalls_seats_per_row,
            body.balcony_rows,
            body.balcony_seats_per_row,
            body.front_rows or 0,
        ).sections
    return body.sections or []


def _check_size(seats: int) -> None:
    # Before the seats are made: a template could ask for millions in one line.
    if seats > MOST_SEATS:
        raise Refused(SEAT_MAP_INVALID, errors=(FieldError("", f"more than {MOST_SEATS:,} seats"),))


class SectionSummaryView(View):
    """A section and how many seats it has."""

    name: str
    seats: int


class StandingView(View):
    """A standing area and how many people it takes."""

    name: str
    capacity: int


class SeatMapSummaryView(View):
    """A version of a seat map without its seats."""

    id: UUID
    hall_id: UUID
    version: int
    name: str
    seats: int
    sections: list[SectionSummaryView]
    standing: list[StandingView]


class SeatView(View, omit_defaults=True):
    """A seat. Flags that are false are left out."""

    id: UUID
    label: str
    number: str
    x: float
    y: float
    accessible: bool = False
    companion: bool = False
    restricted_view: bool = False


class RowView(View):
    """Seats of one row, side by side."""

    label: str
    seats: list[SeatView]


class SectionView(View):
    """A section with its rows."""

    name: str
    rows: list[RowView]


class PointView(View):
    """A point of the hall."""

    x: float
    y: float


class SeatMapView(View):
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


def seat_map_summary_view(seat_map: SeatMap) -> SeatMapSummaryView:
    """What a seat map consists of, without its seats."""
    return SeatMapSummaryView(
        id=seat_map.id,
        hall_id=seat_map.hall_id,
        version=seat_map.version,
        name=seat_map.name,
        seats=len(seat_map.seats),
        sections=[SectionSummaryView(part.name, len(part.seats)) for part in seat_map.sections],
        standing=_standing(seat_map),
    )


def seat_map_view(seat_map: SeatMap) -> SeatMapView:
    """A whole seat map, seats grouped into their rows."""
    return SeatMapView(
        id=seat_map.id,
        hall_id=seat_map.hall_id,
        version=seat_map.version,
        name=seat_map.name,
        width=seat_map.width,
        height=seat_map.height,
        focal=PointView(*seat_map.focal),
        sections=[SectionView(part.name, _rows(part.seats)) for part in seat_map.sections],
        standing=_standing(seat_map),
    )


def _standing(seat_map: SeatMap) -> list[StandingView]:
    return [StandingView(area.name, area.capacity) for area in seat_map.standing]


def _rows(seats: tuple[Seat, ...]) -> list[RowView]:
    rows: list[RowView] = []
    for seat in seats:
        if not rows or rows[-1].label != seat.row:
            rows.append(RowView(seat.row, []))
        rows[-1].seats.append(
            SeatView(
                seat.id,
                seat.label,
                seat.number,
                seat.x,
                seat.y,
                seat.accessible,
                seat.companion,
                seat.restricted_view,
            )
        )
    return rows
