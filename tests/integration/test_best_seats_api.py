"""Proposing seats, and choices that leave single ones."""

import asyncio
import threading
from collections.abc import Iterator
from typing import Any
from uuid import UUID

import httpx
import pytest
import pytest_asyncio

from fullhouse.bookings import best_seats
from fullhouse.bookings.core.best import best_seats as search
from fullhouse.kit.db import RawConnection
from tests.support.house import API, House, open_house
from tests.support.locks import until_blocked
from tests.support.people import signed_in

NOBODYS = "01995d3e-7b1c-7a50-9a52-0c7f6f0f2d12"
BOOKINGS = f"{API}/bookings"
STALLS: dict[str, Any] = {"name": "Stalls", "price": {"amount": 7_000}, "sections": ["Main"]}
STANDING: dict[str, Any] = {"name": "Standing", "price": {"amount": 2_500}, "capacity": 10}


def hall(*rows: int, **more: Any) -> dict[str, Any]:
    """A seat map with one section: rows of so many seats, A in front, all centred."""
    widest = max(rows)
    return {
        "sections": [
            {
                "name": "Main",
                "rows": [
                    {
                        "label": "ABCDEFGH"[at],
                        "seats": [
                            {
                                "number": number + 1,
                                "x": (widest - count) * 5 + number * 10,
                                "y": at * 12,
                            }
                            for number in range(count)
                        ],
                    }
                    for at, count in enumerate(rows)
                ],
            }
        ],
        **more,
    }  # fmt: skip


def flagged(seat_map: dict[str, Any], flag: str, *places: tuple[int, int]) -> dict[str, Any]:
    """The map with a flag on the seats at these rows and places."""
    for row, place in places:
        seat_map["sections"][0]["rows"][row]["seats"][place][flag] = True
    return seat_map


async def propose(
    client: httpx.AsyncClient, house: House, quantity: int, **more: Any
) -> httpx.Response:
    return await client.post(
        f"{API}/showtimes/{house.showtime_id}/best-available", json={"quantity": quantity, **more}
    )


async def labels(client: httpx.AsyncClient, house: House, quantity: int, **more: Any) -> list[str]:
    answer = await propose(client, house, quantity, **more)
    assert answer.status_code == 200, answer.text
    return [seat["label"] for seat in answer.json()["seats"]]


async def book(client: httpx.AsyncClient, body: object, headers: dict[str, str]) -> httpx.Response:
    return await client.post(BOOKINGS, json=body, headers=headers)


@pytest_asyncio.fixture
async def buyer(client: httpx.AsyncClient) -> dict[str, str]:
    return await signed_in(client)


async def test_proposals_follow_what_is_taken(
    client: httpx.AsyncClient, buyer: dict[str, str]
) -> None:
    house = await open_house(client, [STALLS, STANDING], seat_map=hall(6, 6))
    assert await labels(client, house, 2) == ["A-3", "A-4"]
    answer = await book(client, house.seats("A-3", "A-4"), buyer)
    assert answer.status_code == 201
    # Two remain on each side of the row: none is left single by taking two of them.
    assert await labels(client, house, 2) in (["A-1", "A-2"], ["A-5", "A-6"], ["B-3", "B-4"])
    assert await labels(client, house, 6) == [f"B-{number}" for number in range(1, 7)]
    many = await labels(client, house, 10)
    assert len(set(many)) == 10 and not {"A-3", "A-4"} & set(many)


async def test_proposal_can_be_reserved_by_its_ids(
    client: httpx.AsyncClient, buyer: dict[str, str]
) -> None:
    house = await open_house(client, [STALLS], seat_map=hall(6, 6))
    found = (await propose(client, house, 3)).json()
    assert found["showtimeId"] == house.showtime_id
    assert {seat["categoryId"] for seat in found["seats"]} == {house.categories["Stalls"]}
    ids = [seat["id"] for seat in found["seats"]]
    answer = await book(client, {"showtimeId": house.showtime_id, "seats": ids}, buyer)
    assert answer.status_code == 201
    assert answer.json()["items"][0]["seats"] == [seat["label"] for seat in found["seats"]]


async def test_focal_point_says_where_it_is_good(client: httpx.AsyncClient) -> None:
    house = await open_house(client, [STALLS], seat_map=hall(6, 6, 6, 6, focal={"x": 50, "y": 36}))
    assert await labels(client, house, 2) == ["D-5", "D-6"]


async def test_wheelchair_users_get_their_seat_and_others_do_not(
    client: httpx.AsyncClient,
) -> None:
    seat_map = flagged(flagged(hall(6, 6), "accessible", (0, 2)), "companion", (0, 3))
    house = await open_house(client, [STALLS], seat_map=seat_map)
    assert not {"A-3", "A-4"} & set(await labels(client, house, 2))
    # Not A-2, which is for everybody: who comes along has a seat of their own.
    assert await labels(client, house, 2, accessible=True) == ["A-3", "A-4"]
    assert {"A-3", "A-4"} <= set(await labels(client, house, 12))


