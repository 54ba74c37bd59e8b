"""Routes of signing in with Google, below ``/api/v1``."""

from typing import Annotated, Any

from litestar import MediaType, Request, Response, delete, get, post
from litestar.datastructures import Cookie, ResponseHeader
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import QueryParameter

from fullhouse.accounts.commands import google
from fullhouse.accounts.commands.google import Arrival
from fullhouse.accounts.errors import (
    ACCOUNT_DISABLED,
    GOOGLE_IN_USE,
    GOOGLE_NOT_CONFIGURED,
    IDENTITY_UNVERIFIED,
    INVALID_CREDENTIALS,
    LAST_WAY_IN,
    SESSION_OVER,
    TOO_MANY_ATTEMPTS,
)
from fullhouse.accounts.oidc import (
    ERRAND_SECONDS,
    OIDC_LOST,
    OIDC_REFUSED,
    OIDC_UNAVAILABLE,
)
from fullhouse.accounts.parts import Accounts
from fullhouse.accounts.routes.entering import session_cookie
from fullhouse.accounts.schemas.google import GoogleLinkBody, GoogleLinkView
from fullhouse.accounts.schemas.second_factor import PasswordBody
from fullhouse.accounts.sessions import Device
from fullhouse.api.browsers import cookie_of, own_cookie
from fullhouse.api.errors import handle, problems
from fullhouse.api.permissions import PUBLIC, SIGNED_IN
from fullhouse.api.principal import Principal

_TAGS = ["Identity"]

OIDC_COOKIE = "fullhouse_oidc"
_OIDC_PATH = "/api/v1/auth/google"

ReturnTo = Annotated[
    str | None,
    QueryParameter(
        name="returnTo",
        max_length=1_024,
        description="Path on this site where the browser ends up; / for anything else.",
    ),
]
FromGoogle = Annotated[str | None, QueryParameter(description="From Google.")]
# The framework has another use for the bare name.
StateFromGoogle = Annotated[str | None, QueryParameter(name="state", description="From Google.")]

_LOCATION = ResponseHeader(
    name="Location", description="Where the browser goes next.", documentation_only=True
)


def _redirection(description: str) -> ResponseSpec:
    return ResponseSpec(None, generate_examples=False, description=description)


@get(
    "/auth/google",
    access=PUBLIC,
    status_code=302,
    summary="Sign in with Google",
    tags=_TAGS,
    response_headers=[_LOCATION],
    responses=problems(GOOGLE_NOT_CONFIGURED, OIDC_UNAVAILABLE)
    | {302: _redirection("On to Google.")},
)
async def begin_google(
    accounts: Accounts, request: Request[Any, Any, Any], return_to: ReturnTo = None
) -> Response[bytes]:
    """For browsers: go to Google, and come back to the callback below."""
    departure = await google.begin_google(accounts, return_to)
    return _redirect(302, departure.url, [_oidc_cookie(request, departure.errand)])


@get(
    "/auth/google/callback",
    access=PUBLIC,
    # Google adds what it likes: scope, iss, authuser and more.
    open_query=True,
    status_code=303,
    summary="Come back from Google",
    tags=_TAGS,
    response_headers=[_LOCATION],
    responses=problems(
        GOOGLE_NOT_CONFIGURED,
        OIDC_LOST,
        OIDC_REFUSED,
        OIDC_UNAVAILABLE,
        IDENTITY_UNVERIFIED,
        GOOGLE_IN_USE,
        SESSION_OVER,
        ACCOUNT_DISABLED,
    )
    | {303: _redirection("Back to the page where it began.")},
)
async def finish_google(
    accounts: Accounts,
    device: Device,
    request: Request[Any, Any, Any],
    returned_state: StateFromGoogle = None,
    code: FromGoogle = None,
    error: FromGoogle = None,
) -> Response[bytes]:
    """Ends at the path that was asked for, with the refresh cookie; the page then refreshes.

    Where the second factor is missing, the fragment is ``#second-factor=<challenge>`` instead.
    """
    # It was good for one way back, however that ends.
    spent = _oidc_cookie(request, "", 0)
    try:
        arrival = await google.finish_google(
            accounts,
            device,
            errand=cookie_of(request, OIDC_COOKIE),
            state=returned_state,
            code=code,
            error=error,
        )
    except Exception as problem:
        refusal = handle(request, problem)
        refusal.set_cookie(spent)
        return refusal
    cookies = [spent]
    if arrival.signed_in is not None:
        cookies.append(session_cookie(arrival.signed_in, request))
    return _redirect(303, _destination(arrival), cookies)


@post(
    "/auth/google/link",
    access=SIGNED_IN,
    status_code=200,
    summary="Link a Google account",
    tags=_TAGS,
    responses=problems(
        GOOGLE_NOT_CONFIGURED, OIDC_UNAVAILABLE, INVALID_CREDENTIALS, TOO_MANY_ATTEMPTS
    ),
)
async def link_google(
    data: GoogleLinkBody,
    principal: Principal,
    accounts: Accounts,
    request: Request[Any, Any, Any],
) -> Response[GoogleLinkView]:
    """Where to send this browser, so that Google becomes another way into the account."""
    departure = await google.begin_google_link(
        accounts, principal, password=data.password, return_to=data.return_to
    )
    return Response(
        GoogleLinkView(url=departure.url), cookies=[_oidc_cookie(request, departure.errand)]
    )


@delete(
    "/auth/google",
    access=SIGNED_IN,
    summary="Unlink Google",
    tags=_TAGS,
    responses=problems(GOOGLE_NOT_CONFIGURED, LAST_WAY_IN, INVALID_CREDENTIALS, TOO_MANY_ATTEMPTS),
)
async def unlink_google(data: PasswordBody, principal: Principal, accounts: Accounts) -> None:
    """Google is no way into the account any more. There must be a password."""
    await google.unlink_google(accounts, principal, password=data.password)


def _destination(arrival: Arrival) -> str:
    if arrival.challenge is None:
        return arrival.return_to
    # In the fragment, which browsers send to no server.
    return f"{arrival.return_to.partition('#')[0]}#second-factor={arrival.challenge}"


def _redirect(status_code: int, url: str, cookies: list[Cookie]) -> Response[bytes]:
    return Response(
        b"",
        status_code=status_code,
        media_type=MediaType.TEXT,
        headers={"Location": url},
        cookies=cookies,
    )


def _oidc_cookie(
    request: Request[Any, Any, Any], value: str, seconds: int = ERRAND_SECONDS
) -> Cookie:
    # Not strict: it has to come along on the way back from Google.
    return own_cookie(
        request, OIDC_COOKIE, value, max_age=seconds, plain_path=_OIDC_PATH, samesite="lax"
    )


ROUTES = [begin_google, finish_google, link_google, unlink_google]
