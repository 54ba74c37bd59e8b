"""From a layout to a seat map: every contradiction in it is found here, once."""

import hashlib
import math
from collections.abc import Iterable, Sequence
from uuid import UUID

from fullhouse.kit.errors import FieldError, Refused
from fullhouse.venues import labels
from fullhouse.venues.errors import SEAT_MAP_INVALID
from fullhouse.venues.layout import (
    FARTHEST,
    LARGEST,
    Layout,
    PointLayout,
    RowLayout,
    SeatLayout,
    SectionLayout,
    ShapeLayout,
    TableLayout,
)
from fullhouse.venues.seatmap import Drawing, Seat, SeatMap, Section, StandingArea, Table

MOST_SEATS = 100_000
MOST_PARTS = 1_000
MOST_ROWS = 20_000  # tables among them
MOST_SHAPES = 2_000
MOST_POINTS = 20_000  # of all outlines and polygons
MOST_CATEGORIES = 100
LONGEST_SECTION = 100
LONGEST_CATEGORY = 100
LONGEST_ROW = 20
LONGEST_TABLE = 40
LONGEST_NUMBER = 10
# What cannot be in a name, because labels and paths are made with it.
NOT_IN_SECTIONS = labels.SLASH
NOT_IN_ROWS = labels.SLASH + labels.DASH
_MOST_ERRORS = 20
# Free space around the outermost seats, in the layout's units.
_MARGIN = 30.0

_TOO_FAR = f"x and y must be numbers, at most {FARTHEST} from the origin"
_UNPRINTABLE = "holds characters that cannot be printed"


def build(layout: Layout, *, seat_map_id: UUID, hall_id: UUID, version: int) -> SeatMap:
    """The seat map of a layout; refused with ``seat_map_invalid`` and every place that is wrong.

    The same layout of the same hall always gives the same seat ids.
    """
    build = _Build(hall_id, layout)
    sections: tuple[Section, ...] = ()
    standing: tuple[StandingArea, ...] = ()
    drawing = Drawing()
    if build.is_bounded():
        drawing = build.drawing()
        sections = build.sections()
        standing = build.standing()
        if not build.errors and not sections and not standing:
            build.wrong("/sections", "the map has neither seats nor standing places")
    if build.errors:
        raise Refused(SEAT_MAP_INVALID, errors=tuple(build.errors[:_MOST_ERRORS]))
    seats = [seat for section in sections for seat in section.seats]
    width, height = _extent(layout, seats)
    return SeatMap(
        id=seat_map_id,
        hall_id=hall_id,
        version=version,
        name=layout.name.strip(),
        width=layout.width or width,
        height=layout.height or height,
        sections=sections,
        standing=standing,
        focal=_focal(layout, seats),
        drawing=drawing,
    )


def _extent(layout: Layout, seats: list[Seat]) -> tuple[float, float]:
    """How wide and high the drawing is, from the origin to whatever is farthest."""
    across = [max((seat.x for seat in seats), default=0.0) + _MARGIN]
    down = [max((seat.y for seat in seats), default=0.0) + _MARGIN]
    for points in layout.grounds:
        across += [point.x for point in points]
        down += [point.y for point in points]
    for shape in layout.shapes:
        # Turned, it reaches no farther than its diagonal.
        reach = math.hypot(shape.width or 0.0, shape.height or 0.0) / 2
        across.append((shape.x or 0.0) + reach)
        down.append((shape.y or 0.0) + reach)
    return min(max(across), LARGEST), min(max(down), LARGEST)


def _focal(layout: Layout, seats: list[Seat]) -> tuple[float, float]:
    if layout.focal is not None:
        return layout.focal.x, layout.focal.y
    if not seats:
        return 0.0, 0.0
    across = [seat.x for seat in seats]
    return (min(across) + max(across)) / 2, min(seat.y for seat in seats)


