"""Finished answers kept in the process, so that a repeated read costs little more than the socket.

An answer is kept with the tags of what it was made from. It is valid only while none of them has
been forgotten since *before* it began to be made. That order is what makes it free of races: a
change that commits while the answer is being made is announced later than the answer's beginning,
so the answer is never taken for newer than it is. Whether it truly missed the change need not be
known.
"""

import asyncio
import hashlib
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from fullhouse.kit.listener import EVERYTHING

Headers = list[tuple[bytes, bytes]]
# Path and query of a GET.
Key = tuple[str, bytes]

_CAPACITY_BYTES = 64 * 1024 * 1024
# What an entry costs besides its bytes: keys, lists, the object. Measured roughly.
_ENTRY_OVERHEAD_BYTES = 2_000
_LONGEST_QUERY_BYTES = 2_000
# What a 304 leaves out, having no body. Other headers begin with "content-" too.
_OF_THE_BODY = frozenset(
    (b"content-type", b"content-length", b"content-encoding", b"content-language")
)
# Past this many changed tags their list is emptied, which forgets every answer once.
_MOST_CHANGED_TAGS = 100_000
_MOST_PLAIN_KEYS = 10_000


@dataclass(frozen=True, slots=True)
class Wish:
    """That an answer be kept: how long, for whom it must be dropped, what browsers may do."""

    seconds: float
    tags: tuple[str, ...]
    max_age: int


class Answer:
    """One kept answer: everything that a hit sends is made beforehand."""

    __slots__ = (
        "begun",
        "body",
        "checked",
        "etag",
        "good_until",
        "headers",
        "headers_of_304",
        "size",
        "tags",
    )

    def __init__(
        self, body: bytes, headers: Headers, wish: Wish, *, begun: int, good_until: float
    ) -> None:
        digest = hashlib.blake2b(body, digest_size=16)
        for name, value in headers:
            if name == b"content-type":
                digest.update(b"\0" + value)
        self.etag = b'"' + digest.hexdigest().encode() + b'"'
        self.body = body
        validators: Headers = [
            (b"etag", self.etag),
            (b"cache-control", f"public, max-age={wish.max_age}".encode()),
            # Signed-in users may be shown more; no cache on the way may mix that up.
            (b"vary", b"authorization"),
        ]
        self.headers: Headers = [*headers, *validators]
        self.headers_of_304: Headers = [
            *(pair for pair in headers if pair[0] not in _OF_THE_BODY),
            *validators,
        ]
        self.tags = wish.tags
        self.begun = begun
        self.checked = begun
        self.good_until = good_until
        self.size = len(body) + _ENTRY_OVERHEAD_BYTES

    def matches(self, if_none_match: bytes) -> bool:
        """Whether the client has this very answer (RFC 9110 §13.1.2: weak comparison)."""
        if if_none_match == self.etag or if_none_match == b"*":
            return True
        return any(
            offered.strip().removeprefix(b"W/") == self.etag
            for offered in if_none_match.split(b",")
        )


class Flight:
    """One computation of an answer that others wait for.

    Its outcome is the answer; None when it is not one to keep, so that everybody must ask for
    themselves; ABANDONED when whoever computed it went away.
    """

    __slots__ = ("begun", "outcome")

    ABANDONED = object()

    def __init__(self, begun: int) -> None:
        self.begun = begun
        self.outcome: asyncio.Future[object] = asyncio.get_running_loop().create_future()


