"""Where the server's time goes: py-spy's samples of whoever holds the interpreter's lock."""

import re
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from bench import measure, wrk
from bench.errors import BenchError, ToolMissing
from bench.site import BOOKINGS_PATH, EVENTS_PATH, Site, running_site
from bench.wrk import Load

PROFILED = (1, 2, 3)
_SAMPLES_PER_SECOND = 250
_SHOWN = 25
_LEAST_SHARE = 0.01
_STEM_SHARE = 0.8
_FRAME = re.compile(r".+ \(.+:\d+\)")
# The server's threads outside of Python, while they hold the lock to hand something over.
_NO_FRAME = "(native code, called by no Python)"

# A stack, or the beginning of one.
Stack = tuple[str, ...]


def profile(row: int, folder: Path, seconds: int, say: Callable[[str], None]) -> None:
    """Run the load of a row once under py-spy and tell where the time went."""
    spy = _require_py_spy()
    with running_site(folder) as site:
        load = _load_of(row, site, seconds)
        load(measure.WARM_UP_SECONDS)
        raw = folder / "samples.txt"
        command = [
            spy,
            "record",
            f"--pid={site.process.pid}",
            "--subprocesses",
            "--gil",
            "--function",
            "--format=raw",
            f"--rate={_SAMPLES_PER_SECOND}",
            f"--duration={seconds}",
            f"--output={raw}",
        ]
        recorder = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        try:
            # Longer than the recording, which takes a moment to begin.
            measured = load(seconds + 2)
            output, _ = recorder.communicate(timeout=60)
        finally:
            recorder.kill()
            recorder.wait()
        if recorder.returncode != 0 or not raw.exists():
            raise BenchError(f"py-spy failed: {output.decode(errors='replace').strip()[-500:]}")
        say(f"Row {row} while it was watched: {measured.rate:,.0f}/s")
        say(summary(raw.read_text()))


def summary(raw: str) -> str:
    """Which functions held the lock: by themselves, then as a tree of who called whom.

    ``raw`` has a line for each stack: its frames from the outermost, then how often it was seen.
    """
    own: Counter[str] = Counter()
    within: Counter[Stack] = Counter()
    for line in raw.splitlines():
        stack, _, count = line.rpartition(" ")
        # Among them is the process's command line, in pieces.
        frames = tuple(frame for frame in stack.split(";") if _FRAME.fullmatch(frame))
        frames = frames or (_NO_FRAME,)
        own[frames[-1]] += int(count)
        for depth in range(1, len(frames) + 1):
            within[frames[:depth]] += int(count)
    total = own.total()
    if not total:
        return "No sample: nobody held the lock."
    lines = ["", f"Share of {total:,} samples, the functions by themselves:"]
    lines += [f"  {count / total:6.1%}  {name}" for name, count in own.most_common(_SHOWN)]
    lines += ["", f"With all that they call, from {_LEAST_SHARE:.1%} on:"]
    lines += _tree(within, (), total, 0)
    return "\n".join(lines)


def _tree(within: "Counter[Stack]", above: Stack, total: int, indent: int) -> list[str]:
    """The lines of what ``above`` called, the most frequent first."""
    below = {path: count for path, count in within.items() if path[:-1] == above}
    shown = [item for item in below.items() if item[1] >= total * _LEAST_SHARE]
    lines = []
    for path, count in sorted(shown, key=lambda item: -item[1]):
        # The stem of the tree, from the process's start to the event loop, tells nothing.
        stem = count > total * _STEM_SHARE
        if not stem:
            lines.append(f"  {count / total:6.1%}  {'  ' * indent}{path[-1]}")
        lines += _tree(within, path, total, indent if stem else indent + 1)
    return lines


def _load_of(row: int, site: Site, seconds: int) -> Callable[[int], Load]:
    if row == 3:
        return lambda duration: wrk.run(site.address(EVENTS_PATH), duration)
    sale = measure.counted_sale(site) if row == 1 else measure.seat_sale(site, seconds + 2)
    asked = [0]

    def load(duration: int) -> Load:
        orders = wrk.Orders(sale.orders.tokens, sale.orders.bodies, asked[0])
        done = wrk.run(site.address(BOOKINGS_PATH), duration, orders)
        asked[0] += done.answers + wrk.CONNECTIONS
        return done

    return load


def _require_py_spy() -> str:
    beside = Path(sys.executable).with_name("py-spy")
    found = str(beside) if beside.is_file() else shutil.which("py-spy")
    if found is None:
        raise ToolMissing("py-spy is not installed: pip install py-spy")
    return found
