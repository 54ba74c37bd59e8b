"""What the organization's members do with what they sell."""

from uuid import UUID

from litestar import Response, patch, post
from msgspec import UNSET

from fullhouse.api.errors import (
    FORBIDDEN,
    NOT_FOUND,
    UNAUTHENTICATED,
    problems,
)
from fullhouse.api.permissions import Permission, member
from fullhouse.api.principal import Principal, require
from fullhouse.bookings import commands, queries
from fullhouse.bookings import errors as codes
from fullhouse.bookings.commands import Desk, staff_of
from fullhouse.bookings.routes.buying import replayed_header
from fullhouse.bookings.schemas.organizing import AllotmentRequest, AllotmentView, SeatsRequest
from fullhouse.catalog.rules import SaleTerms
from fullhouse.venues.errors import SEAT_AMBIGUOUS, UNKNOWN_SEAT

_TAGS = ["Box office"]


@post(
    "/showtimes/{showtime_id:uuid}/seats/block",
    access=member(Permission.PLACES_WRITE),
    status_code=204,
    summary="Block seats",
    tags=_TAGS,
    responses=problems(
        UNAUTHENTICATED,
        FORBIDDEN,
        NOT_FOUND,
        UNKNOWN_SEAT,
        SEAT_AMBIGUOUS,
        codes.DUPLICATE_SEAT,
        codes.NO_SEAT_MAP,
        codes.SEATS_TAKEN,
        codes.SEATS_NOT_FOR_SALE,
    ),
)
async def block_seats(
    showtime_id: UUID, data: SeatsRequest, principal: Principal, desk: Desk
) -> Response[None]:
    """Take free seats off sale, all or none."""
    terms = await _own_terms(desk, principal, showtime_id)
    result = await commands.block_seats(desk, staff_of(principal), terms, data.seats)
    return Response(None, headers=replayed_header(result))


@post(
    "/showtimes/{showtime_id:uuid}/seats/unblock",
    access=member(Permission.PLACES_WRITE),
    status_code=204,
    summary="Unblock seats",
    tags=_TAGS,
    responses=problems(
        UNAUTHENTICATED,
        FORBIDDEN,
        NOT_FOUND,
        UNKNOWN_SEAT,
        SEAT_AMBIGUOUS,
        codes.DUPLICATE_SEAT,
        codes.NO_SEAT_MAP,
        codes.SEATS_TAKEN,
    ),
)
async def unblock_seats(
    showtime_id: UUID, data: SeatsRequest, principal: Principal, desk: Desk
) -> Response[None]:
    """Put blocked seats back on sale, all or none."""
    terms = await _own_terms(desk, principal, showtime_id)
    result = await commands.unblock_seats(desk, staff_of(principal), terms, data.seats)
    return Response(None, headers=replayed_header(result))


@patch(
    "/showtimes/{showtime_id:uuid}/allotments/{category_id:uuid}",
    access=member(Permission.PLACES_WRITE),
    summary="Change an allotment",
    tags=_TAGS,
    responses=problems(
        UNAUTHENTICATED,
        FORBIDDEN,
        NOT_FOUND,
        codes.UNKNOWN_CATEGORY,
        codes.SEATED_CATEGORY,
        codes.BELOW_COMMITTED,
    ),
)
async def resize(
    showtime_id: UUID, category_id: UUID, data: AllotmentRequest, principal: Principal, desk: Desk
) -> AllotmentView:
    """Set what a category has at this showtime: its price, and where places are counted how many
    there are and how many of them are blocked; all of it or nothing.

    The price also asks for the permission to change events. Bookings keep theirs; who waits is
    offered places at the price of that moment.
    """
    terms = await _own_terms(desk, principal, showtime_id)
    if data.price is not UNSET:
        require(principal, Permission.EVENTS_WRITE, terms.organization_id)
    allotment, price = await commands.resize(
        desk, staff_of(principal), terms, category_id, data.capacity, data.blocked, data.price
    )
    return AllotmentView(
        allotment.category_id,
        allotment.capacity,
        allotment.available,
        allotment.held,
        allotment.sold,
        allotment.blocked,
        allotment.waiting,
        price,
    )


async def _own_terms(desk: Desk, principal: Principal, showtime_id: UUID) -> SaleTerms:
    terms = await queries.visible_terms(desk, principal, showtime_id)
    require(principal, Permission.PLACES_WRITE, terms.organization_id)
    return terms


ROUTES = [block_seats, unblock_seats, resize]
