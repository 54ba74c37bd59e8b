"""Who sees which venues, and how they are looked for, through HTTP; refusals first."""

import asyncio
import math
from collections.abc import Mapping
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
import pytest_asyncio
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st

from fullhouse.api.lists import Order
from fullhouse.api.pagination import Slice
from fullhouse.catalog.jobs import refresh_listings
from fullhouse.catalog.store import event_listings
from fullhouse.kit.db import Database, RawConnection
from fullhouse.venues.filters import KEEPER, Near, Reader, VenueFilters, near_of
from fullhouse.venues.queries import places
from fullhouse.venues.rules import camel, tidied
from tests.support.catalog import API, made_event
from tests.support.locks import until_blocked
from tests.support.organizations import Person, administrator, ask, member, organizer, person
from tests.support.venues import made_room, made_venue

VENUES = "/venues"
OWN = "/organizer/venues"


@pytest_asyncio.fixture(scope="module")
async def owner(client: httpx.AsyncClient) -> Person:
    return await organizer(client)


async def names(
    client: httpx.AsyncClient, who: Person | None, path: str = VENUES, **query: str
) -> list[str]:
    answer = await client.get(f"{API}{path}", params=query, headers=who.headers if who else {})
    assert answer.status_code == 200, answer.text
    return [venue["name"] for venue in answer.json()["items"]]


async def shown(client: httpx.AsyncClient, who: Person | None, *paths: str) -> list[int]:
    """How each is answered."""
    return [(await ask(client, who, "GET", path)).status_code for path in paths]


async def key_of(client: httpx.AsyncClient, who: Person, *scopes: str) -> Person:
    path = f"/organizations/{who.organization}/api-keys"
    made = (await ask(client, who, "POST", path, {"name": "Key", "scopes": list(scopes)})).json()
    return Person(made["id"], "", {"Authorization": f"Bearer {made['key']}"}, who.organization)


@pytest.mark.parametrize("path", [VENUES, OWN])
@pytest.mark.parametrize(
    ("query", "pointer"),
    [
        ({"sort": "size"}, "sort"),
        ({"sort": "distance"}, "sort"),
        ({"sort": "--name"}, "sort"),
        ({"fields": "name,secret"}, "fields"),
        ({"near": "47.5"}, "near"),
        ({"near": "north,east"}, "near"),
        ({"near": "nan,nan"}, "near"),
        ({"near": "1e1,2"}, "near"),
        ({"near": "47.5,7.5,3"}, "near"),
        ({"near": "91,7.5"}, "near"),
        ({"near": "47.5,180.5"}, "near"),
        ({"near": "47.5,7.5", "radiusKm": "0"}, "radiusKm"),
        ({"near": "47.5,7.5", "radiusKm": "20101"}, "radiusKm"),
        ({"radiusKm": "5"}, "radiusKm"),
        ({"country": "Nepal"}, "country"),
        ({"city": "x" * 201}, "city"),
        ({"q": "x" * 201}, "q"),
        ({"limit": "0"}, "limit"),
    ],
)
async def test_lists_that_make_no_sense(
    client: httpx.AsyncClient, owner: Person, path: str, query: dict[str, str], pointer: str
) -> None:
    answer = await client.get(f"{API}{path}", params=query, headers=owner.headers)
    assert answer.status_code == 422, answer.text
    assert [error["pointer"] for error in answer.json()["errors"]] == [pointer]


async def test_a_cursor_belongs_to_its_order(client: httpx.AsyncClient, owner: Person) -> None:
    city = f"City {uuid4()}"
    for name in ("One", "Two", "Three"):
        await made_venue(client, owner, name=name, city=city)
    query = {"city": city, "limit": "1"}
    first = (await client.get(f"{API}{OWN}", params=query, headers=owner.headers)).json()
    for wrong in ({"sort": "-name"}, {"sort": "createdAt"}, {"near": "1,1"}):
        query = {"cursor": first["nextCursor"], **wrong}
        answer = await client.get(f"{API}{OWN}", params=query, headers=owner.headers)
        assert answer.status_code == 422, answer.text


# Who sees what


