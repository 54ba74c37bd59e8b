"""Showtimes made from rules: on every day and clock there is, against a plain model."""

import calendar
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from fullhouse.catalog.scheduling import (
    MOST_DAYS,
    Every,
    Reason,
    Repeat,
    errors_of,
    instant,
    plan,
    without_overlaps,
)

ZONES = [
    "UTC",
    "Asia/Kathmandu",
    "Europe/Zurich",
    "America/New_York",
    "America/Sao_Paulo",  # put its clocks forward at midnight
    "Australia/Lord_Howe",  # puts its clocks by half an hour
    "Pacific/Apia",  # had no 30 December 2011
    "Africa/Casablanca",
]
EVERY: list[Every] = ["day", "week", "month"]
HALLS = [UUID(int=1), UUID(int=2), None]

zones = st.sampled_from(ZONES).map(ZoneInfo)
days = st.dates(date(2010, 1, 1), date(2030, 12, 31))
clocks = st.times().map(lambda at: at.replace(second=0, microsecond=0))
spans = st.integers(0, MOST_DAYS - 1)


@st.composite
def repeats(draw: st.DrawFn) -> Repeat:
    first = draw(days)
    every = draw(st.sampled_from(EVERY))
    weekdays = draw(st.none() | st.frozensets(st.integers(0, 6), min_size=1))
    nth = None
    if every == "month" and weekdays is not None:
        nth = draw(st.none() | st.sampled_from([-5, -4, -3, -2, -1, 1, 2, 3, 4, 5]))
    counted = draw(st.booleans())
    return Repeat(
        first,
        tuple(draw(st.lists(clocks, min_size=1, max_size=2))),
        every=every,
        interval=draw(st.integers(1, 6)),
        weekdays=weekdays,
        nth=nth,
        until=None if counted else first + timedelta(days=draw(spans)),
        count=draw(st.integers(1, 30)) if counted else None,
        days_off=frozenset(first + timedelta(days=off) for off in draw(st.sets(spans, max_size=9))),
    )


def is_named(repeat: Repeat, day: date) -> bool:
    """Whether the rule names a day: the same rule, said of one day in the plainest way."""
    first = repeat.first
    if repeat.weekdays is not None and day.weekday() not in repeat.weekdays:
        return False
    match repeat.every:
        case "day":
            return (day - first).days % repeat.interval == 0
        case "week":
            monday = first - timedelta(days=first.weekday())
            if (day - monday).days // 7 % repeat.interval:
                return False
            return repeat.weekdays is not None or day.weekday() == first.weekday()
        case "month":
            if ((day.year - first.year) * 12 + day.month - first.month) % repeat.interval:
                return False
            if repeat.weekdays is None:
                return day.day == first.day
            return repeat.nth is None or repeat.nth in place_in_month(day)


def place_in_month(day: date) -> tuple[int, int]:
    """The how-manieth of its weekday a day is in the month, from both ends."""
    length = calendar.monthrange(day.year, day.month)[1]
    return (day.day - 1) // 7 + 1, -((length - day.day) // 7 + 1)


def wanted_by(repeat: Repeat) -> list[datetime]:
    """What clocks shall show at the starts."""
    last = repeat.until or repeat.furthest
    range_ = [repeat.first + timedelta(days=n) for n in range((last - repeat.first).days + 1)]
    named = [day for day in range_ if is_named(repeat, day)][: repeat.count]
    kept = [day for day in named if day not in repeat.days_off]
    return sorted({datetime.combine(day, at) for day in kept for at in repeat.times})


def walls_of(day: date, zone: ZoneInfo) -> set[datetime]:
    """Every minute that a clock shows around a day."""
    start = datetime(day.year, day.month, day.day, tzinfo=UTC) - timedelta(hours=15)
    return {
        (start + timedelta(minutes=minute)).astimezone(zone).replace(tzinfo=None)
        for minute in range(54 * 60)
    }


