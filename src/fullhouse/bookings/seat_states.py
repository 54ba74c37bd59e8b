"""Finished answers about the seats of a showtime, made once for everybody who asks.

A showtime's seats are read whole once; from then on only those that have moved since. Up to
``SMALL`` seats every answer is as new as the showtime's version. A larger map costs too much for
that while it sells: its answers may be ``STALE_SECONDS`` old. What takes long is done in another
thread, so that requests go on meanwhile. Nothing is decided on them; the selling core knows the
truth.
"""

import asyncio
import base64
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, Literal, TypeVar
from uuid import UUID

import msgspec

from fullhouse.api.answers import Figures
from fullhouse.api.errors import NOT_FOUND
from fullhouse.api.etags import names_etag
from fullhouse.bookings.schemas.seats import (
    AvailabilityView,
    CategoryAvailability,
    SeatsView,
    SoldSeatView,
)
from fullhouse.bookings.store import standing
from fullhouse.bookings.store.standing import Standing
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
_BITS = {"f": 0, "h": 1, "s": 2, "b": 3}
_WORDS = {"f": b"available", "h": b"held", "s": b"sold", "b": b"blocked"}

Kind = Literal["seats", "availability"]
# What is asked, of which showtime, and the revision of its terms.
_Key = tuple[Kind, UUID, int]
_Thing = TypeVar("_Thing")

_encode = msgspec.json.Encoder().encode


@dataclass(frozen=True, slots=True)
class Shown:
    """An answer; ``body`` is None when the one who asks has it already.

    It is of this version of the showtime, by these terms.
    """

    etag: str
    body: bytes | None
    version: int
    terms: SaleTerms


@dataclass(slots=True)
class _Made:
    version: int
    body: bytes
    large: bool
    good_until: float  # the version is not even looked at before