async def test_nobody_else_sees_a_venue_before_an_event_is_published(
    client: httpx.AsyncClient, connection: RawConnection, owner: Person
) -> None:
    city = f"City {uuid4()}"
    venue = await made_venue(client, owner, city=city, name="Hidden")
    hall = await made_room(client, owner, venue["id"])
    draft = {"venueId": venue["id"], "hallId": hall["id"], "location": None, "publish": False}
    await made_event(client, owner.headers, **draft)
    paths = [f"{VENUES}/{venue['id']}", f"/halls/{hall['id']}"]
    outsiders: list[Person | None] = [
        None,
        await person(client),
        await organizer(client),
        await key_of(client, await organizer(client), "events:read", "venues:write"),
        await key_of(client, owner, "check-in"),
    ]
    for outsider in outsiders:
        assert await shown(client, outsider, *paths) == [404, 404]
        assert await names(client, outsider, city=city) == []
    roles = ("viewer", "scanner", "editor")
    insiders = [
        owner,
        await administrator(client, connection),
        *[await member(client, connection, owner.organization, role) for role in roles],
        await key_of(client, owner, "events:read"),
        await key_of(client, owner, "venues:write"),
    ]
    for insider in insiders:
        assert await shown(client, insider, *paths) == [200, 200]
        assert await names(client, insider, city=city) == ["Hidden"]


async def test_who_may_list_own_venues(
    client: httpx.AsyncClient, connection: RawConnection, owner: Person
) -> None:
    city, others = f"City {uuid4()}", await organizer(client)
    admin = await administrator(client, connection)
    await made_venue(client, owner, name="Ours", city=city)
    await made_venue(client, others, name="Theirs", city=city)
    await made_venue(client, admin, name="Everybody's", city=city)
    assert (await ask(client, None, "GET", OWN)).status_code == 401
    assert (await ask(client, await person(client), "GET", OWN)).status_code == 403
    keeper = await key_of(client, owner, "venues:write")
    assert (await ask(client, keeper, "GET", OWN)).status_code == 403
    foreign = f"{OWN}?organizationId={others.organization}"
    assert (await ask(client, owner, "GET", foreign)).status_code == 403
    assert await names(client, owner, OWN, city=city) == ["Ours"]
    assert await names(client, owner, OWN, city=city, organizationId=owner.organization) == ["Ours"]
    assert await names(client, admin, OWN, city=city) == ["Everybody's", "Ours", "Theirs"]
    asked = {"city": city, "organizationId": others.organization}
    assert await names(client, admin, OWN, **asked) == ["Theirs"]
    assert await names(client, owner, city=city) == ["Everybody's", "Ours"]
    assert await names(client, None, city=city) == ["Everybody's"]


async def test_a_published_event_shows_its_venue(client: httpx.AsyncClient, owner: Person) -> None:
    city = f"City {uuid4()}"
    venue = await made_venue(client, owner, city=city, name="Mill", houseRules="Quiet")
    hall = await made_room(client, owner, venue["id"])
    paths = [f"{VENUES}/{venue['id']}", f"/halls/{hall['id']}"]
    draft = {"venueId": venue["id"], "location": None, "publish": False}
    event = await made_event(client, owner.headers, **draft)
    assert await names(client, None, city=city) == []  # and that answer is kept
    assert await shown(client, None, *paths) == [404, 404]
    published = await ask(client, owner, "POST", f"/events/{event['id']}/publish")
    assert published.status_code == 200, published.text
    await _until_listed(client, city, ["Mill"])
    assert await shown(client, None, *paths) == [200, 200]
    told = (await ask(client, None, "GET", paths[0])).json()
    assert (told["houseRules"], told["halls"][0]["name"]) == ("Quiet", "Main")
    deleted = await ask(client, owner, "DELETE", f"/events/{event['id']}")
    assert deleted.status_code == 204, deleted.text
    await _until_listed(client, city, [])
    assert await shown(client, None, *paths) == [404, 404]


async def _until_listed(client: httpx.AsyncClient, city: str, expected: list[str]) -> None:
    """Wait for the notification: kept answers drop as soon as it is heard."""
    for _ in range(500):
        if await names(client, None, city=city) == expected:
            return
        await asyncio.sleep(0.01)
    assert await names(client, None, city=city) == expected


