"""Has pictures read and made in processes of their own, few at a time.

A picture may be made to crash, to bloat or to take over whatever decodes it: that is then a process
which knows nothing, may do little, and ends with it (:mod:`fullhouse.media.pictures`).
"""

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor

import msgspec
import structlog

from fullhouse.kit.errors import OVERLOADED, Refused
from fullhouse.media import pictures
from fullhouse.media.errors import MEDIA_TOO_MANY_PIXELS, MEDIA_UNREADABLE
from fullhouse.media.pictures import Answer

log = structlog.get_logger(__name__)

# Each may take a gigabyte for a moment.
_INSPECTED_AT_ONCE = 2
_WAITING_UPLOADS = 8
_LONGEST_SECONDS = 90.0
_RETRY_AFTER_SECONDS = 5

_REFUSALS = {
    pictures.UNREADABLE: MEDIA_UNREADABLE,
    pictures.TOO_MANY_PIXELS: MEDIA_TOO_MANY_PIXELS,
}
# How a process ends that somebody else ended: the system for want of memory, an operator.
_ENDED_FROM_OUTSIDE = (-signal.SIGKILL, -signal.SIGTERM, -signal.SIGINT, -signal.SIGHUP)


class Workshop:
    """Reads what was uploaded, and makes variants of it.

    Args:
        seconds: how long a process may take for one picture.
    """

    def __init__(self, *, seconds: float = _LONGEST_SECONDS) -> None:
        self._seconds = seconds
        # They do nothing but wait: one for whatever makes variants, the others for uploads.
        self._threads = ThreadPoolExecutor(_INSPECTED_AT_ONCE + 1, thread_name_prefix="picture")
        self._inspecting = asyncio.Semaphore(_INSPECTED_AT_ONCE)
        self._uploads = 0
        self._running: set[subprocess.Popen[bytes]] = set()

    @contextlib.asynccontextmanager
    async def place(self) -> AsyncIterator[None]:
        """Hold a place for an upload. Raises Refused(OVERLOADED) when too many have one."""
        if self._uploads >= _INSPECTED_AT_ONCE + _WAITING_UPLOADS:
            raise _overloaded()
        self._uploads += 1
        try:
            yield
        finally:
            self._uploads -= 1

    async def inspect(self, data: bytes) -> Answer:
        """The size of a picture that is whole, after :meth:`place`.

        Raises Refused: MEDIA_UNREADABLE, MEDIA_TOO_MANY_PIXELS, OVERLOADED.
        """
        async with self._inspecting:
            return await self._ask(pictures.INSPECT, data)

    async def make(self, data: bytes) -> Answer:
        """The variants of a picture; one picture at a time. Raises Refused as ``inspect`` does."""
        return await self._ask(pictures.MAKE, data)

    def close(self) -> None:
        """End the processes that run, and begin no more."""
        self._threads.shutdown(wait=False, cancel_futures=True)
        for process in self._running.copy():
            process.kill()

    async def _ask(self, what: str, data: bytes) -> Answer:
        loop = asyncio.get_running_loop()
        answer = await loop.run_in_executor(self._threads, self._run, what, data)
        if answer.refused:
            raise Refused(_REFUSALS[answer.refused])
        return answer

    def _run(self, what: str, data: bytes) -> Answer:
        """Files and not pipes: a process that writes without end comes to the end of its limit."""
        with tempfile.TemporaryFile() as given, tempfile.TemporaryFile() as made:
            given.write(data)
            given.seek(0)
            code = self._wait(
                subprocess.Popen(
                    [sys.executable, "-P", "-m", pictures.__name__, what],
                    stdin=given,
                    stdout=made,
                    stderr=subprocess.DEVNULL,
                    # Nothing of ours: neither settings nor secrets.
                    env={"PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
                    start_new_session=True,
                )
            )
            if code in _ENDED_FROM_OUTSIDE:
                log.warning("picture_process_ended", exit_code=code)
                raise _overloaded()
            made.seek(0)
            try:
                if code == 0:
                    answer = made.read(pictures.MOST_ANSWER_BYTES)
                    return msgspec.msgpack.decode(answer, type=Answer)
            except msgspec.DecodeError:
                pass
        log.warning("picture_ended_its_process", exit_code=code)
        return Answer(pictures.UNREADABLE)

    def _wait(self, process: "subprocess.Popen[bytes]") -> int:
        self._running.add(process)
        try:
            return process.wait(self._seconds)
        except subprocess.TimeoutExpired:
            process.kill()
            return process.wait()
        finally:
            self._running.discard(process)


def _overloaded() -> Refused:
    return Refused(OVERLOADED, retry_after_seconds=_RETRY_AFTER_SECONDS)
