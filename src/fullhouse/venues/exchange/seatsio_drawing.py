"""What a chart of seats.io shows besides its places."""

from collections.abc import Sequence

from fullhouse.venues.exchange import drawing
from fullhouse.venues.exchange.drawing import Place
from fullhouse.venues.exchange.limits import Budget
from fullhouse.venues.exchange.losses import Losses
from fullhouse.venues.exchange.reading import is_there
from fullhouse.venues.exchange.seatsio_chart import (
    ChartArea,
    ChartShape,
    ChartText,
    Plane,
    Spot,
)
from fullhouse.venues.layout import MOST_CORNERS, PointLayout, ShapeLayout

_USUAL_SIZE = 16.0
_SHOWN = 60


def draw(
    place: Place, plane: Plane, shapes: list[ShapeLayout], budget: Budget, losses: Losses
) -> None:
    """Draw the shapes, booths and texts, and note whatever else is shown."""
    if is_there(plane.icons):
        losses.note(f"{place.pointer}/icons", "icons are not kept")
    if is_there(plane.image_objects):
        losses.note(f"{place.pointer}/imageObjects", "images are not kept")
    if plane.booths:
        booths = "booths are drawn, and cannot be sold"
        losses.note(f"{place.pointer}/booths/0", booths, len(plane.booths))
    for kind, figures in (("shapes", plane.shapes), ("booths", plane.booths)):
        for at, figure in enumerate(figures):
            inside = place.inside(kind, at)
            kind_of = "rectangle" if kind == "booths" else figure.type
            shape = _shape(inside, figure, kind_of, losses)
            if shape is None:
                named = (figure.type or "none")[:_SHOWN]
                losses.note(inside.pointer, f"a shape of type “{named}” could not be drawn")
            else:
                budget.draw(inside.pointer, shapes, shape)
                _caption(inside, figure, shape, shapes, budget, losses)
    for at, text in enumerate(plane.texts):
        inside = place.inside("texts", at)
        written = _text(inside, text, losses)
        if written is None:
            losses.note(inside.pointer, "a text could not be drawn")
        else:
            budget.draw(inside.pointer, shapes, written)


def area_outline(place: Place, area: ChartArea) -> tuple[PointLayout, ...] | None:
    """The ground of an area of general admission; None where it cannot be drawn."""
    angle = area.rotation_angle or 0.0
    if area.points:
        return drawn_corners(place, area.points)
    if area.center is None:
        return None
    x, y = place.x + area.center.x, place.y + area.center.y
    if area.radius1 and area.radius2:
        return drawing.ellipse(x, y, 2 * area.radius1, 2 * area.radius2, angle)
    if area.width and area.height:
        return drawing.rectangle(x, y, area.width, area.height, angle)
    return None


def drawn_corners(place: Place, points: Sequence[Spot]) -> tuple[PointLayout, ...] | None:
    """The corners of a polygon; None where it cannot be drawn."""
    if len(points) > MOST_CORNERS:
        return None
    return drawing.corners_at(place.x, place.y, [(point.x, point.y) for point in points])


def _shape(
    place: Place, figure: ChartShape, kind: str | None, losses: Losses
) -> ShapeLayout | None:
    fill = drawing.known_colour(losses, f"{place.pointer}/fillColor", figure.fill_color)
    border = drawing.known_colour(losses, f"{place.pointer}/strokeColor", figure.stroke_color)
    angle = figure.rotation_angle or 0.0
    if figure.points:
        points = [(point.x, point.y) for point in figure.points]
        return drawing.polygon(place.x, place.y, points, 0.0, fill, border)
    if figure.center is None:
        return None
    x, y = place.x + figure.center.x, place.y + figure.center.y
    if kind == "rectangle":
        width, height = figure.width or 0.0, figure.height or 0.0
        return drawing.box("rectangle", x, y, width, height, angle, fill, border)
    if kind == "circle":
        wide, high = 2 * (figure.radius1 or 0.0), 2 * (figure.radius2 or 0.0)
        return drawing.box("ellipse", x, y, wide, high, angle, fill, border)
    return None


def _caption(
    place: Place,
    figure: ChartShape,
    shape: ShapeLayout,
    shapes: list[ShapeLayout],
    budget: Budget,
    losses: Losses,
) -> None:
    """What is written on a shape, in its middle."""
    if figure.label in (None, ""):
        return
    x, y = shape.x, shape.y
    if x is None or y is None:
        x = sum(point.x for point in shape.points) / len(shape.points)
        y = sum(point.y for point in shape.points) / len(shape.points)
    size = figure.label_size or _USUAL_SIZE
    pointer = f"{place.pointer}/label"
    label = str(figure.label)
    written = drawing.text(losses, pointer, label, x, y, size, shape.rotation, None)
    if written is None:
        losses.note(pointer, "a text could not be drawn")
    else:
        budget.draw(place.pointer, shapes, written)


def _text(place: Place, text: ChartText, losses: Losses) -> ShapeLayout | None:
    words = text.text or text.label or ""
    if text.center is not None:
        x, y = text.center.x, text.center.y
    elif text.x is not None and text.y is not None:
        x, y = text.x, text.y
    else:
        return None
    size = text.font_size or _USUAL_SIZE
    angle = text.rotation_angle or 0.0
    x, y = place.x + x, place.y + y
    return drawing.text(losses, place.pointer, words, x, y, size, angle, text.text_color)
