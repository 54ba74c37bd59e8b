"""Finished answers about the seats of a showtime, made once for everybody who asks.

Up to ``SMALL`` seats every answer is as new as the showtime's version. A larger map costs too much
for that while it sells: its answers may be ``STALE_SECONDS`` old, and are made in another thread,
so that requests go on meanwhile. Nothing is decided on them; the selling core knows the truth.
"""

import asyncio
import base64
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, Literal, TypeVar
from uuid import UUID

import msgspec

from fullhouse.api.errors import NOT_FOUND
from fullhouse.bookings.schemas import (
    AvailabilityView,
    CategoryAvailability,
    SeatsView,
    SoldSeatView,
)
from fullhouse.bookings.store import read
from fullhouse.bookings.terms import Terms
from fullhouse.catalog.rules import SaleTerms
from fullhouse.kit.db import Database
from fullhouse.kit.errors import Refused
from fullhouse.venues.seatmap import SeatMap

SMALL = 5_000
STALE_SECONDS = 0.25

_ANSWERS_BYTES = 64 * 1024 * 1024
# What never changes is about 300 bytes a seat.
_LAYOUTS_SEATS = 250_000
# What an entry costs besides what it holds, in bytes or in seats.
_ENTRY_WEIGHT = 100

_NOT_FOR_SALE = 3
_BITS = {"held": 1, "sold": 2, "blocked": 3}

Kind = Literal["seats", "availability"]
# What is asked, of which showtime, and the revision of its terms.
_Key = tuple[Kind, UUID, int]
_Thing = TypeVar("_Thing")

_encode = msgspec.json.Encoder().encode


@dataclass(frozen=True, slots=True)
class Shown:
    """An answer; ``body`` is None when the one who asks has it already."""

    etag: str
    body: bytes | None


@dataclass(slots=True)
class _Made:
    version: int
    body: bytes
    large: bool
    good_until: float  # the version is not even looked at before


