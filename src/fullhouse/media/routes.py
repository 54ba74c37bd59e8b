"""Routes of pictures: below ``/api/v1`` for who looks after them, below ``/media`` for all."""

from typing import Annotated, Any
from uuid import UUID

from litestar import Request, Response, Router, delete, get, patch, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import QueryParameter

from fullhouse.api.errors import FORBIDDEN, NOT_FOUND, UNAUTHENTICATED, problems
from fullhouse.api.etags import names_etag
from fullhouse.api.organizations import ORGANIZATION_REQUIRED
from fullhouse.api.pagination import Page, Slice
from fullhouse.api.permissions import PUBLIC, Permission, member
from fullhouse.api.principal import Principal
from fullhouse.kit.db import Database
from fullhouse.kit.errors import Refused
from fullhouse.media import commands, queries
from fullhouse.media.errors import (
    MEDIA_STORAGE_UNAVAILABLE,
    MEDIA_TOO_LARGE,
    MEDIA_TOO_MANY_PIXELS,
    MEDIA_TYPE_UNSUPPORTED,
    MEDIA_UNREADABLE,
)
from fullhouse.media.parts import Media
from fullhouse.media.rules import CONTENT_TYPES
from fullhouse.media.schemas import MediaBody, MediaPatchBody, UploadView, upload_view
from fullhouse.media.storage import StorageUnavailable

_TAGS = ["Media"]

# A variant never changes: a new picture has a new id.
_FOR_GOOD = "public, max-age=31536000, immutable"
# What is elsewhere may be deleted there.
_REDIRECT_SECONDS = "public, max-age=3600"
# Should anything but a picture ever stand there, no browser runs it.
_POLICY = "default-src 'none'; frame-ancestors 'none'; sandbox"
_RETRY_AFTER_SECONDS = 5

OrganizationId = Annotated[
    UUID | None, QueryParameter(name="organizationId", description="Of this organization.")
]


@post(
    "/media",
    access=member(Permission.EVENTS_WRITE),
    summary="Upload a picture",
    tags=_TAGS,
    too_large=MEDIA_TOO_LARGE,
    responses=problems(
        UNAUTHENTICATED,
        FORBIDDEN,
        ORGANIZATION_REQUIRED,
        MEDIA_TOO_LARGE,
        MEDIA_TYPE_UNSUPPORTED,
        MEDIA_UNREADABLE,
        MEDIA_TOO_MANY_PIXELS,
        MEDIA_STORAGE_UNAVAILABLE,
    ),
)
async def upload_media(data: MediaBody, media: Media, principal: Principal) -> UploadView:
    """A picture of the caller's organization; a platform's editor's, without one, is everybody's.

    What it is, its bytes tell. Variants for pages are made of it soon after, without anything that
    cameras write into their pictures; the upload itself is never shown, and goes.
    """
    media_id = await commands.upload(
        media, principal, data.file, alt=data.alt, organization_id=data.organization_id
    )
    return upload_view(await queries.picture(media.database, principal, media_id))


@get(
    "/media/{media_id:uuid}",
    access=member(Permission.EVENTS_READ),
    summary="A picture",
    tags=_TAGS,
    responses=problems(NOT_FOUND),
)
async def get_media(media_id: UUID, database: Database, principal: Principal) -> UploadView:
    """A picture of the caller's organization, or the platform's, whether it can be shown or not."""
    return upload_view(await queries.picture(database, principal, media_id))


@get(
    "/organizer/media",
    access=member(Permission.EVENTS_READ),
    summary="List pictures",
    tags=_TAGS,
    responses=problems(UNAUTHENTICATED, FORBIDDEN),
)
async def list_media(
    database: Database,
    principal: Principal,
    part: Slice,
    organization_id: OrganizationId = None,
) -> Page[UploadView]:
    """Pictures of the caller's organizations, newest first; if none is named the platform's too."""
    found = await queries.pictures(database, principal, part, organization_id=organization_id)
    return Page([upload_view(row) for row in found.items], found.next_cursor, found.total)


@patch(
    "/media/{media_id:uuid}",
    access=member(Permission.EVENTS_WRITE),
    summary="Describe a picture",
    tags=_TAGS,
    responses=problems(NOT_FOUND),
)
async def describe_media(
    media_id: UUID, data: MediaPatchBody, media: Media, principal: Principal
) -> UploadView:
    """Say anew what is on a picture, for who cannot see it."""
    await commands.describe(media, principal, media_id, data.alt)
    return upload_view(await queries.picture(media.database, principal, media_id))


@delete(
    "/media/{media_id:uuid}",
    access=member(Permission.EVENTS_WRITE),
    summary="Delete a picture",
    tags=_TAGS,
    responses=problems(NOT_FOUND),
)
async def delete_media(media_id: UUID, media: Media, principal: Principal) -> None:
    """Whatever shows the picture goes on without it."""
    await commands.delete(media, principal, media_id)


@get("/{media_id:uuid}/{name:str}", access=PUBLIC)
async def variant(
    media_id: UUID, name: str, media: Media, request: Request[Any, Any, Any]
) -> Response[bytes]:
    """A variant such as ``640.webp``, from the storage or by way of its public address."""
    found = await queries.variant(media.database, media_id, name)
    etag = f'"{media_id}-{name}"'
    elsewhere = media.storage.public_url(found.key)
    if elsewhere is not None:
        headers = {"Location": elsewhere, "Cache-Control": _REDIRECT_SECONDS}
        return Response(b"", status_code=302, headers=headers)
    headers = {
        "Cache-Control": _FOR_GOOD,
        "ETag": etag,
        "Content-Security-Policy": _POLICY,
        # Pages of other sites may show it, as they may link to it.
        "Cross-Origin-Resource-Policy": "cross-origin",
    }
    if names_etag(request.headers.get("if-none-match"), etag):
        return Response(b"", status_code=304, headers=headers)
    try:
        data = await media.storage.get(found.key)
    except StorageUnavailable:
        raise Refused(MEDIA_STORAGE_UNAVAILABLE, retry_after_seconds=_RETRY_AFTER_SECONDS) from None
    if data is None:
        raise Refused(NOT_FOUND)
    return Response(data, media_type=CONTENT_TYPES[found.format], headers=headers)


def files() -> Router:
    """``/media/…``: the pictures themselves, outside ``/api/v1``."""
    return Router("/media", route_handlers=[variant], include_in_schema=False)


ROUTES: list[HTTPRouteHandler] = [
    upload_media,
    get_media,
    list_media,
    describe_media,
    delete_media,
]

# Those whose bodies may be larger than any other.
LARGE: list[HTTPRouteHandler] = [upload_media]
