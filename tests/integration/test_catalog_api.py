"""Making and publishing events through HTTP, refusals first."""

import asyncio
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import httpx
import pytest

from fullhouse.accounts.commands import registration as accounts
from fullhouse.catalog.rules import Charge, SaleTerms
from fullhouse.catalog.store import load_sale_terms
from fullhouse.kit.db import Database
from fullhouse.kit.listener import CHANNEL
from fullhouse.parts import Parts
from tests.support.asgi import bearer
from tests.support.catalog import API, event_body, in_days, made_event, made_hall, made_hall_in
from tests.support.people import PASSWORD, new_email, signed_in

EVENTS = f"{API}/events"
THEATRE = {
    "template": "stalls_balcony",
    "stallsRows": 4,
    "stallsSeatsPerRow": 10,
    "balconyRows": 2,
    "balconySeatsPerRow": 8,
    "standing": [{"name": "Floor", "capacity": 50}, {"name": "Terrace", "capacity": 30}],
}
MANY_AREAS = {
    "template": "grid",
    "rows": 1,
    "seatsPerRow": 1,
    "standing": [{"name": f"A{at}", "capacity": 1} for at in range(1, 12)],
}


async def organizer(client: httpx.AsyncClient) -> dict[str, str]:
    return await signed_in(client, role="ORGANIZER")


def pointers(answer: httpx.Response) -> list[str]:
    return [error["pointer"] for error in answer.json()["errors"]]


def category(**fields: Any) -> list[dict[str, Any]]:
    """One category; a field of None is left out."""
    body = {"name": "Seat", "price": {"amount": 1_000}, "capacity": 10} | fields
    return [{name: value for name, value in body.items() if value is not None}]


async def terms_of(database: Database, *showtime_ids: str) -> dict[UUID, SaleTerms]:
    connection = await database.connect_raw()
    try:
        return await load_sale_terms(connection, [UUID(value) for value in showtime_ids])
    finally:
        await connection.close()


