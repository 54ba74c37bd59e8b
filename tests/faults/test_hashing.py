"""Processes that hash are killed, and so are the servers that they hash for."""

import asyncio
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.support.hashing import hashes, hashing_below, parent_of
from tests.support.people import PASSWORD, new_email
from tests.support.processes import ServerProcess
from tests.support.settings import SECRET

AUTH = "/api/v1/auth"


@pytest.fixture
def server(database_url: str, tmp_path: Path) -> Iterator[ServerProcess]:
    """``fullhouse api`` with two workers, and no database of its own."""
    variables = {
        "FULLHOUSE_DATABASE_URL": database_url,
        "FULLHOUSE_SECRET_KEY": SECRET,
        "FULLHOUSE_WORKERS": "2",
    }
    with ServerProcess(tmp_path, command="api", variables=variables) as server:
        yield server


async def register(server: ServerProcess) -> dict[str, str]:
    async with httpx.AsyncClient(base_url=server.url, timeout=60) as client:
        body = {"email": new_email(), "password": PASSWORD}
        answer = await client.post(f"{AUTH}/register", json=body | {"name": "Ada"})
    assert answer.status_code == 201, answer.text
    return body


async def log_in(server: ServerProcess, body: dict[str, str]) -> int:
    # A connection of its own, so that any worker may get it.
    async with httpx.AsyncClient(base_url=server.url, timeout=60) as client:
        return (await client.post(f"{AUTH}/login", json=body)).status_code


async def until_both_workers_hash(server: ServerProcess, body: dict[str, str]) -> list[int]:
    """Log in until each worker has a process; answers these."""
    async with asyncio.timeout(60):
        while len({parent_of(pid) for pid in hashing_below(server.pid)}) < 2:
            assert await asyncio.gather(*(log_in(server, body) for _ in range(4))) == [200] * 4
    return hashing_below(server.pid)


async def until_gone(pids: list[int]) -> None:
    async with asyncio.timeout(60):
        while any(map(hashes, pids)):
            await asyncio.sleep(0.02)


async def test_nothing_starts_before_somebody_signs_in(server: ServerProcess) -> None:
    assert hashing_below(server.pid) == []
    await register(server)
    assert len(hashing_below(server.pid)) == 1


async def test_logins_go_on_when_the_processes_are_killed(server: ServerProcess) -> None:
    body = await register(server)
    for _ in range(5):
        under_way = [asyncio.create_task(log_in(server, body)) for _ in range(4)]
        while not all(task.done() for task in under_way):
            for pid in hashing_below(server.pid)[:1]:
                os.kill(pid, signal.SIGKILL)
            await asyncio.sleep(0.2)
        # Done again once, or refused for a while: never an accident.
        assert {task.result() for task in under_way} <= {200, 503}
        assert await log_in(server, body) == 200
    assert "password_process_died" in server.log()


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM], ids=["kill", "term"])
async def test_no_process_outlives_its_server(
    server: ServerProcess, number: signal.Signals
) -> None:
    body = await register(server)
    pids = await until_both_workers_hash(server, body)
    workers = {parent_of(pid) for pid in pids}
    under_way = [asyncio.create_task(log_in(server, body)) for _ in range(8)]
    await asyncio.sleep(0.05)
    pids = sorted({*pids, *hashing_below(server.pid)})
    server.signal(number)
    if number == signal.SIGKILL:
        for worker in workers:
            assert worker is not None
            os.kill(worker, number)
    await asyncio.gather(*under_way, return_exceptions=True)
    await until_gone(pids)
    server.wait(30)
    # In its last moment it may have started another one.
    assert hashing_below(server.pid) == []
