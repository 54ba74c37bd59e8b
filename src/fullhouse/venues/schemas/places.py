"""Venues and halls as requests and answers hold them."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from msgspec import UNSET, Meta, UnsetType

from fullhouse.api.schemas import NO_UNSEEN, UNSEEN, Body, Line, Text, View, given
from fullhouse.api.wording import IN_WORDS
from fullhouse.kit import richtext
from fullhouse.media.schemas import MediaView, shown_of
from fullhouse.venues import rules
from fullhouse.venues.queries.places import VenueWithHalls
from fullhouse.venues.store.places import HallRow, VenueRow
from fullhouse.venues.store.venue_lists import ListedRow

# Line feeds may stand in an address, other signs that nobody sees may not.
Address = Annotated[
    str,
    Meta(
        max_length=500,
        pattern=rf"^([^{UNSEEN}]|\n)*$",
        extra=NO_UNSEEN,
        description="Street and number, in as many lines as it takes.",
    ),
]
VenueName = Annotated[Line, Meta(description="What the venue is called.")]
HallName = Annotated[
    Line, Meta(description="What the hall is called; no two of a venue have the same name.")
]
City = Annotated[Line, Meta(description="The city or town, by which events are found.")]
Country = Annotated[
    str,
    Meta(
        pattern="^[A-Za-z]{2}$",
        examples=["NP"],
        description="ISO 3166-1 alpha-2.",
        extra={IN_WORDS: rules.COUNTRY_IN_WORDS.removeprefix("must ")},
    ),
]
Timezone = Annotated[
    str, Meta(max_length=64, examples=["Asia/Kathmandu"], description="The IANA name of a zone.")
]
Html = Annotated[
    Text, Meta(description=f"HTML; what is not allowed is taken out. {richtext.ALLOWED}")
]
Amenities = Annotated[
    list[
        Annotated[
            str, Meta(min_length=1, max_length=60, pattern=f"^[^{UNSEEN}]+$", extra=NO_UNSEEN)
        ]
    ],
    Meta(max_length=50, description="What visitors find there, in words: parking, cloakroom, …"),
]
Images = Annotated[
    list[UUID], Meta(max_length=20, description="Ids of media, in the order to show them in.")
]
CleaningMinutes = Annotated[
    int,
    Meta(ge=0, le=1_440, description="For which a hall is not free after each of its showtimes."),
]
HoldSeconds = Annotated[
    int, Meta(ge=60, le=3_600, description="How long places are held at events that say nothing.")
]
AgeRating = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=100,
        pattern=f"^[^{UNSEEN}]+$",
        extra=NO_UNSEEN,
        description="Of events here whose show says nothing, and of shows made with one.",
    ),
]


class CoordinatesBody(Body):
    """A point on earth, in degrees of WGS 84."""

    latitude: Annotated[
        float, Meta(ge=-90, le=90, description="Degrees to the north; negative to the south.")
    ]
    longitude: Annotated[
        float, Meta(ge=-180, le=180, description="Degrees to the east; negative to the west.")
    ]


class VenueBody(Body):
    """A new venue. Its last three fields are what its events take over unless they say more."""

    name: VenueName
    city: City
    country: Country
    timezone: Timezone
    address: Address = ""
    organization_id: Annotated[
        UUID | None,
        Meta(
            description="Whose it is; one's own unless it is one of several. What administrators "
            "without one make is everybody's."
        ),
    ] = None
    coordinates: CoordinatesBody | None = None
    amenities: Amenities = []
    house_rules: Html = ""
    images: Images = []
    cleaning_minutes: CleaningMinutes = 0
    hold_seconds: HoldSeconds | None = None
    age_rating: AgeRating | None = None


class VenuePatchBody(Body):
    """What shall change of a venue; what is left out stays, and null takes away."""

    name: VenueName | UnsetType = UNSET
    city: City | UnsetType = UNSET
    country: Country | UnsetType = UNSET
    timezone: Timezone | UnsetType = UNSET
    address: Address | UnsetType = UNSET
    coordinates: CoordinatesBody | UnsetType | None = UNSET
    amenities: Amenities | UnsetType = UNSET
    house_rules: Html | UnsetType = UNSET
    images: Images | UnsetType = UNSET
    cleaning_minutes: CleaningMinutes | UnsetType = UNSET
    hold_seconds: HoldSeconds | UnsetType | None = UNSET
    age_rating: AgeRating | UnsetType | None = UNSET


class HallBody(Body):
    """A new hall of a venue; ``cleaningMinutes`` is the venue's where it is null."""

    name: HallName
    cleaning_minutes: CleaningMinutes | None = None