@pytest.mark.parametrize(
    ("fields", "pointer"),
    [
        ({"title": None}, "/title"),
        ({"title": ""}, "/title"),
        ({"title": "  "}, "/title"),
        ({"title": "x" * 201}, "/title"),
        ({"kind": "circus"}, "/kind"),
        ({"title": "evil\u202egnp.exe"}, "/title"),
        ({"title": "bell\x07"}, "/title"),
        ({"title": "two\nlines"}, "/title"),
        ({"location": "\u2066Main Square"}, "/location"),
        ({"genre": "\u2069"}, "/genre"),
        ({"titel": "a slip"}, "/titel"),
        ({"currency": "US"}, "/currency"),
        ({"currency": "QQQ"}, "/currency"),
        ({"currency": "DEM"}, "/currency"),
        ({"currency": None}, "/currency"),
        ({"startsAt": "tomorrow"}, "/startsAt"),
        ({"startsAt": "2030-01-01T20:00:00"}, "/startsAt"),
        ({"startsAt": "9999-12-31T23:59:59Z"}, "/startsAt"),
        ({"startsAt": "0001-01-01T00:00:00+14:00"}, "/startsAt"),
        ({"startsAt": 1_900_000_000}, "/startsAt"),
        ({"endsAt": "2020-01-01T00:00:00Z"}, "/endsAt"),
        ({"startsAt": None, "endsAt": "2030-01-01T00:00:00Z"}, "/endsAt"),
        ({"location": None}, "/location"),
        ({"venueId": str(uuid4())}, "/location"),
        ({"location": None, "venueId": str(uuid4())}, "/venueId"),
        ({"location": None, "hallId": str(uuid4())}, "/hallId"),
        ({"location": None, "venueId": "1"}, "/venueId"),
        ({"timezone": "Mars/Olympus"}, "/timezone"),
        ({"showId": str(uuid4())}, "/showId"),
        ({"showId": str(uuid4()), "kind": None}, "/showId"),
        ({"salesOpenAt": in_days(3), "salesCloseAt": in_days(2)}, "/salesCloseAt"),
        ({"categories": None}, "/categories"),
        ({"categories": "VIP"}, "/categories"),
        ({"categories": category() * 101}, "/categories"),
        ({"categories": category(price={"amount": -1})}, "/categories/0/price/amount"),
        ({"categories": category(price={"amount": 1.5})}, "/categories/0/price/amount"),
        ({"categories": category(price={"amount": 10**12 + 1})}, "/categories/0/price/amount"),
        ({"categories": category(price={})}, "/categories/0/price/amount"),
        ({"categories": category(price=5)}, "/categories/0/price"),
        (
            {"categories": category(price={"amount": 1, "currency": "EUR"})},
            "/categories/0/price/currency",
        ),
        ({"categories": category(capacity=0)}, "/categories/0/capacity"),
        ({"categories": category(capacity=-5)}, "/categories/0/capacity"),
        ({"categories": category(capacity=10_000_001)}, "/categories/0/capacity"),
        ({"categories": category(capacity=None)}, "/categories/0/capacity"),
        ({"categories": category(name="")}, "/categories/0/name"),
        ({"categories": category(name="VIP\x9b")}, "/categories/0/name"),
        ({"categories": category() + category(name=" seat ")}, "/categories/1/name"),
        ({"categories": category(color="red")}, "/categories/0/color"),
        ({"categories": category(sections=["Main"])}, "/categories/0/sections"),
        ({"policy": {"holdSeconds": 59}}, "/policy/holdSeconds"),
        ({"policy": {"holdSeconds": 86_401}}, "/policy/holdSeconds"),
        ({"policy": {"offerSeconds": 604_801}}, "/policy/offerSeconds"),
        ({"policy": {"maxPerBooking": 0}}, "/policy/maxPerBooking"),
        ({"policy": {"maxPerBooking": 1_001}}, "/policy/maxPerBooking"),
        ({"policy": {"maxPerUser": 0}}, "/policy/maxPerUser"),
        ({"policy": {"waitlist": "always"}}, "/policy/waitlist"),
        ({"policy": {"cancellation": {"hoursBefore": -1}}}, "/policy/cancellation/hoursBefore"),
        ({"policy": {"fee": {"percent": 100.1}}}, "/policy/fee/percent"),
        ({"policy": {"fee": {"percent": -1}}}, "/policy/fee/percent"),
        ({"policy": {"tax": {"percent": 7.12345}}}, "/policy/tax/percent"),
        ({"policy": {"tax": {"percent": 1e-7}}}, "/policy/tax/percent"),
        ({"policy": {"tax": {"percent": 7, "amount": 1}}}, "/policy/tax"),
        ({"policy": {"tax": {"ratePpm": 7}}}, "/policy/tax/ratePpm"),
        ({"policy": {"refunds": True}}, "/policy/refunds"),
        ({"organizationId": "mine"}, "/organizationId"),
    ],
)
async def test_events_that_make_no_sense(
    client: httpx.AsyncClient, fields: dict[str, Any], pointer: str
) -> None:
    answer = await client.post(EVENTS, json=event_body(**fields), headers=await organizer(client))
    assert answer.status_code == 422, answer.text
    assert answer.json()["code"] == "validation_failed"
    assert pointers(answer) == [pointer]


async def test_a_charge_gets_along_with_a_free_category(client: httpx.AsyncClient) -> None:
    free = category(price={"amount": 0})
    event = await made_event(client, await organizer(client), categories=free)
    assert event["categories"][0]["price"] == {"amount": 0, "currency": "USD"}


async def test_who_may_not_make_events(client: httpx.AsyncClient) -> None:
    assert (await client.post(EVENTS, json=event_body())).status_code == 401
    buyer = await signed_in(client)
    assert (await client.post(EVENTS, json=event_body(), headers=buyer)).status_code == 403
    theirs = event_body(organizationId=str(uuid4()))
    answer = await client.post(EVENTS, json=theirs, headers=await organizer(client))
    assert answer.status_code == 403


