"""The seat maps that selling needs at hand."""

import asyncio
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID

from fullhouse.api.errors import NOT_FOUND
from fullhouse.api.pagination import Slice, encode_cursor, foreign_cursor, position_in
from fullhouse.kit.db import Database
from fullhouse.kit.errors import Refused
from fullhouse.venues import building
from fullhouse.venues.filters import STRANGER, Reader
from fullhouse.venues.seatmap import SeatMap
from fullhouse.venues.store import places
from fullhouse.venues.store import seat_maps as store

# About 200 MB of seats: a handful of stadiums, or hundreds of theatres.
DEFAULT_MOST_SEATS = 500_000
# A larger map is built beside the event loop, because it takes longer than a request may wait.
_SMALL = 2_000
# Of finished answers about maps, in bytes: some stadiums in each form.
_ANSWERS_BYTES = 64 * 1024 * 1024
_LARGEST_VERSION = 2**31 - 1
# Ids of maps that are remembered as everybody's; then it is asked again.
_MOST_PUBLIC = 100_000


@dataclass(frozen=True, slots=True)
class Versions:
    """Part of the versions of a hall's seat map; ``total`` where it was asked for by page."""

    versions: list[store.SeatMapVersion]
    next_cursor: str | None
    total: int | None


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
        self._written: OrderedDict[tuple[UUID, str], bytes] = OrderedDict()
        self._written_bytes = 0
        self._writing: dict[tuple[UUID, str], asyncio.Task[bytes]] = {}
        self._public: set[UUID] = set()

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

    async def check_seen(self, seat_map_id: UUID, reader: Reader) -> bool:
        """Whether everybody may see the map, as they may its venue.

        Refused with ``not_found`` where not even the reader may. What was everybody's once stays
        so for this process, as it does in whatever else keeps answers for good.
        """
        if seat_map_id in self._public:
            return True
        async with self._database.read() as connection:
            keeper = await store.find_keeper(connection, seat_map_id)
        if keeper is None or not reader.sees(keeper.organization_id, shown=keeper.shown):
            raise Refused(NOT_FOUND)
        public = STRANGER.sees(keeper.organization_id, shown=keeper.shown)
        if public:
            if len(self._public) >= _MOST_PUBLIC:
                self._public.clear()
            self._public.add(seat_map_id)
        return public

    async def written(
        self, seat_map_id: UUID, form: str, write: Callable[[SeatMap], bytes]
    ) -> bytes:
        """The map in this form, written once and kept; refused with ``not_found``.

        ``write`` must give the same for the same form; that of a large map runs in a thread.
        """
        key = (seat_map_id, form)
        found = self._written.get(key)
        if found is not None:
            self._written.move_to_end(key)
            return found
        writing = self._writing.get(key)
        if writing is None:
            writing = asyncio.create_task(self._write(key, write), name="write seat map")
            self._writing[key] = writing
            writing.add_done_callback(lambda task: self._wrote(key, task))
        return await asyncio.shield(writing)

    async def _write(self, key: tuple[UUID, str], write: Callable[[SeatMap], bytes]) -> bytes:
        seat_map = await self.get(key[0])
        if len(seat_map.seats) <= _SMALL:
            body = write(seat_map)
        else:
            body = await asyncio.to_thread(write, seat_map)
        self._written[key] = body
        self._written_bytes += len(body)
        while self._written_bytes > _ANSWERS_BYTES and len(self._written) > 1:
            _, oldest = self._written.popitem(last=False)
            self._written_bytes -= len(oldest)
        return body

    def _wrote(self, key: tuple[UUID, str], task: asyncio.Task[bytes]) -> None:
        del self._writing[key]
        if not task.cancelled():
            task.exception()

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

    small = stored.layout.seat_count <= _SMALL
    return build() if small else await asyncio.to_thread(build)


async def versions(database: Database, hall_id: UUID, part: Slice, reader: Reader) -> Versions:
    """Part of the versions of a hall's seat map, newest first; refused with ``not_found``."""
    before = None if part.after is None else _version_in(part.after)
    async with database.read() as connection:
        hall = await places.find_hall(connection, hall_id)
        if hall is None or not reader.sees(hall.organization_id, shown=hall.shown):
            raise Refused(NOT_FOUND)
        total = None
        if part.offset is not None:
            total = await store.count_versions(connection, hall_id)
        found = await store.list_versions(
            connection, hall_id, part.limit + 1, before=before, offset=part.offset or 0
        )
    following = None
    if len(found) > part.limit:
        found.pop()
        following = encode_cursor((found[-1].version,))
    return Versions(found, following, total)


def _version_in(after: tuple[object, ...]) -> int:
    (version,) = position_in(after, tuple[int])
    if not 0 < version <= _LARGEST_VERSION:
        raise foreign_cursor()
    return int(version)
