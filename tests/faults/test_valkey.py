"""Valkey goes away in every way: no request fails or hangs, and the limits hold as promised."""

import asyncio
import inspect
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Iterator
from dataclasses import dataclass, field
from typing import Any, TypeVar
from uuid import UUID

import pytest
import pytest_asyncio
import structlog

from fullhouse.api.limits import AUTH, PUBLIC, USER, Limits, Tier, rate_of
from fullhouse.api.principal import Principal
from fullhouse.kit.valkey import SharedWindows
from fullhouse.kit.windows import Rate
from tests.support.processes import free_port
from tests.support.valkey import ValkeyProcess, running_valkey

HOME = "203.0.113.9"
ADA = Principal(UUID(int=1), "USER")
# Within a year's window nothing fades while a test runs.
RATES: dict[Tier, Rate] = {
    AUTH: rate_of("10 per 15 minutes"),
    PUBLIC: rate_of("30 per year"),
    USER: rate_of("30 per year"),
}
# A stopped server never answers, so that whoever waits for it waits for ever.
FOR_EVER_SECONDS = 30.0
# A server that runs is never taken for one that hangs, however busy the machine is; and where it
# hangs on purpose, this is what the test waits.
LONG_SECONDS = 10.0
SHORT_SECONDS = 1.0

T = TypeVar("T")


@dataclass
class Clock:
    """A clock that a test moves: what the breaker and the counters of one process go by."""

    now: float = 0.0

    def __call__(self) -> float:
        return self.now


@dataclass
class Process:
    """What one server process has."""

    url: str
    rates: dict[Tier, Rate] = field(default_factory=lambda: RATES)
    patience_seconds: float = LONG_SECONDS
    clock: Clock = field(default_factory=Clock)

    def __post_init__(self) -> None:
        self.shared = SharedWindows(
            self.url, patience_seconds=self.patience_seconds, clock=self.clock
        )
        self.limits = Limits(self.rates, self.shared, clock=self.clock)

    async def allows(self, tier: Tier, times: int = 1, address: str = HOME) -> int:
        """How many of so many requests at once may go on."""
        async with asyncio.timeout(FOR_EVER_SECONDS):
            verdicts = await asyncio.gather(
                *(self.limits.take((tier,), address, ADA) for _ in range(times))
            )
        return sum(verdict.refused is None for verdict in verdicts)


@pytest.fixture
def valkey() -> Iterator[ValkeyProcess]:
    """A server to be killed."""
    with running_valkey() as process:
        yield process


@pytest_asyncio.fixture
async def process(valkey: ValkeyProcess) -> AsyncIterator[Process]:
    """A process that uses it."""
    process = Process(valkey.url)
    yield process
    await process.shared.close()


@pytest_asyncio.fixture
async def hasty(valkey: ValkeyProcess) -> AsyncIterator[Process]:
    """One that does not wait for long."""
    process = Process(valkey.url, patience_seconds=SHORT_SECONDS)
    yield process
    await process.shared.close()


@pytest_asyncio.fixture
async def other(valkey: ValkeyProcess) -> AsyncIterator[Process]:
    """Another one."""
    process = Process(valkey.url)
    yield process
    await process.shared.close()


def without_waiting(call: Awaitable[T]) -> T:
    """What the call answers; an error if it would wait for anything."""
    assert inspect.iscoroutine(call)
    try:
        call.send(None)
    except StopIteration as ended:
        answer: T = ended.value
        return answer
    call.close()
    raise AssertionError("it waits")


def events(lines: Any) -> list[tuple[str, str]]:
    """What was logged of Valkey."""
    return [(line["log_level"], line["event"]) for line in lines if "valkey" in line["event"]]


async def test_nobody_listens() -> None:
    process = Process(f"valkey://:geheim@127.0.0.1:{free_port()}")
    with structlog.testing.capture_logs() as lines:
        # Address and user are limited as ever, by this process alone.
        assert await process.allows(PUBLIC, 100) == 30
        assert await process.allows(USER, 100) == 30
        # A way in stays closed to bursts.
        assert await process.allows(AUTH, 100) == 1
    assert events(lines) == [("warning", "valkey_away")]
    assert "geheim" not in str(lines)
    with pytest.raises(Exception, match="connecting to"):
        await process.shared.check()
    await process.shared.close()


