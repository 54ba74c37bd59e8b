"""Who is calling: taken from the bearer token, the same for every route."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from litestar import Request

from fullhouse.api.errors import FORBIDDEN, UNAUTHENTICATED
from fullhouse.kit.errors import Refused

ADMIN = "ADMIN"
ORGANIZER = "ORGANIZER"
USER = "USER"

# Where the request's principal waits for its route once it is known (api.requests.prepare).
SCOPE_KEY = "fullhouse.principal"


@dataclass(frozen=True, slots=True)
class Principal:
    """The signed-in user, with the platform role and the role in each organization.

    Roles come from the database and not from the token, so that a change counts at once.
    """

    user_id: UUID
    role: str
    memberships: Mapping[UUID, str] = field(default_factory=dict)

    @property
    def is_admin(self) -> bool:
        return self.role == ADMIN

    def acts_for(self, organization_id: UUID | None) -> bool:
        """True when the user may run this organization's business (admins: any)."""
        return self.is_admin or organization_id in self.memberships


# Turns a bearer token into its principal; raises Refused(UNAUTHENTICATED).
Authenticate = Callable[[str], Awaitable[Principal]]


async def principal_of_header(authorization: str | None, authenticate: Authenticate) -> Principal:
    """The caller named by an Authorization header; refused with ``unauthenticated`` if none is."""
    scheme, _, token = (authorization or "").partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise Refused(UNAUTHENTICATED)
    return await authenticate(token.strip())


async def provide_principal(request: Request[Any, Any, Any]) -> Principal:
    """Dependency ``principal`` of routes that need a signed-in user."""
    known: Principal | None = request.scope.get(SCOPE_KEY)  # type: ignore[assignment]
    return known or await principal_of_header(
        request.headers.get("authorization"), request.app.state.authenticate
    )


async def provide_visitor(request: Request[Any, Any, Any]) -> Principal | None:
    """Dependency ``visitor`` of public routes that show more to some: None without a token."""
    if "authorization" not in request.headers:
        return None
    return await provide_principal(request)


def require_member(principal: Principal, organization_id: UUID | None) -> None:
    """Refuse with ``forbidden`` unless the caller acts for the organization."""
    if not principal.acts_for(organization_id):
        raise Refused(FORBIDDEN)
