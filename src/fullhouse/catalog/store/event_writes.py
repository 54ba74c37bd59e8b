"""Writes events."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert as pg_insert
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from fullhouse.accounts.tables import organizations
from fullhouse.catalog.drafts import ShowtimeDraft
from fullhouse.catalog.planning import CategoryPlaces
from fullhouse.catalog.publishing import ForSale, Sitting
from fullhouse.catalog.rules import Policy
from fullhouse.catalog.store.showtime_writes import touch_terms
from fullhouse.catalog.store.showtimes import SECRET
from fullhouse.catalog.tables import (
    allotments,
    categories,
    events,
    inventories,
    shows,
    showtimes,
)
from fullhouse.venues.tables import venues


@dataclass(frozen=True, slots=True)
class EventState:
    """What commands must know of an event that exists. ``secret``: nobody was ever shown it."""

    id: UUID
    organization_id: UUID
    status: str
    secret: bool
    cancelled_at: datetime | None
    venue_id: UUID | None
    hall_id: UUID | None
    duration_minutes: int | None
    categories: tuple[CategoryPlaces, ...]


@dataclass(frozen=True, slots=True)
class EventValues:
    """What organizers set of an event, by the names of its columns."""

    show_id: UUID
    slug: str
    title: str
    description: str
    currency: str
    venue_id: UUID | None
    hall_id: UUID | None
    location: str | None
    timezone: str
    policy: Policy
    sales_open_at: datetime | None
    sales_close_at: datetime | None
    images: tuple[UUID, ...]


@dataclass(frozen=True, slots=True)
class VenueDefaults:
    """What the events at a venue take over where they say nothing themselves."""

    hold_seconds: int | None = None
    age_rating: str | None = None


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
    connection: AsyncConnection, event_id: UUID, organization_id: UUID, values: EventValues
) -> bool:
    """Write a new draft. False when another event has taken the slug in the meantime."""
    statement = (
        pg_insert(events)
        .values(
            id=event_id,
            organization_id=organization_id,
            status="draft",
            **{name: _stored(getattr(values, name)) for name in _VALUES},
        )
        .on_conflict_do_nothing(index_elements=["slug"])
        .returning(events.c.id)
    )
    return (await connection.execute(statement)).first() is not None


async def event_values(connection: AsyncConnection, event_id: UUID) -> EventValues:
    """What is set of an event, which the caller has locked."""
    columns = [events.c[name] for name in _VALUES]
    row = (await connection.execute(sa.select(*columns).where(events.c.id == event_id))).one()
    values = dict(row._mapping)
    values["policy"] = msgspec.convert(values["policy"], Policy)
    values["images"] = tuple(values["images"])
    return EventValues(**values)


async def update_event(
    connection: AsyncConnection, event_id: UUID, changes: Mapping[str, Any]
) -> bool:
    """Set what changes, by the names of EventValues. False when the slug is another event's."""
    stored = {name: _stored(value) for name, value in changes.items()}
    try:
        async with connection.begin_nested():
            await connection.execute(
                events.update().where(events.c.id == event_id).values(**stored)
            )
    except IntegrityError as error:
        if "slug" not in changes or "events_slug_key" not in str(error.orig):
            raise
        return False
    return True


async def venue_defaults(connection: AsyncConnection, venue_id: UUID | None) -> VenueDefaults:
    """What an event at this venue takes over."""
    statement = sa.select(venues.c.hold_seconds, venues.c.age_rating).where(venues.c.id == venue_id)
    row = (await connection.execute(statement)).first()
    return VenueDefaults() if row is None else VenueDefaults(*row)


async def for_sale(connection: AsyncConnection, event_id: UUID) -> ForSale:
    """What a locked event has to sell, as of now."""
    places = sa.exists().where(
        allotments.c.showtime_id == showtimes.c.id,
        allotments.c.capacity > 0,
    )
    coming = await connection.execute(
        sa.select(showtimes.c.id, showtimes.c.seat_map_id, showtimes.c.starts_at, places)
        .where(
            showtimes.c.event_id == event_id,
            showtimes.c.status == "scheduled",
            showtimes.c.deleted_at.is_(None),
            showtimes.c.ends_at > sa.func.clock_timestamp(),
        )
        .order_by(showtimes.c.starts_at, showtimes.c.id)
    )
    sittings = [Sitting(*row) for row in coming]
    event = (
        await connection.execute(
            sa.select(
                sa.func.clock_timestamp(),
                events.c.currency,
                events.c.sales_open_at,
                events.c.sales_close_at,
            ).where(events.c.id == event_id)
        )
    ).one()
    return ForSale(*event, await _category_places(connection, event_id), sittings)


