"""Moving showtimes to another version of their hall's seat map, with all that is sold there."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from fullhouse.api.errors import NOT_FOUND, VALIDATION_FAILED
from fullhouse.api.principal import Principal
from fullhouse.bookings.commands import Desk, staff_of
from fullhouse.bookings.core.commands import Move, SeatChoice, Staff
from fullhouse.bookings.core.types import Outcome
from fullhouse.bookings.core.vanishing import missing_from
from fullhouse.bookings.errors import TOO_MANY_SHOWTIMES, granted
from fullhouse.catalog.commands.events import own_event
from fullhouse.catalog.rules import SaleTerms
from fullhouse.catalog.store import sittings
from fullhouse.kit.db import Database
from fullhouse.kit.errors import FieldError, Refused
from fullhouse.venues.queries.seat_maps import SeatMaps
from fullhouse.venues.seatmap import SeatMap

# Showtimes of one event that are moved in one transaction.
MOST_MOVED = 200
# How often it is looked again because somebody else moved one of them meanwhile.
_MOST_TURNS = 3
# Larger maps are compared in a thread, so that requests go on meanwhile.
_SMALL = 2_000


@dataclass(frozen=True, slots=True)
class Moved:
    """The seat map and the showtimes that are sold by it now."""

    seat_map: SeatMap
    showtimes: Sequence[UUID]
    repeated: bool


async def move_showtime(
    desk: Desk,
    database: Database,
    seat_maps: SeatMaps,
    principal: Principal,
    showtime_id: UUID,
    seat_map_id: UUID,
) -> Moved:
    """Sell a showtime by another version of its hall's seat map.

    Raises Refused: NOT_FOUND, FORBIDDEN, VALIDATION_FAILED for a map of another hall,
    EVENT_CLOSED, SHOWTIME_CLOSED, SECTIONS_MISSING, SEATS_MISSING, BELOW_COMMITTED.
    """
    async with database.begin() as connection:
        event_id = await sittings.event_of(connection, showtime_id)
        if event_id is None:
            raise Refused(NOT_FOUND)
        await own_event(connection, principal, event_id)
    seat_map = await _seat_map(seat_maps, seat_map_id)
    return await _move(desk, staff_of(principal), [showtime_id], seat_map)


async def move_event(
    desk: Desk,
    database: Database,
    seat_maps: SeatMaps,
    principal: Principal,
    event_id: UUID,
    seat_map_id: UUID,
) -> Moved:
    """The same for all showtimes of an event in that hall that have not begun: all or none.

    If it is the event's own hall, new showtimes start with as many places, too.

    Raises Refused as :func:`move_showtime` does, with the showtime that stands in the way, and
    TOO_MANY_SHOWTIMES.
    """
    async with database.begin() as connection:
        event = await own_event(connection, principal, event_id)
    seat_map = await _seat_map(seat_maps, seat_map_id)
    async with database.read() as connection:
        showtimes = await sittings.to_move(connection, event_id, seat_map.hall_id, MOST_MOVED + 1)
    if len(showtimes) > MOST_MOVED:
        raise Refused(TOO_MANY_SHOWTIMES)
    if not showtimes:
        raise _wrong("is of a hall in which the event has no showtime to come")
    usual = event.hall_id == seat_map.hall_id
    return await _move(desk, staff_of(principal), showtimes, seat_map, usual=usual)


async def _move(
    desk: Desk, staff: Staff, showtimes: Sequence[UUID], seat_map: SeatMap, *, usual: bool = False
) -> Moved:
    for _ in range(_MOST_TURNS):
        results = await desk.sequencer.submit_together(
            await _moves(desk, staff, showtimes, seat_map, usual)
        )
        if all(result.outcome is not Outcome.OTHER_SEAT_MAP for result in results):
            break
    for showtime_id, result in zip(showtimes, results, strict=True):
        granted(result, showtimeId=str(showtime_id))
    return Moved(seat_map, showtimes, all(result.repeated for result in results))


async def _moves(
    desk: Desk, staff: Staff, showtimes: Sequence[UUID], seat_map: SeatMap, usual: bool
) -> list[Move]:
    sections = {section.name: len(section.seats) for section in seat_map.sections}
    areas = {area.name: area.capacity for area in seat_map.standing}
    present: dict[UUID | None, tuple[tuple[SeatChoice, ...], dict[str, int]]] = {}
    moves = []
    for showtime_id in showtimes:
        # As they are now: what this process knows by heart may be of before the last move.
        terms = await desk.terms.renew(showtime_id)
        if terms is None:
            raise Refused(NOT_FOUND)
        if terms.hall_id != seat_map.hall_id:
            raise _wrong("is no seat map of the showtime's hall")
        if terms.seat_map_id not in present:
            present[terms.seat_map_id] = await _compared(desk, terms, seat_map)
        vanished, areas_before = present[terms.seat_map_id]
        moves.append(
            Move(
                showtime_id,
                staff,
                seat_map.hall_id,
                terms.seat_map_id,
                seat_map.id,
                vanished,
                sections,
                areas,
                areas_before,
                usual,
            )
        )
    return moves


async def _compared(
    desk: Desk, terms: SaleTerms, seat_map: SeatMap
) -> tuple[tuple[SeatChoice, ...], dict[str, int]]:
    """The seats that vanish with the present map, and how many its standing areas take."""
    before = await desk.terms.seat_map(terms)
    if len(seat_map.seats) <= _SMALL:
        missing = missing_from(seat_map, before)
    else:
        missing = await asyncio.to_thread(missing_from, seat_map, before)
    vanished = tuple(SeatChoice(seat.id, seat.section, seat.label) for seat in missing)
    standing = () if before is None else before.standing
    return vanished, {area.name: area.capacity for area in standing}


async def _seat_map(seat_maps: SeatMaps, seat_map_id: UUID) -> SeatMap:
    try:
        return await seat_maps.get(seat_map_id)
    except Refused as refused:
        if refused.code is not NOT_FOUND:
            raise
        raise _wrong("is no seat map") from None


def _wrong(detail: str) -> Refused:
    return Refused(VALIDATION_FAILED, errors=(FieldError("/seatMapId", detail),))
