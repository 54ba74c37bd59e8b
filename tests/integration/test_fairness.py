"""One showtime's trouble stays its own: long lines, heavy commands, and locks that others hold."""

import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest
import pytest_asyncio

from fullhouse.bookings import batch, sequencer
from fullhouse.bookings.audit import audit
from fullhouse.bookings.core.commands import (
    Block,
    Cancel,
    Confirm,
    Resize,
    SeatChoice,
    Settlement,
)
from fullhouse.bookings.core.types import Outcome, Status
from fullhouse.bookings.sequencer import Sequencer
from fullhouse.bookings.terms import Terms
from fullhouse.kit.db import Database, RawConnection
from fullhouse.kit.errors import UNAVAILABLE, Refused
from fullhouse.kit.ids import new_id
from fullhouse.venues.queries.seat_maps import SeatMaps
from tests.support.house import API, open_house
from tests.support.people import signed_in
from tests.support.selling_rows import STAFF, add_showtime, open_shop, sale_terms, seated


@pytest_asyncio.fixture
async def running(database: Database) -> AsyncIterator[Sequencer]:
    made = Sequencer(database, Terms(database, SeatMaps(database)))
    await made.start()
    yield made
    await made.stop()


async def test_long_line_is_served_in_turns_with_the_others(
    running: Sequencer, connection: RawConnection, database: Database
) -> None:
    crowded, other = await open_shop(connection, 1), await open_shop(connection, 100)
    first = crowded.order()
    await running.submit(first)
    joined = await asyncio.gather(
        *(running.submit(crowded.order(join_waitlist=True)) for _ in range(6 * batch.OFFERS_LIMIT))
    )
    assert {result.outcome for result in joined} == {Outcome.WAITLISTED}
    # Room for all of them at once; somebody wants to buy elsewhere at the same moment.
    resized = asyncio.ensure_future(
        running.submit(Resize(crowded.id, STAFF, crowded.category_id, 7 * batch.OFFERS_LIMIT))
    )
    await resized
    assert (await running.submit(other.order())).outcome is Outcome.RESERVED
    offered = "SELECT count(*) FROM waitlist_entries WHERE showtime_id = $1 AND status = 'offered'"
    served = await connection.fetchval(offered, crowded.id)
    assert batch.OFFERS_LIMIT <= served < len(joined), "the others waited for the whole line"
    # The rest is served without anybody asking, in the order of the line.
    for _ in range(200):
        if await connection.fetchval(offered, crowded.id) == len(joined):
            break
        await asyncio.sleep(0.02)
    assert await connection.fetchval(offered, crowded.id) == len(joined)
    order = await connection.fetch(
        "SELECT e.number FROM waitlist_entries e JOIN bookings b"
        " ON b.showtime_id = e.showtime_id AND b.id = e.booking_id"
        " WHERE e.showtime_id = $1 ORDER BY b.updated_at, e.number",
        crowded.id,
    )
    assert [row["number"] for row in order] == list(range(1, len(joined) + 1))
    assert (await audit(database)).is_clean


async def test_newcomer_waits_while_a_long_line_is_being_served(
    running: Sequencer, connection: RawConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batch, "OFFERS_LIMIT", 2)
    shop = await open_shop(connection, 1)
    await running.submit(shop.order())
    await asyncio.gather(*(running.submit(shop.order(join_waitlist=True)) for _ in range(6)))
    results = await asyncio.gather(
        running.submit(Resize(shop.id, STAFF, shop.category_id, 50)),
        running.submit(shop.order()),
        running.submit(shop.order(join_waitlist=True)),
    )
    # There is room, but four still stand before them.
    assert [result.outcome for result in results[1:]] == [Outcome.SOLD_OUT, Outcome.WAITLISTED]


async def test_heavy_commands_do_not_share_one_batch(
    running: Sequencer, connection: RawConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sequencer, "WEIGHT_LIMIT", 5)
    category = seated("Main")
    terms = sale_terms([category])
    await add_showtime(connection, terms, {category.id: 100})
    blocks = [
        Block(
            terms.showtime_id,
            STAFF,
            tuple(SeatChoice(new_id(), "Main", f"{row}-{number}") for number in range(5)),
        )
        for row in "ABCDEF"
    ]
    await asyncio.gather(*(running.submit(block) for block in blocks))
    transactions = await connection.fetchval(
        "SELECT count(DISTINCT xmin::text) FROM seat_claims WHERE showtime_id = $1",
        terms.showtime_id,
    )
    assert transactions == len(blocks)