class SeatStates:
    """The kept answers of one process, with at most one computation of each at a time.

    Attributes:
        figures: how they were answered; what was brought up to date by what has moved is ``stale``.
    """

    def __init__(
        self, database: Database, known: Terms, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.figures = Figures()
        self._database = database
        self._known = known
        self._clock = clock
        self._made: _Kept[_Made] = _Kept(_ANSWERS_BYTES)
        self._live: _Kept[_Live] = _Kept(_LAYOUTS_SEATS)
        self._flights: dict[_Key, asyncio.Task[_Made]] = {}

    async def show(
        self,
        kind: Kind,
        terms: SaleTerms,
        if_none_match: str | None = None,
        *,
        newest: bool = False,
    ) -> Shown:
        """The answer for these terms, or that the client has it: ``if_none_match`` names its ETag.

        With ``newest`` that of a large map is as new as that of any other, where it can go on from
        what is known. Refused with ``not_found`` when there is no such showtime.
        """
        key = (kind, terms.showtime_id, terms.revision)
        made = self._made.get(key)
        if made is None or newest or self._clock() >= made.good_until:
            live = self._live.get(key)
            quick = live if live is not None and live.is_quick else None
            known = None if quick is None else quick.version
            async with self._database.read_raw() as connection:
                found = await standing.since(connection, terms.showtime_id, known)
            if found is None:
                raise Refused(NOT_FOUND)
            version, revision, since = found
            if revision != terms.revision:
                # Another process has changed prices, seats or more, and nobody has bought here.
                terms = await self._renewed(terms)
                key, quick = (kind, terms.showtime_id, terms.revision), None
            etag = _etag(version, terms.revision)
            if names_etag(if_none_match, etag):
                self.figures.hit += 1
                return Shown(etag, None, version, terms)
            made = None
            if quick is not None and since is not None and since.goes_on_from(quick.at):
                made = self._go_on(key, quick, since)
            if made is None:
                made = await self._at_least(version, key, terms)
        else:
            self.figures.hit += 1
        etag = _etag(made.version, terms.revision)
        body = None if names_etag(if_none_match, etag) else made.body
        return Shown(etag, body, made.version, terms)

    async def _renewed(self, terms: SaleTerms) -> SaleTerms:
        renewed = await self._known.renew(terms.showtime_id)
        if renewed is None or (terms.public and not renewed.public):
            raise Refused(NOT_FOUND)
        return renewed

    def _go_on(self, key: _Key, live: "_Live", now: Standing) -> _Made | None:
        """The answer from what is known and what has moved since then."""
        if live.version >= now.version:
            made = self._made.get(key)  # somebody who asked later was answered earlier
            self.figures.hit += made is not None
            return made
        made = self._made_of(now, live.gone_on(now), large=live.is_large)
        self._made.put(key, made, len(made.body))
        self.figures.stale += 1
        return made

    async def _at_least(self, version: int, key: _Key, terms: SaleTerms) -> _Made:
        made = self._made.get(key)
        if made is not None and made.version >= version:
            if made.large:
                made.good_until = self._clock() + STALE_SECONDS
            self.figures.hit += 1
            return made
        if made is not None and self._clock() < made.good_until:
            self.figures.hit += 1
            return made  # somebody else's computation has ended meanwhile
        leads = False
        while True:
            flight = self._flights.get(key)
            if flight is None:
                leads = True
                if made is None:
                    self.figures.miss += 1
                else:
                    self.figures.stale += 1
                flight = asyncio.create_task(self._make(key, terms))
                self._flights[key] = flight
                flight.add_done_callback(lambda task: self._landed(key, task))
            # Whoever goes away takes nothing from those who wait for the same.
            made = await asyncio.shield(flight)
            # A computation that was under way may have begun before what this caller knows of.
            if made.large or made.version >= version:
                self.figures.wait += not leads
                return made

    def _landed(self, key: _Key, flight: asyncio.Task[_Made]) -> None:
        del self._flights[key]
        if not flight.cancelled() and flight.exception() is None:
            made = flight.result()
            self._made.put(key, made, len(made.body))

    async def _make(self, key: _Key, terms: SaleTerms) -> _Made:
        """Read the showtime whole, or what has moved since if all of a listing is known."""
        seat_map = await self._known.seat_map(terms)
        live = self._live.get(key)
        async with self._database.read_raw() as connection:
            # What is changed on the event loop must not be changed in a thread.
            if live is not None and not live.is_quick:
                found = await standing.since(connection, terms.showtime_id, live.version)
                news = None if found is None else found.news
                if news is not None and news.goes_on_from(live.at):
                    body = await asyncio.to_thread(live.gone_on, news)
                    return self._made_of(news, body, large=live.is_large)
            document = await standing.whole(connection, terms.showtime_id)
        if document is None:
            raise Refused(NOT_FOUND)

        def begin() -> tuple[Standing, _Live | None, bytes]:
            now = standing.decode(document)
            if seat_map is not None:
                live = _Live(key[0], seat_map, terms, now)
                return now, live, live.body(now)
            if key[0] == "availability":
                return now, None, _availability(now, None)
            return now, None, _listing(terms.showtime_id, now, None, b"")

        large = seat_map is not None and len(seat_map.seats) > SMALL
        now, live, body = await asyncio.to_thread(begin) if large else begin()
        if live is not None:
            self._live.put(key, live, len(live.seats))
        return self._made_of(now, body, large=large)

    def _made_of(self, now: Standing, body: bytes, *, large: bool) -> _Made:
        return _Made(now.version, body, large, self._clock() + STALE_SECONDS if large else 0.0)


class _Live:
    """The seats of a showtime as of a version, and what else answers about them hold.

    Whoever changes it does so in one go: on the event loop, or in the only thread that may.
    """

    def __init__(self, kind: Kind, seat_map: SeatMap, terms: SaleTerms, now: Standing) -> None:
        self.seats = (_Packing if kind == "availability" else _Listing)(seat_map, terms)
        self.showtime_id = terms.showtime_id
        self.map_version = seat_map.version
        self.is_large = len(seat_map.seats) > SMALL
        # A large listing is put together anew as a whole, which takes a thread.
        self.is_quick = kind == "availability" or not self.is_large
        for seat, status in now.claims:
            self.seats.move((seat,), status[0])
        self.version, self.at = now.version, now.at

    def go_on(self, now: Standing) -> None:
        """Move what has moved since. Doing so again changes nothing."""
        for seats, states in now.changes:
            self.seats.move(seats, states)
        self.version, self.at = now.version, now.at

    def gone_on(self, now: Standing) -> bytes:
        """Move what has moved since, and answer how it stands now."""
        self.go_on(now)
        return self.body(now)

    def body(self, now: Standing) -> bytes:
        """The finished answer."""
        if isinstance(self.seats, _Packing):
            return _availability(now, self.seats.written().decode())
        return _listing(self.showtime_id, now, self.map_version, self.seats.written())


class _Packing:
    """The states of all seats in the order of the map, and where each seat's is."""

    def __init__(self, seat_map: SeatMap, terms: SaleTerms) -> None:
        sold_as = _categories_of_sections(terms)
        self._places = {
            str(seat.id): place
            for place, seat in enumerate(seat_map.seats)
            if seat.section in sold_as
        }
        self._count = len(seat_map.seats)
        self._octets = bytearray(-(-self._count // 4))
        for place, seat in enumerate(seat_map.seats):
            if seat.section not in sold_as:
                self._set(place, _NOT_FOR_SALE)

    def __len__(self) -> int:
        return self._count

    def move(self, seats: Sequence[str], states: str) -> None:
        """Set the states of some seats, one letter each."""
        for seat_id, state in zip(seats, states, strict=True):
            place = self._places.get(seat_id)
            if place is not None:
                self._set(place, _BITS[state])

    def _set(self, place: int, state: int) -> None:
        octet, quarter = divmod(place, 4)
        shift = 2 * quarter
        self._octets[octet] = self._octets[octet] & ~(3 << shift) | state << shift

    def written(self) -> bytes:
        """All states in base64, four seats to a byte, the first in the lowest bits."""
        return base64.b64encode(self._octets)


class _Listing:
    """Every seat as JSON, and where each stands."""

    def __init__(self, seat_map: SeatMap, terms: SaleTerms) -> None:
        sold_as = _categories_of_sections(terms)
        self._places = {str(seat.id): place for place, seat in enumerate(seat_map.seats)}
        self._seats = [
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
        self._not_sold = {
            place for place, seat in enumerate(seat_map.seats) if seat.section not in sold_as
        }

    def __len__(self) -> int:
        return len(self._seats)

    def move(self, seats: Sequence[str], states: str) -> None:
        """Set the states of some seats, one letter each."""
        for seat_id, state in zip(seats, states, strict=True):
            place = self._places.get(seat_id)
            if place is not None and not (state == "f" and place in self._not_sold):
                # The status is the last field of the view.
                head, _, _ = self._seats[place].rpartition(b":")
                self._seats[place] = head + b':"' + _WORDS[state] + b'"}'

    def written(self) -> bytes:
        """All seats with their states, separated by commas."""
        return b",".join(self._seats)


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


def _availability(now: Standing, packed: str | None) -> bytes:
    counters = [CategoryAvailability(*counter) for counter in now.counters]
    return _encode(AvailabilityView(now.version, counters, packed))


def _listing(showtime_id: UUID, now: Standing, map_version: int | None, seats: bytes) -> bytes:
    empty = _encode(SeatsView(showtime_id, now.version, map_version, []))
    return b"".join((empty.removesuffix(b"]}"), seats, b"]}"))


def _etag(version: int, revision: int) -> str:
    return f'"{version}-{revision}"'


def _categories_of_sections(terms: SaleTerms) -> dict[str, UUID]:
    return {
        section: category.id
        for category in terms.categories.values()
        for section in category.sections or ()
    }
