"""Making, changing and deleting shows through HTTP, refusals first."""

import asyncio
import json
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
import pytest_asyncio

from fullhouse.kit.db import RawConnection
from fullhouse.kit.ids import new_id
from tests.support.catalog import API, event_body, in_days, made_event
from tests.support.locks import until_blocked
from tests.support.organizations import Person, audit_entries, join, organizer, person

SHOWS = f"{API}/shows"
OWN = f"{API}/organizer/shows"
FULL = {
    "kind": "play",
    "title": "The Keeper",
    "description": "<p>A <em>storm</em></p>",
    "durationMinutes": 118,
    "genre": "Drama",
    "language": "English",
    "ageRating": "PG",
    "releasedOn": "2026-03-01",
    "endsOn": "2099-06-30",
    "cast": [{"name": "Ada Moll", "role": "The keeper"}, {"name": "Ben Roth", "role": ""}],
    "trailers": ["https://video.example/watch?v=1", "https://clips.example:8443/a#t=3"],
}


@pytest_asyncio.fixture(scope="module")
async def owner(client: httpx.AsyncClient) -> Person:
    return await organizer(client)


async def made_show(client: httpx.AsyncClient, who: Person, **fields: Any) -> dict[str, Any]:
    answer = await client.post(
        SHOWS, json={"kind": "play", "title": "A Show"} | fields, headers=who.headers
    )
    assert answer.status_code == 201, answer.text
    show: dict[str, Any] = answer.json()
    return show


async def picture(
    connection: RawConnection, organization: str | None, status: str = "ready"
) -> str:
    """A picture of this organization, past its upload."""
    media_id = new_id()
    variant = {"format": "webp", "width": 640, "height": 360, "bytes": 9, "key": "k"}
    await connection.execute(
        "INSERT INTO media (id, organization_id, uploaded_by, status, content_type, bytes, sha256,"
        " width, height, alt, variants, failure)"
        " VALUES ($1, $2, $1, $3, 'image/png', 9, '', 640, 360, 'A lighthouse', $4::jsonb, $5)",
        media_id,
        None if organization is None else UUID(organization),
        status,
        json.dumps([variant] if status == "ready" else []),
        "broken" if status == "failed" else None,
    )
    return str(media_id)


def pointers(answer: httpx.Response) -> list[str]:
    assert answer.status_code == 422, answer.text
    return [error["pointer"] for error in answer.json()["errors"]]


@pytest.mark.parametrize(
    ("fields", "pointer"),
    [
        ({"title": None}, "/title"),
        ({"title": "  "}, "/title"),
        ({"title": "evil\u202egnp.exe"}, "/title"),
        ({"kind": "circus"}, "/kind"),
        ({"durationMinutes": 0}, "/durationMinutes"),
        ({"genre": ""}, "/genre"),
        ({"language": "  "}, "/language"),
        ({"releasedOn": "2026-02-30"}, "/releasedOn"),
        ({"releasedOn": "2026-03-01T00:00:00Z"}, "/releasedOn"),
        ({"releasedOn": "2026-03-02", "endsOn": "2026-03-01"}, "/endsOn"),
        ({"cast": [{"role": "Nobody"}]}, "/cast/0/name"),
        ({"cast": [{"name": "Ada", "role": "two\nlines"}]}, "/cast/0/role"),
        ({"cast": [{"name": "Ada"}] * 201}, "/cast"),
        ({"trailers": ["http://video.example/"]}, "/trailers/0"),
        ({"trailers": ["https://"]}, "/trailers/0"),
        ({"trailers": ["https://localhost"]}, "/trailers/0"),
        ({"trailers": ["https://user:word@video.example/"]}, "/trailers/0"),
        ({"trailers": ["https://video.example/a b"]}, "/trailers/0"),
        ({"trailers": ["https://video.example/", "javascript:alert(1)"]}, "/trailers/1"),
        ({"trailers": ["https://video.example/", "https://video.example/\n"]}, "/trailers"),
        ({"trailers": [f"https://video.example/{n}" for n in range(21)]}, "/trailers"),
        ({"trailers": ["https://video.example/"] * 2}, "/trailers"),
        ({"images": ["x"]}, "/images/0"),
        ({"images": [str(UUID(int=7))]}, "/images/0"),
        ({"images": [str(UUID(int=n)) for n in range(21)]}, "/images"),
        ({"slug": "a"}, "/slug"),
    ],
)  # fmt: skip
async def test_what_is_wrong_is_refused(
    client: httpx.AsyncClient, owner: Person, fields: dict[str, Any], pointer: str
) -> None:
    body = {k: v for k, v in (FULL | fields).items() if v is not None}
    answer = await client.post(SHOWS, json=body, headers=owner.headers)
    assert pointers(answer) == [pointer]


