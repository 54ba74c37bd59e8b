"""Requests and answers of phone numbers."""

from typing import Annotated
from uuid import UUID

from msgspec import UNSET, Meta, UnsetType

from fullhouse.accounts.schemas.entering import AnyPassword, UserView
from fullhouse.api.schemas import Body, View

Phone = Annotated[
    str,
    Meta(
        min_length=3,
        max_length=40,
        description="With its country code; must be a mobile phone's.",
        examples=["+977 984-1234567"],
    ),
]


class RequestPhoneCodeBody(Body):
    """Where to send a code.

    When signed in, to link the number, also the password, again. Accounts without one must have
    signed in a moment ago instead.
    """

    phone: Phone
    password: Annotated[
        AnyPassword | None, Meta(description="The password of the account; to link a number only.")
    ] = None


class PhoneCodeRequestView(View):
    """Which request the code belongs to. It is the same whether or not anybody has the number."""

    request_id: UUID
    expires_in: Annotated[int, Meta(description="Seconds until the code ends.")]


class VerifyPhoneCodeBody(Body):
    """The code that was sent.

    ``requestId`` is that of the request; browsers may leave it out, they have it in a cookie.
    """

    phone: Phone
    code: Annotated[
        str,
        Meta(min_length=1, max_length=20, examples=["123456"], description="From the message."),
    ]
    request_id: Annotated[
        UUID | None, Meta(description="From the answer to the request; null for the cookie's.")
    ] = None


class PhoneVerifiedView(View):
    """The user; when they have signed in with it, also the access token."""

    user: UserView
    access_token: str | UnsetType = UNSET
    expires_in: Annotated[int, Meta(description="Seconds until the access token ends.")] | (
        UnsetType
    ) = UNSET
