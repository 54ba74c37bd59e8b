"""Signing in with Google through HTTP, against a provider that is strict and can misbehave."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from itertools import count
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import UUID

import httpx
import pyotp
import pytest
import pytest_asyncio
from pydantic import SecretStr

from fullhouse.accounts import one_time
from fullhouse.app import build
from fullhouse.kit.db import RawConnection
from fullhouse.kit.ids import new_id
from fullhouse.settings import Settings
from tests.support.asgi import BASE_URL, bearer, client_of
from tests.support.oidc_provider import OidcProvider
from tests.support.organizations import (
    ask,
    audit_entries,
    invite,
    join,
    member,
    organizer,
    roles_in,
)
from tests.support.people import PASSWORD, new_email, register
from tests.support.settings import settings_for

API = "/api/v1"
GOOGLE = f"{API}/auth/google"
LINK = f"{GOOGLE}/link"

_subjects = count(1)


@pytest.fixture(scope="module")
def running_provider() -> Iterator[OidcProvider]:
    """The provider that the module's application knows as Google."""
    with OidcProvider() as provider:
        yield provider


@pytest.fixture
def provider(running_provider: OidcProvider) -> OidcProvider:
    """The provider, behaving well again, with somebody new signed in there."""
    running_provider.faults.clear()
    running_provider.claims.clear()
    running_provider.denies = False
    running_provider.user = person()
    return running_provider


@pytest.fixture(scope="module")
def settings(database_url: str, running_provider: OidcProvider) -> Settings:
    """The module's application lets people in with the provider."""
    return settings_for(
        database_url,
        google_client_id=running_provider.client_id,
        google_client_secret=SecretStr(running_provider.client_secret),
        google_issuer=running_provider.issuer,
        public_url=BASE_URL,
    )


@pytest_asyncio.fixture
async def browser(client: httpx.AsyncClient) -> AsyncIterator[httpx.AsyncClient]:
    """A browser with cookies of its own."""
    async with browser_of(client) as browser:
        yield browser


@pytest_asyncio.fixture
async def other_browser(client: httpx.AsyncClient) -> AsyncIterator[httpx.AsyncClient]:
    """Somebody else's browser."""
    async with browser_of(client) as browser:
        yield browser


def browser_of(client: httpx.AsyncClient) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=client._transport, base_url=BASE_URL)


def person(**claims: Any) -> dict[str, Any]:
    """What the provider knows about somebody whom no other test has met."""
    return {
        "sub": f"1076915035000615071{next(_subjects)}",
        "email": new_email(),
        "email_verified": True,
        "name": "Ada Lovelace",
        **claims,
    }


async def depart(browser: httpx.AsyncClient, return_to: str = "/account") -> str:
    """Begin to sign in; answers where the browser is sent to."""
    answer = await browser.get(GOOGLE, params={"returnTo": return_to})
    assert answer.status_code == 302, answer.text
    return answer.headers["location"]


async def sign_in(
    browser: httpx.AsyncClient, provider: OidcProvider, return_to: str = "/account"
) -> httpx.Response:
    """There and back; answers what the callback answers."""
    return await browser.get(await provider.approve(await depart(browser, return_to)))


async def session_of(browser: httpx.AsyncClient) -> dict[str, Any]:
    """What the page does next: get an access token for the refresh cookie."""
    answer = await browser.post(f"{API}/auth/refresh", headers={"X-Requested-With": "page"})
    assert answer.status_code == 200, answer.text
    session: dict[str, Any] = answer.json()
    return session


async def link(
    browser: httpx.AsyncClient, provider: OidcProvider, headers: dict[str, str]
) -> httpx.Response:
    """Link from within; answers what the callback answers."""
    body = {"password": PASSWORD, "returnTo": "/account"}
    answer = await browser.post(LINK, json=body, headers=headers)
    assert answer.status_code == 200, answer.text
    return await browser.get(await provider.approve(answer.json()["url"]))


async def prove_address(connection: RawConnection, email: str) -> None:
    """As the link in the mail does."""
    await connection.execute("UPDATE users SET email_verified_at = now() WHERE email = $1", email)


async def owner_of(connection: RawConnection, provider: OidcProvider) -> UUID | None:
    """To whose account the identity is linked."""
    owner: UUID | None = await connection.fetchval(
        "SELECT user_id FROM identities WHERE issuer = $1 AND subject = $2",
        provider.issuer,
        provider.user["sub"],
    )
    return owner


