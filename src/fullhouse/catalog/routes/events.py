"""Routes with which organizers run their events, below ``/api/v1``."""

from datetime import date
from typing import Annotated
from uuid import UUID

from litestar import get, patch, post
from litestar.params import QueryParameter

from fullhouse.api.errors import FORBIDDEN, NOT_FOUND, UNAUTHENTICATED, problems
from fullhouse.api.pagination import Page, Slice
from fullhouse.api.permissions import Permission, member
from fullhouse.api.principal import Principal
from fullhouse.catalog import parameters, queries
from fullhouse.catalog.commands import changing, creating, duplicating, events
from fullhouse.catalog.errors import (
    CURRENCY_FIXED,
    EVENT_CLOSED,
    EVENT_HAS_BOOKINGS,
    EVENT_HAS_SHOWTIMES,
    NOT_PUBLISHABLE,
    SCHEDULE_CONFLICT,
    SLUG_TAKEN,
)
from fullhouse.catalog.filters import EventFilters, Period, Viewer, moment_of, order_of
from fullhouse.catalog.schemas.events import (
    DuplicateBody,
    EventBody,
    EventPatchBody,
    EventStatus,
    PublishCheckView,
    event_change,
    event_draft,
    publish_check_view,
)
from fullhouse.catalog.schemas.views import (
    EventSummaryView,
    EventView,
    event_summary_view,
    event_view,
    projected,
)
from fullhouse.catalog.store.events import SORT_KEYS
from fullhouse.kit.db import Database
from fullhouse.venues.errors import ORGANIZATION_REQUIRED
from fullhouse.venues.queries.seat_maps import SeatMaps

_TAGS = ["Organizer"]

# Whoever may change something is shown what came of it, also a key that may read no drafts.
_WHO_CHANGED_IT = Viewer(organizations=None)
# Own lists go back to the beginning: without one, what is over would be left out.
_THE_BEGINNING = date(1970, 1, 1)

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
    """Show, event, categories and showtimes in one call; a draft unless ``publish`` is set.

    Holding times and the age rating of a new show are the venue's where the body has none.
    """
    event_id = await creating.create_event(database, seat_maps, principal, event_draft(data))
    return event_view(await queries.event(database, event_id, _WHO_CHANGED_IT))


@patch(
    "/events/{event_id:uuid}",
    access=member(Permission.EVENTS_WRITE),
    summary="Change an event",
    tags=_TAGS,
    responses=problems(
        UNAUTHENTICATED,
        FORBIDDEN,
        NOT_FOUND,
        EVENT_CLOSED,
        EVENT_HAS_SHOWTIMES,
        CURRENCY_FIXED,
        SLUG_TAKEN,
    ),
)
async def change_event(
    event_id: UUID,
    data: EventPatchBody,
    database: Database,
    seat_maps: SeatMaps,
    principal: Principal,
) -> EventView:
    """What is left out stays, null takes away; bookings that exist keep their terms.

    Another venue, or a location instead of one, only while there are no showtimes; the currency
    only while nothing was ever held or sold, and then prices stay the numbers they are.
    """
    await changing.change_event(database, seat_maps, principal, event_id, event_change(data))
    return event_view(await queries.event(database, event_id, _WHO_CHANGED_IT))


@post(
    "/events/{event_id:uuid}/publish",
    access=member(Permission.EVENTS_WRITE),
    status_code=200,
    summary="Publish an event",
    tags=_TAGS,
    responses=problems(UNAUTHENTICATED, FORBIDDEN, NOT_FOUND, EVENT_CLOSED, NOT_PUBLISHABLE),
)
async def publish_event(
    event_id: UUID, database: Database, seat_maps: SeatMaps, principal: Principal
) -> EventView:
    """Put an event on sale. ``missing`` lists what it lacks when it cannot be.

    ``categories``, ``showtimes``, ``places``, ``sales_window``, ``sections`` or ``currency``.
    """
    await events.publish_event(database, seat_maps, principal, event_id)
    return event_view(await queries.event(database, event_id, _WHO_CHANGED_IT))


