"""Organizations, their members and invitations."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from fullhouse.accounts.rules import OWNER, Membership
from fullhouse.accounts.tables import invitations, memberships, organizations, users
from fullhouse.api.permissions import MemberRole

_NOW = sa.func.clock_timestamp()


async def add_organization(
    connection: AsyncConnection, user_id: UUID, membership: Membership
) -> None:
    """Write a new organization with the user as its first member."""
    await connection.execute(
        organizations.insert().values(
            id=membership.organization_id, name=membership.organization_name
        )
    )
    await add_member(connection, membership.organization_id, user_id, membership.role)


async def find_organization(connection: AsyncConnection, organization_id: UUID) -> str | None:
    """The organization's name; None if there is none."""
    found = await connection.execute(
        sa.select(organizations.c.name).where(organizations.c.id == organization_id)
    )
    return found.scalar_one_or_none()


async def lock_organization(connection: AsyncConnection, organization_id: UUID) -> str | None:
    """The organization's name, locked: whoever changes its members takes turns."""
    found = await connection.execute(
        sa.select(organizations.c.name)
        .where(organizations.c.id == organization_id)
        .with_for_update()
    )
    return found.scalar_one_or_none()


async def rename_organization(
    connection: AsyncConnection, organization_id: UUID, name: str
) -> None:
    """Give the organization another name."""
    await connection.execute(
        organizations.update().where(organizations.c.id == organization_id).values(name=name)
    )


async def other_organization(connection: AsyncConnection, email: str) -> str | None:
    """The name of an organization in which the user with this address is no member, if any."""
    theirs = (
        sa.select(memberships.c.organization_id)
        .join(users, users.c.id == memberships.c.user_id)
        .where(users.c.email == email)
    )
    others = sa.select(organizations.c.name).where(organizations.c.id.not_in(theirs)).limit(1)
    return (await connection.execute(others)).scalar_one_or_none()


@dataclass(frozen=True, slots=True)
class Member:
    """Somebody in an organization."""

    user_id: UUID
    name: str
    email: str
    role: MemberRole
    since: datetime


async def list_members(connection: AsyncConnection, organization_id: UUID) -> Sequence[Member]:
    """The members, oldest first; at most 1,000."""
    found = await connection.execute(
        sa.select(
            users.c.id, users.c.name, users.c.email, memberships.c.role, memberships.c.created_at
        )
        .join(memberships, memberships.c.user_id == users.c.id)
        .where(memberships.c.organization_id == organization_id)
        .order_by(memberships.c.created_at, users.c.id)
        .limit(1_000)
    )
    return [Member(row.id, row.name, row.email, row.role, row.created_at) for row in found]


async def roles_in(connection: AsyncConnection, organization_id: UUID) -> dict[UUID, MemberRole]:
    """The role of each member."""
    found = await connection.execute(
        sa.select(memberships.c.user_id, memberships.c.role).where(
            memberships.c.organization_id == organization_id
        )
    )
    return {row.user_id: row.role for row in found}


async def add_member(
    connection: AsyncConnection, organization_id: UUID, user_id: UUID, role: MemberRole
) -> bool:
    """Make somebody a member; False if they are one already."""
    added = await connection.execute(
        insert(memberships)
        .values(organization_id=organization_id, user_id=user_id, role=role)
        .on_conflict_do_nothing()
    )
    return added.rowcount == 1


async def set_role(
    connection: AsyncConnection, organization_id: UUID, user_id: UUID, role: MemberRole
) -> None:
    """Change a member's role."""
    await connection.execute(
        memberships.update()
        .where(memberships.c.organization_id == organization_id, memberships.c.user_id == user_id)
        .values(role=role)
    )


async def remove_member(connection: AsyncConnection, organization_id: UUID, user_id: UUID) -> None:
    """Take somebody out of the organization."""
    await connection.execute(
        memberships.delete().where(
            memberships.c.organization_id == organization_id, memberships.c.user_id == user_id
        )
    )


async def leave_all(connection: AsyncConnection, user_id: UUID) -> None:
    """Take somebody out of every organization."""
    await connection.execute(memberships.delete().where(memberships.c.user_id == user_id))


async def only_owner_of(connection: AsyncConnection, user_id: UUID) -> Sequence[str]:
    """Names of the organizations that would have no owner without this user."""
    other = memberships.alias("other")
    others = sa.select(other.c.user_id).where(
        other.c.organization_id == memberships.c.organization_id,
        other.c.role == OWNER,
        other.c.user_id != user_id,
    )
    found = await connection.execute(
        sa.select(organizations.c.name)
        .join(memberships, memberships.c.organization_id == organizations.c.id)
        .where(memberships.c.user_id == user_id, memberships.c.role == OWNER, ~sa.exists(others))
        .order_by(organizations.c.id)
    )
    return list(found.scalars())


@dataclass(frozen=True, slots=True)
class Invitation:
    """An invitation that waits to be accepted."""

    id: UUID
    organization_id: UUID
    organization_name: str
    email: str
    role: MemberRole
    invited_by: UUID
    expires_at: datetime
    created_at: datetime


async def put_invitation(
    connection: AsyncConnection,
    *,
    invitation_id: UUID,
    organization_id: UUID,
    email: str,
    role: MemberRole,
    token_hash: bytes,
    invited_by: UUID,
    lifetime: timedelta,
) -> None:
    """Write an invitation; an earlier one of the same address is good no more."""
    values = {
        "id": invitation_id,
        "role": role,
        "token_hash": token_hash,
        "invited_by": invited_by,
        "expires_at": _NOW + lifetime,
        "created_at": _NOW,
    }
    await connection.execute(
        insert(invitations)
        .values(organization_id=organization_id, email=email, **values)
        .on_conflict_do_update(
            index_elements=[invitations.c.organization_id, invitations.c.email], set_=values
        )
    )


