"""What is free: for everybody, asked all the time."""

from typing import Annotated
from uuid import UUID

from litestar import Response, get
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import HeaderParameter

from fullhouse.api.errors import NOT_FOUND, problems
from fullhouse.api.principal import Principal
from fullhouse.bookings import queries
from fullhouse.bookings.commands import Desk
from fullhouse.bookings.schemas import AvailabilityView, SeatsView
from fullhouse.kit.db import Database

_TAGS = ["Showtimes"]

# Asked again and again, so that an unchanged answer costs no body.
_REVALIDATE = "public, no-cache"

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
    summary="Seats of a showtime",
    tags=_TAGS,
    responses=problems(NOT_FOUND),
)
async def get_seats(
    showtime_id: UUID, visitor: Principal | None, desk: Desk, database: Database
) -> SeatsView:
    """Every seat with its status, in the order of the seat map."""
    terms = await queries.visible_terms(desk, visitor, showtime_id)
    return await queries.seats(database, desk, terms)


@get(
    "/showtimes/{showtime_id:uuid}/availability",
    summary="Availability of a showtime",
    tags=_TAGS,
    responses=problems(NOT_FOUND)
    | {
        200: ResponseSpec(AvailabilityView, generate_examples=False, description="As it is now."),
        304: ResponseSpec(None, generate_examples=False, description="As the client has it."),
    },
)
async def get_availability(
    showtime_id: UUID,
    visitor: Principal | None,
    desk: Desk,
    database: Database,
    if_none_match: IfNoneMatch = None,
) -> Response[AvailabilityView | None]:
    """Counters and packed seat states, with a version that rises with every change."""
    terms = await queries.visible_terms(desk, visitor, showtime_id)
    # The terms count too: they say which seats are for sale.
    if if_none_match is not None:
        current = _etag(await queries.version_of(database, showtime_id), terms.revision)
        if if_none_match == current:
            headers = {"ETag": current, "Cache-Control": _REVALIDATE}
            return Response(None, status_code=304, headers=headers)
    view = await queries.availability(database, desk, terms)
    headers = {"ETag": _etag(view.version, terms.revision), "Cache-Control": _REVALIDATE}
    return Response(view, headers=headers)


def _etag(version: int, revision: int) -> str:
    return f'"{version}-{revision}"'


ROUTES = [get_seats, get_availability]
