"""Taking pictures in, describing them, and deleting them."""

import contextlib
import hashlib
from uuid import UUID

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from fullhouse.api.audit import note
from fullhouse.api.errors import NOT_FOUND, VALIDATION_FAILED
from fullhouse.api.organizations import organization_for
from fullhouse.api.permissions import Permission
from fullhouse.api.principal import Principal, require
from fullhouse.kit.errors import FieldError, Refused
from fullhouse.kit.ids import new_id
from fullhouse.kit.listener import notify
from fullhouse.media import queries, store
from fullhouse.media.errors import (
    MEDIA_STORAGE_UNAVAILABLE,
    MEDIA_TOO_LARGE,
    MEDIA_TYPE_UNSUPPORTED,
)
from fullhouse.media.parts import Media
from fullhouse.media.rules import content_type_of, tags_of
from fullhouse.media.storage import StorageUnavailable, key_of_original

log = structlog.get_logger(__name__)

_RETRY_AFTER_SECONDS = 5


async def upload(
    media: Media, principal: Principal, data: bytes, *, alt: str, organization_id: UUID | None
) -> UUID:
    """Take a picture in; answers its id. Its variants are made soon after.

    It belongs to the caller's organization; to the platform, and so to everybody, when whoever
    looks after all of them names none.
    Raises Refused: FORBIDDEN, ORGANIZATION_REQUIRED, VALIDATION_FAILED, MEDIA_TOO_LARGE,
    MEDIA_TYPE_UNSUPPORTED, MEDIA_UNREADABLE, MEDIA_TOO_MANY_PIXELS, MEDIA_STORAGE_UNAVAILABLE,
    OVERLOADED.
    """
    owner = _owner_of_new(principal, organization_id)
    if len(data) > media.most_bytes:
        raise Refused(MEDIA_TOO_LARGE)
    content_type = content_type_of(data)
    if content_type is None:
        raise Refused(MEDIA_TYPE_UNSUPPORTED)
    async with media.workshop.place():
        seen = await media.workshop.inspect(data)
    media_id, sha256 = new_id(), hashlib.sha256(data).digest()
    original = key_of_original(media_id, sha256)
    try:
        await media.storage.put(original, data, content_type)
    except StorageUnavailable as error:
        log.warning("upload_not_stored", error=error)
        raise _unavailable() from None
    row = store.Upload(
        media_id,
        owner,
        principal.id,
        content_type,
        len(data),
        sha256,
        seen.width,
        seen.height,
        alt.strip(),
    )
    try:
        await _insert(media, principal, row)
    except BaseException:
        # What cannot be removed now is swept away later.
        with contextlib.suppress(StorageUnavailable):
            await media.storage.delete([original])
        raise
    media.uploaded.set()
    return media_id


async def describe(media: Media, principal: Principal, media_id: UUID, alt: str) -> None:
    """Say anew what is on a picture. Raises Refused: NOT_FOUND, FORBIDDEN."""
    async with media.database.begin() as connection:
        row = await _locked(connection, principal, media_id)
        await store.change_alt(connection, media_id, alt.strip())
        await note(
            connection,
            principal,
            "media.described",
            "media",
            media_id,
            organization_id=row.organization_id,
        )
        await notify(connection, *tags_of(media_id))


async def delete(media: Media, principal: Principal, media_id: UUID) -> None:
    """Delete a picture, wherever it is shown: there it is left out from now on.

    What the storage has of it goes soon after. Raises Refused: NOT_FOUND, FORBIDDEN.
    """
    async with media.database.begin() as connection:
        row = await _locked(connection, principal, media_id)
        await store.delete(connection, media_id)
        await note(
            connection,
            principal,
            "media.deleted",
            "media",
            media_id,
            organization_id=row.organization_id,
        )
        await notify(connection, *tags_of(media_id))
    media.deleted.set()


def _owner_of_new(principal: Principal, wanted: UUID | None) -> UUID | None:
    everywhere = principal.organizations_with(Permission.EVENTS_WRITE) is None
    if wanted is None and everywhere and not principal.memberships:
        return None
    return organization_for(principal, Permission.EVENTS_WRITE, wanted)


async def _insert(media: Media, principal: Principal, row: store.Upload) -> None:
    async with media.database.begin() as connection:
        if not await store.insert(connection, row):
            # Only who looks after all can get here: members name organizations that exist.
            raise Refused(
                VALIDATION_FAILED, errors=(FieldError("/organizationId", "is no organization"),)
            )
        await note(
            connection,
            principal,
            "media.uploaded",
            "media",
            row.id,
            organization_id=row.organization_id,
            after={"contentType": row.content_type, "bytes": row.size},
        )


async def _locked(
    connection: AsyncConnection, principal: Principal, media_id: UUID
) -> store.MediaRow:
    row = await store.lock(connection, media_id)
    if row is None or not queries.may_see(principal, row):
        raise Refused(NOT_FOUND)
    require(principal, Permission.EVENTS_WRITE, row.organization_id)
    return row


def _unavailable() -> Refused:
    return Refused(MEDIA_STORAGE_UNAVAILABLE, retry_after_seconds=_RETRY_AFTER_SECONDS)
