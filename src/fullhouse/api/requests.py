"""Reading requests: what holds for every route before its own code runs.

The framework would decode a body first and loosely ("5" for 5), whatever its content type says,
and before it is known who sends it. Here the caller comes first, then the type, then one strict
decoding straight into the route's struct, whose errors say exactly where they are.
"""

import re
from typing import Any

import msgspec
from litestar import Request, Response
from litestar.exceptions.http_exceptions import RequestEntityTooLarge
from litestar.params import BodyKwarg
from litestar.routes import HTTPRoute

from fullhouse.api import tables
from fullhouse.api.errors import (
    BODY_TOO_LARGE,
    MALFORMED_REQUEST,
    NO_BODY,
    NOT_FOUND,
    UNSUPPORTED_MEDIA_TYPE,
    VALIDATION_FAILED,
)
from fullhouse.api.forms import TOO_LARGE, FormBody, read_form
from fullhouse.api.mistakes import decoder_for, in_form, in_json
from fullhouse.api.principal import access_of, check_access
from fullhouse.api.query import check_query
from fullhouse.kit.errors import Refused

_JSON = "application/json"
_JSON_PREFIX = b"application/json"
_JSON_ONLY = f"This route takes {_JSON} only."
# PostgreSQL's text cannot hold U+0000, and no name, title or address has a use for it.
_NUL_ESCAPE = b"\\u0000"
_NUL_IN_QUERY = re.compile(rb"%00|\x00")


class ApiRequest(Request[Any, Any, Any]):
    """A request whose JSON body is decoded strictly into what the route declares as ``data``."""

    async def json(self) -> Any:
        """The body as the route's ``data``. Raises Refused for another type or a bad body."""
        content_type, options = self.content_type
        data = self.route_handler.parsed_fn_signature.parameters.get("data")
        wanted = Any if data is None else data.raw
        if isinstance(wanted, type) and issubclass(wanted, FormBody):
            values = read_form(await self.body(), content_type, options, wanted)
            try:
                return msgspec.convert(values, wanted)
            except msgspec.ValidationError:
                raise Refused(VALIDATION_FAILED, errors=in_form(values, wanted)) from None
        if data is not None and isinstance(data.kwarg_definition, BodyKwarg):
            # Only tables are declared with a type of their own.
            return tables.text_of(await self.body(), content_type, options)
        if content_type != _JSON:
            raise Refused(UNSUPPORTED_MEDIA_TYPE, _JSON_ONLY)
        return decode_json(await self.body(), wanted)

    async def body(self) -> bytes:
        """The whole body. Raises Refused when there is more of it than the route takes."""
        try:
            return await super().body()
        except RequestEntityTooLarge:
            raise Refused(self.route_handler.opt.get(TOO_LARGE, BODY_TOO_LARGE)) from None


async def prepare(request: Request[Any, Any, Any]) -> Response[None] | None:
    """The framework's hook before each route: refuse what no route may see.

    Who must be signed in is checked before anything of the request's content is read.
    """
    scope = request.scope
    if scope["method"] == "OPTIONS":
        return _options(request)
    if "\x00" in scope["path"]:
        raise Refused(NOT_FOUND)
    if _NUL_IN_QUERY.search(scope["query_string"]):
        raise Refused(VALIDATION_FAILED, "The query holds a NUL character.")
    check_access(access_of(request.route_handler.opt), scope)
    if scope["query_string"]:
        check_query(request)
    return None


def _options(request: Request[Any, Any, Any]) -> Response[None]:
    """All methods of the address: the framework names only those of the first route it met."""
    path = request.scope["path_template"]
    methods = {
        method
        for route in request.app.routes
        if isinstance(route, HTTPRoute) and route.path_format == path
        for method in route.methods
    }
    allowed = methods | ({"HEAD"} if "GET" in methods else set())
    return Response(None, status_code=204, headers={"Allow": ", ".join(sorted(allowed))})


def decode_json(body: bytes, wanted: Any) -> Any:
    """The body as a value of the wanted type, strictly.

    Raises Refused: MALFORMED_REQUEST when it is no JSON, VALIDATION_FAILED with the pointers
    (RFC 6901) of the fields that are wrong.
    """
    try:
        decoded = decoder_for(wanted).decode(body)
    except msgspec.ValidationError as error:
        raise Refused(VALIDATION_FAILED, errors=in_json(body, wanted, error)) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Refused(MALFORMED_REQUEST, f"The request body is not valid JSON: {error}.") from None
    if _NUL_ESCAPE in body and _holds_nul(msgspec.json.decode(body)):
        raise Refused(VALIDATION_FAILED, "The request holds a NUL character (U+0000).")
    return decoded


async def read_json(scope: Any, receive: Any, limit: int, wanted: Any) -> Any:
    """For direct routes: the body as a value of the wanted type, refused as ``ApiRequest`` does.

    Raises Refused: BODY_TOO_LARGE, MALFORMED_REQUEST, UNSUPPORTED_MEDIA_TYPE, VALIDATION_FAILED,
    the first of them that holds, in this order.
    """
    body = await read_body(scope, receive, limit)
    if not body:
        raise Refused(MALFORMED_REQUEST, NO_BODY)
    check_content_type(scope["headers"])
    return decode_json(body, wanted)


def check_content_type(headers: list[tuple[bytes, bytes]]) -> None:
    """For direct routes: refuse whatever says that it is not JSON, as ``ApiRequest`` does."""
    for name, value in headers:
        if name == b"content-type":
            # Sent almost always exactly so; anything else takes the careful way.
            if value == _JSON_PREFIX or value.split(b";", 1)[0].strip().lower() == _JSON_PREFIX:
                return
            break
    raise Refused(UNSUPPORTED_MEDIA_TYPE, _JSON_ONLY)


async def read_body(scope: Any, receive: Any, limit: int) -> bytes:
    """The whole body of a direct route's request, of at most ``limit`` bytes.

    Raises Refused: BODY_TOO_LARGE, MALFORMED_REQUEST when the client leaves in the middle.
    """
    for name, value in scope["headers"]:
        # What is announced as too large need not be read.
        if name == b"content-length" and value.isdigit() and int(value) > limit:
            raise Refused(BODY_TOO_LARGE)
    message = await receive()
    body: bytes = message.get("body", b"")
    if message["type"] == "http.request" and not message.get("more_body") and len(body) <= limit:
        return body
    parts = [body]
    size = len(body)
    while message["type"] == "http.request" and message.get("more_body") and size <= limit:
        message = await receive()
        parts.append(message.get("body", b""))
        size += len(parts[-1])
    if message["type"] != "http.request":
        raise Refused(MALFORMED_REQUEST, "The connection ended before the body did.")
    if size > limit:
        raise Refused(BODY_TOO_LARGE)
    return b"".join(parts)


def _holds_nul(value: Any) -> bool:
    if isinstance(value, str):
        return "\x00" in value
    if isinstance(value, dict):
        return any(_holds_nul(key) or _holds_nul(inner) for key, inner in value.items())
    return isinstance(value, list) and any(_holds_nul(inner) for inner in value)
