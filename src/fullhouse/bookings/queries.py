"""What screens show of bookings, seats and lines."""

from uuid import UUID

from fullhouse.api.errors import NOT_FOUND
from fullhouse.api.pagination import Page, Slice, encode_cursor, position_in
from fullhouse.api.permissions import Permission
from fullhouse.api.principal import Principal
from fullhouse.bookings.commands import Desk
from fullhouse.bookings.core.types import Status
from fullhouse.bookings.schemas import (
    BookingView,
    EventRef,
    WaitlistEntryView,
    booking_view,
)
from fullhouse.bookings.seat_states import SeatStates, Shown
from fullhouse.bookings.store import read
from fullhouse.catalog.rules import SaleTerms
from fullhouse.kit.db import Database
from fullhouse.kit.errors import Refused

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
    database: Database, user_id: UUID, status: Status | None, part: Slice
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
    return Page([view_of(owned) for owned in shown], more, total)


def view_of(owned: read.Owned) -> BookingView:
    """A booking that was read, as its buyer sees it."""
    return booking_view(owned.booking, owned.event_id, owned.title, owned.position or None)


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


async def seats(seat_states: SeatStates, terms: SaleTerms) -> bytes:
    """Every seat of the showtime with its status; empty where places are only counted.

    A finished ``SeatsView``. That of a large hall may be a quarter of a second old.
    """
    shown = await seat_states.show("seats", terms, None)
    assert shown.body is not None  # nothing was said to be there already
    return shown.body


async def availability(seat_states: SeatStates, terms: SaleTerms, had: str | None = None) -> Shown:
    """The counters of the showtime, and its seats packed into two bits each.

    A finished ``AvailabilityView``, unless ``had`` is its ETag. That of a large hall may be a
    quarter of a second old.
    """
    return await seat_states.show("availability", terms, had)