async def test_an_organization_that_is_none_is_refused(
    client: httpx.AsyncClient, connection: RawConnection
) -> None:
    who = await person(client)
    await connection.execute("UPDATE users SET role = 'ADMIN' WHERE id = $1", UUID(who.id))
    unnamed = await client.post(SHOWS, json=FULL, headers=who.headers)
    assert unnamed.json()["code"] == "organization_required"
    unknown = FULL | {"organizationId": str(uuid4())}
    answer = await client.post(SHOWS, json=unknown, headers=who.headers)
    assert pointers(answer) == ["/organizationId"]


async def test_pictures_of_others_are_refused(
    client: httpx.AsyncClient, connection: RawConnection, owner: Person
) -> None:
    other = await organizer(client)
    theirs = await picture(connection, other.organization)
    failed = await picture(connection, owner.organization, "failed")
    mine = await picture(connection, owner.organization)
    body = FULL | {"images": [mine, theirs, failed]}
    answer = await client.post(SHOWS, json=body, headers=owner.headers)
    assert pointers(answer) == ["/images/1", "/images/2"]
    show = await made_show(client, owner, images=[mine])
    patched = await client.patch(
        f"{SHOWS}/{show['id']}", json={"images": [theirs]}, headers=owner.headers
    )
    assert pointers(patched) == ["/images/0"]


async def test_who_may_not_change_a_show(
    client: httpx.AsyncClient, connection: RawConnection, owner: Person
) -> None:
    hidden = await made_show(client, owner)
    public = await made_event(client, owner.headers)
    viewer = await person(client)
    await join(connection, owner.organization, viewer, "viewer")
    stranger = await organizer(client)
    cases = [
        (viewer, hidden["id"], 403),
        (stranger, hidden["id"], 404),
        (stranger, public["showId"], 403),
        (stranger, str(uuid4()), 404),
    ]
    for who, show_id, status in cases:
        for method, body in (("PATCH", {"title": "Mine"}), ("DELETE", None)):
            answer = await client.request(
                method, f"{SHOWS}/{show_id}", json=body, headers=who.headers
            )
            assert answer.status_code == status, (method, show_id, answer.text)
    refused = await client.post(
        SHOWS, json=FULL | {"organizationId": owner.organization}, headers=stranger.headers
    )
    assert refused.status_code == 403
    seen = await client.get(f"{SHOWS}/{hidden['id']}", headers=owner.headers)
    assert seen.json()["title"] == "A Show"


async def test_a_show_in_full(
    client: httpx.AsyncClient, connection: RawConnection, owner: Person
) -> None:
    ready = await picture(connection, owner.organization)
    everybodys = await picture(connection, None)
    pending = await picture(connection, owner.organization, "processing")
    images = [everybodys, pending, ready]
    show = await made_show(client, owner, **FULL, images=images)
    assert {name: show[name] for name in FULL} == FULL
    assert show["organizationId"] == owner.organization
    assert show["status"] == "coming_soon"
    assert show["events"] == []
    # What is still being made is shown to its organization only.
    assert [image["id"] for image in show["images"]] == [everybodys, pending, ready]
    assert [image["status"] for image in show["images"]] == ["ready", "processing", "ready"]
    assert show["images"][0]["url"] == f"/media/{everybodys}/640.webp"
    assert show["images"][0]["alt"] == "A lighthouse"
    assert [variant["width"] for variant in show["images"][0]["variants"]] == [640]
    same = await client.get(f"{SHOWS}/{show['id']}", headers=owner.headers)
    assert same.json() == show
    assert (await client.get(f"{SHOWS}/{show['id']}")).status_code == 404


