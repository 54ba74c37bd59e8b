"""Routes of the catalogue, below ``/api/v1``."""

from litestar.handlers import HTTPRouteHandler

from fullhouse.catalog.routes import (
    calendar,
    categories,
    events,
    favorites,
    importing,
    public,
    shows,
    showtimes,
    venues,
)

ROUTES: list[HTTPRouteHandler] = [
    *public.ROUTES,
    *events.ROUTES,
    *categories.ROUTES,
    *shows.ROUTES,
    *importing.ROUTES,
    *showtimes.ROUTES,
    *calendar.ROUTES,
    *favorites.ROUTES,
    *venues.ROUTES,
]
