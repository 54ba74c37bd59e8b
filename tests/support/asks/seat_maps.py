"""Requests of the routes of seat maps."""

from fullhouse.api.examples import EXAMPLES
from tests.support.permissions import Caller, Estate
from tests.support.permissions_asks import Ask, Entry, shown
from tests.support.venues import picture


def _imported(estate: Estate, _caller: Caller) -> Ask:
    return Ask({"hall_id": estate.hall}, body=EXAMPLES["SeatMapImportBody"])


def _tried(estate: Estate, _caller: Caller) -> Ask:
    body = EXAMPLES["SeatMapImportBody"] | {"dryRun": True}
    return Ask({"hall_id": estate.hall}, body=body)


async def _pictured(estate: Estate, _caller: Caller) -> Ask:
    body = {"template": "grid", "rows": 2, "seatsPerRow": 2}
    image = await picture(estate.connection, estate.organization)
    return Ask({"hall_id": estate.hall}, body=body | {"backgroundImageId": image})


def _new_seat_map(estate: Estate, _caller: Caller) -> Ask:
    return Ask({"hall_id": estate.hall}, body={"template": "grid", "rows": 2, "seatsPerRow": 2})


def _exported(estate: Estate, _caller: Caller) -> Ask:
    return Ask({"seat_map_id": estate.seat_map}, query={"format": "pretix"})


SEAT_MAPS: dict[str, tuple[Entry, ...]] = {
    "PUT /halls/{hall_id:uuid}/seat-map": (Entry(_new_seat_map), Entry(_pictured)),
    "GET /seat-maps/{seat_map_id:uuid}": (shown("seat_map_id", "seat_map", public=True),),
    "POST /halls/{hall_id:uuid}/seat-map/import": (Entry(_imported), Entry(_tried)),
    "GET /halls/{hall_id:uuid}/seat-maps": (shown("hall_id", "hall", public=True),),
    "GET /seat-maps/{seat_map_id:uuid}/compact": (shown("seat_map_id", "seat_map", public=True),),
    "GET /seat-maps/{seat_map_id:uuid}/export": (Entry(_exported, public=True),),
}
