"""Reads and revises the terms of sale, on the selling core's own connection, in its transaction.

Plain asyncpg for that reason, and one statement: in a batch each round trip counts.
"""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

import asyncpg
import msgspec

from fullhouse.catalog.rules import CategoryTerms, Policy, SaleTerms
from fullhouse.kit.listener import notify_raw

_SALE_TERMS = """
SELECT s.id AS showtime_id, i.revision, e.id AS event_id, e.organization_id, e.title, e.currency,
       -- A draft that was cancelled has never been shown to anybody.
       e.status <> 'draft' AND NOT (e.status = 'cancelled' AND e.published_at IS NULL)
           AND e.deleted_at IS NULL AND s.deleted_at IS NULL AS public,
       e.status = 'published' AND s.status = 'scheduled'
           AND e.deleted_at IS NULL AND s.deleted_at IS NULL AS on_sale,
       e.deleted_at IS NOT NULL OR s.deleted_at IS NOT NULL AS deleted,
       e.sales_open_at, coalesce(e.sales_close_at, s.starts_at) AS sales_close_at,
       s.starts_at, s.ends_at, e.timezone, e.location, s.hall_id, s.seat_map_id,
       e.policy::text AS policy,
       -- By the showtime alone: one that was over when its event was cancelled has taken place.
       CASE WHEN s.status = 'cancelled' AND e.status = 'cancelled' THEN 'event_cancelled'
            WHEN s.status = 'cancelled' THEN 'showtime_cancelled' END AS called_off,
       c.id AS category_id, c.name, c.price AS usual, a.price AS special, c.sections, c.areas
  FROM showtimes s
  JOIN inventories i ON i.showtime_id = s.id
  JOIN events e ON e.id = s.event_id
  LEFT JOIN allotments a ON a.showtime_id = s.id
  LEFT JOIN categories c ON c.id = a.category_id AND c.deleted_at IS NULL
 WHERE s.id = ANY($1::uuid[])
 ORDER BY s.id, c.rank, c.id
"""

_SET_SEAT_MAPS = """
UPDATE showtimes s
   SET seat_map_id = m.seat_map_id
  FROM unnest($1::uuid[], $2::uuid[]) AS m (showtime_id, seat_map_id)
 WHERE s.id = m.showtime_id
"""

# An organizer's own figure stays, as far as the areas take so many.
_SET_USUAL_CAPACITIES = """
UPDATE categories c
   SET capacity = CASE WHEN m.before IS NULL OR c.capacity = m.before THEN m.after
                       ELSE least(c.capacity, m.after) END
  FROM unnest($1::uuid[], $2::int[], $3::int[]) AS m (category_id, before, after)
 WHERE c.id = m.category_id
"""

_RAISE_REVISIONS = """
UPDATE inventories SET revision = revision + 1 WHERE showtime_id = ANY($1::uuid[])
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


async def set_seat_maps(
    connection: "asyncpg.Connection[Any]", seat_maps: Mapping[UUID, UUID]
) -> None:
    """Sell showtimes by other seat maps, whose ids are given by that of the showtime."""
    await connection.execute(_SET_SEAT_MAPS, list(seat_maps), list(seat_maps.values()))


async def set_usual_capacities(
    connection: "asyncpg.Connection[Any]", sizes: Mapping[UUID, tuple[int | None, int]]
) -> None:
    """Let new showtimes start with what the categories' parts of the hall take.

    By category, what those took before, unless all is for sale always, and what they take now.
    Whoever changes categories holds the locks of all showtimes of the event, as the caller does
    of some.
    """
    before, after = zip(*sizes.values(), strict=True)
    await connection.execute(_SET_USUAL_CAPACITIES, list(sizes), list(before), list(after))


async def revise(
    connection: "asyncpg.Connection[Any]", showtime_ids: Sequence[UUID], event_ids: Sequence[UUID]
) -> None:
    """Make known that the terms of these showtimes are new ones, to everybody who keeps them.

    The caller holds the locks of the showtimes, which are all of these events.
    """
    await connection.execute(_RAISE_REVISIONS, list(showtime_ids))
    await connection.execute("SELECT event_listings_refresh_v2($1::uuid[])", list(event_ids))
    tags = [f"event:{event_id}" for event_id in event_ids]
    tags += [f"showtime:{showtime_id}" for showtime_id in showtime_ids]
    await notify_raw(connection, "events", *tags)


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
        ends_at=row["ends_at"],
        timezone=row["timezone"],
        seat_map_id=row["seat_map_id"],
        policy=_decode_policy(row["policy"]),
        categories={},
        hall_id=row["hall_id"],
        location=row["location"],
        called_off=row["called_off"],
        deleted=row["deleted"],
    )


def _category_of_row(row: asyncpg.Record) -> CategoryTerms:
    sections, areas = row["sections"], row["areas"]
    return CategoryTerms(
        id=row["category_id"],
        name=row["name"],
        usual=row["usual"],
        sections=None if sections is None else tuple(sections),
        areas=None if areas is None else tuple(areas),
        special=row["special"],
    )
