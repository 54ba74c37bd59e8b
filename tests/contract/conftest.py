"""A server process and what fuzzed requests may name there."""

from collections.abc import AsyncIterator, Iterator

import httpx
import pytest
import pytest_asyncio

from fullhouse.bookings.audit import audit
from fullhouse.kit.db import Database
from tests.contract.proposals import Town, build_town
from tests.support.servers import api_server


@pytest.fixture(scope="module")
def server(database_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with api_server(database_url, tmp_path_factory.mktemp("server") / "log") as address:
        yield address


@pytest_asyncio.fixture
async def town(server: str, database: Database, database_url: str) -> AsyncIterator[Town]:
    async with httpx.AsyncClient(base_url=server) as client:
        yield await build_town(client, database_url)
    # Whatever has been asked of it, the house keeps its books.
    report = await audit(database)
    assert report.is_clean, report.examples
