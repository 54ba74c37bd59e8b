"""Routes of the accounts, below ``/api/v1``, and the page beside it."""

from litestar.handlers import HTTPRouteHandler

from fullhouse.accounts.routes import (
    account_page,
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

# Outside /api/v1: for people, not for programs.
pages = account_page.routes
