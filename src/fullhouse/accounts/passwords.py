"""Hashes passwords in a few patient processes, with a bounded queue in front of them.

Processes and not threads, because the system divides processors between sessions before it looks
at threads: see docs/adr/0011-hashing-in-child-processes.md.
"""

import asyncio
import contextlib
import os
import select
import subprocess
import sys
import threading
import time
import weakref
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import BinaryIO, TypeVar, cast

import structlog

from fullhouse.accounts import hashing
from fullhouse.kit.errors import OVERLOADED, Refused

log = structlog.get_logger(__name__)

T = TypeVar("T")

# A hash takes about a tenth of a second, and three times as long when all are busy: this many for
# each process are a wait of some seconds.
_WAITING_PER_PROCESS = 16
_LONGEST_WAIT_SECONDS = 6.0
# Whoever is let in had better not have to be sent away after it, which costs more and comes in
# waves: all that came in at one moment are late at one moment.
_LONGEST_EXPECTED_SECONDS = 4.0
# How much the last hash says about how long the next one takes.
_NEWS = 0.1
# The dearest hash that is accepted takes some seconds, and ten times as long when all are busy.
_LONGEST_HASH_SECONDS = 60.0
_RETRY_AFTER_SECONDS = 5
# Settings, secrets among them, of which the processes need none.
_NOT_THEIRS = "FULLHOUSE_"


