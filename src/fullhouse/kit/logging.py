"""Structured logs: one JSON object a line on standard error, or colours for people."""

import logging
import sys
import time
from collections.abc import Callable
from typing import Any, cast

import msgspec
import structlog
from structlog.typing import EventDict

_LEVELS = {
    "debug": logging.DEBUG,
    "info": logging.INFO,
    "warning": logging.WARNING,
    "error": logging.ERROR,
}


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
    ]
    if form == "console":
        last: list[structlog.typing.Processor] = [structlog.dev.ConsoleRenderer()]
        factory: Any = structlog.PrintLoggerFactory(sys.stderr)
    else:
        last = [structlog.processors.format_exc_info, structlog.processors.JSONRenderer(_encode)]
        factory = structlog.BytesLoggerFactory(sys.stderr.buffer)
    structlog.configure(
        processors=[*shared, *last],
        wrapper_class=structlog.make_filtering_bound_logger(_LEVELS[level]),
        logger_factory=factory,
        cache_logger_on_first_use=True,
    )
    # Libraries log through the standard library; their warnings belong in the same stream.
    logging.basicConfig(handlers=[_Forward()], level=logging.WARNING, force=True)


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
