"""Real server processes that share a database and a Valkey, and what they count."""

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.support.house import API, open_house
from tests.support.servers import api_process, api_server
from tests.support.valkey import ValkeyProcess, running_valkey

GENERAL = {"name": "General", "price": {"amount": 1_000}, "capacity": 50}
LIST = f"{API}/events"
# What is waited for comes in milliseconds; this is for the slowest machine.
AT_MOST_SECONDS = 30.0


@pytest.fixture(scope="module")
def valkey() -> Iterator[ValkeyProcess]:
    with running_valkey() as process:
        yield process


@pytest.fixture
def addresses(
    database_url: str, valkey: ValkeyProcess, tmp_path: Path
) -> Iterator[tuple[str, str]]:
    log = tmp_path / "servers.log"
    with (
        api_server(database_url, log, valkey_url=valkey.url) as one,
        api_server(database_url, log, valkey_url=valkey.url) as other,
    ):
        yield one, other


async def figures(client: httpx.AsyncClient) -> dict[str, float]:
    """What a process has counted: ``l1 hit`` and so on."""
    page = await client.get("/metrics")
    assert page.status_code == 200, page.text
    return {
        f"{sample.labels['level']} {sample.labels['outcome']}": sample.value
        for family in text_string_to_metric_families(page.text)
        for sample in family.samples
        if sample.name == "fullhouse_answers_total"
    }


async def titles(client: httpx.AsyncClient) -> list[str]:
    answer = await client.get(LIST)
    assert answer.status_code == 200, answer.text
    return [event["title"] for event in answer.json()["items"]]


async def test_a_change_through_one_is_seen_in_what_the_other_keeps(
    addresses: tuple[str, str], record_property: Callable[[str, object], None]
) -> None:
    one, other = (httpx.AsyncClient(base_url=address) for address in addresses)
    taken: list[float] = []
    async with one, other:
        for number in range(5):
            before = await titles(other)
            kept = await figures(other)
            async with asyncio.timeout(AT_MOST_SECONDS):
                while (await figures(other))["l1 hit"] == kept["l1 hit"]:
                    assert await titles(other) == before
            house = await open_house(one, [GENERAL], title=f"Play {number}")
            # Published at the commit, of which the client of the one has just heard.
            committed = time.perf_counter()
            async with asyncio.timeout(AT_MOST_SECONDS):
                while f"Play {number}" not in await titles(other):
                    await asyncio.sleep(0.001)
            taken.append((time.perf_counter() - committed) * 1_000)
            assert house.event_id
    record_property("milliseconds", [round(one, 1) for one in taken])
    print(f"seen in the other process after {max(taken):.1f} ms at most")


async def test_what_is_shared_outlives_a_process(
    database_url: str, valkey: ValkeyProcess, tmp_path: Path
) -> None:
    log = tmp_path / "server.log"
    with valkey.client() as store:
        store.flushall()
    with api_process(database_url, log, valkey_url=valkey.url) as (address, _):
        async with httpx.AsyncClient(base_url=address) as client:
            made = await client.get(f"{LIST}?limit=3")
            async with asyncio.timeout(AT_MOST_SECONDS):
                while not valkey_keys(valkey):
                    await asyncio.sleep(0.01)
    # It was killed, and another one comes up.
    with api_process(database_url, log, valkey_url=valkey.url) as (address, _):
        async with httpx.AsyncClient(base_url=address) as client:
            taken = await client.get(f"{LIST}?limit=3")
            counted = await figures(client)
    assert (taken.content, taken.headers["etag"]) == (made.content, made.headers["etag"])
    assert (counted["l1 miss"], counted["l2 hit"], counted["l2 miss"]) == (1, 1, 0)


def valkey_keys(valkey: ValkeyProcess) -> list[bytes]:
    with valkey.client() as client:
        found: list[bytes] = client.keys("fullhouse:answer:*")
    return found


async def test_valkey_dies_and_comes_back_under_load(database_url: str, tmp_path: Path) -> None:
    log = tmp_path / "servers.log"
    with (
        running_valkey() as valkey,
        api_server(database_url, log, valkey_url=valkey.url) as one,
        api_server(database_url, log, valkey_url=valkey.url) as other,
    ):
        over = asyncio.Event()
        statuses: Counter[int] = Counter()

        async def read(address: str, number: int) -> None:
            async with httpx.AsyncClient(base_url=address, timeout=AT_MOST_SECONDS) as client:
                asked = 0
                while not over.is_set():
                    asked += 1
                    # Something new each time, then the same again out of memory.
                    path = f"{LIST}?q=play%20{number}%20{asked // 2}"
                    statuses[(await client.get(path)).status_code] += 1

        async def until(outcome: str, more: int) -> None:
            """Until both processes have counted so many more."""
            for address in (one, other):
                async with httpx.AsyncClient(base_url=address) as client:
                    before = (await figures(client))[outcome]
                    while (await figures(client))[outcome] < before + more:
                        await asyncio.sleep(0.01)

        readers = [
            asyncio.create_task(read(address, number))
            for address in (one, other)
            for number in range(4)
        ]
        async with asyncio.timeout(3 * AT_MOST_SECONDS):
            for _ in range(2):
                await until("l2 miss", 20)
                valkey.kill9()
                await until("l2 away", 20)
                valkey.start()
                # It is asked again after a while, and answers.
                await until("l2 miss", 20)
        over.set()
        await asyncio.gather(*readers)
    assert set(statuses) == {200}
    assert statuses[200] > 100
    assert "Traceback" not in log.read_text()


async def test_without_a_valkey_there_is_no_second_level(database_url: str, tmp_path: Path) -> None:
    with api_server(database_url, tmp_path / "server.log") as address:
        async with httpx.AsyncClient(base_url=address) as client:
            await titles(client)
            await titles(client)
            counted = await figures(client)
    counted = {name: count for name, count in counted.items() if not name.startswith("seats ")}
    assert counted == {"l1 hit": 1, "l1 wait": 0, "l1 miss": 1, "l1 stale": 0}
