"""Where a request comes from: whose word counts, and how far."""

import pytest

from fullhouse.api.proxies import LOCAL, Origin, Proxies, counted_as

PROXY = "10.0.0.1"
INNER = Proxies.parse("10.0.0.0/8, 2001:db8:aaaa::/48,192.0.2.7")


def origin(
    proxies: Proxies, peer: str | None, forwarded_for: str | None = None, proto: str | None = None
) -> Origin:
    """What is found out about a request that came through plain HTTP."""
    return proxies.origin_of(
        {"client": None if peer is None else (peer, 4711), "scheme": "http"},
        None if forwarded_for is None else forwarded_for.encode(),
        None if proto is None else proto.encode(),
    )


@pytest.mark.parametrize("peer", ["203.0.113.9", "11.0.0.1", "2001:db8:bbbb::1", "192.0.2.8"])
def test_whom_nobody_trusts_is_not_believed(peer: str) -> None:
    assert origin(INNER, peer, "198.51.100.1", "https") == Origin(peer, "http")
    assert origin(Proxies(), PROXY, "198.51.100.1", "https") == Origin(PROXY, "http")


@pytest.mark.parametrize("peer", [PROXY, "2001:db8:aaaa:1::1", "192.0.2.7", "::ffff:10.0.0.1"])
def test_a_trusted_proxy_is_believed(peer: str) -> None:
    assert origin(INNER, peer, "198.51.100.1", "https") == Origin("198.51.100.1", "https")


@pytest.mark.parametrize(
    ("forwarded_for", "address"),
    [
        # What the client wrote itself stands left of what the proxy added.
        ("1.1.1.1, 198.51.100.1", "198.51.100.1"),
        ("10.9.9.9, 198.51.100.1", "198.51.100.1"),
        ("198.51.100.1, 10.0.0.2, 192.0.2.7", "198.51.100.1"),
        ("1.1.1.1, 198.51.100.1, 10.0.0.2", "198.51.100.1"),
        # Nobody but trusted ones: the farthest.
        ("10.0.0.3, 10.0.0.2", "10.0.0.3"),
        # Rubbish ends the walk where it was last certain.
        ("198.51.100.1, rubbish, 10.0.0.2", "10.0.0.2"),
        ("198.51.100.1, unknown", PROXY),
        ("198.51.100.1, ", PROXY),
        ("198.51.100.1,,10.0.0.2", "10.0.0.2"),
        ("1.2.3", PROXY),
        ("1.2.3.4.5", PROXY),
        ("\xff", PROXY),
        ("", PROXY),
        # The forms that proxies write.
        (" 198.51.100.1 ", "198.51.100.1"),
        ("198.51.100.1:4711", "198.51.100.1"),
        ("[2001:db8::1]:4711", "2001:db8::1"),
        ("[2001:db8::1]", "2001:db8::1"),
        ("2001:DB8:0:0::1", "2001:db8::1"),
        ("::ffff:198.51.100.1", "198.51.100.1"),
        ("198.51.100.1, ::ffff:10.0.0.2", "198.51.100.1"),
    ],
)
def test_the_first_from_the_right_that_is_not_trusted(forwarded_for: str, address: str) -> None:
    assert origin(INNER, PROXY, forwarded_for).address == address


@pytest.mark.parametrize(
    ("proto", "scheme"),
    [("https", "https"), ("HTTPS", "https"), ("http", "http"), ("https, http", "http"),
     ("http,https", "https"), ("ftp", "http"), ("", "http"), ("\xff", "http")],
)  # fmt: skip
def test_the_scheme(proto: str, scheme: str) -> None:
    assert origin(INNER, PROXY, "198.51.100.1", proto).scheme == scheme
    assert origin(INNER, PROXY, None, proto) == Origin(PROXY, scheme)


def test_a_trusted_proxy_that_tells_nothing() -> None:
    assert origin(INNER, PROXY) == Origin(PROXY, "http")


# Servers tell it as no peer, as one without an address, or as its path.
@pytest.mark.parametrize("peer", [None, "", "/run/fullhouse.sock"])
def test_a_unix_socket_is_trusted_only_if_it_is_listed(peer: str | None) -> None:
    assert origin(INNER, peer, "198.51.100.1", "https") == Origin(LOCAL, "http")
    unix = Proxies.parse("unix, 10.0.0.2")
    assert origin(unix, peer) == Origin(LOCAL, "http")
    assert origin(unix, peer, "rubbish").address == LOCAL
    told = origin(unix, peer, "198.51.100.1, 10.0.0.2", "https")
    assert told == Origin("198.51.100.1", "https")
    # A hop that calls itself a socket is none.
    assert origin(unix, peer, "198.51.100.1, local").address == LOCAL


def test_addresses_are_shown_in_their_shortest_form() -> None:
    assert origin(INNER, "2001:0DB8:0:0:0::1").address == "2001:db8::1"
    assert origin(INNER, "::ffff:203.0.113.9").address == "203.0.113.9"
    assert origin(INNER, "fe80::1%eth0").address == "fe80::1"


@pytest.mark.parametrize(
    ("address", "group"),
    [
        ("203.0.113.9", "203.0.113.9"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::", "2001:db8:1:2::/64"),
        ("2001:db8:1:3::", "2001:db8:1:3::/64"),
        (LOCAL, LOCAL),
    ],
)
def test_what_an_address_counts_under(address: str, group: str) -> None:
    assert counted_as(address) == group


@pytest.mark.parametrize("part", ["proxy", "10.0.0.0/33", "10.0.0.1/8", "10.0.0", "*", "fe80::/x"])
def test_a_bad_setting_is_told(part: str) -> None:
    with pytest.raises(ValueError, match="is no IP address and no network") as error:
        Proxies.parse(f"10.0.0.1, {part}")
    assert repr(part) in str(error.value)


def test_an_empty_setting_trusts_nobody() -> None:
    for setting in ("", " ", ","):
        assert origin(Proxies.parse(setting), PROXY, "198.51.100.1").address == PROXY
