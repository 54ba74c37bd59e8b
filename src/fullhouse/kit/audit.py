"""The audit log: who changed what, written in the same transaction as the change.

It is only ever added to; with :data:`APPEND_ONLY_SQL` the database itself refuses anything else.
Because nothing in it can be taken back, no secrets and no personal data belong in it: name people
and things by their ids.

The one exception is the client's address, without which an entry is no evidence of who acted. It
stays as long as its entry, also after the account is deleted: then the id leads to a row that says
nothing of anybody, and the address is all that is left. The program removes no entries. Whoever
may keep addresses for a limited time only deletes old entries by hand, as the owner of the table,
in one transaction that disables the trigger and enables it again (ENABLE ALWAYS).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

import msgspec
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncConnection

from fullhouse.kit.db import RawConnection, metadata, now_column
from fullhouse.kit.ids import new_id
from fullhouse.kit.redaction import names_secret

ActorKind = Literal["user", "api_key", "system", "operator"]

audit_log = sa.Table(
    "audit_log",
    metadata,
    sa.Column("id", sa.Uuid, primary_key=True),
    now_column("at"),
    sa.Column("actor_kind", sa.Text, nullable=False),
    # None of these is a foreign key: the log outlives what it speaks of.
    sa.Column("actor_id", sa.Uuid),
    sa.Column("organization_id", sa.Uuid),
    sa.Column("action", sa.Text, nullable=False),
    sa.Column("object_kind", sa.Text, nullable=False),
    sa.Column("object_id", sa.Text, nullable=False),
    sa.Column("address", sa.Text, nullable=False),
    sa.Column("request_id", sa.Text, nullable=False),
    sa.Column("before", JSONB(none_as_null=True)),
    sa.Column("after", JSONB(none_as_null=True)),
    sa.CheckConstraint(
        "actor_kind IN ('user', 'api_key', 'system', 'operator')", name="actor_kind"
    ),
    sa.Index("audit_log_organization_id", "organization_id", "id"),
    sa.Index("audit_log_actor_id", "actor_id", "id"),
    sa.Index("audit_log_object", "object_kind", "object_id", "id"),
)

# What makes the table append-only; to be run once, one statement after the other, when it has been
# made. For statements and not for rows, so that even those that would touch nothing are refused;
# ALWAYS, so that session_replication_role does not switch it off. A restore by pg_restore passes,
# for it only inserts.
APPEND_ONLY_SQL = (
    """
    CREATE FUNCTION audit_log_refuse_change_v1() RETURNS trigger
    LANGUAGE plpgsql AS $$
    BEGIN
        RAISE EXCEPTION 'audit_log is append-only: % is refused', TG_OP
            USING ERRCODE = 'restrict_violation';
    END
    $$
    """,
    """
    CREATE TRIGGER audit_log_append_only
    BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_log
    FOR EACH STATEMENT EXECUTE FUNCTION audit_log_refuse_change_v1()
    """,
    "ALTER TABLE audit_log ENABLE ALWAYS TRIGGER audit_log_append_only",
)

# The same columns as _row() gives, in its order; JSON travels as text, whatever codecs the
# connection has.
_INSERT_RAW = """
INSERT INTO audit_log (
    id, actor_kind, actor_id, organization_id, action,
    object_kind, object_id, address, request_id, before, after
)
SELECT id, actor_kind, actor_id, organization_id, action,
    object_kind, object_id, address, request_id, before::jsonb, after::jsonb
FROM unnest(
    $1::uuid[], $2::text[], $3::uuid[], $4::uuid[], $5::text[],
    $6::text[], $7::text[], $8::text[], $9::text[], $10::text[], $11::text[]
) AS entries (
    id, actor_kind, actor_id, organization_id, action,
    object_kind, object_id, address, request_id, before, after
)
"""


@dataclass(frozen=True, slots=True)
class Actor:
    """Who did it: a signed-in user, an API key, the program by itself, or somebody at its shell."""

    kind: ActorKind
    id: UUID | None = None


SYSTEM = Actor("system")
OPERATOR = Actor("operator")


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing that was done.

    Attributes:
        actor: who did it.
        action: what, as ``<object kind>.<past participle>``, such as ``user.role_changed``.
        object_kind: what sort of thing it was done to.
        object_id: its id, as text.
        organization_id: whose business it was, if an organization's.
        address: the client's address, empty without one.
        request_id: the request it was part of, empty outside one.
        before: what was changed, as it was; anything that can be JSON.
        after: the same as it is now.
    """

    actor: Actor
    action: str
    object_kind: str
    object_id: str
    organization_id: UUID | None = None
    address: str = ""
    request_id: str = ""
    before: Mapping[str, Any] | None = None
    after: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Recorded:
    """An entry as the log holds it: its id (UUIDv7) and the database's time."""

    id: UUID
    at: datetime
    entry: Entry


