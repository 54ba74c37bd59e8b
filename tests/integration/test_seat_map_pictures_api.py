"""Seat maps as pictures, and who sees a seat map in any form. Refusals first."""

import threading
from typing import Any
from uuid import UUID
from xml.etree import ElementTree

import httpx
import pytest
import pytest_asyncio

from fullhouse.kit.db import RawConnection
from fullhouse.venues.routes import seat_maps as routes
from fullhouse.venues.store import seat_maps as store
from fullhouse.venues.svg.drawing import drawn
from tests.support.catalog import API, made_event, made_hall
from tests.support.organizations import Person, administrator, ask, organizer, person
from tests.support.stadium import SEATS, as_chart, stadium

NOWHERE = "01900000-0000-7000-8000-000000000000"
FORMS = ("", "/compact", "/export?format=pretix", "/svg")
HOSTILE = "</svg><script>alert(1)</script>"
SVG = "{http://www.w3.org/2000/svg}"


@pytest_asyncio.fixture(scope="module")
async def owner(client: httpx.AsyncClient) -> Person:
    return await organizer(client)


async def get(
    client: httpx.AsyncClient, who: Person | None, seat_map_id: str, form: str, **headers: str
) -> httpx.Response:
    own = {} if who is None else who.headers
    address = f"{API}/seat-maps/{seat_map_id}{form}"
    return await client.get(address, headers={**own, **headers})


async def sell_in(client: httpx.AsyncClient, owner: Person, hall: dict[str, Any]) -> str:
    """Publish an event in the hall; its id."""
    event = await made_event(
        client, owner.headers, location=None, venueId=hall["venueId"], hallId=hall["id"]
    )
    return str(event["id"])


@pytest.mark.parametrize("form", FORMS)
async def test_a_hidden_venues_map_is_for_its_organization_only(
    client: httpx.AsyncClient, owner: Person, form: str
) -> None:
    hall = await made_hall(client, owner.headers)
    seat_map_id = hall["seatMapId"]
    for stranger in (None, await person(client), await organizer(client)):
        answer = await get(client, stranger, seat_map_id, form)
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
        # Not even by a guess at what it is.
        answer = await get(client, stranger, seat_map_id, form, **{"If-None-Match": "*"})
        assert answer.status_code == 404
    answer = await get(client, owner, seat_map_id, form)
    assert answer.status_code == 200
    # Nothing between here and the browser gives it to others.
    assert answer.headers["cache-control"] == "private, max-age=31536000, immutable"
    tag = answer.headers["etag"]
    assert (
        await get(client, owner, seat_map_id, form, **{"If-None-Match": tag})
    ).status_code == 304
    await sell_in(client, owner, hall)
    shown = await get(client, None, seat_map_id, form)
    assert (shown.status_code, shown.content) == (200, answer.content)
    assert shown.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert (await get(client, None, NOWHERE, form)).status_code == 404


async def test_everybodys_venue_shows_its_maps(
    client: httpx.AsyncClient, connection: RawConnection
) -> None:
    hall = await made_hall(client, (await administrator(client, connection)).headers)
    assert (await get(client, None, hall["seatMapId"], "/svg")).status_code == 200


async def test_what_took_place_in_a_deleted_hall_is_still_shown(
    client: httpx.AsyncClient, connection: RawConnection, owner: Person
) -> None:
    hall = await made_hall(client, owner.headers)
    event = await sell_in(client, owner, hall)
    over = (
        "UPDATE showtimes SET starts_at = starts_at - interval '1 year',"
        " ends_at = ends_at - interval '1 year', busy_until = NULL WHERE event_id = $1"
    )
    await connection.execute(over, UUID(event))
    answer = await ask(client, owner, "DELETE", f"/halls/{hall['id']}")
    assert answer.status_code == 204, answer.text
    assert (await get(client, None, hall["seatMapId"], "")).status_code == 200


