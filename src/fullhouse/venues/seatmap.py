"""A seat map: an immutable version of a hall's seats, made for finding a seat at once."""

import copy
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal
from uuid import UUID

import msgspec

from fullhouse.kit.errors import Refused
from fullhouse.venues import labels
from fullhouse.venues.errors import SEAT_AMBIGUOUS, UNKNOWN_SEAT
from fullhouse.venues.layout import BoxLayout, CategoryLayout, PointLayout, ShapeLayout

_UUID_LENGTH = 36
# How many candidates an ambiguous name lists at most.
_MOST_CANDIDATES = 20


class Seat(msgspec.Struct, frozen=True, gc=False):
    """One seat. ``position`` is its index in ``SeatMap.seats``, which packed seat states use.

    The ``row`` of a seat at a table is the table's name.
    """

    id: UUID
    section: str
    row: str
    number: str
    label: str  # A-12, unique in its section
    x: float
    y: float
    accessible: bool = False
    companion: bool = False
    restricted_view: bool = False
    position: int = 0
    table: bool = False
    category: str | None = None  # of the seat's own; else its section's
    external_id: str | None = None  # of another system, where it is not the id

    @property
    def path(self) -> str:
        """``Stalls/A-12``, unique in the map."""
        return labels.path_of(self.section, self.label)


class StandingArea(msgspec.Struct, frozen=True):
    """A part of the hall without seats, for at most ``capacity`` people."""

    name: str
    capacity: int
    outline: tuple[PointLayout, ...] = ()
    category: str | None = None


@dataclass(frozen=True, slots=True)
class Table:
    """A table as it is drawn. Its seats are those whose row is its name."""

    name: str
    x: float
    y: float
    shape: Literal["round", "rectangular"]
    width: float
    height: float
    rotation: float


@dataclass(frozen=True, slots=True)
class Section:
    """A part of the hall with its seats in map order: those in rows, then those at tables."""

    name: str
    seats: tuple[Seat, ...]
    tables: tuple[Table, ...] = ()
    outline: tuple[PointLayout, ...] = ()
    category: str | None = None


@dataclass(frozen=True, slots=True)
class Drawing:
    """What is shown of a map besides its places, and decides nothing."""

    categories: tuple[CategoryLayout, ...] = ()
    shapes: tuple[ShapeLayout, ...] = ()
    background_image_id: UUID | None = None
    background_box: BoxLayout | None = None


# By folded label: the seat where only one section has it, else the seats by folded section.
_Index = dict[str, "Seat | dict[str, Seat]"]


