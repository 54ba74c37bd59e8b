"""From a rule such as "Mondays and Fridays at ten and at two" to showtimes: dates and clocks only.

Times are those of the clock on the wall where the event is. On the day when clocks are put forward
some of them do not exist: such a showtime is left out and reported, for nobody could tell when to
come. When clocks are put back an hour comes twice, and the first of the two is meant (RFC 5545
§3.3.5). A showtime lasts as long as it lasts: its end is reckoned in real time.
"""

import itertools
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from typing import Literal, Protocol, TypeVar
from uuid import UUID
from zoneinfo import ZoneInfo

from dateutil import rrule

from fullhouse.kit.errors import FieldError

Every = Literal["day", "week", "month"]

# What one request may make, and how far it may reach.
MOST_SHOWTIMES = 1_000
MOST_DAYS = 366

# Years that no show is outside of; nearer to the calendar's ends, reckoning would fail.
_FIRST_YEAR, _LAST_YEAR = 1970, 2200

_FREQUENCIES: dict[Every, Literal[1, 2, 3]] = {
    "day": rrule.DAILY,
    "week": rrule.WEEKLY,
    "month": rrule.MONTHLY,
}


class Occupying(Protocol):
    """What needs a hall for a while, or none."""

    @property
    def hall_id(self) -> UUID | None: ...
    @property
    def starts_at(self) -> datetime: ...
    @property
    def busy_until(self) -> datetime: ...


T = TypeVar("T", bound=Occupying)


class Reason(StrEnum):
    """Why a showtime of the rule is not made."""

    NONEXISTENT = "nonexistent_local_time"  # the clock skips it on that day
    PAST = "past"
    EXISTS = "exists"  # the event has one then and there already
    CONFLICT = "schedule_conflict"  # the hall is not free


@dataclass(frozen=True, slots=True)
class Repeat:
    """When showtimes shall be; the days are those of a recurrence rule (RFC 5545 §3.3.10).

    Attributes:
        first: the first day that may have one.
        times: when on each day, by the clock on the wall, to the minute.
        every: what is repeated. A day of the month that a month does not have is left out.
        interval: every so-manieth of them, counted from that of ``first``; weeks begin on Monday.
        weekdays: on which days of the week, Monday is 0. None: any day, the weekday of ``first``
            when weeks are repeated, its day of the month when months are.
        nth: which of those weekdays in the month, from its end when negative; None for all.
        until: the last day that may have one.
        count: after so many days the rule ends; days that are left out count too.
        days_off: days that are left out.
    """

    first: date
    times: tuple[time, ...]
    every: Every = "day"
    interval: int = 1
    weekdays: frozenset[int] | None = None
    nth: int | None = None
    until: date | None = None
    count: int | None = None
    days_off: frozenset[date] = frozenset()

    @property
    def furthest(self) -> date:
        """The last day that a rule from this beginning can reach."""
        return self.first + timedelta(days=MOST_DAYS - 1)

    def named_days(self) -> Iterator[date]:
        """The days that the rule names, in order, those that are left out too."""
        weekdays = None
        if self.weekdays is not None:
            days = (rrule.MO, rrule.TU, rrule.WE, rrule.TH, rrule.FR, rrule.SA, rrule.SU)
            chosen = [days[number] for number in sorted(self.weekdays)]
            weekdays = [day if self.nth is None else day(self.nth) for day in chosen]
        rule = rrule.rrule(
            _FREQUENCIES[self.every],
            dtstart=datetime.combine(self.first, time()),
            interval=self.interval,
            wkst=rrule.MO,
            byweekday=weekdays,
            count=self.count,
            # Always: a rule that nothing fits is looked for until the end of the calendar.
            until=None if self.count else datetime.combine(self.until or self.furthest, time()),
        )
        for moment in rule.xafter(datetime.combine(self.first, time()), inc=True):
            if moment.date() > self.furthest:
                return
            yield moment.date()

    def days(self) -> Iterator[date]:
        """The days that have showtimes, in order."""
        return (day for day in self.named_days() if day not in self.days_off)


@dataclass(frozen=True, slots=True)
class Series:
    """What an organizer asks for: showtimes by a rule, each so long, in a hall or the event's.

    ``until_field`` is where the request says the last day (JSON Pointer).
    """

    repeat: Repeat
    duration_minutes: int | None = None
    hall_id: UUID | None = None
    skip_conflicts: bool = False
    until_field: str = "/repeat/until"


@dataclass(frozen=True, slots=True)
class Slot:
    """One showtime to be: what the clock there shows at its start, its start and end in UTC."""

    local: datetime
    starts_at: datetime
    ends_at: datetime


