"""Reads what calendars show: of published events only, without what was deleted."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from fullhouse.catalog.filters import PUBLIC
from fullhouse.catalog.ical import Calendar, Entry, place_of
from fullhouse.catalog.store.showtimes import STATUS, is_visible
from fullhouse.catalog.tables import event_listings, events, inventories, showtimes
from fullhouse.venues.tables import halls, venues

# What is over stays so long, so that it does not vanish while somebody is there.
KEPT = timedelta(days=30)
MOST_ENTRIES = 1_000


async def of_event(connection: AsyncConnection, key: UUID | str) -> Calendar | None:
    """The calendar of an event, by id or slug; None where there is no published one."""
    named = events.c.id == key if isinstance(key, UUID) else events.c.slug == key
    statement = sa.select(events.c.id, events.c.title, events.c.timezone).where(
        named, events.c.deleted_at.is_(None), is_visible(PUBLIC)
    )
    row = (await connection.execute(statement)).first()
    if row is None:
        return None
    return Calendar(*row, await _entries(connection, showtimes.c.event_id == row.id))


async def of_venue(connection: AsyncConnection, venue_id: UUID) -> Calendar | None:
    """The calendar of a venue; None where there is no such venue."""
    statement = sa.select(venues.c.id, venues.c.name, venues.c.timezone).where(
        venues.c.id == venue_id,
        venues.c.deleted_at.is_(None),
        # A hidden venue does not tell that it is there.
        sa.or_(venues.c.organization_id.is_(None), venues.c.shown_until.is_not(None)),
    )
    row = (await connection.execute(statement)).first()
    if row is None:
        return None
    return Calendar(*row, await _entries(connection, events.c.venue_id == row.id))


async def _entries(connection: AsyncConnection, condition: sa.ColumnElement[bool]) -> list[Entry]:
    statement = (
        _ENTRIES.where(condition, showtimes.c.ends_at > sa.func.now() - KEPT)
        .order_by(showtimes.c.starts_at, showtimes.c.id)
        .limit(MOST_ENTRIES)
    )
    return [_entry(row) for row in await connection.execute(statement)]


def _entry(row: sa.Row[Any]) -> Entry:
    return Entry(
        id=row.id,
        title=row.title,
        starts_at=_in_utc(row.starts_at),
        ends_at=_in_utc(row.ends_at),
        cancelled=row.status == "cancelled",
        revision=row.revision,
        revised_at=_in_utc(row.revised_at),
        place=row.location
        or place_of(
            hall=row.hall,
            venue=row.venue,
            address=row.address,
            city=row.city,
            country=row.country,
        ),
        coordinates=None if row.latitude is None else (row.latitude, row.longitude),
    )


def _in_utc(moment: datetime) -> datetime:
    """To the second, as calendars write it."""
    return moment.astimezone(UTC).replace(microsecond=0)


_ENTRIES: sa.Select[Any] = (
    sa.select(
        showtimes.c.id,
        events.c.title,
        showtimes.c.starts_at,
        showtimes.c.ends_at,
        STATUS.label("status"),
        inventories.c.revision,
        # Lists are refreshed with everything that is shown here.
        sa.func.coalesce(event_listings.c.refreshed_at, showtimes.c.created_at).label("revised_at"),
        halls.c.name.label("hall"),
        venues.c.name.label("venue"),
        venues.c.address,
        venues.c.city,
        venues.c.country,
        venues.c.latitude,
        venues.c.longitude,
        events.c.location,
    )
    .join(events, events.c.id == showtimes.c.event_id)
    .join(inventories, inventories.c.showtime_id == showtimes.c.id)
    .outerjoin(event_listings, event_listings.c.event_id == events.c.id)
    .outerjoin(halls, halls.c.id == showtimes.c.hall_id)
    .outerjoin(venues, venues.c.id == events.c.venue_id)
    .where(showtimes.c.deleted_at.is_(None), events.c.deleted_at.is_(None), is_visible(PUBLIC))
)
