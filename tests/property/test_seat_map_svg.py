"""Whatever a seat map holds: its picture is well-formed, and shows every seat once."""

import re
from collections import Counter
from decimal import Decimal
from typing import Literal
from xml.etree import ElementTree

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from fullhouse.venues.layout import (
    FARTHEST,
    LARGEST,
    LARGEST_TEXT,
    CategoryLayout,
    Layout,
    PointLayout,
    RowLayout,
    SeatLayout,
    SectionLayout,
    ShapeLayout,
    StandingLayout,
    TableLayout,
)
from fullhouse.venues.seatmap import SeatMap
from fullhouse.venues.svg import pen
from fullhouse.venues.svg.drawing import drawn
from fullhouse.venues.svg.sheet import Sheet
from tests.property.test_seat_map_exchange import layouts as exchanged
from tests.property.test_seat_maps import built, layouts
from tests.support.stadium import SEATS, stadium

SVG = "{http://www.w3.org/2000/svg}"
_ELEMENTS = {"svg", "title", "g", "path", "rect", "circle", "ellipse", "text"}
_DOT = re.compile(r"m(-?[0-9.]+) ?(-?[0-9.]+)h0")
_NUMBERS = {"x", "y", "cx", "cy", "r", "rx", "ry", "width", "height", "font-size", "stroke-width"}

KINDS: tuple[Literal["rectangle", "ellipse", "polygon", "text"], ...] = (
    "rectangle", "ellipse", "polygon", "text",
)  # fmt: skip
_coordinates = st.floats(-FARTHEST, FARTHEST)
_sizes = st.floats(0.001, LARGEST)
_words = st.text(max_size=8).filter(str.isprintable) | st.just(
    '</svg><script>alert("x")</script>&amp;'
)
_points = st.builds(PointLayout, _coordinates, _coordinates)
_outlines = st.just(()) | st.lists(_points, min_size=3, max_size=5).map(tuple)
_CATEGORIES = [CategoryLayout("White", "#ffffff"), CategoryLayout("</svg>", "#Ffd700")]
_hints = st.sampled_from([None, *(one.name for one in _CATEGORIES)])
_colours = st.sampled_from(["#ffffff", "#000000", "#Ffd700", "#1e90ff"])


@st.composite
def shapes(draw: st.DrawFn) -> ShapeLayout:
    kind = draw(st.sampled_from(KINDS))
    shape = ShapeLayout(
        kind,
        rotation=0.0 if kind == "polygon" else draw(st.floats(-360, 360)),
        color=draw(st.none() | _colours),
        text=draw(_words) + ("!" if kind == "text" else ""),
        text_size=draw(st.floats(0.001, LARGEST_TEXT)),
    )
    if kind == "polygon":
        return msgspec.structs.replace(shape, points=draw(_outlines.filter(bool)))
    shape = msgspec.structs.replace(shape, x=draw(_coordinates), y=draw(_coordinates))
    if kind == "text":
        return shape
    return msgspec.structs.replace(shape, width=draw(_sizes), height=draw(_sizes))


_seats = st.lists(
    st.builds(
        SeatLayout,
        number=st.just(""),
        x=_coordinates,
        y=_coordinates,
        accessible=st.booleans(),
        companion=st.booleans(),
        restricted_view=st.booleans(),
        category=_hints,
    ),
    min_size=1,
    max_size=4,
)


def _numbered(seats: list[SeatLayout]) -> list[SeatLayout]:
    return [msgspec.structs.replace(seat, number=at) for at, seat in enumerate(seats)]


