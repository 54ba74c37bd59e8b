"""Which events a list shows, and in which order: all from ``event_listings``, by its indexes.

What people type is folded (lower case, no accents) by the database, in the same way as what it is
compared with. Words are found by their beginnings; where no event has all of them, those are shown
whose words are almost the same.
"""

from collections.abc import Collection
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection

from fullhouse.catalog.filters import EventFilters, Period, Viewer
from fullhouse.catalog.store.listing import SortKey
from fullhouse.catalog.tables import (
    allotments,
    categories,
    event_listings,
    events,
    favorites,
    showtimes,
)

listings = event_listings.c

# Local days and UTC's differ by less than this, so that an index on instants finds a day.
_MOST_OFFSET = timedelta(hours=15)
# The words of a query, folded, each standing for all that begin with it.
_QUERY = """
(SELECT string_agg(quote_literal(word) || ':*', ' & ')
   FROM regexp_split_to_table(lower(unaccent(:q)), '[^[:alnum:]]+') AS word
  WHERE word <> '')::tsquery
"""


async def refresh(connection: AsyncConnection, event_ids: Collection[UUID]) -> None:
    """Bring the rows of these events up to date, in the transaction that changes them."""
    if event_ids:
        wanted = sa.literal(list(event_ids), ARRAY(sa.Uuid))
        await connection.execute(sa.select(sa.func.event_listings_refresh_v1(wanted)))


async def refresh_of_show(connection: AsyncConnection, show_id: UUID) -> None:
    """Bring the rows of a show's events up to date."""
    found = await connection.execute(sa.select(events.c.id).where(events.c.show_id == show_id))
    await refresh(connection, found.scalars().all())


def matching(filters: EventFilters) -> sa.Select[Any]:
    """The ids of the events that fit, with ``starts_at`` of the first showtime that does.

    To be ordered by one of :func:`sort_keys`.
    """
    if asks_for_showtime(filters):
        fitting = _fitting_showtimes(filters)
        statement = sa.select(listings.event_id, fitting.c.starts_at).join(
            fitting, fitting.c.event_id == listings.event_id
        )
    else:
        statement = sa.select(listings.event_id, listings.next_starts_at.label("starts_at"))
    if filters.favorites_of is not None:
        statement = statement.join(
            favorites,
            sa.and_(
                favorites.c.event_id == listings.event_id,
                favorites.c.user_id == filters.favorites_of,
            ),
        )
    return statement.where(*_conditions(filters))


def sort_keys(filters: EventFilters, statement: sa.Select[Any]) -> dict[str, SortKey]:
    """What a list may be ordered by; ``relevance`` with a search only, best first descending."""
    keys = {
        "startsAt": SortKey(statement.selected_columns.starts_at, datetime),
        "createdAt": SortKey(listings.created_at, datetime),
        "title": SortKey(listings.title, str),
        "price": SortKey(listings.lowest_price, int),
    }
    if filters.q is not None:
        keys["relevance"] = SortKey(_relevance(filters.q), int)
    return keys


def asks_for_showtime(filters: EventFilters) -> bool:
    """Whether only events with a certain showtime are wanted."""
    return filters.period != Period() or filters.available is not None


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


def fits_showtime(filters: EventFilters) -> list[sa.ColumnElement[bool]]:
    """What a showtime of a matching event must be to count."""
    conditions = [
        showtimes.c.status == "scheduled",
        showtimes.c.deleted_at.is_(None),
        *in_period(filters.period, events.c.timezone),
    ]
    if filters.available is not None:
        left = sa.exists().where(
            allotments.c.showtime_id == showtimes.c.id,
            allotments.c.held + allotments.c.sold + allotments.c.blocked < allotments.c.capacity,
        )
        conditions.append(left if filters.available else sa.not_(left))
    return conditions


def _fitting_showtimes(filters: EventFilters) -> sa.Subquery:
    return (
        sa.select(showtimes.c.event_id, sa.func.min(showtimes.c.starts_at).label("starts_at"))
        .join(events, events.c.id == showtimes.c.event_id)
        .where(*fits_showtime(filters))
        .group_by(showtimes.c.event_id)
        .subquery("fitting")
    )


def _conditions(filters: EventFilters) -> list[sa.ColumnElement[bool]]:
    conditions: list[sa.ColumnElement[bool]] = []
    if filters.public:
        conditions.append(listings.status == "published")
        if not asks_for_showtime(filters):
            # What is over is not shown; what has no date yet is.
            conditions.append(listings.last_ends_at > sa.func.now())
    if filters.status is not None:
        conditions.append(listings.status == filters.status)
    if filters.of_organizations is not None:
        conditions.append(listings.organization_id.in_(filters.of_organizations))
    if filters.visible_to is not None:
        conditions.append(_is_visible(filters.visible_to))
    if filters.kind is not None:
        conditions.append(listings.kind == filters.kind)
    if filters.city is not None:
        conditions.append(listings.city_key == folded(filters.city))
    if filters.venue_id is not None:
        conditions.append(listings.venue_id == filters.venue_id)
    if filters.show_id is not None:
        conditions.append(listings.show_id == filters.show_id)
    if filters.q is not None:
        conditions.append(_found(filters.q))
    return conditions + _category_conditions(filters)


def _category_conditions(filters: EventFilters) -> list[sa.ColumnElement[bool]]:
    """One category must have the name and the price that are asked for."""
    conditions: list[sa.ColumnElement[bool]] = []
    asked: list[sa.ColumnElement[bool]] = []
    if filters.category is not None:
        key = folded(filters.category)
        conditions.append(listings.category_keys.contains(sa.func.array_append(_NO_TEXTS, key)))
        asked.append(sa.func.lower(sa.func.unaccent(categories.c.name)) == key)
    if filters.price_at_most is not None:
        conditions.append(listings.lowest_price <= filters.price_at_most)
        asked.append(categories.c.price <= filters.price_at_most)
    if filters.price_at_least is not None:
        asked.append(categories.c.price >= filters.price_at_least)
    if asked:
        conditions.append(sa.exists().where(categories.c.event_id == listings.event_id, *asked))
    return conditions


def folded(text: str) -> sa.ColumnElement[str]:
    """What somebody typed, as the folded columns have it."""
    return sa.func.lower(sa.func.unaccent(text.strip()))


def _found(q: str) -> sa.ColumnElement[bool]:
    query = _query(q)
    others = event_listings.alias("others")
    none_has_all = sa.not_(
        sa.exists().where(others.c.document.op("@@")(query), others.c.status == "published")
    )
    almost = folded(q).op("<%", is_comparison=True)(listings.words)
    return sa.or_(listings.document.op("@@", is_comparison=True)(query), sa.and_(none_has_all, almost))


def _relevance(q: str) -> sa.ColumnElement[int]:
    # In millionths, so that a cursor can name it exactly.
    rank = sa.func.coalesce(sa.func.ts_rank(listings.document, _query(q)), 0.0)
    alike = sa.func.word_similarity(folded(q), listings.words)
    return sa.cast(sa.func.round(sa.cast((rank + alike) * 1_000_000, sa.Numeric)), sa.BigInteger)


def _query(q: str) -> sa.TextClause:
    return sa.text(_QUERY).bindparams(sa.bindparam("q", q, sa.Text, unique=True))


def _is_visible(viewer: Viewer) -> sa.ColumnElement[bool]:
    if viewer.organizations is None:
        return sa.true()
    return sa.or_(
        listings.status != "draft", listings.organization_id.in_(viewer.organizations)
    )


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), tzinfo=UTC)


_NO_TEXTS = sa.literal([], ARRAY(sa.Text))
