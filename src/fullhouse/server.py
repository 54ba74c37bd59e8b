"""Runs the application under granian: one parent that watches, and workers that serve."""

import contextlib
import errno
import http.client
import multiprocessing
import os
import resource
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

from fullhouse import settings as fullhouse_settings
from fullhouse.failures import BAD_SETTING, Failure
from fullhouse.settings import Settings

if TYPE_CHECKING:
    from granian.server.mp import MPServer

    from fullhouse.api.edge import Edge

# The kernel cuts it to net.core.somaxconn. On the opening of a sale many come at once.
BACKLOG = 16_384

# Connections that a worker takes at the same time. Above the selling queue's capacity: what is
# too much is refused by the queue, with an answer, and not left waiting.
CONNECTIONS = 65_536

READY_POLL_SECONDS = 0.05

# How long requests may take to finish after SIGTERM before their worker is killed: longer than
# a selling command may wait, shorter than the half minute that orchestrators give.
GRACE_SECONDS = 20


class Stopped(BaseException):
    """Somebody asked us to stop while we were starting."""


class StopSignals:
    """Ctrl-C, SIGTERM and a closed terminal: the first one stops in order, the second at once."""

    def __init__(self) -> None:
        self._stop: Callable[[], object] | None = None
        self._received = False

    def install(self, stop: Callable[[], object] | None = None) -> None:
        """Take the signals of this process; call from the main thread.

        The first one calls ``stop``, or raises Stopped in the main thread when that is None.
        """
        self._stop = stop
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            if number is signal.SIGHUP and _hangup_is_ignored:
                signal.signal(number, signal.SIG_IGN)
            else:
                signal.signal(number, self._receive)

    def _receive(self, number: int, _frame: FrameType | None) -> None:
        if self._received:
            # The workers notice that we are gone, and PostgreSQL gets a signal from the kernel.
            os._exit(128 + number)
        self._received = True
        if self._stop is None:
            raise Stopped
        self._stop()


# nohup says so; granian would take the signal nevertheless.
_hangup_is_ignored = signal.getsignal(signal.SIGHUP) is signal.SIG_IGN


def hold_port(host: str, port: int) -> tuple[str, socket.socket]:
    """Reserve the address for this process; answers it as a number, and what holds it.

    The workers' sockets share their address (SO_REUSEPORT), so that a second server would
    get half of our connections without any error. Binding alone notices everybody else, and
    sharing is allowed only then, which nobody who binds alone can join. The socket does not
    listen. Raises Failure.
    """
    family, address = _resolve(host, port)
    holder = socket.socket(family, socket.SOCK_STREAM)
    # Connections that a former server closed do not count.
    holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        holder.bind((address, port))
    except OSError as error:
        holder.close()
        raise _refusal(error, host, port) from error
    if sys.platform == "linux":
        holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 0)
        holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    else:
        # Elsewhere sharing cannot be allowed afterwards, and granian itself binds only once.
        holder.close()
    return address, holder


