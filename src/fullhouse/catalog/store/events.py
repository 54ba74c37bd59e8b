"""Reads events: lists with their next showtime, lowest price and places left; and one in full."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.sql.selectable import LateralFromClause

from fullhouse.api.lists import fetch_found
from fullhouse.api.pagination import Slice
from fullhouse.catalog.filters import EventFilters, Order, Viewer
from fullhouse.catalog.store import event_listings as listings
from fullhouse.catalog.store.paging import Part, fetch_part
from fullhouse.catalog.store.showtimes import PLACE_COLUMNS, PlaceRow, is_visible, place_of
from fullhouse.catalog.tables import (
    allotments,
    categories,
    events,
    shows,
    showtimes,
)
from fullhouse.media import store as media
from fullhouse.media.store import MediaRow
from fullhouse.venues.tables import halls, venues


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
    image: MediaRow | None


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
    """An event in full, without its showtimes.

    What begins with ``show_`` is its show's; ``age_rating`` that of the show, or else of the venue.
    """

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
    cancelled_at: datetime | None
    cancel_reason: str | None
    created_at: datetime
    images: list[UUID]
    show_title: str
    show_duration_minutes: int | None
    show_genre: str | None
    show_language: str | None
    show_age_rating: str | None
    show_cast: list[dict[str, str]]
    show_trailers: list[str]
    show_images: list[UUID]
    age_rating: str | None
    house_rules: str | None
    amenities: list[str] | None
    place: PlaceRow
    categories: list[CategoryRow]


async def list_events(
    connection: AsyncConnection, filters: EventFilters, order: Order, part: Slice
) -> Part[EventSummaryRow]:
    """Part of the events that fit. ``order.key`` is one of ``SORT_KEYS``.

    Which they are is read from the listings alone; the rest only of those that are shown.
    """

    async def fetch(almost: bool) -> Part[sa.Row[Any]]:
        return await _ids(connection, replace(filters, almost=almost), order, part)

    found = await fetch_found(fetch, filters.q, part)
    shown = await _summaries(connection, filters, [row.event_id for row in found.items])
    return Part(shown, found.next_cursor, found.total)


async def _ids(
    connection: AsyncConnection, filters: EventFilters, order: Order, part: Slice
) -> Part[sa.Row[Any]]:
    statement = listings.matching(filters)
    sort = listings.sort_keys(filters, statement)[order.key]
    id_column = listings.id_column(filters, order.key)
    order = replace(order, almost=filters.almost)
    return await fetch_part(connection, statement, id_column, sort, order, part)


SORT_KEYS = ("startsAt", "createdAt", "title", "price", "relevance")


async def _summaries(
    connection: AsyncConnection, filters: EventFilters, event_ids: list[UUID]
) -> list[EventSummaryRow]:
    """These events in this order, each with its first showtime that fits the filters."""
    if not event_ids:
        return []
    following = _next_showtime(filters)
    prices = _prices()
    makers = _makers(filters)
    statement: sa.Select[Any] = (
        sa.select(
            *_EVENT_COLUMNS,
            events.c.created_at,
            *PLACE_COLUMNS,
            following.c.starts_at,
            following.c.ends_at,
            prices.c.lowest.label("price"),
            prices.c.highest.label("highest_price"),
            _places_left().label("available"),
            media.first_shown(events.c.images + shows.c.images, makers).label("image"),
        )
        .join(shows, shows.c.id == events.c.show_id)
        .outerjoin(venues, venues.c.id == events.c.venue_id)
        .outerjoin(halls, halls.c.id == events.c.hall_id)
        .outerjoin(following, sa.true())
        .outerjoin(prices, sa.true())
        .where(events.c.id.in_(event_ids), events.c.deleted_at.is_(None))
    )
    rows = {row.id: row for row in await connection.execute(statement)}
    wanted = {row.image for row in rows.values()} - {None}
    found = await media.shown(connection, list(wanted), makers) if wanted else []
    images = {image.id: image for image in found}
    # One that was deleted between the two looks is left out.
    return [_summary(rows[event_id], images) for event_id in event_ids if event_id in rows]


def _makers(filters: EventFilters) -> media.Makers:
    """To whom the list is given, where not to everybody."""
    if filters.visible_to is not None:
        return filters.visible_to.organizations
    return media.NOBODY if filters.public else filters.of_organizations


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
            events.c.cancelled_at,
            events.c.cancel_reason,
            events.c.created_at,
            events.c.images,
            *(shows.c[name].label(f"show_{name}") for name in _SHOW_COLUMNS),
            sa.func.coalesce(shows.c.age_rating, venues.c.age_rating).label("age_rating"),
            venues.c.house_rules,
            venues.c.amenities,
            *PLACE_COLUMNS,
        )
        .join(shows, shows.c.id == events.c.show_id)
        .outerjoin(venues, venues.c.id == events.c.venue_id)
        .outerjoin(halls, halls.c.id == events.c.hall_id)
        .where(named, events.c.deleted_at.is_(None), is_visible(viewer))
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
        .where(categories.c.event_id == event_id, categories.c.deleted_at.is_(None))
        .order_by(categories.c.rank, categories.c.id)
    )
    return [CategoryRow(*row) for row in await connection.execute(statement)]


def _next_showtime(filters: EventFilters) -> LateralFromClause:
    """The first showtime of an event that fits the filters."""
    return (
        sa.select(showtimes.c.starts_at, showtimes.c.ends_at)
        .where(
            showtimes.c.event_id == events.c.id,
            *listings.fits_showtime(filters, events.c.timezone),
        )
        .correlate(events)
        .order_by(showtimes.c.starts_at, showtimes.c.id)
        .limit(1)
        .lateral("following")
    )


def _prices() -> LateralFromClause:
    """The lowest and the highest price that is asked at a showtime of an event that is to come.

    Without any, they are those of its categories.
    """
    usual = categories.c.price
    asked = sa.func.coalesce(allotments.c.price, usual)
    coming = (
        sa.select(sa.func.min(asked).label("lowest"), sa.func.max(asked).label("highest"))
        .join(showtimes, showtimes.c.id == allotments.c.showtime_id)
        .where(
            allotments.c.category_id == categories.c.id,
            showtimes.c.event_id == events.c.id,
            showtimes.c.status == "scheduled",
            showtimes.c.deleted_at.is_(None),
            showtimes.c.ends_at > sa.func.now(),
        )
        .correlate(events, categories)
        .lateral("coming")
    )
    return (
        sa.select(
            sa.func.min(sa.func.coalesce(coming.c.lowest, usual)).label("lowest"),
            sa.func.max(sa.func.coalesce(coming.c.highest, usual)).label("highest"),
        )
        .select_from(categories.join(coming, sa.true()))
        .where(categories.c.event_id == events.c.id, categories.c.deleted_at.is_(None))
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
            showtimes.c.deleted_at.is_(None),
            showtimes.c.ends_at > sa.func.now(),
        )
        .correlate(events)
        .scalar_subquery()
    )


def _summary(row: sa.Row[Any], images: Mapping[UUID, MediaRow]) -> EventSummaryRow:
    values = {field: row._mapping[field] for field in _SUMMARY_FIELDS}
    return EventSummaryRow(**values, place=place_of(row), image=images.get(row.image))


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

# Of the show, for an event's own page.
_SHOW_COLUMNS = (
    "title",
    "duration_minutes",
    "genre",
    "language",
    "age_rating",
    "cast",
    "trailers",
    "images",
)
_SUMMARY_FIELDS = [
    name for name in EventSummaryRow.__dataclass_fields__ if name not in ("place", "image")
]
_FULL_FIELDS = [
    name for name in EventRow.__dataclass_fields__ if name not in ("place", "categories")
]
