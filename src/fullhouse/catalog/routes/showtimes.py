"""Routes of showtimes, below ``/api/v1``: for everybody, and for those who run them."""

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from litestar import Request, get, patch, post

from fullhouse.api.errors import FORBIDDEN, NOT_FOUND, UNAUTHENTICATED, problems
from fullhouse.api.exchange import keep
from fullhouse.api.lists import projected
from fullhouse.api.pagination import Page, Slice
from fullhouse.api.permissions import PUBLIC, Permission, member
from fullhouse.api.principal import Principal
from fullhouse.catalog import errors as codes
from fullhouse.catalog import parameters, queries
from fullhouse.catalog.commands import scheduling, showtimes
from fullhouse.catalog.filters import (
    SHOWTIME_STATUSES,
    Period,
    ShowtimeFilters,
    Viewer,
    moment_of,
    order_of,
    showtime_statuses_of,
)
from fullhouse.catalog.schemas.showtimes import (
    GenerateBody,
    MadeView,
    SeriesBody,
    ShowtimeBody,
    ShowtimeChangeBody,
    change_of,
    generated,
    made_view,
    series_of,
    showtime_draft,
)
from fullhouse.catalog.schemas.views import ShowtimeView, showtime_view
from fullhouse.kit.db import Database
from fullhouse.venues.queries.seat_maps import SeatMaps

_PUBLIC_TAGS = ["Catalogue"]
_TAGS = ["Organizer"]
_SORT_KEYS = ("startsAt",)
# How long answers are kept, for what; who is not signed in may be told of a sale a second late.
_KEPT_SECONDS = 60
_SHOWN = ("events", "venues", "media")
_BROWSER_SECONDS = 1

# Whoever may change something is shown what came of it, also a key that may read no drafts.
_WHO_CHANGED_IT = Viewer(organizations=None)

_CHANGES = (UNAUTHENTICATED, FORBIDDEN, NOT_FOUND, codes.EVENT_CLOSED)


@get("/showtimes", access=PUBLIC, summary="List showtimes", tags=_PUBLIC_TAGS, responses=problems())
async def list_showtimes(
    request: Request[Any, Any, Any],
    database: Database,
    visitor: Principal | None,
    part: Slice,
    event_id: parameters.EventId = None,
    movie_id: parameters.MovieId = None,
    venue_id: parameters.VenueId = None,
    hall_id: parameters.HallId = None,
    day: parameters.Day = None,
    since: parameters.Since = None,
    until: parameters.Until = None,
    statuses: parameters.ShowtimeStatuses = None,
    sort: parameters.ShowtimeSort = None,
    fields: parameters.Fields = None,
) -> Page[ShowtimeView]:
    """Showtimes by start; those that are over only with their date or beginning.

    Cancelled ones are left out unless ``status`` asks for them.
    """
    filters = ShowtimeFilters(
        Viewer.of(visitor),
        event_id=event_id,
        show_id=movie_id,
        period=Period(day, moment_of("from", since), moment_of("to", until)),
        venue_id=venue_id,
        hall_id=hall_id,
        statuses=showtime_statuses_of(statuses, SHOWTIME_STATUSES[:1]),
    )
    order = order_of("startsAt" if sort is None else sort, _SORT_KEYS)
    found = await queries.showtimes(database, filters, order, part)
    _keep(request, [row.id for row in found.items])
    views = [showtime_view(row) for row in found.items]
    return Page(projected(views, fields, ShowtimeView), found.next_cursor, found.total)


@get(
    "/showtimes/{showtime_id:uuid}",
    access=PUBLIC,
    summary="A showtime",
    tags=_PUBLIC_TAGS,
    responses=problems(NOT_FOUND),
)
async def get_showtime(
    request: Request[Any, Any, Any],
    showtime_id: UUID,
    database: Database,
    visitor: Principal | None,
) -> ShowtimeView:
    """A showtime with its categories and what is left of each; its status says if it is on."""
    found = await queries.showtime(database, showtime_id, Viewer.of(visitor))
    _keep(request, [found.id])
    return showtime_view(found)


def _keep(request: Request[Any, Any, Any], shown: Iterable[UUID]) -> None:
    keep(
        request,
        _KEPT_SECONDS,
        _SHOWN,
        lagging=[f"showtime:{showtime_id}" for showtime_id in shown],
        max_age=_BROWSER_SECONDS,
    )


