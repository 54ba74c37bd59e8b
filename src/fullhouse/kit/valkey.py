"""What several processes share in Valkey, as long as it answers: sliding windows, and the link.

Valkey is a help and never a need. Whoever asks waits for a third of a second at most; then it is
left alone for a second, nobody waits, and one request after the other finds out whether it is back.
Of the counters everything that waits is sent together as one script, as the sequencer does with
sales: under load a request costs a small part of a round trip.
"""

import asyncio
import contextlib
import contextvars
import time
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, NamedTuple

import structlog
from valkey.asyncio import BlockingConnectionPool, Valkey

from fullhouse.kit.windows import Count, Rate, judged

# For an answer; and for the turn to ask at all, so that nobody waits for more than twice as long.
_PATIENCE_SECONDS = 0.15
# The wait for one answer is made in steps. After each the loop has looked at its sockets, so that
# our own process being late is not taken for Valkey's silence.
_STEPS = 5
_PAUSE_SECONDS = 1.0
_MOST_IN_ONE_SCRIPT = 64
# What can be sent in the time that one request may wait, with room to spare.
_MOST_WAITING = 4_000
_CONNECTIONS = 4
# The client's own limit comes later than ours: it is for what ours does not see.
_SOCKET_SECONDS_PER_PATIENCE = 4

# Requests one after the other: of each so many keys, with amount and milliseconds of each. A
# request is counted key after key until the first that refuses. The clock is the server's, so that
# all processes are in the same window. A value is "window previous current".
_SCRIPT = """
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local answers, key, argument = {}, 0, 0
while argument < #ARGV do
  local size, open, answer = tonumber(ARGV[argument + 1]), true, {}
  for i = 1, size do
    local name = KEYS[key + i]
    local amount, length = tonumber(ARGV[argument + 2 * i]), tonumber(ARGV[argument + 2 * i + 1])
    if open then
      local window = math.floor(now / length)
      local elapsed = now - window * length
      local previous, current = 0, 0
      local kept = redis.call('GET', name)
      if kept then
        local at, before, last = string.match(kept, '^(%d+) (%d+) (%d+)$')
        at = tonumber(at)
        if at == window then
          previous, current = tonumber(before), tonumber(last)
        elseif at == window - 1 then
          previous = tonumber(last)
        end
      end
      open = math.floor(previous * (length - elapsed) / length) + current < amount
      if open then
        current = current + 1
        local value = string.format('%.0f %.0f %.0f', window, previous, current)
        redis.call('SET', name, value, 'PX', string.format('%.0f', 2 * length - elapsed))
      end
      answer[#answer + 1] = {open and 1 or 0, previous, current, elapsed}
    end
  end
  answers[#answers + 1] = answer
  key = key + size
  argument = argument + 1 + 2 * size
end
return answers
"""

log = structlog.get_logger(__name__)


class _Wish(NamedTuple):
    """The counters that one request asks for, and where it waits for them."""

    since: float
    counters: Sequence[tuple[str, Rate]]
    outcome: "asyncio.Future[list[Count] | None]"


