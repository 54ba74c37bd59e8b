"""Telling the log who signed in, who tried to, how and from where (OWASP ASVS 5.0, 16.3.1)."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from uuid import UUID

import structlog

from fullhouse.accounts.errors import SECOND_FACTOR_REQUIRED
from fullhouse.accounts.sessions import Device
from fullhouse.kit.errors import Kind, Refused

log = structlog.get_logger(__name__)


@dataclass(slots=True)
class Attempt:
    """Somebody signing in; ``user_id`` from when it is known whose account it is about."""

    user_id: UUID | None = None


@contextmanager
def told(device: Device, method: str) -> Iterator[Attempt]:
    """Around one step of signing in: ``password``, ``phone``, ``google``, ``second_factor``.

    What was typed is not told, not even an address that nobody has: people type passwords there.
    Nor is what we could not do ourselves, of which the access log has a line.
    """
    attempt = Attempt()
    try:
        yield attempt
    except Refused as refused:
        if refused.code is SECOND_FACTOR_REQUIRED:
            _tell("signed_in_half", device, method, attempt)
        elif refused.code.kind is not Kind.UNAVAILABLE:
            _tell("sign_in_refused", device, method, attempt, reason=refused.code.name)
        raise
    _tell("signed_in", device, method, attempt)


def _tell(event: str, device: Device, method: str, attempt: Attempt, **more: str) -> None:
    user = None if attempt.user_id is None else str(attempt.user_id)
    write = log.warning if more else log.info
    write(event, method=method, user_id=user, address=device.address, **more)
