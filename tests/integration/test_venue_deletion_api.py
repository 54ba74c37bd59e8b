"""Deleting venues and halls through HTTP, refusals first."""

import asyncio
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
import pytest_asyncio

from fullhouse.kit.db import RawConnection
from tests.support.catalog import API, event_body, in_days, made_event, made_hall, made_hall_in
from tests.support.locks import until_blocked
from tests.support.organizations import Person, administrator, ask, audit_entries, organizer, person
from tests.support.venues import made_room, made_venue


@pytest_asyncio.fixture(scope="module")
async def owner(client: httpx.AsyncClient) -> Person:
    return await organizer(client)


async def delete(client: httpx.AsyncClient, who: Person | None, path: str) -> tuple[int, str]:
    answer = await ask(client, who, "DELETE", path)
    return answer.status_code, answer.json()["code"] if answer.status_code >= 400 else ""


async def key_of(client: httpx.AsyncClient, who: Person, *scopes: str) -> Person:
    path = f"/organizations/{who.organization}/api-keys"
    made = (await ask(client, who, "POST", path, {"name": "Key", "scopes": list(scopes)})).json()
    return Person(made["id"], "", {"Authorization": f"Bearer {made['key']}"}, who.organization)


async def past(connection: RawConnection, event: dict[str, Any]) -> None:
    """Let all showtimes of an event be over."""
    await connection.execute(
        "UPDATE showtimes SET starts_at = starts_at - interval '400 days',"
        " ends_at = ends_at - interval '400 days', busy_until = NULL WHERE event_id = $1",
        UUID(event["id"]),
    )


async def test_who_may_not_delete(
    client: httpx.AsyncClient, connection: RawConnection, owner: Person
) -> None:
    venue = await made_venue(client, owner)
    hall = await made_room(client, owner, venue["id"])
    paths = [f"/venues/{venue['id']}", f"/halls/{hall['id']}"]
    reader = await key_of(client, owner, "events:read")
    for path in paths:
        assert await delete(client, None, path) == (401, "unauthenticated")
        assert await delete(client, await person(client), path) == (403, "forbidden")
        assert await delete(client, reader, path) == (403, "forbidden")
        assert await delete(client, await organizer(client), path) == (404, "not_found")
    public = await made_venue(client, await administrator(client, connection))
    assert await delete(client, owner, f"/venues/{public['id']}") == (403, "forbidden")
    assert (await ask(client, owner, "GET", paths[0])).json()["halls"] == [hall]


@pytest.mark.parametrize("place", ["venues", "halls"])
async def test_what_is_not_there(client: httpx.AsyncClient, owner: Person, place: str) -> None:
    assert await delete(client, owner, f"/{place}/{uuid4()}") == (404, "not_found")
    assert await delete(client, owner, f"/{place}/nothing") == (404, "not_found")


@pytest.mark.parametrize(
    "event",
    [
        {},
        {"publish": False},
        {"startsAt": None},
        {"startsAt": None, "publish": False},
    ],
    ids=["published", "draft", "no-date", "draft-without-date"],
)
async def test_what_is_still_to_take_place_is_in_the_way(
    client: httpx.AsyncClient, owner: Person, event: dict[str, Any]
) -> None:
    hall = await made_hall(client, owner.headers)
    where = {"venueId": hall["venueId"], "hallId": hall["id"], "location": None}
    if event.get("startsAt", "") is None and event.get("publish", True):
        # Whether such an event can be published is the catalogue's to say.
        event = event | {"publish": False}
    made = await made_event(client, owner.headers, title="In the Way", **where, **event)
    for path, code in (
        (f"/venues/{hall['venueId']}", "venue_in_use"),
        (f"/halls/{hall['id']}", "hall_in_use"),
    ):
        answer = await ask(client, owner, "DELETE", path)
        problem = answer.json()
        assert (answer.status_code, problem["code"]) == (409, code)
        assert problem["events"] == [{"id": made["id"], "title": "In the Way"}]
        assert problem["count"] == 1
        assert "events" in problem["remedy"]
        assert (await ask(client, owner, "GET", path)).status_code == 200


async def test_who_may_see_no_drafts_is_told_of_none(
    client: httpx.AsyncClient, owner: Person
) -> None:
    venue = await made_venue(client, owner)
    where = {"venueId": venue["id"], "location": None, "startsAt": in_days(3)}
    await made_event(client, owner.headers, **where, title="Secret", publish=False)
    keeper = await key_of(client, owner, "venues:write")
    answer = await ask(client, keeper, "DELETE", f"/venues/{venue['id']}")
    assert answer.json()["code"] == "venue_in_use"
    assert (answer.json()["events"], answer.json()["count"]) == ([], 1)
    assert "Secret" not in answer.text


