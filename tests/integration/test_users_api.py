"""One's own account: what it says, all its data, and its end. Through HTTP, failures first."""

import asyncio
import json
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest

from fullhouse.kit.db import RawConnection
from fullhouse.kit.ids import new_code, new_id
from tests.support.asgi import bearer
from tests.support.house import API, House, open_house
from tests.support.locks import until_blocked
from tests.support.people import PASSWORD, new_email, register, signed_in

ME = f"{API}/users/me"
LOGIN = f"{API}/auth/login"
GENERAL = [{"name": "General", "price": {"amount": 0}, "capacity": 50}]


async def delete_account(
    client: httpx.AsyncClient, headers: dict[str, str], password: str | None = PASSWORD
) -> httpx.Response:
    body = {} if password is None else {"password": password}
    return await client.request("DELETE", ME, json=body, headers=headers)


async def booked(client: httpx.AsyncClient, house: House, headers: dict[str, str]) -> str:
    answer = await client.post(f"{API}/bookings", json=house.order("General"), headers=headers)
    assert answer.status_code == 201, answer.text
    booking_id: str = answer.json()["id"]
    return booking_id


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", ""),
        ("PATCH", ""),
        ("DELETE", ""),
        ("POST", "/email"),
        ("GET", "/export"),
    ],
)
async def test_strangers_have_no_account(client: httpx.AsyncClient, method: str, path: str) -> None:
    answer = await client.request(method, ME + path, json={} if method != "GET" else None)
    assert (answer.status_code, answer.json()["code"]) == (401, "unauthenticated")