class SeatStates:
    """The kept answers of one process, with at most one computation of each at a time."""

    def __init__(
        self, database: Database, known: Terms, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._database = database
        self._known = known
        self._clock = clock
        self._made: _Kept[_Made] = _Kept(_ANSWERS_BYTES)
        self._layouts: _Kept[_Packing | _Listing] = _Kept(_LAYOUTS_SEATS)
        self._flights: dict[_Key, asyncio.Task[_Made]] = {}

    async def show(self, kind: Kind, terms: SaleTerms, had: str | None) -> Shown:
        """The answer for these terms, or that ``had``, the client's ETag, stands for it.

        Refused with ``not_found`` when there is no such showtime.
        """
        key = (kind, terms.showtime_id, terms.revision)
        made = self._made.get(key)
        if made is None or self._clock() >= made.good_until:
            version, revision = await _version_of(self._database, terms.showtime_id)
            if revision != terms.revision:
                # Another process has changed prices, seats or more, and nobody has bought here.
                terms = await self._renewed(terms)
                key = (kind, terms.showtime_id, terms.revision)
            etag = _etag(version, terms.revision)
            if had == etag:
                return Shown(etag, None)
            made = await self._at_least(version, key, terms)
        etag = _etag(made.version, terms.revision)
        return Shown(etag, None if had == etag else made.body)

    async def _renewed(self, terms: SaleTerms) -> SaleTerms:
        renewed = await self._known.renew(terms.showtime_id)
        if renewed is None or (terms.public and not renewed.public):
            raise Refused(NOT_FOUND)
        return renewed

    async def _at_least(self, version: int, key: _Key, terms: SaleTerms) -> _Made:
        made = self._made.get(key)
        if made is not None and made.version >= version:
            if made.large:
                made.good_until = self._clock() + STALE_SECONDS
            return made
        if made is not None and self._clock() < made.good_until:
            return made  # somebody else's computation has ended meanwhile
        while True:
            flight = self._flights.get(key)
            if flight is None:
                flight = asyncio.create_task(self._make(key, terms))
                self._flights[key] = flight
                flight.add_done_callback(lambda task: self._landed(key, task))
            # Whoever goes away takes nothing from those who wait for the same.
            made = await asyncio.shield(flight)
            # A computation that was under way may have begun before what this caller knows of.
            if made.large or made.version >= version:
                return made

    def _landed(self, key: _Key, flight: asyncio.Task[_Made]) -> None:
        del self._flights[key]
        if not flight.cancelled() and flight.exception() is None:
            made = flight.result()
            self._made.put(key, made, len(made.body))

    async def _make(self, key: _Key, terms: SaleTerms) -> _Made:
        seat_map = await self._known.seat_map(terms)
        async with self._database.read_raw() as connection:
            document = await read.standing(connection, terms.showtime_id)
        if document is None:
            raise Refused(NOT_FOUND)
        large = seat_map is not None and len(seat_map.seats) > SMALL
        compose = self._compose_seats if key[0] == "seats" else self._compose_availability
        if large:
            version, body = await asyncio.to_thread(compose, key, document, terms, seat_map)
        else:
            version, body = compose(key, document, terms, seat_map)
        return _Made(version, body, large, self._clock() + STALE_SECONDS if large else 0.0)

    def _compose_availability(
        self, key: _Key, document: str, terms: SaleTerms, seat_map: SeatMap | None
    ) -> tuple[int, bytes]:
        standing = read.decode_standing(document)
        packed = None
        if seat_map is not None:
            layout = self._layouts.get(key)
            if not isinstance(layout, _Packing):
                layout = _Packing(seat_map, terms)
                self._layouts.put(key, layout, len(seat_map.seats))
            packed = layout.packed(standing.claims)
        counters = [CategoryAvailability(*counter) for counter in standing.counters]
        return standing.version, _encode(AvailabilityView(standing.version, counters, packed))

    def _compose_seats(
        self, key: _Key, document: str, terms: SaleTerms, seat_map: SeatMap | None
    ) -> tuple[int, bytes]:
        standing = read.decode_standing(document)
        map_version = None if seat_map is None else seat_map.version
        empty = _encode(SeatsView(terms.showtime_id, standing.version, map_version, []))
        if seat_map is None:
            return standing.version, empty
        layout = self._layouts.get(key)
        if not isinstance(layout, _Listing):
            layout = _Listing(seat_map, terms)
            self._layouts.put(key, layout, len(seat_map.seats))
        listed = layout.listed(standing.claims)
        return standing.version, b"".join((empty.removesuffix(b"]}"), listed, b"]}"))


class _Packing:
    """Where each seat's two bits are, and the states of seats that nobody claims."""

    def __init__(self, seat_map: SeatMap, terms: SaleTerms) -> None:
        sold_as = _categories_of_sections(terms)
        self._places = {str(seat.id): place for place, seat in enumerate(seat_map.seats)}
        self._free = bytearray(-(-len(seat_map.seats) // 4) * 4)
        for place, seat in enumerate(seat_map.seats):
            if seat.section not in sold_as:
                self._free[place] = _NOT_FOR_SALE

    def packed(self, claims: list[tuple[str, str]]) -> str:
        """All states in base64, four seats to a byte, the first in the lowest bits."""
        states = bytearray(self._free)
        for seat_id, status in claims:
            place = self._places.get(seat_id)
            if place is not None and states[place] != _NOT_FOR_SALE:
                states[place] = _BITS[status]
        # No state reaches into the next byte when all are moved at once.
        octets = 0
        for quarter in range(4):
            octets |= int.from_bytes(states[quarter::4], "little") << 2 * quarter
        return base64.b64encode(octets.to_bytes(len(states) // 4, "little")).decode("ascii")


class _Listing:
    """Every seat as JSON, as it is when nobody claims it."""

    def __init__(self, seat_map: SeatMap, terms: SaleTerms) -> None:
        sold_as = _categories_of_sections(terms)
        self._places = {str(seat.id): place for place, seat in enumerate(seat_map.seats)}
        self._free = [
            _encode(
                SoldSeatView(
                    seat.id,
                    seat.label,
                    seat.section,
                    seat.row,
                    seat.number,
                    sold_as.get(seat.section),
                    "available" if seat.section in sold_as else "blocked",
                )
            )
            for seat in seat_map.seats
        ]

    def listed(self, claims: list[tuple[str, str]]) -> bytes:
        """All seats with their states, separated by commas."""
        seats = self._free.copy()
        for seat_id, status in claims:
            place = self._places.get(seat_id)
            if place is not None:
                # The status is the last field of the view.
                head, _, _ = seats[place].rpartition(b":")
                seats[place] = head + b':"' + status.encode() + b'"}'
        return b",".join(seats)


class _Kept(Generic[_Thing]):
    """Things by key, up to a total weight; the least used go first, the last one stays."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._things: OrderedDict[_Key, tuple[_Thing, int]] = OrderedDict()
        self._weight = 0
        # Layouts are made, and so kept, in other threads.
        self._lock = threading.Lock()

    def get(self, key: _Key) -> _Thing | None:
        with self._lock:
            found = self._things.get(key)
            if found is None:
                return None
            self._things.move_to_end(key)
            return found[0]

    def put(self, key: _Key, thing: _Thing, weight: int) -> None:
        weight += _ENTRY_WEIGHT
        with self._lock:
            old = self._things.pop(key, None)
            self._weight += weight - (0 if old is None else old[1])
            self._things[key] = (thing, weight)
            while self._weight > self._most and len(self._things) > 1:
                _, (_, gone) = self._things.popitem(last=False)
                self._weight -= gone


async def _version_of(database: Database, showtime_id: UUID) -> tuple[int, int]:
    async with database.read_raw() as connection:
        found = await read.version_of(connection, showtime_id)
    if found is None:
        raise Refused(NOT_FOUND)
    return found


def _etag(version: int, revision: int) -> str:
    return f'"{version}-{revision}"'


def _categories_of_sections(terms: SaleTerms) -> dict[str, UUID]:
    return {
        section: category.id
        for category in terms.categories.values()
        for section in category.sections or ()
    }
