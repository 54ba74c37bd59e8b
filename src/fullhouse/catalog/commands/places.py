"""Where something happens, looked up and checked."""

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from fullhouse.api.errors import VALIDATION_FAILED
from fullhouse.kit.db import Database
from fullhouse.kit.errors import FieldError, Refused
from fullhouse.kit.zones import NO_TIMEZONE
from fullhouse.venues.queries import places as venues
from fullhouse.venues.queries.seat_maps import SeatMaps
from fullhouse.venues.seatmap import SeatMap
from fullhouse.venues.store.places import HallRow

DEFAULT_TIMEZONE = "UTC"


@dataclass(frozen=True, slots=True)
class Room:
    """A hall as showtimes need it."""

    id: UUID
    seat_map: SeatMap | None
    cleaning: timedelta


@dataclass(frozen=True, slots=True)
class Place:
    """Where an event happens, looked up."""

    venue_id: UUID | None
    timezone: str
    hall: Room | None


async def place_of(
    database: Database,
    seat_maps: SeatMaps,
    organization_id: UUID,
    *,
    venue_id: UUID | None,
    hall_id: UUID | None,
    timezone: str | None,
) -> Place:
    """The place that is named, with its venue's zone unless one is named.

    Raises Refused(VALIDATION_FAILED) for what the organization may not use.
    """
    usual, room = DEFAULT_TIMEZONE, None
    if hall_id is not None:
        hall = await venues.find_hall(database, hall_id)
        if hall is None or hall.organization_id not in (None, organization_id):
            raise wrong("/hallId", "is no hall that the organization may use")
        if venue_id not in (None, hall.venue_id):
            raise wrong("/hallId", "is a hall of another venue")
        venue_id, usual = hall.venue_id, hall.timezone
        room = await room_of(seat_maps, hall)
    elif venue_id is not None:
        venue = await venues.find_venue(database, venue_id)
        if venue is None or venue.organization_id not in (None, organization_id):
            raise wrong("/venueId", "is no venue that the organization may use")
        usual = venue.timezone
    if timezone is None:
        return Place(venue_id, usual, room)
    if not await venues.knows_timezone(database, timezone):
        raise wrong("/timezone", NO_TIMEZONE)
    return Place(venue_id, timezone, room)


async def room_in(
    database: Database,
    seat_maps: SeatMaps,
    hall_id: UUID | None,
    venue_id: UUID | None,
    pointer: str = "/hallId",
) -> Room | None:
    """The hall, which must be one of the venue. Raises Refused(VALIDATION_FAILED)."""
    if hall_id is None:
        return None
    hall = await venues.find_hall(database, hall_id)
    if hall is None or hall.venue_id != venue_id:
        raise wrong(pointer, "is no hall of the event's venue")
    return await room_of(seat_maps, hall)


async def room_of(seat_maps: SeatMaps, hall: HallRow) -> Room:
    """A hall with its newest seat map."""
    seat_map = None if hall.seat_map_id is None else await seat_maps.get(hall.seat_map_id)
    return Room(hall.id, seat_map, timedelta(minutes=hall.cleaning_minutes))


def wrong(pointer: str, detail: str) -> Refused:
    """The refusal of one field."""
    return Refused(VALIDATION_FAILED, errors=(FieldError(pointer, detail),))
