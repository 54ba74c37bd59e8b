"""Real HTTP servers that take text messages: one like Twilio, one that takes webhooks.

Both can be made to misbehave; what they do by themselves is what the other side documents.
"""

import asyncio
import base64
import contextlib
import hashlib
import hmac
import json
import re
import ssl
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qsl

ACCOUNT = "AC" + "0123456789abcdef" * 2
TOKEN = "a token of the tests"
SERVICE = "MG" + "fedcba9876543210" * 2
NUMBER = "+15005550006"

_NUMBER = re.compile(r"\+[1-9]\d{6,14}")


@dataclass(frozen=True)
class Request:
    """One request as it came."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


@dataclass(frozen=True)
class Reply:
    """What is answered; ``cut`` ends the connection in the middle of the body."""

    status: int
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    cut: bool = False


@dataclass
class Gateway:
    """What came in, and how the server behaves; change it between two messages.

    Args:
        url: its address.
        requests: what came, in order.
        sent: the messages that were accepted, as fields.
        answers: what to answer first, whatever was asked; then it behaves again.
        silent: answers nothing any more.
        drop: ends the connection without an answer.
    """

    url: str = ""
    requests: list[Request] = field(default_factory=list)
    sent: list[dict[str, str]] = field(default_factory=list)
    answers: list[Reply] = field(default_factory=list)
    silent: bool = False
    drop: bool = False

    def fail(self, status: int, times: int = 1, **headers: str) -> None:
        """Answer so often with this status and these headers (_ for -)."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        self.answers += [Reply(status, {"error": "on purpose"}, named)] * times


@contextlib.asynccontextmanager
async def twilio(certificate: ssl.SSLContext | None = None) -> AsyncIterator[Gateway]:
    """A server that behaves like Twilio's Messages resource, for ACCOUNT with TOKEN."""
    async with _serve(_like_twilio, certificate) as gateway:
        yield gateway


@contextlib.asynccontextmanager
async def webhook_receiver(
    key: bytes, certificate: ssl.SSLContext | None = None
) -> AsyncIterator[Gateway]:
    """A receiver that checks each request as Standard Webhooks tells receivers to.

    What is not signed with the key is answered with 401; what was taken already is accepted and
    not taken again.
    """

    def answer(gateway: Gateway, request: Request) -> Reply:
        return _like_a_receiver(gateway, request, key)

    async with _serve(answer, certificate) as gateway:
        yield gateway


def _like_twilio(gateway: Gateway, request: Request) -> Reply:
    if request.path != f"/2010-04-01/Accounts/{ACCOUNT}/Messages.json":
        return _problem(404, 20404, f"The requested resource {request.path} was not found")
    if request.method != "POST":
        return _problem(405, 20004, "Method not allowed")
    basic = base64.b64encode(f"{ACCOUNT}:{TOKEN}".encode()).decode()
    if request.headers.get("authorization") != f"Basic {basic}":
        return _problem(401, 20003, "Authenticate")
    if request.headers.get("content-type") != "application/x-www-form-urlencoded":
        return _problem(415, 20415, "Unsupported media type")
    form = dict(
        parse_qsl(request.body.decode("ascii"), keep_blank_values=True, strict_parsing=True)
    )
    to, body = form.get("To", ""), form.get("Body", "")
    if not to:
        return _problem(400, 21604, "A 'To' phone number is required.")
    if not body:
        return _problem(400, 21602, "Message body is required.")
    if len(body) > 1600:
        return _problem(400, 21617, f"The concatenated message body exceeds the limit: {body}")
    if form.get("MessagingServiceSid", SERVICE) != SERVICE or form.get("From", NUMBER) != NUMBER:
        return _problem(400, 21606, "The From number is not yours")
    if ("From" in form) == ("MessagingServiceSid" in form):
        return _problem(400, 21603, "A 'From' phone number is required.")
    if not _NUMBER.fullmatch(to):
        return _problem(400, 21211, f"The 'To' number {to} is not valid; the text was {body}")
    gateway.sent.append(form)
    sid = f"SM{len(gateway.sent):032x}"
    return Reply(201, {"sid": sid, "status": "queued", "to": to, "body": body, "error_code": None})


def _problem(status: int, code: int, message: str) -> Reply:
    """An error as Twilio writes it, with the caller's own words in it."""
    return Reply(
        status,
        {"code": code, "message": message, "more_info": f"https://{code}", "status": status},
    )


def _like_a_receiver(gateway: Gateway, request: Request, key: bytes) -> Reply:
    headers = request.headers
    if request.method != "POST" or headers.get("content-type") != "application/json":
        return Reply(415)
    message_id, timestamp = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    signed = b".".join((message_id.encode(), timestamp.encode(), request.body))
    digest = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    if f"v1,{digest}" not in headers.get("webhook-signature", "").split(" "):
        return Reply(401)
    message = json.loads(request.body)
    if message["id"] != message_id:
        return Reply(400)
    if message not in gateway.sent:
        gateway.sent.append(message)
    return Reply(204)


@contextlib.asynccontextmanager
async def _serve(
    behave: Callable[[Gateway, Request], Reply], certificate: ssl.SSLContext | None
) -> AsyncIterator[Gateway]:
    gateway = Gateway()
    open_ones: set[asyncio.StreamWriter] = set()

    async def connection(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        open_ones.add(writer)
        try:
            await _answer(gateway, behave, reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass  # the client has left
        finally:
            open_ones.discard(writer)
            writer.close()

    server = await asyncio.start_server(connection, "127.0.0.1", 0, ssl=certificate)
    scheme = "https" if certificate else "http"
    gateway.url = f"{scheme}://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield gateway
    finally:
        server.close()
        for writer in list(open_ones):
            writer.close()
        await server.wait_closed()


async def _answer(
    gateway: Gateway,
    behave: Callable[[Gateway, Request], Reply],
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
) -> None:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    method, path, _version = head[0].split(" ")
    headers = {
        name.strip().lower(): value.strip()
        for name, _, value in (line.partition(":") for line in head[1:] if line)
    }
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    request = Request(method, path, headers, body)
    gateway.requests.append(request)
    if gateway.drop:
        return
    if gateway.silent:
        await reader.read()  # until the client has had enough
        return
    reply = gateway.answers.pop(0) if gateway.answers else behave(gateway, request)
    content = b"" if reply.body is None else json.dumps(reply.body).encode()
    fields = {
        "Content-Type": "application/json",
        "Content-Length": str(len(content) + (1 if reply.cut else 0)),
        "Connection": "close",
        **reply.headers,
    }
    lines = [f"HTTP/1.1 {reply.status} {HTTPStatus(reply.status).phrase}"]
    lines += [f"{name}: {value}" for name, value in fields.items()]
    writer.write("\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + content)
    await writer.drain()
