"""Access tokens: making them, reading them, and remembering whose they are."""

import asyncio
import hashlib
import hmac
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

import jwt

from fullhouse.api.errors import UNAUTHENTICATED
from fullhouse.api.principal import Principal
from fullhouse.kit.errors import Refused
from fullhouse.kit.ids import new_id
from fullhouse.kit.listener import EVERYTHING

_ALGORITHM = "HS256"
_TYPE = "at+jwt"  # RFC 9068 §2.1: nothing else that we sign can pass for an access token
_ISSUER = "fullhouse"
_AUDIENCE = "fullhouse-api"
# Servers' clocks differ a little; the same allowance goes for the end of a token.
_LEEWAY_SECONDS = 5

_REMEMBERED_TOKENS = 50_000
_REMEMBERED_PEOPLE = 50_000
# Changes of roles are announced; this only bounds how long a lost announcement can matter.
_PERSON_SECONDS = 30.0
_LARGEST_LOOKUP = 1_000

_USER_TAG = "user:"

Load = Callable[[Sequence[UUID]], Awaitable[Mapping[UUID, Principal]]]


def user_tag(user_id: UUID) -> str:
    """What is announced when a user's roles change or the user is gone."""
    return f"{_USER_TAG}{user_id}"


@dataclass(frozen=True, slots=True)
class Claims:
    """What a valid access token says."""

    user_id: UUID
    accepted_until: float  # seconds since 1970


class AccessTokens:
    """Signs and reads JWT access tokens (RFC 9068 in form, HS256).

    Args:
        secret: the server's secret; the signing key is derived from it, so that no other use
            of the same secret can make a token.
        lifetime_seconds: how long a new token is good for.
    """

    def __init__(self, secret: str, lifetime_seconds: int) -> None:
        self._key = hmac.digest(secret.encode(), b"fullhouse access token", "sha256")
        self.lifetime_seconds = lifetime_seconds

    def issue(self, user_id: UUID) -> str:
        """A new token for the user."""
        now = int(time.time())
        claims = {
            "iss": _ISSUER,
            "aud": _AUDIENCE,
            "sub": str(user_id),
            "iat": now,
            "exp": now + self.lifetime_seconds,
            "jti": new_id().hex,
        }
        return jwt.encode(claims, self._key, _ALGORITHM, headers={"typ": _TYPE})

    def read(self, token: str) -> Claims:
        """What the token says; Refused(UNAUTHENTICATED) unless it is ours and still good."""
        try:
            decoded = jwt.decode_complete(
                token,
                self._key,
                algorithms=[_ALGORITHM],
                audience=_AUDIENCE,
                issuer=_ISSUER,
                leeway=_LEEWAY_SECONDS,
                options={"require": ["iss", "aud", "sub", "iat", "exp", "jti"]},
            )
            if decoded["header"].get("typ") != _TYPE:
                raise Refused(UNAUTHENTICATED)
            claims = decoded["payload"]
            return Claims(UUID(claims["sub"]), claims["exp"] + _LEEWAY_SECONDS)
        except jwt.ExpiredSignatureError:
            raise Refused(UNAUTHENTICATED, "The access token has expired.") from None
        except (jwt.InvalidTokenError, ValueError):
            raise Refused(UNAUTHENTICATED) from None


