"""An OpenID provider on this machine, with switches for everything that one can get wrong.

    with OidcProvider() as provider:
        provider.user = {"sub": "7", "email": "ada@example.com", "email_verified": True}
        callback = await provider.approve(authorization_url)
        provider.faults.add("wrong_nonce")

It is strict where a client must be caught: redirect URI, PKCE, codes that work once, and who the
client is. ``refusals`` tells what it did not like.
"""

import base64
import functools
import gzip
import hashlib
import hmac
import json
import secrets
import socket
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Literal, Self, get_args
from urllib.parse import parse_qsl, unquote, urlencode, urlsplit

import httpx
import httpx2
from joserfc import jws
from joserfc.jwk import ECKey, KeyParameters, RSAKey

from tests.support.asgi import BASE_URL

CALLBACK = f"{BASE_URL}/api/v1/auth/google/callback"

Endpoint = Literal["discovery", "keys", "token"]

# What the ID token says or how it is signed.
TokenFault = Literal[
    "wrong_nonce",
    "missing_nonce",
    "wrong_aud",
    "several_aud",
    "wrong_azp",
    "wrong_iss",
    "expired",
    "issued_in_the_future",
    "missing_sub",
    "missing_email",
    "unverified_email",
    "unverified_email_as_text",
    "alg_none",
    "hs256_with_public_key",
    "other_key_with_same_kid",
    "unknown_kid",
    "missing_kid",
    "changed_after_signing",
    "missing_id_token",
]
# How the endpoints in ``fails_at`` answer. Below it all stands the right document, so that a
# client that does not look would be content.
EndpointFault = Literal[
    "server_error",
    "slow",
    "drip",
    "hang_up",
    "not_json",
    "not_an_object",
    "deep_json",
    "huge_body",
    "packed_body",
    "redirect",
]
# What the discovery document says.
DiscoveryFault = Literal["other_issuer", "endpoints_without_tls", "endpoints_refuse_connections"]
Fault = TokenFault | EndpointFault | DiscoveryFault

TOKEN_FAULTS: tuple[TokenFault, ...] = get_args(TokenFault)
ENDPOINT_FAULTS: tuple[EndpointFault, ...] = get_args(EndpointFault)

_HUGE = 1_000_000


@dataclass(frozen=True)
class _Grant:
    """What a code stands for."""

    redirect_uri: str
    challenge: str
    nonce: str | None
    user: Mapping[str, Any]


@dataclass(frozen=True)
class _Answer:
    status: int
    document: Any = None
    location: str | None = None


