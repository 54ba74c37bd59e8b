"""Routes of the second factor, below ``/api/v1``."""

from typing import Any

from litestar import Request, Response, delete, post

from fullhouse.accounts.commands import second_factor
from fullhouse.accounts.errors import (
    ACCOUNT_DISABLED,
    CODE_WRONG,
    INVALID_CREDENTIALS,
    SECOND_FACTOR_ABSENT,
    SECOND_FACTOR_EXISTS,
    TOO_MANY_ATTEMPTS,
)
from fullhouse.accounts.parts import Accounts
from fullhouse.accounts.routes.entering import session_answer
from fullhouse.accounts.schemas.entering import SessionView
from fullhouse.accounts.schemas.second_factor import (
    ConfirmSecondFactorBody,
    PasswordBody,
    PendingSecondFactorView,
    ProvenCodeBody,
    RecoveryCodesView,
    VerifySecondFactorBody,
)
from fullhouse.accounts.sessions import Device
from fullhouse.api.errors import problems
from fullhouse.api.permissions import PUBLIC, SIGNED_IN
from fullhouse.api.principal import Principal

_TAGS = ["Identity"]


@post(
    "/auth/second-factor",
    access=SIGNED_IN,
    summary="Begin to set up a second factor",
    tags=_TAGS,
    responses=problems(SECOND_FACTOR_EXISTS, INVALID_CREDENTIALS, TOO_MANY_ATTEMPTS),
)
async def begin_second_factor(
    data: PasswordBody, principal: Principal, accounts: Accounts
) -> PendingSecondFactorView:
    """Get a secret for an authenticator app (TOTP). It counts once it is confirmed."""
    pending = await second_factor.begin_second_factor(accounts, principal, password=data.password)
    return PendingSecondFactorView(secret=pending.secret, uri=pending.uri)


@post(
    "/auth/second-factor/confirm",
    access=SIGNED_IN,
    status_code=200,
    summary="Switch the second factor on",
    tags=_TAGS,
    responses=problems(CODE_WRONG, SECOND_FACTOR_ABSENT, SECOND_FACTOR_EXISTS, TOO_MANY_ATTEMPTS),
)
async def confirm_second_factor(
    data: ConfirmSecondFactorBody, principal: Principal, accounts: Accounts
) -> RecoveryCodesView:
    """Confirm with a code of the app. All other sessions end; keep the recovery codes safe."""
    codes = await second_factor.confirm_second_factor(accounts, principal, code=data.code)
    return RecoveryCodesView(recovery_codes=list(codes))


@post(
    "/auth/second-factor/recovery-codes",
    access=SIGNED_IN,
    status_code=200,
    summary="Get new recovery codes",
    tags=_TAGS,
    responses=problems(CODE_WRONG, SECOND_FACTOR_ABSENT, INVALID_CREDENTIALS, TOO_MANY_ATTEMPTS),
)
async def renew_recovery_codes(
    data: ProvenCodeBody, principal: Principal, accounts: Accounts
) -> RecoveryCodesView:
    """The earlier recovery codes are good no more."""
    codes = await second_factor.renew_recovery_codes(
        accounts, principal, password=data.password, code=data.code
    )
    return RecoveryCodesView(recovery_codes=list(codes))


@delete(
    "/auth/second-factor",
    access=SIGNED_IN,
    summary="Switch the second factor off",
    tags=_TAGS,
    responses=problems(CODE_WRONG, SECOND_FACTOR_ABSENT, INVALID_CREDENTIALS, TOO_MANY_ATTEMPTS),
)
async def remove_second_factor(
    data: ProvenCodeBody, principal: Principal, accounts: Accounts
) -> None:
    """Signing in takes the first step alone from now on; the recovery codes are gone."""
    await second_factor.remove_second_factor(
        accounts, principal, password=data.password, code=data.code
    )


@post(
    "/auth/second-factor/verify",
    access=PUBLIC,
    status_code=200,
    summary="Do the second step of signing in",
    tags=_TAGS,
    responses=problems(CODE_WRONG, TOO_MANY_ATTEMPTS, ACCOUNT_DISABLED),
)
async def verify_second_factor(
    data: VerifySecondFactorBody,
    accounts: Accounts,
    device: Device,
    request: Request[Any, Any, Any],
) -> Response[SessionView]:
    """Get the session for the challenge of the first step and a code."""
    signed_in = await second_factor.verify_second_factor(
        accounts, device, challenge=data.challenge, code=data.code
    )
    return session_answer(signed_in, request, 200)


ROUTES = [
    begin_second_factor,
    confirm_second_factor,
    renew_recovery_codes,
    remove_second_factor,
    verify_second_factor,
]
