"""How to make one valid request of each route: the table that the permission matrix is made from.

A route may have several entries: one that names what is the caller's own or everybody's, one that
names a draft, or somebody else's booking. A new route without an entry fails the test.
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
from tests.support.catalog import event_body, in_days
from tests.support.people import PASSWORD
from tests.support.permissions import (
    Caller,
    Estate,
    Kind,
    Side,
    new_mail_token,
    new_refresh_cookie,
    new_session,
)

_P = Permission
_numbers = count(100_000)
_PARAMETER = re.compile(r"\{(\w+):\w+\}")

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


Make = Callable[[Estate, Caller], Ask | Awaitable[Ask]]


class Hides(Enum):
    """From whom it is hidden that the object exists: they are answered 404 and not 403."""

    FROM_NOBODY = "nobody"
    FROM_STRANGERS = "whoever has no part in its organization"
    DRAFTS = "whoever may not read its organization's drafts, whatever else they may"
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
    lacks = needed is not None and needed not in granted and not entry.anywhere
    if not (entry.closed or lacks or (entry.members and not kind.has_part_in(side))):
        return None
    stranger = not kind.has_part_in(side) and not kind.lacks_second_factor
    hidden = {
        Hides.FROM_NOBODY: False,
        Hides.FROM_STRANGERS: stranger,
        Hides.DRAFTS: False,
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


def _number() -> int:
    return next(_numbers)


def _free_time() -> str:
    """When no hall has been taken by another request."""
    return in_days(20 + next(_numbers) % 1_000)


def _email() -> str:
    return f"newcomer{_number()}@example.org"


def _phone() -> str:
    return f"+9779841{_number()}"


async def _reset(estate: Estate, caller: Caller) -> Ask:
    owner = caller if caller.email else await estate.person()
    token = await new_mail_token(estate.connection, owner, "reset_password")
    return Ask(body={"token": token, "password": PASSWORD})


async def _verify(estate: Estate, caller: Caller) -> Ask:
    owner = caller if caller.email else await estate.person()
    return Ask(body={"token": await new_mail_token(estate.connection, owner, "verify_email")})


async def _refresh(estate: Estate, _caller: Caller) -> Ask:
    cookie = await new_refresh_cookie(estate.connection, (await estate.person()).id)
    return Ask(headers={"Cookie": cookie, "X-Requested-With": "test"})


async def _own_session(estate: Estate, caller: Caller) -> Ask:
    return Ask({"session_id": await new_session(estate.connection, caller.id)})


async def _foreign_session(estate: Estate, _caller: Caller) -> Ask:
    person = await estate.person()
    return Ask({"session_id": await new_session(estate.connection, person.id)})


async def _user(estate: Estate, _caller: Caller) -> Ask:
    return Ask({"user_id": (await estate.person()).id})


async def _changed_user(estate: Estate, _caller: Caller) -> Ask:
    return Ask({"user_id": (await estate.person()).id}, body={"disabled": True})


async def _user_session(estate: Estate, _caller: Caller) -> Ask:
    person = await estate.person()
    session = await new_session(estate.connection, person.id)
    return Ask({"user_id": person.id, "session_id": session})


async def _member(estate: Estate, _caller: Caller) -> Ask:
    return Ask({"organization_id": estate.organization, "user_id": await estate.new_member()})


async def _member_role(estate: Estate, _caller: Caller) -> Ask:
    path = {"organization_id": estate.organization, "user_id": await estate.new_member()}
    return Ask(path, body={"role": "editor"})


async def _invitation(estate: Estate, _caller: Caller) -> Ask:
    invitation, _ = await estate.new_invitation()
    return Ask({"organization_id": estate.organization, "invitation_id": invitation})


async def _accepted(estate: Estate, caller: Caller) -> Ask:
    _, token = await estate.new_invitation(caller.email or _email())
    return Ask(body={"token": token})


async def _key(estate: Estate, _caller: Caller) -> Ask:
    key, _ = await estate.new_key()
    return Ask({"organization_id": estate.organization, "key_id": key})


async def _draft(estate: Estate, _caller: Caller) -> Ask:
    return Ask({"event_id": await estate.new_draft(secret=False)})


async def _booking(estate: Estate, _caller: Caller) -> Ask:
    return Ask({"booking_id": await estate.new_booking()})


async def _own_booking(estate: Estate, caller: Caller) -> Ask:
    return Ask({"booking_id": await estate.new_booking(caller)})


async def _own_entry(estate: Estate, caller: Caller) -> Ask:
    return Ask({"entry_id": await estate.new_entry(caller)})


def _of(estate: Estate, _caller: Caller) -> Ask:
    return Ask({"organization_id": estate.organization})


def _log(estate: Estate, _caller: Caller) -> Ask:
    who = {"actorId": estate.owner.id, "objectId": estate.organization}
    return Ask({"organization_id": estate.organization}, query=who)


def _new_venue(estate: Estate, _caller: Caller) -> Ask:
    place = {"name": "Barn", "city": "Bern", "country": "CH", "timezone": "Europe/Zurich"}
    return Ask(body={**place, "organizationId": estate.organization})


def _new_event(**fields: str) -> Make:
    """An event that names objects of the organization: fields of the body by their names here."""

    def make(estate: Estate, _caller: Caller) -> Ask:
        named = {name: getattr(estate, thing) for name, thing in fields.items()}
        if "showId" in named:
            named |= {"kind": None}
        if "venueId" in named or "hallId" in named:
            named |= {"location": None}
        # Made by the owner of A too, and never to be seen by others.
        titles = {"title": f"Draft {estate.mark}", "startsAt": _free_time()}
        return Ask(body=event_body(organizationId=estate.organization, **titles, **named))

    return make


def _new_hall(estate: Estate, _caller: Caller) -> Ask:
    return Ask({"venue_id": estate.venue}, body={"name": f"Hall {_number()}"})


def _new_seat_map(estate: Estate, _caller: Caller) -> Ask:
    body = {"template": "grid", "rows": 2, "seatsPerRow": 2}
    return Ask({"hall_id": estate.hall}, body=body)


def _sitting(event: str) -> Make:
    def make(estate: Estate, _caller: Caller) -> Ask:
        body = {"startsAt": _free_time()}
        if event == "event":
            body["hallId"] = estate.hall
        return Ask({"event_id": getattr(estate, event)}, body=body)

    return make


def _allotment(showtime: str) -> Make:
    def make(estate: Estate, _caller: Caller) -> Ask:
        drafted = showtime == "draft_showtime"
        category = estate.draft_category if drafted else estate.categories["Free"]
        path = {"showtime_id": getattr(estate, showtime), "category_id": category}
        return Ask(path, body={"blocked": 1})

    return make


def _seats(estate: Estate, _caller: Caller) -> Ask:
    return Ask({"showtime_id": estate.showtime}, body={"seats": [estate.new_seat()]})


def _best_seats(showtime: str) -> Make:
    def make(estate: Estate, _caller: Caller) -> Ask:
        body: dict[str, Any] = {"quantity": 1}
        if showtime == "showtime":
            body["categoryId"] = estate.categories["Stalls"]
        return Ask({"showtime_id": getattr(estate, showtime)}, body=body)

    return make


def _order(estate: Estate, _caller: Caller) -> Ask:
    items = [{"categoryId": estate.categories["Free"], "quantity": 1}]
    return Ask(body={"showtimeId": estate.showtime, "items": items})


def _order_seat(estate: Estate, _caller: Caller) -> Ask:
    return Ask(body={"showtimeId": estate.showtime, "seats": [estate.new_seat()]})


def shown(parameter: str, thing: str, **rest: Any) -> Entry:
    """An entry that names one thing of the estate in the path."""
    return Entry(lambda estate, _caller: Ask({parameter: getattr(estate, thing)}), **rest)


def asked(parameter: str, thing: str, **rest: Any) -> Entry:
    """An entry that names one thing of the estate in the query."""
    return Entry(lambda estate, _caller: Ask(query={parameter: getattr(estate, thing)}), **rest)


def _for_all_and_draft(parameter: str, public: str, draft: str) -> tuple[Entry, ...]:
    """What everybody may see once it is published, and who may read drafts before."""
    drafted = shown(parameter, draft, needs=_P.EVENTS_READ, hides=Hides.FROM_ALL)
    return shown(parameter, public, public=True), drafted


_NO_GOOGLE = frozenset({"google_not_configured"})
_NO_FACTOR = frozenset({"second_factor_absent"})
_WRONG_CODE = frozenset({"code_wrong"})

_ACCOUNTS: dict[str, tuple[Entry, ...]] = {
    "POST /auth/register": (
        Entry(lambda _e, _c: Ask(body={"name": "New", "email": _email(), "password": PASSWORD})),
    ),
    "POST /auth/login": (
        Entry(lambda e, _c: Ask(body={"email": e.resident, "password": PASSWORD})),
    ),
    "POST /auth/refresh": (Entry(_refresh),),
    "POST /auth/logout": (Entry(_refresh),),
    "GET /auth/me": plain(),
    "GET /auth/sessions": plain(),
    "DELETE /auth/sessions/{session_id:uuid}": (
        Entry(_own_session, public=True),
        Entry(_foreign_session, closed=True, hides=Hides.FROM_ALL),
    ),
    "DELETE /auth/sessions": plain(),
    "POST /auth/password/forgot": (Entry(lambda _e, _c: Ask(body={"email": _email()})),),
    "POST /auth/password/reset": (Entry(_reset),),
    "POST /auth/password/change": plain({"password": PASSWORD}),
    "POST /auth/email/verify": (Entry(_verify),),
    "POST /auth/email/send": plain(),
    "POST /auth/second-factor": plain({}),
    "POST /auth/second-factor/confirm": plain({"code": "123456"}, refusals=_NO_FACTOR),
    "POST /auth/second-factor/recovery-codes": plain({"code": "123456"}, refusals=_NO_FACTOR),
    "DELETE /auth/second-factor": plain({"code": "123456"}, refusals=_NO_FACTOR),
    "POST /auth/second-factor/verify": plain(
        {"challenge": "none", "code": "123456"}, refusals=_WRONG_CODE
    ),
    "POST /auth/otp/request": (
        Entry(lambda _e, _c: Ask(body={"phone": _phone()}), for_people=True),
    ),
    "POST /auth/otp/verify": (
        Entry(
            lambda estate, _c: Ask(
                body={"phone": _phone(), "code": "123456", "requestId": estate.booking}
            ),
            for_people=True,
            public=True,
            refusals=_WRONG_CODE,
        ),
    ),
    "DELETE /users/me/phone": plain({}),
    "GET /auth/google": plain(refusals=_NO_GOOGLE),
    "GET /auth/google/callback": plain(refusals=_NO_GOOGLE),
    "POST /auth/google/link": plain({}, refusals=_NO_GOOGLE),
    "DELETE /auth/google": plain({}, refusals=_NO_GOOGLE),
    "GET /users/me": plain(),
    "PATCH /users/me": plain({"language": "de-CH"}),
    "POST /users/me/email": (Entry(lambda _e, _c: Ask(body={"email": _email()})),),
    "GET /users/me/export": plain(),
    "DELETE /users/me": plain({}),
}

_ORGANIZATIONS: dict[str, tuple[Entry, ...]] = {
    "GET /organizations": plain(),
    "POST /organizations": plain({"name": "Another House"}),
    "GET /organizations/{organization_id:uuid}": (inside(_of),),
    "PATCH /organizations/{organization_id:uuid}": (
        inside(lambda e, _c: Ask({"organization_id": e.organization}, body={"name": e.mark})),
    ),
    # It has sold something: whoever may close it is told so.
    "DELETE /organizations/{organization_id:uuid}": (
        inside(_of, refusals=frozenset({"organization_has_sales"})),
    ),
    "GET /organizations/{organization_id:uuid}/members": (inside(_of),),
    "PATCH /organizations/{organization_id:uuid}/members/{user_id:uuid}": (inside(_member_role),),
    "DELETE /organizations/{organization_id:uuid}/members/{user_id:uuid}": (inside(_member),),
    "DELETE /organizations/{organization_id:uuid}/membership": (
        Entry(_of, members=True, hides=Hides.FROM_ALL),
    ),
    "GET /organizations/{organization_id:uuid}/invitations": (inside(_of),),
    "POST /organizations/{organization_id:uuid}/invitations": (
        inside(
            lambda e, _c: Ask(
                {"organization_id": e.organization}, body={"email": _email(), "role": "viewer"}
            )
        ),
    ),
    "DELETE /organizations/{organization_id:uuid}/invitations/{invitation_id:uuid}": (
        inside(_invitation),
    ),
    "POST /invitations/accept": (Entry(_accepted, refusals=frozenset({"already_member"})),),
    "GET /organizations/{organization_id:uuid}/api-keys": (inside(_of),),
    "POST /organizations/{organization_id:uuid}/api-keys": (
        inside(
            lambda e, _c: Ask(
                {"organization_id": e.organization}, body={"name": e.mark, "scopes": ["check-in"]}
            )
        ),
    ),
    "DELETE /organizations/{organization_id:uuid}/api-keys/{key_id:uuid}": (inside(_key),),
    "GET /organizations/{organization_id:uuid}/audit-log": (inside(_of), inside(_log)),
    "GET /admin/audit-log": (
        plain()[0],
        asked("organizationId", "organization"),
        Entry(lambda e, _c: Ask(query={"actorId": e.owner.id, "objectId": e.organization})),
    ),
    "GET /admin/users": plain(),
    "GET /admin/users/{user_id:uuid}": (Entry(_user),),
    "PATCH /admin/users/{user_id:uuid}": (Entry(_changed_user),),
    "GET /admin/users/{user_id:uuid}/sessions": (Entry(_user),),
    "DELETE /admin/users/{user_id:uuid}/sessions": (Entry(_user),),
    "DELETE /admin/users/{user_id:uuid}/sessions/{session_id:uuid}": (Entry(_user_session),),
}

_CONTENT: dict[str, tuple[Entry, ...]] = {
    "GET /venues": plain(),
    "GET /venues/{venue_id:uuid}": (shown("venue_id", "venue", public=True),),
    "POST /venues": (Entry(_new_venue),),
    "POST /venues/{venue_id:uuid}/halls": (Entry(_new_hall),),
    "PUT /halls/{hall_id:uuid}/seat-map": (Entry(_new_seat_map),),
    "GET /seat-maps/{seat_map_id:uuid}": (shown("seat_map_id", "seat_map", public=True),),
    "GET /events": (plain()[0], asked("venueId", "venue", public=True)),
    "GET /events/facets": (plain()[0], asked("venueId", "venue", public=True)),
    "GET /events/{key:str}": _for_all_and_draft("key", "event", "draft"),
    "POST /events": (
        Entry(_new_event()),
        Entry(_new_event(venueId="venue")),
        Entry(_new_event(hallId="hall")),
        Entry(_new_event(showId="draft_show")),
    ),
    "POST /events/{event_id:uuid}/publish": (
        Entry(_draft, hides=Hides.DRAFTS),
        shown("event_id", "event"),
    ),
    "POST /events/{event_id:uuid}/showtimes": (
        Entry(_sitting("draft"), hides=Hides.DRAFTS),
        Entry(_sitting("event")),
    ),
    "GET /organizer/events": (
        asked("organizationId", "organization"),
        plain(anywhere=True)[0],
    ),
    "GET /movies": plain(),
    "GET /movies/{movie_id:uuid}": _for_all_and_draft("movie_id", "show", "draft_show"),
    "GET /movies/{movie_id:uuid}/showtimes": _for_all_and_draft("movie_id", "show", "draft_show"),
    "GET /shows": plain(),
    "GET /shows/{show_id:uuid}": _for_all_and_draft("show_id", "show", "draft_show"),
    "GET /showtimes": (
        asked("eventId", "event", public=True),
        # Lists show what one may see of them, be it nothing.
        asked("eventId", "draft"),
        asked("movieId", "draft_show"),
    ),
    "GET /showtimes/{showtime_id:uuid}": _for_all_and_draft(
        "showtime_id", "showtime", "draft_showtime"
    ),
    "GET /users/me/favorites": plain(),
    "PUT /users/me/favorites/{event_id:uuid}": _for_all_and_draft("event_id", "event", "draft"),
    "DELETE /users/me/favorites/{event_id:uuid}": (shown("event_id", "event", public=True),),
}

_SALES: dict[str, tuple[Entry, ...]] = {
    "GET /showtimes/{showtime_id:uuid}/seats": _for_all_and_draft(
        "showtime_id", "showtime", "draft_showtime"
    ),
    "POST /showtimes/{showtime_id:uuid}/best-available": (
        Entry(_best_seats("showtime"), public=True),
        Entry(
            _best_seats("draft_showtime"),
            needs=_P.EVENTS_READ,
            hides=Hides.FROM_ALL,
            refusals=frozenset({"no_seat_map"}),  # the draft is sold by numbers
        ),
    ),
    "GET /showtimes/{showtime_id:uuid}/availability": _for_all_and_draft(
        "showtime_id", "showtime", "draft_showtime"
    ),
    "POST /showtimes/{showtime_id:uuid}/seats/block": (Entry(_seats),),
    "POST /showtimes/{showtime_id:uuid}/seats/unblock": (Entry(_seats),),
    "PATCH /showtimes/{showtime_id:uuid}/allotments/{category_id:uuid}": (
        Entry(_allotment("showtime")),
        Entry(_allotment("draft_showtime"), hides=Hides.DRAFTS),
    ),
    "POST /bookings": (Entry(_order, public=True), Entry(_order_seat, public=True)),
    "GET /bookings": plain(),
    "GET /bookings/{booking_id:uuid}": (
        Entry(_own_booking, public=True, of_people=True),
        Entry(_booking, needs=_P.BOOKINGS_READ, hides=Hides.FROM_ALL),
    ),
    **{
        route: (
            Entry(_own_booking, public=True, of_people=True),
            Entry(_booking, needs=_P.BOOKINGS_WRITE, hides=Hides.BOOKINGS),
        )
        for route in (
            "POST /bookings/{booking_id:uuid}/confirm",
            "POST /bookings/{booking_id:uuid}/cancel",
            "DELETE /bookings/{booking_id:uuid}",
        )
    },
    "GET /waitlist": plain(),
    "DELETE /waitlist/{entry_id:uuid}": (
        Entry(_own_entry, public=True),
        shown("entry_id", "entry", closed=True, hides=Hides.FROM_ALL),
    ),
}

TABLE: Mapping[str, tuple[Entry, ...]] = {**_ACCOUNTS, **_ORGANIZATIONS, **_CONTENT, **_SALES}
