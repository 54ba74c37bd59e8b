"""No secret that is sent to the server ever reaches a log, whatever happens to the request.

Every route gets canaries wherever a request may hold something, while all is well and while the
database fails; then all that the processes wrote is searched for them.
"""

import contextlib
import json
import re
import secrets
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

import asyncpg
import httpx
import pytest
import pytest_asyncio
import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

from fullhouse import migrate
from fullhouse.app import API_ROUTES
from fullhouse.kit.db import Database, take_turns
from fullhouse.kit.logging import DELIVERIES
from fullhouse.kit.redaction import names_secret, traceback_of
from tests.support.catalog import API, in_days, made_event, made_hall
from tests.support.people import signed_in
from tests.support.postgres import short_folder
from tests.support.processes import ROOT, ServerProcess, free_port

# Every canary begins so, and nothing else does.
MARK = "kanarie" + secrets.token_hex(4)
CONTROL = f"{MARK}control"
SETTING = f"{MARK}setting"

# Loaded by each process of the server as it starts: a logger that takes nothing out.
_CONTROL = f"""
import sys, structlog
processors = [structlog.processors.JSONRenderer()]
log = structlog.wrap_logger(structlog.PrintLogger(sys.stderr), processors=processors)
log.warning("control", password="{CONTROL}")
"""

# Not X-Request-Id, which is there to be found in the log.
_HEADERS = (
    "Cookie", "X-Api-Key", "Idempotency-Key", "Proxy-Authorization", "X-Csrf-Token", "User-Agent",
    "Referer", "Origin", "Accept-Language", "If-None-Match", "X-Forwarded-For", "Forwarded",
    "X-Forwarded-Proto", "X-Requested-With", "Webhook-Signature",
)  # fmt: skip

# The program's own, wherever its source names one, and some that others have.
_OWN_COOKIES = sorted(
    {
        name
        for path in (ROOT / "src" / "fullhouse").rglob("*.py")
        for name in re.findall(r'"((?:__Host-)?fullhouse_[a-z]+)"', path.read_text("utf-8"))
    }
)
_COOKIES = (*_OWN_COOKIES, "session", "refresh_token", "__Host-refresh", "__Secure-session")

# What is served beside the operations of the description, and what is not served at all.
_BESIDE: list[tuple[str, str, dict[str, Any]]] = [
    ("GET", "/docs", {}),
    ("GET", "/docs/errors", {}),
    ("GET", "/docs/assets/nothing.js", {}),
    ("GET", "/openapi.json", {}),
    ("POST", "/api/v1/nowhere", {"requestBody": {"content": {"application/json": {"schema": {}}}}}),
    ("PUT", "/health", {}),
]

# Whatever writes a row fails, and says which row it was.
_REFUSE_ROWS = "ALTER TABLE {table} ADD CONSTRAINT refuse CHECK (false) NOT VALID"
_ACCEPT_ROWS = "ALTER TABLE {table} DROP CONSTRAINT refuse"
# Whatever names the table fails.
_HIDE = "ALTER TABLE {table} RENAME TO hidden_{table}"
_SHOW = "ALTER TABLE hidden_{table} RENAME TO {table}"
# Everybody else's connections end.
_DISCONNECT = (
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
    " WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"
)

Json = dict[str, Any]


