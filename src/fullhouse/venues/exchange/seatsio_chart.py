"""What is known of seats.io's published charts, from the samples that its clients are tested with.

There is no public schema. Fields are optional wherever a sample or a version of one lacks them.
"""

import msgspec

from fullhouse.venues.exchange.reading import Known

NOTHING = msgspec.Raw()


def is_there(value: msgspec.Raw) -> bool:
    """Whether a field that is only looked at holds anything."""
    return bytes(value) not in (b"", b"null", b"[]", b"{}")


class Spot(Known, frozen=True, gc=False):
    """A point of the chart, or of a section seen from its top left."""

    x: float
    y: float


class ChartSeat(Known, frozen=True, gc=False):
    """A seat, or a chair at a table."""

    unused = ("uuid", "published", "categoryLabel", "disabledBySocialDistancingRules")

    x: float
    y: float
    label: str | int | None = None
    display_label: str | int | None = None
    category_key: str | int | None = None
    category_accessible: bool | None = None
    accessible: bool | None = None
    companion_seat: bool | None = None
    restricted_view: bool | None = None
    semi_ambulatory_seat: bool | None = None
    entrance: str | None = None
    view_from_your_seat_image: str | None = None


class ChartRow(Known, frozen=True):
    """A row of seats; ``section_label`` stands for a section where the chart has none."""

    unused = (
        "uuid", "published", "objectType", "displayObjectType", "rowLabelPosition", "seatLabeling",
        "objectLabeling", "curve", "chairSpacing", "verticalRowLabelDirection", "points", "smooth",
        "smoothness", "rowLabelDisabled", "rotationAngle", "sectionDisplayedLabel",
    )  # fmt: skip

    seats: list[ChartSeat]
    label: str | int | None = None
    display_label: str | int | None = None
    section_label: str | None = None


class ChartTable(Known, frozen=True):
    """A table with chairs around it, round or rectangular."""

    unused = (
        "uuid", "published", "objectType", "displayObjectType", "autoRadius", "openSpaces",
        "seatLabeling", "objectLabeling", "labelSize", "labelShown", "sectionDisplayedLabel",
        "sectionLabel", "chairSpacing",
    )  # fmt: skip

    seats: list[ChartSeat]
    label: str | int | None = None
    display_label: str | int | None = None
    center: Spot | None = None
    type: str | None = None
    radius: float | None = None
    width: float | None = None
    height: float | None = None
    rotation_angle: float | None = None
    book_as_a_whole: bool | None = None


class ChartArea(Known, frozen=True):
    """An area of general admission."""

    unused = (
        "uuid", "published", "objectType", "displayObjectType", "objectLabeling", "labelSize",
        "labelShown", "labelHorizontalOffset", "labelVerticalOffset", "labelRotationAngle",
        "translucent", "foreground", "categoryLabel", "minOccupancy", "cornerRadius", "opacity",
        "sectionLabel", "sectionDisplayedLabel",
    )  # fmt: skip

    capacity: int
    label: str | int | None = None
    display_label: str | int | None = None
    category_key: str | int | None = None
    type: str | None = None
    center: Spot | None = None
    rotation_angle: float | None = None
    radius1: float | None = None
    radius2: float | None = None
    width: float | None = None
    height: float | None = None
    points: list[Spot] | None = None
    book_as_a_whole: bool | None = None
    variable_occupancy: bool | None = None
    entrance: str | None = None
    view_from_your_seat_image: str | None = None


class ChartShape(Known, frozen=True):
    """Something that is only drawn, such as the stage; a booth is read as one too."""

    unused = (
        "uuid", "published", "objectType", "displayObjectType", "objectLabeling", "smartType",
        "smartTypeVariation", "strokeWidth", "autoStroke", "icon", "labelHorizontalOffset",
        "labelVerticalOffset", "cornerRadius", "foreground", "opacity", "displayLabel",
        "sectionLabel", "sectionDisplayedLabel", "categoryLabel", "categoryKey", "entrance",
    )  # fmt: skip

    type: str | None = None
    label: str | int | None = None
    label_size: float | None = None
    fill_color: str | None = None
    stroke_color: str | None = None
    center: Spot | None = None
    rotation_angle: float | None = None
    radius1: float | None = None
    radius2: float | None = None
    width: float | None = None
    height: float | None = None
    points: list[Spot] | None = None


class ChartText(Known, frozen=True):
    """A text on the chart."""

    unused = ("uuid", "published", "objectType", "bold", "italic", "foreground")

    text: str | None = None
    label: str | None = None
    center: Spot | None = None
    x: float | None = None
    y: float | None = None
    font_size: float | None = None
    text_color: str | None = None
    rotation_angle: float | None = None


class Plane(Known, frozen=True):
    """What a section holds: everything but further sections."""

    unused = ("snapOffset", "referenceChart", "published")

    width: float | None = None
    height: float | None = None
    rows: list[ChartRow] = []
    tables: list[ChartTable] = []
    general_admission_areas: list[ChartArea] = []
    booths: list[ChartShape] = []
    shapes: list[ChartShape] = []
    texts: list[ChartText] = []
    icons: msgspec.Raw = NOTHING
    image_objects: msgspec.Raw = NOTHING


class ChartSection(Known, frozen=True):
    """A section; what is in it is seen from its top left."""

    unused = (
        "uuid", "published", "objectType", "objectLabeling", "labelSize", "labelShown",
        "labelHorizontalOffset", "labelVerticalOffset", "labelRotationAngle", "categoryLabel",
        "cutoffAngle",
    )  # fmt: skip

    label: str | int | None = None
    display_label: str | int | None = None
    points: list[Spot] | None = None
    top_left: Spot | None = None
    category_key: str | int | None = None
    sub_chart: Plane | None = None
    zone: str | None = None
    entrance: str | None = None
    view_from_your_seat_image: str | None = None


class Floor(Plane, frozen=True):
    """A floor, or the whole chart where it has only one."""

    sections: list[ChartSection] = []
    focal_point: Spot | None = None
    background_image: msgspec.Raw = NOTHING
    floor_name: str | None = None
    floor_display_name: str | None = None


class ChartCategory(Known, frozen=True):
    """A category; that seats of it are for wheelchairs may be said here alone."""

    key: str | int
    label: str | None = None
    color: str | None = None
    accessible: bool | None = None


class ChartCategories(Known, frozen=True):
    """The categories."""

    unused = ("maxCategoryKey",)

    listed: list[ChartCategory] = msgspec.field(name="list", default_factory=list)


class ChartZone(Known, frozen=True):
    """A zone, which gathers sections."""

    key: str | None = None
    label: str | None = None
    focal_point: Spot | None = None


class ChartZones(Known, frozen=True):
    """The zones."""

    listed: list[ChartZone] = msgspec.field(name="list", default_factory=list)


class Chart(Known, frozen=True):
    """A published chart."""

    unused = (
        "tablesLabelCounter", "uuidCounter", "rowSpacing", "rowChairSpacing", "colorScheme",
        "version", "venueType", "sectionScaleFactor", "referenceChartVisible", "showAllButtons",
    )  # fmt: skip

    name: str | None = None
    categories: ChartCategories | None = None
    zones: ChartZones | None = None
    sub_chart: Floor | None = None
    sub_chart_floors: list[Floor] | None = None
