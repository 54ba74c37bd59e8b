"""What organizers do with events: one function for each intention."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from fullhouse.api.audit import note
from fullhouse.api.errors import NOT_FOUND, VALIDATION_FAILED
from fullhouse.api.permissions import Permission
from fullhouse.api.principal import Principal, require
from fullhouse.catalog import planning
from fullhouse.catalog.drafts import EventDraft, ShowDraft, ShowtimeDraft
from fullhouse.catalog.errors import EVENT_CLOSED, NOT_PUBLISHABLE, SCHEDULE_CONFLICT
from fullhouse.catalog.planning import CategoryPlaces
from fullhouse.catalog.store import event_listings, schedule, writing
from fullhouse.kit.db import Database
from fullhouse.kit.errors import FieldError, Refused
from fullhouse.kit.ids import new_code, new_id
from fullhouse.kit.listener import notify
from fullhouse.venues import queries as venues
from fullhouse.venues.queries import SeatMaps
from fullhouse.venues.rules import organization_for
from fullhouse.venues.seatmap import SeatMap
from fullhouse.venues.store import HallRow, lock_hall

DEFAULT_TIMEZONE = "UTC"
_MOST_SLUG_ATTEMPTS = 5


@dataclass(frozen=True, slots=True)
class Room:
    """A hall as showtimes need it."""

    id: UUID
    seat_map: SeatMap | None
    cleaning: timedelta


@dataclass(frozen=True, slots=True)
class _Place:
    """Where an event happens, looked up."""

    venue_id: UUID | None
    timezone: str
    hall: Room | None


async def create_event(
    database: Database, seat_maps: SeatMaps, principal: Principal, draft: EventDraft
) -> UUID:
    """Make an event with its categories, show and first showtime as drafted; answers its id.

    Raises Refused: VALIDATION_FAILED with every wrong field, FORBIDDEN, ORGANIZATION_REQUIRED,
    NOT_PUBLISHABLE when it shall be published at once but cannot be.
    """
    organization_id = organization_for(principal, Permission.EVENTS_WRITE, draft.organization_id)
    planning.check_event(draft)
    if draft.publish:
        _require_complete(len(draft.categories))
    place = await _place_of(database, seat_maps, draft, organization_id)
    seat_map = place.hall.seat_map if place.hall is not None else None
    planned = planning.plan_categories(draft.categories, seat_map)
    event_id = new_id()
    async with database.begin() as connection:
        await _check_organization(connection, organization_id)
        show_id, duration = await _show_of(connection, draft, organization_id)
        await _insert_event(connection, draft, event_id, show_id, organization_id, place)
        categories = await writing.insert_categories(connection, event_id, planned)
        if draft.starts_at is not None:
            first = ShowtimeDraft(draft.starts_at, draft.ends_at, draft.hall_id)
            new = _new_showtime(first, place.hall, duration, categories)
            await _schedule(connection, principal, event_id, [new])
        await event_listings.refresh(connection, [event_id])
        await note(
            connection,
            principal,
            "event.created",
            "event",
            event_id,
            organization_id=organization_id,
            after={
                "title": draft.title,
                "status": "published" if draft.publish else "draft",
                "categories": [{"name": one.name, "price": one.price} for one in planned],
            },
        )
        await notify(connection, "events", f"event:{event_id}")
    return event_id


async def publish_event(database: Database, principal: Principal, event_id: UUID) -> None:
    """Put an event on sale. Doing so again changes nothing.

    Raises Refused: NOT_FOUND, FORBIDDEN, EVENT_CLOSED, NOT_PUBLISHABLE.
    """
    async with database.begin() as connection:
        event = await _own_event(connection, principal, event_id)
        if event.status == "published":
            return
        _require_complete(len(event.categories))
        await writing.publish(connection, event_id)
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
        showtimes = await writing.showtime_ids(connection, event_id)
        changed = [f"showtime:{showtime_id}" for showtime_id in showtimes]
        await notify(connection, "events", f"event:{event_id}", *changed)


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
        event = await _own_event(connection, principal, event_id)
    # A hall stays where it is and seat maps do not change: no lock is needed while they are read.
    rooms = {
        hall_id: await _room(database, seat_maps, hall_id, event.venue_id)
        for hall_id in {draft.hall_id or event.hall_id for draft in drafts}
    }
    async with database.begin() as connection:
        event = await _own_event(connection, principal, event_id)
        new = [
            _new_showtime(
                ShowtimeDraft(draft.starts_at, draft.ends_at, draft.hall_id or event.hall_id),
                rooms[draft.hall_id or event.hall_id],
                event.duration_minutes,
                event.categories,
            )
            for draft in drafts
        ]
        if new:
            await _schedule(connection, principal, event_id, new)
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


async def _place_of(
    database: Database, seat_maps: SeatMaps, draft: EventDraft, organization_id: UUID
) -> _Place:
    venue_id, timezone, room = draft.venue_id, DEFAULT_TIMEZONE, None
    if draft.hall_id is not None:
        hall = await venues.find_hall(database, draft.hall_id)
        if hall is None or hall.organization_id not in (None, organization_id):
            raise _wrong("/hallId", "is no hall that the organization may use")
        if draft.venue_id not in (None, hall.venue_id):
            raise _wrong("/hallId", "is a hall of another venue")
        venue_id, timezone = hall.venue_id, hall.timezone
        room = await _room_of(seat_maps, hall)
    elif draft.venue_id is not None:
        venue = await venues.find_venue(database, draft.venue_id)
        if venue is None or venue.organization_id not in (None, organization_id):
            raise _wrong("/venueId", "is no venue that the organization may use")
        timezone = venue.timezone
    if draft.timezone is not None:
        if not await venues.knows_timezone(database, draft.timezone):
            raise _wrong("/timezone", "is not the IANA name of a time zone")
        timezone = draft.timezone
    return _Place(venue_id, timezone, room)


async def _room(
    database: Database, seat_maps: SeatMaps, hall_id: UUID | None, venue_id: UUID | None
) -> Room | None:
    if hall_id is None:
        return None
    hall = await venues.find_hall(database, hall_id)
    if hall is None or hall.venue_id != venue_id:
        raise _wrong("/hallId", "is no hall of the event's venue")
    return await _room_of(seat_maps, hall)


async def _room_of(seat_maps: SeatMaps, hall: HallRow) -> Room:
    seat_map = None if hall.seat_map_id is None else await seat_maps.get(hall.seat_map_id)
    return Room(hall.id, seat_map, timedelta(minutes=hall.cleaning_minutes))


async def _schedule(
    connection: AsyncConnection,
    principal: Principal,
    event_id: UUID,
    new: Sequence[writing.NewShowtime],
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
        await writing.insert_showtimes(connection, event_id, [showtime])


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


async def _check_organization(connection: AsyncConnection, organization_id: UUID) -> None:
    # Members' organizations exist; an admin may name any id.
    if not await writing.organization_exists(connection, organization_id):
        raise _wrong("/organizationId", "is no organization")


async def _show_of(
    connection: AsyncConnection, draft: EventDraft, organization_id: UUID
) -> tuple[UUID, int | None]:
    """The id and duration of the event's show, which is made where none is named."""
    if draft.show_id is None:
        show = draft.show or ShowDraft()
        show_id = await writing.insert_show(
            connection, organization_id, draft.title.strip(), draft.description, show
        )
        return show_id, show.duration_minutes
    found = await writing.find_show_duration(connection, draft.show_id, organization_id)
    if found is None:
        raise _wrong("/showId", "is no show of the organization")
    return draft.show_id, found[0]


