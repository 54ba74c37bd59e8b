"""Reads of the catalogue for screens and lists."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from uuid import UUID

from fullhouse.api.errors import FORBIDDEN, NOT_FOUND
from fullhouse.api.pagination import Slice
from fullhouse.api.permissions import Permission
from fullhouse.api.principal import Principal, require
from fullhouse.catalog.filters import (
    MOVIE,
    PUBLIC,
    EventFilters,
    Order,
    ShowFilters,
    ShowtimeFilters,
    Viewer,
)
from fullhouse.catalog.ical import Calendar
from fullhouse.catalog.store import calendars
from fullhouse.catalog.store import event_facets as facet_store
from fullhouse.catalog.store import events as event_store
from fullhouse.catalog.store import shows as show_store
from fullhouse.catalog.store import showtimes as showtime_store
from fullhouse.catalog.store.event_facets import FacetRow
from fullhouse.catalog.store.events import EventRow, EventSummaryRow
from fullhouse.catalog.store.paging import Part
from fullhouse.catalog.store.shows import ShowRow
from fullhouse.catalog.store.showtimes import ShowtimeRow
from fullhouse.kit.db import Database
from fullhouse.kit.errors import Refused
from fullhouse.media import queries as media
from fullhouse.media.schemas import MediaView
from fullhouse.media.store import NOBODY

# How many coming showtimes an event's own page lists.
NEXT_SHOWTIMES = 20
_BY_START = Order("startsAt")
_NEWEST_FIRST = Order("createdAt", descending=True)
_ANY = EventFilters()


@dataclass(frozen=True, slots=True)
class EventWithShowtimes:
    """An event, its pictures and its show's by id, and its next showtimes."""

    event: EventRow
    images: Mapping[UUID, MediaView]
    showtimes: list[ShowtimeRow]


@dataclass(frozen=True, slots=True)
class ShowWithEvents:
    """A show, its pictures by id, and the coming events that put it on."""

    show: ShowRow
    images: Mapping[UUID, MediaView]
    events: list[EventSummaryRow]


@dataclass(frozen=True, slots=True)
class ShowsWithImages:
    """Part of a list of shows, and their pictures by id."""

    part: Part[ShowRow]
    images: Mapping[UUID, MediaView]


async def events(
    database: Database, filters: EventFilters, order: Order, part: Slice
) -> Part[EventSummaryRow]:
    """Part of the published events that are not over, as far as they fit the filters."""
    async with database.read() as connection:
        return await event_store.list_events(connection, filters, order, part)


async def event_facets(
    database: Database, filters: EventFilters, most: int
) -> dict[str, list[FacetRow]]:
    """What the published events that fit have in common, and how often; at most so many of each."""
    async with database.read() as connection:
        return await facet_store.facets(connection, filters, most)


async def own_events(
    database: Database,
    principal: Principal,
    part: Slice,
    *,
    organization_id: UUID | None = None,
    filters: EventFilters = _ANY,
    order: Order = _NEWEST_FIRST,
) -> Part[EventSummaryRow]:
    """Part of the caller's organizations' events of any status, past ones too.

    Admins see everybody's. Raises Refused: FORBIDDEN.
    """
    mine = _organizations_read(principal, organization_id)
    own = replace(filters, of_organizations=mine, public=False)
    async with database.read() as connection:
        return await event_store.list_events(connection, own, order, part)


def _organizations_read(
    principal: Principal, organization_id: UUID | None
) -> frozenset[UUID] | None:
    """The one that is named, or all whose drafts the caller may read; None for everybody's."""
    if organization_id is not None:
        require(principal, Permission.EVENTS_READ, organization_id)
        return frozenset({organization_id})
    mine = Viewer.of(principal).organizations
    if mine is not None and not mine:
        raise Refused(FORBIDDEN)
    return mine


async def event(database: Database, key: UUID | str, viewer: Viewer) -> EventWithShowtimes:
    """An event by id or slug, with its next showtimes. Raises Refused: NOT_FOUND."""
    async with database.read() as connection:
        found = await event_store.find_event(connection, key, viewer)
        if found is None:
            raise Refused(NOT_FOUND)
        coming = await showtime_store.list_showtimes(
            connection,
            # Whoever looks at a cancelled event is shown what was to be.
            ShowtimeFilters(
                viewer,
                event_id=found.id,
                statuses=frozenset({"cancelled" if found.status == "cancelled" else "scheduled"}),
            ),
            _BY_START,
            Slice(NEXT_SHOWTIMES),
        )
        either = [*found.images, *found.show_images]
        images = await media.views(connection, either, viewer.organizations)
    return EventWithShowtimes(found, images, coming.items)


