"""Signing in through an OpenID provider: what the accounts ask of one, and what is remembered.

Between the two legs of the authorization code flow (OpenID Connect Core 1.0 §3.1) the browser is
at the provider. What has to be known when it comes back, an errand, travels with the browser in a
cookie, signed and good for ten minutes: so an answer that another browser began, or that nobody
began, is told apart, and no server has to remember anything.
"""

import hmac
import re
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

import jwt
import msgspec

from fullhouse.kit.errors import Code, Kind, Refused

OIDC_UNAVAILABLE = Code(
    "oidc_unavailable",
    Kind.UNAVAILABLE,
    "Google cannot be reached at the moment, or does not answer as it should.",
    "Try again after the seconds in Retry-After, or use another way in.",
)
OIDC_REFUSED = Code(
    "oidc_refused",
    Kind.FORBIDDEN,
    "Google did not confirm who this is, or what it said could not be verified.",
    "Begin the sign-in again. If it fails every time, the server's log names the reason.",
)
OIDC_LOST = Code(
    "oidc_lost",
    Kind.INVALID,
    "This answer belongs to no sign-in that was begun in this browser within the last ten minutes.",
    "Begin the sign-in again, in the same browser and with cookies allowed.",
)

CODES = (OIDC_UNAVAILABLE, OIDC_REFUSED, OIDC_LOST)

ERRAND_SECONDS = 600

_ALGORITHM = "HS256"
_TYPE = "oidc+jwt"  # no access token, and no other token that we sign, can pass for an errand
_ISSUER = "fullhouse"
_AUDIENCE = "fullhouse-oidc"
_LEEWAY_SECONDS = 5
# 256 bits, as 43 characters: the least that RFC 7636 §4.1 lets a code verifier have.
_RANDOM_BYTES = 32

# What a path of ours can be written with (RFC 3986 §3.3 and §3.4). A second slash would name
# another host, and browsers read a backslash as a slash.
_LOCAL_PATH = re.compile(r"/(?!/)[A-Za-z0-9\-._~!$&'()*+,;=:@/%?#]*")
# The whole errand has to fit the 4,096 bytes of a cookie.
_LONGEST_PATH = 1_024


@dataclass(frozen=True, slots=True)
class Identity:
    """Who somebody is at a provider.

    Only ``issuer`` and ``subject`` together name a person for good (OpenID Connect Core 1.0 §5.7).

    Attributes:
        email: as the provider has it, neither normalized nor checked; None when it told none.
        email_verified: whether the provider vouches for the address. Without that it is hearsay
            and must open no account.
        name: as the provider has it; None when it told none.
    """

    issuer: str
    subject: str
    email: str | None
    email_verified: bool
    name: str | None


@dataclass(frozen=True, slots=True)
class Errand:
    """What is remembered while the browser is at the provider.

    Attributes:
        state: comes back with the browser (RFC 6749 §10.12).
        nonce: comes back inside the ID token (OpenID Connect Core 1.0 §3.1.2.1).
        code_verifier: is shown when the code is exchanged (RFC 7636).
        return_to: where on this site the person goes afterwards; a path.
        user_id: whose account the identity shall be linked to; None for signing in.
        session_id: the session in which the linking was asked for, which may have ended since.
    """

    state: str
    nonce: str
    code_verifier: str
    return_to: str
    user_id: UUID | None = None
    session_id: UUID | None = None


class Provider(Protocol):
    """An OpenID provider, seen from the accounts. Made in ``adapters/oauth``."""

    async def authorization_url(self, state: str, nonce: str, code_verifier: str) -> str:
        """Where the browser is sent to. Raises Refused(OIDC_UNAVAILABLE)."""
        ...

    async def identify(self, code: str, code_verifier: str, nonce: str) -> Identity:
        """Exchange the code that the browser brought back for who the person is.

        A code works once, so this is not to be repeated. Raises Refused: OIDC_UNAVAILABLE when
        the provider cannot be reached or answers nonsense, OIDC_REFUSED when it does not accept
        the code or its ID token does not hold.
        """
        ...


def begin(
    return_to: str | None, *, user_id: UUID | None = None, session_id: UUID | None = None
) -> Errand:
    """A new errand with fresh random values, to be sealed and sent along with the browser."""
    return Errand(
        state=secrets.token_urlsafe(_RANDOM_BYTES),
        nonce=secrets.token_urlsafe(_RANDOM_BYTES),
        code_verifier=secrets.token_urlsafe(_RANDOM_BYTES),
        return_to=local_path(return_to),
        user_id=user_id,
        session_id=session_id,
    )


def resume(sealed: str | None, state: str | None, secret: str) -> Errand:
    """The errand with which a browser comes back.

    Args:
        sealed: the cookie.
        state: what the query says.
        secret: the server's secret.

    Raises Refused(OIDC_LOST) unless both are there and belong together.
    """
    if not sealed or not state:
        raise Refused(OIDC_LOST)
    errand = unseal(sealed, secret)
    if not hmac.compare_digest(errand.state.encode(), state.encode("utf-8", "surrogateescape")):
        raise Refused(OIDC_LOST)
    return errand


def seal(errand: Errand, secret: str, *, clock: Callable[[], float] = time.time) -> str:
    """The errand as a signed text for a cookie, good for ten minutes from ``clock``'s now.

    It is signed and not encrypted: nobody can change it, and whoever has the cookie can read it.
    The cookie must be HttpOnly, and SameSite=Lax so that it comes along on the way back.
    """
    now = int(clock())
    claims = {
        "iss": _ISSUER,
        "aud": _AUDIENCE,
        "iat": now,
        "exp": now + ERRAND_SECONDS,
        **msgspec.to_builtins(errand),
    }
    return jwt.encode(claims, _key(secret), _ALGORITHM, headers={"typ": _TYPE})


def unseal(text: str, secret: str) -> Errand:
    """What was sealed; Refused(OIDC_LOST) unless we sealed it, not longer than ten minutes ago."""
    try:
        decoded = jwt.decode_complete(
            text,
            _key(secret),
            algorithms=[_ALGORITHM],
            audience=_AUDIENCE,
            issuer=_ISSUER,
            leeway=_LEEWAY_SECONDS,
            options={"require": ["iss", "aud", "iat", "exp"]},
        )
        if decoded["header"].get("typ") != _TYPE:
            raise Refused(OIDC_LOST)
        return msgspec.convert(decoded["payload"], Errand)
    except (jwt.InvalidTokenError, msgspec.ValidationError, ValueError):
        raise Refused(OIDC_LOST) from None


def local_path(text: str | None) -> str:
    """The text if it is a path on this site, else ``/``: nobody is sent elsewhere after signing in.

    A path may have a query and a fragment, and at most 1,024 characters.
    """
    if text and len(text) <= _LONGEST_PATH and _LOCAL_PATH.fullmatch(text):
        return text
    return "/"


def _key(secret: str) -> bytes:
    return hmac.digest(secret.encode(), b"fullhouse oidc errand", "sha256")
