"""A showtime with 60,000 seats: what it takes to tell everybody which are free."""

import asyncio
import http.client
import itertools
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from typing import NamedTuple
from uuid import UUID

import msgspec

from bench import stage, wrk
from bench.errors import BenchError
from bench.site import BOOKINGS_PATH, EVENTS_PATH, Bare, Site
from bench.wrk import Orders
from fullhouse.bookings.seat_states import STALE_SECONDS
from fullhouse.catalog.commands import creating
from fullhouse.catalog.drafts import CategoryDraft, EventDraft
from fullhouse.catalog.rules import Policy
from fullhouse.kit.db import Database
from fullhouse.venues import templates
from fullhouse.venues.commands import places as venues
from fullhouse.venues.commands import seat_maps
from fullhouse.venues.queries.seat_maps import SeatMaps

ROWS, SEATS_PER_ROW = 200, 300
SEATS = ROWS * SEATS_PER_ROW
_SEATS_AT_ONCE = 10
_SELLING_SECONDS = 4
_CHANGES = 25
_WHAT_BROWSERS_TAKE = "gzip, deflate, br, zstd"


@dataclass(frozen=True)
class Told:
    """One round: the median answer after a change, and what it took to say that there was none."""

    kilobytes: float  # of 1,000 bytes, as sent to a browser
    changed_ms: float  # of CPU, of the server's processes
    unchanged_ms: float
    bare_ms: float  # of CPU, of a server that answers with the same bytes and nothing else


class Stadium:
    """The showtime, about half of it sold to people who wanted ten seats each."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._showtime = asyncio.run(_build(site))
        self._path = f"/api/v1/showtimes/{self._showtime}/availability"
        self._orders = itertools.count()
        self._words = itertools.count()
        self._tokens = site.tokens.read_text().split()
        bodies = site.folder / "stadium.jsonl"
        _write_orders(bodies, self._showtime)
        wrk.run(site.address(BOOKINGS_PATH), _SELLING_SECONDS, Orders(site.tokens, bodies))

    def availability(self) -> bytes:
        """The body of its availability."""
        status, body = stage.ask(self._site.port, self._path)
        if status != 200:
            raise BenchError(f"the availability was answered with {status}")
        return body

    def measure(self, bare: Bare) -> Told:
        """Change one seat after another, and ask each time as a browser does."""
        sizes: list[int] = []
        changed: list[float] = []
        unchanged: list[float] = []
        limits: list[float] = []
        for _ in range(_CHANGES):
            self._sell_one()
            self._keep_busy(self._site, bare)
            cost, answer = _cost(self._site, self._path, 200)
            changed.append(cost)
            sizes.append(len(answer.body))
            unchanged.append(_cost(self._site, self._path, 304, answer.etag)[0])
            limits.append(_cost(bare, EVENTS_PATH, 200)[0])
        return Told(median(sizes) / 1_000, median(changed), median(unchanged), median(limits))

    def _keep_busy(self, *servers: Site | Bare) -> None:
        """Ask for other things until the availability is made anew.

        Of a large map an answer may be so old; asked earlier, it would be the old one. And a server
        that sells is never as cold as one that has just slept.
        """
        until = time.monotonic() + STALE_SECONDS + 0.01
        while time.monotonic() < until:
            for server in servers:
                stage.ask(server.port, f"{EVENTS_PATH}?q=nothing{next(self._words)}")

    def _sell_one(self) -> None:
        number = next(self._orders)
        row, seat = divmod(number, SEATS_PER_ROW)
        # From the back, where nobody has bought yet.
        label = f"{templates.row_label(ROWS - 1 - row)}-{seat + 1}"
        body = msgspec.json.encode({"showtimeId": self._showtime, "seats": [label]})
        headers = {
            "Content-Type": "application/json",
            "Authorization": f"Bearer {self._tokens[number % len(self._tokens)]}",
        }
        connection = http.client.HTTPConnection(stage.HOST, self._site.port, timeout=30)
        try:
            connection.request("POST", BOOKINGS_PATH, body, headers)
            answer = connection.getresponse()
            answer.read()
        finally:
            connection.close()
        if answer.status != 201:
            raise BenchError(f"a seat of the stadium was answered with {answer.status}")


async def _build(site: Site) -> UUID:
    database = Database(site.url, pool_size=2)
    maps, organizer = SeatMaps(database), site.house.organizer
    try:
        venue_id = await venues.create_venue(
            database, organizer, name="Stadium", city="Bern", country="CH", timezone="Europe/Zurich"
        )
        hall_id = await venues.create_hall(database, organizer, venue_id, "All of it")
        layout = templates.grid(ROWS, SEATS_PER_ROW)
        await seat_maps.put_seat_map(database, organizer, hall_id, layout)
        final = EventDraft(
            title="The Final",
            currency="USD",
            categories=(CategoryDraft("Seat", 9_000, sections=("Main",)),),
            venue_id=venue_id,
            hall_id=hall_id,
            starts_at=datetime.now(UTC) + timedelta(days=30),
            policy=Policy(hold_seconds=86_400, max_per_booking=_SEATS_AT_ONCE),
            publish=True,
        )
        event_id = await creating.create_event(database, maps, organizer, final)
        async with database.read_raw() as connection:
            found: UUID = await connection.fetchval(
                "SELECT id FROM showtimes WHERE event_id = $1", event_id
            )
            return found
    finally:
        await database.close()


def _write_orders(file: Path, showtime_id: UUID) -> None:
    """Every second ten of the front half's seats, so that what is free is scattered as in life."""
    with file.open("wb") as output:
        for row, first in itertools.product(range(ROWS - 20), range(1, SEATS_PER_ROW, 20)):
            label = templates.row_label(row)
            seats = [
                f"{label}-{first + (row * 7 + offset) % 20}" for offset in range(_SEATS_AT_ONCE)
            ]
            order = {"showtimeId": showtime_id, "seats": seats}
            output.write(msgspec.json.encode(order) + b"\n")


class _Answer(NamedTuple):
    status: int
    etag: str
    body: bytes


def _cost(
    server: Site | Bare, path: str, status: int, etag: str | None = None
) -> tuple[float, _Answer]:
    """What it costs the server to answer a browser. Raises BenchError for another status."""
    before = _cpu_ms(server.process.pid)
    answer = _ask(server.port, path, etag)
    cost = _cpu_ms(server.process.pid) - before
    if answer.status != status:
        raise BenchError(f"{path} was answered with {answer.status} instead of {status}")
    return cost, answer


def _ask(port: int, path: str, etag: str | None) -> _Answer:
    connection = http.client.HTTPConnection(stage.HOST, port, timeout=30)
    headers = {"Accept-Encoding": _WHAT_BROWSERS_TAKE}
    if etag is not None:
        headers["If-None-Match"] = etag
    try:
        connection.request("GET", path, None, headers)
        answer = connection.getresponse()
        return _Answer(answer.status, answer.headers.get("ETag", ""), answer.read())
    finally:
        connection.close()


def _cpu_ms(pid: int) -> float:
    """CPU time of a process and those below it, since they began."""
    total = 0
    for process in _family(pid):
        for task in Path(f"/proc/{process}/task").glob("*/schedstat"):
            try:
                total += int(task.read_text().split()[0])
            except OSError:
                continue
    return total / 1e6


def _family(pid: int) -> list[int]:
    found = [pid]
    for children in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in children.read_text().split():
            found += _family(int(child))
    return found
