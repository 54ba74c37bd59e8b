"""Venues, halls and seat maps through HTTP, refusals first."""

import asyncio
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from fullhouse.accounts.commands import registration as accounts
from fullhouse.kit.db import Database
from fullhouse.kit.errors import Refused
from fullhouse.parts import Parts
from fullhouse.venues.queries.seat_maps import SeatMaps
from tests.support.asgi import bearer
from tests.support.people import PASSWORD, new_email, signed_in

VENUES = "/api/v1/venues"
VENUE = {
    "name": "Royal Theatre",
    "city": "Kathmandu",
    "country": "NP",
    "timezone": "Asia/Kathmandu",
}
GRID = {"template": "grid", "rows": 10, "seatsPerRow": 10}


async def admin(parts: Parts, client: httpx.AsyncClient) -> dict[str, str]:
    email = new_email()
    await accounts.create_user(
        parts.database,
        parts.accounts.hasher,
        name="Root",
        email=email,
        password=PASSWORD,
        role="ADMIN",
    )
    answer = await client.post("/api/v1/auth/login", json={"email": email, "password": PASSWORD})
    return bearer(answer.json()["accessToken"])


async def organizer(client: httpx.AsyncClient) -> dict[str, str]:
    return await signed_in(client, role="ORGANIZER")


async def made_venue(
    client: httpx.AsyncClient, headers: dict[str, str], **fields: Any
) -> dict[str, Any]:
    answer = await client.post(VENUES, json=VENUE | fields, headers=headers)
    assert answer.status_code == 201, answer.text
    venue: dict[str, Any] = answer.json()
    return venue


async def made_hall(client: httpx.AsyncClient, headers: dict[str, str]) -> str:
    venue = await made_venue(client, headers)
    answer = await client.post(
        f"{VENUES}/{venue['id']}/halls", json={"name": "Main"}, headers=headers
    )
    assert answer.status_code == 201, answer.text
    hall_id: str = answer.json()["id"]
    return hall_id


async def put_map(
    client: httpx.AsyncClient, headers: dict[str, str], hall_id: str, body: Any
) -> httpx.Response:
    return await client.put(f"/api/v1/halls/{hall_id}/seat-map", json=body, headers=headers)


def pointers(answer: httpx.Response) -> list[str]:
    return [error["pointer"] for error in answer.json()["errors"]]


SEAT_WITHOUT_X = {"number": "1", "y": 0}


@pytest.mark.parametrize(
    ("fields", "pointer"),
    [
        ({"name": ""}, "/name"),
        ({"name": "   "}, "/name"),
        ({"name": "x" * 201}, "/name"),
        ({"name": "two\nlines"}, "/name"),
        ({"name": "turned \u202eround"}, "/name"),
        ({"city": "hidden \x85"}, "/city"),
        ({"name": 5}, "/name"),
        ({"city": None}, "/city"),
        ({"country": "Nepal"}, "/country"),
        ({"country": "XX"}, "/country"),
        ({"country": "EU"}, "/country"),
        ({"timezone": "Kathmandu"}, "/timezone"),
        ({"timezone": "../../etc/passwd"}, "/timezone"),
        ({"timezone": ""}, "/timezone"),
        ({"timezone": "Factory"}, "/timezone"),
        ({"adress": "a slip"}, "/adress"),
        ({"organizationId": "x"}, "/organizationId"),
    ],
)
async def test_venues_that_make_no_sense(
    client: httpx.AsyncClient, fields: dict[str, Any], pointer: str
) -> None:
    answer = await client.post(VENUES, json=VENUE | fields, headers=await organizer(client))
    assert answer.status_code == 422, answer.text
    assert answer.json()["code"] == "validation_failed"
    assert pointers(answer) == [pointer]
    if pointer == "/country":
        assert answer.json()["errors"][0]["detail"] == (
            "must be the two letters of a country, such as DE (ISO 3166-1 alpha-2)"
        )
    if fields.get("timezone"):
        assert "such as Europe/Zurich" in answer.json()["errors"][0]["detail"]


