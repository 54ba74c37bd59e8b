"""From a rule such as "Mondays and Fridays at ten and at two" to showtimes: dates and clocks only.

Times are those of the clock on the wall where the event is. On the day when clocks are put forward
some of them do not exist: such a showtime is left out and reported, for nobody could tell when to
come. When clocks are put back an hour comes twice, and the first of the two is meant (RFC 5545
§3.3.5). A showtime lasts as long as it lasts: its end is reckoned in real time.
"""

import itertools
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

_DAYS_OF_WEEK = 7


class Reason(StrEnum):
    """Why a showtime of the rule was not made."""

    NO_SUCH_TIME = "no_such_time"  # the clock skips it on that day
    EXISTS = "exists"  # the event has one then and there already


@dataclass(frozen=True, slots=True)
class Repeat:
    """When showtimes shall be.

    Attributes:
        first: the first day that may have one.
        last: the last day that may have one, not before the first.
        times: when on each day, by the clock on the wall, to the minute.
        weekdays: on which days of the week, Monday is 0; all for None.
        every_weeks: in every so-manieth week, counted in weeks from Monday on from that of
            ``first``.
        days_off: days that are left out.
    """

    first: date
    last: date
    times: tuple[time, ...]
    weekdays: frozenset[int] | None = None
    every_weeks: int = 1
    days_off: frozenset[date] = frozenset()

    def days(self) -> Iterator[date]:
        """The days that have showtimes, in order."""
        monday = self.first - timedelta(days=self.first.weekday())
        for offset in range((self.last - self.first).days + 1):
            day = self.first + timedelta(days=offset)
            if day in self.days_off:
                continue
            if self.weekdays is not None and day.weekday() not in self.weekdays:
                continue
            if (day - monday).days // _DAYS_OF_WEEK % self.every_weeks == 0:
                yield day


@dataclass(frozen=True, slots=True)
class Slot:
    """One showtime to be: its start and end in UTC."""

    starts_at: datetime
    ends_at: datetime


@dataclass(frozen=True, slots=True)
class Skipped:
    """One that the rule names and that is not made."""

    day: date
    time: time
    reason: Reason


def plan(
    repeat: Repeat, zone: ZoneInfo, duration: timedelta, existing: Collection[datetime] = ()
) -> tuple[list[Slot], list[Skipped]]:
    """The showtimes of a rule by their starts, and those that are left out.

    ``existing`` are the starts of those that are there already.
    """
    slots: list[Slot] = []
    skipped: list[Skipped] = []
    for day in repeat.days():
        for at in sorted(set(repeat.times)):
            starts_at = instant(day, at, zone)
            if starts_at is None:
                skipped.append(Skipped(day, at, Reason.NO_SUCH_TIME))
            elif starts_at in existing:
                skipped.append(Skipped(day, at, Reason.EXISTS))
            else:
                slots.append(Slot(starts_at, starts_at + duration))
    return slots, skipped


def instant(day: date, at: time, zone: ZoneInfo) -> datetime | None:
    """The moment, in UTC, when the clock on the wall shows this; the first one where it does so
    twice, None where it never does."""
    wall = datetime.combine(day, at)
    moment = wall.replace(tzinfo=zone).astimezone(UTC)
    return moment if moment.astimezone(zone).replace(tzinfo=None) == wall else None


def overlaps(slots: Sequence[Slot], pause: timedelta) -> list[tuple[Slot, Slot]]:
    """The pairs of neighbours, by their starts, between which there is less than the pause."""
    ordered = sorted(slots, key=lambda slot: slot.starts_at)
    return [
        (one, other)
        for one, other in itertools.pairwise(ordered)
        if other.starts_at < one.ends_at + pause
    ]
