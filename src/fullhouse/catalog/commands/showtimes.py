"""Showtimes: adding and moving them."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from uuid import UUID

import msgspec
from msgspec import UNSET, UnsetType
from sqlalchemy.ext.asyncio import AsyncConnection

from fullhouse.api.audit import note
from fullhouse.api.errors import NOT_FOUND
from fullhouse.api.principal import Principal
from fullhouse.catalog import planning
from fullhouse.catalog.commands import halls
from fullhouse.catalog.commands.events import own_event
from fullhouse.catalog.commands.places import Room, room_in
from fullhouse.catalog.drafts import ShowtimeDraft
from fullhouse.catalog.errors import (
    SCHEDULE_CONFLICT,
    SEATS_CLAIMED,
    SHOWTIME_BEGUN,
    SHOWTIME_CANCELLED,
    STARTS_IN_PAST,
)
from fullhouse.catalog.events import RESCHEDULED, ShowtimeRescheduled, Sitting
from fullhouse.catalog.planning import CategoryPlaces
from fullhouse.catalog.store import event_listings, schedule, showtime_writes
from fullhouse.catalog.store.event_writes import EventState
from fullhouse.catalog.store.showtime_writes import NewShowtime, ShowtimeState
from fullhouse.kit import outbox
from fullhouse.kit.db import Database
from fullhouse.kit.errors import UNAVAILABLE, FieldError, Refused
from fullhouse.kit.ids import new_id
from fullhouse.kit.listener import notify
from fullhouse.venues.queries.seat_maps import SeatMaps


@dataclass(frozen=True, slots=True)
class Change:
    """How a showtime shall be moved; what is left out stays, its length too."""

    starts_at: datetime | None = None
    ends_at: datetime | None = None
    hall_id: UUID | UnsetType | None = UNSET


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a showtime needs of a hall, by the names of its columns."""

    hall_id: UUID | None
    starts_at: datetime
    busy_until: datetime


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
    VALIDATION_FAILED, STARTS_IN_PAST, SCHEDULE_CONFLICT.
    """
    planning.refuse_if([error for draft in drafts for error in planning.showtime_errors(draft, "")])
    async with database.begin() as connection:
        seen = await own_event(connection, principal, event_id)
    # Seat maps do not change: no lock is needed while they are read.
    rooms = {
        hall_id: await room_in(database, seat_maps, hall_id, seen.venue_id)
        for hall_id in {draft.hall_id or seen.hall_id for draft in drafts}
    }
    async with database.begin() as connection:
        event = await own_event(connection, principal, event_id)
        require_unmoved(event, seen)
        now = await schedule.present(connection)
        if not all(may_start(event, draft.starts_at, now) for draft in drafts):
            raise Refused(STARTS_IN_PAST, errors=(FieldError("/startsAt", "is in the past"),))
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
            await schedule_showtimes(connection, principal, event_id, event.venue_id, new)
            await tell_of_new(connection, principal, event, new)
    return [showtime.id for showtime in new]


async def reschedule(
    database: Database,
    seat_maps: SeatMaps,
    principal: Principal,
    showtime_id: UUID,
    change: Change,
) -> None:
    """Move a showtime to another time, to another hall of the same venue, or to both.

    The end moves with the start unless it is given. In another hall it is sold by the newest seat
    map of that hall, with as many places as this has. What changes nothing does nothing.
    Raises Refused: NOT_FOUND, FORBIDDEN, EVENT_CLOSED, VALIDATION_FAILED, SHOWTIME_CANCELLED,
    SHOWTIME_BEGUN, STARTS_IN_PAST, SEATS_CLAIMED, SCHEDULE_CONFLICT.
    """
    async with database.begin() as connection:
        seen, _ = await _own_event_of(connection, principal, showtime_id)
    room = None
    if change.hall_id is not UNSET:
        room = await room_in(database, seat_maps, change.hall_id, seen.venue_id)
    async with database.begin() as connection:
        event, hall_id = await _own_event_of(connection, principal, showtime_id)
        require_unmoved(event, seen)
        if change.hall_id is not UNSET:
            hall_id = change.hall_id
        cleaning = await halls.lock_halls(connection, [hall_id])
        await halls.hold_venue(connection, event.venue_id)
        was = await _locked(connection, showtime_id)
        after = _moved(was, change)
        before = Sitting(was.starts_at, was.ends_at, was.hall_id)
        if after == before:
            return
        if was.status == "cancelled":
            raise Refused(SHOWTIME_CANCELLED)
        now = await schedule.present(connection)
        if event.status != "draft":
            _require_ahead(now, before, after)
        elif before.ends_at <= now:
            # Changes of categories pass over what is over, so that it must stay so.
            raise Refused(SHOWTIME_BEGUN)
        pause = timedelta() if after.hall_id is None else cleaning[after.hall_id]
        wanted = Wanted(after.hall_id, after.starts_at, after.ends_at + pause)
        changes: dict[str, object] = {}
        if after.hall_id != was.hall_id:
            changes |= await _change_hall(connection, event, was, room)
        await _write(connection, principal, was.id, wanted, changes | {"ends_at": after.ends_at})
        fact = ShowtimeRescheduled(showtime_id, event.id, before, after)
        payload = msgspec.to_builtins(fact)
        await outbox.add(connection, showtime_id, RESCHEDULED, payload)
        await event_listings.refresh(connection, [event.id])
        await note(
            connection,
            principal,
            RESCHEDULED,
            "showtime",
            showtime_id,
            organization_id=event.organization_id,
            before=payload["before"],
            after=payload["after"],
        )
        await notify(connection, "events", f"event:{event.id}", f"showtime:{showtime_id}")


def new_showtime(
    draft: ShowtimeDraft,
    room: Room | None,
    duration_minutes: int | None,
    categories: Sequence[CategoryPlaces],
) -> NewShowtime:
    """The showtime that a draft makes of a hall and the event's categories."""
    seat_map = None if room is None else room.seat_map
    ends_at = planning.end_of(draft, duration_minutes)
    return NewShowtime(
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
    venue_id: UUID | None,
    new: Sequence[NewShowtime],
    pointer: str = "/startsAt",
) -> None:
    """Insert showtimes where their halls are free, all or none.

    ``pointer`` is where the request says when they begin, with {} for the place of each.
    Raises Refused: VALIDATION_FAILED where some of them overlap each other, or the event's venue
    or a hall was deleted meanwhile; SCHEDULE_CONFLICT with all that are in the way.
    """
    if new:
        halls.require_apart(new, pointer)
        await halls.lock_halls(connection, (showtime.hall_id for showtime in new))
        await halls.hold_venue(connection, venue_id)
        await halls.require_free(connection, principal, new)
        await halls.insert_where_free(connection, principal, event_id, new)


