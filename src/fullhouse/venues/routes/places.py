"""Venues and their halls."""

from typing import Annotated, Any
from uuid import UUID

from litestar import Request, get, patch, post
from litestar.params import QueryParameter

from fullhouse.api.errors import FORBIDDEN, NOT_FOUND, UNAUTHENTICATED, problems
from fullhouse.api.exchange import keep
from fullhouse.api.lists import Order, order_of, projected
from fullhouse.api.pagination import Page, Slice
from fullhouse.api.permissions import PUBLIC, Permission, member
from fullhouse.api.principal import Principal
from fullhouse.kit.db import Database
from fullhouse.media import rules as media
from fullhouse.venues.commands import places as commands
from fullhouse.venues.errors import HALL_EXISTS, ORGANIZATION_REQUIRED
from fullhouse.venues.filters import KEEPER, Reader, VenueFilters, near_of
from fullhouse.venues.queries import places as queries
from fullhouse.venues.rules import COUNTRY_IN_WORDS
from fullhouse.venues.schemas.places import (
    HallBody,
    HallPatchBody,
    HallView,
    VenueBody,
    VenueDetailView,
    VenuePatchBody,
    VenueView,
    hall_fields,
    hall_view,
    venue_detail_view,
    venue_fields,
    venue_view,
)

_TAGS = ["Venues"]
# What keepers change drops kept answers at once; browsers hear of nothing and ask again sooner.
_KEPT_SECONDS = 300
_BROWSER_SECONDS = 60

Search = Annotated[
    str | None,
    QueryParameter(name="q", max_length=200, description="Words in the name, city or address."),
]
City = Annotated[
    str | None,
    QueryParameter(max_length=200, description="Only venues of this city; case and accents aside."),
]
Country = Annotated[
    str | None,
    QueryParameter(
        pattern="^[A-Za-z]{2}$",
        title=COUNTRY_IN_WORDS.removeprefix("must be "),
        description="Only venues of this country.",
    ),
]
NearText = Annotated[
    str | None,
    QueryParameter(
        name="near",
        pattern=r"^-?[0-9]{1,2}(\.[0-9]{1,12})?,-?[0-9]{1,3}(\.[0-9]{1,12})?$",
        title="a latitude and a longitude in degrees with a comma between, such as 47.37,8.54",
        description="Latitude and longitude in degrees: only venues around this point.",
    ),
]
RadiusKm = Annotated[
    float | None,
    QueryParameter(
        name="radiusKm", gt=0, le=20_100, description="How far from there; 25 if not given."
    ),
]
Sort = Annotated[
    str | None,
    QueryParameter(
        max_length=40,
        description="name, city or createdAt, with near also distance; - reverses.",
    ),
]
Fields = Annotated[
    str | None,
    QueryParameter(max_length=1_000, description="Only these fields of each item, with commas."),
]
OrganizationId = Annotated[
    UUID | None, QueryParameter(name="organizationId", description="Of this organization.")
]


@get("/venues", access=PUBLIC, summary="List venues", tags=_TAGS, responses=problems())
async def list_venues(
    request: Request[Any, Any, Any],
    database: Database,
    visitor: Principal | None,
    part: Slice,
    search: Search = None,
    city: City = None,
    country: Country = None,
    near: NearText = None,
    radius_km: RadiusKm = None,
    sort: Sort = None,
    fields: Fields = None,
) -> Page[VenueView]:
    """Venues by name, or with ``near`` by distance.

    Everybody sees those that are everybody's to use, and an organization's own where a published
    event is not over. Members of the organization, and its keys, see all of theirs.
    """
    filters = VenueFilters(
        Reader.of(visitor),
        q=search,
        city=city,
        country=country,
        near=near_of(near, radius_km),
    )
    found = await queries.venues(database, filters, _order(filters, sort), part)
    keep(request, _KEPT_SECONDS, ["venues", "media"], max_age=_BROWSER_SECONDS)
    return _page(found, fields)


