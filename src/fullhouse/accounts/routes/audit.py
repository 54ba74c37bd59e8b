"""The audit log, below ``/api/v1``."""

from uuid import UUID

from litestar import get

from fullhouse.accounts import listings
from fullhouse.accounts.schemas.audit import (
    Action,
    ActorId,
    EntryView,
    FullEntryView,
    ObjectId,
    ObjectKind,
    OrganizationId,
    entry_view,
    full_entry_view,
)
from fullhouse.api.errors import NOT_FOUND, problems
from fullhouse.api.pagination import DEFAULT_LIMIT, Cursor, Limit, Page, slice_of
from fullhouse.api.permissions import ADMIN_ONLY, Permission, member
from fullhouse.api.principal import Principal
from fullhouse.kit.db import Database


@get(
    "/organizations/{organization_id:uuid}/audit-log",
    access=member(Permission.AUDIT_READ),
    summary="What was done in an organization",
    tags=["Organizations"],
    responses=problems(NOT_FOUND),
)
async def organization_audit_log(
    organization_id: UUID,
    principal: Principal,
    database: Database,
    action: Action = None,
    actor_id: ActorId = None,
    object_kind: ObjectKind = None,
    object_id: ObjectId = None,
    limit: Limit = DEFAULT_LIMIT,
    cursor: Cursor = None,
) -> Page[EntryView]:
    """Who changed what, the newest first."""
    filters = listings.AuditFilters(organization_id, actor_id, action, object_kind, object_id)
    found = await listings.organization_audit_log(
        database, principal, organization_id, filters, slice_of(limit, cursor, None)
    )
    return Page([entry_view(one) for one in found.items], found.next_cursor)


@get(
    "/admin/audit-log",
    access=ADMIN_ONLY,
    summary="What was done anywhere",
    tags=["Administration"],
    responses=problems(),
)
async def audit_log(
    database: Database,
    organization_id: OrganizationId = None,
    action: Action = None,
    actor_id: ActorId = None,
    object_kind: ObjectKind = None,
    object_id: ObjectId = None,
    limit: Limit = DEFAULT_LIMIT,
    cursor: Cursor = None,
) -> Page[FullEntryView]:
    """Who changed what on the whole platform, the newest first."""
    filters = listings.AuditFilters(organization_id, actor_id, action, object_kind, object_id)
    found = await listings.audit_log(database, filters, slice_of(limit, cursor, None))
    return Page([full_entry_view(one) for one in found.items], found.next_cursor)


ROUTES = [organization_audit_log, audit_log]
