"""Forgotten, reset and changed passwords: through HTTP and a real mail server, failures first."""

import asyncio
import base64
import dataclasses
import hashlib
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from typing import Any
from uuid import uuid4

import bcrypt
import httpx
import pytest
import pytest_asyncio
from pydantic import SecretStr

from fullhouse.accounts.passwords import PasswordHasher
from fullhouse.app import compose
from fullhouse.kit.db import RawConnection
from fullhouse.kit.dispatch import Dispatcher
from fullhouse.parts import Parts, make_parts
from fullhouse.settings import Settings
from tests.support.asgi import client_of
from tests.support.locks import until_blocked
from tests.support.mail_links import Letters
from tests.support.mailbox import Mailbox, mail_server
from tests.support.people import PASSWORD, new_email
from tests.support.sessions import (
    API,
    AUTH,
    ME,
    Entered,
    another_server,
    keep_no_cookies,
    log_in,
    newcomer,
    refresh,
    refusal,
    status_of,
)
from tests.support.settings import settings_for

NEW = "a new horse battery"
BAD_LINK = (422, "link_invalid")
WRONG = (401, "invalid_credentials")
WAIT = (429, "too_many_attempts")
CHANGED = "Your password for Fullhouse was changed"


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


async def forgot(client: httpx.AsyncClient, email: str) -> httpx.Response:
    return await client.post(f"{AUTH}/password/forgot", json={"email": email})


async def reset(client: httpx.AsyncClient, token: str, password: str = NEW) -> httpx.Response:
    body = {"token": token, "password": password}
    return await client.post(f"{AUTH}/password/reset", json=body)


async def change(
    client: httpx.AsyncClient, who: Entered, current: str | None, password: str = NEW
) -> httpx.Response:
    body = {"password": password} | ({} if current is None else {"currentPassword": current})
    return await client.post(f"{AUTH}/password/change", json=body, headers=who.headers)


async def login(client: httpx.AsyncClient, email: str, password: str) -> httpx.Response:
    body = {"email": email, "password": password}
    return await client.post(f"{AUTH}/login", json=body)


async def link_for(client: httpx.AsyncClient, letters: Letters, email: str) -> str:
    """The newest link for a new password, asked for now."""
    before = len(await letters.reset_links(email))
    assert (await forgot(client, email)).status_code == 202
    tokens = await letters.reset_links(email)
    assert len(tokens) == before + 1
    return tokens[-1]


async def hash_of(connection: RawConnection, who: Entered) -> str | None:
    found: str | None = await connection.fetchval(
        "SELECT password_hash FROM users WHERE id = $1", who.user_id
    )
    return found


async def prove_address(connection: RawConnection, who: Entered) -> None:
    await connection.execute(
        "UPDATE users SET email_verified_at = now() WHERE id = $1", who.user_id
    )


# --- forgotten


@pytest.mark.parametrize("email", ["", "x", "no address", "a@b", None, 7, ["a@example.com"]])
async def test_what_is_no_address_is_refused(client: httpx.AsyncClient, email: Any) -> None:
    answer = await forgot(client, email)
    assert refusal(answer) == (422, "validation_failed")
    assert answer.json()["errors"][0]["pointer"] == "/email"


async def test_nothing_tells_whose_address_is_known(
    client: httpx.AsyncClient, connection: RawConnection, letters: Letters
) -> None:
    ada, gone, shut = [await newcomer(client) for _ in range(3)]
    await connection.execute("UPDATE users SET disabled_at = now() WHERE id = $1", shut.user_id)
    await connection.execute("UPDATE users SET deleted_at = now() WHERE id = $1", gone.user_id)
    nobody = new_email()
    answers = [await forgot(client, who) for who in (ada.email, nobody, gone.email, shut.email)]
    assert [answer.status_code for answer in answers] == [202] * 4
    assert len({answer.content for answer in answers}) == 1
    told = [dict(answer.headers) for answer in answers]
    for headers in told:
        headers.pop("x-request-id")
    assert told[0] == told[1] == told[2] == told[3]
    assert len(await letters.reset_links(ada.email)) == 1
    assert await letters.to(nobody) == []
    assert await letters.reset_links(gone.email) == await letters.reset_links(shut.email) == []