async def test_maps_that_everybody_sees_ask_the_database_once(
    client: httpx.AsyncClient, owner: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[UUID] = []
    find = store.find_keeper

    async def counting(connection: Any, seat_map_id: UUID) -> Any:
        asked.append(seat_map_id)
        return await find(connection, seat_map_id)

    monkeypatch.setattr(store, "find_keeper", counting)
    hall = await made_hall(client, owner.headers)
    await sell_in(client, owner, hall)
    for form in FORMS:
        assert (await get(client, None, hall["seatMapId"], form)).status_code == 200
    assert asked == [UUID(hall["seatMapId"])]


async def test_a_picture_of_everything_runs_nothing(
    client: httpx.AsyncClient, owner: Person
) -> None:
    seat_map = {
        "name": HOSTILE,
        "categories": [{"name": HOSTILE, "color": "#ffffff"}],
        "sections": [
            {
                "name": "<u> & \"'",
                "category": HOSTILE,
                "rows": [
                    {
                        "label": "<b>&",
                        "seats": [
                            {"number": 1, "x": 10, "y": 20, "accessible": True},
                            {"number": 2, "x": 40, "y": 20, "companion": True},
                            {"number": 3, "x": 70, "y": 20, "restrictedView": True},
                            {"number": 4, "x": 100, "y": 20},
                            {"number": 5, "x": 130, "y": 20},
                        ],
                    }
                ],
                "tables": [
                    {
                        "name": "<i onclick='x()'>",
                        "x": 40, "y": 90, "width": 400, "height": 60,
                        "seats": [{"number": 1, "x": 40, "y": 55}],
                    }
                ],
            }
        ],
        "standing": [{"name": "<style>&", "capacity": 1_500}],
        "shapes": [
            {"kind": "rectangle", "x": 40, "y": -60, "width": 90, "height": 20, "text": HOSTILE}
        ],
    }  # fmt: skip
    hall = await made_hall(client, owner.headers, seat_map)
    answer = await get(client, owner, hall["seatMapId"], "/svg")
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"].partition(";")[0] == "image/svg+xml"
    assert answer.headers["x-content-type-options"] == "nosniff"
    policy = answer.headers["content-security-policy"]
    assert policy == "default-src 'none'; frame-ancestors 'none'; sandbox"
    assert answer.headers["cross-origin-resource-policy"] == "cross-origin"
    root = ElementTree.fromstring(answer.content)
    kinds = {element.tag.removeprefix(SVG) for element in root.iter()}
    assert kinds == {"svg", "title", "rect", "g", "path", "ellipse", "text"}
    names = [name for element in root.iter() for name in element.attrib]
    assert not [name for name in names if name.startswith("on") or "href" in name]
    assert "style" not in names
    # Its namespace is the only address in it.
    assert answer.text.count("://") == 1
    # The names are there all the same, as what they are.
    said = [element.text for element in root.iter() if element.text]
    assert said[0] == said.pop(said.index(HOSTILE, 1)) == HOSTILE
    assert set(said) >= {
        "<u> & \"'", "<b>&", "<i onclick='x()'>", "<style>& (1,500)",
        "Accessible", "Companion", "Restricted view",
    }  # fmt: skip


async def test_a_stadium_is_drawn_once_beside_the_event_loop_and_compressed(
    client: httpx.AsyncClient, owner: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    hall = await made_hall(client, owner.headers)
    answer = await ask(
        client, owner, "POST", f"/halls/{hall['id']}/seat-map/import",
        {"format": "seatsio", "document": as_chart(stadium())},
    )  # fmt: skip
    assert answer.status_code == 201, answer.text
    seat_map_id = answer.json()["id"]
    threads: list[int] = []

    def watched(seat_map: Any) -> bytes:
        threads.append(threading.get_ident())
        return drawn(seat_map)

    monkeypatch.setattr(routes, "drawn", watched)
    plain = await get(client, owner, seat_map_id, "/svg", **{"Accept-Encoding": "identity"})
    root = ElementTree.fromstring(plain.content)
    groups = [group for group in root.iter(f"{SVG}g") if group.get("class") == "seats"]
    assert sum(path.attrib["d"].count("h0") for group in groups for path in group) == SEATS
    assert len(plain.content) < 1_000_000
    packed = await get(client, owner, seat_map_id, "/svg", **{"Accept-Encoding": "gzip"})
    assert packed.headers["content-encoding"] == "gzip"
    assert int(packed.headers["content-length"]) * 3 < len(plain.content)
    assert packed.content == plain.content
    assert len(threads) == 1
    assert threading.get_ident() not in threads
