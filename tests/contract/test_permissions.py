"""Who may do what: every route, asked by everybody, about their own organization and another's.

The matrix comes from what the routes declare (``access=``), the table of permissions and the table
of valid requests in ``tests/support/asks``; the server's answers are compared to it.
"""

import itertools
import typing
from collections.abc import AsyncIterator, Iterable, Mapping
from dataclasses import replace
from typing import Any, cast
from uuid import UUID

import httpx
import pytest
import pytest_asyncio
from litestar import Litestar, Router, get
from litestar.handlers import HTTPRouteHandler
from litestar.routes import HTTPRoute

from fullhouse import app
from fullhouse.accounts import routes as accounts_routes
from fullhouse.api import docs, health, requests
from fullhouse.api.permissions import KEY_SCOPES, OPTION, Access, Permission, Who
from fullhouse.api.principal import Principal
from fullhouse.app import API_ROUTES, compose
from fullhouse.kit.db import Database
from fullhouse.kit.ids import new_id
from fullhouse.parts import Parts
from fullhouse.settings import Settings
from tests.support.asgi import bearer
from tests.support.asks import TABLE
from tests.support.catalog import event_body
from tests.support.house import API
from tests.support.permissions import (
    KINDS,
    Caller,
    Estate,
    Kind,
    Town,
    build_town,
    people,
)
from tests.support.permissions_asks import (
    TABLE_TYPE,
    Ask,
    Entry,
    address_of,
    name_of,
    payload_of,
    refusal_of,
)
from tests.support.permissions_ids import declared, named, swapped, unnumbered
from tests.support.settings import settings_for

_ASKS = "tests/support/asks"
# What routes ask for that have to do with who is calling, or with what is kept.
_OF_CALLERS = {"principal", "visitor", "database", "accounts", "desk", "device"}
ROUTES = {name_of(handler): handler for handler in API_ROUTES}
_EACH = pytest.mark.parametrize("route", sorted(ROUTES))


@pytest.fixture(scope="module")
def settings(database_url: str) -> Settings:
    return settings_for(database_url, admin_second_factor=True)


@pytest_asyncio.fixture(scope="module")
async def town(client: httpx.AsyncClient, database: Database) -> AsyncIterator[Town]:
    connection = await database.connect_raw()
    yield await build_town(client, connection)
    await connection.close()


# The table


def undeclared(handlers: Iterable[HTTPRouteHandler]) -> list[str]:
    """The routes that do not say for whom they are."""
    return [name_of(one) for one in handlers if not isinstance(one.opt.get(OPTION), Access)]


def without_entry(handlers: Iterable[HTTPRouteHandler]) -> list[str]:
    """The routes of which nobody has said how they are asked."""
    return [name_of(one) for one in handlers if not TABLE.get(name_of(one))]


def entries_of(route: str) -> tuple[Entry, ...]:
    """How the route is asked; fails with the remedy where nobody has said it."""
    assert TABLE.get(route), f"{route} has no entry: add one to {_ASKS}"
    return TABLE[route]


def test_every_route_declares_its_permission() -> None:
    @get("/surprise")
    async def surprise() -> None: ...

    @get("/words", access="everybody")
    async def words() -> None: ...

    assert len(ROUTES) == len(API_ROUTES) > 80
    assert undeclared(API_ROUTES) == []
    assert undeclared([*API_ROUTES, surprise, words]) == ["GET /surprise", "GET /words"]


def test_every_route_is_in_the_matrix() -> None:
    @get("/surprise", access=Access(Who.USER))
    async def surprise() -> None: ...

    lacking = without_entry(API_ROUTES)
    assert lacking == [], f"add an entry for each to {_ASKS}"
    assert without_entry([*API_ROUTES, surprise]) == ["GET /surprise"]
    with pytest.raises(AssertionError, match=f"^GET /surprise has no entry: add one to {_ASKS}"):
        entries_of("GET /surprise")
    without_route = sorted(set(TABLE) - set(ROUTES))
    assert without_route == [], f"take what no route has any more out of {_ASKS}"


@get("/surprise")
async def _surprise() -> None: ...


@get("/words", access="everybody")
async def _words() -> None: ...


