"""What drawings of other systems have in common: colours, and things that are turned."""

import math
import re
from typing import Literal, NamedTuple

from fullhouse.venues.exchange.losses import Losses
from fullhouse.venues.exchange.names import fit
from fullhouse.venues.layout import (
    FARTHEST,
    LARGEST,
    LARGEST_TEXT,
    MOST_CORNERS,
    MOST_LETTERS,
    PointLayout,
    ShapeLayout,
)

_HEX = re.compile(r"#(?:[0-9a-fA-F]{3,4}|[0-9a-fA-F]{6}|[0-9a-fA-F]{8})")
_RGB = re.compile(r"rgba?\(\s*(\d{1,3})\s*,\s*(\d{1,3})\s*,\s*(\d{1,3})\s*(?:,[\s\d.%]*)?\)")
_NAMED = {
    "black": "#000000", "white": "#ffffff", "gray": "#808080", "grey": "#808080",
    "silver": "#c0c0c0", "red": "#ff0000", "maroon": "#800000", "yellow": "#ffff00",
    "olive": "#808000", "lime": "#00ff00", "green": "#008000", "aqua": "#00ffff",
    "teal": "#008080", "blue": "#0000ff", "navy": "#000080", "fuchsia": "#ff00ff",
    "purple": "#800080", "orange": "#ffa500", "lightgray": "#d3d3d3", "lightgrey": "#d3d3d3",
}  # fmt: skip

_NO_COLOUR = ("", "none", "transparent")

# Coordinates are kept to a thousandth of their unit: finer is arithmetic, not drawing.
_DIGITS = 3
_ELLIPSE_CORNERS = 24


class Place(NamedTuple):
    """Where in the document something is, and where on the map its origin lies."""

    pointer: str
    x: float = 0.0
    y: float = 0.0

    def inside(self, *steps: str | int) -> "Place":
        """A place further in the document, of the same origin."""
        return Place("/".join((self.pointer, *map(str, steps))), self.x, self.y)

    def moved(self, x: float, y: float) -> "Place":
        """The same place with an origin that is moved."""
        return Place(self.pointer, self.x + x, self.y + y)


def colour_of(text: str | None) -> str | None:
    """A colour of CSS as ``#rrggbb``, without its transparency; None for what is not understood."""
    if text is None:
        return None
    text = text.strip().lower()
    if _HEX.fullmatch(text):
        digits = text[1:]
        if len(digits) < 6:
            digits = "".join(digit * 2 for digit in digits)
        return f"#{digits[:6]}"
    if found := _RGB.fullmatch(text):
        return "#" + "".join(f"{min(int(part), 255):02x}" for part in found.groups())
    return _NAMED.get(text)


def known_colour(losses: Losses, pointer: str, text: str | None) -> str | None:
    """The colour; what is none that is understood here is noted as lost."""
    known = colour_of(text)
    if known is None and text is not None and text.strip().lower() not in _NO_COLOUR:
        losses.note(pointer, "a colour that is not understood here was left out")
    return known


def is_near(*numbers: float) -> bool:
    """Whether all of them can be coordinates."""
    return all(abs(number) <= FARTHEST for number in numbers)


def rounded(number: float) -> float:
    """A coordinate without the noise of arithmetic."""
    return round(number, _DIGITS)


def turned(x: float, y: float, degrees: float) -> tuple[float, float]:
    """The point turned clockwise about the origin, as screens have their axes."""
    if not degrees:
        return x, y
    angle = math.radians(degrees)
    return (
        x * math.cos(angle) - y * math.sin(angle),
        x * math.sin(angle) + y * math.cos(angle),
    )


def degrees_of(angle: float | None) -> float:
    """An angle within one turn."""
    return rounded(math.fmod(angle or 0.0, 360.0))


def rectangle(
    x: float, y: float, width: float, height: float, degrees: float
) -> tuple[PointLayout, ...] | None:
    """The corners of a rectangle about its middle; None if they are out of reach."""
    corners = [(-1, -1), (1, -1), (1, 1), (-1, 1)]
    return corners_at(x, y, [turned(a * width / 2, b * height / 2, degrees) for a, b in corners])


def ellipse(
    x: float, y: float, width: float, height: float, degrees: float
) -> tuple[PointLayout, ...] | None:
    """An ellipse about its middle as a polygon; None if it is out of reach."""
    angles = [math.tau * step / _ELLIPSE_CORNERS for step in range(_ELLIPSE_CORNERS)]
    return corners_at(
        x,
        y,
        [
            turned(math.cos(angle) * width / 2, math.sin(angle) * height / 2, degrees)
            for angle in angles
        ],
    )


def corners_at(
    x: float, y: float, points: list[tuple[float, float]]
) -> tuple[PointLayout, ...] | None:
    """The points moved by x and y; None if one is out of reach."""
    if not all(is_near(x + across, y + down) for across, down in points):
        return None
    return tuple(PointLayout(rounded(x + across), rounded(y + down)) for across, down in points)


def polygon(
    x: float,
    y: float,
    points: list[tuple[float, float]],
    degrees: float,
    color: str | None,
    border: str | None,
) -> ShapeLayout | None:
    """A polygon whose points are seen from x and y, turned about them; None if it is none."""
    if not 3 <= len(points) <= MOST_CORNERS:
        return None
    corners = corners_at(x, y, [turned(*point, degrees) for point in points])
    if corners is None:
        return None
    return ShapeLayout("polygon", points=corners, color=color, border_color=border)


def box(
    kind: Literal["rectangle", "ellipse"],
    x: float,
    y: float,
    width: float,
    height: float,
    degrees: float,
    color: str | None,
    border: str | None,
) -> ShapeLayout | None:
    """A rectangle or ellipse about its middle; None if it cannot be drawn."""
    # Rounded first: what is thinner than a thousandth is nothing.
    width, height = rounded(width), rounded(height)
    if not (is_near(x, y) and 0 < width <= LARGEST and 0 < height <= LARGEST):
        return None
    return ShapeLayout(
        kind,
        x=rounded(x),
        y=rounded(y),
        width=width,
        height=height,
        rotation=degrees_of(degrees),
        color=color,
        border_color=border,
    )


def text(
    losses: Losses,
    pointer: str,
    words: str,
    x: float,
    y: float,
    size: float,
    degrees: float,
    color: str | None,
) -> ShapeLayout | None:
    """A text about its middle; None if it cannot be drawn. Notes what of it is changed."""
    shown = fit(words, MOST_LETTERS)
    if not shown or not is_near(x, y):
        return None
    if shown != " ".join(words.split()):
        losses.note(pointer, "a text was shortened, or lost signs that cannot be drawn")
    if not 0 < size <= LARGEST_TEXT:
        losses.note(pointer, "a text was given the usual size")
    return ShapeLayout(
        "text",
        x=rounded(x),
        y=rounded(y),
        text=shown,
        text_size=size if 0 < size <= LARGEST_TEXT else 16.0,
        rotation=degrees_of(degrees),
        text_color=known_colour(losses, pointer, color),
    )
