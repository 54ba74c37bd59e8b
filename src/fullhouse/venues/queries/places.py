"""Venues and halls for screens and lists."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from fullhouse.api.errors import NOT_FOUND
from fullhouse.api.pagination import Slice, encode_cursor, foreign_cursor, position_in
from fullhouse.kit.db import Database
from fullhouse.kit.errors import Refused
from fullhouse.venues import rules
from fullhouse.venues.store import places as store


@dataclass(frozen=True, slots=True)
class Found:
    """Part of a list of venues; ``total`` where the part was asked for by page."""

    venues: list[store.VenueRow]
    next_cursor: str | None
    total: int | None


@dataclass(frozen=True, slots=True)
class VenueWithHalls:
    """A venue and its halls by name."""

    venue: store.VenueRow
    halls: list[store.HallRow]


async def venue(database: Database, venue_id: UUID) -> VenueWithHalls:
    """A venue with its halls; refused with ``not_found``."""
    async with database.read() as connection:
        found = await store.find_venue(connection, venue_id)
        if found is None:
            raise Refused(NOT_FOUND)
        return VenueWithHalls(found, await store.halls_of(connection, venue_id))


async def find_venue(database: Database, venue_id: UUID) -> store.VenueRow | None:
    """A venue, or None where there is none."""
    async with database.read() as connection:
        return await store.find_venue(connection, venue_id)


async def find_hall(database: Database, hall_id: UUID) -> store.HallRow | None:
    """A hall with the newest version of its seat map, or None where there is none."""
    async with database.read() as connection:
        return await store.find_hall(connection, hall_id)


async def hall(database: Database, hall_id: UUID) -> store.HallRow:
    """A hall; refused with ``not_found``."""
    found = await find_hall(database, hall_id)
    if found is None:
        raise Refused(NOT_FOUND)
    return found


async def knows_timezone(database: Database, name: str) -> bool:
    """Whether this is a zone that Python's and the database's zone data both have."""
    if not rules.is_timezone(name):
        return False
    async with database.begin() as connection:
        return await store.knows_timezone(connection, name)


async def venues(database: Database, part: Slice, city: str | None = None) -> Found:
    """Part of the venues by name, those of one city if one is named."""
    async with database.read() as connection:
        conditions = [store.in_city(city)] if city is not None else []
        total = None
        if part.offset is not None:
            total = await store.count_venues(connection, conditions)
        if part.after is not None:
            conditions.append(store.after(*_position(part.after)))
        rows = await store.list_venues(connection, conditions, part.limit + 1, part.offset or 0)
    following = None
    if len(rows) > part.limit:
        rows.pop()
        following = encode_cursor((rows[-1].name, str(rows[-1].id)))
    return Found(rows, following, total)


def _position(after: tuple[Any, ...]) -> tuple[str, UUID]:
    name, venue_id = position_in(after, tuple[str, UUID])
    if "\0" in name:  # which no text in the database can hold
        raise foreign_cursor()
    return name, venue_id
