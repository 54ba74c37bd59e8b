"""The OpenAPI document says what the server does: fuzzed requests to a real server process."""

from collections import defaultdict
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio
import requests
import schemathesis
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from schemathesis.checks import not_a_server_error

from tests.contract.proposals import Town, build_town, propose
from tests.support.servers import api_server

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
import os
EXAMPLES = {"organizer": int(os.environ.get("N","20")), "buyer": 5, "admin": 5, "nobody": 2}


@pytest.fixture(scope="module")
def server(database_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with api_server(database_url, tmp_path_factory.mktemp("server") / "log") as address:
        yield address


@pytest_asyncio.fixture(scope="module")
async def town(server: str, database_url: str) -> Town:
    async with httpx.AsyncClient(base_url=server) as client:
        return await build_town(client, database_url)


@pytest.fixture(scope="module", params=EXAMPLES)
def caller(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def schema(server: str, town: Town, caller: str) -> Any:
    config = schemathesis.Config.from_dict(
        {
            "generation": {
                "max-examples": EXAMPLES[caller],
                "deterministic": True,
                "database": "none",
            },
            "phases": {"coverage": {"enabled": caller == os.environ.get("COV")}},
        }
    )
    document = requests.get(f"{server}/openapi.json").json()
    return schemathesis.openapi.from_dict(propose(document, town), config=config)


fuzzed = schemathesis.pytest.from_fixture("schema")
seen = defaultdict(lambda: defaultdict(int))
session = requests.Session()

@fuzzed.parametrize()
def test_server_answers_as_documented(case, server, town, caller):
    answer = case.call_and_validate(server, session, headers=town.people[caller], checks=CHECKS)
    seen[case.operation.label][answer.status_code] += 1

def test_zz():
    for label, c in seen.items():
        print(label, dict(c))