async def test_an_admin_names_the_organization(parts: Parts, client: httpx.AsyncClient) -> None:
    email = new_email()
    await accounts.create_user(
        parts.database,
        parts.accounts.hasher,
        name="Root",
        email=email,
        password=PASSWORD,
        role="ADMIN",
    )
    login = await client.post(f"{API}/auth/login", json={"email": email, "password": PASSWORD})
    headers = bearer(login.json()["accessToken"])
    answer = await client.post(EVENTS, json=event_body(), headers=headers)
    assert answer.status_code == 422
    assert answer.json()["code"] == "organization_required"
    answer = await client.post(
        EVENTS, json=event_body(organizationId=str(uuid4())), headers=headers
    )
    assert pointers(answer) == ["/organizationId"]
    owner = await organizer(client)
    me = (await client.get(f"{API}/auth/me", headers=owner)).json()
    organization_id = me["organizations"][0]["id"]
    event = await made_event(client, headers, organizationId=organization_id, publish=False)
    assert event["organizationId"] == organization_id
    assert (await client.get(f"{EVENTS}/{event['id']}", headers=owner)).status_code == 200


async def test_anothers_venue_hall_and_show_cannot_be_used(client: httpx.AsyncClient) -> None:
    theirs = await organizer(client)
    hall = await made_hall(client, theirs)
    event = await made_event(client, theirs)
    mine = await organizer(client)
    for fields, pointer in (
        ({"location": None, "hallId": hall["id"]}, "/hallId"),
        ({"location": None, "venueId": hall["venueId"]}, "/venueId"),
        ({"showId": event["showId"], "kind": None}, "/showId"),
    ):
        answer = await client.post(EVENTS, json=event_body(**fields), headers=mine)
        assert answer.status_code == 422
        assert pointers(answer) == [pointer]


async def test_a_hall_of_another_venue(client: httpx.AsyncClient) -> None:
    headers = await organizer(client)
    hall, other = await made_hall(client, headers), await made_hall(client, headers)
    fields = {"location": None, "hallId": hall["id"], "venueId": other["venueId"]}
    answer = await client.post(EVENTS, json=event_body(**fields), headers=headers)
    assert pointers(answer) == ["/hallId"]


@pytest.mark.parametrize(
    ("categories", "expected"),
    [
        (category(sections=["Gallery"], capacity=None), ["/categories/0/sections/0"]),
        (category(sections=["stalls"], capacity=None), ["/categories/0/sections/0"]),
        (category(sections=[], capacity=None), ["/categories/0/sections"]),
        (category(sections=["Stalls"]), ["/categories/0/capacity"]),
        (category(sections=["Stalls", "Stalls"], capacity=None), ["/categories/0/sections/1"]),
        (
            category(sections=["Stalls"], capacity=None)
            + category(name="B", sections=["Balcony", "Stalls"], capacity=None),
            ["/categories/1/sections/1"],
        ),
        (category(sections=["Stalls", "Floor"], capacity=None), ["/categories/0/sections"]),
        (category(sections=["Floor"], capacity=51), ["/categories/0/capacity"]),
        (
            category(sections=["X"], capacity=None) + category(name="B", capacity=None),
            ["/categories/0/sections/0", "/categories/1/capacity"],
        ),
    ],
)
async def test_sections_that_do_not_fit(
    client: httpx.AsyncClient, categories: list[dict[str, Any]], expected: list[str]
) -> None:
    headers = await organizer(client)
    hall = await made_hall(client, headers, THEATRE)
    body = event_body(location=None, hallId=hall["id"], categories=categories)
    answer = await client.post(EVENTS, json=body, headers=headers)
    assert answer.status_code == 422, answer.text
    assert pointers(answer) == expected


async def test_sections_that_are_there_are_named(client: httpx.AsyncClient) -> None:
    headers = await organizer(client)
    for plan, there in (
        (THEATRE, "Stalls, Balcony, Floor, Terrace"),
        (MANY_AREAS, "Main, A1, A2, A3, A4, A5, A6, A7, A8, A9 and 2 more"),
    ):
        hall = await made_hall(client, headers, plan)
        wrong = category(sections=["Stall"], capacity=None)
        body = event_body(location=None, hallId=hall["id"], categories=wrong)
        answer = await client.post(EVENTS, json=body, headers=headers)
        (error,) = answer.json()["errors"]
        assert error["detail"] == f"the hall has no section “Stall”; it has {there}"


