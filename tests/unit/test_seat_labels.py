"""Every spelling of a seat is that seat, or an error; never another seat."""

from uuid import UUID, uuid4

import pytest

from fullhouse.kit.errors import Refused
from fullhouse.venues import templates
from fullhouse.venues.building import build
from fullhouse.venues.layout import (
    Layout,
    RowLayout,
    SeatLayout,
    SectionLayout,
    StandingLayout,
)
from fullhouse.venues.seatmap import SeatMap

HALL = UUID("0199a7b0-0000-7000-8000-000000000001")


def made(layout: Layout, hall_id: UUID = HALL) -> SeatMap:
    return build(layout, seat_map_id=uuid4(), hall_id=hall_id, version=1)


def rows(**numbers: list[str]) -> list[RowLayout]:
    return [
        RowLayout(label, [SeatLayout(number, float(at), 0.0) for at, number in enumerate(row)])
        for label, row in numbers.items()
    ]


def section(name: str, **numbers: list[str]) -> SectionLayout:
    return SectionLayout(name, rows(**numbers))


def of_rows(name: str, *labelled: tuple[str, list[str]]) -> Layout:
    return Layout(
        sections=[
            SectionLayout(
                name,
                [
                    RowLayout(label, [SeatLayout(number, 0.0, 0.0) for number in numbers])
                    for label, numbers in labelled
                ],
            )
        ]
    )


def refusal(seat_map: SeatMap, name: str) -> Refused:
    with pytest.raises(Refused) as caught:
        seat_map.find(name)
    return caught.value


@pytest.mark.parametrize(
    "name",
    [
        "A-1", "a-1", "A1", "a1", " a1 ", "A 1", "A - 1", "A01", "A-01", "a-0001", "A–1", "A—1",
        "A−1", "Ａ－１", "Main/A-1", "main/a1", "MAIN / A 01", "\tMain/A-1\n",
    ],
)  # fmt: skip
def test_spellings_of_one_seat(name: str) -> None:
    seat_map = made(templates.grid(10, 10))
    assert seat_map.find(name).path == "Main/A-1"


def test_id_finds_the_seat_in_any_case() -> None:
    seat_map = made(templates.grid(2, 2))
    seat = seat_map.seats[3]
    assert seat_map.find(str(seat.id)) is seat
    assert seat_map.find(str(seat.id).upper()) is seat
    assert seat_map.by_id[seat.id] is seat


@pytest.mark.parametrize(
    "name",
    [
        "", " ", "-", "/", "A", "1", "A-", "-1", "A-11", "K-1", "A-0", "A--1", "A-1-1", "A-1x",
        "Balcony/A-1", "Main/", "/A-1", "Main/Main/A-1", "A-1/Main", "A" * 5000, "1" * 36,
        "A\x00-1",
        "00000000-0000-0000-0000-000000000000", "ü", "A-¹²", "🎭",
    ],
)  # fmt: skip
def test_what_names_no_seat(name: str) -> None:
    refused = refusal(made(templates.grid(10, 10)), name)
    assert refused.code.name == "unknown_seat"
    assert len(refused.detail) < 200


def test_superscripts_fold_to_digits() -> None:
    # Compatibility forms are the same signs in another dress (NFKC).
    assert made(templates.grid(1, 12)).find("A-¹²").label == "A-12"


def test_rows_of_several_letters() -> None:
    seat_map = made(templates.grid(30, 12))
    assert seat_map.find("aa3").label == "AA-3"
    assert seat_map.find("AD-012").label == "AD-12"
    assert templates.row_label(25) == "Z"
    assert templates.row_label(701) == "ZZ"
    assert templates.row_label(702) == "AAA"


def test_rows_of_digits_need_their_dash() -> None:
    seat_map = made(of_rows("Main", ("3", ["12"]), ("4", ["1", "2"])))
    assert seat_map.find("3-12").label == "3-12"
    assert seat_map.find("03-012").label == "3-12"
    refused = refusal(seat_map, "312")
    assert refused.code.name == "unknown_seat"
    assert "Main/3-12" in refused.detail
    # A blank is no dash: 3 12 could as well be 31 2 with a slip.
    assert refusal(seat_map, "3 12").code.name == "unknown_seat"


def test_digits_beside_digits_that_fit_twice_are_ambiguous() -> None:
    seat_map = made(of_rows("Main", ("3", ["12"]), ("31", ["2"])))
    refused = refusal(seat_map, "312")
    assert refused.code.name == "seat_ambiguous"
    assert refused.members["candidates"] == ["Main/3-12", "Main/31-2"]


def test_a_missing_dash_never_chooses_between_two_seats() -> None:
    seat_map = made(of_rows("Main", ("A", ["12"]), ("A1", ["2"])))
    assert refusal(seat_map, "A12").code.name == "seat_ambiguous"
    assert seat_map.find("A-12").row == "A"
    assert seat_map.find("A1-2").row == "A1"


def test_a_missing_dash_does_not_lead_to_a_row_that_ends_in_a_digit() -> None:
    seat_map = made(of_rows("Main", ("A1", ["2"])))
    assert refusal(seat_map, "A12").code.name == "unknown_seat"


def test_numbers_with_letters() -> None:
    seat_map = made(of_rows("Main", ("A", ["12", "12a"])))
    assert seat_map.find("a12A").label == "A-12a"
    assert seat_map.find("A-012a").label == "A-12a"


def test_a_label_of_two_sections_needs_its_path() -> None:
    seat_map = made(templates.stalls_and_balcony(4, 6, 2, 6))
    refused = refusal(seat_map, "a1")
    assert refused.code.name == "seat_ambiguous"
    assert refused.members["candidates"] == ["Stalls/A-1", "Balcony/A-1"]
    assert seat_map.find("stalls/a1").section == "Stalls"
    assert seat_map.find(" BALCONY / A-01").section == "Balcony"
    # Row D is in the stalls only.
    assert seat_map.find("D6").path == "Stalls/D-6"
    assert refusal(seat_map, "Balcony/D6").code.name == "unknown_seat"


