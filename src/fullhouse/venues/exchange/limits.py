"""What is too much of a document, before anything is made of it."""

from fullhouse.kit.errors import FieldError
from fullhouse.venues import building
from fullhouse.venues.exchange.losses import Losses
from fullhouse.venues.layout import PointLayout, ShapeLayout


class Budget:
    """What drawing may still take: places count for errors, drawings beyond only get lost."""

    def __init__(self, losses: Losses) -> None:
        self._losses = losses
        self._points = building.MOST_POINTS

    @staticmethod
    def errors(pointer: str, *, parts: int, rows: int, seats: int) -> list[FieldError]:
        """What there is too much of."""
        return [
            FieldError(pointer, f"more than {most:,} {what}")
            for count, most, what in (
                (parts, building.MOST_PARTS, "parts with places"),
                (rows, building.MOST_ROWS, "rows and tables"),
                (seats, building.MOST_SEATS, "seats"),
            )
            if count > most
        ]

    def draw(self, pointer: str, shapes: list[ShapeLayout], shape: ShapeLayout) -> None:
        """Add the shape, as long as there are not too many."""
        if len(shapes) >= building.MOST_SHAPES or len(shape.points) > self._points:
            self._losses.note(pointer, "a drawing beyond the most that a map holds was left out")
            return
        self._points -= len(shape.points)
        shapes.append(shape)

    def outline(
        self, pointer: str, points: tuple[PointLayout, ...] | None
    ) -> tuple[PointLayout, ...]:
        """The outline of a part, or none where it cannot be drawn."""
        if points is None or len(points) < 3 or len(points) > self._points:
            self._losses.note(pointer, "an outline could not be drawn")
            return ()
        self._points -= len(points)
        return points
