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

TOO_MANY_FAVORITES = Code(
    "too_many_favorites",
    Kind.CONFLICT,
    "A person can have at most 1,000 favourite events.",
    "Unmark some first.",
)

CODES = (NOT_PUBLISHABLE, EVENT_CLOSED, TOO_MANY_FAVORITES)
