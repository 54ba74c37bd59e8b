"""Writes showtimes with the counters that selling starts from."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from fullhouse.catalog.tables import (
    allotments,
    inventories,
    showtimes,
)


@dataclass(frozen=True, slots=True)
class NewShowtime:
    """A showtime to insert, with the capacity of each category."""

    id: UUID
    hall_id: UUID | None
    seat_map_id: UUID | None
    starts_at: datetime
    ends_at: datetime
    busy_until: datetime  # when its hall can be used again
    capacities: Mapping[UUID, int]


async def insert_showtimes(
    connection: AsyncConnection, event_id: UUID, new: Sequence[NewShowtime]
) -> None:
    """Insert showtimes, each with the inventory row that selling locks and its counters."""
    await connection.execute(
        showtimes.insert(),
        [
            {
                "id": showtime.id,
                "event_id": event_id,
                "hall_id": showtime.hall_id,
                "seat_map_id": showtime.seat_map_id,
                "status": "scheduled",
                "starts_at": showtime.starts_at,
                "ends_at": showtime.ends_at,
                "busy_until": showtime.busy_until,
            }
            for showtime in new
        ],
    )
    await connection.execute(
        inventories.insert(), [{"showtime_id": showtime.id} for showtime in new]
    )
    counters = [
        {"showtime_id": showtime.id, "category_id": category_id, "capacity": capacity}
        for showtime in new
        for category_id, capacity in showtime.capacities.items()
    ]
    if counters:
        await connection.execute(allotments.insert(), counters)


async def showtime_ids(connection: AsyncConnection, event_id: UUID) -> list[UUID]:
    """All showtimes of an event."""
    statement = sa.select(showtimes.c.id).where(showtimes.c.event_id == event_id)
    return list((await connection.execute(statement)).scalars())


async def touch_terms(connection: AsyncConnection, *event_ids: UUID) -> None:
    """Tell the selling core that what it knows of these events' showtimes is out of date."""
    # In the selling core's own order of locks, so that the two never wait for each other.
    locked = (
        sa.select(inventories.c.showtime_id)
        .join(showtimes, showtimes.c.id == inventories.c.showtime_id)
        .where(showtimes.c.event_id.in_(event_ids))
        .order_by(inventories.c.showtime_id)
        .with_for_update(of=inventories)
        .cte("locked")
    )
    await connection.execute(
        inventories.update()
        .where(inventories.c.showtime_id == locked.c.showtime_id)
        .values(revision=inventories.c.revision + 1)
    )
