"""Reads of the venues: lists for screens, and the seat maps that selling needs at hand."""

import asyncio
from collections import OrderedDict
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from fullhouse.api.errors import NOT_FOUND
from fullhouse.api.pagination import Slice, encode_cursor, foreign_cursor, position_in
from fullhouse.kit.db import Database
from fullhouse.kit.errors import Refused
from fullhouse.venues import building, rules, store
from fullhouse.venues.seatmap import SeatMap

# About 200 MB of seats: a handful of stadiums, or hundreds of theatres.
DEFAULT_MOST_SEATS = 500_000
# A larger map is built beside the event loop, because it takes longer than a request may wait.
_SMALL = 2_000


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


class SeatMaps:
    """The seat maps lately used in this process, at most ``most_seats`` seats together.

    Maps never change, so that what is kept is never stale. The latest map is kept even when it
    alone is larger than the limit.
    """

    def __init__(self, database: Database, most_seats: int = DEFAULT_MOST_SEATS) -> None:
        self._database = database
        self._most_seats = most_seats
        self._kept: OrderedDict[UUID, SeatMap] = OrderedDict()
        self._seats = 0
        self._loading: dict[UUID, asyncio.Task[SeatMap]] = {}

    def get_cached(self, seat_map_id: UUID) -> SeatMap | None:
        """The map if it is at hand, without waiting."""
        seat_map = self._kept.get(seat_map_id)
        if seat_map is not None:
            self._kept.move_to_end(seat_map_id)
        return seat_map

    async def get(self, seat_map_id: UUID) -> SeatMap:
        """The map, loaded once however many ask at the same time; refused with ``not_found``."""
        seat_map = self.get_cached(seat_map_id)
        if seat_map is not None:
            return seat_map
        loading = self._loading.get(seat_map_id)
        if loading is None:
            loading = asyncio.create_task(self._load(seat_map_id), name="load seat map")
            self._loading[seat_map_id] = loading
            loading.add_done_callback(lambda task: self._loaded(seat_map_id, task))
        # Whoever goes away must not end the loading for the others.
        return await asyncio.shield(loading)

    async def _load(self, seat_map_id: UUID) -> SeatMap:
        async with self._database.read() as connection:
            stored = await store.find_seat_map(connection, seat_map_id)
        if stored is None:
            raise Refused(NOT_FOUND)
        seat_map = await built(stored)
        self._keep(seat_map)
        return seat_map

    def _loaded(self, seat_map_id: UUID, task: asyncio.Task[SeatMap]) -> None:
        del self._loading[seat_map_id]
        if not task.cancelled():
            # Looked at even if everybody who asked has gone, so that asyncio does not complain.
            task.exception()

    def _keep(self, seat_map: SeatMap) -> None:
        self._kept[seat_map.id] = seat_map
        self._seats += len(seat_map.seats)
        while self._seats > self._most_seats and len(self._kept) > 1:
            _, oldest = self._kept.popitem(last=False)
            self._seats -= len(oldest.seats)


async def built(stored: store.StoredSeatMap) -> SeatMap:
    """The seat map of a stored layout, made in a thread when it is large."""

    def build() -> SeatMap:
        return building.build(
            stored.layout,
            seat_map_id=stored.id,
            hall_id=stored.hall_id,
            version=stored.version,
        )

    seats = sum(len(row.seats) for part in stored.layout.sections for row in part.rows)
    return build() if seats <= _SMALL else await asyncio.to_thread(build)
