"""What somebody is given who asks for all that is kept of them. Times are in UTC."""

from datetime import datetime
from uuid import UUID

from fullhouse.api.schemas import View


class DatesExport(View):
    """When things happened to the account; null for what did not."""

    created_at: datetime
    email_verified_at: datetime | None
    second_factor_at: datetime | None
    disabled_at: datetime | None


class MembershipExport(View):
    """A part in an organization."""

    organization_id: UUID
    organization_name: str
    role: str
    since: datetime


class InvitationExport(View):
    """An invitation that waits, or has run out."""

    organization_name: str
    role: str
    created_at: datetime
    expires_at: datetime


class IdentityExport(View):
    """Who the person is at another place where they can sign in."""

    issuer: str
    subject: str
    linked_at: datetime


class ProofExport(View):
    """A link or a code that was sent; ``sentTo`` is an address or a number."""

    purpose: str
    sent_to: str
    created_at: datetime
    expires_at: datetime


class AccountExport(View):
    """What the account holds beside its profile."""

    dates: DatesExport
    memberships: list[MembershipExport]
    invitations: list[InvitationExport]
    identities: list[IdentityExport]
    proofs: list[ProofExport]


class SessionExport(View):
    """A session, also one that has ended."""

    id: UUID
    method: str
    second_factor: bool
    address: str
    agent: str
    created_at: datetime
    last_used_at: datetime
    ended_at: datetime | None
    ended_because: str | None


class ActExport(View):
    """Something that the person did, as the audit log has it; ``address`` is where from."""

    at: datetime
    action: str
    object_kind: str
    object_id: str
    organization_id: UUID | None
    address: str
