"""Where pictures lie, and that nothing is lost, doubled or left behind when something fails.

A storage that speaks S3 is a real one on a port of its own; what dies here are real processes.
"""

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest
import pytest_asyncio
from pydantic import SecretStr

from fullhouse.adapters.storage import storage
from fullhouse.adapters.storage.objects import bucket
from fullhouse.app import compose
from fullhouse.kit.db import Database, RawConnection
from fullhouse.kit.errors import Refused
from fullhouse.media import jobs, pictures
from fullhouse.media.parts import Media
from fullhouse.media.storage import StorageUnavailable, key_of_original
from fullhouse.media.workshop import Workshop
from fullhouse.parts import Parts, check, make_parts
from fullhouse.settings import Settings, SettingsError, as_environment
from tests.support.asgi import client_of
from tests.support.catalog import API
from tests.support.people import signed_in
from tests.support.pictures import opened, photo, picture, settled, upload, uploaded
from tests.support.s3 import KEY, REGION, SECRET, S3Server, s3_server
from tests.support.settings import settings_for

Headers = dict[str, str]
BUCKET = "pictures-of-tests"


@pytest.fixture(scope="module")
def s3() -> Iterator[S3Server]:
    with s3_server() as server:
        server.make_bucket(BUCKET)
        yield server


@pytest.fixture(scope="module")
def settings(database_url: str, s3: S3Server) -> Settings:
    return settings_for(
        database_url,
        media_s3_bucket=BUCKET,
        media_s3_endpoint=s3.url,
        media_s3_region=REGION,
        media_s3_access_key_id=KEY,
        media_s3_secret_access_key=SecretStr(SECRET),
    )


@pytest_asyncio.fixture(scope="module")
async def organizer(client: httpx.AsyncClient) -> Headers:
    return await signed_in(client, role="ORGANIZER")


def of(media_id: str, keys: list[str]) -> list[str]:
    return [key for key in keys if media_id in key]


async def row_of(connection: RawConnection, media_id: str) -> dict[str, Any]:
    row = await connection.fetchrow("SELECT * FROM media WHERE id = $1", UUID(media_id))
    assert row is not None
    return dict(row)


async def until(condition: Any) -> None:
    """Return when the condition holds, which it must soon."""
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        await asyncio.sleep(0.02)


# --- a bucket


async def test_picture_lives_in_the_bucket(
    client: httpx.AsyncClient, organizer: Headers, s3: S3Server
) -> None:
    data = photo()
    view = await uploaded(client, organizer, data)
    assert view["status"] == "ready"
    await until(lambda: not any("originals/" in key for key in of(view["id"], s3.keys(BUCKET))))
    names = {one["url"].rpartition("/")[2] for one in view["variants"]}
    assert set(of(view["id"], s3.keys(BUCKET))) == {
        f"pictures/{view['id']}/{name}" for name in names
    }
    for one in view["variants"]:
        answer = await client.get(one["url"])
        assert opened(answer.content).size == (one["width"], one["height"])
        data, described = s3.read(BUCKET, f"pictures{one['url'].removeprefix('/media')}")
        assert data == answer.content
        assert described["Content-Type"] == one["contentType"]
        assert described["Cache-Control"] == "public, max-age=31536000, immutable"
    deleted = await client.delete(f"{API}/media/{view['id']}", headers=organizer)
    assert deleted.status_code == 204
    await until(lambda: not of(view["id"], s3.keys(BUCKET)))


async def test_while_the_storage_is_away_nothing_is_half_done(
    client: httpx.AsyncClient, organizer: Headers, s3: S3Server, connection: RawConnection
) -> None:
    view = await uploaded(client, organizer)
    before = await connection.fetchval("SELECT count(*) FROM media")
    s3.stop()
    try:
        for answer in (
            await upload(client, organizer, picture()),
            await client.get(view["url"]),
        ):
            assert (answer.status_code, answer.json()["code"]) == (
                503, "media_storage_unavailable",
            )  # fmt: skip
            assert int(answer.headers["retry-after"]) > 0
        # What browsers have, and everything else, needs no storage.
        known = {"If-None-Match": f'"{view["id"]}-800.webp"'}
        assert (await client.get(view["url"], headers=known)).status_code == 304
        assert (await client.get(f"{API}/media/{view['id']}", headers=organizer)).json() == view
        assert await connection.fetchval("SELECT count(*) FROM media") == before
    finally:
        s3.start()
    assert (await client.get(view["url"])).status_code == 200
    assert (await uploaded(client, organizer))["status"] == "ready"


