"""What is wrong with a value, said as what to send instead.

The decoder says where a value is wrong and, in the words of its own types, how. Only its sort of
complaint is taken over; what would be right is read from the declared type. Neither its words nor
the value sent reach the answer: a value may be a secret.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Any

import msgspec
import msgspec.inspect as shapes

# The key in the ``extra`` of a ``msgspec.Meta`` whose text stands in for a pattern.
IN_WORDS = "in_words"

UNKNOWN = "is not a known field"
MISSING = "is missing"
_UNEXPLAINED = "is not acceptable"

# "Expected `int` >= 1 - at `$.items[0].quantity`"; "… - at `key` in `$.items`" for mapping keys.
_LOCATED = re.compile(r"(?P<what>.*) - at (?P<key>`key` in )?`\$(?P<path>.*)`", re.DOTALL)
_STEP = re.compile(r"\.([^.\[]+)|\[(\d+)\]|(\[\.\.\.\])")
_FIELD = re.compile(r"Object (?:(?P<missing>missing)|contains) \w+ field `(?P<name>.*)`", re.DOTALL)
_COMPARED = re.compile(r"Expected `\w+` (?:[<>]=?|that's a multiple of) ")

# The step from a mapping to its keys, and to any of its values; other steps are names and indexes.
_KEY, _VALUE = "key of", "[...]"
_ARRAYS = (shapes.ListType, shapes.VarTupleType, shapes.SetType, shapes.FrozenSetType)

_NOUNS: dict[type[shapes.Type], str] = {
    shapes.BoolType: "true or false",
    shapes.IntType: "a whole number",
    shapes.FloatType: "a number",
    shapes.StrType: "a string",
    shapes.UUIDType: "a UUID",
    shapes.DateTimeType: "a time such as 2027-01-31T20:00:00Z (RFC 3339)",
    shapes.DateType: "a date such as 2027-01-31",
    **dict.fromkeys((*_ARRAYS, shapes.TupleType), "an array"),
    shapes.DictType: "an object",
    shapes.StructType: "an object",
}
_UNITS: dict[type[shapes.Type], str] = {
    shapes.StrType: "character",
    **dict.fromkeys(_ARRAYS, "item"),
    shapes.DictType: "field",
}

# A type that a value may be of, and what else its declaration says.
Choice = tuple[Any, Mapping[str, Any]]


def explain(message: str, wanted: Any) -> tuple[str, str]:
    """Where a value of the wanted type is wrong, as a JSON Pointer (RFC 6901), and what it must be.

    ``message`` is that of the decoder's ValidationError.
    """
    located = _LOCATED.fullmatch(message)
    what, path = (located["what"], located["path"]) if located else (message, "")
    steps = ["".join(step) for step in _STEP.findall(path)]
    inside = "key" if located and located["key"] else "value" if _VALUE in steps else ""
    # The message does not give the key of a mapping: point at the mapping.
    named = steps[: steps.index(_VALUE)] if _VALUE in steps else steps
    pointer = "".join(f"/{escaped(step)}" for step in named)
    if field := _FIELD.fullmatch(what):
        pointer += f"/{escaped(field['name'])}"
        return pointer, MISSING if field["missing"] else UNKNOWN
    if inside == "key":
        steps.append(_KEY)
    detail = detail_of(what, *_reached(shape_of(wanted), steps))
    return pointer, f"a {inside} in it {detail}" if inside else detail


def detail_of(complaint: str, *wanted: shapes.Type) -> str:
    """What a value of one of these types must be, as far as the decoder complained of it."""
    choices = [choice for shape in wanted for choice in _choices(shape, {})]
    if " of length " in complaint:
        said = [_length(shape) for shape, _ in choices]
    elif " matching regex " in complaint:
        said = [_pattern(shape, declared) for shape, declared in choices]
    elif _COMPARED.match(complaint):
        said = [_limits(shape) for shape, _ in choices]
    else:
        said = []
    return _joined(said) or _joined(_kind(shape) for shape, _ in choices) or _UNEXPLAINED


@lru_cache(1_024)
def shape_of(wanted: Any) -> shapes.Type:
    """The declared type in the form that can be walked, made once."""
    return shapes.type_info(wanted)


def fields_of(struct: type[msgspec.Struct]) -> dict[str, shapes.Type]:
    """The types of a struct's fields, by their names in JSON."""
    shape = shape_of(struct)
    assert isinstance(shape, shapes.StructType)
    return {field.encode_name: field.type for field in shape.fields}


