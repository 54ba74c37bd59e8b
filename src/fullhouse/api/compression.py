"""Compressing answers, in the best way that the client takes (RFC 9110 §12.5.3).

What is kept is compressed once in each way and well; what is made for one is compressed fast. Small
bodies are sent as they are. What a compressed answer's length can give away (BREACH) is never
compressed: all that belongs to somebody's way in, and every answer that sets a cookie; such
requests do not come here at all (``api/edge.py``, ``api/exchange.py``). Other answers are shown to
bearers of a token, which no foreign page can send.
"""

import asyncio
import gzip
import re
import threading
from collections import Counter, OrderedDict
from collections.abc import Iterable
from functools import lru_cache
from typing import NamedTuple

import brotli  # type: ignore[import-untyped]
import zstandard

Headers = list[tuple[bytes, bytes]]

# Of equally welcome ones the first is taken.
CODINGS = (b"zstd", b"br", b"gzip")
# What is smaller fits into one packet with its headers anyway.
LEAST_BYTES = 1_024
# From here on the loop serves others meanwhile.
OFF_LOOP_BYTES = 64 * 1024

_IDENTITY = b"identity"
_WELL = {b"zstd": 6, b"br": 5, b"gzip": 6}
_FAST = {b"zstd": 1, b"br": 1, b"gzip": 1}
# Answers that are not kept and have an ETag are asked for again and again. Whoever gives the same
# bytes each time has them in memory anyway, so that only their compressed form costs more.
_REPEATED_BYTES = 32 * 1024 * 1024
_LONGEST_ACCEPT = 500

_WEIGHT = re.compile(rb"q\s*=\s*(0(?:\.\d{0,3})?|1(?:\.0{0,3})?)")
_TEXTS = (b"application/json", b"application/problem+json", b"application/javascript")


class Taken(NamedTuple):
    """How a client takes answers.

    Attributes:
        coding: the best of ours, None for none.
        only: it refuses them uncompressed.
    """

    coding: bytes | None
    only: bool


AS_IT_IS = Taken(None, False)


def taken_by(accept_encoding: bytes | None) -> Taken:
    """What an Accept-Encoding header asks for."""
    if accept_encoding is None or len(accept_encoding) > _LONGEST_ACCEPT:
        return AS_IT_IS
    return _read(accept_encoding)


@lru_cache(1_024)
def _read(accept_encoding: bytes) -> Taken:
    weights: dict[bytes, float] = {}
    for part in accept_encoding.lower().split(b","):
        name, _, parameter = part.partition(b";")
        # The old name of gzip is still to be understood (§8.4.1.3).
        named = name.strip()
        weights[b"gzip" if named == b"x-gzip" else named] = _weight(parameter)
    others = weights.get(b"*", 0.0)
    plain = weights.get(_IDENTITY, weights.get(b"*"))
    best = max(CODINGS, key=lambda coding: weights.get(coding, others))
    weight = weights.get(best, others)
    # What is not named may be sent as it is all the same, if nothing else is welcome.
    if weight <= 0 or (plain is not None and _IDENTITY in weights and plain > weight):
        return AS_IT_IS
    return Taken(best, plain == 0)


def _weight(parameter: bytes) -> float:
    """The q of a coding: one if there is none, and none at all where it is not well written."""
    if not parameter.strip():
        return 1.0
    written = _WEIGHT.fullmatch(parameter.strip())
    return float(written[1]) if written else 0.0


def is_text(headers: Iterable[tuple[bytes, bytes]]) -> bool:
    """Whether a body with these headers gets smaller; pictures and the like are small already."""
    kind = b""
    for name, value in headers:
        if name == b"content-type":
            kind = value.partition(b";")[0].strip().lower()
        elif name == b"content-encoding" or (
            name == b"cache-control" and b"no-transform" in value.lower()
        ):
            return False
    return kind in _TEXTS or kind.startswith(b"text/") or kind == b"image/svg+xml"


def etag_as(etag: bytes, coding: bytes) -> bytes:
    """The ETag of the compressed form: another representation has another one (§8.8.3.3)."""
    return etag[:-1] + b"-" + coding + b'"' if etag.endswith(b'"') else etag


