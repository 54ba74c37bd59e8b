"""Events that exist."""

from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from fullhouse.api.audit import note
from fullhouse.api.errors import NOT_FOUND
from fullhouse.api.permissions import Permission
from fullhouse.api.principal import Principal, require
from fullhouse.catalog import planning
from fullhouse.catalog.errors import EVENT_CLOSED, NOT_PUBLISHABLE
from fullhouse.catalog.store import (
    event_listings,
    event_writes,
    showtime_writes,
)
from fullhouse.kit.db import Database
from fullhouse.kit.errors import Refused
from fullhouse.kit.listener import notify


async def publish_event(database: Database, principal: Principal, event_id: UUID) -> None:
    """Put an event on sale. Doing so again changes nothing.

    Raises Refused: NOT_FOUND, FORBIDDEN, EVENT_CLOSED, NOT_PUBLISHABLE.
    """
    async with database.begin() as connection:
        event = await own_event(connection, principal, event_id)
        if event.status == "published":
            return
        require_complete(len(event.categories))
        await event_writes.publish(connection, event_id)
        await event_listings.refresh(connection, [event_id])
        await note(
            connection,
            principal,
            "event.published",
            "event",
            event_id,
            organization_id=event.organization_id,
            before={"status": event.status},
            after={"status": "published"},
        )
        showtimes = await showtime_writes.showtime_ids(connection, event_id)
        changed = [f"showtime:{showtime_id}" for showtime_id in showtimes]
        await notify(connection, "events", f"event:{event_id}", *changed)


async def own_event(
    connection: AsyncConnection, principal: Principal, event_id: UUID
) -> event_writes.EventState:
    """The event, locked, if the caller may change it and it can still be changed."""
    event = await event_writes.lock_event(connection, event_id)
    if event is None:
        raise Refused(NOT_FOUND)
    if event.status == "draft" and not any(
        principal.may(permission, event.organization_id)
        for permission in (Permission.EVENTS_READ, Permission.EVENTS_WRITE)
    ):
        # What others may not see must not be found out by asking to change it.
        raise Refused(NOT_FOUND)
    require(principal, Permission.EVENTS_WRITE, event.organization_id)
    if event.status in ("cancelled", "ended"):
        raise Refused(EVENT_CLOSED)
    return event


def require_complete(categories: int) -> None:
    """Raise Refused(NOT_PUBLISHABLE) with what is missing for the event to be sold."""
    missing = planning.missing_for_sale(categories)
    if missing:
        raise Refused(
            NOT_PUBLISHABLE, f"The event still needs: {', '.join(missing)}.", missing=missing
        )
