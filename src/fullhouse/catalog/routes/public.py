"""What everybody may read."""

from typing import Any
from uuid import UUID

from litestar import Request, get

from fullhouse.api.errors import NOT_FOUND, problems
from fullhouse.api.exchange import keep
from fullhouse.api.pagination import DEFAULT_LIMIT, Cursor, Limit, Page, PageNumber, slice_of
from fullhouse.api.permissions import PUBLIC
from fullhouse.api.principal import Principal
from fullhouse.catalog import parameters, queries
from fullhouse.catalog.filters import (
    MOVIE,
    EventFilters,
    Order,
    Period,
    ShowtimeFilters,
    Viewer,
    moment_of,
    order_of,
    statuses_of,
)
from fullhouse.catalog.schemas.views import (
    EventSummaryView,
    EventView,
    FacetsView,
    ShowDetailView,
    ShowtimeView,
    ShowView,
    event_summary_view,
    event_view,
    facets_view,
    projected,
    show_detail_view,
    show_view,
    showtime_view,
)
from fullhouse.catalog.store.events import SORT_KEYS
from fullhouse.kit.db import Database

_TAGS = ["Catalogue"]
# How long lists are kept; what organizers change drops them at once.
_KEPT_SECONDS = 60
_EVENTS = "events"
# Values of each facet.
_MOST_FACETS = 50
_BY_START = Order("startsAt")


@get("/events", access=PUBLIC, summary="List events", tags=_TAGS, responses=problems())
async def list_events(
    request: Request[Any, Any, Any],
    database: Database,
    search: parameters.Search = None,
    category: parameters.Category = None,
    kind: parameters.Kind = None,
    city: parameters.City = None,
    venue_id: parameters.VenueId = None,
    day: parameters.Day = None,
    since: parameters.Since = None,
    until: parameters.Until = None,
    available: parameters.Available = None,
    price_at_most: parameters.PriceAtMost = None,
    price_at_least: parameters.PriceAtLeast = None,
    sort: parameters.Sort = None,
    fields: parameters.Fields = None,
    limit: Limit = DEFAULT_LIMIT,
    cursor: Cursor = None,
    page: PageNumber = None,
) -> Page[EventSummaryView]:
    """Published events. Those that are over are left out unless a date or beginning is given.

    What is searched for with ``q`` is found by the beginnings of its words, accents and case do not
    matter, and where nothing fits, almost the same will do. It is ordered by how well it fits, and
    everything else by when it is.
    """
    filters = EventFilters(
        q=search,
        category=category,
        kind=kind,
        city=city,
        venue_id=venue_id,
        period=Period(day, moment_of("from", since), moment_of("to", until)),
        available=available,
        price_at_most=price_at_most,
        price_at_least=price_at_least,
    )
    keys = SORT_KEYS if search else [key for key in SORT_KEYS if key != "relevance"]
    usual = "-relevance" if search else "startsAt"
    order = order_of(usual if sort is None else sort, keys)
    found = await queries.events(database, filters, order, slice_of(limit, cursor, page))
    views = [event_summary_view(row) for row in found.items]
    keep(request, _KEPT_SECONDS, [_EVENTS])
    return Page(projected(views, fields, EventSummaryView), found.next_cursor, found.total)


# The framework takes what is wrong in a dependency for our mistake, so that the parameters stand
# in both routes.
@get(
    "/events/facets",
    access=PUBLIC,
    summary="What events have in common",
    tags=_TAGS,
    responses=problems(),
)
async def list_facets(
    request: Request[Any, Any, Any],
    database: Database,
    search: parameters.Search = None,
    category: parameters.Category = None,
    kind: parameters.Kind = None,
    city: parameters.City = None,
    venue_id: parameters.VenueId = None,
    day: parameters.Day = None,
    since: parameters.Since = None,
    until: parameters.Until = None,
    available: parameters.Available = None,
    price_at_most: parameters.PriceAtMost = None,
    price_at_least: parameters.PriceAtLeast = None,
) -> FacetsView:
    """The cities, kinds, categories and days of the events that fit, with how many have each.

    Each is counted without its own filter, so that a choice does not hide the others.
    """
    filters = EventFilters(
        q=search,
        category=category,
        kind=kind,
        city=city,
        venue_id=venue_id,
        period=Period(day, moment_of("from", since), moment_of("to", until)),
        available=available,
        price_at_most=price_at_most,
        price_at_least=price_at_least,
    )
    found = await queries.event_facets(database, filters, _MOST_FACETS)
    keep(request, _KEPT_SECONDS, [_EVENTS])
    return facets_view(found)


@get(
    "/events/{key:str}",
    access=PUBLIC,
    summary="An event",
    tags=_TAGS,
    responses=problems(NOT_FOUND),
)
async def get_event(key: str, database: Database, visitor: Principal | None) -> EventView:
    """An event by id or slug, with its next 20 showtimes. Members also see their drafts."""
    return event_view(await queries.event(database, _id_or_slug(key), Viewer.of(visitor)))


