"""How sessions end, and that nothing outlives its end: not in this process, not in another."""

import asyncio
import hmac
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import httpx
import jwt
import pytest
import pytest_asyncio
from jwt.utils import base64url_encode
from msgspec import json

from fullhouse.accounts import authenticator
from fullhouse.accounts.tokens import AccessTokens, Challenge, Challenges
from fullhouse.kit.db import RawConnection
from fullhouse.kit.embedded import EmbeddedPostgres
from fullhouse.kit.ids import new_id
from fullhouse.parts import Parts
from fullhouse.settings import Settings
from tests.support.asgi import bearer
from tests.support.people import PASSWORD
from tests.support.sessions import (
    API,
    AUTH,
    ME,
    OWN_PAGE,
    PLAIN,
    SECURE,
    Entered,
    another_server,
    cookies_of,
    entered,
    keep_no_cookies,
    log_in,
    newcomer,
    refresh,
    refusal,
    status_of,
)
from tests.support.settings import SECRET, settings_for

OVER = (401, "session_over")
NOBODY = (401, "unauthenticated")
SESSIONS = f"{AUTH}/sessions"
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
PHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 "
    "(KHTML, like Gecko) Version/18.1 Mobile/15E148 Safari/604.1"
)
# Far longer than any test: what is still kept after this long was not heard of.
FOR_EVER = 3_600.0


@pytest.fixture(scope="module")
def settings(database_url: str) -> Settings:
    """A server behind a proxy, which tells where people come from."""
    return settings_for(database_url, trusted_proxies="127.0.0.1")


@pytest.fixture(autouse=True)
def _cookies_by_hand(client: httpx.AsyncClient) -> None:
    keep_no_cookies(client)


