"""How every list of the catalogue is read: one statement for the part, one for the count."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Generic, TypeVar
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from fullhouse.api.pagination import Slice, encode_cursor
from fullhouse.catalog.filters import Order, Period, position_of
from fullhouse.catalog.tables import showtimes

T = TypeVar("T")

# Local days and UTC's differ by less than this, so that an index on instants finds a day.
_MOST_OFFSET = timedelta(hours=15)


@dataclass(frozen=True, slots=True)
class SortKey:
    """What a list may be ordered by. The column is never null; ``kind`` is its Python type."""

    column: sa.ColumnElement[Any]
    kind: type


@dataclass(frozen=True, slots=True)
class Part(Generic[T]):
    """Part of a list; ``total`` where it was asked for by page."""

    items: list[T]
    next_cursor: str | None = None
    total: int | None = None


async def fetch_part(
    connection: AsyncConnection,
    statement: sa.Select[Any],
    id_column: sa.ColumnElement[UUID],
    sort: SortKey,
    order: Order,
    part: Slice,
) -> Part[sa.Row[Any]]:
    """The part of the statement's rows in this order, ties by id.

    Each row ends with the two columns that the order is by: its sort value and its id.
    """
    total = None
    if part.offset is not None:
        counted = sa.select(sa.func.count()).select_from(statement.subquery())
        total = (await connection.execute(counted)).scalar_one()
    position = position_of(part.after, order.name, sort.kind)
    ordered = statement.add_columns(sort.column.label("sort_value"), id_column.label("sort_id"))
    if position is not None:
        here = sa.tuple_(sort.column, id_column)
        there = sa.tuple_(
            sa.literal(position[0], sort.column.type), sa.literal(position[1], sa.Uuid)
        )
        ordered = ordered.where(here < there if order.descending else here > there)
    if order.descending:
        ordered = ordered.order_by(sort.column.desc(), id_column.desc())
    else:
        ordered = ordered.order_by(sort.column, id_column)
    result = await connection.execute(ordered.limit(part.limit + 1).offset(part.offset))
    rows: Sequence[sa.Row[Any]] = result.all()
    following = None
    if len(rows) > part.limit:
        rows = rows[: part.limit]
        last = rows[-1]
        following = encode_cursor((order.name, last.sort_value, last.sort_id))
    return Part(list(rows), following, total)


def in_period(period: Period, timezone: sa.ColumnElement[str]) -> list[sa.ColumnElement[bool]]:
    """Showtimes that start in the period; without a beginning, only those that are not over."""
    start = showtimes.c.starts_at
    local_day = sa.cast(sa.func.timezone(timezone, start), sa.Date)
    conditions: list[sa.ColumnElement[bool]] = []
    if period.is_open:
        conditions.append(showtimes.c.ends_at > sa.func.now())
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


def contains(column: sa.ColumnElement[str], text: str) -> sa.ColumnElement[bool]:
    """Whether a column holds the text anywhere, in any case; % and _ mean themselves."""
    return column.icontains(text.strip(), autoescape=True)


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), tzinfo=UTC)