async def test_a_showtime_in_another_hall_of_the_venue_is_in_the_way_there(
    client: httpx.AsyncClient, owner: Person
) -> None:
    usual = await made_hall(client, owner.headers)
    other = await made_hall_in(client, owner.headers, usual["venueId"], "Hall 2")
    spare = await made_room(client, owner, usual["venueId"], "Hall 3")
    where = {"venueId": usual["venueId"], "hallId": usual["id"], "location": None}
    event = await made_event(client, owner.headers, **where)
    body = {"startsAt": in_days(31), "hallId": other["id"]}
    added = await ask(client, owner, "POST", f"/events/{event['id']}/showtimes", body)
    assert added.status_code == 201, added.text
    assert await delete(client, owner, f"/halls/{other['id']}") == (409, "hall_in_use")
    assert await delete(client, owner, f"/halls/{usual['id']}") == (409, "hall_in_use")
    assert await delete(client, owner, f"/halls/{spare['id']}") == (204, "")


@pytest.mark.parametrize("how", ["over", "cancelled", "deleted", "showtime-cancelled"])
async def test_what_is_over_or_off_is_not_in_the_way(
    client: httpx.AsyncClient, connection: RawConnection, owner: Person, how: str
) -> None:
    hall = await made_hall(client, owner.headers)
    where = {"venueId": hall["venueId"], "hallId": hall["id"], "location": None}
    event = await made_event(client, owner.headers, **where)
    id_ = UUID(event["id"])
    if how == "over":
        await past(connection, event)
    elif how == "cancelled":
        await connection.execute("UPDATE events SET status = 'cancelled' WHERE id = $1", id_)
    elif how == "deleted":
        await connection.execute("UPDATE events SET deleted_at = now() WHERE id = $1", id_)
    else:
        await connection.execute(
            "UPDATE showtimes SET status = 'cancelled' WHERE event_id = $1", id_
        )
    assert await delete(client, owner, f"/halls/{hall['id']}") == (204, "")
    assert await delete(client, owner, f"/venues/{hall['venueId']}") == (204, "")


async def test_what_is_deleted_is_gone_for_everybody(
    client: httpx.AsyncClient, connection: RawConnection, owner: Person
) -> None:
    admin = await administrator(client, connection)
    city = f"City {uuid4()}"
    hall = await made_hall(client, owner.headers, city=city)
    venue_path, hall_path = f"/venues/{hall['venueId']}", f"/halls/{hall['id']}"
    where = {"venueId": hall["venueId"], "hallId": hall["id"], "location": None}
    event = await made_event(client, owner.headers, **where)
    await past(connection, event)
    assert (await ask(client, None, "GET", venue_path)).status_code == 200
    assert await delete(client, owner, venue_path) == (204, "")
    for who in (owner, admin):
        for path in (venue_path, hall_path):
            assert (await ask(client, who, "GET", path)).status_code == 404
            assert (await ask(client, who, "PATCH", path, {"name": "Back"})).status_code == 404
            assert await delete(client, who, path) == (404, "not_found")
        for path in ("/venues", "/organizer/venues"):
            listed = await ask(client, who, "GET", f"{path}?city={city}")
            assert listed.json()["items"] == []
        answer = await ask(client, who, "POST", f"{venue_path}/halls", {"name": "New"})
        assert answer.status_code == 404
        grid = {"template": "grid", "rows": 1, "seatsPerRow": 1}
        assert (await ask(client, who, "PUT", f"{hall_path}/seat-map", grid)).status_code == 404
    # What strangers were answered before is forgotten too.
    for _ in range(500):
        if (await ask(client, None, "GET", venue_path)).status_code == 404:
            break
        await asyncio.sleep(0.01)
    assert (await ask(client, None, "GET", venue_path)).status_code == 404


async def test_nothing_new_takes_place_where_nothing_is(
    client: httpx.AsyncClient, owner: Person
) -> None:
    hall = await made_hall(client, owner.headers)
    event = await made_event(
        client, owner.headers, venueId=hall["venueId"], location=None, startsAt=in_days(3)
    )
    assert await delete(client, owner, f"/halls/{hall['id']}") == (204, "")
    body = {"startsAt": in_days(5), "hallId": hall["id"]}
    answer = await ask(client, owner, "POST", f"/events/{event['id']}/showtimes", body)
    assert answer.status_code == 422, answer.text
    new = event_body(hallId=hall["id"], location=None)
    assert (await ask(client, owner, "POST", "/events", new)).status_code == 422
    gone = await made_venue(client, owner)
    assert await delete(client, owner, f"/venues/{gone['id']}") == (204, "")
    new = event_body(venueId=gone["id"], location=None)
    answer = await ask(client, owner, "POST", "/events", new)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == "/venueId"


