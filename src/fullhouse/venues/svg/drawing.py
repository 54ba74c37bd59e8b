"""A seat map drawn: grounds, shapes, tables, seats, names, and what the signs mean.

Coordinates are the map's own, so that a page can lay what it likes upon the picture. Seats are
strokes of no length with broad ends, all of one kind and section in one path: as elements of their
own they would be ten times as many bytes, and more than a browser moves about with ease.
"""

from collections.abc import Iterable, Iterator
from itertools import groupby
from operator import attrgetter

from fullhouse.venues.layout import PointLayout, ShapeLayout
from fullhouse.venues.seatmap import Seat, SeatMap, Section, StandingArea, Table
from fullhouse.venues.svg import pen
from fullhouse.venues.svg.sheet import Box, Sheet, around, box_of, box_of_shape

_INK, _PALE_INK, _LINE, _GROUND, _STAGE = "#1f2937", "#6b7280", "#9ca3af", "#e5e7eb", "#374151"
# Of sections where the map has no categories to tell colours by.
_COLOURS = (
    "#3b6fd4", "#0f9d8a", "#c2571a", "#8e44ad", "#a67c1a", "#a83265", "#5a7d2a", "#3d7ea6",
)  # fmt: skip
_NO_CATEGORY = "#7b8794"
_ACCESSIBLE, _COMPANION, _RESTRICTED = "Accessible", "Companion", "Restricted view"
# Shares of a seat's distance from the next.
_SEAT, _SIGN = 0.8, 0.34
_FAINT = ' stroke-opacity=".42"'
# A text whose letters are a smaller share of the whole is not written: nobody could read it.
_LEGIBLE = 1 / 220
# More sections than that, or more seats across, and names are written into sections and not beside.
_MANY_SECTIONS, _MANY_SEATS = 12, 400
_LONGEST_NAME = 40
_HALO = ' stroke="#fff" paint-order="stroke" stroke-linejoin="round"'


def drawn(seat_map: SeatMap) -> bytes:
    """The whole map as an SVG document."""
    return _Drawing(seat_map).written().encode()


