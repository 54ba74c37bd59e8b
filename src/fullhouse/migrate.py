"""Brings the database's schema up to this version of the program."""

import importlib
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from sqlalchemy.engine import Connection

from fullhouse.kit.db import engine_for, metadata

# Every module that defines tables; importing them fills ``metadata``.
_TABLE_MODULES = (
    "fullhouse.kit.audit",
    "fullhouse.kit.outbox",
    "fullhouse.accounts.tables",
    "fullhouse.media.tables",
    "fullhouse.venues.tables",
    "fullhouse.catalog.tables",
    "fullhouse.bookings.tables",
)
for _module in _TABLE_MODULES:
    importlib.import_module(_module)

# Any number will do, as long as nothing else uses it: two processes that start at the same time
# take turns instead of both making the tables.
_LOCK = 7_203_461_155

OLDEST_SERVER = 150_000


class ServerTooOld(Exception):
    """The PostgreSQL server is older than 15."""


async def upgrade(url: str) -> list[str]:
    """Apply the missing migrations, one after the other; answers the revisions before and after.

    Raises ServerTooOld before touching anything.
    """
    engine = engine_for(url)
    try:
        async with engine.connect() as connection:
            await connection.execution_options(isolation_level="AUTOCOMMIT")
            version = int(
                (await connection.execute(sa.text("SHOW server_version_num"))).scalar_one()
            )
            if version < OLDEST_SERVER:
                raise ServerTooOld(
                    f"PostgreSQL {version // 10_000} is too old: Fullhouse needs 15 or newer."
                )
            await connection.execute(sa.text("SELECT pg_advisory_lock(:lock)"), {"lock": _LOCK})
            try:
                async with engine.connect() as working:
                    revisions = await working.run_sync(_upgrade)
                    await working.commit()
            finally:
                await connection.execute(
                    sa.text("SELECT pg_advisory_unlock(:lock)"), {"lock": _LOCK}
                )
    finally:
        await engine.dispose()
    return revisions


async def differences(url: str) -> list[Any]:
    """What the tables in the code have that the migrated database has not, and the reverse."""
    engine = engine_for(url)
    try:
        async with engine.connect() as connection:
            return await connection.run_sync(_differences)
    finally:
        await engine.dispose()


def config() -> Config:
    """Alembic's configuration, without a file: the folder of migrations is all it needs."""
    package = Path(__file__).parent
    inside = package / "migrations"  # where the wheel has them
    folder = inside if inside.is_dir() else package.parents[1] / "migrations"
    result = Config()
    result.set_main_option("script_location", str(folder))
    return result


def _upgrade(connection: Connection) -> list[str]:
    before = MigrationContext.configure(connection).get_current_revision()
    configuration = config()
    configuration.attributes["connection"] = connection
    command.upgrade(configuration, "head")
    after = MigrationContext.configure(connection).get_current_revision()
    return [before or "nothing", after or "nothing"]


def _differences(connection: Connection) -> list[Any]:
    context = MigrationContext.configure(connection, opts={"compare_type": True})
    return list(compare_metadata(context, metadata))