@pytest.mark.parametrize("handler", [_surprise, _words], ids=["none", "words"])
@pytest.mark.parametrize("part", ["api", "health", "pages", "docs"])
async def test_no_server_starts_with_a_route_that_does_not_say_for_whom_it_is(
    parts: Parts, monkeypatch: pytest.MonkeyPatch, part: str, handler: HTTPRouteHandler
) -> None:
    def with_one_more(make: Any) -> Any:
        return lambda *args: Router("/", route_handlers=[make(*args), handler])

    holder, name = {
        "api": (app, "_api"),
        "health": (health, "routes"),
        "pages": (accounts_routes, "pages"),
        "docs": (docs, "routes"),
    }[part]
    monkeypatch.setattr(holder, name, with_one_more(getattr(holder, name)))
    asks = rf"test_permissions\.{handler.fn.__name__} \(GET {min(handler.paths)}\): .*access="
    with pytest.raises(TypeError, match=asks):
        compose(parts)


def test_whatever_else_is_served_is_for_everybody(parts: Parts) -> None:
    """Health, reference and pages: they are only read, and know neither callers nor data."""
    served = set()
    for route in cast(Litestar, compose(parts)._app).routes:
        for handler in route.route_handlers if isinstance(route, HTTPRoute) else ():
            for method in handler.http_methods - {"OPTIONS"}:
                if route.path.startswith(f"{API}/"):
                    served.add(f"{method} {route.path.removeprefix(API)}")
                else:
                    assert method == "GET", route.path
                    assert not _OF_CALLERS & handler.parsed_fn_signature.parameters.keys()
    assert served == set(ROUTES)


def test_an_undeclared_permission_is_no_permission() -> None:
    for handler in API_ROUTES:
        access: Access = handler.opt[OPTION]
        about = access.who in (Who.MEMBER, Who.OWNER)
        assert (access.permission is not None) == about, name_of(handler)
        assert bool(access.roles) == (access.who is Who.ROLE), name_of(handler)


# What is written down by hand, so that nobody changes the table without meaning it

_BLOCK = "POST /showtimes/{showtime_id:uuid}/seats/block"
_CONFIRM = "POST /bookings/{booking_id:uuid}/confirm"
_CANCEL = "POST /bookings/{booking_id:uuid}/cancel"
_SOLD = "GET /organizer/bookings"
_INVITE = "POST /organizations/{organization_id:uuid}/invitations"
_MAKE_KEY = "POST /organizations/{organization_id:uuid}/api-keys"
_RENAME = "PATCH /organizations/{organization_id:uuid}"
_AUDIT = "GET /organizations/{organization_id:uuid}/audit-log"
_MEMBERS = "GET /organizations/{organization_id:uuid}/members"
_PUBLISH = "POST /events/{event_id:uuid}/publish"
_HALL = "POST /venues/{venue_id:uuid}/halls"
_OWN_EVENTS = "GET /organizer/events"
_ACCEPT = "POST /invitations/accept"
_SEAT_MAP = "PUT /halls/{hall_id:uuid}/seat-map"
_BARN = {"name": "Barn", "city": "Bern", "country": "CH", "timezone": "Europe/Zurich"}

# Of those who have a part in A, and the platform's roles: who is let in, and nobody else.
BY_HAND: Mapping[str, set[str]] = {
    "POST /events": {"owner", "manager", "editor", "EDITOR", "ADMIN", "key events:write"},
    _PUBLISH: {"owner", "manager", "editor", "EDITOR", "ADMIN", "key events:write"},
    _HALL: {"owner", "manager", "editor", "EDITOR", "ADMIN", "key venues:write"},
    _BLOCK: {"owner", "manager", "box_office", "ADMIN", "key places:write"},
    _CONFIRM: {"owner", "manager", "box_office", "ADMIN", "key bookings:write"},
    _CANCEL: {"owner", "manager", "box_office", "ADMIN", "key bookings:write"},
    _SOLD: {"owner", "manager", "box_office", "viewer", "ADMIN", "key bookings:read"},
    _INVITE: {"owner", "manager", "ADMIN"},
    _MAKE_KEY: {"owner", "ADMIN"},
    _RENAME: {"owner", "ADMIN"},
    _AUDIT: {"owner", "manager", "ADMIN", "key audit-log:read"},
    _MEMBERS: {"owner", "manager", "viewer", "ADMIN", "key members:read"},
    "GET /admin/users": {"ADMIN"},
    "GET /admin/audit-log": {"ADMIN"},
    "POST /organizations": {"organizer of C", "ADMIN"},
}


