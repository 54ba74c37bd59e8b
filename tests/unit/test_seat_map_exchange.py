"""Seat maps of other systems: what is taken over, what is said to be lost, what is written."""

from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import msgspec
import pytest

from fullhouse.kit.errors import Refused
from fullhouse.venues import building
from fullhouse.venues.exchange import reading
from fullhouse.venues.exchange.documents import Format, layout_from
from fullhouse.venues.exchange.flags import Flags, with_flags, without_flags
from fullhouse.venues.exchange.losses import MOST_KINDS, Loss
from fullhouse.venues.exchange.pretix_export import plan_json
from fullhouse.venues.layout import Layout, PointLayout, ShapeLayout, StandingLayout
from fullhouse.venues.seatmap import SeatMap
from tests.support.pretix_schema import problems
from tests.support.stadium import as_chart, stadium

HALL = UUID("0199a7b0-0000-7000-8000-000000000001")
DATA = Path(__file__).parents[1] / "data"
PLAYHOUSE = (DATA / "pretix_playhouse.json").read_bytes()
ARENA = (DATA / "seatsio_arena.json").read_bytes()


def read(format: Format, document: Any) -> tuple[Layout, dict[str, Loss]]:
    """The layout and the losses by what they say; the layout survives being stored."""
    encoded = document if isinstance(document, bytes) else msgspec.json.encode(document)
    layout, losses = layout_from(format, encoded)
    assert msgspec.json.decode(msgspec.json.encode(layout), type=Layout) == layout
    return layout, {loss.what: loss for loss in losses}


def made(layout: Layout) -> SeatMap:
    return building.build(layout, seat_map_id=uuid4(), hall_id=HALL, version=1)


