"""Cancelling events and showtimes, with everything that was booked there.

First, in one transaction under the showtimes' locks, the sale ends: from the answer on nothing is
sold, offered or confirmed there. Then the selling core ends booking after booking, some in each
transaction, and tells of each. Whatever interrupts that, the chore in ``jobs.py`` goes on with it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from fullhouse.api.audit import note
from fullhouse.api.errors import NOT_FOUND
from fullhouse.api.permissions import Permission
from fullhouse.api.principal import Principal
from fullhouse.bookings.core.commands import CallOff
from fullhouse.bookings.errors import SHOWTIME_CLOSED
from fullhouse.bookings.events import EventCancelled, ShowtimeCancelled
from fullhouse.bookings.sequencer import Sequencer
from fullhouse.bookings.store import read
from fullhouse.catalog.commands.events import own_event
from fullhouse.catalog.errors import EVENT_CLOSED
from fullhouse.catalog.store import event_listings, sittings
from fullhouse.catalog.store.event_writes import EventState
from fullhouse.kit import outbox
from fullhouse.kit.db import Database
from fullhouse.kit.errors import Refused
from fullhouse.kit.listener import notify

log = structlog.get_logger(__name__)

# Bookings that one transaction ends, with the sales of other showtimes in between.
ENDED_TOGETHER = 200
# Bookings that are ended before the organizer is answered; the chore ends the others.
ENDED_AT_ONCE = 1_000
# Showtimes that are looked at together. An event hardly ever has more.
LOOKED_AT = 10_000


@dataclass(frozen=True, slots=True)
class CalledOff:
    """What was cancelled, and how far its bookings have come to their end."""

    id: UUID
    cancelled_at: datetime
    ended: int  # by this request
    left: int  # to be ended by the chore
    repeated: bool  # it had been cancelled before


async def cancel_event(
    database: Database,
    sequencer: Sequencer,
    principal: Principal,
    event_id: UUID,
    reason: str | None,
) -> CalledOff:
    """Cancel an event and its showtimes that are not over. Doing so again changes nothing.

    Raises Refused: NOT_FOUND, FORBIDDEN, EVENT_CLOSED for one that has ended.
    """
    async with database.begin() as connection:
        event = await _own_event(connection, principal, event_id)
        at = event.cancelled_at
        repeated = event.status == "cancelled"
        if not repeated:
            at, ended = await sittings.cancel_event(connection, event_id, reason)
            before = {"status": event.status}
            after = {"status": "cancelled", "showtimes": len(ended)}
            await _note(connection, principal, "event", event_id, event, before, after)
            fact = EventCancelled(event_id, event.organization_id, ended, reason)
            await _tell(connection, event_id, "event.cancelled", fact)
            for showtime_id in ended:
                told = ShowtimeCancelled(event_id, showtime_id, "event_cancelled", reason)
                await _tell(connection, showtime_id, "showtime.cancelled", told)
            await _changed(connection, event_id, ended)
    async with database.read() as connection:
        showtimes = await sittings.to_clear(connection, LOOKED_AT, event_id)
    return await _end_some(database, sequencer, event_id, at, showtimes, repeated=repeated)


async def cancel_showtime(
    database: Database,
    sequencer: Sequencer,
    principal: Principal,
    showtime_id: UUID,
    reason: str | None,
) -> CalledOff:
    """Cancel one showtime. Doing so again changes nothing.

    Raises Refused: NOT_FOUND, FORBIDDEN, EVENT_CLOSED, SHOWTIME_CLOSED for one that is over.
    """
    async with database.begin() as connection:
        event_id = await sittings.event_of(connection, showtime_id)
        if event_id is None:
            raise Refused(NOT_FOUND)
        event = await _own_event(connection, principal, event_id)
        showtime = await sittings.lock_showtime(connection, showtime_id)
        if showtime is None:
            raise Refused(NOT_FOUND)
        at = showtime.cancelled_at
        repeated = showtime.status == "cancelled"
        if not repeated:
            if showtime.over or event.status == "cancelled":
                raise Refused(SHOWTIME_CLOSED)
            at = await sittings.cancel_showtime(connection, showtime_id, reason)
            before, after = {"status": showtime.status}, {"status": "cancelled"}
            await _note(connection, principal, "showtime", showtime_id, event, before, after)
            told = ShowtimeCancelled(event_id, showtime_id, "showtime_cancelled", reason)
            await _tell(connection, showtime_id, "showtime.cancelled", told)
            await _changed(connection, event_id, [showtime_id])
    return await _end_some(database, sequencer, showtime_id, at, [showtime_id], repeated=repeated)


async def _own_event(
    connection: AsyncConnection, principal: Principal, event_id: UUID
) -> EventState:
    """The event, locked, if the caller may cancel it and it has not ended."""
    event = await own_event(connection, principal, event_id, Permission.EVENTS_CANCEL, closed=True)
    if event.status == "ended":
        raise Refused(EVENT_CLOSED)
    return event


async def clear(
    database: Database, sequencer: Sequencer, showtimes: Sequence[UUID], most: int | None = None
) -> int:
    """End the bookings of cancelled showtimes, all or at least so many; answers how many."""
    ended = 0
    for showtime_id in await _occupied(database, showtimes):
        while most is None or ended < most:
            result = await sequencer.submit(CallOff(showtime_id, ENDED_TOGETHER))
            ended += result.ended
            if not result.ended:
                break
    await _occupied(database, showtimes)
    return ended


async def _occupied(database: Database, showtimes: Sequence[UUID]) -> list[UUID]:
    """Those at which somebody has or waits for a place; of the others it is noted that they are
    done with.
    """
    async with database.begin() as connection:
        empty = set(await sittings.mark_cleared(connection, showtimes))
    return [showtime_id for showtime_id in showtimes if showtime_id not in empty]


async def _end_some(
    database: Database,
    sequencer: Sequencer,
    of: UUID,
    at: datetime | None,
    showtimes: Sequence[UUID],
    *,
    repeated: bool,
) -> CalledOff:
    assert at is not None, "what is cancelled says since when"
    ended = 0
    try:
        ended = await clear(database, sequencer, showtimes, ENDED_AT_ONCE)
    except Refused as refused:
        # It is cancelled all the same, and the chore ends what is left when there is room again.
        log.warning("bookings_end_later", cancelled=str(of), code=refused.code.name)
    async with database.read_raw() as connection:
        left = await read.count_live(connection, showtimes)
    return CalledOff(of, at, ended, left, repeated)


async def _note(
    connection: AsyncConnection,
    principal: Principal,
    kind: str,
    object_id: UUID,
    event: EventState,
    before: dict[str, Any],
    after: dict[str, Any],
) -> None:
    await note(
        connection,
        principal,
        f"{kind}.cancelled",
        kind,
        object_id,
        organization_id=event.organization_id,
        before=before,
        after=after,
    )


async def _tell(
    connection: AsyncConnection,
    stream_id: UUID,
    topic: str,
    fact: EventCancelled | ShowtimeCancelled,
) -> None:
    await outbox.add(connection, stream_id, topic, msgspec.to_builtins(fact))


async def _changed(
    connection: AsyncConnection, event_id: UUID, showtime_ids: Sequence[UUID]
) -> None:
    await event_listings.refresh(connection, [event_id])
    tags = [f"showtime:{showtime_id}" for showtime_id in showtime_ids]
    await notify(connection, "events", f"event:{event_id}", *tags)
