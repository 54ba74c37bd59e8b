"""Signing in through an OpenID provider: what is asked of it, and what is believed.

The provider is a simulator with real keys behind a real socket.
"""

import asyncio
import base64
import time
import traceback
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from typing import Any, get_args
from urllib.parse import parse_qsl, urlsplit

import pytest
import pytest_asyncio
import structlog

from fullhouse.accounts import oidc
from fullhouse.accounts.oidc import Errand, Identity, Provider
from fullhouse.adapters.oauth import GOOGLE_ISSUER, Google
from fullhouse.kit.errors import Refused
from tests.support.oidc_provider import (
    CALLBACK,
    ENDPOINT_FAULTS,
    TOKEN_FAULTS,
    DiscoveryFault,
    Endpoint,
    EndpointFault,
    Fault,
    OidcProvider,
    TokenFault,
)

ENDPOINTS: tuple[Endpoint, ...] = get_args(Endpoint)


class Clock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture(autouse=True)
def _fresh_log(monkeypatch: pytest.MonkeyPatch) -> None:
    """A logger keeps the configuration of its first use, and other tests configure logs anew."""
    monkeypatch.setattr("fullhouse.adapters.oauth.google.log", structlog.get_logger())


@pytest.fixture
def provider() -> Iterator[OidcProvider]:
    with OidcProvider() as provider:
        yield provider


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest_asyncio.fixture
async def google(provider: OidcProvider, clock: Clock) -> AsyncIterator[Google]:
    google = google_of(provider, clock=clock)
    yield google
    await google.close()


def google_of(provider: OidcProvider, **options: Any) -> Google:
    """The adapter as it is configured for the simulator."""
    given = {
        "issuer": provider.issuer,
        "client_id": provider.client_id,
        "client_secret": provider.client_secret,
        "redirect_uri": CALLBACK,
    }
    return Google(**(given | options))


async def approved(google: Provider, provider: OidcProvider, errand: Errand) -> dict[str, str]:
    """The first leg; answers what the query of the callback says."""
    url = await google.authorization_url(errand.state, errand.nonce, errand.code_verifier)
    return dict(parse_qsl(urlsplit(await provider.approve(url)).query))


async def sign_in(google: Provider, provider: OidcProvider) -> Identity:
    """Both legs."""
    errand = oidc.begin("/")
    said = await approved(google, provider, errand)
    assert said["state"] == errand.state
    return await google.identify(said["code"], errand.code_verifier, errand.nonce)


async def refusal(google: Provider, provider: OidcProvider) -> tuple[str, str]:
    """Sign in, which must fail; answers the code, and the reason that was logged."""
    with structlog.testing.capture_logs() as lines, pytest.raises(Refused) as refused:
        await sign_in(google, provider)
    (reason,) = (line["reason"] for line in lines)
    return refused.value.code.name, reason


# What the ID token must say.

REFUSED_BECAUSE: dict[TokenFault, str] = {
    "wrong_nonce": "claim_nonce",
    "missing_nonce": "claim_nonce",
    "wrong_aud": "claim_aud",
    "several_aud": "claim_azp",
    "wrong_azp": "claim_azp",
    "wrong_iss": "claim_iss",
    "expired": "claim_exp",
    "issued_in_the_future": "claim_iat",
    "missing_sub": "claim_sub",
    "alg_none": "algorithm",
    "hs256_with_public_key": "algorithm",
    "other_key_with_same_kid": "bad_signature",
    "unknown_kid": "unknown_key",
    "changed_after_signing": "bad_signature",
}


@pytest.mark.parametrize("algorithm", ["RS256", "ES256"])
@pytest.mark.parametrize("fault", REFUSED_BECAUSE)
async def test_an_id_token_with_a_fault_is_refused(
    google: Google, provider: OidcProvider, fault: TokenFault, algorithm: Any
) -> None:
    provider.algorithm = algorithm
    provider.faults.add(fault)
    assert await refusal(google, provider) == ("oidc_refused", REFUSED_BECAUSE[fault])
    provider.faults.clear()
    assert (await sign_in(google, provider)).subject == provider.user["sub"]


