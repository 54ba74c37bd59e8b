"""A process that reads one picture, which anybody may have made, and ends.

``python -m fullhouse.media.pictures inspect|make``, started by :mod:`fullhouse.media.workshop`:
the picture is on standard input, the answer goes to standard output. Whatever a picture does to the
libraries that read it, it does it here: within limits of memory, time and output, without the
server's settings and connections.
"""

import io
import resource
import sys
import warnings
from collections.abc import Iterator
from typing import Final

import msgspec
from PIL import (
    AvifImagePlugin,
    GifImagePlugin,
    Image,
    ImageCms,
    JpegImagePlugin,
    PngImagePlugin,
    WebPImagePlugin,
    features,
)

from fullhouse.accounts.hashing import step_back
from fullhouse.media import rules

INSPECT, MAKE = "inspect", "make"

# Why a picture is not taken.
UNREADABLE, TOO_MANY_PIXELS = "unreadable", "too_many_pixels"

# What the largest picture takes with its copies, and the libraries.
_MEMORY_BYTES = 1_536 * 1_024 * 1_024
_CPU_SECONDS = 60
MOST_ANSWER_BYTES = 64 * 1_024 * 1_024

# Registered by being imported; nothing else is ever tried on an upload.
_READERS: Final = {
    "JPEG": JpegImagePlugin,
    "PNG": PngImagePlugin,
    "WEBP": WebPImagePlugin,
    "GIF": GifImagePlugin,
}
_WRITERS: Final = {"webp": WebPImagePlugin, "avif": AvifImagePlugin}
_OPTIONS: Final[dict[str, dict[str, int]]] = {
    "webp": {"quality": 80, "method": 4},
    "avif": {"quality": 60, "speed": 8, "max_threads": 1},
}

_ORIENTATION = 0x0112  # the tag of EXIF
# What makes a picture upright, by its orientation; the last four exchange width and height.
_TURNS: Final = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_LYING = (5, 6, 7, 8)


class Made(msgspec.Struct):
    """A variant with its bytes."""

    format: rules.Format
    width: int
    height: int
    data: bytes


class Answer(msgspec.Struct):
    """What was found: why the picture is refused, or its size upright, and what was made of it."""

    refused: str = ""
    width: int = 0
    height: int = 0
    made: list[Made] = []


class _TooManyPixels(Exception):
    """The picture is larger than what is decoded."""


def main() -> None:
    """Answer what is asked of the picture on standard input."""
    (what,) = sys.argv[1:]
    _limit()
    step_back()
    data = sys.stdin.buffer.read()
    sys.stdout.buffer.write(msgspec.msgpack.encode(answer(what, data)))


def answer(what: str, data: bytes) -> Answer:
    """The picture inspected, or made into its variants; whatever goes wrong is its own fault."""
    warnings.simplefilter("ignore")
    warnings.simplefilter("error", Image.DecompressionBombWarning)
    Image.MAX_IMAGE_PIXELS = rules.MOST_PIXELS
    try:
        return (_inspect if what == INSPECT else _make)(data)
    except (_TooManyPixels, Image.DecompressionBombError, Image.DecompressionBombWarning):
        return Answer(TOO_MANY_PIXELS)
    except Exception:
        # The readers raise whatever comes to their mind: SyntaxError, struct.error, IndexError…
        return Answer(UNREADABLE)


def _limit() -> None:
    for kind, most in (
        (resource.RLIMIT_AS, _MEMORY_BYTES),
        (resource.RLIMIT_CPU, _CPU_SECONDS),
        (resource.RLIMIT_FSIZE, MOST_ANSWER_BYTES),
        (resource.RLIMIT_CORE, 0),
    ):
        _, hard = resource.getrlimit(kind)
        allowed = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(kind, (allowed, allowed))


def _inspect(data: bytes) -> Answer:
    image = _opened(data)
    size = _upright(image.size, _orientation_of(image))
    # To its last byte, for only then it is known to be whole.
    image.draft(None, (1, 1))
    image.load()
    return Answer("", *size)


def _make(data: bytes) -> Answer:
    image = _opened(data)
    orientation = _orientation_of(image)
    size = _upright(image.size, orientation)
    sizes = rules.sizes_of(*size)
    widest = sizes[-1][0]
    # A JPEG need not be decoded any larger than it is shown.
    image.draft(None, (widest, widest))
    image.load()
    profile = image.info.get("icc_profile")
    base = _resized(_continuous(image), _upright(sizes[-1], orientation))
    if orientation in _TURNS:
        base = base.transpose(_TURNS[orientation])
    return Answer("", *size, list(_variants(_bare(_in_srgb(base, profile)), sizes)))


def _opened(data: bytes) -> Image.Image:
    """The picture, of which only the head has been read. Of several frames it is the first."""
    image = Image.open(io.BytesIO(data), formats=tuple(_READERS))
    if rules.is_too_large(*image.size):
        raise _TooManyPixels
    return image


def _orientation_of(image: Image.Image) -> int:
    try:
        return int(image.getexif().get(_ORIENTATION, 1))
    except Exception:
        # What cameras write about a picture is often broken where the picture is not.
        return 1


def _upright(size: tuple[int, int], orientation: int) -> tuple[int, int]:
    """The size when it is turned; the same function leads back."""
    width, height = size
    return (height, width) if orientation in _LYING else (width, height)


def _continuous(image: Image.Image) -> Image.Image:
    """The picture in a mode whose colours can be mixed: no palettes, no more than 8 bits each."""
    if image.mode in ("L", "LA", "RGB", "RGBA", "CMYK"):
        if "transparency" not in image.info:
            return image
        return image.convert("RGBA")
    if image.mode.startswith("I"):
        # 16 bits of grey, which converting would cut off instead of scaling.
        return image.convert("I").point(lambda level: level * (1 / 256)).convert("L")
    has_alpha = image.mode in ("PA", "La", "RGBa") or "transparency" in image.info
    return image.convert("RGBA" if has_alpha else "RGB")


def _resized(image: Image.Image, size: tuple[int, int]) -> Image.Image:
    if image.size == size:
        return image
    return image.resize(size, Image.Resampling.LANCZOS, reducing_gap=3.0)


def _in_srgb(image: Image.Image, profile: bytes | None) -> Image.Image:
    """The picture in the colours that every browser takes for granted."""
    plain = "RGBA" if image.mode in ("LA", "RGBA") else "RGB"
    if profile:
        try:
            source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            if image.mode == "LA":
                image = image.convert("RGBA")
            target = ImageCms.createProfile("sRGB")
            converted = ImageCms.profileToProfile(image, source, target, outputMode=plain)
            return image if converted is None else converted
        except (ImageCms.PyCMSError, OSError, TypeError, ValueError):
            pass  # a broken profile, or one of other colours: without it the picture is still one
    return image.convert(plain)


def _bare(image: Image.Image) -> Image.Image:
    """The pixels and nothing else: a new picture knows no EXIF, no profile, no comment."""
    return Image.frombytes(image.mode, image.size, image.tobytes())


def _variants(base: Image.Image, sizes: list[tuple[int, int]]) -> Iterator[Made]:
    scaled = [_resized(base, size) for size in sizes]
    for variant_format in _WRITERS:
        if variant_format == "webp" or features.check("avif"):
            for image in scaled:
                file = io.BytesIO()
                image.save(file, variant_format, **_OPTIONS[variant_format])
                yield Made(variant_format, *image.size, file.getvalue())  # type: ignore[arg-type]


if __name__ == "__main__":
    main()
