"""Whatever a document of another system holds: a map that can be kept, or a reasoned no."""

import json
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fullhouse.kit.errors import Refused
from fullhouse.venues import building
from fullhouse.venues.exchange.documents import Format, layout_from
from fullhouse.venues.exchange.pretix_export import plan_json
from fullhouse.venues.layout import (
    CategoryLayout,
    Layout,
    RowLayout,
    SeatLayout,
    SectionLayout,
    StandingLayout,
    TableLayout,
)
from fullhouse.venues.seatmap import SeatMap
from tests.support.pretix_schema import problems

HALL = UUID("0199a7b0-0000-7000-8000-000000000001")
DATA = Path(__file__).parents[1] / "data"
DOCUMENTS: dict[Format, Any] = {
    "pretix": json.loads((DATA / "pretix_playhouse.json").read_text("utf-8")),
    "seatsio": json.loads((DATA / "seatsio_arena.json").read_text("utf-8")),
}

_words = st.one_of(st.text(max_size=12), st.text("aA01/-. ０ß∕", max_size=5), st.just("x" * 300))
_numbers = st.one_of(
    st.integers(-3, 40), st.floats(allow_nan=False, allow_infinity=False), st.just(2**70)
)
_garbage = st.recursive(
    st.one_of(st.none(), st.booleans(), _numbers, _words),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=6), inner, max_size=3)
    ),
    max_leaves=6,
)


@st.composite
def damaged(draw: st.DrawFn, format: Format) -> Any:
    """A good document in which some places hold something else, are gone or come twice."""
    document = json.loads(json.dumps(DOCUMENTS[format]))
    for _ in range(draw(st.integers(1, 6))):
        holder, key = _somewhere(draw, document)
        match draw(st.sampled_from(["other", "same kind", "gone", "twice"])):
            case "gone" if isinstance(holder, dict):
                del holder[key]
            case "twice" if isinstance(holder, list):
                holder.append(holder[key])
            case "same kind" if isinstance(holder[key], str):
                holder[key] = draw(_words)
            case "same kind" if isinstance(holder[key], (int, float)):
                holder[key] = draw(_numbers)
            case _:
                holder[key] = draw(_garbage)
    return document


def _somewhere(draw: st.DrawFn, document: Any) -> tuple[Any, Any]:
    """A place of the document: what it is in, and its key there."""
    holder, key = document, draw(st.sampled_from(sorted(document)))
    while isinstance(holder[key], (dict, list)) and holder[key] and draw(st.integers(0, 5)):
        holder = holder[key]
        keys = sorted(holder) if isinstance(holder, dict) else range(min(len(holder), 4))
        key = draw(st.sampled_from(keys))
    return holder, key


def built(layout: Layout) -> SeatMap:
    """The map, of the layout as it comes back from the database."""
    stored = msgspec.json.decode(msgspec.json.encode(layout), type=Layout)
    assert stored == layout
    return building.build(stored, seat_map_id=uuid4(), hall_id=HALL, version=1)


def check(format: Format, document: Any) -> bool:
    """Whether the document is taken; it is that, or refused with pointers into it."""
    try:
        layout, losses = layout_from(format, json.dumps(document).encode())
    except Refused as refused:
        assert refused.code.name == "seat_map_invalid"
        assert refused.errors
        for error in refused.errors:
            assert error.pointer.startswith("/document")
            assert error.detail
        return False
    seat_map = built(layout)
    assert seat_map.seats or seat_map.standing
    assert all(loss.what and loss.times > 0 for loss in losses)
    for seat in seat_map.seats[:20]:
        assert seat_map.find(seat.path) is seat
    assert problems(msgspec.json.decode(plan_json(seat_map))) == []
    return True


@pytest.mark.parametrize("format", ["pretix", "seatsio"])
@given(document=_garbage)
def test_garbage_is_refused(format: Format, document: Any) -> None:
    assert check(format, document) is False


@pytest.mark.parametrize("format", ["pretix", "seatsio"])
@given(data=st.data())
@settings(max_examples=150, deadline=None)
def test_a_damaged_document_is_read_or_refused(format: Format, data: st.DataObject) -> None:
    check(format, data.draw(damaged(format)))


@given(st.binary(max_size=40))
def test_what_is_no_json_is_refused(document: bytes) -> None:
    with pytest.raises(Refused):
        layout_from("pretix", document)


_labels = st.text("aAbB0123 ßŐ.★", min_size=1, max_size=4).filter(str.strip)
_places = st.floats(-1e6, 1e6).map(lambda place: round(place, 3))


@st.composite
def layouts(draw: st.DrawFn) -> Layout:
    """A small map of rows and tables, as the building accepts it or not."""
    categories = draw(
        st.lists(
            st.one_of(
                _labels.map(str.strip),
                st.sampled_from(["Gold", "Gold (accessible)", "Gold (usual)"]),
            ),
            unique=True,
            max_size=3,
        )
    )
    seat = st.builds(
        SeatLayout,
        number=_labels,
        x=_places,
        y=_places,
        accessible=st.booleans(),
        companion=st.booleans(),
        restricted_view=st.booleans(),
        category=st.sampled_from([None, *categories]),
    )
    seats = st.lists(seat, min_size=1, max_size=4)
    section = st.builds(
        SectionLayout,
        name=_labels,
        rows=st.lists(st.builds(RowLayout, _labels, seats), max_size=3),
        tables=st.lists(st.builds(TableLayout, _labels, _places, _places, seats), max_size=2),
        category=st.sampled_from([None, *categories]),
    )
    return Layout(
        name=draw(_labels),
        sections=draw(st.lists(section, min_size=1, max_size=3)),
        standing=draw(st.lists(st.builds(StandingLayout, _labels, st.integers(1, 9)), max_size=1)),
        categories=[CategoryLayout(name, "#123456") for name in categories],
    )


@given(layouts())
@settings(max_examples=300)
def test_seats_survive_the_way_to_pretix_and_back(layout: Layout) -> None:
    try:
        before = built(layout)
    except Refused:
        return
    if not before.seats:
        return
    exported = plan_json(before)
    assert problems(json.loads(exported)) == []
    again, _ = layout_from("pretix", exported)
    after = built(again)
    assert [part.name for part in after.sections] == [part.name for part in before.sections]
    for one, other in zip(before.seats, after.seats, strict=True):
        assert other.id == one.id
        assert other.path == one.path
        assert (other.x, other.y) == (one.x, one.y)
        assert (other.accessible, other.companion) == (one.accessible, one.companion)
        assert other.restricted_view is one.restricted_view
        assert _category(after, other) == (_category(before, one) or one.section)


def _category(seat_map: SeatMap, seat: Any) -> str | None:
    section = seat_map.section_named(seat.section)
    assert section is not None
    return seat.category or section.category
