"""Requests and answers of registering, signing in and staying signed in."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from msgspec import UNSET, Meta, UnsetType

from fullhouse.accounts.devices import device_name
from fullhouse.accounts.rules import (
    EMAIL_LONGEST,
    PASSWORD_LONGEST,
    PASSWORD_SHORTEST,
    Profile,
    RegistrableRole,
    SignedIn,
)
from fullhouse.accounts.store.sessions import ListedSession
from fullhouse.api.permissions import MemberRole, PlatformRole
from fullhouse.api.schemas import Body, Name, View

Email = Annotated[
    str,
    Meta(
        min_length=3,
        max_length=EMAIL_LONGEST,
        examples=["ada@example.com"],
        description="An e-mail address, in either case.",
        extra_json_schema={"format": "email"},
    ),
]
NewPassword = Annotated[
    str,
    Meta(
        min_length=PASSWORD_SHORTEST,
        max_length=PASSWORD_LONGEST,
        examples=["correct horse battery"],
        description="The new password; not one that is widely known.",
    ),
]
# What is only compared is not held to the rules for new passwords, merely to a length.
AnyPassword = Annotated[
    str,
    Meta(
        max_length=PASSWORD_LONGEST,
        examples=["correct horse battery"],
        description="The password of the account.",
    ),
]
PersonName = Annotated[Name, Meta(description="What the person is called, as others see it.")]
# Where it is asked for again, though they have signed in.
PasswordAgain = Annotated[
    AnyPassword | None,
    Meta(description="The password of the account; null only where it has none."),
]


class RegisterBody(Body):
    """A new account. ``ORGANIZER`` gets an organization of their own."""

    name: PersonName
    email: Email
    password: NewPassword
    role: Annotated[
        RegistrableRole, Meta(description="USER for who buys, ORGANIZER for who sells too.")
    ] = "USER"


class LoginBody(Body):
    """An e-mail address and its password."""

    email: Email
    password: AnyPassword


Token = Annotated[str, Meta(min_length=16, max_length=200, description="From the mail.")]


class ForgotPasswordBody(Body):
    """The address of an account whose password is forgotten."""

    email: Email


class ResetPasswordBody(Body):
    """The token of the mail, and the new password."""

    token: Token
    password: NewPassword


class ChangePasswordBody(Body):
    """The new password; the current one may be missing only where there is none."""

    password: NewPassword
    current_password: PasswordAgain = None


class VerifyEmailBody(Body):
    """The token of the mail."""

    token: Token


class MembershipView(View):
    """An organization that the user acts for, and their role in it."""

    id: UUID
    name: str
    role: MemberRole


class UserView(View):
    """The signed-in user."""

    id: UUID
    name: str
    email: str
    role: PlatformRole
    organizations: list[MembershipView]
    phone: str | UnsetType = UNSET


class AcceptedView(View):
    """What has been begun, for people to read."""

    detail: str


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


class DeviceView(View):
    """A session: where somebody is signed in."""

    id: UUID
    name: Annotated[str, Meta(description="Of the device, from its agent: Firefox on Linux.")]
    method: str
    second_factor: bool
    address: str
    agent: Annotated[str, Meta(description="The User-Agent header of the last use.")]
    created_at: datetime
    last_used_at: Annotated[datetime, Meta(description="When it was last refreshed.")]
    current: Annotated[bool, Meta(description="Whether it is the one that asks.")]


class DevicesView(View):
    """All sessions of a user that go on."""

    items: list[DeviceView]


def device_view(session: ListedSession, current: UUID | None) -> DeviceView:
    """A session as its user sees it."""
    return DeviceView(
        session.id,
        device_name(session.agent),
        session.method,
        session.second_factor,
        session.address,
        session.agent,
        session.created_at,
        session.last_used_at,
        session.id == current,
    )
