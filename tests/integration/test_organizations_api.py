"""Organizations and their members: through HTTP."""

import asyncio
from typing import Any
from uuid import uuid4

import httpx
import pytest

from fullhouse.api.permissions import OF_MEMBER, Permission
from fullhouse.kit.db import RawConnection
from fullhouse.kit.listener import CHANNEL
from tests.support.organizations import (
    administrator,
    ask,
    at_the_same_moment,
    audit_entries,
    code_of,
    invite,
    join,
    member,
    organizer,
    person,
    roles_in,
)
from tests.support.people import new_email

ROLES = tuple(OF_MEMBER)

P = Permission
# Every route below one organization, with a body that it takes, and what it asks for.
ROUTES: list[tuple[str, str, dict[str, Any] | None, Permission]] = [
    ("GET", "", None, P.MEMBERS_READ),
    ("PATCH", "", {"name": "Another"}, P.ORGANIZATION_WRITE),
    ("GET", "/members", None, P.MEMBERS_READ),
    ("PATCH", "/members/{id}", {"role": "viewer"}, P.MEMBERS_WRITE),
    ("DELETE", "/members/{id}", None, P.MEMBERS_WRITE),
    ("GET", "/invitations", None, P.MEMBERS_WRITE),
    ("POST", "/invitations", {"email": "x@example.com", "role": "viewer"}, P.MEMBERS_WRITE),
    ("DELETE", "/invitations/{id}", None, P.MEMBERS_WRITE),
    ("GET", "/api-keys", None, P.KEYS_WRITE),
    ("POST", "/api-keys", {"name": "Door", "scopes": ["check-in"]}, P.KEYS_WRITE),
    ("DELETE", "/api-keys/{id}", None, P.KEYS_WRITE),
    ("GET", "/audit-log", None, P.AUDIT_READ),
]


# Organizations


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"name": ""},
        {"name": "   "},
        {"name": "x" * 201},
        {"name": "two\nlines"},
        {"name": 5},
        {"name": "Mine", "id": str(uuid4())},
        {"name": "Mine", "role": "owner"},
        {"name": "Mine", "createdAt": "2026-01-01T00:00:00Z"},
    ],
)
async def test_what_is_no_organization_is_refused(
    client: httpx.AsyncClient, body: dict[str, Any]
) -> None:
    ada = await organizer(client)
    for method, path in (("POST", ""), ("PATCH", f"/{ada.organization}")):
        answer = await ask(client, ada, method, f"/organizations{path}", body)
        assert answer.status_code == 422, (method, answer.text)
        assert code_of(answer) == "validation_failed"
    listed = (await ask(client, ada, "GET", "/organizations")).json()["items"]
    assert [one["name"] for one in listed] == ["Ada Lovelace's organization"]


async def test_whoever_sells_nothing_makes_no_organization(client: httpx.AsyncClient) -> None:
    bob = await person(client)
    answer = await ask(client, bob, "POST", "/organizations", {"name": "Mine"})
    assert (answer.status_code, code_of(answer)) == (403, "forbidden")
    assert (await ask(client, bob, "GET", "/organizations")).json() == {"items": []}


async def test_making_and_renaming_an_organization(client: httpx.AsyncClient) -> None:
    ada = await organizer(client)
    made = await ask(client, ada, "POST", "/organizations", {"name": "  The Globe "})
    assert made.status_code == 201
    globe = made.json()
    assert globe == {"id": globe["id"], "name": "The Globe", "role": "owner"}
    listed = (await ask(client, ada, "GET", "/organizations")).json()["items"]
    assert [one["id"] for one in listed] == [ada.organization, globe["id"]]
    # What one owns may be used at once: the roles that were remembered are read again.
    path = f"/organizations/{globe['id']}"
    assert (await ask(client, ada, "GET", path)).json() == globe
    renamed = await ask(client, ada, "PATCH", path, {"name": "The Rose"})
    assert renamed.status_code == 200
    assert renamed.json() == globe | {"name": "The Rose"}
    assert (await ask(client, ada, "GET", path)).json()["name"] == "The Rose"