async def test_a_closed_tier_opens_for_one_at_a_time() -> None:
    process = Process(f"unix:///nowhere/{free_port()}.sock")
    assert await process.allows(AUTH, 20) == 1
    verdict = await process.limits.take((AUTH,), HOME, None)
    assert verdict.refused is not None
    assert verdict.refused.retry_after_seconds == 90
    process.clock.now += 89.9
    assert await process.allows(AUTH, 20) == 0
    process.clock.now += 0.2
    assert await process.allows(AUTH, 20) == 1
    assert await process.allows(AUTH, 20, "198.51.100.1") == 1
    await process.shared.close()

    # The control: were it not closed, the whole burst would pass once more.
    unguarded = Tier("auth")
    process = Process(process.url, {unguarded: RATES[AUTH]})
    assert await process.allows(unguarded, 20) == 10
    await process.shared.close()


async def test_a_crash_and_a_new_start(
    valkey: ValkeyProcess, process: Process, other: Process
) -> None:
    assert await process.allows(USER, 12) + await other.allows(USER, 100) == 30
    assert await process.allows(AUTH, 20) == 10
    with structlog.testing.capture_logs() as lines:
        valkey.kill9()
        # Each for itself, beginning with nothing counted.
        assert await process.allows(USER, 100) == 30
        assert await other.allows(USER, 100) == 30
        assert await process.allows(AUTH, 100) == 1
        valkey.start()
        # Left alone for a second, then one finds out.
        assert await process.allows(USER, 100) == 0
        process.clock.now = other.clock.now = 1.0
        await process.allows(USER)
        await other.allows(USER)
        # What the server knew went with it; from here on they count together again.
        assert await process.allows(USER, 12) == 12
        assert await other.allows(USER, 100) == 30 - 12 - 2
        assert await process.allows(AUTH, 20) == 10
    assert Counter(events(lines)) == {
        ("warning", "valkey_away"): 2,
        ("info", "valkey_back"): 2,
    }


async def test_a_server_that_hangs(valkey: ValkeyProcess, hasty: Process) -> None:
    assert await hasty.allows(USER, 10) == 10
    with structlog.testing.capture_logs() as lines:
        valkey.freeze()
        # These wait for a moment together, and then for nothing at all.
        assert await hasty.allows(USER, 100) == 30
        for _ in range(100):
            refused = without_waiting(hasty.limits.take((USER,), HOME, ADA)).refused
            assert refused is not None
        # After a second one finds out, while the others still do not wait.
        hasty.clock.now = 1.0
        probe = asyncio.create_task(hasty.limits.take((USER,), HOME, ADA))
        await asyncio.sleep(0)
        for _ in range(100):
            without_waiting(hasty.limits.take((USER,), HOME, ADA))
        assert (await probe).refused is not None
        valkey.thaw()
        hasty.clock.now = 2.0
        # The commands that it had not read before it hung may count, the answers went nowhere.
        allowed = await hasty.allows(USER, 100)
    assert allowed <= 20
    assert events(lines) == [("warning", "valkey_away"), ("info", "valkey_back")]
    with valkey.client() as client:
        (key,) = client.keys("fullhouse:limit:user:*")
        assert client.get(key).split()[2] == b"30"


async def test_a_server_that_is_too_slow_for_all_of_them(
    valkey: ValkeyProcess, process: Process
) -> None:
    counters = [("a", RATES[USER])]
    valkey.freeze()
    waiting = [asyncio.create_task(process.shared.take(counters)) for _ in range(100)]
    # After so many turns of the loop some have been sent, and the others wait for theirs.
    for _ in range(1_000):
        await asyncio.sleep(0)
    process.clock.now = LONG_SECONDS + 1
    valkey.thaw()
    async with asyncio.timeout(FOR_EVER_SECONDS):
        answers = await asyncio.gather(*waiting)
    told = [answer[0].allowed for answer in answers if answer is not None]
    assert sum(told) == 30
    # Those who waited for too long count for themselves; that is not the server's absence.
    assert 0 < answers.count(None) < 100
    with structlog.testing.capture_logs() as lines:
        assert await process.shared.take(counters) is not None
    assert events(lines) == []


async def test_health_tells_a_server_that_hangs(valkey: ValkeyProcess, hasty: Process) -> None:
    await hasty.shared.check()
    valkey.freeze()
    async with asyncio.timeout(FOR_EVER_SECONDS):
        with pytest.raises(TimeoutError, match="did not answer in time"):
            await hasty.shared.check()
    valkey.thaw()
    await hasty.shared.check()


