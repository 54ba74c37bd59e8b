"""Everything that is wrong with a body, once its decoder has stopped at the first mistake.

The body is taken apart by the declared types, and each part is given to a decoder of its own: so a
part is wrong here exactly where it would be wrong alone.
"""

import itertools
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

import msgspec

from fullhouse.api.wording import MISSING, UNKNOWN, escaped, explain
from fullhouse.kit.errors import FieldError

# More help nobody, and looking for them takes its time: of larger bodies only the first is told.
MOST_MISTAKES = 50
MOST_BYTES = 64 * 1_024

# What is wrong with a value of a type, at this pointer.
_Look = Callable[[Any, Any, str], Iterator[FieldError]]

_ARRAYS = (list, tuple, set, frozenset)


@dataclass(frozen=True, slots=True)
class _Struct:
    """The members of a struct by their names in JSON: their types, and whether they are needed."""

    members: Mapping[str, tuple[Any, bool]]
    closed: bool  # to all others


@dataclass(frozen=True, slots=True)
class _Array:
    """An array of items of one type. ``whole`` is the same of whatever items."""

    item: Any
    whole: Any


def in_json(body: bytes, wanted: Any, first: msgspec.ValidationError) -> tuple[FieldError, ...]:
    """What is wrong with a JSON document of which a decoder has told the ``first``."""
    told = FieldError(*explain(str(first), wanted))
    if len(body) > MOST_BYTES:
        return (told,)
    try:
        found = list(itertools.islice(_in_value(body, wanted, ""), MOST_MISTAKES))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        # It is no JSON further on, where the decoder did not get to.
        return (told,)
    # It is not among them beyond the limit, and where a name comes twice: only the last counts.
    return tuple(found if told in found else [told, *found])


def in_form(values: Mapping[str, Any], wanted: Any) -> tuple[FieldError, ...]:
    """What is wrong with the parts of a form by their names."""
    return tuple(_in_struct(values, _struct_of(wanted), "", _in_part))


def _in_value(text: Any, wanted: Any, pointer: str) -> Iterator[FieldError]:
    try:
        decoder_for(wanted).decode(text)
    except msgspec.ValidationError as error:
        inner = _in_parts(text, wanted, pointer)
        first = next(inner, None)
        if first is None:
            yield _told(error, wanted, pointer)
        else:
            yield from itertools.chain((first,), inner)


def _in_parts(text: Any, wanted: Any, pointer: str) -> Iterator[FieldError]:
    """What is wrong inside of an object or array; nothing where it is none, or none is wanted."""
    shape = _shape_of(wanted)
    if isinstance(shape, _Struct):
        try:
            values = decoder_for(dict[str, msgspec.Raw]).decode(text)
        except msgspec.ValidationError:
            return
        yield from _in_struct(values, shape, pointer, _in_value)
    elif isinstance(shape, _Array):
        try:
            items = decoder_for(list[msgspec.Raw]).decode(text)
        except msgspec.ValidationError:
            return
        try:
            decoder_for(shape.whole).decode(text)
        except msgspec.ValidationError as error:
            yield _told(error, wanted, pointer)
        for at, item in enumerate(items):
            yield from _in_value(item, shape.item, f"{pointer}/{at}")


def _in_part(value: Any, wanted: Any, pointer: str) -> Iterator[FieldError]:
    try:
        msgspec.convert(value, wanted)
    except msgspec.ValidationError as error:
        yield _told(error, wanted, pointer)


def _in_struct(
    values: Mapping[str, Any], shape: _Struct, pointer: str, look: _Look
) -> Iterator[FieldError]:
    for name, (wanted, needed) in shape.members.items():
        if name in values:
            yield from look(values[name], wanted, f"{pointer}/{escaped(name)}")
        elif needed:
            yield FieldError(f"{pointer}/{escaped(name)}", MISSING)
    if shape.closed:
        for name in values:
            if name not in shape.members:
                yield FieldError(f"{pointer}/{escaped(name)}", UNKNOWN)


def _told(error: msgspec.ValidationError, wanted: Any, pointer: str) -> FieldError:
    inside, detail = explain(str(error), wanted)
    return FieldError(pointer + inside, detail)


@lru_cache(1_024)
def decoder_for(wanted: Any) -> msgspec.json.Decoder[Any]:
    """A strict JSON decoder of the wanted type, made once."""
    return msgspec.json.Decoder(wanted)


@lru_cache(1_024)
def _struct_of(wanted: type[msgspec.Struct]) -> _Struct:
    members = {
        field.encode_name: (field.type, field.required) for field in msgspec.structs.fields(wanted)
    }
    return _Struct(members, wanted.__struct_config__.forbid_unknown_fields)


@lru_cache(1_024)
def _shape_of(wanted: Any) -> _Struct | _Array | None:
    """What a type is made of; None for plain values, and where more than one thing is meant."""
    found = [shape for one in _choices(wanted, ()) if (shape := _shape(*one)) is not None]
    return found[0] if len(found) == 1 else None


def _choices(wanted: Any, said: tuple[Any, ...]) -> Iterator[tuple[Any, tuple[Any, ...]]]:
    """The types that a value may be of, each with what is said about it."""
    if get_origin(wanted) is Annotated:
        yield from _choices(wanted.__origin__, (*said, *wanted.__metadata__))
    elif get_origin(wanted) in (Union, UnionType):
        for one in get_args(wanted):
            yield from _choices(one, said)
    else:
        yield wanted, said


def _shape(wanted: Any, said: tuple[Any, ...]) -> _Struct | _Array | None:
    if isinstance(wanted, type) and issubclass(wanted, msgspec.Struct):
        return _struct_of(wanted)
    if get_origin(wanted) not in _ARRAYS:
        return None
    item, *more = get_args(wanted)
    if more not in ([], [...]):
        return None
    whole: Any = list[msgspec.Raw]
    for one in said:
        whole = Annotated[whole, one]
    return _Array(item, whole)
