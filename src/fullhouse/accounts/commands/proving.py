"""Looking at the caller again, under the lock of what they are about to change.

A request finds out once who is calling. Until it writes, the session may have ended, the account
may be disabled or deleted, the password reset, the role taken away: what began before must not
come to an end after that.
"""

from dataclasses import replace
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from fullhouse.accounts.errors import INVALID_CREDENTIALS
from fullhouse.accounts.store import keys, sessions, users
from fullhouse.accounts.store.users import Credentials
from fullhouse.api.errors import UNAUTHENTICATED
from fullhouse.api.permissions import USER
from fullhouse.api.principal import Principal
from fullhouse.kit.errors import Refused


async def lock_caller(connection: AsyncConnection, principal: Principal) -> Any:
    """The caller's row, locked, with the session that still goes on.

    Raises Refused: UNAUTHENTICATED, USER_REQUIRED.
    """
    user = await users.lock_user(connection, principal.user_id)
    await _check_session(connection, principal, user)
    return user


async def lock_proven(
    connection: AsyncConnection, principal: Principal, proven: Credentials
) -> Any:
    """The same for whoever has just proved to be the user; what was proved still holds.

    Hashing takes its time. Whoever got in with a stolen password must not come to an end after
    the owner's reset, which was to shut them out.
    Raises Refused(INVALID_CREDENTIALS).
    """
    try:
        user = await lock_caller(connection, principal)
    except Refused:
        raise Refused(INVALID_CREDENTIALS, "The session has ended meanwhile.") from None
    if user.password_hash != proven.password_hash:
        raise Refused(INVALID_CREDENTIALS, "The password was changed meanwhile.")
    return user


async def look_again(connection: AsyncConnection, principal: Principal) -> Principal:
    """The caller with the platform role that they still have; memberships are not looked at.

    Until the transaction ends nobody disables the user or changes their role. It is the lock that
    a reference to the user takes anyway, so it may be taken after an organization's, in everybody's
    order.
    Raises Refused(UNAUTHENTICATED).
    """
    if principal.key is not None:
        if not await keys.is_good(connection, principal.id):
            raise Refused(UNAUTHENTICATED)
        return principal
    user = await users.refer_to_user(connection, principal.id)
    await _check_session(connection, principal, user)
    assert user is not None  # or it would have been refused
    # A role that was given meanwhile counts from the next request on.
    return principal if user.role == principal.role else replace(principal, role=USER)


async def _check_session(connection: AsyncConnection, principal: Principal, user: Any) -> None:
    # After the user, as everywhere, so that no two transactions wait for each other.
    found = principal.session_id and await sessions.hold_session(connection, principal.session_id)
    if not found or found[0].is_over(found[1]) or found[0].user_id != principal.id:
        raise Refused(UNAUTHENTICATED)
    if user is None or user.disabled_at is not None:
        raise Refused(UNAUTHENTICATED)
