"""Reads and writes pictures."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from fullhouse.media.rules import Variant
from fullhouse.media.tables import media

# Of which organizations somebody is also shown what is still being processed; None for all.
Makers = frozenset[UUID] | None
NOBODY: Makers = frozenset()


@dataclass(frozen=True, slots=True)
class MediaRow:
    """A picture; one without an organization is the platform's."""

    id: UUID
    organization_id: UUID | None
    status: str
    content_type: str
    width: int
    height: int
    alt: str
    variants: list[Variant]
    failure: str | None
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Upload:
    """A picture as it comes in."""

    id: UUID
    organization_id: UUID | None
    uploaded_by: UUID
    content_type: str
    size: int
    sha256: bytes
    width: int
    height: int
    alt: str


@dataclass(frozen=True, slots=True)
class Claim:
    """Work on a picture that is somebody's until a time; the time tells it from a later claim."""

    media_id: UUID
    sha256: bytes
    attempts: int
    until: datetime


async def insert(connection: AsyncConnection, upload: Upload) -> bool:
    """False when the organization does not exist."""
    row = asdict(upload)
    row |= {"status": "processing", "bytes": row.pop("size")}
    try:
        async with connection.begin_nested():
            await connection.execute(media.insert().values(row))
    except IntegrityError:
        return False
    return True


async def find(connection: AsyncConnection, media_id: UUID) -> MediaRow | None:
    """A picture, or None where there is none."""
    found = await _rows(connection, _MEDIA.where(media.c.id == media_id))
    return found[0] if found else None


async def lock(connection: AsyncConnection, media_id: UUID) -> MediaRow | None:
    """The same, and whoever else changes it waits for our commit."""
    found = await _rows(connection, _MEDIA.where(media.c.id == media_id).with_for_update())
    return found[0] if found else None


async def unusable(
    connection: AsyncConnection, media_ids: Sequence[UUID], organization_id: UUID | None
) -> list[UUID]:
    """Those of the ids that name nothing this organization may show, in the order given."""
    found = await connection.execute(
        sa.select(media.c.id).where(
            media.c.id.in_(list(media_ids)),
            media.c.deleted_at.is_(None),
            media.c.status != "failed",
            sa.or_(media.c.organization_id.is_(None), media.c.organization_id == organization_id),
        )
    )
    usable = set(found.scalars())
    return [media_id for media_id in dict.fromkeys(media_ids) if media_id not in usable]


async def shown(
    connection: AsyncConnection, media_ids: Sequence[UUID], makers: Makers = NOBODY
) -> list[MediaRow]:
    """Those of the pictures that can be shown to these makers."""
    wanted = _MEDIA.where(media.c.id.in_(list(media_ids)), _is_shown(makers))
    return await _rows(connection, wanted)


def first_shown(
    media_ids: sa.ColumnElement[Sequence[UUID]], makers: Makers = NOBODY
) -> sa.ScalarSelect[UUID]:
    """The first picture of a row's ids that can be shown, as a column of a list of such rows."""
    wanted = sa.func.unnest(media_ids).table_valued("id", with_ordinality="place").render_derived()
    return (
        sa.select(media.c.id)
        .select_from(wanted.join(media, media.c.id == wanted.c.id))
        .where(media.c.deleted_at.is_(None), _is_shown(makers))
        .order_by(wanted.c.place)
        .limit(1)
        .scalar_subquery()
    )


def _is_shown(makers: Makers) -> sa.ColumnElement[bool]:
    ready = media.c.status == "ready"
    if makers is None:
        return media.c.status != "failed"
    unfinished = media.c.organization_id.in_(makers) & (media.c.status == "processing")
    return sa.or_(ready, unfinished) if makers else ready


async def list_media(
    connection: AsyncConnection,
    conditions: Sequence[sa.ColumnElement[bool]],
    limit: int,
    offset: int = 0,
) -> list[MediaRow]:
    """Pictures, the newest first."""
    statement = _MEDIA.where(*conditions).order_by(media.c.id.desc()).limit(limit).offset(offset)
    return await _rows(connection, statement)


async def count_media(
    connection: AsyncConnection, conditions: Sequence[sa.ColumnElement[bool]]
) -> int:
    """How many pictures meet the conditions."""
    statement = sa.select(sa.func.count()).where(media.c.deleted_at.is_(None), *conditions)
    return int((await connection.execute(statement)).scalar_one())


def of_organizations(
    organization_ids: frozenset[UUID], *, platforms_too: bool
) -> sa.ColumnElement[bool]:
    """Pictures of these organizations, and of the platform itself."""
    theirs = media.c.organization_id.in_(list(organization_ids))
    return sa.or_(theirs, media.c.organization_id.is_(None)) if platforms_too else theirs


