"""What is on in halls, and when."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection

from fullhouse.catalog.scheduling import Occupying
from fullhouse.catalog.tables import events, showtimes
from fullhouse.venues.tables import halls, venues

# The same question as that of the constraint showtimes_no_overlap, and by its index, once for each
# of those that are wanted.
_CONFLICTS = """
SELECT w.place, t.*
FROM unnest(:halls, :starts, :untils) WITH ORDINALITY AS w (hall_id, starts_at, busy_until, place)
JOIN LATERAL (
    SELECT s.id, s.starts_at, coalesce(s.busy_until, s.ends_at), e.id, e.title, e.organization_id,
        -- A draft that was cancelled has never been shown to anybody.
        e.status <> 'draft' AND NOT (e.status = 'cancelled' AND e.published_at IS NULL)
    FROM showtimes s
    JOIN events e ON e.id = s.event_id
    WHERE s.hall_id = w.hall_id
        AND tstzrange(s.starts_at, coalesce(s.busy_until, s.ends_at))
            && tstzrange(w.starts_at, w.busy_until)
        AND s.status = 'scheduled' AND s.deleted_at IS NULL AND s.id <> ALL (:but)
    ORDER BY s.starts_at
    LIMIT 1
) t ON true
"""
_MOMENTS = ARRAY(sa.DateTime(timezone=True))
_IDS = ARRAY(sa.Uuid)


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


async def lock_halls(
    connection: AsyncConnection, hall_ids: Collection[UUID]
) -> dict[UUID, timedelta]:
    """Make whoever else changes these halls or their schedules wait for our commit.

    Answers those that there still are, each with its time for cleaning.
    """
    if not hall_ids:
        return {}
    found = await connection.execute(
        sa.select(halls.c.id, sa.func.coalesce(halls.c.cleaning_minutes, venues.c.cleaning_minutes))
        .join(venues, venues.c.id == halls.c.venue_id)
        .where(halls.c.id.in_(hall_ids), halls.c.deleted_at.is_(None))
        # In one order for everybody, so that no two wait for each other.
        .order_by(halls.c.id)
        .with_for_update(of=halls, key_share=True)
    )
    return {hall_id: timedelta(minutes=minutes) for hall_id, minutes in found}


async def conflicts(
    connection: AsyncConnection, wanted: Sequence[Occupying], *, but: UUID | None = None
) -> dict[int, Occupied]:
    """The first showtime that is in the way of each, by its place among those that are wanted.

    ``but`` is one that is never in the way.
    """
    statement = sa.text(_CONFLICTS).bindparams(
        sa.bindparam("halls", [one.hall_id for one in wanted], _IDS),
        sa.bindparam("starts", [one.starts_at for one in wanted], _MOMENTS),
        sa.bindparam("untils", [one.busy_until for one in wanted], _MOMENTS),
        sa.bindparam("but", [] if but is None else [but], _IDS),
    )
    rows = await connection.execute(statement)
    return {place - 1: Occupied(*taken) for place, *taken in rows}


async def starts_of(
    connection: AsyncConnection, event_id: UUID, hall_id: UUID | None
) -> set[datetime]:
    """When the event's showtimes in this hall, or in none, begin; without cancelled ones."""
    statement = sa.select(showtimes.c.starts_at).where(
        showtimes.c.event_id == event_id,
        showtimes.c.hall_id.is_not_distinct_from(hall_id),
        showtimes.c.status == "scheduled",
        showtimes.c.deleted_at.is_(None),
    )
    return set((await connection.execute(statement)).scalars())


async def timezone_of(connection: AsyncConnection, event_id: UUID) -> str:
    """The time zone of the place where an event is."""
    statement = sa.select(events.c.timezone).where(events.c.id == event_id)
    return str((await connection.execute(statement)).scalar_one())


async def present(connection: AsyncConnection) -> datetime:
    """The time now, by the database's clock."""
    now: datetime = (await connection.execute(sa.select(sa.func.clock_timestamp()))).scalar_one()
    return now
