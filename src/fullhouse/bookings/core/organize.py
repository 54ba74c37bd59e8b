"""What organizers change of what is sold: seats, places, prices, the seat map, and its end."""

from collections.abc import Iterable
from uuid import UUID

from msgspec import UNSET

from fullhouse.bookings.core.commands import (
    Block,
    CallOff,
    Move,
    Resize,
    SeatChoice,
    Staff,
    Unblock,
)
from fullhouse.bookings.core.ledger import Ledger
from fullhouse.bookings.core.transitions import LIVE
from fullhouse.bookings.core.types import (
    Allotment,
    Claim,
    ClaimStatus,
    Inventory,
    Outcome,
    Result,
    Status,
)
from fullhouse.bookings.events import (
    AllotmentRepriced,
    AllotmentResized,
    Event,
    SeatMapMoved,
    SeatsChanged,
)
from fullhouse.catalog.rules import CategoryTerms
from fullhouse.venues.labels import path_of


def block(ledger: Ledger, inventory: Inventory, command: Block) -> Result:
    """Take free seats off sale, all or none."""
    if command.seat_map_id != inventory.terms.seat_map_id:
        return Result(Outcome.OTHER_SEAT_MAP)
    wanted: dict[SeatChoice, Claim] = {}
    taken: list[str] = []
    for seat in command.seats:
        category = inventory.terms.category_of_section(seat.section)
        if category is None:
            return Result(Outcome.SEATS_NOT_FOR_SALE, seats=[seat.known_as])
        claim = inventory.claims.get(seat.id)
        if claim is None:
            wanted[seat] = Claim(
                command.showtime_id, seat.id, category.id, ClaimStatus.BLOCKED, None
            )
        elif claim.status is not ClaimStatus.BLOCKED:
            taken.append(seat.known_as)
    if taken:
        return Result(Outcome.SEATS_TAKEN, seats=taken)
    for claim in wanted.values():
        ledger.block(claim)
    _record_seats(ledger, inventory, "seats.blocked", command.staff, wanted)
    return Result(Outcome.CHANGED, repeated=not wanted)


def unblock(ledger: Ledger, inventory: Inventory, command: Unblock) -> Result:
    """Put blocked seats back on sale, all or none."""
    if command.seat_map_id != inventory.terms.seat_map_id:
        return Result(Outcome.OTHER_SEAT_MAP)
    claims = {
        seat: inventory.claims[seat.id] for seat in command.seats if seat.id in inventory.claims
    }
    owned = [seat for seat, claim in claims.items() if claim.status is not ClaimStatus.BLOCKED]
    if owned:
        return Result(Outcome.SEATS_TAKEN, seats=[seat.known_as for seat in owned])
    for claim in claims.values():
        ledger.unblock(claim)
    _record_seats(ledger, inventory, "seats.unblocked", command.staff, claims)
    return Result(Outcome.CHANGED, repeated=not claims)


def resize(ledger: Ledger, inventory: Inventory, command: Resize) -> Result:
    """Set capacity, blocked places and price, all of them or none."""
    category = inventory.terms.categories.get(command.category_id)
    allotment = inventory.allotments.get(command.category_id)
    if category is None or allotment is None:
        return Result(Outcome.UNKNOWN_CATEGORY)
    if category.seated and (command.capacity is not None or command.blocked is not None):
        return Result(Outcome.SEATED_CATEGORY)
    if command.currency not in (None, inventory.terms.currency):
        return Result(Outcome.OTHER_CURRENCY)
    if command.capacity is not None and category.areas is not None:
        if command.seat_map_id != inventory.terms.seat_map_id:
            return Result(Outcome.OTHER_SEAT_MAP)
        most = sum(command.areas.get(name, 0) for name in category.areas)
        if command.capacity > most:
            return Result(Outcome.BEYOND_AREAS, limit=most)
    capacity = allotment.capacity if command.capacity is None else command.capacity
    blocked = allotment.blocked if command.blocked is None else command.blocked
    committed = allotment.held + allotment.sold
    if capacity < committed + blocked:
        return Result(Outcome.BELOW_COMMITTED, limit=committed + blocked, allotment=allotment)
    repeated = True
    if (capacity, blocked) != (allotment.capacity, allotment.blocked):
        _set_places(ledger, inventory, command.staff, allotment, capacity, blocked)
        repeated = False
    if command.price is not UNSET and command.price != category.special:
        _set_price(ledger, inventory, command.staff, allotment, command.price)
        repeated = False
    price = inventory.terms.categories[command.category_id].price
    return Result(Outcome.CHANGED, allotment=allotment, price=price, repeated=repeated)