def test_every_fault_of_a_token_is_tried() -> None:
    harmless = {"missing_email", "unverified_email", "unverified_email_as_text", "missing_kid"}
    assert {*REFUSED_BECAUSE, *harmless, "missing_id_token"} == set(TOKEN_FAULTS)


@pytest.mark.parametrize(
    ("claims", "reason"),
    [
        ({"exp": time.time() - 3_600}, "claim_exp"),
        ({"exp": "tomorrow"}, "claim_exp"),
        ({"exp": None}, "claim_exp"),
        ({"exp": float("nan")}, "claim_exp"),
        ({"iat": None}, "claim_iat"),
        ({"nbf": time.time() + 100_000}, "claim_nbf"),
        ({"iss": ["https://accounts.google.com"]}, "claim_iss"),
        ({"iss": "accounts.google.com"}, "claim_iss"),
        ({"iss": GOOGLE_ISSUER}, "claim_iss"),
        ({"aud": []}, "claim_aud"),
        ({"aud": {"1234567890-tests.apps.example": 1}}, "claim_aud"),
        ({"nonce": ""}, "claim_nonce"),
        ({"sub": ""}, "claim_sub"),
        ({"sub": 7}, "claim_sub"),
        ({"sub": "7" * 256}, "claim_sub"),
        ({"sub": "7\x00"}, "claim_sub"),
        ({"sub": "\ud800"}, "claim_sub"),
    ],
)
async def test_a_claim_that_does_not_hold_is_refused(
    google: Google, provider: OidcProvider, claims: dict[str, Any], reason: str
) -> None:
    provider.claims = claims
    assert await refusal(google, provider) == ("oidc_refused", reason)


@pytest.mark.parametrize(
    "text",
    [
        "no token",
        "a.b.c",
        "….e30.AAAA",
        '"alg".e30.AAAA',
        *(
            base64.urlsafe_b64encode(header).decode().rstrip("=") + ".e30.AAAA"
            for header in (
                b'"alg"',
                b'["alg"]',
                b"7",
                b"{}",
                b'{"alg":["RS256"]}',
                b'{"alg":{"RS256":1}}',
                b'{"alg":"RS256","kid":7}',
                b'{"alg":"RS256","kid":"RS256-0","crit":["exp"],"exp":1}',
                b'{"alg":"RS256","kid":"RS256-0","b64":false,"crit":["b64"]}',
                b"[" * 380,
                b"\xff",
            )
        ),
        "e30." * 40_000,
    ],
)
async def test_what_is_no_id_token_is_refused(
    google: Google, provider: OidcProvider, text: str
) -> None:
    provider.id_token = text
    code, _ = await refusal(google, provider)
    assert code == "oidc_refused"


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        (b"", "invalid_payload"),
        (b"[]", "invalid_payload"),
        (b'"sub"', "invalid_payload"),
        (b"\xff", "invalid_payload"),
        (b"{", "invalid_payload"),
        (b"{}", "claim_aud,exp,iat,iss,nonce,sub"),
        (b"[" * 90_000, "malformed_token"),
    ],
)
async def test_a_signature_makes_no_claims_of_anything(
    google: Google, provider: OidcProvider, payload: bytes, reason: str
) -> None:
    provider.payload = payload
    assert await refusal(google, provider) == ("oidc_refused", reason)


async def test_clocks_may_differ_by_a_minute(google: Google, provider: OidcProvider) -> None:
    for claims in ({"exp": time.time() - 20}, {"iat": time.time() + 40}):
        provider.claims = claims
        await sign_in(google, provider)
    for claims in ({"exp": time.time() - 61}, {"iat": time.time() + 600}):
        provider.claims = claims
        assert (await refusal(google, provider))[0] == "oidc_refused"


