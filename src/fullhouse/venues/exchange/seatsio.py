"""Reads seats.io's published charts: floors are laid below each other, labels become names."""

import msgspec

from fullhouse.kit.errors import FieldError
from fullhouse.venues import building, labels
from fullhouse.venues.exchange import drawing
from fullhouse.venues.exchange.categories import Categories
from fullhouse.venues.exchange.drawing import Place
from fullhouse.venues.exchange.limits import Budget
from fullhouse.venues.exchange.losses import Loss, Losses
from fullhouse.venues.exchange.names import Names, fit
from fullhouse.venues.exchange.reading import is_there, read, refused
from fullhouse.venues.exchange.seatsio_chart import (
    DISPLAY,
    ENTRANCES,
    WHOLE,
    Chart,
    ChartArea,
    ChartRow,
    ChartSeat,
    ChartSection,
    ChartTable,
    Floor,
    Plane,
)
from fullhouse.venues.exchange.seatsio_drawing import area_outline, draw, drawn_corners
from fullhouse.venues.layout import (
    LARGEST,
    MOST_CAPACITY,
    Layout,
    PointLayout,
    RowLayout,
    SeatLayout,
    SectionLayout,
    ShapeLayout,
    StandingLayout,
    TableLayout,
)

# Between two floors that are laid below each other.
_BETWEEN_FLOORS = 100.0
_MAIN = "Main"
_USUAL_TABLE = 60.0

_FAR = "is too far from the origin"
_VIEWS = "views from the seat are not kept"
_MIXED = "seats of one section have several categories, which only give colours: price by section"


def layout_of_chart(document: bytes, name: str | None = None) -> tuple[Layout, list[Loss]]:
    """The layout that a chart describes, and what of it is lost.

    Raises Refused: SEAT_MAP_INVALID with every place of the document that is wrong.
    """
    losses = Losses()
    chart = read(document, Chart, losses)
    reader = _Reader(losses)
    layout = reader.layout(chart, name)
    if reader.errors:
        raise refused(reader.errors)
    return layout, losses.listed()


class _Part:
    """A section while it is gathered."""

    def __init__(self, name: str, key: str | int | None, losses: Losses) -> None:
        self.name = name
        self.key = key  # of the category of seats that name none
        self.rows: list[RowLayout] = []
        self.tables: list[TableLayout] = []
        self.row_names = Names("row", building.LONGEST_ROW, building.NOT_IN_ROWS, losses)
        self.table_names = Names("table", building.LONGEST_TABLE, building.NOT_IN_ROWS, losses)
        self.numbers: dict[str, Names] = {}

    def numbers_of(self, row: str, losses: Losses) -> Names:
        """The seats of a row; rows of one name are one row."""
        key = labels.fold(row)
        if key not in self.numbers:
            self.numbers[key] = Names(
                f"seat of {row}", building.LONGEST_NUMBER, building.NOT_IN_ROWS, losses
            )
        return self.numbers[key]


