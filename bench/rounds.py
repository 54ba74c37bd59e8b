"""Runs everything, round by round: each figure right beside the limit that it is compared with."""

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path

from bench import changes, flood, measure, search
from bench.flood import Visitors
from bench.noise import Watch
from bench.rows import Row
from bench.search import Library
from bench.site import EVENTS_PATH, Bare, Site, bare_server, running_site
from bench.stadium import SEATS, Stadium
from bench.wrk import CONNECTIONS, Load, Reads

ALL = (1, 2, 3, 4, 5, 6, 8, 9, 10)
# Which need the server that sells, and wrk; the others start their own server.
ON_SITE = {1, 2, 3, 4, 5, 9, 10}

Say = Callable[[str], None]


class Rounds:
    """The rows that are asked for, filled by ``run``.

    Args:
        wanted: numbers of rows.
        seconds: how long each run of a load lasts, without its warm-up.
        say: hears what is going on, a line at a time.
    """

    def __init__(self, wanted: set[int], seconds: int, say: Say) -> None:
        self._seconds = seconds
        self._say = say
        self._rows = {key: row for key, row in _rows().items() if _number(key) in wanted}

    @property
    def rows(self) -> list[Row]:
        """The rows so far, in the order of their numbers."""
        return list(self._rows.values())

    def run(self, folder: Path, count: int) -> None:
        """Measure ``count`` times. Raises BenchError."""
        with contextlib.ExitStack() as stack:
            site = bare = bare_seats = visitors = stadium = libraries = None
            if any(_number(key) in ON_SITE for key in self._rows):
                site = stack.enter_context(running_site(folder))
            if site is not None and "3" in self._rows:
                bare = stack.enter_context(bare_server(folder, "events", measure.listing(site)))
            if site is not None and "5" in self._rows:
                stadium = Stadium(site)
                body = stadium.availability()
                bare_seats = stack.enter_context(bare_server(folder, "availability", body))
            if site is not None and "9" in self._rows:
                visitors = Visitors(site)
            if "6" in self._rows:
                libraries = stack.enter_context(search.libraries(folder))
            for number in range(1, count + 1):
                self._say(f"Round {number} of {count}")
                # Whoever comes second finds the machine warmer and the tables larger.
                swap = number % 2 == 0
                if site is not None:
                    self._sales(site, swap)
                if site is not None and bare is not None:
                    self._reads(site, bare, swap)
                if site is not None and "10" in self._rows:
                    self._changes(site)
                if stadium is not None and bare_seats is not None:
                    self._tell_seats(stadium, bare_seats)
                if libraries is not None:
                    self._searches(*libraries, swap)
                if visitors is not None:
                    self._flood(visitors, swap)
                if "8" in self._rows:
                    self._starts(folder / f"start-{number}")

    def _sales(self, site: Site, swap: bool) -> None:
        hot, p99, spread = (self._rows.get(key) for key in ("1", "4", "2"))
        if hot is not None or p99 is not None:
            sale = measure.counted_sale(site)
            limit, load = self._pair(
                "one transaction per booking",
                lambda: measure.sell_by_pgbench(site, self._seconds),
                "counted places of one showtime",
                lambda: measure.sell(site, sale, self._seconds),
                swap,
            )
            _add(hot, limit, load)
            if p99 is not None:
                p99.ours.append(load.p99_ms)
                _add_latency(p99, load)
        if spread is not None:
            sale = measure.seat_sale(site, self._seconds)
            limit, load = self._pair(
                "one transaction per booking",
                lambda: measure.sell_by_pgbench(site, self._seconds),
                f"chosen seats of {len(sale.showtimes):,} showtimes",
                lambda: measure.sell(site, sale, self._seconds),
                swap,
            )
            self._say(f"    {load.accepted / load.answers:.2%} of the answers were 201")
            _add(spread, limit, load)

    def _reads(self, site: Site, bare: Bare, swap: bool) -> None:
        limit, load = self._pair(
            "bare route",
            lambda: measure.read(bare.address, self._seconds).rate,
            "cached list of events",
            lambda: measure.read(site.address(EVENTS_PATH), self._seconds),
            swap,
        )
        _add(self._rows["3"], limit, load)
        tokens = Reads(site.tokens)
        limit, load = self._pair(
            "bare route",
            lambda: measure.read(bare.address, self._seconds).rate,
            "the same for buyers who are signed in",
            lambda: measure.read(site.address(EVENTS_PATH), self._seconds, tokens),
            swap,
        )
        _add(self._rows["3b"], limit, load)

    def _changes(self, site: Site) -> None:
        with self._watched(f"{changes.CHANGES} changes by another process") as tell:
            longest = changes.longest_ms(site)
            tell(f"seen in kept answers after {longest:.1f} ms at most")
        self._rows["10"].ours.append(longest)

    def _tell_seats(self, stadium: Stadium, bare: Bare) -> None:
        with self._watched(f"availability of {SEATS:,} seats") as tell:
            told = stadium.measure(bare)
            tell(
                f"{told.changed_ms:.2f} ms of CPU when changed, {told.unchanged_ms:.2f} ms when not"
                f"; bare route with the same bytes {told.bare_ms:.2f} ms"
            )
        self._rows["5"].ours.append(told.changed_ms)
        self._rows["5"].limits.append(told.bare_ms)
        self._rows["5b"].ours.append(told.kilobytes)

    def _searches(self, few: Library, many: Library, swap: bool) -> None:
        limit, load = self._pair(
            f"searches of {search.FEW:,} events",
            lambda: few.search(self._seconds).rate,
            f"searches of {search.MANY:,} events",
            lambda: many.search(self._seconds),
            swap,
        )
        _add(self._rows["6"], limit, load)

    def _flood(self, visitors: Visitors, swap: bool) -> None:
        row = self._rows["9"]
        runs = [
            ("limit: reads without a flood", row.limits, visitors.quiet),
            ("ours: reads beside a flood of logins", row.ours, visitors.flooded),
        ]
        for name, figures, run in reversed(runs) if swap else runs:
            with self._watched(name) as tell:
                outcome = run(self._seconds)
                tell(_told(outcome.reads))
            figures.append(outcome.reads.p99_ms)
            if outcome.logins is not None:
                _add_latency(row, outcome.reads)
                self._say(f"    logins: {flood.told(outcome.logins)}")

    def _starts(self, folder: Path) -> None:
        for key, name in (("8", "first start"), ("8b", "second start")):
            with self._watched(name) as tell:
                seconds = measure.start(folder)
                tell(f"{seconds:.2f} s")
            self._rows[key].ours.append(seconds)

    def _pair(
        self,
        limit_name: str,
        run_limit: Callable[[], float],
        name: str,
        run_ours: Callable[[], Load],
        swap: bool,
    ) -> tuple[float, Load]:
        """The limit and ours, right after each other; ``swap`` for ours first."""
        if swap:
            load = self._ours(name, run_ours)
            return self._limit(limit_name, run_limit), load
        limit = self._limit(limit_name, run_limit)
        return limit, self._ours(name, run_ours)

    def _limit(self, name: str, run: Callable[[], float]) -> float:
        with self._watched(f"limit: {name}") as tell:
            rate = run()
            tell(f"{rate:,.0f}/s")
        return rate

    def _ours(self, name: str, run: Callable[[], Load]) -> Load:
        with self._watched(f"ours: {name}") as tell:
            load = run()
            tell(_told(load))
        return load

    @contextlib.contextmanager
    def _watched(self, name: str) -> Iterator[Callable[[str], None]]:
        """Tell the outcome of a run, with what others took of the machine meanwhile."""
        outcomes: list[str] = []
        watch = Watch()
        yield outcomes.append
        noise = watch.noise()
        tail = "" if noise is None else f"  [{noise}]"
        self._say(f"  {name}: {'; '.join(outcomes)}{tail}")