def _resolve(host: str, port: int) -> tuple[int, str]:
    """The family and the numeric form of a host; IPv4 first, as localhost means to most."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except OSError as error:
        message = f"FULLHOUSE_HOST: {host!r} is no address of this machine: {error.strerror}"
        raise Failure(message, BAD_SETTING) from error
    family, *_, address = min(found, key=lambda each: each[0] != socket.AF_INET)
    return family, str(address[0])


def _refusal(error: OSError, host: str, port: int) -> Failure:
    if error.errno == errno.EADDRINUSE:
        return Failure(
            f"port {port} on {host} is in use: stop the program that listens there, "
            "or choose another with --port"
        )
    if error.errno == errno.EACCES:
        return Failure(
            f"FULLHOUSE_PORT: this account may not listen on port {port}: choose one above 1023",
            BAD_SETTING,
        )
    return Failure(
        f"FULLHOUSE_HOST: {host!r} is no address of this machine: {error.strerror}", BAD_SETTING
    )


def serve(
    settings: Settings,
    address: str,
    signals: StopSignals,
    prepare: Callable[[], None],
    ready: Callable[[], None],
    *,
    reload: bool = False,
) -> None:
    """Serve until somebody asks us to stop.

    ``prepare`` runs in a thread while the workers load the program; they begin to serve when
    it returns, and what it raises stops everything and is raised here. ``ready`` is called once
    /health/ready has answered. ``reload`` starts the workers again when the source changes.
    Raises Failure when the workers cannot go on.
    """
    # The workers read their settings from the environment that they inherit.
    os.environ.update(fullhouse_settings.as_environment(settings))
    # A fork of a process with threads may inherit their locks, and our lock on the data folder.
    multiprocessing.set_start_method("spawn", force=True)
    waiting, gate = multiprocessing.Pipe(duplex=False)
    server = granian_for(settings, address, reload=reload)
    preparation = _Preparation(prepare, gate, server.signal_handler_interrupt)

    @server.on_startup
    def begin() -> None:
        signals.install(server.signal_handler_interrupt)
        preparation.start()
        _when_ready(address, settings.port, ready)

    try:
        server.serve(target_loader=partial(load_worker, waiting), wrap_loader=False)
    except SystemExit as error:
        # Only granian's crash loop ends so; what went wrong is in the log above.
        raise Failure("the server's workers end as soon as they start") from error
    finally:
        signals.install(lambda: None)
    if preparation.error is not None:
        raise preparation.error


def load_worker(waiting: Connection) -> "Edge":
    """The application of a worker, made when the database is ready: the worker's entry."""
    parent = multiprocessing.parent_process()
    assert parent is not None
    threading.Thread(target=_die_with_parent, name="parent-watch", daemon=True).start()
    # Ctrl-C in the terminal is for the parent: it lets us finish what we are doing.
    os.setsid()
    _allow_many_files()
    from fullhouse.app import create_app

    # Nothing is ever sent: that the other end is closed is the sign.
    waiting.poll(None)
    if not parent.is_alive():
        os._exit(1)
    return create_app()


def _die_with_parent() -> None:
    """End this process, and so give the port free, at the moment the parent is gone."""
    parent = multiprocessing.parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)


def _allow_many_files() -> None:
    """Each connection is a file, and the usual soft limit of 1,024 is for old programs."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 1_048_576 if most == resource.RLIM_INFINITY else most
    with contextlib.suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, most))


def _when_ready(address: str, port: int, tell: Callable[[], None]) -> None:
    """Call ``tell`` from a thread once the server answers that it is ready."""
    here = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(address, address)

    def ask() -> None:
        while not _is_ready(here, port):
            time.sleep(READY_POLL_SECONDS)
        tell()

    threading.Thread(target=ask, name="ready", daemon=True).start()


def _is_ready(address: str, port: int) -> bool:
    connection = http.client.HTTPConnection(address, port, timeout=10)
    try:
        connection.request("GET", "/health/ready")
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


class _Preparation:
    """What happens beside the loading of the workers, in a thread."""

    def __init__(
        self, prepare: Callable[[], None], gate: Connection, give_up: Callable[[], object]
    ) -> None:
        self.error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="preparation", daemon=True)
        self._prepare = prepare
        self._gate = gate
        self._give_up = give_up

    def start(self) -> None:
        self._thread.start()

    def _run(self) -> None:
        try:
            self._prepare()
        except BaseException as error:
            self.error = error
            self._give_up()
        else:
            self._gate.close()


def granian_for(settings: Settings, address: str, *, reload: bool) -> "MPServer":
    """The server with all its options, not yet running; the bench measures others by the same."""
    from granian.constants import HTTPModes, Interfaces, Loops
    from granian.http import HTTP1Settings
    from granian.log import LogLevels
    from granian.server.mp import MPServer

    return MPServer(
        "fullhouse.app:create_app",
        address=address,
        port=settings.port,
        interface=Interfaces.ASGI,
        workers=settings.workers,
        loop=Loops.uvloop,
        http=HTTPModes.http1,
        http1_settings=HTTP1Settings(),
        websockets=True,
        backlog=BACKLOG,
        backpressure=CONNECTIONS,
        log_level=LogLevels.warning,
        # No handlers of its own: its warnings go where all our log lines go.
        log_dictconfig={
            "loggers": {
                "_granian": {"handlers": [], "propagate": True},
                "granian.access": {"handlers": [], "propagate": False},
            }
        },
        log_access=False,
        respawn_failed_workers=True,
        workers_kill_timeout=GRACE_SECONDS,
        reload=reload,
        reload_paths=[Path(__file__).parent],
        reload_ignore_worker_failure=True,
    )
