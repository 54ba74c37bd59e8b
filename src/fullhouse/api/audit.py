"""Noting in the audit log what the request at hand does, and who asked for it."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from fullhouse.api.context import client_address, request_id
from fullhouse.api.principal import Principal
from fullhouse.kit.audit import SYSTEM, Actor, Entry, record

Values = Mapping[str, Any] | None


def actor_of(principal: Principal) -> Actor:
    """The caller as the audit log names them."""
    return Actor("user" if principal.key is None else "api_key", principal.id)


def entry_of(
    actor: Actor,
    action: str,
    object_kind: str,
    object_id: UUID,
    *,
    organization_id: UUID | None = None,
    before: Values = None,
    after: Values = None,
) -> Entry:
    """An entry that carries the request's id and the client's address."""
    return Entry(
        actor,
        action,
        object_kind,
        str(object_id),
        organization_id,
        client_address(),
        request_id(),
        before,
        after,
    )


async def note(
    connection: AsyncConnection,
    principal: Principal,
    action: str,
    object_kind: str,
    object_id: UUID,
    *,
    organization_id: UUID | None = None,
    before: Values = None,
    after: Values = None,
) -> None:
    """Write in the caller's transaction what the principal does; no secrets, no personal data."""
    actor = actor_of(principal)
    await record(
        connection,
        entry_of(
            actor,
            action,
            object_kind,
            object_id,
            organization_id=organization_id,
            before=before,
            after=after,
        ),
    )


async def note_by_user(
    connection: AsyncConnection, user_id: UUID, action: str, object_kind: str, object_id: UUID
) -> None:
    """The same for somebody who proved who they are without being signed in."""
    await record(connection, entry_of(Actor("user", user_id), action, object_kind, object_id))


async def note_by_system(
    connection: AsyncConnection, action: str, object_kind: str, object_id: UUID
) -> None:
    """The same for what the program does by itself."""
    await record(connection, entry_of(SYSTEM, action, object_kind, object_id))
