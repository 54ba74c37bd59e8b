"""Rate limits: which requests count where, and what a client is told of it.

A request is counted in each of its tiers, the narrowest first, and in none after the first that
refuses. With Valkey all processes count together; while it is away each counts for itself, and the
tiers that guard a way in let nobody hurry.
"""

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from limits import parse_many

from fullhouse.api.answers import Headers
from fullhouse.api.errors import TOO_MANY_REQUESTS
from fullhouse.api.principal import Principal
from fullhouse.api.proxies import counted_as
from fullhouse.kit.errors import Refused
from fullhouse.kit.windows import Count, Rate, Spacing, Windows

API_PREFIX = "/api/v1/"
AUTH_PREFIX = "/api/v1/auth/"
# Other machines call these, and sign what they send.
_SIGNED_PREFIX = "/api/v1/webhooks/"
_BOOKINGS = "/api/v1/bookings"
# Below AUTH_PREFIX, what uses a proof of identity that was given before.
_SIGNED_IN = frozenset({"me", "sessions", "refresh", "logout"})
_SIGNED_IN_PREFIX = "sessions/"

_READS = ("GET", "HEAD")
# This POST changes nothing either.
_SHOWTIMES_PREFIX = "/api/v1/showtimes/"
_PROPOSAL_SUFFIX = "/best-available"


@dataclass(frozen=True, slots=True, eq=False)
class Tier:
    """One way of counting.

    Attributes:
        name: of its setting, and what clients are told.
        by_caller: counted by who calls, else by the address.
        closed: it guards a way in: while nobody counts for all processes, each allows them one by
            one, evenly over the time, and no burst.
    """

    name: str
    by_caller: bool = False
    closed: bool = False


BOOKINGS = Tier("bookings", by_caller=True)
WRITES = Tier("writes", by_caller=True)
USER = Tier("user", by_caller=True)
AUTH = Tier("auth", closed=True)
AUTHENTICATED = Tier("authenticated")
PUBLIC = Tier("public")
TIERS = (AUTHENTICATED, AUTH, PUBLIC, USER, WRITES, BOOKINGS)

Tiers = tuple[Tier, ...]

_UNLIMITED: Tiers = ()
_OF_BOOKING: Tiers = (BOOKINGS, WRITES, USER, AUTHENTICATED)
_OF_WRITE: Tiers = (WRITES, USER, AUTHENTICATED)
_OF_READ: Tiers = (USER, AUTHENTICATED)
_OF_STRANGER: Tiers = (AUTHENTICATED,)
_OF_VISITOR: Tiers = (PUBLIC,)
_OF_ATTEMPT: Tiers = (AUTH,)
_OF_CALLERS_ATTEMPT: Tiers = (AUTH, USER)
_OF_CALLERS_WRITING_ATTEMPT: Tiers = (AUTH, WRITES, USER)


def tiers_of(method: str, path: str, has_header: bool, principal: Principal | None) -> Tiers:
    """The tiers in which a request counts, the narrowest first.

    Args:
        method: as the client sent it.
        path: in the form of :func:`plain_path`.
        has_header: whether an Authorization header came, valid or not.
        principal: whom it stands for, if it is valid.
    """
    if method == "OPTIONS" or not path.startswith(API_PREFIX) or path.startswith(_SIGNED_PREFIX):
        return _UNLIMITED
    reads = method in _READS or _is_proposal(method, path)
    if path.startswith(AUTH_PREFIX) and _is_attempt(path[len(AUTH_PREFIX) :]):
        if principal is None:
            return _OF_ATTEMPT
        return _OF_CALLERS_ATTEMPT if reads else _OF_CALLERS_WRITING_ATTEMPT
    if principal is None:
        return _OF_VISITOR if reads and not has_header else _OF_STRANGER
    if reads:
        return _OF_READ
    return _OF_BOOKING if method == "POST" and path == _BOOKINGS else _OF_WRITE


def _is_attempt(rest: str) -> bool:
    return rest not in _SIGNED_IN and not rest.startswith(_SIGNED_IN_PREFIX)


def _is_proposal(method: str, path: str) -> bool:
    return (
        method == "POST" and path.endswith(_PROPOSAL_SUFFIX) and path.startswith(_SHOWTIMES_PREFIX)
    )


def plain_path(path: str) -> str:
    """The path as the framework looks it up: it passes over doubled and trailing slashes."""
    if "//" not in path and not path.endswith("/"):
        return path
    return "/" + "/".join(part for part in path.split("/") if part)