async def test_what_is_over_is_read_but_not_listed(
    client: httpx.AsyncClient, database: Database, connection: RawConnection, owner: Person
) -> None:
    city = f"City {uuid4()}"
    venue = await made_venue(client, owner, city=city, name="Mill")
    event = await made_event(client, owner.headers, venueId=venue["id"], location=None)
    path = f"{VENUES}/{venue['id']}"
    assert await names(client, None, city=city) == ["Mill"]
    await connection.execute(
        "UPDATE showtimes SET starts_at = now() - interval '3 hours',"
        " ends_at = now() - interval '1 hour', busy_until = NULL WHERE event_id = $1",
        UUID(event["id"]),
    )
    async with database.begin() as transaction:
        await event_listings.refresh(transaction, [UUID(event["id"])])
    await _until_listed(client, city, [])
    # Somebody who was there still finds the address.
    assert await shown(client, None, path) == [200]
    assert await names(client, owner, city=city) == ["Mill"]


@pytest.mark.parametrize(
    ("status", "published_at", "listed", "answer"),
    [
        ("published", "now()", True, 200),
        ("cancelled", "now()", False, 200),
        ("ended", "now()", False, 200),
        ("draft", "now()", False, 404),  # published once, and taken back
        ("cancelled", "NULL", False, 404),  # a draft that was cancelled
    ],
    ids=["published", "cancelled", "ended", "taken-back", "never"],
)
async def test_which_events_show_their_venue(
    client: httpx.AsyncClient,
    database: Database,
    connection: RawConnection,
    owner: Person,
    status: str,
    published_at: str,
    listed: bool,
    answer: int,
) -> None:
    city = f"City {uuid4()}"
    venue = await made_venue(client, owner, city=city, name="Mill")
    draft = {"venueId": venue["id"], "location": None, "publish": False}
    event = await made_event(client, owner.headers, **draft)
    await connection.execute(
        f"UPDATE events SET status = $1, published_at = {published_at} WHERE id = $2",
        status,
        UUID(event["id"]),
    )
    async with database.begin() as transaction:
        await event_listings.refresh(transaction, [UUID(event["id"])])
    assert await shown(client, None, f"{VENUES}/{venue['id']}") == [answer]
    assert await names(client, None, city=city) == (["Mill"] if listed else [])


async def test_an_event_that_moves_takes_the_light_with_it(
    client: httpx.AsyncClient, database: Database, connection: RawConnection, owner: Person
) -> None:
    here = await made_venue(client, owner)
    there = await made_venue(client, owner)
    event = await made_event(client, owner.headers, venueId=here["id"], location=None)
    paths = [f"{VENUES}/{here['id']}", f"{VENUES}/{there['id']}"]
    assert await shown(client, owner, *paths) == [200, 200]
    await connection.execute(
        "UPDATE events SET venue_id = $1 WHERE id = $2", UUID(there["id"]), UUID(event["id"])
    )
    async with database.begin() as transaction:
        await event_listings.refresh(transaction, [UUID(event["id"])])
    assert await shown(client, None, *paths) == [404, 200]


async def test_two_who_publish_at_once_both_count(
    client: httpx.AsyncClient, database: Database, connection: RawConnection, owner: Person
) -> None:
    """The venue is shown to the end of the later event, whoever commits last."""
    venue = await made_venue(client, owner)
    ends = {}
    for year in (2098, 2099):
        fields: dict[str, Any] = {"startsAt": f"{year}-01-01T20:00:00Z", "publish": False}
        event = await made_event(
            client, owner.headers, venueId=venue["id"], location=None, **fields
        )
        ends[UUID(event["id"])] = event["showtimes"][0]["endsAt"]
    early, late = ends
    publish = sa.text("UPDATE events SET status = 'published', published_at = now() WHERE id = :id")

    async def publish_early() -> None:
        async with database.begin() as transaction:
            await transaction.execute(publish, {"id": early})
            await event_listings.refresh(transaction, [early])

    async with database.begin() as transaction:
        await transaction.execute(publish, {"id": late})
        await event_listings.refresh(transaction, [late])
        other = asyncio.create_task(publish_early())
        await until_blocked(connection)
    await other
    until = await connection.fetchval(
        "SELECT shown_until FROM venues WHERE id = $1", UUID(venue["id"])
    )
    assert until.isoformat().replace("+00:00", "Z") == ends[late]


