"""The terms on which an event sells, and where a show stands: decisions on plain values."""

from datetime import date, datetime, timedelta
from typing import Literal
from uuid import UUID

import msgspec

OrphanRule = Literal["off", "warn", "refuse"]
# Why everything of a showtime comes to an end, as those who have a place there are told.
CalledOff = Literal["event_cancelled", "showtime_cancelled"]

ShowStatus = Literal["now_showing", "coming_soon", "ended"]
SHOW_STATUSES: tuple[ShowStatus, ...] = ("now_showing", "coming_soon", "ended")
# A show whose next sitting is further away than this is coming soon rather than showing.
NOW_SHOWING_WITHIN = timedelta(days=7)


def show_status(
    *,
    released_on: date | None,
    ends_on: date | None,
    has_showtimes: bool,
    next_starts_at: datetime | None,
    now: datetime,
) -> ShowStatus:
    """Where a show stands; the dates of its release go before its showtimes.

    Not released yet is coming soon, and past its last day has ended. Otherwise it shows when its
    next showtime is under way or within seven days, and has ended when all it had are over; with
    a later one, or none at all, it is still to come. ``next_starts_at`` is that of the first
    showtime that is not over. Days are those of UTC, as ``now`` is: a show has no place of its own.

    ``store/shows.py`` says the same in SQL, for lists.
    """
    if released_on is not None and released_on > now.date():
        return "coming_soon"
    if ends_on is not None and ends_on < now.date():
        return "ended"
    if next_starts_at is not None:
        return "now_showing" if next_starts_at <= now + NOW_SHOWING_WITHIN else "coming_soon"
    return "ended" if has_showtimes else "coming_soon"


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
    """One category as the selling core sees it. ``sections`` is None where places are counted.

    ``usual`` is the category's own price, ``special`` the showtime's where it has one. ``areas``
    are the standing areas that its counted places are in, if any.
    """

    id: UUID
    name: str
    usual: int
    sections: tuple[str, ...] | None
    areas: tuple[str, ...] | None = None
    special: int | None = None

    @property
    def price(self) -> int:
        """What a place costs at this showtime."""
        return self.usual if self.special is None else self.special

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
    ends_at: datetime
    timezone: str  # IANA name
    seat_map_id: UUID | None
    policy: Policy
    categories: dict[UUID, CategoryTerms]
    hall_id: UUID | None = None
    location: str | None = None  # in words, where there is no venue
    called_off: CalledOff | None = None  # then whatever was booked is ended, too
    deleted: bool = False  # nobody may see it any more, whoever they are

    def category_of_section(self, section: str) -> CategoryTerms | None:
        """The category in which a section's seats are sold; None when they are not for sale."""
        for category in self.categories.values():
            if category.sections is not None and section in category.sections:
                return category
        return None