class Authenticator:
    """Turns a bearer token into its principal, from memory where it can.

    Checking a signature costs more than everything else that a reservation does in Python, and
    a selling server sees the same token again and again. What a token says never changes, so it
    is kept until the token ends; who the user is may change, so that is kept for 30 s at most
    and dropped as soon as a change is heard of (:meth:`forget`).
    """

    def __init__(
        self, tokens: AccessTokens, load: Load, *, clock: Callable[[], float] = time.time
    ) -> None:
        self._tokens = tokens
        self._load = load
        self._clock = clock
        # Keyed by the hash and not by the token: a copy of the memory gives no token away.
        self._claims: OrderedDict[bytes, Claims] = OrderedDict()
        self._people: OrderedDict[UUID, tuple[Principal, float]] = OrderedDict()
        self._loading: dict[UUID, asyncio.Future[Principal]] = {}
        self._next_batch: list[tuple[UUID, asyncio.Future[Principal]]] = []
        self._batches: set[asyncio.Task[None]] = set()

    async def __call__(self, token: str) -> Principal:
        """The principal of the token; Refused(UNAUTHENTICATED) when there is none."""
        claims = self._claims_of(token)
        return self._remembered(claims.user_id) or await self._look_up(claims.user_id)

    def forget(self, tag: str) -> None:
        """Listener's hook: a user's roles have changed, or anything may have."""
        if tag == EVERYTHING:
            self._people.clear()
            # Look-ups under way may have read what was before; their answers are not kept.
            self._loading.clear()
        elif tag.startswith(_USER_TAG):
            try:
                user_id = UUID(tag.removeprefix(_USER_TAG))
            except ValueError:
                return
            self._people.pop(user_id, None)
            self._loading.pop(user_id, None)

    def _claims_of(self, token: str) -> Claims:
        key = hashlib.sha256(token.encode("utf-8", "surrogateescape")).digest()
        claims = self._claims.get(key)
        if claims is None:
            claims = self._tokens.read(token)
            self._claims[key] = claims
            if len(self._claims) > _REMEMBERED_TOKENS:
                self._claims.popitem(last=False)
            return claims
        if claims.accepted_until <= self._clock():
            del self._claims[key]
            raise Refused(UNAUTHENTICATED, "The access token has expired.")
        self._claims.move_to_end(key)
        return claims

    def _remembered(self, user_id: UUID) -> Principal | None:
        kept = self._people.get(user_id)
        if kept is None or kept[1] <= self._clock():
            return None
        self._people.move_to_end(user_id)
        return kept[0]

    async def _look_up(self, user_id: UUID) -> Principal:
        answer = self._loading.get(user_id)
        if answer is None:
            loop = asyncio.get_running_loop()
            answer = self._loading[user_id] = loop.create_future()
            # Nobody may be left waiting for it when it fails: that is no error of its own.
            answer.add_done_callback(lambda done: done.cancelled() or done.exception())
            if not self._next_batch:
                # Whoever asks in the same turn of the loop goes into the same statement.
                loop.call_soon(self._start_batches)
            self._next_batch.append((user_id, answer))
        return await asyncio.shield(answer)

    def _start_batches(self) -> None:
        waiting, self._next_batch = self._next_batch, []
        for start in range(0, len(waiting), _LARGEST_LOOKUP):
            batch = self._run_batch(waiting[start : start + _LARGEST_LOOKUP])
            task = asyncio.create_task(batch, name="principals")
            self._batches.add(task)
            task.add_done_callback(self._batches.discard)

    async def _run_batch(self, waiting: list[tuple[UUID, asyncio.Future[Principal]]]) -> None:
        found: Mapping[UUID, Principal] = {}
        failure: Exception | None = None
        try:
            found = await self._load([user_id for user_id, _ in waiting])
        except Exception as error:
            failure = error
        for user_id, answer in waiting:
            principal = found.get(user_id)
            # A look-up that was forgotten meanwhile is answered, because it was asked before
            # the change was heard of, but it is not kept.
            if self._loading.get(user_id) is answer:
                del self._loading[user_id]
                if principal is not None:
                    self._keep(user_id, principal)
            if failure is not None:
                answer.set_exception(failure)
            elif principal is None:
                answer.set_exception(Refused(UNAUTHENTICATED))
            else:
                answer.set_result(principal)

    def _keep(self, user_id: UUID, principal: Principal) -> None:
        self._people[user_id] = (principal, self._clock() + _PERSON_SECONDS)
        self._people.move_to_end(user_id)
        if len(self._people) > _REMEMBERED_PEOPLE:
            self._people.popitem(last=False)