async def test_the_answer_does_not_wait_for_the_search(
    client: httpx.AsyncClient, connection: RawConnection, letters: Letters
) -> None:
    """So no clock tells either: it leaves while nobody can look anything up."""
    ada = await newcomer(client)
    async with connection.transaction():
        await connection.execute("LOCK TABLE users, mail_tokens, attempts")
        for email in (ada.email, new_email()):
            assert (await forgot(client, email)).status_code == 202
    assert len(await letters.reset_links(ada.email)) == 1


async def test_mails_are_not_sent_without_end(client: httpx.AsyncClient, letters: Letters) -> None:
    ada = await newcomer(client)
    answers = [await forgot(client, ada.email.upper()) for _ in range(6)]
    assert {answer.status_code for answer in answers} == {202}
    tokens = await letters.reset_links(ada.email)
    assert len(tokens) == 3
    assert (await reset(client, tokens[-1])).status_code == 204


async def test_a_mail_server_that_is_away_loses_no_link(
    settings: Settings, mailbox: Mailbox, connection: RawConnection
) -> None:
    """It is tried again and again, which is no attempt of anybody's to flood an address."""
    made = make_parts(settings)
    hasty = Dispatcher(wait=lambda _seconds: asyncio.sleep(0.01))
    post = dataclasses.replace(made.accounts.post, dispatcher=hasty)
    accounts = dataclasses.replace(made.accounts, post=post)
    parts = dataclasses.replace(made, dispatcher=hasty, accounts=accounts)
    letters = Letters(parts, mailbox)
    async with client_of(compose(parts)) as client:
        keep_no_cookies(client)
        ada = await newcomer(client)
        await letters.to(ada.email)
        mailbox.be_busy(8)
        assert (await forgot(client, ada.email)).status_code == 202
        (token,) = await letters.reset_links(ada.email)
        assert (await reset(client, token)).status_code == 204


async def test_what_is_done_is_answered_as_done_whether_or_not_it_can_be_told(
    settings: Settings, connection: RawConnection, letters: Letters
) -> None:
    """When no more mails are taken, who could ask again is refused, and nobody else."""
    made = make_parts(settings)
    full, let_go = Dispatcher(capacity=2), asyncio.Event()
    post = dataclasses.replace(made.accounts.post, dispatcher=full)
    accounts = dataclasses.replace(made.accounts, post=post)
    parts = dataclasses.replace(made, dispatcher=full, accounts=accounts)

    async def wait() -> None:
        await let_go.wait()

    async with client_of(compose(parts)) as client:
        keep_no_cookies(client)
        ada = await newcomer(client)
        token = await link_for(client, Letters(parts, letters.mailbox), ada.email)
        for _ in range(2):
            full.soon(wait, "in the way")
        refused = await forgot(client, ada.email)
        assert refusal(refused) == (503, "overloaded")
        assert int(refused.headers["retry-after"]) > 0
        eve = await newcomer(client)
        assert await status_of(client, eve) == 200
        assert (await reset(client, token)).status_code == 204
        again = await log_in(client, ada.email, NEW)
        assert (await change(client, again, NEW, PASSWORD)).status_code == 204
        let_go.set()


# --- reset


async def test_what_is_no_link_resets_nothing(
    client: httpx.AsyncClient, connection: RawConnection, letters: Letters
) -> None:
    ada = await newcomer(client)
    token = await link_for(client, letters, ada.email)
    before = await hash_of(connection, ada)
    (verification,) = await letters.verify_links(ada.email)
    for wrong in (verification, ada.access[:200], token[:-1], token + "A", token.swapcase(),
                  "x" * 43, ada.cookie, "é" * 43):  # fmt: skip
        assert refusal(await reset(client, wrong)) == BAD_LINK, wrong
    for malformed in ("", "short", "x" * 201):
        assert refusal(await reset(client, malformed)) == (422, "validation_failed")
    # And the other way round.
    crossed = await client.post(f"{AUTH}/email/verify", json={"token": token})
    assert refusal(crossed) == BAD_LINK
    assert await hash_of(connection, ada) == before
    assert (await reset(client, token)).status_code == 204


