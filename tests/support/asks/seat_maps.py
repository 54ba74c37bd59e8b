"""Requests of the routes of seat maps."""

import json

from fullhouse.api.examples import EXAMPLES
from tests.support.catalog import API
from tests.support.permissions import Caller, Estate
from tests.support.permissions_asks import Ask, Entry, Hides, shown
from tests.support.venues import picture


def _imported(estate: Estate, _caller: Caller) -> Ask:
    # With the section in which the events there are sold: others add showtimes by the newest map.
    text = json.dumps(EXAMPLES["SeatMapImportBody"]).replace('"Floor"', '"Main"')
    return Ask({"hall_id": estate.hall}, body=json.loads(text))


def _tried(estate: Estate, _caller: Caller) -> Ask:
    body = EXAMPLES["SeatMapImportBody"] | {"dryRun": True}
    return Ask({"hall_id": estate.hall}, body=body)


async def _pictured(estate: Estate, _caller: Caller) -> Ask:
    body = {"template": "grid", "rows": 2, "seatsPerRow": 2}
    image = await picture(estate.connection, estate.organization)
    return Ask({"hall_id": estate.hall}, body=body | {"backgroundImageId": image})


def _new_seat_map(estate: Estate, _caller: Caller) -> Ask:
    return Ask({"hall_id": estate.hall}, body={"template": "grid", "rows": 2, "seatsPerRow": 2})


async def _hidden(estate: Estate, _caller: Caller) -> Ask:
    """A map of a hall where no event is."""
    path = f"{API}/halls/{estate.hidden_hall}/seat-map"
    body = {"template": "grid", "rows": 1, "seatsPerRow": 1}
    made = await estate.client.put(path, json=body, headers=estate.owner.headers)
    return Ask({"seat_map_id": made.json()["id"]})


def _exported(estate: Estate, _caller: Caller) -> Ask:
    return Ask({"seat_map_id": estate.seat_map}, query={"format": "pretix"})


SEAT_MAPS: dict[str, tuple[Entry, ...]] = {
    "PUT /halls/{hall_id:uuid}/seat-map": (Entry(_new_seat_map), Entry(_pictured)),
    "GET /seat-maps/{seat_map_id:uuid}": (
        shown("seat_map_id", "seat_map", public=True),
        Entry(_hidden, hides=Hides.VENUES),
    ),
    "POST /halls/{hall_id:uuid}/seat-map/import": (Entry(_imported), Entry(_tried)),
    "GET /halls/{hall_id:uuid}/seat-maps": (shown("hall_id", "hall", public=True),),
    "GET /seat-maps/{seat_map_id:uuid}/compact": (shown("seat_map_id", "seat_map", public=True),),
    "GET /seat-maps/{seat_map_id:uuid}/svg": (
        shown("seat_map_id", "seat_map", public=True),
        Entry(_hidden, hides=Hides.VENUES),
    ),
    "GET /seat-maps/{seat_map_id:uuid}/export": (Entry(_exported, public=True),),
    "GET /seat-maps/{seat_map_id:uuid}/export/losses": (Entry(_exported, public=True),),
}
