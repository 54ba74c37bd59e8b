"""Routes of one's own account, below ``/api/v1``."""

from litestar import get, patch, post

from fullhouse.accounts import queries
from fullhouse.accounts.commands import profiles, recovering
from fullhouse.accounts.errors import INVALID_CREDENTIALS, TOO_MANY_ATTEMPTS
from fullhouse.accounts.parts import Accounts
from fullhouse.accounts.schemas.entering import AcceptedView
from fullhouse.accounts.schemas.profiles import (
    ChangeEmailBody,
    ProfileBody,
    ProfileView,
    profile_view,
)
from fullhouse.api.errors import problems
from fullhouse.api.permissions import SIGNED_IN
from fullhouse.api.principal import Principal
from fullhouse.kit.db import Database

_TAGS = ["My account"]


@get(
    "/users/me",
    access=SIGNED_IN,
    summary="My account",
    tags=_TAGS,
    responses=problems(),
)
async def get_profile(principal: Principal, database: Database) -> ProfileView:
    """The signed-in user with their settings and organizations."""
    return profile_view(await queries.profile(database, principal.user_id))


@patch(
    "/users/me",
    access=SIGNED_IN,
    summary="Change my account",
    tags=_TAGS,
    responses=problems(),
)
async def update_profile(
    data: ProfileBody, accounts: Accounts, principal: Principal, database: Database
) -> ProfileView:
    """Change name, language, time zone or notices; what is left out stays, null takes away.

    Addresses, numbers, passwords and roles have routes of their own.
    """
    await profiles.update_profile(
        accounts,
        principal,
        name=data.name,
        language=data.language,
        timezone=data.timezone,
        notices=data.notices,
    )
    return profile_view(await queries.profile(database, principal.user_id))


@post(
    "/users/me/email",
    status_code=202,
    access=SIGNED_IN,
    summary="Change my e-mail address",
    tags=_TAGS,
    responses=problems(INVALID_CREDENTIALS, TOO_MANY_ATTEMPTS),
)
async def change_email(
    data: ChangeEmailBody, accounts: Accounts, principal: Principal
) -> AcceptedView:
    """Send a link to the new address; it counts once the link has been used."""
    await recovering.change_email(accounts, principal, email=data.email, password=data.password)
    return AcceptedView("The new address counts once its owner has opened the link in the mail.")


ROUTES = [get_profile, update_profile, change_email]
