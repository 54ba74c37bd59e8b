"""Rate limits over HTTP: who is refused when, what every answer tells, and several processes."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import asyncpg
import httpx
import pytest
import pytest_asyncio
import structlog
from litestar import Litestar, Request, get, post

from fullhouse.api.answers import Answers
from fullhouse.api.edge import Edge
from fullhouse.api.errors import UNAUTHENTICATED
from fullhouse.api.exchange import keep
from fullhouse.api.limits import TIERS, USER, Limits, Tier, rate_of
from fullhouse.api.permissions import PUBLIC
from fullhouse.api.principal import Principal
from fullhouse.api.proxies import Proxies
from fullhouse.kit.errors import Refused
from fullhouse.kit.valkey import SharedWindows
from fullhouse.kit.windows import Rate, Windows
from tests.support.asgi import BASE_URL, bearer
from tests.support.valkey import ValkeyProcess, running_valkey

# Of the loop: enough for whatever can be done without an answer.
MANY_TURNS = 1_000

HOME = "203.0.113.9"
ELSEWHERE = "198.51.100.1"
ADA = bearer("ada")

PEOPLE = {"ada": Principal(UUID(int=1), "USER"), "bob": Principal(UUID(int=2), "USER")}


async def authenticate(token: str) -> Principal:
    """Two people have tokens."""
    if token == "broken":
        raise asyncpg.CannotConnectNowError("starting up")
    if token not in PEOPLE:
        raise Refused(UNAUTHENTICATED)
    return PEOPLE[token]


@dataclass
class House:
    """An application with limits, and how often its code was reached."""

    edge: Edge
    reached: list[str]

    async def ask(
        self, method: str, path: str, address: str = HOME, **options: Any
    ) -> httpx.Response:
        """One request from this address."""
        transport = httpx.ASGITransport(app=self.edge, client=(address, 4711))  # type: ignore[arg-type]
        async with httpx.AsyncClient(transport=transport) as client:
            return await client.request(method, f"{BASE_URL}{path}", **options)


def house(shared: SharedWindows | None = None, **rates: str) -> House:
    """An application in which nearly nothing is limited but what is named."""
    reached: list[str] = []

    @get("/api/v1/events", access=PUBLIC)
    async def events(request: Request[Any, Any, Any]) -> dict[str, int]:
        reached.append("events")
        keep(request, 60, ["events"])
        return {"number": len(reached)}

    @get(["/api/v1/me", "/health/ready"])
    async def others() -> str:
        reached.append("others")
        return "me"

    @post(["/api/v1/auth/login", "/api/v1/auth/refresh", "/api/v1/events", "/api/v1/bookings",
           "/api/v1/webhooks/stripe"])  # fmt: skip
    async def written() -> str:
        reached.append("written")
        return "written"

    async def direct(_scope: Any, _receive: Any, send: Any) -> None:
        reached.append("direct")
        await send({"type": "http.response.start", "status": 202, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    policies = {tier: rate_of(rates.get(tier.name, "1000 per hour")) for tier in TIERS}
    edge = Edge(
        Litestar([events, others, written], openapi_config=None),  # type: ignore[arg-type]
        Answers(),
        {("POST", "/api/v1/direct"): direct},
        authenticate=authenticate,
        limits=Limits(policies, shared, clock=lambda: 3.0),
        proxies=Proxies(["10.0.0.1"]),
    )
    return House(edge, reached)


async def test_a_refusal_says_why_and_until_when() -> None:
    it = house(auth="2 per minute")
    for _ in range(2):
        assert (await it.ask("POST", "/api/v1/auth/login")).status_code == 201
    with structlog.testing.capture_logs() as lines:
        reply = await it.ask("POST", "/api/v1/auth/login")
    assert len(it.reached) == 2
    assert reply.status_code == 429
    assert reply.headers["content-type"] == "application/problem+json"
    assert reply.headers["cache-control"] == "no-store"
    assert reply.headers["ratelimit-policy"] == '"auth";q=2;w=60'
    # Three seconds after the window began; in the next one the two have to fade first.
    assert reply.headers["retry-after"] == "58"
    assert reply.headers["ratelimit"] == '"auth";r=0;t=58'
    problem = reply.json()
    assert problem["code"] == "too_many_requests"
    assert problem["policy"] == "auth"
    assert problem["status"] == 429
    assert problem["requestId"] == reply.headers["x-request-id"]
    assert [(line["event"], line["status"]) for line in lines] == [("request", 429)]
    # Somebody else's attempts are their own, and the rest of the house is open.
    assert (await it.ask("POST", "/api/v1/auth/login", ELSEWHERE)).status_code == 201
    assert (await it.ask("POST", "/api/v1/auth/refresh")).status_code == 201
    assert (await it.ask("GET", "/api/v1/events")).status_code == 200


@pytest.mark.parametrize(
    "path",
    ["/api/v1/auth/login/", "//api/v1/auth/login", "/api//v1/auth//login", "/api/v1/%61uth/login",
     "/api/v1/auth%2Flogin"],
)  # fmt: skip
async def test_no_spelling_of_a_path_slips_by(path: str) -> None:
    it = house(auth="1 per minute")
    # The framework takes it for the same route; if it did not, nothing would have to be counted.
    assert (await it.ask("POST", path)).status_code == 201
    assert (await it.ask("POST", "/api/v1/auth/login")).status_code == 429
    assert (await it.ask("POST", path)).status_code == 429


async def test_a_caller_is_counted_wherever_they_are() -> None:
    it = house(user="2 per minute")
    for address in (HOME, ELSEWHERE):
        assert (await it.ask("GET", "/api/v1/me", address, headers=ADA)).status_code == 200
    reply = await it.ask("GET", "/api/v1/me", "192.0.2.1", headers=ADA)
    assert (reply.status_code, reply.json()["policy"]) == (429, "user")
    assert (await it.ask("GET", "/api/v1/me", headers=bearer("bob"))).status_code == 200


async def test_the_tiers_of_a_reservation() -> None:
    it = house(bookings="5 per minute", writes="100 per hour", user="200 per hour")
    reply = await it.ask("POST", "/api/v1/bookings", headers=ADA)
    assert reply.headers["ratelimit-policy"] == (
        '"bookings";q=5;w=60, "writes";q=100;w=3600, "user";q=200;w=3600, '
        '"authenticated";q=1000;w=3600'
    )
    assert reply.headers["ratelimit"].startswith('"bookings";r=4;t=57, "writes";r=99;t=3597, ')
    for _ in range(4):
        assert (await it.ask("POST", "/api/v1/bookings/", headers=ADA)).status_code == 201
    refused = await it.ask("POST", "/api/v1/bookings", headers=ADA)
    assert (refused.status_code, refused.json()["policy"]) == (429, "bookings")
    # The refused one counted nowhere else.
    reply = await it.ask("POST", "/api/v1/events", headers=ADA)
    assert reply.headers["ratelimit"].startswith('"writes";r=94;t=3597, "user";r=194;')


async def test_a_bad_token_is_no_visitor() -> None:
    it = house(authenticated="1 per minute", public="1 per minute")
    assert (await it.ask("GET", "/api/v1/me", headers=bearer("eve"))).status_code == 200
    reply = await it.ask("GET", "/api/v1/me", headers=bearer("mallory"))
    assert (reply.status_code, reply.json()["policy"]) == (429, "authenticated")
    assert (await it.ask("POST", "/api/v1/events")).status_code == 429
    assert (await it.ask("GET", "/api/v1/me")).status_code == 200
    reply = await it.ask("GET", "/api/v1/me")
    assert (reply.status_code, reply.json()["policy"]) == (429, "public")


async def test_what_is_not_limited() -> None:
    it = house(public="1 per hour", authenticated="1 per hour", auth="1 per hour")
    for method, path in (
        ("GET", "/health/ready"),
        ("GET", "/missing"),
        ("OPTIONS", "/api/v1/auth/login"),
        ("POST", "/api/v1/webhooks/stripe"),
    ):
        for _ in range(3):
            reply = await it.ask(method, path)
            assert reply.status_code in (200, 201, 204, 404, 405)
            assert "ratelimit" not in reply.headers


async def test_kept_answers_are_counted_and_keep_no_count() -> None:
    it = house(public="4 per minute")
    replies = [await it.ask("GET", "/api/v1/events") for _ in range(2)]
    etag = replies[0].headers["etag"]
    replies.append(await it.ask("GET", "/api/v1/events", headers={"If-None-Match": etag}))
    replies.append(await it.ask("HEAD", "/api/v1/events"))
    assert [reply.status_code for reply in replies] == [200, 200, 304, 200]
    left = [reply.headers.get_list("ratelimit") for reply in replies]
    assert left == [[f'"public";r={r};t=57'] for r in (3, 2, 1, 0)]
    assert {reply.headers["ratelimit-policy"] for reply in replies} == {'"public";q=4;w=60'}
    refused = await it.ask("GET", "/api/v1/events")
    assert (refused.status_code, refused.headers["cache-control"]) == (429, "no-store")
    assert it.reached == ["events"]
    # The refusal has taken the place of nothing.
    reply = await it.ask("GET", "/api/v1/events", ELSEWHERE)
    assert (reply.status_code, reply.headers["ratelimit"]) == (200, '"public";r=3;t=57')
    assert it.reached == ["events"]


async def test_direct_routes_are_counted() -> None:
    it = house(writes="1 per minute")
    reply = await it.ask("POST", "/api/v1/direct", headers=ADA)
    assert (reply.status_code, it.reached) == (202, ["direct"])
    assert reply.headers["ratelimit"].startswith('"writes";r=0;t=57, ')
    assert (await it.ask("POST", "/api/v1/direct", headers=ADA)).status_code == 429
    assert it.reached == ["direct"]


async def test_behind_a_proxy_the_client_is_counted() -> None:
    it = house(public="1 per minute")

    async def status(client: str, proxy: str = "10.0.0.1") -> int:
        told = {"X-Forwarded-For": client}
        return (await it.ask("GET", "/api/v1/me", proxy, headers=told)).status_code

    assert [await status(HOME), await status(HOME), await status(ELSEWHERE)] == [200, 429, 200]
    assert [await status("2001:db8::1"), await status("2001:db8::2")] == [200, 429]
    # Whoever is no proxy may write what they like.
    assert [await status(f"192.0.2.{i}", "192.0.2.100") for i in range(3)] == [200, 429, 429]


async def test_what_cannot_be_found_out_is_not_counted() -> None:
    it = house(authenticated="1 per minute")
    for _ in range(3):
        reply = await it.ask("GET", "/api/v1/me", headers=bearer("broken"))
        assert reply.status_code == 503
    assert (await it.ask("GET", "/api/v1/me", headers=ADA)).status_code == 200


async def test_without_limits_nothing_is_limited() -> None:
    app = Litestar([], openapi_config=None)
    it = House(Edge(app, Answers(), authenticate=authenticate), [])  # type: ignore[arg-type]
    for _ in range(20):
        reply = await it.ask("POST", "/api/v1/auth/login")
        assert reply.status_code == 404
        assert "ratelimit-policy" not in reply.headers


@pytest.fixture(scope="module")
def valkey() -> Iterator[ValkeyProcess]:
    """A server for this module's tests."""
    with running_valkey() as process:
        yield process


