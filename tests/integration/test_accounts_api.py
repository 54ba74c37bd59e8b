"""Register, log in, who am I: through HTTP, on a real database."""

import asyncio
import time
from collections.abc import Mapping, Sequence
from uuid import UUID

import httpx
import jwt
import pytest
import sqlalchemy as sa

from fullhouse.accounts import passwords, queries
from fullhouse.accounts.authenticator import Authenticator, user_tag
from fullhouse.accounts.commands import registration as commands
from fullhouse.accounts.commands.entering import log_in
from fullhouse.accounts.hashing import CHECK
from fullhouse.accounts.passwords import PasswordHasher
from fullhouse.accounts.sessions import Device
from fullhouse.accounts.tables import users
from fullhouse.api.principal import Principal
from fullhouse.app import compose
from fullhouse.kit.db import Database
from fullhouse.kit.errors import Refused
from fullhouse.kit.listener import CHANNEL
from fullhouse.parts import Parts, make_parts
from tests.support.asgi import bearer, client_of
from tests.support.people import PASSWORD, new_email, register
from tests.support.settings import settings_for

REGISTER = "/api/v1/auth/register"
LOGIN = "/api/v1/auth/login"
ME = "/api/v1/auth/me"


async def test_register_then_log_in_then_me(client: httpx.AsyncClient) -> None:
    email = new_email()
    answer = await client.post(
        REGISTER, json={"name": "Ada", "email": email.upper(), "password": PASSWORD}
    )
    assert answer.status_code == 201
    session = answer.json()
    assert session.keys() == {"user", "accessToken", "expiresIn"}
    assert session["expiresIn"] == 900
    user = session["user"]
    assert UUID(user["id"]).version == 7
    assert user == {
        "id": user["id"],
        "name": "Ada",
        "email": email,
        "role": "USER",
        "organizations": [],
    }

    again = await client.post(LOGIN, json={"email": email, "password": PASSWORD})
    assert again.status_code == 200
    assert again.json()["user"] == user
    assert answer.headers["cache-control"] == "no-store"

    me = await client.get(ME, headers=bearer(again.json()["accessToken"]))
    assert me.status_code == 200
    assert me.json() == user


async def test_an_organizer_gets_an_organization(client: httpx.AsyncClient) -> None:
    session = await register(client, name="Grace", role="ORGANIZER")
    (organization,) = session["user"]["organizations"]
    assert organization == {
        "id": organization["id"],
        "name": "Grace's organization",
        "role": "owner",
    }
    me = await client.get(ME, headers=bearer(session["accessToken"]))
    assert me.json()["organizations"] == [organization]


async def test_organizers_may_be_kept_from_registering(database_url: str) -> None:
    app = compose(make_parts(settings_for(database_url, organizer_registration=False)))
    async with client_of(app) as client:
        body = {"name": "Grace", "email": new_email(), "password": PASSWORD, "role": "ORGANIZER"}
        answer = await client.post(REGISTER, json=body)
        assert answer.status_code == 403
        assert answer.json()["code"] == "organizer_registration_closed"
        assert (await client.post(REGISTER, json=body | {"role": "USER"})).status_code == 201


@pytest.mark.parametrize("role", ["ADMIN", "user", "", "OWNER", None, 1])
async def test_nobody_registers_as_anything_else(client: httpx.AsyncClient, role: object) -> None:
    answer = await client.post(
        REGISTER, json={"name": "Eve", "email": new_email(), "password": PASSWORD, "role": role}
    )
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == "/role"


async def test_an_address_is_registered_once_even_in_a_race(client: httpx.AsyncClient) -> None:
    body = {"name": "Ada", "email": new_email(), "password": PASSWORD, "role": "ORGANIZER"}
    answers = await asyncio.gather(*(client.post(REGISTER, json=body) for _ in range(8)))
    assert sorted(answer.status_code for answer in answers) == [201] + [409] * 7
    assert {answer.json().get("code") for answer in answers} == {None, "email_taken"}


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"name": ""}, "/name"),
        ({"name": "   "}, "/name"),
        ({"name": "x" * 201}, "/name"),
        ({"name": None}, "/name"),
        ({"email": "no address"}, "/email"),
        ({"email": "x"}, "/email"),
        ({"email": 7}, "/email"),
        ({"password": "short"}, "/password"),
        ({"password": "x" * 129}, "/password"),
        ({"id": "mine"}, "/id"),
        ({"organizations": []}, "/organizations"),
    ],
)
async def test_wrong_fields_are_named(
    client: httpx.AsyncClient, change: dict[str, object], pointer: str
) -> None:
    body = {"name": "Ada", "email": new_email(), "password": PASSWORD} | change
    answer = await client.post(REGISTER, json=body)
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    assert [error["pointer"] for error in answer.json()["errors"]] == [pointer]


