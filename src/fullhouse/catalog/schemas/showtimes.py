"""What requests about showtimes hold and are answered, and how they become drafts."""

from collections.abc import Iterable, Sequence
from datetime import date, datetime, time
from typing import Annotated, Literal
from uuid import UUID

import msgspec
from msgspec import UNSET, Meta, UnsetType

from fullhouse.api.schemas import Body, View
from fullhouse.catalog.commands.scheduling import Made
from fullhouse.catalog.commands.showtimes import Change
from fullhouse.catalog.drafts import ShowtimeDraft
from fullhouse.catalog.planning import DEFAULT_DURATION_MINUTES
from fullhouse.catalog.scheduling import MOST_DAYS, Every, Reason, Repeat, Series, Skipped
from fullhouse.catalog.schemas.events import EndsAt, Moment, SittingHallId, StartsAt

Weekday = Literal["MO", "TU", "WE", "TH", "FR", "SA", "SU"]
_Weekdays = Annotated[list[Weekday], Meta(min_length=1, max_length=7)]
_WEEKDAYS: tuple[Weekday, ...] = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")

_Clock = Annotated[str, Meta(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$", examples=["19:30"])]
_Clocks = Annotated[
    list[_Clock],
    Meta(min_length=1, max_length=100, description="By the clock where the event is."),
]
_Minutes = Annotated[
    int,
    Meta(
        ge=1,
        le=10_080,
        description="How long each lasts; as long as the show unless given, or "
        f"{DEFAULT_DURATION_MINUTES} minutes.",
    ),
]
_From = Annotated[date, Meta(description="The first day that may have showtimes.")]
_DaysOff = Annotated[
    list[date], Meta(max_length=MOST_DAYS, description="Days that are left out, such as holidays.")
]
_Skip = Annotated[
    bool, Meta(description="Leave out what the hall is not free for, and make the rest.")
]


class ShowtimeBody(Body):
    """One more sitting of an event, in the event's hall unless another is named."""

    starts_at: StartsAt
    ends_at: EndsAt | None = None
    hall_id: SittingHallId | None = None


class ShowtimeChangeBody(Body):
    """How a showtime is moved; what is left out stays. The end moves with the start by itself."""

    starts_at: StartsAt | UnsetType = UNSET
    ends_at: (
        Annotated[Moment, Meta(description="Unless given, it lasts as long as before.")] | UnsetType
    ) = UNSET
    hall_id: (
        Annotated[UUID, Meta(description="A hall of the event's venue; null for none.")]
        | UnsetType
        | None
    ) = UNSET


class GenerateBody(Body):
    """The same times on every day from one date to another, both included."""

    first: _From = msgspec.field(name="from")
    last: Annotated[date, Meta(description="The last day that may have showtimes.")] = (
        msgspec.field(name="to")
    )
    times: _Clocks
    duration_minutes: _Minutes | None = None
    weekdays: Annotated[
        _Weekdays | None, Meta(description="On these days of the week only; null for all.")
    ] = None
    days_off: _DaysOff = []
    hall_id: SittingHallId | None = None
    skip_conflicts: _Skip = False


class RepeatBody(Body):
    """A recurrence rule (RFC 5545 §3.3.10) with ``until`` or ``count``.

    Without ``weekdays`` it names each day, the weekday of ``from`` in each week, or its day in each
    month that has it. ``nth`` picks one of those weekdays in the month: 1 the first, -1 the last.
    ``count`` counts days, and ``daysOff`` too.
    """

    every: Annotated[Every, Meta(description="What is repeated.")]
    interval: Annotated[
        int,
        Meta(
            ge=1,
            le=MOST_DAYS,
            description="2 for every second day, week or month, the first being that of from.",
        ),
    ] = 1
    weekdays: Annotated[
        _Weekdays | None,
        Meta(
            description="On these days of the week; null for any day, or for that of from in the "
            "week or the month."
        ),
    ] = None
    nth: Annotated[
        Literal[-5, -4, -3, -2, -1, 1, 2, 3, 4, 5] | None,
        Meta(
            description="Which of the weekdays in the month, from its end when negative; null for "
            "all of them. For every month, and with weekdays, only."
        ),
    ] = None
    until: Annotated[
        date | None,
        Meta(description="The last day that may have showtimes, unless count is given."),
    ] = None
    count: Annotated[
        Annotated[int, Meta(ge=1, le=MOST_DAYS)] | None,
        Meta(description="After how many days the rule ends, unless until is given."),
    ] = None
    days_off: _DaysOff = []


class SeriesBody(Body):
    """The same times on every day that a rule names, from a date on."""

    first: _From = msgspec.field(name="from")
    times: _Clocks
    repeat: RepeatBody
    duration_minutes: _Minutes | None = None
    hall_id: SittingHallId | None = None
    skip_conflicts: _Skip = False


class CreatedShowtimeView(View):
    """A showtime that a rule made."""

    id: UUID
    starts_at: datetime
    ends_at: datetime


class ConflictView(View):
    """What has the hall; named only where the caller may know of it."""

    starts_at: datetime
    busy_until: datetime
    showtime_id: UUID | None = None
    event_id: UUID | None = None
    title: str | None = None


class SkippedShowtimeView(View):
    """What a rule names and what was not made: ``local`` is what the clock there would show.

    ``nonexistent_local_time``: on that day it never does, because clocks are put forward, and
    ``startsAt`` is null. ``past``: that is over. ``exists``: the event has one then and there.
    ``schedule_conflict``: the hall is not free.
    """

    local: str
    starts_at: datetime | None
    reason: Literal["nonexistent_local_time", "past", "exists", "schedule_conflict"]
    conflict: ConflictView | None


class MadeView(View):
    """What came of a rule, both in the order of time."""

    created: list[CreatedShowtimeView]
    skipped: list[SkippedShowtimeView]


def showtime_draft(body: ShowtimeBody) -> ShowtimeDraft:
    """The draft that a body describes."""
    return ShowtimeDraft(body.starts_at, body.ends_at, body.hall_id)


def change_of(body: ShowtimeChangeBody) -> Change:
    """The change that a body describes."""
    return Change(
        None if body.starts_at is UNSET else body.starts_at,
        None if body.ends_at is UNSET else body.ends_at,
        body.hall_id,
    )


def generated(body: GenerateBody) -> Series:
    """The series that a body describes."""
    repeat = Repeat(
        body.first,
        _clocks(body.times),
        weekdays=_numbers(body.weekdays),
        until=body.last,
        days_off=frozenset(body.days_off),
    )
    return Series(repeat, body.duration_minutes, body.hall_id, body.skip_conflicts, "/to")


def series_of(body: SeriesBody) -> Series:
    """The series that a body describes."""
    rule = body.repeat
    repeat = Repeat(
        body.first,
        _clocks(body.times),
        every=rule.every,
        interval=rule.interval,
        weekdays=_numbers(rule.weekdays),
        nth=rule.nth,
        until=rule.until,
        count=rule.count,
        days_off=frozenset(rule.days_off),
    )
    return Series(repeat, body.duration_minutes, body.hall_id, body.skip_conflicts)


def made_view(made: Made) -> MadeView:
    """What came of a series as the API shows it."""
    return MadeView(
        [CreatedShowtimeView(one.id, one.starts_at, one.ends_at) for one in made.created],
        [_skipped(one) for one in made.skipped],
    )


def _skipped(one: Skipped) -> SkippedShowtimeView:
    return SkippedShowtimeView(
        one.local.isoformat(timespec="minutes"),
        one.starts_at,
        Reason(one.reason).value,
        None if one.conflict is None else msgspec.convert(one.conflict, ConflictView),
    )


def _clocks(texts: Iterable[str]) -> tuple[time, ...]:
    return tuple(time.fromisoformat(text) for text in texts)


def _numbers(weekdays: Sequence[Weekday] | None) -> frozenset[int] | None:
    return None if weekdays is None else frozenset(_WEEKDAYS.index(day) for day in weekdays)
