"""Proposes seats: the best that are free, put together from what the process knows by heart.

The same question about the same version of a showtime is answered once for all who ask it. Nothing
is decided here: a proposal may be taken by somebody else before it is reserved.
"""

import asyncio
import base64
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from uuid import UUID

import msgspec

from fullhouse.api.errors import VALIDATION_FAILED
from fullhouse.bookings.core.best import best_seats
from fullhouse.bookings.errors import NO_SEAT_MAP, SOLD_OUT, UNKNOWN_CATEGORY
from fullhouse.bookings.schemas.seats import (
    AvailabilityView,
    BestSeatsRequest,
    BestSeatsView,
    ProposedSeatView,
)
from fullhouse.bookings.seat_states import SeatStates, Shown
from fullhouse.bookings.terms import Terms
from fullhouse.catalog.rules import SaleTerms
from fullhouse.kit.errors import OVERLOADED, FieldError, Refused
from fullhouse.venues.neighbours import Neighbours
from fullhouse.venues.seatmap import SeatMap

# Larger maps are searched in a thread, so that requests go on meanwhile.
SMALL = 2_000
# Searches of larger maps that may be under way or wait; most take some milliseconds.
MOST_SEARCHES = 32
# Answers that are kept, each of some kilobytes.
KEPT_ANSWERS = 500
_RETRY_AFTER_SECONDS = 1

# Of each byte of packed seat states, whether the first, second, third or fourth seat is free.
_FREE = [bytes(not octet >> shift & 3 for octet in range(256)) for shift in (0, 2, 4, 6)]

# Showtime, its version, the revision of its terms, and what is asked.
_Question = tuple[UUID, int, int, BestSeatsRequest]

_decode = msgspec.json.Decoder(AvailabilityView).decode


@dataclass(frozen=True, slots=True)
class _Missing:
    """There are not so many; this many there are."""

    available: int
    detail: str | None = None


_Answer = BestSeatsView | _Missing


class BestSeats:
    """Finds seats in the maps that this process has lately used."""

    def __init__(self, known: Terms, seat_states: SeatStates) -> None:
        self._known = known
        self._seat_states = seat_states
        self._kept: OrderedDict[_Question, _Answer] = OrderedDict()
        self._flights: dict[_Question, asyncio.Task[_Answer]] = {}
        # One large hall at a time: more at once would only slow each other down.
        self._turn = asyncio.Semaphore(1)

    async def propose(self, terms: SaleTerms, request: BestSeatsRequest) -> BestSeatsView:
        """The best free seats for the request.

        Seats for which others wait in line are not free. Raises Refused: NO_SEAT_MAP,
        UNKNOWN_CATEGORY, VALIDATION_FAILED for a category without seats, SOLD_OUT when there are
        not so many, OVERLOADED when too much is searched for.
        """
        shown = await self._seat_states.show("availability", terms, newest=True)
        terms = shown.terms
        seat_map = await self._known.seat_map(terms)
        if seat_map is None:
            raise Refused(NO_SEAT_MAP)
        _check_category(terms, request.category_id)
        question = (terms.showtime_id, shown.version, terms.revision, request)
        answer = self._kept.get(question)
        if answer is None:
            answer = await self._answer(question, seat_map, shown)
        self._keep(question, answer)
        if isinstance(answer, _Missing):
            raise Refused(SOLD_OUT, answer.detail, available=answer.available)
        return answer

    async def _answer(self, question: _Question, seat_map: SeatMap, shown: Shown) -> _Answer:
        neighbours = await self._known.neighbours(seat_map)
        find = partial(_find, seat_map, neighbours, shown, question[-1])
        if len(seat_map.seats) <= SMALL:
            return find()
        flight = self._flights.get(question)
        if flight is None:
            if len(self._flights) >= MOST_SEARCHES:
                raise Refused(OVERLOADED, retry_after_seconds=_RETRY_AFTER_SECONDS)
            flight = asyncio.create_task(self._in_turn(find))
            self._flights[question] = flight
            flight.add_done_callback(lambda _: self._flights.pop(question))
        # Whoever goes away takes nothing from those who wait for the same.
        return await asyncio.shield(flight)

    async def _in_turn(self, find: Callable[[], _Answer]) -> _Answer:
        async with self._turn:
            return await asyncio.to_thread(find)

    def _keep(self, question: _Question, answer: _Answer) -> None:
        self._kept[question] = answer
        self._kept.move_to_end(question)
        if len(self._kept) > KEPT_ANSWERS:
            self._kept.popitem(last=False)


def _find(
    seat_map: SeatMap, neighbours: Neighbours, shown: Shown, request: BestSeatsRequest
) -> _Answer:
    assert shown.body is not None  # nothing was said to be there already
    stands = _decode(shown.body)
    waited_for = {one.category_id for one in stands.categories if one.waiting}
    sections = {
        section: category.id
        for category in shown.terms.categories.values()
        if category.id not in waited_for and request.category_id in (None, category.id)
        for section in category.sections or ()
    }
    free = _free_seats(stands.seats or "", len(seat_map.seats))
    first = 0
    for section in seat_map.sections:
        after = first + len(section.seats)
        if section.name not in sections:
            free[first:after] = bytes(after - first)
        first = after
    accessible = request.accessible
    chosen = best_seats(neighbours, free, request.quantity, seat_map.focal, accessible=accessible)
    if not chosen:
        if accessible and not any(
            seat.accessible for seat, is_free in zip(seat_map.seats, free, strict=True) if is_free
        ):
            return _Missing(0, "No seat that can be used in a wheelchair is free.")
        return _Missing(sum(free))
    return BestSeatsView(
        shown.terms.showtime_id,
        stands.version,
        [
            ProposedSeatView(
                seat.id, seat.label, seat.section, seat.row, seat.number, sections[seat.section]
            )
            for seat in chosen
        ],
    )


def _free_seats(packed: str, count: int) -> bytearray:
    """A byte for each seat, 1 where it is free."""
    octets = base64.b64decode(packed)
    free = bytearray(4 * len(octets))
    for place, is_free in enumerate(_FREE):
        free[place::4] = octets.translate(is_free)
    return free[:count]


def _check_category(terms: SaleTerms, category_id: UUID | None) -> None:
    if category_id is None:
        return
    category = terms.categories.get(category_id)
    if category is None:
        raise Refused(UNKNOWN_CATEGORY)
    if not category.seated:
        detail = "is a category whose places are counted: reserve them by their number"
        raise Refused(VALIDATION_FAILED, errors=(FieldError("/categoryId", detail),))
