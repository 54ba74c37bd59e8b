"""Giving an account to whoever proves to have its address, when nobody had proved it before.

Whoever registered with an address that they never proved to have may have done so to be let into
what its owner does here later. So the owner starts afresh: no way in stays that was made before,
neither for whoever made it nor for those whom they let in on the way.
"""

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from fullhouse.accounts.authenticator import key_tag, user_tag
from fullhouse.accounts.commands.withdrawing import note_dropped
from fullhouse.accounts.errors import ACCOUNT_DISABLED
from fullhouse.accounts.rules import OWNER
from fullhouse.accounts.store import keys, organizations, proofs, sessions, users
from fullhouse.api.audit import entry_of, note_by_user
from fullhouse.kit.audit import SYSTEM, record
from fullhouse.kit.errors import UNAVAILABLE, Refused
from fullhouse.kit.listener import notify


async def claim(connection: AsyncConnection, user_id: UUID, address: str) -> list[str] | None:
    """Give an account to who has its address, and take it from who only said so.

    Answers the tags of what must be forgotten, None when the address was proved in the meantime.
    Raises Refused: ACCOUNT_DISABLED when the account is gone, UNAVAILABLE as :func:`lock_account`.
    """
    user = await lock_account(connection, user_id)
    if user is None:
        raise Refused(ACCOUNT_DISABLED)
    if user.email_verified_at is not None:
        return None
    tags = [user_tag(user_id), *await shut_ways_in(connection, user_id)]
    await users.update_user(connection, user_id, password_hash=None)
    await sessions.end_sessions(connection, user_id, "address_claimed")
    await users.verify_email(connection, user_id, address)
    await note_by_user(connection, user_id, "user.address_claimed", "user", user_id)
    await notify(connection, *tags)
    return tags


async def lock_account(connection: AsyncConnection, user_id: UUID) -> Any:
    """The user's row, locked after the organizations that they belong to, in everybody's order.

    None for nobody or a deleted user. Raises Refused(UNAVAILABLE) when the user has joined an
    organization at this very moment.
    """
    locked = await organizations.lock_organizations_of(connection, user_id)
    user = await users.lock_user(connection, user_id)
    if not await organizations.organizations_of(connection, user_id) <= locked:
        raise Refused(UNAVAILABLE, "The account is being changed.", retry_after_seconds=1)
    return user


async def shut_ways_in(connection: AsyncConnection, user_id: UUID) -> list[str]:
    """Shut every way into an account but its password and its sessions, which are the caller's.

    The account has to be locked (:func:`lock_account`). Of the organizations that it owns, all
    other members go as well, with keys and invitations: whoever is in one could let others in
    again. It leaves those where it is less than an owner. Nobody honest has to fear that from an
    unproved address: an invitation into somebody else's organization proves it. What is shown and
    sold stays, with its new owner. Answers the tags of what must be forgotten.
    """
    before = await users.find_profile(connection, user_id)
    await users.update_user(connection, user_id, phone=None)
    await drop_second_factor(connection, user_id)
    await proofs.drop_proofs(connection, user_id, None if before is None else before.phone)
    dropped = await organizations.drop_invitations_by(connection, user_id)
    await note_dropped(connection, SYSTEM, dropped)
    revoked = await keys.revoke_keys_by(connection, user_id)
    tags = await _note_revoked(connection, revoked)
    for organization_id in sorted(await organizations.organizations_of(connection, user_id)):
        tags += await _clear(connection, organization_id, user_id)
    return tags


async def _clear(connection: AsyncConnection, organization_id: UUID, user_id: UUID) -> list[str]:
    """Leave nobody but the user in an organization of theirs, or take out who does not own it."""
    roles = await organizations.roles_in(connection, organization_id)
    leaving = [user_id]
    tags: list[str] = []
    if roles[user_id] == OWNER:
        leaving = sorted(roles.keys() - {user_id})
        dropped = await organizations.drop_invitations_of(connection, organization_id)
        await note_dropped(connection, SYSTEM, dropped)
        revoked = await keys.revoke_keys_of(connection, organization_id)
        tags = await _note_revoked(connection, [(key_id, organization_id) for key_id in revoked])
    for member_id in leaving:
        await organizations.remove_member(connection, organization_id, member_id)
        gone = entry_of(
            SYSTEM,
            "member.removed",
            "member",
            member_id,
            organization_id=organization_id,
            before={"role": roles[member_id]},
        )
        await record(connection, gone)
        tags.append(user_tag(member_id))
    return tags


async def _note_revoked(
    connection: AsyncConnection, revoked: Iterable[tuple[UUID, UUID]]
) -> list[str]:
    """Note that these keys, each with its organization, are good no more; answers their tags."""
    tags = []
    for key_id, organization_id in revoked:
        gone = entry_of(
            SYSTEM, "api_key.revoked", "api_key", key_id, organization_id=organization_id
        )
        await record(connection, gone)
        tags.append(key_tag(key_id))
    return tags


async def drop_second_factor(connection: AsyncConnection, user_id: UUID) -> None:
    """Take away whatever of a second factor the user has, in the caller's transaction."""
    await users.update_user(
        connection, user_id, totp_secret=None, totp_confirmed_at=None, totp_last_step=None
    )
    await proofs.put_recovery_codes(connection, user_id, ())
    await sessions.unmark_second_factor(connection, user_id)
