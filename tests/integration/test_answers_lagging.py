"""Lagging tags: what changes with every sale is made again once in a second, and no later."""

import asyncio

from fullhouse.api.answers import LAG_SECONDS, Answers
from fullhouse.api.edge import Edge
from tests.support.things import Clock, Things, ask


class Counter:
    """An edge before a page that shows what is left, with a clock to move."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.answers = Answers(clock=self.clock)
        self.things = Things(seconds=60, tags=("thing:1",))
        self.things.lagging = ("sale:1", "sale:2")
        self.edge = Edge(self.things, self.answers)

    async def shows(self, value: str | None = None) -> str:
        """What a reader sees, if the page would now say so."""
        if value is not None:
            self.things.value = value
        return (await ask(self.edge)).body.decode()


async def test_a_sale_is_seen_when_the_answer_is_a_second_old() -> None:
    counter = Counter()
    assert await counter.shows("10 left") == "10 left"
    counter.clock.now = 0.3
    counter.answers.forget("sale:2")
    assert await counter.shows("9 left") == "10 left"
    counter.clock.now = LAG_SECONDS - 0.001
    assert await counter.shows() == "10 left"
    counter.clock.now = LAG_SECONDS
    assert await counter.shows() == "9 left"
    assert counter.things.calls == 2


async def test_after_that_second_a_sale_is_seen_at_once() -> None:
    counter = Counter()
    await counter.shows("10 left")
    counter.clock.now = 30
    assert await counter.shows("9 left") == "10 left"  # nobody said that anything had changed
    counter.answers.forget("sale:1")
    assert await counter.shows() == "9 left"


async def test_a_rush_is_one_computation_in_a_second() -> None:
    counter = Counter()
    for sale in range(1_000):
        counter.clock.now = sale / 100
        counter.answers.forget("sale:1")
        await counter.shows(f"{1_000 - sale} left")
    assert counter.things.calls == 10


async def test_a_later_sale_does_not_put_the_end_off() -> None:
    counter = Counter()
    await counter.shows("10 left")
    for moment in (0.2, 0.9, 0.95):
        counter.clock.now = moment
        counter.answers.forget("sale:1")
        assert await counter.shows() == "10 left"
    counter.clock.now = LAG_SECONDS
    assert await counter.shows("7 left") == "7 left"


async def test_every_other_tag_still_ends_it_at_once() -> None:
    counter = Counter()
    await counter.shows("10 left")
    counter.answers.forget("sale:1")
    counter.answers.forget("thing:1")
    assert await counter.shows("cancelled") == "cancelled"
    counter.answers.forget("*")
    assert await counter.shows("unknown") == "unknown"


async def test_a_short_life_ends_before_the_lag_does() -> None:
    counter = Counter()
    counter.things.seconds = 0.5
    await counter.shows("10 left")
    counter.answers.forget("sale:1")
    counter.clock.now = 0.5
    assert await counter.shows("9 left") == "9 left"


async def test_the_second_begins_before_the_reading() -> None:
    counter = Counter()

    async def slowly() -> None:
        counter.things.while_computing = None
        # What was read is old by now, and somebody buys.
        counter.clock.now = 0.8
        counter.answers.forget("sale:1")

    counter.things.while_computing = slowly
    assert await counter.shows("10 left") == "10 left"
    counter.clock.now = 0.9
    assert await counter.shows("9 left") == "10 left"
    counter.clock.now = LAG_SECONDS
    assert await counter.shows() == "9 left"


async def test_whoever_is_signed_in_sees_every_sale() -> None:
    counter = Counter()
    await counter.shows("10 left")
    counter.answers.forget("sale:1")
    counter.things.value = "9 left"
    reply = await ask(counter.edge, headers={"Authorization": "x"})
    assert reply.body == b"9 left"
    assert await counter.shows() == "10 left"


async def test_readers_who_come_together_at_the_end_share_one_computation() -> None:
    counter = Counter()
    await counter.shows("10 left")
    counter.answers.forget("sale:1")
    counter.clock.now = LAG_SECONDS
    counter.things.while_computing = lambda: asyncio.sleep(0.02)
    counter.things.value = "9 left"
    assert await asyncio.gather(*(counter.shows() for _ in range(50))) == ["9 left"] * 50
    assert counter.things.calls == 2
