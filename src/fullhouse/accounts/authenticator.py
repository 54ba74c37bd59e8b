"""Who a bearer token or an API key stands for, from memory where it can."""

import asyncio
import hashlib
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar
from uuid import UUID

from fullhouse.accounts.one_time import KEY_PREFIX, read_api_key
from fullhouse.accounts.tokens import AccessTokens, Claims
from fullhouse.api.errors import UNAUTHENTICATED
from fullhouse.api.principal import Principal
from fullhouse.kit.errors import Refused
from fullhouse.kit.listener import EVERYTHING

_REMEMBERED = 50_000
# Changes are announced; this only bounds how long a lost announcement can matter.
_PRINCIPAL_SECONDS = 10.0
_LARGEST_LOOKUP = 1_000

_USER_TAG = "user:"
_KEY_TAG = "api-key:"

K = TypeVar("K", UUID, bytes)

LoadSessions = Callable[[Sequence[UUID]], Awaitable[Mapping[UUID, Principal]]]
# By the hashes of the keys (accounts.one_time).
LoadKeys = Callable[[Sequence[bytes]], Awaitable[Mapping[bytes, Principal]]]


def user_tag(user_id: UUID) -> str:
    """What is announced when a user's roles or sessions change, or the user is gone."""
    return f"{_USER_TAG}{user_id}"


def key_tag(key_id: UUID) -> str:
    """What is announced when an API key is revoked."""
    return f"{_KEY_TAG}{key_id}"


