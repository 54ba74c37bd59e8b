"""What the organization's members read of what was booked with it."""

from typing import Annotated
from uuid import UUID

from litestar import get
from litestar.params import QueryParameter

from fullhouse.api.errors import FORBIDDEN, UNAUTHENTICATED, problems
from fullhouse.api.lists import order_of, projected
from fullhouse.api.organizations import ORGANIZATION_REQUIRED
from fullhouse.api.pagination import Page, Slice
from fullhouse.api.permissions import Permission, member
from fullhouse.api.principal import Principal
from fullhouse.bookings import queries
from fullhouse.bookings.schemas.bookings import InStatus, SoldBookingView
from fullhouse.bookings.store.sold import SoldFilters
from fullhouse.catalog.filters import Period, moment_of
from fullhouse.catalog.parameters import EventId, Fields, OrganizationId
from fullhouse.kit.db import Database
from fullhouse.venues.queries.seat_maps import SeatMaps

ShowtimeId = Annotated[
    UUID | None, QueryParameter(name="showtimeId", description="At this showtime.")
]
Code = Annotated[
    str | None,
    QueryParameter(min_length=1, max_length=40, description="Has this code, in either case."),
]
Buyer = Annotated[
    str | None,
    QueryParameter(
        name="q",
        min_length=2,
        max_length=200,
        description="What the name or the address of who booked begins with.",
    ),
]
Since = Annotated[
    str | None,
    QueryParameter(name="from", max_length=40, description="Made on or after this date or time."),
]
Until = Annotated[
    str | None,
    QueryParameter(name="to", max_length=40, description="Made on or before this date or time."),
]
Sort = Annotated[str, QueryParameter(max_length=40, description="createdAt; - reverses.")]


@get(
    "/organizer/bookings",
    access=member(Permission.BOOKINGS_READ),
    summary="List what was booked",
    tags=["Organizer"],
    responses=problems(UNAUTHENTICATED, FORBIDDEN, ORGANIZATION_REQUIRED),
)
async def list_sold(
    database: Database,
    seat_maps: SeatMaps,
    principal: Principal,
    part: Slice,
    organization_id: OrganizationId = None,
    event_id: EventId = None,
    showtime_id: ShowtimeId = None,
    status: InStatus = None,
    code: Code = None,
    buyer: Buyer = None,
    since: Since = None,
    until: Until = None,
    sort: Sort = "-createdAt",
    fields: Fields = None,
) -> Page[SoldBookingView]:
    """Bookings with the caller's organizations, each with its buyer, newest first.

    Dates are those of UTC. In a rush those of one moment come in the order in which they were
    asked for, not that in which they were decided.
    """
    found = await queries.sold_bookings(
        database,
        seat_maps,
        principal,
        organization_id,
        SoldFilters((), event_id, showtime_id, status, code, buyer),
        Period(None, moment_of("from", since), moment_of("to", until)),
        order_of(sort, ["createdAt"]),
        part,
    )
    return Page(projected(found.items, fields, SoldBookingView), found.next_cursor, found.total)


ROUTES = [list_sold]