@get(
    "/organizer/showtimes",
    access=member(Permission.EVENTS_READ),
    summary="List own showtimes",
    tags=_TAGS,
    responses=problems(UNAUTHENTICATED, FORBIDDEN),
)
async def list_own_showtimes(
    database: Database,
    principal: Principal,
    part: Slice,
    organization_id: parameters.OrganizationId = None,
    event_id: parameters.EventId = None,
    venue_id: parameters.VenueId = None,
    hall_id: parameters.HallId = None,
    day: parameters.Day = None,
    since: parameters.Since = None,
    until: parameters.Until = None,
    statuses: parameters.ShowtimeStatuses = None,
    sort: parameters.ShowtimeSort = None,
    fields: parameters.Fields = None,
) -> Page[ShowtimeView]:
    """Showtimes of the caller's organizations, also of drafts and cancelled ones, by start.

    Those that are over only with their date or beginning.
    """
    filters = ShowtimeFilters(
        event_id=event_id,
        period=Period(day, moment_of("from", since), moment_of("to", until)),
        venue_id=venue_id,
        hall_id=hall_id,
        statuses=showtime_statuses_of(statuses, SHOWTIME_STATUSES),
    )
    order = order_of("startsAt" if sort is None else sort, _SORT_KEYS)
    found = await queries.own_showtimes(
        database, principal, filters, order, part, organization_id=organization_id
    )
    views = [showtime_view(row) for row in found.items]
    return Page(projected(views, fields, ShowtimeView), found.next_cursor, found.total)


@post(
    "/events/{event_id:uuid}/showtimes",
    access=member(Permission.EVENTS_WRITE),
    summary="Add a showtime",
    tags=_TAGS,
    responses=problems(*_CHANGES, codes.SCHEDULE_CONFLICT, codes.STARTS_IN_PAST),
)
async def add_showtime(
    event_id: UUID,
    data: ShowtimeBody,
    database: Database,
    seat_maps: SeatMaps,
    principal: Principal,
) -> ShowtimeView:
    """One more sitting, sold by the newest seat map of its hall."""
    (showtime_id,) = await showtimes.add_showtimes(
        database, seat_maps, principal, event_id, [showtime_draft(data)]
    )
    return showtime_view(await queries.showtime(database, showtime_id, _WHO_CHANGED_IT))


@post(
    "/events/{event_id:uuid}/showtimes/generate",
    access=member(Permission.EVENTS_WRITE),
    summary="Add showtimes day by day",
    tags=_TAGS,
    responses=problems(*_CHANGES, codes.SCHEDULE_CONFLICT),
)
async def generate_showtimes(
    event_id: UUID,
    data: GenerateBody,
    database: Database,
    seat_maps: SeatMaps,
    principal: Principal,
) -> MadeView:
    """The same times on each day, by the clock where the event is; all or none.

    At most 1,000 showtimes within 366 days. What the event has already, what is over and what the
    clock never shows is left out. Where the hall is not free nothing is made, and ``conflicts``
    names what is in the way of which, unless ``skipConflicts`` is set.
    """
    made = await scheduling.make_series(database, seat_maps, principal, event_id, generated(data))
    return made_view(made)


@post(
    "/events/{event_id:uuid}/showtimes/series",
    access=member(Permission.EVENTS_WRITE),
    summary="Add showtimes by a rule",
    tags=_TAGS,
    responses=problems(*_CHANGES, codes.SCHEDULE_CONFLICT),
)
async def add_series(
    event_id: UUID,
    data: SeriesBody,
    database: Database,
    seat_maps: SeatMaps,
    principal: Principal,
) -> MadeView:
    """The same times on each day that the rule names, such as every second Friday.

    Limits and refusals are those of ``/generate``.
    """
    made = await scheduling.make_series(database, seat_maps, principal, event_id, series_of(data))
    return made_view(made)


@patch(
    "/showtimes/{showtime_id:uuid}",
    access=member(Permission.EVENTS_WRITE),
    summary="Move a showtime",
    tags=_TAGS,
    responses=problems(
        *_CHANGES,
        codes.SCHEDULE_CONFLICT,
        codes.SHOWTIME_BEGUN,
        codes.SHOWTIME_CANCELLED,
        codes.STARTS_IN_PAST,
        codes.SEATS_CLAIMED,
    ),
)
async def change_showtime(
    showtime_id: UUID,
    data: ShowtimeChangeBody,
    database: Database,
    seat_maps: SeatMaps,
    principal: Principal,
) -> ShowtimeView:
    """To another time, which whoever holds a place is told of, or while none is taken to another
    hall of the venue, by whose newest seat map it is sold then.

    What is published can be moved until it begins, and not into the past; drafts as one likes.
    """
    await showtimes.reschedule(database, seat_maps, principal, showtime_id, change_of(data))
    return showtime_view(await queries.showtime(database, showtime_id, _WHO_CHANGED_IT))


ROUTES = [
    list_showtimes,
    get_showtime,
    list_own_showtimes,
    add_showtime,
    generate_showtimes,
    add_series,
    change_showtime,
]