@dataclass
class Canaries:
    """Makes canaries, knows where each was put, and finds them again."""

    places: dict[str, str] = field(default_factory=dict)
    in_paths: set[str] = field(default_factory=set)
    # Secrets that the server itself gave out.
    given_out: dict[str, str] = field(default_factory=dict)

    def put(self, place: str) -> str:
        canary = f"{MARK}{len(self.places):06d}x"
        self.places[canary] = place
        return canary

    def put_in_path(self, place: str) -> str:
        canary = self.put(place)
        self.in_paths.add(canary)
        return canary

    def note_answer(self, place: str, answer: httpx.Response) -> None:
        """Remember the tokens and codes of an answer."""
        for cookie in answer.headers.get_list("set-cookie"):
            self._note_secret(place, cookie.partition("=")[2].partition(";")[0])
        if "json" in answer.headers.get("content-type", "") and answer.content:
            self._note_json(place, answer.json())

    def _note_json(self, place: str, value: Any) -> None:
        if isinstance(value, dict):
            for key, inner in value.items():
                # A refusal's code is no secret, and a booking's is what people say aloud.
                if names_secret(key) and key != "code" and isinstance(inner, str):
                    self._note_secret(f"{place} {key}", inner)
                self._note_json(place, inner)
        elif isinstance(value, list):
            for inner in value:
                self._note_json(place, inner)

    def _note_secret(self, place: str, secret: str) -> None:
        # Shorter ones may stand in a log by chance.
        if len(secret) >= 20:
            self.given_out[secret] = f"given out by {place}"

    def found_in(self, text: str) -> set[str]:
        """Where the canaries in the text had been put."""
        found = set(re.findall(rf"{MARK}(?:\d{{6}}x|\w*)", text))
        places = {self.places.get(canary, canary) for canary in found}
        return places | {place for secret, place in self.given_out.items() if secret in text}

    def found_in_log(self, log: str) -> set[str]:
        """The same for the server's log, where a few things are meant to be."""
        return self.found_in("\n".join(self._hidden(line) for line in log.splitlines()))

    def _hidden(self, line: str) -> str:
        try:
            event = json.loads(line)
        except ValueError:
            return line
        if event.get("event") in DELIVERIES:
            return ""
        if event.get("log") == "access":
            for canary in re.findall(rf"{MARK}\d{{6}}x", event["path"]):
                if canary in self.in_paths:
                    event["path"] = event["path"].replace(canary, "")
        return json.dumps(event, ensure_ascii=False)


@dataclass
class Cast:
    """Who asks in one phase: an organizer with a published event, and one newcomer for each
    operation that may end a session. ``known`` are the organizer's things by parameter."""

    owner: dict[str, str]
    newcomers: list[dict[str, str]]
    known: dict[str, str]


class Sampler:
    """Makes request bodies from the description, with canaries for texts."""

    def __init__(self, document: Json, canaries: Canaries, known: dict[str, str]) -> None:
        self._document = document
        self._canaries = canaries
        self._known = known

    def value(self, schema: Json, place: str, *, all_fields: bool = True) -> Any:
        """A value that fits, as far as a canary does."""
        schema = self._resolved(schema)
        if "enum" in schema:
            return schema["enum"][0]
        match schema.get("type"):
            case "object":
                return self._object(schema, place, all_fields=all_fields)
            case "array":
                return [self.value(schema.get("items", {}), place, all_fields=all_fields)]
            case "integer" | "number":
                return schema.get("minimum", 1)
            case "boolean":
                return True
            case "null":
                return None
        return self._text(schema, place)

    def wrong(self, schema: Json, place: str) -> Any:
        """A value with a canary in each field, where none of them may be."""
        fields = self._resolved(schema).get("properties", {})
        values = {name: {"x": [self._canaries.put(f"{place} {name}, wrong")]} for name in fields}
        unknown = self._canaries.put(f"{place}, unknown field")
        return values | {unknown: self._canaries.put(f"{place}, value of unknown field")}

    def _resolved(self, schema: Json) -> Json:
        while True:
            if "$ref" in schema:
                name = schema["$ref"].rpartition("/")[2]
                schema = self._document["components"]["schemas"][name]
            elif options := schema.get("anyOf") or schema.get("oneOf") or schema.get("allOf"):
                schema = next((one for one in options if one.get("type") != "null"), options[0])
            else:
                return schema

    def _object(self, schema: Json, place: str, *, all_fields: bool) -> Json:
        required = schema.get("required", [])
        return {
            name: self.value(inner, f"{place} {name}", all_fields=all_fields)
            if name not in self._known
            else self._known[name]
            for name, inner in schema.get("properties", {}).items()
            if all_fields or name in required
        }

    def _text(self, schema: Json, place: str) -> str:
        form = schema.get("format")
        if form == "uuid":
            return str(uuid4())
        if form in ("date", "date-time"):
            return in_days(20)[: 10 if form == "date" else None]
        canary = self._canaries.put(place)
        if form == "email":
            return f"{canary}@example.com"
        examples = schema.get("examples")
        if "pattern" in schema and not re.search(schema["pattern"], canary) and examples:
            return str(examples[0])
        return canary


