"""What an organizer wants to put on, before it is checked."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any
from uuid import UUID

from fullhouse.catalog.rules import Policy

DEFAULT_POLICY = Policy()


@dataclass(frozen=True, slots=True)
class CategoryDraft:
    """A ticket category. ``price`` in minor units of the event's currency.

    With ``sections`` its places are those of the seat map's sections or standing areas; else
    ``capacity`` says how many there are.
    """

    name: str
    price: int
    capacity: int | None = None
    benefits: tuple[str, ...] = ()
    sections: tuple[str, ...] | None = None
    currency: str | None = None  # repeated by some callers; must be the event's


@dataclass(frozen=True, slots=True)
class CastMember:
    """Somebody who takes part in a show, and as what."""

    name: str
    role: str = ""


@dataclass(frozen=True, slots=True)
class ShowDraft:
    """What is performed, without its title and description.

    ``ends_on`` is the last day on which it is shown; ``trailers`` are https addresses, ``images``
    ids of media. What is ``announced`` everybody sees, with or without an event.
    """

    kind: str = "other"
    duration_minutes: int | None = None
    genre: str | None = None
    language: str | None = None
    age_rating: str | None = None
    released_on: date | None = None
    ends_on: date | None = None
    cast: tuple[CastMember, ...] = ()
    trailers: tuple[str, ...] = ()
    images: tuple[UUID, ...] = ()
    announced: bool = False


@dataclass(frozen=True, slots=True)
class ShowChange:
    """What shall change of a show; ``fields`` by their names in :class:`ShowDraft`."""

    title: str | None = None
    description: str | None = None
    fields: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ListedShow:
    """A show with its title and description."""

    title: str
    description: str
    show: ShowDraft


@dataclass(frozen=True, slots=True)
class ListedShowtime:
    """A showtime in a table of showtimes, as it names things.

    ``event`` is an id or a slug, ``hall`` an id or a name. Times without an offset are those of the
    clocks where the event is.
    """

    event: str
    starts_at: datetime
    ends_at: datetime | None = None
    hall: str | None = None


@dataclass(frozen=True, slots=True)
class ShowtimeDraft:
    """One sitting. Without an end it takes the show's duration, or two hours."""

    starts_at: datetime
    ends_at: datetime | None = None
    hall_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class EventDraft:
    """An event with its categories, and with a showtime where ``starts_at`` is set, or several.

    Where it happens is a hall, a venue, or a ``location`` in words; ``timezone`` is the venue's
    (UTC for a location) unless it is set. ``currency`` is ISO 4217. With ``venue_holds`` the venue
    says how long places are held, if it does.
    """

    title: str
    currency: str
    categories: tuple[CategoryDraft, ...]
    description: str = ""
    show_id: UUID | None = None
    show: ShowDraft | None = None
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    venue_id: UUID | None = None
    hall_id: UUID | None = None
    location: str | None = None
    timezone: str | None = None
    policy: Policy = DEFAULT_POLICY
    venue_holds: bool = False
    sales_open_at: datetime | None = None
    sales_close_at: datetime | None = None
    images: tuple[UUID, ...] = ()
    publish: bool = False
    organization_id: UUID | None = None
    showtimes: tuple[ShowtimeDraft, ...] = ()


@dataclass(frozen=True, slots=True)
class Whereabouts:
    """Where an event happens: a venue and perhaps its hall, or a location in words.

    A ``timezone`` of None is the usual one of the place.
    """

    location: str | None
    venue_id: UUID | None
    hall_id: UUID | None
    timezone: str | None


WHEREABOUTS = tuple(Whereabouts.__dataclass_fields__)


@dataclass(frozen=True, slots=True)
class EventChange:
    """What shall change of an event; None takes away what it can be without.

    ``fields`` by their names in :class:`EventDraft`, and ``slug``; ``policy`` by their names in
    :class:`Policy`.
    """

    fields: Mapping[str, Any] = field(default_factory=dict)
    policy: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class CategoryChange:
    """What shall change of a category; ``fields`` by their names in :class:`CategoryDraft`.

    ``sections`` of None makes it a counted one; ``rank`` is its new place in the list, from 0.
    """

    fields: Mapping[str, Any] = field(default_factory=dict)
    rank: int | None = None
