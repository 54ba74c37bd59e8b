"""Health of the process: for supervisors, load balancers and people."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Literal

import structlog
from litestar import Response, Router, get
from litestar.openapi.datastructures import ResponseSpec

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
    """One part that the server needs."""

    status: Literal["ok", "failing"]
    latency_ms: float
    detail: str | None = None


class Health(View):
    """All parts that the server needs; ``failing`` names those that do not work."""

    status: Literal["ok", "failing"]
    failing: list[str]
    components: dict[str, Component]


class Ready(View):
    """Whether the server can do its work; ``failing`` names the parts that do not work."""

    status: Literal["ok", "failing"]
    failing: list[str]


async def examine(checks: Mapping[str, Check]) -> Health:
    """Run all checks at the same time."""
    results = await asyncio.gather(*(_examine(name, check) for name, check in checks.items()))
    components = dict(zip(checks, results, strict=True))
    failing = [name for name, component in components.items() if component.status != "ok"]
    return Health("failing" if failing else "ok", failing, components)


async def _examine(name: str, check: Check) -> Component:
    started = time.perf_counter()
    detail: str | None = None
    try:
        async with asyncio.timeout(TIMEOUT_SECONDS):
            await check()
    except TimeoutError:
        detail = f"no answer within {TIMEOUT_SECONDS:g} seconds"
    except Exception as error:
        # The address and account of a database are for the log, not for whoever may ask here.
        log.warning("component_failing", component=name, error=repr(error))
        detail = type(error).__name__
    latency = round((time.perf_counter() - started) * 1_000, 2)
    return Component("ok" if detail is None else "failing", latency, detail)


def routes(checks: Mapping[str, Check]) -> Router:
    """The routes below ``/health``, over the named checks."""

    @get("/live", summary="Is the process alive", operation_id="healthLive")
    async def live() -> Live:
        """Always 200 while the process answers at all: restart it when this fails."""
        return Live()

    @get(
        "/ready",
        summary="Can it do its work",
        operation_id="healthReady",
        responses={503: ResponseSpec(Ready, generate_examples=False, description="Not ready")},
    )
    async def ready() -> Response[Ready]:
        """200 when every part works, else 503: send no requests here while this fails."""
        health = await examine(checks)
        return Response(
            Ready(health.status, health.failing), status_code=503 if health.failing else 200
        )

    @get("/", summary="How are the parts", operation_id="health")
    async def everything() -> Health:
        """Each part with its state and the time of its answer in milliseconds. Always 200."""
        return await examine(checks)

    return Router("/health", route_handlers=[live, ready, everything], tags=["Service"])
