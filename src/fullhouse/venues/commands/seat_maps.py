"""Seat maps."""

from uuid import UUID

from fullhouse.api.audit import note
from fullhouse.api.errors import NOT_FOUND
from fullhouse.api.principal import Principal
from fullhouse.kit.db import Database
from fullhouse.kit.errors import Refused
from fullhouse.kit.ids import new_id
from fullhouse.kit.listener import notify
from fullhouse.venues.commands.places import require_keeper
from fullhouse.venues.layout import Layout
from fullhouse.venues.queries.seat_maps import built
from fullhouse.venues.seatmap import SeatMap
from fullhouse.venues.store import places
from fullhouse.venues.store import seat_maps as store


async def put_seat_map(
    database: Database, principal: Principal, hall_id: UUID, layout: Layout
) -> SeatMap:
    """Give a hall a new version of its seat map; earlier versions and their showtimes stay.

    Raises Refused: NOT_FOUND, FORBIDDEN, SEAT_MAP_INVALID with every place that is wrong.
    """
    async with database.read() as connection:
        hall = await places.find_hall(connection, hall_id)
    if hall is None:
        raise Refused(NOT_FOUND)
    require_keeper(principal, hall.organization_id)
    # Large maps take a while: no connection is held until it is clear that this one is sound.
    draft = await built(store.StoredSeatMap(new_id(), hall_id, 1, layout))
    async with database.begin() as connection:
        await places.lock_hall(connection, hall_id)
        version = await store.next_version(connection, hall_id)
        stored = store.StoredSeatMap(draft.id, hall_id, version, layout)
        await store.insert_seat_map(connection, stored, len(draft.seats))
        await note(
            connection,
            principal,
            "seat_map.created",
            "seat_map",
            draft.id,
            organization_id=hall.organization_id,
            after={"hallId": hall_id, "version": version, "seats": len(draft.seats)},
        )
        await notify(connection, "venues")
    return draft.with_version(version)
