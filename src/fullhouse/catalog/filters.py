"""What a list of the catalogue is asked for: plain values, read from a request's parameters."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal
from uuid import UUID

import msgspec

from fullhouse.api.lists import Order as Order
from fullhouse.api.lists import is_storable, refusal
from fullhouse.api.lists import order_of as order_of
from fullhouse.api.permissions import Permission
from fullhouse.api.principal import Principal
from fullhouse.catalog.rules import SHOW_STATUSES, ShowStatus

MOVIE = "movie"

ShowtimeStatus = Literal["scheduled", "cancelled"]
SHOWTIME_STATUSES: tuple[ShowtimeStatus, ...] = ("scheduled", "cancelled")


@dataclass(frozen=True, slots=True)
class Viewer:
    """Who looks: the organizations whose drafts they may see; None for everybody's."""

    organizations: frozenset[UUID] | None = frozenset()

    @classmethod
    def of(cls, visitor: Principal | None) -> "Viewer":
        """What a signed-in user, or somebody unknown, may see."""
        if visitor is None:
            return PUBLIC
        return cls(visitor.organizations_with(Permission.EVENTS_READ))


PUBLIC = Viewer()


# Beyond them there are no showtimes.
_FIRST_YEAR, _LAST_YEAR = 1900, 2300


@dataclass(frozen=True, slots=True)
class Period:
    """When a showtime starts: on a day, and not before and not after something.

    Days are those of the place where it happens; ``until`` includes its day or its instant.
    """

    day: date | None = None
    since: date | datetime | None = None
    until: date | datetime | None = None

    def __post_init__(self) -> None:
        """Raise Refused for days so far away that the days around them do not exist."""
        for name, day in (("date", self.day), ("from", self.since), ("to", self.until)):
            if day is not None and not _FIRST_YEAR <= day.year <= _LAST_YEAR:
                raise refusal(name, "is too far away")

    @property
    def is_open(self) -> bool:
        """Nothing is said of the beginning, so that what is over is left out."""
        return self.day is None and self.since is None


@dataclass(frozen=True, slots=True)
class EventFilters:
    """Which events; ``None`` leaves a question open. Prices in minor units."""

    q: str | None = None
    # Where no event has all the words: those whose words are almost the same.
    almost: bool = False
    category: str | None = None
    kind: str | None = None
    city: str | None = None
    venue_id: UUID | None = None
    show_id: UUID | None = None
    period: Period = Period()
    available: bool | None = None
    price_at_most: int | None = None
    price_at_least: int | None = None
    # For organizers' own lists: these organizations' events of any status, past ones too.
    of_organizations: frozenset[UUID] | None = None
    status: str | None = None
    public: bool = True
    # For a person's own list: what they have marked, without what they may not see any more.
    favorites_of: UUID | None = None
    visible_to: Viewer | None = None


@dataclass(frozen=True, slots=True)
class ShowtimeFilters:
    """Which showtimes, as far as the viewer may see them."""

    viewer: Viewer = PUBLIC
    event_id: UUID | None = None
    show_id: UUID | None = None
    period: Period = Period()
    venue_id: UUID | None = None
    hall_id: UUID | None = None
    # What was cancelled is shown to whoever asks for it.
    statuses: frozenset[ShowtimeStatus] = frozenset({"scheduled"})
    # For organizers' own lists: these organizations' showtimes, those of drafts too.
    of_organizations: frozenset[UUID] | None = None


@dataclass(frozen=True, slots=True)
class ShowFilters:
    """Which shows; ``None`` leaves a question open."""

    kind: str | None = None
    q: str | None = None
    genre: str | None = None
    language: str | None = None
    statuses: frozenset[ShowStatus] = frozenset(SHOW_STATUSES)
    # Where no show has all the words: those whose words are almost the same.
    almost: bool = False
    # For organizers' own lists: these organizations' shows, put on or not.
    of_organizations: frozenset[UUID] | None = None
    public: bool = True


def search_order(sort: str | None, q: str | None, keys: Collection[str], usual: str) -> Order:
    """The order of a list; the best ones first where words are searched for, unless said."""
    if q:
        usual = "-relevance"
    else:
        keys = [key for key in keys if key != "relevance"]
    return order_of(usual if sort is None else sort, keys)


def id_or_slug(key: str) -> UUID | str:
    """What names an event: slugs never look like ids."""
    try:
        return UUID(key)
    except ValueError:
        return key


def moment_of(parameter: str, text: str | None) -> date | datetime | None:
    """A day (2026-05-01) or an instant (RFC 3339); refused when it is neither."""
    if text is None:
        return None
    try:
        if len(text) == len("2026-05-01"):
            return date.fromisoformat(text)
        # In a query an unescaped + has become a blank.
        moment = msgspec.convert(text.replace(" ", "+"), datetime)
    except (ValueError, msgspec.ValidationError):
        words = "must be a date such as 2027-01-31, or a time such as 2027-01-31T20:00:00Z"
        raise refusal(parameter, f"{words} (RFC 3339)") from None
    if moment.tzinfo is None:
        raise refusal(parameter, "has no offset from UTC, such as Z")
    if not is_storable(moment):
        raise refusal(parameter, "is too far away")
    return moment


def showtime_statuses_of(
    text: str | None, usual: Collection[ShowtimeStatus]
) -> frozenset[ShowtimeStatus]:
    """The statuses in a list with commas; the usual ones when there is no list."""
    if text is None:
        return frozenset(usual)
    wanted = {part.strip() for part in text.split(",")}
    if not wanted <= set(SHOWTIME_STATUSES):
        known = ", ".join(SHOWTIME_STATUSES)
        raise refusal("status", f"must be some of {known}, with commas between")
    return frozenset(status for status in SHOWTIME_STATUSES if status in wanted)


def statuses_of(text: str | None) -> frozenset[ShowStatus]:
    """The show statuses in a list with commas; all of them when there is no list."""
    if text is None:
        return frozenset(SHOW_STATUSES)
    wanted = {part.strip() for part in text.split(",")}
    if not wanted <= set(SHOW_STATUSES):
        known = ", ".join(SHOW_STATUSES)
        raise refusal("status", f"must be some of {known}, with commas between")
    return frozenset(status for status in SHOW_STATUSES if status in wanted)
