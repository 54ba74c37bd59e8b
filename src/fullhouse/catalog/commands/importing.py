"""Making many shows or showtimes at once, from tables, with a report of each line.

All of a table is one transaction. It is carried out in full even where nothing shall come of it,
and then taken back: so a trial says exactly what would happen.
"""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy.ext.asyncio import AsyncConnection

from fullhouse.api.organizations import organization_for
from fullhouse.api.permissions import Permission
from fullhouse.api.principal import Principal
from fullhouse.catalog import csv_import, planning, scheduling
from fullhouse.catalog.commands.events import own_event
from fullhouse.catalog.commands.halls import (
    hold_venue,
    insert_where_free,
    lock_halls,
    overlapping,
    span,
    taken_by_others,
)
from fullhouse.catalog.commands.places import Room, room_in
from fullhouse.catalog.commands.shows import image_errors, make_shows
from fullhouse.catalog.commands.showtimes import may_start, new_showtime, tell_of_new
from fullhouse.catalog.csv_import import Line, LineResult, LineStatus, Mode, Report
from fullhouse.catalog.drafts import ListedShow, ListedShowtime, ShowtimeDraft
from fullhouse.catalog.store import importing, schedule
from fullhouse.catalog.store.event_writes import EventState
from fullhouse.catalog.store.importing import NamedEvent, ShowKey, ShowtimeKey
from fullhouse.catalog.store.showtime_writes import NewShowtime
from fullhouse.kit.db import Database
from fullhouse.kit.errors import UNAVAILABLE, FieldError, Refused
from fullhouse.kit.listener import notify
from fullhouse.venues.queries.seat_maps import SeatMaps
from fullhouse.venues.rules import tidy

# A time nearer to the calendar's ends fails as soon as its offset is changed.
_YEARS = range(2, 9_999)


class _TakenBack(Exception):
    """Ends a transaction of which nothing shall stay."""


@dataclass(frozen=True, slots=True)
class _Named:
    """What lines name: events by name, halls by venue and name, and what is in them.

    ``hall_names`` has those of each venue, as they are written there.
    """

    events: Mapping[str, NamedEvent]
    halls: Mapping[tuple[UUID | None, str], UUID]
    hall_names: Mapping[UUID | None, list[str]]
    rooms: Mapping[UUID, Room]


@dataclass(frozen=True, slots=True)
class _Sitting:
    """The showtime that a line asks for."""

    number: int
    event_id: UUID
    new: NewShowtime

    @property
    def key(self) -> ShowtimeKey:
        return self.event_id, self.new.hall_id, self.new.starts_at, self.new.ends_at


async def import_shows(
    database: Database,
    principal: Principal,
    lines: Sequence[Line[ListedShow]],
    mode: Mode,
    organization_id: UUID | None = None,
) -> Report:
    """Make the shows of a table; one of the same kind, title and day of release is skipped.

    Raises Refused: FORBIDDEN, ORGANIZATION_REQUIRED, VALIDATION_FAILED.
    """
    owner = organization_for(principal, Permission.EVENTS_WRITE, organization_id)

    async def carry_out(connection: AsyncConnection) -> list[LineResult]:
        titles = {line.wanted.title for line in lines if line.wanted is not None}
        there = await importing.shows_there(connection, owner, titles)
        results: dict[int, LineResult] = {}
        fresh: dict[ShowKey, ListedShow] = {}
        named: dict[int, ShowKey] = {}
        for line in lines:
            if line.wanted is None or (wrong := await _show_errors(connection, line.wanted, owner)):
                errors = line.errors if line.wanted is None else tuple(wrong)
                results[line.number] = LineResult(line.number, "failed", errors=errors)
                continue
            key = (line.wanted.show.kind, line.wanted.title, line.wanted.show.released_on)
            named[line.number] = key
            if key not in there and key not in fresh:
                fresh[key] = line.wanted
                results[line.number] = LineResult(line.number, "created")
            else:
                results[line.number] = LineResult(line.number, "skipped")
        made = await make_shows(connection, principal, owner, list(fresh.values()))
        if made:
            await notify(connection, "events")
        ids = there | dict(zip(fresh, made, strict=True))
        return [
            replace(results[line.number], id=ids[named[line.number]])
            if line.number in named
            else results[line.number]
            for line in lines
        ]

    return await _carried_out(database, owner, mode, carry_out)


