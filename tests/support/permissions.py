"""Who asks in the permission tests, and what they ask for: two organizations side by side."""

import itertools
import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal
from uuid import UUID

import httpx

from fullhouse.accounts.one_time import hash_token, new_api_key, new_token
from fullhouse.accounts.sessions import RefreshTokens
from fullhouse.api.permissions import (
    ADMIN,
    EDITOR,
    KEY_SCOPES,
    OF_MEMBER,
    OF_PLATFORM_ROLE,
    ORGANIZER,
    USER,
    Permission,
)
from fullhouse.kit.db import RawConnection, metadata
from fullhouse.kit.ids import new_id
from tests.support.asgi import bearer
from tests.support.catalog import made_event, made_hall
from tests.support.house import API, begin_sessions, token_of
from tests.support.people import register
from tests.support.settings import SECRET
from tests.support.venues import picture

Side = Literal["A", "B", "C", ""]

# A sum, because the order of rows means nothing.
_DIGEST = "SELECT '{0}', count(*), sum(hashtextextended({1}, 0)) FROM {0} AS t"
# What changes without anybody's doing: the last use of a key.
_ROWS = {
    "api_keys": "(to_jsonb(t) - 'last_used_at')::text",
    # A chore refreshes them by itself.
    "event_listings": "(to_jsonb(t) - 'refreshed_at')::text",
    # What the jobs do with a picture, which somebody else has uploaded or deleted before.
    "media": "(to_jsonb(t) - '{status,variants,failure,claimed_until,attempts,cleared_at}'"
    "::text[])::text",
}


@dataclass(frozen=True)
class Kind:
    """A sort of caller: nobody, a person with roles, or an API key with one scope."""

    name: str
    bad: str = ""  # an Authorization header that is none
    role: str = USER
    side: Side = ""
    member: str = ""
    scope: Permission | None = None
    lacks_second_factor: bool = False
    owns_c: bool = False  # besides, so that every door is open to them

    @property
    def is_person(self) -> bool:
        return self.scope is None and not self.is_unknown

    @property
    def is_unknown(self) -> bool:
        return self.name == "nobody" or bool(self.bad)

    def has_part_in(self, side: Side) -> bool:
        """Whether the caller is a member, or a key, of the organization."""
        return self.side == side and (self.scope is not None or bool(self.member))

    def granted(self, side: Side) -> frozenset[Permission]:
        """What the table of permissions gives this caller in the organization on that side.

        Worked out here once more and not asked of the source, which is what is tested.
        """
        if self.scope is not None:
            return frozenset({self.scope}) if side == self.side else frozenset()
        if self.is_unknown:
            return frozenset()
        role = USER if self.lacks_second_factor else self.role
        inside = OF_MEMBER[self.member] if self.member and side == self.side else frozenset()
        elsewhere = OF_MEMBER["owner"] if self.owns_c and side == "C" else frozenset()
        return OF_PLATFORM_ROLE[role] | inside | elsewhere

    def granted_somewhere(self) -> frozenset[Permission]:
        """The same in whichever organization gives most."""
        sides: tuple[Side, ...] = ("A", "B", "C", "")
        return frozenset().union(*(self.granted(side) for side in sides))


def _kinds() -> Iterable[Kind]:
    yield Kind("nobody")
    yield Kind("bad token", bad="Bearer eyJhbGciOiJub25lIn0.e30.")
    yield Kind("bad key", bad=f"Bearer {new_api_key().text}")
    yield Kind("user")
    yield Kind("organizer of C", role=ORGANIZER, side="C", member="owner")
    yield Kind("EDITOR", role=EDITOR)
    yield Kind("ADMIN", role=ADMIN)
    yield Kind("ADMIN without second factor", role=ADMIN, lacks_second_factor=True)
    sides: tuple[Side, ...] = ("A", "B")
    for side, member in itertools.product(sides, OF_MEMBER):
        yield Kind(f"{member} of {side}", side=side, member=member)
    for member in OF_MEMBER:
        yield Kind(f"{member} of A, owner of C", side="A", member=member, owns_c=True)
    for side, scope in itertools.product(sides, sorted(KEY_SCOPES)):
        yield Kind(f"key {scope} of {side}", side=side, scope=scope)


