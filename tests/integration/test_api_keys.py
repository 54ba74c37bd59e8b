"""API keys: what they can do, and above all what they cannot."""

import asyncio
import hashlib
from datetime import UTC, datetime, timedelta
from typing import Any, get_args
from uuid import UUID, uuid4

import httpx
import pytest

from fullhouse.accounts.membership import MOST_KEYS
from fullhouse.accounts.one_time import read_api_key
from fullhouse.accounts.schemas.keys import Scope
from fullhouse.api.permissions import KEY_SCOPES, OF_MEMBER, Permission
from fullhouse.kit.db import RawConnection
from fullhouse.kit.listener import CHANNEL
from tests.support.asgi import bearer
from tests.support.organizations import (
    API,
    Person,
    administrator,
    audit_entries,
    member,
    organizer,
)

MEMBERS_READ = ["members:read"]
ALL = sorted(KEY_SCOPES)


def path_of(who: Person, key_id: str = "") -> str:
    """Where the keys of somebody's organization are."""
    return f"{API}/organizations/{who.organization}/api-keys" + (f"/{key_id}" if key_id else "")


async def make(client: httpx.AsyncClient, who: Person, **fields: Any) -> dict[str, Any]:
    """Make a key for the organization of somebody."""
    body = {"name": "Door", "scopes": MEMBERS_READ} | fields
    answer = await client.post(path_of(who), json=body, headers=who.headers)
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


async def listed(client: httpx.AsyncClient, who: Person) -> list[dict[str, Any]]:
    answer = await client.get(path_of(who), headers=who.headers)
    assert answer.status_code == 200, answer.text
    items: list[dict[str, Any]] = answer.json()["items"]
    return items


async def look(client: httpx.AsyncClient, key: str, organization: str) -> httpx.Response:
    """What the key sees of the organization's members."""
    return await client.get(f"{API}/organizations/{organization}/members", headers=bearer(key))


def test_scopes_are_those_of_the_table() -> None:
    assert set(get_args(Scope)) == {str(scope) for scope in KEY_SCOPES}


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"name": ""}, "/name"),
        ({"name": "two\nlines"}, "/name"),
        ({"scopes": []}, "/scopes"),
        ({"scopes": ["everything"]}, "/scopes/0"),
        ({"scopes": ["members:read", "members:write"]}, "/scopes/1"),
        ({"scopes": ["api-keys:write"]}, "/scopes/0"),
        ({"scopes": ["organization:write"]}, "/scopes/0"),
        ({"scopes": "members:read"}, "/scopes"),
        ({"expiresAt": "2020-01-01T00:00:00Z"}, "/expiresAt"),
        ({"expiresAt": "2030-01-01T00:00:00"}, "/expiresAt"),
        ({"expiresAt": "9999-12-31T23:59:59-23:59"}, "/expiresAt"),
        ({"expiresAt": "0001-01-01T00:00:00+23:59"}, "/expiresAt"),
        ({"key": "fhk_mine"}, "/key"),
        ({"organizationId": str(uuid4())}, "/organizationId"),
        ({"createdBy": str(uuid4())}, "/createdBy"),
    ],
)
async def test_what_is_no_key_is_refused(
    client: httpx.AsyncClient, body: dict[str, Any], pointer: str
) -> None:
    ada = await organizer(client)
    sent = {"name": "Door", "scopes": MEMBERS_READ} | body
    answer = await client.post(path_of(ada), json=sent, headers=ada.headers)
    assert answer.status_code == 422, answer.text
    assert answer.json()["code"] == "validation_failed"
    assert answer.json()["errors"][0]["pointer"] == pointer
    assert await listed(client, ada) == []


@pytest.mark.parametrize("role", [role for role in OF_MEMBER if role != "owner"])
async def test_only_owners_handle_keys(
    client: httpx.AsyncClient, connection: RawConnection, role: str
) -> None:
    ada = await organizer(client)
    mel = await member(client, connection, ada.organization, role)
    key = await make(client, ada)
    body = {"name": "Door", "scopes": ["check-in"]}
    for answer in (
        await client.get(path_of(ada), headers=mel.headers),
        await client.post(path_of(ada), json=body, headers=mel.headers),
        await client.delete(path_of(ada, key["id"]), headers=mel.headers),
    ):
        assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")
    assert len(await listed(client, ada)) == 1


