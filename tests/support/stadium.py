"""A large stadium, made by rule: four stands of two tiers around a pitch, with what real ones have.

The same numbers always make the same stadium, as our own layout and in the formats of others.
"""

import math
from typing import Any

from fullhouse.venues.layout import (
    CategoryLayout,
    Layout,
    PointLayout,
    RowLayout,
    SeatLayout,
    SectionLayout,
    ShapeLayout,
    StandingLayout,
)
from fullhouse.venues.templates import row_label

SEATS = 60_000

_BLOCKS = 60  # around the pitch, in each tier
_ROWS = 25
_SEATS_IN_ROW = 20
_TIERS = ("Lower", "Upper")
_PITCH = 50.0  # from row to row and from seat to seat, in centimetres
_INNER = 6_000.0  # from the middle to the first row of the lower tier
_BETWEEN_TIERS = 300.0
_COLOURS = {"Lower": "#2f6fb0", "Upper": "#b0712f"}


def stadium(seats: int = SEATS) -> Layout:
    """At least so many seats, in sections of 500, and two standing areas on the pitch."""
    sections: list[SectionLayout] = []
    made = 0
    for tier, name in enumerate(_TIERS):
        for block in range(_BLOCKS):
            if made >= seats:
                break
            sections.append(_section(name, tier, block))
            made += _ROWS * _SEATS_IN_ROW
    middle = _outer() + _PITCH
    return Layout(
        name="Stadium",
        width=2 * middle,
        height=2 * middle,
        sections=sections,
        standing=[
            StandingLayout("Pitch East", 8_000, _square(middle + 2_000, middle), "Lower"),
            StandingLayout("Pitch West", 8_000, _square(middle - 2_000, middle), "Lower"),
        ],
        focal=PointLayout(middle, middle),
        categories=[CategoryLayout(name, colour) for name, colour in _COLOURS.items()],
        shapes=[
            ShapeLayout("rectangle", x=middle, y=middle, width=9_000, height=6_000, text="Pitch")
        ],
    )


def _section(tier_name: str, tier: int, block: int) -> SectionLayout:
    rows = []
    for row in range(_ROWS):
        radius = _INNER + (tier * _ROWS + row) * _PITCH + tier * _BETWEEN_TIERS
        seats = []
        for seat in range(_SEATS_IN_ROW):
            # A block fills nine tenths of its angle: the rest is the stairs.
            share = (block + 0.05 + 0.9 * (seat + 0.5) / _SEATS_IN_ROW) / _BLOCKS
            x, y = _at(radius, share)
            seats.append(
                SeatLayout(
                    number=seat + 1,
                    x=x,
                    y=y,
                    accessible=row == 0 and seat in (0, 19),
                    companion=row == 0 and seat in (1, 18),
                    restricted_view=tier == 1 and row == 0 and seat == 10,
                )
            )
        rows.append(RowLayout(row_label(row), seats))
    return SectionLayout(f"{tier_name} {block + 101 + tier * 100}", rows, category=tier_name)


def _at(radius: float, share: float) -> tuple[float, float]:
    angle = math.tau * share
    middle = _outer() + _PITCH
    return round(middle + radius * math.cos(angle), 2), round(middle + radius * math.sin(angle), 2)


def _outer() -> float:
    return _INNER + 2 * _ROWS * _PITCH + _BETWEEN_TIERS


def _square(x: float, y: float) -> tuple[PointLayout, ...]:
    return tuple(
        PointLayout(x + across, y + down)
        for across, down in ((-1_800, -2_500), (1_800, -2_500), (1_800, 2_500), (-1_800, 2_500))
    )


def as_chart(layout: Layout) -> dict[str, Any]:
    """The layout's sections as a chart of seats.io, with all that its editor writes."""
    keys = {category.name: at + 1 for at, category in enumerate(layout.categories)}
    return {
        "name": layout.name,
        "version": 21,
        "venueType": "ROWS_WITH_SECTIONS",
        "categories": {
            "list": [
                {"key": keys[one.name], "label": one.name, "color": one.color, "accessible": False}
                for one in layout.categories
            ],
            "maxCategoryKey": len(keys),
        },
        "subChart": {
            "width": layout.width,
            "height": layout.height,
            "rows": [],
            "tables": [],
            "generalAdmissionAreas": [],
            "sections": [_chart_section(part, keys) for part in layout.sections],
        },
    }


def _chart_section(part: SectionLayout, keys: dict[str, int]) -> dict[str, Any]:
    left = min(seat.x for row in part.rows for seat in row.seats)
    top = min(seat.y for row in part.rows for seat in row.seats)
    rows = [
        {
            "label": row.label,
            "objectType": "row",
            "uuid": f"uuid-{part.name}-{row.label}",
            "seats": [
                _chart_seat(seat, left, top, keys[part.category or ""]) for seat in row.seats
            ],
        }
        for row in part.rows
    ]
    return {
        "label": part.name,
        "topLeft": {"x": left, "y": top},
        "subChart": {"width": 1_000, "height": 1_000, "rows": rows, "tables": []},
    }


def _chart_seat(seat: SeatLayout, left: float, top: float, key: int) -> dict[str, Any]:
    return {
        "x": seat.x - left,
        "y": seat.y - top,
        "label": str(seat.number),
        "displayLabel": None,
        "categoryKey": key,
        "categoryLabel": None,
        "categoryAccessible": False,
        "restrictedView": seat.restricted_view,
        "accessible": seat.accessible,
        "companionSeat": seat.companion,
        "semiAmbulatorySeat": False,
        "disabledBySocialDistancingRules": False,
        "entrance": None,
        "uuid": "uuid1",
        "published": True,
    }
