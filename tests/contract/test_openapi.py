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



from hypothesis import HealthCheck, Phase, given, settings as hs
from hypothesis import strategies as st
import time
seen = defaultdict(lambda: defaultdict(int))
MODES = list(schemathesis.GenerationMode)

def test_server_answers_as_documented(schema, server, town, caller, subtests):
    session = requests.Session()
    for result in schema.get_all_operations():
        operation = result.ok()
        t = time.time()
        n = [0, 0]
        def check(case):
            n[0] += 1
            answer = case.call(server, session, headers=town.people[caller])
            seen[caller, operation.label][answer.status_code] += 1
            case.validate_response(answer, checks=CHECKS, headers=town.people[caller], transport_kwargs={"base_url": server})
        with subtests.test(operation.label):
            strategy = st.one_of([operation.as_strategy(mode) for mode in MODES])
            given(case=strategy)(hs(max_examples=EXAMPLES[caller], deadline=None, database=None, derandomize=True, phases=[Phase.generate, Phase.shrink], suppress_health_check=list(HealthCheck))(check))()
        t2 = time.time()
        n[1] = n[0]
        if os.environ.get("COV"):
          with subtests.test("coverage " + operation.label):
            for case in schema.iter_coverage_cases(operation, generation_modes=MODES, generation_config=schema.config.generation):
                check(case)
        print(operation.label, n[1], n[0] - n[1], round(t2 - t, 2), round(time.time() - t2, 2), dict(seen[caller, operation.label]), flush=True)
