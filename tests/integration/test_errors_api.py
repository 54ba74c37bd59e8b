"""Refusals as clients see them: problem+json, the right status, the right field."""

from datetime import date
from enum import Enum
from typing import Annotated, Any, Literal
from uuid import UUID, uuid4

import httpx
import msgspec
import pytest
from litestar import Litestar, get, post
from litestar.params import HeaderParameter, Parameter, QueryParameter

from fullhouse.api import errors
from fullhouse.api.answers import Answers
from fullhouse.api.edge import Edge
from fullhouse.api.permissions import PUBLIC
from fullhouse.api.query import close_queries
from fullhouse.api.requests import ApiRequest, decode_json, prepare
from fullhouse.api.schemas import Body
from fullhouse.kit.errors import OVERLOADED, Refused
from fullhouse.parts import Parts
from tests.support.asgi import client_of
from tests.support.people import signed_in

JSON = {"Content-Type": "application/json"}


class State(Enum):
    ON = "on"
    OFF = "off"


class Item(Body):
    category_id: UUID
    quantity: Annotated[int, msgspec.Meta(ge=1, le=10)]


class Order(Body):
    items: Annotated[list[Item], msgspec.Meta(max_length=3)]
    note: str = ""
    per_name: dict[str, int] = {}


@post("/orders", access=PUBLIC)
async def order(data: Order) -> dict[str, int]:
    return {"items": len(data.items)}


@post("/wishes", access=PUBLIC)
async def wish(data: Order | None = None) -> dict[str, bool]:
    return {"given": data is not None}


@get("/orders/{order_id:uuid}", access=PUBLIC)
async def get_order(order_id: UUID) -> dict[str, str]:
    return {"id": str(order_id)}


@get("/orders", access=PUBLIC)
async def list_orders(
    most: Annotated[int, Parameter(ge=1, le=100)] = 20,
    price: Annotated[int | None, QueryParameter(name="price[lte]", ge=0)] = None,
    name: Annotated[str | None, QueryParameter(max_length=3)] = None,
    role: Literal["USER", "ORGANIZER"] | None = None,
    kept: Annotated[State | None, QueryParameter(name="state")] = None,
    day: date | None = None,
    owner: UUID | None = None,
    open: bool | None = None,
    times: Annotated[int, HeaderParameter(name="X-Times")] = 1,
) -> dict[str, Any]:
    return {"most": most, "price": price, "name": name}


@get("/needs", access=PUBLIC)
async def needs(city: str) -> str:
    return city


@get("/fails/{how:str}", access=PUBLIC)
async def fails(how: str) -> None:
    if how == "overloaded":
        raise Refused(OVERLOADED, retry_after_seconds=7, seats=["A-1"])
    if how == "connection":
        raise ConnectionResetError
    raise ZeroDivisionError("secret detail")


@pytest.fixture(scope="module")
def app() -> Edge:
    framework = Litestar(
        [order, wish, get_order, list_orders, needs, fails],
        request_class=ApiRequest,
        request_max_body_size=10_000,
        before_request=prepare,
        exception_handlers={Exception: errors.handle},
        openapi_config=None,
        logging_config=None,
    )
    close_queries(framework.routes)
    return Edge(framework, Answers())  # type: ignore[arg-type]


def problem(answer: httpx.Response, status: int, code: str) -> dict[str, Any]:
    """The problem document, after checking what holds for each."""
    document: dict[str, Any] = answer.json()
    assert answer.status_code == document["status"] == status, document
    assert answer.headers["content-type"] == "application/problem+json"
    assert document["code"] == code
    assert document["type"] == f"/docs/errors#{code}"
    assert document["title"]
    assert document["detail"]
    assert document["remedy"]
    assert document["requestId"] == answer.headers["x-request-id"]
    return document


CATEGORY = "00000000-0000-7000-8000-000000000000"
ITEM = {"categoryId": CATEGORY, "quantity": 1}


def body(**change: Any) -> bytes:
    item = ITEM | change
    return msgspec.json.encode({"items": [{"categoryId": CATEGORY, "quantity": 2}, item]})


