"""The sequencer when things go wrong: too many, too late, one bad command, many overdue holds."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator

import httpx
import pytest
import pytest_asyncio

from fullhouse.api.errors import as_refused
from fullhouse.app import compose
from fullhouse.bookings import batch, store
from fullhouse.bookings.audit import audit
from fullhouse.bookings.core.commands import Cancel, Confirm, Expire, Settlement
from fullhouse.bookings.core.types import Outcome, Result
from fullhouse.bookings.sequencer import Sequencer
from fullhouse.bookings.terms import Terms
from fullhouse.kit.db import Database, RawConnection
from fullhouse.kit.errors import OVERLOADED, UNAVAILABLE, Refused
from fullhouse.kit.ids import new_code
from fullhouse.parts import make_parts
from fullhouse.settings import Settings
from fullhouse.venues.queries.seat_maps import SeatMaps
from tests.support.asgi import client_of
from tests.support.house import API, open_house
from tests.support.people import signed_in
from tests.support.selling_rows import STAFF, Shop, open_shop
from tests.support.settings import settings_for


@pytest_asyncio.fixture
async def sequencer(database: Database) -> AsyncIterator[Sequencer]:
    running = Sequencer(database, Terms(database, SeatMaps(database)))
    await running.start()
    yield running
    await running.stop()


@pytest_asyncio.fixture
async def shop(connection: RawConnection) -> Shop:
    return await open_shop(connection, 10_000)


async def test_submit_everything_waiting_shares_a_transaction(
    sequencer: Sequencer, shop: Shop, connection: RawConnection
) -> None:
    results = await asyncio.gather(*(sequencer.submit(shop.order()) for _ in range(100)))
    assert Counter(result.outcome for result in results) == {Outcome.RESERVED: 100}
    transactions = await connection.fetchval(
        "SELECT count(DISTINCT xmin::text) FROM bookings WHERE showtime_id = $1",
        shop.terms.showtime_id,
    )
    # The first may have gone alone; whatever came meanwhile went together.
    assert transactions <= 3


async def test_submit_beyond_the_capacity(database: Database, shop: Shop) -> None:
    sequencer = Sequencer(database, Terms(database, SeatMaps(database)), capacity=5)
    await sequencer.start()
    answers = await asyncio.gather(
        *(sequencer.submit(shop.order()) for _ in range(20)), return_exceptions=True
    )
    await sequencer.stop()
    refused = [answer for answer in answers if isinstance(answer, Refused)]
    assert len(refused) == 15
    assert all(one.code is OVERLOADED and one.retry_after_seconds for one in refused)


async def test_submit_too_late(database: Database, shop: Shop, connection: RawConnection) -> None:
    sequencer = Sequencer(database, Terms(database, SeatMaps(database)), deadline_seconds=0.2)
    await sequencer.start()
    async with connection.transaction():
        # Somebody holds the showtime for longer than buyers may wait.
        await connection.execute(
            "SELECT FROM inventories WHERE showtime_id = $1 FOR UPDATE", shop.terms.showtime_id
        )
        first = asyncio.ensure_future(sequencer.submit(shop.order()))
        await asyncio.sleep(0.1)
        second = asyncio.ensure_future(sequencer.submit(shop.order()))
        await asyncio.sleep(0.5)
    assert (await first).outcome is Outcome.RESERVED
    with pytest.raises(Refused) as refused:
        await second
    assert refused.value.code is OVERLOADED
    await sequencer.stop()


async def test_submit_one_bad_command_is_one_callers_trouble(
    sequencer: Sequencer, shop: Shop, database: Database
) -> None:
    code = new_code()
    orders = [shop.order() for _ in range(9)]
    # Two bookings of one showtime with one code: the database refuses the second.
    twins = [shop.order(code=code), shop.order(code=code)]
    answers = await asyncio.gather(
        *(sequencer.submit(order) for order in (*orders[:5], *twins, *orders[5:])),
        return_exceptions=True,
    )
    failed = [answer for answer in answers if isinstance(answer, BaseException)]
    assert len(failed) == 1 and len(answers) == 11
    assert as_refused(failed[0]).code.name == "internal_error"
    assert (await audit(database)).is_clean


async def test_submit_a_showtime_where_everything_fails_is_left_alone(
    sequencer: Sequencer, shop: Shop, connection: RawConnection
) -> None:
    broken = await open_shop(connection, 10)
    # Terms that nobody can read, as after a restore that went wrong.
    await connection.execute("UPDATE events SET policy = '[]' WHERE id = $1", broken.terms.event_id)
    orders = [one.order() for _ in range(5) for one in (shop, broken)]
    answers = await asyncio.gather(
        *(sequencer.submit(order) for order in orders), return_exceptions=True
    )
    assert all(isinstance(answer, Result) for answer in answers[0::2])
    failed = [answer for answer in answers if isinstance(answer, BaseException)]
    assert [as_refused(error).code.name for error in failed] == 5 * ["internal_error"]
    # Nobody behind the others pays for it again, and they are told to come back.
    with pytest.raises(Refused) as refused:
        await sequencer.submit(broken.order())
    assert refused.value.code is UNAVAILABLE
    assert (await sequencer.submit(shop.order())).outcome is Outcome.RESERVED


async def test_submit_after_the_stop(database: Database, shop: Shop) -> None:
    sequencer = Sequencer(database, Terms(database, SeatMaps(database)))
    await sequencer.start()
    waiting = [asyncio.ensure_future(sequencer.submit(shop.order())) for _ in range(3)]
    await asyncio.sleep(0)
    await sequencer.stop()
    for answer in await asyncio.gather(*waiting, return_exceptions=True):
        # Either it was done before the stop, or it was refused: never left without an answer.
        assert getattr(answer, "outcome", None) is Outcome.RESERVED or (
            isinstance(answer, Refused) and answer.code is UNAVAILABLE
        )
    with pytest.raises(Refused):
        await sequencer.submit(shop.order())


async def test_submit_run_again_finds_what_was_written(
    sequencer: Sequencer, shop: Shop, database: Database
) -> None:
    order = shop.order(3)
    first = await sequencer.submit(order)
    raw = await database.connect_raw(**store.SESSION_SETTINGS)
    settled = await batch.Batch(raw, Terms(database, SeatMaps(database))).run(
        [order], repeated=True
    )
    again = settled.results
    held = await raw.fetchval(
        "SELECT held FROM allotments WHERE showtime_id = $1", shop.terms.showtime_id
    )
    await raw.close()
    assert first.booking is not None and again[0].booking is not None
    assert (again[0].outcome, again[0].repeated) == (Outcome.RESERVED, False)
    assert again[0].booking.id == first.booking.id
    assert held == 3


async def test_submit_more_overdue_holds_than_one_load_takes(
    sequencer: Sequencer, shop: Shop, connection: RawConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "OVERDUE_LIMIT", 20)
    load = store.load
    monkeypatch.setattr(store, "load", lambda raw, needs: load(raw, needs, 20))
    await asyncio.gather(*(sequencer.submit(shop.order(10)) for _ in range(70)))
    await connection.execute(
        "UPDATE bookings SET expires_at = clock_timestamp() WHERE showtime_id = $1",
        shop.terms.showtime_id,
    )
    # Nine hundred places are free besides those that ran out: only all of them are enough.
    assert (await sequencer.submit(Expire(shop.terms.showtime_id))).outcome is Outcome.SWEPT
    held = await connection.fetchval(
        "SELECT held FROM allotments WHERE showtime_id = $1", shop.terms.showtime_id
    )
    assert held == 0


async def test_submit_terms_that_changed_count_at_once(
    sequencer: Sequencer, shop: Shop, connection: RawConnection
) -> None:
    before = await sequencer.submit(shop.order())
    async with connection.transaction():
        await connection.execute(
            "UPDATE categories SET price = 1 WHERE event_id = $1", shop.terms.event_id
        )
        await connection.execute(
            "UPDATE inventories SET revision = revision + 1 WHERE showtime_id = $1",
            shop.terms.showtime_id,
        )
    after = await sequencer.submit(shop.order())
    assert before.booking is not None and after.booking is not None
    assert (before.booking.total, after.booking.total) == (5_000, 1)


async def test_submit_commands_of_one_booking_in_one_batch(
    sequencer: Sequencer, shop: Shop
) -> None:
    order = shop.order()
    showtime_id = shop.terms.showtime_id
    results = await asyncio.gather(
        sequencer.submit(order),
        sequencer.submit(Confirm(showtime_id, order.booking_id, Settlement.COUNTER)),
        sequencer.submit(Cancel(showtime_id, order.booking_id, STAFF)),
    )
    assert [result.outcome for result in results] == [
        Outcome.RESERVED,
        Outcome.CONFIRMED,
        Outcome.CANCELLED,
    ]


class TestOverload:
    """Through HTTP, with a queue of five."""

    @pytest.fixture
    def settings(self, database_url: str) -> Settings:
        return settings_for(database_url, queue_capacity=5)

    async def test_reserve_overloaded(self, settings: Settings) -> None:
        async with client_of(compose(make_parts(settings))) as client:
            house = await open_house(
                client, [{"name": "Entry", "price": {"amount": 0}, "capacity": 500}]
            )
            headers = await signed_in(client)
            answers: list[httpx.Response] = await asyncio.gather(
                *(
                    client.post(f"{API}/bookings", json=house.order("Entry"), headers=headers)
                    for _ in range(60)
                )
            )
        statuses = Counter(answer.status_code for answer in answers)
        assert set(statuses) == {201, 503} and statuses[201] >= 5
        for answer in answers:
            if answer.status_code == 503:
                assert answer.json()["code"] == "overloaded"
                assert int(answer.headers["Retry-After"]) >= 1
