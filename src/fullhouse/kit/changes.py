"""Which tags changed lately, written down in the transactions that changed them.

A notification reaches whoever listens at that moment. Whoever finds something that was made before
can ask here whether it still holds. Not by time: a transaction may be long under way when something
is read, and commit later what the read did not see. A stamp is a snapshot of PostgreSQL's, which
says exactly which transactions whoever read later has seen.
"""

from collections.abc import Sequence
from datetime import timedelta
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection

from fullhouse.kit.db import RawConnection, metadata, now_column

# Longer than any transaction lasts and than anything is shared.
KEPT_FOR = timedelta(minutes=15)

# Transaction ids with their epoch: they never come round again, in one database.
_STAND = """
SELECT
    pg_current_snapshot()::text,
    -- A database made anew, restored, or taken over by its standby counts transactions anew.
    (SELECT oid FROM pg_database WHERE datname = current_database())::text
        || ' ' || extract(epoch FROM pg_postmaster_start_time())::text,
    extract(epoch FROM statement_timestamp())::float8,
    EXISTS (
        SELECT FROM changed_tags
        WHERE tag = ANY ($1::text[])
            AND transaction_id >= pg_snapshot_xmin($2::text::pg_snapshot)::text::bigint
            AND NOT pg_visible_in_snapshot(transaction_id::text::xid8, $2::text::pg_snapshot)
    )
"""


changed_tags = sa.Table(
    "changed_tags",
    metadata,
    sa.Column("tag", sa.Text, primary_key=True),
    sa.Column(
        "transaction_id",
        sa.BigInteger,
        server_default=sa.text("pg_current_xact_id()::text::bigint"),
        primary_key=True,
        autoincrement=False,
    ),
    now_column("at"),
    sa.Index("changed_tags_at", "at"),
)


class Stamp(NamedTuple):
    """A moment of the database's.

    Attributes:
        snapshot: the transactions that whoever reads later sees.
        origin: which database that is, and which life of it.
        at: its clock, in seconds.
    """

    snapshot: str
    origin: str
    at: float


async def stand(
    connection: RawConnection, tags: Sequence[str] = (), since: str | None = None
) -> tuple[Stamp, bool]:
    """The present moment, and whether a tag changed that whoever read at ``since`` may have missed.

    ``since`` is the snapshot of a stamp of the same origin, not older than KEPT_FOR.
    """
    row = await connection.fetchrow(_STAND, list(tags), since)
    assert row is not None
    snapshot, origin, at, changed = row
    return Stamp(snapshot, origin, at), changed


async def announce(connection: AsyncConnection, channel: str, payloads: Sequence[str]) -> None:
    """Write down that tags change in this transaction, and NOTIFY when it commits.

    Each payload holds tags with blanks between them.
    """
    await connection.execute(_ANNOUNCE, {"channel": channel, "payloads": list(payloads)})


async def announce_raw(connection: RawConnection, channel: str, payloads: Sequence[str]) -> None:
    """The same on a connection as asyncpg knows it."""
    await connection.execute(_ANNOUNCE_RAW, channel, list(payloads))


_ANNOUNCE_RAW = """
WITH said AS (SELECT unnest($2::text[]) AS payload),
written AS (
    INSERT INTO changed_tags (tag)
    SELECT DISTINCT tag FROM said, string_to_table(payload, ' ') AS tag
    ON CONFLICT DO NOTHING
)
SELECT pg_notify($1, payload) FROM said
"""
_ANNOUNCE = sa.text(
    _ANNOUNCE_RAW.replace("$2::text[]", ":payloads").replace("$1", ":channel")
).bindparams(
    sa.bindparam("channel", type_=sa.Text),
    sa.bindparam("payloads", type_=ARRAY(sa.Text)),
)


async def purge(connection: AsyncConnection, limit: int) -> int:
    """Delete at most ``limit`` of what nobody can ask for any more; answers how many went."""
    old = (
        sa.select(changed_tags.c.tag, changed_tags.c.transaction_id)
        .where(changed_tags.c.at < sa.func.clock_timestamp() - KEPT_FOR)
        .limit(limit)
    )
    result = await connection.execute(
        changed_tags.delete().where(
            sa.tuple_(changed_tags.c.tag, changed_tags.c.transaction_id).in_(old)
        )
    )
    return result.rowcount
