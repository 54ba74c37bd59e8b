"""PostgreSQL for the tests: one server for each test process, one database for each module."""

import contextlib
import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from itertools import count
from pathlib import Path

import asyncpg

from fullhouse import migrate
from fullhouse.kit.embedded import EmbeddedPostgres

# What a crash of the machine would lose is of no use to a test; FULLHOUSE_TEST_FSYNC=1 runs
# them as in production.
_HASTY = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
_TEMPLATE = "fullhouse_template"

_numbers = count(1)


@contextlib.contextmanager
def short_folder() -> Iterator[Path]:
    """An empty folder that the server's own account can reach.

    Its name is short, because the address of a Unix socket may have 107 bytes.
    """
    folder = Path(tempfile.mkdtemp(prefix="fh-", dir="/tmp"))
    folder.chmod(0o755)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def running_server(**settings: str) -> Iterator[EmbeddedPostgres]:
    """A server of its own, gone with its folder at the end. ``settings`` are PostgreSQL's."""
    durable = os.environ.get("FULLHOUSE_TEST_FSYNC") == "1"
    chosen = {"max_connections": "200"} | ({} if durable else _HASTY) | settings
    with (
        short_folder() as folder,
        EmbeddedPostgres(folder / "pg", settings=chosen, durable_init=durable) as server,
    ):
        yield server


async def make_template(server: EmbeddedPostgres) -> str:
    """A migrated database to clone; answers its name. Migrating once is what makes tests quick."""
    await _run(server, f"CREATE DATABASE {_TEMPLATE}")
    await migrate.upgrade(server.dsn(_TEMPLATE))
    return _TEMPLATE


@contextlib.asynccontextmanager
async def cloned_database(server: EmbeddedPostgres, template: str) -> AsyncIterator[str]:
    """The address of a fresh copy of the template, dropped at the end."""
    name = f"test_{next(_numbers)}"
    await _run(server, f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY file_copy")
    try:
        yield server.dsn(name)
    finally:
        await _run(server, f"DROP DATABASE {name} WITH (FORCE)")


async def _run(server: EmbeddedPostgres, statement: str) -> None:
    connection = await asyncpg.connect(server.dsn("postgres"))
    try:
        await connection.execute(statement)
    finally:
        await connection.close()
