"""What stands in the way of deleting a venue or a hall: what is still to take place there."""

from dataclasses import dataclass
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from fullhouse.catalog.tables import events, showtimes


@dataclass(frozen=True, slots=True)
class Use:
    """An event that is not over. ``public``: everybody may see it."""

    event_id: UUID
    title: str
    organization_id: UUID
    public: bool


async def uses_of(
    connection: AsyncConnection, venue_id: UUID, hall_id: UUID | None = None
) -> list[Use]:
    """The events at a venue, or in one of its halls, that are in the way, by title.

    Those with a showtime that is neither cancelled nor over; and drafts and published events
    without any showtime yet.
    """
    there: sa.ColumnElement[bool] = sa.true()
    sits_there: sa.ColumnElement[bool] = sa.true()
    if hall_id is not None:
        there, sits_there = events.c.hall_id == hall_id, showtimes.c.hall_id == hall_id
    sittings = sa.exists().where(
        showtimes.c.event_id == events.c.id, showtimes.c.deleted_at.is_(None)
    )
    to_come = sittings.where(showtimes.c.status == "scheduled", showtimes.c.ends_at > sa.func.now())
    undated = sa.and_(there, events.c.status.in_(("draft", "published")), sa.not_(sittings))
    statement = (
        sa.select(events.c.id, events.c.title, events.c.organization_id, events.c.status != "draft")
        .where(
            events.c.venue_id == venue_id,
            events.c.deleted_at.is_(None),
            # A cancelled event takes its showtimes with it, whatever they say themselves.
            events.c.status != "cancelled",
            sa.or_(undated, to_come.where(sits_there), sa.and_(there, to_come)),
        )
        .order_by(events.c.title, events.c.id)
    )
    return [Use(*row) for row in await connection.execute(statement)]
