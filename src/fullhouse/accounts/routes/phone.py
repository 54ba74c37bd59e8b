"""Routes of phone numbers, below ``/api/v1``."""

from typing import Any
from uuid import UUID

from litestar import Request, Response, delete, post
from litestar.datastructures import Cookie

from fullhouse.accounts.commands import phone
from fullhouse.accounts.errors import (
    ACCOUNT_DISABLED,
    CODE_WRONG,
    INVALID_CREDENTIALS,
    PHONE_TAKEN,
    SECOND_FACTOR_REQUIRED,
    TOO_MANY_ATTEMPTS,
)
from fullhouse.accounts.parts import Accounts
from fullhouse.accounts.routes.entering import session_cookie
from fullhouse.accounts.rules import PHONE_CODE_WITHIN
from fullhouse.accounts.schemas.entering import user_view
from fullhouse.accounts.schemas.phone import (
    PhoneCodeRequestView,
    PhoneVerifiedView,
    RequestPhoneCodeBody,
    VerifyPhoneCodeBody,
)
from fullhouse.accounts.schemas.second_factor import PasswordBody
from fullhouse.accounts.sessions import Device
from fullhouse.api.browsers import cookie_of, own_cookie
from fullhouse.api.errors import USER_REQUIRED, VALIDATION_FAILED, problems
from fullhouse.api.permissions import PUBLIC, SIGNED_IN
from fullhouse.api.principal import Principal
from fullhouse.kit.errors import FieldError, Refused

_TAGS = ["Identity"]

OTP_COOKIE = "fullhouse_otp"
_OTP_PATH = "/api/v1/auth/otp"
_OTP_SECONDS = int(PHONE_CODE_WITHIN.total_seconds())


@post(
    "/auth/otp/request",
    access=PUBLIC,
    status_code=202,
    summary="Have a code sent to a phone",
    tags=_TAGS,
    responses=problems(TOO_MANY_ATTEMPTS, USER_REQUIRED, INVALID_CREDENTIALS),
)
async def request_phone_code(
    data: RequestPhoneCodeBody,
    visitor: Principal | None,
    accounts: Accounts,
    request: Request[Any, Any, Any],
) -> Response[PhoneCodeRequestView]:
    """For signing in or, when signed in, for linking the number. Replaces an earlier code.

    The answer is the same whether or not an account has the number.
    """
    request_id = await phone.request_phone_code(
        accounts, visitor, phone=data.phone, password=data.password
    )
    return Response(
        PhoneCodeRequestView(request_id=request_id, expires_in=_OTP_SECONDS),
        status_code=202,
        cookies=[_otp_cookie(request, str(request_id), _OTP_SECONDS)],
    )


@post(
    "/auth/otp/verify",
    access=PUBLIC,
    status_code=200,
    summary="Sign in with a code, or link the number",
    tags=_TAGS,
    responses=problems(
        CODE_WRONG,
        TOO_MANY_ATTEMPTS,
        ACCOUNT_DISABLED,
        SECOND_FACTOR_REQUIRED,
        PHONE_TAKEN,
        USER_REQUIRED,
    ),
)
async def verify_phone_code(
    data: VerifyPhoneCodeBody,
    visitor: Principal | None,
    accounts: Accounts,
    device: Device,
    request: Request[Any, Any, Any],
) -> Response[PhoneVerifiedView]:
    """Without an access token: sign in. With one: link the number to the account.

    The code must have been asked for in the same way, signed in or not.
    """
    request_id = _request_id(data, request)
    spent = _otp_cookie(request, "", 0)
    if visitor is not None:
        profile = await phone.link_phone(
            accounts, visitor, phone=data.phone, code=data.code, request_id=request_id
        )
        return Response(PhoneVerifiedView(user=user_view(profile)), cookies=[spent])
    signed_in = await phone.log_in_by_phone(
        accounts, device, phone=data.phone, code=data.code, request_id=request_id
    )
    return Response(
        PhoneVerifiedView(
            user=user_view(signed_in.profile),
            access_token=signed_in.access_token,
            expires_in=signed_in.expires_in,
        ),
        cookies=[session_cookie(signed_in, request), spent],
    )


@delete(
    "/users/me/phone",
    access=SIGNED_IN,
    summary="Remove my phone number",
    tags=_TAGS,
    responses=problems(INVALID_CREDENTIALS, TOO_MANY_ATTEMPTS),
)
async def unlink_phone(data: PasswordBody, principal: Principal, accounts: Accounts) -> None:
    """It is no way in any more, and another account may have it."""
    await phone.unlink_phone(accounts, principal, password=data.password)


def _request_id(data: VerifyPhoneCodeBody, request: Request[Any, Any, Any]) -> UUID:
    """Which request is answered: as the body says, else as the browser remembers it."""
    if data.request_id is not None:
        return data.request_id
    try:
        return UUID(cookie_of(request, OTP_COOKIE) or "")
    except ValueError:
        wrong = FieldError("/requestId", "is missing, and so is the cookie that would replace it")
        raise Refused(VALIDATION_FAILED, errors=(wrong,)) from None


def _otp_cookie(request: Request[Any, Any, Any], value: str, seconds: int) -> Cookie:
    return own_cookie(request, OTP_COOKIE, value, max_age=seconds, plain_path=_OTP_PATH)


ROUTES = [request_phone_code, verify_phone_code, unlink_phone]
