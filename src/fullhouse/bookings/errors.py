"""How the selling core says no to people: the documented codes, and which outcome is which."""

from typing import Any

from fullhouse.api.errors import NOT_FOUND
from fullhouse.api.idempotency import IDEMPOTENCY_KEY_REUSED
from fullhouse.bookings.core.types import Outcome, Result
from fullhouse.kit.errors import UNAVAILABLE, Code, Kind, Refused

SOLD_OUT = Code(
    "sold_out",
    Kind.CONFLICT,
    "There are not enough free places, or others are waiting for them.",
    "Ask for no more places than the available member says, for another category or showtime, or,"
    " where any place will do, send joinWaitlist to join the line.",
)
SEATS_TAKEN = Code(
    "seats_taken",
    Kind.CONFLICT,
    "At least one of the seats is no longer free; none was reserved.",
    "Choose others: the seats member names those that are gone.",
)
LIMIT_EXCEEDED = Code(
    "limit_exceeded",
    Kind.CONFLICT,
    "This is more than one booking or one buyer may have here.",
    "Ask for at most the number in the limit member.",
)
ORPHAN_SEATS = Code(
    "orphan_seats",
    Kind.CONFLICT,
    "The choice would leave a single seat beside it, which hardly anybody would buy.",
    "Choose seats so that none or at least two stay free beside them, or take those that"
    " POST /showtimes/{id}/best-available proposes. Where the event only warns of this, send"
    " allowOrphans to take them nevertheless.",
)
SALES_CLOSED = Code(
    "sales_closed",
    Kind.CONFLICT,
    "Tickets for this showtime are not on sale now.",
    "See salesOpenAt and salesCloseAt of the event; a past or cancelled showtime stays closed.",
)
SEATS_REQUIRED = Code(
    "seats_required",
    Kind.INVALID,
    "This category is sold by seat.",
    "Name the seats instead of a quantity, or join the line for any seats.",
)
SEATS_NOT_FOR_SALE = Code(
    "seats_not_for_sale",
    Kind.INVALID,
    "No category of this event includes that seat.",
    "Choose seats that GET /showtimes/{id}/seats lists with a categoryId.",
)
DUPLICATE_SEAT = Code(
    "duplicate_seat",
    Kind.INVALID,
    "The same seat is named more than once.",
    "Name each seat once; A1, A01 and A-1 are the same seat.",
)
NO_SEAT_MAP = Code(
    "no_seat_map",
    Kind.INVALID,
    "This showtime has no seats to choose from.",
    "Send items with a categoryId and a quantity.",
)
UNKNOWN_CATEGORY = Code(
    "unknown_category",
    Kind.INVALID,
    "The showtime has no such category.",
    "Use a categoryId that GET /showtimes/{id} lists.",
)
WAITLIST_ONE_CATEGORY = Code(
    "waitlist_one_category",
    Kind.INVALID,
    "One can wait for one category at a time.",
    "Send one request for each category.",
)
PAYMENT_REQUIRED = Code(
    "payment_required",
    Kind.CONFLICT,
    "The booking has to be paid before it is confirmed.",
    "Pay it, or let a member of the organization confirm it at the counter.",
)
BOOKING_EXPIRED = Code(
    "booking_expired",
    Kind.CONFLICT,
    "The time to complete this booking has run out and its places are free again.",
    "Make a new booking.",
)
CANCELLATION_CLOSED = Code(
    "cancellation_closed",
    Kind.CONFLICT,
    "The event does not, or no longer, allow buyers to cancel.",
    "Ask the organizer, who can cancel at any time.",
)
TRANSITION_REFUSED = Code(
    "transition_refused",
    Kind.CONFLICT,
    "A booking in this status cannot change that way.",
    "Read the booking for its present status.",
)
BELOW_COMMITTED = Code(
    "below_committed",
    Kind.CONFLICT,
    "The capacity would fall below the places that are held, sold or blocked.",
    "Set at least the number in the limit member, or free places first.",
)
SEATED_CATEGORY = Code(
    "seated_category",
    Kind.INVALID,
    "The places of this category are the seats of the seat map.",
    "Block or unblock seats instead.",
)
SHOWTIME_CLOSED = Code(
    "showtime_closed",
    Kind.CONFLICT,
    "The showtime was cancelled, is over, or has begun and is moved no more.",
    "Read the showtime for its status and times.",
)
SECTIONS_MISSING = Code(
    "sections_missing",
    Kind.CONFLICT,
    "A category is sold in a section or standing area that the seat map does not have.",
    "Change the category, or give the seat map the parts that the member sections lists.",
)
SEATS_MISSING = Code(
    "seats_missing",
    Kind.CONFLICT,
    "Seats that are held, sold or blocked are not in the seat map under the same name.",
    "Give the seat map the seats that the member seats lists, or free them first.",
)
TOO_MANY_SHOWTIMES = Code(
    "too_many_showtimes",
    Kind.CONFLICT,
    "The event has more than 200 showtimes to be moved at once.",
    "Move them one by one.",
)

