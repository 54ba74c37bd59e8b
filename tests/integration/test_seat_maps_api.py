"""Seat maps in full through HTTP: written out, imported, listed, exported. Refusals first."""

import json
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx
import msgspec
import pytest
import pytest_asyncio

from fullhouse.kit.db import Database
from fullhouse.kit.errors import Refused
from fullhouse.venues.exchange import documents
from fullhouse.venues.queries.seat_maps import SeatMaps
from fullhouse.venues.seatmap import SeatMap
from tests.support.catalog import API, made_hall
from tests.support.house import open_house
from tests.support.people import signed_in
from tests.support.pretix_schema import problems
from tests.support.stadium import SEATS, as_chart, stadium
from tests.support.venues import picture

DATA = Path(__file__).parents[1] / "data"
PLAYHOUSE = json.loads((DATA / "pretix_playhouse.json").read_text("utf-8"))
ARENA = json.loads((DATA / "seatsio_arena.json").read_text("utf-8"))
NOWHERE = "01900000-0000-7000-8000-000000000000"

# Everything that a map can hold.
FULL: dict[str, Any] = {
    "name": "Gala",
    "sections": [
        {
            "name": "Parquet",
            "category": "Gold",
            "outline": [{"x": 0, "y": 0}, {"x": 200, "y": 0}, {"x": 200, "y": 200}],
            "rows": [
                {
                    "label": "A",
                    "seats": [
                        {"number": 1, "x": 10, "y": 20, "accessible": True},
                        {"number": 2, "x": 40.5, "y": 20, "companion": True, "category": "Red"},
                    ],
                }
            ],
            "tables": [
                {
                    "name": "Table 5",
                    "x": 100,
                    "y": 100,
                    "shape": "rectangular",
                    "width": 80,
                    "height": 40,
                    "rotation": 15,
                    "seats": [
                        {"number": "1", "x": 100, "y": 70},
                        {"number": "2", "x": 100, "y": 130, "restrictedView": True},
                    ],
                }
            ],
        }
    ],
    "standing": [
        {
            "name": "Pit",
            "capacity": 50,
            "category": "Red",
            "outline": [{"x": 0, "y": 300}, {"x": 90, "y": 300}, {"x": 90, "y": 400}],
        }
    ],
    "categories": [{"name": "Gold", "color": "#ffd700"}, {"name": "Red", "color": "#FF0000"}],
    "shapes": [
        {"kind": "rectangle", "x": 100, "y": 0, "width": 90, "height": 20, "text": "Stage"},
        {"kind": "ellipse", "x": 9, "y": 9, "width": 4, "height": 4, "color": "#000000"},
        {"kind": "polygon", "points": [{"x": 0, "y": 0}, {"x": 1, "y": 0}, {"x": 0, "y": 1}]},
        {"kind": "text", "x": 5, "y": 5, "text": "Exit <&>", "textSize": 9, "rotation": 90},
    ],
    "focal": {"x": 100, "y": 10},
}


_OWNER: dict[str, str] = {}


@pytest_asyncio.fixture(scope="module")
async def owner(client: httpx.AsyncClient) -> dict[str, str]:
    _OWNER.update(await signed_in(client, role="ORGANIZER"))
    return _OWNER


@pytest_asyncio.fixture
async def hall(client: httpx.AsyncClient, owner: dict[str, str]) -> str:
    hall_id: str = (await made_hall(client, owner))["id"]
    return hall_id


async def put(
    client: httpx.AsyncClient, owner: dict[str, str], hall: str, body: Any
) -> httpx.Response:
    return await client.put(f"{API}/halls/{hall}/seat-map", json=body, headers=owner)


async def bring(
    client: httpx.AsyncClient, owner: dict[str, str], hall: str, **body: Any
) -> httpx.Response:
    return await client.post(f"{API}/halls/{hall}/seat-map/import", json=body, headers=owner)


async def versions(client: httpx.AsyncClient, hall: str, **query: str) -> dict[str, Any]:
    """As the owner sees them: the hall's venue is hidden from others."""
    address = f"{API}/halls/{hall}/seat-maps"
    assert (await client.get(address, params=query)).status_code == 404
    answer = await client.get(address, params=query, headers=_OWNER)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def shown(client: httpx.AsyncClient, seat_map_id: str, form: str = "") -> dict[str, Any]:
    answer = await client.get(f"{API}/seat-maps/{seat_map_id}{form}", headers=_OWNER)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def errors_in(answer: httpx.Response) -> list[str]:
    assert answer.status_code == 422, answer.text
    return [error["pointer"] for error in answer.json()["errors"]]


