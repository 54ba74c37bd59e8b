"""Routes with which organizers run their showtimes, below ``/api/v1``."""

from uuid import UUID

from litestar import post

from fullhouse.api.errors import FORBIDDEN, NOT_FOUND, UNAUTHENTICATED, problems
from fullhouse.api.permissions import Permission, member
from fullhouse.api.principal import Principal
from fullhouse.catalog import queries
from fullhouse.catalog.commands import showtimes
from fullhouse.catalog.errors import EVENT_CLOSED, SCHEDULE_CONFLICT
from fullhouse.catalog.filters import Viewer
from fullhouse.catalog.schemas.showtimes import ShowtimeBody, showtime_draft
from fullhouse.catalog.schemas.views import (
    ShowtimeView,
    showtime_view,
)
from fullhouse.kit.db import Database
from fullhouse.venues.queries.seat_maps import SeatMaps

_TAGS = ["Organizer"]

# Whoever may change something is shown what came of it, also a key that may read no drafts.
_WHO_CHANGED_IT = Viewer(organizations=None)


@post(
    "/events/{event_id:uuid}/showtimes",
    access=member(Permission.EVENTS_WRITE),
    summary="Add a showtime",
    tags=_TAGS,
    responses=problems(UNAUTHENTICATED, FORBIDDEN, NOT_FOUND, EVENT_CLOSED, SCHEDULE_CONFLICT),
)
async def add_showtime(
    event_id: UUID,
    data: ShowtimeBody,
    database: Database,
    seat_maps: SeatMaps,
    principal: Principal,
) -> ShowtimeView:
    """One more sitting, sold by the newest seat map of its hall."""
    (showtime_id,) = await showtimes.add_showtimes(
        database, seat_maps, principal, event_id, [showtime_draft(data)]
    )
    return showtime_view(await queries.showtime(database, showtime_id, _WHO_CHANGED_IT))


ROUTES = [add_showtime]