async def test_variants_wait_for_a_storage_that_is_away(
    media: Media, idle: Headers, idle_client: httpx.AsyncClient, connection: RawConnection,
    s3: S3Server,
) -> None:  # fmt: skip
    media_id = (await upload(idle_client, idle, picture())).json()["id"]
    s3.stop()
    try:
        for _ in range(2 * 5):
            await connection.execute(_FREE)
            await jobs.make_variants(media)
    finally:
        s3.start()
    row = await row_of(connection, media_id)
    # However long it is away: that is no fault of the picture.
    assert (row["status"], row["attempts"]) == ("processing", 0)
    await connection.execute(_FREE)
    await jobs.make_variants(media)
    assert (await row_of(connection, media_id))["status"] == "ready"


async def test_public_address_of_the_storage_is_where_browsers_go(
    settings: Settings, client: httpx.AsyncClient, organizer: Headers, s3: S3Server
) -> None:
    view = await uploaded(client, organizer)
    there = f"{s3.url}/{BUCKET}"
    elsewhere = settings.model_copy(update={"media_public_url": f"{there}/"})
    async with client_of(compose(make_parts(elsewhere))) as other:
        answer = await other.get(view["url"])
        assert answer.status_code == 302
        assert answer.headers["location"] == f"{there}/pictures/{view['id']}/800.webp"
        assert f"pictures/{view['id']}/800.webp" in s3.keys(BUCKET)
        for wrong in ("801.webp", "original"):
            answer = await other.get(f"/media/{view['id']}/{wrong}")
            assert answer.status_code == 404


# --- what several processes do, and what one does that dies

_FREE = "UPDATE media SET claimed_until = NULL WHERE status = 'processing'"


@pytest.fixture
def media(settings: Settings, database: Database) -> Iterator[Media]:
    """The media of another process, which does only what the test says."""
    parts = make_parts(settings)
    workshop = Workshop()
    yield Media(database, parts.media.storage, workshop, settings.max_media_bytes)
    workshop.close()
    parts.media.storage.close()