@get(
    "/organizer/venues",
    access=member(Permission.EVENTS_READ),
    summary="List own venues",
    tags=["Organizer"],
    responses=problems(UNAUTHENTICATED, FORBIDDEN),
)
async def list_own_venues(
    database: Database,
    principal: Principal,
    part: Slice,
    organization_id: OrganizationId = None,
    search: Search = None,
    city: City = None,
    country: Country = None,
    near: NearText = None,
    radius_km: RadiusKm = None,
    sort: Sort = None,
    fields: Fields = None,
) -> Page[VenueView]:
    """Venues of the caller's organizations, also those that nobody else sees yet.

    Admins see all there are.
    """
    filters = VenueFilters(q=search, city=city, country=country, near=near_of(near, radius_km))
    found = await queries.own_venues(
        database,
        principal,
        filters,
        _order(filters, sort),
        part,
        organization_id=organization_id,
    )
    return _page(found, fields)


@get(
    "/venues/{venue_id:uuid}",
    access=PUBLIC,
    summary="A venue",
    tags=_TAGS,
    responses=problems(NOT_FOUND),
)
async def get_venue(
    venue_id: UUID,
    request: Request[Any, Any, Any],
    database: Database,
    visitor: Principal | None,
) -> VenueDetailView:
    """A venue with its halls; each hall names the newest version of its seat map.

    An organization's own is there for everybody as soon as an event at it is published, and stays
    so when that is over: people need the address and the rules of the house. Before, only its
    members and keys see it.
    """
    found = await queries.venue(database, venue_id, Reader.of(visitor))
    pictures = [media.tags_of(one)[1] for one in found.venue.images]
    tags = [*commands.tags_of(venue_id), *pictures]
    keep(request, _KEPT_SECONDS, tags, max_age=_BROWSER_SECONDS)
    return venue_detail_view(found)


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
        database, principal, organization_id=data.organization_id, **venue_fields(data)
    )
    return venue_detail_view(await queries.venue(database, venue_id, KEEPER))


@patch(
    "/venues/{venue_id:uuid}",
    access=member(Permission.VENUES_WRITE),
    summary="Change a venue",
    tags=_TAGS,
    responses=problems(UNAUTHENTICATED, FORBIDDEN, NOT_FOUND),
)
async def change_venue(
    venue_id: UUID, data: VenuePatchBody, database: Database, principal: Principal
) -> VenueDetailView:
    """What is left out stays, null takes away.

    Another time zone moves no showtime: those are moments, and events keep the zone that they were
    made with. Another time for cleaning counts for showtimes that are made from now on, and what
    events take over for events that are made from now on.
    """
    await commands.change_venue(database, principal, venue_id, venue_fields(data))
    return venue_detail_view(await queries.venue(database, venue_id, KEEPER))


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
    hall_id = await commands.create_hall(
        database, principal, venue_id, data.name, data.cleaning_minutes
    )
    return hall_view(await queries.hall(database, hall_id, KEEPER))


@get(
    "/halls/{hall_id:uuid}",
    access=PUBLIC,
    summary="A hall",
    tags=_TAGS,
    responses=problems(NOT_FOUND),
)
async def get_hall(
    hall_id: UUID,
    request: Request[Any, Any, Any],
    database: Database,
    visitor: Principal | None,
) -> HallView:
    """A hall, for whoever sees its venue."""
    hall = await queries.hall(database, hall_id, Reader.of(visitor))
    tags = commands.tags_of(hall.venue_id)
    keep(request, _KEPT_SECONDS, tags, max_age=_BROWSER_SECONDS)
    return hall_view(hall)


@patch(
    "/halls/{hall_id:uuid}",
    access=member(Permission.VENUES_WRITE),
    summary="Change a hall",
    tags=_TAGS,
    responses=problems(UNAUTHENTICATED, FORBIDDEN, NOT_FOUND, HALL_EXISTS),
)
async def change_hall(
    hall_id: UUID, data: HallPatchBody, database: Database, principal: Principal
) -> HallView:
    """What is left out stays. Another time for cleaning counts for showtimes from now on."""
    await commands.change_hall(database, principal, hall_id, hall_fields(data))
    return hall_view(await queries.hall(database, hall_id, KEEPER))


def _order(filters: VenueFilters, sort: str | None) -> Order:
    return order_of(filters.usual_sort if sort is None else sort, filters.sort_keys)


def _page(found: queries.Found, fields: str | None) -> Page[VenueView]:
    views = [venue_view(row, found.images) for row in found.part.items]
    return Page(projected(views, fields, VenueView), found.part.next_cursor, found.part.total)


ROUTES = [
    list_venues,
    list_own_venues,
    get_venue,
    create_venue,
    change_venue,
    create_hall,
    get_hall,
    change_hall,
]
