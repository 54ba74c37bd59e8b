"""Invitations that end with the right of whoever sent them, and what the audit log says of it."""

from collections.abc import Iterable
from typing import get_args
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from fullhouse.accounts.membership import may_invite
from fullhouse.accounts.store import organizations, users
from fullhouse.accounts.store.organizations import Dropped, Invitation
from fullhouse.api.audit import entry_of
from fullhouse.api.permissions import MemberRole
from fullhouse.kit.audit import Actor, record


async def withdraw(
    connection: AsyncConnection,
    actor: Actor,
    organization_id: UUID,
    user_id: UUID,
    role: MemberRole | None,
) -> None:
    """Take back what the user, with this role in the organization now, could not send any more.

    The organization has to be locked.
    """
    sender = await users.find_listed(connection, user_id)
    platform_role = "" if sender is None else sender.role
    beyond = [one for one in get_args(MemberRole) if not may_invite(platform_role, role, one)]
    dropped = await organizations.drop_invitations_from(
        connection, organization_id, user_id, beyond
    )
    await note_dropped(connection, actor, dropped)


async def is_supported(
    connection: AsyncConnection, invitation: Invitation, role: MemberRole | None
) -> bool:
    """Whether who sent the invitation, with this role in the organization, could still send it.

    What they lost elsewhere, their account or a platform role, takes no invitation back by itself.
    """
    sender = await users.find_listed(connection, invitation.invited_by)
    if sender is None or sender.disabled:
        return False
    return may_invite(sender.role, role, invitation.role)


async def note_dropped(
    connection: AsyncConnection, actor: Actor, dropped: Iterable[Dropped]
) -> None:
    """Note that these invitations were taken back."""
    for invitation in dropped:
        entry = entry_of(
            actor,
            "invitation.revoked",
            "invitation",
            invitation.id,
            organization_id=invitation.organization_id,
            before={"role": invitation.role},
        )
        await record(connection, entry)
