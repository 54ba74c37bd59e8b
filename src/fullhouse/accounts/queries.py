"""Reads of the accounts."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from fullhouse.accounts import store
from fullhouse.accounts.rules import Profile
from fullhouse.api.errors import UNAUTHENTICATED
from fullhouse.api.principal import Principal
from fullhouse.kit.db import Database
from fullhouse.kit.errors import Refused


async def profile(database: Database, user_id: UUID) -> Profile:
    """The signed-in user; Refused(UNAUTHENTICATED) if they were deleted a moment ago."""
    async with database.read() as connection:
        found = await store.find_profile(connection, user_id)
    if found is None:
        raise Refused(UNAUTHENTICATED)
    return found


async def principals(database: Database, user_ids: Sequence[UUID]) -> Mapping[UUID, Principal]:
    """What the existing ones of these users may do."""
    async with database.read() as connection:
        return await store.find_principals(connection, user_ids)