def headers_as(headers: Iterable[tuple[bytes, bytes]], coding: bytes, size: int) -> Headers:
    """The headers of the compressed form, which has so many bytes."""
    changed = [
        (name, etag_as(value, coding) if name == b"etag" else value)
        for name, value in headers
        if name != b"content-length"
    ]
    length = (b"content-length", str(size).encode())
    return [*changed, (b"content-encoding", coding), length]


class _OfThread(threading.local):
    """Compressors of one thread: making one costs as much as using it, and none may be shared."""

    def __init__(self) -> None:
        self.zstd = {
            level: zstandard.ZstdCompressor(level=level)
            for level in (_WELL[b"zstd"], _FAST[b"zstd"])
        }


_of_thread = _OfThread()


def _compress(body: bytes, coding: bytes, level: int) -> bytes:
    # All of them let other threads run meanwhile.
    if coding == b"zstd":
        return _of_thread.zstd[level].compress(body)
    if coding == b"br":
        made: bytes = brotli.compress(body, quality=level)
        return made
    return gzip.compress(body, level, mtime=0)


class Offered:
    """The ETags that a client offers for an answer that is not kept, as its route knows them.

    Attributes:
        header: If-None-Match without our mark on those of the compressed form that it gets now.
            Those of another form keep theirs, so that no route takes them for its own.
    """

    def __init__(self, if_none_match: bytes, coding: bytes) -> None:
        mark = b"-" + coding + b'"'
        self._coding = coding
        self._marked: set[bytes] = set()
        offered = []
        for each in if_none_match.split(b","):
            etag = each.strip()
            if etag.endswith(mark):
                etag = etag.removesuffix(mark) + b'"'
                self._marked.add(etag.removeprefix(b"W/"))
            offered.append(etag)
        self.header = b", ".join(offered)

    def answered(self, headers: Headers) -> Headers:
        """The headers of a 304, with the mark again on the ETag that had it."""
        return [
            (name, etag_as(value, self._coding))
            if name == b"etag" and value.removeprefix(b"W/") in self._marked
            else (name, value)
            for name, value in headers
        ]


class Compressor:
    """Compresses, and counts what it did.

    Attributes:
        made: bodies compressed, by coding.
        bytes_in, bytes_out: of all of them together.
    """

    def __init__(self) -> None:
        self.made: Counter[bytes] = Counter()
        self.bytes_in = 0
        self.bytes_out = 0
        self._repeated: OrderedDict[tuple[bytes, bytes], bytes] = OrderedDict()
        self._repeated_bytes = 0

    async def well(self, body: bytes, coding: bytes) -> bytes:
        """As small as is sensible, for what is sent often."""
        return await self._make(body, coding, _WELL[coding])

    async def fast(self, body: bytes, coding: bytes, *, repeated: bool) -> bytes:
        """For one answer; ``repeated`` when the same body is likely to be sent again soon."""
        if not repeated:
            return await self._make(body, coding, _FAST[coding])
        key = (body, coding)
        found = self._repeated.get(key)
        if found is None:
            found = await self._make(body, coding, _FAST[coding])
            self._remember(key, found)
        else:
            self._repeated.move_to_end(key)
        return found

    def _remember(self, key: tuple[bytes, bytes], made: bytes) -> None:
        size = len(key[0]) + len(made)
        if key in self._repeated or size > _REPEATED_BYTES // 2:
            return
        self._repeated[key] = made
        self._repeated_bytes += size
        while self._repeated_bytes > _REPEATED_BYTES:
            (body, _), gone = self._repeated.popitem(last=False)
            self._repeated_bytes -= len(body) + len(gone)

    async def _make(self, body: bytes, coding: bytes, level: int) -> bytes:
        if len(body) < OFF_LOOP_BYTES:
            made = _compress(body, coding, level)
        else:
            made = await asyncio.to_thread(_compress, body, coding, level)
        self.made[coding] += 1
        self.bytes_in += len(body)
        self.bytes_out += len(made)
        return made
