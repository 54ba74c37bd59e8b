"""Reads what organizations have sold: part of their bookings, the newest first or last.

A booking does not name its organization, and needs no index for it: only so many of each showtime
are looked at as the page has rows, by the key. Who asks for a buyer begins at the buyers instead.
"""

import re
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection

from fullhouse.accounts.tables import users
from fullhouse.bookings.core.types import Status
from fullhouse.bookings.store.read import FROM_OWNED, OWNED, Owned
from fullhouse.bookings.tables import bookings
from fullhouse.catalog.tables import events, showtimes

# What means something else than itself in a pattern of LIKE.
_UNPLAIN = re.compile(r"[\\%_]")


@dataclass(frozen=True, slots=True)
class SoldFilters:
    """Which bookings at these organizations' showtimes; ``None`` leaves a question open.

    They were made from ``since`` on and earlier than ``before``. ``buyer`` is what the name or the
    address of who booked begins with.
    """

    organizations: Collection[UUID] = ()
    event_id: UUID | None = None
    showtime_id: UUID | None = None
    status: Status | None = None
    code: str | None = None
    buyer: str | None = None
    since: datetime | None = None
    before: datetime | None = None


@dataclass(frozen=True, slots=True)
class Span:
    """The part that is wanted, in the order of the ids: behind one, or some further down."""

    limit: int
    descending: bool = True
    after: UUID | None = None
    offset: int = 0


class Sold(msgspec.Struct, array_like=True):
    """A booking with its buyer, whose address is None when the account was deleted."""

    owned: Owned
    buyer_name: str
    buyer_email: str | None


async def list_sold(connection: AsyncConnection, filters: SoldFilters, span: Span) -> list[Sold]:
    """At most ``limit`` bookings, by their ids, which are in the order in which they were asked
    for.
    """
    found = (await connection.execute(_page(filters, span))).all()
    if not found:
        return []
    keys = {"showtimes": [row[0] for row in found], "ids": [row[1] for row in found]}
    documents = (await connection.execute(_DOCUMENTS, keys)).scalars()
    by_id = {sold.owned.booking.id: sold for sold in map(_decode_sold, documents)}
    return [by_id[row[1]] for row in found]


async def count_sold(connection: AsyncConnection, filters: SoldFilters) -> int:
    """How many such bookings there are."""
    counted = _joined(filters, sa.func.count()).where(*_of_showtimes(filters))
    count: int = (await connection.execute(counted.where(*_wanted(filters)))).scalar_one()
    return count


def _page(filters: SoldFilters, span: Span) -> sa.Select[Any]:
    key = (bookings.c.showtime_id, bookings.c.id)
    wanted = _wanted(filters)
    if span.after is not None:
        here = bookings.c.id
        wanted.append(here < span.after if span.descending else here > span.after)
    if filters.buyer is not None:
        of_buyers = _joined(filters, *key).where(*_of_showtimes(filters), *wanted)
        return _cut(of_buyers, bookings.c.id, span)
    most = span.limit + span.offset
    ordered = bookings.c.id.desc() if span.descending else bookings.c.id
    of_one = sa.select(*key).where(bookings.c.showtime_id == showtimes.c.id, *wanted)
    newest = of_one.order_by(ordered).limit(most).lateral("newest")
    page: sa.Select[Any] = (
        sa.select(newest.c.showtime_id, newest.c.id)
        .select_from(showtimes)
        .join(events, events.c.id == showtimes.c.event_id)
        .join(newest, sa.true())
        .where(*_of_showtimes(filters))
    )
    return _cut(page, newest.c.id, span)


def _cut(page: sa.Select[Any], column: sa.ColumnElement[UUID], span: Span) -> sa.Select[Any]:
    ordered = column.desc() if span.descending else column
    return page.order_by(ordered).limit(span.limit).offset(span.offset)


def _joined(filters: SoldFilters, *columns: sa.ColumnElement[Any]) -> sa.Select[Any]:
    """The bookings with their showtimes and events, and with their buyers where these matter."""
    joined = (
        sa.select(*columns)
        .select_from(bookings)
        .join(showtimes, showtimes.c.id == bookings.c.showtime_id)
        .join(events, events.c.id == showtimes.c.event_id)
    )
    return joined if filters.buyer is None else joined.join(users, users.c.id == bookings.c.user_id)


def _of_showtimes(filters: SoldFilters) -> list[sa.ColumnElement[bool]]:
    conditions: list[sa.ColumnElement[bool]] = [events.c.organization_id.in_(filters.organizations)]
    if filters.event_id is not None:
        conditions.append(events.c.id == filters.event_id)
    if filters.showtime_id is not None:
        conditions.append(showtimes.c.id == filters.showtime_id)
    return conditions


def _wanted(filters: SoldFilters) -> list[sa.ColumnElement[bool]]:
    conditions: list[sa.ColumnElement[bool]] = []
    if filters.status is not None:
        conditions.append(bookings.c.status == filters.status)
    if filters.code is not None:
        conditions.append(bookings.c.code == filters.code.upper())
    if filters.since is not None:
        conditions.append(bookings.c.created_at >= filters.since)
    if filters.before is not None:
        conditions.append(bookings.c.created_at < filters.before)
    if filters.buyer is not None:
        begun = sa.func.lower(_UNPLAIN.sub(r"\\\g<0>", filters.buyer) + "%")
        named = sa.func.lower(users.c.name).like(begun)
        conditions += [users.c.deleted_at.is_(None), users.c.email.like(begun) | named]
    return conditions


_DOCUMENTS = sa.text(
    f"""SELECT json_build_array(
        {OWNED}, u.name, CASE WHEN u.deleted_at IS NULL THEN u.email END
    )::text
    FROM unnest(:showtimes, :ids) AS k (showtime_id, id)
    JOIN bookings b ON b.showtime_id = k.showtime_id AND b.id = k.id
    JOIN users u ON u.id = b.user_id
    {FROM_OWNED}"""
).bindparams(
    sa.bindparam("showtimes", type_=ARRAY(sa.Uuid)), sa.bindparam("ids", type_=ARRAY(sa.Uuid))
)

_decode_sold = msgspec.json.Decoder(Sold).decode
