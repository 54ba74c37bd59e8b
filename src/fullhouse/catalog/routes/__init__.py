"""Routes of the catalogue, below ``/api/v1``."""

from litestar.handlers import HTTPRouteHandler

from fullhouse.catalog.routes import events, favorites, public, showtimes

ROUTES: list[HTTPRouteHandler] = [
    *public.ROUTES,
    *events.ROUTES,
    *showtimes.ROUTES,
    *favorites.ROUTES,
]
