"""What requests about shows hold, and how it becomes a draft."""

from collections.abc import Callable
from datetime import date
from typing import Annotated, Any, Literal
from uuid import UUID

from msgspec import UNSET, Meta, UnsetType

from fullhouse.api.schemas import (
    NO_UNSEEN,
    SOMETHING_SEEN,
    UNSEEN,
    Body,
    Line,
    OrganizationId,
    Text,
    given,
)
from fullhouse.api.wording import IN_WORDS
from fullhouse.catalog.drafts import CastMember, ShowChange, ShowDraft
from fullhouse.catalog.planning import DEFAULT_DURATION_MINUTES
from fullhouse.kit import richtext

ShowKind = Literal["movie", "concert", "play", "conference", "other"]
Kind = Annotated[ShowKind, Meta(description="What is performed.")]
Title = Annotated[Line, Meta(description="What it is called.")]

Word = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=100,
        pattern=rf"^[^{UNSEEN}]*[^\s{UNSEEN}][^{UNSEEN}]*$",
        extra=SOMETHING_SEEN,
    ),
]
Html = Annotated[
    Text,
    Meta(description=f"HTML; what is not allowed is taken out. {richtext.ALLOWED}"),
]
Genre = Annotated[Word, Meta(description="In words, such as Drama.")]
Language = Annotated[Word, Meta(description="In which it is performed, in words.")]
AgeRating = Annotated[
    Word, Meta(description="Who may come, in the words of whoever decides it: PG-13, FSK 12, …")
]
Minutes = Annotated[
    int,
    Meta(
        ge=1,
        le=10_080,
        description="How many minutes showtimes last that do not say it; null for "
        f"{DEFAULT_DURATION_MINUTES}.",
    ),
]

_Role = Annotated[str, Meta(max_length=200, pattern=f"^[^{UNSEEN}]*$", extra=NO_UNSEEN)]
# A host name, maybe a port, and what RFC 3986 allows behind it; nobody's name or password.
_HOST = r"([A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_REST = r"([/?#][A-Za-z0-9._~:/?#\[\]@!$&'()*+,;=%-]*)?"
Trailer = Annotated[
    str,
    Meta(
        max_length=500,
        pattern=rf"^https://{_HOST}(:[0-9]{{1,5}})?{_REST}$",
        examples=["https://video.example/watch?v=1"],
        description="An https address.",
        extra={IN_WORDS: "be an https address"},
    ),
]
Trailers = Annotated[
    list[Trailer], Meta(max_length=20, description="Addresses of videos, none of them twice.")
]
Images = Annotated[
    list[UUID], Meta(max_length=20, description="Ids of media, in the order to show them in.")
]
ReleasedOn = Annotated[date, Meta(description="The day of release.")]
EndsOn = Annotated[date, Meta(description="The last day on which it is shown.")]

Announced = Annotated[
    bool,
    Meta(description="Everybody sees it, with or without an event; else only once it is put on."),
]


class CastBody(Body):
    """Somebody who takes part, and as what."""

    name: Annotated[Line, Meta(description="Who it is.")]
    role: Annotated[
        _Role, Meta(description="Whom they play, or what they do: Hamlet, Director, …")
    ] = ""


Cast = Annotated[
    list[CastBody], Meta(max_length=200, description="Who takes part, in the order to show.")
]


class ShowFields(Body):
    """What describes a show beside its kind, title and description."""

    duration_minutes: Minutes | None = None
    genre: Genre | None = None
    language: Language | None = None
    age_rating: AgeRating | None = None
    released_on: ReleasedOn | None = None
    ends_on: EndsOn | None = None
    cast: Cast = []
    trailers: Trailers = []
    images: Images = []
    announced: Announced = False


class ShowBody(ShowFields, kw_only=True):
    """A new show."""

    kind: Kind
    title: Title
    description: Html = ""
    organization_id: OrganizationId | None = None


class ShowPatchBody(Body):
    """What shall change of a show; what is left out stays, and null takes away.

    Another duration counts for showtimes that are made from now on.
    """

    kind: Kind | UnsetType = UNSET
    title: Title | UnsetType = UNSET
    description: Html | UnsetType = UNSET
    duration_minutes: Minutes | UnsetType | None = UNSET
    genre: Genre | UnsetType | None = UNSET
    language: Language | UnsetType | None = UNSET
    age_rating: AgeRating | UnsetType | None = UNSET
    released_on: ReleasedOn | UnsetType | None = UNSET
    ends_on: EndsOn | UnsetType | None = UNSET
    cast: Cast | UnsetType = UNSET
    trailers: Trailers | UnsetType = UNSET
    images: Images | UnsetType = UNSET
    announced: Announced | UnsetType = UNSET


def show_draft(body: ShowFields, kind: ShowKind) -> ShowDraft:
    """The draft of a show of this kind."""
    return ShowDraft(
        kind=kind,
        duration_minutes=body.duration_minutes,
        genre=_stripped(body.genre),
        language=_stripped(body.language),
        age_rating=_stripped(body.age_rating),
        released_on=body.released_on,
        ends_on=body.ends_on,
        cast=_cast(body.cast),
        trailers=_trailers(body.trailers),
        images=tuple(body.images),
        announced=body.announced,
    )


def show_change(body: ShowPatchBody) -> ShowChange:
    """The change that a body describes."""
    fields = given(body)
    title, description = fields.pop("title", None), fields.pop("description", None)
    for name, made in _FORMS.items():
        if name in fields:
            fields[name] = made(fields[name])
    return ShowChange(
        title=None if title is None else title.strip(),
        description=None if description is None else richtext.clean(description),
        fields=fields,
    )


def _cast(members: list[CastBody]) -> tuple[CastMember, ...]:
    return tuple(CastMember(one.name.strip(), one.role.strip()) for one in members)


# A pattern's $ lets a line feed follow, so that addresses are stripped too.
def _trailers(addresses: list[str]) -> tuple[str, ...]:
    return tuple(address.strip() for address in addresses)


def _stripped(word: str | None) -> str | None:
    return None if word is None else word.strip()


_FORMS: dict[str, Callable[[Any], Any]] = {
    "genre": _stripped,
    "language": _stripped,
    "age_rating": _stripped,
    "cast": _cast,
    "trailers": _trailers,
    "images": tuple,
}
