"""Work off the request's path."""

import asyncio
from collections.abc import Awaitable, Callable
from contextvars import ContextVar

import pytest
from structlog.testing import capture_logs

from fullhouse.kit.dispatch import Dispatcher, Pace
from fullhouse.kit.errors import OVERLOADED, Refused
from fullhouse.kit.messages import PermanentFailure, TemporaryFailure

SECRET = "ada@example.com 123456"


class Time:
    """Time that passes only in waits, and at once."""

    def __init__(self) -> None:
        self.now = 1_000.0
        self.waits: list[float] = []

    def clock(self) -> float:
        return self.now

    async def wait(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.now += seconds
        await asyncio.sleep(0)


def quick(time: Time, *, pace: Pace | None = None, capacity: int = 1_000) -> Dispatcher:
    """A dispatcher whose waits take no time and are as long as they can be."""
    return Dispatcher(
        capacity=capacity, pace=pace, clock=time.clock, wait=time.wait, chance=lambda: 0.0
    )


def failing(times: int, failure: Exception) -> tuple[Callable[[], Awaitable[None]], list[int]]:
    """A job that fails so often and then succeeds, and the list of its attempts."""
    attempts: list[int] = []

    async def job() -> None:
        attempts.append(len(attempts) + 1)
        if len(attempts) <= times:
            raise failure

    return job, attempts


async def until_idle(dispatcher: Dispatcher) -> None:
    """Return when nothing is left to do; AssertionError if that never happens."""
    async with asyncio.timeout(30):
        while dispatcher.pending:
            await asyncio.sleep(0.001)


async def test_more_than_the_capacity_is_refused() -> None:
    dispatcher = Dispatcher(capacity=2)
    job, attempts = failing(0, AssertionError())
    dispatcher.soon(job, "a")
    dispatcher.soon(job, "b")
    with pytest.raises(Refused) as refused:
        dispatcher.soon(job, "c")
    assert refused.value.code is OVERLOADED
    assert refused.value.retry_after_seconds
    assert dispatcher.pending == 2
    await dispatcher.start()
    await until_idle(dispatcher)
    assert len(attempts) == 2
    dispatcher.soon(job, "d")
    await dispatcher.stop(30)
    assert len(attempts) == 3


async def test_jobs_between_attempts_count_too() -> None:
    asked = asyncio.Event()

    async def wait(_seconds: float) -> None:
        asked.set()
        await asyncio.Event().wait()

    dispatcher = Dispatcher(capacity=1, wait=wait)
    job, _ = failing(1, TemporaryFailure("busy"))
    await dispatcher.start()
    dispatcher.soon(job, "a")
    async with asyncio.timeout(30):
        await asked.wait()
    with pytest.raises(Refused):
        dispatcher.soon(job, "b")
    await dispatcher.stop(30)


async def test_temporary_failure_is_repeated_with_growing_waits() -> None:
    time = Time()
    dispatcher = quick(time)
    job, attempts = failing(8, TemporaryFailure("busy"))
    await dispatcher.start()
    dispatcher.soon(job, "mail.x")
    with capture_logs() as lines:
        await until_idle(dispatcher)
    assert len(attempts) == 9
    assert time.waits == [2, 4, 8, 16, 32, 64, 120, 120]
    assert {line["event"] for line in lines} == {"dispatch_put_off"}
    assert lines[0]["reason"] == "busy"
    await dispatcher.stop(30)


async def test_temporary_failure_is_given_up_when_the_budget_is_spent() -> None:
    time = Time()
    dispatcher = quick(time)
    job, attempts = failing(1_000, TemporaryFailure("busy"))
    await dispatcher.start()
    with capture_logs() as lines:
        dispatcher.soon(job, "mail.x")
        await until_idle(dispatcher)
    assert sum(time.waits) <= 600
    assert sum(time.waits) > 600 - 120
    (last,) = (line for line in lines if line["log_level"] == "error")
    assert last == {
        "event": "dispatch_given_up",
        "job": "mail.x",
        "attempts": len(attempts),
        "reason": "busy",
        "log_level": "error",
    }
    await dispatcher.stop(30)


async def test_waits_are_shortened_by_chance_and_never_below_half() -> None:
    for chance, expected in ((0.0, 10.0), (0.5, 7.5), (1.0, 5.0)):
        time = Time()
        dispatcher = Dispatcher(
            pace=Pace(first_delay=10),
            clock=time.clock,
            wait=time.wait,
            chance=lambda chance=chance: chance,  # type: ignore[misc]
        )
        job, _ = failing(1, TemporaryFailure("busy"))
        await dispatcher.start()
        dispatcher.soon(job, "x")
        await until_idle(dispatcher)
        assert time.waits == [expected]
        await dispatcher.stop(30)


async def test_server_that_asks_for_patience_gets_it() -> None:
    time = Time()
    dispatcher = quick(time)
    patient, attempts = failing(1, TemporaryFailure("busy", retry_after_seconds=77))
    hopeless, tried = failing(1, TemporaryFailure("busy", retry_after_seconds=86_400))
    await dispatcher.start()
    dispatcher.soon(patient, "x")
    await until_idle(dispatcher)
    assert (time.waits, len(attempts)) == ([77], 2)
    with capture_logs() as lines:
        dispatcher.soon(hopeless, "x")
        await until_idle(dispatcher)
    assert (time.waits, len(tried)) == ([77], 1)
    assert [line["event"] for line in lines] == ["dispatch_given_up"]
    await dispatcher.stop(30)


async def test_attempt_that_takes_too_long_is_ended_and_repeated() -> None:
    time = Time()
    dispatcher = quick(time, pace=Pace(attempt=0.01))
    attempts: list[str] = []

    async def job() -> None:
        attempts.append("began")
        if len(attempts) == 1:
            try:
                await asyncio.Event().wait()
            finally:
                attempts.append("ended")

    await dispatcher.start()
    with capture_logs() as lines:
        dispatcher.soon(job, "x")
        await until_idle(dispatcher)
    assert attempts == ["began", "ended", "began"]
    assert [line["event"] for line in lines] == ["dispatch_put_off"]
    await dispatcher.stop(30)


@pytest.mark.parametrize(
    ("failure", "event", "level"),
    [
        (PermanentFailure("550"), "dispatch_given_up", "warning"),
        (ValueError(SECRET), "dispatch_failed", "error"),
        (TimeoutError(SECRET), "dispatch_failed", "error"),
        (asyncio.CancelledError(SECRET), "dispatch_failed", "error"),
    ],
)
async def test_any_other_failure_is_logged_once_and_the_others_go_on(
    failure: Exception, event: str, level: str
) -> None:
    dispatcher = Dispatcher(workers=1)
    await dispatcher.start()
    job, attempts = failing(1, failure)
    good, done = failing(0, AssertionError())
    with capture_logs() as lines:
        dispatcher.soon(job, "mail.x")
        dispatcher.soon(good, "mail.y")
        await until_idle(dispatcher)
    assert (attempts, done) == ([1], [1])
    (line,) = lines
    assert (line["event"], line["log_level"], line["job"]) == (event, level, "mail.x")
    assert SECRET not in repr(line)
    if event == "dispatch_failed":
        assert line["error"] == type(failure).__name__
        assert line["where"].startswith("test_dispatch.py:")
    await dispatcher.stop(30)


async def test_job_that_waits_holds_up_nobody() -> None:
    gone_on = asyncio.Event()

    async def wait(_seconds: float) -> None:
        await gone_on.wait()

    dispatcher = Dispatcher(workers=1, wait=wait)
    await dispatcher.start()
    late, attempts = failing(1, TemporaryFailure("greylisted"))
    dispatcher.soon(late, "late")

    async def other() -> None:
        gone_on.set()

    dispatcher.soon(other, "other")
    await until_idle(dispatcher)
    assert attempts == [1, 2]
    await dispatcher.stop(30)


async def test_only_so_many_run_at_once() -> None:
    dispatcher = Dispatcher(workers=3)
    running: list[int] = [0]
    most: list[int] = [0]

    async def job() -> None:
        running[0] += 1
        most[0] = max(most[0], running[0])
        for _ in range(5):
            await asyncio.sleep(0)
        running[0] -= 1

    for _ in range(20):
        dispatcher.soon(job, "x")
    await dispatcher.start()
    await dispatcher.stop(30)
    assert (running, most, dispatcher.pending) == ([0], [3], 0)


async def test_stop_finishes_what_is_there_and_accepts_nothing_more() -> None:
    dispatcher = Dispatcher(workers=1)
    done: list[int] = []

    async def job() -> None:
        await asyncio.sleep(0)
        done.append(1)

    for _ in range(10):
        dispatcher.soon(job, "x")
    await dispatcher.start()
    with capture_logs() as lines:
        await dispatcher.stop(30)
    assert (len(done), lines) == (10, [])
    with pytest.raises(Refused):
        dispatcher.soon(job, "x")
    with pytest.raises(RuntimeError):
        await dispatcher.start()
    await dispatcher.stop(30)


async def test_stop_gives_what_waits_one_last_attempt() -> None:
    asked = asyncio.Event()

    async def wait(_seconds: float) -> None:
        asked.set()
        await asyncio.Event().wait()

    dispatcher = Dispatcher(wait=wait)
    lucky, attempts = failing(1, TemporaryFailure("busy"))
    await dispatcher.start()
    dispatcher.soon(lucky, "lucky")
    async with asyncio.timeout(30):
        await asked.wait()
    unlucky, tried = failing(1_000, TemporaryFailure("away"))
    dispatcher.soon(unlucky, "unlucky")
    with capture_logs() as lines:
        await dispatcher.stop(30)
    assert (len(attempts), len(tried), dispatcher.pending) == (2, 1, 0)
    assert [(line["event"], line["job"]) for line in lines] == [("dispatch_given_up", "unlucky")]


async def test_stop_ends_when_the_grace_is_over_and_counts_what_it_drops() -> None:
    dispatcher = Dispatcher(workers=1)
    ended: list[str] = []
    began = asyncio.Event()

    async def stuck() -> None:
        began.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.append("stuck")

    await dispatcher.start()
    for name in ("mail.a", "mail.b", "mail.b"):
        dispatcher.soon(stuck, name)
    async with asyncio.timeout(30):
        await began.wait()
    with capture_logs() as lines:
        async with asyncio.timeout(30):
            await dispatcher.stop(0.01)
    assert ended == ["stuck"]
    assert dispatcher.pending == 0
    (line,) = lines
    assert (line["event"], line["dropped"]) == ("dispatch_stopped_early", 3)
    assert line["jobs"] == {"mail.a": 1, "mail.b": 2}


async def test_stop_without_a_start_drops_at_once() -> None:
    dispatcher = Dispatcher()
    job, attempts = failing(0, AssertionError())
    dispatcher.soon(job, "x")
    with capture_logs() as lines:
        async with asyncio.timeout(30):
            await dispatcher.stop(1_000_000)
    assert attempts == []
    assert [line["dropped"] for line in lines] == [1]


async def test_job_runs_in_the_context_of_who_asked_for_it() -> None:
    request: ContextVar[str] = ContextVar("request", default="nobody's")
    seen: list[str] = []
    time = Time()
    dispatcher = quick(time)
    await dispatcher.start()

    async def job() -> None:
        seen.append(request.get())
        if len(seen) < 3:
            raise TemporaryFailure("busy")

    token = request.set("first")
    dispatcher.soon(job, "x")
    request.reset(token)
    await until_idle(dispatcher)
    assert seen == ["first"] * 3
    await dispatcher.stop(30)
