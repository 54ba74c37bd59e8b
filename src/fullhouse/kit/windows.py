"""How often something may happen: sliding window counters, in the memory of one process.

Of each key two numbers are kept, how often it came in the present window and in the one before.
The former counts in full; the latter fades evenly while the present window passes. What that
estimates is exact when requests come evenly, and costs the same whatever the limit is.
``kit/valkey.py`` counts in the same way for several processes together.
"""

import time
from collections import OrderedDict
from collections.abc import Callable
from typing import NamedTuple

# What a key costs is some 300 bytes, so a full store has about 15 MB.
_CAPACITY = 50_000
# Outdated keys that go when a new one comes: more than come, and never a pause for all at once.
_MOST_DROPPED_AT_ONCE = 8


class Rate(NamedTuple):
    """At most ``amount`` in any ``seconds``."""

    amount: int
    seconds: int


class Count(NamedTuple):
    """What counting one more came to.

    Attributes:
        allowed: whether it was still within the rate; if not, it was not counted.
        remaining: how many more are left now.
        seconds: until there are more: the end of the window, or of the wait when not allowed.
    """

    allowed: bool
    remaining: int
    seconds: float


def fits(previous: int, current: int, elapsed_ms: int, rate: Rate) -> bool:
    """Whether one more is within the rate, ``elapsed_ms`` after the present window began."""
    return _faded(previous, elapsed_ms, rate.seconds * 1_000) + current < rate.amount


def judged(allowed: bool, previous: int, current: int, elapsed_ms: int, rate: Rate) -> Count:
    """The outcome for these counters, after counting if it was allowed."""
    length = rate.seconds * 1_000
    if allowed:
        left = rate.amount - _faded(previous, elapsed_ms, length) - current
        return Count(True, max(left, 0), (length - elapsed_ms) / 1_000)
    free = rate.amount - current
    if free > 0:
        # Still in this window: as soon as less than what is free is left of the previous one.
        wait_ms = length - free * length // previous - elapsed_ms + 1
    else:
        # In the next one, of which this is then the previous.
        wait_ms = 2 * length - rate.amount * length // current - elapsed_ms + 1
    return Count(False, 0, wait_ms / 1_000)


def _faded(previous: int, elapsed_ms: int, length_ms: int) -> int:
    return previous * (length_ms - elapsed_ms) // length_ms


class Windows:
    """The counters of one rate, at most ``capacity`` keys; those unused for longest go first."""

    def __init__(
        self,
        rate: Rate,
        capacity: int = _CAPACITY,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._rate = rate
        self._length = rate.seconds * 1_000
        self._capacity = capacity
        self._clock = clock
        # The window's number, the count of the one before, its own; least lately asked for first.
        self._keys: OrderedDict[str, list[int]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._keys)

    def take(self, key: str) -> Count:
        """Count one more of this key, if it fits."""
        window, elapsed = divmod(int(self._clock() * 1_000), self._length)
        counters = self._keys.get(key)
        if counters is None:
            self._make_room(window)
            counters = self._keys[key] = [window, 0, 0]
        else:
            self._keys.move_to_end(key)
            if counters[0] != window:
                counters[1] = counters[2] if counters[0] == window - 1 else 0
                counters[0], counters[2] = window, 0
        allowed = fits(counters[1], counters[2], elapsed, self._rate)
        if allowed:
            counters[2] += 1
        return judged(allowed, counters[1], counters[2], elapsed, self._rate)

    def _make_room(self, window: int) -> None:
        for _ in range(_MOST_DROPPED_AT_ONCE):
            oldest = next(iter(self._keys.values()), None)
            if oldest is None or oldest[0] >= window - 1:
                break
            self._keys.popitem(last=False)
        if len(self._keys) >= self._capacity:
            self._keys.popitem(last=False)


class Spacing:
    """The rate without its bursts: one at a time, ``seconds / amount`` apart, for each key."""

    def __init__(
        self,
        rate: Rate,
        capacity: int = _CAPACITY,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._apart = rate.seconds / rate.amount
        self._capacity = capacity
        self._clock = clock
        # When the next one may come; the earliest first, as each waits equally long.
        self._free_at: OrderedDict[str, float] = OrderedDict()

    def __len__(self) -> int:
        return len(self._free_at)

    def take(self, key: str) -> Count:
        """Count one of this key, if the last one was long enough ago."""
        now = self._clock()
        free_at = self._free_at.get(key, now)
        if free_at > now:
            return Count(False, 0, free_at - now)
        self._free_at.pop(key, None)
        for _ in range(_MOST_DROPPED_AT_ONCE):
            earliest = next(iter(self._free_at.values()), now + 1)
            if earliest > now:
                break
            self._free_at.popitem(last=False)
        if len(self._free_at) >= self._capacity:
            self._free_at.popitem(last=False)
        self._free_at[key] = now + self._apart
        return Count(True, 0, self._apart)
