"""Signed tokens: for access, and for the second step of signing in. None passes for another."""

import hmac
import time
from dataclasses import dataclass
from typing import Any, Protocol
from uuid import UUID

import jwt

from fullhouse.accounts.errors import CODE_WRONG
from fullhouse.accounts.sessions import Method
from fullhouse.api.errors import UNAUTHENTICATED
from fullhouse.kit.errors import Refused
from fullhouse.kit.ids import new_id

_ALGORITHM = "HS256"
_ISSUER = "fullhouse"
_AUDIENCE = "fullhouse-api"
# Servers' clocks differ a little; the same allowance goes for the end of a token.
_LEEWAY_SECONDS = 5

CHALLENGE_SECONDS = 300
CHALLENGE_OVER = "The challenge is not valid any more: begin again with the first step."


@dataclass(frozen=True, slots=True)
class Claims:
    """What a valid access token says."""

    user_id: UUID
    session_id: UUID
    accepted_until: float  # seconds since 1970


@dataclass(frozen=True, slots=True)
class Challenge:
    """That somebody has done the first step of signing in.

    ``mark`` is that of what they could prove themselves with then (:meth:`Challenges.mark`).
    """

    user_id: UUID
    method: Method
    mark: str


class Provable(Protocol):
    """What a user can do the first step of signing in with."""

    @property
    def password_hash(self) -> str | None: ...

    @property
    def email(self) -> str: ...

    @property
    def phone(self) -> str | None: ...


class _Signed:
    """JWTs of one kind (HS256).

    The key is derived from the server's secret for this kind alone, and the header's ``typ`` and
    the audience are checked too: no other use of the same secret can make such a token.
    """

    def __init__(self, secret: str, kind: bytes, typ: str, lifetime_seconds: int) -> None:
        self._key = hmac.digest(secret.encode(), kind, "sha256")
        self._typ = typ
        self._lifetime_seconds = lifetime_seconds

    def write(self, user_id: UUID, **claims: str) -> str:
        now = int(time.time())
        payload = {
            "iss": _ISSUER,
            "aud": _AUDIENCE,
            "sub": str(user_id),
            "iat": now,
            "exp": now + self._lifetime_seconds,
            "jti": new_id().hex,
            **claims,
        }
        return jwt.encode(payload, self._key, _ALGORITHM, headers={"typ": self._typ})

    def read(self, token: str, *required: str) -> dict[str, Any]:
        """The claims. Raises jwt.InvalidTokenError unless it is of this kind and still good."""
        decoded = jwt.decode_complete(
            token,
            self._key,
            algorithms=[_ALGORITHM],
            audience=_AUDIENCE,
            issuer=_ISSUER,
            leeway=_LEEWAY_SECONDS,
            options={"require": ["iss", "aud", "sub", "iat", "exp", "jti", *required]},
        )
        if decoded["header"].get("typ") != self._typ:
            raise jwt.InvalidTokenError("another kind of token")
        claims: dict[str, Any] = decoded["payload"]
        return claims


class AccessTokens:
    """Signs and reads access tokens (RFC 9068 in form); each belongs to a session.

    Args:
        secret: the server's secret.
        lifetime_seconds: how long a new token is good for.
    """

    def __init__(self, secret: str, lifetime_seconds: int) -> None:
        self._signed = _Signed(secret, b"fullhouse access token", "at+jwt", lifetime_seconds)
        self.lifetime_seconds = lifetime_seconds

    def issue(self, user_id: UUID, session_id: UUID) -> str:
        """A new token for the user's session."""
        return self._signed.write(user_id, sid=str(session_id))

    def read(self, token: str) -> Claims:
        """What the token says; Refused(UNAUTHENTICATED) unless it is ours and still good."""
        try:
            claims = self._signed.read(token, "sid")
            until = claims["exp"] + _LEEWAY_SECONDS
            return Claims(UUID(claims["sub"]), UUID(claims["sid"]), until)
        except jwt.ExpiredSignatureError:
            raise Refused(UNAUTHENTICATED, "The access token has expired.") from None
        except (jwt.InvalidTokenError, ValueError, AttributeError):
            raise Refused(UNAUTHENTICATED) from None


class Challenges:
    """Signs and reads what goes between the first and the second step of signing in."""

    def __init__(self, secret: str) -> None:
        kind = b"fullhouse second factor challenge"
        self._signed = _Signed(secret, kind, "challenge+jwt", CHALLENGE_SECONDS)
        self._mark_key = hmac.digest(secret.encode(), kind + b" mark", "sha256")

    def issue(self, challenge: Challenge) -> str:
        """A new one, good for five minutes."""
        return self._signed.write(challenge.user_id, method=challenge.method, mark=challenge.mark)

    def mark(self, user: Provable) -> str:
        """Tells whether a user still has what a challenge began with, and tells nothing else.

        Another password, address or number makes another mark, whichever of them was shown: whoever
        resets the password ends what is under way by every method.
        """
        parts = [user.password_hash or "", user.email, user.phone or ""]
        # With their lengths, so that no two users run together into the same text.
        text = "".join(f"{len(part)}:{part}" for part in parts)
        return hmac.digest(self._mark_key, text.encode(), "sha256").hex()

    def read(self, token: str) -> Challenge:
        """What it says; Refused(CODE_WRONG) unless it is ours and still good."""
        try:
            claims = self._signed.read(token, "method", "mark")
            return Challenge(UUID(claims["sub"]), claims["method"], claims["mark"])
        except (jwt.InvalidTokenError, ValueError, AttributeError):
            raise Refused(CODE_WRONG, CHALLENGE_OVER) from None
