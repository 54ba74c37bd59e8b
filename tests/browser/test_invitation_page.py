"""Accepting an invitation in a real browser, from the mail to being a member."""

from dataclasses import dataclass
from uuid import UUID

import httpx
import pyotp
import pytest
from playwright.async_api import Locator, Page, expect

from fullhouse.kit.db import RawConnection
from tests.support.browser import Visit, link_in, mail_to
from tests.support.mailbox import Mailbox
from tests.support.organizations import Person, invite, organizer, person, roles_in
from tests.support.people import PASSWORD, new_email
from tests.support.processes import ServerProcess

ACCEPT = "/api/v1/invitations/accept"
LOGIN = "/api/v1/auth/login"


@dataclass
class Invited:
    """A visitor who has clicked the link of an invitation."""

    visitor: Visit
    host: Person
    token: str

    @property
    def page(self) -> Page:
        return self.visitor.page

    def field(self, label: str) -> Locator:
        """The field with this label, of those that are shown."""
        return self.page.get_by_label(label, exact=True).and_(self.page.locator(":visible"))

    async def log_in(self, email: str, password: str = PASSWORD) -> None:
        """Fill in the form and send it."""
        await self.field("Mail address").fill(email)
        await self.field("Password").fill(password)
        await self.press("Log in and accept")

    async def press(self, name: str) -> None:
        """Click a button."""
        await self.page.get_by_role("button", name=name).click()

    async def see_alert(self, *texts: str) -> None:
        """Something went wrong, and the page says so."""
        for text in texts:
            await expect(self.page.get_by_role("alert")).to_contain_text(text)
        await expect(self.page.get_by_role("alert")).to_be_focused()

    async def see_welcome(self) -> None:
        """The visitor is a member."""
        status = self.page.get_by_role("status")
        await expect(status.get_by_role("heading", name="Welcome to")).to_be_visible()
        await expect(status).to_contain_text("with the role “box office”")
        await expect(status).to_be_focused()


async def invited(visitor: Visit, api: httpx.AsyncClient, mailbox: Mailbox, email: str) -> Invited:
    """Invite somebody, and let them click the link of the mail."""
    host = await organizer(api)
    answer = await invite(api, host, email, role="box_office")
    assert answer.status_code == 201, answer.text
    mail = await mail_to(mailbox, email, "Invitation to")
    await visitor.open_mail(mail, "Accept the invitation")
    await expect(visitor.page.get_by_role("heading", name="Accept an invitation")).to_be_focused()
    return Invited(visitor, host, link_in(mail)[1])


async def test_member_by_logging_in(
    visitor: Visit,
    site: ServerProcess,
    api: httpx.AsyncClient,
    mailbox: Mailbox,
    connection: RawConnection,
) -> None:
    who = await person(api)
    guest = await invited(visitor, api, mailbox, who.email)
    assert visitor.calls() == []
    await expect(guest.field("Mail address")).to_have_attribute("autocomplete", "username")
    await expect(guest.field("Password")).to_have_attribute("autocomplete", "current-password")
    await guest.log_in(who.email, "something else entirely")
    await guest.see_alert("That does not fit", "The e-mail address or the password is wrong")
    await expect(guest.field("Mail address")).to_have_value(who.email)
    await guest.log_in(who.email)
    await guest.see_welcome()
    roles = await roles_in(connection, guest.host.organization)
    assert roles == {guest.host.id: "owner", who.id: "box_office"}
    # The token went into one body, and nowhere else.
    sent = [one for one in visitor.requests if guest.token in (one.post_data or "")]
    assert [httpx.URL(one.url).path for one in sent] == [ACCEPT]
    for one in visitor.requests:
        headers = await one.all_headers()
        assert guest.token not in one.url.partition("#")[0] + str(headers)
        assert "referer" not in headers
    assert guest.token not in site.log()
    assert visitor.page.url == f"{site.url}/account"


