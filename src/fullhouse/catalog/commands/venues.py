"""Deleting venues and halls, which stands here because only the catalogue knows what uses them.

And what keeps them from being deleted while they are being used.
"""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from fullhouse.api.audit import note
from fullhouse.api.permissions import Permission
from fullhouse.api.principal import Principal
from fullhouse.catalog.commands.places import wrong
from fullhouse.catalog.store.venue_use import Use, uses_of
from fullhouse.kit.db import Database
from fullhouse.kit.errors import UNAVAILABLE, Code, Refused
from fullhouse.kit.listener import notify
from fullhouse.venues.commands.places import own_hall, own_venue, required, tags_of
from fullhouse.venues.errors import HALL_IN_USE, VENUE_IN_USE
from fullhouse.venues.store import places

# So many events are named in a refusal.
_MOST_NAMED = 10


async def delete_venue(database: Database, principal: Principal, venue_id: UUID) -> None:
    """Hide a venue and its halls, where nothing more will take place; the past still names them.

    Raises Refused: NOT_FOUND, FORBIDDEN, VENUE_IN_USE.
    """
    async with database.begin() as connection:
        # Nobody locks what is not theirs to delete.
        required(principal, await places.find_venue(connection, venue_id))
        # The halls first, as whoever puts a showtime into one: else the two could wait for each
        # other.
        known = await places.lock_halls_of(connection, venue_id)
        venue = await own_venue(connection, principal, venue_id, against_use=True)
        if {hall.id for hall in await places.halls_of(connection, venue_id)} != known:
            raise Refused(UNAVAILABLE, "The venue is being changed.", retry_after_seconds=1)
        # Only now, under the lock: whoever put something there has committed, or has to wait.
        _require_unused(VENUE_IN_USE, principal, await uses_of(connection, venue_id))
        await places.delete_venue(connection, venue_id)
        await note(
            connection,
            principal,
            "venue.deleted",
            "venue",
            venue_id,
            organization_id=venue.organization_id,
            before={"name": venue.name, "city": venue.city, "country": venue.country},
        )
        await notify(connection, *tags_of(venue_id))


async def delete_hall(database: Database, principal: Principal, hall_id: UUID) -> None:
    """Hide a hall in which nothing more will take place; the past still names it.

    Raises Refused: NOT_FOUND, FORBIDDEN, HALL_IN_USE.
    """
    async with database.begin() as connection:
        hall = await own_hall(connection, principal, hall_id, against_use=True)
        uses = await uses_of(connection, hall.venue_id, hall_id)
        _require_unused(HALL_IN_USE, principal, uses)
        await places.delete_hall(connection, hall_id)
        await note(
            connection,
            principal,
            "hall.deleted",
            "hall",
            hall_id,
            organization_id=hall.organization_id,
            before={"venueId": hall.venue_id, "name": hall.name},
        )
        await notify(connection, *tags_of(hall.venue_id))


async def hold_place(
    connection: AsyncConnection, venue_id: UUID | None, hall_id: UUID | None
) -> None:
    """Keep an event's venue and hall from being deleted while it is put there.

    Raises Refused(VALIDATION_FAILED) when one of them has just been deleted.
    """
    if not await places.hold_place(connection, venue_id, hall_id):
        pointer = "/venueId" if hall_id is None else "/hallId"
        raise wrong(pointer, "is not there any more")


def _require_unused(code: Code, principal: Principal, uses: Sequence[Use]) -> None:
    if not uses:
        return
    # Whoever keeps venues need not be somebody who may see drafts.
    seen = [
        {"id": str(use.event_id), "title": use.title}
        for use in uses
        if use.public or principal.may(Permission.EVENTS_READ, use.organization_id)
    ]
    raise Refused(code, events=seen[:_MOST_NAMED], count=len(uses))
