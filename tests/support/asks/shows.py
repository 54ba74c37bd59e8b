"""Requests of the routes with which organizers keep their shows."""

from collections.abc import Mapping
from typing import Any

from tests.support.permissions import Caller, Estate
from tests.support.permissions_asks import (
    Ask,
    Entry,
    Hides,
    Make,
    asked,
    free_time,
    number,
    plain,
    shown,
    table,
)


async def _new_show(estate: Estate, _caller: Caller) -> Ask:
    body = {"kind": "play", "title": f"Play {number()}", "images": [await estate.new_picture()]}
    return Ask(body={**body, "organizationId": estate.organization})


def _hidden(body: Mapping[str, Any] | None = None) -> Make:
    """One more show that no event puts on."""

    async def make(estate: Estate, _caller: Caller) -> Ask:
        fields = {"kind": "play", "title": f"Rehearsal {estate.mark}"}
        show = await estate.post(estate.owner, "/shows", fields)
        estate.secrets.add(show["id"])
        return Ask({"show_id": show["id"]}, body=body)

    return make


async def _illustrated(estate: Estate, _caller: Caller) -> Ask:
    return Ask({"show_id": estate.show}, body={"images": [await estate.new_picture()]})


def _shows(estate: Estate, _caller: Caller) -> Ask:
    line = {"kind": "play", "title": f"Imported {number()}"}
    return table(line, organizationId=estate.organization)


def _showtimes(estate: Estate, _caller: Caller) -> Ask:
    line = {"event": estate.event, "startsAt": free_time(), "hall": estate.hall}
    return table(line, organizationId=estate.organization)


SHOWS: dict[str, tuple[Entry, ...]] = {
    "POST /shows": (Entry(_new_show),),
    "PATCH /shows/{show_id:uuid}": (
        Entry(_hidden({"genre": "Drama"}), hides=Hides.DRAFTS),
        Entry(_illustrated),
    ),
    "DELETE /shows/{show_id:uuid}": (
        Entry(_hidden(), hides=Hides.DRAFTS),
        # An event puts it on: whoever may delete it is told so.
        shown("show_id", "show", refusals=frozenset({"show_in_use"})),
    ),
    "POST /organizer/import/shows": (Entry(_shows),),
    "POST /organizer/import/showtimes": (Entry(_showtimes),),
    "GET /organizer/shows": (
        asked("organizationId", "organization"),
        plain(anywhere=True)[0],
    ),
}