@pytest.mark.parametrize(
    ("fields", "detail"),
    [
        ({"timezone": "CET/Zurich"}, "is not the IANA name of a time zone such as Europe/Zurich"),
        (
            {"categories": category(price={"amount": 1, "currency": "EUR"})},
            "is not the event's currency, USD",
        ),
    ],
    ids=["timezone", "currency"],
)
async def test_what_is_right_is_said(
    client: httpx.AsyncClient, fields: dict[str, Any], detail: str
) -> None:
    answer = await client.post(EVENTS, json=event_body(**fields), headers=await organizer(client))
    assert [error["detail"] for error in answer.json()["errors"]] == [detail]


async def test_nothing_is_left_of_a_refused_event(
    client: httpx.AsyncClient, database: Database
) -> None:
    async with database.read() as connection:
        before = (await connection.exec_driver_sql("SELECT count(*) FROM shows")).scalar_one()
    body = event_body(showId=str(uuid4()), kind=None)
    assert (
        await client.post(EVENTS, json=body, headers=await organizer(client))
    ).status_code == 422
    async with database.read() as connection:
        after = (await connection.exec_driver_sql("SELECT count(*) FROM shows")).scalar_one()
    assert after == before


async def test_one_call_makes_show_event_categories_and_showtime(
    client: httpx.AsyncClient,
) -> None:
    headers = await organizer(client)
    starts_at = in_days(30)
    event = await made_event(
        client,
        headers,
        title="  A Night of Ünïcode!  ",
        startsAt=starts_at,
        currency="jpy",
        durationMinutes=95,
        publish=False,
    )
    assert event["title"] == "A Night of Ünïcode!"
    assert event["slug"] == "a-night-of-unicode"
    assert event["status"] == "draft"
    assert event["currency"] == "JPY"
    assert event["timezone"] == "UTC"
    assert event["location"] == "Main Square"
    assert event["venue"] is None
    assert [(c["name"], c["capacity"]) for c in event["categories"]] == [
        ("VIP", 100),
        ("General", 900),
    ]
    assert event["categories"][0]["price"] == {"amount": 15_000, "currency": "JPY"}
    assert event["categories"][0]["benefits"] == ["Drink"]
    (showtime,) = event["showtimes"]
    assert datetime.fromisoformat(showtime["startsAt"]) == datetime.fromisoformat(starts_at)
    assert showtime["startsAt"].endswith("Z")
    length = datetime.fromisoformat(showtime["endsAt"]) - datetime.fromisoformat(starts_at)
    assert length == timedelta(minutes=95)
    assert [(c["available"], c["capacity"]) for c in showtime["categories"]] == [
        (100, 100),
        (900, 900),
    ]
    assert UUID(event["id"]).version == 7


async def test_what_is_not_allowed_is_taken_out_of_descriptions(client: httpx.AsyncClient) -> None:
    written = (
        "<p onclick=x()>Rock & <em>roll</em></p><script>alert(1)</script><!-- no -->"
        "<a href=javascript:alert(1)>a</a><a href=https://band.example/>b</a> 1 < 2"
    )
    cleaned = (
        "<p>Rock &amp; <em>roll</em></p>"
        '<a rel="noopener noreferrer nofollow">a</a>'
        '<a href="https://band.example/" rel="noopener noreferrer nofollow">b</a> 1 &lt; 2'
    )
    headers = await organizer(client)
    event = await made_event(client, headers, kind="movie", description=written)
    assert event["description"] == cleaned
    shown = await client.get(f"{EVENTS}/{event['id']}")
    assert shown.json()["description"] == cleaned
    show = await client.get(f"{API}/movies/{event['showId']}")
    assert show.json()["description"] == cleaned
    again = await made_event(client, headers, description=shown.json()["description"])
    assert again["description"] == cleaned


async def test_titles_stay_as_they_are_written(client: httpx.AsyncClient) -> None:
    """They are plain text, and for whoever shows them to escape."""
    title = '<b>Rock</b> & "Roll" 👩\u200d🎤'
    event = await made_event(client, await organizer(client), title=title)
    assert event["title"] == title


