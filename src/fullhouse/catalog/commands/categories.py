"""Ticket categories of events that exist.

Whatever changes holds the event's row and the locks of all its showtimes: nothing is sold between
one state and the next, and the next sale is by the new terms.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from fullhouse.api.audit import note
from fullhouse.api.errors import NOT_FOUND
from fullhouse.api.principal import Principal
from fullhouse.catalog import planning
from fullhouse.catalog.commands.events import coming_maps, known_map, own_event, tell
from fullhouse.catalog.commands.places import room_in
from fullhouse.catalog.drafts import CategoryChange, CategoryDraft
from fullhouse.catalog.errors import (
    CATEGORY_EXISTS,
    CATEGORY_HAS_BOOKINGS,
    LAST_CATEGORY,
    TOO_MANY_CATEGORIES,
)
from fullhouse.catalog.planning import CategoryPlaces, PlannedCategory
from fullhouse.catalog.store import (
    category_writes,
    event_listings,
    event_writes,
    showtime_writes,
)
from fullhouse.catalog.store.category_writes import CategoryState
from fullhouse.catalog.store.event_writes import EventState
from fullhouse.kit.db import Database
from fullhouse.kit.errors import UNAVAILABLE, FieldError, Refused
from fullhouse.venues.queries.seat_maps import SeatMaps
from fullhouse.venues.seatmap import SeatMap


@dataclass(frozen=True, slots=True)
class _Maps:
    """The seat maps that matter for an event's categories, loaded beforehand."""

    hall_id: UUID | None
    hall: SeatMap | None  # the newest one of the event's hall
    coming: Mapping[UUID, SeatMap]


async def add_category(
    database: Database,
    seat_maps: SeatMaps,
    principal: Principal,
    event_id: UUID,
    draft: CategoryDraft,
) -> UUID:
    """Add a category to an event and to all its showtimes that are to come; answers its id.

    Sections that another category has become the new one's (:func:`_take_over`).
    Raises Refused: NOT_FOUND, FORBIDDEN, EVENT_CLOSED, VALIDATION_FAILED, CATEGORY_EXISTS,
    TOO_MANY_CATEGORIES, CATEGORY_HAS_BOOKINGS.
    """
    maps = await _maps(database, seat_maps, principal, event_id)
    async with database.begin() as connection:
        event = await _locked(connection, principal, event_id, maps)
        known = await category_writes.categories_of(connection, event_id)
        if len(known) >= planning.MOST_CATEGORIES:
            raise Refused(TOO_MANY_CATEGORIES)
        await _check_words(connection, event_id, draft, known)
        planned = planning.plan_category(draft, maps.hall)
        await _take_over(connection, event_id, planned, known, maps)
        rank = max((one.rank for one in known), default=-1) + 1
        (places,) = await category_writes.insert_categories(connection, event_id, [planned], rank)
        coming = await category_writes.coming_showtimes(connection, event_id)
        capacities = {
            showtime.id: _capacity(places, known_map(maps.coming, showtime.seat_map_id))
            for showtime in coming
        }
        await category_writes.add_allotments(connection, places.id, capacities)
        await _record(connection, principal, event, "added", places.id, None, _noted(planned))
    return places.id


