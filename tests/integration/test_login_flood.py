"""More logins than can be hashed: who is too much is turned away before it costs anything."""

from contextlib import AsyncExitStack

import httpx

from fullhouse.kit.db import RawConnection
from fullhouse.parts import Parts
from tests.support.people import PASSWORD, new_email

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
