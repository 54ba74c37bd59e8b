"""Finished answers shared by processes: the second level behind the answers of each (``answers``).

Whoever has to make an answer asks Valkey first whether another process, or this one before it was
started again, has made it. No answer from there is older than one that would be made now, whoever
was connected to what, and when:

1. Before an answer is made, PostgreSQL gives a *stamp*: its snapshot, which names the transactions
   that are seen by whoever reads later. All that the answer is made from is read after that, from
   the same server. The answer is shared together with its stamp.
2. Every transaction that changes something writes down the tags (``kit/changes.py``), so PostgreSQL
   itself knows what has changed: it is not told by a notification, which somebody may have missed,
   nor by Valkey, which may have been away at the commit. And it is known exactly: a transaction
   that began before an answer and committed after it is not in the stamp, however late.
3. An answer found in Valkey is taken only after PostgreSQL, asked after our flight began, says that
   no transaction outside of its stamp has changed one of its tags. What had committed by then is
   either in the answer or makes it stale. What commits later is announced later than our flight
   began, and ends the answer in this process as it ends those made here.

So a taken answer holds as long as one made here would; what a process with a dead listener serves
for too long is only what it keeps itself. Its age is told by the database's clock, and what is left
of its time is all that it gets. Two kinds of changes are not written down, as they come with every
sale: lagging tags, so that an answer with such a tag is shared only until it is ``LAG_SECONDS``
old; and, named by ``unwritten``, tags that are announced only: an answer that must be dropped with
one of those is not shared.

What is stored carries a digest made with the installation's secret: whoever can write into Valkey
cannot put words into our mouth. The key names the program, so that after an update nothing of the
former one is found. It costs one question to each of the two; a process that has what is asked for
asks neither. When one of them does not answer at once, the answer is made without.

The library ``cashews``, which has tags, locks and two levels, is not used here: its tags live in
the same Valkey, so a change made while that was away would go unseen.
"""

import asyncio
import hashlib
import hmac
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Protocol

import msgspec
import structlog

from fullhouse.api.answers import LAG_SECONDS, Answer, Answers, Flight, Key, Wish
from fullhouse.api.compression import Headers
from fullhouse.kit import changes
from fullhouse.kit.changes import Stamp
from fullhouse.kit.db import Database, is_passing
from fullhouse.kit.listener import EVERYTHING
from fullhouse.kit.shared_bytes import Away

# Longer than any list or detail is kept, and much shorter than changes are remembered.
_LONGEST_SECONDS = 300.0
_MOST_BYTES = 1024 * 1024
# A database that is too busy to say so soon is asked for the answer itself.
_STAMP_SECONDS = 0.5
_DIGEST_BYTES = 32
_PREFIX = "fullhouse:answer:"

log = structlog.get_logger(__name__)


class Store(Protocol):
    """Where the bytes are: ``kit.shared_bytes.SharedBytes``."""

    async def get(self, key: str) -> bytes | None:
        """The value, or None. Raises Away."""

    def put(self, key: str, value: bytes, seconds: float) -> bool:
        """Have it stored for so long; answers False when it is not even tried."""


@dataclass(slots=True)
class SharedFigures:
    """What became of the questions, since the process began.

    Attributes:
        hit: found, and still valid.
        miss: not found.
        stale: found, and no longer valid.
        away: not asked, or not answered in time.
        stored: answers given to the others.
    """

    hit: int = 0
    miss: int = 0
    stale: int = 0
    away: int = 0
    stored: int = 0


class _Record(msgspec.Struct, array_like=True):
    """An answer on its way, with the stamp of before it was made."""

    snapshot: str
    origin: str
    at: float
    seconds: float
    max_age: int
    tags: tuple[str, ...]
    lagging: tuple[str, ...]
    headers: list[tuple[bytes, bytes]]
    body: bytes


