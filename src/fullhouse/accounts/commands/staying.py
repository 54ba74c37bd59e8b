"""Staying signed in, and ending that: refreshing, logging out, devices."""

from datetime import datetime
from uuid import UUID

import structlog

from fullhouse.accounts.authenticator import user_tag
from fullhouse.accounts.errors import SESSION_OVER
from fullhouse.accounts.parts import Accounts
from fullhouse.accounts.rules import Profile, SignedIn
from fullhouse.accounts.sessions import (
    Device,
    Refreshing,
    RefreshToken,
    SessionState,
    refreshing,
)
from fullhouse.accounts.store import sessions, users
from fullhouse.api.audit import note_by_system
from fullhouse.api.errors import NOT_FOUND
from fullhouse.api.principal import Principal
from fullhouse.kit.errors import Refused
from fullhouse.kit.listener import notify

log = structlog.get_logger(__name__)


async def refresh(accounts: Accounts, device: Device, cookie: str | None) -> SignedIn:
    """Go on with a session: a new access token, and the next refresh token.

    A token that was spent before means that somebody has a copy: the session ends for both.
    Raises Refused(SESSION_OVER).
    """
    token = None if cookie is None else accounts.refresh.read(cookie)
    if token is None:
        raise Refused(SESSION_OVER)
    async with accounts.database.begin() as connection:
        found = await sessions.lock_session(connection, token.session_id)
        outcome = Refreshing.OVER if found is None else refreshing(found[0], token, found[1])
        profile: Profile | None = None
        if found is not None and outcome is not Refreshing.OVER:
            profile = await users.find_profile(connection, found[0].user_id)
        if found is not None and outcome is Refreshing.THEFT:
            user_id = found[0].user_id
            await sessions.end_sessions(connection, user_id, "token_reused", only=token.session_id)
            await note_by_system(connection, "session.token_reused", "session", token.session_id)
            await notify(connection, user_tag(user_id))
        elif outcome is Refreshing.ROTATE:
            await sessions.rotate(
                connection,
                token,
                accounts.refresh.successor(token),
                device,
                accounts.lifetimes.idle,
            )
    if found is None or outcome is Refreshing.OVER or profile is None or profile.disabled:
        raise Refused(SESSION_OVER)
    if outcome is Refreshing.THEFT:
        log.warning("refresh_token_reused", session_id=str(token.session_id))
        accounts.forget(user_tag(profile.id))
        raise Refused(SESSION_OVER, "The refresh token was used before: the session has ended.")
    session, now = found
    return _refreshed(accounts, profile, session, accounts.refresh.successor(token), now)


def _refreshed(
    accounts: Accounts,
    profile: Profile,
    session: SessionState,
    token: RefreshToken,
    now: datetime,
) -> SignedIn:
    lifetime = min(accounts.lifetimes.idle, session.ends_at - now)
    return SignedIn(
        profile,
        session.id,
        accounts.tokens.issue(profile.id, session.id),
        accounts.tokens.lifetime_seconds,
        accounts.refresh.write(token),
        int(lifetime.total_seconds()),
    )


async def log_out(accounts: Accounts, principal: Principal | None, cookie: str | None) -> None:
    """End the session of the access token, or that of the cookie; doing it twice is once."""
    session_id: UUID | None = None
    user_id: UUID | None = None
    if principal is not None and principal.session_id is not None:
        session_id, user_id = principal.session_id, principal.user_id
    elif cookie is not None and (token := accounts.refresh.read(cookie)) is not None:
        session_id = token.session_id
    if session_id is None:
        return
    async with accounts.database.begin() as connection:
        found = await sessions.lock_session(connection, session_id)
        if found is None:
            return
        user_id = found[0].user_id
        await sessions.end_sessions(connection, user_id, "logout", only=session_id)
        await notify(connection, user_tag(user_id))
    accounts.forget(user_tag(user_id))


async def end_session(accounts: Accounts, principal: Principal, session_id: UUID) -> None:
    """End one of one's own sessions. Raises Refused(NOT_FOUND)."""
    async with accounts.database.begin() as connection:
        ended = await sessions.end_sessions(
            connection, principal.user_id, "ended_by_user", only=session_id
        )
        if not ended:
            raise Refused(NOT_FOUND)
        await notify(connection, user_tag(principal.user_id))
    accounts.forget(user_tag(principal.user_id))


async def end_other_sessions(accounts: Accounts, principal: Principal) -> int:
    """End all of one's own sessions but the one that asks; answers how many."""
    async with accounts.database.begin() as connection:
        ended = await sessions.end_sessions(
            connection, principal.user_id, "ended_by_user", but=principal.session_id
        )
        await notify(connection, user_tag(principal.user_id))
    accounts.forget(user_tag(principal.user_id))
    return len(ended)
