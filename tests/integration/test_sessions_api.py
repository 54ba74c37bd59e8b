"""Going on with a session, and what happens to those who come with somebody else's token."""

import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest
import pytest_asyncio

from fullhouse.accounts.sessions import GRACE, RefreshTokens
from fullhouse.app import compose
from fullhouse.kit.db import RawConnection
from fullhouse.kit.ids import new_id
from fullhouse.parts import Parts, make_parts
from fullhouse.settings import Settings
from tests.support.asgi import client_of
from tests.support.locks import until_blocked
from tests.support.sessions import (
    AUTH,
    OWN_PAGE,
    PLAIN,
    SECURE,
    Entered,
    another_server,
    cookies_of,
    entered,
    keep_no_cookies,
    log_in,
    newcomer,
    refresh,
    refusal,
    status_of,
)
from tests.support.settings import SECRET, settings_for

OVER = (401, "session_over")
NO_HEADER = (403, "csrf_header_missing")
SHOP = "https://shop.example"


@pytest.fixture(scope="module")
def settings(database_url: str) -> Settings:
    """A server behind a proxy, and one more site whose pages may call it."""
    return settings_for(database_url, trusted_proxies="127.0.0.1", cors_origins=SHOP)


@pytest.fixture(autouse=True)
def _cookies_by_hand(client: httpx.AsyncClient) -> None:
    keep_no_cookies(client)


