"""Properties of seat maps, whatever their labels look like."""

from uuid import UUID, uuid4

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fullhouse.kit.db import Database
from fullhouse.kit.errors import Refused
from fullhouse.venues import building, labels, templates
from fullhouse.venues.layout import Layout, RowLayout, SeatLayout, SectionLayout, StandingLayout
from fullhouse.venues.seatmap import Seat, SeatMap
from fullhouse.venues.store import places, seat_maps

HALL = UUID("0199a7b0-0000-7000-8000-000000000001")

# Few signs, so that much of it collides: letters, digits, zeros, blanks, and odd ones.
_SIGNS = st.sampled_from("aAbB01123  ßŐ０")
_labels = st.one_of(
    st.text(_SIGNS, min_size=1, max_size=4), st.text(min_size=1, max_size=4), st.just("AA")
)


@st.composite
def layouts(draw: st.DrawFn) -> Layout:
    sections = draw(
        st.lists(
            st.builds(
                SectionLayout,
                name=_labels,
                rows=st.lists(
                    st.builds(
                        RowLayout,
                        label=_labels,
                        seats=st.lists(
                            st.builds(
                                SeatLayout,
                                number=st.one_of(_labels, st.integers(0, 120)),
                                x=st.floats(-1e6, 1e6),
                                y=st.floats(-1e6, 1e6),
                                accessible=st.booleans(),
                                companion=st.booleans(),
                                restricted_view=st.booleans(),
                            ),
                            min_size=1,
                            max_size=4,
                        ),
                    ),
                    min_size=1,
                    max_size=3,
                ),
            ),
            max_size=3,
        )
    )
    standing = draw(st.lists(st.builds(StandingLayout, _labels, st.integers(1, 500)), max_size=2))
    return Layout(name=draw(st.text(max_size=5)), sections=sections, standing=standing)


def built(layout: Layout) -> SeatMap | None:
    """The map, or None when the layout is refused with places to correct."""
    try:
        return building.build(layout, seat_map_id=uuid4(), hall_id=HALL, version=1)
    except Refused as refused:
        assert refused.code.name == "seat_map_invalid"
        assert refused.errors
        return None


def meant(seat_map: SeatMap, name: str) -> Seat | None:
    try:
        return seat_map.find(name)
    except Refused as refused:
        assert refused.code.name in ("unknown_seat", "seat_ambiguous")
        return None


@given(st.text())
def test_folding_is_stable(text: str) -> None:
    assert labels.fold(labels.fold(text)) == labels.fold(text)


@given(layouts())
def test_every_seat_is_found_by_id_and_path_and_none_by_anothers(layout: Layout) -> None:
    seat_map = built(layout)
    if seat_map is None:
        return
    assert len(seat_map.by_id) == len(seat_map.seats)
    for seat in seat_map.seats:
        assert seat_map.find(str(seat.id)) is seat
        assert seat_map.find(seat.path) is seat
        assert seat_map.find(f" {seat.path.replace('-', ' - ')} ") is seat
        assert meant(seat_map, seat.label) in (seat, None)


@given(layouts())
def test_folded_labels_never_collide(layout: Layout) -> None:
    seat_map = built(layout)
    if seat_map is None:
        return
    keys = [
        labels.path_of(
            labels.fold(seat.section),
            labels.label_of(labels.fold(seat.row), labels.fold(seat.number)),
        )
        for seat in seat_map.seats
    ]
    assert len(set(keys)) == len(keys)


@given(layouts(), st.data())
def test_a_careless_spelling_is_the_seat_or_an_error(layout: Layout, data: st.DataObject) -> None:
    seat_map = built(layout)
    if seat_map is None or not seat_map.seats:
        return
    seat = data.draw(st.sampled_from(seat_map.seats))
    careless = data.draw(
        st.sampled_from(
            [
                f"{seat.row}{seat.number}",
                f"{seat.row} {seat.number}",
                f"{seat.row}-00{seat.number}" if seat.number[0] in "0123456789" else seat.label,
                f"{seat.section}/{seat.row}{seat.number}",
                seat.path.upper(),
                seat.path.lower(),
            ]
        )
    )
    found = meant(seat_map, careless)
    if found is not None:
        # Never another seat, unless that one is written so itself.
        without_dash = labels.fold(careless).rpartition("/")[2].replace("-", "")
        assert labels.fold(found.label).replace("-", "") == without_dash
        assert found is seat or labels.fold(f"{found.row}{found.number}") == labels.fold(
            f"{seat.row}{seat.number}"
        )


@given(st.text(max_size=12))
def test_any_text_is_a_seat_or_an_error(name: str) -> None:
    meant(_GRID, name)


@given(layouts())
def test_a_layout_survives_json(layout: Layout) -> None:
    again = msgspec.json.decode(msgspec.json.encode(layout), type=Layout)
    assert again == layout


@given(rows=st.integers(1, 40), seats=st.integers(1, 40))
def test_a_grid_has_all_its_seats(rows: int, seats: int) -> None:
    seat_map = built(templates.grid(rows, seats))
    assert seat_map is not None
    assert len(seat_map.seats) == rows * seats
    assert len({(seat.x, seat.y) for seat in seat_map.seats}) == rows * seats
    assert seat_map.find(f"A{seats}") is seat_map.seats[seats - 1]


@pytest.mark.parametrize(
    "layout",
    [
        templates.grid(6, 8),
        templates.stalls_and_balcony(16, 26, 8, 24, front_rows=4),
        Layout(
            name="Ünïcode “hall”",
            sections=[
                SectionLayout(
                    "Loge ★",
                    [RowLayout("Ä", [SeatLayout(7, 0.1, 1e-7, companion=True, id=str(uuid4()))])],
                )
            ],
            standing=[StandingLayout("Floor", 3)],
        ),
    ],
    ids=["grid", "theatre", "odd"],
)
async def test_what_is_stored_is_what_is_loaded(database: Database, layout: Layout) -> None:
    venue = places.VenueRow(uuid4(), None, "Hall", "", "Pokhara", "NP", "Asia/Kathmandu")
    hall_id, seat_map_id = uuid4(), uuid4()
    before = building.build(layout, seat_map_id=seat_map_id, hall_id=hall_id, version=1)
    async with database.begin() as connection:
        assert await places.insert_venue(connection, venue)
        assert await places.insert_hall(connection, hall_id, venue.id, "One")
        await seat_maps.insert_seat_map(
            connection, seat_maps.StoredSeatMap(seat_map_id, hall_id, 1, layout), len(before.seats)
        )
        stored = await seat_maps.find_seat_map(connection, seat_map_id)
    assert stored is not None
    assert stored.layout == layout
    after = building.build(
        stored.layout, seat_map_id=stored.id, hall_id=stored.hall_id, version=stored.version
    )
    assert after.seats == before.seats
    assert after.standing == before.standing
    assert (after.id, after.hall_id, after.version) == (seat_map_id, hall_id, 1)


_GRID = building.build(templates.grid(3, 12), seat_map_id=uuid4(), hall_id=HALL, version=1)
