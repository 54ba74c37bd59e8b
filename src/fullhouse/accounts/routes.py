"""Routes of the accounts, below ``/api/v1``."""

from litestar import get, post

from fullhouse.accounts import commands, queries
from fullhouse.accounts.errors import (
    EMAIL_TAKEN,
    INVALID_CREDENTIALS,
    ORGANIZER_REGISTRATION_CLOSED,
)
from fullhouse.accounts.passwords import PasswordHasher
from fullhouse.accounts.schemas import (
    LoginBody,
    RegisterBody,
    SessionView,
    UserView,
    session_view,
    user_view,
)
from fullhouse.accounts.tokens import AccessTokens
from fullhouse.api.errors import problems
from fullhouse.api.principal import Principal
from fullhouse.kit.db import Database

_TAGS = ["Identity"]


@post(
    "/auth/register",
    summary="Register",
    tags=_TAGS,
    responses=problems(EMAIL_TAKEN, ORGANIZER_REGISTRATION_CLOSED),
)
async def register(
    data: RegisterBody,
    database: Database,
    hasher: PasswordHasher,
    tokens: AccessTokens,
    organizer_registration: bool,
) -> SessionView:
    """Make an account and be signed in. Administrators cannot register themselves."""
    signed_in = await commands.register(
        database,
        hasher,
        tokens,
        name=data.name,
        email=data.email,
        password=data.password,
        role=data.role,
        organizer_registration=organizer_registration,
    )
    return session_view(signed_in)


@post(
    "/auth/login",
    status_code=200,
    summary="Log in",
    tags=_TAGS,
    responses=problems(INVALID_CREDENTIALS),
)
async def log_in(
    data: LoginBody, database: Database, hasher: PasswordHasher, tokens: AccessTokens
) -> SessionView:
    """Get an access token for an e-mail address and its password."""
    signed_in = await commands.log_in(
        database, hasher, tokens, email=data.email, password=data.password
    )
    return session_view(signed_in)


@get("/auth/me", summary="Who am I", tags=_TAGS, responses=problems())
async def me(principal: Principal, database: Database) -> UserView:
    """The signed-in user with their organizations."""
    return user_view(await queries.profile(database, principal.user_id))


ROUTES = [register, log_in, me]