async def test_logging_out_ends_the_session(
    visitor: Visit, site: ServerProcess, api: httpx.AsyncClient, mailbox: Mailbox
) -> None:
    who = await person(api)
    guest = await invited(visitor, api, mailbox, who.email)
    await guest.log_in(who.email)
    await guest.see_welcome()
    (cookie,) = await visitor.page.context.cookies()
    await guest.press("Log out of this browser")
    await expect(visitor.page.get_by_role("status")).to_contain_text("You are logged out")
    assert await visitor.page.context.cookies() == []
    answer = await api.post(
        "/api/v1/auth/refresh",
        headers={"Cookie": f"{cookie['name']}={cookie['value']}", "X-Requested-With": "test"},
    )
    assert (answer.status_code, answer.json()["code"]) == (401, "session_over")
    await expect(visitor.page.get_by_role("button")).to_have_count(0)


async def test_member_by_registering(
    visitor: Visit,
    site: ServerProcess,
    api: httpx.AsyncClient,
    mailbox: Mailbox,
    connection: RawConnection,
) -> None:
    email = new_email()
    guest = await invited(visitor, api, mailbox, email)
    await guest.page.get_by_label("No, I make one").check()
    await expect(guest.field("Password")).to_have_attribute("autocomplete", "new-password")
    await guest.field("Your name").fill("Grace Hopper")
    await guest.field("Mail address").fill(email)
    await guest.field("Password").fill("12345678")
    await guest.press("Make the account and accept")
    await guest.see_alert("Something needs another look", "Password: ")
    await expect(guest.field("Password")).to_have_attribute("aria-invalid", "true")
    await guest.field("Password").fill(PASSWORD)
    await guest.press("Make the account and accept")
    await guest.see_welcome()
    joined = await connection.fetchrow(
        "SELECT name, role, email_verified_at FROM users WHERE email = $1", email
    )
    assert joined is not None
    assert (joined["name"], joined["role"]) == ("Grace Hopper", "USER")
    assert joined["email_verified_at"] is not None
    assert sorted((await roles_in(connection, guest.host.organization)).values()) == [
        "box_office",
        "owner",
    ]


async def test_address_with_an_account_is_not_registered_again(
    visitor: Visit, site: ServerProcess, api: httpx.AsyncClient, mailbox: Mailbox
) -> None:
    who = await person(api)
    guest = await invited(visitor, api, mailbox, who.email)
    await guest.page.get_by_label("No, I make one").check()
    await guest.field("Your name").fill("Grace Hopper")
    await guest.field("Mail address").fill(who.email)
    await guest.field("Password").fill(PASSWORD)
    await guest.press("Make the account and accept")
    await guest.see_alert("There is an account already")
    await guest.page.get_by_label("Yes, I log in").check()
    await guest.log_in(who.email)
    await guest.see_welcome()


async def test_member_with_a_second_factor(
    visitor: Visit, site: ServerProcess, api: httpx.AsyncClient, mailbox: Mailbox
) -> None:
    who = await person(api)
    factor = "/api/v1/auth/second-factor"
    begun = await api.post(factor, json={"password": PASSWORD}, headers=who.headers)
    code = pyotp.TOTP(begun.json()["secret"]).now()
    confirmed = await api.post(f"{factor}/confirm", json={"code": code}, headers=who.headers)
    recovery_code = confirmed.json()["recoveryCodes"][0]
    guest = await invited(visitor, api, mailbox, who.email)
    await guest.log_in(who.email)
    await expect(guest.page.get_by_role("heading", name="One more step")).to_be_focused()
    await expect(guest.field("Code")).to_have_attribute("autocomplete", "one-time-code")
    await guest.field("Code").fill("no such code")
    await guest.press("Go on and accept")
    await guest.see_alert("That code does not fit")
    # Back and forth again.
    await guest.press("Back to the log-in")
    await expect(guest.page.get_by_role("alert")).to_be_empty()
    await guest.log_in(who.email)
    await guest.field("Code").fill(recovery_code)
    await guest.field("Code").press("Enter")
    await guest.see_welcome()


