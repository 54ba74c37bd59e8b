"""What is documented and what exists are the same: routes, error codes, settings."""

import importlib
import inspect
import pkgutil
import re
from pathlib import Path
from typing import Annotated, Any, cast, get_args
from uuid import UUID

import httpx
import msgspec
import pytest
from litestar import Litestar, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import BodyKwarg
from litestar.routes import HTTPRoute

import fullhouse
from fullhouse import docs_pages
from fullhouse.api import permissions
from fullhouse.api.errors import Problem
from fullhouse.api.examples import EXAMPLES, PROBLEM, TABLES
from fullhouse.api.openapi import build_document
from fullhouse.api.permissions import PUBLIC, Permission
from fullhouse.api.schemas import Body
from fullhouse.app import API_ROUTES, CODES, compose
from fullhouse.catalog.schemas.importing import show_lines, showtime_lines
from fullhouse.kit.errors import Code
from fullhouse.parts import Parts
from fullhouse.settings import PREFIX, Settings

ROOT = Path(__file__).parents[2]
HOUSE = ROOT / "src" / "fullhouse"

# What is written for people: what it names must be there.
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
# A file or a folder of ours, from the root or from HOUSE, and maybe a test in it.
_NAMED = re.compile(
    r"(?<![\w./-])(?P<path>(?:src|tests|bench|docs|accounts|adapters|api|bookings|catalog|kit|venues)"
    r"/[\w./-]*\w)(?:::(?P<test>\w+))?"
)
_CODE = re.compile(r"`[^`\n]+`")
_LINK = re.compile(r"\]\((?P<target>[^)#\s:]+)(?:#[^)]*)?\)")

# The pages about the API are not part of it.
_PAGES = {"/", "/api/v1", "/openapi.json", "/docs", "/docs/errors", "/docs/assets/{name}"} | {
    "/account",
    "/account/assets/{name}",
    "/media/{mediaId}/{name}",
    "/metrics",
}


def camel(path: str) -> str:
    """A path with its parameters as the document writes them."""
    return re.sub(r"_(\w)", lambda match: match[1].upper(), path)


def served(parts: Parts) -> set[tuple[str, str]]:
    """Every (method, path) that the server answers, the direct ones too."""
    edge = compose(parts)
    framework = cast(Litestar, edge._app)
    routes = {
        (method, camel(route.path_format))
        for route in framework.routes
        if isinstance(route, HTTPRoute)
        for method in route.methods
        if method != "OPTIONS"
    }
    return routes | {(method, camel(path)) for method, path in edge.direct}


async def documented(client: httpx.AsyncClient) -> dict[tuple[str, str], dict[str, Any]]:
    """Every operation of the document by its (method, path)."""
    document = (await client.get("/openapi.json")).json()
    return {
        (method.upper(), path): operation
        for path, item in document["paths"].items()
        for method, operation in item.items()
    }


async def test_every_route_is_documented(client: httpx.AsyncClient, parts: Parts) -> None:
    routes = served(parts)
    assert {path for _, path in routes} >= _PAGES
    described = set(await documented(client))
    assert described == {(method, path) for method, path in routes if path not in _PAGES}


async def test_every_operation_says_what_it_does(client: httpx.AsyncClient) -> None:
    operations = await documented(client)
    for place, operation in operations.items():
        for part in ("summary", "description", "tags", "operationId"):
            assert operation.get(part), (place, part)
    ids = [operation["operationId"] for operation in operations.values()]
    assert len(ids) == len(set(ids))


def undescribed(document: dict[str, Any]) -> list[str]:
    """The parameters, and the fields of request bodies, of which nothing is said."""
    schemas = document["components"]["schemas"]
    operations = [one for item in document["paths"].values() for one in item.values()]
    missing = {
        f"{operation['operationId']}: {parameter['name']}"
        for operation in operations
        for parameter in operation.get("parameters", ())
        if not parameter.get("description")
    }
    wanted = [name for one in operations for name in references(one.get("requestBody", {}))]
    seen = set[str]()
    while wanted:
        name = wanted.pop()
        if name not in seen:
            seen.add(name)
            wanted += references(schemas[name])
            missing |= {
                f"{name}: {field}"
                for field, schema in schemas[name].get("properties", {}).items()
                if not is_described(schema, schemas)
            }
    return sorted(missing)