def let_in(route: str, entry: Entry) -> set[str]:
    """The names of all callers who are let in, those of A by what they are there."""
    access: Access = ROUTES[route].opt[OPTION]
    kinds = (kind for kind in KINDS.values() if not kind.owns_c)
    names = (kind.name for kind in kinds if refusal_of(kind, access, entry) is None)
    return {name.removesuffix(" of A") for name in names}


@pytest.mark.parametrize("route", sorted(BY_HAND))
def test_the_matrix_says_what_was_meant(route: str) -> None:
    # The last entry of a route is the one about somebody else's object.
    assert let_in(route, entries_of(route)[-1]) == BY_HAND[route]


@pytest.mark.parametrize("member", ["scanner", "viewer"])
def test_those_who_look_change_nothing_of_the_organization(member: str) -> None:
    kind = KINDS[f"{member} of A"]
    for route, handler in ROUTES.items():
        access: Access = handler.opt[OPTION]
        for entry in entries_of(route):
            needed = access.permission if access.who is Who.MEMBER else entry.needs
            if needed is not None and not route.startswith("GET "):
                named = needed is Permission.EVENTS_READ  # a draft as one's own favourite
                assert named or refusal_of(kind, access, entry) is not None, route


def test_editors_of_the_platform_sell_nothing_and_appoint_nobody() -> None:
    content = {Permission.EVENTS_READ, Permission.EVENTS_WRITE, Permission.VENUES_WRITE}
    assert KINDS["EDITOR"].granted("A") == KINDS["EDITOR"].granted("B") == content


def test_keys_make_no_keys_and_appoint_nobody() -> None:
    refused = {Permission.KEYS_WRITE, Permission.MEMBERS_WRITE, Permission.ORGANIZATION_WRITE}
    assert set(Permission) - KEY_SCOPES == refused


# The matrix


async def send(town: Town, route: str, ask: Ask, caller: Caller) -> httpx.Response:
    """One request as this caller, who has no cookies."""
    method, path = address_of(route, ask)
    town.client.cookies.clear()
    return await town.client.request(
        method,
        f"{API}{path}",
        params=dict(ask.query),
        headers={**ask.headers, **caller.headers},
        **payload_of(ask),
    )


def outcome_of(answer: httpx.Response) -> tuple[int, str]:
    """The status and, of a refusal, the code."""
    return answer.status_code, answer.json().get("code", "") if answer.status_code >= 400 else ""


def is_let_in(entry: Entry, outcome: tuple[int, str]) -> bool:
    """Whether the answer is a success, or one that only those get who were let in."""
    status, code = outcome
    return status < 400 or code in entry.refusals


def changes(before: Mapping[str, object], after: Mapping[str, object]) -> list[str]:
    """The tables that are not what they were."""
    return sorted(table for table in before if before[table] != after[table])


async def findings_of(town: Town, route: str, entry: Entry) -> list[str]:
    """What the server answers that the matrix does not say, for one entry."""
    access: Access = ROUTES[route].opt[OPTION]
    visitor = "visitor" in ROUTES[route].parsed_fn_signature.parameters
    callers = [
        caller
        for caller in (await town.cast()).values()
        if caller.kind.scope is None or not entry.of_people
    ]
    expected = {
        caller.kind.name: refusal_of(caller.kind, access, entry, visitor=visitor)
        for caller in callers
    }
    found = []
    ask = await entry.ask(town.a, await town.a.person())
    before = await town.digest()
    for caller in callers:
        refusal = expected[caller.kind.name]
        if refusal is not None:
            outcome = outcome_of(await send(town, route, ask, caller))
            if outcome != refusal:
                found.append(f"{caller.kind.name}: {outcome}, must be {refusal}")
    if changed := changes(before, await town.digest()):
        found.append(f"what was refused has changed {', '.join(changed)}")
    for caller in callers:
        if expected[caller.kind.name] is None:
            answer = await send(town, route, await entry.ask(town.a, caller), caller)
            if not is_let_in(entry, outcome_of(answer)):
                found.append(f"{caller.kind.name}: {outcome_of(answer)}, must be let in")
    return found


async def findings(town: Town, route: str) -> list[str]:
    """What the server answers that the matrix does not say."""
    return [
        f"{number}: {finding}"
        for number, entry in enumerate(entries_of(route))
        for finding in await findings_of(town, route, entry)
    ]


@_EACH
async def test_everybody_gets_what_the_matrix_says(town: Town, route: str) -> None:
    assert await findings(town, route) == []


def _may_everything(*_args: object) -> bool:
    return True


