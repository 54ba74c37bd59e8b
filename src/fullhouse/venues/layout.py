"""The layout of a hall as people write it and as ``seat_maps.layout`` keeps it.

Coordinates are in the layout's own units, x to the right and y away from the stage. What is new
here needs a default: maps that were stored before are still read.
"""

from typing import Annotated, Literal
from uuid import UUID

import msgspec
from msgspec import Meta

FARTHEST = 1_000_000  # from the origin, in each direction
LARGEST = 2_000_000  # wide or high
MOST_CAPACITY = 1_000_000
MOST_CORNERS = 1_000
MOST_LETTERS = 200  # of a text to be drawn
LARGEST_TEXT = 10_000

_Coordinate = Annotated[float, Meta(ge=-FARTHEST, le=FARTHEST)]
_Size = Annotated[float, Meta(gt=0, le=LARGEST)]
_Degrees = Annotated[
    float, Meta(ge=-360, le=360, description="Degrees clockwise, about the middle.")
]
_Colour = Annotated[str, Meta(pattern=r"^#[0-9a-fA-F]{6}$", examples=["#1e90ff"])]
_Hint = Annotated[
    str | None,
    Meta(
        description="One of the map's categories: a hint for drawing. What is sold at what price "
        "is a matter of the event."
    ),
]


class _Part(
    msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True, omit_defaults=True
):
    """Base of the parts: camelCase in JSON, and small because what is usual is left out."""


class PointLayout(_Part, frozen=True, gc=False):
    """A point of the hall."""

    x: _Coordinate
    y: _Coordinate


_Outline = Annotated[
    tuple[PointLayout, ...],
    Meta(
        max_length=1_000, description="The corners of its ground, for drawing; none or 3 at least."
    ),
]


class SeatLayout(_Part, frozen=True, gc=False):
    """One seat. Without an ``id`` it gets one that stays the same in every version of the map."""

    number: str | Annotated[int, Meta(ge=0, le=999_999_999)]
    x: _Coordinate
    y: _Coordinate
    id: str | None = None
    accessible: bool = False
    companion: bool = False
    restricted_view: bool = False
    category: _Hint = None


class RowLayout(_Part, frozen=True):
    """Seats side by side, in the order in which they are numbered."""

    label: str
    seats: list[SeatLayout]


class TableLayout(_Part, frozen=True):
    """A table and the seats around it, in order. ``x`` and ``y`` are its middle."""

    name: str
    x: _Coordinate
    y: _Coordinate
    seats: list[SeatLayout]
    shape: Literal["round", "rectangular"] = "round"
    width: _Size = 60.0
    height: _Size = 60.0
    rotation: _Degrees = 0.0


class SectionLayout(_Part, frozen=True):
    """A part of the hall with seats, such as Stalls, in rows, at tables, or both."""

    name: str
    rows: list[RowLayout] = []
    tables: list[TableLayout] = []
    outline: _Outline = ()
    category: _Hint = None


class StandingLayout(_Part, frozen=True):
    """A part of the hall without seats: places are counted."""

    name: str
    capacity: Annotated[int, Meta(ge=1, le=MOST_CAPACITY)]
    outline: _Outline = ()
    category: _Hint = None


class CategoryLayout(_Part, frozen=True):
    """A kind of places and its colour: a hint for drawing, which has no price."""

    name: str
    color: _Colour


class ShapeLayout(_Part, frozen=True):
    """Something to be drawn that is not for sale, such as the stage.

    Rectangles and ellipses have their middle in ``x`` and ``y``, and a ``width`` and ``height``; a
    polygon has ``points``; a text has its middle in ``x`` and ``y``. Each may carry a ``text``.
    """

    kind: Literal["rectangle", "ellipse", "polygon", "text"]
    x: _Coordinate | None = None
    y: _Coordinate | None = None
    width: _Size | None = None
    height: _Size | None = None
    points: _Outline = ()
    rotation: _Degrees = 0.0
    color: _Colour | None = None
    border_color: _Colour | None = None
    text: Annotated[str, Meta(max_length=MOST_LETTERS)] = ""
    text_size: Annotated[float, Meta(gt=0, le=LARGEST_TEXT)] = 16.0
    text_color: _Colour | None = None


class BoxLayout(_Part, frozen=True):
    """Where a picture lies: ``x`` and ``y`` are its corner at the top left."""

    x: _Coordinate
    y: _Coordinate
    width: _Size
    height: _Size


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
    categories: list[CategoryLayout] = []
    shapes: list[ShapeLayout] = []
    background_image_id: UUID | None = None
    background_box: BoxLayout | None = None

    @property
    def seat_count(self) -> int:
        """How many seats there are in all."""
        rows = sum(len(row.seats) for part in self.sections for row in part.rows)
        return rows + sum(len(table.seats) for part in self.sections for table in part.tables)
