"""What a list of the catalogue is asked for: plain values, read from a request's parameters."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any, Literal
from uuid import UUID

import msgspec

from fullhouse.api.errors import VALIDATION_FAILED
from fullhouse.api.pagination import position_in
from fullhouse.api.permissions import Permission
from fullhouse.api.principal import Principal
from fullhouse.kit.errors import FieldError, Refused

ShowStatus = Literal["now_showing", "coming_soon", "ended"]
SHOW_STATUSES: tuple[ShowStatus, ...] = ("now_showing", "coming_soon", "ended")
MOVIE = "movie"

# A time nearer to the calendar's ends fails as soon as its offset is changed.
_EARLIEST = datetime(1, 1, 3, tzinfo=UTC)
_LATEST = datetime(9999, 12, 29, tzinfo=UTC)


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


@dataclass(frozen=True, slots=True)
class Period:
    """When a showtime starts: on a day, and not before and not after something.

    Days are those of the place where it happens; ``until`` includes its day or its instant.
    """

    day: date | None = None
    since: date | datetime | None = None
    until: date | datetime | None = None

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


@dataclass(frozen=True, slots=True)
class Order:
    """By which of the list's sort keys, and whether from the end."""

    key: str
    descending: bool = False
    almost: bool = False  # of a list of what is almost spelt right: its cursors are its own

    @property
    def name(self) -> str:
        """As the sort parameter writes it: ``-startsAt``."""
        name = f"-{self.key}" if self.descending else self.key
        return f"~{name}" if self.almost else name


def order_of(sort: str, keys: Collection[str]) -> Order:
    """The order that ``sort=-startsAt`` names; refused when the list does not know it."""
    order = Order(sort.removeprefix("-"), sort.startswith("-"))
    if order.key not in keys:
        raise refusal("sort", f"is none of {', '.join(keys)}, each with or without a leading -")
    return order


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
        raise refusal(parameter, "is neither a date nor an RFC 3339 time") from None
    if moment.tzinfo is None:
        raise refusal(parameter, "has no offset from UTC, such as Z")
    if not _is_storable(moment):
        raise refusal(parameter, "is too far away")
    return moment


def statuses_of(text: str | None) -> frozenset[ShowStatus]:
    """The show statuses in a list with commas; all of them when there is no list."""
    if text is None:
        return frozenset(SHOW_STATUSES)
    wanted = {part.strip() for part in text.split(",")}
    if not wanted <= set(SHOW_STATUSES):
        raise refusal("status", f"is not a list of {', '.join(SHOW_STATUSES)}")
    return frozenset(status for status in SHOW_STATUSES if status in wanted)


def position_of(after: tuple[Any, ...] | None, order: str, kind: type) -> tuple[Any, UUID] | None:
    """The sort value and id behind a cursor, which must be of a list in this very order."""
    if after is None:
        return None
    name, value, row_id = position_in(after, tuple[str, kind, UUID])  # type: ignore[valid-type]
    if name != order or not _is_storable(value):
        raise refusal("cursor", "is not a cursor of this list in this order")
    return value, row_id


def _is_storable(value: object) -> bool:
    """Whether the database can hold the value, so that comparing with it cannot fail."""
    if isinstance(value, datetime):
        return value.tzinfo is not None and _EARLIEST <= value <= _LATEST
    if isinstance(value, int):
        return abs(value) < 2**63
    return not isinstance(value, str) or "\0" not in value


def refusal(parameter: str, detail: str) -> Refused:
    """A refusal of one query parameter."""
    return Refused(VALIDATION_FAILED, errors=(FieldError(parameter, detail),))
