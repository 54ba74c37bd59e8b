"""How every part says no: a code that programs read and a sentence that people read.

A domain lists its codes in its own ``errors.py`` and raises :class:`Refused`.
``api/errors.py`` alone turns a kind into an HTTP status.
"""

from dataclasses import dataclass
from enum import Enum
from typing import Any


class Kind(Enum):
    """What sort of no it is; each maps to exactly one HTTP status."""

    MALFORMED = "malformed"  # the request could not be read at all
    INVALID = "invalid"  # it could be read, but says something impossible
    UNAUTHENTICATED = "unauthenticated"
    FORBIDDEN = "forbidden"
    MISSING = "missing"
    METHOD = "method"
    CONFLICT = "conflict"  # right in itself, at odds with the present state
    TOO_LARGE = "too_large"
    MEDIA_TYPE = "media_type"
    TOO_MANY = "too_many"  # asked more often than allowed: try again later
    UNAVAILABLE = "unavailable"  # try again later
    BUG = "bug"  # our fault


@dataclass(frozen=True, slots=True)
class Code:
    """One documented refusal. ``docs/reference/errors.md`` is made from these."""

    name: str
    kind: Kind
    cause: str
    remedy: str


@dataclass(frozen=True, slots=True)
class FieldError:
    """One wrong field of a request.

    ``pointer`` is a JSON Pointer (RFC 6901) into the body, or the name of a query parameter.
    """

    pointer: str
    detail: str


class Refused(Exception):
    """The caller's wish cannot be met, and nothing has changed.

    With a code of kind UNAVAILABLE it may have been met unseen: repeating it with its idempotency
    key finds out.

    Args:
        code: which of the documented refusals it is.
        detail: one sentence about this very case; the code's cause when left out.
        errors: the wrong fields, if the refusal is about fields.
        retry_after_seconds: when it makes sense to ask again, for unavailable and too many ones.
        members: further members of the problem document, such as the seats that are gone.
    """

    def __init__(
        self,
        code: Code,
        detail: str | None = None,
        *,
        errors: tuple[FieldError, ...] = (),
        retry_after_seconds: int | None = None,
        **members: Any,
    ) -> None:
        super().__init__(code.name, detail or code.cause)
        self.code = code
        self.detail = detail or code.cause
        self.errors = errors
        self.retry_after_seconds = retry_after_seconds
        self.members = members


UNAVAILABLE = Code(
    "temporarily_unavailable",
    Kind.UNAVAILABLE,
    "The database cannot be reached at the moment.",
    "Repeat the request after the seconds in Retry-After, with the same Idempotency-Key.",
)

OVERLOADED = Code(
    "overloaded",
    Kind.UNAVAILABLE,
    "More requests are waiting than can be answered in time.",
    "Repeat the request after the seconds in Retry-After, with the same Idempotency-Key.",
)
