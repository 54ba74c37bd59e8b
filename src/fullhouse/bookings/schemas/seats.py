"""The seats of a showtime: which are free, and which are the best."""

from typing import Annotated
from uuid import UUID

from msgspec import Meta

from fullhouse.api.schemas import Body, View

SeatName = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=100,
        examples=["A-12"],
        description="The id of a seat, its label, or section/label where the label is not enough.",
    ),
]


class BestSeatsRequest(Body, frozen=True):
    """How many seats side by side, of one category or any, with one for a wheelchair or not."""

    quantity: Annotated[int, Meta(ge=1, le=100, description="How many, side by side if possible.")]
    category_id: Annotated[
        UUID | None, Meta(description="Of this category only; null for any.")
    ] = None
    accessible: Annotated[
        bool, Meta(description="With one at least that can be used in a wheelchair.")
    ] = False


class SoldSeatView(View, frozen=True):
    """One seat; ``category_id`` is null where no category sells it."""

    id: UUID
    label: str
    section: str
    row: str
    number: str
    category_id: UUID | None
    status: str


class SeatsView(View, frozen=True):
    showtime_id: UUID
    version: int
    seat_map_version: int | None
    seats: list[SoldSeatView]


class ProposedSeatView(View, frozen=True):
    """A free seat that is proposed."""

    id: UUID
    label: str
    section: str
    row: str
    number: str
    category_id: UUID


class BestSeatsView(View, frozen=True):
    """The best seats at ``version`` of the showtime. Nothing is held: reserve them by their ids."""

    showtime_id: UUID
    version: int
    seats: list[ProposedSeatView]


class CategoryAvailability(View, frozen=True):
    """``waiting`` entries are in line: while there are any, what is available is theirs."""

    category_id: UUID
    available: int
    capacity: int
    waiting: int


class AvailabilityView(View, frozen=True, omit_defaults=True):
    """Counters, and the seats as base64 of two bits each, in the order of the seat map.

    The first seat is in the lowest bits of the first byte; 0 available, 1 held, 2 sold, 3 blocked
    or not for sale.
    """

    version: int
    categories: list[CategoryAvailability]
    seats: str | None = None
