"""Proving an address, and putting another in its place: through HTTP and a real mail server."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
import pytest_asyncio
from pydantic import SecretStr

from fullhouse.kit.db import RawConnection
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
    status_of,
)
from tests.support.settings import settings_for

PROFILE = f"{API}/users/me"
BAD_LINK = (422, "link_invalid")
WRONG = (401, "invalid_credentials")
WAIT = (429, "too_many_attempts")
TAKEN = (409, "email_taken")
NEW = "a new horse battery"


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


async def verify(client: httpx.AsyncClient, token: str) -> httpx.Response:
    return await client.post(f"{AUTH}/email/verify", json={"token": token})


async def send_again(client: httpx.AsyncClient, who: Entered) -> httpx.Response:
    return await client.post(f"{AUTH}/email/send", headers=who.headers)


async def move(
    client: httpx.AsyncClient, who: Entered, email: str, password: str | None = PASSWORD
) -> httpx.Response:
    """Ask for another address."""
    body = {"email": email} | ({} if password is None else {"password": password})
    return await client.post(f"{PROFILE}/email", json=body, headers=who.headers)


async def profile(client: httpx.AsyncClient, who: Entered) -> tuple[str, bool]:
    """The address, and whether it is proven."""
    answer = await client.get(PROFILE, headers=who.headers)
    assert answer.status_code == 200, answer.text
    return answer.json()["email"], answer.json()["emailVerified"]


async def login(client: httpx.AsyncClient, email: str, password: str = PASSWORD) -> httpx.Response:
    body = {"email": email, "password": password}
    return await client.post(f"{AUTH}/login", json=body)


# --- registering


@pytest.mark.parametrize(
    "field",
    [
        {"emailVerified": True},
        {"email_verified_at": "2026-01-01T00:00:00Z"},
        {"status": "active"},
        {"disabled": False},
        {"organizationId": "018f6c0e-0000-7000-8000-000000000000"},
        {"memberships": []},
        {"secondFactor": True},
        {"roles": ["ADMIN"]},
        {"Role": "ADMIN"},
        {"phone": "+41791234567"},
        {"passwordHash": "x"},
        {"createdAt": "2026-01-01T00:00:00Z"},
        {"__proto__": {"role": "ADMIN"}},
    ],
)
async def test_nobody_registers_with_more_than_is_asked_for(
    client: httpx.AsyncClient, connection: RawConnection, field: dict[str, Any]
) -> None:
    email = new_email()
    body = {"name": "Mallory", "email": email, "password": PASSWORD} | field
    answer = await client.post(f"{AUTH}/register", json=body)
    assert refusal(answer) == (422, "validation_failed")
    assert [error["pointer"] for error in answer.json()["errors"]] == [f"/{next(iter(field))}"]
    known = "SELECT count(*) FROM users WHERE email = $1"
    assert await connection.fetchval(known, email) == 0


@pytest.mark.parametrize("role", ["ADMIN", "EDITOR", "OPERATOR", "owner", ["ADMIN"]])
async def test_nobody_registers_above_their_place(
    client: httpx.AsyncClient, connection: RawConnection, role: object
) -> None:
    email = new_email()
    body = {"name": "Mallory", "email": email, "password": PASSWORD, "role": role}
    answer = await client.post(f"{AUTH}/register", json=body)
    assert refusal(answer) == (422, "validation_failed")
    assert await connection.fetchval("SELECT count(*) FROM users WHERE email = $1", email) == 0


async def test_a_field_that_comes_twice_counts_once(
    client: httpx.AsyncClient, connection: RawConnection
) -> None:
    """Whichever of the two is looked at, it is the one that is kept."""
    email = new_email()
    head = f'{{"name": "Mallory", "email": "{email}", "password": "{PASSWORD}", '
    for roles in ('"role": "USER", "role": "ADMIN"}', '"role": "ADMIN", "role": "USER"}'):
        answer = await client.post(
            f"{AUTH}/register",
            content=head + roles,
            headers={"Content-Type": "application/json"},
        )
        assert answer.status_code in (201, 422), answer.text
    role = await connection.fetchval("SELECT role FROM users WHERE email = $1", email)
    assert role in (None, "USER")


# --- proving


async def test_what_is_no_link_proves_nothing(client: httpx.AsyncClient, letters: Letters) -> None:
    ada = await newcomer(client)
    (token,) = await letters.verify_links(ada.email)
    for wrong in (token[:-1], token + "A", token.swapcase(), "x" * 43, ada.cookie):
        assert refusal(await verify(client, wrong)) == BAD_LINK, wrong
    for malformed in ("", "x" * 15, "x" * 201):
        assert refusal(await verify(client, malformed)) == (422, "validation_failed")
    reset = {"token": token, "password": NEW}
    crossed = await client.post(f"{AUTH}/password/reset", json=reset)
    assert refusal(crossed) == BAD_LINK
    assert await profile(client, ada) == (ada.email, False)
    assert (await verify(client, token)).status_code == 204


async def test_a_link_has_an_end(
    client: httpx.AsyncClient, connection: RawConnection, letters: Letters
) -> None:
    ada = await newcomer(client)
    (token,) = await letters.verify_links(ada.email)
    await connection.execute(
        "UPDATE mail_tokens SET expires_at = clock_timestamp() WHERE user_id = $1", ada.user_id
    )
    assert refusal(await verify(client, token)) == BAD_LINK
    assert await profile(client, ada) == (ada.email, False)


async def test_a_link_proves_the_address_once(client: httpx.AsyncClient, letters: Letters) -> None:
    ada = await newcomer(client)
    assert await profile(client, ada) == (ada.email, False)
    (token,) = await letters.verify_links(ada.email)
    # Nobody has to be signed in: it may be opened on another device.
    done = await verify(client, token)
    assert (done.status_code, done.content) == (204, b"")
    assert "set-cookie" not in done.headers
    assert await profile(client, ada) == (ada.email, True)
    assert refusal(await verify(client, token)) == BAD_LINK
    assert await profile(client, ada) == (ada.email, True)
    assert await letters.subjects(ada.email) == ["Confirm your mail address for Fullhouse"]


async def test_a_link_of_somebody_who_is_gone(
    client: httpx.AsyncClient, connection: RawConnection, letters: Letters
) -> None:
    ada = await newcomer(client)
    (token,) = await letters.verify_links(ada.email)
    await connection.execute("UPDATE users SET deleted_at = now() WHERE id = $1", ada.user_id)
    assert refusal(await verify(client, token)) == BAD_LINK


async def test_a_link_is_used_once_even_at_the_same_moment(
    client: httpx.AsyncClient, connection: RawConnection, letters: Letters
) -> None:
    ada = await newcomer(client)
    (token,) = await letters.verify_links(ada.email)
    async with connection.transaction():
        await connection.execute("SELECT 1 FROM users WHERE id = $1 FOR UPDATE", ada.user_id)
        tries = [asyncio.create_task(verify(client, token)) for _ in range(3)]
        await until_blocked(connection, 3)
    answers = await asyncio.gather(*tries)
    assert sorted(answer.status_code for answer in answers) == [204, 422, 422]


async def test_a_newer_link_replaces_the_older_one(
    client: httpx.AsyncClient, letters: Letters
) -> None:
    ada = await newcomer(client)
    assert (await send_again(client, ada)).status_code == 202
    older, newer = await letters.verify_links(ada.email)
    assert refusal(await verify(client, older)) == BAD_LINK
    assert (await verify(client, newer)).status_code == 204
    # Then there is nothing left to prove.
    assert (await send_again(client, ada)).status_code == 202
    assert len(await letters.verify_links(ada.email)) == 2


async def test_links_are_not_sent_without_end(client: httpx.AsyncClient, letters: Letters) -> None:
    ada = await newcomer(client)
    assert (await client.post(f"{AUTH}/email/send")).status_code == 401
    answers = [await send_again(client, ada) for _ in range(5)]
    assert [answer.status_code for answer in answers] == [202] * 3 + [429] * 2
    assert refusal(answers[-1]) == WAIT
    assert int(answers[-1].headers["retry-after"]) > 0
    tokens = await letters.verify_links(ada.email)
    assert len(tokens) == 4
    assert (await verify(client, tokens[-1])).status_code == 204


async def test_strangers_cannot_stop_the_mails_of_others(
    client: httpx.AsyncClient, letters: Letters
) -> None:
    """Whatever they can have sent to an address, its owner's mails still come."""
    ada = await newcomer(client)
    for _ in range(3):
        eve = await newcomer(client, role="ORGANIZER")
        mine = (await client.get(f"{API}/organizations", headers=eve.headers)).json()["items"]
        path = f"{API}/organizations/{mine[0]['id']}/invitations"
        for _ in range(3):
            invited = {"email": ada.email, "role": "viewer"}
            sent = await client.post(path, json=invited, headers=eve.headers)
            assert sent.status_code == 201, sent.text
        assert (await move(client, eve, ada.email)).status_code == 202
    assert (await send_again(client, ada)).status_code == 202
    forgot = await client.post(f"{AUTH}/password/forgot", json={"email": ada.email})
    assert forgot.status_code == 202
    assert len(await letters.reset_links(ada.email)) == 1
    # Nor by asking for one kind in the place of the other.
    for _ in range(4):
        await client.post(f"{AUTH}/password/forgot", json={"email": ada.email})
    assert len(await letters.reset_links(ada.email)) == 3
    assert (await send_again(client, ada)).status_code == 202
    assert refusal(await move(client, ada, ada.email)) == WAIT
    # And the last link is good.
    body = {"token": (await letters.reset_links(ada.email))[-1], "password": NEW}
    assert (await client.post(f"{AUTH}/password/reset", json=body)).status_code == 204