@dataclass
class Asker:
    """Asks every operation of the description in several ways, in one phase."""

    phase: str
    document: Json
    client: httpx.AsyncClient
    canaries: Canaries
    cast: Cast
    statuses: list[int] = field(default_factory=list)

    async def ask_all(self) -> None:
        """Each operation: by nobody and by somebody, with a body of each kind."""
        newcomers = iter(self.cast.newcomers)
        for method, path, operation in [*operations_of(self.document), *_BESIDE]:
            person = next(newcomers) if is_personal(path) else self.cast.owner
            place = f"{self.phase}: {method} {path}"
            for body in self._bodies(operation, f"{place} body"):
                for headers in ({}, person):
                    await self._ask(method, path, operation, place, body, headers)
            # Parameters that make no sense, and a form in the place of JSON.
            secret = self.canaries.put(f"{place} form")
            form = f"password={secret}".encode() if "requestBody" in operation else None
            await self._ask(method, path, operation, place, form, person, every_parameter=True)

    def _bodies(self, operation: Json, place: str) -> list[bytes | None]:
        """With all fields, with those that must be, with wrong ones, and no JSON at all."""
        content = operation.get("requestBody", {}).get("content", {})
        if not content:
            return [None]
        schema = next(iter(content.values()))["schema"]
        sampler = Sampler(self.document, self.canaries, self.cast.known)
        bodies = [
            sampler.value(schema, place),
            sampler.value(schema, place, all_fields=False),
            sampler.wrong(schema, place),
        ]
        cut = f'{{"password": "{self.canaries.put(f"{place}, cut")}'
        return [*(json.dumps(body).encode() for body in bodies), cut.encode()]

    async def _ask(
        self,
        method: str,
        path: str,
        operation: Json,
        place: str,
        body: bytes | None,
        person: dict[str, str],
        *,
        every_parameter: bool = False,
    ) -> None:
        put = self.canaries.put
        parameters = operation.get("parameters", [])
        named = [one["name"] for one in parameters if one["in"] == "header"]
        headers = {name: put(f"{place} {name}") for name in (*_HEADERS, *named)}
        headers["Cookie"] = "; ".join(f"{name}={put(f'{place} {name}')}" for name in _COOKIES)
        headers["Authorization"] = f"Bearer {put(f'{place} Authorization')}"
        if body is not None:
            form = "application/x-www-form-urlencoded"
            headers["Content-Type"] = form if body.startswith(b"password=") else "application/json"
        headers |= person
        for parameter in parameters:
            if parameter["in"] == "path":
                value = self._part_of_path(parameter, place, known=bool(person))
                path = path.replace(f"{{{parameter['name']}}}", value)
        names = {one["name"] for one in parameters if one["in"] == "query"}
        if every_parameter:
            # Refused as unknown by most routes, before anything else is read.
            names |= {"token", "code"}
        elif person:
            # Most parameters with a canary make no sense, and what follows is never reached.
            names &= {"q", "category"}
        params = {name: put(f"{place} ?{name}") for name in names}
        request = self.client.build_request(
            method, path, params=params, headers=headers, content=body
        )
        try:
            answer = await self.client.send(request)
        except httpx.RemoteProtocolError:
            # Who is answered before the body is read may find the connection closed the next time.
            answer = await self.client.send(request)
        self.statuses.append(answer.status_code)
        self.canaries.note_answer(place, answer)

    def _part_of_path(self, parameter: Json, place: str, *, known: bool) -> str:
        name = parameter["name"]
        if known and name in self.cast.known:
            return self.cast.known[name]
        if parameter["schema"].get("format") == "uuid":
            return str(uuid4())
        return self.canaries.put_in_path(f"{place} {name}")


def operations_of(document: Json) -> list[tuple[str, str, Json]]:
    """Method, path and description of each operation."""
    return [
        (method.upper(), path, operation)
        for path, item in document["paths"].items()
        for method, operation in item.items()
        if method in ("get", "post", "put", "patch", "delete")
    ]


def described(document: Json) -> set[tuple[str, str]]:
    """Method and path of each operation, without the names of parameters."""
    return {(method, re.sub("{.*?}", "{}", path)) for method, path, _ in operations_of(document)}


def routes() -> set[tuple[str, str]]:
    """The same of each route of the program: a new one is asked without further ado."""
    return {
        (str(method), re.sub("{.*?}", "{}", f"/api/v1{path}"))
        for handler in API_ROUTES
        for method in handler.http_methods
        for path in handler.paths
    }


