"""What the selling core knows by heart: terms of sale and the seats of immutable seat maps."""

import asyncio
from collections import OrderedDict
from collections.abc import Mapping
from uuid import UUID

from fullhouse.bookings.core.types import FreeSeat
from fullhouse.catalog import store as catalog_store
from fullhouse.catalog.rules import SaleTerms
from fullhouse.kit.db import Database, RawConnection
from fullhouse.venues.neighbours import Neighbours
from fullhouse.venues.queries.seat_maps import SeatMaps
from fullhouse.venues.seatmap import SeatMap

# Kept terms of as many showtimes; each is a few kilobytes.
KEPT_SHOWTIMES = 10_000
# Seats of as many categories, for serving their lines.
KEPT_SEATINGS = 20


class Terms:
    """Kept terms, each checked against its revision under the showtime's lock before it counts."""

    def __init__(self, database: Database, seat_maps: SeatMaps) -> None:
        self._database = database
        self._seat_maps = seat_maps
        self._kept: OrderedDict[UUID, SaleTerms] = OrderedDict()
        self._neighbours: OrderedDict[UUID, Neighbours] = OrderedDict()
        self._seats: OrderedDict[tuple[UUID, tuple[str, ...]], list[FreeSeat]] = OrderedDict()

    async def at(
        self, connection: RawConnection, revisions: Mapping[UUID, int]
    ) -> dict[UUID, SaleTerms]:
        """The terms of the showtimes at exactly these revisions; reads only what is not known."""
        known = {showtime_id: self._kept.get(showtime_id) for showtime_id in revisions}
        stale = [
            showtime_id
            for showtime_id, terms in known.items()
            if terms is None or terms.revision != revisions[showtime_id]
        ]
        found = {showtime_id: terms for showtime_id, terms in known.items() if terms is not None}
        if stale:
            fresh = await catalog_store.load_sale_terms(connection, stale)
            self._keep(fresh)
            found |= fresh
        return found

    async def glance(self, showtime_id: UUID) -> SaleTerms | None:
        """The terms as last seen, for reading a request; None when there is no such showtime.

        They may be out of date: whatever is decided is decided on ``at``.
        """
        terms = self._kept.get(showtime_id)
        # What was not on sale may be by now, and nothing else would bring that to notice.
        if terms is not None and terms.on_sale:
            self._kept.move_to_end(showtime_id)
        else:
            fresh = await self._load(showtime_id)
            self._keep(fresh)
            terms = fresh.get(showtime_id)
        return None if terms is None or terms.deleted else terms

    async def renew(self, showtime_id: UUID) -> SaleTerms | None:
        """The terms as they are now, for whoever found out that those at hand are old."""
        fresh = await self._load(showtime_id)
        self._keep(fresh)
        return fresh.get(showtime_id)

    async def seat_map(self, terms: SaleTerms) -> SeatMap | None:
        """The seat map that the showtime is sold by."""
        return None if terms.seat_map_id is None else await self._seat_maps.get(terms.seat_map_id)

    async def neighbours(self, seat_map: SeatMap) -> Neighbours:
        """Who sits beside whom in a seat map."""
        found = self._neighbours.get(seat_map.id)
        if found is None:
            # In a thread: a stadium takes a tenth of a second, once.
            found = await asyncio.to_thread(Neighbours, seat_map.seats)
            self._neighbours[seat_map.id] = found
        self._neighbours.move_to_end(seat_map.id)
        if len(self._neighbours) > KEPT_SEATINGS:
            self._neighbours.popitem(last=False)
        return found

    async def seats_of(self, terms: SaleTerms, category_id: UUID) -> list[FreeSeat]:
        """All seats of a seated category in the order of the seat map; not to be changed."""
        sections = terms.categories[category_id].sections or ()
        if terms.seat_map_id is None:
            return []
        key = (terms.seat_map_id, sections)
        seats = self._seats.get(key)
        if seats is None:
            seat_map = await self._seat_maps.get(terms.seat_map_id)
            seats = self._seats[key] = [
                FreeSeat(seat.id, seat.label, (seat.section, seat.row), place)
                for place, seat in enumerate(seat_map.seats)
                if seat.section in sections
            ]
        self._seats.move_to_end(key)
        if len(self._seats) > KEPT_SEATINGS:
            self._seats.popitem(last=False)
        return seats

    async def _load(self, showtime_id: UUID) -> dict[UUID, SaleTerms]:
        async with self._database.read_raw() as connection:
            return await catalog_store.load_sale_terms(connection, [showtime_id])

    def _keep(self, fresh: dict[UUID, SaleTerms]) -> None:
        for showtime_id, terms in fresh.items():
            self._kept[showtime_id] = terms
            self._kept.move_to_end(showtime_id)
        while len(self._kept) > KEPT_SHOWTIMES:
            self._kept.popitem(last=False)