async def test_an_address_has_no_twin(client: httpx.AsyncClient, letters: Letters) -> None:
    """Mail goes to the same mailbox, so it is the same account, or none."""
    ada = await newcomer(client)
    name = ada.email.partition("@")[0]
    body = {"name": "Twin", "password": PASSWORD}
    for twin in (f"{name}@ｅxample.com", f"{name}@example\u3002com", f"{name}@EXAMPL\u212f.com"):
        taken = await client.post(f"{AUTH}/register", json=body | {"email": twin})
        assert refusal(taken) == TAKEN, ascii(twin)
        assert (await login(client, twin)).status_code == 200
    for wrong in (f"{name}\u200d@example.com", f"ｐ{name[1:]}@example.com", f"{name}@☃.example"):
        refused = await client.post(f"{AUTH}/register", json=body | {"email": wrong})
        assert refusal(refused) == (422, "validation_failed")
        assert [error["pointer"] for error in refused.json()["errors"]] == ["/email"]
    # A domain of letters beyond ASCII is as good as any, in both of its forms.
    there = await newcomer(client, email=f"{name}@xn--bcher-kva.example")
    assert there.email == f"{name}@bücher.example"
    assert len(await letters.verify_links(f"{name}@xn--bcher-kva.example")) == 1


# --- another address