async def list_invitations(
    connection: AsyncConnection, organization_id: UUID
) -> Sequence[Invitation]:
    """The organization's good invitations, oldest first; at most 1,000."""
    found = await connection.execute(
        _invitations()
        .where(invitations.c.organization_id == organization_id)
        .order_by(invitations.c.created_at, invitations.c.id)
        .limit(1_000)
    )
    return [_invitation(row) for row in found]


async def lock_invitation(connection: AsyncConnection, token_hash: bytes) -> Invitation | None:
    """The good invitation with this token, locked; None if there is none."""
    found = await connection.execute(
        _invitations().where(invitations.c.token_hash == token_hash).with_for_update(of=invitations)
    )
    row = found.one_or_none()
    return None if row is None else _invitation(row)


async def drop_invitation(
    connection: AsyncConnection, organization_id: UUID, invitation_id: UUID
) -> bool:
    """Take an invitation back, or use it up; False if there is none."""
    gone = await connection.execute(
        invitations.delete().where(
            invitations.c.organization_id == organization_id, invitations.c.id == invitation_id
        )
    )
    return gone.rowcount == 1


def _invitations() -> sa.Select[tuple[object, ...]]:
    return (
        sa.select(invitations, organizations.c.name.label("organization_name"))
        .join(organizations, organizations.c.id == invitations.c.organization_id)
        .where(invitations.c.expires_at > _NOW)
    )


def _invitation(row: sa.Row[tuple[object, ...]]) -> Invitation:
    return Invitation(
        row.id,
        row.organization_id,
        row.organization_name,
        row.email,
        row.role,
        row.invited_by,
        row.expires_at,
        row.created_at,
    )


@dataclass(frozen=True, slots=True)
class Dropped:
    """An invitation that was good until it was taken back."""

    id: UUID
    organization_id: UUID
    role: MemberRole


async def lock_organizations_of(connection: AsyncConnection, user_id: UUID) -> set[UUID]:
    """The organizations that the user belongs to, locked as :func:`lock_organization` does."""
    mine = sa.select(memberships.c.organization_id).where(memberships.c.user_id == user_id)
    found = await connection.execute(
        sa.select(organizations.c.id)
        .where(organizations.c.id.in_(mine))
        .order_by(organizations.c.id)
        .with_for_update()
    )
    return set(found.scalars())


async def organizations_of(connection: AsyncConnection, user_id: UUID) -> set[UUID]:
    """The organizations that the user belongs to."""
    found = await connection.execute(
        sa.select(memberships.c.organization_id).where(memberships.c.user_id == user_id)
    )
    return set(found.scalars())


async def drop_invitations_to(connection: AsyncConnection, email: str) -> None:
    """Take back every invitation to this address."""
    await connection.execute(invitations.delete().where(invitations.c.email == email))


async def drop_invitations_by(connection: AsyncConnection, user_id: UUID) -> list[Dropped]:
    """Take back every invitation that the user sent; answers those that were good."""
    return await _drop(connection, invitations.c.invited_by == user_id)


async def drop_invitations_of(connection: AsyncConnection, organization_id: UUID) -> list[Dropped]:
    """Take back every invitation into the organization; answers those that were good."""
    return await _drop(connection, invitations.c.organization_id == organization_id)


async def drop_invitations_from(
    connection: AsyncConnection, organization_id: UUID, user_id: UUID, roles: Sequence[MemberRole]
) -> list[Dropped]:
    """Take back what the user sent for the organization, to these roles; answers the good ones."""
    return await _drop(
        connection,
        sa.and_(
            invitations.c.organization_id == organization_id,
            invitations.c.invited_by == user_id,
            invitations.c.role.in_(roles),
        ),
    )


async def _drop(connection: AsyncConnection, which: sa.ColumnElement[bool]) -> list[Dropped]:
    gone = await connection.execute(
        invitations.delete()
        .where(which)
        .returning(
            invitations.c.id,
            invitations.c.organization_id,
            invitations.c.role,
            (invitations.c.expires_at > _NOW).label("good"),
        )
    )
    return [Dropped(row.id, row.organization_id, row.role) for row in gone if row.good]


async def find_member(
    connection: AsyncConnection, organization_id: UUID, user_id: UUID
) -> Member | None:
    """One member; None for whoever is none."""
    found = await connection.execute(
        sa.select(
            users.c.id, users.c.name, users.c.email, memberships.c.role, memberships.c.created_at
        )
        .join(memberships, memberships.c.user_id == users.c.id)
        .where(memberships.c.organization_id == organization_id, memberships.c.user_id == user_id)
    )
    row = found.one_or_none()
    if row is None:
        return None
    return Member(row.id, row.name, row.email, row.role, row.created_at)


async def is_member(connection: AsyncConnection, organization_id: UUID, email: str) -> bool:
    """Whether the user with this address is a member."""
    theirs = (
        sa.select(memberships.c.user_id)
        .join(users, users.c.id == memberships.c.user_id)
        .where(memberships.c.organization_id == organization_id, users.c.email == email)
    )
    return (await connection.execute(theirs)).first() is not None


async def find_invitation(connection: AsyncConnection, token_hash: bytes) -> Invitation | None:
    """The good invitation with this token, not locked; None if there is none."""
    found = await connection.execute(_invitations().where(invitations.c.token_hash == token_hash))
    row = found.one_or_none()
    return None if row is None else _invitation(row)
