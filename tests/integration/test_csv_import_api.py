"""Importing shows and showtimes from tables through HTTP, refusals first."""

import asyncio
import json
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
import pytest_asyncio

from fullhouse.catalog.csv_import import MOST_LINES
from fullhouse.kit.db import RawConnection
from fullhouse.settings import Settings
from tests.support.catalog import API, made_event, made_hall, made_hall_in
from tests.support.locks import until_blocked
from tests.support.organizations import Person, audit_entries, join, organizer, person
from tests.support.settings import settings_for

SHOWS = f"{API}/organizer/import/shows"
SHOWTIMES = f"{API}/organizer/import/showtimes"
TYPE = {"Content-Type": "text/csv"}
ROOT = Path(__file__).parents[2]
HEADER = "event,startsAt,endsAt,hall"

# In this zone clocks go from 2:00 to 3:00 on 28 March 2027, and from 3:00 to 2:00 on 31 October.
ZURICH: dict[str, Any] = {"city": "Zurich", "country": "CH", "timezone": "Europe/Zurich"}


@pytest.fixture(scope="module")
def settings(database_url: str) -> Settings:
    return settings_for(database_url, max_body_bytes=400_000)


@pytest_asyncio.fixture(scope="module")
async def owner(client: httpx.AsyncClient) -> Person:
    return await organizer(client)


async def sent(
    client: httpx.AsyncClient, who: Person, path: str, *lines: str, **query: Any
) -> dict[str, Any]:
    """The report on a table."""
    answer = await client.post(
        path, content="\n".join(lines).encode(), params=query, headers=who.headers | TYPE
    )
    report: dict[str, Any] = answer.json()
    refused = not report["written"] and "dryRun" not in query
    assert answer.status_code == (422 if refused else 200), answer.text
    if refused:
        assert answer.headers["content-type"].startswith("application/problem+json")
        assert report["code"] == "import_failed"
    return report


def told(report: dict[str, Any]) -> list[tuple[int, str, list[str]]]:
    """Of each line its number, what became of it, and the columns that are wrong."""
    return [
        (line["line"], line["status"], [error["field"] for error in line["errors"]])
        for line in report["lines"]
    ]


async def shows_of(client: httpx.AsyncClient, who: Person) -> list[str]:
    query = {"sort": "title", "limit": "100"}
    answer = await client.get(f"{API}/organizer/shows", params=query, headers=who.headers)
    return [item["title"] for item in answer.json()["items"]]


async def starts_of(client: httpx.AsyncClient, who: Person, event: dict[str, Any]) -> list[str]:
    answer = await client.get(
        f"{API}/showtimes", params={"eventId": event["id"], "limit": "100"}, headers=who.headers
    )
    return [item["startsAt"] for item in answer.json()["items"]]


# What is no table, and who may not send one


