"""The layer in front of the framework: ids, headers, kept answers, direct routes, escapes."""

import asyncio
import contextvars
import json
from typing import Any
from uuid import UUID

import asyncpg
import pytest
import structlog
from litestar import Litestar, Request, Response, get

from fullhouse.api.answers import Answers
from fullhouse.api.browsers import Cors
from fullhouse.api.context import client_address
from fullhouse.api.edge import Edge
from fullhouse.api.errors import FORBIDDEN, UNAUTHENTICATED
from fullhouse.api.exchange import Message, keep
from fullhouse.api.paths import public_paths
from fullhouse.api.permissions import PUBLIC, SIGNED_IN
from fullhouse.api.principal import SCOPE_KEY, ApiKey, Principal
from fullhouse.api.proxies import Proxies
from fullhouse.api.requests import read_body
from fullhouse.kit.errors import Refused
from fullhouse.kit.ids import new_id
from tests.support.things import Clock, Reply, ScopedRequest, Things, ask

PAGE = "https://tickets.example"
OTHER_PAGE = "https://other.example"
ON_EVERY_ANSWER = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "x-frame-options": "DENY",
    "content-security-policy": (
        "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-site",
    "permissions-policy": "camera=(), display-capture=(), geolocation=(), microphone=(), "
    "payment=(), usb=()",
}


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
    assert second.headers["vary"] == "accept-encoding, authorization"
    assert second.headers["x-content-type-options"] == "nosniff"
    assert first.headers["x-request-id"] != second.headers["x-request-id"]


async def test_each_query_has_its_own_answer() -> None:
    things = Things()
    edge = Edge(things, Answers())
    for query in ("page=1", "page=2", "page=1"):
        await ask(edge, query=query)
    assert things.calls == 2


async def test_what_somebody_may_see_alone_is_neither_kept_nor_given() -> None:
    things = Things()
    edge = Edge(things, Answers())
    private = await ask(edge, headers={"Authorization": "x"})
    assert private.headers["cache-control"] == "no-store"
    await ask(edge)
    await ask(edge, headers={"Authorization": "x"})
    assert things.calls == 3


@get("/api.v1/things/{thing_id:uuid}", access=PUBLIC)
async def thing(thing_id: UUID) -> None:
    """What anybody may read."""


@get("/api.v1/things/{thing_id:uuid}/secrets", access=SIGNED_IN)
async def secrets(thing_id: UUID) -> None:
    """What nobody else may."""


@pytest.mark.parametrize(
    ("caller", "is_stranger"),
    [
        (Principal(UUID(int=1), "USER"), True),
        (Principal(UUID(int=1), "ORGANIZER"), True),
        (Principal(UUID(int=1), "EDITOR"), False),
        (Principal(UUID(int=1), "ADMIN"), False),
        (Principal(UUID(int=1), "USER", {UUID(int=2): "scanner"}), False),
        (Principal(UUID(int=1), "", key=ApiKey(UUID(int=2), frozenset())), False),
    ],
    ids=["user", "organizer of nothing", "editor", "admin", "member", "key"],
)
async def test_what_is_public_is_kept_for_strangers_who_are_signed_in(
    caller: Principal, is_stranger: bool
) -> None:
    async def authenticate(_token: str) -> Principal:
        return caller

    things = Things()
    public = public_paths(Litestar([thing, secrets], openapi_config=None).routes)
    edge = Edge(things, Answers(), authenticate=authenticate, public=public)
    signed_in, path = {"Authorization": "Bearer x"}, f"/api.v1/things/{new_id()}"
    await ask(edge, path)
    for _ in range(2):
        reply = await ask(edge, path, headers=signed_in)
        kept = "public, max-age=60" if is_stranger else "no-store"
        assert reply.headers["cache-control"] == kept
    assert things.calls == (1 if is_stranger else 3)
    # Nothing else is anybody's but theirs, however it looks.
    before = things.calls
    for other in (f"{path}/secrets", f"{path}/", "/api.v1/things/", path.replace(".", "-")):
        for _ in range(2):
            reply = await ask(edge, other, headers=signed_in)
            assert reply.headers["cache-control"] == "no-store"
    assert things.calls == before + 8


def test_only_what_is_public_may_be_kept() -> None:
    with pytest.raises(TypeError, match="only what is public"):
        keep(ScopedRequest({"route_handler": secrets}), 60, ["things"])