class SharedAnswers:
    """The answers of all processes that share Valkey and database.

    Args:
        store: where they are.
        database: the authority on what has changed.
        secret: the installation's.
        program: what this program is; answers of another are not found.
        paths: beginnings of the paths that are worth asking for.
        unwritten: beginnings of tags that are announced and not written down.
        clock: that of ``Answers``; tests move it.
    """

    def __init__(
        self,
        store: Store,
        database: Database,
        *,
        secret: str,
        program: bytes,
        paths: Iterable[str],
        unwritten: Iterable[str] = (),
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.figures = SharedFigures()
        self._store = store
        self._database = database
        # No secret is used for two things.
        self._secret = hashlib.blake2b(secret.encode(), person=b"shared answers").digest()
        self._program = program
        self._paths = tuple(paths)
        self._unwritten = tuple(unwritten)
        self._clock = clock

    def covers(self, path: str) -> bool:
        """Whether an answer to a read of this path may be shared."""
        return path.startswith(self._paths)

    async def find(self, answers: Answers, key: Key, flight: Flight) -> Answer | None:
        """Land the flight with what another process has made; None when there is nothing valid.

        Then the flight has its stamp, if the database gave one, for :meth:`share` later.
        """
        name = self._name(key)
        try:
            sealed = await self._store.get(name)
        except Away:
            self.figures.away += 1
            return None
        record = None if sealed is None else self._open(name, sealed)
        asked_at = self._clock()
        standing = await self._stand(record)
        if standing is None:
            self.figures.away += 1
            return None
        stamp, changed = standing
        flight.stamp = stamp
        if record is None:
            self.figures.miss += 1
            return None
        left = _time_left(record, stamp)
        if changed or left <= 0:
            self.figures.stale += 1
            return None
        self.figures.hit += 1
        wish = Wish(record.seconds, record.tags, record.max_age, record.lagging)
        # It is not made just now: a lagging tag may have changed before this flight.
        return answers.land(
            key, flight, wish, record.body, record.headers, good_until=asked_at + left
        )

    def share(self, key: Key, flight: Flight, wish: Wish, headers: Headers, body: bytes) -> None:
        """Give what was made in this flight to the others, if it can be told how old it is."""
        stamp = flight.stamp
        if (
            stamp is None
            # What depends on nothing is in the program, and costs nothing to make.
            or not wish.tags
            or any(tag.startswith(self._unwritten) for tag in wish.tags)
            or len(body) > _MOST_BYTES
        ):
            return
        seconds = min(wish.seconds, _LONGEST_SECONDS)
        record = _Record(
            stamp.snapshot,
            stamp.origin,
            stamp.at,
            seconds,
            wish.max_age,
            wish.tags,
            wish.lagging,
            headers,
            body,
        )
        name = self._name(key)
        payload = msgspec.msgpack.encode(record)
        sealed = self._digest(name, payload) + payload
        if self._store.put(name, sealed, min(seconds, LAG_SECONDS) if wish.lagging else seconds):
            self.figures.stored += 1

    async def _stand(self, record: _Record | None) -> tuple[Stamp, bool] | None:
        """The present stamp, and whether the record is stale; None when it is not to be had."""
        tags, since = ((), None) if record is None else (record.tags, record.snapshot)
        try:
            async with asyncio.timeout(_STAMP_SECONDS), self._database.read_raw() as connection:
                stamp, changed = await changes.stand(connection, (*tags, EVERYTHING), since)
        except Exception as error:
            # Whoever makes the answer meets the same, and tells the client.
            if not is_passing(error):
                log.exception("stamp_failed")
            return None
        # The snapshot of another database says nothing about this one.
        return stamp, changed or (record is not None and record.origin != stamp.origin)

    def _name(self, key: Key) -> str:
        path, query = key
        digest = hashlib.blake2b(self._program, digest_size=20, key=self._secret)
        digest.update(b"\0" + path.encode("utf-8", "surrogateescape") + b"\0" + query)
        return _PREFIX + digest.hexdigest()

    def _digest(self, name: str, payload: bytes) -> bytes:
        digest = hashlib.blake2b(name.encode(), digest_size=_DIGEST_BYTES, key=self._secret)
        digest.update(payload)
        return digest.digest()

    def _open(self, name: str, sealed: bytes) -> _Record | None:
        digest, payload = sealed[:_DIGEST_BYTES], sealed[_DIGEST_BYTES:]
        if not hmac.compare_digest(digest, self._digest(name, payload)):
            log.warning("shared_answer_forged")
            return None
        return msgspec.msgpack.decode(payload, type=_Record)


def _time_left(record: _Record, now: Stamp) -> float:
    age = max(0.0, now.at - record.at)
    left = record.seconds - age
    return min(left, LAG_SECONDS - age) if record.lagging else left
