"""Taking an organization apart: its members, invitations and keys."""

from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from fullhouse.accounts.authenticator import key_tag, user_tag
from fullhouse.accounts.commands.organizations import Locked
from fullhouse.accounts.commands.withdrawing import note_dropped
from fullhouse.accounts.store import keys, organizations
from fullhouse.api.audit import actor_of, note
from fullhouse.api.principal import Principal
from fullhouse.kit.listener import notify


async def take_apart(
    connection: AsyncConnection, principal: Principal, organization_id: UUID, locked: Locked
) -> list[str]:
    """Leave an organization to nobody, in the caller's transaction, which holds its lock.

    Its row stays, because what it sold refers to it; administrators still see it. Answers the
    tags of what must be forgotten after the commit.
    """
    dropped = await organizations.drop_invitations_of(connection, organization_id)
    await note_dropped(connection, actor_of(principal), dropped)
    tags: list[str] = []
    for key_id in await keys.revoke_keys_of(connection, organization_id):
        await note(
            connection,
            principal,
            "api_key.revoked",
            "api_key",
            key_id,
            organization_id=organization_id,
        )
        tags.append(key_tag(key_id))
    for user_id in sorted(locked.roles):
        await organizations.remove_member(connection, organization_id, user_id)
        tags.append(user_tag(user_id))
    await note(
        connection,
        principal,
        "organization.closed",
        "organization",
        organization_id,
        organization_id=organization_id,
        before={"members": {str(user_id): role for user_id, role in locked.roles.items()}},
    )
    await notify(connection, *tags)
    return tags