class HallPatchBody(Body):
    """What shall change of a hall; without ``cleaningMinutes`` of its own it has the venue's."""

    name: HallName | UnsetType = UNSET
    cleaning_minutes: CleaningMinutes | UnsetType | None = UNSET


class HallView(View):
    """A hall. ``seatMapId`` is the newest version of its seat map, if it has one.

    ``cleaningMinutes`` is its own time, and null where it has the venue's.
    """

    id: UUID
    venue_id: UUID
    name: str
    cleaning_minutes: int | None
    seat_map_id: UUID | None


class CoordinatesView(View):
    """A point on earth, in degrees of WGS 84."""

    latitude: float
    longitude: float


class VenueView(View):
    """A venue. ``organizationId`` is null for one that everybody may use.

    ``images`` are those that can be shown, and ``image`` is the first of them. ``distanceKm`` is
    from the point that the list was asked for, as the crow flies, and null without one.
    """

    id: UUID
    name: str
    address: str
    city: str
    country: str
    timezone: str
    organization_id: UUID | None
    coordinates: CoordinatesView | None
    amenities: list[str]
    image: MediaView | None
    images: list[MediaView]
    distance_km: float | None
    created_at: datetime


class VenueDetailView(VenueView, kw_only=True):
    """A venue in full, with its halls and with what its events take over."""

    house_rules: str
    cleaning_minutes: int
    hold_seconds: int | None
    age_rating: str | None
    halls: list[HallView]


def venue_fields(body: VenueBody | VenuePatchBody) -> dict[str, Any]:
    """What a body says of a venue, by the names of its row; what it leaves out is not there."""
    fields = given(body)
    fields.pop("organization_id", None)
    if "coordinates" in fields:
        point = fields.pop("coordinates")
        fields["latitude"] = None if point is None else point.latitude
        fields["longitude"] = None if point is None else point.longitude
    if "house_rules" in fields:
        fields["house_rules"] = richtext.clean(fields["house_rules"])
    if "images" in fields:
        fields["images"] = tuple(dict.fromkeys(fields["images"]))
    return fields


def hall_fields(body: HallPatchBody) -> dict[str, Any]:
    """What a body says of a hall; what it leaves out is not there."""
    return given(body)


def hall_view(hall: HallRow) -> HallView:
    """A hall as the API shows it."""
    return HallView(hall.id, hall.venue_id, hall.name, hall.own_cleaning_minutes, hall.seat_map_id)


def venue_view(row: ListedRow, images: Mapping[UUID, MediaView]) -> VenueView:
    """A venue as lists show it."""
    return VenueView(**_fields(row.venue, images, row.distance))


def venue_detail_view(found: VenueWithHalls) -> VenueDetailView:
    """A venue as its own page shows it."""
    venue = found.venue
    return VenueDetailView(
        **_fields(venue, found.images),
        house_rules=venue.house_rules,
        cleaning_minutes=venue.cleaning_minutes,
        hold_seconds=venue.hold_seconds,
        age_rating=venue.age_rating,
        halls=[hall_view(hall) for hall in found.halls],
    )


def _fields(
    venue: VenueRow, images: Mapping[UUID, MediaView], meters: int | None = None
) -> dict[str, Any]:
    point = None
    if venue.latitude is not None and venue.longitude is not None:
        point = CoordinatesView(venue.latitude, venue.longitude)
    shown = shown_of(venue.images, images)
    return {
        **{name: getattr(venue, name) for name in _AS_THEY_ARE},
        "coordinates": point,
        "amenities": list(venue.amenities),
        "image": next(iter(shown), None),
        "images": shown,
        "distance_km": None if meters is None else meters / 1_000,
    }


_WORKED_OUT = ("coordinates", "amenities", "image", "images", "distance_km")
_AS_THEY_ARE = [name for name in VenueView.__struct_fields__ if name not in _WORKED_OUT]
