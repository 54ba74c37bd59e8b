"""Reads the terms of sale, on the selling core's own connection and in its transaction.

Plain asyncpg for that reason, and one statement: in a batch each round trip counts.
"""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import asyncpg
import msgspec

from fullhouse.catalog.rules import CategoryTerms, Policy, SaleTerms

_SALE_TERMS = """
SELECT s.id AS showtime_id, i.revision, e.id AS event_id, e.organization_id, e.title, e.currency,
       e.status <> 'draft' AND e.deleted_at IS NULL AND s.deleted_at IS NULL AS public,
       e.status = 'published' AND s.status = 'scheduled'
           AND s.deleted_at IS NULL AS on_sale,
       e.sales_open_at, coalesce(e.sales_close_at, s.starts_at) AS sales_close_at,
       s.starts_at, s.seat_map_id, e.policy::text AS policy,
       c.id AS category_id, c.name, coalesce(a.price, c.price) AS price, c.sections
  FROM showtimes s
  JOIN inventories i ON i.showtime_id = s.id
  JOIN events e ON e.id = s.event_id
  LEFT JOIN allotments a ON a.showtime_id = s.id
  LEFT JOIN categories c ON c.id = a.category_id
 WHERE s.id = ANY($1::uuid[])
 ORDER BY s.id, c.rank, c.id
"""

_decode_policy = msgspec.json.Decoder(Policy).decode


async def load_sale_terms(
    connection: "asyncpg.Connection[Any]", showtime_ids: Sequence[UUID]
) -> dict[UUID, SaleTerms]:
    """The terms of these showtimes by id; ids that no showtime has are left out.

    Showtimes of drafts and cancelled ones come with ``on_sale`` false. Categories are in the
    order in which lists show them.
    """
    terms: dict[UUID, SaleTerms] = {}
    for row in await connection.fetch(_SALE_TERMS, list(showtime_ids)):
        found = terms.get(row["showtime_id"])
        if found is None:
            found = terms[row["showtime_id"]] = _terms_of_row(row)
        if row["category_id"] is not None:
            category = _category_of_row(row)
            found.categories[category.id] = category
    return terms


def _terms_of_row(row: asyncpg.Record) -> SaleTerms:
    return SaleTerms(
        showtime_id=row["showtime_id"],
        revision=row["revision"],
        event_id=row["event_id"],
        organization_id=row["organization_id"],
        title=row["title"],
        currency=row["currency"],
        public=row["public"],
        on_sale=row["on_sale"],
        sales_open_at=row["sales_open_at"],
        sales_close_at=row["sales_close_at"],
        starts_at=row["starts_at"],
        seat_map_id=row["seat_map_id"],
        policy=_decode_policy(row["policy"]),
        categories={},
    )


def _category_of_row(row: asyncpg.Record) -> CategoryTerms:
    sections = row["sections"]
    return CategoryTerms(
        id=row["category_id"],
        name=row["name"],
        price=row["price"],
        sections=None if sections is None else tuple(sections),
    )
