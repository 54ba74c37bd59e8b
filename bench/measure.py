"""One run of each thing that is measured: warm up, measure, check."""

import asyncio
import time
from math import ceil
from pathlib import Path
from uuid import UUID

import msgspec

from bench import data, pgbench, stage, wrk
from bench.errors import BenchError
from bench.site import BOOKINGS_PATH, EVENTS_PATH, Site
from bench.wrk import Load, Orders, Reads

WARM_UP_SECONDS = 2
FEWEST_SHOWTIMES = 500
# Seats for as many orders a second are laid out; whoever sells faster is told so.
_FASTEST_SEAT_RATE = 10_000
_FEWEST_ACCEPTED = 0.99


class Sale(msgspec.Struct, frozen=True):
    """Showtimes of the site that are asked for, and the file with the orders."""

    showtimes: list[UUID]
    orders: Orders


def counted_sale(site: Site) -> Sale:
    """Everybody wants one place at the same new showtime."""
    showtimes = asyncio.run(data.add_showtimes(site.url, site.house, site.house.counted_event, 1))
    bodies = site.folder / "counted.jsonl"
    data.write_counted_order(bodies, site.house, showtimes[0])
    return Sale(showtimes, Orders(site.tokens, bodies))


def seat_sale(site: Site, seconds: int) -> Sale:
    """Everybody wants seats of their own, at many new showtimes."""
    orders = _FASTEST_SEAT_RATE * (seconds + WARM_UP_SECONDS)
    count = max(FEWEST_SHOWTIMES, ceil(orders / data.orders_for_hall()))
    showtimes = asyncio.run(
        data.add_showtimes(site.url, site.house, site.house.seated_event, count)
    )
    bodies = site.folder / "seats.jsonl"
    data.write_seat_orders(bodies, showtimes)
    return Sale(showtimes, Orders(site.tokens, bodies))


def sell(site: Site, sale: Sale, seconds: int) -> Load:
    """Reserve for that long. Raises BenchError when bookings are refused, missing or too many."""
    address = site.address(BOOKINGS_PATH)
    warm = wrk.run(address, WARM_UP_SECONDS, sale.orders)
    # The connections of the warm-up may have asked for one thing more each.
    begun = msgspec.structs.replace(sale.orders, skip=warm.answers + wrk.CONNECTIONS)
    load = wrk.run(address, seconds, begun)
    asyncio.run(
        data.check_sold(
            site.url, sale.showtimes, warm.accepted + load.accepted, 2 * wrk.CONNECTIONS
        )
    )
    if load.accepted < load.answers * _FEWEST_ACCEPTED:
        raise BenchError(
            f"{load.errors} of {load.answers} reservations were refused: too few to call it selling"
        )
    return load


def sell_by_pgbench(site: Site, seconds: int) -> float:
    """Bookings a second of PostgreSQL alone, at a new showtime beside those of the server."""
    house = site.house
    showtimes = asyncio.run(data.add_showtimes(site.url, house, house.counted_event, 1))
    runs = [
        pgbench.run(site.postgres, site.folder, showtimes[0], house.counted_category, duration)
        for duration in (WARM_UP_SECONDS, seconds)
    ]
    booked = sum(run.transactions for run in runs)
    asyncio.run(data.check_sold(site.url, showtimes, booked, 0))
    return runs[-1].rate


def read(address: str, seconds: int, readers: Reads | None = None) -> Load:
    """Ask for the same again and again. Raises BenchError unless all is answered well."""
    wrk.run(address, WARM_UP_SECONDS, readers)
    load = wrk.run(address, seconds, readers)
    if load.errors:
        raise BenchError(f"{load.errors} of {load.answers} reads were answered with an error")
    return load


def listing(site: Site) -> bytes:
    """The body of the list of events."""
    status, body = stage.ask(site.port, EVENTS_PATH)
    if status != 200 or len(msgspec.json.decode(body)["items"]) != data.LISTED_EVENTS:
        raise BenchError(f"{EVENTS_PATH} answers {status} and not {data.LISTED_EVENTS} events")
    return body


def start(folder: Path) -> float:
    """Seconds from the command to the first good answer of ``fullhouse serve --demo``."""
    log, port = folder.with_suffix(".log"), stage.free_port()
    arguments = ["serve", "--demo", "--port", str(port), "--data-dir", str(folder)]
    begun = time.perf_counter()
    with stage.python("fullhouse", arguments, stage.environment(), log) as process:
        stage.wait_until_ready(process, port, "/health/ready", log)
        return time.perf_counter() - begun