async def test_an_address_that_nobody_vouches_for_is_known_as_such(
    google: Google, provider: OidcProvider
) -> None:
    provider.faults = {"unverified_email"}
    identity = await sign_in(google, provider)
    assert (identity.email, identity.email_verified) == ("ada@example.com", False)
    provider.faults = {"unverified_email_as_text"}
    assert not (await sign_in(google, provider)).email_verified
    provider.faults = set()
    for claim in ("true", 1, [True], None):
        provider.claims = {"email_verified": claim}
        assert (await sign_in(google, provider)).email_verified is False
    provider.claims = {}
    assert (await sign_in(google, provider)).email_verified is True


async def test_who_tells_nothing_about_themselves_is_still_somebody(
    google: Google, provider: OidcProvider
) -> None:
    provider.faults = {"missing_email"}
    provider.claims = {"name": None}
    expected = Identity(provider.issuer, str(provider.user["sub"]), None, False, None)
    assert await sign_in(google, provider) == expected
    provider.claims = {"email": "", "name": " \x00 "}
    assert await sign_in(google, provider) == expected
    provider.claims = {"email": ["ada@example.com"], "name": {"first": "Ada"}}
    assert await sign_in(google, provider) == expected


async def test_texts_that_nothing_can_store_are_left_out(
    google: Google, provider: OidcProvider
) -> None:
    provider.claims = {"email": "ada\x00@example.com", "name": " A\x00d\ud800a\u200d\n "}
    identity = await sign_in(google, provider)
    assert (identity.email, identity.name) == (None, "Ada\u200d")


async def test_other_audiences_are_fine_when_the_token_was_made_for_us(
    google: Google, provider: OidcProvider
) -> None:
    for audience in ([provider.client_id], [provider.client_id, "another"]):
        provider.claims = {"aud": audience}
        await sign_in(google, provider)
    provider.claims = {"aud": [provider.client_id], "azp": None}
    await sign_in(google, provider)


# The whole flow.


async def test_signing_in(google: Google, provider: OidcProvider) -> None:
    errand = oidc.begin("/")
    said = await approved(google, provider, errand)
    identity = await google.identify(said["code"], errand.code_verifier, errand.nonce)
    assert identity == Identity(
        provider.issuer, "10769150350006150715113082367", "ada@example.com", True, "Ada Lovelace"
    )
    (asked,) = provider.authorizations
    assert {name: asked[name] for name in ("response_type", "scope", "prompt", "nonce")} == {
        "response_type": "code",
        "scope": "openid email profile",
        "prompt": "select_account",
        "nonce": errand.nonce,
    }
    # What goes through the browser's address line tells nobody the verifier.
    assert errand.code_verifier not in asked.values()
    assert asked["code_challenge_method"] == "S256"
    assert provider.refusals == []


async def test_a_person_may_refuse(google: Google, provider: OidcProvider) -> None:
    provider.denies = True
    errand = oidc.begin("/")
    said = await approved(google, provider, errand)
    assert said == {"error": "access_denied", "state": errand.state}


async def test_a_stolen_code_is_worth_nothing_without_the_verifier(
    google: Google, provider: OidcProvider
) -> None:
    victim, thief = oidc.begin("/"), oidc.begin("/")
    said = await approved(google, provider, victim)
    with pytest.raises(Refused) as refused:
        # Even a thief who knows the nonce.
        await google.identify(said["code"], thief.code_verifier, victim.nonce)
    assert refused.value.code is oidc.OIDC_REFUSED
    assert provider.refusals == ["code_verifier does not fit"]


async def test_a_code_that_belongs_to_another_sign_in_is_refused(
    google: Google, provider: OidcProvider
) -> None:
    """Code injection with the verifier known: the nonce is the second lock."""
    victim, other = oidc.begin("/"), oidc.begin("/")
    said = await approved(google, provider, victim)
    with pytest.raises(Refused) as refused:
        await google.identify(said["code"], victim.code_verifier, other.nonce)
    assert refused.value.code is oidc.OIDC_REFUSED
    assert provider.refusals == []


