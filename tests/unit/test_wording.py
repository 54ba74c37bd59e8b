"""What is said of a wrong value: what to send instead, and never what was sent."""

from datetime import date, datetime
from enum import Enum
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
import pytest
from msgspec import Meta

from fullhouse.api.wording import IN_WORDS, detail_of, explain

SECRET = "hunter2-of-length-matching-regex"
_LOUD = {IN_WORDS: "be loud"}


class Colour(Enum):
    RED = "red"
    GREEN = "green"


class Seat(msgspec.Struct, rename="camel", forbid_unknown_fields=True):
    row_name: str
    price: Annotated[float, Meta(gt=0, le=2)] = 1


class Everything(msgspec.Struct, rename="camel", forbid_unknown_fields=True):
    role: Literal["USER", "ORGANIZER"] | None = None
    only: Literal["grid"] = "grid"
    colour: Colour = Colour.RED
    starts_at: Annotated[datetime, Meta(tz=True)] | None = None
    day: date | None = None
    id: UUID | None = None
    whole: int = 0
    at_least: Annotated[int, Meta(ge=1)] = 1
    within: Annotated[int, Meta(ge=0, le=10**12)] = 1
    fives: Annotated[int, Meta(multiple_of=5)] = 5
    ratio: float = 0.5
    yes: bool = True
    password: Annotated[str, Meta(min_length=8, max_length=128)] = "        "
    code: Annotated[str, Meta(min_length=6, max_length=6)] = "000000"
    filled: Annotated[str, Meta(min_length=1)] = "x"
    text: Annotated[str, Meta(max_length=10_000)] = ""
    country: Annotated[str, Meta(pattern="^[A-Z]{2}$", examples=["NP"])] = "NP"
    plain: Annotated[str, Meta(pattern="^a+$")] = "a"
    loud: Annotated[str, Meta(pattern="^[^a]+$", extra=_LOUD, description="Loud.")] | None = None
    seats: Annotated[list[Seat], Meta(max_length=2)] = []
    pair: tuple[int, str] = (1, "a")
    per_name: Annotated[dict[str, int], Meta(max_length=1)] = {}
    per_id: dict[UUID, list[Seat]] = {}
    either: Annotated[str, Meta(max_length=3)] | Annotated[list[int], Meta(max_length=2)] = ""
    deeper: "Everything | None" = None


ID = "00000000-0000-7000-8000-000000000000"
_TIME = "must be a time such as 2027-01-31T20:00:00Z (RFC 3339)"
_ROLE = "must be one of ORGANIZER, USER"
_PASSWORD = "must have 8 to 128 characters"
_SEAT = {"rowName": "A"}


def explained(body: Any, wanted: Any = Everything) -> tuple[str, str]:
    """Where the decoder finds the body wrong, and what we say about it."""
    with pytest.raises(msgspec.ValidationError) as raised:
        msgspec.json.decode(msgspec.json.encode(body), type=wanted)
    return explain(str(raised.value), wanted)


@pytest.mark.parametrize(
    ("field", "value", "detail"),
    [
        ("role", "organizer", _ROLE),
        ("role", 7, _ROLE),
        ("only", "circle", "must be grid"),
        ("colour", "blue", "must be one of red, green"),
        ("startsAt", "2027-01-31T20:00:00", _TIME),
        ("startsAt", "tomorrow", _TIME),
        ("startsAt", True, _TIME),
        ("day", "31.1.2027", "must be a date such as 2027-01-31"),
        ("id", "1", "must be a UUID"),
        ("whole", 1.5, "must be a whole number"),
        ("whole", None, "must be a whole number"),
        ("atLeast", 0, "must be at least 1"),
        ("atLeast", "1", "must be a whole number"),
        ("within", -1, "must be at least 0 and at most 1000000000000"),
        ("within", 10**30, "must be at least 0 and at most 1000000000000"),
        ("fives", 4, "must be a multiple of 5"),
        ("ratio", "half", "must be a number"),
        ("yes", "yes", "must be true or false"),
        ("password", "short", _PASSWORD),
        ("password", "x" * 129, _PASSWORD),
        ("password", 12345678, "must be a string"),
        ("code", "00000", "must have 6 characters"),
        ("filled", "", "must have at least 1 character"),
        ("text", "x" * 10_001, "must have at most 10,000 characters"),
        ("country", "Nepal", "must match ^[A-Z]{2}$, such as NP"),
        ("plain", "b", "must match ^a+$"),
        ("loud", "a", "must be loud"),
        ("seats", [_SEAT] * 3, "must have at most 2 items"),
        ("seats", {}, "must be an array"),
        ("pair", [1], "must have 2 items"),
        ("pair", 1, "must be an array"),
        ("perName", {"a": 1, "b": 2}, "must have at most 1 field"),
        ("perName", [], "must be an object"),
        ("perName", {"a": "b"}, "a value in it must be a whole number"),
        ("perId", {SECRET: []}, "a key in it must be a UUID"),
        ("perId", {ID: [{"rowName": 1}]}, "a value in it must be a string"),
        ("either", "abcd", "must have at most 3 characters or have at most 2 items"),
        ("either", 1, "must be a string or an array"),
        ("deeper", [], "must be an object"),
    ],
)
def test_a_wrong_value_is_told_what_it_must_be(field: str, value: Any, detail: str) -> None:
    assert explained({field: value}) == (f"/{field}", detail)
    assert explained({"deeper": {field: value}}) == (f"/deeper/{field}", detail)


@pytest.mark.parametrize(
    ("body", "pointer", "detail"),
    [
        ([], "", "must be an object"),
        ({"seats": [_SEAT, {}]}, "/seats/1/rowName", "is missing"),
        ({"seats": [{"row_name": "A"}]}, "/seats/0/row_name", "is not a known field"),
        ({"seats": [_SEAT | {"price": 0}]}, "/seats/0/price", "must be more than 0 and at most 2"),
        ({"pair": [1, 2]}, "/pair/1", "must be a string"),
        ({"a\nb": 1}, "/a\nb", "is not a known field"),
        ({"a/b~c": 1}, "/a~1b~0c", "is not a known field"),
        ({"deeper": {"x` - at `$.y": 1}}, "/deeper/x` - at `$.y", "is not a known field"),
    ],
)
def test_the_place_is_a_json_pointer(body: Any, pointer: str, detail: str) -> None:
    assert explained(body) == (pointer, detail)


@pytest.mark.parametrize(
    "field", msgspec.structs.fields(Everything), ids=lambda field: field.encode_name
)
def test_what_was_sent_is_not_repeated(field: Any) -> None:
    told = []
    for value in (SECRET, SECRET * 1_000, [SECRET], {SECRET: SECRET}):
        try:
            msgspec.convert({field.encode_name: value}, Everything)
        except msgspec.ValidationError as error:
            told.append(explain(str(error), Everything)[1])
    assert told
    assert "hunter2" not in "".join(told)


@pytest.mark.parametrize(
    "message",
    [
        "",
        "Another word for `it` - at `$.whole`",
        f"Invalid enum value '{SECRET}' - at `$.nothing[3].of[...].it`",
        f"Expected `{SECRET}`, got `{SECRET}` - at `key` in `$.whole`",
        f"Object contains unknown field `{SECRET}",
    ],
)
def test_words_that_nobody_knows_are_not_passed_on(message: str) -> None:
    _, detail = explain(message, Everything)
    assert "hunter2" not in detail
    assert "Another" not in detail
    assert "Expected" not in detail
    assert detail_of(message) == "is not acceptable"
