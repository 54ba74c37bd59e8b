"""Requests of the routes that sell."""

from typing import Any

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
    plain,
    shown,
)

_P = Permission


async def _booking(estate: Estate, _caller: Caller) -> Ask:
    return Ask({"booking_id": await estate.new_booking()})


async def _own_booking(estate: Estate, caller: Caller) -> Ask:
    return Ask({"booking_id": await estate.new_booking(caller)})


async def _own_entry(estate: Estate, caller: Caller) -> Ask:
    return Ask({"entry_id": await estate.new_entry(caller)})


def _allotment(showtime: str) -> Make:
    def make(estate: Estate, _caller: Caller) -> Ask:
        drafted = showtime == "draft_showtime"
        category = estate.draft_category if drafted else estate.categories["Free"]
        path = {"showtime_id": getattr(estate, showtime), "category_id": category}
        return Ask(path, body={"blocked": 1})

    return make


def _seats(estate: Estate, _caller: Caller) -> Ask:
    return Ask({"showtime_id": estate.showtime}, body={"seats": [estate.new_seat()]})


def _best_seats(showtime: str) -> Make:
    def make(estate: Estate, _caller: Caller) -> Ask:
        body: dict[str, Any] = {"quantity": 1}
        if showtime == "showtime":
            body["categoryId"] = estate.categories["Stalls"]
        return Ask({"showtime_id": getattr(estate, showtime)}, body=body)

    return make


def _order(estate: Estate, _caller: Caller) -> Ask:
    items = [{"categoryId": estate.categories["Free"], "quantity": 1}]
    return Ask(body={"showtimeId": estate.showtime, "items": items})


def _order_seat(estate: Estate, _caller: Caller) -> Ask:
    return Ask(body={"showtimeId": estate.showtime, "seats": [estate.new_seat()]})


# An administrator belongs to no organization, and is asked which one is meant.
_WHOSE = frozenset({"organization_required"})

SALES: dict[str, tuple[Entry, ...]] = {
    "GET /showtimes/{showtime_id:uuid}/seats": for_all_and_draft(
        "showtime_id", "showtime", "draft_showtime"
    ),
    "POST /showtimes/{showtime_id:uuid}/best-available": (
        Entry(_best_seats("showtime"), public=True),
        Entry(
            _best_seats("draft_showtime"),
            needs=_P.EVENTS_READ,
            hides=Hides.FROM_ALL,
            refusals=frozenset({"no_seat_map"}),  # the draft is sold by numbers
        ),
    ),
    "GET /showtimes/{showtime_id:uuid}/availability": for_all_and_draft(
        "showtime_id", "showtime", "draft_showtime"
    ),
    "POST /showtimes/{showtime_id:uuid}/seats/block": (Entry(_seats),),
    "POST /showtimes/{showtime_id:uuid}/seats/unblock": (Entry(_seats),),
    "PATCH /showtimes/{showtime_id:uuid}/allotments/{category_id:uuid}": (
        Entry(_allotment("showtime")),
        Entry(_allotment("draft_showtime"), hides=Hides.DRAFTS),
    ),
    "POST /bookings": (Entry(_order, public=True), Entry(_order_seat, public=True)),
    "GET /bookings": plain(),
    "GET /bookings/{booking_id:uuid}": (
        Entry(_own_booking, public=True, of_people=True),
        Entry(_booking, needs=_P.BOOKINGS_READ, hides=Hides.FROM_ALL),
    ),
    **{
        route: (
            Entry(_own_booking, public=True, of_people=True),
            Entry(_booking, needs=_P.BOOKINGS_WRITE, hides=Hides.BOOKINGS),
        )
        for route in (
            "POST /bookings/{booking_id:uuid}/confirm",
            "POST /bookings/{booking_id:uuid}/cancel",
            "DELETE /bookings/{booking_id:uuid}",
        )
    },
    "GET /organizer/bookings": (
        asked("eventId", "event", anywhere=True, refusals=_WHOSE),
        asked("showtimeId", "showtime", anywhere=True, refusals=_WHOSE),
        plain(anywhere=True, refusals=_WHOSE)[0],
        asked("organizationId", "organization"),
    ),
    "GET /waitlist": plain(),
    "DELETE /waitlist/{entry_id:uuid}": (
        Entry(_own_entry, public=True),
        shown("entry_id", "entry", closed=True, hides=Hides.FROM_ALL),
    ),
}
