"""TLS to a PostgreSQL of one's own: what the address asks for holds for every connection.

The PostgreSQL of the tests was built without TLS, so a server in front of it speaks that part of
the protocol (PostgreSQL, Frontend/Backend Protocol, "SSL Session Encryption"): it encrypts what
asks for it, and takes nothing else.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import pytest_asyncio
from sqlalchemy.exc import DBAPIError

from fullhouse import migrate
from fullhouse.kit.db import Database
from fullhouse.kit.embedded import EmbeddedPostgres
from tests.support.certificates import certificate_for

_SSL_REQUEST = (8).to_bytes(4) + (80877103).to_bytes(4)


@dataclass
class Front:
    """The server in front: where it is, and how many connections it has encrypted."""

    port: int
    root: Path
    encrypted: int = 0

    def url(self, database: str, mode: str, root: Path | None = None) -> str:
        where = f"127.0.0.1:{self.port}/{database}"
        return f"postgresql://postgres@{where}?sslmode={mode}&sslrootcert={root or self.root}"


async def pass_on(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while data := await source.read(65_536):
            target.write(data)
            await target.drain()
    target.close()


@pytest_asyncio.fixture(scope="module")
async def front(
    postgres: EmbeddedPostgres, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Front]:
    folder = tmp_path_factory.mktemp("front")
    certificate = certificate_for(folder, "127.0.0.1")
    found = Front(0, folder / "certificate.pem")
    socket = postgres.dsn("postgres").partition("host=")[2].partition("&")[0]

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if await reader.readexactly(8) != _SSL_REQUEST:
            writer.close()
            return
        writer.write(b"S")
        with contextlib.suppress(OSError):  # who does not trust us goes away
            await writer.start_tls(certificate.server)
            found.encrypted += 1
            inner_reader, inner_writer = await asyncio.open_unix_connection(
                f"{socket}/.s.PGSQL.5432"
            )
            await asyncio.gather(pass_on(reader, inner_writer), pass_on(inner_reader, writer))

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        found.port = server.sockets[0].getsockname()[1]
        yield found


@pytest.mark.parametrize("mode", ["require", "verify-full"])
async def test_every_connection_is_encrypted(front: Front, database_url: str, mode: str) -> None:
    url = front.url(database_url.partition("?")[0].rpartition("/")[2], mode)
    before = front.encrypted
    assert await migrate.differences(url) == []
    database = Database(url)
    try:
        async with database.begin() as connection:
            found = await connection.exec_driver_sql("SELECT count(*) FROM users")
            assert found.scalar_one() == 0
        outside = await database.connect_raw()
        assert await outside.fetchval("SELECT 1") == 1
        await outside.close()
    finally:
        await database.close()
    assert front.encrypted == before + 3


async def test_a_stranger_is_not_taken_for_the_database(front: Front, tmp_path: Path) -> None:
    certificate_for(tmp_path, "127.0.0.1")
    database = Database(front.url("postgres", "verify-full", tmp_path / "certificate.pem"))
    try:
        with pytest.raises(OSError, match="certificate verify failed"):
            async with database.read():
                pass
    finally:
        await database.close()


async def test_what_does_not_ask_for_it_gets_no_further(front: Front) -> None:
    database = Database(front.url("postgres", "disable"))
    try:
        with pytest.raises(DBAPIError, match="connection was closed"):
            async with database.read():
                pass
    finally:
        await database.close()