@pytest_asyncio.fixture
async def idle_client(settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
    """A server that takes pictures in and makes no variants of them."""
    parts = make_parts(settings)
    parts.housekeeper._chores = []
    async with client_of(compose(parts)) as client:
        yield client


@pytest_asyncio.fixture
async def idle(idle_client: httpx.AsyncClient, organizer: Headers, quiet: None) -> Headers:
    return organizer


@pytest_asyncio.fixture
async def quiet(parts: Parts) -> AsyncIterator[None]:
    """The module's own server does nothing by itself meanwhile."""
    await parts.housekeeper.stop()
    yield
    await parts.housekeeper.start()


class Counting:
    """The workshop of a process, which notes what it is asked to make."""

    def __init__(self, workshop: Workshop, made: list[bytes]) -> None:
        self._workshop = workshop
        self._made = made

    async def make(self, data: bytes) -> pictures.Answer:
        self._made.append(data)
        return await self._workshop.make(data)


async def test_variants_are_made_once_by_several_processes(
    idle_client: httpx.AsyncClient, idle: Headers, media: Media, settings: Settings,
    database_url: str, s3: S3Server,
) -> None:  # fmt: skip
    sent = [picture(width=700 + number) for number in range(4)]
    ids = [(await upload(idle_client, idle, data)).json()["id"] for data in sent]
    others = [Database(database_url) for _ in range(3)]
    made: list[bytes] = []
    crowd = [
        Media(database, media.storage, Counting(media.workshop, made), 0)  # type: ignore[arg-type]
        for database in others
    ]
    await asyncio.gather(*(jobs.make_variants(one) for one in crowd))
    for database in others:
        await database.close()
    assert sorted(made) == sorted(sent)
    for media_id in ids:
        view = await settled(idle_client, idle, media_id)
        assert view["status"] == "ready"
        names = [one["url"].rpartition("/")[2] for one in view["variants"]]
        assert len(names) == len(set(names)) == 6
        assert of(media_id, s3.keys(BUCKET)) == sorted(
            f"pictures/{media_id}/{name}" for name in names
        )


def children(what: str) -> list[int]:
    """The processes of this one that read or make pictures."""
    found = []
    for process in Path("/proc").iterdir():
        try:
            line = (process / "cmdline").read_bytes().split(b"\0")
            parent = int((process / "stat").read_text().rpartition(")")[2].split()[1])
        except (OSError, ValueError):
            continue
        if pictures.__name__.encode() in line and what.encode() in line and parent == os.getpid():
            found.append(int(process.name))
    return found


async def test_process_that_is_killed_at_work_is_replaced(
    idle_client: httpx.AsyncClient, idle: Headers, media: Media, connection: RawConnection,
    s3: S3Server,
) -> None:  # fmt: skip
    media_id = (await upload(idle_client, idle, picture(width=4_000, height=3_000))).json()["id"]
    working = asyncio.ensure_future(jobs.make_variants(media))
    await until(lambda: children(pictures.MAKE))
    for pid in children(pictures.MAKE):
        os.kill(pid, signal.SIGKILL)
    await working
    row = await row_of(connection, media_id)
    assert (row["status"], row["attempts"]) == ("processing", 1)
    await connection.execute(_FREE)
    await jobs.make_variants(media)
    row = await row_of(connection, media_id)
    assert (row["status"], row["attempts"]) == ("ready", 2)
    assert len(of(media_id, s3.keys(BUCKET))) == 8


async def test_picture_that_ends_every_process_is_given_up(
    idle_client: httpx.AsyncClient, idle: Headers, media: Media, connection: RawConnection,
    s3: S3Server,
) -> None:  # fmt: skip
    media_id = (await upload(idle_client, idle, picture())).json()["id"]
    await connection.execute("UPDATE media SET attempts = 5 WHERE id = $1", UUID(media_id))
    await jobs.make_variants(media)
    row = await row_of(connection, media_id)
    assert (row["status"], row["failure"]) == ("failed", jobs.TRIED_TOO_OFTEN)
    assert of(media_id, s3.keys(BUCKET)) == []
    view = await settled(idle_client, idle, media_id)
    assert (view["url"], view["variants"], view["failure"]) == (None, [], jobs.TRIED_TOO_OFTEN)


async def test_server_that_dies_at_work_leaves_it_to_another(
    idle_client: httpx.AsyncClient, idle: Headers, media: Media, connection: RawConnection,
    s3: S3Server,
) -> None:  # fmt: skip
    """Its claim runs out; what it has written already is written again in the same places."""
    data = picture()
    media_id = (await upload(idle_client, idle, data)).json()["id"]
    folder = f"pictures/{media_id}"
    await media.storage.put(f"{folder}/320.webp", b"half", "image/webp")
    await connection.execute(
        "UPDATE media SET claimed_until = now() + interval '1 hour', attempts = 1 WHERE id = $1",
        UUID(media_id),
    )
    await jobs.make_variants(media)
    assert (await row_of(connection, media_id))["status"] == "processing"
    await connection.execute(
        "UPDATE media SET claimed_until = now() - interval '1 second' WHERE id = $1",
        UUID(media_id),
    )
    await jobs.make_variants(media)
    assert (await row_of(connection, media_id))["status"] == "ready"
    assert len(of(media_id, s3.keys(BUCKET))) == 6
    assert opened((await media.storage.get(f"{folder}/320.webp")) or b"").size == (320, 160)


async def test_server_that_stops_gives_its_work_back(
    idle_client: httpx.AsyncClient, idle: Headers, media: Media, connection: RawConnection
) -> None:
    media_id = (await upload(idle_client, idle, picture(width=3_000, height=2_000))).json()["id"]
    working = asyncio.ensure_future(jobs.make_variants(media))
    await until(lambda: children(pictures.MAKE))
    working.cancel()
    with pytest.raises(asyncio.CancelledError):
        await working
    row = await row_of(connection, media_id)
    assert (row["status"], row["attempts"]) == ("processing", 0)
    await jobs.make_variants(media)
    assert (await row_of(connection, media_id))["status"] == "ready"


async def test_picture_deleted_while_it_is_made_leaves_nothing(
    idle_client: httpx.AsyncClient, idle: Headers, media: Media, connection: RawConnection,
    s3: S3Server,
) -> None:  # fmt: skip
    media_id = (await upload(idle_client, idle, picture(width=3_000, height=2_000))).json()["id"]
    working = asyncio.ensure_future(jobs.make_variants(media))
    await until(lambda: children(pictures.MAKE))
    answer = await idle_client.delete(f"{API}/media/{media_id}", headers=idle)
    assert answer.status_code == 204
    # While somebody writes, nothing is cleared away: it would come again.
    await jobs.clear_deleted(media)
    assert of(media_id, s3.keys(BUCKET))
    await working
    await jobs.clear_deleted(media)
    assert of(media_id, s3.keys(BUCKET)) == []
    row = await row_of(connection, media_id)
    assert row["cleared_at"] is not None
    assert row["status"] == "processing"


async def test_upload_that_is_lost_fails(
    idle_client: httpx.AsyncClient, idle: Headers, media: Media, connection: RawConnection
) -> None:
    media_id = (await upload(idle_client, idle, picture())).json()["id"]
    row = await row_of(connection, media_id)
    await media.storage.delete([key_of_original(UUID(media_id), row["sha256"])])
    await jobs.make_variants(media)
    row = await row_of(connection, media_id)
    assert (row["status"], row["failure"]) == ("failed", jobs.LOST)


async def test_what_nobody_needs_is_swept_away(
    idle_client: httpx.AsyncClient, idle: Headers, media: Media, s3: S3Server
) -> None:
    waiting = (await upload(idle_client, idle, picture())).json()["id"]
    ready = (await upload(idle_client, idle, picture(width=401))).json()["id"]
    orphan = key_of_original(UUID(int=7), bytes(32))
    await media.storage.put(orphan, b"of a request that died", "image/jpeg")
    await media.storage.put("originals/notes.txt", b"somebody else's", "text/plain")
    await jobs.sweep_originals(media)
    assert orphan in s3.keys(BUCKET)  # it may still be on its way
    await jobs.sweep_originals(media, young=timedelta(seconds=-60))
    keys = s3.keys(BUCKET)
    assert orphan not in keys
    assert "originals/notes.txt" in keys
    assert all(of(media_id, keys) for media_id in (waiting, ready))
    await jobs.make_variants(media)
    for media_id in (waiting, ready):
        assert (await settled(idle_client, idle, media_id))["status"] == "ready"


# --- processes that read what anybody sent


async def test_picture_that_breaks_its_reader_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """A reader that crashes, or takes all memory or time there is, is the picture's fault."""
    workshop = Workshop(seconds=60)
    try:
        for module in ("ends_badly", "eats_memory", "writes_without_end", "answers_nonsense"):
            monkeypatch.setattr(pictures, "__name__", f"tests.support.bad_readers.{module}")
            with pytest.raises(Refused) as refused:
                await workshop.inspect(picture())
            assert refused.value.code.name == "media_unreadable", module
    finally:
        workshop.close()


async def test_too_slow_or_killed_readers_are_tried_again_later(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(pictures, "__name__", "tests.support.bad_readers.sleeps")
    workshop = Workshop(seconds=1)
    try:
        with pytest.raises(Refused) as refused:
            await workshop.inspect(picture())
        assert refused.value.code.name == "overloaded"
    finally:
        workshop.close()


def told_by_proc(pid: int, what: str) -> bytes:
    return Path(f"/proc/{pid}/{what}").read_bytes()


async def test_readers_know_no_settings_and_step_back(parts: Parts) -> None:
    """While a large picture is made: its environment, its limits and its priority."""
    secret = as_environment(parts.settings)["FULLHOUSE_MEDIA_S3_SECRET_ACCESS_KEY"].encode()
    working = asyncio.ensure_future(parts.media.workshop.make(picture(width=4_000, height=3_000)))
    await until(lambda: children(pictures.MAKE))
    (pid, *_) = children(pictures.MAKE)
    environment = told_by_proc(pid, "environ")
    assert secret not in environment
    assert b"FULLHOUSE" not in environment
    own = os.getpriority(os.PRIO_PROCESS, 0)
    await until(lambda: os.getpriority(os.PRIO_PROCESS, pid) == min(own + 10, 19))
    limits = told_by_proc(pid, "limits").decode()
    for kind in ("Max cpu time", "Max address space", "Max file size", "Max core file size"):
        (line,) = (line for line in limits.splitlines() if line.startswith(kind))
        assert "unlimited" not in line
    assert os.getsid(pid) != os.getsid(0)
    assert (await working).made


async def test_too_many_uploads_at_once_are_sent_away() -> None:
    workshop = Workshop()
    places = [workshop.place() for _ in range(11)]
    for place in places[:10]:
        await place.__aenter__()
    with pytest.raises(Refused) as refused:
        await places[10].__aenter__()
    assert (refused.value.code.name, refused.value.retry_after_seconds) == ("overloaded", 5)
    await places[0].__aexit__(None, None, None)
    async with workshop.place():
        pass
    for place in places[1:10]:
        await place.__aexit__(None, None, None)
    workshop.close()


# --- a folder


async def test_folder_is_for_the_server_alone(tmp_path: Path) -> None:
    folder = tmp_path / "deep" / "media"
    place = storage(folder)
    assert not folder.exists()
    assert list(await place.list("pictures")) == []
    await place.put("pictures/a/1.webp", b"first", "image/webp")
    await place.put("pictures/a/1.webp", b"second", "image/webp")
    assert folder.stat().st_mode & 0o777 == 0o700
    assert (await place.get("pictures/a/1.webp"), await place.get("pictures/a/2.webp")) == (
        b"second", None,
    )  # fmt: skip
    assert [one.key for one in await place.list("pictures/a")] == ["pictures/a/1.webp"]
    await place.delete(["pictures/a/1.webp", "pictures/a/2.webp"])
    assert list(await place.list("pictures")) == []
    assert place.public_url("pictures/a/1.webp") is None
    for outside in ("../outside", "pictures/../../outside", "%2e%2e/../outside"):
        with pytest.raises(StorageUnavailable):
            await place.put(outside, b"x", "image/webp")
    place.close()
    assert not [name for _, _, names in os.walk(tmp_path) for name in names if name == "outside"]


async def test_folder_that_cannot_be_is_a_storage_that_is_away(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    place = storage(tmp_path / "file" / "media")
    for work in (
        place.put("pictures/a", b"x", "image/webp"), place.get("pictures/a"),
        place.list("pictures"), place.delete(["pictures/a"]),
    ):  # fmt: skip
        with pytest.raises(StorageUnavailable):
            await work
    place.close()


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ({"media_s3_endpoint": "http://127.0.0.1:1"}, "media_s3_bucket must be set"),
        ({"media_s3_access_key_id": "x"}, "media_s3_bucket must be set"),
        ({"media_s3_bucket": "a", "media_s3_access_key_id": "x"}, "go together"),
        (
            {"media_s3_bucket": "a", "media_s3_secret_access_key": SecretStr("kanarie")},
            "go together",
        ),
        ({"media_s3_bucket": "a", "media_s3_endpoint": "127.0.0.1"}, "media_s3_endpoint must be"),
        ({"media_public_url": "ftp://host/"}, "media_public_url must be"),
        ({"media_public_url": "https://user:kanarie@host/"}, "media_public_url must be"),
    ],
    ids=["endpoint", "key", "no-secret", "no-key", "no-scheme", "ftp", "password"],
)
def test_settings_that_make_no_sense(
    database_url: str, options: dict[str, Any], complaint: str
) -> None:
    with pytest.raises(SettingsError, match=complaint) as refused:
        check(settings_for(database_url, **options))
    assert "\n" not in str(refused.value)
    assert "kanarie" not in str(refused.value)


def test_bucket_may_be_named_in_the_host() -> None:
    """As Amazon has it; nobody is asked here."""
    make = bucket(
        "stage", endpoint="https://s3.example:9000", region="r", keys=("k", "s"), path_style=False
    )
    config = dict(make().config)
    assert config["endpoint"] == "https://stage.s3.example:9000"
    assert str(config["virtual_hosted_style_request"]).lower() == "true"
