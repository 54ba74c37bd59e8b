"""Which coding a client gets, and what becomes of headers and ETags."""

import gzip

import brotli  # type: ignore[import-untyped]
import pytest
import zstandard

from fullhouse.api.compression import (
    CODINGS,
    OFF_LOOP_BYTES,
    Compressor,
    Offered,
    Taken,
    etag_as,
    headers_as,
    is_text,
    taken_by,
)

JSON = (b"content-type", b"application/json")


@pytest.mark.parametrize(
    ("header", "coding"),
    [
        (None, None),
        ("", None),
        ("identity", None),
        ("deflate", None),
        ("gzip", "gzip"),
        ("x-gzip", "gzip"),
        ("GZIP", "gzip"),
        ("br", "br"),
        ("zstd", "zstd"),
        ("gzip, deflate", "gzip"),
        ("gzip, deflate, br", "br"),
        ("gzip, deflate, br, zstd", "zstd"),
        ("*", "zstd"),
        ("gzip;q=1.0, br;q=0.9, zstd;q=0.8", "gzip"),
        ("gzip;q=0.5 , br ; q=0.6", "br"),
        ("zstd;q=0, br;q=0, gzip", "gzip"),
        ("*;q=0.5, gzip", "gzip"),
        ("zstd;q=0, *", "br"),
        ("gzip;q=0", None),
        ("*;q=0", None),
        ("gzip;q=0.000", None),
        ("gzip;q=0.001", "gzip"),
        ("identity, gzip;q=0.5", None),
        ("identity;q=0.5, gzip;q=0.5", "gzip"),
        ("identity;q=0.5, gzip;q=0.4", None),
        # Not well written: not welcome.
        ("gzip;q=", None),
        ("gzip;q=2", None),
        ("gzip;q=nan", None),
        ("gzip;q=-1", None),
        ("gzip;q=0.1234", None),
        ("gzip;level=9", None),
        (",,,", None),
        ("gzip" + " " * 1_000, None),
    ],
)
def test_the_best_that_the_client_takes(header: str | None, coding: str | None) -> None:
    taken = taken_by(None if header is None else header.encode())
    assert taken.coding == (None if coding is None else coding.encode())
    assert not taken.only


@pytest.mark.parametrize(
    ("header", "taken"),
    [
        ("identity;q=0, gzip", Taken(b"gzip", True)),
        ("*;q=0, br", Taken(b"br", True)),
        ("gzip, *;q=0, identity", Taken(b"gzip", False)),
        # Nothing that we have is welcome, and an answer is better than none.
        ("identity;q=0", Taken(None, False)),
        ("identity;q=0, deflate", Taken(None, False)),
    ],
)
def test_a_client_may_refuse_what_is_not_compressed(header: str, taken: Taken) -> None:
    assert taken_by(header.encode()) == taken


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ([JSON], True),
        ([(b"content-type", b"application/problem+json")], True),
        ([(b"content-type", b"text/html; charset=utf-8")], True),
        ([(b"content-type", b"image/svg+xml")], True),
        ([(b"content-type", b"image/webp")], False),
        ([(b"content-type", b"application/pdf")], False),
        ([], False),
        ([JSON, (b"content-encoding", b"gzip")], False),
        ([JSON, (b"cache-control", b"no-store, No-Transform")], False),
        ([JSON, (b"cache-control", b"no-store")], True),
    ],
)
def test_only_text_is_compressed(headers: list[tuple[bytes, bytes]], expected: bool) -> None:
    assert is_text(headers) is expected


def test_another_form_has_another_etag() -> None:
    headers = [JSON, (b"etag", b'"abc"'), (b"content-length", b"9000")]
    assert headers_as(headers, b"br", 70) == [
        JSON,
        (b"etag", b'"abc-br"'),
        (b"content-encoding", b"br"),
        (b"content-length", b"70"),
    ]
    assert etag_as(b'W/"abc"', b"gzip") == b'W/"abc-gzip"'


def test_what_a_client_offers_is_put_into_the_routes_words() -> None:
    offered = Offered(b'"1-gzip", W/"2-gzip", "3-br", "4", *', b"gzip")
    assert offered.header == b'"1", W/"2", "3-br", "4", *'
    for known, told in ((b'"1"', b'"1-gzip"'), (b'"2"', b'"2-gzip"'), (b'"4"', b'"4"')):
        assert offered.answered([JSON, (b"etag", known)]) == [JSON, (b"etag", told)]


@pytest.mark.parametrize("coding", CODINGS, ids=[coding.decode() for coding in CODINGS])
@pytest.mark.parametrize("size", [0, 10, 5_000, OFF_LOOP_BYTES, 3 * OFF_LOOP_BYTES])
async def test_what_comes_out_is_what_went_in(coding: bytes, size: int) -> None:
    body = (b"%d places are left; " * size % tuple(range(size)))[:size] if size else b""
    compressor = Compressor()
    for made in (
        await compressor.well(body, coding),
        await compressor.fast(body, coding, repeated=False),
    ):
        assert plain(made, coding) == body
        assert len(made) < max(40, size // 2)
    assert compressor.made[coding] == 2
    assert compressor.bytes_in == 2 * size


def plain(body: bytes, coding: bytes) -> bytes:
    """The body before it was compressed, by another program's word."""
    if coding == b"zstd":
        return zstandard.ZstdDecompressor().decompress(body)
    found: bytes = brotli.decompress(body) if coding == b"br" else gzip.decompress(body)
    return found


async def test_what_is_sent_again_is_not_compressed_again() -> None:
    compressor = Compressor()
    body = b"the same words " * 500
    first = await compressor.fast(body, b"gzip", repeated=True)
    assert await compressor.fast(bytes(bytearray(body)), b"gzip", repeated=True) is first
    assert compressor.made[b"gzip"] == 1
    await compressor.fast(body, b"br", repeated=True)
    await compressor.fast(body + b".", b"gzip", repeated=True)
    assert (compressor.made[b"gzip"], compressor.made[b"br"]) == (2, 1)


async def test_what_is_remembered_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fullhouse.api.compression._REPEATED_BYTES", 40_000)
    compressor = Compressor()
    bodies = [b"%d " % number * 3_000 for number in range(10)]
    for body in bodies:
        await compressor.fast(body, b"gzip", repeated=True)
    assert compressor.made[b"gzip"] == 10
    await compressor.fast(bodies[-1], b"gzip", repeated=True)
    assert compressor.made[b"gzip"] == 10
    await compressor.fast(bodies[0], b"gzip", repeated=True)
    assert compressor.made[b"gzip"] == 11
    await compressor.fast(b"x" * 30_000, b"gzip", repeated=True)
    await compressor.fast(b"x" * 30_000, b"gzip", repeated=True)
    assert compressor.made[b"gzip"] == 13  # too large to be remembered
