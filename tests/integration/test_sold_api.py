"""What an organization's members read of what was booked with it."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest
import pytest_asyncio

from fullhouse.kit.db import RawConnection
from fullhouse.kit.ids import new_id
from tests.support.house import API, House, begin_sessions, open_house, token_of
from tests.support.organizations import administrator, join, organizer, person
from tests.support.people import PASSWORD

SOLD = f"{API}/organizer/bookings"
SEATS: dict[str, Any] = {"template": "grid", "rows": 2, "seatsPerRow": 4}
Headers = dict[str, str]


@dataclass
class Buyer:
    """Somebody with a name."""

    id: str
    name: str
    email: str
    headers: Headers


async def named(connection: RawConnection, name: str, email: str = "") -> Buyer:
    user_id = new_id()
    address = email or f"{user_id}@example.org"
    await connection.execute(
        "INSERT INTO users (id, name, email, role) VALUES ($1, $2, $3, 'USER')",
        user_id,
        name,
        address,
    )
    await begin_sessions(connection, [user_id])
    return Buyer(str(user_id), name, address, token_of(user_id))


async def book(client: httpx.AsyncClient, body: dict[str, Any], who: Buyer) -> dict[str, Any]:
    answer = await client.post(f"{API}/bookings", json=body, headers=who.headers)
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def listed(
    client: httpx.AsyncClient, headers: Headers, **query: str | int
) -> list[dict[str, Any]]:
    answer = await client.get(SOLD, params=query, headers=headers)
    assert answer.status_code == 200, answer.text
    items: list[dict[str, Any]] = answer.json()["items"]
    return items


def ids(bookings: list[dict[str, Any]]) -> list[str]:
    return [booking["id"] for booking in bookings]


@pytest_asyncio.fixture
async def house(client: httpx.AsyncClient) -> House:
    """Eight seats and ten places to stand."""
    categories: list[dict[str, Any]] = [
        {"name": "Seat", "price": {"amount": 500}, "sections": ["Main"]},
        {"name": "Floor", "price": {"amount": 0}, "capacity": 10},
    ]
    return await open_house(client, categories, seat_map=SEATS)


@pytest_asyncio.fixture
async def other(client: httpx.AsyncClient) -> House:
    """Another organization's."""
    return await open_house(client, [{"name": "Floor", "price": {"amount": 0}, "capacity": 9}])


@pytest_asyncio.fixture
async def anna(connection: RawConnection) -> Buyer:
    return await named(connection, "Anna Meier")


async def organization_of(client: httpx.AsyncClient, headers: Headers) -> str:
    me = (await client.get(f"{API}/auth/me", headers=headers)).json()
    return str(me["organizations"][0]["id"])


# Who is refused


