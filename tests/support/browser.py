"""What a page in a real browser says, asks for and shows."""

import asyncio
import os
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from playwright.async_api import Browser, ConsoleMessage, Page, Request

from tests.support.mailbox import Mailbox, Received

# Nothing but what the tests ask for: no updates, no look-ups of its maker's hosts.
FLAGS = [
    # Chromium refuses to run as root with it.
    *(["--no-sandbox"] if os.geteuid() == 0 else []),
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]

PATIENCE_MS = 30_000

# A policy's violation is no exception anywhere, and not every one reaches the console.
_REPORT_VIOLATIONS = """
addEventListener("securitypolicyviolation", (event) =>
  console.error(`violates ${event.effectiveDirective}: ${event.blockedURI}`));
"""


@dataclass
class Visit:
    """A page with all that it has said and asked for.

    Attributes:
        complaints: errors in the console, exceptions that nobody caught, violations of the policy.
        refusals: what the browser's console says of answers of the API that are no success, and
            of servers that are away.
        requests: all of them, those of the browser itself too.
    """

    page: Page
    complaints: list[str] = field(default_factory=list)
    refusals: list[str] = field(default_factory=list)
    requests: list[Request] = field(default_factory=list)

    def calls(self, path: str = "/api/") -> list[Request]:
        """The requests below this path."""
        return [one for one in self.requests if urlsplit(one.url).path.startswith(path)]

    def hear(self, message: ConsoleMessage) -> None:
        """Note what the console was given."""
        if message.type != "error":
            return
        source = urlsplit(message.location["url"])
        of_api = source.path.startswith("/api/")
        # The icon is loaded whenever the browser likes, so also while there is no server.
        away = "net::ERR_CONNECTION_" in message.text
        if (of_api or away) and message.text.startswith("Failed to load resource"):
            self.refusals.append(f"{source.path}: {message.text}")
        else:
            self.complaints.append(message.text)

    async def open_mail(self, mail: Received, label: str) -> None:
        """Show a mail in the browser, as a mail program on the web would, and click its link."""
        await self.page.goto("about:blank")
        await self.page.set_content(mail.text("html"))
        await self.page.get_by_role("link", name=label).click()
        await self.page.wait_for_url("**/account")


@asynccontextmanager
async def visit(browser: Browser, **options: object) -> AsyncIterator[Visit]:
    """A page in a profile of its own; ``options`` go to the browser's context."""
    context = await browser.new_context(**options)  # type: ignore[arg-type]
    try:
        context.set_default_timeout(PATIENCE_MS)
        await context.add_init_script(_REPORT_VIOLATIONS)
        visited = Visit(await context.new_page())
        visited.page.on("console", visited.hear)
        visited.page.on("pageerror", lambda error: visited.complaints.append(str(error)))
        visited.page.on("request", lambda request: visited.requests.append(request))
        yield visited
    finally:
        await context.close()


async def mail_to(mailbox: Mailbox, email: str, about: str, nth: int = 1) -> Received:
    """The mail to this address with these words in its subject, once so many have come."""
    async with asyncio.timeout(PATIENCE_MS / 1_000):
        while True:
            found = [
                mail
                for mail in mailbox.mails
                if email in mail.recipients and about in mail.message["subject"]
            ]
            if len(found) >= nth:
                return found[nth - 1]
            await asyncio.sleep(0.02)


def link_in(mail: Received) -> tuple[str, str]:
    """The link of a mail, and the token in it."""
    match = re.search(r"http://\S+/account#[\w-]+=(\S+)", mail.text())
    assert match is not None, mail.text()
    return match[0], match[1]
