"""One session on two server processes: tabs, thieves, and an end that both know of."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import httpx
import pytest
import pytest_asyncio

from fullhouse.kit.db import RawConnection
from tests.support.locks import until_blocked
from tests.support.servers import api_server
from tests.support.sessions import (
    AUTH,
    OWN_PAGE,
    PLAIN,
    Entered,
    entered,
    keep_no_cookies,
    log_in,
    newcomer,
    refresh,
    refusal,
    status_of,
)

OVER = (401, "session_over")


@pytest_asyncio.fixture(scope="module")
async def servers(
    database_url: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[list[httpx.AsyncClient]]:
    """Clients of two processes on one database."""
    folder = tmp_path_factory.mktemp("servers")
    async with AsyncExitStack() as stack:
        clients = []
        for name in ("one", "two"):
            address = stack.enter_context(api_server(database_url, folder / f"{name}.log"))
            client = httpx.AsyncClient(base_url=address, timeout=60)
            keep_no_cookies(client)
            clients.append(await stack.enter_async_context(client))
        yield clients


async def comes_to(what: int, client: httpx.AsyncClient, who: Entered) -> None:
    async with asyncio.timeout(60):
        while await status_of(client, who) != what:
            await asyncio.sleep(0.02)


async def test_tabs_on_both_processes_get_the_same_successor(
    servers: list[httpx.AsyncClient], connection: RawConnection
) -> None:
    """First as they come, then with every one of them held at the very same place."""
    ada = await newcomer(servers[0])
    for generation in (2, 3):
        tabs = [asyncio.create_task(refresh(server, ada.cookie)) for server in servers * 8]
        answers = [entered(answer) for answer in await asyncio.gather(*tabs)]
        assert len({answer.cookie for answer in answers}) == 1
        ada = answers[0]
        known = "SELECT generation FROM sessions WHERE id = $1"
        assert await connection.fetchval(known, ada.session_id) == generation
    async with connection.transaction():
        await connection.execute("SELECT 1 FROM sessions WHERE id = $1 FOR UPDATE", ada.session_id)
        tabs = [asyncio.create_task(refresh(server, ada.cookie)) for server in servers * 3]
        await until_blocked(connection, len(tabs))
    answers = [entered(answer) for answer in await asyncio.gather(*tabs)]
    assert len({answer.cookie for answer in answers}) == 1
    for server in servers:
        for answer in answers:
            assert await status_of(server, answer) == 200
    thefts = "SELECT count(*) FROM audit_log WHERE object_id = $1"
    assert await connection.fetchval(thefts, str(ada.session_id)) == 0


async def test_a_theft_at_one_process_ends_the_session_at_both(
    servers: list[httpx.AsyncClient], connection: RawConnection
) -> None:
    here, there = servers
    stolen = await newcomer(here)
    owner = entered(await refresh(there, stolen.cookie))
    for server in servers:
        assert await status_of(server, owner) == 200
    await connection.execute(
        "UPDATE sessions SET rotated_at = rotated_at - interval '11 seconds' WHERE id = $1",
        owner.session_id,
    )
    assert refusal(await refresh(here, stolen.cookie)) == OVER
    assert await status_of(here, owner) == 401
    for server in servers:
        assert refusal(await refresh(server, owner.cookie)) == OVER
    await comes_to(401, there, owner)


async def test_logging_out_at_one_process_counts_at_the_other(
    servers: list[httpx.AsyncClient],
) -> None:
    """That it is heard of, and not only forgotten in time, tests/integration shows."""
    here, there = servers
    ada = await newcomer(here)
    other = await log_in(there, ada.email)
    for server in servers:
        assert await status_of(server, ada) == await status_of(server, other) == 200
    headers = OWN_PAGE | {"Cookie": f"{PLAIN}={ada.cookie}"}
    assert (await here.post(f"{AUTH}/logout", headers=headers)).status_code == 204
    assert await status_of(here, ada) == 401
    assert refusal(await refresh(there, ada.cookie)) == OVER
    await comes_to(401, there, ada)
    for server in servers:
        assert await status_of(server, other) == 200


async def test_refreshing_and_logging_out_at_the_same_moment(
    servers: list[httpx.AsyncClient], connection: RawConnection
) -> None:
    """Whoever is first, nothing goes on afterwards."""
    here, there = servers
    for order in (servers, servers[::-1]):
        ada = await newcomer(here)
        headers = OWN_PAGE | {"Cookie": f"{PLAIN}={ada.cookie}"}
        async with connection.transaction():
            await connection.execute(
                "SELECT 1 FROM sessions WHERE id = $1 FOR UPDATE", ada.session_id
            )
            acts = []
            for server in order:
                if server is here:
                    acts.append(asyncio.create_task(refresh(server, ada.cookie)))
                else:
                    acts.append(asyncio.create_task(server.post(f"{AUTH}/logout", headers=headers)))
                await until_blocked(connection, len(acts))
        for answer in await asyncio.gather(*acts):
            if answer.status_code == 200:
                assert refusal(await refresh(there, entered(answer).cookie)) == OVER
                await comes_to(401, there, entered(answer))
            else:
                assert answer.status_code == 204 or refusal(answer) == OVER
        assert refusal(await refresh(here, ada.cookie)) == OVER
