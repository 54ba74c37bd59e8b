"""Answers on their way to clients that take them compressed."""

import asyncio
import gzip
from typing import Any

import brotli  # type: ignore[import-untyped]
import pytest
import zstandard

from fullhouse.api.answers import Answers
from fullhouse.api.compression import OFF_LOOP_BYTES
from fullhouse.api.edge import Edge
from tests.support.things import Reply, Things, ask

CODINGS = ("zstd", "br", "gzip")
LARGE = "places are left, " * 500


def takes(coding: str, **more: str) -> dict[str, str]:
    """The headers of a client that takes this coding."""
    return {"Accept-Encoding": coding, **more}


def plain(reply: Reply) -> str:
    """The reply's text."""
    coding, body = reply.headers.get("content-encoding"), reply.body
    if coding == "zstd":
        body = zstandard.ZstdDecompressor().decompress(body)
    elif coding is not None:
        body = brotli.decompress(body) if coding == "br" else gzip.decompress(body)
    return body.decode()


def page(*, keeps: bool = True, text: str = LARGE, etag: str | None = None) -> Things:
    """A page with so much text; one with an ETag answers those who have it."""
    things = Things()
    things.keeps, things.value = keeps, text
    if etag is not None:
        things.extra = [(b"etag", etag.encode())]
    return things


@pytest.mark.parametrize("keeps", [True, False], ids=["kept", "not kept"])
@pytest.mark.parametrize("coding", CODINGS)
async def test_everybody_gets_the_same_text(coding: str, keeps: bool) -> None:
    edge = Edge(page(keeps=keeps), Answers())
    for _ in range(2):
        reply = await ask(edge, headers=takes(coding))
        assert reply.headers["content-encoding"] == coding
        assert reply.headers["content-length"] == str(len(reply.body))
        assert len(reply.body) < len(LARGE) / 5
        assert plain(reply) == LARGE
        assert "accept-encoding" in reply.headers["vary"].split(", ")
        reply = await ask(edge)
        assert reply.body.decode() == LARGE
        assert "content-encoding" not in reply.headers
        assert "accept-encoding" in reply.headers["vary"].split(", ")


async def test_a_kept_answer_is_compressed_once_in_each_way() -> None:
    answers = Answers()
    edge = Edge(page(), answers)
    for _ in range(3):
        for coding in CODINGS:
            assert plain(await ask(edge, headers=takes(coding))) == LARGE
    assert answers.compressor.made == {b"zstd": 1, b"br": 1, b"gzip": 1}
    answers.forget("thing:1")
    await ask(edge, headers=takes("br"))
    assert answers.compressor.made[b"br"] == 2


@pytest.mark.parametrize("size", [5_000, 3 * OFF_LOOP_BYTES], ids=["on the loop", "off the loop"])
async def test_who_asks_at_the_same_time_shares_one_compression(size: int) -> None:
    answers = Answers()
    edge = Edge(page(text="x" * size), answers)
    await ask(edge)
    replies = await asyncio.gather(*(ask(edge, headers=takes("gzip")) for _ in range(50)))
    assert {plain(reply) for reply in replies} == {"x" * size}
    assert answers.compressor.made == {b"gzip": 1}


async def test_whoever_goes_away_takes_nothing_from_the_others() -> None:
    answers = Answers()
    text = "x" * (20 * OFF_LOOP_BYTES)
    edge = Edge(page(text=text), answers)
    await ask(edge)
    first = asyncio.create_task(ask(edge, headers=takes("gzip")))
    second = asyncio.create_task(ask(edge, headers=takes("gzip")))
    await asyncio.sleep(0)
    first.cancel()
    assert plain(await second) == text
    assert answers.compressor.made == {b"gzip": 1}


async def test_the_compressed_forms_count_as_memory() -> None:
    answers = Answers(capacity_bytes=40_000)
    things = page()
    edge = Edge(things, answers)
    await ask(edge)
    before = answers.kept_bytes
    forms = [len((await ask(edge, headers=takes(coding))).body) for coding in CODINGS]
    assert answers.kept_bytes == before + sum(forms)
    assert len(answers) == 1
    # Those of an answer that had to go meanwhile do not.
    for query in ("1", "2", "3", "4", "5"):
        await ask(edge, query=query)
    assert answers.kept_bytes <= 40_000
    for query in ("1", "2", "3", "4", "5"):
        await ask(edge, query=query, headers=takes("gzip"))
    assert answers.kept_bytes <= 40_000


async def test_each_form_has_its_own_etag() -> None:
    edge = Edge(page(), Answers())
    etags = {coding: (await ask(edge, headers=takes(coding))).headers["etag"] for coding in CODINGS}
    etags["identity"] = (await ask(edge)).headers["etag"]
    assert len(set(etags.values())) == 4
    for asked in etags:
        for had in etags:
            headers = takes(asked, **{"If-None-Match": f'"other", W/{etags[had]}'})
            reply = await ask(edge, headers=headers)
            assert reply.status == (304 if asked == had else 200)
            assert reply.headers["etag"] == etags[asked]
            if asked == had:
                assert reply.body == b""
                assert "content-encoding" not in reply.headers
                assert "content-length" not in reply.headers
                assert reply.headers["vary"] == "accept-encoding, authorization"


@pytest.mark.parametrize("keeps", [True, False], ids=["kept", "not kept"])
async def test_head_tells_what_get_would_send(keeps: bool) -> None:
    edge = Edge(page(keeps=keeps), Answers())
    head = await ask(edge, method="HEAD", headers=takes("gzip"))
    got = await ask(edge, headers=takes("gzip"))
    assert head.body == b""
    changing = ("x-request-id",)
    assert {k: v for k, v in head.headers.items() if k not in changing} == {
        k: v for k, v in got.headers.items() if k not in changing
    }
    assert head.headers["content-length"] == str(len(got.body))