async def test_a_code_works_once(google: Google, provider: OidcProvider) -> None:
    errand = oidc.begin("/")
    said = await approved(google, provider, errand)
    await google.identify(said["code"], errand.code_verifier, errand.nonce)
    with pytest.raises(Refused) as refused:
        await google.identify(said["code"], errand.code_verifier, errand.nonce)
    assert refused.value.code is oidc.OIDC_REFUSED
    assert provider.refusals == ["unknown or spent code"]


@pytest.mark.parametrize("code", ["", "made up", "…", "\udcff", "a\nb", "a" * 2_049])
async def test_a_malformed_code_is_not_even_sent(
    google: Google, provider: OidcProvider, code: str
) -> None:
    errand = oidc.begin("/")
    with pytest.raises(Refused) as refused:
        await google.identify(code, errand.code_verifier, errand.nonce)
    assert refused.value.code is oidc.OIDC_REFUSED
    assert provider.requests["token"] == 0


@pytest.mark.parametrize(
    ("options", "why"),
    [
        ({"client_secret": "GOCSPX-wrong"}, "client authentication"),
        ({"redirect_uri": f"{CALLBACK}/elsewhere"}, "redirect_uri is another"),
    ],
)
async def test_a_wrongly_configured_client_is_refused(
    google: Google, provider: OidcProvider, options: dict[str, str], why: str
) -> None:
    errand = oidc.begin("/")
    said = await approved(google, provider, errand)
    wrong = google_of(provider, **options)
    with pytest.raises(Refused) as refused:
        await wrong.identify(said["code"], errand.code_verifier, errand.nonce)
    await wrong.close()
    assert refused.value.code is oidc.OIDC_REFUSED
    assert provider.refusals == [why]


@pytest.mark.parametrize(
    "options", [{"client_id": "somebody else"}, {"redirect_uri": "https://evil.example/"}]
)
async def test_the_simulator_sends_nobody_to_strangers(
    provider: OidcProvider, options: dict[str, str]
) -> None:
    stranger = google_of(provider, **options)
    with pytest.raises(AssertionError, match="invalid_request"):
        await approved(stranger, provider, oidc.begin("/"))
    await stranger.close()


async def test_the_simulator_insists_on_pkce(google: Google, provider: OidcProvider) -> None:
    errand = oidc.begin("/")
    url = await google.authorization_url(errand.state, errand.nonce, errand.code_verifier)
    for changed in (
        url.replace("code_challenge=", "ignored="),
        url.replace("code_challenge_method=S256", "code_challenge_method=plain"),
    ):
        assert changed != url
        assert "error=invalid_request" in await provider.approve(changed)


@pytest.mark.parametrize("methods", [None, ["client_secret_basic"], ["client_secret_post"]])
async def test_the_client_shows_who_it_is_as_the_provider_wants_it(
    google: Google, provider: OidcProvider, methods: list[str] | None
) -> None:
    provider.authentication_methods = methods
    await sign_in(google, provider)


@pytest.mark.parametrize("wrong", ["", "short", "a" * 42, "a" * 129, "ä" * 43, "a b" * 20])
async def test_values_that_can_be_guessed_are_a_bug(google: Google, wrong: str) -> None:
    """An empty verifier would switch PKCE off, and an empty nonce the check of it."""
    good = oidc.begin("/")
    for bad in (replace(good, state=wrong), replace(good, nonce=wrong)):
        with pytest.raises(ValueError, match="43 to 128"):
            await google.authorization_url(bad.state, bad.nonce, bad.code_verifier)
    with pytest.raises(ValueError, match="43 to 128"):
        await google.authorization_url(good.state, good.nonce, wrong)
    with pytest.raises(ValueError, match="43 to 128"):
        await google.identify("code", wrong, good.nonce)
    with pytest.raises(ValueError, match="43 to 128"):
        await google.identify("code", good.code_verifier, wrong)


