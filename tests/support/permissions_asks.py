"""How one valid request of a route is made, and how it must be answered to whom.

The requests themselves are in ``tests/support/asks``. A route may have several entries: one that
names what is the caller's own or everybody's, one that names a draft, or somebody else's booking.
A new route without an entry fails the test.
"""

import inspect
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from itertools import count
from typing import Any

from litestar.handlers import HTTPRouteHandler

from fullhouse.api.permissions import Access, Permission, Who
from tests.support.catalog import in_days
from tests.support.permissions import (
    Caller,
    Estate,
    Kind,
    Side,
)

_P = Permission
_numbers = count(100_000)
_PARAMETER = re.compile(r"\{(\w+):\w+\}")

TABLE_TYPE = "text/csv"

UNAUTHENTICATED = (401, "unauthenticated")
USER_REQUIRED = (403, "user_required")
FORBIDDEN = (403, "forbidden")
SECOND_FACTOR_NEEDED = (403, "second_factor_needed")
NOT_FOUND = (404, "not_found")


@dataclass(frozen=True)
class Ask:
    """A request without its caller: what fills the path, the query, the body, more headers."""

    path: Mapping[str, str] = field(default_factory=dict)
    query: Mapping[str, str] = field(default_factory=dict)
    body: Mapping[str, Any] | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


def table(*lines: Mapping[str, str], **query: str) -> Ask:
    """A request whose body is a table of these lines, all with the same columns."""
    return Ask(query=query, body={"lines": list(lines)}, headers={"Content-Type": TABLE_TYPE})


def payload_of(ask: Ask) -> dict[str, Any]:
    """The body as the client sends it: JSON, a table, or a form with a file."""
    if ask.body is not None and isinstance(ask.body.get("file"), bytes):
        fields = {name: value for name, value in ask.body.items() if name != "file"}
        return {"data": fields, "files": {"file": ("picture", ask.body["file"])}}
    if ask.headers.get("Content-Type") != TABLE_TYPE:
        return {"json": ask.body}
    assert ask.body is not None
    rows = [",".join(row) for line in ask.body["lines"] for row in (line.keys(), line.values())]
    # The columns are named once.
    return {"content": "\n".join([rows[0], *rows[1::2]]).encode()}


Make = Callable[[Estate, Caller], Ask | Awaitable[Ask]]


class Hides(Enum):
    """From whom it is hidden that the object exists: they are answered 404 and not 403."""

    FROM_NOBODY = "nobody"
    FROM_STRANGERS = "whoever has no part in its organization"
    DRAFTS = "whoever may not read its organization's drafts, whatever else they may"
    VENUES = "whoever may neither read its organization's drafts nor keep its venues"
    BOOKINGS = "whoever may not look at its organization's bookings"
    FROM_ALL = "everybody who may not have it"


@dataclass(frozen=True)
class Entry:
    """One valid request of a route, made for an estate and a caller.

    Attributes:
        make: makes it, with objects of its own where the request uses them up.
        needs: the permission that the object asks for, where the route declares none itself.
        hides: whether those who may not are told that the object exists.
        closed: the object is another person's, and no permission leads there.
        anywhere: the request names no organization; the permission in any of them is enough.
        members: only whoever is a member is let in, and no other permission leads there.
        public: what it names is the caller's own, or everybody's to name.
        for_people: a public route that refuses keys all the same.
        of_people: what it names is the caller's own, and nothing is a key's own.
        refusals: what else than a success says that the caller was let in.
    """

    make: Make
    needs: Permission | None = None
    hides: Hides = Hides.FROM_NOBODY
    closed: bool = False
    anywhere: bool = False
    members: bool = False
    public: bool = False
    for_people: bool = False
    of_people: bool = False
    refusals: frozenset[str] = frozenset()

    async def ask(self, estate: Estate, caller: Caller) -> Ask:
        """One more request."""
        made = self.make(estate, caller)
        return await made if inspect.isawaitable(made) else made


def name_of(handler: HTTPRouteHandler) -> str:
    """A route as the table names it: ``GET /events/{key:str}``."""
    (method,), (path,) = handler.http_methods, handler.paths
    return f"{method} {path}"