async def test_a_wrong_password_and_an_unknown_address_are_answered_alike(
    client: httpx.AsyncClient,
) -> None:
    known = (await register(client))["user"]["email"]
    wrong = await client.post(LOGIN, json={"email": known, "password": "not this one"})
    unknown = await client.post(LOGIN, json={"email": new_email(), "password": "not this one"})
    nonsense = await client.post(LOGIN, json={"email": "no address", "password": "not this one"})
    answers = [answer.json() | {"requestId": ""} for answer in (wrong, unknown, nonsense)]
    assert wrong.status_code == 401
    assert answers[0]["code"] == "invalid_credentials"
    assert answers[0] == answers[1] == answers[2]


async def test_an_unknown_address_costs_the_same_hash(
    client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = (await register(client))["user"]["email"]
    hashed: list[tuple[bytes, bool]] = []
    ask = passwords._Processes.ask

    def noted(
        self: passwords._Processes, what: bytes, password: bytes, known_hash: bytes | None
    ) -> tuple[bool, str | None]:
        hashed.append((what, known_hash is not None))
        return ask(self, what, password, known_hash)

    monkeypatch.setattr(passwords._Processes, "ask", noted)
    for email in (known, new_email()):
        await client.post(LOGIN, json={"email": email, "password": "not this one"})
    # That checking against nobody's hash costs the same, tests/unit/test_hashes.py shows.
    assert hashed == [(CHECK, True), (CHECK, False)]


async def test_a_hash_of_older_settings_is_renewed_at_login(
    client: httpx.AsyncClient, database: Database
) -> None:
    older = PasswordHasher(20_000, 2, 1, 1)
    email = new_email()
    user_id = await commands.create_user(
        database, older, name="Ada", email=email, password=PASSWORD, role="ADMIN"
    )
    assert "m=20000" in await _hash_of(database, user_id)
    answer = await client.post(LOGIN, json={"email": email, "password": PASSWORD})
    assert answer.status_code == 200
    assert answer.json()["user"]["role"] == "ADMIN"
    assert "m=19456,t=2,p=1" in await _hash_of(database, user_id)
    assert (
        await client.post(LOGIN, json={"email": email, "password": PASSWORD})
    ).status_code == 200
    older.close()


async def test_an_operator_may_make_anybody(database: Database, parts: Parts) -> None:
    email = new_email()
    await commands.create_user(
        database,
        parts.accounts.hasher,
        name="Org",
        email=email,
        password=PASSWORD,
        role="ORGANIZER",
        organization_name="Odeon",
    )
    device = Device("192.0.2.1", "test")
    signed_in = await log_in(parts.accounts, device, email=email, password=PASSWORD)
    assert [joined.organization_name for joined in signed_in.profile.memberships] == ["Odeon"]
    with pytest.raises(Refused) as refused:
        await commands.create_user(
            database, parts.accounts.hasher, name="Org", email=email, password=PASSWORD, role="USER"
        )
    assert refused.value.code.name == "email_taken"


async def test_a_flood_of_logins_is_refused_and_not_queued_for_good(database_url: str) -> None:
    parts = make_parts(settings_for(database_url, password_hash_threads=1))
    async with client_of(compose(parts)) as client:
        # Of different accounts, and fewer than one address may get wrong.
        bodies = [{"email": new_email(), "password": PASSWORD} for _ in range(45)]
        answers = await asyncio.gather(*(client.post(LOGIN, json=body) for body in bodies))
    statuses = {answer.status_code for answer in answers}
    assert statuses == {401, 503}
    refused = next(answer for answer in answers if answer.status_code == 503)
    assert refused.json()["code"] == "overloaded"
    assert int(refused.headers["retry-after"]) > 0


@pytest.mark.parametrize(
    "authorization",
    [None, "", "Bearer", "Bearer ", "Basic YTpi", "Bearer nonsense", "Bearer a.b.c", "Bearer \xe9"],
)
async def test_me_needs_a_token(client: httpx.AsyncClient, authorization: str | None) -> None:
    headers = httpx.Headers(encoding="latin-1")
    if authorization is not None:
        headers["Authorization"] = authorization
    answer = await client.get(ME, headers=headers)
    assert answer.status_code == 401
    assert answer.json()["code"] == "unauthenticated"
    assert answer.headers["www-authenticate"] == "Bearer"


async def test_tokens_that_are_not_ours_are_refused(
    client: httpx.AsyncClient, parts: Parts
) -> None:
    session = await register(client)
    good = session["accessToken"]
    header = jwt.get_unverified_header(good)
    claims = jwt.decode(good, options={"verify_signature": False})
    assert header == {"alg": "HS256", "typ": "at+jwt"}
    assert claims.keys() == {"iss", "aud", "sub", "sid", "iat", "exp", "jti"}

    key = parts.accounts.tokens._signed._key
    now = int(time.time())
    bad = [
        jwt.encode(claims, "", algorithm="none", headers={"typ": "at+jwt"}),
        jwt.encode(claims, b"x" * 32, headers={"typ": "at+jwt"}),
        jwt.encode(claims, key, headers={"typ": "JWT"}),
        jwt.encode(claims, key + key, algorithm="HS512", headers={"typ": "at+jwt"}),
        jwt.encode(claims | {"aud": "else"}, key, headers={"typ": "at+jwt"}),
        jwt.encode(claims | {"iss": "else"}, key, headers={"typ": "at+jwt"}),
        jwt.encode(claims | {"exp": now - 10}, key, headers={"typ": "at+jwt"}),
        jwt.encode(claims | {"iat": now + 60}, key, headers={"typ": "at+jwt"}),
        jwt.encode(claims | {"sub": "me"}, key, headers={"typ": "at+jwt"}),
        jwt.encode({**claims, "exp": None}, key, headers={"typ": "at+jwt"}),
        good[:-2],
        good + "x",
    ]
    for token in bad:
        assert (await client.get(ME, headers=bearer(token))).status_code == 401, token
    again = jwt.encode(claims, key, headers={"typ": "at+jwt"})
    assert (await client.get(ME, headers=bearer(again))).status_code == 200


async def test_the_token_of_a_user_who_is_gone_is_refused(
    client: httpx.AsyncClient, parts: Parts, database: Database
) -> None:
    session = await register(client)
    user_id = UUID(session["user"]["id"])
    headers = bearer(session["accessToken"])
    assert (await client.get(ME, headers=headers)).status_code == 200
    async with database.begin() as connection:
        await connection.execute(
            users.update().where(users.c.id == user_id).values(deleted_at=sa.func.now())
        )
    parts.authenticator.forget(user_tag(user_id))
    assert (await client.get(ME, headers=headers)).status_code == 401


async def test_a_change_of_role_counts_as_soon_as_it_is_announced(
    client: httpx.AsyncClient, parts: Parts, database: Database
) -> None:
    session = await register(client)
    user_id = UUID(session["user"]["id"])
    assert (await parts.authenticator(session["accessToken"])).role == "USER"
    await asyncio.wait_for(parts.listener.connected.wait(), 5)
    async with database.begin() as connection:
        await connection.execute(users.update().where(users.c.id == user_id).values(role="ADMIN"))
        await connection.execute(sa.select(sa.func.pg_notify(CHANNEL, user_tag(user_id))))
    async with asyncio.timeout(5):
        while (await parts.authenticator(session["accessToken"])).role != "ADMIN":
            await asyncio.sleep(0.01)


async def test_the_database_is_asked_once_for_many_new_faces(
    client: httpx.AsyncClient, parts: Parts
) -> None:
    sessions = [await register(client) for _ in range(5)]
    people = [UUID(session["user"]["id"]) for session in sessions]
    asked: list[int] = []

    async def load(session_ids: Sequence[UUID]) -> Mapping[UUID, Principal]:
        asked.append(len(session_ids))
        return await queries.session_principals(
            parts.database, session_ids, admin_second_factor=False
        )

    async def no_keys(_hashes: Sequence[bytes]) -> Mapping[bytes, Principal]:
        return {}

    authenticator = Authenticator(parts.accounts.tokens, load, no_keys)
    wanted = [session["accessToken"] for session in sessions * 3]
    principals = await asyncio.gather(*(authenticator(token) for token in wanted))
    assert [principal.user_id for principal in principals] == people * 3
    assert asked == [5]


async def _hash_of(database: Database, user_id: UUID) -> str:
    async with database.read() as connection:
        found = await connection.execute(
            sa.select(users.c.password_hash).where(users.c.id == user_id)
        )
        return str(found.scalar_one())
