"""The outbox: facts written in the same transaction as the change they tell of.

Readers must not take the order of ids for the order of commits: a row with a smaller id may
become visible after one with a larger id.
"""

from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncConnection

from fullhouse.kit.db import metadata, now_column
from fullhouse.kit.ids import new_id

outbox = sa.Table(
    "outbox",
    metadata,
    # What the fact is about (a showtime, an event): the unit within which order means something.
    sa.Column("stream_id", sa.Uuid, primary_key=True),
    sa.Column("id", sa.Uuid, primary_key=True),
    sa.Column("topic", sa.Text, nullable=False),
    sa.Column("payload", JSONB, nullable=False),
    now_column("occurred_at"),
    sa.Index("outbox_occurred_at", "occurred_at"),
)


async def add(
    connection: AsyncConnection, stream_id: UUID, topic: str, payload: dict[str, Any]
) -> None:
    """Write one fact in the caller's transaction."""
    await connection.execute(
        outbox.insert().values(stream_id=stream_id, id=new_id(), topic=topic, payload=payload)
    )


async def purge(connection: AsyncConnection, before: datetime, limit: int) -> int:
    """Delete at most ``limit`` facts older than ``before``; answers how many went."""
    old = (
        sa.select(outbox.c.stream_id, outbox.c.id).where(outbox.c.occurred_at < before).limit(limit)
    )
    result = await connection.execute(
        outbox.delete().where(sa.tuple_(outbox.c.stream_id, outbox.c.id).in_(old))
    )
    return result.rowcount
