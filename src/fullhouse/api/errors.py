"""Refusals as HTTP answers: ``application/problem+json`` after RFC 9457.

The only place where a refusal's kind becomes a status. Each answer carries ``code`` for programs,
``detail`` and ``remedy`` for people, ``requestId`` to find it in the logs, and ``errors`` where
fields are wrong.
"""

import re
from http import HTTPStatus
from typing import Any

import msgspec
import structlog
from litestar import Request, Response
from litestar.di import Provide
from litestar.exceptions import HTTPException, ValidationException
from litestar.handlers import BaseRouteHandler
from litestar.openapi.datastructures import ResponseSpec
from litestar.typing import FieldDefinition

from fullhouse.api.context import request_id
from fullhouse.api.wording import MISSING, detail_of, fields_of
from fullhouse.kit.db import is_lost_race, is_passing
from fullhouse.kit.errors import OVERLOADED, UNAVAILABLE, Code, FieldError, Kind, Refused

log = structlog.get_logger(__name__)

MEDIA_TYPE = "application/problem+json"

STATUS_OF_KIND = {
    Kind.MALFORMED: HTTPStatus.BAD_REQUEST,
    Kind.INVALID: HTTPStatus.UNPROCESSABLE_ENTITY,
    Kind.UNAUTHENTICATED: HTTPStatus.UNAUTHORIZED,
    Kind.FORBIDDEN: HTTPStatus.FORBIDDEN,
    Kind.MISSING: HTTPStatus.NOT_FOUND,
    Kind.METHOD: HTTPStatus.METHOD_NOT_ALLOWED,
    Kind.CONFLICT: HTTPStatus.CONFLICT,
    Kind.TOO_LARGE: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    Kind.MEDIA_TYPE: HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
    Kind.TOO_MANY: HTTPStatus.TOO_MANY_REQUESTS,
    Kind.UNAVAILABLE: HTTPStatus.SERVICE_UNAVAILABLE,
    Kind.BUG: HTTPStatus.INTERNAL_SERVER_ERROR,
}

MALFORMED_REQUEST = Code(
    "malformed_request",
    Kind.MALFORMED,
    "The request body cannot be read.",
    "Send all of it, in UTF-8, as the type that the reference at /docs names for the route.",
)
VALIDATION_FAILED = Code(
    "validation_failed",
    Kind.INVALID,
    "The request holds a value that cannot be accepted.",
    "Correct what detail and errors name; unknown fields and parameters are refused too.",
)
UNAUTHENTICATED = Code(
    "unauthenticated",
    Kind.UNAUTHENTICATED,
    "The request carries no valid access token or API key.",
    "Log in and send the token as Authorization: Bearer <accessToken>; a key goes there too.",
)
FORBIDDEN = Code(
    "forbidden",
    Kind.FORBIDDEN,
    "Whoever signed in, or the API key, may not do this.",
    "Use an account with the needed role, or a key with the needed scope; owners of the "
    "organization give both.",
)
USER_REQUIRED = Code(
    "user_required",
    Kind.FORBIDDEN,
    "This is for people; an API key acts for an organization and has nothing of its own.",
    "Send the access token of somebody who has signed in.",
)
SECOND_FACTOR_NEEDED = Code(
    "second_factor_needed",
    Kind.FORBIDDEN,
    "Administrators act here only after signing in with a second factor.",
    "Set one up with POST /api/v1/auth/second-factor, then sign in again.",
)
TOO_MANY_REQUESTS = Code(
    "too_many_requests",
    Kind.TOO_MANY,
    "More requests came than the limit named in policy allows.",
    "Repeat the request after the seconds in Retry-After; RateLimit tells what is left.",
)
NOT_FOUND = Code(
    "not_found",
    Kind.MISSING,
    "There is nothing at this address, or it is not yours to see.",
    "Check the id and the account; lists show what exists.",
)
METHOD_NOT_ALLOWED = Code(
    "method_not_allowed",
    Kind.METHOD,
    "This address does not take that method.",
    "See the Allow header and the interactive reference at /docs.",
)
BODY_TOO_LARGE = Code(
    "body_too_large",
    Kind.TOO_LARGE,
    "The request body is larger than this route takes.",
    "Send less; the limit is the setting FULLHOUSE_MAX_BODY_BYTES, and for seat maps "
    "FULLHOUSE_MAX_SEAT_MAP_BYTES.",
)
UNSUPPORTED_MEDIA_TYPE = Code(
    "unsupported_media_type",
    Kind.MEDIA_TYPE,
    "The request body is of a type that this route does not read.",
    "Send what detail names, and name it in Content-Type.",
)
INTERNAL_ERROR = Code(
    "internal_error",
    Kind.BUG,
    "The server made a mistake; it has been logged under the request id.",
    "Repeat the request with the same Idempotency-Key; report the requestId if it stays.",
)