async def test_forgetting_everything_is_no_failure(valkey: ValkeyProcess, process: Process) -> None:
    with structlog.testing.capture_logs() as lines, valkey.client() as client:
        assert await process.allows(USER, 100) == 30
        client.flushall()
        assert await process.allows(USER, 100) == 30
        client.script_flush()
        assert await process.allows(USER, 100) == 0
        client.flushall()
        client.script_flush()
        assert await process.allows(USER, 100) == 30
    assert events(lines) == []


async def test_what_it_refuses_to_do_is_like_its_absence(
    valkey: ValkeyProcess, process: Process
) -> None:
    with structlog.testing.capture_logs() as lines, valkey.client() as client:
        assert await process.allows(USER) == 1
        (key,) = client.keys("*")
        client.delete(key)
        client.lpush(key, "of another type")
        assert await process.allows(USER, 100) == 30
        assert await process.allows(AUTH, 100) == 1
        client.delete(key)
        process.clock.now = 1.0
        assert await process.allows(USER) == 1
        assert client.get(key).split()[2] == b"1"
        # A wrong password, too.
        wrong = Process(valkey.url + "?password=geheim")
        assert await wrong.allows(AUTH, 100) == 1
        await wrong.shared.close()
    assert events(lines) == [
        ("warning", "valkey_away"), ("info", "valkey_back"), ("warning", "valkey_away"),
    ]  # fmt: skip
    assert "geheim" not in str(lines)


@pytest.mark.parametrize("how", ["killed", "frozen"])
async def test_it_goes_and_comes_back_in_the_middle_of_a_rush(
    valkey: ValkeyProcess, how: str
) -> None:
    # More than will be asked: here it matters that everybody is answered, and where it counts.
    rates = {USER: rate_of("1000000 per year"), AUTH: RATES[AUTH]}
    patience = LONG_SECONDS if how == "killed" else SHORT_SECONDS
    processes = [Process(valkey.url, rates, patience) for _ in range(2)]
    answered: Counter[str] = Counter()
    over = asyncio.Event()

    async def keep_asking(process: Process, number: int) -> None:
        while not over.is_set():
            tier = AUTH if number == 0 else USER
            verdict = await process.limits.take((tier,), HOME, ADA)
            answered["refused" if verdict.refused else "allowed"] += 1
            answered[tier.name] += 1
            # Between two requests a client's next one has to come in.
            await asyncio.sleep(0.001)

    async def answers(number: int) -> None:
        until = answered["user"] + number
        while answered["user"] < until:
            await asyncio.sleep(0.01)

    async def is_logged(event: str, times: int) -> None:
        while sum(line["event"] == event for line in lines) < times:
            for process in processes:
                process.clock.now += 0.05
            await asyncio.sleep(0.05)

    with structlog.testing.capture_logs() as lines:
        clients = [
            asyncio.create_task(keep_asking(process, number))
            for process in processes
            for number in range(20)
        ]
        async with asyncio.timeout(2 * FOR_EVER_SECONDS):
            for round_ in (1, 2):
                await answers(200)
                valkey.kill9() if how == "killed" else valkey.freeze()
                await is_logged("valkey_away", 2 * round_)
                await answers(200)
                valkey.start() if how == "killed" else valkey.thaw()
                await is_logged("valkey_back", 2 * round_)
                await answers(200)
        over.set()
        await asyncio.gather(*clients)
    # Nobody was refused but who hurried at the door, and that one never got a burst: ten of each
    # life of the server, and while it was away one in ninety seconds of each process.
    lives = 3 if how == "killed" else 1
    moments = sum(1 + process.clock.now / 90 for process in processes)
    assert answered["allowed"] - answered["user"] <= 10 * lives + moments
    assert answered["refused"] == answered["auth"] + answered["user"] - answered["allowed"]
    with valkey.client() as client:
        before = client.get(client.keys("fullhouse:limit:user:*")[0])
        for process in processes:
            assert await process.allows(USER) == 1
            process.clock.now += 1.0
        after = client.get(client.keys("fullhouse:limit:user:*")[0])
    assert int(after.split()[2]) == int(before.split()[2]) + 2
    for process in processes:
        await process.shared.close()
