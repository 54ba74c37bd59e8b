"""Names of time zones."""

import functools
import zoneinfo

# What is said of another name.
NO_TIMEZONE = "is not the IANA name of a time zone such as Europe/Zurich"

# What zone databases list beside the zones of places.
_NOT_ZONES = frozenset({"Factory", "localtime", "posixrules", "leapseconds"})


@functools.cache
def _zones() -> frozenset[str]:
    return frozenset(zoneinfo.available_timezones()) - _NOT_ZONES


def is_timezone(name: str) -> bool:
    """Whether this is the IANA name of a time zone, such as ``Asia/Kathmandu``."""
    return name in _zones()