def _may_nothing(*_args: object) -> bool:
    return False


def _may_anywhere(self: Principal, permission: Permission, _organization: object) -> bool:
    return self.may_somewhere(permission)


def _look_away(*_args: object) -> None: ...


@pytest.mark.parametrize(
    ("holder", "name", "weakened", "route", "noticed"),
    [
        (Principal, "may", _may_everything, _RENAME, "owner of B: (200"),
        (Principal, "may", _may_everything, _BLOCK, "key places:write of B: (204"),
        (Principal, "may", _may_anywhere, "POST /events", "what was refused has changed"),
        (Principal, "may", _may_anywhere, "POST /events", "editor of B: (201"),
        (Principal, "may", _may_anywhere, _AUDIT, "key audit-log:read of B: (200"),
        (Principal, "may", _may_nothing, _MEMBERS, "owner of A: (403, 'forbidden')"),
        (Principal, "may_somewhere", _may_nothing, _OWN_EVENTS, "key events:read of A: (403"),
        (requests, "check_access", _look_away, "GET /admin/users", "nobody: (200"),
    ],
    ids=["may", "may-keys", "changes", "tenant", "tenant-keys", "nothing", "door-shut", "door"],
)
async def test_the_matrix_notices_what_is_weakened(
    town: Town,
    monkeypatch: pytest.MonkeyPatch,
    holder: Any,
    name: str,
    weakened: Any,
    route: str,
    noticed: str,
) -> None:
    monkeypatch.setattr(holder, name, weakened)
    assert noticed in "\n".join(await findings(town, route))


# Between organizations


def _is_refused(answer: httpx.Response) -> bool:
    """Whether nothing was given: a refusal, or a list with nothing in it.

    A table is refused by a report that says of it that it was not written.
    """
    if answer.is_client_error:
        return True
    if answer.request.headers.get("Content-Type") == TABLE_TYPE:
        return answer.json()["written"] is False
    return answer.request.method == "GET" and answer.json().get("items") == []


@_EACH
async def test_ids_of_another_organization_lead_nowhere(town: Town, route: str) -> None:
    access: Access = ROUTES[route].opt[OPTION]
    owner = (await town.cast())["owner of B"]
    covered = set()
    for entry in entries_of(route):
        mine, theirs = await entry.ask(town.b, owner), named(await entry.ask(town.a, owner))
        covered |= {unnumbered(position) for position in named(mine)}
        assert theirs.keys() == named(mine).keys()
        swaps = [{position: theirs[position]} for position in theirs]
        if not entry.public and len(theirs) > 1:
            swaps.append(theirs)
        # What everybody may name they may not name in a mixture of two organizations.
        if not swaps or (entry.public and len(swaps) == 1):
            continue
        before = await town.digest()
        for ids in swaps:
            answer = await send(town, route, swapped(mine, ids), owner)
            assert _is_refused(answer), (ids, answer.text)
            assert not leaked(answer, town.a), (ids, answer.text)
        assert changes(before, await town.digest()) == []
        if refusal_of(owner.kind, access, entry, side="B") is None:
            # The very same request about one's own things is a good one.
            assert is_let_in(entry, outcome_of(await send(town, route, mine, owner)))
    assert declared(ROUTES[route]) <= covered


def leaked(answer: httpx.Response, estate: Estate) -> set[str]:
    """What of the organization's secrets stands in an answer."""
    return {secret for secret in estate.secrets if secret in answer.text}


READS = sorted(route for route in ROUTES if route.startswith("GET "))
# What these answer is everybody's: published events and what they need.
_CATALOGUE = {
    "GET /events",
    "GET /halls/{hall_id:uuid}/seat-maps",
    "GET /movies",
    "GET /shows",
    "GET /showtimes",
    "GET /venues",
}


def lists_something(handler: HTTPRouteHandler) -> bool:
    """Whether the route answers a list of things."""
    answer = handler.parsed_fn_signature.return_type.annotation
    kind = typing.get_origin(answer) or answer
    return isinstance(kind, type) and "items" in getattr(kind, "__struct_fields__", ())


LISTS = [route for route in READS if lists_something(ROUTES[route])]


def test_lists_are_recognized() -> None:
    assert len(LISTS) >= 18
    assert {*_CATALOGUE, "GET /bookings", "GET /auth/sessions", _AUDIT, _MEMBERS} <= set(LISTS)
    assert "GET /users/me" not in LISTS


