"""Routes of a person's favourite events, below ``/api/v1``."""

from uuid import UUID

from litestar import delete, get, put

from fullhouse.api.errors import NOT_FOUND, UNAUTHENTICATED, USER_REQUIRED, problems
from fullhouse.api.pagination import Page, Slice
from fullhouse.api.permissions import SIGNED_IN
from fullhouse.api.principal import Principal
from fullhouse.catalog import favorites
from fullhouse.catalog.errors import TOO_MANY_FAVORITES
from fullhouse.catalog.schemas.views import EventSummaryView, event_summary_view
from fullhouse.kit.db import Database

_TAGS = ["My account"]


@get(
    "/users/me/favorites",
    access=SIGNED_IN,
    summary="My favourite events",
    tags=_TAGS,
    responses=problems(UNAUTHENTICATED, USER_REQUIRED),
)
async def list_favorites(
    principal: Principal,
    database: Database,
    part: Slice,
) -> Page[EventSummaryView]:
    """The events that the caller has marked, by their next showtime, those that are over last."""
    found = await favorites.favorites(database, principal, part)
    views = [event_summary_view(row) for row in found.items]
    return Page(views, found.next_cursor, found.total)


@put(
    "/users/me/favorites/{event_id:uuid}",
    status_code=204,
    access=SIGNED_IN,
    summary="Mark an event as a favourite",
    tags=_TAGS,
    responses=problems(UNAUTHENTICATED, USER_REQUIRED, NOT_FOUND, TOO_MANY_FAVORITES),
)
async def add_favorite(event_id: UUID, principal: Principal, database: Database) -> None:
    """Marking it again changes nothing. Nobody can have more than 1,000."""
    await favorites.add_favorite(database, principal, event_id)


@delete(
    "/users/me/favorites/{event_id:uuid}",
    access=SIGNED_IN,
    summary="Unmark an event",
    tags=_TAGS,
    responses=problems(UNAUTHENTICATED, USER_REQUIRED),
)
async def remove_favorite(event_id: UUID, principal: Principal, database: Database) -> None:
    """Unmarking what is not marked changes nothing."""
    await favorites.remove_favorite(database, principal, event_id)


ROUTES = [list_favorites, add_favorite, remove_favorite]
