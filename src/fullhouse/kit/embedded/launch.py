"""Start a postmaster as our child, wait until it answers, and stop it."""

import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from fullhouse.kit.embedded.accounts import Account
from fullhouse.kit.embedded.binaries import Binaries
from fullhouse.kit.embedded.errors import EmbeddedPostgresError
from fullhouse.kit.embedded.folders import PORT, SOCKET_NAME, Layout, log_tail, open_log
from fullhouse.kit.embedded.postmaster import (
    IMMEDIATE_SECONDS,
    POLL_SECONDS,
    make_free,
    read_pid_file,
)
from fullhouse.kit.embedded.tools import ENVIRONMENT, run_tool

DEFAULT_SETTINGS: Mapping[str, str] = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "max_connections": "200",
    "shared_buffers": "256MB",
    "wal_compression": "on",
    "timezone": "UTC",
    "log_timezone": "UTC",
    # Its log names what went wrong, but not the rows: those hold people's names and addresses.
    "log_error_verbosity": "terse",
}

# dsn() and attach() rest on these, so nobody else may set them.
OUR_SETTINGS = ("data_directory", "port", "unix_socket_directories")

RETRY_SECONDS = 0.2


@dataclass(frozen=True)
class Plan:
    """All that starting a postmaster needs."""

    layout: Layout
    binaries: Binaries
    account: Account
    socket_dir: Path
    settings: Mapping[str, str]


def launch(plan: Plan, deadline: float) -> subprocess.Popen[bytes]:
    """Start a postmaster and return it once it accepts connections.

    ``deadline`` is a time.monotonic() value. Raises EmbeddedPostgresError with the last
    lines of the log; no process is left behind then.
    """
    while True:
        make_free(plan.layout.cluster, plan.account, deadline)
        for name in (SOCKET_NAME, f"{SOCKET_NAME}.lock"):
            # The socket's own lock file may name a pid that is somebody else's by now.
            (plan.socket_dir / name).unlink(missing_ok=True)
        log, offset = open_log(plan.layout.log)
        keeper = _Keeper(_command(plan), log, plan.account)
        try:
            process = keeper.start()
            ready = _wait_ready(process, plan.layout.cluster, deadline)
        except BaseException:
            # Somebody may ask us to stop at any moment, also while the child is being started.
            keeper.stop()
            raise
        finally:
            os.close(log)
        if ready:
            return process
        timed_out = process.poll() is None
        stop(process, IMMEDIATE_SECONDS)
        tail = log_tail(plan.layout.log, offset)
        # Backends of a killed postmaster need a moment to notice that it is gone.
        if "is still in use" in tail and time.monotonic() + RETRY_SECONDS < deadline:
            time.sleep(RETRY_SECONDS)
            continue
        reason = "was not ready in time" if timed_out else f"ended with code {process.returncode}"
        raise EmbeddedPostgresError(
            f"PostgreSQL {reason}. Last lines of {plan.layout.log}:\n{tail}"
        )


def stop(process: subprocess.Popen[bytes], timeout_seconds: float) -> None:
    """Stop a postmaster: a fast shutdown (sessions are ended, then a checkpoint), after
    ``timeout_seconds`` an immediate one, at last by force."""
    patience = (
        (signal.SIGINT, timeout_seconds),
        (signal.SIGQUIT, IMMEDIATE_SECONDS),
        (signal.SIGKILL, IMMEDIATE_SECONDS),
    )
    for number, seconds in patience:
        process.send_signal(number)
        try:
            process.wait(seconds)
            return
        except subprocess.TimeoutExpired:
            continue


def check_settings(settings: Mapping[str, str]) -> None:
    """Raise EmbeddedPostgresError when ``settings`` holds a name that is ours to set."""
    for name in settings:
        if name.lower() in OUR_SETTINGS:
            raise EmbeddedPostgresError(
                f"the PostgreSQL setting {name!r} is not yours to set: it follows from the folder"
            )


def _command(plan: Plan) -> list[str]:
    settings = dict(DEFAULT_SETTINGS)
    if plan.binaries.has_library("pg_stat_statements"):
        settings["shared_preload_libraries"] = "pg_stat_statements"
    settings.update(plan.settings)
    settings["port"] = str(PORT)
    # A list to PostgreSQL: quoted, a folder with blanks or quotes in its name is one item.
    quoted = str(plan.socket_dir).replace('"', '""')
    settings["unix_socket_directories"] = f'"{quoted}"'
    command = [str(plan.binaries.program("postgres")), "-D", str(plan.layout.cluster)]
    for name, value in settings.items():
        command += ["-c", f"{name}={value}"]
    return _dying_with_us(plan.account) + command


def _dying_with_us(account: Account) -> list[str]:
    """Return a prefix under which the server gets a fast shutdown when we die, if possible.

    Linux only, through util-linux's ``setpriv``. Without it a server whose owner is
    killed lives on until the next start finds and stops it.
    """
    setpriv = shutil.which("setpriv") if sys.platform == "linux" else None
    if setpriv is None:
        return []
    prefix = [setpriv, "--pdeathsig", "INT"]
    try:
        # busybox has a setpriv that does not know the option.
        works = run_tool([*prefix, setpriv, "--help"], account, 10).returncode == 0
    except OSError:
        return []
    return [*prefix, "--"] if works else []


class _Keeper:
    """Starts a command from a thread that lives exactly as long as the child.

    The kernel's parent-death signal is tied to the thread that started the child: from
    a pool's thread, the server would be shut down when the pool lets that thread go.
    The thread also reaps the child at once.
    """

    def __init__(self, command: Sequence[str], log: int, account: Account) -> None:
        self._command = command
        self._log = log
        self._account = account
        self._process: subprocess.Popen[bytes] | None = None
        self._error: Exception | None = None
        self._answered = threading.Event()
        self._thread = threading.Thread(target=self._keep, name="postgres-keeper", daemon=True)

    def start(self) -> subprocess.Popen[bytes]:
        """Start the child. Raises what kept it from starting."""
        self._thread.start()
        self._answered.wait()
        if self._error is not None:
            raise self._error
        assert self._process is not None
        return self._process

    def stop(self) -> None:
        """Leave no child behind, however far its start had come."""
        if self._thread.ident is not None:
            self._answered.wait()
        if self._process is not None:
            stop(self._process, IMMEDIATE_SECONDS)

    def _keep(self) -> None:
        try:
            self._process = subprocess.Popen(
                self._command,
                stdin=subprocess.DEVNULL,
                stdout=self._log,
                stderr=subprocess.STDOUT,
                cwd="/",
                env=ENVIRONMENT,
                umask=0o077,
                # Ctrl-C in the terminal is for us; we stop the server when our work is done.
                start_new_session=True,
                **self._account.identity(),
            )
        except Exception as error:
            self._error = error
            return
        finally:
            self._answered.set()
        self._process.wait()


def _wait_ready(process: subprocess.Popen[bytes], cluster: Path, deadline: float) -> bool:
    """Return whether the server became ready; False when it ended or time ran out."""
    while process.poll() is None and time.monotonic() < deadline:
        found = read_pid_file(cluster)
        if found is not None and found.pid == process.pid and found.status == "ready":
            return True
        time.sleep(POLL_SECONDS)
    return False
