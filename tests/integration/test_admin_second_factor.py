"""A platform that asks its administrators for a second factor, and one that does not."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import httpx
import pyotp
import pytest
import pytest_asyncio

from fullhouse.app import compose
from fullhouse.kit.db import RawConnection
from fullhouse.parts import make_parts
from fullhouse.settings import Settings
from tests.support.asgi import client_of
from tests.support.people import PASSWORD
from tests.support.sessions import (
    API,
    AUTH,
    ME,
    Entered,
    entered,
    keep_no_cookies,
    log_in,
    newcomer,
    refresh,
    refusal,
)
from tests.support.settings import settings_for

FACTOR = f"{AUTH}/second-factor"
NEEDED = (403, "second_factor_needed")


@pytest.fixture(scope="module")
def settings(database_url: str) -> Settings:
    """Administrators need a second factor here."""
    return settings_for(database_url, admin_second_factor=True)


@pytest.fixture(autouse=True)
def _cookies_by_hand(client: httpx.AsyncClient) -> None:
    keep_no_cookies(client)


@pytest_asyncio.fixture
async def lenient(database_url: str) -> AsyncIterator[httpx.AsyncClient]:
    """A server on the same database that does not ask for it."""
    app = compose(make_parts(settings_for(database_url, admin_second_factor=False)))
    async with client_of(app) as client:
        keep_no_cookies(client)
        yield client


async def administrator(client: httpx.AsyncClient, connection: RawConnection) -> Entered:
    made = await newcomer(client)
    await connection.execute("UPDATE users SET role = 'ADMIN' WHERE id = $1", made.user_id)
    return made


def code_of(secret: str) -> str:
    """What the authenticator app shows."""
    return pyotp.TOTP(secret).now()


async def set_up(client: httpx.AsyncClient, who: Entered) -> str:
    """Switch the second factor on; answers the secret that the app has."""
    begun = await client.post(FACTOR, json={"password": PASSWORD}, headers=who.headers)
    assert begun.status_code == 201, begun.text
    secret: str = begun.json()["secret"]
    body = {"code": code_of(secret)}
    confirmed = await client.post(f"{FACTOR}/confirm", json=body, headers=who.headers)
    assert confirmed.status_code == 200, confirmed.text
    return secret


async def organization_of_another(client: httpx.AsyncClient) -> str:
    organizer = await newcomer(client, role="ORGANIZER")
    me = await client.get(ME, headers=organizer.headers)
    organization: str = me.json()["organizations"][0]["id"]
    return organization


async def acts(client: httpx.AsyncClient, who: Entered, organization: str) -> list[httpx.Response]:
    """What only administrators may do: with people, and in organizations of others."""
    someone = await newcomer(client)
    users = f"{API}/admin/users"
    asked: list[tuple[str, str, Any]] = [
        ("GET", users, None),
        ("GET", f"{users}/{someone.user_id}", None),
        ("PATCH", f"{users}/{someone.user_id}", {"role": "EDITOR"}),
        ("GET", f"{users}/{someone.user_id}/sessions", None),
        ("DELETE", f"{users}/{someone.user_id}/sessions", None),
        ("GET", f"{API}/organizations/{organization}/members", None),
        ("GET", f"{API}/organizations/{organization}/api-keys", None),
        ("GET", f"{API}/organizations/{organization}/audit-log", None),
        ("POST", f"{API}/organizations/{organization}/api-keys",
         {"name": f"Key {uuid4()}", "scopes": ["members:read"]}),
    ]  # fmt: skip
    return [
        await client.request(method, path, json=body, headers=who.headers)
        for method, path, body in asked
    ]


async def test_without_it_an_administrator_administers_nothing(
    client: httpx.AsyncClient, connection: RawConnection
) -> None:
    root = await administrator(client, connection)
    organization = await organization_of_another(client)
    for answer in await acts(client, root, organization):
        assert refusal(answer) == NEEDED, answer.request.url
    editors = "SELECT count(*) FROM users WHERE role = 'EDITOR'"
    assert await connection.fetchval(editors) == 0
    # Like everybody, they see to their own account, or they could never set it up.
    for path in (ME, f"{API}/users/me", f"{AUTH}/sessions"):
        assert (await client.get(path, headers=root.headers)).status_code == 200
    # It is not their session that is over: signing in again would change nothing.
    again = entered(await refresh(client, root.cookie))
    assert refusal(await client.get(f"{API}/admin/users", headers=again.headers)) == NEEDED
    fresh = await log_in(client, root.email)
    assert refusal(await client.get(f"{API}/admin/users", headers=fresh.headers)) == NEEDED


async def test_who_is_no_administrator_is_told_something_else(client: httpx.AsyncClient) -> None:
    ada = await newcomer(client)
    answer = await client.get(f"{API}/admin/users", headers=ada.headers)
    assert refusal(answer) == (403, "forbidden")


async def test_a_secret_that_is_not_confirmed_does_not_count(
    client: httpx.AsyncClient, connection: RawConnection
) -> None:
    root = await administrator(client, connection)
    begun = await client.post(FACTOR, json={"password": PASSWORD}, headers=root.headers)
    assert begun.status_code == 201
    totp = pyotp.TOTP(begun.json()["secret"])
    now = totp.timecode(datetime.now(UTC))
    near = {totp.generate_otp(now + step) for step in range(-10, 11)}
    wrong = next(code for code in ("000000", "111111", "222222", "333333") if code not in near)
    confirmed = await client.post(f"{FACTOR}/confirm", json={"code": wrong}, headers=root.headers)
    assert refusal(confirmed) == (401, "code_wrong")
    assert refusal(await client.get(f"{API}/admin/users", headers=root.headers)) == NEEDED


async def test_with_it_an_administrator_administers(
    client: httpx.AsyncClient, connection: RawConnection
) -> None:
    root = await administrator(client, connection)
    organization = await organization_of_another(client)
    assert refusal(await client.get(f"{API}/admin/users", headers=root.headers)) == NEEDED
    secret = await set_up(client, root)
    # From the next request on, in the session that has shown it.
    for answer in await acts(client, root, organization):
        assert answer.is_success, answer.text
    # It stays so for that session, and is asked for in every new one.
    again = entered(await refresh(client, root.cookie))
    assert (await client.get(f"{API}/admin/users", headers=again.headers)).status_code == 200
    await connection.execute(
        "UPDATE users SET totp_last_step = totp_last_step - 20 WHERE id = $1", root.user_id
    )
    first = await client.post(f"{AUTH}/login", json={"email": root.email, "password": PASSWORD})
    assert refusal(first) == (401, "second_factor_required")
    body = {"challenge": first.json()["challenge"], "code": code_of(secret)}
    fresh = entered(await client.post(f"{FACTOR}/verify", json=body))
    assert (await client.get(f"{API}/admin/users", headers=fresh.headers)).status_code == 200


async def test_switching_it_off_takes_the_place_away_at_once(
    client: httpx.AsyncClient, connection: RawConnection
) -> None:
    root = await administrator(client, connection)
    secret = await set_up(client, root)
    assert (await client.get(f"{API}/admin/users", headers=root.headers)).status_code == 200
    await connection.execute(
        "UPDATE users SET totp_last_step = totp_last_step - 20 WHERE id = $1", root.user_id
    )
    body = {"password": PASSWORD, "code": code_of(secret)}
    removed = await client.request("DELETE", FACTOR, json=body, headers=root.headers)
    assert removed.status_code == 204, removed.text
    assert refusal(await client.get(f"{API}/admin/users", headers=root.headers)) == NEEDED


async def test_where_it_is_not_asked_for_nobody_needs_it(
    lenient: httpx.AsyncClient, client: httpx.AsyncClient, connection: RawConnection
) -> None:
    root = await administrator(lenient, connection)
    organization = await organization_of_another(lenient)
    for answer in await acts(lenient, root, organization):
        assert answer.is_success, answer.text
    # It is the setting and nothing else: the same session, on the other server.
    assert refusal(await client.get(f"{API}/admin/users", headers=root.headers)) == NEEDED
