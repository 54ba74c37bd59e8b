"""For which organization a caller acts who may act for several."""

from uuid import UUID

from fullhouse.api.errors import FORBIDDEN
from fullhouse.api.permissions import Permission
from fullhouse.api.principal import Principal, require
from fullhouse.api.refusals import ORGANIZATION_REQUIRED as ORGANIZATION_REQUIRED
from fullhouse.kit.errors import Refused


def organization_for(principal: Principal, permission: Permission, wanted: UUID | None) -> UUID:
    """The organization for which the caller acts.

    The only one they belong to, or the one they name. Refused with ``organization_required``
    when it must be named, and with ``forbidden`` when it is not theirs.
    """
    if wanted is not None:
        require(principal, permission, wanted)
        return wanted
    theirs = principal.organizations_with(permission)
    if theirs is None:
        # Whoever may act for all has one in mind; with one of their own it is that one.
        theirs = frozenset(principal.memberships)
        if len(theirs) != 1:
            raise Refused(ORGANIZATION_REQUIRED)
    if len(theirs) > 1:
        raise Refused(ORGANIZATION_REQUIRED)
    if not theirs:
        raise Refused(FORBIDDEN)
    return next(iter(theirs))
