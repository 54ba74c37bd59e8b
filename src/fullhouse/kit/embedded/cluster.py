"""The cluster folder: what is there, and making a new one."""

import os
import re
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

from fullhouse.kit.embedded.accounts import Account, account_name, give
from fullhouse.kit.embedded.binaries import Binaries
from fullhouse.kit.embedded.errors import EmbeddedPostgresError
from fullhouse.kit.embedded.tools import LOCALE, run_tool

UNFINISHED = ".postgres.new."


@dataclass(frozen=True)
class Cluster:
    """An existing cluster: the major version that made it, and its owner."""

    major: int
    uid: int
    gid: int


def inspect_cluster(folder: Path) -> Cluster | None:
    """Return what is in ``folder``, or None when it is missing or empty.

    Raises EmbeddedPostgresError when it holds something else than a cluster, or when
    we may not look.
    """
    try:
        names = [entry.name for entry in folder.iterdir()]
        if not names:
            return None
        if "PG_VERSION" not in names:
            raise EmbeddedPostgresError(
                f"{folder} is not empty and is not a PostgreSQL data folder (it has no "
                "PG_VERSION): move its content away, or choose another --data-dir"
            )
        version = (folder / "PG_VERSION").read_text("ascii", "replace").strip()
        status = folder.stat()
    except FileNotFoundError:
        return None
    except NotADirectoryError as error:
        raise EmbeddedPostgresError(
            f"{folder} is not a folder: move it away, or choose another --data-dir"
        ) from error
    except PermissionError as error:
        raise EmbeddedPostgresError(
            f"{folder} cannot be read by the account {account_name(os.geteuid())!r}: use the "
            "account that made it, or root, or choose another --data-dir"
        ) from error
    if not re.fullmatch(r"\d+", version):
        raise EmbeddedPostgresError(
            f"{folder}/PG_VERSION holds {version!r} instead of a version number: restore "
            "the folder from a backup, or choose another --data-dir"
        )
    return Cluster(int(version), status.st_uid, status.st_gid)


def check_version(folder: Path, cluster: Cluster, binaries: Binaries) -> None:
    """Raise EmbeddedPostgresError unless ``binaries`` can open ``cluster``."""
    if cluster.major != binaries.major:
        raise EmbeddedPostgresError(
            f"{folder} was made by PostgreSQL {cluster.major}, but the one here is PostgreSQL "
            f"{binaries.major}: dump it with version {cluster.major} (pg_dumpall) and restore "
            "it into a new folder, or choose another --data-dir"
        )


def remove_unfinished(folder: Path) -> None:
    """Remove what interrupted attempts left beside ``folder``.

    The caller holds the lock on the data folder, so none of them is being made.
    """
    for old in folder.parent.glob(f"{UNFINISHED}*"):
        # Not all may go: an initdb whose owner was killed can still be writing, and then
        # ends by itself. The next start takes the rest.
        shutil.rmtree(old, ignore_errors=True)


def create_cluster(
    folder: Path, binaries: Binaries, account: Account, durable: bool, timeout_seconds: float
) -> None:
    """Make a new cluster that appears under its name only when it is complete.

    A crash in the middle leaves an unfinished sibling for remove_unfinished().
    ``durable=False`` does not wait for the disk. Raises EmbeddedPostgresError with what
    initdb said.
    """
    unfinished = Path(tempfile.mkdtemp(prefix=UNFINISHED, dir=folder.parent))
    try:
        give(unfinished, account)
        command = _initdb_command(unfinished, binaries, durable)
        answer = run_tool(command, account, timeout_seconds)
        if answer.returncode != 0:
            raise EmbeddedPostgresError(
                f"PostgreSQL could not make a new data folder in {folder.parent}: "
                + (answer.stderr.strip() or f"initdb ended with code {answer.returncode}")
            )
        unfinished.rename(folder)
    except BaseException:
        shutil.rmtree(unfinished, ignore_errors=True)
        raise
    if durable:
        _sync_folder(folder.parent)


def _initdb_command(folder: Path, binaries: Binaries, durable: bool) -> list[str | Path]:
    # trust: whoever can enter the 0700 socket folder is the owner or root. Over TCP that
    # would mean everybody on the machine, hence reject, should listen_addresses be set.
    command: list[str | Path] = [
        binaries.program("initdb"),
        f"--pgdata={folder}",
        "--username=postgres",
        "--auth-local=trust",
        "--auth-host=reject",
        "--encoding=UTF8",
        f"--locale={LOCALE}",
        "--no-instructions",
    ]
    if binaries.major >= 17:
        # Sorts and folds alike on every system: no index breaks when libc changes.
        command += ["--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
    if not durable:
        command.append("--no-sync")
    return command


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
