"""What of a seat map a seating plan of pretix does not have, or has in another way."""

from itertools import groupby
from operator import attrgetter

from fullhouse.venues.exchange.losses import Loss, Losses
from fullhouse.venues.seatmap import Seat, SeatMap

_TABLE = "a table is a row of seats, and only drawn"
_FLAGS = "flags of a seat are an ending of its category's name"
_NO_CATEGORY = "a seat without a category has one that is called as its section"
_ID = "the id of a seat is not written where another system's is"
_NO_OUTLINE = "a standing area without an outline is left out"
_AREA = "a standing area is only drawn, and its capacity only written into the drawing"
_COLOUR = "the category of a standing area is not kept"
_UNUSED = "a category without seats is left out"
_FOCAL = "the focal point is not kept"
_PICTURE = "the picture and where it lies are not kept"
_WHOLE = "sizes are whole pixels, rounded up"


def plan_losses(seat_map: SeatMap) -> list[Loss]:
    """What writing the map as a plan loses; pointers lead into the map as the API shows it."""
    losses = Losses()
    used = _sections(seat_map, losses)
    for at, area in enumerate(seat_map.standing):
        pointer = f"/standing/{at}"
        losses.note(pointer, _AREA if area.outline else _NO_OUTLINE)
        if area.category is not None:
            losses.note(f"{pointer}/category", _COLOUR)
    drawing = seat_map.drawing
    for at, category in enumerate(drawing.categories):
        if category.name not in used:
            losses.note(f"/categories/{at}", _UNUSED)
    losses.note("/focal", _FOCAL)
    if drawing.background_image_id is not None:
        losses.note("/backgroundImageId", _PICTURE)
    _note_sizes(losses, "", seat_map.width, seat_map.height)
    for at, shape in enumerate(drawing.shapes):
        size = shape.text_size if shape.text else None
        wide, high = (shape.width, shape.height) if shape.kind == "rectangle" else (None, None)
        _note_sizes(losses, f"/shapes/{at}", wide, high, size)
    return losses.listed()


def _sections(seat_map: SeatMap, losses: Losses) -> set[str]:
    """Note what is lost of the sections; answers which categories have seats."""
    used: set[str] = set()
    for at, section in enumerate(seat_map.sections):
        pointer = f"/sections/{at}"
        for index, table in enumerate(section.tables):
            losses.note(f"{pointer}/tables/{index}", _TABLE)
            if table.shape == "rectangular":
                _note_sizes(losses, f"{pointer}/tables/{index}", table.width, table.height)
        rows = tables = 0
        for (_, at_table), seats in groupby(section.seats, attrgetter("row", "table")):
            group = f"tables/{tables}" if at_table else f"rows/{rows}"
            tables, rows = tables + at_table, rows + (not at_table)
            for place, seat in enumerate(seats):
                category = seat.category or section.category
                if category is not None:
                    used.add(category)
                _note_seat(losses, f"{pointer}/{group}/seats/{place}", seat, category)
    return used


def _note_seat(losses: Losses, pointer: str, seat: Seat, category: str | None) -> None:
    if seat.accessible or seat.companion or seat.restricted_view:
        losses.note(pointer, _FLAGS)
    if category is None:
        losses.note(pointer, _NO_CATEGORY)
    if seat.external_id is not None:
        losses.note(f"{pointer}/id", _ID)


def _note_sizes(losses: Losses, pointer: str, *sizes: float | None) -> None:
    if any(size is not None and not size.is_integer() for size in sizes):
        losses.note(pointer, _WHOLE)
