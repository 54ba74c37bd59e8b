"""Pictures: what is refused, what is made of them, who sees them, and how they go."""

import asyncio
import hashlib
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
import pytest_asyncio
from PIL import Image, ImageCms, ImageOps

from fullhouse.api.forms import OVERHEAD_BYTES
from fullhouse.kit.db import Database, RawConnection
from fullhouse.kit.ids import new_id
from fullhouse.media import queries
from fullhouse.media.rules import LONGEST_SIDE, MOST_PIXELS, WIDTHS
from fullhouse.parts import Parts
from tests.support import pictures
from tests.support.asgi import bearer
from tests.support.catalog import API
from tests.support.house import begin_sessions, token_of
from tests.support.people import new_email, register, signed_in
from tests.support.pictures import encoded, halves, opened, settled, upload, uploaded

Headers = dict[str, str]


@pytest_asyncio.fixture(scope="module")
async def organizer(client: httpx.AsyncClient) -> Headers:
    return await signed_in(client, role="ORGANIZER")


@pytest_asyncio.fixture(scope="module")
async def stranger(client: httpx.AsyncClient) -> Headers:
    """The owner of another organization."""
    return await signed_in(client, role="ORGANIZER")


@pytest_asyncio.fixture(scope="module")
async def editor(database: Database) -> AsyncIterator[Headers]:
    """Somebody who looks after the content of all organizations, and is in none."""
    raw = await database.connect_raw()
    user_id: UUID = await raw.fetchval(
        "INSERT INTO users (id, name, email, role)"
        " VALUES (gen_random_uuid(), 'Ed', $1, 'EDITOR') RETURNING id",
        new_email(),
    )
    await begin_sessions(raw, [user_id])
    yield token_of(user_id)
    await raw.close()


async def organization_of(client: httpx.AsyncClient, headers: Headers) -> str:
    me = (await client.get(f"{API}/auth/me", headers=headers)).json()
    return str(me["organizations"][0]["id"])


async def rows(connection: RawConnection) -> int:
    count: int = await connection.fetchval("SELECT count(*) FROM media")
    return count


def stored(parts: Parts) -> set[str]:
    """The files in the storage's folder."""
    folder = parts.settings.media_dir
    assert folder is not None
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def originals(parts: Parts) -> set[str]:
    """The uploads among them."""
    return {path for path in stored(parts) if path.startswith("originals/")}


# --- what is refused

SVG = (
    b"<?xml version='1.0'?><svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>"
)
HTML = b"<!doctype html><script>alert(document.domain)</script>"
JPEG = pictures.picture()

