"""Writes shows."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from fullhouse.catalog.drafts import CastMember, ListedShow, ShowDraft
from fullhouse.catalog.tables import events, shows
from fullhouse.kit.ids import new_id
from fullhouse.kit.words import document_of

# Of long casts, so many characters of names are found though misspelt.
_MOST_NAMES = 2_000

# What an event that is not over yet, and not given up, can be.
_LIVE = ("draft", "published")


@dataclass(frozen=True, slots=True)
class ShowState:
    """What commands must know of a show that exists. ``public``: everybody may see it."""

    id: UUID
    organization_id: UUID
    public: bool
    title: str
    description: str
    draft: ShowDraft


async def find_show_duration(
    connection: AsyncConnection, show_id: UUID, organization_id: UUID
) -> tuple[int | None] | None:
    """The duration of a show of this organization, in a tuple; None where there is no such show.

    Until our commit nobody changes or deletes the show: an event may be made for it.
    """
    statement = (
        sa.select(shows.c.duration_minutes)
        .where(
            shows.c.id == show_id,
            shows.c.organization_id == organization_id,
            shows.c.deleted_at.is_(None),
        )
        .with_for_update(read=True)
    )
    row = (await connection.execute(statement)).first()
    return None if row is None else (row[0],)


async def insert_show(
    connection: AsyncConnection,
    organization_id: UUID,
    title: str,
    description: str,
    show: ShowDraft,
    event_id: UUID,
) -> UUID:
    """Write a new show for an event that is about to be made; answers its id."""
    (show_id,) = await insert_shows(
        connection, organization_id, [ListedShow(title, description, show)], event_id
    )
    return show_id


async def insert_shows(
    connection: AsyncConnection,
    organization_id: UUID,
    new: Sequence[ListedShow],
    made_for: UUID | None = None,
) -> list[UUID]:
    """Write new shows; answers their ids in the same order."""
    rows = [
        {
            "id": new_id(),
            "organization_id": organization_id,
            "made_for": made_for,
            "title": listed.title,
            "description": listed.description,
            **_columns(listed.show),
            **_typed(listed.title, listed.description, listed.show),
        }
        for listed in new
    ]
    if rows:
        await connection.execute(shows.insert().values(**_SEARCHED), rows)
    return [row["id"] for row in rows]


async def lock_show(connection: AsyncConnection, show_id: UUID) -> ShowState | None:
    """The show as it stands until our commit: nobody changes it, and no new event puts it on."""
    locked = sa.select(shows).where(shows.c.id == show_id, shows.c.deleted_at.is_(None))
    row = (await connection.execute(locked.with_for_update())).first()
    if row is None:
        return None
    # Only now, under the lock: the statement above saw the events as of before it waited.
    put_on = sa.exists().where(
        events.c.show_id == show_id,
        events.c.status.in_(("published", "ended")),
        events.c.deleted_at.is_(None),
    )
    seen = bool((await connection.execute(sa.select(put_on))).scalar_one())
    public = row.announced or seen
    return ShowState(row.id, row.organization_id, public, row.title, row.description, _draft(row))


async def update_show(
    connection: AsyncConnection, show_id: UUID, title: str, description: str, show: ShowDraft
) -> None:
    """Write a show anew; the lists that its events stand in hear of it by ``changed_at``."""
    await connection.execute(
        shows.update()
        .where(shows.c.id == show_id)
        .values(
            title=title,
            description=description,
            changed_at=sa.func.clock_timestamp(),
            made_for=None,
            **_columns(show),
            **_SEARCHED,
        ),
        _typed(title, description, show),
    )


async def delete_show(connection: AsyncConnection, show_id: UUID) -> None:
    """Take a show out of everybody's sight."""
    await connection.execute(
        shows.update()
        .where(shows.c.id == show_id)
        .values(deleted_at=sa.func.clock_timestamp(), changed_at=sa.func.clock_timestamp())
    )


