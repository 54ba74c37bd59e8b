"""Showtimes by a rule: many at once, in one transaction."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy.ext.asyncio import AsyncConnection

from fullhouse.api.principal import Principal
from fullhouse.catalog import planning, scheduling
from fullhouse.catalog.commands import halls
from fullhouse.catalog.commands.events import own_event
from fullhouse.catalog.commands.places import Room, room_in
from fullhouse.catalog.commands.showtimes import require_unmoved, tell_of_new
from fullhouse.catalog.scheduling import Reason, Series, Skipped, Slot
from fullhouse.catalog.store import schedule
from fullhouse.catalog.store.event_writes import EventState
from fullhouse.catalog.store.showtime_writes import NewShowtime
from fullhouse.kit.db import Database
from fullhouse.kit.ids import new_id
from fullhouse.venues.queries.seat_maps import SeatMaps


@dataclass(frozen=True, slots=True)
class Made:
    """What came of a rule: the showtimes by their starts, and what was left out and why."""

    created: Sequence[NewShowtime]
    skipped: Sequence[Skipped]


@dataclass(frozen=True, slots=True)
class _Candidate:
    """A showtime that may be made, and what the clock there shows at its start."""

    slot: Slot
    showtime: NewShowtime


async def make_series(
    database: Database, seat_maps: SeatMaps, principal: Principal, event_id: UUID, series: Series
) -> Made:
    """Add the showtimes of a rule to an event.

    Left out is what no clock shows, what is over, and what the event has then and there already;
    what the hall is not free for only where the series says so, else nothing is made at all.
    Raises Refused: VALIDATION_FAILED, NOT_FOUND, FORBIDDEN, EVENT_CLOSED, SCHEDULE_CONFLICT with
    everything that is in the way.
    """
    planning.refuse_if(scheduling.errors_of(series.repeat, series.until_field))
    async with database.begin() as connection:
        seen = await own_event(connection, principal, event_id)
        zone = ZoneInfo(await schedule.timezone_of(connection, event_id))
    # Seat maps do not change: no lock is needed while they are read.
    room = await room_in(database, seat_maps, series.hall_id or seen.hall_id, seen.venue_id)
    minutes = series.duration_minutes or seen.duration_minutes or planning.DEFAULT_DURATION_MINUTES
    slots, skipped = scheduling.plan(series.repeat, zone, timedelta(minutes=minutes))
    if room is not None and not series.skip_conflicts:
        # Before anything is in the way: nothing that exists has to be moved for that.
        times = series.repeat.times
        planning.refuse_if(scheduling.overlap_errors(times, slots, room.cleaning))
    async with database.begin() as connection:
        event = await own_event(connection, principal, event_id)
        require_unmoved(event, seen)
        await halls.lock_halls(connection, [None if room is None else room.id])
        await halls.hold_venue(connection, event.venue_id)
        left, over = await _still_to_make(connection, event_id, room, slots)
        wanted = _candidates(event, room, left)
        found = await halls.in_the_way(connection, principal, [one.showtime for one in wanted])
        if found and not series.skip_conflicts:
            raise halls.conflict_of(
                [(wanted[place].showtime, found[place]) for place in sorted(found)]
            )
        new = [one.showtime for place, one in enumerate(wanted) if place not in found]
        if new:
            await halls.insert_where_free(connection, principal, event_id, new)
            await tell_of_new(connection, principal, event, new)
    skipped += over + _conflicting(wanted, found)
    return Made(new, sorted(skipped, key=lambda one: one.local))


async def _still_to_make(
    connection: AsyncConnection, event_id: UUID, room: Room | None, slots: Sequence[Slot]
) -> tuple[list[Slot], list[Skipped]]:
    """Those that are neither over nor there already, and the others."""
    now = await schedule.present(connection)
    existing = await schedule.starts_of(connection, event_id, None if room is None else room.id)
    over = [
        Skipped(slot.local, slot.starts_at, reason)
        for slot in slots
        if (reason := _reason(slot, now, existing)) is not None
    ]
    left_out = {one.starts_at for one in over}
    return [slot for slot in slots if slot.starts_at not in left_out], over


def _reason(slot: Slot, now: datetime, existing: Collection[datetime]) -> Reason | None:
    if slot.starts_at in existing:
        return Reason.EXISTS
    return Reason.PAST if slot.starts_at <= now else None


def _candidates(event: EventState, room: Room | None, slots: Sequence[Slot]) -> list[_Candidate]:
    """All are sold by one seat map, so that their places are counted once."""
    if not slots:
        return []
    seat_map = None if room is None else room.seat_map
    capacities = planning.allot(event.categories, seat_map)
    pause = timedelta() if room is None else room.cleaning
    return [
        _Candidate(
            slot,
            NewShowtime(
                new_id(),
                None if room is None else room.id,
                None if seat_map is None else seat_map.id,
                slot.starts_at,
                slot.ends_at,
                slot.ends_at + pause,
                capacities,
            ),
        )
        for slot in slots
    ]


def _conflicting(
    wanted: Sequence[_Candidate], found: Mapping[int, dict[str, object]]
) -> list[Skipped]:
    return [
        Skipped(wanted[place].slot.local, wanted[place].slot.starts_at, Reason.CONFLICT, conflict)
        for place, conflict in found.items()
    ]
