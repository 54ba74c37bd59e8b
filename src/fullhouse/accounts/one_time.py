"""Codes and tokens that prove something once, and API keys: making and hashing them.

What is kept is never what was given out: codes of few digits as HMAC under the server's secret,
without which they cannot be guessed from a copy of the database; long random ones as SHA-256, which
nobody can reverse for 256 bits of chance.
"""

import hashlib
import hmac
import re
import secrets
import zlib
from dataclasses import dataclass
from uuid import UUID

CODE_DIGITS = 6

_TOKEN_BYTES = 32

# With what every key begins, and no other token.
KEY_PREFIX = "fhk_"
_KEY_ID_LENGTH = 12  # 71 bits: unique among all keys that there will ever be
_KEY_SECRET_LENGTH = 43  # 256 bits
_KEY_CHECKSUM_LENGTH = 6  # 32 bits
# Letters and digits only: a double click takes it whole, and no transport changes it.
_BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
# What a secret scanner has to look for.
API_KEY_PATTERN = (
    rf"{KEY_PREFIX}[0-9A-Za-z]{{{_KEY_ID_LENGTH}}}"
    rf"_[0-9A-Za-z]{{{_KEY_SECRET_LENGTH + _KEY_CHECKSUM_LENGTH}}}"
)
_API_KEY = re.compile(API_KEY_PATTERN)


def new_code() -> str:
    """Six random decimal digits, leading zeros kept (ASVS 6.5.4: about 20 bits)."""
    return f"{secrets.randbelow(10**CODE_DIGITS):0{CODE_DIGITS}d}"


def hash_code(secret: str, request_id: UUID, code: str) -> bytes:
    """What to keep of a code: HMAC-SHA256, 32 bytes, good for this request only (ASVS 6.6.2).

    Args:
        secret: the server's secret; the key is derived from it, for this use alone.
        request_id: which request the code answers.
        code: as sent or as typed; spaces and hyphens do not count.
    """
    key = hmac.digest(secret.encode(), b"fullhouse one-time code", "sha256")
    digits = re.sub(r"[\s-]", "", code)
    return hmac.digest(key, request_id.bytes + digits.encode("utf-8", "surrogatepass"), "sha256")


def matches(secret: str, request_id: UUID, code: str, known_hash: bytes) -> bool:
    """Whether a typed code is the request's, found out in constant time."""
    return hmac.compare_digest(hash_code(secret, request_id, code), known_hash)


def new_token() -> str:
    """A random token of 256 bits for a link in a mail: 43 characters that a URL takes."""
    return secrets.token_urlsafe(_TOKEN_BYTES)


def hash_token(token: str) -> bytes:
    """What to keep of a token: its SHA-256, 32 bytes; look the row up by it."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()


@dataclass(frozen=True, slots=True)
class NewApiKey:
    """A key that has just been made.

    Attributes:
        text: the key itself, shown to its owner once: ``fhk_<id>_<secret and checksum>``.
        shown: how lists and logs show it, ``fhk_<id>``; no secret.
        hash: what to keep and to look it up by, as :func:`hash_token` makes it.
    """

    text: str
    shown: str
    hash: bytes


@dataclass(frozen=True, slots=True)
class SentApiKey:
    """A key as a caller sent it: which one it says it is, and the hash to look it up by."""

    shown: str
    hash: bytes


def new_api_key() -> NewApiKey:
    """A new key with 256 bits of chance.

    Its prefix and its checksum (CRC-32 of what stands before it) let secret scanners find it
    and let typing errors be noticed without a look into the database.
    """
    shown = KEY_PREFIX + _random_text(_KEY_ID_LENGTH)
    body = f"{shown}_{_random_text(_KEY_SECRET_LENGTH)}"
    text = body + _checksum(body)
    return NewApiKey(text, shown, hash_token(text))


def read_api_key(text: str) -> SentApiKey | None:
    """The parts of a sent key; None unless it has the form of one and its checksum fits."""
    if _API_KEY.fullmatch(text) is None:
        return None
    body = text[:-_KEY_CHECKSUM_LENGTH]
    if _checksum(body) != text[-_KEY_CHECKSUM_LENGTH:]:
        return None
    return SentApiKey(text[: len(KEY_PREFIX) + _KEY_ID_LENGTH], hash_token(text))


def _random_text(length: int) -> str:
    return "".join(secrets.choice(_BASE62) for _ in range(length))


def _checksum(body: str) -> str:
    number = zlib.crc32(body.encode("ascii"))
    digits = ""
    for _ in range(_KEY_CHECKSUM_LENGTH):
        number, digit = divmod(number, len(_BASE62))
        digits = _BASE62[digit] + digits
    return digits
