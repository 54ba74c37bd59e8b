"""Routes with which administrators look after users, below ``/api/v1``."""

from typing import Annotated
from uuid import UUID

from litestar import delete, get, patch
from litestar.params import QueryParameter

from fullhouse.accounts import queries
from fullhouse.accounts.commands import administration
from fullhouse.accounts.errors import LAST_ADMIN
from fullhouse.accounts.parts import Accounts
from fullhouse.accounts.schemas.administration import (
    AdminUserBody,
    AdminUserDetailView,
    AdminUserView,
    admin_user_detail_view,
    admin_user_view,
)
from fullhouse.accounts.schemas.entering import DevicesView, device_view
from fullhouse.api.errors import NOT_FOUND, problems
from fullhouse.api.pagination import Page, Slice
from fullhouse.api.permissions import ADMIN_ONLY, PlatformRole
from fullhouse.api.principal import Principal
from fullhouse.kit.db import Database

_TAGS = ["Administration"]

Search = Annotated[
    str | None,
    QueryParameter(name="q", max_length=200, description="Part of a name or an address."),
]
Role = Annotated[PlatformRole | None, QueryParameter(description="Only users of this role.")]
Disabled = Annotated[
    bool | None, QueryParameter(description="true: only disabled ones; false: only others.")
]


@get(
    "/admin/users",
    access=ADMIN_ONLY,
    summary="List users",
    tags=_TAGS,
    responses=problems(),
)
async def list_users(
    database: Database,
    part: Slice,
    search: Search = None,
    role: Role = None,
    disabled: Disabled = None,
) -> Page[AdminUserView]:
    """Users, the newest first."""
    found = await queries.all_users(database, part, q=search, role=role, disabled=disabled)
    views = [admin_user_view(user) for user in found.users]
    return Page(views, found.next_cursor, found.total)


@get(
    "/admin/users/{user_id:uuid}",
    access=ADMIN_ONLY,
    summary="A user",
    tags=_TAGS,
    responses=problems(NOT_FOUND),
)
async def get_user(user_id: UUID, database: Database) -> AdminUserDetailView:
    """A user with their organizations."""
    return admin_user_detail_view(*await queries.any_user(database, user_id))


@patch(
    "/admin/users/{user_id:uuid}",
    access=ADMIN_ONLY,
    summary="Change a user's role, or disable them",
    tags=_TAGS,
    responses=problems(NOT_FOUND, LAST_ADMIN),
)
async def update_user(
    user_id: UUID,
    data: AdminUserBody,
    accounts: Accounts,
    principal: Principal,
    database: Database,
) -> AdminUserDetailView:
    """Both count from the user's next request on; disabling ends every session.

    A new ORGANIZER has no organization yet and makes one with POST /organizations.
    """
    await administration.update_user(
        accounts, principal, user_id, role=data.role, disabled=data.disabled
    )
    return admin_user_detail_view(*await queries.any_user(database, user_id))


@get(
    "/admin/users/{user_id:uuid}/sessions",
    access=ADMIN_ONLY,
    summary="A user's sessions",
    tags=_TAGS,
    responses=problems(NOT_FOUND),
)
async def list_sessions_of(user_id: UUID, principal: Principal, database: Database) -> DevicesView:
    """Where a user is signed in, the session used last first."""
    found = await queries.devices_of(database, user_id)
    return DevicesView([device_view(session, principal.session_id) for session in found])


@delete(
    "/admin/users/{user_id:uuid}/sessions",
    access=ADMIN_ONLY,
    summary="End all sessions of a user",
    tags=_TAGS,
    responses=problems(NOT_FOUND),
)
async def end_sessions_of(user_id: UUID, accounts: Accounts, principal: Principal) -> None:
    """Sign a user out everywhere; they may sign in again."""
    await administration.end_sessions(accounts, principal, user_id)


@delete(
    "/admin/users/{user_id:uuid}/sessions/{session_id:uuid}",
    access=ADMIN_ONLY,
    summary="End a session of a user",
    tags=_TAGS,
    responses=problems(NOT_FOUND),
)
async def end_session_of(
    user_id: UUID, session_id: UUID, accounts: Accounts, principal: Principal
) -> None:
    """Sign a user out in one place."""
    await administration.end_session(accounts, principal, user_id, session_id)


ROUTES = [
    list_users,
    get_user,
    update_user,
    list_sessions_of,
    end_sessions_of,
    end_session_of,
]