class Link:
    """The way to a Valkey that may go away and come back at any moment.

    Args:
        url: ``valkey://``, ``valkeys://``, ``redis://``, ``rediss://`` or ``unix://``; a single
            server. Raises ValueError when it is none of them.
        use: what for, as the log calls it.
        connections: at most so many.
        patience_seconds: how long Valkey may take for an answer.
        clock: in seconds, for when to ask again; tests move it.
    """

    def __init__(
        self,
        url: str,
        *,
        use: str,
        connections: int = _CONNECTIONS,
        patience_seconds: float = _PATIENCE_SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        socket_seconds = patience_seconds * _SOCKET_SECONDS_PER_PATIENCE
        pool = BlockingConnectionPool.from_url(
            url,
            max_connections=connections,
            timeout=socket_seconds,
            socket_timeout=socket_seconds,
            socket_connect_timeout=socket_seconds,
            lib_name=None,
            lib_version=None,
        )
        self.client: Any = Valkey.from_pool(pool)
        self._use = use
        self._clock = clock
        self._patience = patience_seconds
        self._is_away = False
        self._next_probe = 0.0

    def may_ask(self) -> bool:
        """Whether it is worth asking; while Valkey is away that is one question in a while."""
        if not self._is_away:
            return True
        now = self._clock()
        if now < self._next_probe:
            return False
        # This one shall find out; the others need not wait with it.
        self._next_probe = now + _PAUSE_SECONDS
        return True

    async def in_time(self, call: Awaitable[Any]) -> Any:
        """The call's answer. Raises TimeoutError after all steps without one."""
        task = asyncio.ensure_future(call)
        try:
            for _ in range(_STEPS):
                await asyncio.wait({task}, timeout=self._patience / _STEPS)
                if task.done():
                    return task.result()
            raise TimeoutError("Valkey did not answer in time")
        finally:
            if not task.done():
                # Nobody waits for its end, so nobody asks what became of it.
                task.add_done_callback(lambda ended: ended.cancelled() or ended.exception())
                task.cancel()

    def note_silence(self, error: Exception) -> None:
        """Leave Valkey alone for a while."""
        self._next_probe = self._clock() + _PAUSE_SECONDS
        if not self._is_away:
            self._is_away = True
            # Not its words: they may hold the address and what is in it.
            log.warning("valkey_away", use=self._use, error=type(error).__name__)

    def note_answer(self) -> None:
        """Valkey is there."""
        if self._is_away:
            self._is_away = False
            log.info("valkey_back", use=self._use)

    async def check(self) -> None:
        """Raise unless Valkey answers; for the health of the process."""
        await self.in_time(self.client.ping())

    async def close(self) -> None:
        await self.client.aclose()


class SharedWindows:
    """The counters of all processes that use the same Valkey.

    Args:
        url: ``valkey://``, ``valkeys://``, ``redis://``, ``rediss://`` or ``unix://``; a single
            server, as one script touches several keys. Raises ValueError when it is none of them.
        patience_seconds: how long Valkey may take for an answer, and a request wait before it is
            sent.
        clock: in seconds, for when to ask again; tests move it.
    """

    def __init__(
        self,
        url: str,
        *,
        patience_seconds: float = _PATIENCE_SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._link = Link(url, use="limits", patience_seconds=patience_seconds, clock=clock)
        self._script = self._link.client.register_script(_SCRIPT)
        self._clock = clock
        self._patience = patience_seconds
        self._waiting: deque[_Wish] = deque()
        self._sender: asyncio.Task[None] | None = None

    async def take(self, counters: Sequence[tuple[str, Rate]]) -> list[Count] | None:
        """Count one more of each key, up to the first that refuses; None when Valkey is away."""
        if not self._link.may_ask() or len(self._waiting) >= _MOST_WAITING:
            return None
        outcome: asyncio.Future[list[Count] | None] = asyncio.get_running_loop().create_future()
        self._waiting.append(_Wish(self._clock(), counters, outcome))
        if self._sender is None or self._sender.done():
            # In a context of its own: it serves other requests than the one that started it.
            self._sender = asyncio.create_task(
                self._send_all(), context=contextvars.Context(), name="valkey-sender"
            )
        return await outcome

    async def check(self) -> None:
        """Raise unless Valkey answers; for the health of the process."""
        await self._link.check()

    async def close(self) -> None:
        """Let go of everybody who waits, and of the connections."""
        if self._sender is not None:
            self._sender.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._sender
        await self._link.close()

    async def _send_all(self) -> None:
        """Send what waits, batch after batch, until nothing does."""
        batch: list[_Wish] = []
        try:
            while batch := self._next_batch():
                replies = await self._link.in_time(self._ask(batch))
                self._link.note_answer()
                for wish, reply in zip(batch, replies, strict=True):
                    _tell(wish, _counts(wish, reply))
        except Exception as error:
            # Any at all: the client has many for a connection that breaks, its own and others.
            self._link.note_silence(error)
        finally:
            for wish in (*batch, *self._waiting):
                _tell(wish, None)
            self._waiting.clear()

    def _next_batch(self) -> list[_Wish]:
        """Those who wait for longest, without those who have waited for too long."""
        batch: list[_Wish] = []
        too_early = self._clock() - self._patience
        while self._waiting and len(batch) < _MOST_IN_ONE_SCRIPT:
            wish = self._waiting.popleft()
            if wish.since < too_early:
                _tell(wish, None)
            elif not wish.outcome.done():
                batch.append(wish)
        return batch

    def _ask(self, batch: list[_Wish]) -> Awaitable[Any]:
        keys: list[str] = []
        arguments: list[int] = []
        for wish in batch:
            arguments.append(len(wish.counters))
            for key, rate in wish.counters:
                keys.append(key)
                arguments += (rate.amount, rate.seconds * 1_000)
        asked: Awaitable[Any] = self._script(keys=keys, args=arguments)
        return asked


def _counts(wish: _Wish, reply: Sequence[Sequence[int]]) -> list[Count]:
    return [
        judged(bool(allowed), previous, current, elapsed, rate)
        for (_, rate), (allowed, previous, current, elapsed) in zip(
            wish.counters, reply, strict=False
        )
    ]


def _tell(wish: _Wish, counts: list[Count] | None) -> None:
    # Done already when the client went away, or was told before.
    if not wish.outcome.done():
        wish.outcome.set_result(counts)
