"""What administrators do with other people's accounts, and the operator with the first one."""

from uuid import UUID

from msgspec import UNSET, UnsetType
from sqlalchemy.ext.asyncio import AsyncConnection

from fullhouse.accounts.authenticator import user_tag
from fullhouse.accounts.commands.proving import look_again
from fullhouse.accounts.errors import EMAIL_TAKEN, LAST_ADMIN
from fullhouse.accounts.parts import Accounts
from fullhouse.accounts.passwords import PasswordHasher
from fullhouse.accounts.rules import Profile, check_name, check_new_password, normalize_email
from fullhouse.accounts.store import sessions, users
from fullhouse.api.audit import entry_of, note
from fullhouse.api.errors import FORBIDDEN, NOT_FOUND
from fullhouse.api.permissions import ADMIN, PlatformRole
from fullhouse.api.principal import Principal
from fullhouse.kit.audit import OPERATOR, record
from fullhouse.kit.db import Database
from fullhouse.kit.errors import Refused
from fullhouse.kit.ids import new_id
from fullhouse.kit.listener import notify


async def update_user(
    accounts: Accounts,
    principal: Principal,
    user_id: UUID,
    *,
    role: PlatformRole | UnsetType = UNSET,
    disabled: bool | UnsetType = UNSET,
) -> None:
    """Change somebody's role, or whether they can use their account; what is UNSET stays.

    Both count from the next request on. Disabling ends every session.
    Raises Refused: NOT_FOUND, LAST_ADMIN, UNAUTHENTICATED, FORBIDDEN when the caller has just lost
    the role.
    """
    async with accounts.database.begin() as connection:
        admins = await _lock_admins(connection, principal)
        if await users.lock_user(connection, user_id) is None:
            raise Refused(NOT_FOUND)
        found = await users.find_listed(connection, user_id)
        assert found is not None  # it is locked
        before = {"role": found.role, "disabled": found.disabled}
        after = {
            "role": found.role if role is UNSET else role,
            "disabled": found.disabled if disabled is UNSET else disabled,
        }
        if after == before:
            return
        acts = after["role"] == ADMIN and not after["disabled"]
        if admins == {user_id} and not acts:
            raise Refused(LAST_ADMIN)
        if after["role"] != before["role"]:
            await users.update_user(connection, user_id, role=after["role"])
            await note(
                connection,
                principal,
                "user.role_changed",
                "user",
                user_id,
                before={"role": before["role"]},
                after={"role": after["role"]},
            )
        if after["disabled"] != before["disabled"]:
            await users.disable(connection, user_id, bool(after["disabled"]))
            action = "user.disabled" if after["disabled"] else "user.enabled"
            await note(connection, principal, action, "user", user_id)
        if after["disabled"]:
            await sessions.end_sessions(connection, user_id, "account_disabled")
        await notify(connection, user_tag(user_id))
    accounts.forget(user_tag(user_id))


async def end_sessions(accounts: Accounts, principal: Principal, user_id: UUID) -> None:
    """End every session of a user; ending none is fine.

    Raises Refused: NOT_FOUND, FORBIDDEN, UNAUTHENTICATED.
    """
    async with accounts.database.begin() as connection:
        await _lock_admins(connection, principal)
        if await users.lock_user(connection, user_id) is None:
            raise Refused(NOT_FOUND)
        ended = await sessions.end_sessions(connection, user_id, "ended_by_admin")
        if ended:
            await note(
                connection,
                principal,
                "user.signed_out",
                "user",
                user_id,
                after={"ended": [str(session_id) for session_id in ended]},
            )
        await notify(connection, user_tag(user_id))
    accounts.forget(user_tag(user_id))


async def end_session(
    accounts: Accounts, principal: Principal, user_id: UUID, session_id: UUID
) -> None:
    """End one session of a user.

    Raises Refused: NOT_FOUND, also when it has ended before, FORBIDDEN, UNAUTHENTICATED.
    """
    async with accounts.database.begin() as connection:
        await _lock_admins(connection, principal)
        ended = await sessions.end_sessions(connection, user_id, "ended_by_admin", only=session_id)
        if not ended:
            raise Refused(NOT_FOUND)
        await note(connection, principal, "session.ended", "session", session_id)
        await notify(connection, user_tag(user_id))
    accounts.forget(user_tag(user_id))


async def _lock_admins(connection: AsyncConnection, principal: Principal) -> set[UUID]:
    """Lock all administrators, of whom the caller must still be one; answers them.

    Raises Refused: FORBIDDEN, UNAUTHENTICATED.
    """
    admins = await users.lock_admins(connection)
    await look_again(connection, principal)
    if principal.user_id not in admins:
        # Another administrator was first, while this one waited.
        raise Refused(FORBIDDEN)
    return admins


async def create_admin(
    database: Database, hasher: PasswordHasher, *, name: str, email: str, password: str
) -> UUID:
    """Make an administrator on the operator's behalf; answers the user's id.

    The address counts as verified: whoever has a shell on the server vouches for it.
    Raises Refused: EMAIL_TAKEN, VALIDATION_FAILED.
    """
    role: PlatformRole = "ADMIN"
    profile = Profile(
        new_id(), check_name(name), normalize_email(email), None, role, email_verified=True
    )
    checked = check_new_password(password, email=profile.email, name=profile.name)
    password_hash = await hasher.hash(checked)
    async with database.begin() as connection:
        if not await users.add_user(connection, profile, password_hash):
            raise Refused(EMAIL_TAKEN)
        entry = entry_of(OPERATOR, "user.created", "user", profile.id, after={"role": ADMIN})
        await record(connection, entry)
    return profile.id
