"""Reads of the catalogue for screens and lists."""

from dataclasses import dataclass
from uuid import UUID

from fullhouse.api.errors import FORBIDDEN, NOT_FOUND
from fullhouse.api.pagination import Slice
from fullhouse.api.permissions import Permission
from fullhouse.api.principal import Principal, require
from fullhouse.catalog.filters import (
    PUBLIC,
    EventFilters,
    Order,
    Period,
    ShowStatus,
    ShowtimeFilters,
    Viewer,
)
from fullhouse.catalog.store import event_listings
from fullhouse.catalog.store import events as event_store
from fullhouse.catalog.store import shows as show_store
from fullhouse.catalog.store import showtimes as showtime_store
from fullhouse.catalog.store.event_listings import FacetRow
from fullhouse.catalog.store.events import EventRow, EventSummaryRow
from fullhouse.catalog.store.paging import Part
from fullhouse.catalog.store.shows import ShowRow
from fullhouse.catalog.store.showtimes import ShowtimeRow
from fullhouse.kit.db import Database
from fullhouse.kit.errors import Refused

# How many coming showtimes an event's own page lists.
NEXT_SHOWTIMES = 20
_BY_START = Order("startsAt")


@dataclass(frozen=True, slots=True)
class EventWithShowtimes:
    """An event and its next showtimes."""

    event: EventRow
    showtimes: list[ShowtimeRow]


@dataclass(frozen=True, slots=True)
class ShowWithEvents:
    """A show and the coming events that put it on."""

    show: ShowRow
    events: list[EventSummaryRow]


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
        return await event_listings.facets(connection, filters, most)


async def own_events(
    database: Database,
    principal: Principal,
    part: Slice,
    *,
    organization_id: UUID | None = None,
    status: str | None = None,
) -> Part[EventSummaryRow]:
    """Part of the caller's organizations' events of any status, newest first.

    Admins see everybody's. Raises Refused: FORBIDDEN.
    """
    mine = Viewer.of(principal).organizations
    if organization_id is not None:
        require(principal, Permission.EVENTS_READ, organization_id)
        mine = frozenset({organization_id})
    if mine is not None and not mine:
        raise Refused(FORBIDDEN)
    filters = EventFilters(of_organizations=mine, status=status, public=False)
    newest_first = Order("createdAt", descending=True)
    async with database.read() as connection:
        return await event_store.list_events(connection, filters, newest_first, part)


async def event(database: Database, key: UUID | str, viewer: Viewer) -> EventWithShowtimes:
    """An event by id or slug, with its next showtimes. Raises Refused: NOT_FOUND."""
    async with database.read() as connection:
        found = await event_store.find_event(connection, key, viewer)
        if found is None:
            raise Refused(NOT_FOUND)
        coming = await showtime_store.list_showtimes(
            connection,
            ShowtimeFilters(viewer, event_id=found.id),
            _BY_START,
            Slice(NEXT_SHOWTIMES),
        )
    return EventWithShowtimes(found, coming.items)


async def shows(
    database: Database,
    part: Slice,
    *,
    kind: str | None = None,
    q: str | None = None,
    statuses: frozenset[ShowStatus],
) -> Part[ShowRow]:
    """Part of the shows that are put on publicly, by title."""
    async with database.read() as connection:
        return await show_store.list_shows(connection, kind=kind, q=q, statuses=statuses, part=part)


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
    return ShowWithEvents(found, coming.items)


async def showtimes(
    database: Database, filters: ShowtimeFilters, order: Order, part: Slice
) -> Part[ShowtimeRow]:
    """Part of the showtimes that the viewer may see, without those that are over."""
    async with database.read() as connection:
        return await showtime_store.list_showtimes(connection, filters, order, part)


async def movie_showtimes(
    database: Database, movie_id: UUID, viewer: Viewer, period: Period, part: Slice
) -> Part[ShowtimeRow]:
    """Part of the showtimes of a movie. Raises Refused: NOT_FOUND."""
    async with database.read() as connection:
        if await show_store.find_show(connection, movie_id, viewer, "movie") is None:
            raise Refused(NOT_FOUND)
        filters = ShowtimeFilters(viewer, show_id=movie_id, period=period)
        return await showtime_store.list_showtimes(connection, filters, _BY_START, part)


async def showtime(database: Database, showtime_id: UUID, viewer: Viewer = PUBLIC) -> ShowtimeRow:
    """A showtime with what is left of each category. Raises Refused: NOT_FOUND."""
    async with database.read() as connection:
        found = await showtime_store.find_showtime(connection, showtime_id, viewer)
    if found is None:
        raise Refused(NOT_FOUND)
    return found
