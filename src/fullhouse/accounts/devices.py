"""What people call the device that a session is on, as far as its User-Agent header tells."""

import re

UNKNOWN = "Unknown device"

# The first word that is found counts: most browsers also name those that they descend from.
_PROGRAMS = (
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("SamsungBrowser/", "Samsung Internet"),
    ("Firefox/", "Firefox"),
    ("FxiOS/", "Firefox"),
    ("CriOS/", "Chrome"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
)
# An iPhone says that it is like a Mac, an Android that it is a Linux.
_SYSTEMS = (
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("CrOS", "ChromeOS"),
    ("Windows", "Windows"),
    ("Macintosh", "Mac"),
    ("Linux", "Linux"),
)
# What programs that are no browsers begin with (RFC 9110 §10.1.5): a product and its version.
_PRODUCT = re.compile(r"[\w!#$%&'*+.^`|~-]{1,40}", re.ASCII)


def device_name(agent: str) -> str:
    """A name such as ``Firefox on Linux``, for the User-Agent header of a session's last use.

    Everybody writes there what they like, so it is for the owner's eyes and proves nothing.
    """
    system = _first(_SYSTEMS, agent)
    if not agent.startswith("Mozilla/"):
        product = _PRODUCT.match(agent)
        program = None if product is None else product.group()
    else:
        program = _first(_PROGRAMS, agent)
    if program is None:
        return system or UNKNOWN
    return program if system is None else f"{program} on {system}"


def _first(names: tuple[tuple[str, str], ...], agent: str) -> str | None:
    return next((name for word, name in names if word in agent), None)
