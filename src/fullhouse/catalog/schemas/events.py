"""What requests of the catalogue hold, and how it becomes a draft."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from msgspec import UNSET, Meta, UnsetType

from fullhouse.api.schemas import Body, Line, OrganizationId, View, given
from fullhouse.catalog.drafts import EventChange, EventDraft, ShowDraft, ShowtimeDraft
from fullhouse.catalog.planning import DEFAULT_DURATION_MINUTES, MOST_CATEGORIES
from fullhouse.catalog.publishing import MISSING
from fullhouse.catalog.schemas.categories import CategoryBody, category_draft
from fullhouse.catalog.schemas.policy import (
    PolicyBody,
    PolicyPatchBody,
    policy_change,
    policy_of,
)
from fullhouse.catalog.schemas.shows import (
    AgeRating,
    Announced,
    Cast,
    EndsOn,
    Genre,
    Html,
    Images,
    Language,
    Minutes,
    ReleasedOn,
    ShowFields,
    ShowKind,
    Trailers,
    show_draft,
)
from fullhouse.kit import richtext

EventStatus = Literal["draft", "published", "cancelled", "ended"]
# With an offset, so that there is no doubt which moment is meant.
Moment = Annotated[datetime, Meta(tz=True)]
StartsAt = Annotated[Moment, Meta(description="When it starts; with an offset, or Z for UTC.")]
EndsAt = Annotated[
    Moment,
    Meta(
        description="When it ends; unless given, as long after the start as the show lasts, or "
        f"{DEFAULT_DURATION_MINUTES} minutes."
    ),
]

# Sittings in one request; a schedule is made by a rule.
MOST_SHOWTIMES = 100

Title = Annotated[Line, Meta(description="What it is called.")]
Slug = Annotated[
    str,
    Meta(
        max_length=80,
        pattern="^[a-z0-9]+(-[a-z0-9]+)*$",
        examples=["rock-concert"],
        description="Stands for the event's id in addresses.",
    ),
]
Currency = Annotated[
    str,
    Meta(
        pattern="^[A-Za-z]{3}$",
        examples=["USD"],
        description="ISO 4217; of all prices, in minor units.",
    ),
]
Timezone = Annotated[
    str,
    Meta(
        max_length=64,
        examples=["Asia/Kathmandu"],
        description="The IANA name of a zone; unless given, the venue's, or UTC without one.",
    ),
]
VenueId = Annotated[UUID, Meta(description="A venue that the organization may use.")]
HallId = Annotated[UUID, Meta(description="A hall of the venue, which follows from it.")]
SittingHallId = Annotated[
    UUID, Meta(description="A hall of the event's venue; the event's own unless given.")
]
Location = Annotated[Line, Meta(description="Where it is in words, instead of a venue.")]
SalesOpenAt = Annotated[
    Moment, Meta(description="When sales open; null for as soon as it is published.")
]
SalesCloseAt = Annotated[
    Moment, Meta(description="When sales close; null for the start of each showtime.")
]


class SittingBody(Body):
    """One of an event's showtimes, in the event's hall unless another of its venue is named."""

    starts_at: StartsAt
    ends_at: EndsAt | None = None
    hall_id: SittingHallId | None = None


class EventBody(Body):
    """An event with its categories and, with ``startsAt`` or ``showtimes``, its showtimes.

    It happens in a hall, at a venue, or at a ``location`` in words. ``kind`` and what else
    describes the show may be given only without ``showId``; ``images`` are the event's own.
    """

    title: Title
    currency: Currency
    categories: Annotated[
        list[CategoryBody],
        Meta(max_length=MOST_CATEGORIES, description="Ticket categories, in the order to show."),
    ]
    description: Html = ""
    kind: Annotated[ShowKind | None, Meta(description="What is performed; other unless given.")] = (
        None
    )
    duration_minutes: Minutes | None = None
    genre: Genre | None = None
    language: Language | None = None
    age_rating: AgeRating | None = None
    released_on: ReleasedOn | None = None
    ends_on: EndsOn | None = None
    cast: Cast = []
    trailers: Trailers = []
    announced: Announced = False
    images: Images = []
    starts_at: (
        Annotated[Moment, Meta(description="Start of the only showtime, instead of showtimes.")]
        | None
    ) = None
    ends_at: EndsAt | None = None
    showtimes: Annotated[
        list[SittingBody],
        Meta(max_length=MOST_SHOWTIMES, description="More can be added later."),
    ] = []
    venue_id: VenueId | None = None
    hall_id: HallId | None = None
    location: Location | None = None
    timezone: Timezone | None = None
    policy: PolicyBody = PolicyBody()
    show_id: Annotated[
        UUID | None, Meta(description="A show of the organization; null to make a new one.")
    ] = None
    sales_open_at: SalesOpenAt | None = None
    sales_close_at: SalesCloseAt | None = None
    publish: Annotated[
        bool, Meta(description="Publish it at once, or refuse all of it; else it is a draft.")
    ] = False
    organization_id: OrganizationId | None = None


class EventPatchBody(Body):
    """What shall change of an event; what is left out stays, and null takes away.

    A ``location`` takes the place of the venue and the other way round. Without a ``timezone`` of
    its own (null) it is the venue's. Bookings that exist keep their prices and places.
    """

    title: Title | UnsetType = UNSET
    description: Html | UnsetType = UNSET
    slug: Slug | UnsetType = UNSET
    currency: Currency | UnsetType = UNSET
    venue_id: VenueId | UnsetType | None = UNSET
    hall_id: HallId | UnsetType | None = UNSET
    location: Location | UnsetType | None = UNSET
    timezone: Timezone | UnsetType | None = UNSET
    policy: PolicyPatchBody | UnsetType = UNSET
    sales_open_at: SalesOpenAt | UnsetType | None = UNSET
    sales_close_at: SalesCloseAt | UnsetType | None = UNSET
    images: Images | UnsetType = UNSET


class DuplicateBody(Body):
    """What shall be different of the copy.

    With ``shiftDays`` it has the showtimes too, so many days later at the same time of day.
    """

    title: Annotated[
        Line | None, Meta(description="What the copy is called; as the original unless given.")
    ] = None
    shift_days: Annotated[
        Annotated[int, Meta(ge=1, le=3_660)] | None,
        Meta(
            description="How many days later the copy's showtimes and sales window are; null for "
            "a copy without them."
        ),
    ] = None


class LackView(View):
    """Something that an event lacks.

    ``code`` is ``categories``, ``showtimes``, ``places``, ``sales_window``, ``sections`` or
    ``currency``; ``pointer`` (RFC 6901) says where in the event it belongs.
    """

    code: str
    pointer: str
    detail: str


class PublishCheckView(View):
    """Whether an event can be published, and all that it lacks for it."""

    publishable: bool
    missing: list[LackView]


def publish_check_view(missing: Sequence[str]) -> PublishCheckView:
    """What an event lacks, by the words of ``publishing.MISSING``, as the API shows it."""
    lacks = [LackView(word, MISSING[word].pointer, MISSING[word].detail) for word in missing]
    return PublishCheckView(not lacks, lacks)


def event_draft(body: EventBody) -> EventDraft:
    """The draft that a body describes; refused where its charges make no sense."""
    return EventDraft(
        title=body.title,
        currency=body.currency.upper(),
        categories=tuple(category_draft(category) for category in body.categories),
        description=richtext.clean(body.description),
        show_id=body.show_id,
        show=_show_draft(body),
        starts_at=body.starts_at,
        ends_at=body.ends_at,
        venue_id=body.venue_id,
        hall_id=body.hall_id,
        location=None if body.location is None else body.location.strip(),
        timezone=body.timezone,
        policy=policy_of(body.policy),
        venue_holds=body.policy.hold_seconds is UNSET,
        sales_open_at=body.sales_open_at,
        sales_close_at=body.sales_close_at,
        images=tuple(body.images),
        publish=body.publish,
        organization_id=body.organization_id,
        showtimes=tuple(
            ShowtimeDraft(sitting.starts_at, sitting.ends_at, sitting.hall_id)
            for sitting in body.showtimes
        ),
    )


def event_change(body: EventPatchBody) -> EventChange:
    """The change that a body describes; refused where its charges make no sense."""
    fields = given(body)
    policy = fields.pop("policy", None)
    if "description" in fields:
        fields["description"] = richtext.clean(fields["description"])
    if "currency" in fields:
        fields["currency"] = fields["currency"].upper()
    if fields.get("location") is not None:
        fields["location"] = fields["location"].strip()
    if "images" in fields:
        fields["images"] = tuple(fields["images"])
    return EventChange(fields, {} if policy is None else policy_change(policy))


def _show_draft(body: EventBody) -> ShowDraft | None:
    fields = ShowFields(
        body.duration_minutes,
        body.genre,
        body.language,
        body.age_rating,
        body.released_on,
        body.ends_on,
        body.cast,
        body.trailers,
        announced=body.announced,
    )
    if body.kind is None and fields == ShowFields():
        return None
    return show_draft(fields, body.kind or "other")
