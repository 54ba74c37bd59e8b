"""Which events somebody has marked as favourites."""

from collections.abc import Sequence
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from fullhouse.catalog.tables import favorites


async def has_favorite(connection: AsyncConnection, user_id: UUID, event_id: UUID) -> bool:
    """Whether the event is among the user's favourites."""
    found = await connection.execute(
        sa.select(favorites.c.event_id).where(
            favorites.c.user_id == user_id, favorites.c.event_id == event_id
        )
    )
    return found.one_or_none() is not None


async def count_favorites(connection: AsyncConnection, user_id: UUID) -> int:
    """How many favourites the user has."""
    counted = (
        sa.select(sa.func.count()).select_from(favorites).where(favorites.c.user_id == user_id)
    )
    return (await connection.execute(counted)).scalar_one()


async def add_favorite(connection: AsyncConnection, user_id: UUID, event_id: UUID) -> None:
    """Mark an event; marking it again changes nothing."""
    await connection.execute(
        insert(favorites).values(user_id=user_id, event_id=event_id).on_conflict_do_nothing()
    )


async def drop_favorite(connection: AsyncConnection, user_id: UUID, event_id: UUID) -> None:
    """Unmark an event, marked or not."""
    await connection.execute(
        favorites.delete().where(favorites.c.user_id == user_id, favorites.c.event_id == event_id)
    )


async def drop_favorites(connection: AsyncConnection, user_id: UUID) -> None:
    """Unmark all the events of a user."""
    await connection.execute(favorites.delete().where(favorites.c.user_id == user_id))


async def favorite_ids(connection: AsyncConnection, user_id: UUID) -> Sequence[UUID]:
    """All the events that the user has marked, visible or not, the first one first."""
    found = await connection.execute(
        sa.select(favorites.c.event_id)
        .where(favorites.c.user_id == user_id)
        .order_by(favorites.c.created_at, favorites.c.event_id)
    )
    return list(found.scalars())
