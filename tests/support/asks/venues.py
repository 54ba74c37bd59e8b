"""Requests of the routes of venues and halls."""

from collections.abc import Mapping
from typing import Any

from tests.support.permissions import Caller, Estate
from tests.support.permissions_asks import Ask, Entry, Hides, Make, asked, number, plain, shown

_PLACE = {"name": "Barn", "city": "Bern", "country": "CH", "timezone": "Europe/Zurich"}


async def _new_venue(estate: Estate, _caller: Caller) -> Ask:
    images = [await estate.new_picture()]
    body = {**_PLACE, "organizationId": estate.organization, "images": images}
    return Ask(body=body)


async def _changed_venue(estate: Estate, _caller: Caller) -> Ask:
    body = {"address": f"{number()} Mill Lane", "images": [await estate.new_picture()]}
    return Ask({"venue_id": estate.venue}, body=body)


def _new_hall(estate: Estate, _caller: Caller) -> Ask:
    return Ask({"venue_id": estate.venue}, body={"name": f"Hall {number()}"})


def _changed_hall(estate: Estate, _caller: Caller) -> Ask:
    return Ask({"hall_id": estate.hall}, body={"cleaningMinutes": number() % 1_000})


def _hidden_venue(body: Mapping[str, Any] | None = None) -> Make:
    """One more venue where no event is."""

    async def make(estate: Estate, _caller: Caller) -> Ask:
        return Ask({"venue_id": (await estate.new_venue())[0]}, body=body)

    return make


def _hidden_hall(body: Mapping[str, Any] | None = None) -> Make:
    """A hall of one more venue where no event is."""

    async def make(estate: Estate, _caller: Caller) -> Ask:
        return Ask({"hall_id": (await estate.new_venue())[1]}, body=body)

    return make


_VENUE = "/venues/{venue_id:uuid}"
_HALL = "/halls/{hall_id:uuid}"

VENUES: dict[str, tuple[Entry, ...]] = {
    "GET /venues": plain(),
    "GET /organizer/venues": (asked("organizationId", "organization"), plain(anywhere=True)[0]),
    f"GET {_VENUE}": (
        shown("venue_id", "venue", public=True),
        shown("venue_id", "hidden_venue", hides=Hides.VENUES),
    ),
    f"GET {_HALL}": (
        shown("hall_id", "hall", public=True),
        shown("hall_id", "hidden_hall", hides=Hides.VENUES),
    ),
    "POST /venues": (Entry(_new_venue),),
    f"PATCH {_VENUE}": (
        Entry(_hidden_venue({"city": "Bern"}), hides=Hides.VENUES),
        Entry(_changed_venue),
    ),
    f"DELETE {_VENUE}": (
        Entry(_hidden_venue(), hides=Hides.VENUES),
        # An event is there: whoever may delete it is told so.
        shown("venue_id", "venue", refusals=frozenset({"venue_in_use"})),
    ),
    f"POST {_VENUE}/halls": (
        Entry(_hidden_venue({"name": "One More"}), hides=Hides.VENUES),
        Entry(_new_hall),
    ),
    f"PATCH {_HALL}": (
        Entry(_hidden_hall({"name": "Another"}), hides=Hides.VENUES),
        Entry(_changed_hall),
    ),
    f"DELETE {_HALL}": (
        Entry(_hidden_hall(), hides=Hides.VENUES),
        shown("hall_id", "hall", refusals=frozenset({"hall_in_use"})),
    ),
}