def is_personal(path: str) -> bool:
    """Whether the operation is about the account or the session of whoever asks."""
    return any(part in path for part in ("/auth", "/me", "/session", "/account", "/users"))


async def call_in(document: Json, client: httpx.AsyncClient, canaries: Canaries) -> Cast:
    """Make whoever asks in a phase, while all is well."""
    owner = await signed_in(client, role="ORGANIZER")
    event = await made_event(client, owner)
    hall = await made_hall(client, owner)
    showtimes = await client.get(f"{API}/showtimes", params={"eventId": event["id"]})
    personal = [path for _, path, _ in operations_of(document) if is_personal(path)]
    newcomers = [await signed_in(client, role="ORGANIZER") for _ in personal]
    for person in (owner, *newcomers):
        token = person["Authorization"].removeprefix("Bearer ")
        canaries.given_out[token] = "an access token"
    known = {
        "eventId": event["id"],
        "key": event["id"],
        "showId": event["showId"],
        "showtimeId": showtimes.json()["items"][0]["id"],
        "categoryId": event["categories"][0]["id"],
        "venueId": hall["venueId"],
        "hallId": hall["id"],
        "seatMapId": hall["seatMapId"],
        "currency": "USD",
    }
    return Cast(owner, newcomers, known)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """The whole program with its own PostgreSQL, each process with a logger that leaks."""
    leak = tmp_path_factory.mktemp("leak")
    (leak / "sitecustomize.py").write_text(_CONTROL)
    # Debug is the least severe: what is written at any other level is written here, too.
    variables = {
        "FULLHOUSE_LOG_LEVEL": "debug",
        "FULLHOUSE_RATE_LIMITS_ENABLED": "false",
        "PYTHONPATH": f"{leak}:{ROOT / 'src'}",
        # Nobody listens there, so that each of them fails; and each has a secret to lose.
        "FULLHOUSE_SMTP_URL": f"smtp://user:{SETTING}smtp@127.0.0.1:{free_port()}",
        "FULLHOUSE_VALKEY_URL": f"redis://user:{SETTING}valkey@127.0.0.1:{free_port()}",
        "FULLHOUSE_SMS_ADAPTER": "webhook",
        "FULLHOUSE_SMS_WEBHOOK_URL": f"http://127.0.0.1:{free_port()}/{SETTING}path",
        "FULLHOUSE_SMS_WEBHOOK_SECRET": f"{SETTING}sms",
        "FULLHOUSE_GOOGLE_CLIENT_ID": "client",
        "FULLHOUSE_GOOGLE_CLIENT_SECRET": f"{SETTING}google",
        "FULLHOUSE_GOOGLE_ISSUER": f"http://127.0.0.1:{free_port()}",
        "FULLHOUSE_SECRET_KEY": f"{SETTING}secretkeythatislongenough",
    }
    with short_folder() as folder, ServerProcess(folder / "data", variables=variables) as running:
        yield running


@pytest_asyncio.fixture
async def client(server: ServerProcess) -> AsyncIterator[httpx.AsyncClient]:
    """A client of that server."""
    async with httpx.AsyncClient(base_url=server.url, timeout=60) as client:
        yield client


@contextlib.asynccontextmanager
async def database_gone(server: ServerProcess) -> AsyncIterator[None]:
    """PostgreSQL runs on and nobody reaches it."""
    postgres = server.postgres()
    connection = await asyncpg.connect(postgres.dsn())
    door = postgres.socket_dir / f".s.PGSQL.{postgres.port}"
    hidden = door.with_name("hidden")
    door.rename(hidden)
    try:
        await connection.execute(_DISCONNECT)
        yield
    finally:
        hidden.rename(door)
        await connection.close()


async def alter_tables(server: ServerProcess, statement: str) -> None:
    """Do the same to every table."""
    connection = await asyncpg.connect(server.postgres().dsn())
    try:
        tables = await connection.fetch("SELECT tablename FROM pg_tables WHERE schemaname='public'")
        for (name,) in tables:
            table = name.removeprefix("hidden_")
            await connection.execute(statement.format(table=table))
    finally:
        await connection.close()


async def fail_on_purpose(server: ServerProcess, canary: str) -> None:
    """Let PostgreSQL log a statement that has a canary in it."""
    connection = await asyncpg.connect(server.postgres().dsn())
    with pytest.raises(asyncpg.DivisionByZeroError):
        await connection.execute(f"SELECT 1 / 0 -- {canary}")
    await connection.close()


