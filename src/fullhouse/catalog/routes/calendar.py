"""Calendars to subscribe to, below ``/api/v1``."""

from typing import Any
from uuid import UUID

from litestar import Request, Response, get
from litestar.openapi.datastructures import ResponseSpec

from fullhouse.api.errors import NOT_FOUND, problems
from fullhouse.api.exchange import keep
from fullhouse.api.permissions import PUBLIC
from fullhouse.catalog import queries
from fullhouse.catalog.filters import id_or_slug
from fullhouse.catalog.ical import Calendar, written
from fullhouse.kit.db import Database

_TAGS = ["Catalogue"]
# The framework adds the charset.
_MEDIA_TYPE = "text/calendar"
_KEPT_SECONDS = 60
# Every change of an event or its showtimes says the first, every change of a venue the other.
_TAGGED = ("events", "venues")

_RESPONSES = problems(NOT_FOUND) | {
    200: ResponseSpec(str, generate_examples=False, description="RFC 5545.", media_type=_MEDIA_TYPE)
}


@get(
    "/events/{key:str}/calendar.ics",
    access=PUBLIC,
    summary="Calendar of an event",
    tags=_TAGS,
    responses=_RESPONSES,
    open_query=True,  # what others link to, others decorate
)
async def get_event_calendar(
    key: str, request: Request[Any, Any, Any], database: Database
) -> Response[bytes]:
    """The showtimes of a published event by id or slug, for programs that subscribe to calendars.

    From 30 days ago on, at most 1,000; cancelled ones are marked.
    """
    found = await queries.event_calendar(database, id_or_slug(key))
    keep(request, _KEPT_SECONDS, _TAGGED)
    return _answer(found)


@get(
    "/venues/{venue_id:uuid}/calendar.ics",
    access=PUBLIC,
    summary="Calendar of a venue",
    tags=_TAGS,
    responses=_RESPONSES,
    open_query=True,  # what others link to, others decorate
)
async def get_venue_calendar(
    venue_id: UUID, request: Request[Any, Any, Any], database: Database
) -> Response[bytes]:
    """What is published at a venue, for programs that subscribe to calendars.

    From 30 days ago on, at most 1,000 showtimes; cancelled ones are marked.
    """
    found = await queries.venue_calendar(database, venue_id)
    keep(request, _KEPT_SECONDS, _TAGGED)
    return _answer(found)


def _answer(calendar: Calendar) -> Response[bytes]:
    return Response(written(calendar), media_type=_MEDIA_TYPE)


ROUTES = [get_event_calendar, get_venue_calendar]