async def test_without_a_duration_it_lasts_two_hours(client: httpx.AsyncClient) -> None:
    event = await made_event(client, await organizer(client))
    (showtime,) = event["showtimes"]
    length = datetime.fromisoformat(showtime["endsAt"]) - datetime.fromisoformat(
        showtime["startsAt"]
    )
    assert length == timedelta(hours=2)


async def test_seats_standing_and_counted_places_in_one_event(
    client: httpx.AsyncClient, database: Database
) -> None:
    headers = await organizer(client)
    hall = await made_hall(client, headers, THEATRE)
    categories = (
        category(name="Stalls", sections=["Stalls"], capacity=40)
        + category(name="Balcony", sections=["Balcony"], capacity=None)
        + category(name="Floor", sections=["Floor", "Terrace"], capacity=60)
        + category(name="Livestream", capacity=500)
    )
    event = await made_event(
        client, headers, location=None, hallId=hall["id"], categories=categories
    )
    assert event["venue"]["id"] == hall["venueId"]
    assert event["hall"]["name"] == "Hall 1"
    assert event["timezone"] == "Asia/Kathmandu"
    (showtime,) = event["showtimes"]
    assert showtime["seatMapId"] == hall["seatMapId"]
    assert [
        (c["name"], c["capacity"], c["seated"], c["sections"]) for c in showtime["categories"]
    ] == [
        ("Stalls", 40, True, ["Stalls"]),
        ("Balcony", 16, True, ["Balcony"]),
        ("Floor", 60, False, ["Floor", "Terrace"]),
        ("Livestream", 500, False, None),
    ]
    (terms,) = (await terms_of(database, showtime["id"])).values()
    assert [(c.name, c.sections) for c in terms.categories.values()] == [
        ("Stalls", ("Stalls",)),
        ("Balcony", ("Balcony",)),
        ("Floor", None),
        ("Livestream", None),
    ]
    found = terms.category_of_section("Balcony")
    assert found is not None and found.name == "Balcony"
    assert terms.category_of_section("Floor") is None


async def test_the_policy_is_written_in_percent_and_kept_in_millionths(
    client: httpx.AsyncClient, database: Database
) -> None:
    policy = {
        "holdSeconds": 120,
        "maxPerUser": 4,
        "waitlist": "off",
        "cancellation": {"allowed": False, "hoursBefore": 0},
        "fee": {"amount": 150},
        "tax": {"percent": 7.1234, "included": True},
    }
    event = await made_event(client, await organizer(client), policy=policy)
    assert event["policy"] == {
        "holdSeconds": 120,
        "offerSeconds": 1_800,
        "maxPerBooking": 10,
        "maxPerUser": 4,
        "waitlist": "off",
        "orphans": "off",
        "cancellation": {"allowed": False, "hoursBefore": 0},
        "fee": {"percent": None, "amount": 150, "included": False},
        "tax": {"percent": 7.1234, "amount": None, "included": True},
    }
    (terms,) = (await terms_of(database, event["showtimes"][0]["id"])).values()
    assert terms.policy.fee == Charge(amount=150)
    assert terms.policy.tax == Charge(rate_ppm=71_234, included=True)


async def test_slugs_are_told_apart(client: httpx.AsyncClient) -> None:
    headers = await organizer(client)
    title = f"Same {uuid4().hex}"
    events = await asyncio.gather(*(made_event(client, headers, title=title) for _ in range(5)))
    slugs = {event["slug"] for event in events}
    assert len(slugs) == 5
    later = await made_event(client, headers, title=title)
    assert later["slug"].startswith(title.lower().replace(" ", "-"))
    for slug in slugs:
        assert (await client.get(f"{EVENTS}/{slug}")).json()["slug"] == slug


