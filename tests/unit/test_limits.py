"""Rate limits: which requests count in which tiers, what is told, and what a setting may say."""

from collections.abc import Sequence
from uuid import UUID

import pytest

from fullhouse.api.limits import (
    AUTH,
    AUTHENTICATED,
    BOOKINGS,
    PUBLIC,
    TIERS,
    USER,
    WRITES,
    Limits,
    Tier,
    plain_path,
    rate_of,
    tiers_of,
)
from fullhouse.api.principal import Principal
from fullhouse.kit.windows import Count, Rate

CALLER = Principal(UUID(int=7), "USER")
RATES = {tier: Rate(100, 60) for tier in TIERS}


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("OPTIONS", "/api/v1/events"),
        ("OPTIONS", "/api/v1/auth/login"),
        ("GET", "/"),
        ("GET", "/api/v1"),
        ("GET", "/api/v10/events"),
        ("GET", "/health/ready"),
        ("GET", "/docs"),
        ("GET", "/openapi.json"),
        ("GET", "/metrics"),
        ("POST", "/api/v1/webhooks/stripe"),
    ],
)
@pytest.mark.parametrize("principal", [None, CALLER])
def test_what_is_not_limited(method: str, path: str, principal: Principal | None) -> None:
    assert tiers_of(method, path, principal is not None, principal) == ()


@pytest.mark.parametrize("path", ["login", "register", "otp/verify", "google", "sessionsx", "me/x"])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_attempts_to_get_in(method: str, path: str) -> None:
    path = f"/api/v1/auth/{path}"
    assert tiers_of(method, path, False, None) == (AUTH,)
    assert tiers_of(method, path, True, None) == (AUTH,)  # a bad token is no proof
    of_caller = (AUTH, USER) if method == "GET" else (AUTH, WRITES, USER)
    assert tiers_of(method, path, True, CALLER) == of_caller


@pytest.mark.parametrize("path", ["me", "sessions", "sessions/1", "refresh", "logout"])
def test_what_uses_a_proof_given_before_is_no_attempt(path: str) -> None:
    path = f"/api/v1/auth/{path}"
    assert tiers_of("GET", path, False, None) == (PUBLIC,)
    assert tiers_of("POST", path, False, None) == (AUTHENTICATED,)
    assert tiers_of("GET", path, True, None) == (AUTHENTICATED,)
    assert tiers_of("GET", path, True, CALLER) == (USER, AUTHENTICATED)
    assert tiers_of("DELETE", path, True, CALLER) == (WRITES, USER, AUTHENTICATED)


@pytest.mark.parametrize(
    ("method", "has_header", "tier"),
    [
        ("GET", False, PUBLIC),
        ("HEAD", False, PUBLIC),
        ("GET", True, AUTHENTICATED),
        ("HEAD", True, AUTHENTICATED),
        ("POST", False, AUTHENTICATED),
        ("POST", True, AUTHENTICATED),
        ("get", False, AUTHENTICATED),  # methods are case-sensitive: this is none that reads
    ],
)
def test_strangers(method: str, has_header: bool, tier: Tier) -> None:
    assert tiers_of(method, "/api/v1/events", has_header, None) == (tier,)
    assert tiers_of(method, "/api/v1/bookings", has_header, None) == (tier,)


@pytest.mark.parametrize(
    ("method", "path", "tiers"),
    [
        ("GET", "/api/v1/events", (USER, AUTHENTICATED)),
        ("HEAD", "/api/v1/events", (USER, AUTHENTICATED)),
        ("PATCH", "/api/v1/events/1", (WRITES, USER, AUTHENTICATED)),
        ("GET", "/api/v1/bookings", (USER, AUTHENTICATED)),
        ("POST", "/api/v1/bookings/1/confirm", (WRITES, USER, AUTHENTICATED)),
        ("POST", "/api/v1/bookings", (BOOKINGS, WRITES, USER, AUTHENTICATED)),
        ("POST", "/api/v1/showtimes/1/best-available", (USER, AUTHENTICATED)),
        ("PUT", "/api/v1/showtimes/1/best-available", (WRITES, USER, AUTHENTICATED)),
        ("POST", "/api/v1/showtimes/1/cancel", (WRITES, USER, AUTHENTICATED)),
        ("POST", "/api/v1/events/best-available", (WRITES, USER, AUTHENTICATED)),
    ],
)
def test_callers(method: str, path: str, tiers: tuple[Tier, ...]) -> None:
    assert tiers_of(method, path, True, CALLER) == tiers


def test_strangers_who_ask_for_seats_read() -> None:
    path = "/api/v1/showtimes/1/best-available"
    assert tiers_of("POST", path, False, None) == (PUBLIC,)
    assert tiers_of("POST", path, True, None) == (AUTHENTICATED,)


@pytest.mark.parametrize(
    ("path", "plain"),
    [
        ("/api/v1/events", "/api/v1/events"),
        ("//api/v1//auth///login", "/api/v1/auth/login"),
        ("/api/v1/bookings/", "/api/v1/bookings"),
        ("/", "/"),
        ("", ""),
    ],
)
def test_paths_are_looked_at_as_the_framework_looks_them_up(path: str, plain: str) -> None:
    assert plain_path(path) == plain


def test_only_what_guards_a_way_in_is_closed() -> None:
    assert [tier.name for tier in TIERS if tier.closed] == ["auth"]


