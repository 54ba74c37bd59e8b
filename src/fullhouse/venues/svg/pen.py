"""How numbers, texts and dots are written in SVG."""

import re
import unicodedata
from collections.abc import Iterable
from xml.sax.saxutils import escape

# All that XML 1.0 has no way to write, not even as a reference.
_UNWRITABLE = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
# Of the size of the letters, for fonts that nobody knows here.
_LETTER, _WIDE_LETTER = 0.6, 1.05
# From the middle of capital letters down to the line that they stand on.
_DOWN = 0.36
# Somebody else's colour is made darker where it is lighter than this, because paper is white.
_LIGHTEST = 0.72


def number(value: float) -> str:
    """A number in few signs, as exact as the largest coordinates are."""
    return f"{value:.7g}"


def plain(words: str) -> str:
    """What people have written, as text between tags."""
    return escape(_UNWRITABLE.sub("\ufffd", words))


def fixed(value: float, digits: int) -> str:
    """A number with at most so many digits behind the point."""
    written = f"{value:.{digits}f}"
    if digits:
        written = written.rstrip("0").rstrip(".")
    return "0" if written == "-0" else written


def dots(points: Iterable[tuple[float, float]], digits: int) -> str:
    """Path data with a stroke of no length at each point: its ends are what is seen.

    Each is told by its distance from the one before, in whole steps of the last digit, so that
    nothing adds up.
    """
    scale = 10**digits
    written: list[str] = []
    x = y = 0
    for across, down in points:
        to_x, to_y = round(across * scale), round(down * scale)
        right, below = _steps(to_x - x, digits), _steps(to_y - y, digits)
        blank = "" if below.startswith("-") else " "
        written.append(f"m{right}{blank}{below}h0")
        x, y = to_x, to_y
    return "".join(written)


def _steps(count: int, digits: int) -> str:
    return fixed(count / 10**digits, digits) if digits else str(count)


def width_of(words: str, size: float) -> float:
    """About how wide a text is."""
    letters = (
        _WIDE_LETTER if unicodedata.east_asian_width(letter) in "WF" else _LETTER
        for letter in words
    )
    return size * sum(letters)


def fitting(words: str, width: float, height: float) -> float:
    """The size of letters at which a text fits into a box."""
    return min(height, width / max(width_of(words, 1.0), _LETTER))


def text(words: str, x: float, y: float, size: float, more: str = "") -> str:
    """A text about its middle."""
    place = f'x="{number(x)}" y="{number(y + size * _DOWN)}" font-size="{number(size)}"'
    return f"<text {place}{more}>{plain(words)}</text>"


def box(x: float, y: float, width: float, height: float, more: str) -> str:
    """A rectangle about its middle."""
    corner = f'x="{number(x - width / 2)}" y="{number(y - height / 2)}"'
    return f'<rect {corner} width="{number(width)}" height="{number(height)}" {more}/>'


def turned(degrees: float, x: float, y: float) -> str:
    """The attribute that turns a thing about its middle."""
    if not degrees:
        return ""
    return f' transform="rotate({number(degrees)} {number(x)} {number(y)})"'


def is_light(colour: str) -> bool:
    """Whether dark letters are read better on it than light ones."""
    return _brightness(colour) > 0.55


def visible(colour: str) -> str:
    """The colour, or a darker one of its kind where paper would swallow it."""
    brightness = _brightness(colour)
    if brightness <= _LIGHTEST:
        return colour
    share = _LIGHTEST / brightness
    return "#" + "".join(f"{round(part * share):02x}" for part in _parts(colour))


def _brightness(colour: str) -> float:
    red, green, blue = _parts(colour)
    return (0.299 * red + 0.587 * green + 0.114 * blue) / 255


def _parts(colour: str) -> tuple[int, int, int]:
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)
