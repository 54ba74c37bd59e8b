"""The audit log as it is shown, and its query parameters."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from litestar.params import QueryParameter
from msgspec import Meta

from fullhouse.api.schemas import View
from fullhouse.kit.audit import ActorKind, Recorded

ActorId = Annotated[
    UUID | None, QueryParameter(name="actorId", description="By this user or API key.")
]
Action = Annotated[
    str | None,
    QueryParameter(max_length=100, description="Such as member.role_changed."),
]
ObjectKind = Annotated[
    str | None,
    QueryParameter(name="objectKind", max_length=100, description="Such as member or api_key."),
]
ObjectId = Annotated[
    str | None, QueryParameter(name="objectId", max_length=100, description="Done to this.")
]
OrganizationId = Annotated[
    UUID | None, QueryParameter(name="organizationId", description="In this organization.")
]


class ActorView(View):
    """Who did it; the program and its operator have no id."""

    kind: ActorKind
    id: UUID | None


class EntryView(View):
    """One thing that was done."""

    id: UUID
    at: datetime
    actor: ActorView
    action: Annotated[str, Meta(examples=["member.role_changed"])]
    object_kind: str
    object_id: str
    organization_id: UUID | None
    request_id: Annotated[str, Meta(description="The X-Request-Id of the request that did it.")]
    before: dict[str, Any] | None
    after: dict[str, Any] | None


class FullEntryView(EntryView):
    """The same for administrators: also where it was done from."""

    address: Annotated[str, Meta(description="The client's IP address; empty without one.")]


def entry_view(recorded: Recorded) -> EntryView:
    """An entry as the members of its organization see it: without anybody's IP address."""
    entry = recorded.entry
    return EntryView(
        recorded.id,
        recorded.at,
        ActorView(entry.actor.kind, entry.actor.id),
        entry.action,
        entry.object_kind,
        entry.object_id,
        entry.organization_id,
        entry.request_id,
        None if entry.before is None else dict(entry.before),
        None if entry.after is None else dict(entry.after),
    )


def full_entry_view(recorded: Recorded) -> FullEntryView:
    """An entry as administrators see it."""
    entry = recorded.entry
    return FullEntryView(
        recorded.id,
        recorded.at,
        ActorView(entry.actor.kind, entry.actor.id),
        entry.action,
        entry.object_kind,
        entry.object_id,
        entry.organization_id,
        entry.request_id,
        None if entry.before is None else dict(entry.before),
        None if entry.after is None else dict(entry.after),
        entry.address,
    )
