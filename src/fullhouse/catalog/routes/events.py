"""Routes with which organizers run their events, below ``/api/v1``."""

from typing import Annotated
from uuid import UUID

from litestar import get, post
from litestar.params import QueryParameter

from fullhouse.api.errors import FORBIDDEN, NOT_FOUND, UNAUTHENTICATED, problems
from fullhouse.api.pagination import DEFAULT_LIMIT, Cursor, Limit, Page, PageNumber, slice_of
from fullhouse.api.permissions import Permission, member
from fullhouse.api.principal import Principal
from fullhouse.catalog import parameters, queries
from fullhouse.catalog.commands import creating, events
from fullhouse.catalog.errors import EVENT_CLOSED, NOT_PUBLISHABLE, SCHEDULE_CONFLICT
from fullhouse.catalog.filters import Viewer
from fullhouse.catalog.schemas.events import EventBody, EventStatus, event_draft
from fullhouse.catalog.schemas.views import (
    EventSummaryView,
    EventView,
    event_summary_view,
    event_view,
)
from fullhouse.kit.db import Database
from fullhouse.venues.errors import ORGANIZATION_REQUIRED
from fullhouse.venues.queries.seat_maps import SeatMaps

_TAGS = ["Organizer"]

# Whoever may change something is shown what came of it, also a key that may read no drafts.
_WHO_CHANGED_IT = Viewer(organizations=None)

Status = Annotated[EventStatus | None, QueryParameter(description="Only events of this status.")]


@post(
    "/events",
    access=member(Permission.EVENTS_WRITE),
    summary="Make an event",
    tags=_TAGS,
    responses=problems(
        UNAUTHENTICATED, FORBIDDEN, ORGANIZATION_REQUIRED, NOT_PUBLISHABLE, SCHEDULE_CONFLICT
    ),
)
async def create_event(
    data: EventBody, database: Database, seat_maps: SeatMaps, principal: Principal
) -> EventView:
    """Show, event, categories and first showtime in one call; a draft unless ``publish`` is set."""
    event_id = await creating.create_event(database, seat_maps, principal, event_draft(data))
    return event_view(await queries.event(database, event_id, _WHO_CHANGED_IT))


@post(
    "/events/{event_id:uuid}/publish",
    access=member(Permission.EVENTS_WRITE),
    status_code=200,
    summary="Publish an event",
    tags=_TAGS,
    responses=problems(UNAUTHENTICATED, FORBIDDEN, NOT_FOUND, EVENT_CLOSED, NOT_PUBLISHABLE),
)
async def publish_event(event_id: UUID, database: Database, principal: Principal) -> EventView:
    """Put an event on sale. ``missing`` lists what it lacks when it cannot be."""
    await events.publish_event(database, principal, event_id)
    return event_view(await queries.event(database, event_id, _WHO_CHANGED_IT))


@get(
    "/organizer/events",
    access=member(Permission.EVENTS_READ),
    summary="List own events",
    tags=_TAGS,
    responses=problems(UNAUTHENTICATED, FORBIDDEN),
)
async def list_own_events(
    database: Database,
    principal: Principal,
    organization_id: parameters.OrganizationId = None,
    status: Status = None,
    limit: Limit = DEFAULT_LIMIT,
    cursor: Cursor = None,
    page: PageNumber = None,
) -> Page[EventSummaryView]:
    """Events of the caller's organizations, drafts and past ones too, newest first."""
    found = await queries.own_events(
        database,
        principal,
        slice_of(limit, cursor, page),
        organization_id=organization_id,
        status=status,
    )
    views = [event_summary_view(row) for row in found.items]
    return Page(views, found.next_cursor, found.total)


ROUTES = [create_event, publish_event, list_own_events]