def test_sections_with_dashes_blanks_and_zeros() -> None:
    seat_map = made(
        Layout(sections=[section("Block 01 - left", A=["1"]), section("Block 2", A=["1"])])
    )
    assert seat_map.find("block 1 – LEFT/A1").section == "Block 01 - left"
    assert seat_map.find("Block02/A-1").section == "Block 2"


def test_map_order_and_positions() -> None:
    seat_map = made(templates.stalls_and_balcony(3, 2, 1, 2, front_rows=1))
    assert [seat.path for seat in seat_map.seats] == [
        "Front Stalls/A-1",
        "Front Stalls/A-2",
        "Stalls/B-1",
        "Stalls/B-2",
        "Stalls/C-1",
        "Stalls/C-2",
        "Balcony/A-1",
        "Balcony/A-2",
    ]
    assert [seat.position for seat in seat_map.seats] == list(range(8))


def test_ids_survive_a_new_version_and_its_cosmetics() -> None:
    first = made(of_rows("Main", ("A", ["1", "2"])))
    second = made(of_rows("MAIN", ("b", ["1"]), ("a", ["01", "02", "03"])))
    assert {seat.id for seat in first.seats} < {seat.id for seat in second.seats}
    assert first.find("A-1").id == second.find("A-1").id
    elsewhere = made(of_rows("Main", ("A", ["1", "2"])), hall_id=uuid4())
    assert not {seat.id for seat in first.seats} & {seat.id for seat in elsewhere.seats}
    # This very value is in customers' tickets; it must never change.
    assert str(first.find("A-1").id) == "2d834d34-be44-57fd-b02a-3461ae419c09"


def test_given_ids_are_kept() -> None:
    given = uuid4()
    layout = Layout(
        sections=[SectionLayout("Main", [RowLayout("A", [SeatLayout("1", 0, 0, id=str(given))])])]
    )
    assert made(layout).find(str(given)).label == "A-1"


TWIN = str(uuid4())


@pytest.mark.parametrize(
    ("layout", "pointer"),
    [
        (Layout(), "/sections"),
        (Layout(sections=[section("Main")]), "/sections/0/rows"),
        (Layout(sections=[section(" ", A=["1"])]), "/sections/0/name"),
        (Layout(sections=[section("A/B", A=["1"])]), "/sections/0/name"),
        (Layout(sections=[section("A\uff0fB", A=["1"])]), "/sections/0/name"),
        (Layout(sections=[section("x" * 101, A=["1"])]), "/sections/0/name"),
        (Layout(sections=[section("M", A=["1"]), section("m", A=["1"])]), "/sections/1/name"),
        (
            Layout(sections=[section("M 1", A=["1"])], standing=[StandingLayout("m01", 5)]),
            "/standing/0/name",
        ),
        (of_rows("M", ("A-B", ["1"])), "/sections/0/rows/0/label"),
        (of_rows("M", ("A\u2013B", ["1"])), "/sections/0/rows/0/label"),
        (of_rows("M", ("", ["1"])), "/sections/0/rows/0/label"),
        (of_rows("M", ("A", ["1", "01"])), "/sections/0/rows/0/seats/1"),
        (of_rows("M", ("A", ["1"]), ("a", ["1"])), "/sections/0/rows/1/seats/0"),
        (of_rows("M", ("A 1", ["1"]), ("A01", ["1"])), "/sections/0/rows/1/seats/0"),
        (of_rows("M", ("A", ["1/2"])), "/sections/0/rows/0/seats/0/number"),
        (of_rows("M", ("A", ["1\x07"])), "/sections/0/rows/0/seats/0/number"),
        (of_rows("M", ("A", ["12345678901"])), "/sections/0/rows/0/seats/0/number"),
        (
            Layout(
                sections=[SectionLayout("M", [RowLayout("A", [SeatLayout("1", 0, 0, id="x")])])]
            ),
            "/sections/0/rows/0/seats/0/id",
        ),
        (
            Layout(
                sections=[
                    SectionLayout(
                        "M",
                        [RowLayout("A", [SeatLayout(str(n), 0, 0, id=TWIN) for n in range(2)])],
                    )
                ]
            ),
            "/sections/0/rows/0/seats/1/id",
        ),
        (Layout(sections=[section("M", A=["1"])] * 1001), "/sections"),
    ],
)
def test_maps_that_contradict_themselves(layout: Layout, pointer: str) -> None:
    with pytest.raises(Refused) as caught:
        made(layout)
    assert caught.value.code.name == "seat_map_invalid"
    assert pointer in [error.pointer for error in caught.value.errors]


def test_standing_areas_are_no_seats() -> None:
    seat_map = made(
        Layout(sections=[section("Seats", A=["1"])], standing=[StandingLayout("Floor", 500)])
    )
    assert len(seat_map.seats) == 1
    area = seat_map.area_named("Floor")
    assert area is not None and area.capacity == 500
    assert seat_map.section_named("Floor") is None


def test_size_follows_from_the_seats_or_is_given() -> None:
    grid = templates.grid(2, 3)
    seat_map = made(grid)
    assert (seat_map.width, seat_map.height) == (120.0, 90.0)
    given = Layout(width=500, height=400, sections=grid.sections)
    assert (made(given).width, made(given).height) == (500, 400)


def test_too_many_seats() -> None:
    with pytest.raises(Refused) as caught:
        made(templates.grid(1_001, 100))
    assert caught.value.errors[0].detail == "more than 100,000 seats"