class Authenticator:
    """Turns a bearer token, or an API key, into its principal.

    Checking a signature costs more than everything else that a reservation does in Python, and
    a selling server sees the same token again and again. What a token says never changes, so it
    is kept until the token ends. Whether its session goes on, and what its user may do, can
    change: that is kept for some seconds at most and never beyond the end of the session or the
    key, dropped as soon as a change is heard of (:meth:`forget`), and not used at all while
    changes cannot be heard.

    Args:
        tokens: reads access tokens.
        sessions: the principals of those sessions that go on.
        keys: the principals of those API keys that are good.
        hears: whether announcements of changes arrive at the moment.
    """

    def __init__(
        self,
        tokens: AccessTokens,
        sessions: LoadSessions,
        keys: LoadKeys,
        *,
        hears: Callable[[], bool] = lambda: True,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._tokens = tokens
        self._clock = clock
        # Keyed by the hash and not by the token: a copy of the memory gives no token away.
        self._claims: OrderedDict[bytes, Claims] = OrderedDict()
        self._sessions = _Remembered[UUID](sessions, hears, clock)
        self._keys = _Remembered[bytes](keys, hears, clock)

    async def __call__(self, token: str) -> Principal:
        """The principal of the token; Refused(UNAUTHENTICATED) when there is none."""
        if token.startswith(KEY_PREFIX):
            # What cannot be a key does not reach the database.
            sent = read_api_key(token)
            if sent is None:
                raise Refused(UNAUTHENTICATED)
            return await self._keys.get(sent.hash)
        claims = self._claims_of(token)
        principal = await self._sessions.get(claims.session_id)
        if principal.id != claims.user_id:
            raise Refused(UNAUTHENTICATED)
        return principal

    def forget(self, tag: str) -> None:
        """Listener's hook: somebody's roles, sessions or key have changed, or anything may have."""
        if tag == EVERYTHING:
            self._sessions.forget_all()
            self._keys.forget_all()
            return
        for prefix, remembered in ((_USER_TAG, self._sessions), (_KEY_TAG, self._keys)):
            if tag.startswith(prefix):
                try:
                    remembered.forget(UUID(tag.removeprefix(prefix)))
                except ValueError:
                    return

    def _claims_of(self, token: str) -> Claims:
        key = hashlib.sha256(token.encode("utf-8", "surrogateescape")).digest()
        claims = self._claims.get(key)
        if claims is None:
            claims = self._tokens.read(token)
            self._claims[key] = claims
            if len(self._claims) > _REMEMBERED:
                self._claims.popitem(last=False)
            return claims
        if claims.accepted_until <= self._clock():
            del self._claims[key]
            raise Refused(UNAUTHENTICATED, "The access token has expired.")
        self._claims.move_to_end(key)
        return claims


@dataclass(frozen=True, slots=True)
class _Kept:
    principal: Principal
    until: float


class _Remembered(Generic[K]):
    """Principals by what names them, read in batches and kept for a moment."""

    def __init__(
        self,
        load: Callable[[Sequence[K]], Awaitable[Mapping[K, Principal]]],
        hears: Callable[[], bool],
        clock: Callable[[], float],
    ) -> None:
        self._load: Callable[[Sequence[K]], Awaitable[Mapping[K, Principal]]] = load
        self._hears = hears
        self._clock = clock
        self._kept: OrderedDict[K, _Kept] = OrderedDict()
        # By whose change it is dropped.
        self._names_of: dict[UUID, set[K]] = {}
        self._loading: dict[K, asyncio.Future[Principal]] = {}
        self._next_batch: list[tuple[K, asyncio.Future[Principal]]] = []
        self._batches: set[asyncio.Task[None]] = set()

    async def get(self, name: K) -> Principal:
        """The principal; Refused(UNAUTHENTICATED) if there is none of this name."""
        kept = self._kept.get(name)
        if kept is not None and kept.until > self._clock() and self._hears():
            self._kept.move_to_end(name)
            return kept.principal
        return await self._look_up(name)

    def forget(self, principal_id: UUID) -> None:
        """Drop what is kept of this principal."""
        for name in self._names_of.pop(principal_id, ()):
            self._kept.pop(name, None)
        # Look-ups under way may have read what was before; their answers are not kept. Whose
        # they are is not known yet, so none is.
        self._loading.clear()

    def forget_all(self) -> None:
        """Drop everything."""
        self._kept.clear()
        self._names_of.clear()
        self._loading.clear()

    async def _look_up(self, name: K) -> Principal:
        answer = self._loading.get(name)
        if answer is None:
            loop = asyncio.get_running_loop()
            answer = self._loading[name] = loop.create_future()
            # Nobody may be left waiting for it when it fails: that is no error of its own.
            answer.add_done_callback(lambda done: done.cancelled() or done.exception())
            if not self._next_batch:
                # Whoever asks in the same turn of the loop goes into the same statement.
                loop.call_soon(self._start_batches)
            self._next_batch.append((name, answer))
        return await asyncio.shield(answer)

    def _start_batches(self) -> None:
        waiting, self._next_batch = self._next_batch, []
        for start in range(0, len(waiting), _LARGEST_LOOKUP):
            batch = self._run_batch(waiting[start : start + _LARGEST_LOOKUP])
            task = asyncio.create_task(batch, name="principals")
            self._batches.add(task)
            task.add_done_callback(self._batches.discard)

    async def _run_batch(self, waiting: list[tuple[K, asyncio.Future[Principal]]]) -> None:
        found: Mapping[K, Principal] = {}
        failure: Exception | None = None
        asked_at = self._clock()
        try:
            found = await self._load([name for name, _ in waiting])
        except Exception as error:
            failure = error
        for name, answer in waiting:
            principal = found.get(name)
            # A look-up that was forgotten meanwhile is answered, because it was asked before
            # the change was heard of, but it is not kept.
            if self._loading.get(name) is answer:
                del self._loading[name]
                if principal is not None:
                    self._keep(name, principal, asked_at)
            if failure is not None:
                answer.set_exception(failure)
            elif principal is None:
                answer.set_exception(Refused(UNAUTHENTICATED))
            else:
                answer.set_result(principal)

    def _keep(self, name: K, principal: Principal, asked_at: float) -> None:
        seconds = _PRINCIPAL_SECONDS
        if principal.good_for is not None:
            # By the database's clock, counted from before it was asked: rather too early.
            seconds = min(seconds, principal.good_for)
        self._kept[name] = _Kept(principal, asked_at + seconds)
        self._kept.move_to_end(name)
        self._names_of.setdefault(principal.id, set()).add(name)
        if len(self._kept) > _REMEMBERED:
            oldest, kept = self._kept.popitem(last=False)
            names = self._names_of.get(kept.principal.id, set())
            names.discard(oldest)
            if not names:
                self._names_of.pop(kept.principal.id, None)
