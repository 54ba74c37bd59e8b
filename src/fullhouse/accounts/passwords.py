"""Password hashes: Argon2id (RFC 9106), computed off the event loop by a few patient threads.

Hashes that people bring from another system are accepted once, bcrypt and scrypt, and replaced by
Argon2id at the first login that fits.
"""

import asyncio
import base64
import contextlib
import hashlib
import hmac
import os
import re
import secrets
import sys
import threading
import time
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

import argon2
import bcrypt
from pwdlib import PasswordHash
from pwdlib.exceptions import PwdlibError
from pwdlib.hashers.argon2 import Argon2Hasher
from pwdlib.hashers.base import HasherProtocol, ensure_bytes, ensure_str

from fullhouse.kit.errors import OVERLOADED, Refused

T = TypeVar("T")

_HASH_BYTES = 32
_SALT_BYTES = 16
# A hash takes about a tenth of a second: this many for each thread are a wait of some seconds.
_WAITING_PER_THREAD = 32
_LONGEST_WAIT_SECONDS = 6.0
_RETRY_AFTER_SECONDS = 5
# A tenth of the usual share of a processor when others want it, and all of it when none do.
_STEPS_BACK = 10
_LOWEST_PRIORITY = 19

# What a kept hash may cost, so that one planted in the database cannot bring the server down:
# above what systems in use ask for, and not above some seconds of one thread.
_MOST_ARGON2_KIB = 262_144
_MOST_ARGON2_KIB_PASSES = 2_097_152
_MOST_ARGON2_LANES = 16  # each is a thread
_MOST_BCRYPT_ROUNDS = 15  # as the power of two that the hash itself names
_MOST_SCRYPT_BYTES = 128 * 1024 * 1024
_MOST_SCRYPT_BLOCKS = 2**21

_BCRYPT_LONGEST = 72
_BCRYPT = re.compile(r"\$2[aby]\$(?P<rounds>[0-9]{2})\$[A-Za-z0-9./]{53}")
# The PHC string form, as passlib writes it: base 64 without the padding, of 32 or 64 bytes.
_SCRYPT = re.compile(
    r"\$scrypt\$ln=(?P<ln>[1-9][0-9]?),r=(?P<r>[1-9][0-9]{0,2}),p=(?P<p>[1-9][0-9]{0,2})"
    r"\$(?P<salt>[A-Za-z0-9+/]{2,128})\$(?P<digest>([A-Za-z0-9+/]{43}){1,2})"
)
# Django's own form: the salt is text, and the digest always has 64 bytes.
_DJANGO_SCRYPT = re.compile(
    r"scrypt\$(?P<n>[1-9][0-9]{0,7})\$(?P<salt>[^$]{1,128})"
    r"\$(?P<r>[1-9][0-9]{0,2})\$(?P<p>[1-9][0-9]{0,2})\$(?P<digest>[A-Za-z0-9+/]{86}==)"
)


