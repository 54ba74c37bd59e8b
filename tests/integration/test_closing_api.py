"""Closing an organization, and with it the way out for whoever owns one alone."""

import asyncio
from uuid import UUID

import httpx
import pytest

from fullhouse.kit.db import Database, RawConnection
from tests.support.asgi import bearer
from tests.support.house import API, House, open_house
from tests.support.organizations import (
    Person,
    administrator,
    ask,
    code_of,
    invite,
    join,
    organizer,
    person,
)
from tests.support.people import PASSWORD, register

_FREE = {"name": "Lawn", "price": {"amount": 0}, "capacity": 5}
_PROOF = {"password": PASSWORD}


async def house_of(client: httpx.AsyncClient) -> tuple[House, Person]:
    house = await open_house(client, [_FREE])
    me = (await client.get(f"{API}/auth/me", headers=house.organizer)).json()
    return house, Person(me["id"], me["email"], house.organizer, me["organizations"][0]["id"])


async def close(client: httpx.AsyncClient, who: Person, to: str = "") -> httpx.Response:
    return await ask(client, who, "DELETE", f"/organizations/{to or who.organization}", _PROOF)


async def test_sole_owner_can_close_and_then_go(
    client: httpx.AsyncClient, connection: RawConnection
) -> None:
    house, owner = await house_of(client)
    member = await person(client)
    await join(connection, owner.organization, member, "manager")
    await invite(client, owner, "somebody@example.org")
    key = (
        await ask(
            client,
            owner,
            "POST",
            f"/organizations/{owner.organization}/api-keys",
            {"name": "Site", "scopes": ["events:read"]},
        )
    ).json()["key"]
    refused = await ask(client, owner, "DELETE", "/users/me", _PROOF)
    assert (refused.status_code, code_of(refused)) == (409, "last_owner")
    assert "close the organization" in refused.json()["remedy"]

    assert (await close(client, owner)).status_code == 204
    listed = await client.get(f"{API}/events", params={"q": "play"})
    assert house.event_id not in [event["id"] for event in listed.json()["items"]]
    for table in ("memberships", "invitations"):
        count = f"SELECT count(*) FROM {table} WHERE organization_id = $1"
        assert await connection.fetchval(count, UUID(owner.organization)) == 0, table
    answer = await client.get(f"{API}/organizer/events", headers=bearer(key))
    assert answer.status_code == 401
    for former in (owner, member):
        answer = await ask(client, former, "GET", f"/organizations/{owner.organization}")
        assert answer.status_code in (403, 404)
    entry = await connection.fetchrow(
        "SELECT actor_id, before FROM audit_log WHERE action = 'organization.closed'"
        " AND organization_id = $1",
        UUID(owner.organization),
    )
    assert entry is not None and str(entry["actor_id"]) == owner.id
    assert (await ask(client, owner, "DELETE", "/users/me", _PROOF)).status_code == 204


async def test_what_was_sold_keeps_it_open(
    client: httpx.AsyncClient, connection: RawConnection
) -> None:
    house, owner = await house_of(client)
    buyer = bearer((await register(client))["accessToken"])
    answer = await client.post(f"{API}/bookings", json=house.order("Lawn"), headers=buyer)
    booking = answer.json()["id"]
    refused = await close(client, owner)
    assert (refused.status_code, code_of(refused)) == (409, "organization_has_sales")
    assert refused.json()["bookings"] == [booking]
    # Nothing has changed: it still sells.
    again = await client.post(f"{API}/bookings", json=house.order("Lawn"), headers=buyer)
    assert again.status_code == 201
    for taken in (booking, again.json()["id"]):
        cancelled = await client.post(f"{API}/bookings/{taken}/cancel", headers=house.organizer)
        assert cancelled.status_code == 200
    assert (await close(client, owner)).status_code == 204
    late = await client.post(f"{API}/bookings", json=house.order("Lawn"), headers=buyer)
    assert (late.status_code, code_of(late)) == (409, "sales_closed")
    # What was booked stays on record.
    assert (await client.get(f"{API}/bookings/{booking}", headers=buyer)).status_code == 200


@pytest.mark.parametrize("role", ["manager", "viewer", None])
async def test_others_do_not_close_it(
    client: httpx.AsyncClient, connection: RawConnection, role: str | None
) -> None:
    owner, other = await organizer(client), await organizer(client)
    if role is not None:
        await join(connection, owner.organization, other, role)
    answer = await close(client, other, owner.organization)
    assert (answer.status_code, code_of(answer)) == (
        (404, "not_found") if role is None else (403, "forbidden")
    )


async def test_it_takes_the_password(client: httpx.AsyncClient) -> None:
    owner = await organizer(client)
    for body in ({}, {"password": "not the password"}):
        answer = await ask(client, owner, "DELETE", f"/organizations/{owner.organization}", body)
        assert (answer.status_code, code_of(answer)) == (401, "invalid_credentials")


async def test_administrators_close_what_nobody_else_can(
    client: httpx.AsyncClient, connection: RawConnection
) -> None:
    owner, root = await organizer(client), await administrator(client, connection)
    assert (await close(client, root, owner.organization)).status_code == 204
    assert (await ask(client, root, "GET", f"/organizations/{owner.organization}")).is_success


async def test_a_reservation_at_the_same_moment_is_seen_or_comes_too_late(
    client: httpx.AsyncClient, database: Database, connection: RawConnection
) -> None:
    house, owner = await house_of(client)
    buyer = bearer((await register(client))["accessToken"])
    lock = "SELECT 1 FROM inventories WHERE showtime_id = $1 FOR UPDATE"
    async with connection.transaction():
        await connection.execute(lock, UUID(house.showtime_id))
        both = [
            asyncio.ensure_future(one)
            for one in (
                client.post(f"{API}/bookings", json=house.order("Lawn"), headers=buyer),
                close(client, owner),
            )
        ]
        watcher = await database.connect_raw()
        async with asyncio.timeout(30):
            while await watcher.fetchval("SELECT count(*) FROM pg_locks WHERE NOT granted") < 2:
                await asyncio.sleep(0.01)
        await watcher.close()
    booked, closed = await asyncio.gather(*both)
    # Never both: a place at a house that nobody keeps.
    assert (booked.status_code, closed.status_code) in ((201, 409), (409, 204))
