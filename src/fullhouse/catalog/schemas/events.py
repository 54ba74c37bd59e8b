"""What requests of the catalogue hold, and how it becomes a draft."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, Literal
from uuid import UUID

from msgspec import UNSET, Meta, UnsetType

from fullhouse.api.errors import VALIDATION_FAILED
from fullhouse.api.schemas import Amount, Body, Line, View
from fullhouse.catalog.drafts import EventChange, EventDraft, ShowDraft, ShowtimeDraft
from fullhouse.catalog.planning import MOST_CATEGORIES
from fullhouse.catalog.publishing import MISSING
from fullhouse.catalog.rules import Cancellation, Charge, OrphanRule, Policy
from fullhouse.catalog.schemas.categories import CategoryBody, category_draft
from fullhouse.catalog.schemas.shows import (
    Cast,
    EndsOn,
    Html,
    Images,
    Minutes,
    ReleasedOn,
    ShowFields,
    ShowKind,
    Trailers,
    Word,
    show_draft,
)
from fullhouse.kit import richtext
from fullhouse.kit.errors import FieldError, Refused

EventStatus = Literal["draft", "published", "cancelled", "ended"]
# With an offset, so that there is no doubt which moment is meant.
Moment = Annotated[datetime, Meta(tz=True)]

# Sittings in one request; a schedule is made by a rule.
MOST_SHOWTIMES = 100

Slug = Annotated[
    str,
    Meta(max_length=80, pattern="^[a-z0-9]+(-[a-z0-9]+)*$", examples=["rock-concert"]),
]
Currency = Annotated[str, Meta(pattern="^[A-Za-z]{3}$", examples=["USD"])]
Timezone = Annotated[str, Meta(max_length=64, examples=["Asia/Kathmandu"])]
HoldSeconds = Annotated[int, Meta(ge=60, le=86_400)]
OfferSeconds = Annotated[int, Meta(ge=60, le=604_800)]
MostPerBooking = Annotated[int, Meta(ge=1, le=1_000)]
MostPerUser = Annotated[int, Meta(ge=1, le=100_000)]
Waitlist = Literal["off", "on_request"]

_PPM_PER_PERCENT = 10_000


class ChargeBody(Body):
    """A fee or tax: ``percent`` of the price or a fixed ``amount`` for each place, not both.

    ``included`` says that prices already hold it; otherwise it comes on top.
    """

    percent: Annotated[float, Meta(ge=0, le=100, examples=[7.5])] | None = None
    amount: Amount | None = None
    included: bool = False


class CancellationBody(Body):
    """Until how many hours before the start a buyer may cancel a confirmed booking, if at all."""

    allowed: bool = True
    hours_before: Annotated[int, Meta(ge=0, le=8_760)] = 24


class PolicyBody(Body):
    """The rules of sale; what is left out is as usual.

    Places are held for as long as the venue says, where it does and ``holdSeconds`` is left out.
    """

    hold_seconds: HoldSeconds | UnsetType = UNSET
    offer_seconds: OfferSeconds = 1_800
    max_per_booking: MostPerBooking = 10
    max_per_user: MostPerUser | None = None
    waitlist: Waitlist = "on_request"
    orphans: OrphanRule = "off"
    cancellation: CancellationBody = CancellationBody()
    fee: ChargeBody = ChargeBody()
    tax: ChargeBody = ChargeBody()


class PolicyPatchBody(Body):
    """What shall change of the rules of sale; what is left out stays.

    ``cancellation``, ``fee`` and ``tax`` are each replaced as a whole.
    """

    hold_seconds: HoldSeconds | UnsetType = UNSET
    offer_seconds: OfferSeconds | UnsetType = UNSET
    max_per_booking: MostPerBooking | UnsetType = UNSET
    max_per_user: MostPerUser | UnsetType | None = UNSET
    waitlist: Waitlist | UnsetType = UNSET
    orphans: OrphanRule | UnsetType = UNSET
    cancellation: CancellationBody | UnsetType = UNSET
    fee: ChargeBody | UnsetType = UNSET
    tax: ChargeBody | UnsetType = UNSET


class SittingBody(Body):
    """One of an event's showtimes, in the event's hall unless another of its venue is named."""

    starts_at: Moment
    ends_at: Moment | None = None
    hall_id: UUID | None = None


class EventBody(Body):
    """An event with its categories and, with ``startsAt`` or ``showtimes``, its showtimes.

    It happens in a hall, at a venue, or at a ``location`` in words. ``kind`` and what else
    describes the show may be given only without ``showId``; ``images`` are the event's own.
    """

    title: Line
    currency: Currency
    categories: Annotated[list[CategoryBody], Meta(max_length=MOST_CATEGORIES)]
    description: Html = ""
    kind: ShowKind | None = None
    duration_minutes: Minutes | None = None
    genre: Word | None = None
    language: Word | None = None
    age_rating: Word | None = None
    released_on: ReleasedOn | None = None
    ends_on: EndsOn | None = None
    cast: Cast = []
    trailers: Trailers = []
    images: Images = []
    starts_at: Moment | None = None
    ends_at: Moment | None = None
    showtimes: Annotated[list[SittingBody], Meta(max_length=MOST_SHOWTIMES)] = []
    venue_id: UUID | None = None
    hall_id: UUID | None = None
    location: Line | None = None
    timezone: Timezone | None = None
    policy: PolicyBody = PolicyBody()
    show_id: UUID | None = None
    sales_open_at: Moment | None = None
    sales_close_at: Moment | None = None
    publish: bool = False
    organization_id: UUID | None = None


class EventPatchBody(Body):
    """What shall change of an event; what is left out stays, and null takes away.

    A ``location`` takes the place of the venue and the other way round. Without a ``timezone`` of
    its own (null) it is the venue's. Bookings that exist keep their prices and places.
    """

    title: Line | UnsetType = UNSET
    description: Html | UnsetType = UNSET
    slug: Slug | UnsetType = UNSET
    currency: Currency | UnsetType = UNSET
    venue_id: UUID | UnsetType | None = UNSET
    hall_id: UUID | UnsetType | None = UNSET
    location: Line | UnsetType | None = UNSET
    timezone: Timezone | UnsetType | None = UNSET
    policy: PolicyPatchBody | UnsetType = UNSET
    sales_open_at: Moment | UnsetType | None = UNSET
    sales_close_at: Moment | UnsetType | None = UNSET
    images: Images | UnsetType = UNSET


class DuplicateBody(Body):
    """What shall be different of the copy.

    With ``shiftDays`` it has the showtimes too, so many days later at the same time of day.
    """

    title: Line | None = None
    shift_days: Annotated[int, Meta(ge=1, le=3_660)] | None = None


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
    fields = _given(body)
    policy = fields.pop("policy", None)
    if "description" in fields:
        fields["description"] = richtext.clean(fields["description"])
    if "currency" in fields:
        fields["currency"] = fields["currency"].upper()
    if fields.get("location") is not None:
        fields["location"] = fields["location"].strip()
    if "images" in fields:
        fields["images"] = tuple(fields["images"])
    return EventChange(fields, {} if policy is None else _policy_change(policy))


def _policy_change(body: PolicyPatchBody) -> dict[str, Any]:
    changes = _given(body)
    if body.cancellation is not UNSET:
        changes["cancellation"] = _cancellation_of(body.cancellation)
    if body.fee is not UNSET:
        changes["fee"] = _charge_of(body.fee, "/policy/fee")
    if body.tax is not UNSET:
        changes["tax"] = _charge_of(body.tax, "/policy/tax")
    return changes


def _given(body: Body) -> dict[str, Any]:
    return {
        name: value
        for name in body.__struct_fields__
        if (value := getattr(body, name)) is not UNSET
    }


def policy_of(body: PolicyBody) -> Policy:
    """The policy as the selling core reads it; refused where a charge makes no sense."""
    return Policy(
        hold_seconds=Policy().hold_seconds if body.hold_seconds is UNSET else body.hold_seconds,
        offer_seconds=body.offer_seconds,
        max_per_booking=body.max_per_booking,
        max_per_user=body.max_per_user,
        waitlist=body.waitlist,
        orphans=body.orphans,
        cancellation=_cancellation_of(body.cancellation),
        fee=_charge_of(body.fee, "/policy/fee"),
        tax=_charge_of(body.tax, "/policy/tax"),
    )


def policy_body(policy: Policy) -> PolicyBody:
    """The policy as people write it."""
    return PolicyBody(
        hold_seconds=policy.hold_seconds,
        offer_seconds=policy.offer_seconds,
        max_per_booking=policy.max_per_booking,
        max_per_user=policy.max_per_user,
        waitlist=policy.waitlist,
        orphans=policy.orphans,
        cancellation=CancellationBody(
            policy.cancellation.allowed, policy.cancellation.hours_before
        ),
        fee=_charge_body(policy.fee),
        tax=_charge_body(policy.tax),
    )


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
    )
    if body.kind is None and fields == ShowFields():
        return None
    return show_draft(fields, body.kind or "other")


def _cancellation_of(body: CancellationBody) -> Cancellation:
    return Cancellation(body.allowed, body.hours_before)


def _charge_of(body: ChargeBody, pointer: str) -> Charge:
    if body.percent is not None and body.amount is not None:
        raise _wrong(pointer, "percent and amount cannot be given together")
    if body.percent is None:
        return Charge(amount=body.amount or 0, included=body.included)
    # The shortest decimal that reads as this float is what was written.
    rate = Decimal(repr(body.percent)) * _PPM_PER_PERCENT
    if rate != rate.to_integral_value():
        raise _wrong(f"{pointer}/percent", "has more than 4 decimals")
    return Charge(rate_ppm=int(rate), included=body.included)


def _charge_body(charge: Charge) -> ChargeBody:
    if charge.amount:
        return ChargeBody(amount=charge.amount, included=charge.included)
    return ChargeBody(percent=charge.rate_ppm / _PPM_PER_PERCENT, included=charge.included)


def _wrong(pointer: str, detail: str) -> Refused:
    return Refused(VALIDATION_FAILED, errors=(FieldError(pointer, detail),))