async def record(connection: AsyncConnection, entry: Entry) -> UUID:
    """Write one entry in the caller's transaction; answers its id.

    Raises ValueError when ``before`` or ``after`` has a key that names a secret, and TypeError
    when they cannot be JSON.
    """
    (row,) = rows_of([entry])
    await connection.execute(audit_log.insert().values(**row))
    id_: UUID = row["id"]
    return id_


async def record_all(connection: AsyncConnection, entries: Sequence[Entry]) -> None:
    """Write many entries as :func:`record` does one, before anything is written if they are bad."""
    if entries:
        await connection.execute(audit_log.insert(), rows_of(entries))


async def record_raw(connection: RawConnection, entries: Sequence[Entry]) -> None:
    """Write many entries by one statement in the caller's transaction.

    Raises ValueError and TypeError as :func:`record` does, before anything is written.
    """
    if not entries:
        return
    columns: dict[str, list[Any]] = {}
    for row in rows_of(entries):
        for name, value in row.items():
            columns.setdefault(name, []).append(value)
    for name in ("before", "after"):
        columns[name] = [_json(value) for value in columns[name]]
    await connection.execute(_INSERT_RAW, *columns.values())


def rows_of(entries: Sequence[Entry]) -> list[dict[str, Any]]:
    """The entries as rows of the table, with new ids that keep their order.

    Raises ValueError and TypeError as :func:`record` does.
    """
    return [_row(entry) for entry in entries]


def _row(entry: Entry) -> dict[str, Any]:
    return {
        "id": new_id(),
        "actor_kind": entry.actor.kind,
        "actor_id": entry.actor.id,
        "organization_id": entry.organization_id,
        "action": entry.action,
        "object_kind": entry.object_kind,
        "object_id": entry.object_id,
        "address": entry.address,
        "request_id": entry.request_id,
        "before": _plain(entry.before),
        "after": _plain(entry.after),
    }


def _plain(values: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """As JSON has it: ids and times as text."""
    if values is None:
        return None
    plain: dict[str, Any] = msgspec.to_builtins(dict(values), str_keys=True)
    _refuse_secrets(plain)
    return plain


def _refuse_secrets(value: Any) -> None:
    if isinstance(value, dict):
        for key, inner in value.items():
            if names_secret(key):
                raise ValueError(f"the audit log takes no secrets, and {key!r} names one")
            _refuse_secrets(inner)
    elif isinstance(value, list):
        for inner in value:
            _refuse_secrets(inner)


def _json(value: dict[str, Any] | None) -> str | None:
    return None if value is None else msgspec.json.encode(value).decode()


async def list_entries(
    connection: AsyncConnection,
    *,
    organization_id: UUID | None = None,
    actor_id: UUID | None = None,
    action: str | None = None,
    object_kind: str | None = None,
    object_id: str | None = None,
    before_id: UUID | None = None,
    limit: int,
) -> list[Recorded]:
    """At most ``limit`` entries that fit everything that is given, the newest first.

    ``before_id`` is the id of the last entry that was seen already.
    """
    wanted = {
        "organization_id": organization_id,
        "actor_id": actor_id,
        "action": action,
        "object_kind": object_kind,
        "object_id": object_id,
    }
    query = sa.select(audit_log).order_by(audit_log.c.id.desc()).limit(limit)
    for name, value in wanted.items():
        if value is not None:
            query = query.where(audit_log.c[name] == value)
    if before_id is not None:
        query = query.where(audit_log.c.id < before_id)
    return [_recorded(row) for row in await connection.execute(query)]


def _recorded(row: sa.Row[Any]) -> Recorded:
    return Recorded(
        id=row.id,
        at=row.at,
        entry=Entry(
            actor=Actor(row.actor_kind, row.actor_id),
            action=row.action,
            object_kind=row.object_kind,
            object_id=row.object_id,
            organization_id=row.organization_id,
            address=row.address,
            request_id=row.request_id,
            before=row.before,
            after=row.after,
        ),
    )