async def test_a_venue_that_is_renamed_while_its_event_is_listed_is_found_by_its_new_name(
    client: httpx.AsyncClient, database: Database, connection: RawConnection, owner: Person
) -> None:
    """A listing that was made of the old name is older than the change, so that it is made anew."""
    venue = await made_venue(client, owner)
    event = UUID(
        (await made_event(client, owner.headers, venueId=venue["id"], location=None))["id"]
    )
    changing = connection.transaction()
    await changing.start()
    await connection.execute(
        "UPDATE venues SET city = 'Atlantis', changed_at = clock_timestamp() WHERE id = $1",
        UUID(venue["id"]),
    )

    async def refresh() -> None:
        async with database.begin() as transaction:
            await event_listings.refresh(transaction, [event])

    refreshing = asyncio.create_task(refresh())
    await until_blocked(connection)
    await changing.commit()
    await refreshing
    city = "SELECT city FROM event_listings WHERE event_id = $1"
    assert await connection.fetchval(city, event) == "Atlantis"


# Kept answers


async def test_answers_are_kept_for_strangers_until_something_changes(
    client: httpx.AsyncClient, connection: RawConnection, owner: Person
) -> None:
    admin = await administrator(client, connection)
    venue = await made_venue(client, admin, name="Before")
    path = f"{API}{VENUES}/{venue['id']}"
    assert "max-age=60" in (await client.get(path)).headers["cache-control"]
    for number in range(100):
        kept = (await client.get(path)).json()["name"]
        await connection.execute(
            "UPDATE venues SET name = $1 WHERE id = $2", f"Past {number}", UUID(venue["id"])
        )
        # That it was made may be heard only now, and then nothing has been kept.
        if (await client.get(path)).json()["name"] == kept:
            break
    assert (await client.get(path)).json()["name"] == kept
    # Whoever signs in is answered anew, and that answer is nobody else's.
    now = (await client.get(path, headers=owner.headers)).json()["name"]
    assert now == f"Past {number}" != kept
    assert (await client.get(path)).json()["name"] == kept
    answer = await ask(client, admin, "PATCH", f"{VENUES}/{venue['id']}", {"name": "After"})
    assert answer.status_code == 200
    for _ in range(500):
        if (await client.get(path)).json()["name"] == "After":
            break
        await asyncio.sleep(0.01)
    assert (await client.get(path)).json()["name"] == "After"


async def test_events_say_at_once_what_their_venue_is_called_now(
    client: httpx.AsyncClient, owner: Person
) -> None:
    venue = await made_venue(client, owner, name="Old Mill")
    title = f"Gig {uuid4()}"
    await made_event(client, owner.headers, title=title, venueId=venue["id"], location=None)

    async def told() -> str:
        (event,) = (await client.get(f"{API}/events", params={"q": title})).json()["items"]
        return str(event["venue"]["name"])

    assert await told() == "Old Mill"
    await ask(client, owner, "PATCH", f"{VENUES}/{venue['id']}", {"name": "New Mill"})
    for _ in range(500):
        if await told() == "New Mill":
            break
        await asyncio.sleep(0.01)
    assert await told() == "New Mill"


async def test_events_are_found_where_their_venue_is_now(
    client: httpx.AsyncClient, database: Database, owner: Person
) -> None:
    before, after = f"City {uuid4()}", f"City {uuid4()}"
    venue = await made_venue(client, owner, city=before)
    event = await made_event(client, owner.headers, venueId=venue["id"], location=None)

    async def found(city: str) -> list[str]:
        listed = await client.get(f"{API}/events", params={"city": city}, headers=owner.headers)
        return [one["id"] for one in listed.json()["items"]]

    assert await found(before) == [event["id"]]
    await ask(client, owner, "PATCH", f"{VENUES}/{venue['id']}", {"city": after})
    await refresh_listings(database)
    assert (await found(before), await found(after)) == ([], [event["id"]])


# Looking for venues