async def test_a_link_has_an_end(
    client: httpx.AsyncClient, connection: RawConnection, letters: Letters
) -> None:
    ada = await newcomer(client)
    token = await link_for(client, letters, ada.email)
    minutes = await connection.fetchval(
        "SELECT extract(epoch FROM expires_at - created_at) / 60 FROM mail_tokens"
        " WHERE user_id = $1 AND purpose = 'reset_password'",
        ada.user_id,
    )
    assert 29 < minutes < 31
    await connection.execute(
        "UPDATE mail_tokens SET expires_at = clock_timestamp() WHERE user_id = $1", ada.user_id
    )
    assert refusal(await reset(client, token)) == BAD_LINK
    assert (await login(client, ada.email, PASSWORD)).status_code == 200


async def test_a_newer_link_replaces_the_older_one(
    client: httpx.AsyncClient, letters: Letters
) -> None:
    ada = await newcomer(client)
    older = await link_for(client, letters, ada.email)
    newer = await link_for(client, letters, ada.email)
    assert refusal(await reset(client, older)) == BAD_LINK
    assert (await reset(client, newer)).status_code == 204


async def test_a_link_for_somebody_who_is_gone(
    client: httpx.AsyncClient, connection: RawConnection, letters: Letters
) -> None:
    ada = await newcomer(client)
    token = await link_for(client, letters, ada.email)
    await connection.execute("UPDATE users SET deleted_at = now() WHERE id = $1", ada.user_id)
    assert refusal(await reset(client, token)) == BAD_LINK


@pytest.mark.parametrize(
    "password",
    ["short", "x" * 129, "password1", "PASSWORD123", "qwertyuiop", "12345678", "Ada Lovelace"],
)
async def test_a_weak_password_is_refused_and_the_link_stays_good(
    client: httpx.AsyncClient, letters: Letters, password: str
) -> None:
    ada = await newcomer(client)
    token = await link_for(client, letters, ada.email)
    refused = await reset(client, token, password)
    assert refusal(refused) == (422, "validation_failed")
    assert [error["pointer"] for error in refused.json()["errors"]] == ["/password"]
    assert (await login(client, ada.email, PASSWORD)).status_code == 200
    assert (await reset(client, token)).status_code == 204


async def test_a_reset_ends_every_session(
    client: httpx.AsyncClient, settings: Settings, connection: RawConnection, letters: Letters
) -> None:
    ada, eve = await newcomer(client), await newcomer(client)
    await prove_address(connection, ada)
    devices = [ada, *[await log_in(client, ada.email) for _ in range(2)]]
    async with another_server(settings) as (elsewhere, _):
        for who in devices:
            assert await status_of(client, who) == await status_of(elsewhere, who) == 200
        token = await link_for(client, letters, ada.email)
        done = await reset(client, token)
        assert (done.status_code, done.content) == (204, b"")
        # It proves who one is for once, and is no way in by itself.
        assert "set-cookie" not in done.headers
        for who in devices:
            assert await status_of(client, who) == 401
            for server in (client, elsewhere):
                assert refusal(await refresh(server, who.cookie)) == (401, "session_over")
        async with asyncio.timeout(60):
            while {await status_of(elsewhere, who) for who in devices} != {401}:
                await asyncio.sleep(0.02)
    assert await status_of(client, eve) == 200
    assert refusal(await reset(client, token)) == BAD_LINK
    assert refusal(await login(client, ada.email, PASSWORD)) == WRONG
    assert (await login(client, ada.email, NEW)).status_code == 200
    assert await letters.subjects(ada.email) == [
        "Confirm your mail address for Fullhouse",
        "Choose a new password for Fullhouse",
        CHANGED,
    ]
    actions = await connection.fetch(
        "SELECT action, actor_id FROM audit_log WHERE object_id = $1", str(ada.user_id)
    )
    assert [tuple(row) for row in actions] == [("user.password_reset", ada.user_id)]


