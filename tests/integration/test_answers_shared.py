"""Answers shared by processes, on a real Valkey and a real PostgreSQL: never an outdated one."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import timedelta

import pytest
import pytest_asyncio
import structlog

from fullhouse.api import shared as shared_module
from fullhouse.api.answers import LAG_SECONDS, Answer
from fullhouse.kit import changes
from fullhouse.kit.db import Database, RawConnection
from fullhouse.kit.embedded import EmbeddedPostgres
from fullhouse.kit.listener import PAYLOAD_LIMIT_BYTES, PAYLOADS_LIMIT, notify
from tests.support.answering import Process, change
from tests.support.postgres import cloned_database
from tests.support.valkey import ValkeyProcess, running_valkey

KEY = ("/pages/1", b"")

Start = Callable[..., Process]


@pytest.fixture(scope="module")
def valkey() -> Iterator[ValkeyProcess]:
    """The module's own server."""
    with running_valkey() as process:
        yield process


@pytest_asyncio.fixture(autouse=True)
async def _pages(valkey: ValkeyProcess, connection: RawConnection) -> None:
    await connection.execute("CREATE TABLE IF NOT EXISTS pages (words text)")
    await connection.execute("TRUNCATE pages, changed_tags")
    await connection.execute("INSERT INTO pages VALUES ('first')")
    with valkey.client() as client:
        client.flushall()


@pytest_asyncio.fixture
async def start(database_url: str, valkey: ValkeyProcess) -> AsyncIterator[Start]:
    """Makes processes, which end with the test."""
    started: list[Process] = []

    def make(url: str = database_url, **more: object) -> Process:
        started.append(Process(url, valkey.url, **more))  # type: ignore[arg-type]
        return started[-1]

    yield make
    for process in started:
        await process.close()


def kept(process: Process) -> Answer:
    """What the process keeps of the page."""
    answer = process.answers.find(KEY)
    assert answer is not None
    return answer


async def test_what_one_has_made_another_takes(start: Start) -> None:
    one, other = start(), start()
    made, taken = await one.ask(), await other.ask()
    assert (one.reads, other.reads) == (1, 0)
    assert taken.body == made.body == b"first"
    own = ("x-request-id",)
    assert {k: v for k, v in taken.headers.items() if k not in own} == {
        k: v for k, v in made.headers.items() if k not in own
    }
    assert one.shared.figures.miss == one.shared.figures.stored == 1
    assert other.shared.figures.hit == 1
    # And from then on out of its own memory.
    assert await other.read() == "first"
    assert (other.store.gets, other.answers.figures.hit) == (1, 1)


async def test_a_process_that_was_started_again_takes_it_too(start: Start) -> None:
    before = start()
    await before.read()
    await before.close()
    after = start()
    assert await after.read() == "first"
    assert after.reads == 0


async def test_a_change_is_known_to_who_hears_nothing(
    start: Start, database: Database, valkey: ValkeyProcess
) -> None:
    one, other = start(), start()
    await one.read()
    # Nobody listens, and Valkey hears of nothing either: PostgreSQL alone knows.
    valkey.freeze()
    try:
        await change(database, "second")
    finally:
        valkey.thaw()
    assert await other.read() == "second"
    assert (other.shared.figures.stale, other.shared.figures.hit) == (1, 0)
    # What the other made replaces it.
    third = start()
    assert await third.read() == "second"
    assert third.reads == 0


async def test_changes_of_other_things_do_not_matter(start: Start, database: Database) -> None:
    one, other = start(), start()
    await one.read()
    await change(database, "first", "page:2", "events")
    assert await other.read() == "first"
    assert other.reads == 0