@pytest.mark.parametrize("keeps", [True, False], ids=["kept", "not kept"])
async def test_small_answers_stay_as_they_are(keeps: bool) -> None:
    answers = Answers()
    edge = Edge(page(keeps=keeps, text="x" * 1_000), answers)
    reply = await ask(edge, headers=takes("gzip"))
    assert "content-encoding" not in reply.headers
    assert not answers.compressor.made
    # Unless the client refuses that.
    reply = await ask(edge, headers=takes("gzip, identity;q=0"))
    assert reply.headers["content-encoding"] == "gzip"
    assert plain(reply) == "x" * 1_000


@pytest.mark.parametrize("keeps", [True, False], ids=["kept", "not kept"])
async def test_pictures_stay_as_they_are(keeps: bool) -> None:
    things = page(keeps=keeps)
    things.media_type = b"image/webp"
    answers = Answers()
    reply = await ask(Edge(things, answers), headers=takes("gzip"))
    assert reply.body.decode() == LARGE
    assert not answers.compressor.made


@pytest.mark.parametrize(
    ("path", "method", "extra", "status"),
    [
        ("/api/v1/auth/me", "GET", (), 200),
        ("//api/v1//auth/sessions/", "GET", (), 200),
        ("/api/v1/auth/login", "POST", (), 200),
        ("/api/v1/api-keys", "POST", (), 200),
        ("/things", "GET", ((b"Set-Cookie", b"a=b"),), 200),
        ("/things", "GET", ((b"cache-control", b"no-store, no-transform"),), 200),
        ("/things", "GET", ((b"content-encoding", b"br"),), 200),
        ("/things", "GET", (), 206),
    ],
    ids=[
        "way in", "way in, oddly written", "login", "write", "cookie", "not to be transformed",
        "compressed already", "part",
    ],
)  # fmt: skip
@pytest.mark.parametrize("who", ["signed in", "anonymous"])
async def test_what_a_length_may_give_away_is_not_compressed(
    path: str, method: str, extra: tuple[tuple[bytes, bytes], ...], status: int, who: str
) -> None:
    things = page(keeps=False)
    things.extra, things.status = list(extra), status
    answers = Answers()
    headers = takes("zstd, br, gzip") | ({"Authorization": "x"} if who == "signed in" else {})
    reply = await ask(Edge(things, answers), path, method=method, headers=headers)
    assert reply.status == status
    assert reply.body.decode() == LARGE
    assert not answers.compressor.made


async def test_what_comes_in_pieces_is_passed_on() -> None:
    async def streaming(_scope: Any, _receive: Any, send: Any) -> None:
        headers = [(b"content-type", b"application/json")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        for more in (True, True, False):
            await send({"type": "http.response.body", "body": b"x" * 2_000, "more_body": more})

    answers = Answers()
    signed_in = takes("gzip", Authorization="x")
    reply = await ask(Edge(streaming, answers), headers=signed_in)
    assert reply.body == b"x" * 6_000
    assert not answers.compressor.made


class Versioned(Things):
    """A page that is not kept and has an ETag of its own, as the seats of a showtime have."""

    def __init__(self) -> None:
        super().__init__()
        self.keeps, self.value = False, LARGE
        self.version = 5

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        etag = f'"{self.version}-1"'.encode()
        offered = dict(scope["headers"]).get(b"if-none-match")
        self.extra = [(b"etag", etag), (b"cache-control", b"no-cache")]
        if offered == etag:
            await send({"type": "http.response.start", "status": 304, "headers": self.extra})
            await send({"type": "http.response.body", "body": b""})
        else:
            await super().__call__(scope, receive, send)


@pytest.mark.parametrize("who", ["signed in", "anonymous"])
async def test_a_route_with_its_own_etag_never_hears_of_codings(who: str) -> None:
    versioned, answers = Versioned(), Answers()
    edge = Edge(versioned, answers)
    own = {"Authorization": "x"} if who == "signed in" else {}
    etags = {}
    for coding in (*CODINGS, "identity"):
        reply = await ask(edge, headers=takes(coding, **own))
        assert plain(reply) == LARGE
        etags[coding] = reply.headers["etag"]
    assert etags == {
        "zstd": '"5-1-zstd"',
        "br": '"5-1-br"',
        "gzip": '"5-1-gzip"',
        "identity": '"5-1"',
    }
    for coding, etag in etags.items():
        reply = await ask(edge, headers=takes(coding, **own, **{"If-None-Match": etag}))
        assert (reply.status, reply.body, reply.headers["etag"]) == (304, b"", etag)
    # Another form is another representation, and an older version is none at all.
    reply = await ask(edge, headers=takes("gzip", **own, **{"If-None-Match": etags["br"]}))
    assert (reply.status, plain(reply)) == (200, LARGE)
    versioned.version = 6
    reply = await ask(edge, headers=takes("gzip", **own, **{"If-None-Match": etags["gzip"]}))
    assert (reply.status, reply.headers["etag"]) == (200, '"6-1-gzip"')
    # The text is the same as before, and was compressed before.
    assert answers.compressor.made == {b"zstd": 1, b"br": 1, b"gzip": 1}


async def test_one_persons_list_is_compressed_for_each_request() -> None:
    answers = Answers()
    edge = Edge(page(), answers)
    for _ in range(2):
        reply = await ask(edge, headers=takes("gzip", Authorization="x"))
        assert plain(reply) == LARGE
        assert reply.headers["cache-control"] == "no-store"
    assert answers.compressor.made == {b"gzip": 2}