async def _insert_event(
    connection: AsyncConnection,
    draft: EventDraft,
    event_id: UUID,
    show_id: UUID,
    organization_id: UUID,
    place: _Place,
) -> None:
    base = planning.slug_of(draft.title)
    slug = planning.free_slug(base, await writing.slugs_taken(connection, base))
    for _ in range(_MOST_SLUG_ATTEMPTS):
        if await writing.insert_event(
            connection,
            draft,
            event_id=event_id,
            slug=slug,
            show_id=show_id,
            organization_id=organization_id,
            venue_id=place.venue_id,
            timezone=place.timezone,
        ):
            return
        # Somebody took it between our look and our writing: chance settles it.
        slug = f"{base}-{new_code().lower()}"
    raise AssertionError("five random slugs were all taken")


async def _own_event(
    connection: AsyncConnection, principal: Principal, event_id: UUID
) -> writing.EventState:
    """The event, locked, if the caller may change it and it can still be changed."""
    event = await writing.lock_event(connection, event_id)
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


def _require_complete(categories: int) -> None:
    missing = planning.missing_for_sale(categories)
    if missing:
        raise Refused(
            NOT_PUBLISHABLE, f"The event still needs: {', '.join(missing)}.", missing=missing
        )


def _new_showtime(
    draft: ShowtimeDraft,
    room: Room | None,
    duration_minutes: int | None,
    categories: Sequence[CategoryPlaces],
) -> writing.NewShowtime:
    seat_map = None if room is None else room.seat_map
    ends_at = planning.end_of(draft, duration_minutes)
    return writing.NewShowtime(
        id=new_id(),
        hall_id=None if room is None else room.id,
        seat_map_id=None if seat_map is None else seat_map.id,
        starts_at=draft.starts_at,
        ends_at=ends_at,
        busy_until=ends_at if room is None else ends_at + room.cleaning,
        capacities=planning.allot(categories, seat_map),
    )


def _wrong(pointer: str, detail: str) -> Refused:
    return Refused(VALIDATION_FAILED, errors=(FieldError(pointer, detail),))
