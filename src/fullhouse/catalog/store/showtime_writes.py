"""Writes showtimes with the counters that selling starts from.

The locks are taken in the order event, halls, inventory: the selling core moves a showtime to
another seat map while it holds only the last.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

from fullhouse.catalog.tables import (
    allotments,
    inventories,
    showtimes,
)

# Two at once that overlap: the second is refused by the constraint, or both waited for each other.
_LOST_SQLSTATES = ("23P01", "40P01")

_INSERT_SHOWTIMES = """
INSERT INTO showtimes (
    id, event_id, hall_id, seat_map_id, status, starts_at, ends_at, busy_until
)
SELECT n.id, :event_id, n.hall_id, n.seat_map_id, 'scheduled', n.starts_at, n.ends_at, n.busy_until
FROM unnest(:ids, :halls, :seat_maps, :starts, :ends, :untils)
    AS n (id, hall_id, seat_map_id, starts_at, ends_at, busy_until)
"""
_INSERT_INVENTORIES = "INSERT INTO inventories (showtime_id) SELECT unnest(:ids)"
_INSERT_ALLOTMENTS = """
INSERT INTO allotments (showtime_id, category_id, capacity, price)
SELECT * FROM unnest(:showtimes, :categories, :capacities, :prices)
"""
_IDS = ARRAY(sa.Uuid)
_MOMENTS = ARRAY(sa.DateTime(timezone=True))


@dataclass(frozen=True, slots=True)
class NewShowtime:
    """A showtime to insert, with the capacity of each category, and its own price of some."""

    id: UUID
    hall_id: UUID | None
    seat_map_id: UUID | None
    starts_at: datetime
    ends_at: datetime
    busy_until: datetime  # when its hall can be used again
    capacities: Mapping[UUID, int]
    prices: Mapping[UUID, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ShowtimeState:
    """What commands must know of a showtime that exists."""

    id: UUID
    event_id: UUID
    hall_id: UUID | None
    status: str
    starts_at: datetime
    ends_at: datetime
    busy_until: datetime


@dataclass(frozen=True, slots=True)
class Taken:
    """What is taken of all categories of a showtime, and how many entries wait in its lines."""

    held: int
    sold: int
    blocked: int
    waiting: int

    @property
    def at_all(self) -> bool:
        return self.held + self.sold + self.blocked + self.waiting > 0


async def insert_showtimes(
    connection: AsyncConnection, event_id: UUID, new: Sequence[NewShowtime]
) -> bool:
    """Insert showtimes, each with the inventory row that selling locks and its counters.

    However many, in three statements. False, and nothing is inserted, when a hall is not free.
    """
    ids = sa.bindparam("ids", [one.id for one in new], _IDS)
    rows = sa.text(_INSERT_SHOWTIMES).bindparams(
        ids,
        sa.bindparam("event_id", event_id, sa.Uuid),
        sa.bindparam("halls", [one.hall_id for one in new], _IDS),
        sa.bindparam("seat_maps", [one.seat_map_id for one in new], _IDS),
        sa.bindparam("starts", [one.starts_at for one in new], _MOMENTS),
        sa.bindparam("ends", [one.ends_at for one in new], _MOMENTS),
        sa.bindparam("untils", [one.busy_until for one in new], _MOMENTS),
    )
    if not await _try(connection, rows):
        return False
    await connection.execute(sa.text(_INSERT_INVENTORIES).bindparams(ids))
    counters = [
        (one.id, category_id, capacity, one.prices.get(category_id))
        for one in new
        for category_id, capacity in one.capacities.items()
    ]
    await connection.execute(
        sa.text(_INSERT_ALLOTMENTS).bindparams(
            sa.bindparam("showtimes", [counter[0] for counter in counters], _IDS),
            sa.bindparam("categories", [counter[1] for counter in counters], _IDS),
            sa.bindparam("capacities", [counter[2] for counter in counters], ARRAY(sa.Integer)),
            sa.bindparam("prices", [counter[3] for counter in counters], ARRAY(sa.BigInteger)),
        )
    )
    return True


async def place_of(
    connection: AsyncConnection, showtime_id: UUID
) -> tuple[UUID, UUID | None] | None:
    """The event of a showtime, which never changes, and its hall, which only those change who
    hold the event. None where there is no such showtime.
    """
    statement = sa.select(showtimes.c.event_id, showtimes.c.hall_id).where(
        showtimes.c.id == showtime_id, showtimes.c.deleted_at.is_(None)
    )
    row = (await connection.execute(statement)).first()
    return None if row is None else (row[0], row[1])


async def lock_showtime(connection: AsyncConnection, showtime_id: UUID) -> ShowtimeState | None:
    """The showtime as it stands until our commit: nothing of it is sold or changed meanwhile."""
    await connection.execute(
        sa.select(inventories.c.showtime_id)
        .where(inventories.c.showtime_id == showtime_id)
        .with_for_update()
    )
    # Only now, under the lock: the statement above saw the showtime as of before it waited.
    statement = sa.select(
        showtimes.c.id,
        showtimes.c.event_id,
        showtimes.c.hall_id,
        showtimes.c.status,
        showtimes.c.starts_at,
        showtimes.c.ends_at,
        sa.func.coalesce(showtimes.c.busy_until, showtimes.c.ends_at),
    ).where(showtimes.c.id == showtime_id, showtimes.c.deleted_at.is_(None))
    row = (await connection.execute(statement)).first()
    return None if row is None else ShowtimeState(*row)


async def taken_of(connection: AsyncConnection, showtime_id: UUID) -> Taken:
    """What is taken of a locked showtime."""
    counters = (allotments.c.held, allotments.c.sold, allotments.c.blocked, allotments.c.waiting)
    sums = [sa.func.coalesce(sa.func.sum(counter), 0) for counter in counters]
    statement = sa.select(*sums).where(allotments.c.showtime_id == showtime_id)
    return Taken(*(await connection.execute(statement)).one())


async def update_showtime(
    connection: AsyncConnection, showtime_id: UUID, changes: Mapping[str, Any]
) -> bool:
    """Set columns of a locked showtime; its terms are new ones from here on.

    False, and nothing is changed, when the hall is not free.
    """
    change = showtimes.update().where(showtimes.c.id == showtime_id).values(**changes)
    if not await _try(connection, change):
        return False
    await connection.execute(
        inventories.update()
        .where(inventories.c.showtime_id == showtime_id)
        .values(revision=inventories.c.revision + 1)
    )
    return True


async def set_capacities(
    connection: AsyncConnection, showtime_id: UUID, capacities: Mapping[UUID, int]
) -> None:
    """Give categories of a locked showtime, of which nothing is taken there, other capacities.

    Beside the selling core, which has nothing to decide of what nobody has (ADR 5).
    """
    for category_id, capacity in capacities.items():
        await connection.execute(
            allotments.update()
            .where(allotments.c.showtime_id == showtime_id, allotments.c.category_id == category_id)
            .values(capacity=capacity)
        )


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


async def _try(connection: AsyncConnection, statement: sa.Executable) -> bool:
    """Whether it could be done; not so where another showtime has the hall."""
    try:
        async with connection.begin_nested():
            await connection.execute(statement)
    except DBAPIError as error:
        if getattr(error.orig, "sqlstate", None) not in _LOST_SQLSTATES:
            raise
        return False
    return True