@pytest.mark.parametrize(
    ("text", "rate"),
    [
        ("10 per 15 minutes", Rate(10, 900)),
        ("5/minute", Rate(5, 60)),
        ("1000 per hour", Rate(1000, 3600)),
        ("1 per 2 days", Rate(1, 172_800)),
    ],
)
def test_a_setting_says_a_rate(text: str, rate: Rate) -> None:
    assert rate_of(text) == rate


@pytest.mark.parametrize(
    "text",
    ["", "often", "10", "per hour", "ten per hour", "-1 per hour", "5 per fortnight", "0 per hour",
     "1 per second; 5 per hour"],
)  # fmt: skip
def test_a_bad_setting_is_told(text: str) -> None:
    with pytest.raises(ValueError, match="is no limit such as") as error:
        rate_of(text)
    assert repr(text) in str(error.value)


async def test_a_refused_request_counts_in_no_tier_after() -> None:
    limits = Limits(RATES | {WRITES: Rate(1, 60)}, clock=lambda: 3.0)
    tiers = (BOOKINGS, WRITES, USER)
    assert (await limits.take(tiers, "203.0.113.1", CALLER)).refused is None
    refused = (await limits.take(tiers, "203.0.113.1", CALLER)).refused
    assert refused is not None
    assert refused.code.name == "too_many_requests"
    assert refused.members == {"policy": "writes"}
    verdict = await limits.take((BOOKINGS, USER), "203.0.113.1", CALLER)
    told = dict(verdict.headers)[b"ratelimit"]
    # Narrower than the one that refused: it counted there; wider: it did not.
    assert told == b'"bookings";r=97;t=57, "user";r=98;t=57'


async def test_what_is_told() -> None:
    limits = Limits(
        RATES | {BOOKINGS: Rate(5, 60), USER: Rate(4, 900)},
        clock=lambda: 3.0,
    )
    tiers = (BOOKINGS, WRITES, USER, AUTHENTICATED)
    told = dict((await limits.take(tiers, "203.0.113.1", CALLER)).headers)
    assert told[b"ratelimit-policy"] == (
        b'"bookings";q=5;w=60, "writes";q=100;w=60, "user";q=4;w=900, "authenticated";q=100;w=60'
    )
    assert told[b"ratelimit"] == (
        b'"user";r=3;t=897, "bookings";r=4;t=57, "writes";r=99;t=57, "authenticated";r=99;t=57'
    )


async def test_who_is_refused_is_told_that_first() -> None:
    limits = Limits(RATES | {WRITES: Rate(1, 60), BOOKINGS: Rate(2, 60)}, clock=lambda: 3.0)
    tiers = (BOOKINGS, WRITES, USER)
    await limits.take(tiers, "203.0.113.1", CALLER)
    verdict = await limits.take(tiers, "203.0.113.1", CALLER)
    # Both have nothing left; the one that refused comes first, and no later one was looked at.
    assert dict(verdict.headers)[b"ratelimit"] == b'"writes";r=0;t=58, "bookings";r=0;t=57'
    assert verdict.refused is not None
    assert verdict.refused.retry_after_seconds == 58


async def test_addresses_are_counted_by_customer_and_callers_by_themselves() -> None:
    async def left(address: str, tier: Tier, caller: Principal | None = None) -> bytes:
        return dict((await limits.take((tier,), address, caller)).headers)[b"ratelimit"]

    limits = Limits(RATES, clock=lambda: 0.0)
    assert await left("2001:db8::1", PUBLIC) == b'"public";r=99;t=60'
    assert await left("2001:db8::2", PUBLIC) == b'"public";r=98;t=60'
    assert await left("2001:db8:0:1::1", PUBLIC) == b'"public";r=99;t=60'
    assert await left("203.0.113.1", USER, CALLER) == b'"user";r=99;t=60'
    assert await left("203.0.113.2", USER, CALLER) == b'"user";r=98;t=60'
    assert await left("203.0.113.2", USER, Principal(UUID(int=8), "USER")) == b'"user";r=99;t=60'


class Elsewhere:
    """Counters that other processes share, or none at the moment."""

    def __init__(self) -> None:
        self.is_away = False
        self.asked: list[str] = []

    async def take(self, counters: Sequence[tuple[str, Rate]]) -> list[Count] | None:
        if self.is_away:
            return None
        self.asked += [key for key, _ in counters]
        return [Count(True, 42, 10.0) for _ in counters]


async def test_shared_counters_are_used_while_they_are_there() -> None:
    elsewhere = Elsewhere()
    limits = Limits(RATES | {AUTH: Rate(10, 900)}, elsewhere, clock=lambda: 0.0)
    told = (await limits.take((AUTH,), "2001:db8::1", None)).headers[1]
    assert told == (b"ratelimit", b'"auth";r=42;t=10')
    assert elsewhere.asked == ["fullhouse:limit:auth:10/900:2001:db8::/64"]

    elsewhere.is_away = True
    told = (await limits.take((PUBLIC,), "2001:db8::1", None)).headers[1]
    assert told == (b"ratelimit", b'"public";r=99;t=60')
    assert (await limits.take((AUTH,), "2001:db8::1", None)).refused is None
    refused = (await limits.take((AUTH,), "2001:db8::1", None)).refused
    assert refused is not None
    assert refused.retry_after_seconds == 90
