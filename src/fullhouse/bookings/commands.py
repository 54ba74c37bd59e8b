"""What people do with bookings: one function for each intention, all through the sequencer."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Literal
from uuid import UUID

from msgspec import UNSET, UnsetType

from fullhouse.api.context import client_address, request_id
from fullhouse.api.errors import NOT_FOUND, VALIDATION_FAILED
from fullhouse.api.principal import Principal
from fullhouse.api.schemas import Money, Price
from fullhouse.bookings.core.commands import (
    Block,
    Cancel,
    Command,
    Confirm,
    Leave,
    Reserve,
    Resize,
    SeatChoice,
    Settlement,
    Staff,
    Unblock,
)
from fullhouse.bookings.core.types import Allotment, Outcome, Result
from fullhouse.bookings.errors import DUPLICATE_SEAT, NO_SEAT_MAP, granted
from fullhouse.bookings.sequencer import Sequencer
from fullhouse.bookings.terms import Terms
from fullhouse.catalog.rules import SaleTerms
from fullhouse.kit.errors import FieldError, Refused
from fullhouse.kit.ids import new_code, new_id
from fullhouse.venues.seatmap import Seat, SeatMap

# How often a command is made again because the seat map had changed meanwhile.
_MOST_TURNS = 3


@dataclass(frozen=True, slots=True)
class Desk:
    """Where selling commands are handed in."""

    sequencer: Sequencer
    terms: Terms


@dataclass(frozen=True, slots=True)
class Order:
    """What a buyer asks for at one showtime: counted places, named seats, or both."""

    showtime_id: UUID
    items: Sequence[tuple[UUID, int]] = ()
    seats: Sequence[str] = ()
    join_waitlist: bool = False
    allow_orphans: bool = False


@dataclass(frozen=True, slots=True)
class Repeatable:
    """An idempotency key with the fingerprint of the request that it stands for."""

    key: str
    fingerprint: str


async def reserve(
    desk: Desk, user_id: UUID, order: Order, repeatable: Repeatable | None = None
) -> tuple[Result, SaleTerms]:
    """Reserve an order for a buyer, or put them in the line; the result holds the booking.

    Also answers the terms that were sold by: enough to name the event.

    Raises Refused with any code of ``errors.py`` that speaks of reserving, ``not_found`` for an
    unknown showtime, ``unknown_seat`` and ``seat_ambiguous`` for names that are no seat.
    """
    if not order.items and not order.seats:
        detail = "Name at least one place: items with quantities, or seats."
        raise Refused(VALIDATION_FAILED, detail, errors=(FieldError("/items", "is empty"),))
    terms = await desk.terms.glance(order.showtime_id)
    # What is not public any more is still answered to whoever repeats a request of before.
    if terms is None or (repeatable is None and not terms.public):
        raise Refused(NOT_FOUND)
    named = order.seats if terms.public else ()
    quantities: dict[UUID, int] = {}
    for category_id, quantity in order.items:
        quantities[category_id] = quantities.get(category_id, 0) + quantity

    async def make(terms: SaleTerms) -> Reserve:
        seats = await _choose(desk, terms, named) if named else ()
        return Reserve(
            showtime_id=order.showtime_id,
            booking_id=new_id(),
            user_id=user_id,
            code=new_code(),
            items=tuple(quantities.items()),
            seats=seats,
            blocks=await _beside(desk, terms, seats),
            allow_orphans=order.allow_orphans,
            join_waitlist=order.join_waitlist,
            idempotency_key=repeatable.key if repeatable else None,
            fingerprint=repeatable.fingerprint if repeatable else None,
            seat_map_id=terms.seat_map_id,
        )

    result = granted(await _by_its_seat_map(desk, terms, make))
    assert result.terms is not None
    return result, result.terms


async def confirm(
    desk: Desk, showtime_id: UUID, booking_id: UUID, staff: Staff | None = None
) -> Result:
    """Confirm a reserved booking; doing it twice is doing it once.

    Staff take what is owed at the counter; without them nothing may be owed.
    """
    settlement = Settlement.NOTHING_OWED if staff is None else Settlement.COUNTER
    return granted(await desk.sequencer.submit(Confirm(showtime_id, booking_id, settlement, staff)))


async def cancel(
    desk: Desk, showtime_id: UUID, booking_id: UUID, staff: Staff | None = None
) -> Result:
    """Give up a hold, a sale or a place in line; doing it twice is doing it once.

    The policy's deadlines hold for the buyer, which is whoever is not staff.
    """
    return granted(await desk.sequencer.submit(Cancel(showtime_id, booking_id, staff)))


async def leave(desk: Desk, showtime_id: UUID, booking_id: UUID) -> Result:
    """Give up a place in line and nothing else; doing it twice is doing it once."""
    return granted(await desk.sequencer.submit(Leave(showtime_id, booking_id)))


async def block_seats(desk: Desk, staff: Staff, terms: SaleTerms, seats: Sequence[str]) -> Result:
    """Take free seats of the showtime off sale, all or none; also before it is published."""

    async def make(terms: SaleTerms) -> Block:
        chosen = await _choose(desk, terms, seats)
        return Block(terms.showtime_id, staff, chosen, terms.seat_map_id)

    return granted(await _by_its_seat_map(desk, terms, make))


async def unblock_seats(desk: Desk, staff: Staff, terms: SaleTerms, seats: Sequence[str]) -> Result:
    """Put blocked seats back on sale, all or none; free ones may be among them."""

    async def make(terms: SaleTerms) -> Unblock:
        chosen = await _choose(desk, terms, seats)
        return Unblock(terms.showtime_id, staff, chosen, terms.seat_map_id)

    return granted(await _by_its_seat_map(desk, terms, make))


async def resize(
    desk: Desk,
    staff: Staff,
    terms: SaleTerms,
    category_id: UUID,
    capacity: int | None,
    blocked: int | None,
    price: Price | UnsetType | None = UNSET,
) -> tuple[Allotment, Money]:
    """Set what a category has at a showtime: capacity, blocked places, price.

    A price of None is the category's own. Answers the new counters and the price.
    """
    amount: int | UnsetType | None = UNSET
    currency = None
    if isinstance(price, Price):
        amount = price.amount
        currency = None if price.currency is None else price.currency.upper()
    elif price is None:
        amount = None

    async def make(terms: SaleTerms) -> Resize:
        seat_map = None if capacity is None else await desk.terms.seat_map(terms)
        areas = () if seat_map is None else seat_map.standing
        return Resize(
            terms.showtime_id,
            staff,
            category_id,
            capacity,
            blocked,
            amount,
            currency,
            terms.seat_map_id,
            {area.name: area.capacity for area in areas},
        )

    result = await _by_its_seat_map(desk, terms, make)
    if result.outcome is Outcome.OTHER_CURRENCY and result.terms is not None:
        detail = f"is not the event's currency, {result.terms.currency}"
        raise Refused(VALIDATION_FAILED, errors=(FieldError("/price/currency", detail),))
    if result.outcome is Outcome.BEYOND_AREAS:
        detail = f"its areas take only {result.limit}"
        raise Refused(VALIDATION_FAILED, errors=(FieldError("/capacity", detail),))
    granted(result)
    assert result.allotment is not None
    assert result.terms is not None
    return result.allotment, Money(result.price, result.terms.currency)


def staff_of(principal: Principal) -> Staff:
    """The caller of the request at hand, who acts for the organization."""
    kind: Literal["user", "api_key"] = "user" if principal.key is None else "api_key"
    return Staff(kind, principal.id, client_address(), request_id())


async def _by_its_seat_map(
    desk: Desk, terms: SaleTerms, make: Callable[[SaleTerms], Awaitable[Command]]
) -> Result:
    """The result of a command that names seats, made again if the seat map was another already."""
    result = await desk.sequencer.submit(await make(terms))
    for _ in range(_MOST_TURNS):
        if result.outcome is not Outcome.OTHER_SEAT_MAP:
            break
        renewed = await desk.terms.renew(terms.showtime_id)
        if renewed is None:
            raise Refused(NOT_FOUND)
        result = await desk.sequencer.submit(await make(renewed))
    return result


async def _beside(
    desk: Desk, terms: SaleTerms, seats: Sequence[SeatChoice]
) -> tuple[tuple[SeatChoice, ...], ...]:
    """The runs for everybody that the seats stand in, where the event minds single seats."""
    if terms.policy.orphans == "off" or not seats:
        return ()
    seat_map = await desk.terms.seat_map(terms)
    assert seat_map is not None  # the seats were found in it
    runs = (await desk.terms.neighbours(seat_map)).beside(seat.id for seat in seats)
    return tuple(tuple(_choice(seat_map, seat) for seat in run) for run in runs)


async def _choose(desk: Desk, terms: SaleTerms, names: Sequence[str]) -> tuple[SeatChoice, ...]:
    """The seats behind the names, each once, refused if a name is none or two mean the same."""
    seat_map = await desk.terms.seat_map(terms)
    if seat_map is None:
        raise Refused(NO_SEAT_MAP)
    chosen: dict[UUID, SeatChoice] = {}
    for position, name in enumerate(names):
        seat = seat_map.find(name)
        if seat.id in chosen:
            raise Refused(
                DUPLICATE_SEAT,
                f"{name!r} is seat {seat.label}, which is named before.",
                errors=(FieldError(f"/seats/{position}", "names the same seat again"),),
            )
        chosen[seat.id] = _choice(seat_map, seat)
    return tuple(chosen.values())


def _choice(seat_map: SeatMap, seat: Seat) -> SeatChoice:
    return SeatChoice(seat.id, seat.section, seat.label, seat_map.name_of(seat))
