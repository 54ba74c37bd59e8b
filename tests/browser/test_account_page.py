"""The page behind the links in mails, used as people use it."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import httpx
import pytest
from playwright.async_api import Browser, Locator, Page, expect

from fullhouse.kit.db import RawConnection
from tests.support.browser import Visit, link_in, mail_to, visit
from tests.support.locks import until_blocked
from tests.support.mailbox import Mailbox
from tests.support.organizations import Person, person, verified
from tests.support.people import PASSWORD
from tests.support.processes import ServerProcess

VERIFY = "/api/v1/auth/email/verify"
RESET = "/api/v1/auth/password/reset"
FORGOT = "/api/v1/auth/password/forgot"
NEW_PASSWORD = "seventeen purple boats"


def alert(page: Page) -> Locator:
    """Where the page says what went wrong."""
    return page.locator("#alert")


def field_of(page: Page, label: str) -> Locator:
    """The field with this label, of those that are shown."""
    return page.get_by_label(label).and_(page.locator(":visible"))


async def see_alert(page: Page, *texts: str) -> None:
    """Something went wrong, the page says so, and that is where the reader is."""
    for text in texts:
        await expect(alert(page)).to_contain_text(text)
    await expect(alert(page)).to_be_focused()
    await expect(page.get_by_role("alert")).to_have_count(1)


async def see_done(page: Page, heading: str) -> None:
    """It worked, the page says so, and that is where the reader is."""
    status = page.get_by_role("status")
    await expect(status.get_by_role("heading", name=heading)).to_be_visible()
    await expect(status).to_be_focused()
    await expect(page).to_have_title(f"{heading} – Fullhouse")
    await expect(alert(page)).to_be_empty()


async def newcomer(api: httpx.AsyncClient, mailbox: Mailbox, visitor: Visit) -> tuple[Person, str]:
    """Somebody who has just clicked the link of their first mail, and the token in it."""
    who = await person(api)
    mail = await mail_to(mailbox, who.email, "Confirm your mail address")
    await visitor.open_mail(mail, "Confirm the address")
    return who, link_in(mail)[1]


async def forgetful(api: httpx.AsyncClient, mailbox: Mailbox, visitor: Visit) -> tuple[Person, str]:
    """Somebody who has clicked the link for a new password, and the token in it."""
    who = await person(api)
    answer = await api.post("/api/v1/auth/password/forgot", json={"email": who.email})
    assert answer.status_code == 202
    mail = await mail_to(mailbox, who.email, "Choose a new password")
    await visitor.open_mail(mail, "Choose a new password")
    return who, link_in(mail)[1]


async def expire(connection: RawConnection, who: Person) -> None:
    """Let the links of the mails to this person run out."""
    await connection.execute(
        "UPDATE mail_tokens SET expires_at = now() - interval '1 second' WHERE user_id = $1",
        UUID(who.id),
    )


async def log_in(api: httpx.AsyncClient, email: str, password: str) -> int:
    """The status of logging in."""
    body = {"email": email, "password": password}
    return (await api.post("/api/v1/auth/login", json=body)).status_code


async def assert_kept_secret(visitor: Visit, token: str, path: str, site: ServerProcess) -> None:
    """The token was in the bodies of calls to ``path``, and nowhere else: in no address, no
    header, no log, and no longer in the address bar."""
    assert visitor.page.url == f"{site.url}/account"
    bodies = [one for one in visitor.requests if token in (one.post_data or "")]
    assert bodies and {httpx.URL(one.url).path for one in bodies} == {path}
    for one in visitor.requests:
        # The document's own address ends where its fragment begins; the browser keeps that.
        sent = one.url.partition("#")[0] + str(await one.all_headers())
        assert token not in sent, one.url
        assert "referer" not in await one.all_headers(), one.url
    assert token not in site.log()
    assert path in site.log()


async def test_address_is_confirmed_by_a_click(
    visitor: Visit,
    site: ServerProcess,
    api: httpx.AsyncClient,
    mailbox: Mailbox,
    connection: RawConnection,
) -> None:
    who, token = await newcomer(api, mailbox, visitor)
    page = visitor.page
    await expect(page).to_have_title("Confirm your mail address – Fullhouse")
    # Programs that look into mails open links too: nothing has happened yet.
    await page.wait_for_load_state("networkidle")
    assert visitor.calls() == []
    assert not await verified(connection, who)
    await page.get_by_role("button", name="Confirm the address").click()
    await see_done(page, "The address is confirmed")
    assert await verified(connection, who)
    assert len(visitor.calls()) == 1
    assert visitor.refusals == []
    await assert_kept_secret(visitor, token, VERIFY, site)


async def test_used_link_is_refused(
    visitor: Visit, site: ServerProcess, api: httpx.AsyncClient, mailbox: Mailbox
) -> None:
    who, _ = await newcomer(api, mailbox, visitor)
    await visitor.page.get_by_role("button", name="Confirm the address").click()
    await see_done(visitor.page, "The address is confirmed")
    mail = await mail_to(mailbox, who.email, "Confirm your mail address")
    await visitor.open_mail(mail, "Confirm the address")
    await visitor.page.get_by_role("button", name="Confirm the address").click()
    await see_alert(visitor.page, "This link works no more", "has been used", "ask for a new mail")
    # A second click could bring nothing else.
    await expect(visitor.page.get_by_role("button")).to_have_count(0)
    await expect(visitor.page.get_by_text("One click")).to_be_hidden()


async def test_expired_link_is_refused_and_replaced(
    visitor: Visit,
    site: ServerProcess,
    api: httpx.AsyncClient,
    mailbox: Mailbox,
    connection: RawConnection,
) -> None:
    who, _ = await forgetful(api, mailbox, visitor)
    await expire(connection, who)
    page = visitor.page
    await field_of(page, "New password").fill(NEW_PASSWORD)
    await page.get_by_role("button", name="Set the password").click()
    await see_alert(page, "This link works no more", "Ask for a new link")
    await expect(page.get_by_role("button")).to_have_text(["Ask for a new link"])
    await expect(field_of(page, "New password")).to_be_hidden()
    await page.get_by_role("button", name="Ask for a new link").click()
    await expect(alert(page)).to_be_empty()
    await field_of(page, "Mail address").fill(who.email)
    await page.get_by_role("button", name="Send me a link").click()
    await see_done(page, "Look into your mail")
    mail = await mail_to(mailbox, who.email, "Choose a new password", nth=2)
    await visitor.open_mail(mail, "Choose a new password")
    await field_of(page, "New password").fill(NEW_PASSWORD)
    await page.get_by_role("button", name="Set the password").click()
    await see_done(page, "Your new password is set")
    assert await log_in(api, who.email, NEW_PASSWORD) == 200


async def test_new_password_is_set_by_keyboard_alone(
    visitor: Visit, site: ServerProcess, api: httpx.AsyncClient, mailbox: Mailbox
) -> None:
    who, token = await forgetful(api, mailbox, visitor)
    page = visitor.page
    field = field_of(page, "New password")
    await expect(page.get_by_role("heading", name="Choose a new password")).to_be_focused()
    await page.keyboard.press("Tab")
    await expect(field).to_be_focused()
    # The browser itself says what is too short, and nothing is sent.
    await page.keyboard.type("short")
    await page.keyboard.press("Enter")
    assert await field.evaluate("field => field.validity.tooShort")
    assert visitor.calls() == []
    # What only the server knows stands at the field.
    await page.keyboard.press("ControlOrMeta+A")
    await page.keyboard.type("password1")
    await page.keyboard.press("Enter")
    await see_alert(page, "Something needs another look", "New password: ")
    await expect(field).to_have_attribute("aria-invalid", "true")
    described = await field.get_attribute("aria-describedby")
    assert described == "reset-password-wrong reset-hint"
    await expect(page.locator("#reset-password-wrong")).to_be_visible()
    # From the message the next stop is the field.
    await page.keyboard.press("Tab")
    await expect(field).to_be_focused()
    await page.keyboard.type(NEW_PASSWORD)
    await page.keyboard.press("Tab")
    await expect(field_of(page, "Show the password")).to_be_focused()
    await page.keyboard.press("Tab")
    await page.keyboard.press("Enter")
    await see_done(page, "Your new password is set")
    assert await log_in(api, who.email, PASSWORD) == 401
    assert await log_in(api, who.email, NEW_PASSWORD) == 200
    await assert_kept_secret(visitor, token, RESET, site)


async def test_password_is_shown_and_pasted(
    visitor: Visit, site: ServerProcess, api: httpx.AsyncClient, mailbox: Mailbox
) -> None:
    who, _ = await forgetful(api, mailbox, visitor)
    page = visitor.page
    field = field_of(page, "New password")
    await expect(field).to_have_attribute("autocomplete", "new-password")
    await expect(field).to_have_attribute("type", "password")
    await field.fill(NEW_PASSWORD)
    show = page.get_by_role("checkbox", name="Show the password")
    await show.check()
    await expect(field).to_have_attribute("type", "text")
    await field.press("ControlOrMeta+A")
    await field.press("ControlOrMeta+X")
    await show.uncheck()
    await expect(field).to_have_value("")
    await field.press("ControlOrMeta+V")
    await expect(field).to_have_value(NEW_PASSWORD)
    # Hidden when it is sent: the browser would offer it later as something that was once typed.
    await field.fill("password1")
    await show.check()
    await field.press("Enter")
    await see_alert(page, "New password: ")
    await expect(field).to_have_attribute("type", "password")
    await expect(show).not_to_be_checked()
    await field.fill(NEW_PASSWORD)
    await show.check()
    await field.press("Enter")
    await see_done(page, "Your new password is set")
    await expect(page.locator("#reset-password")).to_have_attribute("type", "password")
    await expect(page.locator("#reset-password")).to_have_value("")
    assert await log_in(api, who.email, NEW_PASSWORD) == 200


async def test_wrong_address_is_marked(visitor: Visit, site: ServerProcess) -> None:
    page = visitor.page
    await page.goto(f"{site.url}/account")
    field = field_of(page, "Mail address")
    await field.fill("nowhere")
    await field.press("Enter")
    await see_alert(page, "Mail address: must be an e-mail address")
    await expect(field).to_have_attribute("aria-invalid", "true")
    # Letters of any script, which browsers' own fields for addresses refuse.
    await field.fill("jörg.müller@exämple.com")
    await field.press("Enter")
    await see_done(page, "Look into your mail")


@pytest.mark.parametrize(
    "fragment",
    [
        "",
        "#",
        "#verify-email",
        "#verify-email=",
        "#verify-email=%E0%A4%A",
        "#something=else",
        "#constructor=something",
        "#__proto__=something",
        "#<img src=x onerror=alert(1)>=1",
    ],
)
async def test_page_without_a_known_link_says_what_it_is_for(
    visitor: Visit, site: ServerProcess, fragment: str
) -> None:
    await visitor.page.goto(f"{site.url}/account{fragment}")
    await expect(visitor.page.get_by_role("heading", name="Your account")).to_be_focused()
    await expect(visitor.page.get_by_text("Links in our mails lead to this page")).to_be_visible()
    await expect(visitor.page.get_by_role("button")).to_have_count(1)
    assert visitor.page.url == f"{site.url}/account"
    await visitor.page.wait_for_load_state("networkidle")
    assert visitor.calls() == []


async def test_another_link_in_the_same_tab_begins_anew(
    visitor: Visit, site: ServerProcess
) -> None:
    page = visitor.page
    await page.goto(f"{site.url}/account#reset-password={'x' * 43}")
    await expect(page.get_by_role("heading", name="Choose a new password")).to_be_visible()
    await page.goto(f"{site.url}/account#verify-email={'y' * 43}")
    await expect(page.get_by_role("heading", name="Confirm your mail address")).to_be_visible()
    await expect(field_of(page, "New password")).to_be_hidden()
    assert page.url == f"{site.url}/account"
    await page.go_back()
    await page.wait_for_load_state()
    assert "x" * 43 not in page.url


async def test_double_click_is_one_call(
    visitor: Visit, site: ServerProcess, api: httpx.AsyncClient, mailbox: Mailbox
) -> None:
    await newcomer(api, mailbox, visitor)
    await visitor.page.get_by_role("button", name="Confirm the address").dblclick()
    await see_done(visitor.page, "The address is confirmed")
    assert len(visitor.calls(VERIFY)) == 1


async def test_slow_double_click_is_one_call(visitor: Visit, site: ServerProcess) -> None:
    page = visitor.page
    await page.goto(f"{site.url}/account")
    await field_of(page, "Mail address").fill("nowhere")
    button = page.get_by_role("button", name="Send me a link")
    await button.click()
    await see_alert(page, "must be an e-mail address")
    # The second click of the two comes when the first has been answered already.
    await button.hover()
    await page.mouse.down(click_count=2)
    await page.mouse.up(click_count=2)
    # A call would have taken the message away until its own answer.
    await expect(alert(page)).to_contain_text("must be an e-mail address")
    assert len(visitor.calls(FORGOT)) == 1
    # Clicking once more is another wish.
    async with page.expect_response(f"**{FORGOT}"):
        await button.click()
    assert len(visitor.calls(FORGOT)) == 2


async def test_clicks_while_waiting_are_no_calls(
    visitor: Visit,
    site: ServerProcess,
    api: httpx.AsyncClient,
    mailbox: Mailbox,
    connection: RawConnection,
) -> None:
    await newcomer(api, mailbox, visitor)
    button = visitor.page.get_by_role("button", name="Confirm the address")
    async with connection.transaction():
        await connection.execute("LOCK TABLE mail_tokens IN ACCESS EXCLUSIVE MODE")
        await button.click()
        await until_blocked(connection)
        await expect(button).to_have_attribute("aria-disabled", "true")
        await button.click(force=True)
        await button.press("Enter")
    await see_done(visitor.page, "The address is confirmed")
    assert len(visitor.calls(VERIFY)) == 1


async def test_try_again_when_the_database_does_not_answer(
    visitor: Visit,
    site: ServerProcess,
    api: httpx.AsyncClient,
    mailbox: Mailbox,
    connection: RawConnection,
) -> None:
    await newcomer(api, mailbox, visitor)
    page = visitor.page
    async with connection.transaction():
        # Until the server gives up waiting for it.
        await connection.execute("LOCK TABLE mail_tokens IN ACCESS EXCLUSIVE MODE")
        await page.get_by_role("button", name="Confirm the address").click()
        await see_alert(page, "Not now", "Try again in a moment", "report the number")
    assert "503" in visitor.refusals[0]
    await page.get_by_role("button", name="Try again").click()
    await see_done(page, "The address is confirmed")
    assert len(visitor.calls(VERIFY)) == 2


async def test_try_again_when_nobody_answers(
    visitor: Visit, site: ServerProcess, api: httpx.AsyncClient, mailbox: Mailbox
) -> None:
    await newcomer(api, mailbox, visitor)
    page = visitor.page
    site.terminate()
    try:
        await page.get_by_role("button", name="Confirm the address").click()
        await see_alert(page, "No answer", "could not be reached")
    finally:
        site.start()
    await page.get_by_role("button", name="Try again").click()
    await see_done(page, "The address is confirmed")


VIEWS = [
    ("", "Your account"),
    ("#verify-email=" + "x" * 43, "Confirm your mail address"),
    ("#reset-password=" + "x" * 43, "Choose a new password"),
    ("#invitation=" + "x" * 43, "Accept an invitation"),
]

# The contrast of each visible text with what is behind it (WCAG 2.2, 1.4.3).
_CONTRASTS = """() => {
  const numbers = (text) => (text.match(/[\\d.]+/g) ?? []).map(Number);
  const light = ([red, green, blue]) => [red, green, blue]
    .map((value) => value / 255)
    .map((value) => (value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4))
    .reduce((sum, value, index) => sum + value * [0.2126, 0.7152, 0.0722][index], 0);
  const behind = (element) => {
    const colour = numbers(getComputedStyle(element).backgroundColor);
    return colour.length === 3 ? colour : behind(element.parentElement);
  };
  return [...document.querySelectorAll("h1, h2, p, label, legend, button, input, strong")]
    .filter((element) => element.checkVisibility())
    .map((element) => {
      const [one, other] = [numbers(getComputedStyle(element).color), behind(element)].map(light);
      const ratio = (Math.max(one, other) + 0.05) / (Math.min(one, other) + 0.05);
      return [element.textContent.trim() || element.id, ratio];
    });
}"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(("fragment", "heading"), VIEWS, ids=[view[1] for view in VIEWS])
async def test_page_fits_a_phone_and_is_readable(
    browser: Browser, site: ServerProcess, fragment: str, heading: str, scheme: str
) -> None:
    options: dict[str, Any] = {
        "color_scheme": scheme,
        "viewport": {"width": 320, "height": 640},
        "has_touch": True,
    }
    async with visit(browser, **options) as visited:
        page = visited.page
        await page.goto(f"{site.url}/account{fragment}")
        await expect(page.get_by_role("heading", name=heading)).to_be_visible()
        assert await page.evaluate("document.documentElement.scrollWidth") <= 320
        contrasts: Sequence[tuple[str, float]] = await page.evaluate(_CONTRASTS)
        assert len(contrasts) > 3
        assert [pair for pair in contrasts if pair[1] < 4.5] == []
        background = "getComputedStyle(document.body).backgroundColor"
        dark = (await page.evaluate(background)) == "rgb(15, 21, 28)"
        assert dark == (scheme == "dark")
        # Each field and button has a name that is read out, and is large enough for a finger.
        for field in await page.locator("input:visible, button:visible").all():
            assert await field.evaluate("one => one.labels.length || one.textContent.trim()")
            box = await field.evaluate(
                "one => (one.closest('.choice') ?? one).getBoundingClientRect().height"
            )
            assert box >= 44
        assert visited.complaints == []


async def test_messages_are_readable_in_the_dark(browser: Browser, site: ServerProcess) -> None:
    async with visit(browser, color_scheme="dark") as visited:
        page = visited.page
        await page.goto(f"{site.url}/account#verify-email={'x' * 43}")
        await page.get_by_role("button", name="Confirm the address").click()
        await see_alert(page, "This link works no more")
        contrasts: Sequence[tuple[str, float]] = await page.evaluate(_CONTRASTS)
        assert any(text == "This link works no more" for text, _ in contrasts)
        assert [pair for pair in contrasts if pair[1] < 4.5] == []
