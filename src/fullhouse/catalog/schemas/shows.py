"""What requests about shows hold, and how it becomes a draft."""

from collections.abc import Callable
from datetime import date
from typing import Annotated, Any, Literal
from uuid import UUID

from msgspec import UNSET, Meta, UnsetType

from fullhouse.api.schemas import NO_UNSEEN, SOMETHING_SEEN, UNSEEN, Body, Line, Text
from fullhouse.api.wording import IN_WORDS
from fullhouse.catalog.drafts import CastMember, ShowChange, ShowDraft
from fullhouse.kit import richtext

ShowKind = Literal["movie", "concert", "play", "conference", "other"]

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
Minutes = Annotated[int, Meta(ge=1, le=10_080)]

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
Trailers = Annotated[list[Trailer], Meta(max_length=20)]
Images = Annotated[
    list[UUID], Meta(max_length=20, description="Ids of media, in the order to show them in.")
]
ReleasedOn = Annotated[date, Meta(description="The day of release.")]
EndsOn = Annotated[date, Meta(description="The last day on which it is shown.")]


class CastBody(Body):
    """Somebody who takes part, and as what."""

    name: Line
    role: _Role = ""


Cast = Annotated[list[CastBody], Meta(max_length=200)]


class ShowFields(Body):
    """What describes a show beside its kind, title and description."""

    duration_minutes: Minutes | None = None
    genre: Word | None = None
    language: Word | None = None
    age_rating: Word | None = None
    released_on: ReleasedOn | None = None
    ends_on: EndsOn | None = None
    cast: Cast = []
    trailers: Trailers = []
    images: Images = []


class ShowBody(ShowFields, kw_only=True):
    """A new show."""

    kind: ShowKind
    title: Line
    description: Html = ""
    organization_id: UUID | None = None


class ShowPatchBody(Body):
    """What shall change of a show; what is left out stays, and null takes away.

    Another duration counts for showtimes that are made from now on.
    """

    kind: ShowKind | UnsetType = UNSET
    title: Line | UnsetType = UNSET
    description: Html | UnsetType = UNSET
    duration_minutes: Minutes | UnsetType | None = UNSET
    genre: Word | UnsetType | None = UNSET
    language: Word | UnsetType | None = UNSET
    age_rating: Word | UnsetType | None = UNSET
    released_on: ReleasedOn | UnsetType | None = UNSET
    ends_on: EndsOn | UnsetType | None = UNSET
    cast: Cast | UnsetType = UNSET
    trailers: Trailers | UnsetType = UNSET
    images: Images | UnsetType = UNSET


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
    )


def show_change(body: ShowPatchBody) -> ShowChange:
    """The change that a body describes."""
    given: dict[str, Any] = {
        name: value
        for name in body.__struct_fields__
        if (value := getattr(body, name)) is not UNSET
    }
    title, description = given.pop("title", None), given.pop("description", None)
    for name, made in _FORMS.items():
        if name in given:
            given[name] = made(given[name])
    return ShowChange(
        title=None if title is None else title.strip(),
        description=None if description is None else richtext.clean(description),
        fields=given,
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
