"""Requests that are refused before their body has come: the connection lives on.

A proxy that finds it broken takes the server for dead, and asks nobody for a while.
"""

import asyncio
import json
import socket
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from fullhouse.api import incoming
from fullhouse.api.incoming import Incoming, incoming_of
from tests.support.servers import api_server

SEAT_MAP = "/api/v1/halls/01995d3e-7b1c-7a50-9a52-0c7f6f0f2d12/seat-map"
MEGABYTE = 1024 * 1024


@pytest.fixture(scope="module")
def server(database_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.URL]:
    with api_server(database_url, tmp_path_factory.mktemp("server") / "log") as address:
        yield httpx.URL(address)


def connect(server: httpx.URL) -> socket.socket:
    return socket.create_connection((server.host, server.port or 80), timeout=30)


def head(method: str, path: str, **headers: str) -> bytes:
    lines = [f"{method} {path} HTTP/1.1", "Host: here", "Content-Type: application/json"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def answer_of(connection: socket.socket) -> tuple[int, dict[str, Any]]:
    """The status and the document of the next answer."""
    file = connection.makefile("rb")
    status = int(file.readline().split()[1])
    length = 0
    while (line := file.readline().strip()) != b"":
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            length = int(value)
    return status, json.loads(file.read(length))


@pytest.mark.parametrize(
    ("method", "path", "status", "size"),
    [
        ("PUT", SEAT_MAP, 401, 15 * MEGABYTE),  # no token
        ("POST", "/api/v1/nowhere", 404, 3 * MEGABYTE),
        ("POST", "/api/v1/events", 401, 3 * MEGABYTE),
        ("POST", "/api/v1/auth/login", 413, 30 * MEGABYTE),  # more than the route takes
    ],
)
def test_connection_lives_on_after_an_early_refusal(
    server: httpx.URL, method: str, path: str, status: int, size: int
) -> None:
    with connect(server) as connection:
        for _ in range(2):
            connection.sendall(head(method, path, Content_Length=str(size)))
            for _ in range(size // MEGABYTE):
                connection.sendall(b" " * MEGABYTE)
            assert answer_of(connection)[0] == status


def test_chunks_of_unknown_number_are_read_to_their_end(server: httpx.URL) -> None:
    with connect(server) as connection:
        for _ in range(2):
            connection.sendall(head("PUT", SEAT_MAP, Transfer_Encoding="chunked"))
            for _ in range(8):
                connection.sendall(b"100000\r\n" + b" " * 0x100000 + b"\r\n")
            connection.sendall(b"0\r\n\r\n")
            assert answer_of(connection)[0] == 401


def test_who_asks_before_sending_is_answered_at_once(server: httpx.URL) -> None:
    with connect(server) as connection:
        connection.sendall(
            head("PUT", SEAT_MAP, Content_Length=str(15 * MEGABYTE), Expect="100-continue")
        )
        assert answer_of(connection)[0] == 401


async def test_what_nobody_would_read_to_the_end_is_not() -> None:
    asked = 0

    async def endless() -> dict[str, Any]:
        nonlocal asked
        asked += 1
        return {"type": "http.request", "body": b" " * MEGABYTE, "more_body": True}

    await Incoming(endless).drain()
    assert asked == incoming.MOST_BYTES // MEGABYTE + 1
    too_much = str(incoming.MOST_BYTES + 1).encode()
    assert incoming_of({b"content-length": too_much}, endless) is None
    assert incoming_of({}, endless) is None
    assert incoming_of({b"content-length": b"0"}, endless) is None


async def test_who_sends_nothing_more_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(incoming, "MOST_SECONDS", 0.01)

    async def silent() -> dict[str, Any]:
        await asyncio.Event().wait()
        raise AssertionError

    body = Incoming(silent)
    await body.drain()
    since = time.monotonic()
    await body.drain()  # and not a second time
    assert time.monotonic() - since < 5


async def test_a_body_that_was_read_is_not_asked_for_again() -> None:
    async def once() -> dict[str, Any]:
        return {"type": "http.request", "body": b"{}", "more_body": False}

    body = Incoming(once)
    await body.receive()

    async def never() -> dict[str, Any]:
        raise AssertionError("there is nothing left")

    body._receive = never
    await body.drain()