def rate_of(text: str) -> Rate:
    """A setting such as ``10 per 15 minutes``. Raises ValueError when it is none."""
    try:
        items = parse_many(text)
    except ValueError:
        items = []
    if len(items) != 1 or items[0].amount < 1:
        raise ValueError(f"{text!r} is no limit such as '100 per hour' or '10 per 15 minutes'")
    return Rate(items[0].amount, items[0].get_expiry())


class Shared(Protocol):
    """Counters of several processes: ``kit.valkey.SharedWindows``."""

    async def take(self, counters: Sequence[tuple[str, Rate]]) -> list[Count] | None:
        """Count in each, up to the first that refuses; None when it cannot be done."""


class Verdict(NamedTuple):
    """Whether a request may go on, and the headers that its answer has either way."""

    headers: Headers
    refused: Refused | None


class Limits:
    """The limits of this process.

    Args:
        rates: of each tier in TIERS.
        shared: counters of several processes; without them this process counts alone.
        clock: in seconds; tests move it.
    """

    def __init__(
        self,
        rates: Mapping[Tier, Rate],
        shared: Shared | None = None,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._rates = dict(rates)
        self._shared = shared
        self._alone: dict[Tier, Windows | Spacing] = {
            tier: (Spacing if shared is not None and tier.closed else Windows)(rate, clock=clock)
            for tier, rate in rates.items()
        }
        self._key_prefixes = {
            tier: f"fullhouse:limit:{tier.name}:{rate.amount}/{rate.seconds}:"
            for tier, rate in rates.items()
        }
        self._policies: dict[Tiers, tuple[bytes, bytes]] = {}

    async def take(self, tiers: Tiers, address: str, principal: Principal | None) -> Verdict:
        """Count one request. ``tiers`` is what :func:`tiers_of` answered, and not empty."""
        group = counted_as(address)
        caller = "" if principal is None else principal.id.hex
        keys = [caller if tier.by_caller else group for tier in tiers]
        counts = None
        if self._shared is not None:
            counts = await self._shared.take(
                [
                    (self._key_prefixes[tier] + key, self._rates[tier])
                    for tier, key in zip(tiers, keys, strict=True)
                ]
            )
        if counts is None:
            counts = self._take_alone(tiers, keys)
        return self._verdict(tiers, counts)

    def _take_alone(self, tiers: Tiers, keys: list[str]) -> list[Count]:
        counts: list[Count] = []
        for tier, key in zip(tiers, keys, strict=True):
            count = self._alone[tier].take(key)
            counts.append(count)
            if not count.allowed:
                break
        return counts

    def _verdict(self, tiers: Tiers, counts: list[Count]) -> Verdict:
        headers = [
            self._policy_header(tiers),
            (b"ratelimit", self._what_is_left(tiers, counts).encode()),
        ]
        last = counts[-1]
        if last.allowed:
            return Verdict(headers, None)
        tier = tiers[len(counts) - 1]
        rate = self._rates[tier]
        refused = Refused(
            TOO_MANY_REQUESTS,
            f"The limit {tier.name} is {rate.amount} requests in {rate.seconds} seconds.",
            retry_after_seconds=_whole(last.seconds),
            policy=tier.name,
        )
        return Verdict(headers, refused)

    def _what_is_left(self, tiers: Tiers, counts: list[Count]) -> str:
        """The RateLimit field (draft-ietf-httpapi-ratelimit-headers-10 §4): the tightest first."""
        if len(counts) == 1:
            return _left(tiers[0], counts[0])
        order = sorted(
            range(len(counts)),
            key=lambda i: (counts[i].allowed, counts[i].remaining / self._rates[tiers[i]].amount),
        )
        return ", ".join([_left(tiers[i], counts[i]) for i in order])

    def _policy_header(self, tiers: Tiers) -> tuple[bytes, bytes]:
        """The RateLimit-Policy field (§3 of the same), of all tiers; made once."""
        header = self._policies.get(tiers)
        if header is None:
            rates = [(tier.name, self._rates[tier]) for tier in tiers]
            value = ", ".join(f'"{name}";q={rate.amount};w={rate.seconds}' for name, rate in rates)
            header = self._policies[tiers] = (b"ratelimit-policy", value.encode())
        return header


def _left(tier: Tier, count: Count) -> str:
    return f'"{tier.name}";r={count.remaining};t={_whole(count.seconds)}'


def _whole(seconds: float) -> int:
    return max(1, math.ceil(seconds))
