"""Venues and their halls."""

from uuid import UUID

from fullhouse.api.audit import note
from fullhouse.api.errors import NOT_FOUND, VALIDATION_FAILED
from fullhouse.api.permissions import Permission
from fullhouse.api.principal import Principal, require
from fullhouse.kit.db import Database
from fullhouse.kit.errors import FieldError, Refused
from fullhouse.kit.ids import new_id
from fullhouse.kit.listener import notify
from fullhouse.venues import rules
from fullhouse.venues.errors import HALL_EXISTS
from fullhouse.venues.queries.places import knows_timezone
from fullhouse.venues.store import places as store


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
        require_keeper(principal, venue.organization_id)
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


def require_keeper(principal: Principal, organization_id: UUID | None) -> None:
    """Raise Refused(FORBIDDEN) for who may not change what this organization owns."""
    # A venue without an organization is everybody's to use, but only the platform's to change.
    require(principal, Permission.VENUES_WRITE, organization_id)
