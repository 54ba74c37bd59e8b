"""The query of a request: what every route refuses of it before the framework reads it.

The framework leaves out parameters that a route does not declare, so that a misspelt filter would
let everything through. Of one that is sent twice it takes the last, and it reads 18.00 as 18.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import Any, get_args

from litestar import Request
from litestar.routes import BaseRoute, HTTPRoute
from litestar.typing import FieldDefinition

from fullhouse.api.errors import VALIDATION_FAILED, parameters_of
from fullhouse.kit.errors import FieldError, Refused

# The option of a route that others send browsers to, with whatever they add.
OPEN_QUERY = "open_query"
# The option in which a route has the parameters that it takes; without it all may come.
_TAKEN = "query"
# Refused in one answer: who sends hundreds has no use for all their names.
_MOST_REFUSED = 10


def close_queries(routes: Iterable[BaseRoute]) -> None:
    """Have these routes refuse parameters that they do not declare."""
    for route in routes:
        handlers = route.route_handler_map.values() if isinstance(route, HTTPRoute) else ()
        for handler, model in handlers:
            if OPEN_QUERY not in handler.opt:
                fields = parameters_of(handler)
                handler.opt[_TAKEN] = {
                    one.field_alias: _whole_number(fields[one.field_name])
                    for one in model.expected_query_params
                }


def check_query(request: Request[Any, Any, Any]) -> None:
    """Refuse a query that would not be read as it was meant."""
    taken = request.route_handler.opt.get(_TAKEN)
    if taken is None:
        return
    sent = request.query_params.items()
    if errors := tuple(islice(_wrong(list(sent), taken), _MOST_REFUSED)):
        raise Refused(VALIDATION_FAILED, errors=errors)


def _wrong(sent: list[tuple[str, str]], taken: Mapping[str, str]) -> Iterator[FieldError]:
    times = Counter(name for name, _ in sent)
    for name, value in dict(sent).items():
        if name not in taken:
            known = ", ".join(sorted(taken)) or "none"
            yield FieldError(name, f"is not known here; this route takes {known}")
        elif times[name] > 1:
            yield FieldError(name, "is sent more than once")
        elif taken[name] and not value.removeprefix("-").isdecimal():
            yield FieldError(name, f"must be {taken[name]}")


def _whole_number(field: FieldDefinition) -> str:
    """What such a parameter must be, in words; nothing for one that is no whole number."""
    if int not in (field.annotation, *get_args(field.annotation)):
        return ""
    return getattr(field.kwarg_definition, "title", None) or "a whole number"
