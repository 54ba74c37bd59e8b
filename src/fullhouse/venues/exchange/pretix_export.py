"""Writes seating plans that pretix's import takes, after its public JSON schema.

A section becomes a zone, a row or table a row. Flags go into the names of categories
(``flags.py``). What has no place in a plan is told by ``pretix_losses.py``.
"""

import math
from collections.abc import Iterable, Mapping
from itertools import groupby
from operator import attrgetter
from typing import Any
from uuid import UUID

import msgspec

from fullhouse.venues.exchange.flags import Flags, with_flags
from fullhouse.venues.layout import PointLayout, ShapeLayout
from fullhouse.venues.seatmap import Seat, SeatMap, Section, StandingArea, Table

_Document = dict[str, Any]

_ORIGIN = {"x": 0, "y": 0}
_AREA = {"color": "#e8e8e8", "border_color": "#a0a0a0"}
# For categories that the map gives no colour.
_COLOURS = ("#7f9ccb", "#d98c5f", "#77a977", "#b186b8", "#c9b458", "#6fb3b8")


def plan_json(seat_map: SeatMap) -> bytes:
    """The map as a seating plan of pretix."""
    return msgspec.json.encode(_plan(seat_map))


def _plan(seat_map: SeatMap) -> _Document:
    colours = {category.name: category.color for category in seat_map.drawing.categories}
    guids = guids_of(seat_map)
    categories: dict[str, str] = {}
    zones = []
    drawn = [_shape(shape) for shape in seat_map.drawing.shapes]
    drawn += [_standing(area) for area in seat_map.standing if area.outline]
    if drawn:
        zones.append({"name": "Drawing", "position": _ORIGIN, "rows": [], "areas": drawn})
    for section in seat_map.sections:
        rows = [
            _row(section, row, seats, guids, colours, categories)
            for row, seats in groupby(section.seats, attrgetter("row"))
        ]
        areas = [_table(table) for table in section.tables]
        if section.outline:
            areas.insert(0, _polygon(section.outline, dict(_AREA)))
        zones.append(
            {
                "name": section.name,
                "zone_id": section.name,
                "position": _ORIGIN,
                "rows": rows,
                "areas": areas,
            }
        )
    return {
        "name": seat_map.name,
        "size": {"width": _whole(seat_map.width), "height": _whole(seat_map.height)},
        "categories": [{"name": name, "color": color} for name, color in categories.items()],
        "zones": zones,
    }


def guids_of(seat_map: SeatMap) -> dict[UUID, str]:
    """What pretix shall know each seat by: what it did before, else our id; each is another."""
    known = {seat.external_id for seat in seat_map.seats}
    guids = {}
    for seat in seat_map.seats:
        own = str(seat.id)
        guids[seat.id] = seat.external_id or (f"fullhouse-{own}" if own in known else own)
    return guids


def _row(
    section: Section,
    row: str,
    seats: Iterable[Seat],
    guids: Mapping[UUID, str],
    colours: dict[str, str],
    categories: dict[str, str],
) -> _Document:
    written = []
    for seat in seats:
        base = seat.category or section.category or section.name
        flags = Flags(seat.accessible, seat.companion, seat.restricted_view)
        category = with_flags(base, flags)
        if category not in categories:
            usual = _COLOURS[len(categories) % len(_COLOURS)]
            categories[category] = colours.get(base, usual)
        written.append(
            {
                "seat_guid": guids[seat.id],
                "seat_number": seat.number,
                "position": {"x": seat.x, "y": seat.y},
                "category": category,
            }
        )
    return {
        "row_number": row,
        "row_number_position": "both",
        "position": _ORIGIN,
        "seats": written,
    }


def _shape(shape: ShapeLayout) -> _Document:
    area: _Document = {"rotation": shape.rotation}
    if shape.color is not None:
        area["color"] = shape.color
    if shape.border_color is not None:
        area["border_color"] = shape.border_color
    x, y, width, height = (
        shape.x or 0.0, shape.y or 0.0, shape.width or 0.0, shape.height or 0.0,
    )  # fmt: skip
    middle = {"x": 0.0, "y": 0.0}
    if shape.kind == "polygon":
        area = _polygon(shape.points, area)
        middle = _middle(shape.points)
    elif shape.kind == "rectangle":
        # Turned about its corner there, about its middle here.
        turn = math.radians(shape.rotation)
        left, top = -width / 2, -height / 2
        area["position"] = {
            "x": x + left * math.cos(turn) - top * math.sin(turn),
            "y": y + left * math.sin(turn) + top * math.cos(turn),
        }
        area |= {
            "shape": "rectangle",
            "rectangle": {"width": _whole(width), "height": _whole(height)},
        }
        middle = {"x": width / 2, "y": height / 2}
    elif shape.kind == "ellipse":
        area["position"] = {"x": x, "y": y}
        area |= {"shape": "ellipse", "ellipse": {"radius": {"x": width / 2, "y": height / 2}}}
    else:
        area |= {"shape": "text", "position": {"x": x, "y": y}}
    if shape.text:
        area["text"] = _text(shape.text, middle, shape.text_color, shape.text_size)
    return area


def _text(
    text: str, position: dict[str, float], color: str | None = None, size: float = 16.0
) -> _Document:
    return {
        "text": text,
        "position": position,
        "color": color or "#333333",
        "size": _whole(size),
    }


def _standing(area: StandingArea) -> _Document:
    drawn = _polygon(area.outline, dict(_AREA))
    drawn["text"] = _text(f"{area.name} ({area.capacity})", _middle(area.outline))
    return drawn


def _polygon(points: Iterable[PointLayout], area: _Document) -> _Document:
    corners = [{"x": point.x, "y": point.y} for point in points]
    return {**area, "shape": "polygon", "position": _ORIGIN, "polygon": {"points": corners}}


def _middle(points: Iterable[PointLayout]) -> dict[str, float]:
    corners = list(points)
    return {
        "x": sum(point.x for point in corners) / len(corners),
        "y": sum(point.y for point in corners) / len(corners),
    }


def _table(table: Table) -> _Document:
    """The board of a table, with its name; its seats are a row."""
    ellipse = table.shape == "round"
    return _shape(
        ShapeLayout(
            "ellipse" if ellipse else "rectangle",
            x=table.x,
            y=table.y,
            width=table.width,
            height=table.height,
            rotation=table.rotation,
            color=_AREA["color"],
            border_color=_AREA["border_color"],
            text=table.name,
        )
    )


def _whole(number: float) -> int:
    """The schema wants sizes in whole pixels."""
    return max(1, math.ceil(number))
