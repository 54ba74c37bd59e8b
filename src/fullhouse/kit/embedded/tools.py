"""Run one PostgreSQL program to its end, in a clean environment."""

import errno
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from fullhouse.kit.embedded.accounts import Account
from fullhouse.kit.embedded.errors import EmbeddedPostgresError

# macOS had no C.UTF-8 before version 15.
LOCALE = "en_US.UTF-8" if sys.platform == "darwin" else "C.UTF-8"

# Nothing of ours is inherited: PGDATA, PGOPTIONS and the like would bend every program.
ENVIRONMENT = {"PATH": os.defpath, "LC_ALL": LOCALE, "TZ": "UTC"}


def run_tool(
    command: Sequence[str | Path],
    account: Account,
    timeout_seconds: float,
    text: str = "",
) -> subprocess.CompletedProcess[str]:
    """Run ``command`` as ``account`` with ``text`` as its input; any exit code is returned.

    Raises EmbeddedPostgresError when it takes longer than ``timeout_seconds`` or when
    root may not change to the account, OSError when it cannot be executed.
    """
    name = Path(command[0]).name
    try:
        return subprocess.run(
            command,
            input=text,
            capture_output=True,
            check=False,
            encoding="utf-8",
            errors="replace",
            cwd="/",
            env=ENVIRONMENT,
            umask=0o077,
            timeout=max(timeout_seconds, 0.1),
            **account.identity(),
        )
    except subprocess.TimeoutExpired as error:
        raise EmbeddedPostgresError(
            f"{name} did not finish within {error.timeout:.0f} seconds"
        ) from error
    except PermissionError as error:
        # EACCES is about the file; EPERM about the change of account (a container that
        # runs as root without the capability to set its uid).
        if account.drop and error.errno == errno.EPERM:
            raise EmbeddedPostgresError(
                f"this process is root but may not change to the account {account.name!r}, "
                "and PostgreSQL refuses to run as root: start the server as a normal user"
            ) from error
        raise
