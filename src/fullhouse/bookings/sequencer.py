"""Group commit: whatever waits is decided and written in one transaction.

Requests put commands into a bounded queue; one loop takes all that is waiting, runs it as one
transaction of few round trips, and answers every caller after the commit. There is no timer: an
idle server answers at once, a busy one batches by itself.

What goes wrong is settled here too. A lost connection or a lost race is repeated a few times; the
commands' ids make a repetition find what an unseen commit had written. A batch that fails for a
reason of its own is run again one command at a time, so that it is one caller's trouble only.
"""

import asyncio
import time
from collections import deque
from dataclasses import dataclass, field

import structlog

from fullhouse.bookings import store
from fullhouse.bookings.batch import Batch
from fullhouse.bookings.core.commands import Command
from fullhouse.bookings.core.types import Result
from fullhouse.bookings.terms import Terms
from fullhouse.kit.db import Database, RawConnection, is_lost_race, is_passing
from fullhouse.kit.errors import OVERLOADED, UNAVAILABLE, Refused

log = structlog.get_logger(__name__)

BATCH_LIMIT = 256
# Together about two seconds: a database that restarts is back by then, or this is an outage.
RETRY_DELAYS_SECONDS = (0.0, 0.05, 0.2, 0.5, 1.2)


@dataclass(slots=True)
class _Waiting:
    command: Command
    answer: "asyncio.Future[Result]"
    since: float = field(default_factory=time.monotonic)


class Sequencer:
    """Runs commands in the order they come, in batches.

    Args:
        database: where the showtimes are; the sequencer opens one connection of its own.
        terms: the process's knowledge of terms of sale and seat maps.
        capacity: commands that may wait; one more is refused with ``overloaded``.
        deadline_seconds: how long a command may wait before it is refused with ``overloaded``.
    """

    def __init__(
        self,
        database: Database,
        terms: Terms,
        *,
        capacity: int = 32_000,
        deadline_seconds: float = 15.0,
    ) -> None:
        self._database = database
        self._terms = terms
        self._capacity = capacity
        self._deadline_seconds = deadline_seconds
        self._queue: deque[_Waiting] = deque()
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._stopping = False
        self._connection: RawConnection | None = None

    async def start(self) -> None:
        self._task = asyncio.create_task(self._run(), name="sequencer")

    async def stop(self) -> None:
        """Finish the batch at hand, refuse the rest, close the connection."""
        self._stopping = True
        self._wake.set()
        if self._task is not None:
            await self._task
        self._refuse_waiting()
        self._disconnect()

    @property
    def is_running(self) -> bool:
        return self._task is not None and not self._task.done()

    async def submit(self, command: Command) -> Result:
        """The result of the command, after it was committed.

        Raises Refused: ``overloaded`` when too many wait or for too long, and
        ``temporarily_unavailable`` when the database is away. After either, repeating the command
        with its ids is safe.
        """
        if len(self._queue) >= self._capacity or self._stopping:
            raise Refused(OVERLOADED, retry_after_seconds=2)
        answer: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
        self._queue.append(_Waiting(command, answer))
        self._wake.set()
        return await answer

    async def _run(self) -> None:
        while not self._stopping:
            if not self._queue:
                self._wake.clear()
                await self._wake.wait()
            batch = self._take()
            if batch:
                await self._settle(batch)

    def _take(self) -> list[_Waiting]:
        """The next commands, without those whose caller is gone or has waited too long."""
        batch: list[_Waiting] = []
        oldest = time.monotonic() - self._deadline_seconds
        while self._queue and len(batch) < BATCH_LIMIT:
            waiting = self._queue.popleft()
            if waiting.answer.done():
                continue
            if waiting.since < oldest:
                waiting.answer.set_exception(Refused(OVERLOADED, retry_after_seconds=2))
            else:
                batch.append(waiting)
        return batch

    async def _settle(self, batch: list[_Waiting]) -> None:
        """Run a batch and answer everybody in it, whatever happens."""
        try:
            results = await self._execute([waiting.command for waiting in batch])
        except Exception as error:
            if is_passing(error) or is_lost_race(error):
                log.warning("batch_gave_up", commands=len(batch), error=repr(error))
                _refuse_all(batch)
                if is_passing(error):
                    # Nobody behind them would fare better: let them know now.
                    self._refuse_waiting()
            elif len(batch) == 1:
                log.error("command_failed", command=repr(batch[0].command), exc_info=error)
                if not batch[0].answer.done():
                    batch[0].answer.set_exception(error)
            else:
                log.warning("batch_failed", commands=len(batch), error=repr(error))
                for waiting in batch:
                    await self._settle([waiting])
            return
        for waiting, result in zip(batch, results, strict=True):
            if not waiting.answer.done():
                waiting.answer.set_result(result)

    async def _execute(self, commands: list[Command]) -> list[Result]:
        last = len(RETRY_DELAYS_SECONDS) - 1
        for attempt, delay_seconds in enumerate(RETRY_DELAYS_SECONDS):
            if delay_seconds:
                await asyncio.sleep(delay_seconds)
            try:
                connection = await self._connected()
                return await Batch(connection, self._terms).run(commands, repeated=attempt > 0)
            except Exception as error:
                # Also ends whatever transaction was under way.
                self._disconnect()
                if attempt == last or not (is_passing(error) or is_lost_race(error)):
                    raise
        raise AssertionError("unreachable")

    async def _connected(self) -> RawConnection:
        if self._connection is None or self._connection.is_closed():
            self._connection = await self._database.connect_raw(
                answer_within_seconds=store.ANSWER_WITHIN_SECONDS, **store.SESSION_SETTINGS
            )
        return self._connection

    def _disconnect(self) -> None:
        """Drop the connection at once: a polite goodbye to one that is broken takes a second."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.terminate()

    def _refuse_waiting(self) -> None:
        waiting = list(self._queue)
        self._queue.clear()
        _refuse_all(waiting)


def _refuse_all(batch: list[_Waiting]) -> None:
    for waiting in batch:
        if not waiting.answer.done():
            # One for each: an exception that many raise collects all their tracebacks.
            waiting.answer.set_exception(Refused(UNAVAILABLE, retry_after_seconds=2))
