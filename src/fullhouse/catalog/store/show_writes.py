"""Writes shows."""

from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from fullhouse.catalog.drafts import ShowDraft
from fullhouse.catalog.tables import (
    shows,
)
from fullhouse.kit.ids import new_id


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