REFUSED = {
    "svg": (SVG, 415, "media_type_unsupported"),
    "svg without a head": (SVG[21:], 415, "media_type_unsupported"),
    "html": (HTML, 415, "media_type_unsupported"),
    "text": (b"hello", 415, "media_type_unsupported"),
    "nothing": (b"", 415, "media_type_unsupported"),
    "pdf": (b"%PDF-1.7\n", 415, "media_type_unsupported"),
    "zip": (b"PK\x03\x04" + bytes(64), 415, "media_type_unsupported"),
    "bmp": (encoded(halves(), "BMP"), 415, "media_type_unsupported"),
    "tiff": (encoded(halves(), "TIFF"), 415, "media_type_unsupported"),
    "ico": (encoded(halves(64, 64), "ICO"), 415, "media_type_unsupported"),
    "avif": (encoded(halves(), "AVIF"), 415, "media_type_unsupported"),
    "sound in webp's container": (b"RIFF\x24\0\0\0WAVEfmt " + bytes(40), 415,
                                  "media_type_unsupported"),
    "gif that is a page": (b"GIF89a/*" + HTML, 422, "media_unreadable"),
    "only a head": (JPEG[:3], 422, "media_unreadable"),
    "cut jpeg": (JPEG[: len(JPEG) * 2 // 3], 422, "media_unreadable"),
    "cut png": (pictures.picture("PNG")[:-400], 422, "media_unreadable"),
    "cut webp": (pictures.picture("WEBP")[:-300], 422, "media_unreadable"),
    "cut gif": (pictures.picture("GIF")[:-600], 422, "media_unreadable"),
    "bomb": (pictures.bomb(30_000, 30_000), 422, "media_too_many_pixels"),
    "larger bomb": (pictures.bomb(2**31 - 1, 2**31 - 1), 422, "media_too_many_pixels"),
    "one pixel too many": (pictures.bomb(8_000, MOST_PIXELS // 8_000 + 1), 422,
                           "media_too_many_pixels"),
    "too long": (pictures.bomb(LONGEST_SIDE + 1, 1), 422, "media_too_many_pixels"),
    "just small enough, and empty": (pictures.bomb(8_000, MOST_PIXELS // 8_000), 422,
                                     "media_unreadable"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
@pytest.mark.parametrize("content_type", ["image/png", "image/svg+xml"])
async def test_refused(
    client: httpx.AsyncClient,
    organizer: Headers,
    connection: RawConnection,
    parts: Parts,
    name: str,
    content_type: str,
) -> None:
    data, status, code = REFUSED[name]
    before = await rows(connection), originals(parts)
    answer = await upload(client, organizer, data, name="a.png", content_type=content_type)
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text
    assert (await rows(connection), originals(parts) - before[1]) == (before[0], set())


async def test_too_many_bytes_are_refused(
    client: httpx.AsyncClient, organizer: Headers, parts: Parts, connection: RawConnection
) -> None:
    most = parts.settings.max_media_bytes
    before = await rows(connection), originals(parts)
    for size in (most + 1, most + 2 * OVERHEAD_BYTES):
        answer = await upload(client, organizer, JPEG + bytes(size - len(JPEG)))
        assert (answer.status_code, answer.json()["code"]) == (413, "media_too_large")
    assert (await rows(connection), originals(parts) - before[1]) == (before[0], set())
    # What follows the picture in its file is nobody's business, as long as it fits.
    answer = await upload(client, organizer, JPEG + bytes(most - len(JPEG)))
    assert answer.status_code == 201, answer.text


async def test_what_is_announced_as_too_large_is_not_read(
    client: httpx.AsyncClient, organizer: Headers, parts: Parts
) -> None:
    async def endless() -> AsyncIterator[bytes]:
        yield b"--x\r\n"
        raise AssertionError("was read")

    size = parts.settings.max_media_bytes + OVERHEAD_BYTES + 1
    headers = organizer | {
        "Content-Type": "multipart/form-data; boundary=x",
        "Content-Length": str(size),
        # Whoever waits to be asked for the body need not send it at all.
        "Expect": "100-continue",
    }
    answer = await client.post(f"{API}/media", content=endless(), headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (413, "media_too_large")


FORM = "multipart/form-data; boundary=x"


def part(name: str, value: bytes, *more: str) -> bytes:
    lines = [f'Content-Disposition: form-data; name="{name}"', *more]
    return b"--x\r\n" + "\r\n".join(lines).encode() + b"\r\n\r\n" + value + b"\r\n"


END = b"--x--\r\n"


@pytest.mark.parametrize(
    ("content_type", "body", "status", "code", "pointer"),
    [
        ("application/json", b'{"file": ""}', 415, "unsupported_media_type", None),
        ("application/x-www-form-urlencoded", b"file=1", 415, "unsupported_media_type", None),
        ("multipart/form-data", END, 415, "unsupported_media_type", None),
        ("multipart/mixed; boundary=x", END, 415, "unsupported_media_type", None),
        ("image/jpeg", JPEG, 415, "unsupported_media_type", None),
        ("", END, 415, "unsupported_media_type", None),
        (FORM, b"", 400, "malformed_request", None),
        (FORM, b"hello", 400, "malformed_request", None),
        (FORM, part("file", JPEG), 400, "malformed_request", None),
        (FORM, b"--x\r\n\r\nx\r\n" + END, 400, "malformed_request", None),
        (FORM, part("a", b"") * 21 + END, 400, "malformed_request", None),
        ("multipart/form-data; boundary=\xe9", END, 415, "unsupported_media_type", None),
        (FORM, END, 422, "validation_failed", "/file"),
        (FORM, part("alt", b"x") + END, 422, "validation_failed", "/file"),
        (FORM, part("file", JPEG) * 2 + END, 422, "validation_failed", "/file"),
        (FORM, part("file", JPEG) + part("a/b", b"") + END, 422, "validation_failed", "/a~1b"),
        (FORM, part("picture", JPEG) + END, 422, "validation_failed", "/file"),
        (FORM, part("file", JPEG) + part("alt", b"\xff") + END, 422, "validation_failed", "/alt"),
        (FORM, part("file", JPEG) + part("alt", b"\0") + END, 422, "validation_failed", "/alt"),
        (FORM, part("file", JPEG) + part("alt", b"\x07") + END, 422, "validation_failed", "/alt"),
        (FORM, part("file", JPEG) + part("alt", b"x" * 501) + END, 422, "validation_failed",
         "/alt"),
        (FORM, part("file", JPEG) + part("organizationId", b"x") + END, 422, "validation_failed",
         "/organizationId"),
    ],
    ids=[
        "json", "urlencoded", "no-boundary", "mixed", "bare", "untyped", "empty", "no-form",
        "cut", "no-name", "many-parts", "odd-boundary", "no-parts", "no-file", "twice", "unknown",
        "file-of-unknown-name", "no-utf8", "nul", "bell", "long-alt", "no-uuid",
    ],
)  # fmt: skip
async def test_bad_form_is_refused(
    client: httpx.AsyncClient,
    organizer: Headers,
    content_type: str,
    body: bytes,
    status: int,
    code: str,
    pointer: str | None,
) -> None:
    headers = [(name.encode(), value.encode()) for name, value in organizer.items()]
    headers += [(b"Content-Type", content_type.encode("latin-1"))] if content_type else []
    answer = await client.post(f"{API}/media", content=body, headers=headers)
    problem = answer.json()
    assert (answer.status_code, problem["code"]) == (status, code), answer.text
    assert problem.get("errors", [{"pointer": None}])[0]["pointer"] == pointer


async def test_file_under_another_name_is_no_text(
    client: httpx.AsyncClient, organizer: Headers
) -> None:
    answer = await client.post(f"{API}/media", files={"picture": JPEG}, headers=organizer)
    assert answer.json()["errors"] == [
        {"pointer": "/file", "detail": "is missing"},
        {"pointer": "/picture", "detail": "is not a known field"},
    ]


async def test_other_routes_take_no_forms(client: httpx.AsyncClient, organizer: Headers) -> None:
    answer = await client.post(f"{API}/events", files={"title": b"x"}, headers=organizer)
    assert (answer.status_code, answer.json()["code"]) == (415, "unsupported_media_type")


async def test_who_may_not_upload(client: httpx.AsyncClient, organizer: Headers) -> None:
    buyer = bearer((await register(client))["accessToken"])
    theirs = {"organizationId": await organization_of(client, organizer)}
    for headers, fields, status, code in (
        ({}, {}, 401, "unauthenticated"),
        (buyer, {}, 403, "forbidden"),
        (buyer, theirs, 403, "forbidden"),
        (organizer, {"organizationId": str(uuid4())}, 403, "forbidden"),
    ):
        answer = await upload(client, headers, JPEG, **fields)
        assert (answer.status_code, answer.json()["code"]) == (status, code)


async def test_organization_must_exist(
    client: httpx.AsyncClient, editor: Headers, parts: Parts
) -> None:
    before = originals(parts)
    answer = await upload(client, editor, JPEG, organizationId=str(uuid4()))
    assert (answer.status_code, answer.json()["code"]) == (422, "validation_failed")
    assert answer.json()["errors"][0]["pointer"] == "/organizationId"
    assert originals(parts) <= before


# --- what is made of a picture


async def variants_of(client: httpx.AsyncClient, view: dict[str, Any]) -> list[bytes]:
    found = []
    for variant in view["variants"]:
        answer = await client.get(variant["url"])
        assert answer.status_code == 200, answer.text
        assert answer.headers["content-type"] == variant["contentType"]
        image = opened(answer.content)
        assert image.size == (variant["width"], variant["height"])
        assert f"image/{(image.format or '').lower()}" == variant["contentType"]
        found.append(answer.content)
    return found


async def test_uploaded_picture_is_processed_and_then_shown(
    client: httpx.AsyncClient, organizer: Headers
) -> None:
    answer = await upload(client, organizer, JPEG, alt="  Two halves ")
    fresh = answer.json()
    assert (fresh["width"], fresh["height"], fresh["contentType"]) == (800, 400, "image/jpeg")
    assert fresh["organizationId"] == await organization_of(client, organizer)
    view = await settled(client, organizer, fresh["id"])
    assert (view["status"], view["alt"], view["failure"]) == ("ready", "Two halves", None)
    assert view["url"] == f"/media/{view['id']}/800.webp"
    sizes = [(320, 160), (640, 320), (800, 400)]
    assert [(one["contentType"], (one["width"], one["height"])) for one in view["variants"]] == [
        (kind, size) for kind in ("image/webp", "image/avif") for size in sizes
    ]
    await variants_of(client, view)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
async def test_nothing_of_the_camera_is_left(
    client: httpx.AsyncClient, organizer: Headers, kind: str
) -> None:
    data = pictures.photo(kind)
    assert any(secret in data for secret in pictures.SECRETS)
    assert opened(data).getexif().get_ifd(0x8825)[2] == (27.0, 43.0, 2.0)
    view = await uploaded(client, organizer, data)
    for variant in await variants_of(client, view):
        image = opened(variant)
        assert dict(image.getexif()) == {}
        assert not {"exif", "xmp", "icc_profile", "comment"} & image.info.keys()
        assert not any(secret in variant for secret in pictures.SECRETS)


@pytest.mark.parametrize("orientation", range(1, 9))
async def test_pictures_stand_upright(
    client: httpx.AsyncClient, organizer: Headers, orientation: int
) -> None:
    """The colour of each corner, as Pillow itself would turn the picture."""
    data = pictures.photo(orientation=orientation, width=600, height=200)
    upright = ImageOps.exif_transpose(opened(data))
    view = await uploaded(client, organizer, data)
    assert (view["width"], view["height"]) == upright.size
    assert view["variants"]
    for variant in await variants_of(client, view):
        image = opened(variant).convert("RGB")
        assert (image.width > image.height) == (upright.width > upright.height)
        for x, y in ((0.1, 0.1), (0.9, 0.1), (0.1, 0.9), (0.9, 0.9)):
            assert reddish(image, x, y) == reddish(upright, x, y)


def reddish(image: Image.Image, x: float, y: float) -> bool:
    red, _green, blue = image.getpixel((int(image.width * x), int(image.height * y)))  # type: ignore[misc]
    return bool(red > blue)


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "PNG"])
async def test_first_frame_of_what_moves(
    client: httpx.AsyncClient, organizer: Headers, kind: str
) -> None:
    view = await uploaded(client, organizer, pictures.animation(kind))
    for variant in await variants_of(client, view):
        image = opened(variant)
        assert getattr(image, "n_frames", 1) == 1
        assert reddish(image.convert("RGB"), 0.25, 0.5)
        assert not reddish(image.convert("RGB"), 0.75, 0.5)


@pytest.mark.parametrize(
    ("mode", "kind"),
    [("L", "PNG"), ("LA", "PNG"), ("P", "PNG"), ("1", "PNG"), ("I;16", "PNG"), ("RGB", "WEBP"),
     ("CMYK", "JPEG"), ("L", "JPEG"), ("P", "GIF")],
)  # fmt: skip
async def test_every_kind_of_colours(
    client: httpx.AsyncClient, organizer: Headers, mode: str, kind: str
) -> None:
    image = halves().convert("L") if mode == "I;16" else halves(mode=mode)
    expected = image.convert("RGB").convert("L")
    if mode == "I;16":
        deep = b"".join(level.to_bytes(1, "little") * 2 for level in image.tobytes())
        image = Image.frombytes("I;16", image.size, deep)
    data = encoded(image, kind)
    assert opened(data).mode == mode
    view = await uploaded(client, organizer, data)
    for variant in await variants_of(client, view):
        shown = opened(variant).convert("L")
        # Of dots only the mixture stays the same.
        small, wanted = (one.resize((8, 4), Image.Resampling.BOX) for one in (shown, expected))
        for x in (1, 6):
            difference = small.getpixel((x, 2)) - wanted.getpixel((x, 2))  # type: ignore[operator]
            assert abs(difference) < 12


async def test_what_is_transparent_stays_so(client: httpx.AsyncClient, organizer: Headers) -> None:
    image = halves(mode="RGBA")
    image.paste((0, 0, 0, 0), (0, 0, 400, 400))
    for data in (encoded(image, "PNG"), encoded(image.convert("P"), "PNG", transparency=0)):
        view = await uploaded(client, organizer, data)
        for variant in await variants_of(client, view):
            shown = opened(variant)
            assert shown.mode == "RGBA"
            alphas = [shown.getpixel((shown.width * x // 4, 5)) for x in (1, 3)]
            assert [alpha[3] > 200 for alpha in alphas] == [False, True]  # type: ignore[index]


async def test_colours_are_those_of_screens(client: httpx.AsyncClient, organizer: Headers) -> None:
    """In the profile's space red is green; without it the picture would stay red."""
    view = await uploaded(client, organizer, encoded(halves(), "PNG", icc_profile=SWAPPED))
    for variant in await variants_of(client, view):
        assert "icc_profile" not in opened(variant).info
        shown = opened(variant).convert("RGB")
        red, green, _blue = shown.getpixel((shown.width // 4, 5))  # type: ignore[misc]
        assert green > red + 50
    view = await uploaded(client, organizer, encoded(halves(), "PNG", icc_profile=b"nonsense"))
    for variant in await variants_of(client, view):
        assert "icc_profile" not in opened(variant).info
        assert reddish(opened(variant).convert("RGB"), 0.25, 0.5)


async def test_widths(client: httpx.AsyncClient, organizer: Headers) -> None:
    for width, height, expected in (
        (1, 1, [1]),
        (320, 9, [320]),
        (321, 9, [320, 321]),
        (2_560, 100, list(WIDTHS)),
        (5_000, 60, list(WIDTHS)),
        (3, LONGEST_SIDE, [3]),
    ):
        view = await uploaded(client, organizer, pictures.picture("PNG", width, height))
        for kind in ("image/webp", "image/avif"):
            found = [one["width"] for one in view["variants"] if one["contentType"] == kind]
            assert found == expected
        await variants_of(client, view)


async def test_what_follows_a_picture_never_comes_out(
    client: httpx.AsyncClient, organizer: Headers
) -> None:
    view = await uploaded(client, organizer, JPEG + HTML + b"PK\x03\x04payload")
    for variant in await variants_of(client, view):
        assert b"<script" not in variant and b"payload" not in variant


async def test_upload_itself_is_never_served_and_goes(
    client: httpx.AsyncClient, organizer: Headers, parts: Parts
) -> None:
    data = pictures.photo(width=900)
    view = await uploaded(client, organizer, data)
    original = f"{view['id']}-{hashlib.sha256(data).hexdigest()}"
    for name in (
        original, "original", f"originals%2F{original}", f"..%2F..%2Foriginals%2F{original}",
        f"../../originals/{original}", "320.jpg", "321.webp", "320.webp%00", "0320.webp",
        "320.WEBP", "%2e%2e%2f320.webp", "320.webp/",
    ):  # fmt: skip
        answer = await client.get(f"/media/{view['id']}/{name}")
        if name == "320.webp/":
            continue  # the framework passes over a slash at the end
        assert answer.status_code == 404, name
    for _ in range(100):
        if not any(path.startswith(f"originals/{view['id']}") for path in stored(parts)):
            break
        await asyncio.sleep(0.05)
    left = {path for path in stored(parts) if view["id"] in path}
    assert left == {f"pictures{one['url'].removeprefix('/media')}" for one in view["variants"]}


# --- how pictures are given out


async def test_variant_is_for_good_and_nothing_but_a_picture(
    client: httpx.AsyncClient, organizer: Headers
) -> None:
    view = await uploaded(client, organizer)
    answer = await client.get(view["url"])
    assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["content-security-policy"].startswith("default-src 'none';")
    assert answer.headers["cross-origin-resource-policy"] == "cross-origin"
    etag = answer.headers["etag"]
    for offered in (etag, f"W/{etag}", f'"other", {etag}', "*"):
        again = await client.get(view["url"], headers={"If-None-Match": offered})
        assert (again.status_code, again.content) == (304, b"")
        assert again.headers["etag"] == etag
    other = await client.get(view["url"], headers={"If-None-Match": '"other"'})
    assert (other.status_code, other.content) == (200, answer.content)
    head = await client.head(view["url"])
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-length"] == str(len(answer.content))
    # Whoever is signed in gets the same.
    signed = await client.get(view["url"], headers=organizer)
    assert signed.content == answer.content
    assert (await client.get(f"/media/{uuid4()}/320.webp")).status_code == 404
    assert (await client.get("/media/nonsense/320.webp")).status_code == 404


# --- who sees what


async def test_only_the_organization_sees_its_pictures(
    client: httpx.AsyncClient, organizer: Headers, stranger: Headers, editor: Headers
) -> None:
    view = await uploaded(client, organizer, alt="mine")
    address = f"{API}/media/{view['id']}"
    changed = {"alt": "changed"}
    for headers in ({}, stranger, bearer((await register(client))["accessToken"])):
        for answer in (
            await client.get(address, headers=headers),
            await client.patch(address, json=changed, headers=headers),
            await client.delete(address, headers=headers),
        ):
            assert answer.status_code in (401, 403, 404)
    assert (await client.get(address, headers=stranger)).status_code == 404
    assert (await client.get(address, headers=organizer)).json() == view
    assert (await client.get(address, headers=editor)).json() == view
    listed = await client.get(f"{API}/organizer/media", headers=stranger)
    assert view["id"] not in listed.text
    theirs = {"organizationId": view["organizationId"]}
    answer = await client.get(f"{API}/organizer/media", params=theirs, headers=stranger)
    assert answer.status_code == 403


async def test_what_belongs_to_the_platform_is_for_all_to_use(
    client: httpx.AsyncClient, organizer: Headers, editor: Headers
) -> None:
    view = await uploaded(client, editor, alt="everybody's")
    assert view["organizationId"] is None
    address = f"{API}/media/{view['id']}"
    assert (await client.get(address, headers=organizer)).json() == view
    listed = (await client.get(f"{API}/organizer/media", headers=organizer)).json()["items"]
    assert view["id"] in {one["id"] for one in listed}
    for answer in (
        await client.patch(address, json={"alt": "mine"}, headers=organizer),
        await client.delete(address, headers=organizer),
    ):
        assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")
    mine = await organization_of(client, organizer)
    named = await uploaded(client, editor, organizationId=mine)
    assert named["organizationId"] == mine


async def test_pictures_are_listed_newest_first_and_in_parts(client: httpx.AsyncClient) -> None:
    headers = await signed_in(client, role="ORGANIZER")
    mine = {"organizationId": await organization_of(client, headers)}
    ids = [
        (await upload(client, headers, pictures.picture("PNG", 5, 5))).json()["id"]
        for _ in range(5)
    ]
    path = f"{API}/organizer/media"
    found, cursor = [], None
    for _ in range(3):
        params = {**mine, "limit": "2"} | ({"cursor": cursor} if cursor else {})
        page = (await client.get(path, params=params, headers=headers)).json()
        found += [one["id"] for one in page["items"]]
        cursor = page["nextCursor"]
    assert (found, cursor) == (ids[::-1], None)
    params = {**mine, "limit": "2", "page": "2"}
    page = (await client.get(path, params=params, headers=headers)).json()
    assert ([one["id"] for one in page["items"]], page["total"]) == (ids[::-1][2:4], 5)
    for wrong in ("x", "WyJ4Il0", "WzFd"):
        params = {**mine, "cursor": wrong}
        answer = await client.get(path, params=params, headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (422, "validation_failed")


async def test_picture_is_described_anew(client: httpx.AsyncClient, organizer: Headers) -> None:
    view = await uploaded(client, organizer, alt="Before")
    address = f"{API}/media/{view['id']}"
    answer = await client.patch(address, json={"alt": " After "}, headers=organizer)
    assert answer.json() == view | {"alt": "After"}
    assert (await client.get(address, headers=organizer)).json() == view | {"alt": "After"}
    for wrong in ({}, {"alt": None}, {"alt": "x" * 501}, {"alt": "\u202e"}, {"alt": "", "x": 1}):
        answer = await client.patch(address, json=wrong, headers=organizer)
        assert answer.status_code == 422, wrong


async def test_deleted_picture_is_gone_everywhere(
    client: httpx.AsyncClient, organizer: Headers, database: Database, parts: Parts
) -> None:
    view = await uploaded(client, organizer)
    address = f"{API}/media/{view['id']}"
    answer = await client.delete(address, headers=organizer)
    assert (answer.status_code, answer.content) == (204, b"")
    for method, path in (("GET", address), ("DELETE", address), ("GET", view["url"])):
        answer = await client.request(method, path, headers=organizer)
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    answer = await client.patch(address, json={"alt": ""}, headers=organizer)
    assert answer.status_code == 404
    listed = await client.get(f"{API}/organizer/media", headers=organizer)
    assert view["id"] not in listed.text
    async with database.read() as connection:
        assert await queries.views(connection, [UUID(view["id"])]) == {}
    for _ in range(200):
        if not any(view["id"] in path for path in stored(parts)):
            break
        await asyncio.sleep(0.05)
    assert not any(view["id"] in path for path in stored(parts))


async def test_every_change_is_in_the_audit_log(
    client: httpx.AsyncClient, organizer: Headers, connection: RawConnection
) -> None:
    view = await uploaded(client, organizer)
    address = f"{API}/media/{view['id']}"
    await client.patch(address, json={"alt": "kanarie"}, headers=organizer)
    await client.delete(address, headers=organizer)
    logged = await connection.fetch(
        "SELECT action, organization_id, after::text FROM audit_log WHERE object_id = $1"
        " ORDER BY id",
        view["id"],
    )
    actions = [row["action"] for row in logged]
    assert actions == ["media.uploaded", "media.described", "media.deleted"]
    assert {str(row["organization_id"]) for row in logged} == {view["organizationId"]}
    assert not any("kanarie" in str(row) for row in logged)


# --- what other domains ask


async def test_which_pictures_an_organization_may_use(
    client: httpx.AsyncClient,
    organizer: Headers,
    stranger: Headers,
    editor: Headers,
    database: Database,
    connection: RawConnection,
) -> None:
    mine = await uploaded(client, organizer)
    theirs = await uploaded(client, stranger)
    platforms = await uploaded(client, editor)
    deleted = await uploaded(client, organizer)
    await client.delete(f"{API}/media/{deleted['id']}", headers=organizer)
    failed = await uploaded(client, organizer)
    await connection.execute(
        "UPDATE media SET status = 'failed', failure = 'x' WHERE id = $1", UUID(failed["id"])
    )
    fresh = (await upload(client, organizer, JPEG)).json()
    unknown = new_id()
    ids = {
        name: UUID(view["id"])
        for name, view in {
            "mine": mine, "theirs": theirs, "platforms": platforms, "deleted": deleted,
            "failed": failed, "fresh": fresh,
        }.items()
    }  # fmt: skip
    every = [unknown, *ids.values(), unknown]
    async with database.read() as reading:
        refused = await queries.check_usable(reading, every, UUID(mine["organizationId"]))
        assert refused == [unknown, ids["theirs"], ids["deleted"], ids["failed"]]
        refused = await queries.check_usable(reading, every, None)
        assert refused == [one for one in every[:-1] if one != ids["platforms"]]
        assert await queries.check_usable(reading, [], None) == []
        assert await queries.views(reading, []) == {}
        await connection.execute(
            "UPDATE media SET status = 'processing', variants = '[]', claimed_until = 'infinity'"
            " WHERE id = $1",
            ids["fresh"],
        )
        found = await queries.views(reading, every)
    assert found.keys() == {ids["mine"], ids["theirs"], ids["platforms"]}
    shown = found[ids["mine"]]
    assert (shown.url, shown.alt) == (mine["url"], "")
    assert [one.url for one in shown.variants] == [one["url"] for one in mine["variants"]]


async def test_kept_answers_hear_of_every_change(
    client: httpx.AsyncClient, organizer: Headers, parts: Parts
) -> None:
    heard: list[str] = []
    parts.listener.subscribe(heard.append)
    view = await uploaded(client, organizer)
    address = f"{API}/media/{view['id']}"

    async def notified(count: int) -> None:
        for _ in range(200):
            if heard.count(f"media:{view['id']}") == count:
                return
            await asyncio.sleep(0.02)
        raise AssertionError(heard)

    await notified(1)  # ready: before, nothing that is kept can show it
    await client.patch(address, json={"alt": "x"}, headers=organizer)
    await notified(2)
    await client.delete(address, headers=organizer)
    await notified(3)


def _swapped_profile() -> bytes:
    """The profile of a space in which red and green are exchanged, and the rest as on screens."""
    data = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    count = int.from_bytes(data[128:132], "big")
    entries = {bytes(data[start : start + 4]): start for start in range(132, 132 + 12 * count, 12)}
    red, green = (slice(entries[tag] + 4, entries[tag] + 12) for tag in (b"rXYZ", b"gXYZ"))
    data[red], data[green] = data[green], data[red]
    return bytes(data)


SWAPPED = _swapped_profile()
