"""The audit: every invariant, of every showtime, in the database as it is."""

from collections import Counter

import msgspec

from fullhouse.bookings.core import invariants
from fullhouse.bookings.core.invariants import Breach, breaches
from fullhouse.bookings.store import audit as store
from fullhouse.kit.db import Database
from fullhouse.venues.queries.seat_maps import SeatMaps

# A broken database could have millions; the first ones tell the story.
MOST_SHOWN = 100


class Report(msgspec.Struct):
    """How much was looked at, how often each invariant was broken, and the first breaches.

    ``clearing`` showtimes were cancelled and have bookings that are still to be ended, which is no
    breach: that goes on by itself.
    """

    showtimes: int
    bookings: int
    broken: dict[str, int]
    examples: list[Breach]
    clearing: int = 0

    @property
    def is_clean(self) -> bool:
        return not any(self.broken.values())


async def audit(database: Database) -> Report:
    """Check all showtimes. Selling may go on meanwhile: each is read at one moment."""
    report = Report(0, 0, dict.fromkeys(invariants.ALL, 0), [])
    seat_maps = SeatMaps(database)
    connection = await database.connect_raw(application_name="fullhouse audit")
    try:
        async for snapshot in store.snapshots(connection):
            named = snapshot.seat_map_id
            seat_map = None if named is None else await seat_maps.get(named)
            found = breaches(snapshot, seat_map)
            report.showtimes += 1
            report.bookings += len(snapshot.bookings)
            report.clearing += snapshot.cancelled and not snapshot.cleared
            for invariant, count in Counter(breach.invariant for breach in found).items():
                report.broken[invariant] += count
            report.examples += found[: MOST_SHOWN - len(report.examples)]
    finally:
        await connection.close()
    return report
