"""Showtimes."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from fullhouse.api.audit import note
from fullhouse.api.permissions import Permission
from fullhouse.api.principal import Principal
from fullhouse.catalog import planning
from fullhouse.catalog.commands.events import own_event
from fullhouse.catalog.commands.places import Room, room_in
from fullhouse.catalog.drafts import ShowtimeDraft
from fullhouse.catalog.errors import SCHEDULE_CONFLICT
from fullhouse.catalog.planning import CategoryPlaces
from fullhouse.catalog.store import (
    event_listings,
    schedule,
    showtime_writes,
)
from fullhouse.kit.db import Database
from fullhouse.kit.errors import Refused
from fullhouse.kit.ids import new_id
from fullhouse.kit.listener import notify
from fullhouse.venues.queries.seat_maps import SeatMaps
from fullhouse.venues.store.places import lock_hall


async def add_showtimes(
    database: Database,
    seat_maps: SeatMaps,
    principal: Principal,
    event_id: UUID,
    drafts: Sequence[ShowtimeDraft],
) -> list[UUID]:
    """Add showtimes to an event, all or none; answers their ids in the drafts' order.

    Each is in the event's hall unless it names another of the same venue, and is sold by the
    newest seat map of its hall. Raises Refused: NOT_FOUND, FORBIDDEN, EVENT_CLOSED,
    VALIDATION_FAILED.
    """
    planning.refuse_if([error for draft in drafts for error in planning.showtime_errors(draft, "")])
    async with database.begin() as connection:
        event = await own_event(connection, principal, event_id)
    # A hall stays where it is and seat maps do not change: no lock is needed while they are read.
    rooms = {
        hall_id: await room_in(database, seat_maps, hall_id, event.venue_id)
        for hall_id in {draft.hall_id or event.hall_id for draft in drafts}
    }
    async with database.begin() as connection:
        event = await own_event(connection, principal, event_id)
        new = [
            new_showtime(
                ShowtimeDraft(draft.starts_at, draft.ends_at, draft.hall_id or event.hall_id),
                rooms[draft.hall_id or event.hall_id],
                event.duration_minutes,
                event.categories,
            )
            for draft in drafts
        ]
        if new:
            await schedule_showtimes(connection, principal, event_id, new)
            await event_listings.refresh(connection, [event_id])
            await note(
                connection,
                principal,
                "event.showtimes_added",
                "event",
                event_id,
                organization_id=event.organization_id,
                after={"showtimes": [{"id": one.id, "startsAt": one.starts_at} for one in new]},
            )
            await notify(connection, "events", f"event:{event_id}")
    return [showtime.id for showtime in new]


def new_showtime(
    draft: ShowtimeDraft,
    room: Room | None,
    duration_minutes: int | None,
    categories: Sequence[CategoryPlaces],
) -> showtime_writes.NewShowtime:
    """The showtime that a draft makes of a hall and the event's categories."""
    seat_map = None if room is None else room.seat_map
    ends_at = planning.end_of(draft, duration_minutes)
    return showtime_writes.NewShowtime(
        id=new_id(),
        hall_id=None if room is None else room.id,
        seat_map_id=None if seat_map is None else seat_map.id,
        starts_at=draft.starts_at,
        ends_at=ends_at,
        busy_until=ends_at if room is None else ends_at + room.cleaning,
        capacities=planning.allot(categories, seat_map),
    )


async def schedule_showtimes(
    connection: AsyncConnection,
    principal: Principal,
    event_id: UUID,
    new: Sequence[showtime_writes.NewShowtime],
) -> None:
    """Insert showtimes where their halls are free. Raises Refused(SCHEDULE_CONFLICT)."""
    for hall_id in sorted({showtime.hall_id for showtime in new if showtime.hall_id is not None}):
        await lock_hall(connection, hall_id)
    for showtime in new:
        if showtime.hall_id is not None:
            taken = await schedule.occupied(
                connection, showtime.hall_id, showtime.starts_at, showtime.busy_until
            )
            if taken is not None:
                raise _conflict(principal, taken)
        await showtime_writes.insert_showtimes(connection, event_id, [showtime])


def _conflict(principal: Principal, taken: schedule.Occupied) -> Refused:
    named: dict[str, object] = {
        "startsAt": taken.starts_at.isoformat(),
        "busyUntil": taken.busy_until.isoformat(),
    }
    # A hall may be shared: what others have not announced yet stays their secret.
    if taken.public or principal.may(Permission.EVENTS_READ, taken.organization_id):
        named |= {
            "showtimeId": str(taken.showtime_id),
            "eventId": str(taken.event_id),
            "title": taken.title,
        }
    return Refused(SCHEDULE_CONFLICT, conflict=named)