async def event_alone(database: Database, event_id: UUID, viewer: Viewer) -> EventRow:
    """An event with its categories. Raises Refused: NOT_FOUND."""
    async with database.read() as connection:
        found = await event_store.find_event(connection, event_id, viewer)
    if found is None:
        raise Refused(NOT_FOUND)
    return found


async def shows(
    database: Database, filters: ShowFilters, order: Order, part: Slice
) -> ShowsWithImages:
    """Part of the shows that fit; only what is put on or announced unless the filters say more."""
    async with database.read() as connection:
        found = await show_store.list_shows(connection, filters, order, part)
        shown = [image for row in found.items for image in row.images]
        makers = NOBODY if filters.public else filters.of_organizations
        return ShowsWithImages(found, await media.views(connection, shown, makers))


async def own_shows(
    database: Database,
    principal: Principal,
    filters: ShowFilters,
    order: Order,
    part: Slice,
    *,
    organization_id: UUID | None = None,
) -> ShowsWithImages:
    """Part of the caller's organizations' shows, those that nobody puts on yet too.

    Admins see everybody's. Raises Refused: FORBIDDEN.
    """
    mine = _organizations_read(principal, organization_id)
    return await shows(database, replace(filters, of_organizations=mine, public=False), order, part)


async def show(
    database: Database, show_id: UUID, viewer: Viewer, kind: str | None = None
) -> ShowWithEvents:
    """A show with its coming events. Raises Refused: NOT_FOUND."""
    async with database.read() as connection:
        found = await show_store.find_show(connection, show_id, viewer, kind)
        if found is None:
            raise Refused(NOT_FOUND)
        coming = await event_store.list_events(
            connection, EventFilters(show_id=show_id), _BY_START, Slice(NEXT_SHOWTIMES)
        )
        images = await media.views(connection, found.images, viewer.organizations)
    return ShowWithEvents(found, images, coming.items)


async def showtimes(
    database: Database, filters: ShowtimeFilters, order: Order, part: Slice
) -> Part[ShowtimeRow]:
    """Part of the showtimes that the viewer may see, without those that are over."""
    async with database.read() as connection:
        return await showtime_store.list_showtimes(connection, filters, order, part)


async def own_showtimes(
    database: Database,
    principal: Principal,
    filters: ShowtimeFilters,
    order: Order,
    part: Slice,
    *,
    organization_id: UUID | None = None,
) -> Part[ShowtimeRow]:
    """Part of the showtimes of the caller's organizations, those of drafts too.

    Admins see everybody's. Raises Refused: FORBIDDEN.
    """
    mine = _organizations_read(principal, organization_id)
    own = replace(filters, viewer=Viewer(organizations=None), of_organizations=mine)
    return await showtimes(database, own, order, part)


async def event_calendar(database: Database, key: UUID | str) -> Calendar:
    """When a published event is. Raises Refused: NOT_FOUND."""
    async with database.read() as connection:
        found = await calendars.of_event(connection, key)
    if found is None:
        raise Refused(NOT_FOUND)
    return found


async def venue_calendar(database: Database, venue_id: UUID) -> Calendar:
    """What is on at a venue. Raises Refused: NOT_FOUND."""
    async with database.read() as connection:
        found = await calendars.of_venue(connection, venue_id)
    if found is None:
        raise Refused(NOT_FOUND)
    return found


async def movie_showtimes(
    database: Database, movie_id: UUID, filters: ShowtimeFilters, order: Order, part: Slice
) -> Part[ShowtimeRow]:
    """Part of the showtimes of a movie. Raises Refused: NOT_FOUND."""
    async with database.read() as connection:
        if await show_store.find_show(connection, movie_id, filters.viewer, MOVIE) is None:
            raise Refused(NOT_FOUND)
    return await showtimes(database, replace(filters, show_id=movie_id), order, part)


async def showtime(database: Database, showtime_id: UUID, viewer: Viewer = PUBLIC) -> ShowtimeRow:
    """A showtime with what is left of each category. Raises Refused: NOT_FOUND."""
    async with database.read() as connection:
        found = await showtime_store.find_showtime(connection, showtime_id, viewer)
    if found is None:
        raise Refused(NOT_FOUND)
    return found
