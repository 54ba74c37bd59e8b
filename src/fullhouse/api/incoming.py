"""A request's body on its way in: how long it may take, and what becomes of the rest.

Two things can go wrong with a body that comes later than its headers.

- It is held back on purpose. Whoever was let in by the headers would keep their rights for as long,
  although they were taken away meanwhile: so they are looked at again when a late body is whole,
  and no body may take for ever.
- The answer is known before it has come. Breaking the connection while the client still sends
  looks like a dead server to a proxy: nginx stops asking it for ten seconds, and one stranger with
  a large body and no token would have taken the site away from everybody. So the rest is read and
  thrown away first, as far as that is reasonable (RFC 9112 §9.6 tells of the same).
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from fullhouse.api.errors import MALFORMED_REQUEST
from fullhouse.kit.errors import Refused

Receive = Callable[[], Awaitable[dict[str, Any]]]
# Looks again whether the caller still is who they were; raises Refused when not.
Recheck = Callable[[], Awaitable[None]]

# A whole body in this time, however it trickles in.
MOST_SECONDS = 60.0
# Nobody loses rights and keeps them for longer than this by sending slowly.
LATE_SECONDS = 1.0
# What is thrown away: of more than this, or of what takes longer, the connection is broken.
MOST_DRAINED_BYTES = 64 * 1024 * 1024
MOST_DRAINED_SECONDS = 15.0


class Incoming:
    """Hands the body on, and knows whether all of it has come."""

    __slots__ = ("_begun", "_drains", "_receive", "_recheck", "_whole")

    def __init__(self, receive: Receive, *, drains: bool = True) -> None:
        """``drains`` is false where the rest is too much, or not sent before it is asked for."""
        self._receive = receive
        self._drains = drains
        self._recheck: Recheck | None = None
        self._begun = time.monotonic()
        self._whole = False

    def recheck_late(self, recheck: Recheck) -> None:
        """Let the caller be looked at again when the body is whole, if that takes its time."""
        self._recheck = recheck

    async def receive(self) -> dict[str, Any]:
        """The next part; for whoever answers the request.

        Raises Refused: MALFORMED_REQUEST when it takes too long, and whatever looking at the caller
        again brings up.
        """
        try:
            async with asyncio.timeout(self._begun + MOST_SECONDS - time.monotonic()):
                message = await self._receive()
        except TimeoutError:
            # Nothing more is waited for, not even to be thrown away.
            self._whole = True
            detail = f"The body did not come within {MOST_SECONDS:g} seconds."
            raise Refused(MALFORMED_REQUEST, detail) from None
        if message["type"] != "http.request" or not message.get("more_body"):
            self._whole = True
            if self._recheck is not None and time.monotonic() - self._begun > LATE_SECONDS:
                await self._recheck()
        return message

    async def drain(self) -> None:
        """Read what nobody has read, and forget it."""
        if self._whole or not self._drains:
            return
        size = 0
        try:
            async with asyncio.timeout(MOST_DRAINED_SECONDS):
                while not self._whole and size <= MOST_DRAINED_BYTES:
                    message = await self._receive()
                    self._whole = message["type"] != "http.request" or not message.get("more_body")
                    size += len(message.get("body", b""))
        except TimeoutError:
            # Whoever sends so slowly has had the time to be answered.
            self._whole = True


def incoming_of(headers: Mapping[bytes, bytes], receive: Receive) -> Incoming | None:
    """The body that these headers announce; None where there is none."""
    length = headers.get(b"content-length", b"0")
    if b"transfer-encoding" not in headers and length == b"0":
        return None
    # A client that asks first whether it may send (RFC 9110 §10.1.1) is told by the answer.
    too_much = length.isdigit() and int(length) > MOST_DRAINED_BYTES
    return Incoming(receive, drains=not too_much and b"expect" not in headers)
