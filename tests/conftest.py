"""What every test may ask for."""

from collections.abc import AsyncIterator, Iterator

import httpx
import pytest
import pytest_asyncio

from fullhouse.api.context import request_id
from fullhouse.app import compose
from fullhouse.kit import logging
from fullhouse.kit.db import Database, RawConnection
from fullhouse.kit.embedded import EmbeddedPostgres
from fullhouse.parts import Parts, make_parts
from fullhouse.settings import Settings
from tests.support.asgi import client_of
from tests.support.postgres import cloned_database, make_template, running_server
from tests.support.settings import settings_for


@pytest.fixture(scope="session", autouse=True)
def _logs() -> None:
    logging.configure("info", "json", request_id)


@pytest.fixture(scope="session")
def postgres() -> Iterator[EmbeddedPostgres]:
    """The server of this test process."""
    with running_server() as server:
        yield server


@pytest_asyncio.fixture(scope="session")
async def template(postgres: EmbeddedPostgres) -> str:
    """The name of a migrated database to clone."""
    return await make_template(postgres)


@pytest_asyncio.fixture(scope="module")
async def database_url(postgres: EmbeddedPostgres, template: str) -> AsyncIterator[str]:
    """The address of the module's own database, migrated and empty."""
    async with cloned_database(postgres, template) as url:
        yield url


@pytest_asyncio.fixture(scope="module")
async def database(database_url: str) -> AsyncIterator[Database]:
    """The module's database, for commands and queries without HTTP."""
    database = Database(database_url)
    yield database
    await database.close()


@pytest_asyncio.fixture
async def connection(database: Database) -> AsyncIterator[RawConnection]:
    """A connection of the test's own to the module's database."""
    raw = await database.connect_raw()
    yield raw
    await raw.close()


@pytest.fixture(scope="module")
def settings(database_url: str) -> Settings:
    """The settings of the module's application; a module may override this fixture."""
    return settings_for(database_url)


@pytest.fixture(scope="module")
def parts(settings: Settings) -> Parts:
    """The parts of the module's application."""
    return make_parts(settings)


@pytest_asyncio.fixture(scope="module")
async def client(parts: Parts) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the module's application, which runs."""
    async with client_of(compose(parts)) as client:
        yield client