async def test_a_key_is_shown_once(client: httpx.AsyncClient, connection: RawConnection) -> None:
    ada = await organizer(client)
    end = (datetime.now(UTC) + timedelta(days=30)).replace(microsecond=0)
    made = await make(
        client,
        ada,
        name=" Front door ",
        scopes=["members:read", "events:read", "members:read"],
        expiresAt=end.isoformat(),
    )
    text = made.pop("key")
    assert read_api_key(text) is not None
    assert text.startswith(made["shown"])
    assert made["name"] == "Front door"
    assert made["scopes"] == ["events:read", "members:read"]
    assert made["createdBy"] == ada.id
    assert datetime.fromisoformat(made["expiresAt"]) == end
    assert made["lastUsedAt"] is None
    assert await listed(client, ada) == [made]
    row = await connection.fetchrow(
        "SELECT secret_hash, row_to_json(k)::text AS written FROM api_keys k WHERE id = $1",
        UUID(made["id"]),
    )
    assert row is not None
    assert row["secret_hash"] == hashlib.sha256(text.encode()).digest()
    assert text not in row["written"]
    (entry,) = await audit_entries(client, ada, ada.organization, objectKind="api_key")
    assert entry["action"] == "api_key.created"
    assert entry["after"]["scopes"] == made["scopes"]
    assert text not in str(entry)
    assert "Front door" not in str(entry)


async def test_a_key_without_an_end(client: httpx.AsyncClient) -> None:
    ada = await organizer(client)
    made = await make(client, ada)
    assert made["expiresAt"] is None
    assert (await look(client, made["key"], ada.organization)).status_code == 200


async def test_a_key_does_nothing_beyond_its_scopes(client: httpx.AsyncClient) -> None:
    ada = await organizer(client)
    root = f"{API}/organizations/{ada.organization}"
    routes = {
        f"{root}": Permission.MEMBERS_READ,
        f"{root}/members": Permission.MEMBERS_READ,
        f"{root}/audit-log": Permission.AUDIT_READ,
        f"{root}/invitations": Permission.MEMBERS_WRITE,
        f"{root}/api-keys": Permission.KEYS_WRITE,
    }
    for scopes in (["members:read"], ["audit-log:read"], ["check-in"], ALL):
        key = (await make(client, ada, scopes=scopes))["key"]
        for path, permission in routes.items():
            answer = await client.get(path, headers=bearer(key))
            if permission in scopes:
                assert answer.status_code == 200, (scopes, path)
            else:
                assert answer.status_code == 403, (scopes, path)
                assert answer.json()["code"] == "forbidden"


async def test_a_key_appoints_nobody_and_makes_no_keys(
    client: httpx.AsyncClient, connection: RawConnection
) -> None:
    ada = await organizer(client)
    mel = await member(client, connection, ada.organization, "viewer")
    made = await make(client, ada, scopes=ALL)
    root = f"/organizations/{ada.organization}"
    for method, path, body in (
        ("PATCH", root, {"name": "Another"}),
        ("PATCH", f"{root}/members/{mel.id}", {"role": "owner"}),
        ("DELETE", f"{root}/members/{mel.id}", None),
        ("POST", f"{root}/invitations", {"email": "eve@example.com", "role": "viewer"}),
        ("POST", f"{root}/api-keys", {"name": "Child", "scopes": ["check-in"]}),
        ("DELETE", f"{root}/api-keys/{made['id']}", None),
    ):
        answer = await client.request(
            method, f"{API}{path}", json=body, headers=bearer(made["key"])
        )
        assert (answer.status_code, answer.json()["code"]) == (403, "forbidden"), path
    assert [key["id"] for key in await listed(client, ada)] == [made["id"]]


async def test_a_key_is_no_person(client: httpx.AsyncClient) -> None:
    ada = await organizer(client)
    key = bearer((await make(client, ada, scopes=ALL))["key"])
    for method, path, body in (
        ("GET", "/auth/me", None),
        ("GET", "/organizations", None),
        ("POST", "/organizations", {"name": "Mine"}),
        ("DELETE", f"/organizations/{ada.organization}/membership", None),
        ("POST", "/invitations/accept", {"token": "x" * 43}),
        ("GET", "/admin/audit-log", None),
    ):
        answer = await client.request(method, f"{API}{path}", json=body, headers=key)
        assert (answer.status_code, answer.json()["code"]) == (403, "user_required"), path


async def test_a_key_is_of_one_organization(
    client: httpx.AsyncClient, connection: RawConnection
) -> None:
    ada, eve = await organizer(client), await organizer(client)
    # Even another one of the very person who made it.
    second = await client.post(f"{API}/organizations", json={"name": "Second"}, headers=ada.headers)
    key = (await make(client, ada, scopes=ALL))["key"]
    for organization in (eve.organization, second.json()["id"], str(uuid4())):
        for path in ("", "/members", "/audit-log"):
            answer = await client.get(
                f"{API}/organizations/{organization}{path}", headers=bearer(key)
            )
            assert (answer.status_code, answer.json()["code"]) == (404, "not_found"), path
    seen = await client.get(f"{API}/organizations/{ada.organization}", headers=bearer(key))
    assert (seen.status_code, seen.json()["role"]) == (200, None)