@get(
    "/events/{event_id:uuid}/publish-check",
    access=member(Permission.EVENTS_WRITE),
    summary="Check whether an event can be published",
    tags=_TAGS,
    responses=problems(UNAUTHENTICATED, FORBIDDEN, NOT_FOUND, EVENT_CLOSED),
)
async def check_publishing(
    event_id: UUID, database: Database, seat_maps: SeatMaps, principal: Principal
) -> PublishCheckView:
    """What the event lacks to be on sale now: what publishing it would say, without doing it."""
    missing = await events.check_publishing(database, seat_maps, principal, event_id)
    return publish_check_view(missing)


@post(
    "/events/{event_id:uuid}/unpublish",
    access=member(Permission.EVENTS_WRITE),
    status_code=200,
    summary="Make a draft of an event again",
    tags=_TAGS,
    responses=problems(UNAUTHENTICATED, FORBIDDEN, NOT_FOUND, EVENT_CLOSED, EVENT_HAS_BOOKINGS),
)
async def unpublish_event(event_id: UUID, database: Database, principal: Principal) -> EventView:
    """Take an event off sale of which nobody has a place yet; only its organization sees it."""
    await events.unpublish_event(database, principal, event_id)
    return event_view(await queries.event(database, event_id, _WHO_CHANGED_IT))


@post(
    "/events/{event_id:uuid}/duplicate",
    access=member(Permission.EVENTS_WRITE),
    summary="Copy an event",
    tags=_TAGS,
    responses=problems(UNAUTHENTICATED, FORBIDDEN, NOT_FOUND, SCHEDULE_CONFLICT),
)
async def duplicate_event(
    event_id: UUID,
    data: DuplicateBody,
    database: Database,
    seat_maps: SeatMaps,
    principal: Principal,
) -> EventView:
    """A draft with the categories, policy and pictures, of events that are over too.

    With ``shiftDays`` its sales window and its showtimes, with prices of their own, come along, so
    many days later at the same time of day where it happens; all or none, if a hall is not free.
    Those of a cancelled event too, without what had been cancelled before it.
    """
    copy_id = await duplicating.duplicate_event(
        database,
        seat_maps,
        principal,
        event_id,
        title=data.title,
        shift_days=data.shift_days,
    )
    return event_view(await queries.event(database, copy_id, _WHO_CHANGED_IT))


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
    part: Slice,
    organization_id: parameters.OrganizationId = None,
    status: Status = None,
    search: parameters.Search = None,
    kind: parameters.Kind = None,
    venue_id: parameters.VenueId = None,
    since: parameters.Since = None,
    until: parameters.Until = None,
    sort: parameters.Sort = None,
    fields: parameters.Fields = None,
) -> Page[EventSummaryView]:
    """Events of the caller's organizations, drafts and past ones too, newest first.

    With ``from`` or ``to`` those that have a showtime then, and ``startsAt`` is that showtime's.
    """
    first, last = moment_of("from", since), moment_of("to", until)
    if last is not None and first is None:
        first = _THE_BEGINNING
    filters = EventFilters(
        q=search,
        kind=kind,
        venue_id=venue_id,
        period=Period(None, first, last),
        status=status,
    )
    keys = SORT_KEYS if search else [key for key in SORT_KEYS if key != "relevance"]
    usual = "-relevance" if search else "-createdAt"
    found = await queries.own_events(
        database,
        principal,
        part,
        organization_id=organization_id,
        filters=filters,
        order=order_of(usual if sort is None else sort, keys),
    )
    views = [event_summary_view(row) for row in found.items]
    return Page(projected(views, fields, EventSummaryView), found.next_cursor, found.total)


ROUTES = [
    create_event,
    change_event,
    publish_event,
    check_publishing,
    unpublish_event,
    duplicate_event,
    list_own_events,
]
