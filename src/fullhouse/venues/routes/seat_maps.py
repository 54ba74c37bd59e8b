"""Seat maps."""

from typing import Any
from uuid import UUID

import msgspec
from litestar import Request, Response, get, put
from litestar.openapi.datastructures import ResponseSpec

from fullhouse.api.errors import FORBIDDEN, NOT_FOUND, UNAUTHENTICATED, problems
from fullhouse.api.permissions import PUBLIC, Permission, member
from fullhouse.api.principal import Principal
from fullhouse.kit.db import Database
from fullhouse.venues.commands import seat_maps as commands
from fullhouse.venues.errors import SEAT_MAP_INVALID
from fullhouse.venues.queries.seat_maps import SeatMaps
from fullhouse.venues.schemas.seat_maps import (
    SeatMapBody,
    SeatMapSummaryView,
    SeatMapView,
    layout_of,
    seat_map_summary_view,
    seat_map_view,
)

_TAGS = ["Venues"]
_FOR_GOOD = "public, max-age=31536000, immutable"


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


ROUTES = [put_seat_map, get_seat_map]
