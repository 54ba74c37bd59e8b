"""Venues and their halls: making and changing them.

They are deleted by the catalogue (``catalog/commands/venues.py``), which knows whether they are
in use.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from fullhouse.api.audit import note
from fullhouse.api.errors import NOT_FOUND, VALIDATION_FAILED
from fullhouse.api.permissions import Permission
from fullhouse.api.principal import Principal, require
from fullhouse.kit.db import Database
from fullhouse.kit.errors import FieldError, Refused
from fullhouse.kit.ids import new_id
from fullhouse.kit.listener import notify
from fullhouse.kit.zones import NO_TIMEZONE
from fullhouse.media.queries import check_usable
from fullhouse.venues import rules
from fullhouse.venues.errors import HALL_EXISTS
from fullhouse.venues.filters import Reader
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
    organization_id: UUID | None = None,
    **details: Any,
) -> UUID:
    """Make a venue; answers its id.

    It belongs to the caller's organization; an admin's, when none is named, to everybody.
    ``country`` is ISO 3166-1 alpha-2, ``timezone`` an IANA name, ``details`` are what else
    :class:`store.VenueRow` has.
    Raises Refused: VALIDATION_FAILED, FORBIDDEN, ORGANIZATION_REQUIRED.
    """
    owner = rules.owner_of_new_venue(principal, organization_id)
    fields = {
        "name": name,
        "address": "",
        "city": city,
        "country": country,
        "timezone": timezone,
    }
    tidy = _tidied(fields | details)
    await _check_whereabouts(database, tidy)
    venue = store.VenueRow(id=new_id(), organization_id=owner, **tidy)
    async with database.begin() as connection:
        if not await store.insert_venue(connection, venue):
            # Only an admin can get here: members name organizations that exist.
            raise Refused(
                VALIDATION_FAILED,
                errors=(FieldError("/organizationId", "is no organization"),),
            )
        await _check_images(connection, venue.images, owner)
        await note(
            connection,
            principal,
            "venue.created",
            "venue",
            venue.id,
            organization_id=owner,
            after={"name": venue.name, "city": venue.city, "country": venue.country},
        )
        await notify(connection, *tags_of(venue.id))
    return venue.id


async def change_venue(
    database: Database, principal: Principal, venue_id: UUID, changes: Mapping[str, Any]
) -> None:
    """Change what is given, by the names in :class:`store.VenueRow`; what is not given stays.

    Showtimes are moments and stay where they are, whatever becomes of the zone; events keep the
    zone that they were made with. Another time for cleaning counts for showtimes that are made
    from now on; another name or city is found in the lists of events within seconds.
    Raises Refused: NOT_FOUND, FORBIDDEN, VALIDATION_FAILED.
    """
    wanted = _tidied(changes)
    await _check_whereabouts(database, wanted)
    async with database.begin() as connection:
        venue = await own_venue(connection, principal, venue_id)
        changed = _changed(venue, wanted)
        if not changed:
            return
        await _check_images(connection, changed.get("images", ()), venue.organization_id)
        await store.update_venue(connection, replace(venue, **changed), changed)
        await note(
            connection,
            principal,
            "venue.changed",
            "venue",
            venue_id,
            organization_id=venue.organization_id,
            before=_written({name: getattr(venue, name) for name in changed}),
            after=_written(changed),
        )
        # What is said of events names their venue.
        await notify(connection, *tags_of(venue_id), "events")


async def create_hall(
    database: Database,
    principal: Principal,
    venue_id: UUID,
    name: str,
    cleaning_minutes: int | None = None,
) -> UUID:
    """Make a hall in a venue of the caller's organization; answers its id.

    Without ``cleaning_minutes`` it takes the venue's. Raises Refused: NOT_FOUND, FORBIDDEN,
    HALL_EXISTS.
    """
    hall_id = new_id()
    async with database.begin() as connection:
        venue = await own_venue(connection, principal, venue_id)
        named = rules.tidy(name)
        if not await store.insert_hall(connection, hall_id, venue_id, named, cleaning_minutes):
            raise Refused(HALL_EXISTS)
        await note(
            connection,
            principal,
            "hall.created",
            "hall",
            hall_id,
            organization_id=venue.organization_id,
            after={"venueId": venue_id, "name": named},
        )
        await notify(connection, *tags_of(venue_id))
    return hall_id


async def change_hall(
    database: Database,
    principal: Principal,
    hall_id: UUID,
    changes: Mapping[str, Any],
) -> None:
    """Change ``name`` and ``cleaning_minutes`` (None: the venue's) as far as they are given.

    Showtimes that exist keep the time for cleaning that they were made with.
    Raises Refused: NOT_FOUND, FORBIDDEN, HALL_EXISTS.
    """
    wanted = dict(changes)
    if "name" in wanted:
        wanted["name"] = rules.tidy(wanted["name"])
    async with database.begin() as connection:
        hall = await own_hall(connection, principal, hall_id)
        before = {"name": hall.name, "cleaning_minutes": hall.own_cleaning_minutes}
        changed = {name: value for name, value in wanted.items() if before[name] != value}
        if not changed:
            return
        if not await store.update_hall(connection, hall_id, changed):
            raise Refused(HALL_EXISTS)
        await note(
            connection,
            principal,
            "hall.changed",
            "hall",
            hall_id,
            organization_id=hall.organization_id,
            before=_written({name: before[name] for name in changed}),
            after=_written(changed),
        )
        await notify(connection, *tags_of(hall.venue_id), "events")


async def own_venue(
    connection: AsyncConnection,
    principal: Principal,
    venue_id: UUID,
    *,
    against_use: bool = False,
) -> store.VenueRow:
    """The venue, locked, if the caller may change it; ``against_use`` as in the store.

    Raises Refused: NOT_FOUND, FORBIDDEN.
    """
    locked = await store.lock_venue(connection, venue_id, against_use=against_use)
    return required(principal, locked)


def required(principal: Principal, venue: store.VenueRow | None) -> store.VenueRow:
    """The venue, if it is there and the caller may change it. Raises as :func:`own_venue`."""
    if venue is None:
        raise Refused(NOT_FOUND)
    require_keeper(principal, venue.organization_id, shown=venue.shown)
    return venue


async def own_hall(
    connection: AsyncConnection,
    principal: Principal,
    hall_id: UUID,
    *,
    against_use: bool = False,
) -> store.HallRow:
    """The hall, locked, if the caller may change it. Raises Refused: NOT_FOUND, FORBIDDEN."""
    locked = await store.lock_hall(connection, hall_id, against_use=against_use)
    hall = await store.find_hall(connection, hall_id) if locked else None
    if hall is None:
        raise Refused(NOT_FOUND)
    require_keeper(principal, hall.organization_id, shown=hall.shown)
    return hall


def require_keeper(
    principal: Principal, organization_id: UUID | None, *, shown: bool = True
) -> None:
    """Raise Refused(FORBIDDEN) for who may not change what this organization owns.

    NOT_FOUND where it is not ``shown`` to them: what others may not see must not be found out by
    asking to change it.
    """
    if not Reader.of(principal).sees(organization_id, shown=shown):
        raise Refused(NOT_FOUND)
    # A venue without an organization is everybody's to use, but only the platform's to change.
    require(principal, Permission.VENUES_WRITE, organization_id)


def tags_of(venue_id: UUID) -> tuple[str, str]:
    """What is notified when a venue or one of its halls changes."""
    return "venues", f"venue:{venue_id}"


async def _check_whereabouts(database: Database, wanted: Mapping[str, Any]) -> None:
    errors = []
    if "country" in wanted and not rules.is_country(wanted["country"]):
        errors.append(FieldError("/country", rules.COUNTRY_IN_WORDS))
    if "timezone" in wanted and not await knows_timezone(database, wanted["timezone"]):
        errors.append(FieldError("/timezone", NO_TIMEZONE))
    if errors:
        raise Refused(VALIDATION_FAILED, errors=tuple(errors))


async def _check_images(
    connection: AsyncConnection, images: Sequence[UUID], organization_id: UUID | None
) -> None:
    unusable = await check_usable(connection, images, organization_id)
    if unusable:
        raise Refused(
            VALIDATION_FAILED,
            errors=tuple(
                FieldError(f"/images/{images.index(one)}", "is no picture that the venue may show")
                for one in unusable
            ),
        )


def _tidied(changes: Mapping[str, Any]) -> dict[str, Any]:
    """The values in the form in which they are kept."""
    tidy = dict(changes)
    for name in ("name", "city", "address"):
        if name in tidy:
            tidy[name] = tidy[name].strip()
    if "country" in tidy:
        tidy["country"] = tidy["country"].upper()
    if "amenities" in tidy:
        tidy["amenities"] = rules.tidied(tidy["amenities"])
    if "images" in tidy:
        tidy["images"] = tuple(tidy["images"])
    return tidy


def _changed(venue: store.VenueRow, wanted: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in wanted.items() if getattr(venue, name) != value}


def _written(values: Mapping[str, Any]) -> dict[str, Any]:
    """The values under the names that the API gives them, for the audit log."""
    return {rules.camel(name): value for name, value in values.items()}
