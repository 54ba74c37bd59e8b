"""Whatever is wrong with a body of whichever route, it is said in our words and not repeated."""

import re
from collections.abc import Iterator
from typing import Any

import msgspec
import msgspec.inspect as shapes
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from fullhouse.api.errors import VALIDATION_FAILED
from fullhouse.api.forms import FormBody
from fullhouse.api.mistakes import MOST_BYTES, MOST_MISTAKES
from fullhouse.api.requests import decode_json
from fullhouse.api.wording import MISSING, UNKNOWN, explain
from fullhouse.app import API_ROUTES
from fullhouse.kit.errors import Refused

CANARY = "Kanarienvogel"
ID = "00000000-0000-7000-8000-000000000000"
BODIES = {
    next(iter(handler.http_methods)) + " " + min(handler.paths): data.raw
    for handler in API_ROUTES
    if (data := handler.parsed_fn_signature.parameters.get("data")) is not None
    # Forms are read in another way.
    and not (isinstance(data.raw, type) and issubclass(data.raw, FormBody))
}

_COUNT = r"(\d[\d,]* to |at (least|most) )?\d[\d,]* (characters?|items?|fields?)"
_LIMIT = r"(at least|more than|at most|less than) -?[\d.e+]+"
_NOUN = r"an? (whole number|number|string|UUID|array|object)"
_WORDS = r"[\w:-]+"
VOCABULARY = re.compile(
    rf"{MISSING}|{UNKNOWN}|must ("
    rf"be (true or false|{_NOUN}( or {_NOUN})?)|"
    r"be a time such as 2027-01-31T20:00:00Z \(RFC 3339\)|be a date such as 2027-01-31|"
    r"be an https address|be the two letters of a country, such as DE \(ISO 3166-1 alpha-2\)|"
    rf"be one of {_WORDS}(, {_WORDS})+|be {_LIMIT}( and {_LIMIT})?|have {_COUNT}|"
    r"hold (something to see and )?no control characters|match \S+, such as [\w:#-]+)"
)

Path = tuple[str | int, ...]


def plain(shape: shapes.Type) -> Any:
    """The type without what may be said about it, and without null."""
    if isinstance(shape, shapes.Metadata):
        return plain(shape.type)
    if isinstance(shape, shapes.UnionType):
        return plain(next(one for one in shape.types if not isinstance(one, shapes.NoneType)))
    return shape


def right(shape: shapes.Type) -> Any:
    """A value that the type accepts, with something in every field and one item in every list."""
    match plain(shape):
        case shapes.StructType(fields=fields):
            return {field.encode_name: right(field.type) for field in fields}
        case shapes.ListType(item_type=item):
            return [right(item)]
        case shapes.VarTupleType(item_type=item):
            return [right(item)] * 3
        case shapes.RawType():
            return {}
        case shapes.StrType(pattern="^([01][0-9]|2[0-3]):[0-5][0-9]$"):
            return "19:30"
        case shapes.StrType(pattern="^#[0-9a-fA-F]{6}$"):
            return "#1e90ff"
        case shapes.StrType(pattern="^[A-Za-z]{2}$"):
            return "NP"
        case shapes.StrType(pattern=str(pattern)) if pattern.startswith("^https://"):
            return "https://video.example/1"
        case shapes.StrType(min_length=least):
            return "a" * max(3, least or 0)
        case shapes.IntType(ge=least) | shapes.FloatType(ge=least):
            return 1 if least is None else max(1, least)
        case shapes.LiteralType(values=values):
            return values[0]
        case shapes.EnumType(cls=cls):
            return next(iter(cls)).value
        case shapes.BoolType():
            return True
        case shapes.UUIDType():
            return ID
        case shapes.DateTimeType():
            return "2027-01-31T20:00:00Z"
        case shapes.DateType():
            return "2027-01-31"
        case other:
            raise AssertionError(f"say here what is right for {other!r}")


