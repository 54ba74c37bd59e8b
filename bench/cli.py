"""The command line: what to measure, and what its outcome means."""

import argparse
import os
import platform
import signal
import subprocess
import sys
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

import bench
from bench import rounds, wrk
from bench.errors import BenchError, ToolMissing
from bench.profile import PROFILED, profile
from bench.rounds import Rounds
from bench.rows import table
from bench.stage import postgres_version, temporary_folder
from fullhouse.kit.embedded import EmbeddedPostgresError

KEPT, MISSED, UNUSABLE, INTERRUPTED = 0, 1, 2, 130
_SECONDS = 8
_PROFILE_SECONDS = 10


def main() -> int:
    """Measure and print; the exit code.

    0 when every budget is kept, 1 when one is missed or a check fails, 2 when something that is
    needed is not there, 130 after Ctrl-C.
    """
    options = _options()
    # So that the processes of the bench end with it, however it is ended.
    signal.signal(signal.SIGTERM, lambda number, _frame: sys.exit(128 + number))
    try:
        return _run(options)
    except ToolMissing as error:
        return _fail(error, UNUSABLE)
    except (BenchError, EmbeddedPostgresError) as error:
        return _fail(error, MISSED)
    except subprocess.TimeoutExpired as error:
        return _fail(f"{Path(error.cmd[0]).name} did not end in time", MISSED)
    except KeyboardInterrupt:
        return _fail("interrupted; everything is stopped", INTERRUPTED)


def _run(options: argparse.Namespace) -> int:
    wanted = set(options.rows)
    if wanted & rounds.ON_SITE:
        wrk.require_wrk()
    with temporary_folder() as folder:
        if options.profile:
            for row in sorted(wanted):
                place = folder / f"row-{row}"
                place.mkdir()
                profile(row, place, options.seconds or _PROFILE_SECONDS, _say)
            return KEPT
        _say(_machine())
        measured = Rounds(wanted, options.seconds or _SECONDS, _say)
        measured.run(folder, options.rounds)
    text = "\n".join([_machine(), f"Command: {_command(options)}", "", table(measured.rows)])
    print(f"\n{text}")
    if options.out is not None:
        options.out.write_text(f"{text}\n")
    return KEPT if all(row.passed for row in measured.rows) else MISSED


def _options(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description=bench.__doc__)
    parser.add_argument(
        "--rows", type=_row_numbers, help=f"such as 1,4  [all: {_listed(rounds.ALL)}]"
    )
    parser.add_argument("--seconds", type=_positive, help="of each run  [8; with --profile 10]")
    parser.add_argument("--rounds", type=_positive, default=3, help="of everything  [3]")
    parser.add_argument("--out", type=Path, metavar="FILE", help="write the table there, too")
    parser.add_argument(
        "--profile",
        action="store_true",
        help=f"instead: run rows under py-spy, once  [1; can be {_listed(PROFILED)}]",
    )
    options = parser.parse_args(arguments)
    if options.rows is None:
        options.rows = [1] if options.profile else list(rounds.ALL)
    if options.profile and not set(options.rows) <= set(PROFILED):
        parser.error(f"--profile: only rows {_listed(PROFILED)} can be profiled")
    return options


def _row_numbers(text: str) -> list[int]:
    try:
        rows = [int(part) for part in text.split(",")]
    except ValueError:
        rows = []
    if not rows or not set(rows) <= set(rounds.ALL):
        raise argparse.ArgumentTypeError(f"must be some of {_listed(rounds.ALL)}")
    return rows


def _positive(text: str) -> int:
    if not text.isdigit() or not 1 <= int(text) <= 600:
        raise argparse.ArgumentTypeError("must be a number from 1 to 600")
    return int(text)


def _machine() -> str:
    """The machine in general words."""
    return (
        f"Machine: {os.cpu_count()} cores, {platform.system()} on {platform.machine()}, "
        f"Python {platform.python_version()}, granian {version('granian')}, "
        f"PostgreSQL {postgres_version()}"
    )


def _command(options: argparse.Namespace) -> str:
    """What prints the same table again; where it was written to is nobody's business."""
    seconds = options.seconds or _SECONDS
    rows = _listed(options.rows)
    return f"python -m bench --rows {rows} --seconds {seconds} --rounds {options.rounds}"


def _listed(numbers: Sequence[int]) -> str:
    return ",".join(map(str, numbers))


def _say(line: str) -> None:
    print(line, flush=True)


def _fail(error: object, code: int) -> int:
    print(f"bench: {error}", file=sys.stderr)
    return code