async def test_a_revoked_key_stops_at_once(
    client: httpx.AsyncClient, connection: RawConnection
) -> None:
    ada = await organizer(client)
    made, other = await make(client, ada), await make(client, ada)
    assert (await look(client, made["key"], ada.organization)).status_code == 200
    heard: list[str] = []
    await connection.add_listener(CHANNEL, lambda *said: heard.append(str(said[-1])))
    path = path_of(ada, made["id"])
    assert (await client.delete(path, headers=ada.headers)).status_code == 204
    answer = await look(client, made["key"], ada.organization)
    assert (answer.status_code, answer.json()["code"]) == (401, "unauthenticated")
    assert (await look(client, other["key"], ada.organization)).status_code == 200
    assert [key["id"] for key in await listed(client, ada)] == [other["id"]]
    again = await client.delete(path, headers=ada.headers)
    assert (again.status_code, again.json()["code"]) == (404, "not_found")
    async with asyncio.timeout(30):
        while f"api-key:{made['id']}" not in heard:
            await asyncio.sleep(0.02)
    revoked, *_ = await audit_entries(client, ada, ada.organization, objectId=made["id"])
    assert (revoked["action"], revoked["before"]) == ("api_key.revoked", {"scopes": MEMBERS_READ})


async def test_keys_that_are_no_keys(client: httpx.AsyncClient, connection: RawConnection) -> None:
    ada = await organizer(client)
    made, expired = await make(client, ada), await make(client, ada)
    await connection.execute(
        "UPDATE api_keys SET expires_at = clock_timestamp() WHERE id = $1", UUID(expired["id"])
    )
    key = made["key"]
    swapped = key[:-1] + ("0" if key[-1] != "0" else "1")
    for wrong in (expired["key"], swapped, key[:-1], made["shown"], key.lower(), "fhk_"):
        answer = await look(client, wrong, ada.organization)
        assert (answer.status_code, answer.json()["code"]) == (401, "unauthenticated"), wrong
    assert [one["id"] for one in await listed(client, ada)] == [made["id"]]


async def test_a_key_outlives_its_makers_role(
    client: httpx.AsyncClient, connection: RawConnection
) -> None:
    """It is the organization's: a door must not close because somebody has left."""
    ada = await organizer(client)
    mel = await member(client, connection, ada.organization, "owner")
    answer = await client.post(
        path_of(ada), json={"name": "Door", "scopes": MEMBERS_READ}, headers=mel.headers
    )
    made = answer.json()
    members = f"{API}/organizations/{ada.organization}/members"
    assert (await client.delete(f"{members}/{mel.id}", headers=ada.headers)).status_code == 204
    assert (await look(client, made["key"], ada.organization)).status_code == 200
    (still,) = await listed(client, ada)
    assert still["createdBy"] == mel.id


async def test_the_last_use_is_noted(client: httpx.AsyncClient) -> None:
    ada = await organizer(client)
    used, unused = await make(client, ada), await make(client, ada)
    assert (await look(client, used["key"], ada.organization)).status_code == 200
    async with asyncio.timeout(30):
        while True:
            by_id = {key["id"]: key for key in await listed(client, ada)}
            if by_id[used["id"]]["lastUsedAt"] is not None:
                break
            await asyncio.sleep(0.05)
    assert by_id[unused["id"]]["lastUsedAt"] is None


async def test_administrators_make_keys_for_others(
    client: httpx.AsyncClient, connection: RawConnection
) -> None:
    ada = await organizer(client)
    root = await administrator(client, connection)
    answer = await client.post(
        path_of(ada), json={"name": "Help", "scopes": MEMBERS_READ}, headers=root.headers
    )
    assert answer.status_code == 201
    # What it may do ends where the organization does, whoever made it.
    key = bearer(answer.json()["key"])
    eve = await organizer(client)
    assert (
        await client.get(f"{API}/organizations/{eve.organization}", headers=key)
    ).status_code == 404


async def test_keys_have_an_end_in_number(
    client: httpx.AsyncClient, connection: RawConnection
) -> None:
    """Also for those who make some at the same moment."""
    ada = await organizer(client)
    await connection.execute(
        """
        INSERT INTO api_keys (id, organization_id, name, shown, secret_hash, scopes, created_by)
        SELECT gen_random_uuid(), $1::uuid, 'Many', 'fhk_', sha256(($1::uuid::text || n)::bytea),
            '{check-in}', $2
        FROM generate_series(2, $3) AS n
        """,
        UUID(ada.organization),
        UUID(ada.id),
        MOST_KEYS,
    )
    body = {"name": "Door", "scopes": MEMBERS_READ}
    answers = await asyncio.gather(
        *(client.post(path_of(ada), json=body, headers=ada.headers) for _ in range(4))
    )
    assert sorted(answer.status_code for answer in answers) == [201, 409, 409, 409]
    assert {a.json().get("code") for a in answers} == {None, "organization_full"}
    assert len(await listed(client, ada)) == MOST_KEYS
