"""The second factor through HTTP: authenticator codes, recovery codes, and who gets past them."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import httpx
import pyotp
import pytest
import pytest_asyncio
from pydantic import SecretStr

from fullhouse.accounts.second_factor import SecretSeal
from fullhouse.kit.db import RawConnection
from fullhouse.parts import Parts
from fullhouse.settings import Settings
from tests.support.asgi import bearer
from tests.support.mailbox import Mailbox, mail_server
from tests.support.people import PASSWORD, register
from tests.support.settings import SECRET, settings_for

API = "/api/v1"
FACTOR = f"{API}/auth/second-factor"
VERIFY = f"{FACTOR}/verify"


@pytest_asyncio.fixture(scope="module")
async def mailbox() -> AsyncIterator[Mailbox]:
    """The mail server of the module's application."""
    async with mail_server() as mailbox:
        yield mailbox


@pytest.fixture(scope="module")
def settings(database_url: str, mailbox: Mailbox) -> Settings:
    """The module's application sends real mails."""
    smtp_url = SecretStr(f"smtp://127.0.0.1:{mailbox.port}")
    return settings_for(database_url, smtp_url=smtp_url)


@dataclass
class Person:
    """Somebody with an account; ``secret`` is in their authenticator app."""

    id: UUID
    email: str
    headers: dict[str, str]
    secret: str = ""
    recovery_codes: tuple[str, ...] = ()

    @property
    def code(self) -> str:
        """What the app shows."""
        return pyotp.TOTP(self.secret).now()

    @property
    def wrong_code(self) -> str:
        """Six digits that the app shows neither now nor within some minutes."""
        totp = pyotp.TOTP(self.secret)
        now = totp.timecode(datetime.now(UTC))
        near = {totp.generate_otp(now + offset) for offset in range(-10, 11)}
        return next(code for code in (f"{number:06d}" for number in range(100)) if code not in near)


async def newcomer(client: httpx.AsyncClient) -> Person:
    """Somebody without a second factor."""
    session = await register(client)
    user = session["user"]
    return Person(UUID(user["id"]), user["email"], bearer(session["accessToken"]))


async def begun(client: httpx.AsyncClient) -> Person:
    """Somebody whose app has the secret, which is not confirmed yet."""
    person = await newcomer(client)
    answer = await client.post(FACTOR, json={"password": PASSWORD}, headers=person.headers)
    assert answer.status_code == 201, answer.text
    person.secret = answer.json()["secret"]
    return person


async def protected(client: httpx.AsyncClient, connection: RawConnection) -> Person:
    """Somebody with a second factor, whose next code is good."""
    person = await begun(client)
    answer = await confirm(client, person, person.code)
    assert answer.status_code == 200, answer.text
    person.recovery_codes = tuple(answer.json()["recoveryCodes"])
    await pass_time(connection, person)
    return person


async def pass_time(connection: RawConnection, person: Person) -> None:
    """Let some minutes pass since the person's last code, which the app cannot show anew."""
    await connection.execute(
        "UPDATE users SET totp_last_step = totp_last_step - 20 WHERE id = $1", person.id
    )


async def confirm(client: httpx.AsyncClient, person: Person, code: str) -> httpx.Response:
    return await client.post(f"{FACTOR}/confirm", json={"code": code}, headers=person.headers)


async def first_step(client: httpx.AsyncClient, person: Person) -> str:
    """Log in with the password; answers the challenge."""
    body = {"email": person.email, "password": PASSWORD}
    answer = await client.post(f"{API}/auth/login", json=body)
    assert (answer.status_code, answer.json()["code"]) == (401, "second_factor_required")
    assert "accessToken" not in answer.json()
    assert "set-cookie" not in answer.headers
    challenge: str = answer.json()["challenge"]
    return challenge


async def verify(client: httpx.AsyncClient, challenge: str, code: str) -> httpx.Response:
    return await client.post(VERIFY, json={"challenge": challenge, "code": code})


async def remove(client: httpx.AsyncClient, person: Person, **body: Any) -> httpx.Response:
    return await client.request("DELETE", FACTOR, json=body, headers=person.headers)


