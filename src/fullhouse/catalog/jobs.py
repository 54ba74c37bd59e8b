"""What the catalogue does by itself: keep the lists of events up to date as time passes."""

from fullhouse.catalog.store import event_listings
from fullhouse.kit.db import Database
from fullhouse.kit.listener import notify

REFRESH_SECONDS = 10.0
# Events in one transaction.
REFRESH_LIMIT = 500


async def refresh_listings(database: Database) -> None:
    """Bring up to date what has changed without anybody touching the event itself.

    That is: its next showtime is over, or its show or venue was changed.
    """
    refreshed = REFRESH_LIMIT
    while refreshed == REFRESH_LIMIT:
        async with database.begin() as connection:
            stale = await event_listings.stale(connection, REFRESH_LIMIT)
            await event_listings.refresh(connection, stale)
            if stale:
                await notify(connection, "events")
        refreshed = len(stale)
