"""What screens show of bookings, seats and lines."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from uuid import UUID

from fullhouse.api.errors import NOT_FOUND
from fullhouse.api.lists import Order, refusal
from fullhouse.api.organizations import organization_for
from fullhouse.api.pagination import Page, Slice, encode_cursor, position_in
from fullhouse.api.permissions import Permission
from fullhouse.api.principal import Principal, require
from fullhouse.bookings.commands import Desk
from fullhouse.bookings.core.types import Status
from fullhouse.bookings.schemas.bookings import (
    BookedShowtimeView,
    BookingView,
    BuyerView,
    EventRef,
    SoldBookingView,
    WaitlistEntryView,
    booking_view,
)
from fullhouse.bookings.seat_states import SeatStates, Shown
from fullhouse.bookings.store import read, sold
from fullhouse.bookings.store.sold import SoldFilters, Span
from fullhouse.catalog.filters import Period
from fullhouse.catalog.rules import SaleTerms
from fullhouse.catalog.schemas.views import HallBriefView, VenueBriefView
from fullhouse.kit.db import Database
from fullhouse.kit.errors import Refused
from fullhouse.venues.queries.seat_maps import SeatMaps
from fullhouse.venues.seatmap import Seat

# A buyer's places in lines are few; more than this are not shown.
MOST_WAITING = 100


async def own_booking(database: Database, principal: Principal, booking_id: UUID) -> read.Owned:
    """A booking that the caller bought or whose organization the caller acts for.

    Refused with ``not_found`` for everybody else, as if it did not exist.
    """
    async with database.read_raw() as connection:
        found = await read.find_booking(connection, booking_id)
    if found is None or not (
        found.booking.user_id == principal.id
        or principal.may(Permission.BOOKINGS_READ, found.organization_id)
        or principal.may(Permission.BOOKINGS_WRITE, found.organization_id)
    ):
        raise Refused(NOT_FOUND)
    return found


async def own_bookings(
    database: Database, seat_maps: SeatMaps, user_id: UUID, status: Status | None, part: Slice
) -> Page[BookingView]:
    """The caller's bookings, the newest first."""
    before: UUID | None = None
    if part.after is not None:
        (before,) = position_in(part.after, tuple[UUID])
    async with database.read_raw() as connection:
        found = await read.list_bookings(
            connection, user_id, status, before, part.limit + 1, part.offset or 0
        )
        total = None
        if part.offset is not None:
            total = await read.count_bookings(connection, user_id, status)
    shown = found[: part.limit]
    more = encode_cursor((str(shown[-1].booking.id),)) if len(found) > part.limit else None
    return Page(await views_of(seat_maps, shown), more, total)


async def view_of(seat_maps: SeatMaps, owned: read.Owned) -> BookingView:
    """A booking that was read, as its buyer sees it."""
    (view,) = await views_of(seat_maps, [owned])
    return view


async def views_of(seat_maps: SeatMaps, found: Sequence[read.Owned]) -> list[BookingView]:
    """Bookings that were read, as their buyers see them."""
    # Once each, and kept for this answer, however many maps are kept beyond it.
    by_map: dict[UUID, Mapping[UUID, Seat]] = {}
    views = []
    for owned in found:
        seats: Mapping[UUID, Seat] = {}
        map_id = owned.sitting.seat_map_id
        if map_id is not None and any(line.seats for line in owned.booking.lines):
            if map_id not in by_map:
                by_map[map_id] = (await seat_maps.get(map_id)).by_id
            seats = by_map[map_id]
        event = EventRef(owned.event_id, owned.title)
        showtime = _showtime_view(owned.sitting)
        views.append(booking_view(owned.booking, event, showtime, seats, owned.position or None))
    return views


def _showtime_view(sitting: read.Sitting) -> BookedShowtimeView:
    return BookedShowtimeView(
        sitting.starts_at,
        sitting.ends_at,
        sitting.timezone,
        sitting.status,
        venue=None if sitting.venue is None else VenueBriefView(*sitting.venue),
        hall=None if sitting.hall is None else HallBriefView(*sitting.hall),
        location=sitting.location,
        cancelled_at=sitting.cancelled_at,
        cancel_reason=sitting.cancel_reason,
    )


