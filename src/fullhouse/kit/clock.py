"""The process's own clock, for everything that is not sold.

Whatever decides about a sale (holds, sales windows, offers) uses the database's clock instead,
because servers' clocks differ and the database's is one.
"""

from datetime import UTC, datetime


def utc_now() -> datetime:
    """The present moment, with UTC as its zone."""
    return datetime.now(UTC)
