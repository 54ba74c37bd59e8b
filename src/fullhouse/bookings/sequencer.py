"""Group commit: whatever waits is decided and written in one transaction.

Requests put commands into a bounded queue; one loop takes all that is waiting, runs it as one
transaction of few round trips, and answers every caller after the commit. There is no timer: an
idle server answers at once, a busy one batches by itself.

What goes wrong is settled here too. A lost connection or a lost race is repeated a few times; the
commands' ids make a repetition find what an unseen commit had written. A showtime whose lock cannot
be had is left alone for a moment while the others go on. A batch that fails for a reason of its own
is run again one command at a time, so that it is one caller's trouble only; a showtime at which
none of several commands succeeds then is left alone, too.
"""

import asyncio
import time
from collections import Counter, deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from uuid import UUID

import structlog

from fullhouse.bookings import store
from fullhouse.bookings.batch import Batch, Settled
from fullhouse.bookings.core.commands import CallOff, Command, Expire, Move, Reserve
from fullhouse.bookings.core.types import Result
from fullhouse.bookings.terms import Terms
from fullhouse.kit.db import Database, RawConnection, is_lost_race, is_passing, is_slow
from fullhouse.kit.errors import OVERLOADED, UNAVAILABLE, Code, Refused

log = structlog.get_logger(__name__)

BATCH_LIMIT = 256
# What makes a batch heavy besides its commands: the seats that they name.
WEIGHT_LIMIT = 2_000
RETRY_DELAYS_SECONDS = (0.0, 0.05, 0.2, 0.5, 1.2)
# Repeating ends after this, whatever the attempts themselves took.
RETRY_BUDGET_SECONDS = 5.0
# How long a showtime is left alone whose lock could not be had, or where everything fails. Its
# buyers are told to come again; everybody else goes on.
STUCK_SECONDS = 2.0
WATCH_SECONDS = 0.25


@dataclass(slots=True)
class _Waiting:
    command: Command
    answer: "asyncio.Future[Result]"
    since: float = field(default_factory=time.monotonic)


