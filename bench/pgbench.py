"""The limit of selling: PostgreSQL by itself, one transaction for each booking."""

import re
import subprocess
from pathlib import Path
from uuid import UUID

from bench.data import BUYERS
from bench.errors import BenchError
from bench.stage import environment, postgres_version
from fullhouse.kit.embedded import EmbeddedPostgres

CLIENTS = 32
_THREADS = 2
_SCRIPT = Path(__file__).with_name("limit.sql")


class Limit:
    """What one run of pgbench did."""

    def __init__(self, output: str) -> None:
        self.rate = float(_find(r"tps = ([0-9.]+)", output))
        self.transactions = int(_find(r"transactions actually processed: (\d+)", output))


def run(
    postgres: EmbeddedPostgres, folder: Path, showtime_id: UUID, category_id: UUID, seconds: int
) -> Limit:
    """Book counted places of one showtime for that long. Raises BenchError when one fails."""
    new_id = "uuidv7()" if int(postgres_version().partition(".")[0]) >= 18 else "gen_random_uuid()"
    script = _SCRIPT.read_text()
    for name, value in {
        "uuid": new_id,
        "showtime": str(showtime_id),
        "category": str(category_id),
        "last_buyer": str(BUYERS - 1),
    }.items():
        script = script.replace(f"{{{name}}}", value)
    file = folder / "limit.sql"
    file.write_text(script)
    answer = subprocess.run(
        [
            postgres.binary("pgbench"),
            "--no-vacuum",
            f"--client={CLIENTS}",
            f"--jobs={_THREADS}",
            "--protocol=prepared",
            f"--time={seconds}",
            f"--file={file}",
            postgres.dsn(),
        ],
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
        timeout=seconds + 60,
    )
    if answer.returncode != 0 or not re.search(r"failed transactions: 0 ", answer.stdout):
        raise BenchError(f"pgbench failed: {answer.stderr.strip()[-500:]}")
    return Limit(answer.stdout)


def _find(pattern: str, text: str) -> str:
    found = re.search(pattern, text)
    if found is None:
        raise BenchError(f"pgbench's answer is not understood: {text[:200]!r}")
    return found[1]
