"""Health of the process: for supervisors, load balancers and people."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Literal

import structlog
from litestar import Response, Router, get
from litestar.openapi.datastructures import ResponseSpec

from fullhouse.api.permissions import PUBLIC
from fullhouse.api.schemas import View

log = structlog.get_logger(__name__)

# A check that takes longer has failed: whoever asks wants to know now.
TIMEOUT_SECONDS = 2.0

# Raises, in words, when the component does not work.
Check = Callable[[], Awaitable[None]]


class Live(View):
    """The process runs."""

    status: Literal["ok"] = "ok"


class Component(View):
    """One part that the server needs, or that helps it."""

    status: Literal["ok", "failing"]
    latency_ms: float
    detail: str | None = None


class Health(View):
    """All parts; ``failing`` names those that do not work.

    ``degraded`` means that only parts are among them without which the server does its work.
    """

    status: Literal["ok", "degraded", "failing"]
    failing: list[str]
    components: dict[str, Component]


class Ready(View):
    """Whether the server can do its work; ``failing`` names the needed parts that do not work."""

    status: Literal["ok", "failing"]
    failing: list[str]


async def examine(
    needed: Mapping[str, Check], helping: Mapping[str, Check] | None = None
) -> Health:
    """Run all checks at the same time; without what is only ``helping`` the server can serve."""
    checks = {**needed, **(helping or {})}
    results = await asyncio.gather(*(_examine(name, check) for name, check in checks.items()))
    components = dict(zip(checks, results, strict=True))
    failing = [name for name, component in components.items() if component.status != "ok"]
    if any(name in needed for name in failing):
        return Health("failing", failing, components)
    return Health("degraded" if failing else "ok", failing, components)


async def _examine(name: str, check: Check) -> Component:
    started = time.perf_counter()
    limit = asyncio.timeout(TIMEOUT_SECONDS)
    detail: str | None = None
    try:
        async with limit:
            await check()
    except Exception as error:
        if limit.expired():
            detail = f"no answer within {TIMEOUT_SECONDS:g} seconds"
        else:
            # The address and account of a database are for the log, not for whoever may ask here.
            log.warning("component_failing", component=name, error=error)
            detail = type(error).__name__
    latency = round((time.perf_counter() - started) * 1_000, 2)
    return Component("ok" if detail is None else "failing", latency, detail)


def routes(needed: Mapping[str, Check], helping: Mapping[str, Check] | None = None) -> Router:
    """The routes below ``/health``, over the named checks of what is needed and what helps."""

    @get("/live", access=PUBLIC, summary="Is the process alive", operation_id="healthLive")
    async def live() -> Live:
        """Always 200 while the process answers at all: restart it when this fails."""
        return Live()

    @get(
        "/ready",
        access=PUBLIC,
        summary="Can it do its work",
        operation_id="healthReady",
        responses={503: ResponseSpec(Ready, generate_examples=False, description="Not ready")},
    )
    async def ready() -> Response[Ready]:
        """200 when every part that is needed works, else 503: send no requests here meanwhile."""
        failing = (await examine(needed)).failing
        return Response(
            Ready("failing" if failing else "ok", failing), status_code=503 if failing else 200
        )

    @get("/", access=PUBLIC, summary="How are the parts", operation_id="health")
    async def everything() -> Health:
        """Each part with its state and the time of its answer in milliseconds. Always 200.

        ``degraded``: what fails only helps, and the server does its work without it.
        """
        return await examine(needed, helping)

    return Router("/health", route_handlers=[live, ready, everything], tags=["Service"])
