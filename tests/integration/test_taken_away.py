"""What began before a right was taken away changes nothing after it: through HTTP, under locks."""

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from itertools import count
from typing import Any

import httpx
import pyotp
import pytest
import pytest_asyncio
from pydantic import SecretStr

from fullhouse.accounts.one_time import hash_code, hash_token, new_token
from fullhouse.accounts.second_factor import SecretSeal, hash_recovery_code, new_totp_secret
from fullhouse.kit.db import RawConnection
from fullhouse.kit.ids import new_id
from fullhouse.parts import Parts
from fullhouse.settings import Settings
from tests.support.locks import until_blocked
from tests.support.mail_links import Letters
from tests.support.mailbox import Mailbox, mail_server
from tests.support.people import PASSWORD, new_email
from tests.support.sessions import (
    API,
    AUTH,
    Entered,
    keep_no_cookies,
    log_in,
    newcomer,
    refusal,
)
from tests.support.settings import SECRET, settings_for

FACTOR = f"{AUTH}/second-factor"
MINE = f"{API}/users/me"
NEW = "a new horse battery"
RECOVERY_CODE = "0000-1111-2222-3333-4444-5555"

_numbers = count(100_000)


@pytest_asyncio.fixture(scope="module")
async def mailbox() -> AsyncIterator[Mailbox]:
    """The mail server of the module's application."""
    async with mail_server() as mailbox:
        yield mailbox


@pytest.fixture(scope="module")
def settings(database_url: str, mailbox: Mailbox) -> Settings:
    """The module's application sends real mails."""
    return settings_for(database_url, smtp_url=SecretStr(f"smtp://127.0.0.1:{mailbox.port}"))


@pytest.fixture
def letters(parts: Parts, mailbox: Mailbox) -> Letters:
    """What the module's application has written."""
    return Letters(parts, mailbox)


@pytest.fixture(autouse=True)
def _cookies_by_hand(client: httpx.AsyncClient) -> None:
    keep_no_cookies(client)


@dataclass
class Caller:
    """Somebody with whatever the requests below need."""

    client: httpx.AsyncClient
    connection: RawConnection
    entered: Entered
    organization: str
    totp_secret: str = ""
    invitation: str = ""
    other: str = ""

    async def ask(self, method: str, path: str, body: dict[str, Any]) -> httpx.Response:
        return await self.client.request(method, path, json=body, headers=self.entered.headers)

    async def add_secret(self, *, confirmed: bool) -> None:
        """An authenticator app, which has shown a code or not."""
        user_id, self.totp_secret = self.entered.user_id, new_totp_secret()
        await self.connection.execute(
            "UPDATE users SET totp_secret = $2, totp_confirmed_at = CASE WHEN $3 THEN now() END"
            " WHERE id = $1",
            user_id,
            SecretSeal(SECRET).seal(user_id, self.totp_secret),
            confirmed,
        )
        await self.connection.execute(
            "INSERT INTO recovery_codes (user_id, code_hash) VALUES ($1, $2)",
            user_id,
            hash_recovery_code(RECOVERY_CODE),
        )

    async def add_phone_code(self) -> dict[str, Any]:
        """A code with which a number can be linked, as the body of the request for that."""
        request_id, phone = new_id(), f"+9779841{next(_numbers)}"
        await self.connection.execute(
            "INSERT INTO phone_codes (id, phone, user_id, code_hash, expires_at)"
            " VALUES ($1, $2, $3, $4, now() + interval '5 minutes')",
            request_id,
            phone,
            self.entered.user_id,
            hash_code(SECRET, request_id, "123456"),
        )
        return {"phone": phone, "code": "123456", "requestId": str(request_id)}

    async def kept(self) -> list[Any]:
        """All that the requests below could change."""
        questions = (
            "SELECT to_jsonb(u)::text FROM users u WHERE id = $1",
            "SELECT count(*) FROM recovery_codes WHERE user_id = $1",
            "SELECT count(*) FROM audit_log WHERE actor_id = $1",
            "SELECT count(*) FROM phone_codes WHERE user_id = $1",
            "SELECT array_agg(to_jsonb(m)::text) FROM memberships m WHERE user_id = $1",
            "SELECT array_agg(name) FROM organizations o JOIN memberships m"
            " ON o.id = m.organization_id WHERE user_id = $1",
            "SELECT count(*) FROM invitations WHERE invited_by = $1",
            "SELECT count(*) FROM api_keys WHERE created_by = $1",
        )
        return [await self.connection.fetchval(ask, self.entered.user_id) for ask in questions]


