"""What lists have in common: their order, the cursors that belong to it, and chosen fields."""

from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Generic, TypeVar
from uuid import UUID

import msgspec
from sqlalchemy.ext.asyncio import AsyncConnection

from fullhouse.api.errors import VALIDATION_FAILED
from fullhouse.api.pagination import Slice, encode_cursor, foreign_cursor, position_in
from fullhouse.api.schemas import View
from fullhouse.kit.errors import FieldError, Refused
from fullhouse.kit.lists import IdColumn, SortKey, Statement, fetch_rows

T = TypeVar("T")

# A time nearer to the calendar's ends fails as soon as its offset is changed.
_EARLIEST = datetime(1, 1, 3, tzinfo=UTC)
_LATEST = datetime(9999, 12, 29, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Order:
    """By which of the list's sort keys, and whether from the end."""

    key: str
    descending: bool = False
    almost: bool = False  # of a list of what is almost spelt right: its cursors are its own

    @property
    def name(self) -> str:
        """As the sort parameter writes it: ``-startsAt``."""
        name = f"-{self.key}" if self.descending else self.key
        return f"~{name}" if self.almost else name


@dataclass(frozen=True, slots=True)
class Part(Generic[T]):
    """Part of a list; ``total`` where it was asked for by page."""

    items: list[T]
    next_cursor: str | None = None
    total: int | None = None


def order_of(sort: str, keys: Collection[str]) -> Order:
    """The order that ``sort=-startsAt`` names; refused when the list does not know it."""
    order = Order(sort.removeprefix("-"), sort.startswith("-"))
    if order.key not in keys:
        known = ", ".join(keys)
        raise refusal("sort", f"must be one of {known}, each with or without a leading -")
    return order


def position_of(after: tuple[Any, ...] | None, order: str, kind: type) -> tuple[Any, UUID] | None:
    """The sort value and id behind a cursor, which must be of a list in this very order."""
    if after is None:
        return None
    if isinstance(after[0], str) and after[0] != order:
        raise refusal("cursor", "must go on with the sort that it came with")
    _, value, row_id = position_in(after, tuple[str, kind, UUID])  # type: ignore[valid-type]
    if not is_storable(value):
        raise foreign_cursor()
    return value, row_id


async def fetch_part(
    connection: AsyncConnection,
    statement: Statement,
    id_column: IdColumn,
    sort: SortKey,
    order: Order,
    part: Slice,
) -> Part[Any]:
    """The part of the statement's rows in this order, ties by id.

    Each row ends with the two columns that the order is by: its sort value and its id.
    """
    found = await fetch_rows(
        connection,
        statement,
        id_column,
        sort.column,
        descending=order.descending,
        limit=part.limit,
        after=position_of(part.after, order.name, sort.kind),
        offset=part.offset,
    )
    following = None
    if found.go_on:
        last = found.rows[-1]
        following = encode_cursor((order.name, last.sort_value, last.sort_id))
    return Part(list(found.rows), following, found.total)


async def fetch_found(
    fetch: Callable[[bool], Awaitable[Part[T]]], searched: str | None, part: Slice
) -> Part[T]:
    """Part of what was searched for; where nothing fits at all, of what almost does.

    ``fetch`` is told whether almost is enough. A list goes on as it began, which its cursors tell.
    """
    if part.after is not None:
        return await fetch(str(part.after[0]).startswith("~"))
    found = await fetch(False)
    # Behind the last page of what fits there is nothing; a page is always counted.
    if searched and not found.items and not found.total:
        found = await fetch(True)
    return found


def is_storable(value: object) -> bool:
    """Whether the database can hold the value, so that comparing with it cannot fail."""
    if isinstance(value, datetime):
        return value.tzinfo is not None and _EARLIEST <= value <= _LATEST
    if isinstance(value, int):
        return abs(value) < 2**63
    return not isinstance(value, str) or "\0" not in value


def projected(views: Iterable[View], fields: str | None, shape: type[View]) -> list[Any]:
    """The views with only the fields that ``fields=title,price`` names, and always their id.

    Refused when the shape does not have a field.
    """
    if fields is None:
        return list(views)
    known = [field.encode_name for field in msgspec.structs.fields(shape)]
    wanted = {field.strip() for field in fields.split(",")} | {"id"}
    if not wanted <= set(known):
        raise refusal("fields", f"must be some of {', '.join(known)}, with commas between")
    kept = [name for name in known if name in wanted]
    return [_picked(msgspec.to_builtins(view), kept) for view in views]


def refusal(parameter: str, detail: str) -> Refused:
    """A refusal of one query parameter."""
    return Refused(VALIDATION_FAILED, errors=(FieldError(parameter, detail),))


def _picked(view: Mapping[str, Any], names: list[str]) -> dict[str, Any]:
    return {name: view[name] for name in names if name in view}
