"""The direct routes answer exactly as the framework's routes do.

Both run on the same parts, so that only the way differs. What is new in each answer by nature
(ids, codes, times) is taken out before comparing; everything else must be equal, headers included.
"""

import re
from collections.abc import AsyncIterator
from typing import Any, cast
from uuid import UUID

import httpx
import pytest
import pytest_asyncio

from fullhouse.app import compose
from fullhouse.kit.ids import new_id
from fullhouse.parts import Parts
from tests.support.asgi import BASE_URL
from tests.support.house import API, House, open_house
from tests.support.people import signed_in

JSON = {"Content-Type": "application/json"}
GRID = {"template": "grid", "rows": 3, "seatsPerRow": 4}
_NEW = re.compile(rb'"(id|code|requestId|createdAt|expiresAt)":"(?!overloaded|[a-z_]+")[^"]*"')


@pytest_asyncio.fixture
async def slow_client(client: httpx.AsyncClient, parts: Parts) -> AsyncIterator[httpx.AsyncClient]:
    """Served by the framework alone. The parts run already, for ``client``."""
    app = cast(Any, compose(parts, direct_routes=False))
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url=BASE_URL) as slow:
        yield slow


@pytest_asyncio.fixture
async def house(client: httpx.AsyncClient) -> House:
    categories: list[dict[str, Any]] = [
        {"name": "Stalls", "price": {"amount": 7_000}, "sections": ["Main"]},
        {"name": "Standing", "price": {"amount": 2_500}, "capacity": 10},
    ]
    return await open_house(client, categories, seat_map=GRID)


def together(
    usual: dict[str, str], change: dict[str, str] | list[tuple[str, str]]
) -> list[tuple[str, str]]:
    """Headers, some of which may come twice."""
    if isinstance(change, dict):
        return list((usual | change).items())
    return [*usual.items(), *change]


def shown(answer: httpx.Response) -> tuple[int, dict[str, str], bytes]:
    headers = {
        name: value
        for name, value in answer.headers.items()
        if name not in ("x-request-id", "content-length")
    }
    return answer.status_code, headers, _NEW.sub(rb'"\1":"-"', answer.content)


@pytest.mark.parametrize(
    ("method", "path"),
    [("POST", f"{API}/bookings"), ("GET", f"{API}/showtimes/{new_id()}/availability")],
    ids=["reserve", "availability"],
)
def test_direct_routes_are_in_use(parts: Parts, method: str, path: str) -> None:
    scope = {"method": method, "path": path, "query_string": b""}
    handler = compose(parts).direct.find(scope)
    assert handler is not None
    assert handler.__module__ == "fullhouse.bookings.direct"
    assert compose(parts, direct_routes=False).direct.find(scope) is None


@pytest.mark.parametrize(
    ("change", "headers"),
    [
        ({}, {}),
        ({"items": []}, {}),
        ({"items": [], "seats": ["A-1"]}, {}),
        ({"items": [], "seats": ["A-1", "a01"]}, {}),
        ({"items": [], "seats": ["Nowhere-1"]}, {}),
        ({"joinWaitlist": True}, {}),
        ({"surprise": 1}, {}),
        ({"showtimeId": "nonsense"}, {}),
        ({"showtimeId": str(new_id())}, {}),
        ({"items": [{"categoryId": str(new_id()), "quantity": 1}]}, {}),
        ({"items": [{"categoryId": "x", "quantity": 0}]}, {}),
        ({}, {"Idempotency-Key": "a b"}),
        ({}, [("Idempotency-Key", "good"), ("Idempotency-Key", "a b")]),
        ({}, [("Idempotency-Key", "a b"), ("Idempotency-Key", "good")]),
        ({}, {"Authorization": ""}),
        ({}, {"Authorization": "Bearer nonsense"}),
        ({}, {"Authorization": "Basic dXNlcjpwYXNz"}),
        ({}, {"Content-Type": "text/plain"}),
        ({}, {"Content-Type": "application/json; charset=utf-8"}),
    ],
)
async def test_direct_route_answers_alike(
    client: httpx.AsyncClient,
    slow_client: httpx.AsyncClient,
    house: House,
    change: dict[str, Any],
    headers: dict[str, str] | list[tuple[str, str]],
) -> None:
    body = {**house.order("Standing", 1), **change}
    answers = []
    for each in (client, slow_client):
        buyer = await signed_in(client)
        answer = await each.post(
            f"{API}/bookings", json=body, headers=together(buyer | JSON, headers)
        )
        if answer.status_code == 201:
            # The second must find what the first found.
            path = f"{API}/bookings/{answer.json()['id']}"
            await client.delete(path, headers=buyer)
        answers.append(shown(answer))
    assert answers[0] == answers[1]


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"null", b"\xff", b"x" * 1_000_001])
async def test_direct_route_unreadable_bodies_alike(
    client: httpx.AsyncClient, slow_client: httpx.AsyncClient, content: bytes
) -> None:
    headers = await signed_in(client) | JSON
    answers = [
        shown(await each.post(f"{API}/bookings", content=content, headers=headers))
        for each in (client, slow_client)
    ]
    assert answers[0] == answers[1]
    assert answers[0][0] in (400, 413, 422)


