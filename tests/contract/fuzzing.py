"""Fuzzed requests to a real server process, checked against its own description.

Every operation is asked by callers of each kind, first with all the edge cases that Schemathesis
derives from its description, then with random requests, good and bad ones. No operation is left
out; those of the accounts get a caller of its own for each request. There is a test file for each
caller, so that they are asked side by side.
"""

import re
from collections.abc import Callable
from typing import Any

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from schemathesis import Case, CheckContext
from schemathesis.checks import CheckFunction, not_a_server_error
from schemathesis.core.result import Ok
from schemathesis.specs.openapi import checks as openapi_checks

from fullhouse.api.errors import MEDIA_TYPE, STATUS_OF_KIND
from fullhouse.api.permissions import (
    KEY_SCOPES,
    OF_MEMBER,
    OF_PLATFORM_ROLE,
    PUBLIC,
    Access,
    Who,
)
from fullhouse.api.principal import access_of
from fullhouse.app import API_ROUTES, CODES
from tests.contract.proposals import Document, Town, propose
from tests.contract.proposals_crowd import ROLES, Crowd, is_of_accounts

# How many random requests each operation gets from whom, besides its edge cases.
CALLERS = {"organizer": 30, "admin": 10, "buyer": 10, "key": 5, "nobody": 5}

_STATUS_OF_CODE = {code.name: int(STATUS_OF_KIND[code.kind]) for code in CODES}
_MODES = list(schemathesis.GenerationMode)

# Generic over the kinds of documents that Schemathesis knows; here all are OpenAPI.
AnyCase = Case[Any]
Operation = schemathesis.APIOperation[Any, Any, Any, Any]
Send = Callable[[AnyCase], schemathesis.Response]


def refusal_is_documented(
    _context: CheckContext, response: schemathesis.Response, case: AnyCase
) -> bool | None:
    """A check: the code in a refusal exists, goes with its status, and is named for this route."""
    if MEDIA_TYPE not in response.headers.get("content-type", [""])[0]:
        return None
    problem = response.json()
    code, status = problem["code"], response.status_code
    assert problem["status"] == status
    assert _STATUS_OF_CODE.get(code) == status, f"{code} is no code for {status}"
    assert problem["requestId"] == response.headers["x-request-id"][0]
    if case.method.upper() == case.operation.method.upper():
        answers = case.operation.definition.raw["responses"]
        named = answers.get(str(status), {}).get("description", "")
        assert code in named.partition(": ")[2].split(", "), f"{code} is not named under {status}"
    return None


CHECKS: list[CheckFunction] = [
    not_a_server_error,
    openapi_checks.status_code_conformance,
    openapi_checks.content_type_conformance,
    openapi_checks.response_headers_conformance,
    openapi_checks.response_schema_conformance,
    refusal_is_documented,
]


