"""Requests and answers of the administration of users."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from msgspec import UNSET, Meta, UnsetType

from fullhouse.accounts.rules import Profile
from fullhouse.accounts.schemas.entering import MembershipView, user_view
from fullhouse.accounts.store.users import ListedUser
from fullhouse.api.permissions import PlatformRole
from fullhouse.api.schemas import Body, View


class AdminUserView(View):
    """A user as administrators see them in a list."""

    id: UUID
    name: str
    email: str
    phone: str | None
    role: str
    email_verified: bool
    disabled: bool
    created_at: datetime


class AdminUserDetailView(AdminUserView):
    """A user as administrators see them, with their organizations and ways in."""

    organizations: list[MembershipView]
    second_factor: bool
    has_password: bool


class AdminUserBody(Body):
    """What administrators may change of a user; what is left out stays."""

    role: (
        Annotated[PlatformRole, Meta(description="What they may do on the whole platform.")]
        | UnsetType
    ) = UNSET
    disabled: (
        Annotated[bool, Meta(description="Disabled accounts are signed out, and cannot sign in.")]
        | UnsetType
    ) = UNSET


def admin_user_view(user: ListedUser) -> AdminUserView:
    """A user in the list of all."""
    return AdminUserView(
        user.id,
        user.name,
        user.email,
        user.phone,
        user.role,
        user.email_verified,
        user.disabled,
        user.created_at,
    )


def admin_user_detail_view(user: ListedUser, profile: Profile) -> AdminUserDetailView:
    """One user with what the list leaves out."""
    return AdminUserDetailView(
        user.id,
        user.name,
        user.email,
        user.phone,
        user.role,
        user.email_verified,
        user.disabled,
        user.created_at,
        user_view(profile).organizations,
        profile.second_factor,
        profile.has_password,
    )
