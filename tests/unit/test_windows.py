"""Sliding window counters: what they allow, what they tell, and what they forget."""

import asyncio
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st
from limits import parse
from limits.aio.storage import MemoryStorage
from limits.aio.strategies import SlidingWindowCounterRateLimiter

from fullhouse.kit.windows import Rate, Spacing, Windows


@dataclass
class Clock:
    """A clock that a test moves. It begins with a window, whatever its length."""

    now: float = 0.0

    def __call__(self) -> float:
        return self.now


def test_the_first_so_many_are_allowed_and_no_more() -> None:
    windows = Windows(Rate(3, 60), clock=Clock(2.5))
    counts = [windows.take("a") for _ in range(5)]
    assert [count.allowed for count in counts] == [True, True, True, False, False]
    assert [count.remaining for count in counts] == [2, 1, 0, 0, 0]
    assert counts[0].seconds == 57.5


def test_each_key_has_its_own() -> None:
    windows = Windows(Rate(1, 60), clock=Clock())
    assert windows.take("a").allowed
    assert not windows.take("a").allowed
    assert windows.take("b").allowed


def test_the_last_window_fades() -> None:
    clock = Clock()
    windows = Windows(Rate(10, 60), clock=clock)
    for _ in range(10):
        assert windows.take("a").allowed
    clock.now = 90.0  # half of the ten still count
    assert [windows.take("a").allowed for _ in range(6)] == [True] * 5 + [False]


def test_after_two_windows_nothing_is_left() -> None:
    clock = Clock(59.9)
    windows = Windows(Rate(2, 60), clock=clock)
    windows.take("a")
    windows.take("a")
    clock.now = 120.0
    assert windows.take("a").remaining == 1


@pytest.mark.parametrize("amount", [1, 2, 3, 7, 10, 100])
@pytest.mark.parametrize("late", [0.0, 1.0, 31.7, 59.999])
@pytest.mark.parametrize("spent_before", [0, 1, 5])
def test_who_waits_as_told_is_allowed(amount: int, late: float, spent_before: int) -> None:
    clock = Clock(30.0)
    windows = Windows(Rate(amount, 60), clock=clock)
    for _ in range(spent_before):
        windows.take("a")
    clock.now = 60.0 + late
    while windows.take("a").allowed:
        pass
    refused = windows.take("a")
    told = clock.now + refused.seconds
    clock.now = max(clock.now, told - 0.002)
    assert not windows.take("a").allowed
    clock.now = told + 0.001
    assert windows.take("a").allowed


# Sixty-four seconds and eighths of one are exact in binary: no rounding comes between the two.
@given(
    amount=st.integers(1, 12),
    pauses=st.lists(st.integers(0, 8 * 80), min_size=1, max_size=60),
)
def test_it_counts_as_the_library_does(amount: int, pauses: list[int]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        clock = Clock(2.0**20)
        patch.setattr("time.time", clock)
        item = parse(f"{amount} per 64 seconds")
        windows = Windows(Rate(amount, 64), clock=clock)

        async def compare() -> None:
            limiter = SlidingWindowCounterRateLimiter(MemoryStorage())
            for pause in pauses:
                clock.now += pause / 8
                count = windows.take("a")
                assert count.allowed == await limiter.hit(item, "a")
                assert count.remaining == (await limiter.get_window_stats(item, "a")).remaining

        asyncio.run(compare())


def test_memory_is_bounded_and_those_unused_for_longest_go() -> None:
    windows = Windows(Rate(1, 60), capacity=3, clock=Clock())
    for key in "abc":
        windows.take(key)
    assert not windows.take("a").allowed
    windows.take("d")  # b goes
    assert len(windows) == 3
    assert not windows.take("a").allowed
    assert windows.take("b").allowed


def test_what_no_longer_counts_goes_as_others_come() -> None:
    clock = Clock()
    windows = Windows(Rate(1, 60), clock=clock)
    for number in range(100):
        windows.take(str(number))
    clock.now = 60.0  # it counts still, as the window before
    windows.take("new")
    assert len(windows) == 101
    clock.now = 120.0
    for number in range(20):
        windows.take(f"newer {number}")
    assert len(windows) == 21  # and "new", of the window before


def test_spacing_allows_one_after_the_other() -> None:
    clock = Clock()
    spacing = Spacing(Rate(10, 900), clock=clock)
    first, second = spacing.take("a"), spacing.take("a")
    assert (first.allowed, second.allowed) == (True, False)
    assert first.seconds == second.seconds == 90.0
    assert spacing.take("b").allowed
    clock.now = 89.9
    assert not spacing.take("a").allowed
    clock.now = 90.0
    assert spacing.take("a").allowed
    assert not spacing.take("a").allowed


def test_spacing_forgets_who_waited_long_enough_and_is_bounded() -> None:
    clock = Clock()
    spacing = Spacing(Rate(10, 900), capacity=5, clock=clock)
    for number in range(20):
        spacing.take(str(number))
    assert len(spacing) == 5
    assert not spacing.take("19").allowed
    clock.now = 90.0
    spacing.take("new")
    assert len(spacing) == 1