def database_log(server: ServerProcess) -> str:
    """All that PostgreSQL wrote."""
    files: list[Path] = sorted(server.data_dir.glob("postgres.log*"))
    return "\n".join(file.read_text("utf-8", "replace") for file in files)


async def test_no_canary_is_found_in_any_log(
    server: ServerProcess, client: httpx.AsyncClient
) -> None:
    canaries = Canaries()
    document = (await client.get("/openapi.json")).json()
    assert described(document) >= routes()
    assert len(_OWN_COOKIES) >= 3
    phases: dict[str, list[str]] = {
        "all is well": [],
        "rows refused": [_REFUSE_ROWS],
        "tables hidden": [_ACCEPT_ROWS, _HIDE],
        "database gone": [_SHOW],
    }
    askers = [
        Asker(phase, document, client, canaries, await call_in(document, client, canaries))
        for phase in phases
    ]
    for asker in askers:
        for statement in phases[asker.phase]:
            await alter_tables(server, statement)
        async with database_gone(server) if "gone" in asker.phase else contextlib.nullcontext():
            await asker.ask_all()
    await fail_on_purpose(server, CONTROL)

    # The requests reached what they were meant for.
    well, *failing, gone = askers
    assert gone.statuses.count(503) > 100
    assert sum(200 <= status < 300 for status in well.statuses) > 20
    assert 500 not in well.statuses
    for asker in failing:
        assert asker.statuses.count(500) > 5, asker.phase
    log, said = server.log(), database_log(server)
    assert log.count('"unhandled_error"') > 10
    assert "Traceback" in log
    failures = ("database_unavailable", "component_failing", "dispatch_failed", "oidc_unavailable")
    assert [event for event in failures if f'"{event}"' not in log] == []
    assert set(re.findall('"level":"([a-z]+)"', log)) >= {"info", "warning", "error"}
    assert 'violates check constraint "refuse"' in said
    # The control was found in both, and nothing else.
    assert canaries.found_in_log(log) == {CONTROL}
    assert canaries.found_in(said) == {CONTROL}


async def test_errors_of_the_database_name_no_values(database: Database) -> None:
    for statement in ("SELECT CAST(:value AS text) FROM nowhere", "SELECT CAST(:value AS integer)"):
        with pytest.raises(DBAPIError) as caught:
            async with database.begin() as connection:
                await connection.execute(sa.text(statement), {"value": CONTROL})
        text = traceback_of(caught.value)
        assert CONTROL not in text
        assert "Error" in text
        assert "[parameters: " not in str(caught.value)


async def test_errors_of_migrations_name_no_values(database_url: str, database: Database) -> None:
    async with database.begin() as connection:
        name = (await connection.execute(sa.text("SELECT current_database()"))).scalar_one()
        await connection.execute(sa.text(f"ALTER DATABASE {name} SET lock_timeout = '50ms'"))
    async with database.begin() as connection:
        # Somebody else migrates.
        await take_turns(connection, migrate._LOCK)
        with pytest.raises(DBAPIError) as caught:
            await migrate.upgrade(database_url)
    assert "pg_advisory_lock" in str(caught.value)
    assert str(migrate._LOCK) not in str(caught.value)


def test_search_finds_what_it_should() -> None:
    canaries = Canaries()
    secret, in_path = canaries.put("a password"), canaries.put_in_path("a path")
    canaries.given_out["a-token-of-some-length"] = "given out"
    access = {"log": "access", "event": "request", "path": f"/x/{in_path}"}
    assert canaries.found_in_log(json.dumps(access)) == set()
    for line in (
        f"a traceback with {secret}",
        json.dumps(access | {"path": f"/x/{in_path}?password={secret}"}),
        json.dumps(access | {"note": secret}),
        json.dumps({"event": "mail_failed", "text": secret}),
        json.dumps({"event": "x", "list": [{"a": f"é{secret}é"}]}),
    ):
        assert canaries.found_in_log(f"first\n{line}\nlast") == {"a password"}, line
    assert canaries.found_in_log(json.dumps({"event": "x", "path": in_path})) == {"a path"}
    assert canaries.found_in("xa-token-of-some-length.") == {"given out"}
    assert canaries.found_in_log(json.dumps({"event": "sms", "text": secret})) == set()