async def test_administrators_see_all_and_list_their_own(
    client: httpx.AsyncClient, connection: RawConnection
) -> None:
    ada = await organizer(client)
    root = await administrator(client, connection)
    assert (await ask(client, root, "GET", "/organizations")).json() == {"items": []}
    seen = (await ask(client, root, "GET", f"/organizations/{ada.organization}")).json()
    assert (seen["id"], seen["role"]) == (ada.organization, None)
    members = (await ask(client, root, "GET", f"/organizations/{ada.organization}/members")).json()
    (only,) = members["items"]
    since = only.pop("since")
    assert since.endswith("Z") or "+" in since
    assert only == {
        "userId": ada.id,
        "name": "Ada Lovelace",
        "email": ada.email,
        "role": "owner",
    }


@pytest.mark.parametrize(("method", "path", "body", "_permission"), ROUTES)
async def test_an_organization_that_is_none(
    client: httpx.AsyncClient,
    connection: RawConnection,
    method: str,
    path: str,
    body: dict[str, Any] | None,
    _permission: Permission,
) -> None:
    root = await administrator(client, connection)
    below = path.format(id=uuid4())
    answer = await ask(client, root, method, f"/organizations/{uuid4()}{below}", body)
    assert (answer.status_code, code_of(answer)) == (404, "not_found")


# Who may do what


@pytest.mark.parametrize(("method", "path", "body", "_permission"), ROUTES)
async def test_nobody_without_a_token(
    client: httpx.AsyncClient,
    method: str,
    path: str,
    body: dict[str, Any] | None,
    _permission: Permission,
) -> None:
    below = path.format(id=uuid4())
    answer = await ask(client, None, method, f"/organizations/{uuid4()}{below}", body)
    assert (answer.status_code, code_of(answer)) == (401, "unauthenticated")


@pytest.mark.parametrize(("method", "path", "body", "_permission"), ROUTES)
async def test_other_organizations_do_not_exist(
    client: httpx.AsyncClient,
    connection: RawConnection,
    method: str,
    path: str,
    body: dict[str, Any] | None,
    _permission: Permission,
) -> None:
    """Not even for an owner elsewhere, and not with ids of one's own below the other's."""
    ada, eve = await organizer(client), await organizer(client)
    before = await roles_in(connection, ada.organization)
    for id_ in (ada.id, eve.id, uuid4()):
        below = path.format(id=id_)
        theirs = await ask(client, eve, method, f"/organizations/{ada.organization}{below}", body)
        nobodys = await ask(client, eve, method, f"/organizations/{uuid4()}{below}", body)
        for answer in (theirs, nobodys):
            assert (answer.status_code, code_of(answer)) == (404, "not_found")
        # Nothing in the answer tells the one from the other.
        assert theirs.json() | {"requestId": ""} == nobodys.json() | {"requestId": ""}
    assert await roles_in(connection, ada.organization) == before
    assert (await ask(client, ada, "GET", f"/organizations/{ada.organization}")).json()["name"] == (
        "Ada Lovelace's organization"
    )


async def test_ids_of_another_organization_mean_nothing_in_ones_own(
    client: httpx.AsyncClient,
) -> None:
    ada, eve = await organizer(client), await organizer(client)
    theirs = (await invite(client, ada, new_email())).json()["id"]
    body = {"name": "Door", "scopes": ["check-in"]}
    keys = f"/organizations/{ada.organization}/api-keys"
    key = (await ask(client, ada, "POST", keys, body)).json()["id"]
    own = f"/organizations/{eve.organization}"
    for method, path, sent in (
        ("PATCH", f"{own}/members/{ada.id}", {"role": "viewer"}),
        ("DELETE", f"{own}/members/{ada.id}", None),
        ("DELETE", f"{own}/invitations/{theirs}", None),
        ("DELETE", f"{own}/api-keys/{key}", None),
    ):
        answer = await ask(client, eve, method, path, sent)
        assert (answer.status_code, code_of(answer)) == (404, "not_found"), path
    waiting = await ask(client, ada, "GET", f"/organizations/{ada.organization}/invitations")
    assert [one["id"] for one in waiting.json()["items"]] == [theirs]
    assert [one["id"] for one in (await ask(client, ada, "GET", keys)).json()["items"]] == [key]


@pytest.mark.parametrize("role", ROLES)
async def test_each_role_may_what_the_table_says(
    client: httpx.AsyncClient, connection: RawConnection, role: str
) -> None:
    ada = await organizer(client)
    mel = await member(client, connection, ada.organization, role)
    for method, path, body, permission in ROUTES:
        # Of things that are not there, so that each answer leaves all as it was.
        below = path.format(id=uuid4())
        answer = await ask(client, mel, method, f"/organizations/{ada.organization}{below}", body)
        allowed = permission in OF_MEMBER[role]
        if allowed and "{id}" in path:
            assert answer.status_code == 404, (role, method, path, answer.text)
        elif allowed:
            assert answer.is_success, (role, method, path, answer.text)
        else:
            assert (answer.status_code, code_of(answer)) == (403, "forbidden"), (role, path)


