"""All that is one person's, with what they booked: given out in one document, and deleted."""

from collections.abc import AsyncIterator, Sequence
from uuid import UUID

import msgspec

from fullhouse.accounts import letters
from fullhouse.accounts import queries as accounts_queries
from fullhouse.accounts.authenticator import user_tag
from fullhouse.accounts.commands import profiles, recovering
from fullhouse.accounts.parts import Accounts
from fullhouse.accounts.schemas.personal import AccountExport, ActExport, SessionExport
from fullhouse.accounts.schemas.profiles import ProfileView, profile_view
from fullhouse.accounts.store import sessions
from fullhouse.api.principal import Principal
from fullhouse.api.schemas import View
from fullhouse.bookings.errors import ACCOUNT_HOLDS_TICKETS
from fullhouse.bookings.queries import views_of
from fullhouse.bookings.schemas.bookings import BookingView
from fullhouse.bookings.store import read
from fullhouse.catalog.store import favorites
from fullhouse.kit.audit import list_entries
from fullhouse.kit.db import Database
from fullhouse.kit.errors import Refused
from fullhouse.venues.queries.seat_maps import SeatMaps

# What is read, and held in memory, at a time.
_AT_A_TIME = 100
# A refusal names no more bookings than this.
_MOST_NAMED = 100


class ExportView(View):
    """All that is kept of a person. ``favorites`` are ids of events."""

    profile: ProfileView
    account: AccountExport
    favorites: list[UUID]
    sessions: list[SessionExport]
    bookings: list[BookingView]
    acts: list[ActExport]


async def export(database: Database, seat_maps: SeatMaps, user_id: UUID) -> AsyncIterator[bytes]:
    """An :class:`ExportView` as JSON, piece by piece, however much there is.

    Nothing secret is in it: no hash, no token, no second factor.
    Raises Refused(UNAUTHENTICATED), before the first piece, when the user was deleted.
    """
    profile = profile_view(await accounts_queries.profile(database, user_id))
    kept = await accounts_queries.kept(database, user_id)
    account = msgspec.convert(kept, AccountExport, from_attributes=True)
    return _pieces(database, seat_maps, user_id, profile, account)


async def _pieces(
    database: Database,
    seat_maps: SeatMaps,
    user_id: UUID,
    profile: ProfileView,
    account: AccountExport,
) -> AsyncIterator[bytes]:
    yield b'{"profile":' + msgspec.json.encode(profile)
    yield b',"account":' + msgspec.json.encode(account)
    async with database.read() as connection:
        marked = await favorites.favorite_ids(connection, user_id)
    yield b',"favorites":' + msgspec.json.encode(marked)
    for name, pages in (
        (b"sessions", _joined(_session_pages(database, user_id))),
        (b"bookings", _joined(_booking_pages(database, seat_maps, user_id))),
        (b"acts", _joined(_act_pages(database, user_id))),
    ):
        yield b',"' + name + b'":['
        async for piece in pages:
            yield piece
        yield b"]"
    yield b"}"


async def _joined(pages: AsyncIterator[Sequence[View]]) -> AsyncIterator[bytes]:
    """The pages as the inside of one JSON array."""
    is_first = True
    async for page in pages:
        inside = msgspec.json.encode(page)[1:-1]
        yield inside if is_first else b"," + inside
        is_first = False


async def _session_pages(
    database: Database, user_id: UUID
) -> AsyncIterator[Sequence[SessionExport]]:
    before: UUID | None = None
    while True:
        # No connection is held while the client takes what it was sent.
        async with database.read() as connection:
            found = await sessions.kept_sessions(connection, user_id, before, _AT_A_TIME)
        if found:
            yield [
                msgspec.convert(session, SessionExport, from_attributes=True) for session in found
            ]
        if len(found) < _AT_A_TIME:
            return
        before = found[-1].id


async def _booking_pages(
    database: Database, seat_maps: SeatMaps, user_id: UUID
) -> AsyncIterator[Sequence[BookingView]]:
    before: UUID | None = None
    while True:
        async with database.read_raw() as connection:
            found = await read.list_bookings(connection, user_id, None, before, _AT_A_TIME, 0)
        if found:
            yield await views_of(seat_maps, found)
        if len(found) < _AT_A_TIME:
            return
        before = found[-1].booking.id


async def _act_pages(database: Database, user_id: UUID) -> AsyncIterator[Sequence[ActExport]]:
    before: UUID | None = None
    while True:
        async with database.read() as connection:
            found = await list_entries(
                connection, actor_id=user_id, before_id=before, limit=_AT_A_TIME
            )
        if found:
            yield [
                ActExport(
                    recorded.at,
                    recorded.entry.action,
                    recorded.entry.object_kind,
                    recorded.entry.object_id,
                    recorded.entry.organization_id,
                    recorded.entry.address,
                )
                for recorded in found
            ]
        if len(found) < _AT_A_TIME:
            return
        before = found[-1].id


async def delete_account(accounts: Accounts, principal: Principal, *, password: str | None) -> None:
    """Take the caller's person out of everything; what they booked stays on record, of nobody.

    The row of the user is locked before the bookings are looked at. A booking that is made at the
    same moment either is committed before the lock is had, and seen, or its foreign key waits for
    the lock (FOR KEY SHARE) and it comes after: then it is a hold that nobody can confirm any
    more, and it runs out.

    Raises Refused: INVALID_CREDENTIALS, TOO_MANY_ATTEMPTS, ACCOUNT_HOLDS_TICKETS, LAST_OWNER,
    LAST_ADMIN, UNAUTHENTICATED, UNAVAILABLE.
    """
    proven = await recovering.prove(accounts, principal, password)
    user_id = principal.user_id
    async with accounts.database.begin() as connection:
        await profiles.lock_leaver(connection, principal, proven)
        ahead = await read.bookings_ahead(connection, user_id, _MOST_NAMED)
        if ahead:
            named = [str(booking_id) for booking_id in ahead]
            raise Refused(ACCOUNT_HOLDS_TICKETS, bookings=named)
        await favorites.drop_favorites(connection, user_id)
        address = await profiles.erase(connection, principal)
    accounts.forget(user_tag(user_id))
    accounts.post.tell(letters.account_deleted(address, public_url=accounts.post.public_url))
