"""Work that a process does over and over as long as it runs, beside its requests."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

import structlog

from fullhouse.kit.db import is_passing
from fullhouse.kit.errors import Refused

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Chore:
    """Something to do again and again, with a pause of so many seconds before each time.

    Several processes do the same chores at the same time: what ``do`` does must allow that.
    ``wake`` ends a pause when there is something to do at once.
    """

    name: str
    pause_seconds: float
    do: Callable[[], Awaitable[None]]
    wake: asyncio.Event = field(default_factory=asyncio.Event)


class Housekeeper:
    """Does the chores from ``start`` to ``stop``, each by itself: a slow one holds up no other."""

    def __init__(self, chores: Sequence[Chore]) -> None:
        self._chores = chores
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        self._tasks = [
            asyncio.create_task(_repeat(chore), name=chore.name) for chore in self._chores
        ]

    async def stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        for task in self._tasks:
            with contextlib.suppress(asyncio.CancelledError):
                await task


async def _repeat(chore: Chore) -> None:
    while True:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(chore.pause_seconds):
                await chore.wake.wait()
        # Before the work: what comes during it is seen to after it.
        chore.wake.clear()
        try:
            await chore.do()
        except Exception as error:
            # Tried again soon; a database that is away is told of by whoever needs it.
            if not is_passing(error) and not isinstance(error, Refused):
                log.exception("chore_failed", chore=chore.name)
