"""Money is a whole number of minor units (cents, paise) of one currency; never a float."""

PARTS_PER_MILLION = 1_000_000


def share(amount: int, rate_ppm: int) -> int:
    """``rate_ppm`` millionths of ``amount``, added on top, in minor units.

    Rounded half up to one minor unit: 0.5 becomes 1. Amounts here are never negative.
    """
    return _round_half_up(amount * rate_ppm, PARTS_PER_MILLION)


def share_within(gross: int, rate_ppm: int) -> int:
    """The part of ``gross`` that a rate already included in it makes up, in minor units.

    A price of 119 with 19 % included holds 19: ``119 * 0.19 / 1.19``. Rounded half up.
    """
    return _round_half_up(gross * rate_ppm, PARTS_PER_MILLION + rate_ppm)


def _round_half_up(numerator: int, denominator: int) -> int:
    assert numerator >= 0 and denominator > 0
    return (2 * numerator + denominator) // (2 * denominator)
