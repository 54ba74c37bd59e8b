"""What the catalogue refuses."""

from fullhouse.kit.errors import Code, Kind

NOT_PUBLISHABLE = Code(
    "not_publishable",
    Kind.CONFLICT,
    "The event lacks something that it needs to be sold.",
    "Add what the member missing lists, then publish again.",
)
EVENT_CLOSED = Code(
    "event_closed",
    Kind.CONFLICT,
    "The event was cancelled or has ended.",
    "It stays as it is, on record; POST /events/{eventId}/duplicate copies it.",
)
SCHEDULE_CONFLICT = Code(
    "schedule_conflict",
    Kind.CONFLICT,
    "The hall is not free at that time; the time for cleaning it counts too.",
    "Choose another time or hall, or move the showtime that the member conflict names.",
)
SHOWTIME_BEGUN = Code(
    "showtime_begun",
    Kind.CONFLICT,
    "The showtime of a published event has begun, or is over: it stays when and where it was.",
    "Add another showtime.",
)
STARTS_IN_PAST = Code(
    "starts_in_past",
    Kind.INVALID,
    "A showtime of a published event cannot begin before now.",
    "Choose a start that is still to come.",
)
SHOWTIME_CANCELLED = Code(
    "showtime_cancelled",
    Kind.CONFLICT,
    "The showtime was cancelled.",
    "Add another showtime.",
)
SHOWTIME_HAS_BOOKINGS = Code(
    "showtime_has_bookings",
    Kind.CONFLICT,
    "Somebody has a place at the showtime, waits for one, or has a booking there that has ended: "
    "bookings stay on record with their showtime.",
    "Cancel the showtime instead, unless it is: that ends every booking, and what was paid is owed"
    " back.",
)
SEATS_CLAIMED = Code(
    "seats_claimed",
    Kind.CONFLICT,
    "Places of the showtime are held, sold or blocked, or somebody waits for one, and these are "
    "places in its present hall.",
    "Unblock what is blocked; where something is sold, add a showtime in the other hall and "
    "cancel this one.",
)

SHOW_IN_USE = Code(
    "show_in_use",
    Kind.CONFLICT,
    "Events that are neither over nor cancelled put the show on; eventIds names them.",
    "Cancel or delete those events first.",
)
CSV_INVALID = Code(
    "csv_invalid",
    Kind.INVALID,
    "The file is no table that can be imported.",
    "Correct what errors names; the first line must name the columns.",
)
IMPORT_FAILED = Code(
    "import_failed",
    Kind.INVALID,
    "Lines of the table fail, and nothing was imported.",
    "Correct what lines tells and send the table again; partial=true imports what does not fail.",
)
EVENT_HAS_BOOKINGS = Code(
    "event_has_bookings",
    Kind.CONFLICT,
    "Somebody has a place at the event or waits for one; bookings that have ended keep it from"
    " being deleted, too.",
    "Cancel the event instead: that ends every booking, and what was paid is owed back.",
)
EVENT_HAS_SHOWTIMES = Code(
    "event_has_showtimes",
    Kind.CONFLICT,
    "The event has showtimes, and those are at its venue or location.",
    "Delete its showtimes first, or make a new event for the other place.",
)
SLUG_TAKEN = Code(
    "slug_taken",
    Kind.CONFLICT,
    "Another event has this slug.",
    "Choose another one.",
)
CURRENCY_FIXED = Code(
    "currency_fixed",
    Kind.CONFLICT,
    "Places of the event have been held or sold, or changed in number, at its prices.",
    "Make a new event for the other currency; POST /events/{eventId}/duplicate copies this one.",
)
CATEGORY_EXISTS = Code(
    "category_exists",
    Kind.CONFLICT,
    "The event has a category of this name; case and blanks do not tell names apart.",
    "Choose another name, or change the category that has it.",
)
TOO_MANY_CATEGORIES = Code(
    "too_many_categories",
    Kind.CONFLICT,
    "An event can have at most 100 categories.",
    "Delete one first.",
)
CATEGORY_HAS_BOOKINGS = Code(
    "category_has_bookings",
    Kind.CONFLICT,
    "Places of the category are held, sold or blocked, or somebody waits for one.",
    "Let it be as it is, or free its places first; to sell no more, set its capacity at each"
    " showtime.",
)
LAST_CATEGORY = Code(
    "last_category",
    Kind.CONFLICT,
    "It is the only category of an event that is published.",
    "Add another category first, or make a draft of the event again.",
)

TOO_MANY_FAVORITES = Code(
    "too_many_favorites",
    Kind.CONFLICT,
    "A person can have at most 1,000 favourite events.",
    "Unmark some first.",
)

CODES = (
    EVENT_HAS_BOOKINGS,
    EVENT_HAS_SHOWTIMES,
    SLUG_TAKEN,
    CURRENCY_FIXED,
    CATEGORY_EXISTS,
    TOO_MANY_CATEGORIES,
    CATEGORY_HAS_BOOKINGS,
    LAST_CATEGORY,
    NOT_PUBLISHABLE,
    EVENT_CLOSED,
    SCHEDULE_CONFLICT,
    SHOWTIME_BEGUN,
    STARTS_IN_PAST,
    SHOWTIME_CANCELLED,
    SHOWTIME_HAS_BOOKINGS,
    SEATS_CLAIMED,
    SHOW_IN_USE,
    CSV_INVALID,
    IMPORT_FAILED,
    TOO_MANY_FAVORITES,
)