async def has_showtimes(connection: AsyncConnection, event_id: UUID) -> bool:
    """Whether a locked event has any showtime, over or cancelled or still to come."""
    statement = sa.exists().where(
        showtimes.c.event_id == event_id, showtimes.c.deleted_at.is_(None)
    )
    return bool((await connection.execute(sa.select(statement))).scalar_one())


async def sittings_of(
    connection: AsyncConnection, event_id: UUID, limit: int
) -> list[tuple[ShowtimeDraft, dict[UUID, int]]]:
    """When and in which halls an event takes or took place, or would have but for its cancelling;
    without what was cancelled by itself. Each with its own prices, by category.
    """
    prices = (
        sa.select(sa.func.jsonb_object_agg(allotments.c.category_id, allotments.c.price))
        .where(allotments.c.showtime_id == showtimes.c.id, allotments.c.price.is_not(None))
        .scalar_subquery()
    )
    statement = (
        sa.select(showtimes.c.starts_at, showtimes.c.ends_at, showtimes.c.hall_id, prices)
        .join(events, events.c.id == showtimes.c.event_id)
        .where(
            events.c.id == event_id,
            sa.or_(
                showtimes.c.status == "scheduled",
                showtimes.c.cancelled_at >= events.c.cancelled_at,
            ),
            showtimes.c.deleted_at.is_(None),
        )
        .order_by(showtimes.c.starts_at, showtimes.c.id)
        .limit(limit)
    )
    return [
        (ShowtimeDraft(*times), {UUID(one): price for one, price in (own or {}).items()})
        for *times, own in await connection.execute(statement)
    ]


async def ever_held(connection: AsyncConnection, event_id: UUID) -> bool:
    """Whether places of the event were ever held, sold or changed in number.

    For whoever holds the locks of its showtimes: their versions rise with every such change.
    """
    statement = (
        sa.exists()
        .where(inventories.c.showtime_id == showtimes.c.id, inventories.c.version > 0)
        .where(showtimes.c.event_id == event_id)
    )
    return bool((await connection.execute(sa.select(statement))).scalar_one())


async def delete_event(connection: AsyncConnection, event_id: UUID) -> None:
    """Take an event away with its showtimes, whose halls are free again, and so is its slug.

    Its id, which nobody can choose for a slug, stands in for it.
    """
    now = sa.func.clock_timestamp()
    await connection.execute(
        showtimes.update()
        .where(showtimes.c.event_id == event_id, showtimes.c.deleted_at.is_(None))
        .values(deleted_at=now)
    )
    await connection.execute(
        events.update()
        .where(events.c.id == event_id)
        .values(deleted_at=now, slug=sa.cast(events.c.id, sa.Text))
    )


async def lock_event(connection: AsyncConnection, event_id: UUID) -> EventState | None:
    """The event as it stands until our commit: nobody else changes it meanwhile."""
    statement = (
        sa.select(
            events.c.id,
            events.c.organization_id,
            events.c.status,
            SECRET.label("secret"),
            events.c.cancelled_at,
            events.c.venue_id,
            events.c.hall_id,
            shows.c.duration_minutes,
        )
        .join(shows, shows.c.id == events.c.show_id)
        .where(events.c.id == event_id, events.c.deleted_at.is_(None))
        .with_for_update(of=events, key_share=True)
    )
    row = (await connection.execute(statement)).first()
    if row is None:
        return None
    # Only now, under the lock: the statement above saw the event as of before it waited.
    places = await _category_places(connection, event_id)
    return EventState(**row._mapping, categories=places)


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


async def unpublish(connection: AsyncConnection, event_id: UUID) -> None:
    """Make a draft of an event again; the caller has told the selling core (``touch_terms``)."""
    await connection.execute(
        events.update().where(events.c.id == event_id).values(status="draft", published_at=None)
    )


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
        .where(categories.c.event_id == event_id, categories.c.deleted_at.is_(None))
        .order_by(categories.c.rank, categories.c.id)
    )
    return tuple(
        CategoryPlaces(row[0], row[1], _tuple(row[2]), _tuple(row[3]))
        for row in await connection.execute(statement)
    )


def _stored(value: Any) -> Any:
    """A value as its column takes it."""
    if isinstance(value, Policy):
        return msgspec.to_builtins(value)
    return list(value) if isinstance(value, tuple) else value


def _tuple(names: Any) -> tuple[str, ...] | None:
    return None if names is None else tuple(names)


_VALUES = tuple(EventValues.__dataclass_fields__)
