"""Everything that runs during a bench: PostgreSQL, the server, and what is sold there."""

import asyncio
import contextlib
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from subprocess import Popen

from bench import data, stage
from bench.data import House
from fullhouse import migrate
from fullhouse.kit.embedded import EmbeddedPostgres

EVENTS_PATH = "/api/v1/events"
BOOKINGS_PATH = "/api/v1/bookings"
LOGIN_PATH = "/api/v1/auth/login"


@dataclass(frozen=True)
class Bare:
    """A running server that has nothing but one route, at EVENTS_PATH."""

    port: int
    process: "Popen[bytes]"

    @property
    def address(self) -> str:
        """The address of its route."""
        return f"http://{stage.HOST}:{self.port}{EVENTS_PATH}"


@dataclass(frozen=True)
class Site:
    """A running server on its own database."""

    folder: Path
    postgres: EmbeddedPostgres
    url: str  # of the database
    house: House
    tokens: Path
    port: int
    process: "Popen[bytes]"

    def address(self, path: str) -> str:
        """The address of a route."""
        return f"http://{stage.HOST}:{self.port}{path}"


@contextlib.contextmanager
def running_site(folder: Path) -> Iterator[Site]:
    """PostgreSQL as durable as in production, and one server process that serves."""
    with EmbeddedPostgres(folder / "data") as postgres:
        url = postgres.dsn()
        asyncio.run(migrate.upgrade(url))
        house = asyncio.run(data.furnish(url))
        secret = secrets.token_urlsafe(32)
        tokens = folder / "tokens.txt"
        data.write_tokens(tokens, secret)
        with serving(url, folder, "server.log", secret) as (process, port):
            yield Site(folder, postgres, url, house, tokens, port, process)


@contextlib.contextmanager
def serving(
    url: str, folder: Path, log_name: str, secret: str | None = None
) -> Iterator[tuple["Popen[bytes]", int]]:
    """One server process on a database, and its port."""
    port, log = stage.free_port(), folder / log_name
    variables = stage.environment(
        host=stage.HOST,
        port=str(port),
        database_url=url,
        secret_key=secret or secrets.token_urlsafe(32),
        # So that visitors of the bench can have addresses of their own.
        trusted_proxies=stage.HOST,
    )
    with stage.python("fullhouse", ["api"], variables, log) as process:
        stage.wait_until_ready(process, port, "/health/ready", log)
        yield process, port


@contextlib.contextmanager
def bare_server(folder: Path, name: str, body: bytes) -> Iterator[Bare]:
    """A server that answers with that body."""
    file, log, port = folder / f"{name}.json", folder / f"{name}.log", stage.free_port()
    file.write_bytes(body)
    variables = stage.environment(host=stage.HOST)
    with stage.python("bench.bare", [str(port), str(file)], variables, log) as process:
        stage.wait_until_ready(process, port, EVENTS_PATH, log)
        yield Bare(port, process)
