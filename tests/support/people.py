"""Accounts for tests."""

from itertools import count
from typing import Any

import httpx

from tests.support.asgi import bearer

PASSWORD = "correct horse battery"

_numbers = count(1)


def new_email() -> str:
    """An address that no other test of this process has used."""
    return f"person{next(_numbers)}@example.com"


async def register(client: httpx.AsyncClient, **fields: Any) -> dict[str, Any]:
    """Register somebody; answers ``{user, accessToken, expiresIn}``."""
    body = {"name": "Ada Lovelace", "email": new_email(), "password": PASSWORD} | fields
    answer = await client.post("/api/v1/auth/register", json=body)
    assert answer.status_code == 201, answer.text
    session: dict[str, Any] = answer.json()
    return session


async def signed_in(client: httpx.AsyncClient, **fields: Any) -> dict[str, str]:
    """Register somebody; answers the headers of their requests."""
    return bearer((await register(client, **fields))["accessToken"])
