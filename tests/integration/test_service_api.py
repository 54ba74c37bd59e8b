"""Health, the OpenAPI document and the pages under /docs."""

import asyncio
import json
import re
from collections.abc import AsyncIterator
from html.parser import HTMLParser
from typing import Any

import httpx
import pytest
import pytest_asyncio
import structlog
from pydantic import SecretStr

from fullhouse import app as composition
from fullhouse.api import health
from fullhouse.parts import Parts
from tests.support.asgi import client_of
from tests.support.settings import settings_for
from tests.support.valkey import running_valkey


@pytest_asyncio.fixture(scope="module")
async def document(client: httpx.AsyncClient) -> dict[str, Any]:
    answer = await client.get("/openapi.json")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json"
    parsed: dict[str, Any] = answer.json()
    return parsed


@pytest_asyncio.fixture(scope="module")
async def unreachable() -> AsyncIterator[httpx.AsyncClient]:
    """A server whose database is away."""
    settings = settings_for("postgresql://postgres@/fullhouse?host=/nowhere")
    async with client_of(composition.build(settings)) as client:
        yield client


async def test_live_is_only_about_the_process(
    client: httpx.AsyncClient, unreachable: httpx.AsyncClient
) -> None:
    for one in (client, unreachable):
        answer = await one.get("/health/live")
        assert (answer.status_code, answer.json()) == (200, {"status": "ok"})


async def test_ready_when_every_part_works(client: httpx.AsyncClient, parts: Parts) -> None:
    await parts.listener.connected.wait()
    answer = await client.get("/health/ready")
    assert (answer.status_code, answer.json()) == (200, {"status": "ok", "failing": []})
    everything = (await client.get("/health")).json()
    assert everything["status"] == "ok"
    assert {"database", "listener"} <= everything["components"].keys()
    for component in everything["components"].values():
        assert component["status"] == "ok"
        assert 0 <= component["latencyMs"] < 2_000


async def test_not_ready_names_what_fails(unreachable: httpx.AsyncClient) -> None:
    answer = await unreachable.get("/health/ready")
    assert answer.status_code == 503
    assert answer.json()["status"] == "failing"
    assert {"database", "listener"} <= set(answer.json()["failing"])
    everything = await unreachable.get("/health")
    assert everything.status_code == 200
    assert everything.json()["components"]["database"]["status"] == "failing"
    assert everything.json()["status"] == "failing"
    assert "/nowhere" not in everything.text


async def test_without_valkey_the_server_is_degraded_and_ready(database_url: str) -> None:
    with running_valkey() as valkey:
        settings = settings_for(database_url, valkey_url=SecretStr(valkey.url))
        async with client_of(composition.build(settings)) as client:
            healthy = await health_that(client, "ok")
            assert healthy["components"]["valkey"]["status"] == "ok"
            assert healthy["failing"] == []
            valkey.kill9()
            without = await health_that(client, "degraded")
            assert without["failing"] == ["valkey"]
            assert without["components"]["valkey"]["status"] == "failing"
            assert without["components"]["database"]["status"] == "ok"
            ready = await client.get("/health/ready")
            assert (ready.status_code, ready.json()) == (200, {"status": "ok", "failing": []})


async def health_that(client: httpx.AsyncClient, status: str) -> dict[str, Any]:
    """The health once it is this one; a busy machine may need a moment."""
    async with asyncio.timeout(60):
        while True:
            answer = await client.get("/health")
            assert answer.status_code == 200
            found: dict[str, Any] = answer.json()
            if found["status"] == status:
                return found
            await asyncio.sleep(0.05)


async def test_what_helps_makes_nothing_fail_and_what_is_needed_does() -> None:
    async def works() -> None: ...

    async def fails() -> None:
        raise ConnectionError

    cases = [("ok", works, works), ("degraded", works, fails), ("failing", fails, fails)]
    for status, needed, helping in cases:
        found = await health.examine({"needed": needed}, {"helping": helping})
        assert found.status == status


async def test_what_suits_a_developer_is_said_at_the_start(database_url: str) -> None:
    with structlog.testing.capture_logs() as lines:
        async with client_of(composition.build(settings_for(database_url))):
            pass
    said = {line["event"]: line["setting"] for line in lines if line["log_level"] == "warning"}
    assert said == {
        "rate_limits_are_off": "FULLHOUSE_RATE_LIMITS_ENABLED",
        "mail_goes_to_the_log": "FULLHOUSE_SMTP_URL",
        "sms_goes_to_the_log": "FULLHOUSE_SMS_ADAPTER",
    }
    quiet = settings_for(
        database_url,
        rate_limits_enabled=True,
        smtp_url=SecretStr("smtp://127.0.0.1:1"),
        sms_adapter="webhook",
        sms_webhook_url="http://127.0.0.1:1/",
        sms_webhook_secret=SecretStr("a key for nobody, in a test"),
    )
    with structlog.testing.capture_logs() as lines:
        async with client_of(composition.build(quiet)):
            pass
    assert [line for line in lines if line["log_level"] == "warning"] == []


