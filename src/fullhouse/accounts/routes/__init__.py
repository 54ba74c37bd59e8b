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
from fullhouse.api.limits import API_PREFIX

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

# Where strangers may have a password hashed: such a request needs a place in that queue.
HASHING = tuple(
    ("POST", API_PREFIX + path) for path in ("auth/register", "auth/login", "auth/password/reset")
)

# Outside /api/v1: for people, not for programs.
pages = account_page.routes
