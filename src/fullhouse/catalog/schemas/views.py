"""How the API shows the catalogue."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Annotated, Any, TypeVar
from uuid import UUID

import msgspec
from msgspec import UNSET, Meta, UnsetType

from fullhouse.api.lists import projected as projected
from fullhouse.api.schemas import Money, View
from fullhouse.catalog.queries import EventWithShowtimes, ShowsWithImages, ShowWithEvents
from fullhouse.catalog.rules import Policy, ShowStatus
from fullhouse.catalog.schemas.categories import CategoryView, category_view
from fullhouse.catalog.schemas.policy import PolicyBody, policy_body
from fullhouse.catalog.store.event_facets import FacetRow
from fullhouse.catalog.store.events import EventRow, EventSummaryRow
from fullhouse.catalog.store.shows import ShowRow
from fullhouse.catalog.store.showtimes import PlaceRow, ShowtimeRow
from fullhouse.media.schemas import MediaView, media_view, shown_of

T = TypeVar("T")


class VenueBriefView(View):
    """The venue of an event."""

    id: UUID
    name: str
    city: str
    country: str


class EventVenueView(VenueBriefView):
    """The venue on an event's own page, with what visitors have to know of it."""

    house_rules: Annotated[str, Meta(description="HTML, such as may be shown as it is.")]
    amenities: Annotated[list[str], Meta(description="What visitors find there, in words.")]


class HallBriefView(View):
    """The hall of an event."""

    id: UUID
    name: str


class ShowtimeCategoryView(View):
    """A category at a showtime. ``available`` counts places neither held, sold nor blocked."""

    id: UUID
    name: str
    price: Money
    available: int
    capacity: int
    benefits: list[str]
    seated: bool
    sections: list[str] | None


class ShowtimeView(View):
    """One sitting of an event. Times are in UTC, ``timezone`` is that of the place.

    When it was cancelled, and why in the organizer's words, is said where it is so.
    """

    id: UUID
    event_id: UUID
    title: str
    venue: VenueBriefView | None
    hall: HallBriefView | None
    location: str | None
    seat_map_id: UUID | None
    starts_at: datetime
    ends_at: datetime
    timezone: str
    status: str
    categories: list[ShowtimeCategoryView]
    cancelled_at: datetime | UnsetType = UNSET
    cancel_reason: str | UnsetType = UNSET


class EventSummaryView(View):
    """An event in a list.

    ``startsAt`` and ``endsAt`` are the next showtime's, ``price`` is the lowest that is
    asked at a coming showtime and ``highestPrice`` the highest (without any, those of the
    categories), ``available`` counts the places left there.
    ``image`` is the first of those that the event shows.
    """

    id: UUID
    slug: str
    title: str
    kind: str
    status: str
    organization_id: UUID
    show_id: UUID
    venue: VenueBriefView | None
    hall: HallBriefView | None
    location: str | None
    timezone: str
    currency: str
    starts_at: datetime | None
    ends_at: datetime | None
    price: Money | None
    highest_price: Money | None
    available: int | None
    image: MediaView | None
    created_at: datetime


class FacetView(View):
    """One value, and how many of the events that fit have it."""

    value: str
    count: int


class FacetsView(View):
    """What the events that fit have: ``city``, ``kind``, ``category`` (of tickets) and ``date``.

    The most frequent come first, dates in their order; at most 50 of each.
    """

    city: list[FacetView]
    kind: list[FacetView]
    category: list[FacetView]
    date: list[FacetView]


class CastView(View):
    """Somebody who takes part, and as what."""

    name: str
    role: str


class EventShowView(View):
    """What an event puts on, in the words of the show."""

    id: Annotated[UUID, Meta(description="Of the show.")]
    title: Annotated[str, Meta(description="What the show is called; the event may differ.")]
    duration_minutes: Annotated[
        int | None, Meta(description="How many minutes it lasts; null where nobody says.")
    ]
    genre: Annotated[str | None, Meta(description="In words, such as Drama.")]
    language: Annotated[str | None, Meta(description="In which it is performed, in words.")]
    age_rating: Annotated[
        str | None, Meta(description="The show's own; that of the event counts for who may come.")
    ]
    cast: Annotated[list[CastView], Meta(description="Who takes part, in the order to show.")]
    trailers: Annotated[list[str], Meta(description="Https addresses of videos.")]


class EventView(View):
    """An event in full, with its next showtimes.

    ``images`` are those of its own that can be shown, or its show's where it has none of its own.
    When it was cancelled, and why in the organizer's words, is said where it is so.
    """

    id: UUID
    slug: str
    title: str
    description: str
    kind: str
    status: str
    organization_id: UUID
    show_id: UUID
    show: Annotated[EventShowView, Meta(description="What is put on.")]
    age_rating: Annotated[
        str | None,
        Meta(description="Who may come: in the words of the show, or else those of the venue."),
    ]
    venue: Annotated[
        EventVenueView | None, Meta(description="Where it is; null for a location in words.")
    ]
    hall: HallBriefView | None
    location: str | None
    timezone: str
    currency: str
    policy: PolicyBody
    sales_open_at: datetime | None
    sales_close_at: datetime | None
    published_at: datetime | None
    created_at: datetime
    images: list[MediaView]
    categories: list[CategoryView]
    showtimes: list[ShowtimeView]
    cancelled_at: datetime | UnsetType = UNSET
    cancel_reason: str | UnsetType = UNSET


