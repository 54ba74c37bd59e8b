"""A request's body on its way in, and what is left of it when the answer is known already.

Who refuses early would break the connection while the client still sends. A proxy in front takes
that for a dead server: nginx stops asking it for ten seconds, and one stranger with a large body
and no token would have taken the site away from everybody. So the rest is read and thrown away
first, as far as that is reasonable (RFC 9112 §9.6 tells of the same for closing a connection).
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

Receive = Callable[[], Awaitable[dict[str, Any]]]

# Of more than this, or of what takes longer, the connection is broken after all.
MOST_BYTES = 64 * 1024 * 1024
MOST_SECONDS = 15.0


class Incoming:
    """Hands the body on, and knows whether all of it has come."""

    __slots__ = ("_receive", "_whole")

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._whole = False

    async def receive(self) -> dict[str, Any]:
        """The next part; for whoever answers the request."""
        message = await self._receive()
        if message["type"] != "http.request" or not message.get("more_body"):
            self._whole = True
        return message

    async def drain(self) -> None:
        """Read what nobody has read, and forget it."""
        if self._whole:
            return
        size = 0
        try:
            async with asyncio.timeout(MOST_SECONDS):
                while not self._whole and size <= MOST_BYTES:
                    size += len((await self.receive()).get("body", b""))
        except TimeoutError:
            # Whoever sends so slowly has had the time to be answered.
            self._whole = True


def incoming_of(headers: Mapping[bytes, bytes], receive: Receive) -> Incoming | None:
    """The body that these headers announce; None where there is none, or far too much."""
    length = headers.get(b"content-length", b"")
    if b"transfer-encoding" in headers or (length.isdigit() and 0 < int(length) <= MOST_BYTES):
        # A client that asks first whether it may send (RFC 9110 §10.1.1) is told by the answer.
        return None if b"expect" in headers else Incoming(receive)
    return None
