"""Seat maps."""

from collections.abc import Callable
from typing import Annotated, Any, Literal
from uuid import UUID

from litestar import Request, Response, get, post, put
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import QueryParameter

from fullhouse.api.errors import FORBIDDEN, NOT_FOUND, UNAUTHENTICATED, problems
from fullhouse.api.etags import names_etag
from fullhouse.api.pagination import Page, Slice
from fullhouse.api.permissions import PUBLIC, Permission, member
from fullhouse.api.principal import Principal
from fullhouse.kit.db import Database
from fullhouse.venues.commands import seat_maps as commands
from fullhouse.venues.errors import SEAT_MAP_INVALID
from fullhouse.venues.exchange.pretix_export import plan_json
from fullhouse.venues.filters import Reader
from fullhouse.venues.queries import seat_maps as queries
from fullhouse.venues.queries.seat_maps import SeatMaps
from fullhouse.venues.schemas.compact_seat_map import CompactSeatMapView, compact_json
from fullhouse.venues.schemas.seat_map_views import (
    SeatMapImportView,
    SeatMapLossesView,
    SeatMapSummaryView,
    SeatMapVersionView,
    SeatMapView,
    full_json,
    import_view,
    losses_json,
    summary_view,
    version_view,
)
from fullhouse.venues.schemas.seat_maps import SeatMapBody, SeatMapImportBody, layout_of
from fullhouse.venues.seatmap import SeatMap
from fullhouse.venues.svg.drawing import drawn

_TAGS = ["Venues"]
_FOR_GOOD = "max-age=31536000, immutable"
_SVG = "image/svg+xml"
_OF_A_PICTURE = {
    # Nothing in it is more than drawn, whoever opens it by itself.
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'; sandbox",
    # Pages of other sites may show it.
    "Cross-Origin-Resource-Policy": "cross-origin",
}
_UNCHANGED = {
    304: ResponseSpec(None, description="Not Modified: the copy at hand is this version.")
}

ExportFormat = Annotated[
    Literal["pretix"], QueryParameter(description="pretix: a seating plan for its import.")
]


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
    return summary_view(seat_map)


@post(
    "/halls/{hall_id:uuid}/seat-map/import",
    access=member(Permission.VENUES_WRITE),
    summary="Import a hall's seat map from another system",
    tags=_TAGS,
    responses={
        **problems(UNAUTHENTICATED, FORBIDDEN, NOT_FOUND, SEAT_MAP_INVALID),
        200: ResponseSpec(SeatMapImportView, description="OK: a dry run, which kept nothing."),
    },
)
async def import_seat_map(
    hall_id: UUID, data: SeatMapImportBody, database: Database, principal: Principal
) -> Response[SeatMapImportView]:
    """Make the next version from a seating plan of pretix or a chart of seats.io.

    The answer lists what was changed or left out. A dry run makes the same answer and nothing
    else.
    """
    imported = await commands.import_seat_map(
        database,
        principal,
        hall_id,
        data.format,
        bytes(data.document),
        name=data.name,
        dry_run=data.dry_run,
    )
    view = import_view(imported.seat_map, imported.losses, kept=not data.dry_run)
    return Response(view, status_code=200 if data.dry_run else 201)


@get(
    "/halls/{hall_id:uuid}/seat-maps",
    access=PUBLIC,
    summary="Versions of a hall's seat map",
    tags=_TAGS,
    responses=problems(NOT_FOUND),
)
async def list_seat_maps(
    hall_id: UUID,
    database: Database,
    visitor: Principal | None,
    part: Slice,
) -> Page[SeatMapVersionView]:
    """The newest first. Showtimes are sold by the version that was the newest when they were made.

    A version stays for good.
    """
    found = await queries.versions(database, hall_id, part, Reader.of(visitor))
    return Page([version_view(row) for row in found.versions], found.next_cursor, found.total)


@get(
    "/seat-maps/{seat_map_id:uuid}",
    access=PUBLIC,
    summary="A version of a seat map",
    tags=_TAGS,
    responses={**problems(NOT_FOUND), **_UNCHANGED},
)
async def get_seat_map(
    seat_map_id: UUID,
    request: Request[Any, Any, Any],
    seat_maps: SeatMaps,
    visitor: Principal | None,
) -> Response[SeatMapView]:
    """All seats with their places, for whoever sees the venue.

    A version never changes, so that a copy may be kept for good.
    """
    return await _for_good(request, seat_maps, seat_map_id, visitor, "full", full_json)