async def test_invitation_for_another_account(
    visitor: Visit, site: ServerProcess, api: httpx.AsyncClient, mailbox: Mailbox
) -> None:
    who, stranger = await person(api), await person(api)
    guest = await invited(visitor, api, mailbox, who.email)
    await guest.log_in(stranger.email)
    await guest.see_alert("This invitation is for another address")
    await expect(guest.page.get_by_text(stranger.email)).to_be_visible()
    await guest.press("Use another account")
    await expect(guest.page.get_by_role("heading", name="Accept an invitation")).to_be_focused()
    await guest.log_in(who.email)
    await guest.see_welcome()


@pytest.mark.parametrize("end", ["used", "expired"])
async def test_invitation_that_is_over(
    visitor: Visit,
    site: ServerProcess,
    api: httpx.AsyncClient,
    mailbox: Mailbox,
    connection: RawConnection,
    end: str,
) -> None:
    who = await person(api)
    guest = await invited(visitor, api, mailbox, who.email)
    if end == "used":
        body = {"token": guest.token}
        assert (await api.post(ACCEPT, json=body, headers=who.headers)).status_code == 200
    else:
        await connection.execute(
            "UPDATE invitations SET expires_at = now() - interval '1 second'"
            " WHERE organization_id = $1",
            UUID(guest.host.organization),
        )
    await guest.log_in(who.email)
    await guest.see_alert("This link works no more", "Ask whoever invited you")
    # Nothing is left to do here but to leave.
    await expect(guest.page.get_by_role("button")).to_have_text(["Log out of this browser"])


async def test_session_that_has_ended_begins_again_with_the_log_in(
    visitor: Visit,
    site: ServerProcess,
    api: httpx.AsyncClient,
    mailbox: Mailbox,
    connection: RawConnection,
) -> None:
    who, stranger = await person(api), await person(api)
    guest = await invited(visitor, api, mailbox, who.email)
    await guest.log_in(stranger.email)
    await guest.see_alert("This invitation is for another address")
    answer = await api.post(
        "/api/v1/auth/login", json={"email": stranger.email, "password": PASSWORD}
    )
    headers = {"Authorization": f"Bearer {answer.json()['accessToken']}"}
    assert (await api.delete("/api/v1/auth/sessions", headers=headers)).status_code == 204
    await guest.press("Accept the invitation")
    await guest.see_alert("access token")
    await guest.log_in(who.email)
    await guest.see_welcome()


async def test_try_again_repeats_only_what_is_missing(
    visitor: Visit,
    site: ServerProcess,
    api: httpx.AsyncClient,
    mailbox: Mailbox,
    connection: RawConnection,
) -> None:
    who = await person(api)
    guest = await invited(visitor, api, mailbox, who.email)
    async with connection.transaction():
        await connection.execute("LOCK TABLE invitations IN ACCESS EXCLUSIVE MODE")
        await guest.log_in(who.email)
        await guest.see_alert("Not now", "Try again in a moment")
    await guest.press("Try again")
    await guest.see_welcome()
    assert (len(visitor.calls(LOGIN)), len(visitor.calls(ACCEPT))) == (1, 2)


async def test_too_many_tries_say_how_long_to_wait(
    visitor: Visit, site: ServerProcess, api: httpx.AsyncClient, mailbox: Mailbox
) -> None:
    who = await person(api)
    guest = await invited(visitor, api, mailbox, who.email)
    for _ in range(5):
        answer = await api.post(LOGIN, json={"email": who.email, "password": "wrong, of course"})
        assert answer.json()["code"] == "invalid_credentials"
    await guest.log_in(who.email)
    await guest.see_alert("Too many tries", "Wait ", " seconds, then try again.")
    assert "429" in visitor.refusals[0]
    # It is asked again, with what is in the form, and is told the same.
    await guest.press("Try again")
    await guest.see_alert("Too many tries")
    assert len(visitor.calls(LOGIN)) == 2
