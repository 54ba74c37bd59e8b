"""The page that the links in our mails lead to; a web app may take its address later.

A link's token is in its fragment, so it never comes here: see ``pages/account.js``.
"""

from importlib.resources import files
from typing import Any

from litestar import Request, Response, Router, get

from fullhouse.api.errors import NOT_FOUND
from fullhouse.api.exchange import keep
from fullhouse.api.permissions import PUBLIC
from fullhouse.kit.errors import Refused

# Nothing but our own files, and calls of our own API.
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
# The framework adds the charset to texts.
_ASSETS = {
    "account.css": "text/css",
    "account.js": "text/javascript",
    "calls.js": "text/javascript",
    "icon.svg": "image/svg+xml",
}
_KEPT_SECONDS = 86_400
# Browsers ask each time whether it has changed: after an update no old script meets a new page.
_BROWSER_SECONDS = 0


def routes() -> Router:
    """``/account`` and its files, outside ``/api/v1``."""
    return Router("/account", route_handlers=[page, asset], include_in_schema=False)


@get("/", access=PUBLIC)
async def page(request: Request[Any, Any, Any]) -> Response[bytes]:
    """The page, the same whatever link leads to it."""
    headers = {"Content-Security-Policy": _POLICY, "Referrer-Policy": "no-referrer"}
    return _file(request, "account.html", "text/html", headers)


@get("/assets/{name:str}", access=PUBLIC)
async def asset(name: str, request: Request[Any, Any, Any]) -> Response[bytes]:
    """A file that the page loads."""
    if name not in _ASSETS:
        raise Refused(NOT_FOUND)
    return _file(request, name, _ASSETS[name])


def _file(
    request: Request[Any, Any, Any],
    name: str,
    media_type: str,
    headers: dict[str, str] | None = None,
) -> Response[bytes]:
    keep(request, _KEPT_SECONDS, (), max_age=_BROWSER_SECONDS)
    content = (files("fullhouse.accounts") / "pages" / name).read_bytes()
    return Response(content, media_type=media_type, headers=headers)
