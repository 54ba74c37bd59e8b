"""From a layout to a seat map: every contradiction in it is found here, once."""

import hashlib
import math
from uuid import UUID

from fullhouse.kit.errors import FieldError, Refused
from fullhouse.venues import labels
from fullhouse.venues.errors import SEAT_MAP_INVALID
from fullhouse.venues.layout import Layout, RowLayout, SeatLayout
from fullhouse.venues.seatmap import Seat, SeatMap, Section, StandingArea

MOST_SEATS = 100_000
MOST_PARTS = 1_000
_MOST_ERRORS = 20
_LONGEST_SECTION = 100
_LONGEST_ROW = 20
_LONGEST_NUMBER = 10
# Free space around the outermost seats, in the layout's units.
_MARGIN = 30.0


def build(layout: Layout, *, seat_map_id: UUID, hall_id: UUID, version: int) -> SeatMap:
    """The seat map of a layout; refused with ``seat_map_invalid`` and every place that is wrong.

    The same layout of the same hall always gives the same seat ids.
    """
    build = _Build(hall_id)
    sections = build.sections(layout)
    standing = build.standing(layout)
    if not build.errors and not sections and not standing:
        build.wrong("/sections", "the map has neither seats nor standing places")
    if build.errors:
        raise Refused(SEAT_MAP_INVALID, errors=tuple(build.errors[:_MOST_ERRORS]))
    seats = [seat for section in sections for seat in section.seats]
    return SeatMap(
        id=seat_map_id,
        hall_id=hall_id,
        version=version,
        name=layout.name.strip(),
        width=layout.width or max((seat.x for seat in seats), default=0.0) + _MARGIN,
        height=layout.height or max((seat.y for seat in seats), default=0.0) + _MARGIN,
        sections=sections,
        standing=standing,
        focal=_focal(layout, seats),
    )


def _focal(layout: Layout, seats: list[Seat]) -> tuple[float, float]:
    if layout.focal is not None:
        return layout.focal.x, layout.focal.y
    if not seats:
        return 0.0, 0.0
    across = [seat.x for seat in seats]
    return (min(across) + max(across)) / 2, min(seat.y for seat in seats)


def _derived_id(hall_id: UUID, path: str) -> UUID:
    """The id of a seat whose layout gives none: UUIDv5 of its folded path within its hall.

    Folded, so that a later version that merely writes ``a-01`` for ``A-1`` keeps the seat. This
    derivation must never change: sold tickets point at its results.
    """
    # uuid.uuid5 without its detours: a stadium has 100,000 of these.
    digest = hashlib.sha1(hall_id.bytes + path.encode(), usedforsecurity=False).digest()
    return UUID(bytes=digest[:16], version=5)


class _Build:
    """What is known while a map is being made: the errors, and what must not come twice."""

    def __init__(self, hall_id: UUID) -> None:
        self.errors: list[FieldError] = []
        self._hall_id = hall_id
        self._parts: set[str] = set()
        self._ids: set[UUID] = set()
        self._count = 0

    def wrong(self, pointer: str, detail: str) -> None:
        """Note a mistake."""
        self.errors.append(FieldError(pointer, detail))

    def sections(self, layout: Layout) -> tuple[Section, ...]:
        """The seated sections in the layout's order."""
        if len(layout.sections) + len(layout.standing) > MOST_PARTS:
            self.wrong("/sections", f"more than {MOST_PARTS} sections and standing areas")
            return ()
        if sum(len(row.seats) for part in layout.sections for row in part.rows) > MOST_SEATS:
            self.wrong("/sections", f"more than {MOST_SEATS:,} seats")
            return ()
        sections = []
        for at, part in enumerate(layout.sections):
            pointer = f"/sections/{at}"
            name = self._part_name(f"{pointer}/name", part.name)
            seats = self._seats(pointer, name, part.rows)
            if not seats:
                self.wrong(f"{pointer}/rows", "the section has no seats")
            sections.append(Section(name, tuple(seats)))
        return tuple(sections)

    def standing(self, layout: Layout) -> tuple[StandingArea, ...]:
        """The standing areas in the layout's order."""
        return tuple(
            StandingArea(self._part_name(f"/standing/{at}/name", area.name), area.capacity)
            for at, area in enumerate(layout.standing)
        )

    def _part_name(self, pointer: str, given: str) -> str:
        name = " ".join(given.split())
        if not self._is_fit(pointer, name, _LONGEST_SECTION, labels.SLASH):
            return name
        key = labels.fold(name)
        if key in self._parts:
            self.wrong(pointer, f"“{name}” is the name of two parts of the hall")
        self._parts.add(key)
        return name

    def _seats(self, pointer: str, section: str, rows: list[RowLayout]) -> list[Seat]:
        seats: list[Seat] = []
        keys: dict[str, str] = {}
        prefix = labels.fold(section) + labels.SLASH
        for at, row_layout in enumerate(rows):
            row_pointer = f"{pointer}/rows/{at}"
            row = " ".join(row_layout.label.split())
            if not self._is_fit(f"{row_pointer}/label", row, _LONGEST_ROW, "/-"):
                continue
            row_key = labels.fold(row)
            for index, given in enumerate(row_layout.seats):
                seat_pointer = f"{row_pointer}/seats/{index}"
                number = " ".join(str(given.number).split())
                if not self._is_fit(f"{seat_pointer}/number", number, _LONGEST_NUMBER, "/-"):
                    continue
                key = labels.label_of(row_key, labels.fold(number))
                label = labels.label_of(row, number)
                if key in keys:
                    self.wrong(seat_pointer, f"{label} and {keys[key]} would be the same seat")
                    continue
                keys[key] = label
                seats.append(self._seat(seat_pointer, section, row, number, prefix + key, given))
        return seats

    def _seat(
        self, pointer: str, section: str, row: str, number: str, path: str, given: SeatLayout
    ) -> Seat:
        identity = self._id(pointer, path, given.id)
        if not (math.isfinite(given.x) and math.isfinite(given.y)):
            self.wrong(pointer, "x and y must be numbers")
        seat = Seat(
            id=identity,
            section=section,
            row=row,
            number=number,
            label=labels.label_of(row, number),
            x=given.x,
            y=given.y,
            accessible=given.accessible,
            companion=given.companion,
            restricted_view=given.restricted_view,
            position=self._count,
        )
        self._count += 1
        return seat

    def _id(self, pointer: str, path: str, given: str | None) -> UUID:
        identity = _derived_id(self._hall_id, path)
        if given is not None:
            try:
                identity = UUID(given)
            except ValueError:
                self.wrong(f"{pointer}/id", "is not a UUID")
        if identity in self._ids:
            self.wrong(f"{pointer}/id", f"{identity} is the id of two seats")
        self._ids.add(identity)
        return identity

    def _is_fit(self, pointer: str, text: str, longest: int, forbidden: str) -> bool:
        # Looked at in folded form too: a fullwidth slash is a slash once it is folded.
        folded = labels.fold(text)
        if not text or not folded:
            self.wrong(pointer, "must not be empty")
        elif len(text) > longest:
            self.wrong(pointer, f"is longer than {longest} characters")
        elif not text.isprintable():
            self.wrong(pointer, "holds characters that cannot be printed")
        elif any(character in folded for character in forbidden):
            self.wrong(pointer, f"must not hold any of {' '.join(forbidden)}")
        else:
            return True
        return False
