"""What of an imported document a seat map cannot hold."""

from dataclasses import dataclass

# Kinds of losses that are listed one by one; those beyond are only counted.
MOST_KINDS = 300


@dataclass(frozen=True, slots=True)
class Loss:
    """A kind of loss: a pointer into the document to its first place, and how many there are."""

    pointer: str
    what: str
    times: int


class Losses:
    """Gathers what is lost. The same words are one kind, so that 60,000 seats make one line."""

    def __init__(self) -> None:
        self._first: dict[str, str] = {}
        self._times: dict[str, int] = {}
        self._others = 0

    def note(self, pointer: str, what: str, times: int = 1) -> None:
        """Note something that is lost at this place of the document."""
        if what in self._times:
            self._times[what] += times
        elif len(self._times) < MOST_KINDS:
            self._first[what] = pointer
            self._times[what] = times
        else:
            self._others += times

    def listed(self) -> list[Loss]:
        """All of them in the order in which they were met."""
        listed = [Loss(self._first[what], what, times) for what, times in self._times.items()]
        if self._others:
            listed.append(Loss("", "more was lost or changed than is listed here", self._others))
        return listed
