"""Registering, signing in, staying signed in, and passwords."""

from typing import Annotated, Any
from uuid import UUID

from litestar import Request, Response, delete, get, post
from litestar.datastructures import Cookie
from litestar.params import HeaderParameter

from fullhouse.accounts import errors as codes
from fullhouse.accounts import queries
from fullhouse.accounts.commands import entering, recovering, registration, staying
from fullhouse.accounts.parts import Accounts
from fullhouse.accounts.rules import SignedIn
from fullhouse.accounts.schemas.entering import (
    AcceptedView,
    ChangePasswordBody,
    DevicesView,
    ForgotPasswordBody,
    LoginBody,
    RegisterBody,
    ResetPasswordBody,
    SessionView,
    UserView,
    VerifyEmailBody,
    device_view,
    session_view,
    user_view,
)
from fullhouse.accounts.sessions import Device
from fullhouse.api.browsers import cookie_of, own_cookie, require_own_page
from fullhouse.api.errors import NOT_FOUND, problems
from fullhouse.api.permissions import PUBLIC, SIGNED_IN
from fullhouse.api.principal import SCOPE_KEY, Principal
from fullhouse.kit.db import Database

_TAGS = ["Identity"]

_REFRESH_COOKIE = "fullhouse_refresh"
_REFRESH_PATH = "/api/v1/auth"

# For the description only: what counts is decided by api.browsers.require_own_page.
RequestedWith = Annotated[
    str | None,
    HeaderParameter(
        name="X-Requested-With",
        required=False,
        description="Any value; shows that the request comes from a page that may send the cookie.",
    ),
]


def session_cookie(signed_in: SignedIn | None, request: Request[Any, Any, Any]) -> Cookie:
    """The refresh cookie of a session; one that deletes it for None."""
    return own_cookie(
        request,
        _REFRESH_COOKIE,
        "" if signed_in is None else signed_in.refresh_token,
        max_age=0 if signed_in is None else signed_in.refresh_expires_in,
        plain_path=_REFRESH_PATH,
    )


def session_answer(
    signed_in: SignedIn, request: Request[Any, Any, Any], status_code: int = 200
) -> Response[SessionView]:
    """The answer to whoever has just signed in, with the refresh cookie."""
    return Response(
        session_view(signed_in),
        status_code=status_code,
        cookies=[session_cookie(signed_in, request)],
    )


@post(
    "/auth/register",
    access=PUBLIC,
    summary="Register",
    tags=_TAGS,
    responses=problems(codes.EMAIL_TAKEN, codes.ORGANIZER_REGISTRATION_CLOSED),
)
async def register(
    data: RegisterBody, accounts: Accounts, device: Device, request: Request[Any, Any, Any]
) -> Response[SessionView]:
    """Make an account and be signed in. A mail asks to verify the address.

    Administrators cannot register themselves.
    """
    signed_in = await registration.register(
        accounts,
        device,
        name=data.name,
        email=data.email,
        password=data.password,
        role=data.role,
    )
    return session_answer(signed_in, request, 201)


@post(
    "/auth/login",
    access=PUBLIC,
    status_code=200,
    summary="Log in",
    tags=_TAGS,
    responses=problems(
        codes.INVALID_CREDENTIALS,
        codes.TOO_MANY_ATTEMPTS,
        codes.ACCOUNT_DISABLED,
        codes.SECOND_FACTOR_REQUIRED,
    ),
)
async def log_in(
    data: LoginBody, accounts: Accounts, device: Device, request: Request[Any, Any, Any]
) -> Response[SessionView]:
    """Get an access token, and the refresh cookie, for an e-mail address and its password.

    Where a second factor is asked for, the refusal carries the ``challenge`` for the next step.
    """
    signed_in = await entering.log_in(accounts, device, email=data.email, password=data.password)
    return session_answer(signed_in, request)


@post(
    "/auth/refresh",
    access=PUBLIC,
    status_code=200,
    summary="Go on with a session",
    tags=_TAGS,
    responses=problems(codes.SESSION_OVER, codes.CSRF_HEADER_MISSING),
)
async def refresh(
    accounts: Accounts,
    device: Device,
    request: Request[Any, Any, Any],
    _requested_with: RequestedWith = None,
) -> Response[SessionView]:
    """A new access token for the refresh cookie, which is replaced.

    Needs the header ``X-Requested-With``, or ``Content-Type: application/json``.
    """
    require_own_page(request, codes.CSRF_HEADER_MISSING)
    signed_in = await staying.refresh(accounts, device, cookie_of(request, _REFRESH_COOKIE))
    return session_answer(signed_in, request)


