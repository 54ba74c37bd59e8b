"""Requests of the routes of the catalogue."""

from fullhouse.api.permissions import Permission
from tests.support.permissions import (
    Caller,
    Estate,
)
from tests.support.permissions_asks import (
    Ask,
    Entry,
    Hides,
    Make,
    asked,
    for_all_and_draft,
    free_time,
    plain,
    shown,
)

_P = Permission


def _sitting(event: str) -> Make:
    def make(estate: Estate, _caller: Caller) -> Ask:
        body = {"startsAt": free_time()}
        if event == "event":
            body["hallId"] = estate.hall
        return Ask({"event_id": getattr(estate, event)}, body=body)

    return make


def _shown_there(estate: Estate, _caller: Caller) -> Ask:
    there = {"venueId": estate.venue, "hallId": estate.hall}
    return Ask({"movie_id": estate.show}, query=there)


CONTENT: dict[str, tuple[Entry, ...]] = {
    "GET /events": (plain()[0], asked("venueId", "venue", public=True)),
    "GET /events/facets": (plain()[0], asked("venueId", "venue", public=True)),
    "GET /events/{key:str}": for_all_and_draft("key", "event", "draft"),
    "POST /events/{event_id:uuid}/showtimes": (
        Entry(_sitting("draft"), hides=Hides.DRAFTS),
        Entry(_sitting("event")),
    ),
    "GET /movies": plain(),
    "GET /movies/{movie_id:uuid}": for_all_and_draft("movie_id", "show", "draft_show"),
    "GET /movies/{movie_id:uuid}/showtimes": (
        *for_all_and_draft("movie_id", "show", "draft_show"),
        Entry(_shown_there, public=True),
    ),
    "GET /shows": plain(),
    "GET /shows/{show_id:uuid}": for_all_and_draft("show_id", "show", "draft_show"),
    "GET /showtimes": (
        asked("eventId", "event", public=True),
        asked("venueId", "venue", public=True),
        asked("hallId", "hall", public=True),
        # Lists show what one may see of them, be it nothing.
        asked("eventId", "draft"),
        asked("movieId", "draft_show"),
    ),
    "GET /showtimes/{showtime_id:uuid}": for_all_and_draft(
        "showtime_id", "showtime", "draft_showtime"
    ),
    "GET /users/me/favorites": plain(),
    "PUT /users/me/favorites/{event_id:uuid}": for_all_and_draft("event_id", "event", "draft"),
    "DELETE /users/me/favorites/{event_id:uuid}": (shown("event_id", "event", public=True),),
}
