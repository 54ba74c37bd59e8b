"""Routes with which organizers run the categories of their events, below ``/api/v1``."""

from uuid import UUID

from litestar import delete, get, patch, post

from fullhouse.api.errors import FORBIDDEN, NOT_FOUND, UNAUTHENTICATED, problems
from fullhouse.api.pagination import Page
from fullhouse.api.permissions import PUBLIC, Permission, member
from fullhouse.api.principal import Principal
from fullhouse.catalog import queries
from fullhouse.catalog.commands import categories
from fullhouse.catalog.errors import (
    CATEGORY_EXISTS,
    CATEGORY_HAS_BOOKINGS,
    EVENT_CLOSED,
    LAST_CATEGORY,
    TOO_MANY_CATEGORIES,
)
from fullhouse.catalog.filters import Viewer
from fullhouse.catalog.schemas.categories import (
    CategoryBody,
    CategoryPatchBody,
    CategoryView,
    category_change,
    category_draft,
    category_view,
)
from fullhouse.kit.db import Database
from fullhouse.kit.errors import Refused
from fullhouse.venues.queries.seat_maps import SeatMaps

# Whoever may change something is shown what came of it, also a key that may read no drafts.
_WHO_CHANGED_IT = Viewer(organizations=None)


@get(
    "/events/{event_id:uuid}/categories",
    access=PUBLIC,
    summary="Categories of an event",
    tags=["Catalogue"],
    responses=problems(NOT_FOUND),
)
async def list_categories(
    event_id: UUID, database: Database, visitor: Principal | None
) -> Page[CategoryView]:
    """All of them in their order; an event has at most 100."""
    event = await queries.event_alone(database, event_id, Viewer.of(visitor))
    return Page([category_view(category, event.currency) for category in event.categories])


@post(
    "/events/{event_id:uuid}/categories",
    access=member(Permission.EVENTS_WRITE),
    summary="Add a category",
    tags=["Organizer"],
    responses=problems(
        UNAUTHENTICATED,
        FORBIDDEN,
        NOT_FOUND,
        EVENT_CLOSED,
        CATEGORY_EXISTS,
        TOO_MANY_CATEGORIES,
        CATEGORY_HAS_BOOKINGS,
    ),
)
async def add_category(
    event_id: UUID,
    data: CategoryBody,
    database: Database,
    seat_maps: SeatMaps,
    principal: Principal,
) -> CategoryView:
    """On sale at once at all showtimes to come, if the event is published.

    ``sections`` are taken from the categories that have them, as long as nothing of those is held,
    sold, blocked or waited for.
    """
    category_id = await categories.add_category(
        database, seat_maps, principal, event_id, category_draft(data)
    )
    return await _shown(database, event_id, category_id)


@patch(
    "/events/{event_id:uuid}/categories/{category_id:uuid}",
    access=member(Permission.EVENTS_WRITE),
    summary="Change a category",
    tags=["Organizer"],
    responses=problems(
        UNAUTHENTICATED,
        FORBIDDEN,
        NOT_FOUND,
        EVENT_CLOSED,
        CATEGORY_EXISTS,
        CATEGORY_HAS_BOOKINGS,
    ),
)
async def change_category(
    event_id: UUID,
    category_id: UUID,
    data: CategoryPatchBody,
    database: Database,
    seat_maps: SeatMaps,
    principal: Principal,
) -> CategoryView:
    """A new price is that of places given from now on, a new capacity that of new showtimes.

    New ``sections`` count at once, and are refused while anything of the categories concerned is
    held, sold, blocked or waited for.
    """
    await categories.change_category(
        database, seat_maps, principal, event_id, category_id, category_change(data)
    )
    return await _shown(database, event_id, category_id)


@delete(
    "/events/{event_id:uuid}/categories/{category_id:uuid}",
    access=member(Permission.EVENTS_WRITE),
    summary="Delete a category",
    tags=["Organizer"],
    responses=problems(
        UNAUTHENTICATED, FORBIDDEN, NOT_FOUND, EVENT_CLOSED, CATEGORY_HAS_BOOKINGS, LAST_CATEGORY
    ),
)
async def delete_category(
    event_id: UUID, category_id: UUID, database: Database, principal: Principal
) -> None:
    """Refused while anything of it is held, sold, blocked or waited for; past sales count too."""
    await categories.delete_category(database, principal, event_id, category_id)


async def _shown(database: Database, event_id: UUID, category_id: UUID) -> CategoryView:
    event = await queries.event_alone(database, event_id, _WHO_CHANGED_IT)
    for category in event.categories:
        if category.id == category_id:
            return category_view(category, event.currency)
    raise Refused(NOT_FOUND)  # somebody has deleted it since


ROUTES = [list_categories, add_category, change_category, delete_category]
