"""Events that exist: putting them on sale, and taking them off again."""

from collections.abc import Mapping
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from fullhouse.api.audit import note
from fullhouse.api.errors import NOT_FOUND
from fullhouse.api.permissions import Permission
from fullhouse.api.principal import Principal, require
from fullhouse.catalog import publishing
from fullhouse.catalog.errors import EVENT_CLOSED, EVENT_HAS_BOOKINGS, NOT_PUBLISHABLE
from fullhouse.catalog.store import (
    category_writes,
    event_listings,
    event_writes,
    showtime_writes,
)
from fullhouse.kit.db import Database
from fullhouse.kit.errors import UNAVAILABLE, Refused
from fullhouse.kit.listener import notify
from fullhouse.venues.queries.seat_maps import SeatMaps
from fullhouse.venues.seatmap import SeatMap


async def publish_event(
    database: Database, seat_maps: SeatMaps, principal: Principal, event_id: UUID
) -> None:
    """Put an event on sale. Doing so again changes nothing.

    Raises Refused: NOT_FOUND, FORBIDDEN, EVENT_CLOSED, NOT_PUBLISHABLE.
    """
    known = await coming_maps(database, seat_maps, principal, event_id)
    async with database.begin() as connection:
        event = await own_event(connection, principal, event_id)
        if event.status == "published":
            return
        await require_publishable(connection, event_id, known)
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
        await tell(connection, event_id)


async def check_publishing(
    database: Database, seat_maps: SeatMaps, principal: Principal, event_id: UUID
) -> list[str]:
    """What an event lacks to be on sale now, whether it is published or not.

    Raises Refused: NOT_FOUND, FORBIDDEN, EVENT_CLOSED.
    """
    known = await coming_maps(database, seat_maps, principal, event_id)
    async with database.begin() as connection:
        await own_event(connection, principal, event_id)
        return await missing_for_sale(connection, event_id, known)


async def unpublish_event(database: Database, principal: Principal, event_id: UUID) -> None:
    """Make a draft of an event of which nobody has a place. Doing so again changes nothing.

    Raises Refused: NOT_FOUND, FORBIDDEN, EVENT_CLOSED, EVENT_HAS_BOOKINGS.
    """
    async with database.begin() as connection:
        event = await own_event(connection, principal, event_id)
        if event.status == "draft":
            return
        await _require_nobody(connection, event_id)
        await event_writes.unpublish(connection, event_id)
        await event_listings.refresh(connection, [event_id])
        await note(
            connection,
            principal,
            "event.unpublished",
            "event",
            event_id,
            organization_id=event.organization_id,
            before={"status": event.status},
            after={"status": "draft"},
        )
        await tell(connection, event_id)


async def own_event(
    connection: AsyncConnection,
    principal: Principal,
    event_id: UUID,
    permission: Permission = Permission.EVENTS_WRITE,
    *,
    closed: bool = False,
) -> event_writes.EventState:
    """The event, locked, if the caller may do this to it and it can still be changed.

    ``closed`` says that it may be over: what is asked for does not change it.
    """
    event = await event_writes.lock_event(connection, event_id)
    if event is None:
        raise Refused(NOT_FOUND)
    if event.secret and not any(
        principal.may(either, event.organization_id)
        for either in (Permission.EVENTS_READ, Permission.EVENTS_WRITE)
    ):
        # What others may not see must not be found out by asking to change it.
        raise Refused(NOT_FOUND)
    require(principal, permission, event.organization_id)
    if event.status in ("cancelled", "ended") and not closed:
        raise Refused(EVENT_CLOSED)
    return event


async def coming_maps(
    database: Database, seat_maps: SeatMaps, principal: Principal, event_id: UUID
) -> dict[UUID, SeatMap]:
    """The seat maps of the showtimes that are still to come, for :func:`known_map`.

    They are loaded before the transaction that needs them, which must not wait for another
    connection. Raises Refused: NOT_FOUND, FORBIDDEN, EVENT_CLOSED.
    """
    async with database.begin() as connection:
        await own_event(connection, principal, event_id)
        coming = await category_writes.coming_showtimes(connection, event_id)
    ids = {showtime.seat_map_id for showtime in coming}
    return {map_id: await seat_maps.get(map_id) for map_id in ids if map_id is not None}


def known_map(known: Mapping[UUID, SeatMap], seat_map_id: UUID | None) -> SeatMap | None:
    """A map of :func:`coming_maps`. Raises Refused(UNAVAILABLE) for one of a later moment."""
    if seat_map_id is None:
        return None
    if seat_map_id not in known:
        raise Refused(UNAVAILABLE, "The event is being changed.", retry_after_seconds=1)
    return known[seat_map_id]


async def require_publishable(
    connection: AsyncConnection, event_id: UUID, seat_maps: Mapping[UUID, SeatMap]
) -> None:
    """Raise Refused(NOT_PUBLISHABLE) with all that is missing for the event to be sold.

    ``seat_maps`` has those of its coming showtimes.
    """
    missing = await missing_for_sale(connection, event_id, seat_maps)
    if missing:
        in_words = "; ".join(publishing.MISSING[word].detail for word in missing)
        raise Refused(NOT_PUBLISHABLE, f"The event still needs: {in_words}.", missing=missing)


async def missing_for_sale(
    connection: AsyncConnection, event_id: UUID, seat_maps: Mapping[UUID, SeatMap]
) -> list[str]:
    """The words of ``publishing.MISSING`` for all that an event lacks, by the same seat maps."""
    found = await event_writes.for_sale(connection, event_id)
    for sitting in found.sittings:
        known_map(seat_maps, sitting.seat_map_id)
    return publishing.missing_for_sale(found, seat_maps)


async def tell(connection: AsyncConnection, event_id: UUID) -> None:
    """Let every process drop what it keeps of the event and its showtimes."""
    showtimes = await showtime_writes.showtime_ids(connection, event_id)
    tags = ["events", f"event:{event_id}", *(f"showtime:{one}" for one in showtimes)]
    await notify(connection, *tags)


async def _require_nobody(connection: AsyncConnection, event_id: UUID) -> None:
    """Raise Refused(EVENT_HAS_BOOKINGS) while somebody has a place, or waits for one.

    The showtimes stay locked against the selling core: who reserves at the same moment is seen,
    or comes too late.
    """
    await showtime_writes.touch_terms(connection, event_id)
    taken = await category_writes.taken(connection, event_id)
    if any(counters.by_buyers for counters in taken.values()):
        raise Refused(EVENT_HAS_BOOKINGS)
