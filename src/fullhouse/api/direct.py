"""Finding the routes that are served without the framework."""

import re
from collections.abc import Iterator, Mapping

from fullhouse.api.exchange import App, Scope

# Ids as the API writes them. What is written otherwise is for the framework to take or refuse.
_UUID = "[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
_PARAMETER = re.compile(r"\{(\w+)\}")


class DirectRoutes:
    """Handlers by method and path, such as ``("GET", "/shows/{show_id}")``; parameters are ids.

    A direct route reads no query: a request with one is answered by the framework, which says what
    the route takes.
    """

    def __init__(self, handlers: Mapping[tuple[str, str], App]) -> None:
        self._handlers = dict(handlers)
        self._with_ids = [
            (method, _pattern_of(path), handler)
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
        for wanted, pattern, handler in self._with_ids:
            if wanted == method and (found := pattern.fullmatch(path)) is not None:
                scope["path_params"] = found.groupdict()
                return handler
        return self._handlers.get((method, path))


def _pattern_of(path: str) -> re.Pattern[str]:
    """What paths like this one look like, with an id for each parameter."""
    text = "".join(
        f"(?P<{part}>{_UUID})" if at % 2 else re.escape(part)
        for at, part in enumerate(_PARAMETER.split(path))
    )
    return re.compile(text)