async def test_without_a_database_the_api_says_so_and_when_to_come_again(
    unreachable: httpx.AsyncClient,
) -> None:
    body = {"email": "ada@example.com", "password": "correct horse"}
    answer = await unreachable.post("/api/v1/auth/login", json=body)
    assert answer.status_code == 503
    assert answer.json()["code"] == "temporarily_unavailable"
    assert answer.headers["retry-after"]


async def test_a_check_that_hangs_has_failed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "TIMEOUT_SECONDS", 0.01)

    async def hangs() -> None:
        await asyncio.sleep(60)

    result = await health.examine({"slow": hangs})
    assert result.failing == ["slow"]
    assert result.components["slow"].detail == "no answer within 0.01 seconds"


def test_the_document_is_openapi_3_1(document: dict[str, Any]) -> None:
    assert document["openapi"].startswith("3.1")
    assert document["components"]["securitySchemes"]["bearer"]["scheme"] == "bearer"
    text = json.dumps(document)
    references = set(re.findall(r'"#/components/schemas/([^"]+)"', text))
    assert references <= document["components"]["schemas"].keys()
    assert "fullhouse." not in text  # no module names


def test_operations_are_named_and_tagged(document: dict[str, Any]) -> None:
    operations = [operation for item in document["paths"].values() for operation in item.values()]
    names = [operation["operationId"] for operation in operations]
    assert len(set(names)) == len(names)
    assert all(re.fullmatch(r"[a-z][A-Za-z0-9]*", name) for name in names)
    known = {tag["name"] for tag in document["tags"]}
    for operation in operations:
        assert operation["summary"]
        assert len(operation["tags"]) == 1
        assert set(operation["tags"]) <= known


def test_path_parameters_are_named_alike(document: dict[str, Any]) -> None:
    for path, item in document["paths"].items():
        assert "_" not in path
        for operation in item.values():
            named = {
                parameter["name"]
                for parameter in operation.get("parameters", ())
                if parameter["in"] == "path"
            }
            assert named == set(re.findall(r"\{(\w+)\}", path))


def test_every_refusal_is_a_problem(document: dict[str, Any]) -> None:
    for path, item in document["paths"].items():
        for operation in item.values():
            assert "400" in operation["responses"]
            if "requestBody" in operation:
                assert {"400", "413", "415", "422"} <= operation["responses"].keys()
            # {} stands for nobody: such a route does without who is calling.
            if {} not in operation.get("security", [{}]):
                assert "401" in operation["responses"]
            for status, answer in operation["responses"].items():
                if status >= "400" and path != "/health/ready":
                    assert list(answer["content"]) == ["application/problem+json"], (path, status)


def test_what_needs_a_token_says_so(document: dict[str, Any]) -> None:
    assert document["paths"]["/api/v1/auth/me"]["get"]["security"] == [{"bearer": []}]
    assert "security" not in document["paths"]["/api/v1/auth/login"]["post"]


def test_unknown_fields_are_ruled_out(document: dict[str, Any]) -> None:
    schemas = document["components"]["schemas"]
    assert schemas["RegisterBody"]["additionalProperties"] is False
    assert set(schemas["RegisterBody"]["properties"]["role"]["enum"]) == {"USER", "ORGANIZER"}


class Addresses(HTMLParser):
    """Everything that a page loads or links, and its inline scripts."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self.inline_scripts = 0

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        given = dict(attributes)
        self.found += [value for name in ("src", "href") if (value := given.get(name))]
        self.inline_scripts += tag == "script" and "src" not in given
        assert not any(name.startswith("on") for name in given)


@pytest.mark.parametrize("path", ["/docs", "/docs/errors"])
async def test_pages_load_nothing_from_elsewhere(client: httpx.AsyncClient, path: str) -> None:
    answer = await client.get(path)
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/html")
    policy = answer.headers["content-security-policy"]
    assert policy.startswith("default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self'")
    page = Addresses()
    page.feed(answer.text)
    assert page.inline_scripts == 0
    for address in page.found:
        if address != "data:,":
            assert address.startswith("/")
            assert (await client.get(address)).status_code == 200, address


async def test_assets_are_ours_and_kept(client: httpx.AsyncClient) -> None:
    script = await client.get("/docs/assets/swagger-ui-bundle.js")
    assert script.headers["content-type"].startswith("text/javascript")
    assert "SwaggerUIBundle" in script.text
    assert script.headers["cache-control"].startswith("public")
    again = await client.get(
        "/docs/assets/swagger-ui-bundle.js", headers={"If-None-Match": script.headers["etag"]}
    )
    assert again.status_code == 304
    start = (await client.get("/docs/assets/start.js")).text
    assert "validatorUrl: null" in start
    style = (await client.get("/docs/assets/swagger-ui.css")).text
    assert not re.search(r"url\(['\"]?(https?:)?//", style)
    assert "@import" not in style
    for name in ("nothing.js", "..%2fcore.py", "default.min.css"):
        assert (await client.get(f"/docs/assets/{name}")).status_code == 404


async def test_every_code_is_explained(client: httpx.AsyncClient) -> None:
    page = (await client.get("/docs/errors")).text
    for code in composition.CODES:
        assert f'id="{code.name}"' in page
    assert len({code.name for code in composition.CODES}) == len(set(composition.CODES))
