"""A house to sell: made through the API, as an organizer would."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import httpx

from fullhouse.accounts.tokens import AccessTokens
from fullhouse.kit.db import RawConnection
from fullhouse.kit.ids import new_id
from tests.support.asgi import bearer
from tests.support.people import signed_in
from tests.support.settings import SECRET

API = "/api/v1"


@dataclass
class House:
    """A published event with one showtime, and its organizer's headers."""

    event_id: str
    showtime_id: str
    organizer: dict[str, str]
    categories: dict[str, str] = field(default_factory=dict)  # id by name

    def order(self, category: str, quantity: int = 1, **more: Any) -> dict[str, Any]:
        """The body of a booking of counted places."""
        items = [{"categoryId": self.categories[category], "quantity": quantity}]
        return {"showtimeId": self.showtime_id, "items": items, **more}

    def seats(self, *labels: str, **more: Any) -> dict[str, Any]:
        """The body of a booking of chosen seats."""
        return {"showtimeId": self.showtime_id, "seats": list(labels), **more}


async def open_house(
    client: httpx.AsyncClient,
    categories: Sequence[Mapping[str, object]],
    *,
    seat_map: dict[str, Any] | None = None,
    policy: dict[str, Any] | None = None,
    starts_at: datetime | None = None,
    **event: Any,
) -> House:
    """Publish an event; with a seat map also its venue and hall."""
    organizer = await signed_in(client, role="ORGANIZER")
    body: dict[str, Any] = {
        "title": "A Play",
        "description": "About houses",
        "currency": "USD",
        "startsAt": (starts_at or datetime.now(UTC) + timedelta(days=10)).isoformat(),
        "categories": list(categories),
        "publish": True,
        **event,
    }
    if seat_map is not None:
        body |= await _hall(client, organizer, seat_map)
    else:
        body.setdefault("location", "The Barn")
    if policy is not None:
        body["policy"] = policy
    created = await _post(client, f"{API}/events", body, organizer)
    listed = await client.get(
        f"{API}/showtimes", params={"eventId": created["id"]}, headers=organizer
    )
    showtimes = listed.json()["items"]
    return House(
        created["id"],
        showtimes[0]["id"],
        organizer,
        {category["name"]: category["id"] for category in created["categories"]},
    )


async def _hall(
    client: httpx.AsyncClient, organizer: dict[str, str], seat_map: dict[str, Any]
) -> dict[str, Any]:
    venue = await _post(
        client,
        f"{API}/venues",
        {"name": "The House", "city": "Bern", "country": "CH", "timezone": "Europe/Zurich"},
        organizer,
    )
    hall = await _post(client, f"{API}/venues/{venue['id']}/halls", {"name": "Hall"}, organizer)
    answer = await client.put(
        f"{API}/halls/{hall['id']}/seat-map", json=seat_map, headers=organizer
    )
    assert answer.is_success, answer.text
    return {"venueId": venue["id"], "hallId": hall["id"]}


async def _post(
    client: httpx.AsyncClient, path: str, body: dict[str, Any], headers: dict[str, str]
) -> dict[str, Any]:
    answer = await client.post(path, json=body, headers=headers)
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


async def buyers(connection: RawConnection, count: int) -> list[dict[str, str]]:
    """Headers of that many new buyers; past the registration, whose hashes are slow on purpose."""
    ids = [new_id() for _ in range(count)]
    await connection.executemany(
        "INSERT INTO users (id, name, email, role) VALUES ($1, 'Buyer', $2, 'USER')",
        [(user_id, f"{user_id}@example.org") for user_id in ids],
    )
    await begin_sessions(connection, ids)
    return [token_of(user_id) for user_id in ids]


async def begin_sessions(connection: RawConnection, user_ids: Sequence[UUID]) -> None:
    """A session for each user, with the user's own id, for :func:`token_of`."""
    await connection.executemany(
        "INSERT INTO sessions (id, user_id, method, second_factor, address, agent, idle_until,"
        " ends_at, generation, token_hash) VALUES ($1, $1, 'password', false, '', '',"
        " now() + interval '1 day', now() + interval '1 day', 1, '')",
        [(user_id,) for user_id in user_ids],
    )


def token_of(user_id: UUID) -> dict[str, str]:
    """Headers of a user who has a session of :func:`begin_sessions`."""
    return bearer(AccessTokens(SECRET, 3_600).issue(user_id, user_id))
