"""Reads and writes versions of seat maps, which are never changed."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import msgspec
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncConnection

from fullhouse.venues.layout import Layout
from fullhouse.venues.tables import halls, seat_maps, venues

_decode_layout = msgspec.json.Decoder(Layout).decode


@dataclass(frozen=True, slots=True)
class StoredSeatMap:
    """A seat map as the table keeps it."""

    id: UUID
    hall_id: UUID
    version: int
    layout: Layout


@dataclass(frozen=True, slots=True)
class SeatMapVersion:
    """A version of a hall's seat map without what is in it."""

    id: UUID
    hall_id: UUID
    version: int
    name: str
    seats: int
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Keeper:
    """Whose a seat map is, and whether everybody may see its venue."""

    organization_id: UUID | None
    shown: bool


async def next_version(connection: AsyncConnection, hall_id: UUID) -> int:
    """The version a new seat map of the hall gets, from 1; right only under the hall's lock."""
    newest = sa.select(sa.func.coalesce(sa.func.max(seat_maps.c.version), 0) + 1)
    result = await connection.execute(newest.where(seat_maps.c.hall_id == hall_id))
    return int(result.scalar_one())


async def insert_seat_map(
    connection: AsyncConnection, seat_map: StoredSeatMap, seat_count: int
) -> None:
    """Write a version of a seat map, which is never changed afterwards."""
    # As text, because msgspec writes it many times faster than the driver's own codec.
    layout = msgspec.json.encode(seat_map.layout).decode()
    await connection.execute(
        seat_maps.insert().values(
            id=seat_map.id,
            hall_id=seat_map.hall_id,
            version=seat_map.version,
            layout=sa.cast(sa.literal(layout, sa.Text), JSONB),
            seat_count=seat_count,
            name=seat_map.layout.name.strip(),
        )
    )


async def find_seat_map(connection: AsyncConnection, seat_map_id: UUID) -> StoredSeatMap | None:
    """A version of a seat map, or None where there is none."""
    statement = sa.select(
        seat_maps.c.hall_id, seat_maps.c.version, sa.cast(seat_maps.c.layout, sa.Text)
    ).where(seat_maps.c.id == seat_map_id)
    row = (await connection.execute(statement)).first()
    if row is None:
        return None
    return StoredSeatMap(seat_map_id, row[0], row[1], _decode_layout(row[2]))


async def find_keeper(connection: AsyncConnection, seat_map_id: UUID) -> Keeper | None:
    """Who keeps a version of a seat map, or None where there is none.

    Deleted halls are among them: what took place there is still shown.
    """
    statement = (
        sa.select(venues.c.organization_id, venues.c.shown_until.is_not(None))
        .join(halls, halls.c.venue_id == venues.c.id)
        .join(seat_maps, seat_maps.c.hall_id == halls.c.id)
        .where(seat_maps.c.id == seat_map_id)
    )
    row = (await connection.execute(statement)).first()
    return None if row is None else Keeper(*row)


async def list_versions(
    connection: AsyncConnection,
    hall_id: UUID,
    limit: int,
    *,
    before: int | None = None,
    offset: int = 0,
) -> list[SeatMapVersion]:
    """Versions of the hall's seat map, the newest first, those older than ``before``."""
    statement = (
        sa.select(
            seat_maps.c.id,
            seat_maps.c.hall_id,
            seat_maps.c.version,
            seat_maps.c.name,
            seat_maps.c.seat_count,
            seat_maps.c.created_at,
        )
        .where(seat_maps.c.hall_id == hall_id)
        .order_by(seat_maps.c.version.desc())
        .limit(limit)
        .offset(offset)
    )
    if before is not None:
        statement = statement.where(seat_maps.c.version < before)
    return [SeatMapVersion(*row) for row in await connection.execute(statement)]


async def count_versions(connection: AsyncConnection, hall_id: UUID) -> int:
    """How many versions of its seat map a hall has."""
    statement = sa.select(sa.func.count()).where(seat_maps.c.hall_id == hall_id)
    return int((await connection.execute(statement)).scalar_one())
