"""Pictures for screens, and for the domains that show them."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from fullhouse.api.errors import FORBIDDEN, NOT_FOUND
from fullhouse.api.pagination import Slice, encode_cursor, position_in
from fullhouse.api.permissions import Permission
from fullhouse.api.principal import Principal, require
from fullhouse.kit.db import Database
from fullhouse.kit.errors import Refused
from fullhouse.media import store
from fullhouse.media.rules import Variant, name_of
from fullhouse.media.schemas import MediaView, media_view
from fullhouse.media.store import NOBODY, Makers, MediaRow


@dataclass(frozen=True, slots=True)
class Found:
    """Part of a list of pictures; ``total`` where the part was asked for by page."""

    items: list[MediaRow]
    next_cursor: str | None
    total: int | None


async def check_usable(
    connection: AsyncConnection, media_ids: Sequence[UUID], organization_id: UUID | None
) -> list[UUID]:
    """Those of the ids that the organization may not use, each once and in the order given.

    They are unknown, deleted, failed, or another organization's. What belongs to the platform
    (``organization_id`` NULL) may be used by all; the platform uses its own only.
    """
    return await store.unusable(connection, media_ids, organization_id) if media_ids else []


async def views(
    connection: AsyncConnection, media_ids: Sequence[UUID], makers: Makers = NOBODY
) -> dict[UUID, MediaView]:
    """The pictures that can be shown, by id: those that are ready, and not deleted.

    Those of the ``makers``' organizations are shown while they are being processed too. An answer
    that shows pictures is kept with the tag ``media``: it is notified when one is ready, described
    anew or deleted.
    """
    if not media_ids:
        return {}
    return {row.id: media_view(row) for row in await store.shown(connection, media_ids, makers)}


async def picture(database: Database, principal: Principal, media_id: UUID) -> MediaRow:
    """A picture in any state, for who may use it. Raises Refused: NOT_FOUND."""
    async with database.read() as connection:
        row = await store.find(connection, media_id)
    if row is None or not may_see(principal, row):
        raise Refused(NOT_FOUND)
    return row


async def pictures(
    database: Database, principal: Principal, part: Slice, *, organization_id: UUID | None = None
) -> Found:
    """Part of the pictures that the caller may use, in any state, the newest first.

    Without an organization those of all that are the caller's, and the platform's.
    Raises Refused: FORBIDDEN.
    """
    mine = principal.organizations_with(Permission.EVENTS_READ)
    if organization_id is not None:
        require(principal, Permission.EVENTS_READ, organization_id)
        mine = frozenset({organization_id})
    if mine is not None and not mine:
        raise Refused(FORBIDDEN)
    conditions = []
    if mine is not None:
        conditions.append(store.of_organizations(mine, platforms_too=organization_id is None))
    async with database.read() as connection:
        total = None
        if part.offset is not None:
            total = await store.count_media(connection, conditions)
        if part.after is not None:
            (last,) = position_in(part.after, tuple[UUID])
            conditions.append(store.before(last))
        rows = await store.list_media(connection, conditions, part.limit + 1, part.offset or 0)
    following = None
    if len(rows) > part.limit:
        rows.pop()
        following = encode_cursor((str(rows[-1].id),))
    return Found(rows, following, total)


async def variant(database: Database, media_id: UUID, name: str) -> Variant:
    """The variant of this name of a picture that everybody may see. Raises Refused: NOT_FOUND."""
    async with database.read() as connection:
        rows = await store.shown(connection, [media_id])
    for one in rows[0].variants if rows else ():
        if name_of(one.format, one.width) == name:
            return one
    raise Refused(NOT_FOUND)


def may_see(principal: Principal, row: MediaRow) -> bool:
    """Whether the caller may know of a picture: it is the platform's, or their organization's."""
    if row.organization_id is None:
        return True
    return any(
        principal.may(permission, row.organization_id)
        for permission in (Permission.EVENTS_READ, Permission.EVENTS_WRITE)
    )