async def organizer(client: httpx.AsyncClient, connection: RawConnection) -> Caller:
    """An organizer who may do everything in the organization of their own."""
    entered = await newcomer(client, role="ORGANIZER")
    found = await connection.fetchval(
        "SELECT organization_id FROM memberships WHERE user_id = $1", entered.user_id
    )
    return Caller(client, connection, entered, str(found))


Request = Callable[[Caller], Awaitable[httpx.Response]]


async def begin_factor(caller: Caller) -> httpx.Response:
    return await caller.ask("POST", FACTOR, {"password": PASSWORD})


async def confirm_factor(caller: Caller) -> httpx.Response:
    code = pyotp.TOTP(caller.totp_secret).now()
    return await caller.ask("POST", f"{FACTOR}/confirm", {"code": code})


async def renew_codes(caller: Caller) -> httpx.Response:
    body = {"password": PASSWORD, "code": RECOVERY_CODE}
    return await caller.ask("POST", f"{FACTOR}/recovery-codes", body)


async def remove_factor(caller: Caller) -> httpx.Response:
    return await caller.ask("DELETE", FACTOR, {"password": PASSWORD, "code": RECOVERY_CODE})


async def link_phone(caller: Caller) -> httpx.Response:
    body = await caller.add_phone_code()
    return await caller.ask("POST", f"{AUTH}/otp/verify", body)


async def ask_for_phone_code(caller: Caller) -> httpx.Response:
    body = {"phone": f"+9779841{next(_numbers)}", "password": PASSWORD}
    return await caller.ask("POST", f"{AUTH}/otp/request", body)


async def unlink_phone(caller: Caller) -> httpx.Response:
    return await caller.ask("DELETE", f"{MINE}/phone", {"password": PASSWORD})


async def change_profile(caller: Caller) -> httpx.Response:
    return await caller.ask("PATCH", MINE, {"name": "Mallory"})


async def delete_account(caller: Caller) -> httpx.Response:
    return await caller.ask("DELETE", MINE, {"password": PASSWORD})


async def rename(caller: Caller) -> httpx.Response:
    path = f"{API}/organizations/{caller.organization}"
    return await caller.ask("PATCH", path, {"name": "Mallory's"})


async def invite(caller: Caller) -> httpx.Response:
    path = f"{API}/organizations/{caller.organization}/invitations"
    return await caller.ask("POST", path, {"email": new_email(), "role": "owner"})


async def make_key(caller: Caller) -> httpx.Response:
    path = f"{API}/organizations/{caller.organization}/api-keys"
    return await caller.ask("POST", path, {"name": "Back door", "scopes": ["events:read"]})


async def found_organization(caller: Caller) -> httpx.Response:
    return await caller.ask("POST", f"{API}/organizations", {"name": "Another House"})


async def leave_organization(caller: Caller) -> httpx.Response:
    return await caller.ask("DELETE", f"{API}/organizations/{caller.organization}/membership", {})


async def accept_invitation(caller: Caller) -> httpx.Response:
    return await caller.ask("POST", f"{API}/invitations/accept", {"token": caller.invitation})


async def sign_somebody_out(caller: Caller) -> httpx.Response:
    """As an administrator; the target is somebody else."""
    path = f"{API}/admin/users/{caller.other}/sessions"
    return await caller.ask("DELETE", path, {})


PROVEN = [
    begin_factor,
    renew_codes,
    remove_factor,
    ask_for_phone_code,
    unlink_phone,
    delete_account,
]
UNPROVEN = [
    confirm_factor,
    link_phone,
    change_profile,
    rename,
    invite,
    make_key,
    found_organization,
    leave_organization,
    accept_invitation,
    sign_somebody_out,
]
ENDS = {
    "session ended": "UPDATE sessions SET ended_at = now(), ended_because = 'ended_by_user'"
    " WHERE user_id = $1",
    "disabled": "UPDATE users SET disabled_at = now() WHERE id = $1",
    "password changed": "UPDATE users SET password_hash = 'another' WHERE id = $1",
}
CASES = [
    pytest.param(request, end, id=f"{request.__name__}, {end}")
    for request in [*PROVEN, *UNPROVEN]
    for end in ENDS
    if request in PROVEN or end != "password changed"
]