def _choices(shape: shapes.Type, declared: Mapping[str, Any]) -> Iterator[Choice]:
    """The types that a value may be of, one by one."""
    if isinstance(shape, shapes.Metadata):
        schema, extra = shape.extra_json_schema or {}, shape.extra or {}
        said = {"examples": schema.get("examples"), IN_WORDS: extra.get(IN_WORDS)}
        yield from _choices(shape.type, {**declared, **{k: v for k, v in said.items() if v}})
    elif isinstance(shape, shapes.UnionType):
        for one in shape.types:
            yield from _choices(one, declared)
    else:
        yield shape, declared


def _reached(shape: shapes.Type, steps: Iterable[str]) -> list[shapes.Type]:
    """The types to which the steps lead, none where they lead nowhere."""
    reached = [shape]
    for step in steps:
        reached = [
            inner
            for outer in reached
            for choice, _ in _choices(outer, {})
            for inner in _inside(choice, step)
        ]
    return reached


def _inside(shape: shapes.Type, step: str) -> list[shapes.Type]:
    if isinstance(shape, shapes.StructType):
        return [field.type for field in shape.fields if field.encode_name == step]
    if isinstance(shape, shapes.DictType):
        return [shape.key_type if step == _KEY else shape.value_type]
    if isinstance(shape, shapes.TupleType):
        return [shape.item_types[int(step)]] if step.isdecimal() else []
    return [shape.item_type] if isinstance(shape, _ARRAYS) else []


def _kind(shape: Any) -> str:
    """What a value of the type is; null is never asked for, although some fields take it."""
    if isinstance(shape, shapes.LiteralType):
        return _one_of(shape.values)
    if isinstance(shape, shapes.EnumType):
        return _one_of(member.value for member in shape.cls)
    noun = _NOUNS.get(type(shape))
    return f"be {noun}" if noun else ""


def _one_of(values: Iterable[object]) -> str:
    names = [str(value) for value in values]
    return f"be {names[0]}" if len(names) == 1 else f"be one of {', '.join(names)}"


def _length(shape: Any) -> str:
    if isinstance(shape, shapes.TupleType):
        return f"have {_counted(len(shape.item_types), 'item')}"
    unit = _UNITS.get(type(shape))
    if unit is None:
        return ""
    least, most = shape.min_length, shape.max_length
    if least is not None and most is not None:
        return f"have {_counted(most, unit) if least == most else f'{least} to {most:,} {unit}s'}"
    if most is not None:
        return f"have at most {_counted(most, unit)}"
    return "" if least is None else f"have at least {_counted(least, unit)}"


def _counted(count: int, unit: str) -> str:
    return f"{count:,} {unit}{'' if count == 1 else 's'}"


def _limits(shape: Any) -> str:
    """Numbers are written as in JSON, without separators."""
    if not isinstance(shape, (shapes.IntType, shapes.FloatType)):
        return ""
    limits = [
        ("at least", shape.ge),
        ("more than", shape.gt),
        ("at most", shape.le),
        ("less than", shape.lt),
        ("a multiple of", shape.multiple_of),
    ]
    named = [f"{words} {limit}" for words, limit in limits if limit is not None]
    return f"be {' and '.join(named)}" if named else ""


def _pattern(shape: Any, declared: Mapping[str, Any]) -> str:
    pattern = getattr(shape, "pattern", None)
    if pattern is None:
        return ""
    examples = declared.get("examples")
    such_as = f", such as {examples[0]}" if examples else ""
    return str(declared.get(IN_WORDS) or f"match {pattern}{such_as}")


def _joined(phrases: Iterable[str]) -> str:
    """All that would be right in one phrase, each said once."""
    told = dict.fromkeys(phrase for phrase in phrases if phrase)
    return f"must {' or '.join(told).replace(' or be ', ' or ')}" if told else ""


def escaped(step: str) -> str:
    """A name as one step of a JSON Pointer (RFC 6901)."""
    return step.replace("~", "~0").replace("/", "~1")
