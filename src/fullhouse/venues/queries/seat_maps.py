"""The seat maps that selling needs at hand."""

import asyncio
from collections import OrderedDict
from uuid import UUID

from fullhouse.api.errors import NOT_FOUND
from fullhouse.kit.db import Database
from fullhouse.kit.errors import Refused
from fullhouse.venues import building
from fullhouse.venues.seatmap import SeatMap
from fullhouse.venues.store import seat_maps as store

# About 200 MB of seats: a handful of stadiums, or hundreds of theatres.
DEFAULT_MOST_SEATS = 500_000
# A larger map is built beside the event loop, because it takes longer than a request may wait.
_SMALL = 2_000


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
