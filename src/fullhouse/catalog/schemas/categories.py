"""What requests about categories hold, and how it becomes a draft."""

from typing import Annotated, Any
from uuid import UUID

from msgspec import UNSET, Meta, UnsetType

from fullhouse.api.schemas import Body, Line, Money, Price, View
from fullhouse.catalog.drafts import CategoryChange, CategoryDraft
from fullhouse.catalog.planning import MOST_CATEGORIES
from fullhouse.catalog.store.events import CategoryRow
from fullhouse.venues.rules import tidy

CategoryName = Annotated[
    Line, Meta(description="What buyers choose; no two of an event have the same.")
]
Capacity = Annotated[
    int,
    Meta(
        ge=1,
        le=10_000_000,
        description="How many places a new showtime has; needed without sections, and of standing "
        "areas at most what they take.",
    ),
]
Benefits = Annotated[
    list[Line], Meta(max_length=50, description="What the price includes, in words: a drink, …")
]
Sections = Annotated[
    list[Line],
    Meta(
        max_length=1_000,
        description="Names of sections, or of standing areas, in the hall's seat map; null where "
        "places are only counted.",
    ),
]
Rank = Annotated[int, Meta(ge=0, lt=MOST_CATEGORIES, description="The place in the list, from 0.")]


class CategoryBody(Body):
    """A ticket category.

    ``sections`` names sections of the hall's seat map whose seats it sells, or standing areas
    whose places it counts; without them ``capacity`` says how many places there are.
    """

    name: CategoryName
    price: Price
    capacity: Capacity | None = None
    benefits: Benefits = []
    sections: Sections | None = None


class CategoryPatchBody(Body):
    """What shall change of a category; what is left out stays.

    A new ``price`` is that of places given from now on, a new ``capacity`` that of new showtimes.
    ``sections`` are taken from the categories that have them; null makes it a counted category.
    """

    name: CategoryName | UnsetType = UNSET
    price: Price | UnsetType = UNSET
    capacity: Capacity | UnsetType = UNSET
    benefits: Benefits | UnsetType = UNSET
    sections: Sections | UnsetType | None = UNSET
    rank: Rank | UnsetType = UNSET


class CategoryView(View):
    """A category of an event. ``capacity`` is what a new showtime starts with."""

    id: UUID
    name: str
    price: Money
    capacity: int
    benefits: list[str]
    seated: bool
    sections: list[str] | None


def category_draft(body: CategoryBody) -> CategoryDraft:
    """The draft that a body describes."""
    return CategoryDraft(
        name=tidy(body.name),
        price=body.price.amount,
        capacity=body.capacity,
        benefits=tuple(body.benefits),
        sections=None if body.sections is None else tuple(body.sections),
        currency=_currency(body.price),
    )


def category_change(body: CategoryPatchBody) -> CategoryChange:
    """The change that a body describes."""
    fields: dict[str, Any] = {}
    if body.name is not UNSET:
        fields["name"] = tidy(body.name)
    if body.price is not UNSET:
        fields |= {"price": body.price.amount, "currency": _currency(body.price)}
    if body.capacity is not UNSET:
        fields["capacity"] = body.capacity
    if body.benefits is not UNSET:
        fields["benefits"] = tuple(body.benefits)
    if body.sections is not UNSET:
        fields["sections"] = None if body.sections is None else tuple(body.sections)
    return CategoryChange(fields, None if body.rank is UNSET else body.rank)


def category_view(row: CategoryRow, currency: str) -> CategoryView:
    """A category as the API shows it."""
    return CategoryView(
        row.id,
        row.name,
        Money(row.price, currency),
        row.capacity,
        row.benefits,
        row.seated,
        row.sections,
    )


def _currency(price: Price) -> str | None:
    return None if price.currency is None else price.currency.upper()
