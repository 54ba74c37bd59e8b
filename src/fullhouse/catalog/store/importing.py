"""Finds what lines of imported tables name, and what is there already."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection

from fullhouse.accounts.tables import organizations
from fullhouse.catalog.tables import events, shows, showtimes
from fullhouse.venues.tables import halls

# What makes two shows one: kind, title, day of release.
ShowKey = tuple[str, str, date | None]
# What makes two showtimes one: event, hall, start, end.
ShowtimeKey = tuple[UUID, UUID | None, datetime, datetime]


@dataclass(frozen=True, slots=True)
class NamedEvent:
    """An event, by what it may be called, and where it is."""

    id: UUID
    slug: str
    timezone: str
    venue_id: UUID | None
    hall_id: UUID | None


@dataclass(frozen=True, slots=True)
class NamedHall:
    """A hall, by what it may be called."""

    id: UUID
    venue_id: UUID
    name: str


async def lock_organization(connection: AsyncConnection, organization_id: UUID) -> bool:
    """Make other imports of the organization wait for our commit; False when there is none."""
    statement = sa.select(organizations.c.id).where(organizations.c.id == organization_id)
    found = await connection.execute(statement.with_for_update(key_share=True))
    return found.first() is not None


async def shows_there(
    connection: AsyncConnection, organization_id: UUID, titles: Collection[str]
) -> dict[ShowKey, UUID]:
    """The shows of an organization that have these titles."""
    statement = sa.select(shows.c.kind, shows.c.title, shows.c.released_on, shows.c.id).where(
        shows.c.organization_id == organization_id,
        shows.c.deleted_at.is_(None),
        shows.c.title == sa.any_(sa.literal(list(titles), ARRAY(sa.Text))),
    )
    rows = await connection.execute(statement)
    return {(kind, title, released_on): id_ for kind, title, released_on, id_ in rows}


async def events_named(
    connection: AsyncConnection, organization_id: UUID, names: Collection[str]
) -> dict[str, NamedEvent]:
    """The events of an organization that have these slugs or ids, by both."""
    ids = [UUID(name) for name in names if _is_id(name)]
    statement = sa.select(
        events.c.id, events.c.slug, events.c.timezone, events.c.venue_id, events.c.hall_id
    ).where(
        events.c.organization_id == organization_id,
        events.c.deleted_at.is_(None),
        sa.or_(
            events.c.slug == sa.any_(sa.literal(list(names), ARRAY(sa.Text))),
            events.c.id == sa.any_(sa.literal(ids, ARRAY(sa.Uuid))),
        ),
    )
    found = [NamedEvent(*row) for row in await connection.execute(statement)]
    return {event.slug: event for event in found} | {str(event.id): event for event in found}


async def halls_of(connection: AsyncConnection, venue_ids: Collection[UUID]) -> list[NamedHall]:
    """The halls of these venues."""
    statement = sa.select(halls.c.id, halls.c.venue_id, halls.c.name).where(
        halls.c.venue_id.in_(venue_ids), halls.c.deleted_at.is_(None)
    )
    return [NamedHall(*row) for row in await connection.execute(statement)]


async def showtimes_there(
    connection: AsyncConnection, event_ids: Collection[UUID], starts: Collection[datetime]
) -> dict[ShowtimeKey, UUID]:
    """The showtimes of these events that begin then, without cancelled ones."""
    statement = sa.select(
        showtimes.c.event_id,
        showtimes.c.hall_id,
        showtimes.c.starts_at,
        showtimes.c.ends_at,
        showtimes.c.id,
    ).where(
        showtimes.c.event_id.in_(event_ids),
        showtimes.c.starts_at
        == sa.any_(sa.literal(list(starts), ARRAY(sa.DateTime(timezone=True)))),
        showtimes.c.status == "scheduled",
        showtimes.c.deleted_at.is_(None),
    )
    return {
        (event_id, hall_id, starts_at, ends_at): id_
        for event_id, hall_id, starts_at, ends_at, id_ in await connection.execute(statement)
    }


def _is_id(name: str) -> bool:
    try:
        UUID(name)
    except ValueError:
        return False
    return True