async def import_showtimes(
    database: Database,
    seat_maps: SeatMaps,
    principal: Principal,
    lines: Sequence[Line[ListedShowtime]],
    mode: Mode,
    organization_id: UUID | None = None,
) -> Report:
    """Add the showtimes of a table to their events; what an event has already is skipped.

    Raises Refused: FORBIDDEN, ORGANIZATION_REQUIRED, VALIDATION_FAILED, SCHEDULE_CONFLICT when
    somebody else takes a hall at the same moment.
    """
    owner = organization_for(principal, Permission.EVENTS_WRITE, organization_id)
    names = {_name(line.wanted.event) for line in lines if line.wanted is not None}
    named = await _look_up(database, seat_maps, owner, names, lines)

    async def carry_out(connection: AsyncConnection) -> list[LineResult]:
        states = await _own_events(connection, principal, named.events.values())
        if await importing.events_named(connection, owner, names) != named.events:
            raise Refused(UNAVAILABLE, "An event is being changed.", retry_after_seconds=1)
        await lock_halls(connection, named.rooms)
        await _hold_venues(connection, states)
        sittings: list[_Sitting] = []
        results: dict[int, LineResult] = {}
        for line in lines:
            found = _sitting(line, named, states)
            if isinstance(found, _Sitting):
                sittings.append(found)
            else:
                results[line.number] = LineResult(line.number, "failed", errors=found)
        results |= await _scheduled(connection, principal, states, sittings)
        return [results[line.number] for line in lines]

    return await _carried_out(database, owner, mode, carry_out)


async def _show_errors(
    connection: AsyncConnection, listed: ListedShow, organization_id: UUID
) -> list[FieldError]:
    errors = planning.show_errors(listed.show)
    return errors + await image_errors(connection, listed.show.images, organization_id)


async def _carried_out(
    database: Database,
    organization_id: UUID,
    mode: Mode,
    carry_out: Callable[[AsyncConnection], Awaitable[list[LineResult]]],
) -> Report:
    """The report of what was done in one transaction, which stays only where it should."""
    report: Report | None = None
    try:
        async with database.begin() as connection:
            # One import of an organization after the other: sent twice, the second skips it all.
            if not await importing.lock_organization(connection, organization_id):
                # Only an admin can get here: members name organizations that exist.
                planning.refuse_if([FieldError("organizationId", "is no organization")])
            report = csv_import.report(await carry_out(connection), mode)
            if not report.written:
                raise _TakenBack
    except _TakenBack:
        pass
    assert report is not None
    return report


async def _look_up(
    database: Database,
    seat_maps: SeatMaps,
    organization_id: UUID,
    names: Iterable[str],
    lines: Sequence[Line[ListedShowtime]],
) -> _Named:
    """What the lines name. Seat maps do not change: no lock is needed while they are read."""
    async with database.read() as connection:
        events = await importing.events_named(connection, organization_id, set(names))
        venue_ids = {event.venue_id for event in events.values() if event.venue_id is not None}
        known = await importing.halls_of(connection, venue_ids)
    halls: dict[tuple[UUID | None, str], UUID] = {}
    hall_names: dict[UUID | None, list[str]] = {}
    for hall in sorted(known, key=lambda one: one.name):
        hall_names.setdefault(hall.venue_id, []).append(hall.name)
        halls[hall.venue_id, _name(hall.name)] = halls[hall.venue_id, str(hall.id)] = hall.id
    there = {hall.id: hall.venue_id for hall in known}
    wanted = {event.hall_id for event in events.values()}
    for line in lines:
        event = events.get(_name(line.wanted.event)) if line.wanted is not None else None
        if event is not None and line.wanted is not None and line.wanted.hall is not None:
            wanted.add(halls.get((event.venue_id, _name(line.wanted.hall))))
    rooms = {}
    for hall_id in wanted:
        # One that was deleted is not there any more.
        if hall_id is not None and hall_id in there:
            room = await room_in(database, seat_maps, hall_id, there[hall_id])
            assert room is not None
            rooms[hall_id] = room
    return _Named(events, halls, hall_names, rooms)


async def _own_events(
    connection: AsyncConnection, principal: Principal, events: Iterable[NamedEvent]
) -> dict[UUID, EventState | Refused]:
    """The events, locked, or why nothing may be added to them."""
    states: dict[UUID, EventState | Refused] = {}
    for event_id in sorted({event.id for event in events}):
        try:
            states[event_id] = await own_event(connection, principal, event_id)
        except Refused as refused:
            states[event_id] = refused
    return states


async def _hold_venues(
    connection: AsyncConnection, states: dict[UUID, EventState | Refused]
) -> None:
    """Keep the events' venues from being deleted; nothing is added where one was."""
    for event_id, state in states.items():
        if isinstance(state, EventState):
            try:
                await hold_venue(connection, state.venue_id)
            except Refused as refused:
                states[event_id] = refused