@pytest_asyncio.fixture
async def processes(valkey: ValkeyProcess) -> AsyncIterator[tuple[SharedWindows, SharedWindows]]:
    """What two server processes would have: each its own connections to the same Valkey."""
    with valkey.client() as client:
        client.flushall()
    # However busy the machine is, this server is never taken for one that hangs.
    one, other = (SharedWindows(valkey.url, patience_seconds=10) for _ in range(2))
    yield one, other
    await one.close()
    await other.close()


async def test_two_processes_count_together(
    processes: tuple[SharedWindows, SharedWindows],
) -> None:
    # A window of a year does not end in the middle of this.
    houses = [house(shared, bookings="20 per year") for shared in processes]
    replies = await asyncio.gather(
        *(houses[number % 2].ask("POST", "/api/v1/bookings", headers=ADA) for number in range(60))
    )
    assert sorted(reply.status_code for reply in replies) == [201] * 20 + [429] * 40
    assert len(houses[0].reached) + len(houses[1].reached) == 20
    left = {
        int(reply.headers["ratelimit"].split(";")[1].removeprefix("r="))
        for reply in replies
        if reply.status_code == 201
    }
    assert left == set(range(20))
    # The control: each for itself, they let twice as many pass.
    alone = [house(bookings="20 per year") for _ in processes]
    replies = [await alone[n % 2].ask("POST", "/api/v1/bookings", headers=ADA) for n in range(60)]
    assert sum(reply.status_code == 201 for reply in replies) == 40


