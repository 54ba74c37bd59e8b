"""Users: finding them, writing them, and what they may do."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, insert
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from fullhouse.accounts.rules import Membership, Profile, deleted_email
from fullhouse.accounts.tables import memberships, organizations, sessions, users
from fullhouse.api.permissions import ADMIN, USER
from fullhouse.api.principal import Principal


async def add_user(
    connection: AsyncConnection, profile: Profile, password_hash: str | None
) -> bool:
    """Write a new user without memberships; False when the address is taken."""
    row = {
        "id": profile.id,
        "name": profile.name,
        "email": profile.email,
        "email_verified_at": sa.func.clock_timestamp() if profile.email_verified else None,
        "phone": profile.phone,
        "password_hash": password_hash,
        "role": profile.role,
    }
    # The unique key decides, so two registrations at the same moment are no special case.
    statement = insert(users).values(row).on_conflict_do_nothing(index_elements=[users.c.email])
    return (await connection.execute(statement)).rowcount == 1


@dataclass(frozen=True, slots=True)
class Credentials:
    """What a user is checked against when they sign in."""

    user_id: UUID
    password_hash: str | None
    email: str
    name: str
    email_verified: bool
    disabled: bool
    second_factor: bool
    phone: str | None


async def find_credentials(
    connection: AsyncConnection, *, email: str | None = None, user_id: UUID | None = None
) -> Credentials | None:
    """The credentials of the user with this address or id; None for no such user."""
    mine = users.c.email == email if user_id is None else users.c.id == user_id
    return await _credentials(connection, mine)


async def find_by_phone(connection: AsyncConnection, phone: str) -> Credentials | None:
    """The credentials of the user to whom this number (E.164) is linked."""
    return await _credentials(connection, users.c.phone == phone)


async def _credentials(
    connection: AsyncConnection, mine: sa.ColumnElement[bool]
) -> Credentials | None:
    row = (await connection.execute(sa.select(users).where(mine))).one_or_none()
    if row is None or row.deleted_at is not None:
        return None
    return Credentials(
        row.id,
        row.password_hash,
        row.email,
        row.name,
        row.email_verified_at is not None,
        row.disabled_at is not None,
        row.totp_confirmed_at is not None,
        row.phone,
    )


async def lock_user(connection: AsyncConnection, user_id: UUID) -> sa.Row[Any] | None:
    """The user's row, locked until the transaction ends; None for nobody or a deleted user."""
    return await _row(connection, user_id)


async def hold_user(connection: AsyncConnection, user_id: UUID) -> sa.Row[Any] | None:
    """The same, but others may hold it too; nobody changes it until the transaction ends."""
    return await _row(connection, user_id, read=True)


async def refer_to_user(connection: AsyncConnection, user_id: UUID) -> sa.Row[Any] | None:
    """The same, held as a reference to it holds it: only whoever locks the user waits for that."""
    return await _row(connection, user_id, read=True, key_share=True)


async def _row(
    connection: AsyncConnection, user_id: UUID, *, read: bool = False, key_share: bool = False
) -> sa.Row[Any] | None:
    found = await connection.execute(
        sa.select(users)
        .where(users.c.id == user_id, users.c.deleted_at.is_(None))
        .with_for_update(read=read, key_share=key_share)
    )
    return found.one_or_none()


async def replace_password_hash(
    connection: AsyncConnection, user_id: UUID, old: str, new: str
) -> None:
    """Put ``new`` where ``old`` still is; a password changed meanwhile stays."""
    await connection.execute(
        users.update()
        .where(users.c.id == user_id, users.c.password_hash == old)
        .values(password_hash=new)
    )


async def update_user(connection: AsyncConnection, user_id: UUID, **values: Any) -> None:
    """Set columns of a user."""
    await connection.execute(users.update().where(users.c.id == user_id).values(**values))


async def verify_email(connection: AsyncConnection, user_id: UUID, email: str) -> None:
    """Note that the user has shown to have this address, if it is still theirs."""
    await connection.execute(
        users.update()
        .where(users.c.id == user_id, users.c.email == email, users.c.email_verified_at.is_(None))
        .values(email_verified_at=sa.func.clock_timestamp())
    )


