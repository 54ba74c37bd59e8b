"""The layer between the server and the framework: every HTTP request goes through here.

It gives the request its id, finds out where it comes from and who is calling, counts it in its rate
limits, answers browsers that ask what they may do, answers repeated reads from memory, hands the
hottest routes past the framework, adds the headers that every answer carries, writes the access
log, and turns whatever escapes into a problem document.
"""

import time
from collections.abc import Awaitable, Callable, Iterable, Mapping
from functools import partial
from typing import Any

import msgspec
import structlog
from litestar import Request

from fullhouse.api.answers import Answer, Answers, Flight, Headers, Key, Wish, tags_of
from fullhouse.api.browsers import NO_STORE, Cors, transport_headers, with_defaults
from fullhouse.api.context import open_request
from fullhouse.api.errors import (
    MEDIA_TYPE,
    as_refused,
    problem_document,
    problem_headers,
    status_of,
)
from fullhouse.api.incoming import Incoming, incoming_of
from fullhouse.api.limits import AUTH_PREFIX, Limits, plain_path, tiers_of
from fullhouse.api.principal import SCOPE_KEY, Authenticate, Principal, identify, require_still
from fullhouse.api.proxies import LOCAL, Proxies

Scope = dict[str, Any]
Message = dict[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

_WISH = "fullhouse.keep"
# What the access log says of a request whose client went away before it was answered.
_CLIENT_CLOSED = 499

# What is looked at before the framework sees the request.
_READ_HERE = frozenset(
    (
        b"x-request-id",
        b"if-none-match",
        b"authorization",
        b"origin",
        b"access-control-request-method",
        b"x-forwarded-for",
        b"x-forwarded-proto",
        b"content-length",
        b"transfer-encoding",
        b"expect",
    )
)

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


class Edge:
    """An ASGI application around another one.

    Args:
        app: the framework's application; it also gets lifespan and websocket connections.
        answers: where finished answers are kept.
        direct: handlers of exact (method, path) pairs that are served without the framework.
        authenticate: finds out whom an Authorization header stands for, once for each request.
        limits: the rate limits; without them nothing is limited.
        proxies: whose word counts on where requests come from; without them nobody's.
        cors: which other pages may call; without it none.
    """

    def __init__(
        self,
        app: App,
        answers: Answers,
        direct: Mapping[tuple[str, str], App] | None = None,
        *,
        authenticate: Authenticate | None = None,
        limits: Limits | None = None,
        proxies: Proxies | None = None,
        cors: Cors | None = None,
    ) -> None:
        self._app = app
        self._answers = answers
        self._direct = dict(direct or {})
        self._authenticate = authenticate
        self._limits = limits
        self._proxies = proxies or Proxies()
        self._cors = cors or Cors(())
        # Bound once: that costs more than writing a line.
        self._access = structlog.get_logger(log="access").bind()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = time.perf_counter()
        asked = _read_headers(scope["headers"])
        address = self._find_origin(scope, asked)
        request_id = open_request(asked.get(b"x-request-id"), address)
        # What this answer alone has: a kept one is completed with them and never keeps them.
        own = [
            (b"x-request-id", request_id.encode()),
            *transport_headers(scope["scheme"]),
            *self._cors.headers(asked.get(b"origin")),
        ]
        incoming = incoming_of(asked, receive)
        if incoming is not None:
            receive = incoming.receive
        exchange = _Exchange(scope, send, own, incoming)
        try:
            if self._cors.is_preflight(exchange.method, asked):
                await exchange.send_nothing(self._cors.preflight_headers(asked[b"origin"]))
            elif await self._admit(exchange, asked.get(b"authorization"), address):
                await self._serve(exchange, receive, asked)
        finally:
            self._write_line(exchange, request_id, time.perf_counter() - started)

    def _find_origin(self, scope: Scope, asked: Mapping[bytes, bytes]) -> str:
        """Put the real client and scheme into the scope; answers the client's address."""
        origin = self._proxies.origin_of(
            scope, asked.get(b"x-forwarded-for"), asked.get(b"x-forwarded-proto")
        )
        peer = scope.get("client")
        if origin.address != (LOCAL if peer is None else peer[0]):
            # Its port is known to the proxy alone.
            scope["client"] = (origin.address, 0)
        scope["scheme"] = origin.scheme
        return origin.address

    async def _admit(
        self, exchange: "_Exchange", authorization: bytes | None, address: str
    ) -> bool:
        """Find out who is calling, and count the request; if it may not go on, answer it."""
        principal: Principal | None = None
        try:
            if authorization is not None and self._authenticate is not None:
                shown = authorization.decode("latin-1")
                caller = await identify(shown, self._authenticate)
                exchange.scope[SCOPE_KEY] = caller
                principal = caller if isinstance(caller, Principal) else None
                if principal is not None and exchange.incoming is not None:
                    again = partial(require_still, principal, shown, self._authenticate)
                    exchange.incoming.recheck_late(again)
            if self._limits is None:
                return True
            has_header = authorization is not None
            tiers = tiers_of(exchange.method, exchange.plain_path, has_header, principal)
            if not tiers:
                return True
            verdict = await self._limits.take(tiers, address, principal)
        except Exception as error:
            await exchange.send_problem(error)
            return False
        exchange.own += verdict.headers
        if verdict.refused is None:
            return True
        await exchange.send_problem(verdict.refused)
        return False

    async def _serve(
        self, exchange: "_Exchange", receive: Receive, asked: Mapping[bytes, bytes]
    ) -> None:
        private = (
            b"authorization" in asked
            or exchange.method not in ("GET", "HEAD")
            # What belongs to one person's way in is never anybody else's.
            or exchange.plain_path.startswith(AUTH_PREFIX)
        )
        if private:
            handler = self._direct.get((exchange.method, exchange.path), self._app)
            await exchange.run(handler, receive)
        else:
            await self._read(exchange, receive, asked.get(b"if-none-match"))

    async def _read(
        self, exchange: "_Exchange", receive: Receive, if_none_match: bytes | None
    ) -> None:
        """Answer a read that is the same for everybody: from memory if it is kept."""
        key = (exchange.path, exchange.query)
        found: Answer | Flight | None = self._answers.find(key)
        if found is None:
            found = await self._answers.find_or_lead(key)
        if isinstance(found, Answer):
            await exchange.send_kept(found, if_none_match)
            return
        handler = self._direct.get(("GET", exchange.path), self._app)
        if found is None:
            await exchange.run(handler, receive)
            return
        leader = _Leader(exchange, self._answers, key, found, if_none_match)
        try:
            await exchange.run(handler, receive, leader.send)
        except BaseException:
            self._answers.abandon(key, found)
            raise
        # Without effect when the flight has landed.
        self._answers.let_go(key, found, plain=False)

    def _write_line(self, exchange: "_Exchange", request_id: str, seconds: float) -> None:
        write = self._access.error if exchange.status >= 500 else self._access.info
        write(
            "request",
            method=exchange.method,
            path=exchange.path,
            status=exchange.status or _CLIENT_CLOSED,
            ms=round(seconds * 1_000, 2),
            request_id=request_id,
        )


class _Exchange:
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


class _Leader:
    """Takes in the answer to a read on its way out, for those who wait for the same."""

    __slots__ = ("_answers", "_exchange", "_flight", "_if_none_match", "_key", "_parts", "_start")

    def __init__(
        self,
        exchange: _Exchange,
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


def _read_headers(headers: Iterable[tuple[bytes, bytes]]) -> dict[bytes, bytes]:
    """Those that are read here; what came several times joined as one list (RFC 9110 §5.3)."""
    found: dict[bytes, bytes] = {}
    for name, value in headers:
        if name in _READ_HERE:
            found[name] = found[name] + b"," + value if name in found else value
    return found


def _but_own(headers: Iterable[tuple[bytes, bytes]]) -> Headers:
    """The route's headers without those that a kept answer sets itself."""
    return [pair for pair in headers if pair[0] not in (b"etag", b"cache-control", b"vary")]


def _without_body(send: Send) -> Send:
    async def send_head(message: Message) -> None:
        if message["type"] == "http.response.body":
            message = {**message, "body": b""}
        await send(message)

    return send_head