async def test_of_two_resets_at_the_same_moment_one_wins(
    client: httpx.AsyncClient, connection: RawConnection, letters: Letters
) -> None:
    ada = await newcomer(client)
    token = await link_for(client, letters, ada.email)
    passwords = [f"horse battery {number}" for number in range(3)]
    async with connection.transaction():
        await connection.execute("SELECT 1 FROM users WHERE id = $1 FOR UPDATE", ada.user_id)
        resets = [asyncio.create_task(reset(client, token, one)) for one in passwords]
        await until_blocked(connection, len(resets))
    answers = await asyncio.gather(*resets)
    assert sorted(answer.status_code for answer in answers) == [204, 422, 422]
    assert {refusal(answer) for answer in answers if answer.status_code == 422} == {BAD_LINK}
    for answer, password in zip(answers, passwords, strict=True):
        expected = 200 if answer.status_code == 204 else 401
        assert (await login(client, ada.email, password)).status_code == expected
    assert (await letters.subjects(ada.email)).count(CHANGED) == 1


async def test_whoever_proves_the_address_first_shuts_the_others_out(
    client: httpx.AsyncClient, connection: RawConnection, letters: Letters
) -> None:
    """Somebody has made an account with a stranger's address, and ways in that are not for them."""
    mallory = await newcomer(client, role="ORGANIZER")
    me = await client.get(ME, headers=mallory.headers)
    of_organization = f"{API}/organizations/{me.json()['organizations'][0]['id']}"
    body = {"name": "Back door", "scopes": ["members:read"]}
    key = await client.post(f"{of_organization}/api-keys", json=body, headers=mallory.headers)
    by_key = {"Authorization": f"Bearer {key.json()['key']}"}
    assert (await client.get(f"{of_organization}/members", headers=by_key)).status_code == 200
    invited = await client.post(
        f"{of_organization}/invitations",
        json={"email": new_email(), "role": "owner"},
        headers=mallory.headers,
    )
    assert invited.status_code == 201
    await open_ways_in(connection, mallory)
    address = new_email()
    asked = await client.post(
        f"{API}/users/me/email",
        json={"email": address, "password": PASSWORD},
        headers=mallory.headers,
    )
    assert asked.status_code == 202
    (pending,) = await letters.verify_links(address)

    token = await link_for(client, letters, mallory.email)
    assert (await reset(client, token)).status_code == 204
    assert (await client.get(f"{of_organization}/members", headers=by_key)).status_code == 401
    crossed = await client.post(f"{AUTH}/email/verify", json={"token": pending})
    assert refusal(crossed) == BAD_LINK
    assert await ways_in(connection, mallory) == [None, None, 0, 0]
    owner = await log_in(client, mallory.email, NEW)
    profile = await client.get(f"{API}/users/me", headers=owner.headers)
    assert profile.json()["emailVerified"] is True
    # The owner can see what was there, and that it is gone.
    log = await client.get(f"{of_organization}/audit-log", headers=owner.headers)
    found = {(one["action"], one["actor"]["kind"], one["objectId"]) for one in log.json()["items"]}
    assert found >= {
        ("api_key.revoked", "system", key.json()["id"]),
        ("invitation.revoked", "system", invited.json()["id"]),
    }


async def test_a_proven_address_keeps_its_other_ways_in(
    client: httpx.AsyncClient, connection: RawConnection, letters: Letters
) -> None:
    """Above all the second factor: who can read the mails does not have it for that."""
    ada = await newcomer(client)
    await prove_address(connection, ada)
    await open_ways_in(connection, ada)
    before = await ways_in(connection, ada)
    assert None not in before and 0 not in before
    token = await link_for(client, letters, ada.email)
    assert (await reset(client, token)).status_code == 204
    assert await ways_in(connection, ada) == before
    assert refusal(await login(client, ada.email, NEW)) == (401, "second_factor_required")


