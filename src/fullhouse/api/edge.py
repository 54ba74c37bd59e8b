"""The layer between the server and the framework: every HTTP request goes through here.

It gives the request its id, finds out where it comes from and who is calling, counts it in its rate
limits, answers browsers that ask what they may do, answers repeated reads from memory, hands the
hottest routes past the framework, adds the headers that every answer carries, writes the access
log, and turns whatever escapes into a problem document.
"""

import re
import time
from collections.abc import Callable, Iterable, Mapping
from functools import partial

import structlog

from fullhouse.api.answers import Answer, Answers, Flight, Key
from fullhouse.api.audit import actor_of
from fullhouse.api.browsers import Cors, transport_headers
from fullhouse.api.compression import taken_by
from fullhouse.api.context import open_request
from fullhouse.api.exchange import App, Exchange, Leader, Receive, Scope, Send
from fullhouse.api.incoming import incoming_of
from fullhouse.api.limits import AUTH_PREFIX, Limits, tiers_of
from fullhouse.api.paths import DirectRoutes
from fullhouse.api.principal import SCOPE_KEY, Authenticate, Principal, identify, require_still
from fullhouse.api.proxies import LOCAL, Proxies
from fullhouse.api.shared import SharedAnswers

# What the access log says of a request whose client went away before it was answered.
_CLIENT_CLOSED = 499
_TURNED_AWAY = (401, 403)

