"""Mails to the owner of an account about whatever changes who can get into it."""

import asyncio
import re
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import httpx
import pyotp
import pytest
import pytest_asyncio
from pydantic import SecretStr

from fullhouse.kit.db import RawConnection
from fullhouse.parts import Parts
from fullhouse.settings import Settings
from tests.support.asgi import BASE_URL, bearer
from tests.support.mailbox import Mailbox, mail_server
from tests.support.oidc_provider import OidcProvider
from tests.support.people import PASSWORD, new_email, register
from tests.support.settings import settings_for
from tests.support.sms_gateway import Gateway, webhook_receiver

API = "/api/v1"
AUTH = f"{API}/auth"
GOOGLE = f"{AUTH}/google"
FACTOR = f"{AUTH}/second-factor"
KEY = "a key for the gateway of the tests"
PHONE = "+9779841700001"

# What every newcomer is sent.
WELCOME = "Confirm your mail address for Fullhouse"


@pytest.fixture(scope="module")
def provider() -> Iterator[OidcProvider]:
    """What the module's application knows as Google."""
    with OidcProvider() as provider:
        yield provider


@pytest_asyncio.fixture(scope="module")
async def mailbox() -> AsyncIterator[Mailbox]:
    """The mail server of the module's application."""
    async with mail_server() as mailbox:
        yield mailbox


@pytest_asyncio.fixture(scope="module")
async def gateway() -> AsyncIterator[Gateway]:
    """What brings the application's text messages to phones."""
    async with webhook_receiver(KEY.encode()) as gateway:
        yield gateway


@pytest.fixture(scope="module")
def settings(
    database_url: str, mailbox: Mailbox, provider: OidcProvider, gateway: Gateway
) -> Settings:
    """The module's application writes to real servers and lets people in with the provider."""
    return settings_for(
        database_url,
        smtp_url=SecretStr(f"smtp://127.0.0.1:{mailbox.port}"),
        sms_adapter="webhook",
        sms_webhook_url=gateway.url,
        sms_webhook_secret=SecretStr(KEY),
        google_client_id=provider.client_id,
        google_client_secret=SecretStr(provider.client_secret),
        google_issuer=provider.issuer,
        public_url=BASE_URL,
    )


@dataclass
class Person:
    """Somebody with an account, their browser, and their mails."""

    id: UUID
    email: str
    headers: dict[str, str]
    browser: httpx.AsyncClient
    parts: Parts
    mailbox: Mailbox

    async def ask(self, method: str, path: str, expected: int, **body: Any) -> dict[str, Any]:
        """One request of theirs; answers what it answers, if anything."""
        answer = await self.browser.request(method, path, json=body, headers=self.headers)
        assert answer.status_code == expected, answer.text
        found: dict[str, Any] = answer.json() if answer.content else {}
        return found

    async def subjects(self) -> list[str]:
        """What they were sent after the first mail, once nothing is on its way."""
        while self.parts.accounts.post.dispatcher.pending:
            await asyncio.sleep(0.01)
        mine = [mail for mail in self.mailbox.mails if mail.recipients == [self.email]]
        welcome, *others = (mail.message["Subject"] for mail in mine)
        assert welcome == WELCOME
        return others


@pytest_asyncio.fixture
async def person(
    client: httpx.AsyncClient, parts: Parts, mailbox: Mailbox
) -> AsyncIterator[Person]:
    """Somebody new."""
    async with httpx.AsyncClient(transport=client._transport, base_url=BASE_URL) as browser:
        email = new_email()
        session = await register(browser, email=email)
        headers, user_id = bearer(session["accessToken"]), UUID(session["user"]["id"])
        yield Person(user_id, email, headers, browser, parts, mailbox)


async def test_a_phone(person: Person, gateway: Gateway) -> None:
    body = {"phone": PHONE, "password": PASSWORD}
    asked = await person.ask("POST", f"{AUTH}/otp/request", 202, **body)
    assert await person.subjects() == []  # nothing has changed yet, and the code has been sent
    code = re.match(r"\d{6}", gateway.sent[-1]["text"])
    assert code is not None
    proof = {"phone": PHONE, "code": code[0], "requestId": asked["requestId"]}
    await person.ask("POST", f"{AUTH}/otp/verify", 200, **proof)
    added = "A phone number was added at Fullhouse"
    assert await person.subjects() == [added]
    phone = f"{API}/users/me/phone"
    await person.ask("DELETE", phone, 204, password=PASSWORD)
    removed = "A phone number was removed at Fullhouse"
    assert await person.subjects() == [added, removed]
    # There is none any more.
    await person.ask("DELETE", phone, 204, password=PASSWORD)
    assert await person.subjects() == [added, removed]