def _rows() -> dict[str, Row]:
    clients = f"{CONNECTIONS} connections"
    return {
        "1": Row("1", f"reservations of one hot counted showtime, {clients}", "/s", at_least=2.0),
        "2": Row("2", f"reservations of chosen seats, many showtimes, {clients}", "/s", 1.5),
        "3": Row("3", f"cached list of events, {clients}", "/s", at_least=0.6),
        "3b": Row("3b", "the same for buyers who are signed in", "/s", at_least=0.4),
        "4": Row("4", "p99 of a reservation under the load of row 1", "ms", at_most=100),
        "5": Row("5", f"availability of {SEATS:,} seats, changed: CPU", "ms", at_most_times=5.0),
        "5b": Row("5b", "the same: what is sent to a browser", "kB", at_most=20.0),
        "6": Row("6", f"searches of {search.MANY:,} events", "/s", at_least=0.25),
        "8": Row("8", "first start of the demo, to ready", "s", at_most=5),
        "8b": Row("8b", "second start on the same folder", "s", at_most=5),
        "9": Row("9", "p99 of public reads beside a flood of logins", "ms", at_most_times=2.0),
        "10": Row("10", "a change by another process, until it is seen", "ms", at_most=200),
    }


def _number(key: str) -> int:
    """The number of a row: 3 of 3b."""
    return int(key.rstrip("b"))


def _told(load: Load) -> str:
    return f"{load.rate:,.0f}/s, p50 {load.p50_ms:.1f} ms, p99 {load.p99_ms:.1f} ms"


def _add(row: Row | None, limit: float, load: Load) -> None:
    if row is not None:
        row.limits.append(limit)
        row.ours.append(load.rate)
        _add_latency(row, load)


def _add_latency(row: Row, load: Load) -> None:
    row.p50_ms.append(load.p50_ms)
    row.p99_ms.append(load.p99_ms)