@pytest.mark.parametrize(
    ("title", "slug"),
    [
        ("日本語", "event"),
        ("!!!", "event"),
        ("0199a7b0-0000-7000-8000-000000000001", "event-0199a7b0-0000-7000-8000-000000000001"),
        ("C++ & Rust — 100%", "c-rust-100"),
    ],
)
async def test_slugs_of_odd_titles(client: httpx.AsyncClient, title: str, slug: str) -> None:
    event = await made_event(client, await organizer(client), title=title)
    assert event["slug"].startswith(slug)
    assert (await client.get(f"{EVENTS}/{event['slug']}")).status_code == 200


async def test_an_event_of_an_existing_show(client: httpx.AsyncClient) -> None:
    headers = await organizer(client)
    first = await made_event(client, headers, durationMinutes=90)
    second = await made_event(client, headers, showId=first["showId"], kind=None)
    assert second["showId"] == first["showId"]
    assert second["kind"] == "concert"
    showtime = second["showtimes"][0]
    length = datetime.fromisoformat(showtime["endsAt"]) - datetime.fromisoformat(
        showtime["startsAt"]
    )
    assert length == timedelta(minutes=90)


async def test_drafts_are_nobody_elses(client: httpx.AsyncClient) -> None:
    headers = await organizer(client)
    draft = await made_event(client, headers, publish=False)
    showtime_id = draft["showtimes"][0]["id"]
    addresses = [
        f"{EVENTS}/{draft['id']}",
        f"{EVENTS}/{draft['slug']}",
        f"{API}/showtimes/{showtime_id}",
        f"{API}/shows/{draft['showId']}",
    ]
    for address in addresses:
        assert (await client.get(address)).status_code == 404
        for outsider in (await signed_in(client), await organizer(client)):
            assert (await client.get(address, headers=outsider)).status_code == 404
        assert (await client.get(address, headers=headers)).status_code == 200
    other = await organizer(client)
    publish = f"{EVENTS}/{draft['id']}/publish"
    assert (await client.post(publish, headers=other)).status_code == 404
    assert (await client.post(publish)).status_code == 401
    body = {"startsAt": in_days(3)}
    add = f"{EVENTS}/{draft['id']}/showtimes"
    assert (await client.post(add, json=body, headers=other)).status_code == 404
    query = {"eventId": draft["id"]}
    assert (await client.get(f"{API}/showtimes", params=query)).json()["items"] == []
    own = await client.get(f"{API}/showtimes", params=query, headers=headers)
    assert len(own.json()["items"]) == 1


async def test_a_published_event_is_not_others_to_change(client: httpx.AsyncClient) -> None:
    event = await made_event(client, await organizer(client))
    other = await organizer(client)
    answer = await client.post(f"{EVENTS}/{event['id']}/publish", headers=other)
    assert answer.status_code == 403
    answer = await client.post(
        f"{EVENTS}/{event['id']}/showtimes", json={"startsAt": in_days(3)}, headers=other
    )
    assert answer.status_code == 403


async def test_what_lacks_a_category_cannot_be_published(client: httpx.AsyncClient) -> None:
    headers = await organizer(client)
    draft = await made_event(client, headers, categories=[], publish=False)
    answer = await client.post(f"{EVENTS}/{draft['id']}/publish", headers=headers)
    assert answer.status_code == 409
    assert answer.json()["code"] == "not_publishable"
    assert answer.json()["missing"] == ["categories"]
    at_once = event_body(categories=[], publish=True)
    answer = await client.post(EVENTS, json=at_once, headers=headers)
    assert answer.json()["code"] == "not_publishable"


@pytest.mark.parametrize("event_id", ["01900000-0000-7000-8000-000000000000", "x", "1"])
async def test_events_that_are_not_there(client: httpx.AsyncClient, event_id: str) -> None:
    headers = await organizer(client)
    assert (await client.get(f"{EVENTS}/{event_id}")).status_code == 404
    for action, body in (("publish", None), ("showtimes", {"startsAt": in_days(1)})):
        answer = await client.post(f"{EVENTS}/{event_id}/{action}", json=body, headers=headers)
        assert answer.status_code == 404


