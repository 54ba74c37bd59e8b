"""The OpenAPI 3.1 description, made from the routes themselves.

The framework describes parameters, bodies and answers. What it cannot know is added here from the
same facts that decide at run time: which routes need a signed-in user, and what every route
refuses.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from http import HTTPStatus
from typing import Any

import msgspec
from litestar import Litestar
from litestar._openapi.schema_generation.plugins.struct import StructSchemaPlugin
from litestar.handlers import HTTPRouteHandler
from litestar.openapi import OpenAPIConfig
from litestar.openapi.spec import Components, License, Schema, SecurityScheme, Tag
from litestar.routes import HTTPRoute
from litestar.types import ControllerRouterHandler

from fullhouse.api.errors import (
    BODY_TOO_LARGE,
    FORBIDDEN,
    MALFORMED_REQUEST,
    MEDIA_TYPE,
    NOT_FOUND,
    SECOND_FACTOR_NEEDED,
    STATUS_OF_KIND,
    UNAUTHENTICATED,
    UNSUPPORTED_MEDIA_TYPE,
    USER_REQUIRED,
    VALIDATION_FAILED,
)
from fullhouse.api.examples import EXAMPLES, PROBLEM, TABLES
from fullhouse.api.forms import CONTENT_TYPE, TOO_LARGE, FormBody
from fullhouse.api.permissions import Who
from fullhouse.api.principal import access_of
from fullhouse.kit.errors import OVERLOADED, UNAVAILABLE, Code

_SCHEME = "bearer"
_REFERENCE = "#/components/schemas/{name}"

_PATH_PARAMETER = re.compile(r"\{(\w+)\}")
# msgspec's name of a struct whose name is not unique: fullhouse.venues.schemas.SeatView
_QUALIFIED = re.compile(rb"\bfullhouse\.(\w+)\.(\w+)\.(\w+)(?=\")")
# The framework's name of a generic struct: Page_fullhouse.venues.schemas.VenueView_
_GENERIC = re.compile(rb"\b(\w+)_(?:\w+\.)*(\w+)_(?=[\"/])")

_DESCRIPTION = """\
Sells places at showtimes: cinema seats, concerts, conferences.

