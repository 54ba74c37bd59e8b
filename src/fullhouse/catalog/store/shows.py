"""Reads shows with what is known of their showtimes."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from fullhouse.api.pagination import Slice
from fullhouse.catalog.filters import SHOW_STATUSES, Order, ShowStatus, Viewer
from fullhouse.catalog.store.paging import Part, SortKey, contains, fetch_part
from fullhouse.catalog.tables import events, shows, showtimes

# A show whose next sitting is further away than this is coming soon rather than showing.
NOW_SHOWING_WITHIN = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class ShowRow:
    """A show, where it stands, and when it can be seen next."""

    id: UUID
    organization_id: UUID
    kind: str
    title: str
    description: str
    duration_minutes: int | None
    genre: str | None
    language: str | None
    age_rating: str | None
    status: ShowStatus
    next_starts_at: datetime | None


async def list_shows(
    connection: AsyncConnection,
    *,
    kind: str | None,
    q: str | None,
    statuses: frozenset[ShowStatus],
    part: Slice,
) -> Part[ShowRow]:
    """Part of the shows that some organization puts on publicly, by title."""
    statement, status = _shows_with_status(public_only=True)
    if kind is not None:
        statement = statement.where(shows.c.kind == kind)
    if q is not None:
        statement = statement.where(contains(shows.c.title, q))
    if len(statuses) < len(SHOW_STATUSES):
        statement = statement.where(status.in_(statuses))
    found = await fetch_part(
        connection, statement, shows.c.id, SortKey(shows.c.title, str), Order("title"), part
    )
    return Part([_show(row) for row in found.items], found.next_cursor, found.total)


async def find_show(
    connection: AsyncConnection, show_id: UUID, viewer: Viewer, kind: str | None = None
) -> ShowRow | None:
    """A show that is put on publicly or belongs to one of the viewer's organizations."""
    statement, _ = _shows_with_status(public_only=False)
    statement = statement.where(shows.c.id == show_id)
    if kind is not None:
        statement = statement.where(shows.c.kind == kind)
    row = (await connection.execute(statement)).first()
    if row is None:
        return None
    mine = viewer.organizations
    if row.public_events == 0 and mine is not None and row.organization_id not in mine:
        return None
    return _show(row)


def _shows_with_status(*, public_only: bool) -> tuple[sa.Select[Any], sa.ColumnElement[str]]:
    known = (
        sa.select(
            sa.func.count(events.c.id.distinct()).label("public_events"),
            sa.func.count(showtimes.c.id).label("showtimes"),
            sa.func.min(showtimes.c.starts_at)
            .filter(showtimes.c.ends_at > sa.func.now())
            .label("next_starts_at"),
        )
        .select_from(events)
        .outerjoin(
            showtimes,
            sa.and_(showtimes.c.event_id == events.c.id, showtimes.c.status == "scheduled"),
        )
        .where(events.c.show_id == shows.c.id, events.c.status.in_(("published", "ended")))
        .correlate(shows)
        .lateral("known")
    )
    status = sa.case(
        (known.c.next_starts_at <= sa.func.now() + NOW_SHOWING_WITHIN, "now_showing"),
        (sa.and_(known.c.next_starts_at.is_(None), known.c.showtimes > 0), "ended"),
        else_="coming_soon",
    )
    statement = sa.select(
        shows.c.id,
        shows.c.organization_id,
        shows.c.kind,
        shows.c.title,
        shows.c.description,
        shows.c.duration_minutes,
        shows.c.genre,
        shows.c.language,
        shows.c.age_rating,
        status.label("status"),
        known.c.next_starts_at,
        known.c.public_events,
    ).join(known, sa.true())
    if public_only:
        statement = statement.where(known.c.public_events > 0)
    return statement, status


def _show(row: sa.Row[Any]) -> ShowRow:
    return ShowRow(**{field: row._mapping[field] for field in ShowRow.__dataclass_fields__})
