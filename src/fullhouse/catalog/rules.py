"""The terms on which an event sells: decisions on plain values, no input or output."""

from datetime import datetime
from typing import Literal
from uuid import UUID

import msgspec

OrphanRule = Literal["off", "warn", "refuse"]


class Charge(msgspec.Struct, frozen=True, rename="camel"):
    """A fee or a tax: a rate or a fixed sum, on top of the price or included in it.

    ``rate_ppm`` is in millionths (7.5 % is 75000); ``amount`` in minor units, for each place.
    Exactly one of the two is above zero, or neither for "none".
    """

    rate_ppm: int = 0
    amount: int = 0
    included: bool = False


class Cancellation(msgspec.Struct, frozen=True, rename="camel"):
    """Whether and until how many hours before the start a buyer may cancel a confirmed booking."""

    allowed: bool = True
    hours_before: int = 24


class Policy(msgspec.Struct, frozen=True, rename="camel"):
    """What an organizer may set for an event; every default is the product's.

    Fields that are not known here are passed over: a newer program may have written them.
    """

    hold_seconds: int = 600
    offer_seconds: int = 1_800
    max_per_booking: int = 10
    max_per_user: int | None = None  # live places of one buyer at one showtime
    waitlist: Literal["off", "on_request"] = "on_request"
    # A choice of seats that leaves a single one beside it: nobody minds, the buyer is asked to
    # say that they mean it, or it is refused (bookings/core/orphans.py).
    orphans: OrphanRule = "off"
    cancellation: Cancellation = Cancellation()
    fee: Charge = Charge()
    tax: Charge = Charge()


class CategoryTerms(msgspec.Struct, frozen=True):
    """One category as the selling core sees it. ``sections`` is None where places are counted."""

    id: UUID
    name: str
    price: int
    sections: tuple[str, ...] | None

    @property
    def seated(self) -> bool:
        return self.sections is not None


class SaleTerms(msgspec.Struct, frozen=True):
    """Everything the selling core must know about a showtime that is not a counter.

    ``revision`` names this very set of terms: the store compares it under the lock, so that
    kept terms are never used after they changed.
    """

    showtime_id: UUID
    revision: int
    event_id: UUID
    organization_id: UUID
    title: str
    currency: str
    public: bool  # anybody may see it: the event is no draft
    on_sale: bool  # the event is published and the showtime not cancelled
    sales_open_at: datetime | None
    sales_close_at: datetime  # the start of the showtime where the event sets nothing
    starts_at: datetime
    seat_map_id: UUID | None
    policy: Policy
    categories: dict[UUID, CategoryTerms]

    def category_of_section(self, section: str) -> CategoryTerms | None:
        """The category in which a section's seats are sold; None when they are not for sale."""
        for category in self.categories.values():
            if category.sections is not None and section in category.sections:
                return category
        return None
