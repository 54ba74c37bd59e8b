"""What venues and halls say of themselves, and changing it, through HTTP; refusals first."""

from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
import pytest_asyncio

from fullhouse.kit.db import RawConnection
from tests.support.catalog import API, in_days, made_event, made_hall
from tests.support.organizations import Person, administrator, ask, audit_entries, organizer, person
from tests.support.venues import PLACE, made_room, made_venue, picture

BASEL = {"latitude": 47.5596, "longitude": 7.5886}
FULL: dict[str, Any] = {
    "address": "Steinenberg 14\n4051 Basel",
    "coordinates": BASEL,
    "amenities": ["Cloakroom", "Wheelchair places"],
    "houseRules": "<p>No <strong>glass</strong>.</p>",
    "cleaningMinutes": 25,
    "holdSeconds": 300,
    "ageRating": "16",
}


@pytest_asyncio.fixture(scope="module")
async def owner(client: httpx.AsyncClient) -> Person:
    return await organizer(client)


async def changed(
    client: httpx.AsyncClient, who: Person, path: str, **fields: Any
) -> dict[str, Any]:
    answer = await ask(client, who, "PATCH", path, fields)
    assert answer.status_code == 200, answer.text
    now: dict[str, Any] = answer.json()
    return now


def pointers(answer: httpx.Response) -> list[str]:
    assert answer.status_code == 422, answer.text
    assert answer.json()["code"] == "validation_failed"
    return [error["pointer"] for error in answer.json()["errors"]]


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"name": " "}, "/name"),
    ({"name": "turned \u202eround"}, "/name"),
    ({"city": ""}, "/city"),
    ({"country": "XX"}, "/country"),
    ({"country": "Nepal"}, "/country"),
    ({"timezone": "Mars/Olympus"}, "/timezone"),
    ({"timezone": "../../etc/passwd"}, "/timezone"),
    ({"address": "x" * 501}, "/address"),
    ({"address": "nothing \x00 here"}, "/address"),
    ({"address": "turned \u202eround"}, "/address"),
    ({"coordinates": {"latitude": 90.1, "longitude": 0}}, "/coordinates/latitude"),
    ({"coordinates": {"latitude": 0, "longitude": -180.1}}, "/coordinates/longitude"),
    ({"coordinates": {"latitude": "47", "longitude": 8}}, "/coordinates/latitude"),
    ({"coordinates": {"latitude": 47}}, "/coordinates/longitude"),
    ({"coordinates": {**BASEL, "altitude": 3}}, "/coordinates/altitude"),
    ({"coordinates": [47, 8]}, "/coordinates"),
    ({"amenities": "Parking"}, "/amenities"),
    ({"amenities": [""]}, "/amenities/0"),
    ({"amenities": ["Bar", "x" * 61]}, "/amenities/1"),
    ({"amenities": ["two\nlines"]}, "/amenities/0"),
    ({"amenities": ["Bar"] * 51}, "/amenities"),
    ({"houseRules": "x" * 10_001}, "/houseRules"),
    ({"images": ["none"]}, "/images/0"),
    ({"images": [str(UUID(int=n)) for n in range(21)]}, "/images"),
    ({"cleaningMinutes": -1}, "/cleaningMinutes"),
    ({"cleaningMinutes": 1_441}, "/cleaningMinutes"),
    ({"cleaningMinutes": 2.5}, "/cleaningMinutes"),
    ({"holdSeconds": 59}, "/holdSeconds"),
    ({"holdSeconds": 3_601}, "/holdSeconds"),
    ({"ageRating": ""}, "/ageRating"),
    ({"adress": "a slip"}, "/adress"),
    ({"shownUntil": "2099-01-01T00:00:00Z"}, "/shownUntil"),
]  # fmt: skip


@pytest.mark.parametrize(("fields", "pointer"), WRONG, ids=[str(at) for at in range(len(WRONG))])
async def test_what_no_venue_can_say_of_itself(
    client: httpx.AsyncClient, owner: Person, fields: dict[str, Any], pointer: str
) -> None:
    assert pointers(await ask(client, owner, "POST", "/venues", PLACE | fields)) == [pointer]
    before = await made_venue(client, owner, **FULL)
    path = f"/venues/{before['id']}"
    assert pointers(await ask(client, owner, "PATCH", path, fields)) == [pointer]
    assert (await ask(client, owner, "GET", path)).json() == before


