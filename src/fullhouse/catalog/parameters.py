"""The query parameters of the catalogue's lists, as the framework reads and documents them."""

from datetime import date
from typing import Annotated
from uuid import UUID

from litestar.params import QueryParameter

from fullhouse.catalog.schemas.shows import ShowKind

Search = Annotated[
    str | None,
    QueryParameter(
        name="q",
        max_length=200,
        description="Words in the title, place, cast, genre or description; almost right ones, in "
        "title, place or cast.",
    ),
]
ShowSearch = Annotated[
    str | None,
    QueryParameter(
        name="q",
        max_length=200,
        description="Words in the title, cast, genre or description; almost right ones, in title "
        "or cast.",
    ),
]
Category = Annotated[
    str | None, QueryParameter(max_length=200, description="Has a ticket category of this name.")
]
Kind = Annotated[ShowKind | None, QueryParameter(description="What is performed.")]
City = Annotated[str | None, QueryParameter(max_length=200, description="City of the venue.")]
VenueId = Annotated[UUID | None, QueryParameter(name="venueId", description="At this venue.")]
EventId = Annotated[UUID | None, QueryParameter(name="eventId", description="Of this event.")]
MovieId = Annotated[UUID | None, QueryParameter(name="movieId", description="Of this movie.")]
OrganizationId = Annotated[
    UUID | None, QueryParameter(name="organizationId", description="Of this organization.")
]
HallId = Annotated[UUID | None, QueryParameter(name="hallId", description="In this hall.")]
Day = Annotated[date | None, QueryParameter(name="date", description="Starts on this day, there.")]
Since = Annotated[
    str | None,
    QueryParameter(name="from", max_length=40, description="Starts on or after this date or time."),
]
Until = Annotated[
    str | None,
    QueryParameter(name="to", max_length=40, description="Starts on or before this date or time."),
]
Available = Annotated[
    bool | None,
    QueryParameter(description="true: something is left; false: a showtime is sold out."),
]
_MINOR_UNITS = "a whole number of minor units from 0 to 1000000000000, such as 1800 for 18.00"
PriceAtMost = Annotated[
    int | None,
    QueryParameter(
        name="price[lte]",
        ge=0,
        le=10**12,
        title=_MINOR_UNITS,
        description="Has a category at most this dear.",
    ),
]
PriceAtLeast = Annotated[
    int | None,
    QueryParameter(
        name="price[gte]",
        ge=0,
        le=10**12,
        title=_MINOR_UNITS,
        description="Has a category at least this dear.",
    ),
]
Sort = Annotated[
    str | None,
    QueryParameter(
        max_length=40,
        description="startsAt, createdAt, title or price, with q also relevance; - reverses.",
    ),
]
Fields = Annotated[
    str | None,
    QueryParameter(max_length=1_000, description="Only these fields of each item, with commas."),
]
Genre = Annotated[str | None, QueryParameter(max_length=100, description="Of this genre.")]
Language = Annotated[str | None, QueryParameter(max_length=100, description="In this language.")]
ShowSort = Annotated[
    str | None,
    QueryParameter(
        name="sort",
        max_length=40,
        description="title, releasedOn, startsAt (of the next showtime) or createdAt, with q also "
        "relevance; - reverses. What has no date yet counts as late.",
    ),
]
Statuses = Annotated[
    str | None,
    QueryParameter(
        name="status", max_length=100, description="now_showing, coming_soon, ended; with commas."
    ),
]
ShowtimeStatuses = Annotated[
    str | None,
    QueryParameter(name="status", max_length=100, description="scheduled, cancelled; with commas."),
]
ShowtimeSort = Annotated[
    str | None, QueryParameter(name="sort", max_length=40, description="startsAt; - reverses.")
]