async def test_a_change_of_everything_matters(start: Start, database: Database) -> None:
    one, other = start(), start()
    await one.read()
    many = [f"other:{number:09}" for number in range(PAYLOADS_LIMIT * PAYLOAD_LIMIT_BYTES // 10)]
    await change(database, "second", *many)
    assert await other.read() == "second"


async def test_a_change_after_valkey_answered(start: Start, database: Database) -> None:
    one, other = start(), start()
    await one.read()
    other.store.after_get = lambda: change(database, "second")
    assert await other.read() == "second"
    assert other.shared.figures.stale == 1


async def test_a_change_after_postgresql_answered(start: Start, database: Database) -> None:
    one, other = start(), start()
    await other.listen()
    await one.read()

    async def meanwhile() -> None:
        await change(database, "second")
        await other.hears("page:1")

    other.shared.after_stand = meanwhile
    # It asked before the change; whoever asks afterwards sees it.
    assert await other.read() == "first"
    assert other.shared.figures.hit == 1
    assert await other.read() == "second"


@pytest.mark.parametrize("moment", ["before it reads", "after it has read"])
async def test_a_change_while_it_is_made(start: Start, database: Database, moment: str) -> None:
    one, other = start(), start()
    hook = "before_reading" if moment == "before it reads" else "after_reading"
    setattr(one, hook, lambda: change(database, "second"))
    assert await one.read() == ("second" if moment == "before it reads" else "first")
    assert one.shared.figures.stored == 1
    assert await other.read() == "second"


async def test_a_transaction_that_began_before_and_commits_after(
    start: Start, database: Database
) -> None:
    one, other = start(), start()
    async with database.begin() as slow:
        await slow.exec_driver_sql("UPDATE pages SET words = 'second'")
        await notify(slow, "page:1")
        # A later one ends earlier: this one is among those that are under way, and not the newest.
        async with database.begin() as quick:
            await notify(quick, "page:2")
        # By its time this change is older than the answer, and the answer does not have it.
        assert await one.read() == "first"
        assert one.shared.figures.stored == 1
    assert await other.read() == "second"
    assert other.shared.figures.stale == 1


async def test_a_transaction_that_never_commits_changes_nothing(
    start: Start, database: Database, connection: RawConnection
) -> None:
    one, other = start(), start()
    await one.read()
    with pytest.raises(ZeroDivisionError):
        async with database.begin() as failing:
            await notify(failing, "page:1")
            raise ZeroDivisionError
    assert await connection.fetchval("SELECT count(*) FROM changed_tags") == 0
    assert await other.read() == "first"
    assert other.reads == 0


async def test_an_answer_of_another_database_is_not_taken(
    start: Start, postgres: EmbeddedPostgres, template: str
) -> None:
    one = start()
    await one.read()
    async with cloned_database(postgres, template) as url:
        elsewhere = start(url)
        async with elsewhere.database.begin() as connection:
            await connection.exec_driver_sql("CREATE TABLE pages AS SELECT 'other' AS words")
        assert await elsewhere.read() == "other"
        assert elsewhere.shared.figures.stale == 1
        await elsewhere.close()


async def test_an_answer_of_another_program_is_not_found(start: Start) -> None:
    await start().read()
    for other in (start(program=b"two"), start(secret="x" * 32)):
        await other.read()
        assert (other.reads, other.shared.figures.miss) == (1, 1)


async def test_nobody_can_put_words_into_our_mouth(start: Start, valkey: ValkeyProcess) -> None:
    one = start()
    await one.read()
    await one.read("/pages/2")
    with valkey.client() as client, structlog.testing.capture_logs() as lines:
        keys = sorted(client.keys("fullhouse:answer:*"))
        values = [client.get(key) for key in keys]
        forged = values[0].replace(b"first", b"worst")
        assert forged != values[0]
        # Changed, cut off, none at all, and another page's own.
        for number, value in enumerate((forged, values[0][:-1], b"", values[1])):
            client.set(keys[0], value)
            client.set(keys[1], values[0])
            other = start()
            assert await other.read() == await other.read("/pages/2") == "first"
            assert (other.reads, other.shared.figures.hit) == (2, 0), number
    assert {line["event"] for line in lines} == {"shared_answer_forged", "request"}


async def test_its_age_is_the_databases_matter(start: Start, valkey: ValkeyProcess) -> None:
    one = start()
    one.seconds = 0.2
    await one.read()
    assert one.store.stored is not None
    key, value, seconds = one.store.stored
    assert seconds == 0.2
    await asyncio.sleep(0.3)
    with valkey.client() as client:
        assert client.get(key) is None
        client.set(key, value)
    other = start()
    await other.read()
    assert (other.reads, other.shared.figures.stale) == (1, 1)


async def test_only_what_is_left_of_its_time_is_taken(start: Start) -> None:
    one, other = start(), start()
    await one.read()
    await asyncio.sleep(0.3)
    await other.read()
    assert kept(one).good_until == 60
    assert 0 < kept(other).good_until <= 59.7


async def test_with_a_lagging_tag_it_is_shared_for_a_second(
    start: Start, valkey: ValkeyProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, other, late = start(), start(), start()
    one.lagging = ("sale:1",)
    assert LAG_SECONDS == 1
    # Long enough for the slowest machine.
    monkeypatch.setattr(shared_module, "LAG_SECONDS", 30.0)
    await one.read()
    assert one.store.stored is not None
    assert one.store.stored[2] == 30
    await other.read()
    assert other.reads == 0
    # A sale before it came is not known here, so that it ends as if there had been one.
    assert kept(one).good_until == 60
    assert 0 < kept(other).good_until < 30
    monkeypatch.setattr(shared_module, "LAG_SECONDS", 0.0)
    await late.read()
    assert (late.reads, late.shared.figures.stale) == (1, 1)


@pytest.mark.parametrize("why", ["unwritten tag", "no tag", "too large", "path"])
async def test_what_cannot_be_shared_is_not(
    start: Start, connection: RawConnection, why: str
) -> None:
    one = start()
    path = "/pages/1"
    if why == "unwritten tag":
        one.tags = ("page:1", "sale:1")
    elif why == "no tag":
        one.tags = ()
    elif why == "too large":
        await connection.execute("UPDATE pages SET words = repeat('x', 2000000)")
    else:
        path = "/others/1"
    await one.read(path)
    assert one.shared.figures.stored == 0
    assert one.store.gets == (0 if why == "path" else 1)
    await one.read(path)
    assert one.reads == 1


async def test_readers_who_come_together_ask_once(start: Start) -> None:
    one, other = start(), start()
    await one.read()
    assert await asyncio.gather(*(other.read() for _ in range(100))) == ["first"] * 100
    assert (other.store.gets, other.reads) == (1, 0)


async def test_when_who_asks_goes_away_another_takes_over(start: Start) -> None:
    one, other = start(), start()
    await one.read()
    asked = asyncio.Event()

    async def for_ever() -> None:
        asked.set()
        await asyncio.Event().wait()

    other.store.after_get = for_ever
    leader = asyncio.create_task(other.read())
    await asked.wait()
    followers = [asyncio.create_task(other.read()) for _ in range(5)]
    await asyncio.sleep(0)
    leader.cancel()
    async with asyncio.timeout(30):
        assert await asyncio.gather(*followers) == ["first"] * 5
    assert (other.store.gets, other.reads) == (2, 0)


async def test_a_database_that_does_not_say_in_time_is_asked_for_the_answer(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, other = start(), start()
    await one.read()
    monkeypatch.setattr("fullhouse.api.shared._STAMP_SECONDS", 0.0)
    assert await other.read() == "first"
    assert (other.reads, other.shared.figures.away, other.shared.figures.stored) == (1, 1, 0)


@pytest.mark.parametrize("how", ["killed", "frozen"])
async def test_without_valkey_everybody_makes_their_own(database_url: str, how: str) -> None:
    with running_valkey() as own:
        one = Process(database_url, own.url)
        await one.read()
        own.kill9() if how == "killed" else own.freeze()
        one.store._link._patience = 0.1
        with structlog.testing.capture_logs() as lines:
            for number in range(20):
                assert await one.read(query=str(number)) == "first"
        assert one.reads == 21
        assert [line["event"] for line in lines if line["event"] != "request"] == ["valkey_away"]
        own.start() if how == "killed" else own.thaw()
        one.store._link._patience = 10
        one.clock.now += 2
        await one.read(query="back")
        assert one.shared.figures.stored == 2
        await one.close()


async def test_old_changes_go(database: Database, connection: RawConnection) -> None:
    async with database.begin() as began:
        await notify(began, "page:1", "page:2", "page:1")
    await connection.execute(
        "UPDATE changed_tags SET at = at - $1::interval WHERE tag = 'page:1'",
        changes.KEPT_FOR + timedelta(seconds=1),
    )
    async with database.begin() as began:
        assert await changes.purge(began, 10) == 1
    assert await connection.fetchval("SELECT array_agg(tag) FROM changed_tags") == ["page:2"]