@pytest.mark.parametrize(
    ("content", "pointer", "detail"),
    [
        (body(quantity=0), "/items/1/quantity", "must be at least 1 and at most 10"),
        (body(quantity=-5), "/items/1/quantity", "must be at least 1 and at most 10"),
        (body(quantity=11), "/items/1/quantity", "must be at least 1 and at most 10"),
        (body(quantity=10**30), "/items/1/quantity", "must be at least 1 and at most 10"),
        (body(quantity="1"), "/items/1/quantity", "must be a whole number"),
        (body(quantity=1.5), "/items/1/quantity", "must be a whole number"),
        (body(quantity=True), "/items/1/quantity", "must be a whole number"),
        (body(quantity=None), "/items/1/quantity", "must be a whole number"),
        (body(categoryId="x"), "/items/1/categoryId", "must be a UUID"),
        (body(category_id=CATEGORY), "/items/1/category_id", "is not a known field"),
        (body(**{"a/b~c": 1}), "/items/1/a~1b~0c", "is not a known field"),
        (b'{"items":[{"quantity":1}]}', "/items/0/categoryId", "is missing"),
        (b"{}", "/items", "is missing"),
        (b"[]", "", "must be an object"),
        (b"null", "", "must be an object"),
        (msgspec.json.encode({"items": [ITEM] * 4}), "/items", "must have at most 3 items"),
        (b'{"items":[],"perName":{"x":"y"}}', "/perName", "a value in it must be a whole number"),
        (b'{"items":[],"total":1}', "/total", "is not a known field"),
    ],
)
async def test_the_wrong_field_is_named(
    app: Edge, content: bytes, pointer: str, detail: str
) -> None:
    async with client_of(app) as client:
        answer = await client.post("/orders", content=content, headers=JSON)
    document = problem(answer, 422, "validation_failed")
    assert document["errors"] == [{"pointer": pointer, "detail": detail}]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b'{"items":[]',
        b"{'items':[]}",
        b'{"items":[]} x',
        b"\xff",
        b'{"items":[],"note":"\xff"}',
        b'{"items":[],"note":"\\ud800"}',
    ],
)
async def test_what_is_no_json_is_malformed(app: Edge, content: bytes) -> None:
    async with client_of(app) as client:
        answer = await client.post("/orders", content=content, headers=JSON)
    problem(answer, 400, "malformed_request")


async def test_a_nul_character_reaches_no_database(app: Edge) -> None:
    async with client_of(app) as client:
        bad = b'{"items":[],"note":"a\\u0000b"}'
        problem(await client.post("/orders", content=bad, headers=JSON), 422, "validation_failed")
        # Six harmless characters, and not an escape.
        good = b'{"items":[],"note":"a\\\\u0000b"}'
        assert (await client.post("/orders", content=good, headers=JSON)).status_code == 201
        problem(await client.get("/orders?name=a%00b"), 422, "validation_failed")
        problem(await client.get("/fails/a%00b"), 404, "not_found")


@pytest.mark.parametrize(
    "content_type", [None, "", "text/plain", "application/x-www-form-urlencoded", "json", "\xe9"]
)
async def test_a_body_must_say_that_it_is_json(app: Edge, content_type: str | None) -> None:
    headers = httpx.Headers(encoding="latin-1")
    if content_type is not None:
        headers["Content-Type"] = content_type
    async with client_of(app) as client:
        answer = await client.post("/orders", content=body(), headers=headers)
    problem(answer, 415, "unsupported_media_type")


async def test_json_may_be_said_in_several_ways(app: Edge) -> None:
    async with client_of(app) as client:
        for content_type in ("application/json; charset=utf-8", "Application/JSON"):
            headers = {"Content-Type": content_type}
            answer = await client.post("/orders", content=body(), headers=headers)
            assert answer.status_code == 201, answer.text


async def test_an_optional_body_may_be_left_out(app: Edge) -> None:
    async with client_of(app) as client:
        assert (await client.post("/wishes")).json() == {"given": False}
        given = await client.post("/wishes", content=body(), headers=JSON)
        assert given.json() == {"given": True}
        wrong = await client.post("/wishes", content=body(quantity=0), headers=JSON)
        (error,) = problem(wrong, 422, "validation_failed")["errors"]
        assert error["pointer"] == "/items/1/quantity"


