"""All SQL of the selling core, on the sequencer's own asyncpg connection.

Four round trips make a batch: its beginning, ``load``, ``save``, and the commit; the waitlist adds
a few when places came free while somebody waits. Documents of JSON go in and come out whole,
because a round trip and a Python loop over columns each cost more than all that PostgreSQL does.
"""

from fullhouse.bookings.store.load import (
    ANSWER_WITHIN_SECONDS,
    OVERDUE_LIMIT,
    SESSION_SETTINGS,
    Loaded,
    Needs,
    load,
    load_claimed,
    load_joined_sums,
    load_live,
    load_places,
    load_waiting,
    needs_of,
    overdue_showtimes,
)
from fullhouse.bookings.store.save import RowsMissed, save

__all__ = [
    "ANSWER_WITHIN_SECONDS",
    "OVERDUE_LIMIT",
    "SESSION_SETTINGS",
    "Loaded",
    "Needs",
    "RowsMissed",
    "load",
    "load_claimed",
    "load_joined_sums",
    "load_live",
    "load_places",
    "load_waiting",
    "needs_of",
    "overdue_showtimes",
    "save",
]