class _Drawing:
    def __init__(self, seat_map: SeatMap) -> None:
        self._map = seat_map
        self._sheet = Sheet(seat_map)
        self._pitch = self._sheet.pitch
        self._colours = {one.name: pen.visible(one.color) for one in seat_map.drawing.categories}
        self._box = self._sheet.box.grown(max(self._pitch * 2, self._sheet.span / 40))

    def written(self) -> str:
        body = [
            *self._shapes(),
            *self._grounds(),
            *self._focal(),
            *self._sections(),
            *self._names(),
            *self._row_names(),
            *self._below(),
        ]
        box = self._box
        view = " ".join(map(pen.number, (box.left, box.top, box.width, box.height)))
        return "".join(
            [
                f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="{view}" role="img"'
                f' font-family="sans-serif" text-anchor="middle" fill="{_INK}">',
                f"<title>{pen.plain(self._map.name or 'Seat map')}</title>",
                pen.box(*box.middle, box.width, box.height, 'fill="#fff"'),
                *body,
                "</svg>",
            ]
        )

    def _is_legible(self, size: float) -> bool:
        return size >= self._sheet.span * _LEGIBLE

    def _colour_of(self, category: str | None, place: int) -> str:
        if not self._colours:
            many = len(self._map.sections) + len(self._map.standing) > len(_COLOURS)
            return _COLOURS[0 if many else place]
        return _NO_CATEGORY if category is None else self._colours.get(category, _NO_CATEGORY)

    # What is not for sale

    def _shapes(self) -> Iterator[str]:
        for shape in self._map.drawing.shapes:
            x, y = (shape.x or 0.0, shape.y or 0.0)
            turned = pen.turned(shape.rotation, x, y)
            border = shape.border_color or (None if shape.color else _LINE)
            look = f'fill="{shape.color or _GROUND}"'
            if border:
                look += f' stroke="{border}" stroke-width="{pen.number(self._pitch * 0.08)}"'
            width, height = shape.width or 0.0, shape.height or 0.0
            if shape.kind == "rectangle":
                yield pen.box(x, y, width, height, look + turned)
            elif shape.kind == "ellipse":
                yield _ellipse(x, y, width, height, look + turned)
            elif shape.kind == "polygon":
                yield f'<path d="{self._outline(shape.points)}" {look}/>'
            if shape.text.strip():
                yield self._shape_text(shape, turned)

    def _shape_text(self, shape: ShapeLayout, turned: str) -> str:
        box, size = box_of_shape(shape), shape.text_size
        if shape.kind != "text" and not self._is_legible(size):
            most = min(box.height * 0.3, self._sheet.span / 50)
            size = pen.fitting(shape.text, box.width * 0.7, most)
        light = shape.kind == "text" or pen.is_light(shape.color or _GROUND)
        colour = shape.text_color or (_INK if light else "#ffffff")
        return pen.text(shape.text, *box.middle, size, f' fill="{colour}"{turned}')

    def _focal(self) -> Iterator[str]:
        """What everybody looks at, unless a shape shows it."""
        x, y = self._map.focal
        near = self._pitch * 3
        if any(box_of_shape(one).grown(near).holds(x, y) for one in self._map.drawing.shapes):
            return
        seats = self._map.seats
        if not seats:
            return
        if y > min(seat.y for seat in seats):
            size = self._pitch * 0.5
            yield (
                f'<circle cx="{pen.number(x)}" cy="{pen.number(y)}" r="{pen.number(size)}"'
                f' fill="none" stroke="{_STAGE}" stroke-width="{pen.number(size / 3)}"/>'
            )
            return
        # At the edge of the front row, from which there is some way to the stage.
        everywhere = box_of(seats)
        stage = around(x, y - self._pitch * 3, everywhere.width * 0.5, self._pitch * 0.7)
        self._sheet.take(stage)
        self._box = _both(self._box, stage.grown(self._pitch))
        round_ends = f'rx="{pen.number(stage.height / 2)}" fill="{_STAGE}"'
        yield pen.box(*stage.middle, stage.width, stage.height, round_ends)

    # Places

    def _grounds(self) -> Iterator[str]:
        """The outlines of sections and standing areas."""
        parts: tuple[Section | StandingArea, ...] = (*self._map.sections, *self._map.standing)
        wide = pen.number(self._pitch * 0.08)
        for at, part in enumerate(parts):
            if not part.outline:
                continue
            colour = self._colour_of(part.category, at)
            strong = ".22" if isinstance(part, StandingArea) else ".08"
            yield (
                f'<path d="{self._outline(part.outline)}" fill="{colour}" fill-opacity="{strong}"'
                f' stroke="{colour}" stroke-opacity=".6" stroke-width="{wide}"/>'
            )

    def _outline(self, points: Iterable[PointLayout]) -> str:
        digits = self._sheet.digits
        places = (f"{pen.fixed(one.x, digits)} {pen.fixed(one.y, digits)}" for one in points)
        return f"M{'L'.join(places)}Z"

    def _sections(self) -> Iterator[str]:
        for at, part in enumerate(self._map.sections):
            yield f"<g><title>{pen.plain(part.name)}</title>"
            for table in part.tables:
                yield self._table(table)
            yield from self._seats(part, at)
            yield "</g>"

    def _table(self, table: Table) -> str:
        look = f'fill="{_GROUND}"{pen.turned(table.rotation, table.x, table.y)}'
        shape = _ellipse if table.shape == "round" else pen.box
        drawn = shape(table.x, table.y, table.width, table.height, look)
        size = pen.fitting(table.name, table.width * 0.8, min(table.height * 0.4, self._pitch))
        if not self._is_legible(size):
            return drawn
        return drawn + pen.text(table.name, table.x, table.y, size, f' fill="{_PALE_INK}"')

    def _seats(self, part: Section, at: int) -> Iterator[str]:
        """Accessible ones are square, companions' have a hole, a restricted view is faint."""
        kinds: dict[tuple[str, bool, bool], list[tuple[float, float]]] = {}
        signs: dict[str, list[tuple[float, float]]] = {}
        for seat in part.seats:
            colour = self._colour_of(seat.category or part.category, at)
            place = (seat.x, seat.y)
            kinds.setdefault((colour, seat.accessible, seat.restricted_view), []).append(place)
            if seat.companion:
                signs.setdefault("#fff", []).append(place)
            elif seat.accessible:
                signs.setdefault(_INK, []).append(place)
        pitch, digits = self._sheet.pitch_of(part), self._sheet.digits
        wide, narrow = pen.number(pitch * _SEAT), pen.number(pitch * _SIGN)
        yield f'<g class="seats" fill="none" stroke-width="{wide}" stroke-linecap="round">'
        for (colour, accessible, restricted), places in kinds.items():
            look = ' stroke-linecap="square"' if accessible else ""
            look += _FAINT if restricted else ""
            yield f'<path stroke="{colour}"{look} d="{pen.dots(places, digits)}"/>'
        yield "</g>"
        for colour, places in signs.items():
            look = f'fill="none" stroke="{colour}" stroke-width="{narrow}" stroke-linecap="round"'
            yield f'<path {look} d="{pen.dots(places, digits)}"/>'

    # Names

    def _names(self) -> Iterator[str]:
        """Of sections and of standing areas that have a ground."""
        yield '<g font-weight="bold">'
        for part in self._map.sections:
            yield from self._section_name(part)
        for area in self._map.standing:
            if not area.outline:
                continue
            box = box_of(area.outline)
            words = _standing_words(area)
            size = pen.fitting(words, box.width * 0.8, min(box.height / 4, self._sheet.span / 30))
            if self._is_legible(size):
                yield pen.text(words, *box.middle, size)
        yield "</g>"

    def _section_name(self, part: Section) -> Iterator[str]:
        box = box_of(part.seats).grown(self._pitch / 2)
        usual = max(self._pitch * 0.9, self._sheet.span / 60)
        size = min(usual, pen.fitting(part.name, box.width, usual))
        if not self._is_legible(size):
            return
        x, y = box.middle
        halo = f'{_HALO} stroke-width="{pen.number(size / 4)}"'
        small = self._sheet.span <= self._pitch * _MANY_SEATS
        if small and len(self._map.sections) <= _MANY_SECTIONS:
            wide = pen.width_of(part.name, size)
            away = size * 0.7
            for at in (box.top - away, box.bottom + away):
                place = around(x, at, wide, size)
                if self._sheet.take(place):
                    self._box = _both(self._box, place.grown(self._pitch))
                    yield pen.text(part.name, x, at, size, halo)
                    return
        yield pen.text(part.name, x, y, size, halo)

    def _row_names(self) -> Iterator[str]:
        """At both ends of the rows, as far as there is room and they can be read."""
        size = self._pitch * 0.5
        if not self._is_legible(size):
            return
        yield f'<g fill="{_PALE_INK}">'
        for part in self._map.sections:
            for (row, table), found in groupby(part.seats, attrgetter("row", "table")):
                if table:
                    continue
                seats = list(found)
                for end, inner in ((seats[0], seats[1:2]), (seats[-1], seats[-2:-1])):
                    yield from self._row_name(row, end, inner, size)
        yield "</g>"

    def _row_name(self, row: str, end: Seat, inner: list[Seat], size: float) -> Iterator[str]:
        across, down = (end.x - inner[0].x, end.y - inner[0].y) if inner else (-1.0, 0.0)
        length = (across**2 + down**2) ** 0.5
        if not length:
            return
        wide = pen.width_of(row, size)
        away = (self._pitch + max(wide, size)) / 2 / length
        place = around(end.x + across * away, end.y + down * away, wide * 0.9, size * 0.9)
        if self._sheet.take(place):
            self._box = _both(self._box, place.grown(self._pitch / 2))
            yield pen.text(row, *place.middle, size)

    # What has no place of its own

    def _below(self) -> Iterator[str]:
        """Standing areas without a ground, and what colours and signs mean."""
        size = self._sheet.span / 45
        entries = [(words, look, size * 2.2) for words, look in self._placeless(size)]
        entries += [(words, look, size * 1.8) for words, look in self._meanings(size)]
        if not entries:
            return
        left, y = self._box.left + size, self._box.bottom + size
        x, right = left, max(self._box.right, left + size * 16) - size
        yield '<g text-anchor="start">'
        for words, look, line in entries:
            wide = size * 1.6 + pen.width_of(words, size)
            if x > left and x + wide > right:
                x, y = left, y + line
            yield look.format(x=pen.number(x + size / 2), y=pen.number(y))
            yield pen.text(words, x + size * 1.4, y, size)
            x += wide + size
        yield "</g>"
        self._box = Box(self._box.left, self._box.top, right + size, y + size * 1.5)

    def _placeless(self, size: float) -> Iterator[tuple[str, str]]:
        for at, area in enumerate(self._map.standing, len(self._map.sections)):
            if not area.outline:
                sign = _sign(self._colour_of(area.category, at), size, "square")
                yield _standing_words(area), sign

    def _meanings(self, size: float) -> Iterator[tuple[str, str]]:
        for category in self._map.drawing.categories:
            yield _shortened(category.name), _sign(self._colours[category.name], size)
        seats = self._map.seats
        if any(seat.accessible for seat in seats):
            inner = _sign(_INK, size * 0.4)
            yield _ACCESSIBLE, _sign(_NO_CATEGORY, size * 0.9, "square") + inner
        if any(seat.companion for seat in seats):
            yield _COMPANION, _sign(_NO_CATEGORY, size) + _sign("#fff", size * 0.4)
        if any(seat.restricted_view for seat in seats):
            yield _RESTRICTED, _sign(_NO_CATEGORY, size, more=_FAINT)


def _ellipse(x: float, y: float, width: float, height: float, look: str) -> str:
    middle = f'cx="{pen.number(x)}" cy="{pen.number(y)}"'
    return f'<ellipse {middle} rx="{pen.number(width / 2)}" ry="{pen.number(height / 2)}" {look}/>'


def _sign(colour: str, size: float, ends: str = "round", more: str = "") -> str:
    """A seat as the legend shows it; its place is filled in later."""
    return (
        f'<path d="M{{x}} {{y}}h0" stroke="{colour}" stroke-width="{pen.number(size)}"'
        f' stroke-linecap="{ends}"{more}/>'
    )


def _both(one: Box, other: Box) -> Box:
    return Box(
        min(one.left, other.left),
        min(one.top, other.top),
        max(one.right, other.right),
        max(one.bottom, other.bottom),
    )


def _standing_words(area: StandingArea) -> str:
    return f"{_shortened(area.name)} ({area.capacity:,})"


def _shortened(name: str) -> str:
    return name if len(name) <= _LONGEST_NAME else f"{name[: _LONGEST_NAME - 1]}…"
