"""The Idempotency-Key header (IETF draft-ietf-httpapi-idempotency-key-header)."""

import hashlib

from fullhouse.kit.errors import Code, FieldError, Kind, Refused

IDEMPOTENCY_KEY_INVALID = Code(
    "idempotency_key_invalid",
    Kind.MALFORMED,
    "The Idempotency-Key is empty, too long, or holds characters other than visible ASCII.",
    "Send 1 to 255 visible ASCII characters, such as a fresh UUID for each intended booking.",
)
IDEMPOTENCY_KEY_REUSED = Code(
    "idempotency_key_reused",
    Kind.INVALID,
    "This Idempotency-Key was already used with a different request.",
    "Use a new key for a new request; repeat a request only with the very same body.",
)

CODES = (IDEMPOTENCY_KEY_INVALID, IDEMPOTENCY_KEY_REUSED)

REPLAYED_HEADER = "Idempotent-Replayed"

_LONGEST = 255


def key_of_header(header: str | None) -> str | None:
    """The key, bare or quoted (the draft makes it a structured string); None without a header."""
    if header is None:
        return None
    key = header.strip()
    if len(key) >= 2 and key[0] == key[-1] == '"':
        key = key[1:-1]
    if not 1 <= len(key) <= _LONGEST or not all("!" <= character <= "~" for character in key):
        raise Refused(
            IDEMPOTENCY_KEY_INVALID,
            errors=(FieldError("Idempotency-Key", IDEMPOTENCY_KEY_INVALID.cause),),
        )
    return key


def fingerprint(canonical: bytes) -> str:
    """What tells two requests apart under one key: 128 bits of SHA-256 over the parsed request."""
    return hashlib.sha256(canonical).hexdigest()[:32]