@pytest.mark.parametrize("status", ["cancelled", "ended"])
async def test_what_is_over_cannot_be_changed(
    client: httpx.AsyncClient, database: Database, status: str
) -> None:
    headers = await organizer(client)
    event = await made_event(client, headers)
    async with database.begin() as connection:
        await connection.exec_driver_sql(
            "UPDATE events SET status = $1 WHERE id = $2", (status, UUID(event["id"]))
        )
    for action, body in (("publish", None), ("showtimes", {"startsAt": in_days(1)})):
        answer = await client.post(f"{EVENTS}/{event['id']}/{action}", json=body, headers=headers)
        assert answer.status_code == 409
        assert answer.json()["code"] == "event_closed"
    shown = await client.get(f"{EVENTS}/{event['id']}")
    assert shown.json()["status"] == status


async def test_publishing_is_heard_and_makes_new_terms(
    client: httpx.AsyncClient, database: Database, database_url: str
) -> None:
    headers = await organizer(client)
    draft = await made_event(client, headers, publish=False)
    showtime_id = draft["showtimes"][0]["id"]
    before = (await terms_of(database, showtime_id))[UUID(showtime_id)]
    assert not before.on_sale

    heard: asyncio.Queue[str] = asyncio.Queue()
    listener = await database.connect_raw()
    await listener.add_listener(
        CHANNEL, lambda _connection, _pid, _channel, payload: heard.put_nowait(str(payload))
    )
    answer = await client.post(f"{EVENTS}/{draft['id']}/publish", headers=headers)
    assert answer.status_code == 200
    assert answer.json()["status"] == "published"
    assert answer.json()["publishedAt"] is not None
    payload = await asyncio.wait_for(heard.get(), 5)
    assert payload.split() == ["events", f"event:{draft['id']}", f"showtime:{showtime_id}"]

    after = (await terms_of(database, showtime_id))[UUID(showtime_id)]
    assert after.on_sale
    assert after.revision == before.revision + 1

    # Doing it again changes nothing, and so tells nobody.
    again = await client.post(f"{EVENTS}/{draft['id']}/publish", headers=headers)
    assert again.json()["publishedAt"] == answer.json()["publishedAt"]
    assert (await terms_of(database, showtime_id))[UUID(showtime_id)].revision == after.revision
    assert heard.empty()
    await listener.close()


async def test_sale_terms_of_several_showtimes(
    client: httpx.AsyncClient, database: Database
) -> None:
    headers = await organizer(client)
    first = await made_event(client, headers)
    closes = in_days(20)
    second = await made_event(client, headers, salesCloseAt=closes, salesOpenAt=in_days(1))
    bare = await made_event(client, headers, categories=[], publish=False)
    ids = [event["showtimes"][0]["id"] for event in (first, second, bare)]
    found = await terms_of(database, *ids, str(uuid4()))
    assert set(found) == {UUID(value) for value in ids}
    terms = found[UUID(ids[0])]
    assert terms.on_sale
    assert terms.title == "Rock Concert"
    assert terms.currency == "USD"
    assert terms.event_id == UUID(first["id"])
    assert terms.organization_id == UUID(first["organizationId"])
    assert terms.sales_open_at is None
    assert terms.sales_close_at == terms.starts_at
    assert [c.price for c in terms.categories.values()] == [15_000, 5_000]
    assert found[UUID(ids[1])].sales_close_at == datetime.fromisoformat(closes)
    assert found[UUID(ids[2])].categories == {}
    assert await terms_of(database) == {}