def plan(*zones: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return {
        "name": "P",
        "categories": [],
        "size": {"width": 9, "height": 9},
        "zones": [*zones],
    } | fields


def zone(*rows: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return {"name": "Z", "position": {"x": 0, "y": 0}, "rows": [*rows]} | fields


def row(*numbers: Any, name: Any = "A") -> dict[str, Any]:
    seats = [
        {"seat_guid": f"{at}", "seat_number": number, "position": {"x": at, "y": 0}}
        for at, number in enumerate(numbers)
    ]
    return {"row_number": name, "seats": seats}


def chart(**fields: Any) -> dict[str, Any]:
    return {"name": "C", "subChart": {"width": 100, "height": 100, **fields}}


def chairs(*labels: Any, **fields: Any) -> list[dict[str, Any]]:
    return [{"x": at * 20, "y": 5, "label": label, **fields} for at, label in enumerate(labels)]


@pytest.mark.parametrize(
    ("format", "document", "pointer", "detail"),
    [
        ("pretix", [], "", "must be an object"),
        ("pretix", None, "", "must be an object"),
        ("pretix", {}, "/zones", "is missing"),
        ("pretix", ARENA, "/categories", "must be an array"),
        ("pretix", plan(), "/zones", "hold no seats"),
        ("pretix", plan(zone(), zone(row())), "/zones", "hold no seats"),
        ("pretix", plan(zone(rows=None)), "/zones/0/rows", "must be an array"),
        ("pretix", plan(zone(row(True))), "/zones/0/rows/0/seats/0/seat_number", "must be"),
        ("pretix", plan(zone({"seats": [{}]})), "/zones/0/rows/0/seats/0/seat_number", "missing"),
        (
            "pretix",
            plan(zone(row("1"), position={"x": 1e7, "y": 0})),
            "/zones/0/rows/0/seats/0/position",
            "too far",
        ),
        ("pretix", plan(zone(row("1")), size="big"), "/size", "must be an object"),
        ("pretix", b'{"zones": [{"rows": 1e999}]}', "/zones/0/rows", "must be an array"),
        ("pretix", b'{"name": "\xff"}', "", "not valid JSON"),
        ("pretix", b'{"x":' + b"[" * 5_000, "", "nested too deeply"),
        ("pretix", plan(*[zone(row("1"))] * 1_001), "/zones", "more than 1,000 parts"),
        ("pretix", plan(zone(*[row("1")] * 20_001)), "/zones", "more than 20,000 rows"),
        (
            "pretix",
            b'{"zones": [' + b"{}," * reading.MOST_OBJECTS + b"{}]}",
            "",
            "more than 300,000 objects",
        ),
        ("seatsio", {}, "/subChart", "is missing"),
        ("seatsio", PLAYHOUSE, "/categories", "must be an object"),
        ("seatsio", chart(), "/subChart", "neither seats nor areas"),
        ("seatsio", {"subChartFloors": []}, "/subChart", "is missing"),
        ("seatsio", {"subChartFloors": [{}, {}]}, "/subChartFloors/0", "neither seats"),
        ("seatsio", chart(rows=[{"seats": [{"x": 1}]}]), "/subChart/rows/0/seats/0/y", "missing"),
        ("seatsio", chart(rows=[{"seats": chairs([])}]), "/subChart/rows/0/seats/0/label", "must"),
        (
            "seatsio",
            chart(rows=[{"seats": [{"x": 1, "y": -1e9, "label": "1"}]}]),
            "/subChart/rows/0/seats/0",
            "too far",
        ),
        (
            "seatsio",
            chart(tables=[{"seats": chairs("1"), "center": {"x": 1e9, "y": 0}}]),
            "/subChart/tables/0/center",
            "too far",
        ),
        (
            "seatsio",
            chart(generalAdmissionAreas=[{"capacity": 1.5}]),
            "/subChart/generalAdmissionAreas/0/capacity",
            "whole number",
        ),
    ],
    ids=lambda value: value[:30] if isinstance(value, str) else "",
)  # fmt: skip
def test_documents_that_make_no_sense(
    format: Format, document: Any, pointer: str, detail: str
) -> None:
    with pytest.raises(Refused) as caught:
        read(format, document)
    assert caught.value.code.name == "seat_map_invalid"
    (error,) = caught.value.errors
    assert error.pointer == f"/document{pointer}"
    assert detail in error.detail


def test_all_places_that_are_too_far_are_named() -> None:
    far = {"x": 1e9, "y": 0}
    seats = [{"seat_number": f"{at}", "position": far} for at in range(3)]
    with pytest.raises(Refused) as caught:
        read("pretix", plan(zone({"row_number": "A", "seats": seats})))
    assert [error.pointer for error in caught.value.errors] == [
        f"/document/zones/0/rows/0/seats/{at}/position" for at in range(3)
    ]


# pretix


def test_a_playhouse_of_pretix() -> None:
    layout, losses = read("pretix", PLAYHOUSE)
    seat_map = made(layout)
    assert seat_map.name == "Playhouse"
    assert (seat_map.width, seat_map.height) == (620, 480)
    assert [(part.name, len(part.seats)) for part in seat_map.sections] == [
        ("Stalls", 96),
        ("Balcony", 42),
    ]
    first = seat_map.find("Stalls/A-1")
    # The positions of zone, row and seat are added up.
    assert (first.x, first.y) == (20 + 140 - 87.5, 110 - 8.51)
    assert (first.accessible, first.companion, first.restricted_view) == (True, False, False)
    assert seat_map.find("Stalls/A-2").companion
    assert seat_map.find("Balcony/A-7").restricted_view
    assert sum(seat.accessible or seat.companion for seat in seat_map.seats) == 2
    assert seat_map.find("Stalls/A-3").category == "Front"
    assert seat_map.find("Stalls/A-1").category == "Stalls"
    assert seat_map.section_named("Balcony").category == "Balcony"  # type: ignore[union-attr]
    assert [(one.name, one.color) for one in seat_map.drawing.categories] == [
        ("Front", "#c0392b"),
        ("Stalls", "#2980b9"),
        ("Balcony", "#27ae60"),
    ]
    kinds = [shape.kind for shape in seat_map.drawing.shapes]
    assert kinds == ["rectangle", "text", "polygon", "ellipse", "text", "ellipse"]
    stage, words = seat_map.drawing.shapes[:2]
    assert (stage.x, stage.y, stage.width, stage.height) == (305, 50, 330, 60)
    assert (words.text, words.x, words.y, words.text_color) == ("Stage", 305, 50, "#333333")
    pointers = {loss.pointer: loss.times for loss in losses.values()}
    assert pointers == {
        "/zones/0": 1,
        "/zones/0/rows/0": 15,
        "/zones/0/rows/0/seats/4/start_direction": 15,
        "/zones/0/rows/0/seats/0/radius": 138,
        "/zones/0/rows/0/row_number_position": 15,
        "/zones/0/zone_id": 2,
        "/zones/0/uuid": 2 + 15 + 138 + 5,
    }


def test_the_playhouse_is_a_plan_of_pretix() -> None:
    assert problems(msgspec.json.decode(PLAYHOUSE)) == []


def test_what_pretix_may_name_twice_gets_names_of_its_own() -> None:
    layout, losses = read(
        "pretix",
        plan(
            zone(row("1", "1", "01", "x" * 20, "", "A-1"), row("1", "9", name="a"), name="Z"),
            zone(row(7), name=" z "),
            zone(row("1", name=None), row("1", name="A/B"), row("2", name=7), name=None),
        ),
    )
    assert [seat.path for seat in made(layout).seats] == [
        "Z/A-1", "Z/A-1.2", "Z/A-01.3", "Z/A-xxxxxxxxxx", "Z/A-5", "Z/A-A.1",
        "Z/a-1.4", "Z/a-9", "z 2/A-7", "Zone 3/Row 1-1", "Zone 3/A.B-1", "Zone 3/7-2",
    ]  # fmt: skip
    assert "the zone “ z ” is called “z 2” here" in losses
    assert "the row “A/B” is called “A.B” here" in losses
    assert losses["the seat of row A “1” is called “1.2” here"].pointer == (
        "/zones/0/rows/0/seats/1/seat_number"
    )


def test_fields_that_nobody_knows_are_lost_with_their_pointers() -> None:
    document = plan(zone(row("1"), row("2"), shadow=1), weather={"rain": [1]}, wind=None)
    document["zones"][0]["rows"][1]["seats"][0]["cushion/~"] = True
    layout, losses = read("pretix", document)
    assert layout.seat_count == 2
    unknown = {loss.pointer for what, loss in losses.items() if "is not known here" in what}
    assert unknown == {
        "/weather", "/wind", "/zones/0/shadow", "/zones/0/rows/1/seats/0/cushion~1~0",
    }  # fmt: skip


@pytest.mark.parametrize(
    "name", ["` - at `$.zones", "x" * 5_000, "a` - at `$[0]`", 'ü\n\t"\\', "", "$.", "zones[0]"]
)
def test_names_of_fields_lead_nobody_astray(name: str) -> None:
    layout, losses = read("pretix", plan(zone(row("1")), **{name: 1}))
    assert layout.seat_count == 1
    assert any("is not known here" in what for what in losses)
    assert all(len(what) < 200 for what in losses)


def test_so_many_unknown_fields_are_named_and_no_more() -> None:
    layout, losses = read("pretix", plan(zone(row("1")), **{f"f{at}": at for at in range(500)}))
    assert layout.seat_count == 1
    assert sum("is not known here" in what for what in losses) == 11


def test_losses_are_bounded() -> None:
    _, losses = read("pretix", plan(zone(row(*["1"] * 1_000))))
    assert len(losses) == MOST_KINDS + 1
    rest = losses["more was lost or changed than is listed here"]
    assert rest.times == 999 - MOST_KINDS


@pytest.mark.parametrize("unknown", [0, 500])
def test_fields_that_are_known_and_not_kept_are_told_of_whatever_else_is_there(
    unknown: int,
) -> None:
    more = {f"f{at}": at for at in range(unknown)}
    document = plan(zone(row("1", "2"), row("3"), zone_id="z", uuid=None), **more)
    for place, radius in enumerate((5, None)):
        document["zones"][0]["rows"][0]["seats"][place]["radius"] = radius
    document["zones"][0]["rows"][1] |= {"uuid": "u", "row_number_position": "start"}
    del document["zones"][0]["rows"][1]["seats"][0]["seat_guid"]
    layout, losses = read("pretix", document)
    assert layout.seat_count == 3
    told = {loss.pointer: loss.times for loss in losses.values() if "not kept" in loss.what}
    assert told == {
        "/zones/0/zone_id": 1,
        "/zones/0/rows/0/seats/0/radius": 1,
        "/zones/0/rows/1/uuid": 1,
        "/zones/0/rows/1/row_number_position": 1,
    }
    beyond = "more fields that are not known here may have been left out"
    assert (beyond in losses) is (unknown > 0)


def test_ids_that_pretix_could_not_take_back_are_lost() -> None:
    document = plan(zone(row(*"123456")))
    guids = ["a", "a", "", "x" * 191, "b\u202e", "x" * 190]
    seats = document["zones"][0]["rows"][0]["seats"]
    for seat, guid in zip(seats, guids, strict=True):
        seat["seat_guid"] = guid
    layout, losses = read("pretix", document)
    kept = [seat.external_id for seat in layout.sections[0].rows[0].seats]
    assert kept == ["a", None, None, None, None, "x" * 190]
    (loss,) = losses.values()
    assert (loss.pointer, loss.times) == ("/zones/0/rows/0/seats/1/seat_guid", 4)


def test_drawings_that_are_changed_are_told_of() -> None:
    text = {"text": "x" * 201, "size": -1, "color": "rebeccapurple"}
    areas = [
        {"shape": "circle", "circle": {"radius": 1}, "color": "mauve", "border_color": "none"},
        {"shape": "text", "text": text},
    ]
    size = {"width": 1e9, "height": 1}
    _, losses = read("pretix", plan(zone(row("1"), areas=areas), size=size))
    assert {loss.what: (loss.pointer, loss.times) for loss in losses.values()} == {
        "a size that cannot be drawn follows from the places": ("/size", 1),
        "a colour that is not understood here was left out": ("/zones/0/areas/0/color", 2),
        "a text was shortened, or lost signs that cannot be drawn": ("/zones/0/areas/1/text", 1),
        "a text was given the usual size": ("/zones/0/areas/1/text", 1),
    }


def test_areas_that_cannot_be_drawn_are_lost() -> None:
    points = [{"x": 0, "y": 0}] * 2
    areas = [
        {"shape": "star"},
        {"shape": "polygon", "polygon": {"points": points}},
        {"shape": "circle", "circle": {"radius": 0}},
        {"shape": "circle"},
        {"shape": "rectangle", "rectangle": {"width": 1e9, "height": 1}},
        {"shape": "circle", "circle": {"radius": 1}, "position": {"x": 1e9, "y": 0}},
        {"shape": "text", "text": {"text": "far", "position": {"x": 1e9, "y": 0}}},
        {},
    ]
    layout, losses = read("pretix", plan(zone(row("1"), areas=areas)))
    assert layout.shapes == []
    drawn = [what for what in losses if "could not be drawn" in what]
    assert sum(losses[what].times for what in drawn) == len(areas)


def test_turned_areas_stand_where_they_stood() -> None:
    area = {
        "shape": "rectangle",
        "position": {"x": 100, "y": 50},
        "rotation": 90,
        "rectangle": {"width": 40, "height": 20},
        "text": {"text": "Bar", "position": {"x": 20, "y": 10}},
    }
    layout, _ = read("pretix", plan(zone(row("1"), areas=[area])))
    shape, text = layout.shapes
    # Turned clockwise about its corner, it reaches to the left and down.
    assert (shape.x, shape.y, shape.rotation) == (90, 70, 90)
    assert (text.x, text.y, text.rotation) == (90, 70, 90)


# seats.io


def test_an_arena_of_seatsio() -> None:
    layout, losses = read("seatsio", ARENA)
    seat_map = made(layout)
    assert seat_map.name == "Arena"
    assert seat_map.focal == (210, 60.5)
    assert [(part.name, len(part.seats), part.category) for part in seat_map.sections] == [
        ("Main", 16, "Tables"),
        ("Block A", 24, None),
        ("Block B", 24, "Standard"),
        ("Block A 2", 8, "Wheelchair"),
    ]
    assert [(area.name, area.capacity, area.category) for area in seat_map.standing] == [
        ("Pit", 120, "Standing"),
        ("Lawn", 300, "Standing"),
    ]
    assert [len(area.outline) for area in seat_map.standing] == [24, 3]
    tables = {table.name: table for table in seat_map.sections[0].tables}
    assert (tables["T1"].shape, tables["T1"].x, tables["T1"].y) == ("round", 60, 330)
    assert tables["T1"].width == pytest.approx(2 * 23.87)
    assert (tables["T3"].shape, tables["T3"].width, tables["T3"].rotation) == (
        "rectangular", 80, 30,
    )  # fmt: skip
    # Seats of a section are seen from its top left; those of the second floor are further down.
    first = seat_map.find("Block A/A-1")
    assert (first.x, first.y, first.accessible) == (10 + 20, 150 + 20, True)
    upstairs = seat_map.find("Block A 2/A-1")
    assert (upstairs.x, upstairs.y) == (10 + 20, 420 + 100 + 5 + 20)
    assert upstairs.accessible  # as its category is
    assert seat_map.find("Block A/A-2").companion
    assert seat_map.find("Block A/C-4").restricted_view
    assert seat_map.find("Block A/C-4").category == "Side"
    assert seat_map.find("Block A/B-4").category == "Standard"  # as its section's
    texts = [shape.text for shape in seat_map.drawing.shapes if shape.kind == "text"]
    assert texts == ["Stage", "Exit", "Bar"]
    lost = "\n".join(losses)
    for word in (
        "floors", "zones", "background image", "tables cannot be sold as a whole",
        "areas cannot be sold as a whole", "an area for nobody", "icons", "“spline”", "entrances",
        "booths", "the seat of B “1” is called “1.2” here", "“Block A” is called “Block A 2”",
        "several categories", "uuid", "look in detail",
    ):  # fmt: skip
        assert word in lost, word
    assert not any("is not known here" in what for what in losses)


def test_every_known_field_of_a_chart_is_read_without_a_word() -> None:
    layout, losses = read("seatsio", as_chart(stadium(500)))
    assert list(losses) == ["uuid is not kept: places are known by their labels"]
    assert layout.seat_count == 500


def test_what_a_chart_says_and_nobody_keeps_is_told_of() -> None:
    floor = {"width": 9, "height": 9, "focalPoint": {"x": 1, "y": 1}}
    seats = chairs("1", uuid="u", disabledBySocialDistancingRules=True)
    rows = [{"label": "A", "rowLabelPosition": "left", "curve": 3, "seats": seats}]
    tables = [{"label": "T", "seats": chairs("1"), "sectionLabel": "Left", "labelShown": False}]
    area = {"capacity": 5, "minOccupancy": 2, "opacity": 0.5, "uuid": "v"}
    booth = {"label": "x" * 201, "center": {"x": 1, "y": 1}, "width": 2, "height": 2,
             "entrance": "B", "displayLabel": "Bar", "fillColor": "mauve"}  # fmt: skip
    full = floor | {"rows": rows, "tables": tables, "generalAdmissionAreas": [area]}
    _, losses = read("seatsio", {"subChartFloors": [full | {"booths": [booth]}, floor]})
    first = {
        loss.pointer.removeprefix("/subChartFloors/0"): loss.times
        for loss in losses.values()
        if "focal" not in loss.what
    }
    assert first == {
        "/rows/0/seats/0/uuid": 2,
        "/rows/0/seats/0/disabledBySocialDistancingRules": 1,
        "/rows/0/rowLabelPosition": 2,
        "/tables/0/sectionLabel": 1,
        "/generalAdmissionAreas/0": 1,
        "/generalAdmissionAreas/0/label": 1,
        "/booths/0": 1,
        "/booths/0/entrance": 1,
        "/booths/0/displayLabel": 1,
        "/booths/0/fillColor": 1,
        "/booths/0/label": 1,
        "/subChartFloors": 2,
    }
    (second,) = [loss.pointer for loss in losses.values() if "focal" in loss.what]
    assert second == "/subChartFloors/1/focalPoint"


def test_a_chart_without_sections_may_name_them_at_its_rows() -> None:
    rows = [
        {"label": "A", "sectionLabel": "Left", "seats": chairs("1", "2")},
        {"label": "A", "sectionLabel": "Right", "seats": chairs("1")},
        {"label": "B", "seats": chairs("?", None, 7)},
        {"label": "C", "seats": []},
    ]
    layout, losses = read("seatsio", chart(rows=rows, tables=[{"label": "B", "seats": chairs(1)}]))
    assert [seat.path for seat in made(layout).seats] == [
        "Left/A-1", "Left/A-2", "Right/A-1", "Main/B-1", "Main/B-2", "Main/B-7", "Main/B 2-1",
    ]  # fmt: skip
    assert "a row without seats was left out" in losses
    assert "the table “B” is called “B 2” here" in losses


def test_a_stadium_survives_its_chart() -> None:
    layout = stadium(2_000)
    again, losses = read("seatsio", as_chart(layout))
    before, after = made(layout), made(again)
    assert [seat.id for seat in after.seats] == [seat.id for seat in before.seats]
    for one, other in zip(before.seats, after.seats, strict=True):
        assert [other.x, other.y] == pytest.approx([one.x, one.y])
        assert other.accessible is one.accessible
        assert other.companion is one.companion
        assert other.restricted_view is one.restricted_view
    assert list(losses) == ["uuid is not kept: places are known by their labels"]


# To pretix


@pytest.mark.parametrize(
    "make",
    [
        lambda: read("pretix", PLAYHOUSE)[0],
        lambda: read("seatsio", ARENA)[0],
        lambda: stadium(1_000),
        lambda: Layout(standing=[StandingLayout("Floor", 9)]),
        lambda: Layout(
            standing=[StandingLayout("Pit", 5, tuple(PointLayout(x, x * x) for x in range(4)))],
            shapes=[
                ShapeLayout("ellipse", x=1.5, y=2, width=0.5, height=1, text="Bar"),
                ShapeLayout("rectangle", x=1.5, y=2, width=0.5, height=1.5, text_size=9.5),
                ShapeLayout("text", x=1, y=2, text="Exit", text_size=9.5),
            ],
        ),
    ],
    ids=["playhouse", "arena", "stadium", "floor", "pit"],
)  # fmt: skip
def test_what_is_exported_is_a_plan_of_pretix(make: Callable[[], Layout]) -> None:
    seat_map = made(make())
    document = msgspec.json.decode(plan_json(seat_map))
    assert problems(document) == []
    seats = [seat for part in document["zones"] for row in part["rows"] for seat in row["seats"]]
    guids = {seat.external_id or str(seat.id) for seat in seat_map.seats}
    assert {seat["seat_guid"] for seat in seats} == guids


def test_standing_areas_and_tables_are_drawn_in_the_export() -> None:
    document = plan_json(made(read("seatsio", ARENA)[0])).decode()
    for text in ("Pit (120)", "Lawn (300)", "T1", "T3", "Stage"):
        assert f'"text":"{text}"' in document


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (lambda plan: plan.pop("size"), "/size is missing"),
        (lambda plan: plan.update(extra=1), "/extra is not known"),
        (lambda plan: plan["size"].update(width=1.5), "/size/width cannot be 1.5"),
        (lambda plan: plan["zones"][0].pop("rows"), "/zones/0/rows is missing"),
        (
            lambda plan: plan["zones"][0]["rows"][0]["seats"][0].update(seat_number=1),
            "/zones/0/rows/0/seats/0/seat_number cannot be 1",
        ),
        (lambda plan: plan["categories"].clear(), "no category Stalls (accessible)"),
    ],
)  # fmt: skip
def test_what_is_no_plan_of_pretix_is_noticed(
    change: Callable[[dict[str, Any]], Any], problem: str
) -> None:
    document = msgspec.json.decode(PLAYHOUSE)
    change(document)
    assert problem in problems(document)


@pytest.mark.parametrize("name", ["Gold", "Gold (accessible)", "Gold (usual)", "(companion)", ""])
@pytest.mark.parametrize("flags", [Flags(), Flags(accessible=True), Flags(True, True, True)])
def test_flags_go_through_names_of_categories(name: str, flags: Flags) -> None:
    assert without_flags(with_flags(name, flags)) == (name, flags)