@get(
    "/seat-maps/{seat_map_id:uuid}/compact",
    access=PUBLIC,
    summary="A version of a seat map in few bytes",
    tags=_TAGS,
    responses={**problems(NOT_FOUND), **_UNCHANGED},
)
async def get_compact_seat_map(
    seat_map_id: UUID,
    request: Request[Any, Any, Any],
    seat_maps: SeatMaps,
    visitor: Principal | None,
) -> Response[CompactSeatMapView]:
    """The same seats as parallel lists for each row and table, a quarter as long.

    Ids and labels are left out: section, row and number say which seat it is, and the order is
    that of packed seat states.
    """
    return await _for_good(request, seat_maps, seat_map_id, visitor, "compact", compact_json)


@get(
    "/seat-maps/{seat_map_id:uuid}/export",
    access=PUBLIC,
    summary="A version of a seat map for another system",
    tags=_TAGS,
    responses={**problems(NOT_FOUND), **_UNCHANGED},
)
async def export_seat_map(
    seat_map_id: UUID,
    request: Request[Any, Any, Any],
    seat_maps: SeatMaps,
    visitor: Principal | None,
    format: ExportFormat,
) -> Response[dict[str, Any]]:
    """A document that pretix's import of seating plans takes.

    ``/export/losses`` tells what of the map is not in it.
    """
    return await _for_good(request, seat_maps, seat_map_id, visitor, format, plan_json)


@get(
    "/seat-maps/{seat_map_id:uuid}/export/losses",
    access=PUBLIC,
    summary="What of a seat map another system's format loses",
    tags=_TAGS,
    responses={**problems(NOT_FOUND), **_UNCHANGED},
)
async def list_export_losses(
    seat_map_id: UUID,
    request: Request[Any, Any, Any],
    seat_maps: SeatMaps,
    visitor: Principal | None,
    format: ExportFormat,
) -> Response[SeatMapLossesView]:
    """What the export of this version leaves out or says in another way, as imports report it."""
    form = f"{format}-losses"
    return await _for_good(request, seat_maps, seat_map_id, visitor, form, losses_json)


@get(
    "/seat-maps/{seat_map_id:uuid}/svg",
    access=PUBLIC,
    summary="A version of a seat map as a picture",
    tags=_TAGS,
    responses={
        **problems(NOT_FOUND),
        **_UNCHANGED,
        200: ResponseSpec(str, generate_examples=False, description="SVG.", media_type=_SVG),
    },
    open_query=True,  # pages put a version behind the addresses of pictures
)
async def draw_seat_map(
    seat_map_id: UUID,
    request: Request[Any, Any, Any],
    seat_maps: SeatMaps,
    visitor: Principal | None,
) -> Response[bytes]:
    """A drawing of all places in the map's own units, to look at and to lay other things upon."""
    return await _for_good(request, seat_maps, seat_map_id, visitor, "svg", drawn)


async def _for_good(
    request: Request[Any, Any, Any],
    seat_maps: SeatMaps,
    seat_map_id: UUID,
    visitor: Principal | None,
    form: str,
    write: Callable[[SeatMap], bytes],
) -> Response[Any]:
    """The map as ``write`` writes it, which may be kept for good, by browsers or by everybody."""
    public = await seat_maps.check_seen(seat_map_id, Reader.of(visitor))
    body = await seat_maps.written(seat_map_id, form, write)
    etag = f'"{seat_map_id}"' if form == "full" else f'"{seat_map_id}-{form}"'
    headers = {"Cache-Control": f"{'public' if public else 'private'}, {_FOR_GOOD}", "ETag": etag}
    if form == "svg":
        headers |= _OF_A_PICTURE
    if names_etag(request.headers.get("if-none-match"), etag):
        return Response(None, status_code=304, headers=headers)
    media_type = _SVG if form == "svg" else "application/json"
    return Response(body, media_type=media_type, headers=headers)


ROUTES = [
    put_seat_map,
    import_seat_map,
    list_seat_maps,
    get_seat_map,
    get_compact_seat_map,
    export_seat_map,
    list_export_losses,
    draw_seat_map,
]