# What is looked at before the framework sees the request.
_READ_HERE = frozenset(
    (
        b"x-request-id",
        b"if-none-match",
        b"accept-encoding",
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


# Raises Refused when there is no way through.
Gate = Callable[[], None]


class Edge:
    """An ASGI application around another one.

    Args:
        app: the framework's application; it also gets lifespan and websocket connections.
        answers: where finished answers are kept.
        direct: what is served without the framework, by method and path.
        gates: asked before a request to an exact (method, path) is read; raise Refused when what it
            needs is not to be had now, so that a crowd at that door costs next to nothing.
        authenticate: finds out whom an Authorization header stands for, once for each request.
        limits: the rate limits; without them nothing is limited.
        proxies: whose word counts on where requests come from; without them nobody's.
        cors: which other pages may call; without it none.
        shared: answers of other processes; without it each makes its own.
        public: what the paths look like that show all strangers the same, signed in or not;
            without it whoever is signed in gets an answer of their own.
    """

    def __init__(
        self,
        app: App,
        answers: Answers,
        direct: Mapping[tuple[str, str], App] | None = None,
        *,
        gates: Mapping[tuple[str, str], Gate] | None = None,
        authenticate: Authenticate | None = None,
        limits: Limits | None = None,
        proxies: Proxies | None = None,
        cors: Cors | None = None,
        shared: SharedAnswers | None = None,
        public: re.Pattern[str] | None = None,
    ) -> None:
        self._app = app
        self._answers = answers
        self.direct = DirectRoutes(direct or {})
        self._gates = dict(gates or {})
        self._authenticate = authenticate
        self._limits = limits
        self._proxies = proxies or Proxies()
        self._cors = cors or Cors(())
        self._shared = shared
        self._public = public
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
        exchange = Exchange(scope, send, own, incoming)
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

    async def _admit(self, exchange: Exchange, authorization: bytes | None, address: str) -> bool:
        """Find out who is calling, and count the request; if it may not go on, answer it."""
        principal: Principal | None = None
        gate = self._gates.get((exchange.method, exchange.plain_path))
        try:
            if authorization is not None and self._authenticate is not None:
                shown = authorization.decode("latin-1")
                caller = await identify(shown, self._authenticate)
                exchange.scope[SCOPE_KEY] = caller
                principal = caller if isinstance(caller, Principal) else None
                if principal is not None and exchange.incoming is not None:
                    again = partial(require_still, principal, shown, self._authenticate)
                    exchange.incoming.recheck_late(again)
            if self._limits is not None:
                has_header = authorization is not None
                tiers = tiers_of(exchange.method, exchange.plain_path, has_header, principal)
                if tiers:
                    verdict = await self._limits.take(tiers, address, principal)
                    exchange.own += verdict.headers
                    if verdict.refused is not None:
                        raise verdict.refused
            if gate is not None:
                gate()
        except Exception as error:
            await exchange.send_problem(error)
            return False
        return True

    async def _serve(
        self, exchange: Exchange, receive: Receive, asked: Mapping[bytes, bytes]
    ) -> None:
        reads = exchange.method in ("GET", "HEAD")
        # What belongs to one person's way in is never anybody else's, and its length no hint.
        enters = exchange.plain_path.startswith(AUTH_PREFIX)
        if reads and not enters:
            taken = taken_by(asked.get(b"accept-encoding"))
            if_none_match = asked.get(b"if-none-match")
            exchange.compress(taken, self._answers.compressor, if_none_match)
            if b"authorization" not in asked or self._shows_strangers(exchange):
                await self._read(exchange, receive, if_none_match)
                return
        await exchange.run(self._handler_of(exchange), receive)

    def _shows_strangers(self, exchange: Exchange) -> bool:
        """Whether somebody who is signed in reads what everybody else does."""
        caller = exchange.scope.get(SCOPE_KEY)
        if self._public is None or not isinstance(caller, Principal) or not caller.is_stranger:
            return False
        return self._public.fullmatch(exchange.path) is not None

    def _handler_of(self, exchange: Exchange) -> App:
        return self.direct.find(exchange.scope) or self._app

    async def _read(
        self, exchange: Exchange, receive: Receive, if_none_match: bytes | None
    ) -> None:
        """Answer a read that is the same for everybody: from memory if it is kept."""
        key = (exchange.path, exchange.query)
        found: Answer | Flight | None = self._answers.find(key)
        if found is None:
            found = await self._answers.find_or_lead(key)
        if isinstance(found, Flight):
            await self._lead(exchange, receive, key, found, if_none_match)
        elif found is None:
            await exchange.run(self._handler_of(exchange), receive)
        else:
            form = found.form_for(exchange.taken)
            if form is None:
                form = await self._answers.form_of(key, found, exchange.taken)
            await exchange.send_kept(form, if_none_match)

    async def _lead(
        self,
        exchange: Exchange,
        receive: Receive,
        key: Key,
        flight: Flight,
        if_none_match: bytes | None,
    ) -> None:
        """Answer a read that others may wait for: from another process, else computed here."""
        answers, shared = self._answers, self._shared
        leader = Leader(exchange, answers, key, flight, if_none_match)
        shares = shared is not None and not flight.alone and shared.covers(exchange.path)
        try:
            if shared is not None and shares:
                found = await shared.find(answers, key, flight)
                if found is not None:
                    form = await answers.form_of(key, found, exchange.taken)
                    await exchange.send_kept(form, if_none_match)
                    return
            await exchange.run(self._handler_of(exchange), receive, leader.send)
        except BaseException:
            answers.abandon(key, flight)
            raise
        # Without effect when the flight has landed.
        answers.let_go(key, flight, plain=False)
        if shared is not None and shares and leader.landed is not None:
            shared.share(key, flight, *leader.landed)

    def _write_line(self, exchange: Exchange, request_id: str, seconds: float) -> None:
        write = self._access.error if exchange.status >= 500 else self._access.info
        write(
            "request",
            method=exchange.method,
            path=exchange.path,
            status=exchange.status or _CLIENT_CLOSED,
            ms=round(seconds * 1_000, 2),
            request_id=request_id,
            **(_who(exchange.scope) if exchange.status in _TURNED_AWAY else {}),
        )


def _who(scope: Scope) -> dict[str, str]:
    """Who was turned away: the account or key if it is known, and the address (ASVS 16.3.2)."""
    client, caller = scope.get("client"), scope.get(SCOPE_KEY)
    who = {} if client is None else {"address": client[0]}
    if isinstance(caller, Principal):
        actor = actor_of(caller)
        who[f"{actor.kind}_id"] = str(actor.id)
    return who


def _read_headers(headers: Iterable[tuple[bytes, bytes]]) -> dict[bytes, bytes]:
    """Those that are read here; what came several times joined as one list (RFC 9110 §5.3)."""
    found: dict[bytes, bytes] = {}
    for name, value in headers:
        if name in _READ_HERE:
            found[name] = found[name] + b"," + value if name in found else value
    return found
