"""Requests of the routes that cancel what is sold, or move it to another seat map."""

from uuid import UUID

from tests.support.permissions import Caller, Estate
from tests.support.permissions_asks import Ask, Entry, Hides, Make

_REASON = {"reason": "The singer is ill."}


def _event(*, published: bool) -> Make:
    """A fresh event with a showtime, because it is used up."""

    async def make(estate: Estate, _caller: Caller) -> Ask:
        event_id = await estate.new_draft(secret=False)
        if published:
            await estate.post(estate.owner, f"/events/{event_id}/publish", {})
        return Ask({"event_id": event_id}, body=_REASON)

    return make


def _showtime(*, published: bool) -> Make:
    """The same showtime, of an event of its own."""
    make_event = _event(published=published)

    async def make(estate: Estate, caller: Caller) -> Ask:
        made = make_event(estate, caller)
        assert not isinstance(made, Ask)
        event_id = UUID((await made).path["event_id"])
        showtime_id = await estate.connection.fetchval(
            "SELECT id FROM showtimes WHERE event_id = $1", event_id
        )
        return Ask({"showtime_id": str(showtime_id)}, body=_REASON)

    return make


def _moved(parameter: str, thing: str) -> Make:
    """To the map that it is sold by, which whoever may do so is told."""

    def make(estate: Estate, _caller: Caller) -> Ask:
        return Ask({parameter: getattr(estate, thing)}, body={"seatMapId": estate.seat_map})

    return make


# A draft without a hall has no seat map to be moved to.
_NO_HALL = frozenset({"validation_failed"})

SELLING: dict[str, tuple[Entry, ...]] = {
    "POST /events/{event_id:uuid}/cancel": (
        Entry(_event(published=False), hides=Hides.DRAFTS),
        Entry(_event(published=True)),
    ),
    "POST /showtimes/{showtime_id:uuid}/cancel": (
        Entry(_showtime(published=False), hides=Hides.DRAFTS),
        Entry(_showtime(published=True)),
    ),
    "PUT /showtimes/{showtime_id:uuid}/seat-map": (
        Entry(_moved("showtime_id", "draft_showtime"), hides=Hides.DRAFTS, refusals=_NO_HALL),
        Entry(_moved("showtime_id", "showtime")),
    ),
    "POST /events/{event_id:uuid}/seat-map": (
        Entry(_moved("event_id", "draft"), hides=Hides.DRAFTS, refusals=_NO_HALL),
        Entry(_moved("event_id", "event")),
    ),
}
