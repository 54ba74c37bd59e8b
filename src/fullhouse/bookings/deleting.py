"""Deleting events and showtimes, which stands here because only bookings tell who was ever there.

What somebody has booked, or had booked once, is theirs to look at: it keeps the showtime and the
event, whose way out is to be cancelled.
"""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from fullhouse.api.audit import note
from fullhouse.api.errors import NOT_FOUND
from fullhouse.api.principal import Principal
from fullhouse.bookings.store import read
from fullhouse.catalog.commands import shows
from fullhouse.catalog.commands.events import own_event, tell
from fullhouse.catalog.errors import EVENT_HAS_BOOKINGS, SHOWTIME_HAS_BOOKINGS
from fullhouse.catalog.store import (
    event_listings,
    event_writes,
    schedule,
    show_writes,
    showtime_writes,
    sittings,
)
from fullhouse.kit.db import Database
from fullhouse.kit.errors import Code, Refused
from fullhouse.kit.listener import notify


async def delete_event(database: Database, principal: Principal, event_id: UUID) -> None:
    """Delete an event that nobody ever booked, with its showtimes; their halls are free then.

    The show that was made together with it goes, too, unless another event puts it on or somebody
    has changed it since. Raises Refused: NOT_FOUND, FORBIDDEN, EVENT_CLOSED, EVENT_HAS_BOOKINGS.
    """
    async with database.begin() as connection:
        # Who may not is told so before anything but the event is locked.
        await own_event(connection, principal, event_id)
    async with database.begin() as connection:
        # Before the event, as whoever changes a show locks them.
        show_id = await show_writes.lock_made_for(connection, event_id)
        event = await own_event(connection, principal, event_id)
        await showtime_writes.touch_terms(connection, event_id)
        showtimes = await showtime_writes.showtime_ids(connection, event_id)
        await _require_unbooked(connection, EVENT_HAS_BOOKINGS, showtimes)
        # While they are still its showtimes: kept answers about them have to go.
        await tell(connection, event_id)
        await event_writes.delete_event(connection, event_id)
        await event_listings.refresh(connection, [event_id])
        await note(
            connection,
            principal,
            "event.deleted",
            "event",
            event_id,
            organization_id=event.organization_id,
            before={"status": event.status},
        )
        if show_id is not None:
            await shows.delete_unused(connection, principal, show_id)


async def delete_showtime(database: Database, principal: Principal, showtime_id: UUID) -> None:
    """Delete a showtime that nobody ever booked; its hall is free then.

    Raises Refused: NOT_FOUND, FORBIDDEN, EVENT_CLOSED, SHOWTIME_HAS_BOOKINGS.
    """
    async with database.begin() as connection:
        event_id = await sittings.event_of(connection, showtime_id)
        if event_id is None:
            raise Refused(NOT_FOUND)
        event = await own_event(connection, principal, event_id)
        was = await showtime_writes.lock_showtime(connection, showtime_id)
        if was is None:
            raise Refused(NOT_FOUND)
        await _require_unbooked(connection, SHOWTIME_HAS_BOOKINGS, [showtime_id])
        await showtime_writes.update_showtime(
            connection, showtime_id, {"deleted_at": await schedule.present(connection)}
        )
        await event_listings.refresh(connection, [event.id])
        await note(
            connection,
            principal,
            "showtime.deleted",
            "showtime",
            showtime_id,
            organization_id=event.organization_id,
            before={"eventId": event.id, "startsAt": was.starts_at, "status": was.status},
        )
        await notify(connection, "events", f"event:{event.id}", f"showtime:{showtime_id}")


async def _require_unbooked(
    connection: AsyncConnection, code: Code, showtimes: Sequence[UUID]
) -> None:
    """Refuse where anybody has, had or waits for a place at one of these locked showtimes.

    Under the locks of the selling core: who reserves at the same moment is seen, or is too late.
    """
    if await read.ever_booked(connection, showtimes):
        raise Refused(code)
