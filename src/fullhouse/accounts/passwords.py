"""Password hashes: Argon2id (RFC 9106), computed off the event loop by a few threads."""

import asyncio
import base64
import secrets
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher

from fullhouse.kit.errors import OVERLOADED, Refused

T = TypeVar("T")

_HASH_BYTES = 32
_SALT_BYTES = 16
# A hash takes about a tenth of a second: this many for each thread are a wait of some seconds.
_WAITING_PER_THREAD = 32
_RETRY_AFTER_SECONDS = 5


class PasswordHasher:
    """Hashes and checks passwords, ``threads`` at a time.

    Args:
        memory_kib: memory of one hash, in KiB.
        passes: how often the memory is gone through.
        lanes: how many parts of it are gone through independently.
        threads: hashes computed at the same time.
        waiting_limit: how many may wait for a thread; further ones are refused as overloaded,
            so that a flood of logins costs neither memory nor everybody else's patience.
    """

    def __init__(
        self,
        memory_kib: int,
        passes: int,
        lanes: int,
        threads: int,
        *,
        waiting_limit: int | None = None,
    ) -> None:
        self._hash = PasswordHash(
            [
                Argon2Hasher(
                    time_cost=passes,
                    memory_cost=memory_kib,
                    parallelism=lanes,
                    hash_len=_HASH_BYTES,
                    salt_len=_SALT_BYTES,
                )
            ]
        )
        # Random digits in the form of a real hash: checking against it takes as long as
        # checking against a user's, and no password fits it.
        self._nobodys = (
            f"$argon2id$v=19$m={memory_kib},t={passes},p={lanes}"
            f"${_base64(_SALT_BYTES)}${_base64(_HASH_BYTES)}"
        )
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="password")
        limit = _WAITING_PER_THREAD * threads if waiting_limit is None else waiting_limit
        self._limit = threads + limit
        self._under_way = 0

    async def hash(self, password: str) -> str:
        """A new hash in the PHC string form. Raises Refused(OVERLOADED) if too many wait."""
        return await self._off_the_loop(lambda: self._hash.hash(password))

    async def verify_and_update(
        self, password: str, known_hash: str | None
    ) -> tuple[bool, str | None]:
        """Whether the password fits, and a new hash where the kept one is of older settings.

        ``known_hash`` is None for a user without one or for no user at all; that takes the
        same time and never fits. Raises Refused(OVERLOADED) if too many wait.
        """
        fits, newer = await self._off_the_loop(
            lambda: self._hash.verify_and_update(password, known_hash or self._nobodys)
        )
        return fits and known_hash is not None, newer

    def close(self) -> None:
        """Let the threads go; those at work finish."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def _off_the_loop(self, work: Callable[[], T]) -> T:
        if self._under_way >= self._limit:
            raise Refused(OVERLOADED, retry_after_seconds=_RETRY_AFTER_SECONDS)
        self._under_way += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, work)
        finally:
            self._under_way -= 1


def _base64(length: int) -> str:
    return base64.b64encode(secrets.token_bytes(length)).decode("ascii").rstrip("=")
