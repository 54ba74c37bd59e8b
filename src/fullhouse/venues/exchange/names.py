"""Names of other systems made fit for labels and paths, each only once, with a word on it."""

import re

from fullhouse.venues import building, labels
from fullhouse.venues.exchange.losses import Losses

_SHOWN = 60


class Names:
    """The names of one scope, such as the sections of a map.

    What a name must not hold becomes a dot; a name that is left empty is made up; one that would
    mean the same as another gets a number.
    """

    def __init__(self, what: str, longest: int, forbidden: str, losses: Losses) -> None:
        self._what = what
        self._longest = longest
        self._forbidden = forbidden
        self._losses = losses
        self._taken: set[str] = set()
        # By name, the last number it got: many of one name are not counted again each time.
        self._numbers: dict[str, int] = {}

    def reserve(self, name: str) -> None:
        """Keep the name from everything else in this scope."""
        self._taken.add(labels.fold(name))

    def fit(self, pointer: str, given: str, otherwise: str) -> str:
        """A name made of the given one that labels can hold, taken or not."""
        name = fit(given, self._longest, self._forbidden) or otherwise
        if name != " ".join(given.split()):
            self._tell(pointer, given, name)
        return name

    def take(self, pointer: str, given: str, otherwise: str) -> str:
        """The same, and one that nothing else in this scope has."""
        first = fit(given, self._longest, self._forbidden) or otherwise
        name = first
        while (key := labels.fold(name)) in self._taken:
            number = self._numbers[first] = self._numbers.get(first, 1) + 1
            ending = f".{number}" if self._longest <= building.LONGEST_NUMBER else f" {number}"
            name = first[: self._longest - len(ending)].rstrip() + ending
        self._taken.add(key)
        if name != " ".join(given.split()):
            self._tell(pointer, given, name)
        return name

    def _tell(self, pointer: str, given: str, name: str) -> None:
        shown = given if len(given) <= _SHOWN else f"{given[:_SHOWN]}…"
        self._losses.note(pointer, f"the {self._what} “{shown}” is called “{name}” here")


_BLANKS_BESIDE_DOTS = re.compile(r"\s*\.\s*")


def fit(given: str, longest: int, forbidden: str = "") -> str:
    """As much of the text as can be a name; empty if that is nothing."""
    if len(given) <= longest and given.isascii() and given.isalnum():
        return given  # as nearly all numbers of seats are
    kept = []
    # Twice the length is enough for what is left out, and bounds the work.
    for character in given[: 4 * longest]:
        if not character.isprintable():
            kept.append(" ")
        elif forbidden and any(sign in labels.fold(character) for sign in forbidden):
            kept.append(".")
        else:
            kept.append(character)
    name = "".join(kept)
    if "." in name and name != given:
        name = _BLANKS_BESIDE_DOTS.sub(".", name).strip(".") or name
    name = " ".join(name.split())[:longest].rstrip()
    folded = labels.fold(name)
    return "" if not folded or any(sign in folded for sign in forbidden) else name
