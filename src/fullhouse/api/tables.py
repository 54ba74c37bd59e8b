"""Requests whose body is a table of text: ``text/csv`` (RFC 4180), always in UTF-8."""

from typing import Annotated

from litestar.params import Body

from fullhouse.api.errors import MALFORMED_REQUEST, UNSUPPORTED_MEDIA_TYPE, VALIDATION_FAILED
from fullhouse.kit.errors import Refused

CONTENT_TYPE = "text/csv"
_UTF_8 = ("utf-8", "utf8")

# What a route declares as its ``data`` to be given the text of such a body.
CsvText = Annotated[
    str,
    Body(
        media_type=CONTENT_TYPE,
        description="A table in UTF-8 whose first line names its columns; commas or semicolons "
        "between cells, which may stand in double quotes.",
    ),
]


def text_of(body: bytes, content_type: str, options: dict[str, str]) -> str:
    """The text of such a body, without its byte order mark.

    Raises Refused: UNSUPPORTED_MEDIA_TYPE, MALFORMED_REQUEST, VALIDATION_FAILED.
    """
    charset = options.get("charset", "utf-8").lower()
    if content_type != CONTENT_TYPE or charset not in _UTF_8:
        raise Refused(UNSUPPORTED_MEDIA_TYPE, f"This route takes {CONTENT_TYPE} in UTF-8 only.")
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise Refused(MALFORMED_REQUEST, "The request body is not text in UTF-8.") from None
    if "\0" in text:
        raise Refused(VALIDATION_FAILED, "The request holds a NUL character (U+0000).")
    return text
