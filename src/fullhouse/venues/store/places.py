"""Reads and writes venues and halls."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert as pg_insert
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from fullhouse.venues.tables import halls, seat_maps, venues

# "time zone … not recognized".
_INVALID_PARAMETER_VALUE = "22023"


@dataclass(frozen=True, slots=True)
class HallRow:
    """A hall with its venue's owner and zone, and the newest version of its seat map."""

    id: UUID
    venue_id: UUID
    organization_id: UUID | None
    timezone: str
    name: str
    seat_map_id: UUID | None
    cleaning_minutes: int  # after each showtime, before the next


@dataclass(frozen=True, slots=True)
class VenueRow:
    """A venue."""

    id: UUID
    organization_id: UUID | None
    name: str
    address: str
    city: str
    country: str
    timezone: str


async def insert_venue(connection: AsyncConnection, venue: VenueRow) -> bool:
    """False when the organization does not exist."""
    try:
        async with connection.begin_nested():
            await connection.execute(venues.insert().values(**asdict(venue)))
    except IntegrityError:
        return False
    return True


async def insert_hall(
    connection: AsyncConnection, hall_id: UUID, venue_id: UUID, name: str
) -> bool:
    """False when the venue has a hall of this name already."""
    result = await connection.execute(
        pg_insert(halls)
        .values(id=hall_id, venue_id=venue_id, name=name)
        .on_conflict_do_nothing(
            index_elements=["venue_id", "name"], index_where=halls.c.deleted_at.is_(None)
        )
        .returning(halls.c.id)
    )
    return result.first() is not None


async def find_venue(connection: AsyncConnection, venue_id: UUID) -> VenueRow | None:
    """A venue, or None where there is none."""
    row = (await connection.execute(_VENUES.where(venues.c.id == venue_id))).first()
    return None if row is None else VenueRow(*row)


async def list_venues(
    connection: AsyncConnection,
    conditions: Sequence[sa.ColumnElement[bool]],
    limit: int,
    offset: int = 0,
) -> list[VenueRow]:
    """Venues in the order of name and id."""
    statement = _VENUES.where(*conditions).order_by(venues.c.name, venues.c.id)
    result = await connection.execute(statement.limit(limit).offset(offset))
    return [VenueRow(*row) for row in result]


async def count_venues(
    connection: AsyncConnection, conditions: Sequence[sa.ColumnElement[bool]]
) -> int:
    """How many venues meet the conditions."""
    statement = sa.select(sa.func.count()).select_from(venues).where(*conditions)
    return int((await connection.execute(statement)).scalar_one())


def in_city(city: str) -> sa.ColumnElement[bool]:
    """Venues of a city, whatever the case it is written in."""
    return sa.func.lower(venues.c.city) == city.strip().lower()


def after(name: str, venue_id: UUID) -> sa.ColumnElement[bool]:
    """Venues behind this one in the order of :func:`list_venues`."""
    return sa.tuple_(venues.c.name, venues.c.id) > sa.tuple_(
        sa.literal(name, sa.Text), sa.literal(venue_id, sa.Uuid)
    )


async def halls_of(connection: AsyncConnection, venue_id: UUID) -> list[HallRow]:
    """The halls of a venue by name."""
    result = await connection.execute(
        _HALLS.where(halls.c.venue_id == venue_id).order_by(halls.c.name)
    )
    return [HallRow(*row) for row in result]


async def find_hall(connection: AsyncConnection, hall_id: UUID) -> HallRow | None:
    """A hall with the newest version of its seat map, or None where there is none."""
    row = (await connection.execute(_HALLS.where(halls.c.id == hall_id))).first()
    return None if row is None else HallRow(*row)


async def lock_hall(connection: AsyncConnection, hall_id: UUID) -> None:
    """Make whoever else changes this hall, its seat map or its schedule wait for our commit."""
    await connection.execute(
        sa.select(halls.c.id).where(halls.c.id == hall_id).with_for_update(key_share=True)
    )


async def knows_timezone(connection: AsyncConnection, name: str) -> bool:
    """Whether the database's zone data have this zone too: lists compare local dates there."""
    try:
        async with connection.begin_nested():
            await connection.execute(
                sa.text("SELECT clock_timestamp() AT TIME ZONE :name"), {"name": name}
            )
    except DBAPIError as error:
        if getattr(error.orig, "sqlstate", None) == _INVALID_PARAMETER_VALUE:
            return False
        raise
    return True


_VENUES: sa.Select[Any] = sa.select(
    venues.c.id,
    venues.c.organization_id,
    venues.c.name,
    venues.c.address,
    venues.c.city,
    venues.c.country,
    venues.c.timezone,
)

_HALLS: sa.Select[Any] = sa.select(
    halls.c.id,
    halls.c.venue_id,
    venues.c.organization_id,
    venues.c.timezone,
    halls.c.name,
    sa.select(seat_maps.c.id)
    .where(seat_maps.c.hall_id == halls.c.id)
    .order_by(seat_maps.c.version.desc())
    .limit(1)
    .scalar_subquery(),
    sa.func.coalesce(halls.c.cleaning_minutes, venues.c.cleaning_minutes),
).join(venues, venues.c.id == halls.c.venue_id)
