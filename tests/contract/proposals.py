"""What fuzzed requests may name: a town with houses and bookings, proposed in the document.

Random ids find nothing, so that the code behind the first look-up would never run. Each field and
parameter that names something is therefore described as "one of these, or what it was before":
what may be sent stays the same, and what is sent often exists.
"""

import copy
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg
import httpx

from fullhouse.api.examples import EXAMPLES
from fullhouse.api.permissions import KEY_SCOPES
from tests.contract.proposals_crowd import BODIES, ROLES, is_of_accounts, values_for
from tests.support.asgi import bearer
from tests.support.catalog import event_body, in_days, made_event, made_hall
from tests.support.house import API, House, begin_sessions, open_house, token_of
from tests.support.people import new_email, register
from tests.support.pictures import picture

_GRID = {"template": "grid", "rows": 6, "seatsPerRow": 8}
_REQUESTS = ("Body", "Request")

Document = dict[str, Any]

# What an operation names that no other does, because it uses it up, or needs it to be just so.
_OWN = {
    "delete /media/{mediaId}": {"mediaId": "spareMediaId"},
    "delete /showtimes/{showtimeId}": {"showtimeId": "spareShowtimeId"},
    "get /venues/{venueId}": {"venueId": "shownVenueId"},
    "get /halls/{hallId}": {"hallId": "shownHallId"},
    "get /halls/{hallId}/seat-maps": {"hallId": "shownHallId"},
    "get /venues/{venueId}/calendar.ics": {"venueId": "shownVenueId"},
    "delete /venues/{venueId}": {"venueId": "spareVenueId"},
    "delete /halls/{hallId}": {"hallId": "spareHallId"},
    "post /showtimes/{showtimeId}/cancel": {"showtimeId": "doomedShowtimeId"},
    "post /events/{eventId}/cancel": {"eventId": "doomedEventId"},
    "patch /events/{eventId}": {"eventId": "changedEventId"},
    "patch /showtimes/{showtimeId}": {"showtimeId": "movedShowtimeId"},
    "delete /shows/{showId}": {"showId": "spareShowId"},
    "delete /events/{eventId}": {"eventId": "spareEventId"},
    "patch /events/{eventId}/categories/{categoryId}": {
        "eventId": "tiersEventId",
        "categoryId": "tierId",
    },
    "delete /events/{eventId}/categories/{categoryId}": {
        "eventId": "tiersEventId",
        "categoryId": "spareTierId",
    },
    "post /events/{eventId}/seat-map": {"eventId": "eventIdInHall"},
}


@dataclass
class Town:
    """People with their headers, what they may name, and one good body of each kind."""

    people: dict[str, dict[str, str]]
    values: dict[str, list[Any]] = field(default_factory=dict)
    bodies: dict[str, dict[str, Any]] = field(default_factory=dict)

    def note(self, **named: Any) -> None:
        """Remember values by the names under which requests send them."""
        for name, value in named.items():
            known = self.values.setdefault(name, [])
            if value not in known:
                known.append(value)


async def build_town(client: httpx.AsyncClient, database_url: str) -> Town:
    """A house that sells seats and counted places, halls, a draft, and bookings of two people."""
    categories: list[dict[str, Any]] = [
        {"name": "Standing", "price": {"amount": 0}, "capacity": 200},
        {"name": "Box", "price": {"amount": 9_900}, "capacity": 2},
        {"name": "Stalls", "price": {"amount": 7_000}, "sections": ["Main"]},
    ]
    policy = {"maxPerBooking": 100}
    house = await open_house(client, categories, seat_map=_GRID, policy=policy, kind="movie")
    buyer = await register(client)
    people = {
        "organizer": house.organizer,
        "buyer": bearer(buyer["accessToken"]),
        "admin": await _prepare(database_url, house, buyer["user"]["id"]),
        "key": await _key(client, house.organizer),
        "nobody": {},
    }
    town = Town(people)
    await _note_catalogue(town, client, house)
    await _note_pictures(town, client, house)
    await _fill_box(client, house)
    for person in ("organizer", "buyer", "admin"):
        await _note_bookings(town, client, house, people[person])
    _note_bodies(town, house)
    return town


async def _prepare(database_url: str, house: House, buyer_id: str) -> dict[str, str]:
    """What no route does: make an administrator, whom it answers, and the buyer a scanner.

    What has been guessed before is forgotten: an address that fails too often waits for minutes.
    """
    connection = await asyncpg.connect(database_url)
    try:
        user_id: UUID = await connection.fetchval(
            "INSERT INTO users (id, name, email, role)"
            " VALUES (gen_random_uuid(), 'Root', $1, 'ADMIN') RETURNING id",
            new_email(),
        )
        await begin_sessions(connection, [user_id])
        await connection.execute(
            "INSERT INTO memberships (organization_id, user_id, role)"
            " SELECT organization_id, $1, $2 FROM events WHERE id = $3",
            UUID(buyer_id),
            ROLES["buyer"][1],
            UUID(house.event_id),
        )
        await connection.execute("DELETE FROM attempts")
    finally:
        await connection.close()
    return token_of(user_id)


