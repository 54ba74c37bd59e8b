"""What administrators do with other people's accounts: through HTTP, failures first."""

import asyncio
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from fullhouse.kit.db import RawConnection
from tests.support.asgi import bearer
from tests.support.house import API
from tests.support.locks import until_blocked
from tests.support.people import PASSWORD, new_email, register, signed_in

USERS = f"{API}/admin/users"
ME = f"{API}/users/me"


async def admin(
    client: httpx.AsyncClient, connection: RawConnection
) -> tuple[UUID, dict[str, str]]:
    """A new administrator: their id, and the headers of their requests."""
    session = await register(client, name="Root")
    user_id = UUID(session["user"]["id"])
    await connection.execute("UPDATE users SET role = 'ADMIN' WHERE id = $1", user_id)
    return user_id, bearer(session["accessToken"])


async def only_admins(connection: RawConnection, *user_ids: UUID) -> None:
    """Let nobody else be an administrator in the module's database."""
    await connection.execute(
        "UPDATE users SET role = 'USER' WHERE role = 'ADMIN' AND id <> ALL($1::uuid[])",
        list(user_ids),
    )


async def patch(
    client: httpx.AsyncClient, headers: dict[str, str], user_id: object, **body: Any
) -> httpx.Response:
    return await client.patch(f"{USERS}/{user_id}", json=body, headers=headers)


async def audited(connection: RawConnection, object_id: object) -> list[str]:
    rows = await connection.fetch(
        "SELECT action FROM audit_log WHERE object_id = $1 ORDER BY id", str(object_id)
    )
    return [row[0] for row in rows]


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", ""),
        ("GET", "/{id}"),
        ("PATCH", "/{id}"),
        ("GET", "/{id}/sessions"),
        ("DELETE", "/{id}/sessions"),
        ("DELETE", "/{id}/sessions/{id}"),
    ],
)
@pytest.mark.parametrize("role", [None, "USER", "ORGANIZER"])
async def test_only_administrators(
    client: httpx.AsyncClient, connection: RawConnection, method: str, path: str, role: str | None
) -> None:
    target = await register(client)
    headers = {} if role is None else await signed_in(client, role=role)
    answer = await client.request(
        method,
        USERS + path.format(id=target["user"]["id"]),
        json={"role": "ADMIN"} if method == "PATCH" else None,
        headers=headers,
    )
    expected = (401, "unauthenticated") if role is None else (403, "forbidden")
    assert (answer.status_code, answer.json()["code"]) == expected
    row = await connection.fetchrow(
        "SELECT role, disabled_at FROM users WHERE id = $1", UUID(target["user"]["id"])
    )
    assert tuple(row or ()) == ("USER", None)


async def test_nobody_is_found_where_nobody_is(
    client: httpx.AsyncClient, connection: RawConnection
) -> None:
    _, headers = await admin(client, connection)
    deleted = await register(client)
    await client.request(
        "DELETE", ME, json={"password": PASSWORD}, headers=bearer(deleted["accessToken"])
    )
    for unknown in (uuid4(), deleted["user"]["id"]):
        answers = [
            await client.get(f"{USERS}/{unknown}", headers=headers),
            await patch(client, headers, unknown, role="ORGANIZER"),
            await client.get(f"{USERS}/{unknown}/sessions", headers=headers),
            await client.delete(f"{USERS}/{unknown}/sessions", headers=headers),
            await client.delete(f"{USERS}/{unknown}/sessions/{uuid4()}", headers=headers),
        ]
        assert [answer.json()["code"] for answer in answers] == ["not_found"] * 5


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"role": "ROOT"}, "/role"),
        ({"role": None}, "/role"),
        ({"disabled": "yes"}, "/disabled"),
        ({"email": "other@example.com"}, "/email"),
        ({"password": PASSWORD}, "/password"),
    ],
)
async def test_what_cannot_be_changed_is_refused(
    client: httpx.AsyncClient, connection: RawConnection, body: dict[str, Any], pointer: str
) -> None:
    _, headers = await admin(client, connection)
    target = await register(client)
    answer = await patch(client, headers, target["user"]["id"], **body)
    assert (answer.status_code, answer.json()["code"]) == (422, "validation_failed")
    assert [error["pointer"] for error in answer.json()["errors"]] == [pointer]
    assert await audited(connection, target["user"]["id"]) == []