def address_of(route: str, ask: Ask) -> tuple[str, str]:
    """The method and the path below ``/api/v1`` of a request."""
    method, _, path = route.partition(" ")
    return method, _PARAMETER.sub(lambda match: ask.path[match[1]], path)


def refusal_of(
    kind: Kind, access: Access, entry: Entry, *, side: Side = "A", visitor: bool = False
) -> tuple[int, str] | None:
    """How the caller must be refused what the entry asks for; None for those who are let in.

    Comes from the route's declaration, the table of permissions and the entry alone.
    ``visitor`` says that a public route looks at who is calling.
    """
    forbidden = SECOND_FACTOR_NEEDED if kind.lacks_second_factor else FORBIDDEN
    if access.who is Who.ANYBODY:
        if kind.bad and visitor:
            return UNAUTHENTICATED
        if kind.scope is not None and entry.for_people:
            return USER_REQUIRED
    elif kind.is_unknown:
        return UNAUTHENTICATED
    elif access.who is Who.OWNER:
        if kind.scope is not None and access.permission not in kind.granted_somewhere():
            return FORBIDDEN
    elif access.who is not Who.MEMBER and kind.scope is not None:
        return USER_REQUIRED
    elif (
        access.who is Who.ROLE and (kind.role not in access.roles or kind.lacks_second_factor)
    ) or (access.who is Who.MEMBER and access.permission not in kind.granted_somewhere()):
        return forbidden
    needed = access.permission if access.who is Who.MEMBER else entry.needs
    granted = kind.granted(side)
    if entry.hides is Hides.DRAFTS and not {_P.EVENTS_READ, _P.EVENTS_WRITE} & granted:
        return NOT_FOUND
    if entry.hides is Hides.VENUES and not {_P.EVENTS_READ, _P.VENUES_WRITE} & granted:
        return NOT_FOUND
    lacks = needed is not None and needed not in granted and not entry.anywhere
    if not (entry.closed or lacks or (entry.members and not kind.has_part_in(side))):
        return None
    stranger = not kind.has_part_in(side) and not kind.lacks_second_factor
    hidden = {
        Hides.FROM_NOBODY: False,
        Hides.FROM_STRANGERS: stranger,
        Hides.DRAFTS: False,
        Hides.VENUES: False,
        Hides.BOOKINGS: not {_P.BOOKINGS_READ, _P.BOOKINGS_WRITE} & granted,
        Hides.FROM_ALL: True,
    }
    return NOT_FOUND if hidden[entry.hides] else forbidden


def plain(body: Mapping[str, Any] | None = None, **rest: Any) -> tuple[Entry, ...]:
    """The only entry of a route that names nothing."""
    return (Entry(lambda _estate, _caller: Ask(body=body), **rest),)


def inside(make: Callable[[Estate, Caller], Ask | Awaitable[Ask]], **rest: Any) -> Entry:
    """An entry about an organization, of which strangers are not told that it exists."""
    return Entry(make, hides=Hides.FROM_STRANGERS, **rest)


def number() -> int:
    """A number that no other request has."""
    return next(_numbers)


def free_time() -> str:
    """When no hall has been taken by another request."""
    return in_days(20 + next(_numbers) % 1_000)


def fresh_email() -> str:
    """An address that nobody has."""
    return f"newcomer{number()}@example.org"


def fresh_phone() -> str:
    """A number that nobody has."""
    return f"+9779841{number()}"


def shown(parameter: str, thing: str, **rest: Any) -> Entry:
    """An entry that names one thing of the estate in the path."""
    return Entry(lambda estate, _caller: Ask({parameter: getattr(estate, thing)}), **rest)


def asked(parameter: str, thing: str, **rest: Any) -> Entry:
    """An entry that names one thing of the estate in the query."""
    return Entry(lambda estate, _caller: Ask(query={parameter: getattr(estate, thing)}), **rest)


def for_all_and_draft(parameter: str, public: str, draft: str) -> tuple[Entry, ...]:
    """What everybody may see once it is published, and who may read drafts before."""
    drafted = shown(parameter, draft, needs=_P.EVENTS_READ, hides=Hides.FROM_ALL)
    return shown(parameter, public, public=True), drafted