async def test_locked_showtime_stops_nobody_else(
    running: Sequencer, connection: RawConnection
) -> None:
    locked, other = await open_shop(connection, 10), await open_shop(connection, 10)
    async with connection.transaction():
        await connection.execute(
            "SELECT FROM inventories WHERE showtime_id = $1 FOR UPDATE", locked.id
        )
        answers = await asyncio.gather(
            running.submit(locked.order()),
            running.submit(other.order()),
            running.submit(locked.order()),
            return_exceptions=True,
        )
        assert isinstance(answers[0], Refused) and answers[0].code is UNAVAILABLE
        assert isinstance(answers[2], Refused)
        assert not isinstance(answers[1], BaseException)
        assert answers[1].outcome is Outcome.RESERVED
        # Left alone for a moment, it does not hold up the others again.
        with pytest.raises(Refused):
            await running.submit(locked.order())
        assert (await running.submit(other.order())).outcome is Outcome.RESERVED
    await asyncio.sleep(sequencer.STUCK_SECONDS)
    assert (await running.submit(locked.order())).outcome is Outcome.RESERVED


async def test_answers_of_one_batch_do_not_change_each_other(
    running: Sequencer, connection: RawConnection
) -> None:
    shop = await open_shop(connection, 10)
    order = shop.order()
    _, confirmed, cancelled = await asyncio.gather(
        running.submit(order),
        running.submit(Confirm(shop.id, order.booking_id, Settlement.COUNTER)),
        running.submit(Cancel(shop.id, order.booking_id, STAFF)),
    )
    assert confirmed.booking is not None and cancelled.booking is not None
    assert confirmed.booking.status is Status.CONFIRMED
    assert cancelled.booking.status is Status.CANCELLED


async def test_leaving_a_line_keeps_what_was_bought(client: httpx.AsyncClient) -> None:
    house = await open_house(client, [{"name": "Entry", "price": {"amount": 0}, "capacity": 1}])
    first, second = await signed_in(client), await signed_in(client)
    held = await client.post(f"{API}/bookings", json=house.order("Entry"), headers=first)
    waiting = await client.post(
        f"{API}/bookings", json=house.order("Entry", joinWaitlist=True), headers=second
    )
    await client.delete(f"{API}/bookings/{held.json()['id']}", headers=first)
    entry = waiting.json()["id"]
    confirmed = await client.post(f"{API}/bookings/{entry}/confirm", headers=second)
    assert confirmed.json()["status"] == "confirmed"
    # A screen that still shows the place in line must not cost the ticket.
    left = await client.delete(f"{API}/waitlist/{entry}", headers=second)
    assert (left.status_code, left.json()["code"]) == (409, "transition_refused")
    read = await client.get(f"{API}/bookings/{entry}", headers=second)
    assert read.json()["status"] == "confirmed"


async def test_seats_of_a_draft_can_be_blocked(client: httpx.AsyncClient) -> None:
    house = await open_house(
        client,
        [{"name": "Seats", "price": {"amount": 1}, "sections": ["Main"]}],
        seat_map={"template": "grid", "rows": 2, "seatsPerRow": 2},
        publish=False,
    )
    path = f"{API}/showtimes/{house.showtime_id}/seats/block"
    blocked = await client.post(path, json={"seats": ["A-1"]}, headers=house.organizer)
    assert blocked.status_code == 204
    stranger = await signed_in(client, role="ORGANIZER")
    assert (await client.post(path, json={"seats": ["A-2"]}, headers=stranger)).status_code == 404


async def test_reads_do_not_hang_on_a_lock(
    client: httpx.AsyncClient, connection: RawConnection
) -> None:
    buyer = await signed_in(client)
    async with connection.transaction():
        await connection.execute("LOCK TABLE bookings IN ACCESS EXCLUSIVE MODE")
        answers = await asyncio.gather(
            *(client.get(f"{API}/bookings", headers=buyer) for _ in range(14))
        )
    assert {answer.status_code for answer in answers} == {503}
    assert all(int(answer.headers["Retry-After"]) >= 1 for answer in answers)
    assert (await client.get(f"{API}/bookings", headers=buyer)).status_code == 200
