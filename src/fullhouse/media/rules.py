"""Which pictures are taken, and which variants are made of them."""

from collections.abc import Sequence
from typing import Literal, NamedTuple
from uuid import UUID

Format = Literal["webp", "avif"]

CONTENT_TYPES: dict[str, str] = {"webp": "image/webp", "avif": "image/avif"}

# What a picture may be, by how its bytes begin. WebP has its own length in between.
_BEGINNINGS = {
    "image/jpeg": (b"\xff\xd8\xff", b""),
    "image/png": (b"\x89PNG\r\n\x1a\n", b""),
    "image/gif": (b"GIF8", b""),
    "image/webp": (b"RIFF", b"WEBP"),
}
_MARK_OF_WEBP = slice(8, 12)

# More than cameras in telephones make by default, and what a process can hold with its copies.
MOST_PIXELS = 40_000_000
# WebP cannot hold more than 16,383, and no variant is larger than its picture.
LONGEST_SIDE = 16_000

WIDTHS = (320, 640, 1_280, 2_560)
# What most pages show: the widest WebP that is no wider.
_MAIN_WIDTH = 1_280


class Variant(NamedTuple):
    """One size of a picture in one format; ``key`` is where the storage has it."""

    format: Format
    width: int
    height: int
    bytes: int
    key: str


def content_type_of(data: bytes) -> str | None:
    """What the bytes say they are; None for everything that is no picture to us."""
    for content_type, (beginning, mark) in _BEGINNINGS.items():
        if data.startswith(beginning) and (not mark or data[_MARK_OF_WEBP] == mark):
            return content_type
    return None


def is_too_large(width: int, height: int) -> bool:
    """Whether a picture has more pixels, or a longer side, than are taken."""
    return width * height > MOST_PIXELS or max(width, height) > LONGEST_SIDE


def sizes_of(width: int, height: int) -> list[tuple[int, int]]:
    """The sizes in which a picture is offered, the narrowest first, none larger than itself."""
    narrower = [known for known in WIDTHS if known < width]
    own = [width] if width <= WIDTHS[-1] else []
    return [(wanted, max(1, round(height * wanted / width))) for wanted in (*narrower, *own)]


def name_of(variant_format: str, width: int) -> str:
    """How a variant is called in addresses and in the storage, such as ``640.webp``."""
    return f"{width}.{variant_format}"


def main_of(variants: Sequence[Variant]) -> Variant:
    """The one to show where only one can be: WebP, of a middle size."""
    every = sorted((one for one in variants if one.format == "webp"), key=lambda one: one.width)
    fitting = [one for one in every if one.width <= _MAIN_WIDTH]
    return fitting[-1] if fitting else every[0]


def tags_of(media_id: UUID) -> tuple[str, str]:
    """What is notified when a picture changes: answers that show it carry one of these tags."""
    return "media", f"media:{media_id}"
