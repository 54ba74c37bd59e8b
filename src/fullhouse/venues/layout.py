"""The layout of a hall as people write it and as ``seat_maps.layout`` keeps it.

Coordinates are in the layout's own units, x to the right and y away from the stage.
"""

from typing import Annotated

import msgspec

_Coordinate = Annotated[float, msgspec.Meta(ge=-1_000_000, le=1_000_000)]
_Size = Annotated[float, msgspec.Meta(gt=0, le=2_000_000)]


class _Part(
    msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True, omit_defaults=True
):
    """Base of the parts: camelCase in JSON, and small because what is usual is left out."""


class SeatLayout(_Part, frozen=True, gc=False):
    """One seat. Without an ``id`` it gets one that stays the same in every version of the map."""

    number: str | Annotated[int, msgspec.Meta(ge=0, le=999_999_999)]
    x: _Coordinate
    y: _Coordinate
    id: str | None = None
    accessible: bool = False
    companion: bool = False
    restricted_view: bool = False


class RowLayout(_Part, frozen=True):
    """Seats side by side, in the order in which they are numbered."""

    label: str
    seats: list[SeatLayout]


class SectionLayout(_Part, frozen=True):
    """A part of the hall with seats, such as Stalls."""

    name: str
    rows: list[RowLayout]


class StandingLayout(_Part, frozen=True):
    """A part of the hall without seats: places are counted."""

    name: str
    capacity: Annotated[int, msgspec.Meta(ge=1, le=1_000_000)]


class PointLayout(_Part, frozen=True):
    """A point of the hall."""

    x: _Coordinate
    y: _Coordinate


class Layout(_Part, frozen=True):
    """A whole hall. ``width`` and ``height`` follow from the seats where they are left out.

    ``focal`` is what everybody looks at: the middle of the edge at the stage where it is left out.
    """

    name: str = ""
    width: _Size | None = None
    height: _Size | None = None
    sections: list[SectionLayout] = []
    standing: list[StandingLayout] = []
    focal: PointLayout | None = None
