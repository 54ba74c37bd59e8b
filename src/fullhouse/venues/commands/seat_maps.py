"""Seat maps."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from fullhouse.api.audit import note
from fullhouse.api.errors import NOT_FOUND
from fullhouse.api.principal import Principal
from fullhouse.kit.db import Database
from fullhouse.kit.errors import FieldError, Refused
from fullhouse.kit.ids import new_id
from fullhouse.kit.listener import notify
from fullhouse.media.queries import check_usable
from fullhouse.venues.commands.places import require_keeper
from fullhouse.venues.errors import SEAT_MAP_INVALID
from fullhouse.venues.exchange.documents import Format, layout_from
from fullhouse.venues.exchange.losses import Loss
from fullhouse.venues.layout import Layout
from fullhouse.venues.queries.seat_maps import built
from fullhouse.venues.seatmap import SeatMap
from fullhouse.venues.store import places
from fullhouse.venues.store import seat_maps as store

# A shorter document is converted before another thread would have begun.
_SMALL_DOCUMENT = 100_000


@dataclass(frozen=True, slots=True)
class Imported:
    """The seat map that an import made or, in a dry run, would have made, and what it lost."""

    seat_map: SeatMap
    losses: list[Loss]


async def put_seat_map(
    database: Database, principal: Principal, hall_id: UUID, layout: Layout
) -> SeatMap:
    """Give a hall a new version of its seat map; earlier versions and their showtimes stay.

    Raises Refused: NOT_FOUND, FORBIDDEN, SEAT_MAP_INVALID with every place that is wrong.
    """
    hall = await _hall_to_change(database, principal, hall_id)
    draft = await _drafted(hall_id, layout)
    return await _kept(database, principal, hall, layout, draft)


async def import_seat_map(
    database: Database,
    principal: Principal,
    hall_id: UUID,
    format: Format,
    document: bytes,
    *,
    name: str | None = None,
    dry_run: bool = False,
) -> Imported:
    """Give a hall a new version of its seat map, from a document of another system.

    With ``dry_run`` nothing is kept. Raises Refused: NOT_FOUND, FORBIDDEN, SEAT_MAP_INVALID with
    the places of the document that are wrong.
    """
    hall = await _hall_to_change(database, principal, hall_id)
    if len(document) <= _SMALL_DOCUMENT:
        layout, losses = layout_from(format, document, name)
    else:
        layout, losses = await asyncio.to_thread(layout_from, format, document, name)
    draft = await _drafted(hall_id, layout)
    if not dry_run:
        told = {"format": format, "losses": len(losses)}
        draft = await _kept(database, principal, hall, layout, draft, told)
    return Imported(draft, losses)


async def _hall_to_change(
    database: Database, principal: Principal, hall_id: UUID
) -> places.HallRow:
    async with database.read() as connection:
        hall = await places.find_hall(connection, hall_id)
    if hall is None:
        raise Refused(NOT_FOUND)
    require_keeper(principal, hall.organization_id, shown=hall.shown)
    return hall


async def _drafted(hall_id: UUID, layout: Layout) -> SeatMap:
    # Large maps take a while: no connection is held until it is clear that this one is sound.
    return await built(store.StoredSeatMap(new_id(), hall_id, 1, layout))


async def _kept(
    database: Database,
    principal: Principal,
    hall: places.HallRow,
    layout: Layout,
    draft: SeatMap,
    told: Mapping[str, Any] | None = None,
) -> SeatMap:
    """The drafted map as the hall's next version; ``told`` goes into the audit log besides."""
    async with database.begin() as connection:
        await places.lock_hall(connection, hall.id)
        if await places.find_hall(connection, hall.id) is None:
            raise Refused(NOT_FOUND)  # deleted while the map was made
        image = layout.background_image_id
        if image is not None and await check_usable(connection, [image], hall.organization_id):
            wrong = FieldError("/backgroundImageId", "is no picture that the organization may use")
            raise Refused(SEAT_MAP_INVALID, errors=(wrong,))
        version = await store.next_version(connection, hall.id)
        stored = store.StoredSeatMap(draft.id, hall.id, version, layout)
        await store.insert_seat_map(connection, stored, len(draft.seats))
        await note(
            connection,
            principal,
            "seat_map.created",
            "seat_map",
            draft.id,
            organization_id=hall.organization_id,
            after={
                "hallId": hall.id,
                "version": version,
                "seats": len(draft.seats),
                **(told or {}),
            },
        )
        await notify(connection, "venues")
    return draft.with_version(version)
