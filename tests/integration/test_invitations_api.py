"""Inviting people into organizations: through HTTP, with real mails."""

from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
import pytest_asyncio
from pydantic import SecretStr

from fullhouse.accounts.membership import MOST_INVITATIONS, MOST_MEMBERS
from fullhouse.kit.db import RawConnection
from fullhouse.settings import Settings
from tests.support.mailbox import Mailbox, mail_server
from tests.support.organizations import (
    API,
    accept,
    administrator,
    ask,
    at_the_same_moment,
    audit_entries,
    code_of,
    invitation_tokens,
    invite,
    join,
    member,
    organizer,
    person,
    roles_in,
    verified,
)
from tests.support.people import PASSWORD, new_email
from tests.support.settings import settings_for

ACCEPT = f"{API}/invitations/accept"


@pytest_asyncio.fixture(scope="module")
async def mailbox() -> AsyncIterator[Mailbox]:
    """The mail server of the module's application."""
    async with mail_server() as mailbox:
        yield mailbox


@pytest.fixture(scope="module")
def settings(database_url: str, mailbox: Mailbox) -> Settings:
    """Mails really leave."""
    return settings_for(database_url, smtp_url=SecretStr(f"smtp://127.0.0.1:{mailbox.port}"))


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"email": "ada@example.com"},
        {"role": "viewer"},
        {"email": "nowhere", "role": "viewer"},
        {"email": "ada@example.com", "role": "ORGANIZER"},
        {"email": "ada@example.com", "role": "viewer", "expiresAt": "2030-01-01T00:00:00Z"},
        {"email": "ada@example.com", "role": "viewer", "token": "x" * 43},
    ],
)
async def test_what_is_no_invitation_is_refused(
    client: httpx.AsyncClient, body: dict[str, Any]
) -> None:
    ada = await organizer(client)
    path = f"/organizations/{ada.organization}/invitations"
    answer = await ask(client, ada, "POST", path, body)
    assert (answer.status_code, code_of(answer)) == (422, "validation_failed")
    assert (await ask(client, ada, "GET", path)).json() == {"items": []}


async def test_an_invitation_is_accepted_once(
    client: httpx.AsyncClient, connection: RawConnection, mailbox: Mailbox
) -> None:
    ada, bob = await organizer(client), await person(client)
    made = await invite(client, ada, bob.email.upper(), "box_office")
    assert made.status_code == 201
    assert made.json().keys() == {"id", "email", "role", "createdAt", "expiresAt"}
    assert (made.json()["email"], made.json()["role"]) == (bob.email, "box_office")
    path = f"/organizations/{ada.organization}/invitations"
    assert (await ask(client, ada, "GET", path)).json() == {"items": [made.json()]}
    (token,) = await invitation_tokens(mailbox, bob.email)
    (text,) = [
        mail.text()
        for mail in mailbox.mails
        if bob.email in mail.recipients and "#invitation=" in mail.text()
    ]
    assert "Ada Lovelace invites you" in text
    assert "as box office" in text
    assert token not in made.text

    accepted = await accept(client, bob, token)
    assert accepted.status_code == 200
    assert accepted.json() == {
        "id": ada.organization,
        "name": "Ada Lovelace's organization",
        "role": "box_office",
    }
    assert (await ask(client, bob, "GET", "/organizations")).json() == {"items": [accepted.json()]}
    assert await verified(connection, bob), "whoever has the token reads the address"
    assert (await ask(client, ada, "GET", path)).json() == {"items": []}
    again = await accept(client, bob, token)
    assert (again.status_code, code_of(again)) == (422, "link_invalid")


async def test_two_acceptances_at_once_are_one(
    client: httpx.AsyncClient, connection: RawConnection, mailbox: Mailbox
) -> None:
    ada, bob = await organizer(client), await person(client)
    await invite(client, ada, bob.email)
    (token,) = await invitation_tokens(mailbox, bob.email)
    answers = await at_the_same_moment(
        connection, ada.organization, *(accept(client, bob, token) for _ in range(3))
    )
    assert sorted(answer.status_code for answer in answers) == [200, 422, 422]


async def test_whoever_has_no_account_registers_first(
    client: httpx.AsyncClient, connection: RawConnection, mailbox: Mailbox
) -> None:
    ada, email = await organizer(client), new_email()
    assert (await invite(client, ada, email, "scanner")).status_code == 201
    (token,) = await invitation_tokens(mailbox, email)
    newcomer = await person(client, email=email)
    assert not await verified(connection, newcomer)
    accepted = await accept(client, newcomer, token)
    assert (accepted.status_code, accepted.json()["role"]) == (200, "scanner")
    assert await verified(connection, newcomer)