async def test_a_body_has_a_limit(app: Edge) -> None:
    async def chunks() -> Any:
        for _ in range(20):
            yield b" " * 1_000

    async with client_of(app) as client:
        answer = await client.post("/orders", content=b" " * 10_001, headers=JSON)
        problem(answer, 413, "body_too_large")
        answer = await client.post("/orders", content=chunks(), headers=JSON)
        problem(answer, 413, "body_too_large")


@pytest.mark.parametrize(
    ("query", "pointer", "detail"),
    [
        ("most=0", "most", "must be at least 1 and at most 100"),
        ("most=101", "most", "must be at least 1 and at most 100"),
        ("most=many", "most", "must be a whole number"),
        ("most=", "most", "must be a whole number"),
        ("most=5.0", "most", "must be a whole number"),
        ("most=1e1", "most", "must be a whole number"),
        ("most=+5", "most", "must be a whole number"),
        ("most=٣", "most", "must be a whole number"),
        ("most=5&most=6", "most", "is sent more than once"),
        (
            "mots=5",
            "mots",
            "is not known here; this route takes"
            " day, most, name, open, owner, price[lte], role, state",
        ),
        ("price[lte]=-1", "price[lte]", "must be at least 0"),
        ("price[lte]=x", "price[lte]", "must be a whole number"),
        ("name=long", "name", "must have at most 3 characters"),
        ("role=organizer", "role", "must be one of ORGANIZER, USER"),
        ("state=organizer", "state", "must be one of on, off"),
        ("day=1.2.27", "day", "must be a date such as 2027-01-31"),
        ("owner=me", "owner", "must be a UUID"),
        ("open=maybe", "open", "must be true or false"),
    ],
)
async def test_the_wrong_parameter_is_named(
    app: Edge, query: str, pointer: str, detail: str
) -> None:
    async with client_of(app) as client:
        answer = await client.get(f"/orders?{query}")
    document = problem(answer, 422, "validation_failed")
    assert document["errors"] == [{"pointer": pointer, "detail": detail}]


async def test_every_wrong_parameter_and_header_is_named(app: Edge) -> None:
    async with client_of(app) as client:
        answer = await client.get("/orders?most=0&open=maybe", headers={"X-Times": "often"})
    assert problem(answer, 422, "validation_failed")["errors"] == [
        {"pointer": "most", "detail": "must be at least 1 and at most 100"},
        {"pointer": "open", "detail": "must be true or false"},
        {"pointer": "X-Times", "detail": "must be a whole number"},
    ]


async def test_a_missing_parameter_is_named(app: Edge) -> None:
    async with client_of(app) as client:
        document = problem(await client.get("/needs"), 422, "validation_failed")
    assert document["errors"] == [{"pointer": "city", "detail": "is missing"}]


@pytest.mark.parametrize("order_id", ["1", "not-an-id", CATEGORY[:-1], "%20", "..", "\u2603"])
async def test_an_id_that_cannot_exist_is_not_found(app: Edge, order_id: str) -> None:
    async with client_of(app) as client:
        problem(await client.get(f"/orders/{order_id}"), 404, "not_found")
        assert (await client.get(f"/orders/{uuid4()}")).status_code == 200


async def test_other_methods_are_named_in_allow(app: Edge) -> None:
    async with client_of(app) as client:
        answer = await client.put("/orders", content=body(), headers=JSON)
    problem(answer, 405, "method_not_allowed")
    allowed = {method.strip() for method in answer.headers["allow"].split(",")}
    assert allowed == {"GET", "HEAD", "OPTIONS", "POST"}


async def test_options_names_the_methods_of_an_address(app: Edge) -> None:
    async with client_of(app) as client:
        answer = await client.options("/orders")
        assert answer.status_code == 204
        assert answer.headers["allow"] == "GET, HEAD, OPTIONS, POST"
        answer = await client.options(f"/orders/{CATEGORY}")
        assert answer.headers["allow"] == "GET, HEAD, OPTIONS"


async def test_trouble_and_bugs(app: Edge) -> None:
    async with client_of(app) as client:
        overloaded = await client.get("/fails/overloaded")
        assert problem(overloaded, 503, "overloaded")["seats"] == ["A-1"]
        assert overloaded.headers["retry-after"] == "7"
        away = await client.get("/fails/connection")
        problem(away, 503, "temporarily_unavailable")
        assert away.headers["retry-after"] == "1"
        bug = await client.get("/fails/bug")
        problem(bug, 500, "internal_error")
        assert "secret detail" not in bug.text


