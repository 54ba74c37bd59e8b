"""What the lists of the catalogue are read by: parts of them, periods, and words in them."""

from datetime import UTC, date, datetime, time, timedelta

import sqlalchemy as sa

from fullhouse.api.lists import Part as Part
from fullhouse.api.lists import fetch_part as fetch_part
from fullhouse.catalog.filters import Period
from fullhouse.catalog.tables import showtimes
from fullhouse.kit.lists import SortKey as SortKey

# Local days and UTC's differ by less than this, so that an index on instants finds a day.
_MOST_OFFSET = timedelta(hours=15)


def in_period(
    period: Period,
    timezone: sa.ColumnElement[str],
    sitting: sa.FromClause = showtimes,
) -> list[sa.ColumnElement[bool]]:
    """Showtimes that start in the period; without a beginning, only those that are not over.

    ``sitting`` is their table, or another name for it.
    """
    start = sitting.c.starts_at
    local_day = sa.cast(sa.func.timezone(timezone, start), sa.Date)
    conditions: list[sa.ColumnElement[bool]] = []
    if period.is_open:
        conditions.append(sitting.c.ends_at > sa.func.now())
    if period.day is not None:
        conditions += [
            local_day == period.day,
            start >= _midnight(period.day) - _MOST_OFFSET,
            start < _midnight(period.day) + timedelta(days=1) + _MOST_OFFSET,
        ]
    if isinstance(period.since, datetime):
        conditions.append(start >= period.since)
    elif period.since is not None:
        conditions += [
            local_day >= period.since,
            start >= _midnight(period.since) - _MOST_OFFSET,
        ]
    if isinstance(period.until, datetime):
        conditions.append(start <= period.until)
    elif period.until is not None:
        conditions += [
            local_day <= period.until,
            start < _midnight(period.until) + timedelta(days=1) + _MOST_OFFSET,
        ]
    return conditions


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), tzinfo=UTC)
