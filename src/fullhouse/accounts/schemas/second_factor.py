"""Requests and answers of the second factor."""

from typing import Annotated

from msgspec import Meta

from fullhouse.accounts.schemas.entering import PasswordAgain
from fullhouse.api.schemas import Body, View

# Of the app or for recovery; spaces and hyphens do not count.
FactorCode = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=64,
        examples=["123456"],
        description="Six digits of the authenticator app, or a recovery code where one is taken.",
    ),
]


class PasswordBody(Body):
    """The password, again. Accounts without one must have signed in a moment ago instead."""

    password: PasswordAgain = None


class ConfirmSecondFactorBody(Body):
    """A code that the authenticator app shows for the new secret."""

    code: FactorCode


class ProvenCodeBody(Body):
    """The password, again, and a code of the app or a recovery code."""

    code: FactorCode
    password: PasswordAgain = None


class VerifySecondFactorBody(Body):
    """The second step of signing in.

    ``challenge`` came with the refusal ``second_factor_required`` of the first step; ``code`` is
    one of the app, or a recovery code, which is used up.
    """

    challenge: Annotated[
        str, Meta(min_length=1, max_length=2_048, description="From the first step's refusal.")
    ]
    code: FactorCode


class PendingSecondFactorView(View):
    """The secret for the authenticator app, shown once."""

    secret: Annotated[str, Meta(description="In base 32, to be typed into the app.")]
    uri: Annotated[str, Meta(description="otpauth://…, to be shown as a QR code.")]


class RecoveryCodesView(View):
    """Codes for the day when the app is gone; each is good once, and they are shown once."""

    recovery_codes: list[str]
