"""Showtimes made from rules: on every day and clock there is."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fullhouse.catalog.scheduling import Reason, Repeat, Slot, instant, overlaps, plan

ZONES = [
    "UTC",
    "Asia/Kathmandu",
    "Europe/Berlin",
    "America/New_York",
    "America/Sao_Paulo",  # put its clocks forward at midnight
    "Australia/Lord_Howe",  # puts its clocks by half an hour
    "Pacific/Apia",  # had no 30 December 2011
    "Africa/Casablanca",
]
zones = st.sampled_from(ZONES).map(ZoneInfo)
days = st.dates(date(2010, 1, 1), date(2030, 12, 31))
clocks = st.times().map(lambda at: at.replace(second=0, microsecond=0))


@st.composite
def repeats(draw: st.DrawFn) -> Repeat:
    first = draw(days)
    return Repeat(
        first,
        first + timedelta(days=draw(st.integers(0, 60))),
        tuple(draw(st.lists(clocks, min_size=1, max_size=4))),
        draw(st.none() | st.frozensets(st.integers(0, 6))),
        draw(st.integers(1, 4)),
        frozenset(first + timedelta(days=off) for off in draw(st.sets(st.integers(0, 60)))),
    )


@given(repeat=repeats(), zone=zones, minutes=st.integers(1, 600))
@settings(max_examples=300)
def test_every_time_of_the_rule_is_made_or_reported_once(
    repeat: Repeat, zone: ZoneInfo, minutes: int
) -> None:
    duration = timedelta(minutes=minutes)
    slots, skipped = plan(repeat, zone, duration)
    walls = [slot.starts_at.astimezone(zone).replace(tzinfo=None) for slot in slots]
    left_out = [datetime.combine(one.day, one.time) for one in skipped]
    wanted = {
        datetime.combine(day, at)
        for offset in range((repeat.last - repeat.first).days + 1)
        for day in [repeat.first + timedelta(days=offset)]
        for at in repeat.times
        if day not in repeat.days_off
        and (repeat.weekdays is None or day.weekday() in repeat.weekdays)
        and weeks_between(repeat.first, day) % repeat.every_weeks == 0
    }
    assert sorted(walls + left_out) == sorted(wanted)
    assert all(slot.ends_at - slot.starts_at == duration for slot in slots)
    assert all(slot.starts_at.tzinfo is UTC for slot in slots)
    for one in skipped:
        # No moment of that day shows this time.
        assert one.reason is Reason.NO_SUCH_TIME
        assert datetime.combine(one.day, one.time) not in walls_of(one.day, zone)


def weeks_between(first: date, day: date) -> int:
    return (monday_of(day) - monday_of(first)).days // 7


def monday_of(day: date) -> date:
    return day - timedelta(days=day.weekday())


def walls_of(day: date, zone: ZoneInfo) -> set[datetime]:
    """Every minute that a clock shows around a day."""
    start = datetime(day.year, day.month, day.day, tzinfo=UTC) - timedelta(hours=15)
    return {
        (start + timedelta(minutes=minute)).astimezone(zone).replace(tzinfo=None)
        for minute in range(54 * 60)
    }


@given(repeat=repeats(), zone=zones)
def test_doing_it_again_makes_nothing(repeat: Repeat, zone: ZoneInfo) -> None:
    slots, skipped = plan(repeat, zone, timedelta(hours=2))
    again, more = plan(repeat, zone, timedelta(hours=2), {slot.starts_at for slot in slots})
    assert again == []
    assert len(more) == len(slots) + len(skipped)
    assert sum(one.reason is Reason.EXISTS for one in more) == len(slots)


@pytest.mark.parametrize(
    ("day", "at", "zone", "expected"),
    [
        (date(2026, 3, 29), time(2, 30), "Europe/Berlin", None),
        (date(2026, 3, 29), time(3, 0), "Europe/Berlin", datetime(2026, 3, 29, 1, 0, tzinfo=UTC)),
        (date(2026, 10, 25), time(2, 0), "Europe/Berlin", datetime(2026, 10, 25, 0, tzinfo=UTC)),
        (date(2026, 3, 8), time(2, 0), "America/New_York", None),
        (date(2011, 12, 30), time(20, 0), "Pacific/Apia", None),
        (date(2026, 10, 4), time(2, 15), "Australia/Lord_Howe", None),
        (date(2026, 7, 1), time(10, 0), "Asia/Kathmandu", datetime(2026, 7, 1, 4, 15, tzinfo=UTC)),
    ],
)  # fmt: skip
def test_clocks_that_are_put_forward_and_back(
    day: date, at: time, zone: str, expected: datetime | None
) -> None:
    assert instant(day, at, ZoneInfo(zone)) == expected


def test_a_night_show_lasts_as_long_when_clocks_change() -> None:
    repeat = Repeat(date(2026, 10, 24), date(2026, 10, 24), (time(23, 0),))
    (slot,), _ = plan(repeat, ZoneInfo("Europe/Berlin"), timedelta(hours=5))
    assert slot.ends_at.astimezone(ZoneInfo("Europe/Berlin")).time() == time(3, 0)


def test_overlaps_count_the_pause() -> None:
    ten = datetime(2026, 7, 1, 10, tzinfo=UTC)
    film = timedelta(hours=2)
    slots = [Slot(ten, ten + film), Slot(ten + timedelta(minutes=135), ten + 2 * film)]
    assert overlaps(slots, timedelta(minutes=15)) == []
    assert overlaps(slots, timedelta(minutes=16)) == [(slots[0], slots[1])]
    assert overlaps(slots[::-1], timedelta(minutes=16)) == [(slots[0], slots[1])]
