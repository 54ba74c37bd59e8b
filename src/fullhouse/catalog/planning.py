"""Checks drafts and works out what follows from them: pure, and all mistakes at once."""

import functools
import re
import unicodedata
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from babel import Locale
from babel.numbers import get_territory_currencies

from fullhouse.api.errors import VALIDATION_FAILED
from fullhouse.catalog.drafts import (
    CategoryDraft,
    EventDraft,
    ShowDraft,
    ShowtimeDraft,
    Whereabouts,
)
from fullhouse.kit.errors import FieldError, Refused
from fullhouse.venues.seatmap import SeatMap

DEFAULT_DURATION_MINUTES = 120
MOST_CATEGORIES = 100
# So many names are told where another one is meant.
MOST_NAMED = 10
# Years that no show is outside of; nearer to the calendar's ends, adding a duration would fail.
_FIRST_YEAR, _LAST_YEAR = 1970, 2200
_LONGEST_SLUG = 80
_LOOKS_LIKE_AN_ID = re.compile(r"[0-9a-f]{8}-?([0-9a-f]{4}-?){3}[0-9a-f]{12}")
_SLUG = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
# What an address below /events means by itself.
_RESERVED_SLUGS = frozenset({"facets"})


@dataclass(frozen=True, slots=True)
class PlannedCategory:
    """A category with its places: the seats of ``sections``, or counted, maybe in ``areas``."""

    name: str
    price: int
    capacity: int
    benefits: tuple[str, ...]
    sections: tuple[str, ...] | None
    areas: tuple[str, ...] | None


@dataclass(frozen=True, slots=True)
class CategoryPlaces:
    """Where an existing category has its places, and how many by itself."""

    id: UUID
    capacity: int
    sections: tuple[str, ...] | None
    areas: tuple[str, ...] | None


@functools.cache
def _currencies_in_use() -> frozenset[str]:
    return frozenset(
        currency
        for territory in Locale("en").territories
        for currency in get_territory_currencies(str(territory))
    )


def is_currency(code: str) -> bool:
    """Whether this ISO 4217 code, in capitals, is legal tender somewhere today."""
    return code in _currencies_in_use()


def check_event(draft: EventDraft) -> None:
    """Refuse, with every wrong field, what is wrong without looking anything up."""
    errors: list[FieldError] = []
    if not is_currency(draft.currency):
        errors.append(FieldError("/currency", "is not an ISO 4217 currency in use"))
    errors += _place_errors(draft.location, draft.venue_id or draft.hall_id)
    errors += repeated_images(draft.images)
    if draft.show_id is not None and draft.show is not None:
        errors.append(FieldError("/showId", "cannot be given together with a new show's fields"))
    if draft.starts_at is not None:
        errors += showtime_errors(ShowtimeDraft(draft.starts_at, draft.ends_at), "")
        if draft.showtimes:
            errors.append(FieldError("/showtimes", "cannot be given together with startsAt"))
    elif draft.ends_at is not None:
        errors.append(FieldError("/endsAt", "needs startsAt"))
    for at, showtime in enumerate(draft.showtimes):
        errors += showtime_errors(showtime, f"/showtimes/{at}")
    if draft.show is not None:
        errors += show_errors(draft.show)
    errors += sales_window_errors(draft.sales_open_at, draft.sales_close_at)
    errors += _category_errors(draft)
    refuse_if(errors)


def show_errors(draft: ShowDraft) -> list[FieldError]:
    """What is wrong with a show, beside what only the database knows."""
    errors = []
    released_on, ends_on = draft.released_on, draft.ends_on
    if released_on is not None and ends_on is not None and ends_on < released_on:
        errors.append(FieldError("/endsOn", "is before releasedOn"))
    for name, items in (("trailers", draft.trailers), ("images", draft.images)):
        if len(set(items)) < len(items):
            errors.append(FieldError(f"/{name}", "names one of them twice"))
    return errors


def showtime_errors(draft: ShowtimeDraft, pointer: str) -> list[FieldError]:
    """What is wrong with the times of a showtime."""
    errors = []
    for name, moment in (("startsAt", draft.starts_at), ("endsAt", draft.ends_at)):
        if moment is not None and not _FIRST_YEAR <= moment.year <= _LAST_YEAR:
            errors.append(
                FieldError(f"{pointer}/{name}", f"is outside of {_FIRST_YEAR} to {_LAST_YEAR}")
            )
    if draft.ends_at is not None and draft.ends_at <= draft.starts_at:
        errors.append(FieldError(f"{pointer}/endsAt", "is not after startsAt"))
    return errors


