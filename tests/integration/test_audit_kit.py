"""The audit log in a real PostgreSQL: what goes in stays as it is, and secrets do not go in."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest
import pytest_asyncio
import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError, IntegrityError

from fullhouse.kit.audit import (
    APPEND_ONLY_SQL,
    OPERATOR,
    SYSTEM,
    Actor,
    Entry,
    audit_log,
    list_entries,
    record,
    record_raw,
    rows_of,
)
from fullhouse.kit.db import Database, RawConnection
from fullhouse.kit.embedded import EmbeddedPostgres

_NAME = "audit_kit"


@pytest_asyncio.fixture(scope="module")
async def database_url(postgres: EmbeddedPostgres) -> AsyncIterator[str]:
    """A database that holds the audit log and nothing else."""
    server = await asyncpg.connect(postgres.dsn("postgres"))
    await server.execute(f"CREATE DATABASE {_NAME}")
    database = Database(postgres.dsn(_NAME))
    async with database.begin() as connection:
        await connection.run_sync(audit_log.create)
        for statement in APPEND_ONLY_SQL:
            await connection.execute(sa.text(statement))
    await database.close()
    yield postgres.dsn(_NAME)
    await server.execute(f"DROP DATABASE {_NAME} WITH (FORCE)")
    await server.close()


def entry(**fields: Any) -> Entry:
    defaults: dict[str, Any] = {
        "actor": Actor("user", uuid4()),
        "action": "user.role_changed",
        "object_kind": "user",
        "object_id": str(uuid4()),
    }
    return Entry(**defaults | fields)


@pytest.mark.parametrize(
    "values",
    [
        {"password": "x"},
        {"passwordHash": "x"},
        {"refresh_token": None},
        {"a": {"b": [{"apiKey": "x"}]}},
        {"code": "123456"},
    ],
)
@pytest.mark.parametrize("where", ["before", "after"])
async def test_secrets_are_refused(
    database: Database, connection: RawConnection, values: dict[str, Any], where: str
) -> None:
    bad = entry(**{where: values})
    with pytest.raises(ValueError, match="takes no secrets") as caught:
        async with database.begin() as sqlalchemy:
            await record(sqlalchemy, bad)
    assert "123456" not in str(caught.value)
    with pytest.raises(ValueError, match="takes no secrets"):
        await record_raw(connection, [entry(object_id=f"beside {where}"), bad])
    async with database.read() as sqlalchemy:
        assert await list_entries(sqlalchemy, object_id=bad.object_id, limit=1) == []
        assert await list_entries(sqlalchemy, object_id=f"beside {where}", limit=1) == []


async def test_what_cannot_be_json_is_refused(database: Database) -> None:
    async with database.begin() as connection:
        with pytest.raises(TypeError):
            await record(connection, entry(after={"thing": object()}))


async def test_actor_of_another_kind_is_refused(database: Database) -> None:
    with pytest.raises(IntegrityError, match="audit_log_actor_kind"):
        async with database.begin() as connection:
            await record(connection, entry(actor=Actor("visitor")))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit_log SET action = 'nothing'",
        "UPDATE audit_log SET action = 'nothing' WHERE false",
        "DELETE FROM audit_log",
        "TRUNCATE audit_log",
        "SET session_replication_role = replica; DELETE FROM audit_log",
        """
        MERGE INTO audit_log AS old USING audit_log AS new ON old.id = new.id
        WHEN MATCHED THEN DELETE
        """,
        """
        INSERT INTO audit_log (id, actor_kind, action, object_kind, object_id, address, request_id)
        SELECT id, 'system', 'x', 'x', 'x', '', '' FROM audit_log
        ON CONFLICT (id) DO UPDATE SET action = 'nothing'
        """,
    ],
)
async def test_database_refuses_to_change_what_is_written(
    database: Database, connection: RawConnection, statement: str
) -> None:
    kept = entry()
    async with database.begin() as sqlalchemy:
        await record(sqlalchemy, kept)
    with pytest.raises(asyncpg.RestrictViolationError, match="append-only"):
        await connection.execute(statement)
    async with database.read() as sqlalchemy:
        (found,) = await list_entries(sqlalchemy, object_id=kept.object_id, limit=10)
    assert found.entry == kept


async def test_old_entries_are_removed_only_by_who_switches_the_guard_off(
    database: Database, connection: RawConnection
) -> None:
    old, new = entry(address="203.0.113.1"), entry(address="203.0.113.2")
    async with database.begin() as sqlalchemy:
        for each in (old, new):
            await record(sqlalchemy, each)
    remove = "DELETE FROM audit_log WHERE address = '203.0.113.1'"
    async with connection.transaction():
        await connection.execute("ALTER TABLE audit_log DISABLE TRIGGER audit_log_append_only")
        await connection.execute(remove)
        await connection.execute(
            "ALTER TABLE audit_log ENABLE ALWAYS TRIGGER audit_log_append_only"
        )
    left = "SELECT address FROM audit_log WHERE address LIKE '203.0.113.%'"
    assert [row["address"] for row in await connection.fetch(left)] == ["203.0.113.2"]
    with pytest.raises(asyncpg.RestrictViolationError):
        await connection.execute(remove)


async def test_entry_comes_back_as_it_was_given(database: Database) -> None:
    given = entry(
        actor=Actor("api_key", uuid4()),
        organization_id=uuid4(),
        address="2001:db8::1",
        request_id="request-1",
        before={"role": "USER", "nothing": None, "parts": [1, {"a": True}]},
        after={"role": "ADMIN"},
    )
    async with database.begin() as connection:
        id_ = await record(connection, given)
    async with database.read() as connection:
        (found,) = await list_entries(connection, object_id=given.object_id, limit=10)
    assert (found.id, found.entry) == (id_, given)
    assert id_.version == 7
    assert abs(datetime.now(UTC) - found.at) < timedelta(minutes=5)


async def test_ids_and_times_are_kept_as_text(database: Database) -> None:
    moment = datetime(2030, 1, 2, 3, 4, tzinfo=UTC)
    given = entry(after={"id": UUID(int=7), "at": moment})
    async with database.begin() as connection:
        await record(connection, given)
    async with database.read() as connection:
        (found,) = await list_entries(connection, object_id=given.object_id, limit=10)
    assert found.entry.after == {"id": str(UUID(int=7)), "at": "2030-01-02T03:04:00Z"}


async def test_without_values_there_is_null_and_not_json_null(
    database: Database, connection: RawConnection
) -> None:
    one, other = entry(actor=SYSTEM), entry(actor=OPERATOR)
    async with database.begin() as sqlalchemy:
        await record(sqlalchemy, one)
    await record_raw(connection, [other])
    rows = await connection.fetch(
        "SELECT actor_id, before IS NULL AND after IS NULL AS nothing FROM audit_log"
        " WHERE object_id = ANY($1)",
        [one.object_id, other.object_id],
    )
    assert [tuple(row) for row in rows] == [(None, True), (None, True)]


async def test_entry_goes_with_its_transaction(database: Database) -> None:
    gone = entry()
    with pytest.raises(DBAPIError):
        async with database.begin() as connection:
            await record(connection, gone)
            await connection.execute(sa.text("SELECT 1 / 0"))
    async with database.read() as connection:
        assert await list_entries(connection, object_id=gone.object_id, limit=1) == []


async def test_many_are_written_at_once_in_their_order(
    database: Database, connection: RawConnection
) -> None:
    await record_raw(connection, [])
    organization_id = uuid4()
    given = [
        entry(
            actor=Actor("user", uuid4()) if number % 2 else SYSTEM,
            object_id=str(number),
            organization_id=organization_id,
            before=None if number % 3 else {"number": number, "text": 'it\'s "so" \\ ü'},
            after={"number": number + 1},
        )
        for number in range(100)
    ]
    await record_raw(connection, given)
    async with database.read() as sqlalchemy:
        found = await list_entries(sqlalchemy, organization_id=organization_id, limit=1_000)
    assert [one.entry for one in reversed(found)] == given


async def test_pool_takes_raw_entries_too(database: Database) -> None:
    """Its connections have SQLAlchemy's codecs, which encode JSON themselves."""
    given = entry(after={"a": ["b"]})
    async with database.read_raw() as pooled:
        await record_raw(pooled, [given])
    async with database.read() as connection:
        (found,) = await list_entries(connection, object_id=given.object_id, limit=10)
    assert found.entry == given


