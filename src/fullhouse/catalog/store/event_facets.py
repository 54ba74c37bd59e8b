"""What the events of a list have in common, counted from the indexes of what is listed."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection

from fullhouse.catalog.filters import EventFilters, Period
from fullhouse.catalog.store.event_listings import (
    asks_for_showtime,
    conditions_of,
    fits_showtime,
    has_category,
    matching,
)
from fullhouse.catalog.tables import event_listings, listed_prices, showtimes
from fullhouse.kit.words import folded

listings = event_listings.c


@dataclass(frozen=True, slots=True)
class FacetRow:
    """One value that events have, and how many of those that fit have it."""

    value: str
    count: int


async def facets(
    connection: AsyncConnection, filters: EventFilters, most: int
) -> dict[str, list[FacetRow]]:
    """The cities, kinds, categories and days of the events that fit, the most frequent first.

    Each is counted without its own filter, so that a chosen city does not hide the others. Days
    are those of showtimes where they happen, in their own order.
    """
    if filters.q:
        # Counted, so that the planner does not hope to meet one soon and reads all listings.
        found = sa.select(sa.func.count()).select_from(matching(filters).subquery())
        none_has_all = (await connection.execute(found)).scalar_one() == 0
        filters = replace(filters, almost=none_has_all)
    counted: dict[str, list[FacetRow]] = {"city": [], "kind": [], "category": []}
    for facet, value, count in await connection.execute(_values(filters, most)):
        counted[facet].append(FacetRow(value, count))
    return {**counted, "date": await _days(connection, replace(filters, period=Period()), most)}


def _values(filters: EventFilters, most: int) -> sa.Select[Any]:
    """The most frequent values of each facet but days, each row with the facet's name."""
    alike = _alike(filters)
    of_kind = None if filters.kind is None else alike.c.kind == filters.kind
    of_city = None if filters.city is None else alike.c.city_key == folded(filters.city)
    of_category = None if filters.category is None else alike.c.of_category
    count = sa.cast(sa.func.sum(alike.c.count), sa.BigInteger).label("count")
    by_city = (
        sa.select(alike.c.city.label("value"), count)
        .where(alike.c.city.is_not(None), *_given(of_kind, of_category))
        .group_by(alike.c.city)
    )
    by_kind = (
        sa.select(alike.c.kind.label("value"), count)
        .where(*_given(of_city, of_category))
        .group_by(alike.c.kind)
    )
    # One of those that have the same categories tells the names of all.
    named = (
        sa.select(listed_prices.c.key, sa.func.min(listed_prices.c.name).label("name"))
        .where(listed_prices.c.event_id == alike.c.one_of_them)
        .group_by(listed_prices.c.key)
        .lateral("named")
    )
    by_category = (
        sa.select(sa.func.min(named.c.name).label("value"), count)
        .select_from(alike.join(named, sa.true()))
        .where(*_given(of_kind, of_city))
        .group_by(named.c.key)
    )
    parts = []
    for name, statement in (("city", by_city), ("kind", by_kind), ("category", by_category)):
        counted = statement.subquery(name)
        row = (sa.literal(name).label("facet"), counted.c.value, counted.c.count)
        first = sa.select(*row).order_by(counted.c.count.desc(), counted.c.value).limit(most)
        parts.append(sa.select(first.subquery()))
    either = sa.union_all(*parts).subquery("either")
    return sa.select(either).order_by(either.c.facet, either.c.count.desc(), either.c.value)


def _alike(filters: EventFilters) -> sa.CTE:
    """What fits but for the three choices, those together that differ in none of them.

    Read once for all facets, from an index where nothing else is asked for.
    """
    wide = replace(filters, city=None, kind=None, category=None)
    same: list[sa.ColumnElement[Any]] = [
        listings.kind,
        listings.city,
        listings.city_key,
        listings.category_set,
    ]
    if filters.category is not None:
        same.append(has_category(filters, listings.event_id).label("of_category"))
    statement = sa.select(
        *same,
        sa.func.count().label("count"),
        sa.type_coerce(sa.func.array_agg(listings.event_id), ARRAY(sa.Uuid))[1].label(
            "one_of_them"
        ),
    ).where(*conditions_of(wide))
    if asks_for_showtime(wide):
        of_event = showtimes.c.event_id == listings.event_id
        statement = statement.where(
            sa.exists().where(of_event, *fits_showtime(wide, listings.timezone))
        )
    return statement.group_by(*same).cte("alike")


def _given(*conditions: sa.ColumnElement[bool] | None) -> Iterator[sa.ColumnElement[bool]]:
    return (condition for condition in conditions if condition is not None)


async def _days(connection: AsyncConnection, filters: EventFilters, most: int) -> list[FacetRow]:
    """The first days with showtimes to come that fit.

    Looked for in as many days as are wanted, and only if some are missing there, in all to come.
    """
    # A day is over everywhere a day and a half after it began in Greenwich.
    end = sa.func.date_trunc("day", sa.func.now()) + timedelta(days=most + 10)
    rows = (await connection.execute(_by_day(filters, most, end))).all()
    if len(rows) < most:
        rows = (await connection.execute(_by_day(filters, most))).all()
    return [FacetRow(found.isoformat(), count) for found, count in rows]


def _by_day(
    filters: EventFilters, most: int, end: sa.ColumnElement[Any] | None = None
) -> sa.Select[date, int]:
    """How many events have a showtime on each day; only days that are over by ``end``."""
    day = sa.cast(sa.func.timezone(listings.timezone, showtimes.c.starts_at), sa.Date)
    statement = (
        sa.select(day, sa.func.count(showtimes.c.event_id.distinct()))
        .join(event_listings, listings.event_id == showtimes.c.event_id)
        .where(*conditions_of(filters), *fits_showtime(filters, listings.timezone))
        .group_by(day)
        .order_by(day)
        .limit(most)
    )
    if end is None:
        return statement
    return statement.where(showtimes.c.starts_at < end, day < sa.cast(end, sa.Date) - 2)