@post(
    "/auth/logout",
    access=PUBLIC,
    status_code=204,
    summary="Log out",
    tags=_TAGS,
    security=[{}, {"bearer": []}],
    responses=problems(codes.CSRF_HEADER_MISSING),
)
async def log_out(
    accounts: Accounts, request: Request[Any, Any, Any], _requested_with: RequestedWith = None
) -> Response[None]:
    """End the session of the access token, or else of the refresh cookie, at once.

    An access token that has ended does not matter: doing it twice is once. Without a good one
    it needs the header ``X-Requested-With``, or ``Content-Type: application/json``.
    """
    caller = request.scope.get(SCOPE_KEY)
    signed_in = caller if isinstance(caller, Principal) else None
    if signed_in is None:
        require_own_page(request, codes.CSRF_HEADER_MISSING)
    await staying.log_out(accounts, signed_in, cookie_of(request, _REFRESH_COOKIE))
    return Response(None, cookies=[session_cookie(None, request)])


@get("/auth/me", access=SIGNED_IN, summary="Who am I", tags=_TAGS, responses=problems())
async def me(principal: Principal, database: Database) -> UserView:
    """The signed-in user with their organizations."""
    return user_view(await queries.profile(database, principal.user_id))


@get(
    "/auth/sessions",
    access=SIGNED_IN,
    summary="Where I am signed in",
    tags=_TAGS,
    responses=problems(),
)
async def list_sessions(principal: Principal, database: Database) -> DevicesView:
    """The sessions that go on, the one used last first."""
    found = await queries.devices(database, principal.user_id)
    return DevicesView([device_view(session, principal.session_id) for session in found])


@delete(
    "/auth/sessions/{session_id:uuid}",
    access=SIGNED_IN,
    status_code=204,
    summary="End one session",
    tags=_TAGS,
    responses=problems(NOT_FOUND),
)
async def end_session(session_id: UUID, principal: Principal, accounts: Accounts) -> None:
    """Sign out one device; its access token stops working at once."""
    await staying.end_session(accounts, principal, session_id)


@delete(
    "/auth/sessions",
    access=SIGNED_IN,
    status_code=204,
    summary="End all other sessions",
    tags=_TAGS,
    responses=problems(),
)
async def end_other_sessions(principal: Principal, accounts: Accounts) -> None:
    """Sign out every device but the one that asks."""
    await staying.end_other_sessions(accounts, principal)


@post(
    "/auth/password/forgot",
    access=PUBLIC,
    status_code=202,
    summary="Forgot the password",
    tags=_TAGS,
    responses=problems(),
)
async def forgot_password(data: ForgotPasswordBody, accounts: Accounts) -> AcceptedView:
    """Send a link by mail, if there is such an account; the answer does not tell."""
    await recovering.forget_password(accounts, data.email)
    return AcceptedView("If there is such an account, a mail with a link is on its way.")


@post(
    "/auth/password/reset",
    access=PUBLIC,
    status_code=204,
    summary="Reset the password",
    tags=_TAGS,
    responses=problems(codes.LINK_INVALID),
)
async def reset_password(data: ResetPasswordBody, accounts: Accounts) -> None:
    """Set a new password with the token of the mail. Every session ends."""
    await recovering.reset_password(accounts, token=data.token, password=data.password)


@post(
    "/auth/password/change",
    access=SIGNED_IN,
    status_code=204,
    summary="Change the password",
    tags=_TAGS,
    responses=problems(codes.INVALID_CREDENTIALS, codes.TOO_MANY_ATTEMPTS),
)
async def change_password(
    data: ChangePasswordBody, principal: Principal, accounts: Accounts
) -> None:
    """Set another password. Every session but this one ends."""
    await recovering.change_password(
        accounts, principal, current=data.current_password, password=data.password
    )


@post(
    "/auth/email/verify",
    access=PUBLIC,
    status_code=204,
    summary="Verify an e-mail address",
    tags=_TAGS,
    responses=problems(codes.LINK_INVALID, codes.EMAIL_TAKEN),
)
async def verify_email(data: VerifyEmailBody, accounts: Accounts) -> None:
    """Prove with the token of the mail that the address is one's own."""
    await recovering.verify_email(accounts, token=data.token)


@post(
    "/auth/email/send",
    access=SIGNED_IN,
    status_code=202,
    summary="Send the verification mail again",
    tags=_TAGS,
    responses=problems(codes.TOO_MANY_ATTEMPTS),
)
async def send_verification(principal: Principal, accounts: Accounts) -> AcceptedView:
    """One more mail with a link; earlier links are good no more."""
    await recovering.send_verification(accounts, principal)
    return AcceptedView("A mail with a link is on its way, unless the address is verified.")


ROUTES = [
    register,
    log_in,
    refresh,
    log_out,
    me,
    list_sessions,
    end_session,
    end_other_sessions,
    forgot_password,
    reset_password,
    change_password,
    verify_email,
    send_verification,
]
