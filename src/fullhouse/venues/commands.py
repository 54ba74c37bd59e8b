"""What organizers do with venues: one function for each intention."""

from uuid import UUID

from fullhouse.api.audit import note
from fullhouse.api.errors import NOT_FOUND, VALIDATION_FAILED
from fullhouse.api.permissions import Permission
from fullhouse.api.principal import Principal, require
from fullhouse.kit.db import Database
from fullhouse.kit.errors import FieldError, Refused
from fullhouse.kit.ids import new_id
from fullhouse.kit.listener import notify
from fullhouse.venues import rules, store
from fullhouse.venues.errors import HALL_EXISTS
from fullhouse.venues.layout import Layout
from fullhouse.venues.queries import built, knows_timezone
from fullhouse.venues.seatmap import SeatMap


async def create_venue(
    database: Database,
    principal: Principal,
    *,
    name: str,
    city: str,
    country: str,
    timezone: str,
    address: str = "",
    organization_id: UUID | None = None,
) -> UUID:
    """Make a venue; answers its id.

    It belongs to the caller's organization; an admin's, when none is named, to everybody.
    ``country`` is ISO 3166-1 alpha-2, ``timezone`` an IANA name.
    Raises Refused: VALIDATION_FAILED, FORBIDDEN, ORGANIZATION_REQUIRED.
    """
    owner = rules.owner_of_new_venue(principal, organization_id)
    errors = []
    if not rules.is_country(country.upper()):
        errors.append(FieldError("/country", "is not an ISO 3166-1 alpha-2 country code"))
    if not await knows_timezone(database, timezone):
        errors.append(FieldError("/timezone", "is not the IANA name of a time zone"))
    if errors:
        raise Refused(VALIDATION_FAILED, errors=tuple(errors))
    venue = store.VenueRow(
        new_id(), owner, name.strip(), address.strip(), city.strip(), country.upper(), timezone
    )
    async with database.begin() as connection:
        if not await store.insert_venue(connection, venue):
            # Only an admin can get here: members name organizations that exist.
            raise Refused(
                VALIDATION_FAILED,
                errors=(FieldError("/organizationId", "is no organization"),),
            )
        await note(
            connection,
            principal,
            "venue.created",
            "venue",
            venue.id,
            organization_id=owner,
            after={"name": venue.name, "city": venue.city, "country": venue.country},
        )
        await notify(connection, "venues")
    return venue.id


async def create_hall(database: Database, principal: Principal, venue_id: UUID, name: str) -> UUID:
    """Make a hall in a venue of the caller's organization; answers its id.

    Raises Refused: NOT_FOUND, FORBIDDEN, HALL_EXISTS.
    """
    hall_id = new_id()
    async with database.begin() as connection:
        venue = await store.find_venue(connection, venue_id)
        if venue is None:
            raise Refused(NOT_FOUND)
        _require_keeper(principal, venue.organization_id)
        if not await store.insert_hall(connection, hall_id, venue_id, name.strip()):
            raise Refused(HALL_EXISTS)
        await note(
            connection,
            principal,
            "hall.created",
            "hall",
            hall_id,
            organization_id=venue.organization_id,
            after={"venueId": venue_id, "name": name.strip()},
        )
        await notify(connection, "venues")
    return hall_id


async def put_seat_map(
    database: Database, principal: Principal, hall_id: UUID, layout: Layout
) -> SeatMap:
    """Give a hall a new version of its seat map; earlier versions and their showtimes stay.

    Raises Refused: NOT_FOUND, FORBIDDEN, SEAT_MAP_INVALID with every place that is wrong.
    """
    async with database.read() as connection:
        hall = await store.find_hall(connection, hall_id)
    if hall is None:
        raise Refused(NOT_FOUND)
    _require_keeper(principal, hall.organization_id)
    # Large maps take a while: no connection is held until it is clear that this one is sound.
    draft = await built(store.StoredSeatMap(new_id(), hall_id, 1, layout))
    async with database.begin() as connection:
        await store.lock_hall(connection, hall_id)
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


def _require_keeper(principal: Principal, organization_id: UUID | None) -> None:
    # A venue without an organization is everybody's to use, but only the platform's to change.
    require(principal, Permission.VENUES_WRITE, organization_id)
