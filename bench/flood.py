"""Public reads while strangers try passwords: one run of reads, without the flood or beside it."""

import random
import time

import msgspec

from bench import data, stage, wrk
from bench.errors import BenchError
from bench.measure import WARM_UP_SECONDS, listing
from bench.site import EVENTS_PATH, LOGIN_PATH, Site
from bench.wrk import Load, Visits

READERS = 64
_READER_PAUSE_MS = 200
STRANGERS = 256
_STRANGER_PAUSE_MS = 500
# As many addresses: from one, or for one account, further attempts are soon refused unheard.
_ATTEMPTS = 20_000
# More than are asked for before what was kept of the first is forgotten.
_SEARCHES = 10_000
_PATIENCE_SECONDS = 60
_AGAIN_SECONDS = 0.5
# Enough of them must be hashed, and more than can be, or it was no flood.
_SIGNED_IN, _WRONG, _OVERLOADED = 200, 401, 503


class Outcome(msgspec.Struct, frozen=True):
    """What the readers saw, and what became of the logins if there were any."""

    reads: Load
    logins: Load | None = None


class Visitors:
    """Readers and strangers of a site.

    Half of the reads are the list of events and a quarter single events, which are kept; a quarter
    are searches, each for something else and so put together from the database. A quarter of the
    logins has the right password, a quarter a wrong one for a user, and half an address that nobody
    has; each comes from an address of its own.
    """

    def __init__(self, site: Site) -> None:
        self._site = site
        self._reads = Visits(site.folder / "reads.txt", READERS, _READER_PAUSE_MS)
        self._logins = Visits(site.folder / "logins.txt", STRANGERS, _STRANGER_PAUSE_MS)
        events = [item["id"] for item in msgspec.json.decode(listing(site))["items"]]
        lines = []
        for number in range(_SEARCHES):
            event = events[number % len(events)]
            paths = ("", f"/{event}", "", f"?q=evening+{number}")
            lines += [_line("GET", EVENTS_PATH + path) for path in paths]
        self._reads.requests.write_text("".join(lines))
        attempts = random.Random(1)
        self._logins.requests.write_text(
            "".join(_attempt(attempts, number) for number in range(_ATTEMPTS))
        )

    def quiet(self, seconds: int) -> Outcome:
        """Reads alone."""
        return Outcome(self._read(seconds))

    def flooded(self, seconds: int) -> Outcome:
        """Reads beside the flood, from when the queue for hashing is full until it is empty."""
        address = self._site.address(LOGIN_PATH)
        flood_seconds = 3 * WARM_UP_SECONDS + seconds
        with wrk.beside(address, flood_seconds, self._logins) as finish:
            time.sleep(WARM_UP_SECONDS)
            reads = self._read(seconds)
            logins = finish()
        self._logins = _after(self._logins, logins)
        self._settle()
        missing = {_SIGNED_IN, _WRONG, _OVERLOADED} - logins.statuses.keys()
        strange = logins.statuses.keys() - {_SIGNED_IN, _WRONG, _OVERLOADED}
        if missing or strange:
            raise BenchError(f"this was no flood of logins: {logins.statuses}")
        return Outcome(reads, logins)

    def _read(self, seconds: int) -> Load:
        address = self._site.address(EVENTS_PATH)
        for duration in (WARM_UP_SECONDS, seconds):
            load = wrk.run(address, duration, self._reads)
            # What was searched for is kept from then on: nothing is searched for twice.
            self._reads = _after(self._reads, load)
        if load.errors:
            raise BenchError(f"reads were answered with errors: {load.statuses}")
        return load

    def _settle(self) -> None:
        """Wait until nobody's password waits to be hashed any more."""
        deadline = time.monotonic() + _PATIENCE_SECONDS
        # Who waits is served in turn, so whoever gets in was the last.
        body = data.login_of(0, right=True)
        while stage.ask(self._site.port, LOGIN_PATH, body)[0] != _SIGNED_IN:
            if time.monotonic() > deadline:
                raise BenchError(f"nobody could sign in {_PATIENCE_SECONDS} s after the flood")
            time.sleep(_AGAIN_SECONDS)


def told(logins: Load) -> str:
    """What became of the logins, in one line."""
    shares = ", ".join(
        f"{count / logins.seconds:,.1f}/s {status}"
        for status, count in sorted(logins.statuses.items())
    )
    return f"{shares}; p50 {logins.p50_ms:,.0f} ms, slowest {logins.max_ms:,.0f} ms"


def _after(visits: Visits, load: Load) -> Visits:
    """The same visits, from the first request that was surely not made yet."""
    return msgspec.structs.replace(visits, skip=visits.skip + load.answers + visits.connections)


def _attempt(chance: random.Random, number: int) -> str:
    kind = chance.randrange(4)
    buyer = chance.randrange(data.BUYERS)
    body = data.login_of(buyer if kind < 2 else data.BUYERS + buyer, right=kind == 0)
    # 198.18.0.0/15 is set aside for benchmarks (RFC 2544).
    address = f"198.18.{number // 256}.{number % 256}"
    return _line("POST", LOGIN_PATH, address, body.decode())


def _line(method: str, path: str, address: str = stage.HOST, body: str = "") -> str:
    return "\t".join([method, path, address, body]) + "\n"
