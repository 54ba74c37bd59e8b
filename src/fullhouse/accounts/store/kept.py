"""What is kept of a person beside the profile and the sessions, for whoever asks for all of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from fullhouse.accounts.tables import (
    identities,
    invitations,
    mail_tokens,
    memberships,
    organizations,
    phone_codes,
    users,
)


@dataclass(frozen=True, slots=True)
class KeptDates:
    """When things happened to an account; None for what did not."""

    created_at: datetime
    email_verified_at: datetime | None
    second_factor_at: datetime | None
    disabled_at: datetime | None


@dataclass(frozen=True, slots=True)
class KeptMembership:
    """A part in an organization."""

    organization_id: UUID
    organization_name: str
    role: str
    since: datetime


@dataclass(frozen=True, slots=True)
class KeptInvitation:
    """An invitation to the person's address, which may have run out."""

    organization_name: str
    role: str
    created_at: datetime
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class KeptIdentity:
    """Who the person is at another place where they can sign in."""

    issuer: str
    subject: str
    linked_at: datetime


@dataclass(frozen=True, slots=True)
class KeptProof:
    """A link or a code that was sent; ``sent_to`` is an address or a number."""

    purpose: str
    sent_to: str
    created_at: datetime
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class KeptAccount:
    """All of these of one person, each in the order in which it came about."""

    dates: KeptDates
    memberships: Sequence[KeptMembership]
    invitations: Sequence[KeptInvitation]
    identities: Sequence[KeptIdentity]
    proofs: Sequence[KeptProof]


async def kept_account(connection: AsyncConnection, user_id: UUID) -> KeptAccount | None:
    """What is kept of the person; None for nobody or a deleted user."""
    found = await connection.execute(
        sa.select(users).where(users.c.id == user_id, users.c.deleted_at.is_(None))
    )
    user = found.one_or_none()
    if user is None:
        return None
    return KeptAccount(
        KeptDates(
            user.created_at, user.email_verified_at, user.totp_confirmed_at, user.disabled_at
        ),
        await _memberships(connection, user_id),
        await _invitations(connection, user.email),
        await _identities(connection, user_id),
        [*await _links(connection, user_id), *await _codes(connection, user_id)],
    )


async def _memberships(connection: AsyncConnection, user_id: UUID) -> list[KeptMembership]:
    found = await connection.execute(
        sa.select(memberships, organizations.c.name)
        .join(organizations)
        .where(memberships.c.user_id == user_id)
        .order_by(memberships.c.created_at, organizations.c.id)
    )
    return [
        KeptMembership(row.organization_id, row.name, row.role, row.created_at) for row in found
    ]


async def _invitations(connection: AsyncConnection, email: str) -> list[KeptInvitation]:
    found = await connection.execute(
        sa.select(invitations, organizations.c.name)
        .join(organizations)
        .where(invitations.c.email == email)
        .order_by(invitations.c.created_at, invitations.c.id)
    )
    return [KeptInvitation(row.name, row.role, row.created_at, row.expires_at) for row in found]


async def _identities(connection: AsyncConnection, user_id: UUID) -> list[KeptIdentity]:
    found = await connection.execute(
        sa.select(identities)
        .where(identities.c.user_id == user_id)
        .order_by(identities.c.created_at, identities.c.subject)
    )
    return [KeptIdentity(row.issuer, row.subject, row.created_at) for row in found]


async def _links(connection: AsyncConnection, user_id: UUID) -> list[KeptProof]:
    found = await connection.execute(
        sa.select(mail_tokens)
        .where(mail_tokens.c.user_id == user_id)
        .order_by(mail_tokens.c.created_at)
    )
    return [KeptProof(row.purpose, row.email, row.created_at, row.expires_at) for row in found]


async def _codes(connection: AsyncConnection, user_id: UUID) -> list[KeptProof]:
    found = await connection.execute(
        sa.select(phone_codes)
        .where(phone_codes.c.user_id == user_id)
        .order_by(phone_codes.c.created_at)
    )
    return [KeptProof("link_phone", row.phone, row.created_at, row.expires_at) for row in found]
