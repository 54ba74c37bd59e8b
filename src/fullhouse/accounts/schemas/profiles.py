"""Requests and answers about one's own account."""

from typing import Annotated, Literal

from msgspec import UNSET, Meta, UnsetType

from fullhouse.accounts.rules import Profile
from fullhouse.accounts.schemas.entering import (
    Email,
    PasswordAgain,
    PersonName,
    UserView,
    user_view,
)
from fullhouse.api.schemas import Body

Notice = Literal["email", "sms"]
Notices = Annotated[
    list[Notice], Meta(max_length=2, description="By which ways notices of bookings come.")
]
Language = Annotated[
    str,
    Meta(
        min_length=2,
        # RFC 5646 §4.4.1
        max_length=35,
        examples=["de-CH"],
        description="A BCP 47 language tag; null for that of the server.",
    ),
]
Timezone = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=100,
        examples=["Asia/Kathmandu"],
        description="The IANA name of a time zone; null for that of each place.",
    ),
]


class ProfileView(UserView, kw_only=True):
    """The signed-in user with their settings."""

    email_verified: bool
    language: str | None
    timezone: str | None
    notices: list[Notice]
    second_factor: bool
    has_password: bool


class ProfileBody(Body):
    """What somebody may change of themselves at once; what is left out stays."""

    name: PersonName | UnsetType = UNSET
    language: Language | UnsetType | None = UNSET
    timezone: Timezone | UnsetType | None = UNSET
    notices: Notices | UnsetType = UNSET


class ChangeEmailBody(Body):
    """The new address; the password may be missing only where there is none."""

    email: Email
    password: PasswordAgain = None


class DeleteAccountBody(Body):
    """The password, which may be missing only where there is none."""

    password: PasswordAgain = None


def profile_view(profile: Profile) -> ProfileView:
    """The user as they see themselves, with their settings."""
    user = user_view(profile)
    return ProfileView(
        **{name: getattr(user, name) for name in user.__struct_fields__},
        email_verified=profile.email_verified,
        language=profile.language,
        timezone=profile.timezone,
        notices=[notice for notice in _NOTICES if notice in profile.notices],
        second_factor=profile.second_factor,
        has_password=profile.has_password,
    )


_NOTICES: tuple[Notice, ...] = ("email", "sms")