@pytest.mark.parametrize(
    "field",
    [
        "name", "city", "country", "timezone", "address", "amenities", "houseRules", "images",
        "cleaningMinutes",
    ],
)  # fmt: skip
async def test_what_cannot_be_taken_away(
    client: httpx.AsyncClient, owner: Person, field: str
) -> None:
    venue = await made_venue(client, owner)
    answer = await ask(client, owner, "PATCH", f"/venues/{venue['id']}", {field: None})
    assert pointers(answer) == [f"/{field}"]


async def test_a_venue_stays_with_its_organization(
    client: httpx.AsyncClient, owner: Person
) -> None:
    venue = await made_venue(client, owner)
    body = {"organizationId": (await organizer(client)).organization}
    answer = await ask(client, owner, "PATCH", f"/venues/{venue['id']}", body)
    assert pointers(answer) == ["/organizationId"]


async def test_pictures_that_may_not_be_used(
    client: httpx.AsyncClient, connection: RawConnection, owner: Person
) -> None:
    others = await picture(connection, (await organizer(client)).organization)
    failed = await picture(connection, owner.organization, "failed")
    good = await picture(connection, owner.organization)
    body = {"images": [good, others, failed, str(uuid4())]}
    wrong = ["/images/1", "/images/2", "/images/3"]
    listed = (await ask(client, owner, "GET", "/organizer/venues")).json()["items"]
    assert pointers(await ask(client, owner, "POST", "/venues", PLACE | body)) == wrong
    assert (await ask(client, owner, "GET", "/organizer/venues")).json()["items"] == listed
    venue = await made_venue(client, owner)
    answer = await ask(client, owner, "PATCH", f"/venues/{venue['id']}", body | {"city": "Bern"})
    assert pointers(answer) == wrong
    assert (await ask(client, owner, "GET", f"/venues/{venue['id']}")).json() == venue


async def test_everybodys_venue_shows_the_platforms_pictures_alone(
    client: httpx.AsyncClient, connection: RawConnection, owner: Person
) -> None:
    admin = await administrator(client, connection)
    body = {"images": [await picture(connection, owner.organization)]}
    assert pointers(await ask(client, admin, "POST", "/venues", PLACE | body)) == ["/images/0"]
    platforms = await picture(connection, None)
    venue = await made_venue(client, admin, images=[platforms])
    assert [image["id"] for image in venue["images"]] == [platforms]


async def test_who_may_not_change_a_venue(
    client: httpx.AsyncClient, connection: RawConnection, owner: Person
) -> None:
    hidden = await made_venue(client, owner)
    hall = await made_room(client, owner, hidden["id"])
    public = await made_venue(client, await administrator(client, connection))
    stranger, buyer = await organizer(client), await person(client)
    asked = [(f"/venues/{hidden['id']}", {"city": "Bern"}), (f"/halls/{hall['id']}", {"name": "X"})]
    for path, body in asked:
        assert (await ask(client, None, "PATCH", path, body)).status_code == 401
        assert (await ask(client, buyer, "PATCH", path, body)).status_code == 403
        # Who may not see it is not told that it exists.
        assert (await ask(client, stranger, "PATCH", path, body)).status_code == 404
    answer = await ask(client, stranger, "POST", f"/venues/{hidden['id']}/halls", {"name": "X"})
    assert answer.status_code == 404
    everybodys = f"/venues/{public['id']}"
    assert (await ask(client, stranger, "PATCH", everybodys, {"city": "Bern"})).status_code == 403
    assert (await ask(client, None, "GET", everybodys)).json() == public
    assert (await ask(client, owner, "GET", f"/venues/{hidden['id']}")).json()["city"] == (
        "Kathmandu"
    )


