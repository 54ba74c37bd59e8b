"""Requests and answers about organizations, their members and invitations."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from msgspec import Meta

from fullhouse.accounts.listings import OwnOrganization
from fullhouse.accounts.rules import Membership
from fullhouse.accounts.schemas.entering import Email, Token
from fullhouse.accounts.store.organizations import Invitation, Member
from fullhouse.api.permissions import MemberRole
from fullhouse.api.schemas import Body, Line, View

_Role = Annotated[
    MemberRole,
    Meta(
        description="What they may do in it. Only owners and administrators make owners and "
        "managers."
    ),
]


class OrganizationBody(Body):
    """The name of an organization, as buyers see it."""

    name: Annotated[Line, Meta(description="What the organization is called.")]


class RoleBody(Body):
    """The role that a member is to have."""

    role: _Role


class InvitationBody(Body):
    """Who is to become a member, and as what."""

    email: Email
    role: _Role


class AcceptInvitationBody(Body):
    """The token of the mail."""

    token: Token


class OrganizationView(View):
    """An organization, and what the caller is in it."""

    id: UUID
    name: str
    role: Annotated[
        MemberRole | None, Meta(description="The caller's role; null for whoever is no member.")
    ]


class OrganizationsView(View):
    """All organizations of a user, oldest first."""

    items: list[OrganizationView]


class MemberView(View):
    """Somebody in an organization."""

    user_id: UUID
    name: str
    email: str
    role: MemberRole
    since: datetime


class MembersView(View):
    """All members of an organization, those first who have been in it longest."""

    items: list[MemberView]


class InvitationView(View):
    """An invitation that waits to be accepted."""

    id: UUID
    email: str
    role: MemberRole
    created_at: datetime
    expires_at: datetime


class InvitationsView(View):
    """All invitations of an organization that can be accepted, oldest first."""

    items: list[InvitationView]


def organization_view(organization: OwnOrganization) -> OrganizationView:
    """An organization as the caller sees it."""
    return OrganizationView(organization.id, organization.name, organization.role)


def joined_view(membership: Membership) -> OrganizationView:
    """An organization as somebody sees it who has just become a member."""
    return OrganizationView(
        membership.organization_id, membership.organization_name, membership.role
    )


def member_view(member: Member) -> MemberView:
    """A member as the others see them."""
    return MemberView(member.user_id, member.name, member.email, member.role, member.since)


def invitation_view(invitation: Invitation) -> InvitationView:
    """An invitation as the organization sees it: without its token."""
    return InvitationView(
        invitation.id,
        invitation.email,
        invitation.role,
        invitation.created_at,
        invitation.expires_at,
    )
