"""Reads pretix's seating plans: zones become sections, areas are drawn."""

from fullhouse.kit.errors import FieldError
from fullhouse.venues import building, labels
from fullhouse.venues.exchange import drawing
from fullhouse.venues.exchange.categories import Categories
from fullhouse.venues.exchange.flags import Flags, without_flags
from fullhouse.venues.exchange.limits import Budget
from fullhouse.venues.exchange.losses import Loss, Losses
from fullhouse.venues.exchange.names import Names, fit
from fullhouse.venues.exchange.pretix_plan import Plan, PlanArea, PlanRow, PlanSeat, Zone
from fullhouse.venues.exchange.reading import read, refused
from fullhouse.venues.layout import (
    LARGEST,
    LONGEST_EXTERNAL_ID,
    Layout,
    RowLayout,
    SeatLayout,
    SectionLayout,
    ShapeLayout,
)

_GUID = "a seat_guid that is empty, too long, unprintable or another seat's is not kept"
_START = "start_direction is not kept: proposals begin with the seats nearest to the focal point"
_LABEL = "row_label and seat_label are not kept: labels are made of row and number"
_MIXED = "seats of one zone have several categories, which only give colours: price by section"
_SHOWN = 60


def layout_of_plan(document: bytes, name: str | None = None) -> tuple[Layout, list[Loss]]:
    """The layout that a seating plan describes, and what of it is lost.

    Raises Refused: SEAT_MAP_INVALID with every place of the document that is wrong.
    """
    losses = Losses()
    plan = read(document, Plan, losses)
    reader = _Reader(losses)
    layout = reader.layout(plan, name)
    if reader.errors:
        raise refused(reader.errors)
    return layout, losses.listed()


