"""The demo data: as the contract says, once, and only where there is nobody else."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
import pytest_asyncio
import structlog

from fullhouse import databases, demo, serving
from fullhouse.accounts.commands import registration as accounts
from fullhouse.demo import DemoRefused, DemoSummary, load_demo
from fullhouse.kit.embedded import EmbeddedPostgres
from fullhouse.parts import Parts, make_parts
from tests.support.asgi import bearer
from tests.support.people import new_email
from tests.support.postgres import cloned_database
from tests.support.settings import settings_for


async def load(parts: Parts, now: datetime) -> DemoSummary:
    return await load_demo(parts.database, parts.accounts.hasher, parts.seat_maps, now)


@pytest.fixture(scope="module")
def now() -> datetime:
    return datetime.now(UTC)


@pytest_asyncio.fixture(scope="module")
async def loaded(parts: Parts, now: datetime) -> DemoSummary:
    return await load(parts, now)


@pytest_asyncio.fixture
async def other_parts(postgres: EmbeddedPostgres, template: str) -> AsyncIterator[Parts]:
    """The parts of a process on a database of its own."""
    async with cloned_database(postgres, template) as url:
        parts = make_parts(settings_for(url))
        yield parts
        parts.accounts.hasher.close()
        await parts.database.close()


async def event(client: httpx.AsyncClient, slug: str) -> dict[str, Any]:
    answer = await client.get(f"/api/v1/events/{slug}")
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


@pytest.mark.parametrize(
    ("address", "demo", "is_open"),
    [
        ("127.0.0.1", True, False),
        ("::1", True, False),
        ("0.0.0.0", True, True),
        ("192.0.2.1", True, True),
        ("::", True, True),
        ("127.0.0.1", False, True),  # a proxy may stand in front
    ],
)
def test_logins_that_others_could_use_are_warned_of(
    address: str, demo: bool, is_open: bool
) -> None:
    with structlog.testing.capture_logs() as lines:
        serving._warn_of_open_demo(["admin@test.com"], address, demo=demo)
        serving._warn_of_open_demo([], address, demo=demo)
    said = [(line["event"], line["accounts"]) for line in lines]
    assert said == ([("demo_accounts_are_open", ["admin@test.com"])] if is_open else [])


async def test_open_logins_are_found_without_the_demo(other_parts: Parts, now: datetime) -> None:
    assert sorted(databases.DEMO_ADDRESSES) == sorted(login.email for login in demo.LOGINS)
    assert other_parts.settings.database_url is not None
    url = other_parts.settings.database_url.get_secret_value()
    assert await databases._demo_accounts(url) == []
    await load(other_parts, now)
    assert await databases._demo_accounts(url) == sorted(databases.DEMO_ADDRESSES)
    async with other_parts.database.begin() as connection:
        await connection.exec_driver_sql(
            "UPDATE users SET disabled_at = now() WHERE email = 'admin@test.com'"
        )
    assert await databases._demo_accounts(url) == ["buyer@test.com", "organizer@test.com"]


async def test_it_refuses_a_database_with_other_organizations(
    other_parts: Parts, now: datetime
) -> None:
    await accounts.create_user(
        other_parts.database,
        other_parts.accounts.hasher,
        name="Somebody",
        email=new_email(),
        password="correct horse battery",
        role="ORGANIZER",
        organization_name="A real theatre",
    )
    with pytest.raises(DemoRefused, match="A real theatre"):
        await load(other_parts, now)
    async with other_parts.database.read() as connection:
        found = await connection.exec_driver_sql("SELECT count(*) FROM users")
        assert found.scalar_one() == 1


async def test_it_says_what_it_made(loaded: DemoSummary) -> None:
    assert loaded == DemoSummary(accounts=3, events=7, showtimes=27)
    assert loaded.changed


async def test_again_on_the_same_day_it_changes_nothing(
    parts: Parts, loaded: DemoSummary, now: datetime
) -> None:
    again = await load(parts, now)
    assert again == DemoSummary(0, 0, 0)
    assert not again.changed


async def test_the_logins_work(client: httpx.AsyncClient, loaded: DemoSummary) -> None:
    for login in demo.LOGINS:
        answer = await client.post(
            "/api/v1/auth/login", json={"email": login.email, "password": login.password}
        )
        assert answer.status_code == 200
        assert answer.json()["user"]["role"] == login.role
    organizer = await client.post(
        "/api/v1/auth/login",
        json={"email": "organizer@test.com", "password": "Organizer123!"},
    )
    own = await client.get(
        "/api/v1/organizer/events", headers=bearer(organizer.json()["accessToken"])
    )
    assert len(own.json()["items"]) == 7


@pytest.mark.parametrize(
    ("slug", "categories"),
    [
        ("rock-concert", {"VIP": (15_000, 100), "General": (5_000, 900)}),
        (
            "tech-conference",
            {"Premium": (20_000, 50), "Student": (3_000, 200), "General": (8_000, 250)},
        ),
        ("open-day", {"Entry": (0, 60)}),
        (
            "the-glass-garden",
            {"Premium": (12_000, 104), "Standard": (8_000, 312), "Balcony": (4_500, 184)},
        ),
    ],
)
async def test_events_and_prices(
    client: httpx.AsyncClient,
    loaded: DemoSummary,
    slug: str,
    categories: dict[str, tuple[int, int]],
) -> None:
    found = await event(client, slug)
    assert found["status"] == "published"
    assert found["showtimes"]
    for showtime in found["showtimes"]:
        assert {
            category["name"]: (category["price"]["amount"], category["available"])
            for category in showtime["categories"]
        } == categories
        assert {category["price"]["currency"] for category in showtime["categories"]} == {"USD"}


async def test_the_cinema_shows_three_movies_a_week(
    client: httpx.AsyncClient, loaded: DemoSummary, now: datetime
) -> None:
    movies = (await client.get("/api/v1/movies?status=now_showing")).json()["items"]
    assert len(movies) == 3
    for movie in movies:
        answer = await client.get(f"/api/v1/movies/{movie['id']}/showtimes?limit=100")
        showtimes = answer.json()["items"]
        assert len(showtimes) == 7
        for showtime in showtimes:
            starts_at = datetime.fromisoformat(showtime["startsAt"])
            assert now < starts_at < now + timedelta(days=8)
            assert showtime["hall"]["name"] == "Hall 1"
            assert [category["capacity"] for category in showtime["categories"]] == [100]


async def test_it_leaves_alone_what_somebody_has_changed(other_parts: Parts, now: datetime) -> None:
    """Whoever has tried the demo can start it again, whatever they did."""
    await load(other_parts, now)
    async with other_parts.database.begin() as connection:
        # Moved where the demo would add another; and buried under more events than a page has.
        await connection.exec_driver_sql(
            "UPDATE showtimes SET starts_at = starts_at + interval '10 minutes',"
            " ends_at = ends_at + interval '10 minutes',"
            " busy_until = busy_until + interval '10 minutes'"
        )
        await connection.exec_driver_sql(
            "UPDATE events SET title = 'Renamed' WHERE title = 'The Glass Garden'"
        )
        await connection.exec_driver_sql(
            "INSERT INTO events (id, organization_id, show_id, slug, title, description, currency,"
            " timezone, status, policy) SELECT gen_random_uuid(), organization_id, show_id,"
            " slug || n, title || n, '', currency, timezone, 'draft', policy"
            " FROM events, generate_series(1, 120) AS n WHERE slug = 'rock-concert'"
        )
    again = await load(other_parts, now)
    assert (again.accounts, again.events) == (0, 0)


async def test_it_fills_the_days_to_come(other_parts: Parts, now: datetime) -> None:
    await load(other_parts, now - timedelta(days=3))
    later = await load(other_parts, now)
    assert later == DemoSummary(accounts=0, events=0, showtimes=9)
    async with other_parts.database.begin() as connection:
        # As if nobody had started it for a year.
        await connection.exec_driver_sql(
            "UPDATE showtimes SET starts_at = starts_at - interval '1 year', "
            "ends_at = ends_at - interval '1 year', "
            "busy_until = busy_until - interval '1 year'"
        )
    assert (await load(other_parts, now)).showtimes == 27
