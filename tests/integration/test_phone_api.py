"""Phone numbers through HTTP: signing in with a code, linking a number, and guessing in vain."""

import asyncio
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from itertools import count
from typing import Any
from uuid import UUID

import httpx
import pyotp
import pytest
import pytest_asyncio
import structlog.testing
from pydantic import SecretStr

from fullhouse.accounts.one_time import new_api_key
from fullhouse.kit.db import RawConnection
from fullhouse.kit.ids import new_id
from fullhouse.parts import Parts
from fullhouse.settings import Settings
from tests.support.asgi import bearer
from tests.support.people import PASSWORD, register
from tests.support.settings import settings_for
from tests.support.sms_gateway import Gateway, webhook_receiver

API = "/api/v1"
REQUEST = f"{API}/auth/otp/request"
VERIFY = f"{API}/auth/otp/verify"
MY_PHONE = f"{API}/users/me/phone"
KEY = "a key for the gateway of the tests"

CODE_WRONG = (401, "code_wrong")
TOO_MANY = (429, "too_many_attempts")

_numbers = count(100_000)


@pytest_asyncio.fixture(scope="module")
async def gateway() -> AsyncIterator[Gateway]:
    """What brings the application's text messages to phones."""
    async with webhook_receiver(KEY.encode()) as gateway:
        yield gateway


@pytest.fixture(scope="module")
def settings(database_url: str, gateway: Gateway) -> Settings:
    """The module's application sends real requests to the gateway."""
    return settings_for(
        database_url,
        sms_adapter="webhook",
        sms_webhook_url=gateway.url,
        sms_webhook_secret=SecretStr(KEY),
    )


@dataclass
class Phones:
    """Everybody's phones, and the way to have a code sent to one."""

    client: httpx.AsyncClient
    parts: Parts
    gateway: Gateway

    async def ask(self, phone: str, headers: dict[str, str] | None = None) -> UUID:
        """Have a code sent; answers the request's id."""
        body = {"phone": phone} | ({"password": PASSWORD} if headers else {})
        answer = await self.client.post(REQUEST, json=body, headers=headers)
        assert answer.status_code == 202, answer.text
        return UUID(answer.json()["requestId"])

    async def codes(self, phone: str) -> list[str]:
        """The codes that have come, once no more are on their way."""
        while self.parts.accounts.post.dispatcher.pending:
            await asyncio.sleep(0.01)
        texts = [message["text"] for message in self.gateway.sent if message["to"] == phone]
        found = [re.match(r"\d{6}", text) for text in texts]
        return [match[0] for match in found if match]

    async def code(self, phone: str) -> str:
        """The last code that has come."""
        return (await self.codes(phone))[-1]

    async def verify(
        self,
        phone: str,
        code: str,
        request_id: UUID | None,
        headers: dict[str, str] | None = None,
    ) -> httpx.Response:
        body: dict[str, Any] = {"phone": phone, "code": code}
        if request_id is not None:
            body["requestId"] = str(request_id)
        return await self.client.post(VERIFY, json=body, headers=headers)


@pytest.fixture
def phones(client: httpx.AsyncClient, parts: Parts, gateway: Gateway) -> Phones:
    """The phones of everybody; the browser of the test remembers nothing."""
    client.cookies.clear()
    return Phones(client, parts, gateway)


@dataclass
class Person:
    """Somebody with an account."""

    id: UUID
    email: str
    headers: dict[str, str]


def new_number() -> str:
    """A mobile phone's number that no other test has used."""
    return f"+9779841{next(_numbers)}"


async def newcomer(client: httpx.AsyncClient) -> Person:
    """Somebody without a number."""
    session = await register(client)
    user = session["user"]
    return Person(UUID(user["id"]), user["email"], bearer(session["accessToken"]))


