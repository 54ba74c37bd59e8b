"""The OpenAPI document says what the server does, and the fuzzing would notice if it did not."""

from pathlib import Path
from typing import cast

import pytest
import requests
import schemathesis
from litestar import Litestar, Response, get
from schemathesis.core.failures import FailureGroup

from fullhouse.api import docs
from fullhouse.api import errors as api_errors
from fullhouse.api.answers import Answers
from fullhouse.api.edge import Edge
from fullhouse.api.exchange import App
from fullhouse.api.health import Live
from fullhouse.api.openapi import build_document
from fullhouse.api.permissions import (
    PUBLIC,
    Who,
)
from fullhouse.api.requests import prepare
from fullhouse.kit.errors import Refused
from fullhouse.venues.errors import SEAT_MAP_INVALID
from tests.contract.fuzzing import CALLERS, Client, access_to, operations_of


def test_each_caller_has_a_file_of_their_own() -> None:
    files = {path.stem for path in Path(__file__).parent.glob("test_openapi_as_*.py")}
    assert files == {f"test_openapi_as_{caller}" for caller in CALLERS}


def test_who_has_to_sign_in_is_documented(server: str) -> None:
    """Not only to people: clients are generated from this, and Swagger UI shows it as a lock."""
    document = requests.get(f"{server}/openapi.json", timeout=30).json()
    for operation in operations_of(document):
        security = operation.definition.raw.get("security", [{}])
        assert ({} in security) == (access_to(operation).who is Who.ANYBODY), operation.label


# The positive control: routes that differ from their description, each in one way.


@get("/sound", access=PUBLIC)
async def sound() -> Live:
    """As it should be."""
    return Live()


@get("/shape", access=PUBLIC)
async def wrong_shape() -> Response[Live]:
    """Answers another shape than it describes."""
    return Response({"status": 5})  # type: ignore[arg-type]


@get("/status", access=PUBLIC)
async def wrong_status() -> Response[Live]:
    """Answers with a status that it does not describe."""
    return Response(Live(), status_code=203)


@get("/type", access=PUBLIC)
async def wrong_type() -> Response[Live]:
    """Answers with a media type that it does not describe."""
    return Response(b'{"status": "ok"}', media_type="text/plain")  # type: ignore[arg-type]


@get("/crash", access=PUBLIC)
async def crash() -> Live:
    """Has a bug."""
    raise ZeroDivisionError


@get("/refusal", access=PUBLIC, responses=api_errors.problems())
async def wrong_refusal() -> Live:
    """Refuses with a code that it does not name, under a status that it describes."""
    raise Refused(SEAT_MAP_INVALID)


@pytest.fixture(scope="module")
def broken() -> Edge:
    """A server of the routes above, with documents made in the same way as the real one's."""
    handlers = [sound, wrong_shape, wrong_status, wrong_type, crash, wrong_refusal]
    pages = docs.routes(lambda: build_document(handlers, {}, "1"), ())
    app = Litestar(
        [*handlers, pages],
        before_request=prepare,
        exception_handlers={Exception: api_errors.handle},
        openapi_config=None,
        logging_config=None,
    )
    return Edge(cast(App, app), Answers())


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("/shape", "Response violates schema"),
        ("/status", "Undocumented status code"),
        ("/type", "Undocumented Content-Type"),
        ("/crash", "Server error"),
        ("/refusal", "seat_map_invalid is not named under 422"),
    ],
)
def test_wrong_answer_is_found(broken: Edge, path: str, found: str) -> None:
    with pytest.raises(FailureGroup, match=found):
        ask_at_random(broken, path)


def test_right_answer_is_not_complained_about(broken: Edge) -> None:
    ask_at_random(broken, "/sound")


def ask_at_random(app: Edge, path: str) -> None:
    document = schemathesis.openapi.from_asgi("/openapi.json", app).raw_schema
    (operation,) = (one for one in operations_of(document) if one.path == path)
    Client(lambda case: case.call(app=app)).ask_at_random(operation, 5)
