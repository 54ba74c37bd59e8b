"""Who is calling: found out once for each request by the edge, the same for every route."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from litestar import Request

from fullhouse.api.errors import (
    FORBIDDEN,
    SECOND_FACTOR_NEEDED,
    UNAUTHENTICATED,
    USER_REQUIRED,
)
from fullhouse.api.permissions import (
    ADMIN,
    OF_MEMBER,
    OF_PLATFORM_ROLE,
    OPTION,
    Access,
    Permission,
    Who,
)
from fullhouse.kit.errors import Refused

# Where the edge leaves what it found out: a Principal, or the Refused that says why there is none.
# Absent when the request came without an Authorization header.
SCOPE_KEY = "fullhouse.caller"

_NOTHING: frozenset[Permission] = frozenset()


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key that acts for its organization, within its scopes."""

    organization_id: UUID
    scopes: frozenset[Permission]


@dataclass(frozen=True, slots=True)
class Principal:
    """Whoever signed in, or the API key, with what they may do.

    Roles come from the database and not from the token, so that a change counts at once.

    Attributes:
        id: the user's id, or the API key's own.
        role: the platform role that counts; keys have none.
        memberships: the role in each organization.
        session_id: the session that the access token belongs to; None for keys.
        key: what the API key may do, if one acts.
        lacks_second_factor: an administrator whose session does not count as one yet.
        good_for: seconds until the session or the key ends by itself, counted from when it was
            read; None for never.
    """

    id: UUID
    role: str
    memberships: Mapping[UUID, str] = field(default_factory=dict)
    session_id: UUID | None = None
    key: ApiKey | None = None
    lacks_second_factor: bool = False
    good_for: float | None = field(default=None, compare=False)

    @property
    def user_id(self) -> UUID:
        """The signed-in user; a key is refused with ``user_required``."""
        if self.key is not None:
            raise Refused(USER_REQUIRED)
        return self.id

    @property
    def is_stranger(self) -> bool:
        """Whether they belong to nobody, so that public routes show them what all strangers see."""
        return not (self.key or self.memberships or OF_PLATFORM_ROLE.get(self.role))

    @property
    def is_admin(self) -> bool:
        return self.role == ADMIN

    def may(self, permission: Permission, organization_id: UUID | None) -> bool:
        """Whether the caller has the permission in this organization (None: nobody's)."""
        if self.key is not None:
            return organization_id == self.key.organization_id and permission in self.key.scopes
        if permission in OF_PLATFORM_ROLE.get(self.role, _NOTHING):
            return True
        if organization_id is None:
            return False
        return permission in OF_MEMBER.get(self.memberships.get(organization_id, ""), _NOTHING)

    def may_somewhere(self, permission: Permission) -> bool:
        """Whether the caller has the permission in any organization at all."""
        if self.key is not None:
            return permission in self.key.scopes
        if permission in OF_PLATFORM_ROLE.get(self.role, _NOTHING):
            return True
        return any(permission in OF_MEMBER.get(r, _NOTHING) for r in self.memberships.values())

    def organizations_with(self, permission: Permission) -> frozenset[UUID] | None:
        """The organizations in which the caller has the permission; None means all of them."""
        if self.key is not None:
            own = {self.key.organization_id} if permission in self.key.scopes else ()
            return frozenset(own)
        if permission in OF_PLATFORM_ROLE.get(self.role, _NOTHING):
            return None
        return frozenset(
            organization_id
            for organization_id, role in self.memberships.items()
            if permission in OF_MEMBER.get(role, _NOTHING)
        )


# Turns a bearer token, or an API key, into its principal; raises Refused(UNAUTHENTICATED).
Authenticate = Callable[[str], Awaitable[Principal]]


async def identify(authorization: str, authenticate: Authenticate) -> Principal | Refused:
    """The caller that an Authorization header names, or why it names none.

    Other refusals than UNAUTHENTICATED, and failures of the database, are raised.
    """
    scheme, _, token = authorization.partition(" ")
    if scheme.lower() != "bearer" or not token:
        return Refused(UNAUTHENTICATED)
    try:
        return await authenticate(token.strip())
    except Refused as refused:
        if refused.code is not UNAUTHENTICATED:
            raise
        return refused


async def require_still(caller: Principal, authorization: str, authenticate: Authenticate) -> None:
    """Refuse a caller who may not do any more what they might when the request began."""
    if await identify(authorization, authenticate) != caller:
        detail = "What you may do has changed while the request was being sent: send it again."
        raise Refused(UNAUTHENTICATED, detail)


def caller_of(scope: Mapping[str, Any]) -> Principal:
    """The request's caller; Refused(UNAUTHENTICATED) without one."""
    found = scope.get(SCOPE_KEY)
    if isinstance(found, Principal):
        return found
    if isinstance(found, Refused):
        # A new one: an exception that is raised twice would collect both tracebacks.
        raise Refused(found.code, found.detail)
    raise Refused(UNAUTHENTICATED)


def visitor_of(scope: Mapping[str, Any]) -> Principal | None:
    """The caller of a public route; None when the request names none.

    Raises Refused(UNAUTHENTICATED) for one who cannot be believed.
    """
    return caller_of(scope) if SCOPE_KEY in scope else None


def check_access(access: Access, scope: Mapping[str, Any]) -> None:
    """Refuse a caller whom the route cannot be for, before anything of the request is read.

    Whether a permission holds in the very organization is for the command to say, which knows
    the object.
    """
    if access.who is Who.ANYBODY:
        return
    principal = caller_of(scope)
    if access.who is Who.MEMBER:
        assert access.permission is not None
        if not principal.may_somewhere(access.permission):
            raise _forbidden(principal)
        return
    if access.who is Who.OWNER:
        # Nothing is a key's own.
        if principal.key is not None and access.permission not in principal.key.scopes:
            raise Refused(FORBIDDEN)
        return
    if principal.key is not None:
        raise Refused(USER_REQUIRED)
    if access.who is Who.ROLE and principal.role not in access.roles:
        raise _forbidden(principal)


def access_of(options: Mapping[str, Any]) -> Access:
    """What a route declares, from its options.

    Raises TypeError when it declares nothing: such a route is for nobody, and no server starts
    with it.
    """
    access = options.get(OPTION)
    if not isinstance(access, Access):
        raise TypeError("a route must say for whom it is: access=PUBLIC, SIGNED_IN, member(…), …")
    return access


def require(principal: Principal, permission: Permission, organization_id: UUID | None) -> None:
    """Refuse with ``forbidden`` unless the caller has the permission in the organization."""
    if not principal.may(permission, organization_id):
        raise _forbidden(principal)


def _forbidden(principal: Principal) -> Refused:
    return Refused(SECOND_FACTOR_NEEDED if principal.lacks_second_factor else FORBIDDEN)


async def provide_principal(request: Request[Any, Any, Any]) -> Principal:
    """Dependency ``principal`` of routes that need a caller."""
    return caller_of(request.scope)


async def provide_visitor(request: Request[Any, Any, Any]) -> Principal | None:
    """Dependency ``visitor`` of public routes that show more to some: None without a token."""
    return visitor_of(request.scope)