async def test_an_invitation_is_for_one_address(
    client: httpx.AsyncClient, connection: RawConnection, mailbox: Mailbox
) -> None:
    ada, bob, eve = await organizer(client), await person(client), await person(client)
    await invite(client, ada, bob.email)
    (token,) = await invitation_tokens(mailbox, bob.email)
    answer = await accept(client, eve, token)
    assert (answer.status_code, code_of(answer)) == (403, "invitation_for_another")
    assert not await verified(connection, eve)
    # It was not used up.
    assert (await accept(client, bob, token)).status_code == 200
    assert (await accept(client, eve, token)).status_code == 422
    assert eve.id not in await roles_in(connection, ada.organization)


@pytest.mark.parametrize("end", ["revoked", "expired", "replaced", "made up"])
async def test_links_that_are_good_no_more(
    client: httpx.AsyncClient, connection: RawConnection, mailbox: Mailbox, end: str
) -> None:
    ada, bob = await organizer(client), await person(client)
    path = f"/organizations/{ada.organization}/invitations"
    made = (await invite(client, ada, bob.email)).json()
    (token,) = await invitation_tokens(mailbox, bob.email)
    left = 0
    if end == "revoked":
        assert (await ask(client, ada, "DELETE", f"{path}/{made['id']}")).status_code == 204
        assert (await ask(client, ada, "DELETE", f"{path}/{made['id']}")).status_code == 404
    elif end == "expired":
        await connection.execute(
            "UPDATE invitations SET expires_at = clock_timestamp() WHERE id = $1",
            UUID(made["id"]),
        )
        assert (await ask(client, ada, "DELETE", f"{path}/{made['id']}")).status_code == 404
    elif end == "replaced":
        assert (await invite(client, ada, bob.email, "editor")).status_code == 201
        left = 1
    else:
        token, left = f"x{token}", 1
    answer = await accept(client, bob, token)
    assert (answer.status_code, code_of(answer)) == (422, "link_invalid")
    assert len((await ask(client, ada, "GET", path)).json()["items"]) == left
    if end == "replaced":
        _, newer = await invitation_tokens(mailbox, bob.email, 2)
        assert (await accept(client, bob, newer)).json()["role"] == "editor"


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"token": "short"},
        {"token": "x" * 201},
        {"token": "x" * 43, "role": "owner"},
        {"token": "x" * 43, "organizationId": str(uuid4())},
    ],
)
async def test_what_accepts_nothing_is_refused(
    client: httpx.AsyncClient, body: dict[str, Any]
) -> None:
    bob = await person(client)
    answer = await ask(client, bob, "POST", "/invitations/accept", body)
    assert (answer.status_code, code_of(answer)) == (422, "validation_failed")
    assert (await client.post(ACCEPT, json={"token": "x" * 43})).status_code == 401


async def test_members_are_not_invited(
    client: httpx.AsyncClient, connection: RawConnection, mailbox: Mailbox
) -> None:
    ada = await organizer(client)
    bob = await person(client)
    await invite(client, ada, bob.email)
    (token,) = await invitation_tokens(mailbox, bob.email)
    await join(connection, ada.organization, bob, "editor")
    for answer in (
        await invite(client, ada, ada.email),
        await invite(client, ada, bob.email),
        # And whoever has become one on another way is not made another.
        await accept(client, bob, token),
    ):
        assert (answer.status_code, code_of(answer)) == (409, "already_member")
    assert (await roles_in(connection, ada.organization))[bob.id] == "editor"


async def test_managers_invite_nobody_who_leads(
    client: httpx.AsyncClient, connection: RawConnection
) -> None:
    ada = await organizer(client)
    mel = await member(client, connection, ada.organization, "manager")
    email = new_email()
    for role in ("owner", "manager"):
        answer = await invite(client, mel, new_email(), role, to=ada.organization)
        assert (answer.status_code, code_of(answer)) == (403, "forbidden")
    assert (await invite(client, mel, new_email(), "editor", to=ada.organization)).is_success
    heir = (await invite(client, ada, email, "owner")).json()
    # Nor do they take back, or put a lesser one in the place of, an owner's invitation.
    path = f"/organizations/{ada.organization}/invitations"
    assert (await ask(client, mel, "DELETE", f"{path}/{heir['id']}")).status_code == 403
    assert (await invite(client, mel, email, "viewer", to=ada.organization)).status_code == 403
    waiting = (await ask(client, mel, "GET", path)).json()["items"]
    assert [one["role"] for one in waiting] == ["editor", "owner"]
    assert (await ask(client, mel, "DELETE", f"{path}/{waiting[0]['id']}")).status_code == 204


