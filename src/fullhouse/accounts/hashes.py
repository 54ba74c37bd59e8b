"""Password hashes: Argon2id (RFC 9106) is made; what other systems made is checked and replaced.

Hashes that people bring from another system are accepted once, bcrypt and scrypt, and replaced by
Argon2id at the first login that fits.
"""

import base64
import contextlib
import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass

import argon2
import bcrypt
from pwdlib import PasswordHash
from pwdlib.exceptions import PwdlibError
from pwdlib.hashers.argon2 import Argon2Hasher
from pwdlib.hashers.base import HasherProtocol, ensure_bytes, ensure_str

_HASH_BYTES = 32
_SALT_BYTES = 16

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


class Hashes:
    """Makes and checks hashes, one at a time, in the caller's thread.

    Args:
        memory_kib: memory of one hash, in KiB.
        passes: how often the memory is gone through.
        lanes: how many parts of it are gone through independently.
    """

    def __init__(self, memory_kib: int, passes: int, lanes: int) -> None:
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

    def make(self, password: bytes) -> str:
        """A new hash in the PHC string form."""
        return self._hash.hash(password)

    def check(self, password: bytes, known_hash: str | None) -> tuple[bool, str | None]:
        """Whether the password fits, and a new hash where the kept one is of another kind.

        Of another kind is whatever these settings would not make today: other parameters, bcrypt,
        scrypt. Those two take their own time; everything else that does not fit, as None (a user
        without a hash, or no user) and what is no hash at all, takes as long as a wrong password
        of a current one.
        """
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


def _base64(length: int) -> str:
    return base64.b64encode(secrets.token_bytes(length)).decode("ascii").rstrip("=")


def _from_base64(text: str) -> bytes:
    """Base 64 without padding; raises ValueError for what is none."""
    return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