CODES = (
    MALFORMED_REQUEST,
    VALIDATION_FAILED,
    UNAUTHENTICATED,
    FORBIDDEN,
    USER_REQUIRED,
    SECOND_FACTOR_NEEDED,
    TOO_MANY_REQUESTS,
    NOT_FOUND,
    METHOD_NOT_ALLOWED,
    BODY_TOO_LARGE,
    UNSUPPORTED_MEDIA_TYPE,
    UNAVAILABLE,
    OVERLOADED,
    INTERNAL_ERROR,
)

# What the framework itself refuses, by the status it would have answered with.
_CODE_OF_FRAMEWORK_STATUS = {
    400: VALIDATION_FAILED,
    401: UNAUTHENTICATED,
    403: FORBIDDEN,
    404: NOT_FOUND,
    405: METHOD_NOT_ALLOWED,
    413: BODY_TOO_LARGE,
    415: UNSUPPORTED_MEDIA_TYPE,
}


NO_BODY = "The request has no body."

# The framework's own words where it gives nothing else to go by; tests hold them.
_CLIENT_LEFT = "client disconnected prematurely"
_MISSING_PARAMETER = re.compile(r"Missing required \w+ parameter '(?P<name>[^']+)'")


class ProblemError(msgspec.Struct):
    """One wrong field: where (JSON Pointer or parameter name) and what is wrong."""

    pointer: str
    detail: str


class Problem(msgspec.Struct, rename="camel", omit_defaults=True):
    """A refusal as RFC 9457 writes it; some codes add further members of their own."""

    type: str
    title: str
    status: int
    code: str
    detail: str
    remedy: str = ""
    request_id: str = ""
    errors: list[ProblemError] = []


def status_of(refused: Refused) -> int:
    """The HTTP status of a refusal."""
    return int(STATUS_OF_KIND[refused.code.kind])


def problem_document(refused: Refused) -> dict[str, Any]:
    """The refusal as a JSON object in the form of RFC 9457."""
    status = STATUS_OF_KIND[refused.code.kind]
    document: dict[str, Any] = {
        "type": f"/docs/errors#{refused.code.name}",
        "title": status.phrase,
        "status": int(status),
        "code": refused.code.name,
        "detail": refused.detail,
        "remedy": refused.code.remedy,
        "requestId": request_id(),
    }
    if refused.errors:
        document["errors"] = [
            {"pointer": error.pointer, "detail": error.detail} for error in refused.errors
        ]
    return document | refused.members


def problem_headers(refused: Refused) -> dict[str, str]:
    """The headers that go with a refusal."""
    headers: dict[str, str] = {}
    if refused.code.kind in (Kind.UNAVAILABLE, Kind.TOO_MANY):
        headers["Retry-After"] = str(refused.retry_after_seconds or 1)
    if refused.code.kind is Kind.UNAUTHENTICATED:
        headers["WWW-Authenticate"] = "Bearer"
    return headers


def as_refused(error: BaseException) -> Refused:
    """Any exception as a refusal: known ones by their code, passing trouble as 503, bugs as 500."""
    if isinstance(error, Refused):
        return error
    if isinstance(error, HTTPException):
        return _framework_refusal(error)
    if is_passing(error):
        log.warning("database_unavailable", error=error)
        return Refused(UNAVAILABLE, retry_after_seconds=1)
    if is_lost_race(error):
        # Two that waited for each other; whoever comes again finds the other done.
        log.warning("race_lost", error=error)
        return Refused(UNAVAILABLE, retry_after_seconds=1)
    log.error("unhandled_error", exc_info=error)
    return Refused(INTERNAL_ERROR)