async def test_nobody_is_flooded_with_invitations(
    client: httpx.AsyncClient, mailbox: Mailbox
) -> None:
    """Whoever sends them, for whatever organization; and what is refused counts as none."""
    ada, eve, email = await organizer(client), await organizer(client), new_email()
    second = (await ask(client, eve, "POST", "/organizations", {"name": "Again"})).json()["id"]
    for _ in range(5):
        assert (await invite(client, eve, email, to=ada.organization)).status_code == 404
    for to in (eve.organization, second, eve.organization):
        assert (await invite(client, eve, email, to=to)).status_code == 201
    for to in (eve.organization, second):
        answer = await invite(client, eve, email, to=to)
        assert (answer.status_code, code_of(answer)) == (429, "too_many_attempts")
        assert 1 <= int(answer.headers["retry-after"]) <= 60
    assert (await invite(client, eve, new_email())).status_code == 201
    # A stranger's do not keep another organization's back, until they are too many together.
    for who in (ada, ada, ada):
        assert (await invite(client, who, email)).status_code == 201
    assert (await invite(client, ada, email)).status_code == 429
    for who in (bob := await organizer(client), bob, bob, await organizer(client)):
        assert (await invite(client, who, email)).status_code == 201
    assert (await invite(client, await organizer(client), email)).status_code == 429
    assert len(await invitation_tokens(mailbox, email, 10)) == 10


async def test_members_of_one_organization_share_what_it_may_send(
    client: httpx.AsyncClient, connection: RawConnection
) -> None:
    ada, email = await organizer(client), new_email()
    mel = await member(client, connection, ada.organization, "manager")
    for who in (ada, mel, ada):
        assert (await invite(client, who, email, to=ada.organization)).status_code == 201
    assert (await invite(client, mel, email, to=ada.organization)).status_code == 429


@pytest.mark.parametrize("end", ["removed", "left", "demoted", "account deleted"])
async def test_invitations_end_with_the_right_to_send_them(
    client: httpx.AsyncClient, connection: RawConnection, mailbox: Mailbox, end: str
) -> None:
    ada, bob, cyd = await organizer(client), await person(client), await person(client)
    mel = await person(client)
    await join(connection, ada.organization, mel, "manager")
    assert (await invite(client, mel, bob.email, to=ada.organization)).status_code == 201
    assert (await invite(client, ada, cyd.email)).status_code == 201
    (token,) = await invitation_tokens(mailbox, bob.email)
    (other,) = await invitation_tokens(mailbox, cyd.email)
    path = f"/organizations/{ada.organization}"
    if end == "removed":
        done = await ask(client, ada, "DELETE", f"{path}/members/{mel.id}")
    elif end == "left":
        done = await ask(client, mel, "DELETE", f"{path}/membership")
    elif end == "demoted":
        done = await ask(client, ada, "PATCH", f"{path}/members/{mel.id}", {"role": "editor"})
    else:
        done = await ask(client, mel, "DELETE", "/users/me", {"password": PASSWORD})
    assert done.is_success, done.text
    waiting = (await ask(client, ada, "GET", f"{path}/invitations")).json()["items"]
    assert [one["email"] for one in waiting] == [cyd.email]
    assert (await accept(client, bob, token)).status_code == 422
    assert (await accept(client, cyd, other)).status_code == 200
    noted = await audit_entries(client, ada, ada.organization)
    (revoked,) = [one for one in noted if one["action"] == "invitation.revoked"]
    assert revoked["before"] == {"role": "viewer"}
    if end == "account deleted":
        (left,) = [one for one in noted if one["action"] == "member.left"]
        assert (left["objectId"], left["before"]) == (mel.id, {"role": "manager"})
        assert left["actor"] == {"kind": "user", "id": mel.id}


async def test_stepping_down_takes_back_what_only_an_owner_may_send(
    client: httpx.AsyncClient, connection: RawConnection, mailbox: Mailbox
) -> None:
    ada, bob, cyd = await organizer(client), await person(client), await person(client)
    eve = await person(client)
    await join(connection, ada.organization, eve, "owner")
    assert (await invite(client, eve, bob.email, "owner", to=ada.organization)).is_success
    assert (await invite(client, eve, cyd.email, "editor", to=ada.organization)).is_success
    path = f"/organizations/{ada.organization}"
    changed = await ask(client, ada, "PATCH", f"{path}/members/{eve.id}", {"role": "manager"})
    assert changed.status_code == 200
    waiting = (await ask(client, ada, "GET", f"{path}/invitations")).json()["items"]
    assert [(one["email"], one["role"]) for one in waiting] == [(cyd.email, "editor")]
    (token,) = await invitation_tokens(mailbox, bob.email)
    assert (await accept(client, bob, token)).status_code == 422