@st.composite
def halls(draw: st.DrawFn) -> Layout:
    """A hall as the building accepts it: with names of one kind and places of every kind."""
    sections = [
        SectionLayout(
            f"<script> & {at}",
            [
                RowLayout(f"'{row}\"", _numbered(seats))
                for row, seats in enumerate(draw(st.lists(_seats, min_size=1, max_size=3)))
            ],
            [
                TableLayout(
                    f"<{table}>",
                    draw(_coordinates),
                    draw(_coordinates),
                    _numbered(seats),
                    draw(st.sampled_from(["round", "rectangular"])),
                    draw(_sizes),
                    draw(_sizes),
                    draw(st.floats(-360, 360)),
                )
                for table, seats in enumerate(draw(st.lists(_seats, max_size=2)))
            ],
            draw(_outlines),
            draw(_hints),
        )
        for at in range(draw(st.integers(0, 3)))
    ]
    standing = [
        StandingLayout(f"]]> {at}", 9, draw(_outlines), draw(_hints))
        for at in range(draw(st.integers(0 if sections else 1, 2)))
    ]
    return Layout(sections=sections, standing=standing)


@st.composite
def maps(draw: st.DrawFn) -> SeatMap | None:
    """A map of any of the strategies, with everything besides that may be drawn."""
    layout = draw(st.one_of(halls(), layouts(), exchanged()))
    known = {one.name for one in layout.categories}
    return built(
        msgspec.structs.replace(
            layout,
            name=draw(_words),
            categories=[*layout.categories, *(one for one in _CATEGORIES if one.name not in known)],
            shapes=draw(st.lists(shapes(), max_size=3)),
            focal=draw(st.none() | _points),
        )
    )


def places(seat_map: SeatMap, root: ElementTree.Element) -> Counter[tuple[int, int]]:
    """Where seats are drawn, in steps of the last digit."""
    scale = 10 ** Sheet(seat_map).digits
    found: Counter[tuple[int, int]] = Counter()
    for group in root.iter(f"{SVG}g"):
        if group.get("class") != "seats":
            continue
        for path in group:
            written = path.get("d", "")
            assert _DOT.sub("", written) == ""
            x = y = Decimal()
            for across, down in _DOT.findall(written):
                x, y = x + Decimal(across), y + Decimal(down)
                found[int(x * scale), int(y * scale)] += 1
    return found


def check(seat_map: SeatMap) -> ElementTree.Element:
    root = ElementTree.fromstring(drawn(seat_map))
    scale = 10 ** Sheet(seat_map).digits
    expected = Counter((round(seat.x * scale), round(seat.y * scale)) for seat in seat_map.seats)
    assert places(seat_map, root) == expected
    left, top, width, height = map(float, root.attrib["viewBox"].split())
    assert width > 0
    assert height > 0
    # To the digits in which the edges are written.
    slack = 1e-6 * max(abs(left), abs(top), width, height)
    for seat in seat_map.seats:
        assert left - slack <= seat.x <= left + width + slack
        assert top - slack <= seat.y <= top + height + slack
    for element in root.iter():
        assert element.tag.removeprefix(SVG) in _ELEMENTS
        for name, value in element.attrib.items():
            assert not name.startswith("on")
            assert name not in ("style", "href")
            if name in _NUMBERS:
                # Also no infinity and no number that is none.
                assert abs(float(value)) < 1e8
    return root


@given(maps())
@settings(max_examples=200, deadline=None)
def test_every_seat_is_drawn_once(seat_map: SeatMap | None) -> None:
    if seat_map is not None:
        check(seat_map)


@given(st.text())
def test_any_text_can_be_written(words: str) -> None:
    read = ElementTree.fromstring(f"<t>{pen.plain(words)}</t>").text or ""
    assert len(read) == len(words)
    # What XML cannot hold is another sign; line ends are one to it.
    assert all(a in (b, "\ufffd") or b == "\r" for a, b in zip(read, words, strict=True))


def test_a_stadium_is_half_a_megabyte() -> None:
    seat_map = built(stadium())
    assert seat_map is not None
    root = check(seat_map)
    assert sum(places(seat_map, root).values()) == SEATS
    assert len(drawn(seat_map)) < 700_000
    titles = [one.text for one in root.iter(f"{SVG}title")]
    assert titles == ["Stadium", *(part.name for part in seat_map.sections)]
    assert "Lower 101" in [one.text for one in root.iter(f"{SVG}text")]