def handle(request: Request[Any, Any, Any], error: Exception) -> Response[bytes]:
    """Litestar's hook for every exception that leaves a route."""
    refused = as_refused(error)
    if refused.code is VALIDATION_FAILED and isinstance(error, ValidationException):
        refused = _parameters_refusal(request, error)
    headers = problem_headers(refused)
    if isinstance(error, HTTPException) and error.headers:
        headers |= error.headers
    if refused.code is METHOD_NOT_ALLOWED:
        headers["allow"] = _with_head(headers.get("allow", ""))
    return Response(
        msgspec.json.encode(problem_document(refused)),
        status_code=status_of(refused),
        media_type=MEDIA_TYPE,
        headers=headers,
    )


def _with_head(allowed: str) -> str:
    """The methods that the framework knows, and HEAD, which api.edge answers wherever GET is."""
    methods = {method.strip() for method in allowed.split(",") if method.strip()}
    return ", ".join(sorted(methods | ({"HEAD"} if "GET" in methods else set())))


def _framework_refusal(error: HTTPException) -> Refused:
    code = _CODE_OF_FRAMEWORK_STATUS.get(error.status_code)
    if code is None:
        if error.detail == _CLIENT_LEFT:
            return Refused(MALFORMED_REQUEST, "The connection ended before the body did.")
        log.error("unhandled_error", exc_info=error)
        return Refused(INTERNAL_ERROR)
    if code is VALIDATION_FAILED and not isinstance(error, ValidationException):
        # Such as a Host or Content-Length header that makes no sense.
        return Refused(MALFORMED_REQUEST, f"{error.detail}.")
    return Refused(code)


def parameters_of(handler: BaseRouteHandler) -> dict[str, FieldDefinition]:
    """What a route is given, by the names in the code; what its dependencies are given too."""
    return {
        name: field
        for one in _signatures(handler)
        for name, field in one.parsed_fn_signature.parameters.items()
    }


def _signatures(handler: BaseRouteHandler) -> list[BaseRouteHandler | Provide]:
    wanted = handler.parsed_fn_signature.parameters
    given = handler.resolve_dependencies().items()
    return [*(provide for name, provide in given if name in wanted), handler]


def _parameters_refusal(request: Request[Any, Any, Any], error: ValidationException) -> Refused:
    """What the framework found wrong with the query or a header. Bodies never come this way."""
    handler = request.scope.get("route_handler")
    fields = {} if handler is None else parameters_of(handler)
    shapes: dict[str, Any] = {}
    for one in [] if handler is None else _signatures(handler):
        shapes |= fields_of(one.signature_model)
    wrong: list[FieldError] = []
    for item in error.extra if isinstance(error.extra, list) else []:
        # Below the parameter's own name there may be an index into its list.
        name = str(item.get("key", "")).partition(".")[0]
        if name == "data":
            return Refused(MALFORMED_REQUEST, NO_BODY)
        definition = fields[name].kwarg_definition if name in fields else None
        shown = getattr(definition, "name", None) or name
        known = (shapes[name],) if name in shapes else ()
        # A parameter's title says in words what its value is.
        title = getattr(definition, "title", None)
        detail = detail_of(str(item.get("message", "")), *known)
        wrong.append(FieldError(shown, f"must be {title}" if title else detail))
    if not wrong and (missing := _MISSING_PARAMETER.match(error.detail)):
        wrong.append(FieldError(missing["name"], MISSING))
    return Refused(VALIDATION_FAILED, errors=tuple(wrong))


def problems(*codes: Code) -> dict[int, ResponseSpec]:
    """The OpenAPI description of the refusals of a route, for its ``responses``.

    What any route may answer is added here, so that routes name only their own.
    """
    grouped: dict[int, list[str]] = {}
    for code in (
        *codes,
        VALIDATION_FAILED,
        MALFORMED_REQUEST,
        TOO_MANY_REQUESTS,
        UNAVAILABLE,
        OVERLOADED,
    ):
        names = grouped.setdefault(int(STATUS_OF_KIND[code.kind]), [])
        if code.name not in names:
            names.append(code.name)
    return {
        status: ResponseSpec(
            Problem,
            generate_examples=False,
            description=f"{HTTPStatus(status).phrase}: {', '.join(sorted(names))}",
            media_type=MEDIA_TYPE,
        )
        for status, names in grouped.items()
    }