async def open_ways_in(connection: RawConnection, who: Entered) -> None:
    phone = f"+4179{who.user_id.int % 10**7:07d}"
    await connection.execute(
        "UPDATE users SET phone = $2, totp_secret = '\\x01', totp_confirmed_at = now()"
        " WHERE id = $1",
        who.user_id,
        phone,
    )
    await connection.execute(
        "INSERT INTO identities (issuer, subject, user_id) VALUES ('issuer', $1, $2)",
        str(uuid4()),
        who.user_id,
    )
    await connection.execute(
        "INSERT INTO recovery_codes (user_id, code_hash) VALUES ($1, '\\x02')", who.user_id
    )


async def ways_in(connection: RawConnection, who: Entered) -> list[Any]:
    row = await connection.fetchrow(
        "SELECT phone, totp_secret,"
        " (SELECT count(*) FROM identities WHERE user_id = users.id),"
        " (SELECT count(*) FROM recovery_codes WHERE user_id = users.id)"
        " FROM users WHERE id = $1",
        who.user_id,
    )
    assert row is not None
    return list(row)


# --- while a reset happens


async def reset_behind_their_backs(
    connection: RawConnection, who: Entered, hasher: PasswordHasher, *tasks: Any
) -> list[httpx.Response]:
    """Let the requests check the old password, and a reset come before what they do then."""
    known = await hasher.hash(NEW)
    async with connection.transaction():
        await connection.execute(
            "UPDATE users SET password_hash = $2 WHERE id = $1", who.user_id, known
        )
        await connection.execute(
            "UPDATE sessions SET ended_at = now(), ended_because = 'password_reset'"
            " WHERE user_id = $1 AND ended_at IS NULL",
            who.user_id,
        )
        running = [asyncio.create_task(task) for task in tasks]
        await until_blocked(connection, len(running))
    return list(await asyncio.gather(*running))


async def test_no_session_begins_with_a_password_that_is_being_reset(
    client: httpx.AsyncClient, connection: RawConnection, parts: Parts
) -> None:
    ada = await newcomer(client)
    (answer,) = await reset_behind_their_backs(
        connection, ada, parts.accounts.hasher, login(client, ada.email, PASSWORD)
    )
    assert refusal(answer) == WRONG
    going_on = "SELECT count(*) FROM sessions WHERE user_id = $1 AND ended_at IS NULL"
    assert await connection.fetchval(going_on, ada.user_id) == 0


async def test_no_password_is_changed_from_one_that_is_being_reset(
    client: httpx.AsyncClient, connection: RawConnection, parts: Parts
) -> None:
    """Else whoever the reset was to shut out would take the account over with it."""
    ada = await newcomer(client)
    (answer,) = await reset_behind_their_backs(
        connection, ada, parts.accounts.hasher, change(client, ada, PASSWORD, "the thief's own")
    )
    assert refusal(answer) == WRONG
    assert (await login(client, ada.email, NEW)).status_code == 200


async def test_of_two_changes_at_the_same_moment_one_counts(
    client: httpx.AsyncClient, connection: RawConnection
) -> None:
    """The password that the other one has shown is not the current one any more."""
    ada = await newcomer(client)
    passwords = ["horse battery 1", "horse battery 2"]
    async with connection.transaction():
        await connection.execute("SELECT 1 FROM users WHERE id = $1 FOR UPDATE", ada.user_id)
        both = [asyncio.create_task(change(client, ada, PASSWORD, one)) for one in passwords]
        await until_blocked(connection, 2)
    answers = await asyncio.gather(*both)
    assert sorted(answer.status_code for answer in answers) == [204, 401]
    for answer, password in zip(answers, passwords, strict=True):
        expected = 200 if answer.status_code == 204 else 401
        assert (await login(client, ada.email, password)).status_code == expected


async def test_a_session_that_is_being_ended_changes_no_password(
    client: httpx.AsyncClient, connection: RawConnection
) -> None:
    """The owner signs a device out while a thief is at it."""
    ada = await newcomer(client)
    async with connection.transaction():
        await connection.execute(
            "UPDATE sessions SET ended_at = now(), ended_because = 'ended_by_user' WHERE id = $1",
            ada.session_id,
        )
        changing = asyncio.create_task(change(client, ada, PASSWORD))
        await until_blocked(connection)
    assert refusal(await changing) == WRONG
    assert (await login(client, ada.email, PASSWORD)).status_code == 200


