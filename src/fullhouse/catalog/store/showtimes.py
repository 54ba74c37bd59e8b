"""Reads showtimes with what is left of each category."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from fullhouse.api.pagination import Slice
from fullhouse.catalog.filters import Order, ShowtimeFilters, Viewer
from fullhouse.catalog.store.paging import Part, SortKey, fetch_part, in_period
from fullhouse.catalog.tables import allotments, categories, events, shows, showtimes
from fullhouse.venues.tables import halls, venues


@dataclass(frozen=True, slots=True)
class PlaceRow:
    """Where it happens: a venue and perhaps a hall, or a location in words."""

    venue_id: UUID | None
    venue_name: str | None
    city: str | None
    country: str | None
    hall_id: UUID | None
    hall_name: str | None
    location: str | None


@dataclass(frozen=True, slots=True)
class AllotmentRow:
    """A category at a showtime. ``available`` = capacity − held − sold − blocked."""

    category_id: UUID
    name: str
    price: int
    benefits: list[str]
    sections: list[str] | None
    seated: bool
    capacity: int
    available: int


@dataclass(frozen=True, slots=True)
class ShowtimeRow:
    """A showtime with its categories in the event's order."""

    id: UUID
    event_id: UUID
    title: str
    currency: str
    timezone: str
    status: str
    seat_map_id: UUID | None
    starts_at: datetime
    ends_at: datetime
    cancelled_at: datetime | None
    cancel_reason: str | None
    place: PlaceRow
    allotments: list[AllotmentRow]


async def list_showtimes(
    connection: AsyncConnection, filters: ShowtimeFilters, order: Order, part: Slice
) -> Part[ShowtimeRow]:
    """Part of the showtimes that the viewer may see."""
    statement = _SHOWTIMES.where(
        is_visible(filters.viewer), *in_period(filters.period, events.c.timezone)
    )
    if filters.event_id is not None:
        statement = statement.where(showtimes.c.event_id == filters.event_id)
    if filters.venue_id is not None:
        statement = statement.where(events.c.venue_id == filters.venue_id)
    if filters.hall_id is not None:
        statement = statement.where(showtimes.c.hall_id == filters.hall_id)
    if filters.of_organizations is not None:
        statement = statement.where(events.c.organization_id.in_(filters.of_organizations))
    if filters.statuses == {"scheduled"}:
        # As the index of halls has it.
        statement = statement.where(showtimes.c.status == "scheduled", sa.not_(_ENDED_WITH_EVENT))
    elif filters.statuses == {"cancelled"}:
        statement = statement.where(_is_cancelled())
    if filters.show_id is not None:
        there = sa.exists().where(shows.c.id == filters.show_id, shows.c.deleted_at.is_(None))
        statement = statement.where(events.c.show_id == filters.show_id, there)
    found = await fetch_part(
        connection,
        statement,
        showtimes.c.id,
        SortKey(showtimes.c.starts_at, datetime),
        order,
        part,
    )
    rows = await _with_allotments(connection, found.items)
    return Part(rows, found.next_cursor, found.total)


async def find_showtime(
    connection: AsyncConnection, showtime_id: UUID, viewer: Viewer
) -> ShowtimeRow | None:
    """A showtime, if the viewer may see it."""
    statement = _SHOWTIMES.where(showtimes.c.id == showtime_id, is_visible(viewer))
    rows = await _with_allotments(connection, (await connection.execute(statement)).all())
    return rows[0] if rows else None


def is_visible(viewer: Viewer) -> sa.ColumnElement[bool]:
    """Events that the viewer may see: all but what is secret of others."""
    if viewer.organizations is None:
        return sa.true()
    public = sa.not_(SECRET)
    if not viewer.organizations:
        return public
    return sa.or_(public, events.c.organization_id.in_(viewer.organizations))


async def _with_allotments(
    connection: AsyncConnection, rows: Sequence[sa.Row[Any]]
) -> list[ShowtimeRow]:
    if not rows:
        return []
    statement = _ALLOTMENTS.where(allotments.c.showtime_id.in_([row.id for row in rows])).order_by(
        categories.c.rank, categories.c.id
    )
    by_showtime: dict[UUID, list[AllotmentRow]] = {row.id: [] for row in rows}
    for showtime_id, *counters in await connection.execute(statement):
        by_showtime[showtime_id].append(AllotmentRow(*counters))
    return [_showtime(row, by_showtime[row.id]) for row in rows]