@pytest.mark.parametrize(
    "field",
    [
        {"role": "ADMIN"},
        {"email": "other@example.com"},
        {"emailVerified": True},
        {"phone": "+41791234567"},
        {"organizationId": str(UUID(int=1))},
        {"organizations": []},
        {"status": "active"},
        {"disabled": False},
        {"password": PASSWORD},
        {"secondFactor": False},
        {"id": str(UUID(int=2))},
    ],
)
async def test_what_is_not_to_be_set_here_is_refused(
    client: httpx.AsyncClient, field: dict[str, Any]
) -> None:
    headers = await signed_in(client)
    before = (await client.get(ME, headers=headers)).json()
    answer = await client.patch(ME, json={"name": "Mallory", **field}, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (422, "validation_failed")
    assert answer.json()["errors"] == [
        {"pointer": f"/{next(iter(field))}", "detail": "is not a known field"}
    ]
    assert (await client.get(ME, headers=headers)).json() == before


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"name": ""}, "/name"),
        ({"name": "   "}, "/name"),
        ({"name": None}, "/name"),
        ({"language": "xx"}, "/language"),
        ({"language": "en_US"}, "/language"),
        ({"language": "und"}, "/language"),
        ({"language": "en-US.utf8"}, "/language"),
        ({"timezone": "Mars/Olympus"}, "/timezone"),
        ({"timezone": "localtime"}, "/timezone"),
        ({"timezone": "../../etc/passwd"}, "/timezone"),
        ({"notices": ["fax"]}, "/notices/0"),
        ({"notices": None}, "/notices"),
    ],
)
async def test_impossible_settings_are_refused(
    client: httpx.AsyncClient, body: dict[str, Any], pointer: str
) -> None:
    headers = await signed_in(client)
    answer = await client.patch(ME, json=body, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (422, "validation_failed")
    assert [error["pointer"] for error in answer.json()["errors"]] == [pointer]


async def test_every_wrong_setting_is_named(client: httpx.AsyncClient) -> None:
    headers = await signed_in(client)
    body = {"name": "Kept out", "language": "xx", "timezone": "Mars/Olympus"}
    answer = await client.patch(ME, json=body, headers=headers)
    pointers = [error["pointer"] for error in answer.json()["errors"]]
    assert pointers == ["/language", "/timezone"]
    assert "such as Europe/Zurich" in answer.json()["errors"][1]["detail"]
    assert (await client.get(ME, headers=headers)).json()["name"] == "Ada Lovelace"


async def test_a_profile_is_changed_in_part(client: httpx.AsyncClient) -> None:
    email = new_email()
    session = await register(client, email=email, role="ORGANIZER", name="Grace")
    headers = bearer(session["accessToken"])
    first = await client.get(ME, headers=headers)
    assert first.status_code == 200
    assert first.json() == {
        "id": session["user"]["id"],
        "name": "Grace",
        "email": email,
        "emailVerified": False,
        "role": "ORGANIZER",
        "organizations": session["user"]["organizations"],
        "language": None,
        "timezone": None,
        "notices": ["email"],
        "secondFactor": False,
        "hasPassword": True,
    }
    body = {"language": "zh-hant-tw", "timezone": "Asia/Kathmandu", "notices": ["sms", "email"]}
    changed = await client.patch(ME, json=body, headers=headers)
    assert changed.status_code == 200
    assert changed.json() == first.json() | body | {
        "language": "zh-Hant-TW",
        "notices": ["email", "sms"],
    }
    renamed = await client.patch(
        ME, json={"name": " Hopper ", "language": None, "notices": []}, headers=headers
    )
    assert renamed.json() == changed.json() | {"name": "Hopper", "language": None, "notices": []}
    cleared = await client.patch(ME, json={"timezone": None}, headers=headers)
    assert cleared.json()["timezone"] is None
    assert (await client.patch(ME, json={}, headers=headers)).json() == cleared.json()
    assert (await client.get(ME, headers=headers)).json() == cleared.json()


async def test_another_address_needs_the_password_and_waits_for_the_link(
    client: httpx.AsyncClient, connection: RawConnection
) -> None:
    headers = await signed_in(client)
    before = (await client.get(ME, headers=headers)).json()
    address = new_email()
    for body, status in (
        ({"email": "no address", "password": PASSWORD}, 422),
        ({"email": address}, 401),
        ({"email": address, "password": "not the password"}, 401),
    ):
        answer = await client.post(f"{ME}/email", json=body, headers=headers)
        assert answer.status_code == status, body
    pending = "SELECT purpose FROM mail_tokens WHERE email = $1"
    assert await connection.fetchval(pending, address) is None

    body = {"email": address.upper(), "password": PASSWORD}
    answer = await client.post(f"{ME}/email", json=body, headers=headers)
    assert answer.status_code == 202, answer.text
    assert await connection.fetchval(pending, address) == "verify_email"
    assert (await client.get(ME, headers=headers)).json() == before


async def test_the_export_holds_everything_and_no_secret(
    client: httpx.AsyncClient, connection: RawConnection
) -> None:
    house = await open_house(client, GENERAL)
    other = await signed_in(client)
    others_booking = await booked(client, house, other)
    email = new_email()
    session = await register(client, email=email)
    headers = bearer(session["accessToken"])
    login = {"email": email, "password": PASSWORD}
    again = await client.post(LOGIN, json=login, headers={"User-Agent": "Second/2.0"})
    assert again.status_code == 200
    mine = [await booked(client, house, headers) for _ in range(2)]
    marked = await client.put(f"{ME}/favorites/{house.event_id}", headers=headers)
    assert marked.status_code == 204

    answer = await client.get(f"{ME}/export", headers=headers)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["cache-control"] == "no-store"
    disposition = answer.headers["content-disposition"]
    assert disposition == 'attachment; filename="fullhouse-my-data.json"'
    document = answer.json()
    sections = {"profile", "account", "favorites", "sessions", "bookings", "acts"}
    assert document.keys() == sections
    assert document["profile"] == (await client.get(ME, headers=headers)).json()
    assert document["favorites"] == [house.event_id]
    newest, _ = document["sessions"]
    assert newest["agent"] == "Second/2.0"
    assert [booking["id"] for booking in document["bookings"]] == mine[::-1]
    (item,) = document["bookings"][0]["items"]
    assert (item["name"], item["quantity"]) == ("General", 1)

    assert others_booking not in answer.text
    row = await connection.fetchrow("SELECT * FROM users WHERE email = $1", email)
    assert row is not None and row["password_hash"] not in answer.text
    for word in ("hash", "token", "totp", "argon2"):
        assert word not in answer.text.lower()


async def test_the_export_is_whole_beyond_one_page(
    client: httpx.AsyncClient, connection: RawConnection
) -> None:
    house = await open_house(client, GENERAL)
    session = await register(client)
    headers = bearer(session["accessToken"])
    ids = [new_id() for _ in range(230)]
    await connection.executemany(
        "INSERT INTO bookings (showtime_id, id, user_id, code, status, currency, subtotal, fees,"
        " tax, total) VALUES ($1, $2, $3, $4, 'cancelled', 'USD', 0, 0, 0, 0)",
        [
            (UUID(house.showtime_id), booking_id, UUID(session["user"]["id"]), new_code())
            for booking_id in ids
        ],
    )
    answer = await client.get(f"{ME}/export", headers=headers)
    found = [booking["id"] for booking in answer.json()["bookings"]]
    assert found == [str(booking_id) for booking_id in reversed(ids)]
    empty = await client.get(f"{ME}/export", headers=await signed_in(client))
    assert (empty.json()["bookings"], empty.json()["favorites"]) == ([], [])


async def test_deletion_needs_the_password(client: httpx.AsyncClient) -> None:
    headers = await signed_in(client)
    for answer in (
        await delete_account(client, headers, None),
        await delete_account(client, headers, "not the password"),
        await client.delete(ME, headers=headers),
    ):
        assert (answer.status_code, answer.json()["code"]) == (401, "invalid_credentials")
    unknown = await client.request("DELETE", ME, json={"force": True}, headers=headers)
    assert unknown.status_code == 422
    assert (await client.get(ME, headers=headers)).status_code == 200


async def test_deletion_waits_until_nothing_is_booked(
    client: httpx.AsyncClient, connection: RawConnection
) -> None:
    house = await open_house(client, GENERAL)
    headers = await signed_in(client)
    first = await booked(client, house, headers)
    confirmed = await client.post(f"{API}/bookings/{first}/confirm", headers=headers)
    assert confirmed.status_code == 200, confirmed.text
    second = await booked(client, house, headers)

    refused = await delete_account(client, headers)
    assert (refused.status_code, refused.json()["code"]) == (409, "account_holds_tickets")
    assert refused.json()["bookings"] == [first, second]
    assert (await client.get(ME, headers=headers)).status_code == 200

    # A hold that has run out is over, and so is a showtime whose end has passed.
    await connection.execute(
        "UPDATE bookings SET expires_at = now() - interval '1 second' WHERE id = $1", UUID(second)
    )
    assert (await delete_account(client, headers)).json()["bookings"] == [first]
    past = datetime.now(UTC) - timedelta(hours=1)
    await connection.execute(
        "UPDATE showtimes SET starts_at = $2, ends_at = $3 WHERE id = $1",
        UUID(house.showtime_id),
        past - timedelta(hours=2),
        past,
    )
    assert (await delete_account(client, headers)).status_code == 204


async def test_a_place_in_line_counts_as_booked(client: httpx.AsyncClient) -> None:
    house = await open_house(client, [GENERAL[0] | {"capacity": 1}])
    await booked(client, house, await signed_in(client))
    headers = await signed_in(client)
    waiting = await client.post(
        f"{API}/bookings", json=house.order("General", joinWaitlist=True), headers=headers
    )
    assert waiting.status_code == 202
    refused = await delete_account(client, headers)
    assert refused.json()["bookings"] == [waiting.json()["id"]]
    left = await client.delete(f"{API}/waitlist/{waiting.json()['id']}", headers=headers)
    assert left.status_code == 200
    assert (await delete_account(client, headers)).status_code == 204


async def test_the_last_owner_stays(client: httpx.AsyncClient, connection: RawConnection) -> None:
    session = await register(client, role="ORGANIZER", name="Grace")
    headers = bearer(session["accessToken"])
    refused = await delete_account(client, headers)
    assert (refused.status_code, refused.json()["code"]) == (409, "last_owner")
    assert "Grace's organization" in refused.json()["detail"]
    heir = await register(client)
    (organization,) = session["user"]["organizations"]
    await connection.execute(
        "INSERT INTO memberships (organization_id, user_id, role) VALUES ($1, $2, 'owner')",
        UUID(organization["id"]),
        UUID(heir["user"]["id"]),
    )
    assert (await delete_account(client, headers)).status_code == 204
    members = await connection.fetch(
        "SELECT user_id FROM memberships WHERE organization_id = $1", UUID(organization["id"])
    )
    assert [str(row[0]) for row in members] == [heir["user"]["id"]]


async def test_the_last_administrator_stays(
    client: httpx.AsyncClient, connection: RawConnection
) -> None:
    await connection.execute("UPDATE users SET role = 'USER' WHERE role = 'ADMIN'")
    one, other = await register(client), await register(client)
    promote = "UPDATE users SET role = 'ADMIN' WHERE id = $1"
    await connection.execute(promote, UUID(one["user"]["id"]))
    headers = bearer(one["accessToken"])
    refused = await delete_account(client, headers)
    assert (refused.status_code, refused.json()["code"]) == (409, "last_admin")
    await connection.execute(promote, UUID(other["user"]["id"]))
    assert (await delete_account(client, headers)).status_code == 204


async def test_what_a_deleted_account_leaves(
    client: httpx.AsyncClient, connection: RawConnection
) -> None:
    house = await open_house(client, GENERAL)
    email = new_email()
    session = await register(client, email=email)
    user_id = UUID(session["user"]["id"])
    headers = bearer(session["accessToken"]) | {"User-Agent": "Mine/1.0"}
    booking_id = await booked(client, house, headers)
    cancelled = await client.post(f"{API}/bookings/{booking_id}/cancel", headers=headers)
    assert cancelled.status_code == 200
    await client.put(f"{ME}/favorites/{house.event_id}", headers=headers)
    await client.patch(ME, json={"language": "de", "timezone": "Asia/Kathmandu"}, headers=headers)
    await _leave_traces(connection, user_id, email, house)

    assert (await delete_account(client, headers)).status_code == 204

    gone = await client.get(ME, headers=headers)
    assert (gone.status_code, gone.json()["code"]) == (401, "unauthenticated")
    login = await client.post(LOGIN, json={"email": email, "password": PASSWORD})
    assert (login.status_code, login.json()["code"]) == (401, "invalid_credentials")
    row = await connection.fetchrow("SELECT * FROM users WHERE id = $1", user_id)
    assert row is not None and row["deleted_at"] is not None
    assert (row["name"], row["email"]) == ("Deleted user", f"deleted-{user_id}@deleted.invalid")
    for column in (
        "email_verified_at",
        "phone",
        "password_hash",
        "language",
        "timezone",
        "totp_secret",
        "totp_confirmed_at",
    ):
        assert row[column] is None, column
    for table in ("identities", "favorites", "mail_tokens", "memberships", "recovery_codes"):
        count = f"SELECT count(*) FROM {table} WHERE user_id = $1"
        assert await connection.fetchval(count, user_id) == 0, table
    assert await connection.fetchval("SELECT count(*) FROM phone_codes") == 0
    invited = "SELECT count(*) FROM invitations WHERE email = $1"
    assert await connection.fetchval(invited, email) == 0
    (kept,) = await connection.fetch("SELECT * FROM sessions WHERE user_id = $1", user_id)
    assert (kept["address"], kept["agent"]) == ("", "")
    assert kept["ended_because"] == "account_deleted"
    owner = await connection.fetchval(
        "SELECT user_id FROM bookings WHERE id = $1", UUID(booking_id)
    )
    assert owner == user_id
    noted = await connection.fetchrow(
        "SELECT * FROM audit_log WHERE object_id = $1 AND action = 'user.deleted'", str(user_id)
    )
    assert noted is not None and noted["actor_id"] == user_id
    assert email not in json.dumps([noted["before"], noted["after"]])

    again = await register(client, email=email)
    assert again["user"]["id"] != str(user_id)


async def _leave_traces(connection: RawConnection, user_id: UUID, email: str, house: House) -> None:
    """Everything else that can point to a person."""
    organization_id, inviter = await connection.fetchrow(  # type: ignore[misc]
        "SELECT m.organization_id, m.user_id FROM memberships m"
        " JOIN events e ON e.organization_id = m.organization_id WHERE e.id = $1",
        UUID(house.event_id),
    )
    await connection.execute(
        "UPDATE users SET phone = '+41791234567', email_verified_at = now(), totp_secret = '\\x01',"
        " totp_confirmed_at = now() WHERE id = $1",
        user_id,
    )
    await connection.execute(
        "INSERT INTO identities (issuer, subject, user_id) VALUES ('issuer', $1, $2)",
        str(user_id),
        user_id,
    )
    await connection.execute(
        "INSERT INTO recovery_codes (user_id, code_hash) VALUES ($1, '\\x02')", user_id
    )
    await connection.execute(
        "INSERT INTO phone_codes (id, phone, code_hash, expires_at)"
        " VALUES (gen_random_uuid(), '+41791234567', '\\x03', now() + interval '1 hour')"
    )
    await connection.execute(
        "INSERT INTO memberships (organization_id, user_id, role) VALUES ($1, $2, 'viewer')",
        organization_id,
        user_id,
    )
    await connection.execute(
        "INSERT INTO invitations (id, organization_id, email, role, token_hash, invited_by,"
        " expires_at) VALUES (gen_random_uuid(), $1, $2, 'editor', '\\x04', $3,"
        " now() + interval '1 day')",
        organization_id,
        email,
        inviter,
    )


async def test_a_booking_at_the_same_moment_is_seen(
    client: httpx.AsyncClient, connection: RawConnection
) -> None:
    """Without the lock the bookings would be looked at before this one is committed."""
    house = await open_house(client, GENERAL)
    session = await register(client)
    booking_id = new_id()
    buying = connection.transaction()
    await buying.start()
    await connection.execute(
        "INSERT INTO bookings (showtime_id, id, user_id, code, status, currency, subtotal, fees,"
        " tax, total) VALUES ($1, $2, $3, $4, 'confirmed', 'USD', 0, 0, 0, 0)",
        UUID(house.showtime_id),
        booking_id,
        UUID(session["user"]["id"]),
        new_code(),
    )
    deletion = asyncio.create_task(delete_account(client, bearer(session["accessToken"])))
    await until_blocked(connection)
    await buying.commit()
    refused = await deletion
    assert (refused.status_code, refused.json()["code"]) == (409, "account_holds_tickets")
    assert refused.json()["bookings"] == [str(booking_id)]
