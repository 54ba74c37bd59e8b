"""Routes of the accounts, below ``/api/v1``."""

from litestar.handlers import HTTPRouteHandler

from fullhouse.accounts.routes import (
    administration,
    audit,
    entering,
    google,
    keys,
    organizations,
    phone,
    profiles,
    second_factor,
)

ROUTES: list[HTTPRouteHandler] = [
    *entering.ROUTES,
    *second_factor.ROUTES,
    *phone.ROUTES,
    *google.ROUTES,
    *profiles.ROUTES,
    *organizations.ROUTES,
    *keys.ROUTES,
    *audit.ROUTES,
    *administration.ROUTES,
]