def moved(now: Whereabouts, fields: Mapping[str, Any]) -> Whereabouts:
    """Where an event is after a change of its whereabouts, by their names.

    A venue or hall takes the place of a location and the other way round, a hall brings its venue,
    and another venue has no hall yet. Refused when nothing or too much is left.
    """
    location, venue_id = fields.get("location", now.location), fields.get("venue_id", now.venue_id)
    hall_id = fields.get("hall_id", now.hall_id)
    to_house = fields.get("venue_id") is not None or fields.get("hall_id") is not None
    if to_house:
        location = fields.get("location")
        if "venue_id" not in fields:
            venue_id = None
        elif "hall_id" not in fields and venue_id != now.venue_id:
            hall_id = None
    elif fields.get("location") is not None:
        venue_id = hall_id = None
    elif "venue_id" in fields:
        hall_id = None
    refuse_if(_place_errors(location, venue_id or hall_id))
    timezone = fields.get("timezone")
    if "timezone" not in fields and (venue_id, location is None) == (
        now.venue_id,
        now.location is None,
    ):
        timezone = now.timezone
    return Whereabouts(location, venue_id, hall_id, timezone)


def _place_errors(location: str | None, house: UUID | None) -> list[FieldError]:
    if location is not None and house is not None:
        return [FieldError("/location", "cannot be given together with a venue or hall")]
    if location is None and house is None:
        return [FieldError("/location", "venueId, hallId or location is needed")]
    return []


def repeated_images(images: Sequence[UUID]) -> list[FieldError]:
    """What is wrong with a list of pictures, beside what only the database knows."""
    if len(set(images)) < len(images):
        return [FieldError("/images", "names one of them twice")]
    return []


def refuse_if(errors: Sequence[FieldError]) -> None:
    """Refuse with ``validation_failed`` when there are any errors."""
    if errors:
        raise Refused(VALIDATION_FAILED, errors=tuple(errors))


def end_of(draft: ShowtimeDraft, duration_minutes: int | None) -> datetime:
    """When a showtime ends: as drafted, else after the show's duration, else after two hours."""
    if draft.ends_at is not None:
        return draft.ends_at
    return draft.starts_at + timedelta(minutes=duration_minutes or DEFAULT_DURATION_MINUTES)


def plan_categories(
    drafts: Sequence[CategoryDraft], seat_map: SeatMap | None
) -> list[PlannedCategory]:
    """The categories with their places; refused with every field that does not fit the seat map."""
    errors: list[FieldError] = []
    taken: set[str] = set()
    planned = [
        _planned(f"/categories/{at}", draft, seat_map, taken, errors)
        for at, draft in enumerate(drafts)
    ]
    refuse_if(errors)
    return [category for category in planned if category is not None]


def plan_category(draft: CategoryDraft, seat_map: SeatMap | None) -> PlannedCategory:
    """One category with its places; refused with every field that does not fit the seat map."""
    errors: list[FieldError] = []
    planned = _planned("", draft, seat_map, set(), errors)
    refuse_if(errors)
    assert planned is not None  # or there were errors
    return planned


def _planned(
    pointer: str,
    draft: CategoryDraft,
    seat_map: SeatMap | None,
    taken: set[str],
    errors: list[FieldError],
) -> PlannedCategory | None:
    name = draft.name
    if draft.sections is None:
        if draft.capacity is None:
            errors.append(FieldError(f"{pointer}/capacity", "is needed without sections"))
        return PlannedCategory(name, draft.price, draft.capacity or 0, draft.benefits, None, None)
    found = _places(pointer, draft, seat_map, taken, errors)
    if found is None:
        return None
    sections, areas, capacity = found
    return PlannedCategory(name, draft.price, capacity, draft.benefits, sections, areas)


def allot(
    categories: Sequence[CategoryPlaces], seat_map: SeatMap | None, pointer: str = "/hallId"
) -> dict[UUID, int]:
    """How many places each category has at a showtime with this seat map.

    Refused when a category is sold in a section that this map does not have.
    """
    errors = []
    capacities = {}
    for category in categories:
        capacities[category.id] = category.capacity
        places = category.sections or category.areas
        if places is None:
            continue
        counts = [size_of(seat_map, name, seated=category.sections is not None) for name in places]
        if None in counts:
            lacking = ", ".join(
                name for name, size in zip(places, counts, strict=True) if size is None
            )
            errors.append(FieldError(pointer, f"the hall's seat map has no {lacking}"))
            continue
        size = sum(count for count in counts if count is not None)
        # A counted category may be sold to fewer than its areas hold; seats are all for sale.
        seated = category.sections is not None
        capacities[category.id] = size if seated else min(size, category.capacity)
    refuse_if(errors)
    return capacities


def days_later(moment: datetime, days: int, timezone: str) -> datetime:
    """The same time of day so many days later, by the clocks of that zone; in UTC.

    Where the clocks skip that time, it is as much later; where it comes twice, it is the first.
    """
    local = moment.astimezone(ZoneInfo(timezone))
    return (local + timedelta(days=days)).replace(fold=0).astimezone(UTC)


