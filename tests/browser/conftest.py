"""A real browser before a real server, which sends real mails."""

import asyncio
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
import pytest_asyncio
from playwright.async_api import Browser, async_playwright, expect

from tests.support.browser import FLAGS, PATIENCE_MS, Visit, visit
from tests.support.mailbox import Mailbox, mail_server
from tests.support.processes import ServerProcess
from tests.support.settings import SECRET


@pytest.fixture(scope="session")
def chromium() -> str:
    """Where the system's Chromium is. Without it these tests fail: nobody else would notice."""
    found = shutil.which("chromium")
    if found is None:
        pytest.fail(
            "These tests need Chromium, of which no copy is downloaded: apt-get install chromium",
            pytrace=False,
        )
    return found


@pytest_asyncio.fixture(scope="session")
async def browser(chromium: str) -> AsyncIterator[Browser]:
    """The browser of this test process. It runs in the tests' own loop, as the mail server does."""
    expect.set_options(timeout=PATIENCE_MS)
    async with async_playwright() as playwright:
        running = await playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        yield running
        await running.close()


@pytest_asyncio.fixture(scope="module")
async def mailbox() -> AsyncIterator[Mailbox]:
    """The mail server of the module's site."""
    async with mail_server() as mailbox:
        yield mailbox


@pytest_asyncio.fixture(scope="module")
async def site(
    database_url: str, mailbox: Mailbox, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[ServerProcess]:
    """``fullhouse serve`` on the module's database."""
    server = ServerProcess(
        Path(tmp_path_factory.mktemp("site")),
        variables={
            "FULLHOUSE_DATABASE_URL": database_url,
            "FULLHOUSE_SECRET_KEY": SECRET,
            "FULLHOUSE_SMTP_URL": f"smtp://127.0.0.1:{mailbox.port}",
        },
    )
    # Beside the loop, in which the mail server has to go on.
    await asyncio.to_thread(server.start)
    yield server
    await asyncio.to_thread(server.close)


@pytest_asyncio.fixture
async def api(site: ServerProcess) -> AsyncIterator[httpx.AsyncClient]:
    """A program that calls the site, beside the browser."""
    async with httpx.AsyncClient(base_url=site.url, timeout=30) as client:
        yield client


@pytest_asyncio.fixture
async def visitor(browser: Browser) -> AsyncIterator[Visit]:
    """A page whose visit must end without any complaint of the browser."""
    async with visit(browser) as visited:
        yield visited
        assert visited.complaints == []