async def test_the_past_keeps_its_names(
    client: httpx.AsyncClient, connection: RawConnection, owner: Person
) -> None:
    hall = await made_hall(client, owner.headers, name="Old Mill")
    where = {"venueId": hall["venueId"], "hallId": hall["id"], "location": None}
    event = await made_event(client, owner.headers, **where)
    showtime = event["showtimes"][0]["id"]
    await past(connection, event)
    assert await delete(client, owner, f"/halls/{hall['id']}") == (204, "")
    assert await delete(client, owner, f"/venues/{hall['venueId']}") == (204, "")
    told = (await client.get(f"{API}/showtimes/{showtime}", headers=owner.headers)).json()
    assert (told["venue"]["name"], told["hall"]["name"]) == ("Old Mill", "Hall 1")
    told = (await client.get(f"{API}/events/{event['id']}", headers=owner.headers)).json()
    assert told["venue"]["name"] == "Old Mill"


async def test_the_name_of_a_deleted_hall_is_free(client: httpx.AsyncClient, owner: Person) -> None:
    venue = await made_venue(client, owner)
    first = await made_room(client, owner, venue["id"], "Main")
    other = await made_room(client, owner, venue["id"], "Other")
    answer = await ask(client, owner, "PATCH", f"/halls/{other['id']}", {"name": "Main"})
    assert answer.json()["code"] == "hall_exists"
    assert await delete(client, owner, f"/halls/{first['id']}") == (204, "")
    second = await made_room(client, owner, venue["id"], "Main")
    assert second["id"] != first["id"]
    shown = (await ask(client, owner, "GET", f"/venues/{venue['id']}")).json()
    assert [hall["id"] for hall in shown["halls"]] == [second["id"], other["id"]]


async def test_deletions_are_in_the_log(client: httpx.AsyncClient, owner: Person) -> None:
    venue = await made_venue(client, owner)
    hall = await made_room(client, owner, venue["id"])
    assert await delete(client, owner, f"/halls/{hall['id']}") == (204, "")
    assert await delete(client, owner, f"/venues/{venue['id']}") == (204, "")
    noted = {
        entry["action"]: (entry["objectId"], entry["before"])
        for entry in await audit_entries(client, owner, owner.organization)
        if entry["objectId"] in (venue["id"], hall["id"])
    }
    assert noted["hall.deleted"] == (hall["id"], {"venueId": venue["id"], "name": "Main"})
    place = {"name": venue["name"], "city": venue["city"], "country": venue["country"]}
    assert noted["venue.deleted"] == (venue["id"], place)


# At the same moment


@pytest.mark.parametrize("place", ["venue", "hall"])
async def test_what_is_being_put_there_is_in_the_way(
    client: httpx.AsyncClient, connection: RawConnection, owner: Person, place: str
) -> None:
    """The deletion waits for whoever is at it, and then sees what they have made."""
    hall = await made_hall(client, owner.headers)
    event = await made_event(
        client, owner.headers, venueId=hall["venueId"], hallId=hall["id"], location=None
    )
    await past(connection, event)
    making = connection.transaction()
    await making.start()
    await connection.execute(
        "INSERT INTO showtimes (id, event_id, hall_id, status, starts_at, ends_at)"
        " VALUES (gen_random_uuid(), $1, $2, 'scheduled', '2099-01-01', '2099-01-02')",
        UUID(event["id"]),
        UUID(hall["id"]),
    )
    path = f"/venues/{hall['venueId']}" if place == "venue" else f"/halls/{hall['id']}"
    deleting = asyncio.create_task(delete(client, owner, path))
    await until_blocked(connection)
    await making.commit()
    assert await deleting == (409, f"{place}_in_use")


async def test_a_showtime_waits_for_the_deletion_and_is_refused(
    client: httpx.AsyncClient, connection: RawConnection, owner: Person
) -> None:
    hall = await made_hall(client, owner.headers)
    event = await made_event(client, owner.headers, venueId=hall["venueId"], location=None)
    deleting = connection.transaction()
    await deleting.start()
    await connection.execute("UPDATE halls SET deleted_at = now() WHERE id = $1", UUID(hall["id"]))
    body = {"startsAt": in_days(5), "hallId": hall["id"]}
    path = f"/events/{event['id']}/showtimes"
    adding = asyncio.create_task(ask(client, owner, "POST", path, body))
    await until_blocked(connection)
    await deleting.commit()
    assert (await adding).status_code == 422