def _sitting(
    line: Line[ListedShowtime], named: _Named, states: Mapping[UUID, EventState | Refused]
) -> _Sitting | tuple[FieldError, ...]:
    """The showtime that a line asks for, or what is wrong with it."""
    listed = line.wanted
    if listed is None:
        return line.errors
    event = named.events.get(_name(listed.event))
    if event is None:
        return (FieldError("/event", "is no event of the organization"),)
    state = states[event.id]
    if isinstance(state, Refused):
        return (FieldError("/event", state.detail),)
    errors: list[FieldError] = []
    zone = ZoneInfo(event.timezone)
    starts_at = _instant("/startsAt", listed.starts_at, zone, errors)
    ends_at = None
    if listed.ends_at is not None:
        ends_at = _instant("/endsAt", listed.ends_at, zone, errors)
    hall_id = event.hall_id
    if listed.hall is not None:
        hall_id = named.halls.get((event.venue_id, _name(listed.hall)))
    room = None if hall_id is None else named.rooms.get(hall_id)
    if room is None and (listed.hall is not None or hall_id is not None):
        there = planning.listed(named.hall_names.get(event.venue_id, []))
        which = f", which has {there}" if there else ""
        errors.append(FieldError("/hall", f"is no hall of the event's venue{which}"))
    if errors or starts_at is None:
        return tuple(errors)
    draft = ShowtimeDraft(starts_at, ends_at, hall_id)
    if wrong := planning.showtime_errors(draft, ""):
        return tuple(wrong)
    try:
        new = new_showtime(draft, room, state.duration_minutes, state.categories)
    except Refused as refused:
        return tuple(FieldError("/hall", error.detail) for error in refused.errors)
    return _Sitting(line.number, event.id, new)


def _instant(
    column: str, moment: datetime, zone: ZoneInfo, errors: list[FieldError]
) -> datetime | None:
    """The moment in UTC; None, with an error, for what the clocks there never show or show twice.

    Nobody could tell when to come.
    """
    if moment.year not in _YEARS:
        errors.append(FieldError(column, "is too far away"))
        return None
    if moment.tzinfo is not None:
        return moment.astimezone(UTC)
    first = scheduling.instant(moment, zone)
    if first is None:
        errors.append(FieldError(column, "does not exist: the clocks there skip it on that day"))
    elif first != scheduling.instant(moment.replace(fold=1), zone):
        detail = "comes twice: the clocks there are put back on that day; add the offset from UTC"
        errors.append(FieldError(column, detail))
        return None
    return first


async def _scheduled(
    connection: AsyncConnection,
    principal: Principal,
    states: Mapping[UUID, EventState | Refused],
    sittings: Sequence[_Sitting],
) -> dict[int, LineResult]:
    """Add what can be added, and say by line what became of each."""
    event_ids = {one.event_id for one in sittings}
    starts = {one.new.starts_at for one in sittings}
    there = await importing.showtimes_there(connection, event_ids, starts)
    now = await schedule.present(connection)
    results: dict[int, LineResult] = {}
    fresh: dict[ShowtimeKey, _Sitting] = {}
    again: list[_Sitting] = []
    for one in sittings:
        state = states[one.event_id]
        assert isinstance(state, EventState)
        if one.key in there:
            results[one.number] = LineResult(one.number, "skipped", there[one.key])
        elif not may_start(state, one.new.starts_at, now):
            past = FieldError("/startsAt", "is in the past")
            results[one.number] = LineResult(one.number, "failed", errors=(past,))
        elif one.key in fresh:
            again.append(one)
        else:
            fresh[one.key] = one
    wanted = list(fresh.values())
    new = [one.new for one in wanted]
    found = await taken_by_others(connection, principal, new)
    taken = {place: _told(conflict) for place, conflict in found.items()}
    for place, other in overlapping(new, found).items():
        taken[place] = _told(span(new[other]), f"line {wanted[other].number}")
    for place, told in taken.items():
        number = wanted[place].number
        error = FieldError("/startsAt", told)
        results[number] = LineResult(number, "failed", errors=(error,))
    fitting = [one for place, one in enumerate(wanted) if place not in taken]
    for event_id in sorted({one.event_id for one in fitting}):
        state = states[event_id]
        assert isinstance(state, EventState)
        new = [one.new for one in fitting if one.event_id == event_id]
        await insert_where_free(connection, principal, event_id, new)
        await tell_of_new(connection, principal, state, new)
    results |= {one.number: LineResult(one.number, "created", one.new.id) for one in fitting}
    for one in again:
        first = results[fresh[one.key].number]
        status: LineStatus = "failed" if first.status == "failed" else "skipped"
        results[one.number] = LineResult(one.number, status, first.id, first.errors)
    return results


def _told(conflict: Mapping[str, object], who: str = "another showtime") -> str:
    if "title" in conflict:
        who = f"“{conflict['title']}”"
    until = f"from {conflict['startsAt']} until {conflict['busyUntil']}, cleaning included"
    return f"the hall is not free: {who} has it {until}"


def _name(text: str) -> str:
    """A name in one form: case and blanks tell none apart, and ids are written in many ways."""
    try:
        return str(UUID(text))
    except ValueError:
        return tidy(text).lower()
