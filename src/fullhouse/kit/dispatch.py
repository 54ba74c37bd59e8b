"""Work off the request's path: what may be late, and may be lost."""

import asyncio
import contextvars
import random
import time
import traceback
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import PurePath

import structlog

from fullhouse.kit.errors import OVERLOADED, Refused
from fullhouse.kit.messages import DeliveryFailure, TemporaryFailure

log = structlog.get_logger(__name__)

Job = Callable[[], Awaitable[None]]

_RETRY_AFTER_SECONDS = 5


@dataclass(frozen=True, slots=True)
class Pace:
    """How long and how often a job is tried; all in seconds.

    Args:
        first_delay: the wait before the second attempt. It doubles with each further one.
        longest_delay: where the doubling ends.
        budget: no attempt begins later than this after the job came.
        attempt: how long one attempt may take; one that takes longer counts as a temporary
            failure.
    """

    first_delay: float = 2.0
    longest_delay: float = 120.0
    budget: float = 600.0
    attempt: float = 60.0


@dataclass(slots=True)
class _Work:
    job: Job
    name: str
    since: float
    # That of the request that asked for it, so that the log lines carry the request's id.
    context: contextvars.Context
    attempts: int = 0


class Dispatcher:
    """Runs jobs a few at a time, and repeats those that fail for a while.

    It is meant for messages that a person can ask for again: sign-in codes, links, notices. The
    queue is memory. What is in it when the process dies is gone, and what cannot be delivered
    within the budget is dropped, so nothing durable may depend on it: a fact that must be told
    belongs in the outbox.

    A job that waits for its next attempt holds up nobody else. The log names jobs, never what
    they carry.

    Args:
        capacity: jobs that may be waiting, between attempts and under way together.
        workers: jobs that run at the same time.
        pace: how long and how often a job is tried.
        clock, wait, chance: seconds that only grow, a sleep, and a number from 0 to 1; for tests.
    """

    def __init__(
        self,
        *,
        capacity: int = 1_000,
        workers: int = 4,
        pace: Pace | None = None,
        clock: Callable[[], float] = time.monotonic,
        wait: Callable[[float], Awaitable[None]] = asyncio.sleep,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._capacity = capacity
        self._worker_count = workers
        self._pace = pace or Pace()
        self._clock = clock
        self._wait = wait
        self._chance = chance
        self._ready: asyncio.Queue[_Work] = asyncio.Queue()
        self._between: dict[asyncio.Task[None], _Work] = {}
        self._pending: Counter[str] = Counter()
        self._workers: list[asyncio.Task[None]] = []
        self._stopping = False

    @property
    def pending(self) -> int:
        """Jobs that have been accepted and are neither done nor dropped."""
        return self._pending.total()

    def soon(self, job: Job, name: str) -> None:
        """Accept a job; it runs when a worker is free.

        ``name`` says in the log what sort of job it is, such as ``mail.verify_email``; it must
        hold nothing about a person. Raises Refused(OVERLOADED) when too many wait, and once it is
        """
        if self._stopping or self.pending >= self._capacity:
            raise Refused(OVERLOADED, retry_after_seconds=_RETRY_AFTER_SECONDS)
        self._pending[name] += 1
        self._ready.put_nowait(_Work(job, name, self._clock(), contextvars.copy_context()))

    async def start(self) -> None:
        """Begin to work; what was accepted before is done now. Only once in its life."""
        if self._workers or self._stopping:
            raise RuntimeError("a dispatcher starts once")
        self._workers = [
            asyncio.create_task(self._work(), name=f"dispatcher {number}")
            for number in range(self._worker_count)
        ]

    async def stop(self, grace_seconds: float) -> None:
        """Accept nothing more, finish what is there within the grace, and drop the rest.

        What waits for its next attempt gets it at once, and it is the last.
        """
        self._stopping = True
        for task, work in self._between.items():
            task.cancel()
            self._ready.put_nowait(work)
        self._between.clear()
        try:
            if self._workers:
                async with asyncio.timeout(grace_seconds):
                    await self._ready.join()
        except TimeoutError:
            pass  # what is left is told below
        finally:
            for worker in self._workers:
                worker.cancel()
            await asyncio.gather(*self._workers, return_exceptions=True)
            left = +self._pending
            self._pending.clear()
            if left:
                log.warning("dispatch_stopped_early", dropped=left.total(), jobs=dict(left))

    async def _work(self) -> None:
        while True:
            work = await self._ready.get()
            try:
                await asyncio.create_task(self._attempt(work), context=work.context)
            finally:
                self._ready.task_done()

    async def _attempt(self, work: _Work) -> None:
        work.attempts += 1
        limit = asyncio.timeout(self._pace.attempt)
        try:
            async with limit:
                await work.job()
        except TemporaryFailure as failure:
            self._put_off(work, failure)
        except DeliveryFailure as failure:
            log.warning(
                "dispatch_given_up", job=work.name, attempts=work.attempts, reason=failure.reason
            )
            self._settle(work)
        except TimeoutError as error:
            if limit.expired():
                self._put_off(work, TemporaryFailure("it took too long"))
            else:
                self._fail(work, error)
        except asyncio.CancelledError as error:
            task = asyncio.current_task()
            if task is not None and task.cancelling():
                raise
            self._fail(work, error)  # the job's own doing; this worker has others to serve
        except Exception as error:
            self._fail(work, error)
        else:
            self._settle(work)

    def _put_off(self, work: _Work, failure: TemporaryFailure) -> None:
        """Plan the next attempt, unless it would come too late."""
        delay = max(self._delay(work.attempts), failure.retry_after_seconds or 0.0)
        if self._stopping or self._clock() + delay - work.since > self._pace.budget:
            log.error(
                "dispatch_given_up", job=work.name, attempts=work.attempts, reason=failure.reason
            )
            self._settle(work)
            return
        log.info(
            "dispatch_put_off",
            job=work.name,
            attempts=work.attempts,
            reason=failure.reason,
            seconds=round(delay, 1),
        )
        task = asyncio.create_task(self._again(work, delay))
        self._between[task] = work

    async def _again(self, work: _Work, delay: float) -> None:
        await self._wait(delay)
        task = asyncio.current_task()
        assert task is not None
        del self._between[task]
        self._ready.put_nowait(work)

    def _delay(self, attempts: int) -> float:
        """Doubling, and up to half of it less, so that what failed together does not come back
        together."""
        doubled = min(self._pace.first_delay * 2.0 ** (attempts - 1), self._pace.longest_delay)
        return doubled * (1.0 - self._chance() / 2)

    def _fail(self, work: _Work, error: BaseException) -> None:
        # Not the error's own words: they may quote an address or the message.
        log.error(
            "dispatch_failed",
            job=work.name,
            attempts=work.attempts,
            error=type(error).__name__,
            where=_where(error),
        )
        self._settle(work)

    def _settle(self, work: _Work) -> None:
        self._pending[work.name] -= 1


def _where(error: BaseException) -> str | None:
    """File and line where the error was raised."""
    frames = traceback.extract_tb(error.__traceback__)
    return f"{PurePath(frames[-1].filename).name}:{frames[-1].lineno}" if frames else None
