"""Bodies that come late: refused before they have come, held back, or never ending.

A connection that breaks looks to a proxy like a dead server, which it asks nothing for a while; and
rights that were taken away meanwhile must not be kept by sending slowly.
"""

import asyncio
import json
import socket
import time
from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx
import pytest

from fullhouse.api import incoming
from fullhouse.api.errors import MALFORMED_REQUEST
from fullhouse.api.incoming import Incoming, incoming_of
from fullhouse.kit.db import RawConnection
from fullhouse.kit.errors import Refused
from tests.support.organizations import organizer
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


def answer_of(connection: socket.socket, *, has_body: bool = True) -> tuple[int, bytes]:
    """The status and the body of the next answer."""
    file = connection.makefile("rb")
    status = int(file.readline().split()[1])
    length = 0
    while (line := file.readline().strip()) != b"":
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            length = int(value)
    return status, file.read(length) if has_body else b""


@pytest.mark.parametrize(
    ("method", "path", "status", "size"),
    [
        ("PUT", SEAT_MAP, 401, 15 * MEGABYTE),  # no token
        ("POST", "/api/v1/nowhere", 404, 3 * MEGABYTE),
        ("POST", "/api/v1/events", 401, 3 * MEGABYTE),
        ("POST", "/api/v1/auth/login", 413, 30 * MEGABYTE),  # more than the route takes
        ("GET", "/api/v1/events", 200, 3 * MEGABYTE),  # kept answers, which nobody asks a body for
        ("HEAD", "/api/v1/events", 200, 3 * MEGABYTE),
        ("GET", "/account", 200, 3 * MEGABYTE),
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
            assert answer_of(connection, has_body=method != "HEAD")[0] == status


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
    assert asked == incoming.MOST_DRAINED_BYTES // MEGABYTE + 1
    asked = 0
    too_much = str(incoming.MOST_DRAINED_BYTES + 1).encode()
    for headers in ({b"content-length": too_much}, {b"content-length": b"9", b"expect": b"x"}):
        body = incoming_of(headers, endless)
        assert body is not None
        await body.drain()
    assert asked == 0
    assert incoming_of({}, endless) is None
    assert incoming_of({b"content-length": b"0"}, endless) is None


async def test_who_sends_nothing_more_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(incoming, "MOST_DRAINED_SECONDS", 0.01)

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


async def test_no_body_takes_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(incoming, "MOST_SECONDS", 0.05)

    async def trickle() -> dict[str, Any]:
        await asyncio.sleep(0.001)
        return {"type": "http.request", "body": b" ", "more_body": True}

    body = Incoming(trickle)
    with pytest.raises(Refused) as refused:
        async with asyncio.timeout(30):
            while True:
                await body.receive()
    assert refused.value.code is MALFORMED_REQUEST
    # What comes after that is not waited for either.
    async with asyncio.timeout(30):
        await body.drain()


@pytest.mark.parametrize("late", [True, False])
async def test_caller_is_looked_at_again_when_a_body_was_late(
    monkeypatch: pytest.MonkeyPatch, late: bool
) -> None:
    monkeypatch.setattr(incoming, "LATE_SECONDS", -1.0 if late else 3_600.0)
    parts = [b"{", b"}"]
    looked: list[int] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": parts.pop(0), "more_body": bool(parts)}

    async def look() -> None:
        looked.append(len(parts))

    body = Incoming(receive)
    body.recheck_late(look)
    await body.receive()
    assert looked == []
    await body.receive()
    assert looked == ([0] if late else [])


async def test_rights_are_not_kept_by_holding_back_a_body(
    client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch, connection: RawConnection
) -> None:
    monkeypatch.setattr(incoming, "LATE_SECONDS", -1.0)
    who = await organizer(client)
    before = await connection.fetchval("SELECT count(*) FROM venues")
    begun, taken = asyncio.Event(), asyncio.Event()
    place = {"name": "Barn", "city": "Bern", "country": "CH", "timezone": "Europe/Zurich"}

    async def held_back() -> AsyncIterator[bytes]:
        # Asked for by the route, which has let the caller in.
        begun.set()
        document = json.dumps(place).encode()
        yield document[:-1]
        await taken.wait()
        yield document[-1:]

    headers = who.headers | {"Content-Type": "application/json"}
    request = client.post("/api/v1/venues", content=held_back(), headers=headers)
    answer = asyncio.ensure_future(request)
    async with asyncio.timeout(30):
        await begun.wait()
    assert (await client.post("/api/v1/auth/logout", headers=who.headers)).status_code == 204
    taken.set()
    assert (await answer).status_code == 401
    assert await connection.fetchval("SELECT count(*) FROM venues") == before


async def test_a_slow_body_of_who_keeps_their_rights_is_taken(
    client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(incoming, "LATE_SECONDS", -1.0)
    who = await organizer(client)
    place = {"name": "Barn", "city": "Bern", "country": "CH", "timezone": "Europe/Zurich"}
    answer = await client.post("/api/v1/venues", json=place, headers=who.headers)
    assert answer.status_code == 201