@given(repeat=repeats(), zone=zones, minutes=st.integers(1, 600))
@settings(max_examples=300)
def test_every_time_of_the_rule_is_made_or_reported_once(
    repeat: Repeat, zone: ZoneInfo, minutes: int
) -> None:
    assume(not errors_of(repeat))
    slots, skipped = plan(repeat, zone, timedelta(minutes=minutes))
    assert sorted([slot.local for slot in slots] + [one.local for one in skipped]) == wanted_by(
        repeat
    )
    starts = [slot.starts_at for slot in slots]
    assert starts == sorted(set(starts))
    for slot in slots:
        assert slot.starts_at.tzinfo is UTC
        assert slot.starts_at.astimezone(zone).replace(tzinfo=None) == slot.local
        assert slot.ends_at - slot.starts_at == timedelta(minutes=minutes)
    for one in skipped:
        assert (one.reason, one.starts_at) == (Reason.NONEXISTENT, None)
        assert one.local not in walls_of(one.local.date(), zone)


@given(day=days, at=clocks, zone=zones)
@settings(max_examples=300)
def test_of_a_time_that_comes_twice_the_first_is_meant(day: date, at: time, zone: ZoneInfo) -> None:
    local = datetime.combine(day, at)
    found = instant(local, zone)
    if found is not None:
        for minutes in range(15, 181, 15):
            earlier = (found - timedelta(minutes=minutes)).astimezone(zone)
            assert earlier.replace(tzinfo=None) != local


@given(repeat=repeats())
def test_a_count_that_is_not_reached_in_a_year_is_refused(repeat: Repeat) -> None:
    counted = replace(repeat, until=None, count=30)
    reached = len(
        [
            day
            for day in (counted.first + timedelta(days=n) for n in range(MOST_DAYS))
            if is_named(counted, day)
        ]
    )
    pointers = [error.pointer for error in errors_of(counted)]
    assert pointers == ([] if reached >= 30 else ["/repeat/count"])


@pytest.mark.parametrize(
    ("day", "at", "zone", "expected"),
    [
        (date(2026, 3, 29), time(2, 30), "Europe/Zurich", None),
        (date(2026, 3, 29), time(3, 0), "Europe/Zurich", datetime(2026, 3, 29, 1, 0, tzinfo=UTC)),
        (date(2026, 10, 25), time(2, 0), "Europe/Zurich", datetime(2026, 10, 25, 0, tzinfo=UTC)),
        (date(2026, 3, 8), time(2, 0), "America/New_York", None),
        (
            date(2026, 11, 1),
            time(1, 30),
            "America/New_York",
            datetime(2026, 11, 1, 5, 30, tzinfo=UTC),
        ),
        (date(2011, 12, 30), time(20, 0), "Pacific/Apia", None),
        (date(2026, 10, 4), time(2, 15), "Australia/Lord_Howe", None),
        (
            date(2026, 4, 5),
            time(1, 45),
            "Australia/Lord_Howe",
            datetime(2026, 4, 4, 14, 45, tzinfo=UTC),
        ),
        (date(2026, 7, 1), time(10, 0), "Asia/Kathmandu", datetime(2026, 7, 1, 4, 15, tzinfo=UTC)),
    ],
)
def test_clocks_that_are_put_forward_and_back(
    day: date, at: time, zone: str, expected: datetime | None
) -> None:
    assert instant(datetime.combine(day, at), ZoneInfo(zone)) == expected


def test_a_night_show_lasts_as_long_when_clocks_change() -> None:
    repeat = Repeat(date(2026, 10, 24), (time(23, 0),), until=date(2026, 10, 24))
    (slot,), _ = plan(repeat, ZoneInfo("Europe/Zurich"), timedelta(hours=5))
    assert slot.ends_at.astimezone(ZoneInfo("Europe/Zurich")).time() == time(3, 0)


