"""Google as an OpenID provider: the authorization code flow with PKCE.

Nothing that is secret or came from the other side goes into logs or exceptions: both hold a word
of our own for what went wrong.
"""

import re
import ssl
import time
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx2
import structlog
from authlib.integrations.base_client import OAuthError  # type: ignore[import-untyped]
from authlib.integrations.httpx_client import AsyncOAuth2Client  # type: ignore[import-untyped]

from fullhouse.accounts.oidc import OIDC_REFUSED, OIDC_UNAVAILABLE, Identity
from fullhouse.adapters.oauth.fetching import (
    Bounded,
    Kept,
    Unavailable,
    is_https,
    is_on_this_machine,
    reaching,
)
from fullhouse.adapters.oauth.id_tokens import (
    Denied,
    Key,
    find,
    signer,
    usable_keys,
    verified_claims,
)
from fullhouse.kit.errors import Refused

log = structlog.get_logger(__name__)

GOOGLE_ISSUER = "https://accounts.google.com"
# Google's reference for ID tokens documents both forms of "iss", and no third.
_GOOGLE_WITHOUT_SCHEME = "accounts.google.com"

_SCOPE = "openid email profile"
_RETRY_AFTER_SECONDS = 10

# RFC 6749 appendix A.11: visible ASCII. Google's codes have about 80 characters.
_CODE = re.compile(r"[\x21-\x7e]{1,2048}")
# RFC 7636 §4.1. Authlib would leave an empty one out without a word, and PKCE with it.
_RANDOM = re.compile(r"[A-Za-z0-9\-._~]{43,128}")

# RFC 6749 §5.2; of another word the log says only that there was one.
_KNOWN_ERRORS = frozenset(
    {
        "invalid_request",
        "invalid_client",
        "invalid_grant",
        "unauthorized_client",
        "unsupported_grant_type",
        "invalid_scope",
    }
)
# These are not among them, but are sent with 400 all the same.
_PASSING_ERRORS = frozenset({"server_error", "temporarily_unavailable"})


@dataclass(frozen=True, slots=True)
class _Endpoints:
    """What we need of the provider's discovery document."""

    authorization: str
    token: str
    keys: str
    client_authentication: str


