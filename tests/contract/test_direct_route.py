"""The direct route to a reservation answers exactly as the framework's route does.

Both run on the same parts, so that only the way differs. What is new in each answer by nature
(ids, codes, times) is taken out before comparing; everything else must be equal, headers included.
"""

import re
from collections.abc import AsyncIterator
from typing import Any, cast

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


def shown(answer: httpx.Response) -> tuple[int, dict[str, str], bytes]:
    headers = {
        name: value
        for name, value in answer.headers.items()
        if name not in ("x-request-id", "content-length")
    }
    return answer.status_code, headers, _NEW.sub(rb'"\1":"-"', answer.content)


def test_direct_route_is_in_use(parts: Parts) -> None:
    direct = compose(parts)._direct
    assert list(direct) == [("POST", "/api/v1/bookings")]
    assert direct["POST", "/api/v1/bookings"].__module__ == "fullhouse.bookings.direct"


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
    headers: dict[str, str],
) -> None:
    body = {**house.order("Standing", 1), **change}
    answers = []
    for each in (client, slow_client):
        buyer = await signed_in(client)
        answer = await each.post(f"{API}/bookings", json=body, headers=buyer | JSON | headers)
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
