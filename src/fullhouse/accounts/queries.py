"""Reads of the accounts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from fullhouse.accounts.rules import Profile
from fullhouse.accounts.store import keys, sessions, users
from fullhouse.accounts.store.kept import KeptAccount, kept_account
from fullhouse.accounts.store.sessions import ListedSession
from fullhouse.accounts.store.users import ListedUser
from fullhouse.api.errors import NOT_FOUND, UNAUTHENTICATED
from fullhouse.api.pagination import Slice, encode_cursor, position_in
from fullhouse.api.permissions import PlatformRole
from fullhouse.api.principal import Principal
from fullhouse.kit.db import Database
from fullhouse.kit.errors import Refused


@dataclass(frozen=True, slots=True)
class FoundUsers:
    """Part of the list of users; ``total`` where it was asked for by page."""

    users: list[ListedUser]
    next_cursor: str | None
    total: int | None


async def profile(database: Database, user_id: UUID) -> Profile:
    """The signed-in user; Refused(UNAUTHENTICATED) if they were deleted a moment ago."""
    async with database.read() as connection:
        found = await users.find_profile(connection, user_id)
    if found is None:
        raise Refused(UNAUTHENTICATED)
    return found


async def kept(database: Database, user_id: UUID) -> KeptAccount:
    """What is kept of the user beside profile and sessions; Refused(UNAUTHENTICATED) likewise."""
    async with database.read() as connection:
        found = await kept_account(connection, user_id)
    if found is None:
        raise Refused(UNAUTHENTICATED)
    return found


async def devices(database: Database, user_id: UUID) -> Sequence[ListedSession]:
    """The user's sessions that go on, the one used last first."""
    async with database.read() as connection:
        return await sessions.list_sessions(connection, user_id)


async def session_principals(
    database: Database, session_ids: Sequence[UUID], *, admin_second_factor: bool
) -> Mapping[UUID, Principal]:
    """What the users of those of these sessions may do that go on."""
    async with database.read() as connection:
        return await users.find_principals(
            connection, session_ids, admin_second_factor=admin_second_factor
        )


async def key_principals(database: Database, hashes: Sequence[bytes]) -> Mapping[bytes, Principal]:
    """What those of these API keys may do that are good. Notes that they were used."""
    async with database.read() as connection:
        found = await keys.find_key_principals(connection, hashes)
        if found:
            await keys.note_use(connection, [principal.id for principal in found.values()])
    return found


async def all_users(
    database: Database,
    part: Slice,
    *,
    q: str | None = None,
    role: PlatformRole | None = None,
    disabled: bool | None = None,
) -> FoundUsers:
    """Part of all users, the newest first. ``q`` is part of a name or address."""
    before: UUID | None = None
    if part.after is not None:
        (before,) = position_in(part.after, tuple[UUID])
    async with database.read() as connection:
        found = await users.list_users(
            connection,
            q=q,
            role=role,
            disabled=disabled,
            before=before,
            limit=part.limit + 1,
            offset=part.offset or 0,
        )
        total = None
        if part.offset is not None:
            total = await users.count_users(connection, q=q, role=role, disabled=disabled)
    shown = found[: part.limit]
    following = encode_cursor((str(shown[-1].id),)) if len(found) > part.limit else None
    return FoundUsers(shown, following, total)


async def any_user(database: Database, user_id: UUID) -> tuple[ListedUser, Profile]:
    """Any user, for administrators. Raises Refused(NOT_FOUND)."""
    async with database.read() as connection:
        listed = await users.find_listed(connection, user_id)
        found = await users.find_profile(connection, user_id)
    if listed is None or found is None:
        raise Refused(NOT_FOUND)
    return listed, found


async def devices_of(database: Database, user_id: UUID) -> Sequence[ListedSession]:
    """The sessions of any user that go on, for administrators. Raises Refused(NOT_FOUND)."""
    await any_user(database, user_id)
    return await devices(database, user_id)