async def test_what_is_not_allowed_is_taken_out_of_the_description(
    client: httpx.AsyncClient, owner: Person
) -> None:
    show = await made_show(client, owner, title="  Trimmed ", description="<p onclick=x()>A</p>")
    assert (show["title"], show["description"]) == ("Trimmed", "<p>A</p>")
    answer = await client.patch(
        f"{SHOWS}/{show['id']}",
        json={"description": "<script>alert(1)</script>B"},
        headers=owner.headers,
    )
    assert answer.json()["description"] == "B"


async def test_a_change_keeps_what_it_does_not_name(
    client: httpx.AsyncClient, connection: RawConnection, owner: Person
) -> None:
    image = await picture(connection, owner.organization)
    show = await made_show(client, owner, **FULL, images=[image])
    address = f"{SHOWS}/{show['id']}"
    change: dict[str, Any] = {
        "title": "The Keepers",
        "genre": None,
        "cast": [],
        "endsOn": "2098-01-01",
    }
    changed = await client.patch(address, json=change, headers=owner.headers)
    assert changed.status_code == 200, changed.text
    assert changed.json() == show | change
    # Each date is compared with the one that stays.
    for wrong in ({"endsOn": "2026-02-28"}, {"releasedOn": "2098-01-02"}):
        refused = await client.patch(address, json=wrong, headers=owner.headers)
        assert pointers(refused) == ["/endsOn"]
    # A picture that was deleted meanwhile does not keep the rest from being changed.
    await connection.execute("UPDATE media SET deleted_at = now() WHERE id = $1", UUID(image))
    again = await client.patch(address, json={"language": "French"}, headers=owner.headers)
    assert (again.status_code, again.json()["images"]) == (200, [])


async def test_a_change_reaches_the_lists_at_once(client: httpx.AsyncClient) -> None:
    who = await organizer(client)
    show = await made_show(client, who, title="Zanzibar Nights", kind="concert")
    event = await made_event(client, who.headers, title="Evening", kind=None, showId=show["id"])

    async def found(**query: str) -> list[str]:
        answer = await client.get(f"{API}/events", params=query)
        return [item["id"] for item in answer.json()["items"]]

    async def soon(expected: list[str], **query: str) -> None:
        # Kept answers are dropped by a notification, which takes its moment.
        for _ in range(500):
            if await found(**query) == expected:
                return
            await asyncio.sleep(0.01)
        assert await found(**query) == expected

    assert await found(q="zanzibar") == [event["id"]]
    assert await found(kind="conference") == []
    change = {"title": "Quetzal Nights", "kind": "conference", "description": "Xylophones"}
    await client.patch(f"{SHOWS}/{show['id']}", json=change, headers=who.headers)
    await soon([], q="zanzibar")
    await soon([event["id"]], q="quetzal")
    await soon([event["id"]], q="xylophones")
    await soon([event["id"]], kind="conference")


async def test_a_duration_counts_for_showtimes_made_later(
    client: httpx.AsyncClient, owner: Person
) -> None:
    show = await made_show(client, owner, durationMinutes=60)
    event = await made_event(client, owner.headers, kind=None, showId=show["id"])
    change = {"durationMinutes": 90}
    await client.patch(f"{SHOWS}/{show['id']}", json=change, headers=owner.headers)
    later = await client.post(
        f"{API}/events/{event['id']}/showtimes",
        json={"startsAt": in_days(40)},
        headers=owner.headers,
    )
    assert later.status_code == 201, later.text
    earlier = await client.get(f"{API}/showtimes/{event['showtimes'][0]['id']}")
    lengths = [
        datetime.fromisoformat(one["endsAt"]) - datetime.fromisoformat(one["startsAt"])
        for one in (earlier.json(), later.json())
    ]
    assert lengths == [timedelta(minutes=60), timedelta(minutes=90)]