@pytest.mark.parametrize(
    ("acting", "before", "after", "status"),
    [
        ("manager", "viewer", "editor", 200),
        ("manager", "editor", "box_office", 200),
        ("manager", "scanner", None, 204),
        ("manager", "viewer", "manager", 403),
        ("manager", "viewer", "owner", 403),
        ("manager", "manager", "viewer", 403),
        ("manager", "manager", None, 403),
        ("manager", "owner", "manager", 403),
        ("manager", "owner", None, 403),
        ("owner", "viewer", "owner", 200),
        ("owner", "viewer", "manager", 200),
        ("owner", "manager", "viewer", 200),
        ("owner", "manager", None, 204),
        ("owner", "owner", "viewer", 200),
        ("owner", "owner", None, 204),
        ("ADMIN", "viewer", "owner", 200),
        ("ADMIN", "manager", None, 204),
        ("ADMIN", "owner", "manager", 200),
    ],
)
async def test_who_changes_whom(
    client: httpx.AsyncClient,
    connection: RawConnection,
    acting: str,
    before: str,
    after: str | None,
    status: int,
) -> None:
    ada = await organizer(client)
    if acting == "ADMIN":
        boss = await administrator(client, connection)
    else:
        boss = await member(client, connection, ada.organization, acting)
    mel = await member(client, connection, ada.organization, before)
    path = f"/organizations/{ada.organization}/members/{mel.id}"
    if after is None:
        answer = await ask(client, boss, "DELETE", path)
    else:
        answer = await ask(client, boss, "PATCH", path, {"role": after})
    assert answer.status_code == status, answer.text
    roles = await roles_in(connection, ada.organization)
    assert roles.get(mel.id) == (before if status == 403 else after)
    if status == 200:
        assert answer.json()["role"] == after
        assert answer.json()["userId"] == mel.id


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"role": "ADMIN"},
        {"role": "Owner"},
        {"role": None},
        {"role": "viewer", "userId": str(uuid4())},
        {"role": "viewer", "organizationId": str(uuid4())},
    ],
)
async def test_what_is_no_role_is_refused(
    client: httpx.AsyncClient, connection: RawConnection, body: dict[str, Any]
) -> None:
    ada = await organizer(client)
    mel = await member(client, connection, ada.organization, "editor")
    path = f"/organizations/{ada.organization}/members/{mel.id}"
    answer = await ask(client, ada, "PATCH", path, body)
    assert (answer.status_code, code_of(answer)) == (422, "validation_failed")
    assert (await roles_in(connection, ada.organization))[mel.id] == "editor"


async def test_nobody_raises_themselves_but_everybody_may_step_down(
    client: httpx.AsyncClient, connection: RawConnection
) -> None:
    ada = await organizer(client)
    mel = await member(client, connection, ada.organization, "manager")
    mine = f"/organizations/{ada.organization}/members/{mel.id}"
    answer = await ask(client, mel, "PATCH", mine, {"role": "owner"})
    assert (answer.status_code, code_of(answer)) == (403, "forbidden")
    assert (await ask(client, mel, "PATCH", mine, {"role": "viewer"})).status_code == 200
    # There is no way back.
    answer = await ask(client, mel, "PATCH", mine, {"role": "manager"})
    assert (answer.status_code, code_of(answer)) == (403, "forbidden")
    assert (await roles_in(connection, ada.organization))[mel.id] == "viewer"

    root = await administrator(client, connection)
    await join(connection, ada.organization, root, "viewer")
    own = f"/organizations/{ada.organization}/members/{root.id}"
    assert (await ask(client, root, "PATCH", own, {"role": "owner"})).status_code == 200


