"""Decisions that the state machine of ``tests/property`` does not reach, told one by one."""

from datetime import timedelta
from uuid import UUID

import msgspec
import pytest

from fullhouse.bookings.core.commands import (
    Block,
    Cancel,
    Command,
    Confirm,
    Reserve,
    SeatChoice,
    Settlement,
    Staff,
    Unblock,
)
from fullhouse.bookings.core.decide import decide
from fullhouse.bookings.core.seating import FreeSeats
from fullhouse.bookings.core.transitions import ALLOWED, may_become
from fullhouse.bookings.core.types import (
    Allotment,
    Booking,
    FreeSeat,
    Inventory,
    Outcome,
    Result,
    State,
    Status,
)
from fullhouse.catalog.rules import Cancellation, Policy, SaleTerms
from fullhouse.kit.ids import new_code, new_id
from tests.support.selling_rows import STAFF, counted, sale_terms, seated

GENERAL = counted()
USER = new_id()


def run(
    terms: SaleTerms, *commands: Command, days_before: float = 5, **state: object
) -> list[Result]:
    allotments = {
        category_id: Allotment(terms.showtime_id, category_id, 10)
        for category_id in terms.categories
    }
    values: dict[str, object] = {"bookings": {}, "keys": {}, "places": {}, **state}
    at = State(
        now=terms.starts_at - timedelta(days=days_before),
        inventories={terms.showtime_id: Inventory(terms, allotments, {})},
        **values,  # type: ignore[arg-type]
    )
    return decide(at, list(commands)).results


def order(terms: SaleTerms, quantity: int = 1, **changes: object) -> Reserve:
    command = Reserve(
        terms.showtime_id, new_id(), USER, new_code(), items=((GENERAL.id, quantity),)
    )
    return msgspec.structs.replace(command, **changes)


def test_reserve_freezes_the_price() -> None:
    terms = sale_terms([GENERAL])
    (result,) = run(terms, order(terms, 3))
    assert result.outcome is Outcome.RESERVED
    assert result.booking is not None
    assert (result.booking.total, result.booking.currency) == (15_000, "USD")
    assert result.booking.lines[0].unit_price == 5_000


def test_reserve_hold_ends_after_the_policys_time() -> None:
    terms = sale_terms([GENERAL], Policy(hold_seconds=90))
    (result,) = run(terms, order(terms))
    assert result.booking is not None and result.booking.expires_at is not None
    assert result.booking.expires_at - result.booking.created_at == timedelta(seconds=90)


@pytest.mark.parametrize(
    ("opens_days_before", "closes_days_before", "on_sale", "outcome"),
    [
        (None, 0, True, Outcome.RESERVED),
        (5, 0, True, Outcome.RESERVED),
        (4.9, 0, True, Outcome.SALES_CLOSED),
        (None, 5, True, Outcome.SALES_CLOSED),
        (None, 4.9, True, Outcome.RESERVED),
        (None, 0, False, Outcome.SALES_CLOSED),
    ],
)
def test_reserve_sales_window(
    opens_days_before: float | None, closes_days_before: float, on_sale: bool, outcome: Outcome
) -> None:
    terms = sale_terms([GENERAL])
    opens = None
    if opens_days_before is not None:
        opens = terms.starts_at - timedelta(days=opens_days_before)
    closes = terms.starts_at - timedelta(days=closes_days_before)
    terms = msgspec.structs.replace(
        terms, sales_open_at=opens, sales_close_at=closes, on_sale=on_sale
    )
    assert run(terms, order(terms))[0].outcome is outcome


def test_reserve_past_showtime_is_closed() -> None:
    terms = sale_terms([GENERAL])
    assert run(terms, order(terms), days_before=-1)[0].outcome is Outcome.SALES_CLOSED


def test_reserve_unknown_category() -> None:
    terms = sale_terms([GENERAL])
    command = order(terms, items=((new_id(), 1),))
    assert run(terms, command)[0].outcome is Outcome.UNKNOWN_CATEGORY


def test_reserve_unknown_showtime() -> None:
    terms = sale_terms([GENERAL])
    command = order(terms, showtime_id=new_id())
    assert run(terms, command)[0].outcome is Outcome.UNKNOWN_SHOWTIME


def test_reserve_seat_of_a_section_not_for_sale() -> None:
    terms = sale_terms([GENERAL])
    command = order(terms, items=(), seats=(SeatChoice(new_id(), "Attic", "A-1"),))
    result = run(terms, command)[0]
    assert (result.outcome, result.seats) == (Outcome.SEATS_NOT_FOR_SALE, ["A-1"])


def test_reserve_waitlist_switched_off() -> None:
    terms = sale_terms([GENERAL], Policy(waitlist="off"))
    first, second = run(terms, order(terms, 10), order(terms, 1, join_waitlist=True))
    assert (first.outcome, second.outcome) == (Outcome.RESERVED, Outcome.SOLD_OUT)


