"""Lists: ``limit`` with ``cursor`` or ``page``; answers ``{items, nextCursor, total?}``."""

import base64
from typing import Annotated, Any, Generic, TypeVar

import msgspec
from litestar.params import Parameter

from fullhouse.api.errors import VALIDATION_FAILED
from fullhouse.api.schemas import View
from fullhouse.kit.errors import FieldError, Refused

T = TypeVar("T")

DEFAULT_LIMIT = 20
MOST = 100
# A page further down is an expensive way to read everything: cursors exist for that.
DEEPEST_PAGE = 1_000

Limit = Annotated[int, Parameter(ge=1, le=MOST, description="How many items at most.")]
Cursor = Annotated[
    str | None, Parameter(max_length=500, description="nextCursor of the answer before.")
]
PageNumber = Annotated[
    int | None, Parameter(ge=1, le=DEEPEST_PAGE, description="Page to show, from 1.")
]


class Page(View, Generic[T]):
    """Part of a list. ``next_cursor`` is null on the last page; ``total`` comes with ``page``."""

    items: list[T]
    next_cursor: str | None = None
    total: int | None = None


class Slice(msgspec.Struct, frozen=True):
    """What part of a list is asked for: after a position, or from an offset with a count."""

    limit: int = DEFAULT_LIMIT
    after: tuple[Any, ...] | None = None
    offset: int | None = None


def slice_of(limit: int, cursor: str | None, page: int | None) -> Slice:
    """The slice that a request's parameters name; refused when they contradict each other."""
    if cursor is not None and page is not None:
        raise _refuse("cursor", "cannot be used together with page")
    if page is not None:
        return Slice(limit, offset=(page - 1) * limit)
    return Slice(limit, after=None if cursor is None else decode_cursor(cursor))


async def provide_part(
    limit: Limit = DEFAULT_LIMIT, cursor: Cursor = None, page: PageNumber = None
) -> Slice:
    """Dependency ``part`` of the routes of lists."""
    return slice_of(limit, cursor, page)


def encode_cursor(position: tuple[Any, ...]) -> str:
    """A position in a list (the sort values of its last item) as an opaque text."""
    return base64.urlsafe_b64encode(msgspec.json.encode(position)).decode("ascii").rstrip("=")


def decode_cursor(cursor: str) -> tuple[Any, ...]:
    """The position behind a cursor; refused when it was not made by us."""
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        position = msgspec.json.decode(base64.urlsafe_b64decode(padded), type=list[Any])
    except (ValueError, msgspec.DecodeError):
        raise foreign_cursor() from None
    if not position:
        raise foreign_cursor()
    return tuple(position)


def position_in(after: tuple[Any, ...], kind: Any) -> Any:
    """The position behind a cursor as the tuple type that this list uses; refused if it is not."""
    try:
        return msgspec.convert(after, kind)
    except msgspec.ValidationError:
        raise foreign_cursor() from None


def foreign_cursor() -> Refused:
    """The refusal of a cursor that belongs to another list."""
    return _refuse("cursor", "must be the nextCursor of an answer of this very list")


def _refuse(parameter: str, detail: str) -> Refused:
    return Refused(VALIDATION_FAILED, errors=(FieldError(parameter, detail),))
