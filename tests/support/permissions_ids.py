"""Where requests name things by their ids, and the same request naming another's thing."""

import re
import typing
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any
from uuid import UUID

import msgspec
from litestar.handlers import HTTPRouteHandler
from litestar.params import QueryParameter

from tests.support.permissions_asks import Ask

_PATH = re.compile(r"\{(\w+):(?:uuid|str)\}")
_INDEX = re.compile(r"/\d+(?=/|$)")

# ``path:booking_id``, ``query:eventId``, ``body:/items/0/categoryId``
Position = str


def declared(handler: HTTPRouteHandler) -> set[Position]:
    """Every position where the route's requests may hold an id; ``*`` stands for any index."""
    (path,) = handler.paths
    found = {f"path:{name}" for name in _PATH.findall(path)}
    for name, parameter in handler.parsed_fn_signature.parameters.items():
        if name == "data":
            kind = msgspec.inspect.type_info(parameter.raw)
            found |= {f"body:{pointer}" for pointer in _in_type(kind, "")}
        elif UUID in typing.get_args(parameter.annotation):
            named = typing.get_args(parameter.raw)
            found |= {f"query:{one.name}" for one in named if isinstance(one, QueryParameter)}
    return found


def named(ask: Ask) -> dict[Position, str]:
    """The ids in a request, by their positions."""
    inside = [
        *((f"path:{name}", value) for name, value in ask.path.items()),
        *((f"query:{name}", value) for name, value in ask.query.items()),
        *((f"body:{pointer}", value) for pointer, value in _in_value(ask.body, "")),
    ]
    return {position: value for position, value in inside if _is_id(value)}


def unnumbered(position: Position) -> Position:
    """The position as :func:`declared` writes it."""
    return _INDEX.sub("/*", position)


def swapped(ask: Ask, ids: Mapping[Position, str]) -> Ask:
    """The same request with other ids at these positions."""
    parts = {
        part: {
            position.removeprefix(f"{part}:"): value
            for position, value in ids.items()
            if position.startswith(f"{part}:")
        }
        for part in ("path", "query", "body")
    }
    return replace(
        ask,
        path={**ask.path, **parts["path"]},
        query={**ask.query, **parts["query"]},
        body=_rewritten(ask.body, "", parts["body"]),
    )


def _in_type(kind: msgspec.inspect.Type, pointer: str) -> Iterable[str]:
    match kind:
        case msgspec.inspect.UUIDType():
            yield pointer
        case msgspec.inspect.StructType(fields=fields):
            for part in fields:
                yield from _in_type(part.type, f"{pointer}/{part.encode_name}")
        case msgspec.inspect.ListType(item_type=item):
            yield from _in_type(item, f"{pointer}/*")
        case msgspec.inspect.UnionType(types=types):
            for one in types:
                yield from _in_type(one, pointer)
        case msgspec.inspect.Metadata(type=inner):
            yield from _in_type(inner, pointer)


def _in_value(value: Any, pointer: str) -> Iterable[tuple[str, Any]]:
    for key, inner in _inside(value):
        yield from _in_value(inner, f"{pointer}/{key}")
    yield pointer, value


def _inside(value: Any) -> Iterable[tuple[Any, Any]]:
    if isinstance(value, dict):
        return value.items()
    return enumerate(value) if isinstance(value, list) else ()


def _rewritten(value: Any, pointer: str, ids: Mapping[str, str]) -> Any:
    if isinstance(value, dict):
        return {key: _rewritten(inner, f"{pointer}/{key}", ids) for key, inner in value.items()}
    if isinstance(value, list):
        return [_rewritten(inner, f"{pointer}/{i}", ids) for i, inner in enumerate(value)]
    return ids.get(pointer, value)


def _is_id(value: Any) -> bool:
    try:
        UUID(value)
    except (ValueError, TypeError, AttributeError):
        return False
    return True
