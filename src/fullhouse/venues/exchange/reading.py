"""Reads documents of other systems: what is needed strictly, with a word on what is unknown.

A document is decoded into structs of what is known of its format, so that neither its depth nor
what else is in it costs more than the reading. A field that no struct knows is reported as lost,
and so is one that is known but not kept; a value of the wrong type refuses the document.
"""

import re
import types
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, ClassVar, TypeVar, Union, cast, get_args, get_origin, get_type_hints

import msgspec

from fullhouse.api.wording import explain
from fullhouse.kit.errors import FieldError, Refused
from fullhouse.venues.errors import SEAT_MAP_INVALID
from fullhouse.venues.exchange.losses import Losses

T = TypeVar("T")

# Seats, their positions, rows: enough for the largest map there may be. It bounds what an object
# can cost beyond its two brackets.
MOST_OBJECTS = 300_000
# So many unknown fields are named, each after the document was read once more.
_MOST_UNKNOWN = 10
_LONGEST_NAME = 60
_MORE_UNKNOWN = "more fields that are not known here may have been left out"

# "Object contains unknown field `stage` - at `$.zones[0]`"; at the root without the place.
_UNKNOWN = re.compile(r"Object contains unknown field `(.*)`", re.DOTALL)
_PLACE = " - at `$"
_STEP = re.compile(r"\.([^.\[]+)|\[(\d+)\]")

# Unknown fields that were met already, by the struct that lacks them.
_More = tuple[tuple[type, str], ...]


class Known(msgspec.Struct, frozen=True, rename="camel"):
    """Base of what is known of a format.

    Nothing is made of the fields in ``unused``, which say only what is known without them, and in
    ``lost``, where each has the words with which its loss is reported.
    """

    unused: ClassVar[tuple[str, ...]] = ()
    lost: ClassVar[Mapping[str, str]] = {}


def wrong(pointer: str, detail: str) -> Refused:
    """The refusal of a document because of this place in it."""
    return refused([FieldError(pointer, detail)])


def refused(errors: list[FieldError]) -> Refused:
    """The refusal of a document; the pointers, into the document, become those of the request."""
    inside = (FieldError(f"/document{error.pointer}", error.detail) for error in errors)
    return Refused(SEAT_MAP_INVALID, errors=tuple(inside))


def read(document: bytes, kind: type[T], losses: Losses) -> T:
    """The document as a value of the kind; fields that it does not know are noted as lost.

    Raises Refused: SEAT_MAP_INVALID with a pointer to the first value of a wrong type, or when
    there is too much of everything.
    """
    if document.count(b"{") > MOST_OBJECTS:
        raise wrong("", f"holds more than {MOST_OBJECTS:,} objects")
    more: _More = ()
    wanted: Any = _strict(cast(Hashable, kind), more)
    while True:
        try:
            found = _decoded(document, wanted)
            _tell_lost(found, _leads_to_lost(cast(Hashable, kind)), "", losses)
            return cast(T, found)
        except msgspec.ValidationError as error:
            what, placed, path = str(error).rpartition(_PLACE)
            unknown = _UNKNOWN.fullmatch(what if placed else path)
            if unknown is None:
                raise wrong(*explain(str(error), wanted)) from None
            steps = _STEP.findall(path if placed else "")
            _note(losses, unknown[1], "".join(f"/{field or index}" for field, index in steps))
            met = (_reached(kind, [field for field, _ in steps if field]), unknown[1])
            # The message is made of what others wrote: it may lead astray, but not for ever.
            if met in more or len(more) == _MOST_UNKNOWN or not _is_plain(unknown[1]):
                losses.note("", _MORE_UNKNOWN)
                wanted = _strict(cast(Hashable, kind), more, forbid=False)
            else:
                more = (*more, met)
                wanted = _strict(cast(Hashable, kind), more)


def _is_plain(name: str) -> bool:
    """Whether a struct can have a field of this name."""
    return len(name) <= _LONGEST_NAME and name.isprintable() and not set(name) & {'"', "\\"}


def _decoded(document: bytes, wanted: Any) -> Any:
    try:
        return msgspec.json.decode(document, type=wanted)
    except RecursionError:
        raise wrong("", "is nested too deeply") from None
    except msgspec.ValidationError:
        raise
    except (msgspec.DecodeError, UnicodeDecodeError):
        # Strings were not looked at when the request around the document was read.
        raise wrong("", "is not valid JSON") from None