def references(part: Any) -> list[str]:
    """The names of all schemas that a part of the document refers to."""
    if isinstance(part, list):
        return [name for one in part for name in references(one)]
    if not isinstance(part, dict):
        return []
    named = [part["$ref"].rpartition("/")[2]] if isinstance(part.get("$ref"), str) else []
    return named + [name for one in part.values() for name in references(one)]


def is_described(schema: dict[str, Any], schemas: dict[str, Any]) -> bool:
    """Whether something is said of a field: there, or of the schema it refers to."""
    if "$ref" in schema:
        schema = schemas[schema["$ref"].rpartition("/")[2]]
    return bool(schema.get("description")) or any(
        is_described(choice, schemas) for choice in schema.get("anyOf", ())
    )


async def test_every_field_and_parameter_says_what_it_means(client: httpx.AsyncClient) -> None:
    assert undescribed((await client.get("/openapi.json")).json()) == []


class Inner(Body):
    told: Annotated[int, msgspec.Meta(description="How many.")]
    untold: int | None = None


class Outer(Body):
    """Everything."""

    inner: Annotated[list[Inner], msgspec.Meta(description="Those inside.")]
    one: Inner | None = None
    told: Annotated[int, msgspec.Meta(description="How many.")] | None = None


@post("/things/{thing_id:uuid}", access=PUBLIC)
async def untold_route(thing_id: UUID, data: Outer, after: str = "") -> None:
    """Takes things."""


def test_what_is_not_described_would_be_noticed() -> None:
    document = msgspec.json.decode(build_document([untold_route], {}, "1"))
    assert undescribed(document) == [
        "Inner: untold",
        "Outer: one",
        "untoldRoute: after",
        "untoldRoute: thingId",
    ]
    told = document["components"]["schemas"]["Outer"]["properties"]["told"]
    assert told["description"] == "How many."


def takes_table(handler: HTTPRouteHandler) -> bool:
    """Whether the body is a table."""
    data = handler.parsed_fn_signature.parameters.get("data")
    return data is not None and isinstance(data.kwarg_definition, BodyKwarg)


def body_of(handler: HTTPRouteHandler) -> type[msgspec.Struct] | None:
    """The struct that a route takes as its body; None for none, and for a table."""
    data = handler.parsed_fn_signature.parameters.get("data")
    if data is None or takes_table(handler):
        return None
    # Where the body may be left out, it is one of two.
    kinds = [kind for kind in get_args(data.annotation) if kind is not type(None)]
    return cast(type[msgspec.Struct], kinds[0] if kinds else data.annotation)


def test_every_body_has_an_acceptable_example() -> None:
    bodies = {body for handler in API_ROUTES if (body := body_of(handler)) is not None}
    assert {body.__name__ for body in bodies} == EXAMPLES.keys()
    for body in bodies:
        # By way of JSON, because a body may hold a document that is read later.
        msgspec.json.decode(msgspec.json.encode(EXAMPLES[body.__name__]), type=body, strict=False)
    msgspec.json.decode(msgspec.json.encode(PROBLEM), type=Problem)


def test_every_table_has_an_acceptable_example() -> None:
    tables = {handler.handler_name: handler for handler in API_ROUTES if takes_table(handler)}
    assert {camel(name) for name in tables} == TABLES.keys()
    for lines in (show_lines(TABLES["importShows"]), showtime_lines(TABLES["importShowtimes"])):
        assert lines
        assert [line.errors for line in lines] == [()] * len(lines)


async def test_examples_are_shown(client: httpx.AsyncClient) -> None:
    for place, operation in (await documented(client)).items():
        for content in operation.get("requestBody", {}).get("content", {}).values():
            if content["schema"].get("type") == "string":
                assert content["example"] == TABLES[operation["operationId"]], place
                continue
            choices = content["schema"].get("oneOf", [content["schema"]])
            (name,) = [kind["$ref"].rpartition("/")[2] for kind in choices if "$ref" in kind]
            assert content["example"] == EXAMPLES[name], place


