"""Organizations, their members and invitations, below ``/api/v1``."""

from uuid import UUID

from litestar import delete, get, patch, post

from fullhouse.accounts import listings
from fullhouse.accounts.commands import organizations as commands
from fullhouse.accounts.errors import (
    ALREADY_MEMBER,
    INVITATION_FOR_ANOTHER,
    LAST_OWNER,
    LINK_INVALID,
    ORGANIZATION_FULL,
    TOO_MANY_ATTEMPTS,
)
from fullhouse.accounts.parts import Accounts
from fullhouse.accounts.schemas.organizations import (
    AcceptInvitationBody,
    InvitationBody,
    InvitationsView,
    InvitationView,
    MembersView,
    MemberView,
    OrganizationBody,
    OrganizationsView,
    OrganizationView,
    RoleBody,
    invitation_view,
    joined_view,
    member_view,
    organization_view,
)
from fullhouse.api.errors import NOT_FOUND, problems
from fullhouse.api.permissions import ORGANIZERS, SIGNED_IN, Permission, member
from fullhouse.api.principal import Principal
from fullhouse.kit.db import Database

_TAGS = ["Organizations"]


@get(
    "/organizations",
    access=SIGNED_IN,
    summary="List own organizations",
    tags=_TAGS,
    responses=problems(),
)
async def list_organizations(principal: Principal, database: Database) -> OrganizationsView:
    """The organizations in which the caller is a member."""
    found = await listings.own_organizations(database, principal)
    return OrganizationsView([organization_view(one) for one in found])


@post(
    "/organizations",
    access=ORGANIZERS,
    summary="Make an organization",
    tags=_TAGS,
    responses=problems(),
)
async def create_organization(
    data: OrganizationBody, principal: Principal, accounts: Accounts
) -> OrganizationView:
    """The caller is its owner."""
    return joined_view(await commands.create_organization(accounts, principal, data.name))


@get(
    "/organizations/{organization_id:uuid}",
    access=member(Permission.MEMBERS_READ),
    summary="An organization",
    tags=_TAGS,
    responses=problems(NOT_FOUND),
)
async def get_organization(
    organization_id: UUID, principal: Principal, database: Database
) -> OrganizationView:
    """Its name, and what the caller is in it."""
    return organization_view(await listings.organization(database, principal, organization_id))


@patch(
    "/organizations/{organization_id:uuid}",
    access=member(Permission.ORGANIZATION_WRITE),
    summary="Rename an organization",
    tags=_TAGS,
    responses=problems(NOT_FOUND),
)
async def rename_organization(
    organization_id: UUID,
    data: OrganizationBody,
    principal: Principal,
    accounts: Accounts,
    database: Database,
) -> OrganizationView:
    """Give it another name."""
    await commands.rename_organization(accounts, principal, organization_id, data.name)
    return organization_view(await listings.organization(database, principal, organization_id))


@get(
    "/organizations/{organization_id:uuid}/members",
    access=member(Permission.MEMBERS_READ),
    summary="List members",
    tags=_TAGS,
    responses=problems(NOT_FOUND),
)
async def list_members(
    organization_id: UUID, principal: Principal, database: Database
) -> MembersView:
    """Everybody in the organization."""
    found = await listings.members(database, principal, organization_id)
    return MembersView([member_view(one) for one in found])


@patch(
    "/organizations/{organization_id:uuid}/members/{user_id:uuid}",
    access=member(Permission.MEMBERS_WRITE),
    summary="Change a member's role",
    tags=_TAGS,
    responses=problems(NOT_FOUND, LAST_OWNER),
)
async def change_role(
    organization_id: UUID,
    user_id: UUID,
    data: RoleBody,
    principal: Principal,
    accounts: Accounts,
) -> MemberView:
    """Counts from the member's next request on. Only owners decide who is owner or manager."""
    return member_view(
        await commands.change_role(accounts, principal, organization_id, user_id, data.role)
    )


@delete(
    "/organizations/{organization_id:uuid}/members/{user_id:uuid}",
    access=member(Permission.MEMBERS_WRITE),
    status_code=204,
    summary="Remove a member",
    tags=_TAGS,
    responses=problems(NOT_FOUND, LAST_OWNER),
)
async def remove_member(
    organization_id: UUID, user_id: UUID, principal: Principal, accounts: Accounts
) -> None:
    """Counts from the member's next request on."""
    await commands.remove_member(accounts, principal, organization_id, user_id)


@delete(
    "/organizations/{organization_id:uuid}/membership",
    access=SIGNED_IN,
    status_code=204,
    summary="Leave an organization",
    tags=_TAGS,
    responses=problems(NOT_FOUND, LAST_OWNER),
)
async def leave(organization_id: UUID, principal: Principal, accounts: Accounts) -> None:
    """End one's own membership."""
    await commands.leave(accounts, principal, organization_id)


@get(
    "/organizations/{organization_id:uuid}/invitations",
    access=member(Permission.MEMBERS_WRITE),
    summary="List invitations",
    tags=_TAGS,
    responses=problems(NOT_FOUND),
)
async def list_invitations(
    organization_id: UUID, principal: Principal, database: Database
) -> InvitationsView:
    """Those that can still be accepted."""
    found = await listings.invitations(database, principal, organization_id)
    return InvitationsView([invitation_view(one) for one in found])


@post(
    "/organizations/{organization_id:uuid}/invitations",
    access=member(Permission.MEMBERS_WRITE),
    summary="Invite somebody",
    tags=_TAGS,
    responses=problems(NOT_FOUND, ALREADY_MEMBER, ORGANIZATION_FULL, TOO_MANY_ATTEMPTS),
)
async def invite(
    organization_id: UUID, data: InvitationBody, principal: Principal, accounts: Accounts
) -> InvitationView:
    """Send a link by mail, good for seven days. An earlier one to the same address is replaced.

    Whoever has no account yet makes one with this address first.
    """
    return invitation_view(
        await commands.invite(
            accounts, principal, organization_id, email=data.email, role=data.role
        )
    )


@delete(
    "/organizations/{organization_id:uuid}/invitations/{invitation_id:uuid}",
    access=member(Permission.MEMBERS_WRITE),
    status_code=204,
    summary="Take an invitation back",
    tags=_TAGS,
    responses=problems(NOT_FOUND),
)
async def revoke_invitation(
    organization_id: UUID, invitation_id: UUID, principal: Principal, accounts: Accounts
) -> None:
    """Its link is good no more."""
    await commands.revoke_invitation(accounts, principal, organization_id, invitation_id)


@post(
    "/invitations/accept",
    access=SIGNED_IN,
    status_code=200,
    summary="Accept an invitation",
    tags=_TAGS,
    responses=problems(LINK_INVALID, INVITATION_FOR_ANOTHER, ALREADY_MEMBER, ORGANIZATION_FULL),
)
async def accept_invitation(
    data: AcceptInvitationBody, principal: Principal, accounts: Accounts
) -> OrganizationView:
    """Become a member with the token of the mail, signed in with the address it was sent to."""
    return joined_view(await commands.accept_invitation(accounts, principal, data.token))


ROUTES = [
    list_organizations,
    create_organization,
    get_organization,
    rename_organization,
    list_members,
    change_role,
    remove_member,
    leave,
    list_invitations,
    invite,
    revoke_invitation,
    accept_invitation,
]
