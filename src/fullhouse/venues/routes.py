"""Routes of the venues, below ``/api/v1``."""

from typing import Annotated, Any
from uuid import UUID

import msgspec
from litestar import Request, Response, get, post, put
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import QueryParameter

from fullhouse.api.errors import FORBIDDEN, NOT_FOUND, UNAUTHENTICATED, problems
from fullhouse.api.pagination import DEFAULT_LIMIT, Cursor, Limit, Page, PageNumber, slice_of
from fullhouse.api.permissions import PUBLIC, Permission, member
from fullhouse.api.principal import Principal
from fullhouse.kit.db import Database
from fullhouse.venues import commands, queries
from fullhouse.venues.errors import HALL_EXISTS, ORGANIZATION_REQUIRED, SEAT_MAP_INVALID
from fullhouse.venues.queries import SeatMaps
from fullhouse.venues.schemas import (
    HallBody,
    HallView,
    SeatMapBody,
    SeatMapSummaryView,
    SeatMapView,
    VenueBody,
    VenueDetailView,
    VenueView,
    hall_view,
    layout_of,
    seat_map_summary_view,
    seat_map_view,
    venue_detail_view,
    venue_view,
)

_TAGS = ["Venues"]
_FOR_GOOD = "public, max-age=31536000, immutable"

City = Annotated[
    str | None,
    QueryParameter(max_length=200, description="Only venues of this city."),
]


@get("/venues", access=PUBLIC, summary="List venues", tags=_TAGS, responses=problems())
async def list_venues(
    database: Database,
    city: City = None,
    limit: Limit = DEFAULT_LIMIT,
    cursor: Cursor = None,
    page: PageNumber = None,
) -> Page[VenueView]:
    """Venues by name."""
    found = await queries.venues(database, slice_of(limit, cursor, page), city)
    return Page([venue_view(venue) for venue in found.venues], found.next_cursor, found.total)


@get(
    "/venues/{venue_id:uuid}",
    access=PUBLIC,
    summary="A venue",
    tags=_TAGS,
    responses=problems(NOT_FOUND),
)
async def get_venue(venue_id: UUID, database: Database) -> VenueDetailView:
    """A venue with its halls; each hall names the newest version of its seat map."""
    return venue_detail_view(await queries.venue(database, venue_id))


@post(
    "/venues",
    access=member(Permission.VENUES_WRITE),
    summary="Make a venue",
    tags=_TAGS,
    responses=problems(UNAUTHENTICATED, FORBIDDEN, ORGANIZATION_REQUIRED),
)
async def create_venue(
    data: VenueBody, database: Database, principal: Principal
) -> VenueDetailView:
    """A venue of the caller's organization. An admin's, without one, is everybody's to use."""
    venue_id = await commands.create_venue(
        database,
        principal,
        name=data.name,
        city=data.city,
        country=data.country,
        timezone=data.timezone,
        address=data.address,
        organization_id=data.organization_id,
    )
    return venue_detail_view(await queries.venue(database, venue_id))


@post(
    "/venues/{venue_id:uuid}/halls",
    access=member(Permission.VENUES_WRITE),
    summary="Make a hall",
    tags=_TAGS,
    responses=problems(UNAUTHENTICATED, FORBIDDEN, NOT_FOUND, HALL_EXISTS),
)
async def create_hall(
    venue_id: UUID, data: HallBody, database: Database, principal: Principal
) -> HallView:
    """A hall of one of the organization's venues."""
    hall_id = await commands.create_hall(database, principal, venue_id, data.name)
    return hall_view(await queries.hall(database, hall_id))


@put(
    "/halls/{hall_id:uuid}/seat-map",
    access=member(Permission.VENUES_WRITE),
    summary="Give a hall a new seat map",
    tags=_TAGS,
    responses=problems(UNAUTHENTICATED, FORBIDDEN, NOT_FOUND, SEAT_MAP_INVALID),
)
async def put_seat_map(
    hall_id: UUID, data: SeatMapBody, database: Database, principal: Principal
) -> SeatMapSummaryView:
    """Make the next version; showtimes that exist keep the version they are sold by.

    A seat that has the same section, row and number in both versions keeps its id.
    """
    seat_map = await commands.put_seat_map(database, principal, hall_id, layout_of(data))
    return seat_map_summary_view(seat_map)


@get(
    "/seat-maps/{seat_map_id:uuid}",
    access=PUBLIC,
    summary="A version of a seat map",
    tags=_TAGS,
    responses={
        **problems(NOT_FOUND),
        304: ResponseSpec(None, description="Not Modified: the copy at hand is this version."),
    },
)
async def get_seat_map(
    seat_map_id: UUID, request: Request[Any, Any, Any], seat_maps: SeatMaps
) -> Response[SeatMapView]:
    """All seats with their places. A version never changes, so that a copy may be kept for good."""
    seat_map = await seat_maps.get(seat_map_id)
    etag = f'"{seat_map.id}"'
    headers = {"Cache-Control": _FOR_GOOD, "ETag": etag}
    if _names(request.headers.get("if-none-match", ""), etag):
        return Response(None, status_code=304, headers=headers)  # type: ignore[arg-type]
    return Response(
        msgspec.json.encode(seat_map_view(seat_map)),  # type: ignore[arg-type]
        media_type="application/json",
        headers=headers,
    )


def _names(if_none_match: str, etag: str) -> bool:
    """Whether an If-None-Match header names this entity tag (RFC 9110, weak comparison)."""
    named = [tag.strip().removeprefix("W/") for tag in if_none_match.split(",")]
    return etag in named or "*" in named


ROUTES = [list_venues, get_venue, create_venue, create_hall, put_seat_map, get_seat_map]