@pytest_asyncio.fixture(scope="module")
async def other(settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
    """Another server on the same database."""
    async with another_server(settings) as (client, _):
        yield client


async def age(connection: RawConnection, who: Entered, seconds: float) -> None:
    """Let so much time pass since the session's last rotation."""
    await connection.execute(
        "UPDATE sessions SET rotated_at = rotated_at - make_interval(secs => $2) WHERE id = $1",
        who.session_id,
        seconds,
    )


async def rotated(client: httpx.AsyncClient, who: Entered) -> Entered:
    """The session after one more refresh."""
    return entered(await refresh(client, who.cookie))


async def generation_of(connection: RawConnection, who: Entered) -> int:
    found: int = await connection.fetchval(
        "SELECT generation FROM sessions WHERE id = $1", who.session_id
    )
    return found


async def thefts(connection: RawConnection, who: Entered) -> list[tuple[str, str]]:
    """What the audit log tells of the session."""
    rows = await connection.fetch(
        "SELECT actor_kind, action FROM audit_log WHERE object_id = $1", str(who.session_id)
    )
    return [(row["actor_kind"], row["action"]) for row in rows]


# --- nothing to go on with


async def test_without_a_token_of_ours_there_is_nothing_to_go_on_with(
    client: httpx.AsyncClient, connection: RawConnection
) -> None:
    ada = await newcomer(client)
    elsewhere = RefreshTokens(SECRET + "!")
    ours = RefreshTokens(SECRET)
    known = ours.read(ada.cookie)
    assert known is not None
    for cookie in (
        None,
        "",
        "nonsense",
        ada.access,
        ada.cookie[:-1],
        ada.cookie + "A",
        elsewhere.write(known),
        ours.write(ours.first(new_id())),
    ):
        answer = await refresh(client, cookie)
        assert refusal(answer) == OVER, cookie
        assert "accessToken" not in answer.json()
        assert not cookies_of(answer)
    # Nothing of that has touched the session.
    assert await thefts(connection, ada) == []
    assert await status_of(client, await rotated(client, ada)) == 200


@pytest.mark.parametrize("end", ["idle_until", "ends_at"])
async def test_a_session_that_has_run_out_is_over(
    client: httpx.AsyncClient, connection: RawConnection, end: str
) -> None:
    ada = await newcomer(client)
    await connection.execute(
        f"UPDATE sessions SET {end} = clock_timestamp() WHERE id = $1", ada.session_id
    )
    assert refusal(await refresh(client, ada.cookie)) == OVER
    assert await status_of(client, ada) == 401
    assert await thefts(connection, ada) == []


async def test_each_refresh_puts_off_the_idle_end_and_never_the_last_one(
    client: httpx.AsyncClient, connection: RawConnection
) -> None:
    ada = await newcomer(client)
    await connection.execute(
        "UPDATE sessions SET idle_until = clock_timestamp() + interval '1 hour',"
        " ends_at = clock_timestamp() + interval '2 days' WHERE id = $1",
        ada.session_id,
    )
    ends = "SELECT ends_at FROM sessions WHERE id = $1"
    before = await connection.fetchval(ends, ada.session_id)
    answer = await refresh(client, ada.cookie)
    assert await connection.fetchval(ends, ada.session_id) == before
    idle = await connection.fetchval(
        "SELECT idle_until > clock_timestamp() + interval '29 days' FROM sessions WHERE id = $1",
        ada.session_id,
    )
    assert idle
    (cookie,) = cookies_of(answer)
    # The browser keeps it no longer than it is good.
    assert 86_400 < int(cookie.attributes["max-age"]) <= 2 * 86_400


@pytest.mark.parametrize("change", ["disabled_at", "deleted_at"])
async def test_who_may_not_come_in_does_not_stay_in(
    client: httpx.AsyncClient, connection: RawConnection, change: str
) -> None:
    ada = await newcomer(client)
    await connection.execute(f"UPDATE users SET {change} = now() WHERE id = $1", ada.user_id)
    assert refusal(await refresh(client, ada.cookie)) == OVER


# --- what another site's page could send


@pytest.mark.parametrize("route", ["refresh", "logout"])
@pytest.mark.parametrize(
    "media_type",
    [None, "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "text/plain",
     "text/plain; charset=application/json", "application/jsonx", "", "application/octet-stream"],
)  # fmt: skip
async def test_what_a_form_can_send_does_nothing(
    client: httpx.AsyncClient, connection: RawConnection, route: str, media_type: str | None
) -> None:
    ada = await newcomer(client)
    headers = {"Cookie": f"{PLAIN}={ada.cookie}"}
    if media_type is not None:
        headers["Content-Type"] = media_type
    answer = await client.post(f"{AUTH}/{route}", headers=headers)
    assert refusal(answer) == NO_HEADER
    assert not cookies_of(answer)
    assert await generation_of(connection, ada) == 1
    assert await status_of(client, ada) == 200


@pytest.mark.parametrize("route", ["refresh", "logout"])
@pytest.mark.parametrize(
    "origin",
    ["https://evil.example", "null", "", "https://fullhouse.test", "http://fullhouse.test:8080",
     "http://fullhouse.test.evil.example", "http://evil.example/http://fullhouse.test",
     "http://sub.fullhouse.test", "http://shop.example", "file://"],
)  # fmt: skip
async def test_pages_of_other_sites_do_nothing(
    client: httpx.AsyncClient, connection: RawConnection, route: str, origin: str
) -> None:
    ada = await newcomer(client)
    headers = OWN_PAGE | {"Cookie": f"{PLAIN}={ada.cookie}", "Origin": origin}
    assert refusal(await client.post(f"{AUTH}/{route}", headers=headers)) == NO_HEADER
    assert await generation_of(connection, ada) == 1
    assert await status_of(client, ada) == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"X-Requested-With": ""},
        {"X-Requested-With": "XMLHttpRequest"},
        {"Content-Type": "application/json"},
        {"Content-Type": "Application/JSON; charset=utf-8"},
        OWN_PAGE | {"Origin": "http://fullhouse.test"},
        OWN_PAGE | {"Origin": SHOP},
        # A form's type with a header that no form can set.
        OWN_PAGE | {"Content-Type": "application/x-www-form-urlencoded"},
    ],
)
async def test_pages_of_ours_go_on(client: httpx.AsyncClient, headers: dict[str, str]) -> None:
    ada = await newcomer(client)
    again = entered(await refresh(client, ada.cookie, headers))
    assert again.session_id == ada.session_id


# --- rotation


async def test_a_refresh_gives_a_new_token_for_the_old_one(
    client: httpx.AsyncClient, connection: RawConnection
) -> None:
    ada = await newcomer(client)
    seen = {ada.cookie}
    for generation in range(2, 7):
        answer = await refresh(client, ada.cookie)
        again = entered(answer)
        assert answer.json()["user"]["email"] == ada.email
        assert answer.json()["expiresIn"] == 900
        assert answer.headers["cache-control"] == "no-store"
        assert (again.session_id, again.user_id) == (ada.session_id, ada.user_id)
        assert again.cookie not in seen
        assert again.access != ada.access
        assert await generation_of(connection, ada) == generation
        # The access token of before is good until its own end.
        assert await status_of(client, ada) == await status_of(client, again) == 200
        seen.add(again.cookie)
        ada = again
    assert await thefts(connection, ada) == []


