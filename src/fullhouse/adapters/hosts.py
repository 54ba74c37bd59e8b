"""What a host's name says about the way to it."""

from ipaddress import ip_address


def is_loopback(host: str) -> bool:
    """Whether the way there stays on this machine, so that nobody else can listen."""
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
