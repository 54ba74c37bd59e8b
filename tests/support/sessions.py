"""Sessions that a test drives by hand: each request says itself which cookie it brings."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Any
from uuid import UUID

import httpx
import jwt

from fullhouse.app import compose
from fullhouse.parts import Parts, make_parts
from fullhouse.settings import Settings
from tests.support.asgi import bearer, client_of
from tests.support.people import PASSWORD, new_email

API = "/api/v1"
AUTH = f"{API}/auth"
ME = f"{AUTH}/me"
PLAIN = "fullhouse_refresh"
SECURE = "__Host-fullhouse_refresh"
# What a page of ours sends with what its cookie is to do.
OWN_PAGE = {"X-Requested-With": "fullhouse"}


@dataclass(frozen=True)
class SetCookie:
    """A cookie as an answer sets it; attributes by their lower-case names."""

    name: str
    value: str
    attributes: Mapping[str, str]


@dataclass(frozen=True)
class Entered:
    """A session that has begun or goes on."""

    user_id: UUID
    session_id: UUID
    email: str
    access: str
    cookie: str

    @property
    def headers(self) -> dict[str, str]:
        """Those of a signed-in request."""
        return bearer(self.access)


def keep_no_cookies(client: httpx.AsyncClient) -> None:
    """Let the client send only the cookies that a test gives it."""
    client.cookies = CookieJar(DefaultCookiePolicy(allowed_domains=[]))


@asynccontextmanager
async def another_server(settings: Settings) -> AsyncIterator[tuple[httpx.AsyncClient, Parts]]:
    """One more application on the same database, which hears of changes by notification only."""
    parts = make_parts(settings)
    async with client_of(compose(parts)) as client:
        keep_no_cookies(client)
        await parts.listener.connected.wait()
        yield client, parts


def cookies_of(answer: httpx.Response) -> list[SetCookie]:
    """The cookies that the answer sets."""
    found = []
    for line in answer.headers.get_list("set-cookie"):
        pair, *rest = line.split("; ")
        name, _, value = pair.partition("=")
        attributes = {key.lower(): text for key, _, text in (part.partition("=") for part in rest)}
        found.append(SetCookie(name, value.strip('"'), attributes))
    return found


def entered(answer: httpx.Response) -> Entered:
    """What the answer to a sign-in, a registration or a refresh gives."""
    assert answer.status_code in (200, 201), answer.text
    body = answer.json()
    (cookie,) = cookies_of(answer)
    return Entered(
        UUID(body["user"]["id"]),
        _session_of(body["accessToken"]),
        body["user"]["email"],
        body["accessToken"],
        cookie.value,
    )


async def newcomer(client: httpx.AsyncClient, **fields: Any) -> Entered:
    """Register somebody, who is signed in with that."""
    body = {"name": "Ada Lovelace", "email": new_email(), "password": PASSWORD} | fields
    headers = body.pop("headers", None)
    return entered(await client.post(f"{AUTH}/register", json=body, headers=headers))


async def log_in(
    client: httpx.AsyncClient, email: str, password: str = PASSWORD, **headers: str
) -> Entered:
    """Begin another session."""
    body = {"email": email, "password": password}
    return entered(await client.post(f"{AUTH}/login", json=body, headers=headers))


async def refresh(
    client: httpx.AsyncClient,
    cookie: str | None,
    headers: Mapping[str, str] = OWN_PAGE,
    name: str = PLAIN,
) -> httpx.Response:
    """Ask to go on with the session of this cookie."""
    sent = {} if cookie is None else {"Cookie": f"{name}={cookie}"}
    return await client.post(f"{AUTH}/refresh", headers={**headers, **sent})


async def status_of(client: httpx.AsyncClient, who: Entered) -> int:
    """How the access token is answered."""
    return (await client.get(ME, headers=who.headers)).status_code


def refusal(answer: httpx.Response) -> tuple[int, str]:
    """Status and code of a problem document."""
    return answer.status_code, answer.json()["code"]


def _session_of(access_token: str) -> UUID:
    claims = jwt.decode(access_token, options={"verify_signature": False})
    return UUID(claims["sid"])
