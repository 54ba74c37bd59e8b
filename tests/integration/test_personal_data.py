"""All that is kept of a person is given out when they ask for it, and gone when they leave.

Generated from the tables: a new column that may be about somebody fails here until it is either in
the export or in the list of what is not, with the reason; the same for what a deletion leaves.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from itertools import count
from typing import Any
from uuid import UUID

import httpx
import msgspec
import pytest_asyncio
import sqlalchemy as sa

from fullhouse.accounts.tables import users
from fullhouse.kit.db import RawConnection, metadata
from fullhouse.media.tables import media
from tests.support.asgi import BASE_URL, bearer
from tests.support.house import House, open_house
from tests.support.people import PASSWORD, new_email, register

API = "/api/v1"
ME = f"{API}/users/me"
GENERAL = [{"name": "General", "price": {"amount": 1_000, "currency": "USD"}, "capacity": 100}]

# Columns by which a row belongs to a person without a foreign key.
_NAMES_OF_PEOPLE = {"actor_id", "address", "agent", "email", "phone", "uploaded_by", "user_id"}

_SECRET = "checks a secret, or is one"
_INNER = "says how the program works, and nothing about the person"
_WHOSE = "says whose it is: the reader's"
_THEIRS = "is the organization's, which goes on without whoever made it"
_OTHERS = "is about others: to whom an invitation was sent"

# Where each column is in the export: the path to its value in the first row.
EXPORTED = {
    "users.id": "profile.id",
    "users.name": "profile.name",
    "users.email": "profile.email",
    "users.phone": "profile.phone",
    "users.role": "profile.role",
    "users.language": "profile.language",
    "users.timezone": "profile.timezone",
    "users.notices": "profile.notices",
    "users.created_at": "account.dates.createdAt",
    "users.email_verified_at": "account.dates.emailVerifiedAt",
    "users.totp_confirmed_at": "account.dates.secondFactorAt",
    "users.disabled_at": "account.dates.disabledAt",
    "sessions.id": "sessions.0.id",
    "sessions.method": "sessions.0.method",
    "sessions.second_factor": "sessions.0.secondFactor",
    "sessions.address": "sessions.0.address",
    "sessions.agent": "sessions.0.agent",
    "sessions.created_at": "sessions.0.createdAt",
    "sessions.last_used_at": "sessions.0.lastUsedAt",
    "sessions.ended_at": "sessions.0.endedAt",
    "sessions.ended_because": "sessions.0.endedBecause",
    "identities.issuer": "account.identities.0.issuer",
    "identities.subject": "account.identities.0.subject",
    "identities.created_at": "account.identities.0.linkedAt",
    "mail_tokens.purpose": "account.proofs.0.purpose",
    "mail_tokens.email": "account.proofs.0.sentTo",
    "mail_tokens.expires_at": "account.proofs.0.expiresAt",
    "mail_tokens.created_at": "account.proofs.0.createdAt",
    "phone_codes.phone": "account.proofs.1.sentTo",
    "phone_codes.expires_at": "account.proofs.1.expiresAt",
    "phone_codes.created_at": "account.proofs.1.createdAt",
    "memberships.organization_id": "account.memberships.0.organizationId",
    "memberships.role": "account.memberships.0.role",
    "memberships.created_at": "account.memberships.0.since",
    "invitations.role": "account.invitations.0.role",
    "invitations.expires_at": "account.invitations.0.expiresAt",
    "invitations.created_at": "account.invitations.0.createdAt",
    "favorites.event_id": "favorites.0",
    "bookings.showtime_id": "bookings.0.showtimeId",
    "bookings.id": "bookings.0.id",
    "bookings.code": "bookings.0.code",
    "bookings.status": "bookings.0.status",
    "bookings.currency": "bookings.0.total.currency",
    "bookings.subtotal": "bookings.0.subtotal.amount",
    "bookings.fees": "bookings.0.fees.amount",
    "bookings.tax": "bookings.0.tax.amount",
    "bookings.total": "bookings.0.total.amount",
    "bookings.created_at": "bookings.0.createdAt",
    "audit_log.at": "acts.0.at",
    "audit_log.organization_id": "acts.0.organizationId",
    "audit_log.action": "acts.0.action",
    "audit_log.object_kind": "acts.0.objectKind",
    "audit_log.object_id": "acts.0.objectId",
    "audit_log.address": "acts.0.address",
}
LEFT_OUT = {
    "users.password_hash": _SECRET,
    "users.totp_secret": _SECRET,
    "users.totp_last_step": _INNER,
    "users.deleted_at": "is empty as long as anybody can ask",
    "sessions.user_id": _WHOSE,
    "sessions.idle_until": _INNER,
    "sessions.ends_at": _INNER,
    "sessions.generation": _INNER,
    "sessions.token_hash": _SECRET,
    "sessions.previous_hash": _SECRET,
    "sessions.rotated_at": _INNER,
    "identities.user_id": _WHOSE,
    "mail_tokens.token_hash": _SECRET,
    "mail_tokens.user_id": _WHOSE,
    "phone_codes.id": _SECRET,
    "phone_codes.user_id": _WHOSE,
    "phone_codes.code_hash": _SECRET,
    "recovery_codes.user_id": _WHOSE,
    "recovery_codes.code_hash": _SECRET,
    "recovery_codes.created_at": _SECRET,
    "memberships.user_id": _WHOSE,
    "invitations.id": _INNER,
    "invitations.organization_id": "the name is given",
    "invitations.email": _WHOSE,
    "invitations.token_hash": _SECRET,
    "invitations.invited_by": _OTHERS,
    "api_keys.id": _THEIRS,
    "api_keys.organization_id": _THEIRS,
    "api_keys.name": _THEIRS,
    "api_keys.shown": _THEIRS,
    "api_keys.secret_hash": _SECRET,
    "api_keys.scopes": _THEIRS,
    "api_keys.created_by": _THEIRS,
    "api_keys.expires_at": _THEIRS,
    "api_keys.last_used_at": _THEIRS,
    "api_keys.revoked_at": _THEIRS,
    "api_keys.created_at": _THEIRS,
    **dict.fromkeys((f"media.{column.name}" for column in media.columns), _THEIRS),
    "favorites.user_id": _WHOSE,
    "favorites.created_at": "gives the order, in which they are",
    "bookings.user_id": _WHOSE,
    "bookings.expires_at": _INNER,
    "bookings.idempotency_key": _INNER,
    "bookings.fingerprint": _INNER,
    "bookings.updated_at": _INNER,
    "audit_log.id": _INNER,
    "audit_log.actor_kind": _WHOSE,
    "audit_log.actor_id": _WHOSE,
    "audit_log.request_id": _INNER,
    "audit_log.before": "what it was before is somebody else's, or shown where it is now",
    "audit_log.after": "what it is now is shown where it is",
}

# What still names a deleted person's row, which then says nothing of anybody, and why.
STAYS = {
    "bookings.user_id": "an organizer's record of what was sold",
    "sessions.user_id": "whether a session goes on is asked of it; purged when it is old",
    "api_keys.created_by": _THEIRS,
    "media.uploaded_by": _THEIRS,
    "audit_log.actor_id": "the log is only ever added to",
}
# Where something of the person itself is left, and why.
TRACES = {
    "audit_log.address": "evidence of who did what; see the audit log's own rule",
    "organizations.name": "named after whoever founded it, until its members rename it",
}
# What only sounds like it.
_NOT_OF_PEOPLE = {"venues.address": "where a house stands"}


_numbers = count(50)


@dataclass
class Subject:
    """Somebody of whom everything is known that can be."""

    id: UUID
    headers: dict[str, str]
    client: httpx.AsyncClient
    # What points to nobody else, wherever it is found.
    marks: dict[str, str]


@pytest_asyncio.fixture
async def subject(client: httpx.AsyncClient, connection: RawConnection) -> AsyncIterator[Subject]:
    """Somebody who has used everything, from an address of their own."""
    house = await open_house(client, GENERAL)
    number = next(_numbers)
    marks = {
        "name": f"Zerafina Quillfeather the {number}th",
        "email": f"quill{number}@example.net",
        "address": f"203.0.113.{number}",
        "agent": f"Quillbrowser/{number}.0",
        "phone": f"+417911100{number}",
        "next phone": f"+417911200{number}",
        "next address": f"feather{number}@example.net",
        "subject": f"107691503500061507151130823{number}",
    }
    app = client._transport.app  # type: ignore[attr-defined]
    transport = httpx.ASGITransport(app=app, client=(marks["address"], 7))
    agent = {"User-Agent": marks["agent"]}
    async with httpx.AsyncClient(transport=transport, base_url=BASE_URL, headers=agent) as browser:
        session = await register(
            browser, name=marks["name"], email=marks["email"], role="ORGANIZER"
        )
        headers, user_id = bearer(session["accessToken"]), UUID(session["user"]["id"])
        subject = Subject(user_id, headers, browser, marks)
        await use_everything(subject, house)
        await leave_the_rest(connection, subject, house)
        yield subject


async def use_everything(subject: Subject, house: House) -> None:
    """What a person can do by themselves."""
    for method, path, body in (
        ("PATCH", ME, {"language": "de-CH", "timezone": "Asia/Kathmandu", "notices": ["sms"]}),
        ("PUT", f"{ME}/favorites/{house.event_id}", None),
        ("POST", f"{API}/bookings", house.order("General")),
        ("POST", f"{ME}/email", {"email": subject.marks["next address"], "password": PASSWORD}),
    ):
        answer = await subject.client.request(method, path, json=body, headers=subject.headers)
        assert answer.is_success, (path, answer.text)
    profile = (await subject.client.get(ME, headers=subject.headers)).json()
    club = f"{API}/organizations/{profile['organizations'][0]['id']}"
    body = {"email": new_email(), "role": "editor"}
    invited = await subject.client.post(f"{club}/invitations", json=body, headers=subject.headers)
    assert invited.is_success, invited.text
    bookings = await subject.client.get(f"{API}/bookings", headers=subject.headers)
    (booking,) = bookings.json()["items"]
    cancel = f"{API}/bookings/{booking['id']}/cancel"
    assert (await subject.client.post(cancel, headers=subject.headers)).is_success


async def leave_the_rest(connection: RawConnection, subject: Subject, house: House) -> None:
    """What needs somebody else, or another server."""
    club, another = await connection.fetchrow(  # type: ignore[misc]
        "SELECT (SELECT organization_id FROM memberships WHERE user_id = $1),"
        " (SELECT organization_id FROM events WHERE id = $2)",
        subject.id,
        UUID(house.event_id),
    )
    marks = subject.marks
    later = "now() + interval '1 hour'"
    for statement, *values in (
        (
            "UPDATE users SET phone = $2, email_verified_at = now(), totp_secret = '\\x01',"
            " totp_confirmed_at = now() WHERE id = $1",
            subject.id,
            marks["phone"],
        ),
        (
            "INSERT INTO identities (issuer, subject, user_id)"
            " VALUES ('https://accounts.google.com', $2, $1)",
            subject.id,
            marks["subject"],
        ),
        ("INSERT INTO recovery_codes (user_id, code_hash) VALUES ($1, '\\x02')", subject.id),
        (
            "INSERT INTO phone_codes (id, phone, user_id, code_hash, expires_at)"
            f" VALUES (gen_random_uuid(), $2, $1, '\\x03', {later})",
            subject.id,
            marks["next phone"],
        ),
        (
            "INSERT INTO phone_codes (id, phone, code_hash, expires_at)"
            f" VALUES (gen_random_uuid(), $1, '\\x03', {later})",
            marks["phone"],
        ),
        (
            "INSERT INTO invitations (id, organization_id, email, role, token_hash, invited_by,"
            f" expires_at) SELECT $1, $2, $3, 'editor', decode(md5($3), 'hex'), m.user_id, {later}"
            " FROM memberships m WHERE m.organization_id = $2 AND m.user_id <> $1 LIMIT 1",
            subject.id,
            another,
            marks["email"],
        ),
        (
            "INSERT INTO api_keys (id, organization_id, name, shown, secret_hash, scopes,"
            " created_by) VALUES ($1, $2, 'Door', 'fhk_x', uuid_send($1), '{}', $1)",
            subject.id,
            club,
        ),
        (
            "INSERT INTO media (id, organization_id, uploaded_by, status, content_type, bytes,"
            " sha256, width, height, failure)"
            " VALUES ($1, $2, $1, 'failed', 'image/png', 9, '', 1, 1, 'broken')",
            subject.id,
            club,
        ),
    ):
        await connection.execute(statement, *values)


def references() -> set[str]:
    """Every column that names a user, or by its name somebody."""
    return {
        f"{table.name}.{column.name}"
        for table in metadata.sorted_tables
        for column in table.columns
        if any(key.column is users.c.id for key in column.foreign_keys)
        or column.name in _NAMES_OF_PEOPLE
    } - _NOT_OF_PEOPLE.keys()


def personal_tables() -> list[sa.Table]:
    """The tables that hold something about people."""
    found = {reference.partition(".")[0] for reference in references()}
    return [table for table in metadata.sorted_tables if table.name in found]


def test_every_column_about_people_is_given_out_or_left_out_for_a_reason() -> None:
    columns = {
        f"{table.name}.{column.name}" for table in personal_tables() for column in table.columns
    }
    # Whoever has added one: put it into the export, or say here why not.
    assert columns == EXPORTED.keys() | LEFT_OUT.keys()
    assert EXPORTED.keys().isdisjoint(LEFT_OUT)
    assert len(references()) > 12


async def test_the_export_has_every_column(subject: Subject, connection: RawConnection) -> None:
    answer = await subject.client.get(f"{ME}/export", headers=subject.headers)
    document = answer.json()
    for column, path in EXPORTED.items():
        table, _, name = column.partition(".")
        kept = await connection.fetchval(_FIRST.get(table, _NEWEST).format(table, name), subject.id)
        assert plain(value_at(document, path)) == plain(kept), column
    for mark in subject.marks.values():
        assert mark in answer.text, mark


# The row whose values come first in the export.
_NEWEST = "SELECT {1} FROM {0} WHERE user_id = $1 ORDER BY created_at DESC LIMIT 1"
_FIRST = {
    "users": "SELECT {1} FROM {0} WHERE id = $1",
    "mail_tokens": "SELECT {1} FROM {0} WHERE user_id = $1 ORDER BY created_at LIMIT 1",
    "invitations": "SELECT {1} FROM {0} WHERE email = (SELECT email FROM users WHERE id = $1)",
    "audit_log": "SELECT {1} FROM {0} WHERE actor_id = $1 ORDER BY id DESC LIMIT 1",
}


def value_at(document: Any, path: str) -> Any:
    """What the document has at a path such as ``sessions.0.id``."""
    for step in path.split("."):
        document = document[int(step)] if step.isdigit() else document.get(step)
    return document


def plain(value: Any) -> Any:
    """As JSON has it, with times as one text whatever their precision."""
    built = msgspec.to_builtins(value)
    if isinstance(built, str) and built[10:11] == "T":
        return built.replace("+00:00", "Z")
    return built


async def test_a_deletion_leaves_nothing_of_the_person(
    subject: Subject, connection: RawConnection
) -> None:
    before = await rows_of(connection, subject.id)
    assert {column for column, count in before.items() if count == 0} <= {"audit_log.address"}
    assert before.keys() == {r for r in references() if reference_is_an_id(r)}
    await hand_over_the_club(connection, subject)
    body = {"password": PASSWORD}
    gone = await subject.client.request("DELETE", ME, json=body, headers=subject.headers)
    assert gone.status_code == 204, gone.text
    after = await rows_of(connection, subject.id)
    assert {column for column, count in after.items() if count} == STAYS.keys()
    found = {
        f"{table.name}.{name}"
        for table in metadata.sorted_tables
        for row in await connection.fetch(f"SELECT * FROM {table.name}")
        for name, value in row.items()
        if any(mark in str(value) for mark in subject.marks.values())
    }
    assert found == TRACES.keys()
    # What stays of the row: that it was there, and in which state it is.
    row = await connection.fetchrow("SELECT * FROM users WHERE id = $1", subject.id)
    assert row is not None
    filled = {name for name, value in row.items() if value not in (None, [])}
    assert filled == {"id", "name", "email", "role", "created_at", "deleted_at"}
    assert (row["name"], row["role"]) == ("Deleted user", "USER")


async def rows_of(connection: RawConnection, user_id: UUID) -> dict[str, int]:
    """How many rows each column that names users has for this one."""
    return {
        reference: await connection.fetchval(
            "SELECT count(*) FROM {} WHERE {} = $1".format(*reference.split(".")), user_id
        )
        for reference in references()
        if reference_is_an_id(reference)
    }


def reference_is_an_id(reference: str) -> bool:
    table, _, name = reference.partition(".")
    return isinstance(metadata.tables[table].c[name].type, sa.Uuid)


async def hand_over_the_club(connection: RawConnection, subject: Subject) -> None:
    """Another owner, without whom nobody leaves."""
    club = await connection.fetchval(
        "SELECT organization_id FROM memberships WHERE user_id = $1", subject.id
    )
    await connection.execute(
        "INSERT INTO memberships (organization_id, user_id, role)"
        " SELECT $1, id, 'owner' FROM users WHERE id <> $2 LIMIT 1",
        club,
        subject.id,
    )