async def change_category(
    database: Database,
    seat_maps: SeatMaps,
    principal: Principal,
    event_id: UUID,
    category_id: UUID,
    change: CategoryChange,
) -> None:
    """Change what is given of a category; a change that changes nothing leaves no trace.

    A new price is that of places given from now on: what is held or sold keeps the price it was
    told, and who waits pays that of the moment in which a place is offered. A new capacity counts
    for new showtimes; those that exist have their own. New sections count at once, and are refused
    while anything of the categories concerned is taken.

    Raises Refused: NOT_FOUND, FORBIDDEN, EVENT_CLOSED, VALIDATION_FAILED, CATEGORY_EXISTS,
    CATEGORY_HAS_BOOKINGS.
    """
    maps = await _maps(database, seat_maps, principal, event_id)
    async with database.begin() as connection:
        event = await _locked(connection, principal, event_id, maps)
        known = await category_writes.categories_of(connection, event_id)
        before = _named(known, category_id)
        others = [one for one in known if one.id != category_id]
        draft = _draft_of(before, change.fields)
        # A name that stays is no second one, however old databases told names apart.
        rivals = [] if draft.name == before.name else others
        await _check_words(connection, event_id, draft, rivals)
        planned = _planned_of(before)
        if {"capacity", "sections"} & change.fields.keys():
            planned = planning.plan_category(draft, maps.hall)
        planned = replace(planned, name=draft.name, price=draft.price, benefits=draft.benefits)
        order = _order(known, before, change.rank)
        if planned == _planned_of(before) and order is None:
            return
        if (planned.sections, planned.areas) != (before.sections, before.areas):
            await _require_free(connection, event_id, [before])
            await _take_over(connection, event_id, planned, others, maps)
            places = replace(before.places, **_places_of(planned))
            await _allot_anew(connection, event_id, [places], maps)
        if order is not None:
            await category_writes.update_ranks(connection, order)
        await category_writes.update_category(connection, category_id, planned)
        was, now = _noted(_planned_of(before)), _noted(planned)
        if order is not None:
            was |= {"rank": known.index(before)}
            now |= {"rank": order.index(category_id)}
        differing = [name for name in now if was.get(name) != now[name]]
        await _record(
            connection,
            principal,
            event,
            "changed",
            category_id,
            {name: was[name] for name in differing},
            {name: now[name] for name in differing},
        )


async def delete_category(
    database: Database, principal: Principal, event_id: UUID, category_id: UUID
) -> None:
    """Take a category off, of which nobody has, has had or blocks a place that still counts.

    Raises Refused: NOT_FOUND, FORBIDDEN, EVENT_CLOSED, CATEGORY_HAS_BOOKINGS, LAST_CATEGORY.
    """
    async with database.begin() as connection:
        event = await own_event(connection, principal, event_id)
        await showtime_writes.touch_terms(connection, event_id)
        known = await category_writes.categories_of(connection, event_id)
        before = _named(known, category_id)
        await _require_free(connection, event_id, [before])
        if len(known) == 1 and event.status == "published":
            raise Refused(LAST_CATEGORY)
        await category_writes.delete_category(connection, category_id)
        was = _noted(_planned_of(before))
        await _record(connection, principal, event, "deleted", category_id, was, None)


async def _maps(
    database: Database, seat_maps: SeatMaps, principal: Principal, event_id: UUID
) -> _Maps:
    """What must be loaded before the transaction, which must not wait for another connection."""
    coming = await coming_maps(database, seat_maps, principal, event_id)
    async with database.begin() as connection:
        event = await own_event(connection, principal, event_id)
    room = await room_in(database, seat_maps, event.hall_id, event.venue_id)
    return _Maps(event.hall_id, None if room is None else room.seat_map, coming)


async def _locked(
    connection: AsyncConnection, principal: Principal, event_id: UUID, maps: _Maps
) -> EventState:
    """The event, locked with its showtimes: nobody sells, and nobody changes them, meanwhile."""
    event = await own_event(connection, principal, event_id)
    if event.hall_id != maps.hall_id:
        raise Refused(UNAVAILABLE, "The event is being changed.", retry_after_seconds=1)
    await showtime_writes.touch_terms(connection, event_id)
    return event


async def _check_words(
    connection: AsyncConnection,
    event_id: UUID,
    draft: CategoryDraft,
    others: Sequence[CategoryState],
) -> None:
    """Raise Refused for a currency that is not the event's, or the name of another category."""
    event = await event_writes.event_values(connection, event_id)
    if draft.currency not in (None, event.currency):
        detail = f"is not the event's currency, {event.currency}"
        planning.refuse_if([FieldError("/price/currency", detail)])
    if draft.name.casefold() in {one.name.casefold() for one in others}:
        raise Refused(CATEGORY_EXISTS)


async def _require_free(
    connection: AsyncConnection, event_id: UUID, concerned: Sequence[CategoryState]
) -> None:
    """Raise Refused(CATEGORY_HAS_BOOKINGS) while anything of the categories is taken.

    The caller holds the locks of the event's showtimes.
    """
    taken = await category_writes.taken(connection, event_id)
    for category in concerned:
        counters = taken.get(category.id)
        if counters is not None and counters.at_all:
            raise Refused(CATEGORY_HAS_BOOKINGS, categoryId=str(category.id))


