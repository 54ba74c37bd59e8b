"""Cancels events and showtimes that may have been sold, and finds those to be moved.

The locks are taken in the order event, inventory, showtime: the selling core changes showtimes
while it holds their inventory.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from fullhouse.catalog.tables import allotments, events, inventories, showtimes


@dataclass(frozen=True, slots=True)
class ShowtimeStanding:
    """What must be known of a showtime to cancel it; ``over`` by the clock of the database."""

    id: UUID
    status: str
    cancelled_at: datetime | None
    over: bool


async def event_of(connection: AsyncConnection, showtime_id: UUID) -> UUID | None:
    """The event of a showtime, which stays the same; None where there is no such showtime."""
    statement = sa.select(showtimes.c.event_id).where(
        showtimes.c.id == showtime_id, showtimes.c.deleted_at.is_(None)
    )
    return (await connection.execute(statement)).scalar_one_or_none()


async def lock_showtime(connection: AsyncConnection, showtime_id: UUID) -> ShowtimeStanding | None:
    """The showtime of a locked event, of which nothing is sold or changed until our commit."""
    await _lock(connection, inventories.c.showtime_id == showtime_id)
    statement = sa.select(
        showtimes.c.id,
        showtimes.c.status,
        showtimes.c.cancelled_at,
        showtimes.c.ends_at <= sa.func.clock_timestamp(),
    ).where(showtimes.c.id == showtime_id, showtimes.c.deleted_at.is_(None))
    row = (await connection.execute(statement)).first()
    return None if row is None else ShowtimeStanding(*row)


async def cancel_event(
    connection: AsyncConnection, event_id: UUID, reason: str | None
) -> tuple[datetime, list[UUID]]:
    """Cancel a locked event with its showtimes that are not over; answers when, and which.

    Nothing is sold at any of its showtimes from our commit on.
    """
    of_event = sa.select(showtimes.c.id).where(showtimes.c.event_id == event_id)
    await _lock(connection, inventories.c.showtime_id.in_(of_event))
    cancelled = await connection.execute(
        events.update()
        .where(events.c.id == event_id)
        .values(status="cancelled", cancelled_at=sa.func.clock_timestamp(), cancel_reason=reason)
        .returning(events.c.cancelled_at)
    )
    ended = await _cancel(
        connection,
        reason,
        showtimes.c.event_id == event_id,
        showtimes.c.status == "scheduled",
        showtimes.c.deleted_at.is_(None),
        showtimes.c.ends_at > sa.func.clock_timestamp(),
    )
    await _revise(connection, inventories.c.showtime_id.in_(of_event))
    return cancelled.scalar_one(), sorted(showtime_id for showtime_id, _ in ended)


async def cancel_showtime(
    connection: AsyncConnection, showtime_id: UUID, reason: str | None
) -> datetime:
    """Cancel a locked showtime; answers when. Nothing of it is sold from our commit on."""
    (cancelled,) = await _cancel(connection, reason, showtimes.c.id == showtime_id)
    await _revise(connection, inventories.c.showtime_id == showtime_id)
    at: datetime = cancelled.cancelled_at
    return at


async def to_clear(
    connection: AsyncConnection, limit: int, event_id: UUID | None = None
) -> list[UUID]:
    """Cancelled showtimes whose bookings may not all have been ended yet; some of them."""
    statement = (
        sa.select(showtimes.c.id)
        .where(showtimes.c.status == "cancelled", showtimes.c.cleared_at.is_(None))
        .order_by(showtimes.c.id)
        .limit(limit)
    )
    if event_id is not None:
        statement = statement.where(showtimes.c.event_id == event_id)
    return list((await connection.execute(statement)).scalars())


async def mark_cleared(connection: AsyncConnection, showtime_ids: Sequence[UUID]) -> list[UUID]:
    """Note of cancelled showtimes that nobody has or waits for a place there; answers of which.

    Nobody comes after: at a cancelled showtime there is no way in.
    """
    somebody = sa.exists().where(
        allotments.c.showtime_id == showtimes.c.id,
        allotments.c.held + allotments.c.sold + allotments.c.waiting > 0,
    )
    cleared = await connection.execute(
        showtimes.update()
        .where(
            showtimes.c.id.in_(showtime_ids),
            showtimes.c.status == "cancelled",
            showtimes.c.cleared_at.is_(None),
            ~somebody,
        )
        .values(cleared_at=sa.func.clock_timestamp())
        .returning(showtimes.c.id)
    )
    return list(cleared.scalars())


async def to_move(
    connection: AsyncConnection, event_id: UUID, hall_id: UUID, limit: int
) -> list[UUID]:
    """Showtimes of an event in a hall that have not begun."""
    statement = (
        sa.select(showtimes.c.id)
        .where(
            showtimes.c.event_id == event_id,
            showtimes.c.hall_id == hall_id,
            showtimes.c.status == "scheduled",
            showtimes.c.deleted_at.is_(None),
            showtimes.c.starts_at > sa.func.clock_timestamp(),
        )
        .order_by(showtimes.c.starts_at, showtimes.c.id)
        .limit(limit)
    )
    return list((await connection.execute(statement)).scalars())


async def _lock(connection: AsyncConnection, which: sa.ColumnElement[bool]) -> None:
    """Wait for the selling core, in its own order, and keep it out until our commit."""
    await connection.execute(
        sa.select(inventories.c.showtime_id)
        .where(which)
        .order_by(inventories.c.showtime_id)
        .with_for_update()
    )


async def _cancel(
    connection: AsyncConnection, reason: str | None, *which: sa.ColumnElement[bool]
) -> Sequence[Any]:
    cancelled = await connection.execute(
        showtimes.update()
        .where(*which)
        .values(status="cancelled", cancelled_at=sa.func.clock_timestamp(), cancel_reason=reason)
        .returning(showtimes.c.id, showtimes.c.cancelled_at)
    )
    return cancelled.all()


async def _revise(connection: AsyncConnection, which: sa.ColumnElement[bool]) -> None:
    await connection.execute(
        inventories.update().where(which).values(revision=inventories.c.revision + 1)
    )
