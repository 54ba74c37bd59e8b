"""What a booking costs: the rules of ``bookings.core.pricing``, one after the other."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fullhouse.bookings.core.pricing import Totals, price
from fullhouse.bookings.core.types import Line
from fullhouse.catalog.rules import Charge, Policy
from fullhouse.kit.ids import new_id
from fullhouse.kit.money import share, share_within


def lines(*priced: tuple[int, int]) -> list[Line]:
    """Lines of (unit price, quantity)."""
    return [Line(new_id(), "Seat", quantity, unit_price) for unit_price, quantity in priced]


def percent(rate: float, *, included: bool = False) -> Charge:
    return Charge(rate_ppm=round(rate * 10_000), included=included)


@pytest.mark.parametrize(
    ("policy", "expected"),
    [
        (Policy(), Totals(10_000, 0, 0, 10_000)),
        (Policy(tax=percent(19)), Totals(10_000, 0, 1_900, 11_900)),
        (Policy(tax=percent(19, included=True)), Totals(10_000, 0, 1_597, 10_000)),
        (Policy(fee=percent(5)), Totals(10_000, 500, 0, 10_500)),
        (Policy(fee=percent(5, included=True)), Totals(10_000, 476, 0, 10_000)),
        (Policy(fee=Charge(amount=150)), Totals(10_000, 450, 0, 10_450)),
        (Policy(fee=Charge(amount=150, included=True)), Totals(10_000, 450, 0, 10_000)),
        # Tax is reckoned on the added fee too, and not on an included one twice.
        (Policy(fee=percent(5), tax=percent(10)), Totals(10_000, 500, 1_050, 11_550)),
        (
            Policy(fee=percent(5, included=True), tax=percent(10)),
            Totals(10_000, 476, 1_000, 11_000),
        ),
        (Policy(tax=Charge(amount=100)), Totals(10_000, 0, 300, 10_300)),
    ],
)
def test_price_policy(policy: Policy, expected: Totals) -> None:
    assert price(lines((2_500, 2), (5_000, 1)), policy) == expected


def test_price_free_stays_free() -> None:
    policy = Policy(fee=Charge(amount=150), tax=percent(19))
    assert price(lines((0, 4)), policy) == Totals(0, 0, 0, 0)


def test_price_rounds_once_for_the_booking() -> None:
    # Line by line, three times 0.5 would round up to 3; together 1.5 rounds to 2.
    assert price(lines((5, 1), (5, 1), (5, 1)), Policy(fee=percent(10))).fees == 2


def test_price_included_fixed_fee_is_at_most_the_subtotal() -> None:
    policy = Policy(fee=Charge(amount=900, included=True))
    assert price(lines((500, 1)), policy) == Totals(500, 500, 0, 500)


@pytest.mark.parametrize(("amount", "rate_ppm", "expected"), [(1, 500_000, 1), (1, 499_999, 0)])
def test_share_rounds_half_up(amount: int, rate_ppm: int, expected: int) -> None:
    assert share(amount, rate_ppm) == expected


@given(net=st.integers(0, 10**12), rate_ppm=st.integers(0, 10**6))
def test_share_within_undoes_share(net: int, rate_ppm: int) -> None:
    gross = net + share(net, rate_ppm)
    # Rounding may move a boundary by one unit, never more.
    assert abs(share_within(gross, rate_ppm) - share(net, rate_ppm)) <= 1


@given(
    st.lists(st.tuples(st.integers(0, 10**9), st.integers(1, 10)), min_size=1, max_size=5),
    st.integers(0, 10**6),
    st.integers(0, 10**6),
    st.booleans(),
    st.booleans(),
)
def test_price_sums_add_up(
    priced: list[tuple[int, int]], fee: int, tax: int, fee_in: bool, tax_in: bool
) -> None:
    policy = Policy(fee=Charge(fee, 0, fee_in), tax=Charge(tax, 0, tax_in))
    totals = price(lines(*priced), policy)
    added = (0 if fee_in else totals.fees) + (0 if tax_in else totals.tax)
    assert totals.total == totals.subtotal + added
    assert min(totals) >= 0
