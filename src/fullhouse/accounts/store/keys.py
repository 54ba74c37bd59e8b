"""API keys."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection

from fullhouse.accounts.tables import api_keys
from fullhouse.api.permissions import KEY_SCOPES
from fullhouse.api.principal import ApiKey, Principal

_NOW = sa.func.clock_timestamp()
_GOOD = sa.and_(
    api_keys.c.revoked_at.is_(None),
    sa.or_(api_keys.c.expires_at.is_(None), api_keys.c.expires_at > _NOW),
)
# A key is used all the time; its last use is noted once in a while.
_NOTED_EVERY = sa.text("interval '1 minute'")


@dataclass(frozen=True, slots=True)
class ListedKey:
    """An API key as the organization sees it, without its secret."""

    id: UUID
    name: str
    shown: str
    scopes: Sequence[str]
    created_by: UUID
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None


async def add_key(
    connection: AsyncConnection,
    *,
    key_id: UUID,
    organization_id: UUID,
    name: str,
    shown: str,
    secret_hash: bytes,
    scopes: Sequence[str],
    created_by: UUID,
    expires_at: datetime | None,
) -> ListedKey:
    """Write a new key; answers it as it is listed."""
    added = await connection.execute(
        api_keys.insert()
        .values(
            id=key_id,
            organization_id=organization_id,
            name=name,
            shown=shown,
            secret_hash=secret_hash,
            scopes=list(scopes),
            created_by=created_by,
            expires_at=expires_at,
        )
        .returning(api_keys)
    )
    return _listed(added.one())


async def list_keys(connection: AsyncConnection, organization_id: UUID) -> Sequence[ListedKey]:
    """The organization's good keys, oldest first; at most 1,000."""
    found = await connection.execute(
        sa.select(api_keys)
        .where(api_keys.c.organization_id == organization_id, _GOOD)
        .order_by(api_keys.c.id)
        .limit(1_000)
    )
    return [_listed(row) for row in found]


async def revoke_key(connection: AsyncConnection, organization_id: UUID, key_id: UUID) -> bool:
    """Make a key good no more; False if the organization has no such good key."""
    revoked = await connection.execute(
        api_keys.update()
        .where(api_keys.c.organization_id == organization_id, api_keys.c.id == key_id, _GOOD)
        .values(revoked_at=_NOW)
    )
    return revoked.rowcount == 1


async def is_good(connection: AsyncConnection, key_id: UUID) -> bool:
    """Whether the key is good still; it stays so until the transaction ends."""
    found = await connection.execute(
        sa.select(api_keys.c.id).where(api_keys.c.id == key_id, _GOOD).with_for_update(read=True)
    )
    return found.first() is not None


async def find_key_principals(
    connection: AsyncConnection, hashes: Sequence[bytes]
) -> dict[bytes, Principal]:
    """What those of these keys may do that are good, by their hashes."""
    wanted = sa.literal(list(hashes), ARRAY(sa.LargeBinary))
    left = sa.extract("epoch", api_keys.c.expires_at - _NOW)
    found = await connection.execute(
        sa.select(api_keys, left.label("good_for")).where(
            api_keys.c.secret_hash == sa.any_(wanted), _GOOD
        )
    )
    return {
        row.secret_hash: Principal(
            row.id,
            "",
            key=ApiKey(
                row.organization_id,
                frozenset(scope for scope in KEY_SCOPES if scope in row.scopes),
            ),
            good_for=None if row.good_for is None else float(row.good_for),
        )
        for row in found
    }


async def note_use(connection: AsyncConnection, key_ids: Sequence[UUID]) -> None:
    """Remember that these keys were used just now."""
    wanted = sa.literal(list(key_ids), ARRAY(sa.Uuid))
    stale = sa.or_(api_keys.c.last_used_at.is_(None), api_keys.c.last_used_at < _NOW - _NOTED_EVERY)
    await connection.execute(
        api_keys.update().where(api_keys.c.id == sa.any_(wanted), stale).values(last_used_at=_NOW)
    )


def _listed(row: sa.Row[tuple[object, ...]]) -> ListedKey:
    return ListedKey(
        row.id,
        row.name,
        row.shown,
        row.scopes,
        row.created_by,
        row.created_at,
        row.expires_at,
        row.last_used_at,
    )


async def revoke_keys_of(connection: AsyncConnection, organization_id: UUID) -> list[UUID]:
    """Make all keys of the organization good no more; answers which."""
    revoked = await connection.execute(
        api_keys.update()
        .where(api_keys.c.organization_id == organization_id, _GOOD)
        .values(revoked_at=_NOW)
        .returning(api_keys.c.id)
    )
    return list(revoked.scalars())


async def revoke_keys_by(connection: AsyncConnection, user_id: UUID) -> list[tuple[UUID, UUID]]:
    """Make all keys that the user made good no more; answers which, each with its organization."""
    revoked = await connection.execute(
        api_keys.update()
        .where(api_keys.c.created_by == user_id, _GOOD)
        .values(revoked_at=_NOW)
        .returning(api_keys.c.id, api_keys.c.organization_id)
    )
    return [(row.id, row.organization_id) for row in revoked]
