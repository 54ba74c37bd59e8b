"""The shortest way to a reservation, and to what is free: through the same functions as the routes.

The framework's routes stay for the description, and answer alike in every case
(``tests/contract/test_direct_routes.py``); these only spare the framework's share of the time.
"""

from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

from fullhouse.api.idempotency import REPLAYED_HEADER
from fullhouse.api.permissions import SIGNED_IN
from fullhouse.api.principal import caller_of, check_access, visitor_of
from fullhouse.api.requests import read_json
from fullhouse.bookings import queries
from fullhouse.bookings.commands import Desk
from fullhouse.bookings.routes.availability import REVALIDATE
from fullhouse.bookings.routes.buying import answer_reservation
from fullhouse.bookings.schemas.bookings import BookingRequest
from fullhouse.bookings.seat_states import SeatStates

Handler = Callable[[Any, Any, Any], Awaitable[None]]

_REPLAYED = (REPLAYED_HEADER.lower().encode(), b"true")
_JSON = (b"content-type", b"application/json")


def reserve_directly(desk: Desk, max_body_bytes: int) -> Handler:
    """An ASGI handler for ``POST /api/v1/bookings``. Refusals leave it as exceptions."""

    async def handle(scope: Any, receive: Any, send: Any) -> None:
        check_access(SIGNED_IN, scope)
        principal = caller_of(scope)
        key = _header(scope, b"idempotency-key")
        request = await read_json(scope, receive, max_body_bytes, BookingRequest)
        answer = await answer_reservation(desk, principal, request, key)
        headers = [_JSON, (b"content-length", str(len(answer.body)).encode())]
        if answer.replayed:
            headers.append(_REPLAYED)
        await send({"type": "http.response.start", "status": answer.status, "headers": headers})
        await send({"type": "http.response.body", "body": answer.body})

    return handle


def tell_availability_directly(desk: Desk, seat_states: SeatStates) -> Handler:
    """An ASGI handler for ``GET /api/v1/showtimes/{showtime_id}/availability``."""

    async def handle(scope: Any, receive: Any, send: Any) -> None:
        showtime_id = UUID(scope["path_params"]["showtime_id"])
        terms = await queries.visible_terms(desk, visitor_of(scope), showtime_id)
        if_none_match = _header(scope, b"if-none-match")
        shown = await queries.availability(seat_states, terms, if_none_match)
        headers = [(b"etag", shown.etag.encode()), (b"cache-control", REVALIDATE.encode())]
        if shown.body is None:
            await send({"type": "http.response.start", "status": 304, "headers": headers})
            await send({"type": "http.response.body", "body": b""})
            return
        headers += [_JSON, (b"content-length", str(len(shown.body)).encode())]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": shown.body})

    return handle


def _header(scope: Any, wanted: bytes) -> str | None:
    """A header as the framework reads it."""
    for name, value in scope["headers"]:
        if name == wanted:
            return str(value, "latin-1")
    return None
