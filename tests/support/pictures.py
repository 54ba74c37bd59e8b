"""Pictures to upload, good and bad ones, and asking for what became of them."""

import asyncio
import io
import struct
import zlib
from typing import Any

import httpx
from PIL import Image, ImageCms

from tests.support.catalog import API

# What a camera writes beside the picture; none of it may ever get out.
SECRETS = (b"GPS", b"Exif", b"kanarie-camera", b"kanarie-comment", b"http://ns.adobe.com/xap")
_CAMERA, _COMMENT = "kanarie-camera", b"kanarie-comment"
_LATITUDE = {1: "N", 2: (27.0, 43.0, 2.0), 3: "E", 4: (85.0, 19.0, 27.0)}
_GPS, _MAKE, _ORIENTATION = 0x8825, 0x010F, 0x0112

LEFT, RIGHT = (200, 30, 30), (30, 30, 200)


def halves(width: int = 800, height: int = 400, mode: str = "RGB") -> Image.Image:
    """A picture that is red on the left and blue on the right."""
    image = Image.new("RGB", (width, height), LEFT)
    image.paste(RIGHT, (width // 2, 0, width, height))
    return image.convert(mode)


def encoded(image: Image.Image, kind: str, **options: Any) -> bytes:
    """The picture as a file of this kind."""
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def picture(kind: str = "JPEG", width: int = 800, height: int = 400) -> bytes:
    """A good picture."""
    return encoded(halves(width, height), kind)


def photo(kind: str = "JPEG", orientation: int = 1, width: int = 800, height: int = 400) -> bytes:
    """What a telephone makes: with its place, its maker and a comment in the file."""
    exif = Image.Exif()
    exif[_MAKE] = _CAMERA
    exif[_ORIENTATION] = orientation
    exif[_GPS] = _LATITUDE
    options: dict[str, Any] = {"exif": exif}
    if kind == "JPEG":
        options["comment"] = _COMMENT
    if kind in ("JPEG", "WEBP"):
        options["xmp"] = b"<x:xmpmeta xmlns:x='http://ns.adobe.com/xap/1.0/'>kanarie-camera</x:x>"
    return encoded(halves(width, height), kind, **options)


def with_profile() -> bytes:
    """A picture whose colours are meant in another space than browsers take for granted."""
    lab = ImageCms.ImageCmsProfile(ImageCms.createProfile("XYZ"))
    return encoded(halves(), "PNG", icc_profile=lab.tobytes())


def animation(kind: str, frames: int = 3) -> bytes:
    """A picture that moves; its first frame is :func:`halves`."""
    others = [Image.new("RGB", (800, 400), (0, 250, 0)) for _ in range(frames - 1)]
    return encoded(halves(), kind, save_all=True, append_images=others, duration=40)


def bomb(width: int, height: int) -> bytes:
    """A PNG of a few hundred bytes that says it is so large, and is nothing behind its head."""
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + _chunk(b"IHDR", head)
        + _chunk(b"IDAT", zlib.compress(b""))
        + (_chunk(b"IEND", b""))
    )


def _chunk(kind: bytes, data: bytes) -> bytes:
    check = zlib.crc32(kind + data)
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", check)


def opened(data: bytes) -> Image.Image:
    """A file read back."""
    image = Image.open(io.BytesIO(data))
    image.load()
    return image


async def upload(
    client: httpx.AsyncClient,
    headers: dict[str, str],
    data: bytes,
    *,
    name: str = "picture.jpg",
    content_type: str = "image/jpeg",
    **fields: str,
) -> httpx.Response:
    """Send a picture as a browser's form does."""
    files = {"file": (name, data, content_type)}
    return await client.post(f"{API}/media", files=files, data=fields, headers=headers)


async def uploaded(
    client: httpx.AsyncClient, headers: dict[str, str], data: bytes | None = None, **fields: str
) -> dict[str, Any]:
    """Upload a picture and wait until it is what it will be."""
    answer = await upload(client, headers, data or picture(), **fields)
    assert answer.status_code == 201, answer.text
    return await settled(client, headers, answer.json()["id"])


async def settled(
    client: httpx.AsyncClient, headers: dict[str, str], media_id: str
) -> dict[str, Any]:
    """The picture, when it is ready or has failed."""
    for _ in range(600):
        found: dict[str, Any] = (
            await client.get(f"{API}/media/{media_id}", headers=headers)
        ).json()
        if found["status"] != "processing":
            return found
        await asyncio.sleep(0.1)
    raise AssertionError(f"still processing: {found}")