async def test_aisles_part_neighbours(client: httpx.AsyncClient) -> None:
    seat_map = hall(6, 6)
    for seat in seat_map["sections"][0]["rows"][0]["seats"][3:]:
        seat["x"] += 30
    house = await open_house(client, [STALLS], seat_map=seat_map)
    assert all(label.startswith("B") for label in await labels(client, house, 4))


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"quantity": 0}, 422, "validation_failed"),
        ({"quantity": 101}, 422, "validation_failed"),
        ({"quantity": 2, "row": "A"}, 422, "validation_failed"),
        ({"quantity": 2, "categoryId": NOBODYS}, 422, "unknown_category"),
        ({"quantity": 13}, 409, "sold_out"),
    ],
)  # fmt: skip
async def test_proposals_that_cannot_be_made(
    client: httpx.AsyncClient, body: dict[str, Any], status: int, code: str
) -> None:
    house = await open_house(client, [STALLS, STANDING], seat_map=hall(6, 6))
    answer = await client.post(f"{API}/showtimes/{house.showtime_id}/best-available", json=body)
    assert (answer.status_code, answer.json()["code"]) == (status, code)


async def test_proposals_need_seats(client: httpx.AsyncClient) -> None:
    house = await open_house(client, [STALLS, STANDING], seat_map=hall(6, 6))
    answer = await propose(client, house, 2, categoryId=house.categories["Standing"])
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/categoryId")
    plain = await open_house(client, [STANDING])
    answer = await propose(client, plain, 2)
    assert (answer.status_code, answer.json()["code"]) == (422, "no_seat_map")
    nowhere = await client.post(
        f"{API}/showtimes/{NOBODYS}/best-available",
        json={"quantity": 2},
    )
    assert nowhere.status_code == 404


async def test_what_others_wait_for_is_not_proposed(
    client: httpx.AsyncClient, buyer: dict[str, str]
) -> None:
    house = await open_house(client, [STALLS], seat_map=hall(4))
    first = await book(client, house.seats("A-1", "A-2", "A-3"), buyer)
    assert first.status_code == 201
    other = await signed_in(client)
    body = {"items": [{"categoryId": house.categories["Stalls"], "quantity": 2}]}
    waiting = await book(
        client, {"showtimeId": house.showtime_id, "joinWaitlist": True, **body}, other
    )
    assert waiting.status_code == 202
    answer = await propose(client, house, 1)
    assert (answer.status_code, answer.json()["code"]) == (409, "sold_out")


@pytest.mark.parametrize("rule", ["refuse", "warn", "off"])
async def test_single_seats_are_left_only_as_the_event_allows(
    client: httpx.AsyncClient, buyer: dict[str, str], rule: str
) -> None:
    house = await open_house(client, [STALLS], seat_map=hall(6), policy={"orphans": rule})
    # A-1 would stand alone.
    answer = await book(client, house.seats("A-2", "A-3"), buyer)
    if rule == "off":
        assert answer.status_code == 201
        return
    assert answer.status_code == 409
    assert answer.json()["code"] == "orphan_seats"
    assert answer.json()["seats"] == ["A-1"]
    insisting = await book(client, house.seats("A-2", "A-3", allowOrphans=True), buyer)
    assert insisting.status_code == (201 if rule == "warn" else 409)
    if rule == "refuse":
        assert (await book(client, house.seats("A-1", "A-2"), buyer)).status_code == 201
        # Of: the middle ones leave one on each side.
        answer = await book(client, house.seats("A-4", "A-5"), buyer)
        assert answer.json()["seats"] == ["A-3", "A-6"]
        # One of four leaves three; three of four cannot but leave one.
        assert (await book(client, house.seats("A-3", "A-4", "A-5"), buyer)).status_code == 201
        assert (await book(client, house.seats("A-6"), buyer)).status_code == 201


async def test_single_seats_send_nobody_into_the_line(
    client: httpx.AsyncClient, buyer: dict[str, str]
) -> None:
    house = await open_house(client, [STALLS], seat_map=hall(6), policy={"orphans": "refuse"})
    answer = await book(client, house.seats("A-2", "A-3", joinWaitlist=True), buyer)
    assert (answer.status_code, answer.json()["code"]) == (409, "orphan_seats")


async def test_what_is_proposed_beside_wheelchairs_can_be_reserved(
    client: httpx.AsyncClient, buyer: dict[str, str]
) -> None:
    seat_map = flagged(hall(6, 6), "accessible", (0, 0), (0, 5))
    house = await open_house(client, [STALLS], seat_map=seat_map, policy={"orphans": "refuse"})
    found = await labels(client, house, 4)
    assert found == ["A-2", "A-3", "A-4", "A-5"]
    answer = await book(client, house.seats(*found), buyer)
    assert answer.status_code == 201, answer.text


