"""What routes refuse of a query, and in which words: above all what they would not read."""

import re
from uuid import uuid4

import httpx
import pytest
import pytest_asyncio

from fullhouse.api.pagination import encode_cursor
from fullhouse.app import API_ROUTES
from fullhouse.parts import Parts
from tests.support.organizations import API, administrator
from tests.support.people import signed_in

_PARAMETER = re.compile(r"\{(\w+):(\w+)\}")
# Others send browsers there, with what they add. What is answered where there is nothing.
OPEN = {
    "GET /auth/google/callback": "google_not_configured",
    "GET /events/{key:str}/calendar.ics": "not_found",
    "GET /venues/{venue_id:uuid}/calendar.ics": "not_found",
    "GET /seat-maps/{seat_map_id:uuid}/svg": "not_found",
}
# Every method and address, with ids of nothing.
ROUTES = [
    f"{method} {path}"
    for handler in API_ROUTES
    for path in sorted(handler.paths)
    for method in sorted(handler.http_methods)
]


@pytest_asyncio.fixture(scope="module")
async def admin(client: httpx.AsyncClient, parts: Parts) -> dict[str, str]:
    connection = await parts.database.connect_raw()
    made = await administrator(client, connection)
    await connection.close()
    return made.headers


def wrong_of(answer: httpx.Response) -> dict[str, str]:
    """The parameters that are refused, with what is said of each."""
    assert answer.status_code == 422, answer.text
    document = answer.json()
    assert document["code"] == "validation_failed"
    return {error["pointer"]: error["detail"] for error in document["errors"]}


@pytest.mark.parametrize("route", ROUTES)
async def test_every_route_refuses_what_it_does_not_know(
    client: httpx.AsyncClient, admin: dict[str, str], route: str
) -> None:
    method, path = route.split()
    path = _PARAMETER.sub(lambda match: str(uuid4()) if match[2] == "uuid" else "1", path)
    answer = await client.request(method, f"{API}{path}?stauts=published", headers=admin)
    if route in OPEN:
        assert answer.json()["code"] == OPEN[route]
    else:
        assert wrong_of(answer).keys() == {"stauts"}


@pytest.mark.parametrize(
    ("query", "wrong"),
    [
        ("price[lt]=5", {"price[lt]"}),
        ("price%5Blte%5D=5&price=5", {"price"}),
        ("venue_id=x&limit=0", {"venue_id"}),
        ("Q=jazz", {"Q"}),
        ("=x", {""}),
        ("q", {}),
        ("q=a&q=b", {"q"}),
        ("&".join(f"p{n}={n}" for n in range(500)), {f"p{n}" for n in range(10)}),
    ],
    ids=lambda value: value[:20] if isinstance(value, str) else "",
)
async def test_the_parameter_is_named(
    client: httpx.AsyncClient, query: str, wrong: set[str]
) -> None:
    answer = await client.get(f"{API}/events?{query}")
    if wrong:
        assert wrong_of(answer).keys() == wrong
    else:
        assert answer.status_code == 200, answer.text


async def test_what_the_route_takes_is_named(
    client: httpx.AsyncClient, admin: dict[str, str]
) -> None:
    answer = await client.get(f"{API}/users/me/favorites?page=1&pgae=1&page=2", headers=admin)
    assert wrong_of(answer) == {
        "page": "is sent more than once",
        "pgae": "is not known here; this route takes cursor, limit, page",
    }
    answer = await client.get(f"{API}/users/me?a=b", headers=admin)
    assert wrong_of(answer) == {"a": "is not known here; this route takes none"}


_MINOR = "must be a whole number of minor units from 0 to 1000000000000, such as 1800 for 18.00"
_MOVIE = "must be some of now_showing, coming_soon, ended, with commas between"
_EARLIER = {  # cursors of other lists: by name, and of something else
    "byTitle": encode_cursor(("title", "A", str(uuid4()))),
    "strange": encode_cursor((1,)),
}


@pytest.mark.parametrize(
    ("asked", "detail"),
    [
        ("events?price[lte]=18.00", _MINOR),
        ("events?price[gte]=1e3", _MINOR),
        ("events?price[lte]=CHF 18", _MINOR),
        ("events?price[lte]=-1", _MINOR),
        ("events/facets?price[lte]=18.00", _MINOR),
        ("events?limit=20.0", "must be a whole number"),
        (
            "events?sort=relevance",
            "must be one of startsAt, createdAt, title, price, each with or without a leading -",
        ),
        ("shows?status=soon", _MOVIE),
        (
            "showtimes?status=over",
            "must be some of scheduled, cancelled, with commas between",
        ),
        (
            "events?from=tomorrow",
            "must be a date such as 2027-01-31, or a time such as 2027-01-31T20:00:00Z (RFC 3339)",
        ),
        (
            "venues?country=Nepal",
            "must be the two letters of a country, such as DE (ISO 3166-1 alpha-2)",
        ),
        (
            "venues?near=here",
            "must be a latitude and a longitude in degrees with a comma between,"
            " such as 47.37,8.54",
        ),
        ("shows?sort=startsAt&cursor={byTitle}", "must go on with the sort that it came with"),
        ("shows?cursor={strange}", "must be the nextCursor of an answer of this very list"),
        ("shows?cursor=what", "must be the nextCursor of an answer of this very list"),
    ],
)
async def test_what_is_right_is_said(client: httpx.AsyncClient, asked: str, detail: str) -> None:
    answer = await client.get(f"{API}/{asked.format(**_EARLIER)}")
    assert list(wrong_of(answer).values()) == [detail]


async def test_the_right_fields_are_said(client: httpx.AsyncClient) -> None:
    wrong = wrong_of(await client.get(f"{API}/shows?fields=title,secret"))
    assert wrong["fields"].startswith("must be some of id, ")
    assert wrong["fields"].endswith(", with commas between")


async def test_who_may_not_is_told_so_first(client: httpx.AsyncClient) -> None:
    for headers, status in ((None, 401), (await signed_in(client), 403)):
        answer = await client.get(f"{API}/organizer/events?stauts=draft", headers=headers)
        assert answer.status_code == status


async def test_what_is_refused_is_not_remembered(client: httpx.AsyncClient, parts: Parts) -> None:
    kept, plain = len(parts.answers), len(parts.answers._plain)
    for number in range(20):
        assert (await client.get(f"{API}/events?x={number}")).status_code == 422
        assert (await client.get(f"{API}/events?limit={number}0000")).status_code == 422
    assert (len(parts.answers), len(parts.answers._plain)) == (kept, plain)


@pytest.mark.parametrize(
    "path", ["/health", "/health/ready", "/docs", "/openapi.json", "/account", "/metrics"]
)
async def test_pages_and_probes_take_what_comes(client: httpx.AsyncClient, path: str) -> None:
    answer = await client.get(f"{path}?utm_source=mail")
    assert answer.status_code == 200, answer.text


async def test_what_an_address_takes_is_asked_without_knowing(client: httpx.AsyncClient) -> None:
    assert (await client.options(f"{API}/events?x=1")).status_code == 204
    head = await client.head(f"{API}/events?x=1")
    assert (head.status_code, head.content) == (422, b"")