async def _take_over(
    connection: AsyncConnection,
    event_id: UUID,
    planned: PlannedCategory,
    others: Sequence[CategoryState],
    maps: _Maps,
) -> None:
    """Take the sections of a category from those that have them now.

    Refused while anything of those is taken, or when one would be left with nothing.
    """
    wanted = planned.sections or planned.areas or ()
    robbed = [other for other in others if set(other.located) & set(wanted)]
    if not robbed:
        return
    errors = [
        FieldError(f"/sections/{wanted.index(other.located[0])}", f"is all that “{other.name}” has")
        for other in robbed
        if set(other.located) <= set(wanted)
    ]
    planning.refuse_if(errors)
    await _require_free(connection, event_id, robbed)
    left = []
    for other in robbed:
        names = tuple(name for name in other.located if name not in wanted)
        if other.sections is not None:
            places = CategoryPlaces(other.id, other.capacity, names, None)
        else:
            places = CategoryPlaces(other.id, other.capacity, None, names)
        left.append(replace(places, capacity=_capacity(places, maps.hall)))
    await category_writes.update_places(connection, left)
    await _allot_anew(connection, event_id, left, maps)


async def _allot_anew(
    connection: AsyncConnection,
    event_id: UUID,
    categories: Sequence[CategoryPlaces],
    maps: _Maps,
) -> None:
    """Give the categories what they have now at all coming showtimes; nothing of them is taken."""
    for showtime in await category_writes.coming_showtimes(connection, event_id):
        seat_map = known_map(maps.coming, showtime.seat_map_id)
        capacities = planning.allot(categories, seat_map, "/sections")
        await showtime_writes.set_capacities(connection, showtime.id, capacities)


def _capacity(places: CategoryPlaces, seat_map: SeatMap | None) -> int:
    return planning.allot([places], seat_map, "/sections")[places.id]


def _named(known: Sequence[CategoryState], category_id: UUID) -> CategoryState:
    for category in known:
        if category.id == category_id:
            return category
    raise Refused(NOT_FOUND)


def _draft_of(before: CategoryState, fields: Mapping[str, Any]) -> CategoryDraft:
    """The category as a draft of what it shall be; its capacity only where it says something."""
    kept = None if before.sections is not None or "sections" in fields else before.capacity
    draft = CategoryDraft(
        before.name,
        before.price,
        capacity=kept,
        benefits=before.benefits,
        sections=before.located or None,
    )
    return replace(draft, **fields)


def _planned_of(before: CategoryState) -> PlannedCategory:
    return PlannedCategory(
        before.name,
        before.price,
        before.capacity,
        before.benefits,
        before.sections,
        before.areas,
    )


def _places_of(planned: PlannedCategory) -> dict[str, Any]:
    return {
        "capacity": planned.capacity,
        "sections": planned.sections,
        "areas": planned.areas,
    }


def _order(
    known: Sequence[CategoryState], moved: CategoryState, rank: int | None
) -> list[UUID] | None:
    """The ids in their new order; None where it stays as it is."""
    order = [one.id for one in known]
    if rank is None or min(rank, len(order) - 1) == order.index(moved.id):
        return None
    order.remove(moved.id)
    order.insert(rank, moved.id)
    return order


def _noted(category: PlannedCategory) -> dict[str, Any]:
    """What the audit log keeps of a category."""
    return {
        "name": category.name,
        "price": category.price,
        "capacity": category.capacity,
        "sections": category.sections or category.areas,
        "benefits": category.benefits,
    }


async def _record(
    connection: AsyncConnection,
    principal: Principal,
    event: EventState,
    what: str,
    category_id: UUID,
    before: Mapping[str, Any] | None,
    after: Mapping[str, Any] | None,
) -> None:
    """Bring lists up to date, note it in the audit log, and tell everybody who keeps something."""
    await event_listings.refresh(connection, [event.id])
    await note(
        connection,
        principal,
        f"category.{what}",
        "category",
        category_id,
        organization_id=event.organization_id,
        before=before,
        after=after,
    )
    await tell(connection, event.id)