async def sold_bookings(
    database: Database,
    seat_maps: SeatMaps,
    principal: Principal,
    organization_id: UUID | None,
    filters: SoldFilters,
    made: Period,
    order: Order,
    part: Slice,
) -> Page[SoldBookingView]:
    """Part of what was booked with the caller's organizations, or with the one that is named.

    ``made`` says when; its days are those of UTC. Of several organizations an administrator, who
    belongs to none of them, must name one. Raises Refused: FORBIDDEN, ORGANIZATION_REQUIRED.
    """
    filters = replace(
        filters,
        organizations=_sellers(principal, organization_id),
        since=None if made.since is None else _begin(made.since),
        before=None if made.until is None else _end(made.until),
    )
    after: UUID | None = None
    if part.after is not None:
        name, after = position_in(part.after, tuple[str, UUID])
        if name != order.name:
            raise refusal("cursor", "must go on with the sort that it came with")
    span = Span(part.limit + 1, order.descending, after, part.offset or 0)
    async with database.read() as connection:
        found = await sold.list_sold(connection, filters, span)
        total = None
        if part.offset is not None:
            total = await sold.count_sold(connection, filters)
    shown = found[: part.limit]
    views = await views_of(seat_maps, [row.owned for row in shown])
    items = [_sold_view(view, row) for view, row in zip(views, shown, strict=True)]
    more = encode_cursor((order.name, shown[-1].owned.booking.id)) if found[part.limit :] else None
    return Page(items, more, total)


def _sellers(principal: Principal, organization_id: UUID | None) -> frozenset[UUID]:
    """The organizations whose bookings are asked for, in each of which the caller may read them."""
    if organization_id is not None:
        require(principal, Permission.BOOKINGS_READ, organization_id)
        return frozenset({organization_id})
    theirs = principal.organizations_with(Permission.BOOKINGS_READ)
    if not theirs:
        theirs = frozenset({organization_for(principal, Permission.BOOKINGS_READ, None)})
    return theirs


def _begin(moment: date | datetime) -> datetime:
    return moment if isinstance(moment, datetime) else datetime.combine(moment, time(), UTC)


def _end(moment: date | datetime) -> datetime:
    """The first moment after a day or an instant, which is part of the period itself."""
    if isinstance(moment, datetime):
        return moment + timedelta(microseconds=1)
    return _begin(moment) + timedelta(days=1)


def _sold_view(view: BookingView, row: sold.Sold) -> SoldBookingView:
    fields = {name: getattr(view, name) for name in BookingView.__struct_fields__}
    buyer = BuyerView(row.owned.booking.user_id, row.buyer_name, row.buyer_email)
    return SoldBookingView(**fields, buyer=buyer)


async def own_waiting_booking(
    database: Database, principal: Principal, booking_id: UUID
) -> read.Owned:
    """A booking of the caller that waits, or has waited and left."""
    found = await own_booking(database, principal, booking_id)
    if found.booking.user_id != principal.user_id or not found.booking.joined_position:
        raise Refused(NOT_FOUND)
    return found


async def own_waiting(database: Database, user_id: UUID) -> Page[WaitlistEntryView]:
    """The caller's places in lines."""
    async with database.read_raw() as connection:
        rows = await read.list_waiting(connection, user_id, MOST_WAITING)
    return Page(
        [
            WaitlistEntryView(
                row.booking_id,
                row.showtime_id,
                EventRef(row.event_id, row.title),
                _showtime_view(row.sitting),
                row.category_id,
                row.category_name,
                row.quantity,
                row.position,
                row.created_at,
            )
            for row in rows
        ]
    )


async def visible_terms(desk: Desk, visitor: Principal | None, showtime_id: UUID) -> SaleTerms:
    """The terms of a showtime the visitor may see; ``not_found`` for drafts of others."""
    terms = await desk.terms.glance(showtime_id)
    if terms is None:
        raise Refused(NOT_FOUND)
    if terms.public or (
        visitor is not None and visitor.may(Permission.EVENTS_READ, terms.organization_id)
    ):
        return terms
    raise Refused(NOT_FOUND)


async def seats(
    seat_states: SeatStates, terms: SaleTerms, if_none_match: str | None = None
) -> Shown:
    """Every seat of the showtime with its status; empty where places are only counted.

    A finished ``SeatsView``, unless ``if_none_match`` names its ETag. That of a large hall may be a
    quarter of a second old.
    """
    return await seat_states.show("seats", terms, if_none_match)


async def availability(
    seat_states: SeatStates, terms: SaleTerms, if_none_match: str | None = None
) -> Shown:
    """The counters of the showtime, and its seats packed into two bits each.

    A finished ``AvailabilityView``, unless ``if_none_match`` names its ETag. That of a large hall
    may be a quarter of a second old.
    """
    return await seat_states.show("availability", terms, if_none_match)
