"""What an event needs before it can be sold: pure, and all that it lacks at once."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from fullhouse.catalog import planning
from fullhouse.catalog.planning import CategoryPlaces
from fullhouse.venues.seatmap import SeatMap


@dataclass(frozen=True, slots=True)
class Sitting:
    """A showtime that is not over, as far as it matters for selling."""

    id: UUID
    seat_map_id: UUID | None
    starts_at: datetime
    has_places: bool


@dataclass(frozen=True, slots=True)
class ForSale:
    """What an event has to sell, looked at ``now``."""

    now: datetime
    currency: str
    opens_at: datetime | None
    closes_at: datetime | None
    categories: Sequence[CategoryPlaces]
    sittings: Sequence[Sitting]


@dataclass(frozen=True, slots=True)
class Lack:
    """Something that an event lacks: where to give it (JSON Pointer into the event), in words."""

    pointer: str
    detail: str


# What an event may lack, by the word that a refusal has for it.
MISSING = {
    "categories": Lack("/categories", "a ticket category"),
    "showtimes": Lack("/showtimes", "a showtime that is not over"),
    "places": Lack("/categories", "places in a category at a coming showtime"),
    "sales_window": Lack(
        "/salesCloseAt",
        "a time in which tickets are sold: the sales window is over, or never opens",
    ),
    "sections": Lack(
        "/showtimes", "seat maps with the sections of its categories, at every coming showtime"
    ),
    "currency": Lack("/currency", "a currency in use"),
}


def missing_for_sale(found: ForSale, seat_maps: Mapping[UUID, SeatMap]) -> list[str]:
    """The words of MISSING for what an event still needs before it can be published.

    ``seat_maps`` has those of the coming showtimes.
    """
    missing = []
    if not found.categories:
        missing.append("categories")
    if not found.sittings:
        missing.append("showtimes")
    elif found.categories and not any(sitting.has_places for sitting in found.sittings):
        missing.append("places")
    if not _sells_sometime(found):
        missing.append("sales_window")
    if not all(
        _has_sections(found.categories, seat_maps.get(sitting.seat_map_id))
        if sitting.seat_map_id is not None
        else _has_sections(found.categories, None)
        for sitting in found.sittings
    ):
        missing.append("sections")
    if not planning.is_currency(found.currency):
        missing.append("currency")
    return missing


def _sells_sometime(found: ForSale) -> bool:
    """Whether a moment is still to come in which a coming showtime is on sale, or none is there.

    Without a closing time, sales end with the start.
    """
    opens = found.opens_at or found.now
    if not found.sittings:
        return found.closes_at is None or found.closes_at > found.now
    closings = [found.closes_at or sitting.starts_at for sitting in found.sittings]
    return any(closing > found.now and closing > opens for closing in closings)


def _has_sections(categories: Sequence[CategoryPlaces], seat_map: SeatMap | None) -> bool:
    return all(
        planning.size_of(seat_map, name, seated=category.sections is not None) is not None
        for category in categories
        for name in category.sections or category.areas or ()
    )