async def test_guessing_the_password_for_it_has_to_wait(client: httpx.AsyncClient) -> None:
    ada = await newcomer(client)
    guesses = [await move(client, ada, new_email(), f"guess {n}") for n in range(6)]
    assert [refusal(answer) for answer in guesses] == [WRONG] * 5 + [WAIT]
    assert refusal(await move(client, ada, new_email())) == WAIT


async def test_a_strangers_mailbox_is_not_flooded(
    client: httpx.AsyncClient, letters: Letters
) -> None:
    """Neither by one account nor by several."""
    victim = new_email()
    people = [await newcomer(client) for _ in range(4)]
    answers = [await move(client, who, victim) for who in people]
    assert [answer.status_code for answer in answers] == [202] * 3 + [429]
    assert len(await letters.to(victim)) == 3


async def test_another_address_counts_once_it_is_proven(
    client: httpx.AsyncClient, connection: RawConnection, letters: Letters
) -> None:
    ada, address = await newcomer(client), new_email()
    assert (await move(client, ada, address.upper())).status_code == 202
    assert await profile(client, ada) == (ada.email, False)
    # Before that the old one is the only one.
    assert refusal(await login(client, address)) == WRONG
    forgot = await client.post(f"{AUTH}/password/forgot", json={"email": ada.email})
    assert forgot.status_code == 202
    (reset_link,) = await letters.reset_links(ada.email)
    (token,) = await letters.verify_links(address)

    assert (await verify(client, token)).status_code == 204
    assert await profile(client, ada) == (address, True)
    assert (await login(client, address)).status_code == 200
    assert refusal(await login(client, ada.email)) == WRONG
    # What went to the old address is good for nothing any more.
    body = {"token": reset_link, "password": NEW}
    assert refusal(await client.post(f"{AUTH}/password/reset", json=body)) == BAD_LINK
    # It is told where it went, in part.
    told = (await letters.to(ada.email))[-1]
    assert told.message["Subject"] == "Your sign-in address for Fullhouse was changed"
    assert "p…@example" in told.text() and address not in told.text()
    actions = await connection.fetch(
        "SELECT action FROM audit_log WHERE object_id = $1", str(ada.user_id)
    )
    assert [row[0] for row in actions] == ["user.email_changed"]
    assert await status_of(client, ada) == 200
    # The old one is free again.
    assert (await newcomer(client, email=ada.email)).user_id != ada.user_id


