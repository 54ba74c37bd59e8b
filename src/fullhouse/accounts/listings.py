"""Reads of organizations, and of who changed what in them."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from fullhouse.accounts.membership import check_part
from fullhouse.accounts.store import keys, organizations, users
from fullhouse.accounts.store.keys import ListedKey
from fullhouse.accounts.store.organizations import Invitation, Member
from fullhouse.api.errors import NOT_FOUND
from fullhouse.api.pagination import Slice, encode_cursor, position_in
from fullhouse.api.permissions import MemberRole, Permission
from fullhouse.api.principal import Principal
from fullhouse.kit.audit import Recorded, list_entries
from fullhouse.kit.db import Database
from fullhouse.kit.errors import Refused


@dataclass(frozen=True, slots=True)
class OwnOrganization:
    """An organization as the caller sees it; ``role`` is None for those who are no member."""

    id: UUID
    name: str
    role: MemberRole | None


@dataclass(frozen=True, slots=True)
class AuditFilters:
    """Which entries of the audit log are wanted: those that fit everything that is given."""

    organization_id: UUID | None = None
    actor_id: UUID | None = None
    action: str | None = None
    object_kind: str | None = None
    object_id: str | None = None


@dataclass(frozen=True, slots=True)
class AuditPage:
    """Part of the audit log, the newest first, and where the next part begins."""

    items: Sequence[Recorded]
    next_cursor: str | None


async def own_organizations(database: Database, principal: Principal) -> list[OwnOrganization]:
    """The organizations in which the caller is a member, oldest first."""
    async with database.read() as connection:
        found = await users.find_profile(connection, principal.user_id)
    joined = () if found is None else found.memberships
    return [OwnOrganization(m.organization_id, m.organization_name, m.role) for m in joined]


async def organization(
    database: Database, principal: Principal, organization_id: UUID
) -> OwnOrganization:
    """One organization. Raises Refused: NOT_FOUND, FORBIDDEN."""
    check_part(principal, Permission.MEMBERS_READ, organization_id)
    async with database.read() as connection:
        name = await _name_of(connection, organization_id)
        member = await organizations.find_member(connection, organization_id, principal.id)
    return OwnOrganization(organization_id, name, None if member is None else member.role)


async def members(
    database: Database, principal: Principal, organization_id: UUID
) -> Sequence[Member]:
    """All members. Raises Refused: NOT_FOUND, FORBIDDEN."""
    check_part(principal, Permission.MEMBERS_READ, organization_id)
    async with database.read() as connection:
        await _name_of(connection, organization_id)
        return await organizations.list_members(connection, organization_id)


async def invitations(
    database: Database, principal: Principal, organization_id: UUID
) -> Sequence[Invitation]:
    """The invitations that can be accepted. Raises Refused: NOT_FOUND, FORBIDDEN."""
    check_part(principal, Permission.MEMBERS_WRITE, organization_id)
    async with database.read() as connection:
        await _name_of(connection, organization_id)
        return await organizations.list_invitations(connection, organization_id)


async def api_keys(
    database: Database, principal: Principal, organization_id: UUID
) -> Sequence[ListedKey]:
    """The keys that are good. Raises Refused: NOT_FOUND, FORBIDDEN."""
    check_part(principal, Permission.KEYS_WRITE, organization_id)
    async with database.read() as connection:
        await _name_of(connection, organization_id)
        return await keys.list_keys(connection, organization_id)


async def organization_audit_log(
    database: Database,
    principal: Principal,
    organization_id: UUID,
    filters: AuditFilters,
    part: Slice,
) -> AuditPage:
    """What was done in an organization. Raises Refused: NOT_FOUND, FORBIDDEN."""
    check_part(principal, Permission.AUDIT_READ, organization_id)
    async with database.read() as connection:
        await _name_of(connection, organization_id)
    return await audit_log(database, filters, part)


async def audit_log(database: Database, filters: AuditFilters, part: Slice) -> AuditPage:
    """What was done anywhere. Raises Refused(VALIDATION_FAILED) for a cursor of another list."""
    before_id: UUID | None = None
    if part.after is not None:
        (before_id,) = position_in(part.after, tuple[UUID])
    async with database.read() as connection:
        found = await list_entries(
            connection,
            organization_id=filters.organization_id,
            actor_id=filters.actor_id,
            action=filters.action,
            object_kind=filters.object_kind,
            object_id=filters.object_id,
            before_id=before_id,
            # One more than is shown tells whether there is a next page.
            limit=part.limit + 1,
        )
    shown = found[: part.limit]
    more = len(found) > part.limit
    return AuditPage(shown, encode_cursor((shown[-1].id,)) if more else None)


async def _name_of(connection: AsyncConnection, organization_id: UUID) -> str:
    """An administrator may look into every organization, but not into one that is none."""
    name = await organizations.find_organization(connection, organization_id)
    if name is None:
        raise Refused(NOT_FOUND)
    return name