def test_reserve_run_again_after_a_lost_answer_finds_itself() -> None:
    terms = sale_terms([GENERAL])
    command = order(terms)
    (first,) = run(terms, command)
    assert first.booking is not None
    (again,) = run(terms, command, bookings={first.booking.id: first.booking})
    assert (again.outcome, again.repeated) == (Outcome.RESERVED, False)
    assert again.booking is not None and again.booking.id == first.booking.id


@pytest.mark.parametrize(
    ("hours_before", "allowed", "staff", "outcome"),
    [
        (25, True, None, Outcome.CANCELLED),
        (24, True, None, Outcome.CANCELLED),
        (23.9, True, None, Outcome.CANCELLATION_CLOSED),
        (25, False, None, Outcome.CANCELLATION_CLOSED),
        (1, False, STAFF, Outcome.CANCELLED),
    ],
)
def test_cancel_confirmed_by_policy(
    hours_before: float, allowed: bool, staff: Staff | None, outcome: Outcome
) -> None:
    terms = sale_terms([GENERAL], Policy(cancellation=Cancellation(allowed=allowed)))
    command = order(terms)
    results = run(
        terms,
        command,
        Confirm(terms.showtime_id, command.booking_id, Settlement.COUNTER),
        Cancel(terms.showtime_id, command.booking_id, staff),
        days_before=hours_before / 24,
    )
    assert results[-1].outcome is outcome


def test_confirm_after_the_event_was_cancelled() -> None:
    terms = sale_terms([GENERAL])
    (result,) = run(terms, order(terms))
    assert result.booking is not None
    cancelled = msgspec.structs.replace(terms, on_sale=False)
    for settlement, outcome in (
        (Settlement.COUNTER, Outcome.SALES_CLOSED),
        (Settlement.PAID, Outcome.UNFULFILLABLE),
    ):
        command = Confirm(terms.showtime_id, result.booking.id, settlement)
        booking: Booking = result.booking
        assert run(cancelled, command, bookings={booking.id: booking})[0].outcome is outcome


def test_commands_of_another_showtime_do_not_see_the_booking() -> None:
    terms, other = sale_terms([GENERAL]), sale_terms([GENERAL])
    (result,) = run(terms, order(terms))
    assert result.booking is not None
    command = Cancel(other.showtime_id, result.booking.id, STAFF)
    found = run(other, command, bookings={result.booking.id: result.booking})
    assert found[0].outcome is Outcome.UNKNOWN_BOOKING


def test_seats_of_one_label_in_two_sections_are_two_seats() -> None:
    terms = sale_terms([seated("Stalls"), seated("Balcony")])
    seats = tuple(SeatChoice(new_id(), section, "A-1") for section in ("Stalls", "Balcony"))
    state = State(
        now=terms.starts_at - timedelta(days=5),
        inventories={
            terms.showtime_id: Inventory(
                terms,
                {key: Allotment(terms.showtime_id, key, 10) for key in terms.categories},
                {},
            )
        },
        bookings={},
        keys={},
        places={},
    )
    decision = decide(state, [Block(terms.showtime_id, STAFF, seats)])
    allotments = state.inventories[terms.showtime_id].allotments.values()
    assert [allotment.blocked for allotment in allotments] == [1, 1]
    assert decision.ledger.acts[0].after == {"seats": ["Stalls/A-1", "Balcony/A-1"]}
    decide(state, [Unblock(terms.showtime_id, STAFF, seats)])
    assert [allotment.blocked for allotment in allotments] == [0, 0]


def test_transitions_end_somewhere() -> None:
    assert set(ALLOWED) == set(Status)
    for final in (Status.CANCELLED, Status.REFUNDED, Status.LEFT):
        assert not any(may_become(final, wanted) for wanted in Status)


def free_row(row: str, *numbers: int) -> list[FreeSeat]:
    return [FreeSeat(new_id(), f"{row}-{number}", ("Main", row), number) for number in numbers]


@pytest.mark.parametrize(
    ("free", "quantity", "labels"),
    [
        (free_row("A", 1, 3, 4, 5), 2, ["A-3", "A-4"]),
        (free_row("A", 9) + free_row("B", 10, 11), 2, ["B-10", "B-11"]),
        (free_row("A", 1, 3) + free_row("B", 5), 2, ["A-1", "A-3"]),
        (free_row("A", 1, 2, 3), 3, ["A-1", "A-2", "A-3"]),
    ],
)
def test_pick_seats_together_if_possible(
    free: list[FreeSeat], quantity: int, labels: list[str]
) -> None:
    assert [seat.label for seat in FreeSeats(free).take(quantity)] == labels


def test_ids_are_uuid7_in_order() -> None:
    ids = [new_id() for _ in range(1_000)]
    assert all(isinstance(one, UUID) and one.version == 7 for one in ids)
    assert len(set(ids)) == 1_000