class PasswordHasher:
    """Hashes and checks passwords, ``processes`` at a time; they start when they are needed.

    Args:
        memory_kib: memory of one hash, in KiB.
        passes: how often the memory is gone through.
        lanes: how many parts of it are gone through independently.
        processes: hashes computed at the same time, each by a process.
        waiting_limit: how many may wait for one; further ones are refused as overloaded, so
            that a flood of logins costs neither memory nor everybody else's patience.
        clock: seconds, for how long somebody has waited.
    """

    def __init__(
        self,
        memory_kib: int,
        passes: int,
        lanes: int,
        processes: int,
        *,
        waiting_limit: int | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._processes = _Processes(memory_kib, passes, lanes)
        # One for each process, which does nothing but wait for it.
        self._threads = ThreadPoolExecutor(processes, thread_name_prefix="password")
        limit = _WAITING_PER_PROCESS * processes if waiting_limit is None else waiting_limit
        self._places = processes + limit
        self._taken = 0
        self._count = processes
        self._hash_seconds = 0.0
        self._clock = clock
        # For who forgets to close: the processes go with the hasher.
        weakref.finalize(self, self._processes.close)

    @contextlib.asynccontextmanager
    async def place(self) -> AsyncIterator["Place"]:
        """Hold one of the places for who is hashed for or waits for it.

        Whoever does other work around a hash takes the place before that work: of a flood, most
        are then turned away before they have cost anything, such as a connection to the database
        that everybody else needs. Raises Refused(OVERLOADED) if no place is free, or if those
        that are taken already mean too long a wait.
        """
        self.require_room()
        self._taken += 1
        try:
            yield Place(self)
        finally:
            self._taken -= 1

    def require_room(self) -> None:
        """Raise Refused(OVERLOADED) if :meth:`place` would do so now."""
        expected = (self._taken - self._count) * self._hash_seconds / self._count
        if self._taken >= self._places or expected > _LONGEST_EXPECTED_SECONDS:
            raise _overloaded()

    async def hash(self, password: str) -> str:
        """:meth:`Place.hash`, with a place for it alone."""
        async with self.place() as place:
            return await place.hash(password)

    async def verify_and_update(
        self, password: str, known_hash: str | None
    ) -> tuple[bool, str | None]:
        """:meth:`Place.verify_and_update`, with a place for it alone."""
        async with self.place() as place:
            return await place.verify_and_update(password, known_hash)

    def close(self) -> None:
        """Let the processes go; those at work finish first."""
        self._threads.shutdown(wait=False, cancel_futures=True)
        self._processes.close()

    async def _off_the_loop(self, work: Callable[[], T]) -> T:
        too_late = self._clock() + _LONGEST_WAIT_SECONDS

        def unless_late() -> T:
            # Whoever has waited for so long has often gone, and those behind still wait.
            begun = self._clock()
            if begun > too_late:
                raise _overloaded()
            outcome = work()
            # Several threads may do this at once: then one of the hashes says nothing.
            self._hash_seconds += (self._clock() - begun - self._hash_seconds) * _NEWS
            return outcome

        return await asyncio.get_running_loop().run_in_executor(self._threads, unless_late)


@dataclass(frozen=True, slots=True)
class Place:
    """A place in the queue for hashing, from :meth:`PasswordHasher.place`."""

    _hasher: PasswordHasher

    async def hash(self, password: str) -> str:
        """A new hash in the PHC string form.

        Raises Refused(OVERLOADED) after too long a wait, and when the system has no process for it.
        """
        _, made = await self._ask(hashing.MAKE, password, None)
        return cast(str, made)

    async def verify_and_update(
        self, password: str, known_hash: str | None
    ) -> tuple[bool, str | None]:
        """Whether the password fits, and a new hash as of :meth:`Hashes.check`.

        Raises Refused(OVERLOADED) as ``hash`` does.
        """
        return await self._ask(hashing.CHECK, password, known_hash)

    async def _ask(
        self, what: bytes, password: str, known_hash: str | None
    ) -> tuple[bool, str | None]:
        hasher = self._hasher
        known = None if known_hash is None else _bytes_of(known_hash)
        work = hasher._processes.ask
        return await hasher._off_the_loop(lambda: work(what, _bytes_of(password), known))


class _Processes:
    """Those that wait for work. Whoever wants one and finds none starts another."""

    def __init__(self, *parameters: int) -> None:
        self._parameters = parameters
        self._idle: list[_Process] = []
        self._closed = False
        self._lock = threading.Lock()

    def ask(
        self, what: bytes, password: bytes, known_hash: bytes | None
    ) -> tuple[bool, str | None]:
        """Have it computed. Raises Refused(OVERLOADED) if that fails for any reason of ours.

        When the process dies of it, as one does that the system wants memory from, another one
        tries once more.
        """
        for find in (self._take, self._start):
            process = find()
            try:
                outcome, detail = process.ask(what, password, known_hash)
            except (OSError, EOFError):
                log.error("password_process_died", exit_code=process.end())
                continue
            self._give_back(process)
            if outcome == hashing.FAILED:
                log.error("password_not_hashed", kind=(detail or b"").decode())
                break
            return outcome == hashing.FITS, None if detail is None else detail.decode()
        raise _overloaded()

    def close(self) -> None:
        """End them; those at work end when they are given back."""
        with self._lock:
            self._closed = True
            idle, self._idle = self._idle, []
        for process in idle:
            process.end()

    def _take(self) -> "_Process":
        while True:
            with self._lock:
                if not self._idle:
                    break
                # The last one, so that a quiet server uses one and the others are swapped out.
                process = self._idle.pop()
            if process.runs():
                return process
            log.error("password_process_died", exit_code=process.end())
        return self._start()

    def _start(self) -> "_Process":
        try:
            return _Process(self._parameters)
        except OSError as error:
            log.error("password_process_not_started", error=error)
            raise _overloaded() from None

    def _give_back(self, process: "_Process") -> None:
        with self._lock:
            if not self._closed:
                self._idle.append(process)
                return
        process.end()


class _Process:
    """One that hashes, see :mod:`fullhouse.accounts.hashing`."""

    def __init__(self, parameters: tuple[int, ...]) -> None:
        environment = {
            name: value for name, value in os.environ.items() if not name.startswith(_NOT_THEIRS)
        }
        # It finds the modules that this process has found, and -P: no others.
        environment["PYTHONPATH"] = os.pathsep.join(filter(None, sys.path))
        self._popen = subprocess.Popen(
            [sys.executable, "-P", "-m", hashing.__name__, *map(str, parameters)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=environment,
            # Also so that Ctrl-C goes to the server alone, which lets who is hashed for finish.
            start_new_session=True,
        )
        self._stdin = cast(BinaryIO, self._popen.stdin)
        self._stdout = cast(BinaryIO, self._popen.stdout)
        self._answered = select.poll()
        self._answered.register(self._stdout, select.POLLIN)

    def ask(self, *request: bytes | None) -> tuple[bytes | None, bytes | None]:
        """Its answer to a request. Raises OSError or EOFError if it died, or takes too long."""
        hashing.send(self._stdin, *request)
        if not self._answered.poll(_LONGEST_HASH_SECONDS * 1_000):
            raise TimeoutError
        outcome, detail = hashing.receive(self._stdout, hashing.ANSWER_PARTS)
        return outcome, detail

    def runs(self) -> bool:
        return self._popen.poll() is None

    def end(self) -> int:
        """Kill it, for it keeps nothing; answers its exit code."""
        self._popen.kill()
        for pipe in (self._stdin, self._stdout):
            # What could not be written is tried again by the closing.
            with contextlib.suppress(OSError):
                pipe.close()
        return self._popen.wait()


def _overloaded() -> Refused:
    return Refused(OVERLOADED, retry_after_seconds=_RETRY_AFTER_SECONDS)


def _bytes_of(text: str) -> bytes:
    """UTF-8; halves of surrogate pairs, which a careless program may send, pass as they are."""
    return text.encode("utf-8", "surrogatepass")