async def test_a_show_that_is_put_on_is_not_deleted(
    client: httpx.AsyncClient, connection: RawConnection, owner: Person
) -> None:
    show = await made_show(client, owner, kind="movie", title="Gone Soon")
    draft, published, over = [
        await made_event(client, owner.headers, kind=None, showId=show["id"], publish=publish)
        for publish in (False, True, True)
    ]
    await connection.execute("UPDATE events SET status = 'ended' WHERE id = $1", UUID(over["id"]))
    refused = await client.delete(f"{SHOWS}/{show['id']}", headers=owner.headers)
    assert (refused.status_code, refused.json()["code"]) == (409, "show_in_use")
    assert refused.json()["eventIds"] == sorted([draft["id"], published["id"]])
    assert (await client.get(f"{SHOWS}/{show['id']}")).status_code == 200
    await connection.execute(
        "UPDATE events SET status = 'cancelled' WHERE id = $1", UUID(published["id"])
    )
    await connection.execute(
        "UPDATE events SET deleted_at = now() WHERE id = $1", UUID(draft["id"])
    )
    deleted = await client.delete(f"{SHOWS}/{show['id']}", headers=owner.headers)
    assert (deleted.status_code, deleted.content) == (204, b"")


async def test_a_deleted_show_is_gone_everywhere(
    client: httpx.AsyncClient, connection: RawConnection
) -> None:
    who = await organizer(client)
    show = await made_show(client, who, kind="movie", title="Vanishing Point")
    event = await made_event(client, who.headers, kind=None, showId=show["id"], startsAt=in_days(2))
    await connection.execute("UPDATE events SET status = 'ended' WHERE id = $1", UUID(event["id"]))

    async def seen() -> list[bool]:
        lists = [
            await client.get(f"{API}{path}", params=query, headers=who.headers)
            for path, query in (
                ("/movies", {"q": "vanishing"}),
                ("/shows", {"q": "vanishing"}),
                ("/organizer/shows", {"q": "vanishing"}),
                ("/showtimes", {"movieId": show["id"]}),
            )
        ]
        one = [
            await client.get(f"{API}{path}", headers=who.headers)
            for path in (
                f"/shows/{show['id']}", f"/movies/{show['id']}", f"/movies/{show['id']}/showtimes",
            )
        ]  # fmt: skip
        return [bool(answer.json()["items"]) for answer in lists] + [
            answer.status_code == 200 for answer in one
        ]

    assert await seen() == [True] * 7
    assert (await client.delete(f"{SHOWS}/{show['id']}", headers=who.headers)).status_code == 204
    assert await seen() == [False] * 7
    # Whoever has bought a ticket still sees what for.
    assert (await client.get(f"{API}/events/{event['id']}")).status_code == 200
    for method, body in (("PATCH", {"title": "Back"}), ("DELETE", None)):
        answer = await client.request(
            method, f"{SHOWS}/{show['id']}", json=body, headers=who.headers
        )
        assert answer.status_code == 404, answer.text
    again = event_body(kind=None, showId=show["id"])
    refused = await client.post(f"{API}/events", json=again, headers=who.headers)
    assert pointers(refused) == ["/showId"]


async def test_an_event_that_is_being_made_keeps_its_show(
    client: httpx.AsyncClient, connection: RawConnection, owner: Person
) -> None:
    show = await made_show(client, owner)
    other = await made_event(client, owner.headers)
    async with connection.transaction():
        # What POST /events does, stopped before its end.
        await connection.execute("SELECT 1 FROM shows WHERE id = $1 FOR SHARE", UUID(show["id"]))
        await connection.execute(
            "INSERT INTO events (id, organization_id, show_id, slug, title, status, currency,"
            " location, timezone, policy) SELECT $1, organization_id, $2, $3, title, status,"
            " currency, location, timezone, policy FROM events WHERE id = $4",
            new_id(),
            UUID(show["id"]),
            f"copy-{show['id']}x",
            UUID(other["id"]),
        )
        deleting = asyncio.ensure_future(
            client.delete(f"{SHOWS}/{show['id']}", headers=owner.headers)
        )
        await until_blocked(connection)
    assert (await deleting).json()["code"] == "show_in_use"