def refusal(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


async def settle(parts: Parts) -> None:
    """Wait until all messages have left."""
    while parts.accounts.post.dispatcher.pending:
        await asyncio.sleep(0.01)


async def subjects(parts: Parts, mailbox: Mailbox, person: Person) -> list[str]:
    """What was written to the person, without the mail after registering."""
    await settle(parts)
    mine = [mail for mail in mailbox.mails if mail.recipients == [person.email]]
    return [mail.message["Subject"] for mail in mine if "second factor" in mail.message["Subject"]]


@pytest.mark.parametrize("password", [None, "not the password"])
async def test_setting_it_up_takes_the_password(
    client: httpx.AsyncClient, connection: RawConnection, password: str | None
) -> None:
    person = await newcomer(client)
    answer = await client.post(FACTOR, json={"password": password}, headers=person.headers)
    assert refusal(answer) == (401, "invalid_credentials")
    kept = await connection.fetchval("SELECT totp_secret FROM users WHERE id = $1", person.id)
    assert kept is None


async def test_nothing_can_be_done_with_what_is_not_there(client: httpx.AsyncClient) -> None:
    person = await newcomer(client)
    absent = (409, "second_factor_absent")
    assert refusal(await confirm(client, person, "123456")) == absent
    body = {"password": PASSWORD, "code": "123456"}
    assert refusal(await remove(client, person, **body)) == absent
    renewal = await client.post(f"{FACTOR}/recovery-codes", json=body, headers=person.headers)
    assert refusal(renewal) == absent


async def test_a_wrong_code_confirms_nothing(client: httpx.AsyncClient) -> None:
    person = await begun(client)
    assert refusal(await confirm(client, person, person.wrong_code)) == (401, "code_wrong")
    body = {"email": person.email, "password": PASSWORD}
    assert (await client.post(f"{API}/auth/login", json=body)).status_code == 200


async def test_a_newer_secret_replaces_one_that_was_not_confirmed(
    client: httpx.AsyncClient,
) -> None:
    person = await begun(client)
    old = person.code
    again = await client.post(FACTOR, json={"password": PASSWORD}, headers=person.headers)
    person.secret = again.json()["secret"]
    assert refusal(await confirm(client, person, old)) == (401, "code_wrong")
    assert (await confirm(client, person, person.code)).status_code == 200


async def test_a_confirmed_one_is_not_replaced(
    client: httpx.AsyncClient, connection: RawConnection
) -> None:
    person = await protected(client, connection)
    exists = (409, "second_factor_exists")
    again = await client.post(FACTOR, json={"password": PASSWORD}, headers=person.headers)
    assert refusal(again) == exists
    assert refusal(await confirm(client, person, person.code)) == exists


async def test_switching_it_on(
    client: httpx.AsyncClient, connection: RawConnection, parts: Parts, mailbox: Mailbox
) -> None:
    person = await begun(client)
    body = {"email": person.email, "password": PASSWORD}
    elsewhere = bearer((await client.post(f"{API}/auth/login", json=body)).json()["accessToken"])
    answer = await confirm(client, person, person.code)
    assert answer.status_code == 200
    codes = answer.json()["recoveryCodes"]
    assert len(set(codes)) == 10

    # Who has not shown it is out; who has switched it on stays, and has shown it.
    assert (await client.get(f"{API}/auth/me", headers=elsewhere)).status_code == 401
    assert (await client.get(f"{API}/auth/me", headers=person.headers)).status_code == 200
    rows = await connection.fetch(
        "SELECT second_factor, ended_because FROM sessions WHERE user_id = $1 ORDER BY id",
        person.id,
    )
    assert [tuple(row) for row in rows] == [(True, None), (False, "second_factor_added")]
    assert await subjects(parts, mailbox, person) == [
        "The second factor of your account at Fullhouse was switched on"
    ]


async def test_the_password_alone_is_no_longer_enough(
    client: httpx.AsyncClient, connection: RawConnection
) -> None:
    person = await protected(client, connection)
    challenge = await first_step(client, person)
    assert refusal(await verify(client, challenge, person.wrong_code)) == (401, "code_wrong")
    answer = await verify(client, challenge, person.code)
    assert answer.status_code == 200
    session = answer.json()
    assert session["user"]["email"] == person.email
    assert "httponly" in answer.headers["set-cookie"].lower()
    me = await client.get(f"{API}/auth/me", headers=bearer(session["accessToken"]))
    assert me.status_code == 200
    newest = await connection.fetchrow(
        "SELECT method, second_factor FROM sessions WHERE user_id = $1 ORDER BY id DESC LIMIT 1",
        person.id,
    )
    assert newest is not None
    assert tuple(newest) == ("password", True)


async def test_a_code_is_good_once(client: httpx.AsyncClient, connection: RawConnection) -> None:
    person = await protected(client, connection)
    code = person.code
    assert (await verify(client, await first_step(client, person), code)).status_code == 200
    assert refusal(await verify(client, await first_step(client, person), code)) == (
        401,
        "code_wrong",
    )
    taken = await remove(client, person, password=PASSWORD, code=code)
    assert refusal(taken) == (401, "code_wrong")


@pytest.mark.parametrize("kind", ["code of the app", "recovery code"])
async def test_a_code_is_good_once_even_at_the_same_moment(
    client: httpx.AsyncClient, connection: RawConnection, kind: str
) -> None:
    person = await protected(client, connection)
    code = person.code if kind == "code of the app" else person.recovery_codes[0]
    challenge = await first_step(client, person)
    answers = await asyncio.gather(*(verify(client, challenge, code) for _ in range(4)))
    assert sorted(answer.status_code for answer in answers) == [200, 401, 401, 401]


async def test_a_recovery_code_is_used_up(
    client: httpx.AsyncClient, connection: RawConnection
) -> None:
    person = await protected(client, connection)
    first, second, *_ = person.recovery_codes
    typed = first.lower().replace("-", " ")
    assert (await verify(client, await first_step(client, person), typed)).status_code == 200
    challenge = await first_step(client, person)
    assert refusal(await verify(client, challenge, first)) == (401, "code_wrong")
    assert (await verify(client, challenge, second)).status_code == 200


async def test_guessing_has_to_wait(client: httpx.AsyncClient, connection: RawConnection) -> None:
    person = await protected(client, connection)
    challenge = await first_step(client, person)
    for _ in range(5):
        wrong = await verify(client, challenge, person.wrong_code)
        assert refusal(wrong) == (401, "code_wrong")
    # Now the right one waits too, with a new challenge and from within just the same.
    answer = await verify(client, await first_step(client, person), person.code)
    assert refusal(answer) == (429, "too_many_attempts")
    assert int(answer.headers["retry-after"]) > 0
    gone = await remove(client, person, password=PASSWORD, code=person.recovery_codes[0])
    assert refusal(gone) == (429, "too_many_attempts")
    # Nobody else waits with them.
    other = await protected(client, connection)
    assert (await verify(client, await first_step(client, other), other.code)).status_code == 200


async def test_guesses_at_the_same_moment_are_counted(
    client: httpx.AsyncClient, connection: RawConnection
) -> None:
    person = await protected(client, connection)
    challenge = await first_step(client, person)
    answers = await asyncio.gather(
        *(verify(client, challenge, person.wrong_code) for _ in range(12))
    )
    assert sorted(answer.status_code for answer in answers) == [401] * 5 + [429] * 7


async def test_a_challenge_is_ours_and_nothing_else(
    client: httpx.AsyncClient, connection: RawConnection
) -> None:
    person = await protected(client, connection)
    challenge = await first_step(client, person)
    access_token = person.headers["Authorization"].removeprefix("Bearer ")
    head, _, _ = challenge.rpartition(".")
    for wrong in ("x", access_token, f"{head}.AAAA"):
        assert refusal(await verify(client, wrong, person.code)) == (401, "code_wrong")
    # Nor is it an access token.
    me = await client.get(f"{API}/auth/me", headers=bearer(challenge))
    assert me.status_code == 401
    other = await protected(client, connection)
    assert refusal(await verify(client, challenge, other.code)) == (401, "code_wrong")


async def test_a_disabled_account_stays_outside(
    client: httpx.AsyncClient, connection: RawConnection
) -> None:
    person = await protected(client, connection)
    challenge = await first_step(client, person)
    await connection.execute("UPDATE users SET disabled_at = now() WHERE id = $1", person.id)
    answer = await verify(client, challenge, person.code)
    assert refusal(answer) == (403, "account_disabled")
    sessions = "SELECT count(*) FROM sessions WHERE user_id = $1 AND method = 'password'"
    assert await connection.fetchval(sessions, person.id) == 1


async def test_what_is_kept_gives_no_secret_away(
    client: httpx.AsyncClient, connection: RawConnection
) -> None:
    person = await protected(client, connection)
    sealed = await connection.fetchval("SELECT totp_secret FROM users WHERE id = $1", person.id)
    assert person.secret.encode() not in sealed
    assert SecretSeal(SECRET).open(person.id, sealed) == person.secret
    hashes = await connection.fetch(
        "SELECT code_hash FROM recovery_codes WHERE user_id = $1", person.id
    )
    assert {len(row["code_hash"]) for row in hashes} == {32}


async def test_a_secret_that_cannot_be_read_lets_only_recovery_codes_in(
    client: httpx.AsyncClient, connection: RawConnection
) -> None:
    person = await protected(client, connection)
    thief = await protected(client, connection)
    # As whoever can write to the database would try: the own secret in another's place.
    await connection.execute(
        "UPDATE users SET totp_secret = (SELECT totp_secret FROM users WHERE id = $2)"
        " WHERE id = $1",
        person.id,
        thief.id,
    )
    challenge = await first_step(client, person)
    assert refusal(await verify(client, challenge, thief.code)) == (401, "code_wrong")
    assert (await verify(client, challenge, person.recovery_codes[3])).status_code == 200


async def test_new_recovery_codes_replace_the_old_ones(
    client: httpx.AsyncClient, connection: RawConnection
) -> None:
    person = await protected(client, connection)
    renewal = f"{FACTOR}/recovery-codes"
    for body, code in (
        ({"code": person.code}, "invalid_credentials"),
        ({"password": PASSWORD, "code": person.wrong_code}, "code_wrong"),
    ):
        refused = await client.post(renewal, json=body, headers=person.headers)
        assert refusal(refused) == (401, code)
    right = {"password": PASSWORD, "code": person.code}
    answer = await client.post(renewal, json=right, headers=person.headers)
    assert answer.status_code == 200
    fresh = answer.json()["recoveryCodes"]
    assert len(set(fresh) | set(person.recovery_codes)) == 20
    challenge = await first_step(client, person)
    old = await verify(client, challenge, person.recovery_codes[0])
    assert refusal(old) == (401, "code_wrong")
    assert (await verify(client, challenge, fresh[0])).status_code == 200


async def test_switching_it_off(
    client: httpx.AsyncClient, connection: RawConnection, parts: Parts, mailbox: Mailbox
) -> None:
    person = await protected(client, connection)
    assert refusal(await remove(client, person, code=person.code)) == (401, "invalid_credentials")
    wrong = await remove(client, person, password=PASSWORD, code=person.wrong_code)
    assert refusal(wrong) == (401, "code_wrong")
    challenge = await first_step(client, person)

    gone = await remove(client, person, password=PASSWORD, code=person.recovery_codes[0])
    assert gone.status_code == 204
    body = {"email": person.email, "password": PASSWORD}
    assert (await client.post(f"{API}/auth/login", json=body)).status_code == 200
    # A challenge that is still out there opens nothing, and no session counts for more.
    left = await verify(client, challenge, person.recovery_codes[1])
    assert refusal(left) == (401, "code_wrong")
    counts = await connection.fetchrow(
        "SELECT (SELECT count(*) FROM recovery_codes WHERE user_id = $1),"
        " (SELECT count(*) FROM sessions WHERE user_id = $1 AND second_factor)",
        person.id,
    )
    assert counts is not None
    assert tuple(counts) == (0, 0)
    assert (await subjects(parts, mailbox, person))[1:] == [
        "The second factor of your account at Fullhouse was switched off"
    ]


async def test_the_audit_log_tells_who_changed_it(
    client: httpx.AsyncClient, connection: RawConnection
) -> None:
    person = await protected(client, connection)
    gone = await remove(client, person, password=PASSWORD, code=person.recovery_codes[0])
    assert gone.status_code == 204
    rows = await connection.fetch(
        "SELECT action FROM audit_log WHERE actor_id = $1 AND object_id = $2 ORDER BY id",
        person.id,
        str(person.id),
    )
    assert [row["action"] for row in rows] == [
        "user.second_factor_added",
        "user.recovery_code_used",
        "user.second_factor_removed",
    ]


async def test_strangers_set_nothing_up(client: httpx.AsyncClient) -> None:
    body = {"password": PASSWORD, "code": "123456"}
    for method, path in (
        ("POST", FACTOR),
        ("POST", f"{FACTOR}/confirm"),
        ("POST", f"{FACTOR}/recovery-codes"),
        ("DELETE", FACTOR),
    ):
        answer = await client.request(method, path, json=body)
        assert refusal(answer) == (401, "unauthenticated")