async def owner(phones: Phones, phone: str) -> Person:
    """Somebody who has linked this number."""
    person = await newcomer(phones.client)
    request_id = await phones.ask(phone, person.headers)
    code = await phones.code(phone)
    answer = await phones.verify(phone, code, request_id, person.headers)
    assert answer.status_code == 200, answer.text
    return person


def refusal(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


def other_than(code: str) -> str:
    return f"{(int(code) + 1) % 1_000_000:06d}"


@pytest.mark.parametrize("phone", ["", "9841234567", "+41 44 668 18 00", "call me", "+9779841"])
async def test_only_mobile_phones_get_codes(phones: Phones, phone: str) -> None:
    for path, body in ((REQUEST, {}), (VERIFY, {"code": "123456", "requestId": str(new_id())})):
        answer = await phones.client.post(path, json={"phone": phone, **body})
        assert refusal(answer) == (422, "validation_failed")
        assert answer.json()["errors"][0]["pointer"] == "/phone"


@pytest.mark.parametrize("who", ["nobody", "disabled"])
async def test_a_number_without_an_account_is_answered_the_same_and_stays_silent(
    phones: Phones, connection: RawConnection, who: str
) -> None:
    known, silent = new_number(), new_number()
    await owner(phones, known)
    if who == "disabled":
        person = await owner(phones, silent)
        await connection.execute("UPDATE users SET disabled_at = now() WHERE id = $1", person.id)
    before = len(await phones.codes(silent))
    answers = [
        await phones.client.post(REQUEST, json={"phone": phone}) for phone in (known, silent)
    ]
    first, second = (answer.json() for answer in answers)
    assert first.keys() == second.keys() == {"requestId", "expiresIn"}
    assert first["expiresIn"] == second["expiresIn"] == 600
    assert first["requestId"] != second["requestId"]
    headers = [sorted(answer.headers.keys()) for answer in answers]
    assert headers[0] == headers[1]
    rows = await connection.fetch(
        "SELECT user_id, length(code_hash) FROM phone_codes WHERE phone IN ($1, $2)",
        known,
        silent,
    )
    assert [tuple(row) for row in rows] == [(None, 32), (None, 32)]
    assert len(await phones.codes(silent)) == before
    assert len(await phones.codes(known)) == 2


async def test_every_failure_reads_the_same(phones: Phones, connection: RawConnection) -> None:
    phone, stranger = new_number(), new_number()
    await owner(phones, phone)
    replaced = await phones.ask(phone)
    old = await phones.code(phone)
    request_id = await phones.ask(phone)
    code = await phones.code(phone)
    failures = [
        await phones.verify(phone, other_than(code), request_id),
        await phones.verify(phone, code, new_id()),
        await phones.verify(phone, old, replaced),
        await phones.verify(stranger, code, request_id),
    ]
    await connection.execute("UPDATE phone_codes SET expires_at = now() WHERE phone = $1", phone)
    failures.append(await phones.verify(phone, code, request_id))
    problems = [answer.json() for answer in failures]
    for problem in problems:
        del problem["requestId"]  # of the request itself, as in every problem document
    assert [refusal(answer) for answer in failures] == [CODE_WRONG] * 5
    assert all(problem == problems[0] for problem in problems)
    assert not any("set-cookie" in answer.headers for answer in failures)


async def test_a_code_ends_after_ten_minutes(phones: Phones, connection: RawConnection) -> None:
    phone = new_number()
    await phones.ask(phone)
    seconds = await connection.fetchval(
        "SELECT extract(epoch FROM expires_at - created_at) FROM phone_codes WHERE phone = $1",
        phone,
    )
    assert 599 < seconds < 601


async def test_a_code_is_good_once_even_at_the_same_moment(phones: Phones) -> None:
    phone = new_number()
    await owner(phones, phone)
    request_id = await phones.ask(phone)
    code = await phones.code(phone)
    answers = await asyncio.gather(*(phones.verify(phone, code, request_id) for _ in range(4)))
    assert sorted(answer.status_code for answer in answers) == [200, 401, 401, 401]
    assert refusal(await phones.verify(phone, code, request_id)) == CODE_WRONG


async def test_new_codes_give_no_new_tries(phones: Phones, connection: RawConnection) -> None:
    phone = new_number()
    await owner(phones, phone)
    await connection.execute("DELETE FROM attempts")
    for tries in (2, 2, 1):
        request_id = await phones.ask(phone)
        wrong = other_than(await phones.code(phone))
        for _ in range(tries):
            assert refusal(await phones.verify(phone, wrong, request_id)) == CODE_WRONG
    answer = await phones.verify(phone, await phones.code(phone), request_id)
    assert refusal(answer) == TOO_MANY
    # Longer than with passwords: each try is one in a million.
    assert 240 < int(answer.headers["retry-after"]) <= 300
    # What the right request says does not matter either.
    assert refusal(await phones.verify(phone, "000000", new_id())) == TOO_MANY


@pytest.mark.parametrize("has_account", [True, False])
async def test_codes_are_not_sent_without_end(
    phones: Phones, connection: RawConnection, has_account: bool
) -> None:
    phone = new_number()
    if has_account:
        await owner(phones, phone)
        await connection.execute("DELETE FROM attempts")
    for _ in range(3):
        await phones.ask(phone)
    answer = await phones.client.post(REQUEST, json={"phone": phone})
    assert refusal(answer) == TOO_MANY
    assert 0 < int(answer.headers["retry-after"]) <= 60


async def test_a_code_is_good_for_what_it_was_asked_for(phones: Phones) -> None:
    phone = new_number()
    await owner(phones, phone)
    attacker = await newcomer(phones.client)
    # Asked for by the attacker, for their own account, and read out by the owner.
    request_id = await phones.ask(phone, attacker.headers)
    code = await phones.code(phone)
    assert refusal(await phones.verify(phone, code, request_id)) == CODE_WRONG
    # Asked for without signing in, and used to link.
    request_id = await phones.ask(phone)
    code = await phones.code(phone)
    answer = await phones.verify(phone, code, request_id, attacker.headers)
    assert refusal(answer) == CODE_WRONG


@pytest.mark.parametrize("password", [None, "not the password"])
async def test_linking_takes_the_password(phones: Phones, password: str | None) -> None:
    phone = new_number()
    person = await newcomer(phones.client)
    body = {"phone": phone, "password": password}
    answer = await phones.client.post(REQUEST, json=body, headers=person.headers)
    assert refusal(answer) == (401, "invalid_credentials")
    assert await phones.codes(phone) == []


@pytest.mark.parametrize(("minutes", "status"), [(5, 202), (15, 401)])
async def test_without_a_password_linking_takes_a_new_session(
    phones: Phones, connection: RawConnection, minutes: int, status: int
) -> None:
    person = await newcomer(phones.client)
    await connection.execute("UPDATE users SET password_hash = NULL WHERE id = $1", person.id)
    await connection.execute(
        "UPDATE sessions SET created_at = now() - $1 * interval '1 minute' WHERE user_id = $2",
        minutes,
        person.id,
    )
    body = {"phone": new_number()}
    answer = await phones.client.post(REQUEST, json=body, headers=person.headers)
    assert answer.status_code == status


async def test_who_links_is_who_has_asked(phones: Phones) -> None:
    phone = new_number()
    asking, other = await newcomer(phones.client), await newcomer(phones.client)
    request_id = await phones.ask(phone, asking.headers)
    code = await phones.code(phone)
    assert refusal(await phones.verify(phone, code, request_id, other.headers)) == CODE_WRONG
    linked = await phones.verify(phone, code, request_id, asking.headers)
    assert linked.status_code == 200


async def test_a_number_belongs_to_one_account(phones: Phones) -> None:
    phone = new_number()
    first = await owner(phones, phone)
    second = await newcomer(phones.client)
    request_id = await phones.ask(phone, second.headers)
    code = await phones.code(phone)
    answer = await phones.verify(phone, code, request_id, second.headers)
    assert refusal(answer) == (409, "phone_taken")
    me = await phones.client.get(f"{API}/auth/me", headers=first.headers)
    assert me.json()["phone"] == phone


async def test_linking_answers_the_user_and_no_new_session(
    phones: Phones, connection: RawConnection
) -> None:
    phone = new_number()
    person = await newcomer(phones.client)
    request_id = await phones.ask(phone, person.headers)
    answer = await phones.verify(phone, await phones.code(phone), request_id, person.headers)
    assert answer.json().keys() == {"user"}
    assert answer.json()["user"]["phone"] == phone
    assert "fullhouse_refresh" not in answer.headers["set-cookie"]
    sessions = "SELECT count(*) FROM sessions WHERE user_id = $1"
    assert await connection.fetchval(sessions, person.id) == 1
    actions = "SELECT action FROM audit_log WHERE actor_id = $1"
    assert await connection.fetchval(actions, person.id) == "user.phone_linked"
    logged = await connection.fetchval("SELECT string_agg(after::text, '') FROM audit_log")
    assert phone not in (logged or "")


async def test_signing_in(phones: Phones, connection: RawConnection) -> None:
    phone = new_number()
    person = await owner(phones, phone)
    spaced = f"{phone[:4]} {phone[4:7]}-{phone[7:]}"
    request_id = await phones.ask(spaced)
    answer = await phones.verify(spaced, await phones.code(phone), request_id)
    assert answer.status_code == 200
    session = answer.json()
    assert session.keys() == {"user", "accessToken", "expiresIn"}
    assert session["user"]["id"] == str(person.id)
    cookies = answer.headers.get_list("set-cookie")
    assert any(cookie.startswith("fullhouse_refresh=fhr_") for cookie in cookies)
    assert any(
        cookie.startswith("fullhouse_otp=") and "max-age=0" in cookie.lower() for cookie in cookies
    )
    me = await phones.client.get(f"{API}/auth/me", headers=bearer(session["accessToken"]))
    assert me.json()["phone"] == phone
    method = await connection.fetchval(
        "SELECT method FROM sessions WHERE user_id = $1 ORDER BY id DESC LIMIT 1", person.id
    )
    assert method == "phone"


async def test_the_log_tells_who_signed_in_by_phone_and_who_did_not(phones: Phones) -> None:
    phone = new_number()
    person = await owner(phones, phone)
    request_id = await phones.ask(phone)
    code = await phones.code(phone)
    with structlog.testing.capture_logs() as lines:
        assert (await phones.verify(phone, other_than(code), request_id)).is_error
        assert (await phones.verify(phone, code, request_id)).is_success
    told = [(line["event"], line["user_id"]) for line in lines if line.get("method") == "phone"]
    assert told == [("sign_in_refused", str(person.id)), ("signed_in", str(person.id))]


async def test_the_second_factor_is_asked_for(phones: Phones) -> None:
    phone = new_number()
    person = await owner(phones, phone)
    factor = f"{API}/auth/second-factor"
    begun = await phones.client.post(factor, json={"password": PASSWORD}, headers=person.headers)
    body = {"code": pyotp.TOTP(begun.json()["secret"]).now()}
    on = await phones.client.post(f"{factor}/confirm", json=body, headers=person.headers)
    request_id = await phones.ask(phone)
    answer = await phones.verify(phone, await phones.code(phone), request_id)
    assert refusal(answer) == (401, "second_factor_required")
    assert "accessToken" not in answer.json()
    body = {"challenge": answer.json()["challenge"], "code": on.json()["recoveryCodes"][0]}
    assert (await phones.client.post(f"{factor}/verify", json=body)).status_code == 200


async def test_an_account_that_is_disabled_meanwhile(
    phones: Phones, connection: RawConnection
) -> None:
    phone = new_number()
    person = await owner(phones, phone)
    request_id = await phones.ask(phone)
    code = await phones.code(phone)
    await connection.execute("UPDATE users SET disabled_at = now() WHERE id = $1", person.id)
    answer = await phones.verify(phone, code, request_id)
    assert refusal(answer) == (403, "account_disabled")


async def test_browsers_remember_which_request_it_was(phones: Phones) -> None:
    phone = new_number()
    await owner(phones, phone)
    await phones.ask(phone)
    code = await phones.code(phone)
    remembered = dict(phones.client.cookies)
    phones.client.cookies.clear()
    missing = await phones.verify(phone, code, None)
    assert refusal(missing) == (422, "validation_failed")
    assert missing.json()["errors"][0]["pointer"] == "/requestId"
    phones.client.cookies.set("fullhouse_otp", remembered["fullhouse_otp"])
    assert (await phones.verify(phone, code, None)).status_code == 200


@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_the_cookie_is_kept_from_scripts_and_other_sites(phones: Phones, scheme: str) -> None:
    url = f"{scheme}://fullhouse.test{REQUEST}"
    answer = await phones.client.post(url, json={"phone": new_number()})
    cookie, *attributes = answer.headers["set-cookie"].split("; ")
    secure = scheme == "https"
    name = "__Host-fullhouse_otp" if secure else "fullhouse_otp"
    assert cookie == f"{name}={answer.json()['requestId']}"
    named = {attribute.lower() for attribute in attributes}
    path = "/" if secure else "/api/v1/auth/otp"
    assert {"httponly", "samesite=strict", "max-age=600", f"path={path}"} <= named
    assert ("secure" in named) == secure
    assert not any(attribute.startswith("domain") for attribute in named)


async def test_unlinking(phones: Phones) -> None:
    phone = new_number()
    person = await owner(phones, phone)
    request_id = await phones.ask(phone)
    code = await phones.code(phone)
    for body in ({}, {"password": "not the password"}):
        answer = await phones.client.request("DELETE", MY_PHONE, json=body, headers=person.headers)
        assert refusal(answer) == (401, "invalid_credentials")
    right = {"password": PASSWORD}
    gone = await phones.client.request("DELETE", MY_PHONE, json=right, headers=person.headers)
    assert gone.status_code == 204
    me = await phones.client.get(f"{API}/auth/me", headers=person.headers)
    assert "phone" not in me.json()
    # Not even with a code that was on its way.
    assert refusal(await phones.verify(phone, code, request_id)) == CODE_WRONG
    other = await newcomer(phones.client)
    request_id = await phones.ask(phone, other.headers)
    linked = await phones.verify(phone, await phones.code(phone), request_id, other.headers)
    assert linked.status_code == 200


async def test_a_token_that_is_not_good_is_not_taken_for_none(phones: Phones) -> None:
    phone = new_number()
    request_id = await phones.ask(phone)
    answer = await phones.verify(phone, "123456", request_id, bearer("nonsense"))
    assert refusal(answer) == (401, "unauthenticated")


async def test_a_key_has_no_phone(phones: Phones, connection: RawConnection) -> None:
    session = await register(phones.client, role="ORGANIZER")
    key = new_api_key()
    await connection.execute(
        "INSERT INTO api_keys (id, organization_id, name, shown, secret_hash, scopes, created_by)"
        " VALUES ($1, $2, 'till', $3, $4, '{events:read}', $5)",
        new_id(),
        UUID(session["user"]["organizations"][0]["id"]),
        key.shown,
        key.hash,
        UUID(session["user"]["id"]),
    )
    phone = new_number()
    body = {"phone": phone}
    asked = await phones.client.post(REQUEST, json=body, headers=bearer(key.text))
    assert refusal(asked) == (403, "user_required")
    verified = await phones.verify(phone, "123456", new_id(), bearer(key.text))
    assert refusal(verified) == (403, "user_required")
    assert await phones.codes(phone) == []
