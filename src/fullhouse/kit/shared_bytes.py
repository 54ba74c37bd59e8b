"""Values that several processes share in Valkey for a while.

What cannot be had in time is not waited for, and what cannot be stored is left out: whoever asks
knows how to do without.
"""

import asyncio
import contextvars
import time
from collections.abc import Callable

from fullhouse.kit.valkey import Link

# Whoever asks has only begun: making it again takes some milliseconds.
_PATIENCE_SECONDS = 0.1
_CONNECTIONS = 8
# Questions, and values on their way, at the same time; further ones are not asked, nor stored.
_MOST_QUESTIONS = 64
_MOST_ON_THE_WAY = 64


class Away(Exception):
    """Valkey did not answer in time, or is not asked at the moment."""


class SharedBytes:
    """The values of all processes that use the same Valkey.

    Args:
        url: as for ``kit.valkey.Link``. Raises ValueError when it is none.
        patience_seconds: how long an answer may take.
        clock: in seconds, for when to ask again; tests move it.
    """

    def __init__(
        self,
        url: str,
        *,
        patience_seconds: float = _PATIENCE_SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._link = Link(
            url,
            use="answers",
            connections=_CONNECTIONS,
            patience_seconds=patience_seconds,
            clock=clock,
        )
        self._questions = 0
        self._on_the_way: set[asyncio.Task[None]] = set()

    async def get(self, key: str) -> bytes | None:
        """The value, or None. Raises Away."""
        if self._questions >= _MOST_QUESTIONS or not self._link.may_ask():
            raise Away
        self._questions += 1
        try:
            found: bytes | None = await self._link.in_time(self._link.client.get(key))
        except Exception as error:
            # Any at all: the client has many for a connection that breaks, its own and others.
            self._link.note_silence(error)
            raise Away from error
        finally:
            self._questions -= 1
        self._link.note_answer()
        return found

    def put(self, key: str, value: bytes, seconds: float) -> bool:
        """Have it stored for so long; answers False when it is not even tried."""
        if len(self._on_the_way) >= _MOST_ON_THE_WAY or not self._link.may_ask():
            return False
        # In a context of its own: nobody's request waits for it.
        task = asyncio.create_task(
            self._put(key, value, max(1, int(seconds * 1_000))),
            context=contextvars.Context(),
            name="valkey-put",
        )
        self._on_the_way.add(task)
        task.add_done_callback(self._on_the_way.discard)
        return True

    async def settle(self) -> None:
        """Wait until nothing is on its way."""
        while self._on_the_way:
            await asyncio.wait(set(self._on_the_way))

    async def close(self) -> None:
        """Let go of what is on its way, and of the connections."""
        for task in self._on_the_way:
            task.cancel()
        await self.settle()
        await self._link.close()

    async def _put(self, key: str, value: bytes, milliseconds: int) -> None:
        try:
            await self._link.in_time(self._link.client.set(key, value, px=milliseconds))
        except Exception as error:
            self._link.note_silence(error)
        else:
            self._link.note_answer()