@dataclass(slots=True)
class _Together(_Waiting):
    """All or none of ``command`` and the ``others``; ``results`` are there once it is answered."""

    others: tuple[Command, ...] = ()
    results: list[Result] = field(default_factory=list)


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
        self._watch: asyncio.Task[None] | None = None
        self._stopping = False
        self._stuck_until: dict[UUID, float] = {}
        self._connection: RawConnection | None = None

    async def start(self) -> None:
        self._task = asyncio.create_task(self._run(), name="sequencer")
        self._watch = asyncio.create_task(self._refuse_late(), name="sequencer watch")

    async def stop(self) -> None:
        """Finish the batch at hand, refuse the rest, close the connection."""
        self._stopping = True
        self._wake.set()
        if self._task is not None and self._watch is not None:
            await self._task
            self._watch.cancel()
        self._refuse_waiting()
        self._disconnect()

    @property
    def is_running(self) -> bool:
        return self._task is not None and not self._task.done()

    async def check(self) -> None:
        """Raise unless batches are being taken; for the health of the process."""
        if not self.is_running:
            raise ConnectionError("the sequencer has stopped")

    async def submit(self, command: Command) -> Result:
        """The result of the command, after it was committed.

        Raises Refused: ``overloaded`` when too many wait or for too long, and
        ``temporarily_unavailable`` when the database is away. After either, repeating the command
        with its ids is safe.
        """
        answer: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
        self._put(_Waiting(command, answer))
        return await answer

    async def submit_together(self, commands: Sequence[Command]) -> list[Result]:
        """The results of commands in a transaction of their own, in which all do what they ask for.

        Where one does not, nothing is done for any of them, and the results tell why. Raises
        Refused as :meth:`submit` does.
        """
        answer: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
        waiting = _Together(commands[0], answer, others=tuple(commands[1:]))
        self._put(waiting)
        await answer
        return waiting.results

    def _put(self, waiting: _Waiting) -> None:
        if len(self._queue) >= self._capacity or self._stopping:
            raise Refused(OVERLOADED, retry_after_seconds=2)
        self._queue.append(waiting)
        self._wake.set()

    async def _run(self) -> None:
        while not self._stopping:
            if not self._queue:
                self._wake.clear()
                await self._wake.wait()
            batch = self._take()
            if batch:
                await self._settle(batch)

    async def _refuse_late(self) -> None:
        """Refuse who has waited too long, also while a batch takes its time."""
        while True:
            await asyncio.sleep(WATCH_SECONDS)
            oldest = time.monotonic() - self._deadline_seconds
            while self._queue and self._queue[0].since < oldest:
                _refuse(self._queue.popleft(), OVERLOADED)

    def _take(self) -> list[_Waiting]:
        """The next commands, without those whose caller is gone or that cannot be done now."""
        batch: list[_Waiting] = []
        weight = 0
        now = time.monotonic()
        while self._queue and len(batch) < BATCH_LIMIT and weight < WEIGHT_LIMIT:
            waiting = self._queue.popleft()
            if waiting.answer.done():
                continue
            if self._stuck_until and self._is_stuck(waiting.command.showtime_id, now):
                _refuse(waiting, UNAVAILABLE)
                continue
            if isinstance(waiting, _Together):
                if batch:
                    self._queue.appendleft(waiting)
                    break
                return [waiting]
            weight += _weight(waiting.command)
            batch.append(waiting)
        return batch

    def _is_stuck(self, showtime_id: UUID, now: float) -> bool:
        until = self._stuck_until.get(showtime_id)
        if until is not None and until <= now:
            del self._stuck_until[showtime_id]
            return False
        return until is not None

    async def _settle(self, batch: list[_Waiting], *, repeated: bool = False) -> Exception | None:
        """Run a batch and answer everybody in it, whatever happens; what went wrong, if so."""
        first = batch[0]
        together = isinstance(first, _Together)
        commands = [one.command for one in batch]
        if isinstance(first, _Together):
            commands += first.others
        try:
            settled = await self._execute(commands, repeated=repeated, together=together)
        except Exception as error:
            await self._settle_failure(batch, error)
            return error
        if isinstance(first, _Together):
            first.results = settled.results
        for waiting, result in zip(batch, settled.results, strict=not together):
            if not waiting.answer.done():
                waiting.answer.set_result(result)
        for showtime_id in settled.unserved:
            # Nobody waits for this one; it goes behind all who wait now.
            answer: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
            self._queue.append(_Waiting(Expire(showtime_id), answer))
        return None

    async def _settle_failure(self, batch: list[_Waiting], error: Exception) -> None:
        """What failed together is tried apart, until only those in trouble are refused."""
        log.warning("batch_failed", commands=len(batch), error=error)
        showtimes = {waiting.command.showtime_id for waiting in batch}
        if is_slow(error) and len(showtimes) > 1:
            for showtime_id in showtimes:
                own = [one for one in batch if one.command.showtime_id == showtime_id]
                await self._settle(own, repeated=True)
        elif is_slow(error):
            self._leave_alone(showtimes.pop())
            _refuse_all(batch)
        elif is_passing(error):
            # The database is away: nobody behind them would fare better, so let them know now.
            _refuse_all(batch)
            self._refuse_waiting()
        elif is_lost_race(error):
            _refuse_all(batch)
        elif len(batch) > 1:
            await self._settle_apart(batch)
        else:
            log.error("command_failed", command=repr(batch[0].command), exc_info=error)
            if not batch[0].answer.done():
                batch[0].answer.set_exception(error)

    async def _settle_apart(self, batch: list[_Waiting]) -> None:
        failed: Counter[UUID] = Counter()
        served: set[UUID] = set()
        for place, waiting in enumerate(batch):
            showtime_id = waiting.command.showtime_id
            if waiting.answer.done():
                continue
            if self._is_stuck(showtime_id, time.monotonic()):
                _refuse(waiting, UNAVAILABLE)
                continue
            error = await self._settle([waiting], repeated=True)
            if error is None:
                served.add(showtime_id)
                continue
            failed[showtime_id] += 1
            if is_passing(error) and not is_slow(error):
                # The database is away: nobody else here would fare better.
                _refuse_all(batch[place:])
                break
        for showtime_id, times in failed.items():
            # Not after one: that may be the command's fault, and nobody shall close a sale by it.
            if times > 1 and showtime_id not in served:
                self._leave_alone(showtime_id)

    def _leave_alone(self, showtime_id: UUID) -> None:
        self._stuck_until[showtime_id] = time.monotonic() + STUCK_SECONDS

    async def _execute(
        self, commands: list[Command], *, repeated: bool, together: bool = False
    ) -> Settled:
        last = len(RETRY_DELAYS_SECONDS) - 1
        started = time.monotonic()
        for attempt, delay_seconds in enumerate(RETRY_DELAYS_SECONDS):
            if delay_seconds:
                await asyncio.sleep(delay_seconds)
            try:
                connection = await self._connected()
                again = repeated or attempt > 0
                return await Batch(connection, self._terms).run(
                    commands, repeated=again, together=together
                )
            except Exception as error:
                # Also ends whatever transaction was under way.
                self._disconnect()
                late = self._stopping or time.monotonic() - started > RETRY_BUDGET_SECONDS
                helps = (is_passing(error) and not is_slow(error)) or is_lost_race(error)
                if attempt == last or late or not helps:
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
        _refuse(waiting, UNAVAILABLE)


def _weight(command: Command) -> int:
    """How many seats a command names, and has looked at; or bookings that it may end."""
    match command:
        case Reserve():
            return max(sum(map(len, command.blocks)), len(command.seats))
        case CallOff():
            return command.limit
        case Move():
            return len(command.vanished)
        case _:
            return len(getattr(command, "seats", ()))


def _refuse(waiting: _Waiting, code: Code) -> None:
    if not waiting.answer.done():
        # One for each: an exception that many raise collects all their tracebacks.
        waiting.answer.set_exception(Refused(code, retry_after_seconds=2))