class Client:
    """Sends generated requests as one person and checks what comes back."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self.statuses: dict[str, set[int]] = {}

    def ask(self, case: AnyCase) -> None:
        """Send one request. Raises FailureGroup with a curl line when the answer is wrong."""
        response = self._send(case)
        if case.method.upper() == case.operation.method.upper():
            self.statuses.setdefault(case.operation.label, set()).add(response.status_code)
        case.validate_response(response, checks=CHECKS)

    @property
    def granted(self) -> set[str]:
        """The operations that have done at least once what they are for."""
        return {
            label
            for label, statuses in self.statuses.items()
            if any(200 <= status < 300 for status in statuses)
        }

    def ask_at_the_edges(self, operation: Operation) -> None:
        """Every limit, missing part, wrong type, wrong method and wrong media type."""
        schema = operation.schema
        for case in schema.iter_coverage_cases(
            operation, generation_modes=_MODES, generation_config=schema.config.generation
        ):
            self.ask(case)

    def ask_at_random(self, operation: Operation, examples: int) -> None:
        """Random requests; the same ones in each run, so that a failure stays."""
        strategy = st.one_of([operation.as_strategy(mode) for mode in _MODES])
        settings = hypothesis_settings(
            max_examples=examples,
            deadline=None,
            database=None,
            derandomize=True,
            phases=[Phase.generate, Phase.shrink],
            suppress_health_check=list(HealthCheck),
        )
        settings(given(case=strategy)(self.ask))()


def operations_of(document: Document) -> list[Operation]:
    """The operations; last those that use up bookings, so that the others find some."""
    config = schemathesis.Config.from_dict({})
    schema = schemathesis.openapi.from_dict(document, config=config)
    operations: list[Operation] = []
    for result in schema.get_all_operations():
        assert isinstance(result, Ok), result
        operations.append(result.ok())
    return sorted(operations, key=lambda operation: _uses_up(operation.label))


def _uses_up(label: str) -> bool:
    return label.startswith("DELETE ") or label.endswith("/cancel")


def documented_path(path: str) -> str:
    """A path as the document writes it: ``/shows/{show_id:uuid}`` is ``/shows/{showId}``."""
    plain = re.sub(r":\w+\}", "}", path)
    return re.sub(r"_(\w)", lambda match: match[1].upper(), plain)


# Asked and checked as all others, but Google is not there to say yes: the server under test is not
# configured for it. tests/integration/test_google_api.py has a provider.
WITHOUT_SUCCESS = {
    "GET /api/v1/auth/google",
    "DELETE /api/v1/auth/google",
    "GET /api/v1/auth/google/callback",
    "POST /api/v1/auth/google/link",
}
_ACCESS = {
    f"{method} /api/v1{documented_path(path)}": access_of(handler.opt)
    for handler in API_ROUTES
    for path in handler.paths
    for method in handler.http_methods
}


def access_to(operation: Operation) -> Access:
    """What the route declares; the service's own are public."""
    return _ACCESS.get(operation.label, PUBLIC)


def may_ask(caller: str, operation: Operation) -> bool:
    """Whether the route's own declaration lets this caller succeed."""
    access = access_to(operation)
    refusals = operation.definition.raw["responses"].get("403", {}).get("description", "")
    if caller == "key" and "user_required" in refusals:
        return False
    if access.who is Who.ANYBODY or caller == "nobody":
        return access.who is Who.ANYBODY
    platform_role, member_role = ROLES[caller]
    if access.who is Who.ROLE:
        return platform_role in access.roles
    if access.who is Who.USER or (access.who is Who.OWNER and caller != "key"):
        return True
    held = OF_MEMBER[member_role] | OF_PLATFORM_ROLE[platform_role]
    return access.permission in (KEY_SCOPES if caller == "key" else held)


def ask_as(
    caller: str, server: str, database_url: str, town: Town, subtests: pytest.Subtests
) -> None:
    """Ask for every operation as this caller; each is a subtest."""
    crowd = Crowd(caller, database_url)
    with requests.Session() as session:

        def send(case: AnyCase) -> schemathesis.Response:
            # What one answer leaves behind must not come along with the next request.
            session.cookies.clear()
            if not is_of_accounts(case.operation.path):
                return case.call(server, session, headers=town.people[caller])
            stand_in = crowd.stand_in(case.operation.label, case.method.upper())
            case.path_parameters = stand_in.with_own(case.path_parameters)
            case.query = stand_in.with_own(case.query)
            case.body = stand_in.with_own(case.body)
            return case.call(server, session, headers=stand_in.headers)

        document = session.get(f"{server}/openapi.json").json()
        operations = operations_of(propose(document, town))
        client = Client(send)
        may = {operation.label for operation in operations if may_ask(caller, operation)}
        for operation in operations:
            # Others are refused before anything of the request is read.
            if operation.label in may:
                with subtests.test(f"{operation.label} at the edges"):
                    client.ask_at_the_edges(operation)
            with subtests.test(f"{operation.label} at random"):
                client.ask_at_random(operation, CALLERS[caller])
    # Nothing is left out: whoever cannot succeed is refused as documented.
    assert client.statuses.keys() == {operation.label for operation in operations}
    assert client.granted == may - WITHOUT_SUCCESS