async def test_list_is_narrowed_and_paged(database: Database, connection: RawConnection) -> None:
    here, there, actor = uuid4(), uuid4(), Actor("user", uuid4())
    thing = str(uuid4())
    given = [
        entry(organization_id=here, actor=actor, object_id="1"),
        entry(organization_id=here, action="user.disabled", object_id="2"),
        entry(organization_id=there, actor=actor, object_kind="venue", object_id=thing),
        entry(organization_id=here, object_kind="event", object_id=thing),
    ]
    await record_raw(connection, given)

    async def ids(**wanted: Any) -> list[int]:
        async with database.read() as sqlalchemy:
            found = await list_entries(sqlalchemy, **({"limit": 10} | wanted))
        return [given.index(one.entry) for one in found]

    assert await ids(organization_id=here) == [3, 1, 0]
    assert await ids(actor_id=actor.id) == [2, 0]
    assert await ids(organization_id=here, actor_id=actor.id) == [0]
    assert await ids(organization_id=here, action="user.disabled") == [1]
    assert await ids(object_kind="venue", object_id=thing) == [2]
    assert await ids(object_id=thing) == [3, 2]
    assert await ids(organization_id=uuid4()) == []
    async with database.read() as sqlalchemy:
        first = await list_entries(sqlalchemy, organization_id=here, limit=2)
    assert await ids(organization_id=here, before_id=first[-1].id) == [0]


def test_rows_have_the_columns_of_the_table() -> None:
    (row,) = rows_of([entry()])
    assert {*row, "at"} == set(audit_log.c.keys())
