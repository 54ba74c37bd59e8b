"""A body that is wrong in several places is told of all of them."""

from typing import Annotated, Any

import msgspec
import pytest
from msgspec import UNSET, Meta, UnsetType

from fullhouse.api.forms import FormBody
from fullhouse.api.mistakes import MOST_BYTES, MOST_MISTAKES, in_form
from fullhouse.api.requests import decode_json
from fullhouse.api.schemas import Body
from fullhouse.kit.errors import Refused


class Part(Body):
    name: str
    size: Annotated[int, Meta(ge=1)] = 1


class Whole(Body):
    title: Annotated[str, Meta(min_length=1)]
    part: Part
    parts: Annotated[list[Part], Meta(max_length=2)] | None = None
    many_names: tuple[str, ...] | UnsetType = UNSET


class Form(FormBody):
    file: bytes
    alt: Annotated[str, Meta(max_length=3)] = ""


def told(body: Any, wanted: Any = Whole) -> list[str]:
    """Where a body is wrong."""
    sent = body if isinstance(body, bytes) else msgspec.json.encode(body)
    with pytest.raises(Refused) as raised:
        decode_json(sent, wanted)
    return [error.pointer for error in raised.value.errors]


PART = {"name": "a"}
WHOLE: dict[str, Any] = {"title": "a", "part": PART}


@pytest.mark.parametrize(
    ("body", "pointers"),
    [
        ([], [""]),
        ({}, ["/title", "/part"]),
        ({"title": "", "part": []}, ["/title", "/part"]),
        ({"title": 1, "part": {"size": 0, "a/b~c": 1}},
         ["/title", "/part/name", "/part/size", "/part/a~1b~0c"]),
        (WHOLE | {"parts": [{}, PART, {"name": 1, "size": "x"}]},
         ["/parts", "/parts/0/name", "/parts/2/name", "/parts/2/size"]),
        (WHOLE | {"parts": {}, "manyNames": ["a", 1, None], "many_names": []},
         ["/parts", "/manyNames/1", "/manyNames/2", "/many_names"]),
        # The decoder looks at both of the same name, and the last counts.
        (b'{"title": 1, "title": "a", "part": []}', ["/title", "/part"]),
        # What is no JSON further on.
        (b'{"title": 1, "part": [', ["/title"]),
        (b'{"title": 1, "part": ' + b"[" * 50_000, ["/title"]),
    ],
    ids=["array", "empty", "kinds", "inside", "items", "names", "twice", "broken", "deep"],
)  # fmt: skip
def test_everything_that_is_wrong(body: Any, pointers: list[str]) -> None:
    assert told(body) == pointers


def test_there_is_an_end_to_it() -> None:
    many = WHOLE | {"manyNames": [1] * 1_000}
    assert told(many) == [f"/manyNames/{at}" for at in range(MOST_MISTAKES)]
    long = {"title": "a" * MOST_BYTES, "part": {}, "parts": [1]}
    assert told(long) == ["/part/name"]


def test_a_form() -> None:
    values = {"alt": "long", "colour": "red"}
    assert [error.pointer for error in in_form(values, Form)] == ["/file", "/alt", "/colour"]


def test_what_is_right_is_not_looked_at_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fullhouse.api.requests.in_json", lambda *_: pytest.fail("looked at"))
    assert decode_json(msgspec.json.encode(WHOLE), Whole) == Whole("a", Part("a"))
