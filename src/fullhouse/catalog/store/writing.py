"""Writes events, categories and showtimes with the counters that selling starts from."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert as pg_insert
from sqlalchemy.ext.asyncio import AsyncConnection

from fullhouse.accounts.tables import organizations
from fullhouse.catalog.drafts import EventDraft, ShowDraft
from fullhouse.catalog.planning import CategoryPlaces, PlannedCategory
from fullhouse.catalog.tables import (
    allotments,
    categories,
    events,
    inventories,
    shows,
    showtimes,
)
from fullhouse.kit.ids import new_id


@dataclass(frozen=True, slots=True)
class EventState:
    """What commands must know of an event that exists."""

    id: UUID
    organization_id: UUID
    status: str
    venue_id: UUID | None
    hall_id: UUID | None
    duration_minutes: int | None
    categories: tuple[CategoryPlaces, ...]


@dataclass(frozen=True, slots=True)
class NewShowtime:
    """A showtime to insert, with the capacity of each category."""

    id: UUID
    hall_id: UUID | None
    seat_map_id: UUID | None
    starts_at: datetime
    ends_at: datetime
    busy_until: datetime  # when its hall can be used again
    capacities: Mapping[UUID, int]


async def organization_exists(connection: AsyncConnection, organization_id: UUID) -> bool:
    """Whether there is such an organization."""
    statement = sa.select(sa.exists().where(organizations.c.id == organization_id))
    return bool((await connection.execute(statement)).scalar_one())


async def find_show_duration(
    connection: AsyncConnection, show_id: UUID, organization_id: UUID
) -> tuple[int | None] | None:
    """The duration of a show of this organization, in a tuple; None where there is no such show."""
    statement = sa.select(shows.c.duration_minutes).where(
        shows.c.id == show_id, shows.c.organization_id == organization_id
    )
    row = (await connection.execute(statement)).first()
    return None if row is None else (row[0],)


async def insert_show(
    connection: AsyncConnection,
    organization_id: UUID,
    title: str,
    description: str,
    show: ShowDraft,
) -> UUID:
    """Write a new show; answers its id."""
    show_id = new_id()
    await connection.execute(
        shows.insert().values(
            id=show_id,
            organization_id=organization_id,
            kind=show.kind,
            title=title,
            description=description,
            duration_minutes=show.duration_minutes,
            genre=show.genre,
            language=show.language,
            age_rating=show.age_rating,
        )
    )
    return show_id


async def slugs_taken(connection: AsyncConnection, slug: str) -> set[str]:
    """This slug and its numbered variants, as far as events have them."""
    statement = sa.select(events.c.slug).where(
        sa.or_(events.c.slug == slug, events.c.slug.regexp_match(f"^{slug}-[0-9]+$"))
    )
    return set((await connection.execute(statement)).scalars())


async def insert_event(
    connection: AsyncConnection,
    draft: EventDraft,
    *,
    event_id: UUID,
    slug: str,
    show_id: UUID,
    organization_id: UUID,
    venue_id: UUID | None,
    timezone: str,
) -> bool:
    """False when another event has taken the slug in the meantime."""
    statement = (
        pg_insert(events)
        .values(
            id=event_id,
            organization_id=organization_id,
            show_id=show_id,
            slug=slug,
            title=draft.title.strip(),
            description=draft.description,
            status="published" if draft.publish else "draft",
            currency=draft.currency,
            venue_id=venue_id,
            hall_id=draft.hall_id,
            location=draft.location,
            timezone=timezone,
            policy=msgspec.to_builtins(draft.policy),
            sales_open_at=draft.sales_open_at,
            sales_close_at=draft.sales_close_at,
            published_at=sa.func.clock_timestamp() if draft.publish else None,
        )
        .on_conflict_do_nothing(index_elements=["slug"])
        .returning(events.c.id)
    )
    return (await connection.execute(statement)).first() is not None


async def insert_categories(
    connection: AsyncConnection, event_id: UUID, planned: Sequence[PlannedCategory]
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
            {
                "id": place.id,
                "event_id": event_id,
                "name": category.name,
                "price": category.price,
                "capacity": category.capacity,
                "sections": _list(category.sections),
                "areas": _list(category.areas),
                "benefits": list(category.benefits),
                "rank": rank,
            }
            for rank, (place, category) in enumerate(zip(places, planned, strict=True))
        ],
    )
    return places


async def insert_showtimes(
    connection: AsyncConnection, event_id: UUID, new: Sequence[NewShowtime]
) -> None:
    """Insert showtimes, each with the inventory row that selling locks and its counters."""
    await connection.execute(
        showtimes.insert(),
        [
            {
                "id": showtime.id,
                "event_id": event_id,
                "hall_id": showtime.hall_id,
                "seat_map_id": showtime.seat_map_id,
                "status": "scheduled",
                "starts_at": showtime.starts_at,
                "ends_at": showtime.ends_at,
                "busy_until": showtime.busy_until,
            }
            for showtime in new
        ],
    )
    await connection.execute(
        inventories.insert(), [{"showtime_id": showtime.id} for showtime in new]
    )
    counters = [
        {"showtime_id": showtime.id, "category_id": category_id, "capacity": capacity}
        for showtime in new
        for category_id, capacity in showtime.capacities.items()
    ]
    if counters:
        await connection.execute(allotments.insert(), counters)


async def lock_event(connection: AsyncConnection, event_id: UUID) -> EventState | None:
    """The event as it stands until our commit: nobody else changes it meanwhile."""
    statement = (
        sa.select(
            events.c.id,
            events.c.organization_id,
            events.c.status,
            events.c.venue_id,
            events.c.hall_id,
            shows.c.duration_minutes,
        )
        .join(shows, shows.c.id == events.c.show_id)
        .where(events.c.id == event_id)
        .with_for_update(of=events, key_share=True)
    )
    row = (await connection.execute(statement)).first()
    if row is None:
        return None
    # Only now, under the lock: the statement above saw the event as of before it waited.
    return EventState(*row, await _category_places(connection, event_id))


async def publish(connection: AsyncConnection, event_id: UUID) -> None:
    """Put an event on sale; the terms of all its showtimes are new ones from here on."""
    await connection.execute(
        events.update()
        .where(events.c.id == event_id)
        .values(
            status="published",
            published_at=sa.func.coalesce(events.c.published_at, sa.func.clock_timestamp()),
        )
    )
    await touch_terms(connection, event_id)


async def end_events_of(connection: AsyncConnection, organization_id: UUID) -> list[UUID]:
    """End all events of an organization that are on sale; answers which.

    Their showtimes stay locked against the selling core until the transaction ends.
    """
    ended = await connection.execute(
        events.update()
        .where(events.c.organization_id == organization_id, events.c.status == "published")
        .values(status="ended")
        .returning(events.c.id)
    )
    event_ids = list(ended.scalars())
    await touch_terms(connection, *event_ids)
    return event_ids


async def touch_terms(connection: AsyncConnection, *event_ids: UUID) -> None:
    """Tell the selling core that what it knows of these events' showtimes is out of date."""
    # In the selling core's own order of locks, so that the two never wait for each other.
    locked = (
        sa.select(inventories.c.showtime_id)
        .join(showtimes, showtimes.c.id == inventories.c.showtime_id)
        .where(showtimes.c.event_id.in_(event_ids))
        .order_by(inventories.c.showtime_id)
        .with_for_update(of=inventories)
        .cte("locked")
    )
    await connection.execute(
        inventories.update()
        .where(inventories.c.showtime_id == locked.c.showtime_id)
        .values(revision=inventories.c.revision + 1)
    )


async def showtime_ids(connection: AsyncConnection, event_id: UUID) -> list[UUID]:
    """All showtimes of an event."""
    statement = sa.select(showtimes.c.id).where(showtimes.c.event_id == event_id)
    return list((await connection.execute(statement)).scalars())


async def _category_places(
    connection: AsyncConnection, event_id: UUID
) -> tuple[CategoryPlaces, ...]:
    statement = (
        sa.select(categories.c.id, categories.c.capacity, categories.c.sections, categories.c.areas)
        .where(categories.c.event_id == event_id)
        .order_by(categories.c.rank, categories.c.id)
    )
    return tuple(
        CategoryPlaces(row[0], row[1], _tuple(row[2]), _tuple(row[3]))
        for row in await connection.execute(statement)
    )


def _list(names: tuple[str, ...] | None) -> list[str] | None:
    return None if names is None else list(names)


def _tuple(names: Any) -> tuple[str, ...] | None:
    return None if names is None else tuple(names)