KINDS = {kind.name: kind for kind in _kinds()}


@dataclass(frozen=True)
class Caller:
    """Somebody, or a key, that asks."""

    kind: Kind
    headers: Mapping[str, str]
    id: str = ""
    email: str = ""


@dataclass
class Estate:
    """An organization with something of everything, and with what makes more of it.

    Attributes:
        mark: stands in every name that only the organization's own people may read.
        open_mark: stands in the names that everybody may read.
        secrets: the mark, and the ids of what nobody outside may see.
    """

    client: httpx.AsyncClient
    connection: RawConnection
    side: Side
    organization: str
    mark: str
    open_mark: str
    secrets: set[str] = field(default_factory=set)
    owner: Caller = field(init=False)
    buyer: Caller = field(init=False)
    resident: str = ""  # the address of somebody who has a password
    venue: str = ""
    hall: str = ""
    hidden_venue: str = ""  # where no event is
    hidden_hall: str = ""
    media: str = ""
    event: str = ""  # published, a movie
    show: str = ""
    showtime: str = ""
    seat_map: str = ""
    categories: dict[str, str] = field(default_factory=dict)
    draft: str = ""
    draft_show: str = ""
    draft_showtime: str = ""
    draft_category: str = ""
    booking: str = ""
    entry: str = ""
    key: str = ""
    _seats: list[str] = field(default_factory=list)

    async def post(self, caller: Caller, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """Make something through the API."""
        answer = await self.client.post(f"{API}{path}", json=body, headers=caller.headers)
        assert answer.is_success, answer.text
        made: dict[str, Any] = answer.json()
        return made

    async def person(self, **kind: Any) -> Caller:
        """Somebody whose name only this organization may read."""
        (made,) = await people(self.connection, [Kind("extra", **kind)], self.mark, self.orgs)
        self.secrets.add(made.id)
        return made

    @property
    def orgs(self) -> Mapping[str, str]:
        return {self.side: self.organization}

    async def new_member(self) -> str:
        """The id of a fresh member of the least role."""
        return (await self.person(side=self.side, member="viewer")).id

    async def new_draft(self, *, secret: bool = True) -> str:
        """The id of an event that can be published; ``secret`` unless it will be."""
        mark = self.mark if secret else self.open_mark
        event = await made_event(
            self.client,
            dict(self.owner.headers),
            publish=False,
            kind="movie",
            title=f"Draft {mark}",
            location=f"Cellar {mark}",
            description=mark,
        )
        if secret:
            showtimes = [showtime["id"] for showtime in event["showtimes"]]
            categories = [category["id"] for category in event["categories"]]
            self.secrets |= {event["id"], event["showId"], *showtimes, *categories}
        return str(event["id"])

    async def new_venue(self) -> tuple[str, str]:
        """The ids of a venue where no event is, and of its hall."""
        place = {"city": "Bern", "country": "CH", "timezone": "Europe/Zurich"}
        venue = await self.post(self.owner, "/venues", {**place, "name": f"Attic {self.mark}"})
        hall = await self.post(
            self.owner, f"/venues/{venue['id']}/halls", {"name": f"Loft {self.mark}"}
        )
        self.secrets |= {venue["id"], hall["id"]}
        return venue["id"], hall["id"]

    async def new_picture(self) -> str:
        """The id of a picture for what everybody may see."""
        return await picture(self.connection, self.organization)

    async def new_booking(self, caller: Caller | None = None) -> str:
        """A free place that the caller, or the organization's buyer, holds."""
        items = [{"categoryId": self.categories["Free"], "quantity": 1}]
        body = {"showtimeId": self.showtime, "items": items}
        booking = await self.post(caller or self.buyer, "/bookings", body)
        self.secrets |= {booking["id"], booking["code"]}
        return str(booking["id"])

    async def new_entry(self, caller: Caller) -> str:
        """A place of the caller in the line for the box, which is taken."""
        items = [{"categoryId": self.categories["Box"], "quantity": 1}]
        body = {"showtimeId": self.showtime, "items": items, "joinWaitlist": True}
        booking = await self.post(caller, "/bookings", body)
        self.secrets |= {booking["id"], booking["code"]}
        return str(booking["id"])

    async def new_invitation(self, email: str = "") -> tuple[str, str]:
        """The id and the token of an invitation, past the mail in which the token goes."""
        invitation, token = new_id(), new_token()
        address = email or f"{self.mark}.{invitation}@example.org"
        await self.connection.execute(
            "INSERT INTO invitations (id, organization_id, email, role, token_hash, invited_by,"
            " expires_at) VALUES ($1, $2, $3, 'viewer', $4, $5, now() + interval '1 day')",
            invitation,
            UUID(self.organization),
            address,
            hash_token(token),
            UUID(self.owner.id),
        )
        self.secrets |= {str(invitation), token}
        return str(invitation), token

    async def new_key(self, *scopes: str) -> tuple[str, str]:
        """The id and the text of a good key with these scopes, whether or not keys may have them.

        Without scopes it may look at events.
        """
        key, key_id = new_api_key(), new_id()
        await self.connection.execute(
            "INSERT INTO api_keys (id, organization_id, name, shown, secret_hash, scopes,"
            " created_by) VALUES ($1, $2, $3, $4, $5, $6, $7)",
            key_id,
            UUID(self.organization),
            f"Key {self.mark}",
            key.shown,
            key.hash,
            list(scopes) or ["events:read"],
            UUID(self.owner.id),
        )
        self.secrets |= {str(key_id), key.shown}
        return str(key_id), key.text

    def new_seat(self) -> str:
        """The id of a seat that no other test has touched."""
        return self._seats.pop()

    async def furnish(self) -> None:
        """Make what every organization has: a hall, events, sales, people and keys."""
        self.owner = await self.person(side=self.side, member="owner")
        self.buyer = await self.person()
        self.resident = f"{self.mark}@example.org"
        await register(self.client, email=self.resident, name=self.mark)
        headers = dict(self.owner.headers)
        hall = await made_hall(
            self.client,
            headers,
            {"template": "grid", "rows": 10, "seatsPerRow": 20, "name": f"Map {self.open_mark}"},
            name=f"Venue {self.open_mark}",
        )
        self.hall, self.venue, self.seat_map = hall["id"], hall["venueId"], hall["seatMapId"]
        self.hidden_venue, self.hidden_hall = await self.new_venue()
        await self._sell(headers)
        self.draft = await self.new_draft()
        draft = await self._event(self.draft)
        self.draft_show = draft["showId"]
        self.draft_showtime = draft["showtimes"][0]["id"]
        self.draft_category = draft["categories"][0]["id"]
        self.booking = await self.new_booking()
        box = [{"categoryId": self.categories["Box"], "quantity": 1}]
        await self.post(self.buyer, "/bookings", {"showtimeId": self.showtime, "items": box})
        self.entry = await self.new_entry(self.buyer)
        self.media = await picture(self.connection, self.organization)
        self.secrets.add(self.media)
        await self.new_invitation()
        self.key, _ = await self.new_key()
        await self._leave_traces()

    async def _sell(self, headers: dict[str, str]) -> None:
        event = await made_event(
            self.client,
            headers,
            title=f"Film {self.open_mark}",
            kind="movie",
            policy={"holdSeconds": 86_400},
            location=None,
            venueId=self.venue,
            hallId=self.hall,
            categories=[
                {"name": "Free", "price": {"amount": 0}, "capacity": 5_000},
                {"name": "Box", "price": {"amount": 900}, "capacity": 1},
                {"name": "Stalls", "price": {"amount": 500}, "sections": ["Main"]},
            ],
        )
        self.event, self.show = event["id"], event["showId"]
        self.showtime = event["showtimes"][0]["id"]
        self.categories = {one["name"]: one["id"] for one in event["categories"]}
        seat_map = (await self.client.get(f"{API}/seat-maps/{self.seat_map}")).json()
        rows = itertools.chain.from_iterable(part["rows"] for part in seat_map["sections"])
        self._seats = [seat["id"] for row in rows for seat in row["seats"]]

    async def _leave_traces(self) -> None:
        """Names, favourites and the audit log of the organization's people."""
        renamed = {"name": f"House {self.mark}"}
        path = f"{API}/organizations/{self.organization}"
        answer = await self.client.patch(path, json=renamed, headers=self.owner.headers)
        assert answer.status_code == 200, answer.text
        for event in (self.draft, self.event):
            path = f"{API}/users/me/favorites/{event}"
            answer = await self.client.put(path, headers=self.owner.headers)
            assert answer.status_code == 204, answer.text
        logged = await self.connection.fetch(
            "SELECT id FROM audit_log WHERE organization_id = $1", UUID(self.organization)
        )
        self.secrets |= {str(row["id"]) for row in logged}

    async def _event(self, event: str) -> dict[str, Any]:
        answer = await self.client.get(f"{API}/events/{event}", headers=self.owner.headers)
        found: dict[str, Any] = answer.json()
        return found


@dataclass
class Town:
    """Organization A, whose objects are asked for, B beside it, and everybody who asks."""

    client: httpx.AsyncClient
    connection: RawConnection
    a: Estate
    b: Estate
    orgs: Mapping[str, str]
    keys: Mapping[str, Caller]
    _cast: list[UUID] = field(default_factory=list)

    async def cast(self) -> dict[str, Caller]:
        """One caller of each kind, by its name; people are fresh ones, keys always the same.

        Those of the last time leave, because an organization holds only so many.
        """
        await self.connection.execute(
            "DELETE FROM memberships WHERE user_id = ANY($1::uuid[])", self._cast
        )
        fresh = [kind for kind in KINDS.values() if kind.is_person]
        marks = {"A": self.a.mark, "B": self.b.mark}
        callers = {kind.name: Caller(kind, headers_of(kind)) for kind in KINDS.values()}
        callers |= self.keys
        for side in ("A", "B", "C", ""):
            kinds = [kind for kind in fresh if kind.side == side]
            made = await people(self.connection, kinds, marks.get(side, "somebody"), self.orgs)
            callers |= {caller.kind.name: caller for caller in made}
        self._cast = [UUID(caller.id) for caller in callers.values() if caller.kind.is_person]
        self.a.secrets |= {one.id for one in callers.values() if one.kind.has_part_in("A")}
        return callers

    async def digest(self) -> dict[str, tuple[int, int]]:
        """What stands in every table: how many rows, and their checksum."""
        # Jobs announce what they have done, whoever asks meanwhile.
        tables = [one.name for one in metadata.sorted_tables if one.name != "changed_tags"]
        sums = [_DIGEST.format(name, _ROWS.get(name, "t::text")) for name in tables]
        rows = await self.connection.fetch(" UNION ALL ".join(sums))
        return {row[0]: (row[1], row[2]) for row in rows}


def headers_of(kind: Kind) -> dict[str, str]:
    """The headers of somebody without an account."""
    return {"Authorization": kind.bad} if kind.bad else {}


async def people(
    connection: RawConnection, kinds: Sequence[Kind], mark: str, orgs: Mapping[str, str]
) -> list[Caller]:
    """Signed-in people of these kinds, without passwords, past the routes that make them."""
    made = [(kind, new_id()) for kind in kinds]
    await connection.executemany(
        "INSERT INTO users (id, name, email, email_verified_at, role)"
        " VALUES ($1, $2, $3, now(), $4)",
        [(id_, f"{kind.name} {mark}", _email(id_, mark), kind.role) for kind, id_ in made],
    )
    await begin_sessions(connection, [id_ for _, id_ in made])
    joined = [(kind.side, id_, kind.member) for kind, id_ in made if kind.member]
    joined += [("C", id_, "owner") for kind, id_ in made if kind.owns_c]
    await connection.executemany(
        "INSERT INTO memberships (organization_id, user_id, role) VALUES ($1, $2, $3)",
        [(UUID(orgs[side]), id_, member) for side, id_, member in joined],
    )
    await connection.execute(
        "UPDATE sessions SET second_factor = true WHERE id = ANY($1::uuid[])",
        [id_ for kind, id_ in made if kind.role == ADMIN and not kind.lacks_second_factor],
    )
    return [Caller(kind, token_of(id_), str(id_), _email(id_, mark)) for kind, id_ in made]


def _email(user_id: UUID, mark: str) -> str:
    return f"{mark}.{user_id}@example.org"


async def new_session(connection: RawConnection, user_id: str) -> str:
    """The id of one more session of somebody."""
    session_id = new_id()
    await _add_session(connection, session_id, user_id, b"")
    return str(session_id)


async def new_refresh_cookie(connection: RawConnection, user_id: str) -> str:
    """A new session of somebody, as the cookie of a browser."""
    tokens = RefreshTokens(SECRET)
    first = tokens.first(new_id())
    await _add_session(connection, first.session_id, user_id, first.hash)
    return f"fullhouse_refresh={tokens.write(first)}"


async def _add_session(
    connection: RawConnection, session_id: UUID, user_id: str, token_hash: bytes
) -> None:
    await connection.execute(
        "INSERT INTO sessions (id, user_id, method, second_factor, address, agent, idle_until,"
        " ends_at, generation, token_hash) VALUES ($1, $2, 'password', false, '', '',"
        " now() + interval '1 day', now() + interval '1 day', 1, $3)",
        session_id,
        UUID(user_id),
        token_hash,
    )


async def new_mail_token(connection: RawConnection, caller: Caller, purpose: str) -> str:
    """The token of a mail to this person."""
    token = new_token()
    await connection.execute(
        "INSERT INTO mail_tokens (token_hash, user_id, purpose, email, expires_at)"
        " VALUES ($1, $2, $3, $4, now() + interval '1 hour')",
        hash_token(token),
        UUID(caller.id),
        purpose,
        caller.email,
    )
    return token


async def build_town(client: httpx.AsyncClient, connection: RawConnection) -> Town:
    """Organizations A and B, each furnished, C with nothing, and a key of each scope."""
    orgs = {side: str(new_id()) for side in ("A", "B", "C")}
    await connection.executemany(
        "INSERT INTO organizations (id, name) VALUES ($1, 'House')",
        [(UUID(organization),) for organization in orgs.values()],
    )
    a, b = (_estate(client, connection, side, orgs[side]) for side in ("A", "B"))
    for estate in (a, b):
        await estate.furnish()
    await _mark_what_was_seen(connection, a, b)
    # So that whoever is asked to go is not the last of their kind.
    staying = [Kind("organizer", side="C", member="owner"), Kind("ADMIN", role=ADMIN)]
    await people(connection, staying, "somebody", orgs)
    keys = {}
    for estate, kind in itertools.product((a, b), KINDS.values()):
        if kind.scope is not None and kind.side == estate.side:
            key_id, text = await estate.new_key(kind.scope)
            keys[kind.name] = Caller(kind, bearer(text), key_id)
    return Town(client, connection, a, b, orgs, keys)


async def _mark_what_was_seen(connection: RawConnection, a: Estate, b: Estate) -> None:
    """Let B's people have a draft of A among their favourites, as if they had once been in A."""
    draft = await a.new_draft()
    # They know its id, and may be told that they have marked it.
    a.secrets.remove(draft)
    await connection.executemany(
        "INSERT INTO favorites (user_id, event_id) VALUES ($1, $2)",
        [(UUID(one.id), UUID(draft)) for one in (b.owner, b.buyer)],
    )


def _estate(
    client: httpx.AsyncClient, connection: RawConnection, side: str, organization: str
) -> Estate:
    chance = secrets.token_hex(4)
    mark, open_mark = f"hidden-{side.lower()}-{chance}", f"open-{side.lower()}-{chance}"
    sides: dict[str, Side] = {"A": "A", "B": "B"}
    return Estate(client, connection, sides[side], organization, mark, open_mark, {mark})
