"""Rows for tests that sell: an event with its categories and showtimes, without the catalogue."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec

from fullhouse.bookings.core.commands import Reserve, Staff
from fullhouse.catalog.rules import CategoryTerms, Policy, SaleTerms
from fullhouse.kit.db import RawConnection
from fullhouse.kit.ids import new_code, new_id
from fullhouse.venues.building import build
from fullhouse.venues.layout import Layout, RowLayout, SeatLayout, SectionLayout, StandingLayout
from fullhouse.venues.seatmap import SeatMap

STAFF = Staff("user", new_id(), "192.0.2.1", "a-request")


@dataclass
class Seating:
    """Seats of one section, in order."""

    section: str
    seats: list[UUID]


def sale_terms(
    categories: list[CategoryTerms], policy: Policy | None = None, **changes: object
) -> SaleTerms:
    """Terms of a showtime in ten days that is on sale, at revision 0."""
    terms = SaleTerms(
        showtime_id=new_id(),
        revision=0,
        event_id=new_id(),
        organization_id=new_id(),
        title="A Play",
        currency="USD",
        public=True,
        on_sale=True,
        sales_open_at=None,
        sales_close_at=datetime.now(UTC) + timedelta(days=10),
        starts_at=datetime.now(UTC) + timedelta(days=10),
        ends_at=datetime.now(UTC) + timedelta(days=10, hours=2),
        timezone="UTC",
        seat_map_id=None,
        policy=policy or Policy(),
        categories={category.id: category for category in categories},
    )
    return msgspec.structs.replace(terms, **changes)


def counted(
    price: int = 5_000, name: str = "General", areas: tuple[str, ...] | None = None
) -> CategoryTerms:
    return CategoryTerms(new_id(), name, price, None, areas)


def seated(section: str = "Main", price: int = 7_000) -> CategoryTerms:
    return CategoryTerms(new_id(), section, price, (section,))


async def add_user(connection: RawConnection) -> UUID:
    """A buyer; answers the id."""
    user_id = new_id()
    await connection.execute(
        "INSERT INTO users (id, name, email, role) VALUES ($1, 'Buyer', $2, 'USER')",
        user_id,
        f"{user_id}@example.org",
    )
    return user_id


async def add_showtime(
    connection: RawConnection, terms: SaleTerms, capacities: dict[UUID, int]
) -> None:
    """Store what the terms say, with an allotment for each category."""
    await connection.execute(
        "INSERT INTO organizations (id, name) VALUES ($1, 'House') ON CONFLICT DO NOTHING",
        terms.organization_id,
    )
    show_id = uuid.uuid5(terms.event_id, "show")
    await connection.execute(
        "INSERT INTO shows (id, organization_id, kind, title) VALUES ($1, $2, 'play', $3)"
        " ON CONFLICT DO NOTHING",
        show_id,
        terms.organization_id,
        terms.title,
    )
    await connection.execute(
        """INSERT INTO events (
            id, organization_id, show_id, slug, title, status, currency, timezone, policy,
            sales_open_at, sales_close_at
        ) VALUES ($1, $2, $3, $4, $5, $6, $7, 'UTC', $8, $9, $10) ON CONFLICT DO NOTHING""",
        terms.event_id,
        terms.organization_id,
        show_id,
        str(terms.event_id),
        terms.title,
        "published" if terms.on_sale else "draft",
        terms.currency,
        msgspec.json.encode(terms.policy).decode(),
        terms.sales_open_at,
        terms.sales_close_at,
    )
    await connection.execute(
        """INSERT INTO showtimes (id, event_id, hall_id, seat_map_id, status, starts_at, ends_at)
        VALUES ($1, $2, $3, $4, 'scheduled', $5, $6)""",
        terms.showtime_id,
        terms.event_id,
        terms.hall_id,
        terms.seat_map_id,
        terms.starts_at,
        terms.ends_at,
    )
    await connection.execute("INSERT INTO inventories (showtime_id) VALUES ($1)", terms.showtime_id)
    for rank, category in enumerate(terms.categories.values()):
        await connection.execute(
            """INSERT INTO categories (id, event_id, name, price, capacity, sections, rank, areas)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT DO NOTHING""",
            category.id,
            terms.event_id,
            category.name,
            category.price,
            capacities[category.id],
            None if category.sections is None else list(category.sections),
            rank,
            None if category.areas is None else list(category.areas),
        )
        await connection.execute(
            "INSERT INTO allotments (showtime_id, category_id, capacity) VALUES ($1, $2, $3)",
            terms.showtime_id,
            category.id,
            capacities[category.id],
        )


def hall_map(
    hall_id: UUID,
    section: str,
    seats: Sequence[tuple[str, int]],
    areas: Mapping[str, int],
    version: int = 1,
) -> SeatMap:
    """A version of a hall's seat map: these rows and numbers of one section, which may be none."""
    names = dict.fromkeys(row for row, _ in seats)
    rows = [
        RowLayout(name, [SeatLayout(number, number, 0) for row, number in seats if row == name])
        for name in names
    ]
    layout = Layout(
        sections=[SectionLayout(section, rows)] if rows else [],
        standing=[StandingLayout(name, size) for name, size in areas.items()],
    )
    return build(layout, seat_map_id=new_id(), hall_id=hall_id, version=version)


async def add_hall(connection: RawConnection, maps: Sequence[SeatMap]) -> None:
    """Store a hall with the rows of its seat maps; their layouts are left empty."""
    venue_id, hall_id = new_id(), maps[0].hall_id
    await connection.execute(
        "INSERT INTO venues (id, name, city, country, timezone)"
        " VALUES ($1, 'House', 'Bern', 'CH', 'UTC')",
        venue_id,
    )
    await connection.execute(
        "INSERT INTO halls (id, venue_id, name) VALUES ($1, $2, 'Hall')", hall_id, venue_id
    )
    await connection.executemany(
        "INSERT INTO seat_maps (id, hall_id, version, layout, seat_count)"
        " VALUES ($1, $2, $3, '{}', $4)",
        [(one.id, hall_id, one.version, len(one.seats)) for one in maps],
    )


class Shop:
    """A stored showtime with one counted category, and a buyer."""

    def __init__(self, terms: SaleTerms, category_id: UUID, user_id: UUID) -> None:
        self.terms = terms
        self.id = terms.showtime_id
        self.category_id = category_id
        self._user_id = user_id

    def order(self, quantity: int = 1, **changes: Any) -> Reserve:
        """A command of the buyer's, new each time."""
        command = Reserve(
            self.id, new_id(), self._user_id, new_code(), ((self.category_id, quantity),)
        )
        return msgspec.structs.replace(command, **changes)


async def open_shop(connection: RawConnection, capacity: int) -> Shop:
    """A shop that sells that many places."""
    category = counted()
    terms = sale_terms([category])
    await add_showtime(connection, terms, {category.id: capacity})
    return Shop(terms, category.id, await add_user(connection))
