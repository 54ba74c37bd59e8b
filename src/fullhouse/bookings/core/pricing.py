"""What a booking costs, in minor units, frozen the moment it is made.

The rules, in order:

1. ``subtotal`` is the sum of price times quantity.
2. Where the subtotal is 0 there is no fee and no tax: what is free stays free.
3. The fee is a rate of the subtotal or a fixed sum for each place. An included fee is the part of
   the subtotal that it makes up and adds nothing.
4. The tax is reckoned on subtotal plus added fee, as a rate or a fixed sum for each place. An
   included tax is the part of that sum which it makes up and adds nothing.
5. Each of the two is rounded once, for the whole booking, half up to a minor unit.
6. ``total`` is the subtotal plus the added fee plus the added tax.
"""

from typing import NamedTuple

from fullhouse.bookings.core.types import Line
from fullhouse.catalog.rules import Charge, Policy
from fullhouse.kit.money import share, share_within


class Totals(NamedTuple):
    """Minor units of the event's currency."""

    subtotal: int
    fees: int
    tax: int
    total: int


def price(lines: list[Line], policy: Policy) -> Totals:
    """The totals of a booking with these lines."""
    subtotal = sum(line.unit_price * line.quantity for line in lines)
    if subtotal == 0:
        return Totals(0, 0, 0, 0)
    places = sum(line.quantity for line in lines)
    fees = _charge(policy.fee, subtotal, places)
    owed = subtotal if policy.fee.included else subtotal + fees
    tax = _charge(policy.tax, owed, places)
    total = owed if policy.tax.included else owed + tax
    return Totals(subtotal, fees, tax, total)


def _charge(charge: Charge, base: int, places: int) -> int:
    if charge.amount:
        fixed = charge.amount * places
        # What is included in a sum cannot be more than the sum.
        return min(fixed, base) if charge.included else fixed
    if not charge.rate_ppm:
        return 0
    within = share_within if charge.included else share
    return within(base, charge.rate_ppm)
