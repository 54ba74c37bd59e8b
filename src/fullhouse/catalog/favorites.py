"""Favourite events: marking and unmarking them, and the list of them."""

from uuid import UUID

from fullhouse.api.errors import NOT_FOUND
from fullhouse.api.pagination import Slice
from fullhouse.api.principal import Principal
from fullhouse.catalog.errors import TOO_MANY_FAVORITES
from fullhouse.catalog.filters import EventFilters, Order, Viewer
from fullhouse.catalog.store import events as event_store
from fullhouse.catalog.store import favorites as store
from fullhouse.catalog.store.events import EventSummaryRow
from fullhouse.catalog.store.paging import Part
from fullhouse.kit.db import Database, take_turns
from fullhouse.kit.errors import Refused

MOST = 1_000
_BY_START = Order("startsAt")


async def favorites(database: Database, principal: Principal, part: Slice) -> Part[EventSummaryRow]:
    """Part of the caller's favourites by their next showtime, without drafts of others."""
    filters = EventFilters(
        favorites_of=principal.user_id, visible_to=Viewer.of(principal), public=False
    )
    async with database.read() as connection:
        return await event_store.list_events(connection, filters, _BY_START, part)


async def add_favorite(database: Database, principal: Principal, event_id: UUID) -> None:
    """Mark an event that the caller may see; marking it again changes nothing.

    Raises Refused: NOT_FOUND, TOO_MANY_FAVORITES.
    """
    user_id = principal.user_id
    async with database.begin() as connection:
        # One at a time for each person, or all of them would count before any of them writes. Half
        # of the id is chance: whoever shares it waits for a moment.
        await take_turns(connection, int.from_bytes(user_id.bytes[8:], signed=True))
        if await event_store.find_event(connection, event_id, Viewer.of(principal)) is None:
            raise Refused(NOT_FOUND)
        if await store.has_favorite(connection, user_id, event_id):
            return
        if await store.count_favorites(connection, user_id) >= MOST:
            raise Refused(TOO_MANY_FAVORITES)
        await store.add_favorite(connection, user_id, event_id)


async def remove_favorite(database: Database, principal: Principal, event_id: UUID) -> None:
    """Unmark an event; unmarking what is not marked changes nothing."""
    async with database.begin() as connection:
        await store.drop_favorite(connection, principal.user_id, event_id)
