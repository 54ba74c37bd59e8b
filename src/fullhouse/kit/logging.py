"""Structured logs: one JSON object a line on standard error, or colours for people.

No line holds a secret: everything that is logged goes through :mod:`fullhouse.kit.redaction`.
"""

import logging
import sys
import time
from collections.abc import Callable
from typing import Any, cast

import msgspec
import structlog
from structlog.typing import EventDict

from fullhouse.kit.redaction import redact, scrub, traceback_of

_LEVELS = {
    "debug": logging.DEBUG,
    "info": logging.INFO,
    "warning": logging.WARNING,
    "error": logging.ERROR,
}

# Events that are written as they are. They are the adapters of mail and text messages which, for
# want of a real one, deliver into the log: whoever runs the program so reads the codes there.
DELIVERIES = frozenset({"mail", "sms"})

# How a secret in an address begins: the access log is too hot to look for anything less likely.
_IN_PATHS = ("fhk_", "fhr_", "eyJ", "whsec_")


def configure(level: str, form: str, request_id: Callable[[], str]) -> None:
    """Set up the logs of this process. ``request_id`` names the request at hand, or nothing."""

    def add_request_id(_logger: Any, _method: str, event: EventDict) -> EventDict:
        current = request_id()
        if current:
            event.setdefault("request_id", current)
        return event

    shared: list[structlog.typing.Processor] = [
        add_request_id,
        structlog.processors.add_log_level,
        _add_timestamp,
        take_out_secrets,
    ]
    if form == "console":
        # Its own way of showing exceptions would show the values of local variables.
        last: list[structlog.typing.Processor] = [
            structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
        ]
        factory: Any = structlog.PrintLoggerFactory(sys.stderr)
    else:
        last = [structlog.processors.JSONRenderer(_encode)]
        factory = structlog.BytesLoggerFactory(sys.stderr.buffer)
    structlog.configure(
        processors=[*shared, *last],
        wrapper_class=structlog.make_filtering_bound_logger(_LEVELS[level]),
        logger_factory=factory,
        cache_logger_on_first_use=True,
    )
    # Libraries log through the standard library; their warnings belong in the same stream.
    logging.basicConfig(handlers=[_Forward()], level=logging.WARNING, force=True)


def take_out_secrets(_logger: Any, _method: str, event: EventDict) -> EventDict:
    """Replace secrets in everything that the event holds, and write out its exception.

    Of the access log, which has only fields of known form, it looks at the path alone; that takes
    a fifth of a microsecond. The fields of :data:`DELIVERIES` stay as they are.
    """
    if event.get("log") == "access":
        path = event.get("path", "")
        for beginning in _IN_PATHS:
            if beginning in path:
                event["path"] = scrub(path)
                break
        return event
    error = _exception_of(event.pop("exc_info", None))
    if event["event"] not in DELIVERIES:
        for key, value in event.items():
            event[key] = redact(value, key)
    if error is not None:
        event["exception"] = traceback_of(error)
    return event


def _exception_of(exc_info: Any) -> BaseException | None:
    """The exception meant by what callers may give as ``exc_info``."""
    if isinstance(exc_info, BaseException):
        return exc_info
    found = exc_info[1] if isinstance(exc_info, tuple) else sys.exc_info()[1] if exc_info else None
    return found if isinstance(found, BaseException) else None


# The last second that was written out, and its text: thousands of lines share it.
_second = (0, "")


def _add_timestamp(_logger: Any, _method: str, event: EventDict) -> EventDict:
    """RFC 3339 in UTC, to the microsecond."""
    global _second
    seconds, nanoseconds = divmod(time.time_ns(), 1_000_000_000)
    if seconds != _second[0]:
        _second = (seconds, time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds)))
    event["timestamp"] = f"{_second[1]}.{nanoseconds // 1000:06d}Z"
    return event


def _encode(event: Any, **_options: Any) -> str:
    return cast(str, msgspec.json.encode(event, enc_hook=repr))  # bytes: BytesLogger wants them


class _Forward(logging.Handler):
    """Passes the standard library's records on to structlog."""

    def emit(self, record: logging.LogRecord) -> None:
        logger = structlog.get_logger(record.name)
        logger.log(
            record.levelno,
            "library_log",
            logger=record.name,
            message=record.getMessage(),
            exc_info=record.exc_info,
        )
