"""The layer in front of the framework: ids, headers, kept answers, direct routes, escapes."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import asyncpg
import pytest
import structlog
from litestar import Litestar, Request, Response, get

from fullhouse.api.answers import Answers
from fullhouse.api.edge import App, Edge, Message, keep
from fullhouse.api.requests import read_body
from fullhouse.kit.errors import Refused


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
    headers: dict[str, str] | None = None,
    body: list[bytes] | None = None,
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
            reply.headers = {name.decode(): value.decode() for name, value in message["headers"]}
        else:
            reply.body += message.get("body", b"")

    scope = {
        "type": "http",
        "method": method,
        "path": path,
        "query_string": query.encode(),
        "headers": [(k.lower().encode(), v.encode()) for k, v in (headers or {}).items()],
    }
    await app(scope, receive, send)
    return reply


class Things:
    """A bare application that keeps its answers under tags, and counts."""

    def __init__(self, seconds: float = 60, tags: tuple[str, ...] = ("thing:1",)) -> None:
        self.calls = 0
        self.seconds = seconds
        self.tags = tags
        self.keeps = True
        self.status = 200
        self.value = "first"
        self.extra: list[tuple[bytes, bytes]] = []
        # What happens between reading and answering.
        self.while_computing: Callable[[], Awaitable[None]] | None = None

    async def __call__(self, scope: Any, _receive: Any, send: Any) -> None:
        self.calls += 1
        value = self.value
        if self.while_computing:
            await self.while_computing()
        if self.keeps:
            keep(_Scoped(scope), self.seconds, self.tags)
        headers = [(b"content-type", b"text/plain"), *self.extra]
        await send({"type": "http.response.start", "status": self.status, "headers": headers})
        await send({"type": "http.response.body", "body": value.encode()})


class _Scoped(Request[Any, Any, Any]):
    """The part of a request that ``keep`` looks at."""

    def __init__(self, scope: Any) -> None:
        self.scope = scope


@dataclass
class Clock:
    """A clock that a test moves."""

    now: float = 0.0

    def __call__(self) -> float:
        return self.now


async def test_an_answer_is_computed_once_and_then_kept() -> None:
    things = Things()
    edge = Edge(things, Answers())
    first, second = await ask(edge), await ask(edge)
    assert things.calls == 1
    assert first.body == second.body == b"first"
    assert first.status == second.status == 200
    assert first.headers["etag"] == second.headers["etag"]
    assert second.headers["content-type"] == "text/plain"
    assert second.headers["cache-control"] == "public, max-age=60"
    assert second.headers["vary"] == "authorization"
    assert second.headers["x-content-type-options"] == "nosniff"
    assert first.headers["x-request-id"] != second.headers["x-request-id"]


async def test_each_query_has_its_own_answer() -> None:
    things = Things()
    edge = Edge(things, Answers())
    for query in ("page=1", "page=2", "page=1"):
        await ask(edge, query=query)
    assert things.calls == 2


@pytest.mark.parametrize("name", ["Authorization", "Cookie"])
async def test_what_somebody_may_see_alone_is_neither_kept_nor_given(name: str) -> None:
    things = Things()
    edge = Edge(things, Answers())
    private = await ask(edge, headers={name: "x"})
    assert private.headers["cache-control"] == "no-store"
    await ask(edge)
    await ask(edge, headers={name: "x"})
    assert things.calls == 3


async def test_a_client_that_has_it_gets_304() -> None:
    things = Things()
    edge = Edge(things, Answers())
    etag = (await ask(edge)).headers["etag"]
    for offered in (etag, f'"other", W/{etag}', "*"):
        reply = await ask(edge, headers={"If-None-Match": offered})
        assert (reply.status, reply.body) == (304, b"")
        assert reply.headers["etag"] == etag
        assert "content-type" not in reply.headers
    assert (await ask(edge, headers={"If-None-Match": '"other"'})).status == 200
    assert things.calls == 1


async def test_the_first_client_may_have_it_already() -> None:
    etag = (await ask(Edge(Things(), Answers()))).headers["etag"]
    reply = await ask(Edge(Things(), Answers()), headers={"If-None-Match": etag})
    assert reply.status == 304


async def test_head_is_get_without_the_body() -> None:
    things = Things()
    edge = Edge(things, Answers())
    head = await ask(edge, method="HEAD")
    got = await ask(edge)
    assert (head.status, head.body) == (200, b"")
    assert head.headers["etag"] == got.headers["etag"]
    assert got.body == b"first"
    assert things.calls == 1


async def test_a_change_drops_the_answer() -> None:
    things, answers = Things(), Answers()
    edge = Edge(things, answers)
    await ask(edge)
    answers.forget("thing:2")
    await ask(edge)
    assert things.calls == 1
    things.value = "second"
    answers.forget("thing:1")
    assert (await ask(edge)).body == b"second"
    answers.forget("*")
    await ask(edge)
    assert things.calls == 3


async def test_a_change_during_the_computation_makes_its_answer_invalid() -> None:
    things, answers = Things(), Answers()
    edge = Edge(things, answers)

    async def change() -> None:
        things.while_computing = None
        things.value = "second"
        answers.forget("thing:1")

    things.while_computing = change
    assert (await ask(edge)).body == b"first"
    assert (await ask(edge)).body == b"second"
    assert things.calls == 2


async def test_an_answer_ends_with_its_time() -> None:
    clock = Clock()
    things = Things(seconds=10)
    edge = Edge(things, Answers(clock=clock))
    await ask(edge)
    clock.now = 9.9
    await ask(edge)
    assert things.calls == 1
    clock.now = 10
    await ask(edge)
    assert things.calls == 2


async def test_one_computation_at_a_time() -> None:
    things = Things()
    edge = Edge(things, Answers())
    things.while_computing = lambda: asyncio.sleep(0.02)
    replies = await asyncio.gather(*(ask(edge) for _ in range(50)))
    assert things.calls == 1
    assert {reply.body for reply in replies} == {b"first"}


async def test_followers_of_an_outdated_leader_share_one_new_computation() -> None:
    things, answers = Things(), Answers()
    edge = Edge(things, answers)

    async def slowly() -> None:
        await asyncio.sleep(0.02)

    things.while_computing = slowly
    early = [asyncio.create_task(ask(edge)) for _ in range(5)]
    await asyncio.sleep(0.01)
    things.value = "second"
    answers.forget("thing:1")
    late = [asyncio.create_task(ask(edge)) for _ in range(5)]
    assert (await early[0]).body == b"first"  # it asked before the change
    assert {(await reply).body for reply in late} == {b"second"}
    assert things.calls == 2


async def test_under_constant_change_nobody_waits_for_more_than_two() -> None:
    things, answers = Things(), Answers()
    edge = Edge(things, answers)

    async def changing() -> None:
        await asyncio.sleep(0.01)
        answers.forget("thing:1")

    things.while_computing = changing
    replies = await asyncio.wait_for(asyncio.gather(*(ask(edge) for _ in range(20))), 1)
    assert {reply.status for reply in replies} == {200}
    assert things.calls == 2


async def test_what_a_route_does_not_keep_is_not_waited_for() -> None:
    things = Things()
    things.keeps = False
    edge = Edge(things, Answers())
    assert (await ask(edge)).headers["cache-control"] == "no-store"
    together = asyncio.Barrier(5)
    things.while_computing = together.wait  # type: ignore[assignment]
    await asyncio.wait_for(asyncio.gather(*(ask(edge) for _ in range(5))), 1)
    assert things.calls == 6


async def test_a_route_that_keeps_later_is_kept_then() -> None:
    things = Things()
    things.status, things.keeps = 404, False
    edge = Edge(things, Answers())
    assert (await ask(edge)).status == 404
    things.status, things.keeps = 200, True
    for _ in range(3):
        assert (await ask(edge)).status == 200
    assert things.calls == 2


async def test_a_very_long_query_is_answered_and_not_kept() -> None:
    things = Things()
    edge = Edge(things, Answers())
    for _ in range(2):
        assert (await ask(edge, query="x" * 3_000)).status == 200
    assert things.calls == 2


@pytest.mark.parametrize("status", [201, 404, 500])
async def test_only_200_is_kept(status: int) -> None:
    things = Things()
    things.status = status
    edge = Edge(things, Answers())
    await asyncio.gather(*(ask(edge) for _ in range(3)))
    assert (await ask(edge)).status == status
    assert things.calls == 4


async def test_a_cookie_made_for_one_is_given_to_nobody_else() -> None:
    things = Things()
    things.extra = [(b"set-cookie", b"a=b")]
    edge = Edge(things, Answers())
    assert "set-cookie" in (await ask(edge)).headers
    await ask(edge)
    assert things.calls == 2


async def test_when_the_leader_goes_away_another_takes_over() -> None:
    things = Things()
    edge = Edge(things, Answers())
    things.while_computing = lambda: asyncio.sleep(0.05)
    leader = asyncio.create_task(ask(edge))
    await asyncio.sleep(0)
    followers = [asyncio.create_task(ask(edge)) for _ in range(10)]
    await asyncio.sleep(0.01)
    leader.cancel()
    assert {(await follower).body for follower in followers} == {b"first"}
    assert things.calls == 2


async def test_memory_is_bounded_and_the_least_used_goes_first() -> None:
    things = Things()
    things.value = "x" * 1_000
    edge = Edge(things, Answers(capacity_bytes=10_000))  # room for three with what they cost
    for query in ("1", "2", "3"):
        await ask(edge, query=query)
    await ask(edge, query="1")
    assert things.calls == 3
    await ask(edge, query="4")  # 2 goes
    await ask(edge, query="1")
    assert things.calls == 4
    await ask(edge, query="2")
    assert things.calls == 5


async def test_what_is_too_large_to_keep_is_still_answered() -> None:
    things = Things()
    things.value = "x" * 20_000
    edge = Edge(things, Answers(capacity_bytes=10_000))
    assert len((await ask(edge)).body) == 20_000
    assert len((await ask(edge)).body) == 20_000
    assert things.calls == 2


async def test_a_request_id_is_taken_when_it_is_harmless() -> None:
    edge = Edge(Things(), Answers())
    assert (await ask(edge, headers={"X-Request-Id": "abc-1"})).headers["x-request-id"] == "abc-1"
    for bad in ("", "a b", "x" * 200, 'a"b'):
        given = (await ask(edge, headers={"X-Request-Id": bad})).headers["x-request-id"]
        assert UUID(given).version == 7


async def test_a_direct_route_goes_past_the_framework() -> None:
    async def direct(scope: Any, receive: Any, send: Any) -> None:
        body = await read_body(scope, receive, 10)
        await send({"type": "http.response.start", "status": 201, "headers": []})
        await send({"type": "http.response.body", "body": body})

    things = Things()
    edge = Edge(things, Answers(), direct={("POST", "/direct"): direct})
    reply = await ask(edge, "/direct", method="POST", body=[b"hel", b"lo"])
    assert (reply.status, reply.body) == (201, b"hello")
    assert reply.headers["cache-control"] == "no-store"
    assert UUID(reply.headers["x-request-id"])
    # Whoever is signed in, too; another method is the framework's business.
    signed_in = {"Authorization": "x"}
    reply = await ask(edge, "/direct", method="POST", body=[b"me"], headers=signed_in)
    assert reply.body == b"me"
    await ask(edge, "/direct")
    assert things.calls == 1

    for body in ([b"12345678901"], [b"123456", b"789012"]):
        reply = await ask(edge, "/direct", method="POST", body=body)
        assert reply.status == 413
        assert json.loads(reply.body)["code"] == "body_too_large"
    reply = await ask(edge, "/direct", method="POST", headers={"Content-Length": "11"})
    assert reply.status == 413


async def test_a_client_that_leaves_in_the_middle_of_its_body() -> None:
    messages: list[Message] = [
        {"type": "http.request", "body": b"ab", "more_body": True},
        {"type": "http.disconnect"},
    ]

    async def receive() -> Message:
        return messages.pop(0)

    with pytest.raises(Refused) as refused:
        await read_body({"headers": []}, receive, 100)
    assert refused.value.code.name == "malformed_request"


async def test_what_escapes_is_answered_as_a_problem() -> None:
    error: Exception = RuntimeError("a bug")

    async def failing(_scope: Any, _receive: Any, _send: Any) -> None:
        raise error

    edge = Edge(failing, Answers())
    with structlog.testing.capture_logs() as lines:
        reply = await ask(edge)
    problem = json.loads(reply.body)
    assert reply.status == problem["status"] == 500
    assert reply.headers["content-type"] == "application/problem+json"
    assert problem["code"] == "internal_error"
    assert problem["requestId"] == reply.headers["x-request-id"]
    assert "a bug" not in reply.body.decode()
    assert {"unhandled_error", "request"} == {line["event"] for line in lines}

    error = asyncpg.CannotConnectNowError("starting up")
    reply = await ask(edge)
    assert reply.status == 503
    assert reply.headers["retry-after"] == "1"


async def test_every_request_has_a_line_in_the_log() -> None:
    things = Things()
    edge = Edge(things, Answers())
    with structlog.testing.capture_logs() as lines:
        reply = await ask(edge, "/things")
        await ask(edge, "/things")
        things.status = 503
        await ask(edge, "/others", method="POST")
    assert [(line["method"], line["path"], line["status"]) for line in lines] == [
        ("GET", "/things", 200),
        ("GET", "/things", 200),
        ("POST", "/others", 503),
    ]
    assert [line["log_level"] for line in lines] == ["info", "info", "error"]
    assert lines[0]["request_id"] == reply.headers["x-request-id"]
    assert lines[0]["ms"] >= 0


async def test_a_broken_off_answer_is_logged_and_not_answered_twice() -> None:
    async def breaking(_scope: Any, _receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        raise RuntimeError("too late")

    with structlog.testing.capture_logs() as lines, pytest.raises(RuntimeError):
        await ask(Edge(breaking, Answers()))
    assert "answer_broke_off" in {line["event"] for line in lines}


async def test_with_the_framework_behind_it() -> None:
    calls = 0

    @get("/events")
    async def events(request: Request[Any, Any, Any]) -> Response[dict[str, int]]:
        nonlocal calls
        calls += 1
        keep(request, 30, ["events"], max_age=5)
        return Response({"calls": calls}, headers={"ETag": '"own"'})

    framework = Litestar([events], openapi_config=None)
    edge = Edge(framework, Answers())  # type: ignore[arg-type]
    first, second = await ask(edge, "/events"), await ask(edge, "/events")
    assert first.body == second.body == b'{"calls":1}'
    assert second.headers["content-length"] == "11"
    assert second.headers["etag"] != '"own"'
    assert second.headers["cache-control"] == "public, max-age=5"
    head = await ask(edge, "/events", method="HEAD")
    assert (head.status, head.body, head.headers["content-length"]) == (200, b"", "11")
