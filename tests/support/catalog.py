"""Events and halls for tests, made through HTTP."""

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

API = "/api/v1"


def in_days(days: float) -> str:
    """A time from now, as requests write it."""
    moment = datetime.now(UTC).replace(microsecond=0) + timedelta(days=days)
    return moment.isoformat()


def event_body(**fields: Any) -> dict[str, Any]:
    """A concert with two counted categories in a month; a field of None is left out."""
    body = {
        "title": "Rock Concert",
        "kind": "concert",
        "description": "Loud.",
        "startsAt": in_days(30),
        "location": "Main Square",
        "currency": "USD",
        "categories": [
            {"name": "VIP", "price": {"amount": 15_000}, "capacity": 100, "benefits": ["Drink"]},
            {"name": "General", "price": {"amount": 5_000}, "capacity": 900},
        ],
    } | fields
    return {name: value for name, value in body.items() if value is not None}


async def made_event(
    client: httpx.AsyncClient, headers: dict[str, str], **fields: Any
) -> dict[str, Any]:
    """An event as ``POST /events`` answers it; published unless told otherwise."""
    body = event_body(**({"publish": True} | fields))
    answer = await client.post(f"{API}/events", json=body, headers=headers)
    assert answer.status_code == 201, answer.text
    event: dict[str, Any] = answer.json()
    return event


async def made_hall(
    client: httpx.AsyncClient,
    headers: dict[str, str],
    seat_map: dict[str, Any] | None = None,
    **venue: Any,
) -> dict[str, Any]:
    """A hall ``{id, venueId, seatMapId}`` in a venue of its own; a grid of 10 × 10 if not told."""
    place = {
        "name": "Grand Cinema",
        "city": "Kathmandu",
        "country": "NP",
        "timezone": "Asia/Kathmandu",
    } | venue
    answer = await client.post(f"{API}/venues", json=place, headers=headers)
    assert answer.status_code == 201, answer.text
    venue_id = answer.json()["id"]
    return await made_hall_in(client, headers, venue_id, "Hall 1", seat_map)


async def made_hall_in(
    client: httpx.AsyncClient,
    headers: dict[str, str],
    venue_id: str,
    name: str,
    seat_map: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """One more hall of a venue, with a seat map."""
    answer = await client.post(
        f"{API}/venues/{venue_id}/halls", json={"name": name}, headers=headers
    )
    assert answer.status_code == 201, answer.text
    hall_id = answer.json()["id"]
    body = seat_map or {"template": "grid", "rows": 10, "seatsPerRow": 10}
    answer = await client.put(f"{API}/halls/{hall_id}/seat-map", json=body, headers=headers)
    assert answer.status_code == 200, answer.text
    return {"id": hall_id, "venueId": venue_id, "seatMapId": answer.json()["id"]}
