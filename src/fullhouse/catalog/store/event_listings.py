"""Which events a list shows, and in which order: all from ``event_listings``, by its indexes.

What people type is folded (lower case, no accents) by the database, in the same way as what it is
compared with. Words are found by their beginnings; where no event has all of them, those are shown
whose words are almost the same.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection

from fullhouse.catalog.filters import EventFilters, Period
from fullhouse.catalog.store import shown_venues
from fullhouse.catalog.store.paging import SortKey, in_period
from fullhouse.catalog.store.showtimes import is_visible
from fullhouse.catalog.tables import (
    allotments,
    categories,
    event_listings,
    events,
    favorites,
    shows,
    showtimes,
)
from fullhouse.kit.words import almost_has_words, folded, words_in
from fullhouse.venues.tables import venues

listings = event_listings.c

# The words of a query, folded: each standing for all that begin with it, and as they are.
_QUERY = """
(SELECT string_agg(quote_literal(word) || {sign}, {operator})
   FROM regexp_split_to_table(lower(unaccent(:q)), '[^[:alnum:]]+') AS word
  WHERE word <> '')::tsquery
"""
_BEGINNINGS = _QUERY.format(sign="':*'", operator="' & '")
_WHOLE = _QUERY.format(sign="''", operator="' | '")


async def refresh(connection: AsyncConnection, event_ids: Collection[UUID]) -> None:
    """Bring the rows of these events up to date, in the transaction that changes them.

    And what is known of their venues from it: whether everybody may see them.
    """
    if event_ids:
        # Locked before the listings are made, so that no change of a venue is missed.
        concerned = await shown_venues.lock_venues_of(connection, event_ids)
        wanted = sa.literal(list(event_ids), ARRAY(sa.Uuid))
        await connection.execute(sa.select(sa.func.event_listings_refresh_v2(wanted)))
        await shown_venues.refresh(connection, concerned)


async def stale(connection: AsyncConnection, limit: int) -> list[UUID]:
    """Events whose rows are not up to date any more, or are missing; some of them."""
    over = sa.select(listings.event_id).where(listings.next_ends_at <= sa.func.now())
    by_show = (
        sa.select(listings.event_id)
        .join(shows, shows.c.id == listings.show_id)
        .where(shows.c.changed_at > listings.refreshed_at)
    )
    by_venue = (
        sa.select(listings.event_id)
        .join(venues, venues.c.id == listings.venue_id)
        .where(venues.c.changed_at > listings.refreshed_at)
    )
    found = await connection.execute(
        sa.union(over.limit(limit), by_show.limit(limit), by_venue.limit(limit)).limit(limit)
    )
    return list(found.scalars())


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
    if filters.q:
        keys["relevance"] = SortKey(_relevance(filters.q, almost=filters.almost), int)
    return keys


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
    by_city = replace(filters, city=None)
    by_kind = replace(filters, kind=None)
    by_category = replace(filters, category=None)
    by_day = replace(filters, period=Period())
    return {
        "city": await _counted(connection, by_city, listings.city, most),
        "kind": await _counted(connection, by_kind, listings.kind, most),
        "category": await _categories(connection, by_category, most),
        "date": await _days(connection, by_day, most),
    }


async def _counted(
    connection: AsyncConnection, filters: EventFilters, column: sa.ColumnElement[Any], most: int
) -> list[FacetRow]:
    count = sa.func.count()
    statement = (
        matching(filters)
        .with_only_columns(column, count)
        .where(column.is_not(None))
        .group_by(column)
        .order_by(count.desc(), column)
        .limit(most)
    )
    return [FacetRow(*row) for row in await connection.execute(statement)]


async def _categories(
    connection: AsyncConnection, filters: EventFilters, most: int
) -> list[FacetRow]:
    fitting = matching(filters).subquery()
    name, count = sa.func.min(categories.c.name), sa.func.count(categories.c.event_id.distinct())
    statement = (
        sa.select(name, count)
        .join(fitting, fitting.c.event_id == categories.c.event_id)
        .where(categories.c.deleted_at.is_(None))
        .group_by(sa.func.lower(sa.func.unaccent(categories.c.name)))
        .order_by(count.desc(), name)
        .limit(most)
    )
    return [FacetRow(*row) for row in await connection.execute(statement)]


async def _days(connection: AsyncConnection, filters: EventFilters, most: int) -> list[FacetRow]:
    fitting = matching(filters).subquery()
    day = sa.cast(sa.func.timezone(events.c.timezone, showtimes.c.starts_at), sa.Date)
    statement = (
        sa.select(day, sa.func.count(showtimes.c.event_id.distinct()))
        .join(events, events.c.id == showtimes.c.event_id)
        .join(fitting, fitting.c.event_id == events.c.id)
        .where(*fits_showtime(filters))
        .group_by(day)
        .order_by(day)
        .limit(most)
    )
    rows = await connection.execute(statement)
    return [FacetRow(found.isoformat(), count) for found, count in rows]


def asks_for_showtime(filters: EventFilters) -> bool:
    """Whether only events with a certain showtime are wanted."""
    return filters.period != Period() or filters.available is not None


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
        visible = is_visible(filters.visible_to)
        conditions.append(sa.exists().where(events.c.id == listings.event_id, visible))
    if filters.kind is not None:
        conditions.append(listings.kind == filters.kind)
    if filters.city is not None:
        conditions.append(listings.city_key == folded(filters.city))
    if filters.venue_id is not None:
        conditions.append(listings.venue_id == filters.venue_id)
    if filters.show_id is not None:
        conditions.append(listings.show_id == filters.show_id)
    if filters.q:
        conditions.append(_found(filters))
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
    if filters.price_at_most is not None or filters.price_at_least is not None:
        asked.append(_priced(filters))
    if asked:
        conditions.append(
            sa.exists().where(
                categories.c.event_id == listings.event_id,
                categories.c.deleted_at.is_(None),
                *asked,
            )
        )
    return conditions


def _priced(filters: EventFilters) -> sa.ColumnElement[bool]:
    """Such a price is asked in the category at a showtime to come; or usually, without any."""
    coming = (
        showtimes.c.event_id == categories.c.event_id,
        showtimes.c.status == "scheduled",
        showtimes.c.deleted_at.is_(None),
        showtimes.c.ends_at > sa.func.now(),
    )
    asked = sa.func.coalesce(allotments.c.price, categories.c.price)
    return sa.or_(
        sa.exists().where(
            *coming,
            allotments.c.showtime_id == showtimes.c.id,
            allotments.c.category_id == categories.c.id,
            *_between(filters, asked),
        ),
        sa.and_(*_between(filters, categories.c.price), sa.not_(sa.exists().where(*coming))),
    )


def _between(
    filters: EventFilters, price: sa.ColumnElement[int]
) -> Iterator[sa.ColumnElement[bool]]:
    if filters.price_at_most is not None:
        yield price <= filters.price_at_most
    if filters.price_at_least is not None:
        yield price >= filters.price_at_least


def _found(filters: EventFilters) -> sa.ColumnElement[bool]:
    assert filters.q is not None
    if filters.almost:
        return almost_has_words(listings.words, filters.q)
    return listings.document.op("@@", is_comparison=True)(_query(_BEGINNINGS, filters.q))


def _relevance(q: str, *, almost: bool) -> sa.ColumnElement[int]:
    rank: sa.ColumnElement[Any] = sa.literal(0.0)
    if almost:
        for word in words_in(q):
            rank += sa.func.word_similarity(folded(word), listings.words)
    else:
        # Whole words count twice, in the title more than in the place, there more than in a text.
        for query in (_BEGINNINGS, _WHOLE):
            rank += sa.func.ts_rank(listings.document, _query(query, q))
    # In millionths, so that a cursor can name it exactly.
    return sa.cast(sa.func.round(sa.cast(rank * 1_000_000, sa.Numeric)), sa.BigInteger)


def _query(form: str, q: str) -> sa.TextClause:
    return sa.text(form).bindparams(sa.bindparam("q", q, sa.Text, unique=True))


_NO_TEXTS = sa.literal([], ARRAY(sa.Text))