class SeatMap:
    """One version of a hall's seat map. Made by :func:`fullhouse.venues.building.build`."""

    __slots__ = (
        "_index",
        "_section_keys",
        "_shared",
        "by_id",
        "drawing",
        "focal",
        "hall_id",
        "height",
        "id",
        "name",
        "seats",
        "sections",
        "standing",
        "version",
        "width",
    )

    def __init__(
        self,
        *,
        id: UUID,
        hall_id: UUID,
        version: int,
        name: str,
        width: float,
        height: float,
        sections: tuple[Section, ...],
        standing: tuple[StandingArea, ...],
        focal: tuple[float, float],
        drawing: Drawing,
    ) -> None:
        self.id = id
        self.hall_id = hall_id
        self.version = version
        self.name = name
        self.width = width
        self.height = height
        self.sections = sections
        self.standing = standing
        self.focal = focal
        self.drawing = drawing
        self.seats: tuple[Seat, ...] = tuple(seat for part in sections for seat in part.seats)
        self.by_id: Mapping[UUID, Seat] = MappingProxyType({seat.id: seat for seat in self.seats})
        self._section_keys = {section.name: labels.fold(section.name) for section in sections}
        self._index = _indexed(sections, self._section_keys)
        # Labels that alone could mean seats of several sections.
        self._shared = {
            seat.label
            for found in self._index.values()
            if isinstance(found, dict)
            for seat in found.values()
        }

    def with_version(self, version: int) -> "SeatMap":
        """The same map under another version, which makes no difference to its seats."""
        same = copy.copy(self)
        same.version = version
        return same

    def section_named(self, name: str) -> Section | None:
        """The seated section of exactly this name."""
        return next((section for section in self.sections if section.name == name), None)

    def area_named(self, name: str) -> StandingArea | None:
        """The standing area of exactly this name."""
        return next((area for area in self.standing if area.name == name), None)

    def find(self, name: str) -> Seat:
        """The seat that a person or a program means by its id, its label or its path.

        Case, blanks, leading zeros, the kind of dash and a missing dash do not matter. Refused
        with ``unknown_seat`` or, where two seats can be meant, ``seat_ambiguous``.
        """
        if len(name) == _UUID_LENGTH:
            seat = self._of_id(name)
            if seat is not None:
                return seat
        section, slash, label = labels.fold_signs(name).rpartition(labels.SLASH)
        if slash:
            return self._in_section(name, labels.without_leading_zeros(section), label)
        return self._anywhere(name, label)

    def name_of(self, seat: Seat) -> str:
        """The shortest name that means this seat and no other: its label, or its path."""
        return seat.path if seat.label in self._shared else seat.label

    def _of_id(self, name: str) -> Seat | None:
        try:
            return self.by_id.get(UUID(name))
        except ValueError:
            return None

    def _in_section(self, name: str, section: str, label: str) -> Seat:
        meant: list[Seat] = []
        plain = False
        for key, is_plain in _readings(label):
            found = self._index.get(key)
            if isinstance(found, dict):
                found = found.get(section)
            if found is not None and self._section_keys[found.section] == section:
                meant.append(found)
                plain = plain or is_plain
        return _only(name, meant, plain)

    def _anywhere(self, name: str, label: str) -> Seat:
        meant: list[Seat] = []
        plain = False
        for key, is_plain in _readings(label):
            found = self._index.get(key)
            if found is None:
                continue
            plain = plain or is_plain
            if isinstance(found, Seat):
                meant.append(found)
            else:
                meant.extend(found.values())
        return _only(name, meant, plain)


def _readings(label: str) -> list[tuple[str, bool]]:
    if labels.DASH in label:
        return [(labels.without_leading_zeros(label), True)]
    return labels.readings_without_dash(label)


def _only(name: str, meant: list[Seat], plain: bool) -> Seat:
    if len(meant) == 1 and plain:
        return meant[0]
    shown = name if len(name) <= 60 else f"{name[:60]}…"
    if not meant:
        raise Refused(UNKNOWN_SEAT, f"There is no seat “{shown}”.", seats=[name[:200]])
    paths = [seat.path for seat in meant[:_MOST_CANDIDATES]]
    if plain or len(meant) > 1:
        raise Refused(
            SEAT_AMBIGUOUS,
            f"“{shown}” can mean any of {', '.join(paths)}.",
            seats=[name[:200]],
            candidates=paths,
        )
    # Digits beside digits: taking the only fit would let a slip of the pen choose the seat.
    raise Refused(
        UNKNOWN_SEAT,
        f"There is no seat “{shown}”; write its dash, as in {paths[0]}.",
        seats=[name[:200]],
    )


def _indexed(sections: tuple[Section, ...], section_keys: dict[str, str]) -> _Index:
    index: _Index = {}
    for section in sections:
        section_key = section_keys[section.name]
        # Rows repeat seat after seat: fold each spelling once.
        folded: dict[str, str] = {}
        for seat in section.seats:
            for part in (seat.row, seat.number):
                if part not in folded:
                    folded[part] = labels.fold(part)
            key = labels.label_of(folded[seat.row], folded[seat.number])
            other = index.get(key)
            if other is None:
                index[key] = seat
            elif isinstance(other, dict):
                other[section_key] = seat
            else:
                index[key] = {section_keys[other.section]: other, section_key: seat}
    return index
