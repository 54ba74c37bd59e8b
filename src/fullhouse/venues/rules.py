"""Who may write venues, for which organization, and which names of countries and zones exist."""

import functools
from collections.abc import Iterable
from uuid import UUID

from babel import Locale

from fullhouse.api.organizations import organization_for as organization_for
from fullhouse.api.permissions import Permission
from fullhouse.api.principal import Principal
from fullhouse.kit.zones import is_timezone as is_timezone

# What CLDR lists among the territories without being a country of ISO 3166-1.
_NOT_COUNTRIES = frozenset({"EU", "EZ", "QO", "UN", "XA", "XB", "ZZ"})

COUNTRY_IN_WORDS = "must be the two letters of a country, such as DE (ISO 3166-1 alpha-2)"


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


def tidy(name: str) -> str:
    """The name with single blanks between its words, and none around them."""
    return " ".join(name.split())


def tidied(words: Iterable[str]) -> tuple[str, ...]:
    """The words in their order, with single blanks, each once whatever its case.

    Doing it again changes nothing.
    """
    kept: dict[str, str] = {}
    for name in map(tidy, words):
        if name:
            kept.setdefault(name.casefold(), name)
    return tuple(kept.values())


def camel(name: str) -> str:
    """``hold_seconds`` as the API writes it: ``holdSeconds``."""
    first, *others = name.split("_")
    return first + "".join(map(str.capitalize, others))