@pytest.fixture(autouse=True)
def _kept_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no end be noticed for the only reason that some seconds have passed."""
    monkeypatch.setattr(authenticator, "_PRINCIPAL_SECONDS", FOR_EVER)


@dataclass
class Server:
    """A server, and what it is made of."""

    client: httpx.AsyncClient
    parts: Parts


@pytest_asyncio.fixture(scope="module")
async def other(settings: Settings) -> AsyncIterator[Server]:
    """Another server on the same database."""
    async with another_server(settings) as (client, parts):
        yield Server(client, parts)


async def comes_to(what: int, ask: Callable[[], Awaitable[int]]) -> None:
    """Wait until it is answered like this, as it is when a notification has arrived."""
    async with asyncio.timeout(60):
        while await ask() != what:
            await asyncio.sleep(0.02)


async def log_out(
    client: httpx.AsyncClient,
    *,
    access: str | None = None,
    cookie: str | None = None,
    headers: dict[str, str] = OWN_PAGE,
) -> httpx.Response:
    sent = dict(headers)
    if access is not None:
        sent |= bearer(access)
    if cookie is not None:
        sent["Cookie"] = f"{PLAIN}={cookie}"
    return await client.post(f"{AUTH}/logout", headers=sent)


async def devices(client: httpx.AsyncClient, who: Entered) -> list[dict[str, Any]]:
    answer = await client.get(SESSIONS, headers=who.headers)
    assert answer.status_code == 200, answer.text
    items: list[dict[str, Any]] = answer.json()["items"]
    return items


# --- logging out


async def test_logging_out_ends_both_tokens_at_once(
    client: httpx.AsyncClient, other: Server, connection: RawConnection
) -> None:
    ada = await newcomer(client)
    again = await log_in(client, ada.email)
    for server in (client, other.client):
        assert await status_of(server, ada) == 200
    answer = await log_out(client, access=ada.access, headers={})
    assert answer.status_code == 204
    assert await status_of(client, ada) == 401
    assert refusal(await refresh(client, ada.cookie)) == OVER
    assert refusal(await refresh(other.client, ada.cookie)) == OVER
    await comes_to(401, lambda: status_of(other.client, ada))
    # It is that one session only.
    assert await status_of(client, again) == await status_of(other.client, again) == 200
    because = "SELECT ended_because FROM sessions WHERE id = $1"
    assert await connection.fetchval(because, ada.session_id) == "logout"


async def test_the_cookie_alone_is_enough(client: httpx.AsyncClient) -> None:
    ada = await newcomer(client)
    answer = await log_out(client, cookie=ada.cookie)
    assert answer.status_code == 204
    assert await status_of(client, ada) == 401
    (gone,) = cookies_of(answer)
    assert (gone.name, gone.value, gone.attributes["max-age"]) == (PLAIN, "", "0")
    assert gone.attributes["path"] == "/api/v1/auth"


async def test_over_https_the_https_cookie_goes(client: httpx.AsyncClient) -> None:
    ada = await newcomer(client)
    headers = OWN_PAGE | {"X-Forwarded-Proto": "https", "Cookie": f"{SECURE}={ada.cookie}"}
    answer = await client.post(f"{AUTH}/logout", headers=headers)
    (gone,) = cookies_of(answer)
    assert (gone.name, gone.value) == (SECURE, "")
    assert gone.attributes == {
        "path": "/", "max-age": "0", "secure": "", "httponly": "", "samesite": "strict",
    }  # fmt: skip
    assert await status_of(client, ada) == 401


async def test_an_access_token_that_has_ended_keeps_nobody_in(
    client: httpx.AsyncClient, parts: Parts
) -> None:
    """A page that was left open overnight logs out with what it has."""
    ada = await newcomer(client)
    claims = jwt.decode(ada.access, options={"verify_signature": False})
    key = parts.accounts.tokens._signed._key
    stale = jwt.encode(claims | {"exp": int(time.time()) - 60}, key, headers={"typ": "at+jwt"})
    assert refusal(await client.get(ME, headers=bearer(stale))) == NOBODY
    refused = await log_out(client, access=stale, cookie=ada.cookie, headers={})
    assert refusal(refused) == (403, "csrf_header_missing")
    assert (await log_out(client, access=stale, cookie=ada.cookie)).status_code == 204
    assert await status_of(client, ada) == 401


async def test_doing_it_twice_is_once(client: httpx.AsyncClient) -> None:
    ada, eve = await newcomer(client), await newcomer(client)
    for _ in range(2):
        assert (await log_out(client, access=ada.access)).status_code == 204
        assert (await log_out(client, cookie=ada.cookie)).status_code == 204
    assert (await log_out(client)).status_code == 204
    assert (await log_out(client, access="nonsense", cookie="nonsense")).status_code == 204
    assert await status_of(client, eve) == 200


# --- the list of devices


async def test_where_one_is_signed_in(client: httpx.AsyncClient) -> None:
    ada = await newcomer(client, headers={"User-Agent": FIREFOX, "X-Forwarded-For": "198.51.100.7"})
    phone = await log_in(
        client, ada.email, **{"User-Agent": PHONE, "X-Forwarded-For": "2001:db8::5"}
    )
    newest, oldest = await devices(client, ada)
    assert newest == {
        "id": str(phone.session_id),
        "name": "Safari on iPhone",
        "method": "password",
        "secondFactor": False,
        "address": "2001:db8::5",
        "agent": PHONE,
        "createdAt": newest["createdAt"],
        "lastUsedAt": newest["lastUsedAt"],
        "current": False,
    }
    assert (oldest["id"], oldest["name"]) == (str(ada.session_id), "Firefox on Linux")
    assert (oldest["address"], oldest["current"]) == ("198.51.100.7", True)
    assert [one["current"] for one in await devices(client, phone)] == [True, False]

    # A use from elsewhere is seen as such, and comes first.
    await refresh(client, ada.cookie, OWN_PAGE | {"X-Forwarded-For": "192.0.2.9"})
    moved, other = await devices(client, ada)
    assert (moved["id"], other["id"]) == (oldest["id"], newest["id"])
    assert (moved["address"], moved["name"]) == ("192.0.2.9", "python-httpx")
    assert moved["createdAt"] == oldest["createdAt"]
    assert moved["lastUsedAt"] > newest["lastUsedAt"] >= oldest["lastUsedAt"]
    assert other == newest


async def test_the_list_holds_no_more_than_what_goes_on(
    client: httpx.AsyncClient, connection: RawConnection
) -> None:
    ada = await newcomer(client)
    idle, ended, gone = [await log_in(client, ada.email) for _ in range(3)]
    for who, column in ((idle, "idle_until"), (ended, "ends_at")):
        await connection.execute(
            f"UPDATE sessions SET {column} = now() WHERE id = $1", who.session_id
        )
    await log_out(client, access=gone.access)
    stranger = await newcomer(client)
    assert [one["id"] for one in await devices(client, ada)] == [str(ada.session_id)]
    assert [one["id"] for one in await devices(client, stranger)] == [str(stranger.session_id)]


@pytest.mark.parametrize("text", ["\x1b[31m", "<script>alert(1)</script>", "x" * 5_000, "é"])
async def test_an_agent_is_only_text(client: httpx.AsyncClient, text: str) -> None:
    agent = text.encode("latin-1")
    body = {"email": (await newcomer(client)).email, "password": PASSWORD}
    answer = await client.post(f"{AUTH}/login", json=body, headers=[(b"User-Agent", agent)])
    who = entered(answer)
    (mine,) = [one for one in await devices(client, who) if one["current"]]
    assert mine["agent"] == text[:300]
    assert len(mine["name"]) <= 60


async def test_strangers_and_other_peoples_sessions(client: httpx.AsyncClient) -> None:
    ada, eve = await newcomer(client), await newcomer(client)
    for method, path in (("GET", ""), ("DELETE", ""), ("DELETE", f"/{ada.session_id}")):
        assert refusal(await client.request(method, SESSIONS + path)) == NOBODY
        # The cookie is for refreshing and logging out, and for nothing else.
        headers = OWN_PAGE | {"Cookie": f"{PLAIN}={ada.cookie}"}
        answer = await client.request(method, SESSIONS + path, headers=headers)
        assert refusal(answer) == NOBODY
    for unknown in (ada.session_id, uuid4(), ada.user_id, eve.user_id):
        answer = await client.delete(f"{SESSIONS}/{unknown}", headers=eve.headers)
        assert refusal(answer) == (404, "not_found")
    malformed = await client.delete(f"{SESSIONS}/1", headers=eve.headers)
    assert refusal(malformed) == (404, "not_found")
    assert await status_of(client, ada) == 200


async def test_ending_one_session(client: httpx.AsyncClient, other: Server) -> None:
    ada = await newcomer(client)
    lost = await log_in(client, ada.email)
    assert await status_of(other.client, lost) == 200
    path = f"{SESSIONS}/{lost.session_id}"
    assert (await client.delete(path, headers=ada.headers)).status_code == 204
    assert await status_of(client, lost) == 401
    assert refusal(await refresh(client, lost.cookie)) == OVER
    await comes_to(401, lambda: status_of(other.client, lost))
    assert refusal(await client.delete(path, headers=ada.headers)) == (404, "not_found")
    assert [one["current"] for one in await devices(client, ada)] == [True]
    # One's own is no exception.
    own = f"{SESSIONS}/{ada.session_id}"
    assert (await client.delete(own, headers=ada.headers)).status_code == 204
    assert await status_of(client, ada) == 401


async def test_ending_all_other_sessions(client: httpx.AsyncClient, other: Server) -> None:
    ada, eve = await newcomer(client), await newcomer(client)
    lost = [await log_in(client, ada.email) for _ in range(3)]
    for who in lost:
        assert await status_of(other.client, who) == 200
    for _ in range(2):
        assert (await client.delete(SESSIONS, headers=ada.headers)).status_code == 204
    for who in lost:
        assert await status_of(client, who) == 401
        assert refusal(await refresh(other.client, who.cookie)) == OVER
        await comes_to(401, lambda who=who: status_of(other.client, who))  # type: ignore[misc]
    assert await status_of(client, ada) == await status_of(other.client, ada) == 200
    assert (await refresh(client, ada.cookie)).status_code == 200
    assert await status_of(client, eve) == 200


# --- what counts from the next request on


@dataclass
class Change:
    """Something that is done to Ada, and how her access token is answered before and after."""

    path: str
    before: int
    after: int
    do: Callable[[httpx.AsyncClient, RawConnection, Entered], Awaitable[None]]


async def administrator(client: httpx.AsyncClient, connection: RawConnection) -> Entered:
    made = await newcomer(client)
    await connection.execute("UPDATE users SET role = 'ADMIN' WHERE id = $1", made.user_id)
    return made


def administered(**body: Any) -> Callable[..., Awaitable[None]]:
    async def do(client: httpx.AsyncClient, connection: RawConnection, ada: Entered) -> None:
        root = await administrator(client, connection)
        path = f"{API}/admin/users/{ada.user_id}"
        answer = await client.patch(path, json=body, headers=root.headers)
        assert answer.status_code == 200, answer.text

    return do


async def sign_out_everywhere(
    client: httpx.AsyncClient, connection: RawConnection, ada: Entered
) -> None:
    root = await administrator(client, connection)
    path = f"{API}/admin/users/{ada.user_id}/sessions"
    assert (await client.delete(path, headers=root.headers)).status_code == 204


async def change_password(
    client: httpx.AsyncClient, _connection: RawConnection, ada: Entered
) -> None:
    elsewhere = await log_in(client, ada.email)
    body = {"currentPassword": PASSWORD, "password": "another horse battery"}
    answer = await client.post(f"{AUTH}/password/change", json=body, headers=elsewhere.headers)
    assert answer.status_code == 204, answer.text


async def delete_account(
    client: httpx.AsyncClient, _connection: RawConnection, ada: Entered
) -> None:
    elsewhere = await log_in(client, ada.email)
    answer = await client.request(
        "DELETE", f"{API}/users/me", json={"password": PASSWORD}, headers=elsewhere.headers
    )
    assert answer.status_code == 204, answer.text


async def steal(client: httpx.AsyncClient, connection: RawConnection, ada: Entered) -> None:
    await refresh(client, ada.cookie)
    await connection.execute(
        "UPDATE sessions SET rotated_at = now() - interval '1 minute' WHERE id = $1",
        ada.session_id,
    )
    assert refusal(await refresh(client, ada.cookie)) == OVER


CHANGES = {
    "promoted": Change(f"{API}/admin/users", 403, 200, administered(role="ADMIN")),
    "disabled": Change(ME, 200, 401, administered(disabled=True)),
    "signed_out": Change(ME, 200, 401, sign_out_everywhere),
    "password": Change(ME, 200, 401, change_password),
    "deleted": Change(ME, 200, 401, delete_account),
    "stolen": Change(ME, 200, 401, steal),
}


@pytest.mark.parametrize("name", CHANGES)
async def test_a_change_counts_from_the_next_request_on(
    client: httpx.AsyncClient, other: Server, connection: RawConnection, name: str
) -> None:
    """In the same process at once, in another one as soon as the notification is there."""
    change = CHANGES[name]
    ada = await newcomer(client)

    async def asked(server: httpx.AsyncClient) -> int:
        return (await server.get(change.path, headers=ada.headers)).status_code

    for server in (client, other.client):
        assert await asked(server) == change.before
    await change.do(client, connection, ada)
    assert await asked(client) == change.after
    await comes_to(change.after, lambda: asked(other.client))


async def test_a_demotion_counts_from_the_next_request_on(
    client: httpx.AsyncClient, other: Server, connection: RawConnection
) -> None:
    ada = await administrator(client, connection)
    users = f"{API}/admin/users"

    async def asked(server: httpx.AsyncClient) -> int:
        return (await server.get(users, headers=ada.headers)).status_code

    for server in (client, other.client):
        assert await asked(server) == 200
    await administered(role="USER")(client, connection, ada)
    assert await asked(client) == 403
    await comes_to(403, lambda: asked(other.client))


async def test_a_part_in_an_organization_counts_from_the_next_request_on(
    client: httpx.AsyncClient, other: Server, connection: RawConnection
) -> None:
    owner, ada = await newcomer(client, role="ORGANIZER"), await newcomer(client)
    me = await client.get(ME, headers=owner.headers)
    organization = me.json()["organizations"][0]["id"]
    await connection.execute(
        "INSERT INTO memberships (organization_id, user_id, role) VALUES ($1, $2, 'owner')",
        UUID(organization),
        ada.user_id,
    )
    of_organization = f"{API}/organizations/{organization}"
    member = f"{of_organization}/members/{ada.user_id}"

    async def asked(server: httpx.AsyncClient, path: str) -> int:
        return (await server.get(of_organization + path, headers=ada.headers)).status_code

    for server in (client, other.client):
        assert await asked(server, "/api-keys") == await asked(server, "/members") == 200
    answer = await client.patch(member, json={"role": "viewer"}, headers=owner.headers)
    assert answer.status_code == 200, answer.text
    assert (await asked(client, "/api-keys"), await asked(client, "/members")) == (403, 200)
    await comes_to(403, lambda: asked(other.client, "/api-keys"))
    assert (await client.delete(member, headers=owner.headers)).status_code == 204
    gone = await asked(client, "/members")
    assert gone in (403, 404)
    await comes_to(gone, lambda: asked(other.client, "/members"))


async def test_what_cannot_be_heard_of_is_not_taken_from_memory(
    client: httpx.AsyncClient,
    other: Server,
    postgres: EmbeddedPostgres,
    connection: RawConnection,
) -> None:
    """The listeners are cut off and cannot come back: new connections are refused."""
    ada, eve = await newcomer(client), await newcomer(client)
    for server in (client, other.client):
        # So that both have connections to work with meanwhile.
        await asyncio.gather(*(devices(server, who) for who in (ada, eve) * 4))
    name = await connection.fetchval("SELECT current_database()")
    outside = await asyncpg.connect(postgres.dsn("postgres"))
    await outside.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
    try:
        await outside.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE application_name = 'fullhouse listener' AND datname = $1",
            name,
        )
        async with asyncio.timeout(60):
            while other.parts.listener.connected.is_set():
                await asyncio.sleep(0.02)
        assert (await log_out(client, access=ada.access)).status_code == 204
        assert await status_of(other.client, ada) == 401
        # What was read meanwhile is not used later on either.
        assert await status_of(other.client, eve) == 200
        assert (await log_out(client, access=eve.access)).status_code == 204
        assert await status_of(other.client, eve) == 401
    finally:
        await outside.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true")
        await outside.close()
        async with asyncio.timeout(60):
            await other.parts.listener.connected.wait()
    for who in (ada, eve):
        assert await status_of(other.client, who) == 401


@pytest.mark.parametrize("end", ["idle_until", "ends_at"])
async def test_memory_does_not_outlive_the_session(
    client: httpx.AsyncClient, connection: RawConnection, end: str
) -> None:
    """It ends by itself, of which nobody is told."""
    ada = await newcomer(client)
    await connection.execute(
        f"UPDATE sessions SET {end} = clock_timestamp() + interval '2 seconds' WHERE id = $1",
        ada.session_id,
    )
    await comes_to(401, lambda: status_of(client, ada))


async def test_memory_does_not_outlive_an_api_key(
    client: httpx.AsyncClient, connection: RawConnection
) -> None:
    owner = await newcomer(client, role="ORGANIZER")
    me = await client.get(ME, headers=owner.headers)
    of_organization = f"{API}/organizations/{me.json()['organizations'][0]['id']}"
    body = {"name": "Door", "scopes": ["members:read"]}
    made = await client.post(f"{of_organization}/api-keys", json=body, headers=owner.headers)
    await connection.execute(
        "UPDATE api_keys SET expires_at = clock_timestamp() + interval '2 seconds' WHERE id = $1",
        UUID(made.json()["id"]),
    )

    async def asked() -> int:
        headers = bearer(made.json()["key"])
        return (await client.get(f"{of_organization}/members", headers=headers)).status_code

    await comes_to(401, asked)


# --- tokens that are not what they should be


def part(value: dict[str, Any]) -> str:
    """A part of a JWT."""
    return base64url_encode(json.encode(value)).decode()


def signed(text: str, key: bytes, bits: int) -> str:
    """A JWT of these parts, with another of the algorithms that HMAC has."""
    return f"{text}.{base64url_encode(hmac.digest(key, text.encode(), f'sha{bits}')).decode()}"


async def test_no_algorithm_but_ours_signs(client: httpx.AsyncClient, parts: Parts) -> None:
    """What tests/integration/test_accounts_api.py does not try, with our own key if need be."""
    ada = await newcomer(client)
    claims = jwt.decode(ada.access, options={"verify_signature": False})
    key = parts.accounts.tokens._signed._key
    typ = {"typ": "at+jwt"}
    head, body, signature = ada.access.split(".")
    forged = [
        *(signed(f"{part(typ | {'alg': f'HS{bits}'})}.{body}", key, bits) for bits in (384, 512)),
        jwt.encode(claims, SECRET, headers=typ),
        *(
            f"{part(typ | {'alg': algorithm})}.{body}.{end}"
            for algorithm in ("none", "None", "NONE", "RS256", "ES256", "PS256", "EdDSA", "hs256")
            for end in ("", signature)
        ),
        f"{part({'alg': 'HS256', 'typ': 'challenge+jwt'})}.{body}.{signature}",
        f"{part(typ)}.{body}.{signature}",
        f"{head}.{body}.",
        f"{head}.{body}",
        f"{head}..{signature}",
        f"{head}.{part(claims | {'sub': str(new_id())})}.{signature}",
        jwt.encode(claims, key, headers=typ | {"crit": ["else"], "else": True}),
    ]
    for token in forged:
        assert refusal(await client.get(ME, headers=bearer(token))) == NOBODY, token
    assert await status_of(client, ada) == 200


@pytest.mark.parametrize("claim", ["iss", "aud", "sub", "sid", "iat", "exp", "jti"])
async def test_no_claim_may_be_missing_or_odd(
    client: httpx.AsyncClient, parts: Parts, claim: str
) -> None:
    ada = await newcomer(client)
    claims = jwt.decode(ada.access, options={"verify_signature": False})
    key = parts.accounts.tokens._signed._key
    without = {name: value for name, value in claims.items() if name != claim}
    odd: list[object] = [None, "", "x", [], {}]
    if claim not in ("iat", "jti"):
        odd += [True, -1]
    if claim == "jti":
        odd = [None]  # any text is one
    for bad in (without, *(claims | {claim: value} for value in odd)):
        try:
            token = jwt.encode(bad, key, headers={"typ": "at+jwt"})
        except TypeError:
            continue  # such a one cannot even be made
        answer = await client.get(ME, headers=bearer(token))
        assert refusal(answer) == NOBODY, bad


async def test_a_token_is_for_its_own_session_and_purpose(
    client: httpx.AsyncClient, parts: Parts
) -> None:
    ada, eve = await newcomer(client), await newcomer(client)
    tokens = AccessTokens(SECRET, 900)
    wrong = {
        "the session of another": tokens.issue(ada.user_id, eve.session_id),
        "a session that never was": tokens.issue(ada.user_id, new_id()),
        "a user who never was": tokens.issue(new_id(), ada.session_id),
        "for refreshing": ada.cookie,
        "for the second step": Challenges(SECRET).issue(Challenge(ada.user_id, "password", "")),
        "of another server": AccessTokens(SECRET + "!", 900).issue(ada.user_id, ada.session_id),
        "of yesterday": AccessTokens(SECRET, -60).issue(ada.user_id, ada.session_id),
        "none at all": "",
    }
    for name, token in wrong.items():
        assert refusal(await client.get(ME, headers=bearer(token))) == NOBODY, name
    # Nor is a good one taken from anywhere but its header.
    for request in (
        client.get(ME, params={"access_token": ada.access}),
        client.get(ME, headers={"Cookie": f"access_token={ada.access}; {PLAIN}={ada.cookie}"}),
        client.get(ME, headers={"Authorization": f"Basic {ada.access}"}),
        client.get(ME, headers={"X-Access-Token": ada.access}),
    ):
        assert refusal(await request) == NOBODY
    challenge = {"challenge": ada.access, "code": "123456"}
    answer = await client.post(f"{AUTH}/second-factor/verify", json=challenge)
    assert refusal(answer) == (401, "code_wrong")
    assert await status_of(client, ada) == await status_of(client, eve) == 200


async def test_of_tokens_only_hashes_are_kept(
    client: httpx.AsyncClient, connection: RawConnection, parts: Parts
) -> None:
    ada = await newcomer(client)
    again = entered(await refresh(client, ada.cookie))
    forgot = await client.post(f"{AUTH}/password/forgot", json={"email": ada.email})
    assert forgot.status_code == 202
    known = [parts.accounts.refresh.read(cookie) for cookie in (ada.cookie, again.cookie)]
    secrets = [token.secret for token in known if token is not None]
    assert len(secrets) == 2
    whole = await database_text(connection)
    for token in (ada.access, again.access, ada.cookie, again.cookie):
        for piece in (token, token.removeprefix("fhr_")[30:], token[-43:]):
            assert piece not in whole
    for secret in secrets:
        assert secret.hex() not in whole
    # The search finds what is there: the hashes.
    for kept in known:
        assert kept is not None
        assert kept.hash.hex() in whole
    assert ada.email in whole


async def database_text(connection: RawConnection) -> str:
    """Every value of every row of every table, as text; bytes in hexadecimal digits."""
    tables = await connection.fetch(
        "SELECT schemaname, tablename FROM pg_tables"
        " WHERE schemaname NOT IN ('pg_catalog', 'information_schema')"
    )
    assert "sessions" in {row["tablename"] for row in tables}
    found = []
    for row in tables:
        rows = await connection.fetch(
            f'SELECT t::text FROM "{row["schemaname"]}"."{row["tablename"]}" AS t'
        )
        found += [line[0] for line in rows]
    return "\n".join(found)
