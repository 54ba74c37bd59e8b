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
LONGEST_EXTERNAL_ID = 190  # as pretix keeps it

_Coordinate = Annotated[float, Meta(ge=-FARTHEST, le=FARTHEST)]
_Across = Annotated[_Coordinate, Meta(description="To the right, in the map's own units.")]
_Down = Annotated[_Coordinate, Meta(description="Away from the stage, in the map's own units.")]
_Size = Annotated[float, Meta(gt=0, le=LARGEST)]
_Width = Annotated[_Size, Meta(description="How wide, in the map's own units.")]
_Height = Annotated[_Size, Meta(description="How high, in the map's own units.")]
_Degrees = Annotated[
    float, Meta(ge=-360, le=360, description="Degrees clockwise, about the middle.")
]
_Colour = Annotated[
    str,
    Meta(
        pattern=r"^#[0-9a-fA-F]{6}$", examples=["#1e90ff"], description="Red, green, blue in hex."
    ),
]
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

    x: _Across
    y: _Down


_Outline = Annotated[
    tuple[PointLayout, ...],
    Meta(
        max_length=1_000, description="The corners of its ground, for drawing; none or 3 at least."
    ),
]


_PartName = Annotated[
    str, Meta(description="What that part of the hall is called; no two have the same name.")
]


class SeatLayout(_Part, frozen=True, gc=False):
    """One seat. Without an ``id`` it gets one that stays the same in every version of the map."""

    number: Annotated[
        str | Annotated[int, Meta(ge=0, le=999_999_999)],
        Meta(
            description="What is written on it, such as 12; each once in its row or at its table."
        ),
    ]
    x: _Across
    y: _Down
    id: Annotated[
        str | None,
        Meta(description="A UUID; unless given, it follows from section, row and number."),
    ] = None
    accessible: Annotated[bool, Meta(description="Can be used in a wheelchair.")] = False
    companion: Annotated[bool, Meta(description="For who comes with a wheelchair user.")] = False
    restricted_view: Annotated[
        bool, Meta(description="Something stands between it and the stage.")
    ] = False
    category: _Hint = None
    external_id: Annotated[
        Annotated[str, Meta(min_length=1, max_length=LONGEST_EXTERNAL_ID)] | None,
        Meta(description="What another system knows it by, as an export says it there again."),
    ] = None


class RowLayout(_Part, frozen=True):
    """Seats side by side, in the order in which they are numbered."""

    label: Annotated[str, Meta(description="What the row is called, such as A.")]
    seats: Annotated[list[SeatLayout], Meta(description="From one end to the other.")]


class TableLayout(_Part, frozen=True):
    """A table and the seats around it, in order. ``x`` and ``y`` are its middle."""

    name: Annotated[
        str, Meta(description="What the table is called, which is the row of its seats' labels.")
    ]
    x: _Across
    y: _Down
    seats: Annotated[list[SeatLayout], Meta(description="One after the other around it.")]
    shape: Annotated[
        Literal["round", "rectangular"], Meta(description="How the table is drawn.")
    ] = "round"
    width: _Width = 60.0
    height: _Height = 60.0
    rotation: _Degrees = 0.0


class SectionLayout(_Part, frozen=True):
    """A part of the hall with seats, such as Stalls, in rows, at tables, or both."""

    name: _PartName
    rows: Annotated[list[RowLayout], Meta(description="Its rows, in order.")] = []
    tables: Annotated[list[TableLayout], Meta(description="Its tables.")] = []
    outline: _Outline = ()
    category: _Hint = None


class StandingLayout(_Part, frozen=True):
    """A part of the hall without seats: places are counted."""

    name: _PartName
    capacity: Annotated[int, Meta(ge=1, le=MOST_CAPACITY, description="How many people it takes.")]
    outline: _Outline = ()
    category: _Hint = None


class CategoryLayout(_Part, frozen=True):
    """A kind of places and its colour: a hint for drawing, which has no price."""

    name: Annotated[str, Meta(description="By which sections, areas and seats name it.")]
    color: _Colour


class ShapeLayout(_Part, frozen=True):
    """Something to be drawn that is not for sale, such as the stage.

    Rectangles and ellipses have their middle in ``x`` and ``y``, and a ``width`` and ``height``; a
    polygon has ``points``; a text has its middle in ``x`` and ``y``. Each may carry a ``text``.
    """

    kind: Annotated[
        Literal["rectangle", "ellipse", "polygon", "text"],
        Meta(description="What is drawn, and which of the other fields are needed."),
    ]
    x: _Across | None = None
    y: _Down | None = None
    width: _Width | None = None
    height: _Height | None = None
    points: _Outline = ()
    rotation: _Degrees = 0.0
    color: Annotated[_Colour | None, Meta(description="Inside; null for no filling.")] = None
    border_color: Annotated[
        _Colour | None, Meta(description="Of the edge; null for none where something fills it.")
    ] = None
    text: Annotated[
        str, Meta(max_length=MOST_LETTERS, description="Written in the middle of it.")
    ] = ""
    text_size: Annotated[
        float,
        Meta(gt=0, le=LARGEST_TEXT, description="How high letters are, in the map's own units."),
    ] = 16.0
    text_color: Annotated[
        _Colour | None, Meta(description="Of the text; null for whatever can be read.")
    ] = None


class BoxLayout(_Part, frozen=True):
    """Where a picture lies: ``x`` and ``y`` are its corner at the top left."""

    x: _Across
    y: _Down
    width: _Width
    height: _Height


class Layout(_Part, frozen=True):
    """A whole hall. ``width`` and ``height`` follow from the seats where they are left out.

    ``focal`` is what everybody looks at: the middle of the edge at the stage where it is left out.
    """

    name: str = ""
    width: _Width | None = None
    height: _Height | None = None
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

    @property
    def grounds(self) -> list[tuple[PointLayout, ...]]:
        """All outlines and polygons."""
        return [
            *(part.outline for part in self.sections),
            *(area.outline for area in self.standing),
            *(shape.points for shape in self.shapes),
        ]
