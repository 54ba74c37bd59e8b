"""The composition root of a server process: puts the parts together into the application."""

import gc
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any, cast

import structlog
from litestar import Litestar, Request, Router
from litestar.datastructures import State
from litestar.di import Provide
from litestar.handlers import HTTPRouteHandler
from litestar.routes import HTTPRoute

from fullhouse import __version__
from fullhouse import settings as fullhouse_settings
from fullhouse.accounts import errors as accounts_errors
from fullhouse.accounts import routes as accounts_routes
from fullhouse.accounts.sessions import Device
from fullhouse.adapters.oauth import Google
from fullhouse.api import docs, health, idempotency, metrics
from fullhouse.api import errors as api_errors
from fullhouse.api.context import client_address, request_id
from fullhouse.api.edge import Edge
from fullhouse.api.exchange import App
from fullhouse.api.forms import OVERHEAD_BYTES
from fullhouse.api.openapi import build_document
from fullhouse.api.pagination import provide_part
from fullhouse.api.paths import public_paths
from fullhouse.api.principal import access_of, provide_principal, provide_visitor
from fullhouse.api.query import close_queries
from fullhouse.api.requests import ApiRequest, prepare
from fullhouse.bookings import errors as bookings_errors
from fullhouse.bookings import routes as bookings_routes
from fullhouse.bookings.direct import reserve_directly, tell_availability_directly
from fullhouse.catalog import errors as catalog_errors
from fullhouse.catalog import routes as catalog_routes
from fullhouse.kit import logging
from fullhouse.media import errors as media_errors
from fullhouse.media import routes as media_routes
from fullhouse.parts import Parts, make_parts
from fullhouse.settings import Settings
from fullhouse.venues import errors as venues_errors
from fullhouse.venues import routes as venues_routes

log = structlog.get_logger(__name__)

# What a browser says of itself is shown to its user, and no longer than makes sense.
_LONGEST_AGENT = 300
_API = "/api/v1"
_MESSAGES_GRACE_SECONDS = 3.0  # for those under way when the server stops

# Every domain's routes below /api/v1, and everything that they may refuse.
API_ROUTES: list[HTTPRouteHandler] = [
    *accounts_routes.ROUTES,
    *media_routes.ROUTES,
    *venues_routes.ROUTES,
    *catalog_routes.ROUTES,
    *bookings_routes.ROUTES,
]
CODES = (
    *api_errors.CODES,
    *idempotency.CODES,
    *accounts_errors.CODES,
    *media_errors.CODES,
    *venues_errors.CODES,
    *catalog_errors.CODES,
    *bookings_errors.CODES,
)


def create_app() -> Edge:
    """The application of a server process, from its environment; the factory for granian.

    Raises SettingsError with one line for each setting that is wrong.
    """
    settings = fullhouse_settings.load()
    logging.configure(settings.log_level, settings.log_format, request_id)
    return build(settings, long_lived=True)


def build(settings: Settings, *, long_lived: bool = False) -> Edge:
    """The application with these settings.

    ``long_lived`` tunes the garbage collector of the whole process once the parts have started.
    """
    return compose(make_parts(settings), long_lived=long_lived)


def compose(parts: Parts, *, long_lived: bool = False, direct_routes: bool = True) -> Edge:
    """Put the parts together into the application.

    Without ``direct_routes`` the framework answers everything, for comparing the two ways.
    Raises TypeError for a route that does not say for whom it is.
    """
    dependencies = _dependencies(parts)
    documented = [_api(parts.settings), health.routes(_checks(parts), _helping(parts))]
    framework = Litestar(
        route_handlers=[
            *documented,
            accounts_routes.pages(),
            media_routes.files(),
            metrics.routes(
                [
                    metrics.AnswersCollector(
                        parts.answers, parts.shared_answers, parts.seat_states.figures
                    )
                ],
                parts.metrics_readers,
            ),
            docs.routes(lambda: build_document(documented, dependencies, __version__), CODES),
        ],
        dependencies=dependencies,
        state=State({"cors": parts.cors}),
        lifespan=[_lifespan(parts, long_lived=long_lived)],
        request_class=ApiRequest,
        request_max_body_size=parts.settings.max_body_bytes,
        before_request=prepare,
        exception_handlers={Exception: api_errors.handle},
        openapi_config=None,
        logging_config=None,
    )
    _check_routes(framework)
    # Browsers and proxies may add what they like to the addresses of pages and probes.
    close_queries(route for route in framework.routes if route.path.startswith(_API))
    direct = {
        ("POST", f"{_API}/bookings"): reserve_directly(parts.desk, parts.settings.max_body_bytes),
        ("GET", f"{_API}/showtimes/{{showtime_id}}/availability"): tell_availability_directly(
            parts.desk, parts.seat_states
        ),
    }
    return Edge(
        cast(App, framework),
        parts.answers,
        direct if direct_routes else {},
        gates=dict.fromkeys(accounts_routes.HASHING, parts.accounts.hasher.require_room),
        authenticate=parts.authenticator,
        limits=parts.limits,
        proxies=parts.proxies,
        cors=parts.cors,
        shared=parts.shared_answers,
        public=public_paths(framework.routes),
    )


