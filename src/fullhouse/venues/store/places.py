"""Reads and writes venues and halls. What is deleted is found by nothing here."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert as pg_insert
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from fullhouse.kit.words import folded
from fullhouse.venues.tables import halls, seat_maps, venues

# "time zone … not recognized".
_INVALID_PARAMETER_VALUE = "22023"


@dataclass(frozen=True, slots=True)
class HallRow:
    """A hall with its venue's owner and zone, and the newest version of its seat map.

    ``cleaning_minutes`` is the hall's own time after each showtime, before the next, or the
    venue's where the hall has none. ``shown``: everybody may see the venue.
    """

    id: UUID
    venue_id: UUID
    organization_id: UUID | None
    timezone: str
    name: str
    seat_map_id: UUID | None
    cleaning_minutes: int
    own_cleaning_minutes: int | None
    shown: bool


@dataclass(frozen=True, slots=True)
class VenueRow:
    """A venue. ``shown``: its events are public, so that everybody may see it."""

    id: UUID
    organization_id: UUID | None
    name: str
    address: str
    city: str
    country: str
    timezone: str
    latitude: float | None = None
    longitude: float | None = None
    amenities: tuple[str, ...] = ()
    house_rules: str = ""
    images: tuple[UUID, ...] = ()
    cleaning_minutes: int = 0
    hold_seconds: int | None = None
    age_rating: str | None = None
    shown: bool = False
    created_at: datetime | None = None  # None before it is written


async def insert_venue(connection: AsyncConnection, venue: VenueRow) -> bool:
    """False when the organization does not exist."""
    try:
        async with connection.begin_nested():
            values = {name: _plain(getattr(venue, name)) for name in _WRITTEN}
            await connection.execute(venues.insert().values(**values, **_keys(venue)))
    except IntegrityError:
        return False
    return True


async def update_venue(
    connection: AsyncConnection, venue: VenueRow, changes: Mapping[str, Any]
) -> None:
    """Write what changes, by the names in :class:`VenueRow`, to the venue, which has it already.

    The time of the change is noted, by which the lists of events find out about it.
    """
    values = {name: _plain(value) for name, value in changes.items()}
    await connection.execute(
        venues.update()
        .where(venues.c.id == venue.id)
        .values(**values, **_keys(venue), changed_at=sa.func.clock_timestamp())
    )


async def delete_venue(connection: AsyncConnection, venue_id: UUID) -> None:
    """Hide a venue and its halls from everybody; what took place there still names them."""
    now = sa.func.clock_timestamp()
    await connection.execute(
        venues.update().where(venues.c.id == venue_id).values(deleted_at=now, changed_at=now)
    )
    await connection.execute(
        halls.update()
        .where(halls.c.venue_id == venue_id, halls.c.deleted_at.is_(None))
        .values(deleted_at=now)
    )


async def insert_hall(
    connection: AsyncConnection,
    hall_id: UUID,
    venue_id: UUID,
    name: str,
    cleaning_minutes: int | None = None,
) -> bool:
    """False when the venue has a hall of this name already."""
    result = await connection.execute(
        pg_insert(halls)
        .values(id=hall_id, venue_id=venue_id, name=name, cleaning_minutes=cleaning_minutes)
        .on_conflict_do_nothing(
            index_elements=["venue_id", sa.text("lower(name)")],
            index_where=halls.c.deleted_at.is_(None),
        )
        .returning(halls.c.id)
    )
    return result.first() is not None


async def update_hall(
    connection: AsyncConnection, hall_id: UUID, changes: Mapping[str, Any]
) -> bool:
    """Write what changes of a hall; False when the venue has another hall of the new name."""
    try:
        async with connection.begin_nested():
            await connection.execute(
                halls.update().where(halls.c.id == hall_id).values(**dict(changes))
            )
    except IntegrityError:
        return False
    return True


async def delete_hall(connection: AsyncConnection, hall_id: UUID) -> None:
    """Hide a hall from everybody; what took place there still names it."""
    await connection.execute(
        halls.update().where(halls.c.id == hall_id).values(deleted_at=sa.func.clock_timestamp())
    )


async def find_venue(connection: AsyncConnection, venue_id: UUID) -> VenueRow | None:
    """A venue, or None where there is none."""
    row = (await connection.execute(VENUES.where(venues.c.id == venue_id))).first()
    return None if row is None else venue_of(row)


async def lock_venue(
    connection: AsyncConnection, venue_id: UUID, *, against_use: bool = False
) -> VenueRow | None:
    """A venue as it stands until our commit: nobody else changes it meanwhile.

    ``against_use``: nor does anybody put a new event or hall there, which refer to the row.
    """
    statement = VENUES.where(venues.c.id == venue_id)
    locked = statement.with_for_update(of=venues, key_share=not against_use)
    row = (await connection.execute(locked)).first()
    return None if row is None else venue_of(row)


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


async def lock_hall(
    connection: AsyncConnection, hall_id: UUID, *, against_use: bool = False
) -> bool:
    """Make whoever else changes this hall, its seat map or its schedule wait for our commit.

    ``against_use``: and whoever puts something there, which refers to the row. False when the
    hall is not there any more. Whoever locks a hall and its venue locks the hall first.
    """
    locked = await connection.execute(
        sa.select(halls.c.id)
        .where(halls.c.id == hall_id, halls.c.deleted_at.is_(None))
        .with_for_update(key_share=not against_use)
    )
    return locked.first() is not None


async def lock_halls_of(connection: AsyncConnection, venue_id: UUID) -> set[UUID]:
    """The halls of a venue, locked against all use until our commit."""
    locked = await connection.execute(
        sa.select(halls.c.id)
        .where(halls.c.venue_id == venue_id, halls.c.deleted_at.is_(None))
        # In one order for everybody, so that no two wait for each other.
        .order_by(halls.c.id)
        .with_for_update()
    )
    return set(locked.scalars())


async def hold_place(
    connection: AsyncConnection, venue_id: UUID | None, hall_id: UUID | None
) -> bool:
    """Keep a venue and a hall from being deleted until our commit.

    False when one of them is not there any more.
    """
    for table, wanted in ((halls, hall_id), (venues, venue_id)):
        if wanted is None:
            continue
        held = await connection.execute(
            sa.select(table.c.id)
            .where(table.c.id == wanted, table.c.deleted_at.is_(None))
            .with_for_update(read=True, key_share=True)
        )
        if held.first() is None:
            return False
    return True


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


def venue_of(row: sa.Row[Any]) -> VenueRow:
    """The venue in a row that has the columns of ``VENUES``."""
    values = {name: row._mapping[name] for name in VenueRow.__dataclass_fields__}
    for name in _LISTS:
        values[name] = tuple(values[name])
    return VenueRow(**values)


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


def _keys(venue: VenueRow) -> dict[str, sa.ColumnElement[str]]:
    """The columns by which a venue is found, from what it says of itself."""
    words = " ".join((venue.name, venue.city, venue.address))
    return {"city_key": folded(venue.city), "words": folded(words)}


_LISTS = ("amenities", "images")
_WORKED_OUT = ("shown", "created_at")
_WRITTEN = [name for name in VenueRow.__dataclass_fields__ if name not in _WORKED_OUT]

VENUES: sa.Select[Any] = sa.select(
    *(venues.c[name] for name in _WRITTEN),
    venues.c.shown_until.is_not(None).label("shown"),
    venues.c.created_at,
).where(venues.c.deleted_at.is_(None))

_HALLS: sa.Select[Any] = (
    sa.select(
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
        halls.c.cleaning_minutes,
        venues.c.shown_until.is_not(None),
    )
    .join(venues, venues.c.id == halls.c.venue_id)
    .where(halls.c.deleted_at.is_(None), venues.c.deleted_at.is_(None))
)
