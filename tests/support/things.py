"""A bare application behind the edge, and requests straight into it."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from litestar import Request

from fullhouse.api.context import client_address
from fullhouse.api.exchange import App, Message, keep


@dataclass
class Reply:
    """What a client got."""

    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""


async def ask(
    app: App,
    path: str = "/things",
    *,
    method: str = "GET",
    query: str = "",
    headers: dict[str, str] | list[tuple[str, str]] | None = None,
    body: list[bytes] | None = None,
    peer: str | None = "203.0.113.9",
    scheme: str = "http",
) -> Reply:
    """One request, straight into the application."""
    reply = Reply()
    chunks = list(body or [b""])

    async def receive() -> Message:
        chunk = chunks.pop(0)
        return {"type": "http.request", "body": chunk, "more_body": bool(chunks)}

    async def send(message: Message) -> None:
        if message["type"] == "http.response.start":
            assert not reply.status
            reply.status = message["status"]
            for name, value in message["headers"]:
                known = reply.headers.get(name.decode())
                joined = value.decode() if known is None else f"{known}, {value.decode()}"
                reply.headers[name.decode()] = joined
        else:
            reply.body += message.get("body", b"")

    scope = {
        "type": "http",
        "method": method,
        "path": path,
        "query_string": query.encode(),
        "headers": [(k.lower().encode(), v.encode()) for k, v in pairs_of(headers)],
        "client": None if peer is None else (peer, 4711),
        "scheme": scheme,
    }
    await app(scope, receive, send)
    return reply


def pairs_of(
    headers: dict[str, str] | list[tuple[str, str]] | None,
) -> list[tuple[str, str]]:
    """Headers as pairs; some come several times."""
    return headers if isinstance(headers, list) else list((headers or {}).items())


class Things:
    """A bare application that keeps its answers under tags, and counts."""

    def __init__(self, seconds: float = 60, tags: tuple[str, ...] = ("thing:1",)) -> None:
        self.calls = 0
        self.seconds = seconds
        self.tags = tags
        self.lagging: tuple[str, ...] = ()
        self.keeps = True
        self.status = 200
        self.value = "first"
        self.media_type = b"text/plain"
        self.extra: list[tuple[bytes, bytes]] = []
        # The scope of the last request, and what its code was told of the client.
        self.scope: dict[str, Any] = {}
        self.address = ""
        # What happens between reading and answering.
        self.while_computing: Callable[[], Awaitable[None]] | None = None

    async def __call__(self, scope: Any, _receive: Any, send: Any) -> None:
        self.calls += 1
        self.scope, self.address = scope, client_address()
        value = self.value
        if self.while_computing:
            await self.while_computing()
        if self.keeps:
            keep(ScopedRequest(scope), self.seconds, self.tags, lagging=self.lagging)
        headers = [(b"content-type", self.media_type), *self.extra]
        await send({"type": "http.response.start", "status": self.status, "headers": headers})
        await send({"type": "http.response.body", "body": value.encode()})


class ScopedRequest(Request[Any, Any, Any]):
    """The part of a request that ``keep`` looks at."""

    def __init__(self, scope: Any) -> None:
        self.scope = scope


@dataclass
class Clock:
    """A clock that a test moves."""

    now: float = 0.0

    def __call__(self) -> float:
        return self.now