class Answers:
    """The kept answers of this process, at most ``capacity_bytes`` of them; least used go first."""

    def __init__(
        self,
        capacity_bytes: int = _CAPACITY_BYTES,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._capacity = capacity_bytes
        self._clock = clock
        self._answers: OrderedDict[Key, Answer] = OrderedDict()
        self._bytes = 0
        self._flights: dict[Key, Flight] = {}
        # A counter of changes stands for every tag's own: it rises with each change, and each
        # tag has its value at the tag's last change.
        self._changes = 0
        self._changed: dict[str, int] = {}
        self._everything_changed = 0
        # Reads whose routes keep nothing: they do not wait for one another.
        self._plain: OrderedDict[Key, None] = OrderedDict()

    def forget(self, tag: str) -> None:
        """Make every answer that carries the tag invalid, those being made included."""
        self._changes += 1
        if tag == EVERYTHING or len(self._changed) >= _MOST_CHANGED_TAGS:
            self._changed.clear()
            self._everything_changed = self._changes
        else:
            self._changed[tag] = self._changes

    def find(self, key: Key) -> Answer | None:
        """The valid answer to this read, if there is one."""
        answer = self._answers.get(key)
        if answer is None or not self._is_valid(answer):
            return None
        self._answers.move_to_end(key)
        return answer

    async def find_or_lead(self, key: Key) -> Answer | Flight | None:
        """The answer to a read that is not kept at the moment.

        Answers a Flight to whoever shall compute it (and must :meth:`land` it), the answer to
        those who waited for that, and None where nothing shall be kept at all.
        """
        if len(key[1]) > _LONGEST_QUERY_BYTES:
            return None
        waited = False
        while key not in self._plain:
            flight = self._flights.get(key)
            if flight is None:
                flight = self._flights[key] = Flight(self._changes)
                return flight
            # Begun after this request came: as fresh as what it would compute itself, even
            # if something has changed in the meantime. So nobody waits for more than two.
            begun_after_us = waited
            outcome = await asyncio.shield(flight.outcome)
            if outcome is None:
                break
            if isinstance(outcome, Answer):
                waited = True
                if begun_after_us or self._is_valid(outcome):
                    return outcome
        # A flight that nobody waits for; what it brings is kept all the same.
        return Flight(self._changes)

    def land(
        self, key: Key, flight: Flight, wish: Wish | None, body: bytes, headers: Headers
    ) -> Answer | None:
        """End a flight with its finished answer; without a wish there is none to keep."""
        answer = None
        if wish is not None:
            answer = Answer(
                body, headers, wish, begun=flight.begun, good_until=self._clock() + wish.seconds
            )
            self._keep(key, answer)
        self._end(key, flight, answer)
        return answer

    def let_go(self, key: Key, flight: Flight, *, plain: bool) -> None:
        """End a flight without an answer: the others ask for themselves.

        ``plain`` when the route keeps nothing at all, so that later ones need not wait either.
        """
        if plain:
            self._plain[key] = None
            if len(self._plain) > _MOST_PLAIN_KEYS:
                self._plain.popitem(last=False)
        self._end(key, flight, None)

    def abandon(self, key: Key, flight: Flight) -> None:
        """End a flight whose client went away: one of those who wait takes over."""
        self._end(key, flight, Flight.ABANDONED)

    def _end(self, key: Key, flight: Flight, outcome: object) -> None:
        if self._flights.get(key) is flight:
            del self._flights[key]
        if not flight.outcome.done():
            flight.outcome.set_result(outcome)

    def _is_valid(self, answer: Answer) -> bool:
        if answer.good_until <= self._clock() or answer.begun < self._everything_changed:
            return False
        if answer.checked != self._changes:
            if any(self._changed.get(tag, 0) > answer.begun for tag in answer.tags):
                answer.good_until = 0
                return False
            answer.checked = self._changes
        return True

    def _keep(self, key: Key, answer: Answer) -> None:
        self._plain.pop(key, None)
        self._drop(key)
        if answer.size > self._capacity:
            return
        self._answers[key] = answer
        self._bytes += answer.size
        while self._bytes > self._capacity:
            self._drop(next(iter(self._answers)))

    def _drop(self, key: Key) -> None:
        dropped = self._answers.pop(key, None)
        if dropped is not None:
            self._bytes -= dropped.size


def tags_of(tags: Iterable[str]) -> tuple[str, ...]:
    """The tags in a kept form, each once."""
    return tuple(dict.fromkeys(tags))