class _Reader:
    def __init__(self, losses: Losses) -> None:
        self.errors: list[FieldError] = []
        self._losses = losses
        self._categories = Categories(losses)
        self._accessible: set[str] = set()
        self._names = Names("part", building.LONGEST_SECTION, building.NOT_IN_SECTIONS, losses)
        self._sections: list[SectionLayout] = []
        self._standing: list[StandingLayout] = []
        self._shapes: list[ShapeLayout] = []
        self._budget = Budget(losses)

    def layout(self, chart: Chart, name: str | None) -> Layout:
        """The whole layout."""
        floors = self._floors(chart)
        self.errors += _too_much(floors)
        if self.errors:
            return Layout()
        self._read_categories(chart)
        if chart.zones is not None and chart.zones.listed:
            zones = "zones and their focal points are not kept; their sections are"
            self._losses.note("/zones/list/0", zones, len(chart.zones.listed))
        focal: PointLayout | None = None
        y = 0.0
        width = 0.0
        for pointer, floor in floors:
            place = Place(pointer, 0.0, y)
            self._floor(place, floor)
            spot = floor.focal_point
            if spot is not None and focal is None and drawing.is_near(spot.x, y + spot.y):
                focal = PointLayout(drawing.rounded(spot.x), drawing.rounded(y + spot.y))
            elif spot is not None:
                more = "only the first focal point that is within reach is kept"
                self._losses.note(f"{pointer}/focalPoint", more)
            y += min(max(floor.height or 0.0, 0.0), LARGEST) + _BETWEEN_FLOORS
            width = max(width, floor.width or 0.0)
        if not self.errors and not self._sections and not self._standing:
            self.errors.append(FieldError(floors[0][0], "holds neither seats nor areas"))
        height = y - _BETWEEN_FLOORS
        fits = 0 < width <= LARGEST and 0 < height <= LARGEST
        return Layout(
            name=fit(chart.name or "", 200) if name is None else name.strip(),
            width=width if fits else None,
            height=height if fits else None,
            sections=self._sections,
            standing=self._standing,
            focal=focal,
            categories=self._categories.listed(),
            shapes=self._shapes,
        )

    def _floors(self, chart: Chart) -> list[tuple[str, Floor]]:
        floors: list[tuple[str, Floor]] = []
        if chart.sub_chart is not None:
            floors.append(("/subChart", chart.sub_chart))
        for at, floor in enumerate(chart.sub_chart_floors or ()):
            floors.append((f"/subChartFloors/{at}", floor))
        if not floors:
            self.errors.append(FieldError("/subChart", "is missing"))
        if len(floors) > 1:
            below = "floors are drawn below each other on one map, and their names are not kept"
            self._losses.note("/subChartFloors", below, len(floors))
        return floors

    def _read_categories(self, chart: Chart) -> None:
        known = [] if chart.categories is None else chart.categories.listed
        for at, category in enumerate(known):
            pointer = f"/categories/list/{at}"
            self._categories.add(
                pointer, str(category.key), category.label or str(category.key), category.color
            )
            if category.accessible:
                self._accessible.add(str(category.key))

    def _floor(self, place: Place, floor: Floor) -> None:
        if is_there(floor.background_image):
            picture = "a background image is not kept: upload it and name it as backgroundImageId"
            self._losses.note(f"{place.pointer}/backgroundImage", picture)
        self._plane(place, floor)
        for at, section in enumerate(floor.sections):
            self._section(place.inside("sections", at), section)

    def _section(self, place: Place, section: ChartSection) -> None:
        if section.entrance:
            self._losses.note(f"{place.pointer}/entrance", ENTRANCES)
        if section.view_from_your_seat_image:
            self._losses.note(f"{place.pointer}/viewFromYourSeatImage", _VIEWS)
        plane = section.sub_chart
        if plane is None or not (plane.rows or plane.tables or plane.general_admission_areas):
            self._losses.note(place.pointer, "a section without places was left out")
        if plane is not None:
            corner = section.top_left
            inside = place if corner is None else place.moved(corner.x, corner.y)
            self._plane(inside.inside("subChart"), plane, section, place)

    def _plane(
        self,
        place: Place,
        plane: Plane,
        section: ChartSection | None = None,
        around: Place | None = None,
    ) -> None:
        """What is on a floor or in a section: places first, then what is drawn."""
        parts: dict[str, _Part] = {}
        for at, row in enumerate(plane.rows):
            inside = place.inside("rows", at)
            if row.seats:
                self._row(inside, at, row, self._part(inside, parts, section, row.section_label))
            else:
                self._losses.note(inside.pointer, "a row without seats was left out")
        for at, table in enumerate(plane.tables):
            inside = place.inside("tables", at)
            if table.seats:
                self._table(inside, at, table, self._part(inside, parts, section, None))
            else:
                self._losses.note(inside.pointer, "a table without seats was left out")
        for part in parts.values():
            self._finish(place, part, section, around)
        for at, area in enumerate(plane.general_admission_areas):
            self._area(place.inside("generalAdmissionAreas", at), at, area, section)
        draw(place, plane, self._shapes, self._budget, self._losses)

    def _part(
        self, place: Place, parts: dict[str, _Part], section: ChartSection | None, label: str | None
    ) -> _Part:
        """The section to which a row or table belongs, made when its first one comes."""
        key = "" if section is not None else label or _MAIN
        if key not in parts:
            given = key if section is None else _text(section.label)
            pointer = place.pointer
            if section is not None:
                pointer = f"{pointer.rpartition('/subChart')[0]}/label"
            name = self._names.take(pointer, given, "Section")
            parts[key] = _Part(
                name, None if section is None else section.category_key, self._losses
            )
        return parts[key]

    def _finish(
        self, place: Place, part: _Part, section: ChartSection | None, around: Place | None
    ) -> None:
        made = SectionLayout(part.name, part.rows, part.tables)
        if section is not None and around is not None and section.points:
            outline = self._budget.outline(
                f"{around.pointer}/points", drawn_corners(around, section.points)
            )
            made = msgspec.structs.replace(made, outline=outline)
        common, mixed = self._categories.common(made)
        if mixed:
            self._losses.note(place.pointer, _MIXED)
        self._sections.append(common)

    def _row(self, place: Place, at: int, row: ChartRow, part: _Part) -> None:
        label = part.row_names.fit(f"{place.pointer}/label", _text(row.label), f"Row {at + 1}")
        self._check_display(place, row.display_label)
        part.table_names.reserve(label)
        part.rows.append(RowLayout(label, self._seats(place, row.seats, label, part)))

    def _table(self, place: Place, at: int, table: ChartTable, part: _Part) -> None:
        name = part.table_names.take(
            f"{place.pointer}/label", _text(table.label), f"Table {at + 1}"
        )
        self._check_display(place, table.display_label)
        if table.book_as_a_whole:
            whole = "tables cannot be sold as a whole: their seats are sold one by one"
            self._losses.note(f"{place.pointer}/bookAsAWhole", whole)
        seats = self._seats(place, table.seats, name, part)
        x = place.x + table.center.x if table.center else seats[0].x
        y = place.y + table.center.y if table.center else seats[0].y
        if not drawing.is_near(x, y):
            self.errors.append(FieldError(f"{place.pointer}/center", _FAR))
        wide = 2 * table.radius if table.radius else table.width or _USUAL_TABLE
        high = 2 * table.radius if table.radius else table.height or wide
        part.tables.append(
            TableLayout(
                name,
                drawing.rounded(x),
                drawing.rounded(y),
                seats,
                shape="round" if table.radius or table.type == "round" else "rectangular",
                width=wide if 0 < wide <= LARGEST else _USUAL_TABLE,
                height=high if 0 < high <= LARGEST else _USUAL_TABLE,
                rotation=drawing.degrees_of(table.rotation_angle),
            )
        )

    def _seats(
        self, place: Place, seats: list[ChartSeat], row: str, part: _Part
    ) -> list[SeatLayout]:
        numbers = part.numbers_of(row, self._losses)
        made = []
        for at, seat in enumerate(seats):
            pointer = f"{place.pointer}/seats/{at}"
            x, y = place.x + seat.x, place.y + seat.y
            if not drawing.is_near(x, y):
                self.errors.append(FieldError(pointer, _FAR))
            self._check_seat(pointer, seat)
            category = None
            key = part.key if seat.category_key is None else seat.category_key
            if key is not None:
                category = self._categories.named(f"{pointer}/categoryKey", str(key))
            given = _text(seat.label)
            made.append(
                SeatLayout(
                    # A question mark is what the chart's editor has for "no number yet".
                    numbers.take(f"{pointer}/label", "" if given == "?" else given, str(at + 1)),
                    drawing.rounded(x),
                    drawing.rounded(y),
                    accessible=bool(seat.accessible or seat.category_accessible)
                    or str(key) in self._accessible,
                    companion=bool(seat.companion_seat),
                    restricted_view=bool(seat.restricted_view),
                    category=category,
                )
            )
        return made

    def _check_seat(self, pointer: str, seat: ChartSeat) -> None:
        if seat.display_label is not None:
            self._losses.note(f"{pointer}/displayLabel", DISPLAY)
        if seat.semi_ambulatory_seat:
            half = "seats for people who walk with difficulty are seats as all others"
            self._losses.note(f"{pointer}/semiAmbulatorySeat", half)
        if seat.entrance:
            self._losses.note(f"{pointer}/entrance", ENTRANCES)
        if seat.view_from_your_seat_image:
            self._losses.note(f"{pointer}/viewFromYourSeatImage", _VIEWS)

    def _check_display(self, place: Place, display: str | int | None) -> None:
        if display is not None:
            self._losses.note(f"{place.pointer}/displayLabel", DISPLAY)

    def _area(self, place: Place, at: int, area: ChartArea, section: ChartSection | None) -> None:
        if not 1 <= area.capacity <= MOST_CAPACITY:
            self._losses.note(f"{place.pointer}/capacity", "an area for nobody was left out")
            return
        if area.book_as_a_whole or area.variable_occupancy or (area.min_occupancy or 1) > 1:
            self._losses.note(place.pointer, WHOLE)
        if area.entrance:
            self._losses.note(f"{place.pointer}/entrance", ENTRANCES)
        self._check_display(place, area.display_label)
        given = _text(area.label)
        if section is not None:
            given = f"{_text(section.label)} {given}"
        key = area.category_key
        if key is None and section is not None:
            key = section.category_key
        category = None
        if key is not None:
            category = self._categories.named(f"{place.pointer}/categoryKey", str(key))
        name = self._names.take(f"{place.pointer}/label", given, f"Area {at + 1}")
        outline = self._budget.outline(place.pointer, area_outline(place, area))
        self._standing.append(StandingLayout(name, area.capacity, outline, category))


def _text(label: str | int | None) -> str:
    return "" if label is None else str(label)


def _too_much(floors: list[tuple[str, Floor]]) -> list[FieldError]:
    """What there is too much of, floors counted with the parts that they would have."""
    planes: list[Plane] = [floor for _, floor in floors]
    sections = [section for _, floor in floors for section in floor.sections]
    planes += [section.sub_chart for section in sections if section.sub_chart is not None]
    rows = [row.seats for plane in planes for row in plane.rows]
    rows += [table.seats for plane in planes for table in plane.tables]
    areas = sum(len(plane.general_admission_areas) for plane in planes)
    # Rows that are in no section may name one.
    named = sum(
        len({row.section_label for row in floor.rows}) + bool(floor.tables) for _, floor in floors
    )
    return Budget.errors(
        floors[0][0] if floors else "",
        parts=len(floors) - 1 + len(sections) + areas + named,
        rows=len(rows),
        seats=sum(len(seats) for seats in rows),
    )
