"""The one table of what a booking's status may become; every other change is refused."""

from fullhouse.bookings.core.types import Status

ALLOWED: dict[Status, frozenset[Status]] = {
    Status.WAITLISTED: frozenset({Status.RESERVED, Status.LEFT}),
    Status.RESERVED: frozenset({Status.CONFIRMED, Status.EXPIRED, Status.CANCELLED}),
    Status.CONFIRMED: frozenset({Status.CANCELLED, Status.REFUNDED}),
    # Only for a payment that arrived after the hold ran out, when the same places are still free.
    Status.EXPIRED: frozenset({Status.CONFIRMED}),
    Status.CANCELLED: frozenset(),
    Status.REFUNDED: frozenset(),
    Status.LEFT: frozenset(),
}

# Bookings that own places.
LIVE = frozenset({Status.RESERVED, Status.CONFIRMED})


def may_become(current: Status, wanted: Status) -> bool:
    """True when the table allows the change."""
    return wanted in ALLOWED[current]
