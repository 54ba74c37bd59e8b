"""Who may write venues, for which organization, and which names of countries and zones exist."""

import functools
from uuid import UUID

from babel import Locale

from fullhouse.api.errors import FORBIDDEN
from fullhouse.api.permissions import Permission
from fullhouse.api.principal import Principal, require
from fullhouse.kit.errors import Refused
from fullhouse.kit.zones import is_timezone as is_timezone
from fullhouse.venues.errors import ORGANIZATION_REQUIRED

# What CLDR lists among the territories without being a country of ISO 3166-1.
_NOT_COUNTRIES = frozenset({"EU", "EZ", "QO", "UN", "XA", "XB", "ZZ"})


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


def owner_of_new_venue(principal: Principal, wanted: UUID | None) -> UUID | None:
    """The organization a new venue belongs to; None for an admin's, which is everybody's."""
    if wanted is None and principal.is_admin and not principal.memberships:
        return None
    return organization_for(principal, Permission.VENUES_WRITE, wanted)


@functools.cache
def _countries() -> frozenset[str]:
    territories = map(str, Locale("en").territories)
    codes = frozenset(code for code in territories if len(code) == 2 and code.isalpha())
    return codes - _NOT_COUNTRIES


def is_country(code: str) -> bool:
    """Whether this is an ISO 3166-1 alpha-2 code in capitals, such as ``NP``."""
    return code in _countries()
