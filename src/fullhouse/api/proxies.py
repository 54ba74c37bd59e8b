"""Where a request really comes from, when proxies stand between the client and this server.

X-Forwarded-For and X-Forwarded-Proto are written by anybody who likes to. They count only as far as
proxies that the operator trusts have written them.
"""

from collections.abc import Iterable
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Any, NamedTuple

# The peer of a Unix socket has no address; in the setting it is called UNIX.
LOCAL = "local"
UNIX = "unix"

_SCHEMES = ("http", "https")
# One customer of a network provider has such a network, with all its addresses.
_CUSTOMER_PREFIX = 64

Address = IPv4Address | IPv6Address


class Origin(NamedTuple):
    """The client's address in its shortest form (LOCAL for a Unix socket), and its scheme."""

    address: str
    scheme: str


class Proxies:
    """The proxies that are believed.

    Args:
        trusted: addresses and networks such as ``10.0.0.0/8``; ``unix`` for whoever comes through
            a Unix socket. Raises ValueError for anything else.
    """

    def __init__(self, trusted: Iterable[str] = ()) -> None:
        self._networks = []
        self._trusts_unix = False
        for text in trusted:
            if text == UNIX:
                self._trusts_unix = True
                continue
            try:
                self._networks.append(ip_network(text))
            except ValueError:
                raise ValueError(
                    f"{text!r} is no IP address and no network such as 10.0.0.0/8 (with zeros "
                    f"after its prefix), nor {UNIX!r}"
                ) from None

    @classmethod
    def parse(cls, setting: str) -> "Proxies":
        """From a list separated by commas. Raises ValueError that names the bad one."""
        return cls(part.strip() for part in setting.split(",") if part.strip())

    def origin_of(
        self, scope: dict[str, Any], forwarded_for: bytes | None, forwarded_proto: bytes | None
    ) -> Origin:
        """The client behind the connection's peer, as far as trusted proxies tell.

        Args:
            scope: the connection's, with its ``client`` and ``scheme``.
            forwarded_for: X-Forwarded-For, several ones joined with commas.
            forwarded_proto: X-Forwarded-Proto, likewise.
        """
        peer = scope.get("client")
        written: str = peer[0] if peer else LOCAL
        scheme: str = scope.get("scheme", "http")
        if forwarded_for is None and forwarded_proto is None:
            return Origin(_shortest(written), scheme)
        address = address_of(written)
        if not self._trusts(address):
            return Origin(_shortest(written), scheme)
        if forwarded_proto is not None:
            # The last one was written by the proxy in front of us.
            told = forwarded_proto.rpartition(b",")[2].strip().lower().decode("latin-1")
            scheme = told if told in _SCHEMES else scheme
        if forwarded_for is not None:
            address = self._walk(address, forwarded_for.decode("latin-1"))
        return Origin(LOCAL if address is None else str(address), scheme)

    def lists(self, address: str) -> bool:
        """Whether an address, as :meth:`origin_of` answers it, is among them."""
        return self._trusts(address_of(address))

    def _walk(self, address: Address | None, forwarded_for: str) -> Address | None:
        """From the peer towards the client, for as long as a trusted one tells the next."""
        for entry in reversed(forwarded_for.split(",")):
            told = address_of(_without_port(entry.strip()))
            if told is None:
                break
            address = told
            if not self._trusts(address):
                break
        return address

    def _trusts(self, address: Address | None) -> bool:
        if address is None:
            return self._trusts_unix
        # Networks of the other version hold no address of this one.
        return any(address in network for network in self._networks)


@lru_cache(4_096)
def address_of(text: str) -> Address | None:
    """The address that the text writes, None if it is none.

    An IPv4 address inside an IPv6 one (RFC 4291 §2.5.5.2) is the IPv4 address; a zone goes.
    """
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped
    return address


@lru_cache(4_096)
def counted_as(address: str) -> str:
    """What requests of this address are counted under: IPv6 by its /64, others by themselves."""
    known = address_of(address)
    if isinstance(known, IPv6Address):
        return str(IPv6Network((int(known), _CUSTOMER_PREFIX), strict=False))
    return address


@lru_cache(4_096)
def _shortest(address: str) -> str:
    return str(address_of(address) or LOCAL)


def _without_port(entry: str) -> str:
    """Some proxies write ``192.0.2.1:4711`` and ``[2001:db8::1]:4711``."""
    if entry.startswith("["):
        return entry[1:].partition("]")[0]
    if entry.count(":") == 1:
        return entry.partition(":")[0]
    return entry
