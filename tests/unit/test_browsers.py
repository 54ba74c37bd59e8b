"""Which pages may call the API: what a setting may say, and what is answered to whom."""

import pytest

from fullhouse.api.browsers import Cors


@pytest.mark.parametrize(
    ("text", "origin"),
    [
        ("https://tickets.example", b"https://tickets.example"),
        ("https://Tickets.Example", b"https://tickets.example"),
        ("https://tickets.example:443", b"https://tickets.example"),
        ("https://tickets.example:8443", b"https://tickets.example:8443"),
        ("http://localhost:5173", b"http://localhost:5173"),
        ("http://127.0.0.1:80", b"http://127.0.0.1"),
        ("http://[::1]:5173", b"http://[::1]:5173"),
        ("https://xn--bcher-kva.example", b"https://xn--bcher-kva.example"),
    ],
)
def test_an_origin_is_known_as_browsers_write_it(text: str, origin: bytes) -> None:
    headers = dict(Cors.parse(text).headers(origin))
    assert headers[b"access-control-allow-origin"] == origin


@pytest.mark.parametrize(
    "text",
    ["*", "null", "tickets.example", "https://*.tickets.example", "https://tickets.example/",
     "https://tickets.example/shop", "https://tickets.example?a=b", "https://a@tickets.example",
     "ftp://tickets.example", "https://", "https://:443", "https://tickets.example:",
     "https://tickets.example:99999", "https://tickets.example:x", "https://bücher.example",
     "https://tickets .example", "https://[::1", "//tickets.example", "https://a#b",
     "https://tickets.example?", "https://tickets.example#"],
)  # fmt: skip
def test_a_bad_setting_is_told(text: str) -> None:
    with pytest.raises(ValueError, match="is no origin such as https") as error:
        Cors.parse(f"https://good.example, {text}")
    assert repr(text) in str(error.value)


@pytest.mark.parametrize(
    "origin",
    [b"https://other.example", b"http://tickets.example", b"https://tickets.example:444", b"null",
     b"https://tickets.example.evil.example", b"https://TICKETS.example", b"*", b"", b"\xff"],
)  # fmt: skip
def test_other_origins_get_nothing_but_vary(origin: bytes) -> None:
    cors = Cors.parse("https://tickets.example")
    assert cors.headers(origin) == cors.headers(None) == [(b"vary", b"origin")]
    assert cors.preflight_headers(origin) == []


def test_without_a_list_nothing_is_said() -> None:
    cors = Cors.parse(" , ")
    assert cors.headers(b"https://tickets.example") == []
    asked = {b"origin": b"https://a.example", b"access-control-request-method": b"POST"}
    assert not cors.is_preflight("OPTIONS", asked)
