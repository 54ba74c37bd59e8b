"""What browsers must be told: which pages may call the API, and what they may do with answers."""

import re
from collections.abc import Iterable, Mapping
from typing import Any, Literal
from urllib.parse import urlsplit

from litestar import Request
from litestar.datastructures import Cookie

from fullhouse.api.answers import Headers
from fullhouse.kit.errors import Code, Refused

# Every answer has these, unless its route set its own. The reference's pages have their own policy.
DEFAULT_HEADERS: Headers = [
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-frame-options", b"DENY"),
    (
        b"content-security-policy",
        b"default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    ),
    (b"cross-origin-opener-policy", b"same-origin"),
    # Pages on neighbouring hosts may show our images; what CORS allows is not touched by it.
    (b"cross-origin-resource-policy", b"same-site"),
    (
        b"permissions-policy",
        b"camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()",
    ),
]
# Not a matter of the route, so never its own (RFC 6797: only over TLS).
_STRICT_TRANSPORT: Headers = [
    (b"strict-transport-security", b"max-age=63072000; includeSubDomains")
]
_NONE: Headers = []

# For answers that are not kept.
NO_STORE = (b"cache-control", b"no-store")

_METHODS = b"GET, HEAD, POST, PUT, PATCH, DELETE"
_REQUEST_HEADERS = (
    b"Authorization, Content-Type, Idempotency-Key, If-None-Match, X-Request-Id, X-Requested-With"
)
_EXPOSED = (
    b"ETag, Idempotent-Replayed, Location, RateLimit, RateLimit-Policy, Retry-After, X-Request-Id"
)
_PREFLIGHT_SECONDS = b"600"

# A name, an IPv4 or a bracketed IPv6 address, as browsers write them: ASCII, no blanks.
_HOST = re.compile(r"[a-z0-9]([a-z0-9._-]*[a-z0-9])?|\[[0-9a-f:.]+\]")
_DEFAULT_PORTS = {"http": 80, "https": 443}


def is_secure(request: Request[Any, Any, Any]) -> bool:
    """Whether the client came over TLS, here or at a trusted proxy."""
    return bool(request.scope["scheme"] == "https")


def own_cookie(
    request: Request[Any, Any, Any],
    name: str,
    value: str,
    *,
    max_age: int,
    plain_path: str,
    samesite: Literal["lax", "strict"] = "strict",
) -> Cookie:
    """A cookie that no script reads, for this host alone; one of no ``max_age`` deletes it.

    Over TLS its name begins with ``__Host-``, by which browsers hold it to that (RFC 6265bis
    §4.1.3.2). Without TLS they do not allow the prefix; then at least only what is below
    ``plain_path`` is shown the cookie.
    """
    secure = is_secure(request)
    return Cookie(
        key=_cookie_name(request, name),
        value=value,
        max_age=max_age,
        path="/" if secure else plain_path,
        secure=secure,
        httponly=True,
        samesite=samesite,
    )


def cookie_of(request: Request[Any, Any, Any], name: str) -> str | None:
    """What the client shows of a cookie that :func:`own_cookie` made."""
    return request.cookies.get(_cookie_name(request, name))


def _cookie_name(request: Request[Any, Any, Any], name: str) -> str:
    return f"__Host-{name}" if is_secure(request) else name


def transport_headers(scheme: str) -> Headers:
    """What only an answer over TLS says; ``scheme`` is the one that the client uses."""
    return _STRICT_TRANSPORT if scheme == "https" else _NONE


def with_defaults(headers: Iterable[tuple[bytes, bytes]], *more: tuple[bytes, bytes]) -> Headers:
    """An answer's headers with those that every answer has, and ``more`` likewise."""
    own = list(headers)
    names = {name for name, _ in own}
    return own + [pair for pair in (*DEFAULT_HEADERS, *more) if pair[0] not in names]


class Cors:
    """Which other pages may call the API, with credentials (the Fetch standard's CORS protocol).

    Args:
        origins: exact ones, such as ``https://tickets.example``. Raises ValueError for others.
    """

    def __init__(self, origins: Iterable[str]) -> None:
        self._told: dict[bytes, Headers] = {}
        self._vary: Headers = []
        for text in origins:
            origin = _origin(text).encode("ascii")
            self._told[origin] = [
                (b"access-control-allow-origin", origin),
                (b"access-control-allow-credentials", b"true"),
            ]
        if self._told:
            # Also for those who may not: a cache must not give them another page's answer.
            self._vary = [(b"vary", b"origin")]
        self._expose = (b"access-control-expose-headers", _EXPOSED)
        self._preflight: Headers = [
            (b"access-control-allow-methods", _METHODS),
            (b"access-control-allow-headers", _REQUEST_HEADERS),
            (b"access-control-max-age", _PREFLIGHT_SECONDS),
        ]

    @classmethod
    def parse(cls, setting: str) -> "Cors":
        """From a list separated by commas. Raises ValueError that names the bad one."""
        return cls(part.strip() for part in setting.split(",") if part.strip())

    def is_preflight(self, method: str, headers: Mapping[bytes, bytes]) -> bool:
        """Whether it is a browser's question, to be answered here, and no request of its own."""
        return (
            method == "OPTIONS"
            and b"access-control-request-method" in headers
            and b"origin" in headers
            and bool(self._told)
        )

    def preflight_headers(self, origin: bytes) -> Headers:
        """What the answer to the browser's question has besides :meth:`headers`."""
        return self._preflight if origin in self._told else _NONE

    def lists(self, origin: str) -> bool:
        """Whether pages of this origin may call the API."""
        return origin.encode("latin-1", "replace") in self._told

    def headers(self, origin: bytes | None) -> Headers:
        """What every answer to a page of this origin has; for pages not listed, no leave."""
        told = None if origin is None else self._told.get(origin)
        return self._vary if told is None else [*self._vary, *told, self._expose]


def _origin(text: str) -> str:
    """The origin as browsers write it (RFC 6454 §6.2)."""
    refusal = ValueError(
        f"{text!r} is no origin such as https://tickets.example: scheme and host, a port if it is "
        "not the usual one, no path, and no wildcard"
    )
    try:
        parts = urlsplit(text.lower())
        host, port = parts.netloc, parts.port
    except ValueError:
        raise refusal from None
    if port is not None:
        host = host.removesuffix(f":{port}")
    if parts.scheme not in _DEFAULT_PORTS or not _HOST.fullmatch(host):
        raise refusal
    shown_port = "" if port in (None, _DEFAULT_PORTS[parts.scheme]) else f":{port}"
    if text.lower() != f"{parts.scheme}://{parts.netloc}":
        raise refusal
    return f"{parts.scheme}://{host}{shown_port}"


def require_own_page(request: Request[Any, Any, Any], code: Code) -> None:
    """Refuse with ``code`` what another site's page could have sent with our cookie (ASVS 3.5.1).

    A header that no form can set makes a browser ask first (:class:`Cors`); where the browser
    names the page's origin, it must be ours or a listed one besides.
    """
    headers = request.headers
    media_type = headers.get("content-type", "").partition(";")[0].strip().lower()
    if "x-requested-with" not in headers and media_type != "application/json":
        raise Refused(code)
    origin = headers.get("origin")
    if origin is None:
        return
    own = f"{request.scope['scheme']}://{headers.get('host', '')}"
    cors: Cors | None = request.app.state.get("cors")
    if origin.lower() != own.lower() and not (cors and cors.lists(origin)):
        raise Refused(code, f"The page's origin {origin!r} is not one that may do this.")
