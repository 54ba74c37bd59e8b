"""Which venues everybody may see, because of what is on there: ``venues.shown_until``.

The venues are below the catalogue and know nothing of events. So the catalogue, which does, writes
down at the venue to when its public events go on, in the transaction that changes any of them:
reading a list of venues then asks one column and no event.
"""

from collections.abc import Collection
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import TIMESTAMP
from sqlalchemy.ext.asyncio import AsyncConnection

from fullhouse.catalog.tables import event_listings, events
from fullhouse.kit.listener import notify
from fullhouse.venues.tables import venues


async def lock_venues_of(connection: AsyncConnection, event_ids: Collection[UUID]) -> list[UUID]:
    """The venues where these events are, or were before the change at hand, locked.

    Each statement from here on sees what others have committed about these venues and what is on
    there, and nobody else writes it until our commit.
    """
    concerned = sa.union(
        sa.select(events.c.venue_id).where(events.c.id.in_(event_ids)),
        sa.select(event_listings.c.venue_id).where(event_listings.c.event_id.in_(event_ids)),
    ).subquery()
    locked = await connection.execute(
        sa.select(venues.c.id)
        .where(venues.c.id.in_(sa.select(concerned.c.venue_id)))
        # Always in the same order, so that two who lock several never wait for each other.
        .order_by(venues.c.id)
        .with_for_update(key_share=True)
    )
    return list(locked.scalars())


async def refresh(connection: AsyncConnection, venue_ids: Collection[UUID]) -> None:
    """Bring ``shown_until`` of these locked venues up to date, after their events' listings."""
    if not venue_ids:
        return
    on_sale = sa.case(
        (events.c.status == "published", event_listings.c.last_ends_at),
        else_=sa.literal_column("'-infinity'", TIMESTAMP(timezone=True)),
    )
    until = (
        sa.select(sa.func.max(on_sale))
        .select_from(events)
        .join(event_listings, event_listings.c.event_id == events.c.id)
        .where(
            events.c.venue_id == venues.c.id,
            events.c.deleted_at.is_(None),
            # A draft that was cancelled has never been shown to anybody.
            events.c.published_at.is_not(None),
            events.c.status != "draft",
        )
        .correlate(venues)
        .scalar_subquery()
    )
    changed = await connection.execute(
        venues.update()
        .where(venues.c.id.in_(venue_ids), venues.c.shown_until.is_distinct_from(until))
        .values(shown_until=until)
        .returning(venues.c.id)
    )
    tags = [f"venue:{venue_id}" for venue_id in changed.scalars()]
    if tags:
        await notify(connection, "venues", *tags)
