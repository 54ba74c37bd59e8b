"""Venues and halls for screens and lists."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from uuid import UUID

from fullhouse.api.errors import FORBIDDEN, NOT_FOUND
from fullhouse.api.lists import Order, Part
from fullhouse.api.pagination import Slice
from fullhouse.api.permissions import Permission
from fullhouse.api.principal import Principal, require
from fullhouse.kit.db import Database
from fullhouse.kit.errors import Refused
from fullhouse.media import queries as media
from fullhouse.media.schemas import MediaView
from fullhouse.venues import rules
from fullhouse.venues.filters import Reader, VenueFilters
from fullhouse.venues.store import places as store
from fullhouse.venues.store import venue_lists
from fullhouse.venues.store.venue_lists import ListedRow


@dataclass(frozen=True, slots=True)
class Found:
    """Part of a list of venues, with their pictures that can be shown."""

    part: Part[ListedRow]
    images: Mapping[UUID, MediaView]


@dataclass(frozen=True, slots=True)
class VenueWithHalls:
    """A venue, its halls by name, and its pictures that can be shown."""

    venue: store.VenueRow
    halls: list[store.HallRow]
    images: Mapping[UUID, MediaView]


async def venue(database: Database, venue_id: UUID, reader: Reader) -> VenueWithHalls:
    """A venue with its halls. Raises Refused: NOT_FOUND, also for one that they may not see."""
    async with database.read() as connection:
        found = await store.find_venue(connection, venue_id)
        if found is None or not reader.sees(found.organization_id, shown=found.shown):
            raise Refused(NOT_FOUND)
        halls = await store.halls_of(connection, venue_id)
        images = await media.views(connection, found.images, reader.organizations)
        return VenueWithHalls(found, halls, images)


async def find_venue(database: Database, venue_id: UUID) -> store.VenueRow | None:
    """A venue, whoever may see it, or None where there is none."""
    async with database.read() as connection:
        return await store.find_venue(connection, venue_id)


async def find_hall(database: Database, hall_id: UUID) -> store.HallRow | None:
    """A hall with the newest version of its seat map, or None where there is none."""
    async with database.read() as connection:
        return await store.find_hall(connection, hall_id)


async def hall(database: Database, hall_id: UUID, reader: Reader) -> store.HallRow:
    """A hall. Raises Refused: NOT_FOUND, also for one of a venue that they may not see."""
    found = await find_hall(database, hall_id)
    if found is None or not reader.sees(found.organization_id, shown=found.shown):
        raise Refused(NOT_FOUND)
    return found


async def knows_timezone(database: Database, name: str) -> bool:
    """Whether this is a zone that Python's and the database's zone data both have."""
    if not rules.is_timezone(name):
        return False
    async with database.begin() as connection:
        return await store.knows_timezone(connection, name)


async def venues(database: Database, filters: VenueFilters, order: Order, part: Slice) -> Found:
    """Part of the venues that fit, as far as the reader may see them in lists."""
    async with database.read() as connection:
        found = await venue_lists.list_venues(connection, filters, order, part)
        images = [image for row in found.items for image in row.venue.images]
        return Found(found, await media.views(connection, images, filters.reader.organizations))


async def own_venues(
    database: Database,
    principal: Principal,
    filters: VenueFilters,
    order: Order,
    part: Slice,
    *,
    organization_id: UUID | None = None,
) -> Found:
    """Part of the venues of the caller's organizations, also those that nobody else sees.

    Admins see everybody's. Raises Refused: FORBIDDEN.
    """
    mine = principal.organizations_with(Permission.EVENTS_READ)
    if organization_id is not None:
        require(principal, Permission.EVENTS_READ, organization_id)
        mine = frozenset({organization_id})
    if mine is not None and not mine:
        raise Refused(FORBIDDEN)
    own = replace(filters, reader=Reader(mine), own_only=True)
    return await venues(database, own, order, part)