async def test_no_event_is_made_of_a_show_that_is_being_deleted(
    client: httpx.AsyncClient, connection: RawConnection, owner: Person
) -> None:
    show = await made_show(client, owner)
    body = event_body(kind=None, showId=show["id"])
    async with connection.transaction():
        await connection.execute(
            "UPDATE shows SET deleted_at = now() WHERE id = $1", UUID(show["id"])
        )
        making = asyncio.ensure_future(
            client.post(f"{API}/events", json=body, headers=owner.headers)
        )
        await until_blocked(connection)
    assert pointers(await making) == ["/showId"]


async def test_what_is_done_is_on_record(client: httpx.AsyncClient) -> None:
    who = await organizer(client)
    show = await made_show(client, who, **FULL)
    address = f"{SHOWS}/{show['id']}"
    for change in ({"title": "New", "cast": []}, {"title": "New"}, {}):  # the last two: nothing
        answer = await client.patch(address, json=change, headers=who.headers)
        assert answer.status_code == 200, answer.text
    assert (await client.delete(address, headers=who.headers)).status_code == 204
    entries = await audit_entries(client, who, who.organization, objectId=show["id"])
    assert [(one["action"], one["before"], one["after"]) for one in reversed(entries)] == [
        ("show.created", None, {"title": "The Keeper", "kind": "play"}),
        ("show.changed", {"title": "The Keeper", "castSize": 2}, {"title": "New", "castSize": 0}),
        ("show.deleted", {"title": "New", "kind": "play"}, None),
    ]


async def test_own_shows(client: httpx.AsyncClient, connection: RawConnection) -> None:
    who = await organizer(client)
    await made_show(client, who, title="Élan Vital", kind="concert")
    await made_show(client, who, title="Old Film", kind="movie", endsOn="2020-01-01")
    await made_show(client, who, title="Film", kind="movie")
    await made_event(client, who.headers, title="Talk", kind="conference", startsAt=in_days(1))

    async def titles(viewer: Person = who, **query: Any) -> list[str]:
        answer = await client.get(OWN, params=query, headers=viewer.headers)
        assert answer.status_code == 200, answer.text
        return [item["title"] for item in answer.json()["items"]]

    newest_first = ["Talk", "Film", "Old Film", "Élan Vital"]
    assert await titles() == newest_first
    assert await titles(kind="movie") == ["Film", "Old Film"]
    assert await titles(q="elan") == ["Élan Vital"]
    assert await titles(status="ended") == ["Old Film"]
    assert await titles(status="now_showing,ended") == ["Talk", "Old Film"]
    assert await titles(sort="title") == ["Film", "Old Film", "Talk", "Élan Vital"]
    assert await titles(page=2, limit=3) == ["Élan Vital"]
    first = (await client.get(OWN, params={"limit": "3"}, headers=who.headers)).json()
    assert await titles(limit=3, cursor=first["nextCursor"]) == newest_first[3:]
    # Others have none of them, and may not ask for them; an editor of the platform may.
    other = await organizer(client)
    assert await titles(other) == []
    named = {"organizationId": who.organization}
    refused = await client.get(OWN, params=named, headers=other.headers)
    assert refused.status_code == 403
    editor = await person(client)
    await connection.execute("UPDATE users SET role = 'EDITOR' WHERE id = $1", UUID(editor.id))
    assert await titles(editor, organizationId=who.organization) == newest_first
    wrong = await client.get(OWN, params={"sort": "price"}, headers=who.headers)
    assert wrong.status_code == 422


