"""Reads events: lists with their next showtime, lowest price and places left; and one in full."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.sql.selectable import LateralFromClause

from fullhouse.api.pagination import Slice
from fullhouse.catalog.filters import EventFilters, Order, Viewer
from fullhouse.catalog.store.listing import Part, SortKey, contains, fetch_part, in_period
from fullhouse.catalog.store.showtimes import PLACE_COLUMNS, PlaceRow, is_visible, place_of
from fullhouse.catalog.tables import (
    allotments,
    categories,
    events,
    favorites,
    shows,
    showtimes,
)
from fullhouse.venues.tables import halls, venues

# Where a list by start puts events without a showtime: behind all others.
_NEVER = sa.literal_column("TIMESTAMPTZ '9999-01-01 00:00:00Z'", sa.DateTime(timezone=True))
_NO_PRICE = 2**62


@dataclass(frozen=True, slots=True)
class EventSummaryRow:
    """An event in a list. Start and end are the next showtime's; prices in minor units."""

    id: UUID
    slug: str
    title: str
    kind: str
    status: str
    organization_id: UUID
    show_id: UUID
    currency: str
    timezone: str
    created_at: datetime
    place: PlaceRow
    starts_at: datetime | None
    ends_at: datetime | None
    price: int | None
    highest_price: int | None
    available: int | None


@dataclass(frozen=True, slots=True)
class CategoryRow:
    """A category of an event. ``seated``: its sections are seats and not standing areas."""

    id: UUID
    name: str
    price: int
    capacity: int
    benefits: list[str]
    sections: list[str] | None
    seated: bool


@dataclass(frozen=True, slots=True)
class EventRow:
    """An event in full, without its showtimes."""

    id: UUID
    slug: str
    title: str
    description: str
    kind: str
    status: str
    organization_id: UUID
    show_id: UUID
    currency: str
    timezone: str
    policy: dict[str, Any]
    sales_open_at: datetime | None
    sales_close_at: datetime | None
    published_at: datetime | None
    created_at: datetime
    place: PlaceRow
    categories: list[CategoryRow]


async def list_events(
    connection: AsyncConnection, filters: EventFilters, order: Order, part: Slice
) -> Part[EventSummaryRow]:
    """Part of the events that fit. ``order.key`` is one of ``SORT_KEYS``."""
    following = _next_showtime(filters)
    prices = _prices()
    statement = (
        sa.select(
            *_EVENT_COLUMNS,
            events.c.created_at,
            *PLACE_COLUMNS,
            following.c.starts_at,
            following.c.ends_at,
            prices.c.lowest.label("price"),
            prices.c.highest.label("highest_price"),
            _places_left().label("available"),
        )
        .join(shows, shows.c.id == events.c.show_id)
        .outerjoin(venues, venues.c.id == events.c.venue_id)
        .outerjoin(halls, halls.c.id == events.c.hall_id)
        .outerjoin(following, sa.true())
        .outerjoin(prices, sa.true())
        .where(*_conditions(filters, following))
    )
    sort = {
        "startsAt": SortKey(sa.func.coalesce(following.c.starts_at, _NEVER), datetime),
        "createdAt": SortKey(events.c.created_at, datetime),
        "title": SortKey(events.c.title, str),
        "price": SortKey(sa.func.coalesce(prices.c.lowest, _NO_PRICE), int),
    }[order.key]
    found = await fetch_part(connection, statement, events.c.id, sort, order, part)
    return Part([_summary(row) for row in found.items], found.next_cursor, found.total)


SORT_KEYS = ("startsAt", "createdAt", "title", "price")


async def find_event(
    connection: AsyncConnection, key: UUID | str, viewer: Viewer
) -> EventRow | None:
    """An event by id or slug, if the viewer may see it."""
    named = events.c.id == key if isinstance(key, UUID) else events.c.slug == key
    statement = (
        sa.select(
            *_EVENT_COLUMNS,
            events.c.description,
            events.c.policy,
            events.c.sales_open_at,
            events.c.sales_close_at,
            events.c.published_at,
            events.c.created_at,
            *PLACE_COLUMNS,
        )
        .join(shows, shows.c.id == events.c.show_id)
        .outerjoin(venues, venues.c.id == events.c.venue_id)
        .outerjoin(halls, halls.c.id == events.c.hall_id)
        .where(named, is_visible(viewer))
    )
    row = (await connection.execute(statement)).first()
    if row is None:
        return None
    values = {field: row._mapping[field] for field in _FULL_FIELDS}
    return EventRow(
        **values, place=place_of(row), categories=await _categories_of(connection, row.id)
    )


async def _categories_of(connection: AsyncConnection, event_id: UUID) -> list[CategoryRow]:
    statement = (
        sa.select(
            categories.c.id,
            categories.c.name,
            categories.c.price,
            categories.c.capacity,
            categories.c.benefits,
            sa.func.coalesce(categories.c.sections, categories.c.areas),
            categories.c.sections.is_not(None),
        )
        .where(categories.c.event_id == event_id)
        .order_by(categories.c.rank, categories.c.id)
    )
    return [CategoryRow(*row) for row in await connection.execute(statement)]