@get("/movies", access=PUBLIC, summary="List movies", tags=_TAGS, responses=problems())
async def list_movies(
    request: Request[Any, Any, Any],
    database: Database,
    search: parameters.Search = None,
    statuses: parameters.Statuses = None,
    limit: Limit = DEFAULT_LIMIT,
    cursor: Cursor = None,
    page: PageNumber = None,
) -> Page[ShowView]:
    """Movies by title.

    ``now_showing`` has a showtime within seven days, ``coming_soon`` a later one or none yet,
    ``ended`` only past ones.
    """
    found = await queries.shows(
        database,
        slice_of(limit, cursor, page),
        kind=MOVIE,
        q=search,
        statuses=statuses_of(statuses),
    )
    keep(request, _KEPT_SECONDS, [_EVENTS])
    return Page([show_view(row) for row in found.items], found.next_cursor, found.total)


@get(
    "/movies/{movie_id:uuid}",
    access=PUBLIC,
    summary="A movie",
    tags=_TAGS,
    responses=problems(NOT_FOUND),
)
async def get_movie(
    movie_id: UUID, database: Database, visitor: Principal | None
) -> ShowDetailView:
    """A movie and the events that show it."""
    return show_detail_view(await queries.show(database, movie_id, Viewer.of(visitor), MOVIE))


@get(
    "/movies/{movie_id:uuid}/showtimes",
    access=PUBLIC,
    summary="Showtimes of a movie",
    tags=_TAGS,
    responses=problems(NOT_FOUND),
)
async def list_movie_showtimes(
    movie_id: UUID,
    database: Database,
    visitor: Principal | None,
    day: parameters.Day = None,
    limit: Limit = DEFAULT_LIMIT,
    cursor: Cursor = None,
    page: PageNumber = None,
) -> Page[ShowtimeView]:
    """When and where a movie is shown, by start; those that are over only with their date."""
    found = await queries.movie_showtimes(
        database, movie_id, Viewer.of(visitor), Period(day), slice_of(limit, cursor, page)
    )
    return Page([showtime_view(row) for row in found.items], found.next_cursor, found.total)


@get("/shows", access=PUBLIC, summary="List shows", tags=_TAGS, responses=problems())
async def list_shows(
    request: Request[Any, Any, Any],
    database: Database,
    search: parameters.Search = None,
    kind: parameters.Kind = None,
    statuses: parameters.Statuses = None,
    limit: Limit = DEFAULT_LIMIT,
    cursor: Cursor = None,
    page: PageNumber = None,
) -> Page[ShowView]:
    """Shows of every kind by title."""
    found = await queries.shows(
        database,
        slice_of(limit, cursor, page),
        kind=kind,
        q=search,
        statuses=statuses_of(statuses),
    )
    keep(request, _KEPT_SECONDS, [_EVENTS])
    return Page([show_view(row) for row in found.items], found.next_cursor, found.total)


@get(
    "/shows/{show_id:uuid}",
    access=PUBLIC,
    summary="A show",
    tags=_TAGS,
    responses=problems(NOT_FOUND),
)
async def get_show(show_id: UUID, database: Database, visitor: Principal | None) -> ShowDetailView:
    """A show and the events that put it on."""
    return show_detail_view(await queries.show(database, show_id, Viewer.of(visitor)))


@get("/showtimes", access=PUBLIC, summary="List showtimes", tags=_TAGS, responses=problems())
async def list_showtimes(
    database: Database,
    visitor: Principal | None,
    event_id: parameters.EventId = None,
    movie_id: parameters.MovieId = None,
    day: parameters.Day = None,
    limit: Limit = DEFAULT_LIMIT,
    cursor: Cursor = None,
    page: PageNumber = None,
) -> Page[ShowtimeView]:
    """Showtimes by start; those that are over only with their date."""
    filters = ShowtimeFilters(
        Viewer.of(visitor), event_id=event_id, show_id=movie_id, period=Period(day)
    )
    found = await queries.showtimes(database, filters, _BY_START, slice_of(limit, cursor, page))
    return Page([showtime_view(row) for row in found.items], found.next_cursor, found.total)


@get(
    "/showtimes/{showtime_id:uuid}",
    access=PUBLIC,
    summary="A showtime",
    tags=_TAGS,
    responses=problems(NOT_FOUND),
)
async def get_showtime(
    showtime_id: UUID, database: Database, visitor: Principal | None
) -> ShowtimeView:
    """A showtime with its categories and what is left of each."""
    return showtime_view(await queries.showtime(database, showtime_id, Viewer.of(visitor)))


def _id_or_slug(key: str) -> UUID | str:
    # Slugs never look like ids.
    try:
        return UUID(key)
    except ValueError:
        return key


ROUTES = [
    list_events,
    list_facets,
    get_event,
    list_movies,
    get_movie,
    list_movie_showtimes,
    list_shows,
    get_show,
    list_showtimes,
    get_showtime,
]