async def test_the_list_can_be_searched_and_paged(
    client: httpx.AsyncClient, connection: RawConnection
) -> None:
    _, headers = await admin(client, connection)
    made = [await register(client, name=f"Zuse 100% {number}") for number in range(5)]
    ids = [session["user"]["id"] for session in reversed(made)]

    async def listed(**query: object) -> dict[str, Any]:
        answer = await client.get(USERS, params=query, headers=headers)  # type: ignore[arg-type]
        assert answer.status_code == 200, answer.text
        page: dict[str, Any] = answer.json()
        return page

    found = await listed(q="zuse 100%")
    assert [user["id"] for user in found["items"]] == ids
    assert found["items"][0] == {
        "id": ids[0],
        "name": "Zuse 100% 4",
        "email": made[4]["user"]["email"],
        "phone": None,
        "role": "USER",
        "emailVerified": False,
        "disabled": False,
        "createdAt": found["items"][0]["createdAt"],
    }
    by_address = await listed(q=made[2]["user"]["email"].upper())
    assert [user["id"] for user in by_address["items"]] == [ids[2]]
    assert (await listed(q="zuse 100_"))["items"] == []

    first = await listed(q="zuse", limit=2)
    second = await listed(q="zuse", limit=2, cursor=first["nextCursor"])
    last = await listed(q="zuse", limit=2, cursor=second["nextCursor"])
    pages = [user["id"] for part in (first, second, last) for user in part["items"]]
    assert (pages, last["nextCursor"]) == (ids, None)
    page = await listed(q="zuse", limit=2, page=3)
    assert ([user["id"] for user in page["items"]], page["total"]) == (ids[4:], 5)

    assert (await patch(client, headers, ids[1], role="EDITOR")).status_code == 200
    assert (await patch(client, headers, ids[3], disabled=True)).status_code == 200
    editors = await listed(q="zuse", role="EDITOR")
    disabled = await listed(q="zuse", disabled="true")
    enabled = await listed(q="zuse", disabled="false", page=1)
    assert [user["id"] for user in editors["items"]] == [ids[1]]
    assert [user["id"] for user in disabled["items"]] == [ids[3]]
    assert (len(enabled["items"]), enabled["total"]) == (4, 4)

    for query in ({"role": "ROOT"}, {"cursor": "x"}, {"cursor": first["nextCursor"], "page": 1}):
        answer = await client.get(USERS, params=query, headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (422, "validation_failed"), query


async def test_a_role_counts_from_the_next_request_on(
    client: httpx.AsyncClient, connection: RawConnection
) -> None:
    admin_id, headers = await admin(client, connection)
    session = await register(client)
    target, theirs = session["user"]["id"], bearer(session["accessToken"])
    assert (await client.get(USERS, headers=theirs)).status_code == 403

    promoted = await patch(client, headers, target, role="ADMIN")
    assert promoted.status_code == 200
    assert promoted.json()["role"] == "ADMIN"
    assert promoted.json() == (await client.get(f"{USERS}/{target}", headers=headers)).json()
    assert (await client.get(USERS, headers=theirs)).status_code == 200
    assert (await patch(client, headers, target, role="ADMIN")).status_code == 200
    assert (await patch(client, headers, target, role="USER")).json()["role"] == "USER"
    assert (await client.get(USERS, headers=theirs)).status_code == 403

    entries = await connection.fetch(
        "SELECT * FROM audit_log WHERE object_id = $1 ORDER BY id", target
    )
    assert [entry["action"] for entry in entries] == ["user.role_changed"] * 2
    assert [(entry["actor_kind"], entry["actor_id"]) for entry in entries] == [
        ("user", admin_id)
    ] * 2
    assert (entries[0]["before"], entries[0]["after"]) == ('{"role": "USER"}', '{"role": "ADMIN"}')


async def test_a_disabled_user_is_out_at_once(
    client: httpx.AsyncClient, connection: RawConnection
) -> None:
    _, headers = await admin(client, connection)
    email = new_email()
    session = await register(client, email=email)
    target, theirs = session["user"]["id"], bearer(session["accessToken"])
    assert (await client.get(ME, headers=theirs)).status_code == 200

    disabled = await patch(client, headers, target, disabled=True)
    assert (disabled.status_code, disabled.json()["disabled"]) == (200, True)
    assert (await client.get(ME, headers=theirs)).json()["code"] == "unauthenticated"
    login = {"email": email, "password": PASSWORD}
    refused = await client.post(f"{API}/auth/login", json=login)
    assert (refused.status_code, refused.json()["code"]) == (403, "account_disabled")
    listed = await client.get(f"{USERS}/{target}/sessions", headers=headers)
    assert listed.json() == {"items": []}

    assert (await patch(client, headers, target, disabled=False)).json()["disabled"] is False
    # The sessions that were ended stay so.
    assert (await client.get(ME, headers=theirs)).status_code == 401
    assert (await client.post(f"{API}/auth/login", json=login)).status_code == 200
    assert await audited(connection, target) == ["user.disabled", "user.enabled"]


async def test_the_last_administrator_stays(
    client: httpx.AsyncClient, connection: RawConnection
) -> None:
    admin_id, headers = await admin(client, connection)
    out_of_office, _ = await admin(client, connection)
    await only_admins(connection, admin_id, out_of_office)
    assert (await patch(client, headers, out_of_office, disabled=True)).status_code == 200
    # The disabled one is no administrator who could help.
    for body in ({"role": "USER"}, {"disabled": True}, {"role": "EDITOR", "disabled": True}):
        refused = await patch(client, headers, admin_id, **body)
        assert (refused.status_code, refused.json()["code"]) == (409, "last_admin")
    assert await audited(connection, admin_id) == []
    assert (await patch(client, headers, out_of_office, disabled=False)).status_code == 200
    assert (await patch(client, headers, admin_id, role="USER")).status_code == 200
    assert (await client.get(USERS, headers=headers)).json()["code"] == "forbidden"


async def test_two_administrators_demote_each_other_and_one_stays(
    client: httpx.AsyncClient, connection: RawConnection
) -> None:
    """Both requests are past the check of their callers before either changes anything."""
    one, ones = await admin(client, connection)
    two, twos = await admin(client, connection)
    await only_admins(connection, one, two)
    holding = connection.transaction()
    await holding.start()
    await connection.execute("SELECT 1 FROM users WHERE role = 'ADMIN' ORDER BY id FOR UPDATE")
    acts = [
        asyncio.create_task(patch(client, ones, two, role="USER")),
        asyncio.create_task(patch(client, twos, one, disabled=True)),
    ]
    await until_blocked(connection, 2)
    await holding.commit()
    answers = await asyncio.gather(*acts)
    # Whoever was disabled is nobody any more, and who was demoted may not.
    assert sorted(answer.status_code for answer in answers) in ([200, 401], [200, 403])
    left = await connection.fetch(
        "SELECT id FROM users WHERE role = 'ADMIN' AND disabled_at IS NULL"
    )
    winner = one if answers[0].status_code == 200 else two
    assert [row[0] for row in left] == [winner]


async def test_sessions_of_others_can_be_ended(
    client: httpx.AsyncClient, connection: RawConnection
) -> None:
    _, headers = await admin(client, connection)
    email = new_email()
    first = bearer((await register(client, email=email))["accessToken"])
    login = {"email": email, "password": PASSWORD}
    tokens = []
    for agent in ("Second/2.0", "Third/3.0"):
        answer = await client.post(f"{API}/auth/login", json=login, headers={"User-Agent": agent})
        tokens.append(bearer(answer.json()["accessToken"]))
    second, third = tokens
    me = (await client.get(ME, headers=first)).json()["id"]
    path = f"{USERS}/{me}/sessions"

    listed = (await client.get(path, headers=headers)).json()["items"]
    assert [session["agent"] for session in listed][:2] == ["Third/3.0", "Second/2.0"]
    assert [session["current"] for session in listed] == [False] * 3

    someone = (await register(client))["user"]["id"]
    foreign = await client.delete(f"{USERS}/{someone}/sessions/{listed[0]['id']}", headers=headers)
    assert foreign.json()["code"] == "not_found"
    assert (await client.get(ME, headers=third)).status_code == 200

    one = f"{path}/{listed[0]['id']}"
    assert (await client.delete(one, headers=headers)).status_code == 204
    assert (await client.delete(one, headers=headers)).json()["code"] == "not_found"
    assert (await client.get(ME, headers=third)).status_code == 401
    assert (await client.get(ME, headers=second)).status_code == 200

    assert (await client.delete(path, headers=headers)).status_code == 204
    assert (await client.delete(path, headers=headers)).status_code == 204
    for ended in (first, second):
        assert (await client.get(ME, headers=ended)).status_code == 401
    assert (await client.get(path, headers=headers)).json() == {"items": []}
    assert await audited(connection, listed[0]["id"]) == ["session.ended"]
    assert await audited(connection, me) == ["user.signed_out"]
    assert (await client.post(f"{API}/auth/login", json=login)).status_code == 200