async def shown_to(town: Town, route: str, caller: Caller, estate: Estate) -> list[httpx.Response]:
    """What the caller gets who asks a route all about this estate, 100 items at a time."""
    answers = []
    owner = caller if caller.kind.is_person else await estate.person()
    for entry in entries_of(route):
        ask = await entry.ask(estate, owner)
        if ROUTES[route].parsed_fn_signature.parameters.keys() & {"part", "limit"}:
            ask = replace(ask, query={**ask.query, "limit": "100"})
        answers.append(await send(town, route, ask, caller))
    return answers


@pytest.mark.parametrize("route", READS)
async def test_no_answer_tells_of_another_organization(town: Town, route: str) -> None:
    callers = (await town.cast()).values()
    seeing = {"ADMIN", "EDITOR"}
    outsiders = [
        one for one in callers if not one.kind.has_part_in("A") and one.kind.name not in seeing
    ]
    for caller in [*outsiders, town.b.owner, town.b.buyer]:
        for answer in await shown_to(town, route, caller, town.b):
            assert not leaked(answer, town.a), (caller.kind.name, answer.text)


@pytest.mark.parametrize("route", LISTS)
async def test_lists_hold_what_others_must_not_see(town: Town, route: str) -> None:
    """Without this the test above could not fail."""
    insiders = [town.a.owner, town.a.buyer, (await town.cast())["ADMIN"]]
    answers = [
        answer for caller in insiders for answer in await shown_to(town, route, caller, town.a)
    ]
    if route in _CATALOGUE:
        assert any(town.a.open_mark in answer.text for answer in answers)
    else:
        assert any(leaked(answer, town.a) for answer in answers)


async def test_a_leak_is_noticed(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Principal, "organizations_with", lambda *_: None)
    caller = (await town.cast())["viewer of B"]
    answers = await shown_to(town, _OWN_EVENTS, caller, town.b)
    assert any(town.a.mark in leaked(answer, town.a) for answer in answers)


async def test_an_invitation_is_good_for_its_address_alone(town: Town) -> None:
    _, token = await town.a.new_invitation()
    before = await town.digest()
    answer = await send(town, _ACCEPT, Ask(body={"token": token}), town.b.owner)
    assert outcome_of(answer) == (403, "invitation_for_another")
    assert changes(before, await town.digest()) == []


# Keys, whatever their row says


async def test_a_key_is_never_given_what_no_key_may(town: Town) -> None:
    """Not even where the scopes were written past the program."""
    _, text = await town.a.new_key(*Permission)
    key = Caller(Kind("key of A", side="A", scope=Permission.CHECK_IN), bearer(text))
    for route, handler in ROUTES.items():
        access: Access = handler.opt[OPTION]
        if access.permission in set(Permission) - KEY_SCOPES:
            for entry in entries_of(route):
                ask = await entry.ask(town.a, town.a.owner)
                before = await town.digest()
                outcome = outcome_of(await send(town, route, ask, key))
                assert outcome == (403, "forbidden"), route
                assert changes(before, await town.digest()) == []
    answer = await send(town, _AUDIT, Ask({"organization_id": town.a.organization}), key)
    assert answer.status_code == 200


# For whom somebody acts who names no organization


async def _member(town: Town, role: str, parts: Mapping[str, str]) -> Caller:
    """Somebody of this platform role with a role in each of these organizations."""
    (made,) = await people(town.connection, [Kind(role, role=role)], "somebody", {})
    await town.connection.executemany(
        "INSERT INTO memberships (organization_id, user_id, role) VALUES ($1, $2, $3)",
        [(UUID(town.orgs[side]), UUID(made.id), member) for side, member in parts.items()],
    )
    return made


_REQUIRED = (422, "organization_required")
_NOT_THEIRS = (403, "forbidden")