def move(ledger: Ledger, inventory: Inventory, command: Move) -> Result:
    """Sell by another seat map, unless somebody's seat or a category's section is not in it."""
    terms = inventory.terms
    if terms.seat_map_id == command.to_map:
        return Result(Outcome.CHANGED, repeated=True)
    if (terms.seat_map_id, terms.hall_id) != (command.from_map, command.hall_id):
        return Result(Outcome.OTHER_SEAT_MAP)
    if terms.called_off or terms.starts_at <= ledger.now:
        return Result(Outcome.SHOWTIME_CLOSED)
    lacking = _sections_missing(terms.categories.values(), command)
    if lacking:
        return Result(Outcome.SECTIONS_MISSING, seats=lacking)
    claimed = [seat for seat in command.vanished if seat.id in inventory.claims]
    if claimed:
        return Result(
            Outcome.SEATS_MISSING, seats=[path_of(seat.section, seat.label) for seat in claimed]
        )
    capacities: dict[UUID, int] = {}
    for category in terms.categories.values():
        allotment = inventory.allotments[category.id]
        capacities[category.id] = capacity = _capacity_in(category, allotment, command)
        committed = allotment.held + allotment.sold + allotment.blocked
        if capacity < committed:
            return Result(Outcome.BELOW_COMMITTED, limit=committed, allotment=allotment)
    for category_id, capacity in capacities.items():
        if capacity != inventory.allotments[category_id].capacity:
            ledger.open_for_change(inventory.allotments[category_id]).capacity = capacity
    if command.usual:
        located = [one for one in terms.categories.values() if one.sections or one.areas]
        ledger.usual |= {category.id: _sizes(category, command) for category in located}
    ledger.state.gone |= {(terms.showtime_id, seat.id) for seat in command.vanished}
    ledger.set_seat_map(inventory, command.to_map)
    payload = SeatMapMoved(command.to_map)
    ledger.events.append(Event("showtime.moved", terms.showtime_id, payload))
    ledger.sign_showtime(
        command.staff,
        "showtime.moved",
        inventory,
        {"seatMapId": command.from_map},
        {"seatMapId": command.to_map},
    )
    return Result(Outcome.CHANGED)


def call_off(ledger: Ledger, inventory: Inventory, command: CallOff) -> Result:
    """End some of the bookings of a cancelled showtime. Its places are nobody's from here on."""
    reason = inventory.terms.called_off
    if reason is None:
        return Result(Outcome.NOT_CALLED_OFF)
    ended = 0
    for booking in ledger.state.bookings.values():
        if ended == command.limit:
            break
        if booking.showtime_id != command.showtime_id:
            continue
        if booking.status is Status.WAITLISTED:
            ledger.leave(booking, reason)
        elif booking.status in LIVE:
            ledger.release(booking, Status.CANCELLED, reason)
        else:
            continue
        ended += 1
    return Result(Outcome.CALLED_OFF, ended=ended, repeated=ended == 0)


def _set_places(
    ledger: Ledger,
    inventory: Inventory,
    staff: Staff,
    allotment: Allotment,
    capacity: int,
    blocked: int,
) -> None:
    which = {"categoryId": allotment.category_id}
    before = {"capacity": allotment.capacity, "blocked": allotment.blocked}
    ledger.open_for_change(allotment)
    allotment.capacity, allotment.blocked = capacity, blocked
    after = {"capacity": capacity, "blocked": blocked}
    payload = AllotmentResized(allotment.category_id, capacity, blocked)
    ledger.events.append(Event("allotment.resized", allotment.showtime_id, payload))
    ledger.sign_showtime(staff, "allotment.resized", inventory, which | before, which | after)


def _set_price(
    ledger: Ledger, inventory: Inventory, staff: Staff, allotment: Allotment, price: int | None
) -> None:
    which = {"categoryId": allotment.category_id}
    before = {"price": inventory.terms.categories[allotment.category_id].special}
    ledger.set_price(allotment, price)
    payload = AllotmentRepriced(allotment.category_id, price)
    ledger.events.append(Event("allotment.repriced", allotment.showtime_id, payload))
    after = {"price": price}
    ledger.sign_showtime(staff, "allotment.repriced", inventory, which | before, which | after)


def _sections_missing(categories: Iterable[CategoryTerms], command: Move) -> list[str]:
    """The parts of the hall that categories are sold in and the new map does not have."""
    missing: list[str] = []
    for category in categories:
        missing += [name for name in category.sections or () if name not in command.sections]
        missing += [name for name in category.areas or () if name not in command.areas]
    return missing


def _capacity_in(category: CategoryTerms, allotment: Allotment, command: Move) -> int:
    """How many places the category has in the new map.

    All its seats; in standing areas all they take where it had all before, else as many as it
    had, as far as they take so many; and what has no part of the hall stays as it is.
    """
    if category.sections is None and category.areas is None:
        return allotment.capacity
    before, after = _sizes(category, command)
    return after if before in (None, allotment.capacity) else min(allotment.capacity, after)


def _sizes(category: CategoryTerms, command: Move) -> tuple[int | None, int]:
    """How many its part of the hall takes in the present map, if these are areas, and in the new
    one.
    """
    if category.sections is not None:
        return None, sum(command.sections[name] for name in category.sections)
    areas = category.areas or ()
    before = sum(command.areas_before.get(name, 0) for name in areas)
    return before, sum(command.areas[name] for name in areas)


def _record_seats(
    ledger: Ledger,
    inventory: Inventory,
    topic: str,
    staff: Staff,
    claims: dict[SeatChoice, Claim],
) -> None:
    """Tell of seats that changed, and note who changed them."""
    if claims:
        payload = SeatsChanged([claim.seat_id for claim in claims.values()])
        ledger.events.append(Event(topic, inventory.terms.showtime_id, payload))
        seats = [path_of(seat.section, seat.label) for seat in claims]
        ledger.sign_showtime(staff, topic, inventory, None, {"seats": seats})