async def test_a_spent_token_ends_the_session_for_everybody(
    client: httpx.AsyncClient, connection: RawConnection
) -> None:
    stolen = await newcomer(client)
    elsewhere = await log_in(client, stolen.email)
    owner = await rotated(client, stolen)
    owner = await rotated(client, owner)
    assert await status_of(client, owner) == 200
    await age(connection, owner, 3600)

    thief = await refresh(client, stolen.cookie)
    assert refusal(thief) == OVER
    assert "used before" in thief.json()["detail"]
    for cookie in (owner.cookie, stolen.cookie):
        assert refusal(await refresh(client, cookie)) == OVER
    for who in (owner, stolen):
        assert await status_of(client, who) == 401
    row = await connection.fetchrow(
        "SELECT ended_because, ended_at FROM sessions WHERE id = $1", owner.session_id
    )
    assert row is not None
    assert row["ended_because"] == "token_reused" and row["ended_at"] is not None
    # Once, and by nobody in particular: who it was is not known.
    assert await thefts(connection, owner) == [("system", "session.token_reused")]
    # What else the owner has is theirs.
    assert await status_of(client, elsewhere) == 200
    assert await status_of(client, await rotated(client, elsewhere)) == 200


async def test_a_thief_who_is_first_is_found_out_by_the_owner(
    client: httpx.AsyncClient, connection: RawConnection
) -> None:
    owner = await newcomer(client)
    thief = await rotated(client, owner)
    thief = await rotated(client, thief)
    assert refusal(await refresh(client, owner.cookie)) == OVER
    assert refusal(await refresh(client, thief.cookie)) == OVER
    assert await status_of(client, thief) == 401
    assert await thefts(connection, owner) == [("system", "session.token_reused")]


async def test_a_token_of_two_rotations_ago_is_theft_even_at_once(
    client: httpx.AsyncClient, connection: RawConnection
) -> None:
    first = await newcomer(client)
    second = await rotated(client, first)
    third = await rotated(client, second)
    # What was spent last is within its grace.
    assert entered(await refresh(client, second.cookie)).cookie == third.cookie
    assert refusal(await refresh(client, first.cookie)) == OVER
    assert refusal(await refresh(client, third.cookie)) == OVER
    assert len(await thefts(connection, first)) == 1


async def test_the_grace_has_an_end(client: httpx.AsyncClient, connection: RawConnection) -> None:
    """Exactly where it is, tests/unit/test_sessions.py shows; here it is the database's clock."""
    first = await newcomer(client)
    second = await rotated(client, first)
    await age(connection, first, GRACE.total_seconds() + 0.001)
    assert refusal(await refresh(client, first.cookie)) == OVER
    assert refusal(await refresh(client, second.cookie)) == OVER


async def test_an_answer_that_got_lost_can_be_had_again(
    client: httpx.AsyncClient, connection: RawConnection
) -> None:
    first = await newcomer(client)
    lost = await rotated(client, first)
    again = await rotated(client, first)
    assert again.cookie == lost.cookie
    assert await generation_of(connection, first) == 2
    third = await rotated(client, again)
    assert await status_of(client, third) == 200
    assert await thefts(connection, first) == []


async def test_repeating_does_not_prolong_the_grace(
    client: httpx.AsyncClient, connection: RawConnection
) -> None:
    first = await newcomer(client)
    await rotated(client, first)
    for _ in range(3):
        await age(connection, first, 3)
        await rotated(client, first)
    await age(connection, first, 3)
    assert refusal(await refresh(client, first.cookie)) == OVER


async def test_tabs_that_refresh_at_the_same_moment_get_the_same(
    client: httpx.AsyncClient, other: httpx.AsyncClient, connection: RawConnection
) -> None:
    """Also when they have come to different servers. All are held until they compete."""
    ada = await newcomer(client)
    async with connection.transaction():
        await connection.execute("SELECT 1 FROM sessions WHERE id = $1 FOR UPDATE", ada.session_id)
        tabs = [asyncio.create_task(refresh(server, ada.cookie)) for server in (client, other) * 4]
        await until_blocked(connection, len(tabs))
    answers = [entered(answer) for answer in await asyncio.gather(*tabs)]
    assert len({answer.cookie for answer in answers}) == 1
    assert await generation_of(connection, ada) == 2
    assert await thefts(connection, ada) == []
    assert await status_of(client, answers[0]) == await status_of(other, answers[-1]) == 200
    assert await status_of(other, await rotated(other, answers[-1])) == 200


