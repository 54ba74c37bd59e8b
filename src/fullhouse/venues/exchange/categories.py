"""The categories of other systems as hints: their colours, by whatever places name them with."""

from collections.abc import Hashable

import msgspec

from fullhouse.venues import building
from fullhouse.venues.exchange import drawing
from fullhouse.venues.exchange.losses import Losses
from fullhouse.venues.exchange.names import fit
from fullhouse.venues.layout import CategoryLayout, SeatLayout, SectionLayout

_GRAY = "#808080"


class Categories:
    """The map's categories, found by the keys of the document."""

    def __init__(self, losses: Losses) -> None:
        self._losses = losses
        self._colours: dict[str, str] = {}
        self._names: dict[Hashable, str] = {}

    def add(self, pointer: str, key: Hashable, given: str, colour: str | None) -> None:
        """A category of the document; one of the same key or name is the same."""
        if key in self._names:
            return
        name = fit(given, building.LONGEST_CATEGORY) or f"Category {len(self._colours) + 1}"
        if name not in self._colours:
            if len(self._colours) == building.MOST_CATEGORIES:
                most = f"a category beyond the first {building.MOST_CATEGORIES} was left out"
                self._losses.note(pointer, most)
                return
            known = drawing.colour_of(colour)
            if known is None:
                self._losses.note(pointer, "a category has no colour that is understood here")
            self._colours[name] = known or _GRAY
        self._names[key] = name

    def named(self, pointer: str, key: Hashable) -> str | None:
        """The category that a place names; None, and a loss, where the document has none such."""
        name = self._names.get(key)
        if name is None:
            self._losses.note(pointer, "a place's category is none of the document's")
        return name

    def listed(self) -> list[CategoryLayout]:
        """All of them in the document's order."""
        return [CategoryLayout(name, colour) for name, colour in self._colours.items()]

    def common(self, section: SectionLayout) -> tuple[SectionLayout, bool]:
        """The section with the category of all its seats as its own; and whether they have many."""
        found = {seat.category for row in section.rows for seat in row.seats}
        found |= {seat.category for table in section.tables for seat in table.seats}
        if len(found) != 1:
            return section, len(found - {None}) > 1
        replace = msgspec.structs.replace
        if found == {None}:
            return section, False
        return (
            replace(
                section,
                category=found.pop(),
                rows=[replace(row, seats=_plain(row.seats)) for row in section.rows],
                tables=[replace(table, seats=_plain(table.seats)) for table in section.tables],
            ),
            False,
        )


def _plain(seats: list[SeatLayout]) -> list[SeatLayout]:
    return [msgspec.structs.replace(seat, category=None) for seat in seats]
