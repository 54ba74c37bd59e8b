"""Venues and their halls."""

from typing import Annotated
from uuid import UUID

from litestar import get, post
from litestar.params import QueryParameter

from fullhouse.api.errors import FORBIDDEN, NOT_FOUND, UNAUTHENTICATED, problems
from fullhouse.api.pagination import DEFAULT_LIMIT, Cursor, Limit, Page, PageNumber, slice_of
from fullhouse.api.permissions import PUBLIC, Permission, member
from fullhouse.api.principal import Principal
from fullhouse.kit.db import Database
from fullhouse.venues.commands import places as commands
from fullhouse.venues.errors import HALL_EXISTS, ORGANIZATION_REQUIRED
from fullhouse.venues.queries import places as queries
from fullhouse.venues.schemas.places import (
    HallBody,
    HallView,
    VenueBody,
    VenueDetailView,
    VenueView,
    hall_view,
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


ROUTES = [list_venues, get_venue, create_venue, create_hall]
