"""Part of any list in the database: one statement for the rows, one more where they are counted."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

Statement: TypeAlias = sa.Select[Any]
IdColumn: TypeAlias = sa.ColumnElement[UUID]


@dataclass(frozen=True, slots=True)
class SortKey:
    """What a list may be ordered by. The column is never null; ``kind`` is its Python type."""

    column: sa.ColumnElement[Any]
    kind: type


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows that were asked for, whether others follow, and how many there are, if counted.

    Each row ends with the two columns that the order is by: ``sort_value`` and ``sort_id``.
    """

    rows: Sequence[sa.Row[Any]]
    go_on: bool
    total: int | None = None


async def fetch_rows(
    connection: AsyncConnection,
    statement: Statement,
    id_column: IdColumn,
    column: sa.ColumnElement[Any],
    *,
    descending: bool,
    limit: int,
    after: tuple[Any, UUID] | None = None,
    offset: int | None = None,
) -> Rows:
    """At most ``limit`` of the statement's rows in the order of the column, ties by id.

    Those behind the value and the id of ``after``, or those from ``offset`` on, which also counts
    them all.
    """
    total = None
    if offset is not None:
        counted = sa.select(sa.func.count()).select_from(statement.subquery())
        total = (await connection.execute(counted)).scalar_one()
        if offset >= total:
            return Rows((), go_on=False, total=total)
    ordered = statement.add_columns(column.label("sort_value"), id_column.label("sort_id"))
    if after is not None:
        here = sa.tuple_(column, id_column)
        there = sa.tuple_(sa.literal(after[0], column.type), sa.literal(after[1], sa.Uuid))
        ordered = ordered.where(here < there if descending else here > there)
    if descending:
        ordered = ordered.order_by(column.desc(), id_column.desc())
    else:
        ordered = ordered.order_by(column, id_column)
    result = await connection.execute(ordered.limit(limit + 1).offset(offset))
    rows: Sequence[sa.Row[Any]] = result.all()
    return Rows(rows[:limit], len(rows) > limit, total)
