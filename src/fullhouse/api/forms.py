"""Requests that carry files: ``multipart/form-data`` (RFC 7578), read as strictly as JSON is.

A route takes a form when its ``data`` is a :class:`FormBody`. Which parts are files is said by the
route and not by the request, whose words on names and types of files nobody reads.
"""

from typing import Any

import msgspec
from multipart import (  # type: ignore[import-untyped]
    MultipartError,
    MultipartSegment,
    PushMultipartParser,
)

from fullhouse.api.errors import MALFORMED_REQUEST, UNSUPPORTED_MEDIA_TYPE, VALIDATION_FAILED
from fullhouse.api.schemas import Body
from fullhouse.kit.errors import FieldError, Refused

CONTENT_TYPE = "multipart/form-data"
# The key under which a route's options have the code of a body that is larger than it takes.
TOO_LARGE = "too_large"
# What a form has besides its files: boundaries, headers, and texts.
OVERHEAD_BYTES = 64 * 1_024
_MOST_PARTS = 20

# Says in the description that a field of type bytes is a file.
FILE = msgspec.Meta(extra_json_schema={"format": "binary"})


class FormBody(Body):
    """Base of request bodies that are forms with files, in fields of type bytes."""


def read_form(
    body: bytes, content_type: str, options: dict[str, str], wanted: Any
) -> dict[str, Any]:
    """The parts of a form by their names: text where that is wanted, else bytes.

    Raises Refused: UNSUPPORTED_MEDIA_TYPE, MALFORMED_REQUEST, VALIDATION_FAILED.
    """
    boundary = options.get("boundary")
    if content_type != CONTENT_TYPE or not boundary:
        raise Refused(
            UNSUPPORTED_MEDIA_TYPE, f"This route takes {CONTENT_TYPE} with a boundary only."
        )
    fields = msgspec.structs.fields(wanted)
    # Of what the route does not know nobody can say that it is no file: it stays what it is.
    texts = {field.encode_name for field in fields if not _is_file(field)}
    values: dict[str, Any] = {}
    for name, data in _parts(body, boundary):
        if name in values:
            raise _wrong(name, "is given more than once")
        values[name] = _text(name, data) if name in texts else data
    return values


def _parts(body: bytes, boundary: str) -> list[tuple[str, bytes]]:
    found: list[tuple[str, bytes]] = []
    pieces: list[bytes] = []
    name = ""
    try:
        with PushMultipartParser(boundary, max_segment_count=_MOST_PARTS) as parser:
            for part in parser.parse(body):
                if isinstance(part, MultipartSegment):
                    name, pieces = part.name, []
                elif part:
                    pieces.append(bytes(part))
                else:
                    found.append((name, b"".join(pieces)))
    except (MultipartError, UnicodeError) as error:
        raise Refused(MALFORMED_REQUEST, "The request body is not a whole form.") from error
    return found


def _text(name: str, data: bytes) -> str:
    try:
        text = data.decode()
    except UnicodeDecodeError:
        raise _wrong(name, "must be text in UTF-8") from None
    if "\0" in text:
        raise _wrong(name, "must hold no NUL character")
    return text


def _is_file(field: msgspec.structs.FieldInfo) -> bool:
    return field.type is bytes or getattr(field.type, "__origin__", None) is bytes


def _wrong(name: str, detail: str) -> Refused:
    pointer = "/" + name.replace("~", "~0").replace("/", "~1")
    return Refused(VALIDATION_FAILED, errors=(FieldError(pointer, detail),))
