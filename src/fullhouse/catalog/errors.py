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
    "Make a new event.",
)
SCHEDULE_CONFLICT = Code(
    "schedule_conflict",
    Kind.CONFLICT,
    "The hall is not free at that time; the time for cleaning it counts too.",
    "Choose another time or hall, or move the showtime that the member conflict names.",
)

TOO_MANY_FAVORITES = Code(
    "too_many_favorites",
    Kind.CONFLICT,
    "A person can have at most 1,000 favourite events.",
    "Unmark some first.",
)

CODES = (NOT_PUBLISHABLE, EVENT_CLOSED, SCHEDULE_CONFLICT, TOO_MANY_FAVORITES)
