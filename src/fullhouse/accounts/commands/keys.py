"""API keys: making them for an organization, and revoking them."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from fullhouse.accounts.authenticator import key_tag
from fullhouse.accounts.commands.organizations import lock_part
from fullhouse.accounts.errors import ORGANIZATION_FULL
from fullhouse.accounts.membership import MOST_KEYS
from fullhouse.accounts.one_time import new_api_key
from fullhouse.accounts.parts import Accounts
from fullhouse.accounts.rules import check_name
from fullhouse.accounts.store import keys
from fullhouse.accounts.store.keys import ListedKey
from fullhouse.api.audit import note
from fullhouse.api.errors import NOT_FOUND, VALIDATION_FAILED
from fullhouse.api.permissions import KEY_SCOPES, Permission
from fullhouse.api.principal import Principal, require
from fullhouse.kit.clock import utc_now
from fullhouse.kit.errors import FieldError, Refused
from fullhouse.kit.ids import new_id
from fullhouse.kit.listener import notify

LONGEST_LIFE = timedelta(days=3_653)  # ten years


@dataclass(frozen=True, slots=True)
class MadeKey:
    """A new key; ``text`` is the key itself, which nobody can be shown again."""

    listed: ListedKey
    text: str = field(repr=False)


async def make_key(
    accounts: Accounts,
    principal: Principal,
    organization_id: UUID,
    *,
    name: str,
    scopes: Iterable[str],
    expires_at: datetime | None,
) -> MadeKey:
    """Make a key that acts for the organization, within its scopes.

    Raises Refused: NOT_FOUND, FORBIDDEN also for a scope that the caller has not,
    ORGANIZATION_FULL, VALIDATION_FAILED.
    """
    wanted = check_scopes(scopes)
    trimmed = check_name(name)
    _check_end(expires_at)
    key = new_api_key()
    async with accounts.database.begin() as connection:
        await lock_part(connection, principal, Permission.KEYS_WRITE, organization_id)
        for scope in wanted:
            require(principal, scope, organization_id)
        if len(await keys.list_keys(connection, organization_id)) >= MOST_KEYS:
            raise Refused(ORGANIZATION_FULL)
        listed = await keys.add_key(
            connection,
            key_id=new_id(),
            organization_id=organization_id,
            name=trimmed,
            shown=key.shown,
            secret_hash=key.hash,
            scopes=wanted,
            created_by=principal.user_id,
            expires_at=expires_at,
        )
        await note(
            connection,
            principal,
            "api_key.created",
            "api_key",
            listed.id,
            organization_id=organization_id,
            after={"scopes": wanted, "expiresAt": expires_at},
        )
    return MadeKey(listed, key.text)


async def revoke_key(
    accounts: Accounts, principal: Principal, organization_id: UUID, key_id: UUID
) -> None:
    """Make a key good no more, from the next request on. Raises Refused: NOT_FOUND, FORBIDDEN."""
    async with accounts.database.begin() as connection:
        await lock_part(connection, principal, Permission.KEYS_WRITE, organization_id)
        good = await keys.list_keys(connection, organization_id)
        found = next((key for key in good if key.id == key_id), None)
        if found is None or not await keys.revoke_key(connection, organization_id, key_id):
            raise Refused(NOT_FOUND)
        await note(
            connection,
            principal,
            "api_key.revoked",
            "api_key",
            key_id,
            organization_id=organization_id,
            before={"scopes": found.scopes},
        )
        await notify(connection, key_tag(key_id))
    accounts.forget(key_tag(key_id))


def check_scopes(scopes: Iterable[str]) -> list[Permission]:
    """The scopes of a key, each once and in order; Refused(VALIDATION_FAILED) for others."""
    known = {str(scope) for scope in KEY_SCOPES}
    asked = list(scopes)
    wrong = tuple(
        FieldError(f"/scopes/{index}", "is no scope that a key can have")
        for index, scope in enumerate(asked)
        if scope not in known
    )
    if wrong or not asked:
        empty = (FieldError("/scopes", "must name at least one scope"),)
        raise Refused(VALIDATION_FAILED, errors=wrong or empty)
    return [scope for scope in Permission if scope in asked]


def _check_end(expires_at: datetime | None) -> None:
    if expires_at is None:
        return
    # Whether a key is good the database's clock decides; this only catches slips.
    left = expires_at - utc_now()
    if not timedelta(0) < left <= LONGEST_LIFE:
        wrong = FieldError("/expiresAt", "must be in the future, at most ten years ahead")
        raise Refused(VALIDATION_FAILED, errors=(wrong,))
