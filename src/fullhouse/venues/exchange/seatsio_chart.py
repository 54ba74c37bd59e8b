"""What is known of seats.io's published charts, from the samples that its clients are tested with.

There is no public schema. Fields are optional wherever a sample or a version of one lacks them.
"""

import msgspec

from fullhouse.venues.exchange.reading import Known

NOTHING = msgspec.Raw()

DISPLAY = "displayLabel is not kept: label is what a place is called"
ENTRANCES = "entrances are not kept"
WHOLE = "areas cannot be sold as a whole: their places are sold one by one"
_UUID = {"uuid": "uuid is not kept: places are known by their labels"}
_SECTION = dict.fromkeys(
    ("sectionLabel", "sectionDisplayedLabel"), "only rows have the section that they name"
)


def _drawn(*names: str) -> dict[str, str]:
    """Fields that only say how things and their labels look."""
    return dict.fromkeys(
        names, "how labels and shapes look in detail is not kept: sizes, places, corners, icons"
    )


_LABEL = _drawn(
    "labelSize", "labelShown", "labelHorizontalOffset", "labelVerticalOffset", "labelRotationAngle"
)


class Spot(Known, frozen=True, gc=False):
    """A point of the chart, or of a section seen from its top left."""

    x: float
    y: float


class ChartSeat(Known, frozen=True, gc=False):
    """A seat, or a chair at a table."""

    unused = ("published", "categoryLabel")
    lost = _UUID | {
        "disabledBySocialDistancingRules": "seats that distance keeps free are seats as all others"
    }

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

    # Where seats are and how they are called, each of them says itself.
    unused = (
        "published", "objectType", "displayObjectType", "seatLabeling", "objectLabeling", "curve",
        "chairSpacing", "points", "smooth", "smoothness", "rotationAngle",
    )  # fmt: skip
    lost = (
        _UUID
        | _drawn("rowLabelPosition", "verticalRowLabelDirection", "rowLabelDisabled")
        | {"sectionDisplayedLabel": DISPLAY}
    )

    seats: list[ChartSeat]
    label: str | int | None = None
    display_label: str | int | None = None
    section_label: str | None = None


class ChartTable(Known, frozen=True):
    """A table with chairs around it, round or rectangular."""

    unused = (
        "published", "objectType", "displayObjectType", "autoRadius", "openSpaces", "seatLabeling",
        "objectLabeling", "chairSpacing",
    )  # fmt: skip
    lost = _UUID | _LABEL | _SECTION

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

    unused = ("published", "objectType", "displayObjectType", "objectLabeling", "categoryLabel")
    lost = (
        _UUID | _LABEL | _SECTION | _drawn("translucent", "foreground", "cornerRadius", "opacity")
    )

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
    min_occupancy: int | None = None
    entrance: str | None = None
    view_from_your_seat_image: str | None = None


class ChartShape(Known, frozen=True):
    """Something that is only drawn, such as the stage; a booth is read as one too."""

    # The category of a booth goes with its being for sale, which is told of all of them.
    unused = (
        "published", "objectType", "displayObjectType", "objectLabeling", "autoStroke",
        "categoryLabel", "categoryKey",
    )  # fmt: skip
    lost = (
        _UUID
        | _SECTION
        | _drawn(
            "smartType", "smartTypeVariation", "strokeWidth", "icon", "labelHorizontalOffset",
            "labelVerticalOffset", "cornerRadius", "foreground", "opacity",
        )
        | {"displayLabel": DISPLAY, "entrance": ENTRANCES}
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

    unused = ("published", "objectType")
    lost = _UUID | _drawn("bold", "italic", "foreground")

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

    unused = ("snapOffset", "published")
    lost = {"referenceChart": "a reference chart is not kept"}

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

    unused = ("published", "objectType", "objectLabeling", "categoryLabel")
    lost = _UUID | _LABEL | _drawn("cutoffAngle")

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
        "tablesLabelCounter", "uuidCounter", "rowSpacing", "rowChairSpacing", "version",
        "venueType", "sectionScaleFactor", "referenceChartVisible", "showAllButtons",
    )  # fmt: skip
    lost = _drawn("colorScheme")

    name: str | None = None
    categories: ChartCategories | None = None
    zones: ChartZones | None = None
    sub_chart: Floor | None = None
    sub_chart_floors: list[Floor] | None = None
