"""The request at hand, for whoever writes a log line or a problem document."""

import re
from contextvars import ContextVar

from fullhouse.kit.ids import new_id_text

_request_id: ContextVar[str] = ContextVar("request_id", default="")
_client_address: ContextVar[str] = ContextVar("client_address", default="")

# What may come from outside and go into logs and headers: no blanks, quotes or line ends.
_ACCEPTABLE = re.compile(rb"[A-Za-z0-9._:/+=-]{1,128}")


def request_id() -> str:
    """The id of the request at hand; empty outside of one."""
    return _request_id.get()


def client_address() -> str:
    """Where the request at hand comes from, behind all trusted proxies; empty outside of one.

    An IP address in its shortest form, or ``local`` for a client on a Unix socket.
    """
    return _client_address.get()


def open_request(offered: bytes | None, address: str) -> str:
    """Take the client's X-Request-Id when it is acceptable, else make one; answers the id.

    From here on the request's id and the client's address are known to whoever asks for them.
    """
    _client_address.set(address)
    if offered is not None and _ACCEPTABLE.fullmatch(offered):
        chosen = offered.decode("ascii")
    else:
        chosen = new_id_text()
    _request_id.set(chosen)
    return chosen