# Refusals


@pytest.mark.parametrize(
    ("change", "code", "pointers"),
    [
        ({"shapes": [{"kind": "star"}]}, "validation_failed", ["/shapes/0/kind"]),
        (
            {"shapes": [{"kind": "text", "x": 1, "y": 1, "text": "x" * 201}]},
            "validation_failed",
            ["/shapes/0/text"],
        ),
        (
            {"categories": [{"name": "A", "color": "red"}]},
            "validation_failed",
            ["/categories/0/color"],
        ),
        (
            {"categories": [{"name": "A", "color": "#fff</script>"}]},
            "validation_failed",
            ["/categories/0/color"],
        ),
        ({"focal": {"x": 1e9, "y": 0}}, "validation_failed", ["/focal/x"]),
        ({"backgroundImageId": "picture"}, "validation_failed", ["/backgroundImageId"]),
        ({"backgroundImageId": NOWHERE}, "seat_map_invalid", ["/backgroundImageId"]),
        (
            {"backgroundBox": {"x": 0, "y": 0, "width": 5, "height": 5}},
            "seat_map_invalid",
            ["/backgroundBox"],
        ),
        (
            {"categories": [], "standing": []},
            "seat_map_invalid",
            ["/sections/0/rows/0/seats/1/category", "/sections/0/category"],
        ),
        (
            {"template": "banquet", "sections": None, "tables": 3},
            "seat_map_invalid",
            ["/seatsPerTable"],
        ),
        (
            {"template": "banquet", "sections": None, "tables": 1_000, "seatsPerTable": 101},
            "validation_failed",
            ["/seatsPerTable"],
        ),
        (
            {
                "template": "grid",
                "sections": None,
                "rows": 1,
                "seatsPerRow": 1,
                "tables": 1,
                "seatsPerTable": 1,
            },
            "seat_map_invalid",
            ["/tables", "/seatsPerTable"],
        ),
    ],
    ids=lambda value: ",".join(value) if isinstance(value, list) else "",
)
async def test_full_maps_that_make_no_sense(
    client: httpx.AsyncClient,
    owner: dict[str, str],
    hall: str,
    change: dict[str, Any],
    code: str,
    pointers: list[str],
) -> None:
    answer = await put(client, owner, hall, FULL | change)
    assert errors_in(answer) == pointers
    assert answer.json()["code"] == code
    assert len((await versions(client, hall))["items"]) == 1


