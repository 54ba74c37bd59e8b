"""The cookie that keeps somebody logged in: what scripts and other sites' pages can do with it."""

import json
from collections.abc import AsyncIterator

import httpx
import pytest
import pytest_asyncio
from playwright.async_api import Page, Response, expect

from tests.support.browser import Visit, mail_to
from tests.support.mailbox import Mailbox
from tests.support.organizations import invite, organizer, person
from tests.support.pages import served_page
from tests.support.people import PASSWORD
from tests.support.processes import ServerProcess

REFRESH = "/api/v1/auth/refresh"
COOKIE = "fullhouse_refresh"

# What another site's page can have its visitors' browser do without asking the server first.
FORM = '<form method="post" action="{url}" enctype="{kind}"><button>Win</button></form>'
KINDS = ["application/x-www-form-urlencoded", "multipart/form-data", "text/plain"]


@pytest_asyncio.fixture
async def logged_in(
    visitor: Visit, site: ServerProcess, api: httpx.AsyncClient, mailbox: Mailbox
) -> AsyncIterator[Visit]:
    """A visitor who has logged in on the page."""
    host, who = await organizer(api), await person(api)
    await invite(api, host, who.email)
    mail = await mail_to(mailbox, who.email, "Invitation to")
    await visitor.open_mail(mail, "Accept the invitation")
    page = visitor.page
    await page.locator("#login-email").fill(who.email)
    await page.locator("#login-password").fill(PASSWORD)
    await page.get_by_role("button", name="Log in and accept").click()
    await expect(page.get_by_role("status")).to_contain_text("Welcome to")
    yield visitor


async def refresh_cookie(page: Page) -> str:
    """The value of the cookie, as the browser itself knows it."""
    (cookie,) = await page.context.cookies()
    assert cookie["name"] == COOKIE
    return cookie["value"]


async def refreshed(page: Page) -> int:
    """The status of going on with the session, from a page of the site."""
    status: int = await page.evaluate(
        "async (path) => (await fetch(path, {method: 'POST', headers: {'X-Requested-With': '1'}}))"
        ".status",
        REFRESH,
    )
    return status


async def test_scripts_do_not_see_the_cookie(logged_in: Visit, site: ServerProcess) -> None:
    (cookie,) = await logged_in.page.context.cookies()
    assert cookie["name"] == COOKIE
    assert (cookie["httpOnly"], cookie["sameSite"]) == (True, "Strict")
    assert (cookie["path"], cookie["domain"]) == ("/api/v1/auth", "127.0.0.1")
    # Neither where it is sent to nor anywhere else; what is no secret would be seen.
    for path in ("/account", "/api/v1/auth/me"):
        await logged_in.page.goto(f"{site.url}{path}")
        await logged_in.page.evaluate("document.cookie = 'seen=1; path=/'")
        assert await logged_in.page.evaluate("document.cookie") == "seen=1"
    assert await logged_in.page.evaluate("[localStorage.length, sessionStorage.length]") == [0, 0]


async def test_own_page_goes_on_with_the_session(logged_in: Visit) -> None:
    before = await refresh_cookie(logged_in.page)
    assert await refreshed(logged_in.page) == 200
    assert await refresh_cookie(logged_in.page) != before


# Another port is another origin, but the same site to cookies; another name is another site.
@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
@pytest.mark.parametrize("kind", KINDS)
async def test_form_of_another_site_is_refused(
    logged_in: Visit, site: ServerProcess, host: str, kind: str
) -> None:
    page = logged_in.page
    before = await refresh_cookie(page)
    body = FORM.format(url=f"{site.url}{REFRESH}", kind=kind)
    async with served_page(body, host=host) as url:
        await page.goto(url)
        async with page.expect_response(f"**{REFRESH}") as waiting:
            await page.get_by_role("button", name="Win").click()
        answer: Response = await waiting.value
    sent = await answer.request.all_headers()
    # On the same site the cookie did come, and was not enough.
    assert (COOKIE in sent.get("cookie", "")) == (host == "127.0.0.1")
    assert (answer.status, (await answer.json())["code"]) == (403, "csrf_header_missing")
    assert "set-cookie" not in await answer.all_headers()
    await page.goto(f"{site.url}/account")
    assert await refresh_cookie(page) == before
    assert await refreshed(page) == 200


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
@pytest.mark.parametrize(
    "headers",
    [
        pytest.param({}, id="plain"),
        pytest.param({"Content-Type": "application/json"}, id="json"),
        pytest.param({"X-Requested-With": "1"}, id="header"),
    ],
)
async def test_script_of_another_site_learns_and_changes_nothing(
    logged_in: Visit, site: ServerProcess, host: str, headers: dict[str, str]
) -> None:
    page = logged_in.page
    before = await refresh_cookie(page)
    async with served_page("<h1>Other</h1>", host=host) as url:
        await page.goto(url)
        outcome = await page.evaluate(
            """async ([url, headers]) => {
              const options = {method: "POST", credentials: "include", headers};
              try { return (await fetch(url, options)).status } catch (error) { return error.name }
            }""",
            [f"{site.url}{REFRESH}", headers],
        )
    assert outcome == "TypeError"
    # The browser says that it was not allowed, which is what was wanted.
    assert any("CORS policy" in said for said in logged_in.complaints), json.dumps(
        logged_in.complaints
    )
    logged_in.complaints.clear()
    await page.goto(f"{site.url}/account")
    assert await refresh_cookie(page) == before
    assert await refreshed(page) == 200