async def test_google_linked_from_within(person: Person, provider: OidcProvider) -> None:
    provider.user = {"sub": "notices-1", "email": new_email(), "email_verified": True}
    added = "Signing in with Google was added at Fullhouse"
    for _ in range(2):  # once more is no mistake, and no news
        begun = await person.ask("POST", f"{GOOGLE}/link", 200, password=PASSWORD)
        answer = await person.browser.get(await provider.approve(begun["url"]))
        assert answer.status_code == 303, answer.text
        assert await person.subjects() == [added]
    await person.ask("DELETE", GOOGLE, 204, password=PASSWORD)
    removed = "Signing in with Google was removed at Fullhouse"
    assert await person.subjects() == [added, removed]
    await person.ask("DELETE", GOOGLE, 204, password=PASSWORD)
    assert await person.subjects() == [added, removed]


@pytest.mark.parametrize(
    ("is_proved", "subject"),
    [
        (True, "Signing in with Google was added at Fullhouse"),
        (False, "Your account at Fullhouse is yours alone now"),
    ],
)
async def test_google_found_by_the_address(
    person: Person,
    provider: OidcProvider,
    connection: RawConnection,
    is_proved: bool,
    subject: str,
) -> None:
    provider.user = {"sub": f"by-address-{is_proved}", "email": person.email}
    provider.user["email_verified"] = True
    if is_proved:
        await connection.execute(
            "UPDATE users SET email_verified_at = now() WHERE id = $1", person.id
        )
    for _ in range(2):  # the second time it is known
        departure = await person.browser.get(GOOGLE)
        answer = await person.browser.get(await provider.approve(departure.headers["location"]))
        assert answer.status_code == 303, answer.text
        assert await person.subjects() == [subject]


@pytest.mark.parametrize("is_proved", [True, False])
async def test_a_reset_that_proves_the_address(
    person: Person, connection: RawConnection, is_proved: bool
) -> None:
    if is_proved:
        await connection.execute(
            "UPDATE users SET email_verified_at = now() WHERE id = $1", person.id
        )
    await person.ask("POST", f"{AUTH}/password/forgot", 202, email=person.email)
    while (link := reset_link(person)) is None:
        await asyncio.sleep(0.01)
    body = {"token": link, "password": "another horse battery"}
    await person.ask("POST", f"{AUTH}/password/reset", 204, **body)
    # Several are on their way at a time, and may overtake each other.
    expected = {"Choose a new password for Fullhouse", "Your password for Fullhouse was changed"}
    if not is_proved:
        expected.add("Your account at Fullhouse is yours alone now")
    assert set(await person.subjects()) == expected


def reset_link(person: Person) -> str | None:
    """The token that they were sent last."""
    mine = [mail.text() for mail in person.mailbox.mails if mail.recipients == [person.email]]
    found = [token for text in mine for token in re.findall(r"#reset-password=([\w-]+)", text)]
    return found[-1] if found else None


async def test_who_is_new_with_google_is_told_nothing(
    person: Person, provider: OidcProvider
) -> None:
    person.email = new_email()
    provider.user = {"sub": "quite-new", "email": person.email, "email_verified": True}
    departure = await person.browser.get(GOOGLE)
    answer = await person.browser.get(await provider.approve(departure.headers["location"]))
    assert answer.status_code == 303, answer.text
    while person.parts.accounts.post.dispatcher.pending:
        await asyncio.sleep(0.01)
    assert [mail for mail in person.mailbox.mails if mail.recipients == [person.email]] == []


async def test_a_second_factor(person: Person, connection: RawConnection) -> None:
    begun = await person.ask("POST", FACTOR, 201, password=PASSWORD)
    code = pyotp.TOTP(begun["secret"]).now()
    on = await person.ask("POST", f"{FACTOR}/confirm", 200, code=code)
    switched = "The second factor of your account at Fullhouse was switched {}"
    assert await person.subjects() == [switched.format("on")]
    proof = {"password": PASSWORD, "code": on["recoveryCodes"][0]}
    new = await person.ask("POST", f"{FACTOR}/recovery-codes", 200, **proof)
    renewed = "Your recovery codes for Fullhouse were renewed"
    assert await person.subjects() == [switched.format("on"), renewed]
    proof["code"] = new["recoveryCodes"][0]
    await person.ask("DELETE", FACTOR, 204, **proof)
    assert await person.subjects() == [switched.format("on"), renewed, switched.format("off")]


async def test_a_deleted_account(person: Person) -> None:
    await person.ask("DELETE", f"{API}/users/me", 401, password="not the password")
    assert await person.subjects() == []
    await person.ask("DELETE", f"{API}/users/me", 204, password=PASSWORD)
    assert await person.subjects() == ["Your account at Fullhouse was deleted"]