class ShowView(View):
    """A show. ``nextStartsAt`` is its next public showtime's start.

    ``images`` are those that can be shown, and ``image`` is the first of them. What is
    ``announced`` everybody sees, with or without an event.
    """

    id: UUID
    organization_id: UUID
    kind: str
    title: str
    description: str
    duration_minutes: int | None
    genre: str | None
    language: str | None
    age_rating: str | None
    released_on: date | None
    ends_on: date | None
    image: MediaView | None
    images: list[MediaView]
    announced: bool
    status: ShowStatus
    next_starts_at: datetime | None
    created_at: datetime


class ShowDetailView(ShowView):
    """A show in full, with the coming events that put it on. Trailers are https addresses."""

    cast: list[CastView]
    trailers: list[str]
    events: list[EventSummaryView]


def showtime_view(row: ShowtimeRow) -> ShowtimeView:
    """A showtime as the API shows it."""
    return ShowtimeView(
        id=row.id,
        event_id=row.event_id,
        title=row.title,
        venue=_venue(row.place),
        hall=_hall(row.place),
        location=row.place.location,
        seat_map_id=row.seat_map_id,
        starts_at=row.starts_at,
        ends_at=row.ends_at,
        timezone=row.timezone,
        status=row.status,
        categories=[
            ShowtimeCategoryView(
                allotment.category_id,
                allotment.name,
                Money(allotment.price, row.currency),
                allotment.available,
                allotment.capacity,
                allotment.benefits,
                allotment.seated,
                allotment.sections,
            )
            for allotment in row.allotments
        ],
        cancelled_at=_known(row.cancelled_at),
        cancel_reason=_known(row.cancel_reason),
    )


def event_summary_view(row: EventSummaryRow) -> EventSummaryView:
    """An event as lists show it."""
    return EventSummaryView(
        id=row.id,
        slug=row.slug,
        title=row.title,
        kind=row.kind,
        status=row.status,
        organization_id=row.organization_id,
        show_id=row.show_id,
        venue=_venue(row.place),
        hall=_hall(row.place),
        location=row.place.location,
        timezone=row.timezone,
        currency=row.currency,
        starts_at=row.starts_at,
        ends_at=row.ends_at,
        price=_money(row.price, row.currency),
        highest_price=_money(row.highest_price, row.currency),
        available=row.available,
        image=None if row.image is None else media_view(row.image),
        created_at=row.created_at,
    )


def event_view(found: EventWithShowtimes) -> EventView:
    """An event as its own page shows it."""
    event = found.event
    return EventView(
        id=event.id,
        slug=event.slug,
        title=event.title,
        description=event.description,
        kind=event.kind,
        status=event.status,
        organization_id=event.organization_id,
        show_id=event.show_id,
        show=_event_show(event),
        age_rating=event.age_rating,
        venue=_event_venue(event),
        hall=_hall(event.place),
        location=event.place.location,
        timezone=event.timezone,
        currency=event.currency,
        policy=policy_body(msgspec.convert(event.policy, Policy)),
        sales_open_at=event.sales_open_at,
        sales_close_at=event.sales_close_at,
        published_at=event.published_at,
        created_at=event.created_at,
        images=shown_of(event.images, found.images) or shown_of(event.show_images, found.images),
        categories=[category_view(category, event.currency) for category in event.categories],
        showtimes=[showtime_view(showtime) for showtime in found.showtimes],
        cancelled_at=_known(event.cancelled_at),
        cancel_reason=_known(event.cancel_reason),
    )


def show_views(found: ShowsWithImages) -> list[ShowView]:
    """Shows as lists show them."""
    return [ShowView(**_show_fields(row, found.images)) for row in found.part.items]


def show_detail_view(found: ShowWithEvents) -> ShowDetailView:
    """A show as its own page shows it."""
    show = found.show
    return ShowDetailView(
        **_show_fields(show, found.images),
        cast=_cast(show.cast),
        trailers=show.trailers,
        events=[event_summary_view(event) for event in found.events],
    )


def _show_fields(row: ShowRow, images: Mapping[UUID, MediaView]) -> dict[str, Any]:
    shown = shown_of(row.images, images)
    pictures = {"image": next(iter(shown), None), "images": shown}
    names = [name for name in ShowView.__struct_fields__ if name not in pictures]
    return {name: getattr(row, name) for name in names} | pictures


def _venue(place: PlaceRow) -> VenueBriefView | None:
    if place.venue_id is None:
        return None
    return VenueBriefView(
        place.venue_id, place.venue_name or "", place.city or "", place.country or ""
    )


def _event_venue(event: EventRow) -> EventVenueView | None:
    brief = _venue(event.place)
    if brief is None:
        return None
    return EventVenueView(
        **msgspec.structs.asdict(brief),
        house_rules=event.house_rules or "",
        amenities=event.amenities or [],
    )


def _event_show(event: EventRow) -> EventShowView:
    return EventShowView(
        event.show_id,
        event.show_title,
        event.show_duration_minutes,
        event.show_genre,
        event.show_language,
        event.show_age_rating,
        _cast(event.show_cast),
        event.show_trailers,
    )


def _cast(members: Sequence[Mapping[str, str]]) -> list[CastView]:
    return [CastView(one["name"], one["role"]) for one in members]


def _hall(place: PlaceRow) -> HallBriefView | None:
    return None if place.hall_id is None else HallBriefView(place.hall_id, place.hall_name or "")


def _money(amount: int | None, currency: str) -> Money | None:
    return None if amount is None else Money(amount, currency)


def _known(value: T | None) -> T | UnsetType:
    return UNSET if value is None else value


def facets_view(found: Mapping[str, list[FacetRow]]) -> FacetsView:
    """The facets as the API shows them."""
    return FacetsView(
        **{name: [FacetView(row.value, row.count) for row in rows] for name, rows in found.items()}
    )