def places(shape: shapes.Type, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    """Every value inside of ``right(shape)``, with its type."""
    inner = plain(shape)
    yield path, inner
    if isinstance(inner, shapes.StructType):
        for field in inner.fields:
            yield from places(field.type, (*path, field.encode_name))
    elif isinstance(inner, shapes.ListType | shapes.VarTupleType):
        yield from places(inner.item_type, (*path, 0))


def replaced(body: Any, path: Path, value: Any) -> Any:
    """The body with this value at the place."""
    if not path:
        return value
    copy = body.copy()
    copy[path[0]] = replaced(body[path[0]], path[1:], value)
    return copy


_texts = st.one_of(
    st.text(max_size=20),
    st.sampled_from(["\x01", "\u202e", " ", " of length ", " matching regex ", "2027-01-31T20:00"]),
    st.integers(1, 20_001).map("x".__mul__),
).map(lambda text: f"{text}{CANARY}")
_json = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), _texts),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_texts, inner, max_size=3),
    max_leaves=5,
)


def wrong(shape: Any) -> st.SearchStrategy[Any]:
    """Values most of which the type does not accept, some of them nearly."""
    near: list[st.SearchStrategy[Any]] = [
        _json,
        st.sampled_from(["", "\x01", 0, -1, 10**30, 1e300]),
    ]
    if isinstance(shape, shapes.StructType):
        names = [field.encode_name for field in shape.fields]
        near.append(st.sampled_from(names).map(lambda name: _without(right(shape), name)))
        near.append(_texts.map(lambda name: right(shape) | {name: CANARY}))
    if isinstance(shape, shapes.ListType):
        near.append(st.integers(0, 3_000).map(lambda count: [right(shape.item_type)] * count))
    return st.one_of(near)


def _without(body: dict[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in body.items() if key != name}


@pytest.mark.parametrize("route", sorted(BODIES))
def test_what_is_right_is_accepted(route: str) -> None:
    """Else the property below would find the same mistake again and again."""
    decode_json(msgspec.json.encode(right(shapes.type_info(BODIES[route]))), BODIES[route])


@pytest.mark.parametrize("route", sorted(BODIES))
@given(data=st.data())
def test_a_wrong_value_is_said_in_our_words(route: str, data: st.DataObject) -> None:
    wanted = BODIES[route]
    shape = shapes.type_info(wanted)
    path, inner = data.draw(st.sampled_from(list(places(shape))))
    body = replaced(right(shape), path, data.draw(wrong(inner)))
    try:
        decode_json(msgspec.json.encode(body), wanted)
    except Refused as refused:
        assert refused.code is VALIDATION_FAILED
        for error in refused.errors:
            assert VOCABULARY.fullmatch(error.detail), error
            assert CANARY not in error.detail
            assert error.pointer.startswith("".join(f"/{step}" for step in path))


def told(body: Any, wanted: Any) -> set[tuple[str, str]]:
    """All that is said of a body."""
    sent = msgspec.json.encode(body)
    assume(len(sent) <= MOST_BYTES)
    try:
        decode_json(sent, wanted)
    except Refused as refused:
        found = [(error.pointer, error.detail) for error in refused.errors]
        assert len(found) == len(set(found))
        assume(len(found) < MOST_MISTAKES)
        return set(found)
    return set()


@pytest.mark.parametrize("route", sorted(BODIES))
@given(data=st.data())
def test_what_is_wrong_in_several_places_is_told_at_once(route: str, data: st.DataObject) -> None:
    """Neither more nor less than of each of them alone, and so what the decoder says as well."""
    wanted = BODIES[route]
    shape = shapes.type_info(wanted)
    body, apart = right(shape), set[tuple[str, str]]()
    changed: list[Path] = []
    known = dict(places(shape))
    for path in data.draw(st.lists(st.sampled_from(list(known)), max_size=4)):
        # What is inside of something else that is wrong may be lost with it.
        if any(path[: len(one)] == one or one[: len(path)] == path for one in changed):
            continue
        value = data.draw(wrong(known[path]))
        body = replaced(body, path, value)
        apart |= told(replaced(right(shape), path, value), wanted)
        changed.append(path)
    together = told(body, wanted)
    assert together == apart
    try:
        msgspec.json.decode(msgspec.json.encode(body), type=wanted)
    except msgspec.ValidationError as error:
        assert explain(str(error), wanted) in together