def before(media_id: UUID) -> sa.ColumnElement[bool]:
    """Pictures behind this one in the order of :func:`list_media`."""
    return media.c.id < media_id


async def change_alt(connection: AsyncConnection, media_id: UUID, alt: str) -> None:
    """Describe a picture anew."""
    await connection.execute(media.update().where(media.c.id == media_id).values(alt=alt))


async def delete(connection: AsyncConnection, media_id: UUID) -> None:
    """Make a picture invisible; what the storage has of it is cleared away later."""
    gone = media.update().where(media.c.id == media_id)
    await connection.execute(gone.values(deleted_at=_NOW))


async def claim_processing(connection: AsyncConnection, length: timedelta) -> Claim | None:
    """Take the picture that has waited longest for its variants, if any waits."""
    waits = (media.c.status == "processing", media.c.deleted_at.is_(None))
    return await _claim(connection, waits, media.c.created_at, length)


async def claim_deleted(connection: AsyncConnection, length: timedelta) -> Claim | None:
    """Take a deleted picture of which the storage has something, if there is one."""
    waits = (media.c.deleted_at.is_not(None), media.c.cleared_at.is_(None))
    return await _claim(connection, waits, media.c.deleted_at, length)


async def give_back(
    connection: AsyncConnection, claim: Claim, *, pause: timedelta, counts: bool
) -> None:
    """Let others take it after the pause; the attempt counts or not."""
    attempts = media.c.attempts if counts else media.c.attempts - 1
    await connection.execute(_of(claim).values(claimed_until=_NOW + pause, attempts=attempts))


async def finish(connection: AsyncConnection, claim: Claim, variants: Sequence[Variant]) -> bool:
    """The picture can be shown; False when it is not the claimant's any more."""
    done = _of(claim).where(media.c.deleted_at.is_(None), media.c.status == "processing")
    values = {"status": "ready", "variants": [one._asdict() for one in variants]}
    result = await connection.execute(
        done.values(claimed_until=None, **values).returning(media.c.id)
    )
    return result.first() is not None


async def fail(connection: AsyncConnection, claim: Claim, failure: str) -> bool:
    """The picture cannot be shown; False when it is not the claimant's any more."""
    lost = _of(claim).where(media.c.deleted_at.is_(None), media.c.status == "processing")
    result = await connection.execute(
        lost.values(claimed_until=None, status="failed", failure=failure).returning(media.c.id)
    )
    return result.first() is not None


async def note_cleared(connection: AsyncConnection, claim: Claim) -> None:
    """The storage has nothing of it any more."""
    await connection.execute(_of(claim).values(claimed_until=None, cleared_at=_NOW))


async def processing(connection: AsyncConnection, media_ids: Sequence[UUID]) -> set[UUID]:
    """Those of the pictures whose uploads are still needed."""
    found = await connection.execute(
        sa.select(media.c.id).where(media.c.id.in_(list(media_ids)), media.c.status == "processing")
    )
    return set(found.scalars())


async def _claim(
    connection: AsyncConnection,
    waits: Sequence[sa.ColumnElement[bool]],
    order: sa.ColumnElement[Any],
    length: timedelta,
) -> Claim | None:
    free = sa.or_(media.c.claimed_until.is_(None), media.c.claimed_until <= _NOW)
    next_one = (
        sa.select(media.c.id)
        .where(*waits, free)
        .order_by(order)
        .limit(1)
        .with_for_update(skip_locked=True)
    )
    taken = await connection.execute(
        media.update()
        .where(media.c.id == next_one.scalar_subquery())
        .values(claimed_until=_NOW + length, attempts=media.c.attempts + 1)
        .returning(media.c.id, media.c.sha256, media.c.attempts, media.c.claimed_until)
    )
    row = taken.first()
    return None if row is None else Claim(*row)


def _of(claim: Claim) -> sa.Update:
    return media.update().where(media.c.id == claim.media_id, media.c.claimed_until == claim.until)


async def _rows(connection: AsyncConnection, statement: sa.Select[Any]) -> list[MediaRow]:
    found = []
    for row in await connection.execute(statement):
        values = row._asdict()
        values["variants"] = [Variant(**variant) for variant in values["variants"]]
        found.append(MediaRow(**values))
    return found


_NOW = sa.func.clock_timestamp(type_=sa.DateTime(timezone=True))

_MEDIA: sa.Select[Any] = sa.select(
    media.c.id,
    media.c.organization_id,
    media.c.status,
    media.c.content_type,
    media.c.width,
    media.c.height,
    media.c.alt,
    media.c.variants,
    media.c.failure,
    media.c.created_at,
).where(media.c.deleted_at.is_(None))
