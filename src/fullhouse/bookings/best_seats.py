"""Proposes seats: the best that are free, put together from what the process knows by heart.

Nothing is decided here: a proposal may be taken by somebody else before it is reserved.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Mapping
from uuid import UUID

from fullhouse.api.errors import NOT_FOUND, VALIDATION_FAILED
from fullhouse.bookings.core.best import Place, best_seats
from fullhouse.bookings.errors import NO_SEAT_MAP, SOLD_OUT, UNKNOWN_CATEGORY
from fullhouse.bookings.schemas import BestSeatsRequest, BestSeatsView, ProposedSeatView
from fullhouse.bookings.store import read
from fullhouse.bookings.terms import Terms
from fullhouse.catalog.rules import SaleTerms
from fullhouse.kit.db import Database
from fullhouse.kit.errors import FieldError, Refused
from fullhouse.venues.neighbours import blocks
from fullhouse.venues.seatmap import SeatMap

# Larger maps are searched in a thread, so that requests go on meanwhile.
SMALL = 2_000
_KEPT_MAPS = 20

# The runs of neighbours of each section.
_Blocks = Mapping[str, list[list[Place]]]


class BestSeats:
    """Finds seats in the maps that this process has lately used."""

    def __init__(self, database: Database, known: Terms) -> None:
        self._database = database
        self._known = known
        self._kept: OrderedDict[UUID, _Blocks] = OrderedDict()
        # One large hall at a time: more at once would only slow each other down.
        self._turn = asyncio.Semaphore(1)

    async def propose(self, terms: SaleTerms, request: BestSeatsRequest) -> BestSeatsView:
        """The best free seats for the request.

        Seats for which others wait in line are not free. Raises Refused: NO_SEAT_MAP,
        UNKNOWN_CATEGORY, VALIDATION_FAILED for a category without seats, SOLD_OUT when there are
        not so many.
        """
        seat_map = await self._known.seat_map(terms)
        if seat_map is None:
            raise Refused(NO_SEAT_MAP)
        _check_category(terms, request.category_id)
        async with self._database.read_raw() as connection:
            document = await read.standing(connection, terms.showtime_id)
        if document is None:
            raise Refused(NOT_FOUND)
        if len(seat_map.seats) <= SMALL:
            return self._found(seat_map, terms, request, document)
        async with self._turn:
            return await asyncio.to_thread(self._found, seat_map, terms, request, document)

    def _found(
        self, seat_map: SeatMap, terms: SaleTerms, request: BestSeatsRequest, document: str
    ) -> BestSeatsView:
        standing = read.decode_standing(document)
        waited_for = {category_id for category_id, _, _, waiting in standing.counters if waiting}
        sections = {
            section: category.id
            for category in terms.categories.values()
            if category.id not in waited_for and request.category_id in (None, category.id)
            for section in category.sections or ()
        }
        candidates = [
            block
            for section, found in self._blocks_of(seat_map).items()
            if section in sections
            for block in found
        ]
        claimed = {UUID(seat_id) for seat_id, _ in standing.claims}
        free = {place.id for block in candidates for place in block} - claimed
        chosen = best_seats(
            candidates, free, request.quantity, seat_map.focal, accessible=request.accessible
        )
        if not chosen:
            raise Refused(SOLD_OUT, available=len(free))
        seats = [seat_map.by_id[place.id] for place in chosen]
        return BestSeatsView(
            terms.showtime_id,
            standing.version,
            [
                ProposedSeatView(
                    seat.id, seat.label, seat.section, seat.row, seat.number, sections[seat.section]
                )
                for seat in seats
            ],
        )

    def _blocks_of(self, seat_map: SeatMap) -> _Blocks:
        kept = self._kept.get(seat_map.id)
        if kept is None:
            kept = {
                section.name: [
                    [
                        Place(seat.id, seat.x, seat.y, seat.accessible, seat.companion)
                        for seat in block
                    ]
                    for block in blocks(section.seats)
                ]
                for section in seat_map.sections
            }
            self._kept[seat_map.id] = kept
            if len(self._kept) > _KEPT_MAPS:
                self._kept.popitem(last=False)
        return kept


def _check_category(terms: SaleTerms, category_id: UUID | None) -> None:
    if category_id is None:
        return
    category = terms.categories.get(category_id)
    if category is None:
        raise Refused(UNKNOWN_CATEGORY)
    if not category.seated:
        detail = "is a category whose places are counted: reserve them by their number"
        raise Refused(VALIDATION_FAILED, errors=(FieldError("/categoryId", detail),))