async def test_who_may_not_make_venues(client: httpx.AsyncClient) -> None:
    assert (await client.post(VENUES, json=VENUE)).status_code == 401
    buyer = await signed_in(client)
    assert (await client.post(VENUES, json=VENUE, headers=buyer)).status_code == 403
    stranger = {"organizationId": str(uuid4())}
    answer = await client.post(VENUES, json=VENUE | stranger, headers=await organizer(client))
    assert answer.status_code == 403


async def test_an_admin_makes_venues_for_everybody_or_for_one(
    parts: Parts, client: httpx.AsyncClient
) -> None:
    headers = await admin(parts, client)
    assert (await made_venue(client, headers))["organizationId"] is None
    unknown = VENUE | {"organizationId": str(uuid4())}
    answer = await client.post(VENUES, json=unknown, headers=headers)
    assert answer.status_code == 422
    assert pointers(answer) == ["/organizationId"]


async def test_everybodys_venue_is_only_admins_to_change(
    parts: Parts, client: httpx.AsyncClient
) -> None:
    venue = await made_venue(client, await admin(parts, client))
    answer = await client.post(
        f"{VENUES}/{venue['id']}/halls", json={"name": "One"}, headers=await organizer(client)
    )
    assert answer.status_code == 403


async def test_in_several_organizations_one_must_be_named(
    parts: Parts, client: httpx.AsyncClient
) -> None:
    headers = await organizer(client)
    me = (await client.get("/api/v1/auth/me", headers=headers)).json()
    other = (await client.get("/api/v1/auth/me", headers=await organizer(client))).json()
    async with parts.database.begin() as connection:
        await connection.exec_driver_sql(
            "INSERT INTO memberships (organization_id, user_id, role) VALUES ($1, $2, 'manager')",
            (UUID(other["organizations"][0]["id"]), UUID(me["id"])),
        )
    parts.authenticator.forget("*")
    answer = await client.post(VENUES, json=VENUE, headers=headers)
    assert answer.status_code == 422
    assert answer.json()["code"] == "organization_required"
    chosen = other["organizations"][0]["id"]
    venue = await made_venue(client, headers, organizationId=chosen)
    assert venue["organizationId"] == chosen


async def test_a_venue_with_halls(client: httpx.AsyncClient) -> None:
    headers = await organizer(client)
    venue = await made_venue(client, headers, country="np", address="Durbar Marg 1")
    assert venue["country"] == "NP"
    assert venue["halls"] == []
    halls = f"{VENUES}/{venue['id']}/halls"
    for name in ("Small", "Large"):
        assert (await client.post(halls, json={"name": name}, headers=headers)).status_code == 201
    for name in ("Small", "SMALL", " small "):
        twice = await client.post(halls, json={"name": name}, headers=headers)
        assert twice.status_code == 409
        assert twice.json()["code"] == "hall_exists"
    spaced = await client.post(halls, json={"name": " Hall \u00a0 1 "}, headers=headers)
    assert spaced.json()["name"] == "Hall 1"
    twice = await client.post(halls, json={"name": "hall  1"}, headers=headers)
    assert (twice.status_code, twice.json()["code"]) == (409, "hall_exists")
    shown = (await client.get(f"{VENUES}/{venue['id']}", headers=headers)).json()
    assert [hall["name"] for hall in shown["halls"]] == ["Hall 1", "Large", "Small"]
    assert [hall["seatMapId"] for hall in shown["halls"]] == [None] * 3
    assert shown["address"] == "Durbar Marg 1"