def _next_showtime(filters: EventFilters) -> LateralFromClause:
    """The first showtime of an event that fits the filters."""
    statement = sa.select(showtimes.c.starts_at, showtimes.c.ends_at).where(
        showtimes.c.event_id == events.c.id,
        showtimes.c.status == "scheduled",
        *in_period(filters.period, events.c.timezone),
    )
    if filters.available is not None:
        left = sa.exists().where(
            allotments.c.showtime_id == showtimes.c.id,
            allotments.c.held + allotments.c.sold + allotments.c.blocked < allotments.c.capacity,
        )
        statement = statement.where(left if filters.available else sa.not_(left))
    return (
        statement.correlate(events)
        .order_by(showtimes.c.starts_at, showtimes.c.id)
        .limit(1)
        .lateral("following")
    )


def _prices() -> LateralFromClause:
    return (
        sa.select(
            sa.func.min(categories.c.price).label("lowest"),
            sa.func.max(categories.c.price).label("highest"),
        )
        .where(categories.c.event_id == events.c.id)
        .correlate(events)
        .lateral("prices")
    )


def _places_left() -> sa.ScalarSelect[int]:
    """Free places at all showtimes of an event that are not over; null where it has none."""
    free = allotments.c.capacity - allotments.c.held - allotments.c.sold - allotments.c.blocked
    return (
        sa.select(sa.func.sum(free))
        .join(showtimes, showtimes.c.id == allotments.c.showtime_id)
        .where(
            showtimes.c.event_id == events.c.id,
            showtimes.c.status == "scheduled",
            showtimes.c.ends_at > sa.func.now(),
        )
        .correlate(events)
        .scalar_subquery()
    )


def _conditions(
    filters: EventFilters, following: LateralFromClause
) -> list[sa.ColumnElement[bool]]:
    conditions: list[sa.ColumnElement[bool]] = []
    if filters.public:
        conditions.append(events.c.status == "published")
        asks_for_showtime = (
            filters.period != type(filters.period)() or filters.available is not None
        )
        has_none = sa.not_(sa.exists().where(showtimes.c.event_id == events.c.id))
        fits = following.c.starts_at.is_not(None)
        # What is over is not shown; what has no date yet is, unless dates are asked for.
        conditions.append(fits if asks_for_showtime else sa.or_(fits, has_none))
    if filters.of_organizations is not None:
        conditions.append(events.c.organization_id.in_(filters.of_organizations))
    if filters.status is not None:
        conditions.append(events.c.status == filters.status)
    if filters.favorites_of is not None:
        marked = sa.exists().where(
            favorites.c.user_id == filters.favorites_of, favorites.c.event_id == events.c.id
        )
        conditions.append(marked)
    if filters.visible_to is not None:
        conditions.append(is_visible(filters.visible_to))
    if filters.q is not None:
        conditions.append(
            sa.or_(
                *(
                    contains(column, filters.q)
                    for column in (
                        events.c.title,
                        events.c.description,
                        shows.c.title,
                        sa.func.coalesce(venues.c.name, ""),
                        sa.func.coalesce(events.c.location, ""),
                    )
                )
            )
        )
    if filters.kind is not None:
        conditions.append(shows.c.kind == filters.kind)
    if filters.city is not None:
        conditions.append(sa.func.lower(venues.c.city) == filters.city.strip().lower())
    if filters.venue_id is not None:
        conditions.append(events.c.venue_id == filters.venue_id)
    if filters.show_id is not None:
        conditions.append(events.c.show_id == filters.show_id)
    return conditions + _category_conditions(filters)


def _category_conditions(filters: EventFilters) -> list[sa.ColumnElement[bool]]:
    """One category must have the name and the price that are asked for."""
    asked: list[sa.ColumnElement[bool]] = []
    if filters.category is not None:
        asked.append(sa.func.lower(categories.c.name) == filters.category.strip().lower())
    if filters.price_at_most is not None:
        asked.append(categories.c.price <= filters.price_at_most)
    if filters.price_at_least is not None:
        asked.append(categories.c.price >= filters.price_at_least)
    if not asked:
        return []
    return [sa.exists().where(categories.c.event_id == events.c.id, *asked)]


def _summary(row: sa.Row[Any]) -> EventSummaryRow:
    values = {field: row._mapping[field] for field in _SUMMARY_FIELDS}
    return EventSummaryRow(**values, place=place_of(row))


_EVENT_COLUMNS: tuple[sa.ColumnElement[Any], ...] = (
    events.c.id,
    events.c.slug,
    events.c.title,
    shows.c.kind,
    events.c.status,
    events.c.organization_id,
    events.c.show_id,
    events.c.currency,
    events.c.timezone,
)

_SUMMARY_FIELDS = [name for name in EventSummaryRow.__dataclass_fields__ if name != "place"]
_FULL_FIELDS = [
    name for name in EventRow.__dataclass_fields__ if name not in ("place", "categories")
]