async def add_owner(caller: Caller) -> None:
    """Somebody else who owns the organization too, so that one of them can leave."""
    other = await newcomer(caller.client)
    await caller.connection.execute(
        "INSERT INTO memberships (organization_id, user_id, role)"
        " VALUES ($1::text::uuid, $2, 'owner')",
        caller.organization,
        other.user_id,
    )


async def prepared(caller: Caller, request: Request) -> None:
    """Make the request one that would succeed."""
    if request in (renew_codes, remove_factor, confirm_factor):
        await caller.add_secret(confirmed=request is not confirm_factor)
    if request is unlink_phone:
        await caller.connection.execute(
            "UPDATE users SET phone = $2 WHERE id = $1",
            caller.entered.user_id,
            f"+9779841{next(_numbers)}",
        )
    if request is leave_organization:
        await add_owner(caller)
    if request is accept_invitation:
        host = await organizer(caller.client, caller.connection)
        caller.invitation = new_token()
        await caller.connection.execute(
            "INSERT INTO invitations (id, organization_id, email, role, token_hash, invited_by,"
            " expires_at) SELECT gen_random_uuid(), $1::text::uuid, u.email, 'viewer', $2, $3,"
            " now() + interval '1 day' FROM users u WHERE u.id = $4",
            host.organization,
            hash_token(caller.invitation),
            host.entered.user_id,
            caller.entered.user_id,
        )
    if request is sign_somebody_out:
        caller.other = str((await newcomer(caller.client)).user_id)
        await caller.connection.execute(
            "UPDATE users SET role = 'ADMIN' WHERE id = $1", caller.entered.user_id
        )
    if request is delete_account:
        await caller.connection.execute(
            "DELETE FROM memberships WHERE user_id = $1", caller.entered.user_id
        )


@pytest.mark.parametrize("request_", [*PROVEN, *UNPROVEN], ids=lambda each: each.__name__)
async def test_request_succeeds_while_nothing_is_taken_away(
    client: httpx.AsyncClient, connection: RawConnection, request_: Request
) -> None:
    caller = await organizer(client, connection)
    await prepared(caller, request_)
    before = await caller.kept()
    answer = await request_(caller)
    assert answer.is_success, answer.text
    assert await caller.kept() != before


@pytest.mark.parametrize(("request_", "end"), CASES)
async def test_request_that_began_before_changes_nothing(
    client: httpx.AsyncClient, connection: RawConnection, request_: Request, end: str
) -> None:
    """The request waits for the user's row, past everything that it looked at on its way in."""
    caller = await organizer(client, connection)
    await prepared(caller, request_)
    lock = "SELECT 1 FROM users WHERE id = $1 FOR UPDATE"
    async with connection.transaction():
        if request_ is link_phone:
            # Its code refers to the user, so it has to be there before the row is locked.
            body = await caller.add_phone_code()
        await connection.execute(lock, caller.entered.user_id)
        if request_ is not link_phone:
            going = asyncio.ensure_future(request_(caller))
            await until_blocked(connection)
            await connection.execute(ENDS[end], caller.entered.user_id)
            left = await caller.kept()
    if request_ is link_phone:
        async with connection.transaction():
            await connection.execute(lock, caller.entered.user_id)
            going = asyncio.ensure_future(caller.ask("POST", f"{AUTH}/otp/verify", body))
            await until_blocked(connection)
            await connection.execute(ENDS[end], caller.entered.user_id)
            left = await caller.kept()
    answer = await going
    code = "invalid_credentials" if request_ in PROVEN else "unauthenticated"
    assert refusal(answer) == (401, code)
    assert await caller.kept() == left


