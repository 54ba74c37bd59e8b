"""Venues and halls as requests and answers hold them."""

from typing import Annotated
from uuid import UUID

from msgspec import Meta

from fullhouse.api.schemas import Body, Line, View
from fullhouse.venues.queries.places import VenueWithHalls
from fullhouse.venues.store.places import HallRow, VenueRow

Address = Annotated[str, Meta(max_length=500)]


class VenueBody(Body):
    """A new venue. ``country`` is ISO 3166-1 alpha-2, ``timezone`` an IANA name."""

    name: Line
    city: Line
    country: Annotated[str, Meta(pattern="^[A-Za-z]{2}$", examples=["NP"])]
    timezone: Annotated[str, Meta(max_length=64, examples=["Asia/Kathmandu"])]
    address: Address = ""
    organization_id: UUID | None = None


class HallBody(Body):
    """A new hall of a venue."""

    name: Line


class HallView(View):
    """A hall. ``seatMapId`` is the newest version of its seat map, if it has one."""

    id: UUID
    venue_id: UUID
    name: str
    seat_map_id: UUID | None


class VenueView(View):
    """A venue. ``organizationId`` is null for one that everybody may use."""

    id: UUID
    name: str
    address: str
    city: str
    country: str
    timezone: str
    organization_id: UUID | None


class VenueDetailView(VenueView):
    """A venue with its halls."""

    halls: list[HallView]


def hall_view(hall: HallRow) -> HallView:
    """A hall as the API shows it."""
    return HallView(hall.id, hall.venue_id, hall.name, hall.seat_map_id)


def venue_view(venue: VenueRow) -> VenueView:
    """A venue as lists show it."""
    return VenueView(
        venue.id,
        venue.name,
        venue.address,
        venue.city,
        venue.country,
        venue.timezone,
        venue.organization_id,
    )


def venue_detail_view(found: VenueWithHalls) -> VenueDetailView:
    """A venue as its own page shows it."""
    venue = found.venue
    return VenueDetailView(
        venue.id,
        venue.name,
        venue.address,
        venue.city,
        venue.country,
        venue.timezone,
        venue.organization_id,
        [hall_view(hall) for hall in found.halls],
    )