Log in with `POST /api/v1/auth/login`, press *Authorize* and paste the `accessToken`.
Refusals are `application/problem+json` (RFC 9457); [all codes](/docs/errors).
Money is in minor units of its currency. Times are RFC 3339 in UTC.
"""

_TAGS = {
    "Identity": "Accounts, ways in, sessions.",
    "My account": "Profile, favourites, export and deletion.",
    "Organizations": "Members, invitations and API keys.",
    "Administration": "What administrators do with the whole platform.",
    "Catalogue": "What is on: events, shows and showtimes.",
    "Showtimes": "What is free at a showtime, seat by seat and in numbers.",
    "Bookings": "Reserving, confirming and cancelling places, and waiting in line for them.",
    "Box office": "What the organization's members do with the places they sell.",
    "Venues": "Venues, halls and seat maps.",
    "Organizer": "Running an organization's events.",
    "Media": "Pictures of shows, events and venues.",
    "Service": "Health of the server.",
}

# What a caller is refused with whom the route is not for, before anything else is looked at.
_REFUSALS_OF: Mapping[Who, tuple[Code, ...]] = {
    Who.ANYBODY: (),
    Who.USER: (UNAUTHENTICATED, USER_REQUIRED),
    Who.OWNER: (UNAUTHENTICATED, FORBIDDEN),
    Who.MEMBER: (UNAUTHENTICATED, FORBIDDEN, SECOND_FACTOR_NEEDED),
    Who.ROLE: (UNAUTHENTICATED, USER_REQUIRED, FORBIDDEN, SECOND_FACTOR_NEEDED),
}

# Whoever asks for one of these may have to be told to come again later.
_NEEDING_THE_DATABASE = {
    "accounts",
    "database",
    "principal",
    "visitor",
    "desk",
    "media",
    "seat_maps",
    "seat_states",
}


# What is named in a path, wherever that is.
_IN_PATHS = {
    "bookingId": "The booking's id.",
    "categoryId": "The id of a ticket category of the event.",
    "entryId": "The id of the place in line, which is that of its booking.",
    "eventId": "The event's id.",
    "hallId": "The hall's id.",
    "invitationId": "The invitation's id, which is not its token.",
    "key": "The event's id or its slug.",
    "keyId": "The API key's id, which is no secret.",
    "mediaId": "The picture's id.",
    "movieId": "The movie's id, which is that of its show.",
    "organizationId": "The organization's id.",
    "seatMapId": "The id of one version of a hall's seat map.",
    "sessionId": "The session's id, from the list of sessions.",
    "showId": "The show's id.",
    "showtimeId": "The showtime's id.",
    "userId": "The user's id.",
    "venueId": "The venue's id.",
}


class _Structs(StructSchemaPlugin):
    """Notes which structs the framework describes, so that msgspec can describe them better."""

    def __init__(self) -> None:
        self.found: set[type[msgspec.Struct]] = set()

    def to_openapi_schema(self, field_definition: Any, schema_creator: Any) -> Schema:
        if not field_definition.is_generic:
            self.found.add(field_definition.type_)
        return super().to_openapi_schema(field_definition, schema_creator)

    def describe(self, schemas: dict[str, Any]) -> None:
        """Replace the framework's descriptions, which lose what holds for parts of a field.

        msgspec describes exactly what it accepts: limits inside lists and unions, unknown
        fields. Generic structs keep the framework's description.
        """
        _, described = msgspec.json.schema_components(
            sorted(self.found, key=lambda struct: struct.__name__), ref_template=_REFERENCE
        )
        # Where two domains use one name, each side tells them apart in its own way.
        renamed = _QUALIFIED.sub(rb"\1_\2_\3", msgspec.json.encode(described))
        schemas.update(msgspec.json.decode(renamed))
        for schema in schemas.values():
            for described_field in schema.get("properties", {}).values():
                if described_field.get("format") == "binary":
                    # In a form a file is sent as it is.
                    described_field.pop("contentEncoding", None)
                said = [one for one in described_field.get("anyOf", ()) if "description" in one]
                if len(said) == 1:
                    # What is said of a value is said of the field that may be null instead.
                    described_field.setdefault("description", said[0].pop("description"))


def build_document(
    handlers: Sequence[ControllerRouterHandler],
    dependencies: Mapping[str, Callable[..., Any] | Any],
    version: str,
) -> bytes:
    """The OpenAPI document of these routes as JSON.

    Made from an application of its own, so that the one that serves carries no routes for it.
    """
    structs = _Structs()
    app = Litestar(
        route_handlers=handlers,
        dependencies=dict(dependencies),
        plugins=[structs],
        logging_config=None,
        openapi_config=OpenAPIConfig(
            title="Fullhouse",
            version=version,
            description=_DESCRIPTION,
            license=License("Apache-2.0", identifier="Apache-2.0"),
            components=Components(
                security_schemes={
                    _SCHEME: SecurityScheme(type="http", scheme="bearer", bearer_format="JWT")
                }
            ),
            operation_id_creator=_operation_id,
            use_handler_docstrings=True,
        ),
    )
    document = app.openapi_schema.to_schema()
    schemas = document["components"]["schemas"]
    structs.describe(schemas)
    if "Problem" in schemas:
        schemas["Problem"]["example"] = PROBLEM
    used: set[str] = set()
    for route in app.routes:
        if isinstance(route, HTTPRoute):
            for method, (handler, _) in route.route_handler_map.items():
                operation = document["paths"].get(route.path_format, {}).get(method.lower())
                if operation is not None:
                    _complete(operation, handler)
                    used.update(operation.get("tags", ()))
    document["tags"] = [
        Tag(name, _TAGS.get(name)).to_schema() for name in sorted(used, key=_tag_order)
    ]
    document["paths"] = {
        _PATH_PARAMETER.sub(_camel_match, path): item for path, item in document["paths"].items()
    }
    return _GENERIC.sub(rb"\2\1", msgspec.json.encode(document))


def _complete(operation: dict[str, Any], handler: HTTPRouteHandler) -> None:
    wanted = handler.parsed_fn_signature.parameters
    who = access_of(handler.opt).who
    codes: list[Code] = [MALFORMED_REQUEST, *_REFUSALS_OF[who]]
    if who is not Who.ANYBODY:
        operation["security"] = [{_SCHEME: []}]
    elif "visitor" in wanted:
        # A visitor may come without a token; one who sends a token sends a good one.
        # "Nothing" goes first, so that Swagger UI shows the route as open.
        operation["security"] = [{}, {_SCHEME: []}]
        codes.append(UNAUTHENTICATED)
    if "requestBody" in operation:
        codes += [handler.opt.get(TOO_LARGE, BODY_TOO_LARGE), UNSUPPORTED_MEDIA_TYPE]
        data = wanted["data"].raw
        if isinstance(data, type) and issubclass(data, FormBody):
            content = operation["requestBody"]["content"]
            content[CONTENT_TYPE] = content.pop("application/json")
        for content in operation["requestBody"]["content"].values():
            choices = content["schema"].get("oneOf", [content["schema"]])
            name = choices[-1].get("$ref", choices[0].get("$ref", "")).rpartition("/")[2]
            if name in EXAMPLES:
                content["example"] = EXAMPLES[name]
            elif operation["operationId"] in TABLES:
                content["example"] = TABLES[operation["operationId"]]
    locations = {parameter["in"] for parameter in operation.get("parameters", ())}
    if "path" in locations:
        codes.append(NOT_FOUND)
    if locations - {"path"} or "requestBody" in operation:
        codes.append(VALIDATION_FAILED)
    if wanted.keys() & _NEEDING_THE_DATABASE:
        codes += [UNAVAILABLE, OVERLOADED]
    for parameter in operation.get("parameters", ()):
        _tidy_parameter(parameter)
    responses = operation["responses"]
    success = responses[str(handler.status_code)]
    if handler.status_code == HTTPStatus.NO_CONTENT:
        success.pop("content", None)
    if handler.response_description is None:
        success["description"] = HTTPStatus(handler.status_code).phrase
    if responses.get("400", {}).get("content", {}).keys() - {MEDIA_TYPE}:
        del responses["400"]  # the framework's own idea of a validation error
    for code in codes:
        _add_refusal(responses, code)
    operation["responses"] = dict(sorted(responses.items()))


def _tidy_parameter(parameter: dict[str, Any]) -> None:
    if parameter["in"] == "path":
        parameter["name"] = name = _camel(parameter["name"])
        if name in _IN_PATHS:
            parameter.setdefault("description", _IN_PATHS[name])
    # Leaving a parameter out is how to send nothing: there is no null in a query.
    schema = parameter["schema"]
    choices = [choice for choice in schema.get("oneOf", ()) if choice != {"type": "null"}]
    if len(choices) == 1:
        del schema["oneOf"]
        schema.update(choices[0] | schema)


def _add_refusal(responses: dict[str, Any], code: Code) -> None:
    status = STATUS_OF_KIND[code.kind]
    title = HTTPStatus(status).phrase
    known = responses.get(str(int(status)))
    if known is None:
        responses[str(int(status))] = {
            "description": f"{title}: {code.name}",
            "content": {MEDIA_TYPE: {"schema": {"$ref": _REFERENCE.format(name="Problem")}}},
        }
    elif code.name not in known["description"].partition(": ")[2].split(", "):
        known["description"] += f", {code.name}"


def _operation_id(handler: HTTPRouteHandler, _method: object, _path: object) -> str:
    return _camel(handler.handler_name)


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)


def _camel_match(match: re.Match[str]) -> str:
    return "{" + _camel(match[1]) + "}"


def _tag_order(name: str) -> tuple[int, str]:
    order = list(_TAGS)
    return (order.index(name) if name in order else len(order), name)