async def tell_of_new(
    connection: AsyncConnection,
    principal: Principal,
    event: EventState,
    new: Sequence[NewShowtime],
) -> None:
    """Note who added showtimes, and let everybody hear of them."""
    starts = sorted(showtime.starts_at for showtime in new)
    await event_listings.refresh(connection, [event.id])
    await note(
        connection,
        principal,
        "event.showtimes_added",
        "event",
        event.id,
        organization_id=event.organization_id,
        after={
            "count": len(new),
            "firstStartsAt": starts[0],
            "lastStartsAt": starts[-1],
            "halls": sorted({str(showtime.hall_id) for showtime in new if showtime.hall_id}),
        },
    )
    await notify(connection, "events", f"event:{event.id}")


def may_start(event: EventState, starts_at: datetime, now: datetime) -> bool:
    """Whether a showtime can be added then: where people may come, not in the past."""
    return event.status == "draft" or starts_at > now


def require_unmoved(event: EventState, seen: EventState) -> None:
    """Raise Refused(UNAVAILABLE) for an event that somebody has moved since it was seen."""
    if (event.venue_id, event.hall_id) != (seen.venue_id, seen.hall_id):
        raise Refused(UNAVAILABLE, "The event is being changed.", retry_after_seconds=1)


async def _own_event_of(
    connection: AsyncConnection, principal: Principal, showtime_id: UUID
) -> tuple[EventState, UUID | None]:
    """The event of a showtime, locked, if the caller may change it; and the showtime's hall."""
    found = await showtime_writes.place_of(connection, showtime_id)
    if found is None:
        raise Refused(NOT_FOUND)
    event = await own_event(connection, principal, found[0])
    # Only now, under the lock: it may have been moved or deleted while we waited.
    found = await showtime_writes.place_of(connection, showtime_id)
    if found is None:
        raise Refused(NOT_FOUND)
    return event, found[1]


async def _locked(connection: AsyncConnection, showtime_id: UUID) -> ShowtimeState:
    """The showtime, locked, whose event is locked."""
    found = await showtime_writes.lock_showtime(connection, showtime_id)
    assert found is not None  # nobody deletes it without the event
    return found


def _moved(was: ShowtimeState, change: Change) -> Sitting:
    """When and where it will be."""
    starts_at = change.starts_at or was.starts_at
    planning.refuse_if(planning.showtime_errors(ShowtimeDraft(starts_at, change.ends_at), ""))
    ends_at = change.ends_at or starts_at + (was.ends_at - was.starts_at)
    hall_id = was.hall_id if change.hall_id is UNSET else change.hall_id
    return Sitting(starts_at, ends_at, hall_id)


def _require_ahead(now: datetime, before: Sitting, after: Sitting) -> None:
    """Refuse to move what people have come for already, or could not come to any more."""
    if before.starts_at <= now:
        raise Refused(SHOWTIME_BEGUN)
    if after.starts_at <= now:
        raise Refused(STARTS_IN_PAST, errors=(FieldError("/startsAt", "is in the past"),))


async def _change_hall(
    connection: AsyncConnection, event: EventState, was: ShowtimeState, room: Room | None
) -> dict[str, object]:
    """Count a locked showtime's places by the map of another hall, if none of them is taken.

    Answers what is to be written of the showtime itself.
    """
    if (await showtime_writes.taken_of(connection, was.id)).at_all:
        raise Refused(SEATS_CLAIMED)
    seat_map = None if room is None else room.seat_map
    await showtime_writes.set_capacities(
        connection, was.id, planning.allot(event.categories, seat_map)
    )
    return {"seat_map_id": None if seat_map is None else seat_map.id}


async def _write(
    connection: AsyncConnection,
    principal: Principal,
    showtime_id: UUID,
    wanted: Wanted,
    changes: Mapping[str, object],
) -> None:
    """Write where and when a locked showtime is, if its hall is free."""
    for _ in range(halls.MOST_TRIES):
        await halls.require_free(connection, principal, [wanted], but=showtime_id)
        if await showtime_writes.update_showtime(
            connection, showtime_id, {**asdict(wanted), **changes}
        ):
            return
    raise Refused(SCHEDULE_CONFLICT)