class PasswordHasher:
    """Hashes and checks passwords, ``threads`` at a time.

    Args:
        memory_kib: memory of one hash, in KiB.
        passes: how often the memory is gone through.
        lanes: how many parts of it are gone through independently.
        threads: hashes computed at the same time.
        waiting_limit: how many may wait for a thread; further ones are refused as overloaded,
            so that a flood of logins costs neither memory nor everybody else's patience.
        clock: seconds, for how long somebody has waited.
    """

    def __init__(
        self,
        memory_kib: int,
        passes: int,
        lanes: int,
        threads: int,
        *,
        waiting_limit: int | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        current = Argon2Hasher(
            time_cost=passes,
            memory_cost=memory_kib,
            parallelism=lanes,
            hash_len=_HASH_BYTES,
            salt_len=_SALT_BYTES,
        )
        self._hash = PasswordHash([current, OlderBcrypt(), OlderScrypt()])
        self._most_kib = max(_MOST_ARGON2_KIB, memory_kib)
        self._most_lanes = max(_MOST_ARGON2_LANES, lanes)
        self._most_kib_passes = max(_MOST_ARGON2_KIB_PASSES, memory_kib * passes)
        # Random digits in the form of a real hash: checking against it takes as long as
        # checking against a user's, and no password fits it.
        self._nobodys = (
            f"$argon2id$v=19$m={memory_kib},t={passes},p={lanes}"
            f"${_base64(_SALT_BYTES)}${_base64(_HASH_BYTES)}"
        )
        self._threads = ThreadPoolExecutor(
            threads, thread_name_prefix="password", initializer=_step_back
        )
        limit = _WAITING_PER_THREAD * threads if waiting_limit is None else waiting_limit
        self._places = threads + limit
        self._taken = 0
        self._clock = clock

    @contextlib.asynccontextmanager
    async def place(self) -> AsyncIterator["Place"]:
        """Hold one of the places for who is hashed for or waits for it.

        Whoever does other work around a hash takes the place before that work: of a flood, most
        are then turned away before they have cost anything, such as a connection to the database
        that everybody else needs. Raises Refused(OVERLOADED) if no place is free.
        """
        if self._taken >= self._places:
            raise Refused(OVERLOADED, retry_after_seconds=_RETRY_AFTER_SECONDS)
        self._taken += 1
        try:
            yield Place(self)
        finally:
            self._taken -= 1

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
        """Let the threads go; those at work finish."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _check(self, password: bytes, known_hash: str | None) -> tuple[bool, str | None]:
        if known_hash is not None:
            # The libraries know many ways to say that something is no hash.
            with contextlib.suppress(PwdlibError, ValueError):
                if self._is_affordable(known_hash):
                    return self._hash.verify_and_update(password, known_hash)
        self._hash.verify(password, self._nobodys)
        return False, None

    def _is_affordable(self, known_hash: str) -> bool:
        """Whether checking it may be tried; bcrypt and scrypt look at the price themselves."""
        if not Argon2Hasher.identify(known_hash):
            return True
        asked = argon2.extract_parameters(known_hash)
        return (
            asked.memory_cost <= self._most_kib
            and asked.parallelism <= self._most_lanes
            and asked.memory_cost * asked.time_cost <= self._most_kib_passes
        )

    async def _off_the_loop(self, work: Callable[[], T]) -> T:
        too_late = self._clock() + _LONGEST_WAIT_SECONDS

        def unless_late() -> T:
            # Whoever has waited for so long has often gone, and those behind still wait.
            if self._clock() > too_late:
                raise Refused(OVERLOADED, retry_after_seconds=_RETRY_AFTER_SECONDS)
            return work()

        return await asyncio.get_running_loop().run_in_executor(self._threads, unless_late)


@dataclass(frozen=True, slots=True)
class Place:
    """A place in the queue for hashing, from :meth:`PasswordHasher.place`."""

    _hasher: PasswordHasher

    async def hash(self, password: str) -> str:
        """A new hash in the PHC string form. Raises Refused(OVERLOADED) after too long a wait."""
        hasher = self._hasher
        return await hasher._off_the_loop(lambda: hasher._hash.hash(_bytes_of(password)))

    async def verify_and_update(
        self, password: str, known_hash: str | None
    ) -> tuple[bool, str | None]:
        """Whether the password fits, and a new hash where the kept one is of another kind.

        Of another kind is whatever these settings would not make today: other parameters, bcrypt,
        scrypt. Those two take their own time; everything else that does not fit, as None (a user
        without a hash, or no user) and what is no hash at all, takes as long as a wrong password
        of a current one. Raises Refused(OVERLOADED) after too long a wait.
        """
        hasher = self._hasher
        return await hasher._off_the_loop(lambda: hasher._check(_bytes_of(password), known_hash))


class _Older(HasherProtocol):
    """A kind of hash that is checked and replaced, and never made."""

    def hash(self, password: str | bytes, *, salt: bytes | None = None) -> str:
        raise TypeError("new hashes are Argon2id")

    def check_needs_rehash(self, hash: str | bytes) -> bool:
        return True


class OlderBcrypt(_Older):
    """bcrypt as ``$2a$``, ``$2b$`` and ``$2y$``, which name the same sound algorithm.

    bcrypt reads 72 bytes and no more. The systems that made these hashes cut longer passwords off
    without a word, so the same is done here: whoever had such a password can still come in, and
    72 right bytes are proof enough. From then on the whole password counts. ``$2x$`` marks
    hashes of a library that got letters beyond ASCII wrong; it is not accepted.
    """

    @classmethod
    def identify(cls, hash: str | bytes) -> bool:
        found = _BCRYPT.fullmatch(ensure_str(hash))
        return found is not None and int(found["rounds"]) <= _MOST_BCRYPT_ROUNDS

    def verify(self, password: str | bytes, hash: str | bytes) -> bool:
        return bcrypt.checkpw(ensure_bytes(password)[:_BCRYPT_LONGEST], ensure_bytes(hash))


class OlderScrypt(_Older):
    """scrypt (RFC 7914) in the PHC string form that passlib writes, and in Django's."""

    @classmethod
    def identify(cls, hash: str | bytes) -> bool:
        return _scrypt_of(ensure_str(hash)) is not None

    def verify(self, password: str | bytes, hash: str | bytes) -> bool:
        """Whether the password fits; False for what :meth:`identify` does not know."""
        known = _scrypt_of(ensure_str(hash))
        if known is None:
            return False
        # hashlib's, because it lets other threads run meanwhile.
        digest = hashlib.scrypt(
            ensure_bytes(password),
            salt=known.salt,
            n=known.n,
            r=known.r,
            p=known.p,
            # OpenSSL counts some buffers besides; what may be asked for has been looked at.
            maxmem=3 * _MOST_SCRYPT_BYTES,
            dklen=len(known.digest),
        )
        return hmac.compare_digest(digest, known.digest)


@dataclass(frozen=True, slots=True)
class _Scrypt:
    n: int
    r: int
    p: int
    salt: bytes
    digest: bytes

    @property
    def is_affordable(self) -> bool:
        return (
            128 * self.r * max(self.n, self.p) <= _MOST_SCRYPT_BYTES
            and self.n * self.r * self.p <= _MOST_SCRYPT_BLOCKS
        )


def _scrypt_of(text: str) -> _Scrypt | None:
    """What a hash of either form says; None for any other text and for what costs too much."""
    if found := _SCRYPT.fullmatch(text):
        n, salt = 1 << int(found["ln"]), _from_base64(found["salt"])
    elif found := _DJANGO_SCRYPT.fullmatch(text):
        n, salt = int(found["n"]), found["salt"].encode()
    else:
        return None
    digest = _from_base64(found["digest"].rstrip("="))
    known = _Scrypt(n, int(found["r"]), int(found["p"]), salt, digest)
    return known if known.is_affordable else None


def _step_back() -> None:
    """Put the calling thread behind those that answer everybody else.

    On Linux a priority belongs to a thread, and the threads that it starts, such as Argon2's
    lanes, inherit it. Elsewhere it would slow the whole process, so there all stay equal.
    Where the kernel divides processors between sessions or control groups first, it counts within
    this server only, and says nothing to the processes of PostgreSQL.
    """
    if sys.platform == "linux":
        thread = threading.get_native_id()
        with contextlib.suppress(OSError):
            lower = os.getpriority(os.PRIO_PROCESS, thread) + _STEPS_BACK
            os.setpriority(os.PRIO_PROCESS, thread, min(lower, _LOWEST_PRIORITY))


def _bytes_of(password: str) -> bytes:
    """UTF-8; halves of surrogate pairs, which a careless program may send, pass as they are."""
    return password.encode("utf-8", "surrogatepass")


def _base64(length: int) -> str:
    return base64.b64encode(secrets.token_bytes(length)).decode("ascii").rstrip("=")


def _from_base64(text: str) -> bytes:
    """Base 64 without padding; raises ValueError for what is none."""
    return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
