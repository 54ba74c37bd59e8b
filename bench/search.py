"""Searching a hundred thousand events, beside searching a thousand."""

import asyncio
import contextlib
import random
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import asyncpg

from bench import stage, wrk
from bench.errors import BenchError
from bench.measure import WARM_UP_SECONDS
from bench.site import EVENTS_PATH, serving
from bench.wrk import Load, Visits
from fullhouse import migrate
from fullhouse.kit.embedded import EmbeddedPostgres
from tests.support import crowd

FEW, MANY = 1_000, 100_000
SEARCHERS = 16
_QUERIES = 20_000


@dataclass
class Library:
    """A server with so many events, and what is searched for there."""

    port: int
    visits: Visits

    def search(self, seconds: int) -> Load:
        """Search for that long, never twice for the same."""
        address = f"http://{stage.HOST}:{self.port}{EVENTS_PATH}"
        for duration in (WARM_UP_SECONDS, seconds):
            load = wrk.run(address, duration, self.visits)
            asked = self.visits.skip + load.answers + SEARCHERS
            self.visits = Visits(self.visits.requests, SEARCHERS, 0, asked)
        if load.errors:
            raise BenchError(f"searches were answered with errors: {load.statuses}")
        if asked > _QUERIES:
            raise BenchError(f"{asked:,} searches are more than there are different ones")
        return load


@contextlib.contextmanager
def libraries(folder: Path) -> Iterator[tuple[Library, Library]]:
    """A server with few events and one with many, each on a database of its own."""
    with contextlib.ExitStack() as stack:
        place = folder / "libraries"
        place.mkdir()
        postgres = stack.enter_context(EmbeddedPostgres(place / "data"))
        made = []
        for count in (FEW, MANY):
            url = asyncio.run(_filled(postgres.dsn(), count))
            port = stack.enter_context(serving(url, place, f"{count}.log"))[1]
            searches = place / f"searches-{count}.txt"
            _write_searches(searches)
            made.append(Library(port, Visits(searches, SEARCHERS, 0)))
        yield made[0], made[1]


async def _filled(url: str, count: int) -> str:
    """A new database with so many events; its address."""
    connection = await asyncpg.connect(url)
    name = f"events_{count}"
    await connection.execute(f"CREATE DATABASE {name}")
    await connection.close()
    other = url.replace("/fullhouse?", f"/{name}?")
    if other == url:
        raise BenchError("the address of the database names none that can be replaced")
    await migrate.upgrade(other)
    connection = await asyncpg.connect(other)
    try:
        await crowd.fill(connection, count)
    finally:
        await connection.close()
    return other


def _write_searches(file: Path) -> None:
    """What people type: two words, one and the beginning of another, a city, a wrong letter."""
    chance = random.Random(1)
    lines = []
    for number in range(_QUERIES):
        first, second = chance.sample(crowd.WORDS, 2)
        kind = number % 4
        if kind == 0:
            asked = f"q={first}+{second}+{number}"
        elif kind == 1:
            asked = f"q={first}+{second[:3]}&page={1 + number % 50}&limit={10 + number % 40}"
        elif kind == 2:
            asked = (
                f"q={first}&city={quote(f'City {number % 150}')}&limit={10 + number // 150 % 90}"
            )
        else:
            asked = f"q={first[:2]}{second[0]}{first[3:]}+{number}"
        lines.append(f"GET\t{EVENTS_PATH}?{asked}\t{stage.HOST}\t\n")
    file.write_text("".join(dict.fromkeys(lines)))
