"""What the catalogue tells the rest of the house, through the outbox.

Topics: ``showtime.rescheduled``.
"""

from datetime import datetime
from uuid import UUID

import msgspec

RESCHEDULED = "showtime.rescheduled"


class Sitting(msgspec.Struct, frozen=True, rename="camel"):
    """When and where a showtime is."""

    starts_at: datetime
    ends_at: datetime
    hall_id: UUID | None


class ShowtimeRescheduled(msgspec.Struct, frozen=True, rename="camel"):
    """A showtime that was moved; whoever holds a place at it must hear of it."""

    showtime_id: UUID
    event_id: UUID
    before: Sitting
    after: Sitting
