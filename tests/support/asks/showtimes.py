"""Requests of the routes of showtimes and calendars."""

from collections.abc import Mapping
from typing import Any

from tests.support.catalog import in_days
from tests.support.permissions import Caller, Estate
from tests.support.permissions_asks import (
    Ask,
    Entry,
    Hides,
    Make,
    asked,
    number,
    plain,
    shown,
)


def _own_time() -> str:
    """A day that no other request names, in whichever hall."""
    return in_days(1_100 + number() % 20_000)


async def _showtime_of(estate: Estate, event: str) -> str:
    """A fresh showtime of the published event, or of the draft."""
    body = {"startsAt": _own_time()}
    event_id = getattr(estate, event)
    made = await estate.post(estate.owner, f"/events/{event_id}/showtimes", body)
    if event == "draft":
        estate.secrets.add(made["id"])
    return str(made["id"])


def _named(event: str, body: Mapping[str, Any] | None = None) -> Make:
    async def make(estate: Estate, _caller: Caller) -> Ask:
        return Ask({"showtime_id": await _showtime_of(estate, event)}, body=body)

    return make


def _moved(event: str) -> Make:
    async def make(estate: Estate, _caller: Caller) -> Ask:
        body = {"startsAt": _own_time()}
        if event == "event":
            body["hallId"] = estate.hall
        return Ask({"showtime_id": await _showtime_of(estate, event)}, body=body)

    return make


def _many(event: str, *, by_rule: bool = False) -> Make:
    def make(estate: Estate, _caller: Caller) -> Ask:
        first = in_days(22_000 + number() % 20_000)[:10]
        body: dict[str, Any] = {"from": first, "times": ["10:00"], "durationMinutes": 5}
        if by_rule:
            body["repeat"] = {"every": "day", "count": 1}
        else:
            body["to"] = first
        if event == "event":
            body |= {"hallId": estate.hall, "skipConflicts": True}
        return Ask({"event_id": getattr(estate, event)}, body=body)

    return make


SHOWTIMES: dict[str, tuple[Entry, ...]] = {
    "GET /organizer/showtimes": (
        asked("organizationId", "organization"),
        asked("eventId", "draft", anywhere=True),
        asked("venueId", "venue", anywhere=True),
        asked("hallId", "hall", anywhere=True),
        plain(anywhere=True)[0],
    ),
    "POST /events/{event_id:uuid}/showtimes/generate": (
        Entry(_many("draft"), hides=Hides.DRAFTS),
        Entry(_many("event")),
    ),
    "POST /events/{event_id:uuid}/showtimes/series": (
        Entry(_many("draft", by_rule=True), hides=Hides.DRAFTS),
        Entry(_many("event", by_rule=True)),
    ),
    "PATCH /showtimes/{showtime_id:uuid}": (
        Entry(_moved("draft"), hides=Hides.DRAFTS),
        Entry(_moved("event")),
    ),
    "DELETE /showtimes/{showtime_id:uuid}": (
        Entry(_named("draft"), hides=Hides.DRAFTS),
        Entry(_named("event")),
    ),
    "GET /events/{key:str}/calendar.ics": (
        shown("key", "event", public=True),
        # Nobody's draft is in a calendar that anybody may have the address of.
        shown("key", "draft", closed=True, hides=Hides.FROM_ALL),
    ),
    "GET /venues/{venue_id:uuid}/calendar.ics": (shown("venue_id", "venue", public=True),),
}
