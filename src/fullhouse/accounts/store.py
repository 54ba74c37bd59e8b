"""All SQL of the accounts."""

from collections.abc import Sequence
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, insert
from sqlalchemy.ext.asyncio import AsyncConnection

from fullhouse.accounts.rules import Membership, Profile
from fullhouse.accounts.tables import memberships, organizations, users
from fullhouse.api.principal import Principal


async def add_user(connection: AsyncConnection, profile: Profile, password_hash: str) -> bool:
    """Write a new user with their memberships' rows; False when the address is taken."""
    row = {
        "id": profile.id,
        "name": profile.name,
        "email": profile.email,
        "phone": profile.phone,
        "password_hash": password_hash,
        "role": profile.role,
    }
    # The unique key decides, so two registrations at the same moment are no special case.
    statement = insert(users).values(row).on_conflict_do_nothing(index_elements=[users.c.email])
    return (await connection.execute(statement)).rowcount == 1


async def add_organization(
    connection: AsyncConnection, user_id: UUID, membership: Membership
) -> None:
    """Write a new organization with the user as its first member."""
    await connection.execute(
        organizations.insert().values(
            id=membership.organization_id, name=membership.organization_name
        )
    )
    await connection.execute(
        memberships.insert().values(
            organization_id=membership.organization_id, user_id=user_id, role=membership.role
        )
    )


async def find_credentials(
    connection: AsyncConnection, email: str
) -> tuple[UUID, str | None] | None:
    """The user's id and password hash (None if they have no password); None for no such user."""
    found = await connection.execute(
        sa.select(users.c.id, users.c.password_hash).where(users.c.email == email)
    )
    row = found.one_or_none()
    return None if row is None else (row.id, row.password_hash)


async def replace_password_hash(
    connection: AsyncConnection, user_id: UUID, old: str, new: str
) -> None:
    """Put ``new`` where ``old`` still is; a password changed meanwhile stays."""
    await connection.execute(
        users.update()
        .where(users.c.id == user_id, users.c.password_hash == old)
        .values(password_hash=new)
    )


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
        .where(users.c.id == user_id)
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
    return Profile(first.id, first.name, first.email, first.phone, first.role, joined)


async def other_organization(connection: AsyncConnection, email: str) -> str | None:
    """The name of an organization in which the user with this address is no member, if any."""
    theirs = (
        sa.select(memberships.c.organization_id)
        .join(users, users.c.id == memberships.c.user_id)
        .where(users.c.email == email)
    )
    others = sa.select(organizations.c.name).where(organizations.c.id.not_in(theirs)).limit(1)
    return (await connection.execute(others)).scalar_one_or_none()


async def find_principals(
    connection: AsyncConnection, user_ids: Sequence[UUID]
) -> dict[UUID, Principal]:
    """Those of the users that exist, with their roles, in one statement."""
    # One array and not a list of placeholders: the statement's text is the same for any number.
    wanted = sa.literal(list(user_ids), ARRAY(sa.Uuid))
    found = await connection.execute(
        sa.select(
            users.c.id,
            users.c.role,
            memberships.c.organization_id,
            memberships.c.role.label("organization_role"),
        )
        .select_from(users.outerjoin(memberships))
        .where(users.c.id == sa.any_(wanted))
    )
    roles: dict[UUID, str] = {}
    parts: dict[UUID, dict[UUID, str]] = {}
    for row in found:
        roles[row.id] = row.role
        part = parts.setdefault(row.id, {})
        if row.organization_id is not None:
            part[row.organization_id] = row.organization_role
    return {user_id: Principal(user_id, role, parts[user_id]) for user_id, role in roles.items()}
