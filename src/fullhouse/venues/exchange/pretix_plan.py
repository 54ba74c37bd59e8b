"""What is known of pretix's seating plans, after their public JSON schema."""

from fullhouse.venues.exchange.reading import Known

_UUID = "uuid is not kept: places are known by their names"


class Position(Known, frozen=True, gc=False):
    """A point; those of zones, rows and seats are added up."""

    x: float
    y: float


class PlanSeat(Known, frozen=True, rename=None, gc=False):
    """A seat of a row. ``category`` is the name of one of the plan's."""

    lost = {
        "uuid": _UUID,
        "radius": "the radius of seats is not kept: all are drawn alike",
    }

    seat_number: str | int
    position: Position
    seat_guid: str | None = None
    category: str | None = None
    start_direction: str | None = None


class PlanRow(Known, frozen=True, rename=None):
    """A row; several of one zone may have the same number."""

    lost = {
        "uuid": _UUID,
        "row_number_position": "row_number_position is not kept: names of rows are drawn where"
        " there is room",
    }

    seats: list[PlanSeat]
    row_number: str | int | None = None
    position: Position = Position(0.0, 0.0)
    row_label: str | None = None
    seat_label: str | None = None


class Points(Known, frozen=True):
    """The corners of a polygon, seen from the area's position."""

    points: list[Position]


class Measures(Known, frozen=True):
    """Of a rectangle."""

    width: float
    height: float


class Radii(Known, frozen=True):
    """Of an ellipse."""

    radius: Position


class Radius(Known, frozen=True):
    """Of a circle."""

    radius: float


class Caption(Known, frozen=True):
    """A text, seen from the area's position."""

    text: str
    position: Position = Position(0.0, 0.0)
    color: str | None = None
    size: float = 16.0


class PlanArea(Known, frozen=True, rename=None):
    """Something that is only drawn; ``rotation`` is clockwise about ``position``."""

    lost = {"uuid": _UUID}

    shape: str | None = None
    position: Position = Position(0.0, 0.0)
    rotation: float = 0.0
    color: str | None = None
    border_color: str | None = None
    polygon: Points | None = None
    rectangle: Measures | None = None
    ellipse: Radii | None = None
    circle: Radius | None = None
    text: Caption | None = None


class Zone(Known, frozen=True, rename=None):
    """A part of the hall."""

    lost = {"uuid": _UUID, "zone_id": "zone_id is not kept: a section is known by its name"}

    rows: list[PlanRow]
    position: Position = Position(0.0, 0.0)
    name: str | None = None
    areas: list[PlanArea] = []


class PlanCategory(Known, frozen=True):
    """A kind of seats, to which a shop's products are mapped."""

    name: str
    color: str | None = None


class PlanSize(Known, frozen=True):
    """Of the drawing."""

    width: float
    height: float


class Plan(Known, frozen=True):
    """A seating plan."""

    zones: list[Zone]
    name: str | None = None
    categories: list[PlanCategory] = []
    size: PlanSize | None = None
