"""Making events."""

from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from fullhouse.api.audit import note
from fullhouse.api.permissions import Permission
from fullhouse.api.principal import Principal
from fullhouse.catalog import planning
from fullhouse.catalog.commands.events import require_complete
from fullhouse.catalog.commands.places import Place, place_of, wrong
from fullhouse.catalog.commands.showtimes import new_showtime, schedule_showtimes
from fullhouse.catalog.drafts import EventDraft, ShowDraft, ShowtimeDraft
from fullhouse.catalog.store import (
    event_listings,
    event_writes,
    show_writes,
)
from fullhouse.kit.db import Database
from fullhouse.kit.ids import new_code, new_id
from fullhouse.kit.listener import notify
from fullhouse.venues.queries.seat_maps import SeatMaps
from fullhouse.venues.rules import organization_for

_MOST_SLUG_ATTEMPTS = 5


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
        require_complete(len(draft.categories))
    place = await place_of(database, seat_maps, draft, organization_id)
    seat_map = place.hall.seat_map if place.hall is not None else None
    planned = planning.plan_categories(draft.categories, seat_map)
    event_id = new_id()
    async with database.begin() as connection:
        await _check_organization(connection, organization_id)
        show_id, duration = await _show_of(connection, draft, organization_id)
        await _insert_event(connection, draft, event_id, show_id, organization_id, place)
        categories = await event_writes.insert_categories(connection, event_id, planned)
        if draft.starts_at is not None:
            first = ShowtimeDraft(draft.starts_at, draft.ends_at, draft.hall_id)
            new = new_showtime(first, place.hall, duration, categories)
            await schedule_showtimes(connection, principal, event_id, [new])
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


async def _check_organization(connection: AsyncConnection, organization_id: UUID) -> None:
    # Members' organizations exist; an admin may name any id.
    if not await event_writes.organization_exists(connection, organization_id):
        raise wrong("/organizationId", "is no organization")


async def _show_of(
    connection: AsyncConnection, draft: EventDraft, organization_id: UUID
) -> tuple[UUID, int | None]:
    """The id and duration of the event's show, which is made where none is named."""
    if draft.show_id is None:
        show = draft.show or ShowDraft()
        show_id = await show_writes.insert_show(
            connection, organization_id, draft.title.strip(), draft.description, show
        )
        return show_id, show.duration_minutes
    found = await show_writes.find_show_duration(connection, draft.show_id, organization_id)
    if found is None:
        raise wrong("/showId", "is no show of the organization")
    return draft.show_id, found[0]


async def _insert_event(
    connection: AsyncConnection,
    draft: EventDraft,
    event_id: UUID,
    show_id: UUID,
    organization_id: UUID,
    place: Place,
) -> None:
    base = planning.slug_of(draft.title)
    slug = planning.free_slug(base, await event_writes.slugs_taken(connection, base))
    for _ in range(_MOST_SLUG_ATTEMPTS):
        if await event_writes.insert_event(
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