@pytest.mark.parametrize("thing", ["events", "venues"])
@pytest.mark.parametrize(
    ("role", "roles", "named", "expected"),
    [
        ("USER", {"A": "owner"}, "", "A"),
        ("USER", {"A": "owner"}, "A", "A"),
        ("USER", {"A": "owner"}, "B", _NOT_THEIRS),
        ("USER", {"A": "owner", "B": "editor"}, "", _REQUIRED),
        ("USER", {"A": "owner", "B": "editor"}, "B", "B"),
        ("USER", {"A": "owner", "B": "editor"}, "C", _NOT_THEIRS),
        # Of several only those count in which one may do it.
        ("USER", {"A": "viewer", "B": "editor"}, "", "B"),
        ("USER", {"A": "viewer", "B": "editor"}, "A", _NOT_THEIRS),
        ("USER", {"A": "viewer", "B": "scanner"}, "", _NOT_THEIRS),
        ("ORGANIZER", {}, "", _NOT_THEIRS),
        ("ORGANIZER", {}, "A", _NOT_THEIRS),
        ("EDITOR", {}, "", _REQUIRED),
        ("EDITOR", {}, "A", "A"),
        ("EDITOR", {"B": "viewer"}, "", "B"),
        ("EDITOR", {"B": "viewer"}, "A", "A"),
        ("EDITOR", {"A": "owner", "B": "owner"}, "", _REQUIRED),
        ("EDITOR", {"A": "owner", "B": "owner"}, "C", "C"),
        ("ADMIN", {}, "A", "A"),
        ("ADMIN", {"B": "viewer"}, "", "B"),
        ("ADMIN", {"A": "owner", "B": "owner"}, "", _REQUIRED),
        ("ADMIN", {"A": "owner", "B": "owner"}, "C", "C"),
    ],
)
async def test_for_whom_events_and_venues_are_made(
    town: Town,
    thing: str,
    role: str,
    roles: dict[str, str],
    named: str,
    expected: str | tuple[int, str],
) -> None:
    body = event_body() if thing == "events" else dict(_BARN)
    if named:
        body["organizationId"] = town.orgs[named]
    caller = await _member(town, role, roles)
    before = await town.digest()
    answer = await send(town, f"POST /{thing}", Ask(body=body), caller)
    if isinstance(expected, tuple):
        assert outcome_of(answer) == expected
        assert changes(before, await town.digest()) == []
    else:
        assert answer.status_code == 201, answer.text
        made = answer.json()["id"]
        found = await town.connection.fetchval(
            f"SELECT organization_id FROM {thing} WHERE id = $1", UUID(made)
        )
        assert str(found) == town.orgs[expected]


@pytest.mark.parametrize("thing", ["events", "venues"])
@pytest.mark.parametrize("role", ["EDITOR", "ADMIN"])
async def test_nothing_is_made_for_an_organization_that_is_none(
    town: Town, thing: str, role: str
) -> None:
    body = event_body() if thing == "events" else dict(_BARN)
    body["organizationId"] = str(new_id())
    before = await town.digest()
    answer = await send(town, f"POST /{thing}", Ask(body=body), await _member(town, role, {}))
    assert outcome_of(answer) == (422, "validation_failed")
    assert answer.json()["errors"][0]["pointer"] == "/organizationId"
    # The caller came after the look at the tables.
    assert set(changes(before, await town.digest())) == {"sessions", "users"}


async def test_an_event_of_nobody_is_nobodys(town: Town) -> None:
    """An admin has venues for all, but each event is some organization's."""
    answer = await send(
        town, "POST /events", Ask(body=event_body()), await _member(town, "ADMIN", {})
    )
    assert outcome_of(answer) == _REQUIRED


async def test_what_is_everybodys_is_changed_by_the_platform_alone(town: Town) -> None:
    admin = await _member(town, "ADMIN", {})
    answer = await send(town, "POST /venues", Ask(body=dict(_BARN)), admin)
    venue = answer.json()
    assert (answer.status_code, venue["organizationId"]) == (201, None)
    made = await send(town, _HALL, _hall_in(venue["id"]), admin)
    one_seat = {"template": "grid", "rows": 1, "seatsPerRow": 1}
    asks = (
        (_HALL, _hall_in(venue["id"])),
        (_SEAT_MAP, Ask({"hall_id": made.json()["id"]}, body=one_seat)),
    )
    callers = await town.cast()
    before = await town.digest()
    for caller in callers.values():
        for route, ask in asks if caller.kind.name not in ("EDITOR", "ADMIN") else ():
            answer = await send(town, route, ask, caller)
            assert answer.status_code in (401, 403), (caller.kind.name, answer.text)
    assert changes(before, await town.digest()) == []
    for name, route in itertools.product(("EDITOR", "ADMIN"), (_HALL, _SEAT_MAP)):
        ask = _hall_in(venue["id"]) if route == _HALL else asks[1][1]
        assert (await send(town, route, ask, callers[name])).is_success


def _hall_in(venue: str) -> Ask:
    return Ask({"venue_id": venue}, body={"name": f"Hall {new_id()}"})