@pytest_asyncio.fixture(scope="module")
async def atlas(client: httpx.AsyncClient) -> Person:
    """Somebody whose organization has venues all over the world."""
    who = await organizer(client)
    for name, city, country, latitude, longitude in (
        ("Café Zürich", "Zürich", "CH", 47.3769, 8.5417),
        ("Fraumünster", "Zürich", "CH", 47.3698, 8.5414),
        ("Stadttheater", "Bern", "CH", 46.9481, 7.4474),
        ("Patan Theatre", "Lalitpur", "NP", 27.6588, 85.3247),
        ("West of the line", "Suva", "FJ", -18.0, 179.9),
        ("East of the line", "Taveuni", "FJ", -18.0, -179.9),
    ):
        point = {"latitude": latitude, "longitude": longitude}
        await made_venue(
            client, who, name=name, city=city, country=country, coordinates=point, timezone="UTC"
        )
    await made_venue(client, who, name="Nowhere 100%", city="Limbo", address="5 Long_Lane")
    return who


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"city": "zurich"}, ["Café Zürich", "Fraumünster"]),
        ({"city": " ZÜRICH "}, ["Café Zürich", "Fraumünster"]),
        ({"city": "Zur"}, []),
        ({"country": "np"}, ["Nowhere 100%", "Patan Theatre"]),
        ({"country": "CH", "city": "bern"}, ["Stadttheater"]),
        ({"q": "zur"}, ["Café Zürich", "Fraumünster"]),
        ({"q": "cafe zurich"}, ["Café Zürich"]),
        ({"q": "THEATRE lal"}, ["Patan Theatre"]),
        # By the beginnings of words, and not by what is inside them.
        ({"q": "the"}, ["East of the line", "Patan Theatre", "West of the line"]),
        ({"q": "long_l"}, ["Nowhere 100%"]),
        ({"q": "100%"}, ["Nowhere 100%"]),
        # What is almost right will do where nothing fits.
        ({"q": "stadtheater"}, ["Stadttheater"]),
        ({"q": "%"}, []),
        ({"q": ".*"}, []),
        ({"q": "\\"}, []),
        ({"q": "½"}, []),
        ({"q": "nothing like it"}, []),
        ({"near": "47.37,8.54"}, ["Fraumünster", "Café Zürich"]),
        ({"near": "47.37,8.54", "sort": "name"}, ["Café Zürich", "Fraumünster"]),
        ({"near": "47.37,8.54", "radiusKm": "0.5"}, ["Fraumünster"]),
        ({"near": "47.37,8.54", "radiusKm": "120", "q": "stadt"}, ["Stadttheater"]),
        # 180 degrees is no border.
        ({"near": "-18,179.95", "radiusKm": "30"}, ["West of the line", "East of the line"]),
        ({"near": "90,0", "radiusKm": "1"}, []),
        ({"sort": "-city", "country": "FJ"}, ["East of the line", "West of the line"]),
        ({"sort": "createdAt", "limit": "1"}, ["Café Zürich"]),
    ],
    ids=lambda value: "&".join(map("=".join, value.items())) if isinstance(value, dict) else "",
)
async def test_what_is_found(
    client: httpx.AsyncClient, atlas: Person, query: Mapping[str, str], expected: list[str]
) -> None:
    assert await names(client, atlas, OWN, **query) == expected


@pytest.mark.parametrize(
    "query",
    [
        {"sort": "-name"},
        {"sort": "createdAt"},
        {"near": "47,8", "radiusKm": "20000"},
        {"near": "47,8", "radiusKm": "20000", "sort": "-distance"},
        {"q": "theatr"},
        {"q": "theatrr"},
    ],
    ids=lambda query: "&".join(map("=".join, query.items())),
)
async def test_parts_make_the_whole(
    client: httpx.AsyncClient, atlas: Person, query: dict[str, str]
) -> None:
    whole = await names(client, atlas, OWN, **query)
    assert whole
    found: list[str] = []
    cursor: dict[str, str] = {}
    for _ in range(len(whole)):
        asked = query | cursor | {"limit": "1"}
        part = (await client.get(f"{API}{OWN}", params=asked, headers=atlas.headers)).json()
        found += [venue["name"] for venue in part["items"]]
        if part["nextCursor"] is None:
            break
        cursor = {"cursor": part["nextCursor"]}
    assert found == whole
    asked = query | {"limit": "1", "page": str(len(whole))}
    last = (await client.get(f"{API}{OWN}", params=asked, headers=atlas.headers)).json()
    assert [venue["name"] for venue in last["items"]] == whole[-1:]
    assert (last["total"], last["nextCursor"]) == (len(whole), None)