def _api(settings: Settings) -> Router:
    """All routes below /api/v1. A stadium's seat map and a picture may be larger than the rest."""
    large = [
        (venues_routes.LARGE, settings.max_seat_map_bytes),
        (media_routes.LARGE, settings.max_media_bytes + OVERHEAD_BYTES),
    ]
    routers = [
        Router("/", route_handlers=handlers, request_max_body_size=most) for handlers, most in large
    ]
    others = [
        handler for handler in API_ROUTES if not any(handler in handlers for handlers, _ in large)
    ]
    return Router(_API, route_handlers=[*routers, *others])


def _check_routes(framework: Litestar) -> None:
    """Raise TypeError for the first route, of whatever part, that declares no ``access=``."""
    for route in framework.routes:
        for handler in route.route_handlers if isinstance(route, HTTPRoute) else ():
            # Which methods an address takes is told to everybody, before anything is looked at.
            if handler.http_methods != {"OPTIONS"}:
                try:
                    access_of(handler.opt)
                except TypeError as error:
                    method = ", ".join(sorted(handler.http_methods))
                    name = f"{handler.fn.__module__}.{handler.fn.__qualname__}"
                    raise TypeError(f"{name} ({method} {route.path}): {error}") from None


def _dependencies(parts: Parts) -> dict[str, Provide]:
    """What routes may ask for by name."""
    return {
        "principal": Provide(provide_principal),
        "visitor": Provide(provide_visitor),
        "part": Provide(provide_part),
        "database": _given(parts.database),
        "answers": _given(parts.answers),
        "accounts": _given(parts.accounts),
        "device": Provide(_device),
        "media": _given(parts.media),
        "seat_maps": _given(parts.seat_maps),
        "desk": _given(parts.desk),
        "seat_states": _given(parts.seat_states),
        "best_seats": _given(parts.best_seats),
    }


async def _device(request: Request[Any, Any, Any]) -> Device:
    return Device(client_address(), request.headers.get("user-agent", "")[:_LONGEST_AGENT])


def _given(value: object) -> Provide:
    return Provide(lambda: value, use_cache=True, sync_to_thread=False)


def _checks(parts: Parts) -> dict[str, health.Check]:
    return {
        "database": parts.database.check,
        "listener": parts.listener.check,
        "sequencer": parts.desk.sequencer.check,
    }


def _helping(parts: Parts) -> dict[str, health.Check]:
    """Checks of what the server can do without: it counts by itself when Valkey is away."""
    return {} if parts.shared_windows is None else {"valkey": parts.shared_windows.check}


def _lifespan(
    parts: Parts, *, long_lived: bool
) -> Callable[[Litestar], AbstractAsyncContextManager[None]]:
    @asynccontextmanager
    async def lifespan(_app: Litestar) -> AsyncIterator[None]:
        for subscriber in (parts.answers.forget, parts.authenticator.forget):
            parts.listener.subscribe(subscriber)
        await parts.listener.start()
        await parts.desk.sequencer.start()
        await parts.housekeeper.start()
        await parts.dispatcher.start()
        for caution, setting in fullhouse_settings.cautions(parts.settings):
            log.warning(caution, setting=setting)
        if long_lived:
            _settle_memory()
        try:
            yield
        finally:
            await parts.dispatcher.stop(_MESSAGES_GRACE_SECONDS)
            await parts.housekeeper.stop()
            await parts.desk.sequencer.stop()
            await parts.listener.stop()
            parts.accounts.hasher.close()
            parts.media.workshop.close()
            parts.media.storage.close()
            if isinstance(parts.accounts.google, Google):
                await parts.accounts.google.close()
            for shared in (parts.shared_windows, parts.shared_bytes):
                if shared is not None:
                    await shared.close()
            await parts.database.close()

    return lifespan


def _settle_memory() -> None:
    """Take what has been made so far out of the collector's sight, and let it look at all that
    lives but seldom.

    At what is new it looks often: statements of SQLAlchemy leave thousands of objects in circles,
    and everybody waits while many of them are taken away at once (rows 4 and 9 of the bench).
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(5_000, 50, 200)