async def test_direct_route_sold_out_and_replays_alike(
    client: httpx.AsyncClient, slow_client: httpx.AsyncClient, house: House
) -> None:
    buyer = await signed_in(client) | {"Idempotency-Key": "one"}
    body = house.order("Standing", 10)
    first = await client.post(f"{API}/bookings", json=body, headers=buyer)
    again = await slow_client.post(f"{API}/bookings", json=body, headers=buyer)
    assert first.content == again.content
    assert again.headers["Idempotent-Replayed"] == "true"
    other = await signed_in(client)
    for more in ({}, {"joinWaitlist": True}):
        refused = [
            shown(
                await each.post(
                    f"{API}/bookings", json=house.order("Standing", 1, **more), headers=other
                )
            )
            for each in (client, slow_client)
        ]
        # In line, the second one stands behind the first.
        assert refused[0] == (
            refused[1][0],
            refused[1][1],
            refused[1][2].replace(b'"waitlistPosition":2', b'"waitlistPosition":1'),
        )


async def alike(
    client: httpx.AsyncClient,
    slow_client: httpx.AsyncClient,
    path: str,
    headers: dict[str, str] | list[tuple[str, str]] | None = None,
    method: str = "GET",
) -> httpx.Response:
    """What both ways answer, which is the same."""
    fast, slow = [
        await each.request(method, f"{API}/showtimes/{path}", headers=headers)
        for each in (client, slow_client)
    ]
    assert shown(fast) == shown(slow)
    return fast


@pytest.mark.parametrize("coding", ["identity", "zstd", "gzip, br"])
async def test_availability_alike(
    client: httpx.AsyncClient, slow_client: httpx.AsyncClient, house: House, coding: str
) -> None:
    path, takes = f"{house.showtime_id}/availability", {"Accept-Encoding": coding}
    first = await alike(client, slow_client, path, takes)
    assert first.json()["seats"] == "AAAA"
    head = await alike(client, slow_client, path, takes, "HEAD")
    assert (head.status_code, head.content) == (200, b"")
    etag = first.headers["ETag"]
    for offered in (etag, f"W/{etag}", f'"another", {etag}', "*"):
        same = await alike(client, slow_client, path, takes | {"If-None-Match": offered})
        assert (same.status_code, same.content) == (304, b""), offered
        assert same.headers["ETag"] == etag
    twice = [*takes.items(), ("If-None-Match", '"another"'), ("If-None-Match", etag)]
    await alike(client, slow_client, path, twice)

    buyer = await signed_in(client)
    body = house.seats("A-2", "B-1")
    assert (await client.post(f"{API}/bookings", json=body, headers=buyer)).status_code == 201
    for who in ({}, buyer, house.organizer):
        sold = await alike(client, slow_client, path, {**takes, **who, "If-None-Match": etag})
        assert (sold.status_code, sold.json()["seats"]) == (200, "BAEA")


@pytest.mark.parametrize(
    ("spelling", "status"),
    [
        ("{id}/availability", 200),
        ("{id}/availability/", 200),
        ("{upper}/availability", 200),
        ("{hex}/availability", 200),
        ("{other}/availability", 404),
        ("{id}%0A/availability", 404),
        ("{id}%00/availability", 404),
        ("nonsense/availability", 404),
        ("{id}/availability?surprise=1", 422),
        ("{id}/availability?a=%00", 422),
    ],
)
async def test_availability_of_what_is_asked_oddly_alike(
    client: httpx.AsyncClient,
    slow_client: httpx.AsyncClient,
    house: House,
    spelling: str,
    status: int,
) -> None:
    showtime_id = UUID(house.showtime_id)
    path = spelling.format(
        id=showtime_id, upper=str(showtime_id).upper(), hex=showtime_id.hex, other=new_id()
    )
    assert (await alike(client, slow_client, path)).status_code == status


@pytest.mark.parametrize("method", ["OPTIONS", "POST", "PUT", "DELETE"])
async def test_availability_is_only_read_alike(
    client: httpx.AsyncClient, slow_client: httpx.AsyncClient, house: House, method: str
) -> None:
    path = f"{house.showtime_id}/availability"
    answer = await alike(client, slow_client, path, method=method)
    assert answer.status_code == (204 if method == "OPTIONS" else 405)


async def test_availability_of_a_draft_alike(
    client: httpx.AsyncClient, slow_client: httpx.AsyncClient
) -> None:
    entry = [{"name": "Entry", "price": {"amount": 0}, "capacity": 10}]
    draft = await open_house(client, entry, publish=False)
    path = f"{draft.showtime_id}/availability"
    stranger = await signed_in(client, role="ORGANIZER")
    for who, status in (
        ({}, 404),
        (stranger, 404),
        (draft.organizer, 200),
        ({"Authorization": ""}, 401),
        ({"Authorization": "Bearer nonsense"}, 401),
        ({"Authorization": "Basic dXNlcjpwYXNz"}, 401),
    ):
        assert (await alike(client, slow_client, path, who)).status_code == status, who
