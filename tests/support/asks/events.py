"""Requests of the routes with which organizers run their events and categories."""

from collections.abc import Mapping
from typing import Any

from tests.support.catalog import event_body
from tests.support.house import API
from tests.support.permissions import Caller, Estate
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


def _new_event(**fields: str) -> Make:
    """An event that names objects of the organization: fields of the body by their names here."""

    async def make(estate: Estate, _caller: Caller) -> Ask:
        named = {name: getattr(estate, thing) for name, thing in fields.items()}
        if "showId" in named:
            named |= {"kind": None}
        if "venueId" in named or "hallId" in named:
            named |= {"location": None}
        # Made by the owner of A too, and never to be seen by others.
        titles = {"title": f"Draft {estate.mark}", "startsAt": free_time()}
        return Ask(body=event_body(organizationId=estate.organization, **titles, **named))

    return make


async def _new_event_in_full(estate: Estate, _caller: Caller) -> Ask:
    return Ask(
        body=event_body(
            organizationId=estate.organization,
            title=f"Draft {estate.mark}",
            location=None,
            venueId=estate.venue,
            startsAt=None,
            showtimes=[{"startsAt": free_time(), "hallId": estate.hall}],
            images=[await estate.new_picture()],
        )
    )


def _draft(body: Mapping[str, Any] | None = None) -> Make:
    """One more draft."""

    async def make(estate: Estate, _caller: Caller) -> Ask:
        return Ask({"event_id": await estate.new_draft(secret=False)}, body=body)

    return make


async def _changed(estate: Estate, _caller: Caller) -> Ask:
    body = {
        "description": f"Change {number()}",
        "venueId": estate.venue,
        "hallId": estate.hall,
        "images": [await estate.new_picture()],
    }
    return Ask({"event_id": estate.event}, body=body)


def _copied(estate: Estate, _caller: Caller) -> Ask:
    return Ask({"event_id": estate.event}, body={"title": f"Draft {estate.mark}"})


async def _copied_draft(estate: Estate, _caller: Caller) -> Ask:
    body = {"title": f"Draft {estate.mark}", "shiftDays": 7}
    return Ask({"event_id": await estate.new_draft()}, body=body)


def _tier() -> dict[str, Any]:
    return {"name": f"Tier {number()}", "price": {"amount": 700}, "capacity": 3}


async def _category_of_draft(estate: Estate, _caller: Caller) -> Ask:
    return Ask({"event_id": await estate.new_draft(secret=False)}, body=_tier())


def _category_of_event(estate: Estate, _caller: Caller) -> Ask:
    return Ask({"event_id": estate.event}, body=_tier())


def _drafted(body: Mapping[str, Any] | None = None) -> Make:
    """A category of one more draft."""

    async def make(estate: Estate, _caller: Caller) -> Ask:
        event_id = await estate.new_draft(secret=False)
        address = f"{API}/events/{event_id}/categories"
        found = await estate.client.get(address, headers=estate.owner.headers)
        category_id = found.json()["items"][0]["id"]
        return Ask({"event_id": event_id, "category_id": category_id}, body=body)

    return make


def _category(name: str, body: Mapping[str, Any] | None = None) -> Make:
    """A category of the event that sells."""

    def make(estate: Estate, _caller: Caller) -> Ask:
        path = {"event_id": estate.event, "category_id": estate.categories[name]}
        return Ask(path, body=body)

    return make


_EVENT = "/events/{event_id:uuid}"
_ONE = f"{_EVENT}/categories/{{category_id:uuid}}"
_SOLD = frozenset({"event_has_bookings"})

EVENTS: dict[str, tuple[Entry, ...]] = {
    "POST /events": (
        Entry(_new_event()),
        Entry(_new_event(venueId="venue")),
        Entry(_new_event(hallId="hall")),
        Entry(_new_event_in_full),
        Entry(_new_event(showId="draft_show")),
    ),
    f"PATCH {_EVENT}": (
        Entry(_draft({"policy": {"maxPerUser": 4}}), hides=Hides.DRAFTS),
        Entry(_changed),
    ),
    f"DELETE {_EVENT}": (
        Entry(_draft(), hides=Hides.DRAFTS),
        # It has sold something: whoever may delete it is told so.
        shown("event_id", "event", refusals=_SOLD),
    ),
    f"POST {_EVENT}/publish": (
        Entry(_draft(), hides=Hides.DRAFTS),
        shown("event_id", "event"),
    ),
    f"GET {_EVENT}/publish-check": (
        Entry(_draft(), hides=Hides.DRAFTS),
        shown("event_id", "event"),
    ),
    f"POST {_EVENT}/unpublish": (
        Entry(_draft(), hides=Hides.DRAFTS),
        shown("event_id", "event", refusals=_SOLD),
    ),
    f"POST {_EVENT}/duplicate": (
        Entry(_copied_draft, hides=Hides.DRAFTS),
        Entry(_copied),
    ),
    "GET /organizer/events": (
        asked("organizationId", "organization"),
        asked("venueId", "venue", anywhere=True),
        plain(anywhere=True)[0],
    ),
    f"GET {_EVENT}/categories": for_all_and_draft("event_id", "event", "draft"),
    f"POST {_EVENT}/categories": (
        Entry(_category_of_draft, hides=Hides.DRAFTS),
        Entry(_category_of_event),
    ),
    f"PATCH {_ONE}": (
        Entry(_drafted({"price": {"amount": 1}}), hides=Hides.DRAFTS),
        Entry(_category("Stalls", {"benefits": ["A cushion"]})),
    ),
    f"DELETE {_ONE}": (
        Entry(_drafted(), hides=Hides.DRAFTS),
        # Somebody has it: whoever may delete it is told so.
        Entry(_category("Box"), refusals=frozenset({"category_has_bookings"})),
    ),
}
