"""People in organizations, and the mails that they are sent."""

import asyncio
import re
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import httpx

from fullhouse.kit.db import RawConnection
from tests.support.asgi import bearer
from tests.support.mailbox import Mailbox
from tests.support.people import new_email, register

API = "/api/v1"
_PATIENCE_SECONDS = 30


@dataclass(frozen=True)
class Person:
    """Somebody with an account; ``organization`` is the one that an organizer owns from birth."""

    id: str
    email: str
    headers: dict[str, str]
    organization: str = ""


async def person(client: httpx.AsyncClient, **fields: Any) -> Person:
    """Register somebody."""
    email = fields.pop("email", None) or new_email()
    session = await register(client, email=email, **fields)
    owned = session["user"]["organizations"]
    return Person(
        session["user"]["id"],
        email,
        bearer(session["accessToken"]),
        owned[0]["id"] if owned else "",
    )


async def organizer(client: httpx.AsyncClient, **fields: Any) -> Person:
    """Register somebody with an organization of their own."""
    return await person(client, role="ORGANIZER", **fields)


async def administrator(client: httpx.AsyncClient, connection: RawConnection) -> Person:
    """Somebody who may do everything everywhere; no route makes one."""
    made = await person(client)
    await connection.execute("UPDATE users SET role = 'ADMIN' WHERE id = $1", UUID(made.id))
    return made


async def join(connection: RawConnection, organization: str, who: Person, role: str) -> None:
    """Make somebody a member, past the invitation; before they make their first request."""
    await connection.execute(
        "INSERT INTO memberships (organization_id, user_id, role) VALUES ($1, $2, $3)",
        UUID(organization),
        UUID(who.id),
        role,
    )


async def member(
    client: httpx.AsyncClient, connection: RawConnection, organization: str, role: str
) -> Person:
    """A new member of an organization, who also owns one elsewhere and so has every permission."""
    made = await organizer(client)
    await join(connection, organization, made, role)
    return made


async def roles_in(connection: RawConnection, organization: str) -> dict[str, str]:
    """The role of each member, by the user's id, as the database has it."""
    rows = await connection.fetch(
        "SELECT user_id, role FROM memberships WHERE organization_id = $1", UUID(organization)
    )
    return {str(row["user_id"]): row["role"] for row in rows}


async def invitation_tokens(mailbox: Mailbox, email: str, count: int = 1) -> list[str]:
    """The tokens of the invitations to this address, in the order in which they came.

    Waits until so many have come.
    """
    async with asyncio.timeout(_PATIENCE_SECONDS):
        while True:
            texts = [mail.text() for mail in mailbox.mails if email in mail.recipients]
            found = [token for text in texts for token in re.findall(r"#invitation=([\w-]+)", text)]
            if len(found) >= count:
                return found
            await asyncio.sleep(0.02)


async def audit_entries(
    client: httpx.AsyncClient, who: Person, organization: str, **filters: str
) -> list[dict[str, Any]]:
    """What the organization's audit log shows of its newest entries."""
    answer = await client.get(
        f"{API}/organizations/{organization}/audit-log",
        params={"limit": "100", **filters},
        headers=who.headers,
    )
    assert answer.status_code == 200, answer.text
    items: list[dict[str, Any]] = answer.json()["items"]
    return items


async def ask(
    client: httpx.AsyncClient,
    who: Person | None,
    method: str,
    path: str,
    body: dict[str, Any] | None = None,
) -> httpx.Response:
    """One request below ``/api/v1``."""
    headers = {} if who is None else who.headers
    return await client.request(method, f"{API}{path}", json=body, headers=headers)


async def invite(
    client: httpx.AsyncClient, who: Person, email: str, role: str = "viewer", to: str = ""
) -> httpx.Response:
    """Ask for an invitation into the caller's own organization, or another."""
    path = f"/organizations/{to or who.organization}/invitations"
    return await ask(client, who, "POST", path, {"email": email, "role": role})


async def accept(client: httpx.AsyncClient, who: Person, token: str) -> httpx.Response:
    """Ask to become a member with a token."""
    return await ask(client, who, "POST", "/invitations/accept", {"token": token})


def code_of(answer: httpx.Response) -> str:
    """The code of a refusal."""
    code: str = answer.json()["code"]
    return code


async def at_the_same_moment(
    connection: RawConnection, organization: str, *requests: Any
) -> list[httpx.Response]:
    """Hold the organization until all requests wait for it or are done, and let them go."""
    tasks = []
    async with connection.transaction():
        await connection.execute(
            "SELECT 1 FROM organizations WHERE id = $1 FOR UPDATE", UUID(organization)
        )
        tasks = [asyncio.ensure_future(request) for request in requests]
        async with asyncio.timeout(30):
            while not all(task.done() for task in tasks):
                # Not pg_stat_activity, which shows the same all through a transaction.
                waiting = await connection.fetchval(
                    "SELECT count(DISTINCT pid) FROM pg_locks WHERE NOT granted"
                )
                if waiting >= sum(not task.done() for task in tasks):
                    break
                await asyncio.sleep(0.01)
    return list(await asyncio.gather(*tasks))


async def verified(connection: RawConnection, who: Person) -> bool:
    """Whether the address of this person counts as proven."""
    found: bool = await connection.fetchval(
        "SELECT email_verified_at IS NOT NULL FROM users WHERE id = $1", UUID(who.id)
    )
    return found