async def test_whoever_may_not_is_refused(
    client: httpx.AsyncClient, connection: RawConnection, house: House, anna: Buyer
) -> None:
    await book(client, house.order("Floor"), anna)
    whose = {"organizationId": await organization_of(client, house.organizer)}
    nobody = await client.get(SOLD, params=whose)
    assert (nobody.status_code, nobody.json()["code"]) == (401, "unauthenticated")
    stranger = await organizer(client)
    scanner = await person(client)
    await join(connection, whose["organizationId"], scanner, "scanner")
    editor = await person(client)
    await join(connection, whose["organizationId"], editor, "editor")
    for headers in (anna.headers, stranger.headers, scanner.headers, editor.headers):
        answer = await client.get(SOLD, params=whose, headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")
        assert anna.email not in answer.text
    viewer = await person(client)
    await join(connection, whose["organizationId"], viewer, "viewer")
    assert len(await listed(client, viewer.headers)) == 1


@pytest.mark.parametrize(
    ("query", "pointer"),
    [
        ({"status": "sold"}, "status"),
        ({"eventId": "nonsense"}, "eventId"),
        ({"from": "yesterday"}, "from"),
        ({"to": "2026-05-01T10:00:00"}, "to"),
        ({"from": "0001-01-01"}, "from"),
        ({"to": "9999-12-31"}, "to"),
        ({"sort": "total"}, "sort"),
        ({"fields": "secret"}, "fields"),
        ({"q": "a"}, "q"),
        ({"code": ""}, "code"),
        ({"limit": "101"}, "limit"),
        ({"cursor": "bm9uc2Vuc2U"}, "cursor"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
async def test_bad_parameters(
    client: httpx.AsyncClient, house: House, query: dict[str, str], pointer: str
) -> None:
    answer = await client.get(SOLD, params=query, headers=house.organizer)
    assert (answer.status_code, answer.json()["code"]) == (422, "validation_failed")
    assert [error["pointer"] for error in answer.json()["errors"]] == [pointer]


async def test_nothing_of_another_organization_is_found(
    client: httpx.AsyncClient, house: House, other: House, anna: Buyer
) -> None:
    ours = await book(client, house.order("Floor"), anna)
    theirs = await book(client, other.order("Floor"), anna)
    for query in (
        {"eventId": other.event_id},
        {"showtimeId": other.showtime_id},
        {"code": theirs["code"]},
        {"eventId": house.event_id, "showtimeId": other.showtime_id},
    ):
        assert await listed(client, house.organizer, **query) == []
    assert ids(await listed(client, house.organizer)) == [ours["id"]]
    # Nor is a buyer who has booked elsewhere only.
    assert ids(await listed(client, house.organizer, q=anna.email)) == [ours["id"]]
    for query in ({}, {"page": 1}):
        answer = await client.get(SOLD, params=query, headers=house.organizer)
        assert theirs["id"] not in answer.text and theirs["code"] not in answer.text
    assert answer.json()["total"] == 1


# What is found


async def test_a_booking_with_its_buyer(
    client: httpx.AsyncClient, house: House, anna: Buyer
) -> None:
    booking = await book(client, house.seats("A-1", "B-4"), anna)
    (found,) = await listed(client, house.organizer)
    buyer = found.pop("buyer")
    assert buyer == {"id": anna.id, "name": anna.name, "email": anna.email}
    path = f"{API}/bookings/{booking['id']}"
    # What the buyer is shown, and what members are shown by the id.
    for who in (anna.headers, house.organizer):
        assert (await client.get(path, headers=who)).json() == found


async def test_the_filters(client: httpx.AsyncClient, house: House, anna: Buyer) -> None:
    path = f"{API}/events/{house.event_id}/showtimes"
    starts_at = (datetime.now(UTC) + timedelta(days=20)).isoformat()
    second = await client.post(path, json={"startsAt": starts_at}, headers=house.organizer)
    assert second.status_code == 201, second.text
    later = House(house.event_id, second.json()["id"], house.organizer, house.categories)
    held = await book(client, house.order("Floor"), anna)
    confirmed = await book(client, later.order("Floor"), anna)
    await client.post(f"{API}/bookings/{confirmed['id']}/confirm", headers=anna.headers)
    for query, expected in (
        ({"showtimeId": house.showtime_id}, [held]),
        ({"showtimeId": later.showtime_id}, [confirmed]),
        ({"eventId": house.event_id}, [confirmed, held]),
        ({"eventId": house.showtime_id}, []),
        ({"status": "confirmed"}, [confirmed]),
        ({"status": "reserved"}, [held]),
        ({"status": "expired"}, []),
        ({"code": held["code"]}, [held]),
        ({"code": confirmed["code"].lower()}, [confirmed]),
        ({"code": held["code"][:-1]}, []),
        ({"status": "confirmed", "code": held["code"]}, []),
    ):
        assert ids(await listed(client, house.organizer, **query)) == ids(expected), query
        paged = await client.get(SOLD, params={**query, "page": 1}, headers=house.organizer)
        assert paged.json()["total"] == len(expected), query


async def test_when_it_was_made(
    client: httpx.AsyncClient, connection: RawConnection, house: House, anna: Buyer
) -> None:
    made = [await book(client, house.order("Floor"), anna) for _ in range(3)]
    moments = ["2026-03-01T23:59:59.999999Z", "2026-03-02T00:00:00Z", "2026-03-02T12:00:00Z"]
    for booking, moment in zip(made, moments, strict=True):
        await connection.execute(
            "UPDATE bookings SET created_at = $2 WHERE id = $1",
            UUID(booking["id"]),
            datetime.fromisoformat(moment),
        )
    for query, expected in (
        ({"from": "2026-03-02"}, [2, 1]),
        ({"to": "2026-03-01"}, [0]),
        ({"from": "2026-03-02", "to": "2026-03-02"}, [2, 1]),
        ({"to": "2026-03-02T00:00:00Z"}, [1, 0]),
        ({"from": "2026-03-02T13:00:00+01:00"}, [2]),
        ({"from": "2026-03-03", "to": "2026-03-01"}, []),
    ):
        found = ids(await listed(client, house.organizer, **query))
        assert found == [made[number]["id"] for number in expected], query


@pytest.mark.parametrize(
    ("wanted", "is_found"),
    [
        ("anna", True),
        ("ANNA ME", True),
        ("Meier", False),
        ("anna%", False),
        ("ann_", False),
        ("an\\", False),
        ("a.m_1@exa", True),
        ("A.M_1@", True),
        ("a.mx1@", False),
        ("example.org", False),
        ("%", None),
        ("%%", False),
    ],
)
async def test_a_buyer_is_found_by_how_the_name_or_address_begins(
    client: httpx.AsyncClient,
    connection: RawConnection,
    house: House,
    wanted: str,
    is_found: bool | None,
) -> None:
    await connection.execute(
        "UPDATE users SET email = id || '@gone.example' WHERE email = 'a.m_1@example.org'"
    )
    anna = await named(connection, "Anna Meier", "a.m_1@example.org")
    someone = await named(connection, "Someone Else")
    booking = await book(client, house.order("Floor"), anna)
    await book(client, house.order("Floor"), someone)
    answer = await client.get(SOLD, params={"q": wanted}, headers=house.organizer)
    if is_found is None:
        assert answer.status_code == 422
        return
    assert answer.status_code == 200, answer.text
    assert ids(answer.json()["items"]) == ([booking["id"]] if is_found else [])


async def test_of_a_deleted_account_there_is_no_address(
    client: httpx.AsyncClient, house: House
) -> None:
    gone = await person(client, name="Berta")
    order = house.order("Floor")
    answer = await client.post(f"{API}/bookings", json=order, headers=gone.headers)
    await client.delete(f"{API}/bookings/{answer.json()['id']}", headers=gone.headers)
    deleted = await client.request(
        "DELETE", f"{API}/users/me", json={"password": PASSWORD}, headers=gone.headers
    )
    assert deleted.status_code == 204, deleted.text
    (found,) = await listed(client, house.organizer)
    assert found["buyer"] == {"id": gone.id, "name": "Deleted user", "email": None}
    assert await listed(client, house.organizer, q="Deleted") == []


# Pages


@pytest.mark.parametrize("sort", ["-createdAt", "createdAt"])
@pytest.mark.parametrize("way", ["cursor", "page"])
@pytest.mark.parametrize("query", [{}, {"q": "anna"}], ids=["all", "of a buyer"])
async def test_pages_hold_each_once(
    client: httpx.AsyncClient,
    house: House,
    anna: Buyer,
    sort: str,
    way: str,
    query: dict[str, str],
) -> None:
    made = [(await book(client, house.order("Floor"), anna))["id"] for _ in range(5)]
    wanted = made if sort == "createdAt" else made[::-1]
    found: list[str] = []
    place: dict[str, Any] = {"page": 1} if way == "page" else {}
    for _ in range(3):
        params = {**query, **place, "sort": sort, "limit": 2, "fields": "code"}
        answer = (await client.get(SOLD, params=params, headers=house.organizer)).json()
        assert answer["total"] == (5 if way == "page" else None)
        assert all(item.keys() == {"id", "code"} for item in answer["items"])
        found += ids(answer["items"])
        more = answer["nextCursor"]
        place = {"page": place["page"] + 1} if way == "page" else {"cursor": more}
    assert (found, more) == (wanted, None)


async def test_a_cursor_belongs_to_its_order(
    client: httpx.AsyncClient, house: House, anna: Buyer
) -> None:
    for _ in range(2):
        await book(client, house.order("Floor"), anna)
    first = await client.get(SOLD, params={"limit": 1}, headers=house.organizer)
    query = {"sort": "createdAt", "cursor": first.json()["nextCursor"]}
    answer = await client.get(SOLD, params=query, headers=house.organizer)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == "cursor"


# Several organizations


async def test_of_several_organizations_all_or_one(
    client: httpx.AsyncClient,
    connection: RawConnection,
    house: House,
    other: House,
    anna: Buyer,
) -> None:
    ours = await book(client, house.order("Floor"), anna)
    theirs = await book(client, other.order("Floor"), anna)
    first, second = [await organization_of(client, one.organizer) for one in (house, other)]
    both = await person(client)
    await join(connection, first, both, "box_office")
    await join(connection, second, both, "manager")
    assert ids(await listed(client, both.headers)) == [theirs["id"], ours["id"]]
    assert ids(await listed(client, both.headers, organizationId=first)) == [ours["id"]]
    # Where somebody only stands at the door, nothing is shown.
    await connection.execute(
        "UPDATE memberships SET role = 'scanner' WHERE user_id = $1 AND organization_id = $2",
        UUID(both.id),
        UUID(second),
    )
    # By another session, of which nothing is kept yet.
    again = token_of(UUID(both.id))
    await begin_sessions(connection, [UUID(both.id)])
    assert ids(await listed(client, again)) == [ours["id"]]


async def test_an_administrator_names_the_organization(
    client: httpx.AsyncClient, connection: RawConnection, house: House, anna: Buyer
) -> None:
    booking = await book(client, house.order("Floor"), anna)
    root = await administrator(client, connection)
    answer = await client.get(SOLD, headers=root.headers)
    assert (answer.status_code, answer.json()["code"]) == (422, "organization_required")
    whose = await organization_of(client, house.organizer)
    assert ids(await listed(client, root.headers, organizationId=whose)) == [booking["id"]]
