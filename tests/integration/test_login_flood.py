"""More logins than can be hashed: who is too much is turned away before it costs anything."""

from contextlib import AsyncExitStack

import httpx
import pytest

from fullhouse import app
from fullhouse.accounts import routes as accounts_routes
from fullhouse.kit.db import RawConnection
from fullhouse.parts import Parts
from tests.support.people import PASSWORD, new_email
from tests.support.sessions import API, newcomer, status_of

LOGIN = "/api/v1/auth/login"


async def test_a_login_too_many_is_turned_away_without_the_database(
    client: httpx.AsyncClient, parts: Parts, connection: RawConnection
) -> None:
    body = {"email": new_email(), "password": PASSWORD}
    hasher = parts.accounts.hasher
    async with AsyncExitStack() as crowd:
        for _ in range(hasher._places):
            await crowd.enter_async_context(hasher.place())
        async with connection.transaction():
            # Whoever wants to read or count now waits, until it fails in another way.
            await connection.execute("LOCK TABLE users, attempts IN ACCESS EXCLUSIVE MODE")
            answer = await client.post(LOGIN, json=body)
    assert (answer.status_code, answer.json()["code"]) == (503, "overloaded")
    assert int(answer.headers["Retry-After"]) > 0
    assert await connection.fetchval("SELECT count(*) FROM attempts") == 0
    assert (await client.post(LOGIN, json=body)).json()["code"] == "invalid_credentials"
    assert await connection.fetchval("SELECT count(*) FROM attempts") == 3


@pytest.mark.parametrize("path", ["/auth/login", "/auth/login/", "/auth/register"])
async def test_strangers_are_turned_away_before_their_bodies_are_read(
    client: httpx.AsyncClient, parts: Parts, path: str
) -> None:
    """Reading a body and finding the route is most of what a login too many would cost."""
    hasher = parts.accounts.hasher
    nonsense = {"content": b"{", "headers": {"Content-Type": "application/json"}}
    async with AsyncExitStack() as crowd:
        for _ in range(hasher._places):
            await crowd.enter_async_context(hasher.place())
        answer = await client.post(f"{API}{path}", **nonsense)  # type: ignore[arg-type]
    assert (answer.status_code, answer.json()["code"]) == (503, "overloaded")
    answer = await client.post(f"{API}{path}", **nonsense)  # type: ignore[arg-type]
    assert (answer.status_code, answer.json()["code"]) == (400, "malformed_request")


async def test_every_gate_stands_before_a_route(parts: Parts) -> None:
    paths = {("POST", f"{API}{path}") for one in app.API_ROUTES for path in one.paths}
    assert set(accounts_routes.HASHING) <= paths


NEW = "horse battery 17 staples"


@pytest.mark.parametrize(
    ("path", "body", "without_a_crowd"),
    [
        ("/auth/password/change", {"currentPassword": "not this one", "password": NEW}, 401),
        ("/auth/password/reset", {"token": "x" * 43, "password": NEW}, 422),
        ("/users/me/email", {"email": "other@example.org", "password": "not this one"}, 401),
    ],
)
async def test_so_is_whoever_else_shows_or_sets_a_password(
    client: httpx.AsyncClient,
    parts: Parts,
    connection: RawConnection,
    path: str,
    body: dict[str, str],
    without_a_crowd: int,
) -> None:
    ada = await newcomer(client)
    # From now on it is known who this is, without the database.
    assert await status_of(client, ada) == 200
    hasher = parts.accounts.hasher
    async with AsyncExitStack() as crowd:
        for _ in range(hasher._places):
            await crowd.enter_async_context(hasher.place())
        async with connection.transaction():
            await connection.execute(
                "LOCK TABLE users, attempts, mail_tokens IN ACCESS EXCLUSIVE MODE"
            )
            answer = await client.post(f"{API}{path}", json=body, headers=ada.headers)
    assert (answer.status_code, answer.json()["code"]) == (503, "overloaded")
    assert int(answer.headers["Retry-After"]) > 0
    answer = await client.post(f"{API}{path}", json=body, headers=ada.headers)
    assert answer.status_code == without_a_crowd


async def test_who_shows_no_password_needs_no_place(
    client: httpx.AsyncClient, parts: Parts
) -> None:
    """Whoever has none comes in by other ways, and a flood of passwords is not theirs."""
    ada = await newcomer(client)
    hasher = parts.accounts.hasher
    async with AsyncExitStack() as crowd:
        for _ in range(hasher._places):
            await crowd.enter_async_context(hasher.place())
        body = {"email": new_email()}
        answer = await client.post(f"{API}/users/me/email", json=body, headers=ada.headers)
    assert (answer.status_code, answer.json()["code"]) == (401, "invalid_credentials")