async def test_administrator_without_the_role_changes_nothing(
    client: httpx.AsyncClient, connection: RawConnection
) -> None:
    ada, admin = await organizer(client, connection), await newcomer(client)
    await connection.execute("UPDATE users SET role = 'ADMIN' WHERE id = $1", admin.user_id)
    caller = Caller(client, connection, admin, ada.organization)
    async with connection.transaction():
        await connection.execute("SELECT 1 FROM users WHERE id = $1 FOR UPDATE", admin.user_id)
        going = asyncio.ensure_future(rename(caller))
        await until_blocked(connection)
        await connection.execute("UPDATE users SET role = 'USER' WHERE id = $1", admin.user_id)
    left = await ada.kept()
    assert refusal(await going)[0] in (403, 404)
    assert await ada.kept() == left


@pytest.mark.parametrize("way", ["reset", "changed"])
async def test_what_was_begun_goes_with_the_password(
    client: httpx.AsyncClient, connection: RawConnection, letters: Letters, way: str
) -> None:
    """Whoever had it could else finish in a session that the owner keeps, or show what waits."""
    caller = await organizer(client, connection)
    email = caller.entered.email
    # Proved, or the reset would shut every way in anyway.
    await connection.execute(
        "UPDATE users SET email_verified_at = now() WHERE id = $1", caller.entered.user_id
    )
    assert (await begin_factor(caller)).status_code == 201
    pending = await caller.add_phone_code()
    if way == "reset":
        await client.post(f"{AUTH}/password/forgot", json={"email": email})
        (token,) = await letters.reset_links(email)
        body = {"token": token, "password": NEW}
        done = await client.post(f"{AUTH}/password/reset", json=body)
    else:
        body = {"currentPassword": PASSWORD, "password": NEW}
        done = await caller.ask("POST", f"{AUTH}/password/change", body)
    assert done.status_code == 204, done.text
    caller.entered = await log_in(client, email, NEW)
    confirmed = await caller.ask("POST", f"{FACTOR}/confirm", {"code": "123456"})
    assert refusal(confirmed) == (409, "second_factor_absent")
    linked = await caller.ask("POST", f"{AUTH}/otp/verify", pending)
    assert refusal(linked) == (401, "code_wrong")


async def challenge_of(client: httpx.AsyncClient, email: str, password: str) -> str:
    """Do the first step."""
    body = {"email": email, "password": password}
    answer = await client.post(f"{AUTH}/login", json=body)
    assert refusal(answer) == (401, "second_factor_required")
    challenge: str = answer.json()["challenge"]
    return challenge


async def second_step(client: httpx.AsyncClient, challenge: str) -> httpx.Response:
    body = {"challenge": challenge, "code": RECOVERY_CODE}
    return await client.post(f"{FACTOR}/verify", json=body)


async def test_a_challenge_ends_with_the_password_that_earned_it(
    client: httpx.AsyncClient, connection: RawConnection, letters: Letters
) -> None:
    caller = await organizer(client, connection)
    email = caller.entered.email
    await connection.execute(
        "UPDATE users SET email_verified_at = now() WHERE id = $1", caller.entered.user_id
    )
    await caller.add_secret(confirmed=True)
    stale = await challenge_of(client, email, PASSWORD)
    assert not re.search("argon2|" + re.escape(email), stale)
    await client.post(f"{AUTH}/password/forgot", json={"email": email})
    (token,) = await letters.reset_links(email)
    body = {"token": token, "password": NEW}
    assert (await client.post(f"{AUTH}/password/reset", json=body)).status_code == 204
    answer = await second_step(client, stale)
    assert refusal(answer) == (401, "code_wrong")
    assert "challenge" in answer.json()["detail"]
    # The code was not used up.
    fresh = await challenge_of(client, email, NEW)
    assert (await second_step(client, fresh)).status_code == 200


@pytest.mark.parametrize("column", ["email", "phone"])
async def test_a_challenge_ends_with_the_address_and_the_number(
    client: httpx.AsyncClient, connection: RawConnection, column: str
) -> None:
    """Either may have earned it: the number a code was sent to, or what Google vouches for."""
    caller = await organizer(client, connection)
    await caller.add_secret(confirmed=True)
    stale = await challenge_of(client, caller.entered.email, PASSWORD)
    other = new_email() if column == "email" else f"+9779841{next(_numbers)}"
    await connection.execute(
        f"UPDATE users SET {column} = $2 WHERE id = $1", caller.entered.user_id, other
    )
    assert refusal(await second_step(client, stale)) == (401, "code_wrong")