def slug_errors(slug: str) -> list[FieldError]:
    """What is wrong with a slug that somebody chose."""
    if len(slug) > _LONGEST_SLUG or not _SLUG.fullmatch(slug):
        detail = f"is not made of a-z, 0-9 and single -, at most {_LONGEST_SLUG} characters"
    elif slug in _RESERVED_SLUGS or _LOOKS_LIKE_AN_ID.fullmatch(slug):
        detail = "means something else already"
    else:
        return []
    return [FieldError("/slug", detail)]


def slug_of(title: str) -> str:
    """A readable part of an address made from a title; never something that looks like an id."""
    ascii_only = unicodedata.normalize("NFKD", title).encode("ascii", "ignore").decode()
    slug = re.sub(r"[^a-z0-9]+", "-", ascii_only.lower())[:_LONGEST_SLUG].strip("-")
    if not slug:
        return "event"
    taken = _LOOKS_LIKE_AN_ID.fullmatch(slug) or slug in _RESERVED_SLUGS
    return f"event-{slug}" if taken else slug


def free_slug(slug: str, taken: Collection[str]) -> str:
    """The slug, or its first numbered variant that is not taken: rock-concert, rock-concert-2."""
    if slug not in taken:
        return slug
    number = 2
    while f"{slug}-{number}" in taken:
        number += 1
    return f"{slug}-{number}"


def sales_window_errors(opens: datetime | None, closes: datetime | None) -> list[FieldError]:
    """What is wrong with when sales open and close."""
    errors = [
        FieldError(f"/{name}", f"is outside of {_FIRST_YEAR} to {_LAST_YEAR}")
        for name, moment in (("salesOpenAt", opens), ("salesCloseAt", closes))
        # PostgreSQL's drivers take the calendar's very ends for infinity.
        if moment is not None and not _FIRST_YEAR <= moment.year <= _LAST_YEAR
    ]
    if errors:
        return errors
    if opens is not None and closes is not None and closes <= opens:
        return [FieldError("/salesCloseAt", "is not after salesOpenAt")]
    return []


def _category_errors(draft: EventDraft) -> list[FieldError]:
    if len(draft.categories) > MOST_CATEGORIES:
        return [FieldError("/categories", f"more than {MOST_CATEGORIES}")]
    errors = []
    names: set[str] = set()
    for at, category in enumerate(draft.categories):
        name = category.name.casefold()
        if name in names:
            errors.append(FieldError(f"/categories/{at}/name", "is the name of two categories"))
        names.add(name)
        if category.currency is not None and category.currency != draft.currency:
            errors.append(
                FieldError(
                    f"/categories/{at}/price/currency",
                    f"is not the event's currency, {draft.currency}",
                )
            )
    return errors


def _places(
    pointer: str,
    draft: CategoryDraft,
    seat_map: SeatMap | None,
    taken: set[str],
    errors: list[FieldError],
) -> tuple[tuple[str, ...] | None, tuple[str, ...] | None, int] | None:
    """The sections or else the areas of a category, and how many places they have together."""
    assert draft.sections is not None
    before = len(errors)
    seated = standing = 0
    if not draft.sections:
        errors.append(FieldError(f"{pointer}/sections", "must name a section, or be left out"))
    if seat_map is None:
        errors.append(FieldError(f"{pointer}/sections", "needs a hall with a seat map (hallId)"))
        return None
    for at, name in enumerate(draft.sections):
        seats = size_of(seat_map, name, seated=True)
        places = size_of(seat_map, name, seated=False)
        if seats is None and places is None:
            detail = f"the hall has no section “{name}”; it has {_sections_of(seat_map)}"
            errors.append(FieldError(f"{pointer}/sections/{at}", detail))
        elif name in taken:
            errors.append(FieldError(f"{pointer}/sections/{at}", f"“{name}” is named twice"))
        taken.add(name)
        seated += seats or 0
        standing += places or 0
    if seated and standing:
        errors.append(
            FieldError(f"{pointer}/sections", "seats and standing areas need a category each")
        )
    if seated and draft.capacity not in (None, seated):
        errors.append(FieldError(f"{pointer}/capacity", f"its sections have {seated} seats"))
    if standing and (draft.capacity or 0) > standing:
        errors.append(FieldError(f"{pointer}/capacity", f"its areas take only {standing}"))
    if len(errors) > before:
        return None
    if seated:
        return draft.sections, None, seated
    return None, draft.sections, draft.capacity or standing


def _sections_of(seat_map: SeatMap) -> str:
    names = [section.name for section in seat_map.sections]
    return listed(names + [area.name for area in seat_map.standing])


def listed(names: Sequence[str]) -> str:
    """The first of these names, and how many more there are."""
    more = len(names) - MOST_NAMED
    return ", ".join(names[:MOST_NAMED]) + (f" and {more} more" if more > 0 else "")


def size_of(seat_map: SeatMap | None, name: str, *, seated: bool) -> int | None:
    """How many places the section, or else standing area, of this name has; None without one."""
    if seat_map is None:
        return None
    if seated:
        section = seat_map.section_named(name)
        return len(section.seats) if section is not None else None
    area = seat_map.area_named(name)
    return area.capacity if area is not None else None
