"""Keeps the embedded PostgreSQL running while the server does."""

import threading
import time

from fullhouse.kit.embedded import EmbeddedPostgres, EmbeddedPostgresError

POLL_SECONDS = 0.2

# Waits before a restart: none the first time, because a crash usually comes alone.
DELAYS_SECONDS = (0.0, 0.5, 1.0, 2.0, 5.0, 10.0)

# Whoever ran this long has recovered, and the next crash is a new one.
STEADY_SECONDS = 30.0


class Supervisor:
    """Starts a PostgreSQL again whenever it dies, until ``stop``.

    Clients see their connections end and reconnect by themselves.
    """

    def __init__(self, postgres: EmbeddedPostgres) -> None:
        self._postgres = postgres
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="postgres-supervisor", daemon=True)

    def start(self) -> None:
        """Begin to watch a server that was started."""
        self._thread.start()

    def stop(self) -> None:
        """Watch no longer; waits for a restart that is under way. The server goes on running."""
        self._stopping.set()
        self._thread.join()

    def _watch(self) -> None:
        failures = 0
        restarted_at = 0.0
        while not self._stopping.wait(POLL_SECONDS):
            exit_code = self._postgres.poll()
            if exit_code is None:
                continue
            if time.monotonic() - restarted_at > STEADY_SECONDS:
                failures = 0
            delay = DELAYS_SECONDS[min(failures, len(DELAYS_SECONDS) - 1)]
            _log("postgres_died", exit_code=exit_code, restart_in_seconds=delay)
            if self._stopping.wait(delay):
                return
            failures += 1
            try:
                self._postgres.restart()
            except EmbeddedPostgresError as error:
                _log("postgres_restart_failed", error=error)
            restarted_at = time.monotonic()


def _log(event: str, **details: object) -> None:
    # Loading the logger takes a quarter of a second, which the start of a server need not pay.
    import structlog

    structlog.get_logger(__name__).error(event, **details)
