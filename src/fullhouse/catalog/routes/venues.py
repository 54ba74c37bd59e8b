"""Deleting venues and halls."""

from uuid import UUID

from litestar import delete

from fullhouse.api.errors import FORBIDDEN, NOT_FOUND, UNAUTHENTICATED, problems
from fullhouse.api.permissions import Permission, member
from fullhouse.api.principal import Principal
from fullhouse.catalog.commands import venues
from fullhouse.kit.db import Database
from fullhouse.venues.errors import HALL_IN_USE, VENUE_IN_USE

_TAGS = ["Venues"]


@delete(
    "/venues/{venue_id:uuid}",
    access=member(Permission.VENUES_WRITE),
    summary="Delete a venue",
    tags=_TAGS,
    responses=problems(UNAUTHENTICATED, FORBIDDEN, NOT_FOUND, VENUE_IN_USE),
)
async def delete_venue(venue_id: UUID, database: Database, principal: Principal) -> None:
    """With its halls. Refused while something is still to take place there; ``events`` says what.

    What has taken place there keeps its name.
    """
    await venues.delete_venue(database, principal, venue_id)


@delete(
    "/halls/{hall_id:uuid}",
    access=member(Permission.VENUES_WRITE),
    summary="Delete a hall",
    tags=_TAGS,
    responses=problems(UNAUTHENTICATED, FORBIDDEN, NOT_FOUND, HALL_IN_USE),
)
async def delete_hall(hall_id: UUID, database: Database, principal: Principal) -> None:
    """Refused while something is still to take place in it; ``events`` says what.

    What has taken place in it keeps its name, and the name is free for another hall.
    """
    await venues.delete_hall(database, principal, hall_id)


ROUTES = [delete_venue, delete_hall]
