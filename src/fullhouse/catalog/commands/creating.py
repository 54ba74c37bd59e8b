"""Making events."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from uuid import UUID

import msgspec
from sqlalchemy.ext.asyncio import AsyncConnection

from fullhouse.api.audit import note
from fullhouse.api.permissions import Permission
from fullhouse.api.principal import Principal
from fullhouse.catalog import planning
from fullhouse.catalog.commands.events import require_publishable
from fullhouse.catalog.commands.halls import lock_halls
from fullhouse.catalog.commands.places import Place, Room, place_of, room_in, wrong
from fullhouse.catalog.commands.shows import image_errors
from fullhouse.catalog.commands.showtimes import new_showtime, schedule_showtimes
from fullhouse.catalog.commands.venues import hold_place
from fullhouse.catalog.drafts import EventDraft, ShowDraft, ShowtimeDraft
from fullhouse.catalog.store import (
    category_writes,
    event_listings,
    event_writes,
    show_writes,
)
from fullhouse.catalog.store.event_writes import EventValues, VenueDefaults
from fullhouse.kit.db import Database
from fullhouse.kit.ids import new_code, new_id
from fullhouse.kit.listener import notify
from fullhouse.venues.queries.seat_maps import SeatMaps
from fullhouse.venues.rules import organization_for

_MOST_SLUG_ATTEMPTS = 5


async def create_event(
    database: Database, seat_maps: SeatMaps, principal: Principal, draft: EventDraft
) -> UUID:
    """Make an event with its categories, show and showtimes as drafted; answers its id.

    What the draft leaves open of holding times and the show's age rating, the venue says.
    Raises Refused: VALIDATION_FAILED with every wrong field, FORBIDDEN, ORGANIZATION_REQUIRED,
    SCHEDULE_CONFLICT, NOT_PUBLISHABLE when it shall be published at once but cannot be.
    """
    organization_id = organization_for(principal, Permission.EVENTS_WRITE, draft.organization_id)
    planning.check_event(draft)
    place = await place_of(
        database,
        seat_maps,
        organization_id,
        venue_id=draft.venue_id,
        hall_id=draft.hall_id,
        timezone=draft.timezone,
    )
    sittings = _sittings(draft)
    rooms = await _rooms(database, seat_maps, sittings, place)
    seat_map = place.hall.seat_map if place.hall is not None else None
    planned = planning.plan_categories(draft.categories, seat_map)
    event_id = new_id()
    async with database.begin() as connection:
        await _check_organization(connection, organization_id)
        planning.refuse_if(await image_errors(connection, draft.images, organization_id))
        defaults = await event_writes.venue_defaults(connection, place.venue_id)
        show_id, duration = await _show_of(connection, draft, organization_id, defaults, event_id)
        values = _values(draft, show_id, place, defaults)
        # All at once and before the venue, as whoever deletes a venue locks them.
        await lock_halls(connection, {values.hall_id, *rooms})
        await insert_event(connection, event_id, organization_id, values)
        categories = await category_writes.insert_categories(connection, event_id, planned)
        new = [
            new_showtime(sitting, rooms[sitting.hall_id], duration, categories)
            for sitting in sittings
        ]
        begin = "/showtimes/{}/startsAt"
        await schedule_showtimes(connection, principal, event_id, values.venue_id, new, begin)
        if draft.publish:
            maps = [room.seat_map for room in rooms.values() if room is not None]
            known = {seat_map.id: seat_map for seat_map in maps if seat_map is not None}
            await require_publishable(connection, event_id, known)
            await event_writes.publish(connection, event_id)
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


async def insert_event(
    connection: AsyncConnection, event_id: UUID, organization_id: UUID, values: EventValues
) -> None:
    """Write a new draft, under a slug that is made from its title."""
    await hold_place(connection, values.venue_id, values.hall_id)
    base = planning.slug_of(values.title)
    slug = planning.free_slug(base, await event_writes.slugs_taken(connection, base))
    for _ in range(_MOST_SLUG_ATTEMPTS):
        if await event_writes.insert_event(
            connection, event_id, organization_id, replace(values, slug=slug)
        ):
            return
        # Somebody took it between our look and our writing: chance settles it.
        slug = f"{base}-{new_code().lower()}"
    raise AssertionError("five random slugs were all taken")


def _sittings(draft: EventDraft) -> list[ShowtimeDraft]:
    """The showtimes, each with its hall."""
    if draft.starts_at is not None:
        return [ShowtimeDraft(draft.starts_at, draft.ends_at, draft.hall_id)]
    return [
        ShowtimeDraft(showtime.starts_at, showtime.ends_at, showtime.hall_id or draft.hall_id)
        for showtime in draft.showtimes
    ]


async def _rooms(
    database: Database, seat_maps: SeatMaps, sittings: Sequence[ShowtimeDraft], place: Place
) -> Mapping[UUID | None, Room | None]:
    """The halls of the showtimes; None for those without one."""
    rooms: dict[UUID | None, Room | None] = {None: None}
    if place.hall is not None:
        rooms[place.hall.id] = place.hall
    for at, sitting in enumerate(sittings):
        if sitting.hall_id not in rooms:
            rooms[sitting.hall_id] = await room_in(
                database, seat_maps, sitting.hall_id, place.venue_id, f"/showtimes/{at}/hallId"
            )
    return rooms


async def _check_organization(connection: AsyncConnection, organization_id: UUID) -> None:
    # Members' organizations exist; an admin may name any id.
    if not await event_writes.organization_exists(connection, organization_id):
        raise wrong("/organizationId", "is no organization")


async def _show_of(
    connection: AsyncConnection,
    draft: EventDraft,
    organization_id: UUID,
    defaults: VenueDefaults,
    event_id: UUID,
) -> tuple[UUID, int | None]:
    """The id and duration of the event's show, which is made where none is named."""
    if draft.show_id is None:
        show = draft.show or ShowDraft()
        show_id = await show_writes.insert_show(
            connection,
            organization_id,
            draft.title.strip(),
            draft.description,
            replace(show, age_rating=show.age_rating or defaults.age_rating),
            event_id,
        )
        return show_id, show.duration_minutes
    found = await show_writes.find_show_duration(connection, draft.show_id, organization_id)
    if found is None:
        raise wrong("/showId", "is no show of the organization")
    return draft.show_id, found[0]


def _values(draft: EventDraft, show_id: UUID, place: Place, defaults: VenueDefaults) -> EventValues:
    policy = draft.policy
    if draft.venue_holds and defaults.hold_seconds is not None:
        policy = msgspec.structs.replace(policy, hold_seconds=defaults.hold_seconds)
    return EventValues(
        show_id=show_id,
        slug="",  # made where it is written
        title=draft.title.strip(),
        description=draft.description,
        currency=draft.currency,
        venue_id=place.venue_id,
        hall_id=draft.hall_id,
        location=draft.location,
        timezone=place.timezone,
        policy=policy,
        sales_open_at=draft.sales_open_at,
        sales_close_at=draft.sales_close_at,
        images=draft.images,
    )
