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

CODES = (NOT_PUBLISHABLE, EVENT_CLOSED)