@pytest.mark.parametrize(
    "venue_id", ["01900000-0000-7000-8000-000000000000", "1", "not-an-id", "%00"]
)
async def test_venues_that_are_not_there(client: httpx.AsyncClient, venue_id: str) -> None:
    headers = await organizer(client)
    assert (await client.get(f"{VENUES}/{venue_id}")).status_code == 404
    answer = await client.post(f"{VENUES}/{venue_id}/halls", json={"name": "One"}, headers=headers)
    assert answer.status_code == 404
    answer = await put_map(client, headers, venue_id, GRID)
    assert answer.status_code == 404
    assert (await client.get(f"/api/v1/seat-maps/{venue_id}")).status_code == 404


async def test_others_halls_cannot_be_changed(client: httpx.AsyncClient) -> None:
    hall_id = await made_hall(client, await organizer(client))
    assert (await put_map(client, {}, hall_id, GRID)).status_code == 401
    # To those who may change halls somewhere, the hall of a hidden venue is not there.
    assert (await put_map(client, await organizer(client), hall_id, GRID)).status_code == 404
    assert (await put_map(client, await signed_in(client), hall_id, GRID)).status_code == 403


@pytest.mark.parametrize(
    ("body", "code", "pointer"),
    [
        ({}, "seat_map_invalid", "/sections"),
        ({"template": "circle"}, "validation_failed", "/template"),
        ({"template": "grid", "rows": 10}, "seat_map_invalid", "/seatsPerRow"),
        ({"template": "grid", "rows": 0, "seatsPerRow": 10}, "validation_failed", "/rows"),
        ({"template": "grid", "rows": -1, "seatsPerRow": 10}, "validation_failed", "/rows"),
        ({"template": "grid", "rows": 1.5, "seatsPerRow": 10}, "validation_failed", "/rows"),
        ({"template": "grid", "rows": 1001, "seatsPerRow": 1}, "validation_failed", "/rows"),
        ({"template": "grid", "rows": 1000, "seatsPerRow": 1000}, "seat_map_invalid", ""),
        (GRID | {"stallsRows": 3}, "seat_map_invalid", "/stallsRows"),
        (GRID | {"sections": []}, "seat_map_invalid", "/sections"),
        (GRID | {"section": "A/B"}, "seat_map_invalid", "/sections/0/name"),
        (GRID | {"seats": 3}, "validation_failed", "/seats"),
        (
            {
                "template": "stalls_balcony",
                "stallsRows": 2,
                "stallsSeatsPerRow": 2,
                "balconyRows": 1,
                "balconySeatsPerRow": 2,
                "frontRows": 3,
            },
            "seat_map_invalid",
            "/frontRows",
        ),
        (
            {"standing": [{"name": "Floor", "capacity": 0}]},
            "validation_failed",
            "/standing/0/capacity",
        ),
        (
            {"sections": [{"name": "A", "rows": [{"label": "A", "seats": [SEAT_WITHOUT_X]}]}]},
            "validation_failed",
            "/sections/0/rows/0/seats/0/x",
        ),
        (
            {
                "sections": [
                    {
                        "name": "Stalls",
                        "rows": [
                            {
                                "label": "A",
                                "seats": [
                                    {"number": 1, "x": 0, "y": 0},
                                    {"number": "01", "x": 1, "y": 0},
                                ],
                            }
                        ],
                    }
                ]
            },
            "seat_map_invalid",
            "/sections/0/rows/0/seats/1",
        ),
    ],
)  # fmt: skip
async def test_seat_maps_that_make_no_sense(
    client: httpx.AsyncClient, body: dict[str, Any], code: str, pointer: str
) -> None:
    headers = await organizer(client)
    answer = await put_map(client, headers, await made_hall(client, headers), body)
    assert answer.status_code == 422, answer.text
    assert answer.json()["code"] == code
    assert pointers(answer) == [pointer]