@pytest.mark.parametrize("end", ["role = 'USER'", "disabled_at = now()"])
async def test_an_administrators_invitations_end_with_them(
    client: httpx.AsyncClient, connection: RawConnection, mailbox: Mailbox, end: str
) -> None:
    """They may invite into every organization, themselves too."""
    ada, bob = await organizer(client), await person(client)
    admin = await administrator(client, connection)
    assert (await invite(client, admin, bob.email, "owner", to=ada.organization)).is_success
    (token,) = await invitation_tokens(mailbox, bob.email)
    await connection.execute(f"UPDATE users SET {end} WHERE id = $1", UUID(admin.id))
    answer = await accept(client, bob, token)
    assert (answer.status_code, code_of(answer)) == (422, "link_invalid")
    assert bob.id not in await roles_in(connection, ada.organization)


async def test_an_organization_has_an_end(
    client: httpx.AsyncClient, connection: RawConnection, mailbox: Mailbox
) -> None:
    ada, bob = await organizer(client), await person(client)
    await invite(client, ada, bob.email)
    (token,) = await invitation_tokens(mailbox, bob.email)
    await connection.execute(
        """
        INSERT INTO invitations (id, organization_id, email, role, token_hash, invited_by,
            expires_at)
        SELECT gen_random_uuid(), $1::uuid, 'many' || n || '@example.net', 'viewer',
            sha256(($1::uuid::text || n)::bytea), $2, clock_timestamp() + interval '1 day'
        FROM generate_series(2, $3) AS n
        """,
        UUID(ada.organization),
        UUID(ada.id),
        MOST_INVITATIONS,
    )
    answer = await invite(client, ada, new_email())
    assert (answer.status_code, code_of(answer)) == (409, "organization_full")
    await connection.execute(
        """
        WITH many AS (
            INSERT INTO users (id, name, email, role)
            SELECT gen_random_uuid(), 'Many',
                'many' || n || '@' || $1::uuid::text || '.example', 'USER'
            FROM generate_series(2, $2) AS n
            RETURNING id
        )
        INSERT INTO memberships (organization_id, user_id, role)
        SELECT $1::uuid, id, 'viewer' FROM many
        """,
        UUID(ada.organization),
        MOST_MEMBERS,
    )
    answer = await accept(client, bob, token)
    assert (answer.status_code, code_of(answer)) == (409, "organization_full")
    path = f"/organizations/{ada.organization}/members"
    assert len((await ask(client, ada, "GET", path)).json()["items"]) == MOST_MEMBERS


async def test_every_change_is_noted_without_names(
    client: httpx.AsyncClient, connection: RawConnection, mailbox: Mailbox
) -> None:
    ada, bob = await organizer(client), await person(client, name="Bob Unmistakable")
    await ask(client, ada, "PATCH", f"/organizations/{ada.organization}", {"name": "The Globe"})
    await invite(client, ada, bob.email, "viewer")
    revoked = (await invite(client, ada, new_email(), "editor")).json()["id"]
    path = f"/organizations/{ada.organization}"
    await ask(client, ada, "DELETE", f"{path}/invitations/{revoked}")
    (token,) = await invitation_tokens(mailbox, bob.email)
    await accept(client, bob, token)
    await ask(client, ada, "PATCH", f"{path}/members/{bob.id}", {"role": "manager"})
    await ask(client, bob, "DELETE", f"{path}/membership")

    found = await audit_entries(client, ada, ada.organization)
    assert [(one["action"], one["before"], one["after"]) for one in reversed(found)] == [
        ("organization.created", None, None),
        ("organization.renamed", None, None),
        ("invitation.sent", None, {"role": "viewer"}),
        ("invitation.sent", None, {"role": "editor"}),
        ("invitation.revoked", {"role": "editor"}, None),
        ("member.joined", None, found[2]["after"]),
        ("member.role_changed", {"role": "viewer"}, {"role": "manager"}),
        ("member.left", {"role": "manager"}, None),
    ]
    assert found[2]["after"].keys() == {"role", "invitationId"}
    assert found[0]["actor"] == {"kind": "user", "id": bob.id}
    assert found[1]["actor"] == {"kind": "user", "id": ada.id}
    assert {one["organizationId"] for one in found} == {ada.organization}
    rows = await connection.fetch(
        "SELECT row_to_json(a)::text AS entry FROM audit_log a WHERE organization_id = $1",
        UUID(ada.organization),
    )
    written = " ".join(row["entry"] for row in rows)
    for personal in (bob.email, "Unmistakable", "Globe", token):
        assert personal not in written
    # Refusals leave nothing behind.
    refused = await ask(client, ada, "DELETE", f"{path}/membership")
    assert refused.status_code == 409
    assert len(await audit_entries(client, ada, ada.organization)) == len(found)
