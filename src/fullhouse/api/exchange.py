"""One request and its answer, on the way through the edge."""

from collections.abc import Awaitable, Callable, Iterable
from http import HTTPStatus
from typing import Any

import msgspec
import structlog
from litestar import Request

from fullhouse.api.answers import Answers, Flight, Form, Key, Wish, tags_of
from fullhouse.api.browsers import NO_STORE, with_defaults
from fullhouse.api.compression import (
    AS_IT_IS,
    LEAST_BYTES,
    Compressor,
    Headers,
    Offered,
    Taken,
    headers_as,
    is_text,
)
from fullhouse.api.errors import (
    MEDIA_TYPE,
    as_refused,
    problem_document,
    problem_headers,
    status_of,
)
from fullhouse.api.incoming import Incoming
from fullhouse.api.limits import plain_path
from fullhouse.api.permissions import Who
from fullhouse.api.principal import access_of
from fullhouse.api.query import OPEN_QUERY

Scope = dict[str, Any]
Message = dict[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

_WISH = "fullhouse.keep"
_VARY = (b"vary", b"accept-encoding")

log = structlog.get_logger(__name__)


def keep(
    request: Request[Any, Any, Any],
    seconds: float,
    tags: Iterable[str],
    *,
    lagging: Iterable[str] = (),
    max_age: int | None = None,
) -> None:
    """Ask for this request's 200 answer to be kept and given to others.

    It is given to everybody who is not signed in or, though signed in, a stranger
    (``Principal.is_stranger``), and kept only if it was made for one of them and sets no cookie.
    Nothing else of who asks, no cookie and no name, may matter to the answer.

    Args:
        request: the request being answered, to a public route.
        seconds: how long at most.
        tags: what the answer is made from, such as ``event:<id>``; it is dropped everywhere as
            soon as one of them is notified.
        lagging: what changes all the time, such as ``showtime:<id>`` with every sale: a change of
            one of these is seen only when the answer is ``answers.LAG_SECONDS`` old.
        max_age: seconds for which browsers and caches on the way may use it without asking
            again; they hear of no change. As long as ``seconds`` when left out.
    """
    handler = request.scope.get("route_handler")
    if handler is not None and access_of(handler.opt).who is not Who.ANYBODY:
        raise TypeError(f"{handler}: only what is public may be kept")
    if handler is not None and OPEN_QUERY in handler.opt and request.scope["query_string"]:
        return  # under addresses that anybody makes up
    age = int(seconds) if max_age is None else max_age
    wish = Wish(seconds, tags_of(tags), age, tags_of(lagging))
    request.scope[_WISH] = wish  # type: ignore[literal-required]


class Exchange:
    """One request and its answer.

    ``compressor`` is for answers that are not kept, and for reads only: what may be compressed at
    all is decided where it is given.
    """

    __slots__ = (
        "_compressor",
        "_held",
        "_offered",
        "_send",
        "incoming",
        "method",
        "own",
        "path",
        "plain_path",
        "query",
        "scope",
        "status",
        "taken",
    )

    def __init__(self, scope: Scope, send: Send, own: Headers, incoming: Incoming | None) -> None:
        self.method: str = scope["method"]
        self.path: str = scope["path"]
        self.plain_path = plain_path(self.path)
        self.query: bytes = scope["query_string"]
        self.status = 0
        self.own = own
        self.incoming = incoming
        self.taken = AS_IT_IS
        self._compressor: Compressor | None = None
        self._offered: Offered | None = None
        self._held: Message | None = None
        self._send = send if self.method != "HEAD" else _without_body(send)
        # The framework knows no HEAD: it is a GET whose body stays here (RFC 9110 §9.3.2).
        self.scope = scope if self.method != "HEAD" else {**scope, "method": "GET"}

    def compress(self, taken: Taken, compressor: Compressor, if_none_match: bytes | None) -> None:
        """Let the answer be compressed, as the client takes it."""
        self.taken = taken
        self._compressor = compressor
        coding = taken.coding
        if coding is not None and if_none_match is not None and coding in if_none_match:
            self._offered = Offered(if_none_match, coding)

    @property
    def wish(self) -> Wish | None:
        """What the route asked for with :func:`keep`."""
        wish: Wish | None = self.scope.get(_WISH)
        return wish

    async def run(self, handler: App, receive: Receive, send: Send | None = None) -> None:
        """Let the handler answer; what it raises is answered as a problem."""
        if self._offered is not None:
            others = [pair for pair in self.scope["headers"] if pair[0] != b"if-none-match"]
            offered = (b"if-none-match", self._offered.header)
            self.scope["headers"] = [*others, offered]
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
            headers = with_defaults(message["headers"], NO_STORE)
            if self._compressor is not None:
                if self._offered is not None and self.status == 304:
                    headers = self._offered.answered(headers)
                if self.status == 200 and is_text(headers) and not _sets_cookie(headers):
                    # What it will be like is known when its body is.
                    self._held = {**message, "headers": [*headers, _VARY, *self.own]}
                    return
            message["headers"] = headers + self.own
        elif self._held is not None:
            start, self._held = self._held, None
            start, message = await self._compressed(start, message)
            await self._send(start)
        await self._send(message)

    async def _compressed(self, start: Message, message: Message) -> tuple[Message, Message]:
        """The answer as the client takes it, if it comes in one piece and is worth it."""
        body, coding = message.get("body", b""), self.taken.coding
        if (
            coding is None
            or self._compressor is None
            or message.get("more_body")
            or (len(body) < LEAST_BYTES and not self.taken.only)
        ):
            return start, message
        repeated = any(name == b"etag" for name, _ in start["headers"])
        made = await self._compressor.fast(body, coding, repeated=repeated)
        headers = headers_as(start["headers"], coding, len(made))
        return {**start, "headers": headers}, {**message, "body": made}

    async def send_kept(self, form: Form, if_none_match: bytes | None) -> None:
        """Send a kept answer, or that the client has it already."""
        if self.incoming is not None:
            await self.incoming.drain()
        unchanged = if_none_match is not None and form.matches(if_none_match)
        self.status = 304 if unchanged else 200
        headers = form.headers_of_304 if unchanged else form.headers
        await self._send(
            {
                "type": "http.response.start",
                "status": self.status,
                "headers": headers + self.own,
            }
        )
        await self._send({"type": "http.response.body", "body": b"" if unchanged else form.body})

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
    """Takes in the answer to a read on its way out, for those who wait for the same.

    Attributes:
        landed: the finished answer as it was made, once it is kept: its wish, headers and body.
    """

    __slots__ = (
        "_answers",
        "_exchange",
        "_flight",
        "_if_none_match",
        "_key",
        "_parts",
        "_start",
        "landed",
    )

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
        self.landed: tuple[Wish, Headers, bytes] | None = None

    async def send(self, message: Message) -> None:
        """Pass on what is not kept; hold back what is until it is whole."""
        if message["type"] == "http.response.start":
            wish = self._exchange.wish
            # Nobody may get a cookie that was made for somebody else.
            for_all = not _sets_cookie(message["headers"])
            if wish is not None and message["status"] == 200 and for_all:
                self._start = message
                return
            # Those who wait are let go now, however long the body takes. A query that is refused
            # says nothing of the route, and is not worth remembering.
            plain = wish is None and message["status"] != HTTPStatus.UNPROCESSABLE_ENTITY
            self._answers.let_go(self._key, self._flight, plain=plain)
        if self._start is None:
            await self._exchange.send(message)
            return
        self._parts.append(message.get("body", b""))
        if not message.get("more_body"):
            await self._land(self._start)

    async def _land(self, start: Message) -> None:
        wish = self._exchange.wish
        assert wish is not None  # there was one when it started
        headers = with_defaults(_but_own(start["headers"]))
        body = b"".join(self._parts)
        kept = self._answers.land(self._key, self._flight, wish, body, headers)
        assert kept is not None
        self.landed = wish, headers, body
        form = await self._answers.form_of(self._key, kept, self._exchange.taken)
        await self._exchange.send_kept(form, self._if_none_match)


def _sets_cookie(headers: Iterable[tuple[bytes, bytes]]) -> bool:
    return any(name.lower() == b"set-cookie" for name, _ in headers)


def _but_own(headers: Iterable[tuple[bytes, bytes]]) -> Headers:
    """The route's headers without those that a kept answer sets itself."""
    return [pair for pair in headers if pair[0] not in (b"etag", b"cache-control", b"vary")]


def _without_body(send: Send) -> Send:
    async def send_head(message: Message) -> None:
        if message["type"] == "http.response.body":
            message = {**message, "body": b""}
        await send(message)

    return send_head
