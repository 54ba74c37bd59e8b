"""One request and its answer, on the way through the edge."""

from collections.abc import Awaitable, Callable, Iterable
from typing import Any

import msgspec
import structlog
from litestar import Request

from fullhouse.api.answers import Answer, Answers, Flight, Headers, Key, Wish, tags_of
from fullhouse.api.browsers import NO_STORE, with_defaults
from fullhouse.api.errors import (
    MEDIA_TYPE,
    as_refused,
    problem_document,
    problem_headers,
    status_of,
)
from fullhouse.api.incoming import Incoming
from fullhouse.api.limits import plain_path

Scope = dict[str, Any]
Message = dict[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

_WISH = "fullhouse.keep"

log = structlog.get_logger(__name__)


def keep(
    request: Request[Any, Any, Any],
    seconds: float,
    tags: Iterable[str],
    *,
    max_age: int | None = None,
) -> None:
    """Ask for this request's 200 answer to be kept in the process and given to others.

    Args:
        request: the request being answered; kept only if it shows no Authorization, and its answer
            sets no cookie. A cookie that it shows must not matter to the answer.
        seconds: how long at most.
        tags: what the answer is made from, such as ``event:<id>``; it is dropped everywhere as
            soon as one of them is notified.
        max_age: seconds for which browsers and caches on the way may use it without asking
            again; they hear of no change. As long as ``seconds`` when left out.
    """
    age = int(seconds) if max_age is None else max_age
    request.scope[_WISH] = Wish(seconds, tags_of(tags), age)  # type: ignore[literal-required]


class Exchange:
    """One request and its answer."""

    __slots__ = (
        "_send",
        "incoming",
        "method",
        "own",
        "path",
        "plain_path",
        "query",
        "scope",
        "status",
    )

    def __init__(self, scope: Scope, send: Send, own: Headers, incoming: Incoming | None) -> None:
        self.method: str = scope["method"]
        self.path: str = scope["path"]
        self.plain_path = plain_path(self.path)
        self.query: bytes = scope["query_string"]
        self.status = 0
        self.own = own
        self.incoming = incoming
        self._send = send if self.method != "HEAD" else _without_body(send)
        # The framework knows no HEAD: it is a GET whose body stays here (RFC 9110 §9.3.2).
        self.scope = scope if self.method != "HEAD" else {**scope, "method": "GET"}

    @property
    def wish(self) -> Wish | None:
        """What the route asked for with :func:`keep`."""
        wish: Wish | None = self.scope.get(_WISH)
        return wish

    async def run(self, handler: App, receive: Receive, send: Send | None = None) -> None:
        """Let the handler answer; what it raises is answered as a problem."""
        try:
            await handler(self.scope, receive, send or self.send)
        except Exception as error:
            if self.status:
                log.error("answer_broke_off", exc_info=error)
                raise
            await self.send_problem(error)

    async def send(self, message: Message) -> None:
        """The handler's way out: adds the headers that every answer has."""
        if message["type"] == "http.response.start":
            if self.incoming is not None:
                await self.incoming.drain()
            self.status = message["status"]
            message["headers"] = with_defaults(message["headers"], NO_STORE) + self.own
        await self._send(message)

    async def send_kept(self, answer: Answer, if_none_match: bytes | None) -> None:
        """Send a kept answer, or that the client has it already."""
        if self.incoming is not None:
            await self.incoming.drain()
        unchanged = if_none_match is not None and answer.matches(if_none_match)
        self.status = 304 if unchanged else 200
        headers = answer.headers_of_304 if unchanged else answer.headers
        await self._send(
            {
                "type": "http.response.start",
                "status": self.status,
                "headers": headers + self.own,
            }
        )
        await self._send({"type": "http.response.body", "body": b"" if unchanged else answer.body})

    async def send_nothing(self, headers: Headers) -> None:
        """Send an answer without a body."""
        await self.send({"type": "http.response.start", "status": 204, "headers": headers})
        await self.send({"type": "http.response.body", "body": b""})

    async def send_problem(self, error: Exception) -> None:
        """Send what went wrong as a problem document."""
        refused = as_refused(error)
        body = msgspec.json.encode(problem_document(refused))
        headers: Headers = [
            (b"content-type", MEDIA_TYPE.encode()),
            (b"content-length", str(len(body)).encode()),
        ]
        headers += [
            (name.lower().encode(), value.encode())
            for name, value in problem_headers(refused).items()
        ]
        await self.send(
            {"type": "http.response.start", "status": status_of(refused), "headers": headers}
        )
        await self.send({"type": "http.response.body", "body": body})


class Leader:
    """Takes in the answer to a read on its way out, for those who wait for the same."""

    __slots__ = ("_answers", "_exchange", "_flight", "_if_none_match", "_key", "_parts", "_start")

    def __init__(
        self,
        exchange: Exchange,
        answers: Answers,
        key: Key,
        flight: Flight,
        if_none_match: bytes | None,
    ) -> None:
        self._exchange = exchange
        self._answers = answers
        self._key = key
        self._flight = flight
        self._if_none_match = if_none_match
        self._start: Message | None = None
        self._parts: list[bytes] = []

    async def send(self, message: Message) -> None:
        """Pass on what is not kept; hold back what is until it is whole."""
        if message["type"] == "http.response.start":
            wish = self._exchange.wish
            # Nobody may get a cookie that was made for somebody else.
            for_all = not any(name.lower() == b"set-cookie" for name, _ in message["headers"])
            if wish is not None and message["status"] == 200 and for_all:
                self._start = message
                return
            # Those who wait are let go now, however long the body takes.
            self._answers.let_go(self._key, self._flight, plain=wish is None)
        if self._start is None:
            await self._exchange.send(message)
            return
        self._parts.append(message.get("body", b""))
        if not message.get("more_body"):
            await self._land(self._start)

    async def _land(self, start: Message) -> None:
        kept = self._answers.land(
            self._key,
            self._flight,
            self._exchange.wish,
            b"".join(self._parts),
            with_defaults(_but_own(start["headers"])),
        )
        assert kept is not None  # there was a wish
        await self._exchange.send_kept(kept, self._if_none_match)


def _but_own(headers: Iterable[tuple[bytes, bytes]]) -> Headers:
    """The route's headers without those that a kept answer sets itself."""
    return [pair for pair in headers if pair[0] not in (b"etag", b"cache-control", b"vary")]


def _without_body(send: Send) -> Send:
    async def send_head(message: Message) -> None:
        if message["type"] == "http.response.body":
            message = {**message, "body": b""}
        await send(message)

    return send_head
