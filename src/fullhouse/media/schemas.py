"""Pictures as requests and answers hold them."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from msgspec import Meta

from fullhouse.api.forms import FILE, FormBody
from fullhouse.api.schemas import NO_UNSEEN, UNSEEN, Body, View
from fullhouse.media import rules
from fullhouse.media.rules import Variant
from fullhouse.media.store import MediaRow

Status = Literal["processing", "ready", "failed"]
Alt = Annotated[
    str,
    Meta(
        max_length=500,
        pattern=f"^[^{UNSEEN}]*$",
        extra=NO_UNSEEN,
        description="What is on the picture, for who cannot see it.",
    ),
]


class MediaBody(FormBody):
    """A new picture, as a form with a file: JPEG, PNG, WebP or GIF, which shows its first frame."""

    file: Annotated[bytes, FILE, Meta(description="The picture.")]
    alt: Alt = ""
    organization_id: Annotated[
        UUID | None,
        Meta(
            description="Whose it is; one's own unless it is one of several. What those upload who "
            "look after all, and have none, is the platform's."
        ),
    ] = None


class MediaPatchBody(Body):
    """What is said of a picture."""

    alt: Alt


class VariantView(View):
    """One size of a picture in one format, at an address of this server."""

    url: str
    content_type: str
    width: int
    height: int


class MediaView(View):
    """A picture to show: ``url`` is one that every browser shows, ``alt`` says what is on it.

    Only its organization is shown one that is still ``processing``, without ``url`` and
    ``variants``, and with the size of the upload.
    """

    id: UUID
    status: Literal["processing", "ready"]
    url: str | None
    alt: str
    width: int
    height: int
    variants: list[VariantView]


class UploadView(View):
    """A picture as whoever looks after it sees it.

    ``url`` is null and ``variants`` empty until the status is ``ready``; ``failure`` says why it is
    ``failed``. ``width``, ``height`` and ``contentType`` are those of the upload, upright.
    """

    id: UUID
    status: Status
    url: str | None
    variants: list[VariantView]
    width: int
    height: int
    alt: str
    content_type: str
    organization_id: UUID | None
    failure: str | None
    created_at: datetime


def variant_view(media_id: UUID, variant: Variant) -> VariantView:
    """A variant with its address."""
    name = rules.name_of(variant.format, variant.width)
    return VariantView(
        f"/media/{media_id}/{name}",
        rules.CONTENT_TYPES[variant.format],
        variant.width,
        variant.height,
    )


def media_view(row: MediaRow) -> MediaView:
    """A picture as it is shown with what it belongs to."""
    if row.status != "ready":
        return MediaView(row.id, "processing", None, row.alt, row.width, row.height, [])
    main = rules.main_of(row.variants)
    return MediaView(
        row.id,
        "ready",
        variant_view(row.id, main).url,
        row.alt,
        main.width,
        main.height,
        [variant_view(row.id, variant) for variant in row.variants],
    )


def upload_view(row: MediaRow) -> UploadView:
    """A picture in any state."""
    ready = row.status == "ready"
    return UploadView(
        row.id,
        row.status,  # type: ignore[arg-type]
        variant_view(row.id, rules.main_of(row.variants)).url if ready else None,
        [variant_view(row.id, variant) for variant in row.variants],
        row.width,
        row.height,
        row.alt,
        row.content_type,
        row.organization_id,
        row.failure,
        row.created_at,
    )


def shown_of(media_ids: Sequence[UUID], shown: Mapping[UUID, MediaView]) -> list[MediaView]:
    """Those of the pictures that can be shown, in the order of their ids."""
    return [shown[media_id] for media_id in media_ids if media_id in shown]
