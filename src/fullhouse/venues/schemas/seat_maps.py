"""Seat maps as requests hold them."""

from typing import Annotated, Literal
from uuid import UUID

import msgspec
from msgspec import Meta

from fullhouse.api.schemas import NO_UNSEEN, Body
from fullhouse.kit.errors import FieldError, Refused
from fullhouse.venues import templates
from fullhouse.venues.building import MOST_SEATS
from fullhouse.venues.errors import SEAT_MAP_INVALID
from fullhouse.venues.layout import (
    LARGEST,
    BoxLayout,
    CategoryLayout,
    Layout,
    PointLayout,
    SectionLayout,
    ShapeLayout,
    StandingLayout,
)

_Count = Annotated[int, Meta(ge=1, le=1_000)]
_Size = Annotated[float, Meta(gt=0, le=LARGEST)]
_VersionName = Annotated[
    str,
    Meta(
        max_length=200,
        pattern=r"^[^\x00-\x1f\x7f]*$",
        extra=NO_UNSEEN,
        description="Of this version of the map, to tell it from others.",
    ),
]


class SeatMapBody(Body):
    """A hall's new seat map: made from a template, or written out in sections and standing areas.

    Template ``grid`` takes rows, seatsPerRow and section; ``stalls_balcony`` takes stallsRows,
    stallsSeatsPerRow, balconyRows, balconySeatsPerRow and frontRows; ``banquet`` takes tables,
    seatsPerTable and section. All else goes with each of them.
    """

    template: Annotated[
        Literal["grid", "stalls_balcony", "banquet"] | None,
        Meta(description="The hall as most are; null for one that sections write out."),
    ] = None
    rows: Annotated[
        _Count | None, Meta(description="Of a grid; row A is nearest to the stage.")
    ] = None
    seats_per_row: Annotated[_Count | None, Meta(description="Of a grid.")] = None
    section: Annotated[
        str | None,
        Meta(
            description="What the one section is called; unless given, that of a grid is Main "
            "and that of a banquet Hall."
        ),
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
    tables: Annotated[_Count | None, Meta(description="Of a banquet: Table 1, Table 2, …")] = None
    seats_per_table: Annotated[
        Annotated[int, Meta(ge=1, le=100)] | None, Meta(description="Around each table.")
    ] = None
    name: _VersionName = ""
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
    categories: Annotated[
        list[CategoryLayout],
        Meta(description="Kinds of places and their colours, which places may name."),
    ] = []
    shapes: Annotated[
        list[ShapeLayout],
        Meta(description="To be drawn beneath the seats, in this order: the stage, the bar, …"),
    ] = []
    background_image_id: Annotated[
        UUID | None, Meta(description="A picture of the organization or of the platform.")
    ] = None
    background_box: Annotated[
        BoxLayout | None, Meta(description="Where the picture lies; the whole drawing if absent.")
    ] = None


class SeatMapImportBody(Body):
    """A seat map written for another system, from which a hall gets its next version."""

    format: Annotated[
        Literal["pretix", "seatsio"],
        Meta(description="A seating plan of pretix, or a published chart of seats.io."),
    ]
    document: Annotated[
        msgspec.Raw,
        Meta(
            description="The plan or chart itself, as the other system wrote it.",
            extra_json_schema={"type": "object"},
        ),
    ]
    name: Annotated[
        _VersionName | None, Meta(description="Of this version; that of the document unless given.")
    ] = None
    dry_run: Annotated[
        bool, Meta(description="Only report what would be made and lost; nothing is kept.")
    ] = False


# What each form of a seat map needs, and what it may have besides.
_FIELDS: dict[str | None, tuple[tuple[str, ...], tuple[str, ...]]] = {
    None: ((), ("sections",)),
    "grid": (("rows", "seats_per_row"), ("section",)),
    "stalls_balcony": (
        ("stalls_rows", "stalls_seats_per_row", "balcony_rows", "balcony_seats_per_row"),
        ("front_rows",),
    ),
    "banquet": (("tables", "seats_per_table"), ("section",)),
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
    of_forms = dict.fromkeys(field for form in _FIELDS.values() for field in (*form[0], *form[1]))
    errors += [
        FieldError(f"/{_NAMES_IN_JSON[field]}", "does not belong to this form of a seat map")
        for field in of_forms
        if field not in (*needed, *allowed) and getattr(body, field) is not None
    ]
    if errors:
        raise Refused(SEAT_MAP_INVALID, errors=tuple(errors))
    drawn = _drawn(body)
    return Layout(
        name=body.name.strip(),
        width=body.width,
        height=body.height,
        sections=drawn,
        standing=body.standing,
        focal=body.focal,
        categories=body.categories,
        shapes=body.shapes,
        background_image_id=body.background_image_id,
        background_box=body.background_box,
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
    if body.template == "banquet":
        assert body.tables is not None and body.seats_per_table is not None
        _check_size(body.tables * body.seats_per_table)
        return templates.banquet(body.tables, body.seats_per_table, body.section or "Hall").sections
    return body.sections or []


def _check_size(seats: int) -> None:
    # Before the seats are made: a template could ask for millions in one line.
    if seats > MOST_SEATS:
        raise Refused(SEAT_MAP_INVALID, errors=(FieldError("", f"more than {MOST_SEATS:,} seats"),))
