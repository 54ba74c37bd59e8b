"""Who may write venues, for which organization, and which names of countries and zones exist."""

import functools
from uuid import UUID

from babel import Locale

from fullhouse.api.errors import FORBIDDEN
from fullhouse.api.principal import Principal
from fullhouse.kit.errors import Refused
from fullhouse.kit.zones import is_timezone as is_timezone
from fullhouse.venues.errors import ORGANIZATION_REQUIRED

# What CLDR lists among the territories without being a country of ISO 3166-1.
_NOT_COUNTRIES = frozenset({"EU", "EZ", "QO", "UN", "XA", "XB", "ZZ"})


def organization_for(principal: Principal, wanted: UUID | None) -> UUID:
    """The organization for which the caller acts.

    The only one they belong to, or the one they name. Refused with ``organization_required``
    when it must be named, and with ``forbidden`` when it is not theirs.
    """
    if wanted is not None:
        if not principal.acts_for(wanted):
            raise Refused(FORBIDDEN)
        return wanted
    if len(principal.memberships) == 1:
        return next(iter(principal.memberships))
    if principal.memberships or principal.is_admin:
        raise Refused(ORGANIZATION_REQUIRED)
    raise Refused(FORBIDDEN)


def owner_of_new_venue(principal: Principal, wanted: UUID | None) -> UUID | None:
    """The organization a new venue belongs to; None for an admin's, which is everybody's."""
    if wanted is None and principal.is_admin and not principal.memberships:
        return None
    return organization_for(principal, wanted)


@functools.cache
def _countries() -> frozenset[str]:
    territories = map(str, Locale("en").territories)
    codes = frozenset(code for code in territories if len(code) == 2 and code.isalpha())
    return codes - _NOT_COUNTRIES


def is_country(code: str) -> bool:
    """Whether this is an ISO 3166-1 alpha-2 code in capitals, such as ``NP``."""
    return code in _countries()