@dataclass(frozen=True, slots=True)
class Skipped:
    """One that the rule names and that is not made.

    ``conflict`` says what has the hall, as it may be told; None for other reasons.
    """

    local: datetime
    starts_at: datetime | None
    reason: Reason
    conflict: dict[str, object] | None = None


def errors_of(repeat: Repeat, until_field: str = "/repeat/until") -> list[FieldError]:
    """What is wrong with a rule, by the fields of the request that gave it."""
    if not _FIRST_YEAR <= repeat.first.year < _LAST_YEAR:
        return [FieldError("/from", f"is outside of {_FIRST_YEAR} to {_LAST_YEAR}")]
    errors = []
    if not repeat.times:
        errors.append(FieldError("/times", "is empty"))
    if repeat.nth is not None and (repeat.every != "month" or repeat.weekdays is None):
        errors.append(FieldError("/repeat/nth", "needs weekdays, and a rule that repeats months"))
    if repeat.until is not None:
        if repeat.count is not None:
            errors.append(FieldError("/repeat/count", "cannot be given together with until"))
        if repeat.until < repeat.first:
            errors.append(FieldError(until_field, "is before from"))
        elif repeat.until > repeat.furthest:
            errors.append(FieldError(until_field, f"is more than {MOST_DAYS} days after from"))
    elif repeat.count is None:
        errors.append(FieldError(until_field, "or count is needed, so that there is an end"))
    return errors or _size_errors(repeat)


def _size_errors(repeat: Repeat) -> list[FieldError]:
    named = list(itertools.islice(repeat.named_days(), MOST_DAYS))
    if repeat.count is not None and len(named) < repeat.count:
        return [FieldError("/repeat/count", f"is not reached within {MOST_DAYS} days")]
    wanted = sum(day not in repeat.days_off for day in named) * len(set(repeat.times))
    if wanted > MOST_SHOWTIMES:
        return [FieldError("/times", f"{wanted} showtimes are more than {MOST_SHOWTIMES}")]
    return []


def plan(repeat: Repeat, zone: ZoneInfo, duration: timedelta) -> tuple[list[Slot], list[Skipped]]:
    """The showtimes of a rule by their starts, and those that no clock ever shows."""
    slots: list[Slot] = []
    skipped: list[Skipped] = []
    for day in repeat.days():
        for at in sorted(set(repeat.times)):
            local = datetime.combine(day, at)
            starts_at = instant(local, zone)
            if starts_at is None:
                skipped.append(Skipped(local, None, Reason.NONEXISTENT))
            else:
                slots.append(Slot(local, starts_at, starts_at + duration))
    return slots, skipped


def overlap_errors(
    times: Sequence[time], slots: Sequence[Slot], cleaning: timedelta
) -> list[FieldError]:
    """What is wrong with times at which a rule needs its one hall for two showtimes at once.

    ``slots`` are those of the rule by their starts. Of each time the first day is told.
    """
    errors: dict[int, FieldError] = {}
    for before, one in itertools.pairwise(slots):
        if one.starts_at < before.ends_at + cleaning:
            taken = (before.ends_at + cleaning - before.starts_at) // timedelta(minutes=1)
            at = times.index(one.local.time())
            detail = (
                f"{_shown(one.local)} is too soon after {_shown(before.local)}: each has the hall"
                f" for {taken} minutes, cleaning included"
            )
            errors.setdefault(at, FieldError(f"/times/{at}", detail))
    return [errors[at] for at in sorted(errors)]


def _shown(local: datetime) -> str:
    return local.strftime("%Y-%m-%d at %H:%M")


def instant(local: datetime, zone: ZoneInfo) -> datetime | None:
    """The moment, in UTC, when the clock on the wall shows this; the first one where it does so
    twice, None where it never does."""
    moment = local.replace(tzinfo=zone).astimezone(UTC)
    return moment if moment.astimezone(zone).replace(tzinfo=None) == local else None


def without_overlaps(wanted: Iterable[T]) -> tuple[list[T], list[tuple[T, T]]]:
    """Those that fit into their halls one after the other, the others with what they overlap.

    Where two do, the one that starts earlier stays. Without a hall nothing is in the way.
    """
    kept: list[T] = []
    over: list[tuple[T, T]] = []
    last: dict[UUID, T] = {}
    for one in sorted(wanted, key=lambda one: one.starts_at):
        before = None if one.hall_id is None else last.get(one.hall_id)
        if before is not None and one.starts_at < before.busy_until:
            over.append((one, before))
            continue
        kept.append(one)
        if one.hall_id is not None:
            last[one.hall_id] = one
    return kept, over
