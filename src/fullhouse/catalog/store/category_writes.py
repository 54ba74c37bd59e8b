"""Writes categories, and what showtimes count of them.

Who changes categories holds the event's row and then the locks of all its showtimes
(``showtime_writes.touch_terms``), so that nothing is sold meanwhile.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from fullhouse.catalog.planning import CategoryPlaces, PlannedCategory
from fullhouse.catalog.tables import allotments, categories, showtimes
from fullhouse.kit.ids import new_id


@dataclass(frozen=True, slots=True)
class CategoryState:
    """A category as commands need it."""

    id: UUID
    name: str
    price: int
    capacity: int
    sections: tuple[str, ...] | None
    areas: tuple[str, ...] | None
    benefits: tuple[str, ...]
    rank: int

    @property
    def places(self) -> CategoryPlaces:
        return CategoryPlaces(self.id, self.capacity, self.sections, self.areas)

    @property
    def located(self) -> tuple[str, ...]:
        """The names of its sections or areas."""
        return self.sections or self.areas or ()


@dataclass(frozen=True, slots=True)
class Coming:
    """A showtime that is neither over nor cancelled."""

    id: UUID
    seat_map_id: UUID | None


@dataclass(frozen=True, slots=True)
class Taken:
    """What is taken of a category at all showtimes of its event, past ones too."""

    held: int = 0
    sold: int = 0
    blocked: int = 0
    waiting: int = 0

    @property
    def by_buyers(self) -> bool:
        return self.held + self.sold + self.waiting > 0

    @property
    def at_all(self) -> bool:
        return self.by_buyers or self.blocked > 0


async def insert_categories(
    connection: AsyncConnection,
    event_id: UUID,
    planned: Sequence[PlannedCategory],
    first_rank: int = 0,
) -> tuple[CategoryPlaces, ...]:
    """Insert the categories in this order, which is the order lists show them in."""
    if not planned:
        return ()
    places = tuple(
        CategoryPlaces(new_id(), category.capacity, category.sections, category.areas)
        for category in planned
    )
    await connection.execute(
        categories.insert(),
        [
            {"id": place.id, "event_id": event_id, "rank": rank, **_values(category)}
            for rank, (place, category) in enumerate(
                zip(places, planned, strict=True), start=first_rank
            )
        ],
    )
    return places


async def update_category(
    connection: AsyncConnection, category_id: UUID, planned: PlannedCategory
) -> None:
    """Write the category anew, with its rank as it is."""
    await connection.execute(
        categories.update().where(categories.c.id == category_id).values(**_values(planned))
    )


async def update_places(connection: AsyncConnection, places: Sequence[CategoryPlaces]) -> None:
    """Write where categories have their places, and how many."""
    for place in places:
        await connection.execute(
            categories.update()
            .where(categories.c.id == place.id)
            .values(
                capacity=place.capacity,
                sections=_list(place.sections),
                areas=_list(place.areas),
            )
        )


async def update_ranks(connection: AsyncConnection, category_ids: Sequence[UUID]) -> None:
    """Put the categories into this order."""
    if category_ids:
        ranks = {category_id: rank for rank, category_id in enumerate(category_ids)}
        await connection.execute(
            categories.update()
            .where(categories.c.id.in_(category_ids))
            .values(rank=sa.case(ranks, value=categories.c.id))
        )


async def delete_category(connection: AsyncConnection, category_id: UUID) -> None:
    """Take a category off, of which nobody has a place; no showtime has room in it any more.

    Its row stays for what was sold in it once. Without capacity the database itself refuses
    whoever would sell in it after all.
    """
    occupied = allotments.c.held + allotments.c.sold + allotments.c.blocked
    await connection.execute(
        allotments.update()
        # Deleted showtimes may still have blocked seats, which nobody sees any more.
        .where(allotments.c.category_id == category_id, occupied == 0)
        .values(capacity=0)
    )
    await connection.execute(
        categories.update()
        .where(categories.c.id == category_id)
        .values(deleted_at=sa.func.clock_timestamp())
    )


async def categories_of(connection: AsyncConnection, event_id: UUID) -> list[CategoryState]:
    """The categories of an event in their order."""
    statement = (
        sa.select(
            categories.c.id,
            categories.c.name,
            categories.c.price,
            categories.c.capacity,
            categories.c.sections,
            categories.c.areas,
            categories.c.benefits,
            categories.c.rank,
        )
        .where(categories.c.event_id == event_id, categories.c.deleted_at.is_(None))
        .order_by(categories.c.rank, categories.c.id)
    )
    return [
        CategoryState(
            row.id,
            row.name,
            row.price,
            row.capacity,
            _tuple(row.sections),
            _tuple(row.areas),
            tuple(row.benefits),
            row.rank,
        )
        for row in await connection.execute(statement)
    ]


async def coming_showtimes(connection: AsyncConnection, event_id: UUID) -> list[Coming]:
    """The showtimes at which something can still be sold, in the order of their ids."""
    statement = (
        sa.select(showtimes.c.id, showtimes.c.seat_map_id)
        .where(
            showtimes.c.event_id == event_id,
            showtimes.c.status == "scheduled",
            showtimes.c.deleted_at.is_(None),
            showtimes.c.ends_at > sa.func.clock_timestamp(),
        )
        .order_by(showtimes.c.id)
    )
    return [Coming(*row) for row in await connection.execute(statement)]


async def taken(connection: AsyncConnection, event_id: UUID) -> dict[UUID, Taken]:
    """What is taken of each category, for whoever holds the locks of the event's showtimes."""
    counters = (
        allotments.c.held,
        allotments.c.sold,
        allotments.c.blocked,
        allotments.c.waiting,
    )
    statement = (
        sa.select(allotments.c.category_id, *(sa.func.sum(counter) for counter in counters))
        .join(showtimes, showtimes.c.id == allotments.c.showtime_id)
        .where(showtimes.c.event_id == event_id, showtimes.c.deleted_at.is_(None))
        .group_by(allotments.c.category_id)
    )
    return {row[0]: Taken(*map(int, row[1:])) for row in await connection.execute(statement)}


async def add_allotments(
    connection: AsyncConnection, category_id: UUID, capacities: Mapping[UUID, int]
) -> None:
    """Let a new category be sold at showtimes, each with its capacity."""
    if capacities:
        await connection.execute(
            allotments.insert(),
            [
                {"showtime_id": showtime_id, "category_id": category_id, "capacity": capacity}
                for showtime_id, capacity in capacities.items()
            ],
        )


def _values(category: PlannedCategory) -> dict[str, Any]:
    return {
        "name": category.name,
        "price": category.price,
        "capacity": category.capacity,
        "sections": _list(category.sections),
        "areas": _list(category.areas),
        "benefits": list(category.benefits),
    }


def _list(names: tuple[str, ...] | None) -> list[str] | None:
    return None if names is None else list(names)


def _tuple(names: Any) -> tuple[str, ...] | None:
    return None if names is None else tuple(names)
