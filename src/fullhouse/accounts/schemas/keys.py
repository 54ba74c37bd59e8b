"""Requests and answers about API keys."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from msgspec import Meta

from fullhouse.accounts.commands.keys import MadeKey
from fullhouse.accounts.store.keys import ListedKey
from fullhouse.api.schemas import Body, Line, View

# The same as api.permissions.KEY_SCOPES; a test holds them together.
Scope = Literal[
    "events:read",
    "events:write",
    "events:cancel",
    "venues:write",
    "bookings:read",
    "bookings:write",
    "places:write",
    "check-in",
    "members:read",
    "audit-log:read",
]


class ApiKeyBody(Body):
    """What a new key is for, and what it may do."""

    name: Annotated[Line, Meta(description="What it is for, to tell it from others.")]
    scopes: Annotated[
        list[Scope], Meta(min_length=1, max_length=20, description="All that it may do.")
    ]
    # With an offset, so that there is no doubt which moment is meant.
    expires_at: (
        Annotated[
            datetime,
            Meta(tz=True, description="At most ten years ahead; without it the key has no end."),
        ]
        | None
    ) = None


class ApiKeyView(View):
    """A key as the organization sees it."""

    id: UUID
    name: str
    shown: Annotated[str, Meta(description="How the key begins, to tell it from others.")]
    scopes: Sequence[str]
    created_by: Annotated[UUID, Meta(description="The user who made it.")]
    created_at: datetime
    expires_at: datetime | None
    last_used_at: Annotated[datetime | None, Meta(description="To the minute; null for never.")]


class NewApiKeyView(ApiKeyView):
    """A key that has just been made; ``key`` is shown this once."""

    key: str


class ApiKeysView(View):
    """All keys of an organization that are good, oldest first."""

    items: list[ApiKeyView]


def api_key_view(listed: ListedKey) -> ApiKeyView:
    """A key as it is listed."""
    return ApiKeyView(
        listed.id,
        listed.name,
        listed.shown,
        listed.scopes,
        listed.created_by,
        listed.created_at,
        listed.expires_at,
        listed.last_used_at,
    )


def new_api_key_view(made: MadeKey) -> NewApiKeyView:
    """A key as its maker sees it once."""
    listed = made.listed
    return NewApiKeyView(
        listed.id,
        listed.name,
        listed.shown,
        listed.scopes,
        listed.created_by,
        listed.created_at,
        listed.expires_at,
        listed.last_used_at,
        made.text,
    )
