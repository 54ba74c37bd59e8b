"""Writes events and their categories."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import msgspec
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert as pg_insert
from sqlalchemy.ext.asyncio import AsyncConnection

from fullhouse.accounts.tables import organizations
from fullhouse.catalog.drafts import EventDraft
from fullhouse.catalog.planning import CategoryPlaces, PlannedCategory
from fullhouse.catalog.store.showtime_writes import touch_terms
from fullhouse.catalog.tables import (
    categories,
    events,
    shows,
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


async def organization_exists(connection: AsyncConnection, organization_id: UUID) -> bool:
    """Whether there is such an organization."""
    statement = sa.select(sa.exists().where(organizations.c.id == organization_id))
    return bool((await connection.execute(statement)).scalar_one())


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
