"""What requests of the catalogue hold, and how it becomes a draft."""

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Literal
from uuid import UUID

from msgspec import Meta

from fullhouse.api.errors import VALIDATION_FAILED
from fullhouse.api.schemas import NO_UNSEEN, UNSEEN, Amount, Body, Line, Price, Text
from fullhouse.catalog.drafts import CategoryDraft, EventDraft, ShowDraft
from fullhouse.catalog.planning import MOST_CATEGORIES
from fullhouse.catalog.rules import Cancellation, Charge, OrphanRule, Policy
from fullhouse.kit import richtext
from fullhouse.kit.errors import FieldError, Refused

ShowKind = Literal["movie", "concert", "play", "conference", "other"]
EventStatus = Literal["draft", "published", "cancelled", "ended"]
# With an offset, so that there is no doubt which moment is meant.
Moment = Annotated[datetime, Meta(tz=True)]

_Word = Annotated[
    str, Meta(min_length=1, max_length=100, pattern=f"^[^{UNSEEN}]+$", extra=NO_UNSEEN)
]
_Html = Annotated[
    Text,
    Meta(description=f"HTML; what is not allowed is taken out. {richtext.ALLOWED}"),
]
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
    """The rules of sale; what is left out is as usual."""

    hold_seconds: Annotated[int, Meta(ge=60, le=86_400)] = 600
    offer_seconds: Annotated[int, Meta(ge=60, le=604_800)] = 1_800
    max_per_booking: Annotated[int, Meta(ge=1, le=1_000)] = 10
    max_per_user: Annotated[int, Meta(ge=1, le=100_000)] | None = None
    waitlist: Literal["off", "on_request"] = "on_request"
    orphans: OrphanRule = "off"
    cancellation: CancellationBody = CancellationBody()
    fee: ChargeBody = ChargeBody()
    tax: ChargeBody = ChargeBody()


class CategoryBody(Body):
    """A ticket category.

    ``sections`` names sections of the hall's seat map whose seats it sells, or standing areas
    whose places it counts; without them ``capacity`` says how many places there are.
    """

    name: Line
    price: Price
    capacity: Annotated[int, Meta(ge=1, le=10_000_000)] | None = None
    benefits: Annotated[list[Line], Meta(max_length=50)] = []
    sections: Annotated[list[Line], Meta(max_length=1_000)] | None = None


class EventBody(Body):
    """An event with its categories and, with ``startsAt``, its first showtime.

    It happens in a hall, at a venue, or at a ``location`` in words. ``kind`` and what else
    describes the show may be given only without ``showId``.
    """

    title: Line
    currency: Annotated[str, Meta(pattern="^[A-Za-z]{3}$", examples=["USD"])]
    categories: Annotated[list[CategoryBody], Meta(max_length=MOST_CATEGORIES)]
    description: _Html = ""
    kind: ShowKind | None = None
    duration_minutes: Annotated[int, Meta(ge=1, le=10_080)] | None = None
    genre: _Word | None = None
    language: _Word | None = None
    age_rating: _Word | None = None
    starts_at: Moment | None = None
    ends_at: Moment | None = None
    venue_id: UUID | None = None
    hall_id: UUID | None = None
    location: Line | None = None
    timezone: Annotated[str, Meta(max_length=64, examples=["Asia/Kathmandu"])] | None = None
    policy: PolicyBody = PolicyBody()
    show_id: UUID | None = None
    sales_open_at: Moment | None = None
    sales_close_at: Moment | None = None
    publish: bool = False
    organization_id: UUID | None = None


def event_draft(body: EventBody) -> EventDraft:
    """The draft that a body describes; refused where its charges make no sense."""
    return EventDraft(
        title=body.title,
        currency=body.currency.upper(),
        categories=tuple(_category_draft(category) for category in body.categories),
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
        sales_open_at=body.sales_open_at,
        sales_close_at=body.sales_close_at,
        publish=body.publish,
        organization_id=body.organization_id,
    )


def policy_of(body: PolicyBody) -> Policy:
    """The policy as the selling core reads it; refused where a charge makes no sense."""
    return Policy(
        hold_seconds=body.hold_seconds,
        offer_seconds=body.offer_seconds,
        max_per_booking=body.max_per_booking,
        max_per_user=body.max_per_user,
        waitlist=body.waitlist,
        orphans=body.orphans,
        cancellation=Cancellation(body.cancellation.allowed, body.cancellation.hours_before),
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
    described = (body.kind, body.duration_minutes, body.genre, body.language, body.age_rating)
    if all(part is None for part in described):
        return None
    return ShowDraft(
        kind=body.kind or "other",
        duration_minutes=body.duration_minutes,
        genre=body.genre,
        language=body.language,
        age_rating=body.age_rating,
    )


def _category_draft(body: CategoryBody) -> CategoryDraft:
    return CategoryDraft(
        name=body.name,
        price=body.price.amount,
        capacity=body.capacity,
        benefits=tuple(body.benefits),
        sections=None if body.sections is None else tuple(body.sections),
        currency=None if body.price.currency is None else body.price.currency.upper(),
    )


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
