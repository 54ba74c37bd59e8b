"""What the selling core does by itself: sweep up holds that have run out, drop old facts."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from datetime import timedelta

import structlog

from fullhouse.bookings import store
from fullhouse.bookings.core.commands import Expire
from fullhouse.bookings.sequencer import Sequencer
from fullhouse.kit import outbox
from fullhouse.kit.clock import utc_now
from fullhouse.kit.db import Database, is_passing
from fullhouse.kit.errors import Refused

SWEEP_SECONDS = 1.0
PURGE_SECONDS = 60.0
# Facts that nobody needs any more: every reader of the outbox is expected within a week.
KEPT_FACTS = timedelta(days=7)
PURGE_LIMIT = 10_000

log = structlog.get_logger(__name__)


class Housekeeper:
    """Runs the jobs as long as the process does. Several processes may, at the same time."""

    def __init__(self, database: Database, sequencer: Sequencer) -> None:
        self._database = database
        self._sequencer = sequencer
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        self._tasks = [
            asyncio.create_task(_every(SWEEP_SECONDS, self.sweep), name="sweep"),
            asyncio.create_task(_every(PURGE_SECONDS, self.purge), name="purge"),
        ]

    async def stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        for task in self._tasks:
            with contextlib.suppress(asyncio.CancelledError):
                await task

    async def sweep(self) -> None:
        """End the holds that have run out, through the same door as everybody else.

        Only tidies up: for whoever decides they are over already.
        """
        async with self._database.read_raw() as connection:
            overdue = await store.overdue_showtimes(connection)
        await asyncio.gather(
            *(self._sequencer.submit(Expire(showtime_id)) for showtime_id in overdue)
        )

    async def purge(self) -> None:
        """Delete facts from the outbox that are older than a week."""
        deleted = PURGE_LIMIT
        while deleted == PURGE_LIMIT:
            async with self._database.begin() as connection:
                deleted = await outbox.purge(connection, utc_now() - KEPT_FACTS, PURGE_LIMIT)


async def _every(seconds: float, job: Callable[[], Awaitable[None]]) -> None:
    while True:
        await asyncio.sleep(seconds)
        try:
            await job()
        except Exception as error:
            # Tried again soon; a database that is away is told of by whoever needs it.
            if not is_passing(error) and not isinstance(error, Refused):
                log.exception("job_failed", job=repr(job))
