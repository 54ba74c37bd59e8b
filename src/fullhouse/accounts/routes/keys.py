"""API keys of an organization, below ``/api/v1``."""

from uuid import UUID

from litestar import delete, get, post

from fullhouse.accounts import listings
from fullhouse.accounts.commands import keys as commands
from fullhouse.accounts.errors import ORGANIZATION_FULL
from fullhouse.accounts.parts import Accounts
from fullhouse.accounts.schemas.keys import (
    ApiKeyBody,
    ApiKeysView,
    NewApiKeyView,
    api_key_view,
    new_api_key_view,
)
from fullhouse.api.errors import NOT_FOUND, problems
from fullhouse.api.permissions import Permission, member
from fullhouse.api.principal import Principal
from fullhouse.kit.db import Database

_TAGS = ["Organizations"]


@get(
    "/organizations/{organization_id:uuid}/api-keys",
    access=member(Permission.KEYS_WRITE),
    summary="List API keys",
    tags=_TAGS,
    responses=problems(NOT_FOUND),
)
async def list_keys(organization_id: UUID, principal: Principal, database: Database) -> ApiKeysView:
    """Those that are good, without their secrets."""
    found = await listings.api_keys(database, principal, organization_id)
    return ApiKeysView([api_key_view(one) for one in found])


@post(
    "/organizations/{organization_id:uuid}/api-keys",
    access=member(Permission.KEYS_WRITE),
    summary="Make an API key",
    tags=_TAGS,
    responses=problems(NOT_FOUND, ORGANIZATION_FULL),
)
async def make_key(
    organization_id: UUID, data: ApiKeyBody, principal: Principal, accounts: Accounts
) -> NewApiKeyView:
    """A key for programs that act for the organization. ``key`` is shown this once."""
    made = await commands.make_key(
        accounts,
        principal,
        organization_id,
        name=data.name,
        scopes=data.scopes,
        expires_at=data.expires_at,
    )
    return new_api_key_view(made)


@delete(
    "/organizations/{organization_id:uuid}/api-keys/{key_id:uuid}",
    access=member(Permission.KEYS_WRITE),
    status_code=204,
    summary="Revoke an API key",
    tags=_TAGS,
    responses=problems(NOT_FOUND),
)
async def revoke_key(
    organization_id: UUID, key_id: UUID, principal: Principal, accounts: Accounts
) -> None:
    """The key stops working with the next request."""
    await commands.revoke_key(accounts, principal, organization_id, key_id)


ROUTES = [list_keys, make_key, revoke_key]