async def _key(client: httpx.AsyncClient, organizer: dict[str, str]) -> dict[str, str]:
    """A key of the organizer's organization that may do whatever a key can be given to do."""
    me = (await client.get(f"{API}/auth/me", headers=organizer)).json()
    path = f"{API}/organizations/{me['organizations'][0]['id']}/api-keys"
    body = {"name": "Website", "scopes": sorted(KEY_SCOPES)}
    answer = await client.post(path, json=body, headers=organizer)
    assert answer.status_code == 201, answer.text
    return bearer(answer.json()["key"])


async def _note_catalogue(town: Town, client: httpx.AsyncClient, house: House) -> None:
    event = (await client.get(f"{API}/events/{house.event_id}")).json()
    draft = await made_event(client, house.organizer, publish=False)
    hall = await made_hall(client, house.organizer)
    me = (await client.get(f"{API}/auth/me", headers=house.organizer)).json()
    showtime = (await client.get(f"{API}/showtimes/{house.showtime_id}")).json()
    town.note(seatMapId=showtime["seatMapId"])
    town.note(hallId=hall["id"], venueId=hall["venueId"], seatMapId=hall["seatMapId"])
    town.note(showId=event["showId"], movieId=event["showId"], showtimeId=house.showtime_id)
    town.note(organizationId=me["organizations"][0]["id"])
    # Never named otherwise: nobody can delete what an event puts on.
    for _ in range(2):
        play = {"kind": "play", "title": "Never Played"}
        spare = await client.post(f"{API}/shows", json=play, headers=house.organizer)
        town.note(spareShowId=spare.json()["id"])
    # The first of each is what the good requests use: only a draft can be published.
    town.note(key=event["slug"], eventId=draft["id"])
    town.note(key=house.event_id, eventId=house.event_id, eventIdInHall=house.event_id)
    body = {"startsAt": in_days(60)}
    path = f"{API}/events/{house.event_id}/showtimes"
    spare = await client.post(path, json=body, headers=house.organizer)
    # Never named otherwise: nobody can delete what somebody has a place at.
    town.note(spareShowtimeId=spare.json()["id"])
    # Nor these: what is cancelled is of no use to any other request.
    doomed = [await made_event(client, house.organizer) for _ in range(2)]
    town.note(doomedEventId=doomed[0]["id"], doomedShowtimeId=doomed[1]["showtimes"][0]["id"])
    # Nor these: who knows when they are, and whether they are sold, once they have been changed.
    changed = [await made_event(client, house.organizer) for _ in range(2)]
    town.note(changedEventId=changed[0]["id"], movedShowtimeId=changed[1]["showtimes"][0]["id"])
    # Nor these: what is deleted is gone, and another category would not be sold as it was.
    unwanted, tiers = [await made_event(client, house.organizer, publish=False) for _ in range(2)]
    town.note(spareEventId=unwanted["id"], tiersEventId=tiers["id"])
    town.note(tierId=tiers["categories"][0]["id"], spareTierId=tiers["categories"][1]["id"])
    # Nor these: where somebody has put something cannot be deleted.
    free = [await made_hall(client, house.organizer) for _ in range(2)]
    town.note(spareHallId=free[0]["id"], spareVenueId=free[1]["venueId"])
    # What everybody sees, because something is on there.
    town.note(shownHallId=showtime["hall"]["id"], shownVenueId=showtime["venue"]["id"])
    for name, category_id in house.categories.items():
        # Nobody resizes the box: its line would be served, and then nobody could leave it.
        if name != "Box":
            town.note(categoryId=category_id)
    for seat in ("Main A-1", "a1", "A-01", "B-3", "F-8"):
        town.note(seats=seat)


async def _note_pictures(town: Town, client: httpx.AsyncClient, house: House) -> None:
    """Two pictures, one of which only those name who delete it."""
    for name in ("mediaId", "spareMediaId"):
        files = {"file": ("picture", picture("PNG", 3, 2))}
        answer = await client.post(f"{API}/media", files=files, headers=house.organizer)
        assert answer.status_code == 201, answer.text
        town.note(**{name: answer.json()["id"]})


async def _fill_box(client: httpx.AsyncClient, house: House) -> None:
    """Sell the box to somebody who is never named again, so that it stays sold."""
    booking = await _booked(client, house.organizer, house.order("Box", 2))
    path = f"{API}/bookings/{booking['id']}/confirm"
    answer = await client.post(path, headers=house.organizer)
    assert answer.status_code == 200, answer.text


async def _note_bookings(
    town: Town, client: httpx.AsyncClient, house: House, person: dict[str, str]
) -> None:
    """Bookings that are held, one that is confirmed, and places in the line for the box."""
    for _ in range(4):
        held = await _booked(client, person, house.order("Standing"))
        town.note(bookingId=held["id"])
    answer = await client.post(f"{API}/bookings/{held['id']}/confirm", headers=person)
    assert answer.status_code == 200, answer.text
    for _ in range(4):
        waiting = await _booked(client, person, house.order("Box", 2, joinWaitlist=True))
        assert waiting["status"] == "waitlisted"
        town.note(entryId=waiting["id"])


