"""What organizers do to what may be sold: cancel or delete it, or move it to another seat map."""

from uuid import UUID

from litestar import Response, delete, post, put

from fullhouse.api.errors import FORBIDDEN, NOT_FOUND, UNAUTHENTICATED, problems
from fullhouse.api.idempotency import REPLAYED_HEADER
from fullhouse.api.permissions import Permission, member
from fullhouse.api.principal import Principal
from fullhouse.bookings import calling_off, deleting, moving
from fullhouse.bookings import errors as codes
from fullhouse.bookings.calling_off import CalledOff
from fullhouse.bookings.commands import Desk
from fullhouse.bookings.moving import Moved
from fullhouse.bookings.schemas.organizing import (
    CancellationRequest,
    CancelledView,
    MovedView,
    SeatMapRequest,
)
from fullhouse.catalog.errors import EVENT_CLOSED, EVENT_HAS_BOOKINGS, SHOWTIME_HAS_BOOKINGS
from fullhouse.kit.db import Database
from fullhouse.venues.queries.seat_maps import SeatMaps

_TAGS = ["Organizer"]

_MOVE_REFUSALS = (
    UNAUTHENTICATED,
    FORBIDDEN,
    NOT_FOUND,
    EVENT_CLOSED,
    codes.SHOWTIME_CLOSED,
    codes.SECTIONS_MISSING,
    codes.SEATS_MISSING,
    codes.BELOW_COMMITTED,
)


@post(
    "/events/{event_id:uuid}/cancel",
    access=member(Permission.EVENTS_CANCEL),
    status_code=200,
    summary="Cancel an event",
    tags=_TAGS,
    responses=problems(UNAUTHENTICATED, FORBIDDEN, NOT_FOUND, EVENT_CLOSED),
)
async def cancel_event(
    event_id: UUID,
    principal: Principal,
    database: Database,
    desk: Desk,
    data: CancellationRequest | None = None,
) -> Response[CancelledView]:
    """Cancel it for good, with its showtimes that are not over and whatever was booked there.

    From the answer on nothing is sold, offered or confirmed. Bookings are ended one after the
    other, and what was paid is owed back.
    """
    reason = None if data is None else data.reason
    done = await calling_off.cancel_event(database, desk.sequencer, principal, event_id, reason)
    return _cancelled(done)


@post(
    "/showtimes/{showtime_id:uuid}/cancel",
    access=member(Permission.EVENTS_CANCEL),
    status_code=200,
    summary="Cancel a showtime",
    tags=_TAGS,
    responses=problems(UNAUTHENTICATED, FORBIDDEN, NOT_FOUND, EVENT_CLOSED, codes.SHOWTIME_CLOSED),
)
async def cancel_showtime(
    showtime_id: UUID,
    principal: Principal,
    database: Database,
    desk: Desk,
    data: CancellationRequest | None = None,
) -> Response[CancelledView]:
    """Cancel one showtime for good, with whatever was booked there; its hall is free again."""
    reason = None if data is None else data.reason
    done = await calling_off.cancel_showtime(
        database, desk.sequencer, principal, showtime_id, reason
    )
    return _cancelled(done)


@delete(
    "/events/{event_id:uuid}",
    access=member(Permission.EVENTS_WRITE),
    summary="Delete an event",
    tags=_TAGS,
    responses=problems(UNAUTHENTICATED, FORBIDDEN, NOT_FOUND, EVENT_CLOSED, EVENT_HAS_BOOKINGS),
)
async def delete_event(event_id: UUID, database: Database, principal: Principal) -> None:
    """With its showtimes, if nobody ever booked one of them; else it can be cancelled.

    The show that was made in the same call goes, too, unless it was changed or used again since.
    """
    await deleting.delete_event(database, principal, event_id)


@delete(
    "/showtimes/{showtime_id:uuid}",
    access=member(Permission.EVENTS_WRITE),
    summary="Delete a showtime",
    tags=_TAGS,
    responses=problems(UNAUTHENTICATED, FORBIDDEN, NOT_FOUND, EVENT_CLOSED, SHOWTIME_HAS_BOOKINGS),
)
async def delete_showtime(showtime_id: UUID, database: Database, principal: Principal) -> None:
    """If nobody ever booked it; else it can be cancelled. Its hall is free either way."""
    await deleting.delete_showtime(database, principal, showtime_id)


@put(
    "/showtimes/{showtime_id:uuid}/seat-map",
    access=member(Permission.EVENTS_WRITE),
    summary="Move a showtime to another seat map",
    tags=_TAGS,
    responses=problems(*_MOVE_REFUSALS),
)
async def move_showtime(
    showtime_id: UUID,
    data: SeatMapRequest,
    principal: Principal,
    database: Database,
    desk: Desk,
    seat_maps: SeatMaps,
) -> Response[MovedView]:
    """Sell it by another version of its hall's seat map.

    Every seat that is held, sold or blocked must be there under the same name, and every section
    in which a category is sold. Capacities follow the map.
    """
    done = await moving.move_showtime(
        desk, database, seat_maps, principal, showtime_id, data.seat_map_id
    )
    return _moved(done)


@post(
    "/events/{event_id:uuid}/seat-map",
    access=member(Permission.EVENTS_WRITE),
    status_code=200,
    summary="Move an event to another seat map",
    tags=_TAGS,
    responses=problems(*_MOVE_REFUSALS, codes.TOO_MANY_SHOWTIMES),
)
async def move_event(
    event_id: UUID,
    data: SeatMapRequest,
    principal: Principal,
    database: Database,
    desk: Desk,
    seat_maps: SeatMaps,
) -> Response[MovedView]:
    """The same for all showtimes of the event in that hall that have not begun: all or none.

    Showtimes that are added later have as many places, too, if it is the event's own hall.
    """
    done = await moving.move_event(desk, database, seat_maps, principal, event_id, data.seat_map_id)
    return _moved(done)


def _cancelled(done: CalledOff) -> Response[CancelledView]:
    view = CancelledView(done.id, "cancelled", done.cancelled_at, done.ended, done.left)
    return Response(view, headers=_replayed(done.repeated))


def _moved(done: Moved) -> Response[MovedView]:
    view = MovedView(done.seat_map.id, done.seat_map.version, list(done.showtimes))
    return Response(view, headers=_replayed(done.repeated))


def _replayed(repeated: bool) -> dict[str, str]:
    return {REPLAYED_HEADER: "true"} if repeated else {}


ROUTES = [
    cancel_event,
    cancel_showtime,
    delete_event,
    delete_showtime,
    move_showtime,
    move_event,
]