async def test_an_address_that_another_has_by_now_is_refused(
    client: httpx.AsyncClient, letters: Letters
) -> None:
    ada, address = await newcomer(client), new_email()
    assert (await move(client, ada, address)).status_code == 202
    (token,) = await letters.verify_links(address)
    eve = await newcomer(client, email=address)
    assert refusal(await verify(client, token)) == TAKEN
    assert await profile(client, ada) == (ada.email, False)
    assert await profile(client, eve) == (address, False)


async def test_two_who_prove_the_same_address_at_the_same_moment(
    client: httpx.AsyncClient, connection: RawConnection, letters: Letters
) -> None:
    """Both are past every look at the table before either has written."""
    ada, eve, address = await newcomer(client), await newcomer(client), new_email()
    for who in (ada, eve):
        assert (await move(client, who, address)).status_code == 202
    tokens = await letters.verify_links(address)
    holder = await newcomer(client)
    async with connection.transaction():
        # Whoever writes the address waits until it is known that it stays free.
        await connection.execute(
            "UPDATE users SET email = $2 WHERE id = $1", holder.user_id, address
        )
        both = [asyncio.create_task(verify(client, token)) for token in tokens]
        await until_blocked(connection, 2)
        await connection.execute(
            "UPDATE users SET email = $2 WHERE id = $1", holder.user_id, new_email()
        )
    answers = await asyncio.gather(*both)
    assert sorted(answer.status_code for answer in answers) == [204, 409]
    (lost,) = [answer for answer in answers if answer.status_code == 409]
    assert refusal(lost) == TAKEN
    owners = "SELECT count(*) FROM users WHERE email = $1 AND email_verified_at IS NOT NULL"
    assert await connection.fetchval(owners, address) == 1


@pytest.mark.parametrize("way", ["reset", "changed"])
async def test_an_address_that_waits_for_its_link_goes_with_the_password(
    client: httpx.AsyncClient, letters: Letters, way: str
) -> None:
    """Whoever had the password could else become the owner after they were shut out."""
    thief = await newcomer(client)
    assert (await verify(client, (await letters.verify_links(thief.email))[0])).status_code == 204
    address = new_email()
    assert (await move(client, thief, address)).status_code == 202
    (pending,) = await letters.verify_links(address)
    if way == "reset":
        await client.post(f"{AUTH}/password/forgot", json={"email": thief.email})
        (token,) = await letters.reset_links(thief.email)
        body = {"token": token, "password": NEW}
        done = await client.post(f"{AUTH}/password/reset", json=body)
    else:
        owner = await log_in(client, thief.email)
        body = {"currentPassword": PASSWORD, "password": NEW}
        done = await client.post(f"{AUTH}/password/change", json=body, headers=owner.headers)
    assert done.status_code == 204
    assert refusal(await verify(client, pending)) == BAD_LINK
    owner = await log_in(client, thief.email, NEW)
    assert await profile(client, owner) == (thief.email, True)


async def test_a_changed_password_leaves_the_proof_of_ones_own_address(
    client: httpx.AsyncClient, letters: Letters
) -> None:
    ada = await newcomer(client)
    body = {"currentPassword": PASSWORD, "password": NEW}
    done = await client.post(f"{AUTH}/password/change", json=body, headers=ada.headers)
    assert done.status_code == 204
    (token,) = await letters.verify_links(ada.email)
    assert (await verify(client, token)).status_code == 204
    assert await profile(client, ada) == (ada.email, True)
