"""Which requests take a way of their own: past the framework, or to what is kept for everybody."""

import re
from collections.abc import Iterable, Iterator, Mapping

from litestar.routes import BaseRoute, HTTPRoute

from fullhouse.api.exchange import App, Scope
from fullhouse.api.permissions import Who
from fullhouse.api.principal import access_of

# Ids as the API writes them. What is written otherwise is for the framework to take or refuse.
_UUID = "[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
_ID, _ANYTHING = f"(?P<NAME>{_UUID})", "[^/]+"
_PARAMETER = re.compile(r"\{(\w+)\}")


class DirectRoutes:
    """Handlers by method and path, such as ``("GET", "/shows/{show_id}")``; parameters are ids.

    A direct route reads no query: a request with one is answered by the framework, which says what
    the route takes.
    """

    def __init__(self, handlers: Mapping[tuple[str, str], App]) -> None:
        self._handlers = dict(handlers)
        self._with_ids = [
            (method, re.compile(_pattern_of(path, _ID)), handler)
            for (method, path), handler in handlers.items()
            if "{" in path
        ]

    def __iter__(self) -> Iterator[tuple[str, str]]:
        return iter(self._handlers)

    def find(self, scope: Scope) -> App | None:
        """The handler of this request, which finds the ids in ``scope["path_params"]``."""
        if scope["query_string"]:
            return None
        method, path = scope["method"], scope["path"]
        exact = self._handlers.get((method, path))
        if exact is not None:
            return exact
        for wanted, pattern, handler in self._with_ids:
            if wanted == method and (found := pattern.fullmatch(path)) is not None:
                scope["path_params"] = found.groupdict()
                return handler
        return None


def public_paths(routes: Iterable[BaseRoute]) -> re.Pattern[str]:
    """What the paths look like that anybody may read."""
    paths = {
        route.path_format
        for route in routes
        if isinstance(route, HTTPRoute)
        and (found := route.route_handler_map.get("GET")) is not None
        and access_of(found[0].opt).who is Who.ANYBODY
    }
    return re.compile("|".join(_pattern_of(path, _ANYTHING) for path in sorted(paths)))


def _pattern_of(path: str, parameter: str) -> str:
    """What paths like this one look like, as a regular expression."""
    return "".join(
        parameter.replace("NAME", part) if at % 2 else re.escape(part)
        for at, part in enumerate(_PARAMETER.split(path))
    )
