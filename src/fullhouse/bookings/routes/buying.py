"""What buyers do: reserve, confirm, cancel, wait."""

from typing import Annotated, NamedTuple
from uuid import UUID

import msgspec
from litestar import Response, delete, get, post
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import HeaderParameter

from fullhouse.api.errors import FORBIDDEN, NOT_FOUND, UNAUTHENTICATED, problems
from fullhouse.api.idempotency import (
    IDEMPOTENCY_KEY_INVALID,
    IDEMPOTENCY_KEY_REUSED,
    REPLAYED_HEADER,
    fingerprint,
    key_of_header,
)
from fullhouse.api.pagination import Page, Slice
from fullhouse.api.permissions import SIGNED_IN, Permission, own_or
from fullhouse.api.principal import Principal
from fullhouse.bookings import commands, queries
from fullhouse.bookings import errors as codes
from fullhouse.bookings.commands import Desk, Order, Repeatable, staff_of
from fullhouse.bookings.core.commands import Staff
from fullhouse.bookings.core.types import Outcome, Result, Status
from fullhouse.bookings.schemas.bookings import (
    BookingRequest,
    BookingView,
    InStatus,
    WaitlistEntryView,
    first_view,
)
from fullhouse.bookings.store.read import Owned
from fullhouse.kit.db import Database
from fullhouse.kit.errors import Refused
from fullhouse.venues.errors import SEAT_AMBIGUOUS, UNKNOWN_SEAT
from fullhouse.venues.queries.seat_maps import SeatMaps

_TAGS = ["Bookings"]

IdempotencyKey = Annotated[
    str | None,
    HeaderParameter(
        name="Idempotency-Key",
        required=False,
        description="Repeating the request with its key answers again instead of doing it again.",
    ),
]

_RESERVE_REFUSALS = (
    UNAUTHENTICATED,
    NOT_FOUND,
    IDEMPOTENCY_KEY_INVALID,
    IDEMPOTENCY_KEY_REUSED,
    UNKNOWN_SEAT,
    SEAT_AMBIGUOUS,
    codes.SOLD_OUT,
    codes.SEATS_TAKEN,
    codes.ORPHAN_SEATS,
    codes.LIMIT_EXCEEDED,
    codes.SALES_CLOSED,
    codes.SEATS_REQUIRED,
    codes.SEATS_NOT_FOR_SALE,
    codes.DUPLICATE_SEAT,
    codes.NO_SEAT_MAP,
    codes.UNKNOWN_CATEGORY,
    codes.WAITLIST_ONE_CATEGORY,
)


class Answer(NamedTuple):
    """A finished answer, for the framework's route and for the direct one alike."""

    status: int
    body: bytes
    replayed: bool


async def answer_reservation(
    desk: Desk, principal: Principal, request: BookingRequest, key_header: str | None
) -> Answer:
    """Reserve what the request asks for: 201 reserved, 202 waiting in line."""
    key = key_of_header(key_header)
    repeatable = Repeatable(key, fingerprint(msgspec.json.encode(request))) if key else None
    order = Order(
        request.showtime_id,
        [(item.category_id, item.quantity) for item in request.items],
        request.seats,
        request.join_waitlist,
        request.allow_orphans,
    )
    result, terms = await commands.reserve(desk, principal.user_id, order, repeatable)
    booking = result.booking
    assert booking is not None
    seat_map = None
    if any(line.seats for line in booking.lines):
        seat_map = await desk.terms.seat_map(terms)  # at hand: it was sold by
    view = first_view(booking, terms, {} if seat_map is None else seat_map.by_id)
    status = 202 if view.status is Status.WAITLISTED else 201
    return Answer(status, msgspec.json.encode(view), result.outcome is Outcome.REPLAYED)


@post(
    "/bookings",
    access=SIGNED_IN,
    summary="Reserve places",
    tags=_TAGS,
    responses=problems(*_RESERVE_REFUSALS)
    | {
        201: ResponseSpec(BookingView, generate_examples=False, description="Reserved."),
        202: ResponseSpec(BookingView, generate_examples=False, description="Waiting in line."),
    },
)
async def reserve(
    data: BookingRequest, principal: Principal, desk: Desk, idempotency_key: IdempotencyKey = None
) -> Response[bytes]:
    """Hold counted places or chosen seats for the hold time; with joinWaitlist, wait in line."""
    answer = await answer_reservation(desk, principal, data, idempotency_key)
    return Response(
        answer.body,
        status_code=answer.status,
        media_type="application/json",
        headers={REPLAYED_HEADER: "true"} if answer.replayed else None,
    )


@get(
    "/bookings",
    access=SIGNED_IN,
    summary="My bookings",
    tags=_TAGS,
    responses=problems(UNAUTHENTICATED),
)
async def list_bookings(
    principal: Principal,
    database: Database,
    seat_maps: SeatMaps,
    part: Slice,
    status: InStatus = None,
) -> Page[BookingView]:
    """The caller's bookings, the newest first."""
    return await queries.own_bookings(database, seat_maps, principal.user_id, status, part)