async def set_email(connection: AsyncConnection, user_id: UUID, email: str) -> bool:
    """Make this the user's proven address; False when another has it."""
    proven = {"email": email, "email_verified_at": sa.func.clock_timestamp()}
    return await _take(connection, user_id, proven)


async def set_phone(connection: AsyncConnection, user_id: UUID, phone: str) -> bool:
    """Make this (E.164) the user's proven number; False when another has it."""
    return await _take(connection, user_id, {"phone": phone})


async def _take(connection: AsyncConnection, user_id: UUID, values: dict[str, Any]) -> bool:
    """Give the user what only one can have; False when another has it."""
    try:
        # The unique key decides, so two who take it at the same moment are no special case.
        async with connection.begin_nested():
            changed = await connection.execute(
                users.update().where(users.c.id == user_id).values(**values)
            )
    except IntegrityError:
        return False
    return changed.rowcount == 1


async def find_profile(connection: AsyncConnection, user_id: UUID) -> Profile | None:
    """The user with their organizations, oldest first; None for no such user."""
    found = await connection.execute(
        sa.select(
            users,
            organizations.c.id.label("organization_id"),
            organizations.c.name.label("organization_name"),
            memberships.c.role.label("organization_role"),
        )
        .select_from(users.outerjoin(memberships).outerjoin(organizations))
        .where(users.c.id == user_id, users.c.deleted_at.is_(None))
        .order_by(memberships.c.organization_id)
    )
    rows = found.all()
    if not rows:
        return None
    first = rows[0]
    joined = tuple(
        Membership(row.organization_id, row.organization_name, row.organization_role)
        for row in rows
        if row.organization_id is not None
    )
    return Profile(
        id=first.id,
        name=first.name,
        email=first.email,
        phone=first.phone,
        role=first.role,
        memberships=joined,
        email_verified=first.email_verified_at is not None,
        language=first.language,
        timezone=first.timezone,
        notices=tuple(first.notices),
        second_factor=first.totp_confirmed_at is not None,
        has_password=first.password_hash is not None,
        disabled=first.disabled_at is not None,
    )


async def find_principals(
    connection: AsyncConnection, session_ids: Sequence[UUID], *, admin_second_factor: bool
) -> dict[UUID, Principal]:
    """The users of those sessions that go on, by session, in one statement.

    With ``admin_second_factor`` an administrator who signed in without one counts as a USER.
    """
    # One array and not a list of placeholders: the statement's text is the same for any number.
    wanted = sa.literal(list(session_ids), ARRAY(sa.Uuid))
    ends_at = sa.func.least(sessions.c.idle_until, sessions.c.ends_at)
    found = await connection.execute(
        sa.select(
            sessions.c.id.label("session_id"),
            sessions.c.second_factor,
            sa.extract("epoch", ends_at - sa.func.clock_timestamp()).label("good_for"),
            users.c.id,
            users.c.role,
            memberships.c.organization_id,
            memberships.c.role.label("organization_role"),
        )
        .select_from(sessions.join(users).outerjoin(memberships))
        .where(
            sessions.c.id == sa.any_(wanted),
            sessions.c.ended_at.is_(None),
            ends_at > sa.func.clock_timestamp(),
            users.c.disabled_at.is_(None),
            users.c.deleted_at.is_(None),
        )
    )
    parts: dict[UUID, dict[UUID, str]] = {}
    principals: dict[UUID, Principal] = {}
    for row in found:
        part = parts.setdefault(row.session_id, {})
        if row.organization_id is not None:
            part[row.organization_id] = row.organization_role
        lacking = admin_second_factor and row.role == ADMIN and not row.second_factor
        principals[row.session_id] = Principal(
            row.id,
            USER if lacking else row.role,
            part,
            row.session_id,
            lacks_second_factor=lacking,
            good_for=float(row.good_for),
        )
    return principals


@dataclass(frozen=True, slots=True)
class ListedUser:
    """A user as administrators see them."""

    id: UUID
    name: str
    email: str
    phone: str | None
    role: str
    email_verified: bool
    disabled: bool
    created_at: datetime