async def test_a_seat_map_from_a_template(client: httpx.AsyncClient) -> None:
    headers = await organizer(client)
    hall_id = await made_hall(client, headers)
    answer = await put_map(client, headers, hall_id, GRID)
    assert answer.status_code == 200, answer.text
    made = answer.json()
    assert made["version"] == 1
    assert made["seats"] == 100
    assert made["sections"] == [{"name": "Main", "seats": 100}]

    shown = await client.get(f"/api/v1/seat-maps/{made['id']}", headers=headers)
    assert shown.status_code == 200
    assert shown.headers["cache-control"] == "private, max-age=31536000, immutable"
    geometry = shown.json()
    rows = geometry["sections"][0]["rows"]
    assert [row["label"] for row in rows] == list("ABCDEFGHIJ")
    assert rows[0]["seats"][11 - 2]["label"] == "A-10"
    assert rows[0]["seats"][0].keys() == {"id", "label", "number", "x", "y"}

    for offered in (shown.headers["etag"], f'"other", W/{shown.headers["etag"]}', "*"):
        again = await client.get(
            f"/api/v1/seat-maps/{made['id']}", headers=headers | {"If-None-Match": offered}
        )
        assert again.status_code == 304
        assert again.content == b""
        # To "anything" it is not said in which form it would have come.
        if offered != "*":
            assert again.headers["etag"] == shown.headers["etag"]


async def test_a_seat_map_written_out(client: httpx.AsyncClient) -> None:
    headers = await organizer(client)
    hall_id = await made_hall(client, headers)
    seat_id = str(uuid4())
    body = {
        "name": "Summer",
        "sections": [
            {
                "name": "Stalls",
                "rows": [
                    {
                        "label": "A",
                        "seats": [
                            {"number": 1, "x": 10, "y": 20.5, "accessible": True, "id": seat_id},
                            {"number": "2", "x": 20, "y": 20.5, "restrictedView": True},
                        ],
                    }
                ],
            }
        ],
        "standing": [{"name": "Floor", "capacity": 500}],
    }
    made = (await put_map(client, headers, hall_id, body)).json()
    geometry = (await client.get(f"/api/v1/seat-maps/{made['id']}", headers=headers)).json()
    assert geometry["name"] == "Summer"
    assert geometry["standing"] == [{"name": "Floor", "capacity": 500}]
    first, second = geometry["sections"][0]["rows"][0]["seats"]
    assert first == {
        "id": seat_id,
        "label": "A-1",
        "number": "1",
        "x": 10.0,
        "y": 20.5,
        "accessible": True,
    }
    assert second["restrictedView"] is True


async def test_versions_count_up_and_seats_keep_their_ids(
    client: httpx.AsyncClient,
) -> None:
    headers = await organizer(client)
    hall_id = await made_hall(client, headers)
    answers = await asyncio.gather(
        *(put_map(client, headers, hall_id, GRID | {"rows": rows}) for rows in range(1, 6))
    )
    assert [answer.status_code for answer in answers] == [200] * 5
    assert sorted(answer.json()["version"] for answer in answers) == [1, 2, 3, 4, 5]
    first_seats = set()
    for answer in answers:
        path = f"/api/v1/seat-maps/{answer.json()['id']}"
        shown = (await client.get(path, headers=headers)).json()
        assert shown["version"] == answer.json()["version"]
        first_seats.add(shown["sections"][0]["rows"][0]["seats"][0]["id"])
    assert len(first_seats) == 1
    newest = max(answers, key=lambda answer: int(answer.json()["version"])).json()
    hall = (await client.get(f"/api/v1/halls/{hall_id}", headers=headers)).json()
    assert hall["seatMapId"] == newest["id"]


@pytest.mark.parametrize(
    "query",
    [
        "limit=0", "limit=101", "limit=x", "limit=-1", "page=0", "page=1001", "cursor=x",
        "cursor=%00", "cursor=WyJ4Il0", "cursor=W10&page=1", "cursor=" + "x" * 501,
        # ["name", "a\u0000b", "<uuid>"]
        "cursor=WyJuYW1lIiwgImFcdTAwMDBiIiwgIjAxOTlhN2IwLTAwMDAtNzAwMC04MDAwLTAwMDAwMDAwMDAwMSJd",
    ],
)  # fmt: skip
async def test_parts_of_a_list_that_make_no_sense(client: httpx.AsyncClient, query: str) -> None:
    answer = await client.get(f"{VENUES}?{query}")
    assert answer.status_code == 422, answer.text
    assert answer.json()["code"] == "validation_failed"


