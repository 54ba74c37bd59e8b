"""The reference, to which ``/`` leads, and the list of error codes; all bytes are this server's."""

import html
from collections.abc import Callable, Iterable
from importlib.resources import files
from typing import Any

from litestar import MediaType, Request, Response, Router, get
from litestar.response import Redirect
from litestar.status_codes import HTTP_307_TEMPORARY_REDIRECT

from fullhouse.api.errors import NOT_FOUND, STATUS_OF_KIND
from fullhouse.api.exchange import keep
from fullhouse.api.permissions import PUBLIC
from fullhouse.kit.errors import Code, Refused

# Swagger UI writes styles into its elements and carries its icons as data; nothing else is
# allowed, above all no script in the page.
_POLICY = (
    "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "base-uri 'none'; frame-ancestors 'none'; form-action 'none'"
)
# The framework adds the charset.
_ASSETS = {
    "swagger-ui-bundle.js": "text/javascript",
    "swagger-ui.css": "text/css",
}
_ASSET_SECONDS = 86_400
_BROWSER_SECONDS = 3_600

_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Fullhouse API</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="/docs/assets/swagger-ui.css">
</head>
<body>
<div id="reference"></div>
<script src="/docs/assets/swagger-ui-bundle.js"></script>
<script src="/docs/assets/start.js"></script>
</body>
</html>
"""

# No validatorUrl: Swagger UI would send the document's address to a public service.
_START = """SwaggerUIBundle({
  url: '/openapi.json',
  dom_id: '#reference',
  deepLinking: true,
  tryItOutEnabled: true,
  displayRequestDuration: true,
  validatorUrl: null,
});
"""

_ERRORS_STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; max-width: 50rem; margin: 2rem auto; padding: 0 1rem }
section { border-top: 1px solid #ccc; padding: .5rem 0 }
section:target { background: #fff6d6 }
h2 { font-size: 1rem; margin: .5rem 0 } code { font-family: ui-monospace, monospace }
p { margin: .25rem 0 }
"""


def routes(document: Callable[[], bytes], codes: Iterable[Code]) -> Router:
    """``/openapi.json``, ``/docs`` and what they need.

    Args:
        document: gives the OpenAPI document; called when it is first asked for.
        codes: everything that any route may refuse.
    """
    errors_page = _errors_page(codes)
    made: list[bytes] = []

    @get("/openapi.json", access=PUBLIC, name="openapi")
    async def openapi() -> Response[bytes]:
        if not made:
            made.append(document())
        return Response(made[0], media_type=MediaType.JSON)

    @get(["/", "/api/v1"], access=PUBLIC, status_code=HTTP_307_TEMPORARY_REDIRECT)
    async def start() -> Redirect:
        return Redirect("/docs", status_code=HTTP_307_TEMPORARY_REDIRECT)

    @get("/docs", access=PUBLIC)
    async def reference() -> Response[str]:
        return _page(_PAGE)

    @get("/docs/errors", access=PUBLIC)
    async def errors() -> Response[str]:
        return _page(errors_page)

    @get("/docs/assets/{name:str}", access=PUBLIC)
    async def asset(name: str, request: Request[Any, Any, Any]) -> Response[bytes]:
        if name == "start.js":
            content, media_type = _START.encode(), "text/javascript"
        elif name in _ASSETS:
            folder = files("litestar_offline_docs") / "static"
            content, media_type = (folder / name).read_bytes(), _ASSETS[name]
        else:
            raise Refused(NOT_FOUND)
        keep(request, _ASSET_SECONDS, (), max_age=_BROWSER_SECONDS)
        return Response(content, media_type=media_type)

    handlers = [openapi, start, reference, errors, asset]
    return Router("/", route_handlers=handlers, include_in_schema=False)


def _page(content: str) -> Response[str]:
    return Response(
        content,
        media_type=MediaType.HTML,
        headers={"Content-Security-Policy": _POLICY},
    )


def _errors_page(codes: Iterable[Code]) -> str:
    sections = "".join(
        f'<section id="{html.escape(code.name)}">'
        f"<h2><code>{html.escape(code.name)}</code> · {int(STATUS_OF_KIND[code.kind])}</h2>"
        f"<p>{html.escape(code.cause)}</p>"
        f"<p><strong>Remedy:</strong> {html.escape(code.remedy)}</p></section>\n"
        for code in sorted(set(codes), key=lambda code: code.name)
    )
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<title>Fullhouse error codes</title>\n<link rel="icon" href="data:,">\n'
        f"<style>{_ERRORS_STYLE}</style>\n</head>\n"
        "<body>\n<h1>Error codes</h1>\n"
        "<p>Every refusal is <code>application/problem+json</code> (RFC 9457) and names its "
        f'<code>code</code>.</p>\n{sections}<p><a href="/docs">API reference</a></p>\n'
        "</body>\n</html>\n"
    )
