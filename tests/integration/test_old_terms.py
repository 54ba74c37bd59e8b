"""What a process knows of a sale may be old by moments; what it answers after selling is not."""

from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import httpx
import pytest
import pytest_asyncio

from fullhouse.api.errors import NOT_FOUND, VALIDATION_FAILED
from fullhouse.api.schemas import Price
from fullhouse.bookings import commands
from fullhouse.bookings.commands import Desk, Order
from fullhouse.bookings.sequencer import Sequencer
from fullhouse.bookings.terms import Terms
from fullhouse.kit.db import Database, RawConnection
from fullhouse.kit.errors import FieldError, Refused
from fullhouse.venues.queries.seat_maps import SeatMaps
from tests.support.house import API, House, open_house
from tests.support.selling_rows import STAFF, add_user


@pytest_asyncio.fixture
async def house(client: httpx.AsyncClient) -> House:
    return await open_house(client, [{"name": "Entry", "price": {"amount": 900}, "capacity": 5}])


@pytest_asyncio.fixture
async def desk(database: Database, house: House) -> AsyncIterator[Desk]:
    """Another process's, which has seen the showtime as it was at first."""
    terms = Terms(database, SeatMaps(database))
    sequencer = Sequencer(database, terms)
    await sequencer.start()
    seen = await terms.glance(UUID(house.showtime_id))
    assert seen is not None
    assert seen.on_sale
    yield Desk(sequencer, terms)
    await sequencer.stop()


async def change(client: httpx.AsyncClient, house: House, body: dict[str, Any]) -> None:
    answer = await client.patch(
        f"{API}/events/{house.event_id}", json=body, headers=house.organizer
    )
    assert answer.status_code == 200, answer.text


async def test_reserve_names_the_event_as_it_is_called_now(
    client: httpx.AsyncClient, connection: RawConnection, house: House, desk: Desk
) -> None:
    await change(client, house, {"title": "The New Title"})
    buyer = await add_user(connection)
    order = Order(UUID(house.showtime_id), [(UUID(house.categories["Entry"]), 1)])
    _, terms = await commands.reserve(desk, buyer, order)
    assert terms.title == "The New Title"


async def test_reserve_what_was_taken_back_is_not_found(
    client: httpx.AsyncClient, connection: RawConnection, house: House, desk: Desk
) -> None:
    answer = await client.post(f"{API}/events/{house.event_id}/unpublish", headers=house.organizer)
    assert answer.status_code == 200, answer.text
    buyer = await add_user(connection)
    order = Order(UUID(house.showtime_id), [(UUID(house.categories["Entry"]), 1)])
    with pytest.raises(Refused) as refused:
        await commands.reserve(desk, buyer, order)
    assert refused.value.code is NOT_FOUND


async def test_resize_compares_the_currency_that_is_sold_in_now(
    client: httpx.AsyncClient, house: House, desk: Desk
) -> None:
    await change(client, house, {"currency": "JPY"})
    terms = await desk.terms.glance(UUID(house.showtime_id))
    assert terms is not None
    assert terms.currency != "JPY"
    told = (terms, UUID(house.categories["Entry"]), None, None)
    with pytest.raises(Refused) as refused:
        await commands.resize(desk, STAFF, *told, Price(500, "USD"))
    assert refused.value.code is VALIDATION_FAILED
    wrong = FieldError("/price/currency", "is not the event's currency, JPY")
    assert refused.value.errors == (wrong,)
    _, price = await commands.resize(desk, STAFF, *told, Price(500, "JPY"))
    assert (price.amount, price.currency) == (500, "JPY")
