"""Sessions: beginning them, going on with them, ending them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from fullhouse.accounts.sessions import (
    Device,
    Lifetimes,
    Method,
    RefreshToken,
    SessionState,
)
from fullhouse.accounts.tables import sessions

_NOW = sa.func.clock_timestamp()


async def add_session(
    connection: AsyncConnection,
    token: RefreshToken,
    user_id: UUID,
    device: Device,
    lifetimes: Lifetimes,
    *,
    method: Method,
    second_factor: bool,
) -> None:
    """Begin a session with its first refresh token."""
    await connection.execute(
        sessions.insert().values(
            id=token.session_id,
            user_id=user_id,
            method=method,
            second_factor=second_factor,
            address=device.address,
            agent=device.agent,
            idle_until=_NOW + lifetimes.idle,
            ends_at=_NOW + lifetimes.longest,
            generation=token.generation,
            token_hash=token.hash,
        )
    )


async def lock_session(
    connection: AsyncConnection, session_id: UUID
) -> tuple[SessionState, datetime] | None:
    """The session, locked, and the database's time; None for no such session."""
    return await _state_of(
        connection, sa.select(sessions).where(sessions.c.id == session_id).with_for_update()
    )


async def hold_session(
    connection: AsyncConnection, session_id: UUID
) -> tuple[SessionState, datetime] | None:
    """The same, but others may hold it too; nobody ends it until the transaction does."""
    return await _state_of(
        connection,
        sa.select(sessions).where(sessions.c.id == session_id).with_for_update(read=True),
    )


async def _state_of(
    connection: AsyncConnection, statement: sa.Select[Any]
) -> tuple[SessionState, datetime] | None:
    found = await connection.execute(statement)
    row = found.one_or_none()
    if row is None:
        return None
    # Asked after the lock was had: the wait for it counts.
    now: datetime = (await connection.execute(sa.select(_NOW))).scalar_one()
    state = SessionState(
        row.id,
        row.user_id,
        row.method,
        row.second_factor,
        row.generation,
        row.token_hash,
        row.previous_hash,
        row.rotated_at,
        row.idle_until,
        row.ends_at,
        row.ended_at,
    )
    return state, now


async def rotate(
    connection: AsyncConnection,
    spent: RefreshToken,
    fresh: RefreshToken,
    device: Device,
    idle: timedelta,
) -> None:
    """Put the successor in the place of the spent token."""
    await connection.execute(
        sessions.update()
        .where(sessions.c.id == spent.session_id)
        .values(
            generation=fresh.generation,
            token_hash=fresh.hash,
            previous_hash=spent.hash,
            rotated_at=_NOW,
            last_used_at=_NOW,
            idle_until=_NOW + idle,
            address=device.address,
            agent=device.agent,
        )
    )


async def end_sessions(
    connection: AsyncConnection,
    user_id: UUID,
    because: str,
    *,
    only: UUID | None = None,
    but: UUID | None = None,
) -> list[UUID]:
    """End the user's sessions, one of them, or all but one; answers which were ended."""
    mine = [sessions.c.user_id == user_id, sessions.c.ended_at.is_(None)]
    if only is not None:
        mine.append(sessions.c.id == only)
    if but is not None:
        mine.append(sessions.c.id != but)
    ended = await connection.execute(
        sessions.update()
        .where(*mine)
        .values(ended_at=_NOW, ended_because=because)
        .returning(sessions.c.id)
    )
    return list(ended.scalars())


async def mark_second_factor(connection: AsyncConnection, session_id: UUID) -> None:
    """Note that whoever uses the session has shown the second factor."""
    await connection.execute(
        sessions.update().where(sessions.c.id == session_id).values(second_factor=True)
    )


@dataclass(frozen=True, slots=True)
class ListedSession:
    """A session as its user sees it."""

    id: UUID
    method: str
    second_factor: bool
    address: str
    agent: str
    created_at: datetime
    last_used_at: datetime


async def list_sessions(connection: AsyncConnection, user_id: UUID) -> Sequence[ListedSession]:
    """The user's sessions that go on, the one used last first; at most 200."""
    found = await connection.execute(
        sa.select(sessions)
        .where(
            sessions.c.user_id == user_id,
            sessions.c.ended_at.is_(None),
            sessions.c.idle_until > _NOW,
            sessions.c.ends_at > _NOW,
        )
        .order_by(sessions.c.last_used_at.desc(), sessions.c.id)
        .limit(200)
    )
    return [
        ListedSession(
            row.id,
            row.method,
            row.second_factor,
            row.address,
            row.agent,
            row.created_at,
            row.last_used_at,
        )
        for row in found
    ]


async def age_of(connection: AsyncConnection, session_id: UUID) -> timedelta | None:
    """How long ago the session began; None for no such session."""
    found = await connection.execute(
        sa.select(_NOW - sessions.c.created_at).where(sessions.c.id == session_id)
    )
    return found.scalar_one_or_none()


async def purge_sessions(connection: AsyncConnection, kept: timedelta, limit: int) -> int:
    """Delete sessions that could not be used any more for so long; answers how many."""
    old = sa.select(sessions.c.id).where(sessions.c.idle_until < _NOW - kept).limit(limit)
    return (await connection.execute(sessions.delete().where(sessions.c.id.in_(old)))).rowcount


async def unmark_second_factor(connection: AsyncConnection, user_id: UUID) -> None:
    """Let none of the user's sessions count as one with a second factor any more."""
    await connection.execute(
        sessions.update()
        .where(sessions.c.user_id == user_id, sessions.c.ended_at.is_(None))
        .values(second_factor=False)
    )


@dataclass(frozen=True, slots=True)
class KeptSession:
    """A session with its end, as whoever asks for all their data is given it."""

    id: UUID
    method: str
    second_factor: bool
    address: str
    agent: str
    created_at: datetime
    last_used_at: datetime
    ended_at: datetime | None
    ended_because: str | None


async def kept_sessions(
    connection: AsyncConnection, user_id: UUID, before: UUID | None, limit: int
) -> Sequence[KeptSession]:
    """All that is kept of the user's sessions, the newest first; those before one, if given."""
    statement = (
        sa.select(sessions)
        .where(sessions.c.user_id == user_id)
        .order_by(sessions.c.id.desc())
        .limit(limit)
    )
    if before is not None:
        statement = statement.where(sessions.c.id < before)
    return [
        KeptSession(
            row.id,
            row.method,
            row.second_factor,
            row.address,
            row.agent,
            row.created_at,
            row.last_used_at,
            row.ended_at,
            row.ended_because,
        )
        for row in await connection.execute(statement)
    ]


async def blank_sessions(connection: AsyncConnection, user_id: UUID) -> None:
    """Forget from where the user's sessions were used."""
    await connection.execute(
        sessions.update().where(sessions.c.user_id == user_id).values(address="", agent="")
    )
