"""Venues for tests, made through HTTP, and pictures for them."""

import json
from typing import Any
from uuid import UUID

import httpx

from fullhouse.kit.db import RawConnection
from fullhouse.kit.ids import new_id
from tests.support.catalog import API
from tests.support.organizations import Person

PLACE = {
    "name": "Royal Theatre",
    "city": "Kathmandu",
    "country": "NP",
    "timezone": "Asia/Kathmandu",
}


async def made_venue(client: httpx.AsyncClient, who: Person, **fields: Any) -> dict[str, Any]:
    """A venue as ``POST /venues`` answers it; an admin's is everybody's."""
    return await _made(client, who, "/venues", PLACE | fields)


async def made_room(
    client: httpx.AsyncClient, who: Person, venue_id: str, name: str = "Main", **fields: Any
) -> dict[str, Any]:
    """A hall without a seat map."""
    return await _made(client, who, f"/venues/{venue_id}/halls", {"name": name, **fields})


async def picture(
    connection: RawConnection, organization: str | None, status: str = "ready"
) -> str:
    """The id of a picture of an organization, or of the platform, past its upload."""
    media_id = new_id()
    variant = {"format": "webp", "width": 640, "height": 360, "bytes": 9, "key": "k"}
    await connection.execute(
        "INSERT INTO media (id, organization_id, uploaded_by, status, content_type, bytes, sha256,"
        " width, height, alt, variants, failure, claimed_until)"
        # Claimed for good, so that no job finds out that there is no such file.
        " VALUES ($1, $2, $1, $3, 'image/png', 9, '', 640, 360, 'The front', $4::jsonb, $5,"
        " '9999-01-01')",
        media_id,
        None if organization is None else UUID(organization),
        status,
        json.dumps([variant] if status == "ready" else []),
        "broken" if status == "failed" else None,
    )
    return str(media_id)


async def _made(
    client: httpx.AsyncClient, who: Person, path: str, body: dict[str, Any]
) -> dict[str, Any]:
    answer = await client.post(f"{API}{path}", json=body, headers=who.headers)
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made
