"""How a seat's flags go through a format that has none: as an ending of its category's name.

``Stalls (accessible)`` is the category Stalls of seats for wheelchairs. A name that looks like
this by itself is written as ``Stalls (accessible) (usual)`` for seats without flags.
"""

import re
from typing import NamedTuple


class Flags(NamedTuple):
    """What is special about a seat."""

    accessible: bool = False
    companion: bool = False
    restricted_view: bool = False


_WORDS = ("accessible", "companion", "restricted view")
_USUAL = "usual"
_WORD = "|".join((*_WORDS, _USUAL))
_ENDING = re.compile(rf"(?P<name>.*) \((?P<flags>(?:{_WORD})(?:, (?:{_WORD}))*)\)", re.DOTALL)


def with_flags(name: str, flags: Flags) -> str:
    """The category's name with the flags as its ending."""
    words = [word for word, is_set in zip(_WORDS, flags, strict=True) if is_set]
    if not words and not _ENDING.fullmatch(name):
        return name
    return f"{name} ({', '.join(words or [_USUAL])})"


def without_flags(name: str) -> tuple[str, Flags]:
    """The category's name without the ending, and the flags that it tells."""
    found = _ENDING.fullmatch(name)
    if found is None:
        return name, Flags()
    words = found["flags"].split(", ")
    return found["name"], Flags(*(word in words for word in _WORDS))
