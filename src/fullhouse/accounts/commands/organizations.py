"""Organizations, their members, and inviting people into them."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from fullhouse.accounts import letters, lockout
from fullhouse.accounts.authenticator import user_tag
from fullhouse.accounts.commands.guarding import begin
from fullhouse.accounts.commands.proving import look_again
from fullhouse.accounts.commands.withdrawing import is_supported, withdraw
from fullhouse.accounts.errors import (
    ALREADY_MEMBER,
    INVITATION_FOR_ANOTHER,
    LINK_INVALID,
    ORGANIZATION_FULL,
)
from fullhouse.accounts.membership import (
    MOST_INVITATIONS,
    MOST_MEMBERS,
    check_appointment,
    check_change,
    check_part,
)
from fullhouse.accounts.one_time import hash_token, new_token
from fullhouse.accounts.parts import Accounts
from fullhouse.accounts.rules import INVITED_FOR, OWNER, Membership, check_name, normalize_email
from fullhouse.accounts.store import organizations, users
from fullhouse.accounts.store.organizations import Invitation, Member
from fullhouse.api.audit import actor_of, note
from fullhouse.api.errors import NOT_FOUND, UNAUTHENTICATED
from fullhouse.api.permissions import MemberRole, Permission
from fullhouse.api.principal import Principal
from fullhouse.kit.errors import Refused
from fullhouse.kit.ids import new_id
from fullhouse.kit.listener import notify


@dataclass(frozen=True, slots=True)
class Locked:
    """An organization whose members nobody else changes until the transaction ends."""

    name: str
    roles: Mapping[UUID, MemberRole]


async def create_organization(accounts: Accounts, principal: Principal, name: str) -> Membership:
    """Make an organization that the caller owns.

    Raises Refused: VALIDATION_FAILED, UNAUTHENTICATED.
    """
    user_id = principal.user_id
    made = Membership(new_id(), check_name(name), OWNER)
    async with accounts.database.begin() as connection:
        await look_again(connection, principal)
        await organizations.add_organization(connection, user_id, made)
        await note(
            connection,
            principal,
            "organization.created",
            "organization",
            made.organization_id,
            organization_id=made.organization_id,
        )
        await notify(connection, user_tag(user_id))
    accounts.forget(user_tag(user_id))
    return made


async def rename_organization(
    accounts: Accounts, principal: Principal, organization_id: UUID, name: str
) -> None:
    """Give an organization another name.

    Raises Refused: NOT_FOUND, FORBIDDEN, VALIDATION_FAILED.
    """
    wanted = check_name(name)
    async with accounts.database.begin() as connection:
        locked = await lock_part(
            connection, principal, Permission.ORGANIZATION_WRITE, organization_id
        )
        if locked.name == wanted:
            return
        await organizations.rename_organization(connection, organization_id, wanted)
        # Names may be of people, and what the log holds stays for ever.
        await note(
            connection,
            principal,
            "organization.renamed",
            "organization",
            organization_id,
            organization_id=organization_id,
        )


async def change_role(
    accounts: Accounts,
    principal: Principal,
    organization_id: UUID,
    user_id: UUID,
    role: MemberRole,
) -> Member:
    """Give a member another role. Raises Refused: NOT_FOUND, FORBIDDEN, LAST_OWNER."""
    async with accounts.database.begin() as connection:
        locked = await lock_part(connection, principal, Permission.MEMBERS_WRITE, organization_id)
        check_change(
            locked.roles,
            acting_id=principal.id,
            is_admin=principal.is_admin,
            user_id=user_id,
            role=role,
        )
        before = locked.roles[user_id]
        if before != role:
            await organizations.set_role(connection, organization_id, user_id, role)
            await note(
                connection,
                principal,
                "member.role_changed",
                "member",
                user_id,
                organization_id=organization_id,
                before={"role": before},
                after={"role": role},
            )
            await withdraw(connection, actor_of(principal), organization_id, user_id, role)
            await notify(connection, user_tag(user_id))
        member = await organizations.find_member(connection, organization_id, user_id)
    accounts.forget(user_tag(user_id))
    if member is None:
        raise Refused(NOT_FOUND)
    return member


async def remove_member(
    accounts: Accounts, principal: Principal, organization_id: UUID, user_id: UUID
) -> None:
    """Take somebody out of an organization. Raises Refused: NOT_FOUND, FORBIDDEN, LAST_OWNER."""
    async with accounts.database.begin() as connection:
        locked = await lock_part(connection, principal, Permission.MEMBERS_WRITE, organization_id)
        await _take_out(connection, principal, locked, organization_id, user_id, "member.removed")
    accounts.forget(user_tag(user_id))


async def leave(accounts: Accounts, principal: Principal, organization_id: UUID) -> None:
    """Leave an organization.

    Raises Refused: NOT_FOUND for no member of it, LAST_OWNER, UNAUTHENTICATED.
    """
    user_id = principal.user_id
    async with accounts.database.begin() as connection:
        locked = await _lock(connection, organization_id)
        await look_again(connection, principal)
        await _take_out(connection, principal, locked, organization_id, user_id, "member.left")
    accounts.forget(user_tag(user_id))


async def _take_out(
    connection: AsyncConnection,
    principal: Principal,
    locked: Locked,
    organization_id: UUID,
    user_id: UUID,
    action: str,
) -> None:
    check_change(
        locked.roles,
        acting_id=principal.id,
        is_admin=principal.is_admin,
        user_id=user_id,
        role=None,
    )
    await organizations.remove_member(connection, organization_id, user_id)
    await note(
        connection,
        principal,
        action,
        "member",
        user_id,
        organization_id=organization_id,
        before={"role": locked.roles[user_id]},
    )
    await withdraw(connection, actor_of(principal), organization_id, user_id, None)
    await notify(connection, user_tag(user_id))


async def invite(
    accounts: Accounts,
    principal: Principal,
    organization_id: UUID,
    *,
    email: str,
    role: MemberRole,
) -> Invitation:
    """Send somebody a link with which they become a member; an earlier one is good no more.

    Raises Refused: NOT_FOUND, FORBIDDEN, ALREADY_MEMBER, ORGANIZATION_FULL, TOO_MANY_ATTEMPTS,
    VALIDATION_FAILED, OVERLOADED.
    """
    address = normalize_email(email)
    # Tried first, so that what is refused anyway does not count as a mail to this address.
    async with accounts.database.begin() as connection:
        await _check_invitation(connection, principal, organization_id, address, role)
        inviter = await users.find_credentials(connection, user_id=principal.user_id)
    if inviter is None:
        raise Refused(UNAUTHENTICATED)
    keys = lockout.invitation_keys(
        accounts.secret, address, organization_id=organization_id, user_id=principal.user_id
    )
    await begin(accounts, keys)
    token = new_token()
    token_hash = hash_token(token)
    async with accounts.database.begin() as connection:
        before = await _check_invitation(connection, principal, organization_id, address, role)
        await organizations.put_invitation(
            connection,
            invitation_id=new_id(),
            organization_id=organization_id,
            email=address,
            role=role,
            token_hash=token_hash,
            invited_by=principal.user_id,
            lifetime=INVITED_FOR,
        )
        made = await organizations.find_invitation(connection, token_hash)
        assert made is not None  # it has just been written
        await note(
            connection,
            principal,
            "invitation.sent",
            "invitation",
            made.id,
            organization_id=organization_id,
            before=None if before is None else {"id": before.id, "role": before.role},
            after={"role": role},
        )
    accounts.post.mail(
        letters.invitation(
            address,
            organization=made.organization_name,
            role=role.replace("_", " "),
            inviter=inviter.name,
            token=token,
            good_for=INVITED_FOR,
            public_url=accounts.post.public_url,
        )
    )
    return made


async def _check_invitation(
    connection: AsyncConnection,
    principal: Principal,
    organization_id: UUID,
    address: str,
    role: MemberRole,
) -> Invitation | None:
    """Refuse an invitation that may not be; answers the one that it would replace."""
    locked = await lock_part(connection, principal, Permission.MEMBERS_WRITE, organization_id)
    waiting = await organizations.list_invitations(connection, organization_id)
    before = next((found for found in waiting if found.email == address), None)
    for touched in (role, before.role if before else role):
        check_appointment(locked.roles.get(principal.id), touched, is_admin=principal.is_admin)
    if await organizations.is_member(connection, organization_id, address):
        raise Refused(ALREADY_MEMBER)
    if before is None and len(waiting) >= MOST_INVITATIONS:
        raise Refused(ORGANIZATION_FULL)
    return before


async def revoke_invitation(
    accounts: Accounts, principal: Principal, organization_id: UUID, invitation_id: UUID
) -> None:
    """Take an invitation back: its link is good no more. Raises Refused: NOT_FOUND, FORBIDDEN."""
    async with accounts.database.begin() as connection:
        locked = await lock_part(connection, principal, Permission.MEMBERS_WRITE, organization_id)
        waiting = await organizations.list_invitations(connection, organization_id)
        found = next((waits for waits in waiting if waits.id == invitation_id), None)
        if found is None:
            raise Refused(NOT_FOUND)
        check_appointment(locked.roles.get(principal.id), found.role, is_admin=principal.is_admin)
        await organizations.drop_invitation(connection, organization_id, invitation_id)
        await note(
            connection,
            principal,
            "invitation.revoked",
            "invitation",
            invitation_id,
            organization_id=organization_id,
            before={"role": found.role},
        )


async def accept_invitation(accounts: Accounts, principal: Principal, token: str) -> Membership:
    """Become a member with the token of a mail, which also proves the address.

    Raises Refused: LINK_INVALID, INVITATION_FOR_ANOTHER, ALREADY_MEMBER, ORGANIZATION_FULL,
    UNAUTHENTICATED.
    """
    user_id = principal.user_id
    token_hash = hash_token(token)
    async with accounts.database.begin() as connection:
        named = await organizations.find_invitation(connection, token_hash)
        if named is None:
            raise Refused(LINK_INVALID)
        # The organization first, as everybody does who changes its members or invitations.
        locked = await _lock(connection, named.organization_id)
        await look_again(connection, principal)
        invitation = await organizations.lock_invitation(connection, token_hash)
        role = None if invitation is None else locked.roles.get(invitation.invited_by)
        if invitation is None or not await is_supported(connection, invitation, role):
            raise Refused(LINK_INVALID)
        user = await users.find_credentials(connection, user_id=user_id)
        if user is None or user.email != invitation.email:
            raise Refused(INVITATION_FOR_ANOTHER)
        joined = Membership(invitation.organization_id, locked.name, invitation.role)
        if user_id in locked.roles:
            raise Refused(ALREADY_MEMBER)
        if len(locked.roles) >= MOST_MEMBERS:
            raise Refused(ORGANIZATION_FULL)
        await organizations.add_member(connection, joined.organization_id, user_id, joined.role)
        await organizations.drop_invitation(connection, joined.organization_id, invitation.id)
        await users.verify_email(connection, user_id, invitation.email)
        await note(
            connection,
            principal,
            "member.joined",
            "member",
            user_id,
            organization_id=joined.organization_id,
            after={"role": joined.role, "invitationId": invitation.id},
        )
        await notify(connection, user_tag(user_id))
    accounts.forget(user_tag(user_id))
    return joined


async def lock_part(
    connection: AsyncConnection,
    principal: Principal,
    permission: Permission,
    organization_id: UUID,
) -> Locked:
    """Lock an organization for somebody who may change what the permission is about.

    What the caller may do is looked at again under the lock: the end of their session, and a
    change of their own role at the same moment, count already.
    Raises Refused: NOT_FOUND, FORBIDDEN, UNAUTHENTICATED.
    """
    # First without the lock: strangers must not be able to keep members waiting.
    check_part(principal, permission, organization_id)
    locked = await _lock(connection, organization_id)
    present = await look_again(connection, principal)
    if present.key is None:
        role = locked.roles.get(principal.id)
        memberships = {} if role is None else {organization_id: role}
        check_part(replace(present, memberships=memberships), permission, organization_id)
    return locked


async def _lock(connection: AsyncConnection, organization_id: UUID) -> Locked:
    name = await organizations.lock_organization(connection, organization_id)
    if name is None:
        raise Refused(NOT_FOUND)
    return Locked(name, await organizations.roles_in(connection, organization_id))