async def test_everything_at_once_leaves_nothing_where_nothing_is(
    client: httpx.AsyncClient, connection: RawConnection, owner: Person
) -> None:
    """Events are made while their venue is deleted: one of the two is refused, whichever it is."""
    for _ in range(5):
        hall = await made_hall(client, owner.headers)
        path = f"/venues/{hall['venueId']}"
        bodies = [
            event_body(venueId=hall["venueId"], location=None),
            event_body(hallId=hall["id"], location=None, startsAt=in_days(40)),
            event_body(hallId=hall["id"], location=None, startsAt=None),
        ]
        results = await asyncio.gather(
            *(ask(client, owner, "POST", "/events", body) for body in bodies),
            ask(client, owner, "DELETE", path),
        )
        statuses = [answer.status_code for answer in results]
        assert set(statuses[:-1]) <= {201, 422}, [answer.text for answer in results]
        assert statuses[-1] in (204, 409), results[-1].text
        used = await connection.fetchval(
            "SELECT count(*) FROM events e JOIN venues v ON v.id = e.venue_id"
            " WHERE v.id = $1 AND v.deleted_at IS NOT NULL",
            UUID(hall["venueId"]),
        )
        assert used == 0


async def test_nothing_is_added_to_an_event_whose_venue_was_deleted(
    client: httpx.AsyncClient, connection: RawConnection, owner: Person
) -> None:
    venue = await made_venue(client, owner)
    place = {"location": None, "venueId": venue["id"]}
    event = await made_event(client, owner.headers, **place)
    draft = await made_event(client, owner.headers, publish=False, **place)
    for one in (event, draft):
        await past(connection, one)
    assert await delete(client, owner, f"/venues/{venue['id']}") == (204, "")
    added = f"/events/{event['id']}/showtimes"
    span = {"times": ["20:00"], "from": in_days(3)[:10], "to": in_days(5)[:10]}
    for method, path, body in (
        ("POST", added, {"startsAt": in_days(3)}),
        ("POST", f"{added}/generate", span),
        ("POST", f"/events/{event['id']}/duplicate", {"shiftDays": 500}),
        # What is over of a draft could be put off to a time when nobody lets it in any more.
        ("PATCH", f"/showtimes/{draft['showtimes'][0]['id']}", {"startsAt": in_days(3)}),
    ):
        answer = await ask(client, owner, method, path, body)
        assert (answer.status_code, answer.json()["code"]) == (422, "validation_failed"), path
        (error,) = answer.json()["errors"]
        assert error["detail"].endswith("not there any more"), error
    table = f"event,startsAt\n{event['slug']},{in_days(4)}\n"
    path = f"{API}/organizer/import/showtimes"
    answer = await client.post(
        path, content=table, headers=owner.headers | {"Content-Type": "text/csv"}
    )
    (line,) = answer.json()["lines"]
    assert (line["status"], line["errors"][0]["detail"]) == (
        "failed",
        "The event's venue was deleted.",
    )
    assert (
        await connection.fetchval(
            "SELECT count(*) FROM showtimes WHERE event_id = ANY ($1) AND ends_at > now()",
            [UUID(event["id"]), UUID(draft["id"])],
        )
        == 0
    )


async def test_an_event_for_a_venue_that_is_deleted_meanwhile(
    client: httpx.AsyncClient, connection: RawConnection, owner: Person
) -> None:
    """Both lock the halls before the venue, so that neither waits for the other for ever."""
    venue = await made_venue(client, owner)
    first, second = sorted(
        [(await made_room(client, owner, venue["id"], name))["id"] for name in ("A", "B")]
    )
    body = event_body(venueId=venue["id"], location=None, startsAt=None, publish=False)
    body |= {"showtimes": [{"startsAt": in_days(9), "hallId": first}]}
    async with connection.transaction():
        await connection.execute("SELECT 1 FROM halls WHERE id = $1 FOR UPDATE", UUID(second))
        deleting = asyncio.ensure_future(delete(client, owner, f"/venues/{venue['id']}"))
        await until_blocked(connection)
        making = asyncio.ensure_future(ask(client, owner, "POST", "/events", body))
        await until_blocked(connection, 2)
    assert await deleting == (204, "")
    made = await making
    assert (made.status_code, made.json()["code"]) == (422, "validation_failed"), made.text