async def test_changes_count_on_the_next_request(
    client: httpx.AsyncClient, connection: RawConnection
) -> None:
    ada = await organizer(client)
    mel = await member(client, connection, ada.organization, "viewer")
    members = f"/organizations/{ada.organization}/members"
    waiting = f"/organizations/{ada.organization}/invitations"
    assert (await ask(client, mel, "GET", members)).status_code == 200
    assert (await ask(client, mel, "GET", waiting)).status_code == 403
    await ask(client, ada, "PATCH", f"{members}/{mel.id}", {"role": "manager"})
    assert (await ask(client, mel, "GET", waiting)).status_code == 200
    await ask(client, ada, "PATCH", f"{members}/{mel.id}", {"role": "scanner"})
    assert (await ask(client, mel, "GET", members)).status_code == 403
    await ask(client, ada, "DELETE", f"{members}/{mel.id}")
    assert (await ask(client, mel, "GET", members)).status_code == 404


async def test_other_processes_hear_of_a_change(
    client: httpx.AsyncClient, connection: RawConnection
) -> None:
    ada = await organizer(client)
    mel = await member(client, connection, ada.organization, "viewer")
    heard: list[str] = []
    await connection.add_listener(CHANNEL, lambda *said: heard.append(str(said[-1])))
    path = f"/organizations/{ada.organization}/members/{mel.id}"
    for method, body in (("PATCH", {"role": "editor"}), ("DELETE", None)):
        heard.clear()
        await ask(client, ada, method, path, body)
        async with asyncio.timeout(30):
            while f"user:{mel.id}" not in heard:
                await asyncio.sleep(0.02)


# The last owner


async def test_the_last_owner_stays(client: httpx.AsyncClient, connection: RawConnection) -> None:
    ada = await organizer(client)
    mel = await member(client, connection, ada.organization, "manager")
    root = await administrator(client, connection)
    own = f"/organizations/{ada.organization}/members/{ada.id}"
    for who, method, path, body in (
        (ada, "DELETE", f"/organizations/{ada.organization}/membership", None),
        (ada, "DELETE", own, None),
        (ada, "PATCH", own, {"role": "manager"}),
        (root, "DELETE", own, None),
        (root, "PATCH", own, {"role": "viewer"}),
    ):
        answer = await ask(client, who, method, path, body)
        assert (answer.status_code, code_of(answer)) == (409, "last_owner"), path
    # To be owner again is no change, and what is no change is noted nowhere.
    assert (await ask(client, ada, "PATCH", own, {"role": "owner"})).status_code == 200
    assert await audit_entries(client, ada, ada.organization, objectId=ada.id) == []

    heir = f"/organizations/{ada.organization}/members/{mel.id}"
    assert (await ask(client, ada, "PATCH", heir, {"role": "owner"})).status_code == 200
    leave = f"/organizations/{ada.organization}/membership"
    assert (await ask(client, ada, "DELETE", leave)).status_code == 204
    assert await roles_in(connection, ada.organization) == {mel.id: "owner"}
    again = await ask(client, ada, "DELETE", leave)
    assert (again.status_code, code_of(again)) == (404, "not_found")


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("DELETE", "/membership", None),
        ("DELETE", "/members/{own}", None),
        ("PATCH", "/members/{own}", {"role": "viewer"}),
    ],
)
async def test_two_last_owners_do_not_both_leave(
    client: httpx.AsyncClient,
    connection: RawConnection,
    database_url: str,
    method: str,
    path: str,
    body: dict[str, Any] | None,
) -> None:
    ada = await organizer(client)
    bob = await member(client, connection, ada.organization, "owner")
    answers = await at_the_same_moment(
        connection,
        ada.organization,
        *(
            ask(
                client,
                who,
                method,
                f"/organizations/{ada.organization}{path.format(own=who.id)}",
                body,
            )
            for who in (ada, bob)
        ),
    )
    assert sorted(answer.status_code for answer in answers) in ([200, 409], [204, 409])
    roles = await roles_in(connection, ada.organization)
    assert list(roles.values()).count("owner") == 1


async def test_two_owners_do_not_remove_each_other(
    client: httpx.AsyncClient, connection: RawConnection
) -> None:
    """The second of them is no owner any more when their turn comes."""
    ada = await organizer(client)
    bob = await member(client, connection, ada.organization, "owner")
    members = f"/organizations/{ada.organization}/members"
    answers = await at_the_same_moment(
        connection,
        ada.organization,
        ask(client, ada, "DELETE", f"{members}/{bob.id}"),
        ask(client, bob, "DELETE", f"{members}/{ada.id}"),
    )
    assert sorted(answer.status_code for answer in answers) == [204, 404]
    assert len(await roles_in(connection, ada.organization)) == 1
