"""Reads shows with what is known of their showtimes."""

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.sql.selectable import LateralFromClause

from fullhouse.api.lists import fetch_found
from fullhouse.api.pagination import Slice
from fullhouse.catalog.filters import Order, ShowFilters, Viewer
from fullhouse.catalog.rules import NOW_SHOWING_WITHIN, SHOW_STATUSES, ShowStatus
from fullhouse.catalog.store.paging import Part, SortKey, fetch_part
from fullhouse.catalog.tables import event_listings, shows
from fullhouse.kit.words import almost_has_words, fits, folded, relevance

SORT_KEYS = ("title", "releasedOn", "startsAt", "createdAt", "relevance")

# Stands for "no date yet": such shows come last.
_SOME_DAY = date(9999, 1, 1)
_SOME_TIME = datetime(9999, 1, 1, tzinfo=UTC)


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
    released_on: date | None
    ends_on: date | None
    cast: list[dict[str, str]]
    trailers: list[str]
    images: list[UUID]
    created_at: datetime
    announced: bool
    status: ShowStatus
    next_starts_at: datetime | None


async def list_shows(
    connection: AsyncConnection, filters: ShowFilters, order: Order, part: Slice
) -> Part[ShowRow]:
    """Part of the shows that fit. ``order.key`` is one of ``SORT_KEYS``.

    What is searched for is found by the beginnings of its words; where no show has them all,
    those are shown whose words are almost the same.
    """

    async def fetch(almost: bool) -> Part[ShowRow]:
        return await _part(connection, replace(filters, almost=almost), order, part)

    return await fetch_found(fetch, filters.q, part)


async def _part(
    connection: AsyncConnection, filters: ShowFilters, order: Order, part: Slice
) -> Part[ShowRow]:
    known = _known()
    status = _status(known)
    statement = _shows(known, status).where(*_conditions(filters, known))
    if len(filters.statuses) < len(SHOW_STATUSES):
        statement = statement.where(status.in_(filters.statuses))
    keys = {
        "title": SortKey(shows.c.title, str),
        "releasedOn": SortKey(sa.func.coalesce(shows.c.released_on, _SOME_DAY), date),
        "startsAt": SortKey(sa.func.coalesce(known.c.next_starts_at, _SOME_TIME), datetime),
        "createdAt": SortKey(shows.c.created_at, datetime),
    }
    if filters.q:
        rank = relevance(shows.c.document, shows.c.words, filters.q, almost=filters.almost)
        keys["relevance"] = SortKey(rank, int)
    order = replace(order, almost=filters.almost)
    found = await fetch_part(connection, statement, shows.c.id, keys[order.key], order, part)
    return Part([_show(row) for row in found.items], found.next_cursor, found.total)


async def find_show(
    connection: AsyncConnection, show_id: UUID, viewer: Viewer, kind: str | None = None
) -> ShowRow | None:
    """A show that is announced, put on publicly, or of one of the viewer's organizations."""
    known = _known()
    statement = _shows(known, _status(known)).where(shows.c.id == show_id)
    if kind is not None:
        statement = statement.where(shows.c.kind == kind)
    row = (await connection.execute(statement)).first()
    if row is None:
        return None
    mine = viewer.organizations
    public = row.announced or row.public_events > 0
    if not public and mine is not None and row.organization_id not in mine:
        return None
    return _show(row)


def _known() -> LateralFromClause:
    """What the listings of the events that put a show on tell of it, by one index."""
    listed = event_listings.c
    starts = sa.and_(
        listed.status == "published",
        listed.last_ends_at > sa.func.now(),
        listed.next_starts_at < _SOME_TIME,
    )
    # Without any showtime it ends in the far future, without any that was not cancelled never.
    has_showtimes = sa.and_(listed.last_ends_at < _SOME_TIME, sa.func.isfinite(listed.last_ends_at))
    return (
        sa.select(
            sa.func.count().label("public_events"),
            sa.func.count().filter(has_showtimes).label("with_showtimes"),
            sa.func.min(listed.next_starts_at).filter(starts).label("next_starts_at"),
        )
        .where(listed.show_id == shows.c.id, listed.status.in_(("published", "ended")))
        .correlate(shows)
        .lateral("known")
    )


def _status(known: LateralFromClause) -> sa.ColumnElement[str]:
    """The rule ``rules.show_status`` in SQL."""
    today = sa.cast(sa.func.timezone("UTC", sa.func.now()), sa.Date)
    return sa.case(
        (shows.c.released_on > today, "coming_soon"),
        (shows.c.ends_on < today, "ended"),
        (known.c.next_starts_at <= sa.func.now() + NOW_SHOWING_WITHIN, "now_showing"),
        (sa.and_(known.c.next_starts_at.is_(None), known.c.with_showtimes > 0), "ended"),
        else_="coming_soon",
    )


def _shows(known: LateralFromClause, status: sa.ColumnElement[str]) -> sa.Select[Any]:
    columns = [shows.c[name] for name in _COLUMNS]
    return (
        sa.select(*columns, status.label("status"), known.c.next_starts_at, known.c.public_events)
        .join(known, sa.true())
        .where(shows.c.deleted_at.is_(None))
    )


def _conditions(filters: ShowFilters, known: LateralFromClause) -> list[sa.ColumnElement[bool]]:
    conditions: list[sa.ColumnElement[bool]] = []
    if filters.public:
        conditions.append(sa.or_(shows.c.announced, known.c.public_events > 0))
    if filters.of_organizations is not None:
        conditions.append(shows.c.organization_id.in_(filters.of_organizations))
    if filters.kind is not None:
        conditions.append(shows.c.kind == filters.kind)
    if filters.q:
        almost = almost_has_words(shows.c.words, filters.q)
        conditions.append(almost if filters.almost else fits(shows.c.document, filters.q))
    for column, wanted in ((shows.c.genre, filters.genre), (shows.c.language, filters.language)):
        if wanted is not None:
            conditions.append(sa.func.lower(sa.func.unaccent(column)) == folded(wanted))
    return conditions


def _show(row: sa.Row[Any]) -> ShowRow:
    return ShowRow(**{field: row._mapping[field] for field in ShowRow.__dataclass_fields__})


_COLUMNS = [
    name for name in ShowRow.__dataclass_fields__ if name not in ("status", "next_starts_at")
]