async def test_more_showtimes(client: httpx.AsyncClient) -> None:
    headers = await organizer(client)
    hall = await made_hall(client, headers, THEATRE)
    event = await made_event(
        client,
        headers,
        location=None,
        hallId=hall["id"],
        startsAt=None,
        publish=False,
        categories=category(sections=["Stalls"], capacity=None)
        + category(name="Floor", sections=["Floor"], capacity=None),
    )
    assert event["showtimes"] == []
    address = f"{EVENTS}/{event['id']}/showtimes"
    answer = await client.post(address, json={"startsAt": in_days(4)}, headers=headers)
    assert answer.status_code == 201, answer.text
    assert answer.json()["hall"]["id"] == hall["id"]
    assert [c["capacity"] for c in answer.json()["categories"]] == [40, 50]

    # Another hall of the same venue, whose stalls are larger and whose floor is smaller.
    larger = THEATRE | {"stallsRows": 5, "standing": [{"name": "Floor", "capacity": 20}]}
    other = await made_hall_in(client, headers, hall["venueId"], "Hall 2", larger)
    body = {"startsAt": in_days(5), "endsAt": in_days(6), "hallId": other["id"]}
    answer = await client.post(address, json=body, headers=headers)
    assert answer.status_code == 201, answer.text
    assert answer.json()["seatMapId"] == other["seatMapId"]
    assert [c["capacity"] for c in answer.json()["categories"]] == [50, 20]

    plain = await made_hall_in(client, headers, hall["venueId"], "Hall 3")
    elsewhere = await made_hall(client, headers, THEATRE)
    for wrong, pointer in (
        ({"startsAt": in_days(5), "hallId": plain["id"]}, "/hallId"),
        ({"startsAt": in_days(5), "hallId": elsewhere["id"]}, "/hallId"),
        ({"startsAt": in_days(5), "hallId": str(uuid4())}, "/hallId"),
        ({"startsAt": in_days(5), "endsAt": in_days(4)}, "/endsAt"),
        ({"startsAt": "9999-12-31T23:59:59Z"}, "/startsAt"),
        ({}, "/startsAt"),
        ({"startsAt": in_days(5), "capacity": 5}, "/capacity"),
    ):
        answer = await client.post(address, json=wrong, headers=headers)
        assert answer.status_code == 422, answer.text
        assert pointers(answer)[0] == pointer


async def test_the_newest_seat_map_counts_for_new_showtimes_only(
    client: httpx.AsyncClient,
) -> None:
    headers = await organizer(client)
    hall = await made_hall(client, headers)
    event = await made_event(
        client,
        headers,
        location=None,
        hallId=hall["id"],
        categories=category(sections=["Main"], capacity=None),
    )
    body = {"template": "grid", "rows": 12, "seatsPerRow": 10}
    newer = await client.put(f"{API}/halls/{hall['id']}/seat-map", json=body, headers=headers)
    added = await client.post(
        f"{EVENTS}/{event['id']}/showtimes", json={"startsAt": in_days(31)}, headers=headers
    )
    assert added.json()["seatMapId"] == newer.json()["id"]
    assert added.json()["categories"][0]["capacity"] == 120
    first = (await client.get(f"{API}/showtimes/{event['showtimes'][0]['id']}")).json()
    assert first["seatMapId"] == hall["seatMapId"]
    assert first["categories"][0]["capacity"] == 100


async def test_the_database_refuses_what_the_code_must_not_do(
    client: httpx.AsyncClient, database: Database
) -> None:
    event = await made_event(client, await organizer(client))
    connection = await database.connect_raw()
    try:
        for statement in (
            "UPDATE allotments SET sold = capacity + 1 WHERE showtime_id = $1",
            "UPDATE allotments SET held = -1 WHERE showtime_id = $1",
            "UPDATE showtimes SET ends_at = starts_at WHERE id = $1",
        ):
            with pytest.raises(asyncpg.CheckViolationError):
                await connection.execute(statement, UUID(event["showtimes"][0]["id"]))
    finally:
        await connection.close()


async def test_available_counts_what_is_neither_held_sold_nor_blocked(
    client: httpx.AsyncClient, database: Database
) -> None:
    event = await made_event(client, await organizer(client))
    showtime_id = event["showtimes"][0]["id"]
    async with database.begin() as connection:
        await connection.exec_driver_sql(
            "UPDATE allotments SET held = 5, sold = 7, blocked = 11 WHERE showtime_id = $1",
            (UUID(showtime_id),),
        )
    shown = (await client.get(f"{API}/showtimes/{showtime_id}")).json()
    assert shown.keys() == {
        "id", "eventId", "title", "venue", "hall", "location", "seatMapId", "startsAt", "endsAt",
        "timezone", "status", "categories",
    }  # fmt: skip
    assert [c["available"] for c in shown["categories"]] == [77, 877]
