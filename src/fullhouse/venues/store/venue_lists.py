"""Which venues a list shows, and in which order."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from fullhouse.api.lists import Order, Part, fetch_found, fetch_part
from fullhouse.api.pagination import Slice
from fullhouse.kit.lists import SortKey
from fullhouse.kit.words import almost_has_words, folded, has_words
from fullhouse.venues.filters import Near, Reader, VenueFilters
from fullhouse.venues.store.places import VENUES, VenueRow, venue_of
from fullhouse.venues.tables import venues

# The mean radius of the earth (IUGG). That it is no sphere is off by half a percent at most.
_EARTH_METERS = 6_371_008.8
_METERS_PER_KM = 1_000


@dataclass(frozen=True, slots=True)
class ListedRow:
    """A venue in a list, and how far it is from where it was looked for, in meters."""

    venue: VenueRow
    distance: int | None


async def list_venues(
    connection: AsyncConnection, filters: VenueFilters, order: Order, part: Slice
) -> Part[ListedRow]:
    """Part of the venues that fit. ``order.key`` is one of ``filters.sort_keys``.

    What is searched for is found by the beginnings of its words; where no venue has them all,
    those are shown whose words are almost the same.
    """

    async def fetch(almost: bool) -> Part[ListedRow]:
        return await _part(connection, replace(filters, almost=almost), order, part)

    return await fetch_found(fetch, filters.q, part)


async def _part(
    connection: AsyncConnection, filters: VenueFilters, order: Order, part: Slice
) -> Part[ListedRow]:
    distance = _distance(filters.near)
    keys = {
        "name": SortKey(venues.c.name, str),
        "city": SortKey(venues.c.city, str),
        "createdAt": SortKey(venues.c.created_at, datetime),
        "distance": SortKey(distance, int),
    }
    found = await fetch_part(
        connection,
        VENUES.add_columns(distance.label("distance")).where(*_conditions(filters, distance)),
        venues.c.id,
        keys[order.key],
        replace(order, almost=filters.almost),
        part,
    )
    rows = [ListedRow(venue_of(row), row.distance) for row in found.items]
    return Part(rows, found.next_cursor, found.total)


def _conditions(
    filters: VenueFilters, distance: sa.ColumnElement[int]
) -> list[sa.ColumnElement[bool]]:
    conditions = [_is_seen(filters.reader, own_only=filters.own_only)]
    if filters.q:
        found = almost_has_words if filters.almost else has_words
        conditions.append(found(venues.c.words, filters.q))
    if filters.city is not None:
        conditions.append(venues.c.city_key == folded(filters.city))
    if filters.country is not None:
        conditions.append(venues.c.country == filters.country.upper())
    if filters.near is not None:
        conditions.append(distance <= round(filters.near.radius_km * _METERS_PER_KM))
    return conditions


def _is_seen(reader: Reader, *, own_only: bool) -> sa.ColumnElement[bool]:
    if reader.organizations is None:
        return sa.true()
    own = venues.c.organization_id.in_(reader.organizations)
    if own_only:
        return own
    return sa.or_(own, venues.c.organization_id.is_(None), venues.c.shown_until > sa.func.now())


def _distance(near: Near | None) -> sa.ColumnElement[int]:
    """How far it is along a great circle, in whole meters, so that a cursor names it exactly."""
    if near is None:
        return sa.null().cast(sa.BigInteger)
    latitude = sa.func.radians(venues.c.latitude)
    there = sa.func.radians(sa.literal(near.latitude, sa.Double))
    across = sa.func.radians(venues.c.longitude - sa.literal(near.longitude, sa.Double))
    haversine = sa.func.power(sa.func.sin((latitude - there) / 2), 2) + sa.func.cos(
        latitude
    ) * sa.func.cos(there) * sa.func.power(sa.func.sin(across / 2), 2)
    # Rounding may leave a little more than one at the other end of the world. (LEAST would take
    # a venue without coordinates for one that is there.)
    angle = 2 * sa.func.asin(sa.func.sqrt(sa.case((haversine > 1, 1.0), else_=haversine)))
    meters: sa.ColumnElement[Any] = sa.func.round(angle * _EARTH_METERS)
    return sa.cast(meters, sa.BigInteger)
