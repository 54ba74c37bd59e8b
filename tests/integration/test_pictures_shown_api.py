"""Which pictures events, shows and venues show, to whom, and in lists."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import httpx
import pytest_asyncio
import sqlalchemy as sa

from fullhouse.api.pagination import Slice
from fullhouse.catalog.filters import EventFilters, Order
from fullhouse.catalog.queries import events
from fullhouse.kit.db import RawConnection
from fullhouse.parts import Parts
from tests.support.catalog import in_days, made_event
from tests.support.organizations import Person, ask, organizer
from tests.support.pictures import picture, settled, upload, uploaded
from tests.support.venues import made_venue
from tests.support.venues import picture as made_picture


@pytest_asyncio.fixture(scope="module")
async def owner(client: httpx.AsyncClient) -> Person:
    return await organizer(client)


async def ready(client: httpx.AsyncClient, owner: Person, alt: str = "") -> str:
    """A real picture, uploaded and with its variants."""
    view = await uploaded(client, owner.headers, alt=alt)
    assert view["status"] == "ready"
    return str(view["id"])


async def seen(client: httpx.AsyncClient, path: str, who: Person | None = None) -> Any:
    """What is answered; to strangers, what is kept."""
    answer = await ask(client, who, "GET", path)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def listed(
    client: httpx.AsyncClient, path: str, item: str, who: Person | None = None
) -> dict[str, Any]:
    """One item of a list."""
    page = await seen(client, path, who)
    (found,) = [one for one in page["items"] if one["id"] == item]
    return dict(found)


def ids(view: dict[str, Any]) -> list[str]:
    return [image["id"] for image in view["images"]]


async def shown_on(
    client: httpx.AsyncClient, owner: Person, **event: Any
) -> tuple[dict[str, Any], str]:
    """A published event, and the address of its show."""
    made = await made_event(client, owner.headers, **event)
    return made, f"/shows/{made['showId']}"


async def change(
    client: httpx.AsyncClient, owner: Person, path: str, **fields: Any
) -> dict[str, Any]:
    answer = await ask(client, owner, "PATCH", path, fields)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def test_an_event_without_pictures_shows_its_shows(
    client: httpx.AsyncClient, owner: Person
) -> None:
    first, second, own = [await ready(client, owner, alt) for alt in ("One", "Two", "Own")]
    event, show = await shown_on(client, owner)
    path = f"/events/{event['id']}"
    assert (await seen(client, path, owner))["images"] == []
    await change(client, owner, show, images=[first, second])
    found = await seen(client, path, owner)
    assert [(one["id"], one["alt"]) for one in found["images"]] == [(first, "One"), (second, "Two")]
    assert found["images"] == (await seen(client, show, owner))["images"]
    # Its own take their place: else there would be no way to be rid of them.
    assert ids(await change(client, owner, path, images=[own])) == [own]
    assert ids(await seen(client, path, owner)) == [own]
    assert ids(await seen(client, show, owner)) == [first, second]
    # What is deleted is no picture of its own any more.
    assert (await ask(client, owner, "DELETE", f"/media/{own}")).status_code == 204
    assert ids(await seen(client, path, owner)) == [first, second]


async def test_lists_show_the_first_picture(client: httpx.AsyncClient, owner: Person) -> None:
    image, other = await ready(client, owner, "First"), await ready(client, owner, "Second")
    venue = await made_venue(client, owner, name="Pictured", images=[image, other])
    event, show = await shown_on(
        client, owner, title="Pictured film", kind="movie", location=None, venueId=venue["id"]
    )
    await ask(client, owner, "PUT", f"/users/me/favorites/{event['id']}")
    await change(client, owner, show, images=[image, other])
    whole = (await seen(client, show, owner))["images"]
    assert whole[0]["variants"]
    lists = {
        f"/events?venueId={venue['id']}": event["id"],
        "/organizer/events": event["id"],
        "/users/me/favorites": event["id"],
        "/movies?q=Pictured": event["showId"],
        "/shows?q=Pictured": event["showId"],
        "/organizer/shows": event["showId"],
        "/venues?q=Pictured": venue["id"],
        "/organizer/venues": venue["id"],
    }
    for path, item in lists.items():
        assert (await listed(client, path, item, owner))["image"] == whole[0], path
    fields = await seen(client, f"/events?venueId={venue['id']}&fields=image")
    assert fields["items"] == [{"id": event["id"], "image": whole[0]}]
    shown = await seen(client, show, owner)
    assert [one["image"] for one in shown["events"]] == [whole[0]]
    # The first is gone: now it is the next.
    assert (await ask(client, owner, "DELETE", f"/media/{image}")).status_code == 204
    for path, item in lists.items():
        assert (await listed(client, path, item, owner))["image"] == whole[1], path
    assert (await ask(client, owner, "DELETE", f"/media/{other}")).status_code == 204
    for path, item in lists.items():
        assert (await listed(client, path, item, owner))["image"] is None, path


async def test_kept_lists_drop_when_a_picture_changes(
    client: httpx.AsyncClient, owner: Person
) -> None:
    venue = await made_venue(client, owner, name="Kept")
    event, show = await shown_on(client, owner, location=None, venueId=venue["id"])
    path = f"/events?venueId={venue['id']}"

    async def is_shown(*image: str) -> None:
        """To strangers, whose answers are kept for a minute, as soon as the change is heard of."""
        found: Any = None
        for _ in range(200):
            first = (await listed(client, path, event["id"]))["image"]
            found = () if first is None else (first["id"], first["alt"])
            if found == image:
                return
            await asyncio.sleep(0.02)
        raise AssertionError(found)

    await is_shown()
    sent = (await upload(client, owner.headers, picture(), alt="A")).json()["id"]
    await change(client, owner, show, images=[sent])
    await is_shown(sent, "A")
    await change(client, owner, f"/media/{sent}", alt="B")
    await is_shown(sent, "B")
    other = await ready(client, owner, "C")
    await change(client, owner, f"/events/{event['id']}", images=[other])
    await is_shown(other, "C")
    assert (await ask(client, owner, "DELETE", f"/media/{other}")).status_code == 204
    await is_shown(sent, "B")
    await change(client, owner, show, images=[])
    await is_shown()


@pytest_asyncio.fixture
async def quiet(parts: Parts) -> AsyncIterator[None]:
    """No variants are made meanwhile."""
    await parts.housekeeper.stop()
    yield
    await parts.housekeeper.start()


async def test_only_organizers_are_shown_what_is_still_processed(
    client: httpx.AsyncClient, owner: Person, parts: Parts, quiet: None
) -> None:
    stranger = await organizer(client)
    sent = (await upload(client, owner.headers, picture(), alt="Soon")).json()["id"]
    venue = await made_venue(client, owner, name="Waiting", images=[sent])
    event, show = await shown_on(
        client, owner, title="Waiting film", kind="movie", location=None, venueId=venue["id"]
    )
    addresses = {
        f"/events/{event['id']}": (f"/events?venueId={venue['id']}", "/organizer/events"),
        show: ("/movies?q=Waiting", "/organizer/shows"),
        f"/movies/{event['showId']}": ("/shows?q=Waiting", "/organizer/shows"),
        f"/venues/{venue['id']}": ("/venues?q=Waiting", "/organizer/venues"),
    }
    answered = await change(client, owner, show, images=[sent])
    waiting = {
        "id": sent, "status": "processing", "url": None, "alt": "Soon",
        "width": 800, "height": 400, "variants": [],
    }  # fmt: skip
    assert answered["images"] == venue["images"] == [waiting]
    for path, (public, own) in addresses.items():
        assert (await seen(client, path, owner))["images"] == [waiting], path
        item = path.rpartition("/")[2]
        assert (await listed(client, own, item, owner))["image"] == waiting, own
        for who in (stranger, None):
            assert (await seen(client, path, who))["images"] == [], path
            assert (await listed(client, public, item, who))["image"] is None, public
    await parts.housekeeper.start()
    await settled(client, owner.headers, sent)
    for path, (public, own) in addresses.items():
        (image,) = (await seen(client, path, stranger))["images"]
        assert (image["id"], image["status"], len(image["variants"])) == (sent, "ready", 6)
        item = path.rpartition("/")[2]
        assert (await listed(client, own, item, owner))["image"] == image, own
        assert (await listed(client, public, item, stranger))["image"] == image, public


async def test_a_failed_picture_is_shown_to_nobody(
    client: httpx.AsyncClient, owner: Person, connection: RawConnection
) -> None:
    broken = await made_picture(connection, owner.organization, "processing")
    own = await ready(client, owner)
    event, show = await shown_on(client, owner)
    path = f"/events/{event['id']}"
    await change(client, owner, path, images=[broken])
    await change(client, owner, show, images=[own])
    assert ids(await seen(client, path, owner)) == [broken]
    # Strangers see the show's as long as the event's own is not there.
    assert ids(await seen(client, path, await organizer(client))) == [own]
    failed = "UPDATE media SET status = 'failed', failure = 'x' WHERE id = $1"
    await connection.execute(failed, UUID(broken))
    assert ids(await seen(client, path, owner)) == [own]


async def test_pictures_of_a_list_are_read_at_once(
    client: httpx.AsyncClient, owner: Person, parts: Parts
) -> None:
    venue = await made_venue(client, owner, name="Quick")
    for number in range(3):
        image = await ready(client, owner)
        event, show = await shown_on(client, owner, location=None, venueId=venue["id"],
                                     startsAt=in_days(30 + number))  # fmt: skip
        await change(client, owner, show, images=[image])
        await change(client, owner, f"/events/{event['id']}", images=[image])
    statements: list[str] = []

    def note(*details: Any) -> None:
        statements.append(details[2])

    engine = parts.database._engine.sync_engine
    counts = []
    sa.event.listen(engine, "before_cursor_execute", note)
    try:
        for limit in (1, 3):
            statements.clear()
            filters = EventFilters(venue_id=UUID(venue["id"]))
            found = await events(parts.database, filters, Order("startsAt"), Slice(limit))
            assert [row.image is None for row in found.items] == [False] * limit
            counts.append(len(statements))
    finally:
        sa.event.remove(engine, "before_cursor_execute", note)
    assert counts == [3, 3]
