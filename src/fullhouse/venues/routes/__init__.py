"""Routes of the venues, below ``/api/v1``."""

from litestar.handlers import HTTPRouteHandler

from fullhouse.venues.routes import places, seat_maps

ROUTES: list[HTTPRouteHandler] = [*places.ROUTES, *seat_maps.ROUTES]

# Those whose bodies may be larger than any other.
LARGE: list[HTTPRouteHandler] = [seat_maps.put_seat_map, seat_maps.import_seat_map]