async def test_google_has_two_names_and_is_one_provider() -> None:
    with OidcProvider(issuer=GOOGLE_ISSUER) as provider:
        google = google_of(provider, transport=provider.transport())
        first = await sign_in(google, provider)
        provider.claims = {"iss": "accounts.google.com"}
        assert await sign_in(google, provider) == first
        assert first.issuer == GOOGLE_ISSUER
        for other in ("http://accounts.google.com", f"{GOOGLE_ISSUER}/", "google.com"):
            provider.claims = {"iss": other}
            assert await refusal(google, provider) == ("oidc_refused", "claim_iss")
        await google.close()


# Keys.


async def test_new_keys_are_noticed_but_not_looked_for_all_the_time(
    google: Google, provider: OidcProvider, clock: Clock
) -> None:
    await sign_in(google, provider)
    await sign_in(google, provider)
    assert provider.requests["keys"] == 1
    provider.rotate_keys()
    await sign_in(google, provider)
    assert provider.requests["keys"] == 2
    provider.faults.add("unknown_kid")
    clock.now += 59
    assert await refusal(google, provider) == ("oidc_refused", "unknown_key")
    assert provider.requests["keys"] == 2
    clock.now += 1
    for _ in range(2):
        assert await refusal(google, provider) == ("oidc_refused", "unknown_key")
    assert provider.requests["keys"] == 3


async def test_a_withdrawn_key_is_forgotten_within_the_hour(
    google: Google, provider: OidcProvider, clock: Clock
) -> None:
    await sign_in(google, provider)
    clock.now += 3_600
    await sign_in(google, provider)
    assert provider.requests["keys"] == provider.requests["discovery"] == 2


async def test_keys_that_are_none_of_ours_are_left_out(
    google: Google, provider: OidcProvider
) -> None:
    small = {"kty": "RSA", "n": "AQAB" * 40, "e": "AQAB"}
    provider.further_keys = [
        {"kty": "oct", "k": "c2VjcmV0", "kid": "RS256-0"},
        {"kty": "AKP", "alg": "ML-DSA-65", "pub": "AAAA", "kid": "RS256-0"},
        {**small, "kid": "RS256-0"},
        {"kty": "RSA", "n": 7, "e": "AQAB", "kid": "RS256-0"},
        {"kty": "RSA", "kid": "RS256-0"},
        {"kty": "RSA", "n": "", "e": "", "kid": "RS256-0"},
        {"kty": "EC", "crv": "P-256", "x": "AAAA", "y": "AAAA", "kid": "RS256-0"},
        {"kty": "EC", "crv": "P-0", "x": "AAAA", "y": "AAAA", "kid": "RS256-0"},
        {"kty": "RSA", "use": "enc", "n": "AQAB" * 90, "e": "AQAB", "kid": "RS256-0"},
        {"kty": "RSA", "alg": "RSA-OAEP", "n": "AQAB" * 90, "e": "AQAB", "kid": "RS256-0"},
        {},
    ]
    await sign_in(google, provider)
    # The one that is left needs no id.
    provider.faults.add("missing_kid")
    await sign_in(google, provider)


async def test_without_an_id_only_a_single_key_will_do(
    google: Google, provider: OidcProvider
) -> None:
    provider.faults.add("missing_kid")
    provider.further_keys = [{"kty": "RSA", "n": "AQAB" * 90, "e": "AQAB", "kid": "second"}]
    assert await refusal(google, provider) == ("oidc_refused", "unknown_key")


async def test_a_key_of_another_type_verifies_nothing(
    google: Google, provider: OidcProvider
) -> None:
    """The token names the algorithm, but the key must be one for it."""
    provider.algorithm = "ES256"
    head = base64.urlsafe_b64encode(b'{"alg":"RS256","kid":"ES256-0"}').decode().rstrip("=")
    provider.id_token = f"{head}.e30.AAAA"
    assert await refusal(google, provider) == ("oidc_refused", "unknown_key")


