"""Reading the audit log, of one organization and of the whole platform."""

from typing import Any

import httpx

from fullhouse.kit.db import RawConnection
from tests.support.organizations import (
    API,
    administrator,
    ask,
    audit_entries,
    code_of,
    member,
    organizer,
)


async def test_reading_the_audit_log(client: httpx.AsyncClient, connection: RawConnection) -> None:
    ada = await organizer(client)
    mel = await member(client, connection, ada.organization, "viewer")
    root = await administrator(client, connection)
    path = f"/organizations/{ada.organization}"
    for role in ("editor", "scanner", "viewer"):
        await ask(client, ada, "PATCH", f"{path}/members/{mel.id}", {"role": role})
    await ask(client, root, "PATCH", path, {"name": "The Globe"})

    everything = await audit_entries(client, ada, ada.organization)
    assert len(everything) == 5
    for filters, positions in (
        ({"action": "member.role_changed"}, [1, 2, 3]),
        ({"actorId": root.id}, [0]),
        ({"objectKind": "organization"}, [0, 4]),
        ({"action": "organization.created", "actorId": ada.id}, [4]),
        ({"objectId": mel.id, "objectKind": "member"}, [1, 2, 3]),
        ({"objectId": mel.id, "actorId": root.id}, []),
    ):
        found = await audit_entries(client, ada, ada.organization, **filters)
        assert found == [everything[position] for position in positions], filters

    pages: list[dict[str, Any]] = []
    params: dict[str, str] = {"limit": "3"}
    while True:
        page = (
            await client.get(f"{API}{path}/audit-log", params=params, headers=ada.headers)
        ).json()
        pages += page["items"]
        if page["nextCursor"] is None:
            break
        params["cursor"] = page["nextCursor"]
    assert pages == everything

    for wrong in ({"cursor": "x"}, {"cursor": "WzFd"}, {"actorId": "ada"}, {"limit": "101"}):
        answer = await client.get(f"{API}{path}/audit-log", params=wrong, headers=ada.headers)
        assert (answer.status_code, code_of(answer)) == (422, "validation_failed"), wrong
    # Where people were is not their colleagues' business.
    assert all("address" not in one for one in everything)


async def test_the_whole_audit_log_is_for_administrators(
    client: httpx.AsyncClient, connection: RawConnection
) -> None:
    ada, eve = await organizer(client), await organizer(client)
    root = await administrator(client, connection)
    for who in (ada, eve):
        await ask(client, who, "PATCH", f"/organizations/{who.organization}", {"name": "Another"})
    answer = await ask(client, ada, "GET", "/admin/audit-log")
    assert (answer.status_code, code_of(answer)) == (403, "forbidden")
    assert (await ask(client, None, "GET", "/admin/audit-log")).status_code == 401
    answer = await client.get(
        f"{API}/admin/audit-log",
        params={"action": "organization.renamed", "limit": "2"},
        headers=root.headers,
    )
    assert answer.status_code == 200
    assert [one["organizationId"] for one in answer.json()["items"]] == [
        eve.organization,
        ada.organization,
    ]
    assert all(one["address"] for one in answer.json()["items"])
    answer = await client.get(
        f"{API}/admin/audit-log",
        params={"organizationId": ada.organization},
        headers=root.headers,
    )
    assert {one["organizationId"] for one in answer.json()["items"]} == {ada.organization}