async def test_unknown_fields_are_ruled_out_wherever_the_server_refuses_them(
    client: httpx.AsyncClient,
) -> None:
    schemas = (await client.get("/openapi.json")).json()["components"]["schemas"]
    for handler in API_ROUTES:
        body = body_of(handler)
        if body is not None:
            assert body.__struct_config__.forbid_unknown_fields
            assert schemas[body.__name__]["additionalProperties"] is False


@pytest.mark.parametrize("path", ["/", "/api/v1"])
async def test_the_front_door_leads_to_the_reference(client: httpx.AsyncClient, path: str) -> None:
    answer = await client.get(path)
    assert (answer.status_code, answer.headers["location"]) == (307, "/docs")


async def test_charset_is_named_once(client: httpx.AsyncClient) -> None:
    for name in ("start.js", "swagger-ui-bundle.js", "swagger-ui.css"):
        content_type = (await client.get(f"/docs/assets/{name}")).headers["content-type"]
        assert content_type.count("charset=utf-8") == 1


async def test_every_tag_is_described(client: httpx.AsyncClient) -> None:
    document = (await client.get("/openapi.json")).json()
    assert [tag["name"] for tag in document["tags"] if not tag.get("description")] == []


async def test_every_code_in_the_document_exists(client: httpx.AsyncClient) -> None:
    known = {code.name for code in CODES}
    for place, operation in (await documented(client)).items():
        for status, answer in operation["responses"].items():
            if "application/problem+json" in answer.get("content", {}):
                named = answer["description"].partition(": ")[2].split(", ")
                assert set(named) <= known, (place, status)


def existing_codes() -> dict[str, set[Code]]:
    """Every code that any module defines, by name."""
    found: dict[str, set[Code]] = {}
    for info in pkgutil.walk_packages(fullhouse.__path__, "fullhouse."):
        if info.name.endswith("__main__"):
            continue
        module = importlib.import_module(info.name)
        for _, code in inspect.getmembers(module, lambda value: isinstance(value, Code)):
            found.setdefault(code.name, set()).add(code)
    return found


def test_codes_are_complete_and_unique() -> None:
    found = existing_codes()
    assert [name for name, codes in found.items() if len(codes) > 1] == []
    assert found.keys() == {code.name for code in CODES}
    by_part = [code for codes in docs_pages.CODES_BY_PART.values() for code in codes]
    assert len(by_part) == len(set(by_part))
    assert set(by_part) == set(CODES)


async def test_every_code_is_listed_for_people(client: httpx.AsyncClient) -> None:
    served_page = (await client.get("/docs/errors")).text
    page = docs_pages.errors_page()
    for name in existing_codes():
        assert f'<section id="{name}">' in served_page
        assert f"| `{name}` |" in page


def test_every_setting_is_listed_with_a_description() -> None:
    page = docs_pages.settings_page()
    for name, field in Settings.model_fields.items():
        assert f"| `{PREFIX}{name.upper()}` |" in page
        assert field.description, name


@pytest.mark.parametrize("name", docs_pages.pages())
def test_reference_page_is_what_the_code_says(name: str) -> None:
    """After a change: ``python -m fullhouse.docs_pages``."""
    kept = (ROOT / docs_pages.FOLDER / name).read_text(encoding="utf-8")
    assert kept == docs_pages.pages()[name]


def test_pages_are_written_into_a_new_folder(tmp_path: Path) -> None:
    written = docs_pages.write(tmp_path / "docs" / "reference")
    assert [path.name for path in written] == list(docs_pages.pages())
    assert [path.read_text(encoding="utf-8") for path in written] == list(
        docs_pages.pages().values()
    )


def test_changed_code_changes_the_page(monkeypatch: pytest.MonkeyPatch) -> None:
    """The comparison above would notice: the page follows the code."""
    before = docs_pages.errors_page()
    some, *others = docs_pages.CODES_BY_PART["Catalogue"]
    changed = Code(some.name, some.kind, "Another | cause with a <b>.", some.remedy)
    monkeypatch.setitem(docs_pages.CODES_BY_PART, "Catalogue", (changed, *others))
    after = docs_pages.errors_page()
    assert after != before
    assert r"Another \| cause with a &lt;b>." in after