@pytest.mark.parametrize("place", ["venues", "halls"])
async def test_what_is_not_there_cannot_be_changed(
    client: httpx.AsyncClient, owner: Person, place: str
) -> None:
    assert (await ask(client, owner, "PATCH", f"/{place}/{uuid4()}", {})).status_code == 404
    assert (await ask(client, owner, "GET", f"/{place}/{uuid4()}")).status_code == 404
    assert (await ask(client, owner, "GET", f"/{place}/nothing")).status_code == 404


async def test_a_venue_in_full(
    client: httpx.AsyncClient, connection: RawConnection, owner: Person
) -> None:
    ready = await picture(connection, owner.organization)
    processing = await picture(connection, owner.organization, "processing")
    venue = await made_venue(client, owner, **FULL, images=[processing, ready, ready])
    assert {name: venue[name] for name in FULL} == FULL
    assert venue["organizationId"] == owner.organization
    # What is not ready yet is shown to strangers as soon as it is.
    statuses = [(image["id"], image["status"]) for image in venue["images"]]
    assert statuses == [(processing, "processing"), (ready, "ready")]
    await connection.execute(
        "UPDATE media SET status = 'ready', variants = (SELECT variants FROM media WHERE id = $2)"
        " WHERE id = $1",
        UUID(processing),
        UUID(ready),
    )
    shown = (await ask(client, owner, "GET", f"/venues/{venue['id']}")).json()
    assert [image["id"] for image in shown["images"]] == [processing, ready]
    assert shown["images"][0]["alt"] == "The front"


async def test_text_is_tidied(client: httpx.AsyncClient, owner: Person) -> None:
    venue = await made_venue(
        client,
        owner,
        name=" The  Mill ",
        city=" Bern ",
        country="ch",
        amenities=["Bar", " bar", "Free  wifi", "BAR"],
        houseRules="<p onclick=x()>Be <b>kind</b><script>steal()</script></p>",
    )
    assert venue["name"] == "The  Mill"
    assert (venue["city"], venue["country"]) == ("Bern", "CH")
    assert venue["amenities"] == ["Bar", "Free wifi"]
    assert venue["houseRules"] == "<p>Be <b>kind</b></p>"


async def test_only_what_is_given_changes(client: httpx.AsyncClient, owner: Person) -> None:
    before = await made_venue(client, owner, **FULL)
    path = f"/venues/{before['id']}"
    assert await changed(client, owner, path) == before
    now = await changed(client, owner, path, city="Bern", houseRules="<script>x</script>Quiet")
    assert now == before | {"city": "Bern", "houseRules": "Quiet"}
    gone = {"coordinates": None, "holdSeconds": None, "ageRating": None}
    assert await changed(client, owner, path, **gone, amenities=[]) == now | gone | {
        "amenities": []
    }


async def test_halls_change_too(client: httpx.AsyncClient, owner: Person) -> None:
    venue = await made_venue(client, owner, cleaningMinutes=10)
    hall = await made_room(client, owner, venue["id"], "Small")
    assert hall["cleaningMinutes"] is None
    other = await made_room(client, owner, venue["id"], "Large", cleaningMinutes=0)
    assert other["cleaningMinutes"] == 0
    path = f"/halls/{hall['id']}"
    for fields, pointer in (
        ({"name": ""}, "/name"),
        ({"name": None}, "/name"),
        ({"cleaningMinutes": 1_441}, "/cleaningMinutes"),
        ({"venueId": venue["id"]}, "/venueId"),
    ):
        assert pointers(await ask(client, owner, "PATCH", path, fields)) == [pointer]
    taken = await ask(client, owner, "PATCH", path, {"name": " large ", "cleaningMinutes": 5})
    assert (taken.status_code, taken.json()["code"]) == (409, "hall_exists")
    assert (await ask(client, owner, "GET", path)).json() == hall
    assert await changed(client, owner, path) == hall
    now = await changed(client, owner, path, name=" Tiny ", cleaningMinutes=5)
    assert now == hall | {"name": "Tiny", "cleaningMinutes": 5}
    assert (await changed(client, owner, path, cleaningMinutes=None)) == hall | {"name": "Tiny"}
    shown = (await ask(client, owner, "GET", f"/venues/{venue['id']}")).json()
    assert [one["name"] for one in shown["halls"]] == ["Large", "Tiny"]