# The provider is away, or answers nonsense.

UNAVAILABLE_BECAUSE: dict[EndpointFault, str] = {
    "server_error": "unexpected_status",
    "hang_up": "no_connection",
    "not_json": "malformed_answer",
    "not_an_object": "no_json_object",
    "deep_json": "malformed_answer",
    "huge_body": "endless_answer",
    "packed_body": "packed_answer",
    "redirect": "unexpected_status",
}


@pytest.mark.parametrize("endpoint", ENDPOINTS)
@pytest.mark.parametrize("fault", UNAVAILABLE_BECAUSE)
async def test_nonsense_is_no_answer(
    google: Google, provider: OidcProvider, fault: EndpointFault, endpoint: Endpoint
) -> None:
    provider.faults.add(fault)
    provider.fails_at = {endpoint}
    reason = UNAVAILABLE_BECAUSE[fault]
    if (fault, endpoint) == ("not_an_object", "token"):
        reason = "malformed_answer"  # Authlib has looked before us
    assert await refusal(google, provider) == ("oidc_unavailable", reason)
    # One attempt: whatever happens, a code is sent once.
    assert provider.requests[endpoint] == 1
    provider.faults.clear()
    assert (await sign_in(google, provider)).subject == provider.user["sub"]


def test_every_fault_of_an_endpoint_is_tried() -> None:
    assert {*UNAVAILABLE_BECAUSE, "slow", "drip"} == set(ENDPOINT_FAULTS)


async def test_nobody_waits_for_long() -> None:
    """Neither for an answer that does not begin, nor for one that does not end."""

    async def wait_in_vain(fault: Fault, endpoint: Endpoint) -> None:
        with OidcProvider() as provider:
            provider.faults.add(fault)
            provider.fails_at = {endpoint}
            google = google_of(provider, timeout_seconds=1.0)
            with pytest.raises(Refused) as refused:
                await sign_in(google, provider)
            assert refused.value.code is oidc.OIDC_UNAVAILABLE
            assert refused.value.retry_after_seconds is not None
            await google.close()

    faults: tuple[Fault, ...] = ("slow", "drip")
    async with asyncio.timeout(60):
        await asyncio.gather(
            *(wait_in_vain(fault, endpoint) for fault in faults for endpoint in ENDPOINTS)
        )


async def test_an_id_token_is_necessary(google: Google, provider: OidcProvider) -> None:
    provider.faults.add("missing_id_token")
    assert await refusal(google, provider) == ("oidc_unavailable", "no_id_token")


async def test_a_provider_that_refuses_connections(provider: OidcProvider) -> None:
    away = google_of(provider, issuer=provider.dead_issuer)
    assert await refusal(away, provider) == ("oidc_unavailable", "no_connection")
    await away.close()
    provider.faults.add("endpoints_refuse_connections")
    half = google_of(provider)
    assert await refusal(half, provider) == ("oidc_unavailable", "no_connection")
    await half.close()


async def test_a_connection_that_fails_is_tried_once_more(provider: OidcProvider) -> None:
    connections = 0

    async def hang_up(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connections
        connections += 1
        writer.close()

    # No TLS is spoken here, so no connection comes about.
    async with await asyncio.start_server(hang_up, "127.0.0.1") as server:
        port = server.sockets[0].getsockname()[1]
        google = google_of(provider, issuer=f"https://127.0.0.1:{port}")
        assert await refusal(google, provider) == ("oidc_unavailable", "no_connection")
        await google.close()
    assert connections == 2


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        ("other_issuer", "discovery_of_another_issuer"),
        ("endpoints_without_tls", "discovery_of_unsafe_endpoints"),
    ],
)
async def test_a_discovery_document_is_not_believed_blindly(
    google: Google, provider: OidcProvider, fault: DiscoveryFault, reason: str
) -> None:
    provider.faults.add(fault)
    assert await refusal(google, provider) == ("oidc_unavailable", reason)
    provider.faults.clear()
    # Nothing of it was kept.
    await sign_in(google, provider)