async def test_a_kept_seat_ends_a_stretch_as_an_aisle_does(
    client: httpx.AsyncClient, buyer: dict[str, str]
) -> None:
    seat_map = flagged(hall(8), "companion", (0, 4))
    house = await open_house(client, [STALLS], seat_map=seat_map, policy={"orphans": "refuse"})
    # At A-4 somebody would be alone with a seat that is not for them.
    answer = await book(client, house.seats("A-2", "A-3"), buyer)
    assert (answer.status_code, answer.json()["seats"]) == (409, ["A-1", "A-4"])
    assert (await book(client, house.seats("A-4", "A-5"), buyer)).status_code == 201
    # A seat that is kept stands in no stretch, and is not sold again for that.
    answer = await book(client, house.seats("A-5", "A-3"), await signed_in(client))
    assert (answer.status_code, answer.json()["code"]) == (409, "seats_taken")
    assert answer.json()["seats"] == ["A-5"]


async def test_a_hold_that_ran_out_unnoticed_refuses_no_proposal(
    client: httpx.AsyncClient, buyer: dict[str, str], connection: RawConnection
) -> None:
    house = await open_house(client, [STALLS], seat_map=hall(6), policy={"orphans": "refuse"})
    held = await book(client, house.seats("A-1"), buyer)
    other = await signed_in(client)
    found = await labels(client, house, 4)
    assert found == ["A-2", "A-3", "A-4", "A-5"]
    lock = "SELECT 1 FROM inventories WHERE showtime_id = $1 FOR UPDATE"
    late = "UPDATE bookings SET expires_at = now() - interval '1 second' WHERE id = $1"
    # Under the lock, so that the booking comes before whoever sweeps.
    async with connection.transaction():
        await connection.execute(lock, UUID(house.showtime_id))
        await connection.execute(late, UUID(held.json()["id"]))
        booking = asyncio.create_task(book(client, house.seats(*found), other))
        await until_blocked(connection, 1)
    # A-1 is free again, and single now, as is A-6: nobody could see that.
    answer = await booking
    assert answer.status_code == 201, answer.text


async def test_what_is_short_of_wheelchair_seats_is_told_so(client: httpx.AsyncClient) -> None:
    house = await open_house(client, [STALLS], seat_map=hall(6))
    refused = (await propose(client, house, 4, accessible=True)).json()
    assert (refused["code"], refused["available"]) == ("sold_out", 0)
    assert "wheelchair" in refused["detail"]
    seat_map = flagged(hall(6), "accessible", (0, 2))
    house = await open_house(client, [STALLS], seat_map=seat_map)
    refused = (await propose(client, house, 7, accessible=True)).json()
    assert (refused["code"], refused["available"]) == ("sold_out", 6)
    assert len(await labels(client, house, 6, accessible=True)) == 6


class Gate:
    """Where searches in large halls stop until it is opened, and are counted."""

    def __init__(self) -> None:
        self.passed = 0
        self._open = threading.Event()

    def open(self) -> None:
        self._open.set()

    def search(self, *wish: Any, **more: Any) -> Any:
        self.passed += 1
        self._open.wait(60)
        return search(*wish, **more)


@pytest.fixture
def gate(monkeypatch: pytest.MonkeyPatch) -> Iterator[Gate]:
    """Small halls are searched as large ones are."""
    gate = Gate()
    monkeypatch.setattr(best_seats, "SMALL", 0)
    monkeypatch.setattr(best_seats, "best_seats", gate.search)
    yield gate
    gate.open()


async def test_what_many_ask_is_searched_once(
    client: httpx.AsyncClient, buyer: dict[str, str], gate: Gate
) -> None:
    house = await open_house(client, [STALLS], seat_map=hall(6, 6))
    asked = [asyncio.create_task(propose(client, house, 2)) for _ in range(30)]
    async with asyncio.timeout(60):
        while not gate.passed:
            await asyncio.sleep(0.01)
        # Who goes away, be it the one who came first, takes nothing from the others.
        asked[0].cancel()
        gate.open()
        answers = await asyncio.gather(*asked[1:])
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.text for answer in answers}) == 1
    assert await labels(client, house, 2) == ["A-3", "A-4"]
    assert gate.passed == 1
    assert (await book(client, house.seats("A-3"), buyer)).status_code == 201
    assert "A-3" not in await labels(client, house, 2)
    assert gate.passed == 2


async def test_too_many_searches_are_refused_and_not_queued(
    client: httpx.AsyncClient, gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(best_seats, "MOST_SEARCHES", 3)
    house = await open_house(client, [STALLS], seat_map=hall(6, 6))
    asked = [asyncio.create_task(propose(client, house, 1 + at % 6)) for at in range(12)]
    waiting = set(asked)
    async with asyncio.timeout(60):
        while len(waiting) > 6:
            _, waiting = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        gate.open()
        answers = await asyncio.gather(*asked)
    refused = [answer for answer in answers if answer.status_code == 503]
    assert len(refused) == 6
    for answer in refused:
        assert answer.json()["code"] == "overloaded"
        assert int(answer.headers["Retry-After"]) > 0
    # Who asks what is searched for already is no further search.
    assert [answer.status_code for answer in answers].count(200) == 6
    assert gate.passed == 3
    assert all([await labels(client, house, quantity) for quantity in range(1, 7)])