@pytest.mark.parametrize(
    ("repeat", "expected"),
    [
        (
            Repeat(date(2026, 1, 31), (), every="month", count=3),
            ["2026-01-31", "2026-03-31", "2026-05-31"],
        ),
        (
            Repeat(date(2026, 1, 1), (), every="month", weekdays=frozenset({4}), nth=-1, count=2),
            ["2026-01-30", "2026-02-27"],
        ),
        (
            Repeat(date(2026, 1, 1), (), every="month", weekdays=frozenset({0}), nth=5, count=2),
            ["2026-03-30", "2026-06-29"],
        ),
        # Weeks begin on Monday: the Sunday belongs to the week of the Friday before it.
        (
            Repeat(
                date(2026, 1, 2), (), every="week", interval=2, weekdays=frozenset({4, 6}), count=3
            ),
            ["2026-01-02", "2026-01-04", "2026-01-16"],
        ),
        (Repeat(date(2026, 1, 2), (), every="week", count=2), ["2026-01-02", "2026-01-09"]),
        (
            Repeat(date(2026, 1, 1), (), interval=3, until=date(2026, 1, 8)),
            ["2026-01-01", "2026-01-04", "2026-01-07"],
        ),
        (
            Repeat(date(2026, 1, 1), (), count=3, days_off=frozenset({date(2026, 1, 2)})),
            ["2026-01-01", "2026-01-03"],
        ),
    ],
    ids=["31st", "last-friday", "fifth-monday", "fortnight", "weekday", "third-day", "day-off"],
)
def test_rules_in_words(repeat: Repeat, expected: list[str]) -> None:
    assert [day.isoformat() for day in repeat.days()] == expected


FIRST = date(2026, 1, 1)


@pytest.mark.parametrize(
    ("repeat", "pointer"),
    [
        (Repeat(FIRST, (), count=1), "/times"),
        (Repeat(FIRST, (time(10),)), "/repeat/until"),
        (Repeat(FIRST, (time(10),), until=FIRST, count=1), "/repeat/count"),
        (Repeat(FIRST, (time(10),), until=FIRST - timedelta(days=1)), "/repeat/until"),
        (Repeat(FIRST, (time(10),), until=FIRST + timedelta(days=MOST_DAYS)), "/repeat/until"),
        (Repeat(FIRST, (time(10),), every="month", nth=1, count=1), "/repeat/nth"),
        (Repeat(FIRST, (time(10),), weekdays=frozenset({1}), nth=1, count=1), "/repeat/nth"),
        (Repeat(FIRST, (time(10),), every="month", count=14), "/repeat/count"),
        (
            Repeat(
                date(2026, 2, 1),
                (time(10),),
                every="month",
                interval=12,
                weekdays=frozenset({0}),
                nth=5,
                count=1,
            ),
            "/repeat/count",
        ),
        (Repeat(date.max, (time(10),), count=1), "/from"),
        (Repeat(date.min, (time(10),), count=1), "/from"),
        (Repeat(FIRST, tuple(time(hour) for hour in range(3)), count=334), "/times"),
    ],
    ids=[
        "no-times",
        "endless",
        "two-ends",
        "backwards",
        "too-long",
        "nth",
        "nth-of-days",
        "count",
        "never",
        "far",
        "early",
        "too-many",
    ],
)
def test_rules_that_make_no_sense(repeat: Repeat, pointer: str) -> None:
    assert [error.pointer for error in errors_of(repeat)] == [pointer]


@dataclass(frozen=True)
class Use:
    hall_id: UUID | None
    starts_at: datetime
    busy_until: datetime


@st.composite
def uses(draw: st.DrawFn) -> Use:
    starts_at = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(hours=draw(st.integers(0, 30)))
    return Use(
        draw(st.sampled_from(HALLS)),
        starts_at,
        starts_at + timedelta(hours=draw(st.integers(1, 5))),
    )


def collide(one: Use, other: Use) -> bool:
    same = one.hall_id is not None and one.hall_id == other.hall_id
    return same and one.starts_at < other.busy_until and other.starts_at < one.busy_until


@given(wanted=st.lists(uses(), max_size=12))
def test_what_overlaps_is_left_out_and_nothing_else(wanted: list[Use]) -> None:
    kept, over = without_overlaps(wanted)
    assert len(kept) + len(over) == len(wanted)
    for place, one in enumerate(kept):
        assert not any(collide(one, other) for other in kept[:place])
    for one, other in over:
        assert collide(one, other)
        assert any(other is survivor for survivor in kept)
        assert other.starts_at <= one.starts_at
