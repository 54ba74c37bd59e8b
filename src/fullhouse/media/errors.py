"""What the media refuse."""

from fullhouse.kit.errors import Code, Kind

MEDIA_TOO_LARGE = Code(
    "media_too_large",
    Kind.TOO_LARGE,
    "The picture has more bytes than are taken.",
    "Send a smaller file; the limit is the setting FULLHOUSE_MAX_MEDIA_BYTES.",
)
MEDIA_TYPE_UNSUPPORTED = Code(
    "media_type_unsupported",
    Kind.MEDIA_TYPE,
    "The file is no picture of a kind that is taken, whatever it is called.",
    "Send a JPEG, PNG, WebP or GIF; of drawings such as SVG, a picture of one of these kinds.",
)
MEDIA_UNREADABLE = Code(
    "media_unreadable",
    Kind.INVALID,
    "The picture is damaged or not whole.",
    "Open it in an image editor, save it again and send that file.",
)
MEDIA_TOO_MANY_PIXELS = Code(
    "media_too_many_pixels",
    Kind.INVALID,
    "The picture is larger than 40 million pixels, or a side of it longer than 16,000.",
    "Scale it down; pages show at most 2,560 pixels of its width.",
)
MEDIA_STORAGE_UNAVAILABLE = Code(
    "media_storage_unavailable",
    Kind.UNAVAILABLE,
    "The place where pictures are kept cannot be reached at the moment.",
    "Repeat the request after the seconds in Retry-After; nothing of it was kept.",
)

CODES = (
    MEDIA_TOO_LARGE,
    MEDIA_TYPE_UNSUPPORTED,
    MEDIA_UNREADABLE,
    MEDIA_TOO_MANY_PIXELS,
    MEDIA_STORAGE_UNAVAILABLE,
)
