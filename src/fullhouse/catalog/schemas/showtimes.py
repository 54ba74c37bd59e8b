"""What requests about showtimes hold, and how it becomes a draft."""

from uuid import UUID

from fullhouse.api.schemas import Body
from fullhouse.catalog.drafts import ShowtimeDraft
from fullhouse.catalog.schemas.events import Moment


class ShowtimeBody(Body):
    """One more sitting of an event, in the event's hall unless another is named."""

    starts_at: Moment
    ends_at: Moment | None = None
    hall_id: UUID | None = None


def showtime_draft(body: ShowtimeBody) -> ShowtimeDraft:
    """The draft that a body describes."""
    return ShowtimeDraft(body.starts_at, body.ends_at, body.hall_id)
