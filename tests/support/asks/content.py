"""Requests of the routes of venues and catalogue."""

from fullhouse.api.permissions import Permission
from tests.support.catalog import event_body
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
    number,
    plain,
    shown,
)

_P = Permission


async def _draft(estate: Estate, _caller: Caller) -> Ask:
    return Ask({"event_id": await estate.new_draft(secret=False)})


def _new_venue(estate: Estate, _caller: Caller) -> Ask:
    place = {"name": "Barn", "city": "Bern", "country": "CH", "timezone": "Europe/Zurich"}
    return Ask(body={**place, "organizationId": estate.organization})


def _new_event(**fields: str) -> Make:
    """An event that names objects of the organization: fields of the body by their names here."""

    def make(estate: Estate, _caller: Caller) -> Ask:
        named = {name: getattr(estate, thing) for name, thing in fields.items()}
        if "showId" in named:
            named |= {"kind": None}
        if "venueId" in named or "hallId" in named:
            named |= {"location": None}
        # Made by the owner of A too, and never to be seen by others.
        titles = {"title": f"Draft {estate.mark}", "startsAt": free_time()}
        return Ask(body=event_body(organizationId=estate.organization, **titles, **named))

    return make


def _new_hall(estate: Estate, _caller: Caller) -> Ask:
    return Ask({"venue_id": estate.venue}, body={"name": f"Hall {number()}"})


def _new_seat_map(estate: Estate, _caller: Caller) -> Ask:
    body = {"template": "grid", "rows": 2, "seatsPerRow": 2}
    return Ask({"hall_id": estate.hall}, body=body)


def _sitting(event: str) -> Make:
    def make(estate: Estate, _caller: Caller) -> Ask:
        body = {"startsAt": free_time()}
        if event == "event":
            body["hallId"] = estate.hall
        return Ask({"event_id": getattr(estate, event)}, body=body)

    return make


CONTENT: dict[str, tuple[Entry, ...]] = {
    "GET /venues": plain(),
    "GET /venues/{venue_id:uuid}": (shown("venue_id", "venue", public=True),),
    "POST /venues": (Entry(_new_venue),),
    "POST /venues/{venue_id:uuid}/halls": (Entry(_new_hall),),
    "PUT /halls/{hall_id:uuid}/seat-map": (Entry(_new_seat_map),),
    "GET /seat-maps/{seat_map_id:uuid}": (shown("seat_map_id", "seat_map", public=True),),
    "GET /events": (plain()[0], asked("venueId", "venue", public=True)),
    "GET /events/facets": (plain()[0], asked("venueId", "venue", public=True)),
    "GET /events/{key:str}": for_all_and_draft("key", "event", "draft"),
    "POST /events": (
        Entry(_new_event()),
        Entry(_new_event(venueId="venue")),
        Entry(_new_event(hallId="hall")),
        Entry(_new_event(showId="draft_show")),
    ),
    "POST /events/{event_id:uuid}/publish": (
        Entry(_draft, hides=Hides.DRAFTS),
        shown("event_id", "event"),
    ),
    "POST /events/{event_id:uuid}/showtimes": (
        Entry(_sitting("draft"), hides=Hides.DRAFTS),
        Entry(_sitting("event")),
    ),
    "GET /organizer/events": (
        asked("organizationId", "organization"),
        plain(anywhere=True)[0],
    ),
    "GET /movies": plain(),
    "GET /movies/{movie_id:uuid}": for_all_and_draft("movie_id", "show", "draft_show"),
    "GET /movies/{movie_id:uuid}/showtimes": for_all_and_draft("movie_id", "show", "draft_show"),
    "GET /shows": plain(),
    "GET /shows/{show_id:uuid}": for_all_and_draft("show_id", "show", "draft_show"),
    "GET /showtimes": (
        asked("eventId", "event", public=True),
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
