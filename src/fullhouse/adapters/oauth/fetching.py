"""What is asked of a provider: with bounds on time and size, and kept where it rarely changes."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Generic, TypeVar
from urllib.parse import urlsplit

import httpx2

from fullhouse.adapters.hosts import is_loopback

# The largest answer that is wanted, Google's keys, has some three kB.
MOST_ANSWER_BYTES = 262_144

KEPT_SECONDS = 3_600.0
BETWEEN_RENEWALS_SECONDS = 60.0

T = TypeVar("T")


class Unavailable(Exception):
    """The provider cannot be reached or answers nonsense.

    The argument says how, in a word of ours; nothing of the answer is in it.
    """


class Bounded(httpx2.AsyncBaseTransport):
    """A transport whose answers have an end, and leave nothing behind."""

    def __init__(self, inner: httpx2.AsyncBaseTransport) -> None:
        self._inner = inner

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Pass it on. Raises Unavailable for a packed answer, and while a too long one is read."""
        response = await self._inner.handle_async_request(request)
        # The client is the same for everybody who signs in, so it keeps no cookies.
        response.headers.pop("set-cookie", None)
        # None was asked for, and what was packed may unpack to anything.
        if response.headers.get("content-encoding", "identity") != "identity":
            await response.aclose()
            raise Unavailable("packed_answer")
        assert isinstance(response.stream, httpx2.AsyncByteStream)
        response.stream = _BoundedStream(response.stream)
        return response

    async def aclose(self) -> None:
        await self._inner.aclose()


class _BoundedStream(httpx2.AsyncByteStream):
    def __init__(self, inner: httpx2.AsyncByteStream) -> None:
        self._inner = inner

    async def __aiter__(self) -> AsyncIterator[bytes]:
        left = MOST_ANSWER_BYTES
        async for chunk in self._inner:
            left -= len(chunk)
            if left < 0:
                raise Unavailable("endless_answer")
            yield chunk

    async def aclose(self) -> None:
        await self._inner.aclose()


@asynccontextmanager
async def reaching(timeout_seconds: float) -> AsyncIterator[None]:
    """One request, with a bound on all of it; whatever goes wrong becomes Unavailable."""
    try:
        # The client's own timeout is for each read, and many small reads make a long wait.
        async with asyncio.timeout(timeout_seconds):
            yield
    except (TimeoutError, httpx2.TimeoutException):
        raise Unavailable("timeout") from None
    except httpx2.HTTPStatusError:
        raise Unavailable("unexpected_status") from None
    except (httpx2.HTTPError, httpx2.InvalidURL, httpx2.StreamError, OSError):
        raise Unavailable("no_connection") from None
    except (ValueError, TypeError, ArithmeticError, RecursionError):
        # No JSON, or not of the shape for which Authlib takes it.
        raise Unavailable("malformed_answer") from None


class Kept(Generic[T]):
    """A document that is fetched when it is needed and kept for an hour.

    Whoever asks while it is being fetched waits for the same answer.

    Args:
        fetch: gets it.
        clock: seconds that never go back.
    """

    def __init__(self, fetch: Callable[[], Awaitable[T]], clock: Callable[[], float]) -> None:
        self._fetch = fetch
        self._clock = clock
        self._kept: tuple[T, float] | None = None
        self._renewed_at = float("-inf")
        self._under_way: asyncio.Task[T] | None = None

    async def get(self) -> T:
        """The document, at most an hour old. Raises what fetching raises."""
        if self._kept is not None and self._clock() - self._kept[1] < KEPT_SECONDS:
            return self._kept[0]
        return await self._fetched()

    async def newer(self) -> T:
        """The document as it is now, when the kept one does not do.

        For this it is fetched at most once in a minute; in between the kept one is all there is.
        """
        now = self._clock()
        if self._under_way is None:
            if now - self._renewed_at < BETWEEN_RENEWALS_SECONDS:
                return await self.get()
            self._renewed_at = now
        return await self._fetched()

    async def close(self) -> None:
        """Give up what is being fetched."""
        if self._under_way is not None:
            self._under_way.cancel()
            await asyncio.wait([self._under_way])

    async def _fetched(self) -> T:
        if self._under_way is None:
            self._under_way = asyncio.create_task(self._fetch_and_keep(), name="oidc document")
            # Nobody may be left waiting for it when it fails: that is no error of its own.
            self._under_way.add_done_callback(lambda done: done.cancelled() or done.exception())
        # One who gives up takes nothing from the others.
        return await asyncio.shield(self._under_way)

    async def _fetch_and_keep(self) -> T:
        try:
            document = await self._fetch()
            self._kept = (document, self._clock())
            return document
        finally:
            self._under_way = None


def is_https(url: str) -> bool:
    """Whether the URL is one that nobody on the way can read or change."""
    return _host(url, "https") is not None


def is_on_this_machine(url: str) -> bool:
    """Whether it is plain HTTP to this machine, which never gets on a wire."""
    host = _host(url, "http")
    return host is not None and is_loopback(host)


def _host(url: str, scheme: str) -> str | None:
    """The host of a URL of this scheme without credentials and fragment; None if it is none."""
    try:
        parts = urlsplit(url)
        _ = parts.port  # raises for what is no number
        httpx2.URL(url)
    except (ValueError, httpx2.InvalidURL):
        return None
    plain = url.isascii() and url.isprintable() and " " not in url
    if not plain or parts.scheme != scheme or "@" in parts.netloc or parts.fragment:
        return None
    return parts.hostname
