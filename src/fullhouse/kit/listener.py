"""Hears what other processes changed: one LISTEN connection that survives the database's restarts.

A notification carries tags separated by blanks; each subscriber is called with every tag. Whatever
was said while the connection was away is lost, so after a reconnect subscribers get ``EVERYTHING``.
A connection can also die without a word, and its silence is like that of a day when nothing
changes: so the server is asked for a sign of life again and again.
"""

import asyncio
import contextlib
from collections.abc import Callable, Iterable

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from fullhouse.kit import changes
from fullhouse.kit.db import Database, RawConnection, is_passing

CHANNEL = "fullhouse"
EVERYTHING = "*"
# PostgreSQL refuses payloads of 8000 bytes and more.
PAYLOAD_LIMIT_BYTES = 7_900
# More than these hold is told as everything.
PAYLOADS_LIMIT = 16

_RECONNECT_SECONDS = 0.5
_HEARTBEAT_SECONDS = 15.0
_ANSWER_SECONDS = 5.0

log = structlog.get_logger(__name__)

Subscriber = Callable[[str], None]


def payloads_for(tags: Iterable[str]) -> list[str]:
    """The tags as few payloads; "everything" when they are too many."""
    payloads: list[str] = []
    left = 0
    for tag in tags:
        length = len(tag.encode()) + 1
        if length > left:
            payloads.append(tag)
            left = PAYLOAD_LIMIT_BYTES - length
        else:
            payloads[-1] += f" {tag}"
            left -= length
    return payloads if len(payloads) <= PAYLOADS_LIMIT else [EVERYTHING]


async def notify(connection: AsyncConnection, *tags: str) -> None:
    """Tell every process what changed, once the connection's transaction commits.

    It is also written down (``kit/changes.py``), for those who do not listen at that moment.
    """
    await changes.announce(connection, CHANNEL, payloads_for(tags))


async def notify_raw(connection: RawConnection, *tags: str) -> None:
    """The same on a connection as asyncpg knows it."""
    await changes.announce_raw(connection, CHANNEL, payloads_for(tags))


class Listener:
    """Calls its subscribers for each tag that any process notified.

    Args:
        database: where the notifications come from.
        heartbeat_seconds: how long the server may be silent before it is asked for a sign of life.
        answer_seconds: how long that may take before the connection is given up.
    """

    def __init__(
        self,
        database: Database,
        *,
        heartbeat_seconds: float = _HEARTBEAT_SECONDS,
        answer_seconds: float = _ANSWER_SECONDS,
    ) -> None:
        self._database = database
        self._heartbeat_seconds = heartbeat_seconds
        self._answer_seconds = answer_seconds
        self._subscribers: list[Subscriber] = []
        self._task: asyncio.Task[None] | None = None
        self.connected = asyncio.Event()

    def subscribe(self, subscriber: Subscriber) -> None:
        self._subscribers.append(subscriber)

    async def start(self) -> None:
        self._task = asyncio.create_task(self._run(), name="listener")

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    async def check(self) -> None:
        """Raise while nothing would be heard; for the health of the process."""
        if not self.connected.is_set():
            raise ConnectionError("the listener is not connected")

    async def _run(self) -> None:
        while True:
            try:
                await self._listen()
            except Exception as error:
                if not is_passing(error):
                    log.exception("listener_failed")
            self.connected.clear()
            await asyncio.sleep(_RECONNECT_SECONDS)

    async def _listen(self) -> None:
        connection = await self._database.connect_raw(application_name="fullhouse listener")
        gone = asyncio.Event()
        try:
            connection.add_termination_listener(lambda _connection: gone.set())
            await connection.add_listener(CHANNEL, self._heard)
            # From here on nothing is missed; whatever changed before is unknown.
            self._tell(EVERYTHING)
            self.connected.set()
            await self._watch(connection, gone)
        finally:
            with contextlib.suppress(Exception):
                await connection.close(timeout=1)

    async def _watch(self, connection: RawConnection, gone: asyncio.Event) -> None:
        while not gone.is_set():
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(gone.wait(), self._heartbeat_seconds)
                return
            try:
                await connection.execute("SELECT 1", timeout=self._answer_seconds)
            except BaseException:
                # Closing in good order would wait for the server that does not answer.
                connection.terminate()
                raise

    def _heard(self, _connection: object, _pid: int, _channel: str, payload: object) -> None:
        for tag in str(payload).split():
            self._tell(tag)

    def _tell(self, tag: str) -> None:
        for subscriber in self._subscribers:
            subscriber(tag)
