"""What is free: for everybody, asked all the time."""

from typing import Annotated
from uuid import UUID

from litestar import MediaType, Response, get, post
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import HeaderParameter

from fullhouse.api.errors import NOT_FOUND, problems
from fullhouse.api.permissions import PUBLIC
from fullhouse.api.principal import Principal
from fullhouse.bookings import errors as codes
from fullhouse.bookings import queries
from fullhouse.bookings.best_seats import BestSeats
from fullhouse.bookings.commands import Desk
from fullhouse.bookings.schemas.seats import (
    AvailabilityView,
    BestSeatsRequest,
    BestSeatsView,
    SeatsView,
)
from fullhouse.bookings.seat_states import SeatStates, Shown

_TAGS = ["Showtimes"]

# Asked again and again, so that an unchanged answer costs no body.
REVALIDATE = "public, no-cache"

_UNCHANGED = ResponseSpec(None, generate_examples=False, description="As the client has it.")

IfNoneMatch = Annotated[
    str | None,
    HeaderParameter(
        name="If-None-Match",
        required=False,
        description="The ETag of the answer that the client has.",
    ),
]


@get(
    "/showtimes/{showtime_id:uuid}/seats",
    access=PUBLIC,
    summary="Seats of a showtime",
    tags=_TAGS,
    responses=problems(NOT_FOUND)
    | {
        200: ResponseSpec(SeatsView, generate_examples=False, description="As it is now."),
        304: _UNCHANGED,
    },
)
async def get_seats(
    showtime_id: UUID,
    visitor: Principal | None,
    desk: Desk,
    seat_states: SeatStates,
    if_none_match: IfNoneMatch = None,
) -> Response[bytes | None]:
    """Every seat with its status, in the order of the seat map."""
    terms = await queries.visible_terms(desk, visitor, showtime_id)
    return _answer(await queries.seats(seat_states, terms, if_none_match))


@get(
    "/showtimes/{showtime_id:uuid}/availability",
    access=PUBLIC,
    summary="Availability of a showtime",
    tags=_TAGS,
    responses=problems(NOT_FOUND)
    | {
        200: ResponseSpec(AvailabilityView, generate_examples=False, description="As it is now."),
        304: _UNCHANGED,
    },
)
async def get_availability(
    showtime_id: UUID,
    visitor: Principal | None,
    desk: Desk,
    seat_states: SeatStates,
    if_none_match: IfNoneMatch = None,
) -> Response[bytes | None]:
    """Counters and packed seat states, with a version that rises with every change."""
    terms = await queries.visible_terms(desk, visitor, showtime_id)
    return _answer(await queries.availability(seat_states, terms, if_none_match))


def _answer(shown: Shown) -> Response[bytes | None]:
    headers = {"ETag": shown.etag, "Cache-Control": REVALIDATE}
    if shown.body is None:
        return Response(None, status_code=304, headers=headers)
    return Response(shown.body, media_type=MediaType.JSON, headers=headers)


@post(
    "/showtimes/{showtime_id:uuid}/best-available",
    access=PUBLIC,
    status_code=200,
    summary="Propose the best seats",
    tags=_TAGS,
    responses=problems(NOT_FOUND, codes.NO_SEAT_MAP, codes.UNKNOWN_CATEGORY, codes.SOLD_OUT),
)
async def propose_seats(
    showtime_id: UUID,
    data: BestSeatsRequest,
    visitor: Principal | None,
    desk: Desk,
    best_seats: BestSeats,
) -> BestSeatsView:
    """Free seats side by side, near what everybody looks at; nothing is held yet.

    No seat is left single where that can be avoided. Seats for people in wheelchairs are proposed
    to others only when nothing else is left.
    """
    terms = await queries.visible_terms(desk, visitor, showtime_id)
    return await best_seats.propose(terms, data)


ROUTES = [get_seats, get_availability, propose_seats]