async def _booked(
    client: httpx.AsyncClient, person: dict[str, str], order: dict[str, Any]
) -> dict[str, Any]:
    answer = await client.post(f"{API}/bookings", json=order, headers=person)
    assert answer.is_success, answer.text
    booking: dict[str, Any] = answer.json()
    return booking


def _note_bodies(town: Town, house: House) -> None:
    starts_at = datetime.now(UTC) + timedelta(days=40)
    day = (starts_at + timedelta(days=30)).date().isoformat()
    organization = town.values["organizationId"][0]
    # Tables, by their operations: good ones, and one that has a line of each kind.
    town.note(importShows="kind,title,cast\nplay,Once,Ada: Eve\nplay,Once,\nopera,,:\n")
    town.note(importShows='title;KIND;releasedOn\n"A; B";movie;2027-01-01')
    town.note(importShowtimes=f"event,startsAt,hall\n{house.event_id},{day} 20:00,\n")
    town.note(importShowtimes=f"event,startsAt\n{house.event_id},{day}T10:00:00Z\nx,{day}\n")
    town.bodies = BODIES | {
        "AllotmentRequest": {"capacity": 1_000},
        "BookingRequest": house.seats("C-3", "C-4"),
        # Named, because an administrator acts for none of their own.
        "EventBody": event_body(organizationId=organization),
        "EventPatchBody": {"description": "Louder.", "policy": {"maxPerUser": 6}},
        "DuplicateBody": {"title": "One More", "shiftDays": 9},
        "CategoryBody": {"name": "Late", "price": {"amount": 1_500}, "capacity": 10},
        "CategoryPatchBody": {"price": {"amount": 1_700}, "benefits": ["A drink"]},
        "HallBody": {"name": "The Small Hall"},
        "HallPatchBody": {"cleaningMinutes": 5},
        "VenuePatchBody": {"amenities": ["Cloakroom"], "holdSeconds": None},
        "SeatMapBody": _GRID,
        "MediaBody": {
            "file": picture("PNG", 3, 2),
            "organizationId": town.values["organizationId"][0],
        },
        "MediaPatchBody": {"alt": "The orchestra"},
        "SeatMapImportBody": EXAMPLES["SeatMapImportBody"],
        "BestSeatsRequest": {"quantity": 2},
        "CancellationRequest": {"reason": "The singer is ill."},
        "SeatMapRequest": {"seatMapId": town.values["seatMapId"][0]},
        "SeatsRequest": {"seats": ["F-1", "F-2"]},
        "ShowBody": {"kind": "play", "title": "A Play", "organizationId": organization},
        "ShowPatchBody": {"genre": "Drama", "endsOn": None},
        "ShowtimeBody": {"startsAt": starts_at.isoformat()},
        "ShowtimeChangeBody": {"startsAt": (starts_at + timedelta(days=1)).isoformat()},
        "GenerateBody": {"from": day, "to": day, "times": ["10:00", "14:00"]},
        "SeriesBody": {"from": day, "times": ["20:15"], "repeat": {"every": "week", "count": 2}},
        "VenueBody": {"name": "Hut", "city": "Bern", "country": "CH", "timezone": "Europe/Zurich"},
    }


def propose(document: Document, town: Town) -> Document:
    """The document with the town's values proposed wherever requests may name them."""
    proposed = copy.deepcopy(document)
    for name, schema in proposed["components"]["schemas"].items():
        if name.endswith(_REQUESTS):
            for field_name, description in schema["properties"].items():
                known = values_for("") | town.values
                _propose(description, known.get(field_name))
    for path, item in proposed["paths"].items():
        known = town.values
        if is_of_accounts(path):
            # Only what is published can be a favourite, so that goes first.
            known = known | values_for(path) | {"eventId": known["eventId"][::-1]}
        for method, operation in item.items():
            own = _OWN.get(f"{method} {path.rpartition('/api/v1')[2]}", {})
            for parameter in operation.get("parameters", ()):
                name = parameter["name"]
                values = known.get(own.get(name, name))
                _propose(parameter["schema"], values)
                if values:
                    parameter["example"] = values[0]
            for content in operation.get("requestBody", {}).get("content", {}).values():
                # A body that may be left out is described as "nothing, or this".
                choices = content["schema"].get("oneOf", [content["schema"]])
                name = choices[-1].get("$ref", "").rpartition("/")[2]
                if name in town.bodies:
                    content["example"] = town.bodies[name]
                if tables := town.values.get(operation["operationId"]):
                    _propose(content["schema"], tables)
                    content["example"] = tables[0]
    return proposed


def _propose(schema: dict[str, Any], values: list[Any] | None) -> None:
    if not values:
        return
    if schema.get("type") == "array":
        _propose(schema["items"], values)
        return
    before = schema.copy()
    schema.clear()
    schema["anyOf"] = [{"enum": values}, before]