class Google:
    """Signs people in with Google; for tests, with any other OpenID provider.

    It is an :class:`fullhouse.accounts.oidc.Provider`.

    Args:
        issuer: ``https://accounts.google.com``, or another provider's issuer identifier. It may
            be ``http://`` on this machine, and then its endpoints may be so too.
        client_id: of the OAuth client, as Google shows it.
        client_secret: of the same client.
        redirect_uri: where the browser comes back to, exactly as registered at Google.
        timeout_seconds: the longest wait for one whole answer.
        clock: seconds that never go back, for how long documents are kept.
        transport: how requests leave, instead of directly; for tests.

    Raises ValueError with one line when the issuer is no such URL.
    """

    def __init__(
        self,
        issuer: str,
        client_id: str,
        client_secret: str,
        redirect_uri: str,
        *,
        timeout_seconds: float = 5.0,
        clock: Callable[[], float] = time.monotonic,
        transport: httpx2.AsyncBaseTransport | None = None,
    ) -> None:
        self._on_this_machine = is_on_this_machine(issuer)
        if not (self._on_this_machine or is_https(issuer)):
            raise ValueError("google_issuer must be a URL that starts with https://")
        self._issuer = issuer
        self._client_id = client_id
        self._timeout_seconds = timeout_seconds
        # A connection that could not be made is tried once more: nothing has been sent over it,
        # so no code is spent twice. Proxies are not taken from the environment, which only the
        # settings read.
        direct = transport or httpx2.AsyncHTTPTransport(
            verify=ssl.create_default_context(), trust_env=False, retries=1
        )
        self._client = AsyncOAuth2Client(
            client_id=client_id,
            client_secret=client_secret,
            redirect_uri=redirect_uri,
            scope=_SCOPE,
            code_challenge_method="S256",
            transport=Bounded(direct),
            timeout=timeout_seconds,
            follow_redirects=False,
            trust_env=False,
            headers={"Accept": "application/json", "Accept-Encoding": "identity"},
        )
        self._client.register_compliance_hook("access_token_response", _check_token_status)
        self._endpoints = Kept(self._discover, clock)
        self._keys = Kept(self._fetch_keys, clock)

    async def authorization_url(self, state: str, nonce: str, code_verifier: str) -> str:
        """Where the browser is sent to. Raises Refused(OIDC_UNAVAILABLE)."""
        _check_random(state, nonce, code_verifier)
        with _refusing():
            endpoints = await self._endpoints.get()
            url: str
            url, _ = self._client.create_authorization_url(
                endpoints.authorization,
                state=state,
                nonce=nonce,
                code_verifier=code_verifier,
                # On a computer that people share, nobody gets in as whoever used it last.
                prompt="select_account",
            )
            return url

    async def identify(self, code: str, code_verifier: str, nonce: str) -> Identity:
        """Exchange the code for who the person is. Raises Refused: OIDC_UNAVAILABLE, OIDC_REFUSED.

        The nonce of the ID token is checked; the state is the caller's to check before.
        """
        _check_random(nonce, code_verifier)
        with _refusing():
            if not _CODE.fullmatch(code):
                raise Denied("malformed_code")
            id_token = await self._exchange(code, code_verifier)
            return _identity(self._issuer, await self._verify(id_token, nonce))

    async def close(self) -> None:
        """End what is under way, and all connections."""
        await self._keys.close()
        await self._endpoints.close()
        await self._client.aclose()

    async def _exchange(self, code: str, code_verifier: str) -> str:
        """The ID token for the code. The access token beside it is of no use and is dropped."""
        endpoints = await self._endpoints.get()
        try:
            async with reaching(self._timeout_seconds):
                answer: Mapping[str, Any] = await self._client.fetch_token(
                    endpoints.token,
                    grant_type="authorization_code",
                    code=code,
                    code_verifier=code_verifier,
                    auth=self._client.client_auth(endpoints.client_authentication),
                )
        except OAuthError as error:
            said = error.error if isinstance(error.error, str) else ""
            if said in _PASSING_ERRORS:
                raise Unavailable("token_endpoint_error") from None
            raise Denied(said if said in _KNOWN_ERRORS else "unknown_error") from None
        finally:
            # The client is the same for everybody, and remembers the last answer.
            self._client.token = None
        id_token = answer.get("id_token")
        if not isinstance(id_token, str):
            raise Unavailable("no_id_token")
        return id_token

    async def _verify(self, id_token: str, nonce: str) -> dict[str, Any]:
        kid, key_type = signer(id_token)
        key = find(await self._keys.get(), kid, key_type)
        if key is None:
            # Either the provider has changed its keys, or somebody has made this one up.
            key = find(await self._keys.newer(), kid, key_type)
        if key is None:
            raise Denied("unknown_key")
        names = [self._issuer]
        if self._issuer == GOOGLE_ISSUER:
            names.append(_GOOGLE_WITHOUT_SCHEME)
        return verified_claims(id_token, key, issuers=names, client_id=self._client_id, nonce=nonce)

    async def _discover(self) -> _Endpoints:
        """OpenID Connect Discovery 1.0 §4."""
        document = await self._get(f"{self._issuer.rstrip('/')}/.well-known/openid-configuration")
        if document.get("issuer") != self._issuer:
            raise Unavailable("discovery_of_another_issuer")
        # Basic is the default, but there clients and servers disagree on how a secret with
        # special characters is written; in a form there is one way only.
        methods = document.get("token_endpoint_auth_methods_supported")
        in_form = isinstance(methods, list) and "client_secret_post" in methods
        return _Endpoints(
            self._endpoint(document, "authorization_endpoint"),
            self._endpoint(document, "token_endpoint"),
            self._endpoint(document, "jwks_uri"),
            "client_secret_post" if in_form else "client_secret_basic",
        )

    def _endpoint(self, document: Mapping[str, Any], name: str) -> str:
        url = document.get(name)
        if isinstance(url, str) and (
            is_https(url) or (self._on_this_machine and is_on_this_machine(url))
        ):
            return url
        raise Unavailable("discovery_of_unsafe_endpoints")

    async def _fetch_keys(self) -> tuple[Key, ...]:
        document = await self._get((await self._endpoints.get()).keys)
        listed = document.get("keys")
        if not isinstance(listed, list):
            raise Unavailable("keys_without_a_list")
        return usable_keys(listed)

    async def _get(self, url: str) -> dict[str, Any]:
        async with reaching(self._timeout_seconds):
            answer = await self._client.request("GET", url, withhold_token=True)
            if answer.status_code != 200:
                raise Unavailable("unexpected_status")
            document = answer.json()
        if not isinstance(document, dict):
            raise Unavailable("no_json_object")
        return document


@contextmanager
def _refusing() -> Iterator[None]:
    """Tell the caller which kind of no it is, and the operator why."""
    try:
        yield
    except Unavailable as error:
        log.warning("oidc_unavailable", reason=str(error))
        raise Refused(OIDC_UNAVAILABLE, retry_after_seconds=_RETRY_AFTER_SECONDS) from None
    except Denied as error:
        log.warning("oidc_refused", reason=str(error))
        raise Refused(OIDC_REFUSED) from None


def _check_token_status(response: httpx2.Response) -> httpx2.Response:
    """Authlib's hook before it reads an answer; RFC 6749 §5.2 knows 400 and 401 for a no."""
    if response.status_code not in (200, 400, 401, 403):
        raise Unavailable("unexpected_status")
    return response


def _check_random(*values: str) -> None:
    """ValueError for a value of ours that can be guessed: that is a bug and no refusal."""
    if not all(_RANDOM.fullmatch(value) for value in values):
        raise ValueError("state, nonce and code verifier must have 43 to 128 safe characters")


def _identity(issuer: str, claims: Mapping[str, Any]) -> Identity:
    return Identity(
        # Always the same for the same provider, whichever of its names the token has: issuer and
        # subject together say whose account it is.
        issuer=issuer,
        subject=claims["sub"],
        email=_email(claims.get("email")),
        # Not the text "true" either: none of the providers that we know writes it so.
        email_verified=claims.get("email_verified") is True,
        name=_name(claims.get("name")),
    )


def _email(claim: Any) -> str | None:
    """The address as it is: to leave something out would make it somebody else's."""
    return claim if isinstance(claim, str) and claim and claim.isprintable() else None


def _name(claim: Any) -> str | None:
    """The name without control characters and lone surrogates, which nothing can store or show."""
    if not isinstance(claim, str):
        return None
    kept = (letter for letter in claim if unicodedata.category(letter) not in ("Cc", "Cs"))
    return "".join(kept).strip() or None
