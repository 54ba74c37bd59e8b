"""A process that hashes and checks passwords, one after the other, and does nothing else.

``python -m fullhouse.accounts.hashing MEMORY_KIB PASSES LANES``, started by
:mod:`fullhouse.accounts.passwords`. It reads requests from standard input and writes an answer to
standard output for each. It ends when its input does: so it never outlives the server that
started it, however that comes to its end. It imports little, because somebody waits for its start.
"""

import contextlib
import os
import signal
import sys
import time
from pathlib import Path
from typing import BinaryIO

from fullhouse.accounts.hashes import Hashes

# A request is one of these, the password, and the kept hash if there is one.
MAKE, CHECK = b"make", b"check"
# An answer is one of these, and the new hash if there is one. FAILED has the kind of error instead.
FITS, WRONG, FAILED = b"fits", b"wrong", b"failed"
REQUEST_PARTS, ANSWER_PARTS = 3, 2

_LENGTH_BYTES = 4
_NOTHING = 0xFFFF_FFFF

# A tenth of the usual share of a processor when others want it, and all of it when none do.
_STEPS_BACK = 10
# Of the session that a process is in. Linux divides processors between sessions first
# (sched_autogroup_enabled), and each process of PostgreSQL is in one of its own.
SESSIONS_STEPS = 10
_SESSIONS_STEPS_FILE = Path("/proc/self/autogroup")
_SESSIONS_TRIES = 5
_SESSIONS_PAUSE_SECONDS = 0.12


def main() -> None:
    """Answer requests until there are no more."""
    memory_kib, passes, lanes = map(int, sys.argv[1:])
    # When nobody reads the answer any more there is nothing to tell anybody.
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    step_back()
    hashes = Hashes(memory_kib, passes, lanes)
    with contextlib.suppress(EOFError):
        while True:
            asked = receive(sys.stdin.buffer, REQUEST_PARTS)
            send(sys.stdout.buffer, *answer(hashes, *asked))


def answer(
    hashes: Hashes, what: bytes | None, password: bytes | None, known_hash: bytes | None
) -> tuple[bytes, bytes | None]:
    """The answer to a request. Nothing that a hash or a password does ends the process."""
    known = None if known_hash is None else known_hash.decode("utf-8", "surrogatepass")
    try:
        if what == MAKE:
            return FITS, hashes.make(password or b"").encode()
        fits, newer = hashes.check(password or b"", known)
    except Exception as error:
        # Its name only: what it says may hold a part of the hash.
        return FAILED, type(error).__name__.encode()
    return FITS if fits else WRONG, None if newer is None else newer.encode()


def send(pipe: BinaryIO, *parts: bytes | None) -> None:
    """Write these, each behind its length. Raises OSError if nobody reads them."""
    for part in parts:
        length = _NOTHING if part is None else len(part)
        pipe.write(length.to_bytes(_LENGTH_BYTES, "big") + (part or b""))
    pipe.flush()


def receive(pipe: BinaryIO, count: int) -> list[bytes | None]:
    """Read so many parts. Raises EOFError if there are not as many any more."""
    parts: list[bytes | None] = []
    for _ in range(count):
        length = int.from_bytes(_exactly(pipe, _LENGTH_BYTES), "big")
        parts.append(None if length == _NOTHING else _exactly(pipe, length))
    return parts


def _exactly(pipe: BinaryIO, length: int) -> bytes:
    data = pipe.read(length)
    if len(data) < length:
        raise EOFError
    return data


def step_back() -> None:
    """Put this process, and the threads that it starts, behind whatever answers people.

    Where the system has no such thing or does not allow it, passwords are hashed all the same.
    """
    with contextlib.suppress(OSError):
        os.nice(_STEPS_BACK)
    for _ in range(_SESSIONS_TRIES):
        try:
            _SESSIONS_STEPS_FILE.write_text(str(SESSIONS_STEPS))
        except BlockingIOError:
            # Of all normal users together, one may do this in a tenth of a second.
            time.sleep(_SESSIONS_PAUSE_SECONDS)
        except OSError:
            return
        else:
            return


if __name__ == "__main__":
    main()