class _Reader:
    def __init__(self, losses: Losses) -> None:
        self.errors: list[FieldError] = []
        self._losses = losses
        self._categories = Categories(losses)
        self._sections = Names("zone", building.LONGEST_SECTION, building.NOT_IN_SECTIONS, losses)
        self._guids: set[str] = set()
        self._shapes: list[ShapeLayout] = []
        self._budget = Budget(losses)

    def layout(self, plan: Plan, name: str | None) -> Layout:
        """The whole layout."""
        zones = plan.zones
        self.errors += Budget.errors(
            "/zones",
            parts=sum(any(row.seats for row in zone.rows) for zone in zones),
            rows=sum(len(zone.rows) for zone in zones),
            seats=sum(len(row.seats) for zone in zones for row in zone.rows),
        )
        if self.errors:
            return Layout()
        for at, category in enumerate(plan.categories):
            base, _ = without_flags(category.name)
            self._categories.add(f"/categories/{at}", base, base, category.color)
        sections = []
        for at, zone in enumerate(zones):
            section = self._section(f"/zones/{at}", at, zone)
            if section is not None:
                sections.append(section)
        if not sections:
            self.errors.append(FieldError("/zones", "hold no seats"))
        size = plan.size
        fits = size is not None and 0 < size.width <= LARGEST and 0 < size.height <= LARGEST
        if size is not None and not fits:
            self._losses.note("/size", "a size that cannot be drawn follows from the places")
        return Layout(
            name=fit(plan.name or "", 200) if name is None else name.strip(),
            width=size.width if size is not None and fits else None,
            height=size.height if size is not None and fits else None,
            sections=sections,
            categories=self._categories.listed(),
            shapes=self._shapes,
        )

    def _section(self, pointer: str, at: int, zone: Zone) -> SectionLayout | None:
        for index, area in enumerate(zone.areas):
            self._draw(f"{pointer}/areas/{index}", zone, area)
        if not any(row.seats for row in zone.rows):
            if not zone.areas:
                self._losses.note(pointer, "a zone without seats was left out")
            return None
        name = self._sections.take(f"{pointer}/name", zone.name or "", f"Zone {at + 1}")
        rows = Names("row", building.LONGEST_ROW, building.NOT_IN_ROWS, self._losses)
        numbers: dict[str, Names] = {}
        made = []
        for index, row in enumerate(zone.rows):
            row_pointer = f"{pointer}/rows/{index}"
            if not row.seats:
                self._losses.note(row_pointer, "a row without seats was left out")
                continue
            # Several rows may have one name: the same row behind an aisle.
            given = "" if row.row_number is None else str(row.row_number)
            label = rows.fit(f"{row_pointer}/row_number", given, f"Row {index + 1}")
            in_row = numbers.get(labels.fold(label))
            if in_row is None:
                in_row = numbers[labels.fold(label)] = Names(
                    f"seat of row {label}",
                    building.LONGEST_NUMBER,
                    building.NOT_IN_ROWS,
                    self._losses,
                )
            if row.row_label or row.seat_label:
                self._losses.note(row_pointer, _LABEL)
            made.append(RowLayout(label, self._seats(row_pointer, zone, row, in_row)))
        section = SectionLayout(name, made)
        common, mixed = self._categories.common(section)
        if mixed:
            self._losses.note(pointer, _MIXED)
        return common

    def _seats(self, pointer: str, zone: Zone, row: PlanRow, numbers: Names) -> list[SeatLayout]:
        return [
            self._seat(f"{pointer}/seats/{index}", zone, row, index, seat, numbers)
            for index, seat in enumerate(row.seats)
        ]

    def _seat(
        self, pointer: str, zone: Zone, row: PlanRow, index: int, seat: PlanSeat, numbers: Names
    ) -> SeatLayout:
        x = zone.position.x + row.position.x + seat.position.x
        y = zone.position.y + row.position.y + seat.position.y
        if not drawing.is_near(x, y):
            self.errors.append(FieldError(f"{pointer}/position", "is too far from the origin"))
        if seat.start_direction:
            self._losses.note(f"{pointer}/start_direction", _START)
        category, flags = None, Flags()
        if seat.category is not None:
            base, flags = without_flags(seat.category)
            category = self._categories.named(f"{pointer}/category", base)
        number = numbers.take(f"{pointer}/seat_number", str(seat.seat_number), str(index + 1))
        return SeatLayout(
            number=number,
            x=drawing.rounded(x),
            y=drawing.rounded(y),
            accessible=flags.accessible,
            companion=flags.companion,
            restricted_view=flags.restricted_view,
            category=category,
            external_id=self._guid(f"{pointer}/seat_guid", seat.seat_guid),
        )

    def _guid(self, pointer: str, given: str | None) -> str | None:
        """What pretix knows a seat by, and whoever has a ticket there."""
        if given is None:
            return None
        fits = 0 < len(given) <= LONGEST_EXTERNAL_ID and given.isprintable()
        if not fits or given in self._guids:
            self._losses.note(pointer, _GUID)
            return None
        self._guids.add(given)
        return given

    def _draw(self, pointer: str, zone: Zone, area: PlanArea) -> None:
        """Draw an area, and its text where the plan has it."""
        x, y = zone.position.x + area.position.x, zone.position.y + area.position.y
        shape = self._shape(pointer, area, x, y)
        if shape is not None:
            self._budget.draw(pointer, self._shapes, shape)
        elif area.shape != "text" or area.text is None:
            named = (area.shape or "none")[:_SHOWN]
            self._losses.note(pointer, f"an area of shape “{named}” could not be drawn")
        if area.text is not None and area.text.text.strip():
            caption = area.text
            across, down = drawing.turned(caption.position.x, caption.position.y, area.rotation)
            text = drawing.text(
                self._losses,
                f"{pointer}/text",
                caption.text,
                x + across,
                y + down,
                caption.size,
                area.rotation,
                caption.color,
            )
            if text is None:
                self._losses.note(f"{pointer}/text", "a text could not be drawn")
            else:
                self._budget.draw(pointer, self._shapes, text)

    def _shape(self, pointer: str, area: PlanArea, x: float, y: float) -> ShapeLayout | None:
        fill = drawing.known_colour(self._losses, f"{pointer}/color", area.color)
        border = drawing.known_colour(self._losses, f"{pointer}/border_color", area.border_color)
        turn = area.rotation
        if area.shape == "polygon" and area.polygon is not None:
            return drawing.polygon(
                x, y, [(one.x, one.y) for one in area.polygon.points], turn, fill, border
            )
        if area.shape == "rectangle" and area.rectangle is not None:
            # Its position is a corner, about which it is turned.
            width, height = area.rectangle.width, area.rectangle.height
            across, down = drawing.turned(width / 2, height / 2, turn)
            return drawing.box("rectangle", x + across, y + down, width, height, turn, fill, border)
        if area.shape == "circle" and area.circle is not None:
            wide = 2 * area.circle.radius
            return drawing.box("ellipse", x, y, wide, wide, turn, fill, border)
        if area.shape == "ellipse" and area.ellipse is not None:
            radius = area.ellipse.radius
            return drawing.box("ellipse", x, y, 2 * radius.x, 2 * radius.y, turn, fill, border)
        return None
