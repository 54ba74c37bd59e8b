"""What an organizer wants to put on, before it is checked."""

from dataclasses import dataclass
from datetime import datetime
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
class ShowDraft:
    """What is performed, where the event does not name a show that exists."""

    kind: str = "other"
    duration_minutes: int | None = None
    genre: str | None = None
    language: str | None = None
    age_rating: str | None = None


@dataclass(frozen=True, slots=True)
class ShowtimeDraft:
    """One sitting. Without an end it takes the show's duration, or two hours."""

    starts_at: datetime
    ends_at: datetime | None = None
    hall_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class EventDraft:
    """An event with its categories, and its first showtime where ``starts_at`` is set.

    Where it happens is a hall, a venue, or a ``location`` in words; ``timezone`` is the venue's
    (UTC for a location) unless it is set. ``currency`` is ISO 4217.
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
    sales_open_at: datetime | None = None
    sales_close_at: datetime | None = None
    publish: bool = False
    organization_id: UUID | None = None
