"""The request at hand, for whoever writes a log line or a problem document."""

import re
from contextvars import ContextVar

from fullhouse.kit.ids import new_id_text

_request_id: ContextVar[str] = ContextVar("request_id", default="")

# What may come from outside and go into logs and headers: no blanks, quotes or line ends.
_ACCEPTABLE = re.compile(rb"[A-Za-z0-9._:/+=-]{1,128}")


def request_id() -> str:
    """The id of the request at hand; empty outside of one."""
    return _request_id.get()


def open_request(offered: bytes | None) -> str:
    """Take the client's X-Request-Id when it is acceptable, else make one; answers the id."""
    if offered is not None and _ACCEPTABLE.fullmatch(offered):
        chosen = offered.decode("ascii")
    else:
        chosen = new_id_text()
    _request_id.set(chosen)
    return chosen
