"""Which events a list shows, and in which order: all from ``event_listings``, by its indexes.

What people type is folded (lower case, no accents) by the database, in the same way as what it is
compared with. Words are found by their beginnings; where no event has all of them, those are shown
whose words are almost the same.
"""

from collections.abc import Collection
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
    event_listings,
    events,
    favorites,
    listed_prices,
    shows,
    showtimes,
)
from fullhouse.kit.words import almost_has_words, fits, folded, relevance
from fullhouse.venues.tables import venues

listings = event_listings.c


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
        of_event = showtimes.c.event_id == listings.event_id
        statement = (
            sa.select(listings.event_id, showtimes.c.starts_at)
            .join(showtimes, of_event)
            .where(*fits_showtime(filters, listings.timezone), _is_first(filters))
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
    return statement.where(*conditions_of(filters))


def sort_keys(filters: EventFilters, statement: sa.Select[Any]) -> dict[str, SortKey]:
    """What a list may be ordered by; ``relevance`` with a search only, best first descending."""
    keys = {
        "startsAt": SortKey(statement.selected_columns.starts_at, datetime),
        "createdAt": SortKey(listings.created_at, datetime),
        "title": SortKey(listings.title, str),
        "price": SortKey(listings.lowest_price, int),
    }
    if filters.q:
        rank = relevance(listings.document, listings.words, filters.q, almost=filters.almost)
        keys["relevance"] = SortKey(rank, int)
    return keys


def id_column(filters: EventFilters, key: str) -> sa.ColumnElement[UUID]:
    """The event's id, of the same table as what the order is by, so that one index has both."""
    of_showtime = key == "startsAt" and asks_for_showtime(filters)
    return showtimes.c.event_id if of_showtime else listings.event_id


def asks_for_showtime(filters: EventFilters) -> bool:
    """Whether only events with a certain showtime are wanted."""
    return filters.period != Period() or filters.available is not None


def fits_showtime(
    filters: EventFilters, timezone: sa.ColumnElement[str], sitting: sa.FromClause = showtimes
) -> list[sa.ColumnElement[bool]]:
    """What a showtime of a matching event must be to count; ``timezone`` is the event's."""
    conditions = [
        sitting.c.status == "scheduled",
        sitting.c.deleted_at.is_(None),
        *in_period(filters.period, timezone, sitting),
    ]
    if filters.available is not None:
        of_showtime = allotments.c.showtime_id == sitting.c.id
        left = sa.exists().where(of_showtime, allotments.c.has_places)
        if filters.available:
            conditions.append(left)
        else:
            # The few in which nothing is left are found by their index.
            sold_out = sa.exists().where(of_showtime, sa.not_(allotments.c.has_places))
            conditions += [sold_out, sa.not_(left)]
    return conditions


def _is_first(filters: EventFilters) -> sa.ColumnElement[bool]:
    """No earlier showtime of the event fits: so a list needs to look at no more than it shows."""
    earlier = showtimes.alias("earlier")
    before = sa.tuple_(earlier.c.starts_at, earlier.c.id) < sa.tuple_(
        showtimes.c.starts_at, showtimes.c.id
    )
    return sa.not_(
        sa.exists().where(
            earlier.c.event_id == showtimes.c.event_id,
            before,
            *fits_showtime(filters, listings.timezone, earlier),
        )
    )


def conditions_of(filters: EventFilters) -> list[sa.ColumnElement[bool]]:
    """What the listing of a matching event must be."""
    conditions: list[sa.ColumnElement[bool]] = []
    if filters.public:
        conditions.append(listings.status == "published")
        if filters.period.is_open:
            # What is over is not shown; what has no date yet is, unless a showtime is asked for.
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
    if filters.price_at_most is not None:
        conditions.append(listings.lowest_price <= filters.price_at_most)
    if (filters.category, filters.price_at_most, filters.price_at_least) != (None, None, None):
        conditions.append(has_category(filters, listings.event_id))
    return conditions


def has_category(filters: EventFilters, event_id: sa.ColumnElement[UUID]) -> sa.ColumnElement[bool]:
    """The event has such a category, now at that price."""
    price = listed_prices.c.price
    asked = [listed_prices.c.event_id == event_id]
    if filters.category is not None:
        asked.append(listed_prices.c.key == folded(filters.category))
    if filters.price_at_most is not None:
        asked.append(price <= filters.price_at_most)
    if filters.price_at_least is not None:
        asked.append(price >= filters.price_at_least)
    if filters.price_at_most is not None or filters.price_at_least is not None:
        asked.append(listed_prices.c.asked_from <= sa.func.now())
        asked.append(listed_prices.c.asked_until > sa.func.now())
    return sa.exists().where(*asked)


def _found(filters: EventFilters) -> sa.ColumnElement[bool]:
    assert filters.q is not None
    if filters.almost:
        return almost_has_words(listings.words, filters.q)
    return fits(listings.document, filters.q)