async def list_users(
    connection: AsyncConnection,
    *,
    q: str | None,
    role: str | None,
    disabled: bool | None,
    before: UUID | None,
    limit: int,
    offset: int,
) -> list[ListedUser]:
    """Users, the newest first. ``q`` is part of a name or address."""
    statement = (
        sa.select(users)
        .where(*_listed(q, role, disabled))
        .order_by(users.c.id.desc())
        .limit(limit)
        .offset(offset)
    )
    if before is not None:
        statement = statement.where(users.c.id < before)
    found = await connection.execute(statement)
    return [_listed_user(row) for row in found]


async def count_users(
    connection: AsyncConnection, *, q: str | None, role: str | None, disabled: bool | None
) -> int:
    """How many such users there are."""
    counted = sa.select(sa.func.count()).select_from(users).where(*_listed(q, role, disabled))
    return (await connection.execute(counted)).scalar_one()


def _listed(q: str | None, role: str | None, disabled: bool | None) -> list[Any]:
    wanted: list[Any] = [users.c.deleted_at.is_(None)]
    if q:
        lowered = q.strip().lower()
        wanted.append(
            users.c.email.contains(lowered, autoescape=True)
            | sa.func.lower(users.c.name).contains(lowered, autoescape=True)
        )
    if role is not None:
        wanted.append(users.c.role == role)
    if disabled is not None:
        wanted.append(users.c.disabled_at.is_not(None) == disabled)
    return wanted


async def lock_admins(connection: AsyncConnection) -> set[UUID]:
    """The administrators who can act, locked: whoever changes their number takes turns.

    To be asked before any other user is locked, so that no two transactions wait for each other.
    It is the lock that lets rows still be referred to: nobody's booking waits for it.
    """
    found = await connection.execute(
        sa.select(users.c.id)
        .where(
            users.c.role == ADMIN,
            users.c.disabled_at.is_(None),
            users.c.deleted_at.is_(None),
        )
        .order_by(users.c.id)
        .with_for_update(key_share=True)
    )
    return set(found.scalars())


async def take_totp_step(connection: AsyncConnection, user_id: UUID, step: int) -> bool:
    """Use a time step of the authenticator up; False if it, or a later one, was used before."""
    taken = await connection.execute(
        users.update()
        .where(
            users.c.id == user_id,
            users.c.totp_last_step.is_(None) | (users.c.totp_last_step < step),
        )
        .values(totp_last_step=step)
    )
    return taken.rowcount == 1


async def confirm_totp(connection: AsyncConnection, user_id: UUID, step: int) -> None:
    """Let the user's pending authenticator count; the step that showed it is used up."""
    await connection.execute(
        users.update()
        .where(users.c.id == user_id)
        .values(totp_confirmed_at=sa.func.clock_timestamp(), totp_last_step=step)
    )


async def find_listed(connection: AsyncConnection, user_id: UUID) -> ListedUser | None:
    """The user as administrators see them; None for nobody or a deleted user."""
    found = await connection.execute(
        sa.select(users).where(users.c.id == user_id, users.c.deleted_at.is_(None))
    )
    row = found.one_or_none()
    return None if row is None else _listed_user(row)


async def disable(connection: AsyncConnection, user_id: UUID, disabled: bool) -> None:
    """Keep somebody from signing in, or let them in again."""
    await update_user(
        connection, user_id, disabled_at=sa.func.clock_timestamp() if disabled else None
    )


async def erase_user(connection: AsyncConnection, user_id: UUID) -> None:
    """Leave of the user only a row without a person, to which bookings can still refer."""
    await update_user(
        connection,
        user_id,
        name="Deleted user",
        email=deleted_email(user_id),
        email_verified_at=None,
        phone=None,
        password_hash=None,
        role=USER,
        language=None,
        timezone=None,
        notices=[],
        totp_secret=None,
        totp_confirmed_at=None,
        totp_last_step=None,
        deleted_at=sa.func.clock_timestamp(),
    )


def _listed_user(row: sa.Row[Any]) -> ListedUser:
    return ListedUser(
        row.id,
        row.name,
        row.email,
        row.phone,
        row.role,
        row.email_verified_at is not None,
        row.disabled_at is not None,
        row.created_at,
    )