async def test_only_the_fields_that_are_asked_for(client: httpx.AsyncClient, atlas: Person) -> None:
    query = {"near": "46.9481,7.4474", "fields": "name, distanceKm"}
    answer = await client.get(f"{API}{OWN}", params=query, headers=atlas.headers)
    (item,) = answer.json()["items"]
    assert item.keys() == {"id", "name", "distanceKm"}
    assert (item["name"], item["distanceKm"]) == ("Stadttheater", 0)
    listed = (await client.get(f"{API}{OWN}", headers=atlas.headers)).json()["items"]
    assert {venue["distanceKm"] for venue in listed} == {None}


async def test_distances_are_those_of_the_globe(database: Database, atlas: Person) -> None:
    """As an own calculation by vectors has them, from anywhere."""
    points = [
        (0.0, 0.0),
        (90.0, 0.0),
        (-90.0, 45.0),
        (46.9481, 7.4474),
        (18.0, -0.1),
        (-46.9, -172.5),
    ]
    own = Reader(frozenset({UUID(atlas.organization)}))
    for latitude, longitude in points:
        near = Near(latitude, longitude, 20_100)
        filters = VenueFilters(own, own_only=True, near=near)
        order = Order("distance")
        found = (await places.venues(database, filters, order, Slice())).part.items
        assert len(found) == 6
        for row in found:
            assert row.distance is not None
            assert row.venue.latitude is not None and row.venue.longitude is not None
            here = _vector(latitude, longitude)
            there = _vector(row.venue.latitude, row.venue.longitude)
            sine, cosine = math.dist(here, there) / 2, math.dist(here, [-x for x in there]) / 2
            expected = 2 * math.atan2(sine, cosine) * 6_371_008.8
            assert abs(row.distance - expected) < 2


def _vector(latitude: float, longitude: float) -> list[float]:
    up, around = math.radians(latitude), math.radians(longitude)
    return [math.cos(up) * math.cos(around), math.cos(up) * math.sin(around), math.sin(up)]


@given(st.floats(-90, 90), st.floats(-180, 180), st.none() | st.floats(0.1, 20_000))
def test_every_point_on_earth_is_read_as_it_is_written(
    latitude: float, longitude: float, radius_km: float | None
) -> None:
    near = near_of(f"{latitude!r},{longitude!r}", radius_km)
    assert near == Near(latitude, longitude, 25.0 if radius_km is None else radius_km)


_WORD = st.text(st.characters(codec="utf-8"), max_size=12)


@given(st.lists(_WORD, max_size=8))
@settings(max_examples=200)
def test_tidied_words_are_tidy(words: list[str]) -> None:
    kept = tidied(words)
    assert tidied(kept) == kept
    assert len({word.casefold() for word in kept}) == len(kept)
    assert {" ".join(word.split()).casefold() for word in words} - {""} == {
        word.casefold() for word in kept
    }
    positions = [[" ".join(word.split()) for word in words].index(word) for word in kept]
    assert positions == sorted(positions)


@given(st.uuids(), st.sets(st.uuids(), max_size=3), st.booleans())
def test_who_sees_a_venue(organization: UUID, own: set[UUID], public: bool) -> None:
    reader = Reader(frozenset(own))
    assert reader.sees(organization, shown=public) == (public or organization in own)
    assert Reader(frozenset(own | {organization})).sees(organization, shown=False)
    assert reader.sees(None, shown=False)
    assert KEEPER.sees(organization, shown=False)
    assert Reader.of(None).sees(organization, shown=public) == public


@pytest.mark.parametrize(
    ("name", "written"), [("name", "name"), ("hold_seconds", "holdSeconds"), ("a_b_c", "aBC")]
)
def test_names_as_the_api_writes_them(name: str, written: str) -> None:
    assert camel(name) == written