async def test_a_bad_host_header_is_malformed(app: Edge) -> None:
    async with client_of(app) as client:
        answer = await client.get("/orders", headers={"Host": "a b"})
    problem(answer, 400, "malformed_request")


def test_a_decoded_body_is_the_struct_itself() -> None:
    decoded = decode_json(body(), Order)
    assert isinstance(decoded, Order)
    assert [item.quantity for item in decoded.items] == [2, 1]


def test_nesting_has_an_end() -> None:
    with pytest.raises(Refused) as refused:
        decode_json(b"[" * 100_000, Any)
    assert refused.value.code is errors.MALFORMED_REQUEST


async def test_who_is_nobody_is_told_so_before_their_body_is_read(
    client: httpx.AsyncClient,
) -> None:
    answer = await client.post("/api/v1/venues", content=b"{", headers=JSON)
    problem(answer, 401, "unauthenticated")


async def test_a_seat_map_may_be_larger_than_other_bodies(
    client: httpx.AsyncClient, parts: Parts
) -> None:
    assert parts.settings.max_body_bytes < 1_500_000 < parts.settings.max_seat_map_bytes
    headers = await signed_in(client, role="ORGANIZER") | JSON
    content = b'{"template": "grid", "rows": 1, "seatsPerRow": 1' + b" " * 1_500_000 + b"}"
    seat_map = f"/api/v1/halls/{uuid4()}/seat-map"
    problem(await client.put(seat_map, content=content, headers=headers), 404, "not_found")
    answer = await client.post("/api/v1/venues", content=content, headers=headers)
    problem(answer, 413, "body_too_large")
    answer = await client.put(
        seat_map, content=b" " * (parts.settings.max_seat_map_bytes + 1), headers=headers
    )
    problem(answer, 413, "body_too_large")


async def test_unknown_addresses(client: httpx.AsyncClient) -> None:
    for path in ("/api", "/api/v1/nothing", "/api/v1/auth/register/x", "/docs/nothing"):
        problem(await client.get(path), 404, "not_found")
    answer = await client.get("/api/v1/auth/register")
    problem(answer, 405, "method_not_allowed")
    assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    ("path", "named"),
    [
        ("shows", "application/json"),
        ("organizer/import/shows", "text/csv"),
        ("media", "multipart/form-data"),
    ],
)
async def test_the_type_that_a_route_takes_is_named(
    client: httpx.AsyncClient, path: str, named: str
) -> None:
    """And no other, in whatever is said of a body that cannot be read."""
    headers = await signed_in(client, role="ORGANIZER")
    types = {"application/json", "text/csv", "multipart/form-data"}
    wrong = headers | {"Content-Type": "text/plain"}
    unread = headers | {"Content-Type": f"{named}; boundary=b"}
    for content, sent, status in ((b"{", wrong, 415), (b"\xff", unread, 400), (b"", unread, 400)):
        answer = await client.post(f"/api/v1/{path}", content=content, headers=sent)
        said = f"{answer.json()['detail']} {answer.json()['remedy']}"
        assert answer.status_code == status, said
        assert [one for one in types if one in said] == ([named] if status == 415 else [])
        assert "JSON" not in said or named == "application/json"


async def test_everything_that_is_wrong_is_named_at_once(client: httpx.AsyncClient) -> None:
    """On the framework's way, in a form, and on the shortest way."""
    headers = await signed_in(client, role="ORGANIZER")
    asked: list[tuple[str, dict[str, Any], list[str]]] = [
        (
            "venues",
            {"json": {"name": "", "country": "Germany", "extra": 1}},
            ["/name", "/city", "/country", "/timezone", "/extra"],
        ),
        ("media", {"files": {"alt": (None, "a" * 5_000), "extra": (None, "a")}},
         ["/file", "/alt", "/extra"]),
        ("bookings", {"json": {"showtimeId": "1", "items": [{"quantity": 0}], "extra": 1}},
         ["/showtimeId", "/items/0/categoryId", "/items/0/quantity", "/extra"]),
    ]  # fmt: skip
    for path, content, expected in asked:
        answer = await client.post(f"/api/v1/{path}", headers=headers, **content)
        assert answer.status_code == 422, answer.text
        assert {error["pointer"] for error in answer.json()["errors"]} == set(expected)