async def test_no_address_is_changed_with_a_password_that_is_being_reset(
    client: httpx.AsyncClient, connection: RawConnection, parts: Parts, letters: Letters
) -> None:
    ada, address = await newcomer(client), new_email()
    asked = client.post(
        f"{API}/users/me/email",
        json={"email": address, "password": PASSWORD},
        headers=ada.headers,
    )
    (answer,) = await reset_behind_their_backs(connection, ada, parts.accounts.hasher, asked)
    assert refusal(answer) == WRONG
    assert await letters.to(address) == []
    pending = "SELECT count(*) FROM mail_tokens WHERE email = $1"
    assert await connection.fetchval(pending, address) == 0


async def test_nobody_enters_an_account_that_is_being_disabled(
    client: httpx.AsyncClient, connection: RawConnection
) -> None:
    """A session that began then would be there again when the account is enabled."""
    ada = await newcomer(client)
    async with connection.transaction():
        await connection.execute("UPDATE users SET disabled_at = now() WHERE id = $1", ada.user_id)
        entering = asyncio.create_task(login(client, ada.email, PASSWORD))
        await until_blocked(connection)
    assert refusal(await entering) == (403, "account_disabled")


# --- changed


async def test_strangers_change_nothing(client: httpx.AsyncClient) -> None:
    ada = await newcomer(client)
    body = {"currentPassword": PASSWORD, "password": NEW}
    for headers in ({}, {"Cookie": f"fullhouse_refresh={ada.cookie}", "X-Requested-With": "x"}):
        answer = await client.post(f"{AUTH}/password/change", json=body, headers=headers)
        assert refusal(answer) == (401, "unauthenticated")
    assert (await login(client, ada.email, PASSWORD)).status_code == 200


@pytest.mark.parametrize("current", [None, "", "not the password", PASSWORD.upper(), NEW])
async def test_the_current_password_is_needed(
    client: httpx.AsyncClient, connection: RawConnection, current: str | None
) -> None:
    ada = await newcomer(client)
    before = await hash_of(connection, ada)
    assert refusal(await change(client, ada, current)) == WRONG
    assert await hash_of(connection, ada) == before


@pytest.mark.parametrize("password", ["short", "x" * 129, "password1", "Ada Lovelace"])
async def test_a_new_password_is_no_weak_one(
    client: httpx.AsyncClient, connection: RawConnection, password: str
) -> None:
    ada = await newcomer(client)
    before = await hash_of(connection, ada)
    refused = await change(client, ada, PASSWORD, password)
    assert refusal(refused) == (422, "validation_failed")
    assert [error["pointer"] for error in refused.json()["errors"]] == ["/password"]
    assert await hash_of(connection, ada) == before


async def test_guessing_the_current_password_has_to_wait(
    client: httpx.AsyncClient, connection: RawConnection
) -> None:
    """Whoever has found an open session does not find the password with it."""
    ada = await newcomer(client)
    guesses = [await change(client, ada, f"guess {number}") for number in range(6)]
    assert [refusal(answer) for answer in guesses] == [WRONG] * 5 + [WAIT]
    assert 0 < int(guesses[-1].headers["retry-after"]) <= 30
    # The right one waits as well, or the answer would tell.
    assert refusal(await change(client, ada, PASSWORD)) == WAIT
    # It is no way to keep the owner out.
    assert (await login(client, ada.email, PASSWORD)).status_code == 200
    await connection.execute("UPDATE attempts SET locked_until = now() - interval '1 second'")
    assert (await change(client, ada, PASSWORD)).status_code == 204


