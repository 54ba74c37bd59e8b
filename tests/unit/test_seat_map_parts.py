"""Tables, outlines, shapes, categories and pictures of seat maps, and who sits beside whom."""

import math
from uuid import UUID, uuid4

import msgspec
import pytest

from fullhouse.kit.errors import Refused
from fullhouse.venues import building, templates
from fullhouse.venues.layout import (
    BoxLayout,
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
from fullhouse.venues.neighbours import Neighbours
from fullhouse.venues.seatmap import SeatMap

HALL = UUID("0199a7b0-0000-7000-8000-000000000001")
TRIANGLE = (PointLayout(0, 0), PointLayout(9, 0), PointLayout(0, 9))


def made(layout: Layout) -> SeatMap:
    return building.build(layout, seat_map_id=uuid4(), hall_id=HALL, version=1)


def seats(*numbers: str, **fields: str) -> list[SeatLayout]:
    return [
        SeatLayout(number, float(at), 0.0, category=fields.get("category"))
        for at, number in enumerate(numbers)
    ]


def table(name: str, *numbers: str) -> TableLayout:
    return TableLayout(name, 0, 0, seats(*(numbers or ("1", "2"))))


def one_section(**fields: object) -> Layout:
    rows = {"rows": [RowLayout("A", seats("1", "2"))]}
    section = msgspec.structs.replace(SectionLayout("Main"), **(rows | fields))
    return Layout(sections=[section])


def with_shape(**fields: object) -> Layout:
    shape = msgspec.structs.replace(ShapeLayout("rectangle"), **fields)
    return msgspec.structs.replace(one_section(), shapes=[shape])


def seated_at(x: float, y: float) -> Layout:
    return one_section(rows=[RowLayout("A", [SeatLayout("1", x, y)])])


@pytest.mark.parametrize(
    ("layout", "pointers"),
    [
        (one_section(tables=[table("")]), ["/sections/0/tables/0/name"]),
        (one_section(tables=[table("T-1")]), ["/sections/0/tables/0/name"]),
        (one_section(tables=[table("T/1")]), ["/sections/0/tables/0/name"]),
        (one_section(tables=[table("x" * 41)]), ["/sections/0/tables/0/name"]),
        (one_section(tables=[table("T 1"), table("t01")]), ["/sections/0/tables/1/name"]),
        (one_section(tables=[table("a")]), ["/sections/0/tables/0/name"]),
        (one_section(tables=[table("T", "1", "01")]), ["/sections/0/tables/0/seats/1"]),
        (
            one_section(tables=[TableLayout("T", 0, 0, [])]),
            ["/sections/0/tables/0/seats"],
        ),
        (
            one_section(tables=[TableLayout("T", 2e6, 0, seats("1"))]),
            ["/sections/0/tables/0"],
        ),
        (seated_at(math.nan, 0), ["/sections/0/rows/0/seats/0"]),
        (seated_at(0, math.inf), ["/sections/0/rows/0/seats/0"]),
        (seated_at(0, -1_000_001), ["/sections/0/rows/0/seats/0"]),
        (one_section(outline=TRIANGLE[:2]), ["/sections/0/outline"]),
        (one_section(outline=(*TRIANGLE, PointLayout(0, 2e6))), ["/sections/0/outline"]),
        (one_section(category="Gold"), ["/sections/0/category"]),
        (
            one_section(rows=[RowLayout("A", seats("1", "2", category="Gold"))]),
            ["/sections/0/rows/0/seats/0/category", "/sections/0/rows/0/seats/1/category"],
        ),
        (
            Layout(standing=[StandingLayout("Pit", 9, TRIANGLE[:1], "Gold")]),
            ["/standing/0/outline", "/standing/0/category"],
        ),
        (
            msgspec.structs.replace(
                one_section(),
                categories=[
                    CategoryLayout("", "#000000"),
                    CategoryLayout("A", "#000000"),
                    CategoryLayout("A", "#ffffff"),
                ],
            ),
            ["/categories/0/name", "/categories/2/name"],
        ),
        (
            with_shape(),
            ["/shapes/0/x", "/shapes/0/y", "/shapes/0/width", "/shapes/0/height"],
        ),
        (with_shape(kind="text", x=0, y=0), ["/shapes/0/text"]),
        (with_shape(kind="text", x=0, y=0, text=" "), ["/shapes/0/text"]),
        (with_shape(kind="text", x=0, y=0, text="a\nb"), ["/shapes/0/text"]),
        (with_shape(kind="text", x=0, y=0, text="a", width=3), ["/shapes/0/width"]),
        (with_shape(kind="polygon"), ["/shapes/0/points"]),
        (with_shape(kind="polygon", points=TRIANGLE, rotation=9), ["/shapes/0/rotation"]),
        (with_shape(kind="polygon", points=TRIANGLE[:2]), ["/shapes/0/points"]),
        (with_shape(x=0, y=0, width=1, height=1, points=TRIANGLE), ["/shapes/0/points"]),
        (with_shape(x=2e6, y=0, width=1, height=1), ["/shapes/0"]),
        (
            msgspec.structs.replace(one_section(), focal=PointLayout(0, math.nan)),
            ["/focal"],
        ),
        (
            msgspec.structs.replace(one_section(), background_box=BoxLayout(0, 0, 1, 1)),
            ["/backgroundBox"],
        ),
        (
            one_section(rows=[RowLayout("A", seats("1"))] * (building.MOST_ROWS + 1)),
            ["/sections"],
        ),
        (
            msgspec.structs.replace(
                one_section(),
                shapes=[ShapeLayout("text", x=0, y=0, text="a")] * (building.MOST_SHAPES + 1),
            ),
            ["/shapes"],
        ),
        (
            msgspec.structs.replace(
                one_section(), shapes=[ShapeLayout("polygon", points=TRIANGLE * 300)] * 23
            ),
            ["/shapes"],
        ),
        (
            msgspec.structs.replace(
                one_section(),
                categories=[CategoryLayout(f"{at}", "#000000") for at in range(101)],
            ),
            ["/categories"],
        ),
    ],
)  # fmt: skip
def test_every_mistake_is_pointed_at(layout: Layout, pointers: list[str]) -> None:
    with pytest.raises(Refused) as caught:
        made(layout)
    assert caught.value.code.name == "seat_map_invalid"
    assert [error.pointer for error in caught.value.errors] == pointers


def test_mistakes_of_all_parts_come_in_one_answer() -> None:
    layout = Layout(
        sections=[SectionLayout("A/B", [RowLayout("", seats("1"))], [table("T-1")])],
        standing=[StandingLayout("", 1)],
        shapes=[ShapeLayout("text", x=0, y=0)],
        categories=[CategoryLayout("\x07", "#000000")],
    )
    with pytest.raises(Refused) as caught:
        made(layout)
    assert {error.pointer for error in caught.value.errors} == {
        "/categories/0/name",
        "/shapes/0/text",
        "/sections/0/name",
        "/sections/0/rows/0/label",
        "/sections/0/tables/0/name",
        "/sections/0/rows",
        "/standing/0/name",
    }


def test_seats_at_tables_are_named_like_those_in_rows() -> None:
    seat_map = made(one_section(tables=[table("Table 5", "1", "2"), table("Table 6", "1")]))
    assert [seat.path for seat in seat_map.seats] == [
        "Main/A-1",
        "Main/A-2",
        "Main/Table 5-1",
        "Main/Table 5-2",
        "Main/Table 6-1",
    ]
    assert [seat.position for seat in seat_map.seats] == list(range(5))
    assert seat_map.find("table5-2").row == "Table 5"
    assert seat_map.find("main / TABLE 06 - 01").row == "Table 6"
    with pytest.raises(Refused, match="unknown_seat"):
        seat_map.find("table52")
    (section,) = seat_map.sections
    assert [part.name for part in section.tables] == ["Table 5", "Table 6"]


def test_a_seat_keeps_its_id_when_its_row_becomes_a_table() -> None:
    row = made(Layout(sections=[SectionLayout("Main", [RowLayout("T", seats("1"))])]))
    at_table = made(Layout(sections=[SectionLayout("Main", tables=[table("t", "01")])]))
    assert row.seats[0].id == at_table.seats[0].id


def test_who_sits_at_a_table_sits_together() -> None:
    # Two on each long side: the way around the end is far longer than from chair to chair.
    chairs = [
        SeatLayout(f"{at + 1}", *place)
        for at, place in enumerate([(0, 0), (10, 0), (10, 300), (0, 300)])
    ]
    layout = Layout(
        sections=[
            SectionLayout(
                "Hall",
                [RowLayout("A", seats("1", "2"))],
                [TableLayout("B", 5, 150, chairs), TableLayout("C", 500, 0, seats("1", "2"))],
            )
        ]
    )
    seat_map = made(layout)
    runs = [[seat.label for seat in block] for block in Neighbours(seat_map.seats).blocks]
    assert runs == [["A-1", "A-2"], ["B-1", "B-2", "B-3", "B-4"], ["C-1", "C-2"]]
    as_row = made(Layout(sections=[SectionLayout("Hall", [RowLayout("B", chairs)])]))
    assert [len(block) for block in Neighbours(as_row.seats).blocks] == [2, 2]


@pytest.mark.parametrize(("tables", "seats_per_table"), [(1, 1), (7, 8), (1_000, 10), (3, 100)])
def test_a_banquet(tables: int, seats_per_table: int) -> None:
    seat_map = made(templates.banquet(tables, seats_per_table))
    assert len(seat_map.seats) == tables * seats_per_table
    (section,) = seat_map.sections
    assert section.tables[-1].name == f"Table {tables}"
    assert seat_map.find(f"Table {tables}-{seats_per_table}") is seat_map.seats[-1]
    places = sorted((seat.x, seat.y) for seat in seat_map.seats)
    assert len(set(places)) == len(places)
    for seat in seat_map.seats:
        assert 0 < seat.x < seat_map.width
        assert 0 < seat.y < seat_map.height
    chairs = seat_map.seats[:2] if seats_per_table > 1 else ()
    if chairs:
        # Nobody sits in somebody else's lap, or in another room.
        assert 15 < math.dist(*((chair.x, chair.y) for chair in chairs)) < 80


def test_the_drawing_reaches_as_far_as_what_is_drawn() -> None:
    shapes = [ShapeLayout("rectangle", x=500, y=0, width=60, height=80, rotation=45)]
    layout = msgspec.structs.replace(
        one_section(outline=(PointLayout(0, 0), PointLayout(9, 0), PointLayout(0, 700))),
        shapes=shapes,
    )
    assert (made(layout).width, made(layout).height) == (550, 700)


def test_what_was_stored_before_is_still_read() -> None:
    stored = (
        b'{"name":"Old","sections":[{"name":"Main","rows":[{"label":"A","seats":'
        b'[{"number":"1","x":30.0,"y":30.0,"accessible":true}]}]}],'
        b'"standing":[{"name":"Floor","capacity":5}]}'
    )
    layout = msgspec.json.decode(stored, type=Layout)
    seat_map = made(layout)
    assert [seat.path for seat in seat_map.seats] == ["Main/A-1"]
    assert msgspec.json.encode(layout) == stored