@pytest.mark.parametrize(
    ("body", "code", "pointer"),
    [
        ({"document": {}}, "validation_failed", "/format"),
        ({"format": "pretix"}, "validation_failed", "/document"),
        ({"format": "visio", "document": {}}, "validation_failed", "/format"),
        ({"format": "pretix", "document": None}, "seat_map_invalid", "/document"),
        ({"format": "pretix", "document": "{}"}, "seat_map_invalid", "/document"),
        ({"format": "pretix", "document": ARENA}, "seat_map_invalid", "/document/categories"),
        ({"format": "pretix", "document": {"zones": []}}, "seat_map_invalid", "/document/zones"),
        ({"format": "seatsio", "document": {}}, "seat_map_invalid", "/document/subChart"),
        ({"format": "pretix", "document": PLAYHOUSE, "to": 1}, "validation_failed", "/to"),
        (
            {"format": "pretix", "document": PLAYHOUSE, "name": "a\nb"},
            "validation_failed",
            "/name",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
@pytest.mark.parametrize("dry_run", [False, True])
async def test_imports_that_make_no_sense(
    client: httpx.AsyncClient,
    owner: dict[str, str],
    hall: str,
    body: dict[str, Any],
    code: str,
    pointer: str,
    dry_run: bool,
) -> None:
    answer = await bring(client, owner, hall, **body, dryRun=dry_run)
    assert errors_in(answer) == [pointer]
    assert answer.json()["code"] == code
    assert len((await versions(client, hall))["items"]) == 1


@pytest.mark.parametrize(
    ("document", "status", "pointer"),
    [
        (b'{"zones": [{"rows": ' + b"[" * 100_000, 400, None),
        (b'{"zones": ' + b"[" * 900 + b"]" * 900 + b"}", 422, "/document/zones/0"),
        (b'{"zones": 1e999}', 422, "/document/zones"),
        (b'{"name": "\xff"}', 422, "/document"),
        (b'{"name": "\\ud800"}', 400, None),
        (b'{"name": "a\\u0000b"}', 422, None),
        (b'{"zones": [' + b"{}," * 300_000 + b"{}]}", 422, "/document"),
    ],
    ids=["open", "deep", "number", "bytes", "surrogate", "nul", "many"],
)
async def test_hostile_documents(
    client: httpx.AsyncClient,
    owner: dict[str, str],
    hall: str,
    document: bytes,
    status: int,
    pointer: str | None,
) -> None:
    answer = await client.post(
        f"{API}/halls/{hall}/seat-map/import",
        content=b'{"format": "pretix", "document": ' + document + b"}",
        headers=owner | {"Content-Type": "application/json"},
    )
    assert answer.status_code == status, answer.text
    if pointer is not None:
        assert errors_in(answer) == [pointer]


async def test_who_may_not_import(
    client: httpx.AsyncClient, owner: dict[str, str], hall: str
) -> None:
    body = {"format": "pretix", "document": PLAYHOUSE, "dryRun": True}
    assert (await bring(client, {}, hall, **body)).status_code == 401
    assert (await bring(client, await signed_in(client), hall, **body)).status_code == 403
    stranger = await signed_in(client, role="ORGANIZER")
    # Its venue is hidden from others.
    assert (await bring(client, stranger, hall, **body)).status_code == 404
    assert (await bring(client, owner, NOWHERE, **body)).status_code == 404


@pytest.mark.parametrize(
    "path", ["", "/compact", "/export?format=pretix", "/export/losses?format=pretix"]
)
async def test_maps_that_are_not_there(client: httpx.AsyncClient, path: str) -> None:
    assert (await client.get(f"{API}/seat-maps/{NOWHERE}{path}")).status_code == 404


async def test_lists_that_make_no_sense(client: httpx.AsyncClient, hall: str) -> None:
    address = f"{API}/halls/{hall}/seat-maps"
    for query in ("limit=0", "page=0", "cursor=x", "cursor=WyJ4Il0", "cursor=WzBd",
                  "cursor=Wzk5OTk5OTk5OTk5XQ", "cursor=WzFd&page=1"):  # fmt: skip
        assert (await client.get(f"{address}?{query}")).status_code == 422, query
    assert (await client.get(f"{API}/halls/{NOWHERE}/seat-maps")).status_code == 404


@pytest.mark.parametrize("query", ["", "?format=", "?format=svg", "?format=seatsio"])
async def test_formats_that_are_not_written(
    client: httpx.AsyncClient, hall: str, query: str
) -> None:
    seat_map_id = (await versions(client, hall))["items"][0]["id"]
    for path in ("export", "export/losses"):
        address = f"{API}/seat-maps/{seat_map_id}/{path}{query}"
        answer = await client.get(address, headers=_OWNER)
        assert answer.status_code in (400, 422), answer.text
        assert answer.json()["code"] == "validation_failed"


@pytest.mark.parametrize("whose", ["nobody's", "another's", "deleted", "failed"])
async def test_pictures_that_may_not_be_used(
    client: httpx.AsyncClient, database: Database, owner: dict[str, str], hall: str, whose: str
) -> None:
    organization = await organization_of(client, owner)
    stranger = await organization_of(client, await signed_in(client, role="ORGANIZER"))
    connection = await database.connect_raw()
    try:
        image_id = str(uuid4())
        if whose != "nobody's":
            keeper = stranger if whose == "another's" else organization
            status = "failed" if whose == "failed" else "ready"
            image_id = await picture(connection, keeper, status)
        await connection.execute(
            "UPDATE media SET deleted_at = now() WHERE id = $1 AND $2",
            UUID(image_id),
            whose == "deleted",
        )
    finally:
        await connection.close()
    answer = await put(client, owner, hall, FULL | {"backgroundImageId": image_id})
    assert errors_in(answer) == ["/backgroundImageId"]


async def organization_of(client: httpx.AsyncClient, person: dict[str, str]) -> str:
    me = (await client.get(f"{API}/auth/me", headers=person)).json()
    organization: str = me["organizations"][0]["id"]
    return organization


# What works


async def test_a_map_with_everything(
    client: httpx.AsyncClient, database: Database, owner: dict[str, str], hall: str
) -> None:
    connection = await database.connect_raw()
    image = await picture(connection, await organization_of(client, owner))
    await connection.close()
    box = {"x": 0.0, "y": 0.0, "width": 300.0, "height": 400.0}
    answer = await put(
        client, owner, hall, FULL | {"backgroundImageId": image, "backgroundBox": box}
    )
    assert answer.status_code == 200, answer.text
    made = answer.json()
    assert made["sections"] == [{"name": "Parquet", "seats": 4}]
    found = await shown(client, made["id"])
    (section,) = found["sections"]
    assert [seat["label"] for seat in section["rows"][0]["seats"]] == ["A-1", "A-2"]
    assert section["rows"][0]["seats"][1]["category"] == "Red"
    (table,) = section["tables"]
    assert [seat["label"] for seat in table["seats"]] == ["Table 5-1", "Table 5-2"]
    assert table | {"seats": []} == {
        "name": "Table 5", "x": 100.0, "y": 100.0, "shape": "rectangular", "width": 80.0,
        "height": 40.0, "rotation": 15.0, "seats": [],
    }  # fmt: skip
    assert section["category"] == "Gold"
    assert section["outline"] == FULL["sections"][0]["outline"]
    assert found["standing"] == FULL["standing"]
    assert found["categories"] == FULL["categories"]
    assert found["shapes"] == FULL["shapes"]
    assert found["focal"] == FULL["focal"]
    assert found["backgroundImageId"] == image
    assert found["backgroundBox"] == box


async def test_the_compact_form_has_the_same_seats(
    client: httpx.AsyncClient, owner: dict[str, str], hall: str
) -> None:
    made = (await put(client, owner, hall, FULL)).json()
    full, compact = await shown(client, made["id"]), await shown(client, made["id"], "/compact")
    for field in ("width", "height", "focal", "standing", "categories", "shapes", "version"):
        assert compact[field] == full[field]
    (section,), (whole,) = compact["sections"], full["sections"]
    assert section["rows"] == [
        {
            "label": "A",
            "numbers": ["1", "2"],
            "x": [10, 40.5],
            "y": [20, 20],
            "accessible": [0],
            "companion": [1],
            "categories": {"Red": [1]},
        }
    ]
    (table,) = section["tables"]
    assert table["seats"] == {
        "label": "Table 5",
        "numbers": ["1", "2"],
        "x": [100, 100],
        "y": [70, 130],
        "restrictedView": [1],
    }
    labels = [
        f"{row['label']}-{number}"
        for row in (*section["rows"], table["seats"])
        for number in row["numbers"]
    ]
    assert labels == [
        seat["label"]
        for group in (*whole["rows"], *whole["tables"])
        for seat in group["seats"]
    ]  # fmt: skip


async def test_each_form_has_its_own_tag_and_is_kept_for_good(
    client: httpx.AsyncClient, hall: str
) -> None:
    seat_map_id = (await versions(client, hall))["items"][0]["id"]
    tags = set()
    plain = {"Accept-Encoding": "identity", **_OWNER}
    for path in (
        "", "/compact", "/export?format=pretix", "/export/losses?format=pretix", "/svg",
    ):  # fmt: skip
        address = f"{API}/seat-maps/{seat_map_id}{path}"
        answer = await client.get(address, headers=plain)
        assert answer.headers["cache-control"] == "private, max-age=31536000, immutable"
        tag = answer.headers["etag"]
        again = await client.get(address, headers=plain | {"If-None-Match": tag})
        assert (again.status_code, again.content) == (304, b"")
        others = await client.get(address, headers=plain | {"If-None-Match": '"other"'})
        assert others.content == answer.content
        tags.add(tag)
    assert len(tags) == 5


async def test_a_banquet(client: httpx.AsyncClient, owner: dict[str, str], hall: str) -> None:
    body = {"template": "banquet", "tables": 12, "seatsPerTable": 8, "section": "Ballroom"}
    made = (await put(client, owner, hall, body)).json()
    assert made["sections"] == [{"name": "Ballroom", "seats": 96}]
    (section,) = (await shown(client, made["id"]))["sections"]
    assert section["rows"] == []
    assert [table["name"] for table in section["tables"]] == [f"Table {n + 1}" for n in range(12)]


@pytest.mark.parametrize(
    ("format", "document", "seats", "name"),
    [("pretix", PLAYHOUSE, 138, "Playhouse"), ("seatsio", ARENA, 72, "Arena")],
    ids=["pretix", "seatsio"],
)
async def test_an_import(
    client: httpx.AsyncClient,
    owner: dict[str, str],
    hall: str,
    format: str,
    document: dict[str, Any],
    seats: int,
    name: str,
) -> None:
    body = {"format": format, "document": document}
    tried = await bring(client, owner, hall, **body, dryRun=True)
    assert tried.status_code == 200, tried.text
    assert tried.json()["id"] is tried.json()["version"] is None
    assert len((await versions(client, hall))["items"]) == 1
    kept = await bring(client, owner, hall, **body)
    assert kept.status_code == 201, kept.text
    made = kept.json()
    assert tried.json() == made | {"id": None, "version": None}
    assert (made["version"], made["seats"], made["name"]) == (2, seats, name)
    assert {"pointer", "what", "times"} == made["losses"][0].keys()
    newest, first = (await versions(client, hall))["items"]
    assert (newest["id"], newest["name"], newest["seats"]) == (made["id"], name, seats)
    assert first["version"] == 1
    found = await shown(client, made["id"])
    assert sum(part["seats"] for part in made["sections"]) == seats
    assert len(found["sections"]) == len(made["sections"])
    renamed = (await bring(client, owner, hall, **body, name="Ours")).json()
    assert (renamed["name"], renamed["version"]) == ("Ours", 3)


async def test_an_import_and_its_format_are_in_the_audit_log(
    client: httpx.AsyncClient, database: Database, owner: dict[str, str], hall: str
) -> None:
    made = (await bring(client, owner, hall, format="pretix", document=PLAYHOUSE)).json()
    async with database.read() as connection:
        rows = await connection.exec_driver_sql(
            "SELECT action, after FROM audit_log WHERE object_id = $1", (made["id"],)
        )
        found = [(row.action, row.after) for row in rows]
    assert [action for action, _ in found] == ["seat_map.created"]
    after = found[0][1]
    assert (after["format"], after["seats"]) == ("pretix", 138)


async def test_a_hall_goes_to_pretix_and_back(
    client: httpx.AsyncClient, owner: dict[str, str], hall: str
) -> None:
    made = (await put(client, owner, hall, FULL)).json()
    plan = await shown(client, made["id"], "/export?format=pretix")
    assert problems(plan) == []
    again = (await bring(client, owner, hall, format="pretix", document=plan)).json()
    before, after = await shown(client, made["id"]), await shown(client, again["id"])

    def seats(found: dict[str, Any]) -> list[dict[str, Any]]:
        groups = [
            group
            for part in found["sections"]
            for group in (*part["rows"], *part.get("tables", ()))
        ]
        return [
            {key: value for key, value in seat.items() if key != "category"}
            for group in groups
            for seat in group["seats"]
        ]

    # With the same ids, as sections, rows and numbers are the same; a table has become a row.
    assert seats(after) == seats(before)


async def test_seats_of_pretix_go_back_with_the_ids_that_are_sold_there(
    client: httpx.AsyncClient, owner: dict[str, str], hall: str
) -> None:
    made = (await bring(client, owner, hall, format="pretix", document=PLAYHOUSE)).json()
    assert not any("seat_guid" in loss["what"] for loss in made["losses"])

    def guids(document: dict[str, Any]) -> dict[tuple[str, str, str], str]:
        return {
            (zone["name"], row["row_number"], seat["seat_number"]): seat["seat_guid"]
            for zone in document["zones"]
            for row in zone["rows"]
            for seat in row["seats"]
        }

    plan = await shown(client, made["id"], "/export?format=pretix")
    assert problems(plan) == []
    assert guids(plan) == guids(PLAYHOUSE)
    assert guids(plan)["Stalls", "A", "1"] == "stalls-A-1"
    found = await shown(client, made["id"])
    assert found["sections"][0]["rows"][0]["seats"][0]["externalId"] == "stalls-A-1"
    lost = (await shown(client, made["id"], "/export/losses?format=pretix"))["losses"]
    assert {
        "pointer": "/sections/0/rows/0/seats/0/id",
        "what": "the id of a seat is not written where another system's is",
        "times": 138,
    } in lost


async def test_ids_of_other_systems_are_each_of_one_seat(
    client: httpx.AsyncClient, owner: dict[str, str], hall: str
) -> None:
    def body(*external: str | None) -> dict[str, Any]:
        seats = [
            {"number": at, "x": at, "y": 0, **({} if one is None else {"externalId": one})}
            for at, one in enumerate(external)
        ]
        return {"sections": [{"name": "S", "rows": [{"label": "A", "seats": seats}]}]}

    second = "/sections/0/rows/0/seats/1/externalId"
    for wrong in ("x" * 191, "", "a", "b\u202e"):
        assert errors_in(await put(client, owner, hall, body("a", wrong))) == [second]
    first = (await put(client, owner, hall, body(None, None))).json()
    ids = [
        one["id"] for one in (await shown(client, first["id"]))["sections"][0]["rows"][0]["seats"]
    ]
    # One is named as another is known here, and both go to pretix under names of their own.
    made = (await put(client, owner, hall, body(ids[1], None))).json()
    plan = await shown(client, made["id"], "/export?format=pretix")
    seats = plan["zones"][0]["rows"][0]["seats"]
    assert [seat["seat_guid"] for seat in seats] == [ids[1], f"fullhouse-{ids[1]}"]


async def test_what_an_export_loses_is_told(
    client: httpx.AsyncClient, database: Database, owner: dict[str, str], hall: str
) -> None:
    connection = await database.connect_raw()
    image = await picture(connection, await organization_of(client, owner))
    await connection.close()
    body = FULL | {
        "backgroundImageId": image,
        "standing": [*FULL["standing"], {"name": "Lawn", "capacity": 9}],
        "categories": [*FULL["categories"], {"name": "Gone", "color": "#123456"}],
        "sections": [
            *FULL["sections"],
            {"name": "Rest", "rows": [{"label": "A", "seats": [{"number": 1, "x": 1, "y": 1}]}]},
        ],
        "width": 300.5,
    }
    made = (await put(client, owner, hall, body)).json()
    address = f"{API}/seat-maps/{made['id']}/export/losses?format=pretix"
    assert (await client.get(address)).status_code == 404  # the venue is its owner's yet
    losses = (await shown(client, made["id"], "/export/losses?format=pretix"))["losses"]
    told = {loss["pointer"]: (loss["what"].split(",")[0], loss["times"]) for loss in losses}
    assert told == {
        "/sections/0/tables/0": ("a table is a row of seats", 1),
        "/sections/0/rows/0/seats/0": ("flags of a seat are an ending of its category's name", 3),
        "/sections/1/rows/0/seats/0": (
            "a seat without a category has one that is called as its section", 1
        ),
        "/standing/0": ("a standing area is only drawn", 1),
        "/standing/0/category": ("the category of a standing area is not kept", 1),
        "/standing/1": ("a standing area without an outline is left out", 1),
        "/categories/2": ("a category without seats is left out", 1),
        "/focal": ("the focal point is not kept", 1),
        "/backgroundImageId": ("the picture and where it lies are not kept", 1),
        "": ("sizes are whole pixels", 1),
    }  # fmt: skip
    # Each pointer leads to something of the map.
    found = await shown(client, made["id"])
    for pointer in told:
        part: Any = found
        for step in pointer.split("/")[1:]:
            part = part[int(step)] if isinstance(part, list) else part[step]


async def test_versions_by_cursor_and_by_page(
    client: httpx.AsyncClient, owner: dict[str, str], hall: str
) -> None:
    for rows in range(1, 5):
        body = {"template": "grid", "rows": rows, "seatsPerRow": 2, "name": f" Plan {rows} "}
        assert (await put(client, owner, hall, body)).status_code == 200
    found: list[tuple[int, str, int]] = []
    query = {"limit": "2"}
    while True:
        part = await versions(client, hall, **query)
        found += [(one["version"], one["name"], one["seats"]) for one in part["items"]]
        if part["nextCursor"] is None:
            break
        query["cursor"] = part["nextCursor"]
    assert found == [
        (5, "Plan 4", 8), (4, "Plan 3", 6), (3, "Plan 2", 4), (2, "Plan 1", 2), (1, "", 100),
    ]  # fmt: skip
    page = await versions(client, hall, limit="2", page="2")
    assert [one["version"] for one in page["items"]] == [3, 2]
    assert page["total"] == 5
    elsewhere = (await made_hall(client, owner))["id"]
    assert [one["version"] for one in (await versions(client, elsewhere))["items"]] == [1]


async def test_seats_at_tables_are_sold_and_proposed_together(client: httpx.AsyncClient) -> None:
    category = {"name": "Dinner", "price": {"amount": 9_000}, "sections": ["Hall"]}
    banquet = {"template": "banquet", "tables": 2, "seatsPerTable": 6}
    house = await open_house(client, [category], seat_map=banquet)
    buyer = await signed_in(client)
    order = house.seats("table 1-01", "Hall/Table 1-2")
    answer = await client.post(f"{API}/bookings", json=order, headers=buyer)
    assert answer.status_code == 201, answer.text
    best = f"{API}/showtimes/{house.showtime_id}/best-available"
    # Four are left at the first table: five sit together at the second one only.
    proposed = (await client.post(best, json={"quantity": 5})).json()["seats"]
    assert {seat["row"] for seat in proposed} == {"Table 2"}
    proposed = (await client.post(best, json={"quantity": 6})).json()["seats"]
    assert [seat["label"] for seat in proposed] == [f"Table 2-{n + 1}" for n in range(6)]


# Large ones


async def test_a_stadium_is_imported_kept_and_shown(
    client: httpx.AsyncClient, owner: dict[str, str], hall: str
) -> None:
    chart = as_chart(stadium())
    answer = await bring(client, owner, hall, format="seatsio", document=chart)
    assert answer.status_code == 201, answer.text[:500]
    made = answer.json()
    assert (made["seats"], len(made["sections"])) == (SEATS, 120)
    # Of each seat and each row.
    assert [loss["times"] for loss in made["losses"]] == [SEATS + SEATS // 20]
    full = await client.get(f"{API}/seat-maps/{made['id']}", headers=owner)
    compact = await client.get(f"{API}/seat-maps/{made['id']}/compact", headers=owner)
    assert full.text.count('"label":"') == SEATS + 120 * 25
    numbers = [len(row["numbers"]) for part in compact.json()["sections"] for row in part["rows"]]
    assert sum(numbers) == SEATS
    assert len(compact.content) * 4 < len(full.content)


async def test_large_maps_are_made_and_written_in_other_threads_and_once(
    client: httpx.AsyncClient,
    database: Database,
    owner: dict[str, str],
    hall: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    loop_thread = threading.get_ident()
    threads: list[int] = []

    def watched(function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any) -> Any:
            threads.append(threading.get_ident())
            return function(*arguments)

        return call

    monkeypatch.setitem(documents._READERS, "seatsio", watched(documents._READERS["seatsio"]))
    chart = as_chart(stadium(3_000))
    made = (await bring(client, owner, hall, format="seatsio", document=chart)).json()
    assert len(threads) == 1
    seat_maps = SeatMaps(database)
    write = watched(lambda seat_map: msgspec.json.encode(len(seat_map.seats)))
    for _ in range(3):
        assert await seat_maps.written(UUID(made["id"]), "count", write) == b"3000"
    assert len(threads) == 2
    assert loop_thread not in threads


async def test_finished_maps_are_bounded(
    client: httpx.AsyncClient,
    database: Database,
    owner: dict[str, str],
    hall: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("fullhouse.venues.queries.seat_maps._ANSWERS_BYTES", 250)
    seat_map_id = UUID((await versions(client, hall))["items"][0]["id"])
    seat_maps = SeatMaps(database)
    calls: list[str] = []

    def writer(form: str) -> Callable[[SeatMap], bytes]:
        def write(_seat_map: SeatMap) -> bytes:
            calls.append(form)
            return form.encode() * 100

        return write

    for form in ("a", "b", "a", "c", "a", "b"):
        assert await seat_maps.written(seat_map_id, form, writer(form)) == form.encode() * 100
    # Two fit: c takes the place of b, which was used less lately than a.
    assert calls == ["a", "b", "c", "b"]
    with pytest.raises(Refused, match="not_found"):
        await seat_maps.written(uuid4(), "a", writer("a"))