async def test_shows_are_found_though_misspelt(client: httpx.AsyncClient) -> None:
    who = await organizer(client)
    silver = [await made_show(client, who, title=t) for t in ("Silver Garden", "The Silver River")]
    await made_show(client, who, title="½ Größe")

    async def page(**query: Any) -> dict[str, Any]:
        answer = await client.get(OWN, params={"sort": "title", **query}, headers=who.headers)
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    async def titles(q: str) -> list[str]:
        return [item["title"] for item in (await page(q=q))["items"]]

    for nothing in ("%", "...", "golden", "silver golden"):
        assert await titles(nothing) == [], nothing
    assert await titles("SILVER") == ["Silver Garden", "The Silver River"]
    assert await titles("gard silv") == ["Silver Garden"]
    assert await titles("silvre") == ["Silver Garden", "The Silver River"]
    assert await titles("silvre gardne") == ["Silver Garden"]
    assert await titles("grosse") == await titles("1/2") == ["½ Größe"]
    # A list goes on as it began; its cursors are its own.
    first = await page(q="silvre", limit=1)
    second = await page(q="silvre", limit=1, cursor=first["nextCursor"])
    assert [item["title"] for item in second["items"]] == ["The Silver River"]
    assert (await page(q="silvre", page=2, limit=1))["total"] == 2
    change = {"title": "Golden Garden"}
    await client.patch(f"{SHOWS}/{silver[0]['id']}", json=change, headers=who.headers)
    assert await titles("golden") == ["Golden Garden"]
    assert await titles("silver") == ["The Silver River"]


async def titles_of(
    client: httpx.AsyncClient, who: Person, path: str = "/organizer/shows", **query: Any
) -> list[str]:
    """What a list answers, asked as somebody whose answers are not kept."""
    answer = await client.get(f"{API}{path}", params=query, headers=who.headers)
    assert answer.status_code == 200, answer.text
    return [item["title"] for item in answer.json()["items"]]


async def test_shows_are_found_by_all_that_is_said_of_them(client: httpx.AsyncClient) -> None:
    who = await organizer(client)
    told = {"kind": "movie", "announced": True}
    await made_show(
        client, who, title="A Umbrellas", description="<p>Nothing <b>else</b></p>", **told
    )
    await made_show(client, who, title="B", description="<p>Two <em>umbrellas</em></p>", **told)
    cast = [{"name": "Zaphira Quill", "role": "Umbrellas"}, {"name": "Łukasz O'Hara-Weiß"}]
    await made_show(client, who, title="C", genre="Tragicomedy", cast=cast, **told)
    await made_show(client, who, title="AC/DC: Live.Wire", **told)

    for path in ("/movies", "/shows", "/organizer/shows"):
        for nothing in (
            "b em",
            "strong",
            "p",
            "zaphira wire",
            "Zaphira Nothing",
            "!",
            "'",
            "&",
        ):
            assert await titles_of(client, who, path, q=nothing) == [], (path, nothing)
        # Best first: the title before who takes part, and that before what is told of it.
        assert await titles_of(client, who, path, q="umbrella") == ["A Umbrellas", "C", "B"]
        by_title = await titles_of(client, who, path, q="umbrella", sort="-title")
        assert by_title == ["C", "B", "A Umbrellas"]
        for q in ("zaphira", "Quill zaph", "tragico", "lukasz", "hara weiss", "ohara", "zaphirra"):
            assert await titles_of(client, who, path, q=q) == ["C"], (path, q)
        for q in ("dc", "wire", "ac/dc live"):
            assert await titles_of(client, who, path, q=q) == ["AC/DC: Live.Wire"], (path, q)
        # By relevance where words are searched for, and so do its pages.
        refused = await client.get(
            f"{API}{path}", params={"sort": "relevance"}, headers=who.headers
        )
        assert refused.status_code == 422
        query: dict[str, Any] = {"q": "umbrella", "limit": 1}
        seen = []
        for _ in range(3):
            answer = await client.get(f"{API}{path}", params=query, headers=who.headers)
            page = answer.json()
            seen += [item["title"] for item in page["items"]]
            query["cursor"] = page["nextCursor"]
        assert (seen, query["cursor"]) == (["A Umbrellas", "C", "B"], None)