@pytest.mark.parametrize(
    ("content", "content_type", "expected"),
    [
        (b"", "text/csv", (400, "malformed_request")),
        (b"kind,title\nmovie,\xff", "text/csv", (400, "malformed_request")),
        (b'{"csv": "kind,title"}', "application/json", (415, "unsupported_media_type")),
        (b"kind,title", "text/csv; charset=latin-1", (415, "unsupported_media_type")),
        (b"kind,title", "text/plain", (415, "unsupported_media_type")),
        (b"kind,title\nmovie,A\x00", "text/csv", (422, "validation_failed")),
        (b"kind,colour\nmovie,red", "text/csv", (422, "csv_invalid")),
        (b"kind\nmovie", "text/csv", (422, "csv_invalid")),
        (b'kind,title\nmovie,"A', "text/csv", (422, "csv_invalid")),
        (b"kind,title\n" + b"movie,A\n" * (MOST_LINES + 1), "text/csv", (422, "csv_invalid")),
        (b"kind,title\n" + b"movie,A\n" * 60_000, "text/csv", (413, "body_too_large")),
    ],
    ids=[
        "empty", "not-utf8", "json", "charset", "plain", "nul", "column", "lacking", "quote",
        "lines", "bytes",
    ],
)  # fmt: skip
async def test_what_is_no_table_is_refused(
    client: httpx.AsyncClient,
    owner: Person,
    content: bytes,
    content_type: str,
    expected: tuple[int, str],
) -> None:
    headers = owner.headers | {"Content-Type": content_type}
    answer = await client.post(SHOWS, content=content, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == expected


@pytest.mark.parametrize("query", [{}, {"partial": True}, {"dryRun": True}], ids=str)
@pytest.mark.parametrize(("path", "columns"), [(SHOWS, "kind,title"), (SHOWTIMES, HEADER)])
async def test_columns_alone_are_refused(
    client: httpx.AsyncClient, owner: Person, path: str, columns: str, query: dict[str, bool]
) -> None:
    answer = await client.post(
        path, content=columns.encode(), params=query, headers=owner.headers | TYPE
    )
    assert (answer.status_code, answer.json()["code"]) == (422, "validation_failed"), answer.text
    assert [error["detail"] for error in answer.json()["errors"]] == ["has no lines"]


async def test_json_routes_take_no_tables(client: httpx.AsyncClient, owner: Person) -> None:
    answer = await client.post(
        f"{API}/shows", content=b"kind,title\nplay,A", headers=owner.headers | TYPE
    )
    assert answer.status_code == 415


@pytest.mark.parametrize("path", [SHOWS, SHOWTIMES])
async def test_who_may_not_import(
    client: httpx.AsyncClient, connection: RawConnection, owner: Person, path: str
) -> None:
    table = b"kind,title\nplay,A" if path == SHOWS else b"event,startsAt\nnone,2027-05-01 20:00"
    named = {"organizationId": owner.organization}
    viewer, stranger = await person(client), await organizer(client)
    await join(connection, owner.organization, viewer, "viewer")
    admin = await person(client)
    await connection.execute("UPDATE users SET role = 'ADMIN' WHERE id = $1", UUID(admin.id))
    cases: list[tuple[dict[str, str], dict[str, str], tuple[int, str]]] = [
        ({}, {}, (401, "unauthenticated")),
        (viewer.headers, named, (403, "forbidden")),
        (stranger.headers, named, (403, "forbidden")),
        (admin.headers, {}, (422, "organization_required")),
        (admin.headers, {"organizationId": str(uuid4())}, (422, "validation_failed")),
    ]
    for headers, query, expected in cases:
        answer = await client.post(path, content=table, params=query, headers=headers | TYPE)
        assert (answer.status_code, answer.json()["code"]) == expected
    done = await client.post(path, content=table, params=named, headers=admin.headers | TYPE)
    assert (done.json()["created"], done.json()["failed"]) == ((1, 0) if path == SHOWS else (0, 1))


# Shows


async def test_all_that_is_wrong_with_a_line_is_reported(client: httpx.AsyncClient) -> None:
    who = await organizer(client)
    columns = "kind,title,durationMinutes,releasedOn,endsOn,cast,trailers,images"
    wrong = [
        ("circus,,0,2027-02-30,,,,", ["kind", "title", "durationMinutes", "releasedOn"]),
        ("movie,A,1.5,,,,,", ["durationMinutes"]),
        ("movie,A,null,,,,,", ["durationMinutes"]),
        ("movie,A,,2027-03-02,2027-03-01,,,", ["endsOn"]),
        ("movie,A,,,,Ada: Eve|: Nobody,,", ["cast/1/name"]),
        ("movie,A,,,,,https://a.example|ftp://b.example,", ["trailers/1"]),
        (f"movie,A,,,,,,{UUID(int=7)}", ["images/0"]),
        ("movie,A,,,,,", [""]),
        ("movie,A,,,,,,,", [""]),
    ]
    report = await sent(client, who, SHOWS, columns, "play,Fine,,,,,,", *(row for row, _ in wrong))
    assert told(report) == [(2, "created", [])] + [
        (number, "failed", fields) for number, (_, fields) in enumerate(wrong, 3)
    ]
    assert [report[name] for name in ("written", "created", "skipped", "failed")] == [
        False, 1, 0, len(wrong),
    ]  # fmt: skip
    # One line fails, so none is written; what would have been made has no id.
    assert report["lines"][0]["id"] is None
    assert await shows_of(client, who) == []


async def test_shows_with_everything(client: httpx.AsyncClient) -> None:
    who = await organizer(client)
    report = await sent(
        client, who, SHOWS,
        "\ufeffTitle;KIND;description;durationMinutes;genre;language;ageRating;releasedOn;endsOn;"
        "cast;trailers",
        '"Whole; ""quoted""\r\n\tand more";Movie;<p onclick=x()>A</p>;118; Drama ;English;PG;'
        "2027-03-01;2027-06-30;Ada Moll: The keeper | Ben Roth;https://a.example/?b=c|"
        "https://d.example",
    )  # fmt: skip
    # A title is one line of text.
    assert told(report) == [(2, "failed", ["title"])]
    report = await sent(
        client, who, SHOWS,
        "\ufeffTitle;KIND;description;durationMinutes;genre;language;ageRating;releasedOn;endsOn;"
        "cast;trailers",
        '"Whole; ""quoted""";Movie;"<p onclick=x()>A\nB</p>";118; Drama ;English;PG;'
        "2027-03-01;2027-06-30;Ada Moll: The keeper | Ben Roth;https://a.example/?b=c|"
        "https://d.example",
        "", "=1+1;play;;;;;;;;;",
    )  # fmt: skip
    assert told(report) == [(2, "created", []), (5, "created", [])]
    shown = await client.get(f"{API}/shows/{report['lines'][0]['id']}", headers=who.headers)
    expected = {
        "title": 'Whole; "quoted"',
        "kind": "movie",
        "description": "<p>A\nB</p>",
        "durationMinutes": 118,
        "genre": "Drama",
        "language": "English",
        "ageRating": "PG",
        "releasedOn": "2027-03-01",
        "endsOn": "2027-06-30",
        "cast": [{"name": "Ada Moll", "role": "The keeper"}, {"name": "Ben Roth", "role": ""}],
        "trailers": ["https://a.example/?b=c", "https://d.example"],
    }
    assert {name: shown.json()[name] for name in expected} == expected
    assert await shows_of(client, who) == ["=1+1", 'Whole; "quoted"']
    entries = await audit_entries(client, who, who.organization, action="show.created")
    assert {entry["objectId"] for entry in entries} == {line["id"] for line in report["lines"]}


async def test_what_is_there_is_skipped(client: httpx.AsyncClient) -> None:
    who = await organizer(client)
    table = ["kind,title,releasedOn,genre", "movie,Twin,2001-01-01,", "movie,Twin,2021-01-01,"]
    first = await sent(client, who, SHOWS, *table)
    again = await sent(client, who, SHOWS, *table, "movie,Twin,2021-01-01,Drama", "play,Twin,,")
    assert told(again) == [
        (2, "skipped", []), (3, "skipped", []), (4, "skipped", []), (5, "created", []),
    ]  # fmt: skip
    ids = [line["id"] for line in first["lines"]]
    assert [line["id"] for line in again["lines"]][:3] == [ids[0], ids[1], ids[1]]
    assert (again["created"], again["skipped"], again["failed"]) == (1, 3, 0)
    shown = await client.get(f"{API}/shows/{ids[1]}", headers=who.headers)
    assert shown.json()["genre"] is None
    assert await shows_of(client, who) == ["Twin"] * 3


async def test_a_trial_writes_nothing(client: httpx.AsyncClient, connection: RawConnection) -> None:
    who = await organizer(client)
    counts = "SELECT (SELECT count(*) FROM shows), (SELECT count(*) FROM audit_log)"
    before = await connection.fetchrow(counts)
    table = ["kind,title", "movie,Trial", "movie,Trial"]
    for query in ({}, {"partial": True}):
        report = await sent(client, who, SHOWS, *table, dryRun=True, **query)
        assert told(report) == [(2, "created", []), (3, "skipped", [])]
        assert not report["written"]
        # The second is skipped for the first, which is not there either.
        assert [line["id"] for line in report["lines"]] == [None, None]
    assert await connection.fetchrow(counts) == before


async def test_part_of_a_table(client: httpx.AsyncClient) -> None:
    who = await organizer(client)
    table = ["kind,title", "movie,Good", "movie,", "play,Better"]
    assert not (await sent(client, who, SHOWS, *table))["written"]
    nothing = await sent(client, who, SHOWS, *table[:1], table[2], partial=True)
    assert [nothing[name] for name in ("written", "created", "failed")] == [False, 0, 1]
    assert await shows_of(client, who) == []
    report = await sent(client, who, SHOWS, *table, partial=True)
    assert report["written"]
    assert told(report) == [(2, "created", []), (3, "failed", ["title"]), (4, "created", [])]
    assert await shows_of(client, who) == ["Better", "Good"]


async def test_a_table_that_is_sent_twice_at_once(
    client: httpx.AsyncClient, connection: RawConnection
) -> None:
    who = await organizer(client)
    async with connection.transaction():
        await connection.execute(
            "SELECT 1 FROM organizations WHERE id = $1 FOR UPDATE", UUID(who.organization)
        )
        twice = [
            asyncio.ensure_future(sent(client, who, SHOWS, "kind,title", "movie,Once"))
            for _ in range(2)
        ]
        await until_blocked(connection, 2)
    reports = await asyncio.gather(*twice)
    assert sorted(report["created"] for report in reports) == [0, 1]
    assert sorted(report["skipped"] for report in reports) == [0, 1]
    assert await shows_of(client, who) == ["Once"]


async def test_as_many_as_may_be(client: httpx.AsyncClient) -> None:
    who = await organizer(client)
    lines = [f"movie,Film {number}" for number in range(MOST_LINES)]
    report = await sent(client, who, SHOWS, "kind,title", *lines)
    assert (report["written"], report["created"]) == (True, MOST_LINES)


async def test_what_the_reference_page_shows(client: httpx.AsyncClient) -> None:
    """Its tables and its rule, as they stand there, each make what they name."""
    who = await organizer(client)
    page = (ROOT / "docs" / "reference" / "catalogue.md").read_text(encoding="utf-8")
    shows, showtimes = re.findall(r"```csv\n(.*?)```", page, re.DOTALL)
    (rule,) = re.findall(r"```json\n(.*?)```", page, re.DOTALL)
    report = await sent(client, who, SHOWS, shows)
    assert (report["written"], report["created"], report["failed"]) == (True, 2, 0)
    hall = await made_hall(client, who.headers, **ZURICH)
    event = await made_event(
        client, who.headers, title="The Last Lighthouse", location=None, hallId=hall["id"],
        startsAt=None, publish=False, kind=None, showId=report["lines"][0]["id"],
        categories=[{"name": "Seat", "price": {"amount": 900}, "sections": ["Main"]}],
    )  # fmt: skip
    assert event["slug"].startswith("the-last-lighthouse")
    table = showtimes.replace("the-last-lighthouse", event["slug"])
    report = await sent(client, who, SHOWTIMES, table)
    assert (report["written"], report["created"], report["failed"]) == (True, 3, 0)
    answer = await client.post(
        f"{API}/events/{event['id']}/showtimes/series", json=json.loads(rule), headers=who.headers
    )
    assert answer.status_code == 201, answer.text
    made = answer.json()["created"] + answer.json()["skipped"]
    assert [one["startsAt"][:10] for one in made[::2]] == ["2027-03-12", "2027-04-09", "2027-04-23"]


# Showtimes


async def cinema(
    client: httpx.AsyncClient, who: Person, **event: Any
) -> tuple[dict[str, Any], dict[str, Any]]:
    """A hall in Zurich, and a draft in it that lasts two hours, without showtimes."""
    hall = await made_hall(client, who.headers, **ZURICH)
    body = {
        "title": "Nights", "location": None, "hallId": hall["id"], "startsAt": None,
        "durationMinutes": 120, "publish": False,
        "categories": [{"name": "Seat", "price": {"amount": 900}, "sections": ["Main"]}],
    } | event  # fmt: skip
    return hall, await made_event(client, who.headers, **body)


async def test_what_is_wrong_with_showtimes_is_reported(
    client: httpx.AsyncClient, connection: RawConnection, owner: Person
) -> None:
    _, event = await cinema(client, owner)
    elsewhere = await made_hall(client, owner.headers)
    foreign = await made_event(client, (await organizer(client)).headers)
    _, over = await cinema(client, owner)
    await connection.execute("UPDATE events SET status = 'ended' WHERE id = $1", UUID(over["id"]))
    slug, when = event["slug"], "2027-05-01 20:00"
    wrong = [
        (f",{when},,", ["event"]),
        (f"{slug},,,", ["startsAt"]),
        (f"nobody,{when},,", ["event"]),
        (f"{foreign['id']},{when},,", ["event"]),
        (f"{foreign['slug']},{when},,", ["event"]),
        (f"{over['slug']},{when},,", ["event"]),
        (f"{slug},tomorrow,,", ["startsAt"]),
        (f"{slug},2027-05-01,,", ["startsAt"]),
        (f"{slug},2027-13-01 20:00,,", ["startsAt"]),
        (f"{slug},2027-05-01T20:00:00+25:00,,", ["startsAt"]),
        (f"{slug},0001-01-01T00:00:00+14:00,,", ["startsAt"]),
        (f"{slug},9999-12-31T23:59:59-14:00,,", ["startsAt"]),
        (f"{slug},9999-12-31 23:59,,", ["startsAt"]),
        (f"{slug},2300-01-01 20:00,,", ["startsAt"]),
        (f"{slug},{when},2027-05-01 19:00,", ["endsAt"]),
        (f"{slug},{when},soon,", ["endsAt"]),
        (f"{slug},{when},,Nowhere", ["hall"]),
        (f"{slug},{when},,{elsewhere['id']}", ["hall"]),
        (f"{slug},2027-03-28 02:30,2027-10-31T02:30,Nowhere", ["startsAt", "endsAt", "hall"]),
        (f"{slug},{when}", [""]),
    ]
    report = await sent(client, owner, SHOWTIMES, HEADER, *(row for row, _ in wrong))
    assert told(report) == [
        (number, "failed", fields) for number, (_, fields) in enumerate(wrong, 2)
    ]
    assert [error["detail"] for error in report["lines"][16]["errors"]] == [
        "is no hall of the event's venue, which has Hall 1"
    ]
    gap, fold, _ = report["lines"][18]["errors"]
    assert "skip" in gap["detail"]
    assert "twice" in fold["detail"]
    assert not report["written"]
    assert await starts_of(client, owner, event) == []


async def test_times_are_those_of_the_place_or_have_an_offset(
    client: httpx.AsyncClient, owner: Person
) -> None:
    _, event = await cinema(client, owner)
    slug = event["slug"]
    report = await sent(
        client, owner, SHOWTIMES, HEADER,
        f"{slug},2027-01-15 20:00,,",
        f"{slug},2027-03-28 03:00,,",  # an hour after 1:59, because clocks go forward
        f"{slug.upper()},2027-07-15T20:00:30,,",
        f"{event['id']},2027-10-31T02:30:00+01:00,,",
        f"{{{event['id'].upper()}}},2027-10-31t12:30:00z,2027-10-31 14:00:00,",
    )  # fmt: skip
    assert report["written"], report
    assert await starts_of(client, owner, event) == [
        "2027-01-15T19:00:00Z", "2027-03-28T01:00:00Z", "2027-07-15T18:00:30Z",
        "2027-10-31T01:30:00Z", "2027-10-31T12:30:00Z",
    ]  # fmt: skip
    ends = [
        (await client.get(f"{API}/showtimes/{line['id']}", headers=owner.headers)).json()["endsAt"]
        for line in report["lines"]
    ]
    assert (ends[0], ends[4]) == ("2027-01-15T21:00:00Z", "2027-10-31T13:00:00Z")


async def test_halls_are_named_or_are_those_of_the_event(
    client: httpx.AsyncClient, owner: Person
) -> None:
    hall, event = await cinema(client, owner)
    other = await made_hall_in(client, owner.headers, hall["venueId"], "Großer Saal")
    slug, when = event["slug"], "2027-05-01 20:00"
    report = await sent(
        client, owner, SHOWTIMES, HEADER,
        f"{slug},{when},,", f"{slug},{when},,großer  SAAL",
        f"{slug},2027-05-02 20:00,,{other['id']}",
    )  # fmt: skip
    found = [
        (await client.get(f"{API}/showtimes/{line['id']}", headers=owner.headers)).json()
        for line in report["lines"]
    ]
    assert [showtime["hall"]["id"] for showtime in found] == [hall["id"], other["id"], other["id"]]
    assert [showtime["categories"][0]["capacity"] for showtime in found] == [100] * 3


async def test_a_hall_without_the_sections_of_a_category(
    client: httpx.AsyncClient, owner: Person
) -> None:
    hall, event = await cinema(client, owner)
    grid = {"template": "grid", "rows": 2, "seatsPerRow": 2, "section": "Side"}
    await made_hall_in(client, owner.headers, hall["venueId"], "Annex", grid)
    report = await sent(
        client, owner, SHOWTIMES, HEADER, f"{event['slug']},2027-05-01 20:00,,Annex"
    )
    assert told(report) == [(2, "failed", ["hall"])]
    assert "Main" in report["lines"][0]["errors"][0]["detail"]


def row(event: dict[str, Any], *starts: str) -> list[str]:
    return [f"{event['slug']},{start},," for start in starts]


async def test_conflicts_are_reported_on_their_lines(
    client: httpx.AsyncClient, owner: Person
) -> None:
    hall, event = await cinema(client, owner, title="Ours")
    other = await made_event(
        client, owner.headers, title="Theirs", location=None, hallId=hall["id"],
        startsAt="2027-05-01T18:00:00Z", durationMinutes=60,
        categories=[{"name": "Seat", "price": {"amount": 0}, "sections": ["Main"]}],
    )  # fmt: skip
    table = [
        *row(event, "2027-05-01 19:00"),  # two hours, into Theirs at 20:00 there
        *row(event, "2027-05-01 21:00", "2027-05-01 22:00"),
        *row(other, "2027-05-01 22:30", "2027-05-01 23:00"),
    ]
    report = await sent(client, owner, SHOWTIMES, HEADER, *table)
    assert told(report) == [
        (2, "failed", ["startsAt"]),
        (3, "created", []),
        (4, "failed", ["startsAt"]),
        (5, "failed", ["startsAt"]),
        (6, "created", []),
    ]
    details = [line["errors"][0]["detail"] for line in report["lines"] if line["errors"]]
    assert "Theirs" in details[0]
    assert "2027-05-01T18:00:00Z" in details[0]
    assert "2027-05-01T19:00:00Z" in details[1]
    assert ["line 3" in detail for detail in details] == [False, True, True]
    assert await starts_of(client, owner, event) == []
    report = await sent(client, owner, SHOWTIMES, HEADER, *table, partial=True)
    assert (report["written"], report["created"], report["failed"]) == (True, 2, 3)
    assert await starts_of(client, owner, event) == ["2027-05-01T19:00:00Z"]
    assert await starts_of(client, owner, other) == ["2027-05-01T18:00:00Z", "2027-05-01T21:00:00Z"]


async def test_what_an_event_has_already_is_skipped(
    client: httpx.AsyncClient, owner: Person
) -> None:
    _, event = await cinema(client, owner)
    first = await sent(client, owner, SHOWTIMES, HEADER, *row(event, "2027-05-01 20:00"))
    again = await sent(
        client, owner, SHOWTIMES, HEADER,
        *row(event, "2027-05-01T18:00:00Z", "2027-05-02 20:00", "2027-05-02T20:00:00+02:00"),
        f"{event['slug']},2027-05-01 20:00,2027-05-01 22:00,Hall 1",
        f"{event['slug']},2027-05-01 20:00,2027-05-01 23:00,",
        partial=True,
    )  # fmt: skip
    assert told(again) == [
        (2, "skipped", []),
        (3, "created", []),
        (4, "skipped", []),
        (5, "skipped", []),
        (6, "failed", ["startsAt"]),
    ]
    ids = [line["id"] for line in again["lines"]]
    assert ids[0] == ids[3] == first["lines"][0]["id"]
    assert ids[1] == ids[2] is not None
    assert len(await starts_of(client, owner, event)) == 2


async def test_a_line_that_repeats_a_failed_one_fails_too(
    client: httpx.AsyncClient, owner: Person
) -> None:
    hall, event = await cinema(client, owner)
    other = await made_event(
        client, owner.headers, location=None, hallId=hall["id"], startsAt="2027-05-01T18:00:00Z",
        categories=[{"name": "Seat", "price": {"amount": 0}, "sections": ["Main"]}],
    )  # fmt: skip
    assert other["showtimes"]
    twice = row(event, "2027-05-01 20:00", "2027-05-01 20:00")
    report = await sent(client, owner, SHOWTIMES, HEADER, *twice, partial=True)
    assert told(report) == [(2, "failed", ["startsAt"]), (3, "failed", ["startsAt"])]


async def test_events_without_a_hall(client: httpx.AsyncClient, owner: Person) -> None:
    event = await made_event(
        client, owner.headers, startsAt=None, timezone="Asia/Kathmandu", publish=False
    )
    same = "2027-05-01 20:00"
    report = await sent(client, owner, SHOWTIMES, "EVENT;startsat", f"{event['slug']};{same}")
    assert report["written"]
    assert await starts_of(client, owner, event) == ["2027-05-01T14:15:00Z"]
    report = await sent(client, owner, SHOWTIMES, HEADER, f"{event['slug']},{same},,Hall 1")
    assert told(report) == [(2, "failed", ["hall"])]


async def test_a_trial_of_showtimes_writes_nothing(
    client: httpx.AsyncClient, connection: RawConnection, owner: Person
) -> None:
    _, event = await cinema(client, owner)
    counts = "SELECT (SELECT count(*) FROM showtimes), (SELECT count(*) FROM audit_log)"
    before = await connection.fetchrow(counts)
    table = row(event, "2027-05-01 20:00", "2027-05-01 21:00", "2027-05-02 20:00")
    report = await sent(client, owner, SHOWTIMES, HEADER, *table, dryRun=True, partial=True)
    assert told(report) == [(2, "created", []), (3, "failed", ["startsAt"]), (4, "created", [])]
    assert [line["id"] for line in report["lines"]] == [None] * 3
    assert await connection.fetchrow(counts) == before


async def test_imported_showtimes_are_for_sale_listed_and_on_record(
    client: httpx.AsyncClient,
) -> None:
    who = await organizer(client)
    _, event = await cinema(client, who, title="Imported Opera")
    report = await sent(
        client, who, SHOWTIMES, HEADER, *row(event, "2027-05-01 20:00", "2027-05-02 20:00")
    )
    published = await client.post(f"{API}/events/{event['id']}/publish", headers=who.headers)
    assert published.status_code == 200, published.text
    late = row(event, "2027-05-03 20:00")
    assert (await sent(client, who, SHOWTIMES, HEADER, *late))["written"]
    showtime = report["lines"][0]["id"]
    order = {"showtimeId": showtime, "seats": ["A-1"]}
    booked = await client.post(f"{API}/bookings", json=order, headers=who.headers)
    assert booked.status_code == 201, booked.text
    for _ in range(500):  # kept answers are dropped by a notification, which takes its moment
        (item,) = (await client.get(f"{API}/events", params={"q": "Imported"})).json()["items"]
        if item["startsAt"] is not None:
            break
        await asyncio.sleep(0.01)
    assert item["startsAt"] == "2027-05-01T18:00:00Z"
    entries = await audit_entries(client, who, who.organization, action="event.showtimes_added")
    assert [(entry["objectId"], entry["after"]["count"]) for entry in entries] == [
        (event["id"], 1),
        (event["id"], 2),
    ]


async def test_as_many_showtimes_as_may_be(client: httpx.AsyncClient, owner: Person) -> None:
    _, event = await cinema(client, owner)
    first = int(datetime(2027, 1, 1, tzinfo=UTC).timestamp())
    starts: Sequence[str] = [
        datetime.fromtimestamp(first + number * 10_800, UTC).isoformat()
        for number in range(MOST_LINES)
    ]
    report = await sent(client, owner, SHOWTIMES, HEADER, *row(event, *starts))
    assert (report["written"], report["created"]) == (True, MOST_LINES)


async def test_two_imports_into_one_hall_at_the_same_moment(
    client: httpx.AsyncClient, connection: RawConnection, owner: Person
) -> None:
    hall, event = await cinema(client, owner)
    other = await made_event(
        client, owner.headers, location=None, hallId=hall["id"], startsAt=None, publish=False,
        categories=[{"name": "Seat", "price": {"amount": 0}, "sections": ["Main"]}],
    )  # fmt: skip
    async with connection.transaction():
        await connection.execute("SELECT 1 FROM halls WHERE id = $1 FOR UPDATE", UUID(hall["id"]))
        imports = [
            asyncio.ensure_future(
                sent(client, owner, SHOWTIMES, HEADER, *row(one, "2027-05-01 20:00"))
            )
            for one in (event, other)
        ]
        await until_blocked(connection, 2)
    reports = await asyncio.gather(*imports)
    assert sorted(report["created"] for report in reports) == [0, 1]
    assert sorted(report["failed"] for report in reports) == [0, 1]
