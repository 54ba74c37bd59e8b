"""Routes of the accounts, below ``/api/v1``."""

from litestar.handlers import HTTPRouteHandler

from fullhouse.accounts.routes import entering

ROUTES: list[HTTPRouteHandler] = [*entering.ROUTES]