def _derived_id(hall_id: UUID, path: str) -> UUID:
    """The id of a seat whose layout gives none: UUIDv5 of its folded path within its hall.

    Folded, so that a later version that merely writes ``a-01`` for ``A-1`` keeps the seat. This
    derivation must never change: sold tickets point at its results.
    """
    # uuid.uuid5 without its detours: a stadium has 100,000 of these.
    digest = hashlib.sha1(hall_id.bytes + path.encode(), usedforsecurity=False).digest()
    return UUID(bytes=digest[:16], version=5)


def _is_near(x: float, y: float) -> bool:
    # Written so that what is no number is not near either.
    return abs(x) <= FARTHEST and abs(y) <= FARTHEST


class _Build:
    """What is known while a map is being made: the errors, and what must not come twice."""

    def __init__(self, hall_id: UUID, layout: Layout) -> None:
        self.errors: list[FieldError] = []
        self._hall_id = hall_id
        self._layout = layout
        self._parts: set[str] = set()
        self._ids: set[UUID] = set()
        self._external_ids: set[str] = set()
        # The seats of a category share its name, which is one object then.
        self._categories = {category.name: category.name for category in layout.categories}
        # Rows repeat the same numbers: each is looked at once.
        self._numbers: dict[str | int, tuple[str, str]] = {}
        self._count = 0

    def wrong(self, pointer: str, detail: str) -> None:
        """Note a mistake."""
        self.errors.append(FieldError(pointer, detail))

    def is_bounded(self) -> bool:
        """Whether there is not too much of anything; looked at before anything is made of it."""
        layout = self._layout
        sections = layout.sections
        points = sum(map(len, layout.grounds))
        for pointer, count, most, what in (
            ("/sections", len(sections) + len(layout.standing), MOST_PARTS,
             "sections and standing areas"),
            ("/sections", sum(len(part.rows) + len(part.tables) for part in sections), MOST_ROWS,
             "rows and tables"),
            ("/sections", layout.seat_count, MOST_SEATS, "seats"),
            ("/shapes", len(layout.shapes), MOST_SHAPES, "shapes"),
            ("/shapes", points, MOST_POINTS, "points of outlines and polygons"),
            ("/categories", len(layout.categories), MOST_CATEGORIES, "categories"),
        ):  # fmt: skip
            if count > most:
                self.wrong(pointer, f"more than {most:,} {what}")
        return not self.errors

    def drawing(self) -> Drawing:
        """What is shown besides the places."""
        layout = self._layout
        known: set[str] = set()
        for at, category in enumerate(layout.categories):
            pointer = f"/categories/{at}/name"
            if self._is_fit(pointer, category.name, LONGEST_CATEGORY, "") and (
                category.name != " ".join(category.name.split())
            ):
                self.wrong(pointer, "has blanks at an end, or more than one in a row")
            if category.name in known:
                self.wrong(pointer, f"“{category.name}” is the name of two categories")
            known.add(category.name)
        for at, shape in enumerate(layout.shapes):
            self._check_shape(f"/shapes/{at}", shape)
        if layout.focal is not None:
            self._check_points("/focal", [layout.focal])
        if layout.background_box is not None and layout.background_image_id is None:
            self.wrong("/backgroundBox", "there is no backgroundImageId to which it belongs")
        return Drawing(
            tuple(layout.categories),
            tuple(layout.shapes),
            layout.background_image_id,
            layout.background_box,
        )

    def sections(self) -> tuple[Section, ...]:
        """The seated sections in the layout's order."""
        sections = []
        for at, part in enumerate(self._layout.sections):
            pointer = f"/sections/{at}"
            name = self._part_name(f"{pointer}/name", part.name)
            seats, tables = self._seats(pointer, name, part)
            if not seats:
                self.wrong(f"{pointer}/rows", "the section has no seats")
            self._check_outline(f"{pointer}/outline", part.outline)
            category = self._category(f"{pointer}/category", part.category)
            sections.append(Section(name, tuple(seats), tables, part.outline, category))
        return tuple(sections)

    def standing(self) -> tuple[StandingArea, ...]:
        """The standing areas in the layout's order."""
        areas = []
        for at, area in enumerate(self._layout.standing):
            pointer = f"/standing/{at}"
            name = self._part_name(f"{pointer}/name", area.name)
            self._check_outline(f"{pointer}/outline", area.outline)
            category = self._category(f"{pointer}/category", area.category)
            areas.append(StandingArea(name, area.capacity, area.outline, category))
        return tuple(areas)

    def _part_name(self, pointer: str, given: str) -> str:
        name = " ".join(given.split())
        if not self._is_fit(pointer, name, LONGEST_SECTION, NOT_IN_SECTIONS):
            return name
        key = labels.fold(name)
        if key in self._parts:
            self.wrong(pointer, f"“{name}” is the name of two parts of the hall")
        self._parts.add(key)
        return name

    def _seats(
        self, pointer: str, section: str, part: SectionLayout
    ) -> tuple[list[Seat], tuple[Table, ...]]:
        """The seats of the section's rows, then those at its tables, and the tables."""
        seats: list[Seat] = []
        tables: list[Table] = []
        keys: dict[str, str] = {}
        rows: set[str] = set()
        for at, row_layout in enumerate(part.rows):
            row_pointer = f"{pointer}/rows/{at}"
            row = " ".join(row_layout.label.split())
            if self._is_fit(f"{row_pointer}/label", row, LONGEST_ROW, NOT_IN_ROWS):
                rows.add(labels.fold(row))
                seats += self._group(row_pointer, section, row, row_layout, keys)
        for at, table in enumerate(part.tables):
            table_pointer = f"{pointer}/tables/{at}"
            name = " ".join(table.name.split())
            name_pointer = f"{table_pointer}/name"
            if not self._is_fit(name_pointer, name, LONGEST_TABLE, NOT_IN_ROWS):
                continue
            # Rows may go on behind an aisle under the same label; two tables are never one.
            if labels.fold(name) in rows:
                self.wrong(name_pointer, f"“{name}” is the name of another table or row here")
                continue
            rows.add(labels.fold(name))
            self._check_points(table_pointer, [table])
            if not table.seats:
                self.wrong(f"{table_pointer}/seats", "the table has no seats")
            seats += self._group(table_pointer, section, name, table, keys)
            tables.append(
                Table(
                    name, table.x, table.y, table.shape, table.width, table.height, table.rotation
                )
            )
        return seats, tuple(tables)

    def _group(
        self,
        pointer: str,
        section: str,
        row: str,
        group: RowLayout | TableLayout,
        keys: dict[str, str],
    ) -> list[Seat]:
        """The seats of a row or table; ``keys`` are the section's labels as they are compared."""
        seats: list[Seat] = []
        row_key = labels.fold(row)
        prefix = labels.fold(section) + labels.SLASH
        table = isinstance(group, TableLayout)
        for index, given in enumerate(group.seats):
            seat_pointer = f"{pointer}/seats/{index}"
            known = self._numbers.get(given.number) or self._number(seat_pointer, given.number)
            if known is None:
                continue
            number, number_key = known
            key = labels.label_of(row_key, number_key)
            label = labels.label_of(row, number)
            if key in keys:
                self.wrong(seat_pointer, f"{label} and {keys[key]} would be the same seat")
                continue
            keys[key] = label
            seats.append(
                self._seat(seat_pointer, section, row, number, prefix + key, given, table=table)
            )
        return seats

    def _number(self, pointer: str, given: str | int) -> tuple[str, str] | None:
        """A number as it is printed and as it is compared; None, and a mistake, if it is unfit."""
        number = " ".join(str(given).split())
        if not self._is_fit(f"{pointer}/number", number, LONGEST_NUMBER, NOT_IN_ROWS):
            return None
        self._numbers[given] = number, labels.fold(number)
        return self._numbers[given]

    def _seat(
        self,
        pointer: str,
        section: str,
        row: str,
        number: str,
        path: str,
        given: SeatLayout,
        *,
        table: bool,
    ) -> Seat:
        identity = self._id(pointer, path, given.id)
        if not _is_near(given.x, given.y):
            self.wrong(pointer, _TOO_FAR)
        seat = Seat(
            id=identity,
            section=section,
            row=row,
            number=number,
            label=labels.label_of(row, number),
            x=given.x,
            y=given.y,
            accessible=given.accessible,
            companion=given.companion,
            restricted_view=given.restricted_view,
            position=self._count,
            table=table,
            category=None
            if given.category is None
            else self._category(f"{pointer}/category", given.category),
            external_id=self._external_id(pointer, given.external_id, identity),
        )
        self._count += 1
        return seat

    def _id(self, pointer: str, path: str, given: str | None) -> UUID:
        identity = _derived_id(self._hall_id, path)
        if given is not None:
            try:
                identity = UUID(given)
            except ValueError:
                self.wrong(f"{pointer}/id", "is not a UUID")
        if identity in self._ids:
            self.wrong(f"{pointer}/id", f"{identity} is the id of two seats")
        self._ids.add(identity)
        return identity

    def _external_id(self, pointer: str, given: str | None, identity: UUID) -> str | None:
        if given is None:
            return None
        if not given.isprintable() or given in self._external_ids:
            self.wrong(f"{pointer}/externalId", "is another seat's, or holds unprintable signs")
        self._external_ids.add(given)
        return None if given == str(identity) else given

    def _category(self, pointer: str, given: str | None) -> str | None:
        if given is None:
            return None
        if given not in self._categories:
            self.wrong(pointer, f"“{given[:LONGEST_CATEGORY]}” is none of the map's categories")
        return self._categories.get(given)

    def _check_shape(self, pointer: str, shape: ShapeLayout) -> None:
        polygon = shape.kind == "polygon"
        sized = shape.kind in ("rectangle", "ellipse")
        for field, is_given, is_needed in (
            ("x", shape.x is not None, not polygon),
            ("y", shape.y is not None, not polygon),
            ("width", shape.width is not None, sized),
            ("height", shape.height is not None, sized),
            ("points", bool(shape.points), polygon),
            ("text", bool(shape.text.strip()), shape.kind == "text"),
        ):
            if is_needed and not is_given:
                self.wrong(f"{pointer}/{field}", f"is needed for a {shape.kind}")
            elif is_given and not is_needed and field != "text":
                self.wrong(f"{pointer}/{field}", f"does not belong to a {shape.kind}")
        if polygon and shape.rotation:
            self.wrong(f"{pointer}/rotation", "does not belong to a polygon, whose points say it")
        if not shape.text.isprintable():
            self.wrong(f"{pointer}/text", _UNPRINTABLE)
        if not _is_near(shape.x or 0.0, shape.y or 0.0):
            self.wrong(pointer, _TOO_FAR)
        self._check_outline(f"{pointer}/points", shape.points)

    def _check_outline(self, pointer: str, points: Sequence[PointLayout]) -> None:
        if 0 < len(points) < 3:
            self.wrong(pointer, "fewer than three corners have no inside")
        self._check_points(pointer, points)

    def _check_points(self, pointer: str, points: Iterable[PointLayout | TableLayout]) -> None:
        if not all(_is_near(point.x, point.y) for point in points):
            self.wrong(pointer, _TOO_FAR)

    def _is_fit(self, pointer: str, text: str, longest: int, forbidden: str) -> bool:
        # Looked at in folded form too: a fullwidth slash is a slash once it is folded.
        folded = labels.fold(text)
        if not text or not folded:
            self.wrong(pointer, "must not be empty")
        elif len(text) > longest:
            self.wrong(pointer, f"is longer than {longest} characters")
        elif not text.isprintable():
            self.wrong(pointer, _UNPRINTABLE)
        elif any(character in folded for character in forbidden):
            self.wrong(pointer, f"must not hold any of {' '.join(forbidden)}")
        else:
            return True
        return False
