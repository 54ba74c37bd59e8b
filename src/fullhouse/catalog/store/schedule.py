"""What is on in a hall, and when."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import TSTZRANGE, Range
from sqlalchemy.ext.asyncio import AsyncConnection

from fullhouse.catalog.tables import events, showtimes

_BUSY = sa.func.tstzrange(
    showtimes.c.starts_at, sa.func.coalesce(showtimes.c.busy_until, showtimes.c.ends_at)
)


@dataclass(frozen=True, slots=True)
class Occupied:
    """A showtime that has a hall."""

    showtime_id: UUID
    starts_at: datetime
    busy_until: datetime
    event_id: UUID
    title: str
    organization_id: UUID
    public: bool


async def occupied(
    connection: AsyncConnection,
    hall_id: UUID,
    since: datetime,
    until: datetime,
    *,
    but: UUID | None = None,
) -> Occupied | None:
    """The first showtime that has the hall at any moment from ``since`` to before ``until``.

    The same question as that of the constraint ``showtimes_no_overlap``, and by its index.
    """
    statement = (
        sa.select(
            showtimes.c.id,
            showtimes.c.starts_at,
            sa.func.coalesce(showtimes.c.busy_until, showtimes.c.ends_at),
            events.c.id,
            events.c.title,
            events.c.organization_id,
            events.c.status != "draft",
        )
        .join(events, events.c.id == showtimes.c.event_id)
        .where(
            showtimes.c.hall_id == hall_id,
            _BUSY.op("&&", is_comparison=True)(sa.literal(Range(since, until), TSTZRANGE)),
            showtimes.c.status == "scheduled",
            showtimes.c.deleted_at.is_(None),
        )
        .order_by(showtimes.c.starts_at)
        .limit(1)
    )
    if but is not None:
        statement = statement.where(showtimes.c.id != but)
    row = (await connection.execute(statement)).first()
    return None if row is None else Occupied(*row)
