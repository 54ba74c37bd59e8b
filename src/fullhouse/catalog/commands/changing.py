"""Changing what is said of an event that exists."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy.ext.asyncio import AsyncConnection

from fullhouse.api.audit import note
from fullhouse.api.principal import Principal
from fullhouse.catalog import planning
from fullhouse.catalog.commands.events import own_event, tell
from fullhouse.catalog.commands.places import Place, Room, place_of
from fullhouse.catalog.commands.shows import image_errors
from fullhouse.catalog.commands.venues import hold_place
from fullhouse.catalog.drafts import WHEREABOUTS, EventChange, Whereabouts
from fullhouse.catalog.errors import CURRENCY_FIXED, EVENT_HAS_SHOWTIMES, SLUG_TAKEN
from fullhouse.catalog.store import (
    category_writes,
    event_listings,
    event_writes,
    showtime_writes,
)
from fullhouse.catalog.store.event_writes import EventState, EventValues
from fullhouse.kit.db import Database
from fullhouse.kit.errors import UNAVAILABLE, FieldError, Refused
from fullhouse.venues.queries.seat_maps import SeatMaps


async def change_event(
    database: Database,
    seat_maps: SeatMaps,
    principal: Principal,
    event_id: UUID,
    change: EventChange,
) -> None:
    """Change what is given; a change that changes nothing leaves no trace.

    What exists keeps its price and its terms: bookings are as they were made. The venue, or the
    location instead of one, can be another only while the event has no showtime, because those are
    there; another hall of the venue counts for new showtimes.

    Raises Refused: NOT_FOUND, FORBIDDEN, EVENT_CLOSED, VALIDATION_FAILED, EVENT_HAS_SHOWTIMES,
    CURRENCY_FIXED, SLUG_TAKEN.
    """
    async with database.begin() as connection:
        event = await own_event(connection, principal, event_id)
        seen = await event_writes.event_values(connection, event_id)
    # Looked up before the transaction that writes, which must not wait for another connection.
    place = await _place(database, seat_maps, event, seen, change.fields)
    async with database.begin() as connection:
        event = await own_event(connection, principal, event_id)
        before = await event_writes.event_values(connection, event_id)
        if any(getattr(before, name) != getattr(seen, name) for name in WHEREABOUTS):
            raise Refused(UNAVAILABLE, "The event is being changed.", retry_after_seconds=1)
        after = _changed(before, change, place)
        changes = {
            name: getattr(after, name)
            for name in EventValues.__dataclass_fields__
            if getattr(after, name) != getattr(before, name)
        }
        if not changes:
            return
        await _check(connection, event, before, after)
        await _require_movable(connection, event, before, after)
        # From here on nothing is sold until the commit, and then by the new terms.
        await showtime_writes.touch_terms(connection, event_id)
        if "hall_id" in changes:
            await _refit(connection, event, None if place is None else place[1].hall)
        if "currency" in changes and await event_writes.ever_held(connection, event_id):
            raise Refused(CURRENCY_FIXED)
        if not await event_writes.update_event(connection, event_id, changes):
            raise Refused(SLUG_TAKEN)
        await event_listings.refresh(connection, [event_id])
        await note(
            connection,
            principal,
            "event.changed",
            "event",
            event_id,
            organization_id=event.organization_id,
            before=_noted(before, changes),
            after=_noted(after, changes),
        )
        await tell(connection, event_id)


async def _place(
    database: Database,
    seat_maps: SeatMaps,
    event: EventState,
    now: EventValues,
    fields: Mapping[str, Any],
) -> tuple[Whereabouts, Place] | None:
    """Where the event shall happen, looked up; None where the change does not say."""
    if not any(name in fields for name in WHEREABOUTS):
        return None
    was = Whereabouts(now.location, now.venue_id, now.hall_id, now.timezone)
    wanted = planning.moved(was, fields)
    place = await place_of(
        database,
        seat_maps,
        event.organization_id,
        venue_id=wanted.venue_id,
        hall_id=wanted.hall_id,
        timezone=wanted.timezone,
    )
    if place.venue_id == now.venue_id and "timezone" not in fields:
        place = replace(place, timezone=now.timezone)
    return wanted, place


def _changed(
    before: EventValues, change: EventChange, place: tuple[Whereabouts, Place] | None
) -> EventValues:
    """What is set of the event after the change."""
    plain = {name: value for name, value in change.fields.items() if name not in WHEREABOUTS}
    if "title" in plain:
        plain["title"] = plain["title"].strip()
    after = replace(before, **plain)
    after = replace(after, policy=msgspec.structs.replace(before.policy, **change.policy))
    if place is None:
        return after
    wanted, found = place
    return replace(
        after,
        location=wanted.location,
        venue_id=found.venue_id,
        hall_id=wanted.hall_id,
        timezone=found.timezone,
    )


async def _check(
    connection: AsyncConnection, event: EventState, before: EventValues, after: EventValues
) -> None:
    """Raise Refused(VALIDATION_FAILED) with every wrong field."""
    errors = planning.sales_window_errors(after.sales_open_at, after.sales_close_at)
    if after.slug != before.slug:
        errors += planning.slug_errors(after.slug)
    if not planning.is_currency(after.currency):
        errors.append(FieldError("/currency", "is not an ISO 4217 currency in use"))
    errors += planning.repeated_images(after.images)
    if not set(after.images) <= set(before.images):
        # Pictures that were taken away since they were chosen stand in nobody's way.
        errors += await image_errors(connection, after.images, event.organization_id)
    planning.refuse_if(errors)


async def _require_movable(
    connection: AsyncConnection, event: EventState, before: EventValues, after: EventValues
) -> None:
    """Raise Refused(EVENT_HAS_SHOWTIMES) where those would be at another venue than the event.

    The new venue and hall are there until our commit.
    """
    elsewhere = after.venue_id != before.venue_id
    if elsewhere or after.hall_id != before.hall_id:
        await hold_place(connection, after.venue_id, after.hall_id)
    if elsewhere and await event_writes.has_showtimes(connection, event.id):
        raise Refused(EVENT_HAS_SHOWTIMES)


async def _refit(connection: AsyncConnection, event: EventState, hall: Room | None) -> None:
    """Let the event's categories be in the sections of its new hall.

    After the locks of its showtimes, as the selling core does it. Raises
    Refused(VALIDATION_FAILED) where the hall lacks a section.
    """
    located = [one for one in event.categories if one.sections or one.areas]
    capacities = planning.allot(located, None if hall is None else hall.seat_map)
    await category_writes.update_places(
        connection, [replace(one, capacity=capacities[one.id]) for one in located]
    )


def _noted(values: EventValues, changes: Mapping[str, Any]) -> dict[str, Any]:
    """What the audit log keeps of the values that change: of texts only how much there is."""
    noted: dict[str, Any] = {}
    for name in changes:
        value = getattr(values, name)
        if name == "description":
            noted["descriptionLength"] = len(value)
        else:
            noted[_SHOWN.get(name, name)] = msgspec.to_builtins(value)
    return noted


_SHOWN = {
    "venue_id": "venueId",
    "hall_id": "hallId",
    "sales_open_at": "salesOpenAt",
    "sales_close_at": "salesCloseAt",
}