async def test_a_provider_elsewhere_may_not_lead_to_this_machine() -> None:
    """Plain HTTP is for tests on one machine; a real issuer that points there is no real one."""
    with OidcProvider(issuer="https://id.example") as provider:
        google = google_of(provider, transport=provider.transport())
        await sign_in(google, provider)
        await google.close()
        provider.faults.add("endpoints_refuse_connections")  # they are http://127.0.0.1
        google = google_of(provider, transport=provider.transport())
        unsafe = ("oidc_unavailable", "discovery_of_unsafe_endpoints")
        assert await refusal(google, provider) == unsafe
        await google.close()


@pytest.mark.parametrize(
    "issuer",
    [
        "",
        "accounts.google.com",
        "http://accounts.google.com",
        "ftp://accounts.google.com",
        "https://",
        "https://user:password@accounts.google.com",
        "https://accounts.google.com#fragment",
        "https://accounts.google.com:port",
        "https://accounts google.com",
        "http://127.0.0.1.evil.example",
    ],
)
def test_an_issuer_is_a_safe_url(provider: OidcProvider, issuer: str) -> None:
    with pytest.raises(ValueError, match="google_issuer must"):
        google_of(provider, issuer=issuer)


async def test_who_comes_together_shares_one_look_up(
    google: Google, provider: OidcProvider
) -> None:
    await asyncio.gather(*(sign_in(google, provider) for _ in range(10)))
    assert provider.requests == {"discovery": 1, "keys": 1, "token": 10, "authorize": 10}


async def test_one_who_gives_up_takes_nothing_from_the_others(
    google: Google, provider: OidcProvider
) -> None:
    impatient = asyncio.create_task(sign_in(google, provider))
    patient = asyncio.create_task(sign_in(google, provider))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    impatient.cancel()
    assert (await patient).subject == provider.user["sub"]
    assert provider.requests["discovery"] == 1
    assert impatient.cancelled()


async def test_closing_in_the_middle(provider: OidcProvider) -> None:
    provider.faults.add("slow")
    google = google_of(provider)
    waiting = asyncio.create_task(sign_in(google, provider))
    while not provider.requests["discovery"]:
        await asyncio.sleep(0.01)
    await google.close()
    with pytest.raises(asyncio.CancelledError):
        await waiting


async def test_nothing_is_left_of_one_sign_in_for_the_next(
    google: Google, provider: OidcProvider
) -> None:
    await sign_in(google, provider)
    await sign_in(google, provider)
    assert provider.cookies == []


@pytest.mark.parametrize(
    "fault",
    [
        *REFUSED_BECAUSE,
        *UNAVAILABLE_BECAUSE,
        "missing_id_token",
        "endpoints_refuse_connections",
        None,
    ],
)
async def test_secrets_stay_out_of_logs_and_errors(
    google: Google, provider: OidcProvider, fault: Fault | None
) -> None:
    """The simulator's errors repeat all it was sent; with None it refuses the client."""
    errand = oidc.begin("/")
    provider.fails_at = {"token", "keys"}
    if fault is not None:
        provider.faults.add(fault)
    said = await approved(google, provider, errand)
    if fault is None:
        provider.client_secret = "GOCSPX-changed"
    with structlog.testing.capture_logs() as lines, pytest.raises(Refused) as refused:
        await google.identify(said["code"], errand.code_verifier, errand.nonce)
    told = "".join(traceback.format_exception(refused.value)) + repr(refused.value) + repr(lines)
    hidden = [*provider.secrets, errand.state, errand.nonce, errand.code_verifier, said["code"]]
    assert [secret for secret in hidden if secret in told] == []
    assert lines
    assert len(provider.secrets) > 1