class OidcProvider:
    """The simulator; use ``with``. Everything public may be changed while it runs.

    Args:
        issuer: its name, if it shall not be its address; then ``transport`` leads to it.
        redirect_uri: where it sends browsers back to; further ones go into ``redirect_uris``.

    Attributes:
        user: the claims about whoever is signed in there; ``sub`` is the only necessary one.
        denies: whether the person refuses.
        faults: what goes wrong.
        fails_at: the endpoints that the faults of endpoints concern.
        claims: put into the next ID tokens after everything else; None takes a claim out.
        payload: signed instead of claims.
        id_token: given out instead of an ID token.
        algorithm: what ID tokens are signed with.
        authentication_methods: how clients may show who they are.
        further_keys: JWKs that are published besides the provider's own.
        requests: how often each endpoint was asked.
        refusals: why requests were refused, in order.
        authorizations: what each authorization request asked for.
        secrets: all codes, verifiers and tokens that have passed, and the client's secret.
        cookies: what clients sent back of the cookies that it sets.
    """

    def __init__(self, *, issuer: str | None = None, redirect_uri: str = CALLBACK) -> None:
        self.client_id = "1234567890-tests.apps.example"
        self.client_secret = "GOCSPX-a secret/with+special:characters%"
        self.redirect_uris = {redirect_uri}
        self.user: Mapping[str, Any] = {
            "sub": "10769150350006150715113082367",
            "email": "ada@example.com",
            "email_verified": True,
            "name": "Ada Lovelace",
        }
        self.denies = False
        self.faults: set[Fault] = set()
        self.fails_at: set[Endpoint] = {"discovery", "keys", "token"}
        self.claims: dict[str, Any] = {}
        self.payload: bytes | None = None
        self.id_token: str | None = None
        self.algorithm: Literal["RS256", "ES256"] = "RS256"
        self.authentication_methods: list[str] | None = ["client_secret_post"]
        self.further_keys: list[dict[str, Any]] = []
        self.requests: Counter[str] = Counter()
        self.refusals: list[str] = []
        self.authorizations: list[dict[str, str]] = []
        self.secrets: list[str] = [self.client_secret]
        self.cookies: list[str] = []
        self._issuer = issuer
        self._generation = 0
        self._grants: dict[str, _Grant] = {}
        self._closing = threading.Event()
        self._broken: list[BaseException] = []
        self._server = _Server(self)
        self._thread = threading.Thread(
            # The shortest wait for the end; requests do not wait for it.
            target=functools.partial(self._server.serve_forever, poll_interval=0.01),
            name="oidc provider",
        )
        # Bound and never listening: whoever connects is refused, and nobody else gets the port.
        self._dead = socket.socket()
        self._dead.bind(("127.0.0.1", 0))

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._closing.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
        self._dead.close()
        if self._broken and error is None:
            raise self._broken[0]

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    @property
    def issuer(self) -> str:
        return self._issuer or self.address

    @property
    def dead_issuer(self) -> str:
        """The address of a provider that refuses connections."""
        return f"http://127.0.0.1:{self._dead.getsockname()[1]}"

    def rotate_keys(self) -> None:
        """Sign with a new key from now on, and publish only that."""
        self._generation += 1

    async def approve(self, url: str) -> str:
        """Go where the browser is sent to, as the person; answers where they come back.

        AssertionError when the provider shows an error instead, as it does to whoever comes with
        a client or a redirect URI that it does not know.
        """
        async with httpx.AsyncClient(trust_env=False) as browser:
            answer = await browser.get(self._reachable(url))
        assert answer.status_code == 302, answer.text
        return answer.headers["Location"]

    def transport(self) -> httpx2.AsyncBaseTransport:
        """A way for a client to the issuer, whatever its name."""
        return _Detour(self._reachable)

    def _reachable(self, url: str) -> str:
        assert url.startswith(f"{self.issuer}/"), f"{url} is not here"
        return self.address + url.removeprefix(self.issuer)

    # What follows runs in the threads of the server.

    def discovery(self) -> _Answer:
        """GET /.well-known/openid-configuration (OpenID Connect Discovery 1.0 §4.2)."""
        base = reachable = self.issuer
        if "endpoints_without_tls" in self.faults:
            reachable = "http://provider.example"
        if "endpoints_refuse_connections" in self.faults:
            reachable = self.dead_issuer
        document: dict[str, Any] = {
            "issuer": "https://other.example" if "other_issuer" in self.faults else base,
            "authorization_endpoint": f"{base}/authorize",
            "token_endpoint": f"{reachable}/token",
            "jwks_uri": f"{reachable}/keys",
            "response_types_supported": ["code"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256", "ES256"],
            "code_challenge_methods_supported": ["S256"],
        }
        if self.authentication_methods is not None:
            document["token_endpoint_auth_methods_supported"] = self.authentication_methods
        return _Answer(200, document)

    def keys(self) -> _Answer:
        """GET /keys (RFC 7517 §5)."""
        own = self._key().as_dict(private=False)
        return _Answer(
            200, {"keys": [*self.further_keys, own | {"use": "sig", "alg": self.algorithm}]}
        )

    def authorize(self, asked: dict[str, str]) -> _Answer:
        """GET /authorize (RFC 6749 §4.1.1): the person is signed in already and decides at once."""
        self.authorizations.append(asked)
        redirect_uri = asked.get("redirect_uri", "")
        # To a place that is not registered nobody is sent (RFC 6749 §4.1.2.1).
        if asked.get("client_id") != self.client_id:
            return self._refuse(400, "invalid_request", "unknown client")
        if redirect_uri not in self.redirect_uris:
            return self._refuse(400, "invalid_request", "redirect_uri is not registered")
        back: dict[str, str] = {"state": asked["state"]} if "state" in asked else {}
        if self.denies:
            back["error"] = "access_denied"
        elif asked.get("response_type") != "code" or "openid" not in asked["scope"].split():
            back["error"] = "invalid_scope"
        elif asked.get("code_challenge_method") != "S256" or not asked.get("code_challenge"):
            back["error"] = "invalid_request"
        else:
            back["code"] = self._secret("4/0A" + secrets.token_urlsafe(32))
            self._grants[back["code"]] = _Grant(
                redirect_uri, asked["code_challenge"], asked.get("nonce"), dict(self.user)
            )
        if "error" in back:
            self.refusals.append(back["error"])
        return _Answer(302, location=f"{redirect_uri}?{urlencode(back)}")

    def token(self, form: dict[str, str], authorization: str) -> _Answer:
        """POST /token (RFC 6749 §4.1.3 and RFC 7636 §4.6)."""
        self.secrets += [form[name] for name in ("code", "code_verifier") if name in form]
        if self._client(form, authorization) != (self.client_id, self.client_secret):
            return self._refuse(401, "invalid_client", "client authentication")
        if form.get("grant_type") != "authorization_code":
            return self._refuse(400, "unsupported_grant_type", "grant type")
        # Taken out by the first attempt, right or wrong: a code works once.
        grant = self._grants.pop(form.get("code", ""), None)
        if grant is None:
            return self._refuse(400, "invalid_grant", "unknown or spent code")
        if form.get("redirect_uri") != grant.redirect_uri:
            return self._refuse(400, "invalid_grant", "redirect_uri is another")
        digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        if _base64(digest) != grant.challenge:
            return self._refuse(400, "invalid_grant", "code_verifier does not fit")
        answer = {
            "access_token": self._secret("ya29." + secrets.token_urlsafe(32)),
            "expires_in": 3599,
            "token_type": "Bearer",
            "scope": "openid email profile",
        }
        if "missing_id_token" not in self.faults:
            answer["id_token"] = self._secret(self.id_token or self._id_token(grant))
        return _Answer(200, answer)

    def ask(self, name: Endpoint | Literal["authorize"], asked: "_Handler") -> _Answer | None:
        """The answer of an endpoint, None if there is none at all."""
        self.requests[name] += 1
        self.cookies += asked.headers.get_all("Cookie", [])
        query = dict(parse_qsl(urlsplit(asked.path).query))
        if name == "authorize":
            return self.authorize(query)
        if name == "token":
            answer = self.token(asked.form(), asked.headers.get("Authorization", ""))
        else:
            answer = self.discovery() if name == "discovery" else self.keys()
        return answer if "again" in query else self._spoilt(name, answer, asked)

    def _spoilt(self, name: Endpoint, answer: _Answer, asked: "_Handler") -> _Answer | None:
        """The answer as the faults of endpoints have it."""
        if name not in self.fails_at:
            return answer
        if "server_error" in self.faults:
            return _Answer(500, answer.document)
        if "redirect" in self.faults:
            return _Answer(307, answer.document, location=f"{asked.path}?again=1")
        if "not_an_object" in self.faults:
            return _Answer(answer.status, [answer.document])
        if "huge_body" in self.faults:
            return _Answer(answer.status, answer.document | {"padding": "x" * _HUGE})
        if "slow" in self.faults:
            self._closing.wait()
            return None
        return None if "hang_up" in self.faults else answer

    def closing(self, seconds: float) -> bool:
        """Whether the simulator ends within so many seconds."""
        return self._closing.wait(seconds)

    def broken(self, error: BaseException) -> None:
        """Remember a failure of the simulator itself, to be raised at the end."""
        self._broken.append(error)

    def _client(self, form: Mapping[str, str], authorization: str) -> tuple[str, str] | None:
        """Who the client says it is, in a way that it may (RFC 6749 §2.3.1)."""
        # Basic is the default (OpenID Connect Discovery 1.0 §3).
        methods = self.authentication_methods or ["client_secret_basic"]
        if authorization.startswith("Basic ") and "client_secret_basic" in methods:
            pair = base64.b64decode(authorization.removeprefix("Basic ")).decode()
            name, _, secret = pair.partition(":")
            return unquote(name), secret
        if "client_secret" in form and "client_secret_post" in methods:
            return form.get("client_id", ""), form["client_secret"]
        return None

    def _refuse(self, status: int, error: str, why: str) -> _Answer:
        self.refusals.append(why)
        # Some providers repeat in their description what they were sent.
        return _Answer(status, {"error": error, "error_description": " ".join(self.secrets)})

    def _secret(self, text: str) -> str:
        self.secrets.append(text)
        return text

    def _key(self) -> RSAKey | ECKey:
        return _signing_key(self.algorithm, self._generation)

    def _id_token(self, grant: _Grant) -> str:
        now = int(time.time())
        claims = {
            "iss": self.issuer,
            "aud": self.client_id,
            "azp": self.client_id,
            "iat": now,
            "exp": now + 3600,
            "nonce": grant.nonce,
            **grant.user,
            **self._wrong_claims(now),
            **self.claims,
        }
        return self._signed({name: claim for name, claim in claims.items() if claim is not None})

    def _wrong_claims(self, now: int) -> dict[str, Any]:
        other = "another-client.apps.example"
        wrong: dict[TokenFault, dict[str, Any]] = {
            "wrong_nonce": {"nonce": secrets.token_urlsafe(32)},
            "missing_nonce": {"nonce": None},
            "wrong_aud": {"aud": other, "azp": None},
            "several_aud": {"aud": [self.client_id, other], "azp": None},
            "wrong_azp": {"azp": other},
            "wrong_iss": {"iss": "https://other.example"},
            "expired": {"iat": now - 7200, "exp": now - 3600},
            "issued_in_the_future": {"iat": now + 3600, "exp": now + 7200},
            "missing_sub": {"sub": None},
            "missing_email": {"email": None, "email_verified": None},
            "unverified_email": {"email_verified": False},
            "unverified_email_as_text": {"email_verified": "false"},
        }
        return {
            name: claim
            for fault, claims in wrong.items()
            if fault in self.faults
            for name, claim in claims.items()
        }

    def _signed(self, claims: dict[str, Any]) -> str:
        key = self._key()
        header = {"alg": self.algorithm, "typ": "JWT", "kid": key.kid}
        if "alg_none" in self.faults:
            return _compact(header | {"alg": "none"}, claims, b"")
        if "hs256_with_public_key" in self.faults:
            pem = key.as_pem(private=False)
            return _compact(header | {"alg": "HS256"}, claims, pem)
        if "missing_kid" in self.faults:
            del header["kid"]
        if "unknown_kid" in self.faults:
            header["kid"] = "never-published"
        if {"other_key_with_same_kid", "unknown_kid"} & self.faults:
            key = _signing_key(self.algorithm, -1)
        payload = json.dumps(claims).encode() if self.payload is None else self.payload
        token = jws.serialize_compact(header, payload, key, algorithms=[self.algorithm])
        if "changed_after_signing" in self.faults:
            head, _, signature = token.split(".")
            return f"{head}.{_encoded(claims | {'sub': 'the victim'})}.{signature}"
        return token


class _Server(ThreadingHTTPServer):
    """One thread for each connection; all have ended when it is closed."""

    daemon_threads = False
    request_queue_size = 128

    def __init__(self, provider: OidcProvider) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.provider = provider

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client may go away in the middle; everything else is a mistake in this file."""
        error = sys.exception()
        if error is not None and not isinstance(error, OSError):
            self.provider.broken(error)


class _Handler(BaseHTTPRequestHandler):
    """HTTP/1.0, so that every request comes over a connection of its own."""

    timeout = 10
    server: _Server

    def do_GET(self) -> None:
        """Discovery, keys, and the page that asks the person."""
        path = urlsplit(self.path).path
        if path == "/.well-known/openid-configuration":
            self._serve("discovery")
        elif path == "/keys":
            self._serve("keys")
        elif path == "/authorize":
            self._serve("authorize")
        else:
            self.send_error(404)

    def do_POST(self) -> None:
        if urlsplit(self.path).path == "/token":
            self._serve("token")
        else:
            self.send_error(404)

    def form(self) -> dict[str, str]:
        """The body as a form; a repeated parameter is a mistake (RFC 6749 §3.2)."""
        body = self.rfile.read(int(self.headers.get("Content-Length", "0"))).decode()
        pairs = parse_qsl(body, keep_blank_values=True)
        assert len(dict(pairs)) == len(pairs), "a parameter was sent twice"
        return dict(pairs)

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""

    def _serve(self, name: Endpoint | Literal["authorize"]) -> None:
        provider = self.server.provider
        answer = provider.ask(name, self)
        if answer is None:
            return
        faults = provider.faults if name in provider.fails_at else set()
        again = "again=" in self.path
        body = b"" if answer.document is None else json.dumps(answer.document).encode()
        if "not_json" in faults and not again:
            body = b"<!doctype html><title>Sign in to the Wi-Fi first</title>"
        if "deep_json" in faults and not again:
            body = b"[" * 100_000
        packed = "packed_body" in faults and not again
        self.send_response(answer.status)
        if answer.location is not None:
            self.send_header("Location", answer.location)
        if packed:
            body = gzip.compress(body)
            self.send_header("Content-Encoding", "gzip")
        self.send_header("Content-Type", "application/json")
        self.send_header("Set-Cookie", "provider=knows-you; Path=/")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        for piece in self._pieces(body, slowly="drip" in faults and not again):
            self.wfile.write(piece)

    def _pieces(self, body: bytes, *, slowly: bool) -> Iterator[bytes]:
        if not slowly:
            yield body
            return
        for number in range(len(body)):
            if self.server.provider.closing(0.05):
                return
            yield body[number : number + 1]


class _Detour(httpx2.AsyncBaseTransport):
    """Sends requests for one host to another."""

    def __init__(self, reachable: Any) -> None:
        self._reachable = reachable
        self._direct = httpx2.AsyncHTTPTransport(trust_env=False)

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        request.url = httpx2.URL(self._reachable(str(request.url)))
        request.headers["Host"] = request.url.netloc.decode()
        return await self._direct.handle_async_request(request)

    async def aclose(self) -> None:
        await self._direct.aclose()


@functools.cache
def _signing_key(algorithm: str, generation: int) -> RSAKey | ECKey:
    """Made once for all simulators of this process, because RSA keys take their time."""
    named: KeyParameters = {"kid": f"{algorithm}-{generation}"}
    if algorithm == "ES256":
        return ECKey.generate_key("P-256", named)
    return RSAKey.generate_key(2_048, named)


def _compact(header: dict[str, Any], claims: dict[str, Any], key: bytes) -> str:
    """A token as no honest library would write it: with HMAC under any key, or under none."""
    signed = f"{_encoded(header)}.{_encoded(claims)}"
    signature = hmac.digest(key, signed.encode(), "sha256") if key else b""
    return f"{signed}.{_base64(signature)}"


def _encoded(content: dict[str, Any]) -> str:
    return _base64(json.dumps(content).encode())


def _base64(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).decode("ascii").rstrip("=")