def test_every_permission_and_role_is_explained() -> None:
    page = docs_pages.permissions_page()
    assert permissions.MEANING_OF_PERMISSION.keys() == set(Permission)
    assert permissions.MEANING_OF_MEMBER_ROLE.keys() == permissions.OF_MEMBER.keys()
    assert set(get_args(permissions.MemberRole)) == permissions.OF_MEMBER.keys()
    assert permissions.MEANING_OF_PLATFORM_ROLE.keys() == permissions.OF_PLATFORM_ROLE.keys()
    assert set(get_args(permissions.PlatformRole)) == permissions.OF_PLATFORM_ROLE.keys()
    for one in Permission:
        scope = "yes" if one in permissions.KEY_SCOPES else ""
        assert f"| `{one}` | {permissions.MEANING_OF_PERMISSION[one]} | {scope} |" in page


def test_the_tables_of_roles_follow_the_code(monkeypatch: pytest.MonkeyPatch) -> None:
    def row() -> str:
        page = docs_pages.permissions_page().partition("## Members")[2]
        return next(line for line in page.splitlines() if line.startswith("| `check-in` |"))

    roles = ["owner", "manager", "editor", "box_office", "scanner", "viewer"]
    assert list(permissions.MEANING_OF_MEMBER_ROLE) == roles
    assert row() == "| `check-in` | yes | yes |  | yes | yes |  |"
    changed = {**permissions.OF_MEMBER, "scanner": frozenset({Permission.EVENTS_READ})}
    monkeypatch.setattr(permissions, "OF_MEMBER", changed)
    assert row() == "| `check-in` | yes | yes |  | yes |  |  |"


def test_scopes_of_keys_are_told_where_keys_are_explained() -> None:
    text = (ROOT / "docs" / "howto" / "api-keys.md").read_text(encoding="utf-8")
    told = re.findall(r"^\| `([\w:-]+)` \|", text.partition("## Scopes")[2], re.MULTILINE)
    assert told == [one for one in Permission if one in permissions.KEY_SCOPES]


def broken_names(text: str) -> list[str]:
    """The files, folders and tests that a page names and that do not exist."""
    # Whole words in code may be folders too; elsewhere "and/or" is no path.
    words = [part for code in _CODE.findall(text) for part in code.strip("`").split()]
    named = [found for word in words if (found := _NAMED.fullmatch(word.rstrip("/,")))]
    named += [found for found in _NAMED.finditer(text) if found["path"].endswith(".py")]
    return sorted({found[0] for found in named if not _exists(found["path"], found["test"])})


def _exists(path: str, test: str | None) -> bool:
    places = [place for place in (ROOT / path, HOUSE / path) if place.exists()]
    if test is None or not places:
        return bool(places)
    source = places[0].read_text(encoding="utf-8") if places[0].is_file() else ""
    return re.search(rf"^\s*(?:async )?def {test}\(", source, re.MULTILINE) is not None


def broken_links(page: Path, text: str) -> list[str]:
    """The relative links of a page that lead to nothing."""
    targets = [found["target"] for found in _LINK.finditer(text)]
    return [target for target in targets if not (page.parent / target).exists()]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_what_a_page_names_exists(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert broken_names(text) == []
    assert broken_links(page, text) == []


@pytest.mark.parametrize(
    "text",
    [
        "`tests/unit/test_nothing.py`",
        "see tests/unit/test_nothing.py, please",
        "`tests/unit/test_proxies.py::test_nothing`",
        "| `tests/unit/test_proxies.py::test_the_sch` |",
        "`tests/unit::test_the_scheme`",
        "`api/nothing.py`",
        "```\n  kit/nothing.py  does\n```",
        "`src/fullhouse/nothing`",
        "`bookings/nothing/`",
        "`cd docs/nothing`",
    ],
)
def test_what_does_not_exist_is_noticed(text: str) -> None:
    assert len(broken_names(text)) == 1


def test_what_exists_is_not_complained_about() -> None:
    text = """`tests/unit/test_proxies.py::test_the_scheme`, `tests/faults`, `kit/embedded/`,
    `api/edge.py` (`src/fullhouse/api/edge.py`), `GET /api/v1/events`, `application/json`,
    bookings/or not, and https://github.com/tests/unit.py"""
    assert broken_names(text) == []
    page = ROOT / "docs" / "page.md"
    assert broken_links(page, "[a](../README.md#b) [c](https://a.example/b) [d](#e)") == []
    assert broken_links(page, "[a](README.md)") == ["README.md"]
