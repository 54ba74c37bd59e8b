"""Requests and answers of the accounts."""

from typing import Annotated
from uuid import UUID

from msgspec import UNSET, Meta, UnsetType

from fullhouse.accounts.rules import (
    EMAIL_LONGEST,
    PASSWORD_LONGEST,
    PASSWORD_SHORTEST,
    Profile,
    RegistrableRole,
    Role,
    SignedIn,
)
from fullhouse.api.schemas import Body, Name, View

Email = Annotated[
    str,
    Meta(
        min_length=3,
        max_length=EMAIL_LONGEST,
        examples=["ada@example.com"],
        extra_json_schema={"format": "email"},
    ),
]
NewPassword = Annotated[
    str,
    Meta(
        min_length=PASSWORD_SHORTEST,
        max_length=PASSWORD_LONGEST,
        examples=["correct horse battery"],
    ),
]
# What is only compared is not held to the rules for new passwords, merely to a length.
AnyPassword = Annotated[str, Meta(max_length=PASSWORD_LONGEST, examples=["correct horse battery"])]


class RegisterBody(Body):
    """A new account. ``ORGANIZER`` gets an organization of their own."""

    name: Name
    email: Email
    password: NewPassword
    role: RegistrableRole = "USER"


class LoginBody(Body):
    """An e-mail address and its password."""

    email: Email
    password: AnyPassword


class MembershipView(View):
    """An organization that the user acts for, and their role in it."""

    id: UUID
    name: str
    role: str


class UserView(View):
    """The signed-in user."""

    id: UUID
    name: str
    email: str
    role: Role
    organizations: list[MembershipView]
    phone: str | UnsetType = UNSET


class SessionView(View):
    """The user, and the access token to send as ``Authorization: Bearer``."""

    user: UserView
    access_token: str
    expires_in: Annotated[int, Meta(description="Seconds until the access token ends.")]


def user_view(profile: Profile) -> UserView:
    """The user as the API shows them to themselves."""
    return UserView(
        id=profile.id,
        name=profile.name,
        email=profile.email,
        role=profile.role,
        organizations=[
            MembershipView(joined.organization_id, joined.organization_name, joined.role)
            for joined in profile.memberships
        ],
        phone=UNSET if profile.phone is None else profile.phone,
    )


def session_view(signed_in: SignedIn) -> SessionView:
    """The answer to whoever has just signed in."""
    return SessionView(
        user=user_view(signed_in.profile),
        access_token=signed_in.access_token,
        expires_in=signed_in.expires_in,
    )
