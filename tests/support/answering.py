"""What a server process has for keeping answers, several of them in one test."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from fullhouse.api.answers import Answers
from fullhouse.api.edge import Edge
from fullhouse.api.exchange import keep
from fullhouse.api.shared import SharedAnswers
from fullhouse.kit.db import Database
from fullhouse.kit.listener import EVERYTHING, Listener, notify
from fullhouse.kit.shared_bytes import SharedBytes
from tests.support.settings import SECRET
from tests.support.things import Clock, Reply, ScopedRequest, ask

Hook = Callable[[], Awaitable[object]]

# A server that runs is never taken for one that hangs, however busy the machine is.
PATIENCE_SECONDS = 10.0


class Hooked(SharedBytes):
    """The shared bytes, with something that happens after the next question was answered."""

    after_get: Hook | None = None
    gets = 0
    # Key, value and seconds of what was stored last.
    stored: tuple[str, bytes, float] | None = None

    async def get(self, key: str) -> bytes | None:
        self.gets += 1
        found = await super().get(key)
        hook, self.after_get = self.after_get, None
        if hook is not None:
            await hook()
        return found

    def put(self, key: str, value: bytes, seconds: float) -> bool:
        self.stored = key, value, seconds
        return super().put(key, value, seconds)


class HookedAnswers(SharedAnswers):
    """The shared answers, with something that happens after the database was asked."""

    after_stand: Hook | None = None

    async def _stand(self, record: Any) -> Any:
        standing = await super()._stand(record)
        hook, self.after_stand = self.after_stand, None
        if hook is not None:
            await hook()
        return standing


class Process:
    """A page from the table ``pages``, the memory for its answers, and an ear for changes.

    Attributes:
        reads: how often the page was read from the database.
        before_reading, after_reading: what happens then, once.
    """

    def __init__(
        self, database_url: str, valkey_url: str, *, secret: str = SECRET, program: bytes = b"one"
    ) -> None:
        self.clock = Clock()
        self.database = Database(database_url)
        self.listener = Listener(self.database)
        self.answers = Answers(clock=self.clock)
        self.store = Hooked(valkey_url, patience_seconds=PATIENCE_SECONDS, clock=self.clock)
        self.shared = HookedAnswers(
            self.store,
            self.database,
            secret=secret,
            program=program,
            paths=("/pages/",),
            unwritten=("sale:",),
            clock=self.clock,
        )
        self.edge = Edge(self._serve, self.answers, shared=self.shared)
        self.heard: list[str] = []
        self.reads = 0
        self.seconds = 60.0
        self.tags: tuple[str, ...] = ("page:1",)
        self.lagging: tuple[str, ...] = ()
        self.before_reading: Hook | None = None
        self.after_reading: Hook | None = None
        self.listener.subscribe(self.heard.append)
        self.listener.subscribe(self.answers.forget)

    async def listen(self) -> None:
        """Hear from now on what changes; without it the process is deaf."""
        await self.listener.start()
        await self.hears(EVERYTHING)

    async def hears(self, tag: str) -> None:
        """Return when the tag has been heard."""
        async with asyncio.timeout(30):
            while tag not in self.heard:
                await asyncio.sleep(0.005)

    async def read(self, path: str = "/pages/1", **more: Any) -> str:
        """The page as somebody sees it who is not signed in."""
        reply = await self.ask(path, **more)
        assert reply.status == 200
        return reply.body.decode()

    async def ask(self, path: str = "/pages/1", **more: Any) -> Reply:
        """The whole reply, when what is shared has arrived."""
        reply = await ask(self.edge, path, **more)
        await self.store.settle()
        return reply

    async def close(self) -> None:
        await self.listener.stop()
        await self.store.close()
        await self.database.close()

    async def _serve(self, scope: Any, _receive: Any, send: Any) -> None:
        hook, self.before_reading = self.before_reading, None
        if hook is not None:
            await hook()
        self.reads += 1
        async with self.database.read_raw() as connection:
            words = await connection.fetchval("SELECT words FROM pages")
        hook, self.after_reading = self.after_reading, None
        if hook is not None:
            await hook()
        keep(ScopedRequest(scope), self.seconds, self.tags, lagging=self.lagging)
        headers = [(b"content-type", b"text/plain")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": words.encode()})


async def change(database: Database, words: str, *tags: str) -> None:
    """Change the page, and tell everybody in the same transaction."""
    async with database.begin() as connection:
        await connection.exec_driver_sql("UPDATE pages SET words = $1", (words,))
        await notify(connection, *(tags or ("page:1",)))
