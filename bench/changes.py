"""How long what one process keeps outlives a change that another makes."""

import asyncio
import http.client
import itertools
import time

import msgspec

from bench import stage
from bench.errors import BenchError
from bench.site import EVENTS_PATH, Site
from fullhouse.catalog.commands.changing import change_event
from fullhouse.catalog.drafts import EventChange
from fullhouse.kit.db import Database
from fullhouse.venues.queries.seat_maps import SeatMaps

CHANGES = 20
_PATIENCE_SECONDS = 10

_numbers = itertools.count(1)


def longest_ms(site: Site) -> float:
    """Change the title of an event again and again, from here; the longest that the server's kept
    answer still told the old one, in milliseconds from the commit."""
    return asyncio.run(_longest(site))


async def _longest(site: Site) -> float:
    database = Database(site.url, pool_size=2)
    connection = http.client.HTTPConnection(stage.HOST, site.port, timeout=_PATIENCE_SECONDS)
    event_id, organizer = site.house.counted_event, site.house.organizer
    longest = 0.0
    try:
        for _ in range(CHANGES):
            # Asked twice, it is kept.
            _title(connection, f"{EVENTS_PATH}/{event_id}")
            _title(connection, f"{EVENTS_PATH}/{event_id}")
            title = f"Renamed {next(_numbers)}"
            change = EventChange({"title": title})
            await change_event(database, SeatMaps(database), organizer, event_id, change)
            committed = time.perf_counter()
            while _title(connection, f"{EVENTS_PATH}/{event_id}") != title:
                if time.perf_counter() - committed > _PATIENCE_SECONDS:
                    raise BenchError(f"a change was not seen for {_PATIENCE_SECONDS} s")
            longest = max(longest, time.perf_counter() - committed)
    finally:
        connection.close()
        await database.close()
    return longest * 1_000


def _title(connection: http.client.HTTPConnection, path: str) -> str:
    connection.request("GET", path)
    answer = connection.getresponse()
    body = answer.read()
    if answer.status != 200:
        raise BenchError(f"{path} was answered with {answer.status}")
    title: str = msgspec.json.decode(body)["title"]
    return title
