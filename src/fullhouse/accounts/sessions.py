"""Sessions and the refresh tokens that carry them on: decisions on plain values.

A refresh token names its session and its generation, holds a secret, and is signed, so that a
spent one can be told from a made-up one without keeping any. The database keeps the SHA-256 of
the good one only. The next secret is derived from the last one and the server's: that is how two
tabs that refresh at the same moment can be given the same successor, which is kept nowhere.
"""

import base64
import binascii
import hashlib
import hmac
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from typing import Literal
from uuid import UUID

Method = Literal["password", "google", "phone"]

# Two tabs, or an answer that got lost: this long a spent token still gives its successor.
GRACE = timedelta(seconds=10)

PREFIX = "fhr_"
_SECRET_BYTES = 32
_SIGNATURE_BYTES = 16
_GENERATION_BYTES = 4
_LENGTH = 16 + _GENERATION_BYTES + _SECRET_BYTES + _SIGNATURE_BYTES


@dataclass(frozen=True, slots=True)
class Lifetimes:
    """How long sessions live."""

    idle: timedelta
    longest: timedelta


@dataclass(frozen=True, slots=True)
class Device:
    """Where a request came from, as people are shown it."""

    address: str
    agent: str


@dataclass(frozen=True, slots=True)
class RefreshToken:
    """What a refresh token says. It is ours: :meth:`RefreshTokens.read` has checked that."""

    session_id: UUID
    generation: int
    secret: bytes

    @property
    def hash(self) -> bytes:
        """What is kept of it."""
        return hashlib.sha256(self.secret).digest()


class RefreshTokens:
    """Makes and reads refresh tokens.

    Args:
        secret: the server's secret; two keys are derived from it for this use alone.
    """

    def __init__(self, secret: str) -> None:
        self._signing = hmac.digest(secret.encode(), b"fullhouse refresh token", "sha256")
        self._deriving = hmac.digest(secret.encode(), b"fullhouse refresh successor", "sha256")

    def first(self, session_id: UUID) -> RefreshToken:
        """The first token of a new session."""
        return RefreshToken(session_id, 1, secrets.token_bytes(_SECRET_BYTES))

    def successor(self, token: RefreshToken) -> RefreshToken:
        """The one token that comes after this one; always the same."""
        secret = hmac.digest(self._deriving, _head(token) + token.secret, "sha256")
        return RefreshToken(token.session_id, token.generation + 1, secret)

    def write(self, token: RefreshToken) -> str:
        """The token as it goes into the cookie."""
        body = _head(token) + token.secret
        return _text_of(body + self._signature(body))

    def read(self, text: str) -> RefreshToken | None:
        """What the text says; None unless we wrote it."""
        if not text.startswith(PREFIX):
            return None
        encoded = text.removeprefix(PREFIX)
        try:
            signed = base64.b64decode(encoded + "=" * (-len(encoded) % 4), b"-_", validate=True)
        except (binascii.Error, ValueError):
            return None
        body, signature = signed[:-_SIGNATURE_BYTES], signed[-_SIGNATURE_BYTES:]
        if len(signed) != _LENGTH or not hmac.compare_digest(signature, self._signature(body)):
            return None
        # The decoder also takes other alphabets, and bits that mean nothing in the last letter.
        if _text_of(signed) != text:
            return None
        generation = int.from_bytes(body[16 : 16 + _GENERATION_BYTES], "big")
        return RefreshToken(UUID(bytes=body[:16]), generation, body[16 + _GENERATION_BYTES :])

    def _signature(self, body: bytes) -> bytes:
        return hmac.digest(self._signing, body, "sha256")[:_SIGNATURE_BYTES]


def _text_of(signed: bytes) -> str:
    return PREFIX + base64.urlsafe_b64encode(signed).decode("ascii").rstrip("=")


def _head(token: RefreshToken) -> bytes:
    return token.session_id.bytes + token.generation.to_bytes(_GENERATION_BYTES, "big")


@dataclass(frozen=True, slots=True)
class SessionState:
    """A session as it is kept."""

    id: UUID
    user_id: UUID
    method: Method
    second_factor: bool
    generation: int
    token_hash: bytes
    previous_hash: bytes | None
    rotated_at: datetime | None
    idle_until: datetime
    ends_at: datetime
    ended_at: datetime | None

    def is_over(self, now: datetime) -> bool:
        """Whether it was ended or has run out; ``now`` is the database's clock."""
        return self.ended_at is not None or min(self.idle_until, self.ends_at) <= now


class Refreshing(Enum):
    """What a refresh token brings about."""

    ROTATE = "rotate"  # it is the good one: its successor takes its place
    REPEAT = "repeat"  # it was replaced a moment ago: the same successor again
    THEFT = "theft"  # it was spent before: somebody has a copy, the session ends
    OVER = "over"  # the session has ended


def refreshing(session: SessionState, token: RefreshToken, now: datetime) -> Refreshing:
    """Decide on a token of ours for this session (RFC 9700 §4.14.2, ASVS 10.4.5).

    ``now`` is the database's clock.
    """
    if session.is_over(now):
        return Refreshing.OVER
    if hmac.compare_digest(token.hash, session.token_hash):
        return Refreshing.ROTATE
    replaced_just_now = (
        session.previous_hash is not None
        and session.rotated_at is not None
        and hmac.compare_digest(token.hash, session.previous_hash)
        and now - session.rotated_at <= GRACE
    )
    return Refreshing.REPEAT if replaced_just_now else Refreshing.THEFT