async def test_a_change_ends_every_other_session(
    client: httpx.AsyncClient, connection: RawConnection, letters: Letters
) -> None:
    ada = await newcomer(client)
    others = [await log_in(client, ada.email) for _ in range(2)]
    token = await link_for(client, letters, ada.email)
    assert (await change(client, ada, PASSWORD)).status_code == 204
    assert await status_of(client, ada) == 200
    assert (await refresh(client, ada.cookie)).status_code == 200
    for who in others:
        assert await status_of(client, who) == 401
        assert refusal(await refresh(client, who.cookie)) == (401, "session_over")
    assert refusal(await login(client, ada.email, PASSWORD)) == WRONG
    assert (await login(client, ada.email, NEW)).status_code == 200
    # The link in an older mail would have undone it.
    assert refusal(await reset(client, token)) == BAD_LINK
    assert (await letters.subjects(ada.email))[-1] == CHANGED
    actions = await connection.fetch(
        "SELECT action FROM audit_log WHERE object_id = $1", str(ada.user_id)
    )
    assert [row[0] for row in actions] == ["user.password_changed"]


async def test_who_has_no_password_makes_one_soon_after_signing_in(
    client: httpx.AsyncClient, connection: RawConnection
) -> None:
    """As after signing in with Google or with a phone."""
    ada = await newcomer(client)
    await connection.execute("UPDATE users SET password_hash = NULL WHERE id = $1", ada.user_id)
    assert refusal(await login(client, ada.email, PASSWORD)) == WRONG
    past = "UPDATE sessions SET created_at = created_at - $2::interval WHERE id = $1"
    await connection.execute(past, ada.session_id, timedelta(minutes=11))
    late = await change(client, ada, None)
    assert refusal(late) == WRONG
    assert "Sign in again" in late.json()["detail"]
    await connection.execute(past, ada.session_id, timedelta(minutes=-11))
    assert (await change(client, ada, None)).status_code == 204
    assert (await login(client, ada.email, NEW)).status_code == 200
    # From now on there is one to be shown.
    assert refusal(await change(client, ada, None, PASSWORD)) == WRONG


# --- older hashes


def by_bcrypt() -> str:
    """What other systems have kept of the password; tests/unit/test_passwords.py has theirs."""
    return bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(4)).decode()


def by_scrypt() -> str:
    salt = b"sixteen bytes..."
    digest = hashlib.scrypt(PASSWORD.encode(), salt=salt, n=1024, r=8, p=1, dklen=32)
    written = [base64.b64encode(part).decode().rstrip("=") for part in (salt, digest)]
    return f"$scrypt$ln=10,r=8,p=1${'$'.join(written)}"


async def put_hash(connection: RawConnection, who: Entered, known: str) -> None:
    await connection.execute(
        "UPDATE users SET password_hash = $2 WHERE id = $1", who.user_id, known
    )


@pytest.mark.parametrize("make", [by_bcrypt, by_scrypt])
async def test_an_older_hash_is_replaced_at_the_first_login(
    client: httpx.AsyncClient, connection: RawConnection, make: Callable[[], str]
) -> None:
    ada, known = await newcomer(client), make()
    await put_hash(connection, ada, known)
    assert refusal(await login(client, ada.email, "not the password")) == WRONG
    assert await hash_of(connection, ada) == known
    assert (await login(client, ada.email, PASSWORD)).status_code == 200
    newer = await hash_of(connection, ada)
    assert newer is not None and newer.startswith("$argon2id$")
    assert (await login(client, ada.email, PASSWORD)).status_code == 200
    assert await hash_of(connection, ada) == newer


async def test_logins_at_the_same_moment_replace_it_together(
    client: httpx.AsyncClient, connection: RawConnection
) -> None:
    """None of them takes the other's new hash for another password."""
    # Fewer than may be wrong without a wait: each counts as wrong until it is known.
    older = PasswordHasher(20_000, 2, 1, 2)
    ada = await newcomer(client)
    await put_hash(connection, ada, await older.hash(PASSWORD))
    older.close()
    answers = await asyncio.gather(*(login(client, ada.email, PASSWORD) for _ in range(4)))
    assert {answer.status_code for answer in answers} == {200}
    newer = await hash_of(connection, ada)
    assert newer is not None and "m=19456" in newer