def refusal(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


def spends_cookie(answer: httpx.Response) -> bool:
    """Whether the errand's cookie is taken away."""
    cookies = [cookie.lower() for cookie in answer.headers.get_list("set-cookie")]
    return any(c.startswith("fullhouse_oidc=") and "max-age=0" in c for c in cookies)


def gives_session(answer: httpx.Response) -> bool:
    cookies = answer.headers.get_list("set-cookie")
    return any(cookie.startswith("fullhouse_refresh=fhr_") for cookie in cookies)


@pytest.mark.parametrize(
    "claims",
    [
        {"email_verified": False},
        {"email_verified": None},
        {"email": None},
        {"email": "no address"},
    ],
)
@pytest.mark.parametrize("has_account", [True, False])
async def test_an_address_that_google_does_not_vouch_for_opens_nothing(
    browser: httpx.AsyncClient,
    connection: RawConnection,
    provider: OidcProvider,
    claims: dict[str, Any],
    has_account: bool,
) -> None:
    if has_account:
        await register(browser, email=provider.user["email"])
        await prove_address(connection, provider.user["email"])
        browser.cookies.clear()
    users = await connection.fetchval("SELECT count(*) FROM users")
    provider.claims.update(claims)
    answer = await sign_in(browser, provider)
    assert refusal(answer) == (403, "identity_unverified")
    assert spends_cookie(answer)
    assert not gives_session(answer)
    assert await connection.fetchval("SELECT count(*) FROM users") == users
    assert await owner_of(connection, provider) is None


async def test_who_registered_a_strangers_address_loses_every_way_in(
    client: httpx.AsyncClient,
    browser: httpx.AsyncClient,
    other_browser: httpx.AsyncClient,
    connection: RawConnection,
    provider: OidcProvider,
) -> None:
    victim = dict(provider.user)
    session = await register(other_browser, email=victim["email"], role="ORGANIZER")
    attacker, user_id = bearer(session["accessToken"]), UUID(session["user"]["id"])
    # Everything that a patient attacker would leave behind.
    provider.user = person()
    assert (await link(other_browser, provider, attacker)).status_code == 303
    factor = f"{API}/auth/second-factor"
    begun = await client.post(factor, json={"password": PASSWORD}, headers=attacker)
    code = {"code": pyotp.TOTP(begun.json()["secret"]).now()}
    confirmed = await client.post(f"{factor}/confirm", json=code, headers=attacker)
    assert confirmed.status_code == 200
    body = {"email": victim["email"], "password": PASSWORD}
    challenge = (await client.post(f"{API}/auth/login", json=body)).json()["challenge"]
    key = one_time.new_api_key()
    await connection.execute("UPDATE users SET phone = '+9779841999999' WHERE id = $1", user_id)
    await connection.execute(
        "INSERT INTO api_keys (id, organization_id, name, shown, secret_hash, scopes, created_by)"
        " VALUES ($1, $2, 'till', $3, $4, '{events:read}', $5)",
        new_id(),
        UUID(session["user"]["organizations"][0]["id"]),
        key.shown,
        key.hash,
        user_id,
    )
    begun_link = await other_browser.post(LINK, json={"password": PASSWORD}, headers=attacker)

    own, provider.user = provider.user, victim
    answer = await sign_in(browser, provider)
    assert answer.status_code == 303
    assert answer.headers["location"] == "/account"
    assert (await session_of(browser))["user"]["id"] == str(user_id)
    assert await owner_of(connection, provider) == user_id

    assert (await client.get(f"{API}/auth/me", headers=attacker)).status_code == 401
    refreshed = await other_browser.post(
        f"{API}/auth/refresh", headers={"X-Requested-With": "page"}
    )
    assert refusal(refreshed) == (401, "session_over")
    log_in = await client.post(f"{API}/auth/login", json=body)
    assert refusal(log_in) == (401, "invalid_credentials")
    recovery = {"challenge": challenge, "code": confirmed.json()["recoveryCodes"][0]}
    late = await client.post(f"{factor}/verify", json=recovery)
    assert refusal(late) == (401, "code_wrong")
    provider.user = own
    assert await owner_of(connection, provider) is None
    linking = await other_browser.get(await provider.approve(begun_link.json()["url"]))
    assert refusal(linking) == (401, "session_over")
    left = await connection.fetchrow(
        "SELECT password_hash, phone, totp_secret, email_verified_at IS NOT NULL,"
        " (SELECT count(*) FROM mail_tokens WHERE user_id = users.id),"
        " (SELECT count(*) FROM recovery_codes WHERE user_id = users.id),"
        " (SELECT count(*) FROM api_keys WHERE created_by = users.id AND revoked_at IS NULL)"
        " FROM users WHERE id = $1",
        user_id,
    )
    assert left is not None
    assert tuple(left) == (None, None, None, True, 0, 0, 0)
    actions = await connection.fetch(
        "SELECT action FROM audit_log WHERE object_id = $1", str(user_id)
    )
    assert "user.address_claimed" in {row["action"] for row in actions}


async def test_nobody_whom_a_stranger_let_in_stays(
    client: httpx.AsyncClient,
    browser: httpx.AsyncClient,
    connection: RawConnection,
    provider: OidcProvider,
) -> None:
    stranger = await organizer(client, email=provider.user["email"])
    accomplice = await member(client, connection, stranger.organization, "owner")
    await join(connection, accomplice.organization, stranger, "manager")
    for who in (stranger, accomplice):
        for organization in (stranger.organization, accomplice.organization):
            sent = await invite(client, who, new_email(), to=organization)
            assert sent.status_code == 201, sent.text
    keys = f"/organizations/{stranger.organization}/api-keys"
    members = f"/organizations/{stranger.organization}/members"
    body = {"name": "Door", "scopes": ["members:read"]}
    key = bearer((await ask(client, accomplice, "POST", keys, body)).json()["key"])
    # Known to all that answer without asking the database.
    for headers in (accomplice.headers, key):
        assert (await client.get(API + members, headers=headers)).status_code == 200

    assert (await sign_in(browser, provider)).status_code == 303
    session = await session_of(browser)
    owner = replace(stranger, headers=bearer(session["accessToken"]))
    assert [part["id"] for part in session["user"]["organizations"]] == [owner.organization]
    assert await roles_in(connection, owner.organization) == {owner.id: "owner"}
    assert await roles_in(connection, accomplice.organization) == {accomplice.id: "owner"}
    assert (await ask(client, accomplice, "GET", members)).status_code == 404
    assert refusal(await client.get(API + members, headers=key)) == (401, "unauthenticated")
    assert (await ask(client, owner, "GET", keys)).json()["items"] == []
    left = await connection.fetch("SELECT organization_id, invited_by FROM invitations")
    assert [tuple(row) for row in left] == [(UUID(accomplice.organization), UUID(accomplice.id))]
    for who, gone in ((owner, accomplice), (accomplice, stranger)):
        (entry,) = await audit_entries(client, who, who.organization, action="member.removed")
        assert (entry["objectId"], entry["actor"]["kind"]) == (gone.id, "system")


async def test_a_proved_account_keeps_its_organization(
    client: httpx.AsyncClient,
    browser: httpx.AsyncClient,
    connection: RawConnection,
    provider: OidcProvider,
) -> None:
    person = await organizer(client, email=provider.user["email"])
    colleague = await member(client, connection, person.organization, "manager")
    await prove_address(connection, person.email)
    assert (await sign_in(browser, provider)).status_code == 303
    assert await roles_in(connection, person.organization) == {
        person.id: "owner",
        colleague.id: "manager",
    }


async def test_a_callback_is_worth_nothing_in_another_browser(
    browser: httpx.AsyncClient, other_browser: httpx.AsyncClient, provider: OidcProvider
) -> None:
    callback = await provider.approve(await depart(browser))
    asked = provider.requests["token"]
    assert refusal(await other_browser.get(callback)) == (422, "oidc_lost")
    # Nor where a sign-in of its own was begun.
    await depart(other_browser)
    stolen = await other_browser.get(callback)
    assert refusal(stolen) == (422, "oidc_lost")
    assert spends_cookie(stolen)
    # The code was not shown to the provider, and is still its owner's.
    assert provider.requests["token"] == asked
    assert gives_session(await browser.get(callback))


async def test_a_callback_works_once(browser: httpx.AsyncClient, provider: OidcProvider) -> None:
    callback = await provider.approve(await depart(browser))
    errand = browser.cookies["fullhouse_oidc"]
    assert gives_session(await browser.get(callback))
    assert "fullhouse_oidc" not in browser.cookies
    assert refusal(await browser.get(callback)) == (422, "oidc_lost")
    browser.cookies.set("fullhouse_oidc", errand, path=GOOGLE)
    again = await browser.get(callback)
    assert refusal(again) == (403, "oidc_refused")
    assert not gives_session(again)


@pytest.mark.parametrize("query", ["", "state=x", "code=y", "state=x&code=y", "error=z"])
async def test_what_nobody_has_begun_is_lost(browser: httpx.AsyncClient, query: str) -> None:
    answer = await browser.get(f"{GOOGLE}/callback?{query}")
    assert refusal(answer) == (422, "oidc_lost")
    assert spends_cookie(answer)


async def test_a_person_may_change_their_mind(
    browser: httpx.AsyncClient, provider: OidcProvider
) -> None:
    provider.denies = True
    answer = await sign_in(browser, provider)
    assert refusal(answer) == (403, "oidc_refused")
    assert "fullhouse_oidc" not in browser.cookies


async def test_a_way_back_without_a_code(
    browser: httpx.AsyncClient, provider: OidcProvider
) -> None:
    state = parse_qs(urlsplit(await depart(browser)).query)["state"][0]
    answer = await browser.get(f"{GOOGLE}/callback", params={"state": state})
    assert refusal(answer) == (403, "oidc_refused")
    assert spends_cookie(answer)


async def test_a_provider_that_is_away(browser: httpx.AsyncClient, provider: OidcProvider) -> None:
    callback = await provider.approve(await depart(browser))
    provider.faults.add("server_error")
    answer = await browser.get(callback)
    assert refusal(answer) == (503, "oidc_unavailable")
    assert "retry-after" in answer.headers
    assert spends_cookie(answer)


async def test_nobody_gives_themselves_rights(
    browser: httpx.AsyncClient, connection: RawConnection, provider: OidcProvider
) -> None:
    provider.claims.update(role="ADMIN", id=str(new_id()), organizations=["x"], disabled=False)
    refused = await browser.get(GOOGLE, params={"returnTo": "/", "role": "ADMIN"})
    assert refusal(refused) == (422, "validation_failed")
    departure = await browser.get(GOOGLE, params={"returnTo": "/"})
    callback = await provider.approve(departure.headers["location"])
    answer = await browser.get(f"{callback}&role=ADMIN&user_id={new_id()}")
    assert answer.status_code == 303
    user = (await session_of(browser))["user"]
    assert (user["role"], user["organizations"]) == ("USER", [])


@pytest.mark.parametrize(
    "elsewhere", ["https://evil.example/", "//evil.example", "/\\evil.example", "javascript:x", ""]
)
async def test_nobody_is_sent_to_another_site(
    browser: httpx.AsyncClient, provider: OidcProvider, elsewhere: str
) -> None:
    answer = await sign_in(browser, provider, elsewhere)
    assert (answer.status_code, answer.headers["location"]) == (303, "/")


async def test_an_account_of_one_is_not_given_to_another(
    browser: httpx.AsyncClient,
    other_browser: httpx.AsyncClient,
    connection: RawConnection,
    provider: OidcProvider,
) -> None:
    assert (await sign_in(browser, provider)).status_code == 303
    owner = await owner_of(connection, provider)
    other = bearer((await register(other_browser))["accessToken"])
    answer = await link(other_browser, provider, other)
    assert refusal(answer) == (409, "google_in_use")
    assert await owner_of(connection, provider) == owner


@pytest.mark.parametrize("password", [None, "not the password"])
async def test_linking_takes_the_password(
    browser: httpx.AsyncClient, provider: OidcProvider, password: str | None
) -> None:
    headers = bearer((await register(browser))["accessToken"])
    answer = await browser.post(LINK, json={"password": password}, headers=headers)
    assert refusal(answer) == (401, "invalid_credentials")
    assert "set-cookie" not in answer.headers


async def test_who_has_signed_out_links_nothing(
    browser: httpx.AsyncClient, connection: RawConnection, provider: OidcProvider
) -> None:
    headers = bearer((await register(browser))["accessToken"])
    begun = await browser.post(LINK, json={"password": PASSWORD}, headers=headers)
    assert (await browser.post(f"{API}/auth/logout", headers=headers)).status_code == 204
    answer = await browser.get(await provider.approve(begun.json()["url"]))
    assert refusal(answer) == (401, "session_over")
    assert await owner_of(connection, provider) is None


async def test_a_disabled_account_stays_closed(
    browser: httpx.AsyncClient, connection: RawConnection, provider: OidcProvider
) -> None:
    # Found by its address, proved or not, and then by the identity.
    session = await register(browser, email=provider.user["email"])
    user_id = UUID(session["user"]["id"])
    disable = "UPDATE users SET disabled_at = now() WHERE id = $1"
    await connection.execute(disable, user_id)
    assert refusal(await sign_in(browser, provider)) == (403, "account_disabled")
    kept = "SELECT password_hash IS NOT NULL FROM users WHERE id = $1"
    assert await connection.fetchval(kept, user_id)
    await connection.execute("UPDATE users SET disabled_at = NULL WHERE id = $1", user_id)
    assert gives_session(await sign_in(browser, provider))
    await connection.execute(disable, user_id)
    answer = await sign_in(browser, provider)
    assert refusal(answer) == (403, "account_disabled")
    assert not gives_session(answer)


async def test_the_second_factor_is_asked_for(
    browser: httpx.AsyncClient, connection: RawConnection, provider: OidcProvider
) -> None:
    session = await register(browser, email=provider.user["email"])
    await prove_address(connection, provider.user["email"])
    headers = bearer(session["accessToken"])
    factor = f"{API}/auth/second-factor"
    begun = await browser.post(factor, json={"password": PASSWORD}, headers=headers)
    code = {"code": pyotp.TOTP(begun.json()["secret"]).now()}
    confirmed = await browser.post(f"{factor}/confirm", json=code, headers=headers)
    browser.cookies.clear()

    answer = await sign_in(browser, provider, "/account?a=b#top")
    assert answer.status_code == 303
    assert not gives_session(answer)
    # Who has the address alone leaves no way in behind.
    assert await owner_of(connection, provider) is None
    path, _, challenge = answer.headers["location"].partition("#second-factor=")
    assert path == "/account?a=b"
    body = {"challenge": challenge, "code": confirmed.json()["recoveryCodes"][0]}
    signed_in = await browser.post(f"{factor}/verify", json=body)
    assert signed_in.status_code == 200
    method = await connection.fetchrow(
        "SELECT method, second_factor FROM sessions WHERE user_id = $1 ORDER BY id DESC LIMIT 1",
        UUID(session["user"]["id"]),
    )
    assert method is not None
    assert tuple(method) == ("google", True)


async def test_a_new_account(
    browser: httpx.AsyncClient, connection: RawConnection, provider: OidcProvider
) -> None:
    provider.user = person(name="Ada \u202eLovelace")
    answer = await sign_in(browser, provider, "/shows?city=Bern")
    assert (answer.status_code, answer.headers["location"]) == (303, "/shows?city=Bern")
    assert answer.headers["cache-control"] == "no-store"
    assert spends_cookie(answer)
    session = await session_of(browser)
    user = session["user"]
    assert (user["name"], user["email"]) == ("Ada Lovelace", provider.user["email"])
    row = await connection.fetchrow(
        "SELECT role, password_hash, email_verified_at IS NOT NULL FROM users WHERE id = $1",
        UUID(user["id"]),
    )
    assert row is not None
    assert tuple(row) == ("USER", None, True)
    body = {"email": user["email"], "password": ""}
    log_in = await browser.post(f"{API}/auth/login", json=body)
    assert refusal(log_in) == (401, "invalid_credentials")


async def test_who_tells_no_name_is_called_by_their_address(
    browser: httpx.AsyncClient, provider: OidcProvider
) -> None:
    provider.user = person(name=None)
    await sign_in(browser, provider)
    name = (await session_of(browser))["user"]["name"]
    assert name == provider.user["email"].partition("@")[0]


async def test_people_are_known_by_their_identity_and_not_by_their_address(
    browser: httpx.AsyncClient, other_browser: httpx.AsyncClient, provider: OidcProvider
) -> None:
    await sign_in(browser, provider)
    first = (await session_of(browser))["user"]
    # Another address, not even a verified one, and somebody else who has the old one now.
    provider.user = {**provider.user, "email": new_email(), "email_verified": False}
    await sign_in(other_browser, provider)
    assert (await session_of(other_browser))["user"] == first


async def test_a_proved_address_is_linked_and_keeps_what_it_has(
    browser: httpx.AsyncClient,
    other_browser: httpx.AsyncClient,
    connection: RawConnection,
    provider: OidcProvider,
) -> None:
    email = provider.user["email"]
    session = await register(other_browser, email=email)
    await prove_address(connection, email)
    provider.claims["email"] = email.upper()
    assert gives_session(await sign_in(browser, provider))
    assert (await session_of(browser))["user"]["id"] == session["user"]["id"]
    assert await owner_of(connection, provider) == UUID(session["user"]["id"])
    me = await other_browser.get(f"{API}/auth/me", headers=bearer(session["accessToken"]))
    assert me.status_code == 200
    body = {"email": email, "password": PASSWORD}
    assert (await browser.post(f"{API}/auth/login", json=body)).status_code == 200


async def test_two_at_the_same_moment_are_one_person(
    browser: httpx.AsyncClient,
    other_browser: httpx.AsyncClient,
    connection: RawConnection,
    provider: OidcProvider,
) -> None:
    callbacks = [
        await provider.approve(await depart(browser)),
        await provider.approve(await depart(other_browser)),
    ]
    answers = await asyncio.gather(browser.get(callbacks[0]), other_browser.get(callbacks[1]))
    assert [gives_session(answer) for answer in answers] == [True, True]
    users = "SELECT count(*) FROM users WHERE email = $1"
    assert await connection.fetchval(users, provider.user["email"]) == 1


async def test_linking_and_unlinking(
    browser: httpx.AsyncClient,
    other_browser: httpx.AsyncClient,
    connection: RawConnection,
    provider: OidcProvider,
) -> None:
    session = await register(browser)
    headers, user_id = bearer(session["accessToken"]), UUID(session["user"]["id"])
    answer = await link(browser, provider, headers)
    assert (answer.status_code, answer.headers["location"]) == (303, "/account")
    assert not gives_session(answer)
    assert (await link(browser, provider, headers)).status_code == 303  # once more is no mistake
    assert gives_session(await sign_in(other_browser, provider))
    assert (await session_of(other_browser))["user"]["id"] == str(user_id)

    for body in ({}, {"password": "not the password"}):
        refused = await browser.request("DELETE", GOOGLE, json=body, headers=headers)
        assert refusal(refused) == (401, "invalid_credentials")
    right = {"password": PASSWORD}
    gone = await browser.request("DELETE", GOOGLE, json=right, headers=headers)
    assert gone.status_code == 204
    assert await owner_of(connection, provider) is None
    # The address there is another one than here: now it is a stranger's.
    other_browser.cookies.clear()
    await sign_in(other_browser, provider)
    assert (await session_of(other_browser))["user"]["id"] != str(user_id)
    rows = await connection.fetch(
        "SELECT action FROM audit_log WHERE object_id = $1 ORDER BY id", str(user_id)
    )
    assert [row["action"] for row in rows] == ["user.google_linked", "user.google_unlinked"]


async def test_the_last_way_in_stays(
    browser: httpx.AsyncClient, connection: RawConnection, provider: OidcProvider
) -> None:
    await sign_in(browser, provider)
    headers = bearer((await session_of(browser))["accessToken"])
    answer = await browser.request("DELETE", GOOGLE, json={}, headers=headers)
    assert refusal(answer) == (409, "last_way_in")
    # Signing in again would change nothing, so nobody is told to.
    await connection.execute("UPDATE sessions SET created_at = now() - interval '1 hour'")
    answer = await browser.request("DELETE", GOOGLE, json={}, headers=headers)
    assert refusal(answer) == (409, "last_way_in")
    assert await owner_of(connection, provider) is not None


@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_the_cookie_is_kept_from_scripts(
    browser: httpx.AsyncClient, provider: OidcProvider, scheme: str
) -> None:
    answer = await browser.get(f"{scheme}://fullhouse.test{GOOGLE}")
    assert answer.status_code == 302
    assert answer.headers["location"].startswith(provider.issuer)
    cookie, *attributes = answer.headers["set-cookie"].split("; ")
    named = {attribute.lower() for attribute in attributes}
    secure = scheme == "https"
    assert cookie.startswith("__Host-fullhouse_oidc=" if secure else "fullhouse_oidc=")
    path = "/" if secure else GOOGLE
    assert {"httponly", "samesite=lax", "max-age=600", f"path={path}"} <= named
    assert ("secure" in named) == secure
    assert not any(attribute.startswith("domain") for attribute in named)


async def test_without_google_there_is_no_such_way_in(database_url: str) -> None:
    async with client_of(build(settings_for(database_url))) as client:
        headers = bearer((await register(client))["accessToken"])
        for method, path in (
            ("GET", GOOGLE),
            ("GET", f"{GOOGLE}/callback?state=x&code=y"),
            ("POST", LINK),
            ("DELETE", GOOGLE),
        ):
            body = None if method == "GET" else {"password": PASSWORD}
            answer = await client.request(method, path, json=body, headers=headers)
            assert refusal(answer) == (404, "google_not_configured"), path