def _showtime(row: sa.Row[Any], found: list[AllotmentRow]) -> ShowtimeRow:
    return ShowtimeRow(
        id=row.id,
        event_id=row.event_id,
        title=row.title,
        currency=row.currency,
        timezone=row.timezone,
        status=row.status,
        seat_map_id=row.seat_map_id,
        starts_at=row.starts_at,
        ends_at=row.ends_at,
        cancelled_at=row.cancelled_at,
        cancel_reason=row.cancel_reason,
        place=place_of(row),
        allotments=found,
    )


def place_of(row: Any) -> PlaceRow:
    """The place in a row that has the columns of ``PLACE_COLUMNS``."""
    return PlaceRow(
        row.venue_id,
        row.venue_name,
        row.city,
        row.country,
        row.hall_id,
        row.hall_name,
        row.location,
    )


PLACE_COLUMNS: tuple[sa.ColumnElement[Any], ...] = (
    venues.c.id.label("venue_id"),
    venues.c.name.label("venue_name"),
    venues.c.city,
    venues.c.country,
    halls.c.id.label("hall_id"),
    halls.c.name.label("hall_name"),
    events.c.location,
)

# A draft, or one that was cancelled: that has never been shown to anybody.
SECRET = sa.or_(
    events.c.status == "draft",
    sa.and_(events.c.status == "cancelled", events.c.published_at.is_(None)),
)

# A cancelled event takes its showtimes with it; one that was over by then has taken place.
_ENDED_WITH_EVENT = sa.and_(
    events.c.status == "cancelled",
    sa.func.coalesce(events.c.cancelled_at < showtimes.c.ends_at, True),
)
STATUS = sa.case((_ENDED_WITH_EVENT, "cancelled"), else_=showtimes.c.status)


def _is_cancelled() -> sa.ColumnElement[bool]:
    """By itself or with its event: each found by an index, however few they are among many."""
    called_off = sa.select(events.c.id).where(events.c.status == "cancelled")
    with_event = showtimes.c.event_id == sa.any_(sa.func.array(called_off.scalar_subquery()))
    return sa.and_(
        sa.or_(showtimes.c.status == "cancelled", with_event),
        STATUS == "cancelled",
    )


def _of_cancelling(name: str) -> sa.ColumnElement[Any]:
    """What is noted of the cancelling: the showtime's own, or else that of its event."""
    own = (showtimes.c.status == "cancelled", showtimes.c[name])
    return sa.case(own, (_ENDED_WITH_EVENT, events.c[name])).label(name)


_SHOWTIMES: sa.Select[Any] = (
    sa.select(
        showtimes.c.id,
        showtimes.c.event_id,
        events.c.title,
        events.c.currency,
        events.c.timezone,
        STATUS.label("status"),
        showtimes.c.seat_map_id,
        showtimes.c.starts_at,
        showtimes.c.ends_at,
        _of_cancelling("cancelled_at"),
        _of_cancelling("cancel_reason"),
        *PLACE_COLUMNS,
    )
    .join(events, events.c.id == showtimes.c.event_id)
    .outerjoin(halls, halls.c.id == showtimes.c.hall_id)
    .outerjoin(venues, venues.c.id == events.c.venue_id)
    .where(showtimes.c.deleted_at.is_(None), events.c.deleted_at.is_(None))
)

_ALLOTMENTS: sa.Select[Any] = sa.select(
    allotments.c.showtime_id,
    categories.c.id,
    categories.c.name,
    sa.func.coalesce(allotments.c.price, categories.c.price),
    categories.c.benefits,
    sa.func.coalesce(categories.c.sections, categories.c.areas),
    categories.c.sections.is_not(None),
    allotments.c.capacity,
    allotments.c.capacity - allotments.c.held - allotments.c.sold - allotments.c.blocked,
).join(
    categories,
    sa.and_(categories.c.id == allotments.c.category_id, categories.c.deleted_at.is_(None)),
)