def _note(losses: Losses, name: str, pointer: str) -> None:
    shown = name if len(name) <= _LONGEST_NAME else f"{name[:_LONGEST_NAME]}…"
    escaped = name.replace("~", "~0").replace("/", "~1")
    losses.note(f"{pointer}/{escaped}", f"the field “{shown}” is not known here and was left out")


def is_there(value: msgspec.Raw) -> bool:
    """Whether a field that is only looked at says anything."""
    return bytes(value) not in (b"", b"null", b"[]", b"{}", b"false", b'""', b"0")


@dataclass(frozen=True, slots=True)
class _Lossy:
    """Which attributes of a struct are lost, by name and words, and which lead to such structs."""

    lost: Sequence[tuple[str, str, str]]
    inner: Sequence[tuple[str, str, "_Lossy"]]


@lru_cache(64)
def _leads_to_lost(kind: Hashable) -> _Lossy:
    struct = cast(type[Known], kind)
    hints = get_type_hints(struct)
    inner = []
    for field in msgspec.structs.fields(struct):
        reached = _struct_in(hints[field.name])
        lossy = None if reached is None else _leads_to_lost(reached)
        if lossy is not None and (lossy.lost or lossy.inner):
            inner.append((field.name, field.encode_name, lossy))
    lost = [(f"ignored_{at}", *one) for at, one in enumerate(struct.lost.items())]
    return _Lossy(lost, inner)


def _tell_lost(found: Any, lossy: _Lossy, pointer: str, losses: Losses) -> None:
    for attribute, name, what in lossy.lost:
        if is_there(getattr(found, attribute)):
            losses.note(f"{pointer}/{name}", what)
    for attribute, name, inside in lossy.inner:
        value = getattr(found, attribute)
        if isinstance(value, list):
            for at, one in enumerate(value):
                _tell_lost(one, inside, f"{pointer}/{name}/{at}", losses)
        elif value is not None and value is not msgspec.UNSET:
            _tell_lost(value, inside, f"{pointer}/{name}", losses)


def _reached(kind: Any, fields: list[str]) -> type:
    """The struct to which the fields lead, whatever the lists between them."""
    for name in fields:
        hints = get_type_hints(kind)
        for field in msgspec.structs.fields(kind):
            inner = _struct_in(hints[field.name])
            if field.encode_name == name and inner is not None:
                kind = inner
                break
    return cast(type, kind)


def _struct_in(hint: Any) -> type[Known] | None:
    """The struct that a field holds, alone, in a list or besides null."""
    if get_origin(hint) is not None:
        return next((found for part in get_args(hint) if (found := _struct_in(part))), None)
    return hint if isinstance(hint, type) and issubclass(hint, Known) else None


@lru_cache(256)
def _strict(hint: Hashable, more: _More, *, forbid: bool = True) -> Any:
    """The type with structs that refuse what neither they nor ``more`` know, or ``forbid`` not."""
    origin = get_origin(hint)
    if origin is list:
        return list[_strict(get_args(hint)[0], more, forbid=forbid)]  # type: ignore[misc]
    if origin in (Union, types.UnionType):
        parts = tuple(_strict(part, more, forbid=forbid) for part in get_args(hint))
        return Union[parts]  # noqa: UP007
    if not (isinstance(hint, type) and issubclass(hint, Known)):
        return hint
    hints: Mapping[str, Any] = get_type_hints(hint)
    fields: list[Any] = [
        (one.name, _strict(hints[one.name], more, forbid=forbid), _with_default(one))
        for one in msgspec.structs.fields(hint)
    ]
    # In this order: those that are lost are found by their places.
    ignored = (*hint.lost, *hint.unused, *(name for struct, name in more if struct is hint))
    fields += [
        (f"ignored_{at}", msgspec.Raw, msgspec.field(default=msgspec.Raw(), name=name))
        for at, name in enumerate(ignored)
    ]
    return msgspec.defstruct(
        hint.__name__,
        # Without defaults first.
        sorted(fields, key=_has_default),
        frozen=True,
        forbid_unknown_fields=forbid,
        gc=False,
    )


def _has_default(field: Any) -> bool:
    given = field[2]
    return not given.default is given.default_factory is msgspec.NODEFAULT


def _with_default(field: msgspec.structs.FieldInfo) -> Any:
    if field.default_factory is not msgspec.NODEFAULT:
        return msgspec.field(default_factory=field.default_factory, name=field.encode_name)
    return msgspec.field(default=field.default, name=field.encode_name)
