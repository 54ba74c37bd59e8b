"""What everybody may read."""

from typing import Any
from uuid import UUID

from litestar import Request, get
from litestar.di import Provide
from litestar.params import SkipValidation

from fullhouse.api.errors import NOT_FOUND, problems
from fullhouse.api.exchange import keep
from fullhouse.api.pagination import Page, Slice
from fullhouse.api.permissions import PUBLIC
from fullhouse.api.principal import Principal
from fullhouse.catalog import parameters, queries
from fullhouse.catalog.filters import (
    MOVIE,
    SHOWTIME_STATUSES,
    EventFilters,
    Period,
    ShowFilters,
    ShowtimeFilters,
    Viewer,
    id_or_slug,
    moment_of,
    order_of,
    search_order,
    showtime_statuses_of,
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
    show_views,
    showtime_view,
)
from fullhouse.catalog.store.events import SORT_KEYS
from fullhouse.catalog.store.shows import SORT_KEYS as SHOW_SORT_KEYS
from fullhouse.kit.db import Database

_TAGS = ["Catalogue"]
# How long lists are kept; what organizers change drops them at once.
_KEPT_SECONDS = 60
_EVENTS = "events"
# What pages with pictures and places are made from.
_SHOWN = (_EVENTS, "venues", "media")
# Of pages with what is left: browsers hear of no sale.
_BROWSER_SECONDS = 1
# Values of each facet.
_MOST_FACETS = 50
_BY_TITLE = "title"
_BY_START = "startsAt"


