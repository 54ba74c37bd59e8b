"""Proposes seats: the best that are free, put together from what the process knows by heart.

Nothing is decided here: a proposal may be taken by somebody else before it is reserved.
"""

import asyncio
from collections.abc import Sequence
from functools import partial
from uuid import UUID

from fullhouse.api.errors import NOT_FOUND, VALIDATION_FAILED
from fullhouse.bookings.core.best import Point, best_seats
from fullhouse.bookings.errors import NO_SEAT_MAP, SOLD_OUT, UNKNOWN_CATEGORY
from fullhouse.bookings.schemas.seats import BestSeatsRequest, BestSeatsView, ProposedSeatView
from fullhouse.bookings.store import standing
from fullhouse.bookings.terms import Terms
from fullhouse.catalog.rules import SaleTerms
from fullhouse.kit.db import Database
from fullhouse.kit.errors import FieldError, Refused
from fullhouse.venues.neighbours import Block

# Larger maps are searched in a thread, so that requests go on meanwhile.
SMALL = 2_000


class BestSeats:
    """Finds seats in the maps that this process has lately used."""

    def __init__(self, database: Database, known: Terms) -> None:
        self._database = database
        self._known = known
        # One large hall at a time: more at once would only slow each other down.
        self._turn = asyncio.Semaphore(1)

    async def propose(self, terms: SaleTerms, request: BestSeatsRequest) -> BestSeatsView:
        """The best free seats for the request.

        Seats for which others wait in line are not free. Raises Refused: NO_SEAT_MAP,
        UNKNOWN_CATEGORY, VALIDATION_FAILED for a category without seats, SOLD_OUT when there are
        not so many.
        """
        async with self._database.read_raw() as connection:
            found = await standing.version_of(connection, terms.showtime_id)
            document = await standing.whole(connection, terms.showtime_id)
        if found is None or document is None:
            raise Refused(NOT_FOUND)
        if found[1] != terms.revision:
            # Sold by another seat map, perhaps; at worst a moment later it is another again.
            renewed = await self._known.renew(terms.showtime_id)
            if renewed is None or (terms.public and not renewed.public):
                raise Refused(NOT_FOUND)
            terms = renewed
        seat_map = await self._known.seat_map(terms)
        if seat_map is None:
            raise Refused(NO_SEAT_MAP)
        _check_category(terms, request.category_id)
        blocks = (await self._known.neighbours(seat_map)).blocks
        find = partial(_find, blocks, seat_map.focal, terms, request, document)
        if len(seat_map.seats) <= SMALL:
            return find()
        async with self._turn:
            return await asyncio.to_thread(find)


def _find(
    blocks: Sequence[Block],
    focal: Point,
    terms: SaleTerms,
    request: BestSeatsRequest,
    document: str,
) -> BestSeatsView:
    stands = standing.decode(document)
    waited_for = {category_id for category_id, _, _, waiting in stands.counters if waiting}
    sections = {
        section: category.id
        for category in terms.categories.values()
        if category.id not in waited_for and request.category_id in (None, category.id)
        for section in category.sections or ()
    }
    candidates = [block for block in blocks if block[0].section in sections]
    claimed = {UUID(seat_id) for seat_id, _ in stands.claims}
    free = {seat.id for block in candidates for seat in block} - claimed
    chosen = best_seats(candidates, free, request.quantity, focal, accessible=request.accessible)
    if not chosen:
        raise Refused(SOLD_OUT, available=len(free))
    return BestSeatsView(
        terms.showtime_id,
        stands.version,
        [
            ProposedSeatView(
                seat.id, seat.label, seat.section, seat.row, seat.number, sections[seat.section]
            )
            for seat in chosen
        ],
    )


def _check_category(terms: SaleTerms, category_id: UUID | None) -> None:
    if category_id is None:
        return
    category = terms.categories.get(category_id)
    if category is None:
        raise Refused(UNKNOWN_CATEGORY)
    if not category.seated:
        detail = "is a category whose places are counted: reserve them by their number"
        raise Refused(VALIDATION_FAILED, errors=(FieldError("/categoryId", detail),))