async def hide_announced(connection: AsyncConnection, organization_id: UUID) -> list[UUID]:
    """Take back what an organization announced; answers which shows."""
    hidden = await connection.execute(
        shows.update()
        .where(shows.c.organization_id == organization_id, shows.c.announced)
        .values(announced=False)
        .returning(shows.c.id)
    )
    return list(hidden.scalars())


async def lock_made_for(connection: AsyncConnection, event_id: UUID) -> UUID | None:
    """The show that was made together with this event, and not changed since, locked."""
    statement = sa.select(shows.c.id).where(
        shows.c.id == sa.select(events.c.show_id).where(events.c.id == event_id).scalar_subquery(),
        shows.c.made_for == event_id,
        shows.c.deleted_at.is_(None),
    )
    return (await connection.execute(statement.with_for_update(of=shows))).scalar_one_or_none()


async def has_events(connection: AsyncConnection, show_id: UUID) -> bool:
    """Whether any event puts a locked show on, over or not."""
    found = sa.exists().where(events.c.show_id == show_id, events.c.deleted_at.is_(None))
    return bool((await connection.execute(sa.select(found))).scalar_one())


async def lock_events_of(connection: AsyncConnection, show_id: UUID) -> list[UUID]:
    """The events that put a show on, the oldest first; nobody changes them until our commit."""
    statement = (
        sa.select(events.c.id)
        .where(events.c.show_id == show_id, events.c.deleted_at.is_(None))
        .order_by(events.c.id)
        .with_for_update(key_share=True)
    )
    return list((await connection.execute(statement)).scalars())


async def live_events_of(connection: AsyncConnection, show_id: UUID, most: int) -> list[UUID]:
    """Those of them that are neither over nor cancelled; at most so many."""
    statement = (
        sa.select(events.c.id)
        .where(
            events.c.show_id == show_id,
            events.c.deleted_at.is_(None),
            events.c.status.in_(_LIVE),
        )
        .order_by(events.c.id)
        .limit(most)
    )
    return list((await connection.execute(statement)).scalars())


def _columns(show: ShowDraft) -> dict[str, Any]:
    return {
        "kind": show.kind,
        "duration_minutes": show.duration_minutes,
        "genre": show.genre,
        "language": show.language,
        "age_rating": show.age_rating,
        "released_on": show.released_on,
        "ends_on": show.ends_on,
        "cast": [{"name": one.name, "role": one.role} for one in show.cast],
        "trailers": list(show.trailers),
        "images": list(show.images),
        "announced": show.announced,
    }


def _typed(title: str, description: str, show: ShowDraft) -> dict[str, str]:
    """What ``_SEARCHED`` is made of."""
    names = " ".join(one.name for one in show.cast)
    roles = " ".join(one.role for one in show.cast)
    return {
        "typed_title": title,
        "typed_names": names[:_MOST_NAMES],
        "typed_words": f"{show.genre or ''} {names} {roles}",
        "typed_text": description,
    }


def _typed_column(name: str) -> sa.ColumnElement[str]:
    return sa.bindparam(name, type_=sa.Text)


# The columns in which shows are searched, as event_listings_v2.sql makes those of events.
_SEARCHED = {
    "words": sa.func.lower(
        sa.func.unaccent(
            sa.func.concat_ws(
                " ",
                _typed_column("typed_title"),
                sa.func.nullif(_typed_column("typed_names"), ""),
            )
        )
    ),
    "document": document_of(
        _typed_column("typed_title"), _typed_column("typed_words"), _typed_column("typed_text")
    ),
}


def _draft(row: sa.Row[Any]) -> ShowDraft:
    return ShowDraft(
        kind=row.kind,
        duration_minutes=row.duration_minutes,
        genre=row.genre,
        language=row.language,
        age_rating=row.age_rating,
        released_on=row.released_on,
        ends_on=row.ends_on,
        cast=tuple(CastMember(one["name"], one["role"]) for one in row.cast),
        trailers=tuple(row.trailers),
        images=tuple(row.images),
        announced=row.announced,
    )