async def test_what_changes_is_found_anew(client: httpx.AsyncClient) -> None:
    who = await organizer(client)
    table = "kind,title,genre,description,cast,announced\n" + (
        "movie,First Import,Westernish,<p>Saloons</p>,Orsolya Bright: Sheriff|Wen Dahl,TRUE\n"
        "movie,Second Import,,,Orsolya Bright,\n"
    )
    imported = await client.post(
        f"{API}/organizer/import/shows",
        content=table.encode(),
        headers=who.headers | {"Content-Type": "text/csv"},
    )
    assert imported.status_code == 200, imported.text
    first, _ = (line["id"] for line in imported.json()["lines"])
    other = await organizer(client)
    both = ["First Import", "Second Import"]
    assert sorted(await titles_of(client, who, q="orsolya")) == both
    # Only one of them was announced.
    assert await titles_of(client, other, "/movies", q="orsolya") == both[:1]
    for q in ("westernish", "saloon", "sheriff", "dahl"):
        assert await titles_of(client, other, "/shows", q=q) == both[:1], q

    event = await made_event(client, who.headers, title="One Night", kind=None, showId=first)
    copy = await client.post(
        f"{API}/events/{event['id']}/duplicate", json={"title": "Other Night"}, headers=who.headers
    )
    assert copy.status_code == 201, copy.text
    for q in ("orsolya", "brigth orsolia", "sheriff"):
        assert await titles_of(client, other, "/events", q=q) == ["One Night"], q
        own = await titles_of(client, who, "/organizer/events", q=q)
        assert sorted(own) == ["One Night", "Other Night"], q
    assert await titles_of(client, other, "/events", q="Orsolya Nothing") == []
    change = {"cast": [{"name": "Quentin Marsh"}], "genre": "Heist", "description": "Vaults"}
    await client.patch(f"{SHOWS}/{first}", json=change, headers=who.headers)
    for q in ("sheriff", "saloon", "westernish"):
        assert await titles_of(client, other, "/movies", q=q) == [], q
        assert await titles_of(client, other, "/events", q=q) == [], q
    for q in ("quentin", "marsh heist", "vault"):
        assert await titles_of(client, other, "/movies", q=q) == both[:1], q
        assert await titles_of(client, other, "/events", q=q) == ["One Night"], q
    # A show that was made with its event is found as one that was made by itself.
    cast = [{"name": "Ingmar Vost", "role": "Narrator"}]
    await made_event(client, who.headers, title="Made Whole", cast=cast, publish=True)
    for path in ("/events", "/shows"):
        assert await titles_of(client, other, path, q="narrator ingmar") == ["Made Whole"]


async def test_long_words_and_large_casts_are_kept(client: httpx.AsyncClient) -> None:
    who = await organizer(client)
    cast = [{"name": f"N{n:03}" + "y" * 196, "role": f"r{n:03}" + "z" * 196} for n in range(200)]
    text = " ".join(f"w{n}" for n in range(1_800))
    show = await made_show(client, who, title="x" * 200, cast=cast, description=text)
    await made_event(client, who.headers, title="Full House", kind=None, showId=show["id"])
    for q in ("n199", "r199", "w1799", "x" * 200):
        assert await titles_of(client, who, q=q) == ["x" * 200], q
    assert await titles_of(client, who, "/events", q="n199 r000 w12") == ["Full House"]


async def test_own_shows_take_what_other_lists_take(client: httpx.AsyncClient) -> None:
    who = await organizer(client)
    await made_show(client, who, title="Élan", genre="Drame", language="Français")
    await made_show(client, who, title="Verve", genre="Comedy", language="Français")
    for wrong in ({"fields": "title,secret"}, {"genre": "x" * 101}, {"language": "x" * 101}):
        refused = await client.get(OWN, params=wrong, headers=who.headers)
        assert pointers(refused) == list(wrong)
    assert await titles_of(client, who, genre="DRAME") == ["Élan"]
    assert await titles_of(client, who, language="francais") == ["Verve", "Élan"]
    assert await titles_of(client, who, language="francais", genre="comedy") == ["Verve"]
    assert await titles_of(client, who, language="English") == []
    answer = await client.get(
        OWN, params={"fields": "title,announced", "genre": "drame"}, headers=who.headers
    )
    (show,) = answer.json()["items"]
    assert show.keys() == {"id", "title", "announced"}
    assert show["announced"] is False