@get(
    "/bookings/{booking_id:uuid}",
    access=own_or(Permission.BOOKINGS_READ),
    summary="One booking",
    tags=_TAGS,
    responses=problems(UNAUTHENTICATED, NOT_FOUND),
)
async def get_booking(
    booking_id: UUID, principal: Principal, database: Database, seat_maps: SeatMaps
) -> BookingView:
    """A booking of the caller, or of an organization that the caller acts for."""
    owned = await queries.own_booking(database, principal, booking_id)
    return await queries.view_of(seat_maps, owned)


@post(
    "/bookings/{booking_id:uuid}/confirm",
    access=own_or(Permission.BOOKINGS_WRITE),
    status_code=200,
    summary="Confirm a booking",
    tags=_TAGS,
    responses=problems(
        UNAUTHENTICATED,
        FORBIDDEN,
        NOT_FOUND,
        codes.PAYMENT_REQUIRED,
        codes.BOOKING_EXPIRED,
        codes.SALES_CLOSED,
        codes.TRANSITION_REFUSED,
    ),
)
async def confirm(
    booking_id: UUID, principal: Principal, desk: Desk, database: Database, seat_maps: SeatMaps
) -> Response[BookingView]:
    """Complete a booking that owes nothing; members of the organization take money in person."""
    owned = await queries.own_booking(database, principal, booking_id)
    staff = _staff(principal, owned)
    result = await commands.confirm(desk, owned.booking.showtime_id, booking_id, staff)
    return await _changed(seat_maps, owned, result)


@post(
    "/bookings/{booking_id:uuid}/cancel",
    access=own_or(Permission.BOOKINGS_WRITE),
    status_code=200,
    summary="Cancel a booking",
    tags=_TAGS,
    responses=problems(
        UNAUTHENTICATED,
        FORBIDDEN,
        NOT_FOUND,
        codes.CANCELLATION_CLOSED,
        codes.TRANSITION_REFUSED,
    ),
)
async def cancel(
    booking_id: UUID, principal: Principal, desk: Desk, database: Database, seat_maps: SeatMaps
) -> Response[BookingView]:
    """Give up a hold, a confirmed booking or a place in line."""
    return await _cancel(booking_id, principal, desk, database, seat_maps)


@delete(
    "/bookings/{booking_id:uuid}",
    access=own_or(Permission.BOOKINGS_WRITE),
    status_code=200,
    summary="Cancel a booking",
    tags=_TAGS,
    responses=problems(
        UNAUTHENTICATED,
        FORBIDDEN,
        NOT_FOUND,
        codes.CANCELLATION_CLOSED,
        codes.TRANSITION_REFUSED,
    ),
)
async def delete_booking(
    booking_id: UUID, principal: Principal, desk: Desk, database: Database, seat_maps: SeatMaps
) -> Response[BookingView]:
    """The same as POST …/cancel; the booking stays on record."""
    return await _cancel(booking_id, principal, desk, database, seat_maps)


@get(
    "/waitlist",
    access=SIGNED_IN,
    summary="My places in line",
    tags=_TAGS,
    responses=problems(UNAUTHENTICATED),
)
async def list_waitlist(principal: Principal, database: Database) -> Page[WaitlistEntryView]:
    """Where the caller waits, with the position in each line."""
    return await queries.own_waiting(database, principal.user_id)


@delete(
    "/waitlist/{entry_id:uuid}",
    access=SIGNED_IN,
    status_code=200,
    summary="Leave a line",
    tags=_TAGS,
    responses=problems(UNAUTHENTICATED, NOT_FOUND, codes.TRANSITION_REFUSED),
)
async def leave_waitlist(
    entry_id: UUID, principal: Principal, desk: Desk, database: Database, seat_maps: SeatMaps
) -> Response[BookingView]:
    """Stop waiting. The id of an entry is that of its booking."""
    owned = await queries.own_waiting_booking(database, principal, entry_id)
    result = await commands.leave(desk, owned.booking.showtime_id, entry_id)
    return await _changed(seat_maps, owned, result)


async def _cancel(
    booking_id: UUID, principal: Principal, desk: Desk, database: Database, seat_maps: SeatMaps
) -> Response[BookingView]:
    owned = await queries.own_booking(database, principal, booking_id)
    staff = _staff(principal, owned)
    result = await commands.cancel(desk, owned.booking.showtime_id, booking_id, staff)
    return await _changed(seat_maps, owned, result)


def _staff(principal: Principal, owned: Owned) -> Staff | None:
    """The caller as staff of the organization that sells; None for the buyer.

    Refused with ``forbidden`` for members who may look at bookings and no more.
    """
    if principal.may(Permission.BOOKINGS_WRITE, owned.organization_id):
        return staff_of(principal)
    if owned.booking.user_id != principal.id:
        raise Refused(FORBIDDEN)
    return None


async def _changed(seat_maps: SeatMaps, owned: Owned, result: Result) -> Response[BookingView]:
    """The booking as it is now; whatever became of it, it waits no more."""
    assert result.booking is not None
    now = msgspec.structs.replace(owned, booking=result.booking, position=0)
    view = await queries.view_of(seat_maps, now)
    return Response(view, headers=replayed_header(result))


def replayed_header(result: Result) -> dict[str, str] | None:
    """The header that says that the wish had been fulfilled before."""
    return {REPLAYED_HEADER: "true"} if result.repeated else None


ROUTES = [
    reserve,
    list_bookings,
    get_booking,
    confirm,
    cancel,
    delete_booking,
    list_waitlist,
    leave_waitlist,
]
