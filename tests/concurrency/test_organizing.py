"""Organizers against buyers, on two server processes: moving to another seat map, and cancelling.

As in ``test_overselling.py`` each has its positive control.
"""

import asyncio
import os
import signal
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, nullcontext
from pathlib import Path
from uuid import UUID

import httpx
import pytest

from fullhouse.kit.db import RawConnection
from fullhouse.kit.embedded import EmbeddedPostgres
from tests.concurrency.test_overselling import Rush, protection, rush
from tests.support.house import API, House, buyers, open_house

GRID = {"template": "grid", "rows": 2, "seatsPerRow": 4}
ONE_ROW = {"template": "grid", "rows": 1, "seatsPerRow": 4}
SEATED = [{"name": "Seats", "price": {"amount": 5_000}, "sections": ["Main"]}]
GENERAL = [{"name": "General", "price": {"amount": 5_000}, "capacity": 5_000}]
ROUNDS = 6


async def _smaller_map(client: httpx.AsyncClient, house: House) -> str:
    shown = (await client.get(f"{API}/showtimes/{house.showtime_id}")).json()
    path = f"{API}/halls/{shown['hall']['id']}/seat-map"
    answer = await client.put(path, json=ONE_ROW, headers=house.organizer)
    assert answer.status_code == 200, answer.text
    return str(answer.json()["id"])


async def _race(crowd: Rush) -> tuple[House, int, int]:
    """A buyer reserves a seat at one server while it is taken out of the map at the other."""
    house = await open_house(crowd.clients[0], SEATED, seat_map=GRID)
    seat_map = await _smaller_map(crowd.clients[0], house)
    (who,) = await buyers(crowd.connection, 1)
    for client in crowd.clients:
        await client.get(f"{API}/showtimes/{house.showtime_id}/availability", headers=who)
    booked, moved = await asyncio.gather(
        crowd.clients[0].post(f"{API}/bookings", json=house.seats("B-1"), headers=who),
        crowd.clients[1].put(
            f"{API}/showtimes/{house.showtime_id}/seat-map",
            json={"seatMapId": seat_map},
            headers=house.organizer,
        ),
    )
    return house, booked.status_code, moved.status_code


@protection
async def test_nobody_has_a_seat_that_the_map_does_not_have(
    postgres: EmbeddedPostgres, template: str, tmp_path: Path, protected: bool
) -> None:
    async with rush(postgres, template, tmp_path, protected=protected) as crowd:
        outcomes: Counter[tuple[int, int]] = Counter()
        for _ in range(ROUNDS):
            house, booked, moved = await _race(crowd)
            outcomes[booked, moved] += 1
            claimed = await crowd.claims(house)
            path = f"{API}/showtimes/{house.showtime_id}/seats"
            seats = (await crowd.clients[0].get(path)).json()["seats"]
            in_the_void = set(claimed) - {seat["id"] for seat in seats}
            if protected:
                assert not in_the_void
            elif in_the_void:
                return
        assert protected, "nobody lost a seat without protection, so this test is blind"
        assert outcomes.keys() <= {(201, 409), (422, 200)}


@asynccontextmanager
async def _kept_in_the_dark(connection: RawConnection) -> AsyncIterator[None]:
    """Let no server know that terms of sale have changed: neither by the revision, which is what
    decisions go by, nor by word of mouth.
    """
    await connection.execute(
        """
        CREATE FUNCTION forget_revision() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            NEW.revision := OLD.revision;
            RETURN NEW;
        END
        $$;
        CREATE TRIGGER forget_revision BEFORE UPDATE ON inventories
        FOR EACH ROW EXECUTE FUNCTION forget_revision();
        """
    )
    listeners = await connection.fetch(
        "SELECT pid FROM pg_stat_activity WHERE application_name = 'fullhouse listener'"
        " AND datname = current_database()"
    )
    assert len(listeners) == 2
    for listener in listeners:
        os.kill(listener["pid"], signal.SIGSTOP)
    try:
        yield
    finally:
        for listener in listeners:
            os.kill(listener["pid"], signal.SIGCONT)


class _Crowd:
    """Buyers at both servers, who go on until they are told to stop."""

    def __init__(self, crowd: Rush, house: House, people: list[dict[str, str]]) -> None:
        self.cancelled = False
        self.late: Counter[str] = Counter()  # what was answered to requests sent after the answer
        self.sold = 0
        self._stopping = False
        self._tasks = [
            asyncio.create_task(self._buy(crowd.clients[number % 2], house, headers))
            for number, headers in enumerate(people)
        ]

    async def stop(self) -> None:
        self._stopping = True
        await asyncio.gather(*self._tasks)

    async def _buy(self, client: httpx.AsyncClient, house: House, headers: dict[str, str]) -> None:
        while not self._stopping:
            late = self.cancelled
            answer = await client.post(
                f"{API}/bookings", json=house.order("General"), headers=headers
            )
            self.sold += answer.status_code == 201
            if late:
                sold = answer.status_code == 201
                self.late["sold" if sold else answer.json()["code"]] += 1


@pytest.mark.parametrize("told", [True, False], ids=["protected", "control"])
@pytest.mark.parametrize("what", ["events", "showtimes"])
async def test_nothing_is_sold_after_the_answer_to_cancelling(
    postgres: EmbeddedPostgres, template: str, tmp_path: Path, told: bool, what: str
) -> None:
    async with rush(postgres, template, tmp_path, protected=True) as crowd:
        house = await open_house(crowd.clients[0], GENERAL)
        object_id = house.event_id if what == "events" else house.showtime_id
        buying = _Crowd(crowd, house, await buyers(crowd.connection, 30))
        while buying.sold < 100:
            await asyncio.sleep(0.02)
        async with nullcontext() if told else _kept_in_the_dark(crowd.connection):
            answer = await crowd.clients[0].post(
                f"{API}/{what}/{object_id}/cancel", headers=house.organizer
            )
            assert answer.status_code == 200, answer.text
            buying.cancelled = True
            await asyncio.sleep(1)
            await buying.stop()
        if not told:
            assert buying.late["sold"] > 0, "it sold on nowhere, so this test is blind"
            return
        assert buying.late.keys() == {"sales_closed"}
        await _until_cleared(crowd.connection, house)
        held = await crowd.connection.fetchrow(
            "SELECT held, sold, waiting FROM allotments WHERE showtime_id = $1",
            UUID(house.showtime_id),
        )
        assert held is not None and tuple(held) == (0, 0, 0)
        ended = await crowd.connection.fetchval(
            "SELECT count(DISTINCT payload ->> 'bookingId') FROM outbox"
            " WHERE stream_id = $1 AND topic = 'booking.cancelled'",
            UUID(house.showtime_id),
        )
        assert ended == buying.sold


async def _until_cleared(connection: RawConnection, house: House) -> None:
    cleared = "SELECT cleared_at IS NOT NULL FROM showtimes WHERE id = $1"
    for _ in range(1_500):
        if await connection.fetchval(cleared, UUID(house.showtime_id)):
            return
        await asyncio.sleep(0.02)
    raise AssertionError("the bookings of a cancelled showtime were not all ended")