async def test_a_cookie_is_no_reason_to_compute_a_read_again() -> None:
    things = Things()
    edge = Edge(things, Answers())
    for cookie in ("a=b", "a=c"):
        reply = await ask(edge, headers={"Cookie": cookie})
        assert reply.headers["cache-control"] == "public, max-age=60"
    assert things.calls == 1


@pytest.mark.parametrize("path", ["/api/v1/auth/google", "//api/v1//auth/google/"])
async def test_a_way_in_is_neither_kept_nor_shared(path: str) -> None:
    things = Things()
    edge = Edge(things, Answers())
    # All of them have to be in the application at once.
    things.while_computing = asyncio.Barrier(5).wait  # type: ignore[assignment]
    replies = await asyncio.wait_for(asyncio.gather(*(ask(edge, path) for _ in range(5))), 10)
    assert things.calls == 5
    assert {reply.headers["cache-control"] for reply in replies} == {"no-store"}


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
    # Nor to those who wait for the same at the same time.
    made = 0

    async def one_more() -> None:
        nonlocal made
        made += 1
        things.extra = [(b"Set-Cookie", f"number={made}".encode())]
        await asyncio.sleep(0)

    things.while_computing = one_more
    replies = await asyncio.gather(*(ask(edge) for _ in range(5)))
    assert things.calls == 7
    assert all("Set-Cookie" in reply.headers for reply in replies)


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


async def test_a_direct_route_may_be_of_one_thing() -> None:
    asked: list[object] = []

    async def direct(scope: Any, receive: Any, send: Any) -> None:
        asked.append(scope["path_params"])
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"direct"})

    things = Things()
    edge = Edge(things, Answers(), direct={("GET", "/a.b/{thing_id}/c"): direct})
    one = new_id()
    for way in ("GET", "HEAD"):
        await ask(edge, f"/a.b/{one}/c", method=way)
    assert asked == [{"thing_id": str(one)}] * 2
    # What looks otherwise is the framework's to take or to refuse.
    others = [
        f"/a.b/{str(one).upper()}/c",
        f"/a.b/{one.hex}/c",
        f"/a.b/{one}/c/",
        f"/a.b/{one}/c\n",
        f"/a.b/{one}",
        f"/aab/{one}/c",
        f"/a.b/{one}/{one}/c",
    ]
    for path in others:
        await ask(edge, path)
    await ask(edge, f"/a.b/{one}/c", method="POST")
    assert (len(asked), things.calls) == (2, len(others) + 1)


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

    @get("/events", access=PUBLIC)
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