async def test_a_list_by_cursor_and_by_page(client: httpx.AsyncClient) -> None:
    headers = await organizer(client)
    city = f"City {uuid4()}"
    names = ["Alpha", "Alpha", "Beta", "Gamma", "Ärea"]
    for name in reversed(names):
        await made_venue(client, headers, name=name, city=city)
    found: list[str] = []
    cursor = None
    while True:
        query = {"city": city.upper(), "limit": "2"} | ({"cursor": cursor} if cursor else {})
        part = (await client.get(VENUES, params=query, headers=headers)).json()
        found += [venue["name"] for venue in part["items"]]
        assert part["total"] is None
        cursor = part["nextCursor"]
        if cursor is None:
            break
    assert found == names
    query = {"city": city, "limit": "2", "page": "3"}
    page = (await client.get(VENUES, params=query, headers=headers)).json()
    assert [venue["name"] for venue in page["items"]] == ["Ärea"]
    assert page["total"] == 5
    assert page["nextCursor"] is None


async def test_seat_maps_are_loaded_once_and_bounded(
    client: httpx.AsyncClient, database: Database
) -> None:
    headers = await organizer(client)
    hall_id = await made_hall(client, headers)
    ids = [
        UUID((await put_map(client, headers, hall_id, GRID | {"rows": rows})).json()["id"])
        for rows in (1, 2, 3)
    ]
    seat_maps = SeatMaps(database, most_seats=45)
    assert seat_maps.get_cached(ids[0]) is None
    loaded = await asyncio.gather(*(seat_maps.get(ids[0]) for _ in range(20)))
    assert all(seat_map is loaded[0] for seat_map in loaded)
    assert seat_maps.get_cached(ids[0]) is loaded[0]
    await seat_maps.get(ids[1])
    assert seat_maps.get_cached(ids[0]) is not None  # 10 + 20 seats fit; it was used last
    await seat_maps.get(ids[2])
    assert seat_maps.get_cached(ids[1]) is None
    assert seat_maps.get_cached(ids[0]) is not None
    with pytest.raises(Refused, match="not_found"):
        await seat_maps.get(uuid4())


async def test_a_reader_who_leaves_does_not_stop_the_others(
    client: httpx.AsyncClient, database: Database
) -> None:
    headers = await organizer(client)
    made = (await put_map(client, headers, await made_hall(client, headers), GRID)).json()
    seat_maps = SeatMaps(database)
    first = asyncio.create_task(seat_maps.get(UUID(made["id"])))
    second = asyncio.create_task(seat_maps.get(UUID(made["id"])))
    await asyncio.sleep(0)
    first.cancel()
    assert len((await second).seats) == 100
    with pytest.raises(asyncio.CancelledError):
        await first


async def test_a_stadium_written_out(client: httpx.AsyncClient) -> None:
    headers = await organizer(client)
    rows = [
        {
            "label": f"Row {row}",
            "seats": [{"number": seat, "x": seat * 30.5, "y": row * 30.5} for seat in range(200)],
        }
        for row in range(300)
    ]
    body = {"sections": [{"name": "Main", "rows": rows}]}
    answer = await put_map(client, headers, await made_hall(client, headers), body)
    assert answer.status_code == 200, answer.text
    assert answer.json()["seats"] == 60_000


async def test_a_stadium(client: httpx.AsyncClient) -> None:
    headers = await organizer(client)
    hall_id = await made_hall(client, headers)
    body = {"template": "grid", "rows": 200, "seatsPerRow": 300}
    made = (await put_map(client, headers, hall_id, body)).json()
    assert made["seats"] == 60_000
    shown = await client.get(f"/api/v1/seat-maps/{made['id']}", headers=headers)
    assert shown.status_code == 200