ACCOUNT_HOLDS_TICKETS = Code(
    "account_holds_tickets",
    Kind.CONFLICT,
    "The account has bookings, or places in line, for showtimes that are not over.",
    "Cancel those that the member bookings lists, or wait until they are over.",
)
ORGANIZATION_HAS_SALES = Code(
    "organization_has_sales",
    Kind.CONFLICT,
    "People have bookings, or places in line, at showtimes of the organization that are not over.",
    "Cancel those that the member bookings lists, or wait until they are over.",
)

CODES = (
    SOLD_OUT,
    SEATS_TAKEN,
    ORPHAN_SEATS,
    LIMIT_EXCEEDED,
    SALES_CLOSED,
    SEATS_REQUIRED,
    SEATS_NOT_FOR_SALE,
    DUPLICATE_SEAT,
    NO_SEAT_MAP,
    UNKNOWN_CATEGORY,
    WAITLIST_ONE_CATEGORY,
    PAYMENT_REQUIRED,
    BOOKING_EXPIRED,
    CANCELLATION_CLOSED,
    TRANSITION_REFUSED,
    BELOW_COMMITTED,
    SEATED_CATEGORY,
    SHOWTIME_CLOSED,
    SECTIONS_MISSING,
    SEATS_MISSING,
    TOO_MANY_SHOWTIMES,
    ACCOUNT_HOLDS_TICKETS,
    ORGANIZATION_HAS_SALES,
)

_CODE_OF_OUTCOME = {
    Outcome.SOLD_OUT: SOLD_OUT,
    Outcome.SEATS_TAKEN: SEATS_TAKEN,
    Outcome.ORPHAN_SEATS: ORPHAN_SEATS,
    Outcome.LIMIT_EXCEEDED: LIMIT_EXCEEDED,
    Outcome.SALES_CLOSED: SALES_CLOSED,
    Outcome.SEATS_REQUIRED: SEATS_REQUIRED,
    Outcome.SEATS_NOT_FOR_SALE: SEATS_NOT_FOR_SALE,
    Outcome.UNKNOWN_CATEGORY: UNKNOWN_CATEGORY,
    Outcome.WAITLIST_ONE_CATEGORY: WAITLIST_ONE_CATEGORY,
    Outcome.KEY_REUSED: IDEMPOTENCY_KEY_REUSED,
    Outcome.PAYMENT_REQUIRED: PAYMENT_REQUIRED,
    Outcome.EXPIRED: BOOKING_EXPIRED,
    Outcome.UNFULFILLABLE: BOOKING_EXPIRED,
    Outcome.CANCELLATION_CLOSED: CANCELLATION_CLOSED,
    Outcome.TRANSITION_REFUSED: TRANSITION_REFUSED,
    Outcome.BELOW_COMMITTED: BELOW_COMMITTED,
    Outcome.SEATED_CATEGORY: SEATED_CATEGORY,
    Outcome.SHOWTIME_CLOSED: SHOWTIME_CLOSED,
    Outcome.SECTIONS_MISSING: SECTIONS_MISSING,
    Outcome.SEATS_MISSING: SEATS_MISSING,
    Outcome.OTHER_SEAT_MAP: UNAVAILABLE,
    Outcome.UNKNOWN_SHOWTIME: NOT_FOUND,
    Outcome.UNKNOWN_BOOKING: NOT_FOUND,
}


# A refusal of another seat map names no more of what it lacks.
_MOST_NAMED = 100


def granted(result: Result, **about: Any) -> Result:
    """The result itself when the wish was fulfilled; else raises the refusal it stands for.

    ``about`` are further members of the refusal.
    """
    code = _CODE_OF_OUTCOME.get(result.outcome)
    if code is None:
        return result
    if code is UNAVAILABLE:
        # Its seat map changes faster than it can be read: a moment later it will have settled.
        raise Refused(UNAVAILABLE, retry_after_seconds=1)
    members: dict[str, Any] = about
    if result.outcome is Outcome.SECTIONS_MISSING:
        members["sections"] = result.seats[:_MOST_NAMED]
    elif result.outcome is Outcome.SEATS_MISSING:
        members["seats"] = result.seats[:_MOST_NAMED]
    elif result.seats:
        members["seats"] = result.seats
    if result.limit is not None:
        members["limit"] = result.limit
    if result.outcome is Outcome.SOLD_OUT and result.allotment is not None:
        # What is free belongs to those in the line, so to anybody else it is nothing.
        allotment = result.allotment
        members["categoryId"] = str(allotment.category_id)
        members["available"] = 0 if allotment.waiting else allotment.available
    if result.booking is not None:
        members["bookingStatus"] = result.booking.status.value
    raise Refused(code, **members)