class Door:
    """Knows one token, and counts how often it is asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.error: Exception | None = None
        self.ada = Principal(UUID(int=1), "USER")

    async def __call__(self, token: str) -> Principal:
        self.asked.append(token)
        if self.error is not None:
            raise self.error
        if token != "ada":
            raise Refused(UNAUTHENTICATED)
        return self.ada


async def test_the_caller_is_found_out_once_and_left_for_the_routes() -> None:
    things, door = Things(), Door()
    edge = Edge(things, Answers(), authenticate=door)
    for method in ("GET", "HEAD", "POST"):
        await ask(edge, method=method, headers={"Authorization": "Bearer ada"})
        assert things.scope[SCOPE_KEY] is door.ada
    assert door.asked == ["ada"] * 3
    await ask(edge, method="POST")
    assert SCOPE_KEY not in things.scope
    assert len(door.asked) == 3


@pytest.mark.parametrize(
    "authorization", ["Bearer eve", "Bearer", "Bearer ", "Basic YWRhOmFkYQ==", "ada", ""]
)
async def test_a_bad_token_is_left_as_its_refusal(authorization: str) -> None:
    things = Things()
    edge = Edge(things, Answers(), authenticate=Door())
    # Whether that matters is for the route to say.
    assert (await ask(edge, headers={"Authorization": authorization})).status == 200
    assert things.scope[SCOPE_KEY].code is UNAUTHENTICATED


async def test_two_authorization_headers_stand_for_nobody() -> None:
    things = Things()
    edge = Edge(things, Answers(), authenticate=Door())
    twice = [("Authorization", "Bearer ada"), ("Authorization", "Bearer ada")]
    await ask(edge, headers=twice)
    assert isinstance(things.scope[SCOPE_KEY], Refused)


async def test_trouble_in_finding_out_the_caller_is_answered_as_such() -> None:
    things, door = Things(), Door()
    edge = Edge(things, Answers(), authenticate=door)
    signed_in = {"Authorization": "Bearer ada"}
    for error, status, code in (
        (asyncpg.CannotConnectNowError("starting up"), 503, "temporarily_unavailable"),
        (Refused(FORBIDDEN), 403, "forbidden"),
        (RuntimeError("a bug"), 500, "internal_error"),
    ):
        door.error = error
        reply = await ask(edge, headers=signed_in)
        assert (reply.status, json.loads(reply.body)["code"]) == (status, code)
        assert reply.headers["content-type"] == "application/problem+json"
    assert things.calls == 0


async def test_the_real_client_is_told_to_everybody_behind() -> None:
    things = Things()
    edge = Edge(things, Answers(), proxies=Proxies.parse("10.0.0.0/8, unix"))
    told = {"X-Forwarded-For": "198.51.100.1", "X-Forwarded-Proto": "https"}
    for method in ("POST", "HEAD"):
        for peer in ("10.0.0.1", None):
            await ask(edge, f"/{peer}", method=method, headers=told, peer=peer)
            assert things.scope["client"] == ("198.51.100.1", 0)
            assert things.scope["scheme"] == "https"
            assert things.address == "198.51.100.1"
    await ask(edge, method="POST", headers=told)
    assert things.scope["client"] == ("203.0.113.9", 4711)
    assert (things.scope["scheme"], things.address) == ("http", "203.0.113.9")
    await ask(edge, method="POST", peer=None)
    assert (things.scope["client"], things.address) == (None, "local")
    assert contextvars.Context().run(client_address) == ""


async def test_several_forwarded_headers_are_one_list() -> None:
    things = Things()
    edge = Edge(things, Answers(), proxies=Proxies.parse("10.0.0.0/8"))
    told = [("X-Forwarded-For", "1.1.1.1"), ("X-Forwarded-For", "198.51.100.1, 10.0.0.2")]
    await ask(edge, method="POST", headers=told, peer="10.0.0.1")
    assert things.address == "198.51.100.1"


async def test_every_answer_has_the_security_headers() -> None:
    async def failing(_scope: Any, _receive: Any, _send: Any) -> None:
        raise RuntimeError("a bug")

    @get("/events", access=PUBLIC)
    async def events() -> str:
        return "events"

    things = Things()
    kept = Edge(things, Answers(), {("POST", "/direct"): failing}, cors=Cors([PAGE]))
    framework = Edge(Litestar([events], openapi_config=None), Answers())  # type: ignore[arg-type]
    first = await ask(kept)
    replies = [
        first,
        await ask(kept),
        await ask(kept, headers={"If-None-Match": first.headers["etag"]}),
        await ask(kept, method="HEAD"),
        await ask(kept, method="POST"),
        await ask(kept, "/direct", method="POST"),
        await ask(kept, method="OPTIONS", headers=preflight(PAGE)),
        await ask(framework, "/events"),
        await ask(framework, "/missing"),
    ]
    assert [reply.status for reply in replies] == [200, 200, 304, 200, 200, 500, 204, 200, 404]
    for reply in replies:
        assert ON_EVERY_ANSWER.items() <= reply.headers.items()
        assert "strict-transport-security" not in reply.headers


async def test_a_route_may_have_its_own_policy() -> None:
    things = Things()
    things.extra = [(b"content-security-policy", b"default-src 'self'")]
    edge = Edge(things, Answers())
    etag = (await ask(edge)).headers["etag"]
    for headers in ({}, {"If-None-Match": etag}, {"Authorization": "x"}):
        reply = await ask(edge, headers=headers)
        assert reply.headers["content-security-policy"] == "default-src 'self'"
        assert reply.headers["x-frame-options"] == "DENY"


async def test_strict_transport_is_asked_for_over_tls_only() -> None:
    things = Things()
    edge = Edge(things, Answers(), proxies=Proxies.parse("10.0.0.1"))
    over_tls = {"X-Forwarded-Proto": "https"}
    for headers, peer, scheme, strict in (
        (over_tls, "10.0.0.1", "http", True),
        ({}, "10.0.0.1", "http", False),
        (over_tls, "203.0.113.9", "http", False),
        ({}, "203.0.113.9", "https", True),
    ):
        reply = await ask(edge, headers=headers, peer=peer, scheme=scheme)
        told = reply.headers.get("strict-transport-security")
        assert told == ("max-age=63072000; includeSubDomains" if strict else None)
    assert things.calls == 1  # one kept answer for all of them


def preflight(origin: str) -> dict[str, str]:
    """What a browser asks before a page of this origin may send."""
    return {"Origin": origin, "Access-Control-Request-Method": "POST"}


def cors_headers(reply: Reply) -> dict[str, str]:
    """What the answer says to browsers about other pages."""
    return {k: v for k, v in reply.headers.items() if k.startswith("access-control-")}


async def test_a_listed_page_may_call() -> None:
    things = Things()
    edge = Edge(things, Answers(), cors=Cors.parse(f"{PAGE}, http://localhost:5173"))
    reply = await ask(edge, method="OPTIONS", headers=preflight(PAGE))
    assert (reply.status, reply.body, things.calls) == (204, b"", 0)
    told = cors_headers(reply)
    assert told["access-control-allow-origin"] == PAGE
    assert told["access-control-allow-credentials"] == "true"
    assert told["access-control-allow-methods"] == "GET, HEAD, POST, PUT, PATCH, DELETE"
    assert told["access-control-max-age"] == "600"
    assert set(told["access-control-allow-headers"].split(", ")) == {
        "Authorization", "Content-Type", "Idempotency-Key", "If-None-Match", "X-Request-Id",
        "X-Requested-With",
    }  # fmt: skip
    reply = await ask(edge, method="POST", headers={"Origin": PAGE})
    exposed = cors_headers(reply).pop("access-control-expose-headers")
    assert {"ETag", "Idempotent-Replayed", "RateLimit", "RateLimit-Policy", "Retry-After",
            "X-Request-Id", "Location"} == set(exposed.split(", "))  # fmt: skip
    assert reply.headers["access-control-allow-origin"] == PAGE
    assert reply.headers["access-control-allow-credentials"] == "true"
    assert reply.headers["vary"] == "origin"


async def test_other_pages_may_not() -> None:
    things = Things()
    edge = Edge(things, Answers(), cors=Cors([PAGE]))
    reply = await ask(edge, method="OPTIONS", headers=preflight(OTHER_PAGE))
    assert (reply.status, cors_headers(reply), things.calls) == (204, {}, 0)
    assert reply.headers["vary"] == "origin"
    for headers in ({"Origin": OTHER_PAGE}, {"Origin": "null"}, {}):
        reply = await ask(edge, method="POST", headers=headers)
        assert cors_headers(reply) == {}
        assert reply.headers["vary"] == "origin"


async def test_without_a_list_the_framework_answers_options() -> None:
    things = Things()
    edge = Edge(things, Answers())
    reply = await ask(edge, method="OPTIONS", headers=preflight(PAGE))
    assert (cors_headers(reply), things.calls) == ({}, 1)
    assert "vary" not in reply.headers
    # With one, what asks for no other method is a request like any other.
    await ask(
        Edge(things, Answers(), cors=Cors([PAGE])), method="OPTIONS", headers={"Origin": PAGE}
    )
    assert things.calls == 2


async def test_a_kept_answer_tells_each_page_its_own() -> None:
    things = Things()
    edge = Edge(things, Answers(), cors=Cors([PAGE, OTHER_PAGE]))
    etag = (await ask(edge, headers={"Origin": PAGE})).headers["etag"]
    for origin in (OTHER_PAGE, PAGE, None, "https://third.example"):
        listed = origin in (PAGE, OTHER_PAGE)
        for more in ({}, {"If-None-Match": etag}):
            reply = await ask(edge, headers=more | ({"Origin": origin} if origin else {}))
            allowed = reply.headers.get("access-control-allow-origin")
            assert allowed == (origin if listed else None)
            assert reply.headers["vary"] == "accept-encoding, authorization, origin"
    assert things.calls == 1


async def test_a_page_can_read_what_went_wrong() -> None:
    door = Door()
    door.error = asyncpg.CannotConnectNowError("starting up")
    edge = Edge(Things(), Answers(), authenticate=door, cors=Cors([PAGE]))
    reply = await ask(edge, headers={"Origin": PAGE, "Authorization": "Bearer ada"})
    assert reply.status == 503
    assert reply.headers["access-control-allow-origin"] == PAGE


@pytest.mark.parametrize("kind", ["websocket", "lifespan"])
async def test_other_connections_pass_through(kind: str) -> None:
    given: list[Any] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        given.extend((dict(scope), receive, send))

    async def nothing(*_arguments: Any) -> Any: ...

    scope = {"type": kind, "path": "/socket", "client": ("10.0.0.1", 1), "headers": []}
    edge = Edge(app, Answers(), authenticate=Door(), proxies=Proxies.parse("10.0.0.1"))
    await edge(scope, nothing, nothing)
    assert given == [scope, nothing, nothing]
