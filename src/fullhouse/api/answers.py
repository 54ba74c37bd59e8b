"""Finished answers kept in the process, so that a repeated read costs little more than the socket.

An answer is kept with the tags of what it was made from. It is valid only while none of them has
been forgotten since *before* it began to be made. That order is what makes it free of races: a
change that commits while the answer is being made is announced later than the answer's beginning,
so the answer is never taken for newer than it is. Whether it truly missed the change need not be
known.

Some of what an answer shows changes with every sale. Such tags are *lagging*: an answer stays valid
until it is LAG_SECONDS old, though one of them has changed since it began; of one that is older a
change is the end at once. So a rush makes it again once in that time, and when it is over the next
reader sees what is left.
"""

import asyncio
import hashlib
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from fullhouse.api.compression import LEAST_BYTES, Compressor, Taken, headers_as, is_text
from fullhouse.api.compression import Headers as Headers
from fullhouse.api.etags import names_etag
from fullhouse.kit.changes import Stamp
from fullhouse.kit.listener import EVERYTHING

# Path and query of a GET.
Key = tuple[str, bytes]

LAG_SECONDS = 1.0
CAPACITY_BYTES = 64 * 1024 * 1024
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
    lagging: tuple[str, ...] = ()


@dataclass(slots=True)
class Figures:
    """How reads were answered whose answers are kept, since the process began.

    Attributes:
        hit: from memory.
        wait: with what somebody else's read brought at that moment.
        miss: nothing was kept.
        stale: what was kept was no longer valid.
    """

    hit: int = 0
    wait: int = 0
    miss: int = 0
    stale: int = 0


class Form:
    """One representation of an answer: everything that a hit sends is made beforehand."""

    __slots__ = ("body", "etag", "headers", "headers_of_304")

    def __init__(self, body: bytes, etag: bytes, headers: Headers) -> None:
        self.body = body
        self.etag = etag
        self.headers = headers
        self.headers_of_304: Headers = [pair for pair in headers if pair[0] not in _OF_THE_BODY]

    def matches(self, if_none_match: bytes) -> bool:
        """Whether the client has this very one."""
        return names_etag(if_none_match.decode("latin-1"), self.etag.decode())


class Answer:
    """One kept answer, as it is and in the compressed forms that somebody has asked for."""

    __slots__ = (
        "begun",
        "checked",
        "forms",
        "good_until",
        "is_text",
        "lag_until",
        "lagging",
        "making",
        "plain",
        "size",
        "tags",
    )

    def __init__(
        self, body: bytes, headers: Headers, wish: Wish, flight: "Flight", *, good_until: float
    ) -> None:
        digest = hashlib.blake2b(body, digest_size=16)
        for name, value in headers:
            if name == b"content-type":
                digest.update(b"\0" + value)
        etag = b'"' + digest.hexdigest().encode() + b'"'
        validators: Headers = [
            (b"etag", etag),
            (b"cache-control", f"public, max-age={wish.max_age}".encode()),
            # Signed-in users may be shown more; no cache on the way may mix that up.
            (b"vary", b"accept-encoding, authorization"),
        ]
        self.plain = Form(body, etag, [*headers, *validators])
        self.is_text = is_text(headers)
        self.forms: dict[bytes, Form] = {}
        self.making: dict[bytes, asyncio.Task[Form]] = {}
        self.tags = wish.tags
        self.lagging = wish.lagging
        self.begun = flight.begun
        self.checked = flight.begun
        self.lag_until = flight.since + LAG_SECONDS
        self.good_until = good_until
        self.size = len(body) + _ENTRY_OVERHEAD_BYTES

    def form_for(self, taken: Taken) -> Form | None:
        """What such a client is sent; None when it has to be made first."""
        coding = taken.coding
        if (
            coding is None
            or not self.is_text
            or (len(self.plain.body) < LEAST_BYTES and not taken.only)
        ):
            return self.plain
        return self.forms.get(coding)


