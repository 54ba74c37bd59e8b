"""The rules of sale as requests hold them and as people write them."""

from decimal import Decimal
from typing import Annotated, Any, Literal

from msgspec import UNSET, Meta, UnsetType

from fullhouse.api.errors import VALIDATION_FAILED
from fullhouse.api.schemas import Amount, Body, given
from fullhouse.catalog.rules import Cancellation, Charge, OrphanRule, Policy
from fullhouse.kit.errors import FieldError, Refused

HoldSeconds = Annotated[
    int,
    Meta(
        ge=60,
        le=86_400,
        description="How many seconds reserved places are held before they have to be confirmed; "
        f"of a new event, as the venue says, else {Policy().hold_seconds}.",
    ),
]
OfferSeconds = Annotated[
    int,
    Meta(
        ge=60,
        le=604_800,
        description="How many seconds places are held for who waited in line for them.",
    ),
]
MostPerBooking = Annotated[int, Meta(ge=1, le=1_000, description="Places in one booking at most.")]
MostPerUser = Annotated[
    int,
    Meta(
        ge=1,
        le=100_000,
        description="Places that one buyer may have at a showtime, in all bookings together; null "
        "for any number.",
    ),
]
Waitlist = Annotated[
    Literal["off", "on_request"],
    Meta(description="Whether buyers may ask to wait in line for what is sold out."),
]
Orphans = Annotated[
    OrphanRule,
    Meta(
        description="A choice of seats that leaves a single one free beside it: allowed (off), "
        "allowed to who says so (warn), or not (refuse)."
    ),
]

_PPM_PER_PERCENT = 10_000


class ChargeBody(Body):
    """A fee or tax: ``percent`` of the price or a fixed ``amount`` for each place, not both.

    ``included`` says that prices already hold it; otherwise it comes on top.
    """

    percent: (
        Annotated[
            float,
            Meta(
                ge=0,
                le=100,
                examples=[7.5],
                description="A rate in percent, with 4 decimals at most.",
            ),
        ]
        | None
    ) = None
    amount: (
        Annotated[Amount, Meta(description="For each place, in minor units of the currency.")]
        | None
    ) = None
    included: Annotated[
        bool, Meta(description="Part of the price already, instead of on top of it.")
    ] = False


class CancellationBody(Body):
    """Until how many hours before the start a buyer may cancel a confirmed booking, if at all."""

    allowed: Annotated[
        bool, Meta(description="Whether buyers may cancel what they have confirmed.")
    ] = True
    hours_before: Annotated[
        int, Meta(ge=0, le=8_760, description="Not later than so many hours before the start.")
    ] = 24


class PolicyBody(Body):
    """The rules of sale; what is left out is as usual.

    Places are held for as long as the venue says, where it does and ``holdSeconds`` is left out.
    """

    hold_seconds: HoldSeconds | UnsetType = UNSET
    offer_seconds: OfferSeconds = 1_800
    max_per_booking: MostPerBooking = 10
    max_per_user: MostPerUser | None = None
    waitlist: Waitlist = "on_request"
    orphans: Orphans = "off"
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
    orphans: Orphans | UnsetType = UNSET
    cancellation: CancellationBody | UnsetType = UNSET
    fee: ChargeBody | UnsetType = UNSET
    tax: ChargeBody | UnsetType = UNSET


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


def policy_change(body: PolicyPatchBody) -> dict[str, Any]:
    """What shall change of a policy, by the names of its fields."""
    changes = given(body)
    if body.cancellation is not UNSET:
        changes["cancellation"] = _cancellation_of(body.cancellation)
    if body.fee is not UNSET:
        changes["fee"] = _charge_of(body.fee, "/policy/fee")
    if body.tax is not UNSET:
        changes["tax"] = _charge_of(body.tax, "/policy/tax")
    return changes


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