async def test_both_ways_of_counting_agree(
    processes: tuple[SharedWindows, SharedWindows], valkey: ValkeyProcess
) -> None:
    one, _ = processes
    year = 12 * 30 * 86_400
    rate = Rate(1_000, year)
    with valkey.client() as client:
        seconds, micros = client.time()
        window, elapsed_ms = divmod(seconds * 1_000 + micros // 1_000, year * 1_000)
        # As if a hundred had come in the window before, and seven in this one.
        client.set("both", f"{window} 100 7")
        client.set("before", f"{window - 1} 5 100")
        client.set("long ago", f"{window - 2} 5 100")
        counts = await one.take([("both", rate), ("before", rate), ("long ago", rate)])
        assert counts is not None
        assert client.get("both").decode() == f"{window} 100 8"
        assert client.get("before").decode() == f"{window} 100 1"
        assert client.get("long ago").decode() == f"{window} 0 1"
        # It goes by itself once it no longer counts.
        assert 0 < client.pttl("both") <= 2 * year * 1_000 - elapsed_ms

    clock = [float(year)]
    memory = Windows(rate, clock=lambda: clock[0])
    for _ in range(100):
        memory.take("before")
    clock[0] = 2 * year + elapsed_ms / 1_000
    expected = memory.take("before")
    # A hundred fade by one in 86 hours: once in a blue moon just now.
    assert abs(counts[1].remaining - expected.remaining) <= 1
    assert counts[0].remaining == counts[1].remaining - 7
    assert counts[2].remaining == 999
    assert abs(counts[1].seconds - expected.seconds) < 3_600


async def test_counting_ends_at_the_first_refusal(
    processes: tuple[SharedWindows, SharedWindows], valkey: ValkeyProcess
) -> None:
    one, other = processes
    narrow, wide = Rate(1, 31_104_000), Rate(100, 31_104_000)
    wanted = [("a", wide), ("b", narrow), ("c", wide)]
    assert [c.allowed for c in await one.take(wanted) or []] == [True, True, True]
    counts = await other.take(wanted) or []
    assert [count.allowed for count in counts] == [True, False]
    assert counts[1].seconds > 1
    with valkey.client() as client:
        kept = [client.get(key).split()[2] for key in "abc"]
    assert kept == [b"2", b"1", b"1"]


async def test_a_changed_limit_counts_anew(
    processes: tuple[SharedWindows, SharedWindows],
) -> None:
    one, other = processes
    ada = PEOPLE["ada"]

    async def refused(shared: SharedWindows, text: str) -> bool:
        tiers: dict[Tier, Rate] = {USER: rate_of(text)}
        return (await Limits(tiers, shared).take((USER,), HOME, ada)).refused is not None

    assert [await refused(one, "1 per year") for _ in range(2)] == [False, True]
    assert [await refused(other, "2 per year") for _ in range(3)] == [False, False, True]


async def test_more_than_fits_into_one_script(
    processes: tuple[SharedWindows, SharedWindows],
) -> None:
    rate = Rate(1_000, 31_104_000)
    one, _ = processes
    counts = await asyncio.gather(*(one.take([("a", rate)]) for _ in range(1_500)))
    allowed = [count[0].allowed for count in counts if count is not None]
    assert len(allowed) == 1_500
    assert sum(allowed) == 1_000


@pytest.mark.parametrize("when", ["before it is sent", "after it is sent"])
async def test_who_goes_away_hinders_nobody(
    processes: tuple[SharedWindows, SharedWindows], valkey: ValkeyProcess, when: str
) -> None:
    one, _ = processes
    rate = Rate(1_000, 31_104_000)
    await one.take([("connect", rate)])
    valkey.freeze()
    tasks = [asyncio.create_task(one.take([("a", rate)])) for _ in range(60)]
    for _ in range(1 if when.startswith("before") else MANY_TURNS):
        await asyncio.sleep(0)
    for task in tasks[::2]:
        task.cancel()
    valkey.thaw()
    with structlog.testing.capture_logs() as lines:
        counts = await asyncio.gather(*tasks, return_exceptions=True)
        assert all(isinstance(count, asyncio.CancelledError) for count in counts[::2])
        assert all(isinstance(count, list) for count in counts[1::2])
        # And what it asked for later is answered, too.
        assert await one.take([("a", rate)]) is not None
    assert lines == []
    with valkey.client() as client:
        counted = int(client.get("a").split()[2])
    assert counted == (31 if when.startswith("before") else 61)


async def test_health_is_asked_of_valkey_itself(valkey: ValkeyProcess) -> None:
    shared = SharedWindows(valkey.url, patience_seconds=10)
    await shared.check()
    await shared.close()
    nobody = SharedWindows(f"{valkey.url}-nobody")
    with pytest.raises(Exception, match="Error 2 connecting"):
        await nobody.check()
    await nobody.close()


@pytest.mark.parametrize("url", ["", "http://127.0.0.1:6379", "127.0.0.1:6379", "memory://"])
def test_an_address_that_is_none_of_valkeys_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="Valkey URL must specify"):
        SharedWindows(url)
