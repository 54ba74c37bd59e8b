"""A thousand readers of what nobody has asked for yet: the database is asked once.

Counted by the database itself, in the real application.
"""

import asyncio

import httpx
import pytest
import pytest_asyncio

from fullhouse.api.answers import Answers, Flight
from fullhouse.kit.db import RawConnection
from fullhouse.kit.ids import new_id
from fullhouse.parts import Parts
from tests.support.house import API, House, open_house
from tests.support.people import signed_in

READERS = 1_000
GENERAL = {"name": "General", "price": {"amount": 1_000}, "capacity": 5}

# Every statement that reads the list passes through here and is counted, also by failing ones: a
# sequence knows no transactions.
_COUNTING = """
CREATE SEQUENCE reads_of_list MINVALUE 0 START 0;
SELECT nextval('reads_of_list');
ALTER TABLE {table} RENAME TO {table}_itself;
CREATE FUNCTION count_read() RETURNS boolean LANGUAGE sql VOLATILE
AS $$ SELECT nextval('reads_of_list') > 0 $$;
CREATE VIEW {table} AS SELECT * FROM {table}_itself WHERE (SELECT count_read());
"""
_TABLE = "event_listings"


class Reads:
    """What the database has counted."""

    def __init__(self, connection: RawConnection) -> None:
        self._connection = connection
        self._before = 0

    async def since(self) -> int:
        """How often the list was read since this was asked last."""
        now = await self._connection.fetchval("SELECT last_value FROM reads_of_list")
        since: int = now - self._before
        self._before = now
        return since


@pytest_asyncio.fixture(scope="module")
async def house(client: httpx.AsyncClient) -> House:
    return await open_house(client, [GENERAL])


@pytest_asyncio.fixture
async def reads(house: House, connection: RawConnection) -> Reads:
    if await connection.fetchval("SELECT to_regclass('reads_of_list') IS NULL"):
        await connection.execute(_COUNTING.format(table=_TABLE))
    reads = Reads(connection)
    await reads.since()
    return reads


async def crowd(client: httpx.AsyncClient, path: str, readers: int = READERS) -> set[str]:
    """The bodies that so many readers get who ask at the same time."""
    async with asyncio.timeout(120):
        replies = await asyncio.gather(*(client.get(path) for _ in range(readers)))
    assert {reply.status_code for reply in replies} == {200}
    return {reply.text for reply in replies}


async def test_the_list_is_read_once(client: httpx.AsyncClient, reads: Reads) -> None:
    alone = await client.get(f"{API}/events?limit=7")
    assert alone.json()["items"]
    one_read = await reads.since()
    assert one_read >= 1
    assert await crowd(client, f"{API}/events?limit=8") == {alone.text}
    assert await reads.since() == one_read
    await crowd(client, f"{API}/events?limit=8")
    assert await reads.since() == 0


async def test_without_one_computation_at_a_time_it_is_not(
    client: httpx.AsyncClient, parts: Parts, reads: Reads, monkeypatch: pytest.MonkeyPatch
) -> None:
    await client.get(f"{API}/events?limit=9")
    one_read = await reads.since()

    async def everybody_leads(answers: Answers, _key: object) -> Flight:
        return Flight(answers._changes, 0.0, alone=True)

    monkeypatch.setattr(Answers, "find_or_lead", everybody_leads)
    # No more than the pool of connections can serve before somebody has waited for too long.
    await crowd(client, f"{API}/events?limit=10", 100)
    # How many got in before the first was done is chance, but it is a crowd.
    assert await reads.since() > 5 * one_read


async def test_who_is_signed_in_and_belongs_to_nobody_is_one_of_the_crowd(
    client: httpx.AsyncClient, reads: Reads
) -> None:
    people = [await signed_in(client) for _ in range(3)] + [{}]
    alone = await client.get(f"{API}/events?limit=12", headers=people[0])
    one_read = await reads.since()
    path = f"{API}/events?limit=13"
    for _ in range(2):
        replies = await asyncio.gather(*(client.get(path, headers=who) for who in people * 20))
        assert {reply.text for reply in replies} == {alone.text}
    assert await reads.since() == one_read
    etag = {"If-None-Match": replies[0].headers["ETag"]}
    for who in people:
        assert (await client.get(path, headers=who | etag)).status_code == 304
    # A token that is worth nothing is not taken for one of nobody.
    bad = await client.get(f"{API}/events/{new_id()}", headers={"Authorization": "Bearer nonsense"})
    assert bad.status_code == 401


async def test_nor_where_everybody_sees_something_else(
    client: httpx.AsyncClient, house: House, reads: Reads
) -> None:
    await client.get(f"{API}/events?limit=11", headers=house.organizer)
    one_read = await reads.since()
    for _ in range(3):
        await client.get(f"{API}/events?limit=11", headers=house.organizer)
    assert await reads.since() == 3 * one_read