async def test_thieves_at_the_same_moment_are_one_theft(
    client: httpx.AsyncClient, other: httpx.AsyncClient, connection: RawConnection
) -> None:
    stolen = await newcomer(client)
    owner = await rotated(client, stolen)
    await age(connection, stolen, 11)
    async with connection.transaction():
        await connection.execute(
            "SELECT 1 FROM sessions WHERE id = $1 FOR UPDATE", stolen.session_id
        )
        thieves = [
            asyncio.create_task(refresh(server, stolen.cookie)) for server in (client, other) * 2
        ]
        await until_blocked(connection, len(thieves))
    answers = await asyncio.gather(*thieves)
    assert {refusal(answer) for answer in answers} == {OVER}
    assert len(await thefts(connection, stolen)) == 1
    assert refusal(await refresh(client, owner.cookie)) == OVER


# --- the cookie


def attributes(*, secure: bool) -> dict[str, str]:
    """Those of the refresh cookie of a new session."""
    plain = {"path": "/api/v1/auth", "httponly": "", "samesite": "strict", "max-age": "2592000"}
    return plain | ({"path": "/", "secure": ""} if secure else {})


ANYWHERE = ("register", "login", "refresh")


async def ask_for(client: httpx.AsyncClient, route: str, **headers: str) -> httpx.Response:
    """One of the answers that set the cookie."""
    ada = await newcomer(client)
    if route == "refresh":
        name = SECURE if "X-Forwarded-Proto" in headers else PLAIN
        return await refresh(client, ada.cookie, OWN_PAGE | headers, name)
    body = {"email": ada.email, "password": "correct horse battery"}
    if route == "register":
        body |= {"name": "Ada", "email": f"again-{ada.email}"}
    return await client.post(f"{AUTH}/{route}", json=body, headers=headers)


@pytest.mark.parametrize("route", ANYWHERE)
async def test_the_cookie_over_http(client: httpx.AsyncClient, route: str) -> None:
    (cookie,) = cookies_of(await ask_for(client, route))
    assert (cookie.name, cookie.attributes) == (PLAIN, attributes(secure=False))
    assert cookie.value.startswith("fhr_")


@pytest.mark.parametrize("route", ANYWHERE)
async def test_the_cookie_over_https(client: httpx.AsyncClient, route: str) -> None:
    """Without a domain and for the whole host, or a browser refuses the prefix (RFC 6265bis)."""
    (cookie,) = cookies_of(await ask_for(client, route, **{"X-Forwarded-Proto": "https"}))
    assert (cookie.name, cookie.attributes) == (SECURE, attributes(secure=True))


async def test_the_cookie_where_tls_ends_here(parts: Parts, settings: Settings) -> None:
    app = compose(make_parts(settings))
    async with client_of(app) as client:
        keep_no_cookies(client)
        client.base_url = httpx.URL("https://fullhouse.test")
        (cookie,) = cookies_of(await ask_for(client, "login"))
        assert (cookie.name, cookie.attributes) == (SECURE, attributes(secure=True))
        again = await refresh(client, cookie.value, OWN_PAGE, SECURE)
        assert [one.name for one in cookies_of(again)] == [SECURE]


async def test_a_client_does_not_say_itself_that_it_is_secure(database_url: str) -> None:
    """Whose word counts, tests/unit/test_proxies.py tells; without a proxy nobody's does."""
    app = compose(make_parts(settings_for(database_url)))
    async with client_of(app) as client:
        keep_no_cookies(client)
        (cookie,) = cookies_of(await ask_for(client, "login", **{"X-Forwarded-Proto": "https"}))
        assert cookie.name == PLAIN


async def test_each_scheme_has_a_cookie_of_its_own(client: httpx.AsyncClient) -> None:
    """What came in the clear may have been read, or planted by whoever is on the line."""
    ada = await newcomer(client)
    over_tls = OWN_PAGE | {"X-Forwarded-Proto": "https"}
    assert refusal(await refresh(client, ada.cookie, over_tls, PLAIN)) == OVER
    assert refusal(await refresh(client, ada.cookie, OWN_PAGE, SECURE)) == OVER
    assert (await refresh(client, ada.cookie, over_tls, SECURE)).status_code == 200


async def test_no_page_can_read_the_token_elsewhere(client: httpx.AsyncClient) -> None:
    answer = await refresh(client, (await newcomer(client)).cookie)
    (cookie,) = cookies_of(answer)
    assert cookie.value not in answer.text
    others = [text for name, text in answer.headers.multi_items() if name != "set-cookie"]
    assert not any(cookie.value in text for text in others)