class Flight:
    """One computation of an answer that others wait for.

    Its outcome is the answer; None when it is not one to keep, so that everybody must ask for
    themselves; ABANDONED when whoever computed it went away.

    Attributes:
        begun: the changes that were known before.
        since: when, by the clock of the answers.
        alone: nobody waits for it, because the route keeps nothing.
        stamp: a moment of the database's after ``begun`` and before anything was read, if known.
    """

    __slots__ = ("alone", "begun", "outcome", "since", "stamp")

    ABANDONED = object()

    def __init__(self, begun: int, since: float, *, alone: bool = False) -> None:
        self.begun = begun
        self.since = since
        self.alone = alone
        self.stamp: Stamp | None = None
        self.outcome: asyncio.Future[object] = asyncio.get_running_loop().create_future()


class Answers:
    """The kept answers of this process, at most ``capacity_bytes`` of them; least used go first."""

    def __init__(
        self,
        capacity_bytes: int = CAPACITY_BYTES,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.figures = Figures()
        self.compressor = Compressor()
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

    @property
    def kept_bytes(self) -> int:
        """The memory that the kept answers take, roughly."""
        return self._bytes

    def __len__(self) -> int:
        return len(self._answers)

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
        self.figures.hit += 1
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
                flight = self._flights[key] = Flight(self._changes, self._clock())
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
                    self.figures.wait += 1
                    return outcome
        # A flight that nobody waits for; what it brings is kept all the same.
        return Flight(self._changes, self._clock(), alone=True)

    def land(
        self,
        key: Key,
        flight: Flight,
        wish: Wish | None,
        body: bytes,
        headers: Headers,
        *,
        good_until: float | None = None,
    ) -> Answer | None:
        """End a flight with its finished answer; without a wish there is none to keep.

        ``good_until`` is for an answer that is not made just now: the end of its time.
        """
        answer = None
        if wish is not None:
            if key in self._answers:
                self.figures.stale += 1
            else:
                self.figures.miss += 1
            end = self._clock() + wish.seconds if good_until is None else good_until
            answer = Answer(body, headers, wish, flight, good_until=end)
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

    async def form_of(self, key: Key, answer: Answer, taken: Taken) -> Form:
        """What such a client is sent; compressed once, whoever asks at the same time."""
        form = answer.form_for(taken)
        if form is not None:
            return form
        assert taken.coding is not None  # else it is there as it is
        task = answer.making.get(taken.coding)
        if task is None:
            task = asyncio.create_task(self._compress(key, answer, taken.coding))
            answer.making[taken.coding] = task
        # Whoever goes away takes nothing from those who wait for the same.
        return await asyncio.shield(task)

    async def _compress(self, key: Key, answer: Answer, coding: bytes) -> Form:
        plain = answer.plain
        try:
            body = await self.compressor.well(plain.body, coding)
        finally:
            del answer.making[coding]
        headers = headers_as(plain.headers, coding, len(body))
        form = answer.forms[coding] = Form(body, dict(headers)[b"etag"], headers)
        answer.size += len(body)
        if self._answers.get(key) is answer:
            self._bytes += len(body)
            self._make_room()
        return form

    def _end(self, key: Key, flight: Flight, outcome: object) -> None:
        if self._flights.get(key) is flight:
            del self._flights[key]
        if not flight.outcome.done():
            flight.outcome.set_result(outcome)

    def _is_valid(self, answer: Answer) -> bool:
        if answer.begun < self._everything_changed:
            return False
        if answer.checked != self._changes:
            changed, begun = self._changed, answer.begun
            if any(changed.get(tag, 0) > begun for tag in answer.tags):
                answer.good_until = 0
            elif any(changed.get(tag, 0) > begun for tag in answer.lagging):
                # Its end is set now, whatever else they do.
                answer.good_until = min(answer.good_until, answer.lag_until)
                answer.lagging = ()
            answer.checked = self._changes
        return self._clock() < answer.good_until

    def _keep(self, key: Key, answer: Answer) -> None:
        self._plain.pop(key, None)
        self._drop(key)
        if answer.size > self._capacity:
            return
        self._answers[key] = answer
        self._bytes += answer.size
        self._make_room()

    def _make_room(self) -> None:
        while self._bytes > self._capacity:
            self._drop(next(iter(self._answers)))

    def _drop(self, key: Key) -> None:
        dropped = self._answers.pop(key, None)
        if dropped is not None:
            self._bytes -= dropped.size


def tags_of(tags: Iterable[str]) -> tuple[str, ...]:
    """The tags in a kept form, each once."""
    return tuple(dict.fromkeys(tags))