async def test_what_was_changed_is_in_the_log(client: httpx.AsyncClient, owner: Person) -> None:
    venue = await made_venue(client, owner, **FULL)
    hall = await made_room(client, owner, venue["id"])
    path = f"/venues/{venue['id']}"
    await changed(client, owner, path, coordinates=None, holdSeconds=300, city="Bern")
    await changed(client, owner, path, city="Bern")
    await changed(client, owner, f"/halls/{hall['id']}", name="Main", cleaningMinutes=7)
    noted = {
        (entry["action"], entry["objectId"]): (entry["before"], entry["after"])
        for entry in await audit_entries(client, owner, owner.organization)
        if entry["objectId"] in (venue["id"], hall["id"])
    }
    assert noted["venue.changed", venue["id"]] == (
        BASEL | {"city": "Kathmandu"},
        {"latitude": None, "longitude": None, "city": "Bern"},
    )
    assert noted["hall.changed", hall["id"]] == ({"cleaningMinutes": None}, {"cleaningMinutes": 7})
    assert len(noted) == 4
    changes = await audit_entries(client, owner, owner.organization, action="venue.changed")
    # What changes nothing is not noted.
    assert len([entry for entry in changes if entry["objectId"] == venue["id"]]) == 1


async def test_another_zone_moves_no_showtime(client: httpx.AsyncClient, owner: Person) -> None:
    hall = await made_hall(client, owner.headers)
    where = {"venueId": hall["venueId"], "hallId": hall["id"], "location": None}
    event = await made_event(client, owner.headers, **where)
    before = event["showtimes"][0]
    await changed(client, owner, f"/venues/{hall['venueId']}", timezone="America/New_York")
    showtime = (await client.get(f"{API}/showtimes/{before['id']}")).json()
    assert (showtime["startsAt"], showtime["timezone"]) == (before["startsAt"], "Asia/Kathmandu")
    later = await made_event(client, owner.headers, **where, startsAt=in_days(40))
    assert later["timezone"] == "America/New_York"


async def test_another_time_for_cleaning_counts_from_now_on(
    client: httpx.AsyncClient, connection: RawConnection, owner: Person
) -> None:
    async def cleaned_for(event: dict[str, Any]) -> float:
        showtime = event["showtimes"][0]
        busy: datetime = await connection.fetchval(
            "SELECT busy_until FROM showtimes WHERE id = $1", UUID(showtime["id"])
        )
        return (busy - datetime.fromisoformat(showtime["endsAt"])).total_seconds() / 60

    hall = await made_hall(client, owner.headers, cleaningMinutes=10)
    where = {"venueId": hall["venueId"], "hallId": hall["id"], "location": None}
    first = await made_event(client, owner.headers, **where)
    await changed(client, owner, f"/venues/{hall['venueId']}", cleaningMinutes=30)
    second = await made_event(client, owner.headers, **where, startsAt=in_days(31))
    await changed(client, owner, f"/halls/{hall['id']}", cleaningMinutes=45)
    third = await made_event(client, owner.headers, **where, startsAt=in_days(32))
    assert [await cleaned_for(event) for event in (first, second, third)] == [10, 30, 45]


async def test_events_take_over_what_the_venue_says(
    client: httpx.AsyncClient, connection: RawConnection, owner: Person
) -> None:
    venue = await made_venue(client, owner, holdSeconds=300, ageRating="16")
    where = {"venueId": venue["id"], "location": None}
    event = await made_event(client, owner.headers, **where)
    assert event["policy"]["holdSeconds"] == 300
    rating = "SELECT age_rating FROM shows WHERE id = $1"
    assert await connection.fetchval(rating, UUID(event["showId"])) == "16"
    policy = {"holdSeconds": 900}
    own = await made_event(client, owner.headers, **where, policy=policy, ageRating="6")
    assert own["policy"]["holdSeconds"] == 900
    assert await connection.fetchval(rating, UUID(own["showId"])) == "6"
