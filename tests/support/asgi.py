"""Running an application inside the test process."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

import httpx

from fullhouse.api.exchange import App

BASE_URL = "http://fullhouse.test"


@contextlib.asynccontextmanager
async def lifespan(app: App) -> AsyncIterator[None]:
    """The application between its start and its stop, as a server would run it."""
    to_app: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
    from_app: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
    scope = {"type": "lifespan", "asgi": {"version": "3.0"}, "state": {}}
    task = asyncio.ensure_future(app(scope, to_app.get, from_app.put))

    async def step(name: str) -> None:
        await to_app.put({"type": f"lifespan.{name}"})
        answer = await from_app.get()
        assert answer["type"] == f"lifespan.{name}.complete", answer

    await step("startup")
    try:
        yield
    finally:
        await step("shutdown")
        await task


@contextlib.asynccontextmanager
async def client_of(app: App) -> AsyncIterator[httpx.AsyncClient]:
    """A client of a running application, without sockets in between."""
    # What escapes the application is an error of the test and not a status.
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=True)  # type: ignore[arg-type]
    async with lifespan(app), httpx.AsyncClient(transport=transport, base_url=BASE_URL) as client:
        yield client


def bearer(token: str) -> dict[str, str]:
    """The headers of a signed-in request."""
    return {"Authorization": f"Bearer {token}"}