async def _event_filters(
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
) -> EventFilters:
    """Dependency ``filters``: which events are asked for."""
    return EventFilters(
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


_EVENT_FILTERS = {"filters": Provide(_event_filters)}
# They are made here: the framework need not look at them again, and cannot.
Filters = SkipValidation[EventFilters]


@get(
    "/events",
    access=PUBLIC,
    summary="List events",
    tags=_TAGS,
    responses=problems(),
    dependencies=_EVENT_FILTERS,
)
async def list_events(
    request: Request[Any, Any, Any],
    database: Database,
    filters: Filters,
    part: Slice,
    sort: parameters.Sort = None,
    fields: parameters.Fields = None,
) -> Page[EventSummaryView]:
    """Published events. Those that are over are left out unless a date or beginning is given.

    What is searched for with ``q`` is found by the beginnings of its words, accents and case do not
    matter, and where nothing fits, almost the same will do. It is ordered by how well it fits, and
    everything else by when it is.
    """
    order = search_order(sort, filters.q, SORT_KEYS, "startsAt")
    found = await queries.events(database, filters, order, part)
    views = [event_summary_view(row) for row in found.items]
    keep(request, _KEPT_SECONDS, [_EVENTS, "media"])
    return Page(projected(views, fields, EventSummaryView), found.next_cursor, found.total)


@get(
    "/events/facets",
    access=PUBLIC,
    summary="What events have in common",
    tags=_TAGS,
    responses=problems(),
    dependencies=_EVENT_FILTERS,
)
async def list_facets(
    request: Request[Any, Any, Any],
    database: Database,
    filters: Filters,
) -> FacetsView:
    """The cities, kinds, categories and days of the events that fit, with how many have each.

    Each is counted without its own filter, so that a choice does not hide the others.
    """
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
async def get_event(
    request: Request[Any, Any, Any], key: str, database: Database, visitor: Principal | None
) -> EventView:
    """An event by id or slug, with its next 20 showtimes. Members also see their drafts.

    Whoever belongs to no organization may be told of a sale a second late.
    """
    found = await queries.event(database, id_or_slug(key), Viewer.of(visitor))
    keep(
        request,
        _KEPT_SECONDS,
        _SHOWN,
        lagging=[f"showtime:{row.id}" for row in found.showtimes],
        max_age=_BROWSER_SECONDS,
    )
    return event_view(found)


@get("/movies", access=PUBLIC, summary="List movies", tags=_TAGS, responses=problems())
async def list_movies(
    request: Request[Any, Any, Any],
    database: Database,
    part: Slice,
    search: parameters.ShowSearch = None,
    statuses: parameters.Statuses = None,
    genre: parameters.Genre = None,
    language: parameters.Language = None,
    sort: parameters.ShowSort = None,
    fields: parameters.Fields = None,
) -> Page[ShowView]:
    """Movies that are put on or announced, by title; with ``q`` those that fit best first.

    ``now_showing`` has a showtime within seven days, ``coming_soon`` a later one or none yet,
    ``ended`` only past ones. A day of release that is still to come, or a last day that is past,
    goes before that.
    """
    filters = ShowFilters(MOVIE, search, genre, language, statuses_of(statuses))
    order = search_order(sort, search, SHOW_SORT_KEYS, _BY_TITLE)
    found = await queries.shows(database, filters, order, part)
    views = projected(show_views(found), fields, ShowView)
    keep(request, _KEPT_SECONDS, _SHOWN)
    return Page(views, found.part.next_cursor, found.part.total)


@get(
    "/movies/{movie_id:uuid}",
    access=PUBLIC,
    summary="A movie",
    tags=_TAGS,
    responses=problems(NOT_FOUND),
)
async def get_movie(
    request: Request[Any, Any, Any], movie_id: UUID, database: Database, visitor: Principal | None
) -> ShowDetailView:
    """A movie and the events that show it."""
    found = await queries.show(database, movie_id, Viewer.of(visitor), MOVIE)
    keep(request, _KEPT_SECONDS, _SHOWN)
    return show_detail_view(found)


@get(
    "/movies/{movie_id:uuid}/showtimes",
    access=PUBLIC,
    summary="Showtimes of a movie",
    tags=_TAGS,
    responses=problems(NOT_FOUND),
)
async def list_movie_showtimes(
    request: Request[Any, Any, Any],
    movie_id: UUID,
    database: Database,
    visitor: Principal | None,
    part: Slice,
    venue_id: parameters.VenueId = None,
    hall_id: parameters.HallId = None,
    day: parameters.Day = None,
    since: parameters.Since = None,
    until: parameters.Until = None,
    statuses: parameters.ShowtimeStatuses = None,
    sort: parameters.ShowtimeSort = None,
    fields: parameters.Fields = None,
) -> Page[ShowtimeView]:
    """When and where a movie is shown, by start.

    Those that are over are shown only with their date or beginning, and cancelled ones only where
    ``status`` asks for them.
    """
    filters = ShowtimeFilters(
        Viewer.of(visitor),
        period=Period(day, moment_of("from", since), moment_of("to", until)),
        venue_id=venue_id,
        hall_id=hall_id,
        statuses=showtime_statuses_of(statuses, SHOWTIME_STATUSES[:1]),
    )
    order = order_of(_BY_START if sort is None else sort, [_BY_START])
    found = await queries.movie_showtimes(database, movie_id, filters, order, part)
    keep(
        request,
        _KEPT_SECONDS,
        _SHOWN,
        lagging=[f"showtime:{row.id}" for row in found.items],
        max_age=_BROWSER_SECONDS,
    )
    views = projected([showtime_view(row) for row in found.items], fields, ShowtimeView)
    return Page(views, found.next_cursor, found.total)


@get("/shows", access=PUBLIC, summary="List shows", tags=_TAGS, responses=problems())
async def list_shows(
    request: Request[Any, Any, Any],
    database: Database,
    part: Slice,
    search: parameters.ShowSearch = None,
    kind: parameters.Kind = None,
    statuses: parameters.Statuses = None,
    genre: parameters.Genre = None,
    language: parameters.Language = None,
    sort: parameters.ShowSort = None,
    fields: parameters.Fields = None,
) -> Page[ShowView]:
    """Shows of every kind, else as the movies: their order, their statuses, and which there are."""
    filters = ShowFilters(kind, search, genre, language, statuses_of(statuses))
    order = search_order(sort, search, SHOW_SORT_KEYS, _BY_TITLE)
    found = await queries.shows(database, filters, order, part)
    views = projected(show_views(found), fields, ShowView)
    keep(request, _KEPT_SECONDS, _SHOWN)
    return Page(views, found.part.next_cursor, found.part.total)


@get(
    "/shows/{show_id:uuid}",
    access=PUBLIC,
    summary="A show",
    tags=_TAGS,
    responses=problems(NOT_FOUND),
)
async def get_show(
    request: Request[Any, Any, Any], show_id: UUID, database: Database, visitor: Principal | None
) -> ShowDetailView:
    """A show and the events that put it on."""
    found = await queries.show(database, show_id, Viewer.of(visitor))
    keep(request, _KEPT_SECONDS, _SHOWN)
    return show_detail_view(found)


ROUTES = [
    list_events,
    list_facets,
    get_event,
    list_movies,
    get_movie,
    list_movie_showtimes,
    list_shows,
    get_show,
]
